//! Waits after a write, and waits that later applies repeat.
//!
//! A wait can time out although the object was written correctly. The object is kept, and the wait is owed: the private state
//! records it, each plan shows it as a change of `status`, and the next apply waits again. A read that finds the
//! object ready removes the record. The resource type defines the conditions; this file decides how the wait ends.

use super::backend::Backend;
use super::base::ResourceBase;
use super::{Cx, Write};
use crate::omni::{Error, ErrorKind, Key, Phase, Resource as Stored};
use crate::provider::errors::{Operation, capital, detail};
use crate::provider::session::OnWaitTimeout;
use crate::provider::wait::{Awaited, Condition, PutOff, Step, UNLOCK, Unmet};
use crate::tf::diag::{Diagnostic, Severity};
use crate::tf::resource::{Outcome, Plan, Private};
use crate::tf::value::Value;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const NAME: &str = "owed";
/// The computed attribute that an owed wait makes unknown: it is what the wait will change.
pub(super) const STATUS: &str = "status";
/// How long to look for what holds up a wait whose own time is over.
pub(super) const STATUS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a wait that needs another object gives the apply to make it: resources that do not depend on each other are
/// made at the same time, in any order. A longer wait would keep one of the places that this other object needs.
const PEER_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between two looks for that object.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// A wait that an apply has not brought to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owed {
    /// The write that it followed.
    pub(super) after: Write,
}

impl Owed {
    pub(super) fn load(private: &Private) -> Option<Self> {
        private.get(NAME)
    }

    pub(super) fn clear(private: &mut Private) {
        private.remove(NAME);
    }

    fn store(self, private: &mut Private) {
        private.set(NAME, self);
    }

    /// The attribute of `timeouts` that limits the wait.
    fn limit(self) -> &'static str {
        match self.after {
            Write::Create => "create",
            Write::Update => "update",
        }
    }
}

/// How a wait has ended.
enum Waited {
    ForNothing,
    Met,
    Later(PutOff),
    Unmet(Unmet),
}

/// What makes an apply wait no longer, for the types with `wait_for`.
pub(super) const SET_NONE: &str = "set `wait_for = \"none\"`";

/// A backend whose writes can be waited for, and where waits that ran out are repeated.
#[async_trait]
pub(super) trait Waiting: Backend {
    /// What makes an apply wait no longer for what an earlier one has not brought to its end, as a clause.
    fn stop_waiting(&self) -> &'static str;

    /// Where the object of this id is, or the one that stands for all of them.
    fn stored_at(&self, id: &str) -> Key;

    /// What the state asks to be waited for after this write.
    async fn awaited(&self, cx: &Cx, state: &Value, stored: &Stored, write: Write) -> Result<Awaited, Error>;

    /// What holds up a wait, a sentence for each.
    async fn obstacles(&self, cx: &Cx, state: &Value, key: &Key) -> Result<Vec<String>, Error>;

    /// The outcome with the object as it is now, where that can be read.
    async fn refreshed(&self, cx: &Cx, outcome: Outcome, key: &Key, operation: &Operation<'_>) -> Outcome;

    /// Waits as configured after a write, and for what is owed; what does not come is told, owed, and loses nothing.
    async fn settle(
        &self,
        cx: &Cx,
        mut outcome: Outcome,
        stored: &Stored,
        owed: Owed,
        operation: &Operation<'_>,
    ) -> Outcome {
        if outcome.diags.has_errors() {
            return outcome;
        }
        let Some(state) = &outcome.state else { return outcome };
        let unmet = match wait(cx, self.awaited_in_apply(cx, state, stored, owed.after).await).await {
            Waited::ForNothing => {
                Owed::clear(&mut outcome.private);
                return outcome;
            }
            Waited::Met => {
                Owed::clear(&mut outcome.private);
                // Waiting takes a while: show the object as it is now.
                return self.refreshed(cx, outcome, &stored.key, operation).await;
            }
            Waited::Later(why) => {
                owed.store(&mut outcome.private);
                outcome.diags.push(later(operation, &why));
                return outcome;
            }
            Waited::Unmet(unmet) => unmet,
        };
        owed.store(&mut outcome.private);
        if unmet.error.is(ErrorKind::Cancelled) {
            outcome.diags.push(stopped(operation, &unmet));
            return outcome;
        }
        // The operation's own limit is over; looking for the reason has a separate, short limit.
        let look = Cx { session: Arc::clone(&cx.session), call: cx.call.again_within(STATUS_TIMEOUT) };
        let obstacles = self.obstacles(&look, state, &stored.key).await.unwrap_or_default();
        let limit = self.base().limit(cx, state, owed.limit());
        let policy = cx.session.on_wait_timeout;
        let mut outcome = self.refreshed(&look, outcome, &stored.key, operation).await;
        outcome.diags.push(unready(operation, owed, &unmet, &obstacles, &limit, policy));
        outcome
    }

    /// What the state asks to be waited for, once what this needs is there, or has been given its time.
    async fn awaited_in_apply(&self, cx: &Cx, state: &Value, stored: &Stored, write: Write) -> Result<Awaited, Error> {
        let until = Instant::now() + PEER_TIMEOUT.min(cx.call.remaining() / 2);
        loop {
            let awaited = self.awaited(cx, state, stored, write).await?;
            let is_early = matches!(awaited, Awaited::Later(_, PutOff::Early(_)));
            if !is_early || Instant::now() >= until {
                return Ok(awaited);
            }
            tokio::select! {
                biased;
                () = cx.call.cancel.cancelled() => return Ok(awaited),
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    /// Whether a wait is still owed for the object, and what was seen of it.
    async fn still_owed(&self, cx: &Cx, owed: Owed, state: &Value, stored: &Stored) -> Result<Option<String>, Error> {
        if stored.metadata.phase == Phase::TearingDown {
            return Ok(None);
        }
        match self.awaited(cx, state, stored, owed.after).await? {
            Awaited::Nothing => Ok(None),
            Awaited::Later(conditions, why) => Ok(first_unmet(cx, &conditions).await?.map(|_| why.why().to_owned())),
            Awaited::Conditions(all) => first_unmet(cx, &all).await,
        }
    }

    /// Drops what was owed when a read finds it done; what cannot be told stays owed.
    async fn read_owed(&self, cx: &Cx, outcome: &mut Outcome, stored: &Stored) {
        let (Some(owed), Some(state)) = (Owed::load(&outcome.private), &outcome.state) else { return };
        match self.still_owed(cx, owed, state, stored).await {
            Ok(None) => Owed::clear(&mut outcome.private),
            Ok(Some(seen)) => tracing::debug!(id = stored.key.id, seen, "a wait is still owed"),
            Err(error) => tracing::debug!(id = stored.key.id, %error, "whether a wait is still owed cannot be told"),
        }
    }

    /// Whether the apply of this plan has a wait to make up for, which is told; without a session that stays open.
    async fn owes_wait(&self, cx: Option<&Cx>, plan: &mut Plan<'_>) -> bool {
        let Some(owed) = Owed::load(&plan.private).filter(|_| plan.prior.is_some() && plan.replace.is_empty()) else {
            return false;
        };
        let (Some(cx), Some(id)) = (cx, self.id(&plan.planned)) else { return true };
        let looked = async {
            let stored = cx.read(&self.stored_at(&id)).await?;
            self.still_owed(cx, owed, &plan.planned, &stored).await
        };
        let seen = match looked.await {
            Ok(Some(seen)) => seen,
            Err(error) if !error.is(ErrorKind::NotFound) => detail(&error),
            Ok(None) | Err(_) => {
                Owed::clear(&mut plan.private);
                return false;
            }
        };
        let operation = self.base().display(&plan.planned, &id);
        let operation = self.base().operation("update", &operation);
        let limit = self.base().limit(cx, &plan.planned, owed.limit());
        plan.diags.push(unmet_wait(&operation, &seen, &limit, self.stop_waiting()));
        true
    }
}

async fn wait(cx: &Cx, awaited: Result<Awaited, Error>) -> Waited {
    let conditions = match awaited {
        Ok(Awaited::Nothing) => return Waited::ForNothing,
        Ok(Awaited::Later(conditions, why)) => {
            return match first_unmet(cx, &conditions).await {
                Ok(None) => Waited::Met,
                _ => Waited::Later(why),
            };
        }
        Ok(Awaited::Conditions(conditions)) => conditions,
        Err(error) => return Waited::Unmet(Unmet { error, what: String::new(), seen: String::new() }),
    };
    for condition in &conditions {
        if let Err(unmet) = condition.wait(cx).await {
            return Waited::Unmet(unmet);
        }
    }
    Waited::Met
}

impl ResourceBase {
    /// A limit of `timeouts`, as text: as it is configured on the resource, or else as it holds.
    pub(super) fn limit(&self, cx: &Cx, state: &Value, operation: &'static str) -> Limit {
        let configured = state.get(super::attributes::LOCAL_TIMEOUTS).get(operation).as_str().map(str::to_owned);
        let limits = cx.session.timeouts;
        let holds = match operation {
            "create" => limits.create,
            "delete" => limits.delete,
            _ => limits.update,
        };
        Limit { operation, text: configured.unwrap_or_else(|| kit::go_duration::short(holds)) }
    }
}

/// How long a wait may take, and where that is set.
pub(super) struct Limit {
    pub(super) operation: &'static str,
    text: String,
}

impl Limit {
    /// That it is over, as the beginning of a sentence.
    pub(super) fn ran_out(&self) -> String {
        format!("`timeouts.{}` ({}) ran out", self.operation, self.text)
    }
}

async fn first_unmet(cx: &Cx, all: &[Condition]) -> Result<Option<String>, Error> {
    for condition in all {
        if let Step::Unmet(seen) = condition.look(cx).await? {
            return Ok(Some(format!("It waits for {}: {seen}.", condition.what())));
        }
    }
    Ok(None)
}

/// The plan's word on a wait that is owed.
fn unmet_wait(operation: &Operation<'_>, seen: &str, limit: &Limit, stop: &str) -> Diagnostic {
    let Limit { operation: name, text } = limit;
    Diagnostic::warning(
        format!("{} is not ready yet", capital(&operation.what())),
        format!(
            "An earlier apply wrote it, but did not wait until it was ready. {seen}\n\
             The plan shows this as a change of `{STATUS}`; applying it waits again, for up to {text}."
        ),
    )
    .hint(format!("Apply to wait. Increase `timeouts.{name}` if it only needs more time, or {stop} to stop waiting."))
}

/// A wait that cannot begin yet.
fn later(operation: &Operation<'_>, put_off: &PutOff) -> Diagnostic {
    let (why, rest, hint) = match put_off {
        PutOff::Early(why) => {
            let hint = "Nothing needs to be done if this apply creates it.";
            (why, " This apply may still create it, so the provider does not wait.", hint)
        }
        PutOff::Locked(why) => (why, " It cannot become ready while locked, so the provider does not wait.", UNLOCK),
    };
    Diagnostic::warning(
        format!("{} is written, and the wait for it is postponed", capital(&operation.what())),
        format!("{why}{rest}"),
    )
    .hint(format!("{hint} Until it is ready, the next plan shows a change of `{STATUS}`, and the next apply waits."))
}

/// The host has been told to stop: an error would mark a new object for replacement.
fn stopped(operation: &Operation<'_>, unmet: &Unmet) -> Diagnostic {
    Diagnostic::warning(
        format!("Stopped waiting for {}", operation.what()),
        format!("The object was written and is in the state; whether it is ready is unknown.{}", last(unmet)),
    )
    .hint("Plan again to see its status; the next apply waits again until it is ready.")
}

fn last(unmet: &Unmet) -> String {
    if unmet.seen.is_empty() { String::new() } else { format!("\nLast seen: {}.", unmet.seen) }
}

/// What a wait that ran out, or failed, comes to.
fn unready(
    operation: &Operation<'_>,
    owed: Owed,
    unmet: &Unmet,
    obstacles: &[String],
    limit: &Limit,
    policy: OnWaitTimeout,
) -> Diagnostic {
    let mut why = if unmet.error.is(ErrorKind::Timeout) {
        format!("{} while the provider waited for {}.", limit.ran_out(), unmet.what)
    } else {
        format!("The provider could not wait for it: {}", detail(&unmet.error))
    };
    why.push_str(&last(unmet));
    for obstacle in obstacles {
        why.push_str(&format!("\n{obstacle}"));
    }
    let more = format!("Increase `timeouts.{}` if it only needs more time.", limit.operation);
    let hint = match (policy, owed.after) {
        (OnWaitTimeout::Warn, _) => {
            format!("It is kept: the next plan shows a change of `{STATUS}`, and the next apply waits again. {more}")
        }
        (OnWaitTimeout::Fail, Write::Create) => format!(
            "Terraform marks the new object as tainted and would replace it. \
             To keep it, run `terraform untaint` on its address; the next apply then waits again. {more}"
        ),
        (OnWaitTimeout::Fail, Write::Update) => format!("It is written, and the next apply waits again. {more}"),
    };
    let summary = format!("{} is written, but not ready", capital(&operation.what()));
    let severity = match policy {
        OnWaitTimeout::Warn => Severity::Warning,
        OnWaitTimeout::Fail => Severity::Error,
    };
    Diagnostic { severity, ..Diagnostic::error(summary, why).hint(hint) }
}
