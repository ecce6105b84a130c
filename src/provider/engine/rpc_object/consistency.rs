//! Reads after an RPC, until the lists of Omni include its effect.

use super::RpcObject;
use crate::omni::{Call, Error, ErrorKind, Watch};
use crate::provider::engine::Cx;
use crate::provider::errors::Operation;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
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

/// Waits until what is read shows what was written.
pub(super) async fn visible<M: RpcObject>(
    cx: &Cx,
    operation: &Operation<'_>,
    wanted: &M::Model,
) -> Result<M::Observed, Error> {
    let what = format!("{} to be listed as it was written", operation.what());
    until::<M, _>(cx, operation.id, wanted, &what, |seen| seen.filter(|seen| M::reflects(seen, wanted))).await
}

/// Waits until nothing is read any more.
pub(super) async fn gone<M: RpcObject>(cx: &Cx, operation: &Operation<'_>, model: &M::Model) -> Result<(), Error> {
    let what = format!("{} to be listed no more", operation.what());
    until::<M, _>(cx, operation.id, model, &what, |seen| seen.is_none().then_some(())).await
}

async fn until<M: RpcObject, T>(
    cx: &Cx,
    id: &str,
    model: &M::Model,
    what: &str,
    mut enough: impl FnMut(Option<M::Observed>) -> Option<T>,
) -> Result<T, Error> {
    let started = Instant::now();
    let named = |error: Error| match error.kind() {
        ErrorKind::Timeout => Error::Timeout { what: what.to_owned(), after: started.elapsed() },
        ErrorKind::Cancelled => Error::Cancelled { what: what.to_owned() },
        _ => error,
    };
    let mut watch = None;
    let mut pause = POLL_INTERVAL.0;
    for look in 0_u32.. {
        if let Some(found) = enough(M::find(cx, id).await.map_err(named)?) {
            return Ok(found);
        }
        if look == 0
            && let Some(key) = M::watched(model)
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
    Err(Error::Timeout { what: what.to_owned(), after: started.elapsed() })
}

/// The next change of what is watched; says whether there may be another.
async fn change(watch: &mut Option<Watch>) -> bool {
    match watch {
        Some(watch) => watch.next().await.is_ok(),
        None => std::future::pending().await,
    }
}
