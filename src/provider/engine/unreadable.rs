//! The engine of resources whose objects RPCs make and nobody can read back, such as schematics and issued kubeconfigs.
//! There is nothing to look at before a create, to refresh, to wait for, or to import: the state is all that is known.

use super::attributes;
use super::backend::{Backend, Work};
use super::base::{ResourceBase, known};
use super::dynamic::{DynType, TypeOf};
use super::{Cx, Failure, ResourceType};
use crate::omni::ErrorKind;
use crate::provider::errors::Operation;
use crate::provider::ledger::ObjectKey;
use crate::provider::session::Handle;
use crate::tf::diag::Diagnostics;
use crate::tf::resource::{Outcome, Private};
use crate::tf::value::Value;
use async_trait::async_trait;

/// A resource type whose objects are made by a call, and which Omni shows to nobody.
#[async_trait]
pub(crate) trait UnreadableObject: ResourceType {
    /// Makes the object that `wanted` describes, or another one in its place, and fills in what is computed.
    ///
    /// # Errors
    /// When it was not made; or when that is not known, where a second one does no harm.
    async fn make(cx: &Cx, wanted: Value) -> Result<Value, Diagnostics>;

    /// What a removal does in Omni, where there is a call for it.
    ///
    /// # Errors
    /// When it could not be done; an object that is gone already is no failure.
    async fn remove(cx: &Cx, prior: &Value) -> Result<(), Failure>;
}

/// Makes the objects of any [`UnreadableObject`] type, and keeps what the state holds of them.
pub(super) struct UnreadableBackend<M> {
    base: ResourceBase,
    kind: TypeOf<M>,
}

impl<M: UnreadableObject> UnreadableBackend<M> {
    pub(super) fn new(handle: &Handle) -> Self {
        Self { base: ResourceBase::of::<M>(handle, |_| vec![attributes::limits()]), kind: TypeOf::VALUE }
    }

    /// The state after a call, or what kept it from being made.
    async fn made(&self, work: &Work<'_>) -> Result<Value, Diagnostics> {
        let made = M::make(work.cx, work.wanted.clone()).await?;
        Ok(self.base.in_words_of(work.planned, known(&made)))
    }
}

#[async_trait]
impl<M: UnreadableObject> Backend for UnreadableBackend<M> {
    fn kind(&self) -> &dyn DynType {
        &self.kind
    }

    fn base(&self) -> &ResourceBase {
        &self.base
    }

    /// Two of the same content are no conflict, so the ledger has nothing to compare.
    fn key(&self, _state: &Value) -> Option<ObjectKey> {
        None
    }

    fn is_named_by_create(&self) -> bool {
        true
    }

    async fn read(
        &self,
        _cx: &Cx,
        _operation: &Operation<'_>,
        _id: &str,
        state: &Value,
        private: &Private,
    ) -> Result<Option<Outcome>, Failure> {
        Ok(Some(Outcome::ok(state.clone(), private.clone(), None)))
    }

    async fn create(&self, work: Work<'_>) -> Outcome {
        match self.made(&work).await {
            Ok(state) => Outcome::ok(state, work.private, None),
            Err(diagnostics) => Outcome::failed(diagnostics),
        }
    }

    async fn update(&self, work: Work<'_>) -> Outcome {
        let made = match self.base.may_write(work.cx, &work.operation) {
            Ok(()) => self.made(&work).await,
            Err(refused) => Err(refused.into()),
        };
        match made {
            Ok(state) => Outcome::ok(state, work.private, None),
            Err(diagnostics) => Outcome::partial(work.prior.clone(), work.private, None, diagnostics),
        }
    }

    async fn delete(&self, work: Work<'_>) -> Outcome {
        match M::remove(work.cx, work.prior).await {
            Err(failure) if !failure.is(ErrorKind::NotFound) => {
                Outcome::partial(work.prior.clone(), work.private, None, failure.explain(&work.operation))
            }
            _ => Outcome::default(),
        }
    }
}
