//! The list of nouns, one line each. The folder of a noun contains everything that only it needs: rows, checks, data sources,
//! ephemeral resources and functions.

use super::types::Types;

macro_rules! nouns {
    ($($noun:ident),* $(,)?) => {
        $(pub(crate) mod $noun;)*

        /// Each noun registers its types.
        pub(super) const ALL: &[fn(&mut Types<'_>)] = &[$($noun::register),*];
    };
}

nouns! {
    access_policy,
    advertised_endpoints,
    audit_log,
    cluster,
    cluster_template,
    config_patch,
    current_user,
    default_join_token,
    etcd_backup,
    eula_acceptance,
    exposed_service,
    features,
    imported_cluster,
    infra_machine_bmc_config,
    infra_machine_config,
    infra_provider,
    installation_media,
    installation_media_preset,
    join_token,
    kernel_args,
    kubeconfig,
    kubernetes_healthcheck,
    kubernetes_manifest,
    kubernetes_upgrade,
    kubernetes_version,
    machine,
    machine_class,
    machine_config_diff,
    machine_extensions,
    machine_grpc_tunnel,
    machine_install_disk,
    machine_join_config,
    machine_labels,
    machine_request_set,
    machine_set,
    machine_set_node,
    omniconfig,
    ongoing_task,
    redacted_machine_config,
    resource,
    secrets_rotation,
    saml_label_rule,
    schematic,
    service_account,
    talos_extension,
    talos_version,
    talosconfig,
    user,
    version,
}
