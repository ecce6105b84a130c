//! Checks of a configuration against its schema, with the path of what is wrong.

use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::schema::{Attribute, Kind, Mode, Nesting, Schema};
use crate::tf::value::Value;

/// Runs every check of the schema over a configuration; unknown values pass until they are known.
pub fn validate(schema: &Schema, config: &Value, write_only_allowed: bool, diags: &mut Diagnostics) {
    attributes(&schema.attributes, config, &Path::root(), write_only_allowed, diags);
    schema.rules.iter().for_each(|rule| rule.run(config, diags));
}

fn attributes(all: &[Attribute], config: &Value, at: &Path, write_only_allowed: bool, diags: &mut Diagnostics) {
    for attribute in all {
        let (value, path) = (config.get(attribute.name), at.attribute(attribute.name));
        if value.is_null() {
            // At the top the host itself looks for what is missing.
            if attribute.mode == Mode::Required && !at.is_root() {
                diags.push(Diagnostic::error("Missing attribute", format!("`{path}` must be set.")).at(path));
            }
            continue;
        }
        if attribute.mode == Mode::Computed {
            let detail = format!("`{path}` is computed by the provider.");
            diags.push(Diagnostic::error("Attribute cannot be set", detail).hint("Take it out.").at(path));
            continue;
        }
        if attribute.write_only && !write_only_allowed {
            diags.push(
                Diagnostic::error("Write-only attribute", format!("This version of Terraform or OpenTofu does not know write-only attributes such as `{path}`, and would keep its value in the state."))
                    .hint("Use version 1.11 or later, or the attribute without `_wo`.")
                    .at(path),
            );
            continue;
        }
        if let Some(why) = attribute.deprecated {
            diags.push(Diagnostic::warning("Attribute is deprecated", why).at(path.clone()));
        }
        if value.is_unknown() {
            continue;
        }
        for check in &attribute.checks {
            if let Err(refusal) = check.run(value) {
                diags.push(Diagnostic::error(format!("Invalid value of `{path}`"), refusal).at(path.clone()));
            }
        }
        if let Kind::Nested(nesting, nested) = &attribute.kind {
            elements(*nesting, value, &path, &mut |value, path| {
                attributes(nested, value, path, write_only_allowed, diags);
            });
        }
    }
}

/// Visits the objects of a nested attribute. Elements of a set have no path of their own.
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
