//! Publishes the endpoint of a simulated server to other programs: a line of JSON, and files that only their owner can read.

use super::instance::Sim;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file for other programs could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", .path.display())]
pub struct EndpointFileError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// What was told; files that nobody else keeps go with it.
#[derive(Debug)]
pub struct EndpointFile {
    line: String,
    made: Option<PathBuf>,
}

impl EndpointFile {
    /// Writes the certificate of the authority, if there is one, into `folder` or a folder of its own,
    /// and the two variables into `env_file`, if one is named.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn new(sim: &Sim, folder: Option<&Path>, env_file: Option<&Path>) -> Result<Self, EndpointFileError> {
        let (endpoint, key) = (sim.endpoint(), sim.service_account_key());
        let mut ready = serde_json::json!({ "endpoint": endpoint, "service_account_key": key });
        let others = sim.service_account_keys();
        if !others.is_empty() {
            let keys = others.into_iter().map(|(name, key)| (name, serde_json::Value::String(key)));
            ready["service_account_keys"] = serde_json::Value::Object(keys.collect());
        }
        let mut endpoint_file = Self { line: String::new(), made: None };
        if let Some(pem) = sim.ca_pem() {
            let folder = match folder {
                Some(folder) => folder.to_owned(),
                None => endpoint_file.made.insert(own_folder()?).clone(),
            };
            let file = folder.join("ca.pem");
            write_private(&file, pem)?;
            ready["ca_file"] = file.to_string_lossy().into();
        }
        if let Some(file) = env_file {
            write_private(file, &format!("OMNI_ENDPOINT={endpoint}\nOMNI_SERVICE_ACCOUNT_KEY={key}\n"))?;
        }
        endpoint_file.line = ready.to_string();
        Ok(endpoint_file)
    }

    /// One line of JSON: endpoint, key, and the file of the authority.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Writes the line into a file that only its owner reads; it is complete as soon as it is there.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_line(&self, file: &Path) -> Result<(), EndpointFileError> {
        write_private(file, &format!("{}\n", self.line))
    }
}

impl Drop for EndpointFile {
    fn drop(&mut self) {
        if let Some(folder) = &self.made
            && let Err(error) = fs::remove_dir_all(folder)
        {
            tracing::warn!(%error, folder = %folder.display(), "a temporary folder stays");
        }
    }
}

/// A folder that no other program could have prepared.
fn own_folder() -> Result<PathBuf, EndpointFileError> {
    let path = std::env::temp_dir().join(format!("omni-sim-{}", uuid::Uuid::new_v4().simple()));
    fs::create_dir(&path).map_err(|source| EndpointFileError { path: path.clone(), source })?;
    Ok(path)
}

/// Written anew, so that the wider permissions of an older file do not stay, and put in place as a whole.
fn write_private(path: &Path, text: &str) -> Result<(), EndpointFileError> {
    replace(path, text).map_err(|source| EndpointFileError { path: path.to_owned(), source })
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = &replaceable(path)?;
    let fresh = path.with_extension(format!("{}.new", uuid::Uuid::new_v4().simple()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&fresh)?.write_all(text.as_bytes())?;
    fs::rename(&fresh, path)
}

/// The file itself, where a link leads to one. A pipe or a device is refused: a file in its place would take it away
/// from everybody.
fn replaceable(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::canonicalize(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use serde_json::Value;

    #[tokio::test]
    async fn files_and_line_agree_with_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let env_file = folder.path().join("omni.env");
        fs::write(&env_file, "old").unwrap();
        let sim = Sim::start(Options { tls: true, ..Options::stepped() }).await.unwrap();
        let endpoint_file = EndpointFile::new(&sim, None, Some(&env_file)).unwrap();
        let line: Value = serde_json::from_str(endpoint_file.line()).unwrap();
        assert_eq!(line["endpoint"], sim.endpoint());
        assert_eq!(line["service_account_key"], sim.service_account_key());
        let ca_file = PathBuf::from(line["ca_file"].as_str().unwrap());
        assert_eq!(fs::read_to_string(&ca_file).unwrap(), sim.ca_pem().unwrap());
        assert_eq!(
            fs::read_to_string(&env_file).unwrap(),
            format!("OMNI_ENDPOINT={}\nOMNI_SERVICE_ACCOUNT_KEY={}\n", sim.endpoint(), sim.service_account_key())
        );
        let ready_file = folder.path().join("ready.json");
        fs::write(&ready_file, "old").unwrap();
        endpoint_file.write_line(&ready_file).unwrap();
        assert_eq!(fs::read_to_string(&ready_file).unwrap(), format!("{}\n", endpoint_file.line()));
        #[cfg(unix)]
        for file in [&env_file, &ready_file] {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        }
        drop(endpoint_file);
        assert!(!ca_file.exists());
        assert!(env_file.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_files_are_replaced() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let (socket, file, link) =
            (folder.path().join("socket"), folder.path().join("file"), folder.path().join("link"));
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let refused = write_private(&socket, "text").unwrap_err();
        assert_eq!(refused.source.to_string(), "it is no regular file");
        assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_private(&link, "text").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "text");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[tokio::test]
    async fn without_tls_there_is_no_authority() {
        let sim = Sim::start(Options::stepped()).await.unwrap();
        let line: Value = serde_json::from_str(EndpointFile::new(&sim, None, None).unwrap().line()).unwrap();
        assert!(line.get("ca_file").is_none());
        let missing = EndpointFile::new(&sim, None, Some(Path::new("/nonexistent/file"))).unwrap_err();
        assert_eq!(missing.to_string(), "cannot write /nonexistent/file");
    }
}
