//! The objects of a user or service account.

use super::name::AccountName;
use super::public_key::PublicKey;
use super::{IDENTITY, IDENTITY_LAST_ACTIVE, IS_PROVIDER, IS_SERVICE_ACCOUNT, PUBLIC_KEY, USER, USER_ID};
use crate::kinds::{self, Role};
use crate::object::Object;
use crate::rules;
use crate::store::Store;
use omni_proto::specs;
use prost::Message;
use std::collections::BTreeMap;
use std::time::Duration;

/// An id that no user has yet.
pub(super) fn user_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A person or an account, before there are any objects for it.
pub(super) struct Owner {
    /// Its identity.
    pub(super) identity: String,
    /// The id of its user.
    pub(super) user: String,
    is_account: bool,
    is_provider: bool,
}

impl Owner {
    /// A person.
    pub(super) fn person(email: &str, user: String) -> Self {
        Self { identity: email.to_owned(), user, is_account: false, is_provider: false }
    }

    /// A service account.
    pub(super) fn account(name: &AccountName, user: String) -> Self {
        Self { identity: name.identity(), user, is_account: true, is_provider: name.is_provider }
    }

    /// What names it.
    pub(super) fn identity(&self, store: &Store) -> Object {
        let mut labels = self.labels();
        labels.insert(USER_ID.to_owned(), self.user.clone());
        if self.is_account {
            labels.insert(IS_SERVICE_ACCOUNT.to_owned(), String::new());
        }
        object(store, IDENTITY, &self.identity, labels, &specs::IdentitySpec { user_id: self.user.clone() })
    }

    /// What it may do.
    pub(super) fn user(&self, store: &Store, role: Role) -> Object {
        let spec = specs::UserSpec { role: role.name().to_owned(), ..specs::UserSpec::default() };
        object(store, USER, &self.user, self.labels(), &spec)
    }

    /// A key of an account, which nobody has to confirm.
    pub(super) fn key(&self, store: &Store, key: &PublicKey, role: Role) -> Object {
        let mut labels = self.labels();
        labels.insert(USER_ID.to_owned(), self.user.clone());
        let spec = specs::PublicKeySpec {
            public_key: key.armored.clone(),
            expiration: Some(timestamp(key.expires)),
            confirmed: true,
            identity: Some(specs::Identity { email: self.identity.clone() }),
            role: role.name().to_owned(),
            r#type: specs::public_key_spec::Type::Pgp.into(),
            ..specs::PublicKeySpec::default()
        };
        object(store, PUBLIC_KEY, &key.id, labels, &spec)
    }

    /// A key that waits for its owner to say that it is his.
    pub(super) fn unconfirmed(&self, store: &Store, key: &PublicKey, role: Role) -> Object {
        let mut object = self.key(store, key, role);
        let spec = specs::PublicKeySpec { confirmed: false, ..object.spec() };
        object.spec = spec.encode_to_vec();
        object
    }

    /// When it was last here: never. Older releases do not keep that.
    pub(super) fn last_active(&self, store: &Store) -> Option<Object> {
        let spec = specs::IdentityLastActiveSpec::default();
        let kept = rules::release(&store.view()).has_kind(IDENTITY_LAST_ACTIVE);
        kept.then(|| object(store, IDENTITY_LAST_ACTIVE, &self.identity, BTreeMap::new(), &spec))
    }

    fn labels(&self) -> BTreeMap<String, String> {
        if self.is_provider { BTreeMap::from([(IS_PROVIDER.to_owned(), String::new())]) } else { BTreeMap::new() }
    }
}

/// Keeps an object, whatever is there under its key.
pub(super) fn put(store: &Store, object: Object) {
    store.put("", &object.key, |kept| {
        kept.labels = object.labels.clone();
        kept.spec = object.spec.clone();
    });
}

/// A time, as specs hold it.
pub(super) fn timestamp(time: Duration) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_secs().cast_signed(), nanos: time.subsec_nanos().cast_signed() }
}

fn object(store: &Store, kind: &str, id: &str, labels: BTreeMap<String, String>, spec: &impl Message) -> Object {
    Object { labels, ..store.fresh(kinds::key(kind, id), spec.encode_to_vec()) }
}
