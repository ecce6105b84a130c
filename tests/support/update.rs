//! Whether this run rewrites golden files. Every program that holds some asks here, so that all of them agree.

use std::ffi::OsStr;

/// Whether `UPDATE_GOLDEN` asks for it.
pub fn golden() -> bool {
    asked(std::env::var_os("UPDATE_GOLDEN").as_deref())
}

/// Whether this value of the variable asks for it: everything does but nothing, the empty text and `0`.
pub fn asked(value: Option<&OsStr>) -> bool {
    value.is_some_and(|v| !v.is_empty() && v != "0")
}
