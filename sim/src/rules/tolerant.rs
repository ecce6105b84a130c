//! Versions as parsed by the checks of Omni: a leading `v` and missing parts are accepted.

/// The numbers of a version, and what stands behind the first `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u64,
    /// Second number.
    pub minor: u64,
    /// Third number.
    pub patch: u64,
    /// Whether it is final: `1.2.3-rc.1` is less than `1.2.3`.
    pub is_final: bool,
    /// What stands behind the `-`.
    pub pre: String,
}

impl Version {
    /// The first two numbers, which decide what can run together.
    #[must_use]
    pub fn minor_line(&self) -> (u64, u64) {
        (self.major, self.minor)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.is_final {
            write!(f, "-{}", self.pre)?;
        }
        Ok(())
    }
}

/// Reads a version.
///
/// # Errors
/// A text that says what is wrong with it, for the server's own message.
pub fn parse(text: &str) -> Result<Version, String> {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text.splitn(3, '.').map(padded).collect();
    if parts.len() < 3 {
        if parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return Err("Short version cannot contain PreRelease/Build meta data".into());
        }
        parts.resize(3, "0".to_owned());
    }
    let core = parts.pop().unwrap_or_default();
    let plain = core.split_once('+').map_or(core.as_str(), |(plain, _)| plain);
    let (patch, pre) = plain.split_once('-').map_or((plain, None), |(patch, pre)| (patch, Some(pre)));
    let number = |name: &str, part: &str| {
        if part.chars().any(|c| !c.is_ascii_digit()) {
            return Err(format!("Invalid character(s) found in {name} number {part:?}"));
        }
        part.parse().map_err(|_| {
            let why = if part.is_empty() { "invalid syntax" } else { "value out of range" };
            format!("strconv.ParseUint: parsing {part:?}: {why}")
        })
    };
    Ok(Version {
        major: number("major", parts.first().map_or("", String::as_str))?,
        minor: number("minor", parts.get(1).map_or("", String::as_str))?,
        patch: number("patch", patch)?,
        is_final: pre.is_none(),
        pre: pre.unwrap_or_default().to_owned(),
    })
}

/// A part without zeros in front of it; where it does not begin with a digit then, it gets one.
fn padded(part: &str) -> String {
    if part.len() <= 1 {
        return part.to_owned();
    }
    match part.trim_start_matches('0') {
        bare if bare.starts_with(|c: char| c.is_ascii_digit()) => bare.to_owned(),
        bare => format!("0{bare}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_server_reads() {
        for (text, expected) in [
            ("1.13.5", "1.13.5"),
            ("v1.13.5", "1.13.5"),
            ("1.13", "1.13.0"),
            ("1", "1.0.0"),
            ("1.14.0-alpha.1", "1.14.0-alpha.1"),
            ("1.2.3+meta", "1.2.3"),
        ] {
            assert_eq!(parse(text).map(|v| v.to_string()), Ok(expected.to_owned()), "{text}");
        }
        for (text, expected) in [
            ("None", "Invalid character(s) found in major number \"0None\""),
            ("", "strconv.ParseUint: parsing \"\": invalid syntax"),
            ("1.x", "Invalid character(s) found in minor number \"x\""),
            ("1.2.0gamma", "Invalid character(s) found in patch number \"0gamma\""),
            ("1.2-rc", "Short version cannot contain PreRelease/Build meta data"),
        ] {
            assert_eq!(parse(text), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_candidate_comes_before_its_release() {
        assert!(parse("1.14.0-rc.0").unwrap() < parse("1.14.0").unwrap());
        assert!(parse("1.13.9").unwrap() < parse("1.14.0-rc.0").unwrap());
    }
}
