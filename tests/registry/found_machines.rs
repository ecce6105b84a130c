//! The resource `omni_machine`: it looks for a machine, waits for it, accepts it, and keeps or removes it in the end.

use crate::defects::{changed, made};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs::InfraMachineConfigSpec;
use omni_proto::specs::infra_machine_config_spec::AcceptanceStatus;
use omni_sim::Options;
use omni_sim::driver::Mode;
use omni_sim::world::add_machine;
use serde_json::{Value as Json, json};
use std::time::Duration;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("a_machine_that_comes_ends_the_wait", a_machine_that_comes_ends_the_wait),
        ("a_wait_ends_in_time", a_wait_ends_in_time),
        ("one_that_is_not_there_is_told_in_the_plan", one_that_is_not_there_is_told_in_the_plan),
        ("several_are_told_with_their_names", several_are_told_with_their_names),
        ("a_key_of_the_same_machine_changes_nothing", a_key_of_the_same_machine_changes_nothing),
        ("a_host_name_stays_as_it_is_written", a_host_name_stays_as_it_is_written),
        ("a_plan_holds_on_to_the_machine_that_it_found", a_plan_holds_on_to_the_machine_that_it_found),
        ("one_that_waits_is_accepted", one_that_waits_is_accepted),
        ("one_that_waits_and_is_not_accepted_is_told", one_that_waits_and_is_not_accepted_is_told),
        ("one_that_is_pending_is_told", one_that_is_pending_is_told),
        ("one_that_waits_is_told_at_its_import", one_that_waits_is_told_at_its_import),
        ("one_is_accepted_later", one_is_accepted_later),
        ("one_that_is_accepted_and_rejected_is_told", one_that_is_accepted_and_rejected_is_told),
        ("a_mac_address_in_another_form_changes_nothing", a_mac_address_in_another_form_changes_nothing),
        ("two_keys_of_one_machine_are_told", two_keys_of_one_machine_are_told),
        ("an_acceptance_leaves_the_rest", an_acceptance_leaves_the_rest),
        ("a_removal_takes_it_out_of_omni", a_removal_takes_it_out_of_omni),
        ("a_removal_tells_of_its_cluster", a_removal_tells_of_its_cluster),
        ("a_replacement_tells_what_it_removes", a_replacement_tells_what_it_removes),
        ("an_address_that_takes_over_keeps_it", an_address_that_takes_over_keeps_it),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("found_machines::{name}"), test)).collect()
}

const MACHINE: &str = "omni_machine";
const FIRST: &str = "00000000-0000-4000-8000-000000000001";
const SECOND: &str = "00000000-0000-4000-8000-000000000002";
const MAC: &str = "52:54:00:00:07:01";

/// Two machines: the first is everybody's, the second stands at a static provider and waits.
async fn with_a_rack() -> Host {
    let world = json!({
        "providers": [{ "name": "metal", "static": true }],
        "machines": [{}, { "provider": "metal" }],
    });
    let world = Some(world.to_string().parse().expect("a world"));
    let mode = Mode::Auto { tick: Duration::from_millis(5) };
    Host::with(Options { mode, world, machines: 0, ..Options::default() }, &[]).await
}

async fn said(host: &Host, json: &Json) -> String {
    let applied = host.apply(MACHINE, None, &host.config(MACHINE, json)).await;
    errors(&applied.expect_err("no machine is found").0).join("\n")
}

async fn warnings(host: &Host, prior: Option<&Instance>, json: &Json) -> String {
    let plan = host.plan(MACHINE, prior, &host.config(MACHINE, json)).await;
    plan.unwrap_or_else(|d| panic!("{:?}", errors(&d))).warnings.join("\n")
}

fn status(host: &Host, id: &str) -> AcceptanceStatus {
    let config = host.object("InfraMachineConfigs", id);
    config.map_or(AcceptanceStatus::Pending, |object| object.spec::<InfraMachineConfigSpec>().acceptance_status())
}

fn a_machine_that_comes_ends_the_wait() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let json = json!({ "mac_address": MAC.to_uppercase().replace(':', "-"), "wait_for_registration": true });
        let config = host.config(MACHINE, &json);
        let plan = host.plan(MACHINE, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(plan.warnings, [""; 0]);
        assert!(plan.planned.get("machine_id").is_unknown(), "{plan:?}");
        host.sim.forget_requests();
        let come = async {
            while !host.sim.requests().iter().any(|request| request.name() == "Watch") {
                tokio::task::yield_now().await;
            }
            add_machine(host.sim.store(), 7);
        };
        let (found, ()) = tokio::join!(host.apply_plan(MACHINE, None, &config, plan), come);
        let found = found.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!(found.state.get("hostname").as_str(), Some("machine-7"));
        assert_eq!(found.state.get("network").get("links").elements().len(), 2);
        settled(&host, MACHINE, &found, &config, "create").await;
    })
}

fn a_wait_ends_in_time() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let json = json!({ "mac_address": MAC, "wait_for_registration": true, "timeouts": { "create": "200ms" } });
        let said = said(&host, &json).await;
        for part in [
            "mac_address: Machine did not appear in time: Gave up after 200ms while waiting",
            "for a machine with `mac_address` = `52:54:00:00:07:01` to register.",
            "increase `timeouts.create`",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    })
}

fn one_that_is_not_there_is_told_in_the_plan() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let json = json!({ "hostname": "machine-7" });
        let told = warnings(&host, None, &json).await;
        assert!(told.contains("The apply fails unless it has registered by then."), "{told}");
        assert!(told.contains("`wait_for_registration = true`"), "{told}");
        host.next_run().await;
        let said = said(&host, &json).await;
        assert!(said.starts_with("hostname: No machine matches"), "{said}");
    })
}

fn several_are_told_with_their_names() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let json = json!({ "label_selector": "omni.sidero.dev/connected", "wait_for_registration": true });
        let said = said(&host, &json).await;
        for part in ["More than one machine matches", "(machine-2, ", "Select one of them by `machine_id`"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    })
}

fn a_key_of_the_same_machine_changes_nothing() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let found = made(&host, MACHINE, &json!({ "machine_id": FIRST })).await;
        host.next_run().await;
        let by_name = json!({ "hostname": "machine-1" });
        let plan = host.plan(MACHINE, Some(&found), &host.config(MACHINE, &by_name)).await;
        let plan = plan.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(plan.replace, [""; 0]);
        assert!(plan.planned.is_wholly_known(), "{plan:?}");
        let other = host.plan(MACHINE, Some(&found), &host.config(MACHINE, &json!({ "hostname": "machine-2" }))).await;
        let other = other.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(other.replace, ["hostname"]);
        assert_eq!(other.planned.get("machine_id").as_str(), Some(SECOND));
    })
}

fn a_host_name_stays_as_it_is_written() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let json = json!({ "hostname": "Machine-1" });
        let found = made(&host, MACHINE, &json).await;
        assert_eq!(found.state.get("machine_id").as_str(), Some(FIRST));
        host.edit("MachineStatuses", FIRST, |object| {
            let mut status: omni_proto::specs::MachineStatusSpec = object.spec();
            status.network.get_or_insert_default().hostname = "renamed".into();
            object.spec = prost::Message::encode_to_vec(&status);
        });
        let read = settled(&host, MACHINE, &found, &host.config(MACHINE, &json), "a new name").await;
        assert_eq!(read.state.get("hostname").as_str(), Some("Machine-1"));
        // One that is found otherwise shows its name.
        host.next_run().await;
        let found = made(&host, MACHINE, &json!({ "mac_address": "52:54:00:00:01:00" })).await;
        assert_eq!(found.state.get("hostname").as_str(), Some("renamed"));
    })
}

fn a_plan_holds_on_to_the_machine_that_it_found() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let config = host.config(MACHINE, &json!({ "hostname": "machine-1" }));
        let plan = host.plan(MACHINE, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(plan.planned.get("machine_id").as_str(), Some(FIRST));
        for (id, name) in [(FIRST, "other"), (SECOND, "machine-1")] {
            host.edit("MachineStatuses", id, |object| {
                let mut status: omni_proto::specs::MachineStatusSpec = object.spec();
                status.network.get_or_insert_default().hostname = name.into();
                object.spec = prost::Message::encode_to_vec(&status);
            });
        }
        let (said, kept) = host.apply_plan(MACHINE, None, &config, plan).await.expect_err("another one matches");
        let said = errors(&said).join("\n");
        assert!(said.contains(FIRST) && said.contains(SECOND) && kept.is_none(), "{said}");
    })
}

fn one_that_waits_is_accepted() -> Result<(), Failed> {
    block(async {
        let host = with_a_rack().await;
        let json = json!({ "machine_id": SECOND, "accept": true });
        let config = host.config(MACHINE, &json);
        let plan = host.plan(MACHINE, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let told = plan.warnings.join("\n");
        assert!(told.contains("will be accepted") && told.contains("cannot be taken back"), "{told}");
        assert_eq!(status(&host, SECOND), AcceptanceStatus::Pending, "a plan accepts nothing");
        let found = host.apply_plan(MACHINE, None, &config, plan).await;
        let found = found.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!(status(&host, SECOND), AcceptanceStatus::Accepted);
        assert_eq!(found.state.get("hostname").as_str(), Some("machine-2"));
        let found = settled(&host, MACHINE, &found, &config, "create").await;

        host.next_run().await;
        let told = warnings(&host, Some(&found), &json!({ "machine_id": SECOND })).await;
        assert!(told.contains("stays accepted"), "{told}");
        let found = changed(&host, MACHINE, &found, &json!({ "machine_id": SECOND })).await;
        assert_eq!(status(&host, SECOND), AcceptanceStatus::Accepted);
        settled(&host, MACHINE, &found, &host.config(MACHINE, &json!({ "machine_id": SECOND })), "update").await;
    })
}

fn one_that_waits_and_is_not_accepted_is_told() -> Result<(), Failed> {
    block(async {
        let host = with_a_rack().await;
        let json = json!({ "machine_id": SECOND });
        let told = warnings(&host, None, &json).await;
        assert!(told.contains("waits for its acceptance") && told.contains("`accept = true`"), "{told}");
        host.next_run().await;
        let said = said(&host, &json).await;
        for part in
            ["machine_id: Machine `", "waits for its acceptance", "`accept = true`", "`omni_infra_machine_config`"]
        {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(status(&host, SECOND), AcceptanceStatus::Pending);
    })
}

/// A machine that has reached Omni and not joined, whether Omni shows it or not.
fn one_that_is_pending_is_told() -> Result<(), Failed> {
    block(async {
        let world = json!({ "machines": [{}, { "pending": true }] });
        let world = Some(world.to_string().parse().expect("a world"));
        let mode = Mode::Auto { tick: Duration::from_millis(5) };
        let host = Host::with(Options { mode, world, machines: 0, ..Options::default() }, &[]).await;
        let json = json!({ "machine_id": SECOND, "accept": true });
        let told = warnings(&host, None, &json).await;
        assert!(told.contains(&format!("Machine `{SECOND}` is pending")), "{told}");
        host.next_run().await;
        let said = said(&host, &json).await;
        assert!(said.contains("is pending") && said.contains("`omni_pending_machines`"), "{said}");
        let said = errors(&host.import_diagnostics(MACHINE, SECOND).await).join("\n");
        assert!(said.contains("is pending") && !said.contains("does not exist"), "{said}");
    })
}

fn one_that_waits_is_told_at_its_import() -> Result<(), Failed> {
    block(async {
        let host = with_a_rack().await;
        let said = errors(&host.import_diagnostics(MACHINE, SECOND).await);
        let told =
            said.len() == 1 && said[0].contains("waits for its acceptance") && said[0].contains("`accept = true`");
        assert!(told, "{said:#?}");
        host.import(MACHINE, FIRST, None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    })
}

fn one_that_is_accepted_and_rejected_is_told() -> Result<(), Failed> {
    const CONFIG: &str = "omni_infra_machine_config";
    block(async {
        let host = with_a_rack().await;
        let machine = host.config(MACHINE, &json!({ "machine_id": SECOND, "accept": true }));
        for (acceptance, told) in [("rejected", true), ("pending", true), ("accepted", false)] {
            let config = host.config(CONFIG, &json!({ "machine_id": SECOND, "acceptance": acceptance }));
            let (one, two) = ((MACHINE, &machine, "accept: "), (CONFIG, &config, "acceptance: "));
            for [first, second] in [[one, two], [two, one]] {
                host.next_run().await;
                host.plan(first.0, None, first.1).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
                let said = host.plan(second.0, None, second.1).await.err().map(|d| errors(&d)).unwrap_or_default();
                assert_eq!(said.len(), usize::from(told), "{acceptance}: {said:#?}");
                let fits = |line: &String| line.starts_with(second.2) && line.contains("disagree on the acceptance");
                assert!(said.iter().all(fits), "{acceptance}: {said:#?}");
            }
        }
    })
}

fn a_mac_address_in_another_form_changes_nothing() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let found = made(&host, MACHINE, &json!({ "mac_address": "52:54:00:00:01:01" })).await;
        for form in ["52-54-00-00-01-01", "5254.0000.0101", "525400000101"] {
            host.next_run().await;
            let config = host.config(MACHINE, &json!({ "mac_address": form }));
            let plan = host.plan(MACHINE, Some(&found), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            assert_eq!(plan.replace, [""; 0], "{form}");
            assert_eq!(plan.planned, found.state, "{form}");
        }
    })
}

fn two_keys_of_one_machine_are_told() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        for [first, second] in [
            [json!({ "machine_id": FIRST }), json!({ "hostname": "machine-1" })],
            [json!({ "hostname": "machine-1" }), json!({ "machine_id": FIRST })],
        ] {
            host.next_run().await;
            let plan = host.plan(MACHINE, None, &host.config(MACHINE, &first)).await;
            plan.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            let said = host.plan(MACHINE, None, &host.config(MACHINE, &second)).await.expect_err("it is planned twice");
            let said = errors(&said).join("\n");
            assert!(
                said.contains("is planned twice") && said.contains("Both are about the same `machine_id`"),
                "{said}"
            );
            assert!(!said.contains("arguments are equal"), "{said}");
        }
    })
}

fn one_is_accepted_later() -> Result<(), Failed> {
    block(async {
        let host = with_a_rack().await;
        let found = made(&host, MACHINE, &json!({ "machine_id": FIRST })).await;
        // A machine of no provider needs no acceptance.
        let json = json!({ "machine_id": FIRST, "accept": true });
        assert_eq!(warnings(&host, Some(&found), &json).await, "");
        changed(&host, MACHINE, &found, &json).await;
        assert!(host.object("InfraMachineConfigs", FIRST).is_none());
    })
}

fn an_acceptance_leaves_the_rest() -> Result<(), Failed> {
    block(async {
        let host = with_a_rack().await;
        let config = json!({ "machine_id": SECOND, "acceptance": "rejected", "extra_kernel_args": "quiet" });
        made(&host, "omni_infra_machine_config", &config).await;
        host.next_run().await;
        let json = json!({ "machine_id": SECOND, "accept": true });
        let told = warnings(&host, None, &json).await;
        assert!(told.contains("It is rejected now."), "{told}");
        host.next_run().await;
        made(&host, MACHINE, &json).await;
        let spec: InfraMachineConfigSpec = host.object("InfraMachineConfigs", SECOND).unwrap().spec();
        assert_eq!(spec.acceptance_status(), AcceptanceStatus::Accepted);
        assert_eq!(spec.extra_kernel_args, "quiet");
    })
}

fn a_removal_takes_it_out_of_omni() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let found = made(&host, MACHINE, &json!({ "machine_id": FIRST, "on_destroy": "remove" })).await;
        let kept = made(&host, MACHINE, &json!({ "machine_id": SECOND })).await;
        host.next_run().await;
        for instance in [&found, &kept] {
            let told = host.plan_destroy(MACHINE, instance).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            assert_eq!(told, [""; 0]);
            host.destroy(MACHINE, instance).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        }
        assert!(host.object("Links", FIRST).is_none() && host.object("MachineStatuses", FIRST).is_none());
        assert!(host.object("Links", SECOND).is_some() && host.object("MachineStatuses", SECOND).is_some());
        // What is gone already is no failure.
        host.next_run().await;
        assert!(host.read(MACHINE, &found).await.unwrap().is_none());
        host.destroy(MACHINE, &found).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    })
}

fn a_removal_tells_of_its_cluster() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let found = made(&host, MACHINE, &json!({ "machine_id": FIRST, "on_destroy": "remove" })).await;
        let node = in_a_cluster(&host, FIRST).await;
        host.next_run().await;
        let told = host.plan_destroy(MACHINE, &found).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(told.iter().any(|w| w.contains("is a node of cluster `demo`")), "{told:?}");
        // Not when the node goes as well.
        host.next_run().await;
        host.plan_destroy("omni_machine_set_node", &node).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let told = host.plan_destroy(MACHINE, &found).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(told, [""; 0]);
    })
}

/// A node of the cluster `demo`.
async fn in_a_cluster(host: &Host, machine: &str) -> Instance {
    made(host, "omni_cluster", &crate::defects::cluster()).await;
    made(host, "omni_machine_set", &json!({ "cluster": "demo", "role": "workers" })).await;
    let node = json!({ "cluster": "demo", "machine_set": "demo-workers", "machine_id": machine });
    made(host, "omni_machine_set_node", &node).await
}

fn a_replacement_tells_what_it_removes() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let by_name = |name: &str, fate: &str| json!({ "hostname": name, "on_destroy": fate });
        let removed = made(&host, MACHINE, &by_name("machine-1", "remove")).await;
        let kept = made(&host, MACHINE, &by_name("machine-3", "keep")).await;
        in_a_cluster(&host, FIRST).await;
        for (instance, fate, told) in [(&removed, "remove", true), (&kept, "keep", false), (&removed, "keep", true)] {
            host.next_run().await;
            let config = host.config(MACHINE, &by_name("machine-2", fate));
            let plan = host.plan(MACHINE, Some(instance), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            assert_eq!(plan.replace, ["hostname"], "{fate}");
            let says = |part: &str| plan.warnings.iter().any(|w| w.starts_with("on_destroy: ") && w.contains(part));
            assert_eq!(says(&format!("Machine `{FIRST}` is removed from Omni")), told, "{fate}: {:#?}", plan.warnings);
            assert_eq!(says("is a node of cluster `demo`"), told, "{fate}: {:#?}", plan.warnings);
        }
        // A change that replaces nothing removes nothing.
        host.next_run().await;
        assert_eq!(warnings(&host, Some(&removed), &by_name("machine-1", "keep")).await, "");
    })
}

fn an_address_that_takes_over_keeps_it() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let json = json!({ "machine_id": FIRST, "on_destroy": "remove" });
        let found = made(&host, MACHINE, &json).await;
        host.next_run().await;
        // One address goes, and another one of the same run has the machine.
        let config = host.config(MACHINE, &json);
        host.plan_destroy(MACHINE, &found).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let plan = host.plan(MACHINE, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        host.apply_plan(MACHINE, None, &config, plan).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        host.destroy(MACHINE, &found).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(host.object("Links", FIRST).is_some());
    })
}
