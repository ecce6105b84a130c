//! Injected faults: delayed responses, refusals, broken connections.
//! It decides which fault applies to which call; the server of the call applies it.

mod plan;

pub use plan::{FaultError, GRAMMAR, PlanError, names, read};

use super::connection::Disconnect;
use super::outage::Outage;
use futures_util::{Stream, StreamExt, stream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tonic::{Code, Status};

/// What stands for the handshake of TLS in the place of a method.
pub const HANDSHAKE: &str = "Handshake";

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The call is late by this much, and works.
    Delay(Duration),
    /// The call is refused, and does nothing.
    Refuse(Code, String),
    /// The call does its work, and then says that it failed.
    FailAfterwards(Code, String),
    /// The connection breaks before the call does anything.
    DropBefore,
    /// The call does its work, and the connection breaks before the answer.
    DropAfterwards,
    /// The server goes away before the call does anything, and comes back after this time of its clock.
    Leave(Duration),
    /// A List or a Watch ends after this many messages; other calls are not concerned.
    Break(usize),
    /// Somebody else writes the object of an Update first; other calls are not concerned.
    Conflict,
}

/// What goes wrong, with which calls, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    method: String,
    kind: Option<String>,
    skip: usize,
    times: usize,
    action: Action,
}

impl Fault {
    /// The next call of this method goes wrong; `Create`, or a full `/cosi.resource.State/Create`.
    pub fn new(method: impl Into<String>, action: Action) -> Self {
        Self { method: method.into(), kind: None, skip: 0, times: 1, action }
    }

    /// Only with objects of this type.
    #[must_use]
    pub fn of(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Only after this many such calls went well.
    #[must_use]
    pub fn after(mut self, calls: usize) -> Self {
        self.skip = calls;
        self
    }

    /// With this many calls.
    #[must_use]
    pub fn times(mut self, calls: usize) -> Self {
        self.times = calls;
        self
    }

    fn concerns(&self, method: &str, kind: &str) -> bool {
        let name = method.rsplit('/').next().unwrap_or(method);
        (self.method == method || self.method == name) && self.kind.as_ref().is_none_or(|k| k == kind)
    }
}

/// All faults that are still to come.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Adds one; of several that concern a call, the oldest strikes.
    pub fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How many are still to come.
    #[must_use]
    pub fn left(&self) -> usize {
        self.lock().iter().fold(0, |sum, fault| sum.saturating_add(fault.times))
    }

    /// What goes wrong with this call.
    pub(super) fn strike(&self, method: &str, kind: &str) -> Option<Action> {
        let mut faults = self.lock();
        for fault in faults.iter_mut().filter(|f| f.concerns(method, kind)) {
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.times > 0 {
                fault.times -= 1;
                let action = fault.action.clone();
                faults.retain(|f| f.times > 0);
                return Some(action);
            }
        }
        None
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a fault breaks: one connection, or the whole server.
pub(super) struct Breakable<'a> {
    pub(super) disconnect: Option<&'a Disconnect>,
    pub(super) outage: &'a Outage,
}

impl Breakable<'_> {
    fn cut(&self) -> Status {
        if let Some(disconnect) = self.disconnect {
            disconnect.cut();
        }
        Status::unavailable("the connection was cut on purpose")
    }
}

/// Does the work of a call, with what goes wrong around it.
pub(super) async fn around<T>(
    action: Option<&Action>,
    breakable: Breakable<'_>,
    work: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    match action {
        // These two happen within the work.
        None | Some(Action::Break(_) | Action::Conflict) => work.await,
        Some(Action::Delay(by)) => {
            tokio::time::sleep(*by).await;
            work.await
        }
        Some(Action::Refuse(code, text)) => Err(Status::new(*code, text)),
        Some(Action::FailAfterwards(code, text)) => {
            work.await?;
            Err(Status::new(*code, text))
        }
        Some(Action::DropBefore) => Err(breakable.cut()),
        Some(Action::DropAfterwards) => {
            // Whether the work went well is what the caller never learns.
            drop(work.await);
            Err(breakable.cut())
        }
        Some(Action::Leave(time)) => {
            breakable.outage.leave(Some(*time));
            Err(breakable.cut())
        }
    }
}

/// Answers that end in the middle.
pub(super) fn broken<T>(
    answers: impl Stream<Item = Result<T, Status>>,
    after: usize,
) -> impl Stream<Item = Result<T, Status>> {
    let end = Status::unavailable("the stream was broken on purpose");
    answers.take(after).chain(stream::once(std::future::ready(Err(end))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_strike_the_calls_they_name() {
        let faults = Faults::default();
        faults.add(Fault::new("Create", Action::DropBefore).of("Clusters").after(1).times(2));
        let strikes = |method, kind| faults.strike(method, kind).is_some();
        assert!(!strikes("/cosi.resource.State/Create", "Other"));
        assert!(!strikes("/cosi.resource.State/Get", "Clusters"));
        assert!(!strikes("/cosi.resource.State/Create", "Clusters"), "the first is let through");
        assert!(strikes("/cosi.resource.State/Create", "Clusters"));
        assert_eq!(faults.left(), 1);
        assert!(strikes("/cosi.resource.State/Create", "Clusters"));
        assert!(!strikes("/cosi.resource.State/Create", "Clusters"));
        assert_eq!(faults.left(), 0);
    }
}
