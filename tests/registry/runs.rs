//! What one run does itself is no mistake: plans are held against what the run leaves, as far as it is known, and not against what there is.

use crate::defects::{cluster, made};
use crate::host::{Host, Instance, Plan, errors};
use crate::lifecycle::{block, destroyed_and_kept};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use omni_sim::inventory;
use prost::Message;
use serde_json::{Value as Json, json};
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

const CLUSTER: &str = "omni_cluster";
const SET: &str = "omni_machine_set";
const NODE: &str = "omni_machine_set_node";
const CLASS: &str = "omni_machine_class";
const PATCH: &str = "omni_config_patch";
const LOCK: &str = "omni.sidero.dev/cluster-locked";

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_cluster_that_is_unlocked_takes_changes", a_cluster_that_is_unlocked_takes_changes),
        ("a_node_leaves_a_cluster_that_is_unlocked", a_node_leaves_a_cluster_that_is_unlocked),
        ("a_new_locked_cluster_takes_what_belongs_to_it", a_new_locked_cluster_takes_what_belongs_to_it),
        ("a_lock_that_stays_is_an_error", a_lock_that_stays_is_an_error),
        ("force_unlock_comes_too_late_for_the_parts", force_unlock_comes_too_late_for_the_parts),
        ("a_machine_moves_to_another_cluster", a_machine_moves_to_another_cluster),
        ("what_belongs_to_a_replaced_cluster_is_replaced", what_belongs_to_a_replaced_cluster_is_replaced),
        ("a_forced_replacement_tells_its_cost_once", a_forced_replacement_tells_its_cost_once),
        ("an_upgrade_makes_room_for_a_newer_machine", an_upgrade_makes_room_for_a_newer_machine),
        ("a_set_that_gives_up_its_class_takes_nodes", a_set_that_gives_up_its_class_takes_nodes),
        ("a_set_by_class_with_nodes_contradicts_itself", a_set_by_class_with_nodes_contradicts_itself),
        ("a_class_of_every_machine_keeps_its_selector", a_class_of_every_machine_keeps_its_selector),
        ("a_class_in_use_is_renamed", a_class_in_use_is_renamed),
        ("the_last_control_plane_is_missed", the_last_control_plane_is_missed),
        ("a_machine_of_a_class_is_nobody_elses", a_machine_of_a_class_is_nobody_elses),
        ("a_class_has_too_few_machines", a_class_has_too_few_machines),
        ("the_last_control_plane_is_a_target", the_last_control_plane_is_a_target),
        ("an_object_is_not_destroyed_and_kept", an_object_is_not_destroyed_and_kept),
        ("a_part_that_names_a_renamed_cluster_is_told", a_part_that_names_a_renamed_cluster_is_told),
        ("a_part_that_names_a_destroyed_cluster_is_told", a_part_that_names_a_destroyed_cluster_is_told),
        ("a_locked_cluster_is_not_replaced", a_locked_cluster_is_not_replaced),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("runs::{name}"), test)).collect()
}

fn with(mut config: Json, more: &Json) -> Json {
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

fn locked(yes: bool) -> Json {
    with(cluster(), &json!({ "locked": yes }))
}

fn workers() -> Json {
    json!({ "cluster": "demo", "role": "workers" })
}

fn node(set: &str, machine: u32) -> Json {
    json!({ "cluster": "demo", "machine_set": set, "machine_id": inventory::id(machine) })
}

async fn plan(host: &Host, kind: &str, prior: Option<&Instance>, config: &Json) -> Plan {
    let plan = host.plan(kind, prior, &host.config(kind, config)).await;
    plan.unwrap_or_else(|d| panic!("{kind}: {:?}", errors(&d)))
}

/// A plan that has nothing to say.
async fn silent(host: &Host, kind: &str, prior: Option<&Instance>, config: &Json) -> Plan {
    let plan = plan(host, kind, prior, config).await;
    assert_eq!(plan.warnings, Vec::<String>::new(), "{kind}: {config}");
    plan
}

async fn read(host: &Host, kind: &str, instance: &Instance) -> Instance {
    host.read(kind, instance).await.unwrap().unwrap()
}

fn is_locked(host: &Host) -> bool {
    host.object("Clusters", "demo").unwrap().annotations.contains_key(LOCK)
}

fn a_cluster_that_is_unlocked_takes_changes() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let cluster = made(&host, CLUSTER, &locked(true)).await;
        let set = made(&host, SET, &workers()).await;
        host.next_run().await;
        let (cluster, set) = (read(&host, CLUSTER, &cluster).await, read(&host, SET, &set).await);
        let changed = with(workers(), &json!({ "update_strategy": { "type": "Rolling", "max_parallelism": 2 } }));
        let before = plan(&host, SET, Some(&set), &changed).await;
        assert!(before.warnings[0].starts_with("cluster: Cluster `demo` is locked"), "{:?}", before.warnings);
        host.next_run().await;
        silent(&host, CLUSTER, Some(&cluster), &locked(false)).await;
        silent(&host, SET, Some(&set), &changed).await;
        silent(&host, NODE, None, &node("demo-workers", 1)).await;
        // A line that is taken out unlocks it as well.
        host.next_run().await;
        let cluster = read(&host, CLUSTER, &cluster).await;
        silent(&host, CLUSTER, Some(&cluster), &crate::defects::cluster()).await;
        silent(&host, NODE, None, &node("demo-workers", 1)).await;
        host.next_run().await;
        silent(&host, CLUSTER, Some(&cluster), &locked(false)).await;
        assert_eq!(host.plan_destroy(SET, &set).await.unwrap(), Vec::<String>::new());
    })
}

/// At one address: the host removes the node before it unlocks the cluster, in another process than that of the plan.
fn a_node_leaves_a_cluster_that_is_unlocked() -> Result<(), Failed> {
    block(async {
        for forced in [false, true] {
            let host = Host::start(&[]).await;
            let cluster = made(&host, CLUSTER, &locked(true)).await;
            for name in ["one", "two"] {
                made(&host, SET, &with(workers(), &json!({ "name": name }))).await;
            }
            let (here, there) = (node("demo-one", 1), node(if forced { "demo-one" } else { "demo-two" }, 1));
            let leaving = made(&host, NODE, &here).await;
            host.next_run().await;
            let (cluster, leaving) = (read(&host, CLUSTER, &cluster).await, read(&host, NODE, &leaving).await);
            silent(&host, CLUSTER, Some(&cluster), &locked(false)).await;
            let first = silent(&host, NODE, Some(&leaving), &there).await;
            assert_eq!(first.replace.is_empty(), forced, "{:?}", first.replace);
            let second = host.plan_replacement(NODE, &first, &host.config(NODE, &there)).await;
            let second = second.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            host.next_run().await;
            let removed = host.replaced(NODE, &leaving, &second).await;
            assert!(removed.is_ok(), "{:?}", removed.map_err(|(d, _)| errors(&d)));
            assert!(!is_locked(&host));
        }
        // A lock that the run leaves alone holds.
        let host = Host::start(&[]).await;
        made(&host, CLUSTER, &locked(true)).await;
        for name in ["one", "two"] {
            made(&host, SET, &with(workers(), &json!({ "name": name }))).await;
        }
        let leaving = made(&host, NODE, &node("demo-one", 1)).await;
        host.next_run().await;
        let first = plan(&host, NODE, Some(&leaving), &node("demo-two", 1)).await;
        let second = host.plan_replacement(NODE, &first, &host.config(NODE, &node("demo-two", 1))).await;
        host.next_run().await;
        let (said, _) = host.replaced(NODE, &leaving, &second.unwrap()).await.expect_err("locked");
        assert!(errors(&said)[0].contains("the cluster \"demo\" is locked"), "{:?}", errors(&said));
        assert!(is_locked(&host));
    })
}

fn a_new_locked_cluster_takes_what_belongs_to_it() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let cluster = made(&host, CLUSTER, &locked(true)).await;
        let set = made(&host, SET, &workers()).await;
        let (one, two) = (node("demo-workers", 1), node("demo-workers", 2));
        tokio::join!(made(&host, NODE, &one), made(&host, NODE, &two));
        let longer = with(workers(), &json!({ "labels": { "a": "b" } }));
        host.apply(SET, Some(&set), &host.config(SET, &longer))
            .await
            .unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert!(is_locked(&host), "the cluster is locked again after each write");
        // A later run did not set the lock, so it holds.
        host.next_run().await;
        let cluster = read(&host, CLUSTER, &cluster).await;
        silent(&host, CLUSTER, Some(&cluster), &locked(true)).await;
        let refused = host.plan(NODE, None, &host.config(NODE, &node("demo-workers", 3))).await.expect_err("locked");
        assert!(errors(&refused)[0].starts_with("cluster: Cluster `demo` is locked"), "{:?}", errors(&refused));
    })
}

fn a_lock_that_stays_is_an_error() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let cluster = made(&host, CLUSTER, &locked(true)).await;
        let set = made(&host, SET, &workers()).await;
        host.next_run().await;
        let cluster = read(&host, CLUSTER, &cluster).await;
        silent(&host, CLUSTER, Some(&cluster), &locked(true)).await;
        let said = errors(&host.plan_destroy(SET, &set).await.expect_err("locked"));
        assert!(said[0].contains("This plan destroys machine set `demo-workers`"), "{said:?}");
        assert!(said[0].contains("apply `locked = false`"), "{said:?}");
        // In whatever order they are planned.
        host.next_run().await;
        let cluster = read(&host, CLUSTER, &cluster).await;
        let warned = host.plan_destroy(SET, &set).await.unwrap();
        assert!(warned[0].contains("This plan destroys machine set `demo-workers`"), "{warned:?}");
        let refused = host.plan(CLUSTER, Some(&cluster), &host.config(CLUSTER, &locked(true))).await;
        let said = errors(&refused.expect_err("the set goes"));
        assert!(said[0].contains("This plan destroys machine set `demo-workers`"), "{said:?}");
    })
}

fn force_unlock_comes_too_late_for_the_parts() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let force = json!({ "delete_options": { "force_unlock": true } });
        let cluster = made(&host, CLUSTER, &with(locked(true), &force)).await;
        let set = made(&host, SET, &workers()).await;
        host.next_run().await;
        host.plan_destroy(CLUSTER, &cluster).await.unwrap();
        let said = errors(&host.plan_destroy(SET, &set).await.expect_err("the cluster comes later"));
        assert!(said[0].starts_with("cluster: Cluster `demo` is locked"), "{said:?}");
        // In whatever order they are planned.
        host.next_run().await;
        host.plan_destroy(SET, &set).await.unwrap();
        let said = errors(&host.plan_destroy(CLUSTER, &cluster).await.expect_err("the set comes first"));
        assert!(said[0].starts_with("locked: Cluster `demo` is locked"), "{said:?}");
    })
}

fn a_machine_moves_to_another_cluster() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        for name in ["demo", "other"] {
            made(&host, CLUSTER, &with(cluster(), &json!({ "name": name }))).await;
            made(&host, SET, &json!({ "cluster": name, "role": "workers" })).await;
        }
        let here = with(node("demo-workers", 1), &json!({ "wait_for": "allocated" }));
        let there = json!({ "cluster": "other", "machine_set": "other-workers", "machine_id": inventory::id(1) });
        let moving = made(&host, NODE, &here).await;
        host.sim.settle().unwrap();
        host.next_run().await;
        let unknown = plan(&host, NODE, None, &there).await;
        let told = |text: &str| unknown.warnings.iter().any(|w| w.starts_with("machine_id: ") && w.contains(text));
        assert!(told("belongs to cluster `demo`"), "{:?}", unknown.warnings);
        // At one address: the machine is given up before it is taken.
        host.next_run().await;
        let first = silent(&host, NODE, Some(&moving), &there).await;
        assert_eq!(first.replace, ["machine_set", "cluster"]);
        let second = host.plan_replacement(NODE, &first, &host.config(NODE, &there)).await.unwrap();
        assert_eq!(second.warnings, Vec::<String>::new());
        // At two addresses.
        host.next_run().await;
        host.plan_destroy(NODE, &moving).await.unwrap();
        silent(&host, NODE, None, &there).await;
    })
}

fn what_belongs_to_a_replaced_cluster_is_replaced() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let of_set = json!({ "name": "of-set", "cluster": "demo", "selector": { "machine_set": "demo-workers" }, "data": "machine: {}" });
        let parts = [
            (SET, workers()),
            (NODE, node("demo-workers", 1)),
            (PATCH, json!({ "name": "p", "cluster": "demo", "data": "machine: {}" })),
            (PATCH, of_set),
        ];
        let whole = made(&host, CLUSTER, &cluster()).await;
        let mut instances = Vec::new();
        for (kind, config) in &parts {
            instances.push(made(&host, kind, config).await);
        }
        host.next_run().await;
        let encrypted = with(cluster(), &json!({ "features": { "disk_encryption": true } }));
        let first = plan(&host, CLUSTER, Some(&read(&host, CLUSTER, &whole).await), &encrypted).await;
        assert_eq!(first.replace, ["features.disk_encryption"]);
        assert!(
            first.warnings[0].contains("wipes its machines") && first.warnings[0].contains(&inventory::id(1)),
            "{first:?}"
        );
        let second = host.plan_replacement(CLUSTER, &first, &host.config(CLUSTER, &encrypted)).await.unwrap();
        assert_eq!(second.warnings, Vec::<String>::new(), "the loss is told once");
        for ((kind, config), instance) in parts.iter().zip(&instances) {
            let instance = read(&host, kind, instance).await;
            let first = silent(&host, kind, Some(&instance), config).await;
            assert_eq!(first.replace, ["id"], "{kind} {config}");
            let second = host.plan_replacement(kind, &first, &host.config(kind, config)).await.unwrap();
            assert_eq!(second.warnings, Vec::<String>::new(), "{kind} {config}");
        }
        // Without a replacement, nothing is replaced.
        host.next_run().await;
        plan(&host, CLUSTER, Some(&whole), &cluster()).await;
        for ((kind, config), instance) in parts.iter().zip(&instances) {
            assert_eq!(
                silent(&host, kind, Some(instance), config).await.replace,
                Vec::<String>::new(),
                "{kind} {config}"
            );
        }
    })
}

fn a_forced_replacement_tells_its_cost_once() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let whole = made(&host, CLUSTER, &cluster()).await;
        made(&host, SET, &workers()).await;
        host.next_run().await;
        let first = silent(&host, CLUSTER, Some(&read(&host, CLUSTER, &whole).await), &cluster()).await;
        let second = host.plan_replacement(CLUSTER, &first, &host.config(CLUSTER, &cluster())).await.unwrap();
        assert!(second.warnings[0].contains("Replacing cluster `demo` wipes its machines"), "{:?}", second.warnings);
        assert!(!second.warnings[0].contains("`moved`"), "{:?}", second.warnings);
        // The same at another address.
        host.next_run().await;
        host.plan_destroy(CLUSTER, &read(&host, CLUSTER, &whole).await).await.unwrap();
        let renamed = plan(&host, CLUSTER, None, &cluster()).await;
        assert!(renamed.warnings.iter().any(|said| said.contains("add a `moved` block")), "{:?}", renamed.warnings);
    })
}

fn an_upgrade_makes_room_for_a_newer_machine() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let old = with(cluster(), &json!({ "talos_version": "1.12.4", "kubernetes_version": "1.34.3" }));
        let whole = made(&host, CLUSTER, &old).await;
        made(&host, SET, &workers()).await;
        host.next_run().await;
        let newer = plan(&host, NODE, None, &node("demo-workers", 1)).await;
        assert!(newer.warnings[0].starts_with("machine_id: Talos of machine"), "{:?}", newer.warnings);
        host.next_run().await;
        silent(&host, CLUSTER, Some(&whole), &with(old, &json!({ "talos_version": "1.13.5" }))).await;
        silent(&host, NODE, None, &node("demo-workers", 1)).await;
    })
}

/// The workers take their machines from a class, as far as Omni knows.
fn take_a_class(host: &Host) {
    host.edit("MachineSets", "demo-workers", |set| {
        let class = Some(specs::machine_set_spec::MachineAllocation { name: "big".into(), ..Default::default() });
        set.spec = specs::MachineSetSpec { machine_allocation: class, ..Default::default() }.encode_to_vec();
    });
}

fn a_set_that_gives_up_its_class_takes_nodes() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, CLUSTER, &cluster()).await;
        let set = made(&host, SET, &workers()).await;
        take_a_class(&host);
        host.next_run().await;
        let set = read(&host, SET, &set).await;
        let still = plan(&host, NODE, None, &node("demo-workers", 1)).await;
        assert!(still.warnings[0].contains("allocates its machines from a machine class"), "{:?}", still.warnings);
        host.next_run().await;
        silent(&host, SET, Some(&set), &workers()).await;
        silent(&host, NODE, None, &node("demo-workers", 1)).await;
    })
}

fn a_set_by_class_with_nodes_contradicts_itself() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, CLUSTER, &cluster()).await;
        let set = made(&host, SET, &workers()).await;
        take_a_class(&host);
        host.next_run().await;
        let set = read(&host, SET, &set).await;
        let config = with(workers(), &json!({ "machine_class": { "name": "big", "size": 1 } }));
        plan(&host, SET, Some(&set), &config).await;
        let refused = host.plan(NODE, None, &host.config(NODE, &node("demo-workers", 1))).await.expect_err("by class");
        assert!(errors(&refused)[0].contains("In this configuration it uses machine class `big`"), "{refused:?}");
    })
}

fn the_last_control_plane_is_missed() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let whole = made(&host, CLUSTER, &cluster()).await;
        let config = json!({ "cluster": "demo", "role": "controlplane" });
        let set = made(&host, SET, &config).await;
        let one = made(&host, NODE, &node("demo-control-planes", 1)).await;
        let lost = |warnings: &[String]| warnings.iter().any(|w| w.contains("would lose its last control plane"));
        host.next_run().await;
        assert!(!lost(&host.plan_destroy(NODE, &one).await.unwrap()), "as long as nobody knows that the set stays");
        plan(&host, SET, Some(&set), &config).await;
        assert!(lost(&host.plan_destroy(NODE, &one).await.unwrap()));
        // Another machine takes its place, at the same address.
        host.next_run().await;
        plan(&host, SET, Some(&set), &config).await;
        let replaced = plan(&host, NODE, Some(&one), &node("demo-control-planes", 2)).await;
        assert!(lost(&replaced.warnings) && replaced.replace == ["machine_id"], "{replaced:?}");
        // A second one is added in the same run, and may come too late.
        host.next_run().await;
        plan(&host, SET, Some(&set), &config).await;
        plan(&host, NODE, None, &node("demo-control-planes", 2)).await;
        let told = host.plan_destroy(NODE, &one).await.unwrap();
        assert!(lost(&told) && told.join("\n").contains("in a later apply"), "{told:?}");
        // The same machine at another address.
        host.next_run().await;
        plan(&host, SET, Some(&set), &config).await;
        plan(&host, NODE, None, &node("demo-control-planes", 1)).await;
        let told = host.plan_destroy(NODE, &one).await.unwrap();
        assert!(lost(&told) && told.join("\n").contains("`moved` blocks"), "{told:?}");
        // Of three, all go or are replaced, in whatever order; as long as one stays, nothing is lost.
        let mut three = vec![one.clone()];
        for machine in [2, 3] {
            three.push(made(&host, NODE, &node("demo-control-planes", machine)).await);
        }
        host.next_run().await;
        plan(&host, SET, Some(&set), &config).await;
        assert!(!lost(&host.plan_destroy(NODE, &three[2]).await.unwrap()));
        let second = plan(&host, NODE, Some(&three[1]), &node("demo-control-planes", 5)).await;
        assert!(!lost(&second.warnings), "{second:?}");
        let first = plan(&host, NODE, Some(&three[0]), &node("demo-control-planes", 4)).await;
        assert!(lost(&first.warnings), "{first:?}");
        assert!(first.warnings.join("\n").contains("All 3 machines of machine set `demo-control-planes`"), "{first:?}");
        // The whole cluster goes.
        host.next_run().await;
        for (kind, instance) in [(CLUSTER, &whole), (SET, &set), (NODE, &one)] {
            assert!(!lost(&host.plan_destroy(kind, instance).await.unwrap()), "{kind}");
        }
    })
}

/// Omni takes an empty selector, and a class of the official provider may have one.
fn a_class_of_every_machine_keeps_its_selector() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let class = json!({ "name": "any", "match_labels": ["site = a"] });
        made(&host, CLASS, &class).await;
        let every = specs::MachineClassSpec { match_labels: vec![String::new()], ..Default::default() };
        host.edit("MachineClasses", "any", |class| class.spec = every.encode_to_vec());
        host.next_run().await;
        let held = host.import(CLASS, "any", None).await.unwrap();
        let labelled = with(class.clone(), &json!({ "match_labels": [""], "labels": { "k": "v" } }));
        let told = plan(&host, CLASS, Some(&held), &labelled).await.warnings.join("\n");
        assert!(told.contains("match_labels: The class would match every machine"), "{told}");
        host.next_run().await;
        let more = host.config(CLASS, &with(class, &json!({ "match_labels": ["", "site = b"] })));
        let refused = errors(&host.plan(CLASS, Some(&held), &more).await.expect_err("it is changed"));
        assert!(refused[0].contains("The class would match every machine"), "{refused:?}");
    })
}

/// A replacement destroys the class first, which Omni refuses; what the plan says leads out of it.
fn a_class_in_use_is_renamed() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, CLUSTER, &cluster()).await;
        let by_labels = json!({ "name": "big", "match_labels": ["site = a"] });
        let class = made(&host, CLASS, &by_labels).await;
        let renamed = with(by_labels.clone(), &json!({ "name": "small" }));
        host.next_run().await;
        silent(&host, CLASS, Some(&class), &renamed).await;
        let set = made(&host, SET, &with(workers(), &json!({ "machine_class": { "name": "big", "size": 1 } }))).await;
        let provider = json!({ "provider_id": "qemu", "provider_data": "cores: 2\n" });
        let provider = json!({ "match_labels": null, "auto_provision": provider });
        for (after, path, advice) in [
            (renamed.clone(), "name", "create_before_destroy = true"),
            (with(by_labels.clone(), &provider), "auto_provision", "a class of another name"),
        ] {
            host.next_run().await;
            let told = plan(&host, CLASS, Some(&class), &after).await.warnings.join("\n");
            assert!(told.contains(&format!("{path}: Machine class `big` is in use")), "{told}");
            assert!(told.contains("`demo-workers`") && told.contains(advice), "{told}");
        }
        // The set gets another class by the same change.
        host.next_run().await;
        let told = host.plan_destroy(CLASS, &class).await.unwrap().join("\n");
        assert!(told.contains("Machine class `big` is in use") && told.contains("one more apply"), "{told}");
        // It goes with its set.
        host.next_run().await;
        host.plan_destroy(SET, &set).await.unwrap();
        silent(&host, CLASS, Some(&class), &renamed).await;
    })
}

/// A destroy with targets may leave the set out, so that no plan of it tells that it stays.
fn the_last_control_plane_is_a_target() -> Result<(), Failed> {
    block(async {
        let whole = ["terraform", "plan", "-destroy"];
        let targets = ["terraform", "plan", "-destroy", "-target=omni_machine_set_node.a"];
        for (command, told) in [(&targets[..], true), (&whole[..], false)] {
            let host = Host::called(command, Host::options(Duration::from_millis(5)), &[]).await;
            made(&host, CLUSTER, &cluster()).await;
            made(&host, SET, &json!({ "cluster": "demo", "role": "controlplane" })).await;
            let mut nodes = Vec::new();
            for machine in [1, 2] {
                nodes.push(made(&host, NODE, &node("demo-control-planes", machine)).await);
            }
            host.next_run().await;
            let mut said = Vec::new();
            for node in &nodes {
                let lines = host.plan_destroy(NODE, node).await.unwrap();
                said.push(lines.iter().any(|line| line.contains("would lose its last control plane")));
            }
            assert_eq!(said, [false, told], "{command:?}");
        }
    })
}

/// A node of a machine that a class has allocated can be neither imported nor adopted, so no advice says so.
fn a_machine_of_a_class_is_nobody_elses() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let (set, other) = (with(workers(), &json!({ "name": "pool" })), with(cluster(), &json!({ "name": "other" })));
        made(&host, CLUSTER, &cluster()).await;
        made(&host, CLASS, &json!({ "name": "big", "match_labels": ["omni.sidero.dev/arch"] })).await;
        made(&host, SET, &with(set, &json!({ "machine_class": { "name": "big", "size": 1 } }))).await;
        made(&host, SET, &workers()).await;
        made(&host, CLUSTER, &other).await;
        made(&host, SET, &json!({ "cluster": "other", "role": "workers" })).await;
        host.sim.settle().unwrap();
        let taken = host.machines().into_iter().find(|id| host.object("MachineSetNodes", id).is_some()).unwrap();
        for adopts in [false, true] {
            host.reconfigure(&[("adopt_existing", Value::from(adopts))]).await;
            for cluster in ["demo", "other"] {
                let set = format!("{cluster}-workers");
                let config = json!({ "cluster": cluster, "machine_set": set, "machine_id": taken });
                host.next_run().await;
                let mut told = vec![plan(&host, NODE, None, &config).await.warnings];
                // Omni refuses the machine of another cluster before it looks for the node.
                if cluster == "demo" {
                    host.next_run().await;
                    let refused = host.apply(NODE, None, &host.config(NODE, &config)).await;
                    told.push(errors(&refused.expect_err("it is taken").0));
                }
                for lines in told {
                    let said = lines.join("\n");
                    let wanted = format!("machine_id: Machine `{taken}` belongs to a machine class");
                    let parts = [wanted.as_str(), "`demo-pool`", "Choose another machine"];
                    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
                    assert!(!["mport", "adopt", "is in use"].iter().any(|part| said.contains(part)), "{said}");
                }
            }
        }
    })
}

/// Omni takes a size that no machine fills, and a set of it waits without an end.
fn a_class_has_too_few_machines() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        host.sim.settle().unwrap();
        made(&host, CLUSTER, &cluster()).await;
        made(&host, CLASS, &json!({ "name": "none", "match_labels": ["nosuch"] })).await;
        made(&host, CLASS, &json!({ "name": "all", "match_labels": ["nosuch", "omni.sidero.dev/arch"] })).await;
        let by_class =
            |name: &str, size: usize| with(workers(), &json!({ "machine_class": { "name": name, "size": size } }));
        let told = async |prior: Option<&Instance>, set: &Json| {
            let mut warnings = plan(&host, SET, prior, set).await.warnings.into_iter();
            warnings.find(|line| line.contains("Not enough machines match machine class")).unwrap_or_default()
        };
        let all = host.machines().len();
        for (name, size, number) in [("none", 3, "is 0."), ("none", 0, ""), ("all", all, ""), ("all", all + 1, "is ")] {
            host.next_run().await;
            let said = told(None, &by_class(name, size)).await;
            assert!(said.contains(number) && said.is_empty() == number.is_empty(), "{name} {size}: {said}");
        }
        // The same run labels a machine.
        host.next_run().await;
        let labels = json!({ "machine_id": inventory::id(1), "labels": { "nosuch": "" } });
        plan(&host, "omni_machine_labels", None, &labels).await;
        assert!(told(None, &by_class("none", 3)).await.contains("is 1."));
        // Those that the set has count, and who asks for nothing more is told nothing.
        host.next_run().await;
        let set = made(&host, SET, &by_class("all", 2)).await;
        host.sim.settle().unwrap();
        for (name, size, number) in
            [("all", all, ""), ("all", all + 1, "has 2 already"), ("none", 2, ""), ("none", 3, "is 0.")]
        {
            host.next_run().await;
            let said = told(Some(&set), &by_class(name, size)).await;
            assert!(said.contains(number) && said.is_empty() == number.is_empty(), "{name} {size}: {said}");
        }
        // A replacement releases its machines.
        host.next_run().await;
        let said = told(Some(&set), &with(by_class("all", all), &json!({ "name": "other" }))).await;
        assert!(said.is_empty(), "{said}");
    })
}

/// Renames the cluster in a run of its own, as far as the plan.
async fn renamed(host: &Host, whole: &Instance) -> Plan {
    host.next_run().await;
    let other = with(cluster(), &json!({ "name": "other" }));
    let first = plan(host, CLUSTER, Some(&read(host, CLUSTER, whole).await), &other).await;
    let second = host.plan_replacement(CLUSTER, &first, &host.config(CLUSTER, &other)).await.unwrap();
    assert_eq!(second.warnings, Vec::<String>::new(), "it was told");
    first
}

/// An import at one address and a destroy at another one: the apply of a saved plan could not know that the object stays.
fn an_object_is_not_destroyed_and_kept() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        for (name, json, id, told) in [
            ("omni_join_token", json!({ "name": "edge" }), None, "Join token `edge` is destroyed and kept"),
            ("omni_machine_class", json!({ "name": "big", "match_labels": ["a"] }), Some("big"), "Machine class `big`"),
        ] {
            let config = host.config(name, &json);
            let made = host.apply(name, None, &config).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
            let secret = made.state.get("id").as_str().unwrap_or_default().to_owned();
            for destroy_first in [true, false] {
                host.next_run().await;
                let id = id.unwrap_or(&secret);
                let kept = host.import(name, id, None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
                let said = destroyed_and_kept(&host, (name, &made), (name, &kept, &config), destroy_first).await;
                assert!(said.len() == 1 && said[0].contains(told), "{name}: {said:#?}");
                assert!(secret.is_empty() || name != "omni_join_token" || !said[0].contains(&secret), "{name}");
            }
        }
    })
}

fn a_part_that_names_a_renamed_cluster_is_told() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let whole = made(&host, CLUSTER, &cluster()).await;
        let patch = json!({ "name": "p", "cluster": "demo", "data": "machine: {}" });
        let parts = [(SET, workers()), (NODE, node("demo-workers", 1)), (PATCH, patch)];
        let mut held = Vec::new();
        for (kind, config) in &parts {
            held.push(made(&host, kind, config).await);
        }
        for ((kind, config), held) in parts.iter().zip(&held) {
            for prior in [Some(held), None] {
                let told = renamed(&host, &whole).await.warnings.join("\n");
                assert!(told.contains("Do not use `create_before_destroy`"), "a node cannot be in both: {told}");
                let said = host.diagnostics(kind, prior, &host.config(kind, config)).await;
                let said = crate::host::warnings(&said);
                let hit = |line: &String| line.starts_with("cluster: Cluster `demo` is replaced by `other`: ");
                assert_eq!(said.iter().filter(|line| hit(line)).count(), 1, "{kind}: {said:#?}");
            }
            // What takes its place is told once.
            if *kind == PATCH {
                renamed(&host, &whole).await;
                let first = plan(&host, kind, Some(held), config).await;
                let second = host.plan_replacement(kind, &first, &host.config(kind, config)).await.unwrap();
                assert!(!second.warnings.join("\n").contains("is replaced by"), "{:?}", second.warnings);
            }
        }
        // What follows the name is all right, and so is a cluster that takes the old name.
        renamed(&host, &whole).await;
        silent(&host, SET, None, &json!({ "cluster": "other", "role": "workers" })).await;
        let told = host.diagnostics(CLUSTER, None, &host.config(CLUSTER, &cluster())).await;
        assert_eq!(errors(&told), Vec::<String>::new());
        let set = plan(&host, SET, Some(&held[0]), &workers()).await;
        assert_eq!(set.replace, ["id"], "{set:?}");
    })
}

fn a_part_that_names_a_destroyed_cluster_is_told() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let whole = made(&host, CLUSTER, &cluster()).await;
        let set = made(&host, SET, &workers()).await;
        host.next_run().await;
        host.plan_destroy(CLUSTER, &whole).await.unwrap();
        let told = plan(&host, SET, Some(&set), &workers()).await.warnings;
        assert!(told[0].starts_with("cluster: Cluster `demo` is destroyed: "), "{told:?}");
        // It comes back at another address.
        plan(&host, CLUSTER, None, &cluster()).await;
        silent(&host, SET, Some(&set), &workers()).await;
        // The set goes as well.
        host.next_run().await;
        host.plan_destroy(CLUSTER, &whole).await.unwrap();
        assert_eq!(host.plan_destroy(SET, &set).await.unwrap(), Vec::<String>::new());
    })
}

fn a_locked_cluster_is_not_replaced() -> Result<(), Failed> {
    block(async {
        let other = |more: &Json| with(with(cluster(), &json!({ "name": "other" })), more);
        let force = json!({ "delete_options": { "force_unlock": true } });
        for (before, after, parts, stops, wanted) in [
            (locked(true), other(&json!({ "locked": true })), false, true, Some("force_unlock")),
            (locked(true), other(&json!({ "locked": true })), true, true, Some("Apply `locked = false` alone first")),
            // The unlocking would be that of the new cluster.
            (locked(true), other(&json!({ "locked": false })), true, false, Some("Apply `locked = false` alone first")),
            (
                with(locked(true), &force),
                other(&json!({ "locked": true })),
                true,
                false,
                Some("only when it is destroyed itself"),
            ),
            (with(locked(true), &force), other(&json!({ "locked": true })), false, false, None),
            (cluster(), other(&json!({ "locked": true })), true, false, None),
        ] {
            let host = Host::start(&[]).await;
            let whole = made(&host, CLUSTER, &before).await;
            if parts {
                made(&host, SET, &workers()).await;
            }
            host.sim.settle().unwrap();
            host.next_run().await;
            let whole = read(&host, CLUSTER, &whole).await;
            let said = host.diagnostics(CLUSTER, Some(&whole), &host.config(CLUSTER, &after)).await;
            let mut lines = if stops { errors(&said) } else { crate::host::warnings(&said) };
            lines.retain(|line| line.starts_with("locked: Cluster `demo` is locked: A change of `name` replaces"));
            assert_eq!(lines.len(), usize::from(wanted.is_some()), "{before} {after} {said:#?}");
            assert!(wanted.is_none_or(|wanted| lines[0].contains(wanted)), "{before} {after} {lines:#?}");
            let advice = lines.iter().any(|line| line.contains("force_unlock = true"));
            assert!(!(parts && advice), "it would not help: {lines:#?}");
        }
        // Nor does the advice to destroy by force help where sets go before their cluster.
        for (parts, advised) in [(false, true), (true, false)] {
            let host = Host::start(&[]).await;
            let whole = made(&host, CLUSTER, &locked(true)).await;
            if parts {
                made(&host, SET, &workers()).await;
            }
            host.sim.settle().unwrap();
            host.next_run().await;
            let said = errors(&host.plan_destroy(CLUSTER, &whole).await.expect_err("locked"));
            assert_eq!(said[0].contains("force_unlock = true"), advised, "{said:?}");
        }
    })
}
