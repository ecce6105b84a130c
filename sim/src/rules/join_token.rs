//! Rules for join tokens: short names, and always a default.

use super::Change;
use crate::Release;
use crate::catalogue::Feature;
use crate::names::kind;
use crate::object::{Object, Reader};
use omni_proto::specs::{DefaultJoinTokenSpec, JoinTokenSpec};

const MAX_NAME: usize = 16;

/// The problems with a change of a token.
pub(super) fn token(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let problem = match change {
        Change::Create(new) => name(super::release(view), &new.spec::<JoinTokenSpec>().name),
        Change::Update(old, new) => {
            let (before, after): (JoinTokenSpec, JoinTokenSpec) = (old.spec(), new.spec());
            if before.name == after.name { None } else { name(super::release(view), &after.name) }
        }
        Change::Destroy(old) => view
            .get(kind::DEFAULT_JOIN_TOKEN, "default")
            .filter(|default| default.spec::<DefaultJoinTokenSpec>().token_id == old.key.id)
            .map(|_| "deleting default join token is not possible".to_owned()),
    };
    problem.into_iter().collect()
}

/// The problems with a change of the choice of the default.
pub(super) fn default_token(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let unknown = |object: &Object| {
        let id = object.spec::<DefaultJoinTokenSpec>().token_id;
        view.get(kind::JOIN_TOKEN, &id).is_none().then(|| format!("no token with id {id:?} exists"))
    };
    let leaving = match change {
        Change::Create(_) => return Vec::new(),
        Change::Update(_, new) => new.tearing_down,
        Change::Destroy(_) => true,
    };
    // One of another name, which means nothing, may go while its token is there.
    let needed = leaving && change.object().key.id == "default";
    let problem = unknown(change.object())
        .or_else(|| needed.then(|| "destroying the default join token resource is not allowed".to_owned()));
    problem.into_iter().collect()
}

fn name(release: Release, name: &str) -> Option<String> {
    if name.is_empty() {
        Some("the join token name cannot be empty".into())
    } else if name.len() > MAX_NAME {
        Some(format!("join token name cannot be longer than {MAX_NAME} symbols"))
    } else if release.has(Feature::TextLimits) && name.chars().any(char::is_control) {
        Some("the join token name must not contain control characters".into())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, leaving, object};
    use super::*;

    #[test]
    fn tokens() {
        let named =
            |name: &str| object(kind::JOIN_TOKEN, "t", &JoinTokenSpec { name: name.into(), ..Default::default() });
        let default =
            |token: &str| object(kind::DEFAULT_JOIN_TOKEN, "default", &DefaultJoinTokenSpec { token_id: token.into() });
        let view = Fixture::default().with(named("initial token")).with(default("t"));
        for (new, expected) in [
            ("", vec!["the join token name cannot be empty"]),
            ("seventeen letters", vec!["join token name cannot be longer than 16 symbols"]),
            ("a\tb", vec!["the join token name must not contain control characters"]),
            ("fine", vec![]),
        ] {
            assert_eq!(token(&view, Change::Update(&named("old"), &named(new))), expected, "{new}");
        }
        assert_eq!(token(&view, Change::Destroy(&named("x"))), ["deleting default join token is not possible"]);
        assert_eq!(
            default_token(&view, Change::Update(&default("t"), &default("u"))),
            ["no token with id \"u\" exists"]
        );
        let kept = "destroying the default join token resource is not allowed";
        assert_eq!(default_token(&view, Change::Destroy(&default("t"))), [kept]);
        assert_eq!(default_token(&view, Change::Update(&default("t"), &leaving(default("t")))), [kept]);
        assert_eq!(default_token(&view, Change::Destroy(&default("u"))), ["no token with id \"u\" exists"]);
    }
}
