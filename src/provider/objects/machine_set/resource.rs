//! `omni_machine_set`: machines of a cluster that share a role.

use super::{control_planes, set_loss, supply};
use crate::omni::spec::fields::Fields;
use crate::omni::spec::{Spec, fields};
use crate::omni::state::query::Query;
use crate::omni::{Error, Key, Phase, Resource as Stored, labels};
use crate::provider::check;
use crate::provider::engine::{
    Bind, Codec, CosiObject, Cx, Failure, Home, Joined, KeyCodec, Object, OneKind, Owner, ResourceType, Row, Several,
    Table, Write, codecs, group,
};
use crate::provider::ledger::ObjectKey;
use crate::provider::naming;
use crate::provider::naming::{CONTROL_PLANE, CONTROL_PLANES_NAME, WORKERS};
use crate::provider::objects::cluster;
use crate::provider::objects::cluster::lock as cluster_lock;
use crate::provider::objects::cluster::resource::machine_counts;
use crate::provider::session::at;
use crate::provider::view;
use crate::provider::view::{Presence, check_parent};
use crate::provider::wait;
use crate::provider::wait::{Awaited, PutOff};
use crate::tf::check::{not_empty, one_of, whole_between};
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::schema::{Attribute, Schema, boolean, number, object, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::text::quoted;
use omni_proto::specs;
use specs::machine_set_spec::{
    MachineAllocation, RollingUpdateStrategyConfig, UpdateStrategyConfig, machine_allocation,
};
use specs::{MachineSetSpec, MachineSetStatusSpec};

pub(in crate::provider) struct MachineSet;

/// What a machine set can be doing, with Omni's numbers.
const PHASE: [(&str, i32); 8] = [
    ("unknown", 0),
    ("scaling_up", 1),
    ("scaling_down", 2),
    ("running", 3),
    ("destroying", 4),
    ("failed", 5),
    ("reconfiguring", 6),
    ("upgrading", 7),
];
pub(in crate::provider) const PHASES: [&str; 8] = codecs::texts(&PHASE);

/// The allocation that takes every machine of a class.
const UNLIMITED: &str = "Unlimited";

const LARGEST: i64 = u32::MAX as i64;

/// How many machines a class gives to the set; `None` for all that match.
pub(super) fn machines(class: &Value) -> Option<u32> {
    let size = || class.get("size").as_i64().and_then(|size| u32::try_from(size).ok()).unwrap_or_default();
    (class.get("allocation_type").as_str() != Some(UNLIMITED)).then(size)
}

/// The strategies, with Omni's numbers; the first is what a set has that says nothing.
const ROLLING: &[(&str, i32)] = &[("Rolling", 1), ("Unset", 0)];
const UNSET: &[(&str, i32)] = &[("Unset", 0), ("Rolling", 1)];

/// How many machines at a time. Zero and nothing both leave it to Omni: then what was configured stays.
const PARALLELISM: Codec = Codec::Own {
    write: |value| {
        let most = value.as_i64().and_then(|most| u32::try_from(most).ok()).filter(|most| *most > 0)?;
        let rolling = Some(RollingUpdateStrategyConfig { max_parallelism: most });
        fields::to_message("specs.MachineSetSpec.UpdateStrategyConfig", &UpdateStrategyConfig { rolling })
    },
    read: |field, prior| {
        let config = field.and_then(fields::from_message::<UpdateStrategyConfig>);
        let most = config.and_then(|config| config.rolling).map(|rolling| i64::from(rolling.max_parallelism));
        most.filter(|most| *most > 0).or(prior.as_i64().filter(|most| *most == 0)).into()
    },
};

fn strategy(
    name: &'static str,
    [kind, config]: [&'static str; 2],
    all: &'static [(&'static str, i32)],
    finish: impl FnOnce(Attribute) -> Attribute,
) -> Row {
    let rows = vec![
        string("type")
            .required()
            .check(one_of(&["Unset", "Rolling"]))
            .doc("`Rolling` changes `max_parallelism` machines at a time, `Unset` is the default of Omni.")
            .coded(kind, Codec::Enum(all)),
        number("max_parallelism")
            .check(whole_between(0, LARGEST))
            .doc("Maximum number of machines changed at the same time with `Rolling`. If `0` or unset, the default of Omni applies.")
            .coded(config, PARALLELISM)
            .reading("Maximum number of machines changed at the same time; null if Omni decides."),
    ];
    let initial = all.first().map(|(kind, _)| *kind);
    let initial = Value::object([("type", Value::from(initial)), ("max_parallelism", Value::Null)]);
    group(name, rows, |strategy| finish(strategy.initially(initial)))
}

/// The class that the machines come from. The older field wins on the server when both are set, so it has to go.
static ALLOCATION: Several = Several {
    owned: &["machine_class", "machine_allocation"],
    write: |class, fields| {
        let Some(name) = class.get("name").as_str() else { return Ok(()) };
        let (count, kind) = match machines(class) {
            // Omni takes a count with a static allocation only.
            None => (0, machine_allocation::Type::Unlimited),
            Some(count) => (count, machine_allocation::Type::Static),
        };
        let allocation =
            MachineAllocation { name: name.to_owned(), machine_count: count, allocation_type: kind.into() };
        fields.set("machine_allocation", fields::to_message("specs.MachineSetSpec.MachineAllocation", &allocation))
    },
    read: |fields, prior| {
        let found = |path| Ok(fields.get(path)?.as_ref().and_then(fields::from_message::<MachineAllocation>));
        let allocation = match found("machine_class")? {
            None => found("machine_allocation")?,
            older => older,
        };
        let Some(class) = allocation else { return Ok(Value::Null) };
        let unlimited = class.allocation_type() == machine_allocation::Type::Unlimited;
        // The size of an unlimited allocation means nothing and is stored nowhere: what was configured stays.
        let size = match unlimited {
            true => prior.get("size").as_i64(),
            false => Some(class.machine_count.into()),
        };
        Ok(Value::object([
            ("name", class.name.into()),
            ("size", size.into()),
            ("allocation_type", if unlimited { UNLIMITED } else { "Static" }.into()),
        ]))
    },
};

/// The machine class of a stored set.
pub(super) fn class_of(set: &Stored) -> Result<Option<String>, Error> {
    let misfit = |error| Error::Decode { what: format!("the machine class of `{}`", set.key), source: Box::new(error) };
    let class = (ALLOCATION.read)(&Fields::decode::<MachineSetSpec>(&set.spec)?, &Value::Null).map_err(misfit)?;
    Ok(class.get("name").as_str().map(str::to_owned))
}

/// The official provider keeps the full id as the name, and has no `id`.
fn upgrade(state: &mut serde_json::Map<String, serde_json::Value>) {
    if state.get("id").is_some_and(|id| !id.is_null()) {
        return;
    }
    let text = |key: &str| state.get(key).and_then(|v| v.as_str()).map(str::to_owned);
    let (Some(name), Some(cluster)) = (text("name"), text("cluster")) else { return };
    let is_id = name.strip_prefix(&cluster).is_some_and(|rest| rest.starts_with('-'));
    let id = if is_id { name } else { format!("{cluster}-{name}") };
    state.insert("id".into(), id.into());
}

impl Table for MachineSet {
    type Spec = MachineSetSpec;

    const NAME: &'static str = "omni_machine_set";
    const NOUN: &'static str = "machine set";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            string("id").computed().stays().doc("ID of the machine set: `<cluster>-control-planes`, `<cluster>-workers`, or `<cluster>-<name>`.").id(),
            string("name").remains("A machine set keeps the name that it was created with.").check(not_empty()).doc(
                "Name of a worker machine set within the cluster. If unset, the machine set is `<cluster>-workers`, and this attribute shows its ID. For the control plane it must be unset or `control-planes`. Changing this forces replacement.",
            ).derived().id_by_default().reading("Name of the machine set within the cluster."),
            string("cluster").required().replaces().check(not_empty()).doc("Name of the cluster.").label(labels::CLUSTER, KeyCodec::Text).reading("Name of the cluster that the machine set belongs to."),
            string("role").required().replaces().check(one_of(&[CONTROL_PLANE, WORKERS])).doc(
                "Role of the machines: `controlplane` or `workers`.",
            ).at(Home::OneOf(&[(CONTROL_PLANE, labels::ROLE_CONTROL_PLANE), (WORKERS, labels::ROLE_WORKER)])),
            strategy("update_strategy", ["update_strategy", "update_strategy_config"], ROLLING, |strategy| strategy.doc("Rollout strategy for configuration changes. The default of Omni is one machine at a time. Ignored for the control plane, whose machines change one at a time.")),
            strategy("delete_strategy", ["delete_strategy", "delete_strategy_config"], UNSET, |strategy| strategy.doc("Rollout strategy for removals of machines. The default of Omni is all machines at once. Ignored for the control plane, whose machines are removed one at a time.")),
            strategy("upgrade_strategy", ["upgrade_strategy", "upgrade_strategy_config"], UNSET, |strategy| strategy.doc("Rollout strategy for Talos upgrades. The default of Omni is one machine at a time.").since("1.6")),
            object("machine_class", vec![
                string("name").required().check(not_empty()).doc("Name of the machine class."),
                number("size").check(whole_between(0, LARGEST)).doc("Number of machines to allocate. Required for `Static`, ignored for `Unlimited`."),
                string("allocation_type").default("Static").check(one_of(&["Static", UNLIMITED])).doc(
                    "`Static` allocates `size` machines, `Unlimited` all that match the class.",
                ),
            ])
            .doc("Machine class to allocate machines from, instead of selecting them with `omni_machine_set_node`. A machine set with machines cannot switch between the two.")
            .at(Home::Fields(&ALLOCATION))
            .reading("Machine class that machines are allocated from; null if they are selected individually."),
            object("bootstrap_spec", vec![
                string("cluster_uuid").required().check(not_empty()).doc("UUID of the cluster whose backup is restored: `uuid` of its `omni_cluster`."),
                string("snapshot").required().at_most(4096).check(check::is_snapshot()).doc("Name of the etcd snapshot: a relative path of 1 to 4096 bytes without `..`."),
            ])
            .doc("Etcd backup to restore when the control plane is created. Only for `role = \"controlplane\"`. It cannot be added or changed later. It can be removed once the cluster runs, which does not change the cluster.")
            .field("bootstrap_spec"),
            string("wait_for").check(one_of(wait::LEVELS)).doc(
                "What a create or an update waits for: `none`, `running` (the machines run) or `ready` (their nodes are also ready, which requires a CNI). Only a machine set with `machine_class` waits. \
                 Defaults to `none`, or to `ready` if the provider sets `wait_for_ready`.",
            ).local(),
            status(|status| status.changes_with(&["machine_class"])),
        ]
    }

    fn derive(
        object: &Object<MachineSetSpec>,
        _joined: &Joined,
        prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        shown.set("name", name_of(object, prior).into());
        Ok(())
    }
}

#[async_trait]
impl ResourceType for MachineSet {
    fn about() -> Schema {
        Schema::new(
            "Manages a machine set: machines of a cluster that share a role. A cluster has one control plane machine set and any number of worker machine sets.\n\n\
             ~> **Destroying or replacing a machine set wipes the disks of its machines.** Set `prevent_destroy` to protect their data. Destroying the control plane machine set destroys etcd, and Omni does not accept a second one for the same cluster.",
        )
        .upgraded_by(upgrade)
    }

    fn id(state: &Value) -> Option<String> {
        let text = |name: &str| state.get(name).as_str();
        let (cluster, role) = (text("cluster")?, text("role")?);
        // The name of the control planes is fixed, whatever is planned of it.
        let known = role == CONTROL_PLANE || !state.get("name").is_unknown();
        match text("id") {
            // The name of a set that has been given none.
            Some(id) if text("name") == Some(id) => Some(id.to_owned()),
            _ => known.then(|| naming::machine_set(cluster, role, text("name"))),
        }
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        let role = config.get("role").as_str();
        // The name that Omni gives may be written out, as generated configurations do.
        let name = config.get("name");
        let named = name.is_set() && name.as_str() != Some(CONTROL_PLANES_NAME);
        if role == Some(CONTROL_PLANE) && named {
            diags.push(
                Diagnostic::error(
                    "Name of the control plane cannot be set",
                    "A cluster has one control plane machine set, whose name is fixed.",
                )
                .hint("Remove `name`.")
                .at(at("name")),
            );
        }
        if role == Some(WORKERS) {
            if config.get("bootstrap_spec").is_set() {
                diags.push(
                    Diagnostic::error(
                        "Workers cannot restore etcd",
                        "`bootstrap_spec` is only allowed for the control plane machine set.",
                    )
                    .hint("Move it to the machine set with `role = \"controlplane\"`.")
                    .at(at("bootstrap_spec")),
                );
            }
            if config.get("name").as_str() == Some(CONTROL_PLANES_NAME) {
                diags.push(
                    Diagnostic::error(
                        "Name is reserved",
                        format!("`{CONTROL_PLANES_NAME}` is the name of the control plane machine set."),
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
                    "A static allocation needs a number of machines.",
                )
                .hint("Set `machine_class.size`, or `allocation_type = \"Unlimited\"` to allocate all machines that match.")
                .at(path),
            );
        }
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        let planned = &plan.planned;
        let (cluster, role, name) = (planned.get("cluster"), planned.get("role"), plan.config.get("name"));
        if role.is_unknown() || name.is_unknown() {
            return;
        }
        let name = name.clone();
        if cluster.is_unknown() {
            if plan.prior.is_none() {
                plan.planned.set("name", name);
            }
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
        let id = cluster
            .as_str()
            .map(|cluster| naming::machine_set(cluster, role.as_str().unwrap_or_default(), name.as_str()));
        plan.planned.set("id", id.into());
        plan.planned.set("name", name);
    }

    /// The first versions of the official provider kept the full id in `name`, and no `id`.
    async fn resolve_import(_cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        match text.split_once('/') {
            None => Ok(text.to_owned()),
            Some((cluster, name)) if !cluster.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(format!("{cluster}-{name}"))
            }
            Some(_) => Err(Diagnostic::error("Could not import machine set", format!("`{text}` is not an ID."))
                .hint("Give the full ID, such as `prod-workers`, or `<cluster>/<name>`, such as `prod/workers`.")
                .into()),
        }
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        Some((naming::no_set_id(id)?, format!("Give the full ID, or `<cluster>/<name>`, such as `prod/{WORKERS}`.")))
    }

    fn plan_existing(_cx: &Cx, plan: &mut Plan<'_>) {
        control_planes::warn_of_machines(plan);
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        control_planes::warn_of_size(plan);
        check_class(cx, plan).await?;
        supply::check(cx, plan).await?;
        set_loss::warn_of_replacement(cx, plan).await?;
        let Some(cluster) = plan.planned.get("cluster").as_str().map(str::to_owned) else { return Ok(()) };
        cluster_lock::check(cx, &cluster, "machine sets", &mut plan.diags).await?;
        if plan.prior.is_none() {
            check_parent::<specs::ClusterSpec>(cx, plan, "cluster", &cluster).await?;
        }
        check_bootstrap(cx, plan, &cluster).await?;
        let goes = |node: &Key| cx.session.ledger.goes(&ObjectKey::from(node));
        Ok(check_mode(cx, plan, &goes, WAYS).await?)
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        set_loss::check_removal(cx, prior, diags).await?;
        let what = format!("machine set `{}`", prior.get("id").as_str().unwrap_or_default());
        Ok(cluster_lock::check_removal(
            cx,
            prior.get("cluster").as_str().unwrap_or_default(),
            "machine sets",
            &what,
            diags,
        )
        .await?)
    }
}

#[async_trait]
impl CosiObject for MachineSet {
    type Kinds = OneKind;

    const OWNS: bool = true;

    fn locked_by(state: &Value) -> Option<&str> {
        state.get("cluster").as_str()
    }

    fn owners(state: &Value) -> Vec<Owner> {
        state.get("cluster").as_str().map(cluster::owner).into_iter().collect()
    }

    async fn awaited(cx: &Cx, state: &Value, object: &Object<MachineSetSpec>, _write: Write) -> Result<Awaited, Error> {
        let default = if cx.session.wait_for_ready { "ready" } else { "none" };
        let level = state.get("wait_for").as_str().unwrap_or(default);
        // Without a class the machines come later, as resources of their own: there is nothing to wait for yet.
        let Some(class) = Some(state.get("machine_class")).filter(|class| class.is_set() && level != "none") else {
            return Ok(Awaited::Nothing);
        };
        let machines = machines(class).unwrap_or_default();
        let conditions = vec![wait::machine_set(object.id(), level, machines)];
        if let Some(why) = cluster_lock::holds_up(cx, state.get("cluster").as_str().unwrap_or_default()).await? {
            return Ok(Awaited::Later(conditions, PutOff::Locked(why)));
        }
        if state.get("role").as_str() != Some(CONTROL_PLANE)
            && let Some(why) = wait::too_early(cx, state.get("cluster").as_str().unwrap_or_default()).await?
        {
            let why = PutOff::Early(why);
            return Ok(Awaited::Later(conditions, why));
        }
        Ok(Awaited::Conditions(conditions))
    }

    async fn obstacles(cx: &Cx, state: &Value, key: &Key) -> Result<Vec<String>, Error> {
        let cluster = state.get("cluster").as_str().unwrap_or_default();
        let mut found = wait::obstacles(cx, cluster, &view::of_set(cluster, &key.id)).await?;
        found.extend(supply::obstacle(cx, state).await?);
        Ok(found)
    }

    async fn remove(cx: &Cx, state: &Value, key: &Key) -> Result<(), Failure> {
        let cluster = state.get("cluster").as_str().unwrap_or_default();
        let query = view::of_set(cluster, &key.id);
        if wait::lets_go(cx, cluster).await? && !wait::disconnected_among(cx, &query).await?.is_empty() {
            tracing::warn!(machine_set = key.id, "machines of the set are out of reach; its cluster lets them go");
            // Omni removes the set by itself once the last machine is gone.
            return Ok(cx.client().teardown(&cx.call, key).await.map(|_| ())?);
        }
        Ok(cx.client().remove(&cx.call, key).await?)
    }

    async fn why_stuck(cx: &Cx, key: &Key) -> Option<(String, String)> {
        let query = Query::label(labels::MACHINE_SET, &key.id);
        wait::why_machines_stay(cx, &query).await
    }
}

/// The name of a set within its cluster. A set that was given none is named by its id, and stays so.
fn name_of(object: &Object<MachineSetSpec>, prior: &Value) -> String {
    let id = object.id();
    let cluster = object.label(labels::CLUSTER).unwrap_or_default();
    let short = id.strip_prefix(cluster).and_then(|rest| rest.strip_prefix('-')).unwrap_or(id);
    prior.get("name").as_str().filter(|name| *name == id).unwrap_or(short).to_owned()
}

/// What Omni reports of a machine set.
pub(in crate::provider) fn status(finish: impl FnOnce(Attribute) -> Attribute) -> Row {
    let joined = |attribute: Attribute, path| attribute.joined::<MachineSetStatusSpec>(path, Codec::Plain);
    let rows = vec![
        string("phase")
            .computed()
            .doc(format!("One of {}.", PHASES.map(|phase| format!("`{phase}`")).join(", ")))
            .joined::<MachineSetStatusSpec>("phase", Codec::Enum(&PHASE)),
        joined(boolean("ready").computed().doc("Whether all machines are ready."), "ready"),
        joined(string("error").computed().doc("Last error, if any."), "error"),
        machine_counts::<MachineSetStatusSpec>(),
        joined(
            number("locked_updates").computed().doc("Number of locked machines with pending changes."),
            "locked_updates",
        ),
    ];
    group("status", rows, |status| finish(status.computed().doc("Status of the machine set as of the last refresh.")))
}

/// The control plane is bootstrapped once: what decides about it cannot change afterwards.
async fn check_bootstrap(cx: &Cx, plan: &mut Plan<'_>, cluster: &str) -> Result<(), Error> {
    if plan.planned.get("role").as_str() != Some(CONTROL_PLANE) {
        return Ok(());
    }
    check_uuid(plan);
    let bootstrapped = view::spec::<specs::ClusterBootstrapStatusSpec>(cx, cluster).await?;
    let bootstrapped = bootstrapped.is_some_and(|status| status.bootstrapped);
    let Some(prior) = plan.prior else {
        // With a cluster that is replaced, its etcd goes too.
        if bootstrapped && !cx.session.ledger.goes(&ObjectKey::from(&specs::ClusterSpec::KIND.key(cluster))) {
            let told = set_loss::second_control_plane(cx, plan, cluster);
            plan.diags.push(told);
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
            Some(("Omni restores etcd only when the control plane is created.", "Remove `bootstrap_spec`."))
        }
        (false, true) if !bootstrapped => Some((
            "Omni allows removing it only once the cluster has been bootstrapped.",
            "Keep `bootstrap_spec` until the cluster runs.",
        )),
        (false, true) => None,
        _ => Some((
            "Omni does not allow changing it after the control plane is created.",
            "Restore the previous `bootstrap_spec`, or remove it once the cluster runs.",
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

/// The cluster whose backup is restored goes by the UUID that Omni has given it. Only a plan judges it: validation sees mocked values.
fn check_uuid(plan: &mut Plan<'_>) {
    const PATH: &str = "bootstrap_spec.cluster_uuid";
    let known = plan.prior.filter(|_| plan.replace.is_empty());
    let Some(text) = plan.planned.get("bootstrap_spec").get("cluster_uuid").as_str().filter(|_| known.is_none()) else {
        return;
    };
    if uuid::Uuid::try_parse(text).is_err() {
        plan.diags.push(
            Diagnostic::error(
                format!("`{PATH}` is not a UUID"),
                format!("{} is none, and Omni finds backups by the UUID of their cluster.", quoted(text)),
            )
            .hint("Set it to the `uuid` of the cluster whose backup is restored: an `omni_cluster` has it, and backups are stored under it.")
            .at(Path::of(PATH)),
        );
    }
}

/// The class must be there when the set begins to use it, and must be one that fits the allocation.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_class(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let class = plan.planned.get("machine_class");
    let Some(name) = class.get("name").as_str().map(str::to_owned) else { return Ok(()) };
    let before = plan.prior.filter(|_| plan.replace.is_empty()).map(|prior| prior.get("machine_class"));
    if before.is_some_and(|before| before.get("name") == class.get("name")) {
        return Ok(());
    }
    let unlimited = class.get("allocation_type").as_str() == Some(UNLIMITED);
    let planned = cx.session.ledger.planned(&ObjectKey::from(&specs::MachineClassSpec::KIND.key(&name)));
    let (exists, provisions) = match (planned, view::object::<specs::MachineClassSpec>(cx, &name).await?) {
        (Some(class), _) => (true, class.get("auto_provision").is_set()),
        (None, Presence::Exists(found)) => (true, found.spec.auto_provision.is_some()),
        (None, Presence::Unreadable) => (true, false),
        (None, Presence::Missing) => (false, false),
    };
    if !exists {
        plan.diags.push(
            Diagnostic::warning(
                format!("Machine class `{name}` does not exist"),
                "Omni refuses a machine set whose class does not exist: the apply will fail unless it is created by then.",
            )
            .hint("Check `machine_class.name`, or create the class before the machine set.")
            .at(Path::of("machine_class.name")),
        );
    } else if unlimited && provisions {
        plan.diags.push(
            Diagnostic::warning(
                format!("Machine class `{name}` provisions machines"),
                "Omni refuses an unlimited allocation from a class that provisions machines, since the number of machines would be unlimited: the apply will fail.",
            )
            .hint("Set `allocation_type = \"Static\"` and a `size`.")
            .at(Path::of("machine_class.allocation_type")),
        );
    }
    Ok(())
}

/// How a set becomes empty, before it switches to a machine class and from one.
const WAYS: [&str; 2] = [
    "Remove the `omni_machine_set_node` of these machines in a separate apply, which wipes them, and switch in the next one. \
     Or add a machine set with the machine class, and destroy this one later.",
    "Set `machine_class.size = 0` and `allocation_type = \"Static\"` in a separate apply, which wipes the machines, and switch in the next one. \
     Or add a machine set without a machine class, and destroy this one later.",
];

/// A set with nodes cannot switch between named machines and a class, unless all of them go before.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_mode(
    cx: &Cx,
    plan: &mut Plan<'_>,
    goes: &(dyn Fn(&Key) -> bool + Send + Sync),
    [to_class, from_class]: [&'static str; 2],
) -> Result<(), Error> {
    let Some(prior) = plan.prior else { return Ok(()) };
    let (before, after) = (prior.get("machine_class"), plan.planned.get("machine_class"));
    if before.is_null() == after.is_null() || !plan.replace.is_empty() {
        return Ok(());
    }
    let id = prior.get("id").as_str().unwrap_or_default();
    let query = view::of_set(prior.get("cluster").as_str().unwrap_or_default(), id);
    let mut nodes = view::list(cx, specs::MachineSetNodeSpec::KIND, &query).await?;
    nodes.retain(|node| !goes(&node.key));
    if nodes.is_empty() {
        return Ok(());
    }
    let list = nodes.iter().map(|n| format!("`{}`", n.key.id)).collect::<Vec<_>>().join(", ");
    let hint = match (plan.planned.get("role").as_str(), after.is_null()) {
        (Some(CONTROL_PLANE), _) => {
            "Keep the control plane as it is: without machines, etcd is lost. Only a new cluster can use a machine class for its control plane."
        }
        (_, false) => to_class,
        (_, true) => from_class,
    };
    // Terraform cannot remove what the class has allocated, so that the rest of the plan would be applied for nothing.
    // A set of size 0 has been told to release its machines, and may be empty by the apply.
    let stays = |node: &Stored| {
        node.metadata.phase == Phase::Running && node.metadata.labels.contains_key(labels::MANAGED_BY_ALLOCATOR)
    };
    let cluster = specs::ClusterSpec::KIND.key(prior.get("cluster").as_str().unwrap_or_default());
    let remains = after.is_null()
        && nodes.iter().any(stays)
        && machines(before) != Some(0)
        && !cx.session.ledger.goes(&ObjectKey::from(&cluster));
    let (severity, why) = match remains && !cx.session.host.command().may_destroy() {
        true => (
            Severity::Error,
            ", which nothing in this plan can remove: they belong to the class. Omni would refuse the change after other parts of the plan are applied.",
        ),
        false => (Severity::Warning, ": the apply will fail unless they have been removed by then."),
    };
    let diagnostic = Diagnostic::warning(
        "The machine set still has machines",
        format!("A machine set can switch between individual machines and a machine class only while it is empty, and it contains {list}{why}"),
    )
    .hint(hint)
    .at(at("machine_class"));
    plan.diags.push(Diagnostic { severity, ..diagnostic });
    Ok(())
}
