//! `omni_machine` waits for a machine: as long as it may, and no longer; and it says what it waits for.

use crate::host::{Host, errors};
use crate::lifecycle::block;
use libtest_mimic::{Failed, Trial};
use omni_sim::Options;
use omni_sim::world::{add_machine, disconnect_machine};
use serde_json::{Value as Json, json};
use terraform_provider_omni::tf::value::Value;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_machine_that_comes_ends_the_wait", a_machine_that_comes_ends_the_wait),
        ("a_machine_that_is_there_is_not_waited_for", a_machine_that_is_there_is_not_waited_for),
        ("a_machine_that_does_not_come_is_told", a_machine_that_does_not_come_is_told),
        ("a_wait_can_be_stopped", a_wait_can_be_stopped),
        ("a_wait_outlives_its_connection", a_wait_outlives_its_connection),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("registration::{name}"), test)).collect()
}

const SEVENTH: &str = "00000000-0000-4000-8000-000000000007";
const MAC: &str = "52:54:00:00:07:01";

async fn start() -> Host {
    let host = Host::with(Options::stepped(), &[]).await;
    host.sim.settle().expect("at rest");
    host.sim.forget_requests();
    host
}

/// Until so many watches of machines have begun.
async fn watches(host: &Host, number: usize) {
    let watched = |host: &Host| host.sim.requests().iter().filter(|request| request.name() == "Watch").count();
    while watched(host) < number {
        tokio::task::yield_now().await;
    }
}

async fn look(host: &Host, config: &Json) -> Result<Value, String> {
    host.look("omni_machine", config).await.map_err(|diags| errors(&diags).join("\n"))
}

fn come(host: &Host, number: u32) {
    add_machine(host.sim.store(), number);
    host.sim.settle().expect("at rest");
}

fn a_machine_that_comes_ends_the_wait() -> Result<(), Failed> {
    for argument in [
        json!({ "id": SEVENTH.to_uppercase() }),
        json!({ "mac_address": MAC.to_uppercase() }),
        json!({ "hostname": "machine-7" }),
        json!({ "label_selector": "rack = r3" }),
    ] {
        block(async {
            let host = start().await;
            let mut config = argument.clone();
            config["wait_for_registration"] = json!(true);
            let world = async {
                watches(&host, 1).await;
                // Another one is not it.
                disconnect_machine(host.sim.store(), "00000000-0000-4000-8000-000000000001");
                host.sim.settle().expect("at rest");
                come(&host, 7);
            };
            let (found, ()) = tokio::join!(look(&host, &config), world);
            let found = found.unwrap_or_else(|said| panic!("{argument}: {said}"));
            assert_eq!(found.get("id").as_str().map(str::to_lowercase).as_deref(), Some(SEVENTH), "{argument}");
            assert_eq!(found.get("network").get("links").elements().len(), 2, "{argument}");
        })?;
    }
    Ok(())
}

fn a_machine_that_is_there_is_not_waited_for() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let config = json!({ "hostname": "machine-3", "wait_for_registration": true, "timeout": "1h" });
        let found = look(&host, &config).await.unwrap();
        assert_eq!(found.get("id"), &Value::from("00000000-0000-4000-8000-000000000003"));
        // Several are no reason to wait for more.
        let config = json!({ "label_selector": "rack = r1", "wait_for_registration": true, "timeout": "1h" });
        let said = look(&host, &config).await.expect_err("three of them");
        assert!(said.contains("More than one machine matches") && said.contains("(machine-2, "), "{said}");
    })
}

fn a_machine_that_does_not_come_is_told() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let config = json!({ "mac_address": MAC, "wait_for_registration": true, "timeout": "200ms" });
        let said = look(&host, &config).await.expect_err("it does not come");
        for part in [
            "mac_address: Machine did not appear in time: Gave up after 200ms while waiting",
            "while waiting for a machine with `mac_address` = `52:54:00:00:07:01` to register.",
            "It has 6 machines; the closest are `00000000-",
            "increase `timeout`",
        ] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
    })
}

fn a_wait_can_be_stopped() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let config = json!({ "mac_address": MAC, "wait_for_registration": true, "timeout": "1h" });
        let stop = async {
            watches(&host, 1).await;
            host.stop().await;
        };
        let (stopped, ()) = tokio::join!(look(&host, &config), stop);
        let said = stopped.expect_err("stopped");
        assert!(said.contains("Stopped while waiting for a machine with `mac_address`"), "{said}");
    })
}

fn a_wait_outlives_its_connection() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let config = json!({ "mac_address": MAC, "wait_for_registration": true });
        let world = async {
            watches(&host, 1).await;
            host.sim.drop_connections();
            watches(&host, 2).await;
            come(&host, 7);
        };
        let (found, ()) = tokio::join!(look(&host, &config), world);
        assert_eq!(found.unwrap().get("id"), &Value::from(SEVENTH));
    })
}
