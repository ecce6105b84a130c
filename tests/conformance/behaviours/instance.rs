//! What is there once for the whole instance, and secrets that go in and never come out.
//! Everything here is refused, and under a name of its own besides: the instance's own settings are left alone.

use super::rules::Verdict::Refused;
use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::creations;
use crate::expect::{accepted, refused_with};
use crate::objects::{ACCESS_POLICY, EULA_ACCEPTANCE, IMPORTED_SECRETS, S3_CONFIG, fresh, made};
use omni_proto::cosi::resource::Resource;
use omni_proto::omni::resources;
use omni_sim::kinds::AccessVerb;
use serde_json::{Value, json};
use tonic::{Code, Status};

const NEWEST: Need = Need::Newest;

fn policy(bench: &Bench, spec: &Value) -> anyhow::Result<Resource> {
    made(ACCESS_POLICY, bench.id("a"), spec)
}

/// A policy in which everybody of this kind reads every cluster.
fn read_by(bench: &Bench, user: &Value) -> anyhow::Result<Resource> {
    let groups = json!({"g": {"users": [user]}});
    policy(
        bench,
        &json!({"user_groups": groups, "rules": [{"users": ["group/g"], "clusters": ["*"], "role": "Reader"}]}),
    )
}

fn with_test(bench: &Bench, test: &Value) -> anyhow::Result<Resource> {
    let rule = json!({"users": ["conformance@example.org"], "clusters": ["conformance"], "role": "Reader"});
    policy(bench, &json!({"rules": [rule], "tests": [test]}))
}

pub const LIST: &[Behaviour] = creations![
    ("policy_id", NEWEST, |b| policy(b, &json!({})), Refused("access-policy")),
    (
        "policy_role_unknown",
        NEWEST,
        |b| policy(b, &json!({"rules": [{"users": ["a"], "clusters": ["c"], "role": "Boss"}]})),
        Refused("unknown role to parse: \"Boss\"")
    ),
    (
        "policy_role_of_auditors",
        NEWEST,
        |b| policy(b, &json!({"rules": [{"users": ["a"], "clusters": ["c"], "role": "Auditor"}]})),
        Refused("role \"Auditor\" cannot be assigned by an access policy")
    ),
    ("policy_user_of_nothing", NEWEST, |b| read_by(b, &json!({})), Refused("2 errors occurred")),
    (
        "policy_user_of_two_kinds",
        NEWEST,
        |b| read_by(b, &json!({"name": "a", "match": "a*"})),
        Refused("2 errors occurred")
    ),
    ("policy_pattern_bad", NEWEST, |b| read_by(b, &json!({"match": "["})), Refused("2 errors occurred")),
    (
        "policy_cluster_of_two_kinds",
        NEWEST,
        |b| policy(b, &json!({"cluster_groups": {"g": {"clusters": [{"name": "a", "match": "a*"}]}}})),
        Refused("2 errors occurred")
    ),
    (
        "policy_test_without_a_cluster",
        NEWEST,
        |b| with_test(b, &json!({"name": "t", "user": {"name": "conformance@example.org"}})),
        Refused("2 errors occurred")
    ),
    (
        "policy_test_that_fails",
        NEWEST,
        |b| with_test(
            b,
            &json!({
                "name": "t",
                "user": {"name": "conformance@example.org"},
                "cluster": {"name": "conformance"},
                "expected": {"role": "Operator"},
            })
        ),
        Refused("2 errors occurred")
    ),
    (
        "policy_test_of_a_stranger",
        NEWEST,
        |b| with_test(
            b,
            &json!({
                "name": "t",
                "user": {"name": "stranger@example.org"},
                "cluster": {"name": "conformance"},
                "expected": {"role": "None"},
            })
        ),
        Refused("1 error occurred")
    ),
    (
        "policy_test_without_a_name",
        NEWEST,
        |b| with_test(
            b,
            &json!({
                "user": {"name": "conformance@example.org"},
                "cluster": {"name": "conformance"},
                "expected": {"role": "Reader"},
            })
        ),
        Refused("invalid test: name is empty")
    ),
    (
        "backup_store_with_half_a_key",
        NEWEST,
        |b| made(S3_CONFIG, b.id("a"), &json!({"bucket": "b", "access_key_id": "k"})),
        Refused("incorrect settings for s3 client: access key and secret key must be specified together")
    ),
    (
        "backup_store_without_a_bucket",
        NEWEST,
        |b| made(S3_CONFIG, b.id("a"), &json!({"endpoint": "a b", "access_key_id": "k", "secret_access_key": "s"})),
        Refused("incorrect settings for s3 client: ")
    ),
    (
        "imported_secrets_of_nothing",
        NEWEST,
        |b| made(IMPORTED_SECRETS, b.id("a"), &json!({"data": "cluster: {}"})),
        Refused("")
    ),
];

pub const STEPS: &[Behaviour] = behaviours![
    ("backup_store_has_a_status", Need::Nothing, backup_store_has_a_status),
    ("eula_is_accepted_once", Need::Kind("EulaAcceptances"), eula_is_accepted_once),
    ("eula_stays_accepted", Need::Kind("EulaAcceptances"), eula_stays_accepted),
    (
        "imported_secrets_are_never_read",
        Need::NoAccess(AccessVerb::Read, "ImportedClusterSecrets"),
        imported_secrets_are_never_read
    ),
    ("resource_service_needs_a_runtime", Need::Nothing, resource_service_needs_a_runtime),
];

const EULA: &str = "eula";

/// Accepts the EULA of a server that answers, so that it has been accepted before.
async fn accept(bench: &Bench, headers: &[(&'static str, &str)]) -> Result<resources::CreateResponse, Status> {
    let metadata = fresh(EULA_ACCEPTANCE, EULA, &()).metadata;
    let spec = json!({"accepted_by_name": "conformance", "accepted_by_email": "conformance@example.org"}).to_string();
    let message = resources::CreateRequest { resource: Some(resources::Resource { metadata, spec }) };
    bench.client().call("/omni.resources.ResourceService/Create", &message, headers).await
}

async fn eula_is_accepted_once(bench: &Bench) -> anyhow::Result<()> {
    let answer = accept(bench, &[("runtime", "Omni")]).await;
    refused_with(answer, Code::InvalidArgument, "EULA has already been accepted")
}

async fn eula_stays_accepted(bench: &Bench) -> anyhow::Result<()> {
    let closed = "only read and create access is permitted for EULA acceptance";
    let accepted = bench.get(EULA_ACCEPTANCE, EULA).await?;
    refused_with(bench.update(accepted).await, Code::PermissionDenied, closed)?;
    refused_with(bench.destroy(EULA_ACCEPTANCE, EULA).await, Code::PermissionDenied, closed)
}

async fn resource_service_needs_a_runtime(bench: &Bench) -> anyhow::Result<()> {
    refused_with(accept(bench, &[]).await, Code::InvalidArgument, "missing runtime metadata")
}

/// Whether backups go to S3 or to the disk of the server, it is told in one place.
async fn backup_store_has_a_status(bench: &Bench) -> anyhow::Result<()> {
    let status = bench.get_in("ephemeral", "EtcdBackupStoreStatuses.omni.sidero.dev", "etcdbackup-store-status").await;
    accepted(status, "the status of the store").map(drop)
}

async fn imported_secrets_are_never_read(bench: &Bench) -> anyhow::Result<()> {
    let closed = "only create and destroy access is permitted for imported cluster secrets";
    refused_with(bench.get(IMPORTED_SECRETS, &bench.id("a")).await, Code::PermissionDenied, closed)?;
    refused_with(bench.list(IMPORTED_SECRETS, Default::default()).await, Code::PermissionDenied, closed)
}
