//! The requests to the server, in the order of arrival, for tests that count them.

use std::sync::{Arc, Mutex, PoisonError};

/// A longer log would be a leak in a server that runs for days.
const KEPT: usize = 100_000;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method: `/cosi.resource.State/Get`.
    pub method: String,
    /// The type it was about; empty when it was about none.
    pub kind: String,
    /// The id it was about; empty when it was about none.
    pub id: String,
}

impl Request {
    /// The last part of the method: `Get`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.method.rsplit('/').next().unwrap_or(&self.method)
    }
}

/// The calls so far; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests(Arc<Mutex<Vec<Request>>>);

impl Requests {
    /// Notes a call, and returns what fills in what it is about.
    pub(super) fn arrived(&self, method: &str) -> Entry {
        let mut log = self.lock();
        if log.len() >= KEPT {
            log.drain(..KEPT / 2);
        }
        log.push(Request { method: method.to_owned(), kind: String::new(), id: String::new() });
        Entry { log: self.clone(), index: log.len() - 1, method: method.to_owned() }
    }

    /// All calls since the last time they were forgotten.
    pub(super) fn all(&self) -> Vec<Request> {
        self.lock().clone()
    }

    /// Forgets all calls.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one call in the log; travels in the extensions of the request.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    log: Requests,
    index: usize,
    method: String,
}

impl Entry {
    /// The method that was called.
    pub(super) fn method(&self) -> &str {
        &self.method
    }

    /// Notes what the call is about.
    pub(super) fn about(&self, kind: &str, id: &str) {
        // The log may have been cleared since; then another call, or none, stands in this place.
        if let Some(request) = self.log.lock().get_mut(self.index)
            && request.method == self.method
            && request.kind.is_empty()
        {
            kind.clone_into(&mut request.kind);
            id.clone_into(&mut request.id);
        }
    }
}
