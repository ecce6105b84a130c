//! How the figures of the source tree are measured. Files are found by what they hold, so that they can be moved.

use super::Measured;
use crate::house::root;
use crate::house::source::{Kind, Source, Token, end_of_brackets};
use std::collections::{BTreeMap, BTreeSet};

/// What marks the files of resources.
pub const RESOURCES: [&str; 4] = ["CosiObject", "RpcObject", "UnreadableObject", "FoundObject"];

/// The traits of the engine that a room implements for a resource.
const ENGINE_TRAITS: [&str; 6] =
    ["Table", "ResourceType", "CosiObject", "RpcObject", "UnreadableObject", "FoundObject"];

/// What marks the files of data sources.
pub const DATA_SOURCES: [&str; 5] = ["DataSource", "DualSource", "ListSource", "SingleSource", "View"];

/// A shorter line is punctuation, and no repetition.
const SHORTEST_REPEATED: usize = 5;

/// Fewer lines in a row are no repetition.
const RUN: usize = 6;

/// The sources, each with its tokens outside of tests.
pub struct Code {
    pub product: Vec<(Source, Vec<Token>)>,
    texts: BTreeMap<String, String>,
}

impl Code {
    pub fn new(sources: Vec<Source>) -> Self {
        let read = |s: &Source| (s.path.clone(), std::fs::read_to_string(root().join(&s.path)).expect("a source"));
        Self { texts: sources.iter().map(read).collect(), product: with_tokens(sources) }
    }

    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let sources = files.iter().map(|(path, text)| Source::read(path, text)).collect();
        let texts = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Self { texts, product: with_tokens(sources) }
    }

    /// The files in which one of these traits is implemented.
    fn implementing(&self, traits: &[&str]) -> Vec<&(Source, Vec<Token>)> {
        let has = |tokens: &[Token]| traits.iter().any(|name| !implementations(tokens, name).is_empty());
        self.product.iter().filter(|(_, tokens)| has(tokens)).collect()
    }

    fn product_lines(&self, source: &Source) -> Vec<&str> {
        source.product_lines(&self.texts[&source.path])
    }
}

fn with_tokens(sources: Vec<Source>) -> Vec<(Source, Vec<Token>)> {
    sources.into_iter().map(|source| (source.product(), source)).map(|(tokens, source)| (source, tokens)).collect()
}

/// The bodies of `impl … name for …` among these tokens.
fn implementations<'t>(tokens: &'t [Token], name: &str) -> Vec<&'t [Token]> {
    let starts = tokens.windows(2).enumerate().filter(|(_, pair)| pair[0].is(name) && pair[1].is("for"));
    starts.filter_map(|(at, _)| body(tokens, at)).collect()
}

/// What is between the first braces behind this place.
fn body(tokens: &[Token], at: usize) -> Option<&[Token]> {
    let open = at + tokens[at..].iter().position(|t| t.is_sign('{'))?;
    tokens.get(open + 1..end_of_brackets(tokens, open, '{', '}') - 1)
}

/// The functions, constants and types that are defined in a body, without those in deeper braces.
fn members(body: &[Token]) -> BTreeSet<String> {
    let mut members = BTreeSet::new();
    let mut depth = 0;
    for pair in body.windows(2) {
        match &pair[0].kind {
            Kind::Sign('{') => depth += 1,
            Kind::Sign('}') => depth -= 1,
            Kind::Name(keyword) if depth == 0 && ["const", "fn", "type"].contains(&keyword.as_str()) => {
                members.extend(pair[1].name().map(str::to_owned));
            }
            _ => {}
        }
    }
    members
}

/// The folder and the body of a trait.
fn definition<'c>(code: &'c Code, name: &str) -> Option<(&'c str, &'c [Token])> {
    code.product.iter().find_map(|(source, tokens)| {
        let at = tokens.windows(2).position(|pair| pair[0].is("trait") && pair[1].is(name))?;
        Some((source.path.rsplit_once('/')?.0, body(tokens, at)?))
    })
}

/// The members of the engine's traits that exactly one type implements, each with that type's file.
pub fn lonely_hooks(code: &Code) -> Vec<String> {
    let mut lonely = Vec::new();
    for name in ENGINE_TRAITS {
        let (_, body) = definition(code, name).unwrap_or_else(|| panic!("there is no trait {name}"));
        let mut users: BTreeMap<String, Vec<&str>> = members(body).into_iter().map(|m| (m, Vec::new())).collect();
        for (source, tokens) in &code.product {
            for member in implementations(tokens, name).into_iter().flat_map(members) {
                users.entry(member).or_default().push(&source.path);
            }
        }
        lonely.extend(users.iter().filter(|(_, u)| u.len() == 1).map(|(m, u)| format!("{name}::{m}: {}", u[0])));
    }
    lonely
}

/// The files beside the engine's trait that name a message of Omni, a room, or a label of a noun.
pub fn engine_files_with_nouns(code: &Code) -> Vec<String> {
    let (folder, _) = definition(code, RESOURCES[0]).expect("the engine's trait");
    let nouns: BTreeSet<_> = code.implementing(&RESOURCES).iter().filter_map(|(s, _)| room(&s.path)).collect();
    let labels: Vec<_> = nouns.iter().map(|noun| noun.to_uppercase()).collect();
    let inside = |path: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let mut found = Vec::new();
    for (source, tokens) in code.product.iter().filter(|(source, _)| inside(&source.path)) {
        let line = tokens.windows(3).find(|part| {
            let named = |name: &str| part[0].is(name) && part[1].kind == Kind::PathSep;
            named("specs") || named("objects") || named("labels") && labels.iter().any(|l| part[2].is(l))
        });
        found.extend(line.map(|part| format!("{}:{}", source.path, part[0].line)));
    }
    found
}

/// The noun whose room a file is in.
fn room(path: &str) -> Option<&str> {
    path.split_once("/objects/")?.1.split_once('/').map(|(noun, _)| noun)
}

/// Files of a resource or a data source that lie in no room.
pub fn outside_of_rooms(code: &Code) -> Vec<String> {
    let engines = ["/engine/", "/lookup/"];
    let all: Vec<_> = RESOURCES.into_iter().chain(["DualSource", "ListSource", "SingleSource"]).collect();
    let files = code.implementing(&all).into_iter().map(|(source, _)| &source.path);
    files.filter(|path| room(path).is_none() && !engines.iter().any(|e| path.contains(e))).cloned().collect()
}

/// The lines of the room whose COSI resource and data sources are the shortest; with one line each for the module's list.
pub fn shortest_object(code: &Code) -> Measured {
    let mut rooms: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    let kinds = [RESOURCES[0], "ListSource", "SingleSource", "View"];
    for (source, tokens) in code.implementing(&kinds) {
        let Some(noun) = room(&source.path) else { continue };
        let (lines, found) = rooms.entry(noun).or_default();
        *lines += source.lines_of_code();
        found.extend(kinds.iter().filter(|kind| !implementations(tokens, kind).is_empty()));
    }
    let is_whole = |found: &BTreeSet<&str>| {
        let [resource, list, single, view] = kinds.map(|kind| found.contains(kind));
        resource && (view || list && single)
    };
    let whole = rooms.iter().filter(|(_, (_, found))| is_whole(found));
    let mut all: Vec<_> = whole.map(|(noun, (lines, _))| (*lines, *noun)).collect();
    all.sort_unstable();
    let count = all.first().map_or(usize::MAX, |(lines, _)| *lines);
    Measured { count, details: all.iter().map(|(lines, noun)| format!("{noun}: {lines}")).collect() }
}

/// How many of a hundred lines of code are in runs of [`RUN`] lines that also stand in another file of the kind, and where.
/// Single lines do not count: traits ask for the same signatures of all that implement them.
pub fn repeated(code: &Code, kind: &[&str]) -> Measured {
    let long = |line: &&str| line.len() >= SHORTEST_REPEATED;
    let lines = |source| code.product_lines(source).into_iter().filter(long).collect::<Vec<_>>();
    let files: Vec<_> = code.implementing(kind).into_iter().map(|(source, _)| (&source.path, lines(source))).collect();
    let mut places: BTreeMap<&[&str], BTreeSet<usize>> = BTreeMap::new();
    for (at, (_, lines)) in files.iter().enumerate() {
        for run in lines.windows(RUN) {
            places.entry(run).or_default().insert(at);
        }
    }
    let (mut all, mut again, mut details) = (0, 0, Vec::new());
    for (path, lines) in &files {
        let mut is_again = vec![false; lines.len()];
        for (start, run) in lines.windows(RUN).enumerate().filter(|(_, run)| places[run].len() > 1) {
            is_again[start..start + RUN].fill(true);
            details.push(format!("{path}: {}", run[0]));
        }
        all += lines.len();
        again += is_again.iter().filter(|line| **line).count();
    }
    Measured { count: (again * 100).div_ceil(all.max(1)), details }
}

/// The loops that try again after a conflict: they ask whether an error is one.
/// A loop that finds out what became of a write whose answer got lost is none of them.
pub fn conflict_loops(code: &Code) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (source, tokens) in code.product.iter().filter(|(source, _)| source.path.starts_with("src/")) {
        let loops: Vec<_> = (0..tokens.len()).filter_map(|at| loop_at(tokens, at)).collect();
        for (at, token) in tokens.iter().enumerate() {
            let before = |back: usize, name: &str| at.checked_sub(back).is_some_and(|at| tokens[at].is(name));
            let asks = token.is("Conflict") && before(4, "is") || token.is("is_conflict");
            let innermost = loops.iter().filter(|l| l.contains(&at)).max_by_key(|l| l.start);
            if let Some(innermost) = innermost.filter(|_| asks) {
                found.insert(format!("{}:{}", source.path, tokens[innermost.start].line));
            }
        }
    }
    found.into_iter().collect()
}

fn loop_at(tokens: &[Token], at: usize) -> Option<std::ops::Range<usize>> {
    let open = at + tokens[at..].iter().position(|t| t.is_sign('{'))?;
    let each = tokens[at].is("for") && tokens[at..open].iter().any(|t| t.is("in"));
    (each || tokens[at].is("loop") || tokens[at].is("while")).then(|| at..end_of_brackets(tokens, open, '{', '}'))
}

mod tests {
    use super::*;

    const ENGINE: &str = "trait CosiObject: Send { const A: u8 = 1; type B; fn c() { fn inner() {} } fn d(); }";
    const RPC: &str = "trait RpcObject { fn d(); } trait UnreadableObject {} trait FoundObject {} trait Table {} trait ResourceType { fn e(); fn f(); }";

    #[test]
    fn a_hook_with_one_implementor_is_found() {
        let code = Code::of(&[
            ("src/provider/engine/mod.rs", ENGINE),
            ("src/provider/engine/rpc.rs", RPC),
            ("src/provider/objects/a/resource.rs", "impl CosiObject for A { type B = C; fn c() {} fn d() {} }"),
            ("src/provider/objects/b/resource.rs", "impl super::CosiObject for B { type B = C; fn d() {} }"),
            ("src/provider/objects/c/resource.rs", "#[cfg(test)] mod t { impl CosiObject for C { fn c() {} } }"),
            (
                "src/provider/objects/d/resource.rs",
                "impl ResourceType for D { fn e() {} } impl RpcObject for D { fn d() {} }",
            ),
            ("src/provider/objects/e/resource.rs", "impl ResourceType for E { fn e() {} fn f() {} }"),
        ]);
        assert_eq!(
            lonely_hooks(&code),
            [
                "ResourceType::f: src/provider/objects/e/resource.rs",
                "CosiObject::c: src/provider/objects/a/resource.rs",
                "RpcObject::d: src/provider/objects/d/resource.rs",
            ]
        );
    }

    #[test]
    fn an_engine_that_knows_a_noun_is_found() {
        let object = ("src/provider/objects/machine_set/resource.rs", "impl CosiObject for A {}");
        for (text, found) in [
            ("use crate::provider::objects::cluster::lock;", true),
            ("use omni_proto::specs::{ClusterSpec};", true),
            ("fn a() { labels::MACHINE_SET }", true),
            ("fn a() { labels::MANAGED_BY }", false),
            ("#[cfg(test)] mod tests { use omni_proto::specs::ClusterSpec; }", false),
        ] {
            let code = Code::of(&[("src/engine/mod.rs", ENGINE), ("src/engine/a/write.rs", text), object]);
            assert_eq!(!engine_files_with_nouns(&code).is_empty(), found, "{text}");
        }
    }

    #[test]
    fn a_type_outside_of_a_room_is_found() {
        let files = ["src/provider/objects/a/mod.rs", "src/provider/engine/mod.rs", "src/provider/loose.rs"];
        let code = Code::of(&files.map(|path| (path, "impl<M: X> RpcObject for A {}")));
        assert_eq!(outside_of_rooms(&code), ["src/provider/loose.rs"]);
    }

    #[test]
    fn the_shortest_object_is_one_with_data_sources() {
        let sources = "impl ListSource for A {}\nimpl SingleSource for A {}\n";
        let code = Code::of(&[
            ("src/objects/a/resource.rs", "//! A.\n\nimpl CosiObject for A {}\n"),
            ("src/objects/b/resource.rs", "//! B.\n\n\nimpl CosiObject for B {}\n#[cfg(test)]\nmod tests {\n}\n"),
            ("src/objects/b/data_source.rs", sources),
            ("src/objects/c/resource.rs", "//! C.\n\n\n\n\n\nimpl CosiObject for B {}\n"),
            ("src/objects/c/data_source.rs", sources),
            ("src/objects/d/mod.rs", "//! D.\n\n\n\nimpl View for D {}\n"),
        ]);
        let found = shortest_object(&code);
        assert_eq!((found.count, found.details), (6, vec!["b: 6".to_owned(), "c: 9".to_owned()]));
    }

    #[test]
    fn runs_of_lines_are_counted_between_files() {
        let run: String = (0..RUN).map(|n| format!("    let wanted{n} = context.wanted(state, object)?;\n")).collect();
        let shorter: String = run.lines().skip(1).map(|line| format!("{line}\n")).collect();
        let count = |files: [&str; 2]| {
            let [a, b] = files.map(|text| format!("impl CosiObject for A {{\n{text}}}\n"));
            repeated(&Code::of(&[("src/a.rs", &a), ("src/b.rs", &b)]), &RESOURCES).count
        };
        // The heads are the same too, and in a run with what follows.
        assert_eq!(count([&run, &run]), 100);
        assert_eq!(count([&format!("    let first = 1;\n{run}"), &format!("    let second = 2;\n{run}")]), 75);
        let other = "    let other = 1;\n";
        assert_eq!(count([&format!("{other}{shorter}"), &format!("    let another = 1;\n{shorter}")]), 0);
    }

    #[test]
    fn a_loop_over_conflicts_is_found() {
        for (text, found) in [
            ("fn a() { loop { match b() { Err(e) if e.is_conflict() => {}, } } }", true),
            ("fn a() { for _ in 0..5 { if e.is(ErrorKind::Conflict) { continue; } } }", true),
            ("fn a() { while x { } ErrorKind::Conflict }", false),
            ("impl A for B { fn is_conflict(&self) { self.is(ErrorKind::Conflict) } }", false),
            ("fn a() { loop { if kind == ErrorKind::Conflict && lost { } } }", false),
        ] {
            assert_eq!(!conflict_loops(&Code::of(&[("src/a.rs", text)])).is_empty(), found, "{text}");
        }
    }
}
