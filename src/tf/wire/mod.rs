//! Values on the wire: msgpack as hosts send it, JSON as state files hold it, and types as schemas write them.
//! Bytes come from outside: nothing in here may panic, recurse without a limit, or allocate more than the input can hold.

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

/// Deeper values than this are refused: no schema is that deep, and each level costs stack.
const DEEPEST: usize = 128;

/// Why bytes are no value of the expected type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", at(.path))]
pub struct WireError {
    /// Where in the value.
    pub path: Path,
    /// What is wrong there.
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

/// Reads a value of type `ty`; msgpack wins over JSON, and neither means null.
///
/// # Errors
/// When the bytes hold no value of that type.
pub fn decode(value: Option<&DynamicValue>, ty: &Type) -> Result<Value, WireError> {
    match value {
        Some(v) if !v.msgpack.is_empty() => msgpack::decode(&v.msgpack, ty),
        Some(v) if !v.json.is_empty() => from_json(&parse(&v.json)?, ty),
        _ => Ok(Value::Null),
    }
}

/// Writes a value of type `ty` as msgpack.
///
/// # Errors
/// When the value is not of that type.
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
