//! Where Omni stores backups, and what keeps it from that.

use crate::omni::Error;
use crate::omni::spec::Spec;
use crate::provider::engine::Cx;
use crate::provider::view;
use omni_proto::specs::{EtcdBackupS3ConfSpec, EtcdBackupStoreStatusSpec};

const STATUS_ID: &str = "etcdbackup-store-status";

/// A store that is the disk of the instance.
pub(super) const LOCAL: &str = "local";

/// The status of the store, when it can be seen.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn status(cx: &Cx) -> Result<Option<EtcdBackupStoreStatusSpec>, Error> {
    view::spec(cx, STATUS_ID).await
}

/// What keeps Omni from storing backups, as a text; `None` where nothing does, or nobody may know.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn problem(cx: &Cx) -> Result<Option<String>, Error> {
    Ok(status(cx).await?.map(|status| status.configuration_error).filter(|why| !why.is_empty()))
}

/// The same for a plan: a store that this run configures has no status yet.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn problem_after_run(cx: &Cx) -> Result<Option<String>, Error> {
    match cx.session.ledger.all_planned(EtcdBackupS3ConfSpec::KIND.name).is_empty() {
        true => problem(cx).await,
        false => Ok(None),
    }
}
