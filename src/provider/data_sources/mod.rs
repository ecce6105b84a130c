//! The list of data sources: one line each.

use super::session::Handle;
use crate::tf::data_source::DataSource;
use std::sync::Arc;

mod kubeconfig;
mod machines;

/// Every data source type.
pub(super) fn all(handle: &Handle) -> Vec<Arc<dyn DataSource>> {
    vec![kubeconfig::Kubeconfig::data_source(handle), machines::Machines::data_source(handle)]
}
