//! Terraform values and their types, as the protocol sees them: null, unknown and known, at any depth.
//! How they look on the wire is the business of [`super::wire`].

use std::collections::{BTreeMap, BTreeSet};

pub use bigdecimal::BigDecimal;

/// The type of a value, as a schema states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// A decimal number of any size.
    Number,
    /// True or false.
    Bool,
    /// Any type: each value names its own.
    Dynamic,
    /// An ordered sequence of one type.
    List(Box<Type>),
    /// A sequence of one type in which order and repetition mean nothing.
    Set(Box<Type>),
    /// Text keys to values of one type.
    Map(Box<Type>),
    /// A sequence with a type for each position.
    Tuple(Vec<Type>),
    /// Named attributes, each with its type; the second field names those that may be left out.
    Object(BTreeMap<String, Type>, BTreeSet<String>),
}

impl Type {
    /// A list of `element`.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of `element`.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map to `element`.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object of these attributes, none of which may be left out.
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Type)>) -> Self {
        Self::Object(attributes.into_iter().map(|(n, t)| (n.into(), t)).collect(), BTreeSet::new())
    }
}

/// What a host promises of a value that it does not know yet.
/// An applied value must keep the promise, so a refinement is passed on only together with the value that carried it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refinements {
    /// `Some(false)`: the value will not be null.
    pub nullness: Option<bool>,
    /// The text will begin like this.
    pub prefix: Option<String>,
    /// Lower bound of a number, and whether the bound itself is allowed.
    pub lower: Option<(BigDecimal, bool)>,
    /// Upper bound of a number, and whether the bound itself is allowed.
    pub upper: Option<(BigDecimal, bool)>,
    /// Fewest elements of a collection.
    pub min_length: Option<i64>,
    /// Most elements of a collection.
    pub max_length: Option<i64>,
}

/// A value: null, unknown, or known.
#[derive(Clone, Debug)]
pub enum Value {
    /// Absent.
    Null,
    /// Not known before apply; with what the host promises of it, if anything.
    Unknown(Option<Box<Refinements>>),
    /// Text.
    String(String),
    /// A number.
    Number(BigDecimal),
    /// True or false.
    Bool(bool),
    /// Elements in order.
    List(Vec<Value>),
    /// Elements without order.
    Set(Vec<Value>),
    /// Values by key.
    Map(BTreeMap<String, Value>),
    /// One value for each position.
    Tuple(Vec<Value>),
    /// Values by attribute name.
    Object(BTreeMap<String, Value>),
    /// A value in a place of type [`Type::Dynamic`], with its own type.
    Dynamic(Type, Box<Value>),
}

/// Sets are equal when they hold the same elements; everything else compares as written.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Unknown(a), Self::Unknown(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Set(a), Self::Set(b)) => a.iter().all(|x| b.contains(x)) && b.iter().all(|x| a.contains(x)),
            (Self::Map(a), Self::Map(b)) | (Self::Object(a), Self::Object(b)) => a == b,
            (Self::Dynamic(s, a), Self::Dynamic(t, b)) => s == t && a == b,
            _ => false,
        }
    }
}

impl Value {
    /// A value that is not known yet, of which nothing is promised.
    pub const UNKNOWN: Value = Value::Unknown(None);

    /// A map of texts.
    #[must_use]
    pub fn texts<K: Into<String>, V: Into<String>>(texts: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(texts.into_iter().map(|(key, text)| (key.into(), Self::String(text.into()))).collect())
    }

    /// An object of these attributes.
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Value)>) -> Self {
        Self::Object(attributes.into_iter().map(|(n, v)| (n.into(), v)).collect())
    }

    /// A value of JSON with the type that it has by itself: objects become objects, arrays tuples.
    #[must_use]
    pub fn of_json(json: &serde_json::Value) -> (Type, Self) {
        use serde_json::Value as Json;
        match json {
            Json::Null => (Type::Dynamic, Self::Null),
            Json::Bool(b) => (Type::Bool, Self::Bool(*b)),
            // JSON's numbers are decimals; one that is none would be no JSON.
            Json::Number(n) => (Type::Number, n.to_string().parse().map_or(Self::Null, Self::Number)),
            Json::String(s) => (Type::String, Self::String(s.clone())),
            Json::Array(items) => {
                let (types, values) = items.iter().map(Self::of_json).unzip();
                (Type::Tuple(types), Self::Tuple(values))
            }
            Json::Object(members) => {
                let typed = members.iter().map(|(name, member)| (name.clone(), Self::of_json(member)));
                let (types, values) = typed.map(|(n, (t, v))| ((n.clone(), t), (n, v))).unzip();
                (Type::Object(types, BTreeSet::new()), Self::Object(values))
            }
        }
    }

    /// A value of JSON for a place of type [`Type::Dynamic`].
    #[must_use]
    pub fn dynamic(json: &serde_json::Value) -> Self {
        let (of, value) = Self::of_json(json);
        Self::Dynamic(of, Box::new(value))
    }

    /// Whether the value is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether the value itself is unknown.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether there is a value for certain: an unknown one may turn out to be null.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !matches!(self, Self::Null | Self::Unknown(_))
    }

    /// Whether nothing in the value, at any depth, is unknown.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::List(v) | Self::Set(v) | Self::Tuple(v) => v.iter().all(Self::is_wholly_known),
            Self::Map(m) | Self::Object(m) => m.values().all(Self::is_wholly_known),
            Self::Dynamic(_, v) => v.is_wholly_known(),
            _ => true,
        }
    }

    /// The value without the type that it carries in a place of type [`Type::Dynamic`].
    #[must_use]
    pub fn bare(&self) -> &Value {
        let mut value = self;
        while let Self::Dynamic(_, inner) = value {
            value = inner;
        }
        value
    }

    /// The attribute of an object; null when this is no object or has no such attribute.
    #[must_use]
    pub fn get(&self, attribute: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        match self {
            Self::Object(m) => m.get(attribute).unwrap_or(NULL),
            _ => NULL,
        }
    }

    /// Sets an attribute of an object; does nothing to any other value.
    pub fn set(&mut self, attribute: &str, value: Value) {
        if let Self::Object(m) = self {
            m.insert(attribute.to_owned(), value);
        }
    }

    /// The text, when this is known text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The truth value, when known.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The number, when it is known, whole and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        use bigdecimal::ToPrimitive;
        match self {
            Self::Number(n) if n.is_integer() => n.to_i64(),
            _ => None,
        }
    }

    /// The elements of a known list, set or tuple.
    #[must_use]
    pub fn elements(&self) -> &[Value] {
        match self {
            Self::List(v) | Self::Set(v) | Self::Tuple(v) => v,
            _ => &[],
        }
    }

    /// The entries of a known map or object.
    #[must_use]
    pub fn entries(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(m) | Self::Object(m) => Some(m),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::String(s.to_owned())
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::String(s)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Number(n.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}
