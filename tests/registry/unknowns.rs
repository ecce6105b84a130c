//! What is not known yet is neither set nor unset: no configuration is refused for it.
//! Replacing whatever a configuration says, or does not say, by an unknown value may take a refusal away and never adds one.

use crate::fixture::{self, merged};
use crate::host::{Host, Instance, errors};
use crate::lifecycle::{block, prepare};
use libtest_mimic::{Failed, Trial};
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::provider_server::Provider as _;
use serde_json::Value as Json;
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::schema::{Attribute, Kind, Mode, Nesting, Schema};
use terraform_provider_omni::tf::server::Server;
use terraform_provider_omni::tf::value::Value;
use terraform_provider_omni::tf::wire;
use tonic::Request;

/// What can be validated.
#[derive(Clone, Copy, Debug)]
enum Block {
    Provider,
    Resource(&'static str),
    Data(&'static str),
    Ephemeral(&'static str),
    Action(&'static str),
}

pub fn trials() -> Vec<Trial> {
    let provider = provider::new();
    let resources = provider.resources().iter().map(|r| Block::Resource(r.type_name()));
    let data = provider.data_sources().iter().map(|d| Block::Data(d.type_name()));
    let ephemerals = provider.ephemerals().iter().map(|e| Block::Ephemeral(e.type_name()));
    let actions = provider.actions().iter().map(|a| Block::Action(a.type_name()));
    let all = [Block::Provider].into_iter().chain(resources).chain(data).chain(ephemerals).chain(actions);
    let validated =
        all.map(|block| Trial::test(format!("unknowns::{block:?}"), move || no_refusal_for_an_unknown(block)));
    let planned = provider.resources().iter().map(|r| r.type_name());
    let planned = planned.map(|name| Trial::test(format!("unknowns::planned::{name}"), move || no_plan_refused(name)));
    let waits =
        Trial::test("unknowns::an_unknown_provider_defers_where_it_may", an_unknown_provider_defers_where_it_may);
    validated.chain(planned).chain([waits]).collect()
}

impl Block {
    fn schema(self) -> Schema {
        let provider = provider::new();
        match self {
            Self::Provider => provider.schema().clone(),
            Self::Resource(name) => {
                provider.resources().iter().find(|r| r.type_name() == name).unwrap().schema().clone()
            }
            Self::Data(name) => {
                provider.data_sources().iter().find(|d| d.type_name() == name).unwrap().schema().clone()
            }
            Self::Ephemeral(name) => {
                provider.ephemerals().iter().find(|e| e.type_name() == name).unwrap().schema().clone()
            }
            Self::Action(name) => provider.actions().iter().find(|a| a.type_name() == name).unwrap().schema().clone(),
        }
    }

    /// What the fixtures configure, right and wrong.
    fn examples(self) -> Vec<Json> {
        let read = |name: &str, file: &str| -> Json {
            let text = std::fs::read_to_string(fixture::folder(name).join(file)).unwrap();
            serde_json::from_str(&text).unwrap()
        };
        let all = |list: &Json, field: &str| -> Vec<Json> {
            list.as_array().into_iter().flatten().map(|entry| entry[field].clone()).collect()
        };
        match self {
            Self::Provider => Vec::new(),
            Self::Action(name) => crate::actions::mistakes().into_iter().filter(|m| m.0 == name).map(|m| m.1).collect(),
            Self::Resource(name) => {
                let fixture = fixture::load(name);
                let invalid = fixture.invalid.iter().map(|wrong| merged(&fixture.create, &wrong.set));
                let updates = fixture.updates.iter().scan(fixture.create.clone(), |config, patch| {
                    *config = merged(config, patch);
                    Some(config.clone())
                });
                [fixture.create.clone()].into_iter().chain(updates).chain(invalid).collect()
            }
            Self::Data(name) => all(&read(name, "read.json")["reads"], "config"),
            Self::Ephemeral(name) => all(&read(name, "open.json")["opens"], "config"),
        }
    }

    async fn validate(self, server: &Server, config: &Value, schema: &Schema) -> Vec<String> {
        let config = Some(wire::encode(config, &schema.object_type()).unwrap());
        let diagnostics = match self {
            Self::Provider => {
                let request = pb::validate_provider_config::Request { config };
                server.validate_provider_config(Request::new(request)).await.unwrap().into_inner().diagnostics
            }
            Self::Resource(name) => {
                let capabilities = pb::ClientCapabilities { write_only_attributes_allowed: true, ..Default::default() };
                let request = pb::validate_resource_config::Request {
                    type_name: name.into(),
                    config,
                    client_capabilities: Some(capabilities),
                };
                server.validate_resource_config(Request::new(request)).await.unwrap().into_inner().diagnostics
            }
            Self::Data(name) => {
                let request = pb::validate_data_resource_config::Request { type_name: name.into(), config };
                server.validate_data_resource_config(Request::new(request)).await.unwrap().into_inner().diagnostics
            }
            Self::Ephemeral(name) => {
                let request = pb::validate_ephemeral_resource_config::Request { type_name: name.into(), config };
                server.validate_ephemeral_resource_config(Request::new(request)).await.unwrap().into_inner().diagnostics
            }
            Self::Action(name) => {
                let request = pb::validate_action_config::Request { type_name: name.into(), config };
                server.validate_action_config(Request::new(request)).await.unwrap().into_inner().diagnostics
            }
        };
        errors(&diagnostics)
    }
}

fn no_refusal_for_an_unknown(what: Block) -> Result<(), Failed> {
    block(async move {
        let server = Server::new(provider::new);
        let schema = what.schema();
        // Nothing but what is required, which is not known either; and what the fixtures say.
        let mut bare = schema.null_object();
        for attribute in schema.attributes.iter().filter(|a| a.mode == Mode::Required) {
            bare.set(attribute.name, Value::UNKNOWN);
        }
        let mut bases = vec![bare];
        bases.extend(what.examples().iter().filter_map(|json| wire::from_json(json, &schema.object_type()).ok()));
        for base in bases {
            let before = what.validate(&server, &base, &schema).await;
            let mut places = Vec::new();
            collect(&schema.attributes, &base, &mut Vec::new(), &mut places);
            for (i, one) in places.iter().enumerate() {
                for other in &places[i..] {
                    let mut config = base.clone();
                    put(&mut config, one);
                    put(&mut config, other);
                    let after = what.validate(&server, &config, &schema).await;
                    // One mistake is told once: the rule that tells it may be another one, but none is added.
                    let added: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
                    assert!(
                        after.len() <= before.len(),
                        "{what:?}: unknown at {one:?} and {other:?}: {added:#?}\nin {config:?}"
                    );
                }
            }
        }
    })
}

/// The same of plans, which ask Omni: of a new object, and of one that is there.
fn no_plan_refused(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        let fixture = fixture::on(&host, name);
        prepare(&host, &fixture.needs).await;
        let config = host.config(name, &fixture.create);
        let schema = host.schema(name);
        let mut places = Vec::new();
        collect(&schema.attributes, &config, &mut Vec::new(), &mut places);
        let refused = async |prior: Option<&Instance>| {
            let mut found = Vec::new();
            for place in &places {
                host.next_run().await;
                let mut config = config.clone();
                put(&mut config, place);
                if let Err(diags) = host.plan(name, prior, &config).await {
                    found.push(format!("{place:?}: {:?}", errors(&diags)));
                }
            }
            found
        };
        assert_eq!(refused(None).await, Vec::<String>::new(), "{name}: a new object");
        host.next_run().await;
        let made = host.apply(name, None, &config).await;
        let made = made.unwrap_or_else(|(diags, _)| panic!("{name}: {:?}", errors(&diags)));
        assert_eq!(refused(Some(&made)).await, Vec::<String>::new(), "{name}: one that is there");
    })
}

/// Every place of a configuration where a value can be unknown.
fn collect(attributes: &[Attribute], config: &Value, at: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    for attribute in attributes.iter().filter(|a| a.configurable()) {
        at.push(attribute.name.to_owned());
        found.push(at.clone());
        match (&attribute.kind, config.get(attribute.name)) {
            (Kind::Nested(Nesting::Single, nested), inner @ Value::Object(_)) => collect(nested, inner, at, found),
            (_, Value::Map(entries)) => {
                found.extend(entries.keys().map(|key| at.iter().chain([key]).cloned().collect()));
            }
            _ => {}
        }
        at.pop();
    }
}

fn put(config: &mut Value, place: &[String]) {
    let (Some((first, rest)), Value::Object(entries) | Value::Map(entries)) = (place.split_first(), config) else {
        return;
    };
    match entries.get_mut(first) {
        Some(slot) if rest.is_empty() => *slot = Value::UNKNOWN,
        Some(slot) => put(slot, rest),
        None => {}
    }
}

/// Nothing can be asked while the provider block is not known: that waits where the host lets it, and else is as it always was.
fn an_unknown_provider_defers_where_it_may() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        host.reconfigure(&[("endpoint", Value::UNKNOWN)]).await;
        let provider = provider::new();
        let schema = provider.data_sources().iter().find(|d| d.type_name() == "omni_version").unwrap().schema().clone();
        let config = Some(wire::encode(&schema.null_object(), &schema.object_type()).unwrap());
        let cluster = host.config("omni_cluster", &fixture::on(&host, "omni_cluster").create);
        let cluster = Some(wire::encode(&cluster, &host.schema("omni_cluster").object_type()).unwrap());
        for allowed in [true, false] {
            let why = allowed.then_some(pb::deferred::Reason::ProviderConfigUnknown);
            let capabilities = pb::ClientCapabilities { deferral_allowed: allowed, ..Default::default() };
            let request = pb::read_data_source::Request {
                type_name: "omni_version".into(),
                config: config.clone(),
                client_capabilities: Some(capabilities),
                ..Default::default()
            };
            let read = host.server.read_data_source(Request::new(request)).await.unwrap().into_inner();
            assert_eq!(read.deferred.map(|deferred| deferred.reason()), why);
            assert_eq!(errors(&read.diagnostics).is_empty(), allowed, "{:?}", errors(&read.diagnostics));
            let request = pb::plan_resource_change::Request {
                type_name: "omni_cluster".into(),
                prior_state: Some(wire::encode(&Value::Null, &host.schema("omni_cluster").object_type()).unwrap()),
                proposed_new_state: cluster.clone(),
                config: cluster.clone(),
                client_capabilities: Some(capabilities),
                ..Default::default()
            };
            let plan = host.server.plan_resource_change(Request::new(request)).await.unwrap().into_inner();
            assert_eq!(plan.deferred.map(|deferred| deferred.reason()), why);
            assert_eq!(errors(&plan.diagnostics), [""; 0]);
        }
    })
}
