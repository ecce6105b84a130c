//! What users must not meet: values that are unknown without need, attributes that are missing, waits that cannot end.

use crate::defects::{cluster, made};
use crate::host::{Host, errors};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use omni_sim::{Options, kinds, world};
use prost::Message;
use serde_json::json;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("settings_of_the_provider_compute_nothing_anew", settings_of_the_provider_compute_nothing_anew),
        ("settings_of_the_provider_pass_a_lock", settings_of_the_provider_pass_a_lock),
        ("an_upgrade_leaves_the_endpoint_known", an_upgrade_leaves_the_endpoint_known),
        ("a_new_cluster_shows_what_every_cluster_has", a_new_cluster_shows_what_every_cluster_has),
        ("a_status_is_never_missing", a_status_is_never_missing),
        ("an_update_does_not_wait_for_machines_to_come", an_update_does_not_wait_for_machines_to_come),
        ("the_last_machine_of_a_set_can_be_given_up", the_last_machine_of_a_set_can_be_given_up),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("quiet::{name}"), test)).collect()
}

fn settings_of_the_provider_compute_nothing_anew() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = made(&host, "omni_cluster", &cluster()).await;
        let mut config = cluster();
        config["wait_for"] = json!("running");
        config["timeouts"] = json!({ "update": "1h" });
        let config = host.config("omni_cluster", &config);
        let plan = host.plan("omni_cluster", Some(&made), &config).await.unwrap();
        assert!(plan.planned.is_wholly_known(), "{plan:?}");
        let before = host.object("Clusters", "demo").unwrap().version;
        let planned = plan.planned.clone();
        let after = host.apply_plan("omni_cluster", Some(&made), &config, plan).await;
        let after = after.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!(after.state, planned);
        assert_eq!(host.object("Clusters", "demo").unwrap().version, before, "nothing was written");
    })
}

fn settings_of_the_provider_pass_a_lock() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let mut set = json!({ "cluster": "demo", "role": "workers" });
        let workers = made(&host, "omni_machine_set", &set).await;
        host.edit("Clusters", "demo", |object| {
            object.annotations.insert("omni.sidero.dev/cluster-locked".into(), String::new());
        });
        set["timeouts"] = json!({ "delete": "1h" });
        let plan = host.plan("omni_machine_set", Some(&workers), &host.config("omni_machine_set", &set)).await;
        assert!(plan.is_ok(), "{:?}", plan.map_err(|d| errors(&d)));
    })
}

fn an_upgrade_leaves_the_endpoint_known() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let made = made(&host, "omni_cluster", &cluster()).await;
        let mut config = cluster();
        config["kubernetes_version"] = json!("1.36.2");
        let plan = host.plan("omni_cluster", Some(&made), &host.config("omni_cluster", &config)).await.unwrap();
        assert!(plan.planned.get("kubernetes_endpoint").as_str().is_some(), "{plan:?}");
        assert!(plan.planned.get("status").is_unknown(), "an upgrade does change the status");
    })
}

fn a_new_cluster_shows_what_every_cluster_has() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let config = host.config("omni_cluster", &cluster());
        let new = host.apply("omni_cluster", None, &config).await;
        let new = new.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        for name in ["uuid", "kubernetes_endpoint"] {
            assert!(new.state.get(name).as_str().is_some_and(|text| !text.is_empty()), "{name}: {new:?}");
        }
        assert!(new.state.get("status").get("phase").as_str().is_some(), "{new:?}");
    })
}

fn a_status_is_never_missing() -> Result<(), Failed> {
    block(async {
        // No controller takes a step, so nothing has a status.
        let host = Host::with(Options::stepped(), &[]).await;
        host.sim.store().put("", &kinds::key("Clusters.omni.sidero.dev", "demo"), |object| {
            let spec = specs::ClusterSpec {
                talos_version: "1.13.5".into(),
                kubernetes_version: "1.35.1".into(),
                ..Default::default()
            };
            object.spec = spec.encode_to_vec();
        });
        let set = made(&host, "omni_machine_set", &json!({ "cluster": "demo", "role": "workers" })).await;
        assert_eq!(set.state.get("status").get("phase").as_str(), Some("unknown"), "{set:?}");
        let node = json!({ "cluster": "demo", "machine_set": "demo-workers", "machine_id": host.machines()[0] });
        let node = made(&host, "omni_machine_set_node", &node).await;
        assert_eq!(node.state.get("status").get("stage").as_str(), Some("unknown"), "{node:?}");
    })
}

fn an_update_does_not_wait_for_machines_to_come() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let mut config = cluster();
        config["wait_for"] = json!("ready");
        config["timeouts"] = json!({ "update": "2s" });
        let new = made(&host, "omni_cluster", &config).await;
        made(&host, "omni_machine_set", &json!({ "cluster": "demo", "role": "workers" })).await;
        let node = json!({ "cluster": "demo", "machine_set": "demo-workers", "machine_id": host.machines()[0] });
        made(&host, "omni_machine_set_node", &node).await;
        config["kubernetes_version"] = json!("1.36.2");
        let config = host.config("omni_cluster", &config);
        let updated = host.apply("omni_cluster", Some(&new), &config).await;
        assert!(updated.is_ok(), "{:?}", updated.map_err(|(d, _)| errors(&d)));
    })
}

fn the_last_machine_of_a_set_can_be_given_up() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let set = json!({ "cluster": "demo", "role": "controlplane", "timeouts": { "delete": "30s" } });
        let set = made(&host, "omni_machine_set", &set).await;
        let machine = host.machines()[0].clone();
        let node = json!({
            "cluster": "demo", "machine_set": "demo-control-planes", "machine_id": machine,
            "wait_for": "running", "force_destroy_on_timeout": true, "timeouts": { "delete": "1s" },
        });
        let node = made(&host, "omni_machine_set_node", &node).await;
        world::disconnect_machine(host.sim.store(), &machine);
        host.destroy("omni_machine_set_node", &node).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        host.destroy("omni_machine_set", &set).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    })
}
