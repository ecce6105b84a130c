//! The example files that pages show. A missing one is noted, so that all of them can be named at once.

use super::DocsError;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The folder of examples, and what was looked for in vain.
pub(super) struct Examples {
    root: PathBuf,
    missing: Vec<PathBuf>,
}

impl Examples {
    pub(super) fn under(root: &Path) -> Self {
        Self { root: root.to_owned(), missing: Vec::new() }
    }

    /// The text of a file, without blank lines around it; empty when the file is missing.
    pub(super) fn read(&mut self, path: &str) -> Result<String, DocsError> {
        let file = self.root.join(path);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text.trim_matches(['\n', '\r']).trim_end().to_owned(),
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            Err(source) => return Err(DocsError::Read { file, source }),
        };
        if text.is_empty() {
            self.missing.push(file);
        }
        Ok(text)
    }

    /// Whether nothing was looked for in vain.
    pub(super) fn all_found(self) -> Result<(), DocsError> {
        if self.missing.is_empty() { Ok(()) } else { Err(DocsError::MissingExamples { files: self.missing }) }
    }
}
