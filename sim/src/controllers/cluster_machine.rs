//! Cluster machines: installation, reboots, start, and reset.

use super::cluster_machine_config;
use super::configuration;
use super::context::{ControllerContext, labels};
use super::former::{ApidAvailable, With};
use super::install_disk;
use super::node::{CLUSTER_MACHINE_HELD_BY, MACHINE_HELD_BY};
use super::schematic;
use super::system_patches::DISCOVERY;
use crate::names::{annotation, controller, kind, label};
use crate::object::Object;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omni_proto::specs::cluster_machine_status_spec::Stage;
use omni_proto::specs::{
    ClusterBootstrapStatusSpec, ClusterMachineConfigStatusSpec, ClusterMachineIdentitySpec, ClusterMachineStatusSpec,
    ClusterMachineTalosVersionSpec, ClusterSpec, ClusterUuid, ConfigApplyStatus, LoadBalancerStatusSpec, MachineSpec,
    MachineStatusSpec,
};
use sha2::{Digest, Sha256};

/// Where cluster machines look for each other unless their cluster says otherwise.
const PUBLIC_DISCOVERY: &str = "https://discovery.talos.dev/";

/// What the server keeps under the id of a cluster machine.
const BELONGINGS: &[&str] = &[
    kind::CLUSTER_MACHINE_STATUS,
    kind::CLUSTER_MACHINE_IDENTITY,
    kind::CLUSTER_MACHINE_CONFIG_STATUS,
    kind::CLUSTER_MACHINE_TALOS_VERSION,
];

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for cluster_machine in ctx.list(kind::CLUSTER_MACHINE) {
        let cluster = cluster_machine.label(label::CLUSTER).and_then(|id| ctx.get(kind::CLUSTER, id));
        if cluster_machine.tearing_down {
            leave(ctx, &cluster_machine);
        } else if let Some(cluster) = cluster {
            live(ctx, &cluster_machine, &cluster);
        }
    }
}

/// Whether the machine answers.
pub(super) fn connected(ctx: &ControllerContext<'_>, id: &str) -> bool {
    ctx.spec::<MachineSpec>(kind::MACHINE, id).connected
}

/// Moves a cluster machine on by one stage.
fn live(ctx: &ControllerContext<'_>, cluster_machine: &Object, cluster: &Object) {
    let id = cluster_machine.key.id.as_str();
    let spec: ClusterSpec = cluster.spec();
    if !ctx.has(kind::CLUSTER_MACHINE_TALOS_VERSION, id) {
        aim(ctx, cluster_machine, &spec.talos_version);
    }
    let wanted: ClusterMachineTalosVersionSpec = ctx.spec(kind::CLUSTER_MACHINE_TALOS_VERSION, id);
    let mut status: ClusterMachineStatusSpec = ctx.spec(kind::CLUSTER_MACHINE_STATUS, id);
    let machine: MachineStatusSpec = ctx.spec(kind::MACHINE_STATUS, id);
    let up = connected(ctx, id);
    let last: ClusterMachineConfigStatusSpec = ctx.spec(kind::CLUSTER_MACHINE_CONFIG_STATUS, id);
    let next = match status.stage() {
        _ if !up => status.stage(),
        // There is no configuration before it is known where Talos is to go.
        Stage::Unknown if machine.maintenance && install_disk::configured(ctx, id, &machine).is_none() => {
            Stage::Unknown
        }
        Stage::Unknown if machine.maintenance => Stage::Installing,
        Stage::Unknown => Stage::Upgrading,
        Stage::Installing | Stage::Upgrading => {
            install(ctx, id, &wanted.talos_version);
            configuration::applied(ctx, cluster_machine, &wanted.talos_version, &schematic::target(ctx, id));
            Stage::Rebooting
        }
        Stage::Rebooting => Stage::Booting,
        Stage::Configuring => {
            configuration::applied(ctx, cluster_machine, &last.talos_version, &last.schematic_id);
            Stage::Running
        }
        _ => Stage::Running,
    };
    status.set_stage(next);
    status.management_address = machine.management_address.clone();
    status.ready = up && next == Stage::Running && serves(ctx, cluster_machine, &cluster.key.id);
    let last: ClusterMachineConfigStatusSpec = ctx.spec(kind::CLUSTER_MACHINE_CONFIG_STATUS, id);
    let desired = configuration::desired(ctx, cluster_machine);
    status.config_up_to_date = last.cluster_machine_config_sha256 == desired;
    let apply = if status.config_up_to_date { ConfigApplyStatus::Applied } else { ConfigApplyStatus::Pending };
    status.set_config_apply_status(apply);

    let hostname = hostname(&machine);
    let locked = locked(ctx, id);
    let pending = !status.config_up_to_date
        || last.talos_version != spec.talos_version
        || last.schematic_id != schematic::target(ctx, id);
    let all: Vec<(&str, &str)> = [(label::HOSTNAME, hostname.as_str()), (label::NODE_NAME, hostname.as_str())]
        .into_iter()
        .chain(labels(cluster_machine))
        .chain(up.then_some((label::CONNECTED, "")))
        .chain(
            (locked && pending && !last.cluster_machine_config_sha256.is_empty()).then_some((label::LOCKED_UPDATE, "")),
        )
        .collect();
    let apid_available =
        up && next == Stage::Running && ctx.release.has_field("ClusterMachineStatusSpec", "apid_available");
    let status = With { former: ApidAvailable { apid_available }, spec: status };
    ctx.put(controller::CLUSTER_MACHINE_STATUS, kind::CLUSTER_MACHINE_STATUS, id, &all, &status);
    if next == Stage::Running {
        let identity = ClusterMachineIdentitySpec {
            nodename: hostname,
            node_ips: machine.network.unwrap_or_default().addresses,
            ..identity(ctx, cluster_machine, &spec)
        };
        ctx.put(
            controller::CLUSTER_MACHINE_IDENTITY,
            kind::CLUSTER_MACHINE_IDENTITY,
            id,
            &labels(cluster_machine),
            &identity,
        );
    }
}

/// How a member is known to etcd and to those who look for each other; it keeps that as long as it is a member.
fn identity(
    ctx: &ControllerContext<'_>,
    cluster_machine: &Object,
    cluster: &ClusterSpec,
) -> ClusterMachineIdentitySpec {
    let of = cluster_machine.label(label::CLUSTER).unwrap_or_default();
    let digest =
        Sha256::digest(format!("{} {}", ctx.spec::<ClusterUuid>(kind::CLUSTER_UUID, of).uuid, cluster_machine.key.id));
    let is_plane = cluster_machine.label(label::CONTROL_PLANE).is_some();
    let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let embedded = cluster.features.is_some_and(|features| features.use_embedded_discovery_service);
    ClusterMachineIdentitySpec {
        node_identity: URL_SAFE_NO_PAD.encode(digest),
        etcd_member_id: if is_plane { number } else { 0 },
        discovery_service_endpoint: if embedded { DISCOVERY } else { PUBLIC_DISCOVERY }.to_owned(),
        ..Default::default()
    }
}

/// Says which Talos version a cluster machine should run from now on, with the schematic that it should have by now.
pub(super) fn aim(ctx: &ControllerContext<'_>, cluster_machine: &Object, version: &str) {
    let id = cluster_machine.key.id.as_str();
    let wanted =
        ClusterMachineTalosVersionSpec { talos_version: version.to_owned(), schematic_id: schematic::target(ctx, id) };
    let owner = controller::CLUSTER_MACHINE_TALOS_VERSION;
    ctx.put(owner, kind::CLUSTER_MACHINE_TALOS_VERSION, id, &labels(cluster_machine), &wanted);
}

/// Whether users keep the server from changing this cluster machine.
pub(super) fn locked(ctx: &ControllerContext<'_>, id: &str) -> bool {
    ctx.get(kind::MACHINE_SET_NODE, id).is_some_and(|node| node.annotations.contains_key(annotation::MACHINE_LOCKED))
}

/// The name of a machine, which is also the name of its node.
pub(super) fn hostname(machine: &MachineStatusSpec) -> String {
    machine.network.as_ref().map(|network| network.hostname.clone()).unwrap_or_default()
}

/// A control plane is ready with etcd, a worker with the API of Kubernetes.
fn serves(ctx: &ControllerContext<'_>, cluster_machine: &Object, cluster: &str) -> bool {
    if cluster_machine.label(label::CONTROL_PLANE).is_some() {
        ctx.spec::<ClusterBootstrapStatusSpec>(kind::CLUSTER_BOOTSTRAP_STATUS, cluster).bootstrapped
    } else {
        ctx.spec::<LoadBalancerStatusSpec>(kind::LOAD_BALANCER_STATUS, cluster).healthy
    }
}

/// Puts Talos on the machine's disk.
fn install(ctx: &ControllerContext<'_>, id: &str, version: &str) {
    let disk = install_disk::target(ctx, id, &ctx.spec(kind::MACHINE_STATUS, id));
    ctx.edit_spec(kind::MACHINE_STATUS, id, |machine: &mut MachineStatusSpec| {
        machine.maintenance = false;
        machine.talos_version = format!("v{version}");
        install_disk::mark(machine, Some(&disk));
    });
    schematic::install(ctx, id);
}

/// Wipes the machine's disk: it comes up again as it first joined.
fn reset(ctx: &ControllerContext<'_>, id: &str) {
    ctx.edit_spec(kind::MACHINE_STATUS, id, |machine: &mut MachineStatusSpec| {
        machine.maintenance = true;
        machine.talos_version.clone_from(&machine.initial_talos_version);
        install_disk::mark(machine, None);
        schematic::reset(machine);
    });
}

/// Takes a cluster machine out of its cluster. A machine that does not answer holds this up until it does,
/// or until somebody gives up on it.
fn leave(ctx: &ControllerContext<'_>, cluster_machine: &Object) {
    let id = cluster_machine.key.id.as_str();
    let machine_leaves = ctx.get(kind::MACHINE, id).is_none_or(|machine| machine.tearing_down);
    let given_up = machine_leaves || ctx.has(kind::NODE_FORCE_DESTROY_REQUEST, id);
    let up = connected(ctx, id);
    let status: ClusterMachineStatusSpec = ctx.spec(kind::CLUSTER_MACHINE_STATUS, id);
    match status.stage() {
        _ if given_up => gone(ctx, cluster_machine, up),
        Stage::Destroying if up => gone(ctx, cluster_machine, true),
        Stage::BeforeDestroy if up => stage(ctx, id, Stage::Destroying),
        Stage::BeforeDestroy | Stage::Destroying => stage(ctx, id, status.stage()),
        _ if ctx.has(kind::CLUSTER_MACHINE_STATUS, id) => stage(ctx, id, Stage::BeforeDestroy),
        // It never got as far as having a status.
        _ => gone(ctx, cluster_machine, up),
    }
}

fn stage(ctx: &ControllerContext<'_>, id: &str, stage: Stage) {
    let removed = ctx.get(kind::MACHINE, id).is_none_or(|machine| machine.tearing_down);
    ctx.edit_spec(kind::CLUSTER_MACHINE_STATUS, id, |status: &mut ClusterMachineStatusSpec| {
        status.set_stage(stage);
        status.is_removed = removed;
        status.ready = false;
    });
}

fn gone(ctx: &ControllerContext<'_>, cluster_machine: &Object, answered: bool) {
    let id = cluster_machine.key.id.as_str();
    if answered {
        reset(ctx, id);
    }
    for kind in BELONGINGS.iter().chain(cluster_machine_config::BELONGINGS) {
        ctx.remove(kind, id);
    }
    if let Some(request) = ctx.get(kind::NODE_FORCE_DESTROY_REQUEST, id) {
        ctx.clear(&request.key);
    }
    if let Some(machine) = ctx.get(kind::MACHINE, id) {
        ctx.release(&machine, MACHINE_HELD_BY);
    }
    ctx.release(cluster_machine, CLUSTER_MACHINE_HELD_BY);
    ctx.clear(&cluster_machine.key);
}
