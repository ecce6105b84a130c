//! The EULA: accepted by the run that makes everything else, once and for good.

use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::specs::EulaAcceptanceSpec;
use omni_sim::Options;
use omni_sim::driver::Mode;
use serde_json::{Value as Json, json};
use std::time::Duration;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("one_run_accepts_it_and_makes_the_rest", one_run_accepts_it_and_makes_the_rest),
        ("what_does_not_wait_for_it_is_refused", what_does_not_wait_for_it_is_refused),
        ("an_acceptance_cannot_be_changed", an_acceptance_cannot_be_changed),
        ("a_lost_answer_is_no_failure", a_lost_answer_is_no_failure),
        ("another_one_may_be_faster", another_one_may_be_faster),
        ("a_state_of_another_instance_is_told", a_state_of_another_instance_is_told),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("eula::{name}"), test)).collect()
}

const EULA: &str = "omni_eula_acceptance";
const CLASS: &str = "omni_machine_class";

async fn start() -> Host {
    let world = Some("instance: {eula_accepted: false}".parse().expect("a world"));
    let mode = Mode::Auto { tick: Duration::from_millis(5) };
    Host::with(Options { mode, world, machines: 0, ..Options::default() }, &[]).await
}

fn jane() -> Json {
    json!({ "name": "Jane Doe", "email": "jane@example.org" })
}

fn class() -> Json {
    json!({ "name": "workers", "match_labels": ["pool = workers"] })
}

fn accepted(host: &Host) -> Option<String> {
    Some(host.object("EulaAcceptances", "eula")?.spec::<EulaAcceptanceSpec>().accepted_by_name)
}

async fn applied(host: &Host, kind: &str, json: &Json) -> Instance {
    let made = host.apply(kind, None, &host.config(kind, json)).await;
    made.unwrap_or_else(|(d, _)| panic!("{kind}: {:?}", errors(&d)))
}

fn one_run_accepts_it_and_makes_the_rest() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let (eula, class) = (host.config(EULA, &jane()), host.config(CLASS, &class()));
        let first = host.plan(EULA, None, &eula).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(first.planned.get("id").as_str(), Some("eula"));
        assert_eq!(first.warnings, [""; 0]);
        // What depends on it is planned after it.
        let second = host.plan(CLASS, None, &class).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(second.warnings, [""; 0]);
        assert_eq!(accepted(&host), None, "a plan accepts nothing");
        host.next_run().await;
        let made = host.apply_plan(EULA, None, &eula, first).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!(accepted(&host).as_deref(), Some("Jane Doe"));
        host.apply_plan(CLASS, None, &class, second).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let made = settled(&host, EULA, &made, &eula, "create").await;

        host.next_run().await;
        let warnings = host.plan_destroy(EULA, &made).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(warnings.iter().any(|w| w.contains("The EULA stays accepted")), "{warnings:?}");
        host.destroy(EULA, &made).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(accepted(&host).as_deref(), Some("Jane Doe"));
    })
}

fn what_does_not_wait_for_it_is_refused() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let said = host.plan(CLASS, None, &host.config(CLASS, &class())).await.expect_err("nothing is answered");
        let said = errors(&said).join("\n");
        assert!(said.contains("EULA has not been accepted") && said.contains("`omni_eula_acceptance`"), "{said}");
    })
}

fn an_acceptance_cannot_be_changed() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let made = applied(&host, EULA, &jane()).await;
        host.next_run().await;
        let other = host.config(EULA, &json!({ "name": "Joe", "email": "jane@example.org" }));
        let said = host.plan(EULA, Some(&made), &other).await.expect_err("it is permanent");
        let said = errors(&said).join("\n");
        let told = said.starts_with("name: ") && said.contains("`Jane Doe` (jane@example.org) has accepted it");
        assert!(told && said.contains("Set `name = \"Jane Doe\"`"), "{said}");
    })
}

fn a_lost_answer_is_no_failure() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        host.sim.faults().add("Create lose".parse().unwrap());
        applied(&host, EULA, &jane()).await;
        assert_eq!(accepted(&host).as_deref(), Some("Jane Doe"));
    })
}

fn another_one_may_be_faster() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let config = host.config(EULA, &jane());
        let plan = host.plan(EULA, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        host.next_run().await;
        applied(&host, EULA, &json!({ "name": "Joe", "email": "joe@example.org" })).await;
        host.next_run().await;
        let (said, kept) = host.apply_plan(EULA, None, &config, plan).await.expect_err("Joe was faster");
        let said = errors(&said).join("\n");
        assert!(said.contains("`Joe` (joe@example.org) has accepted it") && kept.is_none(), "{said}");
    })
}

fn a_state_of_another_instance_is_told() -> Result<(), Failed> {
    block(async {
        let host = start().await;
        let made = applied(&host, EULA, &jane()).await;
        let key = omni_sim::kinds::key("EulaAcceptances.omni.sidero.dev", "eula");
        host.sim.store().remove(&key);
        let read = host.read(EULA, &made).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(read.is_none(), "{read:?}");
    })
}
