//! Stub to be replaced.
