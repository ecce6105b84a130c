//! Versions as Omni's checks read them: a leading `v` and missing parts are forgiven.

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
    let plain = text.split_once('+').map_or(text, |(plain, _)| plain);
    let (core, pre) = plain.split_once('-').map_or((plain, None), |(core, pre)| (core, Some(pre)));
    let parts: Vec<&str> = core.splitn(3, '.').collect();
    if parts.len() < 3 && pre.is_some() {
        return Err("Short version cannot contain PreRelease/Build meta data".into());
    }
    let number = |at: usize, name: &str| {
        let Some(part) = parts.get(at) else { return Ok(0) };
        if part.is_empty() || part.chars().any(|c| !c.is_ascii_digit()) {
            return Err(format!("Invalid character(s) found in {name} number {part:?}"));
        }
        part.parse().map_err(|_| format!("{name} number {part:?} is out of range"))
    };
    Ok(Version {
        major: number(0, "major")?,
        minor: number(1, "minor")?,
        patch: number(2, "patch")?,
        is_final: pre.is_none(),
        pre: pre.unwrap_or_default().to_owned(),
    })
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
            ("None", "Invalid character(s) found in major number \"None\""),
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
