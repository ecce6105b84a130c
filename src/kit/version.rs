//! Versions as Talos and Kubernetes write them: semantic versions, with or without a leading `v`.

/// The version without its leading `v`; text in which no digit follows the `v` is no version and stays as it is.
#[must_use]
pub fn strip_v(version: &str) -> &str {
    version.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(version)
}

/// Whether both texts name the same version.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    strip_v(a) == strip_v(b)
}

/// Parses a version, with or without a leading `v`.
///
/// # Errors
/// When the rest is not a full semantic version.
pub fn parse(version: &str) -> Result<semver::Version, semver::Error> {
    semver::Version::parse(strip_v(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_v_means_nothing() {
        for (a, b, expected) in [
            ("v1.13.5", "1.13.5", true),
            ("1.13.5", "1.13.5", true),
            ("v1.13.5", "1.13.6", false),
            ("vv1.13.5", "v1.13.5", false),
            ("1.13.5-alpha.1", "v1.13.5-alpha.1", true),
            ("1.13.5-alpha.1", "1.13.5", false),
            ("v", "", false),
            ("vanilla", "anilla", false),
        ] {
            assert_eq!(same(a, b), expected, "{a} and {b}");
        }
    }

    #[test]
    fn reads_full_versions_only() {
        assert_eq!(parse("v1.13.5").ok(), Some(semver::Version::new(1, 13, 5)));
        assert_eq!(parse("1.36.2").ok(), Some(semver::Version::new(1, 36, 2)));
        for text in ["", "v", "1.13", "v1.13", "latest", "vv1.13.5", " 1.13.5"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
