//! Outages: the server can be unavailable for a duration measured by the simulator's clock, or until it is started again.
//! It knows the connections, which it breaks, but not the listener.

use super::connection::Connections;
use kit::clock::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Here,
    /// Until the clock shows this time, or for good.
    Away(Option<Duration>),
    /// The same, and nothing listens any more.
    Closed(Option<Duration>),
}

/// Whether the server is there; clones share it.
#[derive(Clone)]
pub(super) struct Outage {
    state: watch::Sender<State>,
    clock: Arc<dyn Clock>,
    connections: Connections,
}

impl Outage {
    /// A server that is there.
    pub(super) fn new(clock: Arc<dyn Clock>, connections: Connections) -> Self {
        Self { state: watch::Sender::new(State::Here), clock, connections }
    }

    /// Goes away, for this time or until it is called back.
    pub(super) fn leave(&self, time: Option<Duration>) {
        self.state.send_replace(State::Away(time.map(|time| self.clock.now() + time)));
        self.connections.cut();
    }

    /// Comes back at once.
    pub(super) fn come_back(&self) {
        self.state.send_replace(State::Here);
    }

    /// The clock was moved; perhaps the time is over.
    pub(super) fn clock_moved(&self) {
        self.state.send_modify(|_| {});
    }

    /// Nothing listens any more.
    pub(super) fn closed(&self) {
        self.state.send_modify(|state| {
            if let State::Away(until) = *state {
                *state = State::Closed(until);
            }
        });
    }

    /// Returns once the server is on its way.
    pub(super) async fn left(&self) {
        self.wait(|state| *state != State::Here).await;
    }

    /// Returns once nothing listens any more, or the server is back already.
    pub(super) async fn has_closed(&self) {
        self.wait(|state| !matches!(state, State::Away(_))).await;
    }

    /// Returns once the server is to be there again.
    pub(super) async fn back(&self) {
        let mut changes = self.state.subscribe();
        loop {
            let state = *changes.borrow_and_update();
            let left = match state {
                State::Here => return,
                State::Away(until) | State::Closed(until) => until.map(|until| until.saturating_sub(self.clock.now())),
            };
            match left {
                Some(Duration::ZERO) => return self.come_back(),
                // The clock may stand still or be moved, so it is asked again afterwards.
                Some(left) => drop(tokio::time::timeout(left, changes.changed()).await),
                // The sender lives as long as this.
                None => drop(changes.changed().await),
            }
        }
    }

    async fn wait(&self, holds: impl FnMut(&State) -> bool) {
        // Fails only when the sender is gone, which lives as long as this.
        drop(self.state.subscribe().wait_for(holds).await);
    }
}
