//! Limits on the size and depth of YAML: one budget for every input.
//! It counts the memory of the values, because a few bytes of aliases can expand to gigabytes.

use super::Excess;

/// The most levels of lists and maps within each other, the outermost included.
/// Everything that walks a value recursively relies on it.
pub const DEPTH: usize = 100;

/// The most bytes that the values of one input hold.
pub const MEMORY: usize = 64 << 20;

/// What a value takes by itself, with the slack of the buffer that it stands in.
pub(super) const NODE: usize = 64;
/// What the key of a map takes beside its text.
pub(super) const KEY: usize = 64;
/// What the smallest map takes once it is in a tree.
pub(super) const MAP: usize = 512;
/// What a list takes beside its elements.
pub(super) const LIST: usize = 64;
/// What a level of indentation takes on a line, if the value is written again.
pub(super) const INDENT: usize = 2;

/// What may still be held; one budget serves all texts of a call.
#[derive(Debug)]
pub struct Budget {
    left: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: MEMORY }
    }
}

impl Budget {
    /// Takes so many bytes out of the budget, or says that it is used up.
    pub(super) fn charge(&mut self, bytes: usize, excess: Excess) -> Result<(), String> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(format!(
                "from here on it holds more than {} MiB of values{}",
                MEMORY >> 20,
                match excess {
                    Excess::Text | Excess::Depth => "",
                    Excess::References => ", references (`*name`) counted as often as they stand",
                }
            )),
        }
    }
}
