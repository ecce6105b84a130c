//! The objects that Talos creates in every new Kubernetes cluster, as far as they differ between versions.

use similar::TextDiff;

/// What decides the manifests of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Of Talos.
    pub talos: String,
    /// Of Kubernetes.
    pub kubernetes: String,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its kind, namespace and name.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What an image's version goes by.
#[derive(Clone, Copy)]
enum Image {
    /// There is no image.
    None,
    /// Kubernetes.
    Kubernetes(&'static str),
    /// Talos, which brings one of its own choice.
    Talos(&'static str),
}

/// API version, kind, namespace, name and image.
const OBJECTS: &[(&str, &str, &str, &str, Image)] = &[
    ("v1", "Secret", "kube-system", "bootstrap-token", Image::None),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", "system-bootstrap-approve-node-client-csr", Image::None),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", "system-bootstrap-node-bootstrapper", Image::None),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", "system-bootstrap-node-renewal", Image::None),
    ("v1", "ConfigMap", "kube-system", "kubeconfig-in-cluster", Image::None),
    ("apps/v1", "DaemonSet", "kube-system", "kube-flannel", Image::Talos("ghcr.io/siderolabs/flannel")),
    ("apps/v1", "DaemonSet", "kube-system", "kube-proxy", Image::Kubernetes("registry.k8s.io/kube-proxy")),
    ("v1", "ServiceAccount", "kube-system", "coredns", Image::None),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:coredns", Image::None),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", "system:coredns", Image::None),
    ("v1", "ConfigMap", "kube-system", "coredns", Image::None),
    ("apps/v1", "Deployment", "kube-system", "coredns", Image::Talos("registry.k8s.io/coredns/coredns")),
    ("v1", "Service", "kube-system", "kube-dns", Image::None),
];

/// The objects that go with these versions, in the order in which they are applied.
#[must_use]
pub fn all(versions: &Versions) -> Vec<Manifest> {
    OBJECTS.iter().map(|object| manifest(versions, *object)).collect()
}

fn manifest(versions: &Versions, (api, kind, namespace, name, image): (&str, &str, &str, &str, Image)) -> Manifest {
    let mut text = format!("apiVersion: {api}\nkind: {kind}\nmetadata:\n    name: {name}\n");
    let mut path = format!("{kind}/{name}");
    if !namespace.is_empty() {
        text += &format!("    namespace: {namespace}\n");
        path = format!("{kind}/{namespace}/{name}");
    }
    let image = match image {
        Image::None => None,
        Image::Kubernetes(image) => Some(format!("{image}:v{}", versions.kubernetes)),
        Image::Talos(image) => Some(format!("{image}:talos-v{}", versions.talos)),
    };
    if let Some(image) = image {
        let container = format!("                - image: {image}\n                  name: {name}\n");
        text += &format!("spec:\n    template:\n        spec:\n            containers:\n{container}");
    }
    Manifest { path, text }
}

/// How one becomes the other, as a unified diff.
#[must_use]
pub fn diff(old: &Manifest, new: &Manifest) -> String {
    let names = (format!("a/{}", old.path), format!("b/{}", new.path));
    TextDiff::from_lines(&old.text, &new.text).unified_diff().context_radius(3).header(&names.0, &names.1).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::yaml;
    use std::collections::HashSet;

    fn versions(talos: &str, kubernetes: &str) -> Versions {
        Versions { talos: talos.into(), kubernetes: kubernetes.into() }
    }

    #[test]
    fn only_images_differ_from_version_to_version() {
        let old = all(&versions("1.13.0", "1.35.1"));
        let changed = |new: Versions| {
            let pairs = old.iter().zip(all(&new)).filter(|(old, new)| **old != *new);
            pairs.map(|(_, new)| new.path).collect::<Vec<_>>()
        };
        assert_eq!(changed(versions("1.13.0", "1.36.3")), ["DaemonSet/kube-system/kube-proxy"]);
        assert_eq!(
            changed(versions("1.13.8", "1.35.1")),
            ["DaemonSet/kube-system/kube-flannel", "Deployment/kube-system/coredns"]
        );
    }

    #[test]
    fn manifests_are_yaml_and_have_paths_of_their_own() {
        let all = all(&versions("1.13.0", "1.35.1"));
        assert!(all.iter().all(|manifest| yaml::parse_documents(&manifest.text).is_ok_and(|found| found.len() == 1)));
        assert_eq!(all.iter().map(|manifest| &manifest.path).collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn diffs_name_both_sides() {
        let of = |kubernetes| all(&versions("1.13.0", kubernetes)).remove(6);
        let diff = diff(&of("1.35.1"), &of("1.36.3"));
        assert!(diff.starts_with("--- a/DaemonSet/kube-system/kube-proxy\n+++ b/DaemonSet/kube-system/kube-proxy\n@@"));
        assert!(diff.contains("-                - image: registry.k8s.io/kube-proxy:v1.35.1\n+"), "{diff}");
    }
}
