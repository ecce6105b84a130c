//! The ledger of a run: what this process has read, planned, written and removed, by object.
//!
//! An engine handles one object at a time; a check that relates two objects queries the ledger. Engines write it, checks read it.
//! It knows no resource type and makes no calls.
//!
//! # What a process sees
//! - Validate, plan and apply are separate processes, and each configuration of the provider starts a new ledger:
//!   an apply knows nothing of what its plan has read, nor of removals that follow.
//! - Dependencies are planned first; all other orders are possible. A missing record means nothing:
//!   the object may follow, or `-target` may exclude it. A record is certain.
//! - The apply plans each object again before it writes it. Removals are planned in the process of the plan only.
//! - A replacement is planned twice, first with the prior state and then as a create; a ticket in the private data of the plan
//!   shows that both are for one resource.
//! - Terraform does not pass the address of a resource. Diagnostics can name type and ID, and the difference of two blocks.
//!
//! # Example
//! A check of a machine set whose cluster is locked in Omni:
//! ```ignore
//! let cluster = ObjectKey::from(&ClusterSpec::KIND.key("prod"));
//! let unlocked = cx.session.ledger.planned(&cluster).is_some_and(|c| c.get("locked").as_bool() == Some(false));
//! ```

use crate::omni::spec::names;
use crate::omni::{Key, Resource as Stored};
use crate::tf::packed::{Names, Packed};
use crate::tf::resource::Private;
use crate::tf::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where the private data of a plan keeps the ticket; it never gets into a state.
const TICKET: &str = "ticket";

/// What names an object: the type of Omni, or the resource type for those behind calls of their own, and the id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectKey {
    kind: &'static str,
    id: String,
}

impl ObjectKey {
    /// An object behind calls of its own: `omni_user`, and what the type's `id` gives.
    pub(crate) fn called(type_name: &'static str, id: impl Into<String>) -> Self {
        Self { kind: type_name, id: id.into() }
    }
}

impl ObjectKey {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What messages call it: `ConfigPatches/200-cluster-prod-ntp`.
    pub(crate) fn display(&self) -> String {
        format!("{}/{}", self.kind.strip_suffix(names::SUFFIX).unwrap_or(self.kind), self.id)
    }

    /// What it is made of, for digests.
    pub(crate) fn parts(&self) -> [&str; 2] {
        [self.kind, &self.id]
    }
}

impl From<&Key> for ObjectKey {
    fn from(key: &Key) -> Self {
        Self { kind: key.kind.name, id: key.id.clone() }
    }
}

/// What a plan does with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Makes it; the second plan of a replacement too.
    Create,
    /// Changes it in place.
    Update,
    /// Leaves it as it is.
    Keep,
    /// Removes it, since an object takes its place, under the same id or another one.
    Replace,
    /// Removes it for good.
    Remove,
}

impl Action {
    /// Whether the object is there afterwards.
    pub(crate) fn stays(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Keep)
    }
}

/// A plan of one resource for an object.
#[derive(Clone)]
pub(crate) struct Planned {
    pub(crate) action: Action,
    /// The state after, unknown where it is not known yet; `None` where the object goes.
    pub(crate) planned: Option<Value>,
}

/// The same as the ledger stores it: a run may plan very many objects.
struct Record {
    ticket: String,
    action: Action,
    /// The state before; `None` for a create.
    prior: Option<Packed>,
    planned: Option<Packed>,
}

/// What an apply did to an object.
enum Done {
    /// Made or changed it; the state that it has now.
    Written(Packed),
    /// Removed it.
    Removed,
}

/// Most objects of a large refresh are read and nothing else.
#[derive(Default)]
struct Entry {
    /// As it was read last, for a refresh or an import.
    read: Option<Packed>,
    events: Events,
}

/// What else there is to know of an object, where there is anything.
#[derive(Default)]
struct Events(Option<Box<More>>);

#[derive(Default)]
struct More {
    /// In the order in which they were made; one for each resource and action. A write ends them.
    plans: Vec<Record>,
    /// Plans of what is to be made under this id, which the host does not know yet.
    expected: Vec<Record>,
    /// In the order in which it was done.
    done: Vec<Done>,
    /// Whether a create of this run has taken over an object that was there.
    adopted: bool,
    /// Why the apply must not remove it: summary, detail and hint.
    refused: Option<Box<[String; 3]>>,
    /// What was told of the object once, and need not be told again.
    told: BTreeSet<&'static str>,
    /// The set that makes it as one of its objects: the attribute by which resources name the set, and the set.
    joins: Option<(&'static str, String)>,
    /// The changes that other resources of this run have made to it.
    side_change: Option<SideChange>,
}

impl Deref for Events {
    type Target = More;

    fn deref(&self) -> &More {
        static NOTHING: More = More {
            plans: Vec::new(),
            expected: Vec::new(),
            done: Vec::new(),
            adopted: false,
            refused: None,
            told: BTreeSet::new(),
            joins: None,
            side_change: None,
        };
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Events {
    fn deref_mut(&mut self) -> &mut More {
        self.0.get_or_insert_default()
    }
}

/// A change of an object by another resource than the one that manages it, such as a join token that gives up being the default.
struct SideChange {
    /// The object before the first one.
    before: Stored,
    /// Its version after the last one.
    version: Option<u64>,
}

#[allow(dead_code, reason = "as for the questions")]
impl Entry {
    fn goes(&self) -> bool {
        let plans = |test: fn(Action) -> bool| self.events.plans.iter().any(|p| test(p.action));
        // What is held and made at the same time is tainted, or comes back under another address.
        let remade = self.read.is_some() && plans(|a| a == Action::Create);
        remade || plans(|a| !a.stays()) || self.events.done.iter().any(|d| matches!(d, Done::Removed))
    }
}

/// By kind and ID: there may be very many objects of one kind.
#[derive(Default)]
struct Entries(BTreeMap<&'static str, BTreeMap<Box<str>, Entry>>);

impl Entries {
    fn get(&self, key: &ObjectKey) -> Option<&Entry> {
        self.0.get(key.kind)?.get(key.id.as_str())
    }

    /// The entry of an object, which is made if there is none.
    fn entry(&mut self, key: &ObjectKey) -> &mut Entry {
        self.0.entry(key.kind).or_default().entry(key.id.as_str().into()).or_default()
    }

    /// The objects of a kind, in the order of their IDs.
    fn keys_of(&self, kind: &str) -> Vec<ObjectKey> {
        let Some((kind, of_kind)) = self.0.get_key_value(kind) else { return Vec::new() };
        of_kind.keys().map(|id| ObjectKey::called(kind, &**id)).collect()
    }
}

/// What the run has come to know; see the head of this file. It is never printed: states may hold secrets.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: Mutex<Entries>,
    /// The names in the stored values; locked after the entries, or alone.
    names: Mutex<Names>,
    /// Whether the host has begun to apply.
    applies: AtomicBool,
}

/// Which resource a plan is for, from one plan call of it to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(String);

impl Ticket {
    /// The ticket of a plan that is being made: the one of the first plan where this is the second one of a replacement,
    /// else a new one. `replaced` is what that first plan kept, `private` what goes to the host.
    pub(crate) fn of(replaced: &Private, private: &mut Private) -> Self {
        let ticket = replaced.get::<String>(TICKET).unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        private.set(TICKET, &ticket);
        Self(ticket)
    }

    /// Takes the ticket out of what goes into a state.
    pub(crate) fn strip(private: &mut Private) {
        private.remove(TICKET);
    }
}

/// What the engines record.
impl Ledger {
    /// The host applies a change: from now on it plans an object only right before it applies it.
    pub(crate) fn note_apply(&self) {
        self.applies.store(true, Ordering::Relaxed);
    }

    /// The object was read for a refresh or after an import.
    pub(crate) fn note_read(&self, key: &ObjectKey, state: &Value) {
        let state = self.pack(state);
        self.entry(key, |entry| entry.read = Some(state));
    }

    /// The object was looked for and is gone.
    pub(crate) fn note_gone(&self, key: &ObjectKey) {
        self.entry(key, |entry| entry.read = None);
    }

    /// A plan was made for the object; the last one of a resource counts.
    pub(crate) fn note_plan(
        &self,
        key: &ObjectKey,
        ticket: &Ticket,
        action: Action,
        prior: Option<&Value>,
        planned: Option<&Value>,
    ) {
        let plan = Record {
            ticket: ticket.0.clone(),
            action,
            prior: prior.map(|prior| self.pack(prior)),
            planned: planned.filter(|_| action.stays()).map(|planned| self.pack(planned)),
        };
        self.entry(key, |entry| {
            // A forced replacement is planned first as if nothing were replaced, and then as a create.
            if action == Action::Create
                && let Some(old) = entry.events.plans.iter_mut().find(|p| p.ticket == plan.ticket && p.prior.is_some())
            {
                (old.action, old.planned) = (Action::Replace, None);
            }
            let same = |p: &Record| p.ticket == plan.ticket && p.prior.is_some() == plan.prior.is_some();
            match entry.events.plans.iter_mut().find(|p| same(p)) {
                Some(slot) => *slot = plan,
                None => entry.events.plans.push(plan),
            }
        });
    }

    /// A plan was made for an object whose id the host gets to know in the apply only, and it will be this one.
    pub(crate) fn note_expected(&self, key: &ObjectKey, ticket: &Ticket, action: Action, planned: &Value) {
        let planned = Some(self.pack(planned));
        self.entry(key, |entry| {
            entry.events.expected.retain(|p| p.ticket != ticket.0);
            if action.stays() {
                entry.events.expected.push(Record { ticket: ticket.0.clone(), action, prior: None, planned });
            }
        });
    }

    /// The apply must not remove the object, for this reason.
    pub(crate) fn note_refused(&self, key: &ObjectKey, why: [String; 3]) {
        self.entry(key, |entry| entry.events.refused = Some(Box::new(why)));
    }

    /// A removal of the object was planned.
    pub(crate) fn note_removal(&self, key: &ObjectKey, prior: &Value) {
        let ticket = Ticket(uuid::Uuid::new_v4().to_string());
        self.note_plan(key, &ticket, Action::Remove, Some(prior), None);
    }

    /// A plan was made for the object and came to nothing.
    pub(crate) fn forget_plan(&self, key: &ObjectKey, ticket: &Ticket) {
        self.entry(key, |entry| {
            entry.events.plans.retain(|p| p.ticket != ticket.0);
            entry.events.expected.retain(|p| p.ticket != ticket.0);
        });
    }

    /// The object was made or changed.
    pub(crate) fn note_written(&self, key: &ObjectKey, state: &Value) {
        let state = self.pack(state);
        self.entry(key, |entry| {
            entry.events.plans.clear();
            entry.events.done.push(Done::Written(state));
        });
    }

    /// What was planned for the object has failed, and left nothing.
    pub(crate) fn note_failed(&self, key: &ObjectKey) {
        self.entry(key, |entry| entry.events.plans.clear());
    }

    /// A create is about to take over an object that is there; told before the first call, so that no removal comes in between.
    pub(crate) fn note_adopted(&self, key: &ObjectKey) {
        self.entry(key, |entry| entry.events.adopted = true);
    }

    /// Another resource than the one that manages the object has changed it: as it was, and as it is now.
    pub(crate) fn note_side_change(&self, before: &Stored, after: &Stored) {
        self.entry(&ObjectKey::from(&before.key), |entry| {
            // Somebody else may have been at it in between: what counts then is how they left it.
            let first = entry.events.side_change.take().filter(|change| change.version == before.metadata.version);
            let before = first.map_or_else(|| before.clone(), |change| change.before);
            entry.events.side_change = Some(SideChange { before, version: after.metadata.version });
        });
    }

    /// The object is created as part of a set, which other resources name by this attribute.
    pub(crate) fn note_joins(&self, key: &ObjectKey, attribute: &'static str, set: &str) {
        self.entry(key, |entry| entry.events.joins = Some((attribute, set.to_owned())));
    }

    /// The object was removed.
    pub(crate) fn note_removed(&self, key: &ObjectKey) {
        self.entry(key, |entry| entry.events.done.push(Done::Removed));
    }

    fn entry(&self, key: &ObjectKey, change: impl FnOnce(&mut Entry)) {
        change(self.lock().entry(key));
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pack(&self, value: &Value) -> Packed {
        self.names().pack(value)
    }

    fn unpack(&self, packed: &Packed) -> Value {
        self.names().unpack(packed)
    }
}

/// What checks ask.
#[allow(dead_code, reason = "a question stays where it belongs, whoever asks it today")]
impl Ledger {
    /// The state that this run gives the object: as written, or else as planned last, with unknowns.
    /// `None` when nobody in this process has planned for it to be there, which says nothing about what is still to come.
    pub(crate) fn planned(&self, key: &ObjectKey) -> Option<Value> {
        let all = self.lock();
        let entry = all.get(key)?;
        match entry.events.done.last() {
            Some(Done::Written(state)) => Some(self.unpack(state)),
            Some(Done::Removed) | None => {
                let planned =
                    entry.events.expected.iter().chain(&entry.events.plans).rev().find_map(|p| p.planned.as_ref());
                planned.map(|planned| self.unpack(planned))
            }
        }
    }

    /// The state that the configuration's resource had before: as read in this process, or else as a plan was based on.
    pub(crate) fn prior(&self, key: &ObjectKey) -> Option<Value> {
        let all = self.lock();
        let entry = all.get(key)?;
        let prior = entry.read.as_ref().or_else(|| entry.events.plans.iter().find_map(|p| p.prior.as_ref()));
        prior.map(|prior| self.unpack(prior))
    }

    /// Whether the object as it was before this run is planned to go, for good or to be replaced, or has gone.
    pub(crate) fn goes(&self, key: &ObjectKey) -> bool {
        self.lock().get(key).is_some_and(Entry::goes)
    }

    /// Whether a plan of the resource of `ticket` removes the object, for good or to replace it.
    pub(crate) fn removes(&self, key: &ObjectKey, ticket: &Ticket) -> bool {
        let removes = |p: &Record| p.ticket == ticket.0 && !p.action.stays();
        self.lock().get(key).is_some_and(|entry| entry.events.plans.iter().any(removes))
    }

    /// Whether this run is to make an object under this id, whatever its type.
    pub(crate) fn makes(&self, id: &str) -> bool {
        let all = self.lock();
        let made =
            |entry: &Entry| entry.events.plans.iter().chain(&entry.events.expected).any(|p| p.action == Action::Create);
        all.0.values().filter_map(|of_kind| of_kind.get(id)).any(made)
    }

    /// Whether the object goes and another one is planned to take its place, under the same id or, for types that allow it,
    /// under another one.
    pub(crate) fn is_replaced(&self, key: &ObjectKey) -> bool {
        self.lock().get(key).is_some_and(|entry| {
            let plans = |action| entry.events.plans.iter().any(|p| p.action == action);
            plans(Action::Replace) || (entry.goes() && plans(Action::Create))
        })
    }

    /// Whether a plan replaces the object by one of the same id.
    pub(crate) fn is_remade(&self, key: &ObjectKey) -> bool {
        let all = self.lock();
        let Some(entry) = all.get(key) else { return false };
        let replaced =
            |plan: &Record| entry.events.plans.iter().any(|p| p.action == Action::Replace && p.ticket == plan.ticket);
        entry.events.plans.iter().any(|plan| plan.action == Action::Create && replaced(plan))
    }

    /// The other id under which the successor of a replaced object is planned.
    pub(crate) fn successor(&self, key: &ObjectKey) -> Option<String> {
        let all = self.lock();
        let old = all.get(key)?.events.plans.iter().find(|p| p.action == Action::Replace)?;
        let comes =
            |entry: &Entry| entry.events.plans.iter().any(|p| p.action == Action::Create && p.ticket == old.ticket);
        let mut others = all.0.get(key.kind)?.iter().filter(|(id, entry)| ***id != *key.id && comes(entry));
        others.next().map(|(id, _)| id.to_string())
    }

    /// Whether a plan of this run removes the object for good at one address.
    pub(crate) fn is_planned_to_go(&self, key: &ObjectKey) -> bool {
        self.lock().get(key).is_some_and(|entry| entry.events.plans.iter().any(|p| p.action == Action::Remove))
    }

    /// Whether a set makes the object that `prior`, the state of another resource, shows as one of the same set.
    pub(crate) fn joins(&self, key: &ObjectKey, prior: &Value) -> bool {
        let all = self.lock();
        let joins = all.get(key).and_then(|entry| entry.events.joins.as_ref());
        joins.is_some_and(|(attribute, set)| prior.get(attribute).as_str() == Some(set))
    }

    /// Whether this run has removed the object.
    pub(crate) fn is_removed(&self, key: &ObjectKey) -> bool {
        self.lock().get(key).is_some_and(|entry| entry.events.done.iter().any(|done| matches!(done, Done::Removed)))
    }

    /// The plans of other resources than that of `ticket` for the object to be there: with one, it is planned twice.
    /// What this process has written has an owner too, when `action` is to make it once more.
    pub(crate) fn rivals(&self, key: &ObjectKey, ticket: &Ticket, action: Action) -> Vec<Planned> {
        let all = self.lock();
        let Some(entry) = all.get(key) else { return Vec::new() };
        let plans = entry.events.plans.iter().chain(&entry.events.expected);
        let plans = plans
            .filter(|p| p.action.stays() && p.ticket != ticket.0)
            .map(|p| Planned { action: p.action, planned: p.planned.as_ref().map(|planned| self.unpack(planned)) });
        let written = entry.events.done.last().filter(|_| action == Action::Create).and_then(|done| match done {
            Done::Written(state) => Some(Planned { action: Action::Keep, planned: Some(self.unpack(state)) }),
            Done::Removed => None,
        });
        plans.chain(written).collect()
    }

    /// What other resources than that of `ticket` claim of a thing of which there is only one, such as the place of the default
    /// join token. `claim` is what this one wants, and `None` where it wants nothing; it is noted.
    pub(crate) fn claim(&self, thing: &'static str, ticket: &Ticket, claim: Option<&Value>) -> Vec<Value> {
        let key = ObjectKey::called(thing, "");
        let Some(claim) = claim else {
            self.forget_plan(&key, ticket);
            return Vec::new();
        };
        self.note_plan(&key, ticket, Action::Keep, None, Some(claim));
        self.rivals(&key, ticket, Action::Keep).into_iter().filter_map(|rival| rival.planned).collect()
    }

    /// Whether a plan of this run removes the object at one address, and keeps or makes it at another one.
    pub(crate) fn moves(&self, key: &ObjectKey) -> bool {
        self.lock().get(key).is_some_and(|entry| {
            let plans = |test: fn(Action) -> bool| entry.events.plans.iter().any(|p| test(p.action));
            plans(|a| a == Action::Remove) && plans(Action::stays) && !plans(|a| a == Action::Replace)
        })
    }

    /// Whether a resource of this run has the object and keeps it.
    pub(crate) fn keeps(&self, key: &ObjectKey) -> bool {
        let keeps = |p: &Record| matches!(p.action, Action::Keep | Action::Update);
        self.lock().get(key).is_some_and(|entry| entry.events.plans.iter().any(keeps))
    }

    /// Whether a create of this run has taken the object over, so that the removal of its former resource leaves it.
    pub(crate) fn is_adopted(&self, key: &ObjectKey) -> bool {
        self.lock().get(key).is_some_and(|entry| entry.events.adopted)
    }

    /// The object as it was before other resources of this run changed it; `None` where it is not what they have left.
    pub(crate) fn before_side_changes(&self, now: &Stored) -> Option<Stored> {
        let all = self.lock();
        let change = all.get(&ObjectKey::from(&now.key))?.events.side_change.as_ref()?;
        (change.version == now.metadata.version).then(|| change.before.clone())
    }

    /// Why the apply must not remove the object, if so.
    pub(crate) fn refused(&self, key: &ObjectKey) -> Option<[String; 3]> {
        self.lock().get(key)?.events.refused.as_deref().cloned()
    }

    /// Whether the host has begun to apply, so that Omni judges right away what is planned.
    pub(crate) fn is_applying(&self) -> bool {
        self.applies.load(Ordering::Relaxed)
    }

    /// Whether `topic` has been told of the object.
    pub(crate) fn is_told(&self, key: &ObjectKey, topic: &'static str) -> bool {
        self.lock().get(key).is_some_and(|entry| entry.events.told.contains(topic))
    }

    /// Whether this is the first time that `topic` is to be told of the object.
    pub(crate) fn once(&self, key: &ObjectKey, topic: &'static str) -> bool {
        self.lock().entry(key).events.told.insert(topic)
    }

    /// All that this run plans to remove or has removed of a type of Omni or a resource type, by id: as it was before.
    pub(crate) fn all_going(&self, kind: &str) -> Vec<(String, Value)> {
        let keys = self.lock().keys_of(kind);
        keys.into_iter()
            .filter(|key| self.goes(key))
            .filter_map(|key| Some((key.id.clone(), self.prior(&key)?)))
            .collect()
    }

    /// All that this run plans to be there of a type of Omni or a resource type, by id: as written, or else as planned.
    pub(crate) fn all_planned(&self, kind: &str) -> Vec<(String, Value)> {
        let keys = self.lock().keys_of(kind);
        keys.into_iter().filter_map(|key| Some((key.id.clone(), self.planned(&key)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> ObjectKey {
        ObjectKey::called("omni_user", id)
    }

    fn value(text: &str) -> Value {
        Value::object([("role", Value::from(text))])
    }

    /// A resource as its engine plans it.
    struct Planner<'a> {
        ledger: &'a Ledger,
        kept: Private,
    }

    impl<'a> Planner<'a> {
        fn new(ledger: &'a Ledger) -> Self {
            Self { ledger, kept: Private::default() }
        }

        fn plan(&mut self, id: &str, action: Action, role: &str) -> Ticket {
            let prior = (action != Action::Create).then(|| value("before"));
            let mut private = Private::default();
            let replaced = if prior.is_none() { std::mem::take(&mut self.kept) } else { Private::default() };
            let ticket = Ticket::of(&replaced, &mut private);
            self.kept = private;
            self.ledger.note_plan(&key(id), &ticket, action, prior.as_ref(), Some(&value(role)));
            ticket
        }
    }

    #[test]
    fn a_thing_that_is_claimed_twice() {
        let ledger = Ledger::default();
        let ticket = || Ticket::of(&Private::default(), &mut Private::default());
        let (one, two) = (ticket(), ticket());
        assert!(ledger.claim("the place", &one, Some(&value("one"))).is_empty());
        assert!(ledger.claim("another place", &two, Some(&value("two"))).is_empty());
        assert_eq!(ledger.claim("the place", &two, Some(&value("two"))), [value("one")]);
        assert_eq!(ledger.claim("the place", &one, Some(&value("changed"))), [value("two")]);
        assert!(ledger.claim("the place", &two, None).is_empty());
        assert!(ledger.claim("the place", &one, Some(&value("one"))).is_empty(), "the other one has given it up");
    }

    #[test]
    fn what_a_run_changes_beside_its_resource() {
        let kind = crate::omni::Kind { namespace: "default", name: "Things" };
        let at = |version| {
            let metadata = crate::omni::Metadata { version: Some(version), ..Default::default() };
            Stored { key: kind.key("a"), metadata, spec: Vec::new(), yaml: String::new() }
        };
        let ledger = Ledger::default();
        assert_eq!(ledger.before_side_changes(&at(1)), None);
        ledger.note_side_change(&at(1), &at(2));
        ledger.note_side_change(&at(2), &at(3));
        assert_eq!(ledger.before_side_changes(&at(3)), Some(at(1)));
        assert_eq!(ledger.before_side_changes(&at(4)), None, "somebody else came after");
        ledger.note_side_change(&at(4), &at(5));
        assert_eq!(ledger.before_side_changes(&at(5)), Some(at(4)), "and before");
    }

    #[test]
    fn what_a_run_gives_an_object() {
        let ledger = Ledger::default();
        assert!(ledger.planned(&key("a")).is_none());
        ledger.note_read(&key("a"), &value("read"));
        assert!(ledger.planned(&key("a")).is_none(), "what is read is not planned");
        assert_eq!(ledger.prior(&key("a")), Some(value("read")));
        Planner::new(&ledger).plan("a", Action::Update, "planned");
        assert_eq!(ledger.planned(&key("a")), Some(value("planned")));
        assert!(!ledger.goes(&key("a")));
        ledger.note_written(&key("a"), &value("written"));
        assert_eq!(ledger.planned(&key("a")), Some(value("written")));
        assert_eq!(ledger.all_planned("omni_user"), [("a".to_owned(), value("written"))]);
        assert!(ledger.all_planned("omni_cluster").is_empty());
    }

    #[test]
    fn a_removal_and_a_successor() {
        let ledger = Ledger::default();
        ledger.note_removal(&key("a"), &value("before"));
        assert!(ledger.goes(&key("a")) && !ledger.is_replaced(&key("a")));
        assert!(ledger.planned(&key("a")).is_none());
        assert!(!ledger.moves(&key("a")));
        assert_eq!(ledger.all_going("omni_user"), [("a".to_owned(), value("before"))]);
        assert!(ledger.all_going("omni_cluster").is_empty());
        let ticket = Planner::new(&ledger).plan("a", Action::Create, "new");
        assert!(ledger.is_replaced(&key("a")) && ledger.moves(&key("a")));
        assert!(ledger.rivals(&key("a"), &ticket, Action::Create).is_empty(), "what goes is no rival");
        assert_eq!(ledger.planned(&key("a")), Some(value("new")));
    }

    #[test]
    fn a_tainted_object_is_replaced() {
        let ledger = Ledger::default();
        ledger.note_read(&key("a"), &value("before"));
        Planner::new(&ledger).plan("a", Action::Create, "after");
        assert!(ledger.goes(&key("a")) && ledger.is_replaced(&key("a")));
        ledger.note_gone(&key("a"));
        assert!(!ledger.goes(&key("a")), "what has gone before the run is made, and nothing is replaced");
    }

    #[test]
    fn both_plans_of_a_replacement_are_of_one_resource() {
        for first in [Action::Replace, Action::Keep, Action::Update] {
            let ledger = Ledger::default();
            let mut one = Planner::new(&ledger);
            one.plan("a", first, "before");
            let ticket = one.plan("a", Action::Create, "after");
            assert!(ledger.rivals(&key("a"), &ticket, Action::Create).is_empty(), "{first:?}");
            assert!(ledger.is_replaced(&key("a")), "{first:?}");
            assert_eq!(ledger.planned(&key("a")), Some(value("after")), "{first:?}");
            let other = Planner::new(&ledger).plan("a", Action::Create, "other");
            assert_eq!(ledger.rivals(&key("a"), &other, Action::Create).len(), 1, "{first:?}");
        }
    }

    #[test]
    fn two_resources_that_want_one_object() {
        for (first, second) in
            [(Action::Create, Action::Create), (Action::Keep, Action::Create), (Action::Create, Action::Update)]
        {
            let ledger = Ledger::default();
            let one = Planner::new(&ledger).plan("a", first, "one");
            let two = Planner::new(&ledger).plan("a", second, "two");
            assert_eq!(ledger.rivals(&key("a"), &two, second)[0].planned, Some(value("one")));
            assert_eq!(ledger.rivals(&key("a"), &one, first)[0].planned, Some(value("two")));
            assert!(ledger.rivals(&key("b"), &two, second).is_empty());
        }
    }

    #[test]
    fn an_id_that_only_the_apply_tells_is_wanted_by_one_resource() {
        let ledger = Ledger::default();
        let ticket = || Ticket::of(&Private::default(), &mut Private::default());
        let (one, two) = (ticket(), ticket());
        assert!(!ledger.makes("a"));
        ledger.note_expected(&key("a"), &one, Action::Create, &value("one"));
        assert!(ledger.makes("a") && !ledger.makes("b"));
        assert!(ledger.rivals(&key("a"), &one, Action::Create).is_empty());
        assert_eq!(ledger.rivals(&key("a"), &two, Action::Create)[0].planned, Some(value("one")));
        assert_eq!(ledger.planned(&key("a")), Some(value("one")));
        assert!(!ledger.goes(&key("a")) && !ledger.keeps(&key("a")), "nothing is there yet");
        // One whose id is known, such as by the name of the cluster.
        let known = Planner::new(&ledger).plan("a", Action::Create, "known");
        assert_eq!(ledger.rivals(&key("a"), &one, Action::Create)[0].planned, Some(value("known")));
        ledger.forget_plan(&key("a"), &one);
        assert!(ledger.rivals(&key("a"), &known, Action::Create).is_empty());
    }

    #[test]
    fn what_was_written_has_an_owner() {
        let ledger = Ledger::default();
        let first = Planner::new(&ledger).plan("a", Action::Create, "one");
        ledger.note_written(&key("a"), &value("one"));
        let again = Planner::new(&ledger).plan("a", Action::Keep, "one");
        assert!(ledger.rivals(&key("a"), &again, Action::Keep).is_empty(), "it is planned by whoever wrote it");
        ledger.forget_plan(&key("a"), &again);
        let other = Planner::new(&ledger).plan("a", Action::Create, "two");
        assert_eq!(ledger.rivals(&key("a"), &other, Action::Create).len(), 1);
        assert_ne!(first, other);
        ledger.note_removed(&key("a"));
        assert!(ledger.rivals(&key("a"), &other, Action::Create).is_empty());
    }

    #[test]
    fn a_ticket_stays_out_of_states() {
        let (none, mut private) = (Private::default(), Private::default());
        let first = Ticket::of(&none, &mut private);
        assert_eq!(Ticket::of(&private.clone(), &mut private), first, "a replacement keeps it");
        assert_ne!(Ticket::of(&none, &mut private), first, "an update gets its own");
        Ticket::strip(&mut private);
        assert_eq!(private, Private::default());
    }
}
