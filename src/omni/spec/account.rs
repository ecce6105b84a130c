//! What Omni shows of service accounts and of the providers of machines that some of them belong to.
//! The ids of the statuses are identities: `ci@serviceaccount.omni.sidero.dev`.

use super::{Kind, Spec};

pub use crate::pb::specs::{
    IdentityStatusSpec, InfraProviderSpec, ServiceAccountStatusSpec, service_account_status_spec,
};

impl Spec for ServiceAccountStatusSpec {
    const KIND: Kind = Kind { namespace: "ephemeral", name: "ServiceAccountStatuses.omni.sidero.dev" };
    const MESSAGE: &'static str = "specs.ServiceAccountStatusSpec";
}

impl Spec for IdentityStatusSpec {
    const KIND: Kind = Kind { namespace: "ephemeral", name: "IdentityStatuses.omni.sidero.dev" };
    const MESSAGE: &'static str = "specs.IdentityStatusSpec";
}

impl Spec for InfraProviderSpec {
    const KIND: Kind = Kind { namespace: "infra-provider", name: "InfraProviders.omni.sidero.dev" };
    const MESSAGE: &'static str = "specs.InfraProviderSpec";
}
