//! The engine of resources whose objects RPCs make and nobody can read back, such as schematics and issued kubeconfigs.
//! There is nothing to look at before a create, to refresh, to wait for, or to import: the state is all that is known.

use super::attributes;
use super::backend::{Backend, Work};
use super::base::{Entry, ResourceBase, known};
use super::{Cx, Failure};
use crate::provider::errors::Operation;
use crate::provider::ledger::ObjectKey;
use crate::provider::session::Handle;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::plan::keep_same;
use crate::tf::resource::{Outcome, Plan, Private};
use crate::tf::schema::{IdentitySchema, Schema};
use crate::tf::value::Value;
use crate::tf::write_only;
use async_trait::async_trait;
use std::marker::PhantomData;

/// A resource type whose objects are made by a call, and which Omni shows to nobody.
#[async_trait]
pub(crate) trait UnreadableObject: Send + Sync + 'static {
    /// Its full name: `omni_schematic`.
    const NAME: &'static str;
    /// What it is, in words: `schematic`.
    const NOUN: &'static str;
    /// The attribute by which messages name the object.
    const ID: &'static str;
    /// Attributes that steer the provider: changing them alone makes no call.
    const LOCAL: &'static [&'static str] = &[];
    /// Why no object can be imported, and what to do instead, in sentences.
    const NOT_IMPORTED: &'static str;

    /// Its schema, without the attributes that the engine adds.
    fn schema() -> Schema;

    /// Checks of the configuration that need no server; it may hold unknowns.
    fn validate(_config: &Value, _diags: &mut Diagnostics) {}

    /// Adds to a plan what time alone makes necessary; asked of every plan of an object that is in the state.
    fn plan_existing(_cx: &Cx, _plan: &mut Plan<'_>) {}

    /// Checks a plan that changes something against the server.
    async fn check_plan(_cx: &Cx, _plan: &mut Plan<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Makes the object that `wanted` describes, or another one in its place, and fills in what is computed.
    ///
    /// # Errors
    /// When it was not made; or when that is not known, where a second one does no harm.
    async fn make(cx: &Cx, wanted: Value) -> Result<Value, Diagnostics>;

    /// What a plan says of an object that goes out of the state and stays valid; `None` where that is of no consequence.
    fn left(_cx: &Cx, _prior: &Value) -> Option<Diagnostic> {
        None
    }
}

/// Makes the objects of any [`UnreadableObject`] type, and keeps what the state holds of them.
pub(super) struct UnreadableBackend<M> {
    base: ResourceBase,
    kind: PhantomData<M>,
}

impl<M: UnreadableObject> UnreadableBackend<M> {
    pub(super) fn new(handle: &Handle) -> Self {
        let base = ResourceBase {
            name: M::NAME,
            noun: M::NOUN,
            id: M::ID,
            schema: M::schema().with(attributes::limits()),
            // Without imports no host asks for it.
            identity: IdentitySchema::of(M::ID, ""),
            handle: handle.clone(),
        };
        Self { base, kind: PhantomData }
    }

    /// The state after a call, or what kept it from being made.
    async fn made(&self, work: &Work<'_>) -> Result<Value, Diagnostics> {
        let made = M::make(work.cx, work.wanted.clone()).await?;
        let mut state = keep_same(&self.base.schema, work.planned, known(&made));
        write_only::redact(&self.base.schema, work.planned, &mut state);
        Ok(state)
    }
}

#[async_trait]
impl<M: UnreadableObject> Backend for UnreadableBackend<M> {
    fn base(&self) -> &ResourceBase {
        &self.base
    }

    fn not_imported(&self) -> Option<&'static str> {
        Some(M::NOT_IMPORTED)
    }

    /// Two of the same content are no conflict, so the ledger has nothing to compare.
    fn key(&self, _state: &Value) -> Option<ObjectKey> {
        None
    }

    fn id(&self, planned: &Value) -> Option<String> {
        planned.get(M::ID).as_str().map(str::to_owned)
    }

    fn is_named_by_create(&self) -> bool {
        true
    }

    fn is_written_unread(&self) -> bool {
        false
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        M::validate(config, diags);
    }

    fn complete_plan(&self, plan: &mut Plan<'_>) {
        attributes::keep_computed(&self.base.schema, M::LOCAL, plan);
    }

    fn follow(&self, cx: &Cx, plan: &mut Plan<'_>) {
        if plan.prior.is_some() && plan.replace.is_empty() {
            M::plan_existing(cx, plan);
        }
    }

    fn is_only_local(&self, prior: &Value, planned: &Value) -> bool {
        attributes::only_local(&self.base.schema, M::LOCAL, prior, planned)
    }

    async fn check_existing(&self, _cx: &Cx, _plan: &mut Plan<'_>, _entry: &Entry) -> Result<(), Failure> {
        Ok(())
    }

    async fn check_plan(&self, cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        if let Some(prior) = plan.prior.filter(|_| !plan.replace.is_empty()) {
            plan.diags.extend(M::left(cx, prior).into_iter().collect());
        }
        M::check_plan(cx, plan).await
    }

    async fn check_delete(&self, cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        diags.extend(M::left(cx, prior).into_iter().collect());
        Ok(())
    }

    async fn resolve_import(&self, _cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        let operation = self.base.operation("import", text);
        let (why, instead) = M::NOT_IMPORTED.split_once(". ").unwrap_or((M::NOT_IMPORTED, ""));
        Err(Diagnostic::error(operation.summary(), format!("{}.", why.trim_end_matches('.'))).hint(instead).into())
    }

    async fn read(
        &self,
        _cx: &Cx,
        _operation: &Operation<'_>,
        _id: &str,
        state: &Value,
        private: &Private,
    ) -> Result<Option<Outcome>, Failure> {
        Ok(Some(Outcome::ok(state.clone(), private.clone(), None)))
    }

    async fn create(&self, work: Work<'_>) -> Outcome {
        match self.made(&work).await {
            Ok(state) => Outcome::ok(state, work.private, None),
            Err(diagnostics) => Outcome::failed(diagnostics),
        }
    }

    async fn update(&self, work: Work<'_>) -> Outcome {
        let made = match self.base.may_write(work.cx, &work.operation) {
            Ok(()) => self.made(&work).await,
            Err(refused) => Err(refused.into()),
        };
        match made {
            Ok(state) => Outcome::ok(state, work.private, None),
            Err(diagnostics) => Outcome::partial(work.prior.clone(), work.private, None, diagnostics),
        }
    }

    async fn delete(&self, _work: Work<'_>) -> Outcome {
        Outcome::default()
    }
}
