//! What every ephemeral resource type keeps to, by its `tests/fixtures/<name>/open.json`: opened, looked after and closed
//! over the protocol; the same as the data source of its name; wrong configurations and failed calls explained.

use crate::fixture::{self, Need, merged};
use crate::host::{Host, errors};
use crate::lifecycle::{block, prepare};
use crate::reads::{READ_ELSEWHERE, READS};
use kit::clock::TestClock;
use libtest_mimic::{Failed, Trial};
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::provider_server::Provider as _;
use omni_sim::driver::Mode;
use omni_sim::faults::{Action, Fault};
use omni_sim::{Options, kinds};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::schema::{Attribute, Mode as Given, Schema};
use terraform_provider_omni::tf::value::Value;
use terraform_provider_omni::tf::wire;
use tonic::{Code, Request};

/// Fast enough that no test waits for the world to move.
const MODE: Mode = Mode::Auto { tick: Duration::from_millis(5) };

/// Whatever is this short is found in other texts by chance.
const SHORTEST: usize = 8;

/// How an ephemeral resource type is opened.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    /// Resources that must be there first.
    #[serde(default)]
    needs: Vec<Need>,
    /// What to open.
    opens: Vec<Opening>,
    /// Configurations that are refused.
    #[serde(default)]
    invalid: Vec<Refused>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    /// Whether Omni speaks TLS with an authority of its own.
    #[serde(default)]
    tls: bool,
    /// The configuration.
    config: Json,
    /// Parts of what the attributes hold afterwards.
    holds: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    /// What makes it wrong, as a JSON merge patch of the first configuration.
    set: Json,
    /// The attribute to blame; none for the resource as a whole.
    path: Option<String>,
    /// Part of what the diagnostic says.
    says: String,
    /// Only Omni can tell, so that it comes with the opening; everything else is found in the validation.
    #[serde(default)]
    needs_omni: bool,
}

type Rule = fn(&str) -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let provider = provider::new();
    let rules: [(&str, Rule); 5] = [
        ("schema", crate::rules::schema_of_ephemeral),
        ("opens", opens),
        ("covers", covers),
        ("refuses", refuses),
        ("explains", explains),
    ];
    let names = provider.ephemerals().iter().map(|ephemeral| ephemeral.type_name());
    let all = names.flat_map(|name| {
        rules.map(|(rule, test)| Trial::test(format!("ephemeral::{name}::{rule}"), move || test(name)))
    });
    all.chain([Trial::test("ephemeral::a_token_is_looked_after_until_its_end", a_token_is_looked_after_until_its_end)])
        .collect()
}

impl Fixture {
    fn load(name: &str) -> Self {
        Self::parse(name, &Self::text(name))
    }

    /// The fixture for the machines and the join token of this host.
    fn on(host: &Host, name: &str) -> Self {
        Self::parse(name, &host.localized(&Self::text(name)))
    }

    fn text(name: &str) -> String {
        let path = fixture::folder(name).join("open.json");
        std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("{name} is registered and nothing opens it: {}: {e}", path.display()))
    }

    fn parse(name: &str, text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|e| panic!("how {name} is opened: {e}"))
    }
}

/// What was opened.
#[derive(Clone)]
pub struct Open {
    /// The attributes.
    pub value: Value,
    /// What the provider keeps until it is closed.
    pub private: Option<Vec<u8>>,
    /// When it is to be renewed.
    pub renew_at: Option<prost_types::Timestamp>,
}

type Diags = Vec<pb::Diagnostic>;

impl Host {
    /// The schema of an ephemeral resource type.
    pub fn ephemeral_schema(&self, name: &str) -> Schema {
        let found = self.provider.ephemerals().iter().find(|e| e.type_name() == name);
        found.unwrap_or_else(|| panic!("no ephemeral resource type {name}")).schema().clone()
    }

    /// Validates an ephemeral resource.
    pub async fn validate_ephemeral(&self, name: &str, config: &Value) -> Diags {
        let config = Some(wire::encode(config, &self.ephemeral_schema(name).object_type()).unwrap());
        let request = pb::validate_ephemeral_resource_config::Request { type_name: name.into(), config };
        self.server.validate_ephemeral_resource_config(Request::new(request)).await.unwrap().into_inner().diagnostics
    }

    /// Opens an ephemeral resource, as hosts do before a plan and again before an apply.
    pub async fn open(&self, name: &str, config: &Value) -> Result<Open, Diags> {
        let of = self.ephemeral_schema(name).object_type();
        let request = pb::open_ephemeral_resource::Request {
            type_name: name.into(),
            config: Some(wire::encode(config, &of).unwrap()),
            ..Default::default()
        };
        let answer = self.server.open_ephemeral_resource(Request::new(request)).await.unwrap().into_inner();
        if !errors(&answer.diagnostics).is_empty() {
            assert!(answer.result.is_none(), "{name}: a value comes with errors");
            return Err(answer.diagnostics);
        }
        let value = wire::decode(answer.result.as_ref(), &of).unwrap_or_else(|e| panic!("{name}: {e}"));
        Ok(Open { value, private: answer.private, renew_at: answer.renew_at })
    }

    pub async fn renew(&self, name: &str, open: &Open) -> (Diags, Option<prost_types::Timestamp>) {
        let request = pb::renew_ephemeral_resource::Request { type_name: name.into(), private: open.private.clone() };
        let answer = self.server.renew_ephemeral_resource(Request::new(request)).await.unwrap().into_inner();
        (answer.diagnostics, answer.renew_at)
    }

    /// Closes an ephemeral resource.
    pub async fn close(&self, name: &str, open: &Open) -> Diags {
        let request = pb::close_ephemeral_resource::Request { type_name: name.into(), private: open.private.clone() };
        self.server.close_ephemeral_resource(Request::new(request)).await.unwrap().into_inner().diagnostics
    }

    /// The data source of the same name, if there is one, read with the same configuration.
    async fn twin(&self, name: &str, config: &Value) -> Option<Value> {
        if crate::rules::makes_its_own(name) {
            return None;
        }
        let of = self.provider.data_sources().iter().find(|d| d.type_name() == name)?.schema().object_type();
        let request = pb::read_data_source::Request {
            type_name: name.into(),
            config: Some(wire::encode(config, &of).unwrap()),
            ..Default::default()
        };
        let answer = self.server.read_data_source(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), Vec::<String>::new(), "{name}: the data source");
        Some(wire::decode(answer.state.as_ref(), &of).unwrap())
    }
}

async fn host(name: &str, tls: bool) -> (Host, Fixture) {
    let host = Host::with(Options { tls, mode: MODE, ..Options::default() }, &[]).await;
    let fixture = Fixture::on(&host, name);
    prepare(&host, &fixture.needs).await;
    (host, fixture)
}

fn config_of(name: &str, schema: &Schema, json: &Json) -> Value {
    wire::from_json(json, &schema.object_type()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Each opening gives what was asked for, and leaves nothing behind but what is no secret.
fn opens(name: &str) -> Result<(), Failed> {
    let name = name.to_owned();
    block(async move {
        for (index, opening) in Fixture::load(&name).opens.iter().enumerate() {
            let (host, fixture) = host(&name, opening.tls).await;
            let opening = &fixture.opens[index];
            let schema = host.ephemeral_schema(&name);
            let config = config_of(&name, &schema, &opening.config);
            assert_eq!(errors(&host.validate_ephemeral(&name, &config).await), Vec::<String>::new(), "{name}");
            let open = host.open(&name, &config).await;
            let open = open.unwrap_or_else(|d| panic!("{name}: {}: {:?}", opening.config, errors(&d)));
            assert!(open.value.is_wholly_known(), "{name}: {:?}", open.value);
            for attribute in &schema.attributes {
                let given = config.get(attribute.name);
                assert!(given.is_null() || given == open.value.get(attribute.name), "{name}.{}", attribute.name);
            }
            for (attribute, part) in &opening.holds {
                let text = texts(open.value.get(attribute)).join("\n");
                assert!(text.contains(part), "{name}.{attribute} holds no {part:?}: {text:?}");
            }
            let mut secrets = Vec::new();
            collect_secrets(&schema.attributes, &open.value, &mut secrets);
            nothing_secret(&name, "what the host keeps", &open.private.clone().unwrap_or_default(), &secrets);

            let (renewed, _) = host.renew(&name, &open).await;
            assert!(open.renew_at.is_some() || renewed.is_empty(), "{name}: there is nothing to renew");
            let closed = host.close(&name, &open).await;
            for said in renewed.iter().chain(&closed) {
                assert_eq!(errors(std::slice::from_ref(said)), Vec::<String>::new(), "{name}");
                nothing_secret(&name, "a diagnostic", format!("{said:?}").as_bytes(), &secrets);
            }

            if let Some(twin) = host.twin(&name, &config).await {
                let filled = |value: &Value| -> Vec<_> {
                    schema.attributes.iter().map(|a| a.name).filter(|a| !value.get(a).is_null()).collect()
                };
                assert_eq!(filled(&twin), filled(&open.value), "{name}: the data source is another thing");
            }
        }
    })
}

/// Every attribute is set by some opening, and every computed one is filled in by some.
fn covers(name: &str) -> Result<(), Failed> {
    let fixture = Fixture::load(name);
    let provider = provider::new();
    let ephemeral = provider.ephemerals().iter().find(|e| e.type_name() == name).expect("registered");
    let mut missing = Vec::new();
    for attribute in &ephemeral.schema().attributes {
        let set = fixture.opens.iter().any(|o| o.config.get(attribute.name).is_some());
        let held = fixture.opens.iter().any(|o| o.holds.contains_key(attribute.name));
        match attribute.mode {
            // A time is another one in every run.
            Given::Computed if !held && attribute.name != "expiration" => missing.push(attribute.name),
            Given::Computed => {}
            _ if !set => missing.push(attribute.name),
            _ => {}
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("{name}: no opening is about {missing:?}").into()) }
}

/// Each wrong configuration is refused, on the right attribute, and before anything is sent where that can be.
fn refuses(name: &str) -> Result<(), Failed> {
    let name = name.to_owned();
    block(async move {
        let (host, fixture) = host(&name, false).await;
        let schema = host.ephemeral_schema(&name);
        let first = &fixture.opens.first().expect("an opening").config;
        let checked = schema.attributes.iter().any(|a| a.configurable() && a.default.is_none());
        assert!(!checked || !fixture.invalid.is_empty(), "{name}: no wrong configuration is tried");
        for wrong in &fixture.invalid {
            let config = config_of(&name, &schema, &merged(first, &wrong.set));
            let mut said = errors(&host.validate_ephemeral(&name, &config).await);
            if wrong.needs_omni {
                assert_eq!(said, Vec::<String>::new(), "{name}: {} needs no Omni to be refused", wrong.set);
                said = host.open(&name, &config).await.err().map(|d| errors(&d)).unwrap_or_default();
            }
            let path = format!("{}: ", wrong.path.as_deref().unwrap_or_default());
            let hit = said.iter().any(|line| line.starts_with(&path) && line.contains(&wrong.says));
            assert!(hit, "{name}: {} should be refused on `{path}` with `{}`, got {said:#?}", wrong.set, wrong.says);
        }
    })
}

/// Each call that an opening makes may fail; then the user reads what failed, why, and what to do.
fn explains(name: &str) -> Result<(), Failed> {
    let name = name.to_owned();
    block(async move {
        let (host, fixture) = host(&name, false).await;
        let opening = fixture.opens.first().expect("an opening");
        let config = config_of(&name, &host.ephemeral_schema(&name), &opening.config);
        host.sim.forget_requests();
        let open = host.open(&name, &config).await.unwrap_or_else(|d| panic!("{name}: {:?}", errors(&d)));
        let calls: Vec<_> = host.sim.requests().into_iter().map(|r| r.method).collect();
        assert_eq!(errors(&host.close(&name, &open).await), Vec::<String>::new());
        assert!(!calls.is_empty(), "{name}: nothing was asked of Omni");
        for call in calls {
            for (code, says) in [(Code::Unimplemented, "does not know"), (Code::PermissionDenied, "denied access")] {
                // What an older server does not know is done without it: `tests/registry/media.rs` holds how.
                if code == Code::Unimplemented && call.ends_with("/GetInstallationMediaURL") {
                    continue;
                }
                let refuse = |call: &str| Fault::new(call, Action::Refuse(code, "not for you".into()));
                if code == Code::PermissionDenied && READ_ELSEWHERE.contains(&&*name) {
                    READS.iter().for_each(|call| host.sim.faults().add(refuse(call).times(2)));
                } else {
                    host.sim.faults().add(refuse(&call));
                }
                let said = host.open(&name, &config).await.err().map(|d| errors(&d)).unwrap_or_default();
                let said = said.join("\n");
                assert!(said.contains(": Could not ") && said.contains(says), "{name}: {call}: {code:?}: {said}");
                assert!(
                    !said.contains("status:") && said.contains("\n\n"),
                    "{name}: {call}: nothing says what to do: {said}"
                );
                let left = host.sim.faults().left();
                assert!(left == 0 || READ_ELSEWHERE.contains(&&*name), "{name}: {call} was made again");
                host.sim.faults().clear();
            }
        }
    })
}

fn nothing_secret(name: &str, place: &str, bytes: &[u8], secrets: &[String]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in secrets.iter().filter(|s| s.len() >= SHORTEST) {
        assert!(!text.contains(secret.as_str()), "{name}: a secret is in {place}");
    }
}

fn collect_secrets(attributes: &[Attribute], value: &Value, secrets: &mut Vec<String>) {
    for attribute in attributes {
        let inner = value.get(attribute.name);
        if attribute.sensitive {
            secrets.extend(texts(inner));
        } else if !attribute.nested().is_empty() {
            let objects = if inner.elements().is_empty() { std::slice::from_ref(inner) } else { inner.elements() };
            objects.iter().for_each(|object| collect_secrets(attribute.nested(), object, secrets));
        }
    }
}

/// All texts in a value.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        _ => {
            let entries = value.entries().into_iter().flat_map(|entries| entries.values());
            value.elements().iter().chain(entries).flat_map(texts).collect()
        }
    }
}

/// A renewal makes no token last longer: it comes again at the end, and the closing tells of a run that was too long.
fn a_token_is_looked_after_until_its_end() -> Result<(), Failed> {
    const NAME: &str = "omni_kubeconfig";
    const NOW: u64 = 1_790_000_000;
    block(async {
        let clock = Arc::new(TestClock::at(NOW));
        let host = Host::with(Options { mode: MODE, clock: clock.clone(), ..Options::default() }, &[]).await;
        prepare(&host, &Fixture::on(&host, NAME).needs).await;
        let schema = host.ephemeral_schema(NAME);
        let config = config_of(NAME, &schema, &json!({ "cluster": "demo", "ttl": "1h" }));
        let open = host.open(NAME, &config).await.unwrap_or_else(|d| panic!("{:?}", errors(&d)));
        let expires = i64::try_from(NOW).unwrap() + 3600;
        let renewal = |diags: &Diags| diags.iter().map(|d| d.summary.clone()).collect::<Vec<_>>();
        assert_eq!(open.renew_at.map(|at| at.seconds), Some(expires - 300), "five minutes before the end");

        clock.advance(Duration::from_secs(3300));
        let (said, next) = host.renew(NAME, &open).await;
        assert_eq!((renewal(&said), next.map(|at| at.seconds)), (vec![], Some(expires)));
        assert_eq!(renewal(&host.close(NAME, &open).await), Vec::<String>::new(), "it has not ended yet");

        host.sim.store().remove(&kinds::key("ClusterUUIDs.omni.sidero.dev", "demo"));
        let (said, next) = host.renew(NAME, &open).await;
        assert_eq!(
            (renewal(&said), next),
            (vec!["Cluster `demo` of the kubeconfig no longer exists".to_owned()], None)
        );
        host.sim.faults().add(Fault::new("Get", Action::Refuse(Code::PermissionDenied, "no".into())));
        let (said, _) = host.renew(NAME, &open).await;
        assert_eq!(renewal(&said), ["Could not check the kubeconfig of cluster `demo`"]);

        clock.advance(Duration::from_secs(300));
        let (said, next) = host.renew(NAME, &open).await;
        assert_eq!((renewal(&said), next), (vec![], None), "there is nothing left to look after");
        let closed = host.close(NAME, &open).await;
        assert_eq!(renewal(&closed), ["Token for cluster `demo` expired before the end of the run"]);
        assert_eq!(errors(&closed), Vec::<String>::new(), "the run itself did not fail");
    })
}
