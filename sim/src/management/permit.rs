//! The role of a caller for a cluster: its own, or a higher one that the access policy grants.

use super::ServiceContext;
use crate::access::Caller;
use crate::access_policy::{self, Identity};
use crate::kinds::{self, Role};
use crate::names::{kind, label};
use omni_proto::specs::AccessPolicySpec;
use tonic::Status;

impl ServiceContext {
    /// Whether the caller has at least this role on the cluster; without a cluster its own role alone counts.
    pub(super) fn permit(&self, caller: &Caller, cluster: &str, role: Role) -> Result<(), Status> {
        let granted = if cluster.is_empty() { Role::None } else { self.granted(caller, cluster) };
        Caller { role: caller.role.max(granted), ..caller.clone() }.needs(role)
    }

    /// The same for the cluster that a machine is in; says which one that is.
    pub(super) fn permit_on_machine(&self, caller: &Caller, machine: &str, role: Role) -> Result<String, Status> {
        let cluster_machine = self.store.get(&kinds::key(kind::CLUSTER_MACHINE, machine));
        let cluster = cluster_machine
            .as_ref()
            .and_then(|cluster_machine| cluster_machine.label(label::CLUSTER))
            .unwrap_or_default();
        self.permit(caller, cluster, role)?;
        Ok(cluster.to_owned())
    }

    fn granted(&self, caller: &Caller, cluster: &str) -> Role {
        let policy = self.store.get(&kinds::key("AccessPolicies.omni.sidero.dev", access_policy::ID));
        let Some(policy) = policy else { return Role::None };
        let policy: AccessPolicySpec = policy.spec();
        let identity = self.store.get(&kinds::key("Identities.omni.sidero.dev", &*caller.identity));
        let labels = identity.map(|identity| identity.labels.clone()).unwrap_or_default();
        access_policy::on_cluster(&policy, Identity { name: &caller.identity, labels: &labels }, cluster).role
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::context;
    use super::*;
    use crate::release::Release;
    use omni_proto::specs::AccessPolicyRule;
    use prost::Message;

    #[test]
    fn a_policy_raises_a_role_on_its_clusters() {
        let ctx = context(Release::NEWEST);
        let rule = AccessPolicyRule {
            users: vec!["me@example.org".into()],
            clusters: vec!["prod".into()],
            role: "Operator".into(),
            ..Default::default()
        };
        let policy = AccessPolicySpec { rules: vec![rule], ..Default::default() };
        let key = kinds::key("AccessPolicies.omni.sidero.dev", access_policy::ID);
        ctx.store.put("", &key, |object| object.spec = policy.encode_to_vec());
        let cluster_machine = kinds::key(kind::CLUSTER_MACHINE, "m");
        ctx.store.put("", &cluster_machine, |object| {
            object.labels.insert(label::CLUSTER.into(), "prod".into());
        });
        let caller = |name: &str| Caller { identity: name.into(), user: "u".into(), role: Role::Reader };
        let me = caller("me@example.org");
        assert!(ctx.permit(&me, "prod", Role::Operator).is_ok());
        assert!(ctx.permit(&me, "test", Role::Operator).is_err());
        assert!(ctx.permit(&me, "", Role::Operator).is_err());
        assert!(ctx.permit(&caller("you@example.org"), "prod", Role::Operator).is_err());
        assert_eq!(ctx.permit_on_machine(&me, "m", Role::Operator).unwrap(), "prod");
        assert!(ctx.permit_on_machine(&me, "other", Role::Operator).is_err());
    }
}
