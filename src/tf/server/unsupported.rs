//! Errors for RPCs that the provider does not support: a host calls them only with a wrong schema.

use crate::tf::diag::{Diagnostic, Diagnostics};

/// The provider has no types of this kind at all.
pub(super) fn no_type<T>(kind: &str, name: &str) -> Result<T, Diagnostics> {
    Err(Diagnostic::error(
        format!("No {kind} `{name}`"),
        format!("This provider does not offer any {kind} yet, and so none named `{name}`."),
    )
    .hint("Remove it from the configuration, or use a version of the provider that has it.")
    .into())
}

/// The provider cannot do this.
pub(super) fn no_feature<T>(feature: &str, instead: &str) -> Result<T, Diagnostics> {
    Err(Diagnostic::error(format!("No {feature}"), format!("This provider does not offer {feature} yet."))
        .hint(instead)
        .into())
}
