//! A lock for each object: Terraform may destroy and create an object with the same ID concurrently, at two addresses.
//! The last RPC of a removal has no version, so it could remove the object that was just created.

use super::ledger::ObjectKey;
use crate::omni::{Call, Error};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// The locks of all objects that an operation works on.
#[derive(Debug, Default)]
pub(crate) struct KeyLocks(Mutex<BTreeMap<ObjectKey, Arc<tokio::sync::Mutex<()>>>>);

/// A held lock; dropping it releases it.
#[must_use]
pub(crate) struct KeyLock(#[allow(dead_code, reason = "held, not read")] OwnedMutexGuard<()>);

impl KeyLocks {
    /// Waits until no other operation holds the lock of the object.
    ///
    /// # Errors
    /// When the operation is cancelled or runs out of time before that.
    pub(crate) async fn take(&self, call: &Call, key: impl Into<ObjectKey> + Send) -> Result<KeyLock, Error> {
        let key = key.into();
        let what = || format!("the removal of `{}` by another resource", key.display());
        let lock = self.lock_of(&key);
        tokio::select! {
            biased;
            guard = lock.lock_owned() => Ok(KeyLock(guard)),
            () = call.cancel.cancelled() => Err(Error::Cancelled { what: what() }),
            () = tokio::time::sleep_until(call.deadline) => {
                Err(Error::Timeout { what: what(), after: call.limit })
            }
        }
    }

    fn lock_of(&self, key: &ObjectKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // No operation waits for a lock that only the table holds.
        all.retain(|_, lock| Arc::strong_count(lock) > 1);
        all.entry(key.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::ErrorKind;
    use crate::omni::spec::Spec;
    use omni_proto::specs::ClusterSpec;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    fn call(seconds: u64) -> Call {
        Call::within(Duration::from_secs(seconds), &CancellationToken::new())
    }

    #[tokio::test(start_paused = true)]
    async fn one_holder_at_a_time_for_each_object() {
        let (key_locks, key) = (KeyLocks::default(), ClusterSpec::KIND.key("a"));
        let first = key_locks.take(&call(60), &key).await.unwrap();
        let other = key_locks.take(&call(60), &ClusterSpec::KIND.key("b")).await;
        assert!(other.is_ok(), "another object is free");
        let late = key_locks.take(&call(5), &key).await.err();
        assert!(late.is_some_and(|e| e.is(ErrorKind::Timeout)));
        let stopped = call(60);
        stopped.cancel.cancel();
        assert!(key_locks.take(&stopped, &key).await.err().is_some_and(|e| e.is(ErrorKind::Cancelled)));
        drop(first);
        assert!(key_locks.take(&call(5), &key).await.is_ok());
    }

    #[tokio::test]
    async fn what_nobody_uses_is_forgotten() {
        let key_locks = KeyLocks::default();
        for n in 0..100 {
            drop(key_locks.take(&call(60), &ClusterSpec::KIND.key(n.to_string())).await.unwrap());
        }
        assert_eq!(key_locks.0.lock().unwrap().len(), 1);
    }
}
