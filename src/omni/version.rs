//! Which Omni has what.
//! The table knows only what this client may ask for; it is for messages, and nothing is refused because of it.

/// Since when an RPC, a type or a field is there, by the short name of the RPC, the name of the type,
/// or `Message.path.of.field`.
const SINCE: &[(&str, &str)] = &[
    ("ValidateJSONSchema", "1.0"),
    ("MaintenanceUpgrade", "1.0"),
    ("GetMachineJoinConfig", "1.0"),
    ("CreateJoinToken", "1.0"),
    ("ResetNodeUniqueToken", "1.5"),
    ("CreateUser", "1.6"),
    ("ListUsers", "1.6"),
    ("UpdateUser", "1.6"),
    ("DestroyUser", "1.6"),
    ("CreateSchematicFromRaw", "1.8"),
    ("MachinePowerOn", "1.8"),
    ("MachinePowerOff", "1.8"),
    ("MaintenanceLifecycle", "1.9"),
    ("GetBootAssetURL", "1.10"),
    ("Teardown", "1.9"),
    ("TeardownAndDestroy", "1.9"),
    ("KernelArgs.omni.sidero.dev", "1.6"),
    ("InstallationMediaConfigs.omni.sidero.dev", "1.6"),
    ("KubernetesManifestGroups.omni.sidero.dev", "1.9"),
    ("KubernetesHealthChecks.omni.sidero.dev", "1.9"),
    ("MachineInstallDiskConfigs.omni.sidero.dev", "1.10"),
    ("MachineSetSpec.upgrade_strategy", "1.6"),
    ("MachineSetSpec.upgrade_strategy_config", "1.6"),
    ("ClusterSpec.features.enable_node_audit_skip", "1.9"),
    ("ClusterSpec.features.disable_public_discovery_service", "1.10"),
];

/// The first Omni that has `thing`, if it is younger than the oldest Omni that this client can talk to.
/// `thing` is the short name of an RPC, the name of a type, or `Message.path.of.field`.
#[must_use]
pub fn needs(thing: &str) -> Option<&'static str> {
    SINCE.iter().find(|(name, _)| *name == thing).map(|(_, version)| *version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        assert_eq!(needs("Teardown"), Some("1.9"));
        assert_eq!(needs("KernelArgs.omni.sidero.dev"), Some("1.6"));
        assert_eq!(needs("ClusterSpec.features.disable_public_discovery_service"), Some("1.10"));
        assert_eq!(needs("Get"), None);
        let mut names: Vec<_> = SINCE.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SINCE.len(), "a thing is listed twice");
    }
}
