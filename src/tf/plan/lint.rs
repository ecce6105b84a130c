//! What is wrong with a schema itself: hosts refuse a whole provider for one bad attribute.

use crate::tf::schema::{Attribute, Kind, Mode, Nesting, Schema};
use crate::tf::value::Type;
use std::collections::BTreeSet;

/// The problems of a schema; none for a good one.
#[must_use]
pub fn check_schema(schema: &Schema) -> Vec<String> {
    let mut problems = Vec::new();
    if schema.version < 0 {
        problems.push("the version is negative".to_owned());
    }
    prose("the schema", &schema.description, &mut problems);
    attributes(&schema.attributes, "", None, &mut problems);
    problems
}

/// What surrounds a nested attribute.
#[derive(Clone, Copy)]
struct Outer {
    computed: bool,
    set: bool,
}

fn attributes(all: &[Attribute], at: &str, outer: Option<Outer>, problems: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    for attribute in all {
        let path = format!("{at}{}", attribute.name);
        if !names.insert(attribute.name) {
            problems.push(format!("`{path}` is there twice"));
        }
        if !is_snake_case(attribute.name) {
            problems.push(format!("`{path}` is not snake_case"));
        }
        prose(&format!("`{path}`"), &attribute.description, problems);
        let computed = matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed);
        if attribute.default.is_some() && attribute.mode != Mode::OptionalComputed {
            problems.push(format!("`{path}` has a default, so it must be optional and computed"));
        }
        if attribute.write_only && computed {
            problems.push(format!("`{path}` is write-only, so it must not be computed"));
        }
        let in_set = outer.is_some_and(|o| o.set);
        if in_set && attribute.write_only {
            problems.push(format!("`{path}` is write-only inside a set"));
        }
        if in_set && has_dynamic(&attribute.value_type()) {
            problems.push(format!("`{path}` is dynamic inside a set"));
        }
        if outer.is_some_and(|o| o.computed) && attribute.mode != Mode::Computed {
            problems.push(format!("`{path}` must be computed, as what it is nested in is"));
        }
        match &attribute.kind {
            Kind::Plain(Type::Set(of)) if has_dynamic(of) => {
                problems.push(format!("`{path}` is a set of dynamic values"))
            }
            Kind::Plain(_) => {}
            Kind::Nested(nesting, nested) => {
                if nested.is_empty() {
                    problems.push(format!("`{path}` has no nested attributes"));
                }
                let outer =
                    Outer { computed: attribute.mode == Mode::Computed, set: in_set || *nesting == Nesting::Set };
                attributes(nested, &format!("{path}."), Some(outer), problems);
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

fn has_dynamic(ty: &Type) -> bool {
    match ty {
        Type::Dynamic => true,
        Type::List(t) | Type::Set(t) | Type::Map(t) => has_dynamic(t),
        Type::Tuple(all) => all.iter().any(has_dynamic),
        Type::Object(attributes, _) => attributes.values().any(has_dynamic),
        _ => false,
    }
}
