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

/// What a caller wants with a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To get, list or watch.
    Read,
    /// To create.
    Create,
    /// To update.
    Update,
    /// To tear down or destroy.
    Destroy,
}

impl Wish {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Create, Self::Update, Self::Destroy];
}

/// How an object tells which cluster it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Not at all: policies do not apply to it.
    None,
    /// It has the cluster's id.
    Id,
    /// It has the cluster's label.
    Label,
}

/// What a provider of machines may do with the objects that are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provided {
    /// Whether it makes and changes them, and not only their finalizers.
    pub write: bool,
    /// Whether they carry its own id.
    pub own_id: bool,
}

impl Provided {
    const READ: Self = Self { write: false, own_id: false };
    const WRITE: Self = Self { write: true, own_id: false };
    const OWN_ID: Self = Self { write: true, own_id: true };
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
    /// How its objects belong to clusters.
    pub tie: Tie,
    /// What providers of machines may do with it; none when it is none of their business.
    pub provided: Option<Provided>,
    /// The first release that has it, as far as the simulator goes back.
    pub since: Release,
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
            tie: Tie::None,
            provided: None,
            since: Release::V1_2,
        }
    }

    /// Whether a server of this release has it.
    #[must_use]
    pub fn is_in(&self, release: Release) -> bool {
        release >= self.since
    }

    /// Who may do this on a server of this release.
    #[must_use]
    pub fn gate(&self, wish: Wish, release: Release) -> Gate {
        let earlier = EARLIER.iter().find(|e| e.kind == self.name && e.wishes.contains(&wish) && release < e.before);
        match (earlier, wish) {
            (Some(earlier), _) => earlier.gate,
            (None, Wish::Read) => self.read,
            (None, Wish::Create) => self.create,
            (None, Wish::Update) => self.update,
            (None, Wish::Destroy) => self.destroy,
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

    const fn read(mut self, gate: Gate) -> Self {
        self.read = gate;
        self
    }

    const fn writable(self, gate: Gate) -> Self {
        self.create(gate).update(gate).destroy(gate)
    }

    const fn named_for_cluster(mut self) -> Self {
        self.tie = Tie::Id;
        self
    }

    const fn labelled_with_cluster(mut self) -> Self {
        self.tie = Tie::Label;
        self
    }

    const fn since(mut self, release: Release) -> Self {
        self.since = release;
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

/// A type that providers of machines share with the server.
const fn infra(name: &'static str, provided: Provided) -> Kind {
    let mut kind = Kind::of(name, PROVIDER, Gate::Closed(ONLY_READ)).within("infra-provider");
    kind.provided = Some(provided);
    kind
}

/// The same, for administrators.
const fn admin(name: &'static str) -> Kind {
    Kind::of(name, ADMIN, Gate::Closed(ONLY_READ))
}

/// A type that no caller sees.
const fn hidden(name: &'static str) -> Kind {
    Kind::of(name, CLOSED, CLOSED)
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
const CLOSED: Gate = Gate::Closed(NOTHING);
const ANYONE: Gate = Gate::From(Role::None);
const PROVIDER: Gate = Gate::From(Role::InfraProvider);
const READER: Gate = Gate::From(Role::Reader);
const OPERATOR: Gate = Gate::From(Role::Operator);
const ADMIN: Gate = Gate::From(Role::Admin);

/// What other releases let callers do.
struct Earlier {
    kind: &'static str,
    wishes: &'static [Wish],
    /// The first release to which it does not apply.
    before: Release,
    gate: Gate,
}

const WRITES: &[Wish] = &[Wish::Create, Wish::Update, Wish::Destroy];

const EARLIER: &[Earlier] = &[
    // There were no calls for people yet.
    Earlier { kind: "Users.omni.sidero.dev", wishes: WRITES, before: Release::V1_6, gate: ADMIN },
    Earlier { kind: "Identities.omni.sidero.dev", wishes: WRITES, before: Release::V1_6, gate: ADMIN },
    // Reading a token, and choosing the default one, was for administrators only.
    Earlier {
        kind: "JoinTokens.omni.sidero.dev",
        wishes: &[Wish::Read, Wish::Update, Wish::Destroy],
        before: Release::V1_8,
        gate: ADMIN,
    },
    Earlier { kind: "DefaultJoinTokens.omni.sidero.dev", wishes: &Wish::ALL, before: Release::V1_8, gate: ADMIN },
    // A running 1.6.6 answered so.
    Earlier { kind: "JWTPublicKeys.system.sidero.dev", wishes: &Wish::ALL, before: Release::V1_7, gate: CLOSED },
    Earlier {
        kind: "ImportedClusterSecrets.omni.sidero.dev",
        wishes: &[Wish::Read],
        before: Release::V1_7,
        gate: READER,
    },
];

/// Every type that the server knows.
pub const ALL: &[Kind] = &[
    // Written by users.
    managed("Clusters.omni.sidero.dev", Role::Operator)
        .removal(Removal::ByServerAlways)
        .spec("ClusterSpec")
        .named_for_cluster(),
    managed("MachineSets.omni.sidero.dev", Role::Operator)
        .removal(Removal::ByServerAlways)
        .spec("MachineSetSpec")
        .labelled_with_cluster(),
    managed("MachineSetNodes.omni.sidero.dev", Role::Operator).spec("MachineSetNodeSpec").labelled_with_cluster(),
    managed("ConfigPatches.omni.sidero.dev", Role::Operator).spec("ConfigPatchSpec").labelled_with_cluster(),
    managed("ExtensionsConfigurations.omni.sidero.dev", Role::Operator)
        .spec("ExtensionsConfigurationSpec")
        .labelled_with_cluster(),
    managed("KubernetesManifestGroups.omni.sidero.dev", Role::Operator)
        .spec("KubernetesManifestGroupSpec")
        .labelled_with_cluster()
        .since(Release::V1_9),
    managed("KubernetesHealthChecks.omni.sidero.dev", Role::Operator)
        .spec("KubernetesHealthCheckSpec")
        .labelled_with_cluster()
        .since(Release::V1_9),
    managed("MachineClasses.omni.sidero.dev", Role::Operator).spec("MachineClassSpec"),
    managed("MachineLabels.omni.sidero.dev", Role::Operator).spec("MachineLabelsSpec"),
    managed("KernelArgs.omni.sidero.dev", Role::Operator)
        .spec("KernelArgsSpec")
        .labelled_with_cluster()
        .since(Release::V1_6),
    managed("MachineInstallDiskConfigs.omni.sidero.dev", Role::Operator)
        .spec("MachineInstallDiskConfigSpec")
        .since(Release::V1_10),
    managed("NodeForceDestroyRequests.omni.sidero.dev", Role::Operator)
        .spec("NodeForceDestroyRequestSpec")
        .labelled_with_cluster(),
    managed("EtcdManualBackups.omni.sidero.dev", Role::Operator)
        .within("ephemeral")
        .fresh()
        .spec("EtcdManualBackupSpec")
        .named_for_cluster(),
    managed("EtcdBackupS3Configs.omni.sidero.dev", Role::Admin).fresh().spec("EtcdBackupS3ConfSpec"),
    managed("InstallationMediaConfigs.omni.sidero.dev", Role::Operator)
        .spec("InstallationMediaConfigSpec")
        .since(Release::V1_6),
    managed("MachineRequestSets.omni.sidero.dev", Role::Operator).fresh().spec("MachineRequestSetSpec"),
    managed("InfraMachineConfigs.omni.sidero.dev", Role::Operator).fresh().spec("InfraMachineConfigSpec"),
    managed("InfraMachineBMCConfigs.omni.sidero.dev", Role::Admin).fresh().spec("InfraMachineBMCConfigSpec"),
    infra("InfraProviders.omni.sidero.dev", Provided::OWN_ID)
        .writable(READER)
        .removal(Removal::ByServer)
        .spec("InfraProviderSpec"),
    managed("GRPCTunnelConfigs.omni.sidero.dev", Role::Operator).fresh().spec("GRPCTunnelConfigSpec"),
    managed("DefaultJoinTokens.omni.sidero.dev", Role::Operator).spec("DefaultJoinTokenSpec"),
    managed("AccessPolicies.omni.sidero.dev", Role::Admin).fresh().spec("AccessPolicySpec"),
    managed("SAMLLabelRules.omni.sidero.dev", Role::Admin).fresh().spec("SAMLLabelRuleSpec"),
    managed("RotateTalosCAs.omni.sidero.dev", Role::Operator).spec("RotateTalosCASpec").named_for_cluster(),
    managed("RotateKubernetesCAs.omni.sidero.dev", Role::Operator).spec("RotateKubernetesCASpec").named_for_cluster(),
    // Written by users in part.
    Kind::of("JoinTokens.omni.sidero.dev", READER, OPERATOR).create(Gate::Closed(TOKEN_BY_CALL)).spec("JoinTokenSpec"),
    Kind::of("ImportedClusterSecrets.omni.sidero.dev", CLOSED, OPERATOR)
        .update(CLOSED)
        .spec("ImportedClusterSecretsSpec"),
    open("EulaAcceptances.omni.sidero.dev").create(ANYONE).spec("EulaAcceptanceSpec").since(Release::V1_7),
    Kind::of("Links.omni.sidero.dev", READER, Gate::Closed(ONLY_REMOVE))
        .destroy(OPERATOR)
        .removal(Removal::ByServerAlways)
        .spec("SiderolinkSpec"),
    Kind::of("PendingMachines.omni.sidero.dev", READER, Gate::Closed(ONLY_REMOVE))
        .destroy(OPERATOR)
        .within("ephemeral")
        .spec("SiderolinkSpec"),
    admin("JWTPublicKeys.system.sidero.dev").destroy(ADMIN).within("oidc").spec("JWTPublicKeySpec"),
    infra("MachineRequests.omni.sidero.dev", Provided::READ).writable(OPERATOR).spec("MachineRequestSpec"),
    // People and keys.
    Kind::of("Users.omni.sidero.dev", ADMIN, Gate::Closed(USERS_BY_CALL)).fresh().spec("UserSpec"),
    Kind::of("Identities.omni.sidero.dev", ADMIN, Gate::Closed(IDENTITIES_BY_CALL)).fresh().spec("IdentitySpec"),
    admin("IdentityStatuses.omni.sidero.dev").within("ephemeral").fresh().spec("IdentityStatusSpec"),
    admin("IdentityLastActives.omni.sidero.dev").within("metrics").spec("IdentityLastActiveSpec"),
    admin("ServiceAccountStatuses.omni.sidero.dev").within("ephemeral").spec("ServiceAccountStatusSpec"),
    admin("PublicKeyLastActives.omni.sidero.dev")
        .within("metrics")
        .spec("PublicKeyLastActiveSpec")
        .since(Release::V1_7),
    hidden("PublicKeys.omni.sidero.dev").spec("PublicKeySpec"),
    // Clusters, as the server reports them.
    status("ClusterStatuses.omni.sidero.dev").spec("ClusterStatusSpec").named_for_cluster(),
    status("ClusterBootstrapStatuses.omni.sidero.dev").spec("ClusterBootstrapStatusSpec").named_for_cluster(),
    status("ClusterUUIDs.omni.sidero.dev").spec("ClusterUUID").named_for_cluster(),
    status("ClusterConfigVersions.omni.sidero.dev").spec("ClusterConfigVersionSpec").named_for_cluster(),
    status("ClusterEndpoints.omni.sidero.dev").spec("ClusterEndpointSpec").named_for_cluster(),
    status("ClusterTaints.omni.sidero.dev").spec("ClusterTaintSpec").named_for_cluster(),
    status("ClusterDiagnostics.omni.sidero.dev").spec("ClusterDiagnosticsSpec").named_for_cluster(),
    status("ClusterKubernetesNodes.omni.sidero.dev").spec("ClusterKubernetesNodesSpec").named_for_cluster(),
    status("ClusterWorkloadProxyStatuses.omni.sidero.dev").spec("ClusterWorkloadProxyStatusSpec").named_for_cluster(),
    status("ClusterDestroyStatuses.omni.sidero.dev").spec("DestroyStatusSpec").named_for_cluster(),
    status("ClusterKubernetesManifestsStatuses.omni.sidero.dev")
        .spec("ClusterKubernetesManifestsStatusSpec")
        .named_for_cluster()
        .since(Release::V1_9),
    status("ClusterSecretsRotationStatuses.omni.sidero.dev")
        .spec("ClusterSecretsRotationStatusSpec")
        .named_for_cluster(),
    status("KubernetesStatuses.omni.sidero.dev").spec("KubernetesStatusSpec"),
    status("KubernetesUpgradeStatuses.omni.sidero.dev").spec("KubernetesUpgradeStatusSpec"),
    status("KubernetesUpgradeManifestStatuses.omni.sidero.dev").spec("KubernetesUpgradeManifestStatusSpec"),
    status("KubernetesNodeAuditResults.omni.sidero.dev").spec("KubernetesNodeAuditResultSpec"),
    status("KubernetesHealthCheckStatuses.omni.sidero.dev")
        .within("ephemeral")
        .spec("KubernetesHealthCheckStatusSpec")
        .since(Release::V1_9),
    status("TalosUpgradeStatuses.omni.sidero.dev").spec("TalosUpgradeStatusSpec"),
    status("UpgradeRollouts.omni.sidero.dev").within("ephemeral").spec("UpgradeRolloutSpec").since(Release::V1_6),
    status("LoadBalancerConfigs.omni.sidero.dev").spec("LoadBalancerConfigSpec"),
    status("LoadBalancerStatuses.omni.sidero.dev").spec("LoadBalancerStatusSpec"),
    status("ControlPlaneStatuses.omni.sidero.dev").spec("ControlPlaneStatusSpec"),
    status("ExposedServices.omni.sidero.dev").spec("ExposedServiceSpec").labelled_with_cluster(),
    status("SchematicConfigurations.omni.sidero.dev").spec("SchematicConfigurationSpec").labelled_with_cluster(),
    status("EtcdBackupStatuses.omni.sidero.dev").within("metrics").spec("EtcdBackupStatusSpec").named_for_cluster(),
    status("EtcdBackups.omni.sidero.dev").within("external").fresh().spec("EtcdBackupSpec").labelled_with_cluster(),
    status("EtcdBackupOverallStatuses.omni.sidero.dev").within("metrics").spec("EtcdBackupOverallStatusSpec"),
    status("EtcdBackupStoreStatuses.omni.sidero.dev").within("ephemeral").spec("EtcdBackupStoreStatusSpec"),
    // Sets and members.
    status("MachineSetStatuses.omni.sidero.dev").spec("MachineSetStatusSpec").labelled_with_cluster(),
    status("MachineSetDestroyStatuses.omni.sidero.dev").within("ephemeral").spec("DestroyStatusSpec"),
    status("ClusterMachines.omni.sidero.dev").spec("ClusterMachineSpec").labelled_with_cluster(),
    status("ClusterMachineStatuses.omni.sidero.dev").spec("ClusterMachineStatusSpec"),
    status("ClusterMachineIdentities.omni.sidero.dev").spec("ClusterMachineIdentitySpec").labelled_with_cluster(),
    status("ClusterMachineConfigStatuses.omni.sidero.dev")
        .spec("ClusterMachineConfigStatusSpec")
        .labelled_with_cluster(),
    status("ClusterMachineConfigPatches.omni.sidero.dev")
        .spec("ClusterMachineConfigPatchesSpec")
        .labelled_with_cluster(),
    status("ClusterMachineTalosVersions.omni.sidero.dev")
        .spec("ClusterMachineTalosVersionSpec")
        .labelled_with_cluster(),
    status("ClusterMachineRequestStatuses.omni.sidero.dev").spec("ClusterMachineRequestStatusSpec"),
    status("RedactedClusterMachineConfigs.omni.sidero.dev").spec("RedactedClusterMachineConfigSpec"),
    // Machines.
    Kind::of("Machines.omni.sidero.dev", PROVIDER, Gate::Closed(ONLY_READ)).spec("MachineSpec"),
    status("MachineStatuses.omni.sidero.dev").spec("MachineStatusSpec"),
    status("MachineStatusLabels.omni.sidero.dev"),
    status("MachineStatusLinks.omni.sidero.dev").within("metrics").spec("MachineStatusLinkSpec"),
    status("MachineStatusSnapshots.omni.sidero.dev").spec("MachineStatusSnapshotSpec"),
    status("MachineUpgradeStatuses.omni.sidero.dev").spec("MachineUpgradeStatusSpec"),
    status("MachineExtensions.omni.sidero.dev").spec("MachineExtensionsSpec").labelled_with_cluster(),
    status("MachineExtensionsStatuses.omni.sidero.dev").spec("MachineExtensionsStatusSpec").labelled_with_cluster(),
    status("MachineInstallDiskStatuses.omni.sidero.dev").spec("MachineInstallDiskStatusSpec").since(Release::V1_10),
    status("KernelArgsStatuses.omni.sidero.dev").spec("KernelArgsStatusSpec").since(Release::V1_6),
    status("MachinePendingUpdates.omni.sidero.dev").spec("MachinePendingUpdatesSpec"),
    status("MachineConfigDiffs.omni.sidero.dev").spec("MachineConfigDiffSpec"),
    status("MachineConfigGenOptions.omni.sidero.dev").spec("MachineConfigGenOptionsSpec"),
    status("MachineConfigExtractionStatuses.omni.sidero.dev")
        .spec("MachineConfigExtractionStatusSpec")
        .since(Release::V1_7),
    status("MaintenanceConfigStatuses.omni.sidero.dev").spec("MaintenanceConfigStatusSpec"),
    status("NodeUniqueTokenStatuses.omni.sidero.dev").spec("NodeUniqueTokenStatusSpec"),
    status("LinkStatuses.omni.sidero.dev").within("ephemeral").spec("LinkStatusSpec"),
    status("ImagePullRequests.omni.sidero.dev").spec("ImagePullRequestSpec").labelled_with_cluster(),
    status("ImagePullStatuses.omni.sidero.dev").spec("ImagePullStatusSpec").labelled_with_cluster(),
    status("DiscoveryAffiliateDeleteTasks.omni.sidero.dev")
        .spec("DiscoveryAffiliateDeleteTaskSpec")
        .labelled_with_cluster(),
    // Providers of machines.
    infra("InfraProviderStatuses.omni.sidero.dev", Provided::OWN_ID).spec("InfraProviderStatusSpec"),
    infra("InfraMachines.omni.sidero.dev", Provided::READ).spec("InfraMachineSpec"),
    infra("InfraMachineStatuses.omni.sidero.dev", Provided::WRITE).spec("InfraMachineStatusSpec"),
    infra("InfraMachineRegistrations.omni.sidero.dev", Provided::WRITE).spec("MachineRegistrationSpec"),
    infra("MachineRequestStatuses.omni.sidero.dev", Provided::WRITE).spec("MachineRequestStatusSpec"),
    infra("ConfigPatchRequests.omni.sidero.dev", Provided::WRITE).spec("ConfigPatchSpec"),
    infra("ProviderJoinConfigs.omni.sidero.dev", Provided::READ).spec("ProviderJoinConfigSpec"),
    infra("InfraProviderHealthStatuses.omni.sidero.dev", Provided::OWN_ID)
        .within("infra-provider-ephemeral")
        .spec("InfraProviderHealthStatusSpec"),
    infra("BMCConfigs.omni.sidero.dev", Provided::READ).read(ADMIN).spec("BMCConfigSpec"),
    status("InfraProviderCombinedStatuses.omni.sidero.dev").within("ephemeral").spec("InfraProviderCombinedStatusSpec"),
    // The instance.
    open("TalosVersions.omni.sidero.dev").spec("TalosVersionSpec"),
    open("KubernetesVersions.omni.sidero.dev").spec("KubernetesVersionSpec"),
    open("TalosExtensions.omni.sidero.dev").spec("TalosExtensionsSpec"),
    open("FeaturesConfigs.omni.sidero.dev").spec("FeaturesConfigSpec"),
    open("SysVersions.system.sidero.dev").within("ephemeral").spec("SysVersionSpec"),
    open("AuthConfigs.omni.sidero.dev").spec("AuthConfigSpec"),
    open("Notifications.omni.sidero.dev").within("ephemeral").spec("NotificationSpec"),
    open("OngoingTasks.omni.sidero.dev").within("ephemeral").spec("OngoingTaskSpec"),
    open("MachineStatusMetrics.omni.sidero.dev").within("ephemeral").spec("MachineStatusMetricsSpec"),
    open("ClusterMetrics.omni.sidero.dev").within("ephemeral").spec("ClusterMetricsSpec"),
    open("ClusterStatusMetrics.omni.sidero.dev").within("ephemeral").spec("ClusterStatusMetricsSpec"),
    open("InstallationMedias.omni.sidero.dev").within("ephemeral").spec("InstallationMediaSpec"),
    status("Schematics.omni.sidero.dev").within("ephemeral").spec("SchematicSpec"),
    Kind::of("ConnectionParams.omni.sidero.dev", PROVIDER, Gate::Closed(ONLY_READ)).spec("ConnectionParamsSpec"),
    Kind::of("SiderolinkAPIConfigs.omni.sidero.dev", PROVIDER, Gate::Closed(ONLY_READ)).spec("SiderolinkAPIConfigSpec"),
    status("ImageFactoryAuths.omni.sidero.dev").spec("ImageFactoryAuthSpec").since(Release::V1_7),
    status("JoinTokenStatuses.omni.sidero.dev").spec("JoinTokenStatusSpec"),
    // Out of reach.
    hidden("ClusterSecrets.omni.sidero.dev").spec("ClusterSecretsSpec").named_for_cluster(),
    hidden("ClusterMachineConfigs.omni.sidero.dev").spec("ClusterMachineConfigSpec").labelled_with_cluster(),
    hidden("ClusterMachineSecrets.omni.sidero.dev").spec("ClusterMachineSecretsSpec"),
    hidden("ClusterMachineEncryptionKeys.omni.sidero.dev").spec("ClusterMachineEncryptionKeySpec"),
    hidden("SecretRotations.omni.sidero.dev").spec("SecretRotationSpec"),
    hidden("Kubeconfigs.omni.sidero.dev").spec("KubeconfigSpec"),
    hidden("TalosConfigs.omni.sidero.dev").spec("TalosConfigSpec"),
    hidden("KubernetesResources.omni.sidero.dev"),
    hidden("BackupDatas.omni.sidero.dev").spec("BackupDataSpec"),
    hidden("EtcdBackupEncryptions.omni.sidero.dev").spec("EtcdBackupEncryptionSpec"),
    hidden("EtcdAuditResults.omni.sidero.dev").spec("EtcdAuditResultSpec").named_for_cluster(),
    hidden("MachineSetConfigStatuses.omni.sidero.dev").spec("MachineSetConfigStatusSpec"),
    hidden("MachineRequestSetStatuses.omni.sidero.dev").spec("MachineRequestSetStatusSpec"),
    hidden("SAMLAssertions.omni.sidero.dev").spec("SAMLAssertionSpec"),
    hidden("NodeUniqueTokens.omni.sidero.dev").spec("NodeUniqueTokenSpec"),
    hidden("JoinTokenUsages.omni.sidero.dev").spec("JoinTokenUsageSpec"),
    hidden("Configs.omni.sidero.dev").spec("SiderolinkConfigSpec"),
    hidden("MachineJoinConfigs.omni.sidero.dev").spec("MachineJoinConfigSpec"),
    hidden("PendingMachineStatuses.omni.sidero.dev").within("ephemeral").spec("PendingMachineStatusSpec"),
    hidden("DBVersions.system.sidero.dev").spec("DBVersionSpec"),
    hidden("CertRefreshTicks.system.sidero.dev").within("ephemeral").spec("CertRefreshTickSpec"),
    // Computed on every read.
    open("CurrentUsers.omni.sidero.dev").within("virtual").fresh().spec("CurrentUserSpec"),
    open("Permissions.omni.sidero.dev").within("virtual").fresh().spec("PermissionsSpec"),
    open("AdvertisedEndpoints.omni.sidero.dev").within("virtual").fresh().spec("AdvertisedEndpointsSpec"),
    open("ClusterPermissions.omni.sidero.dev").within("virtual").fresh().spec("ClusterPermissionsSpec"),
    status("LabelsCompletions.omni.sidero.dev").within("virtual").fresh().spec("LabelsCompletionSpec"),
    status("KubernetesUsages.omni.sidero.dev").within("virtual").fresh().spec("KubernetesUsageSpec"),
    status("MetalPlatformConfigs.omni.sidero.dev").within("virtual").fresh().spec("PlatformConfigSpec"),
    status("CloudPlatformConfigs.omni.sidero.dev").within("virtual").fresh().spec("PlatformConfigSpec"),
    status("SBCConfigs.omni.sidero.dev").within("virtual").fresh().spec("SBCConfigSpec"),
    status("Supports.omni.sidero.dev").within("virtual").fresh().spec("SupportSpec").since(Release::V1_7),
    open("Quirks.omni.sidero.dev").within("virtual").fresh().spec("QuirksSpec").since(Release::V1_7),
    open("VersionContract.omni.sidero.dev").within("virtual").fresh().spec("VersionContractSpec").since(Release::V1_7),
    // What the server says of namespaces and types.
    open("Namespaces.meta.cosi.dev").within("meta").fresh(),
    open("ResourceDefinitions.meta.cosi.dev").within("meta").fresh(),
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
