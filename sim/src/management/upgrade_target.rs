//! The Talos versions that a machine in maintenance mode can be upgraded to.

use crate::kinds;
use crate::names::kind;
use crate::store::Store;
use kit::version;
use omni_proto::specs::TalosVersionSpec;
use tonic::Status;

/// Whether a machine that runs one version of Talos can be brought to another; when it is installed, to the same too.
///
/// # Errors
/// When it cannot, in Omni's words.
pub(super) fn check(store: &Store, wanted: &str, running: &str, may_stay: bool) -> Result<(), Status> {
    let offer = |version: &str| {
        let offer = store.get(&kinds::key(kind::TALOS_VERSION, version::strip_v(version)));
        offer.map(|offer| offer.spec::<TalosVersionSpec>())
    };
    let refuse = |text: String| Err(Status::failed_precondition(text));
    match offer(wanted) {
        None => return refuse(format!("requested Talos version {wanted:?} is not tracked by this Omni release")),
        Some(offer) if offer.unsupported => {
            return refuse(format!("requested Talos version {wanted:?} is not supported by this Omni release"));
        }
        Some(_) => {}
    }
    let to = version::strip_v(wanted);
    if may_stay && to == version::strip_v(running) {
        return Ok(());
    }
    match offer(running) {
        None => {
            refuse(format!("no upgrade targets available: machine is running an untracked Talos version {running:?}"))
        }
        Some(offer) if offer.upgradable_talos_versions.iter().any(|version| version == to) => Ok(()),
        Some(_) => refuse(format!(
            "requested Talos version {wanted:?} is not a supported target from the version running in memory ({running:?})"
        )),
    }
}
