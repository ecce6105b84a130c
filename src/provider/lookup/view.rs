//! Data sources of a COSI type, from its table of rows.

use super::{Item, ListSource, Lookup, Request, Shown, SingleSource};
use crate::omni::state::query::LabelQuery;
use crate::omni::{Error, Kind, spec::Spec};
use crate::provider::engine::{Binding, Cx, Home, Object, Row, Table};
use crate::tf::check::not_empty;
use crate::tf::schema::{Attribute, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use std::marker::PhantomData;

/// A COSI type that data sources show by its rows: one that its id names, all that pass the filters, or both.
pub(crate) trait View: Table<Spec: Spec> {
    /// The COSI type, where several have the same message.
    const KIND: Kind = <Self::Spec as Spec>::KIND;
    /// Several of them in words: `machine sets`.
    const NOUNS: &'static str;
    /// The full name of the plural, `omni_machine_sets`; the attribute with the list has it without `omni_`.
    const PLURAL: &'static str;
    /// What the singular is for, in Markdown; the first sentence stands alone.
    const ABOUT: &'static str = "";
    /// What the plural is for.
    const ABOUT_ALL: &'static str = "";
    /// What the argument of the singular is.
    const ABOUT_ID: &'static str = "";
    /// Attributes of the resource that the data sources do not have.
    const LEFT_OUT: &'static [&'static str] = &[];

    /// Attributes that the resource does not have.
    fn more_rows() -> Vec<Row> {
        Vec::new()
    }

    /// The filters of the plural, beside those that every plural has.
    fn filters() -> Vec<Filter> {
        Vec::new()
    }

    /// What is wrong with an id that nothing has, as a sentence, and what to do; `None` where its form is right.
    fn about_id(_id: &str) -> Option<(String, String)> {
        None
    }
}

/// A filter of a plural.
pub(crate) struct Filter {
    attribute: Attribute,
    by: By,
}

enum By {
    Path(&'static str),
    Label(&'static str),
}

impl Filter {
    /// Takes what shows this value at a path.
    pub(crate) fn path(attribute: Attribute, path: &'static str) -> Self {
        Self { attribute, by: By::Path(path) }
    }

    /// Takes what has this value in a label, which Omni looks for itself.
    pub(crate) fn label(attribute: Attribute, key: &'static str) -> Self {
        Self { attribute, by: By::Label(key) }
    }
}

/// The data sources of a COSI type.
pub(crate) struct Objects<V>(PhantomData<V>);

fn table<V: View>() -> Binding {
    let mut rows = V::rows();
    rows.extend(V::more_rows());
    rows.extend([Home::labels(), Home::annotations()]);
    Binding::reading(rows, V::LEFT_OUT)
}

#[async_trait]
impl<V: View> Lookup for Objects<V> {
    type Object = Shown;

    const NOUN: &'static str = V::NOUN;
    const NOUNS: &'static str = V::NOUNS;

    fn attributes() -> Vec<Attribute> {
        table::<V>().described()
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Shown>>, Error> {
        let table = table::<V>();
        let (objects, mut joined) =
            tokio::try_join!(request.objects_of::<V::Spec>(cx, V::KIND), request.beside(cx, table.joins()))?;
        let show = |object: Object<V::Spec>| {
            let joined = joined.remove(object.id()).unwrap_or_default();
            Ok(Item::new(object.id(), Shown::of::<V>(&table, &object, &joined)?))
        };
        objects.into_iter().map(show).collect()
    }

    fn matches(config: &Value, found: &Item<Shown>) -> bool {
        V::filters().iter().all(|filter| match filter.by {
            By::Path(path) => found.item.fits(config, filter.attribute.name, path),
            By::Label(_) => true,
        })
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        V::about_id(id)
    }
}

impl<V: View> ListSource for Objects<V> {
    const NAME: &'static str = V::PLURAL;
    const LIST: &'static str = without_prefix(V::PLURAL);
    const ABOUT: &'static str = V::ABOUT_ALL;

    fn filters() -> Vec<Attribute> {
        V::filters().into_iter().map(|filter| filter.attribute).collect()
    }

    fn terms(config: &Value, terms: LabelQuery) -> LabelQuery {
        V::filters().iter().fold(terms, |terms, filter| {
            match (&filter.by, config.get(filter.attribute.name).as_str()) {
                (By::Label(key), Some(value)) => terms.equal(*key, value),
                _ => terms,
            }
        })
    }
}

impl<V: View> SingleSource for Objects<V> {
    const NAME: &'static str = V::NAME;
    const ABOUT: &'static str = V::ABOUT;
    const ID: &'static str = V::ID;

    fn arguments() -> Vec<Attribute> {
        vec![string(V::ID).required().check(not_empty()).doc(V::ABOUT_ID)]
    }
}

/// The name of a type without the name of the provider.
const fn without_prefix(name: &'static str) -> &'static str {
    match name.split_at_checked("omni_".len()) {
        Some((_, rest)) => rest,
        None => name,
    }
}
