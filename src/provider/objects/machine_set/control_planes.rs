//! The number of machines of a control plane: a plan warns about none, an even number, and the removal of the last one.
//! A plan handles one object at a time, so the number is that of Omni now and of the changes of this run that are known.

use crate::omni::Error;
use crate::omni::spec::Spec;
use crate::provider::engine::Cx;
use crate::provider::ledger::ObjectKey;
use crate::provider::naming;
use crate::provider::naming::CONTROL_PLANE;
use crate::provider::session::at;
use crate::provider::view;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::value::Value;
use kit::gather::Gather as _;
use omni_proto::specs::{ClusterSpec, MachineSetNodeSpec, MachineSetSpec};
use std::collections::BTreeSet;

/// What is wrong with a control plane of so many machines, and why.
fn problem(machines: i64) -> Option<(String, &'static str, &'static str)> {
    match machines {
        0 => Some((
            "no machines".to_owned(),
            "A cluster needs a control plane with at least one machine.",
            "Use one machine, or three to tolerate the loss of one.",
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
            format!("{why}\nThis is the present number; `omni_machine_set_node` resources of this plan may change it."),
        )
        .hint(hint)
        .at(at("role")),
    );
}

/// Warns when a removal leaves a control plane that stays without any of the machines that it has now.
pub(crate) async fn check_removal(
    cx: &Cx,
    cluster: &str,
    set: &str,
    machine: &str,
    diags: &mut Diagnostics,
) -> Result<(), Error> {
    let Some(unless) = stays(cx, cluster, set) else { return Ok(()) };
    let machines = machines(cx, cluster, set, machine).await?;
    if machines.staying.is_empty() {
        diags.push(lost(cluster, set, machine, unless, &machines).at(at("machine_set")));
    }
    Ok(())
}

/// The same of a replacement: the old machine goes before the new one comes.
pub(crate) async fn check_replacement(cx: &Cx, prior: &Value, by: Path) -> Result<Option<Diagnostic>, Error> {
    let text = |name: &str| prior.get(name).as_str().unwrap_or_default().to_owned();
    let (cluster, machine) = (text("cluster"), text("machine_id"));
    let set = naming::set_in(&cluster, &text("machine_set"));
    if !naming::is_control_planes(&cluster, &set) {
        return Ok(None);
    }
    let Some(unless) = stays(cx, &cluster, &set) else { return Ok(None) };
    let machines = machines(cx, &cluster, &set, &machine).await?;
    Ok(machines.staying.is_empty().then(|| lost(&cluster, &set, &machine, unless, &machines).at(by)))
}

/// The same where one document says which machines a control plane has: `wanted` are those that it names, and `going`
/// those that the plan takes out of the set.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_members(
    cx: &Cx,
    cluster: &str,
    wanted: &BTreeSet<String>,
    going: &BTreeSet<String>,
) -> Result<Option<Diagnostic>, Error> {
    if let Some(machine) = going.first() {
        let set = naming::machine_set(cluster, CONTROL_PLANE, None);
        let nodes = view::list(cx, MachineSetNodeSpec::KIND, &view::of_set(cluster, &set)).await?;
        let is_staying =
            |key: &crate::omni::Key| !going.contains(&key.id) && !cx.session.ledger.goes(&ObjectKey::from(key));
        let staying: BTreeSet<String> =
            nodes.into_iter().map(|node| node.key).filter(is_staying).map(|key| key.id).collect();
        if staying.is_empty() {
            let going = going.iter().filter(|id| *id != machine).cloned().collect();
            let machines = Machines { added: wanted.clone(), staying, going };
            let told = lost(cluster, &set, machine, "", &machines);
            return Ok(Some(match wanted.is_empty() {
                true => told,
                false => told
                    .hint("First add the new machines beside the old ones, and remove the old ones in a later apply."),
            }));
        }
    }
    let size = i64::try_from(wanted.len()).unwrap_or(i64::MAX);
    Ok(problem(size)
        .map(|(what, why, hint)| Diagnostic::warning(format!("Control plane would have {what}"), why).hint(hint)))
}

/// The machines of a set beside one.
struct Machines {
    /// Those that it has now and keeps, as far as this run is known to leave them.
    staying: BTreeSet<String>,
    /// Those that go together with the one.
    going: BTreeSet<String>,
    /// Those that the run is known to add, perhaps those that go.
    added: BTreeSet<String>,
}

/// Machines that are added come too late: etcd goes with the last of those that are there.
/// `unless` says on which condition nothing is lost.
fn lost(cluster: &str, set: &str, machine: &str, unless: &str, machines: &Machines) -> Diagnostic {
    let which = match machines.going.len() {
        0 => format!("Machine `{machine}` is the last one of machine set `{set}`"),
        more => format!("All {} machines of machine set `{set}` are removed", more + 1),
    };
    let comes_back = machines.added.contains(machine) || !machines.going.is_disjoint(&machines.added);
    let (added, hint) = match (machines.added.is_empty(), comes_back) {
        (true, _) => ("", "Destroy the whole cluster, or give the control plane another machine first."),
        (false, true) => (
            ", and added machines may join too late",
            "If only addresses or keys of `for_each` have changed, keep the machines with `moved` blocks.",
        ),
        (false, false) => (
            ", and added machines may join too late",
            "First add the new machines in new resources, and remove the old ones in a later apply.",
        ),
    };
    Diagnostic::warning(
        format!("Cluster `{cluster}` would lose its last control plane"),
        format!("{which}{added}{unless}. This destroys etcd, and the cluster cannot be bootstrapped again."),
    )
    .hint(hint)
}

/// Whether the set stays, and on which condition: nothing is lost with a machine whose whole cluster is to go.
/// A whole destroy comes to the machines first, and knows nothing of their set yet; one with targets may never come to it.
fn stays(cx: &Cx, cluster: &str, set: &str) -> Option<&'static str> {
    let (ledger, host) = (&cx.session.ledger, cx.session.host.command());
    let set = ObjectKey::from(&MachineSetSpec::KIND.key(set));
    let cluster = ObjectKey::from(&ClusterSpec::KIND.key(cluster));
    match ledger.planned(&set).is_some() {
        _ if ledger.goes(&set) || ledger.goes(&cluster) => None,
        true => Some(""),
        false => host.is_targeted.then_some("; the cluster stays unless it is a target too"),
    }
}

async fn machines(cx: &Cx, cluster: &str, set: &str, machine: &str) -> Result<Machines, Error> {
    let ledger = &cx.session.ledger;
    let nodes = view::list(cx, MachineSetNodeSpec::KIND, &view::of_set(cluster, set)).await?;
    let (going, staying): (Vec<_>, Vec<_>) = nodes
        .into_iter()
        .map(|node| node.key)
        .filter(|key| key.id != machine)
        .partition(|key| ledger.goes(&ObjectKey::from(key)));
    let ids = |keys: Vec<crate::omni::Key>| keys.into_iter().map(|key| key.id).collect::<BTreeSet<_>>();
    let (going, staying) = (ids(going), ids(staying));
    let is_of = |state: &Value| {
        let text = |name: &str| state.get(name).as_str();
        text("cluster").zip(text("machine_set")).is_some_and(|(cluster, name)| naming::set_in(cluster, name) == set)
    };
    let planned = ledger.all_planned(MachineSetNodeSpec::KIND.name).into_iter();
    let added = planned.filter(|(id, state)| is_of(state) && !staying.contains(id)).map(|(id, _)| id).gathered();
    Ok(Machines { staying, going, added })
}
