//! Storage of the objects of a type, and how they are written.

use super::base::{Entry, ResourceBase, note_move};
use super::{Cx, Failure};
use crate::provider::errors::Operation;
use crate::provider::ledger::{ObjectKey, Ticket};
use crate::tf::diag::Diagnostics;
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

/// How one type is stored. The engine calls, for a plan: `complete_plan`, `plan_owed`, `follow`, `check_run`, and where
/// the plan changes something in Omni `check_existing` and `check_plan`; then, in the apply, one of the verbs.
#[async_trait]
pub(super) trait Backend: Send + Sync + 'static {
    fn base(&self) -> &ResourceBase;

    /// Why objects of this type cannot be imported, and what to do instead; `None` where they can.
    fn not_imported(&self) -> Option<&'static str> {
        None
    }

    /// What the ledger calls the object that a state shows; `None` while its id is not known.
    fn key(&self, state: &Value) -> Option<ObjectKey>;

    /// The id that a planned state asks for; `None` while it is not known.
    fn id(&self, planned: &Value) -> Option<String>;

    /// Whether an object gets its id only by its create.
    fn is_named_by_create(&self) -> bool {
        false
    }

    /// What messages call the object of this id, as far as `state` tells.
    fn name(&self, _state: &Value, id: &str) -> String {
        id.to_owned()
    }

    /// What is wrong with an id that Omni does not have, and what to do; `None` where its form is right.
    fn about_id(&self, _id: &str) -> Option<(String, String)> {
        None
    }

    /// Whether an account may write such objects though it may not read all that the checks of a plan look at.
    fn is_written_unread(&self) -> bool;

    /// Checks of the configuration that need no server.
    fn validate(&self, config: &Value, diags: &mut Diagnostics);

    /// Settles in a plan what can be known without the server.
    fn complete_plan(&self, plan: &mut Plan<'_>);

    /// Whether a wait of an earlier apply is owed, so that the plan has to show a change.
    async fn plan_owed(&self, _cx: Option<&Cx>, _plan: &mut Plan<'_>) -> bool {
        false
    }

    /// Adds to a plan what time, or the plans of other objects, make necessary.
    fn follow(&self, cx: &Cx, plan: &mut Plan<'_>);

    /// Holds a plan against what this run plans for other objects.
    fn check_run(&self, _cx: &Cx, _ticket: &Ticket, _plan: &mut Plan<'_>) {}

    /// Whether a plan changes nothing in Omni, but only how the provider goes about it.
    fn is_only_local(&self, prior: &Value, planned: &Value) -> bool;

    /// Holds a plan against an object that is there already.
    async fn check_existing(&self, cx: &Cx, plan: &mut Plan<'_>, entry: &Entry) -> Result<(), Failure>;

    /// Checks a plan that changes something against the server.
    async fn check_plan(&self, cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure>;

    /// Checks a removal against the server, at plan time.
    async fn check_delete(&self, cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure>;

    /// Leaves notes of a planned removal for the apply.
    fn note_removal(&self, cx: &Cx, key: &ObjectKey, _prior: &Value, _private: &mut Private) {
        note_move(cx, key);
    }

    /// Keeps beside the state which keys of the shared maps the configuration sets.
    fn track(&self, _private: &mut Private, _config: &Value) {}

    /// The id that the text of an import stands for.
    async fn resolve_import(&self, cx: Option<&Cx>, text: &str) -> Result<String, Failure>;

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
