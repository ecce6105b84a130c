//! Backups of etcd: where they are stored, how they went, and which there are.

mod backup_action;
mod data_source;
mod s3_config;
pub(crate) mod store;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<s3_config::S3Config>().single::<data_source::BackupStatus>().list::<data_source::Backups>();
    types.action(backup_action::BackUp);
}
