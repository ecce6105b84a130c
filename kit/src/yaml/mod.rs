//! YAML as Go reads and writes it: parsing into values with their source text or into JSON values, and unambiguous output.
//! It must not know what a document is about.
//!
//! The syntax is parsed by the event parser of `serde-saphyr`.
//! Its conversion of scalars to values is not used: it rounds numbers to 64 bits, does not support keys that are not strings,
//! and differs from Go in cases such as `tRUE` or `08`.
//!
//! Every input is subject to [`limits`].

mod compose;
mod emit;
pub mod limits;
mod node;
mod scalar;

pub use emit::{to_string, write};
pub use limits::{Budget, MEMORY};
pub use node::{Node, Scalar, sorted};
pub use scalar::Reading;

use crate::text::capped;
use serde_json::Value;

/// Why a text is no YAML, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct YamlError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
    /// Whether nothing is wrong but that it is more than this program reads, and why.
    pub excess: Option<Excess>,
}

/// Why a text holds more than the [`limits`] allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// The text itself is too large.
    Text,
    /// It has anchors, and what they name counts as often as it is referred to.
    References,
    /// Its lists and maps nest too deeply.
    Depth,
}

impl YamlError {
    fn new(line: usize, column: usize, message: &str) -> Self {
        Self { line, column, message: capped(message), excess: None }
    }
}

/// Reads every document of a stream, each scalar with the text that was written.
///
/// Documents in which nothing is written are left out, comments or not.
/// References are carried out, and so are merge keys (`<<`).
///
/// # Errors
/// On malformed text, a key given twice, a reference to an anchor that is not there or not finished,
/// and beyond the [`limits`].
pub fn parse_nodes(text: &str, budget: &mut Budget) -> Result<Vec<Node>, YamlError> {
    compose::documents(text, budget)
}

/// Reads every document of a stream, as Go's YAML library would read it into untyped values.
///
/// The same as [`parse_nodes`], with scalars resolved: numbers keep all their digits,
/// timestamps, `.inf` and `.nan` stay text, for JSON has no form for them, and keys are their texts.
///
/// # Errors
/// Like [`parse_nodes`].
pub fn parse_documents(text: &str) -> Result<Vec<Value>, YamlError> {
    parse_documents_within(text, &mut Budget::default())
}

/// The same as [`parse_documents`], for one of several texts that are held together.
///
/// # Errors
/// Like [`parse_nodes`].
pub fn parse_documents_within(text: &str, budget: &mut Budget) -> Result<Vec<Value>, YamlError> {
    let documents = compose::documents(text, budget)?;
    Ok(documents.into_iter().map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        let read = |text: &str| parse_nodes(text, &mut Budget::default()).expect(text);
        let (a, b) = (read(a), read(b));
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.same(b))
    }

    #[test]
    fn compares_what_readers_see() {
        let table = [
            ("a: 1\nb: 2\n", "{b: 2, a: 1}", true),
            ("a: 1 # one\n", "# one\na: 1\n", true),
            ("a: [1, 2]", "a:\n- 1\n- 2\n", true),
            ("a: [1, 2]", "a: [2, 1]", false),
            // Without quotes, only equal texts are equal: who reads a text sees the difference.
            ("a: 1", "a: 1.0", false),
            ("a: 1.1", "a: 1.10", false),
            ("a: 0x10", "a: 16", false),
            ("a: 1e3", "a: 1000", false),
            ("a: 0022", "a: 18", false),
            ("a: True", "a: true", false),
            ("a: 0", "a: -0.0", false),
            ("0x1F: a", "31: a", false),
            ("True: a", "true: a", false),
            ("a: 1", "a: \"1\"", false),
            ("a: true", "a: \"true\"", false),
            ("a: 2024-01-01", "a: \"2024-01-01\"", false),
            ("a: .inf", "a: '.inf'", false),
            ("a: <<", "a: '<<'", false),
            // What is text to every reader may stand in quotes or not.
            ("a: on", "a: \"on\"", true),
            ("a: 12:30", "a: '12:30'", true),
            ("a: !!str 1", "a: '1'", true),
            ("a: !!binary YQ==", "a: YQ==", false),
            ("a: !x", "a: ", false),
            ("a: !x b", "a: !x b", true),
            ("1: a", "'1': a", true),
            ("a:", "a: null", true),
            ("a: ~", "a: NULL", true),
            ("a: ''", "a: null", false),
            ("a: null", "{}", false),
            ("a: 1\n---\nb: 2\n", "---\na: 1\n---\nb: 2\n", true),
            ("a: 1\n---\nb: 2\n", "b: 2\n---\na: 1\n", false),
            ("a: 1\n---\n# nothing\n", "a: 1", true),
            ("a: 1", "a: 1\n---\nb: 2\n", false),
            ("", "# nothing\n", true),
            ("", "{}", false),
            ("x: &a {k: v}\ny: *a\n", "x: {k: v}\ny: {k: v}\n", true),
            ("a: |\n  x\n  y\n", "a: \"x\\ny\\n\"", true),
        ];
        for (a, b, expected) in table {
            assert_eq!(same(a, b), expected, "{a:?} and {b:?}");
            assert_eq!(same(b, a), expected, "{b:?} and {a:?}");
        }
    }
}
