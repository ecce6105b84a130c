//! Statuses of users and service accounts.

use super::context::{ControllerContext, labels};
use crate::accounts::{
    IDENTITY, IDENTITY_LAST_ACTIVE, IDENTITY_STATUS, IS_PROVIDER, IS_SERVICE_ACCOUNT, KEY_PRUNER, PUBLIC_KEY,
    PUBLIC_KEY_LAST_ACTIVE, SERVICE_ACCOUNT_STATUS, USER, USER_ID,
};
use crate::catalogue::Feature;
use crate::names::controller;
use crate::object::Object;
use omni_proto::specs::service_account_status_spec::PgpPublicKey;
use omni_proto::specs::{
    IdentityLastActiveSpec, IdentitySpec, IdentityStatusSpec, PublicKeyLastActiveSpec, PublicKeySpec,
    ServiceAccountStatusSpec, UserSpec,
};

/// One status a person or account: what it may do and when it was last here.
pub(super) fn identities(ctx: &ControllerContext<'_>) {
    // Before there were calls for users there were no statuses of them.
    if !ctx.release.has_kind(IDENTITY_STATUS) {
        return;
    }
    let cleans_up = ctx.release.has(Feature::IdentityCleanup);
    let held_by: &[&str] = if cleans_up {
        &[controller::IDENTITY_STATUS, controller::IDENTITY_CLEANUP]
    } else {
        &[controller::IDENTITY_STATUS]
    };
    for identity in ctx.list(IDENTITY) {
        let id = identity.key.id.as_str();
        if identity.tearing_down {
            ctx.remove(IDENTITY_STATUS, id);
            ctx.remove(IDENTITY_LAST_ACTIVE, id);
            ctx.release(&identity, held_by);
            continue;
        }
        ctx.hold(&identity, held_by);
        let user_id = identity.spec::<IdentitySpec>().user_id;
        let Some(user) = ctx.get(USER, &user_id) else { continue };
        let seen: IdentityLastActiveSpec = ctx.spec(IDENTITY_LAST_ACTIVE, id);
        let status = IdentityStatusSpec {
            user_id,
            role: user.spec::<UserSpec>().role,
            last_active: seen.last_active.map(written).unwrap_or_default(),
        };
        ctx.put(controller::IDENTITY_STATUS, IDENTITY_STATUS, id, &labels(&identity), &status);
    }
    forget(ctx, IDENTITY_STATUS);
}

/// One status for each service account: its role and its keys.
/// Accounts of infrastructure providers never get one, in any release, so no list shows them or their keys.
pub(super) fn service_accounts(ctx: &ControllerContext<'_>) {
    let held_by = &[controller::SERVICE_ACCOUNT_STATUS];
    let keys = ctx.list(PUBLIC_KEY);
    let is_listed =
        |identity: &Object| identity.label(IS_SERVICE_ACCOUNT).is_some() && identity.label(IS_PROVIDER).is_none();
    for identity in ctx.list(IDENTITY).iter().filter(|identity| is_listed(identity)) {
        let user_id = identity.spec::<IdentitySpec>().user_id;
        let keys: Vec<_> = keys.iter().filter(|key| key.label(USER_ID) == Some(&user_id)).collect();
        for key in &keys {
            if key.tearing_down { ctx.release(key, held_by) } else { ctx.hold(key, held_by) }
        }
        let id = identity.key.id.as_str();
        if identity.tearing_down {
            ctx.remove(SERVICE_ACCOUNT_STATUS, id);
            ctx.release(identity, held_by);
            continue;
        }
        ctx.hold(identity, held_by);
        let Some(user) = ctx.get(USER, &user_id) else { continue };
        let status = ServiceAccountStatusSpec {
            role: user.spec::<UserSpec>().role,
            public_keys: keys.iter().filter(|key| !key.tearing_down).map(|key| listed(ctx, key)).collect(),
            ..ServiceAccountStatusSpec::default()
        };
        ctx.put(controller::SERVICE_ACCOUNT_STATUS, SERVICE_ACCOUNT_STATUS, id, &[], &status);
    }
    forget(ctx, SERVICE_ACCOUNT_STATUS);
}

/// Takes away the keys of people that have ended; those of accounts stay.
pub(super) fn prune(ctx: &ControllerContext<'_>) {
    let now = ctx.now();
    let now = (now.as_secs().cast_signed(), now.subsec_nanos().cast_signed());
    for key in ctx.list(PUBLIC_KEY).iter().filter(|key| key.owner == KEY_PRUNER) {
        let ends = key.spec::<PublicKeySpec>().expiration.unwrap_or_default();
        if (ends.seconds, ends.nanos) < now {
            ctx.remove(PUBLIC_KEY, &key.key.id);
            ctx.remove(PUBLIC_KEY_LAST_ACTIVE, &key.key.id);
        }
    }
}

fn listed(ctx: &ControllerContext<'_>, key: &Object) -> PgpPublicKey {
    let id = key.key.id.clone();
    let spec: PublicKeySpec = key.spec();
    let mut listed = PgpPublicKey {
        armored: String::from_utf8_lossy(&spec.public_key).into_owned(),
        expiration: spec.expiration,
        ..PgpPublicKey::default()
    };
    if ctx.release.has_field("ServiceAccountStatusSpec.PgpPublicKey", "created") {
        let (seconds, nanos) = key.created;
        listed.created = Some(prost_types::Timestamp { seconds, nanos });
        listed.last_used = ctx.spec::<PublicKeyLastActiveSpec>(PUBLIC_KEY_LAST_ACTIVE, &id).last_used;
    }
    PgpPublicKey { id, ..listed }
}

/// Takes away the statuses of those who are gone: a call may have removed them while one was written.
fn forget(ctx: &ControllerContext<'_>, kind: &str) {
    for status in ctx.list(kind).iter().filter(|status| !ctx.has(IDENTITY, &status.key.id)) {
        ctx.remove(kind, &status.key.id);
    }
}

fn written(time: prost_types::Timestamp) -> String {
    jiff::Timestamp::from_second(time.seconds).map(|time| time.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Release;
    use crate::accounts::{Activity, LIFETIME, Limits, Registry, mint};
    use crate::controllers;
    use crate::driver::Driver;
    use crate::kinds::{self, Role};
    use crate::store::Store;
    use crate::world;
    use kit::clock::TestClock;
    use std::sync::Arc;

    const WHO: &str = "ci@serviceaccount.omni.sidero.dev";

    #[test]
    fn what_is_known_of_accounts_and_people() {
        let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
        world::seed(&store, 0, Release::V1_6);
        let driver = Driver::new(store.clone(), controllers::all(), Release::V1_6);
        mint(&store, "ci", Role::Operator, LIFETIME).unwrap();
        let registry = Registry::new(&store, Limits::default());
        registry.create_user("me@example.org", "Reader").unwrap();
        driver.settle().unwrap();
        let get = |kind, id: &str| store.get(&kinds::key(kind, id)).unwrap();
        let status = get(IDENTITY_STATUS, WHO);
        assert_eq!((status.owner.as_str(), &status.labels), ("IdentityStatusController", &get(IDENTITY, WHO).labels));
        let spec: IdentityStatusSpec = status.spec();
        assert_eq!((spec.role.as_str(), spec.last_active.as_str()), ("Operator", ""));
        let finalizers = |kind, id: &str| get(kind, id).finalizers.clone();
        assert_eq!(finalizers(IDENTITY, WHO), ["IdentityStatusController", "ServiceAccountStatusController"]);
        assert_eq!(finalizers(IDENTITY, "me@example.org"), ["IdentityStatusController"]);
        let account = get(SERVICE_ACCOUNT_STATUS, WHO);
        assert_eq!((account.owner.as_str(), account.labels.len()), ("ServiceAccountStatusController", 0));
        let key = account.spec::<ServiceAccountStatusSpec>().public_keys.remove(0);
        assert_eq!(finalizers(PUBLIC_KEY, &key.id), ["ServiceAccountStatusController"]);
        assert!(store.get(&kinds::key(SERVICE_ACCOUNT_STATUS, "me@example.org")).is_none());

        mint(&store, "infra-provider:aws", Role::InfraProvider, LIFETIME).unwrap();
        driver.settle().unwrap();
        let provider = "aws@infra-provider.serviceaccount.omni.sidero.dev";
        assert_eq!(get(IDENTITY_STATUS, provider).spec::<IdentityStatusSpec>().role, "InfraProvider");
        assert!(store.get(&kinds::key(SERVICE_ACCOUNT_STATUS, provider)).is_none(), "never, in any release");
        registry.destroy_account("infra-provider:aws").unwrap();

        Activity::new(store.clone()).note(WHO, &key.id);
        driver.settle().unwrap();
        let seen = get(IDENTITY_STATUS, WHO).spec::<IdentityStatusSpec>().last_active;
        assert_eq!(seen, "2026-09-21T14:13:20Z");
        registry.destroy_account("ci").unwrap();
        driver.settle().unwrap();
        assert_eq!((store.list(IDENTITY_STATUS).len(), store.list(SERVICE_ACCOUNT_STATUS).len()), (2, 0));
    }
}
