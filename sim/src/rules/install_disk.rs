//! Rules for the install disk of a machine: a disk, or an expression that selects one.

use super::{Change, disk_selector};
use omni_proto::specs::MachineInstallDiskConfigSpec;

/// The problems with a change of the choice of a disk.
pub(super) fn problems(change: Change<'_>) -> Vec<String> {
    let (Change::Create(new) | Change::Update(_, new)) = change else { return Vec::new() };
    let spec: MachineInstallDiskConfigSpec = new.spec();
    let problem = match (spec.disk.as_str(), spec.disk_selector.as_str()) {
        ("", "") => Some("either disk or disk selector must be set".to_owned()),
        (_, "") => None,
        ("", selector) => disk_selector::problem(selector)
            .map(|problem| format!("disk selector is not a valid boolean disk expression: {problem}")),
        _ => Some("disk and disk selector are mutually exclusive".to_owned()),
    };
    problem.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::object;
    use super::*;
    use crate::names::kind;

    #[test]
    fn choices() {
        for (disk, disk_selector, expected) in [
            ("/dev/sda", "", None),
            ("anything", "", None),
            ("", "disk.size > 10u * GB && !disk.rotational", None),
            ("", "", Some("either disk or disk selector must be set")),
            ("/dev/sda", "true", Some("disk and disk selector are mutually exclusive")),
            (
                "",
                "disk.size",
                Some(
                    "disk selector is not a valid boolean disk expression: expression output type is uint, expected bool",
                ),
            ),
        ] {
            let spec = MachineInstallDiskConfigSpec { disk: disk.into(), disk_selector: disk_selector.into() };
            let found = problems(Change::Create(&object(kind::MACHINE_INSTALL_DISK_CONFIG, "m", &spec)));
            assert_eq!(found, Vec::from_iter(expected), "{disk} {disk_selector}");
        }
    }
}
