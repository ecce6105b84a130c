//! Versions as Talos and Kubernetes write them: semantic versions, with or without a leading `v`.

/// The version without its leading `v`.
#[must_use]
pub fn strip_v(version: &str) -> &str {
    version.strip_prefix('v').unwrap_or(version)
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
