//! Conditions on an object that a configuration states: that it exists, its phase, or a field of its spec.

use super::type_name::short;
use crate::omni::spec::any::Single;
use crate::omni::{Error, Kind, Phase, Resource as Stored};
use crate::provider::wait::Step;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use kit::text::{closest, quoted};

/// The phases that an object can be in.
pub(super) const PHASES: &[&str] = &["running", "tearing_down"];

/// What Omni computes for every read cannot be watched.
const UNWATCHED: &str = "virtual";

/// What is waited for.
pub(super) enum Goal {
    Exists,
    Gone,
    Phase(Phase, String),
    Field { field: Single, path: String, value: String },
}

impl Goal {
    /// A phase by its name.
    pub(super) fn phase(name: &str) -> Self {
        Self::Phase(if name == PHASES[0] { Phase::Running } else { Phase::TearingDown }, name.to_owned())
    }

    /// To go after the object: `prod` to exist.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Exists => "to exist".to_owned(),
            Self::Gone => "to be gone".to_owned(),
            Self::Phase(_, name) => format!("to be in phase `{name}`"),
            Self::Field { path, .. } => format!("to have {} in `{path}`", self.value()),
        }
    }

    /// The expected value for messages. A string is not displayed, because it can be a secret, such as a join token.
    fn value(&self) -> String {
        match self {
            Self::Field { field, value, .. } if !field.is_text() => quoted(value),
            _ => "the configured value".to_owned(),
        }
    }

    pub(super) fn reached(&self) -> String {
        match self {
            Self::Exists => "exists".to_owned(),
            Self::Gone => "is gone".to_owned(),
            Self::Phase(_, name) => format!("is in phase `{name}`"),
            Self::Field { path, .. } => format!("has {} in `{path}`", self.value()),
        }
    }

    /// How far the object is.
    ///
    /// # Errors
    /// When its spec cannot be read.
    pub(super) fn judge(&self, stored: Option<&Stored>) -> Result<Step, Error> {
        let Some(stored) = stored else {
            return Ok(match self {
                Self::Gone => Step::Met,
                _ => Step::Unmet("the object does not exist".to_owned()),
            });
        };
        Ok(match self {
            Self::Exists => Step::Met,
            Self::Gone if stored.metadata.finalizers.is_empty() => Step::Unmet("the object exists".to_owned()),
            Self::Gone => {
                let held: Vec<_> = stored.metadata.finalizers.iter().map(|name| format!("`{name}`")).collect();
                Step::Unmet(format!("the object exists, with the finalizers {}", held.join(", ")))
            }
            Self::Phase(wanted, _) if stored.metadata.phase == *wanted => Step::Met,
            Self::Phase(..) => Step::Unmet(format!("the object is in phase `{}`", phase_name(stored.metadata.phase))),
            Self::Field { field, path, value } => {
                let found = field.text(stored)?.unwrap_or_default();
                let met = if field.values().is_empty() { found == *value } else { same(&found, value) };
                match met {
                    true => Step::Met,
                    // A text may be a secret.
                    false if field.is_text() => Step::Unmet(format!("`{path}` has another value")),
                    false => Step::Unmet(format!("`{path}` is {}", quoted(&found))),
                }
            }
        })
    }
}

/// Says that objects of the type cannot be waited for, where that is so.
pub(super) fn check_kind(kind: Kind, at: Path, diags: &mut Diagnostics) {
    if kind.namespace == UNWATCHED {
        diags.push(
            Diagnostic::error(
                format!("`{}` cannot be waited for", short(kind)),
                "Omni computes the objects of this type for every read, and does not report their changes.",
            )
            .hint("Choose another type.")
            .at(at),
        );
    }
}

/// Says what is wrong with a field that is waited to have a value; `at` are the attributes of the field and of the value.
pub(super) fn check_field(kind: Kind, path: &str, wanted: Option<&str>, at: [Path; 2], diags: &mut Diagnostics) {
    let [at_field, at_value] = at;
    let field = match Single::of(kind, path) {
        Ok(field) => field,
        Err(error) => {
            let mut names = Single::names(kind);
            names.sort();
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            diags.push(
                Diagnostic::from_error(format!("Nothing to wait for in `{path}` of `{}`", short(kind)), &error)
                    .hint(format!("The fields of the type are {}.", names.join(", ")))
                    .at(at_field),
            );
            return;
        }
    };
    let values = field.values();
    let Some(wanted) = wanted else { return };
    if values.is_empty() || values.iter().any(|value| same(value, wanted)) {
        return;
    }
    let known: Vec<&str> = values.iter().map(String::as_str).collect();
    let meant = closest(wanted, &known).map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default();
    let list: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    diags.push(
        Diagnostic::error(
            format!("`{path}` never has the value {}", quoted(wanted)),
            format!("Its values are {}.{meant}", list.join(", ")),
        )
        .hint(format!("Set `{at_value}` to one of them."))
        .at(at_value),
    );
}

/// A phase as configurations name it.
pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => PHASES[0],
        Phase::TearingDown => PHASES[1],
    }
}

/// Whether two names of a value are the same one: messages write them in several ways.
fn same(a: &str, b: &str) -> bool {
    let bare = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    bare(a) == bare(b)
}
