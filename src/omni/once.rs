//! Calls that must not take effect twice: if a response leaves open whether one did, its effect is looked up before
//! a retry. Each call implements its own look-up.

use super::call::Call;
use super::client::Client;
use super::error::{Error, ErrorKind};
use async_trait::async_trait;
use std::time::Duration;

/// The result of looking up the effect of a call.
pub(crate) enum Look<T> {
    /// It took effect, with this result.
    There(T),
    /// It did not take effect, or a retry is safe.
    Absent,
    /// It is not known.
    Unclear,
}

/// What is known when a look is taken.
pub(crate) struct Sight {
    /// How long the look may wait for something to appear.
    pub(crate) wait: Duration,
    /// The server says that what was to be made is there already.
    pub(crate) taken: bool,
}

/// A call that must not take effect twice.
#[async_trait]
pub(crate) trait AtMostOnce: Send + Sync {
    /// The result.
    type Made: Send;

    /// Sends it once.
    async fn send(&self) -> Result<Self::Made, Error>;

    /// Looks for the effect of a call whose response leaves open whether it took effect.
    async fn look(&self, sight: Sight) -> Result<Look<Self::Made>, Error>;
}

/// How long the last look may wait.
const LAST_LOOK_TIMEOUT: Duration = Duration::from_secs(5);

impl Client {
    /// Sends a call, and again only when a look finds nothing of it. `what` says what is waited for, for the error.
    /// Says too whether an attempt that seemed lost may still take effect later on.
    ///
    /// # Errors
    /// What the call failed with; [`Error::may_have_happened`] tells whether it took effect all the same.
    pub(crate) async fn at_most_once<O: AtMostOnce>(
        &self,
        call: &Call,
        what: &str,
        once: &O,
    ) -> Result<(O::Made, bool), Error> {
        let mut delays = self.inner.retry.delays();
        // The first failure that left it open, and whether an attempt may still be under way somewhere.
        let (mut unsure, mut open) = (None, false);
        loop {
            let error = match once.send().await {
                Ok(made) => return Ok((made, open)),
                Err(error) => error,
            };
            let taken = unsure.is_some() && error.is(ErrorKind::AlreadyExists);
            if !error.may_have_happened() && !taken {
                // A later attempt that did nothing does not undo an earlier one.
                return Err(error.settled(open));
            }
            open |= error.may_have_happened() && !error.is_final_word();
            let error = unsure.take().unwrap_or(error);
            let delay = delays.next().filter(|delay| !taken && *delay < call.remaining());
            let wait = delay.unwrap_or(LAST_LOOK_TIMEOUT).min(call.remaining());
            match once.look(Sight { wait, taken }).await {
                Ok(Look::There(made)) => return Ok((made, open)),
                // Somebody else's is there, and so ours is not.
                Ok(Look::Absent) if taken => return Err(error.settled(false)),
                Ok(Look::Absent) => {}
                Ok(Look::Unclear) => return Err(error.settled(true)),
                Err(unseen) => {
                    tracing::debug!(%unseen, "the effect of a call cannot be looked for");
                    return Err(error.settled(true));
                }
            }
            let Some(delay) = delay else { return Err(error.settled(open)) };
            tracing::debug!(%error, ?delay, "a call took no effect, and is repeated");
            unsure = Some(error);
            self.sleep(call, delay, what).await.map_err(|e| e.settled(open))?;
        }
    }
}
