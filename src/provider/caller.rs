//! Who the provider is to Omni: its own account cannot be taken from under it.

use super::crud::Cx;
use super::explain::Doing;
use crate::omni::Error;
use crate::omni::spec::{self, instance};
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;

/// What Omni says of the key that the provider signs with.
pub(crate) async fn current(cx: &Cx) -> Result<instance::CurrentUserSpec, Error> {
    spec::decode(&cx.read(&instance::current_user_key()).await?)
}

/// Whether `identity` is whom the provider signs as; identities are compared without case.
pub(crate) async fn is_self(cx: &Cx, identity: &str) -> Result<bool, Error> {
    Ok(current(cx).await?.identity.to_lowercase() == identity.to_lowercase())
}

/// Omni lets nobody change or remove oneself: said while nothing has happened yet.
pub(crate) fn refused(doing: &Doing<'_>, attribute: &'static str) -> Diagnostic {
    Diagnostic::error(
        doing.summary(),
        format!(
            "The provider signs its requests as {}, and Omni lets nobody change or remove the account that is asking.",
            doing.what()
        ),
    )
    .hint(format!(
        "Configure the provider with the key of another account, or leave the {} as it is; \
         `terraform state rm` takes it out of this configuration.",
        doing.noun
    ))
    .at(Path::of(attribute))
}
