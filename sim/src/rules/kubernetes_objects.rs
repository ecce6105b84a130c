//! Rules for manifest groups, which Omni applies to the Kubernetes of a cluster.

use super::Change;
use crate::compression;
use crate::names::label;
use kit::yaml;
use omni_proto::specs::KubernetesManifestGroupSpec;
use serde_json::Value;

/// The problems with a change of a group of manifests.
pub(super) fn manifest_group(change: Change<'_>) -> Vec<String> {
    let (Change::Create(new) | Change::Update(_, new)) = change else { return Vec::new() };
    let spec: KubernetesManifestGroupSpec = new.spec();
    // The first problem is the only one that is told.
    let problem = if spec.mode == 0 {
        Some("the manifest should have mode field set".to_owned())
    } else if new.label(label::CLUSTER).is_none() {
        Some(format!("the resource must have {} label set", label::CLUSTER))
    } else if new.label(label::SYSTEM_MANIFEST).is_some() {
        Some("system manifests can't be created by the user".into())
    } else {
        manifests(&spec)
    };
    problem.into_iter().collect()
}

/// Compressed manifests win over plain ones; those that need another dictionary than Omni's cannot be looked at.
fn manifests(spec: &KubernetesManifestGroupSpec) -> Option<String> {
    if spec.compressed_data.is_empty() {
        return objects(&spec.data).err();
    }
    compression::unpack(&spec.compressed_data).ok().and_then(|text| objects(&text).err())
}

fn objects(text: &str) -> Result<(), String> {
    let documents =
        yaml::parse_documents(text).map_err(|error| format!("error converting manifest to JSON: {error}"))?;
    documents.iter().try_for_each(|document| {
        object(document).map_err(|problem| format!("error loading JSON manifest into unstructured: {problem}"))
    })
}

/// Documents without anything in them are passed over.
fn object(document: &Value) -> Result<(), String> {
    let found = match document {
        Value::Null => return Ok(()),
        Value::Object(fields) if fields.is_empty() => return Ok(()),
        Value::Object(fields) if fields.get("kind").and_then(Value::as_str).is_some_and(|kind| !kind.is_empty()) => {
            return Ok(());
        }
        Value::Object(_) => return Err(format!("Object 'Kind' is missing in '{document}'")),
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
    };
    Err(format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{labelled, object};
    use super::*;
    use crate::names::kind;
    use omni_proto::specs::kubernetes_manifest_group_spec::Mode;

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
            (Mode::Full, &[], config_map, &["the resource must have omni.sidero.dev/cluster label set"]),
            (Mode::Full, &system, config_map, &["system manifests can't be created by the user"]),
            (Mode::Full, &cluster, "{}\n", &[]),
            (
                Mode::Full,
                &cluster,
                "- a\n",
                &["error loading JSON manifest into unstructured: json: cannot unmarshal array into Go value of type \
                   map[string]interface {}"],
            ),
            (
                Mode::Full,
                &cluster,
                "b: 1\na: b\n",
                &["error loading JSON manifest into unstructured: Object 'Kind' is missing in '{\"a\":\"b\",\"b\":1}'"],
            ),
            (Mode::Full, &cluster, "a: [", &["error converting manifest to JSON: "]),
            (Mode::Full, &cluster, "# nothing\n", &[]),
            (Mode::Unknown, &[], "a: [", &["the manifest should have mode field set"]),
            (Mode::Full, &[], "a: [", &["the resource must have omni.sidero.dev/cluster label set"]),
        ] {
            let mut spec = KubernetesManifestGroupSpec { data: data.into(), ..Default::default() };
            spec.set_mode(mode);
            let new = labelled(object(kind::KUBERNETES_MANIFEST_GROUP, "200-cluster-c-a", &spec), labels);
            let found = manifest_group(Change::Create(&new));
            let same = found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| f.starts_with(e));
            assert!(same, "{found:?} {expected:?}");
        }
    }
}
