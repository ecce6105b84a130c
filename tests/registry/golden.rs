//! Generated text that a review should see, compared with a file of the tree; `UPDATE_GOLDEN=1` rewrites the file.

use libtest_mimic::Failed;
use std::path::Path;

/// Compares `found` with the file, or rewrites the file when asked to.
///
/// # Errors
/// With the difference, when there is one.
pub fn compare(path: &Path, found: &str) -> Result<(), Failed> {
    if crate::update::golden() {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, found)?;
        return Ok(());
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    if known == found {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(known.as_str(), found);
    Err(format!("{} is out of date (UPDATE_GOLDEN=1 rewrites it):\n{}", path.display(), diff.unified_diff()).into())
}
