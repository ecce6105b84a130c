//! `omni_service_account_key`: a key that works at once, and nothing that is left behind, whatever goes wrong.

use crate::ephemerals::Open;
use crate::host::{Host, errors};
use crate::lifecycle::block;
use kit::clock::SystemClock;
use kit::secret::SecretString;
use libtest_mimic::{Failed, Trial};
use omni_sim::{Mode, Options};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::omni::auth::key;
use terraform_provider_omni::omni::spec::instance::current_user_key;
use terraform_provider_omni::omni::{Call, Client, Config, Credentials};
use terraform_provider_omni::tf::value::Value;
use terraform_provider_omni::tf::wire;
use tokio_util::sync::CancellationToken;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("an_account_lives_as_long_as_it_is_open", an_account_lives_as_long_as_it_is_open),
        ("a_key_is_added_to_an_account", a_key_is_added_to_an_account),
        ("a_key_is_given_out_once_it_works", a_key_is_given_out_once_it_works),
        ("a_key_that_never_works_is_taken_back", a_key_that_never_works_is_taken_back),
        ("a_lost_answer_is_found_out", a_lost_answer_is_found_out),
        ("an_account_half_made_is_removed", an_account_half_made_is_removed),
        (
            "an_account_of_which_nobody_knows_whose_it_is_is_named",
            an_account_of_which_nobody_knows_whose_it_is_is_named,
        ),
        ("somebody_elses_account_is_left_alone", somebody_elses_account_is_left_alone),
        ("what_cannot_be_removed_is_named", what_cannot_be_removed_is_named),
        ("an_account_that_is_gone_is_closed", an_account_that_is_gone_is_closed),
        ("stopping_leaves_nothing_behind", stopping_leaves_nothing_behind),
        ("the_end_of_the_process_closes_what_the_host_did_not", the_end_of_the_process_closes_what_the_host_did_not),
        ("a_read_only_provider_makes_none", a_read_only_provider_makes_none),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("keys::{name}"), test)).collect()
}

const KEY: &str = "omni_service_account_key";

/// A provider that repeats without long waits, and gives up soon.
async fn start(extra: &[(&str, Value)]) -> Host {
    start_in(Mode::Stepped, extra).await
}

async fn start_in(mode: Mode, extra: &[(&str, Value)]) -> Host {
    let retry = Value::object([
        ("max_attempts", 3.into()),
        ("base_delay", "10ms".into()),
        ("max_delay", "20ms".into()),
        ("jitter", Value::Null),
    ]);
    let limits = Value::object([
        ("create", "1s".into()),
        ("read", Value::Null),
        ("update", Value::Null),
        ("delete", Value::Null),
    ]);
    let mut settings = vec![("retry", retry), ("request_timeout", "500ms".into()), ("default_timeouts", limits)];
    settings.extend(extra.iter().cloned());
    Host::with(Options { mode, ..Options::default() }, &settings).await
}

/// The identities that there are beside the one that the simulator starts with.
fn accounts(host: &Host) -> BTreeSet<String> {
    let all = host.sim.store().list("Identities.omni.sidero.dev");
    let ids = all.iter().map(|identity| identity.key.id.clone());
    ids.filter(|id| id.ends_with("@serviceaccount.omni.sidero.dev") && !id.starts_with("demo@")).collect()
}

fn keys(host: &Host) -> usize {
    host.sim.store().list("PublicKeys.omni.sidero.dev").len()
}

fn strike(host: &Host, fault: &str) {
    host.sim.faults().add(fault.parse().unwrap());
}

async fn open(host: &Host, config: &Json) -> Result<Open, String> {
    let config = wire::from_json(config, &host.ephemeral_schema(KEY).object_type()).unwrap();
    assert_eq!(errors(&host.validate_ephemeral(KEY, &config).await), Vec::<String>::new());
    host.open(KEY, &config).await.map_err(|diags| errors(&diags).join("\n"))
}

async fn opened(host: &Host, config: &Json) -> Open {
    open(host, config).await.unwrap_or_else(|said| panic!("{said}"))
}

async fn refused(host: &Host, config: &Json) -> String {
    // What was opened is not shown: it holds a key.
    open(host, config).await.err().expect("refused")
}

async fn closed(host: &Host, open: Open) {
    assert_eq!(errors(&host.close(KEY, &open).await), Vec::<String>::new());
}

fn text(opened: &Open, name: &str) -> String {
    opened.value.get(name).as_str().unwrap_or_else(|| panic!("no {name}")).to_owned()
}

/// Whether one request that the key signs is accepted; it is not sent twice.
async fn works(host: &Host, key: &str) -> bool {
    let key = SecretString::from(key.to_owned());
    let config = Config::new(host.sim.endpoint(), Credentials::ServiceAccountKey(key));
    let client = Client::new(&config, Arc::new(SystemClock)).unwrap();
    let call = Call::within(Duration::from_secs(10), &CancellationToken::new());
    client.get(&call, &current_user_key()).await.is_ok()
}

fn an_account_lives_as_long_as_it_is_open() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let before = keys(&host);
        for (config, name, role) in [
            (json!({}), "terraform-", "Operator"),
            (json!({ "name_prefix": "ci-", "role": "Reader", "ttl": "90m" }), "ci-", "Reader"),
            (json!({ "name": "deploy", "role": "Admin" }), "deploy", "Admin"),
        ] {
            let opened = opened(&host, &config).await;
            assert!(text(&opened, "name").starts_with(name), "{name}");
            assert_eq!(text(&opened, "role"), role);
            assert_eq!(accounts(&host), BTreeSet::from([text(&opened, "identity")]));
            let key = text(&opened, "key");
            assert!(works(&host, &key).await, "{name}");
            let facts = key::inspect(&SecretString::from(key.clone())).unwrap();
            assert_eq!((facts.name, facts.fingerprint), (text(&opened, "name"), text(&opened, "public_key_id")));
            let until = terraform_provider_omni::omni::auth::date(facts.expires.unwrap());
            assert_eq!(text(&opened, "expiration"), until);
            assert_eq!(opened.renew_at, None, "no value changes by renewal");
            let kept = String::from_utf8(opened.private.clone().unwrap()).unwrap();
            assert_eq!(kept, json!({ "account": text(&opened, "name") }).to_string(), "nothing secret is kept");
            closed(&host, opened).await;
            assert!(!works(&host, &key).await, "{name}: still good");
            assert_eq!((accounts(&host), keys(&host)), (BTreeSet::new(), before), "{name}");
        }
    })
}

fn a_key_is_added_to_an_account() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let account = opened(&host, &json!({ "name": "ci", "role": "Reader" })).await;
        let first = text(&account, "key");
        for named in ["ci", "ci@serviceaccount.omni.sidero.dev"] {
            let before = keys(&host);
            let added = opened(&host, &json!({ "service_account": named, "ttl": "5m" })).await;
            assert_eq!((text(&added, "name").as_str(), text(&added, "role").as_str()), ("ci", "Reader"));
            assert_eq!(text(&added, "identity"), "ci@serviceaccount.omni.sidero.dev");
            assert!(works(&host, &text(&added, "key")).await && works(&host, &first).await);
            let (key, kept) = (text(&added, "key"), added.private.clone());
            assert_eq!(kept, None, "there is nothing to take back");
            closed(&host, added).await;
            assert!(works(&host, &key).await, "only time takes it away");
            assert_eq!(keys(&host), before + 1);
        }
        closed(&host, account).await;
        assert_eq!(accounts(&host), BTreeSet::new());
    })
}

fn a_key_is_given_out_once_it_works() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        for config in [json!({ "name": "ci" }), json!({ "service_account": "ci" })] {
            strike(&host, "Get of CurrentUsers refuse Unauthenticated times 3: invalid signature");
            opened(&host, &config).await;
            assert_eq!(host.sim.faults().left(), 0, "it was asked until it was accepted");
        }
    })
}

fn a_key_that_never_works_is_taken_back() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        never_accepted(&host);
        let said = refused(&host, &json!({ "name": "ci" })).await;
        assert!(said.contains("waiting for Omni to accept the new key of `ci`") && !said.contains("state"), "{said}");
        assert_eq!(accounts(&host), BTreeSet::new());
        host.sim.faults().clear();
        let account = opened(&host, &json!({ "name": "ci" })).await;
        never_accepted(&host);
        let said = refused(&host, &json!({ "service_account": "ci" })).await;
        assert!(said.contains("Omni cannot revoke it, and it expires at 2"), "{said}");
        closed(&host, account).await;
    })
}

fn a_lost_answer_is_found_out() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        for way in ["lose", "fail Unavailable", "fail Internal", "delay 3600s"] {
            let before = accounts(&host);
            strike(&host, &format!("CreateServiceAccount {way}"));
            // What is delayed beyond the limit of a request never happens.
            match open(&host, &json!({})).await {
                Ok(opened) => {
                    assert!(works(&host, &text(&opened, "key")).await, "{way}");
                    closed(&host, opened).await;
                }
                Err(said) => assert!(way.starts_with("delay"), "{way}: {said}"),
            }
            assert_eq!(accounts(&host), before, "{way}");
        }
        let account = opened(&host, &json!({ "name": "ci" })).await;
        strike(&host, "RenewServiceAccount lose");
        let added = opened(&host, &json!({ "service_account": "ci" })).await;
        assert!(works(&host, &text(&added, "key")).await);
        closed(&host, account).await;
    })
}

fn an_account_half_made_is_removed() -> Result<(), Failed> {
    block(async {
        for (config, mode) in [
            (json!({}), Mode::Stepped),
            // Whose account it is, its keys tell, which the controllers list.
            (json!({ "name": "ci" }), Mode::Auto { tick: Duration::from_millis(5) }),
        ] {
            let host = start_in(mode, &[]).await;
            never_accepted(&host);
            strike(&host, "CreateServiceAccount fail Internal: the disk is full");
            let said = refused(&host, &config).await;
            assert!(said.contains("The disk is full") && !said.contains("left behind"), "{said}");
            assert_eq!(accounts(&host), BTreeSet::new());
        }
    })
}

fn an_account_of_which_nobody_knows_whose_it_is_is_named() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        never_accepted(&host);
        strike(&host, "CreateServiceAccount fail Internal: the disk is full");
        let said = refused(&host, &json!({ "name": "ci" })).await;
        assert!(said.contains("The disk is full") && said.contains("If nobody else uses it"), "{said}");
        assert!(said.contains("`omnictl serviceaccount destroy ci`"), "{said}");
        assert_eq!(accounts(&host).len(), 1);
    })
}

/// From here on no new key works; the provider itself asks for itself only once, at its configuration.
fn never_accepted(host: &Host) {
    strike(host, "Get of CurrentUsers refuse Unauthenticated always: invalid signature");
}

fn somebody_elses_account_is_left_alone() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let theirs = opened(&host, &json!({ "name": "ci" })).await;
        host.sim.settle().unwrap();
        let said = refused(&host, &json!({ "name": "ci" })).await;
        assert!(said.starts_with("name: ") && said.contains("`omnictl serviceaccount destroy ci`"), "{said}");
        // Whether it was made stays unknown, and the name is theirs.
        strike(&host, "CreateServiceAccount refuse Internal: somewhere else");
        let said = refused(&host, &json!({ "name": "ci" })).await;
        assert!(said.contains("Somewhere else") && !said.contains("left behind"), "{said}");
        assert!(works(&host, &text(&theirs, "key")).await);
    })
}

fn what_cannot_be_removed_is_named() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let account = opened(&host, &json!({ "name": "ci" })).await;
        strike(&host, "DestroyServiceAccount refuse Internal always: not now");
        let on_closing = errors(&host.close(KEY, &account).await).join("\n");
        never_accepted(&host);
        let on_opening = refused(&host, &json!({ "name_prefix": "other-" })).await;
        for said in [on_closing, on_opening] {
            assert!(said.contains("may still exist") && said.contains("Not now"), "{said}");
            assert!(said.contains("`omnictl serviceaccount destroy "), "{said}");
        }
    })
}

fn an_account_that_is_gone_is_closed() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let account = opened(&host, &json!({})).await;
        closed(&host, account.clone()).await;
        closed(&host, account).await;
        // The answer to the first attempt got lost.
        let account = opened(&host, &json!({})).await;
        strike(&host, "DestroyServiceAccount lose");
        closed(&host, account).await;
        assert_eq!((accounts(&host), host.sim.faults().left()), (BTreeSet::new(), 0));
    })
}

fn stopping_leaves_nothing_behind() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        never_accepted(&host);
        let mut changes = host.sim.store().subscribe();
        let stop = async {
            while accounts(&host).is_empty() {
                changes.next().await.unwrap();
            }
            host.stop().await;
        };
        let (said, ()) = tokio::join!(async { refused(&host, &json!({})).await }, stop);
        assert!(said.contains("Stopped while waiting for "), "{said}");
        assert_eq!(accounts(&host), BTreeSet::new());
    })
}

fn the_end_of_the_process_closes_what_the_host_did_not() -> Result<(), Failed> {
    block(async {
        let host = start(&[]).await;
        let first = opened(&host, &json!({})).await;
        closed(&host, first).await;
        opened(&host, &json!({})).await;
        opened(&host, &json!({})).await;
        host.server.close_all(Duration::from_secs(10)).await;
        let removed = host.sim.requests().iter().filter(|r| r.name() == "DestroyServiceAccount").count();
        assert_eq!((accounts(&host), removed), (BTreeSet::new(), 3), "each of them once");
    })
}

fn a_read_only_provider_makes_none() -> Result<(), Failed> {
    block(async {
        let host = start(&[("read_only", true.into())]).await;
        for config in [json!({ "name": "ci" }), json!({ "service_account": "demo" })] {
            let said = refused(&host, &config).await;
            assert!(said.contains("Read-only provider refuses to create service account key"), "{said}");
        }
        let calls = host.sim.requests();
        assert!(calls.iter().all(|call| !call.name().ends_with("ServiceAccount")), "{calls:?}");
    })
}
