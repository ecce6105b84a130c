//! `SetBackend`: the objects of any [`ObjectSet`] type, in the state of Omni.

use super::super::owed::SET_NONE;
use super::marks::{
    digest, finish, given_away, is_others, is_part, is_unfinished, mark, mark_the_rest, unfinished, unmark,
    without_mark_changes,
};
use super::parts::{
    HAND_OVER, Parts, RENDERED, RESOURCES, handed_over, keys_of, list_of, part_name, show, show_all, show_as_before,
    show_wanted, stub, with_defaults,
};
use super::sync::{Change, Observer, Stopped, carry_out};
use super::{ObjectSet, Wanted};
use crate::omni::spec::Spec;
use crate::omni::template::{Conflict, SyncPlan};
use crate::omni::{Error, ErrorKind, Key, Phase, Resource as Stored, labels};
use crate::provider::engine::backend::{Backend, Work};
use crate::provider::engine::base::{self, Entry, ResourceBase};
use crate::provider::engine::cosi::hanging;
use crate::provider::engine::dynamic::{DynType, TypeOf};
use crate::provider::engine::existing::{self, Standing, standing};
use crate::provider::engine::owed::{Owed, STATUS_TIMEOUT, Waiting};
use crate::provider::engine::write::{STANDINGS, await_departure};
use crate::provider::engine::{Cx, Failure, Joined, Object, Write, attributes, list, show as show_attributes};
use crate::provider::errors::{Operation, capital};
use crate::provider::ledger::{ObjectKey, Ticket};
use crate::provider::refusals::templates::OBJECT;
use crate::provider::session::{Handle, OnConflict};
use crate::provider::wait::Awaited;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::list_resource::{ListRequest, ListResults};
use crate::tf::path::Path;
use crate::tf::resource::{Outcome, Plan, Private};
use crate::tf::schema::Attribute;
use crate::tf::value::Value;
use async_trait::async_trait;
use futures_util::stream;
use std::collections::HashSet;
use std::sync::Arc;

/// The computed attribute with the ID of the head, which hosts learn with the create.
const ID: &str = "id";
/// Beside the state: its document was read by an import.
const IMPORTED: &str = "imported_document";

/// Stores the objects of a set in the state of Omni.
pub(crate) struct SetBackend<M> {
    base: ResourceBase,
    kind: TypeOf<M>,
}

/// Writes of a resource: the log is told of them.
struct Logged;

#[async_trait]
impl Observer for Logged {
    async fn wrote(&self, change: Change, key: &Key) {
        tracing::info!(%key, "{}", change.done());
    }
}

impl<M: ObjectSet> SetBackend<M> {
    pub(crate) fn new(handle: &Handle) -> Self {
        let base = ResourceBase::of::<M>(handle, |_| vec![attributes::limits()]);
        Self { base, kind: TypeOf::VALUE }
    }

    pub(super) fn head(id: &str) -> Key {
        M::Spec::KIND.key(id)
    }

    /// What the configuration describes, with the labels and annotations of the provider block; `None` while that is not known.
    async fn wanted(&self, cx: &Cx, config: &Value) -> Result<Option<Wanted>, Diagnostics> {
        let Some(mut wanted) = M::wanted(cx, config).await? else { return Ok(None) };
        let known = with_defaults(&mut wanted.objects, &cx.session.defaults);
        let Some(names) = handed_over(config).filter(|_| known) else { return Ok(None) };
        wanted.handed_over = names;
        Ok(Some(wanted))
    }

    /// What is wanted of an apply: it is known by now, and still what was planned.
    async fn promised(&self, work: &Work<'_>) -> Result<Wanted, Diagnostics> {
        let Some(wanted) = self.wanted(work.cx, work.config).await? else {
            let unknown = Diagnostic::error(work.operation.summary(), "What it consists of is not known.");
            return Err(unknown.at(Path::of(M::IMPORTED)).into());
        };
        let planned = work.planned.get(RENDERED);
        if planned.is_wholly_known() && *planned != show_as_before::<M>(&wanted.objects, planned) {
            let changed = Diagnostic::error(
                work.operation.summary(),
                "What it describes has changed since the plan, such as a file that it names.",
            );
            return Err(changed.hint("Plan again.").at(Path::of(wanted.attribute)).into());
        }
        Ok(wanted)
    }

    /// The objects of the set as they are; those of other resources that only belong to its head are left out.
    async fn actual(&self, cx: &Cx, id: &str, rendered: &[Stored], parts: &Parts) -> Result<Vec<Stored>, Error> {
        let mut actual = M::actual(cx, id, rendered).await?;
        let wanted: HashSet<&Key> = rendered.iter().map(|stored| &stored.key).collect();
        actual.retain(|stored| wanted.contains(&stored.key) || parts.has(&stored.key) || !is_others(stored, id));
        Ok(actual)
    }

    /// What has to be written, in a plan or in its apply.
    fn changes(&self, cx: &Cx, wanted: &Wanted, actual: &[Stored], parts: &Parts) -> Result<SyncPlan, Vec<Diagnostic>> {
        let there = |key: &Key| actual.iter().find(|stored| stored.key == *key);
        let merged: Vec<Stored> =
            wanted.objects.iter().map(|stored| parts.merged::<M>(stored, there(&stored.key))).collect();
        // What another resource has stays: by the configuration, since it has taken it over in this apply, or since it is marked so.
        // An import finds such objects beside those of the document.
        let leaves = |stored: &&Stored| {
            let key = &stored.key;
            let is_left = wanted.hands_over(key) || self.base.is_handed_over(cx, &ObjectKey::from(key));
            !wanted.has(key) && (is_left || is_others(stored, &wanted.id))
        };
        let (left, rest): (Vec<&Stored>, Vec<&Stored>) = actual.iter().partition(leaves);
        let rest: Vec<Stored> = rest.into_iter().cloned().collect();
        let plan = M::sync(&wanted.id, &merged, &rest).map_err(|conflicts| {
            conflicts.iter().map(|conflict| taken(conflict, wanted.attribute)).collect::<Vec<_>>()
        })?;
        let begun = there(&Self::head(&wanted.id)).is_some_and(is_unfinished);
        // An object of the same set that the state does not have was made by a write that was cut off.
        let is_in_the_way = |stored: &&Stored| {
            let is_new = wanted.has(&stored.key) && !parts.has(&stored.key) && stored.key != Self::head(&wanted.id);
            is_new && !begun && is_others(stored, &wanted.id) && !wanted.hands_over(&stored.key)
        };
        let problems: Vec<Diagnostic> =
            actual.iter().filter(is_in_the_way).map(|stored| managed(stored, wanted)).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let managed_by = &cx.session.managed_by;
        let mut plan = without_mark_changes(plan);
        mark(&mut plan, &wanted.id, managed_by);
        let left = left.into_iter().filter(|stored| !is_others(stored, &wanted.id));
        plan.updates.extend(left.filter_map(|stored| given_away(stored, managed_by)));
        Ok(plan)
    }

    /// The state with the head and everything that is known of the objects.
    async fn outcome(
        &self,
        cx: &Cx,
        id: &str,
        known: &Value,
        rendered: Value,
        private: Private,
        (operation, head): (&Operation<'_>, Option<Stored>),
    ) -> Outcome {
        let remembered = |rendered: &Value| {
            let mut state = self.base.remembered(known, id);
            state.set(ID, id.into());
            state.set(RENDERED, rendered.clone());
            state.set(RESOURCES, list_of(rendered));
            state
        };
        let built = async {
            let stored = match head {
                Some(head) => head,
                None => cx.client().get(&cx.call, &Self::head(id)).await?,
            };
            let object = Object::<M::Spec>::decode(stored)?;
            let joined = Joined::read(cx, self.base.binding.joins(), id).await?;
            let mut shown = show_attributes::<M>(&self.base.binding, &object, &joined, known)?;
            shown.set(RESOURCES, list_of(&rendered));
            shown.set(RENDERED, rendered.clone());
            let mut state = self.base.with_all_attributes(&shown);
            attributes::fill_local(&mut state, self.base.binding.local(), known);
            Ok::<_, Failure>(self.base.in_words_of(known, state))
        };
        match built.await {
            Ok(state) => Outcome::ok(state, private, Some(self.base.identity_of(id))),
            // The objects are there: what is known of them must not be lost.
            Err(failure) => self.base.partial(remembered(&rendered), private, id, failure.explain(operation)),
        }
    }

    /// The objects that are there, as the state shows them.
    async fn seen(&self, cx: &Cx, id: &str, rendered: &[Stored], parts: &Parts) -> Result<(Value, Vec<Stored>), Error> {
        let actual = self.actual(cx, id, rendered, parts).await?;
        let ours = actual.iter().filter(|stored| {
            let running = stored.metadata.phase == Phase::Running || stored.key == Self::head(id);
            running && (M::belongs(stored) || parts.names(&stored.key) || is_part(stored, id))
        });
        Ok((show_all::<M>(ours, parts), actual))
    }

    /// What the state keeps when the writes were cut off: the objects that are there by now.
    async fn cut_off(
        &self,
        cx: &Cx,
        known: &Value,
        wanted: &Wanted,
        private: Private,
        (stopped, operation): (Stopped, &Operation<'_>),
    ) -> Outcome {
        let diagnostic = self.explain(&stopped, wanted.attribute, operation);
        // The limit of the operation may be over.
        let look = Cx { session: Arc::clone(&cx.session), call: cx.call.again_within(STATUS_TIMEOUT) };
        let before = match Parts::of(known) {
            Parts::All => Parts::none(),
            known => known,
        };
        let mut keys: HashSet<Key> = keys_of(known.get(RENDERED)).into_iter().collect();
        keys.extend(wanted.objects.iter().map(|stored| stored.key.clone()));
        let stubs: Vec<Stored> = keys.into_iter().map(stub).collect();
        let seen = async {
            let actual = M::actual(&look, &wanted.id, &stubs).await?;
            let ours = actual.iter().filter(|s| is_part(s, &wanted.id) || before.names(&s.key));
            Ok::<_, Error>(show_all::<M>(ours, &before.clone().with(&wanted.objects)))
        };
        let rendered = match seen.await {
            Ok(rendered) => rendered,
            Err(error) => {
                tracing::debug!(%error, "what is there after writes that were cut off is not known");
                match known.get(RENDERED) {
                    Value::Map(all) => Value::Map(all.clone()),
                    _ => show_wanted::<M>(&[]),
                }
            }
        };
        let mut outcome = self.outcome(&look, &wanted.id, known, rendered, private, (operation, None)).await;
        outcome.diags = diagnostic.into();
        outcome
    }

    /// The diagnostic of writes that were cut off.
    fn explain(&self, stopped: &Stopped, attribute: &'static str, operation: &Operation<'_>) -> Diagnostic {
        let name = part_name(&stopped.key);
        let part = Operation { verb: stopped.change.verb(), noun: OBJECT, id: &name, id_attribute: "" };
        let mut told = part.explain(&stopped.error);
        told.path = self.base.schema.attribute(attribute).map(|_| Path::of(attribute));
        let what = operation.what();
        told.detail.push_str(&match operation.verb {
            "destroy" => format!("\n{} is not wholly destroyed, and stays in the state.", capital(&what)),
            "create" => format!("\n{} is not wholly written. The state has what is there.", capital(&what)),
            _ => format!(
                "\n{} is not wholly written. The state has what is there; the next apply writes the rest.",
                capital(&what)
            ),
        });
        told
    }

    /// Says that an object is not what the plan was made on.
    fn conflict(
        &self,
        cx: &Cx,
        wanted: &Wanted,
        prior: &Value,
        actual: &[Stored],
        work: &Work<'_>,
    ) -> Option<Diagnostic> {
        if cx.session.on_conflict != OnConflict::Fail {
            return None;
        }
        let parts = Parts::of(prior);
        let before = prior.get(RENDERED).entries()?;
        let planned = work.planned.get(RENDERED).entries();
        let changed = |stored: &&Stored| {
            let name = part_name(&stored.key);
            let now = show::<M>(stored, &parts);
            before.get(&name).is_some_and(|was| *was != now)
                && planned.and_then(|all| all.get(&name)).is_none_or(|then| *then != now)
                && (wanted.has(&stored.key) || !wanted.hands_over(&stored.key))
        };
        let names: Vec<String> = actual.iter().filter(changed).map(|s| format!("`{}`", part_name(&s.key))).collect();
        let first = names.first()?;
        let more = if names.len() > 1 { format!(" and {} more", names.len() - 1) } else { String::new() };
        Some(
            Diagnostic::error(
                work.operation.summary(),
                format!("{first}{more} was changed in Omni since the plan, and the apply would overwrite that."),
            )
            .hint("Plan again to see the change. `on_conflict = \"overwrite\"` of the provider block applies the plan anyway.")
            .at(Path::of(RENDERED)),
        )
    }

    /// What stands in the place of the head, and whether a create may go on. The second value says that it was there before.
    async fn make_way(&self, work: &Work<'_>, wanted: &Wanted, told: &mut Diagnostics) -> Result<bool, Diagnostic> {
        let (cx, key) = (work.cx, Self::head(&wanted.id));
        let operation = &Operation { noun: M::HEAD, ..work.operation };
        let ledger_key = ObjectKey::from(&key);
        let explained = |error: Error| operation.explain(&error);
        let mut waited = None;
        for _ in 0..STANDINGS {
            let Some(existing) = cx.client().get_fresh(&cx.call, &key).await.map_err(explained)? else {
                return Ok(false);
            };
            match standing(&existing) {
                Standing::Controllers => return Err(existing::of_controllers(operation, &existing)),
                Standing::Deleting => cx.client().remove(&cx.call, &key).await.map_err(explained)?,
                // A create of the same objects was cut off.
                Standing::Managed(_) if unfinished(&existing) == Some(&digest::<M>(&wanted.objects)) => {
                    return Ok(false);
                }
                Standing::Managed(_) if cx.session.handover.may_take_over(&ledger_key, &[]) => {
                    cx.session.ledger.note_adopted(&ledger_key);
                    return Ok(true);
                }
                Standing::Managed(_) if existing::is_held_by_predecessor(cx, &ledger_key) => {
                    return Err(existing::held_by_predecessor(operation));
                }
                Standing::Managed(mark) => match waited {
                    None => waited = Some(await_departure(cx, &key).await.map_err(explained)?),
                    Some(time) => {
                        let adopts = cx.session.adopt_existing;
                        return Err(existing::held(M::NAME, operation, &key.id, &mark, adopts, time));
                    }
                },
                Standing::Stranger if !cx.session.adopt_existing => {
                    return Err(existing::duplicate(M::NAME, operation, &key.id, true));
                }
                Standing::Stranger => {
                    cx.session.ledger.note_adopted(&ledger_key);
                    if cx.session.ledger.once(&ledger_key, "adoption") {
                        let why =
                            format!("Omni already has the {}, without the managed-by annotation.", operation.what());
                        told.push(existing::adopted(operation, &why, ""));
                    }
                    return Ok(true);
                }
            }
        }
        let what = format!("another writer to leave {} alone", operation.what());
        Err(operation.explain(&Error::Timeout { what, after: cx.call.remaining() }))
    }

    /// Writes the objects of a new set.
    async fn write_new(&self, cx: &Cx, wanted: &Wanted) -> Result<(), WriteError> {
        let parts = Parts::none();
        let actual = self.actual(cx, &wanted.id, &wanted.objects, &parts).await?;
        let mut plan = self.changes(cx, wanted, &actual, &parts).map_err(WriteError::Refused)?;
        let head = Self::head(&wanted.id);
        let digest = digest::<M>(&wanted.objects);
        let written = plan.creates.iter_mut().chain(plan.updates.iter_mut().map(|update| &mut update.to));
        for stored in written.filter(|stored| stored.key == head) {
            stored.metadata.annotations.insert(labels::UNFINISHED.to_owned(), digest.clone());
        }
        carry_out(cx, &plan, &Logged).await.map_err(WriteError::Stopped)?;
        let done = finish(cx, &head).await.map_err(|error| Stopped { change: Change::Update, key: head, error });
        done.map_err(WriteError::Stopped)
    }

    /// What the host keeps once everything is written, and waited for.
    async fn written(&self, work: &Work<'_>, id: &str, mut private: Private, owed: Owed, told: Diagnostics) -> Outcome {
        let Work { cx, operation, planned, config, .. } = work;
        private.remove(IMPORTED);
        attributes::track(&mut private, config);
        let rendered = match planned.get(RENDERED) {
            known if known.is_wholly_known() => known.clone(),
            _ => match self.wanted(cx, config).await {
                Ok(Some(wanted)) => show_wanted::<M>(&wanted.objects),
                _ => show_wanted::<M>(&[]),
            },
        };
        let mut outcome = self.outcome(cx, id, planned, rendered, private, (operation, None)).await;
        if let Ok(head) = cx.client().get(&cx.call, &Self::head(id)).await {
            outcome = self.settle(cx, outcome, &head, owed, operation).await;
        }
        let mut diags = told;
        diags.extend(std::mem::take(&mut outcome.diags));
        outcome.diags = diags;
        outcome
    }
}

/// Why objects were not written.
enum WriteError {
    /// What is there could not be read, and nothing was written.
    Unread(Error),
    /// Something is in the way, and nothing was written.
    Refused(Vec<Diagnostic>),
    /// A write failed.
    Stopped(Stopped),
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        Self::Unread(error)
    }
}

/// Another resource or another state manages an object under the ID of a wanted one.
fn managed(stored: &Stored, wanted: &Wanted) -> Diagnostic {
    let mark = stored.metadata.annotations.get(labels::MANAGED_BY).map_or("", String::as_str);
    Diagnostic::error(
        format!("`{}` is managed by another resource", part_name(&stored.key)),
        format!("Its annotation `{} = {mark:?}` shows that another resource or another state manages it, and the template describes it too.", labels::MANAGED_BY),
    )
    .hint(format!("Remove it from the template or from what manages it. If nothing manages it any more, add {:?} to `{HAND_OVER}`.", part_name(&stored.key)))
    .at(Path::of(wanted.attribute))
}

/// The plan no longer shows an object that something else may manage.
fn stays_managed(stored: &Stored, attribute: &'static str) -> Diagnostic {
    let name = part_name(&stored.key);
    Diagnostic::warning(
        format!("`{name}` stays in Omni"),
        format!("Its annotation `{}` shows that another resource or another state manages it, and the template does not describe it.", labels::MANAGED_BY),
    )
    .hint(format!("If nothing else manages it and it is to be destroyed, describe it in the template, name it in `{HAND_OVER}`, apply, and then remove it from both."))
    .at(Path::of(attribute))
}

/// Something else has an object under the ID of a wanted one.
pub(crate) fn taken(conflict: &Conflict, attribute: &'static str) -> Diagnostic {
    Diagnostic::error(format!("`{}` is not free", part_name(&conflict.key)), format!("It {}.", conflict.reason))
        .hint("Remove it there first, or choose another one in the template.")
        .at(Path::of(attribute))
}

#[async_trait]
impl<M: ObjectSet> Waiting for SetBackend<M> {
    fn stop_waiting(&self) -> &'static str {
        SET_NONE
    }

    fn stored_at(&self, id: &str) -> Key {
        Self::head(id)
    }

    async fn awaited(&self, cx: &Cx, state: &Value, stored: &Stored, write: Write) -> Result<Awaited, Error> {
        let object = Object::<M::Spec>::decode(stored.clone())?;
        M::awaited(cx, state, &object, write).await
    }

    async fn obstacles(&self, cx: &Cx, state: &Value, key: &Key) -> Result<Vec<String>, Error> {
        M::obstacles(cx, state, key).await
    }

    async fn refreshed(&self, cx: &Cx, outcome: Outcome, key: &Key, operation: &Operation<'_>) -> Outcome {
        let Some(state) = &outcome.state else { return outcome };
        let rendered = state.get(RENDERED).clone();
        let fresh = self.outcome(cx, &key.id, state, rendered, outcome.private.clone(), (operation, None)).await;
        if fresh.diags.has_errors() { outcome } else { fresh }
    }
}

#[async_trait]
impl<M: ObjectSet> Backend for SetBackend<M> {
    fn kind(&self) -> &dyn DynType {
        &self.kind
    }

    fn base(&self) -> &ResourceBase {
        &self.base
    }

    fn key(&self, state: &Value) -> Option<ObjectKey> {
        M::id(state).map(|id| ObjectKey::from(&Self::head(&id)))
    }

    fn complete_plan(&self, plan: &mut Plan<'_>) {
        M::modify_plan(plan);
    }

    async fn plan_owed(&self, cx: Option<&Cx>, plan: &mut Plan<'_>) -> bool {
        self.owes_wait(cx, plan).await
    }

    /// Settles what the plan consists of.
    async fn look_up(&self, cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        let wanted = match self.wanted(cx, plan.config).await {
            Ok(Some(wanted)) => wanted,
            Ok(None) => {
                if plan.prior.is_some_and(|prior| *prior != plan.planned) {
                    plan.planned.set(RENDERED, Value::UNKNOWN);
                }
                return Ok(());
            }
            Err(diags) => {
                plan.diags.extend(diags);
                return Ok(());
            }
        };
        plan.planned.set(M::ID, wanted.id.as_str().into());
        let prior = plan.prior.filter(|prior| M::id(prior).as_ref() == Some(&wanted.id));
        let rendered = match prior {
            Some(prior) => show_as_before::<M>(&wanted.objects, prior.get(RENDERED)),
            None => show_wanted::<M>(&wanted.objects),
        };
        if plan.prior.is_some() && prior.is_none() && !plan.replace.contains(&Path::of(M::ID)) {
            plan.replace.push(Path::of(M::ID));
        }
        let same = prior.filter(|prior| *prior.get(RENDERED) == rendered);
        plan.planned.set(RESOURCES, list_of(&rendered));
        plan.planned.set(RENDERED, rendered);
        let computed = |attribute: &&Attribute| {
            !attribute.configurable() && ![M::ID, RENDERED, RESOURCES].contains(&attribute.name)
        };
        for attribute in self.base.schema.attributes.iter().filter(computed) {
            match (same, prior, attribute.name) {
                // No object changes, so the computed attributes keep their values.
                (Some(prior), ..) => plan.planned.set(attribute.name, prior.get(attribute.name).clone()),
                (None, Some(prior), ID) => plan.planned.set(ID, prior.get(ID).clone()),
                (None, None, ID) => plan.planned.set(ID, Value::foretold(wanted.id.as_str())),
                _ => plan.planned.set(attribute.name, Value::UNKNOWN),
            }
        }
        // An import has written the document in other words than the configuration.
        if let Some(prior) = same
            && plan.private.get::<bool>(IMPORTED) == Some(true)
            && prior.get(M::IMPORTED).is_set()
            && plan.config.get(M::IMPORTED).is_set()
        {
            plan.planned.set(M::IMPORTED, prior.get(M::IMPORTED).clone());
        }
        Ok(())
    }

    fn check_run(&self, cx: &Cx, ticket: &Ticket, plan: &mut Plan<'_>) {
        M::check_run(cx, ticket, plan);
        self.note_parts(cx, ticket, plan);
    }

    async fn check_existing(&self, cx: &Cx, plan: &mut Plan<'_>, entry: &Entry) -> Result<(), Failure> {
        let Ok(Some(wanted)) = self.wanted(cx, plan.config).await else { return Ok(()) };
        if plan.diags.has_errors() {
            return Ok(());
        }
        let prior = plan.prior.filter(|_| plan.replace.is_empty());
        let parts = prior.map_or_else(Parts::none, Parts::of);
        let actual = match prior {
            Some(_) => self.actual(cx, &wanted.id, &wanted.objects, &parts).await?,
            None => {
                let key = Self::head(&wanted.id);
                let expected = entry.key.as_ref().is_some_and(|key| existing::is_expected(cx, key));
                let head = match cx.read(&key).await {
                    Ok(head) => Some(head),
                    Err(error) if error.is(ErrorKind::NotFound) => None,
                    Err(error) => return Err(error.into()),
                };
                if let Some(head) = head.as_ref().filter(|_| !expected) {
                    plan.diags.extend(self.check_head(cx, head, &wanted).into_iter().collect());
                }
                // What is there is removed first, or stops the apply.
                if head.is_some_and(|head| !is_unfinished(&head)) && !cx.session.adopt_existing {
                    Vec::new()
                } else {
                    self.actual(cx, &wanted.id, &wanted.objects, &parts).await?
                }
            }
        };
        let mut actual = actual;
        if prior.is_none() {
            // What a set had before it is replaced has gone by the time of the apply.
            let ledger = &cx.session.ledger;
            actual.retain(|stored| !ledger.removes(&ObjectKey::from(&stored.key), &entry.ticket));
        }
        match self.changes(cx, &wanted, &actual, &parts) {
            Ok(sync) => {
                // An import shows whatever belongs to the head.
                let left = actual.iter().filter(|stored| is_others(stored, &wanted.id) && parts.has(&stored.key));
                let left = left.filter(|stored| !wanted.has(&stored.key) && !wanted.hands_over(&stored.key));
                plan.diags.extend(left.map(|stored| stays_managed(stored, wanted.attribute)).collect());
                M::check_changes(cx, plan, &wanted, &sync).await
            }
            Err(problems) => {
                // What others have may change before the apply, and a plan leads to a destroy too.
                for problem in problems {
                    plan.diags.push(existing::foretold(problem));
                }
                Ok(())
            }
        }
    }

    fn also_removes(&self, prior: &Value) -> Vec<ObjectKey> {
        keys_of(prior.get(RENDERED)).iter().map(ObjectKey::from).collect()
    }

    fn note_removal(&self, cx: &Cx, key: &ObjectKey, prior: &Value, _private: &mut Private) {
        for part in keys_of(prior.get(RENDERED)) {
            let known = ObjectKey::from(&part);
            if known == *key {
                continue;
            }
            cx.session.ledger.note_removal(&known, &M::note_of(&stub(part)));
            base::note_move(cx, &known);
        }
        if cx.session.ledger.moves(key) {
            base::note_move(cx, key);
        } else {
            cx.session.handover.note_gone(key, &[], true);
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
        let head = match cx.read_surely(&Self::head(id), None).await {
            Ok(head) => head,
            Err(error) if error.is(ErrorKind::NotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let parts = Parts::of(state);
        let stubs: Vec<Stored> = keys_of(state.get(RENDERED)).into_iter().map(stub).collect();
        let (rendered, actual) = self.seen(cx, id, &stubs, &parts).await?;
        let (mut known, mut private) = (state.clone(), private.clone());
        if self.base.is_import(state) {
            known.set(M::IMPORTED, M::document(cx, id, &actual).await?.into());
            private.set(IMPORTED, true);
        }
        let mut outcome = self.outcome(cx, id, &known, rendered, private, (operation, Some(head.clone()))).await;
        self.read_owed(cx, &mut outcome, &head).await;
        if head.metadata.phase == Phase::TearingDown {
            outcome.diags.push(Diagnostic::warning(
                format!("{} is being destroyed", capital(&operation.what())),
                "Its removal has not finished, so the object can no longer be changed.",
            ));
        }
        Ok(Some(outcome))
    }

    fn list_arguments(&self) -> Option<Vec<Attribute>> {
        Some(vec![list::id_regexp()])
    }

    async fn list(&self, cx: &Cx, request: &ListRequest, results: &mut dyn ListResults) -> Result<(), Failure> {
        let all = M::all(cx).await?;
        list::send(self, cx, request, results, stream::iter(all.into_iter().map(Ok))).await
    }

    async fn create(&self, work: Work<'_>) -> Outcome {
        let (cx, prior) = (work.cx, work.prior);
        let outcome = self.create_all(work).await;
        Self::note_done(cx, prior, outcome.state.as_ref());
        outcome
    }

    async fn update(&self, work: Work<'_>) -> Outcome {
        let (cx, prior) = (work.cx, work.prior);
        let outcome = self.update_all(work).await;
        Self::note_done(cx, prior, outcome.state.as_ref());
        outcome
    }

    async fn delete(&self, work: Work<'_>) -> Outcome {
        let (cx, prior) = (work.cx, work.prior);
        let outcome = self.delete_all(work).await;
        Self::note_done(cx, prior, outcome.state.as_ref());
        outcome
    }
}

/// The verbs, without what the ledger is told.
impl<M: ObjectSet> SetBackend<M> {
    async fn create_all(&self, work: Work<'_>) -> Outcome {
        let cx = work.cx;
        let wanted = match self.promised(&work).await {
            Ok(wanted) => wanted,
            Err(diagnostics) => return Outcome::failed(diagnostics),
        };
        let mut told = Diagnostics::new();
        let adopted = match self.make_way(&work, &wanted, &mut told).await {
            Ok(adopted) => adopted,
            Err(diagnostic) => return Outcome::failed(diagnostic),
        };
        let key = Self::head(&wanted.id);
        let lock = match cx.session.key_locks.take(&cx.call, &key).await {
            Ok(lock) => lock,
            Err(error) => return Outcome::failed(work.operation.explain(&error)),
        };
        let result = self.write_new(cx, &wanted).await;
        drop(lock);
        match result {
            Ok(()) => self.written(&work, &wanted.id, Private::default(), Owed { after: Write::Create }, told).await,
            Err(WriteError::Unread(error)) => Outcome::failed(work.operation.explain(&error)),
            Err(WriteError::Refused(problems)) => Outcome::failed(problems.into_iter().collect::<Diagnostics>()),
            Err(WriteError::Stopped(stopped)) => {
                // What was taken over is not ours to replace: another create goes on with it.
                let nothing = stopped.key == key && !stopped.error.may_have_happened();
                if adopted || (nothing && stopped.change == Change::Create) {
                    return Outcome::failed(self.explain(&stopped, wanted.attribute, &work.operation));
                }
                let mut private = Private::default();
                attributes::track(&mut private, work.config);
                let mut known = work.planned.clone();
                known.set(RENDERED, Value::Null);
                let mut outcome = self.cut_off(cx, &known, &wanted, private, (stopped, &work.operation)).await;
                outcome.diags = outcome.diags.iter().cloned().map(|told| with_taint(told, &work.operation)).collect();
                outcome
            }
        }
    }

    async fn update_all(&self, work: Work<'_>) -> Outcome {
        let Work { cx, id, prior, planned, .. } = &work;
        let (cx, id, prior) = (*cx, *id, *prior);
        let kept = |diagnostics: Diagnostics| self.base.partial(prior.clone(), work.private.clone(), id, diagnostics);
        let owed = Owed::load(&work.private);
        let writes = owed.is_none() || planned.get(RENDERED) != prior.get(RENDERED);
        if writes && let Err(refused) = self.base.may_write(cx, &work.operation) {
            return kept(refused.into());
        }
        let wanted = match self.promised(&work).await {
            Ok(wanted) => wanted,
            Err(diagnostics) => return kept(diagnostics),
        };
        let parts = Parts::of(prior);
        let mut stubs = wanted.objects.clone();
        let missing = |key: &Key| !wanted.objects.iter().any(|stored| stored.key == *key);
        stubs.extend(keys_of(prior.get(RENDERED)).into_iter().filter(missing).map(stub));
        let actual = match self.actual(cx, id, &stubs, &parts).await {
            Ok(actual) => actual,
            Err(error) => return kept(work.operation.explain(&error).into()),
        };
        if let Some(conflict) = self.conflict(cx, &wanted, prior, &actual, &work) {
            return kept(conflict.into());
        }
        let mut plan = match self.changes(cx, &wanted, &actual, &parts) {
            Ok(plan) => plan,
            Err(problems) => return kept(problems.into_iter().collect()),
        };
        mark_the_rest(&mut plan, &wanted, &actual, &parts, &cx.session.managed_by);
        if let Err(stopped) = carry_out(cx, &plan, &Logged).await {
            return self.cut_off(cx, prior, &wanted, work.private.clone(), (stopped, &work.operation)).await;
        }
        let begun = actual.iter().any(|stored| stored.key == Self::head(id) && is_unfinished(stored));
        if begun && let Err(error) = finish(cx, &Self::head(id)).await {
            tracing::debug!(id, %error, "the head still says that its first write has not ended");
        }
        let owed = owed.unwrap_or(Owed { after: Write::Update });
        self.written(&work, id, work.private.clone(), owed, Diagnostics::new()).await
    }

    async fn delete_all(&self, work: Work<'_>) -> Outcome {
        let Work { cx, operation, id, prior, mut private, .. } = work;
        if let Some(refused) = base::take_refusal(&mut private) {
            return self.base.partial(prior.clone(), private, id, refused);
        }
        let kept = |diagnostic| self.base.partial(prior.clone(), private.clone(), id, diagnostic);
        let key = Self::head(id);
        let stubs: Vec<Stored> = keys_of(prior.get(RENDERED)).into_iter().map(stub).collect();
        let removed = async {
            let _lock = cx.session.key_locks.take(&cx.call, &key).await?;
            if self.base.is_handed_over(cx, &ObjectKey::from(&key)) {
                return Ok::<_, Failure>(Ok(false));
            }
            let actual = self.actual(cx, id, &stubs, &Parts::of(prior)).await?;
            let mut plan = M::removal(cx, prior, &actual).await?;
            unmark(&mut plan);
            Ok(carry_out(cx, &plan, &Logged).await.map(|()| true))
        };
        match removed.await {
            Ok(Ok(true)) => Outcome::default(),
            Ok(Ok(false)) => existing::handed_over(cx, &operation, &ObjectKey::from(&key)),
            Ok(Err(stopped)) if stopped.error.is(ErrorKind::Timeout) => {
                // The operation's own limit is over; looking for the reason has a separate, short limit.
                let look = Cx { session: Arc::clone(&cx.session), call: cx.call.again_within(STATUS_TIMEOUT) };
                let why = M::why_stuck(&look, &key).await;
                let limit = self.base.limit(cx, prior, "delete");
                kept(hanging(&operation, &stopped.error, &limit, why))
            }
            Ok(Err(stopped)) => kept(self.explain(&stopped, "", &operation)),
            Err(failure) => kept(failure.explain(&operation)),
        }
    }
}

/// Says what becomes of a set whose first write was cut off.
fn with_taint(mut told: Diagnostic, operation: &Operation<'_>) -> Diagnostic {
    told.detail.push_str(&format!(
        "\nTerraform marks {} as tainted and would replace it. After `terraform untaint`, the next apply writes the rest.",
        operation.what()
    ));
    told
}
