//! Specs as documents with the field names of their messages, for types that only a configuration names.
//!
//! A document is read by the descriptors: every field is checked, enums are names, durations and timestamps are texts.
//! A write changes only what the document sets. All else stays, also what this build does not know, at any depth.

mod read;

use super::fields::{FieldKind, get};
use super::kinds::{KINDS, message_of};
use super::merge::{pool, resolve};
use super::names;
use crate::omni::error::Error;
use crate::omni::state::{Kind, Resource};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit::gather::Gather as _;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, MessageDescriptor, ReflectMessage as _, Value};
use prost_types::{Duration, Timestamp};
use read::Reader;
use serde_json::{Map, Number, Value as Json};

/// The messages that documents write as texts.
const TIMESTAMP: &str = "google.protobuf.Timestamp";
const DURATION: &str = "google.protobuf.Duration";

/// What begins the name of the compressed form of a field.
const COMPRESSED: &str = "compressed_";

/// The names of fields that hold secrets.
const SECRETS: &[&str] = &[
    "access_key_id",
    "aes_cbc_encryption_secret",
    "api_key",
    "app_token",
    "client_secret",
    "embedded_machine_config",
    "encryption_key",
    "initial_join_token",
    "join_token",
    "node_unique_token",
    "password",
    "private_key",
    "secret_access_key",
    "secretbox_encryption_secret",
    "session_token",
    "token",
    "token_id",
    "wiped_node_unique_token",
];

/// Fields that hold secrets though others of their name do not.
const SECRET_FIELDS: &[&str] = &[
    "specs.ConnectionParamsSpec.args",
    "specs.ImportedClusterSecretsSpec.data",
    // A machine keeps the join token on its kernel command line, and so do its image and what it is to join with.
    "specs.JoinConfig.config",
    "specs.JoinConfig.kernel_args",
    "specs.KernelArgsStatusSpec.current_cmdline",
    "specs.KubeconfigSpec.data",
    "specs.MachineStatusSpec.Schematic.kernel_args",
    "specs.MachineStatusSpec.Schematic.raw",
    "specs.MachineStatusSpec.kernel_cmdline",
    "specs.TalosConfigSpec.key",
];

/// A step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A field of a message.
    Field(String),
    /// An entry of a map.
    Key(String),
    /// An element of a list, counted from 0.
    Index(usize),
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is wrong, in the words of the document.
    pub path: Vec<Step>,
    /// What is wrong, as sentences.
    pub problem: String,
    /// What it is that is wrong.
    pub fault: Fault,
}

/// What can be wrong at a place of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The name of a field.
    Name,
    /// A value.
    Value,
    /// Nothing but that the field holds a secret.
    Secret,
}

/// Whether secrets are shown, or may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They are.
    Included,
    /// They are not.
    LeftOut,
}

/// The documents of a type.
///
/// ```
/// use omni_proto::specs::ClusterSpec;
/// use serde_json::json;
/// use terraform_provider_omni::omni::Resource;
/// use terraform_provider_omni::omni::spec::form::{Form, Secrets};
/// use terraform_provider_omni::omni::spec::{self, Spec};
///
/// let form = Form::of(ClusterSpec::KIND).unwrap();
/// let document = json!({ "talos_version": "1.13.0", "features": { "disk_encryption": true } });
/// assert_eq!(form.mistakes(&document, Secrets::LeftOut), []);
/// assert_eq!(form.paths(&document), ["features.disk_encryption", "talos_version"]);
///
/// let stored = spec::resource("prod", &ClusterSpec { kubernetes_version: "1.35.0".into(), ..ClusterSpec::default() });
/// let merged = form.merge(&stored, &document, &[]).unwrap();
/// let merged = Resource { spec: merged, ..stored };
/// let shown = form.show(&merged, Secrets::LeftOut).unwrap();
/// assert_eq!(
///     shown,
///     json!({ "kubernetes_version": "1.35.0", "talos_version": "1.13.0", "features": { "disk_encryption": true } }),
/// );
///
/// let wrong = form.mistakes(&json!({ "features": { "disk_encrytion": true } }), Secrets::LeftOut);
/// assert_eq!(wrong[0].problem, "There is no field `disk_encrytion`. Did you mean `disk_encryption`?");
/// ```
pub struct Form {
    message: MessageDescriptor,
}

impl Form {
    /// The form of a type; `None` where this build has no description of it.
    #[must_use]
    pub fn of(kind: Kind) -> Option<Self> {
        // The namespace of an object says nothing of its spec.
        let message = match KINDS.iter().find(|known| known.name == kind.name) {
            Some(known) => pool().get_message_by_name(message_of(*known)?)?,
            // What no table of the client has is named like its message.
            None => pool().get_message_by_name(&format!("specs.{}Spec", names::singular_of(kind)))?,
        };
        Some(Self { message })
    }

    /// The names of the fields of the type.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        self.message.fields().filter(|field| packs(field).is_none()).map(|field| field.name().to_owned()).collect()
    }

    /// Whether the type has fields that hold no secret.
    #[must_use]
    pub fn has_open_fields(&self) -> bool {
        self.message.fields().any(|field| packs(&field).is_none() && !is_secret(&field))
    }

    /// What is wrong with a document. Nulls set nothing, and are never wrong.
    #[must_use]
    pub fn mistakes(&self, document: &Json, secrets: Secrets) -> Vec<Mistake> {
        let mut reader = Reader { secrets, mistakes: Vec::new() };
        reader.message(&self.message, document, &mut Vec::new());
        reader.mistakes
    }

    /// The fields that a document sets, by the paths of their names, in order. A message counts as its fields; lists and maps
    /// count as a whole.
    #[must_use]
    pub fn paths(&self, document: &Json) -> Vec<String> {
        let mut found = Vec::new();
        paths(&self.message, document, "", &mut found);
        found.sort();
        found.dedup();
        found
    }

    /// The fields of which a document says something that older servers would not know: each field of [`Form::paths`] whose value is
    /// not the default one, with the names of its message and of the messages around it, such as `ClusterSpec.features.disk_encryption`.
    #[must_use]
    pub fn set_fields(&self, document: &Json) -> Vec<(String, String)> {
        let mut reader = Reader { secrets: Secrets::Included, mistakes: Vec::new() };
        let read = reader.message(&self.message, document, &mut Vec::new());
        let set = self.paths(&show(&read, Secrets::Included));
        set.into_iter().map(|path| (format!("{}.{path}", self.message.name()), path)).collect()
    }

    /// The path of a field in the names of the message, from one in the words of a document.
    #[must_use]
    pub fn path(&self, text: &str) -> Option<String> {
        let mut message = Some(self.message.clone());
        let mut names = Vec::new();
        for step in text.split('.') {
            let field = find(&message?, step)?;
            message = inner(&field);
            names.push(field.name().to_owned());
        }
        Some(names.join("."))
    }

    /// A document without what it sets at these paths, which are in the names of the message.
    #[must_use]
    pub fn without(&self, document: &Json, paths: &[String]) -> Json {
        without(&self.message, document, "", paths)
    }

    /// What a document has at a path in the names of the message; null where it has nothing.
    #[must_use]
    pub fn at<'d>(&self, document: &'d Json, path: &str) -> &'d Json {
        const NULL: &Json = &Json::Null;
        let mut message = Some(self.message.clone());
        let mut at = document;
        for step in path.split('.') {
            let Some(field) = message.as_ref().and_then(|message| find(message, step)) else { return NULL };
            let entries = at.as_object().into_iter().flatten();
            let found = entries.into_iter().find(|(name, _)| bare(name) == bare(field.name()));
            let Some((_, value)) = found else { return NULL };
            (message, at) = (inner(&field), value);
        }
        at
    }

    /// A document with the values that another one has at these paths, which are in the names of the message, where both have one.
    #[must_use]
    pub fn with(&self, document: &Json, other: &Json, paths: &[String]) -> Json {
        with(&self.message, document, other, "", paths)
    }

    /// The spec of an object with what a document sets in the place of what is there, and without the fields at the paths in
    /// `cleared`.
    ///
    /// Elements of lists keep what this build does not know of them as long as they stay the same, or at their place.
    ///
    /// # Errors
    /// [`Error::Decode`] when the spec cannot be read, or the document is wrong: see [`Form::mistakes`].
    pub fn merge(&self, object: &Resource, document: &Json, cleared: &[String]) -> Result<Vec<u8>, Error> {
        let mut merged = self.decode(object)?;
        let plain = self.plain(object)?;
        for path in cleared {
            if let Ok(fields) = resolve(&self.message, path) {
                clear(&mut merged, &fields);
            }
        }
        let desired = self.read(document, object)?;
        put(&mut merged, &plain, &desired, document);
        Ok(merged.encode_to_vec())
    }

    /// Everything that is set in an object. Texts that are stored compressed are shown plain.
    ///
    /// # Errors
    /// [`Error::Decode`] when the spec cannot be read.
    pub fn show(&self, object: &Resource, secrets: Secrets) -> Result<Json, Error> {
        Ok(show(&self.plain(object)?, secrets))
    }

    /// What a document sets, as an object has it: in the words of the document where the two mean the same.
    ///
    /// # Errors
    /// [`Error::Decode`] when the spec cannot be read, or the document is wrong.
    pub fn show_like(&self, document: &Json, object: &Resource) -> Result<Json, Error> {
        let desired = self.read(document, object)?;
        Ok(like(document, &desired, &self.plain(object)?))
    }

    /// Whether one document sets nothing but what an object has too that is set as another one says.
    #[must_use]
    pub fn covers(&self, document: &Json, other: &Json) -> bool {
        let mut reader = Reader { secrets: Secrets::Included, mistakes: Vec::new() };
        let [one, two] = [document, other].map(|each| reader.message(&self.message, each, &mut Vec::new()));
        reader.mistakes.is_empty() && like(document, &one, &two) == *document
    }

    /// Each field that is set in an object, by its path, with its value as text; without secrets.
    ///
    /// # Errors
    /// [`Error::Decode`] when the spec cannot be read.
    pub fn parts(&self, object: &Resource) -> Result<Vec<(String, String)>, Error> {
        let shown = self.show(object, Secrets::LeftOut)?;
        let lookup = |path: String| {
            let value = path.split('.').try_fold(&shown, |at, name| at.get(name)).map(Json::to_string);
            (path, value.unwrap_or_default())
        };
        Ok(self.paths(&shown).into_iter().map(lookup).collect())
    }

    fn decode(&self, object: &Resource) -> Result<DynamicMessage, Error> {
        let undecodable = |e| Error::Decode { what: format!("the spec of `{}`", object.key), source: Box::new(e) };
        DynamicMessage::decode(self.message.clone(), object.spec.as_slice()).map_err(undecodable)
    }

    /// The spec with plain texts in the place of compressed ones, which only the server's rendering has.
    fn plain(&self, object: &Resource) -> Result<DynamicMessage, Error> {
        let mut spec = self.decode(object)?;
        let packed: Vec<_> =
            self.message.fields().filter(|field| spec.has_field(field) && packs(field).is_some()).collect();
        if packed.is_empty() {
            return Ok(spec);
        }
        // The parser's own message quotes the text, which may hold secrets.
        let unread = || Error::Decode {
            what: format!("the text of `{}`, which the server keeps compressed", object.key),
            source: "the server did not render it".into(),
        };
        let rendered = kit::yaml::parse_documents(&object.yaml).map_err(|_| unread())?;
        let rendered = rendered.first().ok_or_else(unread)?;
        for field in packed {
            let Some(plain) = packs(&field) else { continue };
            let text = rendered.get(bare(plain.name())).ok_or_else(unread)?;
            let mut reader = Reader { secrets: Secrets::Included, mistakes: Vec::new() };
            let text = reader.value(&plain, text, &mut Vec::new()).ok_or_else(unread)?;
            spec.set_field(&plain, text);
            spec.clear_field(&field);
        }
        Ok(spec)
    }

    fn read(&self, document: &Json, object: &Resource) -> Result<DynamicMessage, Error> {
        let mut reader = Reader { secrets: Secrets::Included, mistakes: Vec::new() };
        let read = reader.message(&self.message, document, &mut Vec::new());
        match reader.mistakes.into_iter().next() {
            None => Ok(read),
            Some(mistake) => {
                Err(Error::Decode { what: format!("the document of `{}`", object.key), source: mistake.problem.into() })
            }
        }
    }
}

/// A field name in its barest spelling: documents of other tools write it without underscores, or in camel case.
fn bare(name: &str) -> String {
    name.replace(['_', '-'], "").to_lowercase()
}

fn find(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message.fields().find(|field| bare(field.name()) == bare(name))
}

/// The plain field whose compressed form this one is.
fn packs(field: &FieldDescriptor) -> Option<FieldDescriptor> {
    field.parent_message().get_field_by_name(field.name().strip_prefix(COMPRESSED)?)
}

/// The compressed form of a field.
fn packed(field: &FieldDescriptor) -> Option<FieldDescriptor> {
    field.parent_message().get_field_by_name(&format!("{COMPRESSED}{}", field.name()))
}

fn is_secret(field: &FieldDescriptor) -> bool {
    SECRETS.contains(&field.name()) || SECRET_FIELDS.contains(&field.full_name())
}

/// The message of a field that holds one, and whose fields a document names.
fn inner(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        FieldKind::Message(message) if !field.is_list() && !field.is_map() && !is_text(&message) => Some(message),
        _ => None,
    }
}

/// Whether documents write the message as a text.
fn is_text(message: &MessageDescriptor) -> bool {
    [TIMESTAMP, DURATION].contains(&message.full_name())
}

/// The entries of a document that set something, each with its field.
fn settings<'d>(
    message: &MessageDescriptor,
    document: &'d Json,
) -> impl Iterator<Item = (&'d String, FieldDescriptor, &'d Json)> {
    let message = message.clone();
    let entries = document.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    entries.filter_map(move |(name, value)| Some((name, find(&message, name)?, value)))
}

fn paths(message: &MessageDescriptor, document: &Json, at: &str, found: &mut Vec<String>) {
    for (_, field, value) in settings(message, document) {
        let path = format!("{at}{}", field.name());
        match inner(&field) {
            Some(inner) if settings(&inner, value).next().is_some() => paths(&inner, value, &format!("{path}."), found),
            _ => found.push(path),
        }
    }
}

fn without(message: &MessageDescriptor, document: &Json, at: &str, left_out: &[String]) -> Json {
    let Json::Object(entries) = document else { return document.clone() };
    let each = entries.iter().filter_map(|(name, value)| {
        let Some(field) = find(message, name) else { return Some((name.clone(), value.clone())) };
        let path = format!("{at}{}", field.name());
        if left_out.contains(&path) {
            return None;
        }
        match inner(&field) {
            Some(inner) if value.is_object() => {
                let rest = without(&inner, value, &format!("{path}."), left_out);
                // A message of which all is left out is not set for its own sake.
                let is_left = rest.as_object().is_some_and(|rest| !rest.is_empty()) || rest == *value;
                is_left.then(|| (name.clone(), rest))
            }
            _ => Some((name.clone(), value.clone())),
        }
    });
    Json::Object(each.gathered())
}

fn with(message: &MessageDescriptor, document: &Json, other: &Json, at: &str, paths: &[String]) -> Json {
    let (Json::Object(entries), Json::Object(others)) = (document, other) else { return document.clone() };
    let each = entries.iter().map(|(name, value)| {
        let (Some(field), Some(other)) = (find(message, name), others.get(name)) else {
            return (name.clone(), value.clone());
        };
        let path = format!("{at}{}", field.name());
        let value = match inner(&field) {
            _ if paths.contains(&path) => other.clone(),
            Some(inner) => with(&inner, value, other, &format!("{path}."), paths),
            None => value.clone(),
        };
        (name.clone(), value)
    });
    Json::Object(each.gathered())
}

/// Clears a field, and the messages around it that are empty then. A message that holds something stays.
fn clear(message: &mut DynamicMessage, fields: &[FieldDescriptor]) {
    let Some((first, rest)) = fields.split_first() else { return };
    if !message.has_field(first) {
        if let Some(packed) = packed(first).filter(|_| rest.is_empty()) {
            message.clear_field(&packed);
        }
        return;
    }
    let holds = match (inner(first), message.get_field_mut(first).as_message_mut()) {
        (Some(_), Some(below)) => {
            clear(below, rest);
            below.encoded_len() > 0
        }
        _ => false,
    };
    if !holds {
        message.clear_field(first);
    }
}

/// Sets what the document sets; `desired` is the document, and `plain` the message without compressed texts.
fn put(message: &mut DynamicMessage, plain: &DynamicMessage, desired: &DynamicMessage, document: &Json) {
    let of = message.descriptor();
    for (_, field, value) in settings(&of, document) {
        let wanted = desired.get_field(&field).into_owned();
        if let (Some(_), Value::Message(wanted)) = (inner(&field), &wanted) {
            if !message.has_field(&field) {
                message.set_field(&field, Value::Message(DynamicMessage::new(wanted.descriptor())));
            }
            let below = plain.get_field(&field).into_owned();
            if let (Some(target), Some(below)) = (message.get_field_mut(&field).as_message_mut(), below.as_message()) {
                put(target, below, wanted, value);
            }
            continue;
        }
        if let Some(packed) = packed(&field).filter(|packed| message.has_field(packed)) {
            if *plain.get_field(&field) == wanted {
                continue;
            }
            message.clear_field(&packed);
        }
        let current = message.get_field(&field).into_owned();
        message.set_field(&field, over(&current, wanted));
    }
}

/// The wanted value of a list, a map or a text, with what this build does not know of the elements that were there.
fn over(current: &Value, wanted: Value) -> Value {
    match (current, wanted) {
        (Value::Message(current), Value::Message(wanted)) => Value::Message(with_unknown(current, &wanted)),
        (Value::Map(current), Value::Map(wanted)) => Value::Map(
            wanted
                .into_iter()
                .map(|(key, value)| match current.get(&key) {
                    Some(before) => (key, over(before, value)),
                    None => (key, value),
                })
                .collect(),
        ),
        (Value::List(current), Value::List(wanted)) => {
            let bare = |value: &Value| show_value(value, Secrets::Included);
            let mut left: Vec<Option<&Value>> = current.iter().map(Some).collect();
            let mut partners: Vec<Option<&Value>> = vec![None; wanted.len()];
            // Elements that are still the same come first, so that the others cannot take theirs.
            for (value, partner) in wanted.iter().zip(&mut partners) {
                let same = left.iter_mut().find(|before| before.is_some_and(|before| bare(before) == bare(value)));
                *partner = same.and_then(Option::take);
            }
            for (index, partner) in partners.iter_mut().enumerate().filter(|(_, partner)| partner.is_none()) {
                *partner = left.get_mut(index).and_then(Option::take);
            }
            let each = wanted.into_iter().zip(partners);
            Value::List(
                each.map(|(value, before)| before.map_or(value.clone(), |before| over(before, value))).collect(),
            )
        }
        (_, wanted) => wanted,
    }
}

/// The wanted message, with the fields of the current one that this build does not know.
fn with_unknown(current: &DynamicMessage, wanted: &DynamicMessage) -> DynamicMessage {
    let mut made = current.clone();
    for field in current.descriptor().fields() {
        if wanted.has_field(&field) {
            let value = wanted.get_field(&field).into_owned();
            made.set_field(
                &field,
                if current.has_field(&field) { over(&current.get_field(&field), value) } else { value },
            );
        } else {
            made.clear_field(&field);
        }
    }
    made
}

/// What the document sets, as the message has it.
fn like(document: &Json, desired: &DynamicMessage, message: &DynamicMessage) -> Json {
    let Json::Object(entries) = document else { return document.clone() };
    let of = message.descriptor();
    let each = entries.iter().map(|(name, value)| {
        let Some(field) = find(&of, name).filter(|_| !value.is_null()) else { return (name.clone(), value.clone()) };
        let now = get(message, &field);
        let shown = match (inner(&field), &now, desired.get_field(&field).as_message()) {
            (Some(_), None, _) => Json::Null,
            (Some(_), Some(Value::Message(now)), Some(desired)) => like(value, desired, now),
            _ => {
                let [now, wanted] = [now, get(desired, &field)]
                    .map(|value| value.map_or(Json::Null, |value| show_field(&field, &value, Secrets::Included)));
                if now == wanted { value.clone() } else { now }
            }
        };
        (name.clone(), shown)
    });
    Json::Object(each.gathered())
}

fn show(message: &DynamicMessage, secrets: Secrets) -> Json {
    let fields = message.descriptor().fields().collect::<Vec<_>>();
    let is_shown =
        |field: &&FieldDescriptor| message.has_field(field) && (secrets == Secrets::Included || !is_secret(field));
    let each = fields
        .iter()
        .filter(is_shown)
        .map(|field| (field.name().to_owned(), show_field(field, &message.get_field(field), secrets)));
    Json::Object(each.collect::<Map<_, _>>())
}

fn show_field(field: &FieldDescriptor, value: &Value, secrets: Secrets) -> Json {
    let name = |number: i32| match field.kind() {
        FieldKind::Enum(all) => all.get_value(number).map(|value| value.name().to_owned().into()),
        _ => None,
    };
    match value {
        // A newer server may send one that this build does not know.
        Value::EnumNumber(number) => name(*number).unwrap_or_else(|| (*number).into()),
        Value::List(all) if matches!(field.kind(), FieldKind::Enum(_)) => all
            .iter()
            .map(|item| item.as_enum_number().and_then(name).unwrap_or_else(|| show_value(item, secrets)))
            .collect(),
        other => show_value(other, secrets),
    }
}

fn show_value(value: &Value, secrets: Secrets) -> Json {
    match value {
        Value::Bool(flag) => (*flag).into(),
        Value::String(text) => text.as_str().into(),
        Value::I32(n) | Value::EnumNumber(n) => (*n).into(),
        Value::I64(n) => (*n).into(),
        Value::U32(n) => (*n).into(),
        Value::U64(n) => (*n).into(),
        Value::F32(n) => Number::from_f64(f64::from(*n)).map_or(Json::Null, Json::Number),
        Value::F64(n) => Number::from_f64(*n).map_or(Json::Null, Json::Number),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Value::List(all) => all.iter().map(|item| show_value(item, secrets)).collect(),
        Value::Map(all) => {
            let mut entries: Vec<_> =
                all.iter().map(|(key, item)| (key_text(key), show_value(item, secrets))).gathered();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(entries.into_iter().gathered())
        }
        Value::Message(message) => {
            let bytes = message.encode_to_vec();
            match message.descriptor().full_name() {
                TIMESTAMP => Timestamp::decode(bytes.as_slice()).map_or(Json::Null, |time| time.to_string().into()),
                DURATION => Duration::decode(bytes.as_slice()).map_or(Json::Null, |time| time.to_string().into()),
                _ => show(message, secrets),
            }
        }
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

#[cfg(test)]
mod tests;
