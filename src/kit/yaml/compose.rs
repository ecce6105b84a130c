//! From parser events to values: anchors, merge keys, duplicate keys, and a limit on what references may multiply.

use super::YamlError;
use super::scalar::{self, Claim};
use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};
use std::collections::HashMap;
use std::iter::FusedIterator;

/// What references may add to a text, in bytes and nodes together.
/// No sensible configuration comes near, and a text that multiplies itself stops early.
const ALIAS_BUDGET: usize = 16 << 20;

/// Where YAML's own tags live.
const CORE: &str = "tag:yaml.org,2002:";

/// Every document in which something is written.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut composer = Composer {
        events: Parser::new_from_str(text)
            .map(|event| event.map_err(|e| YamlError { message: e.info(), ..error(*e.marker(), "") })),
        anchors: HashMap::new(),
        budget: ALIAS_BUDGET,
    };
    let mut documents = Vec::new();
    loop {
        match composer.next()? {
            (Event::DocumentStart(..), _) => {
                composer.anchors.clear();
                let root = composer.next()?;
                let empty = is_empty(&root);
                let value = composer.node(root)?;
                if !empty {
                    documents.push(value);
                }
            }
            (Event::StreamEnd, _) => return Ok(documents),
            _ => {}
        }
    }
}

/// A node in which nothing is written: no text, no tag, no anchor. The parser stands in a null of no length for it.
fn is_empty((event, span): &(Event<'_>, Span)) -> bool {
    matches!(event, Event::Scalar(_, ScalarStyle::Plain, 0, None) if span.is_empty())
}

fn error(at: Marker, message: impl Into<String>) -> YamlError {
    YamlError { line: at.line(), column: at.col() + 1, message: message.into() }
}

/// A finished value under an anchor, and how much it adds wherever it is referred to.
struct Anchored {
    value: Value,
    weight: usize,
}

struct Composer<E> {
    events: E,
    anchors: HashMap<usize, Anchored>,
    budget: usize,
}

impl<'t, E> Composer<E>
where
    E: Iterator<Item = Result<(Event<'t>, Span), YamlError>> + FusedIterator,
{
    /// The next event that is no comment.
    fn next(&mut self) -> Result<(Event<'t>, Span), YamlError> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(event) => return event,
                // The parser ends a stream with an event of its own, so this is its own failing.
                None => return Err(error(Marker::new(0, 1, 0), "the text ends in the middle of a value")),
            }
        }
    }

    /// The value that begins with this event. The parser limits how deep values nest, and with it this recursion.
    fn node(&mut self, (event, span): (Event<'t>, Span)) -> Result<Value, YamlError> {
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => (anchor, plain_value(&text, style, tag.as_deref(), span.start)?),
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence()?),
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping()?),
            Event::Alias(anchor) => return self.alias(anchor, span.start),
            _ => return Err(error(span.start, "expected a value here")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored { weight: weight(&value), value: value.clone() });
        }
        Ok(value)
    }

    fn alias(&mut self, anchor: usize, at: Marker) -> Result<Value, YamlError> {
        // The anchor of a value that is still being read is known to the parser and not yet to us.
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(error(at, "the value refers to itself"));
        };
        self.budget = self
            .budget
            .checked_sub(anchored.weight)
            .ok_or_else(|| error(at, "references (`*name`) multiply this text beyond 16 MiB"))?;
        Ok(anchored.value.clone())
    }

    fn sequence(&mut self) -> Result<Value, YamlError> {
        let mut elements = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::Array(elements)),
                event => elements.push(self.node(event)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Value, YamlError> {
        let mut entries = Map::new();
        let mut merged = None;
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let at = span.start;
            if is_merge(&event) {
                let value = self.next()?;
                let value = self.node(value)?;
                if merged.replace(merge_sources(value).ok_or_else(|| bad_merge(at))?).is_some() {
                    return Err(error(at, "the key `<<` is given twice; give it one list of maps instead"));
                }
                continue;
            }
            let key = key_text(self.node((event, span))?)
                .ok_or_else(|| error(at, "a key must be a single value, not a list or a map"))?;
            let value = self.next()?;
            let value = self.node(value)?;
            if entries.contains_key(&key) {
                return Err(error(at, format!("the key `{key}` is given twice")));
            }
            entries.insert(key, value);
        }
        // What the map itself says wins, then the earlier of the merged maps.
        for source in merged.into_iter().flatten() {
            for (key, value) in source {
                entries.entry(key).or_insert(value);
            }
        }
        Ok(Value::Object(entries))
    }
}

fn bad_merge(at: Marker) -> YamlError {
    error(at, "the value of `<<` must be a map or a list of maps")
}

/// Whether this key merges other maps into its own; in quotes it is a key like any other.
fn is_merge(event: &Event<'_>) -> bool {
    match event {
        Event::Scalar(text, style, _, tag) if text == "<<" => match tag {
            None => *style == ScalarStyle::Plain,
            Some(tag) => tag.suffix_in_namespace(CORE).as_deref() == Some("merge"),
        },
        _ => false,
    }
}

fn merge_sources(value: Value) -> Option<Vec<Map<String, Value>>> {
    let map = |value| match value {
        Value::Object(map) => Some(map),
        _ => None,
    };
    match value {
        Value::Array(elements) => elements.into_iter().map(map).collect(),
        other => Some(vec![map(other)?]),
    }
}

/// The key as text; `None` for a list or a map.
fn key_text(key: Value) -> Option<String> {
    match key {
        Value::String(text) => Some(text),
        Value::Null => Some("null".to_owned()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Number(n) => Some(n.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn plain_value(text: &str, style: ScalarStyle, tag: Option<&Tag>, at: Marker) -> Result<Value, YamlError> {
    let Some(tag) = tag else {
        return Ok(match style {
            ScalarStyle::Plain => scalar::resolve(text),
            _ => Value::String(text.to_owned()),
        });
    };
    let claim = match tag.core_suffix() {
        Some("null") => Claim::Null,
        Some("bool") => Claim::Bool,
        Some("int") => Claim::Int,
        Some("float") => Claim::Float,
        // Text, time, binary data and tags of others: the text says it.
        _ => return Ok(Value::String(text.to_owned())),
    };
    scalar::resolve_as(claim, text)
        .ok_or_else(|| error(at, format!("this value is not what its tag `{}` says", tag.original())))
}

/// How much a value adds when it is repeated.
fn weight(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len(),
        Value::Array(elements) => elements.iter().map(weight).sum(),
        Value::Object(entries) => entries.iter().map(|(key, value)| key.len() + weight(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_documents() {
        let table = [
            ("", json!([])),
            ("# only a remark\n", json!([])),
            ("---\n", json!([])),
            ("---\n# one\n---\n# two\n", json!([])),
            ("---\n~\n", json!([null])),
            ("null", json!([null])),
            ("''", json!([""])),
            ("{}", json!([{}])),
            ("\u{feff}a: 1\n", json!([{"a": 1}])),
            ("a: 1\r\nb: 2\r\n", json!([{"a": 1, "b": 2}])),
            ("a: 1\n---\nb: 2\n...\n---\nc: 3\n", json!([{"a": 1}, {"b": 2}, {"c": 3}])),
            ("%YAML 1.2\n---\na: 1\n", json!([{"a": 1}])),
            ("# before\na: # beside\n  # inside\n  - 1 # after\n", json!([{"a": [1]}])),
            (
                "1: a\ntrue: b\nnull: c\n1.5: d\non: e\n",
                json!([{"1": "a", "true": "b", "null": "c", "1.5": "d", "on": "e"}]),
            ),
            ("? long\n: 1\n", json!([{"long": 1}])),
            ("a:\nb: ~\n", json!([{"a": null, "b": null}])),
            ("a: &x {k: 1}\nb: *x\n", json!([{"a": {"k": 1}, "b": {"k": 1}}])),
            ("a: &x 1\nb: &x 2\nc: *x\n", json!([{"a": 1, "b": 2, "c": 2}])),
            ("&x a: 1\nb: *x\n", json!([{"a": 1, "b": "a"}])),
            ("d: &d {k: 1, l: 2}\na:\n  <<: *d\n  l: 3\n", json!([{"d": {"k": 1, "l": 2}, "a": {"k": 1, "l": 3}}])),
            ("a: {l: 3, <<: [{k: 1}, {k: 2, l: 2, m: 3}]}\n", json!([{"a": {"k": 1, "l": 3, "m": 3}}])),
            ("'<<': 1\n", json!([{"<<": 1}])),
            ("a: !!str 12\nb: !!int '12'\nc: !local 5\nd: ! 7\n", json!([{"a": "12", "b": 12, "c": "5", "d": "7"}])),
            ("a: |\n  x\n   y\nb: >-\n  x\n  y\n", json!([{"a": "x\n y\n", "b": "x y"}])),
            ("a: \"\\u00e9\\x41\\n\"\n", json!([{"a": "éA\n"}])),
            ("{\"a\": [1, \"\\ud83d\\ude00\"]}", json!([{"a": [1, "😀"]}])),
        ];
        for (text, expected) in table {
            let documents = documents(text).map(Value::Array);
            assert!(
                documents.as_ref().is_ok_and(|d| super::super::equal(d, &expected)),
                "{text:?} gave {documents:?}, expected {expected}"
            );
        }
    }

    #[test]
    fn says_where_and_why_it_refuses() {
        let table = [
            ("a: 1\nb: 2\na: 3\n", 3, 1, "the key `a` is given twice"),
            ("a: 1\n'a': 2\n", 2, 1, "the key `a` is given twice"),
            ("1: x\n0x1: y\n", 2, 1, "the key `1` is given twice"),
            ("x:\n  <<: {}\n  <<: {}\n", 3, 3, "the key `<<` is given twice"),
            ("x:\n  <<: 1\n", 2, 3, "must be a map or a list of maps"),
            ("x:\n  <<: [{}, 1]\n", 2, 3, "must be a map or a list of maps"),
            ("a: &x [*x]\n", 1, 8, "refers to itself"),
            ("[a, b]: 1\n", 1, 1, "a key must be a single value"),
            ("a: !!int x\n", 1, 10, "not what its tag `!!int` says"),
            ("a: *gone\n", 1, 4, "anchor"),
            ("a: 1\n---\nb: *a\n", 3, 4, "anchor"),
            ("a: [1\n", 1, 4, ""),
            ("a: b: c\n", 1, 5, ""),
            ("a:\n\tb: 1\n", 2, 2, "tab"),
            ("a: \"x\n", 2, 1, ""),
        ];
        for (text, line, column, message) in table {
            match documents(text) {
                Ok(documents) => panic!("{text:?} was read as {documents:?}"),
                Err(e) => {
                    assert_eq!((e.line, e.column), (line, column), "{text:?}: {e}");
                    assert!(!e.message.is_empty() && e.message.contains(message), "{text:?}: {e}");
                }
            }
        }
    }

    #[test]
    fn references_cannot_multiply_a_text() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..10 {
            let before = format!("*a{}", i - 1);
            text.push_str(&format!("a{i}: &a{i} [{}]\n", vec![before; 10].join(", ")));
        }
        let error = documents(&text).expect_err("a bomb");
        assert!(error.message.contains("16 MiB"), "{error}");

        // Long text counts as well as many nodes do.
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 20].join(", "));
        let error = documents(&text).expect_err("a bomb of text");
        assert!(error.message.contains("16 MiB"), "{error}");

        let harmless = format!("a: &a {{k: v}}\nb: [{}]\n", vec!["*a"; 1000].join(", "));
        assert!(documents(&harmless).is_ok());
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow() {
        for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
            assert!(documents(&text).is_err());
        }
    }
}
