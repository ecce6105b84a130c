//! Logs in the format of hosts: one JSON object per line on stderr.
//! It knows no provider: the caller passes the names of its modules.

use super::diag::chain;
use super::plugin::handshake::{Environment, text};
use kit::clock::{Clock, SystemClock};
use kit::text::escaped;
use serde_json::{Map, Value};
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// Hosts break longer lines into pieces of plain text.
const LONGEST_LINE: usize = 60 * 1024;

/// How much of one text is kept when a line would be too long.
const LONGEST_TEXT: usize = 2 * 1024;

/// How much of the message is kept when shorter texts alone do not help; JSON may need six bytes for one.
const LONGEST_MESSAGE: usize = 8 * 1024;

/// Who reads the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The host: JSON.
    Host,
    /// A terminal: plain text.
    Person,
}

/// Where the lines go.
pub type Sink = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// Names of a provider's parts in its logs: a module of the crate, and the name behind the provider's own.
pub type Modules = &'static [(&'static str, &'static str)];

/// A layer of `tracing` that writes log lines.
pub struct LogLayer {
    reader: Reader,
    level: LevelFilter,
    provider: String,
    modules: Modules,
    clock: Arc<dyn Clock>,
    sink: Sink,
}

/// Starts logging for the process, at the level of the environment.
/// `provider` is the last part of the provider's address: `omni`.
pub fn install(environment: Environment<'_>, reader: Reader, provider: &str, modules: Modules) {
    let level = level(environment, reader, provider);
    if level == LevelFilter::OFF {
        return;
    }
    let layer = LogLayer {
        reader,
        level,
        provider: provider.to_owned(),
        modules,
        clock: Arc::new(SystemClock),
        // Without a reader there is nobody to tell that nobody reads.
        sink: Arc::new(|line| drop(std::io::stderr().lock().write_all(line))),
    };
    // A second installation, as tests may make, changes nothing.
    tracing::subscriber::set_global_default(Registry::default().with(layer)).ok();
}

/// The level of the provider's own logs: the host filters once more.
fn level(environment: Environment<'_>, reader: Reader, provider: &str) -> LevelFilter {
    let own = format!("TF_LOG_PROVIDER_{}", provider.to_uppercase().replace('-', "_"));
    if let Some(own) = text(environment, &own) {
        return parse(&own);
    }
    let of_host = text(environment, "TF_LOG_PROVIDER").or_else(|| text(environment, "TF_LOG"));
    match (reader, of_host) {
        // Without these the host drops everything.
        (Reader::Host, None) => LevelFilter::OFF,
        (Reader::Host, Some(_)) => LevelFilter::TRACE,
        (Reader::Person, None) => LevelFilter::INFO,
        (Reader::Person, Some(level)) => parse(&level),
    }
}

fn parse(level: &str) -> LevelFilter {
    match level.to_uppercase().as_str() {
        "OFF" => LevelFilter::OFF,
        "ERROR" => LevelFilter::ERROR,
        "WARN" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

/// What a span or an event carries.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let name = match field.name() {
            "message" => "@message".to_owned(),
            // The host keeps these names for itself.
            name @ ("timestamp" | "kv_pairs") => format!("{name}_"),
            name => name.to_owned(),
        };
        // A host prints the texts as they are.
        let value = match value {
            Value::String(text) => escaped(text).into(),
            other => other,
        };
        self.0.insert(name, value);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, chain(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        // Libraries may log what they carry, and what they carry may be secret.
        let limit = if is_ours(metadata.target()) { self.level } else { self.level.min(LevelFilter::WARN) };
        *metadata.level() <= limit
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.0.extend(of_span.0.iter().map(|(k, v)| (k.clone(), v.clone())));
            }
        }
        event.record(&mut fields);
        let line = match self.reader {
            Reader::Host => self.for_host(event.metadata(), fields.0),
            Reader::Person => self.for_person(event.metadata(), fields.0),
        };
        (self.sink)(line.as_bytes());
    }
}

impl LogLayer {
    fn for_host(&self, metadata: &Metadata<'_>, mut fields: Map<String, Value>) -> String {
        let message = take_message(&mut fields);
        let level = match *metadata.level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        fields.insert("@level".into(), level.into());
        fields.insert("@module".into(), self.module(metadata.target()).into());
        fields.insert("@timestamp".into(), self.time().into());
        // A message that is no text makes hosts crash.
        fields.insert("@message".into(), message.clone().into());

        let line = json_line(&fields);
        if line.len() <= LONGEST_LINE {
            return line;
        }
        fields.values_mut().for_each(|v| shorten(v, LONGEST_TEXT));
        let line = json_line(&fields);
        if line.len() <= LONGEST_LINE {
            return line;
        }
        fields.retain(|name, _| name.starts_with('@'));
        let mut message = Value::from(message);
        shorten(&mut message, LONGEST_MESSAGE);
        fields.insert("@message".into(), message);
        json_line(&fields)
    }

    fn for_person(&self, metadata: &Metadata<'_>, mut fields: Map<String, Value>) -> String {
        let message = take_message(&mut fields);
        let mut line = format!("{} {:5} {}: {message}", self.time(), metadata.level(), self.module(metadata.target()));
        for (name, value) in &fields {
            // Writing to a text cannot fail.
            write!(line, " {name}={value}").ok();
        }
        line.push('\n');
        line
    }

    /// Time as the host wants it: with six digits after the point, no more and no fewer.
    fn time(&self) -> String {
        let now = jiff::SignedDuration::try_from(self.clock.now()).unwrap_or_default();
        let now = jiff::Timestamp::from_duration(now).unwrap_or_default();
        now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
    }

    /// `omni`, or `omni.client` for a module with a separate level.
    fn module(&self, target: &str) -> String {
        let mut parts = target.split("::");
        let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let part = if is_ours(target) {
            self.modules.iter().find(|(m, _)| *m == second).map(|(_, n)| *n)
        } else {
            Some(first)
        };
        match part {
            Some(part) => format!("{}.{part}", self.provider),
            None => self.provider.clone(),
        }
    }
}

/// Whether the code of this crate logs, and not that of a library.
fn is_ours(target: &str) -> bool {
    let own = module_path!().split("::").next().unwrap_or_default();
    target.split("::").next() == Some(own)
}

fn take_message(fields: &mut Map<String, Value>) -> String {
    match fields.remove("@message") {
        Some(Value::String(message)) => message,
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn json_line(fields: &Map<String, Value>) -> String {
    // Maps of text and numbers can always be written.
    let mut line = serde_json::to_string(fields).unwrap_or_default();
    line.push('\n');
    line
}

fn shorten(value: &mut Value, limit: usize) {
    if let Value::String(text) = value
        && text.len() > limit
    {
        text.truncate(text.floor_char_boundary(limit));
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::clock::TestClock;
    use std::ffi::OsString;
    use std::sync::Mutex;

    /// The lines that `work` logs.
    fn lines(reader: Reader, level: LevelFilter, work: impl FnOnce()) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::<String>::new()));
        let sink = lines.clone();
        let layer = LogLayer {
            reader,
            level,
            provider: "omni".into(),
            modules: &[("tf", "plugin")],
            clock: Arc::new(TestClock::at(1_700_000_000)),
            sink: Arc::new(move |line| sink.lock().unwrap().push(String::from_utf8(line.to_vec()).unwrap())),
        };
        tracing::subscriber::with_default(Registry::default().with(layer), work);
        lines.lock().unwrap().clone()
    }

    fn json(reader: Reader, level: LevelFilter, work: impl FnOnce()) -> Vec<Value> {
        lines(reader, level, work).iter().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    #[test]
    fn a_line_holds_what_the_host_parses_and_the_fields_of_the_spans() {
        let got = json(Reader::Host, LevelFilter::TRACE, || {
            let span = tracing::error_span!("rpc", tf_rpc = "Read", tf_resource_type = tracing::field::Empty);
            span.record("tf_resource_type", "omni_x");
            span.in_scope(|| tracing::debug!(count = 3, timestamp = "t", ok = true, "hello {}", "you"));
        });
        let line = &got[0];
        assert_eq!(line["@level"], "debug");
        assert_eq!(line["@message"], "hello you");
        assert_eq!(line["@timestamp"], "2023-11-14T22:13:20.000000Z");
        assert_eq!(line["@module"], "omni.plugin");
        assert_eq!(line["tf_rpc"], "Read");
        assert_eq!(line["tf_resource_type"], "omni_x");
        assert_eq!(line["count"], 3);
        assert_eq!(line["ok"], true);
        assert_eq!(line["timestamp_"], "t");
        assert!(line.get("timestamp").is_none());
    }

    #[test]
    fn a_message_that_is_no_text_is_made_one() {
        let got = json(Reader::Host, LevelFilter::TRACE, || tracing::info!(message = 5));
        assert_eq!(got[0]["@message"], "5");
    }

    #[test]
    fn modules_follow_the_target() {
        let got = json(Reader::Host, LevelFilter::TRACE, || {
            tracing::info!(target: "terraform_provider_omni::provider::x", "a");
            tracing::info!(target: "terraform_provider_omni::tf::server", "b");
            tracing::warn!(target: "h2::codec", "c");
            tracing::info!(target: "h2::codec", "libraries may not chat");
        });
        let modules: Vec<_> = got.iter().map(|l| l["@module"].as_str().unwrap()).collect();
        assert_eq!(modules, ["omni", "omni.plugin", "omni.h2"]);
    }

    #[test]
    fn long_lines_are_cut() {
        let got = lines(Reader::Host, LevelFilter::TRACE, || {
            tracing::info!(short = "kept", long = "ä".repeat(100_000), "one long field");
            tracing::info!("{}", "\u{1}".repeat(100_000));
        });
        for line in &got {
            assert!(line.len() < 64 * 1024, "{}", line.len());
        }
        let first: Value = serde_json::from_str(&got[0]).unwrap();
        assert_eq!(first["short"], "kept");
        assert!(first["long"].as_str().unwrap().ends_with('…'));
        let second: Value = serde_json::from_str(&got[1]).unwrap();
        assert!(second["@message"].as_str().unwrap().len() > 1000);
    }

    #[test]
    fn errors_are_written_with_their_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        let error = Outer(std::io::Error::other("inner"));
        let got = json(Reader::Host, LevelFilter::TRACE, || {
            tracing::warn!(error = &error as &(dyn std::error::Error + 'static), "failed");
        });
        assert_eq!(got[0]["error"], "Outer.\nInner.");
    }

    #[test]
    fn lower_levels_are_left_out_and_people_get_plain_text() {
        let got = lines(Reader::Person, LevelFilter::INFO, || {
            tracing::debug!("no");
            tracing::info!(a = 1, "yes");
        });
        assert_eq!(got, ["2023-11-14T22:13:20.000000Z INFO  omni.plugin: yes a=1\n"]);
    }

    #[test]
    fn the_level_comes_from_the_environment() {
        use LevelFilter as L;
        type Variables = &'static [(&'static str, &'static str)];
        let cases: [(Variables, L, L); 6] = [
            (&[], L::OFF, L::INFO),
            (&[("TF_LOG", "WARN")], L::TRACE, L::WARN),
            (&[("TF_LOG", "JSON")], L::TRACE, L::TRACE),
            (&[("TF_LOG_PROVIDER", "debug"), ("TF_LOG", "ERROR")], L::TRACE, L::DEBUG),
            (&[("TF_LOG_PROVIDER_MY_CLOUD", "ERROR"), ("TF_LOG", "TRACE")], L::ERROR, L::ERROR),
            (&[("TF_LOG_PROVIDER_MY_CLOUD", "off"), ("TF_LOG", "TRACE")], L::OFF, L::OFF),
        ];
        for (variables, for_host, for_person) in cases {
            let environment = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
            assert_eq!(level(&environment, Reader::Host, "my-cloud"), for_host, "{variables:?}");
            assert_eq!(level(&environment, Reader::Person, "my-cloud"), for_person, "{variables:?}");
        }
    }
}
