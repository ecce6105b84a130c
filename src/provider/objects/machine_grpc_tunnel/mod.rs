//! `omni_machine_grpc_tunnel`: whether a machine reaches Omni through a gRPC tunnel.

use crate::provider::engine::{Bind, CosiObject, Cx, Failure, OneKind, ResourceType, Row, Table};
use crate::provider::objects::machine::{argument, machine_id};
use crate::provider::types::Types;
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, boolean};
use async_trait::async_trait;
use omni_proto::specs::GrpcTunnelConfigSpec;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<MachineGrpcTunnel>();
}

struct MachineGrpcTunnel;

impl Table for MachineGrpcTunnel {
    type Spec = GrpcTunnelConfigSpec;

    const NAME: &'static str = "omni_machine_grpc_tunnel";
    const NOUN: &'static str = "gRPC tunnel configuration";
    const ID: &'static str = "machine_id";

    fn rows() -> Vec<Row> {
        vec![
            argument::machine_id(),
            boolean("enabled")
                .required()
                .doc("Whether the machine tunnels its SideroLink connection through gRPC.")
                .field("enabled"),
        ]
    }
}

#[async_trait]
impl ResourceType for MachineGrpcTunnel {
    fn about() -> Schema {
        Schema::new(
            "Manages whether a machine tunnels its SideroLink connection (WireGuard over UDP) through gRPC, for networks that block UDP.\n\n\
             Destroying it leaves the choice to the join configuration of the machine.",
        )
        .since("1.5")
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        machine_id::problem(id)
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        argument::check_machine(cx, plan).await
    }
}

impl CosiObject for MachineGrpcTunnel {
    type Kinds = OneKind;
}
