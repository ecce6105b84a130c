//! Join tokens: who is warned of, who is the default, what a lost answer leaves, and that no message tells a token.

use crate::defects::made;
use crate::host::{Host, Instance, errors, warnings};
use crate::lifecycle::block;
use kit::clock::TestClock;
use libtest_mimic::{Failed, Trial};
use omni_proto::specs::{DefaultJoinTokenSpec, JoinTokenSpec, JoinTokenUsageSpec};
use omni_sim::{Options, Release, Role, accounts};
use prost::Message;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::tf::value::Value;
use terraform_provider_omni::tf::wire;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: &[(&str, Test)] = &[
        ("machines_that_would_be_cut_off_are_named", machines_that_would_be_cut_off_are_named),
        ("a_token_that_nobody_needs_warns_of_nothing", a_token_that_nobody_needs_warns_of_nothing),
        ("a_lifetime_counts_from_its_change", a_lifetime_counts_from_its_change),
        ("an_expiration_that_was_taken_away_comes_back", an_expiration_that_was_taken_away_comes_back),
        ("the_default_goes_back_to_who_had_it", the_default_goes_back_to_who_had_it),
        ("the_default_goes_back_past_one_that_is_gone", the_default_goes_back_past_one_that_is_gone),
        ("a_default_without_a_former_one_is_told", a_default_without_a_former_one_is_told),
        ("a_former_default_that_goes_too_is_told", a_former_default_that_goes_too_is_told),
        ("a_default_waits_for_its_successor", a_default_waits_for_its_successor),
        ("the_choice_stays_and_is_told", the_choice_stays_and_is_told),
        ("a_choice_is_destroyed_with_its_token", a_choice_is_destroyed_with_its_token),
        ("a_choice_that_changes_remembers_every_token", a_choice_that_changes_remembers_every_token),
        ("a_choice_of_a_token_that_is_replaced", a_choice_of_a_token_that_is_replaced),
        ("a_lost_answer_that_is_found_is_no_loss", a_lost_answer_that_is_found_is_no_loss),
        ("a_lost_answer_that_cannot_be_found_is_told", a_lost_answer_that_cannot_be_found_is_told),
        ("a_token_that_is_not_finished_is_kept", a_token_that_is_not_finished_is_kept),
        ("no_message_tells_a_token", no_message_tells_a_token),
        ("an_import_by_name_needs_one_of_the_name", an_import_by_name_needs_one_of_the_name),
        ("a_token_of_a_run_is_renewed_and_removed", a_token_of_a_run_is_renewed_and_removed),
        ("a_token_of_a_run_that_is_needed_stays", a_token_of_a_run_that_is_needed_stays),
        ("an_opening_that_fails_leaves_nothing", an_opening_that_fails_leaves_nothing),
        ("two_defaults_are_told_in_the_plan", two_defaults_are_told_in_the_plan),
        ("two_choices_of_new_tokens_are_not_called_equal", two_choices_of_new_tokens_are_not_called_equal),
        ("a_reader_sees_tokens_of_every_release", a_reader_sees_tokens_of_every_release),
        ("a_role_that_is_too_low_is_told_in_the_plan", a_role_that_is_too_low_is_told_in_the_plan),
    ];
    all.iter().map(|(name, test)| Trial::test(format!("join_tokens::{name}"), test)).collect()
}

const TOKEN: &str = "omni_join_token";
const CHOICE: &str = "omni_default_join_token";

fn edge() -> Json {
    json!({ "name": "edge" })
}

fn id(instance: &Instance) -> String {
    instance.state.get("id").as_str().expect("an ID").to_owned()
}

fn default(host: &Host) -> String {
    host.object("DefaultJoinTokens", "default").unwrap().spec::<DefaultJoinTokenSpec>().token_id
}

fn named(host: &Host, name: &str) -> usize {
    let tokens = host.sim.store().list("JoinTokens.omni.sidero.dev");
    tokens.iter().filter(|token| token.spec::<JoinTokenSpec>().name == name).count()
}

async fn change(host: &Host, prior: &Instance, config: &Json) -> Result<Instance, String> {
    let changed = host.apply(TOKEN, Some(prior), &host.config(TOKEN, config)).await;
    changed.map_err(|(diags, _)| errors(&diags).join("\n"))
}

async fn warned(host: &Host, prior: &Instance, config: &Json) -> Vec<String> {
    host.next_run().await;
    let plan = host.plan(TOKEN, Some(prior), &host.config(TOKEN, config)).await;
    plan.unwrap_or_else(|d| panic!("{config}: {:?}", errors(&d))).warnings
}

/// The machine joins with the token; it has not installed Talos, so its own token does not last.
fn joined(host: &Host, machine: &str, token: &str) {
    host.edit("JoinTokenUsages", machine, |usage| {
        usage.spec = JoinTokenUsageSpec { token_id: token.into() }.encode_to_vec();
    });
    host.sim.settle().unwrap();
}

async fn still() -> Host {
    let host = Host::with(Options::stepped(), &[]).await;
    host.sim.settle().unwrap();
    host
}

fn machines_that_would_be_cut_off_are_named() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let token = made(&host, TOKEN, &json!({ "name": "edge", "expiration_time": "2090-01-01T00:00:00Z" })).await;
        let machine = host.machines()[0].clone();
        joined(&host, &machine, &id(&token));
        let token = host.read(TOKEN, &token).await.unwrap().unwrap();
        assert_eq!(token.state.get("use_count"), &Value::from(1));
        for (set, summary) in [
            (json!({ "revoked": true }), "revoked: Revoking join token `edge` disconnects machines"),
            (json!({ "expiration_time": "2089-01-01T00:00:00Z" }), "from 2089-01-01T00:00:00Z on"),
            (json!({ "expiration_time": "2020-01-01T00:00:00Z" }), "cannot reconnect to Omni from now on"),
            (json!({ "expiration_time": null, "ttl": "1h" }), "ttl: An expiration of join token `edge`"),
        ] {
            let mut config = json!({ "name": "edge", "expiration_time": "2090-01-01T00:00:00Z" });
            config = crate::fixture::merged(&config, &set);
            let said = warned(&host, &token, &config).await;
            assert_eq!(said.len(), 1, "{set}: {said:#?}");
            assert!(said[0].contains(summary) && said[0].contains(&machine), "{set}: {said:#?}");
        }
        host.next_run().await;
        let said = host.plan_destroy(TOKEN, &token).await.unwrap();
        assert!(
            said[0].contains("Destroying join token `edge` disconnects") && said[0].contains(&machine),
            "{said:#?}"
        );
    })
}

fn a_token_that_nobody_needs_warns_of_nothing() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let token = made(&host, TOKEN, &edge()).await;
        for config in [
            json!({ "name": "edge", "revoked": true }),
            json!({ "name": "edge", "ttl": "1h" }),
            json!({ "name": "far edge" }),
        ] {
            assert_eq!(warned(&host, &token, &config).await, Vec::<String>::new(), "{config}");
        }
        host.next_run().await;
        assert_eq!(host.plan_destroy(TOKEN, &token).await.unwrap(), Vec::<String>::new());
        host.next_run().await;
        // A longer life cuts nobody off.
        let token = change(&host, &token, &json!({ "name": "edge", "ttl": "1h" })).await.unwrap();
        joined(&host, &host.machines()[0].clone(), &id(&token));
        assert_eq!(warned(&host, &token, &json!({ "name": "edge", "ttl": "2h" })).await, Vec::<String>::new());
        assert_eq!(warned(&host, &token, &edge()).await, Vec::<String>::new());
    })
}

/// A host whose clock stands at 2026-09-21T14:13:20Z.
async fn at_a_time() -> (Host, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(1_790_000_000));
    let host = Host::with(Options { clock: clock.clone(), ..Options::stepped() }, &[]).await;
    (host, clock)
}

fn a_lifetime_counts_from_its_change() -> Result<(), Failed> {
    block(async {
        let (host, clock) = at_a_time().await;
        let config = |ttl: &str| json!({ "name": "edge", "ttl": ttl });
        let token = made(&host, TOKEN, &config("1h")).await;
        let end = |token: &Instance| token.state.get("expiration_time").as_str().unwrap().to_owned();
        assert_eq!(end(&token), "2026-09-21T15:13:20Z");
        clock.advance(Duration::from_secs(60));
        let token = host.read(TOKEN, &token).await.unwrap().unwrap();
        // The same length is no change, however it is written.
        for ttl in ["1h", "60m"] {
            let plan = host.plan(TOKEN, Some(&token), &host.config(TOKEN, &config(ttl))).await.unwrap();
            assert_eq!(plan.planned, token.state, "{ttl}");
        }
        let token = change(&host, &token, &config("2h")).await.unwrap();
        assert_eq!(end(&token), "2026-09-21T16:14:20Z");
        clock.advance(Duration::from_secs(7200));
        let token = host.read(TOKEN, &token).await.unwrap().unwrap();
        assert_eq!(token.state.get("state"), &Value::from("expired"));
        let token = change(&host, &token, &edge()).await.unwrap();
        assert_eq!((token.state.get("expiration_time"), token.state.get("state")), (&Value::Null, &"active".into()));
    })
}

fn an_expiration_that_was_taken_away_comes_back() -> Result<(), Failed> {
    block(async {
        let (host, _) = at_a_time().await;
        let config = json!({ "name": "edge", "ttl": "1h" });
        let token = made(&host, TOKEN, &config).await;
        host.edit("JoinTokens", &id(&token), |stored| {
            stored.spec = JoinTokenSpec { name: "edge".into(), ..Default::default() }.encode_to_vec();
        });
        let read = host.read(TOKEN, &token).await.unwrap().unwrap();
        assert!(read.state.get("expiration_time").is_null());
        let token = change(&host, &read, &config).await.unwrap();
        assert_eq!(token.state.get("expiration_time"), &Value::from("2026-09-21T15:13:20Z"));
    })
}

fn the_default_goes_back_to_who_had_it() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let first = default(&host);
        let chosen = json!({ "name": "edge", "default": true });
        let token = made(&host, TOKEN, &chosen).await;
        assert_eq!(default(&host), id(&token));
        let said = warned(&host, &token, &json!({ "name": "edge", "default": false })).await;
        assert!(said[0].contains("default is restored to `initial token`"), "{said:#?}");
        let token = change(&host, &token, &json!({ "name": "edge", "default": false })).await.unwrap();
        assert_eq!((default(&host), token.state.get("default")), (first.clone(), &false.into()));
        let token = change(&host, &token, &chosen).await.unwrap();
        // Leaving it out leaves the choice alone, and the plan says so.
        let said = warned(&host, &token, &edge()).await;
        assert!(said.len() == 1 && said[0].contains("`default` is not configured any more, and stays"), "{said:#?}");
        host.destroy(TOKEN, &token).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!((default(&host), named(&host, "edge")), (first, 0));
    })
}

fn the_default_goes_back_past_one_that_is_gone() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let first = default(&host);
        let old = made(&host, TOKEN, &json!({ "name": "old", "default": true })).await;
        let new = made(&host, TOKEN, &json!({ "name": "new", "default": true })).await;
        host.destroy(TOKEN, &old).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(default(&host), id(&new));
        host.destroy(TOKEN, &new).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(default(&host), first);
    })
}

/// A token that somebody else made the default, so that nothing is known of a former one.
async fn chosen_by_others(host: &Host, limit: &str) -> Instance {
    let config = json!({ "name": "edge", "default": false, "timeouts": { "update": limit, "delete": limit } });
    let token = made(host, TOKEN, &config).await;
    host.edit("DefaultJoinTokens", "default", |choice| {
        choice.spec = DefaultJoinTokenSpec { token_id: id(&token) }.encode_to_vec();
    });
    host.read(TOKEN, &token).await.unwrap().unwrap()
}

fn a_default_without_a_former_one_is_told() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let token = chosen_by_others(&host, "1s").await;
        let said = host.plan_destroy(TOKEN, &token).await.unwrap();
        assert!(said[0].contains("Otherwise the apply fails"), "{said:#?}");
        let said = errors(&host.destroy(TOKEN, &token).await.expect_err("the default one")).join("\n");
        for part in ["default: Join token `edge` is still the default", "Omni refuses", "`removed` block"] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
        assert!(!said.contains(&id(&token)), "{said}");
        assert_eq!(named(&host, "edge"), 1);
        let config = json!({ "name": "edge", "default": false, "timeouts": { "update": "1s", "delete": "1s" } });
        let said = change(&host, &token, &config).await.expect_err("nobody else");
        assert!(said.contains("`default = false` cannot be applied"), "{said}");
    })
}

fn a_former_default_that_goes_too_is_told() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let old = chosen_by_others(&host, "1s").await;
        let new = made(&host, TOKEN, &json!({ "name": "new", "default": true })).await;
        // In whatever order the two are planned.
        host.next_run().await;
        let said = host.plan_destroy(TOKEN, &new).await.unwrap().join("\n");
        assert!(said.contains("The default is restored to `edge`"), "{said}");
        let said = host.plan_destroy(TOKEN, &old).await.unwrap().join("\n");
        assert!(said.contains("Join token `edge` would be the default again"), "{said}");
        host.next_run().await;
        assert_eq!(host.plan_destroy(TOKEN, &old).await.unwrap(), Vec::<String>::new());
        let said = host.plan_destroy(TOKEN, &new).await.unwrap().join("\n");
        assert!(said.contains("no other usable token is known") && said.contains("the apply fails"), "{said}");
        // The new one only gives up the place.
        host.next_run().await;
        let config = host.config(TOKEN, &json!({ "name": "new", "default": false }));
        host.plan(TOKEN, Some(&new), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let said = host.plan_destroy(TOKEN, &old).await.unwrap().join("\n");
        assert!(said.contains("Join token `edge` would be the default again"), "{said}");
        // With another one before them, nothing fails.
        let newest = made(&host, TOKEN, &json!({ "name": "newest", "default": true })).await;
        host.next_run().await;
        host.plan_destroy(TOKEN, &newest).await.unwrap();
        assert_eq!(host.plan_destroy(TOKEN, &new).await.unwrap(), Vec::<String>::new());
    })
}

fn a_default_waits_for_its_successor() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let first = default(&host);
        let token = chosen_by_others(&host, "1m").await;
        host.sim.forget_requests();
        let chosen = async {
            // It waits once it watches.
            while !host.sim.requests().iter().any(|request| request.name() == "Watch") {
                tokio::task::yield_now().await;
            }
            host.edit("DefaultJoinTokens", "default", |choice| {
                choice.spec = DefaultJoinTokenSpec { token_id: first.clone() }.encode_to_vec();
            });
            host.sim.settle().unwrap();
            while named(&host, "edge") > 0 {
                host.sim.step();
                tokio::task::yield_now().await;
            }
        };
        let (destroyed, ()) = tokio::join!(host.destroy(TOKEN, &token), chosen);
        destroyed.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
    })
}

fn the_choice_stays_and_is_told() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let token = made(&host, TOKEN, &json!({ "name": "edge", "revoked": true })).await;
        let config = host.config(CHOICE, &json!({ "token_id": id(&token) }));
        let plan = host.plan(CHOICE, None, &config).await.unwrap();
        assert!(plan.warnings[0].contains("The default join token `edge` is revoked"), "{:#?}", plan.warnings);
        let choice = host.apply_plan(CHOICE, None, &config, plan).await;
        let choice = choice.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        let said = host.plan_destroy(CHOICE, &choice).await.unwrap();
        assert!(said[0].contains("This alone does not change the default join token"), "{said:#?}");
        host.destroy(CHOICE, &choice).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!(default(&host), id(&token));
        let stored = host.object("DefaultJoinTokens", "default").unwrap();
        assert!(!stored.annotations.contains_key("omni.sidero.dev/managed-by-gitops-tools"), "{stored:?}");
    })
}

fn a_choice_is_destroyed_with_its_token() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let first = default(&host);
        let token = made(&host, TOKEN, &edge()).await;
        let choice = made(&host, CHOICE, &json!({ "token_id": id(&token) })).await;
        assert_eq!(default(&host), id(&token));
        // As a destroy of both: what refers to the token goes first.
        host.next_run().await;
        let token = host.read(TOKEN, &token).await.unwrap().unwrap();
        let said = host.plan_destroy(CHOICE, &choice).await.unwrap().join("\n");
        assert!(said.contains("its plan says which token becomes the default") && !said.contains("refuses"), "{said}");
        let said = host.plan_destroy(TOKEN, &token).await.unwrap().join("\n");
        assert!(said.contains("The default is restored to `initial token`"), "{said}");
        let said = host.plan_destroy(CHOICE, &choice).await.unwrap();
        assert!(said.is_empty(), "the plan of the token has said it: {said:?}");
        host.destroy(CHOICE, &choice).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        host.destroy(TOKEN, &token).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        assert_eq!((default(&host), named(&host, "edge")), (first, 0));
    })
}

fn a_choice_that_changes_remembers_every_token() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let first = default(&host);
        let old = made(&host, TOKEN, &json!({ "name": "old" })).await;
        let new = made(&host, TOKEN, &json!({ "name": "new" })).await;
        let choice = made(&host, CHOICE, &json!({ "token_id": id(&old) })).await;
        let config = host.config(CHOICE, &json!({ "token_id": id(&new) }));
        let choice = host.apply(CHOICE, Some(&choice), &config).await;
        let choice = choice.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
        host.destroy(CHOICE, &choice).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        for (token, left) in [(&new, id(&old)), (&old, first)] {
            host.destroy(TOKEN, token).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            assert_eq!(default(&host), left);
        }
    })
}

/// A token makes way for another one: the default goes back to the former one, and then to the new one, in one apply.
fn a_choice_of_a_token_that_is_replaced() -> Result<(), Failed> {
    block(async {
        for another_client in [false, true] {
            let host = still().await;
            let first = default(&host);
            let old = made(&host, TOKEN, &edge()).await;
            let choice = made(&host, CHOICE, &json!({ "token_id": id(&old) })).await;
            let third = made(&host, TOKEN, &json!({ "name": "third" })).await;
            host.next_run().await;
            let old = host.read(TOKEN, &old).await.unwrap().unwrap();
            let choice = host.read(CHOICE, &choice).await.unwrap().unwrap();
            // As an apply does it: what was there goes first.
            host.next_run().await;
            host.destroy(TOKEN, &old).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            assert_eq!(default(&host), first);
            if another_client {
                host.edit("DefaultJoinTokens", "default", |stored| {
                    stored.spec = DefaultJoinTokenSpec { token_id: id(&third) }.encode_to_vec();
                });
            }
            let new = host.apply(TOKEN, None, &host.config(TOKEN, &edge())).await;
            let new = new.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
            let config = host.config(CHOICE, &json!({ "token_id": id(&new) }));
            let changed = host.apply(CHOICE, Some(&choice), &config).await;
            if another_client {
                let said = errors(&changed.expect_err("somebody else has chosen").0).join("\n");
                assert!(said.contains("Another client changed"), "{said}");
                assert_eq!(default(&host), id(&third));
                continue;
            }
            let changed = changed.unwrap_or_else(|(d, _)| panic!("{:?}", errors(&d)));
            assert_eq!(default(&host), id(&new));
            host.next_run().await;
            let plan = host.plan(CHOICE, Some(&changed), &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            assert_eq!(plan.planned, changed.state);
        }
    })
}

/// A provider that repeats without long waits.
async fn hasty() -> Host {
    let retry = Value::object([
        ("max_attempts", Value::from(3)),
        ("base_delay", "10ms".into()),
        ("max_delay", "20ms".into()),
        ("jitter", Value::Null),
    ]);
    let limits = Value::object(["create", "read", "update", "delete"].map(|name| (name, "20s".into())));
    let settings = [("retry", retry), ("request_timeout", "2s".into()), ("default_timeouts", limits)];
    let host = Host::with(Options::stepped(), &settings).await;
    host.sim.settle().unwrap();
    host
}

fn strike(host: &Host, fault: &str) {
    host.sim.faults().add(fault.parse().unwrap());
}

fn a_lost_answer_that_is_found_is_no_loss() -> Result<(), Failed> {
    block(async {
        let host = hasty().await;
        let before = host.join_tokens().len();
        for (number, way) in
            ["lose", "cut", "fail Unavailable", "refuse Unavailable", "fail DeadlineExceeded"].into_iter().enumerate()
        {
            strike(&host, &format!("CreateJoinToken {way}"));
            let config = host.config(TOKEN, &json!({ "name": format!("edge {number}"), "labels": { "a": "b" } }));
            let token = host.apply(TOKEN, None, &config).await;
            token.unwrap_or_else(|(d, _)| panic!("{way}: {:?}", errors(&d)));
            assert_eq!((named(&host, &format!("edge {number}")), host.sim.faults().left()), (1, 0), "{way}");
            assert_eq!(host.join_tokens().len(), before + number + 1, "{way}: one token is made");
        }
    })
}

fn a_lost_answer_that_cannot_be_found_is_told() -> Result<(), Failed> {
    block(async {
        let host = hasty().await;
        let before = host.join_tokens();
        strike(&host, "CreateJoinToken lose");
        strike(&host, "Watch of JoinTokens refuse Internal always: the disk is full");
        let (diags, kept) =
            host.apply(TOKEN, None, &host.config(TOKEN, &edge())).await.expect_err("nobody knows the token");
        assert!(kept.is_none(), "there is nothing to keep: {kept:?}");
        let said = errors(&diags).join("\n");
        let left = host.join_tokens().into_iter().find(|id| !before.contains(id)).unwrap();
        let JoinTokenSpec { name, expiration_time, .. } = host.object("JoinTokens", &left).unwrap().spec();
        assert!(expiration_time.is_some(), "what nobody knows ends by itself");
        assert!(said.contains(&format!("with the temporary name `{name}`")), "{said}");
        assert!(name.starts_with("tf-") && !said.contains(&left), "{said}");
    })
}

fn a_token_that_is_not_finished_is_kept() -> Result<(), Failed> {
    block(async {
        let host = hasty().await;
        let before = host.join_tokens();
        strike(&host, "Update of JoinTokens refuse Internal always: the disk is full");
        let config = host.config(TOKEN, &edge());
        let (diags, kept) = host.apply(TOKEN, None, &config).await.expect_err("cannot be finished");
        let said = errors(&diags).join("\n");
        assert!(said.contains("Join token `edge` is created, but not as configured"), "{said}");
        let kept = kept.expect("the token is there, and so in the state");
        let left = host.join_tokens().into_iter().find(|id| !before.contains(id)).unwrap();
        assert_eq!(id(&kept), left);
        host.sim.faults().clear();
        let read = host.read(TOKEN, &kept).await.unwrap().unwrap();
        let token = change(&host, &read, &edge()).await.unwrap();
        assert_eq!((id(&token), named(&host, "edge")), (left, 1));
    })
}

fn no_message_tells_a_token() -> Result<(), Failed> {
    block(async {
        let host = hasty().await;
        let token = made(&host, TOKEN, &edge()).await;
        let secret = id(&token);
        let mut said = Vec::new();
        for (fault, doing) in [
            ("Get of JoinTokens", "read"),
            ("Get of JoinTokenStatuses", "read"),
            ("Update of JoinTokens", "change"),
            ("Update of DefaultJoinTokens", "choose"),
            ("Teardown of JoinTokens", "destroy"),
        ] {
            for way in ["Internal", "PermissionDenied", "FailedPrecondition", "InvalidArgument"] {
                // In these words the server names a token.
                let words = match doing {
                    "choose" => format!("no token with id \"{secret}\" exists"),
                    _ => format!("resource JoinTokens.omni.sidero.dev(default/{secret}@1) is not as it should be"),
                };
                strike(&host, &format!("{fault} refuse {way} times 9: {words}"));
                let diags = match doing {
                    "read" => host.read(TOKEN, &token).await.err(),
                    "destroy" => host.destroy(TOKEN, &token).await.err(),
                    "change" => change(&host, &token, &json!({ "name": "x" })).await.err().map(|text| {
                        said.push(text);
                        Vec::new()
                    }),
                    _ => {
                        let config = host.config(CHOICE, &json!({ "token_id": secret }));
                        host.apply(CHOICE, None, &config).await.err().map(|(diags, _)| diags)
                    }
                };
                host.sim.faults().clear();
                said.extend(diags.iter().flat_map(|diags| errors(diags)));
            }
        }
        assert!(said.len() > 15, "{said:#?}");
        let telling: Vec<_> = said.iter().filter(|text| text.contains(&secret)).collect();
        assert_eq!(telling, Vec::<&String>::new());
        // Somebody else is faster: what changed is told, and the token is not.
        let config = host.config(TOKEN, &json!({ "name": "mine" }));
        let plan = host.plan(TOKEN, Some(&token), &config).await.unwrap();
        host.edit("JoinTokens", &secret, |stored| {
            stored.spec = JoinTokenSpec { name: "theirs".into(), ..Default::default() }.encode_to_vec();
        });
        let (diags, _) = host.apply_plan(TOKEN, Some(&token), &config, plan).await.expect_err("out of date");
        let said = errors(&diags).join("\n");
        assert!(said.contains("\"theirs\"") && !said.contains(&secret), "{said}");
    })
}

fn an_import_by_name_needs_one_of_the_name() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let token = made(&host, TOKEN, &edge()).await;
        assert_eq!(id(&host.import(TOKEN, "edge", None).await.unwrap()), id(&token));
        assert_eq!(id(&host.import(TOKEN, &id(&token), None).await.unwrap()), id(&token));
        let said = errors(&host.import(TOKEN, "a-token-that-is-gone", None).await.expect_err("none")).join("\n");
        assert!(said.contains("no join token with this name or ID") && !said.contains("that-is-gone"), "{said}");
        made(&host, TOKEN, &edge()).await;
        let said = errors(&host.import(TOKEN, "edge", None).await.expect_err("two")).join("\n");
        assert!(said.contains("2 join tokens with the name `edge`") && said.contains("by its ID"), "{said}");
        assert!(!said.contains("set `id`"), "{said}");
    })
}

fn for_a_run(host: &Host) -> Value {
    let of = host.ephemeral_schema(TOKEN).object_type();
    wire::from_json(&json!({ "ttl": "1h", "name": "run" }), &of).unwrap()
}

fn a_token_of_a_run_is_renewed_and_removed() -> Result<(), Failed> {
    block(async {
        let (host, clock) = at_a_time().await;
        host.sim.settle().unwrap();
        let open = host.open(TOKEN, &for_a_run(&host)).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let token = open.value.get("id").as_str().unwrap().to_owned();
        let end =
            || host.object("JoinTokens", &token).unwrap().spec::<JoinTokenSpec>().expiration_time.unwrap().seconds;
        assert_eq!((end(), named(&host, "run")), (1_790_003_600, 1));
        assert_eq!(open.renew_at.map(|at| at.seconds), Some(1_790_001_800));
        clock.advance(Duration::from_secs(1800));
        assert_eq!(errors(&host.renew(TOKEN, &open).await.0), Vec::<String>::new());
        assert_eq!(end(), 1_790_005_400);
        host.sim.settle().unwrap();
        let working = async {
            while host.object("JoinTokens", &token).is_some() {
                host.sim.step();
                tokio::task::yield_now().await;
            }
        };
        let (closed, ()) = tokio::join!(host.close(TOKEN, &open), working);
        assert_eq!((closed.len(), named(&host, "run")), (0, 0), "{closed:?}");
        // Closing twice is no harm, and renewing what is gone is told.
        assert_eq!(host.close(TOKEN, &open).await.len(), 0);
        let said = errors(&host.renew(TOKEN, &open).await.0).join("\n");
        assert!(said.contains("Could not renew join token `run`") && !said.contains(&token), "{said}");
    })
}

fn a_token_of_a_run_that_is_needed_stays() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let open = host.open(TOKEN, &for_a_run(&host)).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let token = open.value.get("id").as_str().unwrap().to_owned();
        host.sim.settle().unwrap();
        let machine = host.machines()[0].clone();
        joined(&host, &machine, &token);
        let closed = host.close(TOKEN, &open).await;
        assert_eq!(errors(&closed), Vec::<String>::new());
        let said = warnings(&closed).join("\n");
        assert!(said.contains("is not removed yet") && said.contains(&machine) && !said.contains(&token), "{said}");
        assert_eq!(named(&host, "run"), 1);
    })
}

fn an_opening_that_fails_leaves_nothing() -> Result<(), Failed> {
    block(async {
        let host = hasty().await;
        let before = host.join_tokens();
        strike(&host, "Update of JoinTokens refuse Internal always: the disk is full");
        let working = async {
            loop {
                host.sim.step();
                tokio::task::yield_now().await;
            }
        };
        let config = for_a_run(&host);
        let opened = tokio::select! {
            opened = host.open(TOKEN, &config) => opened,
            () = working => unreachable!("Omni works on"),
        };
        let said = errors(&opened.map(|open| open.value).expect_err("refused")).join("\n");
        assert!(said.contains("The disk is full"), "{said}");
        assert_eq!(host.join_tokens(), before);
    })
}

/// The provider works as a user of this role from now on.
async fn work_as(host: &Host, role: Role) {
    accounts::add_person(host.sim.store(), "someone@example.org", role);
    host.work_as("someone@example.org").await;
}

fn a_reader_sees_tokens_of_every_release() -> Result<(), Failed> {
    block(async {
        for release in [Release::V1_6, Release::V1_7, Release::V1_8, Release::NEWEST] {
            let host = Host::with(Options { release, ..Options::stepped() }, &[]).await;
            let token = made(&host, TOKEN, &json!({ "name": "edge", "ttl": "1h", "labels": { "site": "a" } })).await;
            host.sim.settle().unwrap();
            work_as(&host, Role::Reader).await;
            let look = async |source: &str, config: &Json| {
                host.look(source, config).await.unwrap_or_else(|d| panic!("{release}: {config}: {:?}", errors(&d)))
            };
            let edge = look(TOKEN, &json!({ "name": "edge" })).await;
            assert_eq!(edge.get("id"), token.state.get("id"), "{release}");
            assert_eq!(edge.get("expiration_time"), token.state.get("expiration_time"), "{release}");
            assert_eq!(
                edge.get("labels").is_null(),
                release < Release::V1_8,
                "{release}: labels are not in the status"
            );
            assert_eq!(look(TOKEN, &json!({ "id": id(&token) })).await.get("name"), &Value::from("edge"), "{release}");
            assert_eq!(look(TOKEN, &json!({})).await.get("name"), &Value::from("initial token"), "{release}");
            let all = look("omni_join_tokens", &json!({ "state": "active", "default": false })).await;
            assert_eq!(all.get("join_tokens").elements().len(), 1, "{release}");

            let labelled = host.look("omni_join_tokens", &json!({ "label_selector": "site = a" })).await;
            assert_eq!(labelled.is_err(), release < Release::V1_8, "{release}: what cannot be chosen is no empty list");
            let of = host.ephemeral_schema(TOKEN).object_type();
            for config in [json!({}), json!({ "name": "edge" })] {
                let config = wire::from_json(&config, &of).unwrap();
                host.open(TOKEN, &config).await.unwrap_or_else(|d| panic!("{release}: {:?}", errors(&d)));
            }
        }
    })
}

fn a_role_that_is_too_low_is_told_in_the_plan() -> Result<(), Failed> {
    block(async {
        for (release, role, told) in [
            (Release::V1_8, Role::Reader, "has the role `Reader`, and this requires the role `Operator`."),
            (Release::V1_8, Role::Operator, ""),
            (
                Release::V1_7,
                Role::Operator,
                "requires the role `Admin` before Omni 1.8; the server says that it is 1.7.0.",
            ),
            (Release::V1_7, Role::Admin, ""),
        ] {
            let host = Host::with(Options { release, ..Options::stepped() }, &[]).await;
            let token = made(&host, TOKEN, &edge()).await;
            host.sim.settle().unwrap();
            work_as(&host, role).await;
            let choice = host.config(CHOICE, &json!({ "token_id": id(&token) }));
            let planned = host.plan(CHOICE, None, &choice).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
            let renamed = warned(&host, &token, &json!({ "name": "other" })).await;
            host.next_run().await;
            let destroyed = host.plan_destroy(TOKEN, &token).await.unwrap();
            for said in [renamed, destroyed, planned.warnings] {
                let said = said.join("\n");
                assert_eq!(said.is_empty(), told.is_empty(), "{release} {role:?}: {said}");
                assert!(said.contains(told) && !said.contains(&id(&token)), "{release} {role:?}: {said}");
            }
            // To make one takes an administrator, in every release.
            let made = host.plan(TOKEN, None, &host.config(TOKEN, &edge())).await.unwrap().warnings.join("\n");
            assert_eq!(
                made.contains("this requires the role `Admin`."),
                role != Role::Admin,
                "{release} {role:?}: {made}"
            );
        }
    })
}

fn two_choices_of_new_tokens_are_not_called_equal() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let mut config = host.config(CHOICE, &json!({ "token_id": "x" }));
        config.set("token_id", Value::UNKNOWN);
        host.next_run().await;
        host.plan(CHOICE, None, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let said = errors(&host.plan(CHOICE, None, &config).await.expect_err("twice"));
        assert!(said.len() == 1 && said[0].contains("may differ in arguments that are known only"), "{said:?}");
    })
}

fn two_defaults_are_told_in_the_plan() -> Result<(), Failed> {
    block(async {
        let host = still().await;
        let default = |name: &str| json!({ "name": name, "default": true });
        let plan = async |kind: &str, prior: Option<&Instance>, config: &Json| {
            let planned = host.plan(kind, prior, &host.config(kind, config)).await;
            planned.unwrap_or_else(|d| panic!("{kind}: {config}: {:?}", errors(&d))).warnings.join("\n")
        };
        let told = |said: &str, other: &str| {
            said.contains("default: Two default join tokens are planned") && said.contains(other)
        };
        // Both are new.
        host.next_run().await;
        assert!(!plan(TOKEN, None, &default("one")).await.contains("Two default"));
        let said = plan(TOKEN, None, &default("two")).await;
        assert!(told(&said, "the `omni_join_token` named `one`") && said.contains("named `two`"), "{said}");
        // Both are there, and one of them has the place: its plan changes nothing.
        host.next_run().await;
        let one = made(&host, TOKEN, &default("one")).await;
        let two = made(&host, TOKEN, &json!({ "name": "two" })).await;
        host.sim.settle().unwrap();
        for order in [[(&one, "one"), (&two, "two")], [(&two, "two"), (&one, "one")]] {
            host.next_run().await;
            let [(first, first_name), (second, second_name)] = order;
            assert!(!plan(TOKEN, Some(first), &default(first_name)).await.contains("Two default"));
            let said = plan(TOKEN, Some(second), &default(second_name)).await;
            assert!(told(&said, &format!("named `{first_name}`")), "{said}");
            assert!(!said.contains(&id(&one)) && !said.contains(&id(&two)), "{said}");
        }
        // A choice beside it, of the same token or of another one.
        for (token, same) in [(&one, true), (&two, false)] {
            host.next_run().await;
            plan(TOKEN, Some(&one), &default("one")).await;
            let said = plan(CHOICE, None, &json!({ "token_id": id(token) })).await;
            assert_eq!(said.contains("token_id: Two default join tokens are planned"), !same, "{said}");
            assert!(!said.contains(&id(token)), "{said}");
        }
        // One alone, and one that is no longer the default, are fine; so is a new process.
        host.next_run().await;
        plan(TOKEN, Some(&one), &default("one")).await;
        assert!(!plan(TOKEN, Some(&two), &json!({ "name": "two" })).await.contains("Two default"));
    })
}
