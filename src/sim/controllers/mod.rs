//! What Omni does by itself: one file a behaviour.

use super::driver::Controller;

/// All controllers, in the order in which they take their steps.
#[must_use]
pub fn all() -> Vec<Box<dyn Controller>> {
    Vec::new()
}
