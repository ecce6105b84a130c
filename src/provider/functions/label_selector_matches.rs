//! `label_selector_matches`: whether labels match a selector of a machine class.

use super::{Pure, text};
use crate::omni::Query;
use crate::provider::errors::capital;
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use kit::gather::Gather as _;
use std::collections::BTreeMap;

pub(super) fn function() -> Pure {
    Pure {
        name: "label_selector_matches",
        signature: Signature {
            summary: "Reports whether labels match a selector.",
            description: "Reports whether labels match a selector, in the syntax of machine classes: conditions separated by commas, all of which must match. \
                          Conditions are `key`, `!key`, `key = v`, `key != v`, `key < n`, `key <= n`, `key > n`, `key >= n`, `key in (a, b)` and `key notin (a, b)`. \
                          Numbers can have units, such as `16 GiB`.",
            parameters: vec![
                Parameter::new("selector", Type::String, "Label selector; an empty one matches everything."),
                Parameter::new("labels", Type::map(Type::String), "Labels. A key with the value null is absent."),
            ],
            variadic: None,
            returns: Type::Bool,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let query = Query::parse_selector(text(arguments, 0)).map_err(|e| FunctionError::at(0, capital(&e.to_string())))?;
    let entries = arguments.get(1).and_then(Value::entries);
    let labels: BTreeMap<String, String> = entries
        .into_iter()
        .flatten()
        // A key that is null is not set, as in the labels of a resource.
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .gathered();
    Ok(query.takes_labels(&labels).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_held_against_labels() {
        let labels = Value::Map([("arch".to_owned(), "amd64".into()), ("mem".to_owned(), "16GiB".into())].into());
        for (selector, expected) in [("arch = amd64, mem >= 8 GiB", true), ("arch = arm64", false), ("", true)] {
            assert_eq!(call(&[selector.into(), labels.clone()]), Ok(expected.into()), "{selector}");
        }
        let absent = Value::Map([("gpu".to_owned(), Value::Null)].into());
        assert_eq!(call(&["!gpu".into(), absent]), Ok(true.into()));
        let error = call(&["a like b".into(), labels]).unwrap_err();
        assert_eq!((error.argument(), error.text().contains("`a like b`")), (Some(0), true), "{}", error.text());
    }
}
