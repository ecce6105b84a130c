//! A provider that stores nothing: what it does follows from the name of the thing.

use crate::tf::action::{Action, Progress};
use crate::tf::data_source::DataSource;
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::done::{Deferral, Done};
use crate::tf::ephemeral::{Ephemeral, Opened, Renewed};
use crate::tf::function::{Function, FunctionError, Parameter, Signature};
use crate::tf::list_resource::{ListRequest, ListResource, ListResult, ListResults};
use crate::tf::path::Path;
use crate::tf::provider::Provider;
use crate::tf::resource::{Context, Create, Delete, ImportBy, Outcome, Plan, Private, Read, Resource, Update};
use crate::tf::schema::{IdentitySchema, Schema, number, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

pub const THING: &str = "test_thing";
pub const LOOKUP: &str = "test_lookup";
pub const LEASE: &str = "test_lease";

static PROVIDER_SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| Schema::new("A provider for tests.").with(string("endpoint").required().doc("Where.")));

static THING_SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new("A thing.")
        .with_all([
            string("name").required().replaces().doc("Its name, which says how it behaves."),
            number("size").default(1).doc("How big."),
            string("note").doc("Anything."),
            string("label").same_if(|a, b| a.eq_ignore_ascii_case(b)).doc("The server shouts it."),
            string("secret").write_only().doc("Never stored."),
            string("id").computed().stays().doc("Given by the server."),
            number("count").computed().doc("How often it was written."),
        ])
        .moved_from("test_box", |state| {
            let title = state.remove("title").ok_or_else(|| Diagnostic::error("Empty box", "It has no title."))?;
            state.insert("name".to_owned(), title);
            Ok(())
        })
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
        list_resources: vec![Arc::new(ThingList)],
        actions: vec![Arc::new(Ring)],
        functions: vec![Arc::new(Join)],
        waits: AtomicBool::new(false),
    })
}

struct TestProvider {
    resources: Vec<Arc<dyn Resource>>,
    data_sources: Vec<Arc<dyn DataSource>>,
    ephemerals: Vec<Arc<dyn Ephemeral>>,
    list_resources: Vec<Arc<dyn ListResource>>,
    actions: Vec<Arc<dyn Action>>,
    functions: Vec<Arc<dyn Function>>,
    /// The endpoint is not known.
    waits: AtomicBool,
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
        self.waits.store(config.get("endpoint").is_unknown(), Ordering::Relaxed);
        let endpoint = config.get("endpoint").as_str().unwrap_or("(unknown)").to_owned();
        Diagnostic::warning("Configured", format!("{endpoint} by {terraform_version}")).into()
    }

    fn deferral(&self) -> Option<Deferral> {
        self.waits.load(Ordering::Relaxed).then_some(Deferral::ProviderConfigUnknown)
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

    fn list_resources(&self) -> &[Arc<dyn ListResource>] {
        &self.list_resources
    }

    fn actions(&self) -> &[Arc<dyn Action>] {
        &self.actions
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
impl Described for Thing {
    fn type_name(&self) -> &'static str {
        THING
    }

    fn schema(&self) -> &Schema {
        thing_schema()
    }

    async fn validate(&self, _: &Context, config: &Value, diags: &mut Diagnostics) {
        if config.get("note").as_str() == Some("bad") {
            diags.push(Diagnostic::error("Bad note", "It says so.").at(Path::of("note")));
        }
    }
}

#[async_trait]
impl Resource for Thing {
    fn identity(&self) -> Option<&IdentitySchema> {
        Some(thing_identity())
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
impl Described for Lookup {
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
}

#[async_trait]
impl DataSource for Lookup {
    async fn read(&self, _: &Context, mut config: Value) -> Result<Done<Value>, Diagnostics> {
        let key = config.get("key").as_str().unwrap_or_default().to_owned();
        match key.as_str() {
            "missing" => return Err(Diagnostic::error("Not found", "Nowhere.").at(Path::of("key")).into()),
            "null" => return Ok(Value::Null.into()),
            "late" => return Ok(Done::from(config).defer(Deferral::AbsentPrerequisite)),
            "odd" => {
                config.set("value", "odd".into());
                return Ok(Done::from(config).warn(Diagnostic::warning("Odd key", "It is odd.")));
            }
            "open" => config.set("value", Value::UNKNOWN),
            "bug" => panic!("as asked"),
            _ => {
                let value = format!("{}{key}", config.get("prefix").as_str().unwrap_or("(no prefix) "));
                config.set("value", value.into());
            }
        }
        Ok(config.into())
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
impl Described for Lease {
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
}

#[async_trait]
impl Ephemeral for Lease {
    async fn open(&self, _: &Context, mut config: Value) -> Result<Done<Opened>, Diagnostics> {
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
        Ok(opened.into())
    }

    async fn renew(&self, _: &Context, kept: Private) -> Result<Done<Renewed>, Diagnostics> {
        let from: String = kept.get("from").unwrap_or_default();
        Ok(Renewed { private: private(&format!("renewed {from}")), ..Renewed::default() }.into())
    }

    async fn close(&self, _: &Context, kept: Private) -> Result<Done<()>, Diagnostics> {
        // The only way for a test to see what came.
        Err(Diagnostic::error("Closed", kept.get::<String>("from").unwrap_or_default()).into())
    }
}

static LIST_SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new("Lists things.").with_all([
        string("mode").default("plain").doc("How it behaves."),
        number("count").default(1000).doc("How many things exist."),
    ])
});

pub fn list_schema() -> &'static Schema {
    &LIST_SCHEMA
}

/// How many results were handed on in this process, and whether a list was cancelled.
pub static LISTED: AtomicU64 = AtomicU64::new(0);
pub static CANCELLED: LazyLock<tokio::sync::Semaphore> = LazyLock::new(|| tokio::sync::Semaphore::new(0));

struct ThingList;

#[async_trait]
impl Described for ThingList {
    fn type_name(&self) -> &'static str {
        THING
    }

    fn schema(&self) -> &Schema {
        list_schema()
    }

    async fn validate(&self, _: &Context, config: &Value, diags: &mut Diagnostics) {
        if config.get("mode").as_str() == Some("bad") {
            diags.push(Diagnostic::error("Bad mode", "It says so.").at(Path::of("mode")));
        }
    }
}

#[async_trait]
impl ListResource for ThingList {
    async fn list(
        &self,
        context: &Context,
        request: ListRequest,
        results: &mut dyn ListResults,
    ) -> Result<(), Diagnostics> {
        let mode = request.config.get("mode").as_str().unwrap_or_default().to_owned();
        for n in 0..request.config.get("count").as_i64().unwrap_or_default() {
            match (mode.as_str(), n) {
                ("fails", 2) => return Err(Diagnostic::error("Lost the server", "In the middle.").into()),
                ("panics", 2) => panic!("as asked"),
                ("hangs", 2) => {
                    context.cancel.cancelled().await;
                    CANCELLED.add_permits(1);
                    return Ok(());
                }
                _ => {}
            }
            let mut object = thing_schema().null_object();
            object.set("id", format!("id-{n}").into());
            object.set("name", format!("thing {n}").into());
            object.set("secret", "never listed".into());
            let object = (request.include_object && mode != "no object").then_some(object);
            let id = if mode == "no identity" { Value::Null } else { format!("id-{n}").into() };
            let warnings = match mode.as_str() {
                "warns" => Diagnostic::warning("Half a thing", format!("Thing {n}.")).into(),
                _ => Diagnostics::new(),
            };
            let identity = Value::object([("id", id)]);
            let result = ListResult { identity, display_name: format!("Thing {n}"), object, warnings };
            if mode == "counted" {
                LISTED.fetch_add(1, Ordering::SeqCst);
            }
            if results.push(result).await.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }
}

pub const RING: &str = "test_ring";

static RING_SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new("Rings.")
        .with_all([string("mode").required().doc("How it behaves."), number("times").default(2).doc("How often.")])
});

pub fn ring_schema() -> &'static Schema {
    &RING_SCHEMA
}

struct Ring;

#[async_trait]
impl Described for Ring {
    fn type_name(&self) -> &'static str {
        RING
    }

    fn schema(&self) -> &Schema {
        ring_schema()
    }

    async fn validate(&self, _: &Context, config: &Value, diags: &mut Diagnostics) {
        if config.get("mode").as_str() == Some("bad") {
            diags.push(Diagnostic::error("Bad mode", "It says so.").at(Path::of("mode")));
        }
    }
}

#[async_trait]
impl Action for Ring {
    async fn plan(&self, _: &Context, config: &Value) -> Result<Done<()>, Diagnostics> {
        match config.get("mode").as_str() {
            Some("refused") => Err(refusal().into()),
            Some("late") => Ok(Done::from(()).defer(Deferral::ProviderConfigUnknown)),
            Some("loud") => Ok(Done::from(()).warn(Diagnostic::warning("Loud", "It is loud."))),
            _ => Ok(().into()),
        }
    }

    async fn invoke(&self, context: &Context, config: Value, progress: &dyn Progress) -> Result<Done<()>, Diagnostics> {
        for n in 0..config.get("times").as_i64().unwrap_or_default() {
            progress.report(format!("ring {n}")).await;
            progress.report(String::new()).await;
        }
        match config.get("mode").as_str() {
            Some("fails") => Err(refusal().into()),
            Some("panics") => panic!("as asked"),
            Some("loud") => Ok(Done::from(()).warn(Diagnostic::warning("Loud", "It is loud."))),
            Some("hangs") => {
                context.cancel.cancelled().await;
                CANCELLED.add_permits(1);
                Err(Diagnostic::error("Stopped", "Half done.").into())
            }
            _ => Ok(().into()),
        }
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
