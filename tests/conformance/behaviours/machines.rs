//! Machines at work: a cluster comes up on one, and gives it back.
//! Whose machines these are has to be said before; a machine that leaves a cluster is wiped.

use super::cluster::{change, create_for};
use super::machine_set::{IN_CLUSTER, IN_SET, control_planes, member, worker};
use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::expect::{accepted, same};
use crate::objects::{CLASS, CLUSTER, CLUSTER_STATUS, Edit as _, NODE, made, meta};
use anyhow::Context as _;
use omni_proto::cosi::resource::{LabelQuery, LabelTerm, ListOptions, Resource};
use omni_proto::specs::ClusterStatusSpec;
use prost::Message as _;
use serde_json::json;
use terraform_provider_omni::omni::Kind;

pub const LIST: &[Behaviour] = behaviours![
    ("allocation_takes_one", Need::Machines, allocation_takes_one),
    ("cluster_comes_up", Need::Machines, cluster_comes_up),
    ("cluster_gives_back", Need::Machines, cluster_gives_back),
];

const STATUS: Kind = Kind { namespace: "default", name: "MachineStatuses.omni.sidero.dev" };
const MEMBER: Kind = Kind { namespace: "default", name: "ClusterMachines.omni.sidero.dev" };
const FREE: &str = "omni.sidero.dev/available";

/// The machines that no cluster has.
async fn free(bench: &Bench) -> anyhow::Result<Vec<Resource>> {
    let terms = vec![LabelTerm { key: FREE.into(), ..Default::default() }];
    let options = ListOptions { label_query: vec![LabelQuery { terms }], ..Default::default() };
    Ok(bench.list(STATUS, options).await?)
}

/// A cluster of one machine: its name, and the machine's.
async fn start(bench: &Bench) -> anyhow::Result<(String, String)> {
    let machines = free(bench).await?;
    let machine = machines.first().context("no machine is free")?;
    let cluster = create_for(bench, machine).await?;
    let machine = meta(machine).id.clone();
    let set = accepted(bench.create(control_planes(&cluster, &json!({}))?).await, "control planes")?;
    let node = member(bench, &cluster, &meta(&set).id).label("omni.sidero.dev/role-controlplane", "");
    accepted(bench.create(node.edit(|m| m.id.clone_from(&machine))).await, "node")?;
    Ok((cluster, machine))
}

fn ready(status: Option<&Resource>) -> bool {
    let spec = status.and_then(|status| status.spec.as_ref()).map(|spec| spec.proto_spec.as_slice());
    spec.and_then(|spec| ClusterStatusSpec::decode(spec).ok()).is_some_and(|status| status.ready && status.available)
}

async fn cluster_comes_up(bench: &Bench) -> anyhow::Result<()> {
    let (cluster, machine) = start(bench).await?;
    bench.until(CLUSTER_STATUS, &cluster, "ready", ready).await?;
    let member = bench.get(MEMBER, &machine).await?;
    same("owner", meta(&member).owner.as_str(), "MachineSetStatusController")?;
    let status = bench.get(STATUS, &machine).await?;
    let labels = &meta(&status).labels;
    same("cluster", labels.get(IN_CLUSTER), Some(&cluster))?;
    same("set", labels.get(IN_SET), Some(&format!("{cluster}-control-planes")))?;
    same("free", labels.get(FREE), None)
}

async fn cluster_gives_back(bench: &Bench) -> anyhow::Result<()> {
    let (cluster, machine) = start(bench).await?;
    bench.until(CLUSTER_STATUS, &cluster, "ready", ready).await?;
    accepted(change(bench, &cluster, |c| c.phase("tearingDown")).await, "teardown")?;
    bench.until(CLUSTER, &cluster, "gone", |c| c.is_none()).await?;
    bench.until(NODE, &machine, "gone", |node| node.is_none()).await?;
    bench.until(MEMBER, &machine, "gone", |member| member.is_none()).await?;
    let is_free = |status: Option<&Resource>| status.is_some_and(|s| meta(s).labels.contains_key(FREE));
    bench.until(STATUS, &machine, "free", is_free).await.map(drop)
}

async fn allocation_takes_one(bench: &Bench) -> anyhow::Result<()> {
    let machines = free(bench).await?;
    let cluster = create_for(bench, machines.first().context("no machine is free")?).await?;
    bench.create(made(CLASS, bench.id("a"), &json!({"match_labels": [FREE]}))?).await?;
    let mut watch = bench.watch(NODE, Default::default()).await?;
    let allocation = json!({"machine_allocation": {"name": bench.id("a"), "machine_count": 1}});
    accepted(bench.create(worker(&cluster, "workers", &allocation)?).await, "workers")?;
    let node = loop {
        let node = watch.event().await?.resource.unwrap_or_default();
        if meta(&node).labels.get(IN_CLUSTER) == Some(&cluster) {
            break node;
        }
    };
    let metadata = meta(&node);
    same("owner", metadata.owner.as_str(), "")?;
    same("finalizers", metadata.finalizers.contains(&"MachineSetNodeController".to_owned()), true)?;
    let mark = "omni.sidero.dev/managed-by-machine-set-node-controller";
    same("mark", metadata.labels.get(mark).map(String::as_str), Some(""))
}
