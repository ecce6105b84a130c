//! Encoding of values: msgpack for requests and responses, JSON for stored state, and types for schemas.
//! Input is untrusted: nothing here may panic, recurse without a limit, or allocate more than the input can hold.

mod json;
mod msgpack;
mod number;
mod place;
mod types;

use super::path::Path;
use super::value::{Type, Value};
use omni_proto::tfplugin6::DynamicValue;

use place::Place;

pub use json::{from_json, from_state_json, parse, to_json};

/// The deepest value that is accepted: no schema is that deep, and each level uses stack.
const DEEPEST: usize = 128;

/// Why bytes or a value do not have the expected type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", at(.path))]
pub struct WireError {
    /// The part of the value.
    pub path: Path,
    /// What is wrong with it, as a clause: `expected a number`.
    pub problem: String,
}

fn at(path: &Path) -> String {
    if path.is_root() { String::new() } else { format!("at `{path}`: ") }
}

impl WireError {
    fn new(place: &Place<'_>, problem: impl Into<String>) -> Self {
        Self { path: place.path(), problem: problem.into() }
    }
}

/// Decodes a value of type `ty`; msgpack takes precedence over JSON, and without either the value is null.
///
/// ```
/// use terraform_provider_omni::tf::value::{Type, Value};
/// use terraform_provider_omni::tf::wire::{decode, encode};
///
/// let labels = Type::map(Type::String);
/// let value = Value::texts([("team", "web")]);
/// let encoded = encode(&value, &labels).unwrap();
/// assert_eq!(decode(Some(&encoded), &labels).unwrap(), value);
/// assert_eq!(decode(None, &labels).unwrap(), Value::Null);
///
/// let error = decode(Some(&encoded), &Type::map(Type::Number)).unwrap_err();
/// assert_eq!(error.path.to_string(), r#"["team"]"#);
/// ```
///
/// # Errors
/// When the bytes are not a value of that type.
pub fn decode(value: Option<&DynamicValue>, ty: &Type) -> Result<Value, WireError> {
    match value {
        Some(v) if !v.msgpack.is_empty() => msgpack::decode(&v.msgpack, ty),
        Some(v) if !v.json.is_empty() => from_json(&parse(&v.json)?, ty),
        _ => Ok(Value::Null),
    }
}

/// Encodes a value of type `ty` as msgpack.
///
/// # Errors
/// When the value does not have that type.
pub fn encode(value: &Value, ty: &Type) -> Result<DynamicValue, WireError> {
    Ok(DynamicValue { msgpack: msgpack::encode(value, ty)?, json: Vec::new() })
}

fn mismatch(place: &Place<'_>, ty: &Type) -> WireError {
    let what = match ty {
        Type::String => "text",
        Type::Number => "a number",
        Type::Bool => "true or false",
        Type::Dynamic => "any value",
        Type::List(_) => "a list",
        Type::Set(_) => "a set",
        Type::Map(_) => "a map",
        Type::Tuple(_) => "a tuple",
        Type::Object(..) => "an object",
    };
    WireError::new(place, format!("expected {what}"))
}

#[cfg(test)]
mod tests;
