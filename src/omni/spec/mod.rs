//! The COSI types that the client knows, each with its name, namespace and protobuf message; one file for each family.
//! Nothing here sends a request.

pub mod account;
pub mod cluster;
pub mod cluster_machine;
pub mod config_patch;
pub mod digest;
pub mod fields;
pub mod instance;
pub mod join_token;
pub mod machine;
pub mod machine_set;
pub mod merge;
pub mod release;

use super::error::Error;
use super::state::{Key, Kind, Metadata, Resource};

pub use digest::owned_digest;
pub use merge::{merge_fields, merge_owned};

/// The protobuf message of a COSI type's spec. A new type needs an implementation and an entry in [`KINDS`].
///
/// ```
/// use omni_proto::specs::ClusterSpec;
/// use terraform_provider_omni::omni::spec::{KINDS, Spec};
///
/// assert_eq!(ClusterSpec::KIND.name, "Clusters.omni.sidero.dev");
/// assert_eq!(ClusterSpec::MESSAGE, "specs.ClusterSpec");
/// assert!(KINDS.contains(&ClusterSpec::KIND));
/// ```
pub trait Spec: prost::Message + Default + Send + Sync + 'static {
    /// The COSI type and namespace.
    const KIND: Kind;
    /// The full name of the message: `specs.ClusterSpec`.
    const MESSAGE: &'static str;
}

/// Every type that implements [`Spec`].
pub const KINDS: &[Kind] = &[
    account::IdentitySpec::KIND,
    account::IdentityStatusSpec::KIND,
    account::InfraProviderSpec::KIND,
    account::ServiceAccountStatusSpec::KIND,
    cluster::ClusterSpec::KIND,
    cluster::ClusterStatusSpec::KIND,
    cluster::ClusterUuid::KIND,
    cluster::ClusterBootstrapStatusSpec::KIND,
    cluster::ClusterConfigVersionSpec::KIND,
    cluster::ClusterEndpointSpec::KIND,
    cluster::LoadBalancerConfigSpec::KIND,
    cluster::LoadBalancerStatusSpec::KIND,
    cluster::KubernetesUpgradeStatusSpec::KIND,
    cluster::TalosUpgradeStatusSpec::KIND,
    cluster_machine::ClusterMachineSpec::KIND,
    cluster_machine::ClusterMachineStatusSpec::KIND,
    cluster_machine::ClusterMachineIdentitySpec::KIND,
    config_patch::ConfigPatchSpec::KIND,
    instance::AuthConfigSpec::KIND,
    instance::CurrentUserSpec::KIND,
    instance::FeaturesConfigSpec::KIND,
    instance::PermissionsSpec::KIND,
    instance::SysVersionSpec::KIND,
    join_token::DefaultJoinTokenSpec::KIND,
    join_token::JoinTokenSpec::KIND,
    join_token::JoinTokenStatusSpec::KIND,
    machine::MachineClassSpec::KIND,
    machine::MachineSpec::KIND,
    machine::MachineStatusSpec::KIND,
    machine::NodeForceDestroyRequestSpec::KIND,
    machine::SiderolinkSpec::KIND,
    machine_set::MachineSetSpec::KIND,
    machine_set::MachineSetNodeSpec::KIND,
    machine_set::MachineSetStatusSpec::KIND,
    release::KubernetesVersionSpec::KIND,
    release::TalosVersionSpec::KIND,
];

/// Decodes the spec of an object; the type of the object is not checked.
///
/// # Errors
/// [`Error::Decode`] when the bytes are not such a message.
pub fn decode<S: Spec>(resource: &Resource) -> Result<S, Error> {
    S::decode(resource.spec.as_slice())
        .map_err(|e| Error::Decode { what: format!("the spec of `{}`", resource.key), source: Box::new(e) })
}

/// A new object with this spec, for [`Client::create`](super::Client::create).
pub fn resource<S: Spec>(id: impl Into<String>, spec: &S) -> Resource {
    Resource {
        key: Key { kind: S::KIND, id: id.into() },
        metadata: Metadata::default(),
        spec: spec.encode_to_vec(),
        yaml: String::new(),
    }
}

/// A type in the namespace `default`, which most types use.
const fn in_default(name: &'static str) -> Kind {
    Kind { namespace: "default", name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    #[test]
    fn every_message_is_described() {
        fn check<S: Spec>() {
            let message = merge::descriptor::<S>().unwrap_or_else(|e| panic!("{}: {e}", S::MESSAGE));
            assert_eq!(message.full_name(), S::MESSAGE);
            assert!(KINDS.contains(&S::KIND), "{} is not listed", S::KIND.name);
        }
        check::<account::IdentitySpec>();
        check::<account::IdentityStatusSpec>();
        check::<account::InfraProviderSpec>();
        check::<account::ServiceAccountStatusSpec>();
        check::<cluster::ClusterSpec>();
        check::<cluster::ClusterStatusSpec>();
        check::<cluster::ClusterUuid>();
        check::<cluster::ClusterBootstrapStatusSpec>();
        check::<cluster::ClusterConfigVersionSpec>();
        check::<cluster::ClusterEndpointSpec>();
        check::<cluster::LoadBalancerConfigSpec>();
        check::<cluster::LoadBalancerStatusSpec>();
        check::<cluster::KubernetesUpgradeStatusSpec>();
        check::<cluster::TalosUpgradeStatusSpec>();
        check::<cluster_machine::ClusterMachineSpec>();
        check::<cluster_machine::ClusterMachineStatusSpec>();
        check::<cluster_machine::ClusterMachineIdentitySpec>();
        check::<config_patch::ConfigPatchSpec>();
        check::<instance::AuthConfigSpec>();
        check::<instance::CurrentUserSpec>();
        check::<instance::FeaturesConfigSpec>();
        check::<instance::PermissionsSpec>();
        check::<instance::SysVersionSpec>();
        check::<join_token::DefaultJoinTokenSpec>();
        check::<join_token::JoinTokenSpec>();
        check::<join_token::JoinTokenStatusSpec>();
        check::<machine::MachineClassSpec>();
        check::<machine::MachineSpec>();
        check::<machine::MachineStatusSpec>();
        check::<machine::NodeForceDestroyRequestSpec>();
        check::<machine::SiderolinkSpec>();
        check::<machine_set::MachineSetSpec>();
        check::<machine_set::MachineSetNodeSpec>();
        check::<machine_set::MachineSetStatusSpec>();
        check::<release::KubernetesVersionSpec>();
        check::<release::TalosVersionSpec>();
        let mut kinds: Vec<_> = KINDS.iter().map(|k| k.name).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), KINDS.len(), "a type is listed twice");
    }

    #[test]
    fn decoding() {
        let spec = cluster::ClusterUuid { uuid: "u".to_owned() };
        let mut object = resource("prod", &spec);
        assert_eq!(object.key, cluster::ClusterUuid::KIND.key("prod"));
        assert_eq!(object.spec, spec.encode_to_vec());
        assert_eq!(decode::<cluster::ClusterUuid>(&object).unwrap(), spec);
        object.spec = vec![0xff];
        let error = decode::<cluster::ClusterUuid>(&object).unwrap_err();
        assert_eq!(error.to_string(), "could not read the spec of `ClusterUUIDs.omni.sidero.dev/prod`");
    }
}
