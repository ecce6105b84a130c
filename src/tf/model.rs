//! Between values and Rust structs, by way of serde: null and unknown are absent, names are the attributes'.

use super::value::{Type, Value};
use super::wire::{self, WireError};
use serde::{Serialize, de::DeserializeOwned};

/// Why a value and a struct do not fit each other.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The struct cannot be read from, or written as, JSON.
    #[error("the attributes do not fit the model")]
    Serde(#[from] serde_json::Error),
    /// The struct is not of the schema's type.
    #[error("the model does not fit the schema")]
    Wire(#[from] WireError),
}

/// Reads a struct; what is null or unknown counts as absent.
///
/// # Errors
/// When the value does not have the shape of the struct.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, ModelError> {
    Ok(serde_json::from_value(wire::to_json(value))?)
}

/// Writes a struct as a value of type `ty`; what it leaves out is null, what the type lacks is an error.
///
/// # Errors
/// When the struct does not have the shape of the type.
pub fn to_value<T: Serialize>(model: &T, ty: &Type) -> Result<Value, ModelError> {
    Ok(wire::from_json(&serde_json::to_value(model)?, ty)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Model {
        name: Option<String>,
        count: Option<u64>,
    }

    #[test]
    fn absent_null_and_unknown_are_one_to_a_struct() {
        let value = Value::object([("name", Value::UNKNOWN), ("count", Value::from(7))]);
        let model: Model = from_value(&value).unwrap();
        assert_eq!(model, Model { name: None, count: Some(7) });
        let ty = Type::object([("name", Type::String), ("count", Type::Number), ("more", Type::Bool)]);
        let back = to_value(&model, &ty).unwrap();
        assert_eq!(back, Value::object([("name", Value::Null), ("count", Value::from(7)), ("more", Value::Null)]));
    }

    #[test]
    fn what_the_schema_lacks_is_an_error() {
        let model = Model { name: Some("x".into()), count: None };
        let error = to_value(&model, &Type::object([("name", Type::String)])).unwrap_err();
        assert!(matches!(error, ModelError::Wire(_)), "{error}");
    }
}
