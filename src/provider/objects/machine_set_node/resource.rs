//! `omni_machine_set_node`: a machine that belongs to a machine set.

use crate::omni::spec::Spec;
use crate::omni::spec::fields::Field;
use crate::omni::{Call, Error, ErrorKind, Key, Phase, labels};
use crate::provider::engine::{
    Bind, Codec, CosiObject, Cx, Failure, Home, Join, Joined, KeyCodec, Object, OneKind, Owner, ResourceType, Row,
    Table, Write, group, if_applied, model, take_back_existing,
};
use crate::provider::ledger::ObjectKey;
use crate::provider::naming;
use crate::provider::objects::cluster::lock as cluster_lock;
use crate::provider::objects::machine::machine_id;
use crate::provider::objects::machine_set::control_planes;
use crate::provider::objects::{cluster, machine_set};
use crate::provider::references;
use crate::provider::references::SetOf;
use crate::provider::session::at;
use crate::provider::view;
use crate::provider::view::{Presence, check_parent};
use crate::provider::wait;
use crate::provider::wait::{Awaited, PutOff};
use crate::tf::check::{not_empty, one_of};
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::resource::{Plan, Private};
use crate::tf::schema::{Attribute, IdentitySchema, Schema, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::version;
use omni_proto::specs;
use serde::Deserialize;
use specs::cluster_machine_status_spec::Stage;
use specs::{
    ClusterBootstrapStatusSpec, ClusterMachineStatusSpec, ClusterSpec, MachineSetNodeSpec, MachineSetSpec,
    MachineStatusSpec,
};
use std::time::Duration;

pub(in crate::provider) struct MachineSetNode;

/// Label of a machine: the Talos version that it runs.
const TALOS_VERSION: &str = "omni.sidero.dev/talos-version";
/// Label of a machine: Talos is installed on its disk.
const INSTALLED: &str = "omni.sidero.dev/installed";

/// What is said of a machine that no node can manage.
const OF_CLASS: &str = "belongs to a machine class";

/// How long a machine that was given up may still take to go.
const FORCE_DESTROY_TIMEOUT: Duration = Duration::from_secs(120);

/// What checks and steps look at of a node.
#[derive(Clone, Deserialize)]
struct Model {
    machine_id: Option<String>,
    machine_set: Option<String>,
    cluster: Option<String>,
    locked: Option<bool>,
    wait_for: Option<String>,
    force_destroy_on_timeout: Option<bool>,
}

impl Model {
    /// The id of the machine set; empty while it is not known.
    fn set(&self) -> String {
        match (&self.cluster, &self.machine_set) {
            (Some(cluster), Some(set)) => naming::set_in(cluster, set),
            (_, set) => set.clone().unwrap_or_default(),
        }
    }

    /// Omni gives the set of control planes a fixed id, so the role follows from it.
    fn is_control_plane(&self) -> bool {
        self.cluster.as_deref().is_some_and(|cluster| naming::is_control_planes(cluster, &self.set()))
    }
}

/// Where a machine is: Omni's own word, in lower case.
const STAGE: Codec = Codec::Own {
    write: |_| None,
    read: |field, _| {
        let stage = field.and_then(Field::as_enum_number).and_then(|number| Stage::try_from(number).ok());
        stage.unwrap_or_default().as_str_name().to_lowercase().into()
    },
};

/// Label of a cluster machine: the name of its Kubernetes node.
const NODE_NAME: &str = "omni.sidero.dev/node-name";

/// Omni gives the set of control planes a fixed id, so the role follows from it.
fn is_control_plane(state: &Value) -> bool {
    match (state.get("cluster").as_str(), set_of(state)) {
        (Some(cluster), Some(set)) => naming::is_control_planes(cluster, &set),
        _ => false,
    }
}

/// The id of the machine set that a whole value names; `None` while that is not known.
fn set_of(whole: &Value) -> Option<String> {
    Some(naming::set_in(whole.get("cluster").as_str()?, whole.get("machine_set").as_str()?))
}

impl Table for MachineSetNode {
    type Spec = MachineSetNodeSpec;

    const NAME: &'static str = "omni_machine_set_node";
    const NOUN: &'static str = "machine set node";
    const ID: &'static str = "machine_id";

    fn rows() -> Vec<Row> {
        let status = |attribute: Attribute, path, codec| attribute.joined::<ClusterMachineStatusSpec>(path, codec);
        vec![
            string("id").computed().stays().doc("Same as `machine_id`.").id(),
            string("machine_id").required().replaces().check(not_empty()).doc("ID (UUID) of the machine.").id()
                // The machines of a cluster are listed in the order in which they joined, and one apply lets many join at once.
                .run_mark(labels::RUN)
                .known_as::<MachineStatusSpec>("network.hostname"),
            string("machine_set").required().replaces().check(not_empty()).doc("Machine set, by ID such as `prod-workers` or by name within the cluster such as `workers`.")
                .label(labels::MACHINE_SET, KeyCodec::Made(set_of))
                .reading("ID of the machine set.")
                .also_labels(&[
                    (labels::ROLE_CONTROL_PLANE, |state| is_control_plane(state).then(String::new)),
                    (labels::ROLE_WORKER, |state| (!is_control_plane(state)).then(String::new)),
                ]),
            string("cluster").required().replaces().check(not_empty()).doc("Name of the cluster that the machine set belongs to.").label(labels::CLUSTER, KeyCodec::Text),
            boolean("locked").initially(false).doc(
                "Whether the machine is locked: it is then excluded from configuration changes, upgrades and removal. Only workers can be locked.",
            ).annotation(labels::LOCKED, KeyCodec::Present),
            string("wait_for").check(one_of(&["none", "allocated", "running"])).doc(
                "What a create waits for: `none`, `allocated` (the machine is allocated to the cluster) or `running` (the machine runs in the cluster and is ready). A worker does not wait if the cluster has no control plane within 5 seconds. \
                 Defaults to `none`, or to `running` if the provider sets `wait_for_ready`.",
            ).local(),
            boolean("force_destroy_on_timeout").doc(
                "If the machine cannot be wiped within `timeouts.delete`, for example because it is disconnected, remove it without wiping its disks. Must be applied before the destroy. Defaults to `false`.",
            ).local(),
            group("status", vec![
                status(string("stage").computed().doc("Lifecycle stage: `unknown` until the machine is allocated, then for example `booting`, `installing`, `configuring`, `running`, `upgrading` or `destroying`."), "stage", STAGE),
                status(boolean("ready").computed().doc("Whether the machine is ready."), "ready", Codec::Plain),
                status(boolean("config_up_to_date").computed().doc("Whether the current configuration is applied to the machine."), "config_up_to_date", Codec::Plain),
                status(string("last_config_error").computed().doc("Error of the last configuration, if it was not applied."), "last_config_error", Codec::Plain),
                status(string("management_address").computed().doc("Address of the machine in the SideroLink network of Omni."), "management_address", Codec::Plain),
                string("node_name").computed().doc("Name of the Kubernetes node.").at(Home::JoinedLabel(Join::of::<ClusterMachineStatusSpec>(), NODE_NAME)),
            ], |status| status.computed().stays().doc("Status of the machine in the cluster as of the last refresh.")),
        ]
    }

    fn derive(
        object: &Object<MachineSetNodeSpec>,
        _joined: &Joined,
        prior: &Value,
        _shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        // A data source, which has no prior state, shows it like any other.
        if prior.is_null() || object.label(labels::MANAGED_BY_ALLOCATOR).is_none() {
            return Ok(());
        }
        let set = object.label(labels::MACHINE_SET).unwrap_or_default();
        Err(Diagnostic::error(
            format!("Machine `{}` {OF_CLASS}", object.id()),
            format!("Omni allocated it to machine set `{set}` from the machine class of that set, and can release it at any time."),
        )
        .hint("Choose another machine. How many machines the set has is up to the size in `machine_class` of its `omni_machine_set`.")
        .at(at("machine_id")))
    }
}

#[async_trait]
impl ResourceType for MachineSetNode {
    fn about() -> Schema {
        Schema::new(
            "Manages a machine of a machine set. Creating it lets Omni install Talos on the machine and join it to the cluster; destroying it wipes the machine and makes it available again.\n\n\
             ~> **Destroying or replacing a node wipes the machine's disks.** Changing `machine_id`, `machine_set` or `cluster` replaces the node. \
             Set `prevent_destroy` to protect its data.",
        )
        .meaning("machine_set", set_of)
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of("machine_id", "ID (UUID) of the machine.")
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        let id = plan.planned.get("machine_id").clone();
        plan.planned.set("id", id);
        check_relations(&plan.planned, &mut plan.diags);
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        machine_id::problem(id)
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        if let Some(cluster) = plan.planned.get("cluster").as_str().map(str::to_owned) {
            cluster_lock::check(cx, &cluster, "machine set nodes", &mut plan.diags).await?;
        }
        check_replacement(cx, plan).await?;
        if plan.prior.is_some() {
            return Ok(());
        }
        let text = |name: &str| plan.planned.get(name).as_str().map(str::to_owned);
        if let (Some(cluster), set) = (text("cluster"), text("machine_set")) {
            check_parent::<ClusterSpec>(cx, plan, "cluster", &cluster).await?;
            if let Some(set) = set {
                check_set(cx, plan, &cluster, &set).await?;
            }
        }
        Ok(check_new_machine(cx, plan).await?)
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        let Ok(prior) = model::<Model>(prior) else { return Ok(()) };
        let prior = &prior;
        let id = prior.machine_id.as_deref().unwrap_or_default();
        let cluster = prior.cluster.as_deref().unwrap_or_default();
        if prior.locked == Some(true)
            && let Some(told) = check_locked(cx, cluster, &prior.set(), id).await?
        {
            diags.push(told.hint("Apply `locked = false` first.").at(at("locked")));
        }
        if prior.is_control_plane() {
            control_planes::check_removal(cx, cluster, &prior.set(), id, diags).await?;
        }
        Ok(cluster_lock::check_removal(cx, cluster, "machine set nodes", &format!("machine set node `{id}`"), diags)
            .await?)
    }
}

#[async_trait]
impl CosiObject for MachineSetNode {
    type Kinds = OneKind;

    fn locked_by(state: &Value) -> Option<&str> {
        state.get("cluster").as_str()
    }

    fn owners(state: &Value) -> Vec<Owner> {
        let set = set_of(state).or_else(|| state.get("machine_set").as_str().map(str::to_owned));
        let set = set.map(|set| machine_set::owner(&set, "machine_set"));
        state.get("cluster").as_str().map(cluster::owner).into_iter().chain(set).collect()
    }

    async fn awaited(
        cx: &Cx,
        state: &Value,
        object: &Object<MachineSetNodeSpec>,
        write: Write,
    ) -> Result<Awaited, Error> {
        let Ok(model) = model::<Model>(state) else { return Ok(Awaited::Nothing) };
        let default = if cx.session.wait_for_ready { "running" } else { "none" };
        let set = model.set();
        let condition = match model.wait_for.as_deref().unwrap_or(default) {
            _ if write == Write::Update => return Ok(Awaited::Nothing),
            "allocated" => return Ok(Awaited::Conditions(vec![wait::allocated(object.id(), &set)])),
            "running" => wait::machine_running(object.id(), &set),
            _ => return Ok(Awaited::Nothing),
        };
        if let Some(why) = cluster_lock::holds_up(cx, model.cluster.as_deref().unwrap_or_default()).await? {
            return Ok(Awaited::Later(vec![condition], PutOff::Locked(why)));
        }
        if !model.is_control_plane()
            && let Some(why) = wait::too_early(cx, model.cluster.as_deref().unwrap_or_default()).await?
        {
            let why = PutOff::Early(why);
            return Ok(Awaited::Later(vec![condition], why));
        }
        Ok(Awaited::Conditions(vec![condition]))
    }

    async fn obstacles(cx: &Cx, state: &Value, key: &Key) -> Result<Vec<String>, Error> {
        let early = wait::too_early(cx, state.get("cluster").as_str().unwrap_or_default()).await?;
        Ok(early.into_iter().chain(wait::obstacle(cx, &key.id).await?).collect())
    }

    async fn remove(cx: &Cx, state: &Value, key: &Key) -> Result<(), Failure> {
        let Ok(model) = model::<Model>(state) else { return Ok(cx.client().remove(&cx.call, key).await?) };
        let model = &model;
        let removed = release(cx, model, key).await;
        let Err(error) = removed else { return Ok(()) };
        if !error.is(ErrorKind::Timeout) || model.force_destroy_on_timeout != Some(true) {
            return Err(error.into());
        }
        tracing::warn!(machine = key.id, "the machine did not let itself be wiped in time; giving it up");
        let more = Cx {
            session: std::sync::Arc::clone(&cx.session),
            call: Call::within(FORCE_DESTROY_TIMEOUT, &cx.call.cancel),
        };
        wait::force_destroy(&more, &key.id, model.cluster.as_deref().unwrap_or_default()).await?;
        Ok(release(&more, model, key).await?)
    }

    /// The node itself goes at once; a machine that cannot be wiped stays in its cluster for as long as that takes.
    async fn is_deleting(cx: &Cx, state: &Value, key: &Key) -> Result<bool, Error> {
        let wanted = set_of(state);
        let member = cx.find::<specs::ClusterMachineSpec>(&key.id).await?;
        Ok(member.is_some_and(|member| {
            let set = member.label(labels::MACHINE_SET);
            let leaving = member.stored.metadata.phase == crate::omni::Phase::TearingDown;
            leaving && set.is_none_or(|set| wanted.as_deref() == Some(set))
        }))
    }

    async fn why_stuck(cx: &Cx, key: &Key) -> Option<(String, String)> {
        let status = cx.find::<specs::MachineStatusSpec>(&key.id).await.ok()??;
        if status.spec.connected {
            return None;
        }
        let why = format!("Machine `{}` is not connected to Omni, so it cannot be wiped.", key.id);
        let way_out = "Connect it and destroy again. Otherwise apply `force_destroy_on_timeout = true` of this resource, \
            or, to destroy the whole cluster, `delete_options = { destroy_disconnected_machines = true }` of its `omni_cluster`, \
            and then destroy again.";
        Some((why, way_out.to_owned()))
    }
}

/// Removes the node, and waits until the cluster has let go of the machine, so that it can be used again.
/// The state keeps the node for as long as that takes, so that no plan proposes to make again what hangs.
/// Only the last machine of a control plane cannot go before its set does, which then waits for it;
/// but a set cannot give a machine up, so a machine out of reach is waited for here all the same.
async fn release(cx: &Cx, model: &Model, key: &Key) -> Result<(), Error> {
    match cx.client().remove(&cx.call, key).await {
        Err(error) if !error.is(ErrorKind::NotFound) => return Err(error),
        _ => {}
    }
    let set = model.set();
    let query = view::of_set(model.cluster.as_deref().unwrap_or_default(), &set);
    let left = cx.client().list(&cx.call, MachineSetNodeSpec::KIND, &query).await?;
    let staying = left.iter().any(|node| node.metadata.phase == crate::omni::Phase::Running);
    if wait::is_disconnected(cx, &key.id).await? {
        if model.force_destroy_on_timeout == Some(true) {
            return wait::released(cx, &key.id, &set).await;
        }
        if !wait::lets_go(cx, model.cluster.as_deref().unwrap_or_default()).await? {
            return wait::released(cx, &key.id, &set).await;
        }
        tracing::warn!(machine = key.id, "the machine is out of reach; its cluster lets it go");
        return Ok(());
    }
    if staying || !model.is_control_plane() { wait::released(cx, &key.id, &set).await } else { Ok(()) }
}

/// Beside a plan that Terraform makes again: what the replacement costs was told.
const TOLD: &str = "replacement_told";

/// Holds a new node against its machine.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_new_machine(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let text = |name: &str| plan.planned.get(name).as_str().map(str::to_owned);
    let (cluster, machine) = (text("cluster"), text("machine_id"));
    if let Some(machine) = &machine
        && references::check_machine_id(cx, plan, "machine_id", machine).await?
        && let Some(cluster) = &cluster
    {
        check_machine(cx, plan, machine, cluster).await?;
    }
    Ok(())
}

/// Says what stands against the replacement of a node, by a change, by force or since it is tainted, and what it costs.
async fn check_replacement(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let ledger = &cx.session.ledger;
    let by = plan.replace.first().cloned();
    let key = MachineSetNodeSpec::KIND.key(plan.planned.get("machine_id").as_str().unwrap_or_default());
    let key = ObjectKey::from(&key);
    let before = match plan.prior {
        Some(prior) if by.is_some() => prior.clone(),
        Some(_) => return Ok(()),
        None => {
            // One that gets another address is told with its removal.
            let replaced = ledger.is_replaced(&key) && !ledger.is_planned_to_go(&key);
            match ledger.prior(&key).filter(|_| replaced && plan.replaced.get::<bool>(TOLD) != Some(true)) {
                Some(before) => before,
                None => return Ok(()),
            }
        }
    };
    plan.private.set(TOLD, true);
    let Ok(node) = model::<Model>(&before) else { return Ok(()) };
    let cluster = node.cluster.as_deref().unwrap_or_default();
    if node.locked == Some(true) && lock_holds(cx, cluster, &node.set()).await? {
        let why = match &by {
            Some(by) => format!("A change of `{by}` replaces the node, and Omni"),
            None => "This plan replaces the node, and Omni".to_owned(),
        };
        plan.diags.push(
            Diagnostic::error(
                format!("Machine `{}` is locked", node.machine_id.as_deref().unwrap_or_default()),
                format!("{why} does not remove a locked machine from its set."),
            )
            .hint("Apply `locked = false` alone first, and then this change.")
            .at(by.clone().unwrap_or_else(|| at("locked"))),
        );
    }
    let by = by.unwrap_or_else(|| at("machine_id"));
    let Some(lost) = control_planes::check_replacement(cx, &before, by).await? else { return Ok(()) };
    // Hosts drop what the plan of a forced replacement warns of, so only an error is heard.
    let forced = plan.prior.is_none() && plan.replaced != Private::default();
    let is_final =
        forced && view::spec::<ClusterBootstrapStatusSpec>(cx, cluster).await?.is_some_and(|s| s.bootstrapped);
    let told = match is_final {
        true => if_applied(cx, plan, &key, Diagnostic { severity: Severity::Error, ..lost }),
        false => lost,
    };
    plan.diags.push(told);
    Ok(())
}

/// Why a locked machine cannot be removed from its set; `None` if its lock does not keep it.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_locked(cx: &Cx, cluster: &str, set: &str, id: &str) -> Result<Option<Diagnostic>, Error> {
    Ok(lock_holds(cx, cluster, set).await?.then(|| {
        Diagnostic::error(format!("Machine `{id}` is locked"), "Omni does not remove a locked machine from its set.")
    }))
}

/// Whether the lock of a node keeps it: not when its cluster or its set is on the way out, or the set is gone.
async fn lock_holds(cx: &Cx, cluster: &str, set: &str) -> Result<bool, Error> {
    let stays = |phase: Phase| phase == Phase::Running;
    let cluster = view::object::<ClusterSpec>(cx, cluster).await?;
    if cluster.there().is_some_and(|cluster| !stays(cluster.stored.metadata.phase)) {
        return Ok(false);
    }
    Ok(match view::object::<MachineSetSpec>(cx, set).await? {
        Presence::Exists(set) => stays(set.stored.metadata.phase),
        Presence::Missing => false,
        Presence::Unreadable => true,
    })
}

/// What the values of other objects must be to each other. Only a plan judges it: validation sees mocked values too.
fn check_relations(planned: &Value, diags: &mut Diagnostics) {
    // The name of the set tells, though its cluster may get a name only in the apply; so do ids that are foretold.
    let [cluster, set] = ["cluster", "machine_set"].map(|name| planned.get(name).foreseen());
    let named = set == Some(naming::CONTROL_PLANES_NAME);
    let ids = cluster.zip(set).map(|(cluster, set)| (cluster, naming::set_in(cluster, set)));
    let is_id = ids.is_some_and(|(cluster, set)| naming::is_control_planes(cluster, &set));
    if (named || is_id) && planned.get("locked").as_bool() == Some(true) {
        diags.push(
            Diagnostic::error("Control planes cannot be locked", "Omni locks workers only.")
                .hint("Remove `locked`.")
                .at(at("locked")),
        );
    }
}

/// The set must be one of the cluster, and one that takes named machines.
async fn check_set(cx: &Cx, plan: &mut Plan<'_>, cluster: &str, text: &str) -> Result<(), Error> {
    let told = match references::set_of(cx, cluster, text).await? {
        SetOf::Other { id, cluster: other } => Some(references::foreign("machine_set", cluster, &id, &other)),
        SetOf::Missing => references::named_like_an_id(cx, "machine_set", cluster, text).await?,
        SetOf::Cluster => None,
    };
    if let Some(told) = told {
        plan.diags.push(told);
        return Ok(());
    }
    let set = &naming::set_in(cluster, text);
    let key = MachineSetSpec::KIND.key(set);
    if let Some(planned) = cx.session.ledger.planned(&ObjectKey::from(&key)) {
        if let Some(class) = planned.get("machine_class").get("name").as_str() {
            plan.diags.push(
                Diagnostic::error(
                    format!("Machine set `{set}` allocates its machines from a machine class"),
                    format!("In this configuration it uses machine class `{class}`, and cannot also have machines that are selected individually."),
                )
                .hint("Remove `machine_class` from the set, or increase its `size` instead of adding nodes.")
                .at(at("machine_set")),
            );
        }
        return Ok(());
    }
    check_parent::<MachineSetSpec>(cx, plan, "machine_set", set).await?;
    let Some(object) = view::object::<MachineSetSpec>(cx, set).await?.there() else { return Ok(()) };
    #[allow(deprecated, reason = "servers before the new field wrote this one")]
    let class = object.spec.machine_class.or(object.spec.machine_allocation);
    if let Some(class) = class {
        plan.diags.push(
            Diagnostic::warning(
                format!("Machine set `{set}` allocates its machines from a machine class"),
                format!("It uses machine class `{}`, and cannot also have machines that are selected individually: the apply will fail unless this has changed by then.", class.name),
            )
            .hint("Remove `machine_class` from the set, or increase its `size` instead of adding nodes.")
            .at(at("machine_set")),
        );
    }
    Ok(())
}

/// The machine must be free by then, and of a Talos version that the cluster can take.
async fn check_machine(cx: &Cx, plan: &mut Plan<'_>, machine: &str, cluster: &str) -> Result<(), Error> {
    let status = match view::object::<MachineStatusSpec>(cx, machine).await? {
        Presence::Exists(status) => status,
        Presence::Unreadable => return Ok(()),
        Presence::Missing => {
            plan.diags.push(
                Diagnostic::warning(
                    format!("Machine `{machine}` is not known to Omni"),
                    "Omni accepts the node, and waits for the machine to register.",
                )
                .hint("Check `machine_id` if the machine should already be registered.")
                .at(at("machine_id")),
            );
            return Ok(());
        }
    };
    let other = &status.spec.cluster;
    let leaves = |key: Key| cx.session.ledger.goes(&ObjectKey::from(&key));
    if !other.is_empty()
        && other != cluster
        && !leaves(MachineSetNodeSpec::KIND.key(machine))
        && !leaves(ClusterSpec::KIND.key(other))
        // Nobody can remove such a machine from its cluster.
        && !plan.diags.iter().any(|told| told.summary.ends_with(OF_CLASS))
    {
        // The node in that cluster is there for the same reason.
        take_back_existing(plan);
        plan.diags.push(
            Diagnostic::warning(
                format!("Machine `{machine}` is in use"),
                format!("It belongs to cluster `{other}`, and a machine can belong to one cluster only: the apply will fail unless it has been removed from it by then."),
            )
            .hint("Remove it from that cluster first, or choose a machine that is available; the data source `omni_machines` lists them.")
            .at(at("machine_id")),
        );
    }
    if let Some(talos) = view::talos_version(cx, cluster).await?
        && let Some(diagnostic) = misfit(machine, &status, cluster, &talos)
    {
        plan.diags.push(diagnostic);
    }
    Ok(())
}

/// Why Omni would not take the machine into a cluster of this Talos version: it compares the labels of the machine.
fn misfit(machine: &str, status: &Object<MachineStatusSpec>, cluster: &str, talos: &str) -> Option<Diagnostic> {
    let line = |version: &str| version::parse(version).ok().map(|v| (v.major, v.minor));
    line(&status.spec.talos_version)?;
    if status.spec.schematic.as_ref().is_some_and(|schematic| schematic.in_agent_mode) {
        return None;
    }
    let runs = status.label(TALOS_VERSION)?;
    let (has, wants) = (line(runs)?, line(talos)?);
    let installed = status.label(INSTALLED).is_some();
    let (summary, why, hint) = if has > wants {
        (
            "newer than that of its cluster",
            "Omni does not downgrade machines",
            "Set `talos_version` of the cluster to the minor release of the machine or later, or choose another machine.",
        )
    } else if !installed && has != wants && (has < (1, 13) || wants < (1, 13)) {
        (
            "different from that of its cluster",
            "Omni accepts a machine that was booted from an image only if that has the minor release of the cluster",
            "Boot the machine from an image of the cluster's Talos version, or choose another machine.",
        )
    } else {
        return None;
    };
    Some(
        Diagnostic::warning(
            format!("Talos of machine `{machine}` is {summary}"),
            format!(
                "The machine runs Talos {}, and cluster `{cluster}` is at {}. {why}: the apply will fail unless this has changed by then.",
                version::strip_v(runs),
                version::strip_v(talos)
            ),
        )
        .hint(hint)
        .at(at("machine_id")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec;
    use specs::machine_status_spec::Schematic;

    /// As the validators of the 1.11 line answered.
    #[test]
    fn which_machines_fit_a_cluster() {
        for (spec_version, label, installed, agent, talos, refused) in [
            ("v1.13.5", Some("v1.13.5"), false, false, "1.13.8", None),
            ("v1.14.0", Some("v1.14.0"), false, false, "1.13.8", Some("newer")),
            ("v1.14.0", Some("v1.14.0"), true, false, "1.13.8", Some("newer")),
            ("v1.14.0", Some("v1.14.0"), true, true, "1.13.8", None),
            ("v1.11.6", Some("v1.11.6"), true, false, "1.13.8", None),
            ("v1.11.6", Some("v1.11.6"), false, false, "v1.13.8", Some("different")),
            ("v1.13.5", Some("v1.13.5"), false, false, "1.14.0", None),
            ("unknown", Some("v1.14.0"), false, false, "1.13.8", None),
            ("", Some("v1.14.0"), false, false, "1.13.8", None),
            // The labels are what is compared.
            ("v1.14.0", Some("v1.13.5"), false, false, "1.13.8", None),
            ("v1.14.0", None, false, false, "1.13.8", None),
        ] {
            let status = MachineStatusSpec {
                talos_version: spec_version.into(),
                schematic: Some(Schematic { in_agent_mode: agent, ..Default::default() }),
                ..Default::default()
            };
            let mut stored = spec::resource("m", &status);
            let flag = installed.then(|| (INSTALLED.to_owned(), String::new()));
            let label = label.map(|label| (TALOS_VERSION.to_owned(), label.to_owned()));
            stored.metadata.labels.extend(flag.into_iter().chain(label));
            let found = misfit("m", &Object::decode(stored).unwrap(), "c", talos);
            assert_eq!(found.is_some(), refused.is_some(), "{spec_version} {talos}: {found:?}");
            assert!(found.is_none_or(|d| d.summary.contains(refused.unwrap_or_default())), "{spec_version} {talos}");
        }
    }
}
