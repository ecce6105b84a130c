//! A simulator without machines, held against what a running Omni 1.6.6 without machines holds.

use super::client::Client;
use crate::{Options, Release, Sim, kinds};
use std::collections::BTreeSet;
use tonic::{Code, Status};

/// A type, its namespace, how it can be listed, how many there are, their owner and their finalizers.
struct Row<'a> {
    kind: &'a str,
    namespace: &'a str,
    read: Code,
    count: Option<usize>,
    owner: &'a str,
    finalizers: BTreeSet<&'a str>,
}

const CENSUS: &str = include_str!("../../tests/fixtures/census/1.6.6.tsv");

/// Types whose objects here are others: fewer versions are on offer, and the key that signs tokens is made with the
/// first token.
const OTHERWISE: [&str; 1] = ["JWTPublicKeys.system.sidero.dev"];

fn rows() -> Vec<Row<'static>> {
    let row = |line: &'static str| {
        let [kind, namespace, read, count, owner, finalizers] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line:?} has not six columns")
        };
        let read = match read {
            "read" => Code::Ok,
            "PERMISSION_DENIED" => Code::PermissionDenied,
            "UNIMPLEMENTED" => Code::Unimplemented,
            _ => Code::Unknown,
        };
        let finalizers = finalizers.split_whitespace().collect();
        Row { kind, namespace, read, count: count.parse().ok(), owner, finalizers }
    };
    CENSUS.lines().skip(1).map(row).collect()
}

#[test]
fn the_catalogue_is_that_of_the_census() {
    let known: BTreeSet<_> =
        kinds::ALL.iter().filter(|k| k.is_in(Release::V1_6)).map(|k| (k.name, k.namespace)).collect();
    let expected: BTreeSet<_> = rows().iter().map(|row| (row.kind, row.namespace)).collect();
    assert_eq!(known.difference(&expected).collect::<Vec<_>>(), Vec::<&(&str, &str)>::new());
    assert_eq!(expected.difference(&known).collect::<Vec<_>>(), Vec::<&(&str, &str)>::new());
}

#[tokio::test]
async fn a_fresh_server_holds_what_the_census_says() {
    let options = Options { machines: 0, release: Release::V1_6, ..Options::stepped() };
    let sim = Sim::start(options).await.unwrap();
    sim.settle().unwrap();
    let mut client = Client::new(&sim).await;
    let mut wrong = Vec::new();
    for row in rows() {
        let listed = client.list_in(row.kind, row.namespace).await;
        let code = listed.as_ref().err().map_or(Code::Ok, Status::code);
        if code != row.read {
            wrong.push(format!("{}: lists with {code:?}, not {:?}", row.kind, row.read));
        }
        let stored = sim.store().list_in(row.kind, row.namespace);
        let count = if listed.is_ok() { listed.iter().flatten().count() } else { stored.len() };
        if OTHERWISE.contains(&row.kind) {
            continue;
        }
        if row.count.is_some_and(|expected| expected != count) {
            wrong.push(format!("{}: {count} and not {:?}", row.kind, row.count));
        }
        for object in stored {
            if object.owner != row.owner {
                wrong.push(format!("{}: owned by {:?} and not by {:?}", row.kind, object.owner, row.owner));
            }
            let finalizers: BTreeSet<_> = object.finalizers.iter().map(String::as_str).collect();
            if !finalizers.is_subset(&row.finalizers) || (count == 1 && finalizers != row.finalizers) {
                wrong.push(format!("{}: held by {finalizers:?} and not by {:?}", row.kind, row.finalizers));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
