//! What a running 1.6.6 did, beyond the answers that were written down question by question.

use super::client::{Client, resource, with};
use crate::pb::cosi::resource as pb;
use crate::pb::specs::cluster_spec::Features;
use crate::pb::specs::{
    ClusterSpec, ClusterStatusSpec, ConfigPatchSpec, EtcdBackupConf, InfraProviderSpec, LoadBalancerConfigSpec,
    LoadBalancerStatusSpec, MachineSetPhase, MachineSetSpec, MachineSetStatusSpec, cluster_status_spec,
};
use crate::sim::names::{kind, label};
use crate::sim::object::Object;
use crate::sim::{Options, Release, Sim, kinds};
use std::sync::Arc;
use tonic::Code;

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
        ..Default::default()
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
