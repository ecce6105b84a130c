//! `omni_machine_set` and `omni_machine_sets`: machine sets of clusters, and their status.

use super::resource::{MachineSet, PHASES};
use crate::omni::labels;
use crate::provider::lookup::{Filter, View};
use crate::provider::naming;
use crate::provider::naming::{CONTROL_PLANE, WORKERS};
use crate::tf::check::one_of;
use crate::tf::schema::{boolean, string};

impl View for MachineSet {
    const NOUNS: &'static str = "machine sets";
    const PLURAL: &'static str = "omni_machine_sets";
    const ABOUT: &'static str =
        "Reads a machine set of a cluster and its status. It does not have to be managed by Terraform.";
    const ABOUT_ALL: &'static str = "Lists machine sets and their status. All filters that are set must match.";
    const ABOUT_ID: &'static str = "ID of the machine set: `<cluster>-control-planes`, `<cluster>-workers`, or `<cluster>-<name>`. The function `machine_set_id` builds it.";
    const LEFT_OUT: &'static [&'static str] = &["bootstrap_spec"];

    fn filters() -> Vec<Filter> {
        let phases = PHASES.map(|phase| format!("`{phase}`")).join(", ");
        let role = string("role")
            .check(one_of(&[CONTROL_PLANE, WORKERS]))
            .doc("Only machine sets of this role: `controlplane` or `workers`.");
        let phase =
            string("phase").check(one_of(&PHASES)).doc(format!("Only machine sets in this phase: one of {phases}."));
        vec![
            Filter::label(string("cluster").doc("Only machine sets of this cluster."), labels::CLUSTER),
            Filter::path(role, "role"),
            Filter::path(phase, "status.phase"),
            Filter::path(
                boolean("ready").doc("Filter by readiness: `true` returns machine sets whose machines are all ready, `false` the others."),
                "status.ready",
            ),
        ]
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        Some((
            naming::no_set_id(id)?,
            "Give the full ID; the function `machine_set_id` builds it from cluster, role and name.".to_owned(),
        ))
    }
}
