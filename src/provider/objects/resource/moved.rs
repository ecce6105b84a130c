//! The state of `omni_apply_yaml`, of another provider, as one of `omni_resource`: its text is a resource as `omnictl` takes it.

use super::type_name;
use crate::omni::patch::verdict;
use crate::omni::spec::names;
use crate::tf::diag::Diagnostic;
use crate::tf::value::Value;
use crate::tf::wire::to_json;
use kit::yaml;
use serde_json::{Map, Value as Json, json};

/// The resource type of the other provider.
pub(super) const SOURCE: &str = "omni_apply_yaml";

/// The attributes of the resource that the text describes.
///
/// # Errors
/// When the text does not describe exactly one resource.
pub(super) fn convert(state: &Map<String, Json>) -> Result<Map<String, Json>, Diagnostic> {
    let refuse = |why: String, hint: String| {
        Diagnostic::error(format!("The state of `{SOURCE}` cannot be moved to `omni_resource`"), why).hint(hint)
    };
    let again = || {
        "Remove the `moved` block, add a `removed` block with `destroy = false` for the source, and import each resource with an `import` block.".to_owned()
    };
    let text = state.get("yaml").and_then(Json::as_str).unwrap_or_default();
    // The parser's own message quotes the text, which may hold secrets.
    let documents = yaml::parse_documents(text)
        .map_err(|error| refuse(format!("Its `yaml` {}: line {}.", verdict(&error), error.line), again()))?;
    let documents: Vec<_> = documents.iter().filter(|document| !document.is_null()).collect();
    let part = |document: &Json, name: &str| {
        document.get("metadata").and_then(|metadata| metadata.get(name)).and_then(Json::as_str).map(str::to_owned)
    };
    let [document] = documents[..] else {
        let ids: Vec<_> = documents
            .iter()
            .filter_map(|document| {
                let namespace = part(document, "namespace").unwrap_or_else(|| "default".to_owned());
                Some(format!("`{namespace}/{}/{}`", part(document, "type")?, part(document, "id")?))
            })
            .collect();
        let list = if ids.is_empty() { String::new() } else { format!(" Their IDs are {}.", ids.join(", ")) };
        let why = format!("Its `yaml` describes {} resources, and `omni_resource` is one.", documents.len());
        return Err(refuse(why, format!("{}{list}", again())));
    };
    let (Some(name), Some(id)) = (part(document, "type"), part(document, "id")) else {
        return Err(refuse("Its `yaml` names no type, or no ID.".to_owned(), again()));
    };
    let kind = names::resolve(&name).map_err(|error| refuse(type_name::problem(&name, &error), again()))?;
    let mut moved = Map::new();
    moved.insert("type".to_owned(), kind.name.into());
    moved.insert(
        "namespace".to_owned(),
        part(document, "namespace").unwrap_or_else(|| kind.namespace.to_owned()).into(),
    );
    moved.insert("id".to_owned(), id.into());
    for map in ["labels", "annotations"] {
        if let Some(entries) =
            document.get("metadata").and_then(|metadata| metadata.get(map)).filter(|map| map.is_object())
        {
            moved.insert(map.to_owned(), entries.clone());
        }
    }
    if let Some(spec) = document.get("spec").filter(|spec| spec.as_object().is_some_and(|spec| !spec.is_empty())) {
        moved.insert("spec".to_owned(), to_json(&Value::dynamic(spec)));
    } else {
        moved.insert("spec".to_owned(), json!(null));
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(text: &str) -> Result<Json, String> {
        let state = json!({ "id": "0a1b", "yaml": text });
        let state = state.as_object().unwrap();
        convert(state).map(Json::Object).map_err(|d| d.text())
    }

    #[test]
    fn one_document_becomes_one_resource() {
        let text = "
metadata:
  namespace: default
  type: ConfigPatches.omni.sidero.dev
  id: 400-time
  labels: {omni.sidero.dev/cluster: prod}
spec:
  data: 'machine: {}'
";
        let expected = json!({
            "type": "ConfigPatches.omni.sidero.dev",
            "namespace": "default",
            "id": "400-time",
            "labels": { "omni.sidero.dev/cluster": "prod" },
            "spec": { "type": ["object", { "data": "string" }], "value": { "data": "machine: {}" } },
        });
        assert_eq!(converted(text), Ok(expected));
    }

    #[test]
    fn anything_else_is_refused_with_what_to_do() {
        let one = "metadata: {type: Clusters.omni.sidero.dev, id: a}\n";
        for (text, part) in [
            (format!("{one}---\n{one}"), "describes 2 resources"),
            (format!("{one}---\n{one}"), "`default/Clusters.omni.sidero.dev/a`"),
            (String::new(), "describes 0 resources"),
            ("spec: {}".to_owned(), "names no type"),
            ("metadata: {type: Clustrs, id: a}".to_owned(), "Did you mean `Clusters`?"),
            ("a: [".to_owned(), "not valid"),
        ] {
            let told = converted(&text).unwrap_err();
            assert!(told.contains(part) && told.contains("`removed` block"), "{text}: {told}");
        }
    }
}
