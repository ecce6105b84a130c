//! Rules of the source tree: layers, headers, sizes, and what only some files may do.
//! Each rule is also tested with a text that breaks it, so that none can pass by finding nothing.

mod layers;
pub mod source;

use layers::Table;
use source::{Kind, Source};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const LONGEST_FILE: usize = 800;

/// The allowed files and folders at the top, besides hidden ones.
const TOP: [&str; 17] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "build.rs",
    "deny.toml",
    "docs",
    "examples",
    "kit",
    "proto",
    "sim",
    "src",
    "terraform-registry-manifest.json",
    "tests",
];

/// The source folders of the workspace members.
const SOURCES: [&str; 3] = ["src", "kit/src", "sim/src"];

/// Where stdout may be written: it is the handshake channel of the plugin.
const MAY_PRINT: [&str; 3] = ["src/tf/plugin/", "src/main.rs", "sim/src/main.rs"];

const CLOCK: &str = "kit/src/clock.rs";

/// The modules of Terraform's messages, and the only folder that may use them; it may not use those of Omni.
const TERRAFORM: ([&str; 2], &str) = (["plugin", "tfplugin6"], "src/tf/");

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below the folder, sorted by path.
pub fn sources(folder: &str) -> Vec<Source> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|e| e.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files.iter().map(|f| Source::read(&name_of(f), &std::fs::read_to_string(f).expect("a readable source"))).collect()
}

fn name_of(file: &Path) -> String {
    let inside = file.strip_prefix(root()).unwrap_or(file);
    inside.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} broken house rules:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let table = Table::read(&std::fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs"));
    assert!(table.modules().count() >= 4, "the table in src/lib.rs is not read: {table:?}");
    assert_none(&sources("src").iter().flat_map(|s| layers::violations(s, &table)).collect::<Vec<_>>());
}

#[test]
fn every_module_is_in_the_table() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    let table = Table::read(&lib);
    let declared: BTreeSet<_> = lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, table.modules().collect());
}

#[test]
fn files_have_headers_and_bounds_and_keep_to_their_own() {
    let sources: Vec<_> = ["src", "tests", "kit", "proto", "sim"].into_iter().flat_map(sources).collect();
    assert!(sources.len() > 20, "only {} sources found", sources.len());
    assert_none(&sources.iter().flat_map(file_problems).collect::<Vec<_>>());
}

#[test]
fn every_file_is_listed_by_its_module() {
    assert_none(&SOURCES.into_iter().flat_map(|folder| unlisted(&sources(folder))).collect::<Vec<_>>());
}

#[test]
fn the_top_holds_only_what_belongs_there() {
    assert_none(&strangers(top_names().iter().map(String::as_str)));
}

fn file_problems(source: &Source) -> Vec<String> {
    let path = &source.path;
    let mut problems = Vec::new();
    if !source.has_header() {
        problems.push(format!("{path}: begin with `//!` and say what the file is"));
    }
    let lines = source.lines_of_code();
    if lines > LONGEST_FILE {
        problems.push(format!("{path}: {lines} lines without its tests; split it by noun, at most {LONGEST_FILE}"));
    }
    if !SOURCES.iter().any(|folder| path.starts_with(&format!("{folder}/"))) {
        return problems;
    }
    let may_print = MAY_PRINT.iter().any(|p| path.starts_with(p));
    for (at, window) in source.tokens.windows(3).enumerate() {
        let line = window[0].line;
        let [first, second, third] = window else { continue };
        let prints = (first.is("println") || first.is("print")) && second.is_sign('!');
        let stdout = first.is("io") && second.kind == Kind::PathSep && third.is("stdout");
        if (prints || stdout) && !may_print && !source.is_test(at) {
            problems.push(format!("{path}:{line}: stdout is the handshake channel; log through `tracing`"));
        }
        if first.is("omni_proto") && second.kind == Kind::PathSep && !source.is_test(at) {
            let (theirs, place) = TERRAFORM;
            if theirs.iter().any(|m| third.is(m)) != path.starts_with(place) {
                problems.push(format!("{path}:{line}: messages of Terraform belong to {place}, and of Omni elsewhere"));
            }
        }
        let clock = ["SystemTime", "Timestamp", "Zoned"].iter().any(|c| first.is(c));
        if clock && second.kind == Kind::PathSep && third.is("now") && path != CLOCK {
            problems.push(format!("{path}:{line}: the time of day comes from `kit::clock`"));
        }
    }
    problems
}

/// The files that no module declares: they are not compiled.
fn unlisted(sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources {
        let stem = source.path.strip_suffix("/mod.rs").or(source.path.strip_suffix(".rs")).unwrap_or(&source.path);
        let Some((folder, name)) = stem.rsplit_once('/') else { continue };
        if SOURCES.contains(&folder) && ["lib", "main"].contains(&name) {
            continue;
        }
        let parents = [format!("{folder}/mod.rs"), format!("{folder}.rs"), format!("{folder}/lib.rs")];
        let parent = sources.iter().find(|s| parents.contains(&s.path));
        if !parent.is_some_and(|p| p.tokens.iter().any(|t| t.is(name))) {
            problems.push(format!("{}: not listed in {}", source.path, parent.map_or(&parents[0], |p| &p.path)));
        }
    }
    problems
}

fn strangers<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names
        .filter(|name| !name.starts_with('.') && !TOP.contains(name))
        .map(|name| format!("{name}: does not belong at the top"))
        .collect()
}

/// The names at the top that are under version control; outside of a checkout, all but what a build makes.
fn top_names() -> BTreeSet<String> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    match listed {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => String::from_utf8_lossy(&output.stdout)
            .split_terminator('\0')
            .filter_map(|path| path.split('/').next())
            .map(str::to_owned)
            .collect(),
        _ => std::fs::read_dir(root())
            .expect("the package")
            .map(|e| PathBuf::from(e.expect("an entry").file_name()).display().to_string())
            .filter(|name| name != "target")
            .collect(),
    }
}

mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        file_problems(&Source::read(path, text))
    }

    #[test]
    fn a_file_without_a_header_is_found() {
        assert_eq!(of("kit/src/a.rs", "//! A.\n"), Vec::<String>::new());
        for text in ["", "\n//! A.\n", "// A.\n", "use a;\n", "//!\n"] {
            assert!(of("kit/src/a.rs", text).iter().any(|p| p.contains("begin with")), "{text:?}");
        }
    }

    #[test]
    fn a_file_too_long_is_found() {
        let long = format!("//! A.\n{}", "fn a() {}\n".repeat(LONGEST_FILE));
        assert!(of("kit/src/a.rs", &long).iter().any(|p| p.contains("801 lines")));
        let tests = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(LONGEST_FILE));
        assert_eq!(of("kit/src/a.rs", &tests), Vec::<String>::new());
    }

    #[test]
    fn writing_to_stdout_is_found() {
        for text in ["println!(\"a\");", "print!(\"a\");", "std::io::stdout().lock();", "use std::io::stdout;"] {
            let text = format!("//! A.\n{text}\n");
            for path in ["src/tf/server.rs", "src/provider/mod.rs", "sim/src/lib.rs"] {
                assert!(of(path, &text).iter().any(|p| p.contains(":2: stdout")), "{path}: {text}");
            }
            for path in ["src/tf/plugin/handshake.rs", "src/main.rs", "sim/src/main.rs"] {
                assert_eq!(of(path, &text), Vec::<String>::new(), "{path}: {text}");
            }
        }
        let harmless = "//! A.\n// println!(\"a\")\nconst A: &str = \"println!()\"; fn print() { eprintln!(\"a\"); }\n";
        assert_eq!(of("sim/src/lib.rs", harmless), Vec::<String>::new());
        let test = "//! A.\n#[cfg(test)]\nmod tests { fn a() { println!(\"a\"); } }\n";
        assert_eq!(of("sim/src/lib.rs", test), Vec::<String>::new());
    }

    #[test]
    fn reading_the_time_elsewhere_is_found() {
        for text in ["SystemTime::now()", "std::time::SystemTime::now", "jiff::Timestamp::now()", "Zoned::now()"] {
            let text = format!("//! A.\nfn a() {{ {text}; }}\n");
            assert!(of("src/omni/auth/sign.rs", &text).iter().any(|p| p.contains(":2: the time")), "{text}");
            assert_eq!(of(CLOCK, &text), Vec::<String>::new());
        }
        assert_eq!(of("sim/src/lib.rs", "//! A.\nfn a() { tokio::time::Instant::now(); }\n"), Vec::<String>::new());
    }

    #[test]
    fn messages_of_the_other_side_are_found() {
        for (path, text, good) in [
            ("src/tf/path.rs", "use omni_proto::tfplugin6 as pb;", true),
            ("src/omni/call.rs", "use omni_proto::cosi::resource as pb;", true),
            ("src/omni/call.rs", "use omni_proto::tfplugin6 as pb;", false),
            ("sim/src/server.rs", "use omni_proto::plugin::Empty;", false),
            ("src/tf/path.rs", "use omni_proto::specs::ClusterSpec;", false),
        ] {
            assert_eq!(of(path, &format!("//! A.\n{text}\n")).is_empty(), good, "{path}: {text}");
        }
    }

    #[test]
    fn a_file_that_nobody_lists_is_found() {
        let read =
            |files: &[(&str, &str)]| unlisted(&files.iter().map(|(p, t)| Source::read(p, t)).collect::<Vec<_>>());
        let lib = ("src/lib.rs", "pub mod provider; pub mod tf;");
        let provider = ("src/provider/mod.rs", "mod resources;");
        let list = ("src/provider/resources/mod.rs", "resources! { cluster, machine_set }");
        let files = [
            lib,
            provider,
            list,
            ("src/provider/resources/cluster.rs", ""),
            ("src/provider/resources/machine_set.rs", ""),
            ("src/tf.rs", "mod value;"),
            ("src/tf/value.rs", ""),
            ("src/main.rs", ""),
            ("kit/src/lib.rs", "pub mod clock;"),
            ("kit/src/clock.rs", ""),
            ("sim/src/main.rs", ""),
        ];
        assert_eq!(read(&files), Vec::<String>::new());
        assert_eq!(
            read(&[lib, provider, list, ("src/provider/resources/lost.rs", "")]),
            ["src/provider/resources/lost.rs: not listed in src/provider/resources/mod.rs"]
        );
        assert_eq!(
            read(&[lib, provider, ("src/provider/data_sources/lost.rs", "")]),
            ["src/provider/data_sources/lost.rs: not listed in src/provider/data_sources/mod.rs"]
        );
        assert_eq!(read(&[lib, ("src/util.rs", "")]), ["src/util.rs: not listed in src/lib.rs"]);
    }

    #[test]
    fn a_stranger_at_the_top_is_found() {
        assert_eq!(strangers(["src", "sim", "tests", ".ci", "Makefile"].into_iter()), Vec::<String>::new());
        assert_eq!(strangers(["scripts"].into_iter()), ["scripts: does not belong at the top"]);
    }
}
