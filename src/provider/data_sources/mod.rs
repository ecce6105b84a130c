//! The list of data sources: one line each.

use super::lookup::{Plural, Single};
use super::session::Handle;
use super::{configs, dual};
use crate::tf::data_source::DataSource;
use std::sync::Arc;

mod clusters;
mod current_user;
mod join_tokens;
mod kubernetes_versions;
mod machine;
mod machine_sets;
mod machines;
mod service_accounts;
mod talos_versions;
mod users;
mod version;

/// Every data source type.
pub(super) fn all(handle: &Handle) -> Vec<Arc<dyn DataSource>> {
    vec![
        Single::<clusters::Clusters>::data_source(handle),
        Plural::<clusters::Clusters>::data_source(handle),
        current_user::CurrentUser::data_source(handle),
        Single::<join_tokens::JoinTokens>::data_source(handle),
        Plural::<join_tokens::JoinTokens>::data_source(handle),
        dual::data_source::<configs::Kubeconfig>(handle),
        Single::<kubernetes_versions::KubernetesVersions>::data_source(handle),
        Plural::<kubernetes_versions::KubernetesVersions>::data_source(handle),
        dual::data_source::<configs::MachineJoinConfig>(handle),
        Single::<machines::Machines>::data_source(handle),
        Plural::<machines::Machines>::data_source(handle),
        Single::<machine_sets::MachineSets>::data_source(handle),
        Plural::<machine_sets::MachineSets>::data_source(handle),
        dual::data_source::<configs::Omniconfig>(handle),
        Single::<service_accounts::ServiceAccounts>::data_source(handle),
        Plural::<service_accounts::ServiceAccounts>::data_source(handle),
        Single::<talos_versions::TalosVersions>::data_source(handle),
        Plural::<talos_versions::TalosVersions>::data_source(handle),
        dual::data_source::<configs::Talosconfig>(handle),
        Single::<users::Users>::data_source(handle),
        Plural::<users::Users>::data_source(handle),
        version::Version::data_source(handle),
    ]
}
