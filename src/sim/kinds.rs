//! The types that the simulated server knows: where they live, who may touch them, how they are read and removed.
//! It knows nothing of stored objects or calls.

use super::object::Key;
use super::release::Release;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a caller may do, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Nothing beyond proving who it is.
    None,
    /// What a provider of machines needs.
    InfraProvider,
    /// Reading.
    Reader,
    /// Reading, and the audit log.
    Auditor,
    /// Managing clusters and machines.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// All roles, from least to most.
    pub const ALL: [Self; 6] =
        [Self::None, Self::InfraProvider, Self::Reader, Self::Auditor, Self::Operator, Self::Admin];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::InfraProvider => "InfraProvider",
            Self::Reader => "Reader",
            Self::Auditor => "Auditor",
            Self::Operator => "Operator",
            Self::Admin => "Admin",
        }
    }

    /// The role of this name; case counts.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Who passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Everybody of at least this role.
    From(Role),
    /// Nobody; the text says what is possible instead.
    Closed(&'static str),
}

/// Who takes an object away once it is torn down and nobody holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Only a call to Destroy.
    ByCall,
    /// The server, in newer releases.
    ByServer,
    /// The server, in all releases.
    ByServerAlways,
}

/// What is known of a type.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name: `Clusters.omni.sidero.dev`.
    pub name: &'static str,
    /// The namespace that its objects live in.
    pub namespace: &'static str,
    /// The message of its spec, within package `specs`; none when the definitions here leave it out.
    pub message: Option<&'static str>,
    /// Who may get, list and watch.
    pub read: Gate,
    /// Who may create.
    pub create: Gate,
    /// Who may update.
    pub update: Gate,
    /// Who may tear down and destroy.
    pub destroy: Gate,
    /// Whether reads go through the cache, which lags.
    pub cached: bool,
    /// Who takes its objects away.
    pub removal: Removal,
}

impl Kind {
    /// Whether the server takes objects of this type away by itself.
    #[must_use]
    pub fn removed_by_server(&self, release: Release) -> bool {
        match self.removal {
            Removal::ByCall => false,
            Removal::ByServer => release >= Release::V1_9,
            Removal::ByServerAlways => true,
        }
    }

    const fn of(name: &'static str, read: Gate, write: Gate) -> Self {
        Self {
            name,
            namespace: "default",
            message: None,
            read,
            create: write,
            update: write,
            destroy: write,
            cached: true,
            removal: Removal::ByCall,
        }
    }

    const fn spec(mut self, message: &'static str) -> Self {
        self.message = Some(message);
        self
    }

    const fn within(mut self, namespace: &'static str) -> Self {
        self.namespace = namespace;
        self
    }

    const fn fresh(mut self) -> Self {
        self.cached = false;
        self
    }

    const fn create(mut self, gate: Gate) -> Self {
        self.create = gate;
        self
    }

    const fn update(mut self, gate: Gate) -> Self {
        self.update = gate;
        self
    }

    const fn destroy(mut self, gate: Gate) -> Self {
        self.destroy = gate;
        self
    }

    const fn removal(mut self, removal: Removal) -> Self {
        self.removal = removal;
        self
    }
}

/// A type that users of this role write and the server removes.
const fn managed(name: &'static str, role: Role) -> Kind {
    let read = match role {
        Role::Admin => ADMIN,
        _ => READER,
    };
    Kind::of(name, read, Gate::From(role)).removal(Removal::ByServer)
}

/// A type that only the server writes.
const fn status(name: &'static str) -> Kind {
    Kind::of(name, READER, Gate::Closed(ONLY_READ))
}

/// The same, for everybody with a key.
const fn open(name: &'static str) -> Kind {
    Kind::of(name, ANYONE, Gate::Closed(ONLY_READ))
}

/// The same, for providers of machines.
const fn infra(name: &'static str) -> Kind {
    Kind::of(name, PROVIDER, Gate::Closed(ONLY_READ)).within("infra-provider")
}

/// The same, for administrators.
const fn admin(name: &'static str) -> Kind {
    Kind::of(name, ADMIN, Gate::Closed(ONLY_READ))
}

/// A type that no caller sees.
const fn hidden(name: &'static str) -> Kind {
    Kind::of(name, Gate::Closed(NOTHING), Gate::Closed(NOTHING))
}

/// The answer to a caller who may see nothing of a type.
pub const NOTHING: &str = "no access is permitted";
const ONLY_READ: &str = "only read access is permitted";
const ONLY_REMOVE: &str = "only read, update and delete access is permitted";
const TOKEN_BY_CALL: &str = "only read, update and destroy access is permitted, create should be done via the \
                             management.CreateJoinToken API call";
const USERS_BY_CALL: &str = "only read access is permitted on resource Users.omni.sidero.dev, mutations should be \
                             done via ManagementService API calls";
const IDENTITIES_BY_CALL: &str = "only read access is permitted on resource Identities.omni.sidero.dev, mutations \
                                  should be done via ManagementService API calls";
const ANYONE: Gate = Gate::From(Role::None);
const PROVIDER: Gate = Gate::From(Role::InfraProvider);
const READER: Gate = Gate::From(Role::Reader);
const OPERATOR: Gate = Gate::From(Role::Operator);
const ADMIN: Gate = Gate::From(Role::Admin);

/// Every type that the server knows.
pub const ALL: &[Kind] = &[
    // Written by users.
    managed("Clusters.omni.sidero.dev", Role::Operator).spec("ClusterSpec").removal(Removal::ByServerAlways),
    managed("MachineSets.omni.sidero.dev", Role::Operator).spec("MachineSetSpec").removal(Removal::ByServerAlways),
    managed("MachineSetNodes.omni.sidero.dev", Role::Operator).spec("MachineSetNodeSpec"),
    managed("ConfigPatches.omni.sidero.dev", Role::Operator).spec("ConfigPatchSpec"),
    managed("ExtensionsConfigurations.omni.sidero.dev", Role::Operator).spec("ExtensionsConfigurationSpec"),
    managed("KubernetesManifestGroups.omni.sidero.dev", Role::Operator),
    managed("KubernetesHealthChecks.omni.sidero.dev", Role::Operator),
    managed("MachineClasses.omni.sidero.dev", Role::Operator).spec("MachineClassSpec"),
    managed("MachineLabels.omni.sidero.dev", Role::Operator).spec("MachineLabelsSpec"),
    managed("KernelArgs.omni.sidero.dev", Role::Operator).spec("KernelArgsSpec"),
    managed("MachineInstallDiskConfigs.omni.sidero.dev", Role::Operator),
    managed("NodeForceDestroyRequests.omni.sidero.dev", Role::Operator).spec("NodeForceDestroyRequestSpec"),
    managed("EtcdManualBackups.omni.sidero.dev", Role::Operator).within("ephemeral").fresh(),
    managed("EtcdBackupS3Configs.omni.sidero.dev", Role::Admin).fresh(),
    managed("InstallationMediaConfigs.omni.sidero.dev", Role::Operator),
    managed("MachineRequestSets.omni.sidero.dev", Role::Operator).fresh(),
    managed("InfraMachineConfigs.omni.sidero.dev", Role::Operator).fresh(),
    managed("InfraMachineBMCConfigs.omni.sidero.dev", Role::Admin).fresh(),
    Kind::of("InfraProviders.omni.sidero.dev", PROVIDER, ADMIN).within("infra-provider").removal(Removal::ByServer),
    managed("GRPCTunnelConfigs.omni.sidero.dev", Role::Operator).fresh(),
    managed("DefaultJoinTokens.omni.sidero.dev", Role::Operator).spec("DefaultJoinTokenSpec"),
    managed("AccessPolicies.omni.sidero.dev", Role::Admin).fresh(),
    managed("SAMLLabelRules.omni.sidero.dev", Role::Admin).fresh(),
    managed("RotateTalosCAs.omni.sidero.dev", Role::Operator),
    managed("RotateKubernetesCAs.omni.sidero.dev", Role::Operator),
    // Written by users in part.
    Kind::of("JoinTokens.omni.sidero.dev", READER, OPERATOR).create(Gate::Closed(TOKEN_BY_CALL)).spec("JoinTokenSpec"),
    Kind::of("ImportedClusterSecrets.omni.sidero.dev", Gate::Closed(NOTHING), OPERATOR).update(Gate::Closed(NOTHING)),
    open("EulaAcceptances.omni.sidero.dev").create(ANYONE).spec("EulaAcceptanceSpec"),
    Kind::of("Links.omni.sidero.dev", READER, Gate::Closed(ONLY_REMOVE))
        .destroy(OPERATOR)
        .spec("SiderolinkSpec")
        .removal(Removal::ByServerAlways),
    Kind::of("PendingMachines.omni.sidero.dev", READER, Gate::Closed(ONLY_REMOVE))
        .destroy(OPERATOR)
        .within("ephemeral")
        .spec("SiderolinkSpec"),
    admin("JWTPublicKeys.system.sidero.dev").destroy(ADMIN).within("oidc"),
    Kind::of("MachineRequests.omni.sidero.dev", PROVIDER, OPERATOR).within("infra-provider"),
    // People and keys.
    Kind::of("Users.omni.sidero.dev", ADMIN, Gate::Closed(USERS_BY_CALL)).spec("UserSpec").fresh(),
    Kind::of("Identities.omni.sidero.dev", ADMIN, Gate::Closed(IDENTITIES_BY_CALL)).spec("IdentitySpec").fresh(),
    admin("IdentityStatuses.omni.sidero.dev").within("ephemeral").fresh(),
    admin("IdentityLastActives.omni.sidero.dev").within("metrics"),
    admin("ServiceAccountStatuses.omni.sidero.dev").within("ephemeral").spec("ServiceAccountStatusSpec"),
    admin("PublicKeyLastActives.omni.sidero.dev").within("metrics"),
    hidden("PublicKeys.omni.sidero.dev").spec("PublicKeySpec"),
    // Clusters, as the server reports them.
    status("ClusterStatuses.omni.sidero.dev").spec("ClusterStatusSpec"),
    status("ClusterBootstrapStatuses.omni.sidero.dev").spec("ClusterBootstrapStatusSpec"),
    status("ClusterUUIDs.omni.sidero.dev").spec("ClusterUUID"),
    status("ClusterConfigVersions.omni.sidero.dev").spec("ClusterConfigVersionSpec"),
    status("ClusterEndpoints.omni.sidero.dev").spec("ClusterEndpointSpec"),
    status("ClusterTaints.omni.sidero.dev").spec("ClusterTaintSpec"),
    status("ClusterDiagnostics.omni.sidero.dev"),
    status("ClusterKubernetesNodes.omni.sidero.dev"),
    status("ClusterWorkloadProxyStatuses.omni.sidero.dev"),
    status("ClusterDestroyStatuses.omni.sidero.dev").spec("DestroyStatusSpec"),
    status("ClusterKubernetesManifestsStatuses.omni.sidero.dev"),
    status("ClusterSecretsRotationStatuses.omni.sidero.dev"),
    status("KubernetesStatuses.omni.sidero.dev").spec("KubernetesStatusSpec"),
    status("KubernetesUpgradeStatuses.omni.sidero.dev").spec("KubernetesUpgradeStatusSpec"),
    status("KubernetesUpgradeManifestStatuses.omni.sidero.dev"),
    status("KubernetesNodeAuditResults.omni.sidero.dev"),
    status("KubernetesHealthCheckStatuses.omni.sidero.dev").within("ephemeral"),
    status("TalosUpgradeStatuses.omni.sidero.dev").spec("TalosUpgradeStatusSpec"),
    status("UpgradeRollouts.omni.sidero.dev").within("ephemeral"),
    status("LoadBalancerConfigs.omni.sidero.dev").spec("LoadBalancerConfigSpec"),
    status("LoadBalancerStatuses.omni.sidero.dev").spec("LoadBalancerStatusSpec"),
    status("ControlPlaneStatuses.omni.sidero.dev").spec("ControlPlaneStatusSpec"),
    status("ExposedServices.omni.sidero.dev"),
    status("SchematicConfigurations.omni.sidero.dev"),
    status("EtcdBackupStatuses.omni.sidero.dev").within("metrics"),
    status("EtcdBackupOverallStatuses.omni.sidero.dev").within("metrics"),
    status("EtcdBackupStoreStatuses.omni.sidero.dev").within("ephemeral"),
    status("EtcdBackups.omni.sidero.dev").within("external").spec("EtcdBackupSpec").fresh(),
    // Sets and members.
    status("MachineSetStatuses.omni.sidero.dev").spec("MachineSetStatusSpec"),
    status("MachineSetDestroyStatuses.omni.sidero.dev").within("ephemeral").spec("DestroyStatusSpec"),
    status("ClusterMachines.omni.sidero.dev").spec("ClusterMachineSpec"),
    status("ClusterMachineStatuses.omni.sidero.dev").spec("ClusterMachineStatusSpec"),
    status("ClusterMachineIdentities.omni.sidero.dev").spec("ClusterMachineIdentitySpec"),
    status("ClusterMachineConfigStatuses.omni.sidero.dev"),
    status("ClusterMachineConfigPatches.omni.sidero.dev"),
    status("ClusterMachineTalosVersions.omni.sidero.dev"),
    status("ClusterMachineRequestStatuses.omni.sidero.dev"),
    status("RedactedClusterMachineConfigs.omni.sidero.dev"),
    // Machines.
    Kind::of("Machines.omni.sidero.dev", PROVIDER, Gate::Closed(ONLY_READ)).spec("MachineSpec"),
    status("MachineStatuses.omni.sidero.dev").spec("MachineStatusSpec"),
    status("MachineStatusLabels.omni.sidero.dev"),
    status("MachineStatusLinks.omni.sidero.dev").within("metrics"),
    status("MachineStatusSnapshots.omni.sidero.dev"),
    status("MachineUpgradeStatuses.omni.sidero.dev"),
    status("MachineExtensions.omni.sidero.dev"),
    status("MachineExtensionsStatuses.omni.sidero.dev"),
    status("MachineInstallDiskStatuses.omni.sidero.dev"),
    status("KernelArgsStatuses.omni.sidero.dev"),
    status("MachinePendingUpdates.omni.sidero.dev"),
    status("MachineConfigDiffs.omni.sidero.dev"),
    status("MachineConfigGenOptions.omni.sidero.dev"),
    status("MachineConfigExtractionStatuses.omni.sidero.dev"),
    status("MaintenanceConfigStatuses.omni.sidero.dev"),
    status("NodeUniqueTokenStatuses.omni.sidero.dev"),
    status("LinkStatuses.omni.sidero.dev").within("ephemeral"),
    status("ImagePullRequests.omni.sidero.dev"),
    status("ImagePullStatuses.omni.sidero.dev"),
    status("DiscoveryAffiliateDeleteTasks.omni.sidero.dev"),
    // Providers of machines.
    infra("InfraProviderStatuses.omni.sidero.dev"),
    infra("InfraMachines.omni.sidero.dev"),
    infra("InfraMachineStatuses.omni.sidero.dev"),
    infra("InfraMachineRegistrations.omni.sidero.dev"),
    infra("MachineRequestStatuses.omni.sidero.dev"),
    infra("ConfigPatchRequests.omni.sidero.dev"),
    infra("ProviderJoinConfigs.omni.sidero.dev"),
    infra("InfraProviderHealthStatuses.omni.sidero.dev").within("infra-provider-ephemeral"),
    admin("BMCConfigs.omni.sidero.dev").within("infra-provider"),
    status("InfraProviderCombinedStatuses.omni.sidero.dev").within("ephemeral"),
    // The instance.
    open("TalosVersions.omni.sidero.dev").spec("TalosVersionSpec"),
    open("KubernetesVersions.omni.sidero.dev").spec("KubernetesVersionSpec"),
    open("TalosExtensions.omni.sidero.dev").spec("TalosExtensionsSpec"),
    open("FeaturesConfigs.omni.sidero.dev").spec("FeaturesConfigSpec"),
    open("SysVersions.system.sidero.dev").within("ephemeral").spec("SysVersionSpec"),
    open("AuthConfigs.omni.sidero.dev"),
    open("Notifications.omni.sidero.dev").within("ephemeral"),
    open("OngoingTasks.omni.sidero.dev").within("ephemeral"),
    open("MachineStatusMetrics.omni.sidero.dev").within("ephemeral"),
    open("ClusterMetrics.omni.sidero.dev").within("ephemeral"),
    open("ClusterStatusMetrics.omni.sidero.dev").within("ephemeral"),
    open("InstallationMedias.omni.sidero.dev").within("ephemeral"),
    status("Schematics.omni.sidero.dev").within("ephemeral"),
    status("ConnectionParams.omni.sidero.dev"),
    Kind::of("SiderolinkAPIConfigs.omni.sidero.dev", PROVIDER, Gate::Closed(ONLY_READ)).spec("SiderolinkAPIConfigSpec"),
    status("ImageFactoryAuths.omni.sidero.dev"),
    status("JoinTokenStatuses.omni.sidero.dev").spec("JoinTokenStatusSpec"),
    // Out of reach.
    hidden("ClusterSecrets.omni.sidero.dev"),
    hidden("ClusterMachineConfigs.omni.sidero.dev"),
    hidden("ClusterMachineSecrets.omni.sidero.dev"),
    hidden("ClusterMachineEncryptionKeys.omni.sidero.dev"),
    hidden("SecretRotations.omni.sidero.dev"),
    hidden("Kubeconfigs.omni.sidero.dev"),
    hidden("TalosConfigs.omni.sidero.dev"),
    hidden("KubernetesResources.omni.sidero.dev"),
    hidden("BackupDatas.omni.sidero.dev"),
    hidden("EtcdBackupEncryptions.omni.sidero.dev"),
    hidden("EtcdAuditResults.omni.sidero.dev"),
    hidden("MachineSetConfigStatuses.omni.sidero.dev"),
    hidden("MachineRequestSetStatuses.omni.sidero.dev"),
    hidden("SAMLAssertions.omni.sidero.dev"),
    hidden("NodeUniqueTokens.omni.sidero.dev"),
    hidden("JoinTokenUsages.omni.sidero.dev"),
    hidden("Configs.omni.sidero.dev"),
    hidden("MachineJoinConfigs.omni.sidero.dev"),
    hidden("PendingMachineStatuses.omni.sidero.dev").within("ephemeral"),
    hidden("DBVersions.system.sidero.dev"),
    hidden("CertRefreshTicks.system.sidero.dev").within("ephemeral"),
    // Computed on every read.
    open("CurrentUsers.omni.sidero.dev").within("virtual").spec("CurrentUserSpec").fresh(),
    open("Permissions.omni.sidero.dev").within("virtual").spec("PermissionsSpec").fresh(),
    open("AdvertisedEndpoints.omni.sidero.dev").within("virtual").spec("AdvertisedEndpointsSpec").fresh(),
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Kind>> =
    LazyLock::new(|| ALL.iter().map(|kind| (kind.name, kind)).collect());

/// What is known of a type.
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    BY_NAME.get(name).copied()
}

/// The namespace that objects of a type live in.
#[must_use]
pub fn namespace(name: &str) -> &'static str {
    find(name).map_or("default", |kind| kind.namespace)
}

/// The key of an object in its type's own namespace.
pub fn key(kind: &str, id: impl Into<String>) -> Key {
    Key { namespace: namespace(kind).to_owned(), kind: kind.to_owned(), id: id.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        assert_eq!(BY_NAME.len(), ALL.len());
    }

    #[test]
    fn every_message_is_defined() {
        let pool = prost_reflect::DescriptorPool::decode(crate::pb::DESCRIPTORS).unwrap();
        for kind in ALL {
            if let Some(message) = kind.message {
                assert!(pool.get_message_by_name(&format!("specs.{message}")).is_some(), "{}: {message}", kind.name);
            }
        }
    }

    #[test]
    fn an_older_server_removes_less() {
        let removed = |release| ALL.iter().filter(|k| k.removed_by_server(release)).count();
        assert_eq!((removed(Release::V1_6), removed(Release::NEWEST)), (3, 26));
    }

    #[test]
    fn roles_are_ordered_and_named() {
        assert!(Role::ALL.is_sorted());
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        assert_eq!(Role::parse("admin"), None);
    }
}
