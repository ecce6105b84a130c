//! The catalogue of releases of Omni, a file of tables: releases, behaviours, types,
//! RPCs, fields, and access.
//! This module only parses the file. An addition of a release is one row.

mod feature;

pub use feature::Feature;

use super::release::Release;
use std::sync::LazyLock;

const TABLES: &str = include_str!("catalogue.tsv");

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
fn rows(table: &str) -> impl Iterator<Item = Vec<&'static str>> {
    lines(table).filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| line.split('\t').collect())
}

fn lines(table: &str) -> impl Iterator<Item = &'static str> {
    let start = TABLES.find(&format!("\n[{table}]\n")).map_or(TABLES.len(), |at| at + 1);
    TABLES[start..].lines().skip(1).take_while(|line| !line.starts_with('['))
}

/// The rows about types.
pub(super) fn types() -> impl Iterator<Item = Vec<&'static str>> {
    rows("types")
}

/// The rows about classes of access.
pub(super) fn access() -> impl Iterator<Item = Vec<&'static str>> {
    rows("access")
}

/// The text of a word in the table of access.
pub(super) fn text(word: &str) -> Option<&'static str> {
    ANSWER.iter().find(|row| row.first() == Some(&word)).and_then(|row| row.get(1).copied())
}

impl Release {
    /// Whether a server of this release does this.
    #[must_use]
    pub fn has(self, feature: Feature) -> bool {
        feature.span().holds(self)
    }

    /// Whether the specs of a server of this release have this field, by the name of the message within `specs`.
    #[must_use]
    pub fn has_field(self, message: &str, name: &str) -> bool {
        field(message, name).is_none_or(|span| span.holds(self))
    }

    /// The version that a server of this release reports.
    #[must_use]
    pub fn version(self) -> String {
        self.row().map_or_else(|| format!("v{self}.0"), |row| row[1].to_owned())
    }

    /// The version of the API that a server of this release reports.
    #[must_use]
    pub fn api_version(self) -> u32 {
        self.row().and_then(|row| row[2].parse().ok()).unwrap_or_default()
    }

    fn row(self) -> Option<[&'static str; 3]> {
        let rows = rows("releases").filter_map(|row| <[&str; 3]>::try_from(row).ok());
        rows.into_iter().find(|[release, ..]| release.parse() == Ok(self))
    }
}

/// Something that came later, or went: what it belongs to, its name, and the releases that have it.
struct Part {
    of: &'static str,
    name: &'static str,
    span: Span,
}

/// Read once: each class of access names several of them when a server starts.
static ANSWER: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| rows("answers").collect());
static CALL: LazyLock<Vec<Part>> = LazyLock::new(|| parts("calls"));
static FIELD: LazyLock<Vec<Part>> = LazyLock::new(|| parts("fields"));
static PATCH_FIELD: LazyLock<Vec<Part>> = LazyLock::new(|| parts("patch fields"));

fn parts(table: &str) -> Vec<Part> {
    rows(table).filter_map(|row| part(&row)).collect()
}

fn part(row: &[&'static str]) -> Option<Part> {
    match *row {
        [name, since, until] => Some(Part { of: "", name, span: Span::read(since, until)? }),
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

/// The fields of a configuration that patches must not set, and the releases that refuse them.
pub fn patch_fields() -> impl Iterator<Item = (&'static str, Span)> {
    PATCH_FIELD.iter().map(|part| (part.name, part.span))
}

/// The fields of specs that only older releases have, so that the definitions leave them out: the message within
/// `specs`, the field, its number, and its type: `string`, `MetaValue`, `repeated MetaValue`, `map<string, int32>`.
pub(super) fn former_fields() -> impl Iterator<Item = (&'static str, &'static str, i32, &'static str)> {
    rows("fields").filter_map(|row| {
        let &[message, field, _, _, shape] = row.as_slice() else { return None };
        let (number, kind) = shape.split_once(':')?;
        Some((message, field, number.parse().ok()?, kind))
    })
}

/// Whether a server of this release has other fields of this message than the newest; those of messages within it are
/// not looked at.
pub(super) fn differs(message: &str, release: Release) -> bool {
    let differs = |part: &Part| part.span.holds(release) != part.span.holds(Release::NEWEST);
    FIELD.iter().any(|part| part.of == message && differs(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::POOL;

    #[test]
    fn every_row_is_read() {
        for (table, columns, spans) in [
            ("releases", 3..=3, false),
            ("features", 3..=3, true),
            ("types", 10..=10, false),
            ("access", 5..=5, false),
            ("answers", 2..=2, false),
            ("calls", 4..=4, true),
            // The shape of a field that went comes last.
            ("fields", 4..=5, true),
            ("patch fields", 3..=3, true),
        ] {
            assert!(rows(table).count() > 0, "{table} is empty");
            for row in rows(table) {
                assert!(columns.contains(&row.len()), "{row:?}");
                assert!(!spans || part(&row).is_some(), "{row:?}");
            }
        }
        let former = rows("fields").filter(|row| row.len() == 5).count();
        assert_eq!(former_fields().count(), former);
    }

    #[test]
    fn releases_are_those_that_can_be_simulated() {
        let known: Vec<Release> = rows("releases").map(|row| row[0].parse().unwrap()).collect();
        assert!(known.is_sorted());
        assert_eq!((known.first(), known.last()), (Some(&Release::V1_2), Some(&Release::NEWEST)));
        for release in known {
            assert!(release.version().starts_with(&format!("v{release}.")), "{release}");
            assert!([2, 3].contains(&release.api_version()), "{release}");
        }
        assert_eq!((Release::V1_6.version().as_str(), Release::V1_6.api_version()), ("v1.6.6", 2));
    }

    #[test]
    fn a_release_reports_a_version_that_has_all_of_it() {
        let patch = |version: &str| -> Option<u32> { version.trim_start_matches('v').split('.').nth(2)?.parse().ok() };
        let mut checked = 0;
        for row in ["types", "calls", "fields", "features"].into_iter().flat_map(rows) {
            for version in row.into_iter().filter(|cell| cell.starts_with("1.") && patch(cell).is_some()) {
                let release = Release::of_version(version).unwrap();
                assert!(patch(&release.version()) >= patch(version), "{version} of {release}");
                checked += 1;
            }
        }
        assert!(checked > 3, "{checked}");
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
        let older = [Release::V1_6, Release::NEWEST].map(|release| differs("TalosVersionSpec", release));
        assert_eq!(older, [true, false]);
        assert!(!Release::V1_8.has_field("TalosVersionSpec", "unsupported"));
        assert!(Release::V1_2.has_field("TalosVersionSpec", "version"));
    }
}
