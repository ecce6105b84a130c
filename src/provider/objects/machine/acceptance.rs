//! The acceptance of machines that a static infrastructure provider, such as the bare metal provider, has found.
//! Until such a machine is accepted it has a link and nothing else, so that only its id is known.

use crate::omni::spec::{self, Spec};
use crate::omni::{Error, ErrorKind, Phase, Resource, labels};
use crate::provider::engine::Cx;
use crate::provider::view;
use omni_proto::specs::infra_machine_config_spec::AcceptanceStatus;
use omni_proto::specs::{InfraMachineConfigSpec, SiderolinkSpec};

const FIELD: &str = "acceptance_status";

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
