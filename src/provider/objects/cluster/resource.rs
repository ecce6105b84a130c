//! `omni_cluster`: a Kubernetes cluster on Talos Linux.

use super::checks;
use super::lock as cluster_lock;
use crate::omni::spec::{Spec, fields};
use crate::omni::state::query::Query;
use crate::omni::{Error, Key, Kind, Resource as Stored, labels};
use crate::provider::check;
use crate::provider::duration;
use crate::provider::engine::{
    Bind, Binding, Codec, CosiObject, Cx, Failure, Home, KeyCodec, Object, OneKind, ResourceType, Row, Table, Write,
    Written, codecs, group,
};
use crate::provider::ledger::{ObjectKey, Ticket};
use crate::provider::objects::machine_set::set_loss;
use crate::provider::session::at;
use crate::provider::view;
use crate::provider::wait;
use crate::provider::wait::Awaited;
use crate::tf::check::one_of;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::{Plan, Private};
use crate::tf::schema::{Attribute, Schema, boolean, number, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::version;
use omni_proto::specs;
use specs::ClusterSpec;

pub(in crate::provider) struct Cluster;

/// What a cluster can be doing, with Omni's numbers.
pub(super) const PHASE: [(&str, i32); 5] =
    [("unknown", 0), ("scaling_up", 1), ("scaling_down", 2), ("running", 3), ("destroying", 4)];
pub(in crate::provider) const PHASES: [&str; 5] = codecs::texts(&PHASE);

/// The interval between backups. No backups are made where it is null, empty or zero: then what was written stays.
const BACKUPS: Codec = Codec::Own {
    write: |value| {
        let interval = Some(codecs::to_duration(value.as_str().and_then(codecs::interval)?));
        fields::to_message("specs.EtcdBackupConf", &specs::EtcdBackupConf { interval, enabled: true })
    },
    read: |field, prior| {
        let backups = field.and_then(fields::from_message::<specs::EtcdBackupConf>).filter(|backups| backups.enabled);
        codecs::interval_text(backups.and_then(|backups| backups.interval).as_ref(), prior)
    },
};

fn feature(name: &'static str, doc: &str) -> Attribute {
    boolean(name).doc(doc)
}

impl Table for Cluster {
    type Spec = ClusterSpec;

    const NAME: &'static str = "omni_cluster";
    const NOUN: &'static str = "cluster";
    const ID: &'static str = "name";

    fn rows() -> Vec<Row> {
        vec![
            string("id").computed().stays().doc("Name of the cluster. Known after the cluster is created, so that resources that refer to it are created after it.").id().reading("ID of the cluster, which is its name."),
            string("name").required().replaces().check(check::is_name()).doc("Name of the cluster: letters, digits, dashes and underscores.").id().reading("Name of the cluster."),
            string("uuid").computed().stays().doc("UUID of the cluster, under which its etcd backups are stored.").joined::<specs::ClusterUuid>("uuid", Codec::KeepsPrior)
                .reading("UUID of the cluster, under which its etcd backups are stored; null until Omni has assigned it."),
            string("kubernetes_version").required().same_if(version::same).check(check::is_version()).doc(
                "Kubernetes version to run, such as `1.36.2`, with or without a leading `v`. Raising it upgrades the cluster; only one minor version at a time is possible, and no downgrade to an earlier minor version.",
            ).coded("kubernetes_version", codecs::VERSION).reading("Kubernetes version of the cluster, without a leading `v`."),
            string("talos_version").required().same_if(version::same).check(check::is_version()).doc(
                "Talos version to run, such as `1.13.5`, with or without a leading `v`. Changing it upgrades the machines one at a time, unless `upgrade_strategy` of their machine set allows more. Downgrades below the minor version that the cluster was created with are not possible.",
            ).coded("talos_version", codecs::VERSION).reading("Talos version of the cluster, without a leading `v`."),
            string("backup_interval").same_if(duration::same).check(duration::is_duration_or_empty()).doc(
                "Interval between etcd backups, as a Go duration such as `1h`, within the limits of the instance (by default `1h` to `24h`). Unset, `0s` or empty disables backups. The instance needs a store for backups, its local disk or the S3 bucket of an `omni_etcd_backup_s3_config`; without one, no backups are made.",
            ).coded("backup_configuration", BACKUPS).reading("Interval between etcd backups, as a Go duration; null when backups are disabled."),
            group("features", vec![
                feature("disk_encryption", "Encrypt the disks of the machines with a key managed by Omni. Requires Talos 1.5 or later. Changing this forces replacement.")
                    .default(false)
                    .replaces_if(|prior, planned| matches!((prior, planned), (Value::Bool(a), Value::Bool(b)) if a != b))
                    .field("features.disk_encryption")
                    .reading("Whether the machines' disks are encrypted with a key managed by Omni."),
                feature("enable_workload_proxy", "Allow services of the cluster to be exposed through Omni (workload proxy).").default(false).field("features.enable_workload_proxy").reading("Whether services of the cluster can be exposed through Omni."),
                feature("use_embedded_discovery_service", "Use the embedded discovery service of Omni instead of the public one.").default(false).field("features.use_embedded_discovery_service").reading("Whether the embedded discovery service of Omni is used."),
                feature("enable_node_audit_skip", "Keep Kubernetes nodes that Omni does not know, instead of removing them (skip the node audit).").initially(false).since("1.9").field("features.enable_node_audit_skip").reading("Whether Kubernetes nodes that Omni does not know are kept."),
                feature("disable_public_discovery_service", "Disable the public discovery service. Requires `use_embedded_discovery_service`, and a cluster created with Talos 1.14 or later.").initially(false).since("1.10").field("features.disable_public_discovery_service").reading("Whether the public discovery service is disabled."),
            ], |features| features
                .initially(Value::object::<&str>([]))
                .doc("Features of the cluster. With this block, the attributes `disk_encryption`, `enable_workload_proxy` and `use_embedded_discovery_service` are `false` unless they are set; on an encrypted cluster that forces replacement. Without it, no feature is managed.")).reading("Features of the cluster."),
            boolean("locked").initially(false).doc(
                "Whether the cluster is locked. Omni refuses changes to a locked cluster, its machine sets and their nodes. \
                 The apply that sets the lock can still write them, but Omni does not start new machines until the cluster is unlocked.",
            ).annotation(labels::CLUSTER_LOCKED, KeyCodec::Present).reading("Whether the cluster is locked, so that Omni refuses changes to it."),
            string("wait_for").check(one_of(wait::LEVELS)).doc(
                "What an update waits for: `none`, `running` (every machine runs the configured versions) or `ready` (the nodes are also ready, which requires a CNI). \
                 A create does not wait, because a new cluster has no control plane yet: set `wait_for` of its machine sets or nodes. Defaults to `none`.",
            ).local(),
            group("delete_options", vec![
                boolean("force_unlock").doc("Unlock a locked cluster to destroy it. Machine sets and nodes are destroyed before their cluster, while it is still locked: if the same configuration manages them, apply `locked = false` instead. Defaults to `false`.").local(),
                // Nodes and sets are destroyed before their cluster, and have to know of this by then.
                boolean("destroy_disconnected_machines").doc(
                    "Remove disconnected machines of the cluster from Omni without wiping them; otherwise they block the destroy. Must be applied before the destroy, and also applies to its machine sets and nodes. Defaults to `false`.",
                ).at(Home::Note(labels::LET_GO)),
            ], |options| options.doc("Options for destroying the cluster. A change takes effect when it is applied, so apply it before the destroy.")),
            boolean("upgrade_prechecks").doc(
                "Run the Kubernetes upgrade pre-checks of Omni at plan time when `kubernetes_version` changes. Defaults to `false`.",
            ).local(),
            string("kubernetes_endpoint").computed().stays().doc("Address of the Kubernetes API in the SideroLink network of Omni.")
                .joined::<specs::LoadBalancerConfigSpec>("siderolink_endpoint", Codec::KeepsPrior)
                .reading("Address of the Kubernetes API in the SideroLink network of Omni; null until it is assigned."),
            status(|status| status.changes_with(&["kubernetes_version", "talos_version", "features"])),
        ]
    }
}

#[async_trait]
impl ResourceType for Cluster {
    fn about() -> Schema {
        Schema::new(
            "Manages a Kubernetes cluster on Talos Linux. Its machine sets, machines and config patches are managed with `omni_machine_set`, `omni_machine_set_node` and `omni_config_patch`.\n\n\
             ~> **Destroying or replacing a cluster wipes the disks of all its machines.** Set `prevent_destroy` to protect its data.\n\n\
             -> **Lock a cluster only when it is running.** An apply that sets `locked = true` can also add machines, but Omni does not \
             start them before the cluster is unlocked, so leave `locked` unset in the first apply.",
        )
    }

    fn plan_existing(cx: &Cx, plan: &mut Plan<'_>) {
        note_lock(cx, plan);
    }

    // Removals are planned at the same time: they look for this plan, and this plan, once it is noted, for them.
    fn check_run(cx: &Cx, _ticket: &Ticket, plan: &mut Plan<'_>) {
        check_parts_that_go(cx, plan);
        set_loss::check_cluster(cx, plan);
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        note_lock(cx, plan);
        check_lock(cx, plan).await?;
        warn_of_replacement(cx, plan).await?;
        Ok(checks::check(cx, plan).await?)
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        if prior.get("locked").as_bool() != Some(true) {
            return Ok(());
        }
        let name = prior.get("name").as_str().unwrap_or_default();
        if !cluster_lock::is_kept(cx, name).await? {
            return Ok(());
        }
        let summary = format!("Cluster `{name}` is locked");
        let unlock = prior.get("delete_options").get("force_unlock").as_bool() == Some(true);
        if !unlock {
            // The other way is none where more than the cluster is managed from here.
            let hint = match has_parts(cx, name).await? {
                true => "Apply `locked = false` first, and then destroy.",
                false => {
                    "Apply `locked = false` first, or apply `delete_options = { force_unlock = true }` and then destroy."
                }
            };
            diags.push(
                Diagnostic::error(summary, "Omni refuses to destroy a locked cluster.").hint(hint).at(at("locked")),
            );
        } else if !parts_that_go(cx, name).is_empty() {
            diags.push(
                Diagnostic::error(
                    summary,
                    "Its machine sets and nodes are destroyed before it, while it is still locked. `force_unlock` unlocks it only when it is destroyed itself.",
                )
                .hint("Apply `locked = false` first, and then destroy.")
                .at(at("locked")),
            );
        }
        Ok(())
    }
}

#[async_trait]
impl CosiObject for Cluster {
    type Kinds = OneKind;

    const OWNS: bool = true;

    async fn after_write(
        cx: &Cx,
        written: &Written<'_, ClusterSpec>,
        _wanted: &mut Value,
        _told: &mut Diagnostics,
    ) -> Result<bool, Failure> {
        let created = written.write == Write::Create;
        if created {
            wait::introduced(cx, written.object.id()).await;
        }
        Ok(created)
    }

    async fn awaited(cx: &Cx, state: &Value, object: &Object<ClusterSpec>, write: Write) -> Result<Awaited, Error> {
        match write {
            // Its machines may well come later in the same apply.
            Write::Create => Ok(Awaited::Nothing),
            Write::Update => awaited_of(cx, state, object).await,
        }
    }

    async fn obstacles(cx: &Cx, _state: &Value, key: &Key) -> Result<Vec<String>, Error> {
        wait::obstacles(cx, &key.id, &Query::label(labels::CLUSTER, &key.id)).await
    }

    async fn before_delete(cx: &Cx, state: &Value, key: &Key) -> Result<(), Failure> {
        let chosen = |option: &str| state.get("delete_options").get(option).as_bool() == Some(true);
        if chosen("force_unlock") {
            cluster_lock::set(cx, &cx.call, &key.id, false).await?;
        }
        if chosen("destroy_disconnected_machines") {
            wait::remove_disconnected(cx, &key.id).await?;
        }
        Ok(())
    }

    async fn why_stuck(cx: &Cx, key: &Key) -> Option<(String, String)> {
        wait::why_machines_stay(cx, &Query::label(labels::CLUSTER, &key.id)).await
    }
}

/// What `wait_for` asks to be waited for. Without a control plane the cluster cannot run.
///
/// # Errors
/// When Omni does not answer.
pub(in crate::provider) async fn awaited_of(
    cx: &Cx,
    state: &Value,
    object: &Object<ClusterSpec>,
) -> Result<Awaited, Error> {
    let level = state.get("wait_for").as_str().unwrap_or("none");
    let id = object.id();
    if level == "none" || !wait::has_control_plane(cx, id).await? {
        return Ok(Awaited::Nothing);
    }
    Ok(Awaited::Conditions(vec![
        wait::upgraded::<specs::TalosUpgradeStatusSpec>(id, "Talos", &object.spec.talos_version),
        wait::upgraded::<specs::KubernetesUpgradeStatusSpec>(id, "Kubernetes", &object.spec.kubernetes_version),
        wait::cluster(id, level),
    ]))
}

/// What Omni reports of a cluster.
pub(in crate::provider) fn status(finish: impl FnOnce(Attribute) -> Attribute) -> Row {
    let flag = |name, doc: &str, path| {
        boolean(name).computed().doc(doc).joined::<specs::ClusterStatusSpec>(path, Codec::Plain)
    };
    let rows = vec![
        string("phase")
            .computed()
            .doc(format!("One of {}.", PHASES.map(|phase| format!("`{phase}`")).join(", ")))
            .joined::<specs::ClusterStatusSpec>("phase", Codec::Enum(&PHASE)),
        flag("ready", "Whether all machines are ready.", "ready"),
        flag("available", "Whether the cluster is available.", "available"),
        flag("kubernetes_api_ready", "Whether the Kubernetes API responds.", "kubernetesAPIReady"),
        flag("controlplane_ready", "Whether the control plane is ready.", "controlplaneReady"),
        machine_counts::<specs::ClusterStatusSpec>(),
    ];
    group("status", rows, |status| finish(status.computed().doc("Status of the cluster as of the last refresh.")))
}

/// How many machines the status of a cluster or of a machine set counts.
pub(crate) fn machine_counts<S: Spec>() -> Row {
    let count = |name, doc: &str, path| number(name).computed().doc(doc).joined::<S>(path, Codec::Plain);
    let rows = vec![
        count("total", "Total machines.", "machines.total"),
        count("healthy", "Machines that are ready.", "machines.healthy"),
        count("connected", "Machines that are connected to Omni.", "machines.connected"),
        count("requested", "Requested machines.", "machines.requested"),
    ];
    group("machines", rows, |machines| machines.computed().doc("Machine counts."))
}

/// Tells what this plan makes of the lock, for the plans of what is in the cluster.
fn note_lock(cx: &Cx, plan: &Plan<'_>) {
    let locked = |state: &Value| state.get("locked").as_bool();
    // The one that takes the place of a replaced cluster was never locked.
    let before = plan.prior.and_then(locked) == Some(true);
    // A line that was taken out unlocks the cluster too; a lock that stays without one is that of others.
    let wanted = match (locked(&plan.planned), locked(plan.config)) {
        (Some(false), _) => Some(false),
        (_, Some(true)) => Some(true),
        _ => None,
    };
    if let Some(name) = plan.planned.get("name").as_str() {
        cx.session.locks.note(name, wanted, before);
    }
}

/// The machine sets and nodes of the cluster that this plan is known to destroy.
fn parts_that_go(cx: &Cx, cluster: &str) -> Vec<String> {
    let kinds = [("machine set", specs::MachineSetSpec::KIND), ("machine set node", specs::MachineSetNodeSpec::KIND)];
    let of = |(noun, kind): (&str, Kind)| -> Vec<String> {
        let going = cx.session.ledger.all_going(kind.name).into_iter();
        let ours = going.filter(|(_, prior)| prior.get("cluster").as_str() == Some(cluster));
        ours.map(|(id, _)| format!("{noun} `{id}`")).collect()
    };
    kinds.into_iter().flat_map(of).collect()
}

/// Whether machine sets or nodes of the cluster are managed as it is: they are destroyed before it.
async fn has_parts(cx: &Cx, cluster: &str) -> Result<bool, Error> {
    if !parts_that_go(cx, cluster).is_empty() {
        return Ok(true);
    }
    let ours = |part: &Stored| part.metadata.annotations.get(labels::MANAGED_BY) == Some(&cx.session.managed_by);
    let query = Query::label(labels::CLUSTER, cluster);
    let sets = view::list(cx, specs::MachineSetSpec::KIND, &query).await?;
    let nodes = view::list(cx, specs::MachineSetNodeSpec::KIND, &query).await?;
    Ok(sets.iter().chain(&nodes).any(ours))
}

/// A lock that the configuration keeps holds for removals that were planned before the cluster too.
fn check_parts_that_go(cx: &Cx, plan: &mut Plan<'_>) {
    let locked = |state: &Value| state.get("locked").as_bool() == Some(true);
    let Some(prior) = plan.prior.filter(|prior| locked(prior) && locked(plan.config) && plan.replace.is_empty()) else {
        return;
    };
    let name = prior.get("name").as_str().unwrap_or_default();
    let mut going = parts_that_go(cx, name);
    going.retain(|what| cx.session.locks.report(what));
    if going.is_empty() {
        return;
    }
    plan.diags.push(
        Diagnostic::error(
            format!("Cluster `{name}` is locked"),
            format!(
                "Omni removes nothing from a locked cluster, and this configuration keeps it locked.\nThis plan destroys {}.",
                going.join(", ")
            ),
        )
        .hint("Set `locked = false`, which is possible in the same apply, and lock the cluster again afterwards.")
        .at(at("locked")),
    );
}

/// Beside a plan that Terraform makes again: the loss was told with the attribute that causes it.
const TOLD: &str = "replacement_told";

/// Says what the replacement of the cluster costs: Omni removes a cluster with all that is in it.
async fn warn_of_replacement(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let by = plan.replace.first().cloned();
    let (name, forced) = match plan.prior {
        Some(prior) if by.is_some() => (prior.get("name"), false),
        None => (plan.planned.get("name"), true),
        Some(_) => return Ok(()),
    };
    let Some(name) = name.as_str().map(str::to_owned) else { return Ok(()) };
    let key = ObjectKey::from(&ClusterSpec::KIND.key(&name));
    if forced && (!cx.session.ledger.is_replaced(&key) || plan.replaced.get::<bool>(TOLD) == Some(true)) {
        return Ok(());
    }
    plan.private.set(TOLD, true);
    let query = Query::label(labels::CLUSTER, &name);
    let sets = view::list(cx, specs::MachineSetSpec::KIND, &query).await?;
    if sets.is_empty() {
        return Ok(());
    }
    let nodes = view::list(cx, specs::MachineSetNodeSpec::KIND, &query).await?;
    let listed = |all: &[Stored]| all.iter().map(|o| format!("`{}`", o.key.id)).collect::<Vec<_>>().join(", ");
    let machines = match nodes.as_slice() {
        [] => String::new(),
        nodes => format!(", and wipes the machines in them: {}", listed(nodes)),
    };
    // Hosts do not tell which of the two goes first.
    let renamed = plan.planned.get("name").as_str() != Some(name.as_str());
    let too_early = match renamed && !nodes.is_empty() {
        true => {
            "\nDo not use `create_before_destroy` here: a machine can be in one cluster only, so the apply fails if a node of the new cluster is created before that of the old one is destroyed."
        }
        false => "",
    };
    // A block that was renamed is planned as the removal of its cluster, and as a new one of the same name.
    let moved = match forced && plan.replaced == Private::default() {
        true => " If its block was only renamed, add a `moved` block from the old address to the new one.",
        false => "",
    };
    let diagnostic = Diagnostic::warning(
        format!("Replacing cluster `{name}` wipes its machines"),
        format!(
            "Omni removes a cluster together with its machine sets, which are {}{machines}. All workloads and etcd are lost.",
            listed(&sets)
        ),
    )
    .hint(format!("To keep the cluster, undo the change that replaces it.{moved} Resources of the cluster should refer to its `id`, so that they are replaced with it.{too_early}"));
    plan.diags.push(match by {
        Some(path) => diagnostic.at(path),
        None => diagnostic,
    });
    Ok(())
}

/// A locked cluster takes no change, unless the change unlocks it or the cluster is being imported.
async fn check_lock(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let locked = |v: &Value| v.get("locked").as_bool() == Some(true);
    let Some(prior) = plan.prior.filter(|prior| locked(prior)) else { return Ok(()) };
    if !plan.replace.is_empty() {
        return check_lock_of_replaced(cx, plan, prior).await;
    }
    let table = Binding::new(Cluster::rows());
    let changed = table.stored().filter(|name| *name != "locked").chain(["labels", "annotations"]);
    let changed = changed.filter(|name| prior.get(name) != plan.planned.get(name)).collect::<Vec<_>>();
    if !locked(&plan.planned) || changed.is_empty() {
        return Ok(());
    }
    let name = prior.get("name").as_str().unwrap_or_default();
    if cluster_lock::is_importing(cx, name).await? {
        return Ok(());
    }
    let list = changed.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", ");
    let summary = format!("Cluster `{name}` is locked");
    // A lock that the configuration asks for contradicts its other changes; one that others set may be gone by the apply.
    let diagnostic = if plan.config.get("locked").as_bool() == Some(true) {
        Diagnostic::error(summary, format!("Omni refuses changes to a locked cluster, and this plan changes {list}."))
            .hint("Set `locked = false`, which is possible in the same apply, and lock the cluster again afterwards.")
    } else {
        Diagnostic::warning(
            summary,
            format!("It was locked outside of this configuration. Omni refuses changes to a locked cluster, and this plan changes {list}: the apply will fail."),
        )
        .hint("Set `locked = false` to unlock the cluster in the same apply, or unlock it in Omni.")
    };
    plan.diags.push(diagnostic.at(at("locked")));
    Ok(())
}

/// A locked cluster cannot be destroyed to be made anew, and whatever the configuration says of the lock is for the new one.
async fn check_lock_of_replaced(cx: &Cx, plan: &mut Plan<'_>, prior: &Value) -> Result<(), Error> {
    let name = prior.get("name").as_str().unwrap_or_default();
    if !cluster_lock::is_kept(cx, name).await? {
        return Ok(());
    }
    let unlocks = prior.get("delete_options").get("force_unlock").as_bool() == Some(true);
    let parts = has_parts(cx, name).await?;
    if unlocks && !parts {
        return Ok(());
    }
    let by = plan.replace.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    let why = match unlocks {
        true => {
            "Its machine sets and nodes are destroyed before it, while it is still locked: `force_unlock` unlocks it only when it is destroyed itself."
        }
        false => "Omni refuses to destroy a locked cluster.",
    };
    let hint = match unlocks || parts {
        true => "Apply `locked = false` alone first, and then this change.",
        false => {
            "Apply `locked = false` or `delete_options = { force_unlock = true }` alone first, and then this change."
        }
    };
    let (summary, detail) =
        (format!("Cluster `{name}` is locked"), format!("A change of {by} replaces the cluster. {why}"));
    // Whose the parts are, and what others do with their lock until the apply, is not certain.
    let diagnostic = match plan.config.get("locked").as_bool() == Some(true) && !unlocks {
        true => Diagnostic::error(summary, detail),
        false => Diagnostic::warning(summary, format!("{detail} The apply will fail unless it is unlocked by then.")),
    };
    plan.diags.push(diagnostic.hint(hint).at(at("locked")));
    Ok(())
}
