//! What a config patch or a list of extensions is for: a cluster, a machine set of it, or a machine.

use crate::omni::{Error, labels};
use crate::provider::engine::{Bind, Cx, KeyCodec, Owner, Row, model};
use crate::provider::naming;
use crate::provider::objects::{cluster, machine_set};
use crate::provider::references::{Part, check_target_machine, check_target_set};
use crate::tf::check::not_empty;
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::schema::string;
use crate::tf::value::Value;
use serde::Deserialize;

/// The attributes that name it.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct Target {
    pub(crate) cluster: Option<String>,
    selector: Option<Selector>,
}

#[derive(Clone, Default, Deserialize)]
struct Selector {
    machine_set: Option<String>,
    cluster_machine: Option<String>,
    machine: Option<String>,
}

impl Target {
    /// The one that a whole value names, as far as it is known.
    pub(crate) fn of(whole: &Value) -> Self {
        model(whole).unwrap_or_default()
    }

    /// The id of what it is at its narrowest.
    pub(crate) fn id(&self) -> Option<String> {
        let selector = self.selector.as_ref();
        let machine = selector.and_then(|s| s.machine.as_ref().or(s.cluster_machine.as_ref()));
        machine.cloned().or_else(|| self.machine_set()).or_else(|| self.cluster.clone())
    }

    /// The id of the machine set.
    fn machine_set(&self) -> Option<String> {
        let set = self.selector.as_ref()?.machine_set.as_deref()?;
        Some(match &self.cluster {
            Some(cluster) => naming::set_in(cluster, set),
            None => set.to_owned(),
        })
    }
}

/// The id of the machine set that a whole value selects; `None` where it selects none, and while that is not known.
pub(crate) fn set_of(whole: &Value) -> Option<String> {
    Target::of(whole).machine_set()
}

/// The meaning of the text that names the machine set.
pub(crate) fn meaning_of_set(whole: &Value) -> Option<String> {
    set_of(whole).filter(|_| whole.get("cluster").is_set())
}

/// The cluster and the machine set.
pub(crate) fn owners(state: &Value) -> Vec<Owner> {
    let set = set_of(state).map(|set| machine_set::owner(&set, "selector.machine_set"));
    state.get("cluster").as_str().map(cluster::owner).into_iter().chain(set).collect()
}

/// The row of the machine set, in `selector`.
pub(crate) fn machine_set_row(part: Part) -> Row {
    let doc = format!(
        "Machine set of `cluster` that the {} applies to, by ID such as `prod-workers` or by name such as `workers`.",
        part.noun
    );
    string("machine_set")
        .check(not_empty())
        .doc(doc)
        .label(labels::MACHINE_SET, KeyCodec::Made(set_of))
        .reading("ID of the machine set.")
}

/// The row of the machine of the cluster, in `selector`.
pub(crate) fn cluster_machine_row(part: Part) -> Row {
    let doc = format!(
        "ID (UUID) of the machine of `cluster` that the {} applies to, as long as it belongs to that cluster.",
        part.noun
    );
    string("cluster_machine").check(not_empty()).doc(doc).label(labels::CLUSTER_MACHINE, KeyCodec::Text)
}

/// Holds the machine set or the machine against what is there, with the set only where the cluster `is_there`.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_selector(cx: &Cx, plan: &mut Plan<'_>, part: Part, is_there: bool) -> Result<(), Error> {
    let text = |path: &str| Path::of(path).lookup(&plan.planned).as_str().map(str::to_owned);
    let cluster = text("cluster");
    let machines = ["selector.cluster_machine", "selector.machine"].map(|path| (path, text(path)));
    let set = text("selector.machine_set").filter(|_| is_there);
    if let (Some(cluster), Some(set)) = (&cluster, set) {
        check_target_set(cx, plan, part, cluster, &set).await?;
    }
    for (path, machine) in machines {
        if let Some(machine) = machine {
            check_target_machine(cx, plan, part, path, &machine, cluster.as_deref()).await?;
        }
    }
    Ok(())
}
