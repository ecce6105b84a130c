//! What Omni says of the content of a patch, before it is written.

use crate::omni::patch;
use crate::omni::{Error, ErrorKind};
use crate::provider::engine::Cx;
use crate::provider::ledger::ObjectKey;

/// What the ledger is told of a text that Omni takes.
const VALID: &str = "valid";

/// Asks Omni in a plan whether it takes a patch; the refusal, if it does not.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn refusal(cx: &Cx, text: &str) -> Result<Option<Error>, Error> {
    // Many patches may have one text, and in an apply the write that follows is judged anyway.
    let ledger = &cx.session.ledger;
    let judged = ObjectKey::called("patch", patch::digest(text));
    if ledger.is_applying() || ledger.is_told(&judged, VALID) {
        return Ok(None);
    }
    match cx.client().validate_config(&cx.call, text).await {
        Ok(()) => {
            ledger.once(&judged, VALID);
            Ok(None)
        }
        Err(error) => match error.kind() {
            ErrorKind::Validation => Ok(Some(error)),
            // A server without the call finds out when the patch is written.
            ErrorKind::Unimplemented => Ok(None),
            _ => Err(error),
        },
    }
}
