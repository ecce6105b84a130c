//! The controllers of Omni, one file for each behaviour.
//! All of their state is in objects, so that a restart changes nothing.

mod allocation;
mod attachments;
mod backup;
mod bootstrap;
mod cluster;
mod cluster_machine;
mod cluster_machine_config;
mod cluster_parts;
mod cluster_status;
mod configuration;
mod connection_params;
mod context;
mod counts;
mod former;
mod health_checks;
mod infra_machine;
mod infra_provider;
mod install_disk;
mod join_tokens;
mod kubernetes;
mod link;
mod machine_config;
mod machine_parts;
mod machine_set;
mod machine_set_status;
mod machine_status;
mod manifests;
mod node;
mod node_token;
mod patch_cleanup;
mod people;
mod provider_process;
mod provision;
mod rotation;
mod schematic;
mod system_patches;
mod talos_manifests;
mod talos_upgrade;
mod tasks;

#[cfg(test)]
mod infra_tests;
#[cfg(test)]
mod tests;

use super::accounts::KEY_PRUNER;
use super::driver::Controller;
use context::{Behaviour, Hourly};

/// All controllers, in the order in which they take their steps.
///
/// Within one step every machine moves by at most one stage, and every rollout begins at most one more change.
#[must_use]
pub fn all() -> Vec<Box<dyn Controller>> {
    use super::names::controller as name;
    vec![
        Behaviour::timed("ProviderProcess", provider_process::act),
        Behaviour::timed(name::INFRA_PROVIDER_STATUS, infra_provider::act),
        Behaviour::boxed(name::INFRA_MACHINE, infra_machine::act),
        Behaviour::boxed(name::BMC_CONFIG, infra_machine::bmc),
        Behaviour::boxed(name::MACHINE, link::act),
        Behaviour::boxed(name::NODE_UNIQUE_TOKEN_STATUS, node_token::joined),
        Behaviour::boxed(name::PENDING_MACHINE_STATUS, node_token::knocking),
        Behaviour::boxed(name::CLUSTER, cluster::act),
        Behaviour::boxed(name::MACHINE_SET, machine_set::act),
        Behaviour::boxed(name::MACHINE_EXTENSIONS, attachments::extensions),
        Behaviour::timed(name::JOIN_TOKEN_STATUS, join_tokens::statuses),
        Behaviour::boxed(name::IDENTITY_STATUS, people::identities),
        Behaviour::timed(KEY_PRUNER, people::prune),
        Behaviour::boxed(name::SERVICE_ACCOUNT_STATUS, people::service_accounts),
        Behaviour::boxed(name::MACHINE_PROVISION, provision::sets),
        Behaviour::boxed(name::MACHINE_REQUEST_SET_STATUS, provision::requests),
        Behaviour::boxed(name::CLUSTER_MACHINE_REQUEST_STATUS, provision::statuses),
        Behaviour::boxed(name::MACHINE_SET_NODE, allocation::act),
        Behaviour::boxed(name::MACHINE_SET_STATUS, node::act),
        Behaviour::boxed(name::CLUSTER_MACHINE_ENCRYPTION, system_patches::act),
        Behaviour::boxed(name::SCHEMATIC_CONFIGURATION, schematic::act),
        Behaviour::boxed(name::CLUSTER_MACHINE_CONFIG, cluster_machine_config::act),
        Behaviour::boxed(name::CLUSTER_MACHINE_STATUS, cluster_machine::act),
        Behaviour::boxed(name::CLUSTER_MACHINE_CONFIG_STATUS, configuration::act),
        Behaviour::boxed(name::TALOS_UPGRADE_STATUS, talos_upgrade::act),
        Behaviour::boxed(name::CLUSTER_BOOTSTRAP_STATUS, bootstrap::act),
        Behaviour::boxed(name::KUBERNETES_UPGRADE_STATUS, kubernetes::act),
        Behaviour::boxed(name::SECRET_ROTATION_STATUS, rotation::act),
        Behaviour::timed(name::ETCD_BACKUP, backup::act),
        Behaviour::boxed(name::ETCD_BACKUP_OVERALL_STATUS, backup::sum_up),
        Behaviour::boxed("KubernetesUpgradeManifestStatusController", talos_manifests::act),
        Behaviour::boxed(name::MACHINE_SET_STATUS, machine_set_status::act),
        Behaviour::boxed(name::CLUSTER_STATUS, cluster_status::act),
        Behaviour::boxed(name::MACHINE_STATUS, machine_status::act),
        Behaviour::boxed(name::CONNECTION_PARAMS, connection_params::act),
        Behaviour::boxed(name::MACHINE_STATUS_LINK, machine_parts::act),
        Behaviour::boxed(name::CLUSTER_KUBERNETES_MANIFESTS_STATUS, manifests::act),
        Behaviour::boxed(name::KUBERNETES_HEALTH_CHECK_STATUS, health_checks::act),
        Behaviour::boxed(name::MACHINE_STATUS_METRICS, counts::act),
        Behaviour::boxed(name::ONGOING_TASK, tasks::act),
        Hourly::boxed("ConfigPatchCleanupController", patch_cleanup::act),
    ]
}
