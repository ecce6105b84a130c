//! Config patches as Talos and Omni understand them: reading, what Omni keeps for itself, and merging.
//! The rules are those of Talos' strategic merge patches, and of Omni's check of config patches.

use crate::kit::yaml;
use serde_json::{Map, Value};

/// Fields of the machine configuration that Omni controls itself.
const CONTROLLED: &[&str] = &[
    "cluster.clusterName",
    "cluster.id",
    "cluster.controlPlane.endpoint",
    "cluster.token",
    "cluster.secret",
    "cluster.aescbcEncryptionSecret",
    "cluster.secretboxEncryptionSecret",
    "cluster.ca",
    "cluster.acceptedCAs",
    "cluster.serviceAccount",
    "machine.token",
    "machine.ca",
    "machine.type",
    "machine.install.disk",
    "machine.install.extensions",
    "machine.acceptedCAs",
];

/// Kinds of documents that Omni writes itself.
const CONTROLLED_KINDS: &[&str] = &[
    "UnattendedInstallConfig",
    "DiscoveryIdentityConfig",
    "KubeClusterConfig",
    "KubeEtcdEncryptionConfig",
    "KubeAPIServerCAConfig",
    "KubeAggregatorCAConfig",
];

/// Lists that a later patch replaces; all others grow.
const REPLACED: &[&str] = &["cluster.network.podSubnets", "cluster.network.serviceSubnets"];

/// Maps that a later patch replaces as a whole.
const REPLACED_MAPS: &[&str] = &["cluster.apiServer.auditPolicy"];

/// Lists whose elements are merged when one of these fields is equal.
const KEYED: &[(&str, &[&str])] = &[
    ("machine.network.interfaces", &["interface", "deviceSelector"]),
    ("machine.network.interfaces.vlans", &["vlanId"]),
    ("cluster.apiServer.admissionControl", &["name"]),
    ("configFiles", &["mountPath"]),
];

/// The mark that a patch takes something away.
const DIRECTIVE: &str = "$patch";

/// Why a patch, or several together, make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatchError {
    #[error("the patch is no YAML: {0}")]
    NotYaml(yaml::YamlError),
    #[error("document {0} of the patch is no mapping; Omni takes strategic merge patches only, no JSON patches")]
    NotMapping(usize),
    #[error("`{DIRECTIVE}` knows only `delete`")]
    UnknownDirective,
    #[error("Omni controls {} itself", list(.0))]
    Controlled(Vec<String>),
    #[error("`{0}` is taken away by one patch and set again by a later one; no single patch can do both")]
    DeletedAndSet(String),
    #[error("`{0}` is of one kind in one patch and of another in a later one")]
    KindsDiffer(String),
}

fn list(parts: &[String]) -> String {
    parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(", ")
}

/// Reads a patch: its documents, without empty ones.
pub(crate) fn read(text: &str) -> Result<Vec<Map<String, Value>>, PatchError> {
    let documents = yaml::parse_documents(text).map_err(PatchError::NotYaml)?;
    let numbered = documents.into_iter().filter(|document| !document.is_null()).enumerate();
    numbered
        .map(|(index, document)| match document {
            Value::Object(map) => Ok(map),
            _ => Err(PatchError::NotMapping(index + 1)),
        })
        .collect()
}

/// Checks what can be checked without a server: whether it can be read, and whether it leaves alone what Omni controls.
pub(crate) fn check(text: &str) -> Result<(), PatchError> {
    let mut controlled = Vec::new();
    for document in read(text)? {
        directives(&Value::Object(document.clone()))?;
        match kind(&document) {
            Some(kind) if CONTROLLED_KINDS.contains(&kind) => controlled.push(kind.to_owned()),
            Some("KubeServiceAccountConfig") => controlled.extend(given(&document, &["issuer.privateKey"])),
            Some("KubeTalosAPIAccessConfig") => controlled.extend(admin_role(&document, "allowedRoles")),
            Some(_) => {}
            None => {
                controlled.extend(given(&document, CONTROLLED));
                let roles = "machine.features.kubernetesTalosAPIAccess.allowedRoles";
                controlled.extend(admin_role(&document, roles));
            }
        }
    }
    if controlled.is_empty() { Ok(()) } else { Err(PatchError::Controlled(controlled)) }
}

/// The kind of a document; the machine configuration proper has none.
fn kind(document: &Map<String, Value>) -> Option<&str> {
    document.get("kind").and_then(Value::as_str)
}

fn at<'v>(document: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let mut value = document.get(first)?;
    for part in rest.split('.').filter(|part| !part.is_empty()) {
        value = value.get(part)?;
    }
    Some(value)
}

fn given(document: &Map<String, Value>, paths: &[&str]) -> Vec<String> {
    let set = |path: &&&str| at(document, path).is_some_and(|value| !value.is_null());
    paths.iter().filter(set).map(|path| (*path).to_owned()).collect()
}

fn admin_role(document: &Map<String, Value>, path: &str) -> Option<String> {
    let roles = at(document, path)?.as_array()?;
    roles.iter().any(|role| role.as_str() == Some("os:admin")).then(|| format!("os:admin in {path}"))
}

fn directives(value: &Value) -> Result<(), PatchError> {
    match value {
        Value::Object(map) => {
            if map.get(DIRECTIVE).is_some_and(|what| what.as_str() != Some("delete")) {
                return Err(PatchError::UnknownDirective);
            }
            map.values().try_for_each(directives)
        }
        Value::Array(items) => items.iter().try_for_each(directives),
        _ => Ok(()),
    }
}

/// One patch that does what these do one after the other.
pub(crate) fn merge(patches: &[&str]) -> Result<Vec<Map<String, Value>>, PatchError> {
    let mut merged: Vec<Map<String, Value>> = Vec::new();
    for patch in patches {
        for document in read(patch)? {
            directives(&Value::Object(document.clone()))?;
            match merged.iter_mut().find(|other| same_document(other, &document)) {
                Some(other) => {
                    let whole = document.get("kind").and_then(Value::as_str).unwrap_or("the machine configuration");
                    guard(other, &document, whole)?;
                    merge_maps(other, document, "")?;
                }
                None => merged.push(document),
            }
        }
    }
    Ok(merged)
}

/// Documents are one when they have the same version, kind and name.
fn same_document(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    ["apiVersion", "kind", "name"].iter().all(|part| a.get(*part) == b.get(*part))
}

/// What was taken away cannot be set again in the same patch.
fn guard(first: &Map<String, Value>, second: &Map<String, Value>, what: &str) -> Result<(), PatchError> {
    if first.contains_key(DIRECTIVE) && !second.contains_key(DIRECTIVE) {
        return Err(PatchError::DeletedAndSet(what.to_owned()));
    }
    Ok(())
}

fn merge_maps(into: &mut Map<String, Value>, from: Map<String, Value>, path: &str) -> Result<(), PatchError> {
    if from.contains_key(DIRECTIVE) {
        *into = from;
        return Ok(());
    }
    for (name, value) in from {
        let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match into.get_mut(&name) {
            Some(old) => merge_values(old, value, &here)?,
            None => {
                into.insert(name, value);
            }
        }
    }
    Ok(())
}

fn merge_values(old: &mut Value, new: Value, path: &str) -> Result<(), PatchError> {
    match (old, new) {
        // Null says nothing.
        (_, Value::Null) => {}
        (old @ Value::Null, new) => *old = new,
        (Value::Object(old), Value::Object(new)) => {
            guard(old, &new, path)?;
            if REPLACED_MAPS.contains(&path) {
                *old = new;
            } else {
                merge_maps(old, new, path)?;
            }
        }
        (Value::Array(old), Value::Array(new)) => match KEYED.iter().find(|(list, _)| *list == path) {
            _ if REPLACED.contains(&path) => *old = new,
            Some((_, keys)) => merge_lists(old, new, keys, path)?,
            None => old.extend(new),
        },
        (old, new) if is_scalar(old) && is_scalar(&new) => *old = new,
        _ => return Err(PatchError::KindsDiffer(path.to_owned())),
    }
    Ok(())
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn merge_lists(old: &mut Vec<Value>, new: Vec<Value>, keys: &[&str], path: &str) -> Result<(), PatchError> {
    for item in new {
        let same = |other: &&mut Value| keys.iter().any(|key| item.get(key).is_some_and(|v| other.get(key) == Some(v)));
        match old.iter_mut().find(same) {
            Some(other) => merge_values(other, item, path)?,
            None => old.push(item),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_omni_controls_is_named_all_at_once() {
        let text = "machine: {token: x, install: {disk: /dev/sda}, sysctls: {a: b}}\n---\nkind: KubeClusterConfig\n";
        let expected = ["machine.token", "machine.install.disk", "KubeClusterConfig"].map(str::to_owned).to_vec();
        assert_eq!(check(text), Err(PatchError::Controlled(expected)));
    }

    #[test]
    fn patches_are_checked() {
        for (text, good) in [
            ("", true),
            ("machine: {sysctls: {a: b}}", true),
            ("machine: {token: null}", true),
            ("machine: {network: {interfaces: [{interface: eth0, $patch: delete}]}}", true),
            ("machine: {features: {kubernetesTalosAPIAccess: {allowedRoles: [os:reader]}}}", true),
            ("machine: {features: {kubernetesTalosAPIAccess: {allowedRoles: [os:admin]}}}", false),
            ("{apiVersion: v1alpha1, kind: KubeTalosAPIAccessConfig, allowedRoles: [os:admin]}", false),
            ("{kind: KubeServiceAccountConfig, issuer: {privateKey: x}}", false),
            ("[{op: add, path: /machine, value: {}}]", false),
            ("machine: {sysctls: {$patch: replace}}", false),
            ("{", false),
        ] {
            assert_eq!(check(text).is_ok(), good, "{text}");
        }
    }

    fn merged(patches: &[&str]) -> Result<Value, PatchError> {
        merge(patches).map(|documents| Value::Array(documents.into_iter().map(Value::Object).collect()))
    }

    #[test]
    fn a_merged_patch_does_what_all_do_in_turn() {
        for (patches, expected) in [
            (
                &["machine: {sysctls: {a: 1, b: 1}}", "machine: {sysctls: {b: 2, c: 3}}"][..],
                "[{machine: {sysctls: {a: 1, b: 2, c: 3}}}]",
            ),
            (&["machine: {certSANs: [a]}", "machine: {certSANs: [b]}"], "[{machine: {certSANs: [a, b]}}]"),
            (
                &["cluster: {network: {podSubnets: [a]}}", "cluster: {network: {podSubnets: [b]}}"],
                "[{cluster: {network: {podSubnets: [b]}}}]",
            ),
            (
                &[
                    "machine: {network: {interfaces: [{interface: eth0, mtu: 1, addresses: [x]}]}}",
                    "machine: {network: {interfaces: [{interface: eth1}, {interface: eth0, mtu: 2, addresses: [y]}]}}",
                ],
                "[{machine: {network: {interfaces: [{interface: eth0, mtu: 2, addresses: [x, y]}, {interface: eth1}]}}}]",
            ),
            (
                &["machine: {sysctls: {a: 1}}", "machine: {sysctls: {$patch: delete}}"],
                "[{machine: {sysctls: {$patch: delete}}}]",
            ),
            (
                &["{kind: A, name: x, v: 1}\n---\nmachine: {}", "{kind: A, name: y, v: 2}", "{kind: A, name: x, v: 3}"],
                "[{kind: A, name: x, v: 3}, {machine: {}}, {kind: A, name: y, v: 2}]",
            ),
            (&["machine: {a: 1}", "machine: {a: null}"], "[{machine: {a: 1}}]"),
            (&[], "[]"),
        ] {
            let expected = yaml::parse_documents(expected).unwrap().remove(0);
            assert_eq!(merged(patches), Ok(expected), "{patches:?}");
        }
    }

    #[test]
    fn what_one_patch_cannot_do_is_refused() {
        let deleted = ["machine: {sysctls: {$patch: delete}}", "machine: {sysctls: {a: 1}}"];
        assert_eq!(merged(&deleted), Err(PatchError::DeletedAndSet("machine.sysctls".into())));
        let differ = ["machine: {certSANs: [a]}", "machine: {certSANs: b}"];
        assert_eq!(merged(&differ), Err(PatchError::KindsDiffer("machine.certSANs".into())));
    }
}
