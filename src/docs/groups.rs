//! The subcategory of each type and function in the registry.
//! The only file of this folder that knows their names.

/// Each heading and what stands under it; names of types without the provider's name.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Clusters",
        &[
            "cluster",
            "cluster_health",
            "clusters",
            "config_patch",
            "config_patch_id",
            "config_patch_merge",
            "config_patch_validate",
            "config_patches",
            "etcd_backup_s3_config",
            "etcd_backup_status",
            "etcd_backups",
            "exposed_services",
            "imported_cluster",
            "kubernetes_healthcheck",
            "kubernetes_manifest",
            "kubernetes_upgrade_prechecks",
            "machine_extensions",
            "machine_set",
            "machine_set_id",
            "machine_set_node",
            "machine_set_nodes",
            "machine_sets",
            "ongoing_tasks",
        ],
    ),
    (
        "Machines",
        &[
            "default_join_token",
            "infra_machine_bmc_config",
            "infra_machine_config",
            "infra_provider",
            "infra_providers",
            "join_token",
            "join_tokens",
            "kernel_args",
            "machine",
            "machines",
            "machine_class",
            "machine_classes",
            "machine_config_diffs",
            "machine_grpc_tunnel",
            "machine_install_disk",
            "machine_join_config",
            "machine_labels",
            "machine_request_set",
            "pending_machines",
            "redacted_machine_config",
        ],
    ),
    (
        "Users and accounts",
        &[
            "access_policy",
            "current_user",
            "saml_label_rule",
            "saml_label_rules",
            "service_account",
            "service_accounts",
            "service_account_key",
            "service_account_key_decode",
            "service_account_key_encode",
            "user",
            "users",
        ],
    ),
    ("Client configurations", &["kubeconfig", "kubeconfig_parse", "omniconfig", "talosconfig"]),
    ("Instance", &["advertised_endpoints", "audit_log", "eula_acceptance", "features"]),
    (
        "Installation media",
        &["installation_media", "installation_media_preset", "installation_media_presets", "schematic"],
    ),
    (
        "Versions",
        &[
            "kubernetes_version",
            "kubernetes_versions",
            "talos_extensions",
            "talos_version",
            "talos_versions",
            "version",
            "version_latest",
            "version_matches",
        ],
    ),
    ("Values", &["duration_normalize", "label_selector_matches", "resource_decode_multi"]),
];

/// The heading; empty for what has none.
pub(super) fn of(name: &str) -> &'static str {
    GROUPS.iter().find(|(_, names)| names.contains(&name)).map_or("", |(group, _)| group)
}
