//! Every write of every resource type, with each kind of answer that is no refusal, before the deed and after it:
//! nothing is made twice, nothing is lost, and what is in the state is what is in Omni.

use crate::ephemerals::Open;
use crate::fixture::{self, Fixture, merged};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, prepare, settled};
use crate::relay::{Relay, Spoilt, When};
use libtest_mimic::{Failed, Trial};
use omni_sim::Options;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::tf::provider::Provider;
use terraform_provider_omni::tf::value::Value;
use terraform_provider_omni::tf::wire;

pub fn trials(provider: &Arc<dyn Provider>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for name in provider.resources().iter().map(|resource| resource.type_name()) {
        for when in [When::Before, When::After] {
            trials.push(Trial::test(format!("{name}::spoilt_writes::{when:?}").to_lowercase(), move || {
                writes(name, when)
            }));
        }
        trials.push(Trial::test(format!("{name}::spoilt_reads"), move || reads(name)));
    }
    for source in provider.data_sources().iter().map(|source| source.type_name()) {
        trials.push(Trial::test(format!("{source}::spoilt_reads"), move || looks(source)));
    }
    for when in [When::Before, When::After] {
        let name = |what: &str| format!("spoilt::{what}::{when:?}").to_lowercase();
        trials.push(Trial::test(name("a_key_for_a_run_is_made_once"), move || keys(when)));
        trials.push(Trial::test(name("a_token_for_a_run_is_made_once"), move || tokens(when)));
    }
    trials.push(Trial::test("spoilt::a_late_deed_doubles_no_token", a_late_deed_doubles_no_token));
    trials
}

/// The calls that change something.
const WRITES: [&str; 15] = [
    "Create",
    "Update",
    "Teardown",
    "TeardownAndDestroy",
    "Destroy",
    "CreateUser",
    "UpdateUser",
    "DestroyUser",
    "CreateServiceAccount",
    "RenewServiceAccount",
    "DestroyServiceAccount",
    "CreateJoinToken",
    "CreateSchematic",
    "CreateSchematicFromRaw",
    "Kubeconfig",
];

/// The types of which a write may make one too many; what controllers make of them comes later.
const KINDS: [&str; 10] = [
    "Clusters",
    "ConfigPatches",
    "Identities",
    "InfraProviders",
    "JoinTokens",
    "MachineClasses",
    "MachineSetNodes",
    "MachineSets",
    "PublicKeys",
    "Users",
];

/// So many updates are tried; more of them go the same ways.
const UPDATES: usize = 2;

async fn start() -> (Host, Relay) {
    let retry = Value::object([
        ("max_attempts", Value::Null),
        ("base_delay", "5ms".into()),
        ("max_delay", "20ms".into()),
        ("jitter", Value::Null),
    ]);
    let limits = Value::object(["create", "read", "update", "delete"].map(|name| (name, "60s".into())));
    let options = Host::options(Duration::from_millis(2));
    Host::behind_a_relay(options, &[("retry", retry), ("default_timeouts", limits)]).await
}

/// How many objects there are of each type.
fn census(host: &Host) -> BTreeMap<&'static str, usize> {
    let count = |kind: &'static str| (kind, host.sim.store().list(&format!("{kind}.omni.sidero.dev")).len());
    KINDS.into_iter().map(count).collect()
}

/// What a life came to: the writes of each step, and what there was after it.
type Life = Vec<(BTreeSet<String>, BTreeMap<&'static str, usize>)>;

/// Makes an object, changes it, and takes it away. `spoil` is done before each step, by its number.
async fn life(host: &Host, relay: &Relay, name: &str, fixture: &Fixture, spoil: impl Fn(usize)) -> Life {
    host.next_run().await;
    let mut life = Life::new();
    let mut json = fixture.create.clone();
    let mut instance: Option<Instance> = None;
    let steps = [None].into_iter().chain(fixture.updates.iter().take(UPDATES).map(Some));
    for (step, patch) in steps.enumerate() {
        json = patch.map_or(json.clone(), |patch| merged(&json, patch));
        let config = host.config(name, &json);
        let plan = host.plan(name, instance.as_ref(), &config).await;
        let plan = plan.unwrap_or_else(|d| panic!("{name}: plan {step}: {:?}", errors(&d)));
        relay.calls();
        spoil(step);
        let applied = host.apply_plan(name, instance.as_ref(), &config, plan).await;
        let calls = relay.calls();
        relay.calm();
        let applied = applied.unwrap_or_else(|(d, kept)| {
            let kept = if kept.is_some() { "kept" } else { "lost" };
            panic!("{name}: step {step}, {kept}: {:?} after {calls:?}", errors(&d))
        });
        instance = Some(settled(host, name, &applied, &config, &format!("step {step}")).await);
        life.push((writes_among(&calls), census(host)));
    }
    let last = instance.expect("it was made");
    relay.calls();
    spoil(life.len());
    let destroyed = host.destroy(name, &last).await;
    let calls = relay.calls();
    relay.calm();
    destroyed.unwrap_or_else(|d| panic!("{name}: destroy: {:?} after {calls:?}", errors(&d)));
    life.push((writes_among(&calls), census(host)));
    life
}

fn writes_among(calls: &[String]) -> BTreeSet<String> {
    calls.iter().filter(|call| WRITES.contains(&call.as_str())).cloned().collect()
}

/// A host on which the object can be made.
async fn ready(name: &str) -> (Host, Relay, Fixture) {
    let (host, relay) = start().await;
    let fixture = fixture::on(&host, name);
    prepare(&host, &fixture.needs).await;
    let fixture = fixture::on(&host, name);
    (host, relay, fixture)
}

fn writes(name: &'static str, when: When) -> Result<(), Failed> {
    block(async move {
        let (host, relay, fixture) = ready(name).await;
        let clean = life(&host, &relay, name, &fixture, |_| {}).await;
        assert_ne!(
            clean.iter().all(|(writes, _)| writes.is_empty()),
            !fixture.found,
            "{name}: whether something is written"
        );
        for spoilt in Spoilt::ALL {
            let spoil = |step: usize| {
                clean[step].0.iter().for_each(|method| relay.spoil(method, 1, when, spoilt));
            };
            let there = life(&host, &relay, name, &fixture, spoil).await;
            for (step, ((_, clean), (_, there))) in clean.iter().zip(&there).enumerate() {
                assert_eq!(clean, there, "{name}: after step {step} with {spoilt:?}");
            }
        }
    })
}

/// Reads are repeated, whatever it is that is no answer to them.
fn reads(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let (host, relay, fixture) = ready(name).await;
        let config = host.config(name, &fixture.create);
        let made = host.apply(name, None, &config).await.unwrap_or_else(|(d, _)| panic!("{name}: {:?}", errors(&d)));
        relay.calls();
        let made = settled(&host, name, &made, &config, "create").await;
        let methods: BTreeSet<_> = relay.calls().into_iter().collect();
        for spoilt in Spoilt::ALL {
            spoil_reads(&relay, &methods, spoilt);
            settled(&host, name, &made, &config, &format!("{spoilt:?}")).await;
            assert_eq!(relay.calm(), 0, "{name}: all of {methods:?} were spoilt with {spoilt:?}");
        }
    })
}

/// Spoils the next call of each method, but for the one answer to a List that makes sense: that there is nothing.
fn spoil_reads(relay: &Relay, methods: &BTreeSet<String>, spoilt: Spoilt) {
    for method in methods.iter().filter(|method| *method != "List" || spoilt != Spoilt::Nothing) {
        relay.spoil(method, 1, When::Before, spoilt);
    }
}

/// The same for a data source.
fn looks(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let world = fixture::reads(name).world;
        let machines = if world.is_null() { Options::default().machines } else { 0 };
        let retry = Value::object([
            ("max_attempts", Value::Null),
            ("base_delay", "5ms".into()),
            ("max_delay", "20ms".into()),
            ("jitter", Value::Null),
        ]);
        let world = (!world.is_null()).then(|| world.to_string().parse().expect("a world"));
        let options = Options { machines, world, ..Options::stepped() };
        let (host, relay) = Host::behind_a_relay(options, &[("retry", retry)]).await;
        host.sim.settle().expect("the world comes to rest");
        prepare(&host, &fixture::reads(name).needs).await;
        let read = fixture::reads_on(&host, name).reads.into_iter().next().expect("something is read");
        relay.calls();
        host.look(name, &read.config).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
        let methods: BTreeSet<_> = relay.calls().into_iter().collect();
        for spoilt in Spoilt::ALL {
            spoil_reads(&relay, &methods, spoilt);
            let seen = host.look(name, &read.config).await;
            seen.unwrap_or_else(|d| panic!("{name}: {spoilt:?}: {:?}", errors(&d)));
            assert_eq!(relay.calm(), 0, "{name}: all of {methods:?} were spoilt with {spoilt:?}");
        }
    })
}

/// Opens and closes with every write spoilt.
fn opened(name: &'static str, when: When, configs: &'static [fn() -> Json]) -> Result<(), Failed> {
    block(async move {
        for config in configs {
            let (host, relay) = start().await;
            let needs = [fixture::Need {
                kind: "omni_service_account".to_owned(),
                config: json!({ "name": "there", "role": "Operator" }),
            }];
            prepare(&host, &needs).await;
            let config = config();
            for spoilt in Spoilt::ALL {
                let before = census(&host);
                let spoil = || WRITES.iter().for_each(|method| relay.spoil(method, 1, when, spoilt));
                spoil();
                let open: Open = host.open(name, &configured(&host, name, &config)).await.unwrap_or_else(|d| {
                    panic!("{name}: {config} with {spoilt:?}: {:?} after {:?}", errors(&d), relay.calls())
                });
                relay.calm();
                let made = |kind: &str| census(&host)[kind] - before[kind];
                assert_eq!(made("JoinTokens") + made("PublicKeys"), 1, "{name}: {config} with {spoilt:?}");
                spoil();
                let closed = errors(&host.close(name, &open).await);
                assert_eq!(closed, Vec::<String>::new(), "{name}: {config} with {spoilt:?}");
                relay.calm();
                if config.get("service_account").is_none() {
                    assert_eq!(census(&host), before, "{name}: {config} with {spoilt:?}");
                }
            }
        }
    })
}

fn configured(host: &Host, name: &str, config: &Json) -> Value {
    wire::from_json(config, &host.ephemeral_schema(name).object_type()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn keys(when: When) -> Result<(), Failed> {
    opened(
        "omni_service_account_key",
        when,
        &[|| json!({}), || json!({ "name": "mine" }), || json!({ "service_account": "there" })],
    )
}

fn tokens(when: When) -> Result<(), Failed> {
    opened("omni_join_token", when, &[|| json!({ "ttl": "1h", "name": "run" })])
}

/// Something on the way may answer before the server acts; then the repetition and the first attempt both take effect.
fn a_late_deed_doubles_no_token() -> Result<(), Failed> {
    block(async {
        let (host, relay) = start().await;
        let before = host.join_tokens().len();
        relay.spoil("CreateJoinToken", 1, When::Late, Spoilt::Page(504, true));
        let config = host.config("omni_join_token", &json!({ "name": "edge" }));
        host.apply("omni_join_token", None, &config).await.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!(host.join_tokens().len(), before + 1);
    })
}
