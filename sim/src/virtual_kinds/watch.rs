//! Watches of computed objects: after each event the object is computed again, and sent if it has changed.

use super::{computed, usage};
use crate::object::{Key, Object};
use crate::store::{Store, Subscription};
use crate::wire;
use futures_util::{Stream, StreamExt, stream};
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::EventType;
use prost::Message;
use tonic::Status;

/// The one computed type that can be watched.
pub(crate) const WATCHED: &str = "KubernetesUsages.omni.sidero.dev";

/// The usage of a cluster, now and whenever it changes; nothing as long as there is none.
pub(crate) fn watch(store: &Store, key: Key) -> impl Stream<Item = Result<pb::WatchResponse, Status>> + use<> {
    let changes = store.subscribe();
    let state = State { store: store.clone(), changes, key, last: None };
    let events = stream::unfold(state, |mut state| async {
        let answer = state.next().await;
        Some((answer, state))
    });
    // What a client waits for before it relies on the watch.
    stream::once(async { Ok(pb::WatchResponse::default()) }).chain(events)
}

struct State {
    store: Store,
    changes: Subscription,
    key: Key,
    last: Option<Object>,
}

impl State {
    async fn next(&mut self) -> Result<pb::WatchResponse, Status> {
        loop {
            if let Some(event) = self.news() {
                return Ok(pb::WatchResponse { event: vec![event] });
            }
            self.changes.next().await.map_err(|stale| Status::aborted(stale.to_string()))?;
        }
    }

    fn news(&mut self) -> Option<pb::Event> {
        let spec = usage::of(&self.store.view(), &self.key.id)?.encode_to_vec();
        if self.last.as_ref().is_some_and(|last| last.spec == spec) {
            return None;
        }
        let object = computed(self.key.clone(), 1, spec, self.store.time());
        let event_type = if self.last.is_some() { EventType::Updated } else { EventType::Created };
        let resource = Some(wire::sent(&object));
        let old = self.last.replace(object).as_ref().map(wire::sent);
        Some(pb::Event { resource, event_type: event_type.into(), old, ..pb::Event::default() })
    }
}
