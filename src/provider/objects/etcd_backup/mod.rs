//! Backups of etcd: where they are stored.

mod s3_config;
mod store;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<s3_config::S3Config>();
}
