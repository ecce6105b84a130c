//! What a plan shows: what the user changed, and nothing else; and what becomes of lines that are taken out.

use crate::fixture::{self, Fixture, merged};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, prepare, settled};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::plan::means_same;
use terraform_provider_omni::tf::schema::{Mode, Recompute, Schema};
use terraform_provider_omni::tf::value::Value;

pub fn trials() -> Vec<Trial> {
    let provider = provider::new();
    let names = provider.resources().iter().map(|r| r.type_name());
    names
        .flat_map(|name| {
            [
                Trial::test(format!("plans::{name}::a_create_leaves_nothing_open_without_need"), move || creates(name)),
                Trial::test(format!("plans::{name}::an_update_shows_what_changed"), move || updates(name)),
                Trial::test(format!("plans::{name}::what_is_taken_out_goes_or_is_told"), move || takes_out(name)),
            ]
        })
        .collect()
}

/// Omni alone knows these of a new object; the hash of a short secret is salted only when it is written.
const OMNIS_CHOICE: &[(&str, &str)] = &[
    ("omni_service_account", "role"),
    ("omni_join_token", "default"),
    ("omni_infra_machine_bmc_config", "ipmi"),
    ("omni_machine", "hostname"),
];

/// What the resource itself plans anew together with another attribute.
const TOGETHER: &[(&str, &str, &[&str])] = &[
    ("omni_join_token", "ttl", &["expiration_time", "state", "warnings"]),
    ("omni_join_token", "expiration_time", &["state", "warnings"]),
    ("omni_service_account", "ttl", KEY),
    ("omni_service_account", "renew_trigger", KEY),
    ("omni_service_account", "armored_public_key", KEY),
    ("omni_service_account", "store_key", KEY),
    ("omni_resource", "spec_wo", &["spec_wo_hash"]),
    ("omni_infra_provider", "ttl", KEY),
    ("omni_infra_provider", "renew_trigger", KEY),
    ("omni_infra_provider", "store_key", KEY),
];
const KEY: &[&str] = &["public_key_id", "public_key_ids", "expiration", "key"];

async fn start(name: &str) -> (Host, Fixture) {
    let host = Host::start(&[]).await;
    let needs = fixture::on(&host, name).needs;
    prepare(&host, &needs).await;
    let fixture = fixture::on(&host, name);
    (host, fixture)
}

async fn applied(host: &Host, name: &str, prior: Option<&Instance>, config: &Json) -> Instance {
    let value = host.config(name, config);
    let applied = host.apply(name, prior, &value).await;
    let applied = applied.unwrap_or_else(|(d, _)| panic!("{name}: {config}: {:?}", errors(&d)));
    settled(host, name, &applied, &value, &config.to_string()).await
}

fn creates(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let (host, fixture) = start(name).await;
        let schema = host.schema(name);
        // As little as possible is configured.
        let required: BTreeSet<_> =
            schema.attributes.iter().filter(|a| a.mode == Mode::Required).map(|a| a.name).collect();
        let mut config = fixture.create.clone();
        config.as_object_mut().unwrap().retain(|key, _| required.contains(key.as_str()));
        for config in [config, fixture.create.clone()] {
            let config = host.config(name, &config);
            if !errors(&host.validate(name, &config).await).is_empty() {
                continue;
            }
            host.next_run().await;
            let plan = host.plan(name, None, &config).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
            for attribute in schema.attributes.iter().filter(|a| a.configurable()) {
                let open = !plan.planned.get(attribute.name).is_wholly_known();
                let omnis = OMNIS_CHOICE.contains(&(name, attribute.name))
                    || (attribute.name == "expiration_time" && !config.get("ttl").is_null());
                assert!(!open || omnis, "{name}: `{}` is known after apply only", attribute.name);
            }
        }
    })
}

/// The attributes of which a plan says something else than the state does.
fn shown(prior: &Value, planned: &Value) -> BTreeSet<String> {
    let entries = planned.entries().unwrap().iter();
    entries.filter(|(name, value)| prior.get(name) != *value).map(|(name, _)| name.clone()).collect()
}

/// What may change when these attributes do.
fn concerned(name: &str, schema: &Schema, changed: &Json) -> BTreeSet<String> {
    let changed: BTreeSet<&str> = changed.as_object().unwrap().keys().map(String::as_str).collect();
    let mut all: BTreeSet<String> = changed.iter().map(|name| (*name).to_owned()).collect();
    for attribute in &schema.attributes {
        if let Recompute::With(names) = attribute.recompute
            && names.iter().any(|name| changed.contains(name))
        {
            all.insert(attribute.name.to_owned());
        }
    }
    for secret in &schema.write_only {
        if [secret.plain, secret.secret].iter().any(|form| changed.contains(form)) {
            all.extend([secret.plain, secret.hash].map(str::to_owned));
        }
    }
    for (_, _, names) in TOGETHER.iter().filter(|(of, with, _)| *of == name && changed.contains(with)) {
        all.extend(names.iter().map(|name| (*name).to_owned()));
    }
    all
}

fn updates(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let (host, fixture) = start(name).await;
        let schema = host.schema(name);
        let mut json = fixture.create.clone();
        let mut instance = applied(&host, name, None, &json).await;
        let label = json!({ "labels": { "plans": "1" } });
        let labels = schema.attribute("labels").filter(|labels| labels.configurable()).map(|_| label);
        for patch in fixture.updates.iter().chain(&labels) {
            json = merged(&json, patch);
            let config = host.config(name, &json);
            host.next_run().await;
            let plan = host.plan(name, Some(&instance), &config).await;
            let plan = plan.unwrap_or_else(|d| panic!("{name}: {patch}: {:?}", errors(&d)));
            let shown = shown(&instance.state, &plan.planned);
            let allowed = concerned(name, &schema, patch);
            let more: Vec<_> = shown.difference(&allowed).collect();
            assert!(more.is_empty(), "{name}: {patch} shows {more:?} too: {:?}", plan.planned);
            let after = host.apply_plan(name, Some(&instance), &config, plan).await;
            let after = after.unwrap_or_else(|(d, _)| panic!("{name}: {patch}: {:?}", errors(&d)));
            instance = settled(&host, name, &after, &config, &patch.to_string()).await;
        }
    })
}

fn takes_out(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let (_, Fixture { updates, .. }) = start(name).await;
        for (i, patch) in updates.iter().enumerate() {
            for attribute in patch.as_object().unwrap().keys() {
                if !patch[attribute].is_null() {
                    take_out(name, i, attribute).await;
                }
            }
        }
    })
}

/// Sets one attribute as an update of the fixture does, and takes it out again.
async fn take_out(name: &'static str, update: usize, attribute: &str) {
    let (host, Fixture { create, updates, .. }) = start(name).await;
    let schema = host.schema(name);
    let row = schema.attribute(attribute).expect("an attribute");
    if row.mode == Mode::Required {
        return;
    }
    let mut bare = create.clone();
    bare.as_object_mut().unwrap().remove(attribute);
    let set = merged(&bare, &updates[update]);
    let mut out = set.clone();
    out.as_object_mut().unwrap().remove(attribute);
    for config in [&set, &out] {
        if !errors(&host.validate(name, &host.config(name, config)).await).is_empty() {
            return;
        }
    }
    let never = applied(&host, name, None, &out).await;
    let made = applied(&host, name, Some(&never), &set).await;
    let config = host.config(name, &out);
    let plan = host.plan(name, Some(&made), &config).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
    let told = plan.warnings.iter().any(|line| line.contains(&format!("`{attribute}")) && line.contains("stays"));
    let (before, planned) = (made.state.get(attribute).clone(), plan.planned.get(attribute).clone());
    let began = never.state.get(attribute);
    assert!(
        told || means_same(&before, began) || planned != before,
        "{name}: `{attribute}` = {before:?} stays without a word when it is taken out; it began as {began:?}"
    );
    if !told && row.computed_mode() && planned.is_wholly_known() {
        assert!(means_same(&planned, began), "{name}: `{attribute}` goes to {planned:?}, and began as {began:?}");
    }
    let after = host.apply_plan(name, Some(&made), &config, plan).await;
    let after = after.unwrap_or_else(|(d, _)| panic!("{name}: {:?}", errors(&d)));
    settled(&host, name, &after, &config, "taking it out").await;
}
