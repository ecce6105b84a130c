//! `omni_machine_class`: which machines a machine set takes by itself.

use super::provision;
use crate::omni::spec::Spec;
use crate::omni::{Error, Query, labels};
use crate::provider::engine::{Bind, CosiObject, Cx, Failure, OneKind, ResourceType, Row, Table, unless_destroying};
use crate::provider::ledger::ObjectKey;
use crate::provider::lookup::{is_selector, selects};
use crate::provider::objects::machine_set;
use crate::provider::view;
use crate::tf::check::{Check, Rule, not_empty};
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::path::Path;
use crate::tf::resource::{Plan, Private};
use crate::tf::schema::{Schema, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use omni_proto::specs::{MachineClassSpec, MachineSetSpec};

pub(super) struct MachineClass;

/// The two kinds of classes; Omni does not turn one into the other.
const KINDS: [&str; 2] = ["match_labels", "auto_provision"];

/// Most machine sets that a message names.
const MOST_SETS: usize = 10;

impl Table for MachineClass {
    type Spec = MachineClassSpec;

    const NAME: &'static str = "omni_machine_class";
    const NOUN: &'static str = "machine class";
    const ID: &'static str = "name";

    fn rows() -> Vec<Row> {
        vec![
            string("name").required().replaces().check(not_empty()).doc("Name of the machine class.").id(),
            plain("match_labels", Type::list(Type::String))
                .or_nothing()
                .check(has_some())
                .check(is_selector().of_each())
                .check(is_allowed().of_each())
                .doc(
                    "Takes the machines whose labels match any of these selectors, such as `region = eu, !gpu`. \
                 The terms of a selector are separated by commas, and all of them must hold. \
                 An empty selector would match every machine, and is refused in a new class; a label that every machine has, such as `omni.sidero.dev/arch`, says so.",
                )
                .field("match_labels")
                .reading("Selectors of which the labels of a machine match at least one, such as `region = eu, !gpu`. The terms of a selector are separated by commas, and all of them must hold."),
            provision::row("auto_provision", |provision| {
                provision.doc("Has an infrastructure provider create the machines.")
            }),
        ]
    }
}

/// There is a selector: Omni refuses a class without one.
fn has_some() -> Check {
    Check::by(|value| match value {
        Value::List(selectors) if selectors.is_empty() => {
            Err("There must be at least one selector; null leaves it out.".to_owned())
        }
        _ => Ok(()),
    })
}

/// The selector is one that Omni takes of a machine class.
fn is_allowed() -> Check {
    Check::text(|text| match text.contains(labels::NO_MANUAL_ALLOCATION) {
        true => {
            Err(format!("A selector must not name `{}`: Omni sets this label itself.", labels::NO_MANUAL_ALLOCATION))
        }
        false => Ok(()),
    })
}

#[async_trait]
impl ResourceType for MachineClass {
    fn about() -> Schema {
        Schema::new(
            "Manages a machine class: machines that are selected by their labels, or created by an infrastructure provider. \
             Machine sets allocate machines from it with `machine_class`. A change from `match_labels` to `auto_provision` or back forces replacement. Omni refuses to destroy a class that a machine set uses.\n\n\
             To rename a class in use, set `create_before_destroy = true` in its `lifecycle` block and refer to its `name` in the machine sets. \
             To give machine sets another class, keep the old one until they have changed, and destroy it in a later apply.",
        )
        .rule(Rule::ExactlyOne(&KINDS))
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        let Some(prior) = plan.prior else { return };
        for kind in KINDS {
            if prior.get(kind).is_null() && plan.planned.get(kind).is_set() {
                plan.replace.push(Path::of(kind));
            }
        }
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        check_selectors(cx, plan);
        check_replacement(cx, plan).await?;
        provision::check(cx, plan, "auto_provision").await
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        let name = prior.get("name").as_str().unwrap_or_default();
        if let Some(users) = users(cx, name).await? {
            diags.push(in_use(name, &users).hint(
                "Destroy the machine sets in the same apply. To give them another class, keep this one for one more apply: \
                 Terraform destroys it before it changes them.",
            ));
        }
        Ok(())
    }
}

/// The machine sets that take machines from the class and are not known to go, as a list in words; `None` if there are none.
async fn users(cx: &Cx, name: &str) -> Result<Option<String>, Error> {
    let mut users = Vec::new();
    for set in view::list(cx, MachineSetSpec::KIND, &Query::all()).await? {
        if machine_set::class_of(&set)?.as_deref() == Some(name) && !cx.session.ledger.goes(&ObjectKey::from(&set.key))
        {
            users.push(format!("`{}`", set.key.id));
        }
    }
    let more = users.len().saturating_sub(MOST_SETS);
    users.truncate(MOST_SETS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Ok((!users.is_empty()).then(|| format!("{}{more}", users.join(", "))))
}

fn in_use(name: &str, users: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("Machine class `{name}` is in use"),
        format!("Omni refuses to remove it while these machine sets take machines from it: {users}."),
    )
}

/// A replacement destroys the class first, which Omni refuses while machine sets use it: then no apply gets further.
async fn check_replacement(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let (Some(prior), Some(by)) = (plan.prior, plan.replace.first().cloned()) else { return Ok(()) };
    let name = prior.get("name").as_str().unwrap_or_default();
    let Some(users) = users(cx, name).await? else { return Ok(()) };
    let hint = match prior.get("name") == plan.planned.get("name") {
        // Both cannot be there at once.
        true => "Add a class of another name, give it to the machine sets, and destroy this one in a later apply.",
        false => {
            "Unless it is set already, set `create_before_destroy = true` in its `lifecycle` block, and refer to its `name` in the machine sets: \
             then the new class is made first, and the sets change to it before the old one is destroyed."
        }
    };
    plan.diags.push(in_use(name, &users).hint(hint).at(by));
    Ok(())
}

/// An empty selector matches every machine, and is more often an empty variable than meant. Omni takes it, so a class that has it already,
/// as one of the official provider may, keeps it.
fn check_selectors(cx: &Cx, plan: &mut Plan<'_>) {
    let selectors = plan.planned.get("match_labels");
    let Some(index) = selectors.elements().iter().position(|selector| selects().run(selector).is_err()) else { return };
    let had = plan.prior.is_some_and(|prior| prior.get("match_labels") == selectors);
    // The first plan of a replacement has told.
    if plan.prior.is_none() && plan.replaced != Private::default() {
        return;
    }
    let told = Diagnostic::error(
        "The class would match every machine",
        format!("Selector {} of `match_labels` is empty and matches every machine, whatever its labels: machine sets would take any that is available.", index + 1),
    )
    .hint(
        "Check the variable that it comes from. For a class of all machines, write a label that each of them has: \
         `omni.sidero.dev/arch`.",
    )
    .at(Path::of("match_labels"));
    let told = match had {
        true => Diagnostic { severity: Severity::Warning, ..told },
        false => unless_destroying(cx, told),
    };
    plan.diags.push(told);
}

impl CosiObject for MachineClass {
    type Kinds = OneKind;
}
