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
    /// The cluster that the operation is about, if it is about one: who has rights on that alone finds its objects by it.
    pub cluster: Option<String>,
}

impl Call {
    /// An operation that may take `limit` from now on.
    #[must_use]
    pub fn within(limit: Duration, cancel: &CancellationToken) -> Self {
        Self { cancel: cancel.clone(), deadline: Instant::now() + limit, cluster: None }
    }

    /// The same operation, about this cluster.
    #[must_use]
    pub fn in_cluster(self, cluster: Option<&str>) -> Self {
        Self { cluster: cluster.filter(|name| !name.is_empty()).map(str::to_owned), ..self }
    }

    /// A part of the operation, or what follows it, with a limit that begins now.
    #[must_use]
    pub fn again_within(&self, limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, ..self.clone() }
    }

    /// What is left of the limit.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}
