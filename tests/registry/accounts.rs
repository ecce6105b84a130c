//! Service accounts and infrastructure providers: no key is lost, none is kept that is not wanted, and none ends unnoticed.
//! Omni lists neither the accounts of infrastructure providers nor their keys, so nothing here may wait for that.

use crate::defects::made;
use crate::host::{Host, Instance, Plan, errors};
use crate::lifecycle::{block, settled};
use kit::clock::TestClock;
use kit::secret::SecretString;
use libtest_mimic::{Failed, Trial};
use omni_proto::specs;
use omni_sim::driver::Mode;
use omni_sim::{Options, Role, accounts};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::omni::auth::key;
use terraform_provider_omni::omni::spec::instance::current_user_key;
use terraform_provider_omni::omni::{AccountRole, Call, Client, Config, Credentials};
use terraform_provider_omni::tf::value::Value;
use tokio_util::sync::CancellationToken;

type Test = fn() -> Result<(), Failed>;
/// A test of either type.
type TestOf = fn(&'static str) -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let both: &[(&str, TestOf)] = &[
        ("a_new_key_works_at_once", a_new_key_works_at_once),
        ("a_key_is_renewed_in_time", a_key_is_renewed_in_time),
        ("a_key_that_is_not_wanted_leaves_no_trace", a_key_that_is_not_wanted_leaves_no_trace),
        ("lost_answers_lose_no_key", lost_answers_lose_no_key),
        ("a_create_that_cannot_be_read_back_is_kept", a_create_that_cannot_be_read_back_is_kept),
        ("a_renewal_that_never_arrived_is_made_up_for", a_renewal_that_never_arrived_is_made_up_for),
        ("a_refused_renewal_keeps_the_old_key", a_refused_renewal_keeps_the_old_key),
        ("another_lifetime_is_another_key", another_lifetime_is_another_key),
        ("an_import_needs_no_new_key", an_import_needs_no_new_key),
    ];
    let both = both.iter().flat_map(|(name, test)| {
        let test = *test;
        ["omni_service_account", "omni_infra_provider"]
            .map(|kind| Trial::test(format!("accounts::{name}::{kind}"), move || test(kind)))
    });
    let all: &[(&str, Test)] = &[
        ("without_a_role_it_is_the_callers", without_a_role_it_is_the_callers),
        ("the_account_of_the_provider_itself_stays", the_account_of_the_provider_itself_stays),
        ("a_duplicate_says_how_to_import", a_duplicate_says_how_to_import),
        ("a_key_of_ones_own_is_checked_in_the_plan", a_key_of_ones_own_is_checked_in_the_plan),
        ("a_key_of_ones_own_is_used_once", a_key_of_ones_own_is_used_once),
        ("an_imported_account_finds_its_own_key_again", an_imported_account_finds_its_own_key_again),
        ("a_provider_without_an_account_is_kept_and_repaired", a_provider_without_an_account_is_kept_and_repaired),
        ("an_account_that_was_removed_is_made_again", an_account_that_was_removed_is_made_again),
        ("the_account_of_an_imported_provider_is_made_again", the_account_of_an_imported_provider_is_made_again),
        ("a_tainted_provider_is_replaced", a_tainted_provider_is_replaced),
        ("an_untainted_provider_gets_a_key_that_works", an_untainted_provider_gets_a_key_that_works),
        ("a_provider_that_is_there_is_taken_over", a_provider_that_is_there_is_taken_over),
        ("a_role_that_may_not_ask_for_accounts_changes_nothing", a_role_that_may_not_ask_for_accounts_changes_nothing),
        ("who_may_not_manage_accounts_is_told_who_may", who_may_not_manage_accounts_is_told_who_may),
        ("an_account_in_the_way_is_named_in_the_plan", an_account_in_the_way_is_named_in_the_plan),
        ("provider_and_account_go_together", provider_and_account_go_together),
    ];
    both.chain(all.iter().map(|(name, test)| Trial::test(format!("accounts::{name}"), test))).collect()
}

const ACCOUNT: &str = "omni_service_account";
const PROVIDER: &str = "omni_infra_provider";
const HOUR: Duration = Duration::from_hours(1);

fn account(extra: &Json) -> Json {
    crate::fixture::merged(&json!({ "name": "ci", "role": "Operator" }), extra)
}

/// A configuration of either type.
fn of(kind: &str, extra: &Json) -> Json {
    if kind == ACCOUNT { account(extra) } else { crate::fixture::merged(&json!({ "name": "ci" }), extra) }
}

fn identity(kind: &str) -> &'static str {
    if kind == ACCOUNT {
        "ci@serviceaccount.omni.sidero.dev"
    } else {
        "ci@infra-provider.serviceaccount.omni.sidero.dev"
    }
}

/// A provider that gives up soon, on a simulator in the same time.
async fn host(clock: Arc<TestClock>) -> Host {
    let retry = Value::object([
        ("max_attempts", Value::from(3)),
        ("base_delay", "1ms".into()),
        ("max_delay", "5ms".into()),
        ("jitter", Value::Null),
    ]);
    let limits = Value::object(["create", "read", "update", "delete"].map(|name| (name, "5s".into())));
    let options = Options { mode: Mode::Auto { tick: Duration::from_millis(5) }, clock, ..Options::default() };
    Host::with(options, &[("retry", retry), ("default_timeouts", limits)]).await
}

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::at(1_790_000_000))
}

fn strike(host: &Host, faults: &[&str]) {
    faults.iter().for_each(|fault| host.sim.faults().add(fault.parse().unwrap()));
}

fn text(instance: &Instance, name: &str) -> String {
    instance.state.get(name).as_str().unwrap_or_else(|| panic!("no {name}: {:?}", instance.state)).to_owned()
}

/// The fingerprints of the keys that the account has in Omni.
fn registered(host: &Host, kind: &str) -> BTreeSet<String> {
    let keys = host.sim.store().list("PublicKeys.omni.sidero.dev");
    let of_account = |spec: &specs::PublicKeySpec| spec.identity.clone().unwrap_or_default().email == identity(kind);
    keys.iter().filter(|key| of_account(&key.spec())).map(|key| key.key.id.clone()).collect()
}

fn exists(host: &Host, kind: &str) -> bool {
    host.object("Identities", identity(kind)).is_some()
}

fn client(host: &Host, clock: &Arc<TestClock>, key: &str) -> (Client, Call) {
    let config = Config::new(host.sim.endpoint(), Credentials::ServiceAccountKey(SecretString::from(key.to_owned())));
    let client = Client::new(&config, Arc::<TestClock>::clone(clock)).unwrap();
    (client, Call::within(Duration::from_secs(10), &CancellationToken::new()))
}

/// Somebody else who may do everything.
fn admin(host: &Host, clock: &Arc<TestClock>) -> (Client, Call) {
    client(host, clock, host.sim.service_account_key())
}

/// Signs a request with the key.
async fn sign_in(host: &Host, clock: &Arc<TestClock>, key: &str) -> String {
    let (client, call) = client(host, clock, key);
    let me = client.get(&call, &current_user_key()).await.unwrap_or_else(|e| panic!("the key does not work: {e:?}"));
    terraform_provider_omni::omni::spec::decode::<specs::CurrentUserSpec>(&me).unwrap().identity
}

async fn changed(host: &Host, kind: &str, prior: &Instance, config: &Json) -> Instance {
    let instance = host.apply(kind, Some(prior), &host.config(kind, config)).await;
    instance.unwrap_or_else(|(d, _)| panic!("{kind}: {:?}", errors(&d)))
}

async fn refused(host: &Host, kind: &str, prior: Option<&Instance>, config: &Json) -> (String, Option<Instance>) {
    let (diags, kept) = host.apply(kind, prior, &host.config(kind, config)).await.expect_err("refused");
    (errors(&diags).join("\n"), kept)
}

async fn plan(host: &Host, kind: &str, prior: &Instance, config: &Json) -> Plan {
    let plan = host.plan(kind, Some(prior), &host.config(kind, config)).await;
    plan.unwrap_or_else(|d| panic!("{kind}: {:?}", errors(&d)))
}

fn unknown(plan: &Plan) -> BTreeSet<&str> {
    let entries = plan.planned.entries().unwrap();
    entries.iter().filter(|(_, value)| value.is_unknown()).map(|(name, _)| name.as_str()).collect()
}

const MADE: [&str; 4] = ["expiration", "key", "public_key_id", "public_key_ids"];

fn a_new_key_works_at_once(kind: &'static str) -> Result<(), Failed> {
    block(async move {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let first = made(&host, kind, &of(kind, &json!({ "ttl": "720h" }))).await;
        assert_eq!(sign_in(&host, &clock, &text(&first, "key")).await, identity(kind));
        assert_eq!(text(&first, "expiration"), "2026-10-21T14:13:20Z");
        let facts = key::inspect(&text(&first, "key").into()).unwrap();
        assert_eq!(facts.fingerprint, text(&first, "public_key_id"));

        let second = changed(&host, kind, &first, &of(kind, &json!({ "ttl": "720h", "renew_trigger": "now" }))).await;
        assert_ne!(text(&first, "public_key_id"), text(&second, "public_key_id"));
        for instance in [&first, &second] {
            assert_eq!(
                sign_in(&host, &clock, &text(instance, "key")).await,
                identity(kind),
                "the earlier one stays good"
            );
        }
        assert_eq!(second.state.get("public_key_ids").elements().len(), 2);
    })
}

fn a_key_is_renewed_in_time(kind: &'static str) -> Result<(), Failed> {
    block(async move {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let json = of(kind, &json!({ "ttl": "240h", "renew_before": "48h" }));
        let config = host.config(kind, &json);
        let first = made(&host, kind, &json).await;
        clock.advance(191 * HOUR);
        let first = settled(&host, kind, &first, &config, "191 hours").await;
        clock.advance(HOUR);
        let read = host.read(kind, &first).await.unwrap().unwrap();
        let plan = plan(&host, kind, &read, &json).await;
        assert_eq!(unknown(&plan), BTreeSet::from(MADE), "nothing else is touched");
        assert_eq!(plan.replace, Vec::<String>::new());
        let second = host.apply_plan(kind, Some(&read), &config, plan).await;
        let second = second.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!(text(&second, "expiration"), "2026-10-09T14:13:20Z", "240 hours from then");
        settled(&host, kind, &second, &config, "the renewal").await;
    })
}

/// Long words without blanks are what keys look like, however they are written.
fn longest_word(text: &str) -> usize {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=-".contains(c))).map(str::len).max().unwrap_or_default()
}

fn a_key_that_is_not_wanted_leaves_no_trace(kind: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = host(clock()).await;
        let wanted = made(&host, kind, &of(kind, &json!({}))).await;
        assert!(longest_word(&format!("{wanted:?}")) > 500, "this is how a key is found");

        let quiet = of(kind, &json!({ "store_key": false }));
        let silenced = changed(&host, kind, &wanted, &quiet).await;
        assert_eq!(text(&silenced, "public_key_id"), text(&wanted, "public_key_id"), "no new key for that");
        host.destroy(kind, &silenced).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));

        let config = host.config(kind, &quiet);
        let planned = host.plan(kind, None, &config).await.unwrap();
        let mut seen = format!("{silenced:?}{planned:?}");
        let first = host.apply_plan(kind, None, &config, planned).await;
        let first = first.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let first = settled(&host, kind, &first, &config, "create").await;
        let renewed = of(kind, &json!({ "store_key": false, "renew_trigger": "now" }));
        let planned = plan(&host, kind, &first, &renewed).await;
        seen.push_str(&format!("{first:?}{planned:?}"));
        let second = host.apply_plan(kind, Some(&first), &host.config(kind, &renewed), planned).await;
        let second = second.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        assert_eq!(registered(&host, kind).len(), 2, "it has keys all the same");
        seen.push_str(&format!("{second:?}"));
        for instance in [&first, &second] {
            seen.push_str(&String::from_utf8_lossy(&instance.private));
            assert!(instance.state.get("key").is_null());
        }
        assert!(longest_word(&seen) < 100, "{seen}");
        assert!(!seen.contains("PRIVATE KEY"), "{seen}");
    })
}

fn lost_answers_lose_no_key(kind: &'static str) -> Result<(), Failed> {
    block(async move {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        strike(&host, &["CreateServiceAccount lose", "RenewServiceAccount fail Unavailable"]);
        let first = made(&host, kind, &of(kind, &json!({}))).await;
        let second = changed(&host, kind, &first, &of(kind, &json!({ "renew_trigger": "now" }))).await;
        assert_eq!(host.sim.faults().left(), 0, "both struck");
        let expected = [&first, &second].map(|i| text(i, "public_key_id"));
        assert_eq!(registered(&host, kind), BTreeSet::from(expected), "one key each");
        for instance in [&first, &second] {
            sign_in(&host, &clock, &text(instance, "key")).await;
        }
    })
}

fn a_create_that_cannot_be_read_back_is_kept(kind: &'static str) -> Result<(), Failed> {
    block(async move {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        // Plan and create look for it, the account is made, and then there is nobody left to ask.
        strike(
            &host,
            &["CreateServiceAccount lose", "Watch cut always", "Get of ServiceAccountStatuses cut skip 2 times 1000"],
        );
        if kind == PROVIDER {
            host.sim.faults().clear();
            strike(&host, &["CreateServiceAccount lose", "Get of CurrentUsers cut always"]);
        }
        let (said, kept) = refused(&host, kind, None, &of(kind, &json!({ "ttl": "24h" }))).await;
        host.sim.faults().clear();
        assert!(said.contains("`ci`"), "{said}");
        let kept = kept.expect("an account that may be there is kept");
        assert_eq!(sign_in(&host, &clock, &text(&kept, "key")).await, identity(kind));
        let read = host.read(kind, &kept).await.unwrap().unwrap();
        let same = ["key", "public_key_id", "expiration"].map(|name| (text(&kept, name), text(&read, name)));
        assert!(same.iter().all(|(before, after)| before == after), "{same:?}");
        host.destroy(kind, &read).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(!exists(&host, kind));
    })
}

fn a_renewal_that_never_arrived_is_made_up_for(kind: &'static str) -> Result<(), Failed> {
    block(async move {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let first = made(&host, kind, &of(kind, &json!({}))).await;
        let json = of(kind, &json!({ "renew_trigger": "now" }));
        // What is cut was sent as far as anybody knows.
        strike(&host, &["RenewServiceAccount cut always"]);
        let (_, kept) = refused(&host, kind, Some(&first), &json).await;
        host.sim.faults().clear();
        let kept = host.read(kind, &kept.expect("the account is there")).await.unwrap().unwrap();
        assert_eq!(registered(&host, kind).len(), 1);
        let plan = plan(&host, kind, &kept, &json).await;
        assert!(unknown(&plan).contains("key"), "{plan:?}");
        let config = host.config(kind, &json);
        let second = host.apply_plan(kind, Some(&kept), &config, plan).await;
        let second = second.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        sign_in(&host, &clock, &text(&second, "key")).await;
        settled(&host, kind, &second, &config, "the second attempt").await;
    })
}

fn a_refused_renewal_keeps_the_old_key(kind: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = host(clock()).await;
        let first = made(&host, kind, &of(kind, &json!({}))).await;
        // Controllers of Omni write the object too: the state is compared when they have come to rest.
        host.sim.settle().unwrap();
        let first = host.read(kind, &first).await.unwrap().expect("the account is there");
        // Omni words many of its refusals with the code Unknown.
        for code in ["PermissionDenied", "Unknown"] {
            strike(&host, &[&format!("RenewServiceAccount refuse {code} always: not today")]);
            let (said, kept) = refused(&host, kind, Some(&first), &of(kind, &json!({ "renew_trigger": "now" }))).await;
            host.sim.faults().clear();
            assert!(said.contains("Not today"), "{code}: {said}");
            assert_eq!(kept.unwrap().state, first.state, "{code}: as it was, so that the next plan tries again");
        }
    })
}

fn without_a_role_it_is_the_callers() -> Result<(), Failed> {
    block(async {
        let host = host(clock()).await;
        let json = json!({ "name": "ci" });
        let made = made(&host, ACCOUNT, &json).await;
        assert_eq!(text(&made, "role"), "Admin");
        settled(&host, ACCOUNT, &made, &host.config(ACCOUNT, &json), "create").await;
    })
}

fn the_account_of_the_provider_itself_stays() -> Result<(), Failed> {
    block(async {
        let host = host(clock()).await;
        let own = host.import(ACCOUNT, "demo", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        // A removal that Omni refuses keeps nothing else from being planned.
        let warned = host.plan_destroy(ACCOUNT, &own).await.unwrap().join("\n");
        assert!(warned.starts_with("name: Omni will refuse") && warned.contains("terraform state rm"), "{warned}");
        let refused = errors(&host.destroy(ACCOUNT, &own).await.expect_err("its own account")).join("\n");
        assert!(refused.contains("change or remove itself") && refused.contains("terraform state rm"), "{refused}");
        let config = host.config(ACCOUNT, &json!({ "name": "demo", "role": "Reader" }));
        let refused = host.plan(ACCOUNT, Some(&own), &config).await.expect_err("its own account");
        assert!(errors(&refused)[0].starts_with("role: "), "{:?}", errors(&refused));
        // Another key for it is no harm.
        let json = json!({ "name": "demo", "role": "Admin", "renew_trigger": "now" });
        changed(&host, ACCOUNT, &own, &json).await;
    })
}

fn a_duplicate_says_how_to_import() -> Result<(), Failed> {
    block(async {
        let host = host(clock()).await;
        made(&host, ACCOUNT, &account(&json!({}))).await;
        host.next_run().await;
        let soon = account(&json!({ "timeouts": { "create": "1s" } }));
        let (said, kept) = refused(&host, ACCOUNT, None, &soon).await;
        assert!(kept.is_none() && said.starts_with("name: "), "{said}");
        assert!(said.contains("terraform import omni_service_account.<NAME> ci"), "{said}");
    })
}

fn a_key_of_ones_own_is_checked_in_the_plan() -> Result<(), Failed> {
    block(async {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let short = host.generated("me", HOUR).armored_public;
        let long = host.generated("me", 9000 * HOUR).armored_public;
        let plan = async |key: &str| {
            host.next_run().await;
            let config = host.config(ACCOUNT, &account(&json!({ "armored_public_key": key })));
            host.plan(ACCOUNT, None, &config).await
        };
        let planned = plan(&short).await.unwrap();
        assert!(planned.planned.get("key").is_null(), "nobody here knows it");
        clock.advance(2 * HOUR);
        for (key, says) in [(&short, "expired on"), (&long, "within 365 days")] {
            let said = errors(&plan(key).await.expect_err("refused")).join("\n");
            assert!(said.starts_with("armored_public_key: ") && said.contains(says), "{said}");
        }
    })
}

fn a_key_of_ones_own_is_used_once() -> Result<(), Failed> {
    block(async {
        let host = host(clock()).await;
        let key = host.generated("me", HOUR).armored_public;
        let made = made(&host, ACCOUNT, &account(&json!({ "armored_public_key": key }))).await;
        assert!(made.state.get("key").is_null());
        let again = json!({ "name": "two", "role": "Reader", "armored_public_key": key });
        let (said, kept) = refused(&host, ACCOUNT, None, &again).await;
        assert!(kept.is_none() && said.contains("generate a new key"), "{said}");
        assert!(!said.contains("terraform import"), "there is nothing to import: {said}");
    })
}

fn an_imported_account_finds_its_own_key_again() -> Result<(), Failed> {
    block(async {
        let host = host(clock()).await;
        let json = account(&json!({ "armored_public_key": host.generated("me", HOUR).armored_public }));
        let made = made(&host, ACCOUNT, &json).await;
        let imported = host.import(ACCOUNT, "ci", None).await.unwrap();
        let after = changed(&host, ACCOUNT, &imported, &json).await;
        assert_eq!(text(&after, "public_key_id"), text(&made, "public_key_id"));
        assert_eq!(registered(&host, ACCOUNT).len(), 1);
    })
}

fn a_provider_without_an_account_is_kept_and_repaired() -> Result<(), Failed> {
    block(async {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        strike(&host, &["CreateServiceAccount refuse InvalidArgument: maximum number of service accounts (1) reached"]);
        let (said, kept) = refused(&host, PROVIDER, None, &of(PROVIDER, &json!({}))).await;
        assert!(said.contains("service account") && said.contains("Maximum number"), "{said}");
        let kept = kept.expect("the provider itself is there");
        assert!(kept.state.get("key").is_null(), "a key that was refused is no key");
        // As after `terraform untaint`; a controller of Omni writes to the object in between.
        let read = host.read(PROVIDER, &kept).await.unwrap().unwrap();
        host.edit("InfraProviders", "ci", |object| object.finalizers.push("Controller".into()));
        let repaired = changed(&host, PROVIDER, &read, &of(PROVIDER, &json!({}))).await;
        sign_in(&host, &clock, &text(&repaired, "key")).await;
    })
}

fn an_account_that_was_removed_is_made_again() -> Result<(), Failed> {
    block(async {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let json = of(PROVIDER, &json!({}));
        let made = made(&host, PROVIDER, &json).await;
        let (admin, call) = admin(&host, &clock);
        admin.destroy_service_account(&call, "infra-provider:ci").await.unwrap();
        host.sim.settle().unwrap();
        let read = host.read(PROVIDER, &made).await.unwrap().unwrap();
        let after = changed(&host, PROVIDER, &read, &json).await;
        sign_in(&host, &clock, &text(&after, "key")).await;
        settled(&host, PROVIDER, &after, &host.config(PROVIDER, &json), "the repair").await;
    })
}

fn an_account_in_the_way_is_named_in_the_plan() -> Result<(), Failed> {
    block(async {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let key = host.generated("infra-provider:ci", HOUR).armored_public;
        let (admin, call) = admin(&host, &clock);
        let role = AccountRole::Named("InfraProvider".to_owned());
        admin.create_service_account(&call, "infra-provider:ci", &key, role).await.unwrap();
        host.sim.settle().unwrap();
        let config = host.config(PROVIDER, &of(PROVIDER, &json!({})));
        let plan = host.plan(PROVIDER, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let told = |said: &str| {
            said.starts_with("name: ") && said.contains("omnictl serviceaccount destroy infra-provider:ci")
        };
        assert!(told(&plan.warnings.join("\n")), "{:?}", plan.warnings);
        let (diags, _) = host.apply_plan(PROVIDER, None, &config, plan).await.expect_err("in the way");
        assert!(told(&errors(&diags).join("\n")), "{:?}", errors(&diags));
    })
}

fn the_account_of_an_imported_provider_is_made_again() -> Result<(), Failed> {
    block(async {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let json = of(PROVIDER, &json!({}));
        made(&host, PROVIDER, &json).await;
        let imported = host.import(PROVIDER, "ci", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let (admin, call) = admin(&host, &clock);
        admin.destroy_service_account(&call, "infra-provider:ci").await.unwrap();
        let read = host.read(PROVIDER, &imported).await.unwrap().unwrap();
        assert!(read.state.get("service_account_id").is_null(), "the plan shows what is missing");
        let after = changed(&host, PROVIDER, &read, &json).await;
        assert_eq!(sign_in(&host, &clock, &text(&after, "key")).await, identity(PROVIDER));
        settled(&host, PROVIDER, &after, &host.config(PROVIDER, &json), "the repair").await;
    })
}

/// A create of which nobody knows whether its account is there.
async fn open_create(host: &Host) -> Instance {
    strike(host, &["CreateServiceAccount lose", "Get of CurrentUsers cut always"]);
    let (_, kept) = refused(host, PROVIDER, None, &of(PROVIDER, &json!({}))).await;
    host.sim.faults().clear();
    let kept = kept.expect("what may be there is kept");
    host.read(PROVIDER, &kept).await.unwrap().unwrap()
}

fn a_tainted_provider_is_replaced() -> Result<(), Failed> {
    block(async {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let tainted = open_create(&host).await;
        host.destroy(PROVIDER, &tainted).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(!exists(&host, PROVIDER) && registered(&host, PROVIDER).is_empty());
        let json = of(PROVIDER, &json!({}));
        let made = made(&host, PROVIDER, &json).await;
        assert_eq!(sign_in(&host, &clock, &text(&made, "key")).await, identity(PROVIDER));
        settled(&host, PROVIDER, &made, &host.config(PROVIDER, &json), "the replacement").await;
    })
}

fn an_untainted_provider_gets_a_key_that_works() -> Result<(), Failed> {
    block(async {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let kept = open_create(&host).await;
        let json = of(PROVIDER, &json!({}));
        let after = changed(&host, PROVIDER, &kept, &json).await;
        assert_eq!(sign_in(&host, &clock, &text(&after, "key")).await, identity(PROVIDER));
        settled(&host, PROVIDER, &after, &host.config(PROVIDER, &json), "untaint").await;
    })
}

fn a_provider_that_is_there_is_taken_over() -> Result<(), Failed> {
    block(async {
        for with_account in [true, false] {
            let clock = clock();
            let options = Options {
                mode: Mode::Auto { tick: Duration::from_millis(5) },
                clock: clock.clone(),
                ..Default::default()
            };
            let host = Host::with(options, &[("adopt_existing", Value::from(true))]).await;
            let (admin, call) = admin(&host, &clock);
            let provider = terraform_provider_omni::omni::spec::resource("ci", &specs::InfraProviderSpec::default());
            admin.create(&call, provider).await.unwrap();
            if with_account {
                let key = host.generated("infra-provider:ci", HOUR).armored_public;
                let role = AccountRole::Named("InfraProvider".to_owned());
                admin.create_service_account(&call, "infra-provider:ci", &key, role).await.unwrap();
            }
            let json = of(PROVIDER, &json!({}));
            let made = made(&host, PROVIDER, &json).await;
            assert_eq!(sign_in(&host, &clock, &text(&made, "key")).await, identity(PROVIDER));
            assert_eq!(registered(&host, PROVIDER).len(), 1 + usize::from(with_account));
            settled(&host, PROVIDER, &made, &host.config(PROVIDER, &json), "the takeover").await;
        }
    })
}

/// The provider works as a user of this role from now on.
async fn work_as(host: &Host, role: Role) {
    accounts::add_person(host.sim.store(), "someone@example.org", role);
    host.work_as("someone@example.org").await;
}

fn a_role_that_may_not_ask_for_accounts_changes_nothing() -> Result<(), Failed> {
    block(async {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let json = of(PROVIDER, &json!({}));
        let made = made(&host, PROVIDER, &json).await;
        work_as(&host, Role::Reader).await;
        let read = settled(&host, PROVIDER, &made, &host.config(PROVIDER, &json), "a refresh by a reader").await;
        // Controllers write to the object as well, whenever they get to it.
        let lasting = |state: &Value| {
            let mut state = state.clone();
            state.set("resource_version", Value::Null);
            state
        };
        assert_eq!(lasting(&read.state), lasting(&made.state));
        let imported = host.import(PROVIDER, "ci", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(text(&imported, "service_account_id"), identity(PROVIDER));
        settled(&host, PROVIDER, &imported, &host.config(PROVIDER, &json), "an import by a reader").await;
    })
}

fn who_may_not_manage_accounts_is_told_who_may() -> Result<(), Failed> {
    block(async {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let made = made(&host, PROVIDER, &of(PROVIDER, &json!({}))).await;
        work_as(&host, Role::Operator).await;
        let json = of(PROVIDER, &json!({ "renew_trigger": "1" }));
        let warned = plan(&host, PROVIDER, &made, &json).await.warnings.join("\n");
        assert!(warned.contains("has the role `Operator`, and this requires the role `Admin`"), "{warned}");
        // The first plan of a replacement says it: hosts drop the warnings of the second one.
        let warned = plan(&host, PROVIDER, &made, &json!({ "name": "other" })).await.warnings.join("\n");
        assert!(warned.contains("Omni will refuse to replace infrastructure provider `ci`"), "{warned}");
        for kind in [PROVIDER, ACCOUNT] {
            let json = json!({ "name": "new" });
            let plan =
                host.plan(kind, None, &host.config(kind, &json)).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            assert!(plan.warnings.join("\n").contains("Omni will refuse to create"), "{kind}: {:?}", plan.warnings);
        }
        let (said, kept) = refused(&host, PROVIDER, Some(&made), &json).await;
        assert!(said.contains("Only the role `Admin` may manage service accounts"), "{said}");
        assert_eq!(kept.unwrap().state, made.state, "the key that is good stays");
    })
}

fn another_lifetime_is_another_key(kind: &'static str) -> Result<(), Failed> {
    block(async move {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        let first = made(&host, kind, &of(kind, &json!({ "ttl": "720h" }))).await;
        for same in ["720h0m0s", " 720h\n", "43200m"] {
            let plan = plan(&host, kind, &first, &of(kind, &json!({ "ttl": same }))).await;
            assert_eq!(plan.planned.get("public_key_id"), first.state.get("public_key_id"), "{same:?}");
        }
        let second = of(kind, &json!({ "ttl": "24h" }));
        let plan = plan(&host, kind, &first, &second).await;
        assert_eq!(unknown(&plan), BTreeSet::from(MADE), "only the key changes");
        let second = changed(&host, kind, &first, &second).await;
        assert_eq!(text(&second, "expiration"), "2026-09-22T14:13:20Z");
        // Left out, it is the default.
        let third = changed(&host, kind, &second, &of(kind, &json!({}))).await;
        assert_eq!(text(&third, "expiration"), "2027-09-21T14:13:20Z");
        assert_eq!(registered(&host, kind).len(), 3);
        sign_in(&host, &clock, &text(&third, "key")).await;
    })
}

fn an_import_needs_no_new_key(kind: &'static str) -> Result<(), Failed> {
    block(async move {
        let clock = clock();
        let host = host(Arc::clone(&clock)).await;
        made(&host, kind, &of(kind, &json!({ "ttl": "720h" }))).await;
        let imported = host.import(kind, "ci", None).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(imported.state.get("key").is_null() && imported.state.get("ttl").is_null());
        settled(&host, kind, &imported, &host.config(kind, &of(kind, &json!({}))), "import").await;
        // Nobody knows how long the key was to live, so the first lifetime is no other one.
        let json = of(kind, &json!({ "ttl": "48h" }));
        let owned = changed(&host, kind, &imported, &json).await;
        assert_eq!(registered(&host, kind).len(), 1);
        settled(&host, kind, &owned, &host.config(kind, &json), "the first lifetime").await;
        let renewed = changed(&host, kind, &owned, &of(kind, &json!({ "ttl": "72h" }))).await;
        assert_eq!(registered(&host, kind).len(), 2);
        assert_eq!(sign_in(&host, &clock, &text(&renewed, "key")).await, identity(kind));
        let again = changed(&host, kind, &imported, &of(kind, &json!({ "renew_trigger": "1" }))).await;
        assert_eq!(text(&again, "ttl"), "8760h", "a key that is made here has a lifetime");
    })
}

fn provider_and_account_go_together() -> Result<(), Failed> {
    block(async {
        let host = host(clock()).await;
        let made = made(&host, PROVIDER, &of(PROVIDER, &json!({}))).await;
        assert!(exists(&host, PROVIDER));
        host.destroy(PROVIDER, &made).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert!(!exists(&host, PROVIDER) && registered(&host, PROVIDER).is_empty());
        assert!(host.sim.store().list("InfraProviders.omni.sidero.dev").is_empty());
    })
}
