//! What all engines share: the steps around an operation, independent of how the object is created, changed and removed.
//! It opens the session, refuses writes that are not allowed, keeps state that must not be lost, and imports.

use super::attributes;
use super::attributes::LOCAL_TIMEOUTS;
use super::binding::Binding;
use super::{Cx, ResourceType};
use crate::omni::labels::LONGEST_ID;
use crate::omni::{Call, Error};
use crate::provider::errors::Operation;
use crate::provider::handover::Note;
use crate::provider::ledger::{Action, ObjectKey, Planned, Ticket};
use crate::provider::session::{Handle, Session};
use crate::provider::timeouts::Timeouts;
use crate::provider::view;
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::path::Path;
use crate::tf::plan::keep_same;
use crate::tf::resource::{Context, Outcome, Plan, Private, Read};
use crate::tf::schema::{Attribute, IdentitySchema, Schema};
use crate::tf::value::Value;
use crate::tf::write_only;
use std::sync::Arc;
use std::time::Duration;

/// What joins the parts of an id.
const SEPARATOR: char = '/';

/// A resource type as the host sees it, with the way to the session.
pub(super) struct ResourceBase {
    /// Its full name: `omni_cluster`.
    pub(super) name: &'static str,
    /// What it is, in words: `cluster`.
    pub(super) noun: &'static str,
    /// The attribute that holds the id; also the name of the identity's one part.
    pub(super) id: &'static str,
    /// The attributes that the id is made of, where that is not one attribute.
    pub(super) parts: &'static [&'static str],
    /// The attribute by which messages name the object; none where there is only one.
    display: &'static str,
    /// The schema with the engine's attributes.
    pub(super) schema: Schema,
    pub(super) identity: IdentitySchema,
    /// Where the attributes live.
    pub(super) binding: Binding,
    pub(super) handle: Handle,
}

impl ResourceBase {
    /// The type `M`; `more` are the attributes that the engine adds.
    pub(super) fn of<M: ResourceType>(handle: &Handle, more: impl FnOnce(&Binding) -> Vec<Attribute>) -> Self {
        Self::with::<M>(Binding::new(M::rows()), &[], handle, more)
    }

    /// The same with this binding, and the attributes that identify the object together.
    pub(super) fn with<M: ResourceType>(
        binding: Binding,
        parts: &'static [&'static str],
        handle: &Handle,
        more: impl FnOnce(&Binding) -> Vec<Attribute>,
    ) -> Self {
        let schema = M::about().with_all(binding.attributes());
        let schema = M::WRITE_ONLY.iter().fold(schema, |schema, text| schema.with_write_only(*text));
        Self {
            name: M::NAME,
            noun: M::NOUN,
            id: M::ID,
            parts,
            display: M::DISPLAY,
            schema: schema.with_all(more(&binding)),
            identity: M::identity(),
            binding,
            handle: handle.clone(),
        }
    }

    /// What messages call the object of this id, as far as `state` tells.
    pub(super) fn display(&self, state: &Value, id: &str) -> String {
        let name = if self.display == self.id { id } else { state.get(self.display).as_str().unwrap_or_default() };
        name.to_owned()
    }

    pub(super) fn operation<'a>(&self, verb: &'a str, id: &'a str) -> Operation<'a> {
        let given = |name: &str| self.schema.attribute(name).is_some_and(|a| a.configurable());
        let id_attribute = [self.id, "name"].into_iter().find(|name| given(name)).unwrap_or_default();
        Operation { verb, noun: self.noun, id, id_attribute }
    }

    /// The session and the limits of one operation.
    pub(super) fn cx(&self, context: &Context, at: &Value, limit: fn(Timeouts) -> Duration) -> Result<Cx, Diagnostic> {
        let session = self.handle.session()?;
        Ok(Self::limited(session, context, at, limit))
    }

    /// The same for an operation that writes; a read-only provider refuses it.
    pub(super) fn writing(
        &self,
        context: &Context,
        at: &Value,
        limit: fn(Timeouts) -> Duration,
        operation: &Operation<'_>,
    ) -> Result<Cx, Diagnostic> {
        let cx = self.cx(context, at, limit)?;
        self.may_write(&cx, operation)?;
        Ok(cx)
    }

    /// Refuses a write of a read-only provider.
    pub(super) fn may_write(&self, cx: &Cx, operation: &Operation<'_>) -> Result<(), Diagnostic> {
        cx.session.may_write(operation.verb, &format!("{} ({})", operation.what(), self.name))
    }

    /// The session and the limits of a plan; `None` until the provider is configured, and then nothing looks at the server.
    pub(super) fn planning(&self, context: &Context, at: &Value) -> Option<Cx> {
        Some(Self::limited(self.handle.ready()?, context, at, |t| t.read))
    }

    fn limited(session: Arc<Session>, context: &Context, at: &Value, limit: fn(Timeouts) -> Duration) -> Cx {
        let timeouts = session.timeouts.or(at.get(LOCAL_TIMEOUTS));
        let call = Call::within(limit(timeouts), &context.cancel).in_cluster(at.get("cluster").as_str());
        Cx { session, call }
    }

    pub(super) fn identity_of(&self, id: &str) -> Value {
        Value::object(self.parts_of(id).map(|(name, part)| (name, Value::from(part))))
    }

    /// The attributes that identify the object of this id, with their values.
    fn parts_of<'i>(&self, id: &'i str) -> impl Iterator<Item = (&'static str, &'i str)> {
        let names = if self.parts.is_empty() { vec![self.id] } else { self.parts.to_vec() };
        let count = names.len();
        names.into_iter().zip(id.splitn(count, SEPARATOR))
    }

    /// A state that holds nothing but what identifies the object, as an identity has it.
    pub(super) fn of_identity(&self, identity: &Value) -> Value {
        let mut state = self.schema.null_object();
        for name in self.parts.iter().copied().chain([self.id]) {
            if !identity.get(name).is_null() {
                state.set(name, identity.get(name).clone());
            }
        }
        state
    }

    /// Whether a plan changes nothing in Omni, but only how the provider goes about it.
    pub(super) fn is_only_local(&self, prior: &Value, planned: &Value) -> bool {
        attributes::only_local_changes(&self.binding, &self.schema, prior, planned)
    }

    /// The attributes of the schema as `shown` has them; all others are null.
    pub(super) fn with_all_attributes(&self, shown: &Value) -> Value {
        let mut state = self.schema.null_object();
        for (name, value) in shown.entries().into_iter().flatten() {
            state.set(name, value.clone());
        }
        state
    }

    /// A state that was read or written, in the words of `known` where they mean the same, and without secrets that are not kept.
    pub(super) fn in_words_of(&self, known: &Value, state: Value) -> Value {
        let mut state = keep_same(&self.schema, known, state);
        write_only::redact(&self.schema, known, &mut state);
        state
    }

    /// What was planned, with nothing unknown left in it: enough to find the object again.
    pub(super) fn remembered(&self, planned: &Value, id: &str) -> Value {
        let mut state = known(planned);
        for (name, part) in self.parts_of(id) {
            // One of several parts may be spelled otherwise in the configuration.
            if self.parts.is_empty() || state.get(name).is_null() {
                state.set(name, part.into());
            }
        }
        for attribute in self.schema.attributes.iter().filter(|a| a.write_only) {
            state.set(attribute.name, Value::Null);
        }
        state
    }

    /// The object stays in the state as `state`, and `diagnostics` say what went wrong.
    pub(super) fn partial(
        &self,
        state: Value,
        private: Private,
        id: &str,
        diagnostics: impl Into<Diagnostics>,
    ) -> Outcome {
        Outcome::partial(state, private, Some(self.identity_of(id)), diagnostics)
    }

    /// Says in the plan of a new object that its id is longer than Omni takes: one that is made of several parts can be so
    /// though each part is not.
    pub(super) fn check_id(&self, plan: &mut Plan<'_>) {
        let Some(id) = plan.planned.get(self.id).as_str() else { return };
        let moves = plan.prior.is_none_or(|prior| prior.get(self.id).as_str() != Some(id));
        if moves && id.len() > LONGEST_ID {
            let detail = format!("It would have {} bytes, and Omni accepts at most {LONGEST_ID}.", id.len());
            plan.diags.push(
                Diagnostic::error(format!("The ID of the {} is too long", self.noun), detail)
                    .hint("Shorten the names that it is built from.")
                    .at(Path::of(self.operation("plan", "").id_attribute)),
            );
        }
    }

    /// Shows the id in what shows it where nothing else is planned.
    pub(super) fn plan_ids(&self, plan: &mut Plan<'_>) {
        for name in self.binding.ids_by_default() {
            if plan.planned.get(name).is_null() {
                let id = plan.planned.get(self.id).clone();
                plan.planned.set(name, id);
            }
        }
    }

    /// The answer to a read before the provider is configured: the state as it is.
    pub(super) fn unrefreshed(&self, request: Read) -> Outcome {
        let diagnostic = Diagnostic::warning(
            format!("Not refreshed: {}", self.name),
            "The provider's configuration is not known before apply, so the state is not refreshed.",
        );
        let Read { state, private, identity } = request;
        Outcome::partial(state, private, identity, diagnostic)
    }

    /// The id of the object that is to be read: by the state, by the identity, or by what the id is made of.
    pub(super) fn id_of(
        &self,
        state: &Value,
        identity: Option<&Value>,
        composed: impl Fn(&Value) -> Option<String>,
    ) -> Result<String, Diagnostic> {
        let given = |value: &Value| match self.parts.is_empty() {
            true => value.get(self.id).as_str().map(str::to_owned),
            false => composed(&self.of_identity(value)),
        };
        let id = given(state).or_else(|| given(identity?)).or_else(|| composed(state));
        id.ok_or_else(|| {
            Diagnostic::error(
                format!("Could not read {}", self.noun),
                format!("The state does not contain its `{}`.", self.id),
            )
        })
    }

    /// Whether the state is what an import left for the first read: an id and nothing else.
    pub(super) fn is_import(&self, state: &Value) -> bool {
        state.entries().is_some_and(|all| {
            all.iter().all(|(name, value)| value.is_null() || name == self.id || self.parts.contains(&name.as_str()))
        })
    }

    /// The host's own words for this name neither the id nor what one looks like.
    /// `about` is what is wrong with the id itself, as a sentence, and what to do.
    pub(super) fn nothing_to_import(&self, id: &str, about: Option<(String, String)>) -> Diagnostic {
        let summary = self.operation("import", id).summary();
        let none = format!("Omni has no {} with this `{}`", self.noun, self.id);
        if let Some((why, hint)) = about {
            return Diagnostic::error(summary, format!("{none}: {why}")).hint(hint);
        }
        let like = self.schema.attribute(self.id).map(|a| a.description.as_str()).unwrap_or_default();
        Diagnostic::error(summary, format!("{none}."))
            .hint(format!("Check the ID, and that `endpoint` is the right Omni instance.\n`{}`: {like}", self.id))
    }

    /// Refuses an import; `why` says why there is none, and what to do instead, in sentences.
    pub(super) fn no_import(&self, text: &str, why: &str) -> Diagnostic {
        let (why, instead) = why.split_once(". ").unwrap_or((why, ""));
        let summary = self.operation("import", text).summary();
        Diagnostic::error(summary, format!("{}.", why.trim_end_matches('.'))).hint(instead)
    }

    /// Refuses an import that is to keep the write-only attributes out of the state, of a type that has none.
    pub(super) fn no_secrets(&self, id: &str) -> Diagnostic {
        let prefix = write_only::IMPORT_PREFIX;
        let why = format!("The ID begins with `{prefix}`, and `{}` has no write-only attributes.", self.name);
        Diagnostic::error(self.operation("import", id).summary(), why).hint(format!("Import it as `{id}`."))
    }

    /// What an import leaves for the first read: the id, and nothing else.
    pub(super) fn imported(&self, id: &str) -> Outcome {
        if id.is_empty() {
            return Outcome::failed(
                Diagnostic::error(format!("Could not import {}", self.noun), "The ID is empty.")
                    .hint(format!("Give the `{}` of the object.", self.id)),
            );
        }
        let mut state = self.schema.null_object();
        for (name, part) in self.parts_of(id) {
            state.set(name, part.into());
        }
        Outcome { state: Some(state), identity: Some(self.identity_of(id)), ..Outcome::default() }
    }

    /// Tells the ledger that the host applies.
    pub(super) fn note_apply(&self) {
        if let Some(session) = self.handle.ready() {
            session.ledger.note_apply();
        }
    }

    /// Tells the ledger what a read of the object `key` has brought.
    pub(super) fn note_read(&self, key: Option<ObjectKey>, outcome: &Outcome) {
        let (Some(session), Some(key)) = (self.handle.ready(), key) else { return };
        match &outcome.state {
            Some(state) => session.ledger.note_read(&key, state),
            None if outcome.diags.has_errors() => {}
            None => session.ledger.note_gone(&key),
        }
    }

    /// Tells the ledger what a create, an update or a removal of the object `key` has left.
    pub(super) fn note_done(&self, key: Option<ObjectKey>, outcome: &Outcome) {
        let (Some(session), Some(key)) = (self.handle.ready(), key) else { return };
        match &outcome.state {
            Some(state) => session.ledger.note_written(&key, state),
            None if outcome.diags.has_errors() => session.ledger.note_failed(&key),
            None => session.ledger.note_removed(&key),
        }
    }

    /// Tells the ledger that nothing came of what was planned for the object `key`.
    pub(super) fn note_failed(&self, key: &ObjectKey) {
        if let Some(session) = self.handle.ready() {
            session.ledger.note_failed(key);
        }
    }

    /// Whether another resource of this apply has the object by now, so that its removal here leaves it.
    pub(super) fn is_handed_over(&self, cx: &Cx, key: &ObjectKey) -> bool {
        cx.session.ledger.is_adopted(key) || cx.session.handover.is_kept(key)
    }

    /// What to do about a create of which nobody knows whether it took effect.
    pub(super) fn uncertain(&self, operation: &Operation<'_>, error: &Error) -> Diagnostic {
        operation.explain(error).hint(
            "Omni may have created the object. The state keeps its ID, so the next plan finds out: \
             an existing object is marked for replacement (`terraform untaint` keeps it), a missing one is created.",
        )
    }
}

/// A plan of one resource, as the ledger knows it.
pub(super) struct Entry {
    pub(super) ticket: Ticket,
    /// The object that it is about; `None` while its id is not known.
    pub(super) key: Option<ObjectKey>,
    /// The object that it will be about, where the id is not known and still foreseen.
    expected: Option<ObjectKey>,
}

impl Entry {
    /// Tells the ledger of a plan that is being made; `key` names the object that a state shows.
    /// `id` is the attribute that holds the id.
    pub(super) fn open(
        cx: &Cx,
        plan: &mut Plan<'_>,
        id: &'static str,
        key: impl Fn(&Value) -> Option<ObjectKey>,
    ) -> Self {
        let ticket = Ticket::of(&plan.replaced, &mut plan.private);
        let known = plan.prior.and_then(&key).or_else(|| key(&plan.planned));
        let foretold = plan.planned.get(id).foreseen().filter(|_| known.is_none()).map(Value::from);
        let expected = foretold.and_then(|foretold| {
            let mut ahead = plan.planned.clone();
            ahead.set(id, foretold);
            key(&ahead)
        });
        let entry = Self { ticket, key: known, expected };
        entry.note(cx, plan);
        entry
    }

    /// Tells the ledger what the plan has come to.
    pub(super) fn close(self, cx: &Cx, plan: &Plan<'_>) {
        if plan.diags.has_errors() {
            if let Some(key) = self.wanted() {
                cx.session.ledger.forget_plan(key, &self.ticket);
            }
            return;
        }
        self.note(cx, plan);
        if let Some(key) = &self.key {
            note_move(cx, key);
        }
    }

    /// The object that the plan wants to be there, as far as that is known or foreseen.
    pub(super) fn wanted(&self) -> Option<&ObjectKey> {
        self.key.as_ref().or(self.expected.as_ref())
    }

    fn note(&self, cx: &Cx, plan: &Plan<'_>) {
        let ledger = &cx.session.ledger;
        if let Some(key) = &self.key {
            ledger.note_plan(key, &self.ticket, action(plan), plan.prior, Some(&plan.planned));
        } else if let Some(key) = &self.expected {
            ledger.note_expected(key, &self.ticket, action(plan), &plan.planned);
        }
    }

    /// The plans of other resources that want the same object to be there.
    pub(super) fn rivals(&self, cx: &Cx, plan: &Plan<'_>) -> Vec<Planned> {
        let action = action(plan);
        match self.wanted() {
            Some(key) if action.stays() => cx.session.ledger.rivals(key, &self.ticket, action),
            _ => Vec::new(),
        }
    }
}

/// Leaves a note for the apply when the object is removed at one address and kept or made at another one,
/// or is replaced by one of the same id.
pub(super) fn note_move(cx: &Cx, key: &ObjectKey) {
    let Session { ledger, handover, .. } = &*cx.session;
    if ledger.moves(key) {
        handover.note(key, if ledger.keeps(key) { Note::Kept } else { Note::Made });
    } else if ledger.is_remade(key) {
        handover.note(key, Note::Remade);
    }
}

/// Says once that the apply of a plan that changes something will be refused.
pub(super) fn check_read_only(cx: &Cx, action: Action, diags: &mut Diagnostics) {
    let provider = ObjectKey::called("provider", "");
    if cx.session.read_only && action != Action::Keep && cx.session.ledger.once(&provider, "read_only") {
        diags.push(
            Diagnostic::warning(
                "The provider is read-only: this plan cannot be applied",
                "It is configured with `read_only = true` or `OMNI_READ_ONLY`, so an apply refuses every create, update and destroy.",
            )
            .hint("Remove `read_only` from the provider block to apply, or use this configuration for plans only."),
        );
    }
}

/// Says once that Omni will refuse whatever changes something, since the instance is suspended. It may be lifted before the apply.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn check_suspended(cx: &Cx, action: Action, diags: &mut Diagnostics) -> Result<(), Error> {
    let provider = ObjectKey::called("provider", "");
    if action == Action::Keep || !cx.session.ledger.once(&provider, "suspended") || !view::is_suspended(cx).await? {
        return Ok(());
    }
    diags.push(
        Diagnostic::warning(
            "The Omni instance is suspended: this plan cannot be applied",
            "In a suspended instance everybody may read and nobody may write, whatever their role: Omni will refuse each create, update and destroy.",
        )
        .hint("Have the operator of this Omni lift the suspension before the apply."),
    );
    Ok(())
}

/// Beside a plan: the removal that it leads to must not be made, for these reasons.
const REFUSED: &str = "removal_refused";

/// An error of a plan that is to be applied. A destroy begins with a plan like that, of which nothing is applied: there it is a
/// warning. Where the two cannot be told apart, the error comes with the apply, before the object that is replaced, which `key` names,
/// or anything that is replaced with it, is removed.
pub(crate) fn if_applied(cx: &Cx, plan: &mut Plan<'_>, key: &ObjectKey, error: Diagnostic) -> Diagnostic {
    let command = cx.session.host.command();
    if !command.may_destroy() {
        return error;
    }
    if command.destroys.is_none() {
        let why = [error.summary.clone(), error.detail.clone(), error.hint.clone().unwrap_or_default()];
        plan.private.set(REFUSED, &why);
        cx.session.ledger.note_refused(key, why);
    }
    Diagnostic { severity: Severity::Warning, ..error }
}

/// An error of a plan that may be applied, where the apply cannot find out what is wrong: it stays an error unless the host is known
/// to destroy.
pub(crate) fn unless_destroying(cx: &Cx, mut error: Diagnostic) -> Diagnostic {
    if cx.session.host.command().destroys == Some(true) {
        error.severity = Severity::Warning;
    }
    error
}

/// What is replaced together with an owner goes before it, and must stay where the owner does.
pub(super) fn refuse_with(cx: &Cx, plan: &mut Plan<'_>, owners: &[ObjectKey]) {
    if plan.prior.is_none()
        && plan.replaced != Private::default()
        && let Some(why) = owners.iter().find_map(|owner| cx.session.ledger.refused(owner))
    {
        plan.private.set(REFUSED, why);
    }
}

/// Why a removal must not be made, by the plan that leads to it; taken out of what is kept.
pub(super) fn take_refusal(private: &mut Private) -> Option<Diagnostic> {
    let [summary, detail, hint] = private.get::<[String; 3]>(REFUSED)?;
    private.remove(REFUSED);
    let error = Diagnostic::error(summary, detail);
    Some(if hint.is_empty() { error } else { error.hint(hint) })
}

/// What a plan does with the object.
pub(super) fn action(plan: &Plan<'_>) -> Action {
    match plan.prior {
        None => Action::Create,
        Some(_) if !plan.replace.is_empty() => Action::Replace,
        Some(prior) if *prior == plan.planned => Action::Keep,
        Some(_) => Action::Update,
    }
}

/// `value` with the ids of what this run is to make in the place of unknown values that will be these.
/// It is for questions alone: what is planned stays unknown.
pub(super) fn foreseen(cx: &Cx, value: &Value) -> Value {
    match value {
        Value::Unknown(_) => match value.foreseen().filter(|id| cx.session.ledger.makes(id)) {
            Some(id) => id.into(),
            None => value.clone(),
        },
        Value::Object(all) => Value::object(all.iter().map(|(name, v)| (name.clone(), foreseen(cx, v)))),
        other => other.clone(),
    }
}

/// `value` with null in the place of everything unknown.
pub(super) fn known(value: &Value) -> Value {
    match value {
        Value::Unknown(_) => Value::Null,
        Value::List(v) => Value::List(v.iter().map(known).collect()),
        Value::Set(v) => Value::Set(v.iter().map(known).collect()),
        Value::Tuple(v) => Value::Tuple(v.iter().map(known).collect()),
        Value::Map(m) => Value::map(m.iter().map(|(k, v)| (k.clone(), known(v)))),
        Value::Object(m) => Value::object(m.iter().map(|(k, v)| (k.clone(), known(v)))),
        Value::Dynamic(t, v) => Value::Dynamic(t.clone(), Box::new(known(v))),
        other => other.clone(),
    }
}
