//! The initial content of a simulator: available versions, the instance, and machines.

use super::bootstrap;
use super::catalogue::Feature;
use super::kinds;
use super::names::{controller, kind};
use super::release::Release;
use super::store::Store;
pub use super::worlds::{add_machine, disconnect_machine, reconnect_machine};
use omni_proto::specs::{KubernetesVersionSpec, TalosExtensionsSpec, TalosVersionSpec, talos_extensions_spec::Info};
use prost::Message;

/// Talos versions on offer, oldest first.
const TALOS: &[(&str, Support)] = &[
    ("1.8.4", Support::Ended),
    ("1.9.6", Support::Full),
    ("1.10.9", Support::Full),
    ("1.11.6", Support::Full),
    ("1.12.4", Support::Full),
    ("1.13.0", Support::Full),
    ("1.13.5", Support::Full),
    ("1.13.8", Support::Full),
    ("1.14.0", Support::NotYet),
];

/// What an instance of Omni 1.6.6 offered instead.
const TALOS_1_6: &[(&str, Support)] = &[
    ("1.8.4", Support::Full),
    ("1.9.6", Support::Full),
    ("1.10.9", Support::Full),
    ("1.11.6", Support::Full),
    ("1.12.4", Support::Full),
    ("1.13.0", Support::Full),
    ("1.13.6", Support::Full),
    ("1.13.7", Support::Full),
    ("1.13.8", Support::Full),
    ("1.14.0", Support::NotYet),
];

#[derive(Clone, Copy, PartialEq)]
enum Support {
    Ended,
    Full,
    NotYet,
}

/// Kubernetes versions on offer, oldest first.
const KUBERNETES: &[&str] = &["1.30.14", "1.31.14", "1.32.9", "1.33.7", "1.34.3", "1.35.1", "1.36.2", "1.36.3"];

/// What an instance of Omni 1.6.6 offered instead, as to their number.
const KUBERNETES_1_6: &[&str] = &[
    "1.30.14", "1.31.13", "1.31.14", "1.32.8", "1.32.9", "1.33.6", "1.33.7", "1.34.2", "1.34.3", "1.35.0", "1.35.1",
    "1.36.1", "1.36.2", "1.36.3",
];

/// Talos 1.13 runs Kubernetes up to 1.36, and every minor version of one goes with one of the other.
const KUBERNETES_AHEAD: u64 = 23;
const KUBERNETES_MINORS: u64 = 6;

/// Extensions on offer with every Talos version: name, author, what it is for.
const EXTENSIONS: &[(&str, &str, &str)] = &[
    ("amd-ucode", "AMD", "Microcode for AMD processors"),
    ("gvisor", "The gVisor Authors", "A container runtime that keeps containers away from the kernel"),
    ("hello-world-service", "Sidero Labs", "An example of a service in an extension"),
    ("i915", "Intel", "Firmware for Intel graphics"),
    ("intel-ucode", "Intel", "Microcode for Intel processors"),
    ("iscsi-tools", "Sidero Labs", "Initiator for iSCSI storage"),
    ("nvidia-container-toolkit-lts", "NVIDIA", "Containers on NVIDIA graphics"),
    ("qemu-guest-agent", "The QEMU Authors", "Agent for QEMU guests"),
    ("tailscale", "Tailscale", "Mesh network"),
    ("util-linux-tools", "Sidero Labs", "Tools that some storage drivers need"),
    ("zfs", "OpenZFS", "The ZFS file system"),
];

/// Fills a fresh store; in one that was kept, only what does not outlive a server is made anew.
pub fn seed(store: &Store, machines: usize, release: Release) {
    versions(store, release);
    bootstrap::always(store, release);
    if store.get(&kinds::key(kind::DEFAULT_JOIN_TOKEN, "default")).is_none() {
        bootstrap::once(store);
        for number in (1..).take(machines) {
            add_machine(store, number);
        }
    }
}

fn put(store: &Store, owner: &str, kind: &str, id: &str, spec: &impl Message) {
    store.put(owner, &kinds::key(kind, id), |object| object.spec = spec.encode_to_vec());
}

/// A Talos version on offer.
pub(super) struct Offer {
    pub(super) version: String,
    pub(super) kubernetes: Vec<String>,
    pub(super) deprecated: bool,
    pub(super) unsupported: bool,
}

fn versions(store: &Store, release: Release) {
    let (on_offer, kubernetes) =
        if release.has(Feature::VersionsOf1_6) { (TALOS_1_6, KUBERNETES_1_6) } else { (TALOS, KUBERNETES) };
    let talos: Vec<Offer> = on_offer
        .iter()
        .map(|(version, support)| Offer {
            version: (*version).to_owned(),
            kubernetes: compatible(version, kubernetes),
            deprecated: *support == Support::Ended,
            unsupported: *support == Support::NotYet,
        })
        .collect();
    offer(store, &talos, kubernetes);
}

/// Puts versions on offer, each Talos version with all extensions.
pub(super) fn offer(store: &Store, talos: &[Offer], kubernetes: &[impl AsRef<str>]) {
    for version in kubernetes.iter().map(AsRef::as_ref) {
        let spec = KubernetesVersionSpec { version: version.to_owned() };
        put(store, controller::VERSIONS, kind::KUBERNETES_VERSION, version, &spec);
    }
    for Offer { version, kubernetes, deprecated, unsupported } in talos {
        let minor = minor(version);
        let upgradable = talos.iter().map(|other| &other.version).filter(|other| *other != version);
        let spec = TalosVersionSpec {
            version: version.clone(),
            compatible_kubernetes_versions: kubernetes.clone(),
            deprecated: *deprecated,
            unsupported: *unsupported,
            upgradable_talos_versions: upgradable
                .filter(|other| (minor..=minor + 1).contains(&self::minor(other)))
                .cloned()
                .collect(),
            ..Default::default()
        };
        put(store, controller::VERSIONS, kind::TALOS_VERSION, version, &spec);
        store.add_finalizer(&kinds::key(kind::TALOS_VERSION, version.as_str()), controller::TALOS_EXTENSIONS);
        let items = EXTENSIONS.iter().map(|extension| info(version, *extension)).collect();
        put(store, controller::TALOS_EXTENSIONS, kind::TALOS_EXTENSIONS, version, &TalosExtensionsSpec { items });
    }
}

/// The second number of a version.
fn minor(version: &str) -> u64 {
    version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or_default()
}

/// Those of the Kubernetes versions that a Talos version runs.
pub(super) fn compatible(talos: &str, kubernetes: &[impl AsRef<str>]) -> Vec<String> {
    let newest = minor(talos) + KUBERNETES_AHEAD;
    let fits = |version: &&str| (newest + 1 - KUBERNETES_MINORS..=newest).contains(&minor(version));
    kubernetes.iter().map(AsRef::as_ref).filter(fits).map(str::to_owned).collect()
}

fn info(talos: &str, (name, author, description): (&str, &str, &str)) -> Info {
    Info {
        name: format!("siderolabs/{name}"),
        author: author.into(),
        version: format!("v{talos}"),
        description: description.into(),
        r#ref: format!("ghcr.io/siderolabs/{name}:v{talos}"),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory;
    use kit::clock::TestClock;
    use std::sync::Arc;

    fn fresh() -> Store {
        let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
        seed(&store, 6, Release::NEWEST);
        store
    }

    #[test]
    fn every_talos_version_names_what_it_runs() {
        let store = fresh();
        let runs = |talos: &str| {
            let object = store.get(&kinds::key(kind::TALOS_VERSION, talos)).unwrap();
            object.spec::<TalosVersionSpec>().compatible_kubernetes_versions
        };
        for (talos, expected) in [
            ("1.8.4", &["1.30.14", "1.31.14"][..]),
            ("1.11.6", &["1.30.14", "1.31.14", "1.32.9", "1.33.7", "1.34.3"]),
            ("1.13.8", &["1.31.14", "1.32.9", "1.33.7", "1.34.3", "1.35.1", "1.36.2", "1.36.3"]),
            ("1.14.0", &["1.32.9", "1.33.7", "1.34.3", "1.35.1", "1.36.2", "1.36.3"]),
        ] {
            assert_eq!(runs(talos), expected, "{talos}");
        }
    }

    #[test]
    fn a_store_that_was_kept_keeps_its_token_and_its_losses() {
        let store = fresh();
        let token = store.list(kind::JOIN_TOKEN)[0].key.clone();
        assert_eq!(token.id.len(), 43);
        store.remove(&kinds::key(kind::LINK, inventory::id(3)));
        seed(&store, 6, Release::NEWEST);
        assert_eq!(store.list(kind::JOIN_TOKEN)[0].key, token);
        assert_eq!(store.list(kind::LINK).len(), 5);
    }

    #[test]
    fn seeds_stay_as_they_are_when_nothing_changed() {
        let store = fresh();
        let before = store.revision();
        seed(&store, 6, Release::NEWEST);
        assert_eq!(store.revision(), before);
    }
}
