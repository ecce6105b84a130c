//! Looking at an object after a call about it, until Omni's lists show what the call did.

use super::Called;
use crate::omni::{Call, Class, Error, Watch};
use crate::provider::crud::Cx;
use crate::provider::explain::Doing;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long Omni may take to list what a call has done.
pub(super) const LAG: Duration = Duration::from_secs(30);
/// How long to look for the effect of a call whose answer got lost.
pub(super) const SEARCH: Duration = Duration::from_secs(10);
/// The first wait between two looks, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The same session with a limit of its own: that of the operation may be over, or much longer.
pub(super) fn brief(cx: &Cx, limit: Duration, cancel: &CancellationToken) -> Cx {
    Cx { session: Arc::clone(&cx.session), call: Call::within(limit, cancel) }
}

/// Waits until what is read shows what was written.
pub(super) async fn shown<M: Called>(cx: &Cx, doing: &Doing<'_>, wanted: &M::Model) -> Result<M::Seen, Error> {
    let what = format!("{} to be listed as it was written", doing.what());
    until::<M, _>(cx, doing.id, wanted, &what, |seen| seen.filter(|seen| M::shows(seen, wanted))).await
}

/// Waits until nothing is read any more.
pub(super) async fn gone<M: Called>(cx: &Cx, doing: &Doing<'_>, model: &M::Model) -> Result<(), Error> {
    let what = format!("{} to be listed no more", doing.what());
    until::<M, _>(cx, doing.id, model, &what, |seen| seen.is_none().then_some(())).await
}

async fn until<M: Called, T>(
    cx: &Cx,
    id: &str,
    model: &M::Model,
    what: &str,
    mut enough: impl FnMut(Option<M::Seen>) -> Option<T>,
) -> Result<T, Error> {
    let started = Instant::now();
    let named = |error: Error| match error.class() {
        Class::Timeout => Error::Timeout { what: what.to_owned(), after: started.elapsed() },
        Class::Cancelled => Error::Cancelled { what: what.to_owned() },
        _ => error,
    };
    let mut watch = None;
    let mut pause = PAUSE.0;
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
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE.1),
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
