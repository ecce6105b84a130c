//! What the provider makes of a server on which things go wrong: nothing is written twice, nothing is lost, and what
//! happened is told.

use crate::defects::made;
use crate::host::{Host, Instance, errors};
use crate::lifecycle::block;
use kit::clock::SystemClock;
use kit::secret::SecretString;
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use omni_sim::{Options, kinds};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::omni::{
    Call, Client, Config, Credentials, Event, Kind, Metadata, Query, Resource, RetryPolicy,
};
use terraform_provider_omni::tf::value::Value;
use tokio_util::sync::CancellationToken;

type Test = fn() -> Result<(), Failed>;

/// What may happen to a write that the server does in the end, at once or when it is sent again.
const PASSING: [&str; 14] = [
    "refuse Unavailable",
    "refuse ResourceExhausted",
    "refuse Internal",
    "refuse Unknown",
    "refuse DataLoss",
    "refuse Aborted",
    "fail Unavailable",
    "fail DeadlineExceeded",
    "fail Internal",
    "fail Unknown",
    "fail DataLoss",
    "fail Aborted",
    "cut",
    "lose",
];

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("what_lasts_is_told", what_lasts_is_told),
        ("an_uncertain_write_is_told", an_uncertain_write_is_told),
        ("a_late_answer_is_not_waited_for", a_late_answer_is_not_waited_for),
        ("a_race_is_run_again", a_race_is_run_again),
        ("a_race_that_never_ends_is_told", a_race_that_never_ends_is_told),
        ("half_a_list_is_no_list", half_a_list_is_no_list),
        ("a_broken_watch_misses_nothing", a_broken_watch_misses_nothing),
        ("a_server_that_is_away_is_waited_for", a_server_that_is_away_is_waited_for),
        ("what_was_never_sent_is_sent_again", what_was_never_sent_is_sent_again),
        ("a_server_that_stays_away_is_told", a_server_that_stays_away_is_told),
        ("a_refused_handshake_is_told_at_once", a_refused_handshake_is_told_at_once),
    ];
    let passing = PASSING.iter().map(|way| {
        Trial::test(format!("faults::a_write_survives::{}", way.replace(' ', "_")), move || a_write_survives(way))
    });
    passing.chain(all.iter().map(|(name, test)| Trial::test(format!("faults::{name}"), test))).collect()
}

const PATCH: &str = "400-demo-time";
const LABELS: Kind = Kind { namespace: "default", name: "MachineLabels.omni.sidero.dev" };
const LINKS: Kind = Kind { namespace: "default", name: "Links.omni.sidero.dev" };

fn patch(server: &str) -> Json {
    json!({ "name": "time", "cluster": "demo", "data": format!("machine:\n  time:\n    servers: [{server}]\n") })
}

/// A provider that repeats without long waits.
async fn start(options: Options) -> Host {
    let retry = Value::object([
        ("max_attempts", Value::Null),
        ("base_delay", "20ms".into()),
        ("max_delay", "50ms".into()),
        ("jitter", Value::Null),
    ]);
    // Only a fault that is not dealt with makes an operation reach this limit.
    let limits = Value::object(["create", "read", "update", "delete"].map(|name| (name, "20s".into())));
    let settings = [("retry", retry), ("request_timeout", "500ms".into()), ("default_timeouts", limits)];
    Host::with(options, &settings).await
}

fn strike(host: &Host, fault: &str) {
    host.sim.faults().add(fault.parse().unwrap());
}

/// The stored servers of the patch, and how often it was written.
fn stored(host: &Host) -> Option<(String, u64)> {
    let object = host.object("ConfigPatches", PATCH)?;
    Some((object.spec::<specs::ConfigPatchSpec>().data, object.version))
}

fn holds(host: &Host, server: &str, version: u64) {
    let (data, stored) = stored(host).expect("the patch is there");
    assert!(data.contains(server), "{data}");
    assert_eq!(stored, version, "so often was it written");
}

async fn apply(host: &Host, prior: Option<&Instance>, server: &str) -> Result<Instance, String> {
    let config = host.config("omni_config_patch", &patch(server));
    host.apply("omni_config_patch", prior, &config).await.map_err(|(diags, _)| errors(&diags).join("\n"))
}

/// Through a create, an update and a removal.
fn a_write_survives(way: &str) -> Result<(), Failed> {
    block(async {
        let host = start(Options::stepped()).await;
        strike(&host, &format!("Create of ConfigPatches {way}"));
        let first = apply(&host, None, "first").await.unwrap();
        holds(&host, "first", 1);
        strike(&host, &format!("Update of ConfigPatches {way}"));
        let second = apply(&host, Some(&first), "second").await.unwrap();
        holds(&host, "second", 2);
        strike(&host, &format!("Teardown of ConfigPatches {way}"));
        strike(&host, &format!("Destroy of ConfigPatches {way}"));
        host.destroy("omni_config_patch", &second).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!((stored(&host), host.sim.faults().left()), (None, 0), "all of them struck");
    })
}

fn what_lasts_is_told() -> Result<(), Failed> {
    block(async {
        let host = start(Options::stepped()).await;
        strike(&host, "Create of ConfigPatches refuse Internal always: the disk is full");
        let said = apply(&host, None, "first").await.expect_err("refused");
        assert!(said.contains("The disk is full") && said.contains(PATCH), "{said}");
        assert_eq!(stored(&host), None);
        host.sim.faults().clear();
        apply(&host, None, "first").await.unwrap();
        holds(&host, "first", 1);
    })
}

fn an_uncertain_write_is_told() -> Result<(), Failed> {
    block(async {
        let host = start(Options::stepped()).await;
        // The object is made, and then there is nobody left to ask.
        strike(&host, "Create of ConfigPatches lose");
        strike(&host, "Create cut always");
        strike(&host, "Watch cut always");
        let said = apply(&host, None, "first").await.expect_err("nobody answers");
        assert!(said.contains("Omni may have created the object"), "{said}");
        holds(&host, "first", 1);
    })
}

fn a_late_answer_is_not_waited_for() -> Result<(), Failed> {
    block(async {
        let host = start(Options::stepped()).await;
        strike(&host, "Create of ConfigPatches delay 3600s");
        let first = apply(&host, None, "first").await.unwrap();
        holds(&host, "first", 1);
        strike(&host, "Get of ConfigPatches delay 3600s");
        strike(&host, "Update of ConfigPatches delay 3600s");
        apply(&host, Some(&first), "second").await.unwrap();
        holds(&host, "second", 2);
    })
}

fn a_race_is_run_again() -> Result<(), Failed> {
    block(async {
        let host = start(Options::stepped()).await;
        let first = made(&host, "omni_config_patch", &patch("first")).await;
        strike(&host, "Update of ConfigPatches conflict");
        apply(&host, Some(&first), "second").await.unwrap();
        holds(&host, "second", 3);
    })
}

fn a_race_that_never_ends_is_told() -> Result<(), Failed> {
    block(async {
        let host = start(Options::stepped()).await;
        let first = made(&host, "omni_config_patch", &patch("first")).await;
        strike(&host, "Update of ConfigPatches conflict always");
        let said = apply(&host, Some(&first), "second").await.expect_err("always too late");
        assert!(said.contains("Another client is writing to the object at the same time"), "{said}");
        assert!(stored(&host).unwrap().0.contains("first"), "nothing was overwritten");
    })
}

fn client(host: &Host) -> Client {
    let key = SecretString::from(host.sim.service_account_key().to_owned());
    let mut config = Config::new(host.sim.endpoint(), Credentials::ServiceAccountKey(key));
    let short = Duration::from_millis(1);
    config.retry =
        RetryPolicy { max_attempts: 100, base_delay: short, max_delay: 10 * short, ..RetryPolicy::default() };
    Client::new(&config, Arc::new(SystemClock)).unwrap()
}

fn call() -> Call {
    Call::within(Duration::from_secs(30), &CancellationToken::new())
}

fn half_a_list_is_no_list() -> Result<(), Failed> {
    block(async {
        let host = start(Options::stepped()).await;
        let client = client(&host);
        strike(&host, "List of Links break 2");
        assert_eq!(client.list(&call(), LINKS, &Query::default()).await.unwrap().len(), 6);
        strike(&host, "List of Links break 2 always");
        let error = client.list(&call(), LINKS, &Query::default()).await.unwrap_err();
        assert!(error.to_string().contains("the stream was broken on purpose"), "{error}");
    })
}

fn a_broken_watch_misses_nothing() -> Result<(), Failed> {
    block(async {
        let host = start(Options::stepped()).await;
        // It begins with an empty message; then two links are shown before it breaks.
        strike(&host, "Watch of Links break 3");
        let call = call();
        let mut watch = client(&host).watch_kind(&call, LINKS, &Query::default()).await.unwrap();
        let mut shown = Vec::new();
        loop {
            match watch.next().await.unwrap() {
                Event::Present(link) => shown.push(link.key.id),
                Event::Bootstrapped => break,
                Event::Gone(key) => panic!("{key} is there"),
            }
        }
        let links: Vec<_> = host.sim.store().list(LINKS.name).iter().map(|link| link.key.id.clone()).collect();
        assert_eq!((shown, host.sim.faults().left()), (links.clone(), 0), "each is shown once");
        host.sim.store().remove(&kinds::key(LINKS.name, &links[0]));
        assert_eq!(watch.next().await.unwrap(), Event::Gone(LINKS.key(links[0].clone())));
    })
}

fn a_server_that_is_away_is_waited_for() -> Result<(), Failed> {
    block(async {
        let host = start(Options::stepped()).await;
        let address = host.sim.endpoint().trim_start_matches("grpc://").to_owned();
        strike(&host, "Create of ConfigPatches gone 60s");
        let come_back = async {
            // It is away once nothing listens any more.
            while tokio::net::TcpStream::connect(&address).await.is_ok() {
                tokio::task::yield_now().await;
            }
            host.sim.advance(Duration::from_secs(60));
        };
        let (applied, ()) = tokio::join!(apply(&host, None, "first"), come_back);
        applied.unwrap();
        holds(&host, "first", 1);
    })
}

fn what_was_never_sent_is_sent_again() -> Result<(), Failed> {
    block(async {
        let host = start(Options::stepped()).await;
        let client = client(&host);
        host.sim.leave(None).await;
        let key = LABELS.key("any".to_owned());
        let new = Resource { key: key.clone(), metadata: Metadata::default(), spec: Vec::new(), yaml: String::new() };
        let come_back = async {
            // Its first attempt has failed once there is a second one.
            while client.rpc_counts().values().sum::<u64>() < 2 {
                tokio::task::yield_now().await;
            }
            host.sim.come_back();
            std::future::pending().await
        };
        let call = call();
        let made = tokio::select! {
            made = client.create(&call, new) => made.unwrap(),
            () = come_back => unreachable!("it waits for ever"),
        };
        assert_eq!(made.metadata.version, Some(1), "it is written once");
        let creates = host.sim.requests().iter().filter(|request| request.name() == "Create").count();
        assert_eq!(creates, 1, "and arrived once");
    })
}

fn a_server_that_stays_away_is_told() -> Result<(), Failed> {
    block(async {
        let host = start(Options::stepped()).await;
        let first = made(&host, "omni_config_patch", &patch("first")).await;
        host.sim.leave(None).await;
        let diags = host.read("omni_config_patch", &first).await.expect_err("nobody is there");
        let said = errors(&diags).join("\n");
        assert!(said.contains("nothing listens on 127.0.0.1"), "{said}");
        host.sim.come_back();
        let read = host.read("omni_config_patch", &first).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(read.unwrap().state, first.state);
    })
}

fn a_refused_handshake_is_told_at_once() -> Result<(), Failed> {
    block(async {
        let host = start(Options { tls: true, ..Options::stepped() }).await;
        strike(&host, "Handshake refuse");
        // Whatever comes next needs a new connection.
        host.sim.drop_connections();
        let said = apply(&host, None, "first").await.expect_err("no handshake");
        assert!(said.contains("the TLS handshake failed") && said.contains("HandshakeFailure"), "{said}");
        assert_eq!(stored(&host), None);
        apply(&host, None, "first").await.unwrap();
        holds(&host, "first", 1);
    })
}
