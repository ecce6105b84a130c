//! Which Talos and Kubernetes versions a cluster may have, alone and together.

use super::{kubernetes_path, missing, tolerant};
use crate::Release;
use crate::catalogue::Feature;
use crate::names::kind;
use crate::object::Reader;
use omni_proto::specs::{ClusterConfigVersionSpec, ClusterSpec, KubernetesUpgradeStatusSpec, TalosVersionSpec};

/// The problem with the form of a version.
pub(super) fn form(product: &str, version: &str) -> Option<String> {
    let problem = if version.is_empty() {
        "version is required".to_owned()
    } else {
        format!("version should be in semver format: {}", tolerant::parse(version).err()?)
    };
    Some(format!("error validating {product} version: {}", super::joined(&[problem])))
}

/// The first problem with the versions of `new`, when the cluster `id` had those of `old`.
pub(super) fn problem(view: &dyn Reader, id: &str, old: Option<&ClusterSpec>, new: &ClusterSpec) -> Option<String> {
    let same_talos = old.is_some_and(|old| old.talos_version == new.talos_version);
    let same_kubernetes = same_talos && old.is_some_and(|old| old.kubernetes_version == new.kubernetes_version);
    if same_kubernetes {
        return None;
    }
    let talos = &new.talos_version;
    let Some(offer) = offer(view, talos) else {
        // A version that is no longer listed does not stop a change of Kubernetes alone.
        return (!same_talos).then(|| unlisted(talos));
    };
    let was_deprecated = old.is_some_and(|old| self::offer(view, &old.talos_version).is_some_and(|o| o.deprecated));
    if let Some(problem) = support(super::release(view), &offer, talos, was_deprecated) {
        return Some(problem);
    }
    if old.is_some()
        && super::release(view).has(Feature::TalosFloor)
        && let Some(problem) = downgrade(view, id, talos)
    {
        return Some(problem);
    }
    let kubernetes = &new.kubernetes_version;
    if let Some(old) = old
        && let Some(problem) = step(view, id, &old.kubernetes_version, kubernetes)
    {
        return Some(problem);
    }
    (!offer.compatible_kubernetes_versions.contains(kubernetes))
        .then(|| format!("invalid kubernetes version {kubernetes:?}: is not compatible with talos version {talos:?}"))
}

/// The problem with a Talos version for what is new.
pub(super) fn talos(view: &dyn Reader, version: &str) -> Option<String> {
    match offer(view, version) {
        None => Some(unlisted(version)),
        Some(offer) => support(super::release(view), &offer, version, false),
    }
}

fn unlisted(talos: &str) -> String {
    format!("invalid talos version {talos:?}: {}", missing(kind::TALOS_VERSION, "default", talos))
}

fn support(release: Release, offer: &TalosVersionSpec, talos: &str, was_deprecated: bool) -> Option<String> {
    if offer.deprecated && !was_deprecated {
        return Some(format!("talos version {talos:?} is no longer supported"));
    }
    // Older servers do not know of versions that are too new for them.
    let unsupported = offer.unsupported && release.has_field("TalosVersionSpec", "unsupported");
    unsupported.then(|| format!("talos version {talos:?} is not supported by this Omni release"))
}

fn offer(view: &dyn Reader, version: &str) -> Option<TalosVersionSpec> {
    Some(view.get(kind::TALOS_VERSION, version)?.spec())
}

/// Talos may go down, but not below the minor version that the cluster was made with.
fn downgrade(view: &dyn Reader, id: &str, talos: &str) -> Option<String> {
    let first: ClusterConfigVersionSpec = view.get(kind::CLUSTER_CONFIG_VERSION, id)?.spec();
    let first = tolerant::parse(&first.version).ok()?;
    let new = tolerant::parse(talos).ok()?;
    (new.minor_line() < first.minor_line())
        .then(|| format!("downgrading from version \"{first}\" to {talos:?} is not supported"))
}

fn step(view: &dyn Reader, id: &str, from: &str, to: &str) -> Option<String> {
    if from.is_empty() || reverts(view, id, from, to) {
        return None;
    }
    match kubernetes_path::supported(from, to) {
        Ok(true) => None,
        Ok(false) => Some(format!("kubernetes version is not supported for upgrade to {to:?} from {from:?}")),
        Err(problem) => Some(problem),
    }
}

/// Whether the change takes back an upgrade that still runs.
fn reverts(view: &dyn Reader, id: &str, from: &str, to: &str) -> bool {
    let release = super::release(view);
    if !release.has(Feature::KubernetesReverts) {
        return false;
    }
    let Some(status) = view.get(kind::KUBERNETES_UPGRADE_STATUS, id) else { return false };
    let status: KubernetesUpgradeStatusSpec = status.spec();
    let parse = |text: &str| tolerant::parse(text).ok();
    if status.current_upgrade_version.is_empty() || status.last_upgrade_version.is_empty() {
        return false;
    }
    let (Some(from), Some(to)) = (parse(from), parse(to)) else { return false };
    let (Some(running), Some(last)) = (parse(&status.current_upgrade_version), parse(&status.last_upgrade_version))
    else {
        return false;
    };
    let early = release.has(Feature::EarlyReverts) && from < running && to < last;
    early || (to == last && from == running)
}
