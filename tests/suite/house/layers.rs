//! Which module of the provider may use which: the table in the crate's documentation, held against every path in the
//! sources. What the members of the workspace may use, the compiler sees.

use super::source::{Kind, Source, Token};
use std::collections::BTreeMap;

/// The crate's name in its own program.
const CRATE: &str = "terraform_provider_omni";

/// The program, and what it may use; it stands outside the table, for it is no module of the crate.
const PROGRAM: (&str, [&str; 3]) = ("src/main.rs", ["tf", "provider", "docs"]);

/// Each module and those that it may use.
#[derive(Debug)]
pub struct Table(BTreeMap<String, Vec<String>>);

impl Table {
    /// Reads the rows of the form ``//! | [`module`] | what it is | `used`, `used` |``.
    pub fn read(lib: &str) -> Self {
        let rows = lib.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("//! |")?.split('|').map(str::trim);
            let module = cells.next()?.strip_prefix("[`")?.strip_suffix("`]")?;
            let used = cells.nth(1)?.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            Some((module.to_owned(), used))
        });
        Self(rows.collect())
    }

    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn allows(&self, from: &str, to: &str) -> bool {
        from == to || self.0.get(from).is_some_and(|used| used.iter().any(|u| u == to))
    }
}

/// Every path that the table does not allow, as `file:line: what is wrong`.
pub fn violations(source: &Source, table: &Table) -> Vec<String> {
    if source.path == PROGRAM.0 {
        return program_violations(source);
    }
    let Some(module) = module_of(&source.path).filter(|m| !m.is_empty()) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for (at, reached) in reached(source, &module) {
        let line = source.tokens[at].line;
        let from = module[0].as_str();
        match reached {
            Reached::Root => {
                problems.push(format!("{}:{line}: `{from}` reaches for the crate as a whole", source.path))
            }
            Reached::Top(to) if !table.allows(from, &to) => {
                problems.push(format!("{}:{line}: `{from}` must not use `{to}`", source.path));
            }
            Reached::Top(_) => {}
        }
    }
    // A group may reach one module several times.
    problems.dedup();
    problems
}

fn program_violations(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    for (at, reached) in reached(source, &[]) {
        let line = source.tokens[at].line;
        match reached {
            // Constants of the crate itself begin with a capital; they are no module.
            Reached::Top(to) if PROGRAM.1.contains(&to.as_str()) || to.starts_with(char::is_uppercase) => {}
            Reached::Top(to) => problems.push(format!("{}:{line}: this program must not use `{to}`", source.path)),
            Reached::Root => problems.push(format!("{}:{line}: this program uses the whole crate", source.path)),
        }
    }
    problems
}

/// The module of a file of the library: `src/tf/plugin/mod.rs` is `tf::plugin`.
fn module_of(path: &str) -> Option<Vec<String>> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut parts: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib")) {
        parts.pop();
    }
    Some(parts)
}

/// What a path arrives at.
enum Reached {
    /// A top-level module, or anything below it.
    Top(String),
    /// The crate's root itself.
    Root,
}

/// What each path that begins in this crate arrives at, with the token where it begins.
fn reached(source: &Source, file_module: &[String]) -> Vec<(usize, Reached)> {
    let tokens = &source.tokens;
    let in_program = file_module.is_empty();
    let mut found = Vec::new();
    let mut module = file_module.to_vec();
    // How deep in braces each module inside the file began.
    let mut began = Vec::new();
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        match &token.kind {
            Kind::Sign('{') => {
                if let Some(name) = inline_module(tokens, at) {
                    module.push(name.to_owned());
                    began.push(depth);
                }
                depth += 1;
            }
            Kind::Sign('}') => {
                depth = depth.saturating_sub(1);
                if began.last() == Some(&depth) {
                    began.pop();
                    module.pop();
                }
            }
            Kind::Name(name) if at == 0 || tokens[at - 1].kind != Kind::PathSep => {
                let starts = match name.as_str() {
                    CRATE => true,
                    // In a program these are the program's own.
                    "crate" | "super" | "self" => !in_program,
                    _ => false,
                };
                if starts {
                    found.extend(paths(tokens, at).into_iter().filter_map(|path| Some((at, arrive(&module, &path)?))));
                }
            }
            _ => {}
        }
    }
    found
}

/// The name of the module whose brace opens here.
fn inline_module(tokens: &[Token], brace: usize) -> Option<&str> {
    let name = brace.checked_sub(1)?;
    let keyword = name.checked_sub(1)?;
    tokens[keyword].is("mod").then(|| tokens[name].name()).flatten()
}

/// Where a path leads from a module: `None` when it stays below a place where nothing is named.
fn arrive(module: &[String], path: &[String]) -> Option<Reached> {
    let mut here: Vec<&str> = module.iter().map(String::as_str).collect();
    for part in path {
        match part.as_str() {
            "self" => {}
            "super" => _ = here.pop(),
            "crate" | CRATE => here.clear(),
            "*" => break,
            name => {
                here.push(name);
                break;
            }
        }
    }
    match here.first() {
        Some(top) => Some(Reached::Top((*top).to_owned())),
        // `pub(in crate)` and the like name a place and take nothing from it.
        None if path.len() == 1 && path[0] != "super" => None,
        None => Some(Reached::Root),
    }
}

/// The path that begins here, or each path of a group, to its end.
fn paths(tokens: &[Token], start: usize) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    if tokens.get(start + 1).is_some_and(|t| t.is("as")) {
        // The crate or a module under another name: nobody could follow it from there.
        return vec![vec![tokens[start].name().unwrap_or_default().to_owned(), "*".to_owned()]];
    }
    if tokens.get(start + 1).is_some_and(|t| t.kind == Kind::PathSep) {
        tree(tokens, start, &[], &mut found);
    }
    found
}

/// Follows a tree of paths and returns the place behind it.
fn tree(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(at).map(|t| &t.kind) {
            Some(Kind::Name(name)) => path.push(name.clone()),
            Some(Kind::Sign('*')) => path.push("*".to_owned()),
            Some(Kind::Sign('{')) => {
                at += 1;
                while tokens.get(at).is_some_and(|t| !t.is_sign('}')) {
                    at = tree(tokens, at, &path, found);
                    // Past a name after `as`, and past the comma.
                    while tokens.get(at).is_some_and(|t| !t.is_sign('}') && !t.is_sign(',')) {
                        at += 1;
                    }
                    if tokens.get(at).is_some_and(|t| t.is_sign(',')) {
                        at += 1;
                    }
                }
                return at + 1;
            }
            // Such as the types in `a::b::<c>`, which are separate paths.
            _ => break,
        }
        at += 1;
        if tokens.get(at).is_none_or(|t| t.kind != Kind::PathSep) {
            break;
        }
        at += 1;
    }
    found.push(path);
    at
}

mod tests {
    use super::*;

    const LIB: &str = "//! | module | what it is | may use |\n//! |---|---|---|\n\
                       //! | [`base`] | small | nothing |\n//! | [`tf`] | `omni`-free | `base` |\n\
                       //! | [`omni`] | client | `base` |\n//! | [`provider`] | all | `tf`, `omni`, `base` |\n";

    fn problems(path: &str, text: &str) -> Vec<String> {
        violations(&Source::read(path, text), &Table::read(LIB))
    }

    #[test]
    fn the_table_is_read() {
        let table = Table::read(LIB);
        assert_eq!(table.modules().collect::<Vec<_>>(), ["base", "omni", "provider", "tf"]);
        assert!(table.allows("provider", "omni") && table.allows("tf", "tf"));
        assert!(!table.allows("base", "tf") && !table.allows("tf", "omni"));
    }

    #[test]
    fn what_the_table_allows_passes() {
        for (path, text) in [
            ("src/tf/value.rs", "use crate::base::yaml; use super::wire; use super::*; use self::x::y;"),
            ("src/tf/mod.rs", "pub(crate) fn a() { self::b(); super::base::yaml::same(); }"),
            ("src/tf/plugin/tls.rs", "use super::super::value::Value; pub(in crate::tf) fn a() {}"),
            ("src/provider/objects/cluster/resource.rs", "use crate::{base::{yaml, clock}, omni::Client, tf};"),
            ("src/tf/value.rs", "// use crate::omni::x;\nconst A: &str = \"crate::omni\";"),
            ("src/tf/value.rs", "mod a { use super::super::value; mod b { use super::super::super::base; } }"),
            ("src/tf/value.rs", "pub(crate) struct A; pub(super) struct B; pub(in crate) struct C;"),
            ("src/omni/state/mod.rs", "#[cfg(test)]\nmod tests { use omni_sim::Sim; use super::super::error; }"),
            ("src/tf/value.rs", "use other::omni::x; fn f() { a::crate_::omni(); let omni = 1; }"),
            ("src/main.rs", "mod own; use crate::own; use terraform_provider_omni::{tf, provider, ADDRESS};"),
        ] {
            assert_eq!(problems(path, text), Vec::<String>::new(), "{path}: {text}");
        }
    }

    #[test]
    fn what_the_table_does_not_allow_is_found() {
        for (path, text, expected) in [
            ("src/tf/value.rs", "use crate::omni::Client;", "`tf` must not use `omni`"),
            ("src/tf/value.rs", "fn f() { crate::provider::new() }", "`tf` must not use `provider`"),
            ("src/tf/value.rs", "use crate::{base::yaml, omni};", "`tf` must not use `omni`"),
            ("src/tf/value.rs", "use crate::{base::{a, b as c}, omni as s};", "`tf` must not use `omni`"),
            ("src/tf/value.rs", "use crate::{base as k, omni::{a, b}};", "`tf` must not use `omni`"),
            ("src/tf/value.rs", "use super::super::omni::Client;", "`tf` must not use `omni`"),
            ("src/tf/value.rs", "use super::{wire, super::omni};", "`tf` must not use `omni`"),
            ("src/tf/mod.rs", "use super::omni;", "`tf` must not use `omni`"),
            ("src/tf/plugin/tls.rs", "use super::super::super::omni;", "`tf` must not use `omni`"),
            ("src/tf/plugin/tls.rs", "use self::super::super::super::omni;", "`tf` must not use `omni`"),
            ("src/tf/value.rs", "mod a { use super::super::super::omni; }", "`tf` must not use `omni`"),
            ("src/tf/value.rs", "macro_rules! m { () => { $crate::omni::x() } }", "`tf` must not use `omni`"),
            ("src/tf/value.rs", "fn f() -> Vec<crate::omni::Key> {}", "`tf` must not use `omni`"),
            ("src/tf/value.rs", "fn f() { a::<crate::omni::Key>() }", "`tf` must not use `omni`"),
            ("src/tf/value.rs", "use crate as c;", "crate as a whole"),
            ("src/tf/value.rs", "use crate::*;", "crate as a whole"),
            ("src/tf/value.rs", "use super::super::*;", "crate as a whole"),
            ("src/tf/value.rs", "use crate::{self as c};", "crate as a whole"),
            ("src/base/clock.rs", "use crate::tf;", "`base` must not use `tf`"),
            ("src/base.rs", "use crate::Thing;", "`base` must not use `Thing`"),
            ("src/tf/value.rs", "#[cfg(test)]\nmod tests { use crate::omni::Client; }", "`tf` must not use `omni`"),
            ("src/main.rs", "use terraform_provider_omni::{tf, omni};", "program must not use `omni`"),
            ("src/main.rs", "use terraform_provider_omni as p;", "uses the whole crate"),
        ] {
            let problems = problems(path, text);
            assert!(
                problems.len() == 1 && problems[0].contains(expected),
                "{path}: {text}: expected {expected:?}, found {problems:?}"
            );
        }
    }

    #[test]
    fn the_line_is_told() {
        assert_eq!(
            problems("src/tf/value.rs", "//! A.\n\nuse crate::omni;\n"),
            ["src/tf/value.rs:3: `tf` must not use `omni`"]
        );
    }
}
