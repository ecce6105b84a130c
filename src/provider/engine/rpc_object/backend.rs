//! `RpcBackend`: the objects of any [`RpcObject`] type, managed by RPCs.

use super::RpcObject;
use super::consistency;
use super::consistency::{LOOKUP_TIMEOUT, VISIBLE_TIMEOUT, brief};
use crate::omni::{Error, ErrorKind};
use crate::provider::engine::attributes;
use crate::provider::engine::backend::{Backend, Work};
use crate::provider::engine::base::{Entry, ResourceBase};
use crate::provider::engine::conflict;
use crate::provider::engine::conflict::{Change, Versions};
use crate::provider::engine::existing;
use crate::provider::engine::existing::duplicate;
use crate::provider::engine::write::REMOVAL_TIMEOUT;
use crate::provider::engine::{Cx, Failure, model};
use crate::provider::errors::{Operation, capital};
use crate::provider::ledger::ObjectKey;
use crate::provider::session::{Handle, OnConflict};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::plan::{keep_same, means_same};
use crate::tf::resource::{Outcome, Plan, Private};
use crate::tf::schema::Mode;
use crate::tf::value::Value;
use crate::tf::write_only;
use async_trait::async_trait;
use std::marker::PhantomData;
use tokio::time::Instant;

/// Stores the objects of a type by RPCs.
pub(crate) struct RpcBackend<M> {
    base: ResourceBase,
    kind: PhantomData<M>,
}

impl<M: RpcObject> RpcBackend<M> {
    pub(crate) fn new(handle: &Handle) -> Self {
        let base = ResourceBase {
            name: M::NAME,
            noun: M::NOUN,
            id: M::ID,
            schema: M::schema().with(attributes::limits()),
            identity: M::identity(),
            handle: handle.clone(),
        };
        Self { base, kind: PhantomData }
    }

    /// The state that shows `shown`, with the attributes that the engine adds.
    fn state(&self, shown: &M::Model, prior: &Value) -> Result<Value, Diagnostic> {
        let mut state = self.base.value_of(shown)?;
        attributes::fill_local(&mut state, M::LOCAL, prior);
        let mut state = keep_same(&self.base.schema, prior, state);
        write_only::redact(&self.base.schema, prior, &mut state);
        Ok(state)
    }

    /// What the host keeps of an object that cannot be read: all that the provider knows of it.
    fn known_state(&self, wanted: &M::Model, planned: &Value, id: &str) -> Value {
        let state = self.state(wanted, planned).unwrap_or_else(|_| self.base.remembered(planned, id));
        let named = state.get(M::ID).as_str().unwrap_or(id).to_owned();
        self.base.remembered(&state, &named)
    }

    /// What the host keeps of an object that was read.
    fn outcome(&self, seen: &M::Observed, before: &M::Model, prior: &Value, private: Private, id: &str) -> Outcome {
        let built = M::model(seen, before).and_then(|shown| {
            let identity = M::id(&shown).unwrap_or_else(|| id.to_owned());
            Ok((self.state(&shown, prior)?, identity))
        });
        match built {
            Ok((state, identity)) => Outcome::ok(state, private, Some(self.base.identity_of(&identity))),
            // The object is there: what is known of it must not be lost.
            Err(diagnostic) => self.base.partial(self.known_state(before, prior, id), private, id, diagnostic),
        }
    }

    /// The same after a write: what was planned and known is a promise, whatever others have computed since.
    fn written(&self, seen: &M::Observed, wanted: &M::Model, work: &Work<'_>) -> Outcome {
        let mut outcome = self.outcome(seen, wanted, work.planned, work.private.clone(), work.operation.id);
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
    async fn confirmed(&self, wanted: &M::Model, work: Work<'_>) -> Outcome {
        let limit = VISIBLE_TIMEOUT.min(work.cx.call.remaining());
        let look = brief(work.cx, limit, &work.context.cancel);
        let error = match consistency::visible::<M>(&look, &work.operation, wanted).await {
            Ok(seen) => return self.written(&seen, wanted, &work),
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
    async fn failed(&self, error: Error, wanted: &M::Model, work: Work<'_>) -> Outcome {
        if error.is(ErrorKind::AlreadyExists) {
            return Outcome::failed(self.duplicate(&work));
        }
        if !error.may_have_happened() {
            return Outcome::failed(work.operation.explain(&error));
        }
        let look = brief(work.cx, LOOKUP_TIMEOUT, &work.context.cancel);
        if let Ok(seen) = consistency::visible::<M>(&look, &work.operation, wanted).await {
            tracing::info!(id = work.operation.id, %error, "the answer was no refusal, and the object is there");
            return self.written(&seen, wanted, &work);
        }
        // The server itself has said how it ended, and its lists had the time to show what was made.
        let look = brief(work.cx, LOOKUP_TIMEOUT, &work.context.cancel);
        if error.is_final_word() && matches!(M::find(&look, work.operation.id).await, Ok(None)) {
            return Outcome::failed(work.operation.explain(&error.settled(false)));
        }
        let diagnostic = self.base.uncertain(&work.operation, &error);
        let state = self.known_state(wanted, work.planned, work.operation.id);
        self.base.partial(state, work.private, work.operation.id, diagnostic)
    }

    fn duplicate(&self, work: &Work<'_>) -> Diagnostic {
        duplicate(M::NAME, &work.operation, work.operation.id, M::ADOPTS)
    }

    /// Takes over an object that is there, and says what changes in it.
    async fn adopt(&self, seen: &M::Observed, mut wanted: M::Model, work: Work<'_>) -> Outcome {
        let before = match M::model(seen, &wanted) {
            Ok(before) => before,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        let told = self.state(&before, work.planned).map(|now| {
            let changes = existing::changes(&self.base, &now, work.planned);
            existing::adopted(&work.operation, &format!("Omni already has the {}.", work.operation.what()), &changes)
        });
        tracing::info!(id = work.operation.id, "taking over the object that is there");
        // A removal of its former resource in the same apply must not hit it from now on.
        work.cx.session.ledger.note_adopted(&ObjectKey::called(M::NAME, work.operation.id));
        if let Err(error) = M::update(work.cx, &before, &mut wanted).await {
            return Outcome::failed(work.operation.explain(&error));
        }
        let mut outcome = self.confirmed(&wanted, work).await;
        outcome.diags.extend(told.into_iter().collect());
        outcome
    }

    /// Says what somebody changed since the plan, as far as there is something to compare.
    fn conflict(
        &self,
        seen: &M::Observed,
        before: &M::Model,
        [prior, planned]: [&Value; 2],
        operation: &Operation<'_>,
    ) -> Option<Diagnostic> {
        let now = self.state(&M::model(seen, before).ok()?, prior).ok()?;
        // What the state did not know has not changed.
        let changed = conflict::changed(&self.base.schema, prior, &now);
        // Whoever has done what the plan is about to do is no hindrance.
        let changed: Vec<_> =
            changed.into_iter().filter(|path| !means_same(path.lookup(&now), path.lookup(planned))).collect();
        changed.iter().find(|path| !path.lookup(prior).is_null())?;
        let found = changed.into_iter().map(|path| Change::of(&self.base.schema, path, prior, &now)).collect();
        Some(conflict::conflict(operation, Versions::Unnumbered, found))
    }

    fn canonical(state: &Value) -> Option<String> {
        model::<M::Model>(state).ok().as_ref().and_then(M::id)
    }
}

#[async_trait]
impl<M: RpcObject> Backend for RpcBackend<M> {
    fn base(&self) -> &ResourceBase {
        &self.base
    }

    fn key(&self, state: &Value) -> Option<ObjectKey> {
        Some(ObjectKey::called(M::NAME, Self::canonical(state)?))
    }

    fn id(&self, planned: &Value) -> Option<String> {
        Self::canonical(planned)
    }

    fn is_written_unread(&self) -> bool {
        false
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        M::validate(config, diags);
    }

    fn complete_plan(&self, plan: &mut Plan<'_>) {
        attributes::keep_computed(&self.base.schema, M::LOCAL, plan);
        M::modify_plan(plan);
    }

    fn follow(&self, cx: &Cx, plan: &mut Plan<'_>) {
        if plan.prior.is_some() {
            M::plan_existing(cx, plan);
        }
    }

    fn is_only_local(&self, prior: &Value, planned: &Value) -> bool {
        attributes::only_local(&self.base.schema, M::LOCAL, prior, planned)
    }

    /// Says of a planned create that the object is there already; whose it is nobody can tell.
    async fn check_existing(&self, cx: &Cx, plan: &mut Plan<'_>, entry: &Entry) -> Result<(), Failure> {
        let Some(key) = entry.key.as_ref().filter(|_| plan.prior.is_none()) else { return Ok(()) };
        if existing::is_expected(cx, key) || (M::ADOPTS && cx.session.adopt_existing) {
            return Ok(());
        }
        match M::find(cx, key.id()).await {
            Ok(Some(_)) => {
                plan.diags.push(existing::there(
                    M::NAME,
                    &self.base.operation("create", key.id()),
                    key.id(),
                    M::ADOPTS,
                ));
            }
            Ok(None) => {}
            // The apply asks once more, and says what is wrong.
            Err(error) => tracing::debug!(id = key.id(), %error, "whether it is there is not known"),
        }
        Ok(())
    }

    async fn check_plan(&self, cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        M::check_plan(cx, plan).await
    }

    async fn check_delete(&self, cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        match model::<M::Model>(prior) {
            Ok(model) => M::check_delete(cx, &model, diags).await,
            Err(diagnostic) => {
                diags.push(diagnostic);
                Ok(())
            }
        }
    }

    async fn resolve_import(&self, cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        M::resolve_import(cx, text).await
    }

    async fn read(
        &self,
        cx: &Cx,
        _operation: &Operation<'_>,
        id: &str,
        state: &Value,
        private: &Private,
    ) -> Result<Option<Outcome>, Failure> {
        let before: M::Model = match model(state) {
            Ok(model) => model,
            Err(diagnostic) => return Ok(Some(self.base.partial(state.clone(), private.clone(), id, diagnostic))),
        };
        let mut found = M::find(cx, id).await?;
        if found.is_none() {
            found = M::find_fresh(cx, id).await?;
        }
        Ok(found.map(|seen| self.outcome(&seen, &before, state, private.clone(), id)))
    }

    async fn create(&self, work: Work<'_>) -> Outcome {
        let Work { cx, context, id, .. } = work;
        let mut wanted: M::Model = match model(&work.wanted) {
            Ok(model) => model,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        let key = ObjectKey::called(M::NAME, id);
        // Only because it was not there before can an object that is found later be taken for ours.
        match M::find(cx, id).await {
            Ok(None) => {}
            Ok(Some(seen)) if M::ADOPTS && (cx.session.adopt_existing || cx.session.handover.is_noted(&key)) => {
                return self.adopt(&seen, wanted, work).await;
            }
            Ok(Some(_)) if existing::is_held_by_predecessor(cx, &key) => {
                return Outcome::failed(existing::held_by_predecessor(&work.operation));
            }
            Ok(Some(_)) => {
                // The same apply may be about to remove it at another address, in no particular order.
                let look_began = Instant::now();
                let look = brief(cx, REMOVAL_TIMEOUT.min(cx.call.remaining() / 2), &context.cancel);
                if let Err(error) = consistency::gone::<M>(&look, &work.operation, &wanted).await {
                    let known = error.is(ErrorKind::Timeout);
                    let diagnostic = if known {
                        existing::stayed(M::NAME, &work.operation, id, M::ADOPTS, look_began.elapsed())
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
        let (before, mut wanted) = match (model::<M::Model>(prior), model::<M::Model>(&work.wanted)) {
            (Ok(before), Ok(wanted)) => (before, wanted),
            (Err(diagnostic), _) | (_, Err(diagnostic)) => return kept(diagnostic, work.private),
        };
        match M::find(cx, id).await {
            Ok(Some(seen)) if cx.session.on_conflict == OnConflict::Fail => {
                if let Some(diagnostic) = self.conflict(&seen, &before, [prior, planned], &work.operation) {
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
        let error = match M::update(cx, &before, &mut wanted).await {
            Ok(()) => return self.confirmed(&wanted, work).await,
            Err(error) => error,
        };
        let diagnostic = work.operation.explain(&error);
        if !error.may_have_happened() {
            return kept(diagnostic, work.private);
        }
        let look = brief(cx, LOOKUP_TIMEOUT, &context.cancel);
        if let Ok(seen) = consistency::visible::<M>(&look, &work.operation, &wanted).await {
            tracing::info!(id = work.operation.id, %error, "the answer got lost, and the change is there");
            return self.written(&seen, &wanted, &work);
        }
        // The server itself has said how it ended, and its lists had the time to show what was written.
        if error.is_final_word() {
            return kept(diagnostic, work.private);
        }
        match M::unsure(&before, &wanted) {
            Some(unsure) => {
                let state = self.known_state(&unsure, planned, id);
                self.base.partial(state, work.private, id, diagnostic)
            }
            None => kept(diagnostic, work.private),
        }
    }

    async fn delete(&self, work: Work<'_>) -> Outcome {
        let Work { cx, context, operation, id, prior, private, .. } = work;
        let kept = |diagnostic| self.base.partial(prior.clone(), private.clone(), id, diagnostic);
        let model: M::Model = match model(prior) {
            Ok(model) => model,
            Err(diagnostic) => return kept(diagnostic),
        };
        let key = ObjectKey::called(M::NAME, id);
        if self.base.is_handed_over(cx, &key) {
            return existing::handed_over(cx, &operation, &key);
        }
        match M::delete(cx, &model).await {
            Ok(()) => {}
            Err(error) if error.is(ErrorKind::NotFound) => {}
            Err(error) => return kept(operation.explain(&error)),
        }
        // A successor of the same name must not take what is still listed for an object of somebody else.
        let look = brief(cx, VISIBLE_TIMEOUT.min(cx.call.remaining()), &context.cancel);
        if let Err(error) = consistency::gone::<M>(&look, &operation, &model).await {
            tracing::debug!(id, %error, "Omni has removed the object and still lists it");
        }
        Outcome::default()
    }
}
