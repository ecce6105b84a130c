//! What the releases of Omni have, as tables: types, calls, fields, and who may do what.
//! The tables are data beside this file; here they are only read. A type, a call or a field that is new is one row.

use super::release::Release;
use std::sync::LazyLock;

const TYPES: &str = include_str!("types.tsv");
const ACCESS: &str = include_str!("access.tsv");
const WORDS: &str = include_str!("words.tsv");
const CALLS: &str = include_str!("calls.tsv");
const FIELDS: &str = include_str!("fields.tsv");

/// The releases that have something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first that has it, as far as the simulator goes back.
    pub since: Release,
    /// The first that has it no longer.
    pub until: Option<Release>,
}

impl Span {
    /// Whether a server of this release has it.
    #[must_use]
    pub fn holds(&self, release: Release) -> bool {
        release >= self.since && self.until.is_none_or(|end| release < end)
    }

    fn read(since: &str, until: &str) -> Option<Self> {
        let until = if until == "-" { None } else { Some(Release::of_version(until)?) };
        Some(Self { since: Release::of_version(since)?, until })
    }
}

/// The fields of each row of a table; what begins with `#` is for people.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| line.split('\t').collect())
}

/// The rows about types.
pub(super) fn types() -> impl Iterator<Item = Vec<&'static str>> {
    rows(TYPES)
}

/// The rows about classes of access.
pub(super) fn access() -> impl Iterator<Item = Vec<&'static str>> {
    rows(ACCESS)
}

/// The text of a word in the table of access.
pub(super) fn text(word: &str) -> Option<&'static str> {
    rows(WORDS).find(|row| row.first() == Some(&word)).and_then(|row| row.get(1).copied())
}

/// Something that came later, or went: what it belongs to, its name, and the releases that have it.
struct Part {
    of: &'static str,
    name: &'static str,
    span: Span,
}

static CALL: LazyLock<Vec<Part>> = LazyLock::new(|| parts(CALLS));
static FIELD: LazyLock<Vec<Part>> = LazyLock::new(|| parts(FIELDS));

fn parts(table: &'static str) -> Vec<Part> {
    rows(table).filter_map(|row| part(&row)).collect()
}

fn part(row: &[&'static str]) -> Option<Part> {
    match *row {
        [of, name, since, until] | [of, name, since, until, _] => {
            Some(Part { of, name, span: Span::read(since, until)? })
        }
        _ => None,
    }
}

/// Reads the last two columns of a row about a type.
pub(super) fn span(since: &str, until: &str) -> Option<Span> {
    Span::read(since, until)
}

/// The releases that have this call; none where all have it.
#[must_use]
pub fn call(service: &str, method: &str) -> Option<Span> {
    CALL.iter().find(|part| part.of == service && part.name == method).map(|part| part.span)
}

/// The releases that have this field of a spec, by the name of the message within `specs`; none where all have it.
#[must_use]
pub fn field(message: &str, field: &str) -> Option<Span> {
    FIELD.iter().find(|part| part.of == message && part.name == field).map(|part| part.span)
}

/// The fields of specs that only older releases have, so that the definitions leave them out: the message within
/// `specs`, the field, its number, and the name of its type.
pub(super) fn former_fields() -> impl Iterator<Item = (&'static str, &'static str, i32, &'static str)> {
    rows(FIELDS).filter_map(|row| {
        let &[message, field, _, _, shape] = row.as_slice() else { return None };
        let (number, kind) = shape.split_once(':')?;
        Some((message, field, number.parse().ok()?, kind))
    })
}

/// Whether a server of this release lacks fields of this message, or of one within it.
#[must_use]
pub fn lacks_fields(message: &str, release: Release) -> bool {
    let within = |part: &&Part| part.of.split('.').next() == Some(message);
    FIELD.iter().filter(within).any(|part| !part.span.holds(release))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::POOL;

    #[test]
    fn every_row_is_read() {
        for (table, columns) in [(TYPES, 10), (ACCESS, 5), (WORDS, 2), (CALLS, 4), (FIELDS, 4)] {
            for row in rows(table) {
                // The shape of a field that went.
                let shape = usize::from(row.get(4).is_some_and(|cell| columns == 4 && cell.contains(':')));
                assert_eq!(row.len(), columns + shape, "{row:?}");
            }
        }
        for row in rows(CALLS).chain(rows(FIELDS)) {
            assert!(part(&row).is_some(), "{row:?}");
        }
    }

    #[test]
    fn calls_and_fields_are_defined() {
        for part in CALL.iter() {
            let service = POOL.get_service_by_name(part.of).unwrap();
            assert!(service.methods().any(|known| known.name() == part.name), "{}", part.name);
        }
        for part in FIELD.iter() {
            let message = POOL.get_message_by_name(&format!("specs.{}", part.of));
            assert!(message.is_some_and(|m| m.get_field_by_name(part.name).is_some()), "{}.{}", part.of, part.name);
        }
    }

    #[test]
    fn spans_are_told() {
        let power = call("management.ManagementService", "MachinePowerOn").unwrap();
        assert_eq!([power.holds(Release::V1_6), power.holds(Release::V1_8)], [false, true]);
        let gone = call("management.ManagementService", "TearDownLockedCluster").unwrap();
        assert_eq!([gone.holds(Release::V1_2), gone.holds(Release::V1_3)], [true, false]);
        assert_eq!(call("cosi.resource.State", "Get"), None);
        assert!(lacks_fields("ClusterSpec", Release::V1_6) && !lacks_fields("ClusterSpec", Release::NEWEST));
        assert!(!field("TalosVersionSpec", "unsupported").unwrap().holds(Release::V1_8));
    }
}
