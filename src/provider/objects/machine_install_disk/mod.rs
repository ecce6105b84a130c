//! `omni_machine_install_disk`: the disk on which Talos is installed on a machine.

mod resolution;
mod selector;
mod typed;

use crate::omni::Error;
use crate::provider::engine::{
    Bind, Codec, CosiObject, Cx, Failure, Joined, Object, OneKind, ResourceType, Row, Table, Written, group,
};
use crate::provider::objects::machine::{argument, machine_id};
use crate::provider::types::Types;
use crate::provider::view;
use crate::tf::check::{Rule, not_empty};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, boolean, objects, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use omni_proto::specs::{MachineInstallDiskConfigSpec, MachineInstallDiskStatusSpec};

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<MachineInstallDisk>();
}

pub(in crate::provider) struct MachineInstallDisk;

/// The two ways to say which disk.
const CHOICE: &[&str] = &["disk", "disk_selector"];

impl Table for MachineInstallDisk {
    type Spec = MachineInstallDiskConfigSpec;

    const NAME: &'static str = "omni_machine_install_disk";
    const NOUN: &'static str = "install disk configuration";
    const ID: &'static str = "machine_id";

    fn rows() -> Vec<Row> {
        vec![
            argument::machine_id(),
            string("disk").check(not_empty()).doc("Path of the disk, such as `/dev/nvme0n1`.").optional_field("disk"),
            string("disk_selector").document().check(selector::is_selector()).doc(
                "Expression in the Common Expression Language (CEL) that is true for the disk, such as `disk.size > 100u * GB && !disk.rotational`.",
            ).optional_field("disk_selector"),
            string("resolved_disk").computed().changes_with(CHOICE).doc("Disk that Omni has chosen by this configuration, or that Talos is installed on; empty while there is none.").joined::<MachineInstallDiskStatusSpec>("disk", Codec::Plain),
            group("status", vec![
                string("message").computed().doc("Why no disk was chosen, if so.").joined::<MachineInstallDiskStatusSpec>("message", Codec::Plain),
                objects("disks", vec![
                    string("dev_path").computed().doc("Path of the disk."),
                    boolean("selectable").computed().doc("Whether Talos can be installed on it."),
                    string("skip_reason").computed().doc("Why it was skipped, if so."),
                    plain("members", Type::list(Type::String)).computed().doc("Disks that it is made of, for a RAID or a multipath device."),
                ]).computed().doc("Disks of the machine.").joined::<MachineInstallDiskStatusSpec>("disks", Codec::Plain),
            ], |status| status.computed().changes_with(CHOICE).doc("How Omni chose the disk, as of the last read.")),
        ]
    }
}

#[async_trait]
impl ResourceType for MachineInstallDisk {
    fn about() -> Schema {
        Schema::new(
            "Manages which disk of a machine Talos is installed on. Without it, Omni chooses the disk.\n\n\
             It takes effect when Talos is installed: create it before the `omni_machine_set_node` of the machine, by a reference to its `machine_id` there. \
             A change, or destroying this, does not move an installed machine to another disk.",
        )
        .rule(Rule::ExactlyOne(CHOICE))
        .since("1.11")
        .instead("Until then, set the disk in an `omni_config_patch` of the machine, as `machine.install.disk`; Omni 1.11 refuses that in patches.")
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        machine_id::problem(id)
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        argument::check_machine(cx, plan).await?;
        let given = |name: &str| plan.planned.get(name).as_str().map(str::to_owned);
        let (Some(machine), Some(disk)) = (given(Self::ID), given("disk")) else { return Ok(()) };
        let Some(status) = view::spec::<MachineInstallDiskStatusSpec>(cx, &machine).await? else { return Ok(()) };
        // Links such as those in `/dev/disk/by-id` are not listed.
        let why = match status.disks.iter().find(|known| known.dev_path == disk) {
            Some(known) if known.selectable => return Ok(()),
            Some(known) => format!("Omni skips it: {}.", known.skip_reason),
            None if disk.starts_with("/dev/disk/") || status.disks.is_empty() => return Ok(()),
            None => {
                let known: Vec<_> = status.disks.iter().map(|known| format!("`{}`", known.dev_path)).collect();
                format!("The machine has {}.", known.join(", "))
            }
        };
        plan.diags.push(
            Diagnostic::warning(format!("Talos cannot be installed on `{disk}` of machine `{machine}`"), why)
                .hint("Choose another disk of the machine.")
                .at(Path::of("disk")),
        );
        Ok(())
    }
}

#[async_trait]
impl CosiObject for MachineInstallDisk {
    type Kinds = OneKind;

    async fn facts(cx: &Cx, object: &Object<MachineInstallDiskConfigSpec>, joined: &mut Joined) -> Result<(), Error> {
        resolution::refresh(cx, object, joined).await
    }

    async fn after_write(
        cx: &Cx,
        written: &Written<'_, MachineInstallDiskConfigSpec>,
        wanted: &mut Value,
        told: &mut Diagnostics,
    ) -> Result<bool, Failure> {
        if written.prior.is_none_or(|prior| CHOICE.iter().any(|name| prior.get(name) != wanted.get(name))) {
            resolution::wait(cx, written.object, told).await;
        }
        Ok(false)
    }
}
