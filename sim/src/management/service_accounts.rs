//! Service accounts: creation, renewal, list and removal by administrators.

use super::ServiceContext;
use crate::access::Caller;
use crate::accounts::{AccountName, IDENTITY_STATUS, SERVICE_ACCOUNT_STATUS};
use crate::catalogue::Feature;
use crate::kinds::{self, Role};
use omni_proto::management as pb;
use omni_proto::management::list_service_accounts_response::{ServiceAccount, service_account::PgpPublicKey};
use omni_proto::specs::{IdentityStatusSpec, ServiceAccountStatusSpec};
use tonic::{Request, Status};

pub(super) async fn create_service_account(
    ctx: &ServiceContext,
    request: Request<pb::CreateServiceAccountRequest>,
) -> Result<pb::CreateServiceAccountResponse, Status> {
    Caller::of(&request)?.needs(Role::Admin)?;
    let request = request.into_inner();
    let role = (!request.use_user_role).then_some(request.role.as_str());
    let armored = request.armored_pgp_public_key.as_bytes();
    let public_key_id = ctx.registry().create_account(&request.name, role, armored)?;
    ctx.durable().await?;
    Ok(pb::CreateServiceAccountResponse { public_key_id })
}

pub(super) async fn renew_service_account(
    ctx: &ServiceContext,
    request: Request<pb::RenewServiceAccountRequest>,
) -> Result<pb::RenewServiceAccountResponse, Status> {
    Caller::of(&request)?.needs(Role::Admin)?;
    let request = request.into_inner();
    let armored = request.armored_pgp_public_key.as_bytes();
    let public_key_id = ctx.registry().renew_account(&request.name, armored)?;
    ctx.durable().await?;
    Ok(pb::RenewServiceAccountResponse { public_key_id })
}

/// What the controllers have put together so far: a new account may be missing for a moment,
/// and those of infrastructure providers always are.
pub(super) async fn list_service_accounts(
    ctx: &ServiceContext,
    request: Request<()>,
) -> Result<pb::ListServiceAccountsResponse, Status> {
    Caller::of(&request)?.needs(Role::Admin)?;
    let accounts = ctx.store.list(SERVICE_ACCOUNT_STATUS).into_iter().map(|status| {
        let id = status.key.id.as_str();
        let name = AccountName::of_identity(id);
        let name = name.ok_or_else(|| Status::unknown(format!("unexpected service account ID {id:?}")))?;
        let seen = ctx.store.get(&kinds::key(IDENTITY_STATUS, id));
        let spec: ServiceAccountStatusSpec = status.spec();
        Ok(ServiceAccount {
            name: name.written(),
            pgp_public_keys: spec.public_keys.into_iter().map(sent).collect(),
            role: spec.role,
            last_active: seen.map(|seen| seen.spec::<IdentityStatusSpec>().last_active).unwrap_or_default(),
        })
    });
    Ok(pb::ListServiceAccountsResponse { service_accounts: accounts.collect::<Result<_, Status>>()? })
}

pub(super) async fn destroy_service_account(
    ctx: &ServiceContext,
    request: Request<pb::DestroyServiceAccountRequest>,
) -> Result<(), Status> {
    let caller = Caller::of(&request)?;
    caller.needs(Role::Admin)?;
    let name = request.into_inner().name;
    let own = AccountName::parse(&name).identity().to_lowercase() == caller.identity.to_lowercase();
    if own && ctx.release().has(Feature::OwnAccountsKept) {
        return Err(Status::invalid_argument("destroying your own service account is not allowed"));
    }
    ctx.registry().destroy_account(&name)?;
    ctx.durable().await
}

fn sent(key: omni_proto::specs::service_account_status_spec::PgpPublicKey) -> PgpPublicKey {
    PgpPublicKey {
        id: key.id,
        armored: key.armored,
        expiration: key.expiration,
        created: key.created,
        last_used: key.last_used,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{NOW, call, context};
    use super::*;
    use crate::accounts::{self, IDENTITY, LIFETIME, Limits, PUBLIC_KEY, USER};
    use crate::controllers;
    use crate::driver::Driver;
    use crate::release::Release;
    use crate::store::Store;
    use omni_proto::specs::PublicKeySpec;
    use openpgp::cert::{CertBuilder, CipherSuite};
    use openpgp::serialize::SerializeInto;
    use openpgp::types::KeyFlags;
    use sequoia_openpgp as openpgp;
    use std::time::{Duration, UNIX_EPOCH};
    use tonic::Code;

    /// A public key, and its fingerprint.
    fn key(lifetime: Duration) -> (String, String) {
        let (cert, _) = CertBuilder::new()
            .set_cipher_suite(CipherSuite::Cv25519)
            .set_creation_time(UNIX_EPOCH + Duration::from_secs(NOW))
            .set_validity_period(lifetime)
            .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
            .add_userid("any (linux/amd64) <any@example.org>")
            .generate()
            .unwrap();
        (String::from_utf8(cert.armored().to_vec().unwrap()).unwrap(), cert.fingerprint().to_hex().to_lowercase())
    }

    async fn create(ctx: &ServiceContext, name: &str, role: Option<&str>, key: &str) -> Result<String, Status> {
        let message = pb::CreateServiceAccountRequest {
            armored_pgp_public_key: key.into(),
            use_user_role: role.is_none(),
            role: role.unwrap_or("ignored").into(),
            name: name.into(),
        };
        create_service_account(ctx, call(Role::Admin, None, message)).await.map(|answer| answer.public_key_id)
    }

    async fn renew(ctx: &ServiceContext, name: &str, key: &str) -> Result<String, Status> {
        let message = pb::RenewServiceAccountRequest { name: name.into(), armored_pgp_public_key: key.into() };
        renew_service_account(ctx, call(Role::Admin, None, message)).await.map(|answer| answer.public_key_id)
    }

    async fn destroy(ctx: &ServiceContext, name: &str) -> Result<(), Status> {
        destroy_service_account(ctx, call(Role::Admin, None, pb::DestroyServiceAccountRequest { name: name.into() }))
            .await
    }

    fn settle(store: &Store) {
        Driver::new(store.clone(), controllers::all(), Release::NEWEST).settle().unwrap();
    }

    async fn listed(ctx: &ServiceContext) -> Vec<ServiceAccount> {
        settle(&ctx.store);
        list_service_accounts(ctx, call(Role::Admin, None, ())).await.unwrap().service_accounts
    }

    #[tokio::test]
    async fn an_account_from_first_to_last() {
        let ctx = context(Release::NEWEST);
        let ((first, first_id), (second, second_id)) = (key(LIFETIME), key(LIFETIME / 2));
        assert_eq!(create(&ctx, "ci", Some("Operator"), &first).await.unwrap(), first_id);
        let [account] = &listed(&ctx).await[..] else { panic!("one account") };
        assert_eq!((account.name.as_str(), account.role.as_str()), ("ci", "Operator"));
        assert_eq!(account.pgp_public_keys[0].armored, first);
        assert_eq!(account.pgp_public_keys[0].expiration.unwrap().seconds, (NOW + LIFETIME.as_secs()).cast_signed());
        assert_eq!(account.pgp_public_keys[0].created.unwrap().seconds, NOW.cast_signed());

        assert_eq!(renew(&ctx, "ci", &second).await.unwrap(), second_id);
        let again = renew(&ctx, "ci", &second).await.unwrap_err();
        let text = format!(
            "failed to create: resource PublicKeys.omni.sidero.dev(default/{second_id}@undefined) already exists"
        );
        assert_eq!((again.code(), again.message()), (Code::Unknown, text.as_str()));
        let mut ids: Vec<_> = listed(&ctx).await[0].pgp_public_keys.iter().map(|key| key.id.clone()).collect();
        let mut expected = vec![first_id, second_id];
        ids.sort();
        expected.sort();
        assert_eq!(ids, expected);
        let roles = ctx.store.list(PUBLIC_KEY).iter().map(|key| key.spec::<PublicKeySpec>().role).collect::<Vec<_>>();
        assert_eq!(roles, ["Operator", "Operator"]);

        destroy(&ctx, "ci").await.unwrap();
        assert!(listed(&ctx).await.is_empty());
        // What is left is the first person.
        for (kind, left) in [(IDENTITY, 1), (USER, 1), (PUBLIC_KEY, 0)] {
            assert_eq!(ctx.store.list(kind).len(), left, "{kind}");
        }
        let gone = destroy(&ctx, "ci").await.unwrap_err();
        let text = "service account \"ci\" not found";
        assert_eq!((gone.code(), gone.message()), (Code::NotFound, text));
    }

    #[tokio::test]
    async fn accounts_that_cannot_be_made() {
        let ctx = context(Release::NEWEST);
        let day = Duration::from_hours(24);
        let (fine, _) = key(LIFETIME);
        create(&ctx, "taken", Some("Reader"), &key(LIFETIME).0).await.unwrap();
        for (name, role, key, code, text) in [
            ("a", Some("Boss"), &fine, Code::Unknown, "unknown role to parse: \"Boss\""),
            (
                "infra-provider:a",
                None,
                &fine,
                Code::Unknown,
                "infra provider service accounts must have the role \"InfraProvider\", but use-user-role was requested",
            ),
            (
                "infra-provider:a",
                Some("Reader"),
                &fine,
                Code::Unknown,
                "infra-provider service accounts must have the role \"InfraProvider\"",
            ),
            (
                "a",
                Some("InfraProvider"),
                &fine,
                Code::Unknown,
                "service accounts with role \"InfraProvider\" must be prefixed with \"infra-provider:\"",
            ),
            (
                "taken",
                Some("Reader"),
                &fine,
                Code::AlreadyExists,
                "service account \"taken@serviceaccount.omni.sidero.dev\" already exists",
            ),
            ("a", Some("Reader"), &key(LIFETIME + day).0, Code::Unknown, "key lifetime is too long: 8784h0m0s"),
        ] {
            let refused = create(&ctx, name, role, key).await.unwrap_err();
            assert_eq!((refused.code(), refused.message()), (code, text));
        }
        assert_eq!(ctx.store.list(PUBLIC_KEY).len(), 1);
        let unknown = renew(&ctx, "nobody", &fine).await.unwrap_err();
        assert_eq!(unknown.code(), Code::Unknown);
        assert!(unknown.message().contains("nobody@serviceaccount.omni.sidero.dev@undefined) doesn't exist"));
        for own in ["me", "ME"] {
            assert_eq!(destroy(&ctx, own).await.unwrap_err().code(), Code::InvalidArgument, "{own}");
        }
        let before = destroy(&context(Release::V1_5), "me").await.unwrap_err();
        assert_eq!(before.code(), Code::NotFound, "nobody of that name is there, and that is all");
    }

    #[tokio::test]
    async fn the_key_of_a_refused_account_stays() {
        let mut ctx = context(Release::NEWEST);
        let (fine, id) = key(LIFETIME);
        let refused = create(&ctx, "Loud", Some("Reader"), &fine).await.unwrap_err();
        let text = "failed to validate: 1 error occurred:\n\t* must be lowercase\n\n";
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, text));
        let again = create(&ctx, "quiet", Some("Reader"), &fine).await.unwrap_err();
        assert_eq!(again.code(), Code::AlreadyExists);
        assert!(again.message().contains(&id));
        ctx.limits = Limits { service_accounts: 1, ..Limits::default() };
        create(&ctx, "one", Some("Reader"), &key(LIFETIME).0).await.unwrap();
        let refused = create(&ctx, "two", Some("Reader"), &key(LIFETIME).0).await.unwrap_err();
        assert!(refused.message().contains("maximum number of service accounts (1) reached"), "{refused:?}");
        let mut before = context(Release::V1_5);
        before.limits = ctx.limits;
        for name in ["one", "two"] {
            create(&before, name, Some("Reader"), &key(LIFETIME).0).await.unwrap();
        }
    }

    #[tokio::test]
    async fn roles_and_names_of_providers() {
        let ctx = context(Release::NEWEST);
        create(&ctx, "boss", None, &key(LIFETIME).0).await.unwrap();
        create(&ctx, "infra-provider:aws-1", Some("InfraProvider"), &key(LIFETIME).0).await.unwrap();
        let accounts = listed(&ctx).await;
        let found: Vec<_> = accounts.iter().map(|account| (account.name.as_str(), account.role.as_str())).collect();
        assert_eq!(found, [("boss", "Admin")], "accounts of infrastructure providers are never listed");
        let identity = "aws-1@infra-provider.serviceaccount.omni.sidero.dev";
        let identity = ctx.store.get(&kinds::key(IDENTITY, identity)).unwrap();
        assert_eq!(identity.label(accounts::IS_PROVIDER), Some(""));
        assert_eq!(ctx.store.list(USER).len(), 3);
        renew(&ctx, "infra-provider:aws-1", &key(LIFETIME).0).await.unwrap();
        assert_eq!((listed(&ctx).await.len(), ctx.store.list(PUBLIC_KEY).len()), (1, 3));
        accounts::remove(&ctx.store, &accounts::identity("infra-provider:aws-1"));
        assert_eq!((ctx.store.list(USER).len(), ctx.store.list(PUBLIC_KEY).len()), (2, 1));
    }
}
