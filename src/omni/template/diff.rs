//! A plan as a unified diff.

use super::{Release, SyncPlan, Update, full_name, print, sync};
use crate::omni::state::Resource;
use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::udiff::UnifiedHunkHeader;
use std::fmt::Write as _;

/// The most lines of two documents that are compared.
const MOST_LINES: usize = 75_000;
/// How many lines without a change surround one.
const CONTEXT: usize = 3;
/// The most bytes of the hunks of an object.
const LARGEST: usize = 512 << 10;

/// Updates, creates and destroys.
pub(super) fn text(plan: &SyncPlan) -> String {
    let mut out = String::new();
    let mut updates: Vec<&Update> = plan.updates.iter().chain(&plan.moves).collect();
    updates.sort_by_key(|update| sync::order(update.from.key.kind));
    for update in updates {
        let mut to = update.to.clone();
        // An object that is created again is shown as if it were changed.
        to.metadata.version = update.from.metadata.version;
        to.metadata.created = update.from.metadata.created;
        to.metadata.updated = update.from.metadata.updated;
        to.metadata.finalizers.clone_from(&update.from.metadata.finalizers);
        out.push_str(&difference(Some(&update.from), Some(&to)));
    }
    let is_moved = |object: &Resource| plan.moves.iter().any(|moved| moved.to.key == object.key);
    for object in plan.creates.iter().filter(|object| !is_moved(object)) {
        out.push_str(&difference(None, Some(object)));
    }
    for object in plan.destroys.iter().flatten() {
        out.push_str(&difference(Some(object), None));
    }
    out
}

fn difference(from: Option<&Resource>, to: Option<&Resource>) -> String {
    let name = |object: Option<&Resource>| object.map_or_else(|| "/dev/null".to_owned(), |o| full_name(&o.key));
    let text = |object: Option<&Resource>| object.map_or_else(String::new, |o| print::document(o, Release::NEWEST));
    let (old, new) = (text(from), text(to));
    let hunks = hunks(&old, &new);
    format!("--- {}\n+++ {}\n{hunks}", name(from), name(to))
}

/// The hunks between two lists of lines. The one algorithm is called by its name: the way with a choice compiles all of them.
fn unified(old: &[&str], new: &[&str]) -> String {
    let mut changes = Compact::new(Replace::new(Capture::new()), old, new);
    let Ok(()) = myers::diff(&mut changes, old, 0..old.len(), new, 0..new.len());
    let mut out = String::new();
    for hunk in changes.into_inner().into_inner().into_grouped_ops(CONTEXT) {
        writeln!(out, "{}", UnifiedHunkHeader::new(&hunk)).unwrap_or_default();
        for change in hunk.iter().flat_map(|op| op.iter_changes(old, new)) {
            writeln!(out, "{}{}", change.tag(), change.value().trim_end_matches('\n')).unwrap_or_default();
        }
    }
    out
}

fn hunks(old: &str, new: &str) -> String {
    let (before, after) = (old.lines().count(), new.lines().count());
    if before + after <= MOST_LINES {
        let hunks =
            unified(&old.split_inclusive('\n').collect::<Vec<_>>(), &new.split_inclusive('\n').collect::<Vec<_>>());
        if hunks.len() <= LARGEST {
            return hunks;
        }
    }
    format!("@@ -1,{before} +1,{after} @@ diff too large to display\n")
}
