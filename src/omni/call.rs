//! What every call carries: its deadline and its cancellation.

use super::sweep::Sweep;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The context of one operation. Retries and waits of the operation share its deadline.
///
/// ```
/// use std::time::Duration;
/// use terraform_provider_omni::omni::Call;
/// use tokio_util::sync::CancellationToken;
///
/// let cancel = CancellationToken::new();
/// let call = Call::within(Duration::from_secs(60), &cancel).in_cluster(Some("prod"));
/// assert!(call.remaining() <= Duration::from_secs(60));
///
/// // A step with its own deadline is cancelled together with the operation.
/// let step = call.again_within(Duration::from_secs(5));
/// cancel.cancel();
/// assert!(step.cancel.is_cancelled());
/// assert_eq!(step.cluster.as_deref(), Some("prod"));
/// ```
#[derive(Clone, Debug)]
pub struct Call {
    /// Ends the operation at once when cancelled.
    pub cancel: CancellationToken,
    /// When the operation times out.
    pub deadline: Instant,
    /// How long the operation may take, as it is configured: the time that messages of a timeout name.
    pub limit: Duration,
    /// The cluster of the operation, if it has one: an identity with access to that cluster alone can list its objects
    /// only with this.
    pub cluster: Option<String>,
    /// The sweep that the reads of the operation belong to: see [`Call::in_sweep`].
    pub(crate) sweep: Option<Sweep>,
    /// Whether the operation is a plan: see [`Call::in_plan_sweep`].
    pub(crate) is_plan: bool,
}

impl Call {
    /// An operation with a deadline in `limit` from now.
    #[must_use]
    pub fn within(limit: Duration, cancel: &CancellationToken) -> Self {
        let deadline = Instant::now() + limit;
        Self { cancel: cancel.clone(), deadline, limit, cluster: None, sweep: None, is_plan: false }
    }

    /// Sets the cluster; an empty name is none.
    #[must_use]
    pub fn in_cluster(self, cluster: Option<&str>) -> Self {
        Self { cluster: cluster.filter(|name| !name.is_empty()).map(str::to_owned), ..self }
    }

    /// A step of the operation with a deadline in `limit` from now, which may be later than that of the operation.
    #[must_use]
    pub fn again_within(&self, limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, limit, ..self.clone() }
    }

    /// The time until the deadline; zero after it.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}
