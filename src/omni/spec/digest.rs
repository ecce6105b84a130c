//! A digest of the fields that we own, to detect changes.
//! It depends neither on the encoding nor on other fields.

use super::Spec;
use super::merge::{descriptor, resolve};
use prost_reflect::{DynamicMessage, MapKey, ReflectMessage, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The digest of the `owned` fields of an encoded spec, as hexadecimal text.
///
/// A field that is not set counts like one with its default value; a message that is set differs from one that is not.
/// Bytes that are no such message have the digest of themselves.
#[must_use]
pub fn owned_digest<S: Spec>(spec: &[u8], owned: &[&str]) -> String {
    let text = descriptor::<S>().ok().and_then(|d| DynamicMessage::decode(d, spec).ok()).map(|message| {
        let mut paths = owned.to_vec();
        paths.sort_unstable();
        paths.dedup();
        let mut text = String::new();
        for path in paths {
            text.push_str(path);
            text.push('=');
            write_path(&mut text, &message, path);
            text.push(';');
        }
        text
    });
    let digest = match text {
        Some(text) => Sha256::digest(text.as_bytes()),
        None => Sha256::digest(spec),
    };
    hex(&digest)
}

fn write_path(out: &mut String, message: &DynamicMessage, path: &str) {
    let Ok(fields) = resolve(&message.descriptor(), path) else {
        out.push('?');
        return;
    };
    let mut value = Value::Message(message.clone());
    for field in &fields {
        let Some(parent) = value.as_message() else { return };
        // Whatever lies in a message that is not there is not set.
        if !parent.has_field(field) {
            return;
        }
        value = parent.get_field(field).into_owned();
    }
    write_value(out, &value);
}

/// Every text begins with its length, so that no two values have the same form.
fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Bool(v) => push(out, &v.to_string()),
        Value::I32(v) | Value::EnumNumber(v) => push(out, &v.to_string()),
        Value::I64(v) => push(out, &v.to_string()),
        Value::U32(v) => push(out, &v.to_string()),
        Value::U64(v) => push(out, &v.to_string()),
        Value::F32(v) => push(out, &v.to_string()),
        Value::F64(v) => push(out, &v.to_string()),
        Value::String(v) => push(out, v),
        Value::Bytes(v) => push(out, &hex(v)),
        Value::Message(message) => {
            out.push('{');
            for (field, value) in message.fields() {
                push(out, &field.number().to_string());
                write_value(out, value);
            }
            out.push('}');
        }
        Value::List(values) => {
            out.push('[');
            values.iter().for_each(|v| write_value(out, v));
            out.push(']');
        }
        Value::Map(entries) => {
            let mut entries: Vec<(&MapKey, &Value)> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('<');
            for (key, value) in entries {
                write_value(out, &key.clone().into());
                write_value(out, value);
            }
            out.push('>');
        }
    }
}

fn push(out: &mut String, text: &str) {
    out.push_str(&text.len().to_string());
    out.push(':');
    out.push_str(text);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use omni_proto::specs::ClusterSpec;
    use omni_proto::specs::MachineStatusSpec;
    use omni_proto::specs::cluster_spec::Features;
    use prost::Message;

    fn cluster(talos: &str, features: Option<Features>) -> Vec<u8> {
        ClusterSpec { talos_version: talos.to_owned(), features, ..ClusterSpec::default() }.encode_to_vec()
    }

    fn encrypted(disk_encryption: bool) -> Option<Features> {
        Some(Features { disk_encryption, ..Features::default() })
    }

    #[test]
    fn only_owned_fields_count() {
        let owned = ["talos_version", "features.disk_encryption"];
        let base = owned_digest::<ClusterSpec>(&cluster("1.13.5", encrypted(true)), &owned);
        assert_eq!(base.len(), 64);
        let other = Features { enable_workload_proxy: true, disk_encryption: true, ..Features::default() };
        let unknown = [cluster("1.13.5", Some(other)), b"\x9a\x06\x05later".to_vec()].concat();
        assert_eq!(owned_digest::<ClusterSpec>(&unknown, &owned), base);
        let swapped = ["features.disk_encryption", "talos_version"];
        assert_eq!(owned_digest::<ClusterSpec>(&unknown, &swapped), base);
        for (talos, features) in [("1.13.6", encrypted(true)), ("1.13.5", encrypted(false)), ("1.13.5", None)] {
            assert_ne!(owned_digest::<ClusterSpec>(&cluster(talos, features), &owned), base);
        }
    }

    #[test]
    fn unset_is_default() {
        let owned = ["features.disk_encryption"];
        assert_eq!(
            owned_digest::<ClusterSpec>(&cluster("", None), &owned),
            owned_digest::<ClusterSpec>(&cluster("", encrypted(false)), &owned)
        );
        // But a message that is owned as a whole is there or not.
        assert_ne!(
            owned_digest::<ClusterSpec>(&cluster("", None), &["features"]),
            owned_digest::<ClusterSpec>(&cluster("", encrypted(false)), &["features"])
        );
    }

    #[test]
    fn maps_have_no_order() {
        let status = |pairs: &[(&str, &str)]| {
            MachineStatusSpec {
                image_labels: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
                ..MachineStatusSpec::default()
            }
            .encode_to_vec()
        };
        let digest = |bytes: &[u8]| owned_digest::<MachineStatusSpec>(bytes, &["image_labels"]);
        let entries: Vec<_> = ["a", "b"].iter().map(|k| status(&[(k, "1")])).collect();
        let forward = [entries[0].clone(), entries[1].clone()].concat();
        let backward = [entries[1].clone(), entries[0].clone()].concat();
        assert_eq!(digest(&forward), digest(&backward));
        assert_ne!(digest(&forward), digest(&entries[0]));
    }

    #[test]
    fn bytes_that_are_no_message() {
        assert_eq!(owned_digest::<ClusterSpec>(b"\xff", &[]), hex(&Sha256::digest(b"\xff")));
    }
}
