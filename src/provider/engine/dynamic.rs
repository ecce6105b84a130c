//! Resource types as values, so that the engine is compiled once and not once for each type: that is most of the size of the program
//! and of the time that it takes to compile.
//!
//! A noun implements [`ResourceType`] and [`CosiObject`], where the type of the spec is known; [`TypeOf`] makes a value of it.
//! What takes an [`Object`] there takes the stored object here, and decodes it.

use super::conflict::Baseline;
use super::{
    Binding, CosiObject, Cx, Failure, Joined, Kinds, Object, Origin, Owned, Owner, ResourceType, SpecChange, Write,
    Written, misfit, show,
};
use crate::omni::spec::fields::Fields;
use crate::omni::spec::{Spec, merge_fields, owned_digest};
use crate::omni::{Error, Key, Kind, Resource as Stored};
use crate::provider::ledger::Ticket;
use crate::provider::wait::Awaited;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::{Plan, Private};
use crate::tf::schema::Attribute;
use crate::tf::value::Value;
use async_trait::async_trait;
use std::marker::PhantomData;

/// A [`ResourceType`] as a value; each method is the one of the same name there.
#[async_trait]
pub(super) trait DynType: Send + Sync + 'static {
    fn not_imported(&self) -> Option<&'static str>;
    fn id(&self, state: &Value) -> Option<String>;
    fn validate(&self, config: &Value, diags: &mut Diagnostics);
    fn modify_plan(&self, plan: &mut Plan<'_>);
    fn plan_existing(&self, cx: &Cx, plan: &mut Plan<'_>);
    fn check_run(&self, cx: &Cx, ticket: &Ticket, plan: &mut Plan<'_>);
    async fn resolve_import(&self, cx: Option<&Cx>, text: &str) -> Result<String, Failure>;
    fn about_id(&self, id: &str) -> Option<(String, String)>;
    async fn check_plan(&self, cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure>;
    async fn check_delete(&self, cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure>;
}

/// What distinguishes COSI types, beside what [`DynCosiObject`] does.
#[derive(Clone, Copy)]
pub(super) struct CosiFacts {
    /// The full name: `omni_cluster`.
    pub(super) name: &'static str,
    /// What it is, in words.
    pub(super) noun: &'static str,
    /// The attribute that holds the id.
    pub(super) id: &'static str,
    pub(super) origin: Origin,
    pub(super) needs_owners: bool,
    pub(super) owns: bool,
    pub(super) parts: &'static [&'static str],
    pub(super) stop_waiting: &'static str,
    /// Whether the IDs of its objects are secrets.
    pub(super) hides_ids: bool,
}

/// A [`CosiObject`] with its [`Kinds`] as a value; each method is the one of the same name there.
#[async_trait]
pub(super) trait DynCosiObject: DynType {
    fn key(&self, id: &str) -> Key;
    fn id_of(&self, key: &Key) -> String;
    fn is_made_by_omni(&self, key: &Key) -> bool;
    fn list_arguments(&self) -> Vec<Attribute>;
    fn listed_kind(&self, config: &Value) -> Result<Kind, Failure>;
    fn track(&self, private: &mut Private, config: &Value);
    fn owners(&self, state: &Value) -> Vec<Owner>;
    fn locked_by<'v>(&self, state: &'v Value) -> Option<&'v str>;

    /// The fields that a state asks for.
    fn fields(&self, binding: &Binding, state: &Value) -> Result<Fields, Diagnostic>;
    /// The spec to write: that of a type whose rows cannot say it, or the one that is there with the owned fields as desired.
    fn spec(&self, change: &SpecChange<'_>, desired: &Fields, owned: &[&str]) -> Result<Vec<u8>, Failure>;
    /// What a write is compared with.
    fn baseline(&self, binding: &Binding, stored: &Stored, owned: &[Vec<Owned>; 2]) -> Baseline;
    /// What the attributes show of an object.
    fn show(&self, binding: &Binding, stored: &Stored, joined: &Joined, prior: &Value) -> Result<Value, Failure>;

    async fn before_write(&self, cx: &Cx, wanted: &mut Value) -> Result<(), Failure>;
    async fn facts(&self, cx: &Cx, stored: &Stored, joined: &mut Joined) -> Result<(), Error>;
    async fn create_by_call(&self, cx: &Cx, state: &Value) -> Result<String, Failure>;
    async fn after_write(
        &self,
        cx: &Cx,
        made: &MadeStored<'_>,
        wanted: &mut Value,
        told: &mut Diagnostics,
    ) -> Result<bool, Failure>;
    async fn awaited(&self, cx: &Cx, state: &Value, stored: &Stored, write: Write) -> Result<Awaited, Error>;
    async fn obstacles(&self, cx: &Cx, state: &Value, key: &Key) -> Result<Vec<String>, Error>;
    async fn before_delete(&self, cx: &Cx, state: &Value, key: &Key) -> Result<(), Failure>;
    async fn remove(&self, cx: &Cx, state: &Value, key: &Key) -> Result<(), Failure>;
    async fn is_deleting(&self, cx: &Cx, state: &Value, key: &Key) -> Result<bool, Error>;
    async fn why_stuck(&self, cx: &Cx, key: &Key) -> Option<(String, String)>;
}

/// A write that was made, with the object as it is stored; see [`Written`].
pub(super) struct MadeStored<'a> {
    pub(super) stored: &'a Stored,
    pub(super) write: Write,
    pub(super) prior: Option<&'a Value>,
    pub(super) asked: &'a Value,
}

/// The type `M` as a value.
pub(super) struct TypeOf<M>(PhantomData<fn() -> M>);

impl<M> TypeOf<M> {
    pub(super) const VALUE: Self = Self(PhantomData);
}

impl<M: CosiObject> TypeOf<M> {
    pub(super) fn facts() -> CosiFacts {
        CosiFacts {
            name: M::NAME,
            noun: M::NOUN,
            id: M::ID,
            origin: M::ORIGIN,
            needs_owners: M::NEEDS_OWNERS,
            owns: M::OWNS,
            parts: M::Kinds::PARTS,
            stop_waiting: M::Kinds::STOP_WAITING,
            hides_ids: M::Spec::KIND.hides_ids(),
        }
    }
}

#[async_trait]
impl<M: ResourceType> DynType for TypeOf<M> {
    fn not_imported(&self) -> Option<&'static str> {
        M::NOT_IMPORTED
    }

    fn id(&self, state: &Value) -> Option<String> {
        M::id(state)
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        M::validate(config, diags);
    }

    fn modify_plan(&self, plan: &mut Plan<'_>) {
        M::modify_plan(plan);
    }

    fn plan_existing(&self, cx: &Cx, plan: &mut Plan<'_>) {
        M::plan_existing(cx, plan);
    }

    fn check_run(&self, cx: &Cx, ticket: &Ticket, plan: &mut Plan<'_>) {
        M::check_run(cx, ticket, plan);
    }

    async fn resolve_import(&self, cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        M::resolve_import(cx, text).await
    }

    fn about_id(&self, id: &str) -> Option<(String, String)> {
        M::about_id(id)
    }

    async fn check_plan(&self, cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        M::check_plan(cx, plan).await
    }

    async fn check_delete(&self, cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        M::check_delete(cx, prior, diags).await
    }
}

#[async_trait]
impl<M: CosiObject> DynCosiObject for TypeOf<M> {
    fn key(&self, id: &str) -> Key {
        M::Kinds::key(id)
    }

    fn id_of(&self, key: &Key) -> String {
        M::Kinds::id_of(key)
    }

    fn is_made_by_omni(&self, key: &Key) -> bool {
        M::Kinds::is_made_by_omni(key)
    }

    fn list_arguments(&self) -> Vec<Attribute> {
        M::Kinds::list_arguments()
    }

    fn listed_kind(&self, config: &Value) -> Result<Kind, Failure> {
        M::Kinds::listed_kind(config)
    }

    fn track(&self, private: &mut Private, config: &Value) {
        M::Kinds::track(private, config);
    }

    fn owners(&self, state: &Value) -> Vec<Owner> {
        M::owners(state)
    }

    fn locked_by<'v>(&self, state: &'v Value) -> Option<&'v str> {
        M::locked_by(state)
    }

    fn fields(&self, binding: &Binding, state: &Value) -> Result<Fields, Diagnostic> {
        binding.fields::<M::Spec>(state).map_err(|error| misfit(&error))
    }

    fn spec(&self, change: &SpecChange<'_>, desired: &Fields, owned: &[&str]) -> Result<Vec<u8>, Failure> {
        Ok(match M::Kinds::spec(change)? {
            Some(spec) => spec,
            None => merge_fields::<M::Spec>(&change.stored.spec, desired, owned)?,
        })
    }

    fn baseline(&self, binding: &Binding, stored: &Stored, owned: &[Vec<Owned>; 2]) -> Baseline {
        let fields =
            binding.owned().iter().map(|field| ((*field).to_owned(), owned_digest::<M::Spec>(&stored.spec, &[field])));
        Baseline::of(binding, stored, owned, fields.chain(M::Kinds::spec_parts(stored)).collect())
    }

    fn show(&self, binding: &Binding, stored: &Stored, joined: &Joined, prior: &Value) -> Result<Value, Failure> {
        Ok(show::<M>(binding, &Object::decode(stored.clone())?, joined, prior)?)
    }

    async fn before_write(&self, cx: &Cx, wanted: &mut Value) -> Result<(), Failure> {
        M::before_write(cx, wanted).await
    }

    async fn facts(&self, cx: &Cx, stored: &Stored, joined: &mut Joined) -> Result<(), Error> {
        M::facts(cx, &Object::decode(stored.clone())?, joined).await
    }

    async fn create_by_call(&self, cx: &Cx, state: &Value) -> Result<String, Failure> {
        M::create_by_call(cx, state).await
    }

    async fn after_write(
        &self,
        cx: &Cx,
        made: &MadeStored<'_>,
        wanted: &mut Value,
        told: &mut Diagnostics,
    ) -> Result<bool, Failure> {
        let MadeStored { stored, write, prior, asked } = *made;
        let object = Object::decode(stored.clone())?;
        M::after_write(cx, &Written { object: &object, write, prior, asked }, wanted, told).await
    }

    async fn awaited(&self, cx: &Cx, state: &Value, stored: &Stored, write: Write) -> Result<Awaited, Error> {
        M::awaited(cx, state, &Object::decode(stored.clone())?, write).await
    }

    async fn obstacles(&self, cx: &Cx, state: &Value, key: &Key) -> Result<Vec<String>, Error> {
        M::obstacles(cx, state, key).await
    }

    async fn before_delete(&self, cx: &Cx, state: &Value, key: &Key) -> Result<(), Failure> {
        M::before_delete(cx, state, key).await
    }

    async fn remove(&self, cx: &Cx, state: &Value, key: &Key) -> Result<(), Failure> {
        M::remove(cx, state, key).await
    }

    async fn is_deleting(&self, cx: &Cx, state: &Value, key: &Key) -> Result<bool, Error> {
        M::is_deleting(cx, state, key).await
    }

    async fn why_stuck(&self, cx: &Cx, key: &Key) -> Option<(String, String)> {
        M::why_stuck(cx, key).await
    }
}
