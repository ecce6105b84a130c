//! The list of data sources: one line each.

use super::session::Handle;
use super::{access, fetched};
use crate::tf::data_source::DataSource;
use std::sync::Arc;

mod machines;

/// Every data source type.
pub(super) fn all(handle: &Handle) -> Vec<Arc<dyn DataSource>> {
    vec![
        fetched::data_source::<access::Kubeconfig>(handle),
        fetched::data_source::<access::MachineJoinConfig>(handle),
        machines::Machines::data_source(handle),
        fetched::data_source::<access::Omniconfig>(handle),
        fetched::data_source::<access::Talosconfig>(handle),
    ]
}
