//! The clusters of a world, with the objects that Omni's cluster templates create.

use super::builder::Builder;
use super::machines::Directory;
use super::schema::{Cluster, MachineSet, NamedPatch, World};
use crate::kinds;
use crate::names::{annotation, kind, label};
use kit::go_duration::GoDuration;
use omni_proto::specs::cluster_spec::Features;
use omni_proto::specs::machine_set_spec::{MachineAllocation, machine_allocation::Type};
use omni_proto::specs::{
    ClusterSpec, ConfigPatchSpec, EtcdBackupConf, ExtensionsConfigurationSpec, MachineSetNodeSpec, MachineSetSpec,
};
use std::collections::BTreeMap;

const ROLLING: i32 = 1;

pub(super) fn add(builder: &mut Builder<'_>, world: &World, directory: &Directory) {
    for cluster in &world.clusters {
        add_cluster(builder, cluster);
        let id = cluster.name.as_str();
        if cluster.control_planes.name.is_some() {
            builder.problem(format!("clusters: the control planes of {id:?} cannot have a name"));
        }
        let planes = format!("{id}-control-planes");
        add_set(builder, cluster, &cluster.control_planes, &planes, label::CONTROL_PLANE, directory);
        for set in &cluster.workers {
            let set_id = format!("{id}-{}", set.name.as_deref().unwrap_or("workers"));
            add_set(builder, cluster, set, &set_id, label::WORKER, directory);
        }
        if cluster.locked {
            // Last, because a locked cluster takes nothing any more.
            builder.store.modify(&kinds::key(kind::CLUSTER, id), |object| {
                object.annotations.insert(annotation::CLUSTER_LOCKED.into(), String::new());
            });
        }
    }
    for patch in &world.patches {
        let spec = ConfigPatchSpec { data: patch.data.clone(), ..ConfigPatchSpec::default() };
        builder.create_with(kind::CONFIG_PATCH, &patch.id, patch.labels.clone(), BTreeMap::new(), &spec);
    }
}

fn add_cluster(builder: &mut Builder<'_>, cluster: &Cluster) {
    let id = cluster.name.as_str();
    let interval = cluster.backup_interval.as_ref().and_then(|text| {
        let length = builder.read(&format!("clusters: backup_interval of {id:?}"), text.parse::<GoDuration>())?;
        Some(EtcdBackupConf { interval: Some(super::duration(length)), enabled: true })
    });
    let spec = ClusterSpec {
        talos_version: cluster.talos.clone(),
        kubernetes_version: cluster.kubernetes.clone(),
        features: Some(Features {
            enable_workload_proxy: cluster.workload_proxy,
            disk_encryption: cluster.disk_encryption,
            ..Features::default()
        }),
        backup_configuration: interval,
    };
    builder.create_with(kind::CLUSTER, id, cluster.labels.clone(), cluster.annotations.clone(), &spec);
    let labels = [(label::CLUSTER, id)];
    add_extensions(builder, id, &labels, cluster.extensions.as_ref());
    add_patches(builder, 200, &format!("cluster-{id}"), &labels, &cluster.patches);
}

fn add_set(
    builder: &mut Builder<'_>,
    cluster: &Cluster,
    set: &MachineSet,
    id: &str,
    role: &str,
    directory: &Directory,
) {
    if set.class.is_some() && !set.machines.is_empty() {
        builder.problem(format!("clusters: the set {id:?} has both `machines` and `class`"));
    }
    let allocation = set.class.as_ref().map(|class| MachineAllocation {
        name: class.clone(),
        machine_count: set.size.unwrap_or(0),
        allocation_type: if set.size.is_some() { Type::Static } else { Type::Unlimited }.into(),
    });
    let spec = MachineSetSpec { update_strategy: ROLLING, machine_allocation: allocation, ..MachineSetSpec::default() };
    let place = [(label::CLUSTER, cluster.name.as_str()), (label::MACHINE_SET, id)];
    let mut labels = set.labels.clone();
    labels.extend([(label::CLUSTER.to_owned(), cluster.name.clone()), (role.to_owned(), String::new())]);
    builder.create_with(kind::MACHINE_SET, id, labels, BTreeMap::new(), &spec);
    add_extensions(builder, id, &place, set.extensions.as_ref());
    add_patches(builder, 400, id, &place, &set.patches);
    for name in &set.machines {
        let Some(machine) = directory.get(name) else {
            builder.problem(format!("clusters: the set {id:?} names {name:?}, which no machine is called"));
            continue;
        };
        let labels = place.iter().copied().chain([(role, "")]);
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let locked = set.locked.iter().any(|locked| directory.get(locked) == Some(machine));
        let annotations = locked.then(|| (annotation::MACHINE_LOCKED.to_owned(), String::new())).into_iter().collect();
        builder.create_with(kind::MACHINE_SET_NODE, machine, labels, annotations, &MachineSetNodeSpec {});
    }
}

fn add_extensions(builder: &mut Builder<'_>, id: &str, labels: &[(&str, &str)], list: Option<&Vec<String>>) {
    if let Some(extensions) = list {
        let spec = ExtensionsConfigurationSpec { extensions: extensions.clone() };
        builder.create(kind::EXTENSIONS_CONFIGURATION, &format!("schematic-{id}"), labels, &spec);
    }
}

fn add_patches(builder: &mut Builder<'_>, base: usize, prefix: &str, labels: &[(&str, &str)], patches: &[NamedPatch]) {
    for (at, patch) in patches.iter().enumerate() {
        let id = format!("{:03}-{prefix}-{}", base + at, patch.name);
        let spec = ConfigPatchSpec { data: patch.data.clone(), ..ConfigPatchSpec::default() };
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let annotations = [("name".to_owned(), patch.name.clone())].into_iter().collect();
        builder.create_with(kind::CONFIG_PATCH, &id, labels, annotations, &spec);
    }
}
