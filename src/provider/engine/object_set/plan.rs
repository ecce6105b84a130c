//! What a plan tells of the objects of a set: to the ledger, of objects that other resources plan too, and of a head that is there.

use super::backend::SetBackend;
use super::marks::{digest, unfinished};
use super::parts::{HAND_OVER, RENDERED, handed_over, keys_of, part_name, stub};
use super::{ObjectSet, Wanted};
use crate::omni::spec::Spec as _;
use crate::omni::{Key, Resource as Stored};
use crate::provider::engine::Cx;
use crate::provider::engine::backend::Backend as _;
use crate::provider::engine::base;
use crate::provider::engine::existing::{self, Standing, standing};
use crate::provider::errors::Operation;
use crate::provider::ledger::{Action, ObjectKey, Ticket};
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::value::Value;

impl<M: ObjectSet> SetBackend<M> {
    /// Tells the ledger of the objects of a plan, and says of those that another resource plans too.
    pub(super) fn note_parts(&self, cx: &Cx, ticket: &Ticket, plan: &mut Plan<'_>) {
        let Some(id) = M::id(&plan.planned).or_else(|| plan.prior.and_then(M::id)) else { return };
        let (before, after) = (plan.prior.map(|prior| prior.get(RENDERED)), plan.planned.get(RENDERED).clone());
        let head = Self::head(&id);
        let names = |value: &Value| keys_of(value).into_iter().filter(|key| *key != head).collect::<Vec<_>>();
        let [before, after] = [before.map(names).unwrap_or_default(), names(&after)];
        let left = handed_over(plan.config).unwrap_or_default();
        for key in &after {
            let action = match before.contains(key) {
                // The plan that follows for the replacement makes it once more.
                true if !plan.replace.is_empty() => Action::Replace,
                true => Action::Keep,
                // It is there, and changes hands.
                false if left.contains(&part_name(key)) => Action::Keep,
                false => Action::Create,
            };
            let note = M::note_of(&Stored { key: key.clone(), ..self.planned_part(plan, key) });
            let known = ObjectKey::from(key);
            cx.session.ledger.note_plan(
                &known,
                ticket,
                action,
                Some(&note).filter(|_| action != Action::Create),
                Some(&note),
            );
            if action == Action::Create {
                cx.session.ledger.note_joins(&known, M::HEAD, &id);
            }
            let is_moved =
                || cx.session.ledger.prior(&known).is_some_and(|prior| cx.session.ledger.joins(&known, &prior));
            if cx.session.ledger.is_planned_to_go(&known) && (action == Action::Keep || is_moved()) {
                plan.diags
                    .push(existing::destroyed_and_kept(cx, &format!("`{}`", part_name(key))).at(Path::of(RENDERED)));
            }
            let rivals = cx.session.ledger.rivals(&known, ticket, action);
            if let Some(rival) = rivals.first() {
                plan.diags.push(twice(key, action == Action::Create || rival.action == Action::Create));
            }
        }
        // As long as the document is not known, nothing leaves.
        let is_known = matches!(plan.planned.get(RENDERED), Value::Map(_));
        let leaves_set = |key: &&Key| is_known && !after.contains(key) && !left.contains(&part_name(key));
        for key in before.iter().filter(leaves_set) {
            let known = ObjectKey::from(key);
            if cx.session.ledger.keeps(&known) {
                plan.diags.push(leaves(cx, &part_name(key)).at(Path::of(HAND_OVER)));
            }
            cx.session.ledger.once(&known, LEAVES);
            let note = M::note_of(&stub(key.clone()));
            cx.session.ledger.note_plan(&known, ticket, Action::Remove, Some(&note), None);
            base::note_move(cx, &known);
        }
        if plan.diags.has_errors() {
            for key in before.iter().chain(&after) {
                cx.session.ledger.forget_plan(&ObjectKey::from(key), ticket);
            }
        }
    }

    /// Tells the ledger what an operation has left of the objects.
    pub(super) fn note_done(cx: &Cx, prior: &Value, state: Option<&Value>) {
        let after = state.map(|state| keys_of(state.get(RENDERED))).unwrap_or_default();
        for key in keys_of(prior.get(RENDERED)).iter().filter(|key| !after.contains(key)) {
            let known = ObjectKey::from(key);
            // Nothing that was planned for it holds any more.
            cx.session.ledger.note_failed(&known);
            cx.session.ledger.note_removed(&known);
        }
        // The engine tells of the head.
        for key in after.into_iter().filter(|key| key.kind != M::Spec::KIND) {
            cx.session.ledger.note_written(&ObjectKey::from(&key), &M::note_of(&stub(key)));
        }
    }

    /// A part as far as the plan shows it: its labels.
    fn planned_part(&self, plan: &Plan<'_>, key: &Key) -> Stored {
        let mut stored = stub(key.clone());
        let part = plan.planned.get(RENDERED).entries().and_then(|all| all.get(&part_name(key)));
        for (name, value) in part.and_then(|part| part.get("labels").entries()).into_iter().flatten() {
            stored.metadata.labels.insert(name.clone(), value.as_str().unwrap_or_default().to_owned());
        }
        stored
    }

    /// The plan's word on a head that is there and that the state does not hold.
    pub(super) fn check_head(&self, cx: &Cx, head: &Stored, wanted: &Wanted) -> Option<Diagnostic> {
        let operation = Operation { noun: M::HEAD, ..self.base().operation("create", &head.key.id) };
        let problem = match standing(head) {
            Standing::Deleting => return None,
            Standing::Managed(_) if unfinished(head) == Some(&digest::<M>(&wanted.objects)) => return None,
            Standing::Managed(mark) => existing::managed(M::NAME, &operation, &head.key.id, &mark),
            Standing::Controllers => existing::foretold(existing::of_controllers(&operation, head)),
            Standing::Stranger if cx.session.adopt_existing => {
                cx.session.ledger.once(&ObjectKey::from(&head.key), "adoption");
                let why = format!("Omni already has the {}, without the managed-by annotation.", operation.what());
                existing::adopted(&operation, &why, "")
            }
            Standing::Stranger => existing::there(M::NAME, &operation, &head.key.id, true),
        };
        Some(problem)
    }
}

/// What the ledger is told of an object that leaves its set.
const LEAVES: &str = "leaves its set";

/// What a plan says that keeps an object of which another plan says that it goes.
pub(in super::super) fn check_leaving(cx: &Cx, key: &ObjectKey, what: &str) -> Option<Diagnostic> {
    match cx.session.ledger.is_told(key, LEAVES) {
        true => Some(leaves(cx, &key.display())),
        false => cx.session.ledger.is_planned_to_go(key).then(|| existing::destroyed_and_kept(cx, what)),
    }
}

/// Only one process sees both plans: an apply with a saved plan would destroy the object.
fn leaves(cx: &Cx, name: &str) -> Diagnostic {
    let told = Diagnostic::error(
        format!("`{name}` is destroyed and kept by one plan"),
        "A template no longer describes it, so that its apply destroys it, and another resource of this configuration has it.",
    )
    .hint(format!("To leave it to the other resource, add {name:?} to `{HAND_OVER}` beside the template."));
    base::unless_destroying(cx, told)
}

/// Another resource of the configuration has an object of the set, or one of the two makes it.
fn twice(key: &Key, made: bool) -> Diagnostic {
    let (name, why) =
        (part_name(key), "The template describes it, and another resource of this configuration manages it too.");
    let told = match made {
        true => Diagnostic::error(format!("`{name}` is planned twice"), why),
        false => Diagnostic::warning(format!("`{name}` is managed twice"), why),
    };
    told.hint("Remove it from the template, or remove the other resource; `terraform state rm` takes an object out of the state and leaves it in Omni.")
        .at(Path::of(RENDERED))
}
