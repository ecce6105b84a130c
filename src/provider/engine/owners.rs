//! Objects whose owner, a cluster or a machine set, is destroyed or replaced by the plan.
//! Terraform plans owners first, so they are in the ledger, except for owners that no planned resource refers to.

use super::cosi::{CosiBackend, ID};
use super::dynamic::{CosiFacts, DynCosiObject};
use super::{Cx, Owner};
use crate::provider::errors::capital;
use crate::provider::ledger::ObjectKey;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::resource::{Plan, Private};
use crate::tf::value::Value;

/// The owners that a state names.
pub(super) fn keys(kind: &dyn DynCosiObject, state: &Value) -> Vec<ObjectKey> {
    kind.owners(state).iter().map(|owner| ObjectKey::from(&owner.key)).collect()
}

impl CosiBackend {
    /// Replaces what Omni removes together with an owner that this run replaces, though nothing of its own configuration changes.
    pub(super) fn follow_owners(&self, cx: &Cx, plan: &mut Plan<'_>) {
        let Some(prior) = plan.prior.filter(|_| plan.replace.is_empty()) else { return };
        let replaced = |owner: &Owner| cx.session.ledger.is_replaced(&ObjectKey::from(&owner.key));
        if self.kind.owners(prior).iter().any(replaced) {
            // Hosts replace only where a value differs, so it has to be one that is free to.
            plan.planned.set(ID, Value::UNKNOWN);
            plan.replace.push(Path::of(ID));
        }
    }

    /// Says of an object that is to be there that an owner goes, and comes back under another name or not at all.
    pub(super) fn check_owners(&self, cx: &Cx, plan: &mut Plan<'_>) {
        // The first plan of a replacement has told it.
        if plan.replaced != Private::default() {
            return;
        }
        let ledger = &cx.session.ledger;
        for owner in self.kind.owners(&plan.planned) {
            let key = ObjectKey::from(&owner.key);
            if ledger.planned(&key).is_some() {
                continue;
            }
            let successor = ledger.successor(&key);
            if successor.is_none() && !ledger.is_planned_to_go(&key) {
                continue;
            }
            plan.diags.push(without(&self.facts, &owner, key.id(), successor.as_deref()));
            return;
        }
    }
}

/// The object would be left without this owner. One that is destroyed at one address may still be planned at another.
fn without(facts: &CosiFacts, owner: &Owner, id: &str, successor: Option<&str>) -> Diagnostic {
    let (attribute, noun) = (owner.attribute, owner.noun);
    let outcome = match (facts.needs_owners, successor) {
        (true, Some(_)) => format!("and refuses a {} in one that does not exist: the apply will fail.", facts.noun),
        (true, None) => {
            format!("and refuses a {} in one that does not exist, unless it is created again by then.", facts.noun)
        }
        (false, _) => format!("and a {} for one that does not exist has no effect.", facts.noun),
    };
    let (summary, why, hint) = match successor {
        Some(new) => (
            format!("{} `{id}` is replaced by `{new}`", capital(noun)),
            format!("`{attribute}` still refers to `{id}`. Omni removes a {noun} with everything in it, {outcome}"),
            format!(
                "Set `{attribute}` to the `id` of its `omni_{}`, so that it follows the change, or to `{new}`.",
                noun.replace(' ', "_")
            ),
        ),
        None => (
            format!("{} `{id}` is destroyed", capital(noun)),
            format!(
                "This plan destroys it, and `{attribute}` still refers to it. Omni removes a {noun} with everything in it, {outcome}"
            ),
            format!("Destroy this {} too, or set `{attribute}` to a {noun} that is kept.", facts.noun),
        ),
    };
    // A host plans like this on its way to a destroy too, which an error would stop.
    Diagnostic::warning(summary, why).hint(hint).at(Path::of(attribute))
}
