//! Where Omni stores backups, and what keeps it from that.

use crate::omni::Error;
use crate::provider::engine::Cx;
use crate::provider::view;
use omni_proto::specs::EtcdBackupStoreStatusSpec;

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
