//! The table of what was found: one line per behaviour, always in the same order, with nothing in it that differs
//! from run to run.

use std::fmt;

/// How a behaviour turned out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Result {
    Passed,
    Failed(String),
    Skipped(String),
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
        self.lines.iter().try_for_each(|(name, result)| writeln!(f, "{name:width$}  {result}"))
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
