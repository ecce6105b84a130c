//! Specs as documents name their fields: in lower case and without underscores, as COSI prints them. Either spelling is read.

use super::Spec;
use super::fields::FieldKind;
use super::merge::descriptor;
use kit::gather::Gather as _;
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, MessageDescriptor, ReflectMessage, Value};
use serde_json::{Map, Value as Json};

/// Reads a spec out of a document. Texts, truth values, lists, maps and messages are known.
///
/// # Errors
/// When the document has a field that the spec lacks, or one of another type: a sentence.
pub fn read<S: Spec>(document: &Json) -> Result<S, String> {
    let message = descriptor::<S>().map_err(|error| format!("{error}."))?;
    let read = message_of(&message, document, "the document")?;
    S::decode(read.encode_to_vec().as_slice()).map_err(|error| format!("{error}."))
}

/// A spec as a document. What is not set is left out.
pub fn show<S: Spec>(spec: &S) -> Json {
    let message = descriptor::<S>().ok();
    let message = message.and_then(|message| DynamicMessage::decode(message, spec.encode_to_vec().as_slice()).ok());
    message.as_ref().map_or(Json::Null, show_message)
}

fn bare(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

fn message_of(of: &MessageDescriptor, document: &Json, at: &str) -> Result<DynamicMessage, String> {
    let mut made = DynamicMessage::new(of.clone());
    let entries = match document {
        Json::Object(entries) => entries,
        Json::Null => return Ok(made),
        _ => return Err(format!("{at} is no mapping.")),
    };
    for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
        let field = of.fields().find(|field| bare(field.name()) == bare(key));
        let field = field.ok_or_else(|| format!("There is no field `{key}` in {at}."))?;
        let value = field_of(&field, value, key)?;
        made.try_set_field(&field, value).map_err(|_| format!("`{key}` is of another type."))?;
    }
    Ok(made)
}

fn field_of(field: &FieldDescriptor, value: &Json, key: &str) -> Result<Value, String> {
    let name = format!("`{key}`");
    if field.is_map() {
        let FieldKind::Message(entry) = field.kind() else { return Err(format!("{name} cannot be read.")) };
        let of = entry.map_entry_value_field();
        let entries = value.as_object().ok_or_else(|| format!("{name} is no mapping."))?;
        let each = entries.iter().map(|(key, item)| Ok((MapKey::String(key.clone()), single(&of, item, &name)?)));
        return Ok(Value::Map(each.collect::<Result<_, String>>()?));
    }
    if field.is_list() {
        let items = value.as_array().ok_or_else(|| format!("{name} is no list."))?;
        return Ok(Value::List(items.iter().map(|item| single(field, item, &name)).collect::<Result<_, _>>()?));
    }
    single(field, value, &name)
}

fn single(field: &FieldDescriptor, value: &Json, name: &str) -> Result<Value, String> {
    match (field.kind(), value) {
        (FieldKind::String, Json::String(text)) => Ok(Value::String(text.clone())),
        (FieldKind::Bool, Json::Bool(flag)) => Ok(Value::Bool(*flag)),
        (FieldKind::Message(of), value) => message_of(&of, value, name).map(Value::Message),
        (FieldKind::String, _) => Err(format!("{name} holds something that is no text; put it in quotes.")),
        _ => Err(format!("{name} is of another type.")),
    }
}

fn show_message(message: &DynamicMessage) -> Json {
    let fields = message.descriptor().fields().filter(|field| message.has_field(field)).collect::<Vec<_>>();
    let shown = fields.into_iter().map(|field| (bare(field.name()), show_value(&message.get_field(&field))));
    Json::Object(shown.collect::<Map<_, _>>())
}

fn show_value(value: &Value) -> Json {
    match value {
        Value::Bool(flag) => (*flag).into(),
        Value::String(text) => text.as_str().into(),
        Value::Message(message) => show_message(message),
        Value::List(all) => all.iter().map(show_value).collect(),
        Value::Map(all) => {
            let mut entries: Vec<_> =
                all.iter().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), show_value(value)))).gathered();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(entries.into_iter().gathered())
        }
        _ => Json::Null,
    }
}
