//! Paths to an attribute of a resource, a data source or a provider configuration.

use super::value::Value;
use omni_proto::tfplugin6 as pb;
use std::fmt;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// An attribute of an object.
    Attribute(String),
    /// An element of a map.
    Key(String),
    /// An element of a list.
    Index(i64),
}

/// A path from the root of a configuration or a state; the empty path is the root.
///
/// ```
/// use terraform_provider_omni::tf::path::Path;
/// use terraform_provider_omni::tf::value::Value;
///
/// let path = Path::of("labels").key("team");
/// assert_eq!(path.to_string(), r#"labels["team"]"#);
///
/// let config = Value::object([("labels", Value::texts([("team", "web")])), ("nodes", Value::UNKNOWN)]);
/// assert_eq!(path.lookup(&config).as_str(), Some("web"));
/// // A path that does not exist is null, and below an unknown value everything is unknown.
/// assert!(Path::of("name").lookup(&config).is_null());
/// assert!(Path::of("nodes").index(0).lookup(&config).is_unknown());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

impl Path {
    /// The path without steps.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Parses attribute names separated by dots, such as `features.disk_encryption`; the root for an empty string.
    /// It knows no keys and no indices: append those with [`Path::key`] and [`Path::index`].
    #[must_use]
    pub fn of(attributes: &str) -> Self {
        if attributes.is_empty() {
            return Self::root();
        }
        Self(attributes.split('.').map(|a| Step::Attribute(a.to_owned())).collect())
    }

    /// Appends the attribute of an object.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Self {
        self.step(Step::Attribute(name.to_owned()))
    }

    /// Appends the key of a map.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.to_owned()))
    }

    /// Appends the index of a list, counted from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.step(Step::Index(i64::try_from(index).unwrap_or(i64::MAX)))
    }

    /// Appends any step.
    #[must_use]
    pub fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The steps from the root.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The prefix of this path that a host can find in a configuration: the top-level attribute and its element.
    /// For a longer path hosts look for a block, and without one they point at the whole resource.
    #[must_use]
    pub fn findable(&self) -> Self {
        let element = self.0.get(1).is_some_and(|step| !matches!(step, Step::Attribute(_)));
        Self(self.0.iter().take(1 + usize::from(element)).cloned().collect())
    }

    /// The value at this path; null for a path that does not exist, unknown for a path through an unknown value.
    #[must_use]
    pub fn lookup<'v>(&self, root: &'v Value) -> &'v Value {
        const NULL: &Value = &Value::Null;
        let mut at = root;
        for step in &self.0 {
            while let Value::Dynamic(_, inner) = at {
                at = inner;
            }
            at = match (step, at) {
                (_, Value::Unknown(_)) => return at,
                (Step::Attribute(n) | Step::Key(n), Value::Object(m) | Value::Map(m)) => m.get(n).unwrap_or(NULL),
                (Step::Index(i), Value::List(v) | Value::Tuple(v) | Value::Set(v)) => {
                    usize::try_from(*i).ok().and_then(|i| v.get(i)).unwrap_or(NULL)
                }
                _ => NULL,
            };
        }
        at
    }

    /// The path on the wire.
    #[must_use]
    pub fn to_proto(&self) -> pb::AttributePath {
        use pb::attribute_path::{Step as Wire, step::Selector};
        let steps = self.0.iter().map(|step| Wire {
            selector: Some(match step {
                Step::Attribute(n) => Selector::AttributeName(n.clone()),
                Step::Key(k) => Selector::ElementKeyString(k.clone()),
                Step::Index(i) => Selector::ElementKeyInt(*i),
            }),
        });
        pb::AttributePath { steps: steps.collect() }
    }
}

/// In the syntax of a configuration: `features.disk_encryption`, `labels["a"]`, `rules[0].name`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(n) if i == 0 => write!(f, "{n}")?,
                Step::Attribute(n) => write!(f, ".{n}")?,
                Step::Key(k) => write!(f, "[{k:?}]")?,
                Step::Index(n) => write!(f, "[{n}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_find_the_top_and_its_element() {
        let table = [
            (Path::root(), ""),
            (Path::of("name"), "name"),
            (Path::of("timeouts.create"), "timeouts"),
            (Path::of("labels").key("a"), "labels[\"a\"]"),
            (Path::of("rules").index(2).attribute("name"), "rules[2]"),
        ];
        for (path, expected) in table {
            assert_eq!(path.findable().to_string(), expected, "{path}");
        }
    }

    #[test]
    fn displays_as_in_a_configuration() {
        let path = Path::of("rules").index(2).attribute("labels").key("a b");
        assert_eq!(path.to_string(), r#"rules[2].labels["a b"]"#);
    }

    #[test]
    fn looks_up_through_objects_lists_and_unknowns() {
        let root =
            Value::object([("a", Value::List(vec![Value::object([("b", Value::from("x"))])])), ("u", Value::UNKNOWN)]);
        assert_eq!(Path::of("a").index(0).attribute("b").lookup(&root), &Value::from("x"));
        assert!(Path::of("a").index(1).attribute("b").lookup(&root).is_null());
        assert!(Path::of("u.x").lookup(&root).is_unknown());
    }
}
