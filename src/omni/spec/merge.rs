//! Merges for writes: only owned fields change. All others keep their values, even fields that this build does not know.

use super::fields::{Fields, undecodable};
use super::{Described, Spec};
use crate::omni::error::Error;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use std::sync::OnceLock;

/// Why a path or a value does not fit a message.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// A message has no such field.
    #[error("`{message}` has no field `{field}`")]
    NoField {
        /// The full name of the message.
        message: String,
        /// The part of the path.
        field: String,
    },
    /// A path continues after a field that is not a message.
    #[error("`{0}` holds no fields of its own")]
    NotAMessage(String),
    /// The message has no descriptor.
    #[error("`{0}` is not among the descriptors of this build")]
    NoMessage(&'static str),
    /// A field is a list, a map or a message.
    #[error("`{0}` does not hold a single value")]
    Several(String),
    /// A value has another type than its field.
    #[error("`{0}` is of another type than the value")]
    Type(String),
}

/// Sets the `owned` fields of the encoded spec `current` to their values in `desired`; all others keep theirs.
///
/// An owned field is given by its path, such as `features.disk_encryption`.
/// A field that `desired` does not set is cleared; so is a message that is owned by the path of the message itself.
/// If a message is owned as a whole, its fields that this build does not know are kept.
/// Lists and maps are replaced as a whole.
///
/// ```
/// use omni_proto::specs::ClusterSpec;
/// use prost::Message;
/// use terraform_provider_omni::omni::spec::merge_owned;
///
/// let spec = |talos: &str, kubernetes: &str| ClusterSpec {
///     talos_version: talos.to_owned(),
///     kubernetes_version: kubernetes.to_owned(),
///     ..ClusterSpec::default()
/// };
/// let current = spec("1.12.0", "1.34.0").encode_to_vec();
/// for (owned, expected) in [
///     (vec!["talos_version"], spec("1.13.0", "1.34.0")),
///     (vec!["talos_version", "kubernetes_version"], spec("1.13.0", "")),
///     (vec![], spec("1.12.0", "1.34.0")),
/// ] {
///     let merged = merge_owned(&current, &spec("1.13.0", ""), &owned).unwrap();
///     assert_eq!(ClusterSpec::decode(merged.as_slice()).unwrap(), expected, "{owned:?}");
/// }
/// ```
///
/// # Errors
/// [`Error::Decode`] when `current` is not such a message, or a path has no field.
pub fn merge_owned<S: Spec>(current: &[u8], desired: &S, owned: &[&str]) -> Result<Vec<u8>, Error> {
    merge_fields::<S>(current, &Fields::decode::<S>(&desired.encode_to_vec())?, owned)
}

/// [`merge_owned`] with the desired spec as [`Fields`].
///
/// # Errors
/// As for [`merge_owned`].
pub fn merge_fields<S: Spec>(current: &[u8], desired: &Fields, owned: &[&str]) -> Result<Vec<u8>, Error> {
    let mut merged = Fields::decode::<S>(current)?;
    let descriptor = merged.0.descriptor();
    for path in owned {
        let fields = resolve(&descriptor, path).map_err(|e| undecodable::<S>(Box::new(e)))?;
        if let Some((leaf, parents)) = fields.split_last() {
            set(&mut merged.0, &desired.0, parents, leaf);
        }
    }
    Ok(merged.0.encode_to_vec())
}

/// The descriptor of a message.
pub(super) fn descriptor<S: Described>() -> Result<MessageDescriptor, PathError> {
    pool().get_message_by_name(S::MESSAGE).ok_or(PathError::NoMessage(S::MESSAGE))
}

/// The descriptors of every message of this build.
pub(in crate::omni) fn pool() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| DescriptorPool::decode(omni_proto::DESCRIPTORS).unwrap_or_default())
}

/// The fields along a path.
pub(super) fn resolve(message: &MessageDescriptor, path: &str) -> Result<Vec<FieldDescriptor>, PathError> {
    let mut fields: Vec<FieldDescriptor> = Vec::new();
    let mut message = Some(message.clone());
    for name in path.split('.') {
        let Some(parent) = message else {
            let last = fields.last().map(|f| f.full_name().to_owned()).unwrap_or_default();
            return Err(PathError::NotAMessage(last));
        };
        let field = parent
            .get_field_by_name(name)
            .ok_or_else(|| PathError::NoField { message: parent.full_name().to_owned(), field: name.to_owned() })?;
        message = match field.kind() {
            Kind::Message(inner) if !field.is_list() && !field.is_map() => Some(inner),
            _ => None,
        };
        fields.push(field);
    }
    Ok(fields)
}

fn set(to: &mut DynamicMessage, from: &DynamicMessage, parents: &[FieldDescriptor], leaf: &FieldDescriptor) {
    match parents.split_first() {
        None => set_field(to, from, leaf),
        Some((parent, rest)) => {
            let inner = from.get_field(parent);
            let Some(inner) = inner.as_message() else { return };
            // A message that is not there has nothing to clear, and must not appear because of that.
            let sets = from.has_field(parent) && is_set(inner, rest, leaf);
            if !sets && !to.has_field(parent) {
                return;
            }
            if let Some(target) = to.get_field_mut(parent).as_message_mut() {
                set(target, inner, rest, leaf);
            }
        }
    }
}

fn is_set(message: &DynamicMessage, parents: &[FieldDescriptor], leaf: &FieldDescriptor) -> bool {
    match parents.split_first() {
        None => message.has_field(leaf),
        Some((parent, rest)) => {
            message.has_field(parent) && message.get_field(parent).as_message().is_some_and(|m| is_set(m, rest, leaf))
        }
    }
}

fn set_field(to: &mut DynamicMessage, from: &DynamicMessage, field: &FieldDescriptor) {
    if !from.has_field(field) {
        to.clear_field(field);
        return;
    }
    let value = from.get_field(field).into_owned();
    match (value, to.has_field(field)) {
        (Value::Message(inner), true) => {
            if let Some(target) = to.get_field_mut(field).as_message_mut() {
                for known in inner.descriptor().fields() {
                    set_field(target, &inner, &known);
                }
            }
        }
        (value, _) => to.set_field(field, value),
    }
}

trait Descriptor {
    fn descriptor(&self) -> MessageDescriptor;
}

impl Descriptor for DynamicMessage {
    fn descriptor(&self) -> MessageDescriptor {
        prost_reflect::ReflectMessage::descriptor(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omni_proto::specs::ClusterSpec;
    use omni_proto::specs::EtcdBackupConf;
    use omni_proto::specs::MachineSetSpec;
    use omni_proto::specs::cluster_spec::Features;
    use omni_proto::specs::machine_set_spec::{BootstrapSpec, RollingUpdateStrategyConfig, UpdateStrategyConfig};

    /// Field 99 with the text `later`: something that this build does not know.
    const UNKNOWN: &[u8] = b"\x9a\x06\x05later";

    fn merge(current: &[u8], desired: &ClusterSpec, owned: &[&str]) -> (ClusterSpec, Vec<u8>) {
        let bytes = merge_owned(current, desired, owned).unwrap();
        (ClusterSpec::decode(bytes.as_slice()).unwrap(), bytes)
    }

    fn features(f: Features) -> ClusterSpec {
        ClusterSpec { features: Some(f), ..ClusterSpec::default() }
    }

    fn contains(bytes: &[u8], part: &[u8]) -> bool {
        bytes.windows(part.len()).any(|w| w == part)
    }

    #[test]
    fn sets_only_what_is_owned() {
        let current = ClusterSpec {
            kubernetes_version: "1.35.1".into(),
            talos_version: "1.13.5".into(),
            features: Some(Features { enable_workload_proxy: true, disk_encryption: true, ..Features::default() }),
            backup_configuration: None,
        };
        let desired = ClusterSpec { kubernetes_version: "1.36.2".into(), ..features(Features::default()) };
        let (merged, _) =
            merge(&current.encode_to_vec(), &desired, &["kubernetes_version", "features.disk_encryption"]);
        assert_eq!(merged.kubernetes_version, "1.36.2");
        assert_eq!(merged.talos_version, "1.13.5");
        assert_eq!(merged.features, Some(Features { enable_workload_proxy: true, ..Features::default() }));
    }

    #[test]
    fn unknown_fields_survive_at_every_depth() {
        let inner =
            [Features { disk_encryption: true, ..Features::default() }.encode_to_vec(), UNKNOWN.to_vec()].concat();
        let outer = [vec![0x22, u8::try_from(inner.len()).unwrap()], inner, UNKNOWN.to_vec()].concat();
        let desired = features(Features { enable_workload_proxy: true, ..Features::default() });
        for owned in [&["features.disk_encryption", "features.enable_workload_proxy"][..], &["features"][..]] {
            let (merged, bytes) = merge(&outer, &desired, owned);
            assert_eq!(merged, desired);
            let count = bytes.windows(UNKNOWN.len()).filter(|w| *w == UNKNOWN).count();
            assert_eq!(count, 2, "{owned:?}");
        }
        // The same bytes with nothing owned come back with the same meaning.
        let (_, bytes) = merge(&outer, &desired, &[]);
        assert_eq!(bytes.len(), outer.len());
    }

    #[test]
    fn messages_as_a_whole() {
        let backup = |enabled| EtcdBackupConf { interval: None, enabled };
        let current = ClusterSpec { backup_configuration: Some(backup(true)), ..features(Features::default()) };
        let (merged, _) = merge(&current.encode_to_vec(), &ClusterSpec::default(), &["backup_configuration"]);
        assert_eq!(merged.backup_configuration, None);
        assert_eq!(merged.features, Some(Features::default()));

        let desired = ClusterSpec { backup_configuration: Some(backup(false)), ..ClusterSpec::default() };
        let (merged, _) = merge(&current.encode_to_vec(), &desired, &["backup_configuration"]);
        assert_eq!(merged.backup_configuration, Some(backup(false)));
        let (merged, _) = merge(&[], &desired, &["backup_configuration"]);
        assert_eq!(merged.backup_configuration, Some(backup(false)));
    }

    #[test]
    fn nothing_appears_only_to_be_cleared() {
        let (merged, bytes) = merge(&[], &features(Features::default()), &["features.disk_encryption"]);
        assert_eq!(merged, ClusterSpec::default());
        assert!(bytes.is_empty());
        let (merged, _) = merge(
            &[],
            &features(Features { disk_encryption: true, ..Features::default() }),
            &["features.disk_encryption", "features.enable_workload_proxy"],
        );
        assert_eq!(merged, features(Features { disk_encryption: true, ..Features::default() }));
    }

    #[test]
    fn deep_paths() {
        let rolling = |max_parallelism| {
            Some(UpdateStrategyConfig { rolling: Some(RollingUpdateStrategyConfig { max_parallelism }) })
        };
        let bootstrap = Some(BootstrapSpec { cluster_uuid: "u".into(), snapshot: "s".into() });
        let current = MachineSetSpec {
            update_strategy_config: rolling(2),
            bootstrap_spec: bootstrap,
            ..MachineSetSpec::default()
        };
        let desired = MachineSetSpec { update_strategy_config: rolling(5), ..MachineSetSpec::default() };
        let path = ["update_strategy_config.rolling.max_parallelism"];
        let bytes = merge_owned(&current.encode_to_vec(), &desired, &path).unwrap();
        let merged = MachineSetSpec::decode(bytes.as_slice()).unwrap();
        assert_eq!(merged, MachineSetSpec { update_strategy_config: rolling(5), ..current });
    }

    #[test]
    fn mistakes() {
        let desired = ClusterSpec::default();
        let text = |owned: &[&str]| {
            let error = merge_owned(b"", &desired, owned).unwrap_err();
            std::error::Error::source(&error).unwrap().to_string()
        };
        assert_eq!(text(&["nope"]), "`specs.ClusterSpec` has no field `nope`");
        assert_eq!(text(&["features.nope"]), "`specs.ClusterSpec.Features` has no field `nope`");
        assert_eq!(text(&["talos_version.x"]), "`specs.ClusterSpec.talos_version` holds no fields of its own");
        assert!(merge_owned(b"\xff", &desired, &[]).is_err());
        assert!(!contains(b"", UNKNOWN));
    }
}
