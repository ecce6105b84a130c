//! A small Terraform: it drives the provider over the protocol as the real one does, and holds it to the same rules.

use crate::fixture::Given;
use crate::relay::Relay;
use kit::clock::Clock;
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::provider_server::Provider as _;
use omni_sim::driver::Mode;
use omni_sim::kinds;
use omni_sim::object::{Key, Object};
use omni_sim::{Options, Sim};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value as Json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use terraform_provider_omni::omni::auth::{GeneratedKey, generate};
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::schema::{Attribute, Kind, Nesting, Schema};
use terraform_provider_omni::tf::server::Server;
use terraform_provider_omni::tf::value::{Type, Value};
use terraform_provider_omni::tf::wire;
use tonic::Request;

/// Fast enough that no test waits for the world to move.
const TICK: Duration = Duration::from_millis(5);

/// The provider, and the simulator that it talks to.
pub struct Host {
    pub(crate) server: Server,
    pub(crate) provider: Arc<dyn terraform_provider_omni::tf::provider::Provider>,
    clock: Arc<dyn Clock>,
    settings: Mutex<Value>,
    keys: Mutex<Vec<tempfile::NamedTempFile>>,
    /// The Omni behind it.
    pub sim: Sim,
}

/// One object as the state file would hold it.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The attributes.
    pub state: Value,
    /// What the provider keeps beside them.
    pub private: Vec<u8>,
    /// The identity.
    pub identity: Option<pb::ResourceIdentityData>,
}

/// What a plan came to.
#[derive(Debug)]
pub struct Plan {
    /// The planned attributes.
    pub planned: Value,
    /// The attributes whose change forces replacement.
    pub replace: Vec<String>,
    /// The warnings, as lines.
    pub warnings: Vec<String>,
    private: Vec<u8>,
    identity: Option<pb::ResourceIdentityData>,
}

type Diags = Vec<pb::Diagnostic>;

impl Host {
    /// A configured provider in front of a fresh simulator, with machines and an infrastructure provider.
    pub async fn start(extra: &[(&str, Value)]) -> Self {
        Self::with(Self::options(TICK), extra).await
    }

    /// A simulator with machines and an infrastructure provider, which moves by itself.
    pub fn options(tick: Duration) -> Options {
        let machines = Options::default().machines;
        let world = serde_json::json!({ "machines": [{ "count": machines }], "providers": [{ "name": "qemu" }] });
        let world = Some(world.to_string().parse().expect("a world"));
        Options { mode: Mode::Auto { tick }, machines: 0, world, ..Options::default() }
    }

    /// A configured provider in front of a simulator of the given kind.
    pub async fn with(options: Options, extra: &[(&str, Value)]) -> Self {
        Self::called(&["terraform", "apply"], options, extra).await
    }

    /// The same as a host that was called with this command line starts the provider; an empty one is a line that nobody can read.
    pub async fn called(command: &[&str], options: Options, extra: &[(&str, Value)]) -> Self {
        // Both live in the same time: keys are made by one and judged by the other.
        let clock = Arc::clone(&options.clock);
        let provider =
            provider::called_by(&command.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), Arc::clone(&clock));
        let sim = Sim::start(options).await.expect("the simulator starts");
        let made = Arc::clone(&provider);
        let server = Server::new(move || Arc::clone(&made));
        let settings = Mutex::new(Value::Null);
        let host = Self { server, provider, clock, settings, keys: Mutex::default(), sim };
        host.reconfigure(extra).await;
        host
    }

    /// The same with a relay between provider and simulator.
    pub async fn behind_a_relay(options: Options, extra: &[(&str, Value)]) -> (Self, Relay) {
        let host = Self::with(options, extra).await;
        let relay = Relay::to(host.sim.endpoint()).await;
        let endpoint = [("endpoint", Value::from(relay.endpoint.as_str()))];
        host.reconfigure(&[extra, &endpoint].concat()).await;
        (host, relay)
    }

    /// Configures the provider anew, with these attributes beside those that lead to the simulator.
    pub async fn reconfigure(&self, extra: &[(&str, Value)]) {
        let mut config = self.provider.schema().null_object();
        config.set("endpoint", self.sim.endpoint().into());
        config.set("service_account_key", self.sim.service_account_key().into());
        if let Some(ca) = self.sim.ca_pem() {
            config.set("ca_certificate", ca.into());
        }
        for (name, value) in extra {
            config.set(name, value.clone());
        }
        self.configure(&config).await;
    }

    /// Configures the provider anew, to work as this person from now on.
    pub async fn work_as(&self, email: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), self.sim.sign_in(email).unwrap()).unwrap();
        let mut config = self.provider.schema().null_object();
        config.set("endpoint", self.sim.endpoint().into());
        config.set("identity", email.into());
        config.set("pgp_key_file", file.path().to_str().unwrap().into());
        self.configure(&config).await;
        // The next run reads it again.
        self.keys.lock().unwrap().push(file);
    }

    /// Goes on in a process of its own, as each walk of a host does: with the same settings, and without a memory.
    pub async fn next_run(&self) {
        let settings = self.settings.lock().unwrap().clone();
        self.configure(&settings).await;
    }

    async fn configure(&self, config: &Value) {
        *self.settings.lock().unwrap() = config.clone();
        assert_eq!(errors(&self.configure_with(config).await), Vec::<String>::new(), "configure");
    }

    /// What is said when the provider is configured with these attributes beside those that lead to the simulator.
    pub async fn configured(&self, extra: &[(&str, Value)]) -> Diags {
        let mut config = self.provider.schema().null_object();
        let mut all = vec![
            ("endpoint", self.sim.endpoint().into()),
            ("service_account_key", self.sim.service_account_key().into()),
            ("ca_certificate", self.sim.ca_pem().map(str::to_owned).into()),
        ];
        // One source of each is enough.
        let given = |name: &str| extra.iter().any(|(other, _)| other.starts_with(name));
        let replaced = |name: &str| given(name) || (name == "service_account_key" && given("pgp_key_file"));
        all.retain(|(name, _)| !replaced(name));
        for (name, value) in all.into_iter().chain(extra.iter().cloned()) {
            config.set(name, value);
        }
        self.configure_with(&config).await
    }

    async fn configure_with(&self, config: &Value) -> Diags {
        let request = pb::configure_provider::Request {
            terraform_version: "1.15.0".into(),
            config: Some(wire::encode(config, &self.provider.schema().object_type()).unwrap()),
            client_capabilities: None,
        };
        self.server.configure_provider(Request::new(request)).await.unwrap().into_inner().diagnostics
    }

    /// The stored object; `kind` without its suffix.
    pub fn object(&self, kind: &str, id: &str) -> Option<Arc<Object>> {
        self.sim.store().get(&key(kind, id))
    }

    /// Changes the stored object, as somebody else would.
    pub fn edit(&self, kind: &str, id: &str, edit: impl FnOnce(&mut Object)) {
        self.sim.store().modify(&key(kind, id), edit).unwrap_or_else(|| panic!("no {kind} {id}"));
    }

    /// Puts an object there, whoever makes such objects.
    pub fn give(&self, given: &Given) {
        let key = key(&given.kind, &given.id);
        let message = kinds::find(&key.kind).and_then(|kind| kind.message).expect("a type with a message");
        let pool = DescriptorPool::decode(omni_proto::DESCRIPTORS).unwrap();
        let descriptor = pool.get_message_by_name(&format!("specs.{message}")).unwrap();
        let spec = DynamicMessage::deserialize(descriptor, &given.spec).unwrap_or_else(|e| panic!("{}: {e}", given.id));
        self.sim.store().put("", &key, |object| {
            object.spec = spec.encode_to_vec();
            object.labels.clone_from(&given.labels);
        });
    }

    /// The ids of the machines, in order.
    pub fn machines(&self) -> Vec<String> {
        self.sim.store().list("MachineStatuses.omni.sidero.dev").iter().map(|m| m.key.id.clone()).collect()
    }

    /// The ids of the join tokens, in the order in which they were made.
    pub fn join_tokens(&self) -> Vec<String> {
        let mut tokens = self.sim.store().list("JoinTokens.omni.sidero.dev");
        tokens.sort_by_key(|token| token.created);
        tokens.iter().map(|token| token.key.id.clone()).collect()
    }

    /// The text with `MACHINE_1`, … and `JOIN_TOKEN_1`, … replaced by the ids of the machines and join tokens,
    /// and `PUBLIC_KEY_1`, `PUBLIC_KEY_2` by keys that nobody has used before.
    pub fn localized(&self, text: &str) -> String {
        let replaced = |text: String, (name, ids): (&str, Vec<String>)| {
            let ids = ids.into_iter().enumerate();
            ids.fold(text, |text, (i, id)| text.replace(&format!("{name}_{}", i + 1), &id))
        };
        let ids = [("MACHINE", self.machines()), ("JOIN_TOKEN", self.join_tokens())];
        let text = ids.into_iter().fold(text.to_owned(), replaced);
        ["PUBLIC_KEY_1", "PUBLIC_KEY_2"].into_iter().fold(text, |text, name| {
            if !text.contains(name) {
                return text;
            }
            let key = self.generated("user", Duration::from_hours(24)).armored_public;
            text.replace(name, &key.replace('\n', "\\n"))
        })
    }

    /// A key of a service account, made now.
    pub fn generated(&self, account: &str, lifetime: Duration) -> GeneratedKey {
        generate(account, lifetime, self.clock.now()).expect("a key")
    }

    /// The schema of a resource type.
    pub fn schema(&self, name: &str) -> Schema {
        let found = self.provider.resources().iter().find(|r| r.type_name() == name);
        found.unwrap_or_else(|| panic!("no resource type {name}")).schema().clone()
    }

    /// A configuration from JSON: what is left out is null, and what may have any type has that of the JSON.
    pub fn config(&self, name: &str, json: &Json) -> Value {
        let schema = self.schema(name);
        let mut json = json.clone();
        for attribute in schema.attributes.iter().filter(|a| a.value_type() == Type::Dynamic) {
            if let Some(value) = json.get_mut(attribute.name).filter(|value| !value.is_null()) {
                *value = wire::to_json(&Value::dynamic(value));
            }
        }
        wire::from_json(&json, &schema.object_type()).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The time of the server.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Validates a configuration.
    pub async fn validate(&self, name: &str, config: &Value) -> Diags {
        let request = pb::validate_resource_config::Request {
            type_name: name.into(),
            config: Some(self.encode(name, config)),
            client_capabilities: Some(capabilities()),
        };
        self.server.validate_resource_config(Request::new(request)).await.unwrap().into_inner().diagnostics
    }

    /// Everything that is said of a configuration before it is applied: by the validation, and when that is content, by the plan.
    pub async fn diagnostics(&self, name: &str, prior: Option<&Instance>, config: &Value) -> Diags {
        let validated = self.validate(name, config).await;
        if !errors(&validated).is_empty() {
            return validated;
        }
        let mut all = validated;
        all.extend(self.proposed(name, prior, config).await.diagnostics);
        all
    }

    /// What an import of this text says.
    pub async fn import_diagnostics(&self, name: &str, id: &str) -> Diags {
        let request =
            pb::import_resource_state::Request { type_name: name.into(), id: id.into(), ..Default::default() };
        let answer = self.server.import_resource_state(Request::new(request)).await.unwrap().into_inner();
        let Some(imported) = answer.imported_resources.into_iter().next() else { return answer.diagnostics };
        let request = pb::read_resource::Request {
            type_name: name.into(),
            current_state: imported.state,
            private: imported.private,
            current_identity: imported.identity,
            ..Default::default()
        };
        self.server.read_resource(Request::new(request)).await.unwrap().into_inner().diagnostics
    }

    /// The answer to a plan.
    async fn proposed(
        &self,
        name: &str,
        prior: Option<&Instance>,
        config: &Value,
    ) -> pb::plan_resource_change::Response {
        let before = prior.map(|p| p.state.clone());
        let proposed = propose(&self.schema(name).attributes, before.as_ref(), config);
        let request = pb::plan_resource_change::Request {
            type_name: name.into(),
            prior_state: Some(self.encode(name, before.as_ref().unwrap_or(&Value::Null))),
            proposed_new_state: Some(self.encode(name, &proposed)),
            config: Some(self.encode(name, config)),
            prior_private: prior.map(|p| p.private.clone()).unwrap_or_default(),
            client_capabilities: Some(capabilities()),
            prior_identity: prior.and_then(|p| p.identity.clone()),
            ..Default::default()
        };
        self.server.plan_resource_change(Request::new(request)).await.unwrap().into_inner()
    }

    /// Plans a configuration against what there is.
    pub async fn plan(&self, name: &str, prior: Option<&Instance>, config: &Value) -> Result<Plan, Diags> {
        let schema = self.schema(name);
        let before = prior.map(|p| p.state.clone());
        let answer = self.proposed(name, prior, config).await;
        if !errors(&answer.diagnostics).is_empty() {
            return Err(answer.diagnostics);
        }
        let planned = self.decode(name, answer.planned_state.as_ref());
        check_plan(&schema.attributes, before.as_ref(), config, &planned, name);
        let replace = answer.requires_replace.iter().map(shown).collect();
        let warnings = warnings(&answer.diagnostics);
        Ok(Plan { planned, replace, warnings, private: answer.planned_private, identity: answer.planned_identity })
    }

    /// Plans for the second time what replaces an object, as a host does right after the first plan of it.
    pub async fn plan_replacement(&self, name: &str, first: &Plan, config: &Value) -> Result<Plan, Diags> {
        let schema = self.schema(name);
        let request = pb::plan_resource_change::Request {
            type_name: name.into(),
            prior_state: Some(self.encode(name, &Value::Null)),
            proposed_new_state: Some(self.encode(name, &propose(&schema.attributes, None, config))),
            config: Some(self.encode(name, config)),
            prior_private: first.private.clone(),
            client_capabilities: Some(capabilities()),
            prior_identity: first.identity.clone(),
            ..Default::default()
        };
        let answer = self.server.plan_resource_change(Request::new(request)).await.unwrap().into_inner();
        if !errors(&answer.diagnostics).is_empty() {
            return Err(answer.diagnostics);
        }
        let planned = self.decode(name, answer.planned_state.as_ref());
        check_plan(&schema.attributes, None, config, &planned, name);
        let warnings = warnings(&answer.diagnostics);
        Ok(Plan {
            planned,
            replace: Vec::new(),
            warnings,
            private: answer.planned_private,
            identity: answer.planned_identity,
        })
    }

    /// Everything that a plan to destroy says.
    pub async fn destroy_diagnostics(&self, name: &str, instance: &Instance) -> Diags {
        self.proposed_removal(name, instance).await.diagnostics
    }

    /// Everything that is said of a provider block, in which `ENDPOINT` and `KEY` stand for the simulator's.
    pub async fn provider_diagnostics(&self, json: &Json) -> Diags {
        let text =
            json.to_string().replace("ENDPOINT", self.sim.endpoint()).replace("KEY", self.sim.service_account_key());
        let of = self.provider.schema().object_type();
        let config = wire::from_json(&serde_json::from_str(&text).unwrap(), &of).unwrap();
        let config = Some(wire::encode(&config, &of).unwrap());
        let request = pb::validate_provider_config::Request { config: config.clone() };
        let answer = self.server.validate_provider_config(Request::new(request)).await.unwrap().into_inner();
        if !errors(&answer.diagnostics).is_empty() {
            return answer.diagnostics;
        }
        let request =
            pb::configure_provider::Request { terraform_version: "1.15.0".into(), config, client_capabilities: None };
        let answer = self.server.configure_provider(Request::new(request)).await.unwrap().into_inner();
        answer.diagnostics
    }

    /// Calls a function. Its error is shown as a diagnostic, with the argument as its attribute.
    pub async fn call(&self, name: &str, arguments: &[Json]) -> Result<(), pb::Diagnostic> {
        let functions = self.provider.functions();
        let function = functions.iter().find(|f| f.name() == name).unwrap_or_else(|| panic!("no function {name}"));
        let signature = function.signature();
        let encode = |(at, json): (usize, &Json)| {
            let of = &signature.parameter(at).unwrap_or_else(|| panic!("{name}: argument {at}")).of;
            let value = wire::from_json(json, of).unwrap_or_else(|e| panic!("{name}: {e}"));
            wire::encode(&value, of).unwrap_or_else(|e| panic!("{name}: {e}"))
        };
        let arguments = arguments.iter().enumerate().map(encode).collect();
        let request = pb::call_function::Request { name: name.into(), arguments };
        let answer = self.server.call_function(Request::new(request)).await.unwrap().into_inner();
        let Some(error) = answer.error else { return Ok(()) };
        let parameter = error.function_argument.and_then(|at| signature.parameter(usize::try_from(at).unwrap()));
        let step = |name: &str| pb::attribute_path::Step {
            selector: Some(pb::attribute_path::step::Selector::AttributeName(name.to_owned())),
        };
        Err(pb::Diagnostic {
            severity: pb::diagnostic::Severity::Error.into(),
            summary: "Error in function call".into(),
            // Hosts add the full stop.
            detail: format!("{}.", error.text),
            attribute: parameter.map(|p| pb::AttributePath { steps: vec![step(p.name)] }),
        })
    }

    /// What a plan to destroy warns of.
    pub async fn plan_destroy(&self, name: &str, instance: &Instance) -> Result<Vec<String>, Diags> {
        let answer = self.proposed_removal(name, instance).await;
        if !errors(&answer.diagnostics).is_empty() {
            return Err(answer.diagnostics);
        }
        Ok(warnings(&answer.diagnostics))
    }

    async fn proposed_removal(&self, name: &str, instance: &Instance) -> pb::plan_resource_change::Response {
        let nothing = Some(self.encode(name, &Value::Null));
        let request = pb::plan_resource_change::Request {
            type_name: name.into(),
            prior_state: Some(self.encode(name, &instance.state)),
            proposed_new_state: nothing.clone(),
            config: nothing,
            prior_private: instance.private.clone(),
            prior_identity: instance.identity.clone(),
            ..Default::default()
        };
        self.server.plan_resource_change(Request::new(request)).await.unwrap().into_inner()
    }

    /// Plans and applies.
    pub async fn apply(
        &self,
        name: &str,
        prior: Option<&Instance>,
        config: &Value,
    ) -> Result<Instance, (Diags, Option<Instance>)> {
        let plan = self.plan(name, prior, config).await.map_err(|d| (d, None))?;
        self.apply_plan(name, prior, config, plan).await
    }

    /// Applies a plan that was made before.
    pub async fn apply_plan(
        &self,
        name: &str,
        prior: Option<&Instance>,
        config: &Value,
        plan: Plan,
    ) -> Result<Instance, (Diags, Option<Instance>)> {
        self.applied(name, prior, config, plan).await.map(|(instance, _)| instance)
    }

    /// Applies a plan that was made before; with the warnings, as lines.
    pub async fn applied(
        &self,
        name: &str,
        prior: Option<&Instance>,
        config: &Value,
        plan: Plan,
    ) -> Result<(Instance, Vec<String>), (Diags, Option<Instance>)> {
        let request = pb::apply_resource_change::Request {
            type_name: name.into(),
            prior_state: Some(self.encode(name, prior.map_or(&Value::Null, |p| &p.state))),
            planned_state: Some(self.encode(name, &plan.planned)),
            config: Some(self.encode(name, config)),
            planned_private: plan.private,
            planned_identity: plan.identity,
            ..Default::default()
        };
        let answer = self.server.apply_resource_change(Request::new(request)).await.unwrap().into_inner();
        let state = self.decode(name, answer.new_state.as_ref());
        let instance = Instance { state, private: answer.private, identity: answer.new_identity };
        if !errors(&answer.diagnostics).is_empty() {
            let kept = (!instance.state.is_null()).then_some(instance);
            return Err((answer.diagnostics, kept));
        }
        assert!(instance.state.is_wholly_known(), "{name}: unknown after apply: {:?}", instance.state);
        let provider = terraform_provider_omni::provider::new();
        let resource = provider.resources().iter().find(|r| r.type_name() == name).expect("registered");
        assert_eq!(instance.identity.is_some(), resource.identity().is_some(), "{name}: identity after apply");
        check_result(&plan.planned, &instance.state, name);
        Ok((instance, warnings(&answer.diagnostics)))
    }

    /// Reads again; `None` when the object is gone.
    pub async fn read(&self, name: &str, instance: &Instance) -> Result<Option<Instance>, Diags> {
        let request = pb::read_resource::Request {
            type_name: name.into(),
            current_state: Some(self.encode(name, &instance.state)),
            private: instance.private.clone(),
            current_identity: instance.identity.clone(),
            ..Default::default()
        };
        let answer = self.server.read_resource(Request::new(request)).await.unwrap().into_inner();
        if !errors(&answer.diagnostics).is_empty() {
            return Err(answer.diagnostics);
        }
        let state = self.decode(name, answer.new_state.as_ref());
        if state.is_null() {
            return Ok(None);
        }
        assert!(state.is_wholly_known(), "{name}: unknown after read: {state:?}");
        Ok(Some(Instance { state, private: answer.private, identity: answer.new_identity }))
    }

    /// State of another shape, upgraded.
    pub async fn upgrade(&self, name: &str, state: &Json) -> Instance {
        let request = pb::upgrade_resource_state::Request {
            type_name: name.into(),
            version: 0,
            raw_state: Some(pb::RawState { json: state.to_string().into_bytes(), ..Default::default() }),
        };
        let answer = self.server.upgrade_resource_state(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), Vec::<String>::new(), "{name}: upgrade");
        Instance { state: self.decode(name, answer.upgraded_state.as_ref()), private: Vec::new(), identity: None }
    }

    /// Imports and reads, by text or by identity.
    pub async fn import(
        &self,
        name: &str,
        id: &str,
        identity: Option<pb::ResourceIdentityData>,
    ) -> Result<Instance, Diags> {
        let request = pb::import_resource_state::Request {
            type_name: name.into(),
            id: if identity.is_some() { String::new() } else { id.into() },
            identity,
            ..Default::default()
        };
        let answer = self.server.import_resource_state(Request::new(request)).await.unwrap().into_inner();
        if !errors(&answer.diagnostics).is_empty() {
            return Err(answer.diagnostics);
        }
        assert_eq!(answer.imported_resources.len(), 1, "{name}: an import brings one object");
        let imported = answer.imported_resources.into_iter().next().unwrap();
        let state = self.decode(name, imported.state.as_ref());
        let instance = Instance { state, private: imported.private, identity: imported.identity };
        Ok(self.read(name, &instance).await?.unwrap_or_else(|| panic!("{name}: imported `{id}` is not there")))
    }

    /// Destroys.
    pub async fn destroy(&self, name: &str, instance: &Instance) -> Result<(), Diags> {
        let answer = self.removal(name, instance).await;
        if !errors(&answer.diagnostics).is_empty() {
            return Err(answer.diagnostics);
        }
        assert!(self.decode(name, answer.new_state.as_ref()).is_null(), "{name}: something is left after destroy");
        Ok(())
    }

    async fn removal(&self, name: &str, instance: &Instance) -> pb::apply_resource_change::Response {
        let request = pb::apply_resource_change::Request {
            type_name: name.into(),
            prior_state: Some(self.encode(name, &instance.state)),
            planned_state: Some(self.encode(name, &Value::Null)),
            config: Some(self.encode(name, &Value::Null)),
            planned_private: instance.private.clone(),
            planned_identity: instance.identity.clone(),
            ..Default::default()
        };
        self.server.apply_resource_change(Request::new(request)).await.unwrap().into_inner()
    }

    /// Removes what a planned replacement takes the place of, as a host does before it makes the successor.
    pub async fn replaced(
        &self,
        name: &str,
        instance: &Instance,
        plan: &Plan,
    ) -> Result<(), (Diags, Option<Instance>)> {
        let old = Instance { private: plan.private.clone(), ..instance.clone() };
        let answer = self.removal(name, &old).await;
        if errors(&answer.diagnostics).is_empty() {
            return Ok(());
        }
        let state = self.decode(name, answer.new_state.as_ref());
        let kept = Instance { state, private: answer.private, identity: answer.new_identity };
        Err((answer.diagnostics, (!kept.state.is_null()).then_some(kept)))
    }

    /// The schema of a data source type.
    pub fn source(&self, name: &str) -> Schema {
        let found = self.provider.data_sources().iter().find(|source| source.type_name() == name);
        found.unwrap_or_else(|| panic!("no data source type {name}")).schema().clone()
    }

    /// Validates a data source, and reads it when that is all right.
    pub async fn look(&self, name: &str, config: &Json) -> Result<Value, Diags> {
        let of = self.source(name).object_type();
        let config = wire::from_json(config, &of).unwrap_or_else(|e| panic!("{name}: {e}"));
        let encoded = || Some(wire::encode(&config, &of).unwrap_or_else(|e| panic!("{name}: {e}")));
        let request = pb::validate_data_resource_config::Request { type_name: name.into(), config: encoded() };
        let answer = self.server.validate_data_resource_config(Request::new(request)).await.unwrap().into_inner();
        if !errors(&answer.diagnostics).is_empty() {
            return Err(answer.diagnostics);
        }
        let request = pb::read_data_source::Request { type_name: name.into(), config: encoded(), ..Default::default() };
        let answer = self.server.read_data_source(Request::new(request)).await.unwrap().into_inner();
        if !errors(&answer.diagnostics).is_empty() {
            return Err(answer.diagnostics);
        }
        let state = wire::decode(answer.state.as_ref(), &of).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(state.is_wholly_known(), "{name}: unknown after a read: {state:?}");
        for (attribute, given) in config.entries().into_iter().flatten().filter(|(_, given)| !given.is_null()) {
            assert_eq!(state.get(attribute), given, "{name}: `{attribute}` is not what was configured");
        }
        Ok(state)
    }

    /// Tells the provider to stop, as Ctrl-C does.
    pub async fn stop(&self) {
        self.server.stop_provider(Request::new(pb::stop_provider::Request {})).await.unwrap();
    }

    fn encode(&self, name: &str, value: &Value) -> pb::DynamicValue {
        wire::encode(value, &self.schema(name).object_type()).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn decode(&self, name: &str, value: Option<&pb::DynamicValue>) -> Value {
        wire::decode(value, &self.schema(name).object_type()).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

fn key(kind: &str, id: &str) -> Key {
    kinds::key(&format!("{kind}.omni.sidero.dev"), id)
}

/// What this host can do.
pub fn capabilities() -> pb::ClientCapabilities {
    pb::ClientCapabilities { write_only_attributes_allowed: true, ..Default::default() }
}

/// The errors among diagnostics, as one line each: `path: summary: detail`.
pub fn errors(diags: &[pb::Diagnostic]) -> Vec<String> {
    lines(diags, pb::diagnostic::Severity::Error)
}

/// The warnings among diagnostics, in the same form.
pub fn warnings(diags: &[pb::Diagnostic]) -> Vec<String> {
    lines(diags, pb::diagnostic::Severity::Warning)
}

fn lines(diags: &[pb::Diagnostic], severity: pb::diagnostic::Severity) -> Vec<String> {
    let severity = i32::from(severity);
    let line = |d: &pb::Diagnostic| {
        format!("{}: {}: {}", d.attribute.as_ref().map(shown).unwrap_or_default(), d.summary, d.detail)
    };
    diags.iter().filter(|d| d.severity == severity).map(line).collect()
}

/// A path as one would write it.
pub fn shown(path: &pb::AttributePath) -> String {
    use pb::attribute_path::step::Selector;
    let mut text = String::new();
    for step in &path.steps {
        match step.selector.as_ref() {
            Some(Selector::AttributeName(name)) if text.is_empty() => text.push_str(name),
            Some(Selector::AttributeName(name)) => text.push_str(&format!(".{name}")),
            Some(Selector::ElementKeyString(key)) => text.push_str(&format!("[{key:?}]")),
            Some(Selector::ElementKeyInt(index)) => text.push_str(&format!("[{index}]")),
            None => {}
        }
    }
    text
}

/// What Terraform proposes: the configuration, with what was there before in the place of unset computed attributes.
fn propose(attributes: &[Attribute], prior: Option<&Value>, config: &Value) -> Value {
    let propose_one = |attribute: &Attribute| -> Value {
        let given = config.get(attribute.name);
        let before = prior.map_or(&Value::Null, |p| p.get(attribute.name));
        match &attribute.kind {
            _ if given.is_null() && attribute.computed_mode() && !could_be_configured(attribute, before) => {
                before.clone()
            }
            Kind::Nested(Nesting::Single, nested) if matches!(given, Value::Object(_)) => {
                let before = Some(before).filter(|b| matches!(b, Value::Object(_)));
                propose(nested, before, given)
            }
            _ => given.clone(),
        }
    };
    Value::object(attributes.iter().map(|a| (a.name, propose_one(a))))
}

/// Whether a nested value holds what only a configuration can have given: Terraform then proposes null.
fn could_be_configured(attribute: &Attribute, before: &Value) -> bool {
    let objects: Vec<&Value> = match before {
        Value::Object(_) => vec![before],
        Value::Map(entries) => entries.values().collect(),
        other => other.elements().iter().collect(),
    };
    attribute.nested().iter().any(|nested| {
        let set = objects.iter().any(|o| !o.get(nested.name).is_null());
        set && (!nested.computed_mode() || objects.iter().any(|o| could_be_configured(nested, o.get(nested.name))))
    })
}

/// A planned value is the configured one, the prior one, or computed.
fn check_plan(attributes: &[Attribute], prior: Option<&Value>, config: &Value, planned: &Value, at: &str) {
    for attribute in attributes {
        let name = format!("{at}.{}", attribute.name);
        let (given, plan) = (config.get(attribute.name), planned.get(attribute.name));
        let before = prior.map_or(&Value::Null, |p| p.get(attribute.name));
        if attribute.write_only {
            assert!(plan.is_null(), "{name}: a write-only value is planned");
            continue;
        }
        if let (Kind::Nested(Nesting::Single, nested), Value::Object(_), Value::Object(_)) =
            (&attribute.kind, given, plan)
        {
            check_plan(nested, Some(before).filter(|b| matches!(b, Value::Object(_))), given, plan, &name);
            continue;
        }
        let legal = plan == given
            || (!given.is_null() && !before.is_null() && plan == before)
            || (given.is_null() && attribute.computed_mode());
        assert!(legal, "{name}: planned {plan:?}, configured {given:?}, was {before:?}");
    }
}

/// What was planned and known is what is there afterwards.
fn check_result(planned: &Value, state: &Value, at: &str) {
    match (planned, state) {
        (Value::Unknown(_), _) => {}
        (Value::Object(planned), Value::Object(state)) => {
            for (name, value) in planned {
                check_result(value, state.get(name).unwrap_or(&Value::Null), &format!("{at}.{name}"));
            }
        }
        _ => assert_eq!(planned, state, "{at}: differs from the plan"),
    }
}
