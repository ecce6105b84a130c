//! The roles of Omni, from the lowest to the highest.

/// Every role.
pub(crate) const ALL: &[&str] = &["None", "InfraProvider", "Reader", "Auditor", "Operator", "Admin"];

/// Those that rules and policies can give to people.
pub(crate) const GRANTED: [&str; 4] = ["None", "Reader", "Operator", "Admin"];

/// How much a role may do: a higher rank includes what a lower one may. `None` for what is no role here.
pub(crate) fn rank(role: &str) -> Option<usize> {
    ALL.iter().position(|known| *known == role)
}

/// The roles in words, for documentation.
pub(crate) const DOC: &str =
    "one of `None`, `InfraProvider`, `Reader`, `Auditor` (Omni 1.10 or later), `Operator` and `Admin`";
