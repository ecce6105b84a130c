//! Which disk Omni has chosen: its controllers choose after a write, and their status says for which configuration it is.

use crate::omni::spec::{self, Spec};
use crate::omni::{Error, Resource as Stored};
use crate::provider::engine::{Cx, Join, Joined, Object};
use crate::provider::errors::capital;
use crate::provider::view;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use omni_proto::specs::machine_install_disk_status_spec::Disk;
use omni_proto::specs::{MachineInstallDiskConfigSpec, MachineInstallDiskStatusSpec, MachineStatusSpec};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How long a write waits for the choice. It takes Omni moments: a longer wait would not bring it.
const RESOLUTION_TIMEOUT: Duration = Duration::from_secs(15);

/// By what the disk is chosen, and how.
fn choice(config: &MachineInstallDiskConfigSpec) -> (&'static str, &str) {
    match config.disk.as_str() {
        "" => ("disk_selector", &config.disk_selector),
        disk => ("disk", disk),
    }
}

/// What a status has as its `selection_hash` when it is for this configuration.
fn selection_hash(config: &MachineInstallDiskConfigSpec) -> String {
    let (attribute, text) = choice(config);
    let way = if attribute == "disk" { "disk" } else { "selector" };
    let digest = Sha256::new().chain_update(way).chain_update([0]).chain_update(text).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The status in an object, when it is for this configuration.
fn of(config: &MachineInstallDiskConfigSpec, stored: &Stored) -> Option<MachineInstallDiskStatusSpec> {
    let status = spec::decode::<MachineInstallDiskStatusSpec>(stored).ok()?;
    (status.selection_hash == selection_hash(config)).then_some(status)
}

/// Takes out of what is joined to a configuration the status of a former one, which may come from a cache.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn refresh(
    cx: &Cx,
    object: &Object<MachineInstallDiskConfigSpec>,
    joined: &mut Joined,
) -> Result<(), Error> {
    let join = Join::of::<MachineInstallDiskStatusSpec>();
    let is_former = |stored: &Stored| of(&object.spec, stored).is_none();
    if !joined.stored(join.kind).is_some_and(is_former) {
        return Ok(());
    }
    let fresh = cx.client().get_fresh(&cx.call, &join.kind.key(object.id())).await?;
    joined.replace(&join, fresh.filter(|stored| !is_former(stored)).as_ref())
}

/// Waits until Omni has chosen, and says when there is no disk. The configuration is written either way, so nothing fails.
pub(super) async fn wait(cx: &Cx, object: &Object<MachineInstallDiskConfigSpec>, told: &mut Diagnostics) {
    let (machine, config) = (object.id(), &object.spec);
    let waited = async {
        // Without a machine that has reported its disks there is nothing to choose from.
        let reported = view::spec::<MachineStatusSpec>(cx, machine).await?;
        if reported.is_none_or(|status| status.hardware.is_none()) {
            return Ok(None);
        }
        let call = cx.call.again_within(RESOLUTION_TIMEOUT.min(cx.call.remaining()));
        let key = MachineInstallDiskStatusSpec::KIND.key(machine);
        let what = format!("Omni to choose the install disk of machine `{machine}`");
        cx.client().wait_for(&call, &key, &what, |stored| of(config, stored?)).await.map(Some)
    };
    let waited: Result<_, Error> = waited.await;
    match waited {
        Ok(Some(status)) => told.extend(without_disk(machine, config, &status).into_iter().collect()),
        Ok(None) => {}
        Err(error) => {
            tracing::debug!(machine, %error, "the choice of the install disk is not known");
            told.push(undecided(machine));
        }
    }
}

/// Says that no disk was chosen, why, and which ones there are.
fn without_disk(
    machine: &str,
    config: &MachineInstallDiskConfigSpec,
    status: &MachineInstallDiskStatusSpec,
) -> Option<Diagnostic> {
    if !status.disk.is_empty() {
        return None;
    }
    let (attribute, text) = choice(config);
    let why = match status.message.trim_end_matches('.') {
        "" => format!("No disk is chosen by `{attribute}` = `{text}`."),
        message => format!("{} (`{attribute}` = `{text}`).", capital(message)),
    };
    let display = |disk: &Disk| match disk.skip_reason.as_str() {
        "" => format!("`{}`", disk.dev_path),
        reason => format!("`{}` ({reason})", disk.dev_path),
    };
    let disks: Vec<_> = status.disks.iter().map(display).collect();
    let has = if disks.is_empty() { "no disks".to_owned() } else { disks.join(", ") };
    Some(
        Diagnostic::warning(
            format!("Machine `{machine}` has no install disk"),
            format!("{why} The machine has {has}. Omni installs Talos on it only once a disk is chosen."),
        )
        .hint(format!("Change `{attribute}` so that it chooses one of these disks."))
        .at(Path::of(attribute)),
    )
}

fn undecided(machine: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("The install disk of machine `{machine}` is not known yet"),
        "The configuration is written, and the provider stopped waiting before Omni had chosen a disk by it: `resolved_disk` is empty.",
    )
    .hint("Refresh the state to see the disk.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_for_one_choice() {
        let by = |disk: &str, selector: &str| MachineInstallDiskConfigSpec {
            disk: disk.into(),
            disk_selector: selector.into(),
        };
        // As a server of the 1.11 line computes it.
        let hash = selection_hash(&by("/dev/sda", ""));
        assert_eq!(hash, "127309b137fbc8ef324becf9cd7f34a7a759d89de3883d45b5f36428492a70fb");
        let status = MachineInstallDiskStatusSpec { selection_hash: hash, ..Default::default() };
        let stored = spec::resource("m", &status);
        for (config, is) in
            [(by("/dev/sda", ""), true), (by("/dev/sdb", ""), false), (by("", "/dev/sda"), false), (by("", ""), false)]
        {
            assert_eq!(of(&config, &stored).is_some(), is, "{config:?}");
        }
    }

    #[test]
    fn a_choice_without_a_disk_is_told() {
        let disk =
            |path: &str, reason: &str| Disk { dev_path: path.into(), skip_reason: reason.into(), ..Default::default() };
        let config = MachineInstallDiskConfigSpec { disk_selector: "disk.rotational".into(), ..Default::default() };
        let mut status = MachineInstallDiskStatusSpec {
            message: "no disk matches the install disk selector".into(),
            disks: vec![disk("/dev/vda", ""), disk("/dev/sr0", "a CD-ROM drive")],
            ..Default::default()
        };
        let told = without_disk("m", &config, &status).unwrap();
        assert_eq!(
            told.detail,
            "No disk matches the install disk selector (`disk_selector` = `disk.rotational`). \
             The machine has `/dev/vda`, `/dev/sr0` (a CD-ROM drive). \
             Omni installs Talos on it only once a disk is chosen."
        );
        assert_eq!(told.path, Some(Path::of("disk_selector")));
        status.disk = "/dev/vda".into();
        assert_eq!(without_disk("m", &config, &status).map(|told| told.detail), None);
    }
}
