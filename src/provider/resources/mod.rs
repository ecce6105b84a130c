//! The list of managed resources: one line each.

use super::engine::{CosiResource, RpcResource};
use super::session::Handle;
use crate::tf::resource::Resource;
use std::sync::Arc;

pub(super) mod cluster;
mod config_patch;
mod default_join_token;
mod infra_provider;
pub(super) mod join_token;
pub(super) mod machine_set;
mod machine_set_node;
mod service_account;
mod user;

/// Every managed resource type.
pub(super) fn all(handle: &Handle) -> Vec<Arc<dyn Resource>> {
    vec![
        CosiResource::<cluster::Cluster>::resource(handle),
        CosiResource::<config_patch::ConfigPatch>::resource(handle),
        CosiResource::<default_join_token::DefaultJoinToken>::resource(handle),
        CosiResource::<infra_provider::InfraProvider>::resource(handle),
        CosiResource::<join_token::JoinToken>::resource(handle),
        CosiResource::<machine_set::MachineSet>::resource(handle),
        CosiResource::<machine_set_node::MachineSetNode>::resource(handle),
        RpcResource::<service_account::ServiceAccount>::resource(handle),
        RpcResource::<user::User>::resource(handle),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::engine::{CosiObject, misfits};
    use super::*;

    /// What the compiler would know if the rows named fields and not paths.
    #[test]
    fn every_row_leads_to_a_field_of_its_type() {
        fn check<M: CosiObject>() {
            assert_eq!(misfits::<M::Spec>(M::rows()), Vec::<String>::new(), "{}", M::NAME);
        }
        check::<cluster::Cluster>();
        check::<config_patch::ConfigPatch>();
        check::<default_join_token::DefaultJoinToken>();
        check::<infra_provider::InfraProvider>();
        check::<join_token::JoinToken>();
        check::<machine_set::MachineSet>();
        check::<machine_set_node::MachineSetNode>();
    }

    #[test]
    fn a_row_that_leads_nowhere_is_found() {
        use super::super::engine::{Bind, Codec};
        use crate::tf::schema::{number, string};
        use omni_proto::specs::{ClusterSpec, ClusterStatusSpec};
        let rows = vec![
            string("a").required().field("talos"),
            number("b").required().field("talos_version"),
            string("c").computed().joined::<ClusterStatusSpec>("fase", Codec::Plain),
            string("d").computed().local(),
            string("e").required().field("kubernetes_version"),
            string("f").required().field("kubernetes_version"),
            string("g").coded("talos_version", Codec::Enum(&[("x", 0)])),
        ];
        let found = misfits::<ClusterSpec>(rows).join("\n");
        for part in [
            "a: talos: ",
            "b: talos_version is of",
            "c: fase: ",
            "d is computed",
            "kubernetes_version has two",
            "g: talos_version is of",
        ] {
            assert!(found.contains(part), "{part}: {found}");
        }
    }
}
