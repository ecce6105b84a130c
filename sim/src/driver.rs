//! Runs the controllers, on a timer or step by step.
//! It knows only one behaviour: objects without finalizers are destroyed.

use super::kinds;
use super::release::Release;
use super::store::Store;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Something that the server does by itself.
pub trait Controller: Send {
    /// Its name, as owner and finalizer.
    fn name(&self) -> &'static str;

    /// Does a bounded amount of work, and says whether it did any.
    fn step(&mut self, ctx: &mut StepContext) -> bool;
}

/// What a controller works with.
#[derive(Clone, Debug)]
pub struct StepContext {
    /// The objects.
    pub store: Store,
    /// The time of this step, since the Unix epoch.
    pub now: Duration,
    /// The release that the server imitates.
    pub release: Release,
}

/// When controllers take their steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By themselves.
    Auto {
        /// How long they rest between two steps.
        tick: Duration,
    },
    /// Only when told to.
    Stepped,
}

/// The controllers still had work to do after very many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the controllers did not come to rest in {0} steps; one of them may undo what another one does")]
pub struct NotConverged(pub usize);

/// All controllers of one server; clones share them.
#[derive(Clone)]
pub struct Driver {
    controllers: Arc<Mutex<Vec<Box<dyn Controller>>>>,
    store: Store,
    release: Release,
}

impl Driver {
    /// More steps than any change needs.
    const STEP_LIMIT: usize = 10_000;

    /// A driver of these controllers, and of the one that takes objects away.
    #[must_use]
    pub fn new(store: Store, mut controllers: Vec<Box<dyn Controller>>, release: Release) -> Self {
        controllers.push(Box::new(Remover));
        Self { controllers: Arc::new(Mutex::new(controllers)), store, release }
    }

    /// Lets every controller take one step, and says whether any did something.
    pub fn step(&self) -> bool {
        let mut controllers = self.controllers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ctx = StepContext { now: self.store.time(), store: self.store.clone(), release: self.release };
        // No short cut: each has its step, even after another did something.
        controllers.iter_mut().fold(false, |any, controller| controller.step(&mut ctx) | any)
    }

    /// Steps until nothing happens any more; says how many steps did something.
    ///
    /// # Errors
    /// When they never come to rest.
    pub fn settle(&self) -> Result<usize, NotConverged> {
        for steps in 0..Self::STEP_LIMIT {
            if !self.step() {
                return Ok(steps);
            }
        }
        Err(NotConverged(Self::STEP_LIMIT))
    }

    /// Steps for ever, with a rest in between.
    pub async fn run(self, tick: Duration) {
        let mut timer = tokio::time::interval(tick.max(Duration::from_millis(1)));
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            self.step();
        }
    }
}

/// Takes away objects that are torn down, belong to no controller, and are held by nobody.
struct Remover;

impl Controller for Remover {
    fn name(&self) -> &'static str {
        "DestroyController"
    }

    fn step(&mut self, ctx: &mut StepContext) -> bool {
        let mut any = false;
        for kind in kinds::ALL.iter().filter(|k| k.removed_by_server(ctx.release)) {
            for key in ctx.store.reapable(kind.name).iter().filter(|key| key.namespace == kind.namespace) {
                any |= ctx.store.reap(key);
            }
        }
        any
    }
}
