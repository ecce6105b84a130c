//! `omni_machine_set` and `omni_machine_sets`: machine sets of clusters, and how they are.

use super::resource::{MachineSet, PHASES};
use crate::omni::state::query::LabelQuery;
use crate::omni::{Error, labels};
use crate::provider::engine::{Binding, CosiObject, Cx, Object};
use crate::provider::lookup::computed::words;
use crate::provider::lookup::{Item, ListSource, Lookup, Request, Shown, SingleSource};
use crate::provider::naming;
use crate::provider::naming::{CONTROL_PLANE, WORKERS};
use crate::tf::check::{not_empty, one_of};
use crate::tf::schema::{Attribute, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::MachineSetSpec;

pub(super) struct MachineSets;

fn table() -> Binding {
    Binding::reading(MachineSet::rows(), &["bootstrap_spec"])
}

#[async_trait]
impl Lookup for MachineSets {
    type Object = Shown;

    const NOUN: &'static str = "machine set";
    const NOUNS: &'static str = "machine sets";

    fn attributes() -> Vec<Attribute> {
        let mut attributes = table().described();
        attributes.push(words("labels", "Labels, without Omni's system labels."));
        attributes
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Shown>>, Error> {
        let binding = table();
        let (sets, mut joined) =
            tokio::try_join!(request.objects::<MachineSetSpec>(cx), request.beside(cx, binding.joins()))?;
        let set = |object: Object<MachineSetSpec>| {
            let joined = joined.remove(object.id()).unwrap_or_default();
            let mut shown = Shown::of::<MachineSet>(&binding, &object, &joined)?;
            shown.0.set("labels", Value::texts(labels::of_users(&object.stored.metadata.labels)));
            Ok(Item::new(object.id(), shown))
        };
        sets.into_iter().map(set).collect()
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        Some((
            naming::no_set_id(id)?,
            "Give the full id; the function `machine_set_id` makes it of cluster, role and name.".to_owned(),
        ))
    }

    fn matches(config: &Value, found: &Item<Shown>) -> bool {
        let fits = |argument, path| found.item.fits(config, argument, path);
        fits("cluster", "cluster")
            && fits("role", "role")
            && fits("phase", "status.phase")
            && fits("ready", "status.ready")
    }
}

impl ListSource for MachineSets {
    const NAME: &'static str = "omni_machine_sets";
    const LIST: &'static str = "machine_sets";
    const ABOUT: &'static str = "Lists machine sets and their status. All filters that are set must match.";

    fn filters() -> Vec<Attribute> {
        let phases = PHASES.map(|phase| format!("`{phase}`")).join(", ");
        vec![
            string("cluster").doc("Only machine sets of this cluster."),
            string("role")
                .check(one_of(&[CONTROL_PLANE, WORKERS]))
                .doc("Only machine sets of this role: `controlplane` or `workers`."),
            string("phase").check(one_of(&PHASES)).doc(format!("Only machine sets in this phase: one of {phases}.")),
            boolean("ready").doc("Only machine sets whose machines are, or are not, all ready."),
        ]
    }

    fn terms(config: &Value, terms: LabelQuery) -> LabelQuery {
        match config.get("cluster").as_str() {
            Some(cluster) => terms.equal(labels::CLUSTER, cluster),
            None => terms,
        }
    }
}

impl SingleSource for MachineSets {
    const NAME: &'static str = "omni_machine_set";
    const ABOUT: &'static str =
        "Reads a machine set of a cluster and its status. It does not have to be managed by Terraform.";
    const ID: &'static str = "id";

    fn arguments() -> Vec<Attribute> {
        vec![string("id").required().check(not_empty()).doc(
            "Id of the set: `<cluster>-control-planes`, `<cluster>-workers`, or `<cluster>-<name>`. The function `machine_set_id` builds it.",
        )]
    }
}
