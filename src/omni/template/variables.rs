//! Placeholders: `{{name}}` stands for the value of a variable. It knows nothing of templates.

use super::nodes::At;
use super::{Problem, Problems};
use kit::text::closest;
use std::collections::{BTreeMap, BTreeSet};

/// See [`super::render_variables`].
pub(super) fn render(text: &str, variables: &BTreeMap<String, String>) -> Result<String, Problems> {
    let mut out = String::with_capacity(text.len());
    let mut problems: Vec<Problem> = Vec::new();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let (mut rest, mut at) = (text, At { line: 1, column: 1 });
    while let Some(start) = rest.find("{{") {
        let (before, found) = rest.split_at(start);
        out.push_str(before);
        at = after(at, before);
        let Some((name, length)) = placeholder(found) else {
            // One brace at a time: `{{{name}}}` has a placeholder too.
            out.push('{');
            at = after(at, "{");
            rest = &found[1..];
            continue;
        };
        match variables.get_key_value(name) {
            Some((name, value)) => {
                used.insert(name);
                out.push_str(value);
            }
            None => {
                let known: Vec<&str> = variables.keys().map(String::as_str).collect();
                let hint = closest(name, &known).map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default();
                problems.push(at.problem(format!("there is no variable {name:?}{hint}")));
            }
        }
        at = after(at, &found[..length]);
        rest = &found[length..];
    }
    out.push_str(rest);
    for name in variables.keys().filter(|name| !used.contains(name.as_str())) {
        problems.push(At::default().problem(match is_name(name) {
            true => format!("variable {name:?} is not used: there is no {{{{{name}}}}} in the template"),
            false => format!("variable {name:?} cannot be used: a name has letters, digits, `_` and `-`, and begins with a letter or `_`"),
        }));
    }
    if problems.is_empty() { Ok(out) } else { Err(Problems(problems)) }
}

/// The name in the placeholder with which the text begins, and how many bytes that is.
fn placeholder(text: &str) -> Option<(&str, usize)> {
    let inside = text.strip_prefix("{{")?;
    let (inside, _) = inside.split_once("}}")?;
    let name = inside.trim_matches([' ', '\t']);
    is_name(name).then_some((name, inside.len() + 4))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// The place behind a text that begins at a place.
fn after(at: At, text: &str) -> At {
    match text.rsplit_once('\n') {
        Some((before, last)) => {
            At { line: at.line + 1 + before.matches('\n').count(), column: 1 + last.chars().count() }
        }
        None => At { column: at.column + text.chars().count(), ..at },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_strict() {
        let variables = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        for (text, given, expected) in [
            ("name: {{name}}\n", &[("name", "prod")][..], Ok("name: prod\n")),
            ("{{ a }}{{a}}{{\tb-1 }}", &[("a", "x"), ("b-1", "y")], Ok("xxy")),
            // What is no placeholder stays as it is, and so do values.
            ("{{ $x }} {{ .Values.a }} {{}} {{a: b}} {{ x", &[], Ok("{{ $x }} {{ .Values.a }} {{}} {{a: b}} {{ x")),
            ("{{{a}}}", &[("a", "{{b}}")], Ok("{{{b}}}")),
            ("${name}", &[], Ok("${name}")),
            (
                "a: 1\nb: é{{nmae}}\n",
                &[("name", "x")],
                Err("line 2, column 5: there is no variable \"nmae\"; did you mean \"name\"?\n\
                 variable \"name\" is not used: there is no {{name}} in the template"),
            ),
            (
                "a",
                &[("no name", "x")],
                Err(
                    "variable \"no name\" cannot be used: a name has letters, digits, `_` and `-`, and begins with a letter or `_`",
                ),
            ),
        ] {
            let rendered = render(text, &variables(given)).map_err(|problems| problems.to_string());
            assert_eq!(rendered, expected.map(str::to_owned).map_err(str::to_owned), "{text:?}");
        }
    }
}
