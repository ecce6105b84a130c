//! `omni_machine_request_set`: machines that an infrastructure provider is asked to create.

use crate::provider::check::is_version;
use crate::provider::engine::codecs::VERSION;
use crate::provider::engine::{Bind, CosiObject, Cx, Failure, OneKind, ResourceType, Row, Table};
use crate::provider::objects::machine_class::provision;
use crate::provider::types::Types;
use crate::provider::view;
use crate::provider::view::Presence;
use crate::tf::check::{not_empty, whole_between};
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, number, plain, string};
use crate::tf::value::Type;
use async_trait::async_trait;
use kit::version;
use omni_proto::specs::{MachineRequestSetSpec, TalosExtensionsSpec, TalosVersionSpec};

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<MachineRequestSet>();
}

struct MachineRequestSet;

/// The publisher of extensions whose names have none.
const PUBLISHER: &str = "siderolabs/";

/// The count is a signed number of 32 bits in Omni.
const MOST_MACHINES: i64 = i32::MAX as i64;

impl Table for MachineRequestSet {
    type Spec = MachineRequestSetSpec;

    const NAME: &'static str = "omni_machine_request_set";
    const NOUN: &'static str = "machine request set";
    const ID: &'static str = "name";

    fn rows() -> Vec<Row> {
        let own = [
            string("name").required().replaces().check(not_empty()).doc("Name of the machine request set.").id(),
            number("machine_count")
                .required()
                .check(whole_between(0, MOST_MACHINES))
                .doc("Number of machines. A lower number makes the infrastructure provider delete machines.")
                .field("machine_count"),
            string("talos_version")
                .required()
                .same_if(version::same)
                .check(is_version())
                .doc("Talos version that the machines boot, such as `1.13.5`, with or without a leading `v`.")
                .coded("talos_version", VERSION),
            plain("extensions", Type::list(Type::String))
                .or_nothing()
                .check(not_empty().of_each())
                .doc("System extensions of the machines, such as `siderolabs/qemu-guest-agent`.")
                .field("extensions"),
        ];
        let asked = provision::rows(["provider_id", "provider_data", "kernel_args", "meta_values", "grpc_tunnel"]);
        own.into_iter().chain(asked).collect()
    }
}

#[async_trait]
impl ResourceType for MachineRequestSet {
    fn about() -> Schema {
        Schema::new(
            "Manages a set of machines that an infrastructure provider creates for Omni. They are free for any cluster; a machine class with `auto_provision` creates them for its machine sets instead.\n\n\
             ~> **Destroying it, or lowering `machine_count`, has the provider delete machines**.",
        )
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        provision::check(cx, plan, "").await?;
        let Some(talos) = plan.planned.get("talos_version").as_str().map(|text| version::strip_v(text).to_owned())
        else {
            return Ok(());
        };
        let problem = match view::object::<TalosVersionSpec>(cx, &talos).await? {
            Presence::Unreadable => return Ok(()),
            Presence::Missing => Some("Omni does not offer it"),
            Presence::Exists(offered) if offered.spec.deprecated => Some("Omni no longer supports it"),
            Presence::Exists(offered) if offered.spec.unsupported => Some("this release of Omni does not support it"),
            Presence::Exists(_) => None,
        };
        if let Some(why) = problem {
            plan.diags.push(
                Diagnostic::error(
                    format!("Talos {talos} cannot be used"),
                    format!("Machine requests take versions that Omni offers, and {why}."),
                )
                .hint("Set `talos_version` to a version that the data source `omni_talos_versions` lists.")
                .at(Path::of("talos_version")),
            );
            return Ok(());
        }
        check_extensions(cx, plan, &talos).await
    }
}

impl CosiObject for MachineRequestSet {
    type Kinds = OneKind;
}

/// Omni offers each of them for this Talos version, and each is named once.
async fn check_extensions(cx: &Cx, plan: &mut Plan<'_>, talos: &str) -> Result<(), Failure> {
    let Some(offered) = view::spec::<TalosExtensionsSpec>(cx, talos).await? else { return Ok(()) };
    let full = |name: &str| if name.contains('/') { name.to_owned() } else { format!("{PUBLISHER}{name}") };
    let mut seen = Vec::new();
    for (at, name) in plan.planned.get("extensions").elements().iter().enumerate() {
        let Some(name) = name.as_str().map(full) else { continue };
        let why = if seen.contains(&name) {
            "it is listed more than once".to_owned()
        } else if offered.items.iter().all(|item| item.name != name) {
            format!("it is not available for Talos {talos}")
        } else {
            seen.push(name);
            continue;
        };
        plan.diags.push(
            Diagnostic::error(format!("Extension `{name}` cannot be used"), format!("Element {at}: {why}."))
                .hint("Correct or remove it; the Image Factory lists the extensions of each Talos version.")
                .at(Path::of("extensions")),
        );
    }
    Ok(())
}
