//! Reads documents by the descriptors of their messages.

use super::{DURATION, Fault, Mistake, Secrets, Step, TIMESTAMP, bare, find, is_secret, packs};
use crate::omni::spec::fields::FieldKind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit::go_duration;
use kit::text::{closest, quoted};
use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, MessageDescriptor, Value};
use prost_types::{Duration, Timestamp};
use serde_json::Value as Json;
use std::collections::HashMap;

/// Reads documents, and gathers what is wrong with them.
pub(super) struct Reader {
    pub(super) secrets: Secrets,
    pub(super) mistakes: Vec<Mistake>,
}

impl Reader {
    fn refuse(&mut self, at: &[Step], problem: impl Into<String>) {
        self.add(Fault::Value, at, problem);
    }

    fn add(&mut self, fault: Fault, at: &[Step], problem: impl Into<String>) {
        self.mistakes.push(Mistake { path: at.to_vec(), problem: problem.into(), fault });
    }

    pub(super) fn message(&mut self, of: &MessageDescriptor, document: &Json, at: &mut Vec<Step>) -> DynamicMessage {
        let mut made = DynamicMessage::new(of.clone());
        let entries = match document {
            Json::Object(entries) => entries,
            Json::Null => return made,
            other => {
                self.refuse(at, format!("An object is expected here, and not {}.", what(other)));
                return made;
            }
        };
        let mut seen: HashMap<String, &String> = HashMap::new();
        for (name, value) in entries {
            at.push(Step::Field(name.clone()));
            match find(of, name) {
                None => {
                    let known: Vec<_> = of.fields().filter(|field| packs(field).is_none()).collect();
                    let known: Vec<&str> = known.iter().map(FieldDescriptor::name).collect();
                    let hint = match closest(name, &known) {
                        Some(meant) => format!(" Did you mean `{meant}`?"),
                        None if known.is_empty() => " The spec of this type has no fields.".to_owned(),
                        None => {
                            let list: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                            format!(" The fields here are {}.", list.join(", "))
                        }
                    };
                    self.add(Fault::Name, at, format!("There is no field {}.{hint}", quoted(name)));
                }
                Some(field) => {
                    if let Some(plain) = packs(&field) {
                        self.add(
                            Fault::Name,
                            at,
                            format!("`{name}` is the compressed form of `{0}`. Set `{0}`.", plain.name()),
                        );
                    } else if is_secret(&field) && self.secrets == Secrets::LeftOut && !value.is_null() {
                        let problem = format!("`{name}` holds a secret, which plan and state would contain.");
                        self.add(Fault::Secret, at, problem);
                    } else if let Some(other) = seen.insert(field.name().to_owned(), name) {
                        self.add(Fault::Name, at, format!("`{other}` and `{name}` are the same field."));
                    } else if !value.is_null()
                        && let Some(value) = self.value(&field, value, at)
                    {
                        made.set_field(&field, value);
                    }
                }
            }
            at.pop();
        }
        made
    }

    /// The value of a field; `None` where it was refused.
    pub(super) fn value(&mut self, field: &FieldDescriptor, value: &Json, at: &mut Vec<Step>) -> Option<Value> {
        if field.is_map() {
            let FieldKind::Message(entry) = field.kind() else { return None };
            let Json::Object(entries) = value else {
                self.refuse(at, format!("A map is expected here, and not {}.", what(value)));
                return None;
            };
            let of = entry.map_entry_value_field();
            let mut made = HashMap::new();
            for (key, item) in entries.iter().filter(|(_, item)| !item.is_null()) {
                at.push(Step::Key(key.clone()));
                match map_key(&entry.map_entry_key_field(), key) {
                    Some(key) => drop(self.single(&of, item, at).map(|value| made.insert(key, value))),
                    None => self.refuse(at, format!("{} is no key of this map.", quoted(key))),
                }
                at.pop();
            }
            return Some(Value::Map(made));
        }
        if field.is_list() {
            let Json::Array(items) = value else {
                self.refuse(at, format!("A list is expected here, and not {}.", what(value)));
                return None;
            };
            let mut made = Vec::new();
            for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                at.push(Step::Index(index));
                made.extend(self.single(field, item, at));
                at.pop();
            }
            return Some(Value::List(made));
        }
        self.single(field, value, at)
    }

    fn single(&mut self, field: &FieldDescriptor, value: &Json, at: &mut Vec<Step>) -> Option<Value> {
        let read = match (field.kind(), value) {
            (FieldKind::Message(of), _) if of.full_name() == TIMESTAMP => timestamp(value)
                .and_then(|time| embedded(&of, &time))
                .ok_or("a timestamp such as `2026-01-31T12:00:00Z`"),
            (FieldKind::Message(of), _) if of.full_name() == DURATION => duration(value)
                .and_then(|duration| embedded(&of, &duration))
                .ok_or("a duration such as `90s` or `1h30m`"),
            (FieldKind::Message(of), _) => return Some(Value::Message(self.message(&of, value, at))),
            (FieldKind::Enum(all), _) => {
                let found = match value {
                    Json::String(text) => all.values().find(|known| bare(known.name()) == bare(text)),
                    Json::Number(number) => number
                        .as_i64()
                        .and_then(|number| i32::try_from(number).ok())
                        .and_then(|number| all.get_value(number)),
                    _ => None,
                };
                if let Some(found) = found {
                    return Some(Value::EnumNumber(found.number()));
                }
                let values: Vec<_> = all.values().collect();
                let known: Vec<&str> = values.iter().map(prost_reflect::EnumValueDescriptor::name).collect();
                let list: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                let meant = value.as_str().and_then(|text| closest(text, &known));
                let meant = meant.map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default();
                self.refuse(at, format!("{} is not one of {}.{meant}", display(value), list.join(", ")));
                return None;
            }
            (FieldKind::String, Json::String(text)) => Ok(Value::String(text.clone())),
            (FieldKind::String, _) => Err("a text"),
            (FieldKind::Bool, Json::Bool(flag)) => Ok(Value::Bool(*flag)),
            (FieldKind::Bool, _) => Err("`true` or `false`"),
            (FieldKind::Bytes, Json::String(text)) => {
                STANDARD.decode(text).map(|bytes| Value::Bytes(bytes.into())).map_err(|_| "a text in Base64")
            }
            (FieldKind::Bytes, _) => Err("a text in Base64"),
            (FieldKind::Float | FieldKind::Double, _) => match (value.as_f64(), field.kind()) {
                #[allow(clippy::cast_possible_truncation, reason = "the field holds no more")]
                (Some(number), FieldKind::Float) => Ok(Value::F32(number as f32)),
                (Some(number), _) => Ok(Value::F64(number)),
                (None, _) => Err("a number"),
            },
            (kind, _) => integer(&kind, value).ok_or(match kind {
                FieldKind::Uint32 | FieldKind::Fixed32 | FieldKind::Uint64 | FieldKind::Fixed64 => {
                    "a whole number that is not negative"
                }
                _ => "a whole number",
            }),
        };
        read.map_err(|expected| {
            let problem = format!("Here {expected} is expected, and not {}.", what(value));
            self.refuse(at, problem);
        })
        .ok()
    }
}

fn map_key(field: &FieldDescriptor, key: &str) -> Option<MapKey> {
    match field.kind() {
        FieldKind::String => Some(MapKey::String(key.to_owned())),
        FieldKind::Bool => key.parse().ok().map(MapKey::Bool),
        FieldKind::Uint32 | FieldKind::Fixed32 => key.parse().ok().map(MapKey::U32),
        FieldKind::Uint64 | FieldKind::Fixed64 => key.parse().ok().map(MapKey::U64),
        FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64 => key.parse().ok().map(MapKey::I64),
        _ => key.parse().ok().map(MapKey::I32),
    }
}

/// A whole number; those of 64 bits may be texts, as the JSON form of messages has them.
fn integer(kind: &FieldKind, value: &Json) -> Option<Value> {
    let text = match value {
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.clone(),
        _ => return None,
    };
    let is_text = value.is_string();
    match kind {
        FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64 => text.parse().ok().map(Value::I64),
        FieldKind::Uint64 | FieldKind::Fixed64 => text.parse().ok().map(Value::U64),
        _ if is_text => None,
        FieldKind::Uint32 | FieldKind::Fixed32 => text.parse().ok().map(Value::U32),
        _ => text.parse().ok().map(Value::I32),
    }
}

/// The parts of a time as tools print them that know nothing of its form.
fn seconds_and_nanos(value: &Json) -> Option<(i64, i32)> {
    let entries = value.as_object()?;
    let part = |name: &str| entries.get(name).map_or(Some(0), Json::as_i64);
    if entries.keys().any(|name| !["seconds", "nanos"].contains(&name.as_str())) {
        return None;
    }
    Some((part("seconds")?, i32::try_from(part("nanos")?).ok()?))
}

fn timestamp(value: &Json) -> Option<Timestamp> {
    match value {
        Json::String(text) => text.parse().ok(),
        other => seconds_and_nanos(other).map(|(seconds, nanos)| Timestamp { seconds, nanos }),
    }
}

fn duration(value: &Json) -> Option<Duration> {
    match value {
        Json::String(text) => go_duration::parse(text)
            .ok()
            .map(|duration| duration.parts())
            .map(|(seconds, nanos)| Duration { seconds, nanos })
            .or_else(|| text.parse().ok()),
        other => seconds_and_nanos(other).map(|(seconds, nanos)| Duration { seconds, nanos }),
    }
}

fn embedded(of: &MessageDescriptor, message: &impl prost::Message) -> Option<Value> {
    DynamicMessage::decode(of.clone(), message.encode_to_vec().as_slice()).ok().map(Value::Message)
}

/// What a value is, in words.
fn what(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
        // A text may be a secret.
        Json::String(_) => "this text".to_owned(),
        Json::Bool(_) | Json::Number(_) => format!("`{value}`"),
    }
}

/// A value that stands for an enum.
fn display(value: &Json) -> String {
    value.as_str().map_or_else(|| what(value), quoted)
}
