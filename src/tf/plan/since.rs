//! The releases of the service that a configuration needs, by its schema.

use super::unset::initial;
use crate::tf::path::Path;
use crate::tf::schema::{Attribute, Kind, Nesting, Schema, Since};
use crate::tf::value::Value;

/// The configured attributes that need a release, with the release. A value that older releases have anyway needs none.
#[must_use]
pub fn needed(schema: &Schema, config: &Value, planned: &Value) -> Vec<(Path, Since)> {
    let mut found = Vec::new();
    collect(&schema.attributes, config, planned, &Path::root(), &mut found);
    found
}

fn collect(attributes: &[Attribute], config: &Value, planned: &Value, at: &Path, found: &mut Vec<(Path, Since)>) {
    for attribute in attributes.iter().filter(|a| a.configurable()) {
        let given = config.get(attribute.name);
        if !given.is_set() {
            continue;
        }
        let path = at.attribute(attribute.name);
        // A write-only value is in the configuration alone.
        let value = if attribute.write_only { given } else { planned.get(attribute.name) };
        if let Some(since) = attribute.since.filter(|since| applies(attribute, *since, value)) {
            found.push((path.clone(), since));
        }
        if let Kind::Nested(Nesting::Single, nested) = &attribute.kind {
            collect(nested, given, value, &path, found);
        }
    }
}

fn applies(attribute: &Attribute, since: Since, value: &Value) -> bool {
    if !since.values.is_empty() {
        return value.as_str().is_some_and(|text| since.values.contains(&text));
    }
    value.is_set() && initial(attribute).is_none_or(|initial| !super::means_same(&initial, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{boolean, object, string};

    #[test]
    fn what_older_releases_would_not_do_needs_a_newer_one() {
        let schema = Schema::new("A thing.")
            .with(boolean("enabled").default(true).since("1.10"))
            .with(boolean("skip").initially(false).since("1.9"))
            .with(string("role").required().since_for("1.8", &["New"]))
            .with(string("secret").write_only().since("1.7"))
            .with(
                object("rolling", vec![string("type").required(), string("pace").since("1.6")])
                    .initially(Value::object([("type", "Unset")].map(|(k, v)| (k, Value::from(v)))))
                    .since("1.5"),
            );
        let rolling = |kind: &str, pace: Value| Value::object([("type", kind.into()), ("pace", pace)]);
        for (name, value, releases) in [
            ("enabled", Value::from(true), &[][..]),
            ("enabled", false.into(), &["1.10"]),
            ("enabled", Value::UNKNOWN, &[]),
            ("skip", false.into(), &[]),
            ("skip", true.into(), &["1.9"]),
            ("role", "Old".into(), &[]),
            ("role", "New".into(), &["1.8"]),
            ("secret", "x".into(), &["1.7"]),
            ("rolling", rolling("Unset", Value::Null), &[]),
            ("rolling", rolling("Rolling", Value::Null), &["1.5"]),
            ("rolling", rolling("Rolling", "fast".into()), &["1.5", "1.6"]),
        ] {
            let mut config = schema.null_object();
            config.set(name, value.clone());
            let mut planned = config.clone();
            planned.set("secret", Value::Null);
            let found: Vec<_> = needed(&schema, &config, &planned).iter().map(|(_, since)| since.release).collect();
            assert_eq!(found, releases, "{name} = {value:?}");
        }
        // What nobody configures needs nothing, whatever is there.
        let mut planned = schema.null_object();
        planned.set("enabled", false.into());
        assert_eq!(needed(&schema, &schema.null_object(), &planned), []);
    }
}
