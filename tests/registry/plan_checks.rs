//! What a plan says of mistakes that Omni would refuse later: one case each, and the exact words in a golden file.
//! The file is read line by line before it is accepted.

use crate::defects::made;
use crate::host::{Host, errors, warnings};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use prost::Message;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::sync::Mutex;
use terraform_provider_omni::pb::specs;
use terraform_provider_omni::sim::world::disconnect_machine;
use terraform_provider_omni::sim::{inventory, kinds};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("plan_checks::mistakes_are_told_as_the_golden_file_says", golden),
        Trial::test("plan_checks::kubernetes_goes_where_omni_lets_it", kubernetes_goes_where_omni_lets_it),
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

fn upgraded_to(host: &Host, version: &str) {
    let status = specs::KubernetesUpgradeStatusSpec { last_upgrade_version: version.into(), ..Default::default() };
    put(host, "KubernetesUpgradeStatuses", "demo", &status);
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
    upgraded_to(host, "1.34.3");
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
        Case { kind: "omni_user", ..new("A user without an address", json!({ "email": "jane", "role": "Reader" })) },
    ]
}

/// What the plan says, as it stands in the golden file.
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
    if let Some(instance) = &prior {
        prior = host.read(case.kind, instance).await.unwrap();
    }
    let lines = match host.plan(case.kind, prior.as_ref(), &host.config(case.kind, &case.after)).await {
        Ok(plan) => plan.warnings.into_iter().map(|line| format!("warning: {line}")).collect::<Vec<_>>(),
        Err(diags) => {
            let warnings = warnings(&diags).into_iter().map(|line| format!("warning: {line}"));
            errors(&diags).into_iter().map(|line| format!("error: {line}")).chain(warnings).collect()
        }
    };
    let lines = if lines.is_empty() { vec!["nothing".to_owned()] } else { lines };
    format!("## {}\n{}\n", case.name, lines.join("\n"))
}

fn golden() -> Result<(), Failed> {
    let found = Mutex::new(String::new());
    block(async {
        let mut all = Vec::new();
        for case in cases() {
            all.push(said(&case).await);
        }
        *found.lock().unwrap() = all.join("\n");
    })?;
    let found = found.into_inner().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/plan_checks.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found)?;
        return Ok(());
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    if known == found {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(&known, &found);
    Err(format!("{} is out of date (UPDATE_GOLDEN=1 rewrites it):\n{}", path.display(), diff.unified_diff()).into())
}

/// A step up is taken, and so is the way back while an upgrade still runs; anything else is refused.
fn kubernetes_goes_where_omni_lets_it() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let instance = made(&host, "omni_cluster", &cluster("1.12.4", "1.34.3")).await;
        let under_way = specs::KubernetesUpgradeStatusSpec {
            last_upgrade_version: "1.33.7".into(),
            current_upgrade_version: "1.34.3".into(),
            ..Default::default()
        };
        for status in [specs::KubernetesUpgradeStatusSpec::default(), under_way] {
            put(&host, "KubernetesUpgradeStatuses", "demo", &status);
            for to in ["1.31.14", "1.32.9", "1.33.7", "1.35.1"] {
                let config = host.config("omni_cluster", &cluster("1.12.4", to));
                let plan = host.plan("omni_cluster", Some(&instance), &config).await;
                let reverts = to == "1.33.7" && !status.current_upgrade_version.is_empty();
                assert_eq!(plan.is_ok(), to == "1.35.1" || reverts, "{to}");
            }
        }
    })
}
