//! Versions of Talos and Kubernetes: semantic versions, with or without a leading `v`.

/// The version without its leading `v`; text in which no digit follows the `v` is no version and stays as it is.
#[must_use]
pub fn strip_v(version: &str) -> &str {
    version.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(version)
}

/// Whether both strings are the same version.
///
/// ```
/// use kit::version::same;
///
/// for (a, b, equal) in [("v1.13.0", "1.13.0", true), ("1.13.0", "1.13.1", false), ("latest", "latest", true)] {
///     assert_eq!(same(a, b), equal, "{a} {b}");
/// }
/// ```
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

/// Orders two versions by age. A string that is not a version comes before all versions.
///
/// ```
/// use kit::version::sorted;
///
/// let versions = ["1.10.0", "v1.9.3", "1.10.0-beta.1", "latest"].map(str::to_owned).to_vec();
/// assert_eq!(sorted(versions), ["latest", "v1.9.3", "1.10.0-beta.1", "1.10.0"]);
/// ```
#[must_use]
pub fn compare(a: &str, b: &str) -> std::cmp::Ordering {
    parse(a).ok().cmp(&parse(b).ok()).then_with(|| a.cmp(b))
}

/// The versions, oldest first.
#[must_use]
pub fn sorted(mut versions: Vec<String>) -> Vec<String> {
    versions.sort_by(|a, b| compare(a, b));
    versions
}

/// A version constraint in Terraform's syntax: `>= 1.12, < 1.14`.
///
/// ```
/// use kit::version::{Constraint, parse};
///
/// for (constraint, version, allowed) in [
///     ("~> 1.13.0", "v1.13.4", true),
///     ("~> 1.13.0", "1.14.0", false),
///     (">= 1.12, != 1.13.0", "1.13.0", false),
///     // A pre-release needs a condition that names it.
///     (">= 1.12", "1.13.0-beta.1", false),
///     ("= 1.13.0-beta.1", "1.13.0-beta.1", true),
/// ] {
///     let constraint: Constraint = constraint.parse().unwrap();
///     assert_eq!(constraint.allows(&parse(version).unwrap()), allowed, "{constraint:?} {version}");
/// }
/// let newest: Constraint = "< 1.14".parse().unwrap();
/// assert_eq!(newest.latest(["1.13.0", "1.14.0", "latest"]), Some("1.13.0"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint(Vec<Term>);

#[derive(Clone, Debug, PartialEq)]
struct Term {
    sign: Sign,
    version: semver::Version,
    /// How many of the three numbers were written.
    precision: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sign {
    Equal,
    NotEqual,
    Above,
    AtLeast,
    Below,
    AtMost,
    /// The last number that was written may grow.
    Pessimistic,
}

/// An invalid constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a condition on a version: write it like `>= 1.12`, `~> 1.13.0` or `!= 1.13.2`", super::text::quoted(.0))]
pub struct ConstraintError(String);

impl std::str::FromStr for Constraint {
    type Err = ConstraintError;

    fn from_str(text: &str) -> Result<Self, ConstraintError> {
        if text.trim().is_empty() {
            return Ok(Self(Vec::new()));
        }
        text.split(',')
            .map(|term| read_term(term).ok_or_else(|| ConstraintError(term.trim().to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn read_term(text: &str) -> Option<Term> {
    const SIGNS: [(&str, Sign); 7] = [
        // The longer ones first.
        ("!=", Sign::NotEqual),
        (">=", Sign::AtLeast),
        ("<=", Sign::AtMost),
        ("~>", Sign::Pessimistic),
        ("=", Sign::Equal),
        (">", Sign::Above),
        ("<", Sign::Below),
    ];
    let text = text.trim();
    let found = SIGNS.iter().find_map(|(written, sign)| Some((text.strip_prefix(written)?, *sign)));
    let (rest, sign) = found.unwrap_or((text, Sign::Equal));
    let rest = strip_v(rest.trim());
    let (core, tail) = rest.find(['-', '+']).map_or((rest, ""), |at| rest.split_at(at));
    let precision = core.split('.').count();
    let version = parse(&format!("{core}{}{tail}", ".0".repeat(3_usize.checked_sub(precision)?))).ok()?;
    Some(Term { sign, version, precision })
}

impl Constraint {
    /// Whether the version fulfils every condition; a pre-release does only when one of them names it.
    #[must_use]
    pub fn allows(&self, version: &semver::Version) -> bool {
        let named = |term: &Term| !term.version.pre.is_empty() && same_core(&term.version, version);
        (version.pre.is_empty() || self.0.iter().any(named)) && self.0.iter().all(|term| term.holds(version))
    }

    /// The newest of the versions that fulfil it, as written; those that are no versions are passed over.
    pub fn latest<'v>(&self, versions: impl IntoIterator<Item = &'v str>) -> Option<&'v str> {
        let parsed = versions.into_iter().filter_map(|text| Some((parse(text).ok()?, text)));
        parsed.filter(|(version, _)| self.allows(version)).max_by(|a, b| a.0.cmp(&b.0)).map(|(_, text)| text)
    }
}

impl Term {
    fn holds(&self, version: &semver::Version) -> bool {
        match self.sign {
            Sign::Equal => version == &self.version,
            Sign::NotEqual => version != &self.version,
            Sign::Above => version > &self.version,
            Sign::AtLeast => version >= &self.version,
            Sign::Below => version < &self.version,
            Sign::AtMost => version <= &self.version,
            Sign::Pessimistic => {
                let fixed = match self.precision {
                    3 => (version.major, version.minor) == (self.version.major, self.version.minor),
                    2 => version.major == self.version.major,
                    _ => true,
                };
                fixed && version >= &self.version
            }
        }
    }
}

fn same_core(a: &semver::Version, b: &semver::Version) -> bool {
    (a.major, a.minor, a.patch) == (b.major, b.minor, b.patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_those_of_terraform() {
        for (constraint, version, expected) in [
            ("", "1.13.5", true),
            ("1.13.5", "1.13.5", true),
            ("= v1.13.5", "1.13.5", true),
            ("!= 1.13.5", "1.13.5", false),
            (">= 1.13", "1.13.0", true),
            ("> 1.13", "1.13.0", false),
            ("< 1.13", "1.12.9", true),
            ("<= 1.13.0", "1.13.1", false),
            (">= 1.12, < 1.14", "1.13.5", true),
            (">= 1.12, < 1.14", "1.14.0", false),
            ("~> 1.13.2", "1.13.9", true),
            ("~> 1.13.2", "1.13.1", false),
            ("~> 1.13.2", "1.14.0", false),
            ("~> 1.13", "1.99.0", true),
            ("~> 1.13", "2.0.0", false),
            ("~> 1", "2.0.0", true),
            // Pre-releases come only when they are asked for.
            (">= 1.13", "1.14.0-alpha.1", false),
            (">= 1.14.0-alpha.0", "1.14.0-alpha.1", true),
            (">= 1.14.0-alpha.0", "1.15.0-alpha.1", false),
        ] {
            let parsed: Constraint = constraint.parse().unwrap();
            assert_eq!(parsed.allows(&parse(version).unwrap()), expected, "{constraint} {version}");
        }
        for wrong in ["latest", ">= ", "1.2.3.4", "=> 1.2", "1.2,", "~> x"] {
            assert!(wrong.parse::<Constraint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_latest_is_told_by_number_and_given_as_written() {
        let latest = |constraint: &str| {
            let parsed: Constraint = constraint.parse().unwrap();
            parsed.latest(["1.9.6", "v1.13.5", "1.12.4", "none"])
        };
        assert_eq!((latest(""), latest("< 1.10"), latest("> 2")), (Some("v1.13.5"), Some("1.9.6"), None));
    }

    #[test]
    fn versions_are_sorted_by_number() {
        let versions = ["1.10.0", "v1.9.6", "1.10.0-rc.1", "none", "1.9.6"].map(str::to_owned).into();
        assert_eq!(sorted(versions), ["none", "1.9.6", "v1.9.6", "1.10.0-rc.1", "1.10.0"]);
    }

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
