//! Rules for Kubernetes health checks: the name of the job, its form, and its interval.

use super::{Change, dns_name};
use kit::yaml;
use omni_proto::specs::KubernetesHealthCheckSpec;
use serde_json::Value;

const JOB_PREFIX: &str = "omni-healthcheck-";
const MIN_INTERVAL: i64 = 5;

/// The numbers of a job that are read on the way; other fields may hold anything.
const NUMBERS: [(&str, &str); 6] = [
    ("parallelism", "int32"),
    ("completions", "int32"),
    ("activeDeadlineSeconds", "int64"),
    ("backoffLimit", "int32"),
    ("backoffLimitPerIndex", "int32"),
    ("ttlSecondsAfterFinished", "int32"),
];

/// The problem with a change of a health check; the first is the only one that is told.
pub(super) fn problems(change: Change<'_>) -> Vec<String> {
    let (new, is_new) = match change {
        Change::Create(new) => (new, true),
        Change::Update(_, new) => (new, false),
        Change::Destroy(_) => return Vec::new(),
    };
    let spec: KubernetesHealthCheckSpec = new.spec();
    if spec.job.is_empty() {
        return vec!["healthcheck job manifest must be set".into()];
    }
    let runner = format!("{JOB_PREFIX}{}", new.key.id);
    if let Some(problem) = dns_name::subdomain(&runner).filter(|_| is_new) {
        let id = &new.key.id;
        return vec![format!("healthcheck ID {id:?} cannot be used to build the runner name {runner:?}: {problem}")];
    }
    if let Err(problem) = job(&spec.job) {
        return vec![format!("healthcheck job manifest is invalid: {problem}")];
    }
    let interval = spec.interval.unwrap_or_default();
    let too_short = (interval.seconds, interval.nanos) > (0, 0) && interval.seconds < MIN_INTERVAL;
    too_short.then(|| format!("healthcheck interval must be at least {MIN_INTERVAL}s")).into_iter().collect()
}

fn job(text: &str) -> Result<(), String> {
    let documents = yaml::parse_documents(text).map_err(|error| {
        let what = error.message.lines().next().unwrap_or_default();
        format!("failed to convert healthcheck job manifest to JSON: yaml: line {}: {what}", error.line)
    })?;
    let unreadable = |found: &str, place: &str| {
        format!("failed to unmarshal healthcheck job manifest: json: cannot unmarshal {found} into Go {place}")
    };
    let job = documents.into_iter().next().unwrap_or(Value::Null);
    if !(job.is_object() || job.is_null()) {
        return Err(unreadable(kind(&job), "value of type v1.Job"));
    }
    for (name, of) in [("metadata", "ObjectMeta"), ("spec", "JobSpec")] {
        let part = job.get(name).unwrap_or(&Value::Null);
        if !(part.is_object() || part.is_null()) {
            return Err(unreadable(kind(part), &format!("struct field Job.{name} of type v1.{of}")));
        }
    }
    for (name, number) in NUMBERS {
        let value = job.pointer(&format!("/spec/{name}")).unwrap_or(&Value::Null);
        if !(value.is_i64() || value.is_null()) {
            return Err(unreadable(kind(value), &format!("struct field JobSpec.spec.{name} of type {number}")));
        }
    }
    Ok(())
}

/// A JSON value as Go names it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::object;
    use super::*;
    use crate::names;

    #[test]
    fn health_checks() {
        let good = "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n";
        for (id, job, seconds, expected) in [
            ("check", good, 0, None),
            ("check", good, 5, None),
            ("check", good, -1, None),
            ("check", good, 4, Some("healthcheck interval must be at least 5s")),
            ("check", "", 4, Some("healthcheck job manifest must be set")),
            ("check", "apiVersion: v1\nkind: Pod\n", 0, None),
            ("check", "apiVersion: batch/v1\nkind: Job\n", 0, None),
            ("check", " \n", 0, None),
            (
                "check",
                "spec: {backoffLimit: many}",
                0,
                Some("healthcheck job manifest is invalid: failed to unmarshal "),
            ),
            ("Check", "", 0, Some("healthcheck job manifest must be set")),
            ("Check", "a: [", 4, Some("healthcheck ID \"Check\" cannot be used to build the runner name ")),
        ] {
            let interval = Some(prost_types::Duration { seconds, nanos: 0 });
            let spec = KubernetesHealthCheckSpec { job: job.into(), interval };
            let found = problems(Change::Create(&object(names::kind::KUBERNETES_HEALTH_CHECK, id, &spec)));
            match expected {
                None => assert_eq!(found, [""; 0], "{id} {job}"),
                Some(text) => assert!(found.len() == 1 && found[0].starts_with(text), "{found:?} {text}"),
            }
        }
    }
}
