//! Service accounts of the simulated server: their keys, and the objects that stand for them.
//! It knows how keys are made and kept; whether a call may use one is decided elsewhere.

use super::kinds::{self, Role};
use super::store::Store;
use crate::pb::specs;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openpgp::Profile;
use openpgp::cert::{Cert, CertBuilder, CipherSuite};
use openpgp::serialize::SerializeInto;
use openpgp::types::KeyFlags;
use prost::Message;
use sequoia_openpgp as openpgp;
use std::time::{Duration, UNIX_EPOCH};

/// The type of the objects that hold public keys.
pub const PUBLIC_KEY: &str = "PublicKeys.omni.sidero.dev";
/// The type of the objects that name people and accounts.
pub const IDENTITY: &str = "Identities.omni.sidero.dev";
/// The type of the objects that say what they may do.
pub const USER: &str = "Users.omni.sidero.dev";
/// The label that ties keys and identities to their user.
pub const USER_ID: &str = "user-id";

/// How long keys live unless told otherwise.
pub const LIFETIME: Duration = Duration::from_hours(365 * 24);
/// Keys are made this long ago, so that a client with a slow clock can use them at once.
const BACKDATED: Duration = Duration::from_mins(10);

/// A key could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a key for the service account {name:?}")]
pub struct KeyError {
    name: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Makes a service account, and returns its key in the form that clients read from their environment.
///
/// # Errors
/// When no key can be made.
pub fn mint(store: &Store, name: &str, role: Role, lifetime: Duration) -> Result<String, KeyError> {
    let identity = identity(name);
    let fail = |source: anyhow::Error| KeyError { name: name.to_owned(), source: source.into() };
    let now = store.time();
    let created = now.saturating_sub(BACKDATED);
    let cert = generate(name, &identity, created, lifetime + BACKDATED).map_err(fail)?;
    let secret = cert.as_tsk().armored().to_vec().map_err(fail)?;
    let public = cert.armored().to_vec().map_err(fail)?;
    register(store, &identity, &cert.fingerprint().to_hex().to_lowercase(), public, role, now + lifetime);
    let key = serde_json::json!({ "name": name, "pgp_key": String::from_utf8_lossy(&secret) });
    Ok(STANDARD.encode(key.to_string()))
}

/// Keeps a public key and the account it belongs to.
pub fn register(store: &Store, identity: &str, id: &str, public: Vec<u8>, role: Role, expires: Duration) {
    let known = store.get(&kinds::key(IDENTITY, identity)).map(|i| i.spec::<specs::IdentitySpec>().user_id);
    let user = known.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let expiration = prost_types::Timestamp {
        seconds: expires.as_secs().cast_signed(),
        nanos: expires.subsec_nanos().cast_signed(),
    };
    store.put("", &kinds::key(PUBLIC_KEY, id), |object| {
        object.labels.insert(USER_ID.to_owned(), user.clone());
        object.spec = specs::PublicKeySpec {
            public_key: public,
            expiration: Some(expiration),
            confirmed: true,
            identity: Some(specs::Identity { email: identity.to_owned() }),
            role: role.name().to_owned(),
            r#type: specs::public_key_spec::Type::Pgp.into(),
            ..specs::PublicKeySpec::default()
        }
        .encode_to_vec();
    });
    store.put("", &kinds::key(IDENTITY, identity), |object| {
        object.labels.insert(USER_ID.to_owned(), user.clone());
        object.labels.insert("type-service-account".to_owned(), String::new());
        object.spec = specs::IdentitySpec { user_id: user.clone() }.encode_to_vec();
    });
    store.put("", &kinds::key(USER, &user), |object| {
        object.spec = specs::UserSpec { role: role.name().to_owned(), ..specs::UserSpec::default() }.encode_to_vec();
    });
}

/// Takes an account away, with its user and all of its keys.
pub fn remove(store: &Store, identity: &str) {
    let key = kinds::key(IDENTITY, identity);
    let Some(found) = store.get(&key) else { return };
    let user = found.spec::<specs::IdentitySpec>().user_id;
    for public in store.list(PUBLIC_KEY) {
        if public.label(USER_ID) == Some(user.as_str()) {
            store.remove(&public.key);
        }
    }
    store.remove(&kinds::key(USER, &user));
    store.remove(&key);
}

/// The identity of the service account of this name.
#[must_use]
pub fn identity(name: &str) -> String {
    match name.strip_prefix("infra-provider:") {
        Some(base) => format!("{base}@infra-provider.serviceaccount.omni.sidero.dev"),
        None => format!("{name}@serviceaccount.omni.sidero.dev"),
    }
}

fn generate(name: &str, identity: &str, created: Duration, lifetime: Duration) -> Result<Cert, anyhow::Error> {
    let base = name.strip_prefix("infra-provider:").unwrap_or(name);
    let encryption = KeyFlags::empty().set_transport_encryption().set_storage_encryption();
    let (cert, _revocation) = CertBuilder::new()
        .set_profile(Profile::RFC4880)?
        .set_cipher_suite(CipherSuite::Cv25519)
        .set_creation_time(UNIX_EPOCH + created)
        .set_validity_period(lifetime)
        .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
        .add_userid(format!("{base} (linux/amd64) <{identity}>"))
        .add_subkey(encryption, None, None)
        .generate()?;
    Ok(cert)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::clock::TestClock;
    use std::sync::Arc;

    #[test]
    fn an_account_is_a_key_an_identity_and_a_user() {
        let store = Store::new(Arc::new(TestClock::at(1_800_000_000)));
        let key = mint(&store, "ci", Role::Operator, LIFETIME).unwrap();
        let key: serde_json::Value = serde_json::from_slice(&STANDARD.decode(key).unwrap()).unwrap();
        assert_eq!(key["name"], "ci");
        assert!(key["pgp_key"].as_str().unwrap().starts_with("-----BEGIN PGP PRIVATE KEY BLOCK-----"));

        let [stored] = &store.list(PUBLIC_KEY)[..] else { panic!("one key") };
        let spec: specs::PublicKeySpec = stored.spec();
        assert_eq!((spec.role.as_str(), spec.confirmed), ("Operator", true));
        assert_eq!(spec.identity.unwrap().email, "ci@serviceaccount.omni.sidero.dev");
        assert!(!String::from_utf8(spec.public_key).unwrap().contains("PRIVATE"));
        let user = stored.label(USER_ID).unwrap();
        assert_eq!(store.get(&kinds::key(USER, user)).unwrap().spec::<specs::UserSpec>().role, "Operator");
        let identity = store.get(&kinds::key(IDENTITY, "ci@serviceaccount.omni.sidero.dev")).unwrap();
        assert_eq!(identity.label(USER_ID), Some(user));
    }

    #[test]
    fn names_become_identities() {
        assert_eq!(identity("ci"), "ci@serviceaccount.omni.sidero.dev");
        assert_eq!(identity("infra-provider:aws-1"), "aws-1@infra-provider.serviceaccount.omni.sidero.dev");
    }
}
