//! Join tokens: names, look-up, and the machines that depend on a token.
//! The ID of a token is a secret, so everything here uses names of tokens.
//!
//! Before Omni 1.8 only the role `Admin` may read a token or the default. A `Reader` may read their statuses in
//! every release, which have everything but the labels: reads use the statuses if access to the tokens is denied.

use crate::omni::spec;
use crate::omni::spec::Spec;
use crate::omni::spec::join_token::{JoinTokenSpec, JoinTokenStatusSpec};
use crate::omni::{Call, Client, Error, ErrorKind, Phase, Query, Resource as Stored};
use crate::provider::engine::{Cx, Object};
use crate::provider::errors::Operation;
use crate::provider::timestamp;
use crate::tf::check::Check;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use omni_proto::specs::MachineStatusSpec;
use omni_proto::specs::join_token_status_spec::State;
use std::time::Duration;

/// The most bytes that Omni takes for the name of a token.
const LONGEST_NAME: usize = 16;
/// How many machines a warning names.
const NAMED: usize = 20;

/// A token as it is stored.
pub(crate) type Token = Object<JoinTokenSpec>;

/// The text can name a token.
pub(crate) fn is_name() -> Check {
    Check::text(|text| match text.len() {
        0 => Err("The name must not be empty.".into()),
        n if n > LONGEST_NAME => Err(format!("`{text}` has {n} bytes, and Omni accepts at most {LONGEST_NAME}.")),
        _ => Ok(()),
    })
}

/// A name that no token ever had: it tells the one that a call made from all others.
pub(crate) fn one_off_name() -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("tf-{}", &random[..LONGEST_NAME - 3])
}

/// What to do about a token that may have been made, and cannot be found from here.
pub(crate) fn look_for(name: &str) -> String {
    format!(
        "Omni may have created the token nevertheless, with the temporary name `{name}` that every \
         token has at first; it expires within minutes. Look for it among the join tokens in Omni, and delete it \
         if it exists. Then apply again."
    )
}

/// One word for what a token is good for.
pub(crate) fn state_of(spec: &JoinTokenSpec, now: Duration) -> &'static str {
    if spec.revoked {
        "revoked"
    } else if spec.expiration_time.is_some_and(|end| timestamp::from_proto(&end) <= now) {
        "expired"
    } else {
        "active"
    }
}

/// When a token expires; `None` for never.
pub(crate) fn expiration(spec: &JoinTokenSpec) -> Option<Duration> {
    spec.expiration_time.as_ref().map(timestamp::from_proto)
}

/// All tokens, without those that are on their way out.
pub(crate) async fn all(client: &Client, call: &Call) -> Result<Vec<Token>, Error> {
    let stored = match client.list(call, JoinTokenSpec::KIND, &Query::all()).await {
        Err(error) if error.is(ErrorKind::Denied) => {
            let statuses = client.list(call, JoinTokenStatusSpec::KIND, &Query::all()).await.map_err(|_| error)?;
            return statuses.into_iter().map(Object::decode).map(|status| status.map(|s| token_of(&s))).collect();
        }
        stored => stored?,
    };
    let all = stored.into_iter().filter(|token| token.metadata.phase == Phase::Running).map(Object::decode);
    all.collect()
}

/// A token as its status shows it: without labels and annotations.
pub(crate) fn token_of(status: &Object<JoinTokenStatusSpec>) -> Token {
    let spec = JoinTokenSpec {
        expiration_time: status.spec.expiration_time,
        revoked: status.spec.state() == State::Revoked,
        name: status.spec.name.clone(),
    };
    let stored = Stored { yaml: String::new(), ..spec::resource(status.id(), &spec) };
    Object { stored, spec }
}

/// The one token of this name, or of this id.
///
/// # Errors
/// When there is none, or more than one of the name.
pub(crate) async fn one(cx: &Cx, name: Option<&str>, id: Option<&str>) -> Result<Token, Diagnostic> {
    let shown = name.unwrap_or_default();
    let operation = Operation { verb: "find", noun: "join token", id: shown, id_attribute: "name" };
    if let Some(id) = id {
        return match find(cx, id).await {
            Ok(Some(token)) => Ok(token),
            // An id is a secret, and is not repeated.
            Ok(None) => Err(Diagnostic::error(operation.summary(), "Omni has no join token with this `id`.")
                .hint("Check that the ID is complete, and that `endpoint` is the right Omni instance.")
                .at(Path::of("id"))),
            Err(error) => Err(operation.explain(&error)),
        };
    }
    let mut named = all(cx.client(), &cx.call).await.map_err(|error| operation.explain(&error))?;
    named.retain(|token| token.spec.name == shown);
    match (named.len(), named.pop()) {
        (1, Some(token)) => Ok(token),
        (0, _) => Err(Diagnostic::error(operation.summary(), format!("Omni has no join token with the name `{shown}`."))
            .hint("Check the name. If the same configuration creates the token, refer to its `id`, so that it is created first.")
            .at(Path::of("name"))),
        (n, _) => Err(Diagnostic::error(operation.summary(), format!("Omni has {n} join tokens with the name `{shown}`."))
            .hint("Rename all but one of them, or set `id` instead.")
            .at(Path::of("name"))),
    }
}

/// The token of this id. No token has an empty one, which the choice of the default one may hold.
pub(crate) async fn find(cx: &Cx, id: &str) -> Result<Option<Token>, Error> {
    if id.is_empty() {
        return Ok(None);
    }
    match cx.find::<JoinTokenSpec>(id).await {
        Err(error) if error.is(ErrorKind::Denied) => {
            let status = cx.find::<JoinTokenStatusSpec>(id).await.map_err(|_| error)?;
            Ok(status.as_ref().map(token_of))
        }
        found => found,
    }
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
        for (name, problem) in
            [("", "empty"), ("sixteen bytes ok", ""), ("seventeen bytes!!", "17 bytes"), ("nine äöüäöü", "17 bytes")]
        {
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
