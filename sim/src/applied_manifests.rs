//! The Talos manifests that a cluster has, and those that it should have.
//! There is no Kubernetes to query, so the former are a record.

use super::bootstrap_manifests::{self, Versions};
use super::kinds;
use super::names::kind;
use super::object::{Key, Object};
use omni_proto::specs::{ClusterSpec, ClusterUuid, KubernetesUpgradeStatusSpec};
use std::sync::Arc;

/// The type of the records; the simulator's own, so it is closed to every caller.
pub(super) const RECORD: &str = "AppliedManifests.sim";

const TALOS: &str = "talos";
const KUBERNETES: &str = "kubernetes";

/// Looks an object up by its type and id.
type Get<'a> = &'a dyn Fn(&str, &str) -> Option<Arc<Object>>;

/// The versions whose manifests the cluster should have; none when there is no such cluster.
pub(super) fn wanted(get: Get<'_>, cluster: &str) -> Option<Versions> {
    let spec: ClusterSpec = get(kind::CLUSTER, cluster)?.spec();
    let running = get(kind::KUBERNETES_UPGRADE_STATUS, cluster);
    let running = running.map(|status| status.spec::<KubernetesUpgradeStatusSpec>().last_upgrade_version);
    let kubernetes = running.filter(|version| !version.is_empty()).unwrap_or(spec.kubernetes_version);
    Some(Versions { talos: spec.talos_version, kubernetes })
}

/// The versions whose manifests it has; none before it came to life.
pub(super) fn present(get: Get<'_>, cluster: &str) -> Option<Versions> {
    let record = get(RECORD, &key(get, cluster).id)?;
    let of = |name: &str| record.annotations.get(name).cloned().unwrap_or_default();
    Some(Versions { talos: of(TALOS), kubernetes: of(KUBERNETES) })
}

/// How many manifests differ.
pub(super) fn changed(present: &Versions, wanted: &Versions) -> usize {
    let (present, wanted) = (bootstrap_manifests::all(present), bootstrap_manifests::all(wanted));
    present.iter().zip(&wanted).filter(|(present, wanted)| present != wanted).count()
}

/// The record of a cluster. One that is made anew starts anew, so its UUID is part of the name.
pub(super) fn key(get: Get<'_>, cluster: &str) -> Key {
    let uuid = get(kind::CLUSTER_UUID, cluster).map(|object| object.spec::<ClusterUuid>().uuid).unwrap_or_default();
    kinds::key(RECORD, format!("{cluster}/{uuid}"))
}

/// Puts it on record that the manifests of these versions were applied.
pub(super) fn write(record: &mut Object, versions: &Versions) {
    record.annotations.insert(TALOS.to_owned(), versions.talos.clone());
    record.annotations.insert(KUBERNETES.to_owned(), versions.kubernetes.clone());
}
