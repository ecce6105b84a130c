//! Machine sets and their nodes: names, labels, classes, locks.

use super::cluster::{LOCKED, change, create, taken_up};
use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::expect::{accepted, invalid_with, refused_with};
use crate::objects::{Edit as _, MACHINE_SET, NODE, class, fresh, made, meta};
use omni_proto::cosi::resource::Resource;
use serde_json::{Value, json};
use tonic::Code;

pub const LIST: &[Behaviour] = behaviours![
    ("allocation_count_of_unlimited", Need::Nothing, allocation_count_of_unlimited),
    ("allocation_of_no_class", Need::Nothing, allocation_of_no_class),
    ("allocation_without_name", Need::Nothing, allocation_without_name),
    ("bootstrap_is_fixed", Need::Nothing, bootstrap_is_fixed),
    ("bootstrap_of_workers", Need::Nothing, bootstrap_of_workers),
    ("cluster_label_is_fixed", Need::Nothing, cluster_label_is_fixed),
    ("cluster_label_missing", Need::Nothing, cluster_label_missing),
    ("cluster_locked", Need::Nothing, cluster_locked),
    ("cluster_missing", Need::Nothing, cluster_missing),
    ("control_plane", Need::Nothing, control_plane),
    ("control_plane_of_another_name", Need::Nothing, control_plane_of_another_name),
    ("goes_with_its_cluster", Need::Nothing, goes_with_its_cluster),
    ("name_of_another_cluster", Need::Nothing, name_of_another_cluster),
    ("node", Need::Nothing, node),
    ("node_in_a_set_of_a_class", Need::Nothing, node_in_a_set_of_a_class),
    ("node_in_two_sets", Need::Nothing, node_in_two_sets),
    ("node_label_is_fixed", Need::Nothing, node_label_is_fixed),
    ("node_label_missing", Need::Nothing, node_label_missing),
    ("node_locked_control_plane", Need::Nothing, node_locked_control_plane),
    ("node_locked_stays", Need::Nothing, node_locked_stays),
    ("node_of_no_set", Need::Nothing, node_of_no_set),
    ("role_missing", Need::Nothing, role_missing),
    ("worker_of_the_control_planes_name", Need::Nothing, worker_of_the_control_planes_name),
    ("workers", Need::Nothing, workers),
];

pub const IN_CLUSTER: &str = "omni.sidero.dev/cluster";
pub const IN_SET: &str = "omni.sidero.dev/machine-set";
const WORKER: &str = "omni.sidero.dev/role-worker";
const CONTROL: &str = "omni.sidero.dev/role-controlplane";
const NODE_LOCKED: &str = "omni.sidero.dev/locked";

/// Workers of a cluster.
pub fn worker(cluster: &str, name: &str, spec: &Value) -> anyhow::Result<Resource> {
    Ok(made(MACHINE_SET, format!("{cluster}-{name}"), spec)?.label(IN_CLUSTER, cluster).label(WORKER, ""))
}

/// Control planes of a cluster.
pub fn control_planes(cluster: &str, spec: &Value) -> anyhow::Result<Resource> {
    let set = made(MACHINE_SET, format!("{cluster}-control-planes"), spec)?;
    Ok(set.label(IN_CLUSTER, cluster).label(CONTROL, ""))
}

/// A node of a set, for a machine that does not exist.
pub fn member(bench: &Bench, cluster: &str, set: &str) -> Resource {
    fresh(NODE, bench.id("machine"), &()).label(IN_CLUSTER, cluster).label(IN_SET, set)
}

/// A cluster with workers: its name, and theirs.
async fn with_workers(bench: &Bench) -> anyhow::Result<(String, String)> {
    let cluster = create(bench).await?;
    let set = accepted(bench.create(worker(&cluster, "workers", &json!({}))?).await, "workers")?;
    Ok((cluster, meta(&set).id.clone()))
}

/// Changes the object as it is now, whoever writes to it meanwhile.
async fn edited(
    bench: &Bench,
    object: &Resource,
    edit: impl Fn(Resource) -> Resource,
) -> Result<Resource, tonic::Status> {
    let of = meta(object);
    loop {
        match bench.update(edit(bench.get_in(&of.namespace, &of.r#type, &of.id).await?)).await {
            Err(status) if status.code() == Code::FailedPrecondition => {}
            other => return other,
        }
    }
}

async fn workers(bench: &Bench) -> anyhow::Result<()> {
    with_workers(bench).await.map(drop)
}

async fn control_plane(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    accepted(bench.create(control_planes(&cluster, &json!({}))?).await, "control planes").map(drop)
}

async fn cluster_label_missing(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    let set = worker(&cluster, "workers", &json!({}))?;
    let without = set.clone().edit(|m| drop(m.labels.remove(IN_CLUSTER)));
    invalid_with(bench.create(without).await, "does not exist")?;
    invalid_with(bench.create(set.label(IN_CLUSTER, "")).await, "has empty value")
}

async fn cluster_label_is_fixed(bench: &Bench) -> anyhow::Result<()> {
    let (cluster, _) = with_workers(bench).await?;
    let set = worker(&cluster, "workers", &json!({}))?;
    let result = edited(bench, &set, |set| set.label(IN_CLUSTER, "conformance-other")).await;
    invalid_with(result, "changing value of label")
}

async fn cluster_missing(bench: &Bench) -> anyhow::Result<()> {
    let set = worker(&bench.id("none"), "workers", &json!({}))?;
    invalid_with(bench.create(set).await, "does not exist")
}

async fn cluster_locked(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    accepted(change(bench, &cluster, |c| c.annotation(LOCKED, "")).await, "lock")?;
    let result = bench.create(worker(&cluster, "workers", &json!({}))?).await;
    invalid_with(result, "is not allowed: the cluster is locked")
}

async fn role_missing(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    let set = worker(&cluster, "workers", &json!({}))?.edit(|m| drop(m.labels.remove(WORKER)));
    invalid_with(bench.create(set).await, "machine set must have either")
}

async fn name_of_another_cluster(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    let set = worker(&cluster, "workers", &json!({}))?.edit(|m| m.id = "conformance-x-workers".into());
    invalid_with(bench.create(set).await, "as prefix")
}

async fn control_plane_of_another_name(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    let set = control_planes(&cluster, &json!({}))?.edit(|m| m.id = format!("{cluster}-cp"));
    invalid_with(bench.create(set).await, &format!("{cluster}-control-planes"))
}

async fn worker_of_the_control_planes_name(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    invalid_with(bench.create(worker(&cluster, "control-planes", &json!({}))?).await, "")
}

async fn allocation_without_name(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    let allocation = json!({"machine_allocation": {"machine_count": 1}});
    invalid_with(bench.create(worker(&cluster, "workers", &allocation)?).await, "")
}

async fn allocation_of_no_class(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    let allocation = json!({"machine_allocation": {"name": bench.id("none")}});
    let result = bench.create(worker(&cluster, "workers", &allocation)?).await;
    invalid_with(result, "machine class with name")?;
    let result = bench.create(worker(&cluster, "workers", &allocation)?).await;
    invalid_with(result, "doesn't exist")
}

async fn allocation_count_of_unlimited(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    bench.create(class(bench.id("a"))).await?;
    let allocation = json!({"machine_allocation": {"name": bench.id("a"), "machine_count": 1, "allocation_type": 1}});
    let result = bench.create(worker(&cluster, "workers", &allocation)?).await;
    invalid_with(result, "machine count can be set only if static allocation type is used")
}

async fn bootstrap_of_workers(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    let spec = json!({"bootstrap_spec": {"cluster_uuid": "x", "snapshot": "y"}});
    invalid_with(bench.create(worker(&cluster, "workers", &spec)?).await, "bootstrap spec")
}

async fn bootstrap_is_fixed(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    let set = accepted(bench.create(control_planes(&cluster, &json!({}))?).await, "control planes")?;
    let other = control_planes(&cluster, &json!({"bootstrap_spec": {"cluster_uuid": "x", "snapshot": "y"}}))?;
    let result = edited(bench, &set, |set| Resource { spec: other.spec.clone(), ..set }).await;
    invalid_with(result, "bootstrap spec is immutable after creation")
}

async fn goes_with_its_cluster(bench: &Bench) -> anyhow::Result<()> {
    let (cluster, set) = with_workers(bench).await?;
    taken_up(bench, &cluster).await?;
    accepted(change(bench, &cluster, |c| c.phase("tearingDown")).await, "teardown")?;
    bench.until(MACHINE_SET, &set, "gone", |set| set.is_none()).await.map(drop)
}

async fn node(bench: &Bench) -> anyhow::Result<()> {
    let (cluster, set) = with_workers(bench).await?;
    accepted(bench.create(member(bench, &cluster, &set)).await, "node").map(drop)
}

async fn node_label_missing(bench: &Bench) -> anyhow::Result<()> {
    let (cluster, set) = with_workers(bench).await?;
    for label in [IN_CLUSTER, IN_SET] {
        let without = member(bench, &cluster, &set).edit(|m| drop(m.labels.remove(label)));
        invalid_with(bench.create(without).await, label)?;
    }
    Ok(())
}

async fn node_label_is_fixed(bench: &Bench) -> anyhow::Result<()> {
    let (cluster, set) = with_workers(bench).await?;
    let stored = bench.create(member(bench, &cluster, &set)).await?;
    let result = edited(bench, &stored, |node| node.label(IN_SET, "conformance-other")).await;
    invalid_with(result, "changing value of label")
}

async fn node_of_no_set(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    invalid_with(bench.create(member(bench, &cluster, &format!("{cluster}-none"))).await, "")
}

async fn node_in_a_set_of_a_class(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    bench.create(class(bench.id("a"))).await?;
    let allocation = json!({"machine_allocation": {"name": bench.id("a")}});
    let set = accepted(bench.create(worker(&cluster, "workers", &allocation)?).await, "set")?;
    let result = bench.create(member(bench, &cluster, &meta(&set).id)).await;
    invalid_with(result, "adding machine set node to the machine set")
}

async fn node_in_two_sets(bench: &Bench) -> anyhow::Result<()> {
    let (cluster, set) = with_workers(bench).await?;
    let other = accepted(bench.create(worker(&cluster, "more", &json!({}))?).await, "more")?;
    bench.create(member(bench, &cluster, &set)).await?;
    let result = bench.create(member(bench, &cluster, &meta(&other).id)).await;
    refused_with(result, Code::AlreadyExists, "already exists")
}

async fn node_locked_control_plane(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    let set = accepted(bench.create(control_planes(&cluster, &json!({}))?).await, "control planes")?;
    let locked = member(bench, &cluster, &meta(&set).id).label(CONTROL, "").annotation(NODE_LOCKED, "");
    invalid_with(bench.create(locked).await, "locking controlplanes is not allowed")
}

async fn node_locked_stays(bench: &Bench) -> anyhow::Result<()> {
    let (cluster, set) = with_workers(bench).await?;
    let stored = accepted(bench.create(member(bench, &cluster, &set).annotation(NODE_LOCKED, "")).await, "node")?;
    let result = edited(bench, &stored, |node| node.phase("tearingDown")).await;
    invalid_with(result, "machine set node is locked")
}
