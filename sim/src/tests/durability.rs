//! What survives the end of a server.

use super::client::{Client, resource};
use crate::names::{kind, label};
use crate::{Options, Release, Sim, SimError, kinds};
use omni_proto::cosi::resource as pb;
use omni_proto::specs::{ConfigPatchSpec, MachineClassSpec, MachineInstallDiskConfigSpec};
use prost::Message as _;
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
async fn a_newer_release_goes_on_from_what_an_older_one_left() {
    let folder = tempfile::tempdir().unwrap();
    let on = |release| Options { release, ..on(folder.path()) };
    let sim = Sim::start(on(Release::V1_10)).await.unwrap();
    sim.store().put("", &kinds::key(kind::CONFIG_PATCH, "000-cm-m-install-disk"), |patch| {
        let data = "machine: {install: {disk: /dev/sdb}}".to_owned();
        patch.spec = ConfigPatchSpec { data, ..Default::default() }.encode_to_vec();
        patch.labels.insert(label::CLUSTER_MACHINE.to_owned(), "m".to_owned());
    });
    sim.stop().await;
    let sim = Sim::start(on(Release::NEWEST)).await.unwrap();
    let disk = sim.store().get(&kinds::key(kind::MACHINE_INSTALL_DISK_CONFIG, "m")).unwrap();
    assert_eq!(disk.spec::<MachineInstallDiskConfigSpec>().disk, "/dev/sdb");
    assert_eq!(sim.store().list(kind::CONFIG_PATCH).len(), 0);
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
