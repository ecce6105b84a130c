//! Rules for extensions configurations: they belong to a cluster, whose Talos version must offer each extension.

use super::Change;
use crate::catalogue::Feature;
use crate::names::{kind, label};
use crate::object::{Object, Reader};
use omni_proto::specs::{ClusterSpec, ExtensionsConfigurationSpec, TalosExtensionsSpec};

const MAX_EXTENSIONS: usize = 256;
const OFFICIAL: &str = "siderolabs/";

/// The problems with a change of a list of extensions.
pub(super) fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    match change {
        // Older servers take any name, for any cluster or none.
        _ if !super::release(view).has(Feature::CheckedExtensions) => Vec::new(),
        Change::Create(new) | Change::Update(_, new) => problem(view, new).into_iter().collect(),
        Change::Destroy(_) => Vec::new(),
    }
}

fn problem(view: &dyn Reader, new: &Object) -> Option<String> {
    let names = new.spec::<ExtensionsConfigurationSpec>().extensions;
    if names.is_empty() {
        return None;
    }
    let cluster_id = new.label(label::CLUSTER).unwrap_or_default();
    if cluster_id.is_empty() {
        return Some(
            "extensions configuration with a non-empty extensions list must target a cluster via the cluster label"
                .into(),
        );
    }
    let Some(cluster) = view.get(kind::CLUSTER, cluster_id) else {
        return Some(format!("cluster {cluster_id:?} does not exist"));
    };
    offered(view, &cluster.spec::<ClusterSpec>().talos_version, &names)
}

/// The first problem with a list of extensions for a Talos version.
pub(super) fn offered(view: &dyn Reader, version: &str, names: &[String]) -> Option<String> {
    // Older servers take any name.
    if names.is_empty() || !super::release(view).has(Feature::CheckedExtensions) {
        return None;
    }
    if names.len() > MAX_EXTENSIONS {
        return Some(format!("extensions list has {} entries, exceeds maximum of {MAX_EXTENSIONS}", names.len()));
    }
    let Some(offer) = view.get(kind::TALOS_EXTENSIONS, version) else {
        return Some(format!("no Talos extensions catalog for version {version:?}"));
    };
    let offer = offer.spec::<TalosExtensionsSpec>().items;
    let mut seen = std::collections::HashSet::new();
    for (at, name) in names.iter().enumerate() {
        let full = if name.contains('/') { name.clone() } else { format!("{OFFICIAL}{name}") };
        if !offer.iter().any(|item| item.name == full) {
            return Some(format!("extension {name:?} (entry {at}) is not available for Talos version {version:?}"));
        }
        if !seen.insert(full) {
            return Some(format!("extension {name:?} (entry {at}) is listed more than once"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, labelled, object};
    use super::*;
    use omni_proto::specs::talos_extensions_spec::Info;

    #[test]
    fn lists() {
        let cluster = ClusterSpec { talos_version: "1.13.5".into(), ..Default::default() };
        let old = ClusterSpec { talos_version: "1.2.0".into(), ..Default::default() };
        let items = ["siderolabs/iscsi-tools", "siderolabs/gvisor"]
            .map(|name| Info { name: name.into(), ..Default::default() })
            .to_vec();
        let view = Fixture::default()
            .with(object(kind::CLUSTER, "c", &cluster))
            .with(object(kind::CLUSTER, "old", &old))
            .with(object(kind::TALOS_EXTENSIONS, "1.13.5", &TalosExtensionsSpec { items }));
        let many = ["gvisor"; 257];
        for (target, names, expected) in [
            (None, &[][..], None),
            (Some("nowhere"), &[], None),
            (Some("c"), &["gvisor", "siderolabs/iscsi-tools"], None),
            (
                None,
                &["gvisor"],
                Some(
                    "extensions configuration with a non-empty extensions list must target a cluster via the cluster label",
                ),
            ),
            (Some("nowhere"), &["gvisor"], Some("cluster \"nowhere\" does not exist")),
            (Some("old"), &["gvisor"], Some("no Talos extensions catalog for version \"1.2.0\"")),
            (Some("c"), &many, Some("extensions list has 257 entries, exceeds maximum of 256")),
            (
                Some("c"),
                &["gvisor", "nope"],
                Some("extension \"nope\" (entry 1) is not available for Talos version \"1.13.5\""),
            ),
            (
                Some("c"),
                &["gvisor", "siderolabs/gvisor"],
                Some("extension \"siderolabs/gvisor\" (entry 1) is listed more than once"),
            ),
        ] {
            let extensions = names.iter().map(|n| (*n).to_owned()).collect();
            let mut new = object(kind::EXTENSIONS_CONFIGURATION, "s", &ExtensionsConfigurationSpec { extensions });
            if let Some(target) = target {
                new = labelled(new, &[(label::CLUSTER, target)]);
            }
            let expected: Vec<&str> = expected.into_iter().collect();
            assert_eq!(problems(&view, Change::Create(&new)), expected, "{names:?}");
        }
    }
}
