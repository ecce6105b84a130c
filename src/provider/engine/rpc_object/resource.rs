//! `RpcResource`: any [`RpcObject`] type as a Terraform resource.

use super::RpcObject;
use super::consistency;
use super::consistency::{LOOKUP_TIMEOUT, VISIBLE_TIMEOUT, brief};
use crate::omni::{Error, ErrorKind};
use crate::provider::engine::attributes;
use crate::provider::engine::base;
use crate::provider::engine::base::{Entry, ResourceBase};
use crate::provider::engine::conflict;
use crate::provider::engine::conflict::{Change, Versions};
use crate::provider::engine::existing;
use crate::provider::engine::existing::duplicate;
use crate::provider::engine::write::REMOVAL_TIMEOUT;
use crate::provider::engine::{Cx, model};
use crate::provider::errors::{Operation, capital};
use crate::provider::ledger::{Action, ObjectKey, Ticket};
use crate::provider::session::{Handle, OnConflict};
use crate::provider::since;
use crate::provider::view;
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::plan::{keep_same, means_same};
use crate::tf::resource::{Context, Create, Delete, ImportBy, Outcome, Plan, Private, Read, Resource, Update};
use crate::tf::schema::{IdentitySchema, Mode, Schema};
use crate::tf::value::Value;
use crate::tf::write_only;
use async_trait::async_trait;
use std::marker::PhantomData;
use std::sync::Arc;
use tokio::time::Instant;

/// A resource type whose objects are made, changed and removed by calls.
pub(crate) struct RpcResource<M> {
    base: ResourceBase,
    kind: PhantomData<M>,
}

/// One write under way.
struct Work<'a> {
    cx: &'a Cx,
    context: &'a Context,
    operation: Operation<'a>,
    planned: &'a Value,
    private: Private,
}

impl<M: RpcObject> RpcResource<M> {
    pub(crate) fn resource(handle: &Handle) -> Arc<dyn Resource> {
        let base = ResourceBase {
            name: M::NAME,
            noun: M::NOUN,
            id: M::ID,
            schema: M::schema().with(attributes::limits()),
            identity: M::identity(),
            handle: handle.clone(),
        };
        Arc::new(Self { base, kind: PhantomData })
    }

    /// The state that shows `shown`, with the attributes that the engine adds.
    fn state(&self, shown: &M::Model, prior: &Value) -> Result<Value, Diagnostic> {
        let mut state = self.base.shown(shown)?;
        attributes::fill_local(&mut state, M::LOCAL, prior);
        let mut state = keep_same(&self.base.schema, prior, state);
        write_only::redact(&self.base.schema, prior, &mut state);
        Ok(state)
    }

    /// What the host keeps of an object that cannot be read: all that the provider knows of it.
    fn sketch(&self, wanted: &M::Model, planned: &Value, id: &str) -> Value {
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
            Err(diagnostic) => self.base.kept(self.sketch(before, prior, id), private, id, diagnostic),
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
        let error = match consistency::shown::<M>(&look, &work.operation, wanted).await {
            Ok(seen) => return self.written(&seen, wanted, &work),
            Err(error) => error,
        };
        let state = self.sketch(wanted, work.planned, work.operation.id);
        let made = work.operation.verb == "create";
        let diagnostic = if error.is(ErrorKind::Cancelled) {
            // The host has been told to stop: an error would mark a new object for replacement.
            Diagnostic::warning(
                format!("Stopped waiting for {}", work.operation.what()),
                "Omni has taken the write, and the state holds what was sent; what Omni computes is missing in it.",
            )
            .hint("Plan again to see how it stands.")
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
        self.base.kept(state, work.private, work.operation.id, diagnostic)
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
        if let Ok(seen) = consistency::shown::<M>(&look, &work.operation, wanted).await {
            tracing::info!(id = work.operation.id, %error, "the answer was no refusal, and the object is there");
            return self.written(&seen, wanted, &work);
        }
        // The server itself has said how it ended, and its lists had the time to show what was made.
        let look = brief(work.cx, LOOKUP_TIMEOUT, &work.context.cancel);
        if error.is_final_word() && matches!(M::find(&look, work.operation.id).await, Ok(None)) {
            return Outcome::failed(work.operation.explain(&error.settled(false)));
        }
        let diagnostic = self.base.uncertain(&work.operation, &error);
        let state = self.sketch(wanted, work.planned, work.operation.id);
        self.base.kept(state, work.private, work.operation.id, diagnostic)
    }

    fn duplicate(&self, work: &Work<'_>) -> Diagnostic {
        duplicate(M::NAME, &work.operation, work.operation.id, M::ADOPTS)
    }

    /// Says of a planned create that the object is there already; whose it is nobody can tell.
    async fn check_existing(&self, cx: &Cx, plan: &mut Plan<'_>, entry: &Entry) {
        let Some(key) = entry.key.as_ref().filter(|_| plan.prior.is_none() && !plan.diags.has_errors()) else { return };
        if existing::is_expected(cx, key) || (M::ADOPTS && cx.session.adopt_existing) {
            return;
        }
        match M::find(cx, key.id()).await {
            Ok(Some(_)) => {
                plan.diags.push(existing::there(M::NAME, &self.base.operation("create", key.id()), key.id(), M::ADOPTS))
            }
            Ok(None) => {}
            // The apply asks once more, and says what is wrong.
            Err(error) => tracing::debug!(id = key.id(), %error, "whether it is there is not known"),
        }
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

    /// Says of a plan that another resource plans the same object.
    fn check_rivals(&self, cx: &Cx, plan: &mut Plan<'_>, entry: &Entry) {
        let rivals = entry.rivals(cx, plan);
        let name = Self::canonical(&plan.planned).unwrap_or_default();
        let told = existing::planned_twice(&self.base, &name, &plan.planned, base::action(plan), &rivals);
        plan.diags.extend(told.into_iter().collect());
    }

    /// What the ledger calls the object that `state` shows; `None` while its id is not known.
    fn ledger_key(state: &Value) -> Option<ObjectKey> {
        Some(ObjectKey::called(M::NAME, Self::canonical(state)?))
    }

    fn canonical(state: &Value) -> Option<String> {
        model::<M::Model>(state).ok().as_ref().and_then(M::id)
    }
}

/// The verbs, without what the ledger is told.
impl<M: RpcObject> RpcResource<M> {
    async fn create_object(&self, context: &Context, request: Create) -> Outcome {
        let Create { planned, config, .. } = request;
        let planned = write_only::with_fingerprints(&self.base.schema, planned, &config);
        let mut wanted: M::Model = match model(&write_only::with_secrets(&self.base.schema, &planned, &config)) {
            Ok(model) => model,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        let Some(id) = M::id(&wanted) else {
            return Outcome::failed(Diagnostic::error(
                format!("Could not create {}", M::NOUN),
                format!("Its `{}` is not known.", M::ID),
            ));
        };
        let operation = self.base.operation("create", &id);
        let cx = match self.base.writing(context, &planned, |t| t.create, &operation) {
            Ok(cx) => cx,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        let work = Work { cx: &cx, context, operation, planned: &planned, private: Private::default() };
        // Only because it was not there before can an object that is found later be taken for ours.
        match M::find(&cx, &id).await {
            Ok(None) => {}
            Ok(Some(seen))
                if M::ADOPTS
                    && (cx.session.adopt_existing
                        || cx.session.handover.is_noted(&ObjectKey::called(M::NAME, id.clone()))) =>
            {
                return self.adopt(&seen, wanted, work).await;
            }
            Ok(Some(_)) if existing::is_held_by_predecessor(&cx, &ObjectKey::called(M::NAME, id.clone())) => {
                return Outcome::failed(existing::held_by_predecessor(&work.operation));
            }
            Ok(Some(_)) => {
                // The same apply may be about to remove it at another address, in no particular order.
                let look_began = Instant::now();
                let look = brief(&cx, REMOVAL_TIMEOUT.min(cx.call.remaining() / 2), &context.cancel);
                if let Err(error) = consistency::gone::<M>(&look, &work.operation, &wanted).await {
                    let known = error.is(ErrorKind::Timeout);
                    let diagnostic = if known {
                        existing::stayed(M::NAME, &work.operation, &id, M::ADOPTS, look_began.elapsed())
                    } else {
                        work.operation.explain(&error)
                    };
                    return Outcome::failed(diagnostic);
                }
            }
            Err(error) => return Outcome::failed(work.operation.explain(&error)),
        }
        match M::create(&cx, &mut wanted).await {
            Ok(()) => self.confirmed(&wanted, work).await,
            Err(error) => self.failed(error, &wanted, work).await,
        }
    }

    async fn read_object(&self, context: &Context, request: Read) -> Outcome {
        if self.base.handle.is_deferred() {
            return self.base.unrefreshed(request);
        }
        let Read { state, private, identity } = request;
        let cx = match self.base.cx(context, &state, |t| t.read) {
            Ok(cx) => cx,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        let id = match Self::canonical(&state)
            .map_or_else(|| self.base.id_of(&state, identity.as_ref(), Self::canonical), Ok)
        {
            Ok(id) => id,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        let before: M::Model = match model(&state) {
            Ok(model) => model,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        let operation = self.base.operation("read", &id);
        let mut found = M::find(&cx, &id).await;
        if matches!(found, Ok(None)) {
            found = M::find_fresh(&cx, &id).await;
        }
        if matches!(found, Ok(None))
            && let Err(diagnostic) = view::check_sight(&cx, &operation).await
        {
            return Outcome::partial(state, private, identity, diagnostic);
        }
        match found {
            Ok(Some(seen)) => self.outcome(&seen, &before, &state, private, &id),
            Ok(None) if self.base.is_import(&state) => Outcome::failed(self.base.nothing_to_import(&id, None)),
            Ok(None) => Outcome::default(),
            Err(error) => Outcome::partial(state, private, identity, operation.explain(&error)),
        }
    }

    async fn update_object(&self, context: &Context, request: Update) -> Outcome {
        let Update { prior, planned, config, private } = request;
        let id = Self::canonical(&prior).unwrap_or_default();
        if attributes::only_local(&self.base.schema, M::LOCAL, &prior, &planned) {
            return Outcome::ok(planned, private, Some(self.base.identity_of(&id)));
        }
        let planned = write_only::with_fingerprints(&self.base.schema, planned, &config);
        let revealed = write_only::with_secrets(&self.base.schema, &planned, &config);
        let operation = self.base.operation("update", &id);
        let kept = |diagnostic, private| self.base.kept(prior.clone(), private, &id, diagnostic);
        let (before, mut wanted) = match (model::<M::Model>(&prior), model::<M::Model>(&revealed)) {
            (Ok(before), Ok(wanted)) => (before, wanted),
            (Err(diagnostic), _) | (_, Err(diagnostic)) => return kept(diagnostic, private),
        };
        let cx = match self.base.writing(context, &planned, |t| t.update, &operation) {
            Ok(cx) => cx,
            Err(diagnostic) => return kept(diagnostic, private),
        };
        match M::find(&cx, &id).await {
            Ok(Some(seen)) if cx.session.on_conflict == OnConflict::Fail => {
                if let Some(diagnostic) = self.conflict(&seen, &before, [&prior, &planned], &operation) {
                    return kept(diagnostic, private);
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => {
                let gone = Diagnostic::error(
                    operation.summary(),
                    format!("Somebody removed {} since the plan.", operation.what()),
                )
                .hint("Plan again: the next apply creates it again.")
                .at(Path::of(operation.id_attribute));
                return kept(gone, private);
            }
            Err(error) => return kept(operation.explain(&error), private),
        }
        let work = Work { cx: &cx, context, operation, planned: &planned, private };
        let error = match M::update(&cx, &before, &mut wanted).await {
            Ok(()) => return self.confirmed(&wanted, work).await,
            Err(error) => error,
        };
        let diagnostic = work.operation.explain(&error);
        if !error.may_have_happened() {
            return kept(diagnostic, work.private);
        }
        let look = brief(&cx, LOOKUP_TIMEOUT, &context.cancel);
        if let Ok(seen) = consistency::shown::<M>(&look, &work.operation, &wanted).await {
            tracing::info!(id = work.operation.id, %error, "the answer got lost, and the change is there");
            return self.written(&seen, &wanted, &work);
        }
        // The server itself has said how it ended, and its lists had the time to show what was written.
        if error.is_final_word() {
            return kept(diagnostic, work.private);
        }
        match M::unsure(&before, &wanted) {
            Some(unsure) => {
                let state = self.sketch(&unsure, &planned, &id);
                self.base.kept(state, work.private, &id, diagnostic)
            }
            None => kept(diagnostic, work.private),
        }
    }

    async fn delete_object(&self, context: &Context, request: Delete) -> Outcome {
        let Delete { prior, private } = request;
        let id = Self::canonical(&prior).unwrap_or_default();
        let operation = self.base.operation("destroy", &id);
        let kept = |diagnostic| self.base.kept(prior.clone(), private.clone(), &id, diagnostic);
        let cx = match self.base.writing(context, &prior, |t| t.delete, &operation) {
            Ok(cx) => cx,
            Err(diagnostic) => return kept(diagnostic),
        };
        let model: M::Model = match model(&prior) {
            Ok(model) => model,
            Err(diagnostic) => return kept(diagnostic),
        };
        let key = ObjectKey::called(M::NAME, id.clone());
        if self.base.is_handed_over(&cx, &key) {
            return existing::handed_over(&cx, &operation, &key);
        }
        match M::delete(&cx, &model).await {
            Ok(()) => {}
            Err(error) if error.is(ErrorKind::NotFound) => {}
            Err(error) => return kept(operation.explain(&error)),
        }
        // A successor of the same name must not take what is still listed for an object of somebody else.
        let look = brief(&cx, VISIBLE_TIMEOUT.min(cx.call.remaining()), &context.cancel);
        if let Err(error) = consistency::gone::<M>(&look, &operation, &model).await {
            tracing::debug!(id, %error, "Omni has removed the object and still lists it");
        }
        Outcome::default()
    }
}

#[async_trait]
impl<M: RpcObject> Described for RpcResource<M> {
    fn type_name(&self) -> &'static str {
        M::NAME
    }

    fn schema(&self) -> &Schema {
        &self.base.schema
    }

    async fn validate(&self, _context: &Context, config: &Value, diags: &mut Diagnostics) {
        M::validate(config, diags);
    }
}

#[async_trait]
impl<M: RpcObject> Resource for RpcResource<M> {
    fn identity(&self) -> Option<&IdentitySchema> {
        Some(&self.base.identity)
    }

    fn upgrade(
        &self,
        _version: i64,
        mut state: serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Map<String, serde_json::Value>, Diagnostic> {
        self.base.schema.upgrade(&mut state);
        Ok(state)
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) {
        attributes::keep_computed(&self.base.schema, M::LOCAL, plan);
        M::modify_plan(plan);
        self.base.check_id(plan);
        let Some(cx) = self.base.planning(context, &plan.planned) else { return };
        since::check(&cx, M::NAME, &self.base.schema, plan).await;
        if plan.prior.is_some() {
            M::plan_existing(&cx, plan);
        }
        let entry = Entry::open(&cx, plan, Self::ledger_key);
        self.check_rivals(&cx, plan, &entry);
        // What reaches no object needs no check against the server.
        if plan.prior.is_some_and(|prior| attributes::only_local(&self.base.schema, M::LOCAL, prior, &plan.planned)) {
            return entry.close(&cx, plan);
        }
        base::check_read_only(&cx, base::action(plan), &mut plan.diags);
        self.check_existing(&cx, plan, &entry).await;
        if let Err(error) = M::check_plan(&cx, plan).await {
            let id = plan.planned.get(M::ID).as_str().unwrap_or_default().to_owned();
            plan.diags.push(self.base.operation("plan", &id).explain(&error));
        }
        entry.close(&cx, plan);
    }

    async fn plan_delete(&self, context: &Context, prior: &Value, _: &mut Private, diags: &mut Diagnostics) {
        let Some(cx) = self.base.planning(context, prior) else { return };
        base::check_read_only(&cx, Action::Remove, diags);
        if let Some(key) = Self::ledger_key(prior) {
            cx.session.ledger.note_removal(&key, prior);
            base::note_move(&cx, &key);
        }
        let checked = match model::<M::Model>(prior) {
            Ok(model) => M::check_delete(&cx, &model, diags).await,
            Err(diagnostic) => return diags.push(diagnostic),
        };
        if let Err(error) = checked {
            let id = prior.get(M::ID).as_str().unwrap_or_default();
            diags.push(self.base.operation("plan the removal of", id).explain(&error));
        }
    }

    async fn create(&self, context: &Context, request: Create) -> Outcome {
        let before = Self::ledger_key(&request.planned);
        let outcome = self.create_object(context, request).await;
        self.base.note_done(outcome.state.as_ref().and_then(Self::ledger_key).or(before), &outcome);
        outcome
    }

    async fn read(&self, context: &Context, request: Read) -> Outcome {
        let before = Self::ledger_key(&request.state);
        let outcome = self.read_object(context, request).await;
        self.base.note_read(outcome.state.as_ref().and_then(Self::ledger_key).or(before), &outcome);
        outcome
    }

    async fn update(&self, context: &Context, mut request: Update) -> Outcome {
        Ticket::strip(&mut request.private);
        let outcome = self.update_object(context, request).await;
        self.base.note_done(outcome.state.as_ref().and_then(Self::ledger_key), &outcome);
        outcome
    }

    async fn delete(&self, context: &Context, request: Delete) -> Outcome {
        let key = Self::ledger_key(&request.prior);
        let outcome = self.delete_object(context, request).await;
        self.base.note_done(key, &outcome);
        outcome
    }

    async fn import(&self, context: &Context, by: ImportBy) -> Outcome {
        let mut outcome = match by {
            ImportBy::Id(text) if !text.trim().is_empty() => {
                let cx = self.base.planning(context, &Value::Null);
                match M::resolve_import(cx.as_ref(), text.trim()).await {
                    Ok(id) => self.base.imported(&id),
                    Err(diagnostic) => Outcome::failed(diagnostic),
                }
            }
            ImportBy::Id(_) => self.base.imported(""),
            ImportBy::Identity(identity) => self.base.imported(identity.get(M::ID).as_str().unwrap_or_default()),
        };
        let id = outcome.state.as_ref().and_then(Self::canonical);
        if let Some(id) = id {
            outcome.identity = Some(self.base.identity_of(&id));
        }
        outcome
    }
}
