//! The clock of a simulated server, which can be moved forward.

use kit::clock::Clock;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A clock that is ahead of another one.
pub(super) struct AheadClock {
    base: Arc<dyn Clock>,
    ahead: Mutex<Duration>,
}

impl AheadClock {
    /// A clock that shows the same as the other one, for now.
    pub(super) fn new(base: Arc<dyn Clock>) -> Self {
        Self { base, ahead: Mutex::default() }
    }

    /// Moves it forward.
    pub(super) fn advance(&self, by: Duration) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for AheadClock {
    fn now(&self) -> Duration {
        self.base.now() + *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
