//! Labels that refer to the owner of an object: they are required and immutable.

use super::Change;
use crate::object::Object;

/// The problems with the relations `keys`: first those that are not there, then those that change.
pub(super) fn problems(change: Change<'_>, keys: &[&str]) -> Vec<String> {
    let missing = |new: &Object| keys.iter().filter_map(|key| set(new.label(key), key)).collect::<Vec<_>>();
    match change {
        Change::Create(new) => missing(new),
        Change::Update(old, new) => {
            let changed = keys.iter().filter_map(|key| {
                let before = old.label(key).unwrap_or_default();
                let after = new.label(key).unwrap_or_default();
                (!before.is_empty() && before != after)
                    .then(|| format!("changing value of label {key:?} from {before:?} to {after:?}"))
            });
            missing(new).into_iter().chain(changed).collect()
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
