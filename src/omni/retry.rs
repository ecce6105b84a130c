//! Retries of calls, and the pauses between them.
//! It is outside of signing, so that every attempt has a new signature.

use super::call::Call;
use super::client::Client;
use super::config::RetryPolicy;
use super::error::Error;
use super::status::{Delivery, Failure, Op, read};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;
use tonic::Status;

/// How long the answer to a write is still waited for after the operation was stopped.
/// It mostly is under way already, and without it nobody knows what the write left behind.
const CANCEL_GRACE_PERIOD: Duration = Duration::from_secs(2);

/// Which failed attempts may be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// Also those that may have taken effect: reads, and calls that are safe to repeat.
    Idempotent,
    /// Only those that did not reach the server.
    AtMostOnce,
}

impl RetryPolicy {
    /// The waits between the attempts of one call.
    pub(crate) fn delays(&self) -> ExponentialBackoff {
        self.builder().with_max_times(self.max_attempts.saturating_sub(1)).build()
    }

    /// The waits of something that only a deadline ends.
    pub(crate) fn endless(&self) -> ExponentialBackoff {
        self.builder().without_max_times().build()
    }

    fn builder(&self) -> ExponentialBuilder {
        let builder = ExponentialBuilder::new().with_min_delay(self.base_delay).with_max_delay(self.max_delay);
        if self.jitter { builder.with_jitter() } else { builder }
    }
}

impl Client {
    /// Sends a call, with retries as `idempotency` allows, until it succeeds or its deadline passes.
    pub(crate) async fn run<T, F, Fut>(
        &self,
        call: &Call,
        op: &Op<'_>,
        idempotency: Idempotency,
        send: F,
    ) -> Result<T, Failure>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Status>>,
    {
        self.run_within(call, op, idempotency, Some(self.inner.request_timeout), send).await
    }

    /// Like [`Client::run`], but with another limit for each attempt; `None` leaves only the call's own deadline.
    pub(crate) async fn run_within<T, F, Fut>(
        &self,
        call: &Call,
        op: &Op<'_>,
        idempotency: Idempotency,
        limit: Option<Duration>,
        mut send: F,
    ) -> Result<T, Failure>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Status>>,
    {
        let _writing = (!op.only_reads()).then(|| self.inner.sweeps.write());
        let mut delays = self.inner.retry.delays();
        loop {
            let failure = match self.attempt(call, op, idempotency, limit, &mut send).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let again = match failure.delivery {
                Delivery::Final => false,
                Delivery::Unsent => true,
                Delivery::Lost => idempotency == Idempotency::Idempotent,
            };
            let delay = if again { delays.next() } else { None };
            // What went wrong says more than that the time is up.
            let Some(delay) = delay.filter(|delay| *delay < call.remaining()) else {
                return Err(self.explained(call, failure).await);
            };
            tracing::debug!(method = op.method, error = %failure.error, ?delay, "repeating a call");
            let slept = self.sleep(call, delay, &op.words()).await;
            slept.map_err(|error| Failure::last(unsent(error, idempotency)))?;
        }
    }

    async fn attempt<T, F, Fut>(
        &self,
        call: &Call,
        op: &Op<'_>,
        idempotency: Idempotency,
        limit: Option<Duration>,
        send: &mut F,
    ) -> Result<T, Failure>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Status>>,
    {
        let timeout = || Error::Timeout { what: op.words(), after: call.limit };
        let cancelled = || Error::Cancelled { what: op.words() };
        let unsent = |error| Failure::last(unsent(error, idempotency));
        let _permit = match &self.inner.permits {
            None => None,
            Some(permits) => tokio::select! {
                biased;
                () = call.cancel.cancelled() => return Err(unsent(cancelled())),
                () = tokio::time::sleep_until(call.deadline) => return Err(unsent(timeout())),
                permit = permits.acquire() => permit.ok(),
            },
        };
        if call.cancel.is_cancelled() {
            return Err(unsent(cancelled()));
        }
        if call.remaining().is_zero() {
            return Err(unsent(timeout()));
        }
        let end = limit.map_or(call.deadline, |limit| call.deadline.min(Instant::now() + limit));
        let answer = tokio::time::timeout_at(end, send());
        tokio::pin!(answer);
        let answer = tokio::select! {
            biased;
            answer = &mut answer => answer,
            () = call.cancel.cancelled() => {
                if idempotency == Idempotency::Idempotent || limit.is_none() {
                    return Err(Failure::last(cancelled()));
                }
                tokio::time::timeout(CANCEL_GRACE_PERIOD, answer).await.map_err(|_| Failure::last(cancelled()))?
            }
        };
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(status)) => Err(read(op, &status, &self.inner.transport_state, &self.inner.endpoint)),
            Err(_) if call.remaining().is_zero() => Err(Failure::last(timeout())),
            Err(_) => Err(Failure {
                error: Error::Transport {
                    endpoint: self.inner.endpoint.clone(),
                    message: format!("no answer within {} s", limit.unwrap_or_default().as_secs_f32()),
                    maybe_sent: true,
                    setting: "endpoint",
                },
                delivery: Delivery::Lost,
            }),
        }
    }

    /// Waits, but not beyond the limits of `call`.
    pub(crate) async fn sleep(&self, call: &Call, delay: Duration, what: &str) -> Result<(), Error> {
        let end = Instant::now() + delay;
        tokio::select! {
            biased;
            () = call.cancel.cancelled() => Err(Error::Cancelled { what: what.to_owned() }),
            () = tokio::time::sleep_until(end.min(call.deadline)) => {
                if end > call.deadline {
                    Err(Error::Timeout { what: what.to_owned(), after: call.limit })
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// The end of a call between two attempts, or before the first: a write that is not repeated when it may have
/// taken effect has then certainly not been sent.
fn unsent(error: Error, idempotency: Idempotency) -> Error {
    match idempotency {
        Idempotency::AtMostOnce => error.settled(false),
        Idempotency::Idempotent => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays() {
        let policy = RetryPolicy {
            max_attempts: 5,
            base_delay: Duration::from_millis(100),
            max_delay: Duration::from_millis(300),
            jitter: false,
        };
        let millis: Vec<_> = policy.delays().map(|d| d.as_millis()).collect();
        assert_eq!(millis, [100, 200, 300, 300]);
        assert_eq!(policy.endless().take(50).count(), 50);
        let once = RetryPolicy { max_attempts: 1, ..policy };
        assert_eq!(once.delays().count(), 0);
        let jittered: Vec<_> = RetryPolicy { jitter: true, ..policy }.delays().collect();
        assert!(
            jittered.iter().all(|d| *d >= Duration::from_millis(100) && *d <= Duration::from_millis(600)),
            "{jittered:?}"
        );
    }
}
