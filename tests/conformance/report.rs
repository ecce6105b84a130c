//! The table of what was found: one line per behaviour, always in the same order, with nothing in it that differs
//! from run to run.

use crate::server::Server;
use std::fmt;

/// How a behaviour turned out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Result {
    Passed,
    Failed(String),
    Skipped(String),
}

/// How the lines about answers that were written down begin, and of which release those are.
const OBSERVED: &str = "observed/";
const WRITTEN_DOWN: &str = "1.6.6";

impl Result {
    fn was_tried(&self) -> bool {
        !matches!(self, Self::Skipped(_))
    }
}

impl fmt::Display for Result {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => write!(f, "passed"),
            Self::Failed(why) => write!(f, "failed: {}", one_line(why)),
            Self::Skipped(why) => write!(f, "skipped: {}", one_line(why)),
        }
    }
}

/// A text of several lines on one.
fn one_line(text: &str) -> String {
    text.trim_end().replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r")
}

/// The results on one server, sorted by name.
pub struct Report {
    /// What the server says it is.
    pub version: String,
    pub lines: Vec<(String, Result)>,
    /// The line during which the server went away, if it did.
    pub lost: Option<String>,
}

impl Report {
    /// Whether nothing failed.
    pub fn is_good(&self) -> bool {
        self.count(|result| matches!(result, Result::Failed(_))) == 0
    }

    fn count(&self, counts: impl Fn(&Result) -> bool) -> usize {
        self.lines.iter().filter(|(_, result)| counts(result)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Omni {}", self.version)?;
        let width = self.lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        self.lines.iter().try_for_each(|(name, result)| writeln!(f, "{name:width$}  {result}"))?;
        let answers = |passed: bool| {
            let counts = |(name, result): &&(String, Result)| {
                name.starts_with(OBSERVED) && if passed { *result == Result::Passed } else { result.was_tried() }
            };
            self.lines.iter().filter(counts).count()
        };
        if answers(false) > 0 {
            let (same, all) = (answers(true), answers(false));
            writeln!(f, "Answers of a running Omni {WRITTEN_DOWN}: {same} of {all} are the same, code and content.")?;
        }
        match &self.lost {
            Some(name) => writeln!(f, "The server went away during {name}; what it has made before may be left there."),
            None => Ok(()),
        }
    }
}

/// Collects the lines of one server. Once that does not answer any more, nothing else is tried on it.
pub struct Table<'a> {
    server: &'a Server,
    lines: Vec<(String, Result)>,
    /// The line after which the server was found to be gone.
    lost: Option<String>,
}

impl<'a> Table<'a> {
    pub fn new(server: &'a Server) -> Self {
        Self { server, lines: Vec::new(), lost: None }
    }

    /// Does what makes a line, unless the server has gone away.
    pub async fn run(&mut self, name: String, work: impl Future<Output = Result>) {
        let result = match &self.lost {
            Some(after) => Result::Skipped(format!("the server went away during {after}")),
            None => work.await,
        };
        self.add(name, result).await;
    }

    /// Adds a line; after a failure the server is asked whether it is still there.
    pub async fn add(&mut self, name: String, result: Result) {
        let failed = matches!(result, Result::Failed(_));
        self.lines.push((name.clone(), result));
        if failed && self.lost.is_none() && !self.server.answers().await {
            self.lost = Some(name);
        }
    }

    /// During which line the server went away, if it did.
    pub fn is_lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    pub fn report(self, version: String) -> Report {
        Report { version, lines: self.lines, lost: self.lost }
    }
}

/// The line at the end, in the form of Rust's own tests.
pub fn summary(reports: &[Report]) -> String {
    let count = |counts: fn(&Result) -> bool| reports.iter().map(|report| report.count(counts)).sum::<usize>();
    let failed = count(|result| matches!(result, Result::Failed(_)));
    let word = if failed == 0 { "ok" } else { "FAILED" };
    format!(
        "test result: {word}. {} passed; {failed} failed; {} ignored",
        count(|result| *result == Result::Passed),
        count(|result| matches!(result, Result::Skipped(_)))
    )
}
