//! The roles of Omni, from the lowest to the highest.

/// Every role.
pub(crate) const ALL: &[&str] = &["None", "InfraProvider", "Reader", "Auditor", "Operator", "Admin"];

/// Those that rules and policies can give to people.
pub(crate) const GRANTED: [&str; 4] = ["None", "Reader", "Operator", "Admin"];

/// How much a role may do: a higher rank includes what a lower one may. `None` for what is no role here.
pub(crate) fn rank(role: &str) -> Option<usize> {
    ALL.iter().position(|known| *known == role)
}

/// What a page says of an action for which this role is enough.
pub(crate) const NEEDS_READER: &str = "Requires the role `Reader`.";
/// The same of a higher role.
pub(crate) const NEEDS_OPERATOR: &str = "Requires the role `Operator`.";
/// The same of the highest one.
pub(crate) const NEEDS_ADMIN: &str = "Requires the role `Admin`.";
/// The same of what only these two may.
pub(crate) const NEEDS_AUDITOR: &str = "Requires the role `Auditor` (Omni 1.10 or later) or `Admin`.";

/// The roles in words, for documentation.
pub(crate) const DOC: &str =
    "one of `None`, `InfraProvider`, `Reader`, `Auditor` (Omni 1.10 or later), `Operator` and `Admin`";
