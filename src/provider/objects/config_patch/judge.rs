//! What Omni says of the content of a patch, before it is written.

use crate::omni::patch;
use crate::omni::patch::PatchError;
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

/// What to do about a patch that Omni refuses, by what it looks like and what Omni says.
pub(crate) fn advice(text: &str, said: &str) -> &'static str {
    let is_of_another_api = said.contains(": not registered") && !said.contains("\"v1alpha1\": not registered");
    match patch::check(text, patch::Release::NEWEST) {
        Err(PatchError::NoVersion(_)) => {
            "Documents of Talos have `apiVersion: v1alpha1` in addition to their `kind`. The documents of a cluster template belong in an `omni_cluster_template`."
        }
        _ if is_of_another_api => {
            "Documents of Talos have the `apiVersion` `v1alpha1`. Objects of Kubernetes belong in an `omni_kubernetes_manifest`."
        }
        _ => {
            "Remove fields that Omni controls, and check the names and types of the other fields in the reference of the Talos machine configuration."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_document_of_talos_has_another_place() {
        let other =
            |kind: &str, version: &str| format!("Error decoding document: {kind:?} {version:?}: not registered.");
        for (text, said, says) in [
            ("apiVersion: v1\nkind: ConfigMap\n", other("ConfigMap", "v1"), "`omni_kubernetes_manifest`"),
            ("apiVersion: v1\nkind: WatchdogTimerConfig\n", other("WatchdogTimerConfig", "v1"), "`v1alpha1`"),
            ("apiVersion: v1alpha1\nkind: Nope\n", other("Nope", "v1alpha1"), "names and types of the other fields"),
            ("kind: Cluster\nname: prod\n", "Config not found.".to_owned(), "`omni_cluster_template`"),
            ("machine: {sysctl: {}}\n", "Unknown keys.".to_owned(), "names and types of the other fields"),
        ] {
            let advice = advice(text, &said);
            assert!(advice.contains(says), "{text}: {advice}");
        }
    }
}
