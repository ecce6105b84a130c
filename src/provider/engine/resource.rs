//! The engine: the operations of every managed resource, on top of the [`Backend`] of its type.

use super::Cx;
use super::backend::{Backend, Work};
use super::base::{self, Entry};
use super::existing;
use super::failure::Failure;
use super::object_set::check_leaving;
use super::owed::STATUS;
use crate::omni::ErrorKind;
use crate::provider::errors::Operation;
use crate::provider::ledger::{Action, Ticket};
use crate::provider::roles;
use crate::provider::since;
use crate::provider::view;
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::resource::{Context, Create, Delete, ImportBy, Outcome, Plan, Private, Read, Resource, Update};
use crate::tf::schema::{IdentitySchema, Schema};
use crate::tf::value::Value;
use crate::tf::write_only::{self, Concealed};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Beside the state of an imported object with secrets, until the first apply: whether they are configured in the write-only
/// form. An import does not see the configuration.
const IMPORTED: &str = "imported";

/// A type of managed resources.
pub(super) struct Engine {
    pub(super) backend: Box<dyn Backend>,
}

/// The operations of the type whose objects `backend` stores.
pub(super) fn engine(backend: impl Backend) -> Arc<Engine> {
    Arc::new(Engine { backend: Box::new(backend) })
}

/// The verbs, without what the ledger is told.
impl Engine {
    /// The id of the object that `state` shows or plans, as far as it is known.
    fn id_in(&self, state: &Value) -> Option<String> {
        let base = self.backend.base();
        let given = state.get(base.id).as_str().filter(|_| base.parts.is_empty());
        given.map(str::to_owned).or_else(|| self.backend.kind().id(state))
    }

    /// What messages call the object that `state` shows or plans.
    fn name(&self, state: &Value) -> String {
        self.backend.base().display(state, &self.id_in(state).unwrap_or_default())
    }

    /// The session and the limits of the plan of `state`. Its reads share answers with those of other plans, if it is known
    /// which object it is about; `is_new` tells the two plans of a replacement apart.
    fn planning(&self, context: &Context, state: &Value, is_new: bool) -> Option<Cx> {
        let base = self.backend.base();
        let Cx { session, call } = base.planning(context, state)?;
        let call = match self.id_in(state) {
            Some(id) => call.in_plan_sweep(&session.client, &(base.name, id, is_new)),
            None => call,
        };
        Some(Cx { session, call })
    }

    /// The part of a plan that looks at the server and at the other plans of this run.
    async fn plan_with(&self, cx: &Cx, plan: &mut Plan<'_>) {
        let base = self.backend.base();
        let has_type = since::check(cx, base.name, &base.schema, plan).await;
        let located = self.backend.look_up(cx, plan).await;
        self.backend.follow(cx, plan);
        let entry = Entry::open(cx, plan, base.id, |state| self.backend.key(state));
        self.check_rivals(cx, plan, &entry);
        self.backend.check_run(cx, &entry.ticket, plan);
        // What reaches no object needs no check against the server.
        if plan.prior.is_some_and(|prior| base.is_only_local(prior, &plan.planned)) {
            return entry.close(cx, plan);
        }
        base::check_read_only(cx, base::action(plan), &mut plan.diags);
        let checked = match located {
            // What this Omni does not have it answers no question about.
            _ if !has_type => Ok(()),
            Ok(()) => self.check_foreseen(cx, plan, &entry).await,
            failed => failed,
        };
        let name = self.name(&plan.planned);
        match checked {
            Ok(()) => {}
            // What Omni refuses until then it takes once this run has accepted the licence.
            Err(error) if error.is(ErrorKind::LicenceGate) && cx.session.accepts_licence.load(Ordering::Relaxed) => {
                tracing::debug!(name, "the plan is not checked: this run accepts the licence first");
            }
            // In a suspended instance nobody may read what only its administrators may.
            Err(error)
                if error.is(ErrorKind::Denied)
                    && (self.backend.is_written_unread() || view::is_suspended(cx).await.unwrap_or(false)) =>
            {
                tracing::debug!(name, ?error, "the plan is not checked");
            }
            Err(failure) => plan.diags.push(failure.explain(&base.operation("plan", &name))),
        }
        entry.close(cx, plan);
    }

    /// Holds a plan against the server. What is foreseen of an id that the host does not know yet counts as known.
    async fn check_foreseen(&self, cx: &Cx, plan: &mut Plan<'_>, entry: &Entry) -> Result<(), Failure> {
        let unknown =
            |(name, value): (&String, &Value)| (!value.is_wholly_known()).then(|| (name.clone(), value.clone()));
        let open: Vec<(String, Value)> = plan.planned.entries().into_iter().flatten().filter_map(unknown).collect();
        plan.planned = base::foreseen(cx, &plan.planned);
        let checked = async {
            let (action, base) = (base::action(plan), self.backend.base());
            base::check_suspended(cx, action, &mut plan.diags).await?;
            let verb = match action {
                Action::Create => "create",
                Action::Replace => "replace",
                _ => "update",
            };
            let name = self.name(plan.prior.unwrap_or(&plan.planned));
            let is_low = roles::check(cx, base.name, &base.operation(verb, &name), action, &mut plan.diags).await;
            let checked = async {
                if !plan.diags.has_errors() {
                    self.backend.check_existing(cx, plan, entry).await?;
                }
                self.backend.kind().check_plan(cx, plan).await
            };
            match checked.await {
                // Who may not write may not ask either, and has been told.
                Err(error) if is_low && error.is(ErrorKind::Denied) => Ok(()),
                checked => checked,
            }
        };
        let checked = checked.await;
        for (name, value) in open {
            plan.planned.set(&name, value);
        }
        checked
    }

    /// Says of a plan that another resource plans the same object.
    fn check_rivals(&self, cx: &Cx, plan: &mut Plan<'_>, entry: &Entry) {
        let rivals = entry.rivals(cx, plan);
        let name = entry.wanted().map(|key| self.backend.base().display(&plan.planned, key.id())).unwrap_or_default();
        let told = existing::planned_twice(self.backend.base(), &name, &plan.planned, base::action(plan), &rivals);
        plan.diags.extend(told.into_iter().collect());
        let keeps = matches!(base::action(plan), Action::Keep | Action::Update);
        let what = self.backend.base().operation("plan", &name).what();
        let leaving = entry.wanted().filter(|_| keeps).and_then(|key| check_leaving(cx, key, &what));
        plan.diags.extend(leaving.into_iter().collect());
    }

    /// An import that has read a secret into the state, where every plan prints it as removed: the plan is refused, since a host
    /// prints what the state has.
    fn check_imported(&self, plan: &mut Plan<'_>) {
        let schema = self.schema();
        if plan.private.get::<bool>(IMPORTED).is_none() {
            return;
        }
        let Some(prior) = plan.prior else { return };
        let Some(secret) = write_only::printed(schema, prior, plan.config) else { return };
        let base = self.backend.base();
        let id = prior.get(base.id).as_str().unwrap_or_default();
        let (plain, path) = (secret.path(secret.plain), secret.path(secret.secret));
        plan.diags.push(
            Diagnostic::error(
                format!("The import of {} exposes `{path}`", base.operation("plan", &self.name(prior)).what()),
                format!(
                    "The configuration sets `{path}`, and the import has read the value into `{plain}`. \
                     The plan would print it, and the state would contain it until the apply.",
                ),
            )
            .hint(format!(
                "Import it with the ID `{}{id}`, which keeps the value out of the state. \
                 If it is in the state already, remove it first with `terraform state rm`.",
                write_only::IMPORT_PREFIX
            ))
            .at(path),
        );
    }

    async fn create_object(&self, context: &Context, request: Create) -> Outcome {
        let base = self.backend.base();
        let Create { planned, config, .. } = request;
        let planned = write_only::with_fingerprints(&base.schema, planned, &config);
        let wanted = write_only::with_secrets(&base.schema, &planned, &config);
        let id = self.backend.kind().id(&wanted);
        if id.is_none() && !self.backend.is_named_by_create() {
            return Outcome::failed(Diagnostic::error(
                format!("Could not create {}", base.noun),
                format!("Its `{}` is not known.", base.id),
            ));
        }
        let id = id.unwrap_or_default();
        let name = base.display(&planned, &id);
        let operation = base.operation("create", &name);
        let cx = match base.writing(context, &planned, |t| t.create, &operation) {
            Ok(cx) => cx,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        let (id, prior, private) = (id.as_str(), &Value::Null, Private::default());
        let work = Work { cx: &cx, context, operation, id, prior, planned: &planned, wanted, config: &config, private };
        self.backend.create(work).await
    }

    async fn read_object(&self, context: &Context, request: Read) -> Outcome {
        let base = self.backend.base();
        if base.handle.is_deferred() {
            return base.unrefreshed(request);
        }
        let Read { state, private, identity } = request;
        let cx = match base.cx(context, &state, |t| t.read) {
            Ok(cx) => cx,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        let (known, kind) = (self.backend.id(&state), self.backend.kind());
        let id = match known.map_or_else(|| base.id_of(&state, identity.as_ref(), |state| kind.id(state)), Ok) {
            Ok(id) => id,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        // Reads of a refresh share answers; what a write begins with is read by itself.
        let cx = Cx { call: cx.call.in_sweep(&cx.session.client, &(base.name, &id)), session: cx.session };
        let name = base.display(&state, &id);
        let operation = base.operation("read", &name);
        match self.backend.read(&cx, &operation, &id, &state, &private).await {
            Ok(Some(mut outcome)) => {
                if base.is_import(&state) && outcome.private.get::<bool>(IMPORTED) == Some(true) {
                    outcome.private.remove(IMPORTED);
                    outcome.state.iter_mut().for_each(|state| write_only::conceal(&base.schema, state));
                }
                outcome
            }
            Ok(None) => match view::check_sight(&cx, &operation).await {
                Err(diagnostic) => Outcome::partial(state, private, identity, diagnostic),
                Ok(()) if base.is_import(&state) => {
                    Outcome::failed(base.nothing_to_import(&name, self.backend.kind().about_id(&id)))
                }
                Ok(()) => Outcome::default(),
            },
            Err(failure) => Outcome::partial(state, private, identity, failure.explain(&operation)),
        }
    }

    async fn update_object(&self, context: &Context, request: Update) -> Outcome {
        let base = self.backend.base();
        let Update { prior, planned, config, mut private } = request;
        let known = self.backend.id(&prior);
        if base.is_only_local(&prior, &planned) {
            self.backend.track(&mut private, &config);
            return Outcome::ok(planned, private, known.map(|id| base.identity_of(&id)));
        }
        let planned = write_only::with_fingerprints(&base.schema, planned, &config);
        let wanted = write_only::with_secrets(&base.schema, &planned, &config);
        let id = known.or_else(|| self.backend.kind().id(&wanted)).unwrap_or_default();
        let name = base.display(&planned, &id);
        let operation = base.operation("update", &name);
        let cx = match base.cx(context, &planned, |t| t.update) {
            Ok(cx) => cx,
            Err(diagnostic) => return base.partial(prior, private, &id, diagnostic),
        };
        let id = id.as_str();
        let work = Work {
            cx: &cx,
            context,
            operation,
            id,
            prior: &prior,
            planned: &planned,
            wanted,
            config: &config,
            private,
        };
        self.backend.update(work).await
    }

    async fn delete_object(&self, context: &Context, request: Delete) -> Outcome {
        let base = self.backend.base();
        let Delete { prior, private } = request;
        let id = self.backend.id(&prior).unwrap_or_default();
        let name = base.display(&prior, &id);
        let operation: Operation<'_> = base.operation("destroy", &name);
        let cx = match base.writing(context, &prior, |t| t.delete, &operation) {
            Ok(cx) => cx,
            Err(diagnostic) => return base.partial(prior, private, &id, diagnostic),
        };
        let (planned, wanted, config) = (&Value::Null, Value::Null, &Value::Null);
        let work = Work { cx: &cx, context, operation, id: &id, prior: &prior, planned, wanted, config, private };
        self.backend.delete(work).await
    }
}

#[async_trait]
impl Described for Engine {
    fn type_name(&self) -> &'static str {
        self.backend.base().name
    }

    fn schema(&self) -> &Schema {
        &self.backend.base().schema
    }

    async fn validate(&self, _context: &Context, config: &Value, diags: &mut Diagnostics) {
        self.backend.kind().validate(config, diags);
        *diags = Concealed::of(self.schema(), config).in_all(std::mem::take(diags));
    }
}

#[async_trait]
impl Resource for Engine {
    fn identity(&self) -> Option<&IdentitySchema> {
        // Without imports there is nothing that an identity is for.
        self.not_imported().is_none().then(|| &self.backend.base().identity)
    }

    fn not_imported(&self) -> Option<&str> {
        self.backend.kind().not_imported()
    }

    fn upgrade(
        &self,
        _version: i64,
        mut state: serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Map<String, serde_json::Value>, Diagnostic> {
        self.schema().upgrade(&mut state);
        Ok(state)
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) {
        self.backend.complete_plan(plan);
        self.backend.base().check_id(plan);
        self.check_imported(plan);
        let cx = self.planning(context, &plan.planned, plan.prior.is_none());
        let owed = self.backend.plan_owed(cx.as_ref(), plan).await;
        if let Some(cx) = cx {
            self.plan_with(&cx, plan).await;
        }
        self.backend.base().plan_ids(plan);
        // Only now, so that no check takes it for a change of the object.
        if owed {
            plan.planned.set(STATUS, Value::UNKNOWN);
        }
        plan.diags = Concealed::of(self.schema(), plan.config).in_all(std::mem::take(&mut plan.diags));
    }

    async fn plan_delete(&self, context: &Context, prior: &Value, private: &mut Private, diags: &mut Diagnostics) {
        let base = self.backend.base();
        let Some(cx) = self.planning(context, prior, false) else { return };
        base::check_read_only(&cx, Action::Remove, diags);
        if let Some(key) = self.backend.key(prior) {
            let also = self.backend.also_removes(prior);
            let is_kept = cx.session.ledger.keeps(&key) || cx.session.ledger.joins(&key, prior);
            let kept: Vec<_> = also.iter().filter(|part| cx.session.ledger.keeps(part)).collect();
            if is_kept {
                diags.push(existing::destroyed_and_kept(&cx, &base.operation("destroy", &self.name(prior)).what()));
            } else if let [first, more @ ..] = &kept[..] {
                let more = if more.is_empty() { String::new() } else { format!(" (and {} more)", more.len()) };
                diags.push(existing::destroyed_and_kept(&cx, &format!("`{}`{more}", first.display())));
            }
            cx.session.ledger.note_removal(&key, prior);
            self.backend.note_removal(&cx, &key, prior, private);
        }
        let checked = async {
            base::check_suspended(&cx, Action::Remove, diags).await?;
            let name = self.name(prior);
            roles::check(&cx, base.name, &base.operation("destroy", &name), Action::Remove, diags).await;
            self.backend.kind().check_delete(&cx, prior, diags).await
        };
        if let Err(failure) = checked.await {
            let name = self.name(prior);
            let unchecked = failure.explain(&base.operation("check the removal of", &name));
            diags.push(Diagnostic { severity: Severity::Warning, ..unchecked });
        }
    }

    async fn create(&self, context: &Context, request: Create) -> Outcome {
        self.backend.base().note_apply();
        let before = self.backend.key(&request.planned);
        let concealed = Concealed::of(self.schema(), &request.config);
        let mut outcome = self.create_object(context, request).await;
        outcome.diags = concealed.in_all(outcome.diags);
        let key = outcome.state.as_ref().and_then(|state| self.backend.key(state)).or(before);
        self.backend.base().note_done(key, &outcome);
        outcome
    }

    async fn read(&self, context: &Context, request: Read) -> Outcome {
        let before = self.backend.key(&request.state);
        let outcome = self.read_object(context, request).await;
        let key = outcome.state.as_ref().and_then(|state| self.backend.key(state)).or(before);
        self.backend.base().note_read(key, &outcome);
        outcome
    }

    async fn update(&self, context: &Context, mut request: Update) -> Outcome {
        self.backend.base().note_apply();
        Ticket::strip(&mut request.private);
        request.private.remove(IMPORTED);
        let concealed = Concealed::of(self.schema(), &request.config);
        let mut outcome = self.update_object(context, request).await;
        outcome.diags = concealed.in_all(outcome.diags);
        let key = outcome.state.as_ref().and_then(|state| self.backend.key(state));
        self.backend.base().note_done(key, &outcome);
        outcome
    }

    async fn delete(&self, context: &Context, request: Delete) -> Outcome {
        self.backend.base().note_apply();
        let key = self.backend.key(&request.prior);
        let outcome = self.delete_object(context, request).await;
        match (&outcome.state, key) {
            // What could not be removed is as it was: it has not been written, and its removal is over.
            (Some(_), Some(key)) => self.backend.base().note_failed(&key),
            (_, key) => self.backend.base().note_done(key, &outcome),
        }
        outcome
    }

    async fn import(&self, context: &Context, by: ImportBy) -> Outcome {
        let base = self.backend.base();
        let has_secrets = !base.schema.write_only.is_empty();
        let mut conceals = false;
        let mut outcome = match by {
            ImportBy::Id(text) if !text.trim().is_empty() => {
                let concealed = text.trim().strip_prefix(write_only::IMPORT_PREFIX).filter(|_| has_secrets);
                conceals = concealed.is_some();
                let text = concealed.map_or(text.trim(), str::trim);
                let cx = base.planning(context, &Value::Null);
                let id = match (self.backend.kind().not_imported(), text.strip_prefix(write_only::IMPORT_PREFIX)) {
                    (Some(why), _) => Err(base.no_import(text, why).into()),
                    (None, Some(id)) if !has_secrets => Err(base.no_secrets(id.trim()).into()),
                    (None, _) => self.backend.kind().resolve_import(cx.as_ref(), text).await,
                };
                match id {
                    Ok(id) => base.imported(&id),
                    Err(failure) => Outcome::failed(failure.explain(&base.operation("import", text))),
                }
            }
            ImportBy::Id(_) => base.imported(""),
            ImportBy::Identity(identity) => {
                let id = base.id_of(&base.of_identity(&identity), None, |state| self.backend.kind().id(state));
                match id {
                    Ok(id) => base.imported(&id),
                    Err(_) => base.imported(""),
                }
            }
        };
        if let Some(id) = outcome.state.as_ref().and_then(|state| self.backend.id(state)) {
            outcome.identity = Some(base.identity_of(&id));
        }
        if has_secrets && outcome.state.is_some() {
            outcome.private.set(IMPORTED, conceals);
        }
        outcome
    }
}
