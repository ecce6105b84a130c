//! Conversion between values and Rust structs with serde. Fields have the names of the attributes; null and unknown
//! are both absent. A value of [`Type::Dynamic`] is an object of `type` and `value`, in both directions.

use super::value::{Type, Value};
use super::wire::{self, WireError};
use serde::{Serialize, de::DeserializeOwned};

/// Why a conversion between a value and a struct failed.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The struct cannot be deserialised from, or serialised to, JSON.
    #[error("the attributes do not fit the model")]
    Serde(#[from] serde_json::Error),
    /// The struct does not have the schema's type.
    #[error("the model does not fit the schema")]
    Wire(#[from] WireError),
}

/// Deserialises a value into a struct; null and unknown are absent.
///
/// ```
/// use serde::Deserialize;
/// use terraform_provider_omni::tf::model::from_value;
/// use terraform_provider_omni::tf::value::Value;
///
/// #[derive(Deserialize)]
/// struct Cluster {
///     name: String,
///     machines: Option<u32>,
/// }
///
/// let value = Value::object([("name", Value::from("prod")), ("machines", Value::UNKNOWN)]);
/// let cluster: Cluster = from_value(&value).unwrap();
/// assert_eq!((cluster.name.as_str(), cluster.machines), ("prod", None));
/// assert!(from_value::<Cluster>(&Value::object([("name", Value::from(1))])).is_err());
/// ```
///
/// # Errors
/// When a required field is absent, or a value has another type than its field.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, ModelError> {
    Ok(serde_json::from_value(wire::to_json(&present(value)))?)
}

/// The value without the elements of collections that are null or unknown: what is absent has no place in them.
pub(crate) fn present(value: &Value) -> Value {
    let absent = |value: &Value| matches!(value, Value::Null | Value::Unknown(_));
    let items = |items: &[Value]| items.iter().filter(|item| !absent(item)).map(present).collect();
    match value {
        Value::List(all) => Value::List(items(all)),
        Value::Set(all) => Value::Set(items(all)),
        Value::Map(all) => {
            Value::map(all.iter().filter(|(_, item)| !absent(item)).map(|(k, v)| (k.clone(), present(v))))
        }
        Value::Object(all) => Value::object(all.iter().map(|(k, v)| (k.clone(), present(v)))),
        other => other.clone(),
    }
}

/// Serialises a struct as a value of type `ty`; attributes that it lacks are null.
///
/// # Errors
/// When a field has no attribute in `ty`, or another type.
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
    fn every_kind_of_value_finds_its_form_again() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct All {
            huge: serde_json::Number,
            ratio: f64,
            tags: std::collections::BTreeSet<String>,
            labels: std::collections::BTreeMap<String, bool>,
            any: serde_json::Value,
            inner: Vec<Model>,
        }
        let inner = Type::object([("name", Type::String), ("count", Type::Number)]);
        let ty = Type::object([
            ("huge", Type::Number),
            ("ratio", Type::Number),
            ("tags", Type::set(Type::String)),
            ("labels", Type::map(Type::Bool)),
            ("any", Type::Dynamic),
            ("inner", Type::list(inner)),
        ]);
        let number = |text: &str| Value::Number(text.parse().unwrap());
        let value = Value::object([
            ("huge", number("123456789012345678901234567890.5")),
            ("ratio", number("0.1")),
            ("tags", Value::Set(vec!["b".into(), "a".into()])),
            ("labels", Value::Map([("k".to_owned(), true.into())].into())),
            ("any", Value::Dynamic(Type::list(Type::Bool), Box::new(Value::List(vec![false.into()])))),
            ("inner", Value::List(vec![Value::object([("name", Value::from("n")), ("count", Value::Null)])])),
        ]);
        let model: All = from_value(&value).unwrap();
        assert_eq!((model.huge.as_str(), model.ratio), ("123456789012345678901234567890.5", 0.1));
        assert_eq!(to_value(&model, &ty).unwrap(), value);
    }

    #[test]
    fn absent_elements_have_no_place_in_a_collection() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Collections {
            map: std::collections::BTreeMap<String, String>,
            list: Vec<String>,
            inner: Option<Box<Collections>>,
        }
        let with = |inner: Value| {
            let absent = || vec!["a".into(), Value::Null, Value::UNKNOWN];
            let map = [("k".to_owned(), "v".into()), ("n".to_owned(), Value::Null), ("u".to_owned(), Value::UNKNOWN)];
            Value::object([("map", Value::Map(map.into())), ("list", Value::List(absent())), ("inner", inner)])
        };
        let expected = |inner| Collections { map: [("k".into(), "v".into())].into(), list: vec!["a".into()], inner };
        let read: Collections = from_value(&with(with(Value::Null))).unwrap();
        assert_eq!(read, expected(Some(Box::new(expected(None)))));
    }

    #[test]
    fn what_the_schema_lacks_is_an_error() {
        let model = Model { name: Some("x".into()), count: None };
        let error = to_value(&model, &Type::object([("name", Type::String)])).unwrap_err();
        assert!(matches!(error, ModelError::Wire(_)), "{error}");
    }
}
