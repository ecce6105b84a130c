//! Which reads lag behind writes, and which never do.

use super::client::{Client, resource};
use crate::{Options, Sim, kinds};
use omni_proto::specs::{GrpcTunnelConfigSpec, MachineClassSpec};
use std::time::Duration;
use tonic::Code;

/// What a server reads past its cache.
const FRESH: &[&str] = &[
    "EtcdManualBackups.omni.sidero.dev",
    "EtcdBackupS3Configs.omni.sidero.dev",
    "MachineRequestSets.omni.sidero.dev",
    "InfraMachineConfigs.omni.sidero.dev",
    "InfraMachineBMCConfigs.omni.sidero.dev",
    "AccessPolicies.omni.sidero.dev",
    "SAMLLabelRules.omni.sidero.dev",
    "Users.omni.sidero.dev",
    "Identities.omni.sidero.dev",
    "IdentityStatuses.omni.sidero.dev",
    "GRPCTunnelConfigs.omni.sidero.dev",
    "InfraProviders.omni.sidero.dev",
    "InfraProviderStatuses.omni.sidero.dev",
    "MachineRequests.omni.sidero.dev",
    "PendingMachines.omni.sidero.dev",
    "MachinePendingUpdates.omni.sidero.dev",
    "ClusterTaints.omni.sidero.dev",
    "FeaturesConfigs.omni.sidero.dev",
    "SysVersions.system.sidero.dev",
];

const CACHED: &[&str] = &[
    "Clusters.omni.sidero.dev",
    "MachineSets.omni.sidero.dev",
    "MachineSetNodes.omni.sidero.dev",
    "ConfigPatches.omni.sidero.dev",
    "MachineClasses.omni.sidero.dev",
    "MachineLabels.omni.sidero.dev",
    "KernelArgs.omni.sidero.dev",
    "MachineInstallDiskConfigs.omni.sidero.dev",
    "ExtensionsConfigurations.omni.sidero.dev",
    "KubernetesManifestGroups.omni.sidero.dev",
    "KubernetesHealthChecks.omni.sidero.dev",
    "JoinTokens.omni.sidero.dev",
    "JoinTokenStatuses.omni.sidero.dev",
    "Links.omni.sidero.dev",
    "ClusterStatuses.omni.sidero.dev",
    "MachineStatuses.omni.sidero.dev",
];

#[test]
fn types_lag_as_on_a_server() {
    for (names, cached) in [(FRESH, false), (CACHED, true)] {
        for name in names {
            assert_eq!(kinds::find(name).map(|kind| kind.cached), Some(cached), "{name}");
        }
    }
}

#[tokio::test]
async fn only_cached_types_are_late_for_every_verb() {
    let lag = Duration::from_secs(2);
    let sim = Sim::start(Options { lag, ..Options::stepped() }).await.unwrap();
    let mut client = Client::new(&sim).await;
    let class = MachineClassSpec { match_labels: vec!["a".into()], ..Default::default() };
    let late = resource("MachineClasses.omni.sidero.dev", "x", &class);
    let prompt = resource("GRPCTunnelConfigs.omni.sidero.dev", "x", &GrpcTunnelConfigSpec { enabled: true });
    for (object, seen) in [(late, false), (prompt, true)] {
        let kind = object.metadata.as_ref().map(|metadata| metadata.r#type.clone()).unwrap();
        let expected = |code: Option<Code>| assert_eq!(code, (!seen).then_some(Code::NotFound), "{kind}");
        let mut changed = client.create(object, "").await.unwrap();
        expected(client.get(&kind, "x").await.err().map(|refusal| refusal.code()));
        let update = client.update(changed.clone(), "", None).await;
        expected(update.as_ref().err().map(tonic::Status::code));
        expected(client.teardown(&kind, "x").await.err().map(|refusal| refusal.code()));
        expected(client.destroy(&kind, "x", "").await.err().map(|refusal| refusal.code()));
        let names = client.list(&kind, Default::default()).await.unwrap();
        assert_eq!(names, [""; 0], "{kind}: not seen yet, or gone again");
        sim.advance(lag);
        if !seen {
            changed = client.update(changed, "", None).await.unwrap();
            client.destroy(&kind, "x", "").await.unwrap();
            client.get(&kind, "x").await.expect("still seen");
            assert_eq!(client.update(changed, "", None).await.unwrap_err().code(), Code::NotFound, "the store knows");
        }
    }
}
