//! A refresh drops an object from the state only when Omni itself says that it is gone, to somebody who may see it.

use crate::fixture;
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, prepare};
use kit::clock::TestClock;
use libtest_mimic::{Failed, Trial};
use omni_sim::{Options, Role, accounts};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::provider;

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for resource in provider::new().resources() {
        let name = resource.type_name();
        trials.push(Trial::test(format!("refresh::{name}::a_cache_that_is_behind"), move || behind(name)));
        trials.push(Trial::test(format!("refresh::{name}::a_role_that_sees_less"), move || low_role(name)));
    }
    trials.push(Trial::test("refresh::an_older_answer_is_not_believed", older));
    trials
}

/// An object of this type, and a run that has not made it.
async fn made(host: &Host, name: &str) -> Instance {
    let needs = fixture::on(host, name).needs;
    prepare(host, &needs).await;
    host.sim.forget_requests();
    let config = host.config(name, &fixture::on(host, name).create);
    let made = host.apply(name, None, &config).await;
    let made = made.unwrap_or_else(|(d, _)| panic!("{name}: {:?}", errors(&d)));
    host.sim.settle().unwrap();
    host.next_run().await;
    made
}

/// The COSI type that a refresh asks for: the one that the create wrote, unless RPCs serve it.
fn kind(host: &Host, name: &str) -> String {
    match name {
        "omni_service_account" => return "ServiceAccountStatuses".to_owned(),
        // Users have a call of their own, which is never behind.
        "omni_user" => return "Users".to_owned(),
        // What is found is not written.
        "omni_eula_acceptance" => return "EulaAcceptances".to_owned(),
        "omni_machine" => return "MachineStatuses".to_owned(),
        _ => {}
    }
    let requests = host.sim.requests();
    let written = requests.iter().rev().find(|request| ["Create", "Update"].contains(&request.name()));
    let written = written.unwrap_or_else(|| panic!("{name}: nothing was written"));
    written.kind.split('.').next().unwrap_or_default().to_owned()
}

/// What a cache does not show is asked for past it, and what is gone is dropped all the same.
fn behind(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let instance = made(&host, name).await;
        if fixture::load(name).unreadable.is_some() {
            // There is no answer that could be behind, or say that it is gone.
            host.sim.forget_requests();
            let read = host.read(name, &instance).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
            assert_eq!(read.expect("it is kept").state, instance.state, "{name}");
            assert!(host.sim.requests().is_empty(), "{name}: a refresh asks for what nobody can read");
            return;
        }
        // Who the provider is, Omni computes with every read.
        let miss = format!("Get of {} refuse NotFound always: resource doesn't exist", kind(&host, name));
        host.sim.faults().add(miss.parse().unwrap());
        let read = host.read(name, &instance).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
        assert!(read.is_some(), "{name}: dropped though it is there");
        host.sim.faults().clear();
        if !fixture::load(name).stays {
            host.destroy(name, &instance).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
            host.next_run().await;
            let read = host.read(name, &instance).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
            assert!(read.is_none(), "{name}: kept though it is gone");
        }
    })
}

/// Whoever may not see the object is told so, with the role, and the state keeps the object.
fn low_role(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let instance = made(&host, name).await;
        let provider = host.config("omni_infra_provider", &json!({ "name": "other" }));
        host.apply("omni_infra_provider", None, &provider).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        for (account, role) in
            [("nobody", Role::None), ("infra-provider:other", Role::InfraProvider), ("reads", Role::Reader)]
        {
            let key = accounts::mint(host.sim.store(), account, role, accounts::LIFETIME).unwrap();
            host.reconfigure(&[("service_account_key", key.as_str().into())]).await;
            match host.read(name, &instance).await {
                Ok(read) => assert!(read.is_some(), "{name}: dropped for the role {role:?}"),
                Err(diags) => {
                    let said = errors(&diags).join("\n");
                    assert!(said.contains("Could not read"), "{name}: {said}");
                    assert!(said.contains("role"), "{name}: {said}");
                }
            }
        }
    })
}

/// What this state has seen is not taken back by a cache that is behind.
fn older() -> Result<(), Failed> {
    block(async {
        let (clock, lag) = (Arc::new(TestClock::at(1_790_000_000)), Duration::from_secs(60));
        let options = Options { lag, clock: Arc::<TestClock>::clone(&clock), ..Options::stepped() };
        let host = Host::with(options, &[]).await;
        let kind = "omni_config_patch";
        let config = |value: &str| {
            let data = format!("machine:\n  sysctls: {{a: {value}}}\n");
            host.config(kind, &json!({ "name": "p", "cluster": "demo", "data": data }))
        };
        let made = host.apply(kind, None, &config("one")).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        clock.advance(2 * lag);
        let changed = host.apply(kind, Some(&made), &config("two")).await;
        let changed = changed.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        host.next_run().await;
        let read = host.read(kind, &changed).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(read.expect("there").state.get("data"), changed.state.get("data"));
    })
}
