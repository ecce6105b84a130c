//! The changes of the Kubernetes version that are possible in one step.

use super::tolerant;

/// Whether `to` can be reached from `from`: within a minor version in any direction, or up by one minor version.
///
/// # Errors
/// When one of the two is no version.
pub fn supported(from: &str, to: &str) -> Result<bool, String> {
    let read = |which: &str, text: &str| {
        tolerant::parse(text).map_err(|problem| format!("error parsing {which} version: {problem}"))
    };
    let (from, to) = (read("from", from)?, read("to", to)?);
    Ok(from.major == to.major && (to.minor == from.minor || to.minor == from.minor + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minor_step_up() {
        for (from, to, expected) in [
            ("1.35.1", "1.36.3", true),
            ("1.36.3", "1.36.2", true),
            ("1.36.2", "1.36.3", true),
            ("1.36.3", "1.35.1", false),
            ("1.34.3", "1.36.3", false),
            ("1.36.3", "1.31.14", false),
            ("1.36.3", "2.36.3", false),
        ] {
            assert_eq!(supported(from, to), Ok(expected), "{from} to {to}");
        }
        assert!(supported("", "1.36.3").is_err());
    }
}
