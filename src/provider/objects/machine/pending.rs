//! `omni_pending_machines`: machines that have reached Omni and have not joined.

use crate::omni::{Kind, labels};
use crate::provider::engine::{Bind, KeyCodec, Row, Table};
use crate::provider::lookup::computed::text;
use crate::provider::lookup::{Filter, View};
use crate::tf::schema::string;
use omni_proto::specs::SiderolinkSpec;

pub(super) struct PendingMachine;

impl Table for PendingMachine {
    type Spec = SiderolinkSpec;

    const NAME: &'static str = "omni_pending_machine";
    const NOUN: &'static str = "pending machine";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            text("id", "ID of the request to join, which is the public key of the machine.").id(),
            text("machine_id", "ID (UUID) that the machine reports; another machine may report it too.")
                .label(labels::MACHINE_UUID, KeyCodec::Text),
            text("remote_address", "Remote address of the machine.").field("remote_addr"),
            text(
                "management_address",
                "Address of the machine in the SideroLink network of Omni, with its prefix length.",
            )
            .field("node_subnet"),
        ]
    }
}

impl View for PendingMachine {
    const KIND: Kind = Kind { namespace: "ephemeral", name: "PendingMachines.omni.sidero.dev" };
    const NOUNS: &'static str = "pending machines";
    const PLURAL: &'static str = "omni_pending_machines";
    const ABOUT_ALL: &'static str = "Lists pending machines: machines that have connected to Omni and have not joined, for example because another machine has the same ID. All filters that are set must match.";

    fn filters() -> Vec<Filter> {
        vec![Filter::label(string("machine_id").doc("Only machines that report this ID (UUID)."), labels::MACHINE_UUID)]
    }
}
