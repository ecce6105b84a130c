//! What machines prove themselves with: the join token that one came with, its own secret, and those that only knock.

use super::desk::Desk;
use crate::names::{controller, kind};
use crate::rules::tolerant;
use crate::seeds::random_token;
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

pub(super) fn joined(desk: &Desk<'_>) {
    let default = desk.spec::<DefaultJoinTokenSpec>(kind::DEFAULT_JOIN_TOKEN, "default").token_id;
    for link in desk.list(kind::LINK) {
        let id = link.key.id.as_str();
        if !link.tearing_down {
            desk.once("", kind::JOIN_TOKEN_USAGE, id, &[], || {
                JoinTokenUsageSpec { token_id: default.clone() }.encode_to_vec()
            });
            prove(desk, id);
        }
    }
    for kind in KEPT {
        for kept in desk.list(kind) {
            if !desk.has(kind::LINK, &kept.key.id) {
                desk.remove(kind, &kept.key.id);
            }
        }
    }
}

fn prove(desk: &Desk<'_>, id: &str) {
    let Some(machine) = desk.get(kind::MACHINE_STATUS, id) else { return };
    let machine: MachineStatusSpec = machine.spec();
    let able = tolerant::parse(&machine.talos_version).is_ok_and(|version| version.minor_line() >= FIRST);
    let installed = machine.hardware.iter().flat_map(|h| &h.blockdevices).any(|disk| disk.system_disk);
    let state = match (able, installed) {
        (false, _) => State::Unsupported,
        (true, true) => State::Persistent,
        (true, false) => State::Ephemeral,
    };
    if able {
        desk.once("", kind::NODE_UNIQUE_TOKEN, id, &[], || {
            NodeUniqueTokenSpec { token: random_token() }.encode_to_vec()
        });
    }
    let status = NodeUniqueTokenStatusSpec { state: state.into() };
    desk.put(controller::NODE_UNIQUE_TOKEN_STATUS, kind::NODE_UNIQUE_TOKEN_STATUS, id, &[], &status);
}

pub(super) fn knocking(desk: &Desk<'_>) {
    let token = desk.spec::<DefaultJoinTokenSpec>(kind::DEFAULT_JOIN_TOKEN, "default").token_id;
    for machine in desk.list(kind::PENDING_MACHINE) {
        let id = machine.key.id.as_str();
        if machine.tearing_down {
            desk.remove(kind::PENDING_MACHINE_STATUS, id);
            desk.release(&machine, KNOCKING_HELD_BY);
        } else {
            desk.hold(&machine, KNOCKING_HELD_BY);
            let status = PendingMachineStatusSpec { token: token.clone(), talos_installed: false };
            desk.put(controller::PENDING_MACHINE_STATUS, kind::PENDING_MACHINE_STATUS, id, &[], &status);
        }
    }
}
