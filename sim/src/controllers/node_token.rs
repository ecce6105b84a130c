//! Authentication of machines: join tokens, unique node tokens, and pending machines.

use super::context::ControllerContext;
use crate::bootstrap::random_token;
use crate::names::{controller, kind};
use crate::rules::tolerant;
use omni_proto::specs::node_unique_token_status_spec::State;
use omni_proto::specs::{
    DefaultJoinTokenSpec, JoinTokenUsageSpec, MachineStatusSpec, NodeUniqueTokenSpec, NodeUniqueTokenStatusSpec,
    PendingMachineStatusSpec,
};
use prost::Message;

/// What the server keeps under the id of a machine that joined.
const KEPT: &[&str] = &[kind::JOIN_TOKEN_USAGE, kind::NODE_UNIQUE_TOKEN, kind::NODE_UNIQUE_TOKEN_STATUS];

/// The first minor version of Talos that keeps a secret of its own.
const FIRST: (u64, u64) = (1, 6);

const KNOCKING_HELD_BY: &[&str] = &[controller::PENDING_MACHINE_STATUS];

pub(super) fn joined(ctx: &ControllerContext<'_>) {
    let default = ctx.spec::<DefaultJoinTokenSpec>(kind::DEFAULT_JOIN_TOKEN, "default").token_id;
    for link in ctx.list(kind::LINK) {
        let id = link.key.id.as_str();
        if !link.tearing_down {
            ctx.once("", kind::JOIN_TOKEN_USAGE, id, &[], || {
                JoinTokenUsageSpec { token_id: default.clone() }.encode_to_vec()
            });
            prove(ctx, id);
        }
    }
    for kind in KEPT {
        for kept in ctx.list(kind) {
            if !ctx.has(kind::LINK, &kept.key.id) {
                ctx.remove(kind, &kept.key.id);
            }
        }
    }
}

fn prove(ctx: &ControllerContext<'_>, id: &str) {
    let Some(machine) = ctx.get(kind::MACHINE_STATUS, id) else { return };
    let machine: MachineStatusSpec = machine.spec();
    let able = tolerant::parse(&machine.talos_version).is_ok_and(|version| version.minor_line() >= FIRST);
    let installed = machine.hardware.iter().flat_map(|h| &h.blockdevices).any(|disk| disk.system_disk);
    let state = match (able, installed) {
        (false, _) => State::Unsupported,
        (true, true) => State::Persistent,
        (true, false) => State::Ephemeral,
    };
    if able {
        ctx.once("", kind::NODE_UNIQUE_TOKEN, id, &[], || {
            NodeUniqueTokenSpec { token: random_token() }.encode_to_vec()
        });
    }
    let status = NodeUniqueTokenStatusSpec { state: state.into() };
    ctx.put(controller::NODE_UNIQUE_TOKEN_STATUS, kind::NODE_UNIQUE_TOKEN_STATUS, id, &[], &status);
}

pub(super) fn knocking(ctx: &ControllerContext<'_>) {
    let token = ctx.spec::<DefaultJoinTokenSpec>(kind::DEFAULT_JOIN_TOKEN, "default").token_id;
    for machine in ctx.list(kind::PENDING_MACHINE) {
        let id = machine.key.id.as_str();
        if machine.tearing_down {
            ctx.remove(kind::PENDING_MACHINE_STATUS, id);
            ctx.release(&machine, KNOCKING_HELD_BY);
        } else {
            ctx.hold(&machine, KNOCKING_HELD_BY);
            let status = PendingMachineStatusSpec { token: token.clone(), talos_installed: false };
            ctx.put(controller::PENDING_MACHINE_STATUS, kind::PENDING_MACHINE_STATUS, id, &[], &status);
        }
    }
}
