//! Who may connect: the host that started the process, and nobody else.

use crate::certificates::Identity;
use crate::process::{Process, answers, connect_plain};
use tokio::net::UnixStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

#[tokio::test]
async fn the_hosts_certificate_is_let_in() {
    let host = Identity::host();
    let process = Process::start(Some(&host), &[]);
    assert!(answers(process.connect(Some(&host)).await).await);
}

#[tokio::test]
async fn strangers_are_refused() {
    let host = Identity::host();
    let process = Process::start(Some(&host), &[]);
    assert!(!answers(process.connect(None).await).await, "no certificate");
    assert!(!answers(process.connect(Some(&Identity::host())).await).await, "another certificate of the same kind");
    assert!(!answers(process.connect(Some(&Identity::p256())).await).await, "a certificate on another curve");
    assert!(!answers(connect_plain(process.socket()).await).await, "no encryption");
    assert!(answers(process.connect(Some(&host)).await).await, "the host is still let in");
}

#[tokio::test]
async fn the_hosts_certificate_without_its_key_is_refused() {
    let host = Identity::host();
    let process = Process::start(Some(&host), &[]);
    let thief = Identity::stolen_from(&host);
    assert!(!answers(process.connect(Some(&thief)).await).await);
}

#[tokio::test]
async fn a_client_that_says_nothing_keeps_nobody_waiting() {
    let host = Identity::host();
    let process = Process::start(Some(&host), &[]);
    let _mute = UnixStream::connect(process.socket()).await.unwrap();
    assert!(answers(process.connect(Some(&host)).await).await);
}

#[tokio::test]
async fn without_a_certificate_the_connection_is_plain() {
    let process = Process::start(None, &[]);
    assert!(answers(connect_plain(process.socket()).await).await);
}

#[tokio::test]
async fn the_host_can_ask_whether_it_is_well() {
    let process = Process::start(None, &[]);
    let mut health = HealthClient::new(connect_plain(process.socket()).await.unwrap());
    let answer = health.check(HealthCheckRequest { service: "plugin".to_owned() }).await.unwrap();
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
}
