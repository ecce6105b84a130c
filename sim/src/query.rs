//! Queries of lists and watches: label terms and ID expressions.

use super::object::Object;
use omni_proto::cosi::resource::label_term::Operation;
use omni_proto::cosi::resource::{IdQuery, LabelQuery, LabelTerm};
use regex::Regex;
use tonic::Status;

/// A question about labels and ids.
#[derive(Debug, Default)]
pub(super) struct Query {
    /// Alternatives, each a list of terms that must all hold.
    labels: Vec<Vec<Term>>,
    id: Option<Regex>,
}

#[derive(Debug)]
struct Term {
    key: String,
    test: Test,
    invert: bool,
}

#[derive(Debug)]
enum Test {
    Exists,
    Equal(String),
    In(Vec<String>),
    Less(String),
    LessOrEqual(String),
    LessNumber(Option<i64>),
    LessOrEqualNumber(Option<i64>),
}

impl Query {
    /// Reads what a client sent.
    pub(super) fn new(labels: Vec<LabelQuery>, id: Option<IdQuery>) -> Result<Self, Status> {
        let labels = labels
            .into_iter()
            .map(|query| query.terms.into_iter().map(Term::new).collect())
            .collect::<Result<_, _>>()?;
        let id = match id.filter(|id| !id.regexp.is_empty()) {
            None => None,
            Some(id) => Some(
                Regex::new(&id.regexp)
                    .map_err(|e| Status::invalid_argument(format!("failed to compile regexp: {e}")))?,
            ),
        };
        Ok(Self { labels, id })
    }

    /// Whether it asks for everything.
    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.id.is_none()
    }

    /// Whether it asks for labels.
    pub(super) fn has_labels(&self) -> bool {
        !self.labels.is_empty()
    }

    /// Whether the object is meant.
    pub(super) fn matches(&self, object: &Object) -> bool {
        self.id.as_ref().is_none_or(|id| id.is_match(&object.key.id))
            && (self.labels.is_empty() || self.labels.iter().any(|terms| terms.iter().all(|t| t.holds(object))))
    }
}

impl Term {
    fn new(term: LabelTerm) -> Result<Self, Status> {
        let LabelTerm { key, op, value, invert } = term;
        let operation = Operation::try_from(op)
            .map_err(|_| Status::unimplemented(format!("unsupported label query operator: {op}")))?;
        // A real server falls over here, and its callers see just that.
        let first = || {
            let text = "runtime error: index out of range [0] with length 0";
            value.first().cloned().ok_or_else(|| Status::internal(text))
        };
        let (test, invert) = match operation {
            Operation::Exists => (Test::Exists, invert),
            // It is inverted already, and that cannot be undone.
            Operation::NotExists => (Test::Exists, true),
            Operation::Equal => (Test::Equal(first()?), invert),
            Operation::In => (Test::In(value), invert),
            Operation::Lt => (Test::Less(first()?), invert),
            Operation::Lte => (Test::LessOrEqual(first()?), invert),
            Operation::LtNumeric => (Test::LessNumber(number(&first()?)), invert),
            Operation::LteNumeric => (Test::LessOrEqualNumber(number(&first()?)), invert),
        };
        Ok(Self { key, test, invert })
    }

    fn holds(&self, object: &Object) -> bool {
        let label = object.label(&self.key);
        let compared = |holds: fn(i64, i64) -> bool, limit: Option<i64>| {
            let limit = limit?;
            Some(holds(number(label?)?, limit))
        };
        // Nothing to compare is never true, not even when inverted.
        let result = match &self.test {
            Test::Exists => Some(label.is_some()),
            Test::Equal(value) => Some(label == Some(value)),
            Test::In(values) => Some(label.is_some_and(|l| values.iter().any(|v| v == l))),
            Test::Less(limit) => label.map(|l| l < limit.as_str()),
            Test::LessOrEqual(limit) => label.map(|l| l <= limit.as_str()),
            Test::LessNumber(limit) => compared(|a, b| a < b, *limit),
            Test::LessOrEqualNumber(limit) => compared(|a, b| a <= b, *limit),
        };
        result.is_some_and(|result| result != self.invert)
    }
}

/// An integer with a unit: `16 GiB`, `500m` for 500 million.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|(i, c)| !(c.is_ascii_digit() || (*i == 0 && *c == '-')))
        .map_or(text.len(), |(i, _)| i);
    let (digits, unit) = text.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let factor: i64 = match unit.as_str() {
        "" => 1,
        unit => {
            let power = "kmgtp".find(unit.chars().next()?)? + 1;
            let base: i64 = if unit[1..].starts_with('i') { 1024 } else { 1000 };
            base.pow(u32::try_from(power).ok()?)
        }
    };
    // What is too large turns over, as it does on a real server.
    Some(digits.parse::<i64>().ok()?.wrapping_mul(factor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn object(labels: &[(&str, &str)]) -> Object {
        Object {
            version: 1,
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..Object::new(kinds::key("Clusters.omni.sidero.dev", "prod-1"), vec![])
        }
    }

    #[test]
    fn terms() {
        use Operation::{Equal, Exists, In, Lt, LtNumeric, Lte, LteNumeric, NotExists};
        for (op, values, label, plain, inverted) in [
            (Exists, &[][..], Some("x"), true, false),
            (Exists, &[], None, false, true),
            (NotExists, &[], None, true, true),
            (Equal, &["x"], Some("x"), true, false),
            (Equal, &["x"], Some("y"), false, true),
            (Equal, &["x"], None, false, true),
            (In, &["a", "b"], Some("b"), true, false),
            (In, &["a", "b"], None, false, true),
            (Lt, &["b"], Some("a"), true, false),
            (Lt, &["b"], Some("b"), false, true),
            (Lt, &["b"], None, false, false),
            (Lte, &["b"], Some("b"), true, false),
            (LtNumeric, &["16 GiB"], Some("8GiB"), true, false),
            (LtNumeric, &["16GiB"], Some("17 g"), true, false),
            (LtNumeric, &["10"], Some("9"), true, false),
            (LtNumeric, &["10"], Some("many"), false, false),
            (LtNumeric, &["much"], Some("1"), false, false),
            (LtNumeric, &["10"], None, false, false),
            (LteNumeric, &["1k"], Some("1000"), true, false),
            (LteNumeric, &["-1"], Some("-2"), true, false),
            (LteNumeric, &["1Ki"], Some("1024"), true, false),
            (LteNumeric, &["1Ki"], Some("1025"), false, true),
        ] {
            let object = object(&label.map(|l| ("k", l)).into_iter().collect::<Vec<_>>());
            for (invert, expected) in [(false, plain), (true, inverted)] {
                let value = values.iter().map(|v| (*v).to_owned()).collect();
                let term = LabelTerm { key: "k".into(), op: op.into(), value, invert };
                let query = Query::new(vec![LabelQuery { terms: vec![term] }], None).unwrap();
                assert_eq!(query.matches(&object), expected, "{op:?} {values:?} {label:?} {invert}");
            }
        }
    }

    #[test]
    fn queries_are_alternatives_and_ids_are_searched() {
        let term = |key: &str| LabelTerm { key: key.into(), ..LabelTerm::default() };
        let both = LabelQuery { terms: vec![term("a"), term("b")] };
        let other = LabelQuery { terms: vec![term("c")] };
        let id = |regexp: &str| Some(IdQuery { regexp: regexp.into() });
        for (labels, id, expected) in [
            (vec![], None, true),
            (vec![both.clone()], None, false),
            (vec![both.clone(), other.clone()], None, true),
            (vec![other], id("^stage"), false),
            (vec![], id("od-"), true),
            (vec![], id("^od-"), false),
        ] {
            let query = Query::new(labels.clone(), id).unwrap();
            assert_eq!(query.matches(&object(&[("a", ""), ("c", "")])), expected, "{labels:?}");
        }
    }

    #[test]
    fn what_cannot_be_asked() {
        let term = |op, value: Vec<String>| LabelTerm { key: "k".into(), op, value, invert: false };
        let ask = |term| Query::new(vec![LabelQuery { terms: vec![term] }], None).unwrap_err().code();
        assert_eq!(ask(term(99, vec![])), tonic::Code::Unimplemented);
        assert_eq!(ask(term(Operation::Equal.into(), vec![])), tonic::Code::Internal);
        let bad = Query::new(vec![], Some(IdQuery { regexp: "(".into() })).unwrap_err();
        assert_eq!(bad.code(), tonic::Code::InvalidArgument);
    }
}
