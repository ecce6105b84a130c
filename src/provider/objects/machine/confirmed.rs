//! The argument `confirm` of actions that give a machine up: its ID for the second time.

use super::argument::{ARGUMENT, machine_attribute};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::schema::{Attribute, string};
use crate::tf::value::Value;

const CONFIRM: &str = "confirm";

/// The machine, and its confirmation.
pub(crate) fn attributes(what: &str) -> [Attribute; 2] {
    [
        machine_attribute().doc(format!("ID (UUID) of the machine to {what}.")),
        string(CONFIRM).required().doc(format!(
            "The ID of the machine once more, written out. The action is refused unless it is the same as `{ARGUMENT}`."
        )),
    ]
}

/// Refuses a configuration in which the two differ.
pub(crate) fn validate(config: &Value, diags: &mut Diagnostics) {
    if let (Some(machine), Some(confirmed)) = (config.get(ARGUMENT).as_str(), config.get(CONFIRM).as_str())
        && machine != confirmed
    {
        diags.push(
            Diagnostic::error("The machine is not confirmed", format!("`{CONFIRM}` is another ID than `{ARGUMENT}`."))
                .hint(format!("Set both to the ID of the machine, or remove the action. `{CONFIRM}` protects from giving up the wrong machine."))
                .at(Path::of(CONFIRM)),
        );
    }
}

/// The same once everything is known.
///
/// # Errors
/// When the two differ.
pub(crate) fn hold(config: &Value) -> Result<(), Diagnostic> {
    let mut diags = Diagnostics::new();
    validate(config, &mut diags);
    diags.iter().next().cloned().map_or(Ok(()), Err)
}
