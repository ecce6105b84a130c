//! Where built programs are: Cargo names those of a test's own package only.
//! It knows nothing of what the programs do.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How to get it; what one builds for tests has other features than what one builds to be run.
const BUILD: &str =
    if cfg!(debug_assertions) { "cargo test --no-run --test program" } else { "cargo build --release --bins" };

/// The program of this name; an error when it is not there, or older than its sources.
pub fn program(name: &str) -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|e| format!("cannot tell where this program is: {e}"))?;
    // Tests lie one folder below the programs.
    let folder =
        here.parent().map(|folder| if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder });
    let program = folder.unwrap_or(Path::new("")).join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
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
