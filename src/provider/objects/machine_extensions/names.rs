//! Names of system extensions: short and full ones, and those that Talos has renamed.

use kit::text::closest;

/// What the names of all extensions of Sidero Labs begin with; a name without it means one of these.
const OFFICIAL: &str = "siderolabs/";

/// Former names and what replaced them, without the beginning: first those of Talos 1.7, 1.8 and 1.9, then those by
/// which machines report an extension that the catalogue has under another name.
const RENAMED: &[(&str, &str)] = &[
    ("xe-guest-utilities", "xen-guest-agent"),
    ("nvidia-container-toolkit", "nvidia-container-toolkit-lts"),
    ("nvidia-open-gpu-kernel-modules", "nvidia-open-gpu-kernel-modules-lts"),
    ("nonfree-kmod-nvidia", "nonfree-kmod-nvidia-lts"),
    ("nvidia-fabricmanager", "nvidia-fabricmanager-lts"),
    ("nvidia-fabric-manager-lts", "nvidia-fabricmanager-lts"),
    ("i915-ucode", "i915"),
    ("amdgpu-firmware", "amdgpu"),
    ("v4l-uvc", "v4l-uvc-drivers"),
    ("usb-modem", "usb-modem-drivers"),
    ("gasket", "gasket-driver"),
    ("talos-vmtoolsd", "vmtoolsd-guest-agent"),
];

/// The full name.
pub(super) fn full(name: &str) -> String {
    if name.contains('/') { name.to_owned() } else { format!("{OFFICIAL}{name}") }
}

/// The full name in the newest Talos.
fn newest(name: &str) -> String {
    let full = full(name);
    let renamed = full.strip_prefix(OFFICIAL).and_then(|short| RENAMED.iter().find(|(old, _)| *old == short));
    renamed.map_or(full, |(_, new)| format!("{OFFICIAL}{new}"))
}

/// Whether two names mean the same extension.
pub(super) fn same(a: &str, b: &str) -> bool {
    newest(a) == newest(b)
}

/// The name under which a catalogue has an extension.
pub(super) fn in_catalogue<'c>(name: &str, catalogue: &'c [String]) -> Option<&'c str> {
    let full = full(name);
    let exact = catalogue.iter().find(|other| **other == full);
    exact.or_else(|| catalogue.iter().find(|other| same(other, name))).map(String::as_str)
}

/// The name of the catalogue that a wrong one is closest to, with the vendor if the wrong one has it.
pub(super) fn nearest(name: &str, catalogue: &[String]) -> Option<String> {
    let all: Vec<_> = catalogue.iter().map(|full| full.strip_prefix(OFFICIAL).unwrap_or(full)).collect();
    let text = name.strip_prefix(OFFICIAL).unwrap_or(name);
    // A name that begins or ends another one is as good as a misspelling.
    let part = || {
        let mut longer =
            all.iter().filter(|known| text.len() > 2 && (known.starts_with(text) || known.ends_with(text)));
        longer.next().copied().filter(|_| longer.next().is_none())
    };
    let near = closest(text, &all).or_else(part)?;
    Some(if text == name { near.to_owned() } else { full(near) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_and_a_former_one_mean_the_same() {
        for (a, b, expected) in [
            ("gvisor", "siderolabs/gvisor", true),
            ("i915-ucode", "siderolabs/i915", true),
            ("siderolabs/nvidia-container-toolkit", "nvidia-container-toolkit-lts", true),
            ("nvidia-container-toolkit", "nvidia-container-toolkit-production", false),
            ("nvidia-fabricmanager", "nvidia-fabric-manager-lts", true),
            ("acme/i915-ucode", "siderolabs/i915", false),
            ("gvisor", "acme/gvisor", false),
        ] {
            assert_eq!((same(a, b), same(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn a_name_is_found_under_which_the_version_has_it() {
        let old = ["siderolabs/i915-ucode", "siderolabs/gvisor"].map(str::to_owned);
        let new = ["siderolabs/i915", "siderolabs/gvisor", "siderolabs/intel-ucode"].map(str::to_owned);
        for (name, in_old, in_new) in [
            ("i915-ucode", Some("siderolabs/i915-ucode"), Some("siderolabs/i915")),
            ("i915", Some("siderolabs/i915-ucode"), Some("siderolabs/i915")),
            ("gvisor", Some("siderolabs/gvisor"), Some("siderolabs/gvisor")),
            ("zfs", None, None),
        ] {
            assert_eq!((in_catalogue(name, &old), in_catalogue(name, &new)), (in_old, in_new), "{name}");
        }
        for (name, near) in [
            ("gviser", Some("gvisor")),
            ("siderolabs/GVisor", Some("siderolabs/gvisor")),
            ("intel", Some("intel-ucode")),
            ("ucode", Some("intel-ucode")),
            ("tailscale", None),
        ] {
            assert_eq!(nearest(name, &new).as_deref(), near, "{name}");
        }
    }
}
