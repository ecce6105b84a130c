//! `resource_decode_multi`: decodes Omni resources in the format of `omnictl`.

use super::{Pure, text};
use crate::omni::patch::verdict;
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use kit::yaml;
use serde_json::{Value as Json, json};

pub(super) fn function() -> Pure {
    Pure {
        name: "resource_decode_multi",
        signature: Signature {
            summary: "Decodes Omni resources from a YAML text with several documents.",
            description: "Decodes Omni resources from a YAML text with several documents, the format of `omnictl get -o yaml` and `omnictl apply`. \
                          Returns a list of objects with `metadata` and `spec`, in the order of the text; empty documents are ignored.",
            parameters: vec![Parameter::new("yaml", Type::String, "Resources, in YAML.")],
            variadic: None,
            returns: Type::Dynamic,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let wrong = |text: String| FunctionError::at(0, text);
    let documents = yaml::parse_documents(text(arguments, 0))
        .map_err(|error| wrong(format!("The text {}: {error}.", verdict(&error))))?;
    let resources = documents.iter().filter(|document| !document.is_null()).enumerate();
    let decoded: Result<Vec<Json>, FunctionError> = resources
        .map(|(index, document)| {
            let metadata = document.get("metadata");
            for part in ["namespace", "type", "id"] {
                let given = metadata.and_then(|m| m.get(part)).and_then(Json::as_str).is_some_and(|t| !t.is_empty());
                if !given {
                    let place = index + 1;
                    return Err(wrong(format!(
                        "Document {place} is not a resource of Omni: `metadata.{part}` is missing."
                    )));
                }
            }
            Ok(json!({ "metadata": metadata, "spec": document.get("spec").unwrap_or(&json!({})) }))
        })
        .collect();
    Ok(Value::dynamic(&Json::Array(decoded?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
metadata: {namespace: default, type: Clusters.omni.sidero.dev, id: prod}
spec: {talosversion: 1.13.8, features: {diskencryption: true}}
---
# nothing
---
metadata: {namespace: default, type: MachineSets.omni.sidero.dev, id: prod-workers, labels: {a: b}}
";

    #[test]
    fn every_document_becomes_an_object() {
        let result = call(&[TEXT.into()]).unwrap();
        assert!(crate::tf::wire::encode(&result, &Type::Dynamic).is_ok());
        let all = result.bare().elements();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].get("spec").get("talosversion").as_str(), Some("1.13.8"));
        assert_eq!(all[1].get("metadata").get("labels").get("a").as_str(), Some("b"));
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        let deep = format!("{}{}", "[".repeat(101), "]".repeat(101));
        for (text, part) in [
            ("a: 1", "Document 1"),
            ("{", "not valid YAML"),
            (deep.as_str(), "The text is nested too deeply for the provider: line 1"),
            ("metadata: {namespace: a, type: b}", "metadata.id"),
        ] {
            let error = call(&[text.into()]).unwrap_err();
            assert!(error.text().contains(part) && error.argument() == Some(0), "{text}: {}", error.text());
        }
    }
}
