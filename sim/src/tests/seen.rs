//! What a running 1.6.6 did, beyond the answers that were written down question by question.

use super::client::{Client, channel, resource, with};
use crate::names::{kind, label};
use crate::object::Object;
use crate::{Options, Release, Role, Sim, accounts, kinds};
use kit::yaml;
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::meta::{NamespaceSpec, ResourceDefinitionSpec};
use omni_proto::management as calls;
use omni_proto::management::management_service_client::ManagementServiceClient;
use omni_proto::specs::cluster_spec::Features;
use omni_proto::specs::{
    AccessPolicySpec, ClusterConfigVersionSpec, ClusterSpec, ClusterStatusSpec, ConfigPatchSpec, DefaultJoinTokenSpec,
    EtcdBackupConf, ExtensionsConfigurationSpec, ImportedClusterSecretsSpec, InfraMachineConfigSpec, InfraProviderSpec,
    InstallationMediaConfigSpec, JoinTokenSpec, LoadBalancerConfigSpec, LoadBalancerStatusSpec, MachineClassSpec,
    MachineSetPhase, MachineSetSpec, MachineSetStatusSpec, SamlLabelRuleSpec, TalosVersionSpec, cluster_status_spec,
};
use openpgp::cert::{CertBuilder, CipherSuite};
use openpgp::serialize::SerializeInto;
use openpgp::types::KeyFlags;
use prost::Message;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use sequoia_openpgp as openpgp;
use serde_json::Value;
use std::sync::Arc;
use tonic::{Code, Status};

async fn start(release: Release) -> (Sim, Client) {
    let sim = Sim::start(Options { release, ..Options::stepped() }).await.unwrap();
    let client = Client::new(&sim).await;
    (sim, client)
}

fn stored(sim: &Sim, kind: &str, id: &str) -> Arc<Object> {
    sim.store().get(&kinds::key(kind, id)).unwrap_or_else(|| panic!("no {kind} {id}"))
}

/// A cluster with a set of control planes without machines.
async fn headless(release: Release) -> (Sim, Client) {
    let (sim, mut client) = start(release).await;
    let hour = prost_types::Duration { seconds: 7200, nanos: 0 };
    let cluster = ClusterSpec {
        talos_version: "1.13.8".into(),
        kubernetes_version: "1.36.3".into(),
        features: Some(Features { enable_workload_proxy: true, ..Default::default() }),
        backup_configuration: Some(EtcdBackupConf { interval: Some(hour), enabled: true }),
    };
    client.create(resource(kind::CLUSTER, "c", &cluster), "").await.unwrap();
    let set = with(resource(kind::MACHINE_SET, "c-control-planes", &MachineSetSpec::default()), |m| {
        m.labels.insert(label::CLUSTER.into(), "c".into());
        m.labels.insert(label::CONTROL_PLANE.into(), String::new());
    });
    client.create(set, "").await.unwrap();
    sim.settle().unwrap();
    (sim, client)
}

#[tokio::test]
async fn a_control_plane_without_machines_never_comes_up() {
    for release in [Release::V1_6, Release::NEWEST] {
        let (sim, _client) = headless(release).await;
        let set: MachineSetStatusSpec = stored(&sim, kind::MACHINE_SET_STATUS, "c-control-planes").spec();
        assert_eq!((set.phase(), set.ready), (MachineSetPhase::Failed, false));
        assert_eq!(set.error, "control plane machine set must have at least one node");
        assert_eq!(set.config_hash.len(), 64);
        let cluster: ClusterStatusSpec = stored(&sim, kind::CLUSTER_STATUS, "c").spec();
        assert_eq!(cluster.phase(), cluster_status_spec::Phase::Unknown);
        assert!(!cluster.controlplane_ready && !cluster.ready);
        let balancer: LoadBalancerConfigSpec = stored(&sim, kind::LOAD_BALANCER_CONFIG, "c").spec();
        assert_eq!(balancer.bind_port, "10000");
        assert!(stored(&sim, kind::LOAD_BALANCER_STATUS, "c").spec::<LoadBalancerStatusSpec>().stopped);
        stored(&sim, kind::ETCD_BACKUP_STATUS, "c");
    }
}

#[tokio::test]
async fn the_workload_proxy_brings_a_patch() {
    let (sim, _client) = headless(Release::V1_6).await;
    let patch = stored(&sim, kind::CONFIG_PATCH, "950-cluster-c-workload-proxying");
    assert!(patch.spec::<ConfigPatchSpec>().data.contains("inlineManifests"));
    let (later, _client) = headless(Release::NEWEST).await;
    assert_eq!(later.store().list(kind::CONFIG_PATCH).len(), 0);
}

#[tokio::test]
async fn what_is_not_found_is_told_by_where_it_would_be() {
    let (_sim, mut client) = start(Release::V1_6).await;
    for (namespace, kind, expected) in [
        ("nowhere", kind::CONFIG_PATCH, "failed to get: resource ConfigPatches.omni.sidero.dev(nowhere/x@undefined)"),
        ("default", kind::CONFIG_PATCH, "resource ConfigPatches.omni.sidero.dev(default/x@undefined)"),
        ("ephemeral", kind::ETCD_MANUAL_BACKUP, "resource EtcdManualBackups.omni.sidero.dev(ephemeral/x@undefined)"),
        ("default", "Users.omni.sidero.dev", "failed to get: resource Users.omni.sidero.dev(default/x@undefined)"),
    ] {
        let message =
            pb::GetRequest { namespace: namespace.into(), r#type: kind.into(), id: "x".into(), options: None };
        let request = client.request("Get", message);
        let status = client.state.get(request).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(status.message(), format!("{expected} doesn't exist"));
    }
}

#[tokio::test]
async fn lists_of_backups_name_their_cluster() {
    let (_sim, mut client) = start(Release::V1_6).await;
    let status = client.list("EtcdBackups.omni.sidero.dev", Default::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unknown);
    assert_eq!(status.message(), "failed to validate: cluster ID must be specified in query");
}

#[tokio::test]
async fn some_computed_objects_have_no_version() {
    let (_sim, mut client) = start(Release::V1_6).await;
    for (kind, id, expected) in [
        ("LabelsCompletions.omni.sidero.dev", "MachineLabels.omni.sidero.dev", "undefined"),
        ("MetalPlatformConfigs.omni.sidero.dev", "metal", "undefined"),
        ("CloudPlatformConfigs.omni.sidero.dev", "aws", "1"),
    ] {
        let found = client.get(kind, id).await.unwrap();
        assert_eq!(found.metadata.unwrap().version, expected, "{kind}");
        assert!(id != "metal" || found.spec.unwrap().yaml_spec.contains("minversion: \"\""));
    }
}

#[tokio::test]
async fn a_provider_of_any_name_is_torn_down_and_then_destroyed() {
    let (sim, mut client) = start(Release::V1_6).await;
    let made = client.create(resource(kind::INFRA_PROVIDER, "Rt_ip", &InfraProviderSpec {}), "").await.unwrap();
    sim.settle().unwrap();
    let current = client.get(kind::INFRA_PROVIDER, "Rt_ip").await.unwrap();
    assert_eq!(made.metadata.unwrap().id, "Rt_ip");
    client.update(with(current, |m| m.phase = "tearingDown".into()), "", None).await.unwrap();
    sim.settle().unwrap();
    client.destroy(kind::INFRA_PROVIDER, "Rt_ip", "").await.unwrap();
    let (_newest, mut client) = start(Release::NEWEST).await;
    let refused = client.create(resource(kind::INFRA_PROVIDER, "Rt_ip", &InfraProviderSpec {}), "").await.unwrap_err();
    assert!(refused.message().contains("invalid infra provider name"), "{refused:?}");
}

fn yaml_of(resource: pb::Resource) -> String {
    resource.spec.unwrap().yaml_spec
}

/// What the validators answer to this one problem.
fn one_error(text: &str) -> String {
    format!("failed to validate: 1 error occurred:\n\t* {text}\n\n")
}

fn call<T>(client: &Client, method: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    client.signer.seal(&format!("/management.ManagementService/{method}"), client.now(), &mut request);
    request
}

/// The public half of a new key.
fn public_key() -> String {
    let (cert, _) = CertBuilder::new()
        .set_cipher_suite(CipherSuite::Cv25519)
        .set_validity_period(accounts::LIFETIME / 2)
        .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
        .add_userid("any (linux/amd64) <any@example.org>")
        .generate()
        .unwrap();
    String::from_utf8(cert.armored().to_vec().unwrap()).unwrap()
}

#[tokio::test]
async fn accounts_of_providers_are_not_listed() {
    for release in [Release::V1_6, Release::NEWEST] {
        let (sim, mut client) = start(release).await;
        accounts::mint(sim.store(), "infra-provider:aws", Role::InfraProvider, accounts::LIFETIME).unwrap();
        accounts::mint(sim.store(), "ci", Role::Reader, accounts::LIFETIME).unwrap();
        sim.settle().unwrap();
        let id = "aws@infra-provider.serviceaccount.omni.sidero.dev";
        client.get(kind::IDENTITY, id).await.unwrap();
        assert_eq!(sim.store().get(&kinds::key(accounts::SERVICE_ACCOUNT_STATUS, id)), None);
        let mut management = ManagementServiceClient::new(channel(&sim).await);
        let listed = management.list_service_accounts(call(&client, "ListServiceAccounts", ())).await.unwrap();
        let names: Vec<_> = listed.into_inner().service_accounts.into_iter().map(|account| account.name).collect();
        assert!(names.contains(&"ci".to_owned()), "{names:?}");
        assert!(!names.iter().any(|name| name.contains("aws")), "{names:?}");
    }
}

#[tokio::test]
async fn types_say_which_columns_are_printed() {
    let (_sim, mut client) = start(Release::V1_6).await;
    let mut printed = std::collections::BTreeMap::new();
    for definition in client.list_in("ResourceDefinitions.meta.cosi.dev", "meta").await.unwrap() {
        let spec = definition.spec.unwrap();
        let decoded = ResourceDefinitionSpec::decode(spec.proto_spec.as_slice()).unwrap();
        assert!(spec.yaml_spec.starts_with(&format!("type: {}\n", decoded.resource_type)), "{}", spec.yaml_spec);
        let names: Vec<_> = decoded.print_columns.into_iter().map(|column| column.name.to_uppercase()).collect();
        if !names.is_empty() {
            printed.insert(decoded.resource_type, names);
        }
    }
    assert_eq!(printed["Clusters.omni.sidero.dev"], ["TALOS VERSION", "KUBERNETES VERSION"]);
    assert_eq!(printed["ClusterStatuses.omni.sidero.dev"], ["AVAILABLE", "PHASE", "MACHINES", "HEALTHY"]);
    assert!((50..=70).contains(&printed.len()), "about 60 types have columns, not {}", printed.len());
    for namespace in client.list_in("Namespaces.meta.cosi.dev", "meta").await.unwrap() {
        let spec = namespace.spec.unwrap();
        let decoded = NamespaceSpec::decode(spec.proto_spec.as_slice()).unwrap();
        let parsed = yaml::parse_documents(&spec.yaml_spec).unwrap().remove(0);
        assert_eq!(parsed["description"], decoded.description, "{}", spec.yaml_spec);
    }
}

#[tokio::test]
async fn compressed_specs_are_shown_as_text() {
    let (_sim, mut client) = start(Release::V1_6).await;
    let text = format!("machine: {{}}\n{}", "# padding\n".repeat(300));
    let compressed_data = compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
    let spec = ConfigPatchSpec { compressed_data, ..Default::default() };
    client.create(resource(kind::CONFIG_PATCH, "500-a", &spec), "").await.unwrap();
    let shown = yaml_of(client.get(kind::CONFIG_PATCH, "500-a").await.unwrap());
    let parsed = yaml::parse_documents(&shown).unwrap().remove(0);
    assert_eq!(parsed["data"], text);
    assert!(shown.ends_with("compresseddata: []\n"), "{shown}");
}

#[tokio::test]
async fn extensions_need_no_cluster_and_no_catalogue() {
    let (sim, mut client) = start(Release::V1_6).await;
    let spec = ExtensionsConfigurationSpec { extensions: vec!["nobody/offers-this".into()] };
    client.create(resource(kind::EXTENSIONS_CONFIGURATION, "e", &spec), "").await.unwrap();
    sim.settle().unwrap();
    assert_eq!(stored(&sim, kind::EXTENSIONS_CONFIGURATION, "e").finalizers, ["MachineExtensionsController"]);
}

#[tokio::test]
async fn patches_of_authorities_were_taken() {
    for (release, taken) in [(Release::V1_6, true), (Release::V1_9, true), (Release::V1_10, false)] {
        let (_sim, mut client) = start(release).await;
        for field in ["cluster: {ca: {crt: \"\"}}", "cluster: {serviceAccount: {key: \"\"}}"] {
            let patch = with(
                resource(kind::CONFIG_PATCH, "500-a", &ConfigPatchSpec { data: field.into(), ..Default::default() }),
                |m| drop(m.labels.insert(label::CLUSTER.into(), "c".into())),
            );
            let answer = client.create(patch, "").await;
            assert_eq!(answer.is_ok(), taken, "{release}: {field}: {answer:?}");
            if taken {
                client.destroy(kind::CONFIG_PATCH, "500-a", "").await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn features_of_later_releases_are_kept_without_effect() {
    let features =
        Features { disable_public_discovery_service: true, enable_node_audit_skip: true, ..Default::default() };
    let spec = ClusterSpec {
        talos_version: "1.13.8".into(),
        kubernetes_version: "1.36.3".into(),
        features: Some(features),
        ..Default::default()
    };
    let (sim, mut client) = start(Release::V1_6).await;
    client.create(resource(kind::CLUSTER, "c", &spec), "").await.unwrap();
    sim.settle().unwrap();
    let given = client.get(kind::CLUSTER, "c").await.unwrap().spec.unwrap();
    assert_eq!(ClusterSpec::decode(given.proto_spec.as_slice()).unwrap(), spec);
    assert!(!given.yaml_spec.contains("disablepublic") && !given.yaml_spec.contains("auditskip"), "{given:?}");
    assert!(!stored(&sim, kind::CLUSTER_STATUS, "c").spec::<ClusterStatusSpec>().disable_public_discovery_service);
    // Where it has an effect, a cluster without any discovery service is refused.
    let (_newest, mut client) = start(Release::NEWEST).await;
    client.create(resource(kind::CLUSTER, "c", &spec), "").await.unwrap_err();
}

#[tokio::test]
async fn fields_of_later_releases_are_not_there() {
    for release in [Release::V1_6, Release::NEWEST] {
        let (sim, mut client) = headless(release).await;
        sim.store().put("", &kinds::key(kind::INFRA_MACHINE_CONFIG, "m"), |object| {
            object.spec = InfraMachineConfigSpec::default().encode_to_vec();
        });
        for (kind, id, field) in [
            (kind::CLUSTER_STATUS, "c", "initialtalosversion"),
            (kind::TALOS_VERSION, "1.13.8", "upgradabletalosversions"),
            (kind::TALOS_VERSION, "1.13.8", "unsupported"),
            (kind::TALOS_VERSION, "1.13.8", "imagefactoryurl"),
            (kind::INFRA_MACHINE_CONFIG, "m", "poweroffrequestid"),
            (kind::FEATURES_CONFIG, "features-config", "secondaryimagefactorybaseurl"),
            (kind::FEATURES_CONFIG, "features-config", "isenterpriseimagefactory"),
            ("ClusterPermissions.omni.sidero.dev", "c", "canmanagekernelargs"),
            (kind::AUTH_CONFIG, "auth-config", "hasinitialuser"),
        ] {
            let shown = yaml_of(client.get(kind, id).await.unwrap());
            assert_eq!(shown.contains(&format!("{field}:")), release == Release::NEWEST, "{release} {kind}: {shown}");
        }
        let sent = async |client: &mut Client, kind: &str, id: &str| {
            client.get(kind, id).await.unwrap().spec.unwrap().proto_spec
        };
        let status = sent(&mut client, kind::CLUSTER_STATUS, "c").await;
        let status = ClusterStatusSpec::decode(status.as_slice()).unwrap();
        assert_eq!(status.initial_talos_version.is_empty(), release == Release::V1_6);
        assert_eq!(status.talos_version, "1.13.8");
        let version = sent(&mut client, kind::TALOS_VERSION, "1.12.4").await;
        let version = TalosVersionSpec::decode(version.as_slice()).unwrap();
        assert_eq!(version.upgradable_talos_versions.is_empty(), release == Release::V1_6);
        let first: ClusterConfigVersionSpec = stored(&sim, "ClusterConfigVersions.omni.sidero.dev", "c").spec();
        assert_eq!(first.version, "v1.13.8", "{release}");
        let old: TalosVersionSpec = stored(&sim, kind::TALOS_VERSION, "1.8.4").spec();
        assert!(release != Release::V1_6 || !old.deprecated);
    }
}

#[tokio::test]
async fn the_account_of_a_provider_of_no_name_is_refused() {
    let (sim, mut client) = start(Release::V1_6).await;
    client.create(resource(kind::INFRA_PROVIDER, "Rt_ip2", &InfraProviderSpec {}), "").await.unwrap();
    let mut management = ManagementServiceClient::new(channel(&sim).await);
    let message = calls::CreateServiceAccountRequest {
        armored_pgp_public_key: public_key(),
        use_user_role: false,
        role: "InfraProvider".into(),
        name: "infra-provider:Rt_ip2".into(),
    };
    let request = call(&client, "CreateServiceAccount", message);
    let status = management.create_service_account(request).await.unwrap_err();
    assert_eq!(status.message(), one_error("must be lowercase"));
    sim.settle().unwrap();
    client.get(kind::INFRA_PROVIDER, "Rt_ip2").await.expect("the object stays");
}

/// What each role hears when it lists a type.
#[tokio::test]
async fn roles_open_what_they_opened() {
    let (sim, mut admin) = start(Release::V1_6).await;
    sim.settle().unwrap();
    admin.create(resource(kind::INFRA_PROVIDER, "aws", &InfraProviderSpec {}), "").await.unwrap();
    sim.settle().unwrap();
    let provider = accounts::mint(sim.store(), "infra-provider:aws", Role::InfraProvider, accounts::LIFETIME).unwrap();
    let mut clients = Vec::new();
    for role in [Role::None, Role::Reader, Role::Operator] {
        clients.push((role, Client::with_key(&sim, &sim.key_for(role).unwrap()).await));
    }
    clients.push((Role::InfraProvider, Client::with_key(&sim, &provider).await));
    let (yes, low, never) = ("", "insufficient role", "access is not permitted");
    for (kind, namespace, [none, reader, operator, provider, admins]) in [
        ("JoinTokens", "default", [low, low, low, low, yes]),
        ("DefaultJoinTokens", "default", [low, low, low, low, yes]),
        ("JoinTokenStatuses", "default", [low, yes, yes, low, yes]),
        ("ImportedClusterSecrets", "default", [low, low, yes, low, yes]),
        ("ConfigPatchRequests", "infra-provider", [yes, yes, yes, yes, yes]),
        ("ProviderJoinConfigs", "infra-provider", [yes, yes, yes, yes, yes]),
        ("MachineRequestSetStatuses", "default", [low, never, never, low, never]),
    ] {
        let kind = format!("{kind}.omni.sidero.dev");
        let heard = |answer: Result<Vec<pb::Resource>, Status>| answer.err().map(|status| status.message().to_owned());
        for ((role, client), expected) in clients.iter_mut().zip([none, reader, operator, provider]) {
            let refused = heard(client.list_in(&kind, namespace).await);
            assert_eq!(refused.is_none(), expected == yes, "{kind} {role:?}: {refused:?}");
            assert!(refused.unwrap_or_default().contains(expected), "{kind} {role:?}");
        }
        let refused = heard(admin.list_in(&kind, namespace).await);
        assert_eq!(refused.is_none(), admins == yes, "{kind} Admin: {refused:?}");
        assert!(refused.unwrap_or_default().contains(admins), "{kind} Admin");
    }
    let reader = &mut clients[1].1;
    let shown = yaml_of(reader.list_in("JoinTokenStatuses.omni.sidero.dev", "default").await.unwrap().remove(0));
    for field in ["name: initial token\n", "state: ", "isdefault: true\n", "usecount: ", "expirationtime: "] {
        assert!(shown.contains(field), "{field:?} in {shown}");
    }
}

#[tokio::test]
async fn names_of_join_tokens_are_short() {
    let (sim, mut client) = start(Release::V1_6).await;
    let mut management = ManagementServiceClient::new(channel(&sim).await);
    for (name, expected) in
        [("", "token name cannot be empty"), ("seventeen letters", "token name cannot be longer than 16 symbols")]
    {
        let message = calls::CreateJoinTokenRequest { name: name.into(), expiration_time: None };
        let status = management.create_join_token(call(&client, "CreateJoinToken", message)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, expected));
    }
    let message = calls::CreateJoinTokenRequest { name: "sixteen letters!".into(), expiration_time: None };
    let made = management.create_join_token(call(&client, "CreateJoinToken", message)).await.unwrap().into_inner();
    let current = client.get(kind::JOIN_TOKEN, &made.id).await.unwrap();
    let spec = JoinTokenSpec { name: "seventeen letters".into(), ..Default::default() };
    let longer = pb::Spec { proto_spec: spec.encode_to_vec(), ..Default::default() };
    let status = client.update(pb::Resource { spec: Some(longer), ..current }, "", None).await.unwrap_err();
    assert_eq!(status.message(), one_error("join token name cannot be longer than 16 symbols"));
}

#[tokio::test]
async fn an_unknown_account_is_named_as_given() {
    let (sim, client) = start(Release::V1_6).await;
    let mut management = ManagementServiceClient::new(channel(&sim).await);
    let message = calls::DestroyServiceAccountRequest { name: "nosuch".into() };
    let request = call(&client, "DestroyServiceAccount", message);
    let status = management.destroy_service_account(request).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "service account \"nosuch\" not found"));
}

#[tokio::test]
async fn refusals_of_single_types() {
    let (_sim, mut client) = start(Release::V1_6).await;
    let saml = SamlLabelRuleSpec {
        match_labels: vec!["a".into()],
        assign_role_on_registration: "Reader".into(),
        ..Default::default()
    };
    let class = MachineClassSpec { match_labels: vec!["(".into()], ..Default::default() };
    let patch = ConfigPatchSpec { data: "machine:\n  time: 5\n".into(), ..Default::default() };
    let media = InstallationMediaConfigSpec { talos_version: "1.13.8".into(), architecture: 1, ..Default::default() };
    for (object, expected) in [
        (
            resource(kind::ACCESS_POLICY, "nosuch", &AccessPolicySpec::default()),
            "* access policy ID mismatch: expected \"access-policy\", got \"nosuch\"\n\n",
        ),
        (
            resource(kind::SAML_LABEL_RULE, "r", &saml),
            "* assignroleonregistration is deprecated, please use assignrole instead\n\n",
        ),
        (resource(kind::MACHINE_CLASS, "c", &class), "found '(', expected: !, identifier, or 'end of string'\n\n"),
        (
            resource(kind::INSTALLATION_MEDIA_CONFIG, "p", &media),
            "* invalid installation media config: join token is required\n\n",
        ),
        (
            resource(kind::CONFIG_PATCH, "p", &patch),
            "yaml: construct errors:\n  line 2: cannot construct !!int `5` into v1alpha1.TimeConfig\n\n",
        ),
    ] {
        let status = client.create(object, "").await.unwrap_err();
        let text = status.message();
        assert!(text.starts_with("failed to validate: 1 error occurred:\n\t* "), "{text}");
        assert!(text.ends_with(expected), "{text}");
    }
    let secrets = resource(kind::IMPORTED_CLUSTER_SECRETS, "s", &ImportedClusterSecretsSpec::default());
    let status = client.create(secrets, "").await.unwrap_err();
    assert!(status.message().contains("4 errors occurred:"), "{status:?}");
    for part in ["cluster", "secrets", "trustdinfo", "certs"] {
        assert!(status.message().contains(&format!("* {part} is required\n")), "{part}: {status:?}");
    }
}

#[tokio::test]
async fn another_default_token_is_refused_with_one_error() {
    let (_sim, mut client) = start(Release::V1_6).await;
    let spec = DefaultJoinTokenSpec { token_id: "nosuch".into() };
    client.create(resource(kind::DEFAULT_JOIN_TOKEN, "other", &spec), "").await.unwrap();
    let status = client.destroy(kind::DEFAULT_JOIN_TOKEN, "other", "").await.unwrap_err();
    assert_eq!(status.message(), one_error("no token with id \"nosuch\" exists"));
}

/// Where the simulator says that it is reached: in AdvertisedEndpoints, in an omniconfig and in a talosconfig.
#[tokio::test]
async fn addresses_are_given_as_configured() {
    for address in ["https://omni.example.org/", "https://omni.example.org"] {
        let options = Options { release: Release::V1_6, advertised: Some(address.into()), ..Options::stepped() };
        let sim = Sim::start(options).await.unwrap();
        let mut client = Client::new(&sim).await;
        let shown = yaml_of(client.get("AdvertisedEndpoints.omni.sidero.dev", "current").await.unwrap());
        assert_eq!(shown, format!("grpcapiurl: {address}\n"));
        let mut management = ManagementServiceClient::new(channel(&sim).await);
        let read =
            |text: Vec<u8>| -> Value { yaml::parse_documents(std::str::from_utf8(&text).unwrap()).unwrap().remove(0) };
        let omni = management.omniconfig(call(&client, "Omniconfig", ())).await.unwrap().into_inner();
        assert_eq!(read(omni.omniconfig)["contexts"]["default"]["url"], address);
        let request = call(&client, "Talosconfig", calls::TalosconfigRequest::default());
        let talos = read(management.talosconfig(request).await.unwrap().into_inner().talosconfig);
        let context = talos["context"].as_str().unwrap();
        assert_eq!(talos["contexts"][context]["endpoints"][0], address);
        // What is made out of the address does not repeat the slash.
        let request = call(&client, "Kubeconfig", calls::KubeconfigRequest::default());
        let config = read(management.kubeconfig(request).await.unwrap().into_inner().kubeconfig);
        assert_eq!(config["users"][0]["user"]["exec"]["args"][2], "--oidc-issuer-url=https://omni.example.org/oidc");
        assert_eq!(config["clusters"][0]["cluster"]["server"], "https://omni.example.org:8095");
    }
}

#[tokio::test]
async fn watches_are_refused_in_words_of_the_release() {
    for (release, tail) in [(Release::V1_6, Code::Unknown), (Release::NEWEST, Code::Unimplemented)] {
        let (_sim, mut client) = start(release).await;
        let ask = |options: pb::WatchOptions, id: Option<&str>| pb::WatchRequest {
            namespace: "default".into(),
            r#type: kind::MACHINE_CLASS.into(),
            id: id.map(Into::into),
            options: Some(options),
            api_version: 1,
        };
        for id in [None, Some("a")] {
            let request = client.request("Watch", ask(pb::WatchOptions { tail_events: 1, ..Default::default() }, id));
            let status = client.state.watch(request).await.unwrap_err();
            assert_eq!(status.code(), tail, "{release} {id:?}");
        }
        let options = pb::WatchOptions { start_from_bookmark: Some(Vec::new()), ..Default::default() };
        let request = client.request("Watch", ask(options, None));
        let status = client.state.watch(request).await.unwrap_err();
        let text = "failed to watchKind \"MachineClasses.omni.sidero.dev(default/@undefined)\": invalid bookmark \
                    length: 0";
        assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, text));
    }
}
