//! Whose turn it is with an object: a host may remove and make an object of the same id at once, from two addresses.
//! Omni's last call of a removal names no version, so it could hit the object that was made meanwhile.
//! This knows nothing of what is done in a turn.

use crate::omni::{Call, Error, Key};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

/// The objects that something is being done with.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>);

/// A turn; it ends when this is dropped.
#[must_use]
pub(crate) struct Turn(#[allow(dead_code, reason = "held, not read")] OwnedMutexGuard<()>);

impl Turns {
    /// Waits until nobody else has a turn with the object.
    ///
    /// # Errors
    /// When the operation is cancelled or runs out of time before that.
    pub(crate) async fn take(&self, call: &Call, key: &Key) -> Result<Turn, Error> {
        let started = Instant::now();
        let what = || format!("the removal of `{key}` by another resource");
        let lock = self.lock_of(key);
        tokio::select! {
            biased;
            guard = lock.lock_owned() => Ok(Turn(guard)),
            () = call.cancel.cancelled() => Err(Error::Cancelled { what: what() }),
            () = tokio::time::sleep_until(call.deadline) => {
                Err(Error::Timeout { what: what(), after: started.elapsed() })
            }
        }
    }

    fn lock_of(&self, key: &Key) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody waits for a lock that only the table holds.
        all.retain(|_, lock| Arc::strong_count(lock) > 1);
        all.entry(key.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::Class;
    use crate::omni::spec::Spec;
    use omni_proto::specs::ClusterSpec;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    fn call(seconds: u64) -> Call {
        Call::within(Duration::from_secs(seconds), &CancellationToken::new())
    }

    #[tokio::test(start_paused = true)]
    async fn one_turn_at_a_time_for_each_object() {
        let (turns, key) = (Turns::default(), ClusterSpec::KIND.key("a"));
        let first = turns.take(&call(60), &key).await.unwrap();
        let other = turns.take(&call(60), &ClusterSpec::KIND.key("b")).await;
        assert!(other.is_ok(), "another object is free");
        let late = turns.take(&call(5), &key).await.err();
        assert!(late.is_some_and(|e| e.is(Class::Timeout)));
        let stopped = call(60);
        stopped.cancel.cancel();
        assert!(turns.take(&stopped, &key).await.err().is_some_and(|e| e.is(Class::Cancelled)));
        drop(first);
        assert!(turns.take(&call(5), &key).await.is_ok());
    }

    #[tokio::test]
    async fn what_nobody_uses_is_forgotten() {
        let turns = Turns::default();
        for n in 0..100 {
            drop(turns.take(&call(60), &ClusterSpec::KIND.key(n.to_string())).await.unwrap());
        }
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
