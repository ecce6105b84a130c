//! Access for every type, verb and role, and how policies and infrastructure providers change it.

use super::*;
use crate::kinds::NOTHING;
use crate::store::Store;
use AccessVerb::{Create, Destroy, Read, Update};
use kit::clock::TestClock;
use omni_proto::specs::access_policy_cluster_group::Cluster;
use omni_proto::specs::{AccessPolicyClusterGroup, AccessPolicyRule};
use prost::Message;
use std::sync::Arc;
use tonic::Code;

const ME: &str = "me@serviceaccount.omni.sidero.dev";
const PROVIDER_ID: &str = "aws-1@infra-provider.serviceaccount.omni.sidero.dev";

fn caller(role: Role) -> Caller {
    let identity = if role == Role::InfraProvider { PROVIDER_ID } else { ME };
    Caller { identity: identity.into(), user: "u".into(), role }
}

fn store() -> Store {
    let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
    store.put("", &kinds::key("InfraProviders.omni.sidero.dev", "aws-1"), |object| {
        object.labels.insert(provider::OWNER.into(), "aws-1".into());
    });
    store.put("", &kinds::key(kind::IDENTITY, ME), |_| {});
    store
}

fn object(kind: &str, id: &str, labels: &[(&str, &str)]) -> Object {
    Object {
        version: 1,
        labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        ..Object::new(kinds::key(kind, id), vec![])
    }
}

/// What is said to a caller who wants this.
fn ask(store: &Store, caller: &Caller, release: Release, verb: AccessVerb, object: &Object) -> Result<(), Status> {
    let view = store.view();
    let permissions = AccessContext { view: &view, caller, release };
    let answer = match verb {
        Read => permissions.get(&object.key, Some(object)),
        Create => permissions.create(object),
        Update => permissions.update(Some(object), object),
        Destroy => permissions.destroy(&object.key, Some(object)),
    };
    answer.map_err(|denied| match denied {
        Denied::Gathered(status) | Denied::Alone(status) => status,
    })
}

/// Types as the documentation of the server groups them: who reads, creates, updates and destroys.
/// A capital is the least role that may (`-` for nobody): None, Infra provider, Reader, Operator, Admin.
const GROUPS: &[(&str, &str)] = &[
    (
        "ROOO",
        "Clusters MachineSets MachineSetNodes ConfigPatches ExtensionsConfigurations KubernetesManifestGroups \
         KubernetesHealthChecks MachineClasses MachineLabels KernelArgs MachineInstallDiskConfigs \
         NodeForceDestroyRequests EtcdManualBackups InstallationMediaConfigs MachineRequestSets InfraMachineConfigs \
         GRPCTunnelConfigs DefaultJoinTokens RotateTalosCAs RotateKubernetesCAs",
    ),
    ("AAAA", "EtcdBackupS3Configs InfraMachineBMCConfigs AccessPolicies SAMLLabelRules"),
    ("R-OO", "JoinTokens"),
    ("-O-O", "ImportedClusterSecrets"),
    ("NN--", "EulaAcceptances"),
    ("R--O", "Links PendingMachines"),
    ("IOOO", "MachineRequests"),
    ("IRRR", "InfraProviders"),
    (
        "R---",
        "ClusterStatuses ClusterBootstrapStatuses ClusterUUIDs ClusterConfigVersions ClusterEndpoints ClusterTaints \
         ClusterDiagnostics ClusterKubernetesNodes ClusterWorkloadProxyStatuses ClusterDestroyStatuses \
         ClusterKubernetesManifestsStatuses ClusterSecretsRotationStatuses MachineSetStatuses \
         MachineSetDestroyStatuses MachineStatuses MachineStatusLabels MachineStatusLinks MachineStatusSnapshots \
         MachineUpgradeStatuses MachineExtensions MachineExtensionsStatuses MachineInstallDiskStatuses \
         KernelArgsStatuses MachinePendingUpdates MachineConfigDiffs MachineConfigGenOptions \
         MachineConfigExtractionStatuses MaintenanceConfigStatuses ClusterMachines ClusterMachineStatuses \
         ClusterMachineIdentities ClusterMachineConfigStatuses ClusterMachineConfigPatches \
         ClusterMachineTalosVersions ClusterMachineRequestStatuses RedactedClusterMachineConfigs KubernetesStatuses \
         KubernetesUpgradeStatuses KubernetesUpgradeManifestStatuses KubernetesNodeAuditResults TalosUpgradeStatuses \
         LoadBalancerConfigs LoadBalancerStatuses ControlPlaneStatuses ExposedServices SchematicConfigurations \
         EtcdBackups EtcdBackupStatuses EtcdBackupOverallStatuses JoinTokenStatuses InfraProviderCombinedStatuses \
         ImageFactoryAuths LabelsCompletions KubernetesUsages MetalPlatformConfigs CloudPlatformConfigs SBCConfigs \
         Supports",
    ),
    ("I---", "Machines SiderolinkAPIConfigs"),
    (
        "N---",
        "TalosVersions KubernetesVersions TalosExtensions FeaturesConfigs Notifications OngoingTasks \
         MachineStatusMetrics ClusterMetrics ClusterStatusMetrics InstallationMedias AuthConfigs CurrentUsers \
         Permissions ClusterPermissions AdvertisedEndpoints Quirks VersionContract",
    ),
    (
        "A---",
        "Users Identities IdentityStatuses IdentityLastActives ServiceAccountStatuses PublicKeyLastActives BMCConfigs",
    ),
    (
        "I---",
        "InfraProviderStatuses InfraMachines InfraMachineStatuses MachineRequestStatuses ConfigPatchRequests \
         ProviderJoinConfigs InfraMachineRegistrations",
    ),
    (
        "----",
        "PublicKeys ClusterSecrets ClusterMachineConfigs ClusterMachineSecrets SecretRotations Kubeconfigs TalosConfigs \
         BackupDatas EtcdBackupEncryptions EtcdAuditResults MachineSetConfigStatuses SAMLAssertions NodeUniqueTokens \
         Configs MachineJoinConfigs PendingMachineStatuses JoinTokenUsages Nothings",
    ),
];

#[test]
fn every_role_may_do_what_the_server_lets_it_do() {
    let store = store();
    for (least, names) in GROUPS {
        for name in names.split_whitespace() {
            let kind = format!("{name}.omni.sidero.dev");
            for (verb, least) in AccessVerb::ALL.into_iter().zip(least.chars()) {
                // What providers themselves may do is not a matter of rank.
                let provided = kinds::find(&kind).is_some_and(|kind| kind.provided.is_some());
                for role in Role::ALL.into_iter().filter(|role| !provided || *role != Role::InfraProvider) {
                    let least = match least {
                        'N' => Some(Role::None),
                        'I' => Some(Role::InfraProvider),
                        'R' => Some(Role::Reader),
                        'O' => Some(Role::Operator),
                        'A' => Some(Role::Admin),
                        _ => None,
                    };
                    let answer = ask(&store, &caller(role), Release::NEWEST, verb, &object(&kind, "x", &[]));
                    let expected =
                        if least.is_some_and(|least| role >= least) { Code::Ok } else { Code::PermissionDenied };
                    let code = answer.err().map_or(Code::Ok, |status| status.code());
                    assert_eq!(code, expected, "{kind} {verb:?} {role:?}");
                }
            }
        }
    }
}

#[test]
fn refusals_say_why() {
    let store = store();
    let short = |role: &str| format!("unauthorized: access denied: insufficient role: {role:?}");
    let only_read = || "only read access is permitted".to_owned();
    let by_call = |kind: &str| {
        format!(
            "only read access is permitted on resource {kind}.omni.sidero.dev, mutations should be done via \
             ManagementService API calls"
        )
    };
    for (kind, verb, role, expected) in [
        ("Clusters", Create, Role::Reader, short("Reader")),
        ("Clusters", Read, Role::InfraProvider, short("InfraProvider")),
        ("Users", Read, Role::Operator, short("Operator")),
        ("ClusterStatuses", Create, Role::Admin, only_read()),
        ("TalosVersions", Update, Role::Admin, only_read()),
        ("Machines", Destroy, Role::Admin, only_read()),
        ("ClusterSecrets", Read, Role::Admin, NOTHING.to_owned()),
        ("Nothings", Read, Role::Admin, NOTHING.to_owned()),
        ("Links", Create, Role::Admin, "only read and delete access is permitted".to_owned()),
        ("Users", Create, Role::Admin, by_call("Users")),
        ("Identities", Create, Role::Admin, by_call("Identities")),
        (
            "JoinTokens",
            Create,
            Role::Admin,
            "only read, update and destroy access is permitted, create should be done via the \
             management.CreateJoinToken API call"
                .to_owned(),
        ),
        (
            "InfraMachines",
            Update,
            Role::Admin,
            "users are not allowed to modify \"InfraMachines.omni.sidero.dev\" resources".to_owned(),
        ),
        (
            "BMCConfigs",
            Read,
            Role::Operator,
            "only admins are allowed to read \"BMCConfigs.omni.sidero.dev\" resources".to_owned(),
        ),
    ] {
        let object = object(&format!("{kind}.omni.sidero.dev"), "x", &[]);
        let status = ask(&store, &caller(role), Release::NEWEST, verb, &object).unwrap_err();
        assert_eq!(status.message(), expected, "{kind} {verb:?} {role:?}");
    }
}

#[test]
fn releases_differ_in_what_they_know() {
    let store = store();
    for (kind, verb, release, expected) in [
        ("KernelArgs.omni.sidero.dev", Read, Release::V1_2, Err(NOTHING)),
        ("KernelArgs.omni.sidero.dev", Create, Release::V1_3, Ok(())),
        ("KubernetesManifestGroups.omni.sidero.dev", Create, Release::V1_6, Err(NOTHING)),
        ("KubernetesManifestGroups.omni.sidero.dev", Create, Release::V1_7, Ok(())),
        ("MachineInstallDiskConfigs.omni.sidero.dev", Create, Release::V1_10, Err(NOTHING)),
        ("MachineInstallDiskConfigs.omni.sidero.dev", Create, Release::NEWEST, Ok(())),
        ("Schematics.omni.sidero.dev", Read, Release::V1_8, Ok(())),
        ("Schematics.omni.sidero.dev", Read, Release::V1_9, Err(NOTHING)),
        ("Links.omni.sidero.dev", Update, Release::V1_8, Ok(())),
        ("Links.omni.sidero.dev", Update, Release::V1_9, Err("only read and delete access is permitted")),
        ("Links.omni.sidero.dev", Create, Release::V1_8, Err("only read, update and delete access is permitted")),
        ("EulaAcceptances.omni.sidero.dev", Read, Release::V1_6, Err(NOTHING)),
        ("ClusterConfigVersions.omni.sidero.dev", Read, Release::V1_3, Err(NOTHING)),
        ("ClusterConfigVersions.omni.sidero.dev", Read, Release::of_minor(4), Ok(())),
        ("JWTPublicKeys.system.sidero.dev", Read, Release::V1_10, Err(NOTHING)),
        ("JWTPublicKeys.system.sidero.dev", Read, Release::NEWEST, Ok(())),
        ("ImportedClusterSecrets.omni.sidero.dev", Read, Release::V1_6, Ok(())),
        (
            "ImportedClusterSecrets.omni.sidero.dev",
            Read,
            Release::NEWEST,
            Err("only create and destroy access is permitted for imported cluster secrets"),
        ),
        ("ImportedClusterSecrets.omni.sidero.dev", Update, Release::V1_8, Ok(())),
        ("Users.omni.sidero.dev", Create, Release::V1_5, Ok(())),
        ("Identities.omni.sidero.dev", Destroy, Release::V1_5, Ok(())),
    ] {
        let answer = ask(&store, &caller(Role::Admin), release, verb, &object(kind, "x", &[]));
        assert_eq!(answer.as_ref().copied().map_err(Status::message), expected, "{kind} {verb:?} {release}");
    }
}

#[test]
fn nobody_changes_the_account_of_their_own() {
    let store = store();
    let own = |id: &str| Err(format!("destroying/updating resource {id} is not allowed by the current user"));
    let by_call = |kind: &str| {
        Err(format!(
            "only read access is permitted on resource {kind}, mutations should be done via ManagementService API calls"
        ))
    };
    for (kind, id, verb, release, expected) in [
        (kind::IDENTITY, ME, Update, Release::V1_5, own(ME)),
        (kind::IDENTITY, ME, Destroy, Release::V1_2, own(ME)),
        (kind::IDENTITY, ME, Read, Release::V1_5, Ok(())),
        (kind::IDENTITY, ME, Create, Release::V1_5, Ok(())),
        (kind::IDENTITY, "you@example.org", Destroy, Release::V1_5, Ok(())),
        (kind::USER, "u", Update, Release::V1_5, own("u")),
        (kind::USER, "u", Destroy, Release::V1_5, own("u")),
        (kind::USER, "v", Update, Release::V1_5, Ok(())),
        (kind::USER, ME, Update, Release::V1_5, Ok(())),
        (kind::CLUSTER, "u", Update, Release::V1_5, Ok(())),
        (kind::IDENTITY, ME, Update, Release::V1_6, by_call(kind::IDENTITY)),
        (kind::USER, "u", Destroy, Release::NEWEST, by_call(kind::USER)),
    ] {
        let answer = ask(&store, &caller(Role::Admin), release, verb, &object(kind, id, &[]));
        let answer = answer.map_err(|status| status.message().to_owned());
        assert_eq!(answer, expected, "{kind} {id} {verb:?} {release}");
    }
}

#[test]
fn roles_differ_between_releases() {
    let store = store();
    for (kind, verb, release, least) in [
        ("JoinTokens", Read, Release::V1_7, Role::Admin),
        ("JoinTokens", Update, Release::V1_7, Role::Admin),
        ("JoinTokens", Destroy, Release::V1_7, Role::Admin),
        ("JoinTokens", Read, Release::V1_8, Role::Reader),
        ("JoinTokens", Update, Release::V1_8, Role::Operator),
        ("DefaultJoinTokens", Read, Release::V1_7, Role::Admin),
        ("DefaultJoinTokens", Update, Release::V1_7, Role::Admin),
        ("DefaultJoinTokens", Read, Release::V1_8, Role::Reader),
        ("DefaultJoinTokens", Update, Release::V1_8, Role::Operator),
        ("JoinTokenStatuses", Read, Release::V1_6, Role::Reader),
        ("ImportedClusterSecrets", Read, Release::V1_5, Role::Reader),
        ("ImportedClusterSecrets", Read, Release::V1_6, Role::Operator),
        ("ImportedClusterSecrets", Read, Release::V1_7, Role::Reader),
        ("ImportedClusterSecrets", Update, Release::V1_7, Role::Operator),
        ("ImportedClusterSecrets", Read, Release::V1_8, Role::Operator),
    ] {
        let object = object(&format!("{kind}.omni.sidero.dev"), "x", &[]);
        for role in Role::ALL {
            let answer = ask(&store, &caller(role), release, verb, &object);
            assert_eq!(answer.is_ok(), role >= least, "{kind} {verb:?} {release} {role:?}");
        }
    }
}

#[test]
fn the_lesser_role_counts() {
    for (user, key, expected) in [
        (Role::Admin, Role::Reader, Role::Reader),
        (Role::Reader, Role::Admin, Role::Reader),
        (Role::Admin, Role::Admin, Role::Admin),
        (Role::Auditor, Role::Operator, Role::Reader),
        (Role::Operator, Role::Auditor, Role::Reader),
        (Role::Auditor, Role::Auditor, Role::Auditor),
        (Role::Admin, Role::Auditor, Role::Auditor),
    ] {
        assert_eq!(effective(user, key), expected, "{user:?} {key:?}");
    }
}

#[test]
fn some_calls_ask_for_the_very_role() {
    let allowed = [Role::Auditor, Role::Admin];
    assert!(caller(Role::Auditor).needs_one_of(&allowed).is_ok());
    let status = caller(Role::Operator).needs_one_of(&allowed).unwrap_err();
    assert_eq!(status.message(), "unauthorized: role \"Operator\" is not one of the allowed roles [Auditor Admin]");
}

/// Gives the caller a role on a cluster, or on all clusters.
fn allow(store: &Store, cluster: &str, role: Role) {
    let clusters = vec![Cluster { name: String::new(), r#match: cluster.to_owned() }];
    let policy = AccessPolicySpec {
        cluster_groups: [("g".to_owned(), AccessPolicyClusterGroup { clusters })].into(),
        rules: vec![AccessPolicyRule {
            users: vec![ME.into()],
            clusters: vec!["group/g".into()],
            kubernetes: None,
            role: role.name().into(),
        }],
        ..Default::default()
    };
    store.put("", &kinds::key(kind::ACCESS_POLICY, access_policy::ID), |object| object.spec = policy.encode_to_vec());
}

#[test]
fn a_policy_raises_roles_on_its_clusters() {
    let in_cluster = |cluster: &'static str| [(label::CLUSTER, cluster)];
    let store = store();
    allow(&store, "lab-*", Role::Operator);
    for (kind, id, labels, verb, role, expected) in [
        ("Clusters", "lab-1", &[][..], Create, Role::None, true),
        ("Clusters", "prod", &[], Create, Role::None, false),
        ("MachineSets", "x", &in_cluster("lab-1"), Create, Role::None, true),
        ("MachineSets", "lab-1", &in_cluster("prod"), Create, Role::None, false),
        ("MachineSets", "lab-1", &[], Create, Role::None, false),
        ("MachineSets", "x", &in_cluster("lab-1"), Destroy, Role::Reader, true),
        ("ClusterStatuses", "lab-1", &[], Read, Role::None, true),
        ("KernelArgsStatuses", "x", &in_cluster("lab-1"), Read, Role::None, true),
        ("MachineInstallDiskStatuses", "x", &in_cluster("lab-1"), Read, Role::None, true),
        ("RedactedClusterMachineConfigs", "x", &in_cluster("lab-1"), Read, Role::None, true),
        ("RedactedClusterMachineConfigs", "x", &in_cluster("prod"), Read, Role::None, false),
        // Machines belong to no cluster, whatever their labels say.
        ("MachineStatuses", "x", &in_cluster("lab-1"), Read, Role::None, false),
        ("MachineClasses", "lab-1", &in_cluster("lab-1"), Create, Role::Reader, false),
        // A policy never opens what is closed.
        ("ClusterStatuses", "lab-1", &[], Create, Role::None, false),
        ("ClusterSecrets", "lab-1", &[], Read, Role::None, false),
    ] {
        let object = object(&format!("{kind}.omni.sidero.dev"), id, labels);
        let answer = ask(&store, &caller(role), Release::NEWEST, verb, &object);
        assert_eq!(answer.is_ok(), expected, "{kind} {id} {verb:?}: {answer:?}");
    }
    let stranger = Caller { identity: "you@x".into(), user: "v".into(), role: Role::None };
    let cluster = object("Clusters.omni.sidero.dev", "lab-1", &[]);
    assert!(ask(&store, &stranger, Release::NEWEST, Create, &cluster).is_err());
}

#[test]
fn a_policy_never_lowers_a_role() {
    let store = store();
    allow(&store, "*", Role::Reader);
    let cluster = object("Clusters.omni.sidero.dev", "c", &[]);
    assert!(ask(&store, &caller(Role::Operator), Release::NEWEST, Create, &cluster).is_ok());
}

#[test]
fn updates_need_both_clusters() {
    let store = store();
    allow(&store, "lab", Role::Operator);
    let (view, me) = (store.view(), caller(Role::None));
    let permissions = AccessContext { view: &view, caller: &me, release: Release::NEWEST };
    let patch = |cluster: &str| object("ConfigPatches.omni.sidero.dev", "p", &[(label::CLUSTER, cluster)]);
    let may = |old: &str, new: &str| permissions.update(Some(&patch(old)), &patch(new)).is_ok();
    assert_eq!(
        [may("lab", "lab"), may("lab", "prod"), may("prod", "lab"), may("prod", "prod")],
        [true, false, false, false]
    );
}

#[test]
fn lists_have_to_name_the_cluster() {
    let term = |op: Operation| LabelTerm {
        key: label::CLUSTER.into(),
        op: op.into(),
        value: vec!["lab".into()],
        invert: false,
    };
    let query = |terms: Vec<LabelTerm>| LabelQuery { terms };
    let (lab, other) = (query(vec![term(Operation::Equal)]), query(vec![term(Operation::In)]));
    let me = caller(Role::None);
    for (cluster, kind, queries, expected) in [
        ("lab", "MachineSets", vec![lab.clone()], true),
        ("lab", "MachineSets", vec![], false),
        ("lab", "MachineSets", vec![other.clone()], false),
        ("lab", "MachineSets", vec![lab.clone(), other.clone()], false),
        ("prod", "MachineSets", vec![lab.clone()], false),
        ("*", "MachineSets", vec![], true),
        ("*", "MachineSets", vec![other], true),
        ("*", "Clusters", vec![], true),
        // This matches whatever is asked for, and still is not about every cluster.
        ("???", "MachineSets", vec![], false),
        ("*", "MachineStatuses", vec![lab], false),
    ] {
        let store = store();
        allow(&store, cluster, Role::Reader);
        let view = store.view();
        let permissions = AccessContext { view: &view, caller: &me, release: Release::NEWEST };
        let answer = permissions.list(&format!("{kind}.omni.sidero.dev"), "default", &queries);
        assert_eq!(answer.is_ok(), expected, "{cluster} {kind} {queries:?}");
    }
}

#[test]
fn providers_keep_to_what_is_theirs() {
    let mine = [(provider::OWNER, "aws-1")];
    let theirs = [(provider::OWNER, "gcp")];
    let store = store();
    for (kind, id, labels, verb, expected) in [
        ("MachineRequests", "r", &mine[..], Read, Ok(())),
        ("MachineRequests", "r", &theirs, Read, Err((Code::NotFound, "not found"))),
        ("MachineRequests", "r", &mine, Update, Ok(())),
        (
            "MachineRequests",
            "r",
            &mine,
            Create,
            Err((
                Code::PermissionDenied,
                "infra providers are not allowed to create \"MachineRequests.omni.sidero.dev\" resources",
            )),
        ),
        (
            "MachineRequests",
            "r",
            &mine,
            Destroy,
            Err((
                Code::PermissionDenied,
                "infra providers are not allowed to destroy \"MachineRequests.omni.sidero.dev\" resources",
            )),
        ),
        ("MachineRequestStatuses", "r", &mine, Create, Ok(())),
        ("MachineRequestStatuses", "r", &theirs, Update, Err((Code::NotFound, "not found"))),
        ("InfraProviderStatuses", "aws-1", &mine, Create, Ok(())),
        (
            "InfraProviderStatuses",
            "gcp",
            &mine,
            Create,
            Err((Code::InvalidArgument, "resource ID must match the infra provider ID \"aws-1\"")),
        ),
        ("Machines", "m", &[], Read, Ok(())),
        (
            "Clusters",
            "c",
            &[],
            Read,
            Err((Code::PermissionDenied, "unauthorized: access denied: insufficient role: \"InfraProvider\"")),
        ),
    ] {
        let object = object(&format!("{kind}.omni.sidero.dev"), id, labels);
        let answer = ask(&store, &caller(Role::InfraProvider), Release::NEWEST, verb, &object);
        let answer = answer.as_ref().copied().map_err(|status| (status.code(), status.message()));
        assert_eq!(answer, expected, "{kind} {id} {verb:?}");
    }
}

#[test]
fn providers_change_only_finalizers_of_what_the_server_writes() {
    let store = store();
    let (view, me) = (store.view(), caller(Role::InfraProvider));
    let permissions = AccessContext { view: &view, caller: &me, release: Release::NEWEST };
    let old = object("InfraMachines.omni.sidero.dev", "m", &[(provider::OWNER, "aws-1")]);
    let held = Object { finalizers: vec!["aws-1".into()], ..old.clone() };
    let changed = Object { spec: vec![8, 1], ..old.clone() };
    assert_eq!(
        (permissions.update(Some(&old), &held).is_ok(), permissions.update(Some(&old), &changed).is_ok()),
        (true, false)
    );
}

#[test]
fn providers_have_a_namespace_of_their_own() {
    let store = store();
    let private = |namespace: &str, kind: &str| {
        let mut object = object(kind, "x", &[]);
        object.key.namespace = namespace.to_owned();
        object
    };
    for (who, namespace, kind, verb, expected) in [
        (Role::InfraProvider, "infra-provider:aws-1", "Machines.aws-1.infraprovider.sidero.dev", Create, Code::Ok),
        (Role::InfraProvider, "infra-provider:aws-1", "Machines.omni.sidero.dev", Create, Code::InvalidArgument),
        (
            Role::InfraProvider,
            "infra-provider:gcp",
            "Machines.aws-1.infraprovider.sidero.dev",
            Read,
            Code::PermissionDenied,
        ),
        (Role::Reader, "infra-provider:aws-1", "Machines.aws-1.infraprovider.sidero.dev", Read, Code::Ok),
        (
            Role::Admin,
            "infra-provider:aws-1",
            "Machines.aws-1.infraprovider.sidero.dev",
            Create,
            Code::PermissionDenied,
        ),
    ] {
        let answer = ask(&store, &caller(who), Release::NEWEST, verb, &private(namespace, kind));
        assert_eq!(answer.err().map_or(Code::Ok, |s| s.code()), expected, "{who:?} {namespace} {kind}");
    }
    let unknown =
        Caller { identity: "gone@infra-provider.serviceaccount.omni.sidero.dev".into(), ..caller(Role::InfraProvider) };
    let request = object("MachineRequests.omni.sidero.dev", "r", &[]);
    let status = ask(&store, &unknown, Release::NEWEST, Read, &request).unwrap_err();
    assert_eq!(status.message(), "infra provider with name \"gone\" is not registered in the system");
}

#[test]
fn operators_write_requests_for_machines_since_1_7() {
    let store = store();
    let request = object("MachineRequests.omni.sidero.dev", "r", &[]);
    let user = "users are not allowed to modify \"MachineRequests.omni.sidero.dev\" resources";
    let operator = "only operators and admins are allowed to modify \"MachineRequests.omni.sidero.dev\" resources";
    for (release, role, verb, expected) in [
        (Release::V1_6, Role::Admin, Create, Some(user)),
        (Release::V1_6, Role::Reader, Read, None),
        (Release::V1_7, Role::Reader, Destroy, Some(operator)),
        (Release::V1_7, Role::Operator, Update, None),
    ] {
        let refused = ask(&store, &caller(role), release, verb, &request).err();
        assert_eq!(refused.as_ref().map(Status::message), expected, "{release} {role:?} {verb:?}");
    }
}
