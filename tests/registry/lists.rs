//! List resources: what a query finds, and that the configuration generated for it plans no change.

use crate::fixture;
use crate::host::{Host, errors, warnings};
use crate::lifecycle::{block, prepare, settled};
use libtest_mimic::{Failed, Trial};
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::provider_server::Provider as _;
use omni_sim::{Options, Release};
use serde_json::{Value as Json, json};
use std::time::Duration;
use terraform_provider_omni::tf::schema::{Attribute, Mode};
use terraform_provider_omni::tf::value::Value;
use terraform_provider_omni::tf::wire;
use tokio_stream::StreamExt as _;
use tonic::Request;

/// Types without a list resource though their objects can be imported, and why.
const NOT_LISTED: &[(&str, &str)] = &[("omni_join_token", "the ID is the secret, and a query displays identities")];

/// The rules that no single type is about.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("lists::every_type_that_can_be_imported_has_one", every_type),
        Trial::test("lists::the_arguments_select", arguments),
        Trial::test("lists::a_limit_ends_the_list", limit),
        Trial::test("lists::a_limit_ends_the_reads", limited_reads),
        Trial::test("lists::a_failure_says_how_to_query_again", failure),
        Trial::test("lists::names_are_those_that_people_know", names),
        Trial::test("lists::what_controllers_own_is_imported_or_left_out", what_controllers_own),
        Trial::test("lists::a_type_that_an_older_omni_lacks_is_told", what_an_older_omni_lacks),
    ]
}

async fn list(host: &Host, name: &str, config: &Json, include: bool, limit: i64) -> Vec<pb::list_resource::Event> {
    let lists = host.provider.list_resources();
    let of = lists.iter().find(|list| list.type_name() == name).expect("a list resource").schema().object_type();
    let config = wire::from_json(config, &of).unwrap_or_else(|e| panic!("{name}: {e}"));
    let config = Some(wire::encode(&config, &of).unwrap());
    let request = pb::validate_list_resource_config::Request {
        type_name: name.into(),
        config: config.clone(),
        ..Default::default()
    };
    let answer = host.server.validate_list_resource_config(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), Vec::<String>::new(), "{name}");
    let request =
        pb::list_resource::Request { type_name: name.into(), config, include_resource_object: include, limit };
    let events = host.server.list_resource(Request::new(request)).await.unwrap().into_inner();
    let events: Vec<_> = events.map(Result::unwrap).collect().await;
    for event in &events {
        assert_eq!(errors(&event.diagnostic), Vec::<String>::new(), "{name}");
        assert!(event.identity.is_some() && !event.display_name.is_empty(), "{name}: {event:?}");
        assert_eq!(event.resource_object.is_some(), include, "{name}");
    }
    events
}

fn named(events: &[pb::list_resource::Event]) -> Vec<&str> {
    events.iter().map(|event| event.display_name.as_str()).collect()
}

/// What exists is found, and becomes managed without a change by the configuration that is generated for it.
pub fn run(name: &'static str) -> Result<(), Failed> {
    block(async move {
        let host = Host::start(&[]).await;
        prepare(&host, &fixture::on(&host, name).needs).await;
        let fixture = fixture::on(&host, name);
        let config = host.config(name, &fixture.create);
        let made = host.apply(name, None, &config).await;
        let made = made.unwrap_or_else(|(d, _)| panic!("{name}: create: {:?}", errors(&d)));
        let made = host.read(name, &made).await.unwrap().unwrap();

        host.next_run().await;
        let short = list(&host, name, &fixture.list, false, 100).await;
        let full = list(&host, name, &fixture.list, true, 100).await;
        let identities = |events: &[pb::list_resource::Event]| -> Vec<_> {
            events.iter().map(|event| event.identity.clone()).collect()
        };
        assert_eq!(identities(&short), identities(&full), "{name}");
        let event = full.iter().find(|event| event.identity == made.identity);
        let event = event.unwrap_or_else(|| panic!("{name} is not among {:?}", named(&full)));
        let none = fixture::merged(&fixture.list, &json!({ "id_regexp": "^no such id$" }));
        assert_eq!(list(&host, name, &none, false, 100).await, []);

        let request =
            pb::generate_resource_config::Request { type_name: name.into(), state: event.resource_object.clone() };
        let answer = host.server.generate_resource_config(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), Vec::<String>::new(), "{name}");
        let of = host.schema(name).object_type();
        let mut generated = wire::decode(answer.config.as_ref(), &of).unwrap();
        // Secrets that Omni does not give are for people to fill in.
        for secret in fixture.not_imported.iter().filter_map(|path| path.split('.').next()) {
            let asked_for = |a: &Attribute| a.mode == Mode::Required || holds_secrets(a);
            if generated.get(secret).is_null() && host.schema(name).attribute(secret).is_some_and(asked_for) {
                generated.set(secret, config.get(secret).clone());
            }
        }
        assert_eq!(errors(&host.validate(name, &generated).await), Vec::<String>::new(), "{name}: {generated:?}");
        let imported = host.import(name, &fixture.import, event.identity.clone()).await;
        let imported = imported.unwrap_or_else(|d| panic!("{name}: import: {:?}", errors(&d)));
        settled(&host, name, &imported, &generated, "the import with the generated configuration").await;
    })
}

fn holds_secrets(attribute: &Attribute) -> bool {
    attribute.configurable()
        && (attribute.sensitive || attribute.write_only || attribute.nested().iter().any(holds_secrets))
}

fn every_type() -> Result<(), Failed> {
    let provider = terraform_provider_omni::provider::new();
    let listed: Vec<_> = provider.list_resources().iter().map(|list| list.type_name()).collect();
    for resource in provider.resources().iter().filter(|resource| resource.identity().is_some()) {
        let name = resource.type_name();
        let excused = NOT_LISTED.iter().any(|(left_out, _)| *left_out == name);
        assert_eq!(listed.contains(&name), !excused, "{name}");
    }
    Ok(())
}

fn arguments() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        for (id, cluster, team) in [("200-a", "one", "x"), ("200-b", "one", "y"), ("200-c", "two", "x")] {
            host.give(&fixture::Given {
                kind: "ConfigPatches".to_owned(),
                id: id.to_owned(),
                labels: [("omni.sidero.dev/cluster", cluster), ("team", team)]
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
                spec: json!({}),
            });
        }
        host.edit("ConfigPatches", "200-c", |patch| {
            patch.annotations.insert("omni.sidero.dev/managed-by-gitops-tools".to_owned(), "Flux".to_owned());
        });
        for (config, expected) in [
            (json!({}), &["200-a (one)", "200-b (one)", "200-c (two)"][..]),
            (json!({ "cluster": "one" }), &["200-a (one)", "200-b (one)"]),
            (json!({ "label_selector": "team = x" }), &["200-a (one)", "200-c (two)"]),
            (json!({ "label_selector": "team = x", "cluster": "two" }), &["200-c (two)"]),
            (json!({ "id_regexp": "b$" }), &["200-b (one)"]),
            (json!({ "managed_by": "Flux" }), &["200-c (two)"]),
            (json!({ "managed_by": "" }), &["200-a (one)", "200-b (one)"]),
        ] {
            let events = list(&host, "omni_config_patch", &config, false, 100).await;
            assert_eq!(named(&events), expected, "{config}");
        }
        host.edit("ConfigPatches", "200-a", |patch| "SomeController".clone_into(&mut patch.owner));
        let events = list(&host, "omni_config_patch", &json!({ "cluster": "one" }), false, 100).await;
        assert_eq!(named(&events), ["200-b (one)"], "what a controller owns is left out");
        let events =
            list(&host, "omni_config_patch", &json!({ "cluster": "one", "include_system": true }), false, 100).await;
        assert_eq!(named(&events), ["200-a (one)", "200-b (one)"]);
    })
}

/// Machines are known by their host names; what Omni took for a machine class itself is not listed.
fn names() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        let machine = host.machines()[0].clone();
        for (id, labels) in
            [(machine.as_str(), &[][..]), ("taken", &["omni.sidero.dev/managed-by-machine-set-node-controller"])]
        {
            let labels = [&["omni.sidero.dev/cluster"], labels].concat();
            host.give(&fixture::Given {
                kind: "MachineSetNodes".to_owned(),
                id: id.to_owned(),
                labels: labels.into_iter().map(|key| (key.to_owned(), "prod".to_owned())).collect(),
                spec: json!({}),
            });
        }
        let events = list(&host, "omni_machine_set_node", &json!({}), false, 100).await;
        let [name] = named(&events)[..] else { panic!("{:?}", named(&events)) };
        let (host_name, rest) = name.split_once(" (").unwrap_or_else(|| panic!("{name}"));
        assert!(!host_name.is_empty() && host_name != machine, "{name}");
        assert_eq!(rest, format!("{machine}, prod)"));
        // It cannot be imported, so it is left out even if everything is asked for; the last result says so.
        let events = list(&host, "omni_machine_set_node", &json!({ "include_system": true }), true, 100).await;
        assert_eq!(named(&events), [name]);
        let said = warnings(&events[0].diagnostic).join("\n");
        assert!(said.contains("leaves out 1 object") && said.contains("belongs to a machine class"), "{said}");
    })
}

/// Whatever a list with `include_system` finds in a whole instance can be imported by the configuration that is generated for it.
fn what_controllers_own() -> Result<(), Failed> {
    block(async {
        let (_, text) = omni_sim::worlds::READY.iter().find(|(name, _)| *name == "full").unwrap();
        let world = Some(text.parse().unwrap());
        let options = Options { machines: 0, world, ..Host::options(Duration::from_millis(5)) };
        let host = Host::with(options, &[]).await;
        host.sim.settle().unwrap();
        let provider = terraform_provider_omni::provider::new();
        let (mut found, mut left_out) = (0, 0);
        for listed in provider.list_resources() {
            let name = listed.type_name();
            if listed.schema().attribute("include_system").is_none() {
                continue;
            }
            let mut config = fixture::on(&host, name).list;
            config["include_system"] = true.into();
            for event in list(&host, name, &config, true, 1000).await {
                left_out += warnings(&event.diagnostic).iter().filter(|said| said.contains("leaves out")).count();
                let state = event.resource_object.clone();
                let request = pb::generate_resource_config::Request { type_name: name.into(), state };
                let answer = host.server.generate_resource_config(Request::new(request)).await.unwrap().into_inner();
                let generated = wire::decode(answer.config.as_ref(), &host.schema(name).object_type()).unwrap();
                let imported = host.import(name, "", event.identity.clone()).await;
                let imported = imported.unwrap_or_else(|d| panic!("{name}: {}: {:?}", event.display_name, errors(&d)));
                // What only people know is for them to fill in.
                if errors(&host.validate(name, &generated).await).is_empty() {
                    settled(&host, name, &imported, &generated, &event.display_name).await;
                }
                found += 1;
            }
        }
        assert!(found > 20, "{found}");
        assert_eq!(left_out, 1, "the nodes of a machine class");
    })
}

fn what_an_older_omni_lacks() -> Result<(), Failed> {
    block(async {
        let options = Options { release: Release::V1_6, ..Host::options(Duration::from_millis(5)) };
        let host = Host::with(options, &[]).await;
        let name = "omni_kubernetes_healthcheck";
        let lists = host.provider.list_resources();
        let schema = lists.iter().find(|list| list.type_name() == name).unwrap().schema().clone();
        let config = Some(wire::encode(&schema.null_object(), &schema.object_type()).unwrap());
        let request = pb::list_resource::Request { type_name: name.into(), config, limit: 10, ..Default::default() };
        let events = host.server.list_resource(Request::new(request)).await.unwrap().into_inner();
        let events: Vec<_> = events.map(Result::unwrap).collect().await;
        let [event] = events.as_slice() else { panic!("{events:?}") };
        let said = errors(&event.diagnostic).join("\n");
        assert!(said.contains("needs Omni 1.9: The server is Omni 1.6"), "{said}");
    })
}

fn limit() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        for n in 0..40 {
            host.give(&fixture::Given {
                kind: "ConfigPatches".to_owned(),
                id: format!("200-{n:02}"),
                labels: Default::default(),
                spec: json!({}),
            });
        }
        for include in [false, true] {
            for (limit, found) in [(0, 0), (1, 1), (17, 17), (40, 40), (100, 40)] {
                let events = list(&host, "omni_config_patch", &json!({}), include, limit).await;
                assert_eq!(events.len(), found, "{limit} {include}");
            }
        }
    })
}

/// Of what is listed by its IDs, no more objects are read than the host takes.
fn limited_reads() -> Result<(), Failed> {
    block(async {
        let host = Host::start(&[]).await;
        assert!(host.machines().len() > 3);
        host.sim.forget_requests();
        assert_eq!(list(&host, "omni_machine", &json!({}), true, 1).await.len(), 1);
        let requests = host.sim.requests();
        let of_machines = |request: &&omni_sim::Request| request.kind.starts_with("MachineStatuses.");
        let read: std::collections::BTreeSet<_> =
            requests.iter().filter(of_machines).map(|request| &request.id).filter(|id| !id.is_empty()).collect();
        assert_eq!(read.len(), 1, "{read:?}");
    })
}

fn failure() -> Result<(), Failed> {
    block(async {
        let retry = Value::object([
            ("max_attempts", Value::from(1)),
            ("base_delay", Value::Null),
            ("max_delay", Value::Null),
            ("jitter", Value::Null),
        ]);
        let host = Host::start(&[("retry", retry)]).await;
        let name = "omni_config_patch";
        host.sim.faults().add("List of ConfigPatches refuse Unavailable always: away".parse().unwrap());
        let of = host.provider.list_resources().iter().find(|list| list.type_name() == name).unwrap().schema().clone();
        let config = Some(wire::encode(&of.null_object(), &of.object_type()).unwrap());
        let request = pb::list_resource::Request { type_name: name.into(), config, limit: 10, ..Default::default() };
        let events = host.server.list_resource(Request::new(request)).await.unwrap().into_inner();
        let events: Vec<_> = events.map(Result::unwrap).collect().await;
        let [event] = events.as_slice() else { panic!("{events:?}") };
        let said = errors(&event.diagnostic).join("\n");
        assert!(said.contains("then run the query again") && !said.contains("apply again"), "{said}");
    })
}
