//! Checks of a configuration against its schema, with the path of what is wrong.

use crate::tf::check::Broken;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::schema::{Attribute, Kind, LONGEST_LINE, Mode, Nesting, Schema};
use crate::tf::value::Value;
use crate::tf::write_only;
use kit::text::{is_unseen, quoted};

/// Runs every check of the schema over a configuration; unknown values pass until they are known.
pub fn validate(schema: &Schema, config: &Value, write_only_allowed: bool, diags: &mut Diagnostics) {
    attributes(&schema.attributes, config, &Path::root(), &Host { schema, write_only_allowed }, diags);
    let mut broken = Broken::default();
    schema.rules.iter().for_each(|rule| rule.run(config, &mut broken));
    write_only::check(schema, config, &mut broken);
    broken.tell(diags);
}

/// What bears on every attribute.
struct Host<'s> {
    schema: &'s Schema,
    write_only_allowed: bool,
}

fn attributes(all: &[Attribute], config: &Value, at: &Path, host: &Host<'_>, diags: &mut Diagnostics) {
    for attribute in all {
        let (value, path) = (config.get(attribute.name).bare(), at.attribute(attribute.name));
        if value.is_null() {
            // The host itself misses an attribute that is not written at all, but lets an explicit null pass.
            if attribute.mode == Mode::Required {
                let detail = format!("`{path}` is required and must not be null.");
                diags.push(Diagnostic::error("Missing attribute", detail).hint(format!("Set `{path}`.")).at(path));
            }
            continue;
        }
        if attribute.mode == Mode::Computed {
            let detail = format!("`{path}` is computed by the provider.");
            diags.push(Diagnostic::error("Attribute cannot be set", detail).hint("Take it out.").at(path));
            continue;
        }
        if attribute.write_only && !host.write_only_allowed {
            let detail = format!(
                "This version of Terraform or OpenTofu does not know write-only attributes such as `{path}`, and would keep its value in the state."
            );
            let instead = match host.schema.write_only_at(&path) {
                Some(secret) => format!("set `{}`, which the state keeps", secret.path(secret.plain)),
                None => "leave the attribute out".to_owned(),
            };
            let hint = format!("Use Terraform or OpenTofu 1.11 or later, or {instead}.");
            diags.push(Diagnostic::error("Write-only attribute", detail).hint(hint).at(path));
            continue;
        }
        if let Some(why) = attribute.deprecated {
            diags.push(Diagnostic::warning("Attribute is deprecated", why).at(path.clone()));
        }
        if value.is_unknown() {
            continue;
        }
        // The first refusal stands for the value: what else is wrong with it shows once that is right.
        let line = attribute.line.and_then(|longest| not_a_line(value, longest));
        if let Some(refusal) = line.or_else(|| attribute.checks.iter().find_map(|check| check.run(value).err())) {
            let detail = if attribute.sensitive || attribute.write_only { veiled(refusal, value) } else { refusal };
            diags.push(Diagnostic::error(format!("Invalid value of `{path}`"), detail).at(path.clone()));
        }
        if let Kind::Nested(nesting, nested) = &attribute.kind {
            if let Some(refusal) = bad_key(value) {
                diags.push(Diagnostic::error(format!("Invalid value of `{path}`"), refusal).at(path.clone()));
            }
            elements(*nesting, value, &path, &mut |value, path| {
                attributes(nested, value, path, host, diags);
            });
        }
    }
}

/// Why a text, or a text among several, is no line of at most so many bytes. The text itself is not repeated: it can be anything.
fn not_a_line(value: &Value, longest: usize) -> Option<String> {
    match value {
        Value::String(text) if text.len() > longest => {
            Some(format!("The text has {} bytes, and at most {longest} are allowed.", text.len()))
        }
        Value::String(text) => {
            let (at, c) = text.char_indices().find(|(_, c)| is_unseen(*c))?;
            let last = text[at..].trim().is_empty();
            let kind = if c.is_control() { "control" } else { "invisible" };
            let name = if c == '\n' { " (a line break)" } else { "" };
            let advice = if last { " `trimspace` removes it." } else { "" };
            Some(format!(
                "The text contains the {kind} character U+{:04X}{name} at byte {}, and must be one line without such characters.{advice}",
                u32::from(c),
                at + 1
            ))
        }
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            items.iter().find_map(|item| not_a_line(item, longest))
        }
        _ => None,
    }
}

/// Why a key of a map of objects, which are named by their keys, is no line.
fn bad_key(value: &Value) -> Option<String> {
    let Value::Map(entries) = value else { return None };
    let refused = |key: &String| not_a_line(&Value::from(key.as_str()), LONGEST_LINE);
    entries.keys().find_map(|key| Some(format!("The key {} cannot be used. {}", quoted(key), refused(key)?)))
}

/// The refusal of a secret value, unless it repeats the secret: hosts print diagnostics in the clear. Empty text is no secret.
fn veiled(refusal: String, value: &Value) -> String {
    match value.as_str() {
        Some(secret) if secret.is_empty() || !refusal.contains(secret) => refusal,
        _ => "The value is not allowed. It is not shown, because it is sensitive.".to_owned(),
    }
}

/// Visits the objects of a nested attribute. Elements of a set have no path: they are visited with the path of the set.
fn elements(nesting: Nesting, value: &Value, path: &Path, each: &mut impl FnMut(&Value, &Path)) {
    match (nesting, value) {
        (Nesting::Single, object @ Value::Object(_)) => each(object, path),
        (Nesting::List, list) => {
            for (i, item) in list.elements().iter().enumerate().filter(|(_, v)| matches!(v, Value::Object(_))) {
                each(item, &path.index(i));
            }
        }
        (Nesting::Set, set) => {
            set.elements().iter().filter(|v| matches!(v, Value::Object(_))).for_each(|item| each(item, path));
        }
        (Nesting::Map, Value::Map(entries)) => {
            for (key, item) in entries.iter().filter(|(_, v)| matches!(v, Value::Object(_))) {
                each(item, &path.key(key));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::check::{Rule, not_empty, one_of};
    use crate::tf::schema::{object, objects, plain, string};
    use crate::tf::value::Type;

    fn found(schema: &Schema, config: &Value, write_only_allowed: bool) -> Vec<String> {
        let mut diags = Diagnostics::new();
        validate(schema, config, write_only_allowed, &mut diags);
        diags.iter().map(|d| format!("{}: {}", d.path.clone().unwrap_or_default(), d.summary)).collect()
    }

    #[test]
    fn every_nesting_is_checked_and_named() {
        let inner = || vec![string("key").required().check(not_empty())];
        let with = |name, nesting| {
            let mut attribute = objects(name, inner());
            attribute.kind = Kind::Nested(nesting, inner());
            attribute
        };
        let schema = Schema::new("A thing.")
            .with(object("one", inner()))
            .with(with("list", Nesting::List))
            .with(with("map", Nesting::Map))
            .with(with("set", Nesting::Set));
        let item = |key: Value| Value::object([("key", key)]);
        let config = Value::object([
            ("one", item("".into())),
            ("list", Value::List(vec![item("a".into()), item(Value::Null), item(Value::UNKNOWN), Value::UNKNOWN])),
            ("map", Value::Map([("a b".to_owned(), item("".into()))].into())),
            ("set", Value::Set(vec![item("".into())])),
        ]);
        assert_eq!(
            found(&schema, &config, true),
            [
                "one.key: Invalid value of `one.key`",
                "list[1].key: Missing attribute",
                r#"map["a b"].key: Invalid value of `map["a b"].key`"#,
                "set.key: Invalid value of `set.key`",
            ]
        );
    }

    #[test]
    fn keys_of_objects_are_names() {
        let mut map = objects("map", vec![string("key")]);
        map.kind = Kind::Nested(Nesting::Map, vec![string("key")]);
        let schema = Schema::new("A thing.").with(map);
        let said = |key: &str| {
            let config =
                Value::object([("map", Value::Map([(key.to_owned(), Value::object([("key", Value::Null)]))].into()))]);
            found(&schema, &config, true)
        };
        assert!(said("a b").is_empty(), "{:?}", said("a b"));
        for key in ["a\u{202e}", "a\n", &"x".repeat(LONGEST_LINE + 1)] {
            assert_eq!(said(key), ["map: Invalid value of `map`"]);
        }
    }

    #[test]
    fn a_text_is_one_line_unless_it_is_a_document() {
        let schema = Schema::new("A thing.")
            .with(string("id"))
            .with(string("path").at_most(4))
            .with(string("text").document())
            .with(plain("all", Type::list(Type::String)));
        let refused = |name: &str, value: Value| {
            let mut config = schema.null_object();
            config.set(name, value);
            let mut diags = Diagnostics::new();
            validate(&schema, &config, true, &mut diags);
            let said: Vec<_> =
                diags.iter().map(|d| format!("{}: {}", d.path.clone().unwrap_or_default(), d.detail)).collect();
            said.join("; ")
        };
        for (name, value, says) in [
            ("id", Value::from("ä b 日本"), ""),
            ("id", "pro\u{202e}d".into(), "id: The text contains the invisible character U+202E at byte 4,"),
            ("id", "\u{2066}prod".into(), "id: The text contains the invisible character U+2066 at byte 1,"),
            ("id", "prod\u{200b}".into(), "id: The text contains the invisible character U+200B at byte 5,"),
            ("id", "x".repeat(LONGEST_LINE).into(), ""),
            ("id", "x".repeat(LONGEST_LINE + 1).into(), "id: The text has 1025 bytes, and at most 1024 are allowed."),
            ("path", "abcde".into(), "path: The text has 5 bytes, and at most 4 are allowed."),
            ("id", "ab\u{85}c".into(), "id: The text contains the control character U+0085 at byte 3,"),
            ("id", "a\u{1b}[31m".into(), "id: The text contains the control character U+001B at byte 2,"),
            (
                "id",
                "ab\n".into(),
                "U+000A (a line break) at byte 3, and must be one line without such characters. `trimspace`",
            ),
            (
                "all",
                Value::List(vec!["a".into(), Value::UNKNOWN, "b\t".into()]),
                "all: The text contains the control character U+0009",
            ),
            ("text", "a\nb".repeat(10_000).into(), ""),
        ] {
            let said = refused(name, value);
            assert!(said.contains(says) && said.is_empty() == says.is_empty(), "{name}: {said}");
        }
    }

    #[test]
    fn an_explicit_null_is_not_enough_for_a_required_attribute() {
        let schema = Schema::new("A thing.").with(string("name").required());
        assert_eq!(found(&schema, &schema.null_object(), true), ["name: Missing attribute"]);
        assert!(found(&schema, &Value::object([("name", Value::UNKNOWN)]), true).is_empty());
    }

    #[test]
    fn a_secret_does_not_come_back_in_the_diagnostic() {
        let schema = Schema::new("A thing.").with(string("mode").sensitive().check(one_of(&["a", "b"])));
        let mut diags = Diagnostics::new();
        validate(&schema, &Value::object([("mode", Value::from("hunter2"))]), true, &mut diags);
        let text: String = diags.iter().map(Diagnostic::text).collect();
        assert!(text.contains("not allowed") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_secret_that_is_not_repeated_keeps_its_reason() {
        let schema = Schema::new("A thing.").with(string("key").write_only().check(one_short()));
        let mut diags = Diagnostics::new();
        validate(&schema, &Value::object([("key", Value::from("hunter2"))]), true, &mut diags);
        assert_eq!(diags.iter().map(Diagnostic::text).collect::<Vec<_>>(), ["It is too long."]);
    }

    fn one_short() -> crate::tf::check::Check {
        crate::tf::check::Check::text(|t| if t.len() > 3 { Err("It is too long.".into()) } else { Ok(()) })
    }

    #[test]
    fn rules_wait_for_what_is_unknown() {
        let rules = [
            (Rule::Needs("a", "b"), vec![("a", Value::from("x"))], true),
            (Rule::Needs("a", "b"), vec![("a", Value::from("x")), ("b", Value::UNKNOWN)], false),
            (Rule::Needs("a", "b"), vec![("a", Value::UNKNOWN)], false),
            (Rule::ExactlyOne(&["a", "b"]), vec![], true),
            (Rule::ExactlyOne(&["a", "b"]), vec![("a", Value::UNKNOWN)], false),
            (Rule::ExactlyOne(&["a", "b"]), vec![("a", Value::from("x")), ("b", Value::from("y"))], true),
            (Rule::AtMostOne(&["a", "b"]), vec![], false),
        ];
        for (rule, set, refused) in rules {
            let what = format!("{rule:?} {set:?}");
            let schema = Schema::new("A thing.").with(string("a")).with(string("b")).rule(rule);
            let mut config = schema.null_object();
            set.into_iter().for_each(|(name, value)| config.set(name, value));
            assert_eq!(!found(&schema, &config, true).is_empty(), refused, "{what}");
        }
    }

    #[test]
    fn what_is_old_or_not_for_this_host_is_said() {
        let mut old = string("old");
        old.deprecated = Some("Use `new`.");
        let schema = Schema::new("A thing.")
            .with(old)
            .with(object("auth", vec![string("key_wo").write_only(), string("id").computed()]));
        let config = Value::object([
            ("old", Value::UNKNOWN),
            ("auth", Value::object([("key_wo", Value::UNKNOWN), ("id", Value::from("x"))])),
        ]);
        assert_eq!(
            found(&schema, &config, false),
            ["old: Attribute is deprecated", "auth.key_wo: Write-only attribute", "auth.id: Attribute cannot be set"]
        );
        assert_eq!(found(&schema, &config, true).len(), 2);
    }
}
