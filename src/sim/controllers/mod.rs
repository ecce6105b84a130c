//! What Omni does by itself: one file a behaviour.
//! Everything a behaviour remembers stands in objects, so that a restart changes nothing.

mod allocation;
mod attachments;
mod bootstrap;
mod cluster;
mod cluster_parts;
mod cluster_status;
mod configuration;
mod connection_params;
mod counts;
mod desk;
mod health_checks;
mod kubernetes;
mod link;
mod machine_config;
mod machine_parts;
mod machine_set;
mod machine_set_status;
mod machine_status;
mod manifests;
mod member;
mod member_config;
mod node;
mod schematic;
mod system_patches;
mod talos_upgrade;
mod tasks;

#[cfg(test)]
mod tests;

use super::driver::Controller;
use desk::Behaviour;

/// All controllers, in the order in which they take their steps.
///
/// Within one step every machine moves by at most one stage, and every rollout begins at most one more change.
#[must_use]
pub fn all() -> Vec<Box<dyn Controller>> {
    use super::names::controller as name;
    vec![
        Behaviour::boxed(name::MACHINE, link::act),
        Behaviour::boxed(name::CLUSTER, cluster::act),
        Behaviour::boxed(name::MACHINE_SET, machine_set::act),
        Behaviour::boxed(name::MACHINE_EXTENSIONS, attachments::extensions),
        Behaviour::boxed(name::JOIN_TOKEN_STATUS, attachments::join_tokens),
        Behaviour::boxed(name::MACHINE_SET_NODE, allocation::act),
        Behaviour::boxed(name::MACHINE_SET_STATUS, node::act),
        Behaviour::boxed(name::CLUSTER_MACHINE_ENCRYPTION, system_patches::act),
        Behaviour::boxed(name::SCHEMATIC_CONFIGURATION, schematic::act),
        Behaviour::boxed(name::CLUSTER_MACHINE_CONFIG, member_config::act),
        Behaviour::boxed(name::CLUSTER_MACHINE_STATUS, member::act),
        Behaviour::boxed(name::CLUSTER_MACHINE_CONFIG_STATUS, configuration::act),
        Behaviour::boxed(name::TALOS_UPGRADE_STATUS, talos_upgrade::act),
        Behaviour::boxed(name::CLUSTER_BOOTSTRAP_STATUS, bootstrap::act),
        Behaviour::boxed(name::KUBERNETES_UPGRADE_STATUS, kubernetes::act),
        Behaviour::boxed(name::MACHINE_SET_STATUS, machine_set_status::act),
        Behaviour::boxed(name::CLUSTER_STATUS, cluster_status::act),
        Behaviour::boxed(name::MACHINE_STATUS, machine_status::act),
        Behaviour::boxed(name::CONNECTION_PARAMS, connection_params::act),
        Behaviour::boxed(name::MACHINE_STATUS_LINK, machine_parts::act),
        Behaviour::boxed(name::CLUSTER_KUBERNETES_MANIFESTS_STATUS, manifests::act),
        Behaviour::boxed(name::KUBERNETES_HEALTH_CHECK_STATUS, health_checks::act),
        Behaviour::boxed(name::MACHINE_STATUS_METRICS, counts::act),
        Behaviour::boxed(name::ONGOING_TASK, tasks::act),
    ]
}
