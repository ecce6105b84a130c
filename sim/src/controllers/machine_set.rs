//! Machine sets: finalizers, and removal of their machines before their own.

use super::context::ControllerContext;
use crate::names::{controller, kind, label};
use crate::object::Object;
use crate::rules;
use omni_proto::specs::{DestroyStatusSpec, MachineSetSpec};

const HELD_BY: &[&str] = &[
    controller::MACHINE_SET,
    controller::MACHINE_SET_STATUS,
    controller::MACHINE_SET_DESTROY_STATUS,
    controller::CONTROL_PLANE_STATUS,
    controller::MACHINE_PROVISION,
];
const PLANES_ALSO_BY: &[&str] = &[controller::MACHINE_SET_ETCD_AUDIT, controller::CLUSTER_BOOTSTRAP_STATUS];
const CLASSES_ALSO_BY: &[&str] = &[controller::MACHINE_SET_NODE];

/// What the server keeps under the id of a set.
const BELONGINGS: &[&str] = &[
    kind::MACHINE_SET_STATUS,
    kind::MACHINE_SET_CONFIG_STATUS,
    kind::MACHINE_SET_DESTROY_STATUS,
    kind::CONTROL_PLANE_STATUS,
];

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for set in ctx.list(kind::MACHINE_SET) {
        if set.tearing_down {
            leave(ctx, &set);
            continue;
        }
        ctx.hold(&set, HELD_BY);
        if set.label(label::CONTROL_PLANE).is_some() {
            ctx.hold(&set, PLANES_ALSO_BY);
        }
        if rules::allocation(&set.spec::<MachineSetSpec>()).is_some() {
            ctx.hold(&set, CLASSES_ALSO_BY);
        }
    }
}

/// Empties a set: its nodes, its extensions and patches, then the wait for its machines.
fn leave(ctx: &ControllerContext<'_>, set: &Object) {
    let id = set.key.id.as_str();
    let of_users = |kind: &str| {
        let mut found = ctx.labelled(kind, label::MACHINE_SET, id);
        found.retain(|object| object.owner.is_empty() && object.label(label::CLUSTER) == set.label(label::CLUSTER));
        found
    };
    let cluster_machines = ctx.labelled(kind::CLUSTER_MACHINE, label::MACHINE_SET, id).len();
    let phase = format!("Destroying: {cluster_machines} machines");
    let owner = controller::MACHINE_SET_DESTROY_STATUS;
    ctx.put(owner, kind::MACHINE_SET_DESTROY_STATUS, id, &[], &DestroyStatusSpec { phase });

    let nodes = ctx.clear_all(&of_users(kind::MACHINE_SET_NODE));
    let extensions = ctx.clear_all(&of_users(kind::EXTENSIONS_CONFIGURATION));
    let patches = ctx.clear_all(&of_users(kind::CONFIG_PATCH));
    // What was asked of a provider is given back before the set goes.
    let asked = ctx.has(kind::MACHINE_REQUEST_SET, id);
    if nodes && extensions && patches && cluster_machines == 0 && !asked {
        for kind in BELONGINGS {
            ctx.remove(kind, id);
        }
        ctx.release(set, HELD_BY);
        ctx.release(set, PLANES_ALSO_BY);
        ctx.release(set, CLASSES_ALSO_BY);
    }
}
