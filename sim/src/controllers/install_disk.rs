//! The disk that Talos is installed on: the one that it is on, or that users choose, or else the smallest.

use super::context::{ControllerContext, hex, labels};
use crate::names::{controller, kind, label};
use crate::object::Object;
use crate::rules::matching_disks;
use kit::yaml;
use omni_proto::specs::machine_install_disk_status_spec::Disk;
use omni_proto::specs::machine_status_spec::hardware_status::BlockDevice;
use omni_proto::specs::{
    MachineInstallDiskConfigSpec, MachineInstallDiskStatusSpec, MachineStatusSpec, RedactedClusterMachineConfigSpec,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::collections::HashMap;

/// A disk must hold more than this to be installed on.
const TOO_SMALL: u64 = 5_000_000_000;

/// Where disks are that lie on others.
const VIRTUAL_BUS: &str = "/virtual";

/// Says for each machine which disk it will be.
pub(super) fn report(ctx: &ControllerContext<'_>, machine: &Object, status: &MachineStatusSpec) {
    let id = machine.key.id.as_str();
    let wanted = wanted(ctx, id);
    let mut place = labels(machine);
    place.retain(|(key, _)| *key == label::CLUSTER);
    let owner = controller::MACHINE_INSTALL_DISK_STATUS;
    ctx.put(owner, kind::MACHINE_INSTALL_DISK_STATUS, id, &place, &resolve(status, wanted.as_ref()));
}

/// The disk that the configuration of a machine names; none as long as it is not known which.
pub(super) fn configured(ctx: &ControllerContext<'_>, id: &str, status: &MachineStatusSpec) -> Option<String> {
    let disk = if is_chosen_by_objects(ctx) {
        resolve(status, wanted(ctx, id).as_ref()).disk
    } else {
        automatic(status).unwrap_or_default().to_owned()
    };
    (!disk.is_empty()).then_some(disk)
}

/// Whether there are objects that choose, so that patches have no say.
pub(super) fn is_chosen_by_objects(ctx: &ControllerContext<'_>) -> bool {
    ctx.release.has_kind(kind::MACHINE_INSTALL_DISK_STATUS)
}

/// The disk that Talos is put on: what the whole configuration says, with its patches.
pub(super) fn target(ctx: &ControllerContext<'_>, id: &str, status: &MachineStatusSpec) -> String {
    let text = ctx.spec::<RedactedClusterMachineConfigSpec>(kind::REDACTED_CLUSTER_MACHINE_CONFIG, id).data;
    let documents = yaml::parse_documents(&text).unwrap_or_default();
    let named = documents.iter().find_map(|document| document.pointer("/machine/install/disk").and_then(Value::as_str));
    let named = named.filter(|named| devices(status).iter().any(|disk| path(disk) == *named));
    named.or_else(|| automatic(status)).unwrap_or_default().to_owned()
}

/// Marks the disk that Talos is on; none for a machine that was wiped.
pub(super) fn mark(status: &mut MachineStatusSpec, installed_on: Option<&str>) {
    for disk in status.hardware.iter_mut().flat_map(|hardware| &mut hardware.blockdevices) {
        disk.system_disk = installed_on == Some(path(disk));
    }
}

/// The disk where nobody chooses one, as servers before there were objects for it find it.
pub(super) fn automatic(status: &MachineStatusSpec) -> Option<&str> {
    let fit = devices(status).iter().filter(|disk| is_large(disk) && disk.bus_path != VIRTUAL_BUS && !disk.readonly);
    let smallest = || fit.filter(|disk| disk.r#type != "CD").min_by_key(|disk| (disk.transport == "usb", disk.size));
    system(status).or_else(smallest).map(|disk| disk.linux_name.as_str())
}

fn wanted(ctx: &ControllerContext<'_>, id: &str) -> Option<MachineInstallDiskConfigSpec> {
    ctx.get(kind::MACHINE_INSTALL_DISK_CONFIG, id).map(|config| config.spec())
}

fn devices(status: &MachineStatusSpec) -> &[BlockDevice] {
    status.hardware.as_ref().map(|hardware| hardware.blockdevices.as_slice()).unwrap_or_default()
}

fn system(status: &MachineStatusSpec) -> Option<&BlockDevice> {
    devices(status).iter().find(|disk| disk.system_disk)
}

fn is_large(disk: &BlockDevice) -> bool {
    disk.size > TOO_SMALL
}

fn path(disk: &BlockDevice) -> &str {
    if disk.dev_path.is_empty() { &disk.linux_name } else { &disk.dev_path }
}

/// Whether a disk lies on others.
fn is_composite(disk: &BlockDevice) -> bool {
    !disk.secondary_disks.is_empty() || disk.bus_path == VIRTUAL_BUS
}

/// A digest of what was chosen, which tells whether a status is about that; empty where nothing was.
fn selection_hash(wanted: Option<&MachineInstallDiskConfigSpec>) -> String {
    wanted.map_or_else(String::new, |wanted| {
        let (way, what) = match wanted.disk.as_str() {
            "" => ("selector", &wanted.disk_selector),
            _ => ("disk", &wanted.disk),
        };
        hex(Sha256::new().chain_update(way).chain_update([0]).chain_update(what))
    })
}

fn resolve(status: &MachineStatusSpec, wanted: Option<&MachineInstallDiskConfigSpec>) -> MachineInstallDiskStatusSpec {
    let (disk, message) = match &status.hardware {
        Some(_) => choose(status, wanted),
        None => (String::new(), "waiting for the machine hardware information".to_owned()),
    };
    let disks = evaluate(devices(status));
    MachineInstallDiskStatusSpec { disk, message, disks, selection_hash: selection_hash(wanted) }
}

/// The path of the disk and the message about it; the path is empty when no disk fits.
fn choose(status: &MachineStatusSpec, wanted: Option<&MachineInstallDiskConfigSpec>) -> (String, String) {
    let disks = devices(status);
    let none = |message: String| (String::new(), message);
    // What is installed stays, whatever is chosen afterwards.
    if let Some(on) = system(status).map(path) {
        let installed = format!("Talos is already installed on {on}");
        let message = match wanted.map(|wanted| matches(wanted, disks)) {
            Some(Err(error)) => format!("{installed}, and the install disk selector failed to evaluate: {error}"),
            Some(Ok(found)) if !found.iter().any(|disk| path(disk) == on) => format!(
                "{installed}, the install disk selection takes effect only if the machine is wiped and installed again"
            ),
            _ => installed,
        };
        return (on.to_owned(), message);
    }
    let Some(wanted) = wanted else {
        let first = evaluate(disks).into_iter().next().filter(|disk| disk.skip_reason.is_empty());
        return match first {
            Some(disk) => (disk.dev_path, String::new()),
            None => none("no disks are eligible for installation".to_owned()),
        };
    };
    let mut found = match matches(wanted, disks) {
        Err(error) => return none(format!("install disk selector evaluation failed: {error}")),
        Ok(found) => found,
    };
    if !wanted.disk.is_empty() {
        return match found.first() {
            Some(_) => (wanted.disk.clone(), "selected by the install disk selection".to_owned()),
            None => none(format!("the selected install disk {} is not present on the machine", wanted.disk)),
        };
    }
    found.sort_by_key(|disk| (is_composite(disk), path(disk)));
    match found[..] {
        [] => none("no disk matches the install disk selector".to_owned()),
        [only] => (path(only).to_owned(), "selected by the install disk selector".to_owned()),
        [first, ..] if is_composite(first) => none(format!(
            "{} disks match the install disk selector and all of them are built on top of other disks, refusing to pick \
             one automatically",
            found.len()
        )),
        [first, ..] => {
            let (disk, count) = (path(first).to_owned(), found.len());
            let message = format!("{count} disks match the install disk selector, using {disk}");
            (disk, message)
        }
    }
}

fn matches<'a>(
    wanted: &MachineInstallDiskConfigSpec,
    disks: &'a [BlockDevice],
) -> Result<Vec<&'a BlockDevice>, String> {
    match wanted.disk.as_str() {
        "" => matching_disks(&wanted.disk_selector, disks),
        named => Ok(disks.iter().filter(|disk| path(disk) == named).collect()),
    }
}

/// Every disk, with the reason why it would not be taken by itself: those without one first, the smallest in front, then
/// those that can still be chosen, then the rest.
fn evaluate(disks: &[BlockDevice]) -> Vec<Disk> {
    let mut member_of: HashMap<&str, &str> = HashMap::new();
    for disk in disks {
        for member in &disk.secondary_disks {
            let parent = member_of.entry(member).or_insert_with(|| path(disk));
            *parent = path(disk).min(parent);
        }
    }
    let judge = |disk: &BlockDevice| {
        let name = disk.dev_path.rsplit('/').next().unwrap_or_default();
        let refused = if disk.dev_path.is_empty() {
            Some("reported without the disk details, waiting for the machine to be polled again".to_owned())
        } else if let Some(parent) = member_of.get(name) {
            Some(format!("a member of {parent}"))
        } else if disk.readonly {
            Some("read-only".to_owned())
        } else if disk.r#type == "CD" {
            Some("a CD-ROM drive".to_owned())
        } else if !is_large(disk) {
            Some("smaller than the minimum size for an install disk".to_owned())
        } else {
            None
        };
        match refused {
            Some(reason) => (reason, false),
            None if is_composite(disk) => ("built on top of other disks".to_owned(), true),
            None => (String::new(), true),
        }
    };
    let mut judged: Vec<(&BlockDevice, (String, bool))> = disks.iter().map(|disk| (disk, judge(disk))).collect();
    let group = |(reason, selectable): &(String, bool)| (!reason.is_empty(), !selectable);
    judged.sort_by(|(a, of_a), (b, of_b)| {
        let by_size = || match of_a.0.is_empty() {
            true => (a.transport == "usb", a.size).cmp(&(b.transport == "usb", b.size)),
            false => Ordering::Equal,
        };
        group(of_a).cmp(&group(of_b)).then_with(by_size).then_with(|| path(a).cmp(path(b)))
    });
    let told = judged.into_iter().map(|(disk, (skip_reason, selectable))| Disk {
        dev_path: path(disk).to_owned(),
        selectable,
        skip_reason,
        members: disk.secondary_disks.clone(),
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use omni_proto::specs::machine_status_spec::HardwareStatus;

    const GB: u64 = 1_000_000_000;

    fn disk(name: &str, gb: u64) -> BlockDevice {
        BlockDevice {
            dev_path: format!("/dev/{name}"),
            linux_name: format!("/dev/{name}"),
            size: gb * GB,
            transport: "sata".into(),
            ..Default::default()
        }
    }

    fn machine(disks: &[BlockDevice]) -> MachineStatusSpec {
        let hardware = Some(HardwareStatus { blockdevices: disks.to_vec(), ..Default::default() });
        MachineStatusSpec { hardware, ..Default::default() }
    }

    #[test]
    fn every_disk_is_judged() {
        let disks = [
            disk("sdc", 900),
            BlockDevice { transport: "usb".into(), ..disk("sda", 32) },
            disk("sdb", 100),
            BlockDevice { readonly: true, ..disk("sdd", 100) },
            BlockDevice { r#type: "CD".into(), ..disk("sr0", 100) },
            disk("sde", 5),
            BlockDevice { secondary_disks: vec!["sdf".into(), "sdg".into()], ..disk("md0", 100) },
            disk("sdf", 100),
            disk("sdg", 100),
            BlockDevice { dev_path: String::new(), ..disk("sdh", 100) },
        ];
        let found = resolve(&machine(&disks), None);
        let told: Vec<_> =
            found.disks.iter().map(|d| (d.dev_path.as_str(), d.selectable, d.skip_reason.as_str())).collect();
        assert_eq!(
            told,
            [
                ("/dev/sdb", true, ""),
                ("/dev/sdc", true, ""),
                ("/dev/sda", true, ""),
                ("/dev/md0", true, "built on top of other disks"),
                ("/dev/sdd", false, "read-only"),
                ("/dev/sde", false, "smaller than the minimum size for an install disk"),
                ("/dev/sdf", false, "a member of /dev/md0"),
                ("/dev/sdg", false, "a member of /dev/md0"),
                ("/dev/sdh", false, "reported without the disk details, waiting for the machine to be polled again"),
                ("/dev/sr0", false, "a CD-ROM drive"),
            ]
        );
        assert_eq!((found.disk.as_str(), found.message.as_str(), found.selection_hash.as_str()), ("/dev/sdb", "", ""));
        assert_eq!(automatic(&machine(&disks)), Some("/dev/sdb"));
    }

    #[test]
    fn what_is_chosen_counts_until_something_is_installed() {
        let plain = [disk("sda", 100), disk("sdb", 500), disk("sdc", 500)];
        let installed = [BlockDevice { system_disk: true, ..disk("sda", 100) }, disk("sdb", 500)];
        let arrays = ["md0", "md1"].map(|name| BlockDevice { secondary_disks: vec!["x".into()], ..disk(name, 500) });
        let by_disk = |disk: &str| MachineInstallDiskConfigSpec { disk: disk.into(), ..Default::default() };
        let by = |selector: &str| MachineInstallDiskConfigSpec { disk_selector: selector.into(), ..Default::default() };
        let is_on = "Talos is already installed on /dev/sda";
        for (disks, wanted, expected, message) in [
            (&plain[..], Some(by_disk("/dev/sdb")), "/dev/sdb", "selected by the install disk selection".to_owned()),
            (
                &plain,
                Some(by_disk("/dev/sdx")),
                "",
                "the selected install disk /dev/sdx is not present on the machine".into(),
            ),
            (&plain, Some(by("disk.size < 200u * GB")), "/dev/sda", "selected by the install disk selector".into()),
            (
                &plain,
                Some(by("disk.size > 200u * GB")),
                "/dev/sdb",
                "2 disks match the install disk selector, using /dev/sdb".into(),
            ),
            (&plain, Some(by("disk.rotational")), "", "no disk matches the install disk selector".into()),
            (
                &arrays,
                Some(by("disk.dev_path.startsWith('/dev/md')")),
                "",
                "2 disks match the install disk selector and all of them are built on top of other disks, refusing to \
                 pick one automatically"
                    .into(),
            ),
            (&[], None, "", "no disks are eligible for installation".into()),
            (&installed, None, "/dev/sda", is_on.into()),
            (&installed, Some(by_disk("/dev/sda")), "/dev/sda", is_on.into()),
            (
                &installed,
                Some(by("!system_disk")),
                "/dev/sda",
                format!(
                    "{is_on}, the install disk selection takes effect only if the machine is wiped and installed again"
                ),
            ),
        ] {
            let found = resolve(&machine(disks), wanted.as_ref());
            assert_eq!((found.disk.as_str(), &found.message), (expected, &message), "{wanted:?}");
            assert_eq!(found.selection_hash.is_empty(), wanted.is_none(), "{wanted:?}");
        }
        let unknown = resolve(&MachineStatusSpec::default(), None);
        assert_eq!(unknown.message, "waiting for the machine hardware information");
        let (disk, selector) = (selection_hash(Some(&by_disk("a"))), selection_hash(Some(&by("a"))));
        assert!(disk != selector && disk.len() == 64, "{disk} {selector}");
    }
}
