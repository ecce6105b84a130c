//! Metadata of namespaces and types: clients look up types by any of their names.

use super::catalogue::Feature;
use super::columns;
use super::kinds::{self, Kind};
use super::names;
use super::object::Key;
use super::release::Release;
use super::spec_yaml::{Node, list, mapping, scalar, text};
use super::store::Store;
use omni_proto::cosi::resource::meta::resource_definition_spec::{PrintColumn, Sensitivity};
use omni_proto::cosi::resource::meta::{NamespaceSpec, ResourceDefinitionSpec};
use prost::Message;
use std::collections::HashSet;

/// The namespace of these objects, and their owner.
pub(super) const NAMESPACE: &str = "meta";

const NAMESPACES: &str = "Namespaces.meta.cosi.dev";
const DEFINITIONS: &str = "ResourceDefinitions.meta.cosi.dev";

/// The types whose specs the server keeps out of its own logs.
const SENSITIVE: &[&str] = &[
    "ConfigPatches.omni.sidero.dev",
    "ConfigPatchRequests.omni.sidero.dev",
    "Configs.omni.sidero.dev",
    "EtcdBackupS3Configs.omni.sidero.dev",
];

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
        put(store, NAMESPACES, name, &NamespaceSpec { description: (*description).to_owned() });
    }
    let mut known = HashSet::new();
    for kind in kinds::ALL.iter().filter(|kind| kind.is_in(release) && is_plural(kind)) {
        let id = kind.name.to_lowercase();
        put(store, DEFINITIONS, &id, &definition(kind, release));
        known.insert(id);
    }
    // The data may be those of another release.
    for object in store.list(DEFINITIONS) {
        if !known.contains(&object.key.id) {
            store.remove(&object.key);
        }
    }
}

fn put(store: &Store, kind: &str, id: &str, spec: &impl Message) {
    let key = Key { namespace: NAMESPACE.to_owned(), kind: kind.to_owned(), id: id.to_owned() };
    store.put(NAMESPACE, &key, |object| object.spec = spec.encode_to_vec());
}

/// Types that are not named in the plural cannot be declared.
fn is_plural(kind: &Kind) -> bool {
    kind.name.split('.').next().is_some_and(|name| name.ends_with('s'))
}

/// Where a client looks that is told a type only.
fn declared_namespace(kind: &Kind, release: Release) -> &'static str {
    if kind.name == names::kind::ONGOING_TASK && !release.has(Feature::TasksDeclaredInPlace) {
        // Nothing is there: the tasks themselves have always been in the other one.
        return "default";
    }
    kind.namespace_in(release)
}

fn definition(kind: &Kind, release: Release) -> ResourceDefinitionSpec {
    let (name, domain) = kind.name.split_once('.').unwrap_or((kind.name, ""));
    let singular = singular(name);
    let capitals: String = name.chars().filter(char::is_ascii_uppercase).collect();
    let mut aliases = vec![singular.to_lowercase()];
    if capitals.len() > 1 {
        aliases.push(capitals.to_lowercase());
        if !capitals.ends_with('S') {
            aliases.push(format!("{}s", capitals.to_lowercase()));
        }
    }
    let mut all_aliases = vec![name.to_lowercase()];
    let parts: Vec<&str> = domain.split('.').collect();
    all_aliases.extend((1..parts.len()).map(|end| format!("{}.{}", name.to_lowercase(), parts[..end].join("."))));
    all_aliases.extend(aliases.iter().cloned());
    let columns = columns::of(kind.name, release).iter();
    let sensitivity = if SENSITIVE.contains(&kind.name) { Sensitivity::Sensitive } else { Sensitivity::NonSensitive };
    ResourceDefinitionSpec {
        resource_type: kind.name.to_owned(),
        display_type: singular,
        default_namespace: declared_namespace(kind, release).to_owned(),
        aliases,
        all_aliases,
        print_columns: columns
            .map(|(name, path)| PrintColumn { name: (*name).to_owned(), json_path: format!("{{.{path}}}") })
            .collect(),
        sensitivity: sensitivity.into(),
    }
}

/// The spec of a namespace or a definition as text; unlike those of other types its keys are in camel case.
pub(super) fn render(kind: &str, spec: &[u8]) -> String {
    let field = |name: &str, value: Node| (name.to_owned(), value);
    if kind == NAMESPACES {
        let NamespaceSpec { description } = NamespaceSpec::decode(spec).unwrap_or_default();
        return text(mapping([field("description", scalar(&description))].into_iter()));
    }
    let spec = ResourceDefinitionSpec::decode(spec).unwrap_or_default();
    let names = |names: &[String]| list(names.iter().map(|name| scalar(name)));
    let columns = spec.print_columns.iter().map(|column| {
        let fields = [field("name", scalar(&column.name)), field("jsonPath", scalar(&column.json_path))];
        mapping(fields.into_iter())
    });
    let mut fields = vec![
        field("type", scalar(&spec.resource_type)),
        field("displayType", scalar(&spec.display_type)),
        field("defaultNamespace", scalar(&spec.default_namespace)),
        field("aliases", names(&spec.aliases)),
        field("allAliases", names(&spec.all_aliases)),
        field("printColumns", list(columns)),
    ];
    if spec.sensitivity() == Sensitivity::Sensitive {
        fields.push(field("sensitivity", scalar("sensitive")));
    }
    text(mapping(fields.into_iter()))
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
    use crate::object::Object;
    use kit::clock::TestClock;
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
        let show = |id: &str| {
            let object = store.get(&kinds::key(DEFINITIONS, id)).unwrap();
            assert_eq!(object.owner, "meta");
            render(DEFINITIONS, &object.spec)
        };
        assert_eq!(
            show("machinesetnodes.omni.sidero.dev"),
            "type: MachineSetNodes.omni.sidero.dev\ndisplayType: MachineSetNode\ndefaultNamespace: default\n\
             aliases:\n    - machinesetnode\n    - msn\n    - msns\nallAliases:\n    - machinesetnodes\n    \
             - machinesetnodes.omni\n    - machinesetnodes.omni.sidero\n    - machinesetnode\n    - msn\n    - msns\n\
             printColumns: []\n"
        );
        assert!(
            show("clusters.omni.sidero.dev").ends_with(
                "printColumns:\n    - name: Talos Version\n      jsonPath: '{.talosversion}'\n    \
                 - name: Kubernetes Version\n      jsonPath: '{.kubernetesversion}'\n"
            ),
            "{}",
            show("clusters.omni.sidero.dev")
        );
        let namespace = store.get(&kinds::key(NAMESPACES, "default")).unwrap();
        assert_eq!(render(NAMESPACES, &namespace.spec), "description: Default namespace for resources\n");
    }

    #[test]
    fn a_definition_names_the_namespace_of_its_release() {
        for (id, release, expected) in [
            ("imagefactoryauths.omni.sidero.dev", Release::V1_9, "virtual"),
            ("imagefactoryauths.omni.sidero.dev", Release::V1_10, "default"),
            ("linkcounters.omni.sidero.dev", Release::V1_4, "metrics"),
            ("ongoingtasks.omni.sidero.dev", Release::V1_2, "default"),
            ("ongoingtasks.omni.sidero.dev", Release::V1_3, "ephemeral"),
            ("schematics.omni.sidero.dev", Release::V1_5, "default"),
            ("schematics.omni.sidero.dev", Release::V1_6, "ephemeral"),
        ] {
            let object = seeded(release).get(&kinds::key(DEFINITIONS, id)).unwrap();
            assert_eq!(object.spec::<ResourceDefinitionSpec>().default_namespace, expected, "{id} {release}");
        }
        assert!(seeded(Release::V1_5).get(&kinds::key(DEFINITIONS, "linkcounters.omni.sidero.dev")).is_none());
    }

    /// Clients hide nothing else, and would rather print a secret than not find its type.
    #[test]
    fn few_types_are_sensitive() {
        let sensitive =
            |object: &Object| object.spec::<ResourceDefinitionSpec>().sensitivity() == Sensitivity::Sensitive;
        let store = seeded(Release::NEWEST);
        let found: Vec<_> = store.list(DEFINITIONS).iter().filter(|o| sensitive(o)).map(|o| o.key.id.clone()).collect();
        assert_eq!(
            found,
            SENSITIVE
                .iter()
                .map(|name| name.to_lowercase())
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
        );
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
