//! Rules for the disk that a machine is installed on: one disk, or an expression that says of each disk whether it is it.

use super::Change;
use crate::access_policy;
use cel::{Context, ExecutionError, Program, Value};
use omni_proto::specs::MachineInstallDiskConfigSpec;
use std::collections::HashMap;
use std::sync::Arc;

/// Sizes that an expression may name, by their powers.
const DECIMAL: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
const BINARY: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// The problems with a change of the choice of a disk.
pub(super) fn problems(change: Change<'_>) -> Vec<String> {
    let (Change::Create(new) | Change::Update(_, new)) = change else { return Vec::new() };
    let spec: MachineInstallDiskConfigSpec = new.spec();
    let problem = match (spec.disk.as_str(), spec.disk_selector.as_str()) {
        ("", "") => Some("either disk or disk selector must be set".to_owned()),
        (_, "") => None,
        ("", selector) => expression(selector).err().map(|problem| format!("invalid disk selector: {problem}")),
        _ => Some("disk and disk selector are mutually exclusive".to_owned()),
    };
    problem.into_iter().collect()
}

/// Tries the expression on a disk that has everything that a disk can have.
fn expression(text: &str) -> Result<(), String> {
    let program = Program::compile(text).map_err(|errors| errors.to_string())?;
    let mut context = Context::default();
    context.add_variable_from_value("disk", disk());
    context.add_variable_from_value("system_disk", false);
    for (power, (decimal, binary)) in (1u32..).zip(DECIMAL.iter().zip(BINARY)) {
        context.add_variable_from_value(*decimal, 1000u64.pow(power));
        context.add_variable_from_value(binary, 1024u64.pow(power));
    }
    let glob = |pattern: Arc<String>, text: Arc<String>| {
        access_policy::pattern(&pattern)
            .map(|pattern| pattern.is_match(&text))
            .map_err(|error| ExecutionError::function_error("glob", error.to_string()))
    };
    context.add_function("glob", glob).map_err(|error| error.to_string())?;
    match program.execute(&context).map_err(|error| error.to_string())? {
        Value::Bool(_) => Ok(()),
        other => Err(format!("expected a boolean, found {}", other.type_of())),
    }
}

/// A disk in the words of Talos.
fn disk() -> HashMap<String, Value> {
    let text = |text: &str| Value::String(Arc::new(text.to_owned()));
    let list = |text: Value| Value::List(Arc::new(vec![text]));
    [
        ("dev_path", text("/dev/sda")),
        ("size", Value::UInt(107_374_182_400)),
        ("pretty_size", text("107 GB")),
        ("io_size", Value::UInt(512)),
        ("sector_size", Value::UInt(512)),
        ("readonly", Value::Bool(false)),
        ("cdrom", Value::Bool(false)),
        ("rotational", Value::Bool(false)),
        ("model", text("QEMU HARDDISK")),
        ("serial", text("0001")),
        ("modalias", text("scsi:t-0x00")),
        ("wwid", text("naa.5000000000000001")),
        ("uuid", text("00000000-0000-4000-8000-000000000001")),
        ("bus_path", text("/pci0000:00/0000:00:1f.2/ata1")),
        ("sub_system", text("/sys/class/block")),
        ("transport", text("sata")),
        ("secondary_disks", list(text("sdb"))),
        ("symlinks", list(text("/dev/disk/by-path/pci-0000:00:1f.2-ata-1"))),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::object;
    use super::*;
    use crate::names::kind;

    #[test]
    fn choices() {
        let invalid = "invalid disk selector: ";
        for (disk, disk_selector, expected) in [
            ("/dev/sda", "", None),
            ("", "disk.size > 10u * GB && !disk.rotational", None),
            ("", "disk.transport == 'nvme' || '/dev/disk/by-id/x' in disk.symlinks", None),
            ("", "glob('QEMU*', disk.model) && !system_disk", None),
            ("", "disk.serial.startsWith('S3')", None),
            ("", "", Some("either disk or disk selector must be set")),
            ("/dev/sda", "true", Some("disk and disk selector are mutually exclusive")),
            ("", "disk.size", Some(invalid)),
            ("", "disk.colour == 'red'", Some(invalid)),
            ("", "machine.size > 1u", Some(invalid)),
            ("", "disk.size >", Some(invalid)),
        ] {
            let spec = MachineInstallDiskConfigSpec { disk: disk.into(), disk_selector: disk_selector.into() };
            let found = problems(Change::Create(&object(kind::MACHINE_INSTALL_DISK_CONFIG, "m", &spec)));
            match expected {
                None => assert_eq!(found, [""; 0], "{disk_selector}"),
                Some(text) => assert!(found.len() == 1 && found[0].starts_with(text), "{disk_selector}: {found:?}"),
            }
        }
    }
}
