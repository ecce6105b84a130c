//! What has to be written so that a cluster is as its template says.

use super::print::plain;
use super::{Conflict, Release, SyncPlan, Update};
use crate::omni::error::Error;
use crate::omni::labels;
use crate::omni::spec::fields::Fields;
use crate::omni::spec::{Spec, merge_fields};
use crate::omni::state::{Key, Kind, Metadata, Phase, Resource};
use omni_proto::specs;
use std::collections::HashSet;

/// The kinds of a template, in the order in which they are written.
const ORDER: [Kind; 9] = [
    specs::ClusterSpec::KIND,
    specs::ExtensionsConfigurationSpec::KIND,
    specs::ConfigPatchSpec::KIND,
    specs::MachineInstallDiskConfigSpec::KIND,
    specs::KubernetesManifestGroupSpec::KIND,
    specs::KubernetesHealthCheckSpec::KIND,
    specs::MachineSetSpec::KIND,
    specs::MachineSetNodeSpec::KIND,
    specs::KernelArgsSpec::KIND,
];

pub(super) fn order(kind: Kind) -> usize {
    ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len())
}

/// Whether a release has the kind.
pub(super) fn is_known(kind: Kind, release: Release) -> bool {
    Release::since(kind.name).is_none_or(|first| release >= first)
}

/// Whether objects of a kind have no label of their cluster: they belong to a machine.
fn is_of_machine(kind: Kind) -> bool {
    kind == specs::KernelArgsSpec::KIND || kind == specs::MachineInstallDiskConfigSpec::KIND
}

fn is_managed(metadata: &Metadata) -> bool {
    metadata.annotations.contains_key(labels::MANAGED_BY_TEMPLATES)
}

/// The IDs of the nodes that a cluster has, or may have.
fn nodes<'o>(objects: impl Iterator<Item = &'o Resource>) -> HashSet<&'o str> {
    let nodes = objects.filter(|object| object.key.kind == specs::MachineSetNodeSpec::KIND);
    nodes.filter(|node| !labels::is_systems(&node.metadata)).map(|node| node.key.id.as_str()).collect()
}

/// The objects to read one by one.
pub(super) fn lookups(cluster: &str, rendered: &[Resource], listed: &[Resource], release: Release) -> Vec<Key> {
    let mut keys = vec![specs::ClusterSpec::KIND.key(cluster)];
    let mut machines: Vec<&str> = nodes(listed.iter()).into_iter().collect();
    machines.sort_unstable();
    for machine in machines {
        keys.push(specs::KernelArgsSpec::KIND.key(machine));
        keys.push(specs::MachineInstallDiskConfigSpec::KIND.key(machine));
    }
    keys.extend(rendered.iter().map(|object| object.key.clone()));
    let mut seen: HashSet<Key> = listed.iter().map(|object| object.key.clone()).collect();
    keys.retain(|key| is_known(key.kind, release) && seen.insert(key.clone()));
    keys
}

/// See [`super::plan_sync`].
pub(super) fn plan(cluster: &str, rendered: &[Resource], actual: &[Resource]) -> Result<SyncPlan, Vec<Conflict>> {
    let expected = |key: &Key| rendered.iter().find(|object| object.key == *key);
    let found = |key: &Key| actual.iter().find(|object| object.key == *key);
    let conflicts: Vec<Conflict> = rendered
        .iter()
        .filter_map(|object| {
            let reason = foreign(cluster, found(&object.key)?)?;
            Some(Conflict { key: object.key.clone(), reason })
        })
        .collect();
    if !conflicts.is_empty() {
        return Err(conflicts);
    }

    let mut plan = SyncPlan::default();
    for object in rendered {
        match found(&object.key) {
            None => plan.creates.push(object.clone()),
            Some(existing) if must_be_replaced(existing, object) => {
                plan.moves.push(Update { from: existing.clone(), to: object.clone() });
                plan.creates.push(object.clone());
            }
            Some(_) => {}
        }
    }
    plan.creates.sort_by_key(|object| order(object.key.kind));

    let is_moved = |key: &Key| plan.moves.iter().any(|moved| moved.from.key == *key);
    let mut gone = Vec::new();
    for existing in in_order(rendered, actual) {
        match expected(&existing.key) {
            Some(_) if is_moved(&existing.key) => {}
            Some(object) => plan.updates.extend(update(existing, object)),
            None if !is_own(cluster, existing) => {}
            None if is_of_machine(existing.key.kind) => {
                let stays = nodes(rendered.iter()).contains(existing.key.id.as_str());
                match existing.key.kind == specs::MachineInstallDiskConfigSpec::KIND && stays {
                    _ if !is_managed(&existing.metadata) => {}
                    true => gone.push(existing),
                    false => plan.updates.push(given_up(existing)),
                }
            }
            None => gone.push(existing),
        }
    }
    plan.updates.sort_by_key(|update| order(update.from.key.kind));
    plan.destroys = phases(&gone);
    Ok(plan)
}

/// See [`super::plan_delete`].
pub(super) fn plan_delete(cluster: &str, actual: &[Resource], disconnected: &[Resource]) -> SyncPlan {
    let mut plan = SyncPlan::default();
    let mut gone = Vec::new();
    let of_machines = in_order(&[], actual).into_iter().filter(|object| is_of_machine(object.key.kind));
    let mut of_machines: Vec<&Resource> = of_machines.filter(|object| is_managed(&object.metadata)).collect();
    // Machine by machine, as omnictl does it.
    let kernel_args_first = |object: &Resource| object.key.kind != specs::KernelArgsSpec::KIND;
    of_machines.sort_by_key(|object| (object.key.id.clone(), kernel_args_first(object)));
    plan.updates.extend(of_machines.into_iter().map(given_up));
    for existing in in_order(&[], actual) {
        if is_own(cluster, existing) && !is_of_machine(existing.key.kind) {
            gone.push(existing);
        }
    }
    let before = [specs::ExtensionsConfigurationSpec::KIND, specs::SiderolinkSpec::KIND, specs::ConfigPatchSpec::KIND];
    for kind in before {
        let mut phase: Vec<Resource> = disconnected.iter().filter(|object| object.key.kind == kind).cloned().collect();
        phase.sort_by(|a, b| a.key.id.cmp(&b.key.id));
        plan.destroys.push(phase);
    }
    plan.destroys.retain(|phase| !phase.is_empty());
    plan.destroys.extend(phases(&gone));
    plan
}

/// Why an object with the ID of an expected one is not of this cluster.
fn foreign(cluster: &str, existing: &Resource) -> Option<String> {
    let Metadata { owner, labels, phase, .. } = &existing.metadata;
    if !owner.is_empty() {
        return Some(format!("is made by Omni itself ({owner})"));
    }
    if labels.contains_key(labels::MANAGED_BY_ALLOCATOR) {
        return Some("is made by Omni itself, for a machine class".to_owned());
    }
    match labels.get(labels::CLUSTER) {
        Some(other) if other != cluster && !is_of_machine(existing.key.kind) => {
            return Some(format!("belongs to cluster {other:?}"));
        }
        None => {
            if let Some(machine) = labels.get(labels::MACHINE) {
                return Some(format!("belongs to machine {machine:?}"));
            }
        }
        Some(_) => {}
    }
    let is_cluster = existing.key.kind == specs::ClusterSpec::KIND;
    (is_cluster && *phase == Phase::TearingDown).then(|| "is being destroyed".to_owned())
}

/// Whether an object may be removed with its template.
fn is_own(cluster: &str, existing: &Resource) -> bool {
    if labels::is_systems(&existing.metadata) {
        return false;
    }
    match existing.key.kind {
        kind if kind == specs::ClusterSpec::KIND => existing.key.id == cluster,
        kind if is_of_machine(kind) => true,
        _ => existing.metadata.labels.get(labels::CLUSTER).is_some_and(|of| of == cluster),
    }
}

/// Whether an update cannot make the object what it should be.
fn must_be_replaced(existing: &Resource, object: &Resource) -> bool {
    let set = |object: &Resource| object.metadata.labels.get(labels::MACHINE_SET).cloned();
    let moves = object.key.kind == specs::MachineSetNodeSpec::KIND && set(existing) != set(object);
    moves || existing.metadata.phase == Phase::TearingDown
}

/// The existing objects as omnictl finds them: those of the cluster by ID, then those that only share an ID.
fn in_order<'o>(rendered: &[Resource], actual: &'o [Resource]) -> Vec<&'o Resource> {
    let nodes = nodes(actual.iter());
    let rank = |object: &Resource| rendered.iter().position(|known| known.key == object.key);
    let mut all: Vec<&Resource> = actual.iter().collect();
    all.sort_by(|a, b| {
        let key = |object: &'o Resource| {
            let by_id_only = is_of_machine(object.key.kind) && !nodes.contains(object.key.id.as_str());
            let rank = if by_id_only { rank(object) } else { None };
            (order(object.key.kind), by_id_only, rank, object.key.id.as_str())
        };
        key(a).cmp(&key(b))
    });
    all
}

/// The update that makes an object what it should be, if it is not.
fn update(existing: &Resource, object: &Resource) -> Option<Update> {
    let same = existing.metadata.labels == object.metadata.labels
        && existing.metadata.annotations == object.metadata.annotations
        && same_spec(existing, object);
    if same {
        return None;
    }
    let metadata = Metadata {
        labels: object.metadata.labels.clone(),
        annotations: object.metadata.annotations.clone(),
        ..existing.metadata.clone()
    };
    // Fields that this build does not know stay as they are.
    let spec = merged(existing, object).unwrap_or_else(|| object.spec.clone());
    let to = Resource { key: object.key.clone(), metadata, spec, yaml: String::new() };
    Some(Update { from: existing.clone(), to })
}

fn given_up(existing: &Resource) -> Update {
    let mut to = existing.clone();
    to.metadata.annotations.remove(labels::MANAGED_BY_TEMPLATES);
    Update { from: existing.clone(), to }
}

/// Calls a generic function with the message of a kind.
macro_rules! with_spec {
    ($kind:expr, $call:ident($($argument:expr),*), $none:expr) => {
        match $kind {
            kind if kind == specs::ClusterSpec::KIND => $call::<specs::ClusterSpec>($($argument),*),
            kind if kind == specs::ExtensionsConfigurationSpec::KIND => {
                $call::<specs::ExtensionsConfigurationSpec>($($argument),*)
            }
            kind if kind == specs::ConfigPatchSpec::KIND => $call::<specs::ConfigPatchSpec>($($argument),*),
            kind if kind == specs::MachineInstallDiskConfigSpec::KIND => {
                $call::<specs::MachineInstallDiskConfigSpec>($($argument),*)
            }
            kind if kind == specs::KubernetesManifestGroupSpec::KIND => {
                $call::<specs::KubernetesManifestGroupSpec>($($argument),*)
            }
            kind if kind == specs::KubernetesHealthCheckSpec::KIND => {
                $call::<specs::KubernetesHealthCheckSpec>($($argument),*)
            }
            kind if kind == specs::MachineSetSpec::KIND => $call::<specs::MachineSetSpec>($($argument),*),
            kind if kind == specs::KernelArgsSpec::KIND => $call::<specs::KernelArgsSpec>($($argument),*),
            _ => $none,
        }
    };
}

/// Whether both specs say the same, as far as this build knows their fields.
fn same_spec(a: &Resource, b: &Resource) -> bool {
    fn decoded_same<S: Spec + PartialEq>(a: &[u8], b: &[u8]) -> bool {
        matches!((S::decode(a), S::decode(b)), (Ok(a), Ok(b)) if a == b)
    }
    with_spec!(a.key.kind, decoded_same(&plain(a), &plain(b)), true)
}

fn merged(existing: &Resource, object: &Resource) -> Option<Vec<u8>> {
    fn merge<S: Spec>(existing: &Resource, object: &Resource) -> Option<Vec<u8>> {
        let merge = || -> Result<Vec<u8>, Error> {
            let desired = Fields::decode::<S>(&object.spec)?;
            let message = crate::omni::spec::merge::pool().get_message_by_name(S::MESSAGE);
            let names: Vec<String> =
                message.iter().flat_map(|message| message.fields()).map(|field| field.name().to_owned()).collect();
            let owned: Vec<&str> = names.iter().map(String::as_str).collect();
            merge_fields::<S>(&existing.spec, &desired, &owned)
        };
        merge().ok()
    }
    with_spec!(object.key.kind, merge(existing, object), None)
}

/// Objects in the order of their destruction, without those that the server removes with others.
fn phases(gone: &[&Resource]) -> Vec<Vec<Resource>> {
    let of_kind = |kind: Kind| -> HashSet<&str> {
        gone.iter().filter(|object| object.key.kind == kind).map(|object| object.key.id.as_str()).collect()
    };
    let (clusters, sets) = (of_kind(specs::ClusterSpec::KIND), of_kind(specs::MachineSetSpec::KIND));
    let follows = |object: &Resource| {
        let label = |key| object.metadata.labels.get(key).map(String::as_str).unwrap_or_default();
        clusters.contains(label(labels::CLUSTER))
            || (object.key.kind == specs::MachineSetNodeSpec::KIND && sets.contains(label(labels::MACHINE_SET)))
    };
    let mut left: Vec<Resource> =
        gone.iter().filter(|object| !follows(object)).map(|object| (*object).clone()).collect();
    left.sort_by(|a, b| (order(a.key.kind), &a.key.id).cmp(&(order(b.key.kind), &b.key.id)));
    let is_first = |object: &Resource| {
        object.key.kind == specs::MachineSetNodeSpec::KIND || object.key.kind == specs::MachineSetSpec::KIND
    };
    let (first, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(is_first);
    [first, rest].into_iter().filter(|phase| !phase.is_empty()).collect()
}
