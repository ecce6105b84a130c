//! `omni_join_token`: a join token for machines.
//! An RPC creates it, and the ID in its response is the secret.

use super::tokens;
use crate::omni::spec::Spec;
use crate::omni::spec::join_token::{JoinTokenSpec, JoinTokenStatusSpec};
use crate::omni::{Error, ErrorKind, Key};
use crate::provider::duration;
use crate::provider::engine::codecs;
use crate::provider::engine::{
    Bind, Codec, CosiObject, Cx, Failure, Joined, Object, OneKind, Origin, ResourceType, Row, Table, Written, model,
};
use crate::provider::errors::Operation;
use crate::provider::ledger::Ticket;
use crate::provider::objects::default_join_token::setting;
use crate::provider::session::at;
use crate::provider::timestamp;
use crate::tf::check::Rule;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{Attribute, IdentitySchema, Schema, boolean, number, objects, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use setting::Successor;
use std::time::Duration;

pub(super) struct JoinToken;

/// What checks and steps look at of a token.
#[derive(Clone, Default, Deserialize)]
struct Model {
    id: Option<String>,
    name: Option<String>,
    expiration_time: Option<String>,
    ttl: Option<String>,
    revoked: Option<bool>,
    default: Option<bool>,
}

/// A machine that still needs a token.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::provider) struct Warning {
    machine: String,
    message: String,
}

impl Model {
    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    fn expires(&self) -> Option<Duration> {
        self.expiration_time.as_deref().and_then(timestamp::parse)
    }
}

/// The fact whether a token is the default one.
const IS_DEFAULT: &str = "is_default";
/// The fact what a token is good for now.
const STATE: &str = "state";

/// The machines that a token's status warns of.
pub(in crate::provider) fn warnings(status: JoinTokenStatusSpec) -> Vec<Warning> {
    status.warnings.into_iter().map(|w| Warning { machine: w.machine, message: w.message }).collect()
}

/// What describes them.
pub(in crate::provider) fn warnings_attribute() -> Attribute {
    objects(
        "warnings",
        vec![
            string("machine").computed().doc("ID (UUID) of the machine."),
            string("message").computed().doc("Why the machine still depends on the token."),
        ],
    )
    .computed()
    .doc(
        "Machines that still depend on this token because they have no unique node token yet, as of the last refresh. \
         A plan that revokes, destroys or shortens the token warns about them.",
    )
}

/// What is computed anew when a token changes.
const COMPUTED: [&str; 2] = ["state", "warnings"];

impl Table for JoinToken {
    type Spec = JoinTokenSpec;

    const NAME: &'static str = "omni_join_token";
    const NOUN: &'static str = "join token";
    const ID: &'static str = "id";

    fn rows() -> Vec<Row> {
        vec![
            string("id").computed().stays().sensitive().doc(
            "The token itself: with it, any machine can join. It is also the identity of the resource. \
             Terraform prints the `id` of a resource during an import and with `-json`, even if it is sensitive: \
             protect the state and such output.",
            ).id(),
            string("name").required().check(tokens::is_name()).doc(
            "Name of the token: 1 to 16 bytes without control characters. It need not be unique.",
            ).field("name"),
            string("expiration_time").optional_computed().stays().same_if(timestamp::same).check(timestamp::is_time()).doc(
                "When the token expires, in RFC 3339, such as `2027-01-31T12:00:00Z`; null if it does not expire. \
                 If neither this nor `ttl` is set, the token does not expire, and an expiration that was set outside of Terraform is removed.",
            ).coded("expiration_time", codecs::TIME),
            string("ttl").same_if(duration::same).check(duration::is_positive()).doc(
            "Lifetime of the token, as a Go duration such as `720h`, counted from its creation, and again from every change of this attribute. \
             An expiration that was changed outside of Terraform is kept until this changes; one that was removed is set again.",
            ).local(),
            boolean("revoked").default(false).doc(
            "Whether the token is revoked. No machine can join with a revoked token; `false` restores it.",
            ).field("revoked"),
            boolean("default").remains("Omni always has a default join token: for another one, make that the default, or set this to `false`.").doc(
            "Whether this is the default token, which Omni uses for installation media and join configurations that do not select one. \
             `true` makes it the default. On `false` or destroy the previous default is restored, if that token is still usable; otherwise the operation fails, \
             because Omni always has exactly one default. If unset, the setting is not managed. Do not combine it with an `omni_default_join_token`.",
            ).derived(),
            string("state").computed().changes_with(&["revoked", "expiration_time", "ttl"]).doc("One of `active`, `revoked`, `expired`, as of the last refresh.").derived(),
            number("use_count").computed().stays().doc("Number of machines that have joined with it, as of the last refresh.").joined::<JoinTokenStatusSpec>("use_count", Codec::Plain),
            warnings_attribute().changes_with(&["revoked", "expiration_time", "ttl"]).joined::<JoinTokenStatusSpec>("warnings", Codec::Plain),
        ]
    }

    fn derive(
        object: &Object<JoinTokenSpec>,
        joined: &Joined,
        prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        let default = match joined.fact(IS_DEFAULT) {
            Value::Null => prior.get("default"),
            known => known,
        };
        shown.set("default", if default.is_unknown() { Value::Null } else { default.clone() });
        let state = match joined.fact(STATE) {
            Value::Null => tokens::state_of(&object.spec, Duration::ZERO).into(),
            known => known.clone(),
        };
        shown.set("state", state);
        Ok(())
    }
}

#[async_trait]
impl ResourceType for JoinToken {
    const DISPLAY: &'static str = "name";

    fn about() -> Schema {
        Schema::new(
            "Manages a join token for machines. Its `id` is the token itself and is stored in state; \
             if a token is needed only during a run, use the ephemeral `omni_join_token`. \
             To rotate a token, use `replace_triggered_by` or `terraform apply -replace`, with `create_before_destroy`. \
             Creating a token requires the role `Admin`, changing or destroying it `Operator` (`Admin` before Omni 1.8).\n\n\
             ~> **Machines that still depend on a token cannot reconnect after it is revoked or destroyed.** `warnings` lists these machines, and such a plan warns about them.",
        )
        .rule(Rule::AtMostOne(&["expiration_time", "ttl"]))
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of("id", "The token itself, which is a secret.")
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        if !plan.config.get("expiration_time").is_null() {
            return;
        }
        let before = plan.prior.map_or(&Value::Null, |prior| prior.get("expiration_time"));
        let ttl = plan.planned.get("ttl");
        let counted = plan.prior.is_some_and(|prior| prior.get("ttl") == ttl);
        let next = match ttl {
            Value::Null => Value::Null,
            _ if counted && !before.is_null() => before.clone(),
            _ => Value::UNKNOWN,
        };
        if plan.prior.is_some() && &next != before {
            for name in COMPUTED {
                plan.planned.set(name, Value::UNKNOWN);
            }
        }
        plan.planned.set("expiration_time", next);
    }

    fn check_run(cx: &Cx, ticket: &Ticket, plan: &mut Plan<'_>) {
        let chosen = plan.config.get("default").as_bool() == Some(true) && plan.replace.is_empty();
        let (id, name) = (plan.planned.get("id").clone(), plan.planned.get("name").clone());
        // A name that is not known yet is one all the same.
        let name = name.as_str().unwrap_or("(known after apply)");
        setting::warn_of_rivals(cx, ticket, chosen.then_some((&id, name)), plan);
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        let now = cx.session.clock.now();
        let planned: Model = match model(&plan.planned) {
            Ok(model) => model,
            Err(_) => return Ok(()),
        };
        let prior = plan.prior.and_then(|prior| model::<Model>(prior).ok());
        warn_of_settings(&planned, prior.as_ref(), now, &mut plan.diags);
        let Some(prior) = prior else {
            return Ok(());
        };
        let id = prior.id.as_deref().unwrap_or_default();
        let name = planned.name();
        if planned.revoked == Some(true) && prior.revoked != Some(true) {
            let what = format!("Revoking join token `{name}`");
            warn_of_machines(cx, id, &what, "once it is revoked", Some("revoked"), &mut plan.diags).await?;
        }
        let end = match planned.expires() {
            Some(end) => Some(end),
            None if plan.planned.get("expiration_time").is_unknown() => {
                planned.ttl.as_deref().and_then(|ttl| after(now, ttl))
            }
            None => None,
        };
        if let Some(end) = end.filter(|end| prior.expires().is_none_or(|was| *end < was)) {
            let what = format!("An expiration of join token `{name}`");
            let when = if end <= now { "from now on".into() } else { format!("from {} on", timestamp::show(end)) };
            let cause = if planned.ttl.is_some() { "ttl" } else { "expiration_time" };
            warn_of_machines(cx, id, &what, &when, Some(cause), &mut plan.diags).await?;
        }
        if plan.config.get("default").as_bool() == Some(false) && prior.default == Some(true) {
            warn_of_succession(cx, id, name, "stays", &mut plan.diags).await?;
        }
        Ok(())
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        let Ok(prior) = model::<Model>(prior) else { return Ok(()) };
        let id = prior.id.as_deref().unwrap_or_default();
        let what = format!("Destroying join token `{}`", prior.name());
        warn_of_machines(cx, id, &what, "once it is destroyed", None, diags).await?;
        if prior.default == Some(true) {
            warn_of_succession(cx, id, prior.name(), "is", diags).await?;
        }
        if let Some(other) = setting::gives_way_only_to(cx, &JoinTokenSpec::KIND.key(id)).await? {
            diags.push(
                Diagnostic::warning(
                    format!("Join token `{}` would be the default again", prior.name()),
                    format!(
                        "This plan destroys it, and `{other}`, which is the default, restores it as the default. \
                         Omni always has a default token, and no other usable token is known that was the default before."
                    ),
                )
                .hint(
                    "Destroy it in a later apply, or make another token the default in the same apply (`default = true`, or an \
                     `omni_default_join_token`). Otherwise the apply fails.",
                )
                .at(at("default")),
            );
        }
        Ok(())
    }

    async fn resolve_import(cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        let Some(cx) = cx else { return Ok(text.to_owned()) };
        // The text may be an id, and is repeated only where it is a name.
        let all = tokens::all(cx.client(), &cx.call).await;
        let all =
            all.map_err(|e| Operation { verb: "import", noun: Self::NOUN, id: "", id_attribute: "" }.explain(&e))?;
        if all.iter().any(|token| token.id() == text) {
            return Ok(text.to_owned());
        }
        let named: Vec<_> = all.iter().filter(|token| token.spec.name == text).collect();
        if named.is_empty() {
            return Err(Diagnostic::error(
                "Could not import join token",
                "Omni has no join token with this name or ID.",
            )
            .hint("Use the name or the ID that Omni lists, and check that `endpoint` is the right Omni instance.")
            .into());
        }
        match named.as_slice() {
            [token] => Ok(token.id().to_owned()),
            named => Err(Diagnostic::error(
                format!("Could not import join token `{text}`"),
                format!("Omni has {} join tokens with the name `{text}`.", named.len()),
            )
            .hint("Import the token by its ID, which is a secret, or rename all but one of them.")
            .into()),
        }
    }
}

#[async_trait]
impl CosiObject for JoinToken {
    type Kinds = OneKind;

    const ORIGIN: Origin = Origin::Call;

    async fn before_write(cx: &Cx, wanted: &mut Value) -> Result<(), Failure> {
        if !wanted.get("expiration_time").is_set() {
            let now = cx.session.clock.now();
            let end = wanted.get("ttl").as_str().and_then(|ttl| after(now, ttl)).map(timestamp::show);
            wanted.set("expiration_time", end.into());
        }
        Ok(())
    }

    async fn facts(cx: &Cx, object: &Object<JoinTokenSpec>, joined: &mut Joined) -> Result<(), Error> {
        let default = setting::default_id(cx.client(), &cx.call).await?;
        joined.note(IS_DEFAULT, default == object.id());
        joined.note(STATE, tokens::state_of(&object.spec, cx.session.clock.now()));
        Ok(())
    }

    async fn create_by_call(cx: &Cx, wanted: &Value) -> Result<String, Failure> {
        let model: Model = model(wanted)?;
        // The name is given with the labels, in the write that follows; until then only this call knows the token.
        let name = tokens::one_off_name();
        // So does the time it lasts: a token of which nobody learns, because no answer comes, ends by itself.
        let end = cx.session.clock.now() + UNFINISHED_TTL;
        let end = model.expires().map_or(end, |wanted| wanted.min(end));
        match cx.client().make_join_token(&cx.call, &name, Some(end)).await {
            Ok(key) => Ok(key.id),
            Err(error) => {
                let diagnostic = operation("create", model.name()).explain(&error);
                Err(if error.may_have_happened() {
                    diagnostic.hint(tokens::look_for(&name)).into()
                } else {
                    diagnostic.into()
                })
            }
        }
    }

    async fn after_write(
        cx: &Cx,
        written: &Written<'_, JoinTokenSpec>,
        _wanted: &mut Value,
        _told: &mut Diagnostics,
    ) -> Result<bool, Failure> {
        let planned: Model = model(written.asked)?;
        let verb = if planned.default == Some(true) { "set the default to" } else { "replace the default" };
        let operation = Operation { verb, noun: Self::NOUN, id: planned.name(), id_attribute: "default" };
        let key = &written.object.stored.key;
        match planned.default {
            Some(true) => Ok(setting::make_default(cx, key).await.map_err(|e| operation.explain(&e))?),
            Some(false) => match setting::give_back(cx, key).await.map_err(|e| operation.explain(&e))? {
                Successor::Nobody => {
                    Err(without_successor(planned.name(), "`default = false` cannot be applied to it").into())
                }
                _ => Ok(true),
            },
            None => Ok(false),
        }
    }

    async fn before_delete(cx: &Cx, state: &Value, key: &Key) -> Result<(), Failure> {
        let model: Model = model(state)?;
        let operation = operation("destroy", model.name());
        match setting::give_back(cx, key).await {
            Ok(Successor::Nobody) => Err(without_successor(model.name(), "Omni refuses to destroy it").into()),
            Ok(Successor::Former(name)) => {
                tracing::info!(former = name, "the default join token is the former one again");
                Ok(())
            }
            Ok(Successor::Other) => Ok(()),
            // Without the right to choose, Omni itself says what is in the way.
            Err(error) if error.is(ErrorKind::Denied) => Ok(()),
            Err(error) => Err(operation.explain(&error).into()),
        }
    }
}

fn operation<'a>(verb: &'a str, name: &'a str) -> Operation<'a> {
    Operation { verb, noun: JoinToken::NOUN, id: name, id_attribute: "name" }
}

/// How long a token lasts that is made and not finished.
const UNFINISHED_TTL: Duration = Duration::from_secs(15 * 60);

/// The time so long after `now`, to the second.
fn after(now: Duration, ttl: &str) -> Option<Duration> {
    let ttl = duration::of(ttl)?;
    Some(Duration::from_secs((now + ttl).as_secs()))
}

/// What Omni takes, and is hardly meant.
fn warn_of_settings(planned: &Model, prior: Option<&Model>, now: Duration, diags: &mut Diagnostics) {
    let name = planned.name();
    let over = |model: &Model| model.expires().is_some_and(|end| end <= now);
    if over(planned) && prior.is_none() {
        diags.push(
            Diagnostic::warning(
                format!("Join token `{name}` is created after its expiration"),
                "Its `expiration_time` has passed, so no machine can join with it.",
            )
            .hint("Choose a later time, or a `ttl`.")
            .at(at("expiration_time")),
        );
    }
    let changes = prior.is_none_or(|p| p.default != planned.default || p.revoked != planned.revoked);
    if planned.default == Some(true) && planned.revoked == Some(true) && changes {
        diags.push(
            Diagnostic::warning(
                format!("The default join token `{name}` is revoked"),
                "Installation media and join configurations use the default token, so machines that boot from new ones cannot join.",
            )
            .hint("Make another token the default.")
            .at(at("revoked")),
        );
    }
}

/// Names the machines that need the token still.
async fn warn_of_machines(
    cx: &Cx,
    id: &str,
    what: &str,
    when: &str,
    attribute: Option<&str>,
    diags: &mut Diagnostics,
) -> Result<(), Error> {
    let machines = tokens::dependents(cx, id).await?;
    if machines.is_empty() {
        return Ok(());
    }
    let diagnostic = Diagnostic::warning(
        format!("{what} disconnects machines"),
        format!(
            "These machines have joined with it and have no unique node token, so they cannot reconnect to Omni {when}:\n{}",
            machines.join("\n")
        ),
    )
    .hint("Install a Talos version that supports unique node tokens on them, or continue if you can lose them.");
    diags.push(match attribute {
        Some(attribute) => diagnostic.at(at(attribute)),
        None => diagnostic,
    });
    Ok(())
}

/// Says who becomes the default when this one is no longer; `verb` fits "the default".
async fn warn_of_succession(cx: &Cx, id: &str, name: &str, verb: &str, diags: &mut Diagnostics) -> Result<(), Error> {
    let key = JoinTokenSpec::KIND.key(id);
    if setting::default_id(cx.client(), &cx.call).await? != id {
        return Ok(());
    }
    let diagnostic = match setting::staying_former(cx, &key).await? {
        Some(former) => Diagnostic::warning(
            format!("Join token `{name}` is the default"),
            format!("The default is restored to `{}`, the previous default.", former.spec.name),
        )
        .hint("To make another token the default, set `default = true` on that one."),
        None => Diagnostic::warning(
            format!("Join token `{name}` {verb} the default"),
            "Omni always has a default token, and no other usable token is known that was the default before.",
        )
        .hint(
            "Make another token the default in the same apply (`default = true`, or an `omni_default_join_token`), \
             or select another one in Omni first. Otherwise the apply fails.",
        ),
    };
    diags.push(diagnostic.at(at("default")));
    Ok(())
}

fn without_successor(name: &str, so: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Join token `{name}` is still the default"),
        format!("Omni always has a default token, and no usable token is known that was the default before: {so}."),
    )
    .hint(
        "Make another token the default, with `default = true` on its `omni_join_token`, with an `omni_default_join_token`, \
         or in Omni, and apply again. To keep the token in Omni, remove it from the state with a `removed` block.",
    )
    .at(at("default"))
}
