//! Rules for the licence: who accepts it says so once, with name and address.

use super::Change;
use crate::names::kind;
use crate::object::Reader;
use omni_proto::specs::EulaAcceptanceSpec;

/// The id of the one acceptance.
const ID: &str = "eula";

/// The problems with accepting the licence.
pub(super) fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let Change::Create(new) = change else { return Vec::new() };
    let spec: EulaAcceptanceSpec = new.spec();
    let problem = if new.key.id != ID {
        Some("resource ID must be eula")
    } else if view.get(kind::EULA_ACCEPTANCE, ID).is_some() {
        Some("EULA has already been accepted")
    } else if spec.accepted_by_name.is_empty() {
        Some("name is required when accepting the EULA")
    } else if spec.accepted_by_email.is_empty() {
        Some("email is required when accepting the EULA")
    } else {
        None
    };
    problem.into_iter().map(str::to_owned).collect()
}
