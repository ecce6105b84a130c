//! `omni_machine_remove`: removes a machine from Omni, whether it can be reached or not.

use super::{argument, confirmed};
use crate::omni::spec::Spec;
use crate::omni::{ErrorKind, Resource as Stored};
use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::roles;
use crate::provider::session::at;
use crate::provider::view;
use crate::provider::wait::Step;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::{MachineSpec, MachineStatusSpec, SiderolinkSpec};

pub(super) struct Remove;

const FACTS: Facts = Facts {
    name: "omni_machine_remove",
    verb: "remove",
    noun: "machine",
    id: "machine_id",
    timeout: "10m",
    role: roles::NEEDS_OPERATOR,
};

#[async_trait]
impl OmniAction for Remove {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Removes a machine from Omni, with everything that Omni keeps of it, and waits until it is gone. Use it for machines that are permanently lost: a machine that still runs is not wiped, and joins again.\n\n\
             ~> **A machine of a cluster is taken out of it without being wiped**, and its etcd member is lost. Destroy its `omni_machine_set_node` instead as long as the machine can be reached.",
        )
        .with_all(confirmed::attributes("remove"))
    }

    fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        confirmed::validate(config, diags);
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        argument::check_named(cx, config, diags).await?;
        let id = FACTS.operation(config).id.to_owned();
        if !id.is_empty()
            && let Some(status) = view::spec::<MachineStatusSpec>(cx, &id).await?
            && status.connected
        {
            diags.push(
                Diagnostic::warning(
                    format!("Machine `{id}` is connected to Omni"),
                    "It will be removed without being wiped, and joins Omni again as long as it runs.",
                )
                .hint("Destroy its `omni_machine_set_node` to wipe it, or turn the machine off first.")
                .at(at(FACTS.id)),
            );
        }
        Ok(())
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        confirmed::hold(config)?;
        let machine = FACTS.operation(config).id;
        let link = SiderolinkSpec::KIND.key(machine);
        if let Some(found) = run.cx().find::<MachineStatusSpec>(machine).await?
            && !found.spec.cluster.is_empty()
        {
            run.say(format!("Machine `{machine}` belongs to cluster `{}`", found.spec.cluster)).await;
        }
        match run.write(run.client().teardown(run.call(), &link)).await {
            Ok(_) => {}
            Err(error) if error.is(ErrorKind::NotFound) => {
                return Err(Diagnostic::error(FACTS.operation(config).summary(), "Omni has no machine with this ID.")
                    .hint(
                        "Check `machine_id`; the data source `omni_machines` lists the machines that have registered.",
                    )
                    .at(at(FACTS.id))
                    .into());
            }
            Err(error) => return Err(error.into()),
        }
        run.done(format!("Requested the removal of machine `{machine}`")).await;
        let what = format!("machine `{machine}` to be removed");
        // What Omni keeps of a machine goes before its link does.
        for key in [MachineSpec::KIND.key(machine), link] {
            run.wait(&key, &what, |stored| Ok(stored.map_or(Step::Met, |stored| Step::Unmet(held(stored))))).await?;
        }
        run.done(format!("Machine `{machine}` is removed")).await;
        Ok(())
    }
}

/// What holds up the removal of an object.
pub(crate) fn held(stored: &Stored) -> String {
    let names: Vec<_> = stored.metadata.finalizers.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => format!("`{}` is being removed", stored.key),
        names => format!("`{}` is being removed, with the finalizers {}", stored.key, names.join(", ")),
    }
}
