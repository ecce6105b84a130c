//! Rules, controllers and access together, on the one type where all of them meet.

use super::client::{Client, resource, with};
use crate::{Options, Role, Sim};
use omni_proto::cosi::resource as pb;
use omni_proto::specs::{ClusterSpec, cluster_spec::Features};
use tonic::Code;

const CLUSTER: &str = "Clusters.omni.sidero.dev";
const STATUS: &str = "ClusterStatuses.omni.sidero.dev";
const LOCK: &str = "omni.sidero.dev/cluster-locked";

fn cluster(id: &str, talos: &str) -> pb::Resource {
    let spec = ClusterSpec {
        kubernetes_version: "1.36.3".into(),
        talos_version: talos.into(),
        features: Some(Features::default()),
        ..ClusterSpec::default()
    };
    resource(CLUSTER, id, &spec)
}

#[tokio::test]
async fn problems_of_all_kinds_come_together() {
    let sim = Sim::start(Options::stepped()).await.unwrap();
    let mut admin = Client::new(&sim).await;
    let bad = cluster("bad name", "9.9.9");
    let problems = "\t* name should only contain letters, digits, dashes and underscores\n\
                    \t* invalid talos version \"9.9.9\": failed to get: resource TalosVersions.omni.sidero.dev(default/9.9.9@undefined) doesn't exist\n\n";
    let status = admin.create(bad.clone(), "").await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), format!("failed to validate: 2 errors occurred:\n{problems}"));

    let mut reader = Client::with_key(&sim, &sim.key_for(Role::Reader).unwrap()).await;
    let status = reader.create(bad, "").await.unwrap_err();
    let denied =
        "\t* rpc error: code = PermissionDenied desc = unauthorized: access denied: insufficient role: \"Reader\"\n";
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(status.message(), format!("failed to validate: 3 errors occurred:\n{denied}{problems}"));
}

#[tokio::test]
async fn a_locked_cluster_stays_and_an_unlocked_one_goes() {
    let sim = Sim::start(Options::stepped()).await.unwrap();
    let mut client = Client::new(&sim).await;
    client.create(cluster("c", "1.13.8"), "").await.unwrap();
    sim.settle().unwrap();
    let read = client.get(CLUSTER, "c").await.unwrap();
    let lock = with(read, |m| drop(m.annotations.insert(LOCK.into(), String::new())));
    let locked = client.update(lock, "", Some("running")).await.unwrap();
    sim.settle().unwrap();

    let refused = "failed to validate: 1 error occurred:\n\t* deletion is not allowed: the cluster \"c\" is locked\n\n";
    let status = client.teardown(CLUSTER, "c").await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, refused));
    let leave = with(locked.clone(), |m| m.phase = "tearingDown".into());
    let status = client.update(leave, "", None).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, refused), "the older way, by an update");

    let now = client.get(CLUSTER, "c").await.unwrap();
    let unlocked = client.update(with(now, |m| m.annotations.clear()), "", None).await.unwrap();
    assert_eq!(unlocked.spec, locked.spec);
    let status = client.destroy(CLUSTER, "c", "").await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains(" has pending finalizers &[BackupDataController ClusterConfig"), "{status:?}");

    client.get(STATUS, "c").await.unwrap();
    assert!(!client.teardown(CLUSTER, "c").await.unwrap());
    sim.settle().unwrap();
    for kind in [CLUSTER, STATUS] {
        assert_eq!(client.get(kind, "c").await.unwrap_err().code(), Code::NotFound, "{kind}");
    }
}

#[tokio::test]
async fn a_cluster_goes_while_reads_lag() {
    let lag = std::time::Duration::from_secs(1);
    let sim = Sim::start(Options { lag, ..Options::stepped() }).await.unwrap();
    sim.advance(lag);
    let mut client = Client::new(&sim).await;
    client.create(cluster("c", "1.13.8"), "").await.unwrap();
    sim.settle().unwrap();
    assert_eq!(client.get(STATUS, "c").await.unwrap_err().code(), Code::NotFound);
    sim.advance(lag);
    client.get(STATUS, "c").await.unwrap();
    client.teardown(CLUSTER, "c").await.unwrap();
    sim.settle().unwrap();
    client.get(CLUSTER, "c").await.expect("still seen");
    sim.advance(lag);
    assert_eq!(client.get(CLUSTER, "c").await.unwrap_err().code(), Code::NotFound);
}
