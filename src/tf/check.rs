//! Reusable checks of configured values, run at validate and plan time.
//! A check sees known values only; null and unknown are never handed to it.
//! What a collection holds may still be unknown, so a check of its elements passes over unknown ones.

use super::diag::{Diagnostic, Diagnostics};
use super::path::Path;
use super::value::Value;
use std::sync::Arc;

/// What a check says of a value it refuses: the problem as a sentence, without naming the attribute.
pub type Refusal = String;

type Run = dyn Fn(&Value) -> Result<(), Refusal> + Send + Sync;

/// A check of one known value.
#[derive(Clone)]
pub struct Check(Arc<Run>);

impl Check {
    /// A check by any rule.
    pub fn by(rule: impl Fn(&Value) -> Result<(), Refusal> + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// A check of text by any rule.
    pub fn text(rule: impl Fn(&str) -> Result<(), Refusal> + Send + Sync + 'static) -> Self {
        Self::by(move |v| v.as_str().map_or(Ok(()), &rule))
    }

    /// Whether the value passes.
    ///
    /// # Errors
    /// With the problem, when it does not.
    pub fn run(&self, value: &Value) -> Result<(), Refusal> {
        (self.0)(value)
    }
}

/// The text is one of these.
#[must_use]
pub fn one_of(allowed: &'static [&'static str]) -> Check {
    Check::text(move |text| {
        if allowed.contains(&text) {
            return Ok(());
        }
        let list = allowed.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", ");
        Err(format!("`{text}` is not one of {list}."))
    })
}

/// The text is not empty.
#[must_use]
pub fn not_empty() -> Check {
    Check::text(|text| if text.is_empty() { Err("The value must not be empty.".into()) } else { Ok(()) })
}

/// The number is whole and lies in this range.
#[must_use]
pub fn whole_between(low: i64, high: i64) -> Check {
    Check::by(move |value| match value.as_i64() {
        Some(n) if (low..=high).contains(&n) => Ok(()),
        _ => Err(format!("The value must be a whole number from {low} to {high}.")),
    })
}

/// A rule over several attributes, named by their paths.
#[derive(Clone, Debug)]
pub enum Rule {
    /// Exactly one of them is set.
    ExactlyOne(&'static [&'static str]),
    /// At most one of them is set.
    AtMostOne(&'static [&'static str]),
    /// When the first is set, the second must be.
    Needs(&'static str, &'static str),
}

impl Rule {
    /// Runs the rule; attributes that are not known yet are given the benefit of the doubt.
    pub fn run(&self, config: &Value, diags: &mut Diagnostics) {
        match self {
            Self::ExactlyOne(names) => one_set(names, true, config, diags),
            Self::AtMostOne(names) => one_set(names, false, config, diags),
            Self::Needs(name, other) => needs(name, other, config, diags),
        }
    }
}

/// At most one of the attributes is set, and one is when it `must`.
pub(super) fn one_set(names: &[&str], must: bool, config: &Value, diags: &mut Diagnostics) {
    let at = |name: &str| Path::of(name).lookup(config).clone();
    let set: Vec<_> = names.iter().filter(|n| at(n).is_set()).collect();
    let maybe = names.iter().any(|n| at(n).is_unknown());
    let list = names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    if set.len() > 1 {
        for name in set {
            diags.push(
                Diagnostic::error("Conflicting attributes", format!("Only one of {list} may be set."))
                    .at(Path::of(name)),
            );
        }
    } else if set.is_empty() && !maybe && must {
        diags.push(Diagnostic::error("Missing attribute", format!("One of {list} must be set.")));
    }
}

/// When the first attribute is set, the second must be.
pub(super) fn needs(name: &str, other: &str, config: &Value, diags: &mut Diagnostics) {
    let at = |name: &str| Path::of(name).lookup(config).clone();
    if at(name).is_set() && at(other).is_null() {
        diags.push(
            Diagnostic::error("Missing attribute", format!("`{name}` needs `{other}` to be set.")).at(Path::of(name)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that an attribute can have, by how much of it is known.
    fn completions(value: &Value) -> Vec<Value> {
        if value.is_unknown() { vec![Value::Null, "x".into()] } else { vec![value.clone()] }
    }

    fn refused(rule: &Rule, [a, b, c]: [&Value; 3]) -> bool {
        let config = Value::object([("a", a.clone()), ("b", b.clone()), ("c", c.clone())]);
        let mut diags = Diagnostics::new();
        rule.run(&config, &mut diags);
        diags.has_errors()
    }

    #[test]
    fn a_rule_refuses_what_no_unknown_can_mend() {
        let values = [Value::Null, Value::UNKNOWN, "x".into()];
        for rule in [Rule::ExactlyOne(&["a", "b", "c"]), Rule::AtMostOne(&["a", "b", "c"]), Rule::Needs("a", "b")] {
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
