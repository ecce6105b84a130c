//! `omni_machine_set`: machines of a cluster that share a role.

use super::cluster::{MachineCounts, counts, machine_counts};
use crate::omni::spec::Spec;
use crate::omni::state::query::Query;
use crate::omni::{Error, labels};
use crate::provider::check;
use crate::provider::crud::{Cx, Desired, Managed, Object, Owner, Write};
use crate::provider::ids::{self, CONTROL_PLANE, CONTROL_PLANES_NAME, WORKERS};
use crate::provider::ledger::ObjectKey;
use crate::provider::session::at;
use crate::provider::view::{self, Seen, check_parent};
use crate::provider::wait::{self, Awaited, PutOff};
use crate::provider::{control_planes, lock};
use crate::tf::check::{not_empty, one_of, whole_between};
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::schema::{Attribute, IdentitySchema, Schema, boolean, number, object, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs;
use serde::{Deserialize, Serialize};
use specs::machine_set_spec::{
    BootstrapSpec, MachineAllocation, RollingUpdateStrategyConfig, UpdateStrategy, UpdateStrategyConfig,
    machine_allocation,
};
use specs::{MachineSetPhase, MachineSetSpec, MachineSetStatusSpec};

pub(super) struct MachineSet;

/// What a machine set can be doing.
pub(in crate::provider) const PHASES: [&str; 8] =
    ["unknown", "scaling_up", "scaling_down", "running", "destroying", "failed", "reconfiguring", "upgrading"];

/// The allocation that takes every machine of a class.
const UNLIMITED: &str = "Unlimited";

const LARGEST: i64 = u32::MAX as i64;

#[derive(Clone, Default, Serialize, Deserialize)]
pub(in crate::provider) struct Model {
    pub(in crate::provider) id: Option<String>,
    pub(in crate::provider) name: Option<String>,
    pub(in crate::provider) cluster: Option<String>,
    pub(in crate::provider) role: Option<String>,
    pub(in crate::provider) update_strategy: Option<Strategy>,
    pub(in crate::provider) delete_strategy: Option<Strategy>,
    pub(in crate::provider) upgrade_strategy: Option<Strategy>,
    pub(in crate::provider) machine_class: Option<MachineClass>,
    pub(in crate::provider) bootstrap_spec: Option<Bootstrap>,
    pub(in crate::provider) wait_for: Option<String>,
    pub(in crate::provider) status: Option<Status>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(in crate::provider) struct Strategy {
    #[serde(rename = "type")]
    pub(in crate::provider) kind: Option<String>,
    pub(in crate::provider) max_parallelism: Option<u32>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(in crate::provider) struct MachineClass {
    pub(in crate::provider) name: Option<String>,
    pub(in crate::provider) size: Option<u32>,
    pub(in crate::provider) allocation_type: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(in crate::provider) struct Bootstrap {
    pub(in crate::provider) cluster_uuid: Option<String>,
    pub(in crate::provider) snapshot: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(in crate::provider) struct Status {
    pub(in crate::provider) phase: String,
    pub(in crate::provider) ready: bool,
    pub(in crate::provider) error: String,
    pub(in crate::provider) machines: MachineCounts,
    pub(in crate::provider) locked_updates: u32,
}

impl MachineClass {
    /// How many machines the set takes; `None` for all that match.
    fn machines(&self) -> Option<u32> {
        (self.allocation_type.as_deref() != Some(UNLIMITED)).then(|| self.size.unwrap_or_default())
    }
}

fn strategy(name: &'static str, initial: &str, doc: &str) -> Attribute {
    object(
        name,
        vec![
            string("type")
                .required()
                .check(one_of(&["Unset", "Rolling"]))
                .doc("`Rolling` updates `max_parallelism` machines at a time, `Unset` lets Omni decide."),
            number("max_parallelism")
                .check(whole_between(0, LARGEST))
                .doc("Maximum number of machines taken at a time with `Rolling`. `0` and unset leave it to Omni, which takes one."),
        ],
    )
    .initially(Value::object([("type", Value::from(initial)), ("max_parallelism", Value::Null)]))
    .doc(doc)
}

#[async_trait]
impl Managed for MachineSet {
    type Spec = MachineSetSpec;
    type Model = Model;
    type Extra = Option<MachineSetStatusSpec>;

    const NAME: &'static str = "omni_machine_set";
    const NOUN: &'static str = "machine set";
    const ID: &'static str = "id";
    const FIELDS: &'static [&'static str] = &[
        "update_strategy",
        "update_strategy_config",
        "delete_strategy",
        "delete_strategy_config",
        "upgrade_strategy",
        "upgrade_strategy_config",
        "machine_class",
        "machine_allocation",
        "bootstrap_spec",
    ];
    const LOCAL: &'static [&'static str] = &["wait_for"];

    fn schema() -> Schema {
        Schema::new(
            "Manages a machine set: machines of a cluster that share a role. A cluster has one set of control planes, and any number of sets of workers.\n\n\
             ~> **Destroying or replacing a machine set wipes the disks of its machines.** Use `prevent_destroy` where the data matters.",
        )
        .with(string("id").computed().stays().doc(
            "Id of the set: `<cluster>-control-planes`, `<cluster>-workers`, or `<cluster>-<name>`.",
        ))
        .with(string("name").remains("A machine set keeps the name that it was made with.").check(not_empty()).doc(
            "Name of a set of workers within the cluster. Defaults to `workers`. The set of control planes is always named `control-planes`. Changing this forces replacement.",
        ))
        .with(string("cluster").required().replaces().check(not_empty()).doc("Name of the cluster."))
        .with(string("role").required().replaces().check(one_of(&[CONTROL_PLANE, WORKERS])).doc(
            "Role of the machines: `controlplane` or `workers`.",
        ))
        .with(strategy("update_strategy", "Rolling", "Rollout strategy for configuration changes."))
        .with(strategy("delete_strategy", "Unset", "Rollout strategy for removals."))
        .with(strategy("upgrade_strategy", "Unset", "Rollout strategy for Talos upgrades.").since("1.6"))
        .with(
            object("machine_class", vec![
                string("name").required().check(not_empty()).doc("Name of the machine class."),
                number("size").check(whole_between(0, LARGEST)).doc("Number of machines to take. Required for `Static`, ignored for `Unlimited`."),
                string("allocation_type").default("Static").check(one_of(&["Static", UNLIMITED])).doc(
                    "`Static` takes `size` machines, `Unlimited` all that match.",
                ),
            ])
            .doc("Takes machines from a machine class instead of naming them with `omni_machine_set_node`."),
        )
        .with(
            object("bootstrap_spec", vec![
                string("cluster_uuid").required().check(not_empty()).doc("UUID of the cluster whose backup is restored."),
                string("snapshot").required().at_most(4096).check(check::is_snapshot()).doc("Name of the etcd snapshot."),
            ])
            .doc("Restores etcd from a backup when the control plane is made. It cannot be added or changed later; once the cluster runs it may be removed, which changes nothing in the cluster."),
        )
        .with(string("wait_for").check(one_of(wait::LEVELS)).doc(
            "What a create or an update waits for: `none`, `running` (the machines of the class run) or `ready` (their nodes are ready too, which needs a CNI). \
             Defaults to `none`, or to `ready` when the provider has `wait_for_ready`.",
        ))
        .with(status_attribute().changes_with(&["machine_class"]))
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of("id", "Id of the machine set.")
    }

    fn id(model: &Model) -> Option<String> {
        let cluster = model.cluster.as_deref()?;
        Some(ids::machine_set(cluster, model.role.as_deref()?, model.name.as_deref()))
    }

    fn desired(model: &Model) -> Desired<MachineSetSpec> {
        let (update, update_config) = to_strategy(model.update_strategy.as_ref(), UpdateStrategy::Rolling);
        let (delete, delete_config) = to_strategy(model.delete_strategy.as_ref(), UpdateStrategy::Unset);
        let (upgrade, upgrade_config) = to_strategy(model.upgrade_strategy.as_ref(), UpdateStrategy::Unset);
        let spec = MachineSetSpec {
            update_strategy: update.into(),
            update_strategy_config: update_config,
            delete_strategy: delete.into(),
            delete_strategy_config: delete_config,
            upgrade_strategy: upgrade.into(),
            upgrade_strategy_config: upgrade_config,
            machine_allocation: model.machine_class.as_ref().map(|class| MachineAllocation {
                name: class.name.clone().unwrap_or_default(),
                // Omni takes a count with a static allocation only.
                machine_count: class.machines().unwrap_or_default(),
                allocation_type: match class.machines() {
                    None => machine_allocation::Type::Unlimited,
                    Some(_) => machine_allocation::Type::Static,
                }
                .into(),
            }),
            bootstrap_spec: model.bootstrap_spec.as_ref().map(|b| BootstrapSpec {
                cluster_uuid: b.cluster_uuid.clone().unwrap_or_default(),
                snapshot: b.snapshot.clone().unwrap_or_default(),
            }),
            ..MachineSetSpec::default()
        };
        let control_plane = model.role.as_deref() == Some(CONTROL_PLANE);
        let role = |yes: bool| yes.then(String::new);
        Desired {
            spec,
            labels: vec![
                (labels::CLUSTER, model.cluster.clone()),
                (labels::ROLE_CONTROL_PLANE, role(control_plane)),
                (labels::ROLE_WORKER, role(!control_plane)),
            ],
            annotations: Vec::new(),
        }
    }

    fn model(object: &Object<MachineSetSpec>, extra: &Self::Extra, prior: &Model) -> Result<Model, Diagnostic> {
        Ok(Model::of(object, extra.as_ref(), prior))
    }

    fn owners(model: &Model) -> Vec<Owner> {
        model.cluster.iter().map(|cluster| Owner::cluster(cluster)).collect()
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        let role = config.get("role").as_str();
        // The name that Omni gives may be written out, as generated configurations do.
        let name = config.get("name");
        let named = name.is_set() && name.as_str() != Some(CONTROL_PLANES_NAME);
        if role == Some(CONTROL_PLANE) && named {
            diags.push(
                Diagnostic::error(
                    "Control planes have no name",
                    "A cluster has one set of control planes, and Omni names it.",
                )
                .hint("Take `name` out.")
                .at(at("name")),
            );
        }
        if role == Some(WORKERS) {
            if config.get("bootstrap_spec").is_set() {
                diags.push(
                    Diagnostic::error(
                        "Workers restore no etcd",
                        "`bootstrap_spec` belongs to the set of control planes.",
                    )
                    .hint("Move it to the machine set with `role = \"controlplane\"`.")
                    .at(at("bootstrap_spec")),
                );
            }
            if config.get("name").as_str() == Some(CONTROL_PLANES_NAME) {
                diags.push(
                    Diagnostic::error(
                        "Name is reserved",
                        format!("`{CONTROL_PLANES_NAME}` is the name of the set of control planes."),
                    )
                    .hint("Choose another name, or set `role = \"controlplane\"`.")
                    .at(at("name")),
                );
            }
        }
        let class = config.get("machine_class");
        let (size, unlimited) = (class.get("size"), class.get("allocation_type").as_str() == Some(UNLIMITED));
        let path = Path::of("machine_class.size");
        if matches!(class, Value::Object(_))
            && size.is_null()
            && !unlimited
            && !class.get("allocation_type").is_unknown()
        {
            diags.push(
                Diagnostic::error(
                    "Missing size",
                    "A static allocation takes a fixed number of machines from the class.",
                )
                .hint("Set `machine_class.size`, or `allocation_type = \"Unlimited\"` to take all that match.")
                .at(path),
            );
        }
    }

    fn predict(plan: &mut Plan<'_>) {
        let planned = &plan.planned;
        let (cluster, role, name) = (planned.get("cluster"), planned.get("role"), plan.config.get("name"));
        if cluster.is_unknown() || role.is_unknown() || name.is_unknown() {
            return;
        }
        // An object keeps the id that it has, whatever the rule says today.
        if let Some(prior) = plan.prior {
            let moved = prior.get("cluster") != cluster || prior.get("role") != role;
            let id = prior.get("id").as_str().unwrap_or_default();
            let wanted = name.as_str().map(|name| format!("{}-{name}", cluster.as_str().unwrap_or_default()));
            let renamed = wanted.is_some_and(|wanted| wanted != id && name.as_str() != Some(id));
            if renamed && !moved {
                plan.replace.push(at("name"));
            }
            if !renamed && !moved {
                return;
            }
        }
        let short = match role.as_str() {
            Some(CONTROL_PLANE) => CONTROL_PLANES_NAME,
            _ => name.as_str().unwrap_or(WORKERS),
        };
        let id =
            cluster.as_str().map(|cluster| ids::machine_set(cluster, role.as_str().unwrap_or_default(), name.as_str()));
        let short = short.to_owned();
        plan.planned.set("id", id.into());
        plan.planned.set("name", short.into());
    }

    /// The first versions of the official provider kept the full id in `name`, and no `id`.
    fn upgrade(state: &mut serde_json::Map<String, serde_json::Value>) {
        if state.get("id").is_some_and(|id| !id.is_null()) {
            return;
        }
        let text = |key: &str| state.get(key).and_then(|v| v.as_str()).map(str::to_owned);
        let (Some(name), Some(cluster)) = (text("name"), text("cluster")) else { return };
        let short = name.strip_prefix(&format!("{cluster}-")).map(str::to_owned);
        let id = if short.is_some() { name.clone() } else { format!("{cluster}-{name}") };
        state.insert("id".into(), id.into());
        state.insert("name".into(), short.unwrap_or(name).into());
    }

    fn import_id(text: &str) -> Result<String, Diagnostic> {
        match text.split_once('/') {
            None => Ok(text.to_owned()),
            Some((cluster, name)) if !cluster.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(format!("{cluster}-{name}"))
            }
            Some(_) => Err(Diagnostic::error("Could not import machine set", format!("`{text}` is not an id."))
                .hint("Give the full id, such as `prod-workers`, or `<cluster>/<name>`, such as `prod/workers`.")),
        }
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        Some((ids::no_set_id(id)?, format!("Give the full id, or `<cluster>/<name>`, such as `prod/{WORKERS}`.")))
    }

    async fn extra(cx: &Cx, object: &Object<MachineSetSpec>) -> Result<Self::Extra, Error> {
        Ok(cx.find::<MachineSetStatusSpec>(object.id()).await?.map(|o| o.spec))
    }

    fn due(_cx: &Cx, plan: &mut Plan<'_>) {
        control_planes::warn_of_machines(plan);
    }

    async fn check(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
        control_planes::warn_of_size(plan);
        check_class(cx, plan).await?;
        let Some(cluster) = plan.planned.get("cluster").as_str().map(str::to_owned) else { return Ok(()) };
        lock::check(cx, &cluster, "machine sets", &mut plan.diags).await?;
        if plan.prior.is_none() {
            check_parent::<specs::ClusterSpec>(cx, plan, "cluster", &cluster).await?;
        }
        check_bootstrap(cx, plan, &cluster).await?;
        check_mode(cx, plan).await
    }

    async fn check_delete(cx: &Cx, prior: &Model, diags: &mut Diagnostics) -> Result<(), Error> {
        let what = format!("machine set `{}`", prior.id.as_deref().unwrap_or_default());
        lock::check_removal(cx, prior.cluster.as_deref().unwrap_or_default(), "machine sets", &what, diags).await
    }

    async fn awaited(cx: &Cx, model: &Model, object: &Object<MachineSetSpec>, _write: Write) -> Result<Awaited, Error> {
        let default = if cx.session.wait_for_ready { "ready" } else { "none" };
        let level = model.wait_for.as_deref().unwrap_or(default);
        // Without a class the machines come later, as resources of their own: there is nothing to wait for yet.
        let Some(class) = model.machine_class.as_ref().filter(|_| level != "none") else {
            return Ok(Awaited::Nothing);
        };
        let machines = class.machines().unwrap_or_default();
        let conditions = vec![wait::machine_set(object.id(), level, machines)];
        if let Some(why) = lock::holds_up(cx, model.cluster.as_deref().unwrap_or_default()).await? {
            return Ok(Awaited::Later(conditions, PutOff::Locked(why)));
        }
        if model.role.as_deref() != Some(CONTROL_PLANE)
            && let Some(why) = wait::too_early(cx, model.cluster.as_deref().unwrap_or_default()).await?
        {
            let why = PutOff::Early(why);
            return Ok(Awaited::Later(conditions, why));
        }
        Ok(Awaited::Conditions(conditions))
    }

    async fn obstacles(cx: &Cx, model: &Model, key: &crate::omni::Key) -> Result<Vec<String>, Error> {
        let query = Query::label(labels::MACHINE_SET, &key.id);
        wait::obstacles(cx, model.cluster.as_deref().unwrap_or_default(), &query).await
    }

    async fn remove(cx: &Cx, model: &Model, key: &crate::omni::Key) -> Result<(), Error> {
        let query = Query::label(labels::MACHINE_SET, &key.id);
        let cluster = model.cluster.as_deref().unwrap_or_default();
        if wait::lets_go(cx, cluster).await? && !wait::disconnected_among(cx, &query).await?.is_empty() {
            tracing::warn!(machine_set = key.id, "machines of the set are out of reach; its cluster lets them go");
            // Omni removes the set by itself once the last machine is gone.
            return cx.client().teardown(&cx.call, key).await.map(|_| ());
        }
        cx.client().remove(&cx.call, key).await
    }

    async fn why_stuck(cx: &Cx, key: &crate::omni::Key) -> Option<(String, String)> {
        let query = Query::label(labels::MACHINE_SET, &key.id);
        wait::why_machines_stay(cx, &query).await
    }
}

impl Model {
    /// A machine set as its attributes show it.
    pub(in crate::provider) fn of(
        object: &Object<MachineSetSpec>,
        extra: Option<&MachineSetStatusSpec>,
        prior: &Self,
    ) -> Self {
        let spec = &object.spec;
        let id = object.id();
        let cluster = object.label(labels::CLUSTER).unwrap_or_default();
        let control_plane = object.label(labels::ROLE_CONTROL_PLANE).is_some();
        // The older field wins on the server when both are set.
        #[allow(deprecated, reason = "servers before the new field wrote this one")]
        let allocation = spec.machine_class.as_ref().or(spec.machine_allocation.as_ref());
        let short = id.strip_prefix(cluster).and_then(|rest| rest.strip_prefix('-')).unwrap_or(id);
        // Adopted state may name the set by its full id: then that stays.
        let name = prior.name.clone().filter(|name| name == id).unwrap_or_else(|| short.to_owned());
        Self {
            id: Some(id.to_owned()),
            name: Some(name),
            cluster: Some(cluster.to_owned()),
            role: Some(if control_plane { CONTROL_PLANE } else { WORKERS }.to_owned()),
            update_strategy: Some(from_strategy(
                spec.update_strategy(),
                spec.update_strategy_config.as_ref(),
                prior.update_strategy.as_ref(),
            )),
            delete_strategy: Some(from_strategy(
                spec.delete_strategy(),
                spec.delete_strategy_config.as_ref(),
                prior.delete_strategy.as_ref(),
            )),
            upgrade_strategy: Some(from_strategy(
                spec.upgrade_strategy(),
                spec.upgrade_strategy_config.as_ref(),
                prior.upgrade_strategy.as_ref(),
            )),
            machine_class: allocation.map(|class| {
                let unlimited = class.allocation_type() == machine_allocation::Type::Unlimited;
                // The size of an unlimited allocation means nothing and is stored nowhere: what was configured stays.
                let configured = prior.machine_class.as_ref().and_then(|class| class.size);
                MachineClass {
                    name: Some(class.name.clone()),
                    size: if unlimited { configured } else { Some(class.machine_count) },
                    allocation_type: Some(if unlimited { UNLIMITED } else { "Static" }.to_owned()),
                }
            }),
            bootstrap_spec: spec
                .bootstrap_spec
                .as_ref()
                .map(|b| Bootstrap { cluster_uuid: Some(b.cluster_uuid.clone()), snapshot: Some(b.snapshot.clone()) }),
            wait_for: None,
            status: Some(status(&extra.cloned().unwrap_or_default())),
        }
    }
}

/// What Omni reports of a machine set.
pub(in crate::provider) fn status_attribute() -> Attribute {
    object(
        "status",
        vec![
            string("phase").computed().doc(format!("One of {}.", PHASES.map(|phase| format!("`{phase}`")).join(", "))),
            boolean("ready").computed().doc("Whether all machines are ready."),
            string("error").computed().doc("Last error, if any."),
            machine_counts(),
            number("locked_updates").computed().doc("Machines that have changes pending and are locked."),
        ],
    )
    .computed()
    .doc("Status of the machine set at the last read.")
}

fn to_strategy(strategy: Option<&Strategy>, default: UpdateStrategy) -> (UpdateStrategy, Option<UpdateStrategyConfig>) {
    let Some(strategy) = strategy else { return (default, None) };
    let kind = match strategy.kind.as_deref() {
        Some("Rolling") => UpdateStrategy::Rolling,
        _ => UpdateStrategy::Unset,
    };
    let config = strategy
        .max_parallelism
        .filter(|most| *most > 0)
        .map(|max_parallelism| UpdateStrategyConfig { rolling: Some(RollingUpdateStrategyConfig { max_parallelism }) });
    (kind, config)
}

fn from_strategy(kind: UpdateStrategy, config: Option<&UpdateStrategyConfig>, prior: Option<&Strategy>) -> Strategy {
    let parallel = config.and_then(|c| c.rolling.as_ref()).map(|r| r.max_parallelism).filter(|n| *n > 0);
    // Zero and nothing both leave it to Omni: what was configured stays.
    let parallel = parallel.or_else(|| prior.and_then(|prior| prior.max_parallelism).filter(|n| *n == 0));
    let kind = match kind {
        UpdateStrategy::Rolling => "Rolling",
        UpdateStrategy::Unset => "Unset",
    };
    Strategy { kind: Some(kind.to_owned()), max_parallelism: parallel }
}

fn status(spec: &MachineSetStatusSpec) -> Status {
    let phase = match spec.phase() {
        MachineSetPhase::Unknown => "unknown",
        MachineSetPhase::ScalingUp => "scaling_up",
        MachineSetPhase::ScalingDown => "scaling_down",
        MachineSetPhase::Running => "running",
        MachineSetPhase::Destroying => "destroying",
        MachineSetPhase::Failed => "failed",
        MachineSetPhase::Reconfiguring => "reconfiguring",
        MachineSetPhase::Upgrading => "upgrading",
    };
    Status {
        phase: phase.to_owned(),
        ready: spec.ready,
        error: spec.error.clone(),
        machines: counts(spec.machines.as_ref()),
        locked_updates: spec.locked_updates,
    }
}

/// The control plane is bootstrapped once: what decides about it cannot change afterwards.
async fn check_bootstrap(cx: &Cx, plan: &mut Plan<'_>, cluster: &str) -> Result<(), Error> {
    if plan.planned.get("role").as_str() != Some(CONTROL_PLANE) {
        return Ok(());
    }
    let bootstrapped = view::spec::<specs::ClusterBootstrapStatusSpec>(cx, cluster).await?;
    let bootstrapped = bootstrapped.is_some_and(|status| status.bootstrapped);
    let Some(prior) = plan.prior else {
        // With a cluster that is replaced, its etcd goes too.
        if bootstrapped && !cx.session.ledger.goes(&ObjectKey::from(&specs::ClusterSpec::KIND.key(cluster))) {
            // A host plans like this on its way to a destroy too, and an error would be in the way of that.
            plan.diags.push(
                Diagnostic::warning(
                    "The cluster has been bootstrapped already",
                    format!(
                        "Omni will refuse to make a second set of control planes for cluster `{cluster}`, whose etcd runs."
                    ),
                )
                .hint("Import the set that is there, or destroy the cluster and create it again.")
                .at(at("cluster")),
            );
        }
        return Ok(());
    };
    if !plan.replace.is_empty() {
        return Ok(());
    }
    let (before, after) = (prior.get("bootstrap_spec"), plan.planned.get("bootstrap_spec"));
    let problem = match (before.is_null(), after.is_null()) {
        _ if before == after => None,
        (true, false) => {
            Some(("Omni restores etcd only when the control plane is made.", "Take `bootstrap_spec` out."))
        }
        (false, true) if !bootstrapped => Some((
            "Omni takes it away only once the cluster has been bootstrapped.",
            "Leave `bootstrap_spec` until the cluster runs.",
        )),
        (false, true) => None,
        _ => Some((
            "Omni does not change it after the control plane is made.",
            "Set `bootstrap_spec` back to what it was, or take it out once the cluster runs.",
        )),
    };
    if let Some((why, hint)) = problem {
        let diagnostic = Diagnostic::error("`bootstrap_spec` cannot change", why).hint(hint).at(at("bootstrap_spec"));
        // By the apply, the cluster may have been bootstrapped.
        let waits = after.is_null();
        plan.diags.push(if waits { Diagnostic { severity: Severity::Warning, ..diagnostic } } else { diagnostic });
    }
    Ok(())
}

/// The class must be there when the set begins to use it, and must be one that fits the allocation.
async fn check_class(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let class = plan.planned.get("machine_class");
    let Some(name) = class.get("name").as_str().map(str::to_owned) else { return Ok(()) };
    let before = plan.prior.filter(|_| plan.replace.is_empty()).map(|prior| prior.get("machine_class"));
    if before.is_some_and(|before| before.get("name") == class.get("name")) {
        return Ok(());
    }
    let unlimited = class.get("allocation_type").as_str() == Some(UNLIMITED);
    match view::object::<specs::MachineClassSpec>(cx, &name).await? {
        Seen::Missing => plan.diags.push(
            Diagnostic::warning(
                format!("Machine class `{name}` does not exist"),
                "Omni refuses a machine set whose class does not exist: the apply will fail unless it is created by then.",
            )
            .hint("Check `machine_class.name`, or create the class before the machine set.")
            .at(Path::of("machine_class.name")),
        ),
        Seen::There(found) if unlimited && found.spec.auto_provision.is_some() => plan.diags.push(
            Diagnostic::warning(
                format!("Machine class `{name}` provisions machines"),
                "Omni refuses an unlimited allocation from a class that provisions machines, since there is no limit to how many it makes: the apply will fail.",
            )
            .hint("Set `allocation_type = \"Static\"` and a `size`.")
            .at(Path::of("machine_class.allocation_type")),
        ),
        Seen::There(_) | Seen::Hidden => {}
    }
    Ok(())
}

/// A set with nodes cannot switch between named machines and a class.
async fn check_mode(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let Some(prior) = plan.prior else { return Ok(()) };
    let (before, after) = (prior.get("machine_class"), plan.planned.get("machine_class"));
    if before.is_null() == after.is_null() || !plan.replace.is_empty() {
        return Ok(());
    }
    let id = prior.get("id").as_str().unwrap_or_default();
    let query = Query::label(labels::MACHINE_SET, id);
    let mut nodes = view::list(cx, specs::MachineSetNodeSpec::KIND, &query).await?;
    nodes.retain(|node| !cx.session.ledger.goes(&ObjectKey::from(&node.key)));
    if !nodes.is_empty() {
        let list = nodes.iter().map(|n| format!("`{}`", n.key.id)).collect::<Vec<_>>().join(", ");
        plan.diags.push(
            Diagnostic::warning(
                "The machine set still has machines",
                format!("Omni lets a set switch between named machines and a machine class only while it is empty, and it holds {list}: the apply will fail unless they have left by then."),
            )
            .hint("Remove the machines in an apply of their own (take out their `omni_machine_set_node`, or set `size = 0`), then switch.")
            .at(at("machine_class")),
        );
    }
    Ok(())
}
