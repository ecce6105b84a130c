//! The hosts' rules as properties over random schemas, configurations and prior states.
//! Separate code simulates the host, so that it shares no mistake with the plan logic.

use super::*;
use crate::tf::schema::{Mode, Nesting, Recompute, objects, string};
use proptest::prelude::*;
use proptest::strategy::Union;
use std::collections::BTreeMap;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn same_case(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// What surrounds an attribute.
#[derive(Clone, Copy)]
struct Place {
    /// How many levels may still be nested.
    depth: u32,
    /// Whether a set is around it.
    set: bool,
    /// Whether elements of sets have a key, so that nobody can mistake one for another.
    keyed: bool,
}

/// A random attribute.
fn attribute(name: &'static str, place: Place) -> BoxedStrategy<Attribute> {
    let Place { depth, set, keyed } = place;
    if set && keyed && name == "a" {
        return Just(string(name).required()).boxed();
    }
    let recompute = prop_oneof![
        Just(Recompute::OnAnyChange),
        Just(Recompute::Never),
        Just(Recompute::With(&["a"])),
        Just(Recompute::With(&["b", "c"])),
    ];
    let leaf = any::<bool>().prop_map(move |same| {
        let leaf = string(name);
        if same { leaf.same_if(same_case) } else { leaf }
    });
    let mut kinds = vec![(3, leaf.boxed())];
    if depth > 0 {
        for nesting in [Nesting::Single, Nesting::List, Nesting::Set, Nesting::Map] {
            let inner = nested(Place { depth: depth - 1, set: set || nesting == Nesting::Set, keyed });
            let nested = inner.prop_map(move |inner| {
                let mut attribute = objects(name, Vec::new());
                attribute.kind = Kind::Nested(nesting, inner);
                attribute
            });
            kinds.push((1, nested.boxed()));
        }
    }
    (Union::new_weighted(kinds), 0..6, recompute, any::<bool>())
        .prop_map(move |(mut attribute, mode, recompute, replaces)| {
            attribute.recompute = recompute;
            let leaf = attribute.nested().is_empty();
            match mode {
                0 => attribute.required(),
                1 if !leaf => all_computed(attribute),
                1 => attribute.computed(),
                2 => attribute.optional_computed(),
                3 if leaf => attribute.default("Dd"),
                4 if leaf && !set => attribute.write_only(),
                _ if replaces => attribute.replaces(),
                _ => attribute,
            }
        })
        .boxed()
}

fn nested(place: Place) -> BoxedStrategy<Vec<Attribute>> {
    let all = NAMES.map(|name| attribute(name, place));
    (all, 1usize..=3).prop_map(|(all, count)| all.into_iter().take(count).collect()).boxed()
}

fn all_computed(mut attribute: Attribute) -> Attribute {
    if let Kind::Nested(_, nested) = &mut attribute.kind {
        for inner in nested {
            let mut plain = all_computed(inner.clone());
            (plain.default, plain.write_only) = (None, false);
            *inner = plain;
        }
    }
    attribute.computed()
}

fn schema(keyed: bool) -> impl Strategy<Value = Schema> {
    let place = Place { depth: 2, set: false, keyed };
    NAMES.map(|name| attribute(name, place)).prop_map(|all| Schema::new("A thing.").with_all(all))
}

/// A random configuration.
fn config(attributes: &[Attribute], unknowns: bool) -> BoxedStrategy<Value> {
    let mut all: BoxedStrategy<BTreeMap<String, Value>> = Just(BTreeMap::new()).boxed();
    for attribute in attributes {
        let name = attribute.name;
        let known = match &attribute.kind {
            Kind::Plain(_) => "[abAB]".prop_map(Value::from).boxed(),
            Kind::Nested(nesting, nested) => {
                let key = nested.first().filter(|a| a.mode == Mode::Required && a.nested().is_empty());
                elements(*nesting, config(nested, unknowns), key.map(|a| a.name))
            }
        };
        let value = match attribute.mode {
            Mode::Computed => Just(Value::Null).boxed(),
            Mode::Required if unknowns => prop_oneof![4 => known, 1 => Just(Value::UNKNOWN)].boxed(),
            Mode::Required => known,
            _ if unknowns => prop_oneof![4 => known, 1 => Just(Value::UNKNOWN), 3 => Just(Value::Null)].boxed(),
            _ => prop_oneof![4 => known, 3 => Just(Value::Null)].boxed(),
        };
        all = (all, value)
            .prop_map(move |(mut all, value)| {
                all.insert(name.to_owned(), value);
                all
            })
            .boxed();
    }
    all.prop_map(Value::Object).boxed()
}

fn elements(nesting: Nesting, element: BoxedStrategy<Value>, key: Option<&'static str>) -> BoxedStrategy<Value> {
    if nesting == Nesting::Single {
        return element;
    }
    prop::collection::vec(element, 0..3)
        .prop_map(move |items| match nesting {
            Nesting::Map => Value::map(items.into_iter().enumerate().map(|(i, v)| (format!("k{i}"), v))),
            Nesting::Set => {
                let mut distinct: Vec<Value> = Vec::new();
                for item in items {
                    let alike = |other: &Value| key.map_or(*other == item, |key| other.get(key) == item.get(key));
                    if !distinct.iter().any(alike) {
                        distinct.push(item);
                    }
                }
                Value::Set(distinct)
            }
            _ => Value::List(items),
        })
        .boxed()
}

/// What a host proposes: the configuration, with prior values of computed attributes that are not set.
fn propose(attributes: &[Attribute], prior: &Value, config: &Value) -> Value {
    let object = |(attribute, given, before): (&Attribute, &Value, &Value)| match (&attribute.kind, given) {
        // A nested value with what only a configuration can have given is proposed as null.
        (_, Value::Null) if attribute.mode == Mode::OptionalComputed && configured(attribute, before) => Value::Null,
        (_, Value::Null) if attribute.computed_mode() => before.clone(),
        (Kind::Nested(_, nested), Value::Object(_)) => propose(nested, before, given),
        (Kind::Nested(_, nested), Value::List(items)) => {
            let before = |i| before.elements().get(i).unwrap_or(&Value::Null);
            Value::List(items.iter().enumerate().map(|(i, item)| propose_element(nested, before(i), item)).collect())
        }
        (Kind::Nested(_, nested), Value::Map(items)) => {
            let before = |key| before.entries().and_then(|m| m.get(key)).unwrap_or(&Value::Null);
            Value::map(items.iter().map(|(k, item)| (k.clone(), propose_element(nested, before(k), item))))
        }
        (Kind::Nested(_, nested), Value::Set(items)) => {
            // Elements that are still the same come first, so that the others cannot take their place.
            let (mut left, mut made) = (before.elements().to_vec(), Vec::new());
            let mut rest: Vec<&Value> = Vec::new();
            for item in items {
                match left.iter().position(|b| b == item) {
                    Some(i) => made.push(left.remove(i)),
                    None => rest.push(item),
                }
            }
            for item in rest {
                let found = left.iter().position(|b| covers(nested, item, b)).map(|i| left.remove(i));
                made.push(propose_element(nested, &found.unwrap_or(Value::Null), item));
            }
            // A host sorts sets by what is in them, and so after a merge in another order.
            made.reverse();
            Value::Set(made)
        }
        _ => given.clone(),
    };
    Value::object(attributes.iter().map(|a| (a.name, object((a, config.get(a.name), prior.get(a.name))))))
}

/// Whether a nested value holds anything, at any depth, that no provider can have computed.
fn configured(attribute: &Attribute, value: &Value) -> bool {
    let object = |object: &Value| {
        attribute.nested().iter().any(|a| {
            let value = object.get(a.name);
            !value.is_null() && (!a.computed_mode() || configured(a, value))
        })
    };
    match value {
        Value::List(items) | Value::Set(items) => items.iter().any(object),
        Value::Map(items) => items.values().any(object),
        other => object(other),
    }
}

fn propose_element(nested: &[Attribute], before: &Value, item: &Value) -> Value {
    if matches!(item, Value::Object(_)) { propose(nested, before, item) } else { item.clone() }
}

/// Whether a prior value is what a configured one became.
fn covers(nested: &[Attribute], given: &Value, before: &Value) -> bool {
    nested.iter().all(|a| {
        let (given, before) = (given.get(a.name), before.get(a.name));
        let all = |given: &[Value], before: &[Value]| {
            given.len() == before.len() && given.iter().zip(before).all(|(g, b)| covers(a.nested(), g, b))
        };
        match (given, before) {
            (Value::Null, _) if a.computed_mode() => true,
            (Value::Object(_), Value::Object(_)) => covers(a.nested(), given, before),
            (Value::List(given), Value::List(before)) => all(given, before),
            (Value::Map(g), Value::Map(b)) => {
                let values = |m: &BTreeMap<String, Value>| m.values().cloned().collect::<Vec<_>>();
                g.keys().eq(b.keys()) && all(&values(g), &values(b))
            }
            (Value::Set(given), Value::Set(before)) => {
                given.len() == before.len()
                    && given.iter().all(|g| before.iter().any(|b| g == b || covers(a.nested(), g, b)))
            }
            _ => given == before,
        }
    })
}

/// What a provider would make of a plan.
fn apply(attributes: &[Attribute], planned: &Value) -> Value {
    let member = |a: &Attribute| match planned.get(a.name) {
        known if known.is_wholly_known() => known.clone(),
        value => match &a.kind {
            Kind::Plain(_) => "Made".into(),
            Kind::Nested(nesting, nested) => apply_nested(*nesting, nested, value),
        },
    };
    Value::object(attributes.iter().map(|a| (a.name, if a.write_only { Value::Null } else { member(a) })))
}

fn apply_nested(nesting: Nesting, nested: &[Attribute], value: &Value) -> Value {
    let all = |items: &[Value]| items.iter().map(|item| apply(nested, item)).collect();
    match (value, nesting) {
        (Value::List(items), _) => Value::List(all(items)),
        (Value::Set(items), _) => Value::Set(all(items)),
        (Value::Map(items), _) => Value::map(items.iter().map(|(k, v)| (k.clone(), apply(nested, v)))),
        (Value::Object(_), _) => apply(nested, value),
        (_, Nesting::Single) => apply(nested, &unknown_object(nested)),
        (_, Nesting::List) => Value::List(vec![apply(nested, &unknown_object(nested))]),
        (_, Nesting::Set) => Value::Set(vec![apply(nested, &unknown_object(nested))]),
        (_, Nesting::Map) => Value::Map([("k0".to_owned(), apply(nested, &unknown_object(nested)))].into()),
    }
}

fn unknown_object(nested: &[Attribute]) -> Value {
    Value::object(nested.iter().map(|a| (a.name, Value::UNKNOWN)))
}

/// A configuration that says what is there already: computed values are left out or, where allowed, repeated.
fn derived(attributes: &[Attribute], state: &Value, written: &Value, repeat: bool) -> Value {
    let member = |a: &Attribute| {
        let (value, written) = (state.get(a.name), written.get(a.name));
        match a.mode {
            Mode::Computed => Value::Null,
            _ if a.write_only => written.clone(),
            Mode::OptionalComputed if written.is_null() && !repeat => Value::Null,
            _ => match (&a.kind, value, written) {
                (Kind::Nested(_, nested), Value::Object(_), _) => derived(nested, value, written, repeat),
                (Kind::Nested(_, nested), Value::List(items), _) => {
                    let written = |i| written.elements().get(i).unwrap_or(&Value::Null);
                    Value::List(items.iter().enumerate().map(|(i, v)| derived(nested, v, written(i), repeat)).collect())
                }
                (Kind::Nested(_, nested), Value::Map(items), _) => {
                    let written = |k| written.entries().and_then(|m| m.get(k)).unwrap_or(&Value::Null);
                    Value::map(items.iter().map(|(k, v)| (k.clone(), derived(nested, v, written(k), repeat))))
                }
                // Elements that differ in computed values alone would be one in a configuration.
                (Kind::Nested(_, nested), Value::Set(items), _) => {
                    Value::Set(items.iter().map(|v| derived(nested, v, &Value::Null, true)).collect())
                }
                _ => value.clone(),
            },
        }
    };
    Value::object(attributes.iter().map(|a| (a.name, member(a))))
}

/// The rules by which hosts judge a plan.
fn legal(attributes: &[Attribute], prior: &Value, config: &Value, planned: &Value) -> Result<(), String> {
    for attribute in attributes {
        let (given, plan, before) =
            (config.get(attribute.name), planned.get(attribute.name), prior.get(attribute.name));
        let explain = || format!("`{}`: planned {plan:?} for {given:?}, was {before:?}", attribute.name);
        if attribute.write_only {
            if !plan.is_null() {
                return Err(explain());
            }
            continue;
        }
        if given.is_null() {
            if !plan.is_null() && !attribute.computed_mode() {
                return Err(explain());
            }
            continue;
        }
        let below = |before: &Value, given: &Value, plan: &Value| match &attribute.kind {
            Kind::Nested(_, nested) if matches!(given, Value::Object(_)) => legal(nested, before, given, plan),
            _ => {
                let kept = !before.is_null() && plan == before;
                if plan == given || kept { Ok(()) } else { Err(explain()) }
            }
        };
        match (&attribute.kind, given, plan) {
            (Kind::Nested(..), Value::List(items), Value::List(plans)) if items.len() == plans.len() => {
                for (i, (item, plan)) in items.iter().zip(plans).enumerate() {
                    below(before.elements().get(i).unwrap_or(&Value::Null), item, plan)?;
                }
            }
            (Kind::Nested(..), Value::Map(items), Value::Map(plans)) if items.keys().eq(plans.keys()) => {
                for (key, item) in items {
                    let before = before.entries().and_then(|m| m.get(key)).unwrap_or(&Value::Null);
                    below(before, item, plans.get(key).unwrap_or(&Value::Null))?;
                }
            }
            // Hosts only count the elements of a set; each must still be what somebody asked for.
            (Kind::Nested(..), Value::Set(items), Value::Set(plans)) if items.len() == plans.len() => {
                let mut befores: Vec<&Value> = before.elements().iter().collect();
                befores.push(&Value::Null);
                for plan in plans {
                    if !items.iter().any(|item| befores.iter().any(|before| below(before, item, plan).is_ok())) {
                        return Err(explain());
                    }
                }
            }
            (Kind::Nested(..), Value::List(_) | Value::Map(_) | Value::Set(_), _) => return Err(explain()),
            _ => below(before, given, plan)?,
        }
    }
    Ok(())
}

/// Every path of a replacement leads somewhere in the prior state or in the plan.
fn leads_somewhere(prior: &Value, planned: &Planned) -> bool {
    planned.replace.iter().all(|path| !path.lookup(prior).is_null() || !path.lookup(&planned.state).is_null())
}

fn create(schema: &Schema, config: &Value) -> Planned {
    plan(schema, None, &propose(&schema.attributes, &Value::Null, config), config, None)
}

fn update(schema: &Schema, prior: &Value, config: &Value) -> Planned {
    plan(schema, Some(prior), &propose(&schema.attributes, prior, config), config, None)
}

/// A schema, what was applied first, and what is planned next.
fn cases(unknowns: bool, keyed: bool) -> impl Strategy<Value = (Schema, Value, Value)> {
    schema(keyed).prop_flat_map(move |schema| {
        let (first, second) = (config(&schema.attributes, false), config(&schema.attributes, unknowns));
        (Just(schema), first, second)
    })
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.attributes.fmt(f)
    }
}

impl std::fmt::Debug for Attribute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nesting = match &self.kind {
            Kind::Plain(_) => None,
            Kind::Nested(nesting, nested) => Some((nesting, nested)),
        };
        let flags = (self.mode, self.recompute, self.same.is_some(), self.default.is_some(), self.write_only);
        write!(f, "{} {flags:?} {nesting:?}", self.name)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_keeps_the_hosts_rules((schema, first, second) in cases(true, false)) {
        let created = create(&schema, &first);
        prop_assert_eq!(legal(&schema.attributes, &Value::Null, &first, &created.state), Ok(()));
        prop_assert!(created.replace.is_empty());
        let state = apply(&schema.attributes, &created.state);
        let planned = update(&schema, &state, &second);
        prop_assert_eq!(legal(&schema.attributes, &state, &second, &planned.state), Ok(()));
        prop_assert!(leads_somewhere(&state, &planned), "{:?}", planned.replace);
        prop_assert_eq!(planned.changed.is_empty(), planned.state == state);
        prop_assert!(wire_round(&schema, &planned.state), "the plan must be of the schema's type");
    }

    #[test]
    fn a_configuration_that_says_what_is_there_plans_nothing((schema, first, _) in cases(false, false), repeat in any::<bool>()) {
        let state = apply(&schema.attributes, &create(&schema, &first).state);
        let config = derived(&schema.attributes, &state, &first, repeat);
        let planned = update(&schema, &state, &config);
        prop_assert_eq!(&planned.state, &state);
        prop_assert!(planned.changed.is_empty() && planned.replace.is_empty());
    }

    #[test]
    fn applying_a_plan_comes_to_rest((schema, first, second) in cases(false, true)) {
        let state = apply(&schema.attributes, &create(&schema, &first).state);
        let after = apply(&schema.attributes, &update(&schema, &state, &second).state);
        let again = update(&schema, &after, &second);
        prop_assert_eq!(&again.state, &after);
    }
}

fn wire_round(schema: &Schema, value: &Value) -> bool {
    let ty = schema.object_type();
    let read = crate::tf::wire::encode(value, &ty).and_then(|bytes| crate::tf::wire::decode(Some(&bytes), &ty));
    read.is_ok_and(|read| &read == value)
}
