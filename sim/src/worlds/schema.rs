//! What a world file may say. The comments of the fields are the reference in the docs.
//! It knows no objects: what becomes of it is for the other files here.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Text by name.
pub type Words = BTreeMap<String, String>;

/// What a simulator holds when it starts: machines, versions on offer, clusters, people, providers.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// What this world is for, in one line.
    pub description: String,
    /// What the instance allows.
    pub instance: Instance,
    /// The Talos versions on offer; without them, those of the simulator.
    pub talos_versions: Vec<TalosVersion>,
    /// The Kubernetes versions on offer; without them, those of the simulator.
    pub kubernetes_versions: Vec<String>,
    /// Tokens that machines join with, beside the one that every instance has.
    pub join_tokens: Vec<JoinToken>,
    /// Programs that offer machines, played by the simulator.
    pub providers: Vec<Provider>,
    /// Machines that joined, in order: each without an id takes the next free number.
    pub machines: Vec<Machine>,
    /// Named choices of machines.
    pub machine_classes: Vec<MachineClass>,
    /// Clusters, made as a user would make them.
    pub clusters: Vec<Cluster>,
    /// Patches for any target, by labels.
    pub patches: Vec<Patch>,
    /// People who may log in.
    pub users: Vec<User>,
    /// Accounts for programs; their keys are in the ready line.
    pub service_accounts: Vec<ServiceAccount>,
}

/// What an instance allows.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// Whether services of clusters may be exposed.
    pub workload_proxy: bool,
    /// Whether clusters may use the discovery service of the instance.
    pub embedded_discovery: bool,
    /// Whether an audit log is kept.
    pub audit_log: bool,
    /// The shortest time between two backups of etcd, such as `1h`.
    pub min_backup_interval: String,
    /// The longest time between two backups of etcd, such as `24h`.
    pub max_backup_interval: String,
    /// Where backups go.
    pub backup_store: BackupStore,
    /// Whether clusters that were made elsewhere can be taken over.
    pub cluster_import: bool,
    /// What S3 answers when Omni asks it whether backups can go there.
    pub s3: S3,
}

/// What S3 answers; without a word about it, that all is well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct S3 {
    /// Buckets that are not there.
    pub missing: Vec<String>,
    /// Buckets that are somebody else's.
    pub denied: Vec<String>,
    /// Endpoints where nothing listens.
    pub silent: Vec<String>,
    /// Whether the machine that Omni runs on has a role, so that no keys are needed.
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
            s3: S3::default(),
        }
    }
}

/// Where backups go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum BackupStore {
    /// To the store that `EtcdBackupS3Configs` names; without one there are no backups.
    #[default]
    S3,
    /// To the disk of the instance.
    Local,
}

/// A Talos version on offer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TalosVersion {
    /// The version, without a leading `v`.
    pub version: String,
    /// The Kubernetes versions that it runs; without them, those that fit by its minor version.
    #[serde(default)]
    pub kubernetes: Vec<String>,
    /// Whether new clusters may not use it any more.
    #[serde(default)]
    pub deprecated: bool,
    /// Whether the instance cannot use it yet.
    #[serde(default)]
    pub unsupported: bool,
}

/// A token that machines join with.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct JoinToken {
    /// Its name, of at most 16 bytes.
    pub name: String,
    /// The token itself; without it, one that nobody can guess.
    #[serde(default)]
    pub token: Option<String>,
    /// Whether machines without a token take this one.
    #[serde(default)]
    pub default: bool,
    /// Whether it was taken back.
    #[serde(default)]
    pub revoked: bool,
    /// How long it can be used after the start, such as `24h`; without it, for ever.
    #[serde(default)]
    pub expires_in: Option<String>,
}

/// A program that offers machines.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its id.
    pub name: String,
    /// What it is called.
    #[serde(default)]
    pub title: Option<String>,
    /// What it offers.
    #[serde(default)]
    pub description: String,
    /// Its version.
    #[serde(default)]
    pub version: Option<String>,
    /// The JSON schema of what machine classes may ask of it.
    #[serde(default)]
    pub schema: Option<String>,
    /// Whether its machines stand there already and wait to be accepted, instead of being made on request.
    #[serde(default, rename = "static")]
    pub is_static: bool,
    /// Whether it is known to the instance from the start; if not, it connects once somebody creates it.
    #[serde(default = "yes")]
    pub registered: bool,
    /// Whether the program runs.
    #[serde(default = "yes")]
    pub connected: bool,
    /// What it complains about.
    #[serde(default)]
    pub error: String,
    /// How many machines it can make; without it, as many as are asked for.
    #[serde(default)]
    pub capacity: Option<u32>,
    /// Why it makes no machine at all.
    #[serde(default)]
    pub fails: Option<String>,
}

/// A machine, or several alike. What is not said is as with the numbered machines.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Machine {
    /// Its UUID; without it, `00000000-0000-4000-8000-` and its number with twelve digits.
    pub id: Option<String>,
    /// How many of them there are.
    pub count: Option<u32>,
    /// Its host name; `{n}` stands for its number within `count`.
    pub hostname: Option<String>,
    /// Its architecture.
    pub arch: Option<Arch>,
    /// Who made its processor, such as `Intel`.
    pub manufacturer: Option<String>,
    /// The name of its processor.
    pub processor: Option<String>,
    /// How many processors it has.
    pub processors: Option<u32>,
    /// How many cores each of them has.
    pub cores: Option<u32>,
    /// Its memory, such as `16GiB`.
    pub memory: Option<String>,
    /// Its disks, the one to install on first.
    pub disks: Option<Vec<Disk>>,
    /// Its network addresses, such as `10.5.0.2/24`.
    pub addresses: Option<Vec<String>>,
    /// The hardware addresses of its network ports, the connected one first.
    pub macs: Option<Vec<String>>,
    /// The speed of its network, in Mbit/s.
    pub mbps: Option<u32>,
    /// What it runs on: `metal`, `aws`, …
    pub platform: Option<String>,
    /// The region of the platform.
    pub region: Option<String>,
    /// The zone of the region.
    pub zone: Option<String>,
    /// The type that the platform gives it.
    pub instance_type: Option<String>,
    /// The tags that the platform gives it, which become labels.
    pub tags: Words,
    /// Labels that users gave it.
    pub labels: Words,
    /// Labels that came with its image.
    pub image_labels: Option<Words>,
    /// The Talos version that it boots, without a leading `v`.
    pub talos: Option<String>,
    /// Extensions in its image.
    pub extensions: Vec<String>,
    /// Kernel arguments in its image.
    pub kernel_args: Vec<String>,
    /// Whether Talos is on its disk.
    pub installed: bool,
    /// Whether it boots only what is signed.
    pub secure_boot: bool,
    /// Whether it answers; it does unless told otherwise.
    pub connected: Option<bool>,
    /// The provider that it comes from, one with `static: true`.
    pub provider: Option<String>,
    /// Whether a machine of a provider was accepted.
    pub accepted: bool,
    /// The name of the token that it joined with; without it, the default one.
    pub join_token: Option<String>,
    /// Whether it only knocks: something keeps it from joining.
    pub pending: bool,
}

/// An architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// `amd64`.
    Amd64,
    /// `arm64`.
    Arm64,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Its name, such as `sda`.
    pub name: String,
    /// Its size, such as `500GB`.
    pub size: String,
    /// Its model.
    #[serde(default)]
    pub model: String,
    /// How it is connected: `nvme`, `sata`, `usb`, `mmc`, `virtio`.
    #[serde(default)]
    pub transport: Option<String>,
    /// Whether it turns.
    #[serde(default)]
    pub rotational: bool,
}

/// A named choice of machines: one of `match` and `provider`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MachineClass {
    /// Its name.
    pub name: String,
    /// Selectors such as `omni.sidero.dev/arch = amd64, rack = r1`; a machine has to match one of them.
    #[serde(default, rename = "match")]
    pub matches: Vec<String>,
    /// The provider that makes machines for it.
    #[serde(default)]
    pub provider: Option<String>,
    /// What it asks of the provider.
    #[serde(default)]
    pub provider_data: String,
    /// Kernel arguments of the machines that are made.
    #[serde(default)]
    pub kernel_args: Vec<String>,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its Talos version, without a leading `v`.
    pub talos: String,
    /// Its Kubernetes version, without a leading `v`.
    pub kubernetes: String,
    /// Its labels.
    #[serde(default)]
    pub labels: Words,
    /// Its annotations.
    #[serde(default)]
    pub annotations: Words,
    /// Whether its disks are encrypted.
    #[serde(default)]
    pub disk_encryption: bool,
    /// Whether its services may be exposed.
    #[serde(default)]
    pub workload_proxy: bool,
    /// How often etcd is backed up, such as `2h`.
    #[serde(default)]
    pub backup_interval: Option<String>,
    /// Patches for all of its machines.
    #[serde(default)]
    pub patches: Vec<NamedPatch>,
    /// Extensions on all of its machines.
    #[serde(default)]
    pub extensions: Option<Vec<String>>,
    /// Its control planes.
    pub control_planes: MachineSet,
    /// Its sets of workers.
    #[serde(default)]
    pub workers: Vec<MachineSet>,
    /// Whether it may not be changed.
    #[serde(default)]
    pub locked: bool,
}

/// A set of machines in one role: one of `machines` and `class`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct MachineSet {
    /// Its name within the cluster; without it, `workers`. Control planes have none.
    pub name: Option<String>,
    /// Its machines, by id or host name.
    pub machines: Vec<String>,
    /// Those of its machines that may not be changed, by id or host name.
    pub locked: Vec<String>,
    /// The machine class that it takes machines from.
    pub class: Option<String>,
    /// How many machines it takes; without it, all that match.
    pub size: Option<u32>,
    /// Its labels.
    pub labels: Words,
    /// Patches for its machines.
    pub patches: Vec<NamedPatch>,
    /// Extensions on its machines.
    pub extensions: Option<Vec<String>>,
}

/// A patch of a cluster or a set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NamedPatch {
    /// Its name; it becomes a part of its id.
    pub name: String,
    /// Its text.
    pub data: String,
}

/// A patch for any target.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// Its id.
    pub id: String,
    /// Its labels, which say what it is for.
    #[serde(default)]
    pub labels: Words,
    /// Its text.
    pub data: String,
}

/// Somebody who may log in.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The mail address.
    pub email: String,
    /// What the user may do: `None`, `Reader`, `Auditor`, `Operator` or `Admin`.
    pub role: String,
}

/// An account for a program.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ServiceAccount {
    /// Its name.
    pub name: String,
    /// What it may do: `None`, `InfraProvider`, `Reader`, `Auditor`, `Operator` or `Admin`.
    pub role: String,
}

fn yes() -> bool {
    true
}
