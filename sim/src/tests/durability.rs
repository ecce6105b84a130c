//! What survives the end of a server.

use super::client::{Client, resource};
use crate::{Options, Sim, SimError};
use omni_proto::cosi::resource as pb;
use omni_proto::specs::MachineClassSpec;
use std::path::Path;

const CLASS: &str = "MachineClasses.omni.sidero.dev";

fn class(id: &str) -> pb::Resource {
    resource(CLASS, id, &MachineClassSpec { match_labels: vec!["a".into()], ..Default::default() })
}

fn on(data: &Path) -> Options {
    Options { data: Some(data.to_owned()), tls: false, ..Options::stepped() }
}

#[tokio::test]
async fn objects_and_keys_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::start(on(folder.path())).await.unwrap();
    let key = sim.service_account_key().to_owned();
    let mut client = Client::new(&sim).await;
    for id in ["a", "b"] {
        client.create(class(id), "").await.unwrap();
    }
    client.destroy(CLASS, "b", "").await.unwrap();
    let before = client.get(CLASS, "a").await.unwrap();
    let count = sim.store().view().all().len();
    sim.stop().await;
    drop(client);

    let sim = Sim::start(on(folder.path())).await.unwrap();
    assert_eq!(sim.service_account_key(), key);
    assert_eq!(sim.store().view().all().len(), count);
    let mut client = Client::new(&sim).await;
    assert_eq!(client.get(CLASS, "a").await.unwrap(), before);
    assert_eq!(client.list(CLASS, Default::default()).await.unwrap(), ["a"]);
}

#[tokio::test]
async fn the_authority_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options { tls: true, ..on(folder.path()) };
    let sim = Sim::start(options()).await.unwrap();
    let ca = sim.ca_pem().unwrap().to_owned();
    sim.stop().await;
    let sim = Sim::start(options()).await.unwrap();
    assert_eq!(sim.ca_pem(), Some(ca.as_str()));
}

#[tokio::test]
async fn one_folder_is_for_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let _sim = Sim::start(on(folder.path())).await.unwrap();
    let second = Sim::start(on(folder.path())).await.unwrap_err();
    assert!(matches!(second, SimError::Data(crate::store::JournalError::Locked { .. })), "{second:?}");
}
