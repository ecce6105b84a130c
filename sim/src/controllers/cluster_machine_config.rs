//! The configuration of each cluster machine, its pending changes, and its history.

use super::cluster_machine;
use super::configuration;
use super::context::{ControllerContext, hex, labels};
use super::former::{ClusterMachineVersion, With};
use super::install_disk;
use super::machine_config::{self, Facts};
use super::schematic;
use crate::compression;
use crate::names::{controller, kind, label};
use crate::object::Object;
use omni_proto::specs::machine_pending_updates_spec::Upgrade;
use omni_proto::specs::{
    ClusterMachineConfigPatchesSpec, ClusterMachineConfigSpec, ClusterMachineConfigStatusSpec,
    ClusterMachineEncryptionKeySpec, ClusterMachineSpec, ClusterSpec, ClusterUuid, ConfigPatchSpec,
    LoadBalancerConfigSpec, MachineConfigDiffSpec, MachinePendingUpdatesSpec, MachineStatusSpec,
    RedactedClusterMachineConfigSpec,
};
use prost::Message;
use sha2::{Digest, Sha256};

/// The annotation that says what a configuration was made from.
const INPUTS: &str = "inputResourceVersion";

/// As many changes of a machine are remembered.
const CHANGES_KEPT: usize = 1000;

/// What is made here for each cluster machine.
pub(super) const BELONGINGS: &[&str] = &[
    kind::CLUSTER_MACHINE_CONFIG_PATCHES,
    kind::CLUSTER_MACHINE_CONFIG,
    kind::REDACTED_CLUSTER_MACHINE_CONFIG,
    kind::CLUSTER_MACHINE_ENCRYPTION_KEY,
    kind::MACHINE_PENDING_UPDATES,
];

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for cluster_machine in ctx.list(kind::CLUSTER_MACHINE) {
        let Some(cluster) = cluster_machine.label(label::CLUSTER).and_then(|id| ctx.get(kind::CLUSTER, id)) else {
            continue;
        };
        if !cluster_machine.tearing_down {
            let spec: ClusterSpec = cluster.spec();
            let desired = configuration::desired(ctx, &cluster_machine);
            generate(ctx, &cluster_machine, &spec, &desired);
            compare(ctx, &cluster_machine, &spec, &desired);
            encrypt(ctx, &cluster_machine, &spec);
        }
    }
}

/// Writes the configuration, if anything that it is made from has changed.
fn generate(ctx: &ControllerContext<'_>, cluster_machine: &Object, cluster: &ClusterSpec, desired: &str) {
    let id = cluster_machine.key.id.as_str();
    let name = cluster_machine.label(label::CLUSTER).unwrap_or_default();
    let machine: MachineStatusSpec = ctx.spec(kind::MACHINE_STATUS, id);
    let uuid = ctx.spec::<ClusterUuid>(kind::CLUSTER_UUID, name).uuid;
    let endpoint = ctx.spec::<LoadBalancerConfigSpec>(kind::LOAD_BALANCER_CONFIG, name).siderolink_endpoint;
    let Some(disk) = install_disk::configured(ctx, id, &machine) else { return };
    let facts = Facts {
        cluster: name,
        cluster_id: &uuid,
        endpoint: &endpoint,
        is_plane: cluster_machine.label(label::CONTROL_PLANE).is_some(),
        hostname: &cluster_machine::hostname(&machine),
        disk: &disk,
        is_disk_final: install_disk::is_chosen_by_objects(ctx),
        talos_version: &cluster.talos_version,
        schematic_id: &schematic::target(ctx, id),
        kubernetes_version: &cluster_machine.spec::<ClusterMachineSpec>().kubernetes_version,
    };
    // Everything but the patches stands in the text that has none.
    let inputs = hex(Sha256::new().chain_update(desired).chain_update(machine_config::render(&facts, &[])));
    let old = ctx.get(kind::CLUSTER_MACHINE_CONFIG, id);
    if old.is_some_and(|old| old.annotations.get(INPUTS) == Some(&inputs)) {
        return;
    }
    let patches: Vec<String> =
        configuration::patches(ctx, cluster_machine).iter().map(|patch| text(&patch.spec())).collect();
    let data = machine_config::render(&facts, &patches);
    let all = ClusterMachineConfigPatchesSpec { patches, ..Default::default() };
    let owner = controller::CLUSTER_MACHINE_CONFIG_PATCHES;
    ctx.put(owner, kind::CLUSTER_MACHINE_CONFIG_PATCHES, id, &labels(cluster_machine), &all);
    // Nobody can read this one; what it says stands in the redacted one.
    let (owner, kind) = (controller::CLUSTER_MACHINE_CONFIG, kind::CLUSTER_MACHINE_CONFIG);
    ctx.put(owner, kind, id, &labels(cluster_machine), &ClusterMachineConfigSpec::default());
    ctx.edit(kind, id, |config| drop(config.annotations.insert(INPUTS.to_owned(), inputs)));
    publish(ctx, cluster_machine, data);
}

/// Shows the configuration, and notes what changed in it.
fn publish(ctx: &ControllerContext<'_>, cluster_machine: &Object, data: String) {
    let (owner, kind) = (controller::REDACTED_CLUSTER_MACHINE_CONFIG, kind::REDACTED_CLUSTER_MACHINE_CONFIG);
    let id = cluster_machine.key.id.as_str();
    if let Some(old) = ctx.get(kind, id) {
        let diff = diff(&old.spec::<RedactedClusterMachineConfigSpec>().data, &data);
        if !diff.is_empty() {
            let mut known = ctx.labelled(kind::MACHINE_CONFIG_DIFF, label::MACHINE, id);
            let name = format!("{id}-{}-{:08}", old.updated.0, old.version);
            let spec = MachineConfigDiffSpec { diff, ..Default::default() };
            ctx.put(owner, kind::MACHINE_CONFIG_DIFF, &name, &[(label::MACHINE, id)], &spec);
            known.sort_by_key(|change| change.created);
            let surplus = (known.len() + 1).saturating_sub(CHANGES_KEPT);
            known.iter().take(surplus).for_each(|change| ctx.remove(kind::MACHINE_CONFIG_DIFF, &change.key.id));
        }
    }
    ctx.put(
        owner,
        kind,
        id,
        &labels(cluster_machine),
        &RedactedClusterMachineConfigSpec { data, ..Default::default() },
    );
}

/// Says what waits to be changed on a cluster machine, as long as anything does.
fn compare(ctx: &ControllerContext<'_>, cluster_machine: &Object, cluster: &ClusterSpec, desired: &str) {
    let id = cluster_machine.key.id.as_str();
    let last: ClusterMachineConfigStatusSpec = ctx.spec(kind::CLUSTER_MACHINE_CONFIG_STATUS, id);
    if last.talos_version.is_empty() {
        return;
    }
    let schematic = schematic::target(ctx, id);
    let moves = last.talos_version != cluster.talos_version || last.schematic_id != schematic;
    let wanted = ctx.spec::<RedactedClusterMachineConfigSpec>(kind::REDACTED_CLUSTER_MACHINE_CONFIG, id).data;
    if !moves && last.cluster_machine_config_sha256 == desired {
        ctx.remove(kind::MACHINE_PENDING_UPDATES, id);
        // What goes with other changes, like the version of Kubernetes, is there by now.
        let kind = kind::CLUSTER_MACHINE_CONFIG_STATUS;
        ctx.edit_spec(kind, id, |status: &mut With<ClusterMachineVersion, ClusterMachineConfigStatusSpec>| {
            status.spec.redacted_current_machine_config = wanted;
        });
        return;
    }
    let waiting = MachinePendingUpdatesSpec {
        config_diff: diff(&last.redacted_current_machine_config, &wanted),
        upgrade: moves.then(|| Upgrade {
            from_schematic: last.schematic_id,
            to_schematic: schematic,
            from_version: last.talos_version,
            to_version: cluster.talos_version.clone(),
        }),
        ..Default::default()
    };
    let owner = controller::CLUSTER_MACHINE_CONFIG_STATUS;
    ctx.put(owner, kind::MACHINE_PENDING_UPDATES, id, &labels(cluster_machine), &waiting);
}

/// A cluster machine of an encrypted cluster gets the key of its disks from the server.
fn encrypt(ctx: &ControllerContext<'_>, cluster_machine: &Object, cluster: &ClusterSpec) {
    if cluster.features.is_some_and(|features| features.disk_encryption) {
        let (owner, kind) = (controller::CLUSTER_MACHINE_ENCRYPTION_KEY, kind::CLUSTER_MACHINE_ENCRYPTION_KEY);
        ctx.once(owner, kind, &cluster_machine.key.id, &labels(cluster_machine), || {
            let data = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
            ClusterMachineEncryptionKeySpec { data }.encode_to_vec()
        });
    }
}

/// The text of a patch; one that cannot be unpacked here says nothing.
fn text(patch: &ConfigPatchSpec) -> String {
    if patch.compressed_data.is_empty() {
        return patch.data.clone();
    }
    compression::unpack(&patch.compressed_data).unwrap_or_default()
}

fn diff(old: &str, new: &str) -> String {
    similar::TextDiff::from_lines(old, new).unified_diff().to_string()
}
