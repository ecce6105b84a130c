//! A resource type with two secrets, a document and a password, that can be given in a form that is never stored.
//! Its server keeps what it is given; what reached it shows as a length. A vault named `drifted` reads other secrets.

use super::*;
use crate::tf::described::Described;
use crate::tf::plan::check_schema;
use crate::tf::resource::{Context, Create, Delete, ImportBy, Outcome, Read, Resource, Update};
use crate::tf::schema::{Attribute, Schema, object, string};
use crate::tf::write_only::{self, Fingerprint, WriteOnly, write_only};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

const VAULT: &str = "test_vault";

const DOCUMENT: WriteOnly = write_only!("document", Fingerprint::Meaning(meaning));
const PASSWORD: WriteOnly = write_only!("password", Fingerprint::Salted).within("login");

/// Case means nothing.
fn meaning(text: &str) -> String {
    format!("#{}", text.to_lowercase().bytes().fold(7_u64, |sum, b| sum.wrapping_mul(31).wrapping_add(b.into())))
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let login = vec![string("user").doc("Who."), string("password").doc("What nobody shall know.")];
    Schema::new("A vault.")
        .with(string("name").required().doc("Its name, which says how it behaves."))
        .with(string("document").required().same_if(|a, b| a.eq_ignore_ascii_case(b)).doc("What nobody shall read."))
        .with(object("login", login).doc("How to get in."))
        .with(string("lengths").computed().doc("How long the secrets are that the server has."))
        .with_write_only(DOCUMENT)
        .with_write_only(PASSWORD)
});

struct Vault(Mutex<BTreeMap<String, Value>>);

pub(super) fn new() -> Arc<dyn Resource> {
    Arc::new(Vault(Mutex::default()))
}

/// What the server has, as the plain form shows it.
fn shown(mut full: Value) -> Value {
    let length = |w: &WriteOnly| w.get(&full, w.plain).as_str().unwrap_or_default().len();
    let lengths = format!("{} {}", length(&DOCUMENT), length(&PASSWORD));
    full.set("lengths", lengths.into());
    full
}

impl Vault {
    fn write(&self, planned: Value, config: &Value) -> Outcome {
        let planned = write_only::with_fingerprints(&SCHEMA, planned, config);
        let full = shown(write_only::with_secrets(&SCHEMA, &planned, config));
        self.0.lock().unwrap().insert(full.get("name").as_str().unwrap().to_owned(), full.clone());
        let mut state = full;
        write_only::redact(&SCHEMA, &planned, &mut state);
        Outcome { state: Some(state), ..Outcome::default() }
    }
}

#[async_trait]
impl Described for Vault {
    fn type_name(&self) -> &'static str {
        VAULT
    }

    fn schema(&self) -> &Schema {
        &SCHEMA
    }
}

#[async_trait]
impl Resource for Vault {
    async fn create(&self, _: &Context, request: Create) -> Outcome {
        self.write(request.planned, &request.config)
    }

    async fn update(&self, _: &Context, request: Update) -> Outcome {
        self.write(request.planned, &request.config)
    }

    async fn read(&self, _: &Context, request: Read) -> Outcome {
        let name = request.state.get("name").as_str().unwrap_or_default().to_owned();
        let mut state = self.0.lock().unwrap().get(&name).cloned().unwrap_or_else(|| request.state.clone());
        if name == "drifted" {
            state.set("document", "Of somebody else".into());
            let login = Value::object([("user", "u".into()), ("password", "of somebody else".into())]);
            state.set("login", login);
        }
        if name == "emptied" {
            state.set("document", Value::Null);
        }
        let mut state = shown(state);
        write_only::redact(&SCHEMA, &request.state, &mut state);
        Outcome { state: Some(state), ..Outcome::default() }
    }

    async fn delete(&self, _: &Context, _: Delete) -> Outcome {
        Outcome::default()
    }

    async fn import(&self, _: &Context, _: ImportBy) -> Outcome {
        Outcome::default()
    }
}

/// A configuration with everything null but these; those of the login under their own names.
fn config(attributes: &[(&str, &str)]) -> Value {
    let mut config = SCHEMA.null_object();
    let login = SCHEMA.attribute("login").unwrap().nested();
    let mut inner = Value::object(login.iter().map(|a| (a.name, Value::Null)));
    for (name, text) in attributes {
        let value = match *text {
            "?" => Value::UNKNOWN,
            number if name.ends_with("version") => Value::from(number.parse::<i64>().unwrap()),
            text => text.into(),
        };
        let holder = if login.iter().any(|a| a.name == *name) { &mut inner } else { &mut config };
        holder.set(name, value);
    }
    config.set("login", inner);
    config
}

/// What a host proposes.
fn propose(attributes: &[Attribute], prior: &Value, config: &Value) -> Value {
    let value = |a: &Attribute| match config.get(a.name) {
        Value::Null if a.computed_mode() => prior.get(a.name).clone(),
        given @ Value::Object(_) if !a.nested().is_empty() => propose(a.nested(), prior.get(a.name), given),
        given => given.clone(),
    };
    Value::object(attributes.iter().map(|a| (a.name, value(a))))
}

struct Host(ProviderClient<Channel>);

impl Host {
    async fn plan(&mut self, prior: &Value, config: &Value) -> Value {
        let of = SCHEMA.object_type();
        let request = pb::plan_resource_change::Request {
            type_name: VAULT.into(),
            prior_state: wired(prior, &of),
            proposed_new_state: wired(&propose(&SCHEMA.attributes, prior, config), &of),
            config: wired(config, &of),
            ..Default::default()
        };
        let answer = self.0.plan_resource_change(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), [""; 0]);
        read_back(answer.planned_state.as_ref(), &of)
    }

    async fn apply(&mut self, prior: &Value, config: &Value) -> Value {
        let of = SCHEMA.object_type();
        let planned = self.plan(prior, config).await;
        let request = pb::apply_resource_change::Request {
            type_name: VAULT.into(),
            prior_state: wired(prior, &of),
            planned_state: wired(&planned, &of),
            config: wired(config, &of),
            ..Default::default()
        };
        let answer = self.0.apply_resource_change(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), [""; 0]);
        let state = read_back(answer.new_state.as_ref(), &of);
        kept_promises(&planned, &state);
        state
    }

    async fn read(&mut self, state: &Value) -> Value {
        let of = SCHEMA.object_type();
        let request = pb::read_resource::Request {
            type_name: VAULT.into(),
            current_state: wired(state, &of),
            ..Default::default()
        };
        let answer = self.0.read_resource(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), [""; 0]);
        read_back(answer.new_state.as_ref(), &of)
    }
}

/// Hosts refuse a state that is not what was planned.
fn kept_promises(planned: &Value, state: &Value) {
    match planned {
        Value::Unknown(_) => {}
        Value::Object(all) => all.iter().for_each(|(name, value)| kept_promises(value, state.get(name))),
        other => assert_eq!(other, state),
    }
}

const SECRET: &[(&str, &str)] = &[("name", "a"), ("document_wo", "Deed"), ("password_wo", "hunter2"), ("user", "u")];

/// The configuration with other values here and there; no value takes an attribute out.
fn but(of: &[(&'static str, &'static str)], other: &[(&'static str, Option<&'static str>)]) -> Value {
    let mut all: BTreeMap<_, _> = of.iter().copied().collect();
    for (name, value) in other {
        match value {
            Some(value) => all.insert(name, value),
            None => all.remove(name),
        };
    }
    config(&all.into_iter().collect::<Vec<_>>())
}

fn prints(state: &Value) -> [&Value; 2] {
    [&DOCUMENT, &PASSWORD].map(|w| w.get(state, w.hash))
}

fn assert_no_secret(value: &Value) {
    let text = format!("{value:?}");
    assert!(!["Deed", "hunter2", "somebody"].iter().any(|secret| text.contains(secret)), "{text}");
}

#[test]
fn the_schema_has_all_forms() {
    assert_eq!(check_schema(&SCHEMA), [""; 0]);
    let login = SCHEMA.attribute("login").unwrap().nested();
    let names = |all: &[Attribute]| all.iter().map(|a| a.name).collect::<Vec<_>>();
    assert_eq!(names(login), ["user", "password", "password_wo", "password_wo_version", "password_hash"]);
    assert!(login[2].write_only && login[4].sensitive && !SCHEMA.attribute("document_hash").unwrap().sensitive);
    let broken = Schema::new("A thing.").with(string("b").computed().doc("B.")).with_write_only(DOCUMENT);
    assert_eq!(check_schema(&broken), ["`document` has a write-only form, so it must be an optional text"]);
}

#[tokio::test]
async fn secrets_reach_the_server_and_neither_plan_nor_state() {
    let mut host = Host(host().await);
    let config = config(SECRET);
    let plan = host.plan(&Value::Null, &config).await;
    assert_no_secret(&plan);
    assert_eq!(prints(&plan), [&Value::UNKNOWN; 2], "the apply may bring another secret");
    let state = host.apply(&Value::Null, &config).await;
    assert_no_secret(&state);
    assert_eq!(state.get("lengths"), &Value::from("4 7"));
    assert!(prints(&state)[1].as_str().unwrap().starts_with("pbkdf2-"));
    assert_eq!(host.read(&state).await, state);
    assert_eq!(host.plan(&state, &config).await, state, "the same secrets are no change");
}

#[tokio::test]
async fn each_secret_is_seen_to_change_by_itself() {
    let mut host = Host(host().await);
    let state = host.apply(&Value::Null, &config(SECRET)).await;
    let [document, password] = prints(&state).map(Clone::clone);
    for (change, expected) in [
        (("document_wo", Some("Other")), [&Value::UNKNOWN, &password]),
        (("document_wo", Some("DEED")), [&document, &password]),
        (("document_wo", Some("?")), [&Value::UNKNOWN, &password]),
        (("password_wo", Some("hunter3")), [&document, &Value::UNKNOWN]),
        (("password_wo", Some("?")), [&document, &Value::UNKNOWN]),
        (("password_wo", None), [&document, &Value::Null]),
        (("document_wo_version", Some("2")), [&document, &password]),
        (("password_wo_version", Some("2")), [&document, &password]),
    ] {
        let config = but(SECRET, &[change]);
        let plan = host.plan(&state, &config).await;
        assert_eq!(prints(&plan), expected, "{change:?}");
        assert_eq!(plan != state, change.1 != Some("DEED"), "{change:?}");
        assert_eq!(plan.get("lengths").is_unknown(), plan != state, "what is computed goes with it: {change:?}");
        if change.1 != Some("?") {
            let after = host.apply(&state, &config).await;
            assert_no_secret(&after);
            assert_eq!(host.plan(&after, &config).await, after, "{change:?}");
        }
    }
}

#[tokio::test]
async fn drift_is_seen_by_the_print_alone() {
    let mut host = Host(host().await);
    for (name, changed) in [("drifted", [true, true]), ("emptied", [true, false])] {
        let config = but(SECRET, &[("name", Some(name))]);
        let state = host.apply(&Value::Null, &config).await;
        let read = host.read(&state).await;
        assert_no_secret(&read);
        let differs = |a: &Value, b: &Value| [0, 1].map(|i| prints(a)[i] != prints(b)[i]);
        assert_eq!(differs(&read, &state), changed, "{name}");
        let plan = host.plan(&read, &config).await;
        assert_eq!(differs(&plan, &read), changed, "it is put right: {name}");
        // The form is remembered also of a secret that is gone.
        assert_no_secret(&host.read(&read).await);
    }
}

#[tokio::test]
async fn the_form_can_be_changed_both_ways() {
    let mut host = Host(host().await);
    let plain = &[("name", "a"), ("document", "Deed"), ("password", "hunter2"), ("user", "u")];
    let open = host.apply(&Value::Null, &config(plain)).await;
    assert_eq!(DOCUMENT.get(&open, "document"), &Value::from("Deed"));
    assert_eq!(host.plan(&open, &config(plain)).await, open);
    let hidden = host.apply(&open, &config(SECRET)).await;
    assert_no_secret(&hidden);
    assert_eq!(prints(&open), [&Value::Null; 2], "what the state shows needs no digest");
    assert!(prints(&hidden).iter().all(|print| !print.is_null()));
    assert_eq!(hidden.get("lengths"), open.get("lengths"));
    let again = host.apply(&hidden, &config(plain)).await;
    assert_eq!(again, open);
}

#[tokio::test]
async fn a_digest_beside_a_plain_string_is_no_change_and_goes_at_the_next_read() {
    let mut host = Host(host().await);
    let plain = config(&[("name", "a"), ("document", "Deed")]);
    let state = host.apply(&Value::Null, &plain).await;
    let mut old = state.clone();
    // Earlier versions stored it.
    old.set("document_hash", "digest".into());
    assert_eq!(host.plan(&old, &plain).await, old);
    assert_eq!(host.read(&old).await, state);
}

#[tokio::test]
async fn one_form_at_a_time_and_only_where_the_host_knows_it() {
    let mut host = host().await;
    let twice = "Only one of `login.password`, `login.password_wo` may be set.";
    let old = "Use Terraform or OpenTofu 1.11 or later, or set `login.password`, which the state keeps.";
    for (changes, allowed, expected) in [
        (&[][..], true, &[][..]),
        (&[("document_wo", None)], true, &["One of `document`, `document_wo` must be set."]),
        (&[("password", Some("p"))], true, &[twice]),
        (&[("password_wo", None)], true, &[]),
        (
            &[("password_wo", None), ("password_wo_version", Some("1"))],
            true,
            &["`login.password_wo_version` needs `login.password_wo` to be set."],
        ),
        (&[("document_wo", None), ("document", Some("d"))], false, &[old]),
    ] {
        let request = pb::validate_resource_config::Request {
            type_name: VAULT.into(),
            config: wired(&but(SECRET, changes), &SCHEMA.object_type()),
            client_capabilities: Some(pb::ClientCapabilities {
                write_only_attributes_allowed: allowed,
                ..Default::default()
            }),
        };
        let answer = host.validate_resource_config(request).await.unwrap().into_inner();
        let said: Vec<_> = answer.diagnostics.iter().map(|d| d.detail.as_str()).collect();
        assert_eq!(said.len(), expected.len(), "{changes:?}: {said:?}");
        said.iter().zip(expected).for_each(|(said, part)| assert!(said.contains(part), "{said}"));
    }
}
