//! What is configured and means nothing: null in a map, an object in which nothing is set, an empty map.
//! A host wants back exactly what was configured, and marks a new object for replacement when something is missing.

use crate::fixture::{self, Fixture};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, prepare, settled, without};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::plan::means_same;
use terraform_provider_omni::tf::schema::{Attribute, Kind, Mode, Nesting, Replace, Schema};
use terraform_provider_omni::tf::value::{Type, Value};

pub fn trials() -> Vec<Trial> {
    let provider = provider::new();
    let mut trials = Vec::new();
    for resource in provider.resources() {
        let (name, schema) = (resource.type_name(), resource.schema());
        for (attribute, what) in places(schema, &fixture::load(name).create) {
            let title = format!("absent::{name}::{attribute} = {what}");
            trials.push(Trial::test(title, move || stays_as_configured(name, attribute, &what)));
        }
    }
    for source in provider.data_sources() {
        let (name, schema) = (source.type_name(), source.schema());
        for (attribute, what) in places(schema, &json!({})) {
            let title = format!("absent::{name}::{attribute} = {what}");
            trials.push(Trial::test(title, move || is_read_as_configured(name, attribute, &what)));
        }
    }
    trials.push(Trial::test("absent::provider", in_the_provider_block));
    trials
}

/// The attributes in which nothing can be said at length, and how; `base` is what is configured otherwise.
fn places(schema: &Schema, base: &Json) -> Vec<(&'static str, Json)> {
    let mut found = Vec::new();
    for attribute in schema.attributes.iter().filter(|a| a.configurable() && !a.write_only) {
        match &attribute.kind {
            Kind::Plain(Type::Map(_)) => {
                found.push((attribute.name, json!({ "absent": null })));
                found.push((attribute.name, json!({})));
                if let Some(Json::Object(members)) = base.get(attribute.name) {
                    let mut more = members.clone();
                    more.insert("absent".into(), Json::Null);
                    found.push((attribute.name, Json::Object(more)));
                }
            }
            // What refers to them stays right: there is one more, which is null.
            Kind::Nested(Nesting::Map, _) if base[attribute.name].is_object() => {
                let mut more = base[attribute.name].clone();
                more["absent"] = Json::Null;
                found.push((attribute.name, more));
            }
            Kind::Nested(Nesting::List, _) if attribute.mode != Mode::Required => {
                let mut more = base[attribute.name].as_array().cloned().unwrap_or_default();
                more.push(Json::Null);
                found.push((attribute.name, Json::Array(more)));
            }
            Kind::Nested(Nesting::Single, nested) if !has_required(nested) => {
                found.push((attribute.name, json!({})));
                for inner in nested.iter().filter(|a| matches!(a.kind, Kind::Nested(Nesting::Single, _))) {
                    found.push((attribute.name, json!({ inner.name: {} })));
                }
            }
            _ => {}
        }
    }
    found
}

fn has_required(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| a.mode == Mode::Required)
}

fn with(base: &Json, attribute: &str, value: &Json) -> Json {
    let mut config = base.clone();
    config[attribute] = value.clone();
    config
}

async fn applied(host: &Host, name: &str, prior: Option<&Instance>, config: &Value, how: &str) -> Instance {
    assert_eq!(errors(&host.validate(name, config).await), Vec::<String>::new(), "{name}: validate, {how}");
    let plan = host.plan(name, prior, config).await.unwrap_or_else(|d| panic!("{name}: {how}: {:?}", errors(&d)));
    assert_eq!(plan.replace, Vec::<String>::new(), "{name}: {how}");
    let applied = host.apply_plan(name, prior, config, plan).await;
    let applied = applied.unwrap_or_else(|(d, _)| panic!("{name}: {how}: {:?}", errors(&d)));
    settled(host, name, &applied, config, how).await
}

/// A create, changes there and back, an import and a state without anything beside it.
fn stays_as_configured(name: &'static str, attribute: &'static str, what: &Json) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let needs = fixture::on(&host, name).needs;
        prepare(&host, &needs).await;
        let Fixture { create: base, import, not_imported, .. } = fixture::on(&host, name);
        let mut bare = base.clone();
        bare.as_object_mut().unwrap().remove(attribute);
        let (base, bare, said) =
            (host.config(name, &base), host.config(name, &bare), host.config(name, &with(&base, attribute, what)));

        let mut instance = applied(&host, name, None, &said, "create").await;
        assert_echoed(name, attribute, &said, &instance);
        // What replaces the object is not changed there and back.
        let stays = matches!(host.schema(name).attribute(attribute).expect("an attribute").replace, Replace::Never);
        // Others may refer to what is nested in one, which is then not taken out.
        let kind = host.schema(name).attribute(attribute).expect("an attribute").kind.clone();
        let is_needed = matches!(kind, Kind::Nested(Nesting::Map | Nesting::List, _));
        let changes = [(&base, "away"), (&said, "and back"), (&bare, "to nothing"), (&said, "and back again")];
        let changes = &changes[..if is_needed { 2 } else { 4 }];
        for (config, how) in changes.iter().copied().filter(|_| stays) {
            instance = applied(&host, name, Some(&instance), config, how).await;
        }
        assert_echoed(name, attribute, &said, &instance);

        // Taken over: with a state that came without anything beside it, and by an import.
        let found = Instance { private: Vec::new(), ..instance.clone() };
        let found = host.read(name, &found).await.unwrap().unwrap();
        let mut taken = vec![(found, said, "taking it over")];
        let full = with(&fixture::on(&host, name).create, attribute, what);
        let stripped = not_imported.iter().fold(full, |json, name| without(&json, name));
        // Some are imported by what the fixture calls them after all its updates.
        if let Ok(imported) = host.import(name, &import, None).await {
            taken.push((imported, host.config(name, &stripped), "import"));
        }
        for (taken, config, how) in taken {
            let plan = host.plan(name, Some(&taken), &config).await;
            let plan = plan.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
            let (before, planned) = (taken.state.get(attribute), plan.planned.get(attribute));
            assert!(means_same(before, planned), "{name}: {how}: {before:?}, {planned:?}");
            applied(&host, name, Some(&taken), &config, how).await;
        }
    })
}

fn assert_echoed(name: &str, attribute: &str, config: &Value, instance: &Instance) {
    // What the provider fills in stands next to what is configured.
    let (said, there) = (config.get(attribute), instance.state.get(attribute));
    match (said, there) {
        (Value::Object(said), Value::Object(there)) => {
            for (inner, value) in said.iter().filter(|(_, value)| !value.is_null()) {
                assert_eq!(there.get(inner), Some(value), "{name}: {attribute}.{inner}");
            }
        }
        _ => assert_eq!(there, said, "{name}: {attribute}"),
    }
}

fn is_read_as_configured(name: &'static str, attribute: &'static str, what: &Json) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let fixture = fixture::reads_on(&host, name);
        let base = fixture.reads.first().expect("a read").config.clone();
        let config = with(&base, attribute, what);
        // That the thing is not there is all that can go wrong.
        if let Err(diags) = host.look(name, &config).await {
            let (said, base) = (errors(&diags), host.look(name, &base).await.map_err(|d| errors(&d)));
            assert_eq!(Err(said), base.map(drop), "{name}: {attribute} = {what}");
        }
    })
}

fn in_the_provider_block() -> Result<(), Failed> {
    let schema = provider::new().schema().clone();
    let places = places(&schema, &json!({}));
    assert!(places.len() > 4, "{places:?}");
    block(async move {
        for (attribute, what) in places {
            let value =
                terraform_provider_omni::tf::wire::from_json(&json!({ attribute: what }), &schema.object_type());
            let value = value.unwrap().get(attribute).clone();
            let host = Host::start(&[(attribute, value)]).await;
            let config = json!({ "name": "demo", "talos_version": "1.13.5", "kubernetes_version": "1.35.1" });
            let config = host.config("omni_cluster", &config);
            applied(&host, "omni_cluster", None, &config, attribute).await;
        }
    })
}
