//! Users and service accounts: their objects and keys.
//! Whether a call may use a key, and who may change accounts, is decided elsewhere.

mod activity;
mod name;
mod objects;
mod public_key;
mod registry;
mod secret_key;

pub use super::names::kind::{IDENTITY, PUBLIC_KEY, USER};
pub use super::names::label::SERVICE_ACCOUNT as IS_SERVICE_ACCOUNT;
pub use activity::Activity;
pub use name::{AccountName, PROVIDER_PREFIX};
pub use public_key::{KeyProblem, PublicKey};
pub use registry::{Limits, Registry, remove};

use super::kinds::{self, Role};
use super::store::Store;
use objects::{Owner, put};
use omni_proto::specs;
use secret_key::SecretKey;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The type of the objects that say when a key was last used.
pub const PUBLIC_KEY_LAST_ACTIVE: &str = "PublicKeyLastActives.omni.sidero.dev";
/// The type of the objects that say when somebody was last here.
pub const IDENTITY_LAST_ACTIVE: &str = "IdentityLastActives.omni.sidero.dev";
/// The type of the objects that put together what is known of people and accounts.
pub const IDENTITY_STATUS: &str = "IdentityStatuses.omni.sidero.dev";
/// The type of the objects that list the keys of accounts.
pub const SERVICE_ACCOUNT_STATUS: &str = "ServiceAccountStatuses.omni.sidero.dev";
/// The label that ties keys and identities to their user.
pub const USER_ID: &str = "user-id";
/// Flag: the account is that of a provider of machines.
pub const IS_PROVIDER: &str = "omni.sidero.dev/infra-provider";
/// Who owns the keys of people.
pub const KEY_PRUNER: &str = "KeyPrunerController";

/// How long keys live unless told otherwise, and at most.
pub const LIFETIME: Duration = Duration::from_hours(365 * 24);
/// How long the keys of people live at most.
pub const PERSON_LIFETIME: Duration = Duration::from_hours(8);
/// Keys are made this long ago, so that a client with a slow clock can use them at once.
const BACKDATED: Duration = Duration::from_mins(10);

/// A key could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a key for {name:?}")]
pub struct KeyError {
    name: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The identity of the service account of this name.
#[must_use]
pub fn identity(name: &str) -> String {
    AccountName::parse(name).identity()
}

/// Makes a person, whatever the rules say.
pub fn add_person(store: &Store, email: &str, role: Role) {
    let owner = Owner::person(&email.to_lowercase(), objects::user_id());
    put(store, owner.identity(store));
    put(store, owner.user(store, role));
    if let Some(active) = owner.last_active(store) {
        put(store, active);
    }
}

/// Makes a service account, and returns its key in the form that clients read from their environment.
///
/// # Errors
/// When no key can be made.
pub fn mint(store: &Store, name: &str, role: Role, lifetime: Duration) -> Result<String, KeyError> {
    Ok(Made::now(name, store.time(), lifetime)?.enter(store, role))
}

/// A key of a service account, for which there are no objects yet.
struct Made {
    name: String,
    expires: Duration,
    key: SecretKey,
}

impl Made {
    fn now(name: &str, now: Duration, lifetime: Duration) -> Result<Self, KeyError> {
        let key = secret_key::generate(name, now.saturating_sub(BACKDATED), lifetime + BACKDATED)
            .map_err(|source| KeyError { name: name.to_owned(), source: source.into() })?;
        Ok(Self { name: name.to_owned(), expires: now + lifetime, key })
    }

    /// Makes the account, and returns the key in the form that clients read from their environment.
    fn enter(self, store: &Store, role: Role) -> String {
        let key = PublicKey { id: self.key.id, armored: self.key.public, expires: self.expires };
        let account = AccountName::parse(&self.name);
        let known = store.get(&kinds::key(IDENTITY, account.identity()));
        let known = known.map(|identity| identity.spec::<specs::IdentitySpec>().user_id);
        let owner = Owner::account(&account, known.unwrap_or_else(objects::user_id));
        put(store, owner.key(store, &key, role));
        put(store, owner.identity(store));
        put(store, owner.user(store, role));
        if let Some(active) = owner.last_active(store) {
            // One that is there keeps what it knows.
            drop(store.create(active, ""));
        }
        self.key.exported
    }
}

/// A key of a service account that is made while the server does something else.
pub(super) struct Minting {
    name: String,
    now: Duration,
    lifetime: Duration,
    slot: Arc<Mutex<Slot>>,
}

/// What the other thread has come to. On a busy machine it may wait for a processor longer than the key takes.
enum Slot {
    Waiting,
    Made(Result<Made, KeyError>),
    Given,
}

impl Minting {
    /// Begins to make a key for the account of this name, with a lifetime from now on.
    pub(super) fn begin(store: &Store, name: &str, lifetime: Duration) -> Self {
        let (now, slot) = (store.time(), Arc::new(Mutex::new(Slot::Waiting)));
        let minting = Self { name: name.to_owned(), now, lifetime, slot: slot.clone() };
        let name = name.to_owned();
        let work = move || {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(*slot, Slot::Waiting) {
                *slot = Slot::Made(Made::now(&name, now, lifetime));
            }
        };
        if let Err(error) = thread::Builder::new().spawn(work) {
            tracing::debug!(%error, "the key is made without another thread");
        }
        minting
    }

    /// Makes the account as [`mint`] does, with the key of the other thread if that has begun to make one.
    ///
    /// # Errors
    /// When no key can be made.
    pub(super) fn end(self, store: &Store, role: Role) -> Result<String, KeyError> {
        let slot = mem::replace(&mut *self.slot.lock().unwrap_or_else(PoisonError::into_inner), Slot::Given);
        let made = match slot {
            Slot::Made(made) => made,
            Slot::Waiting | Slot::Given => Made::now(&self.name, self.now, self.lifetime),
        };
        Ok(made?.enter(store, role))
    }
}

/// Signs a person in, whom [`add_person`] made: makes a key of theirs that nobody has to confirm, and returns it in armor,
/// as clients keep it after a login.
///
/// # Errors
/// When there is no such person, or no key can be made.
pub fn sign_in(store: &Store, email: &str) -> Result<String, KeyError> {
    let fail = |source: anyhow::Error| KeyError { name: email.to_owned(), source: source.into() };
    let email = email.to_lowercase();
    let identity = store.get(&kinds::key(IDENTITY, &*email));
    let identity = identity.ok_or_else(|| fail(anyhow::anyhow!("there is no such person")))?;
    let user = identity.spec::<specs::IdentitySpec>().user_id;
    let role = store.get(&kinds::key(USER, &*user)).map(|user| user.spec::<specs::UserSpec>().role);
    let role = role.and_then(|role| Role::parse(&role)).unwrap_or(Role::None);
    let now = store.time();
    let lifetime = PERSON_LIFETIME - BACKDATED;
    let made = secret_key::generate(&email, now.saturating_sub(BACKDATED), PERSON_LIFETIME).map_err(fail)?;
    let key = PublicKey { id: made.id, armored: made.public, expires: now + lifetime };
    put(store, Owner::person(&email, user).key(store, &key, role));
    Ok(made.secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use kit::clock::TestClock;

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
        assert_eq!(identity.label(IS_SERVICE_ACCOUNT), Some(""));
    }

    #[test]
    fn a_key_is_the_same_whichever_thread_makes_it() {
        let store = Store::new(Arc::new(TestClock::at(1_800_000_000)));
        let expires = |store: &Store| {
            store.list(PUBLIC_KEY).iter().map(|key| key.spec::<specs::PublicKeySpec>().expiration).collect::<Vec<_>>()
        };
        mint(&store, "ci", Role::Admin, LIFETIME).unwrap();
        for waits in [true, false] {
            let minting = Minting::begin(&store, "ci", LIFETIME);
            while waits && matches!(*minting.slot.lock().unwrap(), Slot::Waiting) {
                thread::yield_now();
            }
            let key = minting.end(&store, Role::Admin).unwrap();
            let key: serde_json::Value = serde_json::from_slice(&STANDARD.decode(key).unwrap()).unwrap();
            assert_eq!(key["name"], "ci");
        }
        let expected = Some(objects::timestamp(Duration::from_secs(1_800_000_000) + LIFETIME));
        assert_eq!(expires(&store), [expected, expected, expected]);
        assert_eq!((store.list(USER).len(), store.list(IDENTITY).len()), (1, 1));
    }

    #[test]
    fn a_second_key_belongs_to_the_same_user() {
        let store = Store::new(Arc::new(TestClock::at(1_800_000_000)));
        mint(&store, "ci", Role::Operator, LIFETIME).unwrap();
        mint(&store, "ci", Role::Operator, LIFETIME).unwrap();
        assert_eq!((store.list(PUBLIC_KEY).len(), store.list(USER).len(), store.list(IDENTITY).len()), (2, 1, 1));
    }
}
