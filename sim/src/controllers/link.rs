//! Links and machines: a link creates a machine, and its removal removes everything of the machine.

use super::context::ControllerContext;
use super::infra_machine;
use super::machine_parts;
use crate::kinds;
use crate::names::{controller, kind};
use crate::object::Object;
use omni_proto::specs::{MachineSpec, SiderolinkSpec};

const LINK_HELD_BY: &[&str] = &[controller::MACHINE];
const MACHINE_HELD_BY: &[&str] = &[controller::MACHINE_CLEANUP, controller::MACHINE_STATUS];

/// What users attach to a machine, and what goes with it.
const ATTACHED: &[&str] = &[
    kind::MACHINE_LABELS,
    kind::KERNEL_ARGS,
    kind::MACHINE_INSTALL_DISK_CONFIG,
    kind::INFRA_MACHINE_CONFIG,
    kind::INFRA_MACHINE_BMC_CONFIG,
];

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for link in ctx.list(kind::LINK) {
        if link.tearing_down {
            leave(ctx, &link);
        } else {
            join(ctx, &link);
        }
    }
}

fn join(ctx: &ControllerContext<'_>, link: &Object) {
    ctx.hold(link, LINK_HELD_BY);
    if infra_machine::waits(ctx, link) {
        return;
    }
    let spec: SiderolinkSpec = link.spec();
    let origin: Vec<_> = link.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let address = spec.node_subnet.split('/').next().unwrap_or_default().to_owned();
    let machine = MachineSpec { management_address: address, connected: spec.connected, ..Default::default() };
    let machine = ctx.put(controller::MACHINE, kind::MACHINE, &link.key.id, &origin, &machine);
    if !machine.tearing_down {
        ctx.hold(&machine, MACHINE_HELD_BY);
    }
}

fn leave(ctx: &ControllerContext<'_>, link: &Object) {
    let id = link.key.id.as_str();
    if let Some(machine) = ctx.get(kind::MACHINE, id) {
        ctx.teardown(&machine);
        ctx.clear(&kinds::key(kind::MACHINE_SET_NODE, id));
        // Its cluster has to let it go first.
        if ctx.has(kind::CLUSTER_MACHINE, id) || ctx.has(kind::MACHINE_SET_NODE, id) {
            return;
        }
    }
    let attached: Vec<_> = ATTACHED.iter().filter_map(|kind| ctx.get(kind, id)).collect();
    if !ctx.clear_all(&attached) {
        return;
    }
    machine_parts::clear(ctx, id);
    ctx.remove(kind::MACHINE, id);
    ctx.release(link, LINK_HELD_BY);
}
