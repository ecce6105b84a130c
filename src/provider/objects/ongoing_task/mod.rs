//! `omni_ongoing_tasks`: what Omni is busy with.

use crate::provider::engine::{Bind, Joined, Object, Row, Table};
use crate::provider::lookup::computed::text;
use crate::provider::lookup::{Filter, Objects, View};
use crate::provider::types::Types;
use crate::tf::check::one_of;
use crate::tf::diag::Diagnostic;
use crate::tf::schema::string;
use crate::tf::value::Value;
use omni_proto::specs::OngoingTaskSpec;
use omni_proto::specs::ongoing_task_spec::Details;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.list::<Objects<OngoingTask>>();
}

struct OngoingTask;

/// What a task can be about.
const KINDS: [&str; 5] = ["talos_upgrade", "kubernetes_upgrade", "destroy", "machine_upgrade", "secrets_rotation"];

impl Table for OngoingTask {
    type Spec = OngoingTaskSpec;

    const NAME: &'static str = "omni_ongoing_task";
    const NOUN: &'static str = "ongoing task";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        let kinds = KINDS.map(|kind| format!("`{kind}`")).join(", ");
        vec![
            text("id", "ID of the task.").id(),
            text("title", "Title, as the Omni UI displays it.").field("title"),
            text("resource_id", "ID of the cluster or machine; empty before Omni 1.3.").field("resource_id"),
            text(
                "kind",
                &format!(
                    "Kind of task: one of {kinds}; empty for a kind that this version of the provider does not know."
                ),
            )
            .derived(),
            text("status", "Progress, as Omni reports it.").derived(),
            text("error", "Error that blocks the task; otherwise empty.").derived(),
        ]
    }

    fn derive(
        object: &Object<OngoingTaskSpec>,
        _joined: &Joined,
        _prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        let [talos, kubernetes, destroy, machine, secrets] = KINDS;
        let (kind, status, error) = match &object.spec.details {
            Some(Details::TalosUpgrade(task)) => (talos, task.status.as_str(), task.error.as_str()),
            Some(Details::KubernetesUpgrade(task)) => (kubernetes, task.step.as_str(), task.error.as_str()),
            Some(Details::Destroy(task)) => (destroy, task.phase.as_str(), ""),
            Some(Details::MachineUpgrade(task)) => (machine, task.status.as_str(), task.error.as_str()),
            Some(Details::SecretsRotation(task)) => (secrets, task.status.as_str(), task.error.as_str()),
            None => ("", "", ""),
        };
        for (name, value) in [("kind", kind), ("status", status), ("error", error)] {
            shown.set(name, value.into());
        }
        Ok(())
    }
}

impl View for OngoingTask {
    const NOUNS: &'static str = "ongoing tasks";
    const PLURAL: &'static str = "omni_ongoing_tasks";
    const ABOUT_ALL: &'static str = "Lists the tasks in progress: upgrades, removals and rotations of secrets. All filters that are set must match.";

    fn filters() -> Vec<Filter> {
        vec![
            Filter::path(string("kind").check(one_of(&KINDS)).doc("Only tasks of this kind: `talos_upgrade`, `kubernetes_upgrade`, `destroy`, `machine_upgrade` or `secrets_rotation`."), "kind"),
            Filter::path(string("resource_id").doc("Only tasks of this cluster or machine."), "resource_id"),
        ]
    }
}
