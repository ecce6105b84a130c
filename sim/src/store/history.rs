//! Recent versions of objects, for cached reads.

use crate::object::{Key, Object};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// What an object was (nothing, if it did not exist), and until when.
struct Past {
    until: Duration,
    was: Option<Arc<Object>>,
}

/// The pasts of one type in one namespace, by id.
type Pasts = BTreeMap<String, VecDeque<Past>>;

/// The pasts that a read may still see.
#[derive(Default)]
pub(super) struct History {
    pasts: HashMap<(String, String), Pasts>,
    /// Whose oldest past ends when, in that order.
    ends: VecDeque<(Duration, Key)>,
}

impl History {
    /// Keeps what an object was until now, and forgets what no read can see any more.
    pub(super) fn record(&mut self, key: &Key, now: Duration, lag: Duration, was: Option<Arc<Object>>) {
        let horizon = now.saturating_sub(lag);
        while let Some((_, key)) = self.ends.pop_front_if(|(until, _)| *until <= horizon) {
            self.forget(key);
        }
        let pasts = self.pasts.entry((key.kind.clone(), key.namespace.clone())).or_default();
        pasts.entry(key.id.clone()).or_default().push_back(Past { until: now, was });
        self.ends.push_back((now, key.clone()));
    }

    /// Drops the oldest past of an object.
    fn forget(&mut self, key: Key) {
        if let Some(pasts) = self.pasts.get_mut(&(key.kind, key.namespace))
            && let Some(past) = pasts.get_mut(&key.id)
        {
            past.pop_front();
            if past.is_empty() {
                pasts.remove(&key.id);
            }
        }
    }

    /// What the object was at the horizon; none when it has not changed since then.
    pub(super) fn before(&self, key: &Key, horizon: Option<Duration>) -> Option<Option<Arc<Object>>> {
        let pasts = self.pasts.get(&(key.kind.clone(), key.namespace.clone()))?;
        Some(seen(pasts.get(&key.id)?, horizon?)?.was.clone())
    }

    /// The objects that a list saw at the horizon.
    pub(super) fn overlay(
        &self,
        now: Vec<Arc<Object>>,
        kind: &str,
        namespace: &str,
        horizon: Option<Duration>,
    ) -> Vec<Arc<Object>> {
        let (Some(pasts), Some(horizon)) = (self.pasts.get(&(kind.to_owned(), namespace.to_owned())), horizon) else {
            return now;
        };
        let mut objects: BTreeMap<String, Arc<Object>> = now.into_iter().map(|o| (o.key.id.clone(), o)).collect();
        for (id, past) in pasts {
            match seen(past, horizon).map(|p| p.was.clone()) {
                Some(Some(was)) => {
                    objects.insert(id.clone(), was);
                }
                Some(None) => {
                    objects.remove(id);
                }
                None => {}
            }
        }
        objects.into_values().collect()
    }
}

fn seen(past: &VecDeque<Past>, horizon: Duration) -> Option<&Past> {
    past.iter().find(|p| p.until > horizon)
}
