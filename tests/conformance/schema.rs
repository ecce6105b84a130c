//! Specs and messages from JSON, by their definitions.
//! It knows which message the spec of a type is, and nothing else of the types.

use anyhow::Context as _;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;
use std::sync::LazyLock;

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(omni_proto::DESCRIPTORS).unwrap_or_default());

/// The types whose message is not the singular of their name.
const NAMES: [(&str, &str); 7] = [
    ("EtcdBackupS3Configs", "EtcdBackupS3Conf"),
    ("ImportedClusterSecrets", "ImportedClusterSecrets"),
    ("KernelArgs", "KernelArgs"),
    ("Links", "Siderolink"),
    ("MachineLabels", "MachineLabels"),
    ("PendingMachines", "Siderolink"),
    ("SysVersions", "SysVersion"),
];

/// A definition among those of this package.
pub fn pool() -> &'static DescriptorPool {
    &POOL
}

/// The spec of a type, encoded.
pub fn spec(kind: &str, json: &Value) -> anyhow::Result<Vec<u8>> {
    if json.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(Vec::new());
    }
    let plural = kind.split('.').next().unwrap_or_default();
    let listed = NAMES.iter().find(|(name, _)| *name == plural).map(|(_, stem)| (*stem).to_owned());
    let stem = listed.unwrap_or_else(|| match plural {
        name if name.ends_with("ies") => format!("{}y", name.strip_suffix("ies").unwrap_or(name)),
        name if name.ends_with("ches") || name.ends_with("sses") => name.strip_suffix("es").unwrap_or(name).to_owned(),
        name => name.strip_suffix('s').unwrap_or(name).to_owned(),
    });
    let descriptor = POOL.get_message_by_name(&format!("specs.{stem}Spec"));
    message(descriptor.with_context(|| format!("no message for {kind}"))?, json)
}

/// A message, encoded.
pub fn message(descriptor: MessageDescriptor, json: &Value) -> anyhow::Result<Vec<u8>> {
    let text = json.to_string();
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    Ok(DynamicMessage::deserialize(descriptor, &mut deserializer)?.encode_to_vec())
}
