//! Rules for what Omni applies to a cluster's Kubernetes: groups of manifests, and jobs that check its health.

use super::{Change, dns_name};
use crate::kit::yaml;
use crate::pb::specs::kubernetes_manifest_group_spec::Mode;
use crate::pb::specs::{KubernetesHealthCheckSpec, KubernetesManifestGroupSpec};
use crate::sim::compression;
use crate::sim::names::label;
use serde_json::Value;

const JOB_PREFIX: &str = "omni-healthcheck-";
const MIN_INTERVAL: i64 = 5;

/// The problems with a change of a group of manifests.
pub(super) fn manifest_group(change: Change<'_>) -> Vec<String> {
    let (Change::Create(new) | Change::Update(_, new)) = change else { return Vec::new() };
    let spec: KubernetesManifestGroupSpec = new.spec();
    let mut found = Vec::new();
    if !matches!(spec.mode(), Mode::Full | Mode::OneTime) {
        found.push("the manifest should have mode field set".to_owned());
    }
    if new.label(label::CLUSTER).unwrap_or_default().is_empty() {
        found.push(format!("the resource must have {:?} label set", label::CLUSTER));
    }
    if new.label(label::SYSTEM_MANIFEST).is_some() {
        found.push(format!("label {:?} is not allowed", label::SYSTEM_MANIFEST));
    }
    found.extend(manifests(&spec));
    found
}

/// Compressed manifests win over plain ones; those that need the dictionary cannot be looked at.
fn manifests(spec: &KubernetesManifestGroupSpec) -> Option<String> {
    if spec.compressed_data.is_empty() {
        return objects(&spec.data).err();
    }
    compression::unpack(&spec.compressed_data).ok().and_then(|text| objects(&text).err())
}

fn objects(text: &str) -> Result<Vec<Value>, String> {
    let documents = yaml::parse_documents(text).map_err(|error| format!("failed to parse manifests: {error}"))?;
    let documents: Vec<Value> = documents.into_iter().filter(|document| !document.is_null()).collect();
    match documents.iter().find(|document| !document.is_object()) {
        Some(_) => Err("failed to parse manifests: every document must be an object".into()),
        None => Ok(documents),
    }
}

/// The problems with a change of a health check.
pub(super) fn health_check(change: Change<'_>) -> Vec<String> {
    let (Change::Create(new) | Change::Update(_, new)) = change else { return Vec::new() };
    let spec: KubernetesHealthCheckSpec = new.spec();
    let mut found = Vec::new();
    if matches!(change, Change::Create(_)) {
        found.extend(
            dns_name::subdomain(&format!("{JOB_PREFIX}{}", new.key.id)).map(|problem| {
                format!("healthcheck ID {:?} cannot be part of the name of a job: {problem}", new.key.id)
            }),
        );
    }
    if spec.job.is_empty() {
        found.push("healthcheck job manifest must be set".into());
    } else {
        found.extend(job(&spec.job).err().map(|problem| format!("healthcheck job manifest is invalid: {problem}")));
    }
    let interval = spec.interval.unwrap_or_default();
    let none = interval.seconds == 0 && interval.nanos == 0;
    if !none && interval.seconds < MIN_INTERVAL {
        found.push(format!("healthcheck interval must be at least {MIN_INTERVAL}s"));
    }
    found
}

fn job(text: &str) -> Result<(), String> {
    let documents = objects(text)?;
    let [job] = documents.as_slice() else {
        return Err(format!("expected one document, found {}", documents.len()));
    };
    let field = |key: &str| job.get(key).and_then(Value::as_str).unwrap_or_default();
    if (field("apiVersion"), field("kind")) != ("batch/v1", "Job") {
        return Err(format!("expected batch/v1 Job, found {} {}", field("apiVersion"), field("kind")));
    }
    let containers = job.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    if containers.is_none_or(Vec::is_empty) { Err("it has no containers".into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{labelled, object};
    use super::*;
    use crate::sim::names::kind;

    #[test]
    fn groups_of_manifests() {
        let cluster = [(label::CLUSTER, "c")];
        let system = [(label::CLUSTER, "c"), (label::SYSTEM_MANIFEST, "")];
        let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
        let two = format!("{config_map}---\n# nothing\n---\n{config_map}");
        for (mode, labels, data, expected) in [
            (Mode::Full, &cluster[..], config_map, &[][..]),
            (Mode::OneTime, &cluster, two.as_str(), &[]),
            (Mode::Unknown, &cluster, config_map, &["the manifest should have mode field set"]),
            (Mode::Full, &[], config_map, &["the resource must have \"omni.sidero.dev/cluster\" label set"]),
            (Mode::Full, &system, config_map, &["label \"omni.sidero.dev/system-manifest\" is not allowed"]),
            (Mode::Full, &cluster, "- a\n", &["failed to parse manifests: every document must be an object"]),
            (
                Mode::Unknown,
                &[],
                "a: [",
                &[
                    "the manifest should have mode field set",
                    "the resource must have \"omni.sidero.dev/cluster\" label set",
                    "failed to parse manifests: ",
                ],
            ),
        ] {
            let mut spec = KubernetesManifestGroupSpec { data: data.into(), ..Default::default() };
            spec.set_mode(mode);
            let new = labelled(object(kind::KUBERNETES_MANIFEST_GROUP, "200-cluster-c-a", &spec), labels);
            let found = manifest_group(Change::Create(&new));
            let same = found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| f.starts_with(e));
            assert!(same, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn health_checks() {
        let good = "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n";
        for (id, job, seconds, expected) in [
            ("check", good, 0, &[][..]),
            ("check", good, 5, &[]),
            ("check", good, 4, &["healthcheck interval must be at least 5s"]),
            ("check", "", 0, &["healthcheck job manifest must be set"]),
            (
                "check",
                "apiVersion: v1\nkind: Pod\n",
                0,
                &["healthcheck job manifest is invalid: expected batch/v1 Job, found v1 Pod"],
            ),
            (
                "check",
                "apiVersion: batch/v1\nkind: Job\n",
                0,
                &["healthcheck job manifest is invalid: it has no containers"],
            ),
            ("Check", good, 0, &["healthcheck ID \"Check\" cannot be part of the name of a job: "]),
        ] {
            let interval = Some(prost_types::Duration { seconds, nanos: 0 });
            let spec = KubernetesHealthCheckSpec { job: job.into(), interval };
            let found = health_check(Change::Create(&object(kind::KUBERNETES_HEALTH_CHECK, id, &spec)));
            let same = found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| f.starts_with(e));
            assert!(same, "{found:?} {expected:?}");
        }
    }
}
