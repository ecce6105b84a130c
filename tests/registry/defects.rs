//! Defects of the official provider, each with a test that it is absent here.

use crate::host::{Host, Instance, errors, warnings};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use prost::Message;
use serde_json::{Value as Json, json};
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("feature_flags_are_not_reset_on_update", feature_flags_are_not_reset_on_update),
        ("a_leading_v_is_no_difference", a_leading_v_is_no_difference),
        ("disk_encryption_is_not_planned_in_place", disk_encryption_is_not_planned_in_place),
        ("a_removed_bootstrap_spec_keeps_the_control_plane", a_removed_bootstrap_spec_keeps_the_control_plane),
        ("strategies_are_read_back", strategies_are_read_back),
        ("strategies_of_others_survive_an_update", strategies_of_others_survive_an_update),
        ("formatting_of_yaml_is_no_difference", formatting_of_yaml_is_no_difference),
        ("a_destroy_ends_at_its_limit", a_destroy_ends_at_its_limit),
        ("versions_are_checked_in_the_plan", versions_are_checked_in_the_plan),
        ("named_worker_sets_keep_their_name", named_worker_sets_keep_their_name),
        ("an_imported_backup_interval_is_no_difference", an_imported_backup_interval_is_no_difference),
        ("switching_to_a_class_with_nodes_is_told_in_the_plan", switching_to_a_class_with_nodes_is_told_in_the_plan),
        ("switching_from_a_class_with_machines_is_refused_in_the_plan", switching_from_a_class_with_machines),
        ("a_patch_without_a_name_is_imported_under_its_own", a_patch_without_a_name_is_imported_under_its_own),
        ("state_of_the_first_alphas_is_read", state_of_the_first_alphas_is_read),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("defects::{name}"), test)).collect()
}

pub fn cluster() -> Json {
    json!({ "name": "demo", "talos_version": "1.13.5", "kubernetes_version": "1.35.1" })
}

pub async fn made(host: &Host, kind: &str, config: &Json) -> Instance {
    let instance = host.apply(kind, None, &host.config(kind, config)).await;
    let instance = instance.unwrap_or_else(|(d, _)| panic!("{kind}: {:?}", errors(&d)));
    host.read(kind, &instance).await.unwrap().unwrap()
}

pub async fn changed(host: &Host, kind: &str, prior: &Instance, config: &Json) -> Instance {
    let instance = host.apply(kind, Some(prior), &host.config(kind, config)).await;
    instance.unwrap_or_else(|(d, _)| panic!("{kind}: {:?}", errors(&d)))
}

fn with(mut config: Json, key: &str, value: Json) -> Json {
    config[key] = value;
    config
}

fn feature_flags_are_not_reset_on_update() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let config = with(cluster(), "features", json!({ "enable_workload_proxy": true }));
        let made = made(&host, "omni_cluster", &config).await;
        host.edit("Clusters", "demo", |object| {
            let mut spec: specs::ClusterSpec = object.spec();
            spec.features.get_or_insert_default().enable_node_audit_skip = true;
            object.spec = spec.encode_to_vec();
        });
        let read = host.read("omni_cluster", &made).await.unwrap().unwrap();
        changed(&host, "omni_cluster", &read, &with(config, "kubernetes_version", json!("1.36.2"))).await;
        let spec: specs::ClusterSpec = host.object("Clusters", "demo").unwrap().spec();
        let features = spec.features.unwrap();
        assert!(features.enable_node_audit_skip && features.enable_workload_proxy, "{features:?}");
        assert_eq!(spec.kubernetes_version, "1.36.2");
    })
}

fn a_leading_v_is_no_difference() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let config = json!({ "name": "demo", "talos_version": "v1.13.5", "kubernetes_version": "v1.35.1" });
        let made = made(&host, "omni_cluster", &config).await;
        settled(&host, "omni_cluster", &made, &host.config("omni_cluster", &config), "create").await;
        settled(&host, "omni_cluster", &made, &host.config("omni_cluster", &cluster()), "writing it without").await;
        let spec: specs::ClusterSpec = host.object("Clusters", "demo").unwrap().spec();
        assert_eq!((spec.talos_version.as_str(), spec.kubernetes_version.as_str()), ("1.13.5", "1.35.1"));
    })
}

fn disk_encryption_is_not_planned_in_place() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = made(&host, "omni_cluster", &cluster()).await;
        let config = host.config("omni_cluster", &with(cluster(), "features", json!({ "disk_encryption": true })));
        let plan = host.plan("omni_cluster", Some(&made), &config).await.unwrap();
        assert_eq!(plan.replace, ["features.disk_encryption"]);
    })
}

fn control_plane() -> Json {
    json!({ "cluster": "demo", "role": "controlplane" })
}

fn a_removed_bootstrap_spec_keeps_the_control_plane() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let made = made(&host, "omni_machine_set", &control_plane()).await;
        // A restore needs a real backup: the set gets its history behind the scenes.
        host.edit("MachineSets", "demo-control-planes", |object| {
            let mut spec: specs::MachineSetSpec = object.spec();
            spec.bootstrap_spec =
                Some(specs::machine_set_spec::BootstrapSpec { cluster_uuid: "u".into(), snapshot: "s".into() });
            object.spec = spec.encode_to_vec();
        });
        let bootstrapped = |yes: bool| {
            host.edit("ClusterBootstrapStatuses", "demo", |object| {
                object.spec = specs::ClusterBootstrapStatusSpec { bootstrapped: yes }.encode_to_vec();
            });
        };
        let read = host.read("omni_machine_set", &made).await.unwrap().unwrap();
        assert_eq!(read.state.get("bootstrap_spec").get("snapshot"), &Value::from("s"));
        let config = host.config("omni_machine_set", &control_plane());
        // By the apply it may be, so this stops no plan.
        let early = host.plan("omni_machine_set", Some(&read), &config).await.unwrap();
        assert!(early.warnings.iter().any(|w| w.starts_with("bootstrap_spec: ")), "{:?}", early.warnings);
        bootstrapped(true);
        host.next_run().await;
        let plan = host.plan("omni_machine_set", Some(&read), &config).await.unwrap();
        assert_eq!(plan.replace, Vec::<String>::new());
        assert!(plan.planned.get("bootstrap_spec").is_null());
        let other = with(control_plane(), "bootstrap_spec", json!({ "cluster_uuid": "u", "snapshot": "other" }));
        let refused = host.plan("omni_machine_set", Some(&read), &host.config("omni_machine_set", &other)).await;
        assert!(errors(&refused.expect_err("immutable"))[0].starts_with("bootstrap_spec: "));
    })
}

fn workers() -> Json {
    json!({ "cluster": "demo", "role": "workers" })
}

fn strategies_are_read_back() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let config = with(workers(), "update_strategy", json!({ "type": "Rolling", "max_parallelism": 2 }));
        let made = made(&host, "omni_machine_set", &config).await;
        set_parallelism(&host, 7);
        let read = host.read("omni_machine_set", &made).await.unwrap().unwrap();
        assert_eq!(read.state.get("update_strategy").get("max_parallelism"), &Value::from(7));
        let plan = host.plan("omni_machine_set", Some(&read), &host.config("omni_machine_set", &config)).await.unwrap();
        assert_eq!(
            plan.planned.get("update_strategy").get("max_parallelism"),
            &Value::from(2),
            "the drift is repaired"
        );
    })
}

fn set_parallelism(host: &Host, n: u32) {
    use specs::machine_set_spec::{RollingUpdateStrategyConfig, UpdateStrategyConfig};
    host.edit("MachineSets", "demo-workers", |object| {
        let mut spec: specs::MachineSetSpec = object.spec();
        let rolling = Some(RollingUpdateStrategyConfig { max_parallelism: n });
        spec.update_strategy_config = Some(UpdateStrategyConfig { rolling });
        object.spec = spec.encode_to_vec();
    });
}

fn strategies_of_others_survive_an_update() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let made = made(&host, "omni_machine_set", &workers()).await;
        set_parallelism(&host, 7);
        let read = host.read("omni_machine_set", &made).await.unwrap().unwrap();
        let config = with(workers(), "delete_strategy", json!({ "type": "Rolling", "max_parallelism": 1 }));
        changed(&host, "omni_machine_set", &read, &config).await;
        let spec: specs::MachineSetSpec = host.object("MachineSets", "demo-workers").unwrap().spec();
        assert_eq!(spec.update_strategy_config.unwrap().rolling.unwrap().max_parallelism, 7);
        assert_eq!(spec.delete_strategy_config.unwrap().rolling.unwrap().max_parallelism, 1);
    })
}

fn patch(data: &str) -> Json {
    json!({ "name": "time", "cluster": "demo", "data": data })
}

fn formatting_of_yaml_is_no_difference() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let made =
            made(&host, "omni_config_patch", &patch("machine:\n  time:\n    servers: [a]\n    disabled: false\n"))
                .await;
        let other = patch("# the same\n\"machine\": {time: {disabled: false, servers: [\"a\"]}}");
        settled(&host, "omni_config_patch", &made, &host.config("omni_config_patch", &other), "reformatting").await;
        let changed = patch("machine:\n  time:\n    servers: [b]\n    disabled: false\n");
        let plan =
            host.plan("omni_config_patch", Some(&made), &host.config("omni_config_patch", &changed)).await.unwrap();
        assert_ne!(plan.planned, made.state, "another server is a difference");
    })
}

fn a_destroy_ends_at_its_limit() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let config = with(patch("machine: {}\n"), "timeouts", json!({ "delete": "300ms" }));
        let made = made(&host, "omni_config_patch", &config).await;
        host.edit("ConfigPatches", "400-demo-time", |object| object.finalizers.push("Somebody".into()));
        let refused = host.destroy("omni_config_patch", &made).await.expect_err("somebody holds on to it");
        let said = errors(&refused).join("\n");
        assert!(said.contains("`Somebody`") && said.contains("timeouts"), "{said}");
        host.edit("ConfigPatches", "400-demo-time", |object| object.finalizers.clear());
        host.destroy("omni_config_patch", &made).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    })
}

fn versions_are_checked_in_the_plan() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        for (attribute, version) in
            [("talos_version", "1.99.0"), ("talos_version", "1.14.0"), ("kubernetes_version", "1.99.0")]
        {
            let config = host.config("omni_cluster", &with(cluster(), attribute, json!(version)));
            let said = errors(&host.plan("omni_cluster", None, &config).await.expect_err(version));
            assert!(
                said[0].starts_with(&format!("{attribute}: "))
                    && said[0].contains("1.13.5") | said[0].contains("1.36.2"),
                "{said:?}"
            );
        }
    })
}

fn named_worker_sets_keep_their_name() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let config = with(workers(), "name", json!("extra"));
        let made = made(&host, "omni_machine_set", &config).await;
        assert_eq!(made.state.get("id"), &Value::from("demo-extra"));
        let imported = host.import("omni_machine_set", "demo-extra", None).await.unwrap();
        settled(&host, "omni_machine_set", &imported, &host.config("omni_machine_set", &config), "import").await;
    })
}

fn an_imported_backup_interval_is_no_difference() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let config = with(cluster(), "backup_interval", json!("1h"));
        made(&host, "omni_cluster", &config).await;
        let imported = host.import("omni_cluster", "demo", None).await.unwrap();
        assert_eq!(imported.state.get("backup_interval"), &Value::from("1h0m0s"));
        settled(&host, "omni_cluster", &imported, &host.config("omni_cluster", &config), "import").await;
    })
}

fn switching_to_a_class_with_nodes_is_told_in_the_plan() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let set = made(&host, "omni_machine_set", &workers()).await;
        let machine = host.machines().remove(0);
        let node = json!({ "machine_id": machine, "machine_set": "demo-workers", "cluster": "demo" });
        made(&host, "omni_machine_set_node", &node).await;
        let config = with(workers(), "machine_class", json!({ "name": "any", "size": 1 }));
        // The machines may have left by the apply, so this stops no plan, and no destroy.
        let config = host.config("omni_machine_set", &config);
        let plan = host.plan("omni_machine_set", Some(&set), &config).await.unwrap();
        let said = |text: &str| plan.warnings.iter().any(|w| w.starts_with("machine_class: ") && w.contains(text));
        assert!(said("still has machines") && said(&machine), "{:?}", plan.warnings);
        let refused = host.apply_plan("omni_machine_set", Some(&set), &config, plan).await;
        let said = errors(&refused.expect_err("the set is not empty").0);
        assert!(said[0].starts_with("machine_class: ") && said[0].contains("Then switch"), "{said:?}");
    })
}

/// No plan can remove what a class has allocated, so nothing of this one may be applied; a destroy goes on.
fn switching_from_a_class_with_machines() -> Result<(), Failed> {
    const SET: &str = "omni_machine_set";
    block(async {
        let class = json!({ "name": "any", "match_labels": ["omni.sidero.dev/arch"] });
        let by_class = |size: u32| with(workers(), "machine_class", json!({ "name": "any", "size": size }));
        for (command, refused) in
            [(&["terraform", "plan"][..], true), (&["terraform", "plan", "-destroy"][..], false), (&[][..], false)]
        {
            let host = Host::called(command, Host::options(Duration::from_millis(5)), &[]).await;
            made(&host, "omni_cluster", &cluster()).await;
            made(&host, "omni_machine_class", &class).await;
            made(&host, SET, &by_class(1)).await;
            host.sim.settle().unwrap();
            host.next_run().await;
            let set = host.import(SET, "demo-workers", None).await.unwrap();
            let config = host.config(SET, &workers());
            let told = host.diagnostics(SET, Some(&set), &config).await;
            let says =
                |lines: Vec<String>| lines.iter().any(|line| line.contains("The machine set still has machines"));
            assert_eq!((says(errors(&told)), says(warnings(&told))), (refused, !refused), "{command:?}: {told:?}");
            // A set that was told to release its machines may be empty by the apply.
            host.next_run().await;
            let set = changed(&host, SET, &set, &by_class(0)).await;
            host.next_run().await;
            let told = host.diagnostics(SET, Some(&set), &config).await;
            assert_eq!(errors(&told), Vec::<String>::new(), "{command:?}");
        }
    })
}

fn a_patch_without_a_name_is_imported_under_its_own() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        made(&host, "omni_config_patch", &patch("machine: {}\n")).await;
        host.edit("ConfigPatches", "400-demo-time", |object| {
            object.annotations.remove("name");
        });
        let imported = host.import("omni_config_patch", "400-demo-time", None).await.unwrap();
        assert_eq!(imported.state.get("name"), &Value::from("time"));
        let plan = host
            .plan("omni_config_patch", Some(&imported), &host.config("omni_config_patch", &patch("machine: {}\n")))
            .await
            .unwrap();
        assert_eq!(plan.replace, Vec::<String>::new());
    })
}

fn state_of_the_first_alphas_is_read() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        made(&host, "omni_machine_set", &workers()).await;
        let old = json!({ "name": "demo-workers", "cluster": "demo", "role": "workers", "update_strategy": null, "unheard_of": 1 });
        let upgraded = host.upgrade("omni_machine_set", &old).await;
        let read = host.read("omni_machine_set", &upgraded).await.unwrap().unwrap();
        assert_eq!(
            (read.state.get("id"), read.state.get("name")),
            (&Value::from("demo-workers"), &Value::from("demo-workers"))
        );
        settled(&host, "omni_machine_set", &read, &host.config("omni_machine_set", &workers()), "taking it over").await;
    })
}
