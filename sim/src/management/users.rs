//! Users: creation, list, changes and removal by administrators.

use super::ServiceContext;
use crate::access::Caller;
use crate::accounts::{IDENTITY, IDENTITY_STATUS, IS_SERVICE_ACCOUNT, USER};
use crate::kinds::{self, Role};
use crate::object::Object;
use omni_proto::management as pb;
use omni_proto::specs::{IdentitySpec, IdentityStatusSpec, UserSpec};
use std::collections::HashMap;
use tonic::{Request, Status};

/// What labels that came from a login begin with.
const SAML_PREFIX: &str = "saml.omni.sidero.dev/";

pub(super) async fn create_user(
    ctx: &ServiceContext,
    request: Request<pb::CreateUserRequest>,
) -> Result<pb::CreateUserResponse, Status> {
    Caller::of(&request)?.needs(Role::Admin)?;
    let pb::CreateUserRequest { email, role } = request.into_inner();
    let user_id = ctx.registry().create_user(&email, &role)?;
    ctx.durable().await?;
    Ok(pb::CreateUserResponse { user_id })
}

pub(super) async fn update_user(ctx: &ServiceContext, request: Request<pb::UpdateUserRequest>) -> Result<(), Status> {
    let caller = Caller::of(&request)?;
    caller.needs(Role::Admin)?;
    let pb::UpdateUserRequest { email, role } = request.into_inner();
    if is_same(&caller.identity, &email) {
        return Err(Status::invalid_argument("updating your own role is not allowed"));
    }
    ctx.registry().update_user(&email, &role)?;
    ctx.durable().await
}

pub(super) async fn destroy_user(ctx: &ServiceContext, request: Request<pb::DestroyUserRequest>) -> Result<(), Status> {
    let caller = Caller::of(&request)?;
    caller.needs(Role::Admin)?;
    let email = request.into_inner().email;
    if is_same(&caller.identity, &email) {
        return Err(Status::invalid_argument("destroying your own account is not allowed"));
    }
    ctx.registry().destroy_user(&email)?;
    ctx.durable().await
}

pub(super) async fn list_users(ctx: &ServiceContext, request: Request<()>) -> Result<pb::ListUsersResponse, Status> {
    Caller::of(&request)?.needs(Role::Admin)?;
    let view = ctx.store.view();
    let list = |kind| view.collection(kind, kinds::namespace(kind));
    let last_active: HashMap<_, _> = list(IDENTITY_STATUS)
        .iter()
        .map(|status| (status.key.id.clone(), status.spec::<IdentityStatusSpec>().last_active))
        .collect();
    let people = list(IDENTITY).into_iter().filter(|identity| identity.label(IS_SERVICE_ACCOUNT).is_none());
    let users = people.map(|identity| {
        let id = identity.spec::<IdentitySpec>().user_id;
        let user = view.object(&kinds::key(USER, &*id));
        let email = identity.key.id.clone();
        pb::list_users_response::User {
            role: user.map(|user| user.spec::<UserSpec>().role).unwrap_or_default(),
            saml_labels: saml_labels(&identity),
            last_active: last_active.get(&email).cloned().unwrap_or_default(),
            id,
            email,
        }
    });
    Ok(pb::ListUsersResponse { users: users.collect() })
}

fn saml_labels(identity: &Object) -> HashMap<String, String> {
    let own = |(key, value): (&String, &String)| Some((key.strip_prefix(SAML_PREFIX)?.to_owned(), value.clone()));
    identity.labels.iter().filter_map(own).collect()
}

fn is_same(identity: &str, email: &str) -> bool {
    identity.to_lowercase() == email.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, context};
    use super::*;
    use crate::accounts::{IDENTITY_LAST_ACTIVE, LIFETIME, Limits, PUBLIC_KEY, mint};
    use crate::bootstrap::FIRST_USER;
    use crate::release::Release;
    use tonic::Code;

    async fn create(ctx: &ServiceContext, email: &str, role: &str) -> Result<String, Status> {
        let message = pb::CreateUserRequest { email: email.into(), role: role.into() };
        create_user(ctx, call(Role::Admin, None, message)).await.map(|answer| answer.user_id)
    }

    async fn update(ctx: &ServiceContext, email: &str, role: &str) -> Result<(), Status> {
        let message = pb::UpdateUserRequest { email: email.into(), role: role.into() };
        update_user(ctx, call(Role::Admin, None, message)).await
    }

    async fn destroy(ctx: &ServiceContext, email: &str) -> Result<(), Status> {
        destroy_user(ctx, call(Role::Admin, None, pb::DestroyUserRequest { email: email.into() })).await
    }

    async fn listed(ctx: &ServiceContext) -> Vec<(String, String)> {
        let answer = list_users(ctx, call(Role::Admin, None, ())).await.unwrap();
        let people = answer.users.into_iter().filter(|user| user.email != FIRST_USER);
        people.map(|user| (user.email, user.role)).collect()
    }

    fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, text: &str) {
        let status = answer.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, text));
    }

    /// What a running Omni 1.6.6 answered, in its order.
    #[tokio::test]
    async fn a_user_from_first_to_last() {
        let ctx = context(Release::V1_6);
        refused(create(&ctx, "p1@example.org", "Boss").await, Code::Unknown, "unknown role to parse: \"Boss\"");
        refused(
            create(&ctx, "nomail", "Reader").await,
            Code::InvalidArgument,
            "failed to create Identity resource nomail: failed to validate: 1 error occurred:\n\t* not a valid email address: nomail\n\n",
        );
        let id = create(&ctx, "Probe.One@Example.org", "Reader").await.unwrap();
        assert_eq!(id.len(), 36);
        refused(
            create(&ctx, "probe.one@example.org", "Reader").await,
            Code::Unknown,
            "user with email \"probe.one@example.org\" already exists",
        );
        assert_eq!(listed(&ctx).await, [("probe.one@example.org".to_owned(), "Reader".to_owned())]);
        update(&ctx, "probe.one@example.org", "Operator").await.unwrap();
        assert_eq!(listed(&ctx).await[0].1, "Operator");
        refused(
            update(&ctx, "none@example.org", "Operator").await,
            Code::NotFound,
            "failed to get: resource Identities.omni.sidero.dev(default/none@example.org@undefined) doesn't exist",
        );
        refused(update(&ctx, "probe.one@example.org", "Boss").await, Code::Unknown, "unknown role to parse: \"Boss\"");
        destroy(&ctx, "probe.one@example.org").await.unwrap();
        refused(
            destroy(&ctx, "probe.one@example.org").await,
            Code::NotFound,
            "user \"probe.one@example.org\" not found",
        );
        for (kind, left) in [(IDENTITY, 1), (USER, 1), (PUBLIC_KEY, 0), (IDENTITY_LAST_ACTIVE, 1)] {
            assert_eq!(ctx.store.list(kind).len(), left, "{kind}");
        }
    }

    #[tokio::test]
    async fn nobody_changes_oneself_or_an_account() {
        let ctx = context(Release::NEWEST);
        let me = "ME@serviceaccount.omni.sidero.dev";
        refused(update(&ctx, me, "Reader").await, Code::InvalidArgument, "updating your own role is not allowed");
        refused(destroy(&ctx, me).await, Code::InvalidArgument, "destroying your own account is not allowed");
        mint(&ctx.store, "ci", Role::Reader, LIFETIME).unwrap();
        refused(
            destroy(&ctx, "ci@serviceaccount.omni.sidero.dev").await,
            Code::InvalidArgument,
            "identity \"ci@serviceaccount.omni.sidero.dev\": identity is a service account, not a user",
        );
        assert!(listed(&ctx).await.is_empty());
    }

    #[tokio::test]
    async fn there_may_be_enough_users() {
        let mut ctx = context(Release::NEWEST);
        ctx.limits = Limits { users: 2, ..Limits::default() };
        create(&ctx, "one@example.org", "Reader").await.unwrap();
        refused(
            create(&ctx, "two@example.org", "Reader").await,
            Code::InvalidArgument,
            "failed to create Identity resource two@example.org: failed to validate: 1 error occurred:\n\t* maximum number of users (2) reached\n\n",
        );
    }

    #[tokio::test]
    async fn only_administrators_may() {
        let ctx = context(Release::NEWEST);
        let message = pb::CreateUserRequest::default();
        refused(
            create_user(&ctx, call(Role::Operator, None, message)).await,
            Code::PermissionDenied,
            "unauthorized: access denied: insufficient role: \"Operator\"",
        );
        assert!(list_users(&ctx, call(Role::Operator, None, ())).await.is_err());
        assert!(update_user(&ctx, call(Role::Operator, None, pb::UpdateUserRequest::default())).await.is_err());
        assert!(destroy_user(&ctx, call(Role::Operator, None, pb::DestroyUserRequest::default())).await.is_err());
    }
}
