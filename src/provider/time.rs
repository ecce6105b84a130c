//! Points in time as configurations write them, in RFC 3339, and as Omni keeps them.

use crate::tf::check::Check;
use jiff::Timestamp;
use std::time::Duration;

/// The text is a point in time in RFC 3339.
pub(crate) fn is_time() -> Check {
    Check::text(|text| match parse(text) {
        Some(_) => Ok(()),
        None => Err(format!(
            "`{text}` is not a time in RFC 3339: write it like `2027-01-31T12:00:00Z` or `2027-01-31T12:00:00+01:00`."
        )),
    })
}

/// Whether both texts mean the same point in time.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a == b || matches!((parse(a), parse(b)), (Some(a), Some(b)) if a == b)
}

/// Time since 1970; `None` for what is not in RFC 3339, or lies before.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    Duration::try_from(text.parse::<Timestamp>().ok()?.as_duration()).ok()
}

/// In RFC 3339, in UTC.
pub(crate) fn show(at: Duration) -> String {
    let at = i64::try_from(at.as_secs())
        .ok()
        .and_then(|s| Timestamp::new(s, i32::try_from(at.subsec_nanos()).unwrap_or_default()).ok());
    at.unwrap_or(Timestamp::MAX).to_string()
}

/// From Omni's form; what lies before 1970 counts as 1970.
pub(crate) fn from_proto(at: &prost_types::Timestamp) -> Duration {
    Duration::new(u64::try_from(at.seconds).unwrap_or_default(), u32::try_from(at.nanos).unwrap_or_default())
}

/// To Omni's form.
pub(crate) fn to_proto(at: Duration) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: i64::try_from(at.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(at.subsec_nanos()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (text, read) in [
            ("2027-01-31T12:00:00Z", Some("2027-01-31T12:00:00Z")),
            ("2027-01-31T13:00:00+01:00", Some("2027-01-31T12:00:00Z")),
            ("2027-01-31T12:00:00.5Z", Some("2027-01-31T12:00:00.5Z")),
            ("2027-01-31", None),
            ("tomorrow", None),
            ("1969-12-31T00:00:00Z", None),
        ] {
            assert_eq!(parse(text).map(show).as_deref(), read, "{text}");
        }
        assert!(same("2027-01-31T12:00:00Z", "2027-01-31T13:00:00+01:00"));
        assert!(!same("2027-01-31T12:00:00Z", "2027-01-31T12:00:01Z"));
        assert!(same("x", "x") && !same("x", "y"));
    }

    #[test]
    fn forms() {
        let at = Duration::new(1_790_000_000, 500);
        assert_eq!(from_proto(&to_proto(at)), at);
        assert_eq!(from_proto(&prost_types::Timestamp { seconds: -1, nanos: 0 }), Duration::ZERO);
    }
}
