//! The EULA: until it is accepted, a server refuses nearly every call, before it looks at the signature.

use super::kinds;
use super::names::kind;
use super::object::Key;
use super::release::Release;
use super::store::Store;
use tonic::Status;

/// The id of the one acceptance.
pub(super) const ID: &str = "eula";

/// The object that says who has accepted it.
pub(super) fn key() -> Key {
    kinds::key(kind::EULA_ACCEPTANCE, ID)
}

/// Whether a server of this release takes calls.
///
/// # Errors
/// When nobody has accepted the EULA yet.
pub(super) fn check(store: &Store, release: Release, endpoint: &str) -> Result<(), Status> {
    if !release.has_kind(kind::EULA_ACCEPTANCE) || store.get(&key()).is_some() {
        return Ok(());
    }
    Err(Status::failed_precondition(format!("EULA has not been accepted, please accept it at {endpoint}/eula")))
}
