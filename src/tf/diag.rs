//! Diagnostics: the errors and warnings that a host displays.
//! This is the only module that turns a chain of errors into text.

use super::path::Path;
use kit::text::printable;
use omni_proto::tfplugin6 as pb;
use std::error::Error;

/// Whether a diagnostic makes the operation fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation fails.
    Error,
    /// The operation continues.
    Warning,
}

/// One problem: what is wrong, why, and what to do about it.
///
/// ```
/// use terraform_provider_omni::tf::diag::Diagnostic;
/// use terraform_provider_omni::tf::path::Path;
///
/// let diagnostic = Diagnostic::error("Invalid Talos version", "Omni has no Talos `1.99.0`.")
///     .hint("Set one of the versions of the data source `omni_talos_versions`.")
///     .at(Path::of("talos_version"));
/// assert_eq!(
///     diagnostic.text(),
///     "Omni has no Talos `1.99.0`.\n\nSet one of the versions of the data source `omni_talos_versions`.",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the operation fails.
    pub severity: Severity,
    /// What is wrong with which object, in one line without a full stop.
    pub summary: String,
    /// Why, in sentences, with the values that were found.
    pub detail: String,
    /// What to do next, in sentences; displayed as the last paragraph of the detail.
    pub hint: Option<String>,
    /// The attribute that the host points at; none for the whole resource.
    pub path: Option<Path>,
}

impl Diagnostic {
    /// A problem that makes the operation fail.
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Error, summary: summary.into(), detail: detail.into(), hint: None, path: None }
    }

    /// A problem that is displayed while the operation continues.
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(summary, detail) }
    }

    /// An error whose detail is [`chain`] of `error`.
    pub fn from_error(summary: impl Into<String>, error: &(dyn Error + 'static)) -> Self {
        Self::error(summary, chain(error))
    }

    /// Points at an attribute.
    #[must_use]
    pub fn at(mut self, path: Path) -> Self {
        self.path = Some(path);
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The body that hosts display: the detail, then the hint as a paragraph.
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

/// The problems of one request, in the order in which they were found, without duplicates.
///
/// ```
/// use terraform_provider_omni::tf::diag::{Diagnostic, Diagnostics};
///
/// let warning = Diagnostic::warning("Cluster is locked", "The lock is lifted first.");
/// let mut diagnostics = Diagnostics::from(warning.clone());
/// diagnostics.push(warning);
/// assert_eq!(diagnostics.iter().count(), 1);
/// assert!(!diagnostics.has_errors());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No problems.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem, unless an equal one is there.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.0.contains(&diagnostic) {
            self.0.push(diagnostic);
        }
    }

    /// Adds the problems of `other`, without duplicates.
    pub fn extend(&mut self, other: Diagnostics) {
        other.0.into_iter().for_each(|d| self.push(d));
    }

    /// Takes back what `keep` says no to.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.0.retain(keep);
    }

    /// Whether the operation fails.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there is neither an error nor a warning.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order in which they were found.
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

/// The error and its sources, one sentence a line.
/// It relies on errors whose text does not repeat their source.
///
/// ```
/// use terraform_provider_omni::tf::diag::chain;
///
/// let error = std::io::Error::other("connection refused");
/// assert_eq!(chain(&error), "Connection refused.");
/// ```
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

/// The text with a capital first letter and a full stop, unless it ends with other punctuation.
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
