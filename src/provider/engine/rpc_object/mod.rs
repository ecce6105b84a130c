//! The engine of resources that Omni manages by RPCs, such as users and service accounts.
//! Their labels and annotations cannot be written, and lists of Omni may lag behind writes.

mod backend;
mod consistency;

use super::{Cx, Object, ResourceType};
use crate::omni::{Error, Key};
use crate::tf::value::Value;
use async_trait::async_trait;

pub(super) use backend::RpcBackend;

/// How far behind a read may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// As far as the lists and caches of Omni are.
    Cached,
    /// Not at all. Asked before a refresh believes that an object is gone.
    Fresh,
}

/// A resource type whose objects are made, changed and removed by calls.
#[async_trait]
pub(crate) trait RpcObject: ResourceType {
    /// Whether what was read shows what was written, beside what the rows compare; the engine waits for that after a write.
    ///
    /// Service accounts alone need it: the key that was written is one of a list, and a row knows one field.
    fn reflects(_object: &Object<Self::Spec>, _wanted: &Value) -> bool {
        true
    }

    /// An object whose changes tell that another look is worth it; without one the engine looks from time to time.
    fn watched(_wanted: &Value) -> Option<Key> {
        None
    }

    /// Reads the object of this id; `None` when there is none, and where nothing can look as fresh as that.
    async fn find(cx: &Cx, id: &str, freshness: Freshness) -> Result<Option<Object<Self::Spec>>, Error>;

    /// The IDs of all objects, as lists show them.
    async fn ids(cx: &Cx) -> Result<Vec<String>, Error>;

    /// Makes the object. What only this knows, such as a private key, goes into `wanted` before the call,
    /// so that the state has it even when the answer gets lost.
    async fn create(cx: &Cx, wanted: &mut Value) -> Result<(), Error>;

    /// Changes the object; `wanted` as for a create.
    async fn update(cx: &Cx, wanted: &mut Value) -> Result<(), Error>;

    /// Removes the object; that it is gone already is no failure.
    async fn delete(cx: &Cx, state: &Value) -> Result<(), Error>;
}
