//! Users, service accounts, join tokens and roles.

use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::{Bench, account_request};
use crate::expect::{accepted, invalid_with, refused, refused_with, same};
use crate::objects::{
    ACCESS_POLICY, CLASS, CURRENT_USER, DEFAULT_JOIN_TOKEN, IDENTITY, JOIN_TOKEN, LINK, SAML_RULE, TALOS_VERSION, USER,
    class, fresh, made, meta,
};
use anyhow::Context as _;
use kit::clock::{Clock, SystemClock};
use omni_proto::cosi::resource::{ListOptions, Resource};
use omni_proto::management as pb;
use omni_proto::specs::{CurrentUserSpec, DefaultJoinTokenSpec};
use omni_sim::kinds::AccessVerb;
use prost::Message as _;
use serde_json::json;
use terraform_provider_omni::omni::auth::{Signer, SigningKey};
use tonic::Code;

const USERS_ARE: Need = Need::Call("CreateUser");
const NEWEST: Need = Need::Newest;

pub const LIST: &[Behaviour] = behaviours![
    ("account", Need::Nothing, account),
    ("account_key_renewed", Need::Nothing, account_key_renewed),
    ("account_key_renewed_twice", Need::Nothing, account_key_renewed_twice),
    ("account_listed", Need::Nothing, account_listed),
    ("account_name_of_a_provider", Need::Nothing, account_name_of_a_provider),
    ("account_of_no_key", Need::Nothing, account_of_no_key),
    ("account_of_no_role", Need::Nothing, account_of_no_role),
    ("account_of_ones_own", Need::Nothing, account_of_ones_own),
    ("account_removed", Need::Nothing, account_removed),
    ("account_removed_twice", Need::Nothing, account_removed_twice),
    ("account_role_of_a_provider", Need::Nothing, account_role_of_a_provider),
    ("account_twice", Need::Nothing, account_twice),
    ("policy_of_another_id", Need::Nothing, policy_of_another_id),
    ("role_none", Need::Nothing, role_none),
    ("role_operator", Need::Nothing, role_operator),
    ("role_reader", Need::Nothing, role_reader),
    ("saml_rule", Need::Nothing, saml_rule),
    ("token", Need::Nothing, token),
    ("token_default_stays", Need::Nothing, token_default_stays),
    ("token_name_empty", Need::Nothing, token_name_empty),
    ("token_name_too_long", Need::Nothing, token_name_too_long),
    ("token_of_no_object_is_no_default", Need::Nothing, token_of_no_object_is_no_default),
    ("token_renamed", NEWEST, token_renamed),
    ("user", USERS_ARE, user),
    ("user_again", USERS_ARE, user_again),
    ("user_calls_unknown", Need::NoCall("CreateUser"), user_calls_unknown),
    ("user_missing", USERS_ARE, user_missing),
    ("user_of_no_address", USERS_ARE, user_of_no_address),
    ("user_of_no_role", USERS_ARE, user_of_no_role),
    ("user_of_ones_own", USERS_ARE, user_of_ones_own),
    ("users_are_read_only", Need::Nothing, users_are_read_only),
    ("links_are_read_and_removed", Need::NoAccess(AccessVerb::Update, "Links"), links_are_read_and_removed),
    ("links_are_read_and_removed_before", Need::Access(AccessVerb::Update, "Links"), links_are_read_and_removed_before),
    ("versions_are_read_only", Need::Nothing, versions_are_read_only),
];

fn denied(text: &str) -> String {
    format!("failed to validate: 1 error occurred:\n\t* rpc error: code = PermissionDenied desc = {text}\n\n")
}

async fn role_reader(bench: &Bench) -> anyhow::Result<()> {
    let reader = bench.with_role("Reader").await?;
    accepted(reader.list(CLASS, ListOptions::default()).await, "list")?;
    bench.create(class(bench.id("a"))).await?;
    accepted(reader.get(CLASS, &bench.id("a")).await, "get")?;
    let text = denied("unauthorized: access denied: insufficient role: \"Reader\"");
    refused(reader.create(class(bench.id("b"))).await, Code::PermissionDenied, &text)?;
    refused(reader.destroy(CLASS, &bench.id("a")).await, Code::PermissionDenied, &text)?;
    refused(reader.list(USER, ListOptions::default()).await, Code::PermissionDenied, &text)
}

async fn role_operator(bench: &Bench) -> anyhow::Result<()> {
    let operator = bench.with_role("Operator").await?;
    bench.will_make(&class(bench.id("a")));
    accepted(operator.create(class(bench.id("a"))).await, "create")?;
    let refusal: Result<pb::ListUsersResponse, _> = operator.management("ListServiceAccounts", &()).await;
    refused_with(refusal, Code::PermissionDenied, "insufficient role: \"Operator\"")?;
    accepted(operator.destroy(CLASS, &bench.id("a")).await, "destroy")
}

async fn role_none(bench: &Bench) -> anyhow::Result<()> {
    let nobody = bench.with_role("None").await?;
    accepted(nobody.get(CURRENT_USER, "current").await, "current user")?;
    accepted(nobody.list(TALOS_VERSION, ListOptions::default()).await, "versions")?;
    let text = "insufficient role: \"None\"";
    refused_with(nobody.list(CLASS, ListOptions::default()).await, Code::PermissionDenied, text)
}

async fn users_are_read_only(bench: &Bench) -> anyhow::Result<()> {
    // Objects that no rule refuses, so that access alone speaks.
    let user = made(USER, bench.id("a"), &json!({"role": "Reader"}))?;
    let identity = made(IDENTITY, bench.id("a@example.org"), &json!({"user_id": "a"}))?;
    for (kind, object) in [(USER, user), (IDENTITY, identity)] {
        let text = denied(&format!(
            "only read access is permitted on resource {}, mutations should be done via ManagementService API calls",
            kind.name
        ));
        refused(bench.create(object).await, Code::PermissionDenied, &text)?;
    }
    Ok(())
}

async fn versions_are_read_only(bench: &Bench) -> anyhow::Result<()> {
    let text = denied("only read access is permitted");
    refused(bench.create(fresh(TALOS_VERSION, "9.9.9", &())).await, Code::PermissionDenied, &text)
}

async fn links_are_read_and_removed(bench: &Bench) -> anyhow::Result<()> {
    let text = denied("only read and delete access is permitted");
    refused(bench.create(fresh(LINK, bench.id("a"), &())).await, Code::PermissionDenied, &text)
}

async fn links_are_read_and_removed_before(bench: &Bench) -> anyhow::Result<()> {
    let text = denied("only read, update and delete access is permitted");
    refused(bench.create(fresh(LINK, bench.id("a"), &())).await, Code::PermissionDenied, &text)
}

async fn make_user(bench: &Bench, email: &str, role: &str) -> Result<String, tonic::Status> {
    let request = pb::CreateUserRequest { email: email.into(), role: role.into() };
    bench.management::<pb::CreateUserResponse>("CreateUser", &request).await.map(|made| made.user_id)
}

async fn users(bench: &Bench, email: &str) -> anyhow::Result<Vec<(String, String)>> {
    let listed: pb::ListUsersResponse = bench.management("ListUsers", &()).await?;
    Ok(listed.users.into_iter().filter(|user| user.email == email).map(|user| (user.id, user.role)).collect())
}

async fn user(bench: &Bench) -> anyhow::Result<()> {
    let email = bench.user("user").await?;
    let id = accepted(make_user(bench, &email.to_uppercase(), "Reader").await, "create")?;
    same("listed", users(bench, &email).await?, vec![(id.clone(), "Reader".to_owned())])?;
    let identity = bench.get(IDENTITY, &email).await?;
    same("label", meta(&identity).labels.get("user-id"), Some(&id))?;
    accepted(bench.get(USER, &id).await, "user")?;
    let request = pb::UpdateUserRequest { email: email.clone(), role: "Operator".into() };
    accepted(bench.management::<()>("UpdateUser", &request).await, "update")?;
    same("updated", users(bench, &email).await?, vec![(id.clone(), "Operator".to_owned())])?;
    let request = pb::DestroyUserRequest { email: email.clone() };
    accepted(bench.management::<()>("DestroyUser", &request).await, "destroy")?;
    same("destroyed", users(bench, &email).await?, vec![])?;
    refused_with(bench.get(USER, &id).await, Code::NotFound, "doesn't exist")
}

async fn user_again(bench: &Bench) -> anyhow::Result<()> {
    let email = bench.user("user").await?;
    make_user(bench, &email, "Reader").await?;
    let text = format!("user with email \"{email}\" already exists");
    refused(make_user(bench, &email, "Reader").await, Code::Unknown, &text)
}

async fn user_of_no_role(bench: &Bench) -> anyhow::Result<()> {
    let email = bench.user("user").await?;
    refused(make_user(bench, &email, "Boss").await, Code::Unknown, "unknown role to parse: \"Boss\"")
}

async fn user_of_no_address(bench: &Bench) -> anyhow::Result<()> {
    let result = make_user(bench, "conformance", "Reader").await;
    refused_with(result, Code::InvalidArgument, "not a valid email address: conformance")
}

async fn user_missing(bench: &Bench) -> anyhow::Result<()> {
    let email = bench.user("nobody").await?;
    let request = pb::UpdateUserRequest { email: email.clone(), role: "Reader".into() };
    refused_with(bench.management::<()>("UpdateUser", &request).await, Code::NotFound, "doesn't exist")?;
    let request = pb::DestroyUserRequest { email: email.clone() };
    let text = format!("user \"{email}\" not found");
    refused(bench.management::<()>("DestroyUser", &request).await, Code::NotFound, &text)
}

/// The full name of whoever asks.
async fn me(bench: &Bench) -> anyhow::Result<String> {
    let found = bench.get(CURRENT_USER, "current").await?;
    Ok(CurrentUserSpec::decode(found.spec.unwrap_or_default().proto_spec.as_slice())?.identity)
}

async fn user_of_ones_own(bench: &Bench) -> anyhow::Result<()> {
    let request = pb::UpdateUserRequest { email: me(bench).await?, role: "Reader".into() };
    let text = "updating your own role is not allowed";
    refused_with(bench.management::<()>("UpdateUser", &request).await, Code::InvalidArgument, text)
}

async fn user_calls_unknown(bench: &Bench) -> anyhow::Result<()> {
    let text = "unknown method ListUsers for service management.ManagementService";
    refused(bench.management::<pb::ListUsersResponse>("ListUsers", &()).await, Code::Unimplemented, text)
}

async fn make_account(bench: &Bench, request: &pb::CreateServiceAccountRequest) -> Result<String, tonic::Status> {
    let made: pb::CreateServiceAccountResponse = bench.management("CreateServiceAccount", request).await?;
    Ok(made.public_key_id)
}

async fn account(bench: &Bench) -> anyhow::Result<()> {
    let name = bench.account("account").await?;
    let (request, key) = account_request(&name, "Reader")?;
    let made = accepted(make_account(bench, &request).await, "create")?;
    let fingerprint = Signer::new(SigningKey::service_account(&key, SystemClock.now())?).fingerprint().to_owned();
    same("fingerprint", made, fingerprint)?;
    let other = Bench::new(bench.client().with_key(&key)?, bench.patience);
    same("identity", me(&other).await?, format!("{name}@serviceaccount.omni.sidero.dev"))
}

async fn account_twice(bench: &Bench) -> anyhow::Result<()> {
    let name = bench.account("account").await?;
    make_account(bench, &account_request(&name, "Reader")?.0).await?;
    let result = make_account(bench, &account_request(&name, "Reader")?.0).await;
    refused_with(result, Code::AlreadyExists, "")
}

async fn account_of_no_role(bench: &Bench) -> anyhow::Result<()> {
    let name = bench.account("account").await?;
    let Err(status) = make_account(bench, &account_request(&name, "Boss")?.0).await else {
        anyhow::bail!("not refused")
    };
    anyhow::ensure!(status.message().contains("unknown role to parse: \"Boss\""), "got {status:?}");
    Ok(())
}

async fn account_of_no_key(bench: &Bench) -> anyhow::Result<()> {
    let name = bench.account("account").await?;
    let mut request = account_request(&name, "Reader")?.0;
    request.armored_pgp_public_key = "no key".into();
    refused_with(make_account(bench, &request).await, Code::Unknown, "")
}

async fn account_name_of_a_provider(bench: &Bench) -> anyhow::Result<()> {
    let (request, _) = account_request("infra-provider:conformance-a", "Reader")?;
    anyhow::ensure!(make_account(bench, &request).await.is_err(), "not refused");
    Ok(())
}

async fn account_role_of_a_provider(bench: &Bench) -> anyhow::Result<()> {
    let name = bench.account("account").await?;
    let (request, _) = account_request(&name, "InfraProvider")?;
    anyhow::ensure!(make_account(bench, &request).await.is_err(), "not refused");
    Ok(())
}

async fn listed(
    bench: &Bench,
    name: &str,
) -> anyhow::Result<Option<pb::list_service_accounts_response::ServiceAccount>> {
    let listed: pb::ListServiceAccountsResponse = bench.management("ListServiceAccounts", &()).await?;
    Ok(listed.service_accounts.into_iter().find(|account| account.name == name))
}

async fn account_listed(bench: &Bench) -> anyhow::Result<()> {
    let name = bench.account("account").await?;
    let made = make_account(bench, &account_request(&name, "Operator")?.0).await?;
    // The list follows a status that a controller writes.
    let status =
        terraform_provider_omni::omni::Kind { namespace: "ephemeral", name: "ServiceAccountStatuses.omni.sidero.dev" };
    let id = format!("{name}@serviceaccount.omni.sidero.dev");
    bench.until(status, &id, "there", |status| status.is_some()).await?;
    let account = listed(bench, &name).await?.context("not listed")?;
    same("role", account.role.as_str(), "Operator")?;
    same("keys", account.pgp_public_keys.into_iter().map(|key| key.id).collect(), vec![made])
}

async fn renew(bench: &Bench, name: &str, key: &str) -> Result<String, tonic::Status> {
    let request = pb::RenewServiceAccountRequest { name: name.into(), armored_pgp_public_key: key.into() };
    let renewed: pb::RenewServiceAccountResponse = bench.management("RenewServiceAccount", &request).await?;
    Ok(renewed.public_key_id)
}

async fn account_key_renewed(bench: &Bench) -> anyhow::Result<()> {
    let name = bench.account("account").await?;
    let (request, old) = account_request(&name, "Reader")?;
    make_account(bench, &request).await?;
    let (request, new) = account_request(&name, "Reader")?;
    accepted(renew(bench, &name, &request.armored_pgp_public_key).await, "renew")?;
    for key in [old, new] {
        let other = Bench::new(bench.client().with_key(&key)?, bench.patience);
        accepted(other.get(CURRENT_USER, "current").await, "key")?;
    }
    Ok(())
}

async fn account_key_renewed_twice(bench: &Bench) -> anyhow::Result<()> {
    let name = bench.account("account").await?;
    let (request, _) = account_request(&name, "Reader")?;
    make_account(bench, &request).await?;
    let result = renew(bench, &name, &request.armored_pgp_public_key).await;
    refused_with(result, Code::Unknown, "already exists")
}

async fn account_removed(bench: &Bench) -> anyhow::Result<()> {
    let name = bench.account("account").await?;
    let (request, key) = account_request(&name, "Reader")?;
    make_account(bench, &request).await?;
    let request = pb::DestroyServiceAccountRequest { name: name.clone() };
    accepted(bench.management::<()>("DestroyServiceAccount", &request).await, "destroy")?;
    let other = Bench::new(bench.client().with_key(&key)?, bench.patience);
    refused(other.get(CURRENT_USER, "current").await, Code::Unauthenticated, "invalid signature")
}

async fn account_removed_twice(bench: &Bench) -> anyhow::Result<()> {
    let name = bench.account("account").await?;
    let request = pb::DestroyServiceAccountRequest { name };
    refused_with(bench.management::<()>("DestroyServiceAccount", &request).await, Code::NotFound, "not found")
}

async fn account_of_ones_own(bench: &Bench) -> anyhow::Result<()> {
    // Not the one that all of this runs as.
    let admin = bench.with_role("Admin").await?;
    let request = pb::DestroyServiceAccountRequest { name: bench.id("admin") };
    refused_with(admin.management::<()>("DestroyServiceAccount", &request).await, Code::InvalidArgument, "")
}

async fn make_token(bench: &Bench, name: &str) -> Result<String, tonic::Status> {
    let request = pb::CreateJoinTokenRequest { name: name.into(), expiration_time: None };
    let made: pb::CreateJoinTokenResponse = bench.management("CreateJoinToken", &request).await?;
    bench.will_make(&fresh(JOIN_TOKEN, &made.id, &()));
    Ok(made.id)
}

async fn token(bench: &Bench) -> anyhow::Result<()> {
    let id = accepted(make_token(bench, "conformance").await, "create")?;
    let found = bench.get(JOIN_TOKEN, &id).await?;
    let want = made(JOIN_TOKEN, &id, &json!({"name": "conformance"}))?;
    same("spec", found.spec.unwrap_or_default().proto_spec, want.spec.unwrap_or_default().proto_spec)
}

async fn token_name_empty(bench: &Bench) -> anyhow::Result<()> {
    refused_with(make_token(bench, "").await, Code::InvalidArgument, "")
}

async fn token_name_too_long(bench: &Bench) -> anyhow::Result<()> {
    refused_with(make_token(bench, &"a".repeat(17)).await, Code::InvalidArgument, "")
}

async fn token_renamed(bench: &Bench) -> anyhow::Result<()> {
    let id = make_token(bench, "conformance").await?;
    let rename = async |name: &str| -> anyhow::Result<Result<Resource, tonic::Status>> {
        let object = made(JOIN_TOKEN, &id, &json!({"name": name}))?;
        loop {
            let now = bench.get(JOIN_TOKEN, &id).await?;
            match bench.update(Resource { spec: object.spec.clone(), ..now }).await {
                Err(status) if status.code() == Code::FailedPrecondition => {}
                other => return Ok(other),
            }
        }
    };
    accepted(rename("conformance-b").await?, "rename")?;
    invalid_with(rename(&"a".repeat(17)).await?, "")?;
    invalid_with(rename("").await?, "")
}

async fn token_default_stays(bench: &Bench) -> anyhow::Result<()> {
    let found = bench.get(DEFAULT_JOIN_TOKEN, "default").await?;
    let id = DefaultJoinTokenSpec::decode(found.spec.unwrap_or_default().proto_spec.as_slice())?.token_id;
    let text = "deleting default join token is not possible";
    invalid_with(bench.destroy(JOIN_TOKEN, &id).await, text)
}

async fn token_of_no_object_is_no_default(bench: &Bench) -> anyhow::Result<()> {
    let found = bench.get(DEFAULT_JOIN_TOKEN, "default").await?;
    let other = made(DEFAULT_JOIN_TOKEN, "default", &json!({"token_id": bench.id("none")}))?;
    let result = bench.update(Resource { spec: other.spec, ..found }).await;
    invalid_with(result, &format!("no token with id {:?} exists", bench.id("none")))
}

/// There is one policy; it is the instance's, so nothing else of it can be tried on any server.
async fn policy_of_another_id(bench: &Bench) -> anyhow::Result<()> {
    invalid_with(bench.create(made(ACCESS_POLICY, bench.id("a"), &json!({}))?).await, "")
}

async fn saml_rule(bench: &Bench) -> anyhow::Result<()> {
    let rule = |name: &str, spec: serde_json::Value| made(SAML_RULE, bench.id(name), &spec);
    accepted(bench.create(rule("a", json!({"match_labels": ["a"], "assign_role": "Reader"}))?).await, "rule")?;
    for (spec, part) in [
        (json!({"match_labels": ["a"]}), ""),
        (json!({"match_labels": ["a"], "assign_role": "Boss"}), "Boss"),
        (json!({"match_labels": ["a b c"], "assign_role": "Reader"}), ""),
    ] {
        invalid_with(bench.create(rule("b", spec)?).await, part)?;
    }
    Ok(())
}
