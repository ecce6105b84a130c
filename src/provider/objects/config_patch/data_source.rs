//! `omni_config_patches`: config patches, whoever made them.

use super::resource::ConfigPatch;
use crate::omni::labels;
use crate::provider::lookup::{Filter, View};
use crate::tf::schema::{boolean, string};

impl View for ConfigPatch {
    const NOUNS: &'static str = "config patches";
    const PLURAL: &'static str = "omni_config_patches";
    const ABOUT_ALL: &'static str = "Lists config patches, whoever made them, in the order of their IDs. All filters that are set must match.\n\n\
         Patches can contain secrets, which are then stored in state.";
    const LEFT_OUT: &'static [&'static str] = &["id_override"];

    fn filters() -> Vec<Filter> {
        let set = string("machine_set").doc("Only patches for this machine set, by ID such as `prod-workers`.");
        vec![
            Filter::label(string("cluster").doc("Only patches of this cluster, its machine sets and its cluster machines; patches of a machine (`selector.machine`) are left out."), labels::CLUSTER),
            Filter::label(set, labels::MACHINE_SET),
            Filter::label(
                string("cluster_machine").doc("Only patches for this machine of a cluster, by ID (UUID)."),
                labels::CLUSTER_MACHINE,
            ),
            Filter::label(
                string("machine").doc("Only patches for this machine, whatever cluster it is in, by ID (UUID)."),
                labels::MACHINE,
            ),
            Filter::path(boolean("enabled").doc("Filter by state: `true` returns applied patches, `false` disabled ones."), "enabled"),
        ]
    }
}
