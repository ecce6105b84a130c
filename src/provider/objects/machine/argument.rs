//! The argument `machine_id` of what belongs to one machine, under whose id Omni keeps it.

use super::machine_id;
use crate::omni::spec::Spec;
use crate::provider::engine::{Bind, Cx, Failure, Row};
use crate::provider::ledger::ObjectKey;
use crate::provider::view;
use crate::provider::view::Presence;
use crate::tf::check::not_empty;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::schema::{Attribute, string};
use crate::tf::value::Value;
use omni_proto::specs::{MachineStatusSpec, SiderolinkSpec};

pub(super) const ARGUMENT: &str = "machine_id";

/// The row of the argument.
pub(crate) fn machine_id() -> Row {
    string(ARGUMENT)
        .required()
        .replaces()
        .check(not_empty())
        .doc("ID (UUID) of the machine.")
        .id()
        .known_as::<MachineStatusSpec>("network.hostname")
}

/// The same for an action.
pub(crate) fn machine_attribute() -> Attribute {
    string(ARGUMENT).required().check(not_empty())
}

/// Holds the argument of an action against what is registered.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_named(cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
    let Some(id) = config.get(ARGUMENT).as_str() else { return Ok(()) };
    if !matches!(view::object::<MachineStatusSpec>(cx, id).await?, Presence::Missing)
        || !matches!(view::object::<SiderolinkSpec>(cx, id).await?, Presence::Missing)
    {
        return Ok(());
    }
    let diagnostic = match machine_id::problem(id) {
        Some((why, hint)) => Diagnostic::error(format!("`{ARGUMENT}` is not the ID of a machine"), why).hint(hint),
        None => Diagnostic::warning(
            format!("Machine `{id}` is not known to Omni"),
            "The action will fail unless a machine with this ID has registered by then.",
        )
        .hint("Check the ID; the data source `omni_machines` lists the machines that have registered."),
    };
    diags.push(diagnostic.at(Path::of(ARGUMENT)));
    Ok(())
}

/// Holds the argument against what is registered: a text that is no id is an error, and an id that no machine has is a warning.
pub(crate) async fn check_machine(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
    let Some(id) = plan.planned.get(ARGUMENT).as_str().map(str::to_owned) else { return Ok(()) };
    if cx.session.ledger.planned(&ObjectKey::from(&MachineStatusSpec::KIND.key(&id))).is_some()
        || !matches!(view::object::<MachineStatusSpec>(cx, &id).await?, Presence::Missing)
        // One that waits for its acceptance has registered, and has no status yet.
        || !matches!(view::object::<SiderolinkSpec>(cx, &id).await?, Presence::Missing)
    {
        return Ok(());
    }
    let diagnostic = match machine_id::problem(&id) {
        Some((why, hint)) => Diagnostic::error(format!("`{ARGUMENT}` is not the ID of a machine"), why).hint(hint),
        None => Diagnostic::warning(
            format!("Machine `{id}` is not known to Omni"),
            "Omni takes this, but it has no effect until a machine with this ID registers.",
        )
        .hint("Check the ID if the machine should be there already; the data source `omni_machines` lists those that are."),
    };
    plan.diags.push(diagnostic.at(Path::of(ARGUMENT)));
    Ok(())
}
