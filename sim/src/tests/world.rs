//! The seeded world over gRPC: a cluster from creation to a kubeconfig, and refusals with the server's words.

use super::client::{Client, channel, resource, with};
use crate::names::{kind, label};
use crate::{Options, Release, Sim, inventory, kinds, world};
use omni_proto::management::management_service_client::ManagementServiceClient;
use omni_proto::management::{KubeconfigRequest, TalosconfigRequest};
use omni_proto::specs::{ClusterSpec, ClusterStatusSpec, MachineSetNodeSpec, MachineSetSpec};
use tonic::Code;

fn cluster(talos: &str) -> ClusterSpec {
    ClusterSpec { talos_version: talos.into(), kubernetes_version: "1.35.1".into(), ..Default::default() }
}

#[tokio::test]
async fn a_cluster_comes_up_and_gives_out_a_kubeconfig() {
    let sim = Sim::start(Options::stepped()).await.unwrap();
    sim.settle().unwrap();
    let mut client = Client::new(&sim).await;
    client.create(resource(kind::CLUSTER, "demo", &cluster("1.13.8")), "").await.unwrap();
    let labelled = |resource, entries: &[(&str, &str)]| {
        with(resource, |m| m.labels.extend(entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))))
    };
    let set = resource(kind::MACHINE_SET, "demo-control-planes", &MachineSetSpec::default());
    let role = [(label::CLUSTER, "demo"), (label::CONTROL_PLANE, "")];
    client.create(labelled(set, &role), "").await.unwrap();
    let node = resource(kind::MACHINE_SET_NODE, &inventory::id(1), &MachineSetNodeSpec::default());
    let place = [(label::CLUSTER, "demo"), (label::MACHINE_SET, "demo-control-planes"), (label::CONTROL_PLANE, "")];
    client.create(labelled(node, &place), "").await.unwrap();
    sim.settle().unwrap();
    let status: ClusterStatusSpec = sim.store().get(&kinds::key(kind::CLUSTER_STATUS, "demo")).unwrap().spec();
    assert!(status.ready);

    let mut management = ManagementServiceClient::new(channel(&sim).await);
    let method = "/management.ManagementService/Kubeconfig";
    let message = KubeconfigRequest {
        service_account: true,
        service_account_user: "ci".into(),
        service_account_ttl: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..Default::default()
    };
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("cluster", "demo".parse().unwrap());
    client.signer.seal(method, client.now(), &mut request);
    let answer = management.kubeconfig(request).await.unwrap().into_inner();
    let text = String::from_utf8(answer.kubeconfig).unwrap();
    assert!(text.contains("current-context: omni-sim-demo-ci"), "{text}");

    let unsigned = management.talosconfig(tonic::Request::new(TalosconfigRequest::default())).await.unwrap_err();
    assert_eq!(unsigned.code(), Code::Unauthenticated);

    // What a test does to a machine, a client sees.
    world::disconnect_machine(sim.store(), &inventory::id(1));
    sim.settle().unwrap();
    let status: ClusterStatusSpec = sim.store().get(&kinds::key(kind::CLUSTER_STATUS, "demo")).unwrap().spec();
    assert!(!status.ready);
}

#[tokio::test]
async fn refusals_read_as_on_a_server() {
    for release in [Release::V1_6, Release::NEWEST] {
        let sim = Sim::start(Options { release, ..Options::stepped() }).await.unwrap();
        sim.settle().unwrap();
        let mut client = Client::new(&sim).await;
        let status = client.create(resource(kind::CLUSTER, "probe c", &cluster("9.9.9")), "").await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(
            status.message(),
            "failed to validate: 2 errors occurred:\n\t* name should only contain letters, digits, dashes and \
             underscores\n\t* invalid talos version \"9.9.9\": failed to get: resource \
             TalosVersions.omni.sidero.dev(default/9.9.9@undefined) doesn't exist\n\n"
        );
    }
}
