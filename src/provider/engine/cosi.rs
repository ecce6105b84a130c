//! `CosiBackend`: the objects of any [`CosiObject`] type, in the state of Omni.

use super::attributes;
use super::backend::{Backend, Work};
use super::base;
use super::base::{Entry, ResourceBase};
use super::conflict::Baseline;
use super::dynamic::{CosiFacts, DynCosiObject, DynType, MadeStored, TypeOf};
use super::existing;
use super::failure::Failure;
use super::list;
use super::owed::{Limit, Owed, STATUS, STATUS_TIMEOUT, Waiting};
use super::owners;
use super::relabel;
use super::write;
use super::write::WriteRequest;
use super::{Binding, CosiObject, Cx, Desired, Joined, Kinds, Origin, Owned, Write};
use crate::omni::{Call, Error, ErrorKind, Key, Phase, Resource as Stored};
use crate::provider::errors::{Operation, UPDATE, capital};
use crate::provider::ledger::{ObjectKey, Ticket};
use crate::provider::session::Handle;
use crate::provider::timeouts::Timeouts;
use crate::provider::wait::Awaited;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::list_resource::{ListRequest, ListResults};
use crate::tf::resource::{Context, Outcome, Plan, Private};
use crate::tf::schema::{Attribute, Unset};
use crate::tf::value::Value;
use crate::tf::write_only;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Beside a planned removal or replacement: the same plan unlocks the object's owner, and the removal comes first.
const UNLOCKS: &str = "unlocks_owner";

/// The computed attribute that every object with an owner has.
pub(super) const ID: &str = "id";

/// How long it may take to read what is written when the host has stopped the operation.
const LAST_READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Beside the state: a removal of ours was begun, and did not end in time.
const DELETING: &str = "leaving";

/// An object that was written, before the step after it.
struct Made<'a> {
    write: Write,
    prior: Option<&'a Value>,
    planned: &'a Value,
    config: &'a Value,
    /// What was planned, with its secrets and what was filled in for the write.
    wanted: Value,
    private: Private,
}

/// Stores the objects of a type in the state of Omni.
pub(crate) struct CosiBackend {
    base: ResourceBase,
    pub(super) facts: CosiFacts,
    pub(super) kind: Box<dyn DynCosiObject>,
}

impl CosiBackend {
    pub(super) fn new<M: CosiObject>(handle: &Handle) -> Self {
        let binding = Binding::new(M::rows()).with_system_keys(M::Kinds::SYSTEM_KEYS);
        let base = ResourceBase::with::<M>(binding, M::Kinds::PARTS, handle, attributes::of_object::<M>);
        Self { base, facts: TypeOf::<M>::facts(), kind: Box::new(TypeOf::<M>::VALUE) }
    }

    /// What the object's own attributes show of it.
    pub(super) fn read_attributes(&self, stored: &Stored, joined: &Joined, prior: &Value) -> Result<Value, Failure> {
        self.kind.show(&self.base.binding, stored, joined, prior)
    }

    /// What the state asks Omni for.
    fn desired(&self, state: &Value) -> Result<Desired, Diagnostic> {
        let fields = self.kind.fields(&self.base.binding, state)?;
        Ok(Desired { fields, keys: self.keys(state) })
    }

    /// The labels and annotations that the state asks for.
    fn keys(&self, state: &Value) -> [Vec<Owned>; 2] {
        self.base.binding.keys(state)
    }

    /// The state that shows `shown`, with the attributes that the engine adds.
    pub(super) fn state(&self, stored: &Stored, shown: Value, prior: &Value, private: &Private) -> Value {
        let [labels, annotations] = self.keys(&shown);
        let mut state = self.base.with_all_attributes(&shown);
        attributes::fill(
            &mut state,
            &self.base.binding,
            &stored.metadata,
            [&labels, &annotations],
            private,
            prior,
            &self.base.handle.defaults(),
        );
        self.base.in_words_of(prior, state)
    }

    /// What the host keeps of an object that is there.
    pub(super) async fn outcome(
        &self,
        cx: &Cx,
        stored: Stored,
        prior: &Value,
        mut private: Private,
        operation: &Operation<'_>,
    ) -> Outcome {
        let id = self.kind.id_of(&stored.key);
        let built = async {
            let mut joined = Joined::read(cx, self.base.binding.joins(), &stored.key.id).await?;
            self.kind.facts(cx, &stored, &mut joined).await?;
            let shown = self.read_attributes(&stored, &joined, prior)?;
            let keys = self.keys(&shown);
            self.kind.baseline(&self.base.binding, &stored, &keys).store(&mut private);
            relabel::note(&stored, &keys[0], &mut private);
            if self.base.binding.are_all_labels(&shown) {
                let defaults = self.base.handle.defaults();
                attributes::track_all_labels(&mut private, &stored.metadata, &keys[0], &defaults, prior);
            }
            Ok::<_, Failure>(self.state(&stored, shown, prior, &private))
        };
        match built.await {
            Ok(state) => {
                let identity = Some(self.base.identity_of(&id));
                Outcome::ok(state, private, identity)
            }
            // The object is there: what is known of it must not be lost.
            Err(failure) => {
                self.base.partial(self.base.remembered(prior, &id), private, &id, failure.explain(operation))
            }
        }
    }

    /// The step after a write, and what the host keeps then: the object stays in the state even when the step fails.
    async fn after_write(&self, cx: &Cx, stored: &mut Stored, made: Made<'_>, operation: &Operation<'_>) -> Outcome {
        let Made { write, prior, planned, config, mut wanted, private } = made;
        let before = wanted.clone();
        let asked = self.asked(&wanted, config);
        let mut told = Diagnostics::new();
        let written = MadeStored { stored: &*stored, write, prior, asked: &asked };
        let step = self.kind.after_write(cx, &written, &mut wanted, &mut told).await;
        let mut filled = planned.clone();
        for attribute in &self.base.schema.attributes {
            let value = wanted.get(attribute.name);
            let changed = value != before.get(attribute.name);
            if changed || (planned.get(attribute.name).is_unknown() && value.is_set()) {
                filled.set(attribute.name, value.clone());
            }
        }
        // The host may have stopped the step: what is written is shown all the same.
        let stopped = cx.call.cancel.is_cancelled();
        let look = stopped.then(|| Cx {
            session: Arc::clone(&cx.session),
            call: Call::within(LAST_READ_TIMEOUT, &CancellationToken::new()),
        });
        let cx = look.as_ref().unwrap_or(cx);
        let mut outcome = match step {
            Ok(again) => {
                if again && let Ok(now) = cx.read(&stored.key).await {
                    *stored = now;
                }
                self.outcome(cx, stored.clone(), &filled, private, operation).await
            }
            Err(failure) => {
                let mut diagnostic = failure.explain(operation);
                let id = self.kind.id_of(&stored.key);
                let filled = match prior {
                    Some(prior) => self.with_prior(filled, prior, &id),
                    None => self.base.remembered(&filled, &id),
                };
                if write == Write::Create {
                    diagnostic.detail.push_str(&format!(
                        "\n{} is created, and Terraform marks it as tainted; `terraform untaint` keeps it.",
                        capital(&operation.what())
                    ));
                }
                let mut outcome = self.outcome(cx, stored.clone(), &filled, private, operation).await;
                outcome.diags.push(diagnostic);
                outcome
            }
        };
        outcome.diags.extend(told);
        outcome
    }

    /// Foretells the id of an object that is to be made: the host learns it with the create only, so that what refers to it waits,
    /// and the plans of what refers to it can still be held against the others.
    fn foretell(&self, cx: &Cx, plan: &mut Plan<'_>) {
        let made = plan.prior.is_none() || !plan.replace.is_empty();
        if self.facts.origin == Origin::Users
            && self.facts.parts.is_empty()
            && made
            && plan.planned.get(ID).is_unknown()
            && let Some(id) = self.kind.id(&base::foreseen(cx, &plan.planned))
        {
            plan.planned.set(ID, Value::foretold(id));
        }
    }

    /// Whether the plan changes nothing but what steers the provider.
    fn steers_only(&self, prior: &Value, planned: &Value) -> bool {
        let schema = &self.base.schema;
        !write_only::changes(schema, prior, planned)
            && schema.attributes.iter().all(|attribute| {
                let (name, value) = (attribute.name, planned.get(attribute.name));
                attributes::is_local(schema, self.base.binding.local(), name)
                    || value.is_unknown()
                    || value == prior.get(name)
            })
    }

    /// Whether a plan is only about a wait that is owed, so that nothing is written.
    fn only_waits(&self, prior: &Value, planned: &Value) -> bool {
        let mut planned = planned.clone();
        if planned.get(STATUS).is_unknown() {
            planned.set(STATUS, prior.get(STATUS).clone());
        }
        self.base.is_only_local(prior, &planned)
    }

    /// Waits for what is owed, within the limit of the operation that owes it.
    async fn wait_again(
        &self,
        context: &Context,
        prior: &Value,
        planned: Value,
        private: Private,
        owed: Owed,
        operation: &Operation<'_>,
    ) -> Outcome {
        let id = &self.id(prior).unwrap_or_default();
        let limit = match owed.after {
            Write::Create => |t: Timeouts| t.create,
            Write::Update => |t: Timeouts| t.update,
        };
        let kept = |diagnostic, private| self.base.partial(prior.clone(), private, id, diagnostic);
        let cx = match self.base.cx(context, &planned, limit) {
            Ok(cx) => cx,
            Err(diagnostic) => return kept(diagnostic, private),
        };
        let stored = match cx.client().get(&cx.call, &self.kind.key(id)).await {
            Ok(stored) => stored,
            Err(error) => return kept(operation.explain(&error), private),
        };
        let outcome = self.outcome(&cx, stored.clone(), &planned, private, operation).await;
        let mut outcome = self.settle(&cx, outcome, &stored, owed, operation).await;
        // Nothing was written: what others have changed meanwhile is for the next plan.
        if let Some(state) = &mut outcome.state {
            for attribute in self.base.schema.attributes.iter().filter(|a| planned.get(a.name).is_wholly_known()) {
                state.set(attribute.name, planned.get(attribute.name).clone());
            }
        }
        outcome
    }

    /// Whether a removal of ours has not ended, though the object is gone.
    async fn is_deleting(&self, cx: &Cx, state: &Value, private: &Private, id: &str) -> Result<bool, Error> {
        if private.get::<bool>(DELETING) != Some(true) {
            return Ok(false);
        }
        self.kind.is_deleting(cx, state, &self.kind.key(id)).await
    }

    /// What the configuration asks for, without what the state goes on to hold though it is not configured.
    fn asked(&self, revealed: &Value, config: &Value) -> Value {
        let mut asked = revealed.clone();
        for attribute in self.base.schema.attributes.iter().filter(|a| matches!(a.unset, Unset::Stays(_))) {
            if config.get(attribute.name).is_null() {
                asked.set(attribute.name, Value::Null);
            }
        }
        asked
    }

    /// Whether the object changes its address in this apply, and the new one may take it over.
    fn may_move(&self, cx: &Cx, prior: &Value, key: &Key) -> bool {
        cx.session.handover.may_take_over(&ObjectKey::from(key), &owners::keys(&*self.kind, prior))
    }

    /// Whether this run unlocks the owner of the object that `before` shows.
    fn is_unlocked_by_run(&self, cx: &Cx, before: &Value) -> bool {
        self.kind.locked_by(before).is_some_and(|owner| cx.session.locks.unlocks(owner))
    }

    /// Leaves a note for the removal that a replacement begins with: the host hands it what the second plan keeps.
    fn note_unlock(&self, cx: &Cx, plan: &mut Plan<'_>) {
        let unlocks = match plan.prior {
            Some(prior) => !plan.replace.is_empty() && self.is_unlocked_by_run(cx, prior),
            // One that is tainted, or replaced by force, keeps its id; of others, the first plan knows the owner.
            None => {
                let before = self.key(&plan.planned).and_then(|key| cx.session.ledger.prior(&key));
                plan.replaced.get::<bool>(UNLOCKS) == Some(true)
                    || before.is_some_and(|before| self.is_unlocked_by_run(cx, &before))
            }
        };
        if unlocks {
            plan.private.set(UNLOCKS, true);
        } else {
            plan.private.remove(UNLOCKS);
        }
    }

    /// `planned` with what was there in the place of everything unknown.
    fn with_prior(&self, mut planned: Value, prior: &Value, id: &str) -> Value {
        for attribute in &self.base.schema.attributes {
            if !planned.get(attribute.name).is_wholly_known() {
                planned.set(attribute.name, prior.get(attribute.name).clone());
            }
        }
        self.base.remembered(&planned, id)
    }
}

#[async_trait]
impl Backend for CosiBackend {
    fn kind(&self) -> &dyn DynType {
        &*self.kind
    }

    fn base(&self) -> &ResourceBase {
        &self.base
    }

    fn key(&self, state: &Value) -> Option<ObjectKey> {
        self.id(state).map(|id| ObjectKey::from(&self.kind.key(&id)))
    }

    fn id(&self, state: &Value) -> Option<String> {
        match self.facts.origin {
            Origin::Omni => self.kind.id(state),
            _ if !self.facts.parts.is_empty() => self.kind.id(state),
            Origin::Users | Origin::Either | Origin::Call => state.get(self.facts.id).as_str().map(str::to_owned),
        }
    }

    fn is_named_by_create(&self) -> bool {
        self.facts.origin == Origin::Call
    }

    fn is_written_unread(&self) -> bool {
        true
    }

    fn complete_plan(&self, plan: &mut Plan<'_>) {
        attributes::plan(&self.base.binding, &self.base.schema, &self.base.handle.defaults(), plan);
        self.kind.modify_plan(plan);
        let name = self.base.display(&plan.planned, plan.planned.get(self.facts.id).as_str().unwrap_or_default());
        relabel::plan(&self.base.operation("plan", &name), attributes::VERSION, plan);
    }

    async fn plan_owed(&self, cx: Option<&Cx>, plan: &mut Plan<'_>) -> bool {
        self.owes_wait(cx, plan).await
    }

    fn follow(&self, cx: &Cx, plan: &mut Plan<'_>) {
        self.follow_owners(cx, plan);
        if plan.prior.is_some() {
            self.kind.plan_existing(cx, plan);
        }
        self.note_unlock(cx, plan);
        self.foretell(cx, plan);
    }

    fn track(&self, private: &mut Private, config: &Value) {
        attributes::track(private, config);
        self.kind.track(private, config);
    }

    fn check_run(&self, cx: &Cx, ticket: &Ticket, plan: &mut Plan<'_>) {
        self.kind.check_run(cx, ticket, plan);
        self.check_owners(cx, plan);
        base::refuse_with(cx, plan, &owners::keys(&*self.kind, &base::foreseen(cx, &plan.planned)));
    }

    async fn check_existing(&self, cx: &Cx, plan: &mut Plan<'_>, entry: &Entry) -> Result<(), Failure> {
        // What is there under an id that is only foretold belongs to a cluster that is made again, whose plan tells.
        match &entry.key {
            Some(key) => Ok(self.check_standing(cx, plan, key).await?),
            None => Ok(()),
        }
    }

    fn note_removal(&self, cx: &Cx, key: &ObjectKey, prior: &Value, private: &mut Private) {
        private.remove(UNLOCKS);
        if cx.session.ledger.moves(key) {
            base::note_move(cx, key);
        } else {
            cx.session.handover.note_gone(key, &owners::keys(&*self.kind, prior), self.facts.owns);
        }
        // Hosts remove an object before they change its owner.
        if self.is_unlocked_by_run(cx, prior) {
            private.set(UNLOCKS, true);
        }
    }

    async fn read(
        &self,
        cx: &Cx,
        operation: &Operation<'_>,
        id: &str,
        state: &Value,
        private: &Private,
    ) -> Result<Option<Outcome>, Failure> {
        let version = Baseline::load(private).map(|baseline| baseline.version());
        let key = self.kind.key(id);
        let answer = match self.facts.owns {
            true => cx.read_surely(&key, version).await,
            false => cx.read_surely_once(&key, version).await,
        };
        let stored = match answer {
            Ok(stored) => stored,
            Err(error) if error.is(ErrorKind::NotFound) => {
                if !self.is_deleting(cx, state, private, id).await? {
                    return Ok(None);
                }
                let diagnostic = Diagnostic::warning(
                    format!("{} is being destroyed", capital(&operation.what())),
                    "Its removal has not finished; the object stays in the state until it has.",
                );
                return Ok(Some(self.base.partial(state.clone(), private.clone(), id, diagnostic)));
            }
            Err(error) => return Err(error.into()),
        };
        let leaving = stored.metadata.phase == Phase::TearingDown;
        let mut private = private.clone();
        if !leaving {
            private.remove(DELETING);
        }
        let mut outcome = self.outcome(cx, stored.clone(), state, private, operation).await;
        self.read_owed(cx, &mut outcome, &stored).await;
        if leaving {
            outcome.diags.push(Diagnostic::warning(
                format!("{} is being destroyed", capital(&operation.what())),
                "Its removal has not finished, so the object can no longer be changed.",
            ));
        }
        Ok(Some(outcome))
    }

    fn list_arguments(&self) -> Option<Vec<Attribute>> {
        // A list displays the identities of its results, and those would be secrets.
        let all = || self.kind.list_arguments().into_iter().chain(list::arguments(&self.base.binding)).collect();
        (!self.facts.hides_ids).then(all)
    }

    async fn list(&self, cx: &Cx, request: &ListRequest, results: &mut dyn ListResults) -> Result<(), Failure> {
        self.list_objects(cx, request, results).await
    }

    async fn create(&self, work: Work<'_>) -> Outcome {
        let Work { cx, operation, id, planned, mut wanted, config, .. } = work;
        if let Err(failure) = self.kind.before_write(cx, &mut wanted).await {
            return Outcome::failed(failure.explain(&operation));
        }
        let id = match self.facts.origin {
            Origin::Call => match self.kind.create_by_call(cx, &wanted).await {
                Ok(id) => id,
                Err(failure) => return Outcome::failed(failure.explain(&operation)),
            },
            Origin::Users | Origin::Either | Origin::Omni => id.to_owned(),
        };
        let key = self.kind.key(&id);
        let desired = match self.desired(&wanted) {
            Ok(desired) => desired,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        // Nothing is tracked yet: a replaced object's keys went with it.
        let write = WriteRequest {
            operation: operation.clone(),
            desired: &desired,
            planned,
            binding: &self.base.binding,
            config,
            private: &Private::default(),
            prior: &Value::Null,
            no_other_labels: self.base.binding.are_all_labels(planned),
        };
        let mut told = Diagnostics::new();
        let created = match self.facts.origin {
            Origin::Users | Origin::Either => write::create(cx, &write, &key, (self, planned), &mut told).await,
            Origin::Call | Origin::Omni => write::update(cx, &write, &key, self, None).await,
        };
        let mut private = Private::default();
        self.track(&mut private, config);
        match created {
            Ok(mut stored) => {
                let made = Made { write: Write::Create, prior: None, planned, config, wanted, private };
                let outcome = self.after_write(cx, &mut stored, made, &operation).await;
                let owed = Owed { after: Write::Create };
                let mut outcome = self.settle(cx, outcome, &stored, owed, &operation).await;
                keep_promises(&mut outcome, planned);
                told.extend(std::mem::take(&mut outcome.diags));
                outcome.diags = told;
                outcome
            }
            // The call has made the object: whatever came after, it must not be lost.
            Err(failure) if self.facts.origin == Origin::Call => {
                let mut diagnostic = failure.explain(&operation);
                diagnostic.summary = format!("{} is created, but not as configured", capital(&operation.what()));
                diagnostic.detail.push_str(
                    "\nTerraform marks it as tainted and would replace it; `terraform untaint` keeps it, and the next apply completes it.",
                );
                self.base.partial(self.base.remembered(planned, &id), private, &id, diagnostic)
            }
            // The answer is lost, and the object may be there: keep what leads to it.
            Err(Failure::Call(error)) if error.may_have_happened() => {
                let diagnostic = self.base.uncertain(&operation, &error);
                self.base.partial(self.base.remembered(planned, &id), private, &id, diagnostic)
            }
            Err(failure) => Outcome::failed(failure.explain_each(&operation)),
        }
    }

    async fn update(&self, work: Work<'_>) -> Outcome {
        let Work { cx, context, operation, id, prior, planned, mut wanted, config, mut private } = work;
        let kept = |diagnostic, private| self.base.partial(prior.clone(), private, id, diagnostic);
        let owed = Owed::load(&private);
        if let Some(owed) = owed.filter(|_| self.only_waits(prior, planned)) {
            self.track(&mut private, config);
            return self.wait_again(context, prior, planned.clone(), private, owed, &operation).await;
        }
        if let Err(diagnostic) = self.base.may_write(cx, &operation) {
            return kept(diagnostic, private);
        }
        let key = self.kind.key(id);
        if let Err(failure) = self.kind.before_write(cx, &mut wanted).await {
            return kept(failure.explain(&operation), private);
        }
        let desired = match self.desired(&wanted) {
            Ok(desired) => desired,
            Err(diagnostic) => return kept(diagnostic, private),
        };
        let write = WriteRequest {
            operation: operation.clone(),
            desired: &desired,
            planned,
            binding: &self.base.binding,
            config,
            private: &private,
            prior,
            no_other_labels: self.base.binding.are_all_labels(planned),
        };
        let before = Baseline::load(&private).map(|baseline| (baseline, prior));
        match write::update(cx, &write, &key, self, before).await {
            Ok(mut stored) => {
                self.track(&mut private, config);
                let made = Made { write: Write::Update, prior: Some(prior), planned, config, wanted, private };
                let outcome = self.after_write(cx, &mut stored, made, &operation).await;
                // Who owes the wait of a create waits as a create does, whatever else has changed.
                let owed = owed.unwrap_or(Owed { after: Write::Update });
                let mut outcome = self.settle(cx, outcome, &stored, owed, &operation).await;
                keep_promises(&mut outcome, planned);
                outcome
            }
            // What steers the end of a removal may still change; there is nothing to write it to.
            Err(Failure::Call(error))
                if error.is(ErrorKind::NotFound)
                    && self.steers_only(prior, planned)
                    && self.is_deleting(cx, prior, &private, id).await.unwrap_or(false) =>
            {
                let state = self.with_prior(planned.clone(), prior, id);
                Outcome::ok(state, private, Some(self.base.identity_of(id)))
            }
            Err(failure) => {
                let refused = matches!(&failure, Failure::Call(error) if error.is(ErrorKind::Validation));
                let mut told = failure.explain_each(&operation);
                if refused {
                    told = told.iter().map(|d| with_stale_attribute(d.clone(), prior, planned)).collect();
                }
                self.base.partial(prior.clone(), private, id, told)
            }
        }
    }

    async fn delete(&self, work: Work<'_>) -> Outcome {
        let Work { cx, operation, id, prior, mut private, .. } = work;
        if let Some(refused) = base::take_refusal(&mut private) {
            return self.base.partial(prior.clone(), private, id, refused);
        }
        let kept = |diagnostic| self.base.partial(prior.clone(), private.clone(), id, diagnostic);
        let key = self.kind.key(id);
        let removed = async {
            let _lock = cx.session.key_locks.take(&cx.call, &key).await?;
            // An operation that takes the object over has held the lock before.
            if self.base.is_handed_over(cx, &ObjectKey::from(&key)) {
                return Ok::<_, Failure>(false);
            }
            self.kind.before_delete(cx, prior, &key).await?;
            let owner = self.kind.locked_by(prior);
            if let Some(owner) = owner.filter(|_| private.get::<bool>(UNLOCKS) == Some(true)) {
                cx.session.locks.unlock(cx, owner).await?;
            }
            cx.session.locks.lifted(cx, owner, self.kind.remove(cx, prior, &key)).await?;
            Ok(true)
        };
        match removed.await {
            Ok(true) => Outcome::default(),
            Ok(false) => existing::handed_over(cx, &operation, &ObjectKey::from(&key)),
            Err(Failure::Refused(diagnostic)) => kept(*diagnostic),
            Err(Failure::Call(error)) if error.is(ErrorKind::NotFound) => Outcome::default(),
            // What Omni does not remove is taken over at its new address as it is.
            Err(Failure::Call(error)) if error.is(ErrorKind::Validation) && self.may_move(cx, prior, &key) => {
                tracing::info!(id, %error, "the object is not removed, and stays for its new address");
                existing::handed_over(cx, &operation, &ObjectKey::from(&key))
            }
            Err(Failure::Call(error)) => {
                if !error.is(ErrorKind::Timeout) {
                    let stale = is_refused_update(&error);
                    return kept(if stale { operation.explain_stale(&error) } else { operation.explain(&error) });
                }
                // The operation's own limit is over; looking for the reason has a separate, short limit.
                let look = Cx { session: Arc::clone(&cx.session), call: cx.call.again_within(STATUS_TIMEOUT) };
                let why = self.kind.why_stuck(&look, &key).await;
                let limit = self.base.limit(cx, prior, "delete");
                let mut outcome = kept(hanging(&operation, &error, &limit, why));
                outcome.private.set(DELETING, true);
                outcome
            }
        }
    }
}

#[async_trait]
impl Waiting for CosiBackend {
    fn stop_waiting(&self) -> &'static str {
        self.facts.stop_waiting
    }

    fn stored_at(&self, id: &str) -> Key {
        self.kind.key(id)
    }

    async fn awaited(&self, cx: &Cx, state: &Value, stored: &Stored, write: Write) -> Result<Awaited, Error> {
        self.kind.awaited(cx, state, stored, write).await
    }

    async fn obstacles(&self, cx: &Cx, state: &Value, key: &Key) -> Result<Vec<String>, Error> {
        self.kind.obstacles(cx, state, key).await
    }

    async fn refreshed(&self, cx: &Cx, outcome: Outcome, key: &Key, operation: &Operation<'_>) -> Outcome {
        let operation = Operation { verb: "read", ..operation.clone() };
        if let (Some(state), Ok(now)) = (&outcome.state, cx.read(key).await) {
            let fresh = self.outcome(cx, now, state, outcome.private.clone(), &operation).await;
            if !fresh.diags.has_errors() {
                return fresh;
            }
        }
        outcome
    }
}

/// Says of a refused attribute that this update does not change it: that is no mistake of the plan.
fn with_stale_attribute(mut told: Diagnostic, prior: &Value, planned: &Value) -> Diagnostic {
    let Some(path) = &told.path else { return told };
    let (before, now) = (path.lookup(prior), path.lookup(planned));
    if !before.is_null() && before == now {
        told.detail.push_str(&format!(
            "\nThe object already has this `{path}`, and the plan does not change it: Omni validates the whole object with every \
             update, and no longer accepts it."
        ));
    }
    told
}

/// Whether a removal was refused because of what the object holds: servers without a call for it have objects updated first.
fn is_refused_update(error: &Error) -> bool {
    matches!(error, Error::Status { kind: ErrorKind::Validation, method: UPDATE, .. })
}

/// A removal that ran out of time: what is still there, why, and the way out.
pub(super) fn hanging(
    operation: &Operation<'_>,
    error: &Error,
    limit: &Limit,
    why: Option<(String, String)>,
) -> Diagnostic {
    let what = match error {
        Error::Stuck { finalizers, .. } => {
            let list = finalizers.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            format!("its removal, which is blocked by finalizers of these controllers of Omni: {list}")
        }
        Error::Timeout { what, .. } => what.clone(),
        Error::Away { what, last, .. } => format!("{what}, without a connection at the end ({last})"),
        _ => format!("the removal of {}", operation.what()),
    };
    let (why, way_out) = why.unwrap_or_else(|| {
        let way_out = format!(
            "Check in Omni what blocks {}, and destroy again. Increase `timeouts.{}` if it only needs more time.",
            operation.what(),
            limit.operation
        );
        (String::new(), way_out)
    });
    let detail = format!("{} while the provider waited for {what}.\n{why}", limit.ran_out());
    Diagnostic::error(operation.summary(), detail.trim_end())
        .hint(format!("{way_out} It stays in the state until it is removed."))
}

/// What was planned and known is a promise: labels and annotations, which may show more keys than are ours after an import,
/// or fewer where an object was taken over.
fn keep_promises(outcome: &mut Outcome, planned: &Value) {
    if let Some(state) = &mut outcome.state {
        for name in attributes::Shared::ALL.map(attributes::Shared::name) {
            let value = planned.get(name);
            if value.is_wholly_known() {
                state.set(name, value.clone());
            }
        }
    }
}
