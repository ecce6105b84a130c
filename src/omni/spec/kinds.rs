//! The COSI types that the client knows: one row each.

use super::{Described, Kind, Spec};
use omni_proto::specs;

/// A row is a message, its name where that is spelled otherwise, the namespace, and the type.
macro_rules! kinds {
    ($($spec:ident $(($message:literal))? in $namespace:literal = $name:literal;)*) => {
        $(impl Described for specs::$spec {
            const MESSAGE: &'static str = kinds!(@message $spec $($message)?);
        }

        impl Spec for specs::$spec {
            const KIND: Kind = Kind { namespace: $namespace, name: $name };
        })*

        /// Every type that implements [`Spec`].
        pub const KINDS: &[Kind] = &[$(specs::$spec::KIND),*];

        /// The full name of the message of a type: `specs.ClusterSpec`; `None` for a type that is not in [`KINDS`].
        #[must_use]
        pub fn message_of(kind: Kind) -> Option<&'static str> {
            let all = [$((specs::$spec::KIND, specs::$spec::MESSAGE)),*];
            all.into_iter().find(|(known, _)| *known == kind).map(|(_, message)| message)
        }

        /// A type of which the embedded descriptors have no message.
        #[cfg(test)]
        pub(super) fn undescribed() -> Vec<&'static str> {
            let all = [$((specs::$spec::MESSAGE, super::merge::descriptor::<specs::$spec>().is_ok())),*];
            all.into_iter().filter(|(_, is_described)| !is_described).map(|(message, _)| message).collect()
        }
    };
    (@message $spec:ident) => { concat!("specs.", stringify!($spec)) };
    (@message $spec:ident $message:literal) => { concat!("specs.", $message) };
}

kinds! {
    // Written by users.
    ClusterSpec in "default" = "Clusters.omni.sidero.dev";
    MachineSetSpec in "default" = "MachineSets.omni.sidero.dev";
    MachineSetNodeSpec in "default" = "MachineSetNodes.omni.sidero.dev";
    ConfigPatchSpec in "default" = "ConfigPatches.omni.sidero.dev";
    ExtensionsConfigurationSpec in "default" = "ExtensionsConfigurations.omni.sidero.dev";
    KubernetesManifestGroupSpec in "default" = "KubernetesManifestGroups.omni.sidero.dev";
    KubernetesHealthCheckSpec in "default" = "KubernetesHealthChecks.omni.sidero.dev";
    MachineClassSpec in "default" = "MachineClasses.omni.sidero.dev";
    MachineLabelsSpec in "default" = "MachineLabels.omni.sidero.dev";
    KernelArgsSpec in "default" = "KernelArgs.omni.sidero.dev";
    MachineInstallDiskConfigSpec in "default" = "MachineInstallDiskConfigs.omni.sidero.dev";
    NodeForceDestroyRequestSpec in "default" = "NodeForceDestroyRequests.omni.sidero.dev";
    EtcdManualBackupSpec in "ephemeral" = "EtcdManualBackups.omni.sidero.dev";
    EtcdBackupS3ConfSpec in "default" = "EtcdBackupS3Configs.omni.sidero.dev";
    InstallationMediaConfigSpec in "default" = "InstallationMediaConfigs.omni.sidero.dev";
    MachineRequestSetSpec in "default" = "MachineRequestSets.omni.sidero.dev";
    InfraMachineConfigSpec in "default" = "InfraMachineConfigs.omni.sidero.dev";
    InfraMachineBmcConfigSpec ("InfraMachineBMCConfigSpec") in "default" = "InfraMachineBMCConfigs.omni.sidero.dev";
    InfraProviderSpec in "infra-provider" = "InfraProviders.omni.sidero.dev";
    GrpcTunnelConfigSpec ("GRPCTunnelConfigSpec") in "default" = "GRPCTunnelConfigs.omni.sidero.dev";
    DefaultJoinTokenSpec in "default" = "DefaultJoinTokens.omni.sidero.dev";
    AccessPolicySpec in "default" = "AccessPolicies.omni.sidero.dev";
    SamlLabelRuleSpec ("SAMLLabelRuleSpec") in "default" = "SAMLLabelRules.omni.sidero.dev";
    RotateTalosCaSpec ("RotateTalosCASpec") in "default" = "RotateTalosCAs.omni.sidero.dev";
    RotateKubernetesCaSpec ("RotateKubernetesCASpec") in "default" = "RotateKubernetesCAs.omni.sidero.dev";

    // Written by users in part.
    JoinTokenSpec in "default" = "JoinTokens.omni.sidero.dev";
    ImportedClusterSecretsSpec in "default" = "ImportedClusterSecrets.omni.sidero.dev";
    EulaAcceptanceSpec in "default" = "EulaAcceptances.omni.sidero.dev";
    SiderolinkSpec in "default" = "Links.omni.sidero.dev";
    MachineRequestSpec in "infra-provider" = "MachineRequests.omni.sidero.dev";

    // People and keys, by their full identity: `ci@serviceaccount.omni.sidero.dev`. An account exists as long as its identity does,
    // which takes the role `Admin` to read. Accounts of infrastructure providers have no status, in any release.
    IdentitySpec in "default" = "Identities.omni.sidero.dev";
    IdentityStatusSpec in "ephemeral" = "IdentityStatuses.omni.sidero.dev";
    ServiceAccountStatusSpec in "ephemeral" = "ServiceAccountStatuses.omni.sidero.dev";

    // Clusters, as the server reports them.
    ClusterStatusSpec in "default" = "ClusterStatuses.omni.sidero.dev";
    ClusterBootstrapStatusSpec in "default" = "ClusterBootstrapStatuses.omni.sidero.dev";
    ClusterUuid ("ClusterUUID") in "default" = "ClusterUUIDs.omni.sidero.dev";
    ClusterConfigVersionSpec in "default" = "ClusterConfigVersions.omni.sidero.dev";
    ClusterEndpointSpec in "default" = "ClusterEndpoints.omni.sidero.dev";
    ClusterDiagnosticsSpec in "default" = "ClusterDiagnostics.omni.sidero.dev";
    ClusterKubernetesManifestsStatusSpec in "default" = "ClusterKubernetesManifestsStatuses.omni.sidero.dev";
    ClusterSecretsRotationStatusSpec in "default" = "ClusterSecretsRotationStatuses.omni.sidero.dev";
    KubernetesUpgradeStatusSpec in "default" = "KubernetesUpgradeStatuses.omni.sidero.dev";
    KubernetesUpgradeManifestStatusSpec in "default" = "KubernetesUpgradeManifestStatuses.omni.sidero.dev";
    KubernetesHealthCheckStatusSpec in "ephemeral" = "KubernetesHealthCheckStatuses.omni.sidero.dev";
    TalosUpgradeStatusSpec in "default" = "TalosUpgradeStatuses.omni.sidero.dev";
    UpgradeRolloutSpec in "ephemeral" = "UpgradeRollouts.omni.sidero.dev";
    LoadBalancerConfigSpec in "default" = "LoadBalancerConfigs.omni.sidero.dev";
    LoadBalancerStatusSpec in "default" = "LoadBalancerStatuses.omni.sidero.dev";
    ExposedServiceSpec in "default" = "ExposedServices.omni.sidero.dev";
    EtcdBackupStatusSpec in "metrics" = "EtcdBackupStatuses.omni.sidero.dev";
    EtcdBackupSpec in "external" = "EtcdBackups.omni.sidero.dev";
    EtcdBackupOverallStatusSpec in "metrics" = "EtcdBackupOverallStatuses.omni.sidero.dev";
    EtcdBackupStoreStatusSpec in "ephemeral" = "EtcdBackupStoreStatuses.omni.sidero.dev";

    // Sets and members.
    MachineSetStatusSpec in "default" = "MachineSetStatuses.omni.sidero.dev";
    ClusterMachineSpec in "default" = "ClusterMachines.omni.sidero.dev";
    ClusterMachineStatusSpec in "default" = "ClusterMachineStatuses.omni.sidero.dev";
    ClusterMachineIdentitySpec in "default" = "ClusterMachineIdentities.omni.sidero.dev";
    ClusterMachineConfigStatusSpec in "default" = "ClusterMachineConfigStatuses.omni.sidero.dev";
    RedactedClusterMachineConfigSpec in "default" = "RedactedClusterMachineConfigs.omni.sidero.dev";

    // Machines.
    MachineSpec in "default" = "Machines.omni.sidero.dev";
    MachineStatusSpec in "default" = "MachineStatuses.omni.sidero.dev";
    MachineStatusLinkSpec in "metrics" = "MachineStatusLinks.omni.sidero.dev";
    MachineUpgradeStatusSpec in "default" = "MachineUpgradeStatuses.omni.sidero.dev";
    MachineExtensionsSpec in "default" = "MachineExtensions.omni.sidero.dev";
    MachineExtensionsStatusSpec in "default" = "MachineExtensionsStatuses.omni.sidero.dev";
    MachineInstallDiskStatusSpec in "default" = "MachineInstallDiskStatuses.omni.sidero.dev";
    KernelArgsStatusSpec in "default" = "KernelArgsStatuses.omni.sidero.dev";
    MachinePendingUpdatesSpec in "default" = "MachinePendingUpdates.omni.sidero.dev";
    MachineConfigDiffSpec in "default" = "MachineConfigDiffs.omni.sidero.dev";

    // Providers of machines.
    InfraProviderStatusSpec in "infra-provider" = "InfraProviderStatuses.omni.sidero.dev";
    InfraMachineSpec in "infra-provider" = "InfraMachines.omni.sidero.dev";
    InfraMachineStatusSpec in "infra-provider" = "InfraMachineStatuses.omni.sidero.dev";
    MachineRequestStatusSpec in "infra-provider" = "MachineRequestStatuses.omni.sidero.dev";
    InfraProviderHealthStatusSpec in "infra-provider-ephemeral" = "InfraProviderHealthStatuses.omni.sidero.dev";
    InfraProviderCombinedStatusSpec in "ephemeral" = "InfraProviderCombinedStatuses.omni.sidero.dev";

    // The instance.
    TalosVersionSpec in "default" = "TalosVersions.omni.sidero.dev";
    KubernetesVersionSpec in "default" = "KubernetesVersions.omni.sidero.dev";
    TalosExtensionsSpec in "default" = "TalosExtensions.omni.sidero.dev";
    FeaturesConfigSpec in "default" = "FeaturesConfigs.omni.sidero.dev";
    SysVersionSpec in "ephemeral" = "SysVersions.system.sidero.dev";
    AuthConfigSpec in "default" = "AuthConfigs.omni.sidero.dev";
    OngoingTaskSpec in "ephemeral" = "OngoingTasks.omni.sidero.dev";
    InstallationMediaSpec in "ephemeral" = "InstallationMedias.omni.sidero.dev";
    ConnectionParamsSpec in "default" = "ConnectionParams.omni.sidero.dev";
    SiderolinkApiConfigSpec ("SiderolinkAPIConfigSpec") in "default" = "SiderolinkAPIConfigs.omni.sidero.dev";
    JoinTokenStatusSpec in "default" = "JoinTokenStatuses.omni.sidero.dev";

    // Computed on every read.
    CurrentUserSpec in "virtual" = "CurrentUsers.omni.sidero.dev";
    PermissionsSpec in "virtual" = "Permissions.omni.sidero.dev";
    AdvertisedEndpointsSpec in "virtual" = "AdvertisedEndpoints.omni.sidero.dev";
    KubernetesUsageSpec in "virtual" = "KubernetesUsages.omni.sidero.dev";
    PlatformConfigSpec in "virtual" = "MetalPlatformConfigs.omni.sidero.dev";
    SbcConfigSpec ("SBCConfigSpec") in "virtual" = "SBCConfigs.omni.sidero.dev";
    SupportSpec in "virtual" = "Supports.omni.sidero.dev";
    QuirksSpec in "virtual" = "Quirks.omni.sidero.dev";
}
