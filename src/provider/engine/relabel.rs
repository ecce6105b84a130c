//! Labels whose meaning is that of the state, but which Omni does not understand, such as a short name
//! of a machine set that another tool wrote instead of its ID: no attribute differs, but the object must be written.

use super::Owned;
use crate::omni::Resource as Stored;
use crate::provider::errors::{Operation, capital};
use crate::tf::diag::Diagnostic;
use crate::tf::resource::{Plan, Private};
use crate::tf::value::Value;

/// Beside the state: the labels to be corrected, each with what it is and what it has to be.
const NAME: &str = "stale_labels";

/// Notes the labels that a write of what the state says would change.
pub(super) fn note(stored: &Stored, wanted: &[Owned], private: &mut Private) {
    let stale: Vec<[&str; 3]> = wanted
        .iter()
        .filter_map(|(key, wanted)| {
            let (is, wanted) = (stored.metadata.labels.get(*key)?.as_str(), wanted.as_deref()?);
            (is != wanted).then_some([*key, is, wanted])
        })
        .collect();
    match stale.is_empty() {
        true => private.remove(NAME),
        false => private.set(NAME, stale),
    }
}

/// Plans the write that corrects them; `version` is the attribute that changes with every write.
pub(super) fn plan(operation: &Operation<'_>, version: &str, plan: &mut Plan<'_>) {
    let stale: Vec<[String; 3]> = plan.private.get(NAME).unwrap_or_default();
    if stale.is_empty() || plan.prior.is_none() || !plan.replace.is_empty() {
        return;
    }
    plan.planned.set(version, Value::UNKNOWN);
    let list = stale.iter().map(|[key, is, wanted]| format!("\n  - `{key}`: `{is}` becomes `{wanted}`"));
    plan.diags.push(
        Diagnostic::warning(
            format!("{} has no effect yet", capital(&operation.what())),
            format!("Its labels in Omni refer to nothing: another tool wrote short names instead of IDs. The apply corrects:{}", list.collect::<String>()),
        )
        .hint("No attribute changes. Apply to correct the labels."),
    );
}
