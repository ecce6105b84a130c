//! `omni_machine_set` and `omni_machine_sets`: machine sets of clusters, and how they are.

use crate::omni::state::query::LabelQuery;
use crate::omni::{Error, labels};
use crate::provider::crud::{Cx, Object};
use crate::provider::ids::{self, CONTROL_PLANE, WORKERS};
use crate::provider::lookup::columns::{text, whole, words};
use crate::provider::lookup::{Found, Lookup, Many, One, Wanted};
use crate::provider::resources::machine_set::{MachineClass, Model, PHASES, Status, Strategy, status_attribute};
use crate::tf::check::{not_empty, one_of};
use crate::tf::schema::{Attribute, boolean, object, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::{MachineSetSpec, MachineSetStatusSpec};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) struct MachineSets;

#[derive(Serialize)]
pub(super) struct MachineSet {
    id: String,
    name: Option<String>,
    cluster: Option<String>,
    role: Option<String>,
    update_strategy: Option<Strategy>,
    delete_strategy: Option<Strategy>,
    upgrade_strategy: Option<Strategy>,
    machine_class: Option<MachineClass>,
    status: Option<Status>,
    labels: BTreeMap<String, String>,
}

fn strategy(name: &'static str, doc: &str) -> Attribute {
    object(
        name,
        vec![
            text("type", "`Rolling` updates `max_parallelism` machines at a time, `Unset` lets Omni decide."),
            whole("max_parallelism", "Maximum number of machines at a time; null lets Omni decide."),
        ],
    )
    .computed()
    .doc(doc)
}

#[async_trait]
impl Lookup for MachineSets {
    type Item = MachineSet;

    const NOUN: &'static str = "machine set";
    const NOUNS: &'static str = "machine sets";

    fn attributes() -> Vec<Attribute> {
        vec![
            text("id", "Id of the set: `<cluster>-control-planes`, `<cluster>-workers`, or `<cluster>-<name>`."),
            text("name", "Name of the set within the cluster."),
            text("cluster", "Cluster that the set belongs to."),
            text("role", "Role of the machines: `controlplane` or `workers`."),
            strategy("update_strategy", "Rollout strategy for configuration changes."),
            strategy("delete_strategy", "Rollout strategy for removals."),
            strategy("upgrade_strategy", "Rollout strategy for Talos upgrades."),
            object(
                "machine_class",
                vec![
                    text("name", "Name of the machine class."),
                    whole("size", "Number of machines; null for `Unlimited`."),
                    text("allocation_type", "`Static` takes `size` machines, `Unlimited` all that match."),
                ],
            )
            .computed()
            .doc("Machine class that the machines are taken from; null when they are named one by one."),
            status_attribute(),
            words("labels", "Labels, without Omni's system labels."),
        ]
    }

    async fn list(cx: &Cx, wanted: &Wanted<'_>) -> Result<Vec<Found<MachineSet>>, Error> {
        let (sets, statuses) =
            tokio::try_join!(wanted.objects::<MachineSetSpec>(cx), wanted.joined::<MachineSetStatusSpec>(cx))?;
        let set = |object: Object<MachineSetSpec>| {
            let model = Model::of(&object, statuses.get(object.id()), &Model::default());
            Found::new(
                object.id(),
                MachineSet {
                    id: object.id().to_owned(),
                    name: model.name,
                    cluster: model.cluster,
                    role: model.role,
                    update_strategy: model.update_strategy,
                    delete_strategy: model.delete_strategy,
                    upgrade_strategy: model.upgrade_strategy,
                    machine_class: model.machine_class,
                    status: model.status,
                    labels: labels::of_users(&object.stored.metadata.labels),
                },
            )
        };
        Ok(sets.into_iter().map(set).collect())
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        Some((
            ids::no_set_id(id)?,
            "Give the full id; the function `machine_set_id` makes it of cluster, role and name.".to_owned(),
        ))
    }

    fn keeps(config: &Value, found: &Found<MachineSet>) -> bool {
        let set = &found.item;
        let same =
            |name: &str, is: &Option<String>| config.get(name).as_str().is_none_or(|want| is.as_deref() == Some(want));
        let status = set.status.as_ref();
        let phase = config.get("phase").as_str().is_none_or(|want| status.is_some_and(|status| status.phase == want));
        let ready = config.get("ready").as_bool().is_none_or(|want| status.is_some_and(|status| status.ready) == want);
        same("cluster", &set.cluster) && same("role", &set.role) && phase && ready
    }
}

impl Many for MachineSets {
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

impl One for MachineSets {
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
