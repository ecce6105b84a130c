//! Writes many objects as one operation: moves, creates, updates, and removals phase by phase.
//! A write that was cut off is carried on by the next one: what is there already is not written again.

use crate::omni::template::{SyncPlan, Update};
use crate::omni::{Error, ErrorKind, Key, Phase, Resource as Stored, labels};
use crate::provider::engine::Cx;
use async_trait::async_trait;
use futures_util::future::join_all;
use std::collections::BTreeMap;

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Create,
    Update,
    Destroy,
}

impl Change {
    /// The verb of messages: `create`.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Destroy => "destroy",
        }
    }

    /// The same of what is done: `created`.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Destroy => "destroyed",
        }
    }
}

/// Whoever is told of each write.
#[async_trait]
pub(crate) trait Observer: Sync {
    /// The object was written.
    async fn wrote(&self, change: Change, key: &Key);
}

/// A write that failed; those before it were made.
pub(crate) struct Stopped {
    pub(crate) change: Change,
    pub(crate) key: Key,
    pub(crate) error: Error,
}

/// Makes every change of a plan, in the order of the plan.
///
/// # Errors
/// The first write that failed; of the removals of one phase the first one in order, after all of them have ended.
pub(crate) async fn carry_out(cx: &Cx, plan: &SyncPlan, told: &dyn Observer) -> Result<(), Stopped> {
    let fail = |change, key: &Key| {
        let key = key.clone();
        move |error| Stopped { change, key, error }
    };
    for moved in &plan.moves {
        remove(cx, &moved.from.key).await.map_err(fail(Change::Destroy, &moved.from.key))?;
    }
    let mut made: Vec<Key> = Vec::new();
    for object in &plan.creates {
        let change = create(cx, object, &made).await.map_err(fail(Change::Create, &object.key))?;
        made.push(object.key.clone());
        told.wrote(change, &object.key).await;
    }
    for change in &plan.updates {
        update(cx, change).await.map_err(fail(Change::Update, &change.to.key))?;
        told.wrote(Change::Update, &change.to.key).await;
    }
    for phase in &plan.destroys {
        let removals = phase.iter().map(|object| async move {
            let removed = remove(cx, &object.key).await;
            if removed.is_ok() {
                told.wrote(Change::Destroy, &object.key).await;
            }
            removed.map_err(fail(Change::Destroy, &object.key))
        });
        join_all(removals).await.into_iter().collect::<Result<(), Stopped>>()?;
    }
    Ok(())
}

/// Makes an object. One that an earlier write of this set has made, which was cut off, is brought up to date.
async fn create(cx: &Cx, object: &Stored, made: &[Key]) -> Result<Change, Error> {
    let attempt = || cx.client().create(&cx.call, object.clone());
    let error = match attempt().await {
        // Omni checks an object against a cache that may lag behind what was just written; reading that waits until it has it.
        Err(error) if error.is(ErrorKind::Validation) && !made.is_empty() => {
            for key in made {
                drop(cx.client().get(&cx.call, key).await);
            }
            attempt().await.map_err(|again| if again.is(ErrorKind::Validation) { error } else { again })
        }
        other => other,
    };
    let error = match error {
        Ok(_) => return Ok(Change::Create),
        Err(error) => error,
    };
    if !error.is(ErrorKind::AlreadyExists) {
        return Err(error);
    }
    let mark = |stored: &Stored| stored.metadata.annotations.get(labels::PART_OF).cloned();
    match cx.client().get_fresh(&cx.call, &object.key).await? {
        Some(there) if mark(&there).is_some() && mark(&there) == mark(object) => {
            update(cx, &Update { from: there, to: object.clone() }).await.map(|()| Change::Update)
        }
        _ => Err(error),
    }
}

/// Changes an object from what it was to what it is to be; labels and annotations that the change is not about stay as they are.
async fn update(cx: &Cx, Update { from, to }: &Update) -> Result<(), Error> {
    let edit = |stored: &mut Stored| {
        stored.spec.clone_from(&to.spec);
        let (before, after) = (&from.metadata, &to.metadata);
        lay_over(&mut stored.metadata.labels, &before.labels, &after.labels);
        lay_over(&mut stored.metadata.annotations, &before.annotations, &after.annotations);
        Ok(())
    };
    cx.client().modify(&cx.call, &to.key, Some(Phase::Running), edit).await.map(drop)
}

fn lay_over(map: &mut BTreeMap<String, String>, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
    map.retain(|key, _| after.contains_key(key) || !before.contains_key(key));
    map.extend(after.iter().map(|(key, value)| (key.clone(), value.clone())));
}

/// Removes an object, and waits until it is gone.
async fn remove(cx: &Cx, key: &Key) -> Result<(), Error> {
    match cx.client().remove(&cx.call, key).await {
        Err(error) if error.is(ErrorKind::NotFound) => Ok(()),
        other => other,
    }
}
