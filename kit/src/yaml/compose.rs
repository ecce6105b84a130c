//! Parser events to values: anchors, merge keys, duplicate keys, and limits on size and depth.

use super::limits::{Budget, DEPTH, INDENT, KEY, LIST, MAP, NODE};
use super::node::{self, Node, Scalar};
use super::scalar;
use super::{Excess, YamlError};
use crate::text::quoted;
use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};
use std::collections::{HashMap, HashSet};
use std::iter::FusedIterator;

/// Where YAML's own tags live.
const CORE: &str = "tag:yaml.org,2002:";

/// Every document in which something is written.
pub(super) fn documents(text: &str, budget: &mut Budget) -> Result<Vec<Node>, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut composer = Composer {
        events: Parser::new_from_str(text).map(|event| event.map_err(|e| error(*e.marker(), e.info()))),
        anchors: HashMap::new(),
        excess: Excess::Text,
        budget,
    };
    let mut documents = Vec::new();
    loop {
        match composer.next()? {
            (Event::DocumentStart(..), _) => {
                composer.anchors.clear();
                let root = composer.next()?;
                let empty = is_empty(&root);
                let value = composer.node(root, 0)?.node;
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

fn error(at: Marker, message: impl AsRef<str>) -> YamlError {
    YamlError::new(at.line(), at.col() + 1, message.as_ref())
}

/// A finished value and its measures.
#[derive(Clone)]
struct Built {
    node: Node,
    /// What it holds, in bytes.
    size: usize,
    /// How many values it is made of, itself included.
    count: usize,
    /// How many levels of lists and maps it has.
    height: usize,
}

struct Composer<'b, E> {
    events: E,
    anchors: HashMap<usize, Built>,
    /// What is too much, should it become too much.
    excess: Excess,
    budget: &'b mut Budget,
}

impl<'t, E> Composer<'_, E>
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

    fn charge(&mut self, bytes: usize, at: Marker) -> Result<(), YamlError> {
        let excess = self.excess;
        let charged = self.budget.charge(bytes, excess);
        charged.map_err(|message| YamlError { excess: Some(excess), ..error(at, message) })
    }

    /// The value that begins with this event, inside so many lists and maps.
    fn node(&mut self, (event, span): (Event<'t>, Span), depth: usize) -> Result<Built, YamlError> {
        let at = span.start;
        let (anchor, built) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let size = NODE + text.len();
                self.charge(size + INDENT * depth, at)?;
                let node = Node::Scalar(single(text.into_owned(), style, tag.as_deref(), at)?);
                (anchor, Built { node, size, count: 1, height: 0 })
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence(deeper(depth, 1, at)?, at)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(deeper(depth, 1, at)?, at)?),
            Event::Alias(anchor) => return self.alias(anchor, depth, at),
            _ => return Err(error(at, "expected a value here")),
        };
        if anchor != 0 {
            self.excess = Excess::References;
            // The copy for later references is held too.
            self.charge(built.size, at)?;
            self.anchors.insert(anchor, built.clone());
        }
        Ok(built)
    }

    fn alias(&mut self, anchor: usize, depth: usize, at: Marker) -> Result<Built, YamlError> {
        // The anchor of a value that is still being read is known to the parser and not yet to us.
        let missing = || error(at, "the value refers to itself");
        let measures = |anchored: &Built| (anchored.size + anchored.count * INDENT * depth, anchored.height);
        let (bytes, height) = self.anchors.get(&anchor).map(measures).ok_or_else(missing)?;
        deeper(depth, height, at)?;
        self.charge(bytes, at)?;
        self.anchors.get(&anchor).cloned().ok_or_else(missing)
    }

    fn sequence(&mut self, depth: usize, at: Marker) -> Result<Built, YamlError> {
        let mut elements = Vec::new();
        let (mut size, mut count, mut height) = (NODE + LIST, 1, 0);
        self.charge(size + INDENT * depth, at)?;
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => {
                    elements.shrink_to_fit();
                    return Ok(Built { node: Node::List(elements), size, count, height: height + 1 });
                }
                event => {
                    let element = self.node(event, depth)?;
                    size += element.size;
                    count += element.count;
                    height = height.max(element.height);
                    elements.push(element.node);
                }
            }
        }
    }

    fn mapping(&mut self, depth: usize, start: Marker) -> Result<Built, YamlError> {
        let mut entries: Vec<(Scalar, Node)> = Vec::new();
        let mut seen = HashSet::new();
        let mut merged = None;
        let (mut size, mut count, mut height) = (NODE + MAP, 1, 0);
        self.charge(size + INDENT * depth, start)?;
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let at = span.start;
            if is_merge(&event) {
                let value = self.next()?;
                let value = self.node(value, depth)?;
                (size, count, height) = (size + value.size, count + value.count, height.max(value.height));
                if merged.replace(merge_sources(value.node).ok_or_else(|| bad_merge(at))?).is_some() {
                    return Err(error(at, "the key `<<` is given twice; give it one list of maps instead"));
                }
                continue;
            }
            let Built { node: Node::Scalar(key), size: key_size, .. } = self.node((event, span), depth)? else {
                return Err(error(at, "a key must be a single value, not a list or a map"));
            };
            // Once for the key and once for the check that it is the only one.
            self.charge(KEY + key.text.len(), at)?;
            let value = self.next()?;
            let value = self.node(value, depth)?;
            if !seen.insert(key.key().to_owned()) {
                return Err(error(at, format!("the key {} is given twice", quoted(key.key()))));
            }
            size += KEY + key_size + value.size;
            count += value.count;
            height = height.max(value.height);
            entries.push((key, value.node));
        }
        // What the map itself says wins, then the earlier of the merged maps.
        for (key, value) in merged.into_iter().flatten().flatten() {
            if seen.insert(key.key().to_owned()) {
                entries.push((key, value));
            }
        }
        entries.shrink_to_fit();
        Ok(Built { node: Node::Map(entries), size, count, height: height + 1 })
    }
}

/// The depth so many levels further in, if it is not too deep.
fn deeper(depth: usize, levels: usize, at: Marker) -> Result<usize, YamlError> {
    match depth + levels {
        deep if deep <= DEPTH => Ok(deep),
        _ => {
            let message =
                format!("lists and maps nest deeper than {DEPTH} levels here, which is the limit of this program");
            Err(YamlError { excess: Some(Excess::Depth), ..error(at, message) })
        }
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

fn merge_sources(value: Node) -> Option<Vec<Vec<(Scalar, Node)>>> {
    let map = |value| match value {
        Node::Map(entries) => Some(entries),
        _ => None,
    };
    match value {
        Node::List(elements) => elements.into_iter().map(map).collect(),
        other => Some(vec![map(other)?]),
    }
}

fn single(text: String, style: ScalarStyle, tag: Option<&Tag>, at: Marker) -> Result<Scalar, YamlError> {
    let tag = tag.map(written);
    if let Some(claim) = tag.as_deref().and_then(node::claim)
        && scalar::resolve_as(claim, &text).is_none()
    {
        let tag = tag.unwrap_or_default();
        return Err(error(at, format!("this value is not what its tag {} says", quoted(&tag))));
    }
    Ok(Scalar { text, plain: style == ScalarStyle::Plain, tag })
}

/// The tag in a form that needs no directive.
fn written(tag: &Tag) -> Box<str> {
    match (tag.core_suffix(), tag.original_handle()) {
        (Some(core), _) => format!("!!{core}"),
        (None, "" | "!" | "!!") => tag.original(),
        _ => format!("!<{}{}>", tag.handle(), tag.suffix()),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(text: &str) -> Result<Vec<Node>, YamlError> {
        documents(text, &mut Budget::default())
    }

    fn values(text: &str) -> Result<Vec<Value>, YamlError> {
        Ok(read(text)?.into_iter().map(Value::from).collect())
    }

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
                "1: a\nTrue: b\nnull: c\n1.50: d\non: e\n0x1: f\n0022: g\n",
                json!([{"1": "a", "True": "b", "null": "c", "1.50": "d", "on": "e", "0x1": "f", "0022": "g"}]),
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
            let documents = values(text).map(Value::Array);
            assert!(documents.as_ref() == Ok(&expected), "{text:?} gave {documents:?}, expected {expected}");
        }
    }

    #[test]
    fn says_where_and_why_it_refuses() {
        let table = [
            ("a: 1\nb: 2\na: 3\n", 3, 1, "the key `a` is given twice"),
            ("a: 1\n'a': 2\n", 2, 1, "the key `a` is given twice"),
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
            match read(text) {
                Ok(documents) => panic!("{text:?} was read as {documents:?}"),
                Err(e) => {
                    assert_eq!((e.line, e.column), (line, column), "{text:?}: {e}");
                    assert!(!e.message.is_empty() && e.message.contains(message), "{text:?}: {e}");
                }
            }
        }
    }

    /// Texts that ask for much more memory than they have.
    fn bombs() -> Vec<String> {
        let levels = |first: &str, each: &dyn Fn(&str) -> String| {
            let mut text = format!("a0: &a0 {first}\n");
            for i in 1..30 {
                text.push_str(&format!("a{i}: &a{i} {}\n", each(&format!("*a{}", i - 1))));
            }
            text
        };
        let ten = |what: &str| format!("[{}]", [what; 10].join(", "));
        vec![
            levels("[x, x, x, x]", &ten),
            // Nothing but structure.
            levels("[]", &ten),
            levels("{}", &ten),
            levels("{a: {}, b: {}}", &|a| format!("{{a: {a}, b: {a}, c: {a}}}")),
            // Merge keys.
            levels("{x: y}", &|a| format!("{{<<: [{a}, {a}], k: {a}, l: {a}}}")),
            // Long text counts as well as many values do.
            format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 80].join(", ")),
            // Without any reference.
            format!("[{}]", "[],".repeat(1 << 20)),
            format!("[{}]", "{},".repeat(1 << 18)),
            format!("[{}]", "{a: },".repeat(1 << 18)),
            // Anchors that hold each other.
            format!("{}{}{}", "&a [".repeat(90), "x,".repeat(1 << 14), "]".repeat(90)),
        ]
    }

    #[test]
    fn no_text_makes_more_than_the_budget_allows() {
        for text in bombs() {
            let error = read(&text).expect_err("a bomb");
            assert!(error.message.contains("more than 64 MiB of values"), "{}: {error}", &text[..40]);
            let (refers, says) = (text.contains('&'), error.message.contains("references"));
            let excess = if refers { Excess::References } else { Excess::Text };
            assert_eq!((error.excess, says), (Some(excess), refers), "{}: {error}", &text[..40]);
        }
        let harmless = format!("a: &a {{k: v}}\nb: [{}]\n", vec!["*a"; 1000].join(", "));
        assert!(read(&harmless).is_ok());
    }

    /// What a value really takes, buffers included.
    fn held(node: &Node) -> usize {
        size_of::<Node>()
            + match node {
                Node::Scalar(scalar) => scalar.text.capacity(),
                Node::List(elements) => elements.iter().map(held).sum(),
                Node::Map(entries) => {
                    entries.iter().map(|(key, value)| size_of::<Scalar>() + key.text.capacity() + held(value)).sum()
                }
            }
    }

    #[test]
    fn the_budget_counts_what_is_held() {
        let repeated = |what: &'static str| move |n: usize| format!("[{}]", what.repeat(n));
        let keys = |n: usize| (0..n).map(|at| format!("k{at}: v\n")).collect::<String>();
        let referred = |n: usize| format!("a: &a {{k: v, l: [x, y]}}\nb: [{}]", "*a,".repeat(n));
        let shapes: [&dyn Fn(usize) -> String; 5] =
            [&repeated("{a: b},"), &repeated("x,"), &repeated("[[[[x]]]],"), &keys, &referred];
        for shape in shapes {
            let sizes = (15..).map(|power| read(&shape(1 << power)));
            let documents = sizes.map_while(Result::ok).last().expect("small ones are taken");
            let bytes: usize = documents.iter().map(held).sum();
            let most = super::super::limits::MEMORY;
            assert!((most / 32..=most).contains(&bytes), "{bytes} of {most}: {}", &shape(3));
        }
    }

    #[test]
    fn one_budget_serves_several_texts() {
        let text = format!("a: {}", "x".repeat(10 << 20));
        let mut budget = Budget::default();
        let read: Vec<bool> = (0..8).map(|_| documents(&text, &mut budget).is_ok()).collect();
        assert_eq!(read, [true, true, true, true, true, true, false, false]);
    }

    #[test]
    fn nesting_ends_at_the_limit_whichever_way_it_comes_about() {
        let lists = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let maps = |n: usize| format!("{}x{}", "{a: ".repeat(n), "}".repeat(n));
        let block = |n: usize| (0..n).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>();
        let dashes = |n: usize| "- ".repeat(n);
        // The outer list is one level, and what it refers to begins below it.
        let referred = |n: usize| format!("[&a {}, {}*a{}]", lists(50), "[".repeat(n - 51), "]".repeat(n - 51));
        for make in [&lists as &dyn Fn(usize) -> String, &maps, &block, &dashes, &referred] {
            assert!(read(&make(DEPTH)).is_ok(), "{}", make(DEPTH));
            let error = read(&make(DEPTH + 1)).expect_err("too deep");
            assert!(error.message.contains("deeper than 100 levels"), "{error}");
            assert_eq!(error.excess, Some(Excess::Depth), "{error}");
        }
        for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
            assert!(read(&text).is_err());
        }
    }

    #[test]
    fn an_error_is_short_however_long_its_key() {
        let key = "k".repeat(1 << 20);
        let error = read(&format!("? {key}\n: 1\n? {key}\n: 2\n")).expect_err("twice");
        assert!(error.to_string().len() < 300, "{}", error.to_string().len());
    }

    #[test]
    fn texts_and_tags_stay_as_written() {
        let scalar = |text: &str| match read(text).as_deref() {
            Ok([Node::Scalar(scalar)]) => scalar.clone(),
            other => panic!("{text}: {other:?}"),
        };
        for (text, expected, plain, tag) in [
            ("0022", "0022", true, None),
            ("'0022'", "0022", false, None),
            ("1.10", "1.10", true, None),
            ("~", "~", true, None),
            ("!!str 1", "1", true, Some("!!str")),
            ("!!binary YQ==", "YQ==", true, Some("!!binary")),
            ("!local x", "x", true, Some("!local")),
            ("!<tag:yaml.org,2002:int> 1", "1", true, Some("!!int")),
            ("%TAG !e! tag:example.org:\n---\n!e!x 1", "1", true, Some("!<tag:example.org:x>")),
        ] {
            let expected = Scalar { text: expected.into(), plain, tag: tag.map(Into::into) };
            assert_eq!(scalar(text), expected, "{text}");
        }
    }
}
