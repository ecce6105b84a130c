//! Known planned values are guarantees.
//! Hosts treat any other value as a defect of the provider, and taint a new object;
//! so a response returns the planned values, and the next read reports drift.

use super::{changes, nothing};
use crate::tf::path::Path;
use crate::tf::schema::{Attribute, Schema};
use crate::tf::value::Value;

/// The state after a write, with everything that was planned and known as it was planned;
/// and the configurable attributes of which that is not what is really there.
#[must_use]
pub fn keep_promises(schema: &Schema, planned: &Value, state: &Value) -> (Value, Vec<Path>) {
    // A value that is not an object is reported elsewhere.
    if !matches!(state, Value::Object(_)) {
        return (state.clone(), Vec::new());
    }
    let kept = as_planned(planned, state);
    let configurable: Vec<Attribute> = schema.attributes.iter().filter(|a| a.configurable()).cloned().collect();
    let mut differing = changes(state, &kept, &configurable);
    differing.retain(|path| !nothing::means_same(path.lookup(state), path.lookup(&kept)));
    (kept, differing)
}

fn as_planned(planned: &Value, state: &Value) -> Value {
    match (planned, state) {
        (Value::Unknown(_), state) => state.clone(),
        (planned, _) if planned.is_wholly_known() => planned.clone(),
        (Value::Object(planned), Value::Object(state)) => Value::object(
            state
                .iter()
                .map(|(name, state)| (name.clone(), planned.get(name).map_or(state.clone(), |p| as_planned(p, state)))),
        ),
        (Value::Map(planned), Value::Map(state)) => Value::map(
            planned
                .iter()
                .map(|(key, planned)| (key.clone(), as_planned(planned, state.get(key).unwrap_or(&Value::Null)))),
        ),
        (Value::List(planned), Value::List(state)) if planned.len() == state.len() => {
            Value::List(planned.iter().zip(state).map(|(planned, state)| as_planned(planned, state)).collect())
        }
        (_, state) => state.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{object, plain, string};
    use crate::tf::value::Type;

    #[test]
    fn what_is_known_stays_and_what_is_not_is_filled_in() {
        let schema = Schema::new("A thing.")
            .with(string("text"))
            .with(string("id").computed())
            .with(string("status").computed())
            .with(object("inner", vec![string("a"), string("b").computed()]))
            .with(plain("map", Type::map(Type::String)));
        let value = |text: &str, id: Value, status: &str, [a, b]: [Value; 2], map: Value| {
            let map = Value::Map([("k".to_owned(), map), ("n".to_owned(), Value::Null)].into());
            let inner = Value::object([("a", a), ("b", b)]);
            Value::object([
                ("text", text.into()),
                ("id", id),
                ("status", status.into()),
                ("inner", inner),
                ("map", map),
            ])
        };
        let planned = value("t", Value::UNKNOWN, "was", ["1".into(), Value::UNKNOWN], Value::UNKNOWN);
        let mut written = value("other", "i".into(), "now", ["2".into(), "3".into()], "v".into());
        let (kept, differing) = keep_promises(&schema, &planned, &written);
        assert_eq!(kept, value("t", "i".into(), "was", ["1".into(), "3".into()], "v".into()));
        let differing: Vec<_> = differing.iter().map(ToString::to_string).collect();
        assert_eq!(differing, ["text", "inner.a"]);
        // What means nothing is no difference.
        written.set("map", Value::Map([("k".to_owned(), "v".into())].into()));
        written.set("text", "t".into());
        written.set("inner", Value::object([("a", Value::from("1")), ("b", "3".into())]));
        let (kept, differing) = keep_promises(&schema, &planned, &written);
        assert_eq!(kept, value("t", "i".into(), "was", ["1".into(), "3".into()], "v".into()));
        assert_eq!(differing, []);
    }
}
