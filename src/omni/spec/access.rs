//! Which types users may write, and why they may not write others.

use super::Spec;
use super::kinds::KINDS;
use crate::omni::state::Kind;
use omni_proto::specs;

/// What users may do with objects of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Create, change and remove them.
    Managed,
    /// Change them; Omni always has them.
    Changed,
    /// Not what a configuration needs; the reason, as sentences.
    Refused(&'static str),
    /// Nobody knows: this build has no description of the type.
    Undescribed,
}

/// The types whose objects users create, change and remove.
pub const MANAGED: &[Kind] = &[
    specs::ClusterSpec::KIND,
    specs::MachineSetSpec::KIND,
    specs::MachineSetNodeSpec::KIND,
    specs::ConfigPatchSpec::KIND,
    specs::ExtensionsConfigurationSpec::KIND,
    specs::KubernetesManifestGroupSpec::KIND,
    specs::KubernetesHealthCheckSpec::KIND,
    specs::MachineClassSpec::KIND,
    specs::MachineLabelsSpec::KIND,
    specs::KernelArgsSpec::KIND,
    specs::MachineInstallDiskConfigSpec::KIND,
    specs::NodeForceDestroyRequestSpec::KIND,
    specs::EtcdManualBackupSpec::KIND,
    specs::EtcdBackupS3ConfSpec::KIND,
    specs::InstallationMediaConfigSpec::KIND,
    specs::MachineRequestSetSpec::KIND,
    specs::InfraMachineConfigSpec::KIND,
    specs::InfraMachineBmcConfigSpec::KIND,
    specs::InfraProviderSpec::KIND,
    specs::GrpcTunnelConfigSpec::KIND,
    specs::AccessPolicySpec::KIND,
    specs::SamlLabelRuleSpec::KIND,
    specs::RotateTalosCaSpec::KIND,
    specs::RotateKubernetesCaSpec::KIND,
    specs::MachineRequestSpec::KIND,
];

/// The types whose objects users change, and Omni always has.
pub const CHANGED: &[Kind] = &[specs::DefaultJoinTokenSpec::KIND];

/// The types that users may write in part, or only by calls.
const REFUSED: &[(&str, &str)] = &[
    (
        "JoinTokens.omni.sidero.dev",
        "Omni creates join tokens by a call only, and the ID of one is the token itself, a secret that plan and state would contain.",
    ),
    (
        "ImportedClusterSecrets.omni.sidero.dev",
        "Omni shows these secrets to nobody, so the state of such an object would never be known.",
    ),
    (
        "EulaAcceptances.omni.sidero.dev",
        "Omni takes an acceptance once, by a call, and nobody can change or remove it.",
    ),
    ("Links.omni.sidero.dev", "Machines create their links when they join, and users can only remove them."),
    (
        "PendingMachines.omni.sidero.dev",
        "Machines create these when they want to join, and users can only remove them.",
    ),
    ("JWTPublicKeys.system.sidero.dev", "Omni creates these keys, and users can only remove them."),
    ("Users.omni.sidero.dev", "Omni creates and changes users by calls only."),
    ("Identities.omni.sidero.dev", "Omni creates and changes identities by calls only."),
    ("PublicKeys.omni.sidero.dev", "Omni registers keys by calls only, and shows them to nobody."),
];

/// What users may do with objects of a type.
///
/// ```
/// use omni_proto::specs::{ClusterSpec, ClusterStatusSpec};
/// use terraform_provider_omni::omni::Kind;
/// use terraform_provider_omni::omni::spec::{Spec, access::{Access, of}};
///
/// assert_eq!(of(ClusterSpec::KIND), Access::Managed);
/// assert!(matches!(of(ClusterStatusSpec::KIND), Access::Refused(_)));
/// assert_eq!(of(Kind { namespace: "default", name: "Things.example.org" }), Access::Undescribed);
/// ```
#[must_use]
pub fn of(kind: Kind) -> Access {
    let is_among = |all: &[Kind]| all.iter().any(|known| known.name == kind.name);
    if let Some((_, why)) = REFUSED.iter().find(|(name, _)| *name == kind.name) {
        return Access::Refused(why);
    }
    if is_among(MANAGED) {
        return Access::Managed;
    }
    if is_among(CHANGED) {
        return Access::Changed;
    }
    if is_among(KINDS) {
        return Access::Refused("Omni alone writes objects of this type, and users only read them.");
    }
    Access::Undescribed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec::names;

    #[test]
    fn each_type_has_one_access() {
        for (name, _) in REFUSED {
            let kind = names::resolve(name).unwrap();
            assert!(matches!(of(kind), Access::Refused(_)), "{name}");
            assert!(![MANAGED, CHANGED].concat().contains(&kind), "{name}");
        }
        assert!(MANAGED.iter().all(|kind| of(*kind) == Access::Managed));
        assert!(CHANGED.iter().all(|kind| of(*kind) == Access::Changed));
    }
}
