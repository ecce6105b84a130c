//! `omni_machine_set_nodes`: the machines of machine sets, and their status.

use super::resource::MachineSetNode;
use crate::omni::labels;
use crate::provider::lookup::{Filter, View};
use crate::tf::schema::{boolean, string};

impl View for MachineSetNode {
    const NOUNS: &'static str = "machine set nodes";
    const PLURAL: &'static str = "omni_machine_set_nodes";
    const ABOUT_ALL: &'static str = "Lists the machines that belong to machine sets, also those that Omni took from a machine class, and their status. All filters that are set must match.";

    fn filters() -> Vec<Filter> {
        let set = string("machine_set").doc("Only machines of this machine set, by ID such as `prod-workers`.");
        let stage = string("stage").doc("Only machines in this stage, such as `running`.");
        vec![
            Filter::label(string("cluster").doc("Only machines of this cluster."), labels::CLUSTER),
            Filter::label(set, labels::MACHINE_SET),
            Filter::path(stage, "status.stage"),
            Filter::path(
                boolean("ready").doc("Filter by readiness: `true` returns ready machines, `false` the others."),
                "status.ready",
            ),
            Filter::path(
                boolean("locked").doc("Filter by lock: `true` returns locked machines, `false` the others."),
                "locked",
            ),
        ]
    }
}
