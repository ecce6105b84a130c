//! Computed objects that take time. After each event the object is computed again, and sent if it has changed.

use super::{computed, usage};
use crate::kinds;
use crate::names::kind;
use crate::object::{Key, Object, Reader};
use crate::store::{Store, StoreError, Subscription};
use crate::wire;
use futures_util::{Stream, StreamExt, stream};
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::EventType;
use prost::Message;
use tonic::Status;

/// The one computed type that can be watched.
pub(crate) const WATCHED: &str = "KubernetesUsages.omni.sidero.dev";

/// What must be there before a cluster is asked for its usage, and how the answer begins where it is not.
const NEEDED: [(&str, &str); 2] = [
    (kind::CLUSTER_UUID, "failed to resolve watch id"),
    (kind::KUBECONFIG, "failed to start watch: failed to get kubeconfig"),
];

/// Whether there is a cluster that can be asked.
fn reachable(view: &dyn Reader, cluster: &str) -> Result<(), Status> {
    for (kind, what) in NEEDED {
        if view.get(kind, cluster).is_none() {
            let missing = StoreError::missing(&kinds::key(kind, cluster), true);
            return Err(Status::not_found(format!("{what}: {}", missing.message())));
        }
    }
    Ok(())
}

/// The usage of a cluster, as soon as there is one: as on Omni a caller waits for it, at most until its own deadline.
/// A cluster that is gone is not waited for.
pub(crate) async fn awaited(store: &Store, key: &Key) -> Result<Object, Status> {
    let mut changes = store.subscribe();
    loop {
        let found = {
            let view = store.view();
            reachable(&view, &key.id)?;
            usage::of(&view, &key.id)
        };
        if let Some(spec) = found {
            return Ok(computed(key.clone(), 1, spec.encode_to_vec(), store.time()));
        }
        changes.next().await.map_err(|stale| Status::aborted(stale.to_string()))?;
    }
}

/// The usage of a cluster, now and whenever it changes; nothing as long as there is none.
pub(crate) fn watch(
    store: &Store,
    key: Key,
) -> Result<impl Stream<Item = Result<pb::WatchResponse, Status>> + use<>, Status> {
    reachable(&store.view(), &key.id)?;
    let changes = store.subscribe();
    let state = State { store: store.clone(), changes, key, last: None };
    let events = stream::unfold(state, |mut state| async {
        let answer = state.next().await;
        Some((answer, state))
    });
    // What a client waits for before it relies on the watch.
    Ok(stream::once(async { Ok(pb::WatchResponse::default()) }).chain(events))
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
