//! The engine of every resource that is a COSI object: reads, plans, writes, waits, removal, import.
//! A resource file defines a table of rows and, if needed, checks and waits; the operations are implemented here.

mod action;
mod attributes;
mod backend;
mod base;
mod binding;
mod codec;
pub(crate) mod codecs;
mod conflict;
mod cosi;
mod dynamic;
mod existing;
mod failure;
mod found;
mod joined;
mod kinds;
mod list;
mod object_set;
mod owed;
mod owners;
mod relabel;
mod resource;
mod rpc_object;
mod unreadable;
mod write;

use crate::omni::spec::fields::Fields;
use crate::omni::spec::{Described, Spec};
use crate::omni::{Call, Client, Error, ErrorKind, Key, Kind, Metadata, Resource as Stored};
use crate::provider::errors::capital;
use crate::provider::ledger::Ticket;
use crate::provider::session::{Handle, Session};
use crate::provider::wait::Awaited;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::list_resource::ListResource;
use crate::tf::resource::{Plan, Resource};
use crate::tf::schema::{IdentitySchema, Schema};
use crate::tf::value::Value;
use crate::tf::write_only::WriteOnly;
use async_trait::async_trait;
use backend::Backend;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(crate) use action::{Facts, OmniAction, Run, action};
pub(crate) use base::{if_applied, unless_destroying};
#[cfg(test)]
pub(crate) use binding::misfits;
pub(crate) use binding::{Bind, Binding, Home, OwnLabels, Row, Several, group, message};
pub(crate) use codec::{Codec, KeyCodec};
pub(crate) use existing::take_back_existing;
pub(crate) use failure::Failure;
pub(crate) use found::FoundObject;
pub(crate) use joined::{Join, Joined};
pub(crate) use kinds::{Kinds, OneKind};
pub(crate) use object_set::{
    Change, KeyOwner, ObjectSet, Observer, Parts, Wanted, carry_out, is_others, mark, part_name, part_rows, taken,
    without_mark_changes, without_marks,
};
pub(crate) use rpc_object::{Freshness, RpcObject};
pub(crate) use unreadable::UnreadableObject;
pub(crate) use write::SpecChange;

/// A managed type, and its list resource if its objects can be listed.
pub(crate) struct TypeEntry {
    pub(crate) resource: Arc<dyn Resource>,
    pub(crate) list: Option<Arc<dyn ListResource>>,
}

impl TypeEntry {
    fn of(backend: impl Backend) -> Self {
        let engine = resource::engine(backend);
        Self { list: list::listed(&engine), resource: engine }
    }
}

/// The type of a COSI object.
pub(crate) fn cosi<M: CosiObject>(handle: &Handle) -> TypeEntry {
    TypeEntry::of(cosi::CosiBackend::new::<M>(handle))
}

/// The type of an object that RPCs serve.
pub(crate) fn rpc<M: RpcObject>(handle: &Handle) -> TypeEntry {
    TypeEntry::of(rpc_object::RpcBackend::<M>::new(handle))
}

/// The type of an object that RPCs make and nobody can read.
pub(crate) fn unreadable<M: UnreadableObject>(handle: &Handle) -> TypeEntry {
    TypeEntry::of(unreadable::UnreadableBackend::<M>::new(handle))
}

/// The type of an object that is found, not created.
pub(crate) fn found<M: FoundObject>(handle: &Handle) -> TypeEntry {
    TypeEntry::of(found::FoundBackend::<M>::new(handle))
}

/// The type of a set of objects that a document describes.
pub(crate) fn object_set<M: ObjectSet>(handle: &Handle) -> TypeEntry {
    TypeEntry::of(object_set::SetBackend::<M>::new(handle))
}

/// A key that we own: its value, or `None` where it must be absent.
pub(crate) type Owned = (&'static str, Option<String>);

/// What the configuration wants of an object.
pub(crate) struct Desired {
    /// The spec; only the fields that the resource owns are taken from it.
    pub(crate) fields: Fields,
    /// The labels and annotations that we own.
    pub(crate) keys: [Vec<Owned>; 2],
}

/// An object as read, with its spec decoded.
pub(crate) struct Object<S> {
    pub(crate) stored: Stored,
    pub(crate) spec: S,
}

impl<S: Spec> Object<S> {
    pub(crate) fn decode(stored: Stored) -> Result<Self, Error> {
        let spec = crate::omni::spec::decode::<S>(&stored)?;
        Ok(Self { stored, spec })
    }
}

impl<S: Described> Object<S> {
    /// What an RPC lists and the state of Omni does not hold: there is nothing of it but an id and a message.
    pub(crate) fn listed(id: impl Into<String>, message: S) -> Self {
        let kind = Kind { namespace: "", name: S::MESSAGE };
        let (metadata, spec) = (Metadata::default(), message.encode_to_vec());
        let stored = Stored { key: kind.key(id), metadata, spec, yaml: String::new() };
        Self { stored, spec: message }
    }

    /// The value of a label.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.stored.metadata.labels.get(key).map(String::as_str)
    }

    /// Whether the annotation is there.
    pub(crate) fn has_annotation(&self, key: &str) -> bool {
        self.stored.metadata.annotations.contains_key(key)
    }

    pub(crate) fn id(&self) -> &str {
        &self.stored.key.id
    }
}

/// What the steps of one operation share.
pub(crate) struct Cx {
    pub(crate) session: Arc<Session>,
    pub(crate) call: Call,
}

impl Cx {
    pub(crate) fn client(&self) -> &Client {
        &self.session.client
    }

    /// An object as it is, or was a moment ago.
    /// Every read for a refresh, a status or a check goes through here, and not through the client:
    /// this is where the many reads of a refresh are answered together.
    pub(crate) async fn read(&self, key: &Key) -> Result<Stored, Error> {
        self.client().get_swept(&self.call, key).await
    }

    /// Whether the object of a planned create is there already: see [`Client::foresee`].
    pub(crate) async fn foresee(&self, key: &Key) -> Result<Option<Stored>, Error> {
        self.client().foresee(&self.call, key).await
    }

    /// An object for a refresh: what a cache does not show yet, or shows older than `version`, is read again past all caches.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] only when the server itself says so; or when it refuses, or does not answer.
    pub(crate) async fn read_surely(&self, key: &Key, version: Option<u64>) -> Result<Stored, Error> {
        self.surely(key, version, self.read(key).await).await
    }

    /// The same for an object that no other one refers to, so that nothing else reads it.
    pub(crate) async fn read_surely_once(&self, key: &Key, version: Option<u64>) -> Result<Stored, Error> {
        self.surely(key, version, self.client().take_swept(&self.call, key).await).await
    }

    async fn surely(&self, key: &Key, version: Option<u64>, answer: Result<Stored, Error>) -> Result<Stored, Error> {
        let stale = match &answer {
            Ok(stored) => stored.metadata.version < version,
            Err(error) => error.is(ErrorKind::NotFound),
        };
        if !stale {
            return answer;
        }
        match self.client().get_fresh(&self.call, key).await? {
            Some(stored) => Ok(stored),
            None => match answer {
                // It was removed, and the cache still has it.
                Ok(_) => self.client().get(&self.call, key).await,
                gone => gone,
            },
        }
    }

    /// The decoded object of this id; `None` when there is none.
    pub(crate) async fn find<S: Spec>(&self, id: &str) -> Result<Option<Object<S>>, Error> {
        match self.read(&S::KIND.key(id)).await {
            Ok(stored) => Object::decode(stored).map(Some),
            Err(error) if error.is(ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Which write an operation made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Write {
    Create,
    Update,
}

/// How an object comes into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Users create it, under an id of their choice.
    Users,
    /// The same, but Omni makes such objects too: a create takes over one that nobody manages.
    Either,
    /// An RPC creates it and returns its id: see [`CosiObject::create_by_call`]. The object is written right after.
    Call,
    /// It is always there: a create takes it over.
    Omni,
}

/// An object without which another one cannot be.
pub(crate) struct Owner {
    pub(crate) key: Key,
    /// What it is, in words: `cluster`.
    pub(crate) noun: &'static str,
    /// The attribute that names it.
    pub(crate) attribute: &'static str,
}

/// A write that was made, for the step after it.
pub(crate) struct Written<'a, S> {
    /// The object as it was written.
    pub(crate) object: &'a Object<S>,
    pub(crate) write: Write,
    /// The state before an update.
    pub(crate) prior: Option<&'a Value>,
    /// What the configuration asks for, without what the state goes on to hold though it is not configured.
    pub(crate) asked: &'a Value,
}

/// A type as attributes: each with where its value lives, and what that cannot say.
pub(crate) trait Table: Send + Sync + 'static {
    /// The message whose fields its rows name; `()` for what Omni never shows.
    type Spec: Described;
    /// Its full name: `omni_cluster`.
    const NAME: &'static str;
    /// What it is, in words: `cluster`.
    const NOUN: &'static str;
    /// The attribute that names the object, in most types by its id in Omni; also the name of the identity's one part.
    const ID: &'static str;

    /// Its attributes, each with where it lives; without those that the engine adds.
    fn rows() -> Vec<Row>;

    /// Fills in what is derived from the object and from what is joined to it, and what its rows cannot say.
    /// `shown` holds what the rows have read; after an import, `prior` holds nothing but the id.
    ///
    /// # Errors
    /// When the object cannot be shown as this type.
    fn derive(
        _object: &Object<Self::Spec>,
        _joined: &Joined,
        _prior: &Value,
        _shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        Ok(())
    }
}

/// A type of resources, whatever stores them: its page, its names, and the plans of it.
#[async_trait]
pub(crate) trait ResourceType: Table {
    /// The attribute by which messages name the object: another one than the id where that is a secret,
    /// and none where there is only one object.
    const DISPLAY: &'static str = Self::ID;
    /// Texts that can also be given in a form that is never stored.
    const WRITE_ONLY: &'static [WriteOnly] = &[];
    /// Why no object can be imported, and what to do instead, in sentences; `None` where they can.
    const NOT_IMPORTED: Option<&'static str> = None;

    /// What its page begins with, and the rules over several attributes; without attributes.
    fn about() -> Schema;

    /// What its identity is, in words.
    fn identity() -> IdentitySchema {
        identity_of(&[Self::ID], Self::NOUN)
    }

    /// The id of the object, in the one form that identities hold; `None` while what it is made of is not known.
    fn id(state: &Value) -> Option<String> {
        state.get(Self::ID).as_str().map(str::to_owned)
    }

    /// Checks of the configuration that need no server; it may hold unknowns.
    /// It judges what was written in this block alone: under a mocked provider, what other objects give is random text.
    fn validate(_config: &Value, _diags: &mut Diagnostics) {}

    /// Adjusts a plan without the server: predicts what can be known.
    fn modify_plan(_plan: &mut Plan<'_>) {}

    /// Adds to a plan what time alone makes necessary; asked of every plan of an object that is there.
    fn plan_existing(_cx: &Cx, _plan: &mut Plan<'_>) {}

    /// Holds a plan against what this run plans for other objects; asked of every plan, whether it changes something or not.
    fn check_run(_cx: &Cx, _ticket: &Ticket, _plan: &mut Plan<'_>) {}

    /// The id that the text of an import stands for. `cx` is there once the provider is configured.
    ///
    /// # Errors
    /// When the text has the wrong form, or stands for no object or for several.
    async fn resolve_import(_cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        Ok(text.to_owned())
    }

    /// What is wrong with an id that Omni does not have, as a sentence, and what to do; `None` where its form is right.
    fn about_id(_id: &str) -> Option<(String, String)> {
        None
    }

    /// Checks a plan that changes something against the server.
    /// What is wrong with the configuration is an error. What depends on other objects as they are now is a warning that says what Omni
    /// would refuse: they may change before the apply, and a host plans like this on its way to a destroy too.
    async fn check_plan(_cx: &Cx, _plan: &mut Plan<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Checks a removal against the server, at plan time. Nothing stops it but a lock that the removal cannot lift.
    async fn check_delete(_cx: &Cx, _prior: &Value, _diags: &mut Diagnostics) -> Result<(), Failure> {
        Ok(())
    }
}

/// The identity of the object of a noun that these attributes make up together.
pub(crate) fn identity_of(parts: &[&'static str], noun: &str) -> IdentitySchema {
    let part = |name: &&'static str| {
        let what = match name.strip_suffix("id") {
            Some(of) => format!("{}ID", capital(&of.replace('_', " "))),
            None => capital(name),
        };
        IdentitySchema::of(name, format!("{what} of the {noun}."))
    };
    IdentitySchema { version: 0, attributes: parts.iter().flat_map(|name| part(name).attributes).collect() }
}

/// A resource type that is a COSI object.
#[async_trait]
pub(crate) trait CosiObject: ResourceType + Table<Spec: Spec> + Sized {
    /// Which objects it stands for.
    type Kinds: Kinds<Self>;

    /// How the object comes into being.
    const ORIGIN: Origin = Origin::Users;
    /// Whether Omni refuses one whose owners are not there.
    const NEEDS_OWNERS: bool = true;
    /// Whether objects of other types can have this one as an owner.
    const OWNS: bool = false;
    /// Fills in what depends on the time of a write, and puts into Omni's own words what it takes in one form only.
    /// What was planned is kept in the state all the same.
    ///
    /// # Errors
    /// When that cannot be found out.
    async fn before_write(_cx: &Cx, _wanted: &mut Value) -> Result<(), Failure> {
        Ok(())
    }

    /// The objects without which this one cannot be: where one of them is replaced, Omni removes this one with it.
    fn owners(_state: &Value) -> Vec<Owner> {
        Vec::new()
    }

    /// The id of the object whose lock, as long as it is set, has Omni refuse writes of this one.
    fn locked_by(_state: &Value) -> Option<&str> {
        None
    }

    /// Adds facts that derived attributes need, beside the joined objects.
    async fn facts(_cx: &Cx, _object: &Object<Self::Spec>, _joined: &mut Joined) -> Result<(), Error> {
        Ok(())
    }

    /// Makes the object by the call of its own and gives the id; only for [`Origin::Call`].
    /// What the call does not take is written right after.
    ///
    /// Join tokens alone need it: of all that the state of Omni lets users write, only they get their id from Omni.
    ///
    /// # Errors
    /// When there is no object; or when that is not known, with what to look for.
    async fn create_by_call(_cx: &Cx, _state: &Value) -> Result<String, Failure> {
        Err(Diagnostic::error(format!("Could not create {}", Self::NOUN), "No call makes it.")
            .hint("This is a defect of the provider; please report it.")
            .into())
    }

    /// Does what belongs to a write and is no part of the object; says whether the object has to be read again.
    /// What it changes in `wanted` is kept in the state even when it fails, so that nothing is lost that can be made only once.
    /// `told` takes warnings of what the write has come to.
    ///
    /// # Errors
    /// When it could not be done; the object is written all the same, and stays in the state.
    async fn after_write(
        _cx: &Cx,
        _written: &Written<'_, Self::Spec>,
        _wanted: &mut Value,
        _told: &mut Diagnostics,
    ) -> Result<bool, Failure> {
        Ok(false)
    }

    /// What the model asks to be waited for after this write. It is asked again, and only looked at, for as long as a wait is owed.
    /// A type that waits has a computed attribute `status`.
    ///
    /// # Errors
    /// When it cannot be told.
    async fn awaited(_cx: &Cx, _state: &Value, _object: &Object<Self::Spec>, _write: Write) -> Result<Awaited, Error> {
        Ok(Awaited::Nothing)
    }

    /// What holds up a wait, a sentence for each, for the text when it ran out.
    ///
    /// # Errors
    /// When it cannot be told.
    async fn obstacles(_cx: &Cx, _state: &Value, _key: &Key) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    /// Prepares a removal, or says what stands in its way.
    ///
    /// # Errors
    /// When the object cannot be removed as things are.
    async fn before_delete(_cx: &Cx, _state: &Value, _key: &Key) -> Result<(), Failure> {
        Ok(())
    }

    /// Removes the object. The default is the whole way: teardown, wait for finalizers, destroy.
    async fn remove(cx: &Cx, _state: &Value, key: &Key) -> Result<(), Failure> {
        Ok(cx.client().remove(&cx.call, key).await?)
    }

    /// Whether something of a removed object is still on its way out, so that its removal has not ended.
    ///
    /// Machines of a cluster alone need it: Omni takes their object away at once, and wipes the machine afterwards.
    async fn is_deleting(_cx: &Cx, _state: &Value, _key: &Key) -> Result<bool, Error> {
        Ok(false)
    }

    /// Why a removal ran out of time, as sentences, and the way out; `None` when nothing is known.
    async fn why_stuck(_cx: &Cx, _key: &Key) -> Option<(String, String)> {
        None
    }
}

/// What the attributes of an object show of it; `prior` is what was known before.
///
/// # Errors
/// When the object cannot be shown as this resource type.
pub(crate) fn show<M: Table>(
    binding: &Binding,
    object: &Object<M::Spec>,
    joined: &Joined,
    prior: &Value,
) -> Result<Value, Diagnostic> {
    let fields = Fields::decode::<M::Spec>(&object.stored.spec).map_err(|error| misfit(&error))?;
    let mut shown = binding.read(&object.stored, &fields, joined, prior).map_err(|error| misfit(&error))?;
    M::derive(object, joined, prior, &mut shown)?;
    Ok(shown)
}

/// The table of an object does not fit its message.
fn misfit(error: &(dyn std::error::Error + 'static)) -> Diagnostic {
    Diagnostic::from_error("Object does not fit the schema", error)
        .hint("This is a defect of the provider; please report it.")
}

/// Reads a model out of a value; what is unknown counts as absent.
pub(crate) fn model<M: DeserializeOwned>(value: &Value) -> Result<M, Diagnostic> {
    crate::tf::model::from_value(value).map_err(|error| {
        Diagnostic::from_error("State does not fit the schema", &error)
            .hint("This is a defect of the provider; please report it.")
    })
}
