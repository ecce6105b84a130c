//! Last activity of users and keys.
//! It is written at most once a minute each, so that a busy client does not cause many writes.

use super::objects::timestamp;
use super::{IDENTITY_LAST_ACTIVE, PUBLIC_KEY_LAST_ACTIVE};
use crate::kinds;
use crate::rules;
use crate::store::Store;
use omni_proto::specs;
use prost::Message;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a note holds.
const HOLDS: Duration = Duration::from_mins(1);

/// The label that ties the use of a key to who used it.
const IDENTITY_LABEL: &str = "identity";

/// Takes notes of who is here.
pub struct Activity {
    store: Store,
    noted: Mutex<HashMap<String, Duration>>,
}

impl Activity {
    /// Takes notes in this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, noted: Mutex::default() }
    }

    /// Notes that somebody used a key.
    pub fn note(&self, identity: &str, fingerprint: &str) {
        let now = self.store.time();
        if self.is_news(identity, now) {
            let spec = specs::IdentityLastActiveSpec { last_active: Some(timestamp(now)) }.encode_to_vec();
            // Who has no such object was made by an older release.
            self.store.modify(&kinds::key(IDENTITY_LAST_ACTIVE, identity), |object| object.spec = spec);
        }
        if self.is_news(fingerprint, now) && rules::release(&self.store.view()).has_kind(PUBLIC_KEY_LAST_ACTIVE) {
            let spec = specs::PublicKeyLastActiveSpec { last_used: Some(timestamp(now)) }.encode_to_vec();
            self.store.put("", &kinds::key(PUBLIC_KEY_LAST_ACTIVE, fingerprint), |object| {
                object.labels.insert(IDENTITY_LABEL.to_owned(), identity.to_owned());
                object.spec = spec;
            });
        }
    }

    fn is_news(&self, name: &str, now: Duration) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(name).is_some_and(|last| now.saturating_sub(*last) < HOLDS) {
            return false;
        }
        noted.retain(|_, last| now.saturating_sub(*last) < HOLDS);
        noted.insert(name.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{LIFETIME, PUBLIC_KEY, mint};
    use crate::kinds::Role;
    use kit::clock::TestClock;
    use std::sync::Arc;

    #[test]
    fn a_minute_is_one_note() {
        let clock = Arc::new(TestClock::at(1_800_000_000));
        let store = Store::new(clock.clone());
        mint(&store, "ci", Role::Reader, LIFETIME).unwrap();
        let key = store.list(PUBLIC_KEY)[0].key.id.clone();
        let activity = Activity::new(store.clone());
        let who = "ci@serviceaccount.omni.sidero.dev";
        let seen = || {
            let object = store.get(&kinds::key(IDENTITY_LAST_ACTIVE, who)).unwrap();
            let used = store.get(&kinds::key(PUBLIC_KEY_LAST_ACTIVE, &*key)).unwrap();
            let used = used.spec::<specs::PublicKeyLastActiveSpec>().last_used.unwrap().seconds;
            (object.spec::<specs::IdentityLastActiveSpec>().last_active.unwrap().seconds, used)
        };
        for (later, expected) in [(0, 0), (59, 0), (1, 60)] {
            clock.advance(Duration::from_secs(later));
            activity.note(who, &key);
            assert_eq!(seen(), (1_800_000_000 + expected, 1_800_000_000 + expected), "{later} s later");
        }
    }
}
