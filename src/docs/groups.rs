//! Under which heading a registry lists each type and function.
//! The only file of this folder that knows their names.

/// Each heading and what stands under it; names of types without the provider's name.
const GROUPS: &[(&str, &[&str])] = &[
    ("Clusters", &["cluster", "clusters", "config_patch", "machine_set", "machine_sets", "machine_set_node"]),
    (
        "Machines",
        &[
            "default_join_token",
            "infra_provider",
            "join_token",
            "join_tokens",
            "machine",
            "machines",
            "machine_class",
            "machine_classes",
            "machine_grpc_tunnel",
            "machine_join_config",
        ],
    ),
    (
        "Users and accounts",
        &["current_user", "service_account", "service_accounts", "service_account_key", "user", "users"],
    ),
    ("Access to clusters", &["kubeconfig", "omniconfig", "talosconfig"]),
    ("Versions", &["kubernetes_version", "kubernetes_versions", "talos_version", "talos_versions", "version"]),
    ("Config patches", &["config_patch_id", "config_patch_merge", "config_patch_validate"]),
    (
        "Values",
        &[
            "duration_normalize",
            "kubeconfig_parse",
            "label_selector_matches",
            "machine_set_id",
            "resource_decode_multi",
            "service_account_key_decode",
            "version_latest",
        ],
    ),
];

/// The heading; empty for what has none.
pub(super) fn of(name: &str) -> &'static str {
    GROUPS.iter().find(|(_, names)| names.contains(&name)).map_or("", |(group, _)| group)
}
