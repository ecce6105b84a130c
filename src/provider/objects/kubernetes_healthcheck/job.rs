//! What a text needs to be a Kubernetes job that can run. It knows no plan.

use kit::text::quoted;
use kit::yaml::{Node, Reading};

const API_VERSION: &str = "batch/v1";
const KIND: &str = "Job";

/// The numbers of a job that Omni reads.
const NUMBERS: [&str; 6] = [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "backoffLimitPerIndex",
    "ttlSecondsAfterFinished",
];

/// What keeps these documents from being a job, as a sentence.
pub(super) fn problem(documents: &[Node]) -> Option<String> {
    let documents: Vec<_> = documents.iter().filter(|node| !node.is_null()).collect();
    let [job] = documents.as_slice() else {
        return Some(match documents.len() {
            0 => "It is empty.".to_owned(),
            count => format!("It has {count} documents, and a health check runs one job."),
        });
    };
    if job.entries().is_none() {
        return Some("It is a list or a single value, and not a Kubernetes object.".to_owned());
    }
    let text = |node: &Node, name: &str| node.get(name).and_then(Node::text).unwrap_or_default().to_owned();
    for (field, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        let found = text(job, field);
        if found != expected {
            let found = if found.is_empty() { "not set".to_owned() } else { quoted(&found) };
            return Some(format!("`{field}` is {found}, and has to be `{expected}`."));
        }
    }
    let spec = job.get("spec");
    for name in NUMBERS {
        let whole =
            |node: &Node| matches!(node, Node::Scalar(scalar) if scalar.is_null() || scalar.reading() == Reading::Int);
        if spec.and_then(|spec| spec.get(name)).is_some_and(|node| !whole(node)) {
            return Some(format!("`spec.{name}` is not a whole number."));
        }
    }
    let path = ["template", "spec", "containers"];
    let containers = spec.and_then(|spec| path.iter().try_fold(spec, |node, key| node.get(key)));
    let Some(Node::List(containers)) = containers.filter(|node| !matches!(node, Node::List(all) if all.is_empty()))
    else {
        return Some("`spec.template.spec.containers` has no container, so nothing would run.".to_owned());
    };
    containers.iter().enumerate().find_map(|(index, container)| {
        let missing = ["name", "image"].into_iter().find(|name| text(container, name).is_empty())?;
        Some(format!("Container {index} has no `{missing}`."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::yaml::{Budget, parse_nodes};

    #[test]
    fn a_job_runs_containers() {
        let head = "apiVersion: batch/v1\nkind: Job\n";
        let spec = |spec: &str| format!("{head}spec: {spec}\n");
        let containers = "template: {spec: {containers: [{name: a, image: b}]}}";
        for (text, says) in [
            (spec(&format!("{{{containers}}}")), None),
            (spec(&format!("{{backoffLimit: 2, {containers}}}")), None),
            (format!("---\n# a remark\n{}", spec(&format!("{{{containers}}}"))), None),
            (spec(&format!("{{backoffLimit: two, {containers}}}")), Some("`spec.backoffLimit` is not a whole number")),
            (String::new(), Some("is empty")),
            ("job.yaml".to_owned(), Some("not a Kubernetes object")),
            (format!("{head}---\n{head}"), Some("2 documents")),
            ("kind: Job\n".to_owned(), Some("`apiVersion` is not set")),
            ("apiVersion: batch/v1\nkind: CronJob\n".to_owned(), Some("`kind` is `CronJob`")),
            (head.to_owned(), Some("no container")),
            (spec("{template: {spec: {containers: []}}}"), Some("no container")),
            (spec("{template: {spec: {containers: [{name: a}]}}}"), Some("Container 0 has no `image`")),
        ] {
            let found = problem(&parse_nodes(&text, &mut Budget::default()).unwrap());
            assert_eq!(found.is_some(), says.is_some(), "{text}: {found:?}");
            assert!(found.unwrap_or_default().contains(says.unwrap_or_default()), "{text}");
        }
    }
}
