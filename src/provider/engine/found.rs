//! The engine of resources whose objects are found, not created: what comes to be without Terraform, such as machines that register,
//! or what can be done only once, such as accepting a licence. A create looks for the object, waits for it, or does what has not been
//! done yet; a removal leaves the object in Omni unless its type knows better. Nothing else of the object is written, so these types
//! have no labels, annotations or versions.

use super::attributes;
use super::backend::{Backend, Work};
use super::base::ResourceBase;
use super::dynamic::{DynType, TypeOf};
use super::existing;
use super::list;
use super::{Cx, Failure, ResourceType};
use crate::omni::{Error, ErrorKind};
use crate::provider::errors::Operation;
use crate::provider::ledger::ObjectKey;
use crate::provider::session::Handle;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::list_resource::{ListRequest, ListResults};
use crate::tf::path::Path;
use crate::tf::plan::keep_same;
use crate::tf::resource::{Outcome, Plan, Private};
use crate::tf::schema::{Attribute, Recompute};
use crate::tf::value::Value;
use async_trait::async_trait;
use futures_util::stream::BoxStream;

/// Beside the state: the keys that the configuration sets.
const WRITTEN: &str = "keys";

/// A resource type whose objects are found.
#[async_trait]
pub(crate) trait FoundObject: ResourceType {
    /// An object, as Omni shows it.
    type Found: Send + Sync;

    /// The attributes by which the object is looked for, local ones: they reach no object. One that is configured stays as it is written, and another one that leads
    /// to the same object changes nothing.
    const KEYS: &'static [&'static str];

    /// What the ledger calls the object of this id.
    fn key(id: &str) -> ObjectKey;

    /// The id of an object.
    fn id_of(found: &Self::Found) -> String;

    /// The attributes that an object shows; `prior` is what was known or planned before. After an import it holds nothing but the id.
    ///
    /// # Errors
    /// When the object cannot be shown as this type.
    fn show(found: &Self::Found, prior: &Value) -> Result<Value, Diagnostic>;

    /// Looks for what the plan is about, without waiting, and says in the plan what stands in the way of the apply. It is asked of
    /// the plan of a new resource, and where a key changes; no key is unknown then. The id, if it is there already.
    ///
    /// # Errors
    /// When Omni does not answer.
    async fn look_up(cx: &Cx, plan: &mut Plan<'_>) -> Result<Option<String>, Failure>;

    /// Finds the object that the configuration means: waits for it, or does what brings it about.
    ///
    /// # Errors
    /// When there is none, or several, or when it did not come in time. Another attempt must be able to go on from there.
    async fn obtain(cx: &Cx, config: &Value, wanted: &Value) -> Result<Self::Found, Diagnostics>;

    /// Reads the object of this id; `None` when the server itself says that there is none.
    ///
    /// # Errors
    /// When Omni does not answer.
    async fn read(cx: &Cx, id: &str) -> Result<Option<Self::Found>, Error>;

    /// The IDs of all objects that are there, with what a list calls them, as they arrive.
    fn all(cx: &Cx) -> BoxStream<'_, Result<(String, String), Error>>;

    /// Does what a changed configuration asks for.
    ///
    /// # Errors
    /// When it could not be done.
    async fn change(cx: &Cx, prior: &Value, wanted: &Value) -> Result<(), Failure>;

    /// What a removal does in Omni.
    ///
    /// # Errors
    /// When it could not be done.
    async fn remove(cx: &Cx, prior: &Value) -> Result<(), Failure>;
}

/// Finds the objects of any [`FoundObject`] type.
pub(super) struct FoundBackend<M> {
    base: ResourceBase,
    kind: TypeOf<M>,
}

impl<M: FoundObject> FoundBackend<M> {
    pub(super) fn new(handle: &Handle) -> Self {
        Self { base: ResourceBase::of::<M>(handle, |_| vec![attributes::limits()]), kind: TypeOf::VALUE }
    }

    /// The state that shows an object.
    fn state(&self, found: &M::Found, prior: &Value, private: &Private) -> Result<Value, Diagnostic> {
        let mut state = self.base.with_all_attributes(&M::show(found, prior)?);
        let written: Vec<String> = private.get(WRITTEN).unwrap_or_default();
        for key in M::KEYS.iter().filter(|key| written.iter().any(|name| name == *key)) {
            state.set(key, prior.get(key).clone());
        }
        let local = self.base.binding.local().iter().filter(|name| !M::KEYS.contains(name));
        attributes::fill_local(&mut state, &local.copied().collect::<Vec<_>>(), prior);
        Ok(keep_same(&self.base.schema, prior, state))
    }

    /// What the host keeps of an object.
    fn outcome(&self, found: &M::Found, prior: &Value, private: Private) -> Outcome {
        let id = M::id_of(found);
        match self.state(found, prior, &private) {
            Ok(state) => Outcome::ok(state, private, Some(self.base.identity_of(&id))),
            // The object is there: what is known of it must not be lost.
            Err(diagnostic) => self.base.partial(self.base.remembered(prior, &id), private, &id, diagnostic),
        }
    }
}

/// Whether a path leads to a key.
fn is_key<M: FoundObject>(path: &Path) -> bool {
    M::KEYS.iter().any(|key| *path == Path::of(key))
}

#[async_trait]
impl<M: FoundObject> Backend for FoundBackend<M> {
    fn kind(&self) -> &dyn DynType {
        &self.kind
    }

    fn base(&self) -> &ResourceBase {
        &self.base
    }

    fn key(&self, state: &Value) -> Option<ObjectKey> {
        M::id(state).map(|id| M::key(&id))
    }

    fn is_named_by_create(&self) -> bool {
        true
    }

    fn complete_plan(&self, plan: &mut Plan<'_>) {
        if plan.replace.is_empty() {
            attributes::keep_computed(&self.base.schema, self.base.binding.local(), plan);
        }
    }

    async fn look_up(&self, cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        if plan.prior.is_some() && !plan.replace.iter().any(is_key::<M>) {
            return Ok(());
        }
        if M::KEYS.iter().any(|key| !plan.config.get(key).is_wholly_known()) {
            return Ok(());
        }
        let Some(id) = M::look_up(cx, plan).await? else { return Ok(()) };
        plan.planned.set(M::ID, id.as_str().into());
        if let Some(prior) = plan.prior.filter(|prior| M::id(prior).as_ref() == Some(&id)) {
            plan.replace.retain(|path| !is_key::<M>(path));
            if plan.replace.is_empty() {
                let stays = self.base.schema.attributes.iter().filter(|a| a.recompute == Recompute::Never);
                for name in stays.map(|a| a.name) {
                    if plan.planned.get(name).is_unknown() && plan.config.get(name).is_null() {
                        plan.planned.set(name, prior.get(name).clone());
                    }
                }
                self.complete_plan(plan);
            }
        }
        Ok(())
    }

    fn track(&self, private: &mut Private, config: &Value) {
        let written: Vec<_> = M::KEYS.iter().filter(|key| !config.get(key).is_null()).collect();
        private.set(WRITTEN, written);
        attributes::track(private, config);
    }

    async fn read(
        &self,
        cx: &Cx,
        _operation: &Operation<'_>,
        id: &str,
        state: &Value,
        private: &Private,
    ) -> Result<Option<Outcome>, Failure> {
        let found = M::read(cx, id).await?;
        Ok(found.map(|found| self.outcome(&found, state, private.clone())))
    }

    fn list_arguments(&self) -> Option<Vec<Attribute>> {
        Some(vec![list::id_regexp()])
    }

    async fn list(&self, cx: &Cx, request: &ListRequest, results: &mut dyn ListResults) -> Result<(), Failure> {
        list::send(self, cx, request, results, M::all(cx)).await
    }

    async fn create(&self, work: Work<'_>) -> Outcome {
        let found = match M::obtain(work.cx, work.config, &work.wanted).await {
            Ok(found) => found,
            Err(diagnostics) => return Outcome::failed(diagnostics),
        };
        let id = M::id_of(&found);
        if let Some(planned) = M::id(work.planned).filter(|planned| *planned != id) {
            let detail = format!("The plan found `{planned}`, and now `{id}` matches.");
            let changed = Diagnostic::error(work.operation.summary(), detail);
            return Outcome::failed(changed.hint("Plan again, and check that it finds the right one."));
        }
        // A removal at its former address in the same apply must not touch it from now on.
        work.cx.session.ledger.note_adopted(&M::key(&id));
        let mut private = work.private;
        self.track(&mut private, work.config);
        self.outcome(&found, work.planned, private)
    }

    async fn update(&self, work: Work<'_>) -> Outcome {
        let Work { cx, operation, id, prior, planned, wanted, config, mut private, .. } = work;
        let kept = |diagnostic, private| self.base.partial(prior.clone(), private, id, diagnostic);
        if let Err(refused) = self.base.may_write(cx, &operation) {
            return kept(refused, private);
        }
        if let Err(failure) = M::change(cx, prior, &wanted).await {
            return kept(failure.explain(&operation), private);
        }
        self.track(&mut private, config);
        match M::read(cx, id).await {
            Ok(Some(found)) => {
                let mut outcome = self.outcome(&found, planned, private);
                // What was planned and known is a promise, whatever has become of the object since.
                for (name, value) in planned.entries().into_iter().flatten().filter(|(_, v)| v.is_wholly_known()) {
                    outcome.state.iter_mut().for_each(|state| state.set(name, value.clone()));
                }
                outcome
            }
            Ok(None) => {
                let gone = Diagnostic::error(operation.summary(), "Omni does not have it any more.");
                kept(gone.hint("Plan again: the next apply looks for it."), private)
            }
            Err(error) => kept(operation.explain(&error), private),
        }
    }

    async fn delete(&self, work: Work<'_>) -> Outcome {
        let Work { cx, operation, id, prior, private, .. } = work;
        let key = M::key(id);
        if self.base.is_handed_over(cx, &key) {
            return existing::handed_over(cx, &operation, &key);
        }
        match M::remove(cx, prior).await {
            Ok(()) => Outcome::default(),
            Err(failure) if failure.is(ErrorKind::NotFound) => Outcome::default(),
            Err(failure) => self.base.partial(prior.clone(), private, id, failure.explain(&operation)),
        }
    }
}
