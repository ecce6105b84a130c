//! Attributes that hold YAML: what is wrong with a text, as a diagnostic; and the field of a text that Omni may keep compressed.

use crate::omni::MAX_REQUEST;
use crate::omni::patch;
use crate::omni::patch::PatchError;
use crate::omni::spec::fields::Field;
use crate::provider::engine::Several;
use crate::provider::session::at;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::value::Value;
use crate::tf::write_only::WriteOnly;
use kit::yaml;
use kit::yaml::{Budget, Node};

/// The text, compressed or not. The compressed form wins on the server when both are set, so it has to go.
pub(crate) static TEXT: Several = Several {
    owned: &["data", "compressed_data"],
    write: |value, fields| fields.set("data", value.as_str().map(|text| Field::String(text.to_owned()))),
    // Reading it can fail, which only the step that derives can say.
    read: |_, _| Ok(Value::Null),
};

/// A text of a resource, in words.
pub(crate) struct Document {
    /// What it is: `patch`.
    pub(crate) noun: &'static str,
    /// The full name of the resource type.
    pub(crate) kind: &'static str,
    /// The attribute, and the one for a text that is a secret.
    pub(crate) attributes: &'static [&'static str],
}

impl Document {
    /// Refuses a text that is no YAML.
    pub(crate) fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        for (index, name) in self.attributes.iter().enumerate() {
            let Some(text) = config.get(name).as_str() else { continue };
            if let Err(error) = patch::nodes(text, &mut Budget::default()) {
                diags.push(self.unreadable(name, index > 0, &error));
            }
        }
    }

    /// What is wrong with a text that cannot be read, or not be sent.
    fn unreadable(&self, name: &str, secret: bool, error: &PatchError) -> Diagnostic {
        let Self { noun, kind, .. } = self;
        let split = format!("Split it into several `{kind}` resources.");
        let too_large = |detail: String| Diagnostic::error(format!("The {noun} is too large"), detail).at(at(name));
        match error {
            PatchError::TooLong(length) => too_large(format!(
                "It has {length} bytes, and Omni accepts requests of at most {MAX_REQUEST} (32 MiB), including everything else in the request."
            ))
            .hint(split),
            PatchError::TooMuch { length, cause } => {
                let memory = patch::size(yaml::MEMORY);
                let detail = format!(
                    "It has {}. At line {}, its values need more than {memory} of memory, which is the limit of the provider.",
                    patch::size(*length),
                    cause.line
                );
                match cause.excess {
                    Some(yaml::Excess::References) => too_large(format!(
                        "{detail} The content of an anchor (`&name`) counts for every alias (`*name`)."
                    ))
                    .hint(format!("Use fewer aliases. {split}")),
                    _ => too_large(detail).hint(split),
                }
            }
            PatchError::TooDeep(cause) => {
                let (line, column, most) = (cause.line, cause.column, yaml::limits::DEPTH);
                let detail = format!(
                    "At line {line}, column {column}, its lists and maps nest deeper than {most} levels, which is the limit of the provider."
                );
                Diagnostic::error(format!("The {noun} is nested too deeply"), detail)
                    .hint(format!("Use at most {most} levels of lists and maps."))
                    .at(at(name))
            }
            // The parser's own message may quote the text, and this one may be a secret.
            PatchError::NotYaml(error) if secret => {
                self.not_yaml(name, &format!("line {}, column {}", error.line, error.column))
            }
            PatchError::NotYaml(error) => self.not_yaml(name, &error.to_string()),
            other => self.not_yaml(name, &other.to_string()),
        }
    }

    fn not_yaml(&self, name: &str, why: &str) -> Diagnostic {
        let Self { noun, .. } = self;
        Diagnostic::error(format!("The {noun} is not valid YAML"), format!("Parsing failed: {why}."))
            // Hosts validate the whole configuration before a destroy, also with `-target` and without a refresh.
            .hint(format!(
                "Check indentation and quotes there, or build the text with `yamlencode`. \
                 To destroy the {noun}, remove its block from the configuration and apply: `terraform destroy` checks every block first."
            ))
            .at(at(name))
    }
}

/// The attribute that a plan changes, and its documents; `None` where nothing is changed or known, or it is no YAML.
/// Only a plan judges them: validation sees mocked values too.
pub(crate) fn changed(secret: &WriteOnly, plan: &Plan<'_>) -> Option<(&'static str, Vec<Node>)> {
    let (name, text) = secret.given(plan.config, &plan.planned);
    let text = text.as_str().filter(|_| is_changed(secret, plan))?;
    Some((name, patch::nodes(text, &mut Budget::default()).ok()?))
}

/// Whether a plan changes the text.
pub(crate) fn is_changed(secret: &WriteOnly, plan: &Plan<'_>) -> bool {
    let differs =
        |prior: &Value| [secret.plain, secret.hash].iter().any(|part| prior.get(part) != plan.planned.get(part));
    plan.prior.is_none_or(differs)
}
