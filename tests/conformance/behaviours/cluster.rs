//! Clusters: names, versions, features, backups, locks, and their end.

use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::expect::{accepted, invalid, invalid_with, refused_with, same};
use crate::objects::{CLUSTER, CLUSTER_STATUS, Edit as _, TALOS_VERSION, made, meta};
use anyhow::Context as _;
use omni_proto::cosi::resource::{ListOptions, Resource};
use omni_proto::specs::{MachineStatusSpec, TalosVersionSpec};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::Code;

pub const LIST: &[Behaviour] = behaviours![
    ("backup_too_often", Need::Nothing, backup_too_often),
    ("backup_too_rare", Need::Nothing, backup_too_rare),
    ("destroy_skips_nothing", Need::Nothing, destroy_skips_nothing),
    ("encryption_is_fixed", Need::Nothing, encryption_is_fixed),
    ("features_stay_absent", Need::Nothing, features_stay_absent),
    ("goes_when_torn_down", Need::Nothing, goes_when_torn_down),
    ("kubernetes_empty", Need::Nothing, kubernetes_empty),
    ("kubernetes_incompatible", Need::Nothing, kubernetes_incompatible),
    ("kubernetes_too_far", Need::Nothing, kubernetes_too_far),
    ("lock_added_with_a_change", Need::Nothing, lock_added_with_a_change),
    ("locked_change", Need::Nothing, locked_change),
    ("locked_destroy", Need::Nothing, locked_destroy),
    ("locked_import", Need::Nothing, locked_import),
    ("name_bad", Need::Nothing, name_bad),
    ("name_of_letters_anywhere", Need::Nothing, name_of_letters_anywhere),
    ("status_follows", Need::Nothing, status_follows),
    ("talos_empty", Need::Nothing, talos_empty),
    ("talos_unknown", Need::Nothing, talos_unknown),
    ("talos_with_v", Need::Nothing, talos_with_v),
    ("unlock_with_a_change", Need::Nothing, unlock_with_a_change),
];

pub const LOCKED: &str = "omni.sidero.dev/cluster-locked";
const IMPORT: &str = "omni.sidero.dev/cluster-import-is-in-progress";

/// The Talos version that the server would choose, and a Kubernetes version that goes with it.
pub async fn versions(bench: &Bench) -> anyhow::Result<(String, String)> {
    versions_among(bench, |_| true).await
}

async fn versions_among(bench: &Bench, fits: impl Fn(&semver::Version) -> bool) -> anyhow::Result<(String, String)> {
    let mut best = None;
    for found in bench.list(TALOS_VERSION, ListOptions::default()).await? {
        let spec = TalosVersionSpec::decode(found.spec.unwrap_or_default().proto_spec.as_slice())?;
        if spec.deprecated || spec.unsupported {
            continue;
        }
        let newest = |versions: &[String]| versions.iter().filter_map(|v| semver::Version::parse(v).ok()).max();
        if let (Ok(talos), Some(kubernetes)) =
            (semver::Version::parse(&spec.version), newest(&spec.compatible_kubernetes_versions))
        {
            best = best.max(Some((talos, kubernetes)).filter(|(talos, _)| fits(talos)));
        }
    }
    let (talos, kubernetes) = best.context("the server knows no Talos version that fits")?;
    Ok((talos.to_string(), kubernetes.to_string()))
}

/// A cluster to create, with these fields in place of the usual ones.
async fn with(bench: &Bench, name: &str, fields: &Value) -> anyhow::Result<Resource> {
    let (talos, kubernetes) = versions(bench).await?;
    let mut spec = json!({"talos_version": talos, "kubernetes_version": kubernetes, "features": {}});
    for (field, value) in fields.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    made(CLUSTER, bench.id(name), &spec)
}

/// A cluster that a machine with this status fits, whether Talos is installed on it or not; its name.
pub async fn create_for(bench: &Bench, machine: &Resource) -> anyhow::Result<String> {
    let spec = machine.spec.as_ref().map(|spec| spec.proto_spec.as_slice()).unwrap_or_default();
    let runs = MachineStatusSpec::decode(spec)?.talos_version;
    let runs = semver::Version::parse(runs.trim_start_matches('v')).context("the machine's Talos version")?;
    let same_line = |talos: &semver::Version| (talos.major, talos.minor) == (runs.major, runs.minor);
    let (talos, kubernetes) = versions_among(bench, same_line).await?;
    let fields = json!({"talos_version": talos, "kubernetes_version": kubernetes});
    let stored = accepted(bench.create(with(bench, "c", &fields).await?).await, "cluster")?;
    Ok(meta(&stored).id.clone())
}

/// A cluster; its name.
pub async fn create(bench: &Bench) -> anyhow::Result<String> {
    let stored = accepted(bench.create(with(bench, "c", &json!({})).await?).await, "cluster")?;
    Ok(meta(&stored).id.clone())
}

/// Waits until the controller that takes away what belongs to the cluster has seen it.
pub async fn taken_up(bench: &Bench, id: &str) -> anyhow::Result<()> {
    let seen = |cluster: &Resource| meta(cluster).finalizers.iter().any(|name| name == "ClusterController");
    bench.until(CLUSTER, id, "taken up", |cluster| cluster.is_some_and(seen)).await.map(drop)
}

/// Changes the cluster as it is now, whoever writes to it meanwhile.
pub async fn change(bench: &Bench, id: &str, edit: impl Fn(Resource) -> Resource) -> Result<Resource, tonic::Status> {
    loop {
        match bench.update(edit(bench.get(CLUSTER, id).await?)).await {
            Err(status) if status.code() == Code::FailedPrecondition => {}
            other => return other,
        }
    }
}

/// Another spec in the place of the cluster's.
fn respec(cluster: Resource, other: &Resource) -> Resource {
    Resource { spec: other.spec.clone(), ..cluster }
}

async fn name_bad(bench: &Bench) -> anyhow::Result<()> {
    for name in ["a b", "a.b", "a/b", "a:b"] {
        let result = bench.create(with(bench, name, &json!({})).await?).await;
        invalid(result, "name should only contain letters, digits, dashes and underscores")?;
    }
    Ok(())
}

async fn name_of_letters_anywhere(bench: &Bench) -> anyhow::Result<()> {
    accepted(bench.create(with(bench, "ä_B-9", &json!({})).await?).await, "ä").map(drop)
}

async fn talos_unknown(bench: &Bench) -> anyhow::Result<()> {
    let result = bench.create(with(bench, "c", &json!({"talos_version": "1.2.3"})).await?).await;
    let text = "invalid talos version \"1.2.3\": failed to get: resource \
                TalosVersions.omni.sidero.dev(default/1.2.3@undefined) doesn't exist";
    invalid(result, text)
}

async fn talos_with_v(bench: &Bench) -> anyhow::Result<()> {
    let talos = format!("v{}", versions(bench).await?.0);
    let result = bench.create(with(bench, "c", &json!({"talos_version": talos})).await?).await;
    invalid_with(result, &format!("invalid talos version \"{talos}\""))
}

async fn talos_empty(bench: &Bench) -> anyhow::Result<()> {
    let result = bench.create(with(bench, "c", &json!({"talos_version": ""})).await?).await;
    invalid_with(result, "error validating Talos version: 1 error occurred:\n\t* version is required\n\n")
}

async fn kubernetes_empty(bench: &Bench) -> anyhow::Result<()> {
    let result = bench.create(with(bench, "c", &json!({"kubernetes_version": ""})).await?).await;
    invalid_with(result, "error validating Kubernetes version: 1 error occurred:\n\t* version is required\n\n")
}

async fn kubernetes_incompatible(bench: &Bench) -> anyhow::Result<()> {
    let talos = versions(bench).await?.0;
    let result = bench.create(with(bench, "c", &json!({"kubernetes_version": "1.2.3"})).await?).await;
    invalid(result, &format!("invalid kubernetes version \"1.2.3\": is not compatible with talos version \"{talos}\""))
}

/// One minor version at a time, and never back.
async fn kubernetes_too_far(bench: &Bench) -> anyhow::Result<()> {
    let (talos, kubernetes) = versions(bench).await?;
    let found = bench.get(TALOS_VERSION, &talos).await?;
    let spec = TalosVersionSpec::decode(found.spec.unwrap_or_default().proto_spec.as_slice())?;
    let known = spec.compatible_kubernetes_versions.iter().filter_map(|v| semver::Version::parse(v).ok());
    let oldest = known.min().context("no Kubernetes version")?.to_string();
    let id = create(bench).await?;
    let other = with(bench, "c", &json!({"kubernetes_version": oldest})).await?;
    let text = format!("kubernetes version is not supported for upgrade to \"{oldest}\" from \"{kubernetes}\"");
    invalid(change(bench, &id, |cluster| respec(cluster, &other)).await, &text)
}

async fn backup_too_often(bench: &Bench) -> anyhow::Result<()> {
    let often = json!({"backup_configuration": {"interval": "60s"}});
    let result = bench.create(with(bench, "c", &often).await?).await;
    invalid_with(result, "backup interval must be greater than ")
}

async fn backup_too_rare(bench: &Bench) -> anyhow::Result<()> {
    let rare = json!({"backup_configuration": {"interval": "31536000s", "enabled": true}});
    let result = bench.create(with(bench, "c", &rare).await?).await;
    invalid_with(result, "backup interval must be less than ")
}

async fn encryption_is_fixed(bench: &Bench) -> anyhow::Result<()> {
    let id = create(bench).await?;
    let other = with(bench, "c", &json!({"features": {"disk_encryption": true}})).await?;
    let result = change(bench, &id, |cluster| respec(cluster, &other)).await;
    invalid(result, "updating disk encryption settings is not allowed")
}

/// Nothing is filled in.
async fn features_stay_absent(bench: &Bench) -> anyhow::Result<()> {
    let (talos_version, kubernetes_version) = versions(bench).await?;
    let spec = json!({"talos_version": talos_version, "kubernetes_version": kubernetes_version});
    let sent = made(CLUSTER, bench.id("c"), &spec)?;
    bench.create(sent.clone()).await?;
    let read = bench.get(CLUSTER, &bench.id("c")).await?;
    same("spec", read.spec.unwrap_or_default().proto_spec, sent.spec.unwrap_or_default().proto_spec)
}

async fn status_follows(bench: &Bench) -> anyhow::Result<()> {
    let id = create(bench).await?;
    let status = bench.until(CLUSTER_STATUS, &id, "there", |status| status.is_some()).await?;
    same("owner", meta(&status.unwrap_or_default()).owner.as_str(), "ClusterStatusController")
}

async fn goes_when_torn_down(bench: &Bench) -> anyhow::Result<()> {
    let id = create(bench).await?;
    bench.until(CLUSTER_STATUS, &id, "there", |status| status.is_some()).await?;
    change(bench, &id, |cluster| cluster.phase("tearingDown")).await?;
    bench.until(CLUSTER, &id, "gone", |cluster| cluster.is_none()).await?;
    bench.until(CLUSTER_STATUS, &id, "gone", |status| status.is_none()).await.map(drop)
}

/// A cluster that controllers have taken up cannot just be destroyed.
async fn destroy_skips_nothing(bench: &Bench) -> anyhow::Result<()> {
    let id = create(bench).await?;
    bench.until(CLUSTER, &id, "held", |c| c.is_some_and(|c| !meta(c).finalizers.is_empty())).await?;
    refused_with(bench.destroy(CLUSTER, &id).await, Code::FailedPrecondition, "has pending finalizers")
}

async fn lock(bench: &Bench) -> anyhow::Result<String> {
    let id = create(bench).await?;
    bench.until(CLUSTER_STATUS, &id, "there", |status| status.is_some()).await?;
    accepted(change(bench, &id, |cluster| cluster.annotation(LOCKED, "")).await, "lock")?;
    Ok(id)
}

/// A cluster with the workload proxy on.
async fn proxied(bench: &Bench) -> anyhow::Result<Resource> {
    with(bench, "c", &json!({"features": {"enable_workload_proxy": true}})).await
}

async fn locked_change(bench: &Bench) -> anyhow::Result<()> {
    let (id, other) = (lock(bench).await?, proxied(bench).await?);
    let text = format!("updating cluster configuration is not allowed: the cluster \"{id}\" is locked");
    invalid(change(bench, &id, |cluster| respec(cluster, &other)).await, &text)
}

async fn locked_import(bench: &Bench) -> anyhow::Result<()> {
    let (id, other) = (lock(bench).await?, proxied(bench).await?);
    let result = change(bench, &id, |cluster| respec(cluster, &other).annotation(IMPORT, "")).await;
    accepted(result, "while importing").map(drop)
}

async fn locked_destroy(bench: &Bench) -> anyhow::Result<()> {
    let id = lock(bench).await?;
    let text = format!("deletion is not allowed: the cluster \"{id}\" is locked");
    invalid(change(bench, &id, |cluster| cluster.phase("tearingDown")).await, &text)?;
    invalid_with(bench.destroy(CLUSTER, &id).await, &text)
}

async fn lock_added_with_a_change(bench: &Bench) -> anyhow::Result<()> {
    let (id, other) = (create(bench).await?, proxied(bench).await?);
    let result = change(bench, &id, |cluster| respec(cluster, &other).annotation(LOCKED, "")).await;
    accepted(result, "lock and change").map(drop)
}

async fn unlock_with_a_change(bench: &Bench) -> anyhow::Result<()> {
    let (id, other) = (lock(bench).await?, proxied(bench).await?);
    let unlocked = |cluster| crate::objects::unlocked(respec(cluster, &other));
    accepted(change(bench, &id, unlocked).await, "unlock and change").map(drop)
}
