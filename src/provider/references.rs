//! References of a plan to other objects: machine sets, by ID or short name, clusters and machines.
//! A reference to a machine set of another cluster, or an invalid one, is an error; one to a missing object is a warning,
//! because the object may be created before the apply. Objects that this run plans to create count as existing.

use super::engine::Cx;
use super::ledger::ObjectKey;
use super::naming;
use super::view;
use super::view::Presence;
use crate::omni::spec::Spec;
use crate::omni::state::query::Query;
use crate::omni::{Error, labels};
use crate::provider::objects::machine::machine_id;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use omni_proto::specs::{ClusterSpec, MachineSetNodeSpec, MachineSetSpec, MachineStatusSpec};

/// Machine sets that a warning lists.
const MOST_SETS: usize = 10;

/// What is for a cluster or a part of it, in words.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// `patch`.
    pub(crate) noun: &'static str,
    /// Whether it can also be for a machine in whatever cluster.
    pub(crate) follows: bool,
}

/// A machine set, as far as it is known.
pub(crate) enum SetOf {
    /// It is of the cluster that is meant, or nobody may know.
    Cluster,
    /// It is of another cluster, and under this id.
    Other { id: String, cluster: String },
    /// It is not there.
    Missing,
}

/// Which cluster's set `text` names, where `cluster` is meant.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn set_of(cx: &Cx, cluster: &str, text: &str) -> Result<SetOf, Error> {
    let id = naming::set_in(cluster, text);
    match owner(cx, &id).await? {
        Presence::Unreadable => return Ok(SetOf::Cluster),
        Presence::Exists(found) if found == cluster => return Ok(SetOf::Cluster),
        // An id can begin with the name of a cluster and be of one whose name is longer.
        Presence::Exists(found) => return Ok(SetOf::Other { id, cluster: found }),
        Presence::Missing => {}
    }
    if id != text
        && let Presence::Exists(found) = owner(cx, text).await?
    {
        return Ok(SetOf::Other { id: text.to_owned(), cluster: found });
    }
    Ok(SetOf::Missing)
}

/// The cluster of the machine set of this id.
async fn owner(cx: &Cx, id: &str) -> Result<Presence<String>, Error> {
    if let Some(planned) = cx.session.ledger.planned(&ObjectKey::from(&MachineSetSpec::KIND.key(id))) {
        return Ok(planned
            .get("cluster")
            .foreseen()
            .map_or(Presence::Unreadable, |cluster| Presence::Exists(cluster.to_owned())));
    }
    Ok(match view::object::<MachineSetSpec>(cx, id).await? {
        Presence::Exists(set) => Presence::Exists(set.label(labels::CLUSTER).unwrap_or_default().to_owned()),
        Presence::Missing => Presence::Missing,
        Presence::Unreadable => Presence::Unreadable,
    })
}

/// The set at `path` is of another cluster.
pub(crate) fn foreign(path: &str, cluster: &str, id: &str, other: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Machine set `{id}` belongs to another cluster"),
        format!("`{path}` is a machine set of cluster `{other}`, and `cluster` is `{cluster}`."),
    )
    .hint(format!("Set `{path}` to the `id` or the `name` of a machine set of cluster `{cluster}`."))
    .at(Path::of(path))
}

/// What to say of a set that is not there, where a set has this name and the name looks like an ID: in cluster `prod`,
/// the set with the name `prod-gpu` has the ID `prod-prod-gpu`.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn named_like_an_id(
    cx: &Cx,
    path: &str,
    cluster: &str,
    text: &str,
) -> Result<Option<Diagnostic>, Error> {
    let (id, other) = (naming::set_in(cluster, text), format!("{cluster}-{text}"));
    let has_name = id != other && matches!(owner(cx, &other).await?, Presence::Exists(found) if found == cluster);
    Ok(has_name.then(|| {
        Diagnostic::warning(
            format!("Machine set `{id}` does not exist"),
            format!(
                "`{path}` begins with the name of the cluster, and is therefore an ID. The machine set with this name has the ID `{other}`."
            ),
        )
        .hint(format!("Set `{path}` to the `id` of the machine set."))
        .at(Path::of(path))
    }))
}

/// Whether this apply has looked at the target already. Most plans of an apply only repeat what was planned before it, and one look
/// finds what was not known by then.
fn is_seen_in_apply(cx: &Cx, target: &ObjectKey) -> bool {
    let ledger = &cx.session.ledger;
    ledger.is_applying() && !ledger.once(target, "target")
}

/// Holds the machine set that something is for against what is there.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_target_set(
    cx: &Cx,
    plan: &mut Plan<'_>,
    part: Part,
    cluster: &str,
    text: &str,
) -> Result<(), Error> {
    const PATH: &str = "selector.machine_set";
    match set_of(cx, cluster, text).await? {
        SetOf::Cluster => {}
        SetOf::Other { id, cluster: other } => plan.diags.push(foreign(PATH, cluster, &id, &other)),
        SetOf::Missing => {
            if let Some(told) = named_like_an_id(cx, PATH, cluster, text).await? {
                plan.diags.push(told);
                return Ok(());
            }
            let id = naming::set_in(cluster, text);
            let sets = view::list(cx, MachineSetSpec::KIND, &Query::label(labels::CLUSTER, cluster)).await?;
            let there = match sets.iter().take(MOST_SETS).map(|set| format!("`{}`", set.key.id)).collect::<Vec<_>>() {
                none if none.is_empty() => String::new(),
                some => format!(" The cluster has {}.", some.join(", ")),
            };
            plan.diags.push(
                Diagnostic::warning(
                    format!("Machine set `{id}` does not exist"),
                    format!("Omni accepts the {}, but it has no effect until cluster `{cluster}` has such a set.{there}", part.noun),
                )
                .hint(format!(
                    "Set `{PATH}` to the `id` or the `name` of an `omni_machine_set`, so that it is created first, or check the spelling."
                ))
                .at(Path::of(PATH)),
            );
        }
    }
    Ok(())
}

/// Says that the cluster that something is for is not there.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_target_cluster(
    cx: &Cx,
    plan: &mut Plan<'_>,
    part: Part,
    cluster: &str,
) -> Result<bool, Error> {
    if is_seen_in_apply(cx, &ObjectKey::from(&ClusterSpec::KIND.key(cluster)))
        || !is_cluster_missing(cx, cluster).await?
    {
        return Ok(true);
    }
    plan.diags.push(
        Diagnostic::warning(
            format!("Cluster `{cluster}` does not exist"),
            format!("Omni accepts the {}, but it has no effect until the cluster exists.", part.noun),
        )
        .hint(REFER_TO_CLUSTER)
        .at(Path::of("cluster")),
    );
    Ok(false)
}

/// What to do about a cluster that is not there.
pub(crate) const REFER_TO_CLUSTER: &str =
    "Set `cluster` to the `id` of an `omni_cluster`, so that it is created first, or check the spelling.";

/// Whether there is no such cluster, and none is planned.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn is_cluster_missing(cx: &Cx, cluster: &str) -> Result<bool, Error> {
    let planned = cx.session.ledger.planned(&ObjectKey::from(&ClusterSpec::KIND.key(cluster))).is_some();
    Ok(!planned && matches!(view::object::<ClusterSpec>(cx, cluster).await?, Presence::Missing))
}

/// Says of the machine at `path` that its id is none.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_machine_id(cx: &Cx, plan: &mut Plan<'_>, path: &str, machine: &str) -> Result<bool, Error> {
    let Some((why, hint)) = machine_id::problem(machine) else { return Ok(true) };
    // Whatever it looks like: what Omni knows by this id is a machine.
    if !matches!(view::object::<MachineStatusSpec>(cx, machine).await?, Presence::Missing) {
        return Ok(true);
    }
    let diagnostic = Diagnostic::error(format!("`{path}` is not a machine ID"), why);
    plan.diags.push(diagnostic.hint(hint).at(Path::of(path)));
    Ok(false)
}

/// Holds the machine that something is for against what is there; `cluster` is the one whose member it has to be.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_target_machine(
    cx: &Cx,
    plan: &mut Plan<'_>,
    part: Part,
    path: &str,
    machine: &str,
    cluster: Option<&str>,
) -> Result<(), Error> {
    if !check_machine_id(cx, plan, path, machine).await? {
        return Ok(());
    }
    let ledger = &cx.session.ledger;
    if is_seen_in_apply(cx, &ObjectKey::from(&MachineStatusSpec::KIND.key(machine))) {
        return Ok(());
    }
    let node = ObjectKey::from(&MachineSetNodeSpec::KIND.key(machine));
    if ledger.planned(&node).is_some() {
        return Ok(());
    }
    let warning =
        |summary, why: String, hint: &str| Diagnostic::warning(summary, why).hint(hint.to_owned()).at(Path::of(path));
    match view::object::<MachineStatusSpec>(cx, machine).await? {
        Presence::Unreadable => {}
        Presence::Missing => plan.diags.push(warning(
            format!("Machine `{machine}` is not known to Omni"),
            format!("Omni accepts the {}, but it has no effect until a machine with this ID registers.", part.noun),
            &format!("Check `{path}` if the machine should already be registered; the data source `omni_machines` lists registered machines."),
        )),
        Presence::Exists(status) => {
            let other = status.spec.cluster.as_str();
            if let Some(cluster) = cluster.filter(|cluster| !other.is_empty() && *cluster != other)
                && !ledger.goes(&node)
            {
                let Part { noun, follows } = part;
                let more = match follows {
                    true => format!(", or use `selector.machine` without `cluster` for a {noun} that follows the machine"),
                    false => String::new(),
                };
                plan.diags.push(warning(
                    format!("Machine `{machine}` is in another cluster"),
                    format!("It belongs to cluster `{other}`: the {noun} has no effect until it is in cluster `{cluster}`."),
                    &format!("Set `cluster` to `{other}`{more}."),
                ));
            }
        }
    }
    Ok(())
}
