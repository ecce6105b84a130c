//! Things that go wrong on purpose: late answers, refusals, lost connections.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tonic::{Code, Status};

/// What goes wrong.
#[derive(Clone, Debug)]
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
}

/// What goes wrong, with which calls, and how often.
#[derive(Clone, Debug)]
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
        self.lock().iter().map(|f| f.times).sum()
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

/// Does the work of a call, with what goes wrong around it; `cut` breaks the connection.
pub(super) async fn around<T>(
    action: Option<Action>,
    cut: impl Fn(),
    work: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let broken = || Status::unavailable("the connection was cut on purpose");
    match action {
        None => work.await,
        Some(Action::Delay(by)) => {
            tokio::time::sleep(by).await;
            work.await
        }
        Some(Action::Refuse(code, text)) => Err(Status::new(code, text)),
        Some(Action::FailAfterwards(code, text)) => {
            work.await?;
            Err(Status::new(code, text))
        }
        Some(Action::DropBefore) => {
            cut();
            Err(broken())
        }
        Some(Action::DropAfterwards) => {
            // Whether the work went well is what the caller never learns.
            drop(work.await);
            cut();
            Err(broken())
        }
    }
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
