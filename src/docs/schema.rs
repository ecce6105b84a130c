//! The schema section of a page: attributes in three groups, nested attributes below with anchors of their own.

use crate::tf::check::Rule;
use crate::tf::schema::{Attribute, Kind, Mode, Nesting, Replace, Schema, Since, Unset};
use crate::tf::value::{Type, Value};

/// The attribute that bounds how long operations take; it gets a section of its own.
const TIMEOUTS: &str = "timeouts";

const WRITE_ONLY: &str =
    "[Write-only](https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments)";

/// A heading, and which attributes stand under it.
type Group = (&'static str, fn(&Attribute) -> bool);

/// The groups in which attributes are listed.
const GROUPS: [Group; 3] = [
    ("Required", |a| a.mode == Mode::Required),
    ("Optional", |a| matches!(a.mode, Mode::Optional | Mode::OptionalComputed)),
    ("Read-Only", |a| a.mode == Mode::Computed),
];

/// The section with its nested parts, and the section on timeouts where there is one.
pub(super) fn render(schema: &Schema) -> String {
    let mut text = String::from("## Schema\n");
    if schema.attributes.is_empty() {
        text.push_str("\nThere are no attributes.\n");
    }
    for (title, belongs) in GROUPS {
        let lines = lines(&schema.attributes, belongs, &[]);
        if !lines.is_empty() {
            text.push_str(&format!("\n### {title}\n\n{lines}"));
        }
    }
    text.push_str(&combinations(schema));
    nested(&mut text, &schema.attributes, &mut Vec::new());
    if let Some(timeouts) = schema.attribute(TIMEOUTS).filter(|a| !a.nested().is_empty()) {
        text.push_str(&self::timeouts(timeouts));
    }
    text
}

/// What must and must not be set together; nothing where anything goes.
fn combinations(schema: &Schema) -> String {
    let named = |names: &[&str]| names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    let exactly = |names: &[&str]| format!("- Exactly one of {} must be set.\n", named(names));
    let at_most = |names: &[&str]| format!("- At most one of {} may be set.\n", named(names));
    let rules = schema.rules.iter().map(|rule| match rule {
        Rule::ExactlyOne(names) => exactly(names),
        Rule::AtLeastOne(names) => format!("- At least one of {} must be set.\n", named(names)),
        Rule::AtMostOne(names) => at_most(names),
        Rule::Needs(name, other) => format!("- `{name}` needs `{other}`.\n"),
    });
    let secrets = schema.write_only.iter().map(|secret| {
        let [plain, hidden, version] =
            [secret.plain, secret.secret, secret.version].map(|n| secret.path(n).to_string());
        let forms = [plain.as_str(), hidden.as_str()];
        let forms = if secret.is_required() { exactly(&forms) } else { at_most(&forms) };
        // A number that several secrets share is told of with the first of them.
        let all: Vec<_> =
            schema.write_only.iter().filter(|other| secret.path(other.version).to_string() == version).collect();
        if all.first().is_some_and(|first| first.secret != secret.secret) {
            return forms;
        }
        let any: Vec<_> = all.iter().map(|secret| format!("`{}`", secret.path(secret.secret))).collect();
        format!("{forms}- `{version}` needs {}.\n", any.join(" or "))
    });
    let lines: String = rules.chain(secrets).collect();
    if lines.is_empty() { lines } else { format!("\n### Combinations\n\n{lines}") }
}

/// The name of a type, as the registry's pages write it.
pub(super) fn type_name(of: &Type) -> String {
    match of {
        Type::String => "String".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::Bool => "Boolean".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(element) => format!("List of {}", type_name(element)),
        Type::Set(element) => format!("Set of {}", type_name(element)),
        Type::Map(element) => format!("Map of {}", type_name(element)),
        Type::Tuple(_) => "Tuple".to_owned(),
        Type::Object(..) => "Object".to_owned(),
    }
}

/// One line for each attribute of a group, by name.
fn lines(attributes: &[Attribute], belongs: fn(&Attribute) -> bool, parents: &[&str]) -> String {
    sorted(attributes).into_iter().filter(|a| belongs(a)).map(|a| line(a, parents)).collect()
}

fn sorted(attributes: &[Attribute]) -> Vec<&Attribute> {
    let mut sorted: Vec<_> = attributes.iter().collect();
    sorted.sort_by_key(|a| a.name);
    sorted
}

fn line(attribute: &Attribute, parents: &[&str]) -> String {
    let mut sentences = Vec::new();
    let description = attribute.description.trim();
    if !description.is_empty() {
        // More lines have to stand under the first to stay in the list.
        sentences.push(description.replace('\n', "\n  ").replace("\n  \n", "\n\n"));
    } else if attribute.name == "id" && attribute.mode == Mode::Computed {
        sentences.push("The ID of the object.".to_owned());
    }
    if let Some(default) = &attribute.default {
        sentences.push(format!("Defaults to `{}`.", literal(default)));
    }
    match &attribute.unset {
        Unset::Own | Unset::Nothing => {}
        Unset::Initial(Value::Object(members)) if members.is_empty() => sentences.push(LEFT_OUT.to_owned()),
        Unset::Initial(value) => {
            sentences.push(format!("Defaults to `{}` on creation. {LEFT_OUT}", literal(&set(value))))
        }
        Unset::Stays(_) => sentences.push("Removing it from the configuration keeps its value.".to_owned()),
    }
    if let Some(since) = attribute.since {
        sentences.push(needs(attribute, since));
    }
    match attribute.replace {
        Replace::Never => {}
        Replace::Always => sentences.push("Changing this forces replacement.".to_owned()),
        Replace::If(_) if attribute.description.contains("forces replacement") => {}
        Replace::If(_) => sentences.push("Some changes of this force replacement.".to_owned()),
    }
    if let Some(why) = attribute.deprecated {
        sentences.push(format!("**Deprecated:** {why}"));
    }
    if !attribute.nested().is_empty() {
        sentences.push(if is_timeouts(attribute, parents) {
            "See [Timeouts](#timeouts).".to_owned()
        } else {
            format!("See [below for nested schema](#{}).", anchor(parents, attribute.name))
        });
    }
    let text = sentences.join(" ");
    let space = if text.is_empty() { "" } else { " " };
    format!("- `{}` ({}){space}{text}\n", attribute.name, traits(attribute))
}

/// What holds of a value that an object begins with.
const LEFT_OUT: &str = "If unset, the value in Omni is not managed; removing it from the configuration resets it.";

/// The value without the members that are not set.
fn set(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::object(members.iter().filter(|(_, v)| !v.is_null()).map(|(name, v)| (name.clone(), v.clone())))
        }
        other => other.clone(),
    }
}

/// Which release an attribute needs.
fn needs(attribute: &Attribute, Since { release, values }: Since) -> String {
    let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
    match values.len() {
        0 if attribute.mode == Mode::Computed => format!("Set by Omni {release} and later."),
        0 => format!("Requires Omni {release} or later."),
        1 => format!("{} requires Omni {release} or later.", values.concat()),
        _ => format!("{} require Omni {release} or later.", values.join(", ")),
    }
}

fn traits(attribute: &Attribute) -> String {
    let mut traits = vec![match &attribute.kind {
        Kind::Plain(of) => type_name(of),
        Kind::Nested(Nesting::Single, _) => "Attributes".to_owned(),
        Kind::Nested(Nesting::List, _) => "Attributes List".to_owned(),
        Kind::Nested(Nesting::Set, _) => "Attributes Set".to_owned(),
        Kind::Nested(Nesting::Map, _) => "Attributes Map".to_owned(),
    }];
    if attribute.sensitive {
        traits.push("Sensitive".to_owned());
    }
    if attribute.deprecated.is_some() {
        traits.push("Deprecated".to_owned());
    }
    if attribute.write_only {
        traits.push(WRITE_ONLY.to_owned());
    }
    traits.join(", ")
}

/// A part for each attribute that has attributes of its own, each followed by its own nested parts.
fn nested<'a>(text: &mut String, attributes: &'a [Attribute], parents: &mut Vec<&'a str>) {
    for attribute in sorted(attributes) {
        if attribute.nested().is_empty() || is_timeouts(attribute, parents) {
            continue;
        }
        let anchor = anchor(parents, attribute.name);
        parents.push(attribute.name);
        text.push_str(&format!("\n<a id=\"{anchor}\"></a>\n### Nested Schema for `{}`\n", parents.join(".")));
        for (title, belongs) in GROUPS {
            let lines = lines(attribute.nested(), belongs, parents);
            if !lines.is_empty() {
                text.push_str(&format!("\n{title}:\n\n{lines}"));
            }
        }
        nested(text, attribute.nested(), parents);
        parents.pop();
    }
}

fn anchor(parents: &[&str], name: &str) -> String {
    let mut anchor = String::from("nestedatt");
    for part in parents.iter().copied().chain([name]) {
        anchor.push_str("--");
        anchor.push_str(part);
    }
    anchor
}

fn is_timeouts(attribute: &Attribute, parents: &[&str]) -> bool {
    parents.is_empty() && attribute.name == TIMEOUTS
}

fn timeouts(attribute: &Attribute) -> String {
    let lines = lines(attribute.nested(), |_| true, &[TIMEOUTS]);
    format!(
        "\n<a id=\"{}\"></a>\n## Timeouts\n\n\
        The `{TIMEOUTS}` attribute limits the duration of each operation.\n\
        A duration is a number with a unit, such as `90s`, `10m` or `1h30m`.\n\n{lines}",
        anchor(&[], TIMEOUTS)
    )
}

/// A value as a configuration would write it.
fn literal(value: &Value) -> String {
    match value {
        Value::Null | Value::Unknown(_) => "null".to_owned(),
        Value::String(text) => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
        }
        Value::Number(number) => number.normalized().to_plain_string(),
        Value::Bool(b) => b.to_string(),
        Value::List(elements) | Value::Set(elements) | Value::Tuple(elements) => {
            format!("[{}]", elements.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        Value::Map(entries) | Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Map(entries) | Value::Object(entries) => {
            let entries: Vec<_> = entries.iter().map(|(name, value)| format!("{name} = {}", literal(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Dynamic(_, value) => literal(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_read_like_configuration() {
        for (value, expected) in [
            (Value::from("8760h"), r#""8760h""#),
            (Value::from("a\"b\\é\n"), r#""a\"b\\é\n""#),
            (Value::from(400), "400"),
            (Value::from(true), "true"),
            (Value::List(vec![]), "[]"),
            (Value::Set(vec!["a".into(), 1.into()]), r#"["a", 1]"#),
            (Value::object::<&str>([]), "{}"),
            (Value::object([("a", 1.into()), ("b", Value::Null)]), "{ a = 1, b = null }"),
        ] {
            assert_eq!(literal(&value), expected);
        }
    }

    #[test]
    fn rows_say_what_they_need_and_how_they_begin() {
        use crate::tf::schema::{boolean, object, string};
        for (attribute, expected) in [
            (boolean("a").doc("A.").since("1.9"), "- `a` (Boolean) A. Requires Omni 1.9 or later.\n".to_owned()),
            (
                string("a").computed().doc("A.").since("1.8"),
                "- `a` (String) A. Set by Omni 1.8 and later.\n".to_owned(),
            ),
            (
                string("a").doc("A.").since_for("1.10", &["X"]),
                "- `a` (String) A. `X` requires Omni 1.10 or later.\n".to_owned(),
            ),
            (
                boolean("a").doc("A.").initially(false),
                format!("- `a` (Boolean) A. Defaults to `false` on creation. {LEFT_OUT}\n"),
            ),
            (
                object("a", vec![string("b"), string("c")])
                    .doc("A.")
                    .initially(Value::object([("b", "x".into()), ("c", Value::Null)])),
                format!(
                    "- `a` (Attributes) A. Defaults to `{{ b = \"x\" }}` on creation. {LEFT_OUT} See [below for nested schema](#nestedatt--a).\n"
                ),
            ),
            (
                string("a").doc("A.").remains("It does."),
                "- `a` (String) A. Removing it from the configuration keeps its value.\n".to_owned(),
            ),
        ] {
            assert_eq!(line(&attribute, &[]), expected);
        }
    }

    #[test]
    fn types_have_the_names_of_the_registry() {
        for (of, expected) in [
            (Type::list(Type::String), "List of String"),
            (Type::map(Type::set(Type::Number)), "Map of Set of Number"),
            (Type::Bool, "Boolean"),
            (Type::object::<&str>([]), "Object"),
        ] {
            assert_eq!(type_name(&of), expected);
        }
    }
}
