//! A provider that stores nothing: what it does follows from the name of the thing.

use crate::tf::data_source::DataSource;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::ephemeral::{Ephemeral, Opened, Renewed};
use crate::tf::function::{Function, FunctionError, Parameter, Signature};
use crate::tf::path::Path;
use crate::tf::provider::Provider;
use crate::tf::resource::{Context, Create, Delete, ImportBy, Outcome, Plan, Private, Read, Resource, Update};
use crate::tf::schema::{IdentitySchema, Schema, number, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

pub const THING: &str = "test_thing";
pub const LOOKUP: &str = "test_lookup";
pub const LEASE: &str = "test_lease";

static PROVIDER_SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| Schema::new("A provider for tests.").with(string("endpoint").required().doc("Where.")));

static THING_SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new("A thing.").with_all([
        string("name").required().replaces().doc("Its name, which says how it behaves."),
        number("size").default(1).doc("How big."),
        string("note").doc("Anything."),
        string("label").same_if(|a, b| a.eq_ignore_ascii_case(b)).doc("The server shouts it."),
        string("secret").write_only().doc("Never stored."),
        string("id").computed().stays().doc("Given by the server."),
        number("count").computed().doc("How often it was written."),
    ])
});

static LOOKUP_SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new("Looks up.").with_all([
        string("key").required().doc("What."),
        string("prefix").default("to ").doc("In front."),
        string("value").computed().doc("What was found."),
    ])
});

static IDENTITY: LazyLock<IdentitySchema> = LazyLock::new(|| IdentitySchema::of("id", "The id."));

pub fn thing_schema() -> &'static Schema {
    &THING_SCHEMA
}

pub fn lookup_schema() -> &'static Schema {
    &LOOKUP_SCHEMA
}

pub fn provider_schema() -> &'static Schema {
    &PROVIDER_SCHEMA
}

pub fn thing_identity() -> &'static IdentitySchema {
    &IDENTITY
}

pub fn new() -> Arc<dyn Provider> {
    Arc::new(TestProvider {
        resources: vec![Arc::new(Thing), super::vault::new()],
        data_sources: vec![Arc::new(Lookup)],
        ephemerals: vec![Arc::new(Lease)],
        functions: vec![Arc::new(Join)],
    })
}

struct TestProvider {
    resources: Vec<Arc<dyn Resource>>,
    data_sources: Vec<Arc<dyn DataSource>>,
    ephemerals: Vec<Arc<dyn Ephemeral>>,
    functions: Vec<Arc<dyn Function>>,
}

#[async_trait]
impl Provider for TestProvider {
    fn schema(&self) -> &Schema {
        provider_schema()
    }

    async fn validate(&self, _: &Context, config: &Value, diags: &mut Diagnostics) {
        if config.get("endpoint").as_str() == Some("nowhere") {
            diags.push(Diagnostic::error("No such place", "Really.").at(Path::of("endpoint")));
        }
    }

    async fn configure(&self, _: &Context, config: Value, terraform_version: &str) -> Diagnostics {
        let endpoint = config.get("endpoint").as_str().unwrap_or("(unknown)").to_owned();
        Diagnostic::warning("Configured", format!("{endpoint} by {terraform_version}")).into()
    }

    fn resources(&self) -> &[Arc<dyn Resource>] {
        &self.resources
    }

    fn data_sources(&self) -> &[Arc<dyn DataSource>] {
        &self.data_sources
    }

    fn ephemerals(&self) -> &[Arc<dyn Ephemeral>] {
        &self.ephemerals
    }

    fn functions(&self) -> &[Arc<dyn Function>] {
        &self.functions
    }
}

struct Thing;

fn private(what: &str) -> Private {
    let mut private = Private::default();
    private.set("from", what);
    private
}

fn identity(state: &Value) -> Option<Value> {
    Some(Value::object([("id", state.get("id").clone())]))
}

/// The server has its own way of writing labels.
fn shout(state: &mut Value) {
    let label = state.get("label").as_str().map(|label| match label {
        "taken otherwise" => "something else".to_owned(),
        label => label.to_uppercase(),
    });
    state.set("label", label.into());
}

/// The planned state with everything computed filled in.
fn written(mut state: Value, count: i64) -> Outcome {
    if state.get("id").is_unknown() {
        let id = format!("id-{}", state.get("name").as_str().unwrap_or_default());
        state.set("id", id.into());
    }
    state.set("count", count.into());
    shout(&mut state);
    Outcome { identity: identity(&state), state: Some(state), private: private("apply"), ..Outcome::default() }
}

fn refusal() -> Diagnostic {
    Diagnostic::error("Refused", "The server says no.").at(Path::of("name"))
}

#[async_trait]
impl Resource for Thing {
    fn type_name(&self) -> &'static str {
        THING
    }

    fn schema(&self) -> &Schema {
        thing_schema()
    }

    fn identity(&self) -> Option<&IdentitySchema> {
        Some(thing_identity())
    }

    async fn validate(&self, _: &Context, config: &Value, diags: &mut Diagnostics) {
        if config.get("note").as_str() == Some("bad") {
            diags.push(Diagnostic::error("Bad note", "It says so.").at(Path::of("note")));
        }
    }

    fn upgrade(
        &self,
        version: i64,
        mut state: serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Map<String, serde_json::Value>, Diagnostic> {
        if version > 7 {
            return Err(Diagnostic::error("Too new", "From the future."));
        }
        if let Some(old) = state.remove("title") {
            state.insert("name".into(), old);
        }
        Ok(state)
    }

    async fn plan(&self, _: &Context, plan: &mut Plan<'_>) {
        if plan.config.get("name").as_str() == Some("bug in plan") {
            panic!("as asked");
        }
        // A careless provider; the server has to set it right.
        plan.planned.set("secret", plan.config.get("secret").clone());
        plan.private.set("planned", true);
        if plan.config.get("note").as_str() == Some("anew") {
            plan.replace.push(Path::of("note"));
        }
    }

    async fn plan_delete(&self, _: &Context, prior: &Value, _: &mut Private, diags: &mut Diagnostics) {
        if prior.get("name").as_str() == Some("kept") {
            diags.push(refusal());
        }
    }

    async fn create(&self, context: &Context, request: Create) -> Outcome {
        let name = request.planned.get("name").as_str().unwrap_or_default().to_owned();
        let mut outcome = written(request.planned, 1);
        match name.as_str() {
            "bug" => panic!("as asked"),
            "slow" => {
                context.cancel.cancelled().await;
                outcome.diags.push(Diagnostic::error("Stopped", "Half done."));
            }
            "broken" => outcome.diags.push(refusal()),
            "refused" => return Outcome::failed(refusal()),
            "nothing" => outcome.state = None,
            "open" => {
                outcome.state.iter_mut().for_each(|s| s.set("count", Value::UNKNOWN));
            }
            "leaky" => {
                let secret = request.config.get("secret").clone();
                outcome.state.iter_mut().for_each(|s| s.set("secret", secret.clone()));
            }
            "strange" => outcome.state = Some(Value::from("no object at all")),
            _ => {}
        }
        outcome
    }

    async fn read(&self, _: &Context, request: Read) -> Outcome {
        match request.state.get("name").as_str().unwrap_or_default() {
            "gone" => Outcome::default(),
            "refused" => Outcome::failed(refusal()),
            _ => {
                let mut state = request.state;
                shout(&mut state);
                let by_identity = request.identity.map(|i| i.get("id").clone());
                state.set("note", by_identity.unwrap_or(Value::Null));
                Outcome { state: Some(state), private: request.private, ..Outcome::default() }
            }
        }
    }

    async fn update(&self, _: &Context, request: Update) -> Outcome {
        match request.planned.get("note").as_str().unwrap_or_default() {
            "refused" => Outcome::failed(refusal()),
            "half" => {
                let mut outcome = written(request.prior, 9);
                outcome.diags.push(refusal());
                outcome
            }
            "bug" => panic!("as asked"),
            _ => written(request.planned, request.prior.get("count").as_i64().unwrap_or_default() + 1),
        }
    }

    async fn delete(&self, _: &Context, request: Delete) -> Outcome {
        if request.prior.get("name").as_str() == Some("refused") {
            return Outcome::failed(refusal());
        }
        Outcome::default()
    }

    async fn import(&self, _: &Context, by: ImportBy) -> Outcome {
        let id = match by {
            ImportBy::Id(id) if id == "missing" => return Outcome::default(),
            ImportBy::Id(id) => id,
            ImportBy::Identity(identity) => identity.get("id").as_str().unwrap_or_default().to_owned(),
        };
        let mut state = thing_schema().null_object();
        state.set("id", id.into());
        Outcome { state: Some(state), private: private("import"), ..Outcome::default() }
    }
}

struct Lookup;

#[async_trait]
impl DataSource for Lookup {
    fn type_name(&self) -> &'static str {
        LOOKUP
    }

    fn schema(&self) -> &Schema {
        lookup_schema()
    }

    async fn validate(&self, _: &Context, config: &Value, diags: &mut Diagnostics) {
        if config.get("key").as_str() == Some("bad") {
            diags.push(Diagnostic::error("Bad key", "It says so.").at(Path::of("key")));
        }
    }

    async fn read(&self, _: &Context, mut config: Value) -> Result<Value, Diagnostics> {
        let key = config.get("key").as_str().unwrap_or_default().to_owned();
        match key.as_str() {
            "missing" => return Err(Diagnostic::error("Not found", "Nowhere.").at(Path::of("key")).into()),
            "null" => return Ok(Value::Null),
            "open" => config.set("value", Value::UNKNOWN),
            "bug" => panic!("as asked"),
            _ => {
                let value = format!("{}{key}", config.get("prefix").as_str().unwrap_or("(no prefix) "));
                config.set("value", value.into());
            }
        }
        Ok(config)
    }
}

static LEASE_SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new("A lease.").with_all([
        string("name").required().doc("Its name, which says how it behaves."),
        string("word").default("hush").doc("What is leased."),
        string("value").computed().sensitive().doc("What was leased."),
    ])
});

pub fn lease_schema() -> &'static Schema {
    &LEASE_SCHEMA
}

struct Lease;

#[async_trait]
impl Ephemeral for Lease {
    fn type_name(&self) -> &'static str {
        LEASE
    }

    fn schema(&self) -> &Schema {
        lease_schema()
    }

    async fn validate(&self, _: &Context, config: &Value, diags: &mut Diagnostics) {
        if config.get("name").as_str() == Some("bad") {
            diags.push(Diagnostic::error("Bad name", "It says so.").at(Path::of("name")));
        }
    }

    async fn open(&self, _: &Context, mut config: Value) -> Result<Opened, Diagnostics> {
        let name = config.get("name").as_str().unwrap_or_default().to_owned();
        let word = config.get("word").clone();
        match name.as_str() {
            "missing" => return Err(Diagnostic::error("Not found", "Nowhere.").at(Path::of("name")).into()),
            "bug" => panic!("as asked"),
            "open" => config.set("value", Value::UNKNOWN),
            "wrong" => config.set("value", Value::List(Vec::new())),
            _ => config.set("value", word),
        }
        let mut opened = Opened::new(config);
        opened.private = private("open");
        opened.renew_at = Some(Duration::from_millis(61_500));
        Ok(opened)
    }

    async fn renew(&self, _: &Context, kept: Private) -> Result<Renewed, Diagnostics> {
        let from: String = kept.get("from").unwrap_or_default();
        Ok(Renewed { private: private(&format!("renewed {from}")), ..Renewed::default() })
    }

    async fn close(&self, _: &Context, kept: Private) -> Result<(), Diagnostics> {
        // The only way for a test to see what came.
        Err(Diagnostic::error("Closed", kept.get::<String>("from").unwrap_or_default()).into())
    }
}

static JOIN_SIGNATURE: LazyLock<Signature> = LazyLock::new(|| Signature {
    summary: "Joins texts.",
    description: "Joins texts by another.",
    parameters: vec![Parameter::new("by", Type::String, "What stands between them.")],
    variadic: Some(Parameter::new("text", Type::String, "What is joined.")),
    returns: Type::String,
});

struct Join;

impl Function for Join {
    fn name(&self) -> &'static str {
        "join"
    }

    fn signature(&self) -> &Signature {
        &JOIN_SIGNATURE
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let texts: Vec<_> = arguments.iter().filter_map(Value::as_str).collect();
        match texts.as_slice() {
            [_, "bad", ..] => Err(FunctionError::at(1, "This is bad.")),
            [_, "bug", ..] => panic!("as asked"),
            [by, texts @ ..] => Ok(texts.join(by).into()),
            [] => Ok("".into()),
        }
    }
}
