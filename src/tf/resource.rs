//! The trait of managed resource types, and its requests and results.
//! Before a call the server has decoded every value, checked it against the schema and run the general plan logic.

use super::described::Described;
use super::diag::{Diagnostic, Diagnostics};
use super::done::Deferral;
use super::path::Path;
use super::schema::IdentitySchema;
use super::value::Value;
use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;

/// What every request carries: how to stop, and what the host supports.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Cancelled when the host asks the provider to stop: waits and calls in flight return early.
    pub cancel: CancellationToken,
    /// Whether the host supports write-only attributes (Terraform 1.11).
    pub write_only_allowed: bool,
    /// Whether the host accepts a [`Deferral`]; otherwise an operation that cannot finish is an error.
    pub deferral_allowed: bool,
}

/// Private state: small JSON values by name that the host stores beside the state of one object.
/// Hosts write it in clear text, so it never holds a secret.
///
/// ```
/// use terraform_provider_omni::tf::resource::Private;
///
/// let mut private = Private::default();
/// private.set("attempts", 3);
/// let stored = private.to_bytes();
/// assert_eq!(Private::from_bytes(&stored).get::<u32>("attempts"), Some(3));
///
/// // Another type, another name and foreign bytes are all absent.
/// assert_eq!(private.get::<String>("attempts"), None);
/// assert_eq!(private.get::<u32>("waits"), None);
/// assert_eq!(Private::from_bytes(b"\xff"), Private::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Private(serde_json::Map<String, serde_json::Value>);

impl Private {
    /// Decodes what [`Private::to_bytes`] wrote; anything else is empty private state.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match crate::tf::wire::parse(bytes) {
            Ok(serde_json::Value::Object(members)) => Self(members),
            _ => Self::default(),
        }
    }

    /// The bytes for the host; none for empty private state.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.0.is_empty() { Vec::new() } else { serde_json::to_vec(&self.0).unwrap_or_default() }
    }

    /// The value under `name`; `None` when it is absent or of another type.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.get(name).and_then(|v| serde_json::from_value(v.clone()).ok())
    }

    /// Sets a value; one that JSON cannot represent is ignored.
    pub fn set(&mut self, name: &str, value: impl Serialize) {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Removes a value.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}

/// A plan that a resource type may modify. The schema's defaults, computed values and replacements are in it already.
///
/// ```
/// use terraform_provider_omni::tf::diag::Diagnostics;
/// use terraform_provider_omni::tf::path::Path;
/// use terraform_provider_omni::tf::resource::{Plan, Private};
/// use terraform_provider_omni::tf::value::Value;
///
/// let config = Value::object([("name", Value::from("new")), ("id", Value::Null)]);
/// let prior = Value::object([("name", Value::from("old")), ("id", Value::from("old"))]);
/// let mut plan = Plan {
///     config: &config,
///     prior: Some(&prior),
///     planned: Value::object([("name", Value::from("new")), ("id", Value::UNKNOWN)]),
///     replace: Vec::new(),
///     private: Private::default(),
///     replaced: Private::default(),
///     diags: Diagnostics::new(),
///     deferral: None,
/// };
/// // A plan modifier predicts a computed value, and requires a replacement.
/// plan.planned.set("id", "new".into());
/// plan.replace.push(Path::of("name"));
/// assert_eq!(plan.planned.get("id").as_str(), Some("new"));
/// ```
#[derive(Debug)]
pub struct Plan<'a> {
    /// The configuration; unknown where it refers to values that are known after apply.
    pub config: &'a Value,
    /// The prior state; `None` for a create.
    pub prior: Option<&'a Value>,
    /// The planned state. A known value is a guarantee: the apply must return it. What cannot be predicted stays unknown.
    pub planned: Value,
    /// The attributes whose change forces replacement.
    pub replace: Vec<Path>,
    /// Private state; the apply gets it.
    pub private: Private,
    /// Private state of the first plan of a replacement, in the second one, which has no prior state.
    pub replaced: Private,
    /// Problems; an error fails the plan.
    pub diags: Diagnostics,
    /// Set when the plan is preliminary.
    pub deferral: Option<Deferral>,
}

/// A request to create an object.
#[derive(Debug)]
pub struct Create {
    /// The planned state; unknown where the provider computes the value.
    pub planned: Value,
    /// The configuration, the only place of write-only values.
    pub config: Value,
    /// Private state of the plan.
    pub private: Private,
}

/// A request to change an object in place.
#[derive(Debug)]
pub struct Update {
    /// The state before the update.
    pub prior: Value,
    /// The planned state; unknown where the provider computes the value.
    pub planned: Value,
    /// The configuration, the only place of write-only values.
    pub config: Value,
    /// Private state of the plan.
    pub private: Private,
}

/// A request to delete an object.
#[derive(Debug)]
pub struct Delete {
    /// The state of the object.
    pub prior: Value,
    /// Private state, as `plan_delete` left it.
    pub private: Private,
}

/// A request to refresh an object.
#[derive(Debug)]
pub struct Read {
    /// The stored state; after an import only the attributes that identify the object are set.
    pub state: Value,
    /// The stored private state.
    pub private: Private,
    /// The identity, from hosts that store it.
    pub identity: Option<Value>,
}

/// The object after a request, whether that succeeded or failed.
/// With errors in `diags` the host still stores `state`: a created object that is not as planned, or `None` for no object.
///
/// ```
/// use terraform_provider_omni::tf::diag::Diagnostic;
/// use terraform_provider_omni::tf::resource::{Outcome, Private};
/// use terraform_provider_omni::tf::value::Value;
///
/// let state = Value::object([("name", Value::from("prod"))]);
/// let timeout = || Diagnostic::error("Cluster is not ready", "Two machines are not healthy.");
/// for (outcome, stored, failed) in [
///     (Outcome::ok(state.clone(), Private::default(), None), true, false),
///     // The object exists, and the wait for it failed: the host marks it as tainted after a create.
///     (Outcome::partial(state, Private::default(), None, timeout()), true, true),
///     (Outcome::failed(timeout()), false, true),
/// ] {
///     assert_eq!((outcome.state.is_some(), outcome.diags.has_errors()), (stored, failed));
/// }
/// ```
#[derive(Debug, Default)]
pub struct Outcome {
    /// The state, wholly known; `None` when there is no object.
    pub state: Option<Value>,
    /// Private state.
    pub private: Private,
    /// The identity; required with a state if the type has an identity schema.
    pub identity: Option<Value>,
    /// Problems; an error fails the operation.
    pub diags: Diagnostics,
    /// Set when a read or an import is preliminary.
    pub deferral: Option<Deferral>,
}

impl Outcome {
    /// An object without problems.
    #[must_use]
    pub fn ok(state: Value, private: Private, identity: Option<Value>) -> Self {
        Self { state: Some(state), private, identity, ..Self::default() }
    }

    /// An object that the host stores, with problems.
    #[must_use]
    pub fn partial(
        state: Value,
        private: Private,
        identity: Option<Value>,
        diagnostics: impl Into<Diagnostics>,
    ) -> Self {
        Self { diags: diagnostics.into(), ..Self::ok(state, private, identity) }
    }

    /// No object, with the problems that led to it.
    #[must_use]
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self { diags: diagnostics.into(), ..Self::default() }
    }
}

/// How an import identifies the object.
#[derive(Debug)]
pub enum ImportBy {
    /// By the ID of `terraform import`, or `id` of an `import` block.
    Id(String),
    /// By `identity` of an `import` block: a value of the identity schema.
    Identity(Value),
}

/// A managed resource type.
///
/// # Order of calls
///
/// | the host | calls |
/// |---|---|
/// | validates | `validate` |
/// | plans | `upgrade` and `read` for stored state, `validate`, then `plan` or `plan_delete` |
/// | applies | `validate`, `plan` again with the values known by then, then `create`, `update` or `delete` |
/// | replaces | `plan` with and then without the prior state; `delete`, then `create` (the reverse for `create_before_destroy`) |
/// | imports | `import`, then `read` |
///
/// Methods run concurrently, for different objects of a type too. `plan` must not change anything on the server.
#[async_trait]
pub trait Resource: Described {
    /// The identity schema, for types that have one.
    fn identity(&self) -> Option<&IdentitySchema> {
        None
    }

    /// Why objects of this type cannot be imported, and what to do instead, in sentences; `None` where they can.
    fn not_imported(&self) -> Option<&str> {
        None
    }

    /// Upgrades stored state of an older schema version or of another provider to the current schema.
    /// Attributes that the result lacks become null, and those that the schema lacks are dropped.
    ///
    /// # Errors
    /// When the state cannot be upgraded.
    fn upgrade(
        &self,
        _version: i64,
        state: serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Map<String, serde_json::Value>, Diagnostic> {
        Ok(state)
    }

    /// Modifies the plan of a create or an update; errors in the plan stop it.
    async fn plan(&self, _context: &Context, _plan: &mut Plan<'_>) {}

    /// Checks the plan of a delete; errors in `diags` stop it. `private` is the stored private state, and is passed to `delete`.
    async fn plan_delete(&self, _context: &Context, _prior: &Value, _private: &mut Private, _diags: &mut Diagnostics) {}

    /// Creates an object and waits as configured. The outcome must agree with every known value of the plan.
    async fn create(&self, context: &Context, request: Create) -> Outcome;

    /// Refreshes an object; an outcome without a state means that it no longer exists.
    async fn read(&self, context: &Context, request: Read) -> Outcome;

    /// Updates an object in place. The outcome must agree with every known value of the plan.
    async fn update(&self, context: &Context, request: Update) -> Outcome;

    /// Deletes an object; an outcome without a state means that it no longer exists. A missing object is no error.
    async fn delete(&self, context: &Context, request: Delete) -> Outcome;

    /// Resolves an import to the attributes that `read` needs; the host calls `read` right after it.
    async fn import(&self, context: &Context, by: ImportBy) -> Outcome;
}
