//! The annotations by which the objects of a set are known as managed, and as part of it, and by which a first write that was cut
//! off is known.

use super::parts::{Parts, part_name};
use super::{ObjectSet, Wanted};
use crate::omni::template::{SyncPlan, Update};
use crate::omni::{Error, Key, Metadata, Phase, Resource as Stored, labels};
use crate::provider::engine::Cx;
use sha2::{Digest, Sha256};

/// Whether another resource or another state manages the object: it is marked as managed, and not as part of this set.
pub(crate) fn is_others(stored: &Stored, set: &str) -> bool {
    let annotations = &stored.metadata.annotations;
    annotations.contains_key(labels::MANAGED_BY) && !is_part(stored, set)
}

/// Whether the object is marked as part of this set.
pub(super) fn is_part(stored: &Stored, set: &str) -> bool {
    stored.metadata.annotations.get(labels::PART_OF).is_some_and(|of| of == set)
}

/// Marks what a plan writes as managed, and as part of the set; what it gives up belongs to nobody.
pub(crate) fn mark(plan: &mut SyncPlan, set: &str, managed_by: &str) {
    let is_given_up = |from: &Stored, to: &Stored| {
        let of_template = |stored: &Stored| stored.metadata.annotations.contains_key(labels::MANAGED_BY_TEMPLATES);
        of_template(from) && !of_template(to)
    };
    let put = |metadata: &mut Metadata| {
        metadata.annotations.insert(labels::MANAGED_BY.to_owned(), managed_by.to_owned());
        metadata.annotations.insert(labels::PART_OF.to_owned(), set.to_owned());
    };
    plan.creates.iter_mut().for_each(|stored| put(&mut stored.metadata));
    for update in plan.updates.iter_mut().chain(&mut plan.moves) {
        match is_given_up(&update.from, &update.to) {
            true => take_off(&mut update.to.metadata),
            false => put(&mut update.to.metadata),
        }
    }
}

/// Takes the marks off what a removal leaves behind.
pub(super) fn unmark(plan: &mut SyncPlan) {
    for update in &mut plan.updates {
        take_off(&mut update.to.metadata);
    }
}

/// The update of an object that another resource manages from now on; `None` where nothing has to be written.
pub(super) fn given_away(from: &Stored, managed_by: &str) -> Option<Update> {
    let mut to = from.clone();
    let annotations = &mut to.metadata.annotations;
    let was_part = annotations.remove(labels::PART_OF).is_some();
    // Without it, the object would be taken for one of nobody.
    let was_managed = annotations.contains_key(labels::MANAGED_BY);
    annotations.entry(labels::MANAGED_BY.to_owned()).or_insert_with(|| managed_by.to_owned());
    (was_part || !was_managed).then(|| Update { from: from.clone(), to })
}

/// Adds the marks of objects that have none to a plan that writes something, or that takes an object over: an import finds such
/// objects, and writes nothing.
pub(super) fn mark_the_rest(plan: &mut SyncPlan, wanted: &Wanted, actual: &[Stored], parts: &Parts, managed_by: &str) {
    if plan.is_empty() && wanted.objects.iter().all(|stored| parts.has(&stored.key)) {
        return;
    }
    let is_written = |key: &Key| {
        let written = plan.creates.iter().chain(plan.updates.iter().map(|update| &update.to));
        written.chain(plan.destroys.iter().flatten()).any(|stored| stored.key == *key)
    };
    let bare = |stored: &&Stored| wanted.has(&stored.key) && !is_written(&stored.key) && !is_part(stored, &wanted.id);
    let updates = actual.iter().filter(bare).map(|stored| Update { from: stored.clone(), to: stored.clone() });
    let mut marks = SyncPlan { updates: updates.collect(), ..SyncPlan::default() };
    mark(&mut marks, &wanted.id, managed_by);
    plan.updates.append(&mut marks.updates);
}

/// The object without marks, as nothing but its own writes compares it.
pub(crate) fn without_marks(mut stored: Stored) -> Stored {
    take_off(&mut stored.metadata);
    stored.metadata.annotations.remove(labels::OPERATION);
    stored
}

fn take_off(metadata: &mut Metadata) {
    for key in [labels::MANAGED_BY, labels::PART_OF, labels::UNFINISHED] {
        metadata.annotations.remove(key);
    }
}

/// The plan without updates that change nothing but marks: nobody waits for these.
pub(crate) fn without_mark_changes(mut plan: SyncPlan) -> SyncPlan {
    plan.updates.retain(|update| {
        let bare = |stored: &Stored| {
            let mut metadata = stored.metadata.clone();
            take_off(&mut metadata);
            (metadata.labels, metadata.annotations, stored.spec.clone())
        };
        bare(&update.from) != bare(&update.to)
    });
    plan
}

/// The digest of a create that has not come to its end, as the head has it.
pub(super) fn unfinished(head: &Stored) -> Option<&String> {
    head.metadata.annotations.get(labels::UNFINISHED)
}

pub(super) fn is_unfinished(head: &Stored) -> bool {
    unfinished(head).is_some()
}

/// Takes the mark of a first write that has not ended off the head.
pub(super) async fn finish(cx: &Cx, head: &Key) -> Result<(), Error> {
    let edit = |stored: &mut Stored| {
        stored.metadata.annotations.remove(labels::UNFINISHED);
        Ok(())
    };
    cx.client().modify(&cx.call, head, Some(Phase::Running), edit).await.map(drop)
}

/// A digest of what is wanted.
pub(super) fn digest<M: ObjectSet>(objects: &[Stored]) -> String {
    let mut hash = Sha256::new();
    let mut all: Vec<(String, &Stored)> = objects.iter().map(|stored| (part_name(&stored.key), stored)).collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, stored) in all {
        for part in [name, M::text(stored)] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
