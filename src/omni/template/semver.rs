//! Versions as omnictl reads them: `v1.13`, `01.36` and `1.36.3` are versions, and it says why others are none.

use std::cmp::Ordering;

/// A version; of two with the same numbers, the released one is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    /// Whether it is no pre-release.
    pub(super) released: bool,
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |version: &Self| (version.major, version.minor, version.patch, version.released);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reads a version.
///
/// # Errors
/// Why it is none.
pub(super) fn parse(text: &str) -> Result<Version, String> {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text.splitn(3, '.').map(lenient).collect();
    if let Some(last) = parts.last()
        && parts.len() < 3
    {
        if last.contains(['+', '-']) {
            return Err("Short version cannot contain PreRelease/Build meta data".to_owned());
        }
        parts.resize(3, "0".to_owned());
    }
    let [major, minor, patch] = parts.as_slice() else { return Err("Version string empty".to_owned()) };
    let (patch, build) = patch.split_once('+').map_or((patch.as_str(), None), |(p, b)| (p, Some(b)));
    let (patch, pre) = patch.split_once('-').map_or((patch, None), |(p, pre)| (p, Some(pre)));
    let (major, minor, patch) = (number("major", major)?, number("minor", minor)?, number("patch", patch)?);
    for part in pre.iter().flat_map(|pre| pre.split('.')) {
        if part.is_empty() {
            return Err("Prerelease is empty".to_owned());
        }
        if part.bytes().all(|b| b.is_ascii_digit()) && part.len() > 1 && part.starts_with('0') {
            return Err(format!("Numeric PreRelease version must not contain leading zeroes {part:?}"));
        }
        if !is_identifier(part) {
            return Err(format!("Invalid character(s) found in prerelease {part:?}"));
        }
    }
    for part in build.iter().flat_map(|build| build.split('.')) {
        if part.is_empty() {
            return Err("Build meta data is empty".to_owned());
        }
        if !is_identifier(part) {
            return Err(format!("Invalid character(s) found in build meta data {part:?}"));
        }
    }
    Ok(Version { major, minor, patch, released: pre.is_none() })
}

/// A part without its leading zeros; one that begins with no digit gets one.
fn lenient(part: &str) -> String {
    if part.len() < 2 {
        return part.to_owned();
    }
    let part = part.trim_start_matches('0');
    if part.starts_with(|c: char| c.is_ascii_digit()) { part.to_owned() } else { format!("0{part}") }
}

fn number(what: &str, text: &str) -> Result<u64, String> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("Invalid character(s) found in {what} number {text:?}"));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!("{what} number must not contain leading zeroes {text:?}"));
    }
    text.parse().map_err(|_| format!("{what} number {text:?} is no number"))
}

fn is_identifier(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, expected) in [
            ("v1.13.8", Ok((1, 13, 8, true))),
            ("1.36", Ok((1, 36, 0, true))),
            ("01.036.3", Ok((1, 36, 3, true))),
            ("v1.13.8-beta.0+x", Ok((1, 13, 8, false))),
            ("one", Err("Invalid character(s) found in major number \"0one\"")),
            ("v1.x", Err("Invalid character(s) found in minor number \"x\"")),
            ("v1.36.3.4", Err("Invalid character(s) found in patch number \"3.4\"")),
            ("vv1.36", Err("Invalid character(s) found in major number \"0v1\"")),
            ("1.2-x", Err("Short version cannot contain PreRelease/Build meta data")),
            ("1.2.3-", Err("Prerelease is empty")),
            ("1.2.3-01", Err("Numeric PreRelease version must not contain leading zeroes \"01\"")),
            ("1.2.3-a_b", Err("Invalid character(s) found in prerelease \"a_b\"")),
            ("1.2.3+a_b", Err("Invalid character(s) found in build meta data \"a_b\"")),
        ] {
            let parsed = parse(text).map(|v| (v.major, v.minor, v.patch, v.released));
            assert_eq!(parsed, expected.map_err(str::to_owned), "{text}");
        }
        assert!(parse("1.5.0-alpha.1") < parse("1.5.0"));
    }
}
