//! What callers get to see and do over gRPC, in the words of a running Omni 1.6.6 where those are known.

use super::client::{Client, resource};
use crate::{Options, Release, Role, Sim, accounts, inventory, kinds};
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::meta::ResourceDefinitionSpec;
use omni_proto::specs::kubernetes_status_spec::NodeStatus;
use omni_proto::specs::{
    AccessPolicyRule, AccessPolicySpec, ClusterSpec, IdentitySpec, JoinTokenSpec, KubernetesStatusSpec, UserSpec,
};
use prost::Message;
use tonic::Code;

/// What a caller does with an object named in the table.
enum Call {
    Get,
    List,
    Create,
}

fn refused(text: &str) -> String {
    format!("failed to validate: 1 error occurred:\n\t* rpc error: code = PermissionDenied desc = {text}\n\n")
}

/// A spec that the rules of the type have nothing against.
fn sound_spec(kind: &str) -> Vec<u8> {
    match kind {
        "JoinTokens" => JoinTokenSpec { name: "x".into(), ..Default::default() }.encode_to_vec(),
        "Users" => UserSpec { role: "Reader".into(), ..Default::default() }.encode_to_vec(),
        "Identities" => IdentitySpec { user_id: "x".into() }.encode_to_vec(),
        _ => Vec::new(),
    }
}

async fn sim(release: Release) -> Sim {
    let sim = Sim::start(Options { release, ..Options::stepped() }).await.unwrap();
    sim.settle().unwrap();
    sim
}

#[tokio::test]
async fn calls_that_are_not_allowed_are_refused_word_for_word() {
    use Call::{Create, Get, List};
    let sim = sim(Release::V1_6).await;
    let mut client = Client::new(&sim).await;
    let machine = "0b8d1802-0000-4000-8000-00000000bbb1";
    let nothing = || Some((Code::PermissionDenied, refused("no access is permitted")));
    let read_only = || Some((Code::PermissionDenied, refused("only read access is permitted")));
    let by_call = |kind: &str| {
        let text = format!(
            "only read access is permitted on resource {kind}.omni.sidero.dev, mutations should be done via \
             ManagementService API calls"
        );
        Some((Code::PermissionDenied, refused(&text)))
    };
    let missing = |kind: &str, id: &str| {
        Some((Code::NotFound, format!("resource {kind}.omni.sidero.dev(default/{id}@undefined) doesn't exist")))
    };
    let missing_in_store = |kind: &str, id: &str| {
        let text = format!("failed to get: resource {kind}.omni.sidero.dev(default/{id}@undefined) doesn't exist");
        Some((Code::NotFound, text))
    };
    let token = "only read, update and destroy access is permitted, create should be done via the \
                 management.CreateJoinToken API call";
    let link = "only read, update and delete access is permitted";
    for (call, kind, id, expected) in [
        (Create, "ClusterStatuses", "probe-x", read_only()),
        (Get, "ClusterStatuses", "probe-x", missing("ClusterStatuses", "probe-x")),
        (Create, "Users", "probe-x", by_call("Users")),
        (Get, "Users", "probe-x", missing_in_store("Users", "probe-x")),
        (Create, "Identities", "probe@example.org", by_call("Identities")),
        (Get, "Identities", "probe@example.org", missing_in_store("Identities", "probe@example.org")),
        (Create, "JoinTokens", "probe-x", Some((Code::PermissionDenied, refused(token)))),
        (Get, "JoinTokens", "probe-x", missing("JoinTokens", "probe-x")),
        (Create, "TalosVersions", "9.9.9", read_only()),
        (Get, "TalosVersions", "9.9.9", missing("TalosVersions", "9.9.9")),
        (Create, "Machines", machine, read_only()),
        (Get, "Machines", machine, missing("Machines", machine)),
        (Create, "Links", machine, Some((Code::PermissionDenied, refused(link)))),
        (Get, "Links", machine, missing("Links", machine)),
        (Create, "ClusterSecrets", "probe-x", nothing()),
        (Get, "ClusterSecrets", "probe-x", nothing()),
        (Create, "Nothings", "probe-x", nothing()),
        (Get, "Nothings", "probe-x", nothing()),
        (List, "ClusterSecrets", "", nothing()),
        (List, "PublicKeys", "", nothing()),
        (List, "TalosConfigs", "", nothing()),
        (List, "Users", "", None),
        (List, "Identities", "", None),
        (List, "JoinTokens", "", None),
        (List, "NoSuchThings", "", nothing()),
        (Get, "NoSuchThings", "x", nothing()),
        (Get, "Clusters", "probe-none", missing("Clusters", "probe-none")),
    ] {
        let name = format!("{kind}.omni.sidero.dev");
        let (found, verb) = match call {
            Get => (client.get(&name, id).await.err(), "get"),
            List => (client.list_in(&name, "default").await.err(), "list"),
            Create => {
                let mut new = resource(&name, id, &());
                new.spec = Some(pb::Spec { proto_spec: sound_spec(kind), ..Default::default() });
                (client.create(new, "").await.err(), "create")
            }
        };
        let found = found.map(|status| (status.code(), status.message().to_owned()));
        assert_eq!(found, expected, "{verb} {kind} {id}");
    }
}

#[tokio::test]
async fn callers_learn_who_they_are() {
    let sim = sim(Release::V1_6).await;
    let mut client = Client::new(&sim).await;
    let shown = |resource: pb::Resource| {
        let metadata = resource.metadata.unwrap();
        (metadata.id, metadata.version, metadata.phase, resource.spec.unwrap().yaml_spec)
    };
    let (id, version, phase, yaml) = shown(client.get("CurrentUsers.omni.sidero.dev", "current").await.unwrap());
    assert_eq!((id.as_str(), version.as_str(), phase.as_str()), ("current", "1", "running"));
    let (start, user) = yaml.trim_end().rsplit_once(' ').unwrap();
    assert_eq!(start, "identity: demo@serviceaccount.omni.sidero.dev\nrole: Admin\nuserid:");
    assert!(uuid::Uuid::parse_str(user).is_ok(), "{user}");
    let other = client.get("CurrentUsers.omni.sidero.dev", "other").await.unwrap_err();
    assert_eq!(other.message(), "resource CurrentUsers.omni.sidero.dev(virtual/other@undefined) doesn't exist");
    let (id, _, _, yaml) = shown(client.get("Permissions.omni.sidero.dev", "permissions").await.unwrap());
    assert_eq!(id, "permissions");
    assert_eq!(
        yaml,
        "canreadclusters: true\ncancreateclusters: true\ncanmanageusers: true\ncanreadmachines: true\n\
         canremovemachines: true\ncanreadmachinelogs: true\ncanreadmachineconfigpatches: true\n\
         canmanagemachineconfigpatches: true\ncanmanagebackupstore: true\ncanaccessmaintenancenodes: true\n\
         canreadauditlog: true\n"
    );
    assert_eq!(client.list_in("Clusters.omni.sidero.dev", "nowhere").await.unwrap(), vec![]);
}

#[tokio::test]
async fn older_servers_show_fewer_fields() {
    let features = omni_proto::specs::cluster_spec::Features::default();
    let spec = ClusterSpec {
        talos_version: "1.13.8".into(),
        kubernetes_version: "1.35.1".into(),
        features: Some(features),
        backup_configuration: None,
    };
    for (release, expected) in [
        (
            Release::V1_6,
            "features:\n    enableworkloadproxy: false\n    diskencryption: false\n    \
             useembeddeddiscoveryservice: false\nbackup",
        ),
        (
            Release::V1_9,
            "features:\n    enableworkloadproxy: false\n    diskencryption: false\n    \
             useembeddeddiscoveryservice: false\n    enablenodeauditskip: false\nbackup",
        ),
    ] {
        let sim = sim(release).await;
        let mut client = Client::new(&sim).await;
        let made = client.create(resource("Clusters.omni.sidero.dev", "c", &spec), "").await.unwrap();
        let yaml = made.spec.unwrap().yaml_spec;
        assert!(yaml.contains(expected), "{release}: {yaml}");
    }
}

#[tokio::test]
async fn computed_objects_can_only_be_read() {
    let sim = sim(Release::NEWEST).await;
    let mut client = Client::new(&sim).await;
    let kind = "ClusterPermissions.omni.sidero.dev";
    let denied = client.create(resource(kind, "c", &()), "").await.unwrap_err();
    assert_eq!(denied.message(), refused("only read access is permitted"));
    let mut elsewhere = resource(
        "MachineClasses.omni.sidero.dev",
        "c",
        &omni_proto::specs::MachineClassSpec { match_labels: vec!["a = b".into()], ..Default::default() },
    );
    if let Some(metadata) = &mut elsewhere.metadata {
        metadata.namespace = "virtual".into();
    }
    let unsupported = client.create(elsewhere, "").await.unwrap_err();
    assert_eq!((unsupported.code(), unsupported.message()), (Code::Unimplemented, "create is not supported"));
    let query = pb::LabelQuery::default();
    let options = Some(pb::ListOptions { label_query: vec![query], ..Default::default() });
    let message =
        pb::ListRequest { namespace: "virtual".into(), r#type: "CurrentUsers.omni.sidero.dev".into(), options };
    let request = client.request("List", message);
    let status = client.state.list(request).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unimplemented, "label queries are not supported"));
    for (id, text) in [
        (Some("c".to_owned()), format!("unsupported resource type for watch {kind:?}")),
        (None, format!("unsupported resource type for watch kind {kind:?}")),
    ] {
        let message = pb::WatchRequest { namespace: "virtual".into(), r#type: kind.into(), id, ..Default::default() };
        let request = client.request("Watch", message);
        let status = client.state.watch(request).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unimplemented, text.as_str()));
    }
}

#[tokio::test]
async fn a_suspended_server_can_be_read() {
    let sim = Sim::start(Options { suspended: true, ..Options::stepped() }).await.unwrap();
    let mut client = Client::new(&sim).await;
    let who = client.get("CurrentUsers.omni.sidero.dev", "current").await.unwrap();
    assert!(who.spec.unwrap().yaml_spec.contains("role: Reader\n"));
    assert!(client.get("MachineStatuses.omni.sidero.dev", &inventory::id(1)).await.is_ok());
    let status = client.create(resource("Clusters.omni.sidero.dev", "c", &()), "").await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let shown = client.get("AuthConfigs.omni.sidero.dev", "auth-config").await.unwrap();
    assert!(shown.spec.unwrap().yaml_spec.contains("suspended: true\n"));
}

#[tokio::test]
async fn a_policy_lets_a_reader_make_its_cluster() {
    let sim = sim(Release::NEWEST).await;
    let key = sim.mint("lab", Role::Reader, accounts::LIFETIME).unwrap();
    let rule = AccessPolicyRule {
        users: vec![accounts::identity("lab")],
        clusters: vec!["lab".into()],
        role: "Operator".into(),
        kubernetes: None,
    };
    let policy = AccessPolicySpec { rules: vec![rule], ..Default::default() };
    let mut admin = Client::new(&sim).await;
    admin.create(resource("AccessPolicies.omni.sidero.dev", "access-policy", &policy), "").await.unwrap();
    let mut reader = Client::with_key(&sim, &key).await;
    let spec =
        ClusterSpec { talos_version: "1.13.8".into(), kubernetes_version: "1.35.1".into(), ..Default::default() };
    reader.create(resource("Clusters.omni.sidero.dev", "lab", &spec), "").await.unwrap();
    let status = reader.create(resource("Clusters.omni.sidero.dev", "prod", &spec), "").await.unwrap_err();
    assert_eq!(status.message(), refused("unauthorized: access denied: insufficient role: \"Reader\""));
}

#[tokio::test]
async fn providers_see_and_mark_their_own() {
    let sim = sim(Release::NEWEST).await;
    let provider = |id: &str| kinds::key("InfraProviders.omni.sidero.dev", id);
    sim.store().put("", &provider("aws"), |_| {});
    let key = sim.mint("infra-provider:aws", Role::InfraProvider, accounts::LIFETIME).unwrap();
    let mut client = Client::with_key(&sim, &key).await;
    let kind = "MachineRequestStatuses.omni.sidero.dev";
    let made = client.create(resource(kind, "mine", &()), "").await.unwrap();
    assert_eq!(made.metadata.unwrap().labels["omni.sidero.dev/infra-provider-id"], "aws");
    sim.store().put("", &kinds::key(kind, "theirs"), |object| {
        object.labels.insert("omni.sidero.dev/infra-provider-id".into(), "gcp".into());
    });
    let found = client.list_in(kind, "infra-provider").await.unwrap();
    let ids: Vec<_> = found.into_iter().map(|resource| resource.metadata.unwrap().id).collect();
    assert_eq!(ids, ["mine"]);
    let status = client.get(kind, "theirs").await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "not found"));

    let options = Some(pb::WatchOptions { bootstrap_contents: true, ..Default::default() });
    let message = pb::WatchRequest {
        namespace: "infra-provider".into(),
        r#type: kind.into(),
        options,
        api_version: 1,
        ..Default::default()
    };
    let request = client.request("Watch", message);
    let mut watch = client.state.watch(request).await.unwrap().into_inner();
    let mut seen = Vec::new();
    while seen.last().is_none_or(|event: &pb::Event| event.event_type() != pb::EventType::Bootstrapped) {
        seen.extend(watch.message().await.unwrap().unwrap().event);
    }
    let ids: Vec<_> =
        seen.iter().map(|event| event.resource.as_ref().unwrap().metadata.as_ref().unwrap().id.as_str()).collect();
    assert_eq!(ids, ["mine", ""]);
}

#[tokio::test]
async fn types_and_namespaces_can_be_listed() {
    let sim = sim(Release::V1_6).await;
    let mut client = Client::new(&sim).await;
    let definitions = client.list_in("ResourceDefinitions.meta.cosi.dev", "meta").await.unwrap();
    assert_eq!(definitions.len(), 146);
    let clusters = definitions.iter().find(|d| d.metadata.as_ref().unwrap().id == "clusters.omni.sidero.dev").unwrap();
    let spec = clusters.spec.as_ref().unwrap();
    assert!(spec.yaml_spec.starts_with("type: Clusters.omni.sidero.dev\ndisplayType: Cluster\n"));
    let decoded = ResourceDefinitionSpec::decode(spec.proto_spec.as_slice()).unwrap();
    assert_eq!(
        (decoded.resource_type.as_str(), decoded.display_type.as_str()),
        ("Clusters.omni.sidero.dev", "Cluster")
    );
    assert_eq!(decoded.print_columns[0].json_path, "{.talosversion}");
    assert_eq!(client.list_in("Namespaces.meta.cosi.dev", "meta").await.unwrap().len(), 8);
}

#[tokio::test]
async fn usage_can_be_watched() {
    let sim = sim(Release::NEWEST).await;
    let mut client = Client::new(&sim).await;
    let message = pb::WatchRequest {
        namespace: "virtual".into(),
        r#type: "KubernetesUsages.omni.sidero.dev".into(),
        id: Some("c".into()),
        api_version: 1,
        ..Default::default()
    };
    let nowhere = client.request("Watch", message.clone());
    assert_eq!(client.state.watch(nowhere).await.unwrap_err().code(), Code::NotFound);
    for kind in ["ClusterUUIDs.omni.sidero.dev", "Kubeconfigs.omni.sidero.dev"] {
        sim.store().put("", &kinds::key(kind, "c"), |_| {});
    }
    let request = client.request("Watch", message);
    let mut watch = client.state.watch(request).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().event, vec![]);
    let node = |ready| KubernetesStatusSpec {
        nodes: vec![NodeStatus { nodename: "a".into(), ready, ..Default::default() }],
        ..Default::default()
    };
    let set = |spec: &KubernetesStatusSpec| {
        let key = kinds::key("KubernetesStatuses.omni.sidero.dev", "c");
        sim.store().put("", &key, |object| object.spec = spec.encode_to_vec());
    };
    set(&node(false));
    let first = watch.message().await.unwrap().unwrap().event.remove(0);
    assert_eq!(first.event_type(), pb::EventType::Created);
    // Nothing that counts has changed, and then something has.
    set(&node(true));
    set(&KubernetesStatusSpec::default());
    let second = watch.message().await.unwrap().unwrap().event.remove(0);
    assert_eq!(second.event_type(), pb::EventType::Updated);
    assert!(second.resource.unwrap().spec.unwrap().yaml_spec.contains("pods:\n    count: 0\n    capacity: 0\n"));
}
