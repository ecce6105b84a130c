//! Specs of types that only a configuration names: their fields by path, as text.

use super::fields::get;
use super::kinds::message_of;
use super::merge::{PathError, pool, resolve};
use crate::omni::error::Error;
use crate::omni::state::{Kind, Resource};
use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind as FieldKind, MessageDescriptor, Value};

/// A field of a type that holds one value: a text, a number, a boolean or an enum.
///
/// ```
/// use omni_proto::specs::{ClusterStatusSpec, cluster_status_spec::Phase};
/// use terraform_provider_omni::omni::spec::any::Single;
/// use terraform_provider_omni::omni::spec::{self, Spec};
///
/// let phase = Single::of(ClusterStatusSpec::KIND, "phase").unwrap();
/// assert!(phase.values().contains(&"RUNNING".to_owned()));
/// let mut status = ClusterStatusSpec::default();
/// status.set_phase(Phase::Running);
/// assert_eq!(phase.text(&spec::resource("prod", &status)).unwrap().as_deref(), Some("RUNNING"));
/// // A list and a message hold no single value.
/// assert!(Single::of(ClusterStatusSpec::KIND, "machines").is_err());
/// assert!(Single::of(ClusterStatusSpec::KIND, "machines.healthy").is_ok());
/// ```
pub struct Single {
    message: MessageDescriptor,
    fields: Vec<FieldDescriptor>,
}

impl Single {
    /// The field at this path.
    ///
    /// # Errors
    /// When the type is not known, the path has no field, or the field does not hold one value.
    pub fn of(kind: Kind, path: &str) -> Result<Self, PathError> {
        let name = message_of(kind).ok_or(PathError::NoMessage(kind.name))?;
        let message = pool().get_message_by_name(name).ok_or(PathError::NoMessage(name))?;
        let fields = resolve(&message, path)?;
        let single = fields.last().is_some_and(|field| {
            !field.is_list() && !field.is_map() && !matches!(field.kind(), FieldKind::Message(_) | FieldKind::Bytes)
        });
        if single { Ok(Self { message, fields }) } else { Err(PathError::Several(path.to_owned())) }
    }

    /// The names of the fields of the type, for messages.
    #[must_use]
    pub fn names(kind: Kind) -> Vec<String> {
        let message = message_of(kind).and_then(|name| pool().get_message_by_name(name));
        message.map(|message| message.fields().map(|field| field.name().to_owned()).collect()).unwrap_or_default()
    }

    /// The names of its values where it is an enum; empty otherwise.
    #[must_use]
    pub fn values(&self) -> Vec<String> {
        match self.fields.last().map(FieldDescriptor::kind) {
            Some(FieldKind::Enum(all)) => all.values().map(|value| value.name().to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it holds a text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.fields.last().map(FieldDescriptor::kind), Some(FieldKind::String))
    }

    /// Its value in an object; `None` where it is not set.
    ///
    /// # Errors
    /// [`Error::Decode`] when the spec is not of the type.
    pub fn text(&self, object: &Resource) -> Result<Option<String>, Error> {
        let undecodable = |e| Error::Decode { what: format!("the spec of `{}`", object.key), source: Box::new(e) };
        let mut message = DynamicMessage::decode(self.message.clone(), object.spec.as_slice()).map_err(undecodable)?;
        let Some((leaf, parents)) = self.fields.split_last() else { return Ok(None) };
        for parent in parents {
            if !message.has_field(parent) {
                return Ok(None);
            }
            let Some(inner) = message.get_field(parent).as_message().cloned() else { return Ok(None) };
            message = inner;
        }
        Ok(get(&message, leaf).map(|value| display(&value, leaf)))
    }
}

fn display(value: &Value, field: &FieldDescriptor) -> String {
    match (value, field.kind()) {
        (Value::String(text), _) => text.clone(),
        (Value::EnumNumber(number), FieldKind::Enum(all)) => name(&all, *number),
        (Value::Bool(value), _) => value.to_string(),
        (Value::I32(value), _) => value.to_string(),
        (Value::I64(value), _) => value.to_string(),
        (Value::U32(value), _) => value.to_string(),
        (Value::U64(value), _) => value.to_string(),
        (Value::F32(value), _) => value.to_string(),
        (Value::F64(value), _) => value.to_string(),
        _ => String::new(),
    }
}

/// The name of a value; a newer server may send one that this build does not know.
fn name(all: &EnumDescriptor, number: i32) -> String {
    all.get_value(number).map_or_else(|| number.to_string(), |value| value.name().to_owned())
}
