//! How the value of an attribute is written in a field, a label or an annotation, and read from it.

use crate::omni::spec::fields;
use crate::omni::spec::fields::{Field, FieldKind, MapKey};
use crate::tf::model::present;
use crate::tf::schema::{Attribute, Kind as Shape, Nesting};
use crate::tf::value::{BigDecimal, Type, Value};
use std::collections::BTreeMap;

/// How an attribute is written in a label or an annotation.
#[derive(Clone, Copy)]
pub(crate) enum KeyCodec {
    /// As it is.
    Text,
    /// Written as this makes it of the whole state, and read as it is.
    Made(fn(&Value) -> Option<String>),
    /// `true` while the key is there.
    Present,
    /// `true` while the key is not there.
    Absent,
    /// The first text while the key is there, and the second one while it is not.
    Either(&'static str, &'static str),
}

/// How an attribute is written in a field.
#[derive(Clone, Copy)]
pub(crate) enum Codec {
    /// As it is. A message is an object whose attributes are named as its fields.
    Plain,
    /// The same for what Omni fills in late: the default value of the field says nothing, and what was known before stays.
    KeepsPrior,
    /// The same for what need not be set: the default value of the field is null, or what was configured as the default.
    Optional,
    /// A text for each value of an enum; the first one stands for null and for values without a text.
    Enum(&'static [(&'static str, i32)]),
    /// By these two functions.
    Own {
        /// From the attribute to the field; `None` leaves it out.
        write: fn(&Value) -> Option<Field>,
        /// From the field, which may be left out, and what was known before.
        read: fn(Option<&Field>, &Value) -> Value,
    },
}

impl KeyCodec {
    pub(super) fn write(self, value: &Value, whole: &Value) -> Option<String> {
        match self {
            Self::Text => value.as_str().map(str::to_owned),
            Self::Made(make) => make(whole),
            Self::Present => (value.as_bool() == Some(true)).then(String::new),
            Self::Absent => (value.as_bool() == Some(false)).then(String::new),
            Self::Either(there, _) => (value.as_str() == Some(there)).then(String::new),
        }
    }

    pub(super) fn read(self, found: Option<&String>) -> Value {
        match self {
            Self::Text | Self::Made(_) => found.map(String::as_str).into(),
            Self::Present => found.is_some().into(),
            Self::Absent => found.is_none().into(),
            Self::Either(there, not) => if found.is_some() { there } else { not }.into(),
        }
    }
}

impl Codec {
    pub(super) fn write(self, value: &Value, kind: &FieldKind) -> Option<Field> {
        match self {
            Self::Plain | Self::KeepsPrior | Self::Optional => to_field(value, kind),
            Self::Enum(texts) => {
                let found = texts.iter().find(|(text, _)| value.as_str() == Some(text)).or(texts.first());
                found.map(|(_, number)| Field::EnumNumber(*number))
            }
            // A null element of a collection means nothing, so that no codec has to tell it from an empty one.
            Self::Own { write, .. } => write(&present(value)),
        }
    }

    pub(super) fn read(self, field: Option<&Field>, prior: &Value, attribute: &Attribute) -> Value {
        let shown = || field.map_or_else(|| empty(&attribute.kind), |field| to_value(field, &attribute.kind));
        match self {
            Self::Plain => shown(),
            Self::Optional => match field.filter(|field| !is_default(field)) {
                Some(_) => shown(),
                None if *prior == empty(&attribute.kind) => prior.clone(),
                None => Value::Null,
            },
            Self::KeepsPrior => match field.filter(|field| !is_default(field)) {
                Some(_) => shown(),
                None if prior.is_unknown() => Value::Null,
                None => prior.clone(),
            },
            Self::Enum(texts) => {
                let number = field.and_then(Field::as_enum_number).unwrap_or_default();
                let found = texts.iter().find(|(_, n)| *n == number).or(texts.first());
                found.map(|(text, _)| *text).into()
            }
            Self::Own { read, .. } => read(field, prior),
        }
    }
}

/// What an attribute shows of an object that is not there: the default of its type, as for a field that is not set.
fn empty(shape: &Shape) -> Value {
    match shape {
        Shape::Plain(Type::String) => "".into(),
        Shape::Plain(Type::Number) => 0.into(),
        Shape::Plain(Type::Bool) => false.into(),
        Shape::Plain(Type::List(_)) | Shape::Nested(Nesting::List, _) => Value::List(Vec::new()),
        Shape::Plain(Type::Set(_)) | Shape::Nested(Nesting::Set, _) => Value::Set(Vec::new()),
        Shape::Plain(Type::Map(_)) | Shape::Nested(Nesting::Map, _) => Value::Map(BTreeMap::new()),
        _ => Value::Null,
    }
}

fn is_default(field: &Field) -> bool {
    match field {
        Field::Bool(flag) => !flag,
        Field::String(text) => text.is_empty(),
        Field::Bytes(bytes) => bytes.is_empty(),
        Field::I32(n) | Field::EnumNumber(n) => *n == 0,
        Field::I64(n) => *n == 0,
        Field::U32(n) => *n == 0,
        Field::U64(n) => *n == 0,
        Field::F32(n) => *n == 0.0,
        Field::F64(n) => *n == 0.0,
        Field::List(all) => all.is_empty(),
        Field::Map(all) => all.is_empty(),
        Field::Message(_) => false,
    }
}

/// A value as a field of this kind; null and what is not known yet leave it out.
fn to_field(value: &Value, kind: &FieldKind) -> Option<Field> {
    Some(match (value.bare(), kind) {
        (Value::String(text), FieldKind::String) => Field::String(text.clone()),
        (Value::Bool(flag), FieldKind::Bool) => Field::Bool(*flag),
        (Value::Number(_), FieldKind::Int32 | FieldKind::Sint32 | FieldKind::Sfixed32) => {
            Field::I32(i32::try_from(value.as_i64()?).ok()?)
        }
        (Value::Number(_), FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64) => Field::I64(value.as_i64()?),
        (Value::Number(_), FieldKind::Uint32 | FieldKind::Fixed32) => Field::U32(u32::try_from(value.as_i64()?).ok()?),
        (Value::Number(_), FieldKind::Uint64 | FieldKind::Fixed64) => Field::U64(u64::try_from(value.as_i64()?).ok()?),
        (Value::List(all) | Value::Set(all), kind) => {
            Field::List(all.iter().filter_map(|item| to_field(item, kind)).collect())
        }
        (Value::Map(all), FieldKind::Message(entry)) if entry.is_map_entry() => {
            let kind = entry.map_entry_value_field().kind();
            let entry = |(key, value): (&String, &Value)| Some((MapKey::String(key.clone()), to_field(value, &kind)?));
            Field::Map(all.iter().filter_map(entry).collect())
        }
        (Value::Object(all), FieldKind::Message(message)) => {
            let mut made = prost_reflect::DynamicMessage::new(message.clone());
            for (name, value) in all {
                let field = message.get_field_by_name(name)?;
                if let Some(value) = to_field(value, &field.kind()) {
                    made.try_set_field(&field, value).ok()?;
                }
            }
            Field::Message(made)
        }
        _ => return None,
    })
}

/// A field as a value of an attribute of this shape.
fn to_value(field: &Field, shape: &Shape) -> Value {
    let number = |n: BigDecimal| Value::Number(n);
    let ty = match shape {
        Shape::Plain(ty) => Some(ty),
        Shape::Nested(..) => None,
    };
    match field {
        Field::Bool(flag) => (*flag).into(),
        Field::String(text) => text.as_str().into(),
        Field::I32(n) | Field::EnumNumber(n) => number((*n).into()),
        Field::I64(n) => number((*n).into()),
        Field::U32(n) => number((*n).into()),
        Field::U64(n) => number((*n).into()),
        Field::F32(n) => BigDecimal::try_from(*n).map_or(Value::Null, Value::Number),
        Field::F64(n) => BigDecimal::try_from(*n).map_or(Value::Null, Value::Number),
        Field::Bytes(_) => Value::Null,
        Field::List(all) => {
            let items = match (ty, shape) {
                (Some(Type::List(item) | Type::Set(item)), _) => {
                    let item = Shape::Plain((**item).clone());
                    all.iter().map(|field| to_value(field, &item)).collect()
                }
                (_, Shape::Nested(_, nested)) => {
                    all.iter().map(|field| to_value(field, &Shape::Nested(Nesting::Single, nested.clone()))).collect()
                }
                _ => return Value::Null,
            };
            let is_set = matches!(ty, Some(Type::Set(_))) || matches!(shape, Shape::Nested(Nesting::Set, _));
            if is_set { Value::Set(items) } else { Value::List(items) }
        }
        Field::Map(all) => {
            let Some(Type::Map(item)) = ty else { return Value::Null };
            let item = Shape::Plain((**item).clone());
            let key = |key: &MapKey| key.as_str().map(str::to_owned);
            Value::map(all.iter().filter_map(|(k, field)| Some((key(k)?, to_value(field, &item)))))
        }
        Field::Message(message) => {
            let Shape::Nested(_, nested) = shape else { return Value::Null };
            let descriptor = prost_reflect::ReflectMessage::descriptor(message);
            let each = nested.iter().map(|attribute| {
                let field = descriptor.get_field_by_name(attribute.name);
                let field = field.and_then(|field| fields::get(message, &field));
                let value = field.map_or_else(|| empty(&attribute.kind), |field| to_value(&field, &attribute.kind));
                (attribute.name.to_owned(), value)
            });
            Value::object(each)
        }
    }
}

#[cfg(test)]
impl Codec {
    /// Whether values of such a field can be shown as such an attribute.
    pub(super) fn fits(&self, kind: &FieldKind, shape: &Shape) -> bool {
        match self {
            Self::Own { .. } => true,
            Self::Enum(texts) => match kind {
                FieldKind::Enum(all) => {
                    all.values().len() == texts.len() && texts.iter().all(|(_, n)| all.get_value(*n).is_some())
                }
                _ => false,
            },
            Self::Plain | Self::KeepsPrior | Self::Optional => match (kind, shape) {
                (FieldKind::String, Shape::Plain(Type::String)) | (FieldKind::Bool, Shape::Plain(Type::Bool)) => true,
                (FieldKind::Message(message), Shape::Nested(_, nested)) => nested.iter().all(|attribute| {
                    message
                        .get_field_by_name(attribute.name)
                        .is_some_and(|field| Self::Plain.fits(&field.kind(), &attribute.kind))
                }),
                (kind, Shape::Plain(Type::List(item) | Type::Set(item))) => {
                    self.fits(kind, &Shape::Plain((**item).clone()))
                }
                (FieldKind::Message(entry), Shape::Plain(Type::Map(_))) => entry.is_map_entry(),
                (
                    FieldKind::Message(_) | FieldKind::String | FieldKind::Bool | FieldKind::Bytes | FieldKind::Enum(_),
                    _,
                ) => false,
                (_, Shape::Plain(Type::Number)) => true,
                _ => false,
            },
        }
    }
}
