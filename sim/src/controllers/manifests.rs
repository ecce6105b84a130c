//! Manifests of users: how they are applied to a cluster, and the services that they expose.

use super::cluster;
use super::context::ControllerContext;
use crate::catalogue::Feature;
use crate::compression;
use crate::names::{controller, kind, label};
use crate::object::Object;
use kit::yaml;
use omni_proto::specs::cluster_kubernetes_manifests_status_spec::group_status::Phase as GroupPhase;
use omni_proto::specs::cluster_kubernetes_manifests_status_spec::manifest_status::Phase;
use omni_proto::specs::cluster_kubernetes_manifests_status_spec::{GroupStatus, ManifestStatus};
use omni_proto::specs::kubernetes_manifest_group_spec::Mode;
use omni_proto::specs::{
    ClusterKubernetesManifestsStatusSpec, ClusterSpec, ClusterStatusSpec, ExposedServiceSpec,
    KubernetesManifestGroupSpec, LoadBalancerStatusSpec,
};
use serde_json::Value;
use std::collections::HashMap;

/// The start of the annotations by which a service asks to be exposed.
const EXPOSER: &str = "omni-kube-service-exposer.sidero.dev/";

pub(super) fn act(ctx: &ControllerContext<'_>) {
    if !ctx.release.has(Feature::AppliedManifests) {
        return;
    }
    for cluster in ctx.list(kind::CLUSTER) {
        let id = cluster.key.id.as_str();
        if cluster.tearing_down {
            withdraw(ctx, id, &[]);
            continue;
        }
        let up = ctx.spec::<LoadBalancerStatusSpec>(kind::LOAD_BALANCER_STATUS, id).healthy
            && ctx.spec::<ClusterStatusSpec>(kind::CLUSTER_STATUS, id).has_connected_control_planes;
        if up && !cluster::paused(&cluster) {
            apply(ctx, &cluster);
        }
    }
}

/// Applies what is new, in two steps, and takes away what is not wanted any more.
fn apply(ctx: &ControllerContext<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    let before: ClusterKubernetesManifestsStatusSpec = ctx.spec(kind::CLUSTER_KUBERNETES_MANIFESTS_STATUS, id);
    let mut status = ClusterKubernetesManifestsStatusSpec::default();
    let mut objects: Vec<Value> = Vec::new();
    for group in ctx.labelled(kind::KUBERNETES_MANIFEST_GROUP, label::CLUSTER, id) {
        let spec: KubernetesManifestGroupSpec = group.spec();
        let known = before.groups.get(&group.key.id);
        if group.tearing_down {
            continue;
        }
        let wanted = read(&spec);
        // What is applied only once stays as it was then.
        let settled = known.filter(|known| spec.mode() == Mode::OneTime && known.phase() == GroupPhase::Applied);
        let manifests = match settled {
            Some(known) => known.manifests.clone(),
            None => advance(known, &wanted),
        };
        objects.extend(
            wanted.into_iter().filter(|wanted| {
                manifests.get(&name(wanted)).is_some_and(|manifest| manifest.phase() == Phase::Applied)
            }),
        );
        let mut report = GroupStatus { mode: spec.mode, manifests, ..Default::default() };
        report.set_phase(group_phase(&report));
        status.groups.insert(group.key.id.clone(), report);
    }
    for (gone, known) in before.groups.iter().filter(|(name, _)| !status.groups.contains_key(*name)).collect::<Vec<_>>()
    {
        let manifests = if known.mode() == Mode::OneTime { HashMap::new() } else { advance(Some(known), &[]) };
        if !manifests.is_empty() {
            let mut report = GroupStatus { manifests, ..known.clone() };
            report.set_phase(GroupPhase::Deleting);
            status.groups.insert(gone.clone(), report);
        }
    }
    let all = || status.groups.values().flat_map(|group| group.manifests.values());
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let (total, behind) = (number(all().count()), number(all().filter(|m| m.phase() != Phase::Applied).count()));
    (status.total, status.out_of_sync) = (total, behind);
    let owner = controller::CLUSTER_KUBERNETES_MANIFESTS_STATUS;
    ctx.put(owner, kind::CLUSTER_KUBERNETES_MANIFESTS_STATUS, id, &[], &status);

    let exposes = cluster.spec::<ClusterSpec>().features.is_some_and(|features| features.enable_workload_proxy);
    let kept: Vec<String> = match exposes {
        true => objects.iter().filter_map(|object| expose(ctx, id, object)).collect(),
        false => Vec::new(),
    };
    withdraw(ctx, id, &kept);
}

/// The objects of a group; comments are none.
fn read(spec: &KubernetesManifestGroupSpec) -> Vec<Value> {
    let text = match spec.compressed_data.as_slice() {
        [] => spec.data.clone(),
        packed => compression::unpack(packed).unwrap_or_default(),
    };
    let documents = yaml::parse_documents(&text).unwrap_or_default();
    documents.into_iter().filter(|document| document.get("kind").is_some()).collect()
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// How a manifest is called: kind, namespace if it has one, and name.
fn name(object: &Value) -> String {
    let parts = [text(object, "/kind"), text(object, "/metadata/namespace"), text(object, "/metadata/name")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// Every manifest one step further: new ones wait and then are applied, those that are not wanted go.
fn advance(known: Option<&GroupStatus>, wanted: &[Value]) -> HashMap<String, ManifestStatus> {
    let empty = HashMap::new();
    let known = known.map_or(&empty, |known| &known.manifests);
    let mut next: HashMap<String, ManifestStatus> = HashMap::new();
    for object in wanted {
        let (group, _) = text(object, "/apiVersion").split_once('/').unwrap_or_default();
        let mut manifest = ManifestStatus {
            kind: text(object, "/kind").to_owned(),
            name: text(object, "/metadata/name").to_owned(),
            namespace: text(object, "/metadata/namespace").to_owned(),
            group: group.to_owned(),
            ..Default::default()
        };
        manifest.set_phase(if known.contains_key(&name(object)) { Phase::Applied } else { Phase::Pending });
        next.insert(name(object), manifest);
    }
    for (name, manifest) in known {
        if !next.contains_key(name) && manifest.phase() == Phase::Applied {
            let mut leaving = manifest.clone();
            leaving.set_phase(Phase::Deleting);
            next.insert(name.clone(), leaving);
        }
    }
    next
}

fn group_phase(group: &GroupStatus) -> GroupPhase {
    let all = |phase: Phase| group.manifests.values().all(|manifest| manifest.phase() == phase);
    if all(Phase::Applied) {
        GroupPhase::Applied
    } else if all(Phase::Pending) {
        GroupPhase::Pending
    } else {
        GroupPhase::Progressing
    }
}

/// Shows a service to the outside, if it asks for it; returns what it is called then.
fn expose(ctx: &ControllerContext<'_>, cluster: &str, object: &Value) -> Option<String> {
    let annotation = |key: &str| object.pointer("/metadata/annotations")?.get(format!("{EXPOSER}{key}"))?.as_str();
    if text(object, "/kind") != "Service" {
        return None;
    }
    let port =
        annotation("port")?.split([',', ':']).next()?.trim().parse().ok().filter(|port| (1..=65535).contains(port))?;
    let namespace = Some(text(object, "/metadata/namespace")).filter(|n| !n.is_empty()).unwrap_or("default");
    let service = format!("{}.{namespace}", text(object, "/metadata/name"));
    let id = format!("{cluster}/{service}");
    let known = ctx.get(kind::EXPOSED_SERVICE, &id);
    let alias = match (annotation("prefix"), known.as_ref().and_then(|known| known.label(label::EXPOSED_SERVICE_ALIAS)))
    {
        (Some(prefix), _) => prefix.to_owned(),
        (None, Some(alias)) => alias.to_owned(),
        (None, None) => uuid::Uuid::new_v4().simple().to_string().chars().take(6).collect(),
    };
    let spec = ExposedServiceSpec {
        port,
        label: annotation("label").map_or_else(|| service.clone(), str::to_owned),
        icon_base64: annotation("icon").unwrap_or_default().to_owned(),
        url: format!("https://{alias}-omni-sim.proxy.localhost"),
        has_explicit_alias: annotation("prefix").is_some(),
        ..Default::default()
    };
    let labels = [(label::CLUSTER, cluster), (label::EXPOSED_SERVICE_ALIAS, alias.as_str())];
    ctx.put(controller::KUBERNETES_STATUS, kind::EXPOSED_SERVICE, &id, &labels, &spec);
    Some(id)
}

/// Takes the services of a cluster away that are not exposed any more.
fn withdraw(ctx: &ControllerContext<'_>, cluster: &str, kept: &[String]) {
    for service in ctx.labelled(kind::EXPOSED_SERVICE, label::CLUSTER, cluster) {
        if !kept.contains(&service.key.id) {
            ctx.remove(kind::EXPOSED_SERVICE, &service.key.id);
        }
    }
}
