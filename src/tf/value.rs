//! Terraform values and their types: null, unknown and known, at any depth.
//! [`super::wire`] encodes them.

use kit::gather::Gather as _;
use std::collections::{BTreeMap, BTreeSet};

pub use bigdecimal::BigDecimal;

/// The type of a value, as a schema declares it.
///
/// ```
/// use terraform_provider_omni::tf::value::Type;
///
/// let labels = Type::map(Type::String);
/// assert_eq!(labels, Type::Map(Box::new(Type::String)));
///
/// // Attributes of an object are sorted by name, however they were given.
/// let ports = Type::object([("to", Type::Number), ("from", Type::Number)]);
/// assert_eq!(ports, Type::object([("from", Type::Number), ("to", Type::Number)]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Unicode text.
    String,
    /// A decimal number of any size and precision.
    Number,
    /// `true` or `false`.
    Bool,
    /// Any type: each value carries its type, see [`Value::Dynamic`].
    Dynamic,
    /// An ordered sequence of one type.
    List(Box<Type>),
    /// Elements of one type; order and duplicates have no meaning.
    Set(Box<Type>),
    /// String keys to values of one type.
    Map(Box<Type>),
    /// A sequence with a type for each position.
    Tuple(Vec<Type>),
    /// Named attributes, each with its type; the second field names the optional ones.
    Object(BTreeMap<String, Type>, BTreeSet<String>),
}

impl Type {
    /// [`Type::List`] without the box.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// [`Type::Set`] without the box.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// [`Type::Map`] without the box.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object in which no attribute is optional.
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Type)>) -> Self {
        let all = attributes.into_iter().map(|(name, of)| (name.into(), of));
        Self::Object(all.gathered(), BTreeSet::new())
    }
}

/// What is guaranteed about an unknown value.
/// The applied value must keep the guarantee, so a refinement is passed on only with the unknown value that carried it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refinements {
    /// `Some(false)`: the value will not be null.
    pub nullness: Option<bool>,
    /// The string starts with this.
    pub prefix: Option<String>,
    /// Lower bound of a number, and whether the bound itself is allowed.
    pub lower: Option<(BigDecimal, bool)>,
    /// Upper bound of a number, and whether the bound itself is allowed.
    pub upper: Option<(BigDecimal, bool)>,
    /// Lower bound of a collection's length.
    pub min_length: Option<i64>,
    /// Upper bound of a collection's length.
    pub max_length: Option<i64>,
}

/// A value: null, unknown, or known.
///
/// A known collection can hold unknown elements, so the four questions have different answers:
///
/// ```
/// use terraform_provider_omni::tf::value::Value;
///
/// let partly = Value::List(vec!["a".into(), Value::UNKNOWN]);
/// for (value, is_null, is_unknown, is_set, wholly_known) in [
///     (Value::Null, true, false, false, true),
///     (Value::UNKNOWN, false, true, false, false),
///     (Value::from(""), false, false, true, true),
///     (partly, false, false, true, false),
/// ] {
///     assert_eq!(value.is_null(), is_null);
///     assert_eq!(value.is_unknown(), is_unknown);
///     assert_eq!(value.is_set(), is_set);
///     assert_eq!(value.is_wholly_known(), wholly_known);
/// }
/// ```
///
/// Access to an object never fails; what is missing is null:
///
/// ```
/// use terraform_provider_omni::tf::value::Value;
///
/// let cluster = Value::object([("name", Value::from("prod")), ("machines", Value::from(3))]);
/// assert_eq!(cluster.get("name").as_str(), Some("prod"));
/// assert_eq!(cluster.get("machines").as_i64(), Some(3));
/// assert!(cluster.get("labels").is_null());
/// assert!(Value::from("prod").get("name").is_null());
/// ```
#[derive(Clone, Debug)]
pub enum Value {
    /// Absent, or set to `null`.
    Null,
    /// Known after apply, with the guarantees of the host, if it gave any.
    Unknown(Option<Box<Refinements>>),
    /// A known [`Type::String`].
    String(String),
    /// A known [`Type::Number`].
    Number(BigDecimal),
    /// A known [`Type::Bool`].
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
    /// A value where the schema says [`Type::Dynamic`], with its actual type.
    Dynamic(Type, Box<Value>),
}

/// Sets are equal when they have the same elements, in any order; all other values compare element by element.
///
/// ```
/// use terraform_provider_omni::tf::value::Value;
///
/// let (a, b): (Value, Value) = ("a".into(), "b".into());
/// assert_eq!(Value::Set(vec![a.clone(), b.clone()]), Value::Set(vec![b.clone(), a.clone()]));
/// assert_ne!(Value::List(vec![a.clone(), b.clone()]), Value::List(vec![b, a]));
/// assert_ne!(Value::Null, Value::UNKNOWN);
/// ```
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
    /// An unknown value without refinements.
    pub const UNKNOWN: Value = Value::Unknown(None);

    /// An unknown text that will be `text`. Hosts have no such guarantee, only that of a beginning, so the applied value has
    /// to begin with it. Hosts hand the guarantee on with the value, to whatever refers to it.
    ///
    /// ```
    /// use terraform_provider_omni::tf::value::{Refinements, Value};
    ///
    /// let id = Value::foretold("prod");
    /// assert!(id.is_unknown() && id.as_str().is_none());
    /// assert_eq!(id.foreseen(), Some("prod"));
    /// // What the host makes of several parts is never null, and goes on.
    /// let built = Refinements { prefix: Some("prod-".into()), nullness: Some(false), ..Refinements::default() };
    /// assert_eq!(Value::Unknown(Some(Box::new(built))).foreseen(), None);
    /// assert_eq!((Value::from("prod").foreseen(), Value::UNKNOWN.foreseen()), (Some("prod"), None));
    /// ```
    #[must_use]
    pub fn foretold(text: impl Into<String>) -> Self {
        Self::Unknown(Some(Box::new(Refinements { prefix: Some(text.into()), ..Refinements::default() })))
    }

    /// The text, or what an unknown one was foretold to be. Others may guarantee a mere beginning in the same form.
    #[must_use]
    pub fn foreseen(&self) -> Option<&str> {
        match self {
            Self::Unknown(Some(refinements)) if refinements.nullness.is_none() => refinements.prefix.as_deref(),
            other => other.as_str(),
        }
    }

    /// A map with these elements.
    #[must_use]
    pub fn map(elements: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self::Map(elements.into_iter().gathered())
    }

    /// A map of strings.
    #[must_use]
    pub fn texts<K: Into<String>, V: Into<String>>(texts: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::map(texts.into_iter().map(|(key, text)| (key.into(), Self::String(text.into()))))
    }

    /// An object with these attributes; names that the type has and the object lacks count as null.
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Value)>) -> Self {
        Self::Object(attributes.into_iter().map(|(name, value)| (name.into(), value)).gathered())
    }

    /// A JSON value and the type that it has without a schema: objects become objects, arrays become tuples.
    ///
    /// ```
    /// use terraform_provider_omni::tf::value::{Type, Value};
    ///
    /// let (of, value) = Value::of_json(&serde_json::json!(["a", 1]));
    /// assert_eq!(of, Type::Tuple(vec![Type::String, Type::Number]));
    /// assert_eq!(value, Value::Tuple(vec!["a".into(), Value::from(1)]));
    /// ```
    #[must_use]
    pub fn of_json(json: &serde_json::Value) -> (Type, Self) {
        use serde_json::Value as Json;
        match json {
            Json::Null => (Type::Dynamic, Self::Null),
            Json::Bool(b) => (Type::Bool, Self::Bool(*b)),
            // Every JSON number is a decimal.
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

    /// A JSON value for an attribute of type [`Type::Dynamic`].
    #[must_use]
    pub fn dynamic(json: &serde_json::Value) -> Self {
        let (of, value) = Self::of_json(json);
        Self::Dynamic(of, Box::new(value))
    }

    /// False for an unknown value, although it may turn out to be null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether the value itself is unknown; a known collection with unknown elements is not.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether the value is known and not null.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !matches!(self, Self::Null | Self::Unknown(_))
    }

    /// Whether the value and everything in it, at any depth, is known.
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

    /// The value inside of [`Value::Dynamic`]; any other value is returned unchanged.
    #[must_use]
    pub fn bare(&self) -> &Value {
        let mut value = self;
        while let Self::Dynamic(_, inner) = value {
            value = inner;
        }
        value
    }

    /// An attribute of an object; null for a missing attribute, and for a value that is not an object.
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

    /// The string; `None` for null, unknown and other types.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The boolean; `None` for null, unknown and other types.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The number; `None` for null, unknown, fractions, and numbers outside of 64 bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        use bigdecimal::ToPrimitive;
        match self {
            Self::Number(n) if n.is_integer() => n.to_i64(),
            _ => None,
        }
    }

    /// The elements of a list, set or tuple; empty for everything else.
    #[must_use]
    pub fn elements(&self) -> &[Value] {
        match self {
            Self::List(v) | Self::Set(v) | Self::Tuple(v) => v,
            _ => &[],
        }
    }

    /// The entries of a map or an object; `None` for everything else.
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
