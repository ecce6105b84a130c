//! The Talos machine configuration as text: the part of the server, with the patches of users applied.
//! It never contains secrets.

use kit::yaml;
use serde_json::{Map, Value, json};

/// What stands in the place of a secret.
const SECRET: &str = "******";

/// The instruction that takes something away.
const DIRECTIVE: &str = "$patch";

/// What the server knows of the machine.
pub(super) struct Facts<'a> {
    pub(super) cluster: &'a str,
    pub(super) cluster_id: &'a str,
    pub(super) endpoint: &'a str,
    pub(super) is_plane: bool,
    pub(super) hostname: &'a str,
    pub(super) disk: &'a str,
    /// Whether no patch names another disk.
    pub(super) is_disk_final: bool,
    pub(super) talos_version: &'a str,
    pub(super) schematic_id: &'a str,
    pub(super) kubernetes_version: &'a str,
}

/// The configuration with these patches, in this order.
pub(super) fn render(facts: &Facts<'_>, patches: &[String]) -> String {
    let mut main = base(facts);
    let mut others: Vec<Map<String, Value>> = Vec::new();
    // Patches that cannot be read are refused when they are written; those that were let through change nothing.
    let mut budget = yaml::Budget::default();
    for document in patches.iter().flat_map(|text| yaml::parse_documents_within(text, &mut budget).unwrap_or_default())
    {
        match document {
            Value::Object(map) if map.contains_key("kind") => add(&mut others, map),
            document @ Value::Object(_) => merge(&mut main, document),
            _ => {}
        }
    }
    if facts.is_disk_final
        && let Some(install) = main.pointer_mut("/machine/install").and_then(Value::as_object_mut)
    {
        install.insert("disk".to_owned(), facts.disk.into());
    }
    let mut text = yaml::to_string(&main);
    for document in others {
        text.push_str("---\n");
        text.push_str(&yaml::to_string(&Value::Object(document)));
    }
    text
}

fn base(facts: &Facts<'_>) -> Value {
    let installer = format!("factory.talos.dev/metal-installer/{}:v{}", facts.schematic_id, facts.talos_version);
    json!({
        "version": "v1alpha1",
        "machine": {
            "type": if facts.is_plane { "controlplane" } else { "worker" },
            "token": SECRET,
            "ca": { "crt": SECRET, "key": if facts.is_plane { SECRET } else { "" } },
            "install": { "disk": facts.disk, "image": installer, "wipe": false },
            "kubelet": { "image": format!("ghcr.io/siderolabs/kubelet:v{}", facts.kubernetes_version) },
            "network": { "hostname": facts.hostname },
        },
        "cluster": {
            "id": facts.cluster_id,
            "secret": SECRET,
            "token": SECRET,
            "clusterName": facts.cluster,
            "controlPlane": { "endpoint": facts.endpoint },
            "discovery": { "enabled": true },
        },
    })
}

/// Adds a document, or merges it with the one of its kind and name.
fn add(documents: &mut Vec<Map<String, Value>>, new: Map<String, Value>) {
    let same = |old: &Map<String, Value>| old.get("kind") == new.get("kind") && old.get("name") == new.get("name");
    match documents.iter().position(same) {
        Some(at) if deletes(&new) => drop(documents.remove(at)),
        Some(at) => merge_maps(&mut documents[at], new),
        None if deletes(&new) => {}
        None => documents.push(new),
    }
}

fn deletes(map: &Map<String, Value>) -> bool {
    map.get(DIRECTIVE).and_then(Value::as_str) == Some("delete")
}

/// Lists grow, mappings are merged, and everything else is replaced.
fn merge(base: &mut Value, patch: Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => merge_maps(base, patch),
        (Value::Array(base), Value::Array(patch)) => {
            for element in patch {
                match element {
                    Value::Object(map) if deletes(&map) => base.retain(|old| !holds(old, &map)),
                    element => base.push(element),
                }
            }
        }
        (base, patch) => *base = patch,
    }
}

fn merge_maps(base: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Object(map) if deletes(&map) => drop(base.remove(&key)),
            value => match base.get_mut(&key) {
                Some(old) => merge(old, value),
                None => drop(base.insert(key, value)),
            },
        }
    }
}

/// Whether an element of a list is the one that an instruction to delete describes.
fn holds(element: &Value, wanted: &Map<String, Value>) -> bool {
    wanted.iter().filter(|(key, _)| *key != DIRECTIVE).all(|(key, value)| element.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(patches: &[&str]) -> Vec<Value> {
        rendered(false, patches)
    }

    #[test]
    fn a_disk_that_objects_choose_is_final() {
        let patch = ["machine: {install: {disk: /dev/sdx, wipe: true}}"];
        for (is_disk_final, expected) in [(false, "/dev/sdx"), (true, "/dev/sda")] {
            let install = rendered(is_disk_final, &patch)[0]["machine"]["install"].clone();
            assert_eq!((install["disk"].as_str(), install["wipe"].as_bool()), (Some(expected), Some(true)));
        }
    }

    fn rendered(is_disk_final: bool, patches: &[&str]) -> Vec<Value> {
        let facts = Facts {
            cluster: "c",
            cluster_id: "x",
            endpoint: "https://c:6443",
            is_plane: false,
            hostname: "h",
            disk: "/dev/sda",
            is_disk_final,
            talos_version: "1.13.8",
            schematic_id: "s",
            kubernetes_version: "1.36.3",
        };
        let patches: Vec<String> = patches.iter().map(|text| (*text).to_owned()).collect();
        yaml::parse_documents(&render(&facts, &patches)).unwrap()
    }

    #[test]
    fn patches_are_laid_on_top_in_order() {
        let found = patched(&[
            "machine:\n  sysctls: {a: '1', b: '2'}\n  certSANs: [x]\n",
            "machine:\n  sysctls: {a: '3'}\n  certSANs: [y]\n",
            "machine:\n  kubelet:\n    $patch: delete\n",
        ]);
        assert_eq!(found[0].pointer("/machine/sysctls"), Some(&json!({ "a": "3", "b": "2" })));
        assert_eq!(found[0].pointer("/machine/certSANs"), Some(&json!(["x", "y"])));
        assert_eq!(found[0].pointer("/machine/kubelet"), None);
        assert_eq!(
            found[0].pointer("/machine/install/image"),
            Some(&json!("factory.talos.dev/metal-installer/s:v1.13.8"))
        );
    }

    #[test]
    fn lists_lose_what_is_described() {
        let list = "machine:\n  network:\n    interfaces:\n      - {interface: a, mtu: 1}\n      - {interface: b}\n";
        let less = "machine:\n  network:\n    interfaces:\n      - {interface: a, $patch: delete}\n";
        assert_eq!(
            patched(&[list, less])[0].pointer("/machine/network/interfaces"),
            Some(&json!([{ "interface": "b" }]))
        );
    }

    #[test]
    fn documents_go_by_kind_and_name() {
        let host = |name: &str| format!("apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: {name}\n");
        let found = patched(&[&host("a"), &host("b")]);
        assert_eq!((found.len(), &found[1]["hostname"]), (2, &json!("b")));
        let gone = patched(&[&host("a"), "kind: HostnameConfig\n$patch: delete\n"]);
        assert_eq!(gone.len(), 1);
    }
}
