//! What Omni refuses: one file a type, each a function from a change to the list of problems.

use super::object::{Object, View};

/// What is about to be done to an object.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// It is to be made.
    Create(&'a Object),
    /// It is to be replaced: the old one, then the new one.
    Update(&'a Object, &'a Object),
    /// It is to be torn down or destroyed.
    Destroy(&'a Object),
}

/// The problems with a change, in the order in which Omni lists them; none means that it may go ahead.
#[must_use]
pub fn problems(_view: &dyn View, _change: Change<'_>) -> Vec<String> {
    Vec::new()
}
