//! What the server asks of a managed resource type.
//! The server has decoded every value, checked it against the schema and run the general plan logic before it calls.

use super::described::Described;
use super::diag::{Diagnostic, Diagnostics};
use super::done::Deferral;
use super::path::Path;
use super::schema::IdentitySchema;
use super::value::Value;
use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;

/// What every request carries.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Cancelled when the host asks the provider to stop; waits and calls in flight end then.
    pub cancel: CancellationToken,
    /// Whether the host understands write-only attributes.
    pub write_only_allowed: bool,
    /// Whether the host takes a deferral for an answer.
    pub deferral_allowed: bool,
}

/// What a provider keeps beside the state of one object: small JSON values by name, in clear text, never a secret.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Private(serde_json::Map<String, serde_json::Value>);

impl Private {
    /// Reads what [`Private::to_bytes`] wrote; anything else counts as nothing kept.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match crate::tf::wire::parse(bytes) {
            Ok(serde_json::Value::Object(members)) => Self(members),
            _ => Self::default(),
        }
    }

    /// The bytes that the host keeps.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.0.is_empty() { Vec::new() } else { serde_json::to_vec(&self.0).unwrap_or_default() }
    }

    /// The value kept under `name`.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.get(name).and_then(|v| serde_json::from_value(v.clone()).ok())
    }

    /// Keeps a value under `name`.
    pub fn set(&mut self, name: &str, value: impl Serialize) {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Forgets the value under `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}

/// A plan in the making, after defaults, computed values and replacements are settled by the schema.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The configuration; unknown where it depends on what is not there yet.
    pub config: &'a Value,
    /// The state before; `None` when the object is to be made.
    pub prior: Option<&'a Value>,
    /// The state after, to be adjusted.
    pub planned: Value,
    /// Attributes whose change makes the object anew, to be adjusted.
    pub replace: Vec<Path>,
    /// Kept beside the state; goes to apply.
    pub private: Private,
    /// What the first plan of a replacement kept, when this is the second one, which has no prior state.
    pub replaced: Private,
    /// Problems found.
    pub diags: Diagnostics,
    /// Set when the plan is only what could be said so far.
    pub deferral: Option<Deferral>,
}

/// A request to make an object.
#[derive(Debug)]
pub struct Create {
    /// The planned state; unknown where the provider is to fill in.
    pub planned: Value,
    /// The configuration, which alone holds write-only values.
    pub config: Value,
    /// What the plan kept.
    pub private: Private,
}

/// A request to change an object in place.
#[derive(Debug)]
pub struct Update {
    /// The state before.
    pub prior: Value,
    /// The planned state; unknown where the provider is to fill in.
    pub planned: Value,
    /// The configuration, which alone holds write-only values.
    pub config: Value,
    /// What the plan kept.
    pub private: Private,
}

/// A request to remove an object.
#[derive(Debug)]
pub struct Delete {
    /// The state before.
    pub prior: Value,
    /// What was kept beside the state.
    pub private: Private,
}

/// A request to read an object again.
#[derive(Debug)]
pub struct Read {
    /// The state as it was; after an import nearly everything in it is null.
    pub state: Value,
    /// What was kept beside the state.
    pub private: Private,
    /// The identity, when the host keeps it.
    pub identity: Option<Value>,
}

/// What is really there after a request.
/// With errors in `diags`, `state` says what the host keeps: a created object that is not as it should be, or `None` for nothing.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The state, wholly known; `None` when there is no object.
    pub state: Option<Value>,
    /// Kept beside the state.
    pub private: Private,
    /// The identity; needed whenever there is a state and the type has identities.
    pub identity: Option<Value>,
    /// Problems found.
    pub diags: Diagnostics,
    /// Set when a read or an import can say more only later.
    pub deferral: Option<Deferral>,
}

impl Outcome {
    /// The object as it is, without problems.
    #[must_use]
    pub fn ok(state: Value, private: Private, identity: Option<Value>) -> Self {
        Self { state: Some(state), private, identity, ..Self::default() }
    }

    /// The object as the state is to keep it, and what there is to say about it.
    #[must_use]
    pub fn partial(
        state: Value,
        private: Private,
        identity: Option<Value>,
        diagnostics: impl Into<Diagnostics>,
    ) -> Self {
        Self { diags: diagnostics.into(), ..Self::ok(state, private, identity) }
    }

    /// No object, and why.
    #[must_use]
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self { diags: diagnostics.into(), ..Self::default() }
    }
}

/// How an import names the object.
#[derive(Debug)]
pub enum ImportBy {
    /// By the text on the command line or in an `import` block.
    Id(String),
    /// By identity.
    Identity(Value),
}

/// A managed resource type.
///
/// A plan calls `upgrade` for stored state, then `read`, then `plan` or `plan_delete`; an apply calls `plan` again before
/// `create`, `update` or `delete`. An import calls `import` and then `read`.
#[async_trait]
pub trait Resource: Described {
    /// What identifies its objects, if it has identities.
    fn identity(&self) -> Option<&IdentitySchema> {
        None
    }

    /// Rewrites stored state of an older or foreign shape; what it leaves out becomes null, what the schema lacks is dropped.
    ///
    /// # Errors
    /// When the state cannot be read at all.
    fn upgrade(
        &self,
        _version: i64,
        state: serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Map<String, serde_json::Value>, Diagnostic> {
        Ok(state)
    }

    /// Adjusts a plan to create or update.
    async fn plan(&self, _context: &Context, _plan: &mut Plan<'_>) {}

    /// Looks at a plan to remove an object; errors stop it. `private` is what was kept beside the state, and goes to the removal.
    async fn plan_delete(&self, _context: &Context, _prior: &Value, _private: &mut Private, _diags: &mut Diagnostics) {}

    /// Makes an object.
    async fn create(&self, context: &Context, request: Create) -> Outcome;

    /// Reads an object again; `None` in the outcome means that it is gone.
    async fn read(&self, context: &Context, request: Read) -> Outcome;

    /// Changes an object in place.
    async fn update(&self, context: &Context, request: Update) -> Outcome;

    /// Removes an object; `None` in the outcome means that it is gone.
    async fn delete(&self, context: &Context, request: Delete) -> Outcome;

    /// Finds an object to take over; the host reads it right after.
    async fn import(&self, context: &Context, by: ImportBy) -> Outcome;
}
