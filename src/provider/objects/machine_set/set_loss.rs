//! Consequences of a plan that destroys or replaces a machine set. Omni wipes its machines. For a control plane this destroys etcd,
//! and Omni does not allow a second control plane machine set for a bootstrapped cluster.

use crate::omni::Error;
use crate::omni::spec::Spec;
use crate::provider::engine::{Cx, if_applied};
use crate::provider::ledger::ObjectKey;
use crate::provider::naming::{CONTROL_PLANE, CONTROL_PLANES_NAME};
use crate::provider::session::at;
use crate::provider::view::{self, Presence};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::{Plan, Private};
use crate::tf::value::Value;
use omni_proto::specs::{ClusterBootstrapStatusSpec, ClusterSpec, MachineSetNodeSpec, MachineSetSpec};

/// Beside a plan that Terraform makes again: the loss was told with the attribute that causes it.
const TOLD: &str = "loss_told";

fn text<'a>(state: &'a Value, name: &str) -> &'a str {
    state.get(name).as_str().unwrap_or_default()
}

fn is_control_plane(set: &Value) -> bool {
    text(set, "role") == CONTROL_PLANE
}

/// Whether the cluster has been bootstrapped, so that etcd holds something, as far as Omni lets that be seen.
async fn has_run(cx: &Cx, cluster: &str) -> Result<bool, Error> {
    Ok(match view::object::<ClusterBootstrapStatusSpec>(cx, cluster).await? {
        Presence::Exists(status) => status.spec.bootstrapped,
        Presence::Missing => false,
        Presence::Unreadable => true,
    })
}

fn set_key(id: &str) -> ObjectKey {
    ObjectKey::from(&MachineSetSpec::KIND.key(id))
}

fn cluster_key(cluster: &str) -> ObjectKey {
    ObjectKey::from(&ClusterSpec::KIND.key(cluster))
}

/// Warns of a plan that replaces a set: by a change, or since it is tainted or gets another address.
/// Hosts drop what the plan of a forced replacement warns of.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn warn_of_replacement(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let ledger = &cx.session.ledger;
    let by = plan.replace.first().cloned();
    let before = match plan.prior {
        Some(prior) if by.is_some() => prior.clone(),
        Some(_) => return Ok(()),
        None => {
            let key = set_key(text(&plan.planned, "id"));
            let replaced = ledger.is_replaced(&key) && plan.replaced.get::<bool>(TOLD) != Some(true);
            match ledger.prior(&key).filter(|_| replaced) {
                Some(before) => before,
                None => return Ok(()),
            }
        }
    };
    plan.private.set(TOLD, true);
    let (id, cluster) = (text(&before, "id"), text(&before, "cluster"));
    // Of what goes with its cluster, the cluster's plan tells.
    if ledger.goes(&cluster_key(cluster)) {
        return Ok(());
    }
    if let Some(by) = &by
        && is_control_plane(&before)
        && has_run(cx, cluster).await?
    {
        let what = format!("A change of `{by}` replaces machine set `{id}`");
        if ledger.once(&cluster_key(cluster), CONTROL_PLANE_LOSS) {
            plan.diags.push(lost(cluster, &what, "").hint(KEEP).at(by.clone()));
        }
        return Ok(());
    }
    // The plan of a second control plane tells.
    if by.is_none() && is_control_plane(&before) {
        return Ok(());
    }
    let nodes = view::list(cx, MachineSetNodeSpec::KIND, &view::of_set(cluster, id)).await?;
    if nodes.is_empty() {
        return Ok(());
    }
    let list = nodes.iter().map(|node| format!("`{}`", node.key.id)).collect::<Vec<_>>().join(", ");
    let hint = match &by {
        Some(by) => format!(
            "To keep the machines, undo the change of `{by}`. To move to a new set, add it as another resource with other machines, \
             and destroy this one in a later apply."
        ),
        None if ledger.is_planned_to_go(&set_key(id)) => MOVED.to_owned(),
        None => {
            "If it is tainted, `terraform untaint` keeps it; if only its address has changed, a `moved` block does."
                .to_owned()
        }
    };
    let diagnostic = Diagnostic::warning(
        format!("Replacing machine set `{id}` wipes its machines"),
        format!("Omni removes a machine set together with its machines and wipes their disks: {list}. All workloads on them are lost."),
    )
    .hint(hint);
    plan.diags.push(match by {
        Some(by) => diagnostic.at(by),
        None => diagnostic,
    });
    Ok(())
}

/// What is said once of a cluster.
const CONTROL_PLANE_LOSS: &str = "the loss of the control plane";

const KEEP: &str = "Keep the set as it is, or replace or destroy the whole cluster.";

/// A control plane ends, and its cluster stays: `unless` says on which condition it does not.
fn lost(cluster: &str, what: &str, unless: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("Cluster `{cluster}` would lose its control plane"),
        format!(
            "{what}, and wipes its machines{unless}. This destroys etcd with all data of the cluster, \
             and Omni does not allow a second control plane machine set for a bootstrapped cluster."
        ),
    )
}

/// What the ledger calls the set of control planes that a run takes from a cluster.
fn loss_key(cluster: &str) -> ObjectKey {
    ObjectKey::called("the control plane that goes", cluster)
}

/// Warns of the removal of a control plane whose cluster is known to stay, or is not among the targets of a destroy.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_removal(cx: &Cx, set: &Value, diags: &mut Diagnostics) -> Result<(), Error> {
    let (ledger, host) = (&cx.session.ledger, cx.session.host.command());
    let (id, cluster) = (text(set, "id"), text(set, "cluster"));
    let key = cluster_key(cluster);
    if !is_control_plane(set) || ledger.goes(&key) || !has_run(cx, cluster).await? {
        return Ok(());
    }
    // The plan of the cluster may be made meanwhile. It looks for this note once it is noted itself, so one of the two tells.
    ledger.note_read(&loss_key(cluster), set);
    let stays = ledger.planned(&key).is_some();
    // A whole destroy comes to the sets first, and knows nothing of their cluster yet.
    let targeted = host.destroys == Some(true) && host.is_targeted;
    if !(stays || targeted) || !ledger.once(&key, CONTROL_PLANE_LOSS) {
        return Ok(());
    }
    let unless = if stays { "" } else { "; the cluster stays unless it is a target too" };
    let hint = if ledger.planned(&set_key(id)).is_some() { MOVED } else { KEEP };
    diags.push(lost(cluster, &format!("This plan destroys machine set `{id}`"), unless).hint(hint).at(at("cluster")));
    Ok(())
}

/// The same in the plan of a cluster that stays, for removals that were planned before it.
pub(crate) fn check_cluster(cx: &Cx, plan: &mut Plan<'_>) {
    let ledger = &cx.session.ledger;
    let Some(prior) = plan.prior.filter(|_| plan.replace.is_empty()) else { return };
    let name = text(prior, "name");
    let Some(set) = ledger.prior(&loss_key(name)) else { return };
    let id = text(&set, "id");
    // The plan of its replacement tells.
    if ledger.planned(&set_key(id)).is_none() && ledger.once(&cluster_key(name), CONTROL_PLANE_LOSS) {
        plan.diags.push(lost(name, &format!("This plan destroys machine set `{id}`"), "").hint(KEEP).at(at("name")));
    }
}

/// What to do about an address that has changed.
const MOVED: &str = "If only the address has changed, keep the set with a block such as\n\n  moved {\n    from = omni_machine_set.<OLD>\n    \
     to   = omni_machine_set.<NEW>\n  }";

/// What to say of a new set of control planes for a cluster that has been bootstrapped.
pub(crate) fn second_control_plane(cx: &Cx, plan: &mut Plan<'_>, cluster: &str) -> Diagnostic {
    let ledger = &cx.session.ledger;
    let key = set_key(&format!("{cluster}-{CONTROL_PLANES_NAME}"));
    let moves = ledger.is_planned_to_go(&key);
    let forced = plan.replaced != Private::default() && ledger.is_replaced(&key);
    if !(moves || forced) || !ledger.keeps(&cluster_key(cluster)) {
        return Diagnostic::warning(
            "The cluster has been bootstrapped already",
            format!(
                "Omni will refuse to create a second control plane machine set for cluster `{cluster}`, whose etcd runs."
            ),
        )
        .hint("Import the existing machine set, or destroy the cluster and create it again.")
        .at(at("cluster"));
    }
    let how = match moves {
        true => "destroys its control plane machine set at one address and creates it at another one",
        false => "replaces its control plane machine set",
    };
    let hint = match moves {
        true => format!("{MOVED}\n\nFor a new control plane, also replace the `omni_cluster`."),
        false => "Leave the set as it is, without `-replace` and `replace_triggered_by`. For a new control plane, also replace the `omni_cluster`.".to_owned(),
    };
    let error = Diagnostic::error(
        format!("Cluster `{cluster}` would lose its control plane permanently"),
        format!(
            "This plan {how}, and the cluster stays. Omni wipes the machines of the set, etcd with them, and refuses \
             another control plane machine set for a bootstrapped cluster: the apply would end without one."
        ),
    )
    .hint(hint)
    .at(Path::of("cluster"));
    ledger.once(&cluster_key(cluster), CONTROL_PLANE_LOSS);
    if_applied(cx, plan, &key, error)
}
