//! Objects that exist already when they are planned or created, and objects that two resources manage.
//!
//! An object with the managed-by annotation is managed by another resource of this configuration, whose removal may
//! follow in the same apply, or by another state. It is never adopted. For one without the annotation,
//! `adopt_existing` decides. This file compares and builds diagnostics; it writes nothing.

use super::attributes::Shared;
use super::backend::Backend;
use super::base::{self, ResourceBase};
use super::conflict;
use super::cosi::CosiBackend;
use super::dynamic::DynCosiObject;
use super::failure::Failure;
use super::write::show;
use super::{Cx, Origin};
use crate::omni::{Error, Phase, Resource as Stored, labels};
use crate::provider::errors::{Operation, capital, with_article};
use crate::provider::ledger::{Action, ObjectKey, Planned};
use crate::provider::session::Session;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::plan;
use crate::tf::plan::replacements;
use crate::tf::resource::{Outcome, Plan, Private};
use crate::tf::schema::{Attribute, Mode};
use crate::tf::value::Value;
use std::time::Duration;

/// What is at the place of an object that is to be made.
pub(super) enum Standing {
    /// Omni's own controllers made it.
    Controllers,
    /// It is on its way out.
    Deleting,
    /// Somebody manages it, by this mark.
    Managed(String),
    /// Nothing says whose it is.
    Stranger,
}

pub(super) fn standing(existing: &Stored) -> Standing {
    let metadata = &existing.metadata;
    if !metadata.owner.is_empty() {
        Standing::Controllers
    } else if metadata.phase == Phase::TearingDown {
        Standing::Deleting
    } else if let Some(mark) = metadata.annotations.get(labels::MANAGED_BY) {
        Standing::Managed(mark.clone())
    } else {
        Standing::Stranger
    }
}

/// Two resources of one configuration want the object; `None` when both have it in the state, and `others` tell no news.
pub(super) fn planned_twice(
    base: &ResourceBase,
    name: &str,
    planned: &Value,
    action: Action,
    others: &[Planned],
) -> Option<Diagnostic> {
    let other = others.first()?;
    let operation = base.operation("plan", name);
    let what = capital(&operation.what());
    let (id, is_given) = (base.id, base.schema.attribute(base.id).is_some_and(Attribute::configurable));
    // Only an object of which there is one has no name.
    let is_only = name.is_empty();
    let differ = other.planned.as_ref().map(|other| difference(base, planned, other)).unwrap_or_default();
    let meaning = base.schema.attribute(id).map(|a| a.description.as_str()).unwrap_or_default();
    if action != Action::Create && other.action != Action::Create {
        let detail = format!(
            "Two resources of this configuration have the same {} in the state: each apply writes both, \
             and destroying either destroys the object of the other. {differ}",
            if is_only { base.noun.to_owned() } else { format!("`{id}`") }
        );
        let warning = Diagnostic::warning(format!("{what} is managed twice"), detail).hint(
            "Remove one of the two from the configuration, and from the state with `terraform state rm`, \
             which leaves the object in Omni.",
        );
        return Some(warning.at(Path::of(operation.id_attribute)));
    }
    let who = match (action, other.action) {
        (Action::Create, Action::Create) => "Two resources of this configuration create",
        (Action::Create, _) => "Another resource of this configuration manages",
        _ => "This resource manages, and another one of this configuration creates,",
    };
    let which = if is_only { base.noun.to_owned() } else { format!("{} with this `{id}`", base.noun) };
    let detail = format!("{who} the {which}, but only one can exist. {differ}");
    let hint = match (is_given, is_only) {
        (true, _) => format!("Remove one of the two, or change its `{id}`.\n`{id}`: {meaning}"),
        (false, true) => "Remove one of the two.".to_owned(),
        (false, false) => format!("Remove one of the two, or change what its `{id}` is built from.\n`{id}`: {meaning}"),
    };
    let error = Diagnostic::error(format!("{what} is planned twice"), detail).hint(hint);
    Some(error.at(Path::of(operation.id_attribute)))
}

/// One plan destroys the object at one address, and keeps it at another one. Only the process of the plan sees both: an apply with a
/// saved plan would destroy it.
pub(in crate::provider::engine) fn destroyed_and_kept(cx: &Cx, what: &str) -> Diagnostic {
    let told = Diagnostic::error(
        format!("{} is destroyed and kept by one plan", capital(what)),
        "One resource of this configuration keeps it, for example after an import, and another resource that has it is destroyed, which would destroy it.",
    )
    .hint(
        "To leave the object in Omni, take the other resource out of the state only: with a `removed` block and `destroy = false`, or with `terraform state rm`. \
         A `moved` block changes the address of a resource without an import. A cluster template takes the object over if `hand_over` names it.",
    );
    base::unless_destroying(cx, told)
}

/// What distinguishes two plans of one object: the host does not say where they stand.
fn difference(base: &ResourceBase, one: &Value, two: &Value) -> String {
    let configurable: Vec<Attribute> = base.schema.attributes.iter().filter(|a| a.configurable()).cloned().collect();
    let differ = |path: &Path| {
        let (one, two) = (path.lookup(one), path.lookup(two));
        match (one.foreseen(), two.foreseen()) {
            (Some(one), Some(two)) => one != two,
            _ => !one.is_unknown() && !two.is_unknown(),
        }
    };
    let paths: Vec<String> =
        plan::changes(one, two, &configurable).iter().filter(|p| differ(p)).map(|p| format!("`{p}`")).collect();
    match paths.as_slice() {
        // Other arguments may have led to the object, and the state then shows all of them for both.
        [] if base.schema.attribute(base.id).is_some_and(|id| id.mode == Mode::OptionalComputed) => format!(
            "Both are about the same `{}`: look for two arguments that lead to one {}, for two elements of one `count` or `for_each`, \
             or for a module that is called twice.",
            base.id, base.noun
        ),
        [] if [one, two].into_iter().any(|planned| configurable.iter().any(|a| is_open(a, planned))) => {
            "They may differ in arguments that are known only after the apply.".to_owned()
        }
        [] => "All their arguments are equal: look for two elements of one `count` or `for_each`, \
               or for a module that is called twice."
            .to_owned(),
        [path] => format!("They differ in {path}."),
        [rest @ .., last] => format!("They differ in {} and {last}.", rest.join(", ")),
    }
}

/// Whether the configuration gives the argument, and nobody knows its value yet.
fn is_open(argument: &Attribute, planned: &Value) -> bool {
    let value = planned.get(argument.name);
    argument.mode != Mode::OptionalComputed && value.is_unknown() && value.foreseen().is_none()
}

/// The object is there, and nothing says whose it is; `adopts` is whether the provider could take it over by itself.
pub(in crate::provider::engine) fn duplicate(
    name: &str,
    operation: &Operation<'_>,
    id: &str,
    adopts: bool,
) -> Diagnostic {
    let other = other_object(operation);
    let mut hint = format!("To manage it with this configuration, {}\n\nOtherwise {other}.", import(name, id));
    if adopts {
        hint.push_str(" With `adopt_existing = true` the provider adopts such objects.");
    }
    let detail = format!("Omni already has {} `{id}`, which was not created by this resource.", operation.noun);
    Diagnostic::error(operation.summary(), detail).hint(hint).at(Path::of(operation.id_attribute))
}

/// What leads to another object, as a clause.
fn other_object(operation: &Operation<'_>) -> String {
    match (operation.id, operation.id_attribute) {
        // Only an object of which there is one has no name.
        ("", _) => "remove this resource".to_owned(),
        (_, "") => "change the arguments that its ID is built from".to_owned(),
        (_, attribute) => format!("choose another `{attribute}`"),
    }
}

fn import(name: &str, id: &str) -> String {
    format!(
        "import it, either with the command\n\n  terraform import {name}.<NAME> {id}\n\nor with the block\n\n  \
         import {{\n    to = {name}.<NAME>\n    id = \"{id}\"\n  }}"
    )
}

/// The same of a COSI object: a cluster template says what it has made.
pub(super) fn unmanaged(resource: &CosiBackend, operation: &Operation<'_>, existing: &Stored) -> Diagnostic {
    // What the type cannot show can be neither imported nor adopted; the type says what to do instead.
    let imported = resource.base().schema.null_object();
    if let Err(Failure::Refused(why)) = show(resource, existing, &imported, &Private::default()) {
        return *why;
    }
    let mut told = duplicate(resource.facts.name, operation, &resource.kind.id_of(&existing.key), true);
    if existing.metadata.annotations.contains_key(labels::MANAGED_BY_TEMPLATES) {
        told.detail.push_str(" A cluster template manages it, and changes it back whenever it is synchronized.");
    }
    told
}

/// The object belongs to one of Omni's controllers.
pub(super) fn of_controllers(operation: &Operation<'_>, existing: &Stored) -> Diagnostic {
    let detail = format!(
        "Omni already has {} `{}`, which is owned by the controller {} of Omni.",
        with_article(operation.noun),
        existing.key.id,
        existing.metadata.owner
    );
    let hint = format!("{}.", capital(&other_object(operation)));
    Diagnostic::error(operation.summary(), detail).hint(hint).at(Path::of(operation.id_attribute))
}

/// The object is somebody's, and did not go while it was waited for.
pub(super) fn held(
    name: &str,
    operation: &Operation<'_>,
    id: &str,
    mark: &str,
    adopts: bool,
    waited: Duration,
) -> Diagnostic {
    let not = if adopts { " `adopt_existing` adopts only objects without that annotation." } else { "" };
    let detail = format!(
        "Omni already has {} `{id}`, and its annotation `{} = {mark:?}` shows that it is managed: \
         by another resource of this configuration, or by another state. \
         The provider waited {} for it to be removed.{not}",
        with_article(operation.noun),
        labels::MANAGED_BY,
        kit::go_duration::short(waited),
    );
    let other = other_object(operation);
    let hint = format!(
        "The solution depends on what manages it:\n\
         - This apply destroys it at another address, such as an old key of `for_each`: apply again. \
         A `moved` block changes an address without destroying anything.\n\
         - {PREDECESSOR}\n\
         - Another configuration or state manages it: {other}, or manage it in one place only.\n\
         - Nothing manages it any more: {}",
        import(name, id)
    );
    Diagnostic::error(operation.summary(), detail).hint(hint).at(Path::of(operation.id_attribute))
}

/// The object is there, nobody can tell whose it is, and it did not go while it was waited for.
pub(in crate::provider::engine) fn stayed(
    name: &str,
    operation: &Operation<'_>,
    id: &str,
    adopts: bool,
    waited: Duration,
) -> Diagnostic {
    let detail = format!(
        "Omni already has {} `{id}`. The provider waited {} for this apply to destroy it at another address.",
        with_article(operation.noun),
        kit::go_duration::short(waited),
    );
    let adopt = if adopts { "\n\nWith `adopt_existing = true` the provider adopts it." } else { "" };
    let hint = format!(
        "The solution depends on what manages it:\n\
         - This apply destroys it at another address, such as an old key of `for_each`: apply again. \
         A `moved` block changes an address without destroying anything.\n\
         - {PREDECESSOR}\n\
         - Another configuration or state manages it: {}, or manage it in one place only.\n\
         - Nothing manages it: {}{adopt}",
        other_object(operation),
        import(name, id)
    );
    Diagnostic::error(operation.summary(), detail).hint(hint).at(Path::of(operation.id_attribute))
}

/// What to do about a successor that comes before its predecessor goes.
const PREDECESSOR: &str = "This resource is replaced with `create_before_destroy`: set that to `false` for this resource and for resources that depend on it. \
     Omni has only one object per ID, so the old one must be destroyed first.";

/// Whether the object that is there is the one that a create is to replace: it has been planned so, and not been removed yet.
pub(in crate::provider::engine) fn is_held_by_predecessor(cx: &Cx, key: &ObjectKey) -> bool {
    cx.session.handover.is_remade(key) && !cx.session.ledger.is_removed(key)
}

/// The successor comes before its predecessor goes.
pub(in crate::provider::engine) fn held_by_predecessor(operation: &Operation<'_>) -> Diagnostic {
    let detail = format!(
        "This resource is replaced with `create_before_destroy`, and the new {} has the same ID as the old one, which still exists. \
         Omni has only one object per ID, so the old one must be destroyed first.",
        operation.noun
    );
    Diagnostic::error(operation.summary(), detail)
        .hint(
            "Set `create_before_destroy = false` in the `lifecycle` block of this resource. \
             Terraform also applies it to the dependencies of a resource with `create_before_destroy = true`: check the resources that refer to this one.",
        )
        .at(Path::of(operation.id_attribute))
}

/// Whether this run is known to have had the object before, to remove it, or to take it over from another address:
/// that it is there is no surprise then.
pub(in crate::provider::engine) fn is_expected(cx: &Cx, key: &ObjectKey) -> bool {
    let Session { ledger, handover, .. } = &*cx.session;
    ledger.prior(key).is_some() || ledger.goes(key) || handover.is_noted(key) || handover.is_remade(key)
}

/// Whether a create takes over an object without the managed-by annotation.
pub(super) fn adopts(cx: &Cx, kind: &dyn DynCosiObject, existing: &Stored) -> bool {
    cx.session.adopt_existing || is_omnis(kind, existing)
}

/// Whether the object is one that Omni makes by itself, and that nobody has taken: a cluster template marks what it makes.
fn is_omnis(kind: &dyn DynCosiObject, existing: &Stored) -> bool {
    kind.is_made_by_omni(&existing.key) && !existing.metadata.annotations.contains_key(labels::MANAGED_BY_TEMPLATES)
}

/// The plan's word on an object that is there and that the state does not hold.
pub(in crate::provider::engine) fn there(name: &str, operation: &Operation<'_>, id: &str, adopts: bool) -> Diagnostic {
    foretold_unless_removed(duplicate(name, operation, id, adopts))
}

/// The same of an object that somebody manages, by this mark.
pub(super) fn managed(name: &str, operation: &Operation<'_>, id: &str, mark: &str) -> Diagnostic {
    let detail = format!(
        "Omni already has {} `{id}`, and its annotation `{} = {mark:?}` shows that it is managed.",
        with_article(operation.noun),
        labels::MANAGED_BY,
    );
    let hint = format!(
        "If another configuration or state manages it, {}, or manage it in one place only. \
         If nothing manages it any more, {}",
        other_object(operation),
        import(name, id)
    );
    let problem = Diagnostic::error(operation.summary(), detail).hint(hint).at(Path::of(operation.id_attribute));
    foretold_unless_removed(problem)
}

/// An error of the apply that does not come if the same plan removes the object at another address, which may be planned later.
fn foretold_unless_removed(problem: Diagnostic) -> Diagnostic {
    let mut told = foretold(problem);
    told.detail.push_str(
        "\nThe apply fails unless this state holds the object at another address, such as an old key of `for_each`, where it is destroyed.",
    );
    told
}

/// What taking the object over means.
pub(super) struct Adoption {
    /// What changes, as lines.
    changes: String,
    /// Attributes that differ and cannot change in place.
    fixed: Vec<Path>,
    /// Omni made it itself, as far as can be told.
    is_omnis: bool,
}

impl Adoption {
    /// Compares what is there with what is planned.
    pub(super) fn of(
        resource: &CosiBackend,
        existing: &Stored,
        planned: &Value,
        config: &Value,
    ) -> Result<Self, Failure> {
        let mut private = Private::default();
        resource.track(&mut private, config);
        let now = show(resource, existing, planned, &private)?;
        let base = resource.base();
        let fixed = replacements(&base.schema.attributes, &now, planned);
        let fixed = fixed.into_iter().filter(|path| !path.lookup(planned).is_unknown()).collect();
        Ok(Self { changes: changes(base, &now, planned), fixed, is_omnis: is_omnis(&*resource.kind, existing) })
    }

    /// Why the object cannot be taken over, if so.
    pub(super) fn refusal(&self, name: &str, operation: &Operation<'_>, id: &str) -> Option<Diagnostic> {
        let path = self.fixed.first()?;
        let list = self.fixed.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ");
        let detail = format!(
            "Omni already has {} `{id}`, and it cannot be adopted: a change of {list} forces replacement. They differ in:{}",
            with_article(operation.noun),
            self.changes
        );
        let other = other_object(operation);
        let hint = format!("Set {list} to the values of the object, {other}, or {}", import(name, id));
        Some(Diagnostic::error(operation.summary(), detail).hint(hint).at(path.clone()))
    }

    /// Says that the object is taken over, and what changes in it; of one that Omni makes too, only when something does.
    pub(super) fn told(&self, operation: &Operation<'_>) -> Option<Diagnostic> {
        let (what, changes) = (operation.what(), &self.changes);
        if !self.is_omnis {
            let why = format!("Omni already has the {what}, without the managed-by annotation.");
            return Some(adopted(operation, &why, changes));
        }
        if changes.is_empty() {
            return None;
        }
        let detail = format!(
            "Omni already has the {what}, without the managed-by annotation: Omni creates such objects too. The apply changes:{changes}"
        );
        Some(
            Diagnostic::warning(format!("Existing {what} is adopted"), detail)
                .hint("Destroying this resource will destroy the object.")
                .at(Path::of(operation.id_attribute)),
        )
    }
}

/// What a taken over object is changed in, as lines that begin with a line break.
pub(in crate::provider::engine) fn changes(base: &ResourceBase, now: &Value, planned: &Value) -> String {
    let schema = &base.schema;
    let line = |path: &Path| {
        let [now, then] = [now, planned].map(|value| conflict::display(schema, path, value));
        format!("\n  - `{path}`: {now} becomes {then}")
    };
    // Keys that others have set stay where none is configured.
    let kept = |path: &Path| {
        let shared = Shared::ALL.iter().any(|shared| path == &Path::of(shared.name()));
        shared && path.lookup(planned).is_null()
    };
    let paths = conflict::changed(schema, now, planned);
    paths.iter().filter(|path| !path.lookup(planned).is_unknown() && !kept(path)).map(line).collect()
}

/// The warning that an object is taken over, for this reason and with these changes.
pub(in crate::provider::engine) fn adopted(operation: &Operation<'_>, why: &str, changes: &str) -> Diagnostic {
    let changes = if changes.is_empty() {
        "None of its attributes changes.".to_owned()
    } else {
        format!("The apply changes:{changes}")
    };
    Diagnostic::warning(format!("Existing {} is adopted", operation.what()), format!("{why} {changes}"))
        .hint(format!(
            "The provider adopts it because of `adopt_existing = true`. Destroying this resource destroys the object. \
             If that is not what you want, {}.",
            other_object(operation)
        ))
        .at(Path::of(operation.id_attribute))
}

/// A removal finds that another resource of the same apply has taken the object over: as planned, or by adoption, which is told.
pub(in crate::provider::engine) fn handed_over(cx: &Cx, operation: &Operation<'_>, key: &ObjectKey) -> Outcome {
    tracing::info!(id = operation.id, "the object stays: another resource has it by now");
    if cx.session.handover.is_noted(key) {
        return Outcome::default();
    }
    let told = Diagnostic::warning(
        format!("{} is not destroyed", capital(&operation.what())),
        "Another resource of this apply has adopted it, so only this address is removed from the state.",
    );
    Outcome { diags: told.into(), ..Outcome::default() }
}

impl CosiBackend {
    /// Says of a planned create that the object is there already, as far as that can be known: what is in this state goes first.
    pub(super) async fn check_standing(&self, cx: &Cx, plan: &mut Plan<'_>, key: &ObjectKey) -> Result<(), Error> {
        if !matches!(self.facts.origin, Origin::Users | Origin::Either) || plan.prior.is_some() {
            return Ok(());
        }
        let ledger = &cx.session.ledger;
        // An apply plans once more right before the create, which finds out itself what is there.
        if is_expected(cx, key) || ledger.is_applying() {
            return Ok(());
        }
        let Some(id) = self.id(&plan.planned) else { return Ok(()) };
        let Some(existing) = cx.foresee(&self.kind.key(&id)).await? else { return Ok(()) };
        let name = self.base().display(&plan.planned, &id);
        let operation = self.base().operation("create", &name);
        let problem = match standing(&existing) {
            Standing::Deleting => return Ok(()),
            Standing::Managed(mark) => {
                plan.diags.push(managed(self.facts.name, &operation, &id, &mark));
                return Ok(());
            }
            Standing::Controllers => of_controllers(&operation, &existing),
            Standing::Stranger if !adopts(cx, &*self.kind, &existing) => unmanaged(self, &operation, &existing),
            Standing::Stranger => match Adoption::of(self, &existing, &plan.planned, plan.config) {
                Ok(adoption) => match adoption.refusal(self.facts.name, &operation, &id) {
                    Some(refusal) => refusal,
                    None => {
                        ledger.once(key, "adoption");
                        if let Some(told) = adoption.told(&operation) {
                            plan.diags.push(told);
                        }
                        return Ok(());
                    }
                },
                Err(failure) => failure.explain(&operation),
            },
        };
        // The state of Omni may change before the apply, and a plan leads to a destroy too: nothing of this ends it.
        plan.diags.push(foretold(problem));
        Ok(())
    }
}

/// How a warning begins that a create will fail.
const FORETOLD: &str = "The apply cannot create";

/// Takes back what a plan was told of an object that is there: the checks of its type say more of it.
pub(crate) fn take_back_existing(plan: &mut Plan<'_>) {
    plan.diags.retain(|told| !told.summary.starts_with(FORETOLD));
}

/// An error of the apply as a warning of the plan.
pub(super) fn foretold(mut problem: Diagnostic) -> Diagnostic {
    if problem.severity == crate::tf::diag::Severity::Error {
        problem.severity = crate::tf::diag::Severity::Warning;
        problem.summary = problem.summary.replacen("Could not create", FORETOLD, 1);
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_in_a_message_stands_alone() {
        let operation = Operation { verb: "create", noun: "user", id: "jane", id_attribute: "email" };
        let waited = Duration::from_secs(1);
        for told in [
            duplicate("omni_user", &operation, "jane", true),
            stayed("omni_user", &operation, "jane", true, waited),
            stayed("omni_user", &operation, "jane", false, waited),
            held("omni_user", &operation, "jane", "Terraform", true, waited),
        ] {
            let hint = told.hint.unwrap_or_default();
            let mut lines = hint.lines().skip_while(|line| *line != "  import {");
            assert!(lines.any(|line| line == "  }"), "{hint}");
            assert!(lines.next().is_none_or(str::is_empty), "{hint}");
        }
    }
}
