//! Machines of static infrastructure providers: acceptance, power, and finalizers of their controllers.

use super::context::ControllerContext;
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
pub(super) fn waits(ctx: &ControllerContext<'_>, link: &Object) -> bool {
    is_kept(link) && !ctx.has(kind::MACHINE_STATUS, &link.key.id)
}

/// Whether a link is of a machine that was there before anybody asked for it.
fn is_kept(link: &Object) -> bool {
    link.label(label::INFRA_PROVIDER_ID).is_some() && link.label(label::MACHINE_REQUEST).is_none()
}

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for link in ctx.list(kind::LINK) {
        if is_kept(&link) && !link.tearing_down {
            tell(ctx, &link);
        }
    }
    for machine in ctx.list(kind::INFRA_MACHINE) {
        let id = machine.key.id.as_str();
        if !ctx.has(kind::LINK, id) {
            for kind in [kind::INFRA_MACHINE_STATUS, kind::INFRA_MACHINE, worlds::HARDWARE] {
                ctx.remove(kind, id);
            }
        }
    }
}

fn tell(ctx: &ControllerContext<'_>, link: &Object) {
    let id = link.key.id.as_str();
    let config: InfraMachineConfigSpec = ctx.spec(kind::INFRA_MACHINE_CONFIG, id);
    let accepted = config.acceptance_status() == AcceptanceStatus::Accepted;
    if accepted && let Some(hardware) = ctx.get(worlds::HARDWARE, id) {
        worlds::report(ctx.store(), id, &hardware.spec::<MachineStatusSpec>(), BTreeMap::new());
        ctx.remove(worlds::HARDWARE, id);
    }
    let cluster_machine = ctx.get(kind::CLUSTER_MACHINE, id);
    let cluster: ClusterSpec =
        match cluster_machine.as_ref().and_then(|cluster_machine| cluster_machine.label(label::CLUSTER)) {
            Some(cluster) => ctx.spec(kind::CLUSTER, cluster),
            None => ClusterSpec::default(),
        };
    let mut spec = InfraMachineSpec {
        acceptance_status: config.acceptance_status,
        cluster_talos_version: cluster.talos_version,
        extra_kernel_args: config.extra_kernel_args.clone(),
        requested_reboot_id: config.requested_reboot_id.clone(),
        cordoned: config.cordoned,
        node_unique_token: ctx.spec::<NodeUniqueTokenSpec>(kind::NODE_UNIQUE_TOKEN, id).token,
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
    ctx.put(controller::INFRA_MACHINE, kind::INFRA_MACHINE, id, &labels, &spec);
}

/// Passes on how management controllers are reached.
pub(super) fn bmc(ctx: &ControllerContext<'_>) {
    for config in ctx.list(kind::INFRA_MACHINE_BMC_CONFIG) {
        let id = config.key.id.as_str();
        if config.tearing_down {
            ctx.remove(kind::BMC_CONFIG, id);
            ctx.release(&config, BMC_HELD_BY);
            continue;
        }
        ctx.hold(&config, BMC_HELD_BY);
        let link = ctx.get(kind::LINK, id);
        let labels: Vec<_> = link
            .iter()
            .filter_map(|link| Some((label::INFRA_PROVIDER_ID, link.label(label::INFRA_PROVIDER_ID)?)))
            .collect();
        let spec = BmcConfigSpec { config: Some(config.spec::<InfraMachineBmcConfigSpec>()) };
        ctx.put(controller::BMC_CONFIG, kind::BMC_CONFIG, id, &labels, &spec);
    }
}
