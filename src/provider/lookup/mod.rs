//! The engine of lookup data sources: a single item by name or other arguments, or a list of items that match filters.
//! A data source defines its items, how they are listed and how they match; the reads are implemented here.

pub(crate) mod computed;
mod filter;
mod plural;
mod single;
pub(crate) mod singleton;
mod view;

use crate::omni::spec::Spec;
use crate::omni::state::query::{LabelQuery, Query};
use crate::omni::{Call, Error, ErrorKind, Kind};
use crate::provider::engine::{Binding, Cx, Join, Joined, Object, Table, show};
use crate::provider::session::Session;
use crate::tf::check::Rule;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::Context;
use crate::tf::schema::{Attribute, object_type};
use crate::tf::value::{Type, Value};
use crate::tf::wire::to_json;
use async_trait::async_trait;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use filter::{SELECTOR, is_regexp, is_selector, selector, selects};
pub(crate) use plural::Plural;
pub(crate) use single::{Selection, Single, operation, select};
pub(crate) use singleton::Singleton;
pub(crate) use view::{Filter, Objects, View};

/// One thing that was found.
pub(crate) struct Item<I> {
    /// Its id: `ids` of the plural holds these.
    pub(crate) id: String,
    /// What it is, by attribute.
    pub(crate) item: I,
}

impl<I> Item<I> {
    pub(crate) fn new(id: impl Into<String>, item: I) -> Self {
        Self { id: id.into(), item }
    }
}

/// An object as the table of its resource type shows it.
pub(crate) struct Shown(pub(crate) Value);

impl Shown {
    /// Reads it by the table.
    ///
    /// # Errors
    /// When the object cannot be shown as this resource type.
    pub(crate) fn of<M: Table>(binding: &Binding, object: &Object<M::Spec>, joined: &Joined) -> Result<Self, Error> {
        show::<M>(binding, object, joined, &Value::Null).map(Self).map_err(|diagnostic| Error::Decode {
            what: format!("the {} `{}`", M::NOUN, object.id()),
            source: format!("{}: {}", diagnostic.summary, diagnostic.detail).into(),
        })
    }

    /// Whether an argument of the configuration asks for what the attribute of the same name shows; it does when it is not set.
    pub(crate) fn fits(&self, config: &Value, argument: &str, path: &str) -> bool {
        let request = config.get(argument);
        request.is_null() || request == Path::of(path).lookup(&self.0)
    }
}

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        to_json(&self.0).serialize(serializer)
    }
}

/// A kind of things that can be looked up.
#[async_trait]
pub(crate) trait Lookup: Send + Sync + 'static {
    /// One of them; its fields are the attributes of [`Lookup::attributes`].
    type Object: Serialize + Send + Sync;

    /// One of them in words: `machine set`.
    const NOUN: &'static str;
    /// Several of them in words: `machine sets`.
    const NOUNS: &'static str;

    /// What the attributes of one are; all are computed.
    fn attributes() -> Vec<Attribute>;

    /// Lists what `wanted` takes: COSI objects through [`Request::objects`], anything else by asking [`Request::selects`].
    /// No order is asked of it, and the filters are run over it by the engine.
    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Self::Object>>, Error>;

    /// Whether it passes the filters, or the arguments of the singular, that are its own; those that are null are not set.
    fn matches(_config: &Value, _found: &Item<Self::Object>) -> bool {
        true
    }

    /// Which comes first: by default, the lower id.
    fn order(a: &Item<Self::Object>, b: &Item<Self::Object>) -> Ordering {
        a.id.cmp(&b.id)
    }

    /// Whether a message about one that is missing may name others. People and accounts are not named to everybody who reads a log.
    const MAY_BE_NAMED: bool = true;

    /// What is wrong with an id that nothing has, as a sentence, and what to do; `None` where its form is right.
    fn about_id(_id: &str) -> Option<(String, String)> {
        None
    }

    /// How a person would point at it; the id, and more where that says little.
    fn display(found: &Item<Self::Object>) -> String {
        format!("`{}`", found.id)
    }
}

/// The data source of all things of a kind, with filters.
///
/// It has `id_regexp` and, unless its things bear no labels, `label_selector` beside its own filters, and gives `ids` and the list.
pub(crate) trait ListSource: Lookup {
    /// Its full name: `omni_machine_sets`.
    const NAME: &'static str;
    /// The attribute with the list: `machine_sets`.
    const LIST: &'static str;
    /// What it is for, in Markdown; the first sentence stands alone.
    const ABOUT: &'static str;
    /// What `label_selector` is held against; `None` for things that bear no labels of users, which then have no such filter.
    const LABELS: Option<&'static str> = Some("labels");
    /// Whether the things have attributes whose type differs from one to the other, so that no list can hold them: the attribute
    /// is then a tuple of objects.
    const IS_MIXED: bool = false;

    /// The filters that only this kind has; those that [`Lookup::matches`] or [`ListSource::terms`] look at.
    fn filters() -> Vec<Attribute> {
        Vec::new()
    }

    /// Which filters go together.
    fn rules() -> Vec<Rule> {
        Vec::new()
    }

    /// Adds the filters that Omni can apply by labels itself.
    fn terms(_config: &Value, terms: LabelQuery) -> LabelQuery {
        terms
    }
}

/// The data source of one thing.
#[async_trait]
pub(crate) trait SingleSource: Lookup {
    /// Its full name: `omni_machine_set`.
    const NAME: &'static str;
    /// What it is for, in Markdown; the first sentence stands alone.
    const ABOUT: &'static str;
    /// The argument that holds the id that Omni knows it by: when it is set, only that one is asked for.
    const ID: &'static str;
    /// What to do when there is none, beside checking the arguments.
    const IF_MISSING: &'static str = "If the same apply creates it, use `depends_on`, or refer to an attribute of its resource that is known only after apply, so that it is created first.";

    /// What to do when it did not come within [`SingleSource::limit`].
    const IF_LATE: &'static str = "";

    /// What can be asked for. One that is also an attribute of the thing is filled in when it is not set.
    /// `label_selector` is understood when it is among them.
    fn arguments() -> Vec<Attribute>;

    /// Arguments that steer the read, and say nothing of the thing itself.
    fn options() -> Vec<Attribute> {
        Vec::new()
    }

    /// Which arguments go together.
    fn rules() -> Vec<Rule> {
        Vec::new()
    }

    /// The id as Omni writes it.
    fn id(text: &str) -> String {
        text.to_owned()
    }

    /// What is left of several, in order, that fit: by default all of them, which is an error.
    fn choose(_config: &Value, fit: Vec<Item<Self::Object>>) -> Vec<Item<Self::Object>> {
        fit
    }

    /// How long the read may take, when the configuration says so: then it waits for the thing to come.
    fn limit(_config: &Value) -> Option<Duration> {
        None
    }

    /// Lists what `wanted` takes, or waits for it when the arguments say so.
    async fn find(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Self::Object>>, Error> {
        Self::list(cx, request).await
    }
}

/// What a list is about.
pub(crate) struct Request<'a> {
    /// The one id that is asked for, if it is one.
    pub(crate) id: Option<String>,
    /// Labels and ids otherwise; COSI lists leave it to Omni.
    pub(crate) query: Query,
    /// All that the configuration says.
    pub(crate) config: &'a Value,
}

impl<'a> Request<'a> {
    /// All there is, whatever the configuration says.
    fn all(config: &'a Value) -> Self {
        Self { id: None, query: Query::all(), config }
    }

    /// The objects of a type that are asked for.
    pub(crate) async fn objects<S: Spec>(&self, cx: &Cx) -> Result<Vec<Object<S>>, Error> {
        self.objects_of(cx, S::KIND).await
    }

    /// The same of a type whose message several types have.
    pub(crate) async fn objects_of<S: Spec>(&self, cx: &Cx, kind: Kind) -> Result<Vec<Object<S>>, Error> {
        let stored = match &self.id {
            // One object is read by itself: who may not list the rest may still see this one, and it is never behind.
            Some(id) => match cx.read(&kind.key(id)).await {
                Err(error) if error.is(ErrorKind::NotFound) => Vec::new(),
                stored => vec![stored?],
            },
            None => cx.client().list(&cx.call, kind, &self.query).await?,
        };
        stored.into_iter().map(Object::decode).collect()
    }

    /// What Omni keeps under the same ids in another type; its labels may be others, so they are not asked.
    pub(crate) async fn joined<S: Spec>(&self, cx: &Cx) -> Result<HashMap<String, S>, Error> {
        let query = Query { labels: Vec::new(), id_regexp: self.query.id_regexp.clone() };
        let beside = Request { id: self.id.clone(), query, config: self.config };
        let objects = beside.objects::<S>(cx).await?;
        Ok(objects.into_iter().map(|object| (object.stored.key.id, object.spec)).collect())
    }

    /// The same for several types at once, as the tables of objects name them.
    pub(crate) async fn beside(&self, cx: &Cx, joins: &[Join]) -> Result<HashMap<String, Joined>, Error> {
        let query = Query { labels: Vec::new(), id_regexp: self.query.id_regexp.clone() };
        let mut found: HashMap<String, Joined> = HashMap::new();
        let lists = joins.iter().map(|join| {
            let (query, id) = (&query, self.id.as_deref());
            async move {
                let stored = match id {
                    Some(id) => match cx.read(&join.kind.key(id)).await {
                        Err(error) if join.is_absent(&error) => Vec::new(),
                        stored => vec![stored?],
                    },
                    None => cx.client().list(&cx.call, join.kind, query).await?,
                };
                Ok::<_, Error>((join, stored))
            }
        });
        for (join, stored) in futures_util::future::try_join_all(lists).await? {
            for stored in stored {
                found.entry(stored.key.id.clone()).or_default().add(join, &stored)?;
            }
        }
        Ok(found)
    }

    /// Whether something that Omni cannot choose itself is asked for, by its id and what stands for its labels.
    pub(crate) fn selects(&self, id: &str, labels: &BTreeMap<String, String>) -> bool {
        self.id.as_deref().is_none_or(|request| request == id)
            && self.query.takes_labels(labels)
            // The expression was checked with the configuration.
            && self.query.id_regexp.as_deref().is_none_or(|regexp| regex::Regex::new(regexp).is_ok_and(|r| r.is_match(id)))
    }
}

/// What the steps of one read share.
fn cx(session: Arc<Session>, context: &Context, limit: Option<Duration>) -> Cx {
    let call = Call::within(limit.unwrap_or(session.timeouts.read), &context.cancel);
    Cx { session, call }
}

/// The things that pass the filters, in order.
fn matching<L: Lookup>(config: &Value, found: Vec<Item<L::Object>>) -> Vec<Item<L::Object>> {
    sorted(found.into_iter().filter(|found| L::matches(config, found)).collect(), L::order)
}

/// Sorts by a compiled sort that all types share: one for each would be a large part of the program.
fn sorted<T>(all: Vec<T>, order: fn(&T, &T) -> Ordering) -> Vec<T> {
    let places = places(all.len(), &|a, b| all.get(a).zip(all.get(b)).map_or(Ordering::Equal, |(a, b)| order(a, b)));
    let mut slots: Vec<Option<T>> = all.into_iter().map(Some).collect();
    places.into_iter().filter_map(|place| slots.get_mut(place)?.take()).collect()
}

/// The places of as many things in their order; equal ones stay as they are.
fn places(count: usize, order: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|a, b| order(*a, *b));
    places
}

/// Things of which each has its own type, as a tuple of objects. Sensitive attributes are left out: they would make all of it sensitive.
fn mixed<L: Lookup>(found: Vec<Value>) -> Value {
    let mut attributes = L::attributes();
    attributes.retain(|attribute| !attribute.sensitive);
    let each = found.into_iter().map(|item| {
        let bare = attributes.iter().map(|attribute| {
            let (name, of) = (attribute.name.to_owned(), attribute.value_type());
            let (of, value) = match item.get(attribute.name) {
                Value::Dynamic(of, inner) => (of.clone(), (**inner).clone()),
                value => (of, value.clone()),
            };
            ((name.clone(), of), (name, value))
        });
        let (types, values): (BTreeMap<_, _>, BTreeMap<_, _>) = bare.unzip();
        (Type::Object(types, BTreeSet::new()), Value::Object(values))
    });
    let (types, values) = each.unzip();
    Value::Dynamic(Type::Tuple(types), Box::new(Value::Tuple(values)))
}

/// Things as values of their attributes.
fn value_of<L: Lookup>(found: &Item<L::Object>) -> Result<Value, Diagnostics> {
    crate::tf::model::to_value(&found.item, &object_type(&L::attributes())).map_err(|error| {
        Diagnostic::from_error(format!("The {} {} does not fit the schema", L::NOUN, L::display(found)), &error)
            .hint("This is a defect of the provider; please report it.")
            .into()
    })
}

#[cfg(test)]
mod tests;
