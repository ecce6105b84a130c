//! `config_patch_merge`: one config patch out of several.

use super::{Pure, texts};
use crate::kit::yaml;
use crate::provider::patch;
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};

pub(super) fn function() -> Pure {
    Pure {
        name: "config_patch_merge",
        signature: Signature {
            summary: "Merges config patches into one.",
            description: "Merges config patches into one that does what they do one after the other, by the rules of Talos: \
                          maps are merged, lists grow (`podSubnets` and `serviceSubnets` are replaced, network interfaces are merged by name), documents are told apart by version, kind and name. \
                          The result is YAML.",
            parameters: vec![Parameter::new(
                "patches",
                Type::list(Type::String),
                "The patches, in YAML, in the order in which they apply.",
            )],
            variadic: None,
            returns: Type::String,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let merged = patch::merge(&texts(arguments, 0))
        .map_err(|error| FunctionError::at(0, format!("The patches cannot be merged: {error}.")))?;
    let documents: Vec<_> = merged.into_iter().map(|map| yaml::to_string(&serde_json::Value::Object(map))).collect();
    Ok(documents.join("---\n").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_yaml_of_all_documents() {
        let patches = Value::List(vec!["machine: {a: 1}".into(), "machine: {b: 2}\n---\nkind: A".into()]);
        let result = call(&[patches]).unwrap();
        assert!(yaml::same(result.as_str().unwrap(), "machine: {a: 1, b: 2}\n---\nkind: A\n"), "{result:?}");
        assert_eq!(call(&[Value::List(vec!["{".into()])]).unwrap_err().argument, Some(0));
    }
}
