//! What the server says of its own namespaces and types.
//! Their specs are YAML on the wire too; there is no message for them.

use super::kinds::{self, Kind};
use super::object::Key;
use super::release::Release;
use super::store::Store;

/// The namespace of these objects, and their owner.
pub(super) const NAMESPACE: &str = "meta";

const NAMESPACES: &str = "Namespaces.meta.cosi.dev";
const DEFINITIONS: &str = "ResourceDefinitions.meta.cosi.dev";

/// The namespaces that every server declares.
const DECLARED: &[(&str, &str)] = &[
    (NAMESPACE, "Metadata namespace."),
    ("default", "Default namespace for resources"),
    ("ephemeral", "Ephemeral namespace for resources"),
    ("virtual", "Namespace for virtual resources"),
    ("external", "Namespace for external resources"),
    ("metrics", "Secondary storage namespace for resources"),
    ("infra-provider", "Infra providers persistent namespace"),
    ("infra-provider-ephemeral", "Infra providers ephemeral namespace"),
];

/// Declares what a server of this release has, and nothing else.
pub(super) fn seed(store: &Store, release: Release) {
    for (name, description) in DECLARED {
        put(store, NAMESPACES, name, &format!("description: {description}\n"));
    }
    let known: Vec<&Kind> = kinds::ALL.iter().filter(|kind| kind.is_in(release) && is_plural(kind)).collect();
    for kind in &known {
        put(store, DEFINITIONS, &kind.name.to_lowercase(), &definition(kind));
    }
    // The data may be those of another release.
    for object in store.list(DEFINITIONS) {
        if !known.iter().any(|kind| kind.name.to_lowercase() == object.key.id) {
            store.remove(&object.key);
        }
    }
}

fn put(store: &Store, kind: &str, id: &str, yaml: &str) {
    let key = Key { namespace: NAMESPACE.to_owned(), kind: kind.to_owned(), id: id.to_owned() };
    store.put(NAMESPACE, &key, |object| object.spec = yaml.as_bytes().to_vec());
}

/// Types that are not named in the plural cannot be declared.
fn is_plural(kind: &Kind) -> bool {
    kind.name.split('.').next().is_some_and(|name| name.ends_with('s'))
}

fn definition(kind: &Kind) -> String {
    let (name, domain) = kind.name.split_once('.').unwrap_or((kind.name, ""));
    let singular = singular(name);
    let capitals: String = name.chars().filter(char::is_ascii_uppercase).collect();
    let mut short = vec![singular.to_lowercase()];
    if capitals.len() > 1 {
        short.push(capitals.to_lowercase());
        if !capitals.ends_with('S') {
            short.push(format!("{}s", capitals.to_lowercase()));
        }
    }
    let mut all = vec![name.to_lowercase()];
    let parts: Vec<&str> = domain.split('.').collect();
    all.extend((1..parts.len()).map(|end| format!("{}.{}", name.to_lowercase(), parts[..end].join("."))));
    all.extend(short.iter().cloned());
    let mut text = format!("type: {}\ndisplayType: {singular}\ndefaultNamespace: {}\n", kind.name, kind.namespace);
    list(&mut text, "aliases", &short);
    list(&mut text, "allAliases", &all);
    text.push_str("printColumns: []\n");
    // What nobody may see is there for the server's own secrets.
    if kind.is_hidden() {
        text.push_str("sensitivity: sensitive\n");
    }
    text
}

fn list(text: &mut String, key: &str, items: &[String]) {
    *text += &format!("{key}:\n");
    for item in items {
        *text += &format!("    - {item}\n");
    }
}

/// One of what a name in the plural stands for.
fn singular(name: &str) -> String {
    // Words that are the same for one and for many.
    if name.ends_with("Metrics") || name.ends_with("Diagnostics") {
        return name.trim_end_matches('s').to_owned();
    }
    for (plural, one) in [
        ("Statuses", "Status"),
        ("Policies", "Policy"),
        ("Identities", "Identity"),
        ("Registrations", "Registration"),
        ("ConfigPatches", "ConfigPatch"),
        ("MachineClasses", "MachineClass"),
    ] {
        if let Some(start) = name.strip_suffix(plural) {
            return format!("{start}{one}");
        }
    }
    let cut = if name.ends_with("Patches") { 2 } else { 1 };
    name[..name.len() - cut].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::clock::TestClock;
    use std::sync::Arc;

    fn seeded(release: Release) -> Store {
        let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
        seed(&store, release);
        store
    }

    #[test]
    fn definitions_are_those_of_the_release() {
        let store = seeded(Release::V1_6);
        assert_eq!((store.list(NAMESPACES).len(), store.list(DEFINITIONS).len()), (8, 146));
        seed(&store, Release::NEWEST);
        let newest = store.list(DEFINITIONS).len();
        assert!(newest > 146, "{newest}");
        seed(&store, Release::V1_6);
        assert_eq!(store.list(DEFINITIONS).len(), 146);
    }

    #[test]
    fn a_definition_names_a_type_in_every_way() {
        let store = seeded(Release::NEWEST);
        let spec = |id: &str| {
            let object = store.get(&kinds::key(DEFINITIONS, id)).unwrap();
            assert_eq!(object.owner, "meta");
            String::from_utf8(object.spec.clone()).unwrap()
        };
        assert_eq!(
            spec("machinesetnodes.omni.sidero.dev"),
            "type: MachineSetNodes.omni.sidero.dev\ndisplayType: MachineSetNode\ndefaultNamespace: default\n\
             aliases:\n    - machinesetnode\n    - msn\n    - msns\nallAliases:\n    - machinesetnodes\n    \
             - machinesetnodes.omni\n    - machinesetnodes.omni.sidero\n    - machinesetnode\n    - msn\n    - msns\n\
             printColumns: []\n"
        );
        assert!(spec("clustersecrets.omni.sidero.dev").ends_with("sensitivity: sensitive\n"));
    }

    #[test]
    fn names_in_the_plural_have_a_singular() {
        for (plural, expected) in [
            ("Clusters", "Cluster"),
            ("ClusterStatuses", "ClusterStatus"),
            ("AccessPolicies", "AccessPolicy"),
            ("Identities", "Identity"),
            ("ConfigPatches", "ConfigPatch"),
            ("ClusterMachineConfigPatches", "ClusterMachineConfigPatch"),
            ("MachineClasses", "MachineClass"),
            ("ImagePullStatuses", "ImagePullStatus"),
        ] {
            assert_eq!(singular(plural), expected);
        }
    }
}
