//! The names that Omni gives to types, labels, annotations and controllers.
//! Names only: what they mean is for the rules and the controllers.

/// Types, as they stand in an object's key.
pub mod kind {
    /// Clusters.
    pub const CLUSTER: &str = "Clusters.omni.sidero.dev";
    /// What Omni reports of a cluster.
    pub const CLUSTER_STATUS: &str = "ClusterStatuses.omni.sidero.dev";
    /// Whether a cluster was ever bootstrapped.
    pub const CLUSTER_BOOTSTRAP_STATUS: &str = "ClusterBootstrapStatuses.omni.sidero.dev";
    /// The UUID that a cluster keeps for life.
    pub const CLUSTER_UUID: &str = "ClusterUUIDs.omni.sidero.dev";
    /// The Talos version that a cluster was made with.
    pub const CLUSTER_CONFIG_VERSION: &str = "ClusterConfigVersions.omni.sidero.dev";
    /// The addresses of a cluster's control planes.
    pub const CLUSTER_ENDPOINT: &str = "ClusterEndpoints.omni.sidero.dev";
    /// How far the destruction of a cluster is.
    pub const CLUSTER_DESTROY_STATUS: &str = "ClusterDestroyStatuses.omni.sidero.dev";
    /// Where a cluster's Kubernetes API is reached through Omni.
    pub const LOAD_BALANCER_CONFIG: &str = "LoadBalancerConfigs.omni.sidero.dev";
    /// Whether that way works.
    pub const LOAD_BALANCER_STATUS: &str = "LoadBalancerStatuses.omni.sidero.dev";
    /// How a change of the Kubernetes version goes.
    pub const KUBERNETES_UPGRADE_STATUS: &str = "KubernetesUpgradeStatuses.omni.sidero.dev";
    /// How a change of the Talos version goes.
    pub const TALOS_UPGRADE_STATUS: &str = "TalosUpgradeStatuses.omni.sidero.dev";
    /// The nodes and static pods that Kubernetes reports.
    pub const KUBERNETES_STATUS: &str = "KubernetesStatuses.omni.sidero.dev";
    /// The health of a control plane.
    pub const CONTROL_PLANE_STATUS: &str = "ControlPlaneStatuses.omni.sidero.dev";
    /// Sets of machines in one role.
    pub const MACHINE_SET: &str = "MachineSets.omni.sidero.dev";
    /// What Omni reports of a set.
    pub const MACHINE_SET_STATUS: &str = "MachineSetStatuses.omni.sidero.dev";
    /// How far the destruction of a set is.
    pub const MACHINE_SET_DESTROY_STATUS: &str = "MachineSetDestroyStatuses.omni.sidero.dev";
    /// The place of one machine in a set.
    pub const MACHINE_SET_NODE: &str = "MachineSetNodes.omni.sidero.dev";
    /// A machine as a cluster machine.
    pub const CLUSTER_MACHINE: &str = "ClusterMachines.omni.sidero.dev";
    /// What Omni reports of a cluster machine.
    pub const CLUSTER_MACHINE_STATUS: &str = "ClusterMachineStatuses.omni.sidero.dev";
    /// How a cluster machine is called within its cluster.
    pub const CLUSTER_MACHINE_IDENTITY: &str = "ClusterMachineIdentities.omni.sidero.dev";
    /// What was last applied to a cluster machine.
    pub const CLUSTER_MACHINE_CONFIG_STATUS: &str = "ClusterMachineConfigStatuses.omni.sidero.dev";
    /// The Talos version and schematic that a cluster machine should run.
    pub const CLUSTER_MACHINE_TALOS_VERSION: &str = "ClusterMachineTalosVersions.omni.sidero.dev";
    /// Patches to the machine configuration.
    pub const CONFIG_PATCH: &str = "ConfigPatches.omni.sidero.dev";
    /// Lists of Talos extensions.
    pub const EXTENSIONS_CONFIGURATION: &str = "ExtensionsConfigurations.omni.sidero.dev";
    /// Manifests that Omni applies to a cluster.
    pub const KUBERNETES_MANIFEST_GROUP: &str = "KubernetesManifestGroups.omni.sidero.dev";
    /// Jobs that say whether a cluster is well.
    pub const KUBERNETES_HEALTH_CHECK: &str = "KubernetesHealthChecks.omni.sidero.dev";
    /// Named choices of machines.
    pub const MACHINE_CLASS: &str = "MachineClasses.omni.sidero.dev";
    /// Labels that users give to a machine.
    pub const MACHINE_LABELS: &str = "MachineLabels.omni.sidero.dev";
    /// Kernel arguments of a machine.
    pub const KERNEL_ARGS: &str = "KernelArgs.omni.sidero.dev";
    /// The disk to install a machine on.
    pub const MACHINE_INSTALL_DISK_CONFIG: &str = "MachineInstallDiskConfigs.omni.sidero.dev";
    /// Requests to give up on a machine that does not answer.
    pub const NODE_FORCE_DESTROY_REQUEST: &str = "NodeForceDestroyRequests.omni.sidero.dev";
    /// Machines that ever joined.
    pub const MACHINE: &str = "Machines.omni.sidero.dev";
    /// What Omni reports of a machine.
    pub const MACHINE_STATUS: &str = "MachineStatuses.omni.sidero.dev";
    /// The labels of a machine's status, without the rest.
    pub const MACHINE_STATUS_LABELS: &str = "MachineStatusLabels.omni.sidero.dev";
    /// The tunnel of a machine.
    pub const LINK: &str = "Links.omni.sidero.dev";
    /// What an infrastructure provider says of a machine.
    pub const INFRA_MACHINE_CONFIG: &str = "InfraMachineConfigs.omni.sidero.dev";
    /// How to reach the management controller of a machine.
    pub const INFRA_MACHINE_BMC_CONFIG: &str = "InfraMachineBMCConfigs.omni.sidero.dev";
    /// What is known of an infrastructure provider.
    pub const INFRA_PROVIDER_STATUS: &str = "InfraProviderStatuses.omni.sidero.dev";
    /// Programs that offer machines.
    pub const INFRA_PROVIDER: &str = "InfraProviders.omni.sidero.dev";
    /// When a provider was last heard of.
    pub const INFRA_PROVIDER_HEALTH_STATUS: &str = "InfraProviderHealthStatuses.omni.sidero.dev";
    /// What users see of a provider.
    pub const INFRA_PROVIDER_COMBINED_STATUS: &str = "InfraProviderCombinedStatuses.omni.sidero.dev";
    /// What a provider gives to its machines so that they join.
    pub const PROVIDER_JOIN_CONFIG: &str = "ProviderJoinConfigs.omni.sidero.dev";
    /// How many machines a provider should make.
    pub const MACHINE_REQUEST_SET: &str = "MachineRequestSets.omni.sidero.dev";
    /// That a set of requests is taken care of.
    pub const MACHINE_REQUEST_SET_STATUS: &str = "MachineRequestSetStatuses.omni.sidero.dev";
    /// One machine that a provider should make.
    pub const MACHINE_REQUEST: &str = "MachineRequests.omni.sidero.dev";
    /// How far the provider is with it.
    pub const MACHINE_REQUEST_STATUS: &str = "MachineRequestStatuses.omni.sidero.dev";
    /// The same, for the cluster that waits for it.
    pub const CLUSTER_MACHINE_REQUEST_STATUS: &str = "ClusterMachineRequestStatuses.omni.sidero.dev";
    /// What a provider should do with a machine that it has.
    pub const INFRA_MACHINE: &str = "InfraMachines.omni.sidero.dev";
    /// What it did.
    pub const INFRA_MACHINE_STATUS: &str = "InfraMachineStatuses.omni.sidero.dev";
    /// How a provider reaches the management controller of a machine.
    pub const BMC_CONFIG: &str = "BMCConfigs.omni.sidero.dev";
    /// Machines that knock, and may not join yet.
    pub const PENDING_MACHINE: &str = "PendingMachines.omni.sidero.dev";
    /// What is known of them.
    pub const PENDING_MACHINE_STATUS: &str = "PendingMachineStatuses.omni.sidero.dev";
    /// The secret that a machine is known by.
    pub const NODE_UNIQUE_TOKEN: &str = "NodeUniqueTokens.omni.sidero.dev";
    /// Where the machine keeps it.
    pub const NODE_UNIQUE_TOKEN_STATUS: &str = "NodeUniqueTokenStatuses.omni.sidero.dev";
    /// The join token that a machine came with.
    pub const JOIN_TOKEN_USAGE: &str = "JoinTokenUsages.omni.sidero.dev";
    /// Requests for a backup now.
    pub const ETCD_MANUAL_BACKUP: &str = "EtcdManualBackups.omni.sidero.dev";
    /// Where backups go.
    pub const ETCD_BACKUP_S3_CONFIG: &str = "EtcdBackupS3Configs.omni.sidero.dev";
    /// Whether they can go there.
    pub const ETCD_BACKUP_STORE_STATUS: &str = "EtcdBackupStoreStatuses.omni.sidero.dev";
    /// How the backups of a cluster go.
    pub const ETCD_BACKUP_STATUS: &str = "EtcdBackupStatuses.omni.sidero.dev";
    /// How backups go at all.
    pub const ETCD_BACKUP_OVERALL_STATUS: &str = "EtcdBackupOverallStatuses.omni.sidero.dev";
    /// Backups that there are.
    pub const ETCD_BACKUP: &str = "EtcdBackups.omni.sidero.dev";
    /// Secrets of a cluster that is taken over.
    pub const IMPORTED_CLUSTER_SECRETS: &str = "ImportedClusterSecrets.omni.sidero.dev";
    /// Requests for new Talos authorities.
    pub const ROTATE_TALOS_CA: &str = "RotateTalosCAs.omni.sidero.dev";
    /// Requests for new Kubernetes authorities.
    pub const ROTATE_KUBERNETES_CA: &str = "RotateKubernetesCAs.omni.sidero.dev";
    /// Talos versions on offer.
    pub const TALOS_VERSION: &str = "TalosVersions.omni.sidero.dev";
    /// Kubernetes versions on offer.
    pub const KUBERNETES_VERSION: &str = "KubernetesVersions.omni.sidero.dev";
    /// Extensions on offer, by Talos version.
    pub const TALOS_EXTENSIONS: &str = "TalosExtensions.omni.sidero.dev";
    /// What this instance can do.
    pub const FEATURES_CONFIG: &str = "FeaturesConfigs.omni.sidero.dev";
    /// The version of the server.
    pub const SYS_VERSION: &str = "SysVersions.system.sidero.dev";
    /// Tokens that machines join with.
    pub const JOIN_TOKEN: &str = "JoinTokens.omni.sidero.dev";
    /// The token for machines that bring none.
    pub const DEFAULT_JOIN_TOKEN: &str = "DefaultJoinTokens.omni.sidero.dev";
    /// The state of a token.
    pub const JOIN_TOKEN_STATUS: &str = "JoinTokenStatuses.omni.sidero.dev";
    /// Who accepted the licence.
    pub const EULA_ACCEPTANCE: &str = "EulaAcceptances.omni.sidero.dev";
    /// How machines reach this instance, with its keys.
    pub const SIDEROLINK_CONFIG: &str = "Configs.omni.sidero.dev";
    /// What machines are started with.
    pub const CONNECTION_PARAMS: &str = "ConnectionParams.omni.sidero.dev";
    /// Presets of installation media.
    pub const INSTALLATION_MEDIA_CONFIG: &str = "InstallationMediaConfigs.omni.sidero.dev";
    /// How a change of a cluster's secrets goes.
    pub const CLUSTER_SECRETS_ROTATION_STATUS: &str = "ClusterSecretsRotationStatuses.omni.sidero.dev";
    /// Who may do more on some clusters.
    pub const ACCESS_POLICY: &str = "AccessPolicies.omni.sidero.dev";
    /// Roles for those who come through SAML.
    pub const SAML_LABEL_RULE: &str = "SAMLLabelRules.omni.sidero.dev";
    /// Names that people and programs sign with.
    pub const IDENTITY: &str = "Identities.omni.sidero.dev";
    /// What an identity may do.
    pub const USER: &str = "Users.omni.sidero.dev";
    /// Keys that identities sign with.
    pub const PUBLIC_KEY: &str = "PublicKeys.omni.sidero.dev";
    /// How people sign in.
    pub const AUTH_CONFIG: &str = "AuthConfigs.omni.sidero.dev";
    /// How machines reach this instance.
    pub const SIDEROLINK_API_CONFIG: &str = "SiderolinkAPIConfigs.omni.sidero.dev";
    /// The secrets that such a change works with.
    pub const SECRET_ROTATION: &str = "SecretRotations.omni.sidero.dev";
    /// The secrets that a cluster machine was given.
    pub const CLUSTER_MACHINE_SECRETS: &str = "ClusterMachineSecrets.omni.sidero.dev";
    /// The addresses and names that a cluster's nodes should have.
    pub const CLUSTER_KUBERNETES_NODES: &str = "ClusterKubernetesNodes.omni.sidero.dev";
    /// The secrets of a cluster.
    pub const CLUSTER_SECRETS: &str = "ClusterSecrets.omni.sidero.dev";
    /// How many services a cluster exposes.
    pub const CLUSTER_WORKLOAD_PROXY_STATUS: &str = "ClusterWorkloadProxyStatuses.omni.sidero.dev";
    /// Who went past Omni to a cluster.
    pub const CLUSTER_TAINT: &str = "ClusterTaints.omni.sidero.dev";
    /// The cluster machines of a cluster that complain.
    pub const CLUSTER_DIAGNOSTICS: &str = "ClusterDiagnostics.omni.sidero.dev";
    /// How a cluster is backed up.
    pub const BACKUP_DATA: &str = "BackupDatas.omni.sidero.dev";
    /// The key of a cluster's backups.
    pub const ETCD_BACKUP_ENCRYPTION: &str = "EtcdBackupEncryptions.omni.sidero.dev";
    /// Omni's own way into a cluster's Kubernetes.
    pub const KUBECONFIG: &str = "Kubeconfigs.omni.sidero.dev";
    /// Omni's own way to a cluster's machines.
    pub const TALOS_CONFIG: &str = "TalosConfigs.omni.sidero.dev";
    /// How many of a cluster's own manifests differ from what they should be.
    pub const KUBERNETES_UPGRADE_MANIFEST_STATUS: &str = "KubernetesUpgradeManifestStatuses.omni.sidero.dev";
    /// How the manifests of users get into a cluster.
    pub const CLUSTER_KUBERNETES_MANIFESTS_STATUS: &str = "ClusterKubernetesManifestsStatuses.omni.sidero.dev";
    /// What a health check found.
    pub const KUBERNETES_HEALTH_CHECK_STATUS: &str = "KubernetesHealthCheckStatuses.omni.sidero.dev";
    /// A service of a cluster that Omni shows to the outside.
    pub const EXPOSED_SERVICE: &str = "ExposedServices.omni.sidero.dev";
    /// How many machines of a set may be upgraded now.
    pub const UPGRADE_ROLLOUT: &str = "UpgradeRollouts.omni.sidero.dev";
    /// Whether the configurations of a set may be changed now.
    pub const MACHINE_SET_CONFIG_STATUS: &str = "MachineSetConfigStatuses.omni.sidero.dev";
    /// The patches for a cluster machine, in order.
    pub const CLUSTER_MACHINE_CONFIG_PATCHES: &str = "ClusterMachineConfigPatches.omni.sidero.dev";
    /// The configuration that a cluster machine should have.
    pub const CLUSTER_MACHINE_CONFIG: &str = "ClusterMachineConfigs.omni.sidero.dev";
    /// The same, without its secrets.
    pub const REDACTED_CLUSTER_MACHINE_CONFIG: &str = "RedactedClusterMachineConfigs.omni.sidero.dev";
    /// The key of a cluster machine's disks.
    pub const CLUSTER_MACHINE_ENCRYPTION_KEY: &str = "ClusterMachineEncryptionKeys.omni.sidero.dev";
    /// What waits to be changed on a cluster machine.
    pub const MACHINE_PENDING_UPDATES: &str = "MachinePendingUpdates.omni.sidero.dev";
    /// What was changed on a cluster machine.
    pub const MACHINE_CONFIG_DIFF: &str = "MachineConfigDiffs.omni.sidero.dev";
    /// The extensions that a cluster machine should have.
    pub const MACHINE_EXTENSIONS: &str = "MachineExtensions.omni.sidero.dev";
    /// The extensions that it has, gets and loses.
    pub const MACHINE_EXTENSIONS_STATUS: &str = "MachineExtensionsStatuses.omni.sidero.dev";
    /// The schematic that a machine should run.
    pub const SCHEMATIC_CONFIGURATION: &str = "SchematicConfigurations.omni.sidero.dev";
    /// What the installation of a machine is made of.
    pub const MACHINE_CONFIG_GEN_OPTIONS: &str = "MachineConfigGenOptions.omni.sidero.dev";
    /// The kernel arguments that a machine has and should have.
    pub const KERNEL_ARGS_STATUS: &str = "KernelArgsStatuses.omni.sidero.dev";
    /// Whether a machine runs the schematic that it should.
    pub const MACHINE_UPGRADE_STATUS: &str = "MachineUpgradeStatuses.omni.sidero.dev";
    /// The disk that a machine will be installed on.
    pub const MACHINE_INSTALL_DISK_STATUS: &str = "MachineInstallDiskStatuses.omni.sidero.dev";
    /// What a machine said of itself last.
    pub const MACHINE_STATUS_SNAPSHOT: &str = "MachineStatusSnapshots.omni.sidero.dev";
    /// What is known of a machine and its tunnel, in one place.
    pub const MACHINE_STATUS_LINK: &str = "MachineStatusLinks.omni.sidero.dev";
    /// Counts of machines.
    pub const MACHINE_STATUS_METRICS: &str = "MachineStatusMetrics.omni.sidero.dev";
    /// Counts of what clusters use.
    pub const CLUSTER_METRICS: &str = "ClusterMetrics.omni.sidero.dev";
    /// Counts of how clusters are.
    pub const CLUSTER_STATUS_METRICS: &str = "ClusterStatusMetrics.omni.sidero.dev";
    /// What the server is busy with.
    pub const ONGOING_TASK: &str = "OngoingTasks.omni.sidero.dev";
    /// What the server wants everybody to know.
    pub const NOTIFICATION: &str = "Notifications.omni.sidero.dev";
}

/// Labels. Flags carry an empty value: it is their presence that counts.
pub mod label {
    /// The start of every label that Omni keeps for itself.
    pub const PREFIX: &str = "omni.sidero.dev/";
    /// The cluster that an object belongs to.
    pub const CLUSTER: &str = "omni.sidero.dev/cluster";
    /// The machine set that an object belongs to.
    pub const MACHINE_SET: &str = "omni.sidero.dev/machine-set";
    /// The cluster machine that an object is meant for.
    pub const CLUSTER_MACHINE: &str = "omni.sidero.dev/cluster-machine";
    /// The machine that an object is meant for.
    pub const MACHINE: &str = "omni.sidero.dev/machine";
    /// Flag: control plane.
    pub const CONTROL_PLANE: &str = "omni.sidero.dev/role-controlplane";
    /// Flag: worker.
    pub const WORKER: &str = "omni.sidero.dev/role-worker";
    /// The UUID of a cluster.
    pub const CLUSTER_UUID: &str = "omni.sidero.dev/cluster-uuid";
    /// Flag: the cluster was taken over.
    pub const TAINTED_BY_IMPORTING: &str = "omni.sidero.dev/tainted-by-importing";
    /// Flag: the cluster was given away.
    pub const TAINTED_BY_EXPORTING: &str = "omni.sidero.dev/tainted-by-exporting";
    /// Flag: the node was made by the allocation.
    pub const MANAGED_BY_ALLOCATION: &str = "omni.sidero.dev/managed-by-machine-set-node-controller";
    /// Flag: users may not pick this machine.
    pub const NO_MANUAL_ALLOCATION: &str = "omni.sidero.dev/no-manual-allocation";
    /// Flag: the provider's machines are made by hand.
    pub const STATIC_INFRA_PROVIDER: &str = "omni.sidero.dev/is-static-infra-provider";
    /// The provider that a machine or a request belongs to.
    pub const INFRA_PROVIDER_ID: &str = "omni.sidero.dev/infra-provider-id";
    /// The UUID of a machine, on what does not have it for an id.
    pub const MACHINE_UUID: &str = "omni.sidero.dev/machine-uuid";
    /// The request that a machine was made for.
    pub const MACHINE_REQUEST: &str = "omni.sidero.dev/machine-request";
    /// The set of requests that a request or its machine belongs to.
    pub const MACHINE_REQUEST_SET: &str = "omni.sidero.dev/machine-request-set";
    /// Flag: somebody has to accept the machine.
    pub const MACHINE_PENDING_ACCEPT: &str = "omni.sidero.dev/machine-pending-accept";
    /// Flag: the machine answers.
    pub const CONNECTED: &str = "omni.sidero.dev/connected";
    /// Flag: the machine does not answer.
    pub const DISCONNECTED: &str = "omni.sidero.dev/disconnected";
    /// Flag: the machine is in no cluster.
    pub const AVAILABLE: &str = "omni.sidero.dev/available";
    /// Flag: the machine can be put into a cluster.
    pub const READY_TO_USE: &str = "omni.sidero.dev/ready-to-use";
    /// Flag: the machine sends events.
    pub const REPORTING_EVENTS: &str = "omni.sidero.dev/reporting-events";
    /// Flag: Talos is installed on a disk.
    pub const INSTALLED: &str = "omni.sidero.dev/installed";
    /// Processor architecture.
    pub const ARCH: &str = "omni.sidero.dev/arch";
    /// Processor maker.
    pub const CPU: &str = "omni.sidero.dev/cpu";
    /// Processor cores.
    pub const CORES: &str = "omni.sidero.dev/cores";
    /// Memory.
    pub const MEM: &str = "omni.sidero.dev/mem";
    /// Size of all disks.
    pub const STORAGE: &str = "omni.sidero.dev/storage";
    /// Speed of the network.
    pub const NET: &str = "omni.sidero.dev/net";
    /// The platform that Talos runs on.
    pub const PLATFORM: &str = "omni.sidero.dev/platform";
    /// The Talos version that runs.
    pub const TALOS_VERSION: &str = "omni.sidero.dev/talos-version";
    /// The host name.
    pub const HOSTNAME: &str = "omni.sidero.dev/hostname";
    /// The name of the Kubernetes node.
    pub const NODE_NAME: &str = "omni.sidero.dev/node-name";
    /// Flag: changes wait for a lock.
    pub const LOCKED_UPDATE: &str = "omni.sidero.dev/locked-update";
    /// The region of a cloud.
    pub const REGION: &str = "omni.sidero.dev/region";
    /// The zone of a region.
    pub const ZONE: &str = "omni.sidero.dev/zone";
    /// The type of a cloud's machine.
    pub const INSTANCE: &str = "omni.sidero.dev/instance";
    /// Flag: the manifests are Omni's own.
    pub const SYSTEM_MANIFEST: &str = "omni.sidero.dev/system-manifest";
    /// Flag: the identity is a program's.
    pub const SERVICE_ACCOUNT: &str = "type-service-account";
    /// Flag: somebody went past Omni to the cluster.
    pub const TAINTED_BY_BREAK_GLASS: &str = "omni.sidero.dev/tainted-by-break-glass";
    /// Flag: the object is switched off.
    pub const DISABLED: &str = "omni.sidero.dev/disabled";
    /// Flag: the server wrote this patch.
    pub const SYSTEM_PATCH: &str = "omni.sidero.dev/system-patch";
    /// The list of extensions that counts for a machine.
    pub const ROOT_CONFIGURATION: &str = "omni.sidero.dev/root-configuration";
    /// The name that an exposed service is reached by.
    pub const EXPOSED_SERVICE_ALIAS: &str = "omni.sidero.dev/exposed-service-alias";
    /// Flag: the join token can be used.
    pub const ACTIVE_JOIN_TOKEN: &str = "omni.sidero.dev/active-join-token";
}

/// Annotations.
pub mod annotation {
    /// Flag: the cluster may not be changed.
    pub const CLUSTER_LOCKED: &str = "omni.sidero.dev/cluster-locked";
    /// Flag: the cluster is being taken over, so its lock does not count.
    pub const CLUSTER_IMPORT_IN_PROGRESS: &str = "omni.sidero.dev/cluster-import-is-in-progress";
    /// Flag: a cluster template wrote the object.
    pub const MANAGED_BY_TEMPLATES: &str = "omni.sidero.dev/managed-by-cluster-templates";
    /// The name that people give to an object.
    pub const NAME: &str = "name";
    /// What people say of it.
    pub const DESCRIPTION: &str = "description";
    /// Flag: the machine may not be changed.
    pub const MACHINE_LOCKED: &str = "omni.sidero.dev/locked";
    /// Flag: the cloud's tags were copied to the labels.
    pub const PLATFORM_TAG_LABELS: &str = "omni.sidero.dev/platform-tag-labels-initialized";
    /// Flag: the kernel arguments were copied from the image.
    pub const KERNEL_ARGS_INITIALIZED: &str = "omni.sidero.dev/kernel-args-initialized";
}

/// The names of Omni's controllers, as owners and finalizers.
pub mod controller {
    /// Makes and removes what hangs on a cluster.
    pub const CLUSTER: &str = "ClusterController";
    /// Reports on clusters.
    pub const CLUSTER_STATUS: &str = "ClusterStatusController";
    /// Says whether a cluster was bootstrapped.
    pub const CLUSTER_BOOTSTRAP_STATUS: &str = "ClusterBootstrapStatusController";
    /// Gives clusters their UUID.
    pub const CLUSTER_UUID: &str = "ClusterUUIDController";
    /// Records the first Talos version.
    pub const CLUSTER_CONFIG_VERSION: &str = "ClusterConfigVersionController";
    /// Collects the addresses of control planes.
    pub const CLUSTER_ENDPOINT: &str = "ClusterEndpointController";
    /// Reports on destructions of clusters.
    pub const CLUSTER_DESTROY_STATUS: &str = "ClusterDestroyStatusController";
    /// Picks the port of a cluster.
    pub const CLUSTER_LOAD_BALANCER: &str = "ClusterLoadBalancerController";
    /// Reports on that port.
    pub const LOAD_BALANCER: &str = "LoadBalancerController";
    /// Changes Kubernetes versions.
    pub const KUBERNETES_UPGRADE_STATUS: &str = "KubernetesUpgradeStatusController";
    /// Changes Talos versions.
    pub const TALOS_UPGRADE_STATUS: &str = "TalosUpgradeStatusController";
    /// Reports what Kubernetes says.
    pub const KUBERNETES_STATUS: &str = "KubernetesStatusController";
    /// Reports on control planes.
    pub const CONTROL_PLANE_STATUS: &str = "ControlPlaneStatusController";
    /// Removes what hangs on a machine set.
    pub const MACHINE_SET: &str = "MachineSetController";
    /// Makes cluster machines and reports on machine sets.
    pub const MACHINE_SET_STATUS: &str = "MachineSetStatusController";
    /// Reports on destructions of machine sets.
    pub const MACHINE_SET_DESTROY_STATUS: &str = "MachineSetDestroyStatusController";
    /// Watches the members of etcd.
    pub const MACHINE_SET_ETCD_AUDIT: &str = "MachineSetEtcdAuditController";
    /// Asks providers for machines.
    pub const MACHINE_PROVISION: &str = "MachineProvisionController";
    /// Turns sets of requests into requests.
    pub const MACHINE_REQUEST_SET_STATUS: &str = "MachineRequestSetStatusController";
    /// Reports on requests to the clusters that wait.
    pub const CLUSTER_MACHINE_REQUEST_STATUS: &str = "ClusterMachineRequestStatusController";
    /// Reports on providers.
    pub const INFRA_PROVIDER_STATUS: &str = "InfraProviderStatusController";
    /// Removes what a provider leaves behind.
    pub const INFRA_PROVIDER_CLEANUP: &str = "InfraProviderCleanupController";
    /// Tells providers how their machines join.
    pub const PROVIDER_JOIN_CONFIG: &str = "ProviderJoinConfigController";
    /// Tells providers what to do with their machines.
    pub const INFRA_MACHINE: &str = "InfraMachineController";
    /// Tells providers how to reach management controllers.
    pub const BMC_CONFIG: &str = "BMCConfigController";
    /// Reports on machines that knock.
    pub const PENDING_MACHINE_STATUS: &str = "PendingMachineStatusController";
    /// Reports on the secrets that machines are known by.
    pub const NODE_UNIQUE_TOKEN_STATUS: &str = "NodeUniqueTokenStatusController";
    /// Makes backups.
    pub const ETCD_BACKUP: &str = "EtcdBackupController";
    /// Sums them up.
    pub const ETCD_BACKUP_OVERALL_STATUS: &str = "EtcdBackupOverallStatusController";
    /// Picks machines by class.
    pub const MACHINE_SET_NODE: &str = "MachineSetNodeController";
    /// Writes and wipes machine configurations.
    pub const CLUSTER_MACHINE_CONFIG_STATUS: &str = "ClusterMachineConfigStatusController";
    /// Reports on cluster machines.
    pub const CLUSTER_MACHINE_STATUS: &str = "ClusterMachineStatusController";
    /// Names cluster machines.
    pub const CLUSTER_MACHINE_IDENTITY: &str = "ClusterMachineIdentityController";
    /// Says which Talos version a cluster machine should run.
    pub const CLUSTER_MACHINE_TALOS_VERSION: &str = "ClusterMachineTalosVersionController";
    /// Takes a leaving machine out of etcd and Kubernetes.
    pub const CLUSTER_MACHINE_TEARDOWN: &str = "ClusterMachineTeardownController";
    /// Turns links into machines.
    pub const MACHINE: &str = "MachineController";
    /// Removes what users attached to a machine.
    pub const MACHINE_CLEANUP: &str = "MachineCleanupController";
    /// Reports on machines.
    pub const MACHINE_STATUS: &str = "MachineStatusController";
    /// Copies the labels of machines.
    pub const MACHINE_STATUS_LABELS: &str = "LabelsExtractor[MachineStatuses.omni.sidero.dev]";
    /// Works out the extensions of machines.
    pub const MACHINE_EXTENSIONS: &str = "MachineExtensionsController";
    /// Works out schematics.
    pub const SCHEMATIC_CONFIGURATION: &str = "SchematicConfigurationController";
    /// Reports on join tokens.
    pub const JOIN_TOKEN_STATUS: &str = "JoinTokenStatusController";
    /// Reports on people and accounts.
    pub const IDENTITY_STATUS: &str = "IdentityStatusController";
    /// Removes what is kept of people and accounts.
    pub const IDENTITY_CLEANUP: &str = "IdentityCleanupController";
    /// Lists the keys of accounts.
    pub const SERVICE_ACCOUNT_STATUS: &str = "ServiceAccountStatusController";
    /// Lists versions.
    pub const VERSIONS: &str = "VersionsController";
    /// Lists extensions.
    pub const TALOS_EXTENSIONS: &str = "TalosExtensionsController";
    /// Says what machines are started with.
    pub const CONNECTION_PARAMS: &str = "ConnectionParamsController";
    /// Says how machines reach this instance.
    pub const SIDEROLINK_API_CONFIG: &str = "SiderolinkAPIConfigController";
    /// Keeps the keys of backups.
    pub const BACKUP_DATA: &str = "BackupDataController";
    /// Makes the secrets of a cluster.
    pub const SECRETS: &str = "SecretsController";
    /// Reports on exposed services.
    pub const CLUSTER_WORKLOAD_PROXY_STATUS: &str = "ClusterWorkloadProxyStatusController";
    /// Changes the secrets of clusters.
    pub const SECRET_ROTATION_STATUS: &str = "SecretRotationStatusController";
    /// Lists the nodes that a cluster should have.
    pub const CLUSTER_KUBERNETES_NODES: &str = "ClusterKubernetesNodesController";
    /// Takes nodes out of Kubernetes that have no machine.
    pub const KUBERNETES_NODE_AUDIT: &str = "KubernetesNodeAuditController";
    /// Collects what the cluster machines of a cluster complain about.
    pub const CLUSTER_DIAGNOSTICS: &str = "ClusterDiagnosticsController";
    /// Makes the keys of backups.
    pub const ETCD_BACKUP_ENCRYPTION: &str = "EtcdBackupEncryptionController";
    /// Makes Omni's own way into Kubernetes.
    pub const KUBECONFIG: &str = "KubeconfigController";
    /// Makes Omni's own way to the machines.
    pub const TALOS_CONFIG: &str = "TalosConfigController";
    /// Compares a cluster's own manifests with what they should be.
    pub const KUBERNETES_UPGRADE_MANIFEST_STATUS: &str = "KubernetesUpgradeManifestStatusController";
    /// Forwards to exposed services.
    pub const CLUSTER_WORKLOAD_PROXY: &str = "ClusterWorkloadProxyController";
    /// Applies the manifests of users.
    pub const CLUSTER_KUBERNETES_MANIFESTS_STATUS: &str = "ClusterKubernetesManifestsStatusController";
    /// Runs health checks.
    pub const KUBERNETES_HEALTH_CHECK_STATUS: &str = "KubernetesHealthCheckStatusController";
    /// Writes the encryption patch.
    pub const CLUSTER_MACHINE_ENCRYPTION: &str = "ClusterMachineEncryptionController";
    /// Makes the keys of disks.
    pub const CLUSTER_MACHINE_ENCRYPTION_KEY: &str = "ClusterMachineEncryptionKeyController";
    /// Collects the patches of cluster machines.
    pub const CLUSTER_MACHINE_CONFIG_PATCHES: &str = "ClusterMachineConfigPatchesController";
    /// Writes the configurations of cluster machines.
    pub const CLUSTER_MACHINE_CONFIG: &str = "ClusterMachineConfigController";
    /// Takes the secrets out of them.
    pub const REDACTED_CLUSTER_MACHINE_CONFIG: &str = "RedactedClusterMachineConfigController";
    /// Says what an installation is made of.
    pub const MACHINE_CONFIG_GEN_OPTIONS: &str = "MachineConfigGenOptionsController";
    /// Reports on kernel arguments.
    pub const KERNEL_ARGS_STATUS: &str = "KernelArgsStatusController";
    /// Reports on schematics of machines.
    pub const MACHINE_UPGRADE_STATUS: &str = "MachineUpgradeStatusController";
    /// Picks the disk of an installation.
    pub const MACHINE_INSTALL_DISK_STATUS: &str = "MachineInstallDiskStatusController";
    /// Keeps what machines said last.
    pub const MACHINE_STATUS_SNAPSHOT: &str = "MachineStatusSnapshotController";
    /// Puts together what is known of a machine.
    pub const MACHINE_STATUS_LINK: &str = "MachineStatusLinkController";
    /// Counts machines.
    pub const MACHINE_STATUS_METRICS: &str = "MachineStatusMetricsController";
    /// Counts what clusters use.
    pub const CLUSTER_METRICS: &str = "ClusterMetricsController";
    /// Counts how clusters are.
    pub const CLUSTER_STATUS_METRICS: &str = "ClusterStatusMetricsController";
    /// Lists what the server is busy with.
    pub const ONGOING_TASK: &str = "OngoingTaskController";
    /// Writes the discovery patch.
    pub const DISCOVERY_SERVICE_CONFIG_PATCH: &str = "DiscoveryServiceConfigPatchController";
}
