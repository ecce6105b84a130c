//! Clusters, their status and their endpoints.

use super::{Kind, Spec, in_default};

pub use omni_proto::specs::{
    ClusterBootstrapStatusSpec, ClusterConfigVersionSpec, ClusterEndpointSpec, ClusterSpec, ClusterStatusSpec,
    ClusterUuid, EtcdBackupConf, KubernetesUpgradeStatusSpec, LoadBalancerConfigSpec, LoadBalancerStatusSpec, Machines,
    TalosUpgradeStatusSpec, cluster_spec, cluster_status_spec,
};

impl Spec for ClusterSpec {
    const KIND: Kind = in_default("Clusters.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.ClusterSpec";
}

impl Spec for ClusterStatusSpec {
    const KIND: Kind = in_default("ClusterStatuses.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.ClusterStatusSpec";
}

impl Spec for ClusterUuid {
    const KIND: Kind = in_default("ClusterUUIDs.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.ClusterUUID";
}

impl Spec for ClusterBootstrapStatusSpec {
    const KIND: Kind = in_default("ClusterBootstrapStatuses.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.ClusterBootstrapStatusSpec";
}

impl Spec for ClusterConfigVersionSpec {
    const KIND: Kind = in_default("ClusterConfigVersions.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.ClusterConfigVersionSpec";
}

impl Spec for ClusterEndpointSpec {
    const KIND: Kind = in_default("ClusterEndpoints.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.ClusterEndpointSpec";
}

impl Spec for LoadBalancerConfigSpec {
    const KIND: Kind = in_default("LoadBalancerConfigs.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.LoadBalancerConfigSpec";
}

impl Spec for LoadBalancerStatusSpec {
    const KIND: Kind = in_default("LoadBalancerStatuses.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.LoadBalancerStatusSpec";
}

impl Spec for KubernetesUpgradeStatusSpec {
    const KIND: Kind = in_default("KubernetesUpgradeStatuses.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.KubernetesUpgradeStatusSpec";
}

impl Spec for TalosUpgradeStatusSpec {
    const KIND: Kind = in_default("TalosUpgradeStatuses.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.TalosUpgradeStatusSpec";
}
