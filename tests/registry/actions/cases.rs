//! How each action is tested: what it needs, how it is configured, the call with its effect, and how many times the effect is there;
//! and configurations that are refused.

use crate::host::Host;
use omni_proto::specs::{EtcdManualBackupSpec, InfraMachineStatusSpec, MachineStatusSpec, ServiceAccountStatusSpec};
use omni_sim::{inventory, kinds, world};
use prost::Message as _;
use prost_types::Timestamp;
use serde_json::{Value as Json, json};
use std::time::Duration;

/// How an action is tested.
pub struct Case {
    pub name: &'static str,
    /// Makes what it needs.
    pub before: fn(&Host),
    /// A node that is removed before it, as a host would.
    pub removed: Option<u32>,
    pub config: fn(&Host) -> Json,
    /// The call that has the effect, as faults name it; none for an action that changes nothing.
    pub write: Option<&'static str>,
    /// How often it was done.
    pub done: fn(&Host) -> u64,
    /// Part of what it tells in the end.
    pub tells: &'static str,
}

const NOTHING: fn(&Host) = |_| {};

const FIRST: Case = Case {
    name: "omni_cluster_lock",
    before: NOTHING,
    removed: None,
    config: |_| json!({ "cluster": "c" }),
    write: Some("Update of Clusters"),
    done: |host| annotated(host, "Clusters", "c", "omni.sidero.dev/cluster-locked"),
    tells: "Cluster `c` is locked",
};

const TEMPLATE: &str = "kind: Cluster\nname: t\nkubernetes: {version: v1.35.1}\ntalos: {version: v1.13.5}\n---\nkind: ControlPlane\nmachines: []\n";

pub static CASES: &[Case] = &[
    FIRST,
    Case {
        name: "omni_cluster_unlock",
        before: |host| annotate(host, "Clusters", "c", "omni.sidero.dev/cluster-locked"),
        done: |host| 1 - annotated(host, "Clusters", "c", "omni.sidero.dev/cluster-locked"),
        tells: "Cluster `c` is unlocked",
        ..FIRST
    },
    Case {
        name: "omni_machine_lock",
        config: |_| json!({ "machine_id": inventory::id(2) }),
        write: Some("Update of MachineSetNodes"),
        done: |host| annotated(host, "MachineSetNodes", &inventory::id(2), "omni.sidero.dev/locked"),
        tells: "is locked",
        ..FIRST
    },
    Case {
        name: "omni_machine_unlock",
        before: |host| annotate(host, "MachineSetNodes", &inventory::id(2), "omni.sidero.dev/locked"),
        config: |_| json!({ "machine_id": inventory::id(2) }),
        write: Some("Update of MachineSetNodes"),
        done: |host| 1 - annotated(host, "MachineSetNodes", &inventory::id(2), "omni.sidero.dev/locked"),
        tells: "is unlocked",
        ..FIRST
    },
    Case {
        name: "omni_wait",
        config: |_| json!({ "type": "ClusterStatuses", "id": "c", "field": "phase", "value": "running" }),
        write: None,
        done: |_| 1,
        tells: "has `running` in `phase`",
        ..FIRST
    },
    Case {
        name: "omni_delete_by_selector",
        before: |host| {
            for id in ["a", "b", "other"] {
                host.sim.store().put("", &kinds::key("MachineClasses.omni.sidero.dev", id), |object| {
                    object.labels.insert("team".into(), if id == "other" { "db" } else { "web" }.into());
                });
            }
        },
        config: |_| json!({ "type": "MachineClasses", "label_selector": "team = web", "max_count": 2 }),
        write: Some("Destroy of MachineClasses"),
        done: |host| {
            assert!(host.object("MachineClasses", "other").is_some());
            u64::from(["a", "b"].iter().all(|id| host.object("MachineClasses", id).is_none()))
        },
        tells: "Deleted `MachineClasses.omni.sidero.dev/b`",
        ..FIRST
    },
    Case {
        name: "omni_kubernetes_manifest_sync",
        write: Some("KubernetesSyncManifests"),
        done: |host| annotated(host, "KubernetesUpgradeStatuses", "c", "manifest-rollout"),
        tells: "Manifests of cluster `c`: ",
        ..FIRST
    },
    Case {
        name: "omni_cluster_template_sync",
        config: |_| json!({ "template": TEMPLATE }),
        write: Some("Create of MachineSets"),
        done: |host| u64::from(host.object("MachineSets", "t-control-planes").is_some()),
        tells: "Cluster `t` is synchronized",
        ..FIRST
    },
    Case {
        name: "omni_etcd_backup",
        write: Some("Create of EtcdManualBackups"),
        done: |host| host.sim.store().list("EtcdBackups.omni.sidero.dev").len() as u64,
        tells: "The etcd of cluster `c` was backed up at ",
        ..FIRST
    },
    Case {
        name: "omni_support_bundle",
        config: |host| json!({ "cluster": "c", "path": file(host, "bundle.zip") }),
        write: None,
        done: |host| u64::from(std::fs::read(file(host, "bundle.zip")).is_ok_and(|bytes| bytes.starts_with(b"PK"))),
        tells: "Wrote ",
        ..FIRST
    },
    Case {
        name: "omni_audit_log_export",
        config: |host| json!({ "path": file(host, "audit.jsonl") }),
        write: None,
        done: |host| lines(host, "audit.jsonl"),
        tells: "Wrote ",
        ..FIRST
    },
    Case {
        name: "omni_machine_logs_export",
        config: |host| json!({ "machine_id": inventory::id(1), "path": file(host, "machine.log") }),
        write: None,
        done: |host| lines(host, "machine.log"),
        tells: "Wrote ",
        ..FIRST
    },
    Case {
        name: "omni_machine_remove",
        before: |host| world::disconnect_machine(host.sim.store(), &inventory::id(4)),
        config: |_| json!({ "machine_id": inventory::id(4), "confirm": inventory::id(4) }),
        write: Some("Teardown of Links"),
        done: |host| u64::from(host.object("Machines", &inventory::id(4)).is_none()),
        tells: "is removed",
        ..FIRST
    },
    Case {
        name: "omni_node_force_destroy",
        before: |host| world::disconnect_machine(host.sim.store(), &inventory::id(3)),
        removed: Some(3),
        config: |_| json!({ "machine_id": inventory::id(3), "confirm": inventory::id(3) }),
        write: Some("Create of NodeForceDestroyRequests"),
        done: |host| u64::from(host.object("ClusterMachines", &inventory::id(3)).is_none()),
        tells: "Cluster `c` has let machine",
    },
    Case {
        name: "omni_reset_node_unique_token",
        before: |host| {
            // Omni makes another one at once, which is newer.
            host.edit("NodeUniqueTokens", &inventory::id(1), |object| {
                object.annotations.insert("before".into(), String::new());
            });
        },
        config: |_| json!({ "machine_id": inventory::id(1) }),
        write: Some("ResetNodeUniqueToken"),
        done: |host| 1 - annotated(host, "NodeUniqueTokens", &inventory::id(1), "before"),
        tells: "is reset",
        ..FIRST
    },
    Case {
        name: "omni_service_account_renew",
        config: |host| {
            let key = host.generated("robot", Duration::from_hours(24));
            json!({ "name": "robot", "armored_public_key": key.armored_public })
        },
        write: Some("RenewServiceAccount"),
        done: |host| {
            let status = host.object("ServiceAccountStatuses", "robot@serviceaccount.omni.sidero.dev");
            let keys = status.map_or(0, |status| status.spec::<ServiceAccountStatusSpec>().public_keys.len());
            (keys as u64).saturating_sub(1)
        },
        tells: "Service account `robot` has the key",
        ..FIRST
    },
    Case {
        name: "omni_machine_power_off",
        config: |_| json!({ "machine_id": inventory::id(4) }),
        write: Some("MachinePowerOff"),
        done: |host| u64::from(!connected(host, 4)),
        tells: "is powered off",
        ..FIRST
    },
    Case {
        name: "omni_machine_power_on",
        before: |host| world::disconnect_machine(host.sim.store(), &inventory::id(5)),
        config: |_| json!({ "machine_id": inventory::id(5) }),
        write: Some("MachinePowerOn"),
        done: |host| u64::from(connected(host, 5)),
        tells: "is powered on",
        ..FIRST
    },
    Case {
        name: "omni_machine_reboot",
        config: |_| json!({ "machine_id": inventory::id(5) }),
        write: Some("Update of InfraMachineConfigs"),
        done: |host| {
            let status = host.object("InfraMachineStatuses", &inventory::id(5));
            u64::from(status.is_some_and(|s| !s.spec::<InfraMachineStatusSpec>().last_reboot_id.is_empty()))
        },
        tells: "was rebooted",
        ..FIRST
    },
    Case {
        name: "omni_machine_install",
        config: |host| json!({ "machine_id": inventory::id(4), "disk": disk(host, 4) }),
        write: Some("MaintenanceLifecycle"),
        done: |host| u64::from(installed(host, 4)),
        tells: "Talos is installed on `/dev/",
        ..FIRST
    },
    Case {
        name: "omni_maintenance_upgrade",
        config: |_| json!({ "machine_id": inventory::id(4), "version": "1.13.8" }),
        write: Some("MaintenanceUpgrade"),
        done: |host| u64::from(status(host, 4).talos_version == "v1.13.8"),
        tells: "runs Talos 1.13.8",
        ..FIRST
    },
    Case {
        name: "omni_rotate_talos_ca",
        write: Some("Create of RotateTalosCAs"),
        done: |host| rotations(host, "RotateTalosCAs", "talos-version"),
        tells: "The Talos CA of cluster `c` is rotated",
        ..FIRST
    },
    Case {
        name: "omni_rotate_kubernetes_ca",
        write: Some("Create of RotateKubernetesCAs"),
        done: |host| rotations(host, "RotateKubernetesCAs", "kubernetes-version"),
        tells: "The Kubernetes CA of cluster `c` is rotated",
        ..FIRST
    },
];

/// Those that find the request of an earlier invocation, which they change: the call with the effect is another one.
pub static AGAIN: &[Case] = &[
    Case {
        name: "omni_rotate_talos_ca",
        before: |host| requested(host, "RotateTalosCAs", Vec::new()),
        write: Some("Update of RotateTalosCAs"),
        done: |host| rotations(host, "RotateTalosCAs", "talos-version").saturating_sub(1),
        tells: "The Talos CA of cluster `c` is rotated",
        ..FIRST
    },
    Case {
        name: "omni_rotate_kubernetes_ca",
        before: |host| requested(host, "RotateKubernetesCAs", Vec::new()),
        write: Some("Update of RotateKubernetesCAs"),
        done: |host| rotations(host, "RotateKubernetesCAs", "kubernetes-version").saturating_sub(1),
        tells: "The Kubernetes CA of cluster `c` is rotated",
        ..FIRST
    },
    Case {
        name: "omni_etcd_backup",
        before: |host| {
            let asked = EtcdManualBackupSpec { backup_at: Some(Timestamp { seconds: 1, nanos: 0 }) };
            requested(host, "EtcdManualBackups", asked.encode_to_vec());
        },
        write: Some("Update of EtcdManualBackups"),
        done: |host| (host.sim.store().list("EtcdBackups.omni.sidero.dev").len() as u64).saturating_sub(1),
        tells: "The etcd of cluster `c` was backed up at ",
        ..FIRST
    },
];

/// A request that an earlier invocation has left; it is carried out once the world has come to rest.
fn requested(host: &Host, kind: &str, spec: Vec<u8>) {
    host.sim.store().put("", &kinds::key(&format!("{kind}.omni.sidero.dev"), "c"), |object| {
        object.labels.insert("omni.sidero.dev/cluster".into(), "c".into());
        object.spec = spec;
    });
}

fn annotate(host: &Host, kind: &str, id: &str, key: &str) {
    host.edit(kind, id, |object| {
        object.annotations.insert(key.into(), String::new());
    });
}

pub fn annotated(host: &Host, kind: &str, id: &str, key: &str) -> u64 {
    u64::from(host.object(kind, id).is_some_and(|object| object.annotations.contains_key(key)))
}

fn status(host: &Host, place: u32) -> MachineStatusSpec {
    host.object("MachineStatuses", &inventory::id(place)).map(|object| object.spec()).unwrap_or_default()
}

fn connected(host: &Host, place: u32) -> bool {
    status(host, place).connected
}

fn installed(host: &Host, place: u32) -> bool {
    status(host, place).hardware.iter().flat_map(|h| &h.blockdevices).any(|disk| disk.system_disk)
}

/// The first disk of a machine.
fn disk(host: &Host, place: u32) -> String {
    let disks = status(host, place).hardware.map(|hardware| hardware.blockdevices).unwrap_or_default();
    disks.first().map(|disk| disk.linux_name.clone()).expect("a disk")
}

/// How often a rotation was carried out: each makes a version of its request.
fn rotations(host: &Host, request: &str, note: &str) -> u64 {
    let carried_out = host.object("SecretRotations", "c").and_then(|object| object.annotations.get(note).cloned());
    let asked = host.object(request, "c").map_or(0, |request| request.version);
    carried_out.and_then(|version| version.parse().ok()).unwrap_or(0).max(asked)
}

/// The folder that is this host's alone.
pub fn folder(host: &Host) -> std::path::PathBuf {
    let port = host.sim.endpoint().rsplit(':').next().unwrap_or_default();
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("actions-{}-{port}", std::process::id()))
}

/// A file in it.
pub fn file(host: &Host, name: &str) -> String {
    folder(host).join(name).to_str().unwrap().to_owned()
}

/// 1 for a file of whole lines of JSON.
fn lines(host: &Host, name: &str) -> u64 {
    let Ok(text) = std::fs::read_to_string(file(host, name)) else { return 0 };
    let whole = text.lines().all(|line| serde_json::from_str::<Json>(line).is_ok());
    u64::from(whole && text.ends_with('\n'))
}

/// Configurations that are refused: the action, its configuration, the attribute to blame, and part of what is said.
pub fn mistakes() -> Vec<(&'static str, Json, &'static str, &'static str)> {
    let delete = |selector: &str| json!({ "type": "MachineClasses", "label_selector": selector, "max_count": 1 });
    vec![
        ("omni_wait", json!({ "type": "ClusterStatusses", "id": "c" }), "type", "Did you mean `ClusterStatuses`?"),
        ("omni_wait", json!({ "type": "CurrentUsers", "id": "c" }), "type", "cannot be waited for"),
        (
            "omni_wait",
            json!({ "type": "ClusterStatuses", "id": "c", "field": "fase", "value": "x" }),
            "field",
            "has no field `fase`",
        ),
        (
            "omni_wait",
            json!({ "type": "ClusterStatuses", "id": "c", "field": "machines", "value": "x" }),
            "field",
            "does not hold a single value",
        ),
        (
            "omni_wait",
            json!({ "type": "ClusterStatuses", "id": "c", "field": "phase", "value": "RUNING" }),
            "value",
            "Did you mean `RUNNING`?",
        ),
        ("omni_wait", json!({ "type": "ClusterStatuses", "id": "c", "field": "phase" }), "field", "needs `value`"),
        (
            "omni_wait",
            json!({ "type": "ClusterStatuses", "id": "c", "timeout": "soon" }),
            "timeout",
            "is not a duration",
        ),
        ("omni_delete_by_selector", delete(""), "label_selector", "would match every object"),
        ("omni_delete_by_selector", delete(" , "), "label_selector", ""),
        (
            "omni_delete_by_selector",
            json!({ "type": "Identities", "label_selector": "a", "max_count": 1 }),
            "type",
            "is not a type that this action knows",
        ),
        (
            "omni_delete_by_selector",
            json!({ "type": "Clusters", "label_selector": "a", "max_count": 0 }),
            "max_count",
            "from 1 to 1000",
        ),
        (
            "omni_support_bundle",
            json!({ "cluster": "c", "path": "p", "recipients": ["age1"] }),
            "recipients",
            "needs `encrypt`",
        ),
        (
            "omni_support_bundle",
            json!({ "cluster": "c", "path": "p", "encrypt": true, "default_recipients": false }),
            "default_recipients",
            "Nobody could read the bundle",
        ),
        (
            "omni_machine_install",
            json!({ "machine_id": "m", "disk": "/dev/sda", "version": "1.13" }),
            "version",
            "is not a version",
        ),
        ("omni_cluster_template_sync", json!({ "template": "kind: Cluster\ncolour: red\n" }), "template", "Line 2"),
        ("omni_audit_log_export", json!({ "path": "p", "start_date": "yesterday" }), "start_date", "is no day"),
        ("omni_audit_log_export", json!({ "path": "logs/" }), "path", "its path is that of a folder"),
    ]
}
