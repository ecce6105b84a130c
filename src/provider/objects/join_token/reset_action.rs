//! `omni_reset_node_unique_token`: lets a machine get a new unique token.

use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::objects::machine::argument;
use crate::provider::roles;
use crate::tf::diag::Diagnostics;
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use async_trait::async_trait;

pub(super) struct Reset;

const FACTS: Facts = Facts {
    name: "omni_reset_node_unique_token",
    verb: "reset the unique token of",
    noun: "machine",
    id: "machine_id",
    timeout: "5m",
    role: roles::NEEDS_ADMIN,
};

#[async_trait]
impl OmniAction for Reset {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Resets the unique token of a machine, so that it gets a new one when it joins Omni the next time. It helps where a machine has lost its token, for example because its disks were replaced, and Omni refuses it.",
        )
        .with(argument::machine_attribute().doc("ID (UUID) of the machine."))
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        argument::check_named(cx, config, diags).await
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        let machine = FACTS.operation(config).id;
        run.write(run.client().reset_node_unique_token(run.call(), machine)).await?;
        run.done(format!("The unique token of machine `{machine}` is reset")).await;
        Ok(())
    }
}
