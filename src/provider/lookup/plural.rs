//! List data sources: all items that match the filters.

use super::{ListSource, Request, SELECTOR, computed, cx, is_regexp, is_selector, matching, mixed, selector, value_of};
use crate::omni::state::query::{LabelQuery, Query};
use crate::provider::errors::Operation;
use crate::provider::session::{Handle, at};
use crate::tf::data_source::DataSource;
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::done::Done;
use crate::tf::resource::Context;
use crate::tf::schema::{Attribute, Schema, objects, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use std::marker::PhantomData;
use std::sync::Arc;

/// The data source of all things of a kind.
pub(crate) struct Plural<L> {
    schema: Schema,
    handle: Handle,
    of: PhantomData<L>,
}

impl<L: ListSource> Plural<L> {
    pub(crate) fn data_source(handle: &Handle) -> Arc<dyn DataSource> {
        Arc::new(Self { schema: schema::<L>(), handle: handle.clone(), of: PhantomData })
    }
}

fn schema<L: ListSource>() -> Schema {
    let nouns = L::NOUNS;
    let mut ids = computed::texts("ids", &format!("IDs of the {nouns}, in order."));
    // Where one id is a secret, all of them are.
    ids.sensitive = L::attributes().iter().any(|attribute| attribute.name == "id" && attribute.sensitive);
    let selector = L::LABELS.map(|labels| {
        string("label_selector")
            .document()
            .check(is_selector())
            .doc(format!("Only {nouns} whose {labels} match, {SELECTOR}"))
    });
    let mut schema = Schema::new(L::ABOUT)
        .with_all(selector)
        .with(
            string("id_regexp")
                .document()
                .check(is_regexp())
                .doc(format!("Only {nouns} whose ID matches this regular expression.")),
        )
        .with_all(L::filters())
        .with(ids)
        .with(elements::<L>());
    schema.rules = L::rules();
    schema
}

/// The attribute with the things.
fn elements<L: ListSource>() -> Attribute {
    let doc = format!("The {}, in the order of `ids`", L::NOUNS);
    if !L::IS_MIXED {
        return objects(L::LIST, L::attributes()).computed().doc(format!("{doc}."));
    }
    let open = L::attributes().into_iter().filter(|attribute| !attribute.sensitive);
    let names: Vec<_> = open.map(|attribute| format!("`{}`", attribute.name)).collect();
    plain(L::LIST, Type::Dynamic).computed().doc(format!(
        "{doc}: a tuple of objects with the attributes {}, as the data source of a single one has them.",
        names.join(", ")
    ))
}

/// The filters that Omni can apply itself.
fn query<L: ListSource>(config: &Value) -> Result<Query, Diagnostics> {
    let terms = selector(config)?.labels.into_iter().next().unwrap_or_default();
    let terms = L::terms(config, terms);
    let mut query = if terms == LabelQuery::default() { Query::all() } else { Query::from(terms) };
    query.id_regexp = config.get("id_regexp").as_str().map(str::to_owned);
    Ok(query)
}

#[async_trait]
impl<L: ListSource> Described for Plural<L> {
    fn type_name(&self) -> &'static str {
        L::NAME
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl<L: ListSource> DataSource for Plural<L> {
    async fn read(&self, context: &Context, mut config: Value) -> Result<Done<Value>, Diagnostics> {
        let cx = cx(self.handle.session()?, context, None);
        let operation = Operation { verb: "list", noun: L::NOUNS, id: "", id_attribute: "" };
        let request = Request { id: None, query: query::<L>(&config)?, config: &config };
        let found = L::list(&cx, &request).await.map_err(|error| Diagnostics::from(operation.explain(&error)))?;
        let found = matching::<L>(&config, found);
        if let Some(request) = config.get("id").as_str().filter(|_| found.is_empty())
            && let Some((why, hint)) = L::about_id(request)
        {
            return Err(Diagnostic::error(format!("No {} can have this `id`", L::NOUN), why)
                .hint(hint)
                .at(at("id"))
                .into());
        }
        let ids = found.iter().map(|found| found.id.as_str().into()).collect();
        let list = found.iter().map(value_of::<L>).collect::<Result<Vec<_>, _>>()?;
        config.set("ids", Value::List(ids));
        config.set(L::LIST, if L::IS_MIXED { mixed::<L>(list) } else { Value::List(list) });
        Ok(config.into())
    }
}
