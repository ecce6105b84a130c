//! The engine of every action: the session, the time limit, refusals of a read-only provider, progress, and what a failure tells.
//! A file of a noun defines the attributes, the checks and the work of an action; this file names none of them.

use super::base::{check_read_only, check_suspended};
use super::failure::Failure;
use super::{Cx, Object};
use crate::omni::spec::Spec;
use crate::omni::state::watch::named;
use crate::omni::{Call, Client, Error, ErrorKind, Event, Key, Resource as Stored};
use crate::provider::duration;
use crate::provider::errors::Operation;
use crate::provider::ledger;
use crate::provider::session::{Handle, Session};
use crate::provider::since;
use crate::provider::wait::Step;
use crate::tf::action::{Action, Progress};
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::done::Done;
use crate::tf::plan::with_defaults;
use crate::tf::resource::Context;
use crate::tf::schema::{Schema, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::text::printable;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The attribute that limits how long an action may take.
const TIMEOUT: &str = "timeout";

/// The limit of an action whose own is no duration.
const FALLBACK_TIMEOUT: Duration = Duration::from_secs(600);

/// What the engine has to know of an action.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// Its full name: `omni_cluster_lock`.
    pub(crate) name: &'static str,
    /// What it does, as messages say it: `lock`.
    pub(crate) verb: &'static str,
    /// What it does that to, in words: `cluster`.
    pub(crate) noun: &'static str,
    /// The attribute that names the object; empty where there is none.
    pub(crate) id: &'static str,
    /// The limit where the configuration sets none, as a Go duration.
    pub(crate) timeout: &'static str,
    /// The role that it requires, as a sentence of its page.
    pub(crate) role: &'static str,
}

impl Facts {
    /// The operation on the object that the configuration names.
    pub(crate) fn operation<'a>(&self, config: &'a Value) -> Operation<'a> {
        self.operation_on(config.get(self.id).as_str().unwrap_or_default())
    }

    /// The operation on the object of this id, for messages.
    fn operation_on<'a>(&self, id: &'a str) -> Operation<'a> {
        Operation { verb: self.verb, noun: self.noun, id, id_attribute: self.id }
    }
}

/// An action, as the room of its noun defines it.
///
/// A host validates the configuration, has it planned, and then invokes the action: in an apply, or by hand with
/// `terraform apply -invoke`.
#[async_trait]
pub(crate) trait OmniAction: Send + Sync + 'static {
    /// Its name, and how messages call it.
    fn facts(&self) -> Facts;

    /// What its page says, and its attributes; the engine adds `timeout`.
    fn schema(&self) -> Schema;

    /// What messages call the object that the configuration names: another text than its id where that is a secret.
    fn display<'a>(&self, config: &'a Value) -> &'a str {
        config.get(self.facts().id).as_str().unwrap_or_default()
    }

    /// What to do when the action ends before what it has requested is over, where Omni goes on with that by itself and another
    /// invocation would request it once more; `None` where another invocation continues.
    fn goes_on(&self, _config: &Value) -> Option<String> {
        None
    }

    /// Whether this configuration changes something in Omni: a read-only provider refuses it then.
    fn writes(&self, _config: &Value) -> bool {
        true
    }

    /// Checks of the configuration that need no server; it may hold unknowns.
    fn validate(&self, _config: &Value, _diags: &mut Diagnostics) {}

    /// Checks a configuration with its defaults against the server, at plan time; it may hold unknowns.
    /// What depends on other objects as they are now is a warning, since they may change before the action is invoked.
    ///
    /// # Errors
    /// When that cannot be found out.
    async fn check(&self, _cx: &Cx, _config: &Value, _diags: &mut Diagnostics) -> Result<(), Failure> {
        Ok(())
    }

    /// Does the work. The configuration is wholly known and has its defaults.
    ///
    /// # Errors
    /// When it failed; the engine adds what `run` was told of what is done and what was seen.
    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure>;
}

/// The action type of an action.
pub(crate) fn action(item: impl OmniAction, handle: &Handle) -> Arc<dyn Action> {
    let facts = item.facts();
    let limit = string(TIMEOUT)
        .default(facts.timeout)
        .check(duration::is_positive())
        .doc("Timeout of the action, including waits, as a Go duration such as `30m`. After a timeout the action fails, and what it has started in Omni goes on.");
    let mut schema = item.schema().with(limit);
    schema.description = with_role(&schema.description, facts.role);
    Arc::new(ActionType { item, facts, schema, handle: handle.clone() })
}

/// What the page of an action says, with the role at the end of the first paragraph: a callout may follow.
fn with_role(about: &str, role: &str) -> String {
    let (first, rest) = about.split_at(about.find("\n\n").unwrap_or(about.len()));
    format!("{first} {role}{rest}")
}

struct ActionType<A> {
    item: A,
    facts: Facts,
    schema: Schema,
    handle: Handle,
}

impl<A: OmniAction> ActionType<A> {
    fn call(&self, limit: Duration, context: &Context, config: &Value) -> Call {
        Call::within(limit, &context.cancel).in_cluster(config.get("cluster").as_str())
    }

    async fn checked(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        if self.item.writes(config) {
            check_read_only(cx, ledger::Action::Update, diags);
            check_suspended(cx, ledger::Action::Update, diags).await?;
        }
        since::check_values(cx, (self.facts.name, "action"), &self.schema, (config, config), diags).await;
        // What an older Omni lacks says enough.
        if diags.has_errors() { Ok(()) } else { self.item.check(cx, config, diags).await }
    }
}

#[async_trait]
impl<A: OmniAction> Described for ActionType<A> {
    fn type_name(&self) -> &'static str {
        self.facts.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate(&self, _context: &Context, config: &Value, diags: &mut Diagnostics) {
        self.item.validate(config, diags);
    }
}

#[async_trait]
impl<A: OmniAction> Action for ActionType<A> {
    async fn plan(&self, context: &Context, config: &Value) -> Result<Done<()>, Diagnostics> {
        let Some(session) = self.handle.ready() else { return Ok(Done::from(())) };
        let config = with_defaults(&self.schema, config, config);
        let call = self.call(session.timeouts.read, context, &config);
        let mut diags = Diagnostics::new();
        if let Err(failure) = self.checked(&Cx { session, call }, &config, &mut diags).await {
            diags.push(failure.explain_invoked(&self.facts.operation_on(self.item.display(&config))));
        }
        if diags.has_errors() { Err(diags) } else { Ok(Done::from(()).warn(diags)) }
    }

    async fn invoke(&self, context: &Context, config: Value, progress: &dyn Progress) -> Result<Done<()>, Diagnostics> {
        let session = self.handle.session()?;
        let operation = self.facts.operation_on(self.item.display(&config));
        let writes = self.item.writes(&config);
        if writes {
            session.may_write(operation.verb, &format!("{} ({})", operation.what(), self.facts.name))?;
        }
        let limit = [config.get(TIMEOUT).as_str().unwrap_or_default(), self.facts.timeout].map(duration::of);
        let limit = limit.into_iter().flatten().next().unwrap_or(FALLBACK_TIMEOUT);
        let call = self.call(limit, context, &config);
        let run = Run { cx: Cx { session, call }, progress, record: Mutex::default() };
        // The plan may not have had a server to ask.
        let mut lacks = Diagnostics::new();
        since::check_values(run.cx(), (self.facts.name, "action"), &self.schema, (&config, &config), &mut lacks).await;
        if lacks.has_errors() {
            return Err(lacks);
        }
        match self.item.invoke(&run, &config).await {
            Ok(()) => Ok(Done::from(())),
            Err(failure) => {
                let goes_on = self.item.goes_on(&config).filter(|_| failure.is_of_call() && run.has_requested());
                let mut diagnostic = run.failed(failure, &operation, writes);
                if goes_on.is_some() {
                    diagnostic.hint = goes_on;
                }
                Err(diagnostic.into())
            }
        }
    }
}

/// What was told of an action that runs.
#[derive(Default)]
struct Record {
    /// What is done, and stays so whatever comes next.
    done: Vec<String>,
    /// The state that was seen last.
    seen: String,
    /// A write was sent, and nobody knows what became of it.
    open: bool,
}

/// An action that runs: its session and limits, and where it tells what goes on.
pub(crate) struct Run<'a> {
    cx: Cx,
    progress: &'a dyn Progress,
    record: Mutex<Record>,
}

impl Run<'_> {
    /// The session and the limits, for reads.
    pub(crate) fn cx(&self) -> &Cx {
        &self.cx
    }

    pub(crate) fn session(&self) -> &Session {
        &self.cx.session
    }

    pub(crate) fn client(&self) -> &Client {
        self.cx.client()
    }

    pub(crate) fn call(&self) -> &Call {
        &self.cx.call
    }

    /// The object of this id as it is now; `None` when there is none. What an action is to do must not depend on a cache that is behind.
    ///
    /// # Errors
    /// When Omni refuses or does not answer.
    pub(crate) async fn find_fresh<S: Spec>(&self, id: &str) -> Result<Option<Object<S>>, Error> {
        let found = self.client().get_fresh(self.call(), &S::KIND.key(id)).await?;
        found.map(Object::decode).transpose()
    }

    /// Whether Omni has, or may have, what the action asks for.
    fn has_requested(&self) -> bool {
        let record = self.record();
        record.open || !record.done.is_empty()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what goes on, in one line.
    pub(crate) async fn say(&self, text: impl Into<String>) {
        self.show(printable(text)).await;
    }

    /// Tells what goes on, in as many lines as the text has.
    pub(crate) async fn say_lines(&self, text: &str) {
        self.show(text.lines().map(printable).collect::<Vec<_>>().join("\n")).await;
    }

    async fn show(&self, text: String) {
        tokio::select! {
            biased;
            () = self.progress.report(text) => {}
            // A host that does not read any more holds up nothing.
            () = self.call().cancel.cancelled() => {}
            () = tokio::time::sleep_until(self.call().deadline) => {}
        }
    }

    /// Tells of something that is done and stays so; a failure that comes later repeats it. The text ends without a full stop.
    pub(crate) async fn done(&self, text: impl Into<String>) {
        let text = printable(text);
        self.note(text.clone());
        self.show(text).await;
    }

    /// Notes that something is done which was told already.
    pub(crate) fn note(&self, text: impl Into<String>) {
        self.record().done.push(printable(text));
    }

    /// Tells the state of what is waited for, unless it is the one that was told last. The text ends without a full stop.
    pub(crate) async fn seen(&self, text: impl Into<String>) {
        let text = printable(text);
        if std::mem::replace(&mut self.record().seen, text.clone()) != text {
            self.show(text).await;
        }
    }

    /// Makes a write; when nobody knows what became of it, a failure of the action says so.
    ///
    /// # Errors
    /// Those of the write.
    pub(crate) async fn write<T>(&self, write: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Error> {
        let written = write.await;
        self.record().open = written.as_ref().is_err_and(Error::may_have_happened);
        written
    }

    /// Watches the object until `judge` says that it is as it is to be; what it says until then is progress.
    /// `what` is what is waited for, to go after "waiting for".
    ///
    /// # Errors
    /// Those of `judge`; or when the time is up, the action is stopped, or Omni refuses.
    pub(crate) async fn wait(
        &self,
        key: &Key,
        what: &str,
        judge: impl FnMut(Option<&Stored>) -> Result<Step, Failure> + Send,
    ) -> Result<(), Failure> {
        self.wait_by(self.call(), key, what, judge).await
    }

    /// The same for an object of this cluster, where the configuration of the action does not name it: rights by an access policy
    /// allow the watch only with that, and the object may be gone by then.
    ///
    /// # Errors
    /// As for [`Run::wait`].
    pub(crate) async fn wait_in(
        &self,
        cluster: &str,
        key: &Key,
        what: &str,
        judge: impl FnMut(Option<&Stored>) -> Result<Step, Failure> + Send,
    ) -> Result<(), Failure> {
        self.wait_by(&self.call().clone().in_cluster(Some(cluster)), key, what, judge).await
    }

    async fn wait_by(
        &self,
        call: &Call,
        key: &Key,
        what: &str,
        mut judge: impl FnMut(Option<&Stored>) -> Result<Step, Failure> + Send,
    ) -> Result<(), Failure> {
        let named = |error| named(error, what);
        let mut watch = self.client().watch(call, key).await.map_err(named)?;
        loop {
            let step = match watch.next().await.map_err(named)? {
                Event::Present(stored) => judge(Some(&*stored))?,
                Event::Gone(_) => judge(None)?,
                Event::Bootstrapped => continue,
            };
            match step {
                Step::Met => return Ok(()),
                Step::Unmet(seen) => self.seen(seen).await,
            }
        }
    }

    /// The diagnostic of an action that failed: why, what was seen last, and what was done.
    fn failed(&self, failure: Failure, operation: &Operation<'_>, writes: bool) -> Diagnostic {
        let ended = failure.is(ErrorKind::Timeout) || failure.is(ErrorKind::Cancelled);
        let mut diagnostic = failure.explain_invoked(operation);
        let record = self.record();
        let mut lines = Vec::new();
        if ended && !record.seen.is_empty() {
            lines.push(format!("Last state seen: {}.", record.seen));
        }
        let open = writes && record.open;
        if open {
            lines.push("It is not known whether Omni carried out the last request.".to_owned());
        }
        match record.done.as_slice() {
            [] if writes && !open => lines.push("Nothing was changed.".to_owned()),
            [] => {}
            done => {
                let done: Vec<_> = done.iter().map(|text| format!("  - {text}")).collect();
                lines.push(format!("Done before that:\n{}", done.join("\n")));
            }
        }
        for line in lines {
            diagnostic.detail.push('\n');
            diagnostic.detail.push_str(&line);
        }
        diagnostic
    }
}
