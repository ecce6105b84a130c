//! Objects whose id is `<weight>-<target>-<name>`, or one that was given: config patches and Kubernetes manifests.
//! An id that was made by other rules, such as those of cluster templates, is kept.

use crate::omni::labels;
use crate::provider::engine::{Bind, KeyCodec, Row};
use crate::provider::naming;
use crate::tf::check::{not_empty, whole_between};
use crate::tf::resource::Plan;
use crate::tf::schema::{number, string};
use crate::tf::value::Value;
use kit::text::quoted;

const WEIGHT: i64 = 400;

/// A type with such ids.
pub(crate) trait Weighted {
    /// The object in words: `patch`.
    const WORD: &'static str;
    /// What the weight is for.
    const ABOUT_WEIGHT: &'static str;
    /// The top-level attributes that an id is made of.
    const ID_PARTS: &'static [&'static str];

    /// The id of what the object is for.
    fn target(state: &Value) -> Option<String>;
}

/// Its id, name, weight, and the id to use instead.
pub(crate) fn rows<W: Weighted>() -> [Row; 4] {
    let word = W::WORD;
    [
        string("id").computed().stays().doc(format!("ID of the {word}: `<weight>-<target>-<name>`, or `id_override`.")).id().reading("ID, which begins with the weight."),
        string("name").required().replaces().check(not_empty()).doc(format!("Name of the {word}.")).annotation(labels::NAME, KeyCodec::Text),
        number("weight").default(WEIGHT).replaces().check(whole_between(0, 999)).doc(W::ABOUT_WEIGHT).derived(),
        string("id_override").remains("The object keeps the ID that it was created with.").replaces().check(not_empty()).doc(format!(
            "ID to use instead of the one built from `weight`, target and `name`, for a {word} that was not created by Terraform, such as one of a cluster template. \
             An import sets it if the ID does not follow this rule. While the configuration sets it, changes of `name`, `weight` and the target do not force replacement."
        )).derived(),
    ]
}

/// The id by the rule, whatever `id_override` says.
fn composed<W: Weighted>(state: &Value) -> Option<String> {
    let weight = state.get("weight").as_i64().unwrap_or(WEIGHT);
    Some(naming::config_patch(weight, &W::target(state)?, state.get("name").as_str()?))
}

/// The id that a state asks for; `None` while what it is made of is not known.
pub(crate) fn id<W: Weighted>(state: &Value) -> Option<String> {
    if !W::ID_PARTS.iter().all(|part| state.get(part).is_wholly_known()) {
        return None;
    }
    state.get("id_override").as_str().map(str::to_owned).or_else(|| composed::<W>(state))
}

/// Plans the id of a new object. The weight only makes up an id: one that is given has no use for it, and a weight that nobody asks
/// for stays what it is, as an import has read it from the id.
pub(crate) fn plan_id<W: Weighted>(plan: &mut Plan<'_>) {
    if let Some(prior) = plan.prior.filter(|_| plan.replace.is_empty()) {
        if plan.config.get("id_override").is_set() && plan.config.get("weight").is_null() {
            plan.planned.set("weight", prior.get("weight").clone());
        }
        return;
    }
    // What an import has filled in belongs to the object that was imported.
    if plan.config.get("id_override").is_null() {
        plan.planned.set("id_override", Value::Null);
    }
    let id = id::<W>(&plan.planned);
    plan.planned.set("id", id.map_or(Value::UNKNOWN, Value::from));
}

/// Whether a configuration leaves an object its id: it names that id, or changes nothing of what ids are made of.
pub(crate) fn keeps_id<W: Weighted>(prior: &Value, given: &Value) -> bool {
    if !W::ID_PARTS.iter().all(|part| given.get(part).is_wholly_known()) {
        return false;
    }
    match given.get("id_override").as_str() {
        Some(id) => prior.get("id").as_str() == Some(id),
        None => composed::<W>(given).is_some_and(|id| composed::<W>(&read_by(prior, given)) == Some(id)),
    }
}

/// The state, with what the configuration says in the place of what an import could only guess: nothing in Omni tells the name
/// of an object whose id does not follow the rule, nor the weight where the id begins with none.
fn read_by(prior: &Value, given: &Value) -> Value {
    let mut read = prior.clone();
    let Some(id) = prior.get("id_override").as_str() else { return read };
    let (weight, tail) = split(id);
    if weight.is_none() {
        read.set("weight", given.get("weight").clone());
    }
    if prior.get("name").as_str() == Some(tail) {
        read.set("name", given.get("name").clone());
    }
    read
}

/// Fills in what an id says: weight, name, and whether it follows the rule.
pub(crate) fn derive<W: Weighted>(id: &str, prior: &Value, shown: &mut Value) {
    let (weight, tail) = split(id);
    let weight = prior.get("weight").as_i64().or(weight).unwrap_or(WEIGHT);
    shown.set("weight", weight.into());
    if shown.get("name").as_str().is_none_or(str::is_empty) {
        let name = W::target(shown).and_then(|target| name_in(tail, &target).map(str::to_owned));
        shown.set("name", name.unwrap_or_else(|| tail.to_owned()).into());
    }
    // Data sources have no use for it.
    if shown.entries().is_none_or(|all| !all.contains_key("id_override")) {
        return;
    }
    let told = prior.get("id_override").as_str() == Some(id);
    if told || composed::<W>(shown).as_deref() != Some(id) {
        shown.set("id_override", id.into());
    }
}

/// Why nothing can have this id.
pub(crate) fn about_id(id: &str) -> Option<String> {
    let (weight, _) = split(id);
    weight.is_none().then(|| format!("{} does not begin with a weight of three digits.", quoted(id)))
}

/// The name that is left of an id without its weight: some tools put a word in front of the target.
fn name_in<'i>(tail: &'i str, target: &str) -> Option<&'i str> {
    let rest = ["", "cluster-", "cm-"].iter().find_map(|word| tail.strip_prefix(word)?.strip_prefix(target))?;
    rest.strip_prefix('-').filter(|name| !name.is_empty())
}

/// The weight that an id begins with, and the rest of it.
fn split(id: &str) -> (Option<i64>, &str) {
    match id.split_once('-') {
        Some((weight, rest)) if weight.len() == 3 && weight.bytes().all(|b| b.is_ascii_digit()) => {
            (weight.parse().ok(), rest)
        }
        _ => (None, id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_follows_the_target() {
        for (tail, target, expected) in [
            ("prod-x", "prod", Some("x")),
            ("cluster-prod-x", "prod", Some("x")),
            ("cm-0000-install-disk", "0000", Some("install-disk")),
            ("other-x", "prod", None),
            ("prod", "prod", None),
            ("prod-", "prod", None),
        ] {
            assert_eq!(name_in(tail, target), expected, "{tail}");
        }
    }

    #[test]
    fn ids_are_taken_apart() {
        for (id, weight, rest) in [
            ("400-prod-x", Some(400), "prod-x"),
            ("040-x", Some(40), "x"),
            ("1000-x", None, "1000-x"),
            ("x", None, "x"),
        ] {
            assert_eq!(split(id), (weight, rest), "{id}");
        }
    }
}
