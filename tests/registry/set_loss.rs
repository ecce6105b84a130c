//! What a plan says that ends a machine set, or a node that is locked or the last one: nothing of that is silent.

use crate::defects::{cluster, made};
use crate::host::{Host, Instance, Plan, errors, warnings};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_sim::driver::Mode;
use omni_sim::{Options, inventory};
use serde_json::{Value as Json, json};
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

const CLUSTER: &str = "omni_cluster";
const SET: &str = "omni_machine_set";
const NODE: &str = "omni_machine_set_node";

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_control_plane_at_another_address", a_control_plane_at_another_address),
        ("a_control_plane_that_is_replaced_by_force", a_control_plane_that_is_replaced_by_force),
        ("a_host_whose_command_nobody_can_read", a_host_whose_command_nobody_can_read),
        ("a_control_plane_that_is_removed", a_control_plane_that_is_removed),
        ("a_control_plane_of_another_role", a_control_plane_of_another_role),
        ("workers_of_another_name", workers_of_another_name),
        ("the_last_node_that_is_replaced_by_force", the_last_node_that_is_replaced_by_force),
        ("a_locked_node_that_is_replaced", a_locked_node_that_is_replaced),
        ("a_locked_control_plane_of_a_new_cluster", a_locked_control_plane_of_a_new_cluster),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("set_loss::{name}"), test)).collect()
}

fn control_planes() -> Json {
    json!({ "cluster": "demo", "role": "controlplane" })
}

fn workers() -> Json {
    json!({ "cluster": "demo", "role": "workers" })
}

fn node(set: &str, machine: u32) -> Json {
    json!({ "cluster": "demo", "machine_set": set, "machine_id": inventory::id(machine) })
}

fn with(mut config: Json, key: &str, value: Json) -> Json {
    config[key] = value;
    config
}

/// A cluster that runs, and everything that Terraform has of it, as a new run reads it.
struct Running {
    host: Host,
    cluster: Instance,
    set: Instance,
    node: Instance,
}

impl Running {
    async fn start() -> Self {
        Self::on(Host::start(&[]).await).await
    }

    async fn on(host: Host) -> Self {
        let cluster = made(&host, CLUSTER, &cluster()).await;
        let set = made(&host, SET, &control_planes()).await;
        let node = with(node("demo-control-planes", 1), "wait_for", json!("running"));
        let node = made(&host, NODE, &node).await;
        let mut running = Self { host, cluster, set, node };
        running.next().await;
        running
    }

    /// Begins a run.
    async fn next(&mut self) {
        self.host.next_run().await;
        for (kind, instance) in [(CLUSTER, &mut self.cluster), (SET, &mut self.set), (NODE, &mut self.node)] {
            *instance = self.host.read(kind, instance).await.unwrap().unwrap();
        }
    }

    async fn plan(&self, kind: &str, prior: Option<&Instance>, config: &Json) -> Plan {
        let plan = self.host.plan(kind, prior, &self.host.config(kind, config)).await;
        plan.unwrap_or_else(|d| panic!("{kind}: {:?}", errors(&d)))
    }

    async fn keep_cluster(&self) -> Vec<String> {
        self.plan(CLUSTER, Some(&self.cluster), &cluster()).await.warnings
    }
}

fn lost(lines: &[String]) -> bool {
    lines.iter().any(|line| line.contains("Cluster `demo` would lose its control plane: "))
}

fn for_good(lines: &[String]) -> bool {
    lines.iter().any(|line| line.starts_with("cluster: Cluster `demo` would lose its control plane permanently"))
}

fn a_control_plane_at_another_address() -> Result<(), Failed> {
    block(async {
        let mut all = Running::start().await;
        let config = all.host.config(SET, &control_planes());
        all.keep_cluster().await;
        all.host.plan_destroy(SET, &all.set).await.unwrap();
        let refused = errors(&all.host.plan(SET, None, &config).await.expect_err("the old one goes"));
        assert!(for_good(&refused) && refused[0].contains("moved {"), "{refused:?}");
        // What is not known yet stays a warning, and the removal tells the rest.
        all.next().await;
        all.keep_cluster().await;
        let early = all.plan(SET, None, &control_planes()).await.warnings;
        assert!(early.iter().any(|line| line.contains("has been bootstrapped already")), "{early:?}");
        let told = all.host.plan_destroy(SET, &all.set).await.unwrap();
        assert!(lost(&told) && told.join("\n").contains("moved {"), "{told:?}");
        // Nothing is known of the cluster.
        all.next().await;
        all.host.plan_destroy(SET, &all.set).await.unwrap();
        let told = all.plan(SET, None, &control_planes()).await.warnings;
        assert!(told.iter().any(|line| line.contains("has been bootstrapped already")), "{told:?}");
        // The cluster goes as well.
        all.next().await;
        all.host.plan_destroy(CLUSTER, &all.cluster).await.unwrap();
        all.plan(CLUSTER, None, &cluster()).await;
        all.host.plan_destroy(SET, &all.set).await.unwrap();
        all.plan(SET, None, &control_planes()).await;
    })
}

fn a_control_plane_that_is_replaced_by_force() -> Result<(), Failed> {
    block(async {
        let mut all = Running::start().await;
        let config = all.host.config(SET, &control_planes());
        all.keep_cluster().await;
        let first = all.plan(SET, Some(&all.set), &control_planes()).await;
        let refused = errors(&all.host.plan_replacement(SET, &first, &config).await.expect_err("the cluster stays"));
        assert!(for_good(&refused), "{refused:?}");
        // With its cluster.
        all.next().await;
        let first = all.plan(CLUSTER, Some(&all.cluster), &cluster()).await;
        all.host.plan_replacement(CLUSTER, &first, &all.host.config(CLUSTER, &cluster())).await.unwrap();
        let first = all.plan(SET, Some(&all.set), &control_planes()).await;
        let second = all.host.plan_replacement(SET, &first, &config).await.unwrap();
        assert_eq!((first.warnings, second.warnings), (Vec::new(), Vec::new()), "the plan of the cluster tells");
    })
}

/// Such a plan may begin a destroy, which nothing may stop; what must not happen is refused by the apply, and by no destroy.
fn a_host_whose_command_nobody_can_read() -> Result<(), Failed> {
    block(async {
        let mut all = Running::on(
            Host::called(
                &[],
                Options { mode: Mode::Auto { tick: Duration::from_millis(5) }, ..Options::default() },
                &[],
            )
            .await,
        )
        .await;
        let (set, node) = (control_planes(), with(node("demo-control-planes", 1), "wait_for", json!("running")));
        let (set, node) = (all.host.config(SET, &set), all.host.config(NODE, &node));
        all.keep_cluster().await;
        let first = all.host.plan(SET, Some(&all.set), &set).await.unwrap();
        let forced = all.host.plan_replacement(SET, &first, &set).await.unwrap();
        assert!(for_good(&forced.warnings), "{forced:?}");
        // The node goes first.
        let first = all.host.plan(NODE, Some(&all.node), &node).await.unwrap();
        assert_eq!(first.replace, ["id"]);
        let follows = all.host.plan_replacement(NODE, &first, &node).await.unwrap();
        all.host.next_run().await;
        for (kind, instance, plan) in [(NODE, &mut all.node, &follows), (SET, &mut all.set, &forced)] {
            let (said, kept) = all.host.replaced(kind, instance, plan).await.expect_err("the cluster stays");
            assert!(for_good(&[format!("cluster: {}", errors(&said)[0].trim_start_matches(": "))]), "{said:?}");
            *instance = kept.expect("it is kept");
        }
        for (kind, instance) in [(NODE, &all.node), (SET, &all.set)] {
            all.host.plan_destroy(kind, instance).await.unwrap();
        }
        // Its last node alone.
        all.next().await;
        all.keep_cluster().await;
        all.host.plan(SET, Some(&all.set), &set).await.unwrap();
        let first = all.host.plan(NODE, Some(&all.node), &node).await.unwrap();
        let forced = all.host.plan_replacement(NODE, &first, &node).await.unwrap();
        let (said, kept) = all.host.replaced(NODE, &all.node, &forced).await.expect_err("it is the last one");
        assert!(errors(&said)[0].contains("would lose its last control plane"), "{said:?}");
        all.node = kept.expect("it is kept");
        // Nothing of that stops a destroy.
        all.next().await;
        for (kind, instance) in [(NODE, &all.node), (SET, &all.set), (CLUSTER, &all.cluster)] {
            all.host.destroy(kind, instance).await.unwrap_or_else(|d| panic!("{kind}: {:?}", errors(&d)));
        }
    })
}

fn a_control_plane_that_is_removed() -> Result<(), Failed> {
    block(async {
        let mut all = Running::start().await;
        assert!(!lost(&all.keep_cluster().await));
        let told = all.host.plan_destroy(SET, &all.set).await.unwrap();
        assert!(lost(&told), "{told:?}");
        // In whatever order.
        all.next().await;
        assert!(!lost(&all.host.plan_destroy(SET, &all.set).await.unwrap()));
        assert!(lost(&all.keep_cluster().await));
        // Once.
        all.next().await;
        all.keep_cluster().await;
        assert!(lost(&all.host.plan_destroy(SET, &all.set).await.unwrap()));
        assert!(!lost(&all.keep_cluster().await));
        // With the cluster, nothing more is lost.
        all.next().await;
        for (kind, instance) in [(NODE, &all.node), (SET, &all.set), (CLUSTER, &all.cluster)] {
            assert_eq!(all.host.plan_destroy(kind, instance).await.unwrap(), Vec::<String>::new(), "{kind}");
        }
        // A set that never had a machine.
        let host = Host::start(&[]).await;
        let whole = made(&host, CLUSTER, &cluster()).await;
        let set = made(&host, SET, &control_planes()).await;
        host.next_run().await;
        host.plan(CLUSTER, Some(&whole), &host.config(CLUSTER, &cluster())).await.unwrap();
        assert!(!lost(&host.plan_destroy(SET, &set).await.unwrap()));
    })
}

fn a_control_plane_of_another_role() -> Result<(), Failed> {
    block(async {
        let all = Running::start().await;
        all.keep_cluster().await;
        let first = all.plan(SET, Some(&all.set), &workers()).await;
        assert!(lost(&first.warnings) && first.warnings[0].starts_with("role: "), "{first:?}");
        let second = all.host.plan_replacement(SET, &first, &all.host.config(SET, &workers())).await.unwrap();
        assert!(!lost(&second.warnings), "{second:?}");
    })
}

fn workers_of_another_name() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let whole = made(&host, CLUSTER, &cluster()).await;
        let set = made(&host, SET, &workers()).await;
        let renamed = with(workers(), "name", json!("blue"));
        let wiped = |lines: &[String]| lines.iter().any(|line| line.contains("wipes its machines"));
        let plan = async |config: &Json| host.plan(SET, Some(&set), &host.config(SET, config)).await.unwrap();
        host.next_run().await;
        assert!(!wiped(&plan(&renamed).await.warnings), "there are none");
        made(&host, NODE, &node("demo-workers", 1)).await;
        host.next_run().await;
        let first = plan(&renamed).await;
        assert!(first.warnings[0].starts_with("name: Replacing machine set `demo-workers` wipes"), "{first:?}");
        assert!(first.warnings[0].contains(&inventory::id(1)), "{first:?}");
        let second = host.plan_replacement(SET, &first, &host.config(SET, &renamed)).await.unwrap();
        assert!(!wiped(&second.warnings), "it is told once: {second:?}");
        // Tainted, and at another address.
        host.next_run().await;
        host.read(SET, &set).await.unwrap();
        let tainted = host.plan(SET, None, &host.config(SET, &workers())).await.unwrap();
        assert!(wiped(&tainted.warnings) && tainted.warnings.join("\n").contains("untaint"), "{tainted:?}");
        host.next_run().await;
        host.plan_destroy(SET, &set).await.unwrap();
        let moved = host.plan(SET, None, &host.config(SET, &workers())).await.unwrap();
        assert!(wiped(&moved.warnings) && moved.warnings.join("\n").contains("moved {"), "{moved:?}");
        // Its cluster is replaced, and tells of all that goes.
        host.next_run().await;
        let other = with(cluster(), "name", json!("other"));
        host.plan(CLUSTER, Some(&whole), &host.config(CLUSTER, &other)).await.unwrap();
        let follows = plan(&with(workers(), "cluster", json!("other"))).await;
        assert!(!wiped(&follows.warnings), "{follows:?}");
    })
}

fn the_last_node_that_is_replaced_by_force() -> Result<(), Failed> {
    block(async {
        let all = Running::start().await;
        let config = with(node("demo-control-planes", 1), "wait_for", json!("running"));
        all.keep_cluster().await;
        all.plan(SET, Some(&all.set), &control_planes()).await;
        let first = all.plan(NODE, Some(&all.node), &config).await;
        let second = all.host.plan_replacement(NODE, &first, &all.host.config(NODE, &config)).await;
        let second = errors(&second.expect_err("a host does not show warnings here"));
        let last = |lines: &[String]| lines.iter().any(|line| line.contains("would lose its last control plane"));
        assert!(!last(&first.warnings) && last(&second), "{first:?} {second:?}");
    })
}

fn a_locked_node_that_is_replaced() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        made(&host, CLUSTER, &cluster()).await;
        for name in ["workers", "blue"] {
            made(&host, SET, &with(workers(), "name", json!(name))).await;
        }
        let before = with(node("demo-workers", 1), "locked", json!(true));
        let locked = made(&host, NODE, &before).await;
        let said = async |config: &Json| {
            let config = host.config(NODE, config);
            let lines = errors(&host.diagnostics(NODE, Some(&locked), &config).await);
            lines.into_iter().filter(|line| line.contains("Machine `") && line.contains("is locked")).collect()
        };
        for (path, changed) in [
            ("machine_set", with(before.clone(), "machine_set", json!("blue"))),
            ("machine_id", with(before.clone(), "machine_id", json!(inventory::id(2)))),
            // What the configuration says of the lock is for the new one.
            ("machine_set", with(node("blue", 1), "locked", json!(false))),
        ] {
            host.next_run().await;
            let lines: Vec<String> = said(&changed).await;
            assert_eq!(lines.len(), 1, "{changed}: {lines:?}");
            assert!(lines[0].starts_with(&format!("{path}: ")), "{lines:?}");
        }
        // By force.
        host.next_run().await;
        let config = host.config(NODE, &before);
        let first = host.plan(NODE, Some(&locked), &config).await.unwrap();
        let refused = errors(&host.plan_replacement(NODE, &first, &config).await.expect_err("locked"));
        assert!(refused[0].starts_with("locked: Machine `"), "{refused:?}");
        // One that is not locked.
        let free = made(&host, NODE, &node("demo-workers", 3)).await;
        host.next_run().await;
        let moved = host.diagnostics(NODE, Some(&free), &host.config(NODE, &node("blue", 3))).await;
        assert_eq!((errors(&moved), warnings(&moved)), (Vec::new(), Vec::new()));
    })
}

fn a_locked_control_plane_of_a_new_cluster() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let mut config = host.config(NODE, &with(node("control-planes", 1), "locked", json!(true)));
        config.set("cluster", Value::UNKNOWN);
        let said = errors(&host.plan(NODE, None, &config).await.expect_err("Omni locks workers only"));
        assert!(said[0].starts_with("locked: Control planes cannot be locked"), "{said:?}");
        config.set("machine_set", "workers".into());
        host.plan(NODE, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    })
}
