//! Waits that do not come to their end: the object stays, what was seen is told, and the wait is owed until the object is ready.

use crate::defects::{changed, cluster, made};
use crate::fixture::merged;
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use omni_sim::{Options, kinds, world};
use prost::Message;
use serde_json::{Value as Json, json};
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("what_waits_shows_a_status", what_waits_shows_a_status),
        ("a_create_that_waits_in_vain_is_kept", a_create_that_waits_in_vain_is_kept),
        ("a_wait_can_be_made_to_fail", a_wait_can_be_made_to_fail),
        ("an_update_that_waits_in_vain_is_owed", an_update_that_waits_in_vain_is_owed),
        ("an_owed_wait_writes_nothing", an_owed_wait_writes_nothing),
        ("an_owed_wait_can_be_given_up", an_owed_wait_can_be_given_up),
        ("workers_do_not_wait_for_a_control_plane", workers_do_not_wait_for_a_control_plane),
        ("workers_wait_for_a_control_plane_of_their_apply", workers_wait_for_a_control_plane_of_their_apply),
        ("nothing_waits_under_a_lock", nothing_waits_under_a_lock),
        ("a_set_does_not_wait_for_a_control_plane", a_set_does_not_wait_for_a_control_plane),
        ("what_holds_a_wait_up_is_told", what_holds_a_wait_up_is_told),
        ("a_class_without_machines_is_told", a_class_without_machines_is_told),
        ("what_hangs_is_not_made_again", what_hangs_is_not_made_again),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("owed::{name}"), test)).collect()
}

const NODE: &str = "omni_machine_set_node";
const SET: &str = "omni_machine_set";

/// A node of the control plane that waits, briefly.
fn waiting(host: &Host, extra: &Json) -> Json {
    let node = json!({
        "cluster": "demo", "machine_set": "demo-control-planes", "machine_id": host.machines()[0],
        "wait_for": "running", "timeouts": { "create": "300ms", "update": "20s" },
    });
    merged(&node, extra)
}

/// A cluster with its set of control planes, in an Omni that stands still.
async fn still(settings: &[(&str, Value)]) -> Host {
    let host = Host::with(Options::stepped(), settings).await;
    made(&host, "omni_cluster", &cluster()).await;
    host.sim.settle().unwrap();
    made(&host, SET, &json!({ "cluster": "demo", "role": "controlplane" })).await;
    host
}

/// Creates it; the instance and what was warned of.
async fn created(host: &Host, kind: &str, config: &Json) -> (Instance, Vec<String>) {
    let config = host.config(kind, config);
    let plan = host.plan(kind, None, &config).await.unwrap_or_else(|d| panic!("{kind}: {:?}", errors(&d)));
    let applied = host.applied(kind, None, &config, plan).await;
    applied.unwrap_or_else(|(d, _)| panic!("{kind}: {:?}", errors(&d)))
}

/// Refreshes and plans; the instance, whether the plan shows the wait, and what was warned of.
async fn planned(host: &Host, kind: &str, instance: &Instance, config: &Json) -> (Instance, bool, String) {
    host.next_run().await;
    let read = host.read(kind, instance).await.unwrap_or_else(|d| panic!("{:?}", errors(&d))).unwrap();
    let plan = host.plan(kind, Some(&read), &host.config(kind, config)).await;
    let plan = plan.unwrap_or_else(|d| panic!("{kind}: {:?}", errors(&d)));
    let mut without = plan.planned.clone();
    without.set("status", read.state.get("status").clone());
    assert_eq!(without, read.state, "{kind}: nothing but the status changes");
    (read, plan.planned.get("status").is_unknown(), plan.warnings.join("\n"))
}

fn what_waits_shows_a_status() -> Result<(), Failed> {
    let provider = terraform_provider_omni::provider::new();
    for resource in provider.resources() {
        let schema = resource.schema();
        let status = schema.attribute("status").is_some_and(|a| a.computed_mode() && !a.configurable());
        if schema.attribute("wait_for").is_some() && !status {
            return Err(format!("{} waits, and has no status that shows an owed wait", resource.type_name()).into());
        }
    }
    Ok(())
}

fn a_create_that_waits_in_vain_is_kept() -> Result<(), Failed> {
    block(async {
        let host = still(&[]).await;
        let config = waiting(&host, &json!({}));
        let (node, told) = created(&host, NODE, &config).await;
        let [told] = told.as_slice() else { panic!("{told:?}") };
        for part in [
            "is written, but not ready",
            "`timeouts.create` (300ms)",
            "Last seen: the machine is not allocated",
            "waits again",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!told.contains("taint"), "{told}");
        let (node, owed, told) = planned(&host, NODE, &node, &config).await;
        assert!(owed && told.contains("is not ready yet") && told.contains("300ms"), "{told}");

        // The next apply waits again, for what Omni does meanwhile.
        let config = host.config(NODE, &config);
        let plan = host.plan(NODE, Some(&node), &config).await.unwrap();
        host.sim.settle().unwrap();
        let (after, told) = host.applied(NODE, Some(&node), &config, plan).await.unwrap();
        assert_eq!(told, Vec::<String>::new());
        assert_eq!(after.state.get("status").get("stage").as_str(), Some("running"));
        host.next_run().await;
        settled(&host, NODE, &after, &config, "the wait").await;
    })
}

fn a_wait_can_be_made_to_fail() -> Result<(), Failed> {
    block(async {
        let host = still(&[("on_wait_timeout", "fail".into())]).await;
        let config = waiting(&host, &json!({}));
        let (diags, kept) = host.apply(NODE, None, &host.config(NODE, &config)).await.expect_err("it is not ready");
        let said = errors(&diags).join("\n");
        for part in ["is written, but not ready", "tainted", "`terraform untaint`", "Last seen"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        // Without the mark, it goes on as with a warning.
        let (node, owed, _) = planned(&host, NODE, &kept.unwrap(), &config).await;
        assert!(owed);
        host.sim.settle().unwrap();
        let (_, owed, told) = planned(&host, NODE, &node, &config).await;
        assert!(!owed && told.is_empty(), "a read that finds it ready drops the wait: {told}");
    })
}

fn an_update_that_waits_in_vain_is_owed() -> Result<(), Failed> {
    block(async {
        let host = still(&[]).await;
        made(&host, NODE, &waiting(&host, &json!({ "wait_for": "none" }))).await;
        host.sim.settle().unwrap();
        let old = json!({ "wait_for": "running", "timeouts": { "update": "300ms" } });
        let new = merged(&old, &json!({ "kubernetes_version": "1.36.2" }));
        let (old, new) = (merged(&cluster(), &old), merged(&cluster(), &new));
        let before = host.import("omni_cluster", "demo", None).await.unwrap();
        let before = host.apply("omni_cluster", Some(&before), &host.config("omni_cluster", &old)).await.unwrap();
        host.next_run().await;
        let config = host.config("omni_cluster", &new);
        let plan = host.plan("omni_cluster", Some(&before), &config).await.unwrap();
        let (after, told) = host.applied("omni_cluster", Some(&before), &config, plan).await.unwrap();
        let told = told.join("\n");
        assert!(told.contains("`timeouts.update` (300ms)") && told.contains("to run Kubernetes 1.36.2"), "{told}");
        let (after, owed, _) = planned(&host, "omni_cluster", &after, &new).await;
        assert!(owed);
        host.sim.settle().unwrap();
        let (_, owed, _) = planned(&host, "omni_cluster", &after, &new).await;
        assert!(!owed);
    })
}

fn an_owed_wait_writes_nothing() -> Result<(), Failed> {
    block(async {
        let host = still(&[]).await;
        let config = waiting(&host, &json!({}));
        let (node, _) = created(&host, NODE, &config).await;
        let (node, owed, _) = planned(&host, NODE, &node, &config).await;
        assert!(owed);
        // Not even where nothing may be written.
        host.edit("Clusters", "demo", |object| {
            object.annotations.insert("omni.sidero.dev/cluster-locked".into(), String::new());
        });
        host.sim.forget_requests();
        let config = host.config(NODE, &config);
        let plan = host.plan(NODE, Some(&node), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let (_, told) = host.applied(NODE, Some(&node), &config, plan).await.unwrap();
        let told = told.join("\n");
        assert!(told.contains("the wait for it is postponed") && told.contains("Cluster `demo` is locked"), "{told}");
        let writes = host.sim.requests().into_iter().filter(|r| matches!(r.name(), "Create" | "Update")).count();
        assert_eq!(writes, 0);
    })
}

fn an_owed_wait_can_be_given_up() -> Result<(), Failed> {
    block(async {
        let host = still(&[]).await;
        let (node, _) = created(&host, NODE, &waiting(&host, &json!({}))).await;
        host.next_run().await;
        let config = host.config(NODE, &waiting(&host, &json!({ "wait_for": "none" })));
        let plan = host.plan(NODE, Some(&node), &config).await.unwrap();
        assert_eq!((plan.planned.is_wholly_known(), plan.warnings.len()), (true, 0), "{plan:?}");
        let (node, told) = host.applied(NODE, Some(&node), &config, plan).await.unwrap();
        assert_eq!(told, Vec::<String>::new());
        host.next_run().await;
        settled(&host, NODE, &node, &config, "giving it up").await;
    })
}

/// A worker that waits, in a cluster whose machine sets have no machines yet.
async fn worker_of_sets(host: &Host) -> Json {
    made(host, "omni_cluster", &cluster()).await;
    for role in ["workers", "controlplane"] {
        made(host, SET, &json!({ "cluster": "demo", "role": role })).await;
    }
    json!({ "cluster": "demo", "machine_set": "demo-workers", "machine_id": host.machines()[1], "wait_for": "running" })
}

fn workers_do_not_wait_for_a_control_plane() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let worker = worker_of_sets(&host).await;
        // Were it to wait, it would do so for twenty minutes.
        let (node, told) = created(&host, NODE, &worker).await;
        assert!(told[0].contains("postponed") && told[0].contains("`demo` has no control plane yet"), "{told:?}");
        let (node, owed, told) = planned(&host, NODE, &node, &worker).await;
        assert!(owed && told.contains("no control plane"), "{told}");
        host.next_run().await;
        made(&host, NODE, &waiting(&host, &json!({ "timeouts": null }))).await;
        let config = host.config(NODE, &worker);
        let plan = host.plan(NODE, Some(&node), &config).await.unwrap();
        let (_, told) = host.applied(NODE, Some(&node), &config, plan).await.unwrap();
        assert_eq!(told, Vec::<String>::new());
    })
}

fn workers_wait_for_a_control_plane_of_their_apply() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let worker = worker_of_sets(&host).await;
        host.sim.forget_requests();
        let looks = || {
            let is_look = |name: &str, kind: &str| name == "List" && kind.starts_with("MachineSetNodes");
            host.sim.requests().iter().filter(|request| is_look(request.name(), &request.kind)).count()
        };
        let control_plane = async {
            while looks() < 2 {
                tokio::task::yield_now().await;
            }
            made(&host, NODE, &waiting(&host, &json!({ "timeouts": null }))).await
        };
        let both = async { tokio::join!(created(&host, NODE, &worker), control_plane) };
        let ((node, told), _) = tokio::time::timeout(Duration::from_secs(60), both).await.expect("it looks again");
        assert_eq!(told, Vec::<String>::new());
        assert_eq!(node.state.get("status").get("stage").as_str(), Some("running"));
    })
}

fn nothing_waits_under_a_lock() -> Result<(), Failed> {
    block(async {
        // It stands still, so that nothing comes up while the lock is lifted for a write.
        let host = Host::with(Options::stepped(), &[]).await;
        let locked = merged(&cluster(), &json!({ "locked": true }));
        let whole = made(&host, "omni_cluster", &locked).await;
        made(&host, SET, &json!({ "cluster": "demo", "role": "controlplane" })).await;
        // Were it to wait, it would do so for twenty minutes.
        let config = waiting(&host, &json!({ "timeouts": null }));
        let (node, told) = created(&host, NODE, &config).await;
        assert!(told[0].contains("Cluster `demo` is locked") && told[0].contains("`locked = false`"), "{told:?}");
        let (node, owed, told) = planned(&host, NODE, &node, &config).await;
        assert!(owed && told.contains("Cluster `demo` is locked"), "{told}");
        // Unlocked, it comes up.
        host.next_run().await;
        changed(&host, "omni_cluster", &whole, &cluster()).await;
        host.sim.settle().unwrap();
        settled(&host, NODE, &node, &host.config(NODE, &config), "unlocking").await;
    })
}

fn a_set_does_not_wait_for_a_control_plane() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[("wait_for_ready", true.into())]).await;
        made(&host, "omni_cluster", &cluster()).await;
        let class = json!({ "name": "any", "size": 1 });
        host.sim.store().put("", &kinds::key("MachineClasses.omni.sidero.dev", "any"), |object| {
            let spec = specs::MachineClassSpec {
                match_labels: vec!["omni.sidero.dev/arch = amd64".into()],
                ..Default::default()
            };
            object.spec = spec.encode_to_vec();
        });
        let set = json!({ "cluster": "demo", "role": "workers", "machine_class": class });
        let (set, told) = created(&host, SET, &set).await;
        assert!(told[0].contains("postponed"), "{told:?}");
        assert!(set.state.get("id").as_str().is_some());
    })
}

fn what_holds_a_wait_up_is_told() -> Result<(), Failed> {
    block(async {
        let host = still(&[]).await;
        let unknown = "00000000-0000-4000-8000-00000000dead";
        let (_, told) = created(&host, NODE, &waiting(&host, &json!({ "machine_id": unknown }))).await;
        assert!(told.join("\n").contains(&format!("Machine `{unknown}` has not registered with Omni.")), "{told:?}");

        let host = still(&[]).await;
        world::disconnect_machine(host.sim.store(), &host.machines()[0]);
        host.sim.settle().unwrap();
        let (_, told) = created(&host, NODE, &waiting(&host, &json!({}))).await;
        let told = told.join("\n");
        assert!(told.contains(&host.machines()[0]) && told.contains("is not connected to Omni"), "{told}");
    })
}

fn a_class_without_machines_is_told() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        made(&host, "omni_machine_class", &json!({ "name": "none", "match_labels": ["nosuch"] })).await;
        let set = json!({
            "cluster": "demo", "role": "controlplane", "machine_class": { "name": "none", "size": 3 },
            "wait_for": "running", "timeouts": { "create": "300ms" },
        });
        let (_, told) = created(&host, SET, &set).await;
        let wanted = "Machine class `none` has given 0 of 3 machines, and no further available machine matches it.";
        assert!(told.join("\n").contains(wanted), "{told:?}");
    })
}

fn what_hangs_is_not_made_again() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, "omni_cluster", &cluster()).await;
        for role in ["controlplane", "workers"] {
            made(&host, SET, &json!({ "cluster": "demo", "role": role })).await;
        }
        // The only machine of its set, which is about to go as well.
        for (set, machine) in [("demo-control-planes", &host.machines()[0]), ("demo-workers", &host.machines()[1])] {
            let node = json!({
                "cluster": "demo", "machine_set": set, "machine_id": machine,
                "wait_for": "running", "timeouts": { "create": "20m", "delete": "500ms" },
            });
            let instance = made(&host, NODE, &node).await;
            world::disconnect_machine(host.sim.store(), machine);
            let said = errors(&host.destroy(NODE, &instance).await.expect_err("it cannot be wiped")).join("\n");
            for part in
                ["`timeouts.delete` (500ms)", "is not connected", "destroy_disconnected_machines", "destroy again"]
            {
                assert!(said.contains(part), "{part}: {said}");
            }
            assert!(!said.contains("apply again"), "{said}");
        }
    })
}
