//! Actions that write what Omni sends to a file.
//! The file is readable by its owner alone, is there either whole or not at all, and takes the place of another one only if that is configured.

use super::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::omni::ErrorKind;
use crate::tf::check::not_empty;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path as Attr;
use crate::tf::schema::{Schema, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::text::quoted;
use std::io;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

const PATH: &str = "path";
const OVERWRITE: &str = "overwrite";

/// How often a transfer begins again after its connection broke.
const RESTARTS: usize = 3;

/// Something that Omni sends.
#[async_trait]
pub(crate) trait ExportSource: Send + Sync + 'static {
    /// The name of its action, and how messages call it.
    fn facts(&self) -> Facts;

    /// What its page says, and its attributes without those of the file.
    fn schema(&self) -> Schema;

    /// Checks of the configuration that need no server.
    fn validate(&self, _config: &Value, _diags: &mut Diagnostics) {}

    /// Checks a configuration against the server, at plan time.
    ///
    /// # Errors
    /// When that cannot be found out.
    async fn check(&self, _cx: &Cx, _config: &Value, _diags: &mut Diagnostics) -> Result<(), Failure> {
        Ok(())
    }

    /// Writes everything to the file. After an error that may pass it is called again, with an empty file.
    ///
    /// # Errors
    /// When Omni refuses or does not answer, or the file cannot be written.
    async fn fetch(&self, run: &Run<'_>, config: &Value, file: &mut Export) -> Result<(), Failure>;
}

/// The action that writes such a thing to a file.
pub(crate) struct ExportAction<S>(pub(crate) S);

#[async_trait]
impl<S: ExportSource> OmniAction for ExportAction<S> {
    fn facts(&self) -> Facts {
        self.0.facts()
    }

    fn schema(&self) -> Schema {
        self.0.schema()
            .with(string(PATH).required().at_most(4096).check(not_empty()).doc(
                "Path of the file to write, relative to the working directory of Terraform. Only its owner can read the file (mode 0600), and its folder must exist.",
            ))
            .with(boolean(OVERWRITE).default(false).doc(
                "Whether to replace a file that exists. A symbolic link to a file is replaced, and the file that it leads to stays as it is.",
            ))
    }

    /// Nothing in Omni changes.
    fn writes(&self, _config: &Value) -> bool {
        false
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        if let Some(path) = config.get(PATH).as_str()
            && !path.is_empty()
            && !names_a_file(path)
        {
            diags.push(unwritable(path, "its path is that of a folder"));
        }
        self.0.validate(config, diags);
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        if let Some(path) = config.get(PATH).as_str() {
            let overwrite = config.get(OVERWRITE).as_bool();
            match problem(Path::new(path), overwrite != Some(false)) {
                Some(Problem::Exists) => diags.push(exists(path, EXISTS)),
                Some(Problem::Unwritable(why)) => diags.push(unwritable(path, why)),
                Some(Problem::NoFolder) => diags.push(
                    Diagnostic::warning(
                        format!("The folder of {} does not exist", quoted(path)),
                        "The action does not create it, and will fail unless it exists by then.",
                    )
                    .hint("Create the folder first.")
                    .at(Attr::of(PATH)),
                ),
                None => {}
            }
        }
        self.0.check(cx, config, diags).await
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        let path = config.get(PATH).as_str().unwrap_or_default();
        let mut file = Export::create(path, config.get(OVERWRITE).as_bool() == Some(true)).await?;
        let mut restarts = 0;
        while let Err(failure) = self.0.fetch(run, config, &mut file).await {
            if restarts == RESTARTS || !failure.is(ErrorKind::Unavailable) {
                if file.size > 0 {
                    run.seen(format!("{} bytes were received", file.size)).await;
                }
                return Err(failure);
            }
            restarts += 1;
            run.say("The connection to Omni broke; beginning again").await;
            file.restart().await?;
        }
        let size = file.size;
        file.finish().await?;
        run.done(format!("Wrote {size} bytes to {}", quoted(path))).await;
        Ok(())
    }
}

/// What keeps a file from being written.
enum Problem {
    /// A file is there.
    Exists,
    /// There can be no file of this path, for this reason.
    Unwritable(&'static str),
    /// The folder is not there.
    NoFolder,
}

/// Whether the path is that of a file, as far as can be told from it: a path that ends with a separator is not.
fn names_a_file(path: &str) -> bool {
    !path.ends_with(std::path::is_separator) && Path::new(path).file_name().is_some()
}

fn problem(path: &Path, overwrite: bool) -> Option<Problem> {
    // A link is judged by what it leads to: those to folders and devices, such as `/dev/stdout`, are there for a purpose.
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return Some(Problem::Unwritable("it is a folder")),
        Ok(found) if !found.is_file() => return Some(Problem::Unwritable("it is a pipe, a socket or a device")),
        _ => {}
    }
    match std::fs::symlink_metadata(path) {
        Ok(_) if !overwrite => return Some(Problem::Exists),
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => {
            return Some(Problem::Unwritable("its name is too long"));
        }
        _ => {}
    }
    (!folder(path).is_dir()).then_some(Problem::NoFolder)
}

/// The folder of a file; a name alone stands for a file in the working directory.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

const EXISTS: &str = "a file of this name exists";

fn exists(path: &str, why: &str) -> Diagnostic {
    unwritable(path, why).hint("Choose another `path`, or set `overwrite = true` to replace the file.")
}

fn unwritable(path: &str, why: &str) -> Diagnostic {
    Diagnostic::error(format!("Cannot write {}", quoted(path)), format!("The file is not written, since {why}."))
        .hint("Choose another `path`.")
        .at(Attr::of(PATH))
}

/// A file that is being written, under another name until it is whole.
pub(crate) struct Export {
    path: PathBuf,
    part: PathBuf,
    file: tokio::fs::File,
    overwrite: bool,
    size: usize,
    whole: bool,
}

impl Export {
    /// Begins a file.
    async fn create(path: &str, overwrite: bool) -> Result<Self, Failure> {
        match problem(Path::new(path), overwrite) {
            Some(Problem::Exists) => return Err(exists(path, EXISTS).into()),
            Some(Problem::Unwritable(why)) => return Err(unwritable(path, why).into()),
            Some(Problem::NoFolder) | None => {}
        }
        let path = PathBuf::from(path);
        let part = folder(&path).join(format!(".omni-{}.part", uuid::Uuid::new_v4()));
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        options.mode(0o600);
        let file = options.open(&part).await.map_err(|error| failed(&path, &error))?;
        Ok(Self { path, part, file, overwrite, size: 0, whole: false })
    }

    /// Adds to the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.size += bytes.len();
        Ok(self.file.write_all(bytes).await.map_err(|error| failed(&self.path, &error))?)
    }

    async fn restart(&mut self) -> Result<(), Failure> {
        self.size = 0;
        let emptied = async {
            self.file.rewind().await?;
            self.file.set_len(0).await
        };
        Ok(emptied.await.map_err(|error| failed(&self.path, &error))?)
    }

    /// Gives the file its name.
    async fn finish(mut self) -> Result<(), Failure> {
        let kept = async {
            self.file.flush().await?;
            self.file.sync_all().await
        };
        kept.await.map_err(|error| failed(&self.path, &error))?;
        if !self.overwrite {
            // Whoever makes the file first has it; after this, it is ours to replace.
            match tokio::fs::OpenOptions::new().write(true).create_new(true).open(&self.path).await {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(
                        exists(&self.path.to_string_lossy(), "a file of this name was made in the meantime").into()
                    );
                }
                Err(error) => return Err(failed(&self.path, &error).into()),
            }
        }
        if let Err(error) = tokio::fs::rename(&self.part, &self.path).await {
            if !self.overwrite {
                // It is empty, and nobody else's.
                drop(tokio::fs::remove_file(&self.path).await);
            }
            return Err(failed(&self.path, &error).into());
        }
        self.whole = true;
        Ok(())
    }
}

/// A part of a file helps nobody.
impl Drop for Export {
    fn drop(&mut self) {
        if !self.whole
            && let Err(error) = std::fs::remove_file(&self.part)
        {
            tracing::warn!(path = %self.part.display(), %error, "a part of a file is left");
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::from_error(format!("Could not write {}", quoted(&path.to_string_lossy())), error)
        .hint("Check that the folder exists, that Terraform may write to it, and that the disk is not full.")
        .at(Attr::of(PATH))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn said(failure: Failure) -> String {
        match failure {
            Failure::Refused(diagnostic) => format!("{} {}", diagnostic.summary, diagnostic.text()),
            Failure::Call(error) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn a_file_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let path = path.to_str().unwrap();
        let mut file = Export::create(path, false).await.unwrap();
        file.write(b"half").await.unwrap();
        drop(file);
        assert_eq!(names(folder.path()), [""; 0]);

        let mut file = Export::create(path, false).await.unwrap();
        file.write(b"half").await.unwrap();
        file.restart().await.unwrap();
        file.write(b"all").await.unwrap();
        file.finish().await.unwrap();
        assert_eq!((names(folder.path()), std::fs::read(path).unwrap()), (vec!["log".to_owned()], b"all".to_vec()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn a_file_that_is_there_stays_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let path = path.to_str().unwrap();
        // One that comes while the other is written counts as well.
        let late = Export::create(path, false).await.unwrap();
        std::fs::write(path, "mine").unwrap();
        assert!(said(late.finish().await.unwrap_err()).contains("was made in the meantime"));
        let there = said(Export::create(path, false).await.err().unwrap());
        assert!(there.contains("a file of this name exists") && there.contains("overwrite = true"), "{there}");
        assert_eq!((names(folder.path()), std::fs::read(path).unwrap()), (vec!["log".to_owned()], b"mine".to_vec()));
        let mut file = Export::create(path, true).await.unwrap();
        file.write(b"new").await.unwrap();
        file.finish().await.unwrap();
        assert_eq!((names(folder.path()), std::fs::read(path).unwrap()), (vec!["log".to_owned()], b"new".to_vec()));
        let inside = folder.path().join("none/log");
        assert!(said(Export::create(inside.to_str().unwrap(), true).await.err().unwrap()).contains("Could not write"));
        let taken = said(Export::create(folder.path().to_str().unwrap(), true).await.err().unwrap());
        assert!(taken.contains("a folder") && !taken.contains("overwrite"), "{taken}");
        let long = folder.path().join("n".repeat(300));
        assert!(said(Export::create(long.to_str().unwrap(), false).await.err().unwrap()).contains("too long"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_a_link_to_a_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("theirs"), "theirs").unwrap();
        for (link, to, why) in [
            ("folder", folder.path().to_owned(), Some("it is a folder")),
            ("device", "/dev/null".into(), Some("it is a pipe, a socket or a device")),
            ("file", at("theirs"), None),
            ("nowhere", at("none"), None),
        ] {
            std::os::unix::fs::symlink(&to, at(link)).unwrap();
            let path = at(link).to_str().unwrap().to_owned();
            assert!(Export::create(&path, false).await.is_err(), "{link}");
            match (Export::create(&path, true).await, why) {
                (Err(failure), Some(why)) => assert!(said(failure).contains(why), "{link}"),
                (Ok(mut file), None) => {
                    file.write(b"ours").await.unwrap();
                    file.finish().await.unwrap();
                    assert_eq!(std::fs::read(&path).unwrap(), b"ours", "{link}");
                }
                (made, _) => panic!("{link}: {}", made.is_ok()),
            }
        }
        assert_eq!(std::fs::read(at("theirs")).unwrap(), b"theirs");
        assert!(!at("none").exists());
    }

    #[test]
    fn a_folder_is_told_by_its_path() {
        for (path, names) in
            [("a", true), ("a/b", true), ("./a", true), ("a/", false), ("..", false), ("a/..", false), ("/", false)]
        {
            assert_eq!(names_a_file(path), names, "{path}");
        }
    }
}
