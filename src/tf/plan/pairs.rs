//! Pairs the elements of two nested values.
//! Elements of lists pair by position, of maps by key, and of sets by their configured attributes.

use crate::tf::schema::{Attribute, Nesting};
use crate::tf::value::Value;
use kit::gather::Gather as _;
use std::collections::BTreeSet;

const NULL: &Value = &Value::Null;

/// Visits each object of a nested `value` together with the objects of `others` that belong to it; null stands for none.
pub(super) fn visit<const N: usize>(
    nesting: Nesting,
    nested: &[Attribute],
    others: [&Value; N],
    value: &mut Value,
    each: &mut dyn FnMut([&Value; N], &mut Value),
) {
    match (nesting, value) {
        (Nesting::Single, object @ Value::Object(_)) => each(others, object),
        (Nesting::List, Value::List(items)) => {
            for (i, item) in items.iter_mut().enumerate() {
                each(others.map(|other| other.elements().get(i).unwrap_or(NULL)), item);
            }
        }
        (Nesting::Map, Value::Map(items)) => {
            for (key, item) in items {
                each(others.map(|other| other.entries().and_then(|m| m.get(key)).unwrap_or(NULL)), item);
            }
        }
        (Nesting::Set, Value::Set(items)) => {
            let partners = others.map(|other| partners(nested, items, other.elements()));
            for (i, item) in items.iter_mut().enumerate() {
                let mut own = [NULL; N];
                for ((slot, other), partners) in own.iter_mut().zip(others).zip(&partners) {
                    *slot = partners.get(i).copied().flatten().and_then(|j| other.elements().get(j)).unwrap_or(NULL);
                }
                each(own, item);
            }
        }
        _ => {}
    }
}

/// For each element of a set, the position of its partner among `others`; no partner is given away twice.
/// Equal elements find each other first, or two that merely agree might take them apart.
pub(super) fn partners(nested: &[Attribute], items: &[Value], others: &[Value]) -> Vec<Option<usize>> {
    let mut free: BTreeSet<usize> = (0..others.len()).gathered();
    let mut found = vec![None; items.len()];
    for exactly in [true, false] {
        let matches = |a: &Value, b: &Value| if exactly { a == b } else { agree(nested, a, b) };
        for (item, slot) in items.iter().zip(&mut found).filter(|(_, slot)| slot.is_none()) {
            *slot = free.iter().copied().find(|j| others.get(*j).is_some_and(|other| matches(item, other)));
            if let Some(j) = *slot {
                free.remove(&j);
            }
        }
    }
    found
}

/// Whether two objects may be the same one: what the configuration gives is alike, and what it leaves to the provider does not count.
fn agree(nested: &[Attribute], one: &Value, other: &Value) -> bool {
    let (Value::Object(_), Value::Object(_)) = (one, other) else { return false };
    nested.iter().filter(|a| a.configurable() && !a.write_only).all(|attribute| {
        let (a, b) = (one.get(attribute.name), other.get(attribute.name));
        if a == b || (attribute.computed_mode() && (a.is_null() || b.is_null())) {
            return true;
        }
        let deep = attribute.nested();
        match (a, b, attribute.same) {
            (Value::String(a), Value::String(b), Some(same)) => same(a, b),
            (Value::Object(_), Value::Object(_), _) => agree(deep, a, b),
            (Value::List(a), Value::List(b), _) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(deep, a, b))
            }
            (Value::Map(a), Value::Map(b), _) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| agree(deep, a, b)))
            }
            (Value::Set(a), Value::Set(b), _) => a.len() == b.len() && partners(deep, a, b).iter().all(Option::is_some),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::string;

    fn nested() -> Vec<Attribute> {
        vec![string("text").same_if(|a, b| a.eq_ignore_ascii_case(b)), string("id").computed()]
    }

    fn item(text: &str, id: &str) -> Value {
        Value::object([("text", Value::from(text)), ("id", Some(id).filter(|id| !id.is_empty()).into())])
    }

    #[test]
    fn elements_of_sets_find_each_other_by_what_they_hold() {
        for (items, others, expected) in [
            (vec![item("b", ""), item("a", "")], vec![item("a", "1"), item("b", "2")], vec![Some(1), Some(0)]),
            // `A` would take `a` away if equal elements did not go first.
            (vec![item("A", "1"), item("a", "1")], vec![item("a", "1")], vec![None, Some(0)]),
            (vec![item("A", ""), item("c", "")], vec![item("b", "1"), item("a", "1")], vec![Some(1), None]),
        ] {
            assert_eq!(partners(&nested(), &items, &others), expected);
        }
    }

    #[test]
    fn elements_of_lists_go_by_position_and_of_maps_by_key() {
        let others = Value::List(vec![item("a", "1")]);
        let mut seen = Vec::new();
        let mut list = Value::List(vec![item("x", ""), item("y", "")]);
        visit(Nesting::List, &nested(), [&others], &mut list, &mut |[other], _| seen.push(other.clone()));
        assert_eq!(seen, [item("a", "1"), Value::Null]);

        let others = Value::Map([("k".to_owned(), item("a", "1"))].into());
        let mut map = Value::Map([("j".to_owned(), item("x", "")), ("k".to_owned(), item("y", ""))].into());
        seen.clear();
        visit(Nesting::Map, &nested(), [&others], &mut map, &mut |[other], _| seen.push(other.clone()));
        assert_eq!(seen, [Value::Null, item("a", "1")]);
    }
}
