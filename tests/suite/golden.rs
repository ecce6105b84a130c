//! Golden files: generated text in the tree, where a review sees its changes.
//! `UPDATE_GOLDEN=1` rewrites them; without it a difference fails and is printed.

use crate::update;
use similar::TextDiff;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Holds every file below `folder` against `expected`, by path with `/` between the parts.
/// A file that is not expected counts as a difference, and an update removes it.
///
/// # Panics
/// When they differ and no update is asked for.
#[track_caller]
pub fn assert_folder(folder: &Path, expected: &BTreeMap<String, String>) {
    let result = if update::golden() { write(folder, expected) } else { compare(folder, expected) };
    if let Err(problem) = result {
        panic!("{problem}");
    }
}

/// Holds a file against `expected`; `changes` says what differs, in the terms of what the file holds.
///
/// # Panics
/// When they differ and no update is asked for.
#[track_caller]
pub fn assert_file(file: &Path, expected: &str, changes: &dyn Fn() -> String) {
    if fs::read_to_string(file).is_ok_and(|text| text == expected) {
        return;
    }
    if update::golden() {
        fs::write(file, expected).expect("a writable file");
        return;
    }
    panic!("{} is out of date; `UPDATE_GOLDEN=1 cargo test` rewrites it\n{}", file.display(), changes());
}

/// Holds the part of a file between `<!-- name -->` and `<!-- /name -->` against `expected`.
///
/// # Panics
/// When they differ and no update is asked for, or when the file has no such part.
#[track_caller]
pub fn assert_section(file: &Path, name: &str, expected: &str) {
    let text = fs::read_to_string(file).expect("a readable file");
    let whole = replaced(&text, name, expected).unwrap_or_else(|| panic!("{} has no part `{name}`", file.display()));
    if whole == text {
        return;
    }
    if update::golden() {
        fs::write(file, whole).expect("a writable file");
        return;
    }
    let diff = TextDiff::from_lines(text.as_str(), whole.as_str());
    let diff = diff.unified_diff().context_radius(3).header("in the tree", "as it should be").to_string();
    panic!("{} is out of date; `UPDATE_GOLDEN=1 cargo test` rewrites it\n{diff}", file.display());
}

/// The text with another part between its marks.
fn replaced(text: &str, name: &str, part: &str) -> Option<String> {
    let (before, rest) = text.split_once(&format!("<!-- {name} -->\n"))?;
    let (_, after) = rest.split_once(&format!("<!-- /{name} -->\n"))?;
    Some(format!("{before}<!-- {name} -->\n\n{part}\n<!-- /{name} -->\n{after}"))
}

fn compare(folder: &Path, expected: &BTreeMap<String, String>) -> Result<(), String> {
    let mut found = BTreeMap::new();
    for path in files_below(folder)? {
        let text = fs::read_to_string(folder.join(&path)).map_err(|e| format!("could not read {path}: {e}"))?;
        found.insert(path, text);
    }
    let mut problems = String::new();
    for (path, text) in expected {
        match found.remove(path) {
            None => problems.push_str(&format!("{path} is missing\n")),
            Some(old) if old != *text => {
                let diff = TextDiff::from_lines(old.as_str(), text.as_str());
                let (old, new) = (format!("{path} in the tree"), format!("{path} as it should be"));
                problems.push_str(&diff.unified_diff().context_radius(3).header(&old, &new).to_string());
            }
            Some(_) => {}
        }
    }
    for path in found.keys() {
        problems.push_str(&format!("{path} is left over\n"));
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!("{} is out of date; `UPDATE_GOLDEN=1 cargo test` rewrites it\n{problems}", folder.display()))
}

fn write(folder: &Path, expected: &BTreeMap<String, String>) -> Result<(), String> {
    for (path, text) in expected {
        let file = folder.join(path);
        let parent = file.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|e| format!("could not make {}: {e}", parent.display()))?;
        // An unchanged file keeps its modification time, so that it causes no rebuild.
        if fs::read_to_string(&file).ok().as_ref() != Some(text) {
            fs::write(&file, text).map_err(|e| format!("could not write {}: {e}", file.display()))?;
        }
    }
    for path in files_below(folder)?.iter().filter(|p| !expected.contains_key(*p)) {
        fs::remove_file(folder.join(path)).map_err(|e| format!("could not remove {path}: {e}"))?;
    }
    Ok(())
}

/// Every file below, sorted; none when the folder is not there.
fn files_below(folder: &Path) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let here = folder.join(&below);
        if !here.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&here).map_err(|e| format!("could not list {}: {e}", here.display()))? {
            let entry = entry.map_err(|e| format!("could not list {}: {e}", here.display()))?;
            let path = below.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else {
                files.push(path.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"));
            }
        }
    }
    files.sort();
    Ok(files)
}

mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn only_a_variable_that_asks_for_it_rewrites() {
        for (value, expected) in [(None, false), (Some(""), false), (Some("0"), false), (Some("1"), true)] {
            assert_eq!(update::asked(value.map(OsStr::new)), expected, "{value:?}");
        }
    }

    /// A program that reads the variable by itself could give it another meaning.
    #[test]
    fn one_place_reads_the_variable() {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let reads = |path: &String| {
            let text = fs::read_to_string(tests.join(path)).unwrap_or_default();
            path.ends_with(".rs") && text.lines().any(|l| l.contains(concat!("var_os(\"UPDATE_", "GOLDEN\")")))
        };
        let found: Vec<_> = files_below(&tests).expect("the tests").into_iter().filter(reads).collect();
        assert_eq!(found, ["support/update.rs"]);
    }

    fn pages(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &pages(&[("a.md", "one\ntwo\n"), ("b/c.md", "x\n"), ("b/d.md", "y\n")])).expect("written");
        let expected = pages(&[("a.md", "one\nthree\n"), ("b/c.md", "x\n"), ("new.md", "z\n")]);
        let problem = compare(folder.path(), &expected).expect_err("differences");
        for part in ["UPDATE_GOLDEN=1", "-two\n", "+three\n", "new.md is missing\n", "b/d.md is left over\n"] {
            assert!(problem.contains(part), "{part:?} is not in:\n{problem}");
        }
        assert!(!problem.contains("c.md"), "{problem}");
    }

    #[test]
    fn an_update_writes_and_removes() {
        let folder = tempfile::tempdir().expect("a folder");
        let below = folder.path().join("docs");
        write(&below, &pages(&[("a.md", "1\n"), ("b/stale.md", "2\n")])).expect("written");
        let expected = pages(&[("a.md", "3\n"), ("c/d.md", "4\n")]);
        write(&below, &expected).expect("written again");
        assert_folder(&below, &expected);
        assert!(!below.join("b/stale.md").exists());
    }

    #[test]
    fn only_the_part_between_the_marks_is_replaced() {
        let text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
        assert_eq!(replaced(text, "x", "new\n").as_deref(), Some("a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb\n"));
        assert_eq!(replaced(text, "y", "new\n"), None);
    }

    #[test]
    fn no_folder_is_an_empty_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(compare(&folder.path().join("none"), &BTreeMap::new()), Ok(()));
        let problem = compare(&folder.path().join("none"), &pages(&[("a.md", "")])).expect_err("missing");
        assert!(problem.contains("a.md is missing"), "{problem}");
    }
}
