//! The engine of resources whose objects are found, not created: what comes to be without Terraform, such as machines that register,
//! or what can be done only once, such as accepting a licence. A create looks for the object, waits for it, or does what has not been
//! done yet; a removal leaves the object in Omni unless its type knows better. Nothing else of the object is written, so these types
//! have no labels, annotations or versions.

use super::attributes;
use super::backend::{Backend, Work};
use super::base::{Entry, ResourceBase};
use super::existing;
use super::list;
use super::{Cx, Failure};
use crate::omni::{Error, ErrorKind};
use crate::provider::errors::Operation;
use crate::provider::ledger::ObjectKey;
use crate::provider::session::Handle;
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::list_resource::{ListRequest, ListResult, ListResults};
use crate::tf::path::Path;
use crate::tf::plan::keep_same;
use crate::tf::resource::{Outcome, Plan, Private};
use crate::tf::schema::{Attribute, IdentitySchema, Schema};
use crate::tf::value::Value;
use async_trait::async_trait;
use regex::Regex;
use std::marker::PhantomData;

/// Beside the state: the keys that the configuration sets.
const WRITTEN: &str = "keys";

/// A resource type whose objects are found.
#[async_trait]
pub(crate) trait FoundObject: Send + Sync + 'static {
    /// An object, as Omni shows it.
    type Found: Send + Sync;

    /// Its full name: `omni_machine`.
    const NAME: &'static str;
    /// What it is, in words: `machine`.
    const NOUN: &'static str;
    /// The attribute that holds the id; also the name of the identity's one part.
    const ID: &'static str;
    /// The attribute by which messages name the object; none where there is only one.
    const DISPLAY: &'static str = Self::ID;
    /// The attributes by which the object is looked for. One that is configured stays as it is written, and another one that leads
    /// to the same object changes nothing.
    const KEYS: &'static [&'static str] = &[];
    /// Attributes that steer the provider: they stay as configured.
    const LOCAL: &'static [&'static str] = &[];

    /// Its schema, without the attributes that the engine adds.
    fn schema() -> Schema;

    /// What its identity is, in words.
    fn identity() -> IdentitySchema;

    /// What the ledger calls the object of this id.
    fn key(id: &str) -> ObjectKey;

    /// The id; `None` while it is not known.
    fn id(state: &Value) -> Option<String> {
        state.get(Self::ID).as_str().map(str::to_owned)
    }

    /// The id of an object.
    fn id_of(found: &Self::Found) -> String;

    /// The attributes that an object shows; `prior` is what was known or planned before. After an import it holds nothing but the id.
    ///
    /// # Errors
    /// When the object cannot be shown as this type.
    fn show(found: &Self::Found, prior: &Value) -> Result<Value, Diagnostic>;

    /// Checks of the configuration that need no server; it may hold unknowns.
    fn validate(_config: &Value, _diags: &mut Diagnostics) {}

    /// The id that the text of an import stands for. `cx` is there once the provider is configured.
    ///
    /// # Errors
    /// When the text has the wrong form.
    async fn resolve_import(_cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        Ok(text.to_owned())
    }

    /// What is wrong with an id that Omni does not have, as a sentence, and what to do; `None` where its form is right.
    fn about_id(_id: &str) -> Option<(String, String)> {
        None
    }

    /// Looks for what the plan is about, without waiting, and says in the plan what stands in the way of the apply. It is asked of
    /// the plan of a new resource, and where a key changes; no key is unknown then. The id, if it is there already.
    ///
    /// # Errors
    /// When Omni does not answer.
    async fn locate(cx: &Cx, plan: &mut Plan<'_>) -> Result<Option<String>, Failure>;

    /// Checks a plan that changes something against the server.
    async fn check_plan(_cx: &Cx, _plan: &mut Plan<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Says in the plan of a removal what becomes of the object.
    async fn check_delete(_cx: &Cx, _prior: &Value, _diags: &mut Diagnostics) -> Result<(), Failure> {
        Ok(())
    }

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

    /// All objects that are there.
    ///
    /// # Errors
    /// When Omni does not answer.
    async fn all(cx: &Cx) -> Result<Vec<Self::Found>, Error>;

    /// What a list of objects calls one.
    fn display(found: &Self::Found) -> String {
        Self::id_of(found)
    }

    /// Does what a changed configuration asks for.
    ///
    /// # Errors
    /// When it could not be done.
    async fn change(_cx: &Cx, _prior: &Value, _wanted: &Value) -> Result<(), Failure> {
        Ok(())
    }

    /// What a removal does in Omni; by default nothing.
    ///
    /// # Errors
    /// When it could not be done.
    async fn remove(_cx: &Cx, _prior: &Value) -> Result<(), Failure> {
        Ok(())
    }
}

/// Finds the objects of any [`FoundObject`] type.
pub(super) struct FoundBackend<M> {
    base: ResourceBase,
    /// The attributes that reach no object: in an update a key leads to the same one.
    local: Vec<&'static str>,
    kind: PhantomData<M>,
}

impl<M: FoundObject> FoundBackend<M> {
    pub(super) fn new(handle: &Handle) -> Self {
        let base = ResourceBase {
            name: M::NAME,
            noun: M::NOUN,
            id: M::ID,
            schema: M::schema().with(attributes::limits()),
            identity: M::identity(),
            handle: handle.clone(),
        };
        Self { base, local: [M::LOCAL, M::KEYS].concat(), kind: PhantomData }
    }

    /// The state that shows an object.
    fn state(&self, found: &M::Found, prior: &Value, private: &Private) -> Result<Value, Diagnostic> {
        let mut state = self.base.schema.null_object();
        for (name, value) in M::show(found, prior)?.entries().into_iter().flatten() {
            state.set(name, value.clone());
        }
        let written: Vec<String> = private.get(WRITTEN).unwrap_or_default();
        for key in M::KEYS.iter().filter(|key| written.iter().any(|name| name == *key)) {
            state.set(key, prior.get(key).clone());
        }
        attributes::fill_local(&mut state, M::LOCAL, prior);
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
    fn base(&self) -> &ResourceBase {
        &self.base
    }

    fn key(&self, state: &Value) -> Option<ObjectKey> {
        M::id(state).map(|id| M::key(&id))
    }

    fn id(&self, planned: &Value) -> Option<String> {
        M::id(planned)
    }

    fn is_named_by_create(&self) -> bool {
        true
    }

    fn name(&self, state: &Value, id: &str) -> String {
        let shown = if M::DISPLAY == M::ID { id } else { state.get(M::DISPLAY).as_str().unwrap_or_default() };
        shown.to_owned()
    }

    fn about_id(&self, id: &str) -> Option<(String, String)> {
        M::about_id(id)
    }

    fn is_written_unread(&self) -> bool {
        false
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        M::validate(config, diags);
    }

    fn complete_plan(&self, plan: &mut Plan<'_>) {
        if plan.replace.is_empty() {
            attributes::keep_computed(&self.base.schema, &self.local, plan);
        }
    }

    async fn locate(&self, cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        if plan.prior.is_some() && !plan.replace.iter().any(is_key::<M>) {
            return Ok(());
        }
        if M::KEYS.iter().any(|key| !plan.config.get(key).is_wholly_known()) {
            return Ok(());
        }
        let Some(id) = M::locate(cx, plan).await? else { return Ok(()) };
        plan.planned.set(M::ID, id.as_str().into());
        if plan.prior.and_then(M::id).as_ref() == Some(&id) {
            plan.replace.retain(|path| !is_key::<M>(path));
            self.complete_plan(plan);
        }
        Ok(())
    }

    fn follow(&self, _cx: &Cx, _plan: &mut Plan<'_>) {}

    fn is_only_local(&self, prior: &Value, planned: &Value) -> bool {
        attributes::only_local(&self.base.schema, &self.local, prior, planned)
    }

    async fn check_existing(&self, _cx: &Cx, _plan: &mut Plan<'_>, _entry: &Entry) -> Result<(), Failure> {
        Ok(())
    }

    async fn check_plan(&self, cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        M::check_plan(cx, plan).await
    }

    async fn check_delete(&self, cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        M::check_delete(cx, prior, diags).await
    }

    fn track(&self, private: &mut Private, config: &Value) {
        let written: Vec<_> = M::KEYS.iter().filter(|key| !config.get(key).is_null()).collect();
        private.set(WRITTEN, written);
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
        let found = M::read(cx, id).await?;
        Ok(found.map(|found| self.outcome(&found, state, private.clone())))
    }

    fn list_arguments(&self) -> Option<Vec<Attribute>> {
        Some(vec![list::id_regexp()])
    }

    async fn list(&self, cx: &Cx, request: &ListRequest, results: &mut dyn ListResults) -> Result<(), Failure> {
        // The expression was checked with the configuration.
        let regexp = request.config.get("id_regexp").as_str().and_then(|text| Regex::new(text).ok());
        let mut all = M::all(cx).await?;
        all.retain(|found| regexp.as_ref().is_none_or(|regexp| regexp.is_match(&M::id_of(found))));
        for (_, found) in (0..request.limit).zip(all) {
            let id = M::id_of(&found);
            let mut result = ListResult {
                identity: self.base.identity_of(&id),
                display_name: M::display(&found),
                object: None,
                warnings: Diagnostics::new(),
            };
            if request.include_object {
                let imported = self.base.imported(&id).state.unwrap_or(Value::Null);
                match self.state(&found, &imported, &Private::default()) {
                    Ok(state) => result.object = Some(state),
                    Err(wrong) => result.warnings.push(Diagnostic { severity: Severity::Warning, ..wrong }),
                }
            }
            if results.push(result).await.is_break() {
                break;
            }
        }
        Ok(())
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
                kept(gone.hint("Plan again: the next apply looks for it anew."), private)
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
