//! Decoding and encoding of values, and the rules of values in responses.

use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::{Path, Step};
use crate::tf::value::{Type, Value};
use crate::tf::wire;
use omni_proto::tfplugin6::{DynamicValue, ResourceIdentityData};

/// Decodes a value of a request; `what` names it for errors: "the prior state of `omni_cluster`".
pub(super) fn decode(value: Option<&DynamicValue>, of: &Type, what: &str) -> Result<Value, Diagnostic> {
    wire::decode(value, of).map_err(|error| {
        Diagnostic::from_error(format!("Could not read {what}"), &error)
            .hint("The provider and the host disagree about its form. Run `init` again; if that does not help, please report this.")
    })
}

/// Encodes a value of a response.
pub(super) fn encode(value: &Value, of: &Type, what: &str) -> Result<DynamicValue, Diagnostic> {
    wire::encode(value, of).map_err(|error| {
        Diagnostic::from_error(format!("Could not write {what}"), &error)
            .hint("This is a bug of the provider. Please report it with the configuration that leads to it.")
    })
}

/// Decodes an identity; hosts without identities send none.
pub(super) fn decode_identity(
    data: Option<&ResourceIdentityData>,
    of: Option<&Type>,
    name: &str,
) -> Result<Option<Value>, Diagnostic> {
    let (Some(data), Some(of)) = (data, of) else { return Ok(None) };
    let identity = decode(data.identity_data.as_ref(), of, &format!("the identity of `{name}`"))?;
    Ok(Some(identity).filter(|i| !i.is_null()))
}

/// Encodes an identity; `None` without one, or for a type without an identity schema.
pub(super) fn encode_identity(
    identity: Option<&Value>,
    of: Option<&Type>,
    name: &str,
) -> Result<Option<ResourceIdentityData>, Diagnostic> {
    let (Some(identity), Some(of)) = (identity, of) else { return Ok(None) };
    let data = encode(identity, of, &format!("the identity of `{name}`"))?;
    Ok(Some(ResourceIdentityData { identity_data: Some(data) }))
}

/// Sets unknown values to null and reports them: a result must be wholly known.
pub(super) fn settle(value: &mut Value, what: &str, diagnostics: &mut Diagnostics) {
    let mut found = Vec::new();
    clear_unknown(value, &Path::root(), &mut found);
    for path in found {
        let place = if path.is_root() { "The value as a whole".to_owned() } else { format!("`{path}`") };
        diagnostics.push(
            Diagnostic::error(
                format!("The provider left a value of {what} open"),
                format!("{place} is still unknown after the operation, and is stored as null."),
            )
            .hint("This is a bug of the provider. Please report it with the configuration that leads to it.")
            .at(path),
        );
    }
}

fn clear_unknown(value: &mut Value, at: &Path, found: &mut Vec<Path>) {
    match value {
        Value::Unknown(_) => {
            found.push(at.clone());
            *value = Value::Null;
        }
        Value::List(items) | Value::Tuple(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                clear_unknown(item, &at.index(index), found);
            }
        }
        // Elements of a set have no path.
        Value::Set(items) => items.iter_mut().for_each(|item| clear_unknown(item, at, found)),
        Value::Map(members) => members.iter_mut().for_each(|(k, v)| clear_unknown(v, &at.key(k), found)),
        Value::Object(members) => {
            members.iter_mut().for_each(|(n, v)| clear_unknown(v, &at.step(Step::Attribute(n.clone())), found));
        }
        Value::Dynamic(_, inner) => clear_unknown(inner, at, found),
        Value::Null | Value::String(_) | Value::Number(_) | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknowns_become_null_and_are_named() {
        let mut value = Value::object([
            ("a", Value::UNKNOWN),
            ("b", Value::List(vec!["x".into(), Value::object([("c", Value::UNKNOWN)])])),
            ("d", Value::Map([("k".to_owned(), Value::UNKNOWN)].into())),
            ("s", Value::Set(vec![Value::UNKNOWN])),
            ("y", Value::Dynamic(Type::String, Box::new(Value::UNKNOWN))),
        ]);
        let mut diagnostics = Diagnostics::new();
        settle(&mut value, "`t`", &mut diagnostics);
        assert!(value.is_wholly_known());
        let paths: Vec<_> = diagnostics.iter().filter_map(|d| d.path.as_ref()).map(ToString::to_string).collect();
        assert_eq!(paths, ["a", "b[1].c", r#"d["k"]"#, "s", "y"]);
    }
}
