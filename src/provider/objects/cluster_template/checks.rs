//! Plan checks of a template against the instance: the lock of its cluster, patches, and of every other object what its own
//! resource type checks.

use super::resource::ClusterTemplate;
use crate::omni::spec::{Spec, decode};
use crate::omni::template::SyncPlan;
use crate::omni::{Error, Key, Resource as Stored, labels};
use crate::provider::engine::{
    Binding, Cx, Failure, Joined, Object, ResourceType, Table, Wanted, part_name, show, unless_destroying,
};
use crate::provider::naming;
use crate::provider::naming::CONTROL_PLANE;
use crate::provider::objects::cluster::resource::Cluster;
use crate::provider::objects::cluster::{checks, lock};
use crate::provider::objects::config_patch::judge;
use crate::provider::objects::kernel_args::KernelArgs;
use crate::provider::objects::machine_extensions::resource as machine_extensions;
use crate::provider::objects::machine_install_disk::MachineInstallDisk;
use crate::provider::objects::machine_set::resource::{self as machine_set, MachineSet};
use crate::provider::objects::machine_set::{class_of, control_planes};
use crate::provider::objects::machine_set_node::resource::{self as machine_set_node, MachineSetNode};
use crate::provider::refusals::templates::{EMPTY_CLASS_FIRST, EMPTY_FIRST, UNLOCK, UNLOCK_MACHINE};
use crate::provider::wait;
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::path::Path;
use crate::tf::resource::{Plan, Private};
use crate::tf::value::Value;
use kit::text::{is_unseen, quoted};
use omni_proto::specs::{
    ClusterSpec, ConfigPatchSpec, ExtensionsConfigurationSpec, KernelArgsSpec, MachineInstallDiskConfigSpec,
    MachineSetNodeSpec, MachineSetSpec,
};
use std::collections::BTreeSet;

/// Checks what a plan writes.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn check(cx: &Cx, plan: &mut Plan<'_>, wanted: &Wanted, sync: &SyncPlan) -> Result<(), Failure> {
    let at = |diagnostic: &Diagnostic| diagnostic.clone().at(Path::of(wanted.attribute));
    if let Some(old) = plan.prior.and_then(ClusterTemplate::id).filter(|old| *old != wanted.id) {
        plan.diags.push(renamed(&old, wanted));
    }
    let mut nodes = check_nodes(cx, wanted, sync);
    nodes.extend(check_control_plane(cx, wanted, sync).await?);
    nodes.extend(check_locked(cx, plan, sync).await?);
    nodes.extend(check_upgrade(cx, plan, sync).await?);
    plan.diags.extend(unknown_names(plan, wanted).into_iter().chain(nodes).map(|told| at(&told)).collect());
    plan.diags.extend(sync.creates.iter().find_map(unseen).into_iter().map(|told| at(&told)).collect());
    let mut found = Diagnostics::new();
    if plan.prior.is_some() && !sync.is_empty() {
        lock::check(cx, &wanted.id, "objects", &mut found).await?;
    }
    plan.diags.extend(found.iter().map(|told| at(told).hint(UNLOCK)).collect());
    let written = sync.creates.iter().chain(sync.updates.iter().map(|update| &update.to));
    for stored in written.clone().filter(|stored| stored.key.kind == ConfigPatchSpec::KIND) {
        let text = decode::<ConfigPatchSpec>(stored)?.data;
        if let Some(refused) = judge::refusal(cx, &text).await? {
            let said = crate::provider::errors::detail(&refused);
            let hint = format!(
                "Correct the patch in the template, or the file that the template names for it. {}",
                judge::advice(&text, &said)
            );
            plan.diags.push(
                Diagnostic::error(format!("Omni refuses the patch `{}`", stored.key.id), said)
                    .hint(hint)
                    .at(Path::of(wanted.attribute)),
            );
        }
    }
    let mut seen: Vec<String> = plan.diags.iter().map(|told| told.summary.clone()).collect();
    for stored in written {
        let from = sync.updates.iter().find(|update| update.to.key == stored.key).map(|update| &update.from);
        for told in check_part(cx, wanted, sync, from, stored).await?.iter().map(in_keys_of_templates) {
            // What several objects have in common is told once.
            if !seen.contains(&told.summary) {
                seen.push(told.summary.clone());
                plan.diags.push(at(&told));
            }
        }
    }
    Ok(())
}

/// Refuses a name or the key of a label that reads as another one; `omnictl` takes them. Objects that are there keep theirs.
fn unseen(stored: &Stored) -> Option<Diagnostic> {
    let mut names = [stored.key.id.as_str()].into_iter().chain(stored.metadata.labels.keys().map(String::as_str));
    let (name, c) = names.find_map(|name| Some((name, name.chars().find(|c| is_unseen(*c))?)))?;
    let detail = format!(
        "{} contains the character U+{:04X}: IDs, names and keys of labels must be one line without invisible characters.",
        quoted(name),
        u32::from(c)
    );
    Some(Diagnostic::error("Invalid name in the cluster template", detail).hint("Correct the name in the template."))
}

/// Tells of a name in `hand_over` that is no object of the template.
fn unknown_names(plan: &Plan<'_>, wanted: &Wanted) -> Option<Diagnostic> {
    let is_known = |name: &String| {
        let was = plan.prior.and_then(|prior| prior.get("rendered").entries()?.get(name));
        was.is_some() || wanted.objects.iter().any(|stored| part_name(&stored.key) == *name)
    };
    let name = wanted.handed_over.iter().filter(|name| !is_known(name)).min()?;
    let told = Diagnostic::warning(
        format!("`{name}` is not handed over"),
        "`hand_over` names it, and the template neither describes it nor has described it.",
    );
    Some(told.hint("Correct the name, or remove it. `rendered` in the state shows the names."))
}

/// Tells of nodes that are destroyed although nothing in the template removes them for good: those that a set leaves behind, those
/// that lose their set, and those that move to another set.
fn check_nodes(cx: &Cx, wanted: &Wanted, sync: &SyncPlan) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    let of_left_set =
        |stored: &&Stored| wanted.handed_over.contains(&part_name(&MachineSetSpec::KIND.key(set_of(stored))));
    let lost: Vec<&Stored> = sync.destroys.iter().flatten().filter(is_node).filter(of_left_set).collect();
    if let Some(first) = lost.first() {
        let names: Vec<String> = lost.iter().map(|node| format!("`{}`", part_name(&node.key))).collect();
        told.push(
            Diagnostic::warning(
                format!("Nodes of machine set `{}` are destroyed", set_of(first)),
                format!("`hand_over` names the set and not these nodes, so the plan removes them, which wipes their disks: {}.", names.join(", ")),
            )
            .hint("To leave them in Omni, add them to `hand_over`."),
        );
    }
    let is_wanted = |key: &Key| wanted.objects.iter().any(|stored| stored.key == *key);
    let gone = |set: &str| sync.destroys.iter().flatten().any(|stored| stored.key == MachineSetSpec::KIND.key(set));
    let left = sync.updates.iter().map(|update| &update.from).filter(is_node);
    let left: Vec<&Stored> = left.filter(|node| !is_wanted(&node.key) && gone(&set_of(node))).collect();
    if let Some(first) = left.first() {
        let set = set_of(first);
        let why = format!(
            "`hand_over` names the node, and the plan destroys its machine set `{set}`, with which Omni removes its nodes."
        );
        let error = Diagnostic::error(format!("`{}` cannot stay", part_name(&first.key)), why);
        let way_out = format!("Add {:?} to `hand_over` too.", part_name(&MachineSetSpec::KIND.key(set)));
        told.push(unless_destroying(cx, error.hint(way_out)));
    }
    for moved in sync.moves.iter().filter(|moved| moved.to.key.kind == MachineSetNodeSpec::KIND) {
        let (from, to) = (set_of(&moved.from), set_of(&moved.to));
        if from != to {
            told.push(Diagnostic::warning(
                format!("Machine `{}` is wiped", moved.to.key.id),
                format!("It moves from machine set `{from}` to `{to}`: its node is destroyed, which wipes its disks, and created again."),
            ));
        }
    }
    told
}

fn is_node(stored: &&Stored) -> bool {
    stored.key.kind == MachineSetNodeSpec::KIND
}

/// The machine set of a node.
fn set_of(node: &Stored) -> String {
    node.metadata.labels.get(labels::MACHINE_SET).cloned().unwrap_or_default()
}

/// The nodes that a sync takes out of sets that stay.
fn going(sync: &SyncPlan) -> impl Iterator<Item = &Stored> {
    let moved = sync.moves.iter().filter(|moved| set_of(&moved.from) != set_of(&moved.to)).map(|moved| &moved.from);
    sync.destroys.iter().flatten().chain(moved).filter(is_node)
}

/// Tells of a control plane that loses its last machine, and of one that has none or an even number of them.
async fn check_control_plane(cx: &Cx, wanted: &Wanted, sync: &SyncPlan) -> Result<Option<Diagnostic>, Error> {
    let set = MachineSetSpec::KIND.key(naming::machine_set(&wanted.id, CONTROL_PLANE, None));
    let Some(stored) = wanted.objects.iter().find(|stored| stored.key == set) else { return Ok(None) };
    // Omni chooses the machines of a class.
    if class_of(stored)?.is_some() {
        return Ok(None);
    }
    let is_member = |node: &&Stored| set_of(node) == set.id;
    let id = |node: &Stored| node.key.id.clone();
    let named: BTreeSet<String> = wanted.objects.iter().filter(is_node).filter(is_member).map(id).collect();
    let going: BTreeSet<String> = going(sync).filter(is_member).map(id).collect();
    let comes = |made: &Stored| made.key == set || (is_node(&made) && named.contains(&made.key.id));
    let changes = !going.is_empty() || sync.creates.iter().any(comes);
    match changes {
        true => control_planes::check_members(cx, &wanted.id, &named, &going).await,
        // What it has was told when it was made so.
        false => Ok(None),
    }
}

/// Tells of machines that Omni keeps in their sets, since they are locked.
async fn check_locked(cx: &Cx, plan: &Plan<'_>, sync: &SyncPlan) -> Result<Vec<Diagnostic>, Error> {
    let mut found = Vec::new();
    let is_locked = |node: &&Stored| node.metadata.annotations.contains_key(labels::LOCKED);
    let locked: Vec<&Stored> = going(sync).filter(is_locked).collect();
    for node in locked {
        let (cluster, id) = (node.metadata.labels.get(labels::CLUSTER).cloned().unwrap_or_default(), &node.key.id);
        let Some(told) = machine_set_node::check_locked(cx, &cluster, &set_of(node), id).await? else { continue };
        let told = told.hint(UNLOCK_MACHINE);
        let known = plan.prior.and_then(|prior| prior.get("rendered").entries()?.get(&part_name(&node.key)));
        let is_own = known.and_then(|part| part.get("annotations").entries()?.get(labels::LOCKED)).is_some();
        found.push(match is_own {
            true => unless_destroying(cx, told),
            // A lock of others may be gone by the apply.
            false => Diagnostic {
                severity: Severity::Warning,
                detail: format!("{} The apply will fail unless it is unlocked by then.", told.detail),
                ..told
            },
        });
    }
    Ok(found)
}

/// Tells of an upgrade of Talos that waits for locked machines, except those that the same sync unlocks.
async fn check_upgrade(cx: &Cx, plan: &Plan<'_>, sync: &SyncPlan) -> Result<Option<Diagnostic>, Error> {
    let Some(cluster) = sync.updates.iter().find(|update| update.to.key.kind == ClusterSpec::KIND) else {
        return Ok(None);
    };
    let [before, after] = [&cluster.from, &cluster.to].map(decode::<ClusterSpec>);
    let (before, after) = (before?.talos_version, after?.talos_version);
    if before == after || !checks::waits(plan.planned.get("wait_for")) {
        return Ok(None);
    }
    let is_locked = |stored: &Stored| stored.metadata.annotations.contains_key(labels::LOCKED);
    let mut locked = wait::locked(cx, &cluster.to.key.id).await?;
    locked.retain(|id| {
        let key = MachineSetNodeSpec::KIND.key(id.as_str());
        !sync.updates.iter().any(|update| update.to.key == key && !is_locked(&update.to))
    });
    Ok(checks::held_up(&after, &locked))
}

/// A name in a document is changed faster than a cluster is destroyed on purpose.
fn renamed(old: &str, wanted: &Wanted) -> Diagnostic {
    let new = &wanted.id;
    Diagnostic::warning(
        format!("Cluster `{old}` is destroyed"),
        format!("The template names the cluster `{new}` now. A cluster cannot be renamed: `{old}` is destroyed, which wipes the disks of its machines, and `{new}` is created."),
    )
    .hint(format!("To keep the cluster, keep `name: {old}` in the template."))
    .at(Path::of(wanted.attribute))
}

/// Checks an object that a plan writes as a resource of that type is checked.
async fn check_part(
    cx: &Cx,
    wanted: &Wanted,
    sync: &SyncPlan,
    from: Option<&Stored>,
    to: &Stored,
) -> Result<Diagnostics, Failure> {
    let view = match to.key.kind {
        ClusterSpec::KIND => View::of::<Cluster>(from, to),
        MachineSetSpec::KIND => View::of::<MachineSet>(from, to),
        // One that changes keeps its machine and its set.
        MachineSetNodeSpec::KIND if from.is_none() => View::of::<MachineSetNode>(from, to),
        MachineInstallDiskConfigSpec::KIND => View::of::<MachineInstallDisk>(from, to),
        KernelArgsSpec::KIND => View::of::<KernelArgs>(from, to),
        ExtensionsConfigurationSpec::KIND => return check_extensions(cx, wanted, to).await,
        _ => None,
    };
    let Some(view) = view else { return Ok(Diagnostics::new()) };
    let mut plan = view.plan();
    match to.key.kind {
        ClusterSpec::KIND => checks::check(cx, &mut plan).await?,
        MachineSetSpec::KIND => {
            control_planes::warn_of_size(&mut plan);
            machine_set::check_class(cx, &mut plan).await?;
            // A sync removes machines after it has changed their sets, except those that move.
            let goes = |node: &Key| sync.moves.iter().any(|moved| moved.from.key == *node);
            machine_set::check_mode(cx, &mut plan, &goes, [EMPTY_FIRST, EMPTY_CLASS_FIRST]).await?;
        }
        MachineSetNodeSpec::KIND => machine_set_node::check_new_machine(cx, &mut plan).await?,
        MachineInstallDiskConfigSpec::KIND => MachineInstallDisk::check_plan(cx, &mut plan).await?,
        _ => KernelArgs::check_plan(cx, &mut plan).await?,
    }
    Ok(plan.diags)
}

/// Holds the extensions against the Talos version that the template gives the cluster.
async fn check_extensions(cx: &Cx, wanted: &Wanted, to: &Stored) -> Result<Diagnostics, Failure> {
    let mut diags = Diagnostics::new();
    let cluster = wanted.objects.iter().find(|stored| stored.key.kind == ClusterSpec::KIND);
    if let Some(cluster) = cluster {
        let version = decode::<ClusterSpec>(cluster)?.talos_version;
        let names = decode::<ExtensionsConfigurationSpec>(to)?.extensions;
        machine_extensions::check_names(cx, &mut diags, (&wanted.id, &version), &names).await?;
    }
    Ok(diags)
}

/// An object that is written, as its resource type shows it.
struct View {
    prior: Option<Value>,
    planned: Value,
}

impl View {
    /// `None` where the type has no form for the object.
    fn of<M: Table<Spec: Spec>>(from: Option<&Stored>, to: &Stored) -> Option<Self> {
        let binding = Binding::new(M::rows());
        let state = |stored: &Stored| {
            let object = Object::<M::Spec>::decode(stored.clone()).ok()?;
            show::<M>(&binding, &object, &Joined::default(), &Value::Null).ok()
        };
        Some(Self { prior: from.and_then(state), planned: state(to)? })
    }

    /// The plan that the resource type would make of it.
    fn plan(&self) -> Plan<'_> {
        Plan {
            config: &self.planned,
            prior: self.prior.as_ref(),
            planned: self.planned.clone(),
            replace: Vec::new(),
            private: Private::default(),
            replaced: Private::default(),
            diags: Diagnostics::new(),
            deferral: None,
        }
    }
}

/// The attributes that the checks of resource types name, and the keys of a template.
const KEYS: [(&str, &str); 9] = [
    ("`kubernetes_version`", "`kubernetes.version`"),
    ("`talos_version`", "`talos.version`"),
    ("`backup_interval`", "`features.backupConfiguration.interval`"),
    ("`disk_encryption`", "`features.diskEncryption`"),
    ("`use_embedded_discovery_service", "`features.useEmbeddedDiscoveryService"),
    ("`disable_public_discovery_service", "`features.disablePublicDiscoveryService"),
    ("`machine_class.name`", "`machineClass.name`"),
    ("`machine_class.size`", "`machineClass.size`"),
    ("`machine_id`", "the ID of the machine"),
];

/// What a check says, with the keys of a template in the place of attributes.
fn in_keys_of_templates(told: &Diagnostic) -> Diagnostic {
    let keys = |text: &str| KEYS.iter().fold(text.to_owned(), |text, (attribute, key)| text.replace(attribute, key));
    Diagnostic {
        summary: keys(&told.summary),
        detail: keys(&told.detail),
        hint: told.hint.as_deref().map(keys),
        ..told.clone()
    }
}

/// Says in the plan of a removal that the cluster is locked.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn check_removal(cx: &Cx, cluster: &str, diags: &mut Diagnostics) -> Result<(), Error> {
    let mut found = Diagnostics::new();
    lock::check_removal(cx, cluster, "objects", &format!("cluster template `{cluster}`"), &mut found).await?;
    diags.extend(found.iter().map(|told| told.clone().hint(UNLOCK)).collect());
    Ok(())
}
