//! The schema model: what attributes there are, how they behave in a plan, and the text of their documentation.
//! One description serves the host, the plan logic, the checks and the docs pages.

use super::check::{Check, Rule};
use super::path::{Path, Step};
use super::value::{Type, Value};
use super::write_only::WriteOnly;
use std::collections::BTreeMap;

/// Who gives an attribute its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The configuration must.
    Required,
    /// The configuration may; otherwise it is null.
    Optional,
    /// Only the provider.
    Computed,
    /// The configuration may; otherwise the provider.
    OptionalComputed,
}

/// How nested attributes are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// Objects by key.
    Map,
}

/// What an attribute holds.
#[derive(Clone)]
pub enum Kind {
    /// A value of this type.
    Plain(Type),
    /// Attributes of its own.
    Nested(Nesting, Vec<Attribute>),
}

/// When a changed attribute means that the object is made anew.
#[derive(Clone, Copy)]
pub enum Replace {
    /// Never: it changes in place.
    Never,
    /// Whenever it changes.
    Always,
    /// When this says so of the prior and the planned value.
    If(fn(&Value, &Value) -> bool),
}

/// What a plan says of a computed value that the configuration does not give.
/// Where there is no value yet, or the object is made anew, it is unknown in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recompute {
    /// Unknown whenever anything of the resource changes.
    OnAnyChange,
    /// As it was, for the life of the object.
    Never,
    /// Unknown only when one of these top-level attributes changes.
    With(&'static [&'static str]),
}

/// What becomes of an attribute that the provider may fill in, where the configuration does not set it.
#[derive(Clone, Debug, PartialEq)]
pub enum Unset {
    /// The provider plans it itself.
    Own,
    /// A new object begins with this, and a value that the configuration stops setting goes back to it.
    /// What others set is left alone.
    Initial(Value),
    /// A value that the configuration stops setting stays, and the plan says so, for this reason.
    Stays(&'static str),
    /// Nothing is there then. An object in which nothing is set is nothing too, and stays as it is: an import cannot tell
    /// which of the two is configured.
    Nothing,
}

/// The release of the service that an attribute needs; older ones may take it, and ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// The first release, such as `1.9`.
    pub release: &'static str,
    /// The texts that need it; with none, every value that differs from what an object begins with.
    pub values: &'static [&'static str],
}

/// One attribute.
#[derive(Clone)]
pub struct Attribute {
    /// Its name in a configuration.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Who gives it its value.
    pub mode: Mode,
    /// Hosts hide the value in their output.
    pub sensitive: bool,
    /// The value reaches the provider and is never stored.
    pub write_only: bool,
    /// Documentation, in Markdown; ends with a full stop.
    pub description: String,
    /// Why not to use it any more.
    pub deprecated: Option<&'static str>,
    /// The value where the configuration gives none.
    pub default: Option<Value>,
    /// When a change makes the object anew.
    pub replace: Replace,
    /// What a plan says of it while the provider computes it.
    pub recompute: Recompute,
    /// What becomes of it where the configuration does not set it.
    pub unset: Unset,
    /// The release of the service that it needs, if not every release has it.
    pub since: Option<Since>,
    /// Whether two texts mean the same: then the one in the state stays and no change is planned.
    pub same: Option<fn(&str, &str) -> bool>,
    /// The most bytes of a text, or of each text in a collection, which is then one line without control characters;
    /// `None` for a document of any length. The keys and values of maps are left to checks.
    pub line: Option<usize>,
    /// Checks of a known value.
    pub checks: Vec<Check>,
}

/// How long a text may be where its attribute does not say.
pub const LONGEST_LINE: usize = 1024;

/// The schema of a resource, a data source or the provider itself.
#[derive(Clone)]
pub struct Schema {
    /// Raised when stored state has to be rewritten.
    pub version: i64,
    /// Documentation, in Markdown; the first sentence stands alone as a summary.
    pub description: String,
    /// The attributes, in the order of the docs' source; the wire and the pages sort by name.
    pub attributes: Vec<Attribute>,
    /// Rules over several attributes.
    pub rules: Vec<Rule>,
    /// Secrets that can be given in a form that is never stored.
    pub write_only: Vec<WriteOnly>,
    /// Texts whose meaning depends on other attributes.
    pub meanings: Vec<Meaning>,
    /// Whether the object stays the one that it is, given its prior state and a configuration with its defaults:
    /// then no change replaces it, whatever the attributes say.
    pub stays: Option<fn(&Value, &Value) -> bool>,
    /// Rewrites stored state of an older or foreign shape.
    pub upgrade: Option<fn(&mut serde_json::Map<String, serde_json::Value>)>,
    /// The first release of the service that has it at all, if not every release does.
    pub since: Option<&'static str>,
}

/// A text that means something only together with other attributes, such as a short name within a group.
/// Of two that mean the same, the one in the state stays and no change is planned.
#[derive(Clone)]
pub struct Meaning {
    /// Where the text is, through single objects: `selector.machine_set`.
    pub path: &'static str,
    /// What it means, in a whole value; `None` while that is not known.
    pub of: fn(&Value) -> Option<String>,
}

impl Schema {
    /// A schema without attributes.
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
            since: None,
        }
    }

    /// Adds an attribute.
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

    /// What the text at this path means depends on other attributes.
    #[must_use]
    pub fn meaning(mut self, path: &'static str, of: fn(&Value) -> Option<String>) -> Self {
        self.meanings.push(Meaning { path, of });
        self
    }

    /// Sets how stored state of an older or foreign shape is rewritten.
    #[must_use]
    pub fn upgraded_by(mut self, upgrade: fn(&mut serde_json::Map<String, serde_json::Value>)) -> Self {
        self.upgrade = Some(upgrade);
        self
    }

    /// Rewrites stored state, where its shape is an older or a foreign one.
    pub fn upgrade(&self, state: &mut serde_json::Map<String, serde_json::Value>) {
        if let Some(upgrade) = self.upgrade {
            upgrade(state);
        }
    }

    /// An object for which this holds stays the one that it is; see [`Schema::stays`].
    #[must_use]
    pub fn stays_if(mut self, stays: fn(&Value, &Value) -> bool) -> Self {
        self.stays = Some(stays);
        self
    }

    /// It needs this release of the service, or a later one.
    #[must_use]
    pub fn since(mut self, release: &'static str) -> Self {
        self.since = Some(release);
        self
    }

    /// Whether what is at this path is hidden by hosts.
    #[must_use]
    pub fn is_sensitive(&self, path: &Path) -> bool {
        let mut attributes: &[Attribute] = &self.attributes;
        for step in path.steps() {
            if let Step::Attribute(name) = step {
                let Some(attribute) = attributes.iter().find(|a| a.name == name) else { return false };
                if attribute.sensitive {
                    return true;
                }
                attributes = attribute.nested();
            }
        }
        false
    }

    /// The attribute of this name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// The type of a whole value of this schema.
    #[must_use]
    pub fn object_type(&self) -> Type {
        object_type(&self.attributes)
    }

    /// The value in which every attribute is null.
    #[must_use]
    pub fn null_object(&self) -> Value {
        Value::Object(self.attributes.iter().map(|a| (a.name.to_owned(), Value::Null)).collect())
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

    /// The type of its value.
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

    /// Whether the configuration may give it.
    #[must_use]
    pub fn configurable(&self) -> bool {
        self.mode != Mode::Computed
    }

    /// Whether the provider may give it.
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

    /// The configuration must give it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.mode = Mode::Required;
        self
    }

    /// The same attribute where it is only read: of this kind, and without all that concerns configurations and plans.
    #[must_use]
    pub fn described(self, kind: Kind, doc: Option<&str>) -> Self {
        let description = doc.map_or(self.description, str::to_owned);
        let kind = match kind {
            Kind::Nested(nesting, nested) => Kind::Nested(nesting, nested.into_iter().map(Self::read_only).collect()),
            plain => plain,
        };
        Self { sensitive: self.sensitive, mode: Mode::Computed, description, ..Self::new(self.name, kind) }
    }

    fn read_only(self) -> Self {
        let kind = self.kind.clone();
        self.described(kind, None)
    }

    /// Only the provider gives it.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.mode = Mode::Computed;
        self
    }

    /// The configuration may give it, otherwise the provider does.
    #[must_use]
    pub fn optional_computed(mut self) -> Self {
        self.mode = Mode::OptionalComputed;
        self
    }

    /// The value where the configuration gives none; makes it optional and computed.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.mode = Mode::OptionalComputed;
        self.default = Some(value.into());
        self
    }

    /// A new object begins with this value, and a value that the configuration stops setting goes back to it;
    /// until the configuration sets it, what others set is left alone.
    #[must_use]
    pub fn initially(mut self, value: impl Into<Value>) -> Self {
        self.mode = Mode::OptionalComputed;
        self.recompute = Recompute::Never;
        self.unset = Unset::Initial(value.into());
        self
    }

    /// The configuration may give it; where it does not, there is nothing, or an object in which nothing is set.
    #[must_use]
    pub fn or_nothing(mut self) -> Self {
        self.mode = Mode::OptionalComputed;
        self.recompute = Recompute::Never;
        self.unset = Unset::Nothing;
        self
    }

    /// The configuration may give it, otherwise the provider does; when the configuration stops giving it, it stays, for this reason.
    #[must_use]
    pub fn remains(mut self, why: &'static str) -> Self {
        self.mode = Mode::OptionalComputed;
        self.recompute = Recompute::Never;
        self.unset = Unset::Stays(why);
        self
    }

    /// It needs this release of the service, or a later one.
    #[must_use]
    pub fn since(mut self, release: &'static str) -> Self {
        self.since = Some(Since { release, values: &[] });
        self
    }

    /// These of its values need this release of the service, or a later one.
    #[must_use]
    pub fn since_for(mut self, release: &'static str, values: &'static [&'static str]) -> Self {
        self.since = Some(Since { release, values });
        self
    }

    /// Hosts hide it.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// It is never stored.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Its documentation.
    #[must_use]
    pub fn doc(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Any change makes the object anew.
    #[must_use]
    pub fn replaces(mut self) -> Self {
        self.replace = Replace::Always;
        self
    }

    /// A change makes the object anew when `rule` says so of the prior and the planned value.
    #[must_use]
    pub fn replaces_if(mut self, rule: fn(&Value, &Value) -> bool) -> Self {
        self.replace = Replace::If(rule);
        self
    }

    /// Once computed, it stays for the life of the object.
    #[must_use]
    pub fn stays(mut self) -> Self {
        self.recompute = Recompute::Never;
        self
    }

    /// It is computed anew only when one of these top-level attributes changes.
    #[must_use]
    pub fn changes_with(mut self, attributes: &'static [&'static str]) -> Self {
        self.recompute = Recompute::With(attributes);
        self
    }

    /// Texts for which `same` holds are no change.
    #[must_use]
    pub fn same_if(mut self, same: fn(&str, &str) -> bool) -> Self {
        self.same = Some(same);
        self
    }

    /// It is one line of at most so many bytes.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.line = Some(bytes);
        self
    }

    /// It is text of any length and with any characters.
    #[must_use]
    pub fn document(mut self) -> Self {
        self.line = None;
        self
    }

    /// Adds a check of a known value.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }
}

/// An optional attribute that holds text.
#[must_use]
pub fn string(name: &'static str) -> Attribute {
    plain(name, Type::String)
}

/// An optional attribute that holds a number.
#[must_use]
pub fn number(name: &'static str) -> Attribute {
    plain(name, Type::Number)
}

/// An optional attribute that holds true or false.
#[must_use]
pub fn boolean(name: &'static str) -> Attribute {
    plain(name, Type::Bool)
}

/// An optional attribute of any plain type.
#[must_use]
pub fn plain(name: &'static str, of: Type) -> Attribute {
    Attribute::new(name, Kind::Plain(of))
}

/// An optional attribute that holds one object.
#[must_use]
pub fn object(name: &'static str, attributes: Vec<Attribute>) -> Attribute {
    Attribute::new(name, Kind::Nested(Nesting::Single, attributes))
}

/// An optional attribute that holds a list of objects.
#[must_use]
pub fn objects(name: &'static str, attributes: Vec<Attribute>) -> Attribute {
    Attribute::new(name, Kind::Nested(Nesting::List, attributes))
}

/// What tells one object of a resource type from all others, for hosts that keep identities.
#[derive(Clone, Debug)]
pub struct IdentitySchema {
    /// Raised when stored identities have to be rewritten.
    pub version: i64,
    /// Name, type, and text of each part; all are needed for an import.
    pub attributes: Vec<IdentityAttribute>,
}

/// One part of an identity.
#[derive(Clone, Debug)]
pub struct IdentityAttribute {
    /// Its name.
    pub name: &'static str,
    /// A primitive type, or a list of one.
    pub of: Type,
    /// Whether an import must give it.
    pub required_for_import: bool,
    /// What it is.
    pub description: &'static str,
}

impl IdentitySchema {
    /// An identity of one text.
    #[must_use]
    pub fn of(name: &'static str, description: &'static str) -> Self {
        let attribute = IdentityAttribute { name, of: Type::String, required_for_import: true, description };
        Self { version: 0, attributes: vec![attribute] }
    }

    /// The type of a whole identity.
    #[must_use]
    pub fn object_type(&self) -> Type {
        Type::Object(
            self.attributes.iter().map(|a| (a.name.to_owned(), a.of.clone())).collect::<BTreeMap<_, _>>(),
            Default::default(),
        )
    }
}
