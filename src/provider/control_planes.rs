//! How many machines a control plane has: a plan warns of none, of an even number, and of the removal of the last one.
//! A plan sees one object at a time, so what it counts is what Omni has now and what this run is known to change.

use super::crud::Cx;
use super::ids::{self, CONTROL_PLANE};
use super::ledger::ObjectKey;
use super::session::at;
use super::view;
use crate::omni::spec::Spec;
use crate::omni::state::query::Query;
use crate::omni::{Error, labels};
use crate::pb::specs::{ClusterSpec, MachineSetNodeSpec, MachineSetSpec};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::value::Value;
use std::collections::BTreeSet;

/// What is wrong with a control plane of so many machines, and why.
fn problem(machines: i64) -> Option<(String, &'static str, &'static str)> {
    match machines {
        0 => Some((
            "no machines".to_owned(),
            "A cluster runs only with a control plane of at least one machine.",
            "Give it one machine, or three to survive the loss of one.",
        )),
        n if n > 0 && n % 2 == 0 => Some((
            format!("an even number of machines: {n}"),
            "etcd needs more than half of its members: an even number tolerates no more failures than one machine less.",
            "Use an odd number: 1, 3 or 5.",
        )),
        _ => None,
    }
}

fn is_control_plane(plan: &Plan<'_>) -> bool {
    plan.planned.get("role").as_str() == Some(CONTROL_PLANE)
}

/// Warns of the size that a machine class is to give a control plane.
pub(crate) fn warn_of_size(plan: &mut Plan<'_>) {
    let size = plan.planned.get("machine_class").get("size").as_i64();
    let unlimited = plan.planned.get("machine_class").get("allocation_type").as_str() == Some("Unlimited");
    if !is_control_plane(plan) || unlimited {
        return;
    }
    if let Some((what, why, hint)) = size.and_then(problem) {
        plan.diags.push(
            Diagnostic::warning(format!("Control plane would have {what}"), why)
                .hint(hint)
                .at(Path::of("machine_class.size")),
        );
    }
}

/// Warns of the number of named machines that a control plane has, as of the last refresh.
pub(crate) fn warn_of_machines(plan: &mut Plan<'_>) {
    let Some(prior) = plan.prior.filter(|_| plan.replace.is_empty() && is_control_plane(plan)) else { return };
    let status = prior.get("status");
    let known = status.get("phase").as_str().is_some_and(|phase| phase != "unknown");
    if !known || !plan.planned.get("machine_class").is_null() {
        return;
    }
    let Some((what, why, hint)) = status.get("machines").get("requested").as_i64().and_then(problem) else { return };
    let id = prior.get("id").as_str().unwrap_or_default();
    plan.diags.push(
        Diagnostic::warning(
            format!("Control plane `{id}` has {what}"),
            format!("{why}\nThis is as of now; the plans of its `omni_machine_set_node` may change it."),
        )
        .hint(hint)
        .at(at("role")),
    );
}

/// Warns of the removal of the last machine of a control plane that stays.
pub(crate) async fn check_removal(
    cx: &Cx,
    cluster: &str,
    set: &str,
    machine: &str,
    diags: &mut Diagnostics,
) -> Result<(), Error> {
    if stays(cx, cluster, set) && others(cx, set, machine).await?.is_empty() {
        diags.push(
            Diagnostic::warning(
                format!("Cluster `{cluster}` would lose its last control plane"),
                format!("Machine `{machine}` is the last one of machine set `{set}`. With it goes etcd, and the cluster cannot be bootstrapped a second time."),
            )
            .hint("Destroy the whole cluster, or give the control plane another machine first.")
            .at(at("machine_set")),
        );
    }
    Ok(())
}

/// Warns of the replacement of the only machine of a control plane that stays: the old one goes before the new one comes.
pub(crate) async fn check_replacement(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let Some(prior) = plan.prior else { return Ok(()) };
    let text = |name: &str| prior.get(name).as_str().unwrap_or_default().to_owned();
    let (cluster, machine) = (text("cluster"), text("machine_id"));
    let set = ids::set_in(&cluster, &text("machine_set"));
    let Some(by) = plan.replace.first().cloned() else { return Ok(()) };
    if ids::is_control_planes(&cluster, &set)
        && stays(cx, &cluster, &set)
        && others(cx, &set, &machine).await?.is_empty()
    {
        plan.diags.push(
            Diagnostic::warning(
                format!("Cluster `{cluster}` would lose its last control plane"),
                format!("Machine `{machine}` is the last one of machine set `{set}`, and is removed before another one takes its place. With it goes etcd, and the cluster cannot be bootstrapped a second time."),
            )
            .hint("First add the new machine in a new resource, and remove this one in a later apply.")
            .at(by),
        );
    }
    Ok(())
}

/// Whether the set is known to stay: nothing is lost with a machine whose whole cluster is to go.
fn stays(cx: &Cx, cluster: &str, set: &str) -> bool {
    let ledger = &cx.session.ledger;
    let set = ObjectKey::from(&MachineSetSpec::KIND.key(set));
    let cluster = ObjectKey::from(&ClusterSpec::KIND.key(cluster));
    ledger.planned(&set).is_some() && !ledger.goes(&set) && !ledger.goes(&cluster)
}

/// The machines of the set beside this one, as far as this run is known to leave and to add them.
async fn others(cx: &Cx, set: &str, machine: &str) -> Result<BTreeSet<String>, Error> {
    let ledger = &cx.session.ledger;
    let nodes = view::list(cx, MachineSetNodeSpec::KIND, &Query::label(labels::MACHINE_SET, set)).await?;
    let now =
        nodes.into_iter().map(|node| node.key).filter(|key| !ledger.goes(&ObjectKey::from(key))).map(|key| key.id);
    let planned = ledger.all_planned(MachineSetNodeSpec::KIND.name).into_iter();
    let is_of = |state: &Value| {
        let text = |name: &str| state.get(name).as_str();
        text("cluster").zip(text("machine_set")).is_some_and(|(cluster, name)| ids::set_in(cluster, name) == set)
    };
    let added = planned.filter(|(_, state)| is_of(state)).map(|(id, _)| id);
    Ok(now.chain(added).filter(|id| id != machine).collect())
}
