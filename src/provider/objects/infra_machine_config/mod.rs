//! `omni_infra_machine_config`: acceptance and power state of a machine of a static infrastructure provider.

use crate::omni::spec::Spec;
use crate::provider::engine::codecs::texts;
use crate::provider::engine::{Bind, Codec, CosiObject, Cx, Failure, OneKind, ResourceType, Row, Table, if_applied};
use crate::provider::ledger::{ObjectKey, Ticket};
use crate::provider::objects::machine::acceptance::{self, ACCEPT, ACCEPTANCE, ACCEPTED_STATE};
use crate::provider::objects::machine::{argument, machine_id};
use crate::provider::types::Types;
use crate::provider::view;
use crate::tf::check::one_of;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::infra_machine_config_spec::{AcceptanceStatus, MachinePowerState};
use omni_proto::specs::{InfraMachineConfigSpec, MachineStatusSpec, SiderolinkSpec};

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<InfraMachineConfig>();
}

struct InfraMachineConfig;

const ACCEPTANCES: [(&str, i32); 3] = [
    ("pending", AcceptanceStatus::Pending as i32),
    (ACCEPTED_STATE, AcceptanceStatus::Accepted as i32),
    ("rejected", AcceptanceStatus::Rejected as i32),
];
const POWER_STATES: [(&str, i32); 3] = [
    ("default", MachinePowerState::PowerStateDefault as i32),
    ("off", MachinePowerState::PowerStateOff as i32),
    ("on", MachinePowerState::PowerStateOn as i32),
];

impl Table for InfraMachineConfig {
    type Spec = InfraMachineConfigSpec;

    const NAME: &'static str = "omni_infra_machine_config";
    const NOUN: &'static str = "infrastructure machine configuration";
    const ID: &'static str = "machine_id";

    fn rows() -> Vec<Row> {
        vec![
            argument::machine_id(),
            string(ACCEPTANCE).required().check(one_of(const { &texts(&ACCEPTANCES) })).doc(
                "`accepted` lets the provider take the machine over and wipe it, `rejected` has Omni ignore it, and `pending` leaves it undecided. An accepted machine stays accepted.",
            ).coded("acceptance_status", Codec::Enum(&ACCEPTANCES)),
            string("power_state").default("default").check(one_of(const { &texts(&POWER_STATES) })).doc(
                "`on`, `off`, or `default`: the infrastructure provider decides.",
            ).coded("power_state", Codec::Enum(&POWER_STATES)),
            string("extra_kernel_args").at_most(4096).doc("Kernel arguments with which the provider boots the machine, separated by spaces: at most 4096 bytes.").optional_field("extra_kernel_args"),
            boolean("cordoned").default(false).doc("Whether clusters must not allocate the machine.").field("cordoned"),
        ]
    }
}

fn is_accepted(state: &Value) -> bool {
    state.get(ACCEPTANCE).as_str() == Some(ACCEPTED_STATE)
}

#[async_trait]
impl ResourceType for InfraMachineConfig {
    fn about() -> Schema {
        Schema::new(
            "Manages a machine of a static infrastructure provider, such as the bare metal provider: whether it is accepted, its power, and whether clusters may take it.\n\n\
             ~> **Accepting a machine allows the infrastructure provider to wipe its disks, and cannot be undone.** \
             Omni refuses to destroy the configuration of an accepted machine as long as the machine is in Omni; removing the machine from Omni removes this too.",
        )
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        machine_id::problem(id)
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        let stays = plan.planned.get(ACCEPTANCE).is_unknown() || is_accepted(&plan.planned);
        if plan.prior.is_some_and(is_accepted) && !stays && plan.replace.is_empty() {
            plan.diags.push(
                Diagnostic::error("An accepted machine stays accepted", "Omni does not let an accepted machine be rejected or set back to pending.")
                    .hint(format!("Set `{ACCEPTANCE} = \"{ACCEPTED_STATE}\"`. To be rid of the machine, remove it from Omni; it can then register again."))
                    .at(Path::of(ACCEPTANCE)),
            );
        }
    }

    fn check_run(cx: &Cx, _ticket: &Ticket, plan: &mut Plan<'_>) {
        let Some(id) = plan.planned.get(Self::ID).as_str().map(str::to_owned) else { return };
        let machine = cx.session.ledger.planned(&ObjectKey::from(&MachineStatusSpec::KIND.key(&id)));
        if machine.is_some_and(|machine| machine.get(ACCEPT).as_bool() == Some(true))
            && !plan.diags.has_errors()
            && let Some(conflict) = acceptance::conflict(&id, &plan.planned, ACCEPTANCE)
        {
            let key = ObjectKey::from(&InfraMachineConfigSpec::KIND.key(&id));
            let conflict = if_applied(cx, plan, &key, conflict);
            plan.diags.push(conflict);
        }
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        argument::check_machine(cx, plan).await
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        let id = prior.get(Self::ID).as_str().unwrap_or_default();
        if is_accepted(prior)
            && !cx.session.ledger.goes(&ObjectKey::from(&SiderolinkSpec::KIND.key(id)))
            && view::object::<SiderolinkSpec>(cx, id).await?.there().is_some()
        {
            diags.push(
                Diagnostic::warning(
                    format!("Omni keeps the configuration of machine `{id}`"),
                    "The machine is accepted, and Omni refuses to remove the configuration of an accepted machine as long as the machine is in Omni: the apply will fail.",
                )
                .hint("Remove the machine from Omni, which removes this too, or take this out of the state with a `removed` block.")
                .at(Path::of(ACCEPTANCE)),
            );
        }
        Ok(())
    }
}

impl CosiObject for InfraMachineConfig {
    type Kinds = OneKind;
}
