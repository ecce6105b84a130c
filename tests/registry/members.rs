//! The list of machines that nodes are built from: a machine keeps its place from the moment in which it joins.

use crate::host::{Host, Instance, errors};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_sim::Options;
use omni_sim::driver::Mode;
use serde_json::json;
use terraform_provider_omni::tf::wire;

const NODE: &str = "omni_machine_set_node";

pub fn trials() -> Vec<Trial> {
    vec![Trial::test("omni_machines::a_machine_keeps_its_place", places)]
}

/// The ids that `available_to` lists for this cluster.
async fn listed(host: &Host, cluster: &str) -> Vec<String> {
    selected(host, json!({ "available_to": cluster })).await
}

async fn selected(host: &Host, config: serde_json::Value) -> Vec<String> {
    let read = host.look("omni_machines", &config).await;
    let read = wire::to_json(&read.unwrap_or_else(|d| panic!("{:?}", errors(&d))));
    serde_json::from_value(read["ids"].clone()).expect("ids")
}

async fn made(host: &Host, name: &str, config: serde_json::Value) -> Instance {
    let made = host.apply(name, None, &host.config(name, &config)).await;
    made.unwrap_or_else(|(d, _)| panic!("{name}: {:?}", errors(&d)))
}

async fn joined(host: &Host, cluster: &str, machine: &str) -> Instance {
    made(host, NODE, json!({ "cluster": cluster, "machine_set": format!("{cluster}-workers"), "machine_id": machine }))
        .await
}

fn places() -> Result<(), Failed> {
    block(async {
        let tick = std::time::Duration::from_millis(5);
        let host = Host::with(Options { machines: 8, mode: Mode::Auto { tick }, ..Options::default() }, &[]).await;
        for cluster in ["demo", "other"] {
            made(
                &host,
                "omni_cluster",
                json!({ "name": cluster, "talos_version": "1.13.5", "kubernetes_version": "1.36.2" }),
            )
            .await;
            made(&host, "omni_machine_set", json!({ "cluster": cluster, "role": "workers" })).await;
        }
        // The first machines are in use elsewhere.
        let all = host.machines();
        let mut elsewhere = Vec::new();
        for machine in [&all[0], &all[1], &all[7]] {
            elsewhere.push(joined(&host, "other", machine).await);
        }
        let free = |machine: &String| {
            let status = host.object("MachineStatuses", machine);
            status.is_some_and(|status| status.labels.contains_key("omni.sidero.dev/available"))
        };
        while [0, 1, 7].into_iter().any(|machine| free(&all[machine])) {
            tokio::task::yield_now().await;
        }
        let before = listed(&host, "demo").await;
        assert_eq!(before, all[2..7], "the free ones, by id");

        // An apply makes its nodes in any order.
        for machine in [&all[4], &all[2], &all[3]] {
            joined(&host, "demo", machine).await;
        }
        assert_eq!(listed(&host, "demo").await, before, "those that joined stay where they were");

        // Machines whose ids come before theirs become free, and one of them joins in a later apply.
        for node in &elsewhere[..2] {
            host.destroy(NODE, node).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        }
        while !all[..2].iter().all(free) {
            tokio::task::yield_now().await;
        }
        let grown: Vec<_> = [&all[2..5], &all[..2], &all[5..7]].concat();
        assert_eq!(listed(&host, "demo").await, grown);
        host.next_run().await;
        joined(&host, "demo", &all[0]).await;
        assert_eq!(listed(&host, "demo").await, grown);
        host.next_run().await;
        joined(&host, "demo", &all[1]).await;
        assert_eq!(listed(&host, "demo").await, grown);

        // A selector chooses among the available ones; a node stays whatever becomes of its labels.
        let config = json!({ "available_to": "demo", "label_selector": "omni.sidero.dev/arch = none" });
        assert_eq!(selected(&host, config).await, [&all[2..5], &all[..2]].concat());
    })
}
