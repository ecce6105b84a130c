//! The text of patches, manifests and health checks: files unchanged, inline values printed as YAML.

use super::Release;
use super::emit::{Layout, Tree, natural, write};
use super::models::{Content, Inline};
use super::nodes::{Key, Node, Value};
use kit::yaml::{Reading, Scalar};
use serde_json::Number;
use std::cmp::Ordering;

/// The blanks of a level in content.
const INDENT: usize = 4;

/// The text of content within a template.
pub(super) fn text(inline: &Inline, release: Release) -> String {
    match &inline.content {
        Content::Text(text) => text.clone(),
        Content::Documents(documents) => {
            let layout = Layout::new(INDENT, release);
            documents.iter().map(|document| write(&tree(document), layout)).collect::<Vec<_>>().join("---\n")
        }
    }
}

/// A value as Go's library writes it after it has read it: numbers are computed, keys are sorted.
pub(super) fn tree(node: &Node) -> Tree {
    match &node.value {
        Value::Scalar(scalar) => single(scalar),
        Value::List(elements) => Tree::List(elements.iter().map(tree).collect()),
        Value::Map(entries) => {
            let mut sorted: Vec<&(Key, Node)> = entries.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| by_key(&a.scalar, &b.scalar));
            Tree::Map(sorted.into_iter().map(|(key, value)| (single(&key.scalar), tree(value))).collect())
        }
    }
}

/// Numbers come before texts.
fn by_key(a: &Scalar, b: &Scalar) -> Ordering {
    match (size(a), size(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => natural(&a.text, &b.text),
    }
}

/// The number that a key is, truth values included.
fn size(key: &Scalar) -> Option<f64> {
    match (key.reading(), resolved(key)) {
        (Reading::Bool, value) => Some(if value.as_bool()? { 1.0 } else { 0.0 }),
        (Reading::Int | Reading::Uint | Reading::Float, value) => value.as_f64(),
        _ => None,
    }
}

fn resolved(scalar: &Scalar) -> serde_json::Value {
    kit::yaml::Node::Scalar(scalar.clone()).into()
}

fn single(scalar: &Scalar) -> Tree {
    let value = resolved(scalar);
    match (scalar.reading(), &value) {
        (Reading::Null, _) => Tree::bare("null"),
        (Reading::Bool | Reading::Int | Reading::Uint, value) => Tree::bare(value.to_string()),
        (Reading::Float, serde_json::Value::Number(number)) => Tree::bare(float(number)),
        (Reading::Float, _) => Tree::bare(special(&scalar.text)),
        (Reading::Time, _) => Tree::bare(time(&scalar.text)),
        (Reading::Text | Reading::Merge, _) => Tree::text(scalar.text.as_str()),
    }
}

/// A number in the shortest form that reads back, with an exponent where Go uses one.
fn float(number: &Number) -> String {
    let Some(number) = number.as_f64() else { return number.to_string() };
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    number.to_string()
}

fn special(text: &str) -> &'static str {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        ".nan" => ".nan",
        lower if lower.starts_with('-') => "-.inf",
        _ => ".inf",
    }
}

/// A day or a moment in RFC 3339.
fn time(text: &str) -> String {
    let separator = text.find(['T', 't', ' ']).unwrap_or(text.len());
    let (date, clock) = text.split_at(separator);
    let padded = |text: &str, by: char, to: char| {
        text.split(by).map(|part| format!("{part:0>2}")).collect::<Vec<_>>().join(&to.to_string())
    };
    let date = padded(date, '-', '-');
    let clock = clock.get(1..).unwrap_or_default();
    if clock.is_empty() {
        return format!("{date}T00:00:00Z");
    }
    let (clock, zone) = clock.split_at(clock.find(['Z', '+', '-']).unwrap_or(clock.len()));
    let zone = if matches!(zone, "" | "Z" | "+00:00" | "-00:00") { "Z" } else { zone };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{date}T{}{point}{fraction}{zone}", padded(clock, ':', ':'))
}

#[cfg(test)]
mod tests {
    use super::super::nodes::documents;
    use super::*;

    fn written(text: &str, release: Release) -> String {
        let documents = documents(text).unwrap();
        write(&tree(&documents[0].root), Layout::new(INDENT, release))
    }

    #[test]
    fn values_are_written_as_go_writes_them() {
        let long = format!("{} b", "a".repeat(90));
        let folded = format!("a: {}\n    b\n", "a".repeat(90));
        for (text, expected) in [
            ("{b: 1, a: 2, x10: 1, x9: 1}", "a: 2\nb: 1\nx9: 1\nx10: 1\n"),
            ("{2: a, 10: b, z: c, true: d}", "true: d\n2: a\n10: b\nz: c\n"),
            (
                "a: [1.50, 1e3, 1e21, 0.00001, 017, 0x1F, 1_000, .inf, -.Inf, .nan]",
                "a:\n    - 1.5\n    - 1000\n    - 1e+21\n    - 1e-05\n    - 15\n    - 31\n    - 1000\n    - .inf\n    - -.inf\n    - .nan\n",
            ),
            (
                "a: [2026-1-2, 2026-01-02 03:04:05, 2026-01-02t3:4:5.50+01:00]",
                "a:\n    - 2026-01-02T00:00:00Z\n    - 2026-01-02T03:04:05Z\n    - 2026-01-02T03:04:05.5+01:00\n",
            ),
            (
                "a: ['1', 'true', '', '~', 'yes', '12:30', '<<', ' x', 'a: b', \"a\\tb\"]",
                "a:\n    - \"1\"\n    - \"true\"\n    - \"\"\n    - \"~\"\n    - 'yes'\n    - '12:30'\n    - '<<'\n    - ' x'\n    - 'a: b'\n    - \"a\\tb\"\n",
            ),
            (
                "a: \"x\\n\"\nb: \"x\\ny\"\nc: \"\\n\"\nd: \" x\\n\"\ne: \"x \\ny\"\n",
                "a: |\n    x\nb: |-\n    x\n    y\nc: \"\\n\"\nd: |4\n     x\ne: \"x \\ny\"\n",
            ),
            ("a: {}\nb: []\nc:\n  - {}\n  - []\n", "a: {}\nb: []\nc:\n    - {}\n    - []\n"),
            ("a: [[1, [2]], {b: [c]}]", "a:\n    - - 1\n      - - 2\n    - b:\n        - c\n"),
            (format!("a: {long}").as_str(), folded.as_str()),
        ] {
            assert_eq!(written(text, Release::NEWEST), expected, "{text}");
        }
    }

    #[test]
    fn clients_before_1_11_did_not_fold() {
        let old = Release { major: 1, minor: 10 };
        let line = format!("a: {} b\n", "a".repeat(90));
        assert_eq!(written(&line, old), line);
        assert_eq!(written("a: 'yes'", old), "a: \"yes\"\n");
    }
}
