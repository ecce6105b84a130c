//! Config patches and other objects that are laid over a cluster: what they may hold, and when they go.

use super::cluster::{change, create, taken_up};
use super::rules::Verdict::{Refused, Taken};
use super::{Behaviour, Need};
use crate::bench::Bench;
use crate::expect::{accepted, invalid_with};
use crate::objects::{EXTENSIONS, Edit as _, HEALTH_CHECK, MANIFESTS, MANUAL_BACKUP, PATCH, made};
use crate::{behaviours, creations};
use omni_proto::cosi::resource::Resource;
use omni_sim::catalogue::Feature;
use serde_json::json;

const IN_CLUSTER: &str = "omni.sidero.dev/cluster";
const MANIFESTS_ARE: Need = Need::Kind("KubernetesManifestGroups");
const CHECKS_ARE: Need = Need::Kind("KubernetesHealthChecks");
const NEWEST: Need = Need::Newest;

fn patch(bench: &Bench, data: &str) -> anyhow::Result<Resource> {
    Ok(made(PATCH, bench.id("p"), &json!({"data": data}))?.label(IN_CLUSTER, &bench.id("none")))
}

fn manifests(bench: &Bench, mode: &str, data: &str) -> anyhow::Result<Resource> {
    let group = made(MANIFESTS, bench.id("m"), &json!({"mode": mode, "data": data}))?;
    Ok(group.label(IN_CLUSTER, &bench.id("none")))
}

fn check(bench: &Bench, id: &str, job: &str, interval: &str) -> anyhow::Result<Resource> {
    Ok(made(HEALTH_CHECK, bench.id(id), &json!({"job": job, "interval": interval}))?
        .label(IN_CLUSTER, &bench.id("none")))
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: a\nspec:\n  template:\n    spec:\n      \
                   restartPolicy: Never\n      containers:\n      - name: a\n        image: a\n";

pub const LIST: &[Behaviour] = creations![
    ("patch", Need::Nothing, |b| patch(b, "machine:\n  sysctls:\n    a: b\n"), Taken),
    ("patch_a_list", Need::Nothing, |b| patch(b, "- a\n"), Refused("expected a YAML document at line 1")),
    ("patch_deletes", Need::Nothing, |b| patch(b, "machine:\n  time:\n    $patch: delete\n"), Taken),
    ("patch_empty", Need::Nothing, |b| patch(b, ""), Refused("config not found")),
    (
        "patch_of_accepted_cas",
        Need::Nothing,
        |b| patch(b, "cluster: {acceptedCAs: [{crt: YQ==}]}"),
        Refused("overriding \"cluster.acceptedCAs\" is not allowed in the config patch")
    ),
    (
        "patch_of_admins",
        NEWEST,
        |b| patch(b, "machine: {features: {kubernetesTalosAPIAccess: {enabled: true, allowedRoles: [os:admin]}}}"),
        Refused("element \"os:admin\" is not allowed in field")
    ),
    (
        "patch_of_cluster_ca",
        Need::PatchField("cluster.ca"),
        |b| patch(b, "cluster: {ca: {crt: YQ==}}"),
        Refused("overriding \"cluster.ca\" is not allowed in the config patch")
    ),
    (
        "patch_of_cluster_name",
        Need::Nothing,
        |b| patch(b, "cluster: {clusterName: a}"),
        Refused("overriding \"cluster.clusterName\" is not allowed in the config patch")
    ),
    (
        "patch_of_disk",
        Need::PatchField("machine.install.disk"),
        |b| patch(b, "machine: {install: {disk: /dev/sda}}"),
        Refused("overriding \"machine.install.disk\" is not allowed in the config patch")
    ),
    ("patch_of_cluster_ca_before", Need::NoPatchField("cluster.ca"), |b| patch(b, "cluster: {ca: {crt: YQ==}}"), Taken),
    (
        "patch_of_service_account_before",
        Need::NoPatchField("cluster.serviceAccount"),
        |b| patch(b, "cluster: {serviceAccount: {key: YQ==}}"),
        Taken
    ),
    (
        "patch_of_disk_before",
        Need::NoPatchField("machine.install.disk"),
        |b| patch(b, "machine: {install: {disk: /dev/sda}}"),
        Taken
    ),
    (
        "patch_of_encryption_secret",
        Need::Nothing,
        |b| patch(b, "cluster: {secretboxEncryptionSecret: a}"),
        Refused("overriding \"cluster.secretboxEncryptionSecret\" is not allowed in the config patch")
    ),
    (
        "patch_of_endpoint",
        Need::Nothing,
        |b| patch(b, "cluster: {controlPlane: {endpoint: 'https://a:1'}}"),
        Refused("overriding \"cluster.controlPlane.endpoint\" is not allowed in the config patch")
    ),
    (
        "patch_of_extensions",
        Need::Nothing,
        |b| patch(b, "machine: {install: {extensions: [{image: a}]}}"),
        Refused("overriding \"machine.install.extensions\" is not allowed in the config patch")
    ),
    (
        "patch_of_forbidden_document",
        NEWEST,
        |b| patch(b, "apiVersion: v1alpha1\nkind: UnattendedInstallConfig\n"),
        Refused("")
    ),
    (
        "patch_of_machine_ca",
        Need::Nothing,
        |b| patch(b, "machine: {ca: {crt: YQ==}}"),
        Refused("overriding \"machine.ca\" is not allowed in the config patch")
    ),
    (
        "patch_of_machine_token",
        Need::Nothing,
        |b| patch(b, "machine: {token: a}"),
        Refused("overriding \"machine.token\" is not allowed in the config patch")
    ),
    (
        "patch_of_machine_type",
        Need::Nothing,
        |b| patch(b, "machine: {type: worker}"),
        Refused("overriding \"machine.type\" is not allowed in the config patch")
    ),
    (
        "patch_of_service_account",
        Need::PatchField("cluster.serviceAccount"),
        |b| patch(b, "cluster: {serviceAccount: {key: YQ==}}"),
        Refused("overriding \"cluster.serviceAccount\" is not allowed in the config patch")
    ),
    (
        "patch_of_two_documents",
        Need::Nothing,
        |b| patch(b, "machine: {}\n---\napiVersion: v1alpha1\nkind: HostnameConfig\nhostname: a\n"),
        Taken
    ),
    (
        "patch_unknown_field",
        Need::Nothing,
        |b| patch(b, "machine:\n  nope: 1\n"),
        Refused("unknown keys found during decoding:\nmachine:\n    nope: 1\n")
    ),
    ("extensions_empty", Need::Nothing, |b| made(EXTENSIONS, b.id("e"), &json!({})), Taken),
    (
        "extensions_of_no_cluster",
        NEWEST,
        |b| made(EXTENSIONS, b.id("e"), &json!({"extensions": ["siderolabs/gvisor"]})),
        Refused("must target a cluster via the cluster label")
    ),
    ("manifests", MANIFESTS_ARE, |b| manifests(b, "FULL", MAP), Taken),
    ("manifests_bad", MANIFESTS_ARE, |b| manifests(b, "FULL", "{{{"), Refused("")),
    (
        "manifests_of_no_cluster",
        MANIFESTS_ARE,
        |b| made(MANIFESTS, b.id("m"), &json!({"mode": "FULL", "data": MAP})),
        Refused("label set")
    ),
    (
        "manifests_of_the_system",
        MANIFESTS_ARE,
        |b| Ok(manifests(b, "FULL", MAP)?.label("omni.sidero.dev/system-manifest", "")),
        Refused("system manifests can't be created by the user")
    ),
    ("manifests_once", MANIFESTS_ARE, |b| manifests(b, "ONE_TIME", &format!("# nothing\n---\n{MAP}")), Taken),
    (
        "manifests_without_mode",
        MANIFESTS_ARE,
        |b| manifests(b, "UNKNOWN", MAP),
        Refused("the manifest should have mode field set")
    ),
    ("check", CHECKS_ARE, |b| check(b, "h", JOB, "30s"), Taken),
    ("check_name_bad", CHECKS_ARE, |b| check(b, "H_h", JOB, "30s"), Refused("")),
    ("check_of_any_kind", CHECKS_ARE, |b| check(b, "h", MAP, "30s"), Taken),
    ("check_too_often", CHECKS_ARE, |b| check(b, "h", JOB, "4s"), Refused("healthcheck interval must be at least 5s")),
    ("check_without_job", CHECKS_ARE, |b| check(b, "h", "", "30s"), Refused("healthcheck job manifest must be set")),
    (
        "backup_in_the_past",
        Need::Nothing,
        |b| made(MANUAL_BACKUP, b.id("b"), &json!({"backup_at": "2001-01-01T00:00:00Z"})),
        Refused("1 minute in the past")
    ),
    (
        "backup_in_the_future",
        Need::Nothing,
        |b| made(MANUAL_BACKUP, b.id("b"), &json!({"backup_at": "2101-01-01T00:00:00Z"})),
        Refused("1 minute in the future")
    ),
];

pub const STEPS: &[Behaviour] = behaviours![
    ("extensions_twice", NEWEST, extensions_twice),
    ("extensions_unknown", Need::Feature(Feature::CheckedExtensions), extensions_unknown),
    ("extensions_unknown_before", Need::NoFeature(Feature::CheckedExtensions), extensions_unknown_before),
    ("patch_by_update", Need::Nothing, patch_by_update),
    ("patch_goes_with_its_cluster", Need::Nothing, patch_goes_with_its_cluster),
    ("patch_of_a_machine_stays", Need::Nothing, patch_of_a_machine_stays),
    ("patch_of_another_owner_is_not_the_clusters", Need::Nothing, patch_of_another_owner),
];

async fn patch_by_update(bench: &Bench) -> anyhow::Result<()> {
    bench.create(patch(bench, "machine: {}\n")?).await?;
    let result = bench.update(patch(bench, "machine: {token: a}")?.version("1")).await;
    invalid_with(result, "overriding \"machine.token\" is not allowed in the config patch")
}

/// Tears the cluster down, and waits until it is gone.
async fn end(bench: &Bench, cluster: &str) -> anyhow::Result<()> {
    taken_up(bench, cluster).await?;
    accepted(change(bench, cluster, |c| c.phase("tearingDown")).await, "teardown")?;
    bench.until(crate::objects::CLUSTER, cluster, "gone", |c| c.is_none()).await.map(drop)
}

async fn patch_goes_with_its_cluster(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    bench.create(patch(bench, "machine: {}\n")?.label(IN_CLUSTER, &cluster)).await?;
    end(bench, &cluster).await?;
    bench.until(PATCH, &bench.id("p"), "gone", |patch| patch.is_none()).await.map(drop)
}

async fn patch_of_a_machine_stays(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    bench
        .create(made(PATCH, bench.id("p"), &json!({"data": "machine: {}\n"}))?.label("omni.sidero.dev/machine", "a"))
        .await?;
    end(bench, &cluster).await?;
    accepted(bench.get(PATCH, &bench.id("p")).await, "patch").map(drop)
}

async fn patch_of_another_owner(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    bench.create_as(patch(bench, "machine: {}\n")?.label(IN_CLUSTER, &cluster), "ConformanceController").await?;
    end(bench, &cluster).await?;
    accepted(bench.get(PATCH, &bench.id("p")).await, "patch").map(drop)
}

async fn extensions_unknown(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    let config = made(EXTENSIONS, bench.id("e"), &json!({"extensions": ["siderolabs/conformance"]}))?;
    invalid_with(bench.create(config.label(IN_CLUSTER, &cluster)).await, "is not available for Talos version")
}

/// Older servers take any name, for any cluster or none.
async fn extensions_unknown_before(bench: &Bench) -> anyhow::Result<()> {
    let config = made(EXTENSIONS, bench.id("e"), &json!({"extensions": ["siderolabs/conformance"]}))?;
    accepted(bench.create(config).await, "create").map(drop)
}

async fn extensions_twice(bench: &Bench) -> anyhow::Result<()> {
    let cluster = create(bench).await?;
    let config = made(EXTENSIONS, bench.id("e"), &json!({"extensions": ["siderolabs/gvisor", "gvisor"]}))?;
    invalid_with(bench.create(config.label(IN_CLUSTER, &cluster)).await, "is listed more than once")
}
