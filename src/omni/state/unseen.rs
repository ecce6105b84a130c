//! Objects of a cluster, read by a caller whose rights come from an access policy for that cluster only.
//!
//! Omni evaluates an access policy by the labels of the object. For a missing object it does not know the cluster, and denies access
//! to such a caller instead of answering NotFound. The caller may list by the label of the cluster, which distinguishes the two.

use super::query::{LabelQuery, Query};
use super::{Key, Kind};
use crate::omni::call::Call;
use crate::omni::client::Client;
use crate::omni::error::{Error, ErrorKind};
use crate::omni::labels;

/// The types that access policies go by the label of, as far as this build asks for them by id.
const LABELLED: &[&str] = &[
    "ClusterMachineConfigStatuses.omni.sidero.dev",
    "ClusterMachineIdentities.omni.sidero.dev",
    "ClusterMachineStatuses.omni.sidero.dev",
    "ClusterMachines.omni.sidero.dev",
    "ConfigPatches.omni.sidero.dev",
    "EtcdBackups.omni.sidero.dev",
    "ExposedServices.omni.sidero.dev",
    "ExtensionsConfigurations.omni.sidero.dev",
    "KernelArgs.omni.sidero.dev",
    "KernelArgsStatuses.omni.sidero.dev",
    "KubernetesHealthCheckStatuses.omni.sidero.dev",
    "KubernetesHealthChecks.omni.sidero.dev",
    "KubernetesManifestGroups.omni.sidero.dev",
    "MachineConfigDiffs.omni.sidero.dev",
    "MachineExtensions.omni.sidero.dev",
    "MachineExtensionsStatuses.omni.sidero.dev",
    "MachineInstallDiskStatuses.omni.sidero.dev",
    "MachinePendingUpdates.omni.sidero.dev",
    "MachineSetNodes.omni.sidero.dev",
    "MachineSetStatuses.omni.sidero.dev",
    "MachineSets.omni.sidero.dev",
    "MachineUpgradeStatuses.omni.sidero.dev",
    "NodeForceDestroyRequests.omni.sidero.dev",
    "RedactedClusterMachineConfigs.omni.sidero.dev",
];

/// The types that access policies go by the id of, which is that of the cluster.
const NAMED: &[&str] = &[
    "ClusterBootstrapStatuses.omni.sidero.dev",
    "ClusterConfigVersions.omni.sidero.dev",
    "ClusterDestroyStatuses.omni.sidero.dev",
    "ClusterDiagnostics.omni.sidero.dev",
    "ClusterEndpoints.omni.sidero.dev",
    "ClusterKubernetesManifestsStatuses.omni.sidero.dev",
    "ClusterKubernetesNodes.omni.sidero.dev",
    "ClusterSecrets.omni.sidero.dev",
    "ClusterSecretsRotationStatuses.omni.sidero.dev",
    "ClusterStatuses.omni.sidero.dev",
    "ClusterTaints.omni.sidero.dev",
    "ClusterUUIDs.omni.sidero.dev",
    "ClusterWorkloadProxyStatuses.omni.sidero.dev",
    "Clusters.omni.sidero.dev",
    "EtcdAuditResults.omni.sidero.dev",
    "EtcdBackupStatuses.omni.sidero.dev",
    "EtcdManualBackups.omni.sidero.dev",
    "ImportedClusterSecrets.omni.sidero.dev",
    "KubernetesNodeAuditResults.omni.sidero.dev",
    "KubernetesStatuses.omni.sidero.dev",
    "KubernetesUpgradeManifestStatuses.omni.sidero.dev",
    "KubernetesUpgradeStatuses.omni.sidero.dev",
    "LoadBalancerConfigs.omni.sidero.dev",
    "LoadBalancerStatuses.omni.sidero.dev",
    "RotateKubernetesCAs.omni.sidero.dev",
    "RotateTalosCAs.omni.sidero.dev",
    "TalosUpgradeStatuses.omni.sidero.dev",
    "UpgradeRollouts.omni.sidero.dev",
];

impl Kind {
    /// Whether an access policy can grant something on such an object: it belongs to a cluster.
    #[must_use]
    pub fn is_of_cluster(self) -> bool {
        NAMED.contains(&self.name) || self.is_labelled_with_cluster()
    }

    /// Whether an access policy finds the cluster of such an object in its label.
    #[must_use]
    pub fn is_labelled_with_cluster(self) -> bool {
        LABELLED.contains(&self.name)
    }
}

/// The list that shows the object and nothing else, and is open to whoever has rights on its cluster.
pub(crate) fn query(call: &Call, key: &Key) -> Option<Query> {
    let cluster = call.cluster.as_deref().filter(|_| key.kind.is_labelled_with_cluster())?;
    Some(query_in(cluster, key))
}

fn query_in(cluster: &str, key: &Key) -> Query {
    let labels = LabelQuery::new().equal(labels::CLUSTER, cluster);
    Query { id_regexp: Some(format!("^{}$", regex::escape(&key.id))), ..Query::from(labels) }
}

/// What a refused call about one object means.
pub(crate) enum Unseen {
    /// The object is missing, or the denial stays one: the error to go on with.
    Settled(Error),
    /// The caller sees the object now: it may have come after the call, which is worth another try.
    There(Error),
}

impl Client {
    /// The same for a watch. An operation that names no cluster, such as one on a machine, learns it from the object: a read by ID
    /// is open where a watch by ID is not.
    pub(super) async fn query_of_cluster(&self, call: &Call, key: &Key) -> Option<Query> {
        if call.cluster.is_some() || !key.kind.is_labelled_with_cluster() {
            return query(call, key);
        }
        let found = self.read_by_id(call, key).await.ok()?;
        found.metadata.labels.get(labels::CLUSTER).map(|cluster| query_in(cluster, key))
    }

    /// What a refused read or removal of the object means: that it is missing, when the caller sees the objects of its cluster and
    /// it is not among them. Any other denial stays one.
    pub(crate) async fn seen_through(&self, call: &Call, key: &Key, error: Error) -> Unseen {
        let Some(query) = query(call, key).filter(|_| error.is(ErrorKind::Denied)) else {
            return Unseen::Settled(error);
        };
        let missing = match Box::pin(self.list(call, key.kind, &query)).await {
            Ok(found) if found.is_empty() => true,
            // A list may be behind a removal; a watch is not.
            Ok(_) => match Box::pin(self.get_fresh_by(call, key, query)).await {
                Ok(Some(_)) => return Unseen::There(error),
                seen => seen.is_ok(),
            },
            Err(_) => false,
        };
        Unseen::Settled(match error {
            Error::Status { problems, key, method, .. } if missing => Error::Status {
                kind: ErrorKind::NotFound,
                message: "the cluster has no such object".to_owned(),
                problems,
                key,
                method,
            },
            error => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec::KINDS;
    use crate::omni::spec::{self, Spec};
    use crate::omni::testing::{Fault, Pair, minute, pair};
    use omni_proto::cosi::resource as pb;
    use omni_proto::specs::ConfigPatchSpec;
    use tonic::Status;

    /// The server of these tests answers every list, so what is denied is so by hand.
    fn denies(pair: &Pair, verb: &'static str) {
        pair.server.fault(verb, Fault::Refuse(Status::permission_denied("insufficient role: \"None\"")));
    }

    fn call() -> Call {
        minute().in_cluster(Some("c1"))
    }

    fn put(pair: &Pair) {
        let mut patch = spec::resource("p", &ConfigPatchSpec::default());
        patch.metadata.labels.insert(labels::CLUSTER.to_owned(), "c1".to_owned());
        let mut stored = super::super::wire::encode(&patch);
        stored.metadata.as_mut().unwrap().version = "1".to_owned();
        pair.server.put(stored, pb::EventType::Created);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_missing_is_told_from_what_is_denied() {
        let key = ConfigPatchSpec::KIND.key("p");
        for (there, call, error_kind) in [
            (false, call(), ErrorKind::NotFound),
            (true, call(), ErrorKind::Denied),
            (false, minute(), ErrorKind::Denied),
            (false, minute().in_cluster(Some("")), ErrorKind::Denied),
        ] {
            let pair = pair();
            // What is there is denied as often as it is asked for.
            let denies = |verb| (0..=usize::from(there)).for_each(|_| denies(&pair, verb));
            if there {
                put(&pair);
            }
            denies("Get");
            let error = pair.client.get(&call, &key).await.unwrap_err();
            assert_eq!(error.kind(), error_kind, "{there} {error}");
            denies("Destroy");
            assert_eq!(pair.client.destroy(&call, &key).await.unwrap_err().kind(), error_kind, "{there}");
            denies("Teardown");
            assert_eq!(pair.client.teardown(&call, &key).await.unwrap_err().kind(), error_kind, "{there}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_between_the_denial_and_the_list_is_asked_for_again() {
        let pair = pair();
        let key = ConfigPatchSpec::KIND.key("p");
        put(&pair);
        denies(&pair, "Get");
        assert_eq!(pair.client.get(&call(), &key).await.unwrap().key, key);
        // Whoever removes it does not mean the one that has come since.
        denies(&pair, "Destroy");
        assert!(pair.client.destroy(&call(), &key).await.unwrap_err().is(ErrorKind::Denied));
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_is_denied_too_tells_nothing() {
        let pair = pair();
        denies(&pair, "Get");
        denies(&pair, "List");
        let error = pair.client.get(&call(), &ConfigPatchSpec::KIND.key("p")).await.unwrap_err();
        assert!(error.is(ErrorKind::Denied), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn objects_of_other_kinds_are_not_looked_for() {
        let pair = pair();
        denies(&pair, "Get");
        let error = pair.client.get(&call(), &crate::omni::testing::key()).await.unwrap_err();
        assert!(error.is(ErrorKind::Denied), "{error}");
        assert_eq!(pair.server.count("List"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_of_one_object_is_one_of_the_cluster() {
        let pair = pair();
        let key = ConfigPatchSpec::KIND.key("p");
        denies(&pair, "Watch");
        assert_eq!(pair.client.get_fresh(&call(), &key).await.unwrap(), None);
        put(&pair);
        denies(&pair, "Watch");
        let mut watch = pair.client.watch(&call(), &key).await.unwrap();
        assert!(matches!(watch.next().await.unwrap(), crate::omni::Event::Present(_)));
        pair.server.delete("p");
        assert!(matches!(watch.next().await.unwrap(), crate::omni::Event::Gone(gone) if gone == key));

        denies(&pair, "Watch");
        assert!(pair.client.watch(&minute(), &key).await.err().unwrap().is(ErrorKind::Denied));
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_learns_the_cluster_from_the_object() {
        let pair = pair();
        let key = ConfigPatchSpec::KIND.key("p");
        put(&pair);
        denies(&pair, "Watch");
        assert_eq!(pair.client.get_fresh(&minute(), &key).await.unwrap().unwrap().key, key);
        // Whoever may not read it either is told of the denial.
        denies(&pair, "Watch");
        denies(&pair, "Get");
        assert!(pair.client.get_fresh(&minute(), &key).await.unwrap_err().is(ErrorKind::Denied));
        assert_eq!(pair.server.count("Watch"), 3);
    }

    #[test]
    fn the_types_are_known() {
        for name in LABELLED {
            assert!(KINDS.iter().any(|kind| kind.name == *name), "{name}");
        }
    }
}
