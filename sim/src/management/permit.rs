//! The role of a caller for a cluster: its own, or a higher one that the access policy grants.

use super::ServiceContext;
use crate::access::Caller;
use crate::access_policy::{self, Identity};
use crate::catalogue::Feature;
use crate::kinds::{self, Role};
use crate::names::{kind, label};
use omni_proto::specs::AccessPolicySpec;
use tonic::{Request, Status};

impl ServiceContext {
    /// Whether the caller has at least this role on the cluster. Its own role alone counts without a cluster, and on
    /// older servers.
    pub(super) fn permit(&self, caller: &Caller, cluster: &str, role: Role) -> Result<(), Status> {
        let cluster = if self.release().has(Feature::CallsByPolicy) { cluster } else { "" };
        self.permit_by_policy(caller, cluster, role)
    }

    /// The same for what policies have always opened.
    pub(super) fn permit_by_policy(&self, caller: &Caller, cluster: &str, role: Role) -> Result<(), Status> {
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

    /// The cluster that a call is about, which must be one whose operator the caller is.
    pub(super) fn operated<T>(&self, request: &Request<T>) -> Result<String, Status> {
        let (caller, cluster) = (Caller::of(request)?, super::cluster(request));
        let named = || match cluster.as_str() {
            "" => Err(Status::invalid_argument("unable to extract request context")),
            _ => Ok(()),
        };
        if self.release().has(Feature::CallsByPolicy) {
            named()?;
        }
        self.permit(&caller, &cluster, Role::Operator)?;
        named()?;
        Ok(cluster)
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
    use super::super::fixture::{call, context};
    use super::*;
    use crate::release::Release;
    use omni_proto::specs::AccessPolicyRule;
    use prost::Message;
    use tonic::Code;

    /// A server with a policy, and the machine `m` in the cluster that it is about.
    fn with_policy(release: Release) -> ServiceContext {
        let ctx = context(release);
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
        ctx
    }

    fn caller(name: &str) -> Caller {
        Caller { identity: name.into(), user: "u".into(), role: Role::Reader }
    }

    #[test]
    fn a_policy_raises_a_role_on_its_clusters() {
        let ctx = with_policy(Release::NEWEST);
        let me = caller("me@example.org");
        assert!(ctx.permit(&me, "prod", Role::Operator).is_ok());
        assert!(ctx.permit(&me, "test", Role::Operator).is_err());
        assert!(ctx.permit(&me, "", Role::Operator).is_err());
        assert!(ctx.permit(&caller("you@example.org"), "prod", Role::Operator).is_err());
        assert_eq!(ctx.permit_on_machine(&me, "m", Role::Operator).unwrap(), "prod");
        assert!(ctx.permit_on_machine(&me, "other", Role::Operator).is_err());
    }

    #[test]
    fn newer_servers_read_a_call_before_they_judge_its_caller() {
        for (release, code) in [(Release::V1_7, Code::PermissionDenied), (Release::V1_8, Code::InvalidArgument)] {
            let refused = with_policy(release).operated(&call(Role::Reader, None, ())).unwrap_err();
            assert_eq!(refused.code(), code, "{release}");
        }
        let ctx = with_policy(Release::NEWEST);
        assert_eq!(ctx.operated(&call(Role::Operator, Some(("context", "c")), ())).unwrap(), "c");
    }

    #[test]
    fn older_servers_ask_the_policy_for_kubeconfigs_only() {
        for (release, asks) in [(Release::V1_2, false), (Release::V1_7, false), (Release::V1_8, true)] {
            let (ctx, me) = (with_policy(release), caller("me@example.org"));
            assert_eq!(ctx.permit(&me, "prod", Role::Operator).is_ok(), asks, "{release}");
            assert_eq!(ctx.permit_on_machine(&me, "m", Role::Operator).is_ok(), asks, "{release}");
            assert!(ctx.permit_by_policy(&me, "prod", Role::Operator).is_ok(), "{release}");
        }
    }
}
