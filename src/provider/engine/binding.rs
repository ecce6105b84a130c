//! Attributes bound to where their values are stored. The rows of a type define
//! which fields of Omni are owned, what a write sends, what a read returns, and what only the provider stores.

use super::Owned;
use super::codec::{Codec, KeyCodec};
use super::joined::{Join, Joined};
use crate::omni::spec::fields;
use crate::omni::spec::fields::{Fields, PathError};
use crate::omni::spec::{Described, Spec};
use crate::omni::{Error, Metadata, Resource as Stored, labels};
use crate::tf::model::present;
use crate::tf::plan::means_same;
use crate::tf::schema::{Attribute, Kind as Shape, Nesting, object, plain};
use crate::tf::value::{Type, Value};
use std::collections::BTreeMap;

/// A label that follows from the whole state: its key, and its value while it is there.
pub(crate) type MadeLabel = (&'static str, fn(&Value) -> Option<String>);

/// An attribute, and where its value lives.
pub(crate) struct Row {
    attribute: Attribute,
    home: Home,
    /// Its description where it is only read, if that differs.
    reading: Option<String>,
    /// Labels that follow from the whole state, and that no attribute shows.
    also_labels: &'static [MadeLabel],
    /// What it says of the labels of the object.
    own_labels: Option<OwnLabels>,
    /// The annotation in which a new object keeps which run created it; nothing changes it later.
    run_mark: Option<&'static str>,
    /// What a person calls the object that the attribute refers to: a field of that object.
    known_as: Option<(Join, &'static str)>,
    /// Whether it shows the id of the object where its plan leaves it null.
    is_id_by_default: bool,
}

/// Labels that are what the object is for.
#[derive(Clone, Copy)]
pub(crate) struct OwnLabels {
    /// What they are, as a sentence.
    pub(crate) about: &'static str,
    /// Whether there are to be no others than those that are configured: those are shown, and removed.
    pub(crate) are_all: fn(&Value) -> bool,
}

impl Row {
    /// Describes it for data sources.
    #[must_use]
    pub(crate) fn reading(mut self, doc: impl Into<String>) -> Self {
        self.reading = Some(doc.into());
        self
    }

    /// Adds labels that follow from the whole state, and that no attribute shows.
    #[must_use]
    pub(crate) fn also_labels(mut self, labels: &'static [MadeLabel]) -> Self {
        self.also_labels = labels;
        self
    }

    /// Says what the labels of the object are, where they are more than labels of an object.
    #[must_use]
    pub(crate) fn own_labels(mut self, labels: OwnLabels) -> Self {
        self.own_labels = Some(labels);
        self
    }

    /// Has a new object keep in this annotation which run created it.
    #[must_use]
    pub(crate) fn run_mark(mut self, key: &'static str) -> Self {
        self.run_mark = Some(key);
        self
    }

    /// Has it show the id of the object where its plan leaves it null.
    #[must_use]
    pub(crate) fn id_by_default(mut self) -> Self {
        self.is_id_by_default = true;
        self
    }

    /// Has lists display this field of the object whose ID the attribute holds.
    #[must_use]
    pub(crate) fn known_as<S: Spec>(mut self, path: &'static str) -> Self {
        self.known_as = Some((Join::of::<S>(), path));
        self
    }

    /// The attribute as data sources show it.
    fn described(&self) -> Attribute {
        let own = &self.attribute;
        let shape = match &self.home {
            Home::Group(rows) | Home::Message(_, rows) => {
                Shape::Nested(Nesting::Single, rows.iter().map(Row::described).collect())
            }
            _ => own.kind.clone(),
        };
        own.clone().described(shape, self.reading.as_deref())
    }
}

/// Where the value of an attribute lives.
pub(crate) enum Home {
    /// It is the id of the object.
    Id,
    /// In a field of the spec, named by its path.
    Spec(&'static str, Codec),
    /// In several fields of the spec.
    Fields(&'static Several),
    /// In a label.
    Label(KeyHome),
    /// In an annotation.
    Annotation(KeyHome),
    /// Which of these labels is there; the last one counts when none is.
    OneOf(&'static [(&'static str, &'static str)]),
    /// All labels, or all annotations, without those of Omni.
    Users(fn(&Metadata) -> &BTreeMap<String, String>),
    /// In a field of another object of the same id.
    Joined(Join, &'static str, Codec),
    /// In a label of another object of the same id.
    JoinedLabel(Join, &'static str),
    /// Nested attributes with homes of their own. Where all of them are null, so is the whole.
    Group(Vec<Row>),
    /// An optional message of the spec, of which each field has a row. Null while the message is not set.
    Message(&'static str, Vec<Row>),
    /// Nowhere in Omni: it steers the provider. It stays as configured.
    Local,
    /// The same, with an annotation that tells other resources of it: there while it is `true`.
    Note(&'static str),
    /// It is made of other things by the object's own step: see [`Table::derive`](super::Table::derive).
    Derived,
    /// Only the write knows it: Omni takes it, or gives it once, and never shows it. The state keeps it.
    Unreadable,
}

impl Home {
    /// The row of all labels, for data sources.
    pub(crate) fn labels() -> Row {
        let labels = plain("labels", Type::map(Type::String)).computed();
        labels.doc("Labels, without Omni's system labels.").at(Self::Users(|metadata| &metadata.labels))
    }

    /// The row of all annotations, for data sources.
    pub(crate) fn annotations() -> Row {
        let annotations = plain("annotations", Type::map(Type::String)).computed();
        annotations
            .doc("Annotations, without Omni's system annotations.")
            .at(Self::Users(|metadata| &metadata.annotations))
    }
}

/// A label or an annotation that holds an attribute.
pub(crate) struct KeyHome {
    key: &'static str,
    codec: KeyCodec,
}

/// An attribute that lives in several fields.
pub(crate) struct Several {
    /// The fields, by their paths.
    pub(crate) owned: &'static [&'static str],
    /// Sets them.
    pub(crate) write: fn(&Value, &mut Fields) -> Result<(), PathError>,
    /// Reads them; the second argument is what was known before.
    pub(crate) read: fn(&Fields, &Value) -> Result<Value, PathError>,
}

/// Gives an attribute its home.
pub(crate) trait Bind: Sized {
    /// It lives there.
    fn at(self, home: Home) -> Row;

    /// It is the id of the object.
    fn id(self) -> Row {
        self.at(Home::Id)
    }

    /// It lives in this field of the spec, as it is.
    fn field(self, path: &'static str) -> Row {
        self.coded(path, Codec::Plain)
    }

    /// It lives in this field of the spec, and need not be set.
    fn optional_field(self, path: &'static str) -> Row {
        self.coded(path, Codec::Optional)
    }

    /// It lives in this field of the spec, in this form.
    fn coded(self, path: &'static str, codec: Codec) -> Row {
        self.at(Home::Spec(path, codec))
    }

    /// It lives in this label.
    fn label(self, key: &'static str, codec: KeyCodec) -> Row {
        self.at(Home::Label(KeyHome { key, codec }))
    }

    /// It lives in this annotation.
    fn annotation(self, key: &'static str, codec: KeyCodec) -> Row {
        self.at(Home::Annotation(KeyHome { key, codec }))
    }

    /// It lives in this field of the object of the same id in another type.
    fn joined<S: Spec>(self, path: &'static str, codec: Codec) -> Row {
        self.at(Home::Joined(Join::of::<S>(), path, codec))
    }

    /// It steers the provider.
    fn local(self) -> Row {
        self.at(Home::Local)
    }

    /// The object's own step makes it.
    fn derived(self) -> Row {
        self.at(Home::Derived)
    }

    /// Only the write knows it.
    fn unreadable(self) -> Row {
        self.at(Home::Unreadable)
    }
}

impl Bind for Attribute {
    fn at(self, home: Home) -> Row {
        Row {
            attribute: self,
            home,
            reading: None,
            also_labels: &[],
            own_labels: None,
            run_mark: None,
            known_as: None,
            is_id_by_default: false,
        }
    }
}

/// An object of attributes that have homes of their own; `finish` says what the object itself is.
pub(crate) fn group(name: &'static str, rows: Vec<Row>, finish: impl FnOnce(Attribute) -> Attribute) -> Row {
    let nested = rows.iter().map(|row| row.attribute.clone()).collect();
    finish(object(name, nested)).at(Home::Group(rows))
}

/// An optional message of the spec as an object; it takes rows for all fields of the message.
pub(crate) fn message(
    name: &'static str,
    path: &'static str,
    rows: Vec<Row>,
    finish: impl FnOnce(Attribute) -> Attribute,
) -> Row {
    let nested = rows.iter().map(|row| row.attribute.clone()).collect();
    finish(object(name, nested)).at(Home::Message(path, rows))
}

/// The table of an object, and what follows from it.
pub(crate) struct Binding {
    rows: Vec<Row>,
    /// The fields of the spec that are ours.
    owned: Vec<&'static str>,
    /// The attributes that steer the provider.
    local: Vec<&'static str>,
    /// The other types that attributes live in.
    joins: Vec<Join>,
    /// Whether users set the labels and annotations that Omni reserves.
    system_keys: bool,
}

impl Binding {
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        let (mut owned, mut joins) = (Vec::new(), Vec::new());
        let mut whole: Option<&str> = None;
        visit(&rows, &mut |row| match &row.home {
            Home::Message(path, _) => {
                whole = Some(path);
                owned.push(*path);
            }
            // The message goes as a whole when it is no longer set.
            Home::Spec(path, _) if whole.is_some_and(|whole| is_inside(path, whole)) => {}
            Home::Spec(path, _) => owned.push(*path),
            Home::Fields(several) => owned.extend(several.owned),
            Home::Joined(join, ..) | Home::JoinedLabel(join, _) if !joins.contains(join) => joins.push(*join),
            _ => {}
        });
        let local = rows.iter().filter(|row| is_local(row)).map(|row| row.attribute.name).collect();
        Self { rows, owned, local, joins, system_keys: false }
    }

    /// The same, with labels and annotations that Omni reserves as users' own.
    #[must_use]
    pub(crate) fn with_system_keys(mut self, system_keys: bool) -> Self {
        self.system_keys = system_keys;
        self
    }

    /// Whether users may set the label or annotation.
    pub(crate) fn takes_key(&self, key: &str) -> bool {
        labels::is_users(key) || (self.system_keys && labels::is_systems_own(key))
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = Attribute> {
        self.rows.iter().map(|row| row.attribute.clone())
    }

    /// What a data source shows of the object: all that Omni has of it, but for these attributes.
    pub(crate) fn reading(mut rows: Vec<Row>, but: &[&str]) -> Self {
        let is_in_omni = |row: &Row| !is_local(row) && !matches!(row.home, Home::Unreadable);
        rows.retain(|row| is_in_omni(row) && !but.contains(&row.attribute.name));
        Self::new(rows)
    }

    /// The attributes as data sources have them: all are computed.
    pub(crate) fn described(&self) -> Vec<Attribute> {
        self.rows.iter().map(Row::described).collect()
    }

    /// What the labels of the object are, where they are more than labels of an object.
    pub(crate) fn own_labels(&self) -> Option<OwnLabels> {
        self.rows.iter().find_map(|row| row.own_labels)
    }

    /// Whether the labels of the object are to be those that are configured, and no others.
    pub(crate) fn are_all_labels(&self, state: &Value) -> bool {
        self.own_labels().is_some_and(|labels| (labels.are_all)(state))
    }

    /// The annotation in which a new object keeps which run created it.
    pub(crate) fn run_mark(&self) -> Option<&'static str> {
        self.rows.iter().find_map(|row| row.run_mark)
    }

    /// The fields of the spec that the configuration owns; all others survive an update untouched.
    pub(crate) fn owned(&self) -> &[&'static str] {
        &self.owned
    }

    /// The attributes that show the id of the object where its plan leaves them null.
    pub(crate) fn ids_by_default(&self) -> impl Iterator<Item = &'static str> {
        self.rows.iter().filter(|row| row.is_id_by_default).map(|row| row.attribute.name)
    }

    /// The attributes that are not stored in Omni.
    pub(crate) fn local(&self) -> &[&'static str] {
        &self.local
    }

    /// Whether there are attributes that only a write knows.
    pub(crate) fn has_unreadable(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.home, Home::Unreadable))
    }

    /// Whether the message shows what `wanted` asks for, as far as it is known and configurable.
    ///
    /// # Errors
    /// When a row does not fit the message, which is a defect of this build.
    pub(crate) fn is_shown(&self, fields: &Fields, wanted: &Value) -> Result<bool, PathError> {
        for Row { attribute, home, .. } in self.rows.iter().filter(|row| row.attribute.configurable()) {
            let Home::Spec(path, codec) = home else { continue };
            let value = wanted.get(attribute.name);
            let shown = codec.read(fields.get(path)?.as_ref(), value, attribute);
            let is_same = match (attribute.same, shown.as_str(), value.as_str()) {
                (Some(same), Some(shown), Some(value)) => same(shown, value),
                _ => means_same(&shown, value),
            };
            if value.is_wholly_known() && !value.is_null() && !is_same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The other types that attributes live in.
    pub(crate) fn joins(&self) -> &[Join] {
        &self.joins
    }

    /// The top-level attributes whose change reaches the object in Omni.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &'static str> {
        let configurable = self.rows.iter().filter(|row| row.attribute.configurable() && !is_local(row));
        configurable.map(|row| row.attribute.name)
    }

    /// The message that the state asks for; of a spec, only the owned fields count.
    ///
    /// # Errors
    /// When a row does not fit the message, which is a defect of this build.
    pub(crate) fn fields<S: Described>(&self, state: &Value) -> Result<Fields, Error> {
        let mut made = Fields::empty::<S>()?;
        write::<S>(&self.rows, state, &mut made).map_err(|source| Error::Decode {
            what: format!("the attributes of a message of the type `{}`", S::MESSAGE),
            source: Box::new(source),
        })?;
        Ok(made)
    }

    /// The labels and annotations that the state asks for.
    pub(crate) fn keys(&self, state: &Value) -> [Vec<Owned>; 2] {
        let mut keys = [Vec::new(), Vec::new()];
        collect_keys(&self.rows, state, state, &mut keys);
        keys
    }

    /// What a person calls the objects, if it is a field of the object that an attribute refers to.
    pub(crate) fn known_as(&self) -> Option<(&'static str, Join, &'static str)> {
        self.rows.iter().find_map(|row| row.known_as.map(|(join, path)| (row.attribute.name, join, path)))
    }

    /// The attributes whose text is a label, each with its key: lists select by them.
    pub(crate) fn labelled(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.rows.iter().filter_map(|row| match &row.home {
            Home::Label(KeyHome { key, codec: KeyCodec::Text | KeyCodec::Made(_) }) => Some((row.attribute.name, *key)),
            _ => None,
        })
    }

    /// The attributes as the object and what is joined to it show them. What is derived is null, and so is what steers the provider.
    ///
    /// # Errors
    /// When a row does not fit the message, which is a defect of this build.
    pub(crate) fn read(
        &self,
        stored: &Stored,
        fields: &Fields,
        joined: &Joined,
        prior: &Value,
    ) -> Result<Value, PathError> {
        read(&self.rows, &Source { stored, fields, joined }, prior)
    }
}

/// What a read takes values from.
struct Source<'a> {
    stored: &'a Stored,
    fields: &'a Fields,
    joined: &'a Joined,
}

fn visit<'r>(rows: &'r [Row], each: &mut impl FnMut(&'r Row)) {
    for row in rows {
        each(row);
        if let Home::Group(nested) | Home::Message(_, nested) = &row.home {
            visit(nested, each);
        }
    }
}

/// Whether a path leads to a field of the message at another one.
fn is_inside(path: &str, message: &str) -> bool {
    path.strip_prefix(message).is_some_and(|rest| rest.starts_with('.'))
}

fn is_local(row: &Row) -> bool {
    match &row.home {
        Home::Local | Home::Note(_) => true,
        Home::Group(rows) | Home::Message(_, rows) => rows.iter().all(is_local),
        _ => false,
    }
}

fn write<S: Described>(rows: &[Row], state: &Value, made: &mut Fields) -> Result<(), PathError> {
    for row in rows {
        let value = state.get(row.attribute.name);
        match &row.home {
            Home::Spec(path, codec) => {
                let field = fields::field::<S>(path)?;
                made.set(path, codec.write(value, &field.kind()))?;
            }
            Home::Fields(several) => (several.write)(&present(value), made)?,
            Home::Group(nested) => write::<S>(nested, value, made)?,
            Home::Message(path, nested) if value.is_set() => {
                made.set_message(path)?;
                write::<S>(nested, value, made)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn collect_keys(rows: &[Row], whole: &Value, state: &Value, keys: &mut [Vec<Owned>; 2]) {
    for row in rows {
        let value = state.get(row.attribute.name);
        let [labels, annotations] = &mut *keys;
        labels.extend(row.also_labels.iter().map(|(key, made)| (*key, made(whole))));
        match &row.home {
            Home::Label(home) => labels.push((home.key, home.codec.write(value, whole))),
            Home::Annotation(home) => annotations.push((home.key, home.codec.write(value, whole))),
            Home::Note(key) => annotations.push((key, (value.as_bool() == Some(true)).then(String::new))),
            Home::OneOf(all) => {
                labels.extend(all.iter().map(|(text, key)| (*key, (value.as_str() == Some(text)).then(String::new))));
            }
            Home::Group(nested) | Home::Message(_, nested) => collect_keys(nested, whole, value, keys),
            _ => {}
        }
    }
}

fn read(rows: &[Row], source: &Source<'_>, prior: &Value) -> Result<Value, PathError> {
    let mut shown = BTreeMap::new();
    for row in rows {
        let Attribute { name, .. } = row.attribute;
        let before = prior.get(name);
        let metadata = &source.stored.metadata;
        let value = match &row.home {
            Home::Id => source.stored.key.id.as_str().into(),
            Home::Spec(path, codec) => codec.read(source.fields.get(path)?.as_ref(), before, &row.attribute),
            Home::Fields(several) => (several.read)(source.fields, before)?,
            Home::Label(home) => home.codec.read(metadata.labels.get(home.key)),
            Home::Annotation(home) => home.codec.read(metadata.annotations.get(home.key)),
            Home::OneOf(all) => {
                let there = all.iter().find(|(_, key)| metadata.labels.contains_key(*key)).or(all.last());
                there.map(|(text, _)| *text).into()
            }
            Home::Users(all) => Value::texts(labels::of_users(all(metadata))),
            Home::Joined(join, path, codec) => {
                let field = source.joined.fields(join.kind).map(|fields| fields.get(path)).transpose()?.flatten();
                codec.read(field.as_ref(), before, &row.attribute)
            }
            Home::JoinedLabel(join, key) => {
                let found = source.joined.stored(join.kind).and_then(|stored| stored.metadata.labels.get(*key));
                found.map(String::as_str).unwrap_or_default().into()
            }
            Home::Message(path, _) if source.fields.get(path)?.is_none() => Value::Null,
            Home::Message(_, nested) => read(nested, source, before)?,
            Home::Group(nested) => match read(nested, source, before)? {
                all if all.entries().is_some_and(|all| all.values().all(Value::is_null)) => Value::Null,
                all => all,
            },
            Home::Unreadable if before.is_unknown() => Value::Null,
            Home::Unreadable => before.clone(),
            Home::Local | Home::Note(_) | Home::Derived => Value::Null,
        };
        shown.insert(name.to_owned(), value);
    }
    Ok(Value::Object(shown))
}

/// What in the table does not fit the messages, a sentence for each: nothing but a test asks.
#[cfg(test)]
pub(crate) fn misfits<S: Described>(rows: Vec<Row>) -> Vec<String> {
    let mut found = Vec::new();
    let binding = Binding::new(rows);
    visit(&binding.rows, &mut |row| {
        let name = row.attribute.name;
        let (path, field, codec) = match &row.home {
            Home::Spec(path, codec) => (path, fields::field::<S>(path), codec),
            Home::Joined(join, path, codec) => (path, join.field(path), codec),
            _ => return,
        };
        match field {
            Err(error) => found.push(format!("{name}: {path}: {error}")),
            Ok(field) if !codec.fits(&field.kind(), &row.attribute.kind) => {
                found.push(format!("{name}: {path} is of another type"));
            }
            Ok(_) => {}
        }
    });
    visit(&binding.rows, &mut |row| {
        let Home::Message(path, rows) = &row.home else { return };
        let bound: Vec<_> =
            rows.iter().filter_map(|row| if let Home::Spec(path, _) = row.home { Some(path) } else { None }).collect();
        let fields = fields::field::<S>(path).map(|field| match field.kind() {
            fields::FieldKind::Message(message) => {
                message.fields().map(|field| format!("{path}.{}", field.name())).collect()
            }
            _ => vec![format!("{path} as a message")],
        });
        let missing = fields.unwrap_or_default().into_iter().filter(|field| !bound.contains(&field.as_str()));
        found.extend(missing.map(|field| format!("{field} has no row, and would be lost")));
    });
    let mut owned = binding.owned.clone();
    owned.sort_unstable();
    for pair in owned.windows(2).filter(|pair| pair[0] == pair[1]) {
        found.push(format!("{} has two rows", pair[0]));
    }
    let unresolved = owned.iter().filter(|path| fields::field::<S>(path).is_err());
    found.extend(unresolved.map(|path| format!("{path} leads to no field")));
    let unknown = binding.known_as().filter(|(_, join, path)| join.field(path).is_err());
    found.extend(unknown.map(|(name, _, path)| format!("{name} is known as {path}, which leads to no field")));
    let homeless = binding.rows.iter().filter(|row| {
        row.attribute.mode == crate::tf::schema::Mode::Computed && matches!(row.home, Home::Local | Home::Note(_))
    });
    found.extend(homeless.map(|row| format!("{} is computed, and stored nowhere", row.attribute.name)));
    found
}
