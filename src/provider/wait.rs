//! Waiting for what Omni does after a write. Every wait is a watch with the operation's limit, and says what it waits for.

use super::crud::Cx;
use crate::omni::spec::{self, Spec};
use crate::omni::state::query::Query;
use crate::omni::{Call, Class, Error, Key, Kind, Phase, Resource as Stored, labels};
use crate::pb::specs;
use specs::{cluster_status_spec, kubernetes_upgrade_status_spec, talos_upgrade_status_spec};
use std::sync::Arc;
use std::time::Duration;

/// How far to wait for a cluster or a machine set.
pub(super) const LEVELS: &[&str] = &["none", "running", "ready"];

/// What tells how an upgrade stands.
pub(super) trait Upgrade: Spec {
    /// Whether the upgrade to `version` is over.
    fn done(&self, version: &str) -> bool;
    /// Where it stands, in words.
    fn step(&self) -> String;
}

impl Upgrade for specs::TalosUpgradeStatusSpec {
    fn done(&self, version: &str) -> bool {
        self.phase() == talos_upgrade_status_spec::Phase::Done && self.last_upgrade_version == version
    }

    fn step(&self) -> String {
        format!("{} {}", self.step, self.error).trim().to_owned()
    }
}

impl Upgrade for specs::KubernetesUpgradeStatusSpec {
    fn done(&self, version: &str) -> bool {
        self.phase() == kubernetes_upgrade_status_spec::Phase::Done && self.last_upgrade_version == version
    }

    fn step(&self) -> String {
        format!("{} {}", self.step, self.error).trim().to_owned()
    }
}

/// Waits until the cluster runs `version`; a cluster without machines has nothing to upgrade.
pub(super) async fn upgraded<S: Upgrade>(cx: &Cx, cluster: &str, what: &str, version: &str) -> Result<(), Error> {
    if cx.find::<S>(cluster).await?.is_none() {
        return Ok(());
    }
    until::<S>(cx, cluster, &format!("cluster `{cluster}` to run {what} {version}"), |status| {
        let Some(status) = status else { return false };
        tracing::info!(cluster, step = status.step(), "waiting for the {what} upgrade");
        status.done(version)
    })
    .await
}

/// How long a new cluster may take to get what Omni gives each of them at once.
const INTRODUCTION: Duration = Duration::from_secs(5);

/// Waits a little until a new cluster has its UUID, its endpoint and a status, so that outputs need no second apply.
/// Nothing depends on them, so their lack is no failure.
pub(super) async fn introduced(cx: &Cx, id: &str) {
    let limit = INTRODUCTION.min(cx.call.remaining());
    let look = Cx { session: Arc::clone(&cx.session), call: Call::within(limit, &cx.call.cancel) };
    let made = tokio::try_join!(
        until::<specs::ClusterUuid>(&look, id, "the UUID", |uuid| uuid.is_some()),
        until::<specs::LoadBalancerConfigSpec>(&look, id, "the endpoint", |balancer| balancer.is_some()),
        until::<specs::ClusterStatusSpec>(&look, id, "the status", |status| status.is_some()),
    );
    if let Err(error) = made {
        tracing::debug!(cluster = id, %error, "the next read shows what the new cluster still lacks");
    }
}

/// Whether the cluster was given machines for its control plane.
pub(super) async fn has_control_plane(cx: &Cx, cluster: &str) -> Result<bool, Error> {
    let query = Query::label(labels::CLUSTER, cluster);
    let nodes = cx.client().list(&cx.call, specs::MachineSetNodeSpec::KIND, &query).await?;
    Ok(nodes.iter().any(|node| node.metadata.labels.contains_key(labels::ROLE_CONTROL_PLANE)))
}

/// Waits until the cluster runs, or is ready.
pub(super) async fn cluster(cx: &Cx, id: &str, level: &str) -> Result<(), Error> {
    let ready = level == "ready";
    until::<specs::ClusterStatusSpec>(cx, id, &format!("cluster `{id}` to be {level}"), |status| {
        let Some(status) = status else { return false };
        let running = status.phase() == cluster_status_spec::Phase::Running && status.available;
        let machines = status.machines.unwrap_or_default();
        tracing::info!(
            cluster = id,
            phase = status.phase().as_str_name(),
            healthy = machines.healthy,
            total = machines.total,
            "waiting for the cluster"
        );
        running && (!ready || status.ready)
    })
    .await
}

/// Waits until the machine set runs, or is ready, with at least `machines` of them.
pub(super) async fn machine_set(cx: &Cx, id: &str, level: &str, machines: u32) -> Result<(), Error> {
    let ready = level == "ready";
    until::<specs::MachineSetStatusSpec>(cx, id, &format!("machine set `{id}` to be {level}"), |status| {
        let Some(status) = status else { return false };
        let counts = status.machines.unwrap_or_default();
        tracing::info!(
            machine_set = id,
            phase = status.phase().as_str_name(),
            healthy = counts.healthy,
            total = counts.total,
            "waiting for the machine set"
        );
        status.phase() == specs::MachineSetPhase::Running && counts.total >= machines && (!ready || status.ready)
    })
    .await
}

/// Waits until the cluster has the machine, in this machine set.
pub(super) async fn allocated(cx: &Cx, machine: &str, set: &str) -> Result<(), Error> {
    let what = format!("machine `{machine}` to join its cluster");
    of_set::<specs::ClusterMachineSpec>(cx, machine, set, &what, |_| true).await
}

/// Waits until the machine runs as part of its cluster, in this machine set.
pub(super) async fn machine_running(cx: &Cx, machine: &str, set: &str) -> Result<(), Error> {
    use specs::cluster_machine_status_spec::Stage;
    of_set::<specs::ClusterMachineStatusSpec>(
        cx,
        machine,
        set,
        &format!("machine `{machine}` to run in its cluster"),
        |status| {
            tracing::info!(
                machine,
                stage = status.stage().as_str_name(),
                ready = status.ready,
                "waiting for the machine"
            );
            status.stage() == Stage::Running && status.ready
        },
    )
    .await
}

/// Waits until the machine set has let go of the machine; another one may have it by then.
pub(super) async fn released(cx: &Cx, machine: &str, set: &str) -> Result<(), Error> {
    let what = format!("machine `{machine}` to be wiped and released by its cluster");
    let key = specs::ClusterMachineSpec::KIND.key(machine);
    let gone = |stored: Option<&Stored>| stored.is_none_or(|stored| !is_in(stored, set)).then_some(());
    cx.client().wait_for(&cx.call, &key, &what, gone).await
}

/// Whether what Omni keeps of a machine belongs to this set; a machine that moves has a past in another one.
fn is_in(stored: &Stored, set: &str) -> bool {
    stored.metadata.labels.get(labels::MACHINE_SET).is_none_or(|label| label == set)
}

async fn of_set<S: Spec>(
    cx: &Cx,
    machine: &str,
    set: &str,
    what: &str,
    mut done: impl FnMut(S) -> bool + Send,
) -> Result<(), Error> {
    let mut broken = None;
    let key = S::KIND.key(machine);
    let waited = cx.client().wait_for(&cx.call, &key, what, |stored| {
        let stored = stored.filter(|s| is_in(s, set) && s.metadata.phase == Phase::Running)?;
        match spec::decode::<S>(stored) {
            Ok(spec) => done(spec).then_some(()),
            Err(error) => {
                broken = Some(error);
                Some(())
            }
        }
    });
    waited.await?;
    broken.map_or(Ok(()), Err)
}

async fn until<S: Spec>(
    cx: &Cx,
    id: &str,
    what: &str,
    mut done: impl FnMut(Option<S>) -> bool + Send,
) -> Result<(), Error> {
    let mut broken = None;
    let key = S::KIND.key(id);
    let waited = cx.client().wait_for(&cx.call, &key, what, |stored| match stored.map(spec::decode::<S>).transpose() {
        Ok(spec) => done(spec).then_some(()),
        Err(error) => {
            broken = Some(error);
            Some(())
        }
    });
    waited.await?;
    broken.map_or(Ok(()), Err)
}

const LINKS: Kind = Kind { namespace: "default", name: "Links.omni.sidero.dev" };

/// The machines of the cluster that are not connected.
pub(super) async fn disconnected(cx: &Cx, cluster: &str) -> Result<Vec<String>, Error> {
    disconnected_among(cx, &Query::label(labels::CLUSTER, cluster)).await
}

/// Whether whoever destroys the cluster shall leave behind machines that are out of reach, as the cluster is told to.
pub(super) async fn lets_go(cx: &Cx, cluster: &str) -> Result<bool, Error> {
    let cluster = cx.find::<specs::ClusterSpec>(cluster).await?;
    Ok(cluster.is_some_and(|cluster| cluster.has_annotation(labels::LET_GO)))
}

/// Whether the machine is known to be out of reach.
pub(super) async fn is_disconnected(cx: &Cx, machine: &str) -> Result<bool, Error> {
    Ok(cx.find::<specs::MachineStatusSpec>(machine).await?.is_some_and(|status| !status.spec.connected))
}

/// Says which machines hold up a removal, if any are out of reach.
pub(super) async fn why_machines_stay(cx: &Cx, query: &Query) -> Option<String> {
    let left = disconnected_among(cx, query).await.ok().filter(|ids| !ids.is_empty())?;
    Some(format!(
        "These machines are not connected to Omni, so they cannot be wiped: {}.\n\
         Connect them, remove them in Omni, or, to destroy the whole cluster, \
         apply `delete_options = {{ destroy_disconnected_machines = true }}` of `omni_cluster` first.",
        left.join(", ")
    ))
}

pub(super) async fn disconnected_among(cx: &Cx, query: &Query) -> Result<Vec<String>, Error> {
    let all = cx.client().list(&cx.call, specs::MachineStatusSpec::KIND, query).await?;
    let off = |stored: &&Stored| !stored.metadata.labels.contains_key("omni.sidero.dev/connected");
    Ok(all.iter().filter(off).map(|stored| stored.key.id.clone()).collect())
}

/// Removes the machines of the cluster from Omni that are not connected.
pub(super) async fn remove_disconnected(cx: &Cx, cluster: &str) -> Result<(), Error> {
    for machine in disconnected(cx, cluster).await? {
        tracing::warn!(machine, cluster, "removing a machine that is not connected");
        match cx.client().teardown(&cx.call, &LINKS.key(&machine)).await {
            Err(error) if error.is(Class::NotFound) => {}
            other => other.map(|_| ())?,
        }
    }
    Ok(())
}

/// Lets Omni give up a machine that it cannot reach.
pub(super) async fn force_destroy(cx: &Cx, machine: &str, cluster: &str) -> Result<(), Error> {
    let key: Key = specs::NodeForceDestroyRequestSpec::KIND.key(machine);
    let mut metadata = crate::omni::Metadata::default();
    metadata.labels.insert(labels::CLUSTER.to_owned(), cluster.to_owned());
    metadata.annotations.insert(labels::MANAGED_BY.to_owned(), cx.session.managed_by.clone());
    let request = Stored { key, metadata, spec: Vec::new(), yaml: String::new() };
    match cx.client().create(&cx.call, request).await {
        Err(error) if error.is(Class::AlreadyExists) => Ok(()),
        other => other.map(|_| ()),
    }
}
