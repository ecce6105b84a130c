//! `resource_encode`: encodes Omni resources in the format of `omnictl`, the reverse of `resource_decode_multi`.

use super::Pure;
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use crate::tf::wire::to_json;
use kit::gather::Gather as _;
use kit::yaml;
use serde_json::{Map, Value as Json};

pub(super) fn function() -> Pure {
    Pure {
        name: "resource_encode",
        signature: Signature {
            summary: "Encodes Omni resources as YAML text.",
            description: "Encodes Omni resources as YAML text with one document for each, the format that `omnictl apply` takes. \
                          The argument is an object with `metadata` and `spec`, or a list of such objects, as `resource_decode_multi` returns them. \
                          `metadata` must have `namespace`, `type` and `id`; attributes that are null are left out.",
            parameters: vec![Parameter::new("resources", Type::Dynamic, "A resource, or a list of resources.")],
            variadic: None,
            returns: Type::String,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let given = arguments.first().map_or(Json::Null, plain);
    let resources = match given {
        Json::Array(all) => all,
        one => vec![one],
    };
    let documents: Result<Vec<String>, FunctionError> = resources.iter().enumerate().map(document).collect();
    Ok(documents?.join("---\n").into())
}

fn document((index, resource): (usize, &Json)) -> Result<String, FunctionError> {
    let wrong = |why: &str| FunctionError::at(0, format!("Resource {} {why}.", index + 1));
    let Json::Object(parts) = resource else { return Err(wrong("has to be an object with `metadata` and `spec`")) };
    if let Some(other) = parts.keys().find(|name| !["metadata", "spec"].contains(&name.as_str())) {
        return Err(wrong(&format!(
            "has the attribute {}, and only `metadata` and `spec` belong there",
            kit::text::quoted(other)
        )));
    }
    let metadata = parts.get("metadata").and_then(Json::as_object);
    for part in ["namespace", "type", "id"] {
        let given = metadata.and_then(|metadata| metadata.get(part)).and_then(Json::as_str);
        if given.is_none_or(str::is_empty) {
            return Err(wrong(&format!("lacks `metadata.{part}`")));
        }
    }
    match parts.get("spec") {
        None | Some(Json::Object(_)) => {}
        Some(_) => return Err(wrong("has a `spec` that is no object")),
    }
    let mut whole = parts.clone();
    whole.entry("spec").or_insert_with(|| Json::Object(Map::new()));
    Ok(yaml::to_string(&Json::Object(whole)))
}

/// A value without its types, and without what is null in its objects.
fn plain(value: &Value) -> Json {
    match value.bare() {
        Value::List(all) | Value::Set(all) | Value::Tuple(all) => all.iter().map(plain).collect(),
        Value::Map(all) | Value::Object(all) => {
            let there = all.iter().filter(|(_, value)| !value.bare().is_null());
            Json::Object(there.map(|(name, value)| (name.clone(), plain(value))).gathered())
        }
        other => to_json(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn encoded(json: &Json) -> Result<String, String> {
        let result = call(&[Value::dynamic(json)]).map_err(|error| error.text().to_owned())?;
        Ok(result.as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn what_is_decoded_is_encoded_again() {
        let cluster = json!({
            "metadata": { "namespace": "default", "type": "Clusters.omni.sidero.dev", "id": "prod", "owner": null },
            "spec": { "talosversion": "1.13.8", "features": { "diskencryption": true } },
        });
        let labels =
            json!({ "metadata": { "namespace": "default", "type": "MachineLabels.omni.sidero.dev", "id": "a" } });
        let text = encoded(&json!([cluster, labels])).unwrap();
        let documents = yaml::parse_documents(&text).unwrap();
        assert_eq!(documents.len(), 2, "{text}");
        assert_eq!(documents[0]["spec"], cluster["spec"]);
        assert_eq!(documents[0]["metadata"].get("owner"), None);
        assert_eq!(documents[1]["spec"], json!({}));
        assert_eq!(encoded(&cluster).unwrap(), text.split("---\n").next().unwrap());
        assert_eq!(encoded(&json!([])), Ok(String::new()));
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        let metadata = json!({ "namespace": "default", "type": "Clusters.omni.sidero.dev", "id": "a" });
        for (wrong, part) in [
            (json!("text"), "Resource 1 has to be an object"),
            (json!([{ "metadata": metadata }, {}]), "Resource 2 lacks `metadata.namespace`"),
            (json!({ "metadata": metadata, "status": {} }), "has the attribute `status`"),
            (json!({ "metadata": metadata, "spec": [] }), "a `spec` that is no object"),
        ] {
            let error = encoded(&wrong).unwrap_err();
            assert!(error.contains(part), "{wrong}: {error}");
        }
    }
}
