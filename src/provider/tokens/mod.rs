//! Join tokens, beyond reading and writing one: finding them, the choice of the default one, and whom they keep out.
//! The id of a token is a secret, so everything here speaks of tokens by name.

use super::crud::{Cx, Object};
use super::explain::Doing;
use super::time;
use crate::omni::spec::join_token::{DefaultJoinTokenSpec, JoinTokenSpec, JoinTokenStatusSpec, default_key};
use crate::omni::spec::{self, Spec, merge_owned};
use crate::omni::{Call, Class, Client, Error, Key, Phase, Query, Resource as Stored, labels};
use crate::pb::specs::MachineStatusSpec;
use crate::tf::check::Check;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The most bytes that Omni takes for the name of a token.
const LONGEST_NAME: usize = 16;
/// How often a write that loses a race is decided anew.
const RACES: usize = 5;
/// How many former defaults a token remembers.
const REMEMBERED: usize = 8;
/// How long another resource of the same apply is given to make its token the default.
const SUCCESSION: Duration = Duration::from_secs(15);
/// How many machines a warning names.
const NAMED: usize = 20;

/// A token as it is stored.
pub(crate) type Token = Object<JoinTokenSpec>;

/// The text can name a token.
pub(crate) fn is_name() -> Check {
    Check::text(|text| match text.len() {
        0 => Err("The name must not be empty.".into()),
        n if n > LONGEST_NAME => Err(format!("`{text}` has {n} bytes, and Omni takes at most {LONGEST_NAME}.")),
        _ if text.chars().any(char::is_control) => Err("The name must not hold control characters.".into()),
        _ => Ok(()),
    })
}

/// A name that no token ever had: it tells the one that a call made from all others.
pub(crate) fn one_off_name() -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("tf-{}", &random[..LONGEST_NAME - 3])
}

/// Whether a call that ended so may have made a token all the same.
pub(crate) fn is_uncertain(error: &Error) -> bool {
    matches!(error, Error::Transport { maybe_sent: true, .. } | Error::Timeout { .. } | Error::Cancelled { .. })
}

/// What to do about a token that may have been made, and cannot be found from here.
pub(crate) fn look_for(name: &str) -> String {
    format!(
        "Omni may have made the token all the same. It would be there under the one-off name `{name}`, with which every \
         token begins: look for it among the join tokens in Omni, and delete it if it is there. Then apply again."
    )
}

/// One word for what a token is good for.
pub(crate) fn state_of(spec: &JoinTokenSpec, now: Duration) -> &'static str {
    if spec.revoked {
        "revoked"
    } else if spec.expiration_time.is_some_and(|end| time::from_proto(&end) <= now) {
        "expired"
    } else {
        "active"
    }
}

/// When a token expires; `None` for never.
pub(crate) fn expiration(spec: &JoinTokenSpec) -> Option<Duration> {
    spec.expiration_time.as_ref().map(time::from_proto)
}

/// All tokens, without those that are on their way out.
pub(crate) async fn all(client: &Client, call: &Call) -> Result<Vec<Token>, Error> {
    let stored = client.list(call, JoinTokenSpec::KIND, &Query::all()).await?;
    let all = stored.into_iter().filter(|token| token.metadata.phase == Phase::Running).map(Object::decode);
    all.collect()
}

/// The one token of this name, or of this id.
///
/// # Errors
/// When there is none, or more than one of the name.
pub(crate) async fn one(cx: &Cx, name: Option<&str>, id: Option<&str>) -> Result<Token, Diagnostic> {
    let shown = name.unwrap_or_default();
    let doing = Doing { verb: "find", noun: "join token", id: shown, id_attribute: "name" };
    if let Some(id) = id {
        return match find(cx, id).await {
            Ok(Some(token)) => Ok(token),
            // An id is a secret, and is not repeated.
            Ok(None) => Err(Diagnostic::error(doing.summary(), "Omni has no join token of this `id`.")
                .hint("Check that the id is whole, and that `endpoint` leads to the right Omni.")
                .at(Path::of("id"))),
            Err(error) => Err(doing.explain(&error)),
        };
    }
    let mut named = all(cx.client(), &cx.call).await.map_err(|error| doing.explain(&error))?;
    named.retain(|token| token.spec.name == shown);
    match (named.len(), named.pop()) {
        (1, Some(token)) => Ok(token),
        (0, _) => Err(Diagnostic::error(doing.summary(), format!("Omni has no join token of the name `{shown}`."))
            .hint("Check the name. For a token that the same configuration makes, refer to its `id`, so that the read waits for it.")
            .at(Path::of("name"))),
        (n, _) => Err(Diagnostic::error(doing.summary(), format!("Omni has {n} join tokens of the name `{shown}`."))
            .hint("Rename all but one of them, or give the `id` instead.")
            .at(Path::of("name"))),
    }
}

/// The id of the default token.
pub(crate) async fn default_id(client: &Client, call: &Call) -> Result<String, Error> {
    let stored = client.get(call, &default_key()).await?;
    Ok(spec::decode::<DefaultJoinTokenSpec>(&stored)?.token_id)
}

/// What names a token without telling it.
fn fingerprint(id: &str) -> String {
    Sha256::digest(id.as_bytes()).iter().take(12).map(|b| format!("{b:02x}")).collect()
}

/// Makes the token the default one; says whether it was not before.
/// The token remembers which one it took over from, as a digest, so that it can give the place back.
pub(crate) async fn make_default(cx: &Cx, token: &Key) -> Result<bool, Error> {
    let mut last = None;
    for _ in 0..RACES {
        let (current, before) = default(cx).await?;
        if before == token.id {
            return Ok(false);
        }
        let mut note = vec![fingerprint(&before)];
        if let Some(before) = find(cx, &before).await? {
            note.extend(remembered(&before));
        }
        note.truncate(REMEMBERED);
        remember(cx, token, &note.join(",")).await?;
        match choose(cx, current, &token.id).await {
            Err(error) if error.is(Class::Conflict) => last = Some(error),
            other => return other.map(|()| true),
        }
    }
    Err(last.unwrap_or_else(|| Error::Cancelled { what: "the choice of the default join token".into() }))
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
    let mut last = None;
    for _ in 0..RACES {
        let (current, now) = default(cx).await?;
        if now != token.id {
            return Ok(Successor::Other);
        }
        let Some(former) = former(cx, token).await? else { return succession(cx, token).await };
        match choose(cx, current, former.id()).await {
            Err(error) if error.is(Class::Conflict) => last = Some(error),
            other => return other.map(|()| Successor::Former(former.spec.name)),
        }
    }
    Err(last.unwrap_or_else(|| Error::Cancelled { what: "the choice of the default join token".into() }))
}

/// The last one that was the default before `token`, and can still be.
pub(crate) async fn former(cx: &Cx, token: &Key) -> Result<Option<Token>, Error> {
    let Some(stored) = find(cx, &token.id).await? else { return Ok(None) };
    let note = remembered(&stored);
    if note.is_empty() {
        return Ok(None);
    }
    let now = cx.session.clock.now();
    let mut usable = all(cx.client(), &cx.call).await?;
    usable.retain(|other| other.id() != token.id && state_of(&other.spec, now) == "active");
    let position = note.iter().find_map(|mark| usable.iter().position(|other| fingerprint(other.id()) == *mark));
    Ok(position.map(|i| usable.swap_remove(i)))
}

async fn succession(cx: &Cx, token: &Key) -> Result<Successor, Error> {
    let call = Call::within(SUCCESSION.min(cx.call.remaining()), &cx.call.cancel);
    let other = |stored: Option<&Stored>| {
        let chosen = spec::decode::<DefaultJoinTokenSpec>(stored?).ok()?.token_id;
        (chosen != token.id).then_some(())
    };
    match cx.client().wait_for(&call, &default_key(), "another join token to become the default", other).await {
        Ok(()) => Ok(Successor::Other),
        Err(error) if error.is(Class::Timeout) => Ok(Successor::Nobody),
        Err(error) => Err(error),
    }
}

async fn default(cx: &Cx) -> Result<(Stored, String), Error> {
    let stored = cx.client().get(&cx.call, &default_key()).await?;
    let id = spec::decode::<DefaultJoinTokenSpec>(&stored)?.token_id;
    Ok((stored, id))
}

async fn choose(cx: &Cx, mut current: Stored, id: &str) -> Result<(), Error> {
    let wanted = DefaultJoinTokenSpec { token_id: id.to_owned() };
    current.spec = merge_owned(&current.spec, &wanted, &["token_id"])?;
    cx.client().update(&cx.call, current, Some(Phase::Running)).await.map(drop)
}

async fn find(cx: &Cx, id: &str) -> Result<Option<Token>, Error> {
    if id.is_empty() {
        return Ok(None);
    }
    match cx.client().get(&cx.call, &JoinTokenSpec::KIND.key(id)).await {
        Ok(stored) => Object::decode(stored).map(Some),
        Err(error) if error.is(Class::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn remembered(token: &Token) -> Vec<String> {
    let note = token.stored.metadata.annotations.get(labels::DEFAULT_BEFORE);
    note.map(|note| note.split(',').map(str::to_owned).collect()).unwrap_or_default()
}

async fn remember(cx: &Cx, token: &Key, note: &str) -> Result<(), Error> {
    let mut last = None;
    for _ in 0..RACES {
        let mut current = cx.client().get(&cx.call, token).await?;
        if current.metadata.annotations.get(labels::DEFAULT_BEFORE).is_some_and(|was| was == note) {
            return Ok(());
        }
        current.metadata.annotations.insert(labels::DEFAULT_BEFORE.to_owned(), note.to_owned());
        match cx.client().update(&cx.call, current, Some(Phase::Running)).await {
            Err(error) if error.is(Class::Conflict) => last = Some(error),
            other => return other.map(drop),
        }
    }
    Err(last.unwrap_or_else(|| Error::Cancelled { what: "the note on a join token".into() }))
}

/// The machines that could not come back without the token, a line each.
pub(crate) async fn dependents(cx: &Cx, id: &str) -> Result<Vec<String>, Error> {
    let Some(status) = cx.find::<JoinTokenStatusSpec>(id).await? else { return Ok(Vec::new()) };
    let mut lines = Vec::new();
    for warning in status.spec.warnings.iter().take(NAMED) {
        let machine = cx.find::<MachineStatusSpec>(&warning.machine).await?;
        let hostname = machine.and_then(|m| m.spec.network).map(|n| n.hostname).filter(|name| !name.is_empty());
        let name = match hostname {
            Some(hostname) => format!("`{hostname}` ({})", warning.machine),
            None => format!("`{}`", warning.machine),
        };
        lines.push(format!("  - {name}: {}", crate::tf::diag::sentence(&warning.message)));
    }
    if status.spec.warnings.len() > NAMED {
        lines.push(format!("  - and {} more", status.spec.warnings.len() - NAMED));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::value::Value;

    #[test]
    fn names() {
        for (name, problem) in [
            ("", "empty"),
            ("sixteen bytes ok", ""),
            ("seventeen bytes!!", "17 bytes"),
            ("nine äöüäöü", "17 bytes"),
            ("a\tb", "control"),
        ] {
            let said = is_name().run(&Value::from(name)).err().unwrap_or_default();
            assert!(if problem.is_empty() { said.is_empty() } else { said.contains(problem) }, "{name}: {said}");
        }
        let (a, b) = (one_off_name(), one_off_name());
        assert!(a != b && is_name().run(&Value::from(a.as_str())).is_ok(), "{a} {b}");
    }

    #[test]
    fn states() {
        let end = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        for (revoked, expiration_time, state) in [
            (false, None, "active"),
            (false, end(101), "active"),
            (false, end(100), "expired"),
            (true, None, "revoked"),
            (true, end(99), "revoked"),
        ] {
            let spec = JoinTokenSpec { expiration_time, revoked, name: "x".into() };
            assert_eq!(state_of(&spec, Duration::from_secs(100)), state);
        }
    }
}
