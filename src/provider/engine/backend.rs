//! Storage of the objects of a type, and how they are written.

use super::attributes;
use super::base::{Entry, ResourceBase, note_move};
use super::dynamic::DynType;
use super::{Cx, Failure};
use crate::provider::errors::Operation;
use crate::provider::ledger::{ObjectKey, Ticket};
use crate::tf::list_resource::{ListRequest, ListResults};
use crate::tf::resource::{Context, Outcome, Plan, Private};
use crate::tf::schema::Attribute;
use crate::tf::value::Value;
use async_trait::async_trait;

/// A create, an update or a removal under way.
pub(super) struct Work<'a> {
    pub(super) cx: &'a Cx,
    pub(super) context: &'a Context,
    pub(super) operation: Operation<'a>,
    /// The id of the object; empty for one that gets it only by its create.
    pub(super) id: &'a str,
    /// The state before; null for a create.
    pub(super) prior: &'a Value,
    /// The planned state, with the fingerprints of its secrets; null for a removal.
    pub(super) planned: &'a Value,
    /// The planned state, with its secrets.
    pub(super) wanted: Value,
    pub(super) config: &'a Value,
    /// What was kept beside the state.
    pub(super) private: Private,
}

/// How one type is stored. The engine calls, for a plan: `complete_plan`, `plan_owed`, `look_up`, `follow`, `check_run`, and where
/// the plan changes something in Omni `check_existing`; then, in the apply, one of the verbs.
#[async_trait]
pub(super) trait Backend: Send + Sync + 'static {
    /// The type itself.
    fn kind(&self) -> &dyn DynType;

    fn base(&self) -> &ResourceBase;

    /// What the ledger calls the object that a state shows; `None` while its id is not known.
    fn key(&self, state: &Value) -> Option<ObjectKey>;

    /// The id of the object that a state shows: what messages and identities are made of.
    fn id(&self, state: &Value) -> Option<String> {
        self.key(state).map(|key| key.id().to_owned())
    }

    /// Whether an object gets its id only by its create.
    fn is_named_by_create(&self) -> bool {
        false
    }

    /// Whether an account may write such objects though it may not read all that the checks of a plan look at.
    fn is_written_unread(&self) -> bool {
        false
    }

    /// Settles in a plan what can be known without the server.
    fn complete_plan(&self, plan: &mut Plan<'_>) {
        let base = self.base();
        attributes::keep_computed(&base.schema, base.binding.local(), plan);
        self.kind().modify_plan(plan);
    }

    /// Whether a wait of an earlier apply is owed, so that the plan has to show a change.
    async fn plan_owed(&self, _cx: Option<&Cx>, _plan: &mut Plan<'_>) -> bool {
        false
    }

    /// Settles which object a plan is about, where only the server knows.
    async fn look_up(&self, _cx: &Cx, _plan: &mut Plan<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Adds to a plan what time, or the plans of other objects, make necessary.
    fn follow(&self, cx: &Cx, plan: &mut Plan<'_>) {
        if plan.prior.is_some() {
            self.kind().plan_existing(cx, plan);
        }
    }

    /// Holds a plan against what this run plans for other objects.
    fn check_run(&self, cx: &Cx, ticket: &Ticket, plan: &mut Plan<'_>) {
        self.kind().check_run(cx, ticket, plan);
    }

    /// Holds a plan against an object that is there already.
    async fn check_existing(&self, _cx: &Cx, _plan: &mut Plan<'_>, _entry: &Entry) -> Result<(), Failure> {
        Ok(())
    }

    /// The other objects that a removal removes, where a resource is several.
    fn also_removes(&self, _prior: &Value) -> Vec<ObjectKey> {
        Vec::new()
    }

    /// Leaves notes of a planned removal for the apply.
    fn note_removal(&self, cx: &Cx, key: &ObjectKey, _prior: &Value, _private: &mut Private) {
        note_move(cx, key);
    }

    /// Keeps beside the state what the configuration sets, where a read has to know it.
    fn track(&self, private: &mut Private, config: &Value) {
        attributes::track(private, config);
    }

    /// Reads the object for a refresh; `None` when the server itself says that there is none.
    async fn read(
        &self,
        cx: &Cx,
        operation: &Operation<'_>,
        id: &str,
        state: &Value,
        private: &Private,
    ) -> Result<Option<Outcome>, Failure>;

    /// The arguments of its list resource; `None` where its objects cannot be listed.
    fn list_arguments(&self) -> Option<Vec<Attribute>> {
        None
    }

    /// Sends the objects that a list selects, each as soon as it is known.
    async fn list(&self, _cx: &Cx, _request: &ListRequest, _results: &mut dyn ListResults) -> Result<(), Failure> {
        Ok(())
    }

    /// Creates the object. Nothing of it may be lost, and nothing be taken for it that is not.
    async fn create(&self, work: Work<'_>) -> Outcome;

    /// Changes the object in place, or waits for what is owed; a read-only provider only waits.
    async fn update(&self, work: Work<'_>) -> Outcome;

    /// Removes the object; that it is gone already is no failure.
    async fn delete(&self, work: Work<'_>) -> Outcome;
}
