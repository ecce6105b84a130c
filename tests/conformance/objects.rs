//! The objects that the behaviours make: types, builders, and how they read in a table.
//! It makes no calls.

use omni_proto::cosi::resource as pb;
use omni_proto::specs::MachineClassSpec;
use prost::Message;
use terraform_provider_omni::omni::Kind;

const fn kind(name: &'static str) -> Kind {
    Kind { namespace: "default", name }
}

const fn infra(name: &'static str) -> Kind {
    Kind { namespace: "infra-provider", name }
}

pub const ACCESS_POLICY: Kind = kind("AccessPolicies.omni.sidero.dev");
pub const BMC: Kind = kind("InfraMachineBMCConfigs.omni.sidero.dev");
pub const CLASS: Kind = kind("MachineClasses.omni.sidero.dev");
pub const CLUSTER: Kind = kind("Clusters.omni.sidero.dev");
pub const CLUSTER_STATUS: Kind = kind("ClusterStatuses.omni.sidero.dev");
pub const CURRENT_USER: Kind = Kind { namespace: "virtual", name: "CurrentUsers.omni.sidero.dev" };
pub const DEFAULT_JOIN_TOKEN: Kind = kind("DefaultJoinTokens.omni.sidero.dev");
pub const EXTENSIONS: Kind = kind("ExtensionsConfigurations.omni.sidero.dev");
pub const EULA_ACCEPTANCE: Kind = kind("EulaAcceptances.omni.sidero.dev");
pub const FORCE_DESTROY: Kind = kind("NodeForceDestroyRequests.omni.sidero.dev");
pub const HEALTH_CHECK: Kind = kind("KubernetesHealthChecks.omni.sidero.dev");
pub const IDENTITY: Kind = kind("Identities.omni.sidero.dev");
pub const IMPORTED_SECRETS: Kind = kind("ImportedClusterSecrets.omni.sidero.dev");
pub const INFRA_MACHINE: Kind = kind("InfraMachineConfigs.omni.sidero.dev");
pub const INFRA_PROVIDER: Kind = infra("InfraProviders.omni.sidero.dev");
pub const INSTALL_DISK: Kind = kind("MachineInstallDiskConfigs.omni.sidero.dev");
pub const JOIN_TOKEN: Kind = kind("JoinTokens.omni.sidero.dev");
pub const KERNEL_ARGS: Kind = kind("KernelArgs.omni.sidero.dev");
pub const LABELS: Kind = kind("MachineLabels.omni.sidero.dev");
pub const LINK: Kind = kind("Links.omni.sidero.dev");
pub const MACHINE_SET: Kind = kind("MachineSets.omni.sidero.dev");
pub const MANIFESTS: Kind = kind("KubernetesManifestGroups.omni.sidero.dev");
pub const MANUAL_BACKUP: Kind = Kind { namespace: "ephemeral", name: "EtcdManualBackups.omni.sidero.dev" };
pub const MEDIA: Kind = kind("InstallationMediaConfigs.omni.sidero.dev");
pub const NODE: Kind = kind("MachineSetNodes.omni.sidero.dev");
pub const PATCH: Kind = kind("ConfigPatches.omni.sidero.dev");
pub const REQUEST_SET: Kind = kind("MachineRequestSets.omni.sidero.dev");
pub const S3_CONFIG: Kind = kind("EtcdBackupS3Configs.omni.sidero.dev");
pub const SAML_RULE: Kind = kind("SAMLLabelRules.omni.sidero.dev");
pub const SYS_VERSION: Kind = Kind { namespace: "ephemeral", name: "SysVersions.system.sidero.dev" };
pub const TALOS_VERSION: Kind = kind("TalosVersions.omni.sidero.dev");
pub const USER: Kind = kind("Users.omni.sidero.dev");

/// The types whose objects are made here and swept away; those that others belong to come first.
pub const WRITTEN: &[Kind] = &[
    CLUSTER,
    MACHINE_SET,
    NODE,
    PATCH,
    EXTENSIONS,
    MANIFESTS,
    HEALTH_CHECK,
    MANUAL_BACKUP,
    CLASS,
    LABELS,
    KERNEL_ARGS,
    INSTALL_DISK,
    FORCE_DESTROY,
    MEDIA,
    INFRA_PROVIDER,
    REQUEST_SET,
    INFRA_MACHINE,
    BMC,
    SAML_RULE,
    ACCESS_POLICY,
];

/// The types whose finalizers are others' business.
pub fn has_controllers(name: &str) -> bool {
    [CLUSTER, MACHINE_SET, NODE, EXTENSIONS, INFRA_PROVIDER, REQUEST_SET, JOIN_TOKEN]
        .iter()
        .any(|kind| kind.name == name)
}

/// A new object, with its spec as JSON.
pub fn made(kind: Kind, id: impl Into<String>, spec: &serde_json::Value) -> anyhow::Result<pb::Resource> {
    let mut object = fresh(kind, id, &());
    object.spec.get_or_insert_default().proto_spec = crate::schema::spec(kind.name, spec)?;
    Ok(object)
}

const LOCKS: [&str; 2] = ["omni.sidero.dev/cluster-locked", "omni.sidero.dev/locked"];

pub fn is_locked(resource: &pb::Resource) -> bool {
    LOCKS.iter().any(|lock| meta(resource).annotations.contains_key(*lock))
}

pub fn unlocked(mut resource: pb::Resource) -> pb::Resource {
    let annotations = &mut resource.metadata.get_or_insert_default().annotations;
    annotations.retain(|name, _| !LOCKS.contains(&name.as_str()));
    resource
}

/// A new object to send.
pub fn fresh(kind: Kind, id: impl Into<String>, spec: &impl Message) -> pb::Resource {
    let metadata = pb::Metadata {
        namespace: kind.namespace.into(),
        r#type: kind.name.into(),
        id: id.into(),
        version: "undefined".into(),
        phase: "running".into(),
        ..pb::Metadata::default()
    };
    let spec = pb::Spec { proto_spec: spec.encode_to_vec(), yaml_spec: String::new() };
    pb::Resource { metadata: Some(metadata), spec: Some(spec) }
}

/// A machine class: no controller looks at it, so it does for most of what State can do.
pub fn class(id: impl Into<String>) -> pb::Resource {
    fresh(CLASS, id, &MachineClassSpec { match_labels: vec!["a = b".into()], ..Default::default() })
}

/// The metadata; none is all empty.
pub fn meta(resource: &pb::Resource) -> &pb::Metadata {
    static NONE: std::sync::LazyLock<pb::Metadata> = std::sync::LazyLock::new(pb::Metadata::default);
    resource.metadata.as_ref().unwrap_or(&NONE)
}

/// The ids, as they came.
pub fn ids(resources: &[pb::Resource]) -> Vec<&str> {
    resources.iter().map(|resource| meta(resource).id.as_str()).collect()
}

/// Changes to an object that is to be sent.
pub trait Edit: Sized {
    fn edit(self, edit: impl FnOnce(&mut pb::Metadata)) -> Self;

    fn label(self, key: &str, value: &str) -> Self {
        self.edit(|m| drop(m.labels.insert(key.into(), value.into())))
    }

    fn annotation(self, key: &str, value: &str) -> Self {
        self.edit(|m| drop(m.annotations.insert(key.into(), value.into())))
    }

    fn finalizers(self, names: &[&str]) -> Self {
        self.edit(|m| m.finalizers = names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn version(self, version: &str) -> Self {
        self.edit(|m| m.version = version.into())
    }

    fn phase(self, phase: &str) -> Self {
        self.edit(|m| m.phase = phase.into())
    }
}

impl Edit for pb::Resource {
    fn edit(mut self, edit: impl FnOnce(&mut pb::Metadata)) -> Self {
        edit(self.metadata.get_or_insert_default());
        self
    }
}

/// A watch of a type, by a client that knows all events.
pub fn watch(kind: Kind, options: pb::WatchOptions) -> pb::WatchRequest {
    pb::WatchRequest {
        namespace: kind.namespace.into(),
        r#type: kind.name.into(),
        id: None,
        options: Some(options),
        api_version: 1,
    }
}

/// An event as a line: `CREATED conformance-a`.
pub fn line(event: &pb::Event) -> String {
    let id = event.resource.as_ref().map_or("", |resource| meta(resource).id.as_str());
    format!("{} {id}", event.event_type().as_str_name()).trim_end().to_owned()
}
