//! The releases of Omni that can be simulated, and how they are identified.
//! The catalogue defines what each of them has and does.

use std::fmt;
use std::str::FromStr;

/// A release of Omni, by its minor version; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    minor: u8,
}

impl Release {
    /// 1.2, the oldest that the simulator can be.
    pub const V1_2: Self = Self { minor: 2 };
    /// 1.3.
    pub const V1_3: Self = Self { minor: 3 };
    /// 1.4.
    pub const V1_4: Self = Self { minor: 4 };
    /// 1.5.
    pub const V1_5: Self = Self { minor: 5 };
    /// 1.6.
    pub const V1_6: Self = Self { minor: 6 };
    /// 1.7.
    pub const V1_7: Self = Self { minor: 7 };
    /// 1.8.
    pub const V1_8: Self = Self { minor: 8 };
    /// 1.9.
    pub const V1_9: Self = Self { minor: 9 };
    /// 1.10.
    pub const V1_10: Self = Self { minor: 10 };
    /// The newest that the simulator can be.
    pub const NEWEST: Self = Self { minor: 11 };

    /// All that the simulator can be, from the oldest to the newest.
    pub fn all() -> impl Iterator<Item = Self> {
        (Self::V1_2.minor..=Self::NEWEST.minor).map(|minor| Self { minor })
    }

    /// The release that a table names by the version in which something came or went; one before all that the
    /// simulator can be counts as the oldest.
    #[must_use]
    pub fn of_version(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(str::parse::<u64>);
        let (Some(Ok(1)), Some(Ok(minor))) = (parts.next(), parts.next()) else { return None };
        parts.all(|part| part.is_ok()).then(|| Self::of_minor(minor))
    }

    /// The release with this minor version, as far as the simulator can be it.
    #[must_use]
    pub fn of_minor(minor: u64) -> Self {
        let known = minor.clamp(u64::from(Self::V1_2.minor), u64::from(Self::NEWEST.minor));
        Self { minor: u8::try_from(known).unwrap_or(Self::NEWEST.minor) }
    }
}

impl Default for Release {
    fn default() -> Self {
        Self::NEWEST
    }
}

impl fmt::Display for Release {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "1.{}", self.minor)
    }
}

/// The text names no release that the simulator can be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no Omni version that can be simulated; the first is {first}, the last is {last}", first = Release::V1_2, last = Release::NEWEST)]
pub struct UnknownRelease(String);

impl FromStr for Release {
    type Err = UnknownRelease;

    /// Reads `1.6`, `v1.6` or `1.6.6`; the patch version makes no difference.
    fn from_str(text: &str) -> Result<Self, UnknownRelease> {
        let unknown = || UnknownRelease(text.to_owned());
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
        let (Some("1"), Some(minor), patch, None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(unknown());
        };
        let release = Self { minor: minor.parse().map_err(|_| unknown())? };
        let known = (Self::V1_2..=Self::NEWEST).contains(&release);
        if known && patch.is_none_or(|patch| patch.parse::<u32>().is_ok()) { Ok(release) } else { Err(unknown()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_and_told_apart() {
        for (text, expected) in [
            ("1.2", Some(Release::V1_2)),
            ("v1.6.6", Some(Release::V1_6)),
            ("1.10.3", Some(Release::V1_10)),
            ("1.11", Some(Release::NEWEST)),
            ("1.1", None),
            ("1.12", None),
            ("2.6", None),
            ("1.6.x", None),
            ("1.6.6.6", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Release>().ok(), expected, "{text:?}");
        }
        assert!(Release::V1_9 < Release::V1_10);
        assert_eq!(Release::of_minor(99), Release::NEWEST);
        assert_eq!((Release::all().next(), Release::all().last()), (Some(Release::V1_2), Some(Release::NEWEST)));
    }
}
