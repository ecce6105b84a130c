//! Whether a machine class has the machines that a set is to get: Omni takes a size that no machine fills, and waits.

use super::resource::machines;
use crate::omni::spec::Spec;
use crate::omni::state::query::{LabelQuery, Query};
use crate::omni::{Error, labels};
use crate::provider::engine::Cx;
use crate::provider::ledger::ObjectKey;
use crate::provider::view;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::value::Value;
use omni_proto::specs::{MachineClassSpec, MachineLabelsSpec, MachineSetNodeSpec, MachineStatusSpec};
use std::collections::BTreeMap;

/// Label of a machine: no cluster has it.
const AVAILABLE: &str = "omni.sidero.dev/available";

/// Warns of a set that is to get more machines of a class than match it.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn check(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    // The plan has said it; each plan of an apply would list all machines again.
    if cx.session.ledger.is_applying() {
        return Ok(());
    }
    let class = plan.planned.get("machine_class");
    let (Some(name), Some(wanted)) = (class.get("name").as_str(), machines(class).filter(|wanted| *wanted > 0)) else {
        return Ok(());
    };
    let kept = plan.prior.filter(|_| plan.replace.is_empty());
    if kept.is_some_and(|prior| needs_no_more(prior.get("machine_class"), class, wanted)) {
        return Ok(());
    }
    let Some(matching) = matching(cx, name).await? else { return Ok(()) };
    // What a replacement releases can be allocated again.
    let there = match plan.prior {
        Some(prior) => members(cx, prior).await?,
        None => 0,
    };
    let wanted = wanted as usize;
    if there + matching >= wanted {
        return Ok(());
    }
    let has = if there > 0 { format!(" The set has {there} already.") } else { String::new() };
    let told = Diagnostic::warning(
        format!("Not enough machines match machine class `{name}`"),
        format!(
            "The set is to have {wanted} machines, and the number of available machines that match the class is {matching}.{has} \
             Omni allocates the others once machines match, and the set is not ready before."
        ),
    )
    .hint("Check the selectors of the class against the labels of the machines, which the data source `omni_machines` lists, or reduce `size`.")
    .at(Path::of("machine_class.size"));
    plan.diags.push(told);
    Ok(())
}

/// Whether a set that has had `before` asks for nothing more: what it lacks was told then.
fn needs_no_more(before: &Value, after: &Value, wanted: u32) -> bool {
    before.get("name") == after.get("name") && machines(before).is_none_or(|had| had >= wanted)
}

/// What keeps a set from its size where no further machine matches its class, as a sentence.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn obstacle(cx: &Cx, set: &Value) -> Result<Option<String>, Error> {
    let class = set.get("machine_class");
    let (Some(name), Some(wanted)) = (class.get("name").as_str(), machines(class)) else { return Ok(None) };
    let there = members(cx, set).await?;
    if there >= wanted as usize || matching(cx, name).await? != Some(0) {
        return Ok(None);
    }
    Ok(Some(format!(
        "Machine class `{name}` has given {there} of {wanted} machines, and no further available machine matches it."
    )))
}

/// How many machines the set has.
async fn members(cx: &Cx, set: &Value) -> Result<usize, Error> {
    let text = |name: &str| set.get(name).as_str().unwrap_or_default();
    let query = view::of_set(text("cluster"), text("id"));
    Ok(view::list(cx, MachineSetNodeSpec::KIND, &query).await?.len())
}

/// How many available machines match the class, with the labels that this run gives them; `None` where that is not known.
async fn matching(cx: &Cx, class: &str) -> Result<Option<usize>, Error> {
    let Some(selectors) = selectors(cx, class).await? else { return Ok(None) };
    let available = Query::from(LabelQuery::new().exists(AVAILABLE).absent(labels::NO_MANUAL_ALLOCATION));
    let Some(available) = view::listed_by_plans(cx, MachineStatusSpec::KIND, &available).await? else {
        return Ok(None);
    };
    let given: BTreeMap<String, Value> =
        cx.session.ledger.all_planned(MachineLabelsSpec::KIND.name).into_iter().collect();
    let is_selected =
        |labels: &BTreeMap<String, String>| selectors.iter().any(|selector| selector.takes_labels(labels));
    let matches = |id: &str, labels: &BTreeMap<String, String>| {
        let Some(state) = given.get(id) else { return is_selected(labels) };
        let mut all = labels.clone();
        for own in ["labels", "provider_labels"] {
            let own = state.get(own).entries().into_iter().flatten();
            all.extend(own.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))));
        }
        is_selected(&all)
    };
    Ok(Some(available.iter().filter(|(key, metadata)| matches(&key.id, &metadata.labels)).count()))
}

/// What the class selects by, as this run leaves it; `None` if that is not known, or it selects nothing.
async fn selectors(cx: &Cx, class: &str) -> Result<Option<Vec<Query>>, Error> {
    let texts: Vec<String> = match cx.session.ledger.planned(&ObjectKey::from(&MachineClassSpec::KIND.key(class))) {
        Some(planned) => {
            let selectors = planned.get("match_labels");
            if !selectors.is_wholly_known() {
                return Ok(None);
            }
            selectors.elements().iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
        }
        None => view::spec::<MachineClassSpec>(cx, class).await?.map(|class| class.match_labels).unwrap_or_default(),
    };
    // One that cannot be read here may match in Omni.
    let parsed: Option<Vec<Query>> = texts.iter().map(|text| Query::parse_selector(text).ok()).collect();
    Ok(parsed.filter(|selectors| !selectors.is_empty()))
}
