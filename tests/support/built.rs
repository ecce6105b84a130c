//! Where the built simulator is. It is the program of another member, and Cargo names only those of a test's own package.
//! It knows nothing of what the program does.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How to get it; what one builds for tests has other features than what one builds to be run.
const BUILD: &str =
    if cfg!(debug_assertions) { "cargo test --no-run --test program" } else { "cargo build --release --bins" };

/// The program, which lies beside the provider's; an error when it is not there, or older than its sources.
pub fn omni_sim() -> Result<PathBuf, String> {
    let program = Path::new(env!("CARGO_BIN_EXE_terraform-provider-omni"))
        .with_file_name(format!("omni-sim{}", std::env::consts::EXE_SUFFIX));
    let wrong = |what: String| format!("{what}; `{BUILD}` builds it");
    let built = changed(&program).ok_or_else(|| wrong(format!("there is no {}", program.display())))?;
    match sources(&program).into_iter().find(|source| changed(source).is_some_and(|changed| changed > built)) {
        Some(newer) => Err(wrong(format!("{} is older than {}", program.display(), newer.display()))),
        None => Ok(program),
    }
}

fn changed(file: &Path) -> Option<SystemTime> {
    file.metadata().ok()?.modified().ok()
}

/// What Cargo has made it of: `program: source source …`, with a backslash before blanks in names.
fn sources(program: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let list = text.split_once(": ").map_or("", |(_, list)| list.trim_end());
    list.replace("\\ ", "\0").split(' ').map(|name| PathBuf::from(name.replace('\0', " "))).collect()
}
