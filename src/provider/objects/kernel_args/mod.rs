//! `omni_kernel_args`: the kernel arguments of a machine.

use crate::provider::engine::{Bind, Codec, CosiObject, Cx, Failure, OneKind, Origin, ResourceType, Row, Table, group};
use crate::provider::objects::machine::{argument, machine_id};
use crate::provider::objects::machine_class::provision::are_kernel_args;
use crate::provider::types::Types;
use crate::tf::check::Check;
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, plain};
use crate::tf::value::Type;
use async_trait::async_trait;
use kit::text::quoted;
use omni_proto::specs::{KernelArgsSpec, KernelArgsStatusSpec};

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<KernelArgs>();
}

pub(in crate::provider) struct KernelArgs;

/// What the arguments begin with that tie a machine to Omni, which ignores them here.
const PROTECTED: &[&str] = &["siderolink.", "talos.events.sink", "talos.logging.kernel", "talos.config"];

/// The argument is none that Omni sets itself.
fn is_free() -> Check {
    Check::text(|arg| match PROTECTED.iter().find(|prefix| arg.starts_with(**prefix)) {
        Some(prefix) => Err(format!(
            "{} is protected: Omni sets the arguments that begin with `{prefix}` itself, and ignores them here.",
            quoted(arg)
        )),
        None => Ok(()),
    })
}

impl Table for KernelArgs {
    type Spec = KernelArgsSpec;

    const NAME: &'static str = "omni_kernel_args";
    const NOUN: &'static str = "kernel argument list";
    const ID: &'static str = "machine_id";

    fn rows() -> Vec<Row> {
        let texts = |name| plain(name, Type::list(Type::String));
        vec![
            argument::machine_id(),
            texts("args").required().check(are_kernel_args()).check(is_free().of_each()).doc(
                "Kernel arguments, in this order, in addition to those that Omni sets: at most 64, each of at most 256 bytes. An empty list means none.",
            ).field("args"),
            group("status", vec![
                texts("current_args").computed().doc("Arguments that the machine runs with, without those that Omni sets itself.").joined::<KernelArgsStatusSpec>("current_args", Codec::Plain),
                texts("unmet_conditions").computed().doc("What keeps Omni from applying `args`, such as a Talos version before 1.12 on a machine that does not boot a unified kernel image.").joined::<KernelArgsStatusSpec>("unmet_conditions", Codec::Plain),
            ], |status| status.computed().changes_with(&["args"]).doc("What Omni reported of the machine at the last read.")),
        ]
    }
}

#[async_trait]
impl ResourceType for KernelArgs {
    fn about() -> Schema {
        Schema::new(
            "Manages the kernel arguments of a machine, as a whole list. Omni creates such a list for a machine that registers with kernel arguments; a create adopts and replaces it.\n\n\
             ~> **A change reboots the machine**: kernel arguments are part of its image, and Omni upgrades an installed machine to the image with the new ones. \
             Destroying this removes all arguments, also those that the machine registered with.",
        )
        .since("1.3")
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        machine_id::problem(id)
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        argument::check_machine(cx, plan).await
    }
}

impl CosiObject for KernelArgs {
    type Kinds = OneKind;

    const ORIGIN: Origin = Origin::Either;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_omni_are_refused() {
        for (arg, free) in [
            ("console=ttyS0", true),
            ("talos.platform=metal", true),
            ("talos.events=x", true),
            ("siderolink.api=grpc://x", false),
            ("talos.events.sink=[fd00::1]:8090", false),
            ("talos.logging.kernel=tcp://x", false),
            ("talos.config=https://x", false),
            ("talos.config.inline=x", false),
        ] {
            assert_eq!(is_free().run(&arg.into()).is_ok(), free, "{arg}");
        }
    }
}
