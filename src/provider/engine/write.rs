//! Creates and updates of objects, so that no write is repeated or lost, and only owned fields are overwritten.

use super::attributes;
use super::attributes::Keys;
use super::backend::Backend;
use super::binding::Binding;
use super::conflict::{Baseline, Between};
use super::cosi::CosiBackend;
use super::dynamic::DynCosiObject;
use super::existing;
use super::existing::{Adoption, Standing, standing};
use super::failure::Failure;
use super::owners;
use super::{Cx, Desired, Joined, Owned, Owner};
use crate::omni::labels;
use crate::omni::{Current, Error, ErrorKind, Key, Metadata, Phase, Resource as Stored};
use crate::provider::errors::Operation;
use crate::provider::ledger::ObjectKey;
use crate::provider::session::OnConflict;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::Private;
use crate::tf::value::Value;
use futures_util::FutureExt as _;
use std::time::Duration;
use tokio::time::Instant;

/// How often a create decides again what stands in its place.
pub(super) const STANDINGS: usize = 5;

/// How long a create waits for another resource of the same apply to remove the object.
pub(super) const REMOVAL_TIMEOUT: Duration = Duration::from_secs(15);

/// What goes into a write.
pub(super) struct WriteRequest<'a> {
    pub(super) operation: Operation<'a>,
    pub(super) desired: &'a Desired,
    /// The planned state.
    pub(super) planned: &'a Value,
    /// The table of the object.
    pub(super) binding: &'a Binding,
    /// The configuration, for the shared maps.
    pub(super) config: &'a Value,
    /// What was kept beside the state.
    pub(super) private: &'a Private,
    /// The state before; null for a new object.
    pub(super) prior: &'a Value,
    /// Whether labels of others go.
    pub(super) no_other_labels: bool,
}

/// A spec that is about to be written.
pub(crate) struct SpecChange<'a> {
    /// The object as it is; a new one has no spec yet.
    pub(crate) stored: &'a Stored,
    /// The planned state.
    pub(crate) planned: &'a Value,
    /// The configuration, the only place of write-only values.
    pub(crate) config: &'a Value,
    /// The state before; null for a new object.
    pub(crate) prior: &'a Value,
    /// What was kept beside the state before.
    pub(crate) private: &'a Private,
}

impl WriteRequest<'_> {
    /// Our labels and annotations, the mark of the managing tool among them.
    fn owned(&self, cx: &Cx) -> [Vec<Owned>; 2] {
        let [labels, mut annotations] = self.desired.keys.clone();
        annotations.push((labels::MANAGED_BY, Some(cx.session.managed_by.clone())));
        [labels, annotations]
    }

    /// Writes what is ours over `stored`.
    fn apply(&self, cx: &Cx, kind: &dyn DynCosiObject, stored: &mut Stored) -> Result<(), Failure> {
        let [labels, annotations] = self.owned(cx);
        let change =
            SpecChange { stored, planned: self.planned, config: self.config, prior: self.prior, private: self.private };
        stored.spec = kind.spec(&change, &self.desired.fields, self.binding.owned())?;
        let keys = Keys {
            owned: [&labels, &annotations],
            defaults: &cx.session.defaults,
            config: self.config,
            private: self.private,
            prior: self.prior,
            no_other_labels: self.no_other_labels,
        };
        attributes::write(&mut stored.metadata, &keys);
        Ok(())
    }
}

/// Makes the object, or takes over the one that is there when the provider is told to; `told` gets what the user has to know.
pub(super) async fn create(
    cx: &Cx,
    request: &WriteRequest<'_>,
    key: &Key,
    (resource, planned): (&CosiBackend, &Value),
    told: &mut Diagnostics,
) -> Result<Stored, Failure> {
    let kind = &*resource.kind;
    let mut fresh = Stored { key: key.clone(), metadata: Metadata::default(), spec: Vec::new(), yaml: String::new() };
    request.apply(cx, kind, &mut fresh)?;
    if let Some(key) = request.binding.run_mark() {
        fresh.metadata.annotations.insert(key.to_owned(), cx.session.run.clone());
    }
    let mut caught_up = false;
    let mut waited = None;
    let mut refused = false;
    for _ in 0..STANDINGS {
        // A removal by this process holds the lock; it is not held any longer than the call.
        let lock = cx.session.key_locks.take(&cx.call, key).await.map_err(not_made)?;
        let owner = kind.locked_by(planned);
        let created = cx.session.locks.lifted(cx, owner, cx.client().create(&cx.call, fresh.clone())).await;
        drop(lock);
        match created {
            Err(error) if error.is(ErrorKind::AlreadyExists) => {}
            Err(error) if error.is(ErrorKind::Validation) && !caught_up => {
                caught_up = true;
                catch_up(cx, kind, planned).await;
                continue;
            }
            other => return Ok(other?),
        }
        let existing = match cx.client().get(&cx.call, key).await {
            Err(error) if error.is(ErrorKind::NotFound) => continue,
            other => other.map_err(not_made)?,
        };
        match standing(&existing) {
            Standing::Deleting => {
                tracing::info!(id = key.id, "an object of the same ID is on its way out; waiting for it to go");
                cx.client().remove(&cx.call, key).await.map_err(not_made)?;
            }
            Standing::Controllers => return Err(existing::of_controllers(&request.operation, &existing).into()),
            Standing::Managed(_)
                if !refused
                    && cx.session.handover.may_take_over(&ObjectKey::from(key), &owners::keys(kind, planned)) =>
            {
                match take_over(cx, request, key, resource, planned).await? {
                    TakeOver::Done(stored, _) => return Ok(*stored),
                    TakeOver::Refused(_) => refused = true,
                    TakeOver::Gone => {}
                }
            }
            Standing::Managed(_) if existing::is_held_by_predecessor(cx, &ObjectKey::from(key)) => {
                return Err(existing::held_by_predecessor(&request.operation).into());
            }
            // The same apply may be about to remove it at another address, in no particular order.
            Standing::Managed(mark) => match waited {
                None => waited = Some(await_departure(cx, key).await.map_err(not_made)?),
                Some(time) => {
                    let adopts = cx.session.adopt_existing;
                    return Err(existing::held(
                        resource.facts.name,
                        &request.operation,
                        &resource.kind.id_of(key),
                        &mark,
                        adopts,
                        time,
                    )
                    .into());
                }
            },
            Standing::Stranger if !existing::adopts(cx, kind, &existing) => {
                return Err(existing::unmanaged(resource, &request.operation, &existing).into());
            }
            Standing::Stranger => match take_over(cx, request, key, resource, planned).await? {
                TakeOver::Done(stored, adoption) => {
                    if cx.session.ledger.once(&ObjectKey::from(key), "adoption")
                        && let Some(adopted) = adoption.told(&request.operation)
                    {
                        told.push(adopted);
                    }
                    return Ok(*stored);
                }
                TakeOver::Refused(refusal) => return Err((*refusal).into()),
                TakeOver::Gone => {}
            },
        }
    }
    let what = format!("another writer to leave {} alone", request.operation.what());
    Err(not_made(Error::Timeout { what, after: cx.call.remaining() }).into())
}

/// What came of taking over an object.
enum TakeOver {
    Done(Box<Stored>, Adoption),
    /// It would have to be replaced.
    Refused(Box<Diagnostic>),
    /// It is not there any more, or is on its way out.
    Gone,
}

/// Takes over the object that is there, under its lock: a removal at its former address comes before or after it,
/// and then leaves it.
async fn take_over(
    cx: &Cx,
    request: &WriteRequest<'_>,
    key: &Key,
    resource: &CosiBackend,
    planned: &Value,
) -> Result<TakeOver, Failure> {
    let _lock = cx.session.key_locks.take(&cx.call, key).await.map_err(not_made)?;
    let existing = match cx.client().get(&cx.call, key).await {
        Err(error) if error.is(ErrorKind::NotFound) => return Ok(TakeOver::Gone),
        other => other.map_err(not_made)?,
    };
    if existing.metadata.phase == Phase::TearingDown {
        return Ok(TakeOver::Gone);
    }
    let adoption = Adoption::of(resource, &existing, planned, request.config)?;
    if let Some(refusal) = adoption.refusal(resource.facts.name, &request.operation, &resource.kind.id_of(key)) {
        return Ok(TakeOver::Refused(Box::new(refusal)));
    }
    tracing::info!(id = key.id, "taking over the object that is there");
    cx.session.ledger.note_adopted(&ObjectKey::from(key));
    match update(cx, request, key, resource, None).await {
        Ok(stored) => Ok(TakeOver::Done(Box::new(stored), adoption)),
        Err(Failure::Call(error)) => Err(not_made(*error).into()),
        Err(refused) => Err(refused),
    }
}

/// A failure beside the create itself: what is there then was not made here, and must not be taken for it.
pub(super) fn not_made(error: Error) -> Error {
    error.settled(false)
}

/// Omni checks an object against a cache that may lag behind what was just written, and then misses its owners.
/// Reading these waits until the cache has what this process wrote.
async fn catch_up(cx: &Cx, kind: &dyn DynCosiObject, planned: &Value) {
    for Owner { key, .. } in kind.owners(planned) {
        if let Err(error) = cx.client().get(&cx.call, &key).await {
            tracing::debug!(%key, %error, "the owner of a refused object is not there");
        }
    }
}

/// Gives another resource of the same apply a little time to remove the object, or to begin with it; says how long that was.
/// A second remover would be a danger here: its last call could hit the object that is about to be made.
pub(super) async fn await_departure(cx: &Cx, key: &Key) -> Result<Duration, Error> {
    let started = Instant::now();
    // Half of a short limit is left for what comes after.
    let call = cx.call.again_within(REMOVAL_TIMEOUT.min(cx.call.remaining() / 2));
    let gone =
        |stored: Option<&Stored>| stored.is_none_or(|stored| stored.metadata.phase == Phase::TearingDown).then_some(());
    match cx.client().wait_for(&call, key, &format!("`{key}` to be removed"), gone).await {
        Err(error) if !error.is(ErrorKind::Timeout) => Err(error),
        _ => Ok(started.elapsed()),
    }
}

/// Changes the object in place. `before` is what the plan was made on, and the state that it showed.
pub(super) async fn update(
    cx: &Cx,
    request: &WriteRequest<'_>,
    key: &Key,
    resource: &CosiBackend,
    before: Option<(Baseline, &Value)>,
) -> Result<Stored, Failure> {
    let (before, kind) = (before.as_ref(), &*resource.kind);
    let attempt = |current: Current| {
        async move {
            let current = current.read?;
            if current.metadata.phase == Phase::TearingDown {
                // What only steers the provider may still change: how to finish the removal is among it.
                let mut next = current.clone();
                request.apply(cx, kind, &mut next)?;
                next.metadata.annotations.remove(labels::LET_GO);
                let mut now = current.clone();
                now.metadata.annotations.remove(labels::LET_GO);
                if next == now {
                    return Ok(current);
                }
                return Err(Diagnostic::error(
                    request.operation.summary(),
                    format!("The {} is being destroyed.", resource.facts.noun),
                )
                .hint("Wait until it is removed; the next apply creates it again.")
                .at(Path::of(request.operation.id_attribute))
                .into());
            }
            let mut next = current.clone();
            request.apply(cx, kind, &mut next)?;
            let of = |stored: &Stored| kind.baseline(request.binding, stored, &request.desired.keys);
            let [now, then] = [&current, &next].map(of);
            // What other resources of this run have done to it is no conflict: what counts is how others left it.
            let left = cx.session.ledger.before_side_changes(&current).unwrap_or_else(|| current.clone());
            let was = of(&left);
            if let Some((baseline, before)) = before
                && cx.session.on_conflict == OnConflict::Fail
                && baseline.is_overwritten(&was, &then)
            {
                let shown = show(resource, &left, before, request.private)?;
                let between = Between { baseline, current: &left, now: &was, shown: &shown, next: &then, before };
                return Err(between.conflict(&request.operation, &resource.base().schema).into());
            }
            if next == current {
                return Ok(current);
            }
            let write = cx.client().update(&cx.call, next, Some(Phase::Running));
            cx.session.locks.lifted(cx, kind.locked_by(request.planned), write).await.map_err(|error| {
                match error.is(ErrorKind::Validation) && now.same_spec(&then) {
                    true => request.operation.explain_stale(&error).into(),
                    false => error.into(),
                }
            })
        }
        .boxed()
    };
    cx.client().retry_conflicts(&cx.call, key, attempt).await
}

/// The object as the state would show it, without what other objects add.
pub(super) fn show(
    resource: &CosiBackend,
    stored: &Stored,
    before: &Value,
    private: &Private,
) -> Result<Value, Failure> {
    let shown = resource.read_attributes(stored, &Joined::default(), before)?;
    Ok(resource.state(stored, shown, before, private))
}
