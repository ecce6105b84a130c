//! The first release of Omni that has an RPC, a type or a field.
//! The table has only what this client uses. It serves messages: no request is refused because of it.

/// The first release by the short name of the RPC, the name of the type, or `Message.path.of.field`.
const SINCE: &[(&str, &str)] = &[
    ("Teardown", "1.8"),
    ("TeardownAndDestroy", "1.8"),
    ("ResetNodeUniqueToken", "1.5.7"),
    ("CreateUser", "1.6"),
    ("ListUsers", "1.6"),
    ("UpdateUser", "1.6"),
    ("DestroyUser", "1.6"),
    ("CreateSchematicFromRaw", "1.8"),
    ("MachinePowerOn", "1.8"),
    ("MachinePowerOff", "1.8"),
    ("MaintenanceLifecycle", "1.9"),
    ("GetInstallationMediaURL", "1.11"),
    ("KernelArgs.omni.sidero.dev", "1.3"),
    ("KernelArgsStatuses.omni.sidero.dev", "1.3"),
    ("MachineUpgradeStatuses.omni.sidero.dev", "1.3"),
    ("MetalPlatformConfigs.omni.sidero.dev", "1.4"),
    ("SBCConfigs.omni.sidero.dev", "1.4"),
    ("GRPCTunnelConfigs.omni.sidero.dev", "1.5"),
    ("InstallationMediaConfigs.omni.sidero.dev", "1.5"),
    ("MachinePendingUpdates.omni.sidero.dev", "1.5"),
    ("ClusterSecretsRotationStatuses.omni.sidero.dev", "1.6"),
    ("IdentityStatuses.omni.sidero.dev", "1.6"),
    ("RotateKubernetesCAs.omni.sidero.dev", "1.6"),
    ("RotateTalosCAs.omni.sidero.dev", "1.6"),
    ("UpgradeRollouts.omni.sidero.dev", "1.6"),
    ("ClusterKubernetesManifestsStatuses.omni.sidero.dev", "1.7"),
    ("EulaAcceptances.omni.sidero.dev", "1.7"),
    ("KubernetesManifestGroups.omni.sidero.dev", "1.7"),
    ("Quirks.omni.sidero.dev", "1.8"),
    ("Supports.omni.sidero.dev", "1.8"),
    ("KubernetesHealthChecks.omni.sidero.dev", "1.9"),
    ("KubernetesHealthCheckStatuses.omni.sidero.dev", "1.11"),
    ("MachineInstallDiskConfigs.omni.sidero.dev", "1.11"),
    ("MachineInstallDiskStatuses.omni.sidero.dev", "1.11"),
    ("MachineSetSpec.upgrade_strategy", "1.6"),
    ("MachineSetSpec.upgrade_strategy_config", "1.6"),
    ("InstallationMediaConfigSpec.embedded_machine_config", "1.9"),
    ("InstallationMediaConfigSpec.image_factory_url", "1.10"),
    ("ClusterSpec.features.enable_node_audit_skip", "1.9"),
    ("ClusterSpec.features.disable_public_discovery_service", "1.10"),
    ("InfraMachineConfigSpec.power_off_request_id", "1.8"),
    ("SAMLLabelRuleSpec.assign_role", "1.4"),
    ("SAMLLabelRuleSpec.update_on_each_login", "1.4"),
];

/// The first release that has `thing`; `None` if every supported release has it.
/// `thing` is the short name of an RPC, the name of a type, or `Message.path.of.field`.
///
/// ```
/// use terraform_provider_omni::omni::version::needs;
///
/// assert_eq!(needs("CreateUser"), Some("1.6"));
/// assert_eq!(needs("KernelArgs.omni.sidero.dev"), Some("1.3"));
/// assert_eq!(needs("Get"), None);
/// ```
#[must_use]
pub fn needs(thing: &str) -> Option<&'static str> {
    SINCE.iter().find(|(name, _)| *name == thing).map(|(_, version)| *version)
}

/// The same of a field, which a release lacks too if it lacks a message that the field is in.
///
/// ```
/// use terraform_provider_omni::omni::version::field_needs;
///
/// assert_eq!(field_needs("MachineSetSpec.upgrade_strategy_config.rolling.max_parallelism"), Some("1.6"));
/// assert_eq!(field_needs("SAMLLabelRuleSpec.assign_role"), Some("1.4"));
/// assert_eq!(field_needs("ClusterSpec.talos_version"), None);
/// ```
#[must_use]
pub fn field_needs(path: &str) -> Option<&'static str> {
    let ends = path.match_indices('.').map(|(end, _)| end).chain([path.len()]);
    ends.filter_map(|end| path.get(..end)).find_map(needs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (thing, release) in [
            ("Teardown", Some("1.8")),
            ("ResetNodeUniqueToken", Some("1.5.7")),
            ("GetInstallationMediaURL", Some("1.11")),
            ("KernelArgs.omni.sidero.dev", Some("1.3")),
            ("InstallationMediaConfigs.omni.sidero.dev", Some("1.5")),
            ("KubernetesManifestGroups.omni.sidero.dev", Some("1.7")),
            ("MachineInstallDiskConfigs.omni.sidero.dev", Some("1.11")),
            ("ClusterSpec.features.disable_public_discovery_service", Some("1.10")),
            // No release ever had it.
            ("GetBootAssetURL", None),
            // These came with the first release.
            ("ValidateJSONSchema", None),
            ("CreateJoinToken", None),
            ("Get", None),
        ] {
            assert_eq!(needs(thing), release, "{thing}");
        }
        let mut names: Vec<_> = SINCE.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SINCE.len(), "a thing is listed twice");
    }
}
