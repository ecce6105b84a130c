//! What a newer release makes of the objects of an older one when it starts on them.

use super::compression;
use super::kinds;
use super::names::{annotation, kind, label};
use super::object::{Object, Reader as _};
use super::release::Release;
use super::store::Store;
use kit::yaml;
use omni_proto::specs::{ConfigPatchSpec, MachineInstallDiskConfigSpec};
use prost::Message as _;
use serde_json::Value;

/// Brings what a server of the first release left to the form of the second.
pub(super) fn run(store: &Store, before: Release, now: Release) {
    let has_disks = |release: Release| release.has_kind(kind::MACHINE_INSTALL_DISK_CONFIG);
    if has_disks(now) && !has_disks(before) {
        install_disks(store);
    }
}

/// Puts an object in the place of each patch that only chose the disk of a machine, as web interface and templates
/// wrote them.
fn install_disks(store: &Store) {
    let view = store.view();
    for patch in view.list(kind::CONFIG_PATCH) {
        let Some((machine, disk)) = chosen_disk(&patch) else { continue };
        let cluster = patch.label(label::CLUSTER).and_then(|cluster| view.get(kind::CLUSTER, cluster));
        let key = kinds::key(kind::MACHINE_INSTALL_DISK_CONFIG, machine);
        if store.get(&key).is_none() {
            store.put("", &key, |object| {
                object.spec = MachineInstallDiskConfigSpec { disk, ..Default::default() }.encode_to_vec();
                if cluster.is_some_and(|cluster| cluster.annotations.contains_key(annotation::MANAGED_BY_TEMPLATES)) {
                    object.annotations.insert(annotation::MANAGED_BY_TEMPLATES.to_owned(), String::new());
                }
            });
        }
        store.remove(&patch.key);
    }
}

/// The machine and the disk of a patch that says nothing else.
fn chosen_disk(patch: &Object) -> Option<(&str, String)> {
    let machine = patch.label(label::CLUSTER_MACHINE)?;
    if !patch.owner.is_empty() || patch.key.id != format!("000-cm-{machine}-install-disk") {
        return None;
    }
    let spec: ConfigPatchSpec = patch.spec();
    let text = match spec.compressed_data.as_slice() {
        [] => spec.data,
        packed => compression::unpack(packed).ok()?,
    };
    let documents = yaml::parse_documents(&text).ok()?;
    let only = |value: &Value, name: &str| {
        let members = value.as_object().filter(|members| members.len() == 1)?;
        members.get(name).cloned()
    };
    let disk = only(&only(&only(documents.first()?, "machine")?, "install")?, "disk")?;
    disk.as_str().filter(|disk| !disk.is_empty()).map(|disk| (machine, disk.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::clock::TestClock;
    use omni_proto::specs::ClusterSpec;
    use std::sync::Arc;

    fn store() -> Store {
        let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
        for (id, by_template) in [("plain", false), ("templated", true)] {
            store.put("", &kinds::key(kind::CLUSTER, id), |object| {
                object.spec = ClusterSpec::default().encode_to_vec();
                if by_template {
                    object.annotations.insert(annotation::MANAGED_BY_TEMPLATES.to_owned(), String::new());
                }
            });
        }
        store
    }

    fn patch(store: &Store, owner: &str, id: &str, cluster: &str, machine: &str, data: &str) {
        store.put(owner, &kinds::key(kind::CONFIG_PATCH, id), |object| {
            object.spec = ConfigPatchSpec { data: data.into(), ..Default::default() }.encode_to_vec();
            object.labels.insert(label::CLUSTER.to_owned(), cluster.to_owned());
            object.labels.insert(label::CLUSTER_MACHINE.to_owned(), machine.to_owned());
            object.finalizers.push("Holder".into());
        });
    }

    const DISK: &str = "machine:\n  install:\n    disk: /dev/sdb\n";

    #[test]
    fn patches_that_only_chose_a_disk_become_objects() {
        let store = store();
        patch(&store, "", "000-cm-a-install-disk", "plain", "a", DISK);
        patch(&store, "", "000-cm-b-install-disk", "templated", "b", DISK);
        for (id, owner, data) in [
            ("500-disk", "", DISK),
            ("000-cm-c-install-disk", "SomeController", DISK),
            ("000-cm-d-install-disk", "", "machine: {install: {disk: /dev/sdb, wipe: true}}"),
            ("000-cm-e-install-disk", "", "machine: {install: {disk: 5}}"),
            ("000-cm-f-install-disk", "", "machine: {install: {disk: /dev/sdb}}\ncluster: {}"),
            ("000-cm-g-install-disk", "", "a: ["),
        ] {
            let machine = id.strip_prefix("000-cm-").and_then(|rest| rest.strip_suffix("-install-disk")).unwrap_or("h");
            patch(&store, owner, id, "plain", machine, data);
        }
        run(&store, Release::V1_10, Release::NEWEST);
        let found = store.list(kind::MACHINE_INSTALL_DISK_CONFIG);
        let told: Vec<_> = found
            .iter()
            .map(|object| {
                let spec: MachineInstallDiskConfigSpec = object.spec();
                (object.key.id.as_str(), spec.disk, object.owner.as_str(), object.annotations.len())
            })
            .collect();
        assert_eq!(told, [("a", "/dev/sdb".to_owned(), "", 0), ("b", "/dev/sdb".to_owned(), "", 1)]);
        assert_eq!(store.list(kind::CONFIG_PATCH).len(), 6);
    }

    #[test]
    fn an_object_that_is_there_is_kept() {
        let store = store();
        let mine = MachineInstallDiskConfigSpec { disk: "/dev/sda".into(), ..Default::default() }.encode_to_vec();
        store.put("", &kinds::key(kind::MACHINE_INSTALL_DISK_CONFIG, "a"), |object| object.spec.clone_from(&mine));
        patch(&store, "", "000-cm-a-install-disk", "plain", "a", DISK);
        run(&store, Release::V1_6, Release::NEWEST);
        assert_eq!(store.list(kind::MACHINE_INSTALL_DISK_CONFIG)[0].spec, mine);
        assert_eq!(store.list(kind::CONFIG_PATCH).len(), 0);
    }

    #[test]
    fn only_the_first_start_of_a_newer_release_does_so() {
        for (before, now) in [(Release::NEWEST, Release::NEWEST), (Release::V1_8, Release::V1_10)] {
            let store = store();
            patch(&store, "", "000-cm-a-install-disk", "plain", "a", DISK);
            run(&store, before, now);
            assert_eq!(store.list(kind::CONFIG_PATCH).len(), 1, "{before} {now}");
        }
    }
}
