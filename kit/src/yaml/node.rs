//! Values as written: every scalar with its source text, every map in its order.
//! A scalar is interpreted on request; two spellings of one number are different texts.

use super::scalar::{self, Claim, Reading};
use serde_json::{Map, Value};

/// A value of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map; its keys are single values, each one once, and keep their order.
    Map(Vec<(Scalar, Node)>),
}

/// A single value: its text, and whether quotes or a tag say what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text, without quotes and folding.
    pub text: String,
    /// Whether it stood without quotes, so that readers guess what it is.
    pub plain: bool,
    /// The tag, as written.
    pub tag: Option<Box<str>>,
}

impl Scalar {
    /// Text that nobody takes for anything else.
    #[must_use]
    pub fn quoted(text: impl Into<String>) -> Self {
        Self { text: text.into(), plain: false, tag: None }
    }

    /// Text without quotes.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), plain: true, tag: None }
    }

    /// What Go's YAML library takes it for when nothing else is asked of it.
    #[must_use]
    pub fn reading(&self) -> Reading {
        match (self.tag.as_deref(), self.plain) {
            (None, true) => scalar::reading(&self.text),
            (None, false) => Reading::Text,
            (Some(tag), _) => match claim(tag) {
                Some(Claim::Null) => Reading::Null,
                Some(_) => scalar::reading(&self.text),
                None => Reading::Text,
            },
        }
    }

    /// Whether it is no value at all: `null`, `~`, or nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.reading() == Reading::Null
    }

    /// Whether both read the same wherever they stand.
    /// Without quotes only equal texts do: `1.1` and `1.10` are one number, and two labels.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let text = |scalar: &Self| scalar.reading() == Reading::Text && scalar.tag.as_deref().is_none_or(is_text_tag);
        if self.is_null() || other.is_null() {
            return self.is_null() && other.is_null();
        }
        if text(self) && text(other) {
            return self.text == other.text;
        }
        self.text == other.text && self.tag == other.tag && (self.tag.is_some() || self.plain == other.plain)
    }

    /// The key that it is in a map of texts.
    #[must_use]
    pub fn key(&self) -> &str {
        if self.text.is_empty() && self.plain { "null" } else { &self.text }
    }

    fn value(self) -> Value {
        match self.tag.as_deref() {
            None if self.plain => scalar::resolve(&self.text),
            None => Value::String(self.text),
            Some(tag) => match claim(tag).and_then(|claim| scalar::resolve_as(claim, &self.text)) {
                Some(value) => value,
                None => Value::String(self.text),
            },
        }
    }
}

/// What a tag claims that has to show in the text.
pub(super) fn claim(tag: &str) -> Option<Claim> {
    Some(match tag {
        "!!null" => Claim::Null,
        "!!bool" => Claim::Bool,
        "!!int" => Claim::Int,
        "!!float" => Claim::Float,
        _ => return None,
    })
}

fn is_text_tag(tag: &str) -> bool {
    matches!(tag, "!!str" | "!")
}

impl Node {
    /// The value at this key of a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|(name, _)| name.key() == key).map(|(_, value)| value)
    }

    /// The entries of a map.
    #[must_use]
    pub fn entries(&self) -> Option<&[(Scalar, Node)]> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The text of a single value.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// Whether it is no value at all.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(scalar) if scalar.is_null())
    }

    /// Whether both say the same to every reader: the order of keys, comments, quoting and layout mean nothing.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Scalar(a), Self::Scalar(b)) => a.same(b),
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Self::Map(a), Self::Map(b)) => {
                let (a, b) = (sorted(a), sorted(b));
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0.key() == b.0.key() && a.1.same(&b.1))
            }
            _ => false,
        }
    }
}

/// The entries of a map by their keys.
#[must_use]
pub fn sorted(entries: &[(Scalar, Node)]) -> Vec<&(Scalar, Node)> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by(|a, b| a.0.key().cmp(b.0.key()));
    sorted
}

impl From<Node> for Value {
    fn from(node: Node) -> Self {
        match node {
            Node::Scalar(scalar) => scalar.value(),
            Node::List(elements) => Self::Array(elements.into_iter().map(Self::from).collect()),
            Node::Map(entries) => {
                let entry = |(key, value): (Scalar, Node)| (key.key().to_owned(), Self::from(value));
                Self::Object(entries.into_iter().map(entry).collect::<Map<_, _>>())
            }
        }
    }
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        Self::Scalar(match value {
            Value::Null => Scalar::plain("null"),
            Value::Bool(b) => Scalar::plain(b.to_string()),
            Value::Number(n) => Scalar::plain(n.to_string()),
            Value::String(text) => Scalar::quoted(text),
            Value::Array(elements) => return Self::List(elements.iter().map(Self::from).collect()),
            Value::Object(entries) => {
                return Self::Map(entries.iter().map(|(key, value)| (Scalar::quoted(key), value.into())).collect());
            }
        })
    }
}
