//! The fields of a spec that a table displays next to the ID, by type; other types have none.
//! It knows no objects.

use super::release::Release;

/// The heading of a column, and the path to its value within the spec as text.
pub(super) type Column = (&'static str, &'static str);

/// The columns of a type on a server of this release, in their order.
pub(super) fn of(kind: &str, release: Release) -> &'static [Column] {
    if let Some((.., columns)) = FORMER.iter().find(|(name, until, _)| *name == kind && release < *until) {
        return columns;
    }
    let found = COLUMNS.binary_search_by_key(&kind, |(name, _)| name);
    found.map_or(&[], |index| COLUMNS[index].1)
}

/// What the columns were before a release.
const FORMER: &[(&str, Release, &[Column])] = &[
    (
        "ClusterMachineRequestStatuses.omni.sidero.dev",
        Release::V1_9,
        &[("Ready", "ready"), ("Stage", "stage"), ("apid", "apidavailable")],
    ),
    (
        "ClusterMachineStatuses.omni.sidero.dev",
        Release::V1_9,
        &[("Ready", "ready"), ("Stage", "stage"), ("apid", "apidavailable")],
    ),
    ("Clusters.omni.sidero.dev", Release::V1_4, &[]),
    (
        "InfraProviderCombinedStatuses.omni.sidero.dev",
        Release::V1_10,
        &[("Name", "name"), ("Description", "description")],
    ),
    ("InfraProviderStatuses.omni.sidero.dev", Release::V1_10, &[("Name", "name"), ("Description", "description")]),
    ("JWTPublicKeys.system.sidero.dev", Release::NEWEST, &[]),
    ("KubernetesNodeAuditResults.omni.sidero.dev", Release::V1_9, &[("Nodes", "nodes")]),
    (
        "MachineRequests.omni.sidero.dev",
        Release::V1_9,
        &[("Talos Version", "talosversion"), ("Schematic ID", "schematicid")],
    ),
    (
        "Machines.omni.sidero.dev",
        Release::V1_9,
        &[("Address", "managementaddress"), ("Connected", "connected"), ("Reboots", "rebootcount")],
    ),
    ("SchematicConfigurations.omni.sidero.dev", Release::V1_4, &[]),
];

/// By the name of the type.
const COLUMNS: &[(&str, &[Column])] = &[
    ("AdvertisedEndpoints.omni.sidero.dev", &[("gRPC API URL", "grpcapiurl")]),
    ("ClusterBootstrapStatuses.omni.sidero.dev", &[("Bootstrapped", "bootstrapped")]),
    ("ClusterDestroyStatuses.omni.sidero.dev", &[("Phase", "phase")]),
    ("ClusterEndpoints.omni.sidero.dev", &[("Endpoints", "managementaddresses")]),
    (
        "ClusterKubernetesManifestsStatuses.omni.sidero.dev",
        &[("Out Of Sync", "outofsync"), ("Total Manifests", "total")],
    ),
    ("ClusterKubernetesNodes.omni.sidero.dev", &[("Nodes", "nodes")]),
    (
        "ClusterMachineIdentities.omni.sidero.dev",
        &[
            ("Node Identity", "nodeidentity"),
            ("Etcd Member ID", "etcdmemberid"),
            ("Node Name", "nodename"),
            ("Node IPs", "nodeips"),
            ("Discovery Service Endpoint", "discoveryserviceendpoint"),
        ],
    ),
    ("ClusterMachineRequestStatuses.omni.sidero.dev", &[("Stage", "stage")]),
    ("ClusterMachineStatuses.omni.sidero.dev", &[("Ready", "ready"), ("Stage", "stage")]),
    (
        "ClusterStatuses.omni.sidero.dev",
        &[
            ("Available", "available"),
            ("Phase", "phase"),
            ("Machines", "machines.total"),
            ("Healthy", "machines.healthy"),
        ],
    ),
    ("ClusterUUIDs.omni.sidero.dev", &[("UUID", "uuid")]),
    ("ClusterWorkloadProxyStatuses.omni.sidero.dev", &[("Num Exposed Services", "numexposedservices")]),
    ("Clusters.omni.sidero.dev", &[("Talos Version", "talosversion"), ("Kubernetes Version", "kubernetesversion")]),
    (
        "ConnectionParams.omni.sidero.dev",
        &[
            ("JoinToken", "jointoken"),
            ("API", "apiendpoint"),
            ("Wireguard", "wireguardendpoint"),
            ("GRPC Tunnel", "usegrpctunnel"),
        ],
    ),
    ("CurrentUsers.omni.sidero.dev", &[("Identity", "identity"), ("Role", "role")]),
    (
        "DiscoveryAffiliateDeleteTasks.omni.sidero.dev",
        &[("Cluster ID", "clusterid"), ("Discovery Service Endpoint", "discoveryserviceendpoint")],
    ),
    (
        "EtcdBackupOverallStatuses.omni.sidero.dev",
        &[
            ("Configuration Name", "configurationname"),
            ("Configuration Error", "configurationerror"),
            ("Last Backup Status", "lastbackupstatus.status"),
            ("Last Backup Error", "lastbackupstatus.error"),
            ("Last Backup Time", "lastbackupstatus.lastbackuptime"),
            ("Configuration Attempt", "lastbackupstatus.lastbackupattempt"),
        ],
    ),
    (
        "EtcdBackupS3Configs.omni.sidero.dev",
        &[
            ("Bucket", "bucket"),
            ("Region", "region"),
            ("Endpoint", "endpoint"),
            ("Access Key ID", "accesskeyid"),
            ("Session Token", "sessiontoken"),
        ],
    ),
    (
        "EtcdBackupStatuses.omni.sidero.dev",
        &[
            ("Status", "status"),
            ("Error", "error"),
            ("Last Backup", "lastbackuptime"),
            ("Last Backup Attempt", "lastbackupattempt"),
        ],
    ),
    (
        "EtcdBackupStoreStatuses.omni.sidero.dev",
        &[("Configuration Name", "configurationname"), ("Configuration Error", "configurationerror")],
    ),
    ("EtcdBackups.omni.sidero.dev", &[("Created At", "createdat"), ("Snapshot", "snapshot")]),
    ("EtcdManualBackups.omni.sidero.dev", &[("Backup At", "backupat")]),
    ("EulaAcceptances.omni.sidero.dev", &[("Name", "acceptedbyname"), ("Email", "acceptedbyemail")]),
    (
        "ExposedServices.omni.sidero.dev",
        &[
            ("Port", "port"),
            ("Label", "label"),
            ("URL", "url"),
            ("Error", "error"),
            ("Has Explicit Alias", "hasexplicitalias"),
        ],
    ),
    ("FeaturesConfigs.omni.sidero.dev", &[("Workload Proxying", "enableworkloadproxying")]),
    ("IdentityStatuses.omni.sidero.dev", &[("Role", "role"), ("Last Active", "lastactive")]),
    ("ImageFactoryAuths.omni.sidero.dev", &[("Username", "username")]),
    (
        "ImagePullStatuses.omni.sidero.dev",
        &[
            ("Processed", "processedcount"),
            ("Total", "totalcount"),
            ("Last Node", "lastprocessednode"),
            ("Last Image", "lastprocessedimage"),
            ("Last Error", "lastprocessederror"),
            ("Request Version", "requestversion"),
        ],
    ),
    ("InfraMachineBMCConfigs.omni.sidero.dev", &[("IPMI Address", "ipmi.address"), ("IPMI Username", "ipmi.username")]),
    (
        "InfraMachineConfigs.omni.sidero.dev",
        &[
            ("Power State", "powerstate"),
            ("Acceptance", "acceptancestatus"),
            ("Extra Kernel Args", "extrakernelargs"),
            ("Requested Reboot ID", "requestedrebootid"),
            ("Cordoned", "cordoned"),
        ],
    ),
    (
        "InfraMachineStatuses.omni.sidero.dev",
        &[
            ("Power State", "powerstate"),
            ("Ready to Use", "readytouse"),
            ("Last Reboot ID", "lastrebootid"),
            ("Last Reboot At", "lastreboottimestamp"),
            ("Installed", "installed"),
        ],
    ),
    (
        "InfraMachines.omni.sidero.dev",
        &[
            ("Preferred Power State", "preferredpowerstate"),
            ("Acceptance", "acceptancestatus"),
            ("Cluster Talos Version", "clustertalosversion"),
            ("Extensions", "extensions"),
            ("Wipe ID", "wipeid"),
            ("Extra Kernel Args", "extrakernelargs"),
            ("Requested Reboot ID", "requestedrebootid"),
            ("Cordoned", "cordoned"),
            ("Install Event ID", "installeventid"),
        ],
    ),
    (
        "InfraProviderCombinedStatuses.omni.sidero.dev",
        &[("Name", "name"), ("Description", "description"), ("Version", "version"), ("Connected", "health.connected")],
    ),
    (
        "InfraProviderHealthStatuses.omni.sidero.dev",
        &[("Last Heartbeat Timestamp", "lastheartbeattimestamp"), ("Error", "error")],
    ),
    (
        "InfraProviderStatuses.omni.sidero.dev",
        &[("Name", "name"), ("Description", "description"), ("Version", "version")],
    ),
    ("JWTPublicKeys.system.sidero.dev", &[("Expiration", "expiration")]),
    ("KernelArgs.omni.sidero.dev", &[("Args", "args")]),
    (
        "KernelArgsStatuses.omni.sidero.dev",
        &[
            ("Args", "args"),
            ("Current Args", "currentargs"),
            ("Unmet Conditions", "unmetconditions"),
            ("Current Cmdline", "currentcmdline"),
        ],
    ),
    ("KubernetesHealthCheckStatuses.omni.sidero.dev", &[("State", "state"), ("Error", "error")]),
    ("KubernetesNodeAuditResults.omni.sidero.dev", &[("Deleted Nodes", "deletednodes")]),
    ("LinkCounters.omni.sidero.dev", &[("RX", "bytesreceived"), ("TX", "bytessent")]),
    ("Links.omni.sidero.dev", &[("Connected", "connected"), ("LastEndpoint", "lastendpoint")]),
    ("LoadBalancerStatuses.omni.sidero.dev", &[("Healthy", "healthy")]),
    ("MachineConfigExtractionStatuses.omni.sidero.dev", &[("Initialized", "initialized"), ("Error", "error")]),
    ("MachineExtensions.omni.sidero.dev", &[("Extensions", "extensions")]),
    ("MachineExtensionsStatuses.omni.sidero.dev", &[("Extensions", "extensions")]),
    ("MachineInstallDiskConfigs.omni.sidero.dev", &[("Disk", "disk"), ("Disk Selector", "diskselector")]),
    ("MachineInstallDiskStatuses.omni.sidero.dev", &[("Disk", "disk"), ("Message", "message")]),
    ("MachineRequestSets.omni.sidero.dev", &[("ProviderID", "providerid"), ("MachineCount", "machinecount")]),
    ("MachineRequests.omni.sidero.dev", &[("Talos Version", "talosversion")]),
    ("MachineSetDestroyStatuses.omni.sidero.dev", &[("Phase", "phase")]),
    (
        "MachineStatusLinks.omni.sidero.dev",
        &[
            ("Bytes Received", "siderolinkcounter.bytesreceived"),
            ("Bytes Sent", "siderolinkcounter.bytessent"),
            ("Last Alive", "siderolinkcounter.lastalive"),
        ],
    ),
    (
        "MachineUpgradeStatuses.omni.sidero.dev",
        &[
            ("Schematic ID", "schematicid"),
            ("Talos Version", "talosversion"),
            ("Phase", "phase"),
            ("Status", "status"),
            ("Error", "error"),
        ],
    ),
    ("Machines.omni.sidero.dev", &[("Address", "managementaddress"), ("Connected", "connected")]),
    ("MaintenanceConfigStatuses.omni.sidero.dev", &[("Public Key At Last Apply", "publickeyatlastapply")]),
    ("OngoingTasks.omni.sidero.dev", &[("Title", "title")]),
    (
        "SAMLLabelRules.omni.sidero.dev",
        &[("Role On Registration", "assignroleonregistration"), ("Match Labels", "matchlabels")],
    ),
    ("SchematicConfigurations.omni.sidero.dev", &[("Schematic ID", "schematicid"), ("Talos Version", "talosversion")]),
    ("Supports.omni.sidero.dev", &[("SupportEnabled", "supportenabled")]),
    ("TalosVersions.omni.sidero.dev", &[("Kubernetes Versions", "compatiblekubernetesversions")]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    #[test]
    fn every_type_is_known_and_found() {
        assert!(COLUMNS.is_sorted_by_key(|(name, _)| name));
        for (name, columns) in COLUMNS {
            assert!(kinds::find(name).is_some(), "{name}");
            assert_eq!(&of(name, Release::NEWEST), columns);
        }
        assert!(of("ConfigPatches.omni.sidero.dev", Release::NEWEST).is_empty());
    }

    #[test]
    fn columns_were_others_before() {
        for (name, until, columns) in FORMER {
            let now = of(name, *until);
            assert!(COLUMNS.iter().any(|(known, columns)| known == name && *columns == now), "{name}");
            assert_ne!(*columns, now, "{name}");
        }
        let machines = |release| of("Machines.omni.sidero.dev", release).len();
        assert_eq!((machines(Release::V1_8), machines(Release::V1_9)), (3, 2));
        assert!(of("JWTPublicKeys.system.sidero.dev", Release::V1_10).is_empty());
    }
}
