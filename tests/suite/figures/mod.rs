//! The figures of the source tree, and what each of them may be at most. `make house` prints them.
//! An aim that holds is marked as held and is a test from then on; the others are printed until they hold.

mod measure;
mod names;

use crate::house::{root, sources};
use measure::Code;
use std::collections::BTreeSet;
use std::process::Command;

/// A figure as measured.
struct Measured {
    count: usize,
    /// What is counted, for whoever wants to lower it.
    details: Vec<String>,
}

impl From<Vec<String>> for Measured {
    fn from(details: Vec<String>) -> Self {
        Self { count: details.len(), details }
    }
}

/// A figure, and its aim.
struct Figure {
    what: &'static str,
    unit: &'static str,
    at_most: usize,
    /// Whether the aim was reached, so that a test keeps it.
    held: bool,
    measure: fn(&Code) -> Measured,
}

const FIGURES: [Figure; 10] = [
    Figure {
        what: "Lines of the shortest COSI resource with data sources",
        unit: "",
        at_most: 90,
        held: true,
        measure: |code| measure::shortest_object(code),
    },
    Figure {
        what: "Hooks of the engine's traits with one implementor",
        unit: "",
        at_most: 3,
        held: true,
        measure: |code| measure::lonely_hooks(code).into(),
    },
    Figure {
        what: "Engine files that name a resource",
        unit: "",
        at_most: 0,
        held: true,
        measure: |code| measure::engine_files_with_nouns(code).into(),
    },
    Figure {
        what: "Lines in runs of six that stand in another resource",
        unit: " %",
        at_most: 8,
        held: true,
        measure: |code| measure::repeated(code, &measure::RESOURCES),
    },
    Figure {
        what: "Lines in runs of six that stand in another data source",
        unit: " %",
        at_most: 8,
        held: true,
        measure: |code| measure::repeated(code, &measure::DATA_SOURCES),
    },
    Figure {
        what: "Places that retry on a conflict",
        unit: "",
        at_most: 1,
        held: true,
        measure: |code| measure::conflict_loops(code).into(),
    },
    // What `cargo tree` counts on Linux; a new dependency of the provider raises it by review.
    Figure { what: "Crates in the provider", unit: "", at_most: 280, held: true, measure: |_| crates().into() },
    Figure {
        what: "Crates in the provider that only the simulator needs",
        unit: "",
        at_most: 0,
        held: true,
        measure: |_| foreign(&crates()).into(),
    },
    Figure {
        what: "Names that the field has another word for",
        unit: "",
        at_most: 0,
        held: true,
        measure: |code| names::old(code).into(),
    },
    Figure {
        what: "Resources and data sources outside of a room",
        unit: "",
        at_most: 0,
        held: true,
        measure: |code| measure::outside_of_rooms(code).into(),
    },
];

/// What the simulator is made of and the provider is not. Not axum: tonic brings it for its router.
const SIMULATOR: [&str; 6] = ["boon", "cel", "form_urlencoded", "omni-sim", "ruzstd", "zip"];

/// The crates that the provider is linked from, by name.
fn crates() -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = ["tree", "--edges", "normal", "--package", "terraform-provider-omni", "--prefix", "none"];
    let output = Command::new(cargo).args(tree).args(["--locked", "--offline"]).current_dir(root()).output();
    let output = output.expect("cargo starts");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let names: BTreeSet<_> = text.lines().filter_map(|l| l.split(' ').next()).filter(|n| !n.is_empty()).collect();
    assert!(names.contains("tonic"), "the tree lacks what the provider is made of: {names:?}");
    names.into_iter().map(str::to_owned).collect()
}

fn foreign(crates: &[String]) -> Vec<String> {
    crates.iter().filter(|name| SIMULATOR.contains(&name.as_str())).cloned().collect()
}

/// The table, and below it what is counted where an aim does not hold.
fn print(figures: &[(&Figure, Measured)]) -> String {
    let mut table = "| Figure | Now | Aim | |\n|---|---|---|---|\n".to_owned();
    let mut details = String::new();
    for (figure, measured) in figures {
        let (what, unit, most) = (figure.what, figure.unit, figure.at_most);
        let state = match (measured.count <= most, figure.held) {
            (true, true) => "held",
            (true, false) => "reached: mark it as held in tests/suite/figures/mod.rs",
            (false, _) => "not yet",
        };
        table.push_str(&format!("| {what} | {}{unit} | at most {most}{unit} | {state} |\n", measured.count));
        if measured.count > most {
            let lines: String = measured.details.iter().map(|line| format!("  {line}\n")).collect();
            details.push_str(&format!("\n{what}:\n{lines}"));
        }
    }
    table + &details
}

#[test]
fn aims_that_were_reached_hold() {
    let code = Code::new(["src", "kit/src", "sim/src"].into_iter().flat_map(sources).collect());
    let figures: Vec<_> = FIGURES.iter().map(|figure| (figure, (figure.measure)(&code))).collect();
    let table = print(&figures);
    // `make house` asks to see it.
    println!("\n{table}");
    let broken: Vec<_> = figures.iter().filter(|(f, m)| f.held && m.count > f.at_most).map(|(f, _)| f.what).collect();
    assert_eq!(broken, [""; 0], "\n{table}");
}

#[test]
fn a_crate_of_the_simulator_is_found() {
    assert_eq!(foreign(&["zip-core".to_owned(), "zip".to_owned()]), ["zip"]);
}

#[test]
fn the_table_says_what_is_counted() {
    let figure = |held| Figure { what: "A", unit: " %", at_most: 1, held, measure: |_| Vec::new().into() };
    let measured = |count| Measured { count, details: vec!["a.rs:1".to_owned()] };
    let (held, open) = (figure(true), figure(false));
    let table = print(&[(&held, measured(1)), (&open, measured(0)), (&open, measured(2))]);
    let head = "| Figure | Now | Aim | |\n|---|---|---|---|\n| A | 1 % | at most 1 % | held |\n";
    assert!(table.starts_with(head), "{table}");
    assert!(table.contains("| A | 0 % | at most 1 % | reached"), "{table}");
    assert!(table.ends_with("| A | 2 % | at most 1 % | not yet |\n\nA:\n  a.rs:1\n"), "{table}");
}
