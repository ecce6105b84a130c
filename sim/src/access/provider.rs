//! Access of infrastructure providers, and of users to the objects of infrastructure providers.
//! These refusals come after the rules, and are not part of their list of problems.

use super::{AccessContext, Caller};
use crate::kinds::{self, AccessVerb, Provided, Role};
use crate::names::kind;
use crate::object::{Key, Object};
use tonic::Status;

/// The label that says whose an object is.
pub const OWNER: &str = "omni.sidero.dev/infra-provider-id";

/// What all providers share.
const SHARED: [&str; 2] = ["infra-provider", "infra-provider-ephemeral"];
/// The start of a namespace that one provider has for itself.
const PRIVATE: &str = "infra-provider:";
/// The end of a type that one provider has for itself.
const SUFFIX: &str = "infraprovider.sidero.dev";

/// Whether these rules are about objects of this type in this namespace.
pub(super) fn concerns(namespace: &str, kind: &str) -> bool {
    namespace.starts_with(PRIVATE) || kinds::find(kind).is_some_and(|kind| kind.provided.is_some())
}

/// The provider whose objects are the only ones that the caller sees and writes here.
pub(super) fn limit<'a>(caller: &'a Caller, namespace: &str, kind: &str) -> Option<&'a str> {
    let limited = caller.role == Role::InfraProvider && concerns(namespace, kind) && SHARED.contains(&namespace);
    limited.then(|| caller.provider().unwrap_or_default())
}

/// Whether the caller may do this; `old` is what there is, `new` what is to be written.
pub(super) fn check(
    permissions: &AccessContext<'_>,
    verb: AccessVerb,
    key: &Key,
    old: Option<&Object>,
    new: Option<&Object>,
) -> Result<(), Status> {
    // Some types were open to everybody once.
    let open = permissions.access_rule(&key.kind, verb).floor == Some(Role::None);
    permissions.caller.needs(if open { Role::None } else { Role::InfraProvider })?;
    if permissions.caller.role != Role::InfraProvider {
        return check_user(permissions, verb, &key.kind);
    }
    let own = permissions.caller.provider().unwrap_or_default();
    if permissions.view.get(kind::INFRA_PROVIDER, own).is_none() {
        return denied(format!("infra provider with name {own:?} is not registered in the system"));
    }
    let private = format!("{PRIVATE}{own}");
    if key.namespace == private {
        let suffix = format!(".{own}.{SUFFIX}");
        let text = format!("resources in namespace {private:?} must have a type suffix {suffix:?}");
        return if key.kind.ends_with(&suffix) { Ok(()) } else { Err(Status::invalid_argument(text)) };
    }
    if !SHARED.contains(&key.namespace.as_str()) {
        return denied(format!("namespace not allowed, must be one of: {}, {private}", SHARED.join(", ")));
    }
    let Some(provided) = kinds::find(&key.kind).and_then(|kind| kind.provided) else {
        return denied(kinds::NOTHING.to_owned());
    };
    check_provider(own, provided, verb, key, old, new)
}

fn check_provider(
    own: &str,
    provided: Provided,
    verb: AccessVerb,
    key: &Key,
    old: Option<&Object>,
    new: Option<&Object>,
) -> Result<(), Status> {
    let kind = &key.kind;
    match (verb, old) {
        (AccessVerb::Create, _) if !provided.write => {
            return denied(format!("infra providers are not allowed to create {kind:?} resources"));
        }
        (AccessVerb::Create, _) if provided.own_id && key.id != own => {
            return Err(Status::invalid_argument(format!("resource ID must match the infra provider ID {own:?}")));
        }
        (AccessVerb::Update, Some(old)) if !provided.write && new.is_some_and(|new| differ(old, new)) => {
            return denied(format!(
                "infra providers are not allowed to update {kind:?} resources other than setting finalizers"
            ));
        }
        (AccessVerb::Destroy, Some(_)) if !provided.write => {
            return denied(format!("infra providers are not allowed to destroy {kind:?} resources"));
        }
        _ => {}
    }
    match old {
        // What is another's looks as if it were not there.
        Some(old) if old.label(OWNER) != Some(own) => Err(Status::not_found("not found")),
        _ => Ok(()),
    }
}

/// What nobody but a provider knows is read by everybody, and written by providers alone.
fn check_user(permissions: &AccessContext<'_>, verb: AccessVerb, kind: &str) -> Result<(), Status> {
    if kinds::find(kind).is_some() {
        return super::pass(permissions.caller, permissions.access_rule(kind, verb), kind);
    }
    match verb {
        AccessVerb::Read => Ok(()),
        _ => denied(format!("users are not allowed to modify {kind:?} resources")),
    }
}

/// Whether more than the finalizers would change.
fn differ(old: &Object, new: &Object) -> bool {
    old.spec != new.spec
        || old.labels != new.labels
        || old.annotations != new.annotations
        || old.tearing_down != new.tearing_down
}

fn denied(text: String) -> Result<(), Status> {
    Err(Status::permission_denied(text))
}
