//! `RpcBackend`: the objects of any [`RpcObject`] type, managed by RPCs.

use super::consistency::{Found, LOOKUP_TIMEOUT, VISIBLE_TIMEOUT, brief};
use super::{Freshness, RpcObject};
use crate::omni::{Error, ErrorKind};
use crate::provider::engine::attributes;
use crate::provider::engine::backend::{Backend, Work};
use crate::provider::engine::base::{Entry, ResourceBase, known};
use crate::provider::engine::conflict;
use crate::provider::engine::conflict::{Change, Versions};
use crate::provider::engine::dynamic::{DynType, TypeOf};
use crate::provider::engine::existing;
use crate::provider::engine::existing::duplicate;
use crate::provider::engine::list;
use crate::provider::engine::write::REMOVAL_TIMEOUT;
use crate::provider::engine::{Cx, Failure, Joined, Object, show};
use crate::provider::errors::{Operation, capital};
use crate::provider::ledger::ObjectKey;
use crate::provider::session::{Handle, OnConflict};
use crate::tf::diag::Diagnostic;
use crate::tf::list_resource::{ListRequest, ListResults};
use crate::tf::path::Path;
use crate::tf::plan::means_same;
use crate::tf::resource::{Outcome, Plan, Private};
use crate::tf::schema::{Attribute, Mode, Replace};
use crate::tf::value::Value;
use async_trait::async_trait;
use futures_util::stream;
use tokio::time::Instant;

/// Stores the objects of a type by RPCs.
pub(crate) struct RpcBackend<M> {
    pub(super) base: ResourceBase,
    /// Whether an object that is there can be taken over, when the provider is told to: an update can change all that is configured.
    adopts: bool,
    kind: TypeOf<M>,
}

impl<M: RpcObject> RpcBackend<M> {
    pub(crate) fn new(handle: &Handle) -> Self {
        let base = ResourceBase::of::<M>(handle, |_| vec![attributes::limits()]);
        let local = base.binding.local();
        let mut others = base.schema.attributes.iter().filter(|a| a.name != M::ID && !local.contains(&a.name));
        let adopts = others.all(|attribute| matches!(attribute.replace, Replace::Never));
        Self { base, adopts, kind: TypeOf::VALUE }
    }

    /// The state that shows the object, with the attributes that the engine adds; `before` is what was known or wanted.
    fn state(
        &self,
        object: &Object<M::Spec>,
        joined: &Joined,
        before: &Value,
        prior: &Value,
    ) -> Result<Value, Diagnostic> {
        let shown = show::<M>(&self.base.binding, object, joined, before)?;
        let mut state = self.base.with_all_attributes(&shown);
        attributes::fill_local(&mut state, self.base.binding.local(), prior);
        Ok(self.base.in_words_of(prior, state))
    }

    /// What the host keeps of an object that cannot be read: all that the provider knows of it.
    fn known_state(&self, wanted: &Value, planned: &Value, id: &str) -> Value {
        let state = self.base.in_words_of(planned, known(wanted));
        let named = state.get(M::ID).as_str().unwrap_or(id).to_owned();
        self.base.remembered(&state, &named)
    }

    /// What the host keeps of an object that was read.
    fn outcome(&self, found: &Found<M::Spec>, before: &Value, prior: &Value, private: Private, id: &str) -> Outcome {
        match self.state(&found.object, &found.joined, before, prior) {
            Ok(state) => {
                let identity = M::id(&state).unwrap_or_else(|| id.to_owned());
                Outcome::ok(state, private, Some(self.base.identity_of(&identity)))
            }
            // The object is there: what is known of it must not be lost.
            Err(diagnostic) => self.base.partial(self.known_state(before, prior, id), private, id, diagnostic),
        }
    }

    /// The same after a write: what was planned and known is a promise, whatever others have computed since.
    fn written(&self, found: &Found<M::Spec>, wanted: &Value, work: &Work<'_>) -> Outcome {
        let mut outcome = self.outcome(found, wanted, work.planned, work.private.clone(), work.operation.id);
        if let Some(state) = &mut outcome.state {
            for attribute in self.base.schema.attributes.iter().filter(|a| a.mode == Mode::Computed) {
                let promised = work.planned.get(attribute.name);
                if promised.is_wholly_known() {
                    state.set(attribute.name, promised.clone());
                }
            }
        }
        outcome
    }

    /// Waits until Omni shows what was written.
    async fn confirmed(&self, wanted: &Value, work: Work<'_>) -> Outcome {
        let limit = VISIBLE_TIMEOUT.min(work.cx.call.remaining());
        let look = brief(work.cx, limit, &work.context.cancel);
        let error = match self.visible(&look, &work.operation, wanted).await {
            Ok(found) => return self.written(&found, wanted, &work),
            Err(error) => error,
        };
        let state = self.known_state(wanted, work.planned, work.operation.id);
        let made = work.operation.verb == "create";
        let diagnostic = if error.is(ErrorKind::Cancelled) {
            // The host has been told to stop: an error would mark a new object for replacement.
            Diagnostic::warning(
                format!("Stopped waiting for {}", work.operation.what()),
                "Omni accepted the write, and the state contains the values that were sent; values that Omni computes are missing.",
            )
            .hint("Plan again to see its status.")
        } else {
            let mut diagnostic = work.operation.explain(&error);
            diagnostic.summary = format!("{} is written, but could not be read back", capital(&work.operation.what()));
            if made {
                diagnostic = diagnostic.hint(
                    "The state keeps all that was sent. Terraform marks the new object as tainted and would replace it; \
                     to keep it and go on, run `terraform untaint` on its address and plan again.",
                );
            }
            diagnostic
        };
        self.base.partial(state, work.private, work.operation.id, diagnostic)
    }

    /// What to make of a create that failed: nothing of it may be lost, and nothing be taken for made that is not.
    async fn failed(&self, error: Error, wanted: &Value, work: Work<'_>) -> Outcome {
        if error.is(ErrorKind::AlreadyExists) {
            return Outcome::failed(self.duplicate(&work));
        }
        if !error.may_have_happened() {
            return Outcome::failed(work.operation.explain(&error));
        }
        let look = brief(work.cx, LOOKUP_TIMEOUT, &work.context.cancel);
        if let Ok(found) = self.visible(&look, &work.operation, wanted).await {
            tracing::info!(id = work.operation.id, %error, "the answer was no refusal, and the object is there");
            return self.written(&found, wanted, &work);
        }
        // The server itself has said how it ended, and its lists had the time to show what was made.
        let look = brief(work.cx, LOOKUP_TIMEOUT, &work.context.cancel);
        if error.is_final_word() && matches!(M::find(&look, work.operation.id, Freshness::Cached).await, Ok(None)) {
            return Outcome::failed(work.operation.explain(&error.settled(false)));
        }
        let diagnostic = self.base.uncertain(&work.operation, &error);
        let state = self.known_state(wanted, work.planned, work.operation.id);
        self.base.partial(state, work.private, work.operation.id, diagnostic)
    }

    fn duplicate(&self, work: &Work<'_>) -> Diagnostic {
        duplicate(M::NAME, &work.operation, work.operation.id, self.adopts)
    }

    /// Takes over an object that is there, and says what changes in it.
    async fn adopt(&self, object: &Object<M::Spec>, mut wanted: Value, work: Work<'_>) -> Outcome {
        let changes = match self.state(object, &Joined::default(), &wanted, work.planned) {
            Ok(now) => existing::changes(&self.base, &now, work.planned),
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        let why = format!("Omni already has the {}.", work.operation.what());
        let told = existing::adopted(&work.operation, &why, &changes);
        tracing::info!(id = work.operation.id, "taking over the object that is there");
        // A removal of its former resource in the same apply must not hit it from now on.
        work.cx.session.ledger.note_adopted(&ObjectKey::called(M::NAME, work.operation.id));
        if let Err(error) = M::update(work.cx, &mut wanted).await {
            return Outcome::failed(work.operation.explain(&error));
        }
        let mut outcome = self.confirmed(&wanted, work).await;
        outcome.diags.push(told);
        outcome
    }

    /// Removes an object that changes its address and cannot be taken over, so that the new address can make its own.
    async fn remove(&self, work: &Work<'_>, key: &ObjectKey) -> Result<(), Error> {
        let Work { cx, context, wanted, .. } = work;
        match M::delete(cx, wanted).await {
            Err(error) if !error.is(ErrorKind::NotFound) => return Err(error.settled(false)),
            _ => {}
        }
        // The removal at the former address must not hit the successor.
        cx.session.ledger.note_adopted(key);
        let look = brief(cx, VISIBLE_TIMEOUT.min(cx.call.remaining()), &context.cancel);
        self.gone(&look, &work.operation, wanted).await.map_err(|error| error.settled(false))
    }

    /// Says what somebody changed since the plan, as far as there is something to compare.
    fn conflict(
        &self,
        object: &Object<M::Spec>,
        [prior, planned]: [&Value; 2],
        operation: &Operation<'_>,
    ) -> Option<Diagnostic> {
        // What is joined is computed, and so not compared.
        let now = self.state(object, &Joined::default(), prior, prior).ok()?;
        // What the state did not know has not changed.
        let changed = conflict::changed(&self.base.schema, prior, &now);
        // Whoever has done what the plan is about to do is no hindrance.
        let changed: Vec<_> =
            changed.into_iter().filter(|path| !means_same(path.lookup(&now), path.lookup(planned))).collect();
        changed.iter().find(|path| !path.lookup(prior).is_null())?;
        let found = changed.into_iter().map(|path| Change::of(&self.base.schema, path, prior, &now)).collect();
        Some(conflict::conflict(operation, Versions::Unnumbered, found))
    }
}

#[async_trait]
impl<M: RpcObject> Backend for RpcBackend<M> {
    fn kind(&self) -> &dyn DynType {
        &self.kind
    }

    fn base(&self) -> &ResourceBase {
        &self.base
    }

    fn key(&self, state: &Value) -> Option<ObjectKey> {
        Some(ObjectKey::called(M::NAME, M::id(state)?))
    }

    /// Says of a planned create that the object is there already; whose it is nobody can tell.
    async fn check_existing(&self, cx: &Cx, plan: &mut Plan<'_>, entry: &Entry) -> Result<(), Failure> {
        let Some(key) = entry.key.as_ref().filter(|_| plan.prior.is_none()) else { return Ok(()) };
        if existing::is_expected(cx, key) || (self.adopts && cx.session.adopt_existing) {
            return Ok(());
        }
        match M::find(cx, key.id(), Freshness::Cached).await {
            Ok(Some(_)) => {
                plan.diags.push(existing::there(
                    M::NAME,
                    &self.base.operation("create", key.id()),
                    key.id(),
                    self.adopts,
                ));
            }
            Ok(None) => {}
            // The apply asks once more, and says what is wrong.
            Err(error) => tracing::debug!(id = key.id(), %error, "whether it is there is not known"),
        }
        Ok(())
    }

    async fn read(
        &self,
        cx: &Cx,
        _operation: &Operation<'_>,
        id: &str,
        state: &Value,
        private: &Private,
    ) -> Result<Option<Outcome>, Failure> {
        let object = match M::find(cx, id, Freshness::Cached).await? {
            None => M::find(cx, id, Freshness::Fresh).await?,
            found => found,
        };
        let Some(object) = object else { return Ok(None) };
        let found = self.with_joined(cx, object).await?;
        Ok(Some(self.outcome(&found, state, state, private.clone(), id)))
    }

    fn list_arguments(&self) -> Option<Vec<Attribute>> {
        Some(vec![list::id_regexp()])
    }

    async fn list(&self, cx: &Cx, request: &ListRequest, results: &mut dyn ListResults) -> Result<(), Failure> {
        let ids = M::ids(cx).await?;
        let named = stream::iter(ids.into_iter().map(|id| Ok((id.clone(), id))));
        list::send(self, cx, request, results, named).await
    }

    async fn create(&self, work: Work<'_>) -> Outcome {
        let Work { cx, context, id, .. } = work;
        let mut wanted = work.wanted.clone();
        let key = ObjectKey::called(M::NAME, id);
        let moves = cx.session.handover.is_noted(&key);
        let takes_over = moves || (self.adopts && cx.session.adopt_existing);
        // A removal at its former address comes before or after it, and then leaves it.
        let _lock = match takes_over {
            true => match cx.session.key_locks.take(&cx.call, key.clone()).await {
                Ok(lock) => Some(lock),
                Err(error) => return Outcome::failed(work.operation.explain(&error)),
            },
            false => None,
        };
        // Only because it was not there before can an object that is found later be taken for ours.
        match M::find(cx, id, Freshness::Cached).await {
            Ok(None) => {}
            Ok(Some(object)) if takes_over && self.adopts => {
                return self.adopt(&object, wanted, work).await;
            }
            // This apply destroys it at its former address, whenever that is: nobody else has it.
            Ok(Some(_)) if moves => {
                if let Err(error) = self.remove(&work, &key).await {
                    return Outcome::failed(work.operation.explain(&error));
                }
            }
            Ok(Some(_)) if existing::is_held_by_predecessor(cx, &key) => {
                return Outcome::failed(existing::held_by_predecessor(&work.operation));
            }
            Ok(Some(_)) => {
                // The same apply may be about to remove it at another address, in no particular order.
                let look_began = Instant::now();
                let look = brief(cx, REMOVAL_TIMEOUT.min(cx.call.remaining() / 2), &context.cancel);
                if let Err(error) = self.gone(&look, &work.operation, &wanted).await {
                    let known = error.is(ErrorKind::Timeout);
                    let diagnostic = if known {
                        existing::stayed(M::NAME, &work.operation, id, self.adopts, look_began.elapsed())
                    } else {
                        work.operation.explain(&error)
                    };
                    return Outcome::failed(diagnostic);
                }
            }
            Err(error) => return Outcome::failed(work.operation.explain(&error)),
        }
        match M::create(cx, &mut wanted).await {
            Ok(()) => self.confirmed(&wanted, work).await,
            Err(error) => self.failed(error, &wanted, work).await,
        }
    }

    async fn update(&self, work: Work<'_>) -> Outcome {
        let Work { cx, context, id, prior, planned, .. } = work;
        let kept = |diagnostic, private| self.base.partial(prior.clone(), private, id, diagnostic);
        if let Err(diagnostic) = self.base.may_write(cx, &work.operation) {
            return kept(diagnostic, work.private);
        }
        let mut wanted = work.wanted.clone();
        match M::find(cx, id, Freshness::Cached).await {
            Ok(Some(object)) if cx.session.on_conflict == OnConflict::Fail => {
                if let Some(diagnostic) = self.conflict(&object, [prior, planned], &work.operation) {
                    return kept(diagnostic, work.private);
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => {
                let gone = Diagnostic::error(
                    work.operation.summary(),
                    format!("Another client removed {} since the plan.", work.operation.what()),
                )
                .hint("Plan again: the next apply creates it again.")
                .at(Path::of(work.operation.id_attribute));
                return kept(gone, work.private);
            }
            Err(error) => return kept(work.operation.explain(&error), work.private),
        }
        let error = match M::update(cx, &mut wanted).await {
            Ok(()) => return self.confirmed(&wanted, work).await,
            Err(error) => error,
        };
        let diagnostic = work.operation.explain(&error);
        if !error.may_have_happened() {
            return kept(diagnostic, work.private);
        }
        let look = brief(cx, LOOKUP_TIMEOUT, &context.cancel);
        if let Ok(found) = self.visible(&look, &work.operation, &wanted).await {
            tracing::info!(id = work.operation.id, %error, "the answer got lost, and the change is there");
            return self.written(&found, &wanted, &work);
        }
        // The server itself has said how it ended, and its lists had the time to show what was written.
        if error.is_final_word() {
            return kept(diagnostic, work.private);
        }
        // What only the write knows may be what is good, such as a new private key: where it is not, the next plan finds out.
        if self.base.binding.has_unreadable() {
            let state = self.known_state(&wanted, planned, id);
            return self.base.partial(state, work.private, id, diagnostic);
        }
        kept(diagnostic, work.private)
    }

    async fn delete(&self, work: Work<'_>) -> Outcome {
        let Work { cx, context, operation, id, prior, private, .. } = work;
        let kept = |diagnostic| self.base.partial(prior.clone(), private.clone(), id, diagnostic);
        let key = ObjectKey::called(M::NAME, id);
        let _lock = match cx.session.key_locks.take(&cx.call, key.clone()).await {
            Ok(lock) => lock,
            Err(error) => return kept(operation.explain(&error)),
        };
        // An operation that takes the object over has held the lock before.
        if self.base.is_handed_over(cx, &key) {
            return existing::handed_over(cx, &operation, &key);
        }
        match M::delete(cx, prior).await {
            Ok(()) => {}
            Err(error) if error.is(ErrorKind::NotFound) => {}
            Err(error) => return kept(operation.explain(&error)),
        }
        // A successor of the same name must not take what is still listed for an object of somebody else.
        let look = brief(cx, VISIBLE_TIMEOUT.min(cx.call.remaining()), &context.cancel);
        if let Err(error) = self.gone(&look, &operation, prior).await {
            tracing::debug!(id, %error, "Omni has removed the object and still lists it");
        }
        Outcome::default()
    }
}
