//! Write-only attributes: secrets that neither plan nor state stores, and the detection of their changes.
//!
//! A resource declares one with [`Schema::with_write_only`]: its attribute `X` gets the write-only attribute `X_wo`,
//! the number `X_wo_version` that users may raise, and `X_hash`, a digest of the content that the state stores.
//! The plan logic and the checks do the rest. A resource reads and writes `X` only, whichever form was configured:
//! [`with_secrets`] sets it before a write, and [`redact`] removes it from what was read.

mod concealed;
mod fingerprint;

use super::check::{Broken, Check};
use super::path::Path;
use super::schema::{Attribute, Kind, Mode, Nesting, Schema, number, string};
use super::value::{Type, Value};

pub use concealed::Concealed;
pub use fingerprint::Fingerprint;

/// Precedes the ID of an import whose configuration has the secrets in the write-only form.
pub const IMPORT_PREFIX: &str = "write_only:";

/// A secret and the names of its attributes.
///
/// ```
/// use terraform_provider_omni::tf::schema::{Schema, string};
/// use terraform_provider_omni::tf::value::Value;
/// use terraform_provider_omni::tf::write_only::{Fingerprint, WriteOnly, redact, with_secrets};
///
/// let names = ["data", "data_wo", "data_wo_version", "data_hash"];
/// let secret = WriteOnly::new(names, Fingerprint::Meaning(|text| format!("{} bytes", text.len())));
/// let schema = Schema::new("A note.").with(string("data")).with_write_only(secret);
/// assert!(names.iter().all(|name| schema.attribute(name).is_some()));
///
/// // A write finds the secret in the plain attribute.
/// let mut config = schema.null_object();
/// config.set("data_wo", "hush".into());
/// let planned = schema.null_object();
/// assert_eq!(with_secrets(&schema, &planned, &config).get("data").as_str(), Some("hush"));
///
/// // A read of a state that was written in this form keeps the digest alone; a plain one has no digest.
/// let mut prior = schema.null_object();
/// prior.set("data_hash", "4 bytes".into());
/// let mut read = schema.null_object();
/// read.set("data", "hush".into());
/// redact(&schema, &prior, &mut read);
/// assert!(read.get("data").is_null());
/// assert_eq!(read.get("data_hash"), &Value::from("4 bytes"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WriteOnly {
    /// The top-level object that contains the attributes; `None` for top-level attributes.
    pub within: Option<&'static str>,
    /// The plain attribute, which the state stores.
    pub plain: &'static str,
    /// The write-only attribute.
    pub secret: &'static str,
    /// The number that users raise.
    pub version: &'static str,
    /// The digest that the state stores instead of the secret.
    pub hash: &'static str,
    /// How the digest is computed.
    pub print: Fingerprint,
    /// Whether the server never returns the secret, so that its drift cannot be detected.
    pub unreadable: bool,
    /// Whether the version number belongs to other secrets too.
    shared: bool,
    /// Whether the plain or the write-only attribute must be set.
    required: bool,
}

/// The secret `X` with the attribute names that all resources use.
macro_rules! write_only {
    ($name:literal, $print:expr) => {
        $crate::tf::write_only::WriteOnly::new(
            [$name, concat!($name, "_wo"), concat!($name, "_wo_version"), concat!($name, "_hash")],
            $print,
        )
    };
}
pub(crate) use write_only;

impl WriteOnly {
    /// A top-level secret, from the names of its attributes: plain, write-only, version, hash.
    #[must_use]
    pub const fn new([plain, secret, version, hash]: [&'static str; 4], print: Fingerprint) -> Self {
        Self { within: None, plain, secret, version, hash, print, unreadable: false, shared: false, required: false }
    }

    /// The attributes are in this top-level object.
    #[must_use]
    pub const fn within(mut self, object: &'static str) -> Self {
        self.within = Some(object);
        self
    }

    /// Shares the version number of another secret.
    #[must_use]
    pub const fn versioned_by(mut self, version: &'static str) -> Self {
        self.version = version;
        self.shared = true;
        self
    }

    /// The server never returns the secret.
    #[must_use]
    pub const fn unreadable(mut self) -> Self {
        self.unreadable = true;
        self
    }

    /// The path of one of the attributes.
    #[must_use]
    pub fn path(&self, name: &str) -> Path {
        self.within.map_or_else(Path::root, Path::of).attribute(name)
    }

    /// The value of one of the attributes.
    #[must_use]
    pub fn get<'v>(&self, root: &'v Value, name: &str) -> &'v Value {
        self.holder(root).get(name)
    }

    /// The attribute that was configured, and its value: the write-only one if it is set.
    #[must_use]
    pub fn given<'v>(&self, config: &'v Value, planned: &'v Value) -> (&'static str, &'v Value) {
        match self.get(config, self.secret) {
            Value::Null => (self.plain, self.get(planned, self.plain)),
            secret => (self.secret, secret),
        }
    }

    /// Whether the plain or the write-only attribute must be set.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        self.required
    }

    fn holder<'v>(&self, root: &'v Value) -> &'v Value {
        self.within.map_or(root, |name| root.get(name))
    }

    fn set(&self, root: &mut Value, name: &str, value: Value) {
        match (self.within, root) {
            (None, root) => root.set(name, value),
            (Some(object), Value::Object(entries)) => {
                if let Some(holder) = entries.get_mut(object) {
                    holder.set(name, value);
                }
            }
            _ => {}
        }
    }

    /// Whether a state was written from the write-only form.
    fn is_hidden(&self, state: &Value) -> bool {
        let is_set = |name| !self.get(state, name).is_null();
        // A number that is shared says nothing of this one.
        !is_set(self.plain) && (is_set(self.hash) || (!self.shared && is_set(self.version)))
    }

    /// The planned digest.
    fn planned_print(&self, prior: &Value, config: &Value, state: &Value) -> Value {
        let before = self.get(prior, self.hash);
        match self.given(config, state) {
            (_, Value::Null) => Value::Null,
            // A digest by an earlier version of the provider is kept as long as the string beside it is.
            (name, text) if name == self.plain && !before.is_null() && self.get(prior, self.plain) == text => {
                before.clone()
            }
            (name, _) if name == self.plain && !self.print.is_of_both() => Value::Null,
            (_, Value::String(text)) if before.as_str().is_some_and(|print| self.print.is_of(print, text)) => {
                before.clone()
            }
            (name, Value::String(text)) if name == self.plain => {
                self.print.digest(text).map_or(Value::UNKNOWN, Value::from)
            }
            // A write-only value may differ in the apply, as the value of an ephemeral resource does.
            _ => Value::UNKNOWN,
        }
    }

    /// The attributes that are added to the plain one; the write-only one has the same checks, and needs the same release.
    fn attributes(&self, plain: &Attribute) -> Vec<Attribute> {
        let Self { plain: name, secret, version, hash, .. } = self;
        let mut twin = string(secret).write_only().doc(format!(
            "Same as `{name}`, for a value that contains secrets: never written to state or plan. \
             Requires Terraform or OpenTofu 1.11 or later. \
             An import with the ID `{IMPORT_PREFIX}<ID>` keeps the value out of the state too."
        ));
        twin.checks.clone_from(&plain.checks);
        twin.since = plain.since;
        twin.line = plain.line;
        let version = number(version).check(is_version()).doc(format!(
            "Optional version, to be incremented when `{secret}` changes. Changes of the content are also detected without it, by `{hash}`."
        ));
        let hash = string(hash).computed().stays().doc(self.print.describe(name, secret));
        let hash = if self.print.is_salted() { hash.sensitive() } else { hash };
        vec![twin, version, hash]
    }

    /// Mistakes of the schema's author.
    pub(super) fn problems(&self, schema: &Schema) -> Vec<String> {
        let mut problems = Vec::new();
        let all = match self.within {
            None => schema.attributes.as_slice(),
            Some(name) => match schema.attribute(name).map(|a| &a.kind) {
                Some(Kind::Nested(Nesting::Single, nested)) => nested.as_slice(),
                _ => &[],
            },
        };
        match all.iter().find(|a| a.name == self.plain) {
            Some(Attribute { kind: Kind::Plain(Type::String), mode: Mode::Optional, .. }) => {}
            _ => problems.push(format!("`{}` has a write-only form, so it must be an optional text", self.plain)),
        }
        problems
    }
}

impl Schema {
    /// Adds the write-only form of an attribute that the schema has. A required attribute becomes optional, and one of
    /// the two forms must be set.
    #[must_use]
    pub fn with_write_only(mut self, mut secret: WriteOnly) -> Self {
        let all = match secret.within {
            None => Some(&mut self.attributes),
            Some(name) => self.attributes.iter_mut().find(|a| a.name == name).and_then(|a| match &mut a.kind {
                Kind::Nested(Nesting::Single, nested) => Some(nested),
                _ => None,
            }),
        };
        if let Some(all) = all
            && let Some(place) = all.iter().position(|a| a.name == secret.plain)
        {
            secret.required = all[place].mode == Mode::Required;
            if secret.required {
                all[place].mode = Mode::Optional;
            }
            let more: Vec<_> = secret.attributes(&all[place]);
            let more: Vec<_> = more.into_iter().filter(|new| all.iter().all(|a| a.name != new.name)).collect();
            all.splice(place + 1..=place, more);
        }
        self.write_only.push(secret);
        self
    }

    /// The secret whose plain or write-only attribute has this path.
    #[must_use]
    pub fn write_only_at(&self, path: &Path) -> Option<&WriteOnly> {
        self.write_only.iter().find(|w| [w.plain, w.secret].iter().any(|name| &w.path(name) == path))
    }
}

/// The number counts versions.
fn is_version() -> Check {
    Check::by(|value| match value.as_i64() {
        Some(0..) => Ok(()),
        _ => {
            Err("The version must be a whole number, 0 or higher, which is incremented when the secret changes."
                .to_owned())
        }
    })
}

/// Checks that at most one form of each secret is set, and that a version number comes with a write-only value.
pub(super) fn check(schema: &Schema, config: &Value, broken: &mut Broken) {
    for secret in schema.write_only.iter().filter(|w| matches!(w.holder(config), Value::Object(_))) {
        let names = [secret.plain, secret.secret].map(|name| secret.path(name).to_string());
        let names = names.each_ref().map(String::as_str);
        broken.one_set(&names, secret.required, config);
        // A shared version number needs any of its secrets.
        let all = || schema.write_only.iter().filter(|w| w.version == secret.version && w.within == secret.within);
        let first = all().next().is_some_and(|w| w.secret == secret.secret);
        if first && all().all(|w| w.get(config, w.secret).is_null()) {
            broken.needs(&secret.path(secret.version).to_string(), names[1], config);
        }
    }
}

/// The planned digests, in the order of the secrets; none if the object around a secret is null.
pub(super) fn prints(schema: &Schema, prior: &Value, config: &Value, state: &Value) -> Vec<Option<Value>> {
    let print = |secret: &WriteOnly| match secret.holder(state) {
        Value::Object(_) => Some(secret.planned_print(prior, config, state)),
        _ => None,
    };
    schema.write_only.iter().map(print).collect()
}

/// Sets the digests of a plan.
pub(super) fn put(schema: &Schema, prints: &[Option<Value>], state: &mut Value) {
    for (secret, print) in schema.write_only.iter().zip(prints) {
        if let Some(print) = print {
            secret.set(state, secret.hash, print.clone());
        }
    }
}

/// Whether a plan changes a secret: its digest differs, or is known after apply.
#[must_use]
pub fn changes(schema: &Schema, prior: &Value, planned: &Value) -> bool {
    schema.write_only.iter().any(|w| w.get(prior, w.hash) != w.get(planned, w.hash))
}

/// The plan of an apply with every digest known; called before a write.
#[must_use]
pub fn with_fingerprints(schema: &Schema, mut planned: Value, config: &Value) -> Value {
    for secret in &schema.write_only {
        if secret.get(&planned, secret.hash).is_unknown()
            && let Some(text) = secret.given(config, &planned).1.as_str().map(str::to_owned)
        {
            secret.set(&mut planned, secret.hash, secret.print.of(&text).into());
        }
    }
    planned
}

/// The plan of an apply with write-only values, each secret in its plain attribute.
/// A write uses it; it must not become state.
#[must_use]
pub fn with_secrets(schema: &Schema, planned: &Value, config: &Value) -> Value {
    let mut full = planned.clone();
    let alone = |a: &&Attribute| a.write_only && schema.write_only_at(&Path::of(a.name)).is_none();
    for attribute in schema.attributes.iter().filter(alone) {
        full.set(attribute.name, config.get(attribute.name).clone());
    }
    for secret in &schema.write_only {
        let value = secret.get(config, secret.secret);
        if !value.is_null() {
            secret.set(&mut full, secret.plain, value.clone());
        }
    }
    full
}

/// Replaces the secrets in the state of an object that was just read by their digests: the same state that a create in the
/// write-only form leaves.
pub fn conceal(schema: &Schema, state: &mut Value) {
    for secret in &schema.write_only {
        if let Some(print) = secret.get(state, secret.plain).as_str().map(|text| secret.print.of(text)) {
            secret.set(state, secret.hash, print.into());
            secret.set(state, secret.plain, Value::Null);
        }
    }
}

/// The secret that the state has in the plain form and the configuration in the write-only one, if hosts print its plain form.
#[must_use]
pub fn printed<'s>(schema: &'s Schema, state: &Value, config: &Value) -> Option<&'s WriteOnly> {
    schema.write_only.iter().find(|secret| {
        !secret.get(config, secret.secret).is_null()
            && !secret.get(state, secret.plain).is_null()
            && !schema.is_sensitive(&secret.path(secret.plain))
    })
}

/// Makes state of an object that was read: replaces the secrets that `prior` has in the write-only form by their digests.
pub fn redact(schema: &Schema, prior: &Value, state: &mut Value) {
    let known = |value: &Value| if value.is_unknown() { Value::Null } else { value.clone() };
    for secret in &schema.write_only {
        let hidden = secret.is_hidden(prior);
        let before = secret.get(prior, secret.hash);
        let print = match secret.get(state, secret.plain).as_str() {
            _ if !hidden && !secret.print.is_of_both() => Value::Null,
            Some(text) if before.as_str().is_some_and(|print| secret.print.is_of(print, text)) => before.clone(),
            Some(text) => secret.print.of(text).into(),
            None if hidden && secret.unreadable => known(before),
            // The secret is gone; an empty digest records that it was write-only.
            None if hidden => "".into(),
            None => Value::Null,
        };
        secret.set(state, secret.hash, print);
        secret.set(state, secret.version, known(secret.get(prior, secret.version)));
        secret.set(state, secret.secret, Value::Null);
        if hidden {
            secret.set(state, secret.plain, Value::Null);
        }
    }
}
