//! Reads after an RPC, until the lists of Omni include its effect.

use super::{Freshness, RpcBackend, RpcObject};
use crate::omni::spec::fields::Fields;
use crate::omni::{Call, Error, ErrorKind, Watch};
use crate::provider::engine::{Cx, Joined, Object};
use crate::provider::errors::Operation;
use crate::tf::value::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long Omni may take to list what a call has done.
pub(super) const VISIBLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to look for the effect of a call whose answer got lost.
pub(super) const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);
/// The first wait between two looks, and the longest.
const POLL_INTERVAL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The same session with a limit of its own: that of the operation may be over, or much longer.
pub(super) fn brief(cx: &Cx, limit: Duration, cancel: &CancellationToken) -> Cx {
    Cx { session: Arc::clone(&cx.session), call: Call::within(limit, cancel) }
}

/// An object that was read, with what is joined to it.
pub(super) struct Found<S> {
    pub(super) object: Object<S>,
    pub(super) joined: Joined,
}

impl<M: RpcObject> RpcBackend<M> {
    /// Reads what is joined to the object.
    pub(super) async fn with_joined(&self, cx: &Cx, object: Object<M::Spec>) -> Result<Found<M::Spec>, Error> {
        let joined = Joined::read(cx, self.base.binding.joins(), object.id()).await?;
        Ok(Found { object, joined })
    }

    /// Waits until what is read shows what was written.
    pub(super) async fn visible(
        &self,
        cx: &Cx,
        operation: &Operation<'_>,
        wanted: &Value,
    ) -> Result<Found<M::Spec>, Error> {
        let what = format!("{} to be listed as it was written", operation.what());
        let shown = |object: Option<Object<M::Spec>>| object.filter(|object| self.reflects(object, wanted));
        let object = until::<M, _>(cx, operation.id, wanted, &what, shown).await?;
        self.with_joined(cx, object).await
    }

    fn reflects(&self, object: &Object<M::Spec>, wanted: &Value) -> bool {
        // What does not fit its rows is said when it is shown.
        let Ok(fields) = Fields::decode::<M::Spec>(&object.stored.spec) else { return true };
        self.base.binding.is_shown(&fields, wanted).unwrap_or(true) && M::reflects(object, wanted)
    }

    /// Waits until nothing is read any more.
    pub(super) async fn gone(&self, cx: &Cx, operation: &Operation<'_>, state: &Value) -> Result<(), Error> {
        let what = format!("{} to be listed no more", operation.what());
        until::<M, _>(cx, operation.id, state, &what, |object| object.is_none().then_some(())).await
    }
}

async fn until<M: RpcObject, T>(
    cx: &Cx,
    id: &str,
    state: &Value,
    what: &str,
    mut enough: impl FnMut(Option<Object<M::Spec>>) -> Option<T>,
) -> Result<T, Error> {
    let named = |error: Error| match error.kind() {
        ErrorKind::Timeout => Error::Timeout { what: what.to_owned(), after: cx.call.limit },
        ErrorKind::Cancelled => Error::Cancelled { what: what.to_owned() },
        _ => error,
    };
    let mut watch = None;
    let mut pause = POLL_INTERVAL.0;
    for look in 0_u32.. {
        if let Some(found) = enough(M::find(cx, id, Freshness::Cached).await.map_err(named)?) {
            return Ok(found);
        }
        if look == 0
            && let Some(key) = M::watched(state)
        {
            // A server that does not let us watch is asked from time to time.
            watch = cx.client().watch(&cx.call, &key).await.ok();
        }
        tokio::select! {
            biased;
            () = cx.call.cancel.cancelled() => return Err(Error::Cancelled { what: what.to_owned() }),
            () = tokio::time::sleep_until(cx.call.deadline) => break,
            still = change(&mut watch) => {
                if !still {
                    watch = None;
                }
            }
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(POLL_INTERVAL.1),
        }
    }
    Err(Error::Timeout { what: what.to_owned(), after: cx.call.limit })
}

/// The next change of what is watched; says whether there may be another.
async fn change(watch: &mut Option<Watch>) -> bool {
    match watch {
        Some(watch) => watch.next().await.is_ok(),
        None => std::future::pending().await,
    }
}
