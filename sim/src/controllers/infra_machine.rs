//! Machines of providers that stand there already: they are accepted, switched, and reached by their controllers.

use super::desk::Desk;
use crate::names::{controller, kind, label};
use crate::object::Object;
use crate::worlds;
use omni_proto::specs::infra_machine_config_spec::{AcceptanceStatus, MachinePowerState};
use omni_proto::specs::infra_machine_spec::MachinePowerState as Preferred;
use omni_proto::specs::{
    BmcConfigSpec, ClusterSpec, InfraMachineBmcConfigSpec, InfraMachineConfigSpec, InfraMachineSpec, MachineStatusSpec,
    NodeUniqueTokenSpec,
};
use std::collections::BTreeMap;

const BMC_HELD_BY: &[&str] = &[controller::BMC_CONFIG];

/// Whether a machine stands at a provider and was not let in yet.
pub(super) fn waits(desk: &Desk<'_>, link: &Object) -> bool {
    is_kept(link) && !desk.has(kind::MACHINE_STATUS, &link.key.id)
}

/// Whether a link is of a machine that was there before anybody asked for it.
fn is_kept(link: &Object) -> bool {
    link.label(label::INFRA_PROVIDER_ID).is_some() && link.label(label::MACHINE_REQUEST).is_none()
}

pub(super) fn act(desk: &Desk<'_>) {
    for link in desk.list(kind::LINK) {
        if is_kept(&link) && !link.tearing_down {
            tell(desk, &link);
        }
    }
    for machine in desk.list(kind::INFRA_MACHINE) {
        let id = machine.key.id.as_str();
        if !desk.has(kind::LINK, id) {
            for kind in [kind::INFRA_MACHINE_STATUS, kind::INFRA_MACHINE, worlds::HARDWARE] {
                desk.remove(kind, id);
            }
        }
    }
}

fn tell(desk: &Desk<'_>, link: &Object) {
    let id = link.key.id.as_str();
    let config: InfraMachineConfigSpec = desk.spec(kind::INFRA_MACHINE_CONFIG, id);
    let accepted = config.acceptance_status() == AcceptanceStatus::Accepted;
    if accepted && let Some(hardware) = desk.get(worlds::HARDWARE, id) {
        worlds::report(desk.store(), id, &hardware.spec::<MachineStatusSpec>(), BTreeMap::new());
        desk.remove(worlds::HARDWARE, id);
    }
    let member = desk.get(kind::CLUSTER_MACHINE, id);
    let cluster: ClusterSpec = match member.as_ref().and_then(|member| member.label(label::CLUSTER)) {
        Some(cluster) => desk.spec(kind::CLUSTER, cluster),
        None => ClusterSpec::default(),
    };
    let mut spec = InfraMachineSpec {
        acceptance_status: config.acceptance_status,
        cluster_talos_version: cluster.talos_version,
        extra_kernel_args: config.extra_kernel_args.clone(),
        requested_reboot_id: config.requested_reboot_id.clone(),
        cordoned: config.cordoned,
        node_unique_token: desk.spec::<NodeUniqueTokenSpec>(kind::NODE_UNIQUE_TOKEN, id).token,
        power_off_request_id: config.power_off_request_id.clone(),
        ..InfraMachineSpec::default()
    };
    let off = config.power_state() == MachinePowerState::PowerStateOff;
    spec.set_preferred_power_state(if off { Preferred::PowerStateOff } else { Preferred::PowerStateOn });
    let provider = link.label(label::INFRA_PROVIDER_ID).unwrap_or_default();
    let waiting = config.acceptance_status() == AcceptanceStatus::Pending;
    let labels: Vec<_> = [(label::INFRA_PROVIDER_ID, provider)]
        .into_iter()
        .chain(waiting.then_some((label::MACHINE_PENDING_ACCEPT, "")))
        .collect();
    desk.put(controller::INFRA_MACHINE, kind::INFRA_MACHINE, id, &labels, &spec);
}

/// Passes on how management controllers are reached.
pub(super) fn bmc(desk: &Desk<'_>) {
    for config in desk.list(kind::INFRA_MACHINE_BMC_CONFIG) {
        let id = config.key.id.as_str();
        if config.tearing_down {
            desk.remove(kind::BMC_CONFIG, id);
            desk.release(&config, BMC_HELD_BY);
            continue;
        }
        desk.hold(&config, BMC_HELD_BY);
        let link = desk.get(kind::LINK, id);
        let labels: Vec<_> = link
            .iter()
            .filter_map(|link| Some((label::INFRA_PROVIDER_ID, link.label(label::INFRA_PROVIDER_ID)?)))
            .collect();
        let spec = BmcConfigSpec { config: Some(config.spec::<InfraMachineBmcConfigSpec>()) };
        desk.put(controller::BMC_CONFIG, kind::BMC_CONFIG, id, &labels, &spec);
    }
}
