//! The engine of resources that Omni manages by RPCs, such as users and service accounts.
//! Their labels and annotations cannot be written, and lists of Omni may lag behind writes.

mod backend;
mod consistency;

use super::{Cx, Failure};
use crate::omni::{Error, Key};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{IdentitySchema, Schema};
use crate::tf::value::Value;
use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) use backend::RpcBackend;

/// A resource type whose objects are made, changed and removed by calls.
#[async_trait]
pub(crate) trait RpcObject: Send + Sync + 'static {
    /// Its attributes, without those that the engine adds.
    type Model: Clone + Default + Serialize + DeserializeOwned + Send + Sync;
    /// What a read brings.
    type Observed: Send + Sync;

    /// Its full name: `omni_user`.
    const NAME: &'static str;
    /// What it is, in words: `user`.
    const NOUN: &'static str;
    /// The attribute that names the object; also the name of the identity's one part.
    const ID: &'static str;
    /// Attributes that steer the provider and are not stored in Omni: they stay as configured.
    const LOCAL: &'static [&'static str] = &[];
    /// Whether an object that is there can be taken over by an update, when the provider is told to.
    const ADOPTS: bool = false;

    /// Its schema, without the attributes that the engine adds.
    fn schema() -> Schema;

    /// What its identity is, in words.
    fn identity() -> IdentitySchema;

    /// What reads go by, in the one form that identities hold; `None` while it is not known.
    fn id(model: &Self::Model) -> Option<String>;

    /// From what was read to the attributes. `prior` is what was there or wanted before; after an import it holds nothing
    /// but the id. What Omni does not store is taken from it.
    ///
    /// # Errors
    /// When the object cannot be shown as this resource type.
    fn model(seen: &Self::Observed, prior: &Self::Model) -> Result<Self::Model, Diagnostic>;

    /// Whether what was read already shows what was written; the engine waits for that after a write.
    fn reflects(_seen: &Self::Observed, _wanted: &Self::Model) -> bool {
        true
    }

    /// An object whose changes tell that another look is worth it; without one the engine looks from time to time.
    fn watched(_wanted: &Self::Model) -> Option<Key> {
        None
    }

    /// Checks of the configuration that need no server; it may hold unknowns.
    fn validate(_config: &Value, _diags: &mut Diagnostics) {}

    /// Adjusts a plan without the server: predicts what can be known.
    fn modify_plan(_plan: &mut Plan<'_>) {}

    /// Adds to a plan what time alone makes necessary; asked of every plan of an object that is there.
    fn plan_existing(_cx: &Cx, _plan: &mut Plan<'_>) {}

    /// The value of the id attribute that the text of an import stands for. `cx` is there once the provider is configured.
    ///
    /// # Errors
    /// When the text has the wrong form.
    async fn resolve_import(_cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        Ok(text.to_owned())
    }

    /// Checks a plan that changes something against the server.
    async fn check_plan(_cx: &Cx, _plan: &mut Plan<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Checks a removal against the server, at plan time.
    async fn check_delete(_cx: &Cx, _prior: &Self::Model, _diags: &mut Diagnostics) -> Result<(), Failure> {
        Ok(())
    }

    /// Reads the object of this id; `None` when there is none.
    async fn find(cx: &Cx, id: &str) -> Result<Option<Self::Observed>, Error>;

    /// The same past all caches, asked before a refresh believes that the object is gone; `None` as well where a find is never behind.
    async fn find_fresh(_cx: &Cx, _id: &str) -> Result<Option<Self::Observed>, Error> {
        Ok(None)
    }

    /// Makes the object. What only this knows, such as a private key, goes into `wanted` before the call,
    /// so that the state has it even when the answer gets lost.
    async fn create(cx: &Cx, wanted: &mut Self::Model) -> Result<(), Error>;

    /// Changes the object; `wanted` as for a create.
    async fn update(cx: &Cx, prior: &Self::Model, wanted: &mut Self::Model) -> Result<(), Error>;

    /// What the state keeps when nobody knows whether an update took effect, and no look can tell; `None` for what it was.
    fn unsure(_prior: &Self::Model, _wanted: &Self::Model) -> Option<Self::Model> {
        None
    }

    /// Removes the object; that it is gone already is no failure.
    async fn delete(cx: &Cx, model: &Self::Model) -> Result<(), Error>;
}
