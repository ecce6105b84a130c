//! The roles that Omni knows, from the least to the most.

/// Every role.
pub(crate) const ALL: &[&str] = &["None", "InfraProvider", "Reader", "Auditor", "Operator", "Admin"];

/// The roles in words, for documentation.
pub(crate) const DOC: &str =
    "one of `None`, `InfraProvider`, `Reader`, `Auditor` (Omni 1.10 or later), `Operator` and `Admin`";
