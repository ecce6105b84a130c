//! The schema of a world file. The comments of the fields are the reference in the docs.
//! It knows no objects; the other files here create them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Strings by name.
pub type Words = BTreeMap<String, String>;

/// The initial objects: machines, available versions, clusters, users, infrastructure providers.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// Description, in one line.
    pub description: String,
    /// Settings of the instance.
    pub instance: Instance,
    /// Available Talos versions. Defaults to those of the simulator.
    pub talos_versions: Vec<TalosVersion>,
    /// Available Kubernetes versions. Defaults to those of the simulator.
    pub kubernetes_versions: Vec<String>,
    /// Join tokens, in addition to the one that every instance has.
    pub join_tokens: Vec<JoinToken>,
    /// Infrastructure providers, run by the simulator.
    pub providers: Vec<Provider>,
    /// Machines that have joined. Machines without an ID are numbered in order.
    pub machines: Vec<Machine>,
    /// Machine classes.
    pub machine_classes: Vec<MachineClass>,
    /// Clusters, validated like those of a user.
    pub clusters: Vec<Cluster>,
    /// Config patches for any target, selected by labels.
    pub patches: Vec<Patch>,
    /// Users.
    pub users: Vec<User>,
    /// Service accounts; their keys are in the ready line.
    pub service_accounts: Vec<ServiceAccount>,
}

/// Settings of an instance.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Instance {
    /// Name of the instance.
    pub name: String,
    /// Enables the workload proxy, which exposes services of clusters.
    pub workload_proxy: bool,
    /// Enables the embedded discovery service.
    pub embedded_discovery: bool,
    /// Enables the audit log.
    pub audit_log: bool,
    /// Minimum interval of etcd backups, such as `1h`.
    pub min_backup_interval: String,
    /// Maximum interval of etcd backups, such as `24h`.
    pub max_backup_interval: String,
    /// Storage of etcd backups.
    pub backup_store: BackupStore,
    /// Enables the import of existing Talos clusters.
    pub cluster_import: bool,
    /// The EULA is accepted at the first start. Otherwise nearly every call is refused until a client accepts it.
    pub eula_accepted: bool,
    /// Responses of S3 when Omni validates a backup configuration.
    pub s3: S3,
}

/// Responses of S3. By default every bucket is accessible.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct S3 {
    /// Buckets that do not exist.
    pub missing: Vec<String>,
    /// Buckets that belong to another account.
    pub denied: Vec<String>,
    /// Endpoints that do not respond.
    pub silent: Vec<String>,
    /// The host of Omni has an instance role, so that no keys are needed.
    pub machine_role: bool,
}

impl Default for Instance {
    fn default() -> Self {
        Self {
            name: "omni-sim".into(),
            workload_proxy: true,
            embedded_discovery: true,
            audit_log: true,
            min_backup_interval: "1h".into(),
            max_backup_interval: "24h".into(),
            backup_store: BackupStore::default(),
            cluster_import: true,
            eula_accepted: true,
            s3: S3::default(),
        }
    }
}

/// Storage of etcd backups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum BackupStore {
    /// The bucket of `EtcdBackupS3Configs`; without one there are no backups.
    #[default]
    S3,
    /// The disk of the instance.
    Local,
}

/// An available Talos version.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TalosVersion {
    /// Version, without a leading `v`.
    pub version: String,
    /// Compatible Kubernetes versions. Defaults to those that its minor version supports.
    #[serde(default)]
    pub kubernetes: Vec<String>,
    /// Deprecated: new clusters cannot use it.
    #[serde(default)]
    pub deprecated: bool,
    /// Unsupported: the instance is too old for it.
    #[serde(default)]
    pub unsupported: bool,
}

/// A join token.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct JoinToken {
    /// Name, at most 16 bytes.
    pub name: String,
    /// The token. Defaults to a random one.
    #[serde(default)]
    pub token: Option<String>,
    /// Makes it the default token.
    #[serde(default)]
    pub default: bool,
    /// Revoked.
    #[serde(default)]
    pub revoked: bool,
    /// Validity from the start, such as `24h`. Defaults to no expiration.
    #[serde(default)]
    pub expires_in: Option<String>,
}

/// An infrastructure provider.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// ID.
    pub name: String,
    /// Display name.
    #[serde(default)]
    pub title: Option<String>,
    /// Description.
    #[serde(default)]
    pub description: String,
    /// Version.
    #[serde(default)]
    pub version: Option<String>,
    /// JSON schema of the provider data of machine classes.
    #[serde(default)]
    pub schema: Option<String>,
    /// Static: its machines exist and wait to be accepted, instead of being created on request.
    #[serde(default, rename = "static")]
    pub is_static: bool,
    /// Registered at the start. Otherwise it connects when it is created.
    #[serde(default = "yes")]
    pub registered: bool,
    /// Connected to the instance.
    #[serde(default = "yes")]
    pub connected: bool,
    /// Error that it reports.
    #[serde(default)]
    pub error: String,
    /// Maximum number of machines. Defaults to no limit.
    #[serde(default)]
    pub capacity: Option<u32>,
    /// Error for every machine request.
    #[serde(default)]
    pub fails: Option<String>,
}

/// A machine, or several equal ones. Fields that are not set are as in the machines of `default`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Machine {
    /// UUID. Defaults to `00000000-0000-4000-8000-` and its number with twelve digits.
    pub id: Option<String>,
    /// Number of machines. Defaults to 1.
    pub count: Option<u32>,
    /// Host name; `{n}` is replaced by its number within `count`.
    pub hostname: Option<String>,
    /// Architecture.
    pub arch: Option<Arch>,
    /// Manufacturer of the processors, such as `Intel`.
    pub manufacturer: Option<String>,
    /// Model of the processors.
    pub processor: Option<String>,
    /// Number of processors.
    pub processors: Option<u32>,
    /// Cores of each processor.
    pub cores: Option<u32>,
    /// Memory, such as `16GiB`.
    pub memory: Option<String>,
    /// Disks; the first one is the install disk.
    pub disks: Option<Vec<Disk>>,
    /// Network addresses, such as `10.5.0.2/24`.
    pub addresses: Option<Vec<String>>,
    /// MAC addresses of the network links; the first one is up.
    pub macs: Option<Vec<String>>,
    /// Speed of the network link, in Mbit/s.
    pub mbps: Option<u32>,
    /// Platform: `metal`, `aws`, …
    pub platform: Option<String>,
    /// Region of the platform.
    pub region: Option<String>,
    /// Zone of the region.
    pub zone: Option<String>,
    /// Instance type of the platform.
    pub instance_type: Option<String>,
    /// Tags of the platform, which become labels.
    pub tags: Words,
    /// Labels, set by users.
    pub labels: Words,
    /// Labels of the installation image.
    pub image_labels: Option<Words>,
    /// Talos version that it runs, without a leading `v`.
    pub talos: Option<String>,
    /// System extensions of the image.
    pub extensions: Vec<String>,
    /// Kernel arguments of the image.
    pub kernel_args: Vec<String>,
    /// Talos is installed on the disk.
    pub installed: bool,
    /// Secure boot is enabled.
    pub secure_boot: bool,
    /// Connected to the instance. Defaults to `true`.
    pub connected: Option<bool>,
    /// Infrastructure provider of the machine, one with `static: true`.
    pub provider: Option<String>,
    /// Accepted, for a machine of an infrastructure provider.
    pub accepted: bool,
    /// Name of the join token. Defaults to the default token.
    pub join_token: Option<String>,
    /// Pending: it has not joined, and waits for acceptance.
    pub pending: bool,
}

/// CPU architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 64-bit x86.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Name, such as `sda`.
    pub name: String,
    /// Size, such as `500GB`.
    pub size: String,
    /// Model.
    #[serde(default)]
    pub model: String,
    /// Transport: `nvme`, `sata`, `usb`, `mmc`, `virtio`.
    #[serde(default)]
    pub transport: Option<String>,
    /// Rotational disk.
    #[serde(default)]
    pub rotational: bool,
}

/// A machine class: either `match` or `provider` is set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MachineClass {
    /// Name.
    pub name: String,
    /// Label selectors such as `omni.sidero.dev/arch = amd64, rack = r1`; a machine must match one of them.
    #[serde(default, rename = "match")]
    pub matches: Vec<String>,
    /// Infrastructure provider that creates machines for it.
    #[serde(default)]
    pub provider: Option<String>,
    /// Provider data, in YAML.
    #[serde(default)]
    pub provider_data: String,
    /// Kernel arguments of the created machines.
    #[serde(default)]
    pub kernel_args: Vec<String>,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Name.
    pub name: String,
    /// Talos version, without a leading `v`.
    pub talos: String,
    /// Kubernetes version, without a leading `v`.
    pub kubernetes: String,
    /// Labels.
    #[serde(default)]
    pub labels: Words,
    /// Annotations.
    #[serde(default)]
    pub annotations: Words,
    /// Enables disk encryption.
    #[serde(default)]
    pub disk_encryption: bool,
    /// Enables the workload proxy.
    #[serde(default)]
    pub workload_proxy: bool,
    /// Interval of etcd backups, such as `2h`.
    #[serde(default)]
    pub backup_interval: Option<String>,
    /// Config patches of the cluster.
    #[serde(default)]
    pub patches: Vec<NamedPatch>,
    /// System extensions of the cluster.
    #[serde(default)]
    pub extensions: Option<Vec<String>>,
    /// Control plane machine set.
    pub control_planes: MachineSet,
    /// Worker machine sets.
    #[serde(default)]
    pub workers: Vec<MachineSet>,
    /// Locked.
    #[serde(default)]
    pub locked: bool,
}

/// A machine set: either `machines` or `class` is set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct MachineSet {
    /// Name within the cluster. Defaults to `workers`; control planes have none.
    pub name: Option<String>,
    /// Machines, by ID or host name.
    pub machines: Vec<String>,
    /// Locked machines, by ID or host name.
    pub locked: Vec<String>,
    /// Machine class to allocate machines from.
    pub class: Option<String>,
    /// Number of machines to allocate. Defaults to all that match.
    pub size: Option<u32>,
    /// Labels.
    pub labels: Words,
    /// Config patches of the machine set.
    pub patches: Vec<NamedPatch>,
    /// System extensions of the machine set.
    pub extensions: Option<Vec<String>>,
}

/// A config patch of a cluster or a machine set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NamedPatch {
    /// Name, a part of the ID.
    pub name: String,
    /// Patch, in YAML.
    pub data: String,
}

/// A config patch for any target.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// ID.
    pub id: String,
    /// Labels, which select the target.
    #[serde(default)]
    pub labels: Words,
    /// Patch, in YAML.
    pub data: String,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct User {
    /// E-mail address.
    pub email: String,
    /// Role: `None`, `Reader`, `Auditor`, `Operator` or `Admin`.
    pub role: String,
}

/// A service account.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ServiceAccount {
    /// Name.
    pub name: String,
    /// Role: `None`, `InfraProvider`, `Reader`, `Auditor`, `Operator` or `Admin`.
    pub role: String,
}

fn yes() -> bool {
    true
}
