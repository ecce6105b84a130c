//! Conditions that an operation waits for after a write, and what blocks them.
//! Every wait is a watch with the timeout of the operation, and reports what it waits for and what it observed last.
//! Whether a timeout is an error, or the wait is owed, is decided elsewhere.

use super::engine::Cx;
use super::naming;
use super::view;
use super::view::Presence;
use crate::omni::spec;
use crate::omni::spec::Spec;
use crate::omni::state::query::Query;
use crate::omni::{Error, ErrorKind, Key, Kind, Phase, Resource as Stored, labels};
use omni_proto::specs;
use specs::cluster_machine_status_spec::Stage;
use specs::{ClusterMachineStatusSpec, cluster_status_spec, kubernetes_upgrade_status_spec, talos_upgrade_status_spec};
use std::sync::Arc;
use std::time::Duration;

/// How far to wait for a cluster or a machine set.
pub(super) const LEVELS: &[&str] = &["none", "running", "ready"];

/// Tells how far the object, if it is there, is from what is waited for.
type Judge = Box<dyn Fn(Option<&Stored>) -> Result<Step, Error> + Send + Sync>;

/// One condition that an object of Omni is to meet after a write.
pub(crate) struct Condition {
    key: Key,
    /// What is waited for, to go after "waiting for": `machine `x` to run in its cluster`.
    what: String,
    /// What the logs call the object.
    noun: &'static str,
    judge: Judge,
}

/// How far an object is from what is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is there.
    Met,
    /// It is not; this is what was seen, without a full stop.
    Unmet(String),
}

/// What a write is to be followed by.
pub(crate) enum Awaited {
    /// Nobody asks for a wait, or there is nothing to wait for.
    Nothing,
    /// These, but unless they are met already, a wait would come too early.
    Later(Vec<Condition>, PutOff),
    /// These, in order.
    Conditions(Vec<Condition>),
}

/// Why nothing waits now, as a sentence.
pub(crate) enum PutOff {
    /// What is needed may be made after this object.
    Early(String),
    /// The cluster is locked, and stays so.
    Locked(String),
}

/// What to do about a wait that the lock of the cluster holds up.
pub(super) const UNLOCK: &str =
    "Apply `locked = false` on its `omni_cluster` so that Omni continues, and lock it again when it is ready.";

impl PutOff {
    /// The sentence.
    pub(super) fn why(&self) -> &str {
        match self {
            Self::Early(why) | Self::Locked(why) => why,
        }
    }
}

/// A wait that ended too early.
pub(super) struct Unmet {
    /// Why it ended.
    pub(super) error: Error,
    /// What was waited for.
    pub(super) what: String,
    /// What was seen last.
    pub(super) seen: String,
}

impl Condition {
    /// A condition on the spec of an object; `None` when there is no such object.
    fn on<S: Spec>(
        id: &str,
        noun: &'static str,
        what: String,
        judge: impl Fn(Option<S>) -> Step + Send + Sync + 'static,
    ) -> Self {
        let judge = move |stored: Option<&Stored>| stored.map(spec::decode::<S>).transpose().map(&judge);
        Self { key: S::KIND.key(id), what, noun, judge: Box::new(judge) }
    }

    /// A condition on an object of any type; `None` stands for an object that is not there.
    pub(crate) fn of(
        key: Key,
        what: String,
        judge: impl Fn(Option<&Stored>) -> Result<Step, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { key, what, noun: "resource", judge: Box::new(judge) }
    }

    /// A condition on what Omni keeps of a machine of a set; what it keeps of the machine in another set counts for nothing.
    fn of_member<S: Spec>(
        machine: &str,
        set: &str,
        what: String,
        judge: impl Fn(Option<S>) -> Step + Send + Sync + 'static,
    ) -> Self {
        let set = set.to_owned();
        let judge = move |stored: Option<&Stored>| {
            let stored = stored.filter(|s| is_in(s, &set) && s.metadata.phase == Phase::Running);
            stored.map(spec::decode::<S>).transpose().map(&judge)
        };
        Self { key: S::KIND.key(machine), what, noun: "machine", judge: Box::new(judge) }
    }

    /// How far the object is now.
    pub(super) async fn look(&self, cx: &Cx) -> Result<Step, Error> {
        match cx.read(&self.key).await {
            Ok(stored) => (self.judge)(Some(&stored)),
            Err(error) if error.is(ErrorKind::NotFound) => (self.judge)(None),
            Err(error) => Err(error),
        }
    }

    /// What is waited for.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// Watches the object until the condition is met, within the limits of the operation.
    pub(super) async fn wait(&self, cx: &Cx) -> Result<(), Unmet> {
        let mut last = String::new();
        let waited = cx.client().wait_for(&cx.call, &self.key, &self.what, |stored| match (self.judge)(stored) {
            Ok(Step::Met) => Some(Ok(())),
            Ok(Step::Unmet(seen)) => {
                tracing::info!(id = self.key.id, seen, "waiting for the {}", self.noun);
                last = seen;
                None
            }
            Err(error) => Some(Err(error)),
        });
        let ended = waited.await.and_then(|judged| judged);
        ended.map_err(|error| Unmet { seen: last_seen(&last, &error), error, what: self.what.clone() })
    }
}

/// What was seen last, and what ended the connection after that, where it was not there at the end. Without a full stop.
pub(super) fn last_seen(seen: &str, error: &Error) -> String {
    let lost = error.last_of_connection().map(|last| format!("no connection to Omni since then: {last}"));
    [Some(seen.to_owned()), lost].into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

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
        joined([("", &self.status), ("", &self.step), ("error: ", &self.error)])
    }
}

impl Upgrade for specs::KubernetesUpgradeStatusSpec {
    fn done(&self, version: &str) -> bool {
        self.phase() == kubernetes_upgrade_status_spec::Phase::Done && self.last_upgrade_version == version
    }

    fn step(&self) -> String {
        joined([("", &self.status), ("", &self.step), ("error: ", &self.error)])
    }
}

/// What is not empty of these, each after its prefix.
fn joined<const N: usize>(parts: [(&str, &String); N]) -> String {
    let said = parts.into_iter().filter(|(_, text)| !text.is_empty());
    said.map(|(prefix, text)| format!("{prefix}{}", text.trim_end_matches('.'))).collect::<Vec<_>>().join(", ")
}

/// The cluster runs `version`; one without machines has nothing to upgrade.
pub(super) fn upgraded<S: Upgrade>(cluster: &str, what: &'static str, version: &str) -> Condition {
    let text = format!("cluster `{cluster}` to run {what} {version}");
    let version = version.to_owned();
    Condition::on::<S>(cluster, "upgrade", text, move |status| match status {
        Some(status) if !status.done(&version) => Step::Unmet(match status.step() {
            step if step.is_empty() => format!("the upgrade of {what} has not begun"),
            step => format!("the upgrade of {what}: {step}"),
        }),
        _ => Step::Met,
    })
}

/// How long a new cluster may take to get what Omni gives each of them at once.
const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(5);

/// Waits a little until a new cluster has its UUID, its endpoint and a status, so that outputs need no second apply.
/// Nothing depends on them, so their lack is no failure.
pub(super) async fn introduced(cx: &Cx, id: &str) {
    let limit = REGISTRATION_TIMEOUT.min(cx.call.remaining());
    let look = Cx { session: Arc::clone(&cx.session), call: cx.call.again_within(limit) };
    let there = async |condition: Condition| condition.wait(&look).await;
    let made = tokio::try_join!(
        there(exists::<specs::ClusterUuid>(id, "the UUID")),
        there(exists::<specs::LoadBalancerConfigSpec>(id, "the endpoint")),
        there(exists::<specs::ClusterStatusSpec>(id, "the status")),
    );
    if let Err(Unmet { error, .. }) = made {
        tracing::debug!(cluster = id, %error, "the next read shows what the new cluster still lacks");
    }
}

fn exists<S: Spec>(id: &str, what: &str) -> Condition {
    Condition::on::<S>(id, "new cluster", what.to_owned(), |found| match found {
        Some(_) => Step::Met,
        None => Step::Unmet("it is not there yet".to_owned()),
    })
}

/// Whether the cluster has machines for its control plane, or a machine class that gives some.
pub(super) async fn has_control_plane(cx: &Cx, cluster: &str) -> Result<bool, Error> {
    let query = Query::label(labels::CLUSTER, cluster);
    let nodes = cx.client().list(&cx.call, specs::MachineSetNodeSpec::KIND, &query).await?;
    if nodes.iter().any(|node| node.metadata.labels.contains_key(labels::ROLE_CONTROL_PLANE)) {
        return Ok(true);
    }
    let set = cx.find::<specs::MachineSetSpec>(&naming::machine_set(cluster, naming::CONTROL_PLANE, None)).await?;
    #[allow(deprecated, reason = "servers before the new field wrote this one")]
    let class = set.and_then(|set| set.spec.machine_class.or(set.spec.machine_allocation));
    let unlimited = specs::machine_set_spec::machine_allocation::Type::Unlimited;
    Ok(class.is_some_and(|class| class.machine_count > 0 || class.allocation_type() == unlimited))
}

/// Without a control plane no worker runs, and it may well come later in the same apply: nobody may wait for it.
pub(super) async fn too_early(cx: &Cx, cluster: &str) -> Result<Option<String>, Error> {
    let early = !has_control_plane(cx, cluster).await?;
    Ok(early.then(|| format!("Cluster `{cluster}` has no control plane yet, and its workers cannot run without one.")))
}

/// The cluster runs, or is ready.
pub(super) fn cluster(id: &str, level: &str) -> Condition {
    let (ready, what) = (level == "ready", format!("cluster `{id}` to be {level}"));
    Condition::on::<specs::ClusterStatusSpec>(id, "cluster", what, move |status| {
        let Some(status) = status else { return Step::Unmet(NO_STATUS.to_owned()) };
        let running = status.phase() == cluster_status_spec::Phase::Running && status.available;
        if running && (!ready || status.ready) {
            return Step::Met;
        }
        let machines = status.machines.unwrap_or_default();
        let mut seen = format!(
            "phase `{}`, {} of {} machines healthy",
            status.phase().as_str_name().to_lowercase(),
            machines.healthy,
            machines.total.max(machines.requested),
        );
        for (is, lack) in [
            (status.controlplane_ready, "control plane not ready"),
            (status.kubernetes_api_ready, "Kubernetes API not ready"),
            (status.available, "not available"),
            (status.ready || !ready, "nodes not ready"),
        ] {
            if !is {
                seen.push_str(&format!(", {lack}"));
            }
        }
        Step::Unmet(seen)
    })
}

/// The machine set runs, or is ready, with at least `machines` of them.
pub(super) fn machine_set(id: &str, level: &str, machines: u32) -> Condition {
    let (ready, what) = (level == "ready", format!("machine set `{id}` to be {level}"));
    Condition::on::<specs::MachineSetStatusSpec>(id, "machine set", what, move |status| {
        let Some(status) = status else { return Step::Unmet(NO_STATUS.to_owned()) };
        let counts = status.machines.unwrap_or_default();
        let running = status.phase() == specs::MachineSetPhase::Running && counts.total >= machines;
        if running && (!ready || status.ready) {
            return Step::Met;
        }
        let mut seen = format!(
            "phase `{}`, {} of {} machines there, {} of them healthy",
            snake(status.phase().as_str_name()),
            counts.total,
            machines.max(counts.requested),
            counts.healthy,
        );
        if status.locked_updates > 0 {
            seen.push_str(&format!(", {} locked machines left out", status.locked_updates));
        }
        if !status.error.is_empty() {
            seen.push_str(&format!(", error: {}", status.error.trim_end_matches('.')));
        }
        Step::Unmet(seen)
    })
}

/// The cluster has the machine, in this machine set.
pub(super) fn allocated(machine: &str, set: &str) -> Condition {
    let what = format!("machine `{machine}` to join its cluster");
    Condition::of_member::<specs::ClusterMachineSpec>(machine, set, what, |found| match found {
        Some(_) => Step::Met,
        None => Step::Unmet(NOT_TAKEN.to_owned()),
    })
}

/// The machine runs as part of its cluster, in this machine set.
pub(super) fn machine_running(machine: &str, set: &str) -> Condition {
    let what = format!("machine `{machine}` to run in its cluster");
    Condition::of_member::<ClusterMachineStatusSpec>(machine, set, what, |status| match status {
        Some(status) if runs(&status) => Step::Met,
        Some(status) => Step::Unmet(stage(&status)),
        None => Step::Unmet(NOT_TAKEN.to_owned()),
    })
}

const NO_STATUS: &str = "Omni shows no status of it yet";
const NOT_TAKEN: &str = "the machine is not allocated to the cluster yet";

fn runs(status: &ClusterMachineStatusSpec) -> bool {
    status.stage() == Stage::Running && status.ready
}

/// Where a machine of a cluster stands, in words.
fn stage(status: &ClusterMachineStatusSpec) -> String {
    let mut seen = format!("stage `{}`", status.stage().as_str_name().to_lowercase());
    if !status.ready {
        seen.push_str(", not ready");
    }
    if !status.last_config_error.is_empty() {
        seen.push_str(&format!(", last configuration error: {}", status.last_config_error.trim_end_matches('.')));
    }
    seen
}

/// `ScalingUp` as `scaling_up`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}

/// How many machines a text names.
const NAMED: usize = 5;

/// What keeps the machines that `query` takes from running, one sentence for each.
pub(super) async fn obstacles(cx: &Cx, cluster: &str, query: &Query) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    found.extend(too_early(cx, cluster).await?);
    let nodes = cx.client().list(&cx.call, specs::MachineSetNodeSpec::KIND, query).await?;
    let mut names: Vec<String> = nodes.into_iter().map(|node| node.key.id).collect();
    let members = cx.client().list(&cx.call, ClusterMachineStatusSpec::KIND, query).await?;
    names.extend(members.into_iter().map(|member| member.key.id));
    names.sort();
    names.dedup();
    let mut rest = 0_usize;
    for machine in names {
        let Some(text) = obstacle(cx, &machine).await? else { continue };
        if found.len() < NAMED { found.push(text) } else { rest += 1 }
    }
    if rest > 0 {
        found.push(format!("{rest} more machines are not ready."));
    }
    Ok(found)
}

/// What keeps the machine from running, as a sentence.
pub(super) async fn obstacle(cx: &Cx, machine: &str) -> Result<Option<String>, Error> {
    let known = match view::object::<specs::MachineStatusSpec>(cx, machine).await? {
        Presence::Exists(known) => known.spec,
        Presence::Missing => return Ok(Some(format!("Machine `{machine}` has not registered with Omni."))),
        // An access policy does not reach machines: what the cluster says of it is all that is known.
        Presence::Unreadable => specs::MachineStatusSpec { connected: true, ..Default::default() },
    };
    let host = known.network.map(|n| n.hostname).filter(|name| !name.is_empty());
    let name = host.map_or_else(|| format!("`{machine}`"), |host| format!("`{machine}` ({host})"));
    if !known.connected {
        return Ok(Some(format!("Machine {name} is not connected to Omni.")));
    }
    let member = cx.find::<ClusterMachineStatusSpec>(machine).await?;
    let seen = match member {
        Some(member) if runs(&member.spec) => return Ok(None),
        Some(member) => stage(&member.spec),
        None => NOT_TAKEN.to_owned(),
    };
    let error = known.last_error.trim_end_matches('.');
    let error = if error.is_empty() { String::new() } else { format!(", last error: {error}") };
    let disk = match view::spec::<specs::MachineInstallDiskStatusSpec>(cx, machine).await? {
        // Omni does not install Talos without a disk, and says so nowhere else.
        Some(status) if status.disk.is_empty() && !status.message.is_empty() => {
            format!(", no install disk: {}", status.message.trim_end_matches('.'))
        }
        _ => String::new(),
    };
    Ok(Some(format!("Machine {name}: {seen}{disk}{error}.")))
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

const LINKS: Kind = Kind { namespace: "default", name: "Links.omni.sidero.dev" };

/// The machines of the cluster that are not connected.
pub(super) async fn disconnected(cx: &Cx, cluster: &str) -> Result<Vec<String>, Error> {
    disconnected_among(cx, &Query::label(labels::CLUSTER, cluster)).await
}

/// The machines of the cluster that are locked: Omni does not change them.
pub(super) async fn locked(cx: &Cx, cluster: &str) -> Result<Vec<String>, Error> {
    let query = Query::label(labels::CLUSTER, cluster);
    let nodes = view::list(cx, specs::MachineSetNodeSpec::KIND, &query).await?;
    let locked = nodes.into_iter().filter(|node| node.metadata.annotations.contains_key(labels::LOCKED));
    Ok(locked.map(|node| node.key.id).collect())
}

/// Whether whoever destroys the cluster leaves behind machines that are out of reach, as the cluster is told to.
pub(super) async fn lets_go(cx: &Cx, cluster: &str) -> Result<bool, Error> {
    let cluster = cx.find::<specs::ClusterSpec>(cluster).await?;
    Ok(cluster.is_some_and(|cluster| cluster.has_annotation(labels::LET_GO)))
}

/// Whether the machine is known to be out of reach.
pub(super) async fn is_disconnected(cx: &Cx, machine: &str) -> Result<bool, Error> {
    let status = view::object::<specs::MachineStatusSpec>(cx, machine).await?.there();
    Ok(status.is_some_and(|status| !status.spec.connected))
}

/// Which machines hold up a removal, if any are out of reach, and the way out.
pub(super) async fn why_machines_stay(cx: &Cx, query: &Query) -> Option<(String, String)> {
    let left = disconnected_among(cx, query).await.ok().filter(|ids| !ids.is_empty())?;
    let why = format!("These machines are not connected to Omni, so they cannot be wiped: {}.", left.join(", "));
    let way_out = "Connect them and destroy again. Otherwise apply `force_destroy_on_timeout = true` of their `omni_machine_set_node`, \
        or, to destroy the whole cluster, `delete_options = { destroy_disconnected_machines = true }` of its `omni_cluster`, \
        and then destroy again.";
    Some((why, way_out.to_owned()))
}

pub(super) async fn disconnected_among(cx: &Cx, query: &Query) -> Result<Vec<String>, Error> {
    let all = view::list(cx, specs::MachineStatusSpec::KIND, query).await?;
    let off = |stored: &&Stored| !stored.metadata.labels.contains_key("omni.sidero.dev/connected");
    Ok(all.iter().filter(off).map(|stored| stored.key.id.clone()).collect())
}

/// Removes the machines of the cluster from Omni that are not connected.
pub(super) async fn remove_disconnected(cx: &Cx, cluster: &str) -> Result<(), Error> {
    for machine in disconnected(cx, cluster).await? {
        tracing::warn!(machine, cluster, "removing a machine that is not connected");
        match cx.client().teardown(&cx.call, &LINKS.key(&machine)).await {
            Err(error) if error.is(ErrorKind::NotFound) => {}
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
        Err(error) if error.is(ErrorKind::AlreadyExists) => Ok(()),
        other => other.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_was_lost_is_part_of_what_was_seen() {
        let timeout = |lost: Option<&str>| {
            let (what, after) = ("it".to_owned(), Duration::from_secs(1));
            match lost.map(str::to_owned) {
                Some(message) => {
                    let endpoint = "https://o".to_owned();
                    let last = Error::Transport { endpoint, message, maybe_sent: false, setting: "endpoint" };
                    Error::Away { what, after, last: Box::new(last) }
                }
                None => Error::Timeout { what, after },
            }
        };
        let lost = "no connection to Omni since then: no answer from `https://o`: refused";
        for (seen, error, expected) in [
            ("phase `x`", timeout(None), "phase `x`".to_owned()),
            ("phase `x`", timeout(Some("refused")), format!("phase `x`; {lost}")),
            ("", timeout(Some("refused")), lost.to_owned()),
            ("", timeout(None), String::new()),
        ] {
            assert_eq!(last_seen(seen, &error), expected);
        }
    }
}
