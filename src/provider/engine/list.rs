//! The list resource of every managed type whose objects can be imported: what a query finds.

use super::backend::Backend;
use super::base::ResourceBase;
use super::binding::Binding;
use super::cosi::CosiBackend;
use super::resource::Engine;
use super::{Cx, Failure, Joined};
use crate::omni::{Error, ErrorKind, Phase, Query, Resource as Stored, labels};
use crate::provider::errors::Operation;
use crate::provider::lookup::{SELECTOR, is_regexp, is_selector, selector};
use crate::provider::since;
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::list_resource::{ListRequest, ListResource, ListResult, ListResults};
use crate::tf::resource::{Context, Private};
use crate::tf::schema::{Attribute, Schema, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use futures_util::future::join_all;
use futures_util::{Stream, StreamExt as _};
use regex::Regex;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

/// How many objects are read at a time, where a result needs more than the object itself.
const BATCH: usize = 16;

/// What people call objects of another type, by their IDs.
type Names = HashMap<String, String>;

/// The list resource of a type.
struct Listed {
    engine: Arc<Engine>,
    schema: Schema,
}

/// The list resource of a type; `None` where its objects cannot be listed.
pub(super) fn listed(engine: &Arc<Engine>) -> Option<Arc<dyn ListResource>> {
    let base = engine.backend.base();
    let arguments = engine.backend.list_arguments().filter(|_| engine.backend.kind().not_imported().is_none())?;
    let schema = Schema::new(format!(
        "Lists objects of the type `{}`, whether Terraform manages them or not. Each result has the identity for an import of the {} needs.",
        base.name, base.noun
    ))
    .with_all(arguments);
    let schema = Schema { since: base.schema.since, ..schema };
    Some(Arc::new(Listed { engine: Arc::clone(engine), schema }))
}

#[async_trait]
impl Described for Listed {
    fn type_name(&self) -> &'static str {
        self.engine.backend.base().name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl ListResource for Listed {
    async fn list(
        &self,
        context: &Context,
        request: ListRequest,
        results: &mut dyn ListResults,
    ) -> Result<(), Diagnostics> {
        let base = self.engine.backend.base();
        let cx = base.cx(context, &request.config, |t| t.read)?;
        let mut lacks = Diagnostics::new();
        since::check_values(&cx, (base.name, "list"), &self.schema, (&request.config, &request.config), &mut lacks)
            .await;
        if lacks.has_errors() {
            return Err(lacks);
        }
        let operation = Operation { verb: "list", noun: base.noun, id: "", id_attribute: "" };
        let listed = self.engine.backend.list(&cx, &request, results).await;
        listed.map_err(|failure| failure.explain_listed(&operation).into())
    }
}

/// The regular expression for IDs, which every list has.
pub(super) fn id_regexp() -> Attribute {
    string("id_regexp")
        .document()
        .check(is_regexp())
        .doc("Only objects whose import ID matches this regular expression.")
}

/// The arguments of the list of a COSI type.
pub(super) fn arguments(binding: &Binding) -> Vec<Attribute> {
    let labelled = |(name, _)| string(name).doc(format!("Only objects with this `{name}`, given by ID."));
    let rest = [
        string("label_selector").document().check(is_selector()).doc(format!(
            "Only objects whose labels match, {SELECTOR}"
        )),
        id_regexp(),
        string("managed_by").doc(
            "Only objects whose managed-by annotation has this value, such as `Terraform`; an empty string selects those without the annotation.",
        ),
        boolean("include_system").default(false).doc(
            "Whether objects that controllers of Omni own are listed too; these cannot be changed. Objects that cannot be imported are never listed; a warning says so.",
        ),
    ];
    binding.labelled().map(labelled).chain(rest).collect()
}

/// What Omni selects itself.
fn query(binding: &Binding, config: &Value) -> Result<Query, Failure> {
    let mut query = selector(config)?;
    for (name, key) in binding.labelled() {
        if let Some(value) = config.get(name).as_str() {
            query = Query::from(query.labels.pop().unwrap_or_default().equal(key, value));
        }
    }
    query.id_regexp = config.get("id_regexp").as_str().map(str::to_owned);
    Ok(query)
}

/// What Omni does not select itself.
fn takes(config: &Value, stored: &Stored) -> bool {
    let metadata = &stored.metadata;
    let managed = metadata.annotations.get(labels::MANAGED_BY).map_or("", String::as_str);
    metadata.phase == Phase::Running
        && (!labels::is_systems(metadata) || config.get("include_system").as_bool() == Some(true))
        && config.get("managed_by").as_str().is_none_or(|wanted| wanted == managed)
}

/// Sends IDs and display names as they arrive, with the objects where a result needs them. No more are read than the host takes.
pub(super) async fn send(
    backend: &dyn Backend,
    cx: &Cx,
    request: &ListRequest,
    results: &mut dyn ListResults,
    all: impl Stream<Item = Result<(String, String), Error>> + Send,
) -> Result<(), Failure> {
    // The expression was checked with the configuration.
    let regexp = request.config.get("id_regexp").as_str().and_then(|text| Regex::new(text).ok());
    let mut all = pin!(all);
    let mut left = request.limit;
    let mut ended = false;
    while !ended && left > 0 {
        let size = usize::try_from(left).map_or(BATCH, |left| left.min(BATCH));
        let mut batch = Vec::with_capacity(size);
        while batch.len() < size {
            let Some(named) = all.next().await else {
                ended = true;
                break;
            };
            let (id, display_name) = named?;
            if regexp.as_ref().is_none_or(|regexp| regexp.is_match(&id)) {
                batch.push((id, display_name));
            }
        }
        for result in join_all(batch.into_iter().map(|named| result_of(backend, cx, request, named))).await {
            // One that is gone by now is left out.
            if let Some(result) = result? {
                left -= 1;
                if results.push(result).await.is_break() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// The result with this ID and display name; `None` when the object is gone.
async fn result_of(
    backend: &dyn Backend,
    cx: &Cx,
    request: &ListRequest,
    (id, display_name): (String, String),
) -> Result<Option<ListResult>, Failure> {
    let base = backend.base();
    let result = ListResult::new(base.identity_of(&id), display_name);
    if !request.include_object {
        return Ok(Some(result));
    }
    let imported = base.imported(&id).state.unwrap_or(Value::Null);
    let call = cx.call.again_within(cx.session.timeouts.read);
    let cx = Cx { session: Arc::clone(&cx.session), call };
    let operation = base.operation("read", &id);
    let read = backend.read(&cx, &operation, &id, &imported, &Private::default()).await?;
    Ok(read.map(|outcome| result.with_object(outcome)))
}

/// The objects that a list leaves out because they cannot be imported.
#[derive(Default)]
struct LeftOut {
    count: usize,
    /// The first one, and why.
    first: Option<(String, Diagnostic)>,
}

impl LeftOut {
    fn add(&mut self, id: &str, why: Diagnostic) {
        self.count += 1;
        self.first.get_or_insert_with(|| (id.to_owned(), why));
    }

    /// Says so; `base` is of their type.
    fn warning(self, base: &ResourceBase) -> Option<Diagnostic> {
        let (id, why) = self.first?;
        let summary = match self.count {
            1 => format!("The list leaves out 1 object of the type `{}`", base.name),
            count => format!("The list leaves out {count} objects of the type `{}`", base.name),
        };
        let which = if self.count == 1 { "It is" } else { "The first one is" };
        let detail = format!(
            "What cannot be imported is not listed. {which} `{id}`: {}. {}",
            why.summary.trim_end_matches('.'),
            why.detail
        );
        let warning = Diagnostic::warning(summary, detail);
        Some(match why.hint {
            Some(hint) => warning.hint(hint),
            None => warning,
        })
    }
}

impl CosiBackend {
    /// Sends what a list selects, as it arrives.
    pub(super) async fn list_objects(
        &self,
        cx: &Cx,
        request: &ListRequest,
        results: &mut dyn ListResults,
    ) -> Result<(), Failure> {
        let mut listing = cx
            .client()
            .listing(self.kind.listed_kind(&request.config)?, &query(&self.base().binding, &request.config)?);
        let names = self.names(cx).await?;
        let batch = if request.include_object { BATCH } else { 1 };
        let mut left = request.limit;
        let mut left_out = LeftOut::default();
        // The result that was found last waits for the next one: only the last one of all can tell what is left out.
        let mut last = None;
        let mut ended = false;
        while !ended && left > 0 {
            let mut found = Vec::new();
            while found.len() < batch && (found.len() as u64) < left {
                // A host that takes its time with the results uses up no limit.
                let call = cx.call.again_within(cx.session.timeouts.read);
                let Some(stored) = listing.next(&call).await? else {
                    ended = true;
                    break;
                };
                if !takes(&request.config, &stored) {
                    continue;
                }
                match self.own_attributes(&stored) {
                    Ok(shown) => found.push((stored, shown)),
                    Err(why) => left_out.add(&stored.key.id, why),
                }
            }
            left -= found.len() as u64;
            let listed = found.into_iter().map(|(stored, shown)| {
                let display_name = self.display_name(&self.kind.id_of(&stored.key), &shown, &names);
                self.listed(cx, stored, display_name, request)
            });
            for result in join_all(listed).await {
                if let Some(result) = last.replace(result)
                    && results.push(result).await.is_break()
                {
                    return Ok(());
                }
            }
        }
        let warning = left_out.warning(self.base());
        let Some(mut result) = last else {
            // A warning needs a result that it comes with.
            tracing::debug!(?warning, "nothing is listed");
            return Ok(());
        };
        result.warnings.extend(warning.into_iter().collect());
        if results.push(result).await.is_break() {
            tracing::debug!("the host takes no more");
        }
        Ok(())
    }

    /// The object's own attributes without what is joined to it, or why it cannot be managed.
    fn own_attributes(&self, stored: &Stored) -> Result<Value, Diagnostic> {
        let imported = self.base().imported(&self.kind.id_of(&stored.key)).state.unwrap_or(Value::Null);
        self.read_attributes(stored, &Joined::default(), &imported).map_err(|failure| match failure {
            Failure::Call(error) => Diagnostic::from_error("The object cannot be read", &error),
            refused => refused.explain(&self.base().operation("read", &stored.key.id)),
        })
    }

    /// The result of this display name.
    async fn listed(&self, cx: &Cx, stored: Stored, display_name: String, request: &ListRequest) -> ListResult {
        let base = self.base();
        let id = self.kind.id_of(&stored.key);
        if !request.include_object {
            return ListResult::new(base.identity_of(&id), display_name);
        }
        let call = cx.call.again_within(cx.session.timeouts.read);
        let cx = Cx { session: Arc::clone(&cx.session), call };
        let imported = base.imported(&id).state.unwrap_or(Value::Null);
        let operation = base.operation("read", &display_name);
        let read = self.outcome(&cx, stored, &imported, Private::default(), &operation).await;
        ListResult::new(base.identity_of(&id), display_name).with_object(read)
    }

    /// What people call the objects that these refer to, by ID.
    async fn names(&self, cx: &Cx) -> Result<Names, Failure> {
        let mut names = Names::new();
        let Some((_, join, path)) = self.base().binding.known_as() else { return Ok(names) };
        let mut listing = cx.client().listing(join.kind, &Query::all());
        loop {
            match listing.next(&cx.call).await {
                Ok(Some(stored)) => names.extend(join.text(&stored, path).map(|name| (stored.key.id, name))),
                Ok(None) => return Ok(names),
                // Without them, IDs are displayed.
                Err(error) if error.is(ErrorKind::Denied) => return Ok(names),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What a person calls the object: its name or ID, with what else tells it from others in parentheses.
    fn display_name(&self, id: &str, shown: &Value, names: &Names) -> String {
        let known =
            self.base().binding.known_as().and_then(|(attribute, ..)| names.get(shown.get(attribute).as_str()?));
        let name = known.cloned().unwrap_or_else(|| self.base().display(shown, id));
        let name = if name.is_empty() { id.to_owned() } else { name };
        let id = Some(id).filter(|_| known.is_some());
        let cluster = shown.get("cluster").as_str().filter(|cluster| !name.contains(cluster));
        let more: Vec<&str> = id.into_iter().chain(cluster).collect();
        if more.is_empty() { name } else { format!("{name} ({})", more.join(", ")) }
    }
}
