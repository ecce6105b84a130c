//! Reusable validators of configured values, run at validate and at plan time.
//! A check is called with known values only, never with null or unknown.
//! Elements of a collection may still be unknown, so a check of elements skips unknown ones.

use super::diag::{Diagnostic, Diagnostics};
use super::path::Path;
use super::value::Value;
use kit::text::{closest, quoted};
use std::sync::Arc;

/// The problem that a check found, as a sentence that does not name the attribute: the diagnostic points at it.
pub type Refusal = String;

type Run = dyn Fn(&Value) -> Result<(), Refusal> + Send + Sync;

/// A validator of one known value.
///
/// ```
/// use terraform_provider_omni::tf::check::{Check, one_of, whole_between};
///
/// let even = Check::by(|value| match value.as_i64() {
///     Some(n) if n % 2 == 0 => Ok(()),
///     _ => Err("The value must be even.".to_owned()),
/// });
/// assert!(even.run(&2.into()).is_ok());
/// assert!(whole_between(1, 5).run(&6.into()).is_err());
///
/// let refusal = one_of(&["controlplane", "worker"]).run(&"workers".into()).unwrap_err();
/// assert_eq!(refusal, "`workers` is not one of `controlplane`, `worker`. Did you mean `worker`?");
/// ```
#[derive(Clone)]
pub struct Check(Arc<Run>);

impl Check {
    /// A check of a value of any type.
    pub fn by(rule: impl Fn(&Value) -> Result<(), Refusal> + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// A check of a string; values of other types pass.
    pub fn text(rule: impl Fn(&str) -> Result<(), Refusal> + Send + Sync + 'static) -> Self {
        Self::by(move |v| v.as_str().map_or(Ok(()), &rule))
    }

    /// The same check of each element of a collection. The problem names the first element that has one.
    #[must_use]
    pub fn of_each(self) -> Self {
        Self::by(move |value| {
            for (index, item) in value.elements().iter().enumerate().filter(|(_, item)| item.is_set()) {
                self.run(item).map_err(|problem| format!("Element {index}: {problem}"))?;
            }
            Ok(())
        })
    }

    /// Checks a known value.
    ///
    /// # Errors
    /// With the problem, as a sentence.
    pub fn run(&self, value: &Value) -> Result<(), Refusal> {
        (self.0)(value)
    }
}

/// The string is one of these. The problem lists them, and suggests the closest one for a misspelling.
#[must_use]
pub fn one_of(allowed: &'static [&'static str]) -> Check {
    Check::text(move |text| {
        if allowed.contains(&text) {
            return Ok(());
        }
        let list = allowed.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", ");
        let meant = closest(text, allowed).map(|word| format!(" Did you mean `{word}`?")).unwrap_or_default();
        Err(format!("{} is not one of {list}.{meant}", quoted(text)))
    })
}

/// The string is not empty.
#[must_use]
pub fn not_empty() -> Check {
    Check::text(|text| if text.is_empty() { Err("The value must not be empty.".into()) } else { Ok(()) })
}

/// The number is an integer in this range; both bounds are allowed.
#[must_use]
pub fn whole_between(low: i64, high: i64) -> Check {
    Check::by(move |value| match value.as_i64() {
        Some(n) if (low..=high).contains(&n) => Ok(()),
        _ => Err(format!("The value must be a whole number from {low} to {high}.")),
    })
}

/// A rule over several attributes, named by their paths: `features.disk_encryption`.
/// An unknown attribute breaks no rule, since it may turn out to be null or set.
#[derive(Clone, Debug)]
pub enum Rule {
    /// Exactly one of them is set.
    ExactlyOne(&'static [&'static str]),
    /// At least one of them is set.
    AtLeastOne(&'static [&'static str]),
    /// At most one of them is set.
    AtMostOne(&'static [&'static str]),
    /// If the first is set, the second must be set.
    Needs(&'static str, &'static str),
}

impl Rule {
    /// Adds the problem to `broken` when the configuration breaks the rule.
    pub(super) fn run(&self, config: &Value, broken: &mut Broken) {
        match self {
            Self::ExactlyOne(names) => broken.one_set(names, true, config),
            Self::AtLeastOne(names) => broken.any_set(names, config),
            Self::AtMostOne(names) => broken.one_set(names, false, config),
            Self::Needs(name, other) => broken.needs(name, other, config),
        }
    }
}

/// The rules over several attributes that a configuration breaks.
/// One mistake often breaks several of them; it is reported once.
#[derive(Debug, Default)]
pub(super) struct Broken {
    /// What is set and needs what is not.
    needs: Vec<[String; 2]>,
    /// Of which one must be set, and none is.
    missing: Vec<Vec<String>>,
    /// Those of a rule, and those of them that are set together.
    conflicts: Vec<[Vec<String>; 2]>,
}

impl Broken {
    /// At most one of the attributes is set, and one is when it `must`.
    pub(super) fn one_set(&mut self, names: &[&str], must: bool, config: &Value) {
        let at = |name: &str| Path::of(name).lookup(config);
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let set: Vec<_> = names.iter().copied().filter(|n| at(n).is_set()).collect();
        if set.len() > 1 {
            self.conflicts.push([owned(names), owned(&set)]);
        } else if must && names.iter().all(|name| at(name).is_null()) {
            self.missing.push(owned(names));
        }
    }

    /// At least one of the attributes is set.
    fn any_set(&mut self, names: &[&str], config: &Value) {
        if names.iter().all(|name| Path::of(name).lookup(config).is_null()) {
            self.missing.push(names.iter().map(|name| (*name).to_owned()).collect());
        }
    }

    /// When the first attribute is set, the second must be.
    pub(super) fn needs(&mut self, name: &str, other: &str, config: &Value) {
        if Path::of(name).lookup(config).is_set() && Path::of(other).lookup(config).is_null() {
            self.needs.push([name.to_owned(), other.to_owned()]);
        }
    }

    /// Tells of each mistake.
    pub(super) fn tell(mut self, diags: &mut Diagnostics) {
        // An attribute that is missing for one that is set is missing for all of them.
        let mut wanted: Vec<String> = Vec::new();
        self.missing.dedup();
        for names in &self.missing {
            if self.needs.iter().flatten().any(|name| names.contains(name)) {
                continue;
            }
            diags.push(Diagnostic::error("Missing attribute", format!("One of {} must be set.", listed(names))));
            wanted.extend(names.iter().cloned());
        }
        for [name, other] in self.needs.iter().filter(|need| need.iter().all(|name| !wanted.contains(name))) {
            diags.push(
                Diagnostic::error("Missing attribute", format!("`{name}` needs `{other}` to be set."))
                    .hint(format!("Set `{other}`, or remove `{name}`."))
                    .at(Path::of(name)),
            );
        }
        while !self.conflicts.is_empty() {
            diags.push(next_conflict(&mut self.conflicts));
        }
    }
}

/// Takes the first conflict, and all others that end with it when one attribute is taken out.
fn next_conflict(conflicts: &mut Vec<[Vec<String>; 2]>) -> Diagnostic {
    let [names, set] = conflicts.remove(0);
    // The attribute that stands in the way of the most others.
    let count = |name: &String| conflicts.iter().filter(|[_, other]| other.contains(name)).count();
    let most = set.iter().max_by_key(|name| count(name)).filter(|name| count(name) > 0).cloned();
    let error = |detail: String, at: &str| Diagnostic::error("Conflicting attributes", detail).at(Path::of(at));
    if let Some(culprit) = most {
        let mut others: Vec<String> = set.into_iter().filter(|name| *name != culprit).collect();
        conflicts.retain(|[_, set]| {
            let same = set.contains(&culprit);
            if same {
                others.extend(set.iter().filter(|name| **name != culprit).cloned());
            }
            !same
        });
        let others = listed(&others);
        return error(format!("`{culprit}` cannot be set together with {others}."), &culprit)
            .hint(format!("Remove either `{culprit}` or {others}."));
    }
    let detail = format!("Only one of {} may be set", listed(&names));
    let detail =
        if set.len() == names.len() { format!("{detail}.") } else { format!("{detail}, and {} are.", listed(&set)) };
    error(detail, set.first().map(String::as_str).unwrap_or_default()).hint("Remove all but one.")
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mistake_gives_one_error() {
        const RULES: &[Rule] = &[
            Rule::ExactlyOne(&["cluster", "machine"]),
            Rule::AtMostOne(&["set", "member", "machine"]),
            Rule::Needs("set", "cluster"),
            Rule::Needs("member", "cluster"),
        ];
        for (set, expected) in [
            (&["cluster"][..], &[][..]),
            (&[], &[": One of `cluster`, `machine` must be set."]),
            (&["set"], &["set: `set` needs `cluster` to be set."]),
            (&["cluster", "machine"], &["cluster: Only one of `cluster`, `machine` may be set."]),
            (&["cluster", "set", "machine"], &["machine: `machine` cannot be set together with `cluster`, `set`."]),
            (
                &["cluster", "set", "member"],
                &["set: Only one of `set`, `member`, `machine` may be set, and `set`, `member` are."],
            ),
        ] {
            let config = Value::object(
                ["cluster", "machine", "set", "member"]
                    .map(|name| (name, if set.contains(&name) { Value::from("x") } else { Value::Null })),
            );
            let (mut broken, mut diags) = (Broken::default(), Diagnostics::new());
            RULES.iter().for_each(|rule| rule.run(&config, &mut broken));
            broken.tell(&mut diags);
            let said: Vec<_> =
                diags.iter().map(|d| format!("{}: {}", d.path.clone().unwrap_or_default(), d.detail)).collect();
            assert_eq!(said, expected, "{set:?}");
        }
    }

    /// The values that an attribute can have, by how much of it is known.
    fn completions(value: &Value) -> Vec<Value> {
        if value.is_unknown() { vec![Value::Null, "x".into()] } else { vec![value.clone()] }
    }

    fn refused(rule: &Rule, [a, b, c]: [&Value; 3]) -> bool {
        let config = Value::object([("a", a.clone()), ("b", b.clone()), ("c", c.clone())]);
        let (mut broken, mut diags) = (Broken::default(), Diagnostics::new());
        rule.run(&config, &mut broken);
        broken.tell(&mut diags);
        diags.has_errors()
    }

    #[test]
    fn a_rule_refuses_what_no_unknown_can_mend() {
        let values = [Value::Null, Value::UNKNOWN, "x".into()];
        for rule in [
            Rule::ExactlyOne(&["a", "b", "c"]),
            Rule::AtLeastOne(&["a", "b", "c"]),
            Rule::AtMostOne(&["a", "b", "c"]),
            Rule::Needs("a", "b"),
        ] {
            for (a, b, c) in values
                .iter()
                .flat_map(|a| values.iter().map(move |b| (a, b)))
                .flat_map(|(a, b)| values.iter().map(move |c| (a, b, c)))
            {
                let hopeless = completions(a)
                    .iter()
                    .all(|a| completions(b).iter().all(|b| completions(c).iter().all(|c| refused(&rule, [a, b, c]))));
                assert_eq!(refused(&rule, [a, b, c]), hopeless, "{rule:?}: {a:?}, {b:?}, {c:?}");
            }
        }
    }
}
