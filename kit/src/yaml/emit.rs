//! Values to YAML text that every reader parses to the same values.
//! A string is unquoted only if no reader of YAML 1.1 or 1.2 could interpret it differently,
//! or if it was written without quotes.

use super::node::{Node, Scalar};
use super::scalar::Reading;
use serde_json::Value;
use std::fmt::Write;

/// A longer key has to be marked as one.
const LONGEST_SIMPLE_KEY: usize = 1000;

/// One document, in block layout, keys in order, with a newline at its end.
#[must_use]
pub fn to_string(value: &Value) -> String {
    write(&value.into())
}

/// One document, in block layout, each scalar with its own text, with a newline at its end.
#[must_use]
pub fn write(node: &Node) -> String {
    let mut out = String::new();
    match node {
        Node::Map(entries) if !entries.is_empty() => mapping(&mut out, entries, 0, false),
        Node::List(elements) if !elements.is_empty() => sequence(&mut out, elements, 0, false),
        // At the top there is nothing to indent a block of text against.
        Node::Scalar(scalar) => {
            out.push_str(&on_one_line(scalar));
            out.push('\n');
        }
        other => after_indicator(&mut out, other, 0),
    }
    out
}

/// The entries at this depth; `started` when the first stands behind an indicator.
fn mapping(out: &mut String, entries: &[(Scalar, Node)], depth: usize, mut started: bool) {
    for (key, value) in entries {
        if !std::mem::take(&mut started) {
            indent(out, depth);
        }
        // Without quotes it would merge other maps into this one.
        let key = if key.text == "<<" && key.tag.is_none() { in_quotes(&key.text) } else { on_one_line(key) };
        if key.len() > LONGEST_SIMPLE_KEY {
            out.push_str("? ");
            out.push_str(&key);
            out.push('\n');
            indent(out, depth);
            out.push(':');
        } else {
            out.push_str(&key);
            out.push(':');
        }
        match value {
            Node::Map(entries) if !entries.is_empty() => {
                out.push('\n');
                mapping(out, entries, depth + 1, false);
            }
            Node::List(elements) if !elements.is_empty() => {
                out.push('\n');
                sequence(out, elements, depth + 1, false);
            }
            other => {
                out.push(' ');
                after_indicator(out, other, depth + 1);
            }
        }
    }
}

fn sequence(out: &mut String, elements: &[Node], depth: usize, mut started: bool) {
    for element in elements {
        if !std::mem::take(&mut started) {
            indent(out, depth);
        }
        out.push_str("- ");
        match element {
            Node::Map(entries) if !entries.is_empty() => mapping(out, entries, depth + 1, true),
            Node::List(elements) if !elements.is_empty() => sequence(out, elements, depth + 1, true),
            other => after_indicator(out, other, depth + 1),
        }
    }
}

/// A value that needs no lines of its own, or text in a block at this depth, and the end of the line.
fn after_indicator(out: &mut String, node: &Node, depth: usize) {
    match node {
        Node::List(_) => out.push_str("[]"),
        Node::Map(_) => out.push_str("{}"),
        Node::Scalar(scalar)
            if scalar.reading() == Reading::Text && scalar.tag.is_none() && block_suits(&scalar.text) =>
        {
            return block(out, &scalar.text, depth);
        }
        Node::Scalar(scalar) => out.push_str(&on_one_line(scalar)),
    }
    out.push('\n');
}

/// A scalar on one line: as it was written where it had no quotes.
fn on_one_line(scalar: &Scalar) -> String {
    let Scalar { text, plain, tag } = scalar;
    let body = match plain {
        true if tag.is_some() && text.is_empty() => String::new(),
        true if stands_alone(text) => text.clone(),
        true if text.is_empty() => "null".to_owned(),
        _ if tag.is_some() => in_quotes(text),
        _ => one_line(text),
    };
    match tag {
        Some(tag) if body.is_empty() => tag.to_string(),
        Some(tag) => format!("{tag} {body}"),
        None => body,
    }
}

/// Whether text that a reader took without quotes can stand so again, in block layout.
fn stands_alone(text: &str) -> bool {
    let first = |c: char| !c.is_whitespace() && !",[]{}#&*!|>'\"%@`".contains(c);
    let follows = |c: char| !c.is_whitespace() && !",[]{}".contains(c);
    let mut chars = text.chars();
    let begins = match chars.next() {
        Some('-' | '?' | ':') => chars.next().is_some_and(follows),
        Some(c) => first(c),
        None => false,
    };
    begins
        && text.chars().all(|c| c == '\t' || printable(c))
        && !text.ends_with([' ', '\t', ':'])
        && !text.contains(": ")
        && !text.contains(":\t")
        && !text.contains(" #")
        && !text.contains("\t#")
        && !text.starts_with("---")
        && !text.starts_with("...")
}

/// Whether text of several lines reads back exactly from a block, and well.
fn block_suits(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with(['\n', ' ', '\t'])
        && text.chars().all(|c| c == '\n' || c == '\t' || printable(c))
        // A line of nothing but blanks would depend on how the reader strips ends.
        && text.split('\n').all(|line| line.is_empty() || !line.trim_matches([' ', '\t']).is_empty())
}

fn block(out: &mut String, text: &str, depth: usize) {
    let body = text.strip_suffix('\n');
    out.push_str(match body {
        None => "|-",
        Some(body) if body.ends_with('\n') => "|+",
        Some(_) => "|",
    });
    out.push('\n');
    for line in body.unwrap_or(text).split('\n') {
        if !line.is_empty() {
            indent(out, depth);
            out.push_str(line);
        }
        out.push('\n');
    }
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// The text on one line: as it is where that is safe, else in double quotes.
fn one_line(text: &str) -> String {
    if is_safe(text) { text.to_owned() } else { in_quotes(text) }
}

fn in_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if printable(c) => out.push(c),
            // Writing to a String cannot fail.
            c if u32::from(c) <= 0xff => _ = write!(out, "\\x{:02X}", u32::from(c)),
            c if u32::from(c) <= 0xffff => _ = write!(out, "\\u{:04X}", u32::from(c)),
            c => _ = write!(out, "\\U{:08X}", u32::from(c)),
        }
    }
    out.push('"');
    out
}

/// Whether a reader takes the character as it is, in any version of YAML and inside a line.
fn printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Whether text without quotes is text to every reader.
fn is_safe(text: &str) -> bool {
    // What begins with a letter or a slash is no number, no time and no indicator.
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " /._-+=@:".contains(c))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null" | "nan" | "inf"
        )
}

#[cfg(test)]
mod tests {
    use super::super::{Budget, parse_documents, parse_nodes};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn writes_blocks() {
        let value = json!({
            "cluster": {"name": "talos", "empty": {}, "none": null, "list": []},
            "machines": [{"id": "a", "tags": ["x", "z"]}, [1, [2, 3]], "text"],
            "script": "#!/bin/sh\n\n  echo hi\n",
            "cut": "one\ntwo",
            "spaced": "one\n\n\n",
        });
        let expected = "\
cluster:
  empty: {}
  list: []
  name: talos
  none: null
cut: |-
  one
  two
machines:
  - id: a
    tags:
      - x
      - z
  - - 1
    - - 2
      - 3
  - text
script: |
  #!/bin/sh

    echo hi
spaced: |+
  one


";
        assert_eq!(to_string(&value), expected);
        assert_eq!(parse_documents(expected), Ok(vec![value]));
    }

    #[test]
    fn quotes_what_could_be_something_else() {
        let table = [
            ("plain", "plain"),
            ("two words", "two words"),
            ("ghcr.io/siderolabs/installer:v1.13.5", "ghcr.io/siderolabs/installer:v1.13.5"),
            ("/dev/sda", "/dev/sda"),
            ("k=v", "k=v"),
            ("", r#""""#),
            ("~", r#""~""#),
            ("null", r#""null""#),
            ("Null", r#""Null""#),
            ("true", r#""true""#),
            ("False", r#""False""#),
            ("yes", r#""yes""#),
            ("No", r#""No""#),
            ("on", r#""on""#),
            ("OFF", r#""OFF""#),
            ("y", r#""y""#),
            ("N", r#""N""#),
            (".inf", r#"".inf""#),
            (".NaN", r#"".NaN""#),
            ("0", r#""0""#),
            ("0777", r#""0777""#),
            ("0o17", r#""0o17""#),
            ("0x1f", r#""0x1f""#),
            ("1_000", r#""1_000""#),
            ("1e3", r#""1e3""#),
            ("12:30", r#""12:30""#),
            ("2024-01-02", r#""2024-01-02""#),
            ("-1", r#""-1""#),
            ("+1", r#""+1""#),
            (".5", r#"".5""#),
            ("<<", r#""<<""#),
            ("=", r#""=""#),
            ("- a", r#""- a""#),
            ("a: b", r#""a: b""#),
            ("a:", r#""a:""#),
            ("a #b", r#""a #b""#),
            ("#a", r##""#a""##),
            ("*a", r#""*a""#),
            ("&a", r#""&a""#),
            ("!a", r#""!a""#),
            ("%a", r#""%a""#),
            ("@a", r#""@a""#),
            ("`a", r#""`a""#),
            ("{a}", r#""{a}""#),
            ("[a]", r#""[a]""#),
            ("a, b", r#""a, b""#),
            ("|", r#""|""#),
            (">", r#"">""#),
            ("?", r#""?""#),
            ("---", r#""---""#),
            ("...", r#""...""#),
            ("it's", r#""it's""#),
            ("say \"hi\"", r#""say \"hi\"""#),
            ("back\\slash", r#""back\\slash""#),
            (" led", r#"" led""#),
            ("trailed ", r#""trailed ""#),
            ("tab\there", r#""tab\there""#),
            ("bell\u{7}", r#""bell\x07""#),
            ("next\u{85}line", r#""next\x85line""#),
            ("line\u{2028}", r#""line\u2028""#),
            ("mark\u{feff}", r#""mark\uFEFF""#),
            ("é😀", r#""é😀""#),
            ("\u{10ffff}", "\"\u{10ffff}\""),
        ];
        for (text, expected) in table {
            let value = json!({ "k": text });
            let written = to_string(&value);
            assert_eq!(written, format!("k: {expected}\n"));
            assert_eq!(parse_documents(&written), Ok(vec![value]), "{written}");
            // As a key it must be as safe.
            let value = json!({ text: 1 });
            assert_eq!(parse_documents(&to_string(&value)), Ok(vec![value]), "{text:?} as a key");
        }
    }

    #[test]
    fn long_keys_are_marked() {
        let value = json!({ "k".repeat(3000): {"a": [1]}, "z": { "\n".repeat(1500): "x\ny\n" } });
        assert_eq!(parse_documents(&to_string(&value)), Ok(vec![value]));
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z0-9 :#\\-_.\n\t'\"]{0,16}",
            "\\PC{0,12}",
            any::<String>(),
            prop::sample::select(vec![
                "yes",
                "0777",
                "1_000",
                "12:30",
                "2024-01-02",
                "null",
                "~",
                "<<",
                "a\n \nb",
                "\n"
            ])
            .prop_map(str::to_owned),
        ]
    }

    /// What stands without quotes in documents of others.
    fn plain() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-zA-Z0-9_.:+~/=<>-]{0,12}",
            "[a-z?:-][ -~]{0,8}",
            prop::sample::select(vec![
                "0022",
                "1.10",
                "True",
                "0x1F",
                "1_000",
                "yes",
                "~",
                "",
                ".inf",
                "2024-01-02",
                "12:30",
                "<<",
                "=",
                "- a",
                "a: b",
                "a #b",
                "---",
                "-",
                "?x",
                ":x",
                "10.0.0.0/8",
            ])
            .prop_map(str::to_owned),
        ]
    }

    fn scalar() -> impl Strategy<Value = Scalar> {
        let tag = prop::option::weighted(0.1, prop::sample::select(vec!["!!str", "!local", "!!binary", "!<tag:x:y>"]));
        prop_oneof![
            text().prop_map(Scalar::quoted),
            // Whatever a reader takes for one scalar without quotes.
            plain().prop_filter_map("not plain", |text| {
                match parse_nodes(&format!("a: {text}\n"), &mut Budget::default()).ok()?.pop()? {
                    Node::Map(mut entries) => match entries.pop()?.1 {
                        Node::Scalar(scalar) => Some(scalar),
                        _ => None,
                    },
                    _ => None,
                }
            }),
            (text(), tag).prop_map(|(text, tag)| Scalar { text, plain: false, tag: tag.map(Into::into) }),
        ]
    }

    fn node() -> impl Strategy<Value = Node> {
        scalar().prop_map(Node::Scalar).prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Node::List),
                prop::collection::vec((scalar(), inner), 0..4).prop_map(|mut entries| {
                    let mut seen = std::collections::HashSet::new();
                    entries.retain(|(key, _)| seen.insert(key.key().to_owned()));
                    Node::Map(entries)
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_reads_the_same(node in node()) {
            let written = write(&node);
            let read = parse_nodes(&written, &mut Budget::default());
            prop_assert!(
                matches!(&read, Ok(documents) if documents.len() == 1 && documents[0].same(&node)),
                "{:?}\n{:?}\n{}", node, read, written
            );
        }

        #[test]
        fn no_text_panics(text in text()) {
            if let Ok(documents) = parse_documents(&text) {
                for document in &documents {
                    prop_assert_eq!(parse_documents(&to_string(document)), Ok(vec![document.clone()]));
                }
            }
        }
    }
}
