//! `omni_kubernetes_healthcheck`: a Kubernetes job by which Omni checks the health of a cluster.

use super::job;
use crate::omni::labels;
use crate::omni::patch;
use crate::omni::spec::fields::Field;
use crate::provider::duration;
use crate::provider::engine::{
    Bind, Codec, CosiObject, Cx, Failure, Joined, KeyCodec, Object, OneKind, Owner, ResourceType, Row, Table, codecs,
    group,
};
use crate::provider::lookup::computed::text;
use crate::provider::objects::cluster;
use crate::provider::objects::config_patch::document::Document;
use crate::provider::references;
use crate::provider::references::Part;
use crate::provider::session::at;
use crate::tf::check::{Check, not_empty};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{Attribute, Schema, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::text::quoted;
use kit::yaml::Budget;
use omni_proto::specs::kubernetes_health_check_status_spec::State;
use omni_proto::specs::{KubernetesHealthCheckSpec, KubernetesHealthCheckStatusSpec};

pub(super) struct KubernetesHealthcheck;

const DOCUMENT: Document = Document { noun: "job", kind: KubernetesHealthcheck::NAME, attributes: &["job"] };
const PART: Part = Part { noun: "health check", follows: false };

/// What an id is made of.
const ID_PARTS: [&str; 3] = ["name", "id_prefix_cluster", "cluster"];
/// What the ids of health checks begin with that are named within their cluster, before its name.
const PREFIX: &str = "cluster-";
/// The most bytes of an id: Omni names the job `omni-healthcheck-<id>`, which has at most 253.
const LONGEST: usize = 236;
/// The shortest interval that Omni takes.
const SHORTEST: i64 = 5_000_000_000;

/// State of the last run: Omni's own word, in lower case.
const STATE: Codec = Codec::Own {
    write: |_| None,
    read: |field, _| {
        let state = field.and_then(Field::as_enum_number).and_then(|number| State::try_from(number).ok());
        state.unwrap_or_default().as_str_name().to_lowercase().into()
    },
};

impl Table for KubernetesHealthcheck {
    type Spec = KubernetesHealthCheckSpec;

    const NAME: &'static str = "omni_kubernetes_healthcheck";
    const NOUN: &'static str = "Kubernetes health check";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        let status =
            |attribute: Attribute, path| attribute.joined::<KubernetesHealthCheckStatusSpec>(path, Codec::Plain);
        vec![
            string("id").computed().stays().doc("ID: `name`, or `cluster-<cluster>-<name>` with `id_prefix_cluster`.").id(),
            string("name").required().replaces().check(is_dns_name()).doc(
                "Name of the health check: lower-case letters, digits, dashes and dots. It is unique in the whole instance unless `id_prefix_cluster` is set.",
            ).derived(),
            boolean("id_prefix_cluster").default(false).replaces().doc(
                "Whether the ID begins with the name of the cluster, so that `name` only has to be unique within it. Cluster templates use such IDs.",
            ).derived(),
            string("cluster").required().replaces().check(not_empty()).doc("Name of the cluster.").label(labels::CLUSTER, KeyCodec::Text),
            string("job").required().document().same_if(patch::same).doc(
                "The job, in YAML: a Kubernetes `Job` of `batch/v1`. A run passes when the job succeeds. Omni gives the job its name. Formatting-only changes produce no diff.",
            ).field("job"),
            string("interval").same_if(duration::same).check(is_interval()).doc(
                "Time between two runs, as a Go duration of at least `5s`. Defaults to `30s`, also for `0s`.",
            ).coded("interval", codecs::INTERVAL),
            group("status", vec![
                text("state", "State of the last run: `unknown`, `running`, `failed` or `passed`.").joined::<KubernetesHealthCheckStatusSpec>("state", STATE),
                status(text("error", "Why the last run failed, if so."), "error"),
                status(text("output", "Output of the last run."), "output"),
                status(text("job_namespace", "Namespace of the job."), "job_namespace"),
                status(text("job_name", "Name of the job."), "job_name"),
            ], |status| status.computed().stays().doc("What Omni reported of the last run at the last read. Before Omni 1.11 it reports nothing, and the state is `unknown`.")),
        ]
    }

    fn derive(
        object: &Object<KubernetesHealthCheckSpec>,
        _joined: &Joined,
        prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        let cluster = object.label(labels::CLUSTER).unwrap_or_default();
        let within = object.id().strip_prefix(&prefix(cluster)).filter(|name| !name.is_empty());
        // An id can also begin so by its name alone, which only the configuration tells.
        let within = within.filter(|_| prior.get("name").as_str() != Some(object.id()));
        shown.set("id_prefix_cluster", within.is_some().into());
        shown.set("name", within.unwrap_or(object.id()).into());
        Ok(())
    }
}

fn prefix(cluster: &str) -> String {
    format!("{PREFIX}{cluster}-")
}

#[async_trait]
impl ResourceType for KubernetesHealthcheck {
    fn about() -> Schema {
        Schema::new(
            "Manages a health check of a cluster: a Kubernetes job that Omni runs periodically. \
             Destroying it ends the runs.",
        )
        .stays_if(keeps_id)
        .upgraded_by(add_id)
        .since("1.9")
    }

    fn id(state: &Value) -> Option<String> {
        if !ID_PARTS.iter().all(|part| state.get(part).is_wholly_known()) {
            return None;
        }
        let name = state.get("name").as_str()?;
        match state.get("id_prefix_cluster").as_bool() {
            Some(true) => Some(format!("{}{name}", prefix(state.get("cluster").as_str()?))),
            _ => Some(name.to_owned()),
        }
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        let (cluster, name) = id.split_once('/').filter(|(cluster, name)| !cluster.is_empty() && !name.is_empty())?;
        let (plain, prefixed) = (quoted(name), quoted(&format!("{}{name}", prefix(cluster))));
        Some((
            format!("{} are a cluster and a name, and no ID has a slash.", quoted(id)),
            format!("Write {plain}, or {prefixed} for a health check with `id_prefix_cluster = true`."),
        ))
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        DOCUMENT.validate(config, diags);
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        if plan.prior.is_none() || !plan.replace.is_empty() {
            let id = Self::id(&plan.planned);
            if let Some(why) = id.as_deref().and_then(no_dns_name) {
                plan.diags.push(
                    Diagnostic::error("The ID cannot be part of the name of a job", format!("The ID would be {}. {why}", quoted(id.as_deref().unwrap_or_default())))
                        .hint("Choose another name, or remove `id_prefix_cluster` if the name of the cluster has other characters.")
                        .at(at("name")),
                );
            }
            plan.planned.set("id", id.map_or(Value::UNKNOWN, Value::from));
        }
        let Some(text) = plan
            .planned
            .get("job")
            .as_str()
            .filter(|text| plan.prior.is_none_or(|prior| prior.get("job").as_str() != Some(text)))
        else {
            return;
        };
        let Some(why) = patch::nodes(text, &mut Budget::default()).ok().and_then(|documents| job::problem(&documents))
        else {
            return;
        };
        plan.diags.push(
            Diagnostic::error("The job is not a Kubernetes job", why)
                .hint("Write a `Job` of `apiVersion: batch/v1`, or build it with `yamlencode`. If the value is the path of a file, read it with `file(…)`.")
                .at(at("job")),
        );
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        if let Some(cluster) = plan.planned.get("cluster").as_str().map(str::to_owned) {
            references::check_target_cluster(cx, plan, PART, &cluster).await?;
        }
        Ok(())
    }
}

impl CosiObject for KubernetesHealthcheck {
    type Kinds = OneKind;

    const NEEDS_OWNERS: bool = false;

    fn owners(state: &Value) -> Vec<Owner> {
        state.get("cluster").as_str().map(cluster::owner).into_iter().collect()
    }
}

/// A state of the official provider has the name alone, which is the id.
fn add_id(state: &mut serde_json::Map<String, serde_json::Value>) {
    if state.get("id").is_none_or(serde_json::Value::is_null)
        && let Some(name) = state.get("name").cloned()
    {
        state.insert("id".to_owned(), name);
    }
}

/// Whether a configuration leaves a health check its id.
fn keeps_id(prior: &Value, given: &Value) -> bool {
    prior.get("cluster") == given.get("cluster")
        && KubernetesHealthcheck::id(given).is_some_and(|id| prior.get("id").as_str() == Some(id.as_str()))
}

/// The interval is none, or long enough.
fn is_interval() -> Check {
    duration::checked(|text, interval| match interval.nanos() {
        0 => Ok(()),
        SHORTEST.. => Ok(()),
        _ => Err(format!("`{text}` is shorter than `5s`, the minimum of Omni.")),
    })
}

fn is_dns_name() -> Check {
    Check::text(|text| no_dns_name(text).map_or(Ok(()), Err))
}

/// What keeps a text from being part of the name of a Kubernetes object.
fn no_dns_name(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("The value must not be empty.".to_owned());
    }
    if text.len() > LONGEST {
        return Some(format!("{} has {} bytes, and may have at most {LONGEST}.", quoted(text), text.len()));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        return Some(format!(
            "{} contains {}; only lower-case letters, digits, dashes and dots are allowed.",
            quoted(text),
            quoted(&c.to_string())
        ));
    }
    // What stands in front of it ends with a dash, so only later parts have a beginning.
    let bad = text
        .split('.')
        .enumerate()
        .any(|(index, label)| label.is_empty() || label.ends_with('-') || (index > 0 && label.starts_with('-')));
    bad.then(|| format!("{} must not end with a dash or a dot, nor have either of them beside a dot.", quoted(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_and_a_name_are_no_id() {
        let (why, hint) = KubernetesHealthcheck::about_id("prod/web").unwrap();
        assert!(why.contains("`prod/web`") && hint.contains("`web`, or `cluster-prod-web`"), "{why} {hint}");
        for id in ["web", "cluster-prod-web", "/web", "prod/"] {
            assert_eq!(KubernetesHealthcheck::about_id(id), None, "{id}");
        }
    }

    #[test]
    fn ids_are_names_or_have_the_cluster_in_front() {
        let state = |name: &str, prefixed: bool| {
            Value::object([
                ("name", name.into()),
                ("cluster", "prod".into()),
                ("id_prefix_cluster", Value::from(prefixed)),
            ])
        };
        let id = |name, prefixed| KubernetesHealthcheck::id(&state(name, prefixed));
        assert_eq!(id("dns", false).as_deref(), Some("dns"));
        assert_eq!(id("dns", true).as_deref(), Some("cluster-prod-dns"));
        let mut prior = state("dns", true);
        prior.set("id", "cluster-prod-dns".into());
        assert!(keeps_id(&prior, &state("cluster-prod-dns", false)));
        assert!(!keeps_id(&prior, &state("dns", false)));
    }

    #[test]
    fn names_can_be_part_of_the_name_of_a_job() {
        for (text, good) in [
            ("dns", true),
            ("dns-1.prod", true),
            ("-dns", true),
            ("", false),
            ("Dns", false),
            ("dns_1", false),
            ("dns-", false),
            ("dns.", false),
            ("a..b", false),
            ("a.-b", false),
            (&"x".repeat(237), false),
        ] {
            assert_eq!(no_dns_name(text).is_none(), good, "{text}");
        }
    }
}
