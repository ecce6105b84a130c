//! Service accounts and infrastructure providers.
//! The ids of identities and statuses are full identities: `ci@serviceaccount.omni.sidero.dev`.

use super::{Kind, Spec};

pub use omni_proto::specs::{
    IdentitySpec, IdentityStatusSpec, InfraProviderSpec, ServiceAccountStatusSpec, service_account_status_spec,
};

/// A user or a service account: it exists as long as this object does. Only the role `Admin` may read it.
impl Spec for IdentitySpec {
    const KIND: Kind = super::in_default("Identities.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.IdentitySpec";
}

/// The role and the keys of a service account; written by a controller some time after the account is made.
/// Accounts of infrastructure providers never get one, in any release.
impl Spec for ServiceAccountStatusSpec {
    const KIND: Kind = Kind { namespace: "ephemeral", name: "ServiceAccountStatuses.omni.sidero.dev" };
    const MESSAGE: &'static str = "specs.ServiceAccountStatusSpec";
}

/// The role and the last activity of a user or a service account, since Omni 1.6.
impl Spec for IdentityStatusSpec {
    const KIND: Kind = Kind { namespace: "ephemeral", name: "IdentityStatuses.omni.sidero.dev" };
    const MESSAGE: &'static str = "specs.IdentityStatusSpec";
}

impl Spec for InfraProviderSpec {
    const KIND: Kind = Kind { namespace: "infra-provider", name: "InfraProviders.omni.sidero.dev" };
    const MESSAGE: &'static str = "specs.InfraProviderSpec";
}
