//! The schema model: attributes, their behaviour in a plan, their checks, and their documentation.
//! The host, the plan logic, the checks and the docs pages all read the same schema.

use super::check::{Check, Rule};
use super::diag::Diagnostic;
use super::path::{Path, Step};
use super::value::{Type, Value};
use super::write_only::WriteOnly;
use std::collections::BTreeMap;

/// Who sets the value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The configuration must set it.
    Required,
    /// The configuration may set it; otherwise it is null.
    Optional,
    /// The provider sets it; a configuration that does is invalid.
    Computed,
    /// The configuration may set it; otherwise the provider does.
    OptionalComputed,
}

/// The collection around nested attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// A single object.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects.
    Map,
}

/// Whether an attribute has a type or nested attributes.
#[derive(Clone)]
pub enum Kind {
    /// A value of a type.
    Plain(Type),
    /// Nested attributes, each with its own mode and documentation.
    Nested(Nesting, Vec<Attribute>),
}

/// When a change of an attribute forces replacement.
#[derive(Clone, Copy)]
pub enum Replace {
    /// Updated in place.
    Never,
    /// Every change forces replacement.
    Always,
    /// A change forces replacement if this returns true for the prior and the planned value.
    If(fn(&Value, &Value) -> bool),
}

/// When a plan shows a computed value as "known after apply". Without a prior value, and for a replacement, it always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recompute {
    /// Unknown if any attribute of the resource changes.
    OnAnyChange,
    /// The prior value, for the lifetime of the object.
    Never,
    /// Unknown if one of these top-level attributes changes.
    With(&'static [&'static str]),
}

/// The planned value of an optional and computed attribute that the configuration does not set.
#[derive(Clone, Debug, PartialEq)]
pub enum Unset {
    /// As [`Recompute`] says.
    Own,
    /// The initial value of a new object. Removing the attribute from the configuration resets it to this value;
    /// a value that somebody else set is kept as long as the configuration never sets it.
    Initial(Value),
    /// Removing the attribute from the configuration keeps its value, with a warning that gives this reason.
    Stays(&'static str),
    /// Null. An object in which every attribute is null counts as null too, and is kept: an import cannot tell which
    /// of the two the configuration has.
    Nothing,
}

/// The release of the service that an attribute needs. Older ones may accept the attribute and ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// The first release, such as `1.9`.
    pub release: &'static str,
    /// The values that need it; empty for every value that differs from the initial one.
    pub values: &'static [&'static str],
}

/// An attribute and its behaviour. [`string`], [`number`], [`boolean`], [`plain`], [`object`] and [`objects`] make an
/// optional one; the methods change what differs.
///
/// ```
/// use terraform_provider_omni::tf::schema::{Mode, objects, number, string};
/// use terraform_provider_omni::tf::value::Type;
///
/// for (attribute, mode) in [
///     (string("name").required().replaces(), Mode::Required),
///     (string("note"), Mode::Optional),
///     (string("id").computed().stays(), Mode::Computed),
///     (number("replicas").default(1_i64), Mode::OptionalComputed),
/// ] {
///     assert_eq!(attribute.mode, mode, "{}", attribute.name);
///     assert_eq!(attribute.configurable(), mode != Mode::Computed);
/// }
///
/// let ports = objects("ports", vec![number("port").required(), string("note")]);
/// let port = Type::object([("port", Type::Number), ("note", Type::String)]);
/// assert_eq!(ports.value_type(), Type::list(port));
/// ```
#[derive(Clone)]
pub struct Attribute {
    /// The name in a configuration: lower case, digits and `_`.
    pub name: &'static str,
    /// A type or nested attributes.
    pub kind: Kind,
    /// Who sets the value.
    pub mode: Mode,
    /// Hosts redact the value in their output.
    pub sensitive: bool,
    /// The provider gets the value, and neither plan nor state stores it.
    pub write_only: bool,
    /// Documentation, in Markdown; ends with a full stop.
    pub description: String,
    /// The message of hosts for a configuration that sets it: what to use instead.
    pub deprecated: Option<&'static str>,
    /// The value if the configuration sets none.
    pub default: Option<Value>,
    /// When a change forces replacement.
    pub replace: Replace,
    /// When a computed value is known after apply.
    pub recompute: Recompute,
    /// The planned value if the configuration sets none.
    pub unset: Unset,
    /// The release of the service that it needs; `None` if every supported release has it.
    pub since: Option<Since>,
    /// Semantic equality of two strings: an equal one keeps the string in the state, and plans no change.
    pub same: Option<fn(&str, &str) -> bool>,
    /// The most bytes of a string, or of each string of a collection, which must be one line without control characters;
    /// `None` for a document of any length. Keys and values of maps are left to checks.
    pub line: Option<usize>,
    /// Validators; they are called with known values only.
    pub checks: Vec<Check>,
}

/// The most bytes of a string whose attribute does not say otherwise.
pub const LONGEST_LINE: usize = 1024;

/// The schema of a resource, a data source, an ephemeral resource, a list resource, an action, or the provider block.
///
/// ```
/// use terraform_provider_omni::tf::path::Path;
/// use terraform_provider_omni::tf::schema::{Schema, object, string};
///
/// let schema = Schema::new("Manages a box.").with_all([
///     string("name").required().doc("Name of the box. Changing this forces replacement.").replaces(),
///     object("lock", vec![string("code").sensitive().doc("Code of the lock.")]).doc("The lock."),
///     string("pin").write_only().doc("Pin of the box."),
/// ]);
/// assert!(schema.attribute("name").is_some());
/// assert!(schema.is_sensitive(&Path::of("lock.code")));
/// assert!(schema.is_sensitive(&Path::of("pin")));
/// assert!(!schema.is_sensitive(&Path::of("lock")));
/// assert!(schema.null_object().get("name").is_null());
/// ```
#[derive(Clone)]
pub struct Schema {
    /// Incremented when stored state needs an upgrade.
    pub version: i64,
    /// Documentation, in Markdown; the first sentence is the summary.
    pub description: String,
    /// The attributes, in any order; the protocol and the pages sort by name.
    pub attributes: Vec<Attribute>,
    /// Rules over several attributes.
    pub rules: Vec<Rule>,
    /// Attributes with a write-only form.
    pub write_only: Vec<WriteOnly>,
    /// Strings whose semantic equality depends on other attributes.
    pub meanings: Vec<Meaning>,
    /// Returns true, for the prior state and the configuration with its defaults, if no change forces replacement,
    /// whatever the attributes say.
    pub stays: Option<fn(&Value, &Value) -> bool>,
    /// Upgrades stored state of an older schema version or of another provider, in place.
    pub upgrade: Option<Upgrade>,
    /// Other types, of providers of the same name, whose stored state a `moved` block can bring: each with a function that
    /// converts it in place. State of the same type is upgraded.
    pub moves: Vec<(&'static str, Move)>,
    /// The first release of the service that has the type; `None` if every supported release has it.
    pub since: Option<&'static str>,
    /// What to do instead where the service is older.
    pub instead: Option<&'static str>,
}

/// Converts stored state in place.
pub type Upgrade = fn(&mut serde_json::Map<String, serde_json::Value>);

/// Converts stored state of another type in place, or says why it cannot.
pub type Move = fn(&mut serde_json::Map<String, serde_json::Value>) -> Result<(), Diagnostic>;

/// Semantic equality of a string that depends on other attributes, such as a short name within a group.
/// An equal string keeps the one in the state, and plans no change.
#[derive(Clone)]
pub struct Meaning {
    /// The path of the string, through single objects: `selector.machine_set`.
    pub path: &'static str,
    /// The meaning, computed from the value of the whole resource; `None` while it is unknown.
    pub of: fn(&Value) -> Option<String>,
}

impl Schema {
    /// A schema without attributes, of version 0.
    pub fn new(description: impl Into<String>) -> Self {
        Self {
            version: 0,
            description: description.into(),
            attributes: Vec::new(),
            rules: Vec::new(),
            write_only: Vec::new(),
            meanings: Vec::new(),
            stays: None,
            upgrade: None,
            moves: Vec::new(),
            since: None,
            instead: None,
        }
    }

    /// Adds one attribute.
    #[must_use]
    pub fn with(mut self, attribute: Attribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Adds attributes.
    #[must_use]
    pub fn with_all(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.attributes.extend(attributes);
        self
    }

    /// Adds a rule over several attributes.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets the [`Meaning`] of the string at this path.
    #[must_use]
    pub fn meaning(mut self, path: &'static str, of: fn(&Value) -> Option<String>) -> Self {
        self.meanings.push(Meaning { path, of });
        self
    }

    /// Sets the upgrade of stored state.
    #[must_use]
    pub fn upgraded_by(mut self, upgrade: Upgrade) -> Self {
        self.upgrade = Some(upgrade);
        self
    }

    /// Lets a `moved` block bring state of another type; see [`Schema::moves`].
    #[must_use]
    pub fn moved_from(mut self, source: &'static str, convert: Move) -> Self {
        self.moves.push((source, convert));
        self
    }

    /// Upgrades stored state; state of the current schema stays as it is.
    pub fn upgrade(&self, state: &mut serde_json::Map<String, serde_json::Value>) {
        if let Some(upgrade) = self.upgrade {
            upgrade(state);
        }
    }

    /// Prevents replacement where this returns true; see [`Schema::stays`].
    #[must_use]
    pub fn stays_if(mut self, stays: fn(&Value, &Value) -> bool) -> Self {
        self.stays = Some(stays);
        self
    }

    /// The type needs this release of the service or a later one.
    #[must_use]
    pub fn since(mut self, release: &'static str) -> Self {
        self.since = Some(release);
        self
    }

    /// What to do instead where the service is too old for the type, as sentences.
    #[must_use]
    pub fn instead(mut self, advice: &'static str) -> Self {
        self.instead = Some(advice);
        self
    }

    /// Whether no text may show the value at this path: the attribute, or one that contains it, is sensitive or write-only.
    /// A write-only attribute is null in the state, so hosts need no mark on it, which they would store beside every object.
    #[must_use]
    pub fn is_sensitive(&self, path: &Path) -> bool {
        let mut attributes: &[Attribute] = &self.attributes;
        for step in path.steps() {
            if let Step::Attribute(name) = step {
                let Some(attribute) = attributes.iter().find(|a| a.name == name) else { return false };
                if attribute.sensitive || attribute.write_only {
                    return true;
                }
                attributes = attribute.nested();
            }
        }
        false
    }

    /// The top-level attribute of this name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// The object type of a configuration or a state.
    #[must_use]
    pub fn object_type(&self) -> Type {
        object_type(&self.attributes)
    }

    /// An object in which every attribute is null.
    #[must_use]
    pub fn null_object(&self) -> Value {
        Value::object(self.attributes.iter().map(|a| (a.name.to_owned(), Value::Null)))
    }
}

/// The type of an object of these attributes.
#[must_use]
pub fn object_type(attributes: &[Attribute]) -> Type {
    Type::object(attributes.iter().map(|a| (a.name, a.value_type())))
}

impl Attribute {
    fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            mode: Mode::Optional,
            sensitive: false,
            write_only: false,
            description: String::new(),
            deprecated: None,
            default: None,
            replace: Replace::Never,
            recompute: Recompute::OnAnyChange,
            unset: Unset::Own,
            since: None,
            same: None,
            line: Some(LONGEST_LINE),
            checks: Vec::new(),
        }
    }

    /// The type of the value, with the collection around nested attributes.
    #[must_use]
    pub fn value_type(&self) -> Type {
        match &self.kind {
            Kind::Plain(t) => t.clone(),
            Kind::Nested(nesting, attributes) => {
                let element = object_type(attributes);
                match nesting {
                    Nesting::Single => element,
                    Nesting::List => Type::list(element),
                    Nesting::Set => Type::set(element),
                    Nesting::Map => Type::map(element),
                }
            }
        }
    }

    /// Whether the configuration may set it.
    #[must_use]
    pub fn configurable(&self) -> bool {
        self.mode != Mode::Computed
    }

    /// Whether the provider may set it.
    #[must_use]
    pub fn computed_mode(&self) -> bool {
        matches!(self.mode, Mode::Computed | Mode::OptionalComputed)
    }

    /// The nested attributes; none for a plain one.
    #[must_use]
    pub fn nested(&self) -> &[Attribute] {
        match &self.kind {
            Kind::Nested(_, attributes) => attributes,
            Kind::Plain(_) => &[],
        }
    }

    /// The configuration must set it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.mode = Mode::Required;
        self
    }

    /// The computed attribute of a data source for this one: of this kind, without checks and plan behaviour.
    /// `doc` replaces the documentation.
    #[must_use]
    pub fn described(self, kind: Kind, doc: Option<&str>) -> Self {
        let description = doc.map_or(self.description, str::to_owned);
        let kind = match kind {
            Kind::Nested(nesting, nested) => Kind::Nested(nesting, nested.into_iter().map(Self::read_only).collect()),
            plain => plain,
        };
        Self {
            sensitive: self.sensitive,
            mode: Mode::Computed,
            description,
            since: self.since,
            ..Self::new(self.name, kind)
        }
    }

    fn read_only(self) -> Self {
        let kind = self.kind.clone();
        self.described(kind, None)
    }

    /// Only the provider sets it.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.mode = Mode::Computed;
        self
    }

    /// The configuration may set it, otherwise the provider does.
    #[must_use]
    pub fn optional_computed(mut self) -> Self {
        self.mode = Mode::OptionalComputed;
        self
    }

    /// Sets the value for configurations without one, as a default: removing the attribute resets it.
    /// It becomes optional and computed.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.mode = Mode::OptionalComputed;
        self.default = Some(value.into());
        self
    }

    /// [`Unset::Initial`]: unlike a default, it does not overwrite what somebody else set.
    #[must_use]
    pub fn initially(mut self, value: impl Into<Value>) -> Self {
        self.mode = Mode::OptionalComputed;
        self.recompute = Recompute::Never;
        self.unset = Unset::Initial(value.into());
        self
    }

    /// [`Unset::Nothing`]: without a configured value it is null, or an object in which every attribute is null.
    #[must_use]
    pub fn or_nothing(mut self) -> Self {
        self.mode = Mode::OptionalComputed;
        self.recompute = Recompute::Never;
        self.unset = Unset::Nothing;
        self
    }

    /// [`Unset::Stays`]: removing the attribute from the configuration keeps its value, for this reason.
    #[must_use]
    pub fn remains(mut self, why: &'static str) -> Self {
        self.mode = Mode::OptionalComputed;
        self.recompute = Recompute::Never;
        self.unset = Unset::Stays(why);
        self
    }

    /// The attribute needs this release of the service or a later one.
    #[must_use]
    pub fn since(mut self, release: &'static str) -> Self {
        self.since = Some(Since { release, values: &[] });
        self
    }

    /// These values need this release of the service or a later one.
    #[must_use]
    pub fn since_for(mut self, release: &'static str, values: &'static [&'static str]) -> Self {
        self.since = Some(Since { release, values });
        self
    }

    /// Hosts redact it in their output; it is stored nevertheless.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// It is neither in plan nor in state; needs a host with write-only attributes.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Sets the documentation, in Markdown.
    #[must_use]
    pub fn doc(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Every change forces replacement.
    #[must_use]
    pub fn replaces(mut self) -> Self {
        self.replace = Replace::Always;
        self
    }

    /// A change forces replacement if `rule` returns true for the prior and the planned value.
    #[must_use]
    pub fn replaces_if(mut self, rule: fn(&Value, &Value) -> bool) -> Self {
        self.replace = Replace::If(rule);
        self
    }

    /// Once computed, it keeps its value for the lifetime of the object.
    #[must_use]
    pub fn stays(mut self) -> Self {
        self.recompute = Recompute::Never;
        self
    }

    /// It is known after apply only if one of these top-level attributes changes.
    #[must_use]
    pub fn changes_with(mut self, attributes: &'static [&'static str]) -> Self {
        self.recompute = Recompute::With(attributes);
        self
    }

    /// Sets the semantic equality of two strings: equal ones plan no change.
    #[must_use]
    pub fn same_if(mut self, same: fn(&str, &str) -> bool) -> Self {
        self.same = Some(same);
        self
    }

    /// The string is one line of at most so many bytes.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.line = Some(bytes);
        self
    }

    /// The string is a document: of any length, with line breaks.
    #[must_use]
    pub fn document(mut self) -> Self {
        self.line = None;
        self
    }

    /// Adds a validator; all of them are run.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }
}

/// An optional string attribute.
#[must_use]
pub fn string(name: &'static str) -> Attribute {
    plain(name, Type::String)
}

/// An optional number attribute.
#[must_use]
pub fn number(name: &'static str) -> Attribute {
    plain(name, Type::Number)
}

/// An optional boolean attribute.
#[must_use]
pub fn boolean(name: &'static str) -> Attribute {
    plain(name, Type::Bool)
}

/// An optional attribute of any type.
#[must_use]
pub fn plain(name: &'static str, of: Type) -> Attribute {
    Attribute::new(name, Kind::Plain(of))
}

/// An optional attribute with nested attributes: a single object.
#[must_use]
pub fn object(name: &'static str, attributes: Vec<Attribute>) -> Attribute {
    Attribute::new(name, Kind::Nested(Nesting::Single, attributes))
}

/// An optional attribute with nested attributes: a list of objects.
#[must_use]
pub fn objects(name: &'static str, attributes: Vec<Attribute>) -> Attribute {
    Attribute::new(name, Kind::Nested(Nesting::List, attributes))
}

/// An optional attribute with nested attributes: a set of objects.
#[must_use]
pub fn object_set(name: &'static str, attributes: Vec<Attribute>) -> Attribute {
    Attribute::new(name, Kind::Nested(Nesting::Set, attributes))
}

/// An optional attribute with nested attributes: a map of objects.
#[must_use]
pub fn maps(name: &'static str, attributes: Vec<Attribute>) -> Attribute {
    Attribute::new(name, Kind::Nested(Nesting::Map, attributes))
}

/// The identity schema of a resource type: what identifies an object, for imports and for hosts that store identities.
#[derive(Clone, Debug)]
pub struct IdentitySchema {
    /// Incremented when stored identities need an upgrade.
    pub version: i64,
    /// The attributes of the identity; together they are unique.
    pub attributes: Vec<IdentityAttribute>,
}

/// An attribute of an identity.
#[derive(Clone, Debug)]
pub struct IdentityAttribute {
    /// The name in the `identity` block of an import.
    pub name: &'static str,
    /// A primitive type, or a list of one: hosts refuse all others.
    pub of: Type,
    /// Whether an import must set it.
    pub required_for_import: bool,
    /// Documentation, in Markdown.
    pub description: String,
}

impl IdentitySchema {
    /// An identity of one required string.
    #[must_use]
    pub fn of(name: &'static str, description: impl Into<String>) -> Self {
        let description = description.into();
        let attribute = IdentityAttribute { name, of: Type::String, required_for_import: true, description };
        Self { version: 0, attributes: vec![attribute] }
    }

    /// The object type of an identity.
    #[must_use]
    pub fn object_type(&self) -> Type {
        Type::Object(
            self.attributes.iter().map(|a| (a.name.to_owned(), a.of.clone())).collect::<BTreeMap<_, _>>(),
            Default::default(),
        )
    }
}
