//! The objects of a running Omni 1.6.6 after one cluster with two machine sets, two machines that never joined, and a patch.

use super::*;
use std::collections::BTreeMap;

const CENSUS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/census/one-cluster-1.6.6.tsv"));

/// What stands for everything that was not looked at.
const UNSEEN: &str = "?";

const MACHINES: [&str; 2] = ["0b8d1802-0000-4000-8000-00000000bbb1", "0b8d1802-0000-4000-8000-00000000bbb2"];

fn censused(release: Release) -> BTreeMap<String, [String; 4]> {
    let scene = Scene::of(release, 0);
    let before: Vec<_> = scene.store.view().all().into_iter().map(|object| object.key.clone()).collect();
    let versions =
        ClusterSpec { talos_version: "1.13.8".into(), kubernetes_version: "1.36.3".into(), ..Default::default() };
    scene.create(kind::CLUSTER, "census", &[], &versions);
    let patch = ConfigPatchSpec { data: "machine: {}\n".into(), ..Default::default() };
    scene.create(kind::CONFIG_PATCH, "400-census", &[(label::CLUSTER, "census")], &patch);
    let sets = [("census-control-planes", label::CONTROL_PLANE), ("census-workers", label::WORKER)];
    for ((set, role), machine) in sets.into_iter().zip(MACHINES) {
        scene.create(kind::MACHINE_SET, set, &[(label::CLUSTER, "census"), (role, "")], &MachineSetSpec::default());
        let labels = [(label::CLUSTER, "census"), (label::MACHINE_SET, set), (role, "")];
        scene.create(kind::MACHINE_SET_NODE, machine, &labels, &MachineSetNodeSpec::default());
    }
    scene.settle();
    let made = scene.store.view().all().into_iter().filter(|object| !before.contains(&object.key)).map(|object| {
        let mut finalizers = object.finalizers.clone();
        finalizers.sort();
        let uuid = |key: &str, value: &str| if key == label::CLUSTER_UUID { "<uuid>".into() } else { value.to_owned() };
        let labels: Vec<String> = object
            .labels
            .iter()
            .map(|(key, value)| match uuid(key, value) {
                value if value.is_empty() => key.clone(),
                value => format!("{key}={value}"),
            })
            .collect();
        let facts = [object.key.namespace.clone(), object.owner.clone(), finalizers.join(" "), labels.join(" ")];
        (format!("{} {}", object.key.kind, object.key.id), facts)
    });
    made.collect()
}

#[test]
fn one_cluster_makes_what_it_makes_on_a_server() {
    let mut made = censused(Release::V1_6);
    for row in CENSUS.lines().skip(1) {
        let [kind, namespace, id, facts @ ..] = &row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row:?}") };
        let name = format!("{kind} {id}");
        let found = made.remove(&name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(found[0], *namespace, "{name}");
        for (found, fact) in found[1..].iter().zip(facts) {
            assert!(*fact == UNSEEN || found == fact, "{name}: {found:?} instead of {fact:?}");
        }
    }
    assert_eq!(made.into_keys().collect::<Vec<_>>(), [""; 0], "made beyond the census");
}

#[test]
fn a_newer_server_makes_the_same_and_holds_the_cluster_more_often() {
    let old = censused(Release::V1_6);
    let mut new = censused(Release::NEWEST);
    let cluster = "Clusters.omni.sidero.dev census";
    let more: Vec<String> = new
        .get_mut(cluster)
        .map(|facts| std::mem::replace(&mut facts[2], old[cluster][2].clone()))
        .into_iter()
        .flat_map(|finalizers| finalizers.split(' ').map(str::to_owned).collect::<Vec<_>>())
        .filter(|name| !old[cluster][2].split(' ').any(|known| known == name))
        .collect();
    assert_eq!(more, ["ClusterKubernetesManifestsStatusController", "ClusterWorkloadProxyController"]);
    assert_eq!(new, old);
}
