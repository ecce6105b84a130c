//! The identity of the provider: Omni does not allow an account to change or remove itself.

mod data_source;

use crate::omni::spec;
use crate::omni::spec::instance;
use crate::omni::{Error, ErrorKind};
use crate::provider::engine::Cx;
use crate::provider::errors::Operation;
use crate::provider::types::Types;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.data_source(data_source::CurrentUser::data_source);
}

/// What Omni says of the key that the provider signs with.
pub(crate) async fn current(cx: &Cx) -> Result<instance::CurrentUserSpec, Error> {
    spec::decode(&cx.read(&instance::current_user_key()).await?)
}

/// Whether `identity` is whom the provider signs as; identities are compared without case.
pub(crate) async fn is_self(cx: &Cx, identity: &str) -> Result<bool, Error> {
    Ok(current(cx).await?.identity.to_lowercase() == identity.to_lowercase())
}

/// Omni lets nobody change or remove oneself: said while nothing has happened yet.
pub(crate) fn refused(operation: &Operation<'_>, attribute: &'static str) -> Diagnostic {
    let (detail, hint) = oneself(operation);
    Diagnostic::error(operation.summary(), detail).hint(hint).at(Path::of(attribute))
}

/// The same for the plan of a removal, which must not keep anything else from being planned: Omni itself refuses in the end.
pub(crate) fn unremovable(operation: &Operation<'_>, attribute: &'static str) -> Diagnostic {
    let (detail, hint) = oneself(operation);
    let summary = format!("Omni will refuse to {} {}", operation.verb, operation.what());
    Diagnostic::warning(summary, detail).hint(hint).at(Path::of(attribute))
}

/// What to make of a refused removal: where Omni refused it because it is the provider's own account, that is said.
pub(crate) async fn explain_refused(cx: &Cx, identity: &str, operation: &Operation<'_>, error: Error) -> Error {
    if !error.is(ErrorKind::Validation) || !is_self(cx, identity).await.unwrap_or(false) {
        return error;
    }
    let (detail, hint) = oneself(operation);
    Error::Config { setting: "service_account_key", message: format!("{detail}\n{hint}") }
}

fn oneself(operation: &Operation<'_>) -> (String, String) {
    (
        format!(
            "The provider authenticates as {}, and Omni does not allow an account to change or remove itself.",
            operation.what()
        ),
        format!(
            "Configure the provider with the key of another account, or do not change the {}; \
             `terraform state rm` removes it from the state.",
            operation.noun
        ),
    )
}
