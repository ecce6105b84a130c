//! The setting of the default join token: selecting a token, and restoring the previous one.
//! There always is exactly one default, and Omni does not allow removing it.

use crate::omni::spec;
use crate::omni::spec::Spec;
use crate::omni::spec::join_token::{DefaultJoinTokenSpec, JoinTokenSpec, JoinTokenStatusSpec, default_key};
use crate::omni::spec::merge_owned;
use crate::omni::{Call, Client, Current, Error, ErrorKind, Key, Phase, Query, Resource as Stored, labels};
use crate::provider::engine::Cx;
use crate::provider::ledger::{ObjectKey, Ticket};
use crate::provider::objects::join_token::tokens::{Token, all, find, state_of};
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::value::Value;
use futures_util::FutureExt as _;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How many former defaults a token remembers.
const REMEMBERED: usize = 8;
/// How long another resource of the same apply is given to make its token the default.
const SUCCESSOR_TIMEOUT: Duration = Duration::from_secs(15);

/// The id of the default token.
pub(crate) async fn default_id(client: &Client, call: &Call) -> Result<String, Error> {
    match client.get_swept(call, &default_key()).await {
        Err(error) if error.is(ErrorKind::Denied) => {
            let statuses = client.list(call, JoinTokenStatusSpec::KIND, &Query::all()).await.map_err(|_| error)?;
            for status in statuses {
                if spec::decode::<JoinTokenStatusSpec>(&status)?.is_default {
                    return Ok(status.key.id);
                }
            }
            Ok(String::new())
        }
        stored => Ok(spec::decode::<DefaultJoinTokenSpec>(&stored?)?.token_id),
    }
}

/// What names a token without telling it.
fn fingerprint(id: &str) -> String {
    Sha256::digest(id.as_bytes()).iter().take(12).map(|b| format!("{b:02x}")).collect()
}

/// What the ledger calls the place of the default token.
const PLACE: &str = "the place of the default join token";

/// Warns of a plan that wants another default token than a plan of another resource: each apply would give the place to the
/// other one. `id` is the token that is to have it, or unknown; `name` is its name, or empty where only the id is known.
pub(crate) fn warn_of_rivals(cx: &Cx, ticket: &Ticket, token: Option<(&Value, &str)>, plan: &mut Plan<'_>) {
    let claim = token.map(|(id, name)| Value::object([("id", id.clone()), ("name", name.into())]));
    let rivals = cx.session.ledger.claim(PLACE, ticket, claim.as_ref());
    let (Some((id, name)), true) = (token, plan.replace.is_empty()) else { return };
    // A reference to the token and the token itself want the same, and what is referred to may not have an id yet.
    let differs = |rival: &&Value| {
        let other = rival.get("id");
        let both_tokens = !name.is_empty() && !rival.get("name").as_str().unwrap_or_default().is_empty();
        both_tokens || (!id.is_unknown() && !other.is_unknown() && id != other)
    };
    let Some(rival) = rivals.iter().find(differs) else { return };
    let by = |name: &str| match name {
        "" => "an `omni_default_join_token`".to_owned(),
        name => format!("`default = true` of the `omni_join_token` named `{name}`"),
    };
    plan.diags.push(
        Diagnostic::warning(
            "Two default join tokens are planned",
            format!(
                "Omni has one default join token, and two resources of this configuration select different ones: {}, and {}. \
                 Each apply changes the default again, so that no plan is empty.",
                by(rival.get("name").as_str().unwrap_or_default()),
                by(name)
            ),
        )
        .hint("Select the default token in one place.")
        .at(Path::of(if name.is_empty() { "token_id" } else { "default" })),
    );
}

/// Makes the token the default one; says whether it was not before.
/// The token remembers which one it took over from, as a digest, so that it can give the place back.
pub(crate) async fn make_default(cx: &Cx, token: &Key) -> Result<bool, Error> {
    let attempt = |current: Current| {
        async move {
            let current = current.read?;
            let before = chosen(&current)?;
            if before == token.id {
                return Ok(false);
            }
            remember_before(cx, token, &before).await?;
            choose(cx, current, &token.id).await.map(|()| true)
        }
        .boxed()
    };
    cx.client().retry_conflicts(&cx.call, &default_key(), attempt).await
}

/// Has a token that is about to be the default remember which one it takes over from. One that does not exist, or may not be
/// changed, remembers nothing: the write that follows says what is wrong.
pub(super) async fn note_former(cx: &Cx, token: &str) -> Result<(), Error> {
    let before = default_id(cx.client(), &cx.call).await?;
    if before == token {
        return Ok(());
    }
    match remember_before(cx, &JoinTokenSpec::KIND.key(token), &before).await {
        Err(error) if error.is(ErrorKind::NotFound) || error.is(ErrorKind::Denied) => Ok(()),
        noted => noted,
    }
}

/// Who is the default token after one gave up the place.
pub(crate) enum Successor {
    /// It was another one already, or has become it meanwhile.
    Other,
    /// One that was the default before: this name.
    Former(String),
    /// There is none that could be, so it still is the default.
    Nobody,
}

/// Gives the place of the default token back to the one that had it before.
/// Without one, another resource of the same apply is given a little time to take it.
pub(crate) async fn give_back(cx: &Cx, token: &Key) -> Result<Successor, Error> {
    let attempt = |current: Current| {
        async move {
            let current = current.read?;
            if chosen(&current)? != token.id {
                return Ok(Successor::Other);
            }
            let Some(former) = former(cx, token).await? else { return succession(cx, token).await };
            choose(cx, current, former.id()).await?;
            Ok(Successor::Former(former.spec.name))
        }
        .boxed()
    };
    cx.client().retry_conflicts(&cx.call, &default_key(), attempt).await
}

/// The last one that was the default before `token`, and can still be.
pub(crate) async fn former(cx: &Cx, token: &Key) -> Result<Option<Token>, Error> {
    former_of(cx, token, |_| true).await
}

/// The same in a plan: one that this run is known to destroy cannot be the default again.
pub(crate) async fn staying_former(cx: &Cx, token: &Key) -> Result<Option<Token>, Error> {
    former_of(cx, token, |other| !cx.session.ledger.goes(&ObjectKey::from(&JoinTokenSpec::KIND.key(other)))).await
}

/// The token that is the default now and gives up the place in this run to `token`, and to no other one: its name.
pub(crate) async fn gives_way_only_to(cx: &Cx, token: &Key) -> Result<Option<String>, Error> {
    let ledger = &cx.session.ledger;
    let now = JoinTokenSpec::KIND.key(default_id(cx.client(), &cx.call).await?);
    let key = ObjectKey::from(&now);
    let steps_down = ledger.planned(&key).is_some_and(|planned| planned.get("default").as_bool() == Some(false));
    if now == *token || !(ledger.is_planned_to_go(&key) || steps_down) {
        return Ok(None);
    }
    let to_this = former(cx, &now).await?.is_some_and(|former| former.id() == token.id);
    if !to_this || staying_former(cx, &now).await?.is_some() {
        return Ok(None);
    }
    Ok(find(cx, &now.id).await?.map(|now| now.spec.name))
}

async fn former_of(cx: &Cx, token: &Key, stays: impl Fn(&str) -> bool) -> Result<Option<Token>, Error> {
    let Some(stored) = find(cx, &token.id).await? else { return Ok(None) };
    let note = remembered(&stored);
    if note.is_empty() {
        return Ok(None);
    }
    let now = cx.session.clock.now();
    let mut usable = all(cx.client(), &cx.call).await?;
    usable.retain(|other| other.id() != token.id && stays(other.id()) && state_of(&other.spec, now) == "active");
    let position = note.iter().find_map(|mark| usable.iter().position(|other| fingerprint(other.id()) == *mark));
    Ok(position.map(|i| usable.swap_remove(i)))
}

async fn succession(cx: &Cx, token: &Key) -> Result<Successor, Error> {
    let call = Call::within(SUCCESSOR_TIMEOUT.min(cx.call.remaining()), &cx.call.cancel);
    let other = |stored: Option<&Stored>| {
        let now = spec::decode::<DefaultJoinTokenSpec>(stored?).ok()?.token_id;
        (now != token.id).then_some(())
    };
    match cx.client().wait_for(&call, &default_key(), "another join token to become the default", other).await {
        Ok(()) => Ok(Successor::Other),
        Err(error) if error.is(ErrorKind::Timeout) => Ok(Successor::Nobody),
        Err(error) => Err(error),
    }
}

/// The id of the token that is the default.
fn chosen(stored: &Stored) -> Result<String, Error> {
    spec::decode::<DefaultJoinTokenSpec>(stored).map(|spec| spec.token_id)
}

async fn choose(cx: &Cx, current: Stored, id: &str) -> Result<(), Error> {
    let wanted = DefaultJoinTokenSpec { token_id: id.to_owned() };
    let mut next = current.clone();
    next.spec = merge_owned(&current.spec, &wanted, &["token_id"])?;
    let chosen = cx.client().update(&cx.call, next, Some(Phase::Running)).await?;
    // An `omni_default_join_token` of the same apply may select another one afterwards.
    cx.session.ledger.note_side_change(&current, &chosen);
    Ok(())
}

fn remembered(token: &Token) -> Vec<String> {
    let note = token.stored.metadata.annotations.get(labels::DEFAULT_BEFORE);
    note.map(|note| note.split(',').map(str::to_owned).collect()).unwrap_or_default()
}

async fn remember_before(cx: &Cx, token: &Key, before: &str) -> Result<(), Error> {
    let mut note = vec![fingerprint(before)];
    if let Some(before) = find(cx, before).await? {
        note.extend(remembered(&before));
    }
    note.truncate(REMEMBERED);
    remember(cx, token, &note.join(",")).await
}

async fn remember(cx: &Cx, token: &Key, note: &str) -> Result<(), Error> {
    let change = |current: &mut Stored| {
        current.metadata.annotations.insert(labels::DEFAULT_BEFORE.to_owned(), note.to_owned());
        Ok(())
    };
    cx.client().modify(&cx.call, token, Some(Phase::Running), change).await.map(drop)
}
