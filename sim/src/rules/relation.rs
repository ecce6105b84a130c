//! The labels that say what an object belongs to: they must be there, and they never change.

use super::Change;

/// The problems with the relation `key`.
pub(super) fn problems(change: Change<'_>, key: &str) -> Vec<String> {
    match change {
        Change::Create(new) => set(new.label(key), key).into_iter().collect(),
        Change::Update(old, new) => {
            let before = old.label(key).unwrap_or_default();
            let after = new.label(key).unwrap_or_default();
            let changed = (!before.is_empty() && before != after)
                .then(|| format!("changing value of label {key:?} from {before:?} to {after:?}"));
            set(new.label(key), key).into_iter().chain(changed).collect()
        }
        Change::Destroy(_) => Vec::new(),
    }
}

fn set(value: Option<&str>, key: &str) -> Option<String> {
    match value {
        None => Some(format!("label {key:?} does not exist")),
        Some("") => Some(format!("label {key:?} has empty value")),
        Some(_) => None,
    }
}
