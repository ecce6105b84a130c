//! Rules for the EULA: it is accepted once, with name and address.

use super::Change;
use crate::eula::ID;
use crate::names::kind;
use crate::object::Reader;
use omni_proto::specs::EulaAcceptanceSpec;

/// The problems with accepting the licence.
pub(super) fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let Change::Create(new) = change else { return Vec::new() };
    let spec: EulaAcceptanceSpec = new.spec();
    let problem = if view.get(kind::EULA_ACCEPTANCE, ID).is_some() {
        Some("EULA has already been accepted")
    } else if new.key.id != ID {
        Some("resource ID must be eula")
    } else if spec.accepted_by_name.is_empty() {
        Some("name is required when accepting the EULA")
    } else if spec.accepted_by_email.is_empty() {
        Some("email is required when accepting the EULA")
    } else {
        None
    };
    problem.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, object};
    use super::*;

    #[test]
    fn the_licence_is_accepted_once() {
        let by = |id: &str, name: &str, email: &str| {
            let spec = EulaAcceptanceSpec { accepted_by_name: name.into(), accepted_by_email: email.into() };
            object(kind::EULA_ACCEPTANCE, id, &spec)
        };
        let (nobody, somebody) = (Fixture::default(), Fixture::default().with(by(ID, "a", "b")));
        for (view, new, expected) in [
            (&nobody, by(ID, "a", "b"), None),
            (&nobody, by("other", "", ""), Some("resource ID must be eula")),
            (&nobody, by(ID, "", ""), Some("name is required when accepting the EULA")),
            (&nobody, by(ID, "a", ""), Some("email is required when accepting the EULA")),
            (&somebody, by("other", "", ""), Some("EULA has already been accepted")),
        ] {
            assert_eq!(problems(view, Change::Create(&new)), Vec::from_iter(expected));
        }
    }
}
