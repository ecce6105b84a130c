//! What goes with every call: how long it may take, and who may stop it.

use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The limits of one operation; retries and waits count against the same deadline.
#[derive(Clone, Debug)]
pub struct Call {
    /// Ends the operation at once when cancelled.
    pub cancel: CancellationToken,
    /// When the operation must have ended.
    pub deadline: Instant,
}

impl Call {
    /// An operation that may take `limit` from now on.
    #[must_use]
    pub fn within(limit: Duration, cancel: &CancellationToken) -> Self {
        Self { cancel: cancel.clone(), deadline: Instant::now() + limit }
    }

    /// What is left of the limit.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}
