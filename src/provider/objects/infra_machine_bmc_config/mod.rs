//! `omni_infra_machine_bmc_config`: how an infrastructure provider reaches the management controller of a machine.

use crate::provider::check::{is_host, is_host_and_port};
use crate::provider::engine::{Bind, CosiObject, Cx, Failure, OneKind, ResourceType, Row, Table, message};
use crate::provider::objects::machine::{argument, machine_id};
use crate::provider::types::Types;
use crate::tf::check::{Rule, not_empty, whole_between};
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, number, string};
use crate::tf::write_only::{Fingerprint, WriteOnly, write_only};
use async_trait::async_trait;
use omni_proto::specs::InfraMachineBmcConfigSpec;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<InfraMachineBmcConfig>();
}

struct InfraMachineBmcConfig;

const PASSWORD: WriteOnly = write_only!("password", Fingerprint::Salted).within("ipmi");

impl Table for InfraMachineBmcConfig {
    type Spec = InfraMachineBmcConfigSpec;

    const NAME: &'static str = "omni_infra_machine_bmc_config";
    const NOUN: &'static str = "BMC configuration";
    const ID: &'static str = "machine_id";

    fn rows() -> Vec<Row> {
        vec![
            argument::machine_id(),
            message(
                "ipmi",
                "ipmi",
                vec![
                    string("address")
                        .required()
                        .check(is_host("port"))
                        .doc("IP address or host name of the BMC, without a port.")
                        .field("ipmi.address"),
                    number("port").default(623).check(whole_between(1, 65535)).doc("UDP port.").field("ipmi.port"),
                    string("username").required().check(not_empty()).doc("User of the BMC.").field("ipmi.username"),
                    string("password")
                        .sensitive()
                        .check(not_empty())
                        .doc("Password of the user.")
                        .optional_field("ipmi.password"),
                ],
                |ipmi| ipmi.doc("Access by IPMI."),
            ),
            message(
                "api",
                "api",
                vec![
                    string("address")
                        .required()
                        .check(is_host_and_port())
                        .doc("Address of the API, as `host:port`.")
                        .field("api.address"),
                ],
                |api| {
                    api.doc("Access by the power management API of a virtual machine, such as that of `talosctl cluster create`.")
                },
            ),
        ]
    }
}

#[async_trait]
impl ResourceType for InfraMachineBmcConfig {
    const WRITE_ONLY: &'static [WriteOnly] = &[PASSWORD];

    fn about() -> Schema {
        Schema::new(
            "Manages the address and credentials with which the bare metal infrastructure provider connects to the baseboard management controller (BMC) of a machine, in place of those that it sets up itself. \
             Needs a provider key with the role `Admin`, for reading too.\n\n\
             After a destroy, the infrastructure provider uses its own credentials again.",
        )
        .rule(Rule::AtLeastOne(&["ipmi", "api"]))
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        machine_id::problem(id)
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        argument::check_machine(cx, plan).await
    }
}

impl CosiObject for InfraMachineBmcConfig {
    type Kinds = OneKind;
}
