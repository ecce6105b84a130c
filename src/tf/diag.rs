//! Diagnostics: what the person at the terminal reads.
//! This is the only place that turns a chain of errors into text.

use super::path::Path;
use kit::text::printable;
use omni_proto::tfplugin6 as pb;
use std::error::Error;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation fails.
    Error,
    /// The operation goes on.
    Warning,
}

/// One problem: what failed, why, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What failed, in one line without a full stop.
    pub summary: String,
    /// Why, in sentences.
    pub detail: String,
    /// What to do next, in sentences; the last paragraph of the detail.
    pub hint: Option<String>,
    /// The attribute to blame, if there is one.
    pub path: Option<Path>,
}

impl Diagnostic {
    /// An error.
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Error, summary: summary.into(), detail: detail.into(), hint: None, path: None }
    }

    /// A warning.
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(summary, detail) }
    }

    /// An error whose detail is the chain of `error` and its sources, one sentence each.
    pub fn from_error(summary: impl Into<String>, error: &(dyn Error + 'static)) -> Self {
        Self::error(summary, chain(error))
    }

    /// Names the attribute to blame.
    #[must_use]
    pub fn at(mut self, path: Path) -> Self {
        self.path = Some(path);
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The detail as shown: why, then what to do.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.hint {
            Some(hint) if self.detail.is_empty() => hint.clone(),
            Some(hint) => format!("{}\n\n{hint}", self.detail),
            None => self.detail.clone(),
        }
    }

    /// The diagnostic on the wire.
    #[must_use]
    pub fn to_proto(&self) -> pb::Diagnostic {
        let severity = match self.severity {
            Severity::Error => pb::diagnostic::Severity::Error,
            Severity::Warning => pb::diagnostic::Severity::Warning,
        };
        pb::Diagnostic {
            severity: severity.into(),
            summary: printable(self.summary.as_str()),
            detail: printable(self.text()),
            attribute: self.path.as_ref().filter(|p| !p.is_root()).map(|p| p.findable().to_proto()),
        }
    }
}

/// All problems of one request, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// None so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, unless the very same is there already.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.0.contains(&diagnostic) {
            self.0.push(diagnostic);
        }
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: Diagnostics) {
        other.0.into_iter().for_each(|d| self.push(d));
    }

    /// Whether an error is among them.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The diagnostics in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// The diagnostics on the wire.
    #[must_use]
    pub fn to_proto(&self) -> Vec<pb::Diagnostic> {
        self.0.iter().map(Diagnostic::to_proto).collect()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        let mut all = Self::new();
        iter.into_iter().for_each(|d| all.push(d));
        all
    }
}

/// The error and its sources as sentences; no error of the chain prints its own source.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = sentence(&error.to_string());
    let mut source = error.source();
    while let Some(error) = source {
        text.push('\n');
        text.push_str(&sentence(&error.to_string()));
        source = error.source();
    }
    text
}

/// `text` with a capital letter first and a full stop last.
#[must_use]
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    let stop = if text.ends_with(['.', '!', '?', ':', '`']) && !text.ends_with('`') { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not reach `{0}`")]
    struct Outer(&'static str, #[source] std::io::Error);

    #[test]
    fn a_chain_reads_as_sentences() {
        let error = Outer("omni", std::io::Error::other("connection refused"));
        assert_eq!(chain(&error), "Could not reach `omni`.\nConnection refused.");
    }

    #[test]
    fn the_hint_is_the_last_paragraph() {
        let d = Diagnostic::error("No", "Because.").hint("Do this.");
        assert_eq!(d.to_proto().detail, "Because.\n\nDo this.");
    }
}
