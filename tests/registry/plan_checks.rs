//! What a plan says of mistakes that Omni would refuse later: one case each, and the exact words in a golden file.
//! The file is read line by line before it is accepted.

use crate::defects::made;
use crate::golden::compare;
use crate::host::{Host, errors, warnings};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use omni_sim::world::disconnect_machine;
use omni_sim::{inventory, kinds};
use prost::Message;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::sync::Mutex;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("plan_checks::mistakes_are_told_as_the_golden_file_says", golden),
        Trial::test("plan_checks::backups_need_a_store", backups_need_a_store),
        Trial::test("plan_checks::a_talos_out_of_reach_is_the_only_mistake", a_talos_out_of_reach_is_the_only_mistake),
    ]
}

/// A mistake.
struct Case {
    name: &'static str,
    /// What was made before.
    there: Vec<(&'static str, Json)>,
    /// The type that is planned.
    kind: &'static str,
    /// The configuration that it was made with, if it was.
    before: Option<Json>,
    /// What was made after it.
    parts: Vec<(&'static str, Json)>,
    /// What has become of it all since.
    then: fn(&Host),
    /// The configuration that is planned.
    after: Json,
}

fn cluster(talos: &str, kubernetes: &str) -> Json {
    json!({ "name": "demo", "talos_version": talos, "kubernetes_version": kubernetes })
}

fn with(mut config: Json, more: &Json) -> Json {
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

/// A change of the cluster, from one configuration to another.
fn change(name: &'static str, before: Json, after: Json) -> Case {
    Case { before: Some(before), ..new(name, after) }
}

/// A cluster that is planned to be made.
fn new(name: &'static str, after: Json) -> Case {
    let (there, parts) = (Vec::new(), Vec::new());
    Case { name, there, kind: "omni_cluster", before: None, parts, then: |_| {}, after }
}

fn put(host: &Host, kind: &str, id: &str, spec: &impl Message) {
    let key = kinds::key(&format!("{kind}.omni.sidero.dev"), id);
    host.sim.store().put("", &key, |object| object.spec = spec.encode_to_vec());
}

fn the_machine_is_away(host: &Host) {
    disconnect_machine(host.sim.store(), &host.machines()[0]);
    host.sim.settle().unwrap();
}

/// A control plane of one machine that runs.
fn control_plane() -> Vec<(&'static str, Json)> {
    let set = json!({ "cluster": "demo", "role": "controlplane" });
    let node = json!({ "cluster": "demo", "machine_set": "demo-control-planes", "machine_id": inventory::id(1), "wait_for": "running" });
    vec![("omni_machine_set", set), ("omni_machine_set_node", node)]
}

fn the_check_fails(host: &Host) {
    host.sim
        .faults()
        .add("KubernetesUpgradePreChecks refuse Unknown always: no control plane answers".parse().unwrap());
}

fn instance(host: &Host, change: impl FnOnce(&mut specs::FeaturesConfigSpec)) {
    host.edit("FeaturesConfigs", "features-config", |object| {
        let mut spec: specs::FeaturesConfigSpec = object.spec();
        change(&mut spec);
        object.spec = spec.encode_to_vec();
    });
}

fn locked_by_others(host: &Host) {
    host.edit("Clusters", "demo", |object| {
        object.annotations.insert("omni.sidero.dev/cluster-locked".into(), String::new());
    });
}

fn cases() -> Vec<Case> {
    let prechecks = |kubernetes: &str| with(cluster("1.13.5", kubernetes), &json!({ "upgrade_prechecks": true }));
    let features = |features: Json| with(cluster("1.13.5", "1.36.2"), &json!({ "features": features }));
    let backups = |every: &str| with(cluster("1.13.5", "1.36.2"), &json!({ "backup_interval": every }));
    vec![
        change("Kubernetes goes back a minor release", cluster("1.12.4", "1.34.3"), cluster("1.12.4", "1.33.7")),
        change("Kubernetes skips a minor release", cluster("1.13.5", "1.34.3"), cluster("1.13.5", "1.36.2")),
        change("Talos does not run the Kubernetes", cluster("1.11.6", "1.34.3"), cluster("1.11.6", "1.35.1")),
        change("Talos goes below its first minor release", cluster("1.13.5", "1.34.3"), cluster("1.12.4", "1.34.3")),
        change("Talos skips a minor release", cluster("1.11.6", "1.34.3"), cluster("1.13.5", "1.34.3")),
        change("Talos is not supported any more", cluster("1.9.6", "1.31.14"), cluster("1.8.4", "1.31.14")),
        new("Talos is not offered", cluster("1.13.99", "1.36.2")),
        new("Talos is not supported yet", cluster("1.14.0", "1.36.2")),
        Case {
            parts: control_plane(),
            then: the_machine_is_away,
            ..change("A check of an upgrade fails", prechecks("1.34.3"), prechecks("1.35.1"))
        },
        Case {
            parts: control_plane(),
            then: the_check_fails,
            ..change("An upgrade cannot be checked", prechecks("1.34.3"), prechecks("1.35.1"))
        },
        change("An upgrade is checked before the cluster runs", prechecks("1.34.3"), prechecks("1.35.1")),
        new("Backups are too frequent", backups("30m")),
        Case {
            then: |host| {
                instance(host, |spec| {
                    let settings = spec.etcd_backup_settings.get_or_insert_default();
                    settings.max_interval = Some(prost_types::Duration { seconds: 7200, nanos: 0 });
                });
            },
            ..new("Backups are too rare for this instance", backups("3h"))
        },
        Case {
            then: |host| instance(host, |spec| spec.embedded_discovery_service = false),
            ..new("The embedded discovery service is off", features(json!({ "use_embedded_discovery_service": true })))
        },
        new(
            "No discovery service is left",
            features(json!({ "disable_public_discovery_service": true, "use_embedded_discovery_service": false })),
        ),
        new(
            "The public discovery service is disabled on an old Talos",
            features(json!({ "disable_public_discovery_service": true, "use_embedded_discovery_service": true })),
        ),
        change(
            "A locked cluster is changed",
            with(cluster("1.13.5", "1.36.2"), &json!({ "locked": true })),
            with(cluster("1.13.5", "1.36.3"), &json!({ "locked": true })),
        ),
        Case {
            then: locked_by_others,
            ..change(
                "A cluster that others have locked is changed",
                cluster("1.13.5", "1.36.2"),
                cluster("1.13.5", "1.36.3"),
            )
        },
        Case {
            parts: vec![
                (SET, workers()),
                (NODE, with(node("demo-workers", 1), &json!({ "locked": true }))),
                (NODE, node("demo-workers", 2)),
            ],
            ..change(
                "An upgrade of Talos waits for a locked machine",
                cluster("1.13.5", "1.36.2"),
                with(cluster("1.13.8", "1.36.2"), &json!({ "wait_for": "running" })),
            )
        },
        Case { kind: "omni_user", ..new("A user without an address", json!({ "email": "jane", "role": "Reader" })) },
    ]
}

const CLUSTER: &str = "omni_cluster";
const SET: &str = "omni_machine_set";
const NODE: &str = "omni_machine_set_node";

fn workers() -> Json {
    json!({ "cluster": "demo", "role": "workers" })
}

fn node(set: &str, machine: u32) -> Json {
    json!({ "cluster": "demo", "machine_set": set, "machine_id": inventory::id(machine) })
}

fn by_class(role: &str, class: &Json) -> Json {
    json!({ "cluster": "demo", "role": role, "machine_class": class })
}

/// What belongs to cluster `demo`, which is there, and is planned to be made.
fn part(name: &'static str, kind: &'static str, after: Json) -> Case {
    Case { there: vec![(CLUSTER, cluster("1.13.5", "1.36.2"))], kind, ..new(name, after) }
}

/// The cluster `demo` and its workers, which are there.
fn with_workers() -> Vec<(&'static str, Json)> {
    vec![(CLUSTER, cluster("1.13.5", "1.36.2")), (SET, workers())]
}

fn class(host: &Host, id: &str, provisions: bool) {
    let provision = specs::machine_class_spec::Provision { provider_id: "qemu".into(), ..Default::default() };
    let mut spec = specs::MachineClassSpec { match_labels: vec!["a = b".into()], ..Default::default() };
    if provisions {
        spec = specs::MachineClassSpec { auto_provision: Some(provision), ..Default::default() };
    }
    put(host, "MachineClasses", id, &spec);
}

fn machine_runs(host: &Host, talos: &str) {
    host.edit("MachineStatuses", &inventory::id(1), |object| {
        let mut spec: specs::MachineStatusSpec = object.spec();
        spec.talos_version = talos.into();
        object.spec = spec.encode_to_vec();
        object.labels.insert("omni.sidero.dev/talos-version".into(), talos.into());
    });
}

/// Another cluster, which has the first machine.
fn other_cluster() -> Vec<(&'static str, Json)> {
    let node = json!({ "cluster": "other", "machine_set": "other-workers", "machine_id": inventory::id(1), "wait_for": "allocated" });
    vec![
        (CLUSTER, with(cluster("1.13.5", "1.36.2"), &json!({ "name": "other" }))),
        (SET, json!({ "cluster": "other", "role": "workers" })),
        (NODE, node),
    ]
}

fn bootstrapped(host: &Host) {
    put(host, "ClusterBootstrapStatuses", "demo", &specs::ClusterBootstrapStatusSpec { bootstrapped: true });
}

/// Mistakes with what belongs to a cluster.
fn cases_of_parts() -> Vec<Case> {
    let running = |node: Json| with(node, &json!({ "wait_for": "running" }));
    vec![
        Case { there: Vec::new(), ..part("A set of a cluster that does not exist", SET, workers()) },
        part("A set of a class that does not exist", SET, by_class("workers", &json!({ "name": "big", "size": 1 }))),
        Case {
            then: |host| class(host, "auto", true),
            ..part(
                "All machines of a class that provisions them",
                SET,
                by_class("workers", &json!({ "name": "auto", "allocation_type": "Unlimited" })),
            )
        },
        Case {
            then: |host| class(host, "big", false),
            ..part("Two control planes of a class", SET, by_class("controlplane", &json!({ "name": "big", "size": 2 })))
        },
        Case {
            then: |host| class(host, "big", false),
            ..part("No control plane of a class", SET, by_class("controlplane", &json!({ "name": "big", "size": 0 })))
        },
        Case {
            then: |host| class(host, "big", false),
            before: Some(workers()),
            parts: vec![(NODE, node("demo-workers", 2))],
            ..part(
                "A set of named machines takes a class",
                SET,
                by_class("workers", &json!({ "name": "big", "size": 1 })),
            )
        },
        Case {
            then: bootstrapped,
            ..part("A second control plane", SET, json!({ "cluster": "demo", "role": "controlplane" }))
        },
        part(
            "A backup of a cluster whose UUID is none",
            SET,
            json!({ "cluster": "demo", "role": "controlplane", "bootstrap_spec": { "cluster_uuid": "x", "snapshot": "s" } }),
        ),
        Case { then: locked_by_others, ..part("A set of a cluster that others have locked", SET, workers()) },
        part("A node of a set that does not exist", NODE, node("demo-workers", 1)),
        Case {
            there: with_workers(),
            then: |host| {
                host.edit("MachineSets", "demo-workers", |set| {
                    let class =
                        Some(specs::machine_set_spec::MachineAllocation { name: "big".into(), ..Default::default() });
                    set.spec =
                        specs::MachineSetSpec { machine_allocation: class, ..Default::default() }.encode_to_vec();
                });
            },
            ..part("A node of a set that takes a class", NODE, node("demo-workers", 1))
        },
        Case { there: with_workers(), ..part("A machine that nobody knows", NODE, node("demo-workers", 77)) },
        Case {
            there: with_workers().into_iter().chain(other_cluster()).collect(),
            ..part("A machine that another cluster has", NODE, node("demo-workers", 1))
        },
        Case {
            there: with_workers(),
            then: |host| machine_runs(host, "v1.14.0"),
            ..part("A machine with a newer Talos", NODE, node("demo-workers", 1))
        },
        Case {
            there: with_workers(),
            then: |host| machine_runs(host, "v1.11.6"),
            ..part("A machine booted from another Talos", NODE, node("demo-workers", 1))
        },
        Case {
            there: vec![(CLUSTER, cluster("1.13.5", "1.36.2"))],
            before: Some(json!({ "cluster": "demo", "role": "controlplane" })),
            parts: [1, 2].map(|n| (NODE, running(node("demo-control-planes", n)))).into(),
            ..part("Two named control planes", SET, json!({ "cluster": "demo", "role": "controlplane" }))
        },
        Case {
            there: vec![(CLUSTER, cluster("1.13.5", "1.36.2"))],
            before: Some(json!({ "cluster": "demo", "role": "controlplane" })),
            ..part("A control plane without machines", SET, json!({ "cluster": "demo", "role": "controlplane" }))
        },
        Case {
            parts: vec![(SET, workers()), (NODE, node("demo-workers", 2))],
            ..change(
                "A cluster is replaced",
                cluster("1.13.5", "1.36.2"),
                with(cluster("1.13.5", "1.36.2"), &json!({ "features": { "disk_encryption": true } })),
            )
        },
    ]
}

/// Removals; each of them begins with what was there.
fn removals() -> Vec<Case> {
    let locked = |config: Json| with(config, &json!({ "locked": true }));
    let force = json!({ "delete_options": { "force_unlock": true } });
    vec![
        change("A locked cluster is destroyed", locked(cluster("1.13.5", "1.36.2")), Json::Null),
        change("A locked cluster is destroyed by force", with(locked(cluster("1.13.5", "1.36.2")), &force), Json::Null),
        Case {
            then: locked_by_others,
            before: Some(workers()),
            ..part("A set of a locked cluster is destroyed", SET, Json::Null)
        },
        Case {
            there: with_workers(),
            then: locked_by_others,
            before: Some(node("demo-workers", 1)),
            ..part("A node of a locked cluster is destroyed", NODE, Json::Null)
        },
        Case {
            there: with_workers(),
            before: Some(locked(node("demo-workers", 1))),
            ..part("A locked node is destroyed", NODE, Json::Null)
        },
    ]
}

/// What the plan says, as it stands in the golden file.
/// Mistakes with what media are made of, and with who may do what.
fn cases_of_instances() -> Vec<Case> {
    const PRESET: &str = "omni_installation_media_preset";
    let preset = |more: Json| with(json!({ "name": "edge" }), &more);
    let policy = |rule: Json| json!({ "user_groups": { "dev": { "users": [{ "match": "dev-*" }] } }, "rules": [rule] });
    let of = |name, kind, after| Case { kind, ..new(name, after) };
    vec![
        of(
            "A preset of a platform for another architecture",
            PRESET,
            preset(json!({ "architecture": "arm64", "cloud": { "platform": "hcloud" } })),
        ),
        of(
            "A preset of a board for another architecture",
            PRESET,
            preset(json!({ "sbc": { "overlay": "rpi_generic" } })),
        ),
        of(
            "A preset of a platform without Secure Boot",
            PRESET,
            preset(json!({ "secure_boot": true, "cloud": { "platform": "aws" } })),
        ),
        of(
            "A preset of a board that the Talos version lacks",
            PRESET,
            preset(json!({ "architecture": "arm64", "talos_version": "1.12.4", "sbc": { "overlay": "rock5b-plus" } })),
        ),
        of("A preset of an unknown platform", PRESET, preset(json!({ "cloud": { "platform": "no-cloud" } }))),
        of(
            "A policy with a reference to no group",
            "omni_access_policy",
            policy(json!({ "users": ["group/devs"], "clusters": ["demo"], "role": "Reader" })),
        ),
        Case {
            there: vec![(
                "omni_access_policy",
                policy(json!({ "users": ["group/dev"], "clusters": ["demo"], "role": "Reader" })),
            )],
            ..of(
                "A policy where there is one already",
                "omni_access_policy",
                policy(json!({ "users": ["group/dev"], "clusters": ["demo"], "role": "Admin" })),
            )
        },
    ]
}

/// A machine of a static provider that nobody has accepted.
fn waits_in_a_rack(host: &Host) {
    let key = kinds::key("Links.omni.sidero.dev", inventory::id(9));
    host.sim.store().put("", &key, |link| {
        link.labels.insert("omni.sidero.dev/infra-provider-id".into(), "metal".into());
    });
}

/// What is found, and what is there before it.
fn cases_of_found() -> Vec<Case> {
    const MACHINE: &str = "omni_machine";
    const EULA: &str = "omni_eula_acceptance";
    let of = |name, kind, after| Case { kind, ..new(name, after) };
    let waiting = |more: Json| with(json!({ "machine_id": inventory::id(9) }), &more);
    let secrets = with(crate::fixture::load("omni_imported_cluster").create, &json!({ "cluster": "demo" }));
    let accepted = json!({ "name": "omni-sim", "email": "omni-sim@localhost" });
    let parts = vec![(CLUSTER, cluster("1.13.5", "1.36.2")), (SET, workers()), (NODE, node("demo-workers", 1))];
    vec![
        of("A machine that has not registered", MACHINE, json!({ "hostname": "machine-9" })),
        Case { then: waits_in_a_rack, ..of("A machine that waits for its acceptance", MACHINE, waiting(json!({}))) },
        Case {
            then: waits_in_a_rack,
            ..of("A machine that will be accepted", MACHINE, waiting(json!({ "accept": true })))
        },
        Case {
            before: Some(json!({ "machine_id": inventory::id(1), "on_destroy": "remove" })),
            parts,
            ..of("A node is removed from Omni", MACHINE, Json::Null)
        },
        Case { before: Some(accepted), ..of("The acceptance of the EULA is destroyed", EULA, Json::Null) },
        Case {
            there: vec![(CLUSTER, cluster("1.13.5", "1.36.2"))],
            ..of("Secrets of a cluster that exists", "omni_imported_cluster", secrets)
        },
    ]
}

async fn said(case: &Case) -> String {
    let host = Host::start(&[]).await;
    for (kind, config) in &case.there {
        made(&host, kind, config).await;
    }
    let mut prior = None;
    if let Some(before) = &case.before {
        prior = Some(made(&host, case.kind, before).await);
    }
    for (kind, config) in &case.parts {
        made(&host, kind, config).await;
    }
    (case.then)(&host);
    host.next_run().await;
    if let Some(instance) = &prior {
        prior = host.read(case.kind, instance).await.unwrap();
    }
    let diags = match (&prior, &case.after) {
        (Some(prior), Json::Null) => match host.plan_destroy(case.kind, prior).await {
            Ok(warnings) => return told(case, Vec::new(), warnings),
            Err(diags) => diags,
        },
        (prior, after) => host.diagnostics(case.kind, prior.as_ref(), &host.config(case.kind, after)).await,
    };
    told(case, errors(&diags), warnings(&diags))
}

fn told(case: &Case, errors: Vec<String>, warnings: Vec<String>) -> String {
    let errors = errors.into_iter().map(|line| format!("error: {line}\n"));
    let lines: Vec<String> = errors.chain(warnings.into_iter().map(|line| format!("warning: {line}\n"))).collect();
    let text = if lines.is_empty() { "nothing\n".to_owned() } else { lines.join("\n") };
    format!("## {}\n\n{text}", case.name)
}

fn golden() -> Result<(), Failed> {
    let found = Mutex::new(String::new());
    block(async {
        let mut all = Vec::new();
        for case in cases()
            .into_iter()
            .chain(cases_of_parts())
            .chain(removals())
            .chain(cases_of_instances())
            .chain(cases_of_found())
        {
            all.push(said(&case).await);
        }
        *found.lock().unwrap() = all.join("\n");
    })?;
    compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/plan_checks.txt"), &found.into_inner().unwrap())
}

/// Without a store no backup is ever made: the plan that asks for them says so, unless its run configures the store.
fn backups_need_a_store() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        host.sim.settle().unwrap();
        let plain = cluster("1.13.5", "1.36.2");
        let config = host.config("omni_cluster", &with(plain.clone(), &json!({ "backup_interval": "1h" })));
        let there = made(&host, "omni_cluster", &plain).await;
        host.next_run().await;
        let warned = async |prior| {
            let plan = host.plan("omni_cluster", prior, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            plan.warnings.join("\n").contains("backup_interval: No etcd backups will be made")
        };
        assert!(warned(Some(&there)).await, "backups begin");
        host.next_run().await;
        let store = host.config("omni_etcd_backup_s3_config", &json!({ "bucket": "b", "region": "r" }));
        host.plan("omni_etcd_backup_s3_config", None, &store).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(!warned(Some(&there)).await, "the run configures the store");
    })
}

/// The Kubernetes of a Talos that the cluster cannot go back to is no second mistake.
fn a_talos_out_of_reach_is_the_only_mistake() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let there = made(&host, "omni_cluster", &cluster("1.13.5", "1.36.2")).await;
        host.sim.settle().unwrap();
        host.next_run().await;
        let back = host.config("omni_cluster", &cluster("1.12.4", "1.36.2"));
        let said = errors(&host.diagnostics("omni_cluster", Some(&there), &back).await);
        assert!(said.len() == 1 && said[0].contains("Talos cannot be downgraded"), "{said:?}");
    })
}
