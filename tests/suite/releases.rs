//! Which release of Omni has what: the tables of the client and of the simulator agree with a list of everything that came or
//! went, which was computed from the definitions of each release.

use crate::house::root;
use std::collections::{BTreeMap, BTreeSet};

/// The oldest release that the simulator can be, and the client supports.
const OLDEST: [u32; 2] = [1, 2];

/// They came with the library behind the state, whose definitions the list does not have.
const OF_THE_STATE: [(&str, &str); 2] = [("Teardown", "1.8"), ("TeardownAndDestroy", "1.8")];

/// What the simulator leaves out: services of the web interface and of image factories.
const LEFT_OUT: [&str; 2] = ["omni.resources.ResourceService", "imagefactory.ImageFactoryService"];

/// The first release that has something, and the first that has it no longer, which may be empty.
type Span = (String, String);

/// The rows of the list, by kind: what each belongs to, and its name.
struct Since(BTreeMap<(String, String, String), Span>);

impl Since {
    fn read() -> Self {
        let text = read("tests/fixtures/since.tsv");
        let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let cells: Vec<&str> = line.split('\t').chain([""; 6]).take(6).collect();
            let [kind, of, name, _, first, end] = cells[..] else { unreachable!("six cells") };
            ((kind.to_owned(), of.to_owned(), name.to_owned()), (first.to_owned(), end.to_owned()))
        });
        Self(rows.collect())
    }

    fn get(&self, kind: &str, of: &str, name: &str) -> Option<&Span> {
        self.0.get(&(kind.to_owned(), of.to_owned(), name.to_owned()))
    }

    fn all(&self, kind: &str) -> impl Iterator<Item = (&str, &str, &Span)> {
        self.0.iter().filter(move |((k, ..), _)| k == kind).map(|((_, of, name), span)| (&**of, &**name, span))
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect(path)
}

/// The rows of a table of the simulator.
fn catalogue(table: &str) -> Vec<Vec<String>> {
    let text = read("sim/src/catalogue/catalogue.tsv");
    let lines = text.lines().skip_while(|line| *line != format!("[{table}]")).skip(1);
    let rows = lines.take_while(|line| !line.starts_with('['));
    let rows = rows.filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// The rows of the client.
fn client() -> Vec<(String, String)> {
    let text = read("src/omni/version.rs");
    let (_, table) = text.split_once("const SINCE").expect("the table");
    let (table, _) = table.split_once("];").expect("its end");
    let row = |line: &str| {
        let parts: Vec<&str> = line.split('"').collect();
        let [_, name, _, release, _] = parts[..] else { return None };
        Some((name.to_owned(), release.to_owned()))
    };
    table.lines().filter_map(row).collect()
}

fn span(row: &[String], first: usize) -> Span {
    let end = if row[first + 1] == "-" { "" } else { &row[first + 1] };
    (row[first].clone(), end.to_owned())
}

/// The minor release.
fn minor(release: &str) -> [u32; 2] {
    let mut parts = release.split('.').map(|part| part.parse().expect("a number"));
    [parts.next().expect("a major number"), parts.next().expect("a minor number")]
}

/// What every release has since the oldest.
fn is_old((first, end): &Span) -> bool {
    minor(first) <= OLDEST && end.is_empty()
}

#[test]
fn the_simulator_has_types_and_calls_from_the_release_that_brought_them() {
    let since = Since::read();
    let mut wrong = Vec::new();
    for row in catalogue("types") {
        let expected = since.get("T", &row[0], "").cloned().unwrap_or_else(|| ("1.0".to_owned(), String::new()));
        if span(&row, 8) != expected {
            wrong.push(format!("{}: {expected:?}", row[0]));
        }
    }
    let calls = catalogue("calls");
    for row in &calls {
        let own = OF_THE_STATE
            .iter()
            .find(|(name, _)| *name == row[1])
            .map(|(_, first)| ((*first).to_owned(), String::new()));
        if own.as_ref().or_else(|| since.get("R", &row[0], &row[1])) != Some(&span(row, 2)) {
            wrong.push(format!("{} {}", row[0], row[1]));
        }
    }
    let types: BTreeSet<String> = catalogue("types").into_iter().map(|mut row| row.remove(0)).collect();
    let missing = since.all("T").map(|(of, ..)| of).filter(|of| !types.contains(*of));
    wrong.extend(missing.filter(|of| !LEFT_OUT.contains(of)).map(str::to_owned));
    let missing = since.all("R").filter(|(of, name, _)| !calls.iter().any(|row| row[0] == *of && row[1] == *name));
    wrong.extend(missing.filter(|(of, ..)| !LEFT_OUT.contains(of)).map(|(of, name, _)| format!("{of} {name}")));
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_simulator_has_fields_from_the_release_that_brought_them() {
    let since = Since::read();
    let fields = catalogue("fields");
    let mut wrong: Vec<String> = fields
        .iter()
        .filter(|row| since.get("F", &format!("specs.{}", row[0]), &row[1]) != Some(&span(row, 2)))
        .map(|row| format!("{} {}: {}", row[0], row[1], row[2]))
        .collect();
    for (of, name, span) in since.all("F") {
        let Some(message) = of.strip_prefix("specs.") else { continue };
        // What came with its message came with its type, and what came and went within one minor release is in none.
        let is_new = since.get("M", of, "") == Some(span);
        let is_brief = !span.1.is_empty() && minor(&span.0) == minor(&span.1);
        let is_told = fields.iter().any(|row| row[0] == message && row[1] == name);
        if !(is_told || is_new || is_brief || is_old(span)) {
            wrong.push(format!("{message} {name}: {span:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_client_knows_the_release_that_brought_what_it_uses() {
    let since = Since::read();
    let of_client = client();
    assert!(of_client.len() > 20, "{of_client:?}");
    // `Message.group.field` is a field of a message within the message.
    let field = |name: &str| {
        let (path, field) = name.rsplit_once('.')?;
        let within = path.split('.').map(|part| part[..1].to_uppercase() + &part[1..]);
        since.get("F", &format!("specs.{}", within.collect::<Vec<_>>().join(".")), field)
    };
    let mut wrong = Vec::new();
    for (name, release) in &of_client {
        let call = || since.all("R").find(|(_, call, _)| call == name).map(|(.., span)| span);
        let found = since.get("T", name, "").or_else(call).or_else(|| field(name)).map(|(first, _)| first.as_str());
        let found = found.or_else(|| OF_THE_STATE.iter().find(|(call, _)| call == name).map(|(_, first)| *first));
        if found != Some(release) {
            wrong.push(format!("{name}: {release}, but {found:?}"));
        }
    }
    for kind in terraform_provider_omni::omni::spec::KINDS {
        let told = of_client.iter().any(|(name, _)| name == kind.name);
        if since.get("T", kind.name, "").is_some_and(|span| !is_old(span)) && !told {
            wrong.push(format!("{}: no row", kind.name));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
