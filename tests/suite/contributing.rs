//! CONTRIBUTING.md names files and folders of the tree; each of them exists.

use crate::house::root;

/// The folders that a path in the text begins with.
const TOP: [&str; 9] = [".ci/", ".github/", "docs/", "examples/", "kit/", "proto/", "sim/", "src/", "tests/"];

/// The paths in backticks, up to the first part that stands for several.
fn paths(text: &str) -> Vec<String> {
    let code = text.split('`').skip(1).step_by(2);
    let named = code.filter(|code| TOP.iter().any(|top| code.starts_with(top)) && !code.contains(' '));
    named
        .map(|path| path.split(['<', '*']).next().unwrap_or(path))
        .map(|path| match path.rsplit_once('/') {
            // What is left before a placeholder is the beginning of a name: its folder counts.
            Some((folder, name)) if !name.contains('.') && !root().join(path).exists() => folder.to_owned(),
            _ => path.trim_end_matches('/').to_owned(),
        })
        .collect()
}

fn missing(text: &str) -> Vec<String> {
    paths(text).into_iter().filter(|path| !root().join(path).exists()).collect()
}

#[test]
fn every_file_that_it_names_exists() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).expect("CONTRIBUTING.md");
    assert!(paths(&text).len() > 40, "only {:?} are found", paths(&text));
    assert_eq!(missing(&text), [""; 0]);
}

/// Every target of the Makefile that it names, too.
#[test]
fn every_target_that_it_names_exists() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).expect("a readable file");
    let (text, makefile) = (read("CONTRIBUTING.md"), read("Makefile"));
    let named =
        text.split("make ").skip(1).filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '-').next());
    let commands: Vec<_> = named
        .filter(|name| text.contains(&format!("`make {name}")) || text.contains(&format!("\nmake {name}")))
        .collect();
    assert!(commands.len() > 5, "{commands:?}");
    let unknown: Vec<_> = commands.iter().filter(|name| !makefile.contains(&format!("\n{name}:"))).collect();
    assert_eq!(unknown, [&""; 0]);
}

#[test]
fn a_file_that_is_gone_is_found() {
    for (text, found) in [
        ("`src/lib.rs` and `src/tf` and `make docs`", vec![]),
        ("`src/old.rs`", vec!["src/old.rs"]),
        ("`src/old/<noun>/resource.rs`", vec!["src/old"]),
        ("`tests/fixtures/<noun>/lifecycle.json`, `examples/resources/omni_<noun>/`", vec![]),
        ("src/old.rs without marks", vec![]),
    ] {
        assert_eq!(missing(text), found, "{text}");
    }
}
