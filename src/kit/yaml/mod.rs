//! YAML as Go reads and writes it: reading into JSON values, comparing by meaning, and writing that no reader mistakes.
//! It must not know what a document is about.
//!
//! The syntax is read by the event parser of `serde-saphyr`.
//! Its own step from scalars to values is not used: it rounds numbers to 64 bits, cannot take keys that are no text,
//! and differs from Go in corners such as `tRUE` or `08`.

mod compose;
mod emit;
mod number;
mod scalar;

pub use emit::to_string;

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
}

/// Reads every document of a stream, as Go's YAML library would read it into untyped values.
///
/// Documents in which nothing is written are left out, comments or not.
/// Keys that are numbers, truth values or null become their text, and merge keys (`<<`) are carried out.
/// Numbers keep all their digits. Timestamps, `.inf` and `.nan` stay text, for JSON has no form for them.
///
/// # Errors
/// On malformed text, a key given twice, a reference to an anchor that is not there or not finished,
/// or references that multiply the text beyond any sensible size.
pub fn parse_documents(text: &str) -> Result<Vec<Value>, YamlError> {
    compose::documents(text)
}

/// Whether both texts hold the same documents.
///
/// The order of keys, comments, quoting and layout mean nothing; the order of list elements and of documents does.
/// Numbers compare by value. A text that does not parse is the same only as itself.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (parse_documents(a), parse_documents(b)) {
        (Ok(a), Ok(b)) => a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| equal(a, b)),
        _ => false,
    }
}

/// Whether two values are equal, with numbers by value: `1`, `1.0` and `1e0` are one number.
#[must_use]
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => number::equal(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_by_meaning() {
        let table = [
            ("a: 1", "a: 1", true),
            ("a: 1\nb: 2\n", "{b: 2, a: 1}", true),
            ("a: 1 # one\n", "# one\na: 1\n", true),
            ("a: [1, 2]", "a:\n- 1\n- 2\n", true),
            ("a: [1, 2]", "a: [2, 1]", false),
            ("a: 1", "a: 1.0", true),
            ("a: 0x10", "a: 16", true),
            ("a: 1e3", "a: 1000", true),
            ("a: 0", "a: -0.0", true),
            ("a: 1", "a: \"1\"", false),
            ("a: on", "a: \"on\"", true),
            ("a: true", "a: \"true\"", false),
            ("a:", "a: null", true),
            ("a: ''", "a: null", false),
            ("a: null", "{}", false),
            ("a: 12345678901234567890123", "a: 12345678901234567890124", false),
            ("a: 0.1000000000000000055511151231257827", "a: 0.1", false),
            ("a: 1e400", "a: 1e401", false),
            ("a: 1\n---\nb: 2\n", "---\na: 1\n---\nb: 2\n", true),
            ("a: 1\n---\nb: 2\n", "b: 2\n---\na: 1\n", false),
            ("a: 1\n---\n# nothing\n", "a: 1", true),
            ("a: 1", "a: 1\n---\nb: 2\n", false),
            ("", "# nothing\n", true),
            ("", "{}", false),
            ("x: &a {k: v}\ny: *a\n", "x: {k: v}\ny: {k: v}\n", true),
            ("a: [", "a: [", true),
            ("a: [", "a: [ ", false),
            ("a: |\n  x\n  y\n", "a: \"x\\ny\\n\"", true),
        ];
        for (a, b, expected) in table {
            assert_eq!(same(a, b), expected, "{a:?} and {b:?}");
            assert_eq!(same(b, a), expected, "{b:?} and {a:?}");
        }
    }
}
