//! Secrets that a configuration gives without a trace in plan or state, and how a change of them is seen all the same.
//!
//! A resource asks for it with one line, [`Schema::with_write_only`]: its attribute `X` gets a write-only twin `X_wo`,
//! a number `X_wo_version` to be raised by hand, and `X_hash`, a print of the content that the state keeps in its place.
//! The plan logic and the checks do the rest. A resource reads and writes `X` alone, whichever form the secret came in:
//! [`reveal`] puts it there before a write, and [`hide`] takes it out of what was read.

mod fingerprint;

use super::check::Broken;
use super::path::Path;
use super::schema::{Attribute, Kind, Mode, Nesting, Schema, number, string};
use super::value::{Type, Value};

pub use fingerprint::Fingerprint;

/// One secret in its forms.
#[derive(Clone, Copy, Debug)]
pub struct WriteOnly {
    /// The object at the top that the attributes stand in; none when they stand at the top themselves.
    pub within: Option<&'static str>,
    /// The attribute that the state keeps.
    pub plain: &'static str,
    /// Its write-only twin.
    pub secret: &'static str,
    /// The number that is raised by hand.
    pub version: &'static str,
    /// The print that the state keeps in the place of the secret.
    pub hash: &'static str,
    /// How the print is made.
    pub print: Fingerprint,
    /// Whether the server never gives the secret back, so that nobody can tell whether it still holds it.
    pub unreadable: bool,
    /// Whether one of the two forms must be given.
    required: bool,
}

/// The forms of the secret `X`, by the names that all resources use.
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
    /// The forms by their names: plain, write-only, version, hash.
    #[must_use]
    pub const fn new([plain, secret, version, hash]: [&'static str; 4], print: Fingerprint) -> Self {
        Self { within: None, plain, secret, version, hash, print, unreadable: false, required: false }
    }

    /// The attributes stand in this object.
    #[must_use]
    pub const fn within(mut self, object: &'static str) -> Self {
        self.within = Some(object);
        self
    }

    /// One number serves several secrets.
    #[must_use]
    pub const fn versioned_by(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// The server never gives the secret back.
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

    /// Where a plan has the secret: the attribute that was given, and its value.
    #[must_use]
    pub fn given<'v>(&self, config: &'v Value, planned: &'v Value) -> (&'static str, &'v Value) {
        match self.get(config, self.secret) {
            Value::Null => (self.plain, self.get(planned, self.plain)),
            secret => (self.secret, secret),
        }
    }

    /// Whether one of the two forms must be given.
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
        !is_set(self.plain) && (is_set(self.hash) || is_set(self.version))
    }

    /// The print that a plan ends with.
    fn planned_print(&self, prior: &Value, config: &Value, state: &Value) -> Value {
        let before = self.get(prior, self.hash);
        match self.given(config, state) {
            (_, Value::Null) => Value::Null,
            (_, Value::String(text)) if before.as_str().is_some_and(|print| self.print.is_of(print, text)) => {
                before.clone()
            }
            // A print of an earlier version is as good as the text beside it, which stays.
            (name, text) if name == self.plain && !before.is_null() && self.get(prior, self.plain) == text => {
                before.clone()
            }
            // Hosts let a write-only value be another one in the apply, as that of an ephemeral resource is.
            (name, Value::String(text)) if name == self.plain => {
                self.print.digest(text).map_or(Value::UNKNOWN, Value::from)
            }
            _ => Value::UNKNOWN,
        }
    }

    /// The attributes beside the plain one; `checks` are shared with it.
    fn attributes(&self, plain: &Attribute) -> Vec<Attribute> {
        let Self { plain: name, secret, version, hash, .. } = self;
        let mut twin = string(secret).write_only().sensitive().doc(format!(
            "The same as `{name}`, for a value that holds secrets: it is handed on, and neither plan nor state keep it. \
             Needs Terraform or OpenTofu 1.11 or later; use `{name}` before."
        ));
        twin.checks.clone_from(&plain.checks);
        twin.line = plain.line;
        let version = number(version).doc(format!(
            "Any number, to be raised together with `{secret}`. A changed content is noticed without it too, by `{hash}`."
        ));
        let hash = string(hash).computed().stays().doc(self.print.describe(name, secret));
        let hash = if self.print.is_salted() { hash.sensitive() } else { hash };
        vec![twin, version, hash]
    }

    /// What is wrong with the attributes, for whoever wrote the schema.
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
    /// Gives the attribute `X`, which is there already, a write-only form.
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

    /// The secret that has a form of this path.
    #[must_use]
    pub fn write_only_at(&self, path: &Path) -> Option<&WriteOnly> {
        self.write_only.iter().find(|w| [w.plain, w.secret].iter().any(|name| &w.path(name) == path))
    }
}

/// Checks that each secret is given in one form, and none that needs the other.
pub(super) fn check(schema: &Schema, config: &Value, broken: &mut Broken) {
    for secret in schema.write_only.iter().filter(|w| matches!(w.holder(config), Value::Object(_))) {
        let names = [secret.plain, secret.secret].map(|name| secret.path(name).to_string());
        let names = names.each_ref().map(String::as_str);
        broken.one_set(&names, secret.required, config);
        // A number that serves several secrets needs any of them.
        let all = || schema.write_only.iter().filter(|w| w.version == secret.version && w.within == secret.within);
        let first = all().next().is_some_and(|w| w.secret == secret.secret);
        if first && all().all(|w| w.get(config, w.secret).is_null()) {
            broken.needs(&secret.path(secret.version).to_string(), names[1], config);
        }
    }
}

/// The prints of a plan, in the order of the secrets; none where there is no place for one.
pub(super) fn prints(schema: &Schema, prior: &Value, config: &Value, state: &Value) -> Vec<Option<Value>> {
    let print = |secret: &WriteOnly| match secret.holder(state) {
        Value::Object(_) => Some(secret.planned_print(prior, config, state)),
        _ => None,
    };
    schema.write_only.iter().map(print).collect()
}

/// Puts prints into a plan.
pub(super) fn put(schema: &Schema, prints: &[Option<Value>], state: &mut Value) {
    for (secret, print) in schema.write_only.iter().zip(prints) {
        if let Some(print) = print {
            secret.set(state, secret.hash, print.clone());
        }
    }
}

/// Puts prints into a plan, but for those that are no change by themselves:
/// a state that was written before there were prints lacks them, and the next read fills them in.
pub(super) fn put_changes(schema: &Schema, prior: &Value, config: &Value, prints: &[Option<Value>], state: &mut Value) {
    for (secret, print) in schema.write_only.iter().zip(prints) {
        let lacks = !prior.is_null() && secret.get(prior, secret.hash).is_null();
        let same = secret.get(prior, secret.plain) == secret.get(state, secret.plain);
        let plain = secret.get(config, secret.secret).is_null();
        if let Some(print) = print.as_ref().filter(|_| !(lacks && same && plain)) {
            secret.set(state, secret.hash, print.clone());
        }
    }
}

/// Whether a plan changes a secret: its print is another one, or is not known yet.
#[must_use]
pub fn changes(schema: &Schema, prior: &Value, planned: &Value) -> bool {
    schema.write_only.iter().any(|w| w.get(prior, w.hash) != w.get(planned, w.hash))
}

/// The plan with every print in it: those that a plan cannot promise are made now.
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

/// The plan with all that only the configuration holds, each secret in its plain attribute;
/// to be written from, and not to reach a state.
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

/// Makes a state of what was read: the prints are those of the secrets that are really there,
/// and what `prior` keeps in the write-only form stays out.
pub fn redact(schema: &Schema, prior: &Value, state: &mut Value) {
    let known = |value: &Value| if value.is_unknown() { Value::Null } else { value.clone() };
    for secret in &schema.write_only {
        let hidden = secret.is_hidden(prior);
        let before = secret.get(prior, secret.hash);
        let print = match secret.get(state, secret.plain).as_str() {
            Some(text) if before.as_str().is_some_and(|print| secret.print.is_of(print, text)) => before.clone(),
            Some(text) => secret.print.of(text).into(),
            None if hidden && secret.unreadable => known(before),
            // The print of nothing is no print: the secret is gone, and its form is remembered.
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
