//! Objects as omnictl prints them.

use super::Release;
use super::emit::{Layout, Tree, write};
use crate::omni::spec::compressed::text;
use crate::omni::spec::merge::pool;
use crate::omni::spec::{Spec as _, message_of};
use crate::omni::state::{Metadata, Phase, Resource};
use jiff::Timestamp;
use kit::gather::Gather as _;
use omni_proto::specs;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};
use std::collections::BTreeMap;

/// What Go prints for a time that is not set: the object is not stored.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// An object as a document, with a newline at its end.
pub(super) fn document(object: &Resource, release: Release) -> String {
    let metadata = metadata(object);
    let tree = Tree::map([("metadata", metadata), ("spec", spec(object, release))]);
    write(&tree, Layout::new(2, release))
}

fn metadata(object: &Resource) -> Tree {
    let Metadata { version, owner, phase, created, updated, finalizers, labels, annotations } = &object.metadata;
    let version = version.map_or_else(|| "undefined".to_owned(), |version| version.to_string());
    let phase = match phase {
        Phase::Running => "running",
        Phase::TearingDown => "tearingDown",
    };
    let mut entries = vec![
        ("namespace", Tree::bare(object.key.kind.namespace)),
        ("type", Tree::bare(object.key.kind.name)),
        ("id", Tree::bare(object.key.id.as_str())),
        ("version", Tree::bare(version)),
        ("owner", Tree::bare(owner.as_str())),
        ("phase", Tree::bare(phase)),
        ("created", Tree::bare(time(created.as_ref()))),
        ("updated", Tree::bare(time(updated.as_ref()))),
    ];
    let pairs = |pairs: &BTreeMap<String, String>| {
        Tree::Map(pairs.iter().map(|(key, value)| (Tree::bare(key.as_str()), Tree::bare(value.as_str()))).collect())
    };
    for (key, all) in [("labels", labels), ("annotations", annotations)] {
        if !all.is_empty() {
            entries.push((key, pairs(all)));
        }
    }
    if !finalizers.is_empty() {
        let finalizers = finalizers.iter().map(|name| Tree::bare(name.as_str())).collect();
        entries.push(("finalizers", Tree::List(finalizers)));
    }
    Tree::map(entries)
}

fn time(time: Option<&prost_types::Timestamp>) -> String {
    let second = time.and_then(|time| Timestamp::from_second(time.seconds).ok());
    second.map_or_else(|| NEVER.to_owned(), |second| second.to_string())
}

/// The spec with every field of the release, in the order of their definition.
fn spec(object: &Resource, release: Release) -> Tree {
    let message = message_of(object.key.kind).and_then(|name| pool().get_message_by_name(name));
    let decoded = message.and_then(|message| DynamicMessage::decode(message, plain(object).as_slice()).ok());
    match decoded {
        Some(decoded) => fields(&decoded, decoded.descriptor().name(), release),
        None => Tree::Map(Vec::new()),
    }
}

/// The encoded spec, with a compressed text as text.
pub(super) fn plain(object: &Resource) -> Vec<u8> {
    use prost::Message as _;
    let name = object.key.kind.name;
    if name == specs::ConfigPatchSpec::KIND.name
        && let Ok(data) = text::<specs::ConfigPatchSpec>(object)
    {
        return specs::ConfigPatchSpec { data, ..specs::ConfigPatchSpec::default() }.encode_to_vec();
    }
    if name == specs::KubernetesManifestGroupSpec::KIND.name
        && let Ok(data) = text::<specs::KubernetesManifestGroupSpec>(object)
        && let Ok(spec) = specs::KubernetesManifestGroupSpec::decode(object.spec.as_slice())
    {
        return specs::KubernetesManifestGroupSpec { data, compressed_data: Vec::new(), ..spec }.encode_to_vec();
    }
    object.spec.clone()
}

fn fields(message: &DynamicMessage, path: &str, release: Release) -> Tree {
    let mut entries = Vec::new();
    for field in message.descriptor().fields() {
        let path = format!("{path}.{}", field.name());
        if Release::since(&path).is_some_and(|first| release < first) {
            continue;
        }
        let name = field.name().replace('_', "").to_lowercase();
        entries.push((Tree::bare(name), field_value(message, &field, &path, release)));
    }
    Tree::Map(entries)
}

fn field_value(message: &DynamicMessage, field: &FieldDescriptor, path: &str, release: Release) -> Tree {
    if matches!(field.kind(), Kind::Message(_)) && !field.is_list() && !field.is_map() && !message.has_field(field) {
        return Tree::bare("null");
    }
    value(&message.get_field(field), path, release)
}

fn value(value: &Value, path: &str, release: Release) -> Tree {
    let each = |value: &Value| self::value(value, path, release);
    match value {
        Value::Bool(flag) => Tree::bare(flag.to_string()),
        Value::I32(number) | Value::EnumNumber(number) => Tree::bare(number.to_string()),
        Value::I64(number) => Tree::bare(number.to_string()),
        Value::U32(number) => Tree::bare(number.to_string()),
        Value::U64(number) => Tree::bare(number.to_string()),
        Value::F32(number) => Tree::bare(number.to_string()),
        Value::F64(number) => Tree::bare(number.to_string()),
        Value::String(text) => Tree::text(text.as_str()),
        Value::Bytes(bytes) => Tree::List(bytes.iter().map(|byte| Tree::bare(byte.to_string())).collect()),
        Value::Message(message) => fields(message, path, release),
        Value::List(all) => Tree::List(all.iter().map(each).collect()),
        Value::Map(all) => {
            let key = |key: &prost_reflect::MapKey| key.as_str().unwrap_or_default().to_owned();
            let sorted: BTreeMap<String, &Value> = all.iter().map(|(name, value)| (key(name), value)).gathered();
            Tree::Map(sorted.into_iter().map(|(key, value)| (Tree::text(key), each(value))).collect())
        }
    }
}
