//! Single data sources: exactly one item must match the arguments.

use super::{Item, Request, SingleSource, cx, matching, selector, sorted, value_of};
use crate::omni::state::query::Query;
use crate::omni::{Error, ErrorKind};
use crate::provider::engine::{Cx, Failure};
use crate::provider::errors::{Operation, capital};
use crate::provider::session::{Handle, at};
use crate::tf::data_source::DataSource;
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics, chain};
use crate::tf::done::Done;
use crate::tf::resource::Context;
use crate::tf::schema::{Attribute, Mode, Schema};
use crate::tf::value::Value;
use async_trait::async_trait;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// The most things that an error names of those that fit.
const MOST_FITTING: usize = 10;

/// The most that it names where none does.
const MOST_CLOSE: usize = 3;

/// How long it may take to find out what there is when what was waited for did not come.
const LAST_READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The data source of one thing.
pub(crate) struct Single<L> {
    schema: Schema,
    handle: Handle,
    of: PhantomData<L>,
}

impl<L: SingleSource> Single<L> {
    pub(crate) fn data_source(handle: &Handle) -> Arc<dyn DataSource> {
        Arc::new(Self { schema: schema::<L>(), handle: handle.clone(), of: PhantomData })
    }
}

fn schema<L: SingleSource>() -> Schema {
    let described = L::attributes();
    let mut schema = Schema::new(L::ABOUT);
    schema.rules = L::rules();
    for argument in L::arguments() {
        let also_described = described.iter().any(|attribute| attribute.name == argument.name);
        let fill_in = also_described && argument.mode == Mode::Optional;
        schema = schema.with(if fill_in { argument.optional_computed() } else { argument });
    }
    let rest: Vec<_> = described.into_iter().filter(|attribute| schema.attribute(attribute.name).is_none()).collect();
    schema.with_all(L::options()).with_all(rest)
}

/// The arguments that are set, as one would write them; what is secret is not written.
fn written<L: SingleSource>(config: &Value) -> Vec<(&'static str, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(format!("`{text}`")),
        Value::Bool(flag) => Some(format!("`{flag}`")),
        Value::Number(number) => Some(format!("`{number}`")),
        _ => None,
    };
    let hidden = |text: String, secret: bool| if secret { "the one that is given".to_owned() } else { text };
    let arguments = L::arguments();
    arguments.iter().filter_map(|a| Some((a.name, hidden(text(config.get(a.name))?, a.sensitive)))).collect()
}

#[async_trait]
impl<L: SingleSource> Described for Single<L> {
    fn type_name(&self) -> &'static str {
        L::NAME
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl<L: SingleSource> DataSource for Single<L> {
    async fn read(&self, context: &Context, mut config: Value) -> Result<Done<Value>, Diagnostics> {
        let limit = L::limit(&config);
        let cx = cx(self.handle.session()?, context, limit);
        let found = match select::<L>(&cx, &config, limit.is_some()).await {
            Ok(Selection::One(found)) => found,
            Ok(Selection::Missing(diagnostic) | Selection::Ambiguous(diagnostic)) => return Err(diagnostic.into()),
            Err(failure) => return Err(failure.explain(&operation::<L>(&shown_id::<L>(&config))).into()),
        };
        let Value::Object(described) = value_of::<L>(&found)? else { return Ok(config.into()) };
        for (name, value) in described {
            // What was asked for stays as it was written.
            if config.get(&name).is_null() {
                config.set(&name, value);
            }
        }
        Ok(config.into())
    }
}

/// What the arguments of a lookup select.
pub(crate) enum Selection<T> {
    /// Exactly one thing.
    One(T),
    /// No item matches; the diagnostic says what to do.
    Missing(Diagnostic),
    /// Several, and which ones.
    Ambiguous(Diagnostic),
}

/// The id that is asked for, as messages show it; empty where another argument is set, or where it is a secret.
fn shown_id<L: SingleSource>(config: &Value) -> String {
    let secret = L::arguments().iter().any(|argument| argument.name == L::ID && argument.sensitive);
    config.get(L::ID).as_str().map(L::id).filter(|_| !secret).unwrap_or_default()
}

/// The lookup in words.
pub(crate) fn operation<L: SingleSource>(id: &str) -> Operation<'_> {
    Operation { verb: "look up", noun: L::NOUN, id, id_attribute: L::ID }
}

/// Looks for the one thing that the arguments select; `waits` says whether they ask to wait for it.
///
/// # Errors
/// When it cannot be looked for, or did not come in time.
pub(crate) async fn select<L: SingleSource>(
    cx: &Cx,
    config: &Value,
    waits: bool,
) -> Result<Selection<Item<L::Object>>, Failure> {
    let id = config.get(L::ID).as_str().map(L::id);
    let query = if id.is_some() { Query::all() } else { selector(config)? };
    let request = Request { id, query, config };
    let found = match L::find(cx, &request).await {
        Ok(found) => found,
        Err(error) if error.is(ErrorKind::Timeout) && waits => {
            return Err(late::<L>(cx, &request, &error).await.into());
        }
        Err(error) => return Err(error.into()),
    };
    let mut fit = L::choose(config, matching::<L>(config, found));
    let Some(found) = fit.pop() else {
        let name = shown_id::<L>(config);
        return Ok(Selection::Missing(missing::<L>(cx, &request, &name).await));
    };
    if !fit.is_empty() {
        fit.push(found);
        return Ok(Selection::Ambiguous(ambiguous::<L>(config, &fit)));
    }
    Ok(Selection::One(found))
}

/// There is none, and what there is instead.
async fn missing<L: SingleSource>(cx: &Cx, request: &Request<'_>, name: &str) -> Diagnostic {
    let arguments = written::<L>(request.config);
    let there = there_is::<L>(cx, request.config).await;
    let by_name = matches!(arguments[..], [(only, _)] if only == L::ID) && !name.is_empty();
    let summary = match &arguments[..] {
        _ if by_name => format!("{} `{name}` does not exist", capital(L::NOUN)),
        [] => format!("There is no {}", L::NOUN),
        _ => format!("No {} matches", L::NOUN),
    };
    let about = L::about_id(name).filter(|_| by_name);
    if let Some((why, hint)) = about {
        let detail = format!("Omni has no {}{}. {why} {there}", L::NOUN, conditions(" with ", &arguments));
        return blame(Diagnostic::error(summary, detail.trim_end()), &arguments).hint(hint);
    }
    let check = match &arguments[..] {
        [] => String::new(),
        [(name, _)] => format!("Check `{name}`. "),
        _ => "Check these arguments. ".to_owned(),
    };
    let detail = format!("Omni has no {}{}. {there}", L::NOUN, conditions(" with ", &arguments));
    blame(Diagnostic::error(summary, detail.trim_end()), &arguments).hint(format!("{check}{}", L::IF_MISSING))
}

/// It did not come in time, and what there is instead.
async fn late<L: SingleSource>(cx: &Cx, request: &Request<'_>, error: &Error) -> Diagnostic {
    // The time of the read itself is up.
    let look = Cx { session: Arc::clone(&cx.session), call: cx.call.again_within(LAST_READ_TIMEOUT) };
    let there = there_is::<L>(&look, request.config).await;
    let detail = format!("{} {there}", chain(error));
    let diagnostic = Diagnostic::error(format!("{} did not appear in time", capital(L::NOUN)), detail.trim_end());
    blame(diagnostic, &written::<L>(request.config)).hint(L::IF_LATE)
}

fn ambiguous<L: SingleSource>(config: &Value, fit: &[Item<L::Object>]) -> Diagnostic {
    let arguments = written::<L>(config);
    let detail = format!("{} {}{} exist: {}.", fit.len(), L::NOUNS, conditions(" with ", &arguments), names::<L>(fit));
    blame(Diagnostic::error(format!("More than one {} matches", L::NOUN), detail), &arguments)
        .hint(format!("Select one of them by `{}`.", L::ID))
}

fn blame(diagnostic: Diagnostic, arguments: &[(&'static str, String)]) -> Diagnostic {
    match arguments.first() {
        Some((name, _)) => diagnostic.at(at(name)),
        None => diagnostic,
    }
}

fn conditions(before: &str, arguments: &[(&str, String)]) -> String {
    let each: Vec<_> = arguments.iter().map(|(name, value)| format!("`{name}` = {value}")).collect();
    if each.is_empty() { String::new() } else { format!("{before}{}", each.join(" and ")) }
}

/// What there is, as a sentence: the few that come closest to what was asked for.
/// The error is about what is missing: that the rest cannot be listed is nothing beside it.
async fn there_is<L: SingleSource>(cx: &Cx, config: &Value) -> String {
    if !L::MAY_BE_NAMED {
        return String::new();
    }
    let Ok(all) = L::list(cx, &Request::all(config)).await else { return String::new() };
    let names = sorted(all, L::order).iter().map(L::display).collect();
    closest(config, &L::arguments(), L::NOUNS, names)
}

fn closest(config: &Value, arguments: &[Attribute], nouns: &str, mut names: Vec<String>) -> String {
    let count = names.len();
    if count == 0 {
        return format!("It has no {nouns}.");
    }
    if count <= MOST_CLOSE {
        return format!("It has {}.", names.join(", "));
    }
    let open = arguments.iter().filter(|argument| !argument.sensitive);
    let asked: Vec<&str> = open.filter_map(|argument| config.get(argument.name).as_str()).collect();
    // Equally close ones stay in their order.
    names.sort_by_cached_key(|name| std::cmp::Reverse(likeness(&asked, name)));
    names.truncate(MOST_CLOSE);
    let names = names.join(", ");
    match asked.is_empty() {
        true => format!("It has {count} {nouns}, such as {names}."),
        false => format!("It has {count} {nouns}; the closest are {names}."),
    }
}

/// How much any word of a name is like any of the texts, in millionths.
pub(super) fn likeness(asked: &[&str], name: &str) -> u32 {
    let short = |text: &str| text.chars().take(100).flat_map(char::to_lowercase).collect::<String>();
    let words: Vec<_> = name.split(|c: char| " `,()".contains(c)).filter(|word| !word.is_empty()).map(short).collect();
    let asked: Vec<_> = asked.iter().flat_map(|text| meant(&short(text))).collect();
    let pairs = asked.iter().flat_map(|text| words.iter().map(move |word| alike(text, word)));
    let best = pairs.fold(0.0, f64::max) * 1_000_000.0;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a million")]
    let best = best as u32;
    best
}

/// What a text asks for: the versions that a constraint such as `>= 1.12, < 2` is about, or the text itself.
fn meant(text: &str) -> Vec<String> {
    if !text.starts_with(['<', '>', '=', '~', '!']) {
        return vec![text.to_owned()];
    }
    let wanted = text.split(',').map(str::trim).filter(|part| !part.starts_with('!'));
    let bare = wanted.map(|part| part.trim_start_matches(['<', '>', '=', '~', ' ']));
    bare.map(|version| match version.matches('.').count() {
        0 => format!("{version}.0.0"),
        1 => format!("{version}.0"),
        _ => version.to_owned(),
    })
    .collect()
}

/// How like two words are, from 0 to 1: versions as numbers, anything else letter by letter.
fn alike(a: &str, b: &str) -> f64 {
    let place = |text: &str| {
        let version = semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()?;
        let [major, minor, patch] =
            [version.major, version.minor, version.patch].map(|part| u32::try_from(part).map_or(f64::MAX, f64::from));
        Some(major * 100.0 + minor + patch / 100.0)
    };
    match (place(a), place(b)) {
        (Some(a), Some(b)) => 1.0 / (1.0 + (a - b).abs()),
        _ => strsim::jaro_winkler(a, b),
    }
}

/// Some of them, and how many more there are.
fn names<L: SingleSource>(all: &[Item<L::Object>]) -> String {
    let mut names: Vec<_> = all.iter().take(MOST_FITTING).map(L::display).collect();
    if let Some(more) = all.len().checked_sub(MOST_FITTING).filter(|more| *more > 0) {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}
