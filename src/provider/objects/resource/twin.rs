//! Types that have something of their own in this provider: it checks more, and knows what to wait for.

use crate::omni::Kind;
use crate::omni::spec::Spec;
use omni_proto::specs;

/// What the provider has for a type, as messages name it.
const TWINS: &[(Kind, &str)] = &[
    (specs::AccessPolicySpec::KIND, "resource `omni_access_policy`"),
    (specs::ClusterSpec::KIND, "resource `omni_cluster`"),
    (specs::ConfigPatchSpec::KIND, "resource `omni_config_patch`"),
    (specs::DefaultJoinTokenSpec::KIND, "resource `omni_default_join_token`"),
    (specs::EtcdBackupS3ConfSpec::KIND, "resource `omni_etcd_backup_s3_config`"),
    (specs::EtcdManualBackupSpec::KIND, "action `omni_etcd_backup`"),
    (specs::EulaAcceptanceSpec::KIND, "resource `omni_eula_acceptance`"),
    (specs::ExtensionsConfigurationSpec::KIND, "resource `omni_machine_extensions`"),
    (specs::GrpcTunnelConfigSpec::KIND, "resource `omni_machine_grpc_tunnel`"),
    (specs::IdentitySpec::KIND, "resource `omni_user` or `omni_service_account`"),
    (specs::ImportedClusterSecretsSpec::KIND, "resource `omni_imported_cluster`"),
    (specs::InfraMachineBmcConfigSpec::KIND, "resource `omni_infra_machine_bmc_config`"),
    (specs::InfraMachineConfigSpec::KIND, "resource `omni_infra_machine_config`"),
    (specs::InfraProviderSpec::KIND, "resource `omni_infra_provider`"),
    (specs::InstallationMediaConfigSpec::KIND, "resource `omni_installation_media_preset`"),
    (specs::JoinTokenSpec::KIND, "resource `omni_join_token`"),
    (specs::KernelArgsSpec::KIND, "resource `omni_kernel_args`"),
    (specs::KubernetesHealthCheckSpec::KIND, "resource `omni_kubernetes_healthcheck`"),
    (specs::KubernetesManifestGroupSpec::KIND, "resource `omni_kubernetes_manifest`"),
    (specs::MachineClassSpec::KIND, "resource `omni_machine_class`"),
    (specs::MachineInstallDiskConfigSpec::KIND, "resource `omni_machine_install_disk`"),
    (specs::MachineLabelsSpec::KIND, "resource `omni_machine_labels`"),
    (specs::MachineRequestSetSpec::KIND, "resource `omni_machine_request_set`"),
    (specs::MachineSetNodeSpec::KIND, "resource `omni_machine_set_node`"),
    (specs::MachineSetSpec::KIND, "resource `omni_machine_set`"),
    (specs::NodeForceDestroyRequestSpec::KIND, "action `omni_node_force_destroy`"),
    (specs::RotateKubernetesCaSpec::KIND, "action `omni_rotate_kubernetes_ca`"),
    (specs::RotateTalosCaSpec::KIND, "action `omni_rotate_talos_ca`"),
    (specs::SamlLabelRuleSpec::KIND, "resource `omni_saml_label_rule`"),
    (specs::SiderolinkSpec::KIND, "action `omni_machine_remove`"),
    (Kind { namespace: "default", name: "Users.omni.sidero.dev" }, "resource `omni_user`"),
];

/// What the provider has for the type.
pub(super) fn of(kind: Kind) -> Option<&'static str> {
    TWINS.iter().find(|(known, _)| known.name == kind.name).map(|(_, twin)| *twin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::session::Handle;
    use crate::provider::types::Types;

    #[test]
    fn each_twin_is_a_type_of_the_provider() {
        let handle = Handle::default();
        let types = Types::all(&handle);
        let resources: Vec<_> = types.resources.iter().map(|resource| resource.type_name()).collect();
        let actions: Vec<_> = types.actions.iter().map(|action| action.type_name()).collect();
        for (kind, twin) in TWINS {
            let names = twin.split('`').skip(1).step_by(2);
            for name in names {
                let known = if twin.starts_with("action") { &actions } else { &resources };
                assert!(known.contains(&name), "{kind:?}: {name}");
            }
        }
    }
}
