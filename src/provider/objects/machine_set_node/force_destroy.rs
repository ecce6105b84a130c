//! `omni_node_force_destroy`: lets Omni give up a machine of a cluster that it cannot wipe.

use crate::omni::spec::Spec;
use crate::omni::{Phase, labels};
use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::ledger::ObjectKey;
use crate::provider::objects::machine::remove_action::held;
use crate::provider::objects::machine::{argument, confirmed};
use crate::provider::roles;
use crate::provider::session::at;
use crate::provider::view;
use crate::provider::view::Presence;
use crate::provider::wait;
use crate::provider::wait::Step;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::{ClusterMachineSpec, MachineSetNodeSpec, MachineStatusSpec};

pub(super) struct ForceDestroy;

const FACTS: Facts = Facts {
    name: "omni_node_force_destroy",
    verb: "force the removal of",
    noun: "machine",
    id: "machine_id",
    timeout: "10m",
    role: roles::NEEDS_OPERATOR,
};

/// What is said of a machine that no cluster holds, and what to do.
const NO_CLUSTER: (&str, &str) =
    ("The machine is in no cluster.", "Check `machine_id`. A machine that has left its cluster needs no force.");

/// The same of one that stays in its cluster.
const NOT_REMOVED: (&str, &str) = (
    "The machine is not being removed from its cluster, so that there is nothing to force.",
    "Destroy its `omni_machine_set_node` first, then invoke the action.",
);

const WILL_FAIL: &str = "There is nothing to force: the action will fail unless its removal has begun by then.";

#[async_trait]
impl OmniAction for ForceDestroy {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Forces the removal of an unreachable machine that is being removed from its cluster, and waits until its `ClusterMachine` is gone. Without this, the removal waits until the machine comes back. The machine stays in Omni; `omni_machine_remove` removes it from there.\n\n\
             ~> **The machine is not wiped**: its disks keep their content, and its etcd member is lost.",
        )
        .with_all(confirmed::attributes("give up"))
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        confirmed::validate(config, diags);
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        argument::check_named(cx, config, diags).await?;
        let Some(machine) = config.get(FACTS.id).as_str() else { return Ok(()) };
        let Some(status) = view::spec::<MachineStatusSpec>(cx, machine).await? else { return Ok(()) };
        let (summary, why, hint) = match view::object::<ClusterMachineSpec>(cx, machine).await? {
            Presence::Missing => (format!("Machine `{machine}` is in no cluster"), WILL_FAIL, NO_CLUSTER.1),
            // One that this run takes out of its cluster is being removed by then.
            Presence::Exists(member) if member.stored.metadata.phase == Phase::Running && !goes(cx, machine) => {
                (format!("Machine `{machine}` is not being removed from its cluster"), WILL_FAIL, NOT_REMOVED.1)
            }
            _ if status.connected => (
                format!("Machine `{machine}` is connected to Omni"),
                "It can be wiped, and will be given up without that.",
                "Let Omni remove it in order, by destroying its `omni_machine_set_node`.",
            ),
            _ => return Ok(()),
        };
        diags.push(Diagnostic::warning(summary, why).hint(hint).at(at(FACTS.id)));
        Ok(())
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        confirmed::hold(config)?;
        let operation = FACTS.operation(config);
        let machine = operation.id;
        let refuse =
            |(why, hint): (&str, &str)| Diagnostic::error(operation.summary(), why).hint(hint).at(at(FACTS.id));
        let Some(member) = run.find_fresh::<ClusterMachineSpec>(machine).await? else {
            return Err(refuse(NO_CLUSTER).into());
        };
        if member.stored.metadata.phase == Phase::Running {
            return Err(refuse(NOT_REMOVED).into());
        }
        let cluster = member.label(labels::CLUSTER).unwrap_or_default().to_owned();
        run.write(wait::force_destroy(run.cx(), machine, &cluster)).await?;
        run.done(format!("Requested to give up machine `{machine}` of cluster `{cluster}`")).await;
        let what = format!("cluster `{cluster}` to let machine `{machine}` go");
        run.wait_in(&cluster, &ClusterMachineSpec::KIND.key(machine), &what, |stored| {
            Ok(match stored {
                // Another cluster may have the machine by then.
                Some(stored) if stored.metadata.phase == Phase::TearingDown => Step::Unmet(held(stored)),
                _ => Step::Met,
            })
        })
        .await?;
        run.done(format!("Cluster `{cluster}` has let machine `{machine}` go")).await;
        Ok(())
    }
}

/// Whether this run takes the machine out of its cluster.
fn goes(cx: &Cx, machine: &str) -> bool {
    cx.session.ledger.goes(&ObjectKey::from(&MachineSetNodeSpec::KIND.key(machine)))
}
