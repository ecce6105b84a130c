//! Logs over gRPC: what callers did stands in the audit log with their names, and machines tell of their lives.

use super::client::{Client, channel, resource};
use crate::names::kind;
use crate::{Options, Sim, inventory};
use omni_proto::management::management_service_client::ManagementServiceClient;
use omni_proto::management::{MachineLogsRequest, ReadAuditLogRequest};
use omni_proto::specs::MachineLabelsSpec;
use serde_json::Value;

fn signed<T>(client: &Client, method: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    client.signer.seal(&format!("/management.ManagementService/{method}"), client.now(), &mut request);
    request
}

#[tokio::test]
async fn callers_stand_in_the_audit_log_by_name() {
    let sim = Sim::start(Options::stepped()).await.unwrap();
    let mut client = Client::new(&sim).await;
    client.create(resource(kind::MACHINE_LABELS, "m", &MachineLabelsSpec {}), "").await.unwrap();
    client.create(resource(kind::MACHINE_LABELS, "m", &MachineLabelsSpec {}), "").await.unwrap_err();
    client.teardown(kind::MACHINE_LABELS, "m").await.unwrap();
    sim.settle().unwrap();
    let mut management = ManagementServiceClient::new(channel(&sim).await);
    let request = ReadAuditLogRequest { resource_id: "m".into(), ..Default::default() };
    let mut answers = management.read_audit_log(signed(&client, "ReadAuditLog", request)).await.unwrap().into_inner();
    let mut told = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        let event: Value = serde_json::from_slice(&answer.audit_log).unwrap();
        let session = event["event_data"]["session"].clone();
        let who = session["email"].as_str().or(session["user_agent"].as_str()).unwrap().to_owned();
        told.push((event["event_type"].as_str().unwrap().to_owned(), who));
        if session["email"].is_string() {
            assert_eq!(session["fingerprint"], client.signer.fingerprint());
            assert_eq!(session["role"], "Admin");
        }
    }
    let own = "demo@serviceaccount.omni.sidero.dev";
    let expected = [("create", own), ("teardown", own), ("destroy", "Omni-Internal-Agent")];
    assert_eq!(told, expected.map(|(what, who)| (what.to_owned(), who.to_owned())));
}

#[tokio::test]
async fn machines_tell_of_their_lives() {
    let sim = Sim::start(Options::stepped()).await.unwrap();
    sim.settle().unwrap();
    let client = Client::new(&sim).await;
    let mut management = ManagementServiceClient::new(channel(&sim).await);
    let request = MachineLogsRequest { machine_id: inventory::id(1), follow: false, tail_lines: -1 };
    let mut lines = management.machine_logs(signed(&client, "MachineLogs", request)).await.unwrap().into_inner();
    let first: Value = serde_json::from_slice(&lines.message().await.unwrap().unwrap().bytes).unwrap();
    assert_eq!(first["seq"], 0);
    assert!(first["talos-time"].as_str().is_some_and(|time| time.ends_with('Z')));
}
