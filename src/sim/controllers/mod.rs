//! What Omni does by itself: one file a behaviour.
//! Everything a behaviour remembers stands in objects, so that a restart changes nothing.

mod allocation;
mod attachments;
mod bootstrap;
mod cluster;
mod cluster_status;
mod configuration;
mod desk;
mod join_tokens;
mod kubernetes;
mod link;
mod machine_set;
mod machine_set_status;
mod machine_status;
mod member;
mod node;
mod people;
mod talos_upgrade;

#[cfg(test)]
mod tests;

use super::accounts::KEY_PRUNER;
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
        Behaviour::boxed(name::IDENTITY_STATUS, people::identities),
        Behaviour::timed(KEY_PRUNER, people::prune),
        Behaviour::boxed(name::SERVICE_ACCOUNT_STATUS, people::service_accounts),
        Behaviour::boxed(name::NODE_UNIQUE_TOKEN_STATUS, join_tokens::machines),
        Behaviour::timed(name::JOIN_TOKEN_STATUS, join_tokens::statuses),
        Behaviour::boxed(name::MACHINE_SET_NODE, allocation::act),
        Behaviour::boxed(name::MACHINE_SET_STATUS, node::act),
        Behaviour::boxed(name::CLUSTER_MACHINE_STATUS, member::act),
        Behaviour::boxed(name::CLUSTER_MACHINE_CONFIG_STATUS, configuration::act),
        Behaviour::boxed(name::TALOS_UPGRADE_STATUS, talos_upgrade::act),
        Behaviour::boxed(name::CLUSTER_BOOTSTRAP_STATUS, bootstrap::act),
        Behaviour::boxed(name::KUBERNETES_UPGRADE_STATUS, kubernetes::act),
        Behaviour::boxed(name::MACHINE_SET_STATUS, machine_set_status::act),
        Behaviour::boxed(name::CLUSTER_STATUS, cluster_status::act),
        Behaviour::boxed(name::MACHINE_STATUS, machine_status::act),
    ]
}
