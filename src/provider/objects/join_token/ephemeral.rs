//! `omni_join_token`: a join token for the duration of a run, stored nowhere.
//! An existing token is only read; one that is created on open is renewed while it is used, and removed on close.

use super::tokens;
use super::tokens::Token;
use crate::omni::spec;
use crate::omni::spec::join_token::JoinTokenSpec;
use crate::omni::spec::merge_owned;
use crate::omni::{Call, Error, Key, Phase, Resource as Stored, labels};
use crate::provider::duration;
use crate::provider::engine::{Cx, Object};
use crate::provider::errors::Operation;
use crate::provider::objects::default_join_token::setting;
use crate::provider::session::{Handle, at};
use crate::provider::timestamp;
use crate::tf::check::{Check, Rule};
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::done::Done;
use crate::tf::ephemeral::{Ephemeral, Opened, Renewed};
use crate::tf::resource::{Context, Private};
use crate::tf::schema::{Schema, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::go_duration;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub(super) struct JoinToken {
    schema: Schema,
    handle: Handle,
}

impl JoinToken {
    pub(super) fn ephemeral(handle: &Handle) -> Arc<dyn Ephemeral> {
        Arc::new(Self { schema: schema(), handle: handle.clone() })
    }
}

/// How long taking back may take: the host waits for it, also after Ctrl-C.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(60);
/// Shorter ones would end between two renewals when Omni is slow to answer.
const SHORTEST: Duration = Duration::from_secs(10);
/// Under which name the mark of a token that was made is kept for renewals and the closing. It is no secret.
const MARK: &str = "mark";
/// The same for the token's lifetime, in seconds.
const TTL: &str = "ttl";
/// The same for its name.
const NAME: &str = "name";

fn schema() -> Schema {
    Schema::new(
        "Reads a join token, or creates one for the duration of a run; never written to state or plan. Use it to provision machines, for example in a provisioner or in user data in a write-only attribute. \
         With `ttl` it creates a new token in every plan and every apply, renews it during the run, \
         and removes it at the end. Without `ttl` it reads an existing token: the one with this `name` or `id`, otherwise the default token.\n\n\
         Machines must join before the run ends, so that they get their unique node token: \
         let the configuration wait for them, for example with `omni_machine` and `wait_for_registration`. \
         A token that machines still depend on is not removed at the end, but expires, with a warning that lists these machines. \
         If it remains nevertheless, because Omni was unreachable or the computer crashed, it expires at most `ttl` later; its name begins with `tf-` unless `name` is set.\n\n\
         Creating a token requires the role `Admin`, reading one `Reader`.",
    )
    .with(string("name").optional_computed().check(tokens::is_name()).doc(
        "With `ttl`, the name of the new token, 1 to 16 bytes. Defaults to a random name that begins with `tf-`. \
         Without `ttl`, the name of an existing token; it is an error if several tokens have this name.",
    ))
    .with(string("id").optional_computed().sensitive().doc(
        "The token itself. Can be set instead of `name`, to read an existing token.",
    ))
    .with(string("ttl").check(is_ttl()).doc(
        "Creates a token with this lifetime, as a Go duration of at least `10s`. The token is renewed during the run, so that a few minutes are enough.",
    ))
    .with(string("expiration_time").computed().doc(
        "Expiration of the token, in RFC 3339, unless it is renewed; null if it does not expire.",
    ))
    .with(boolean("default").computed().doc("Whether this is the default token."))
    .rule(Rule::AtMostOne(&["name", "id"]))
    .rule(Rule::AtMostOne(&["ttl", "id"]))
}

fn is_ttl() -> Check {
    duration::checked(|text, ttl| match ttl.to_std() {
        Some(ttl) if ttl >= SHORTEST => Ok(()),
        _ => Err(format!("`{text}` is too short: a token that is renewed must be good for at least `10s`.")),
    })
}

fn operation<'a>(verb: &'a str, name: &'a str) -> Operation<'a> {
    Operation { verb, noun: "join token", id: name, id_attribute: "name" }
}

/// How a token that was made is found again: its id is a secret, and what is kept for later must not hold one.
struct Made {
    mark: String,
    name: String,
    ttl: Duration,
}

impl Made {
    fn keep(&self) -> Private {
        let mut private = Private::default();
        private.set(MARK, &self.mark);
        private.set(NAME, &self.name);
        private.set(TTL, self.ttl.as_secs());
        private
    }

    fn load(private: &Private) -> Option<Self> {
        let ttl = Duration::from_secs(private.get(TTL)?);
        Some(Self { mark: private.get(MARK)?, name: private.get(NAME)?, ttl })
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Token>, Error> {
        // A run may be over before a list shows what it began with.
        let marked = |token: &Stored| token.metadata.annotations.get(labels::OPERATION) == Some(&self.mark);
        cx.client().join_token_where(&cx.call, marked).await?.map(Object::decode).transpose()
    }

    /// When it has to be renewed: early enough for a second try.
    fn renewal(&self, now: Duration) -> Duration {
        now + self.ttl / 2
    }
}

#[async_trait]
impl Described for JoinToken {
    fn type_name(&self) -> &'static str {
        "omni_join_token"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl Ephemeral for JoinToken {
    async fn open(&self, context: &Context, config: Value) -> Result<Done<Opened>, Diagnostics> {
        let cx = self.cx(&context.cancel, None)?;
        match config.get("ttl").as_str() {
            Some(ttl) => {
                let ttl = duration::of(ttl).unwrap_or(SHORTEST);
                open_new(&cx, ttl, config).await
            }
            None => open_existing(&cx, config).await,
        }
    }

    async fn renew(&self, context: &Context, private: Private) -> Result<Done<Renewed>, Diagnostics> {
        let Some(made) = Made::load(&private) else { return Ok(Renewed { private, ..Renewed::default() }.into()) };
        let cx = self.cx(&context.cancel, None)?;
        let operation = operation("renew", &made.name);
        let Some(token) = made.find(&cx).await.map_err(|e| operation.explain(&e))? else {
            return Err(Diagnostic::error(operation.summary(), "The token was removed while it was in use.")
                .hint("Apply again.")
                .into());
        };
        let now = cx.session.clock.now();
        let end = now + made.ttl;
        change(&cx, &token.stored.key, |spec| spec.expiration_time = Some(timestamp::to_proto(end)), &[])
            .await
            .map_err(|e| operation.explain(&e))?;
        Ok(Renewed { private, renew_at: Some(made.renewal(now)) }.into())
    }

    async fn close(&self, _context: &Context, private: Private) -> Result<Done<()>, Diagnostics> {
        let Some(made) = Made::load(&private) else { return Ok(().into()) };
        // A host that was told to stop closes all the same, and nothing else takes the token back.
        let cx = self.cx(&CancellationToken::new(), Some(REVOKE_TIMEOUT))?;
        let failed = |error: &Error| {
            operation("remove", &made.name).explain(error).hint(format!(
                "The token expires at most {} after its last renewal; you can also remove it in Omni.",
                go_duration::GoDuration::from_std(made.ttl).unwrap_or_default()
            ))
        };
        let Some(token) = made.find(&cx).await.map_err(|e| failed(&e))? else { return Ok(().into()) };
        let dependents = tokens::dependents(&cx, token.id()).await.map_err(|e| failed(&e))?;
        if !dependents.is_empty() {
            let end = tokens::expiration(&token.spec).map(timestamp::show).unwrap_or_default();
            return Ok(Done::from(()).warn(Diagnostic::warning(
                format!("Join token `{}` is not removed yet", made.name),
                format!(
                    "These machines have joined with it and have no unique node token yet, \
                     so they could not reconnect to Omni without it:\n{}\nIt expires at {end}; after that they cannot reconnect.",
                    dependents.join("\n")
                ),
            )
            .hint("Install Talos on them before the run ends, or use a permanent `omni_join_token`. Remove the token in Omni when it is no longer needed.")));
        }
        cx.client().remove(&cx.call, &token.stored.key).await.map(Done::from).map_err(|e| failed(&e).into())
    }
}

impl JoinToken {
    fn cx(&self, cancel: &CancellationToken, limit: Option<Duration>) -> Result<Cx, Diagnostic> {
        let session = self.handle.session()?;
        let call = Call::within(limit.unwrap_or(session.timeouts.create), cancel);
        Ok(Cx { session, call })
    }
}

async fn open_existing(cx: &Cx, mut config: Value) -> Result<Done<Opened>, Diagnostics> {
    let (name, id) = (config.get("name").as_str().map(str::to_owned), config.get("id").as_str().map(str::to_owned));
    let operation = operation("open", name.as_deref().unwrap_or_default());
    let explain = |error: Error| Diagnostics::from(operation.explain(&error));
    let default = setting::default_id(cx.client(), &cx.call).await.map_err(explain)?;
    let token = tokens::one(cx, name.as_deref(), id.as_deref().or(name.is_none().then_some(&*default))).await?;
    let state = tokens::state_of(&token.spec, cx.session.clock.now());
    if state != "active" {
        let name = &token.spec.name;
        return Err(Diagnostic::error(format!("Join token `{name}` is {state}"), "No machine can join with it.")
            .hint("Select an active token, renew this one, or set `ttl` to create one.")
            .at(at(if config.get("id").is_null() { "name" } else { "id" }))
            .into());
    }
    fill(&mut config, &token, token.id() == default);
    Ok(Opened::new(config).into())
}

async fn open_new(cx: &Cx, ttl: Duration, mut config: Value) -> Result<Done<Opened>, Diagnostics> {
    let one_off = tokens::one_off_name();
    let name = config.get("name").as_str().unwrap_or(&one_off).to_owned();
    let operation = operation("create", &name);
    cx.session.may_write("create", &format!("{} (omni_join_token)", operation.what()))?;
    let now = cx.session.clock.now();
    let made = Made { mark: uuid::Uuid::new_v4().to_string(), name: name.clone(), ttl };
    let key = cx.client().make_join_token(&cx.call, &one_off, Some(now + ttl)).await.map_err(|error| {
        let diagnostic = operation.explain(&error);
        if error.may_have_happened() { diagnostic.hint(tokens::look_for(&one_off)) } else { diagnostic }
    })?;
    let marks = [(labels::OPERATION, made.mark.as_str()), (labels::MANAGED_BY, cx.session.managed_by.as_str())];
    let token = match change(cx, &key, |spec| spec.name.clone_from(&name), &marks).await {
        Ok(token) => token,
        Err(error) => return Err(taken_back(cx, &key, &one_off, operation.explain(&error)).await),
    };
    fill(&mut config, &token, false);
    let renew_at = Some(made.renewal(now));
    Ok(Opened { value: config, private: made.keep(), renew_at }.into())
}

/// Hosts close only what was opened, so what could not be finished goes at once.
async fn taken_back(cx: &Cx, key: &Key, name: &str, why: Diagnostic) -> Diagnostics {
    let call = Call::within(REVOKE_TIMEOUT, &CancellationToken::new());
    let mut diags = Diagnostics::from(why);
    if let Err(error) = cx.client().remove(&call, key).await {
        let left = operation("remove", name).explain(&error);
        diags.push(left.hint("The token expires when its `ttl` has passed; you can also remove it in Omni."));
    }
    diags
}

/// Writes the token that was made, whoever else writes to it.
async fn change(
    cx: &Cx,
    key: &Key,
    edit: impl Fn(&mut JoinTokenSpec) + Send + Sync,
    annotations: &[(&str, &str)],
) -> Result<Token, Error> {
    let change = |stored: &mut Stored| {
        let mut spec = spec::decode::<JoinTokenSpec>(stored)?;
        edit(&mut spec);
        stored.spec = merge_owned(&stored.spec, &spec, &["expiration_time", "name"])?;
        for (name, value) in annotations {
            stored.metadata.annotations.insert((*name).to_owned(), (*value).to_owned());
        }
        Ok(())
    };
    let modified = cx.client().modify(&cx.call, key, Some(Phase::Running), change).await?;
    Object::decode(modified.into_resource())
}

fn fill(value: &mut Value, token: &Token, default: bool) {
    value.set("id", token.id().into());
    value.set("name", token.spec.name.as_str().into());
    value.set("expiration_time", tokens::expiration(&token.spec).map(timestamp::show).into());
    value.set("default", default.into());
}
