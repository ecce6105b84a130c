//! What every call has in common: a span for the logs, recovery from panics, and diagnostics in the response.

use crate::tf::crash;
use crate::tf::diag::{Diagnostic, Diagnostics, Severity};
use crate::tf::function::FunctionError;
use futures_util::FutureExt as _;
use kit::text::printable;
use omni_proto::tfplugin6 as pb;
use std::panic::AssertUnwindSafe;
use tokio::time::Instant;
use tonic::{Response, Status};
use tracing::Instrument as _;
use tracing::field::Empty;

/// The result of the functions of the service; the status is never used.
pub(super) type Reply<T> = Result<Response<T>, Status>;

/// A response with diagnostics.
pub(super) trait Answer: Default + Send {
    /// Adds diagnostics.
    fn add(&mut self, diagnostics: &Diagnostics);

    /// The number of diagnostics of this severity.
    fn count(&self, severity: pb::diagnostic::Severity) -> usize;

    /// A response with diagnostics only.
    fn refusal(diagnostics: &Diagnostics) -> Self {
        let mut answer = Self::default();
        answer.add(diagnostics);
        answer
    }
}

fn count_in(diagnostics: &[pb::Diagnostic], severity: pb::diagnostic::Severity) -> usize {
    diagnostics.iter().filter(|d| d.severity() == severity).count()
}

/// The answers whose problems are a field of that name.
macro_rules! answers {
    ($field:ident: $($message:path),+ $(,)?) => {$(
        impl Answer for $message {
            fn add(&mut self, diagnostics: &Diagnostics) {
                self.$field.extend(diagnostics.to_proto());
            }

            fn count(&self, severity: pb::diagnostic::Severity) -> usize {
                count_in(&self.$field, severity)
            }
        }
    )+};
}

answers!(
    diagnostics: pb::get_metadata::Response,
    pb::get_provider_schema::Response,
    pb::get_resource_identity_schemas::Response,
    pb::upgrade_resource_identity::Response,
    pb::validate_provider_config::Response,
    pb::validate_resource_config::Response,
    pb::validate_data_resource_config::Response,
    pb::upgrade_resource_state::Response,
    pb::configure_provider::Response,
    pb::read_resource::Response,
    pb::plan_resource_change::Response,
    pb::apply_resource_change::Response,
    pb::import_resource_state::Response,
    pb::move_resource_state::Response,
    pb::read_data_source::Response,
    pb::generate_resource_config::Response,
    pb::validate_ephemeral_resource_config::Response,
    pb::open_ephemeral_resource::Response,
    pb::renew_ephemeral_resource::Response,
    pb::close_ephemeral_resource::Response,
    pb::validate_list_resource_config::Response,
    pb::get_functions::Response,
    pb::validate_state_store::Response,
    pb::configure_state_store::Response,
    pb::read_state_bytes::Response,
    pb::write_state_bytes::Response,
    pb::lock_state::Response,
    pb::unlock_state::Response,
    pb::get_states::Response,
    pb::delete_state::Response,
    pb::plan_action::Response,
    pb::invoke_action::event::Completed,
    pb::validate_action_config::Response,
);
answers!(diagnostic: pb::list_resource::Event);

/// The completion of an action is an event like its progress.
impl Answer for pb::invoke_action::Event {
    fn add(&mut self, diagnostics: &Diagnostics) {
        let completed = pb::invoke_action::event::Completed::refusal(diagnostics);
        self.r#type = Some(pb::invoke_action::event::Type::Completed(completed));
    }

    fn count(&self, severity: pb::diagnostic::Severity) -> usize {
        match &self.r#type {
            Some(pb::invoke_action::event::Type::Completed(c)) => c.count(severity),
            _ => 0,
        }
    }
}

/// Functions and the stop call have one text for all problems; only errors go there.
fn joined(diagnostics: &Diagnostics) -> Option<String> {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    let texts: Vec<_> = errors.map(|d| format!("{}: {}", d.summary, d.text())).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

impl Answer for pb::call_function::Response {
    fn add(&mut self, diagnostics: &Diagnostics) {
        // In the format of function errors.
        let text = |text: String| FunctionError::new(text).text().to_owned();
        self.error = joined(diagnostics).map(|all| pb::FunctionError { text: text(all), function_argument: None });
    }

    fn count(&self, severity: pb::diagnostic::Severity) -> usize {
        usize::from(severity == pb::diagnostic::Severity::Error && self.error.is_some())
    }
}

impl Answer for pb::stop_provider::Response {
    fn add(&mut self, diagnostics: &Diagnostics) {
        self.error = joined(diagnostics).map(printable).unwrap_or_default();
    }

    fn count(&self, severity: pb::diagnostic::Severity) -> usize {
        usize::from(severity == pb::diagnostic::Severity::Error && !self.error.is_empty())
    }
}

/// The subject of a call, for the logs.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    /// The provider as a whole.
    Provider,
    /// A managed resource type.
    Resource(&'a str),
    /// A data source type.
    Data(&'a str),
    /// An ephemeral resource type.
    Ephemeral(&'a str),
    /// A list resource type.
    List(&'a str),
    /// An action type.
    Action(&'a str),
}

/// Answers a call as [`respond`] does, in the form that the service returns.
pub(super) async fn reply<T: Answer>(
    rpc: &'static str,
    subject: Subject<'_>,
    work: impl Future<Output = Result<T, Diagnostics>> + Send,
) -> Reply<T> {
    Ok(Response::new(respond(rpc, subject, work).await))
}

/// Runs a call: logs it, and converts errors and panics to a response.
pub(super) async fn respond<T: Answer>(
    rpc: &'static str,
    subject: Subject<'_>,
    work: impl Future<Output = Result<T, Diagnostics>> + Send,
) -> T {
    let span = span(rpc, subject);
    async {
        let start = Instant::now();
        let answer = netted(rpc, work).await.unwrap_or_else(|diagnostics| T::refusal(&diagnostics));
        log_end(start, answer.count(pb::diagnostic::Severity::Error), answer.count(pb::diagnostic::Severity::Warning));
        answer
    }
    .instrument(span)
    .await
}

/// Runs the work of a stream: logs it, and converts a panic to diagnostics.
pub(super) fn guarded<F>(
    rpc: &'static str,
    subject: Subject<'_>,
    work: F,
) -> impl Future<Output = Result<(), Diagnostics>> + Send + use<F>
where
    F: Future<Output = Result<(), Diagnostics>> + Send,
{
    let span = span(rpc, subject);
    async move {
        let start = Instant::now();
        let result = netted(rpc, work).await;
        let errors = result.as_ref().err().map_or(0, |d| d.iter().filter(|d| d.severity == Severity::Error).count());
        log_end(start, errors, 0);
        result
    }
    .instrument(span)
}

fn span(rpc: &'static str, subject: Subject<'_>) -> tracing::Span {
    // The most severe level, so that the fields of the span are there at every level of the logs.
    let span = tracing::error_span!(
        "rpc",
        tf_rpc = rpc,
        tf_resource_type = Empty,
        tf_data_source_type = Empty,
        tf_ephemeral_resource_type = Empty,
        tf_list_resource_type = Empty,
        tf_action_type = Empty,
        tf_req_id = Empty
    );
    if !span.is_disabled() {
        span.record("tf_req_id", tracing::field::display(uuid::Uuid::new_v4()));
        match subject {
            Subject::Provider => {}
            Subject::Resource(name) => drop(span.record("tf_resource_type", name)),
            Subject::Data(name) => drop(span.record("tf_data_source_type", name)),
            Subject::Ephemeral(name) => drop(span.record("tf_ephemeral_resource_type", name)),
            Subject::List(name) => drop(span.record("tf_list_resource_type", name)),
            Subject::Action(name) => drop(span.record("tf_action_type", name)),
        }
    }
    span
}

/// The result of the work; a panic becomes an error.
pub(super) async fn netted<T>(
    rpc: &'static str,
    work: impl Future<Output = Result<T, Diagnostics>> + Send,
) -> Result<T, Diagnostics> {
    tracing::trace!("received a call");
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(panicked(rpc).into()))
}

fn log_end(start: Instant, errors: usize, warnings: usize) {
    tracing::debug!(
        tf_req_duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        diagnostic_error_count = errors,
        diagnostic_warning_count = warnings,
        "answered a call"
    );
}

/// The diagnostic for a defect of the provider.
fn panicked(rpc: &str) -> Diagnostic {
    let place = crash::take_place().map(|p| format!(" at {p}")).unwrap_or_default();
    Diagnostic::error("The provider has a bug", format!("The provider panicked{place} while it handled {rpc}."))
        .hint("Please report this with the configuration that leads to it. Objects may have been changed: check before you go on.")
}
