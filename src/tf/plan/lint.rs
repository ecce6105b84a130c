//! What is wrong with a schema itself: hosts refuse a whole provider for one bad attribute.

use crate::tf::check::Rule;
use crate::tf::schema::{Attribute, Kind, Mode, Nesting, Recompute, Replace, Schema};
use crate::tf::value::Type;
use crate::tf::wire;
use std::collections::BTreeSet;

/// Names that hosts keep for themselves in every resource and data source.
const RESERVED: &[&str] = &["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"];

/// The problems of a schema; none for a good one.
#[must_use]
pub fn check_schema(schema: &Schema) -> Vec<String> {
    let mut problems = Vec::new();
    if schema.version < 0 {
        problems.push("the version is negative".to_owned());
    }
    prose("the schema", &schema.description, &mut problems);
    for name in schema.attributes.iter().map(|a| a.name).filter(|name| RESERVED.contains(name)) {
        problems.push(format!("the name `{name}` belongs to the host"));
    }
    rules(schema, &mut problems);
    meanings(schema, &mut problems);
    problems.extend(schema.write_only.iter().flat_map(|secret| secret.problems(schema)));
    let top = schema.attributes.iter().map(|a| a.name).collect();
    attributes(&schema.attributes, "", Outer { computed: false, set: false, top: &top }, &mut problems);
    problems
}

/// What surrounds an attribute.
#[derive(Clone, Copy)]
struct Outer<'s> {
    computed: bool,
    set: bool,
    top: &'s BTreeSet<&'static str>,
}

fn attributes(all: &[Attribute], at: &str, outer: Outer<'_>, problems: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    for attribute in all {
        let path = format!("{at}{}", attribute.name);
        let mut says = |problem: &str| problems.push(format!("`{path}` {problem}"));
        if !names.insert(attribute.name) {
            says("is there twice");
        }
        if !is_snake_case(attribute.name) {
            says("is not snake_case");
        }
        if attribute.write_only && attribute.computed_mode() {
            says("is write-only, so it must not be computed");
        }
        if outer.set && attribute.write_only {
            says("is write-only inside a set");
        }
        if outer.computed && attribute.mode != Mode::Computed {
            says("must be computed, as what it is nested in is");
        }
        if !matches!(attribute.replace, Replace::Never) && (attribute.mode == Mode::Computed || attribute.write_only) {
            says("never shows a configured change, so it cannot replace anything");
        }
        if let Recompute::With(names) = attribute.recompute {
            for name in names.iter().filter(|name| !outer.top.contains(*name)) {
                says(&format!("is computed with `{name}`, which is no attribute at the top"));
            }
        }
        default(attribute, &mut says);
        if let Some(problem) = super::unset::problem(attribute) {
            says(&problem);
        }
        prose(&format!("`{path}`"), &attribute.description, problems);
        kind(attribute, &path, outer, problems);
    }
}

fn default(attribute: &Attribute, says: &mut dyn FnMut(&str)) {
    let Some(default) = &attribute.default else { return };
    if attribute.mode != Mode::OptionalComputed {
        says("has a default, so it must be optional and computed");
    }
    if default.is_null() || !default.is_wholly_known() {
        says("has a default that is no value");
    }
    if let Err(error) = wire::encode(default, &attribute.value_type()) {
        says(&format!("has a default of another type: {error}"));
    }
}

fn kind(attribute: &Attribute, path: &str, outer: Outer<'_>, problems: &mut Vec<String>) {
    match &attribute.kind {
        Kind::Plain(ty) => {
            if has_dynamic(ty, outer.set) {
                problems.push(format!("`{path}` is dynamic inside a set"));
            }
        }
        Kind::Nested(nesting, nested) => {
            if nested.is_empty() {
                problems.push(format!("`{path}` has no nested attributes"));
            }
            let computed = attribute.mode == Mode::Computed;
            let outer = Outer { computed, set: outer.set || *nesting == Nesting::Set, ..outer };
            attributes(nested, &format!("{path}."), outer, problems);
        }
    }
}

/// Texts that depend on others are there, and can be set.
fn meanings(schema: &Schema, problems: &mut Vec<String>) {
    for meaning in &schema.meanings {
        let mut steps = meaning.path.split('.');
        let first = steps.next().and_then(|step| schema.attribute(step));
        let found = steps.fold(first, |at, step| at.and_then(|a| a.nested().iter().find(|n| n.name == step)));
        if !found.is_some_and(|a| a.configurable() && a.value_type() == Type::String) {
            problems.push(format!("a meaning names `{}`, which is no text that can be set", meaning.path));
        }
    }
}

/// Rules name attributes that are there and can be set.
fn rules(schema: &Schema, problems: &mut Vec<String>) {
    for rule in &schema.rules {
        let names = match rule {
            Rule::ExactlyOne(names) | Rule::AtLeastOne(names) | Rule::AtMostOne(names) => names.to_vec(),
            Rule::Needs(name, other) => vec![*name, *other],
        };
        for name in names {
            let mut steps = name.split('.');
            let first = steps.next().and_then(|step| schema.attribute(step));
            let found = steps.fold(first, |at, step| at.and_then(|a| a.nested().iter().find(|n| n.name == step)));
            if !found.is_some_and(Attribute::configurable) {
                problems.push(format!("a rule names `{name}`, which cannot be set"));
            }
        }
    }
}

fn prose(what: &str, text: &str, problems: &mut Vec<String>) {
    if text.is_empty() {
        problems.push(format!("{what} has no description"));
    } else if !text.ends_with('.') {
        problems.push(format!("the description of {what} does not end with a full stop"));
    }
}

fn is_snake_case(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    name.bytes().next().is_some_and(|b| b.is_ascii_lowercase()) && name.bytes().all(inner)
}

/// Whether the type has a dynamic part inside a set; `set` says that it is inside one already.
fn has_dynamic(ty: &Type, set: bool) -> bool {
    match ty {
        Type::Dynamic => set,
        Type::Set(of) => has_dynamic(of, true),
        Type::List(of) | Type::Map(of) => has_dynamic(of, set),
        Type::Tuple(all) => all.iter().any(|of| has_dynamic(of, set)),
        Type::Object(attributes, _) => attributes.values().any(|of| has_dynamic(of, set)),
        Type::String | Type::Number | Type::Bool => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{object, objects, plain, string};
    use crate::tf::value::Value;

    fn named(name: &'static str) -> Attribute {
        string(name).doc("Text.")
    }

    #[test]
    fn each_problem_is_found() {
        let in_set = |attribute: Attribute| {
            let mut set = objects("set", vec![attribute.clone()]).doc("Set.");
            set.kind = Kind::Nested(Nesting::Set, vec![attribute]);
            set
        };
        let mut required = named("a").default("x");
        required.mode = Mode::Required;
        for (attribute, problem) in [
            (named("Bad"), "`Bad` is not snake_case"),
            (string("a"), "`a` has no description"),
            (string("a").doc("No stop"), "the description of `a` does not end with a full stop"),
            (named("count"), "the name `count` belongs to the host"),
            (named("a").computed().write_only(), "`a` is write-only, so it must not be computed"),
            (named("a").computed().replaces(), "`a` never shows a configured change, so it cannot replace anything"),
            (named("a").write_only().replaces(), "`a` never shows a configured change, so it cannot replace anything"),
            (named("a").computed().changes_with(&["b"]), "`a` is computed with `b`, which is no attribute at the top"),
            (required, "`a` has a default, so it must be optional and computed"),
            (named("a").default(Value::UNKNOWN), "`a` has a default that is no value"),
            (named("a").default(1), "`a` has a default of another type: expected text"),
            (named("a").initially(1), "`a` begins with a value of another type: expected text"),
            (named("a").initially(Value::Null), "`a` begins with what is no value"),
            (
                named("a").initially("x").default("y"),
                "`a` begins with a value, so it must be optional and computed, without a default",
            ),
            (object("a", vec![]).doc("A."), "`a` has no nested attributes"),
            (object("a", vec![named("b")]).computed().doc("A."), "`a.b` must be computed, as what it is nested in is"),
            (object("a", vec![named("b"), named("b")]).doc("A."), "`a.b` is there twice"),
            (in_set(named("a").write_only()), "`set.a` is write-only inside a set"),
            (in_set(plain("a", Type::list(Type::Dynamic)).doc("A.")), "`set.a` is dynamic inside a set"),
            (plain("a", Type::set(Type::map(Type::Dynamic))).doc("A."), "`a` is dynamic inside a set"),
        ] {
            assert_eq!(check_schema(&Schema::new("A thing.").with(attribute)), [problem]);
        }
    }

    #[test]
    fn rules_name_what_can_be_set() {
        let schema = || {
            Schema::new("A thing.")
                .with(named("a"))
                .with(object("o", vec![named("b"), named("c").computed()]).doc("O."))
        };
        let problems = |rule| check_schema(&schema().rule(rule)).join("; ");
        assert_eq!(problems(Rule::ExactlyOne(&["a", "o.b"])), "");
        assert_eq!(problems(Rule::Needs("a", "o.c")), "a rule names `o.c`, which cannot be set");
        assert_eq!(problems(Rule::AtMostOne(&["a", "o.d"])), "a rule names `o.d`, which cannot be set");
    }

    #[test]
    fn a_good_schema_has_no_problems() {
        let inner = vec![named("key").required(), plain("any", Type::Dynamic).doc("Any.")];
        let schema = Schema::new("A thing.")
            .with(named("name").required().replaces())
            .with(named("id").computed().stays())
            .with(named("hash").computed().changes_with(&["name"]))
            .with(named("secret_wo").write_only())
            .with(object("options", inner).doc("Options."));
        assert_eq!(check_schema(&schema), Vec::<String>::new());
    }
}
