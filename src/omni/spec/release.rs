//! Available Talos and Kubernetes versions; their IDs are versions without a leading `v`.

use super::{Kind, Spec, in_default};

pub use omni_proto::specs::{KubernetesVersionSpec, TalosVersionSpec};

impl Spec for TalosVersionSpec {
    const KIND: Kind = in_default("TalosVersions.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.TalosVersionSpec";
}

impl Spec for KubernetesVersionSpec {
    const KIND: Kind = in_default("KubernetesVersions.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.KubernetesVersionSpec";
}
