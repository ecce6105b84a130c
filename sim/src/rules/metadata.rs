//! The limits on IDs, labels and annotations, which apply to every type.

use super::Change;
use std::collections::BTreeMap;

const MAX_KEY: usize = 1024;
const MAX_VALUE: usize = 16384;
const MAX_ENTRIES: usize = 256;

/// The problems with what a user may name freely.
pub(super) fn problems(change: Change<'_>) -> Vec<String> {
    let mut found = Vec::new();
    match change {
        Change::Create(new) => {
            name(&mut found, "resource ID", &new.key.id, false);
            entries(&mut found, "label", None, &new.labels);
            entries(&mut found, "annotation", None, &new.annotations);
        }
        Change::Update(old, new) => {
            entries(&mut found, "label", Some(&old.labels), &new.labels);
            entries(&mut found, "annotation", Some(&old.annotations), &new.annotations);
        }
        Change::Destroy(_) => {}
    }
    found
}

/// The problems with a name; the one about its characters shows it, unless it is the name of the object itself.
fn name(found: &mut Vec<String>, what: &str, text: &str, shown: bool) {
    if text.is_empty() {
        found.push(format!("{what} must not be empty"));
    }
    if text.len() > MAX_KEY {
        found.push(format!("{what} is too long: {} bytes (max {MAX_KEY})", text.len()));
    }
    if text.chars().any(char::is_control) {
        let shown = if shown { format!(" {text:?}") } else { String::new() };
        found.push(format!("{what}{shown} must not contain control characters"));
    }
}

/// Entries that an update leaves as they were are not looked at again: they may be older than the limits.
fn entries(
    found: &mut Vec<String>,
    what: &str,
    old: Option<&BTreeMap<String, String>>,
    new: &BTreeMap<String, String>,
) {
    if new.len() > MAX_ENTRIES && old.is_none_or(|old| new.len() > old.len()) {
        found.push(format!("too many {what}s: {} (max {MAX_ENTRIES})", new.len()));
    }
    for (key, value) in new {
        if old.is_some_and(|old| old.get(key) == Some(value)) {
            continue;
        }
        name(found, &format!("{what} key"), key, true);
        super::text(found, &format!("{what} value for key {key:?}"), value, MAX_VALUE);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{labelled, object};
    use super::*;

    #[test]
    fn limits_of_a_create() {
        let long = "x".repeat(1025);
        let value = "x".repeat(16385);
        for (id, labels, expected) in [
            ("", vec![], "resource ID must not be empty"),
            (long.as_str(), vec![], "resource ID is too long: 1025 bytes (max 1024)"),
            ("a\nb", vec![], "resource ID must not contain control characters"),
            ("a", vec![("", "")], "label key must not be empty"),
            ("a", vec![(long.as_str(), "")], "label key is too long: 1025 bytes (max 1024)"),
            ("a", vec![("k\t", "")], "label key \"k\\t\" must not contain control characters"),
            ("a", vec![("k", value.as_str())], "label value for key \"k\" is too long: 16385 bytes (max 16384)"),
            ("a", vec![("k", "a\nb")], "label value for key \"k\" must not contain control characters"),
        ] {
            let object = labelled(object("MachineLabels.omni.sidero.dev", id, &()), &labels);
            assert_eq!(problems(Change::Create(&object)), [expected]);
        }
    }

    #[test]
    fn an_update_may_keep_what_is_too_much_but_not_add_to_it() {
        let many: Vec<String> = (0..258).map(|n| format!("k{n}")).collect();
        let labels: Vec<(&str, &str)> = many.iter().map(|k| (k.as_str(), "a\nb")).collect();
        let kind = "MachineLabels.omni.sidero.dev";
        let old = labelled(object(kind, "", &()), &labels[..257]);
        assert_eq!(problems(Change::Update(&old, &old)), [""; 0]);
        let new = labelled(object(kind, "", &()), &labels);
        assert_eq!(
            problems(Change::Update(&old, &new)),
            ["too many labels: 258 (max 256)", "label value for key \"k257\" must not contain control characters"]
        );
    }
}
