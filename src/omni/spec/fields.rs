//! Access to the fields of a spec by path, such as `features.disk_encryption`, for tables that describe objects.

use super::Described;
use super::merge::{descriptor, pool, resolve};
use crate::omni::error::Error;
use prost_reflect::{DynamicMessage, ReflectMessage};

pub use super::merge::PathError;
pub use prost_reflect::{FieldDescriptor, Kind as FieldKind, MapKey, Value as Field};

/// A message, such as a spec, with access to its fields by path.
///
/// ```
/// use omni_proto::specs::ClusterSpec;
/// use terraform_provider_omni::omni::spec::fields::{Field, Fields};
///
/// let mut fields = Fields::empty::<ClusterSpec>().unwrap();
/// // A field without presence has its default value, and a field of a message that is not set is absent.
/// assert_eq!(fields.get("talos_version").unwrap(), Some(Field::String(String::new())));
/// assert_eq!(fields.get("features.disk_encryption").unwrap(), None);
///
/// fields.set("features.disk_encryption", Some(Field::Bool(true))).unwrap();
/// assert_eq!(fields.get("features.disk_encryption").unwrap(), Some(Field::Bool(true)));
/// assert!(fields.set("features.disk_encryption", Some(Field::I32(1))).is_err());
/// assert!(fields.get("features.disks").is_err());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fields(pub(super) DynamicMessage);

impl Fields {
    /// A message without any field set.
    ///
    /// # Errors
    /// When the message has no descriptor, which is a defect of this build.
    pub fn empty<S: Described>() -> Result<Self, Error> {
        Ok(Self(DynamicMessage::new(described::<S>()?)))
    }

    /// Decodes a message.
    ///
    /// # Errors
    /// [`Error::Decode`] when the bytes are not such a message.
    pub fn decode<S: Described>(spec: &[u8]) -> Result<Self, Error> {
        DynamicMessage::decode(described::<S>()?, spec).map(Self).map_err(|e| undecodable::<S>(Box::new(e)))
    }

    /// The field at this path; `None` for a message or an optional field that is not set, and for the fields of such a
    /// message. Any other field that is not set has its default value.
    ///
    /// # Errors
    /// When the path has no field.
    pub fn get(&self, path: &str) -> Result<Option<Field>, PathError> {
        let fields = resolve(&self.0.descriptor(), path)?;
        Ok(fields.split_last().and_then(|(leaf, parents)| lookup(&self.0, parents, leaf)))
    }

    /// Makes the message at this path there, without any field set.
    ///
    /// # Errors
    /// When the path has no field, or leads to no message.
    pub fn set_message(&mut self, path: &str) -> Result<(), PathError> {
        let fields = resolve(&self.0.descriptor(), path)?;
        let Some(leaf) = fields.last() else { return Ok(()) };
        match leaf.kind() {
            FieldKind::Message(message) if !leaf.is_list() && !leaf.is_map() => {
                self.set(path, Some(Field::Message(DynamicMessage::new(message))))
            }
            _ => Err(PathError::NotAMessage(leaf.full_name().to_owned())),
        }
    }

    /// Sets the field at this path, and creates the messages around it; `None` changes nothing.
    ///
    /// # Errors
    /// When the path has no field, or the value has another type than the field.
    pub fn set(&mut self, path: &str, value: Option<Field>) -> Result<(), PathError> {
        let fields = resolve(&self.0.descriptor(), path)?;
        let Some((leaf, parents)) = fields.split_last() else { return Ok(()) };
        let Some(value) = value else { return Ok(()) };
        let mut message = &mut self.0;
        for parent in parents {
            message = message
                .get_field_mut(parent)
                .as_message_mut()
                .ok_or_else(|| PathError::NotAMessage(parent.full_name().to_owned()))?;
        }
        message.try_set_field(leaf, value).map_err(|_| PathError::Type(leaf.full_name().to_owned()))
    }
}

/// The field of a message by the rules of [`Fields::get`].
#[must_use]
pub fn get(message: &DynamicMessage, field: &FieldDescriptor) -> Option<Field> {
    (!field.supports_presence() || message.has_field(field)).then(|| message.get_field(field).into_owned())
}

fn lookup(message: &DynamicMessage, parents: &[FieldDescriptor], leaf: &FieldDescriptor) -> Option<Field> {
    let Some((parent, rest)) = parents.split_first() else { return get(message, leaf) };
    if !message.has_field(parent) {
        return None;
    }
    message.get_field(parent).as_message().and_then(|inner| lookup(inner, rest, leaf))
}

/// A message as the value of a field; `name` is the full name of its type. `None` for a type without a descriptor.
#[must_use]
pub fn to_message(name: &str, message: &impl prost::Message) -> Option<Field> {
    let described = pool().get_message_by_name(name)?;
    DynamicMessage::decode(described, message.encode_to_vec().as_slice()).ok().map(Field::Message)
}

/// The value of a field as a message; `None` for a value of another type.
#[must_use]
pub fn from_message<M: prost::Message + Default>(field: &Field) -> Option<M> {
    M::decode(prost::Message::encode_to_vec(field.as_message()?).as_slice()).ok()
}

/// The descriptor of the field at this path.
///
/// # Errors
/// When the path has no field.
pub fn field<S: Described>(path: &str) -> Result<FieldDescriptor, PathError> {
    let fields = resolve(&descriptor::<S>()?, path)?;
    fields.into_iter().last().ok_or(PathError::NoMessage(S::MESSAGE))
}

fn described<S: Described>() -> Result<prost_reflect::MessageDescriptor, Error> {
    descriptor::<S>().map_err(|e| undecodable::<S>(Box::new(e)))
}

pub(super) fn undecodable<S: Described>(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Decode { what: format!("a message of the type `{}`", S::MESSAGE), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omni_proto::specs::{ClusterSpec, cluster_spec};
    use prost::Message;

    #[test]
    fn fields_are_read_and_set_by_path() {
        let spec = ClusterSpec {
            talos_version: "1.13.5".into(),
            features: Some(cluster_spec::Features { disk_encryption: true, ..Default::default() }),
            ..ClusterSpec::default()
        };
        let read = Fields::decode::<ClusterSpec>(&spec.encode_to_vec()).unwrap();
        let mut made = Fields::empty::<ClusterSpec>().unwrap();
        for (path, value) in [
            ("talos_version", Some(Field::String("1.13.5".into()))),
            ("kubernetes_version", Some(Field::String(String::new()))),
            ("features.disk_encryption", Some(Field::Bool(true))),
            ("features.enable_workload_proxy", Some(Field::Bool(false))),
            ("backup_configuration.enabled", None),
            ("backup_configuration", None),
        ] {
            assert_eq!(read.get(path).unwrap(), value, "{path}");
            if !path.starts_with("backup") {
                made.set(path, value).unwrap();
            }
        }
        assert_eq!(ClusterSpec::decode(made.0.encode_to_vec().as_slice()).unwrap(), spec);
    }

    #[test]
    fn paths_and_types_that_do_not_fit() {
        let mut fields = Fields::empty::<ClusterSpec>().unwrap();
        assert!(matches!(fields.get("size"), Err(PathError::NoField { .. })));
        assert!(matches!(fields.get("talos_version.minor"), Err(PathError::NotAMessage(_))));
        assert!(matches!(fields.set("talos_version", Some(Field::Bool(true))), Err(PathError::Type(_))));
        assert!(field::<ClusterSpec>("features.disk_encryption").is_ok());
        assert!(field::<ClusterSpec>("features.size").is_err());
    }
}
