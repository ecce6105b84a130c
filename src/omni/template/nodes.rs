//! YAML with the place of every value. It knows nothing of templates.
//!
//! [`kit::yaml`] judges the text first: duplicate keys, anchors, size and depth. What is left here cannot fail.

use super::{Problem, Problems};
use kit::yaml::{Budget, Scalar, YamlError, parse_nodes};
use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle, Span};
use std::collections::HashMap;

/// A place in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    /// The line, counted from 1; 0 for the text as a whole.
    pub(super) line: usize,
    /// The column in characters, counted from 1; 0 for the text as a whole.
    pub(super) column: usize,
}

impl At {
    fn of(marker: Marker) -> Self {
        Self { line: marker.line(), column: marker.col() + 1 }
    }

    /// A problem at this place.
    pub(super) fn problem(self, message: impl Into<String>) -> Problem {
        let message = message.into();
        Problem { line: self.line, column: self.column, about: Vec::new(), message, is_limit: false }
    }
}

/// A value and where it stands; a value that an alias repeats stands at the alias.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) value: Value,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    /// Keys in their order, those of merged maps last.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) at: At,
    pub(super) scalar: Scalar,
}

impl Node {
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }

    /// The number by which omnictl names the sort of a value.
    pub(super) fn sort(&self) -> u8 {
        match self.value {
            Value::List(_) => 2,
            Value::Map(_) => 4,
            Value::Scalar(_) => 8,
        }
    }

    /// What the value is, in words.
    pub(super) fn sort_name(&self) -> &'static str {
        match self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Scalar(_) => "a single value",
        }
    }
}

/// A document and where it begins: at its `---`, else at its first value.
pub(super) struct Document {
    pub(super) at: At,
    pub(super) root: Node,
}

/// Every document of a text, those in which nothing is written included.
pub(super) fn documents(text: &str) -> Result<Vec<Document>, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let refused = |error: YamlError| {
        let at = At { line: error.line, column: error.column };
        Problems(vec![match error.excess {
            None => at.problem(format!("error decoding template: {}", error.message)),
            Some(_) => Problem { is_limit: true, ..at.problem(error.message) },
        }])
    };
    parse_nodes(text, &mut Budget::default()).map_err(refused)?;
    let mut composer = Composer { events: Parser::new_from_str(text), anchors: HashMap::new() };
    let mut documents = Vec::new();
    loop {
        match composer.next() {
            Some((Event::DocumentStart(explicit, _), span)) => {
                composer.anchors.clear();
                let Some(first) = composer.next() else { return Ok(documents) };
                let root = composer.node(first);
                let at = if explicit { At::of(span.start) } else { first_place(&root) };
                documents.push(Document { at, root });
            }
            Some(_) => {}
            None => return Ok(documents),
        }
    }
}

/// Where the first thing of a value is written.
fn first_place(node: &Node) -> At {
    match &node.value {
        Value::Map(entries) => entries.iter().map(|(key, _)| key.at).min().unwrap_or(node.at).min(node.at),
        _ => node.at,
    }
}

struct Composer<'t> {
    events: Parser<'t, serde_saphyr::granit_parser::StrInput<'t>>,
    anchors: HashMap<usize, Node>,
}

impl<'t> Composer<'t> {
    /// The next event that is no comment; `None` at the end, and after an error, which was told before.
    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        loop {
            match self.events.next()? {
                Ok((Event::Comment(..), _)) => {}
                Ok((Event::StreamEnd, _)) | Err(_) => return None,
                Ok(event) => return Some(event),
            }
        }
    }

    fn node(&mut self, (event, span): (Event<'t>, Span)) -> Node {
        let at = At::of(span.start);
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref().map(|tag| match tag.core_suffix() {
                    Some(core) => format!("!!{core}"),
                    None => tag.original(),
                });
                let plain = style == ScalarStyle::Plain;
                (anchor, Value::Scalar(Scalar { text: text.into_owned(), plain, tag: tag.map(Into::into) }))
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence()),
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping()),
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).map(|node| node.value.clone());
                (0, value.unwrap_or_else(|| Value::Scalar(Scalar::plain(""))))
            }
            _ => (0, Value::Scalar(Scalar::plain(""))),
        };
        let node = Node { at, value };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        node
    }

    fn sequence(&mut self) -> Value {
        let mut elements = Vec::new();
        while let Some(event) = self.next() {
            if matches!(event.0, Event::SequenceEnd) {
                break;
            }
            elements.push(self.node(event));
        }
        Value::List(elements)
    }

    fn mapping(&mut self) -> Value {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut merged: Vec<(Key, Node)> = Vec::new();
        while let Some((event, span)) = self.next() {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let merges = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node((event, span));
            let Some(value) = self.next() else { break };
            let value = self.node(value);
            if merges {
                merged.extend(sources(value));
            } else if let Value::Scalar(scalar) = key.value {
                entries.push((Key { at: key.at, scalar }, value));
            }
        }
        for (key, value) in merged {
            if !entries.iter().any(|(known, _)| known.scalar.key() == key.scalar.key()) {
                entries.push((key, value));
            }
        }
        Value::Map(entries)
    }
}

/// The entries that a merge key brings, the most important map first.
fn sources(value: Node) -> Vec<(Key, Node)> {
    match value.value {
        Value::Map(entries) => entries,
        Value::List(elements) => elements.into_iter().flat_map(sources).collect(),
        Value::Scalar(_) => Vec::new(),
    }
}
