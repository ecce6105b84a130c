//! The acceptance of machines that a static infrastructure provider, such as the bare metal provider, has found.
//! Until such a machine is accepted it has a link and nothing else, so that only its id is known.

use super::pending::PendingMachine;
use crate::omni::spec::{self, Spec};
use crate::omni::{Error, ErrorKind, Phase, Query, Resource, labels};
use crate::provider::engine::Cx;
use crate::provider::lookup::View;
use crate::provider::session::at;
use crate::provider::view;
use crate::tf::diag::Diagnostic;
use crate::tf::value::Value;
use omni_proto::specs::infra_machine_config_spec::AcceptanceStatus;
use omni_proto::specs::{InfraMachineConfigSpec, SiderolinkSpec};

const FIELD: &str = "acceptance_status";
/// The argument of `omni_machine` that accepts it.
pub(crate) const ACCEPT: &str = "accept";
/// The argument of `omni_infra_machine_config` that decides on it, and its text for an accepted machine.
pub(crate) const ACCEPTANCE: &str = "acceptance";
pub(crate) const ACCEPTED_STATE: &str = "accepted";

/// Whether a machine has to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Acceptance {
    /// It has no link, as far as that can be seen: it is not in Omni.
    Absent,
    /// It stands at no static provider, so nobody has to accept it.
    NotNeeded,
    /// Not yet, or rejected: its provider, and which of the two.
    Missing { provider: String, rejected: bool },
    /// It is accepted.
    Given,
}

/// How it stands with the machine of this id.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn of(cx: &Cx, id: &str) -> Result<Acceptance, Error> {
    let Some(link) = view::object::<SiderolinkSpec>(cx, id).await?.there() else { return Ok(Acceptance::Absent) };
    let Some(provider) = link.label(labels::INFRA_PROVIDER) else { return Ok(Acceptance::NotNeeded) };
    // What a provider creates on request is wanted already.
    if link.label(labels::MACHINE_REQUEST).is_some() {
        return Ok(Acceptance::NotNeeded);
    }
    let config = view::spec::<InfraMachineConfigSpec>(cx, id).await?.unwrap_or_default();
    Ok(match config.acceptance_status() {
        AcceptanceStatus::Accepted => Acceptance::Given,
        other => Acceptance::Missing { provider: provider.to_owned(), rejected: other == AcceptanceStatus::Rejected },
    })
}

/// That an `omni_machine` accepts the machine and the planned `omni_infra_machine_config` of it, `config`, does not.
/// `attribute` is the one to blame.
pub(crate) fn conflict(id: &str, config: &Value, attribute: &str) -> Option<Diagnostic> {
    let other = config.get(ACCEPTANCE).as_str().filter(|other| *other != ACCEPTED_STATE)?;
    let conflict = Diagnostic::error(
        format!("Two resources disagree on the acceptance of machine `{id}`"),
        format!(
            "An `omni_machine` accepts it with `{ACCEPT} = true`, and its `omni_infra_machine_config` has `{ACCEPTANCE} = \"{other}\"`. \
             An accepted machine stays accepted, so the apply of one of them would fail."
        ),
    );
    let hint = format!("Remove `{ACCEPT}` from the `omni_machine`, or set `{ACCEPTANCE} = \"{ACCEPTED_STATE}\"`.");
    Some(conflict.hint(hint).at(at(attribute)))
}

/// Why a machine that is in Omni has no status yet, so that it cannot be found: it waits for its acceptance, or has not joined.
/// `attribute` holds its ID.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn why_hidden(cx: &Cx, id: &str, attribute: &str) -> Result<Option<Diagnostic>, Error> {
    let told = match of(cx, id).await? {
        Acceptance::Missing { provider, rejected } => {
            let (state, way) = match rejected {
                false => ("waits for its acceptance", "until it is accepted"),
                true => ("is rejected", "unless it is accepted after all"),
            };
            let detail = format!(
                "Its infrastructure provider `{provider}` has found it, but Omni does not show it as a machine {way}."
            );
            Diagnostic::error(format!("Machine `{id}` {state}"), detail).hint(format!(
                "Accept it: with `accept = true` of an `omni_machine` that has `machine_id = \"{id}\"`, with \
                 `acceptance = \"accepted\"` of an `omni_infra_machine_config`, or in the Omni UI. \
                 Its provider can then wipe its disks, and that cannot be taken back."
            ))
        }
        Acceptance::NotNeeded | Acceptance::Given => Diagnostic::error(
            format!("Machine `{id}` has not reported anything yet"),
            "It has a link to Omni, and its hardware and network are not known yet.",
        )
        .hint("Wait until it has reported them: `wait_for_registration = true` of an `omni_machine` does that."),
        Acceptance::Absent => {
            let query = Query::label(labels::MACHINE_UUID, id);
            if view::list(cx, PendingMachine::KIND, &query).await?.is_empty() {
                return Ok(None);
            }
            Diagnostic::error(
                format!("Machine `{id}` is pending"),
                "It has reached Omni and has not joined. It joins without an acceptance, unless another machine has the same ID.",
            )
            .hint("Wait until it has joined: `wait_for_registration = true` of an `omni_machine` does that. If it stays pending, the data source `omni_pending_machines` shows where it comes from.")
        }
    };
    Ok(Some(told.at(at(attribute))))
}

/// Accepts the machine; all else of its configuration stays as it is.
///
/// # Errors
/// When Omni refuses or does not answer.
pub(super) async fn accept(cx: &Cx, id: &str) -> Result<(), Error> {
    let key = InfraMachineConfigSpec::KIND.key(id);
    let _lock = cx.session.key_locks.take(&cx.call, &key).await?;
    let mut accepted = InfraMachineConfigSpec::default();
    accepted.set_acceptance_status(AcceptanceStatus::Accepted);
    let change = |current: &mut Resource| {
        current.spec = spec::merge_owned(&current.spec, &accepted, &[FIELD])?;
        Ok(())
    };
    match cx.client().modify(&cx.call, &key, Some(Phase::Running), change).await {
        Err(error) if error.is(ErrorKind::NotFound) => {}
        changed => return changed.map(drop),
    }
    match cx.client().create(&cx.call, spec::resource(id, &accepted)).await {
        Err(error) if error.is(ErrorKind::AlreadyExists) => {
            cx.client().modify(&cx.call, &key, Some(Phase::Running), change).await.map(drop)
        }
        created => created.map(drop),
    }
}
