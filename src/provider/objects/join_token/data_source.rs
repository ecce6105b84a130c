//! `omni_join_token` and `omni_join_tokens`: join tokens of machines and their validity.
//! Their IDs are secrets, so messages use their names.

use super::resource::{Warning, warnings, warnings_attribute};
use super::tokens;
use crate::omni::spec::join_token::{JoinTokenSpec, JoinTokenStatusSpec};
use crate::omni::{Error, ErrorKind, Phase, labels};
use crate::provider::engine::{Cx, Object};
use crate::provider::lookup::computed::{flag, text, whole, words};
use crate::provider::lookup::{Item, ListSource, Lookup, Request, SingleSource};
use crate::provider::objects::default_join_token::setting;
use crate::provider::timestamp;
use crate::tf::check::{Rule, not_empty, one_of};
use crate::tf::schema::{Attribute, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;

pub(super) struct JoinTokens;

#[derive(Serialize)]
pub(super) struct JoinToken {
    id: String,
    name: String,
    expiration_time: Option<String>,
    revoked: bool,
    default: bool,
    state: &'static str,
    use_count: u64,
    warnings: Vec<Warning>,
    labels: Option<BTreeMap<String, String>>,
}

/// The tokens that are asked for, and whether their labels are known: before Omni 1.8 only the role `Admin` sees those.
async fn tokens_of(cx: &Cx, request: &Request<'_>) -> Result<(Vec<Object<JoinTokenSpec>>, bool), Error> {
    match request.objects::<JoinTokenSpec>(cx).await {
        Err(error) if error.is(ErrorKind::Denied) && request.query.labels.is_empty() => {
            let statuses = request.objects::<JoinTokenStatusSpec>(cx).await.map_err(|_| error)?;
            Ok((statuses.iter().map(tokens::token_of).collect(), false))
        }
        tokens => Ok((tokens?, true)),
    }
}

#[async_trait]
impl Lookup for JoinTokens {
    type Object = JoinToken;

    const NOUN: &'static str = "join token";
    const NOUNS: &'static str = "join tokens";

    fn attributes() -> Vec<Attribute> {
        vec![
            text("id", "The token itself, a secret that is stored in state.").sensitive(),
            text("name", "Name of the token; not necessarily unique."),
            text("expiration_time", "Expiration of the token, in RFC 3339; null if it does not expire."),
            flag("revoked", "Whether the token is revoked."),
            flag(
                "default",
                "Whether this is the default token, which Omni uses for installation media and join configurations that do not select one.",
            ),
            text("state", "One of `active`, `revoked`, `expired`."),
            whole("use_count", "Number of machines that have joined with it."),
            warnings_attribute(),
            words(
                "labels",
                "Labels, without Omni's system labels. Before Omni 1.8 reading labels, and therefore `label_selector`, requires the role `Admin`; otherwise they are null.",
            ),
        ]
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<JoinToken>>, Error> {
        let ((all, labelled), mut statuses, default) = tokio::try_join!(
            tokens_of(cx, request),
            request.joined::<JoinTokenStatusSpec>(cx),
            setting::default_id(cx.client(), &cx.call)
        )?;
        let now = cx.session.clock.now();
        let token = |object: Object<JoinTokenSpec>| {
            let status = statuses.remove(object.id()).unwrap_or_default();
            let item = JoinToken {
                id: object.id().to_owned(),
                name: object.spec.name.clone(),
                expiration_time: tokens::expiration(&object.spec).map(timestamp::show),
                revoked: object.spec.revoked,
                default: object.id() == default,
                state: tokens::state_of(&object.spec, now),
                use_count: status.use_count,
                warnings: warnings(status),
                labels: labelled.then(|| labels::of_users(&object.stored.metadata.labels)),
            };
            Item::new(object.id(), item)
        };
        let there = all.into_iter().filter(|object| object.stored.metadata.phase == Phase::Running);
        Ok(there.map(token).collect())
    }

    fn matches(config: &Value, found: &Item<JoinToken>) -> bool {
        let token = &found.item;
        let text = |name: &str, is: &str| config.get(name).as_str().is_none_or(|want| want == is);
        let default = config.get("default").as_bool().is_none_or(|want| want == token.default);
        text("name", &token.name) && text("state", token.state) && default
    }

    fn order(a: &Item<JoinToken>, b: &Item<JoinToken>) -> Ordering {
        (&a.item.name, &a.id).cmp(&(&b.item.name, &b.id))
    }

    fn display(found: &Item<JoinToken>) -> String {
        let state = found.item.state;
        if state == "active" { format!("`{}`", found.item.name) } else { format!("`{}` ({state})", found.item.name) }
    }
}

impl ListSource for JoinTokens {
    const NAME: &'static str = "omni_join_tokens";
    const LIST: &'static str = "join_tokens";
    const ABOUT: &'static str = "Lists join tokens and their validity, sorted by name. All filters that are set must match. \
         The tokens are secrets and are stored in state: use filters to limit them.";

    fn filters() -> Vec<Attribute> {
        vec![
            string("name").check(not_empty()).doc("Only join tokens with this name."),
            string("state")
                .check(one_of(&["active", "revoked", "expired"]))
                .doc("Only join tokens in this state: `active`, `revoked` or `expired`."),
            boolean("default").doc("Filter by default: `true` returns the default token, `false` the others."),
        ]
    }
}

impl SingleSource for JoinTokens {
    const NAME: &'static str = "omni_join_token";
    const ABOUT: &'static str = "Reads a join token by name or ID; without either, the default token. \
         The token is a secret and is stored in state; use the ephemeral resource `omni_join_token` to avoid that.";
    const ID: &'static str = "id";

    fn arguments() -> Vec<Attribute> {
        vec![
            string("name")
                .check(not_empty())
                .doc("Name of the token. It is an error if several tokens have this name."),
            string("id").sensitive().check(not_empty()).doc("The token itself, a secret that is stored in state."),
        ]
    }

    fn rules() -> Vec<Rule> {
        vec![Rule::AtMostOne(&["name", "id"])]
    }

    fn choose(config: &Value, mut fit: Vec<Item<JoinToken>>) -> Vec<Item<JoinToken>> {
        if config.get("name").is_null() && config.get("id").is_null() {
            fit.retain(|found| found.item.default);
        }
        fit
    }
}
