//! Timestamps: RFC 3339 in configurations, and the form of Omni.

use crate::tf::check::Check;
use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use kit::text::quoted;
use std::time::Duration;

const START: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
/// The first second that Omni cannot keep: that of the year 10000.
const END: Duration = Duration::from_secs(253_402_300_800);

/// The text is a point in time in RFC 3339.
pub(crate) fn is_time() -> Check {
    Check::text(|text| match parse(text) {
        Some(_) => Ok(()),
        None if since_1970(text).is_some() => {
            Err(format!("{} lies outside of the years 1970 to 9999, and Omni keeps no such time.", quoted(text)))
        }
        None => Err(format!(
            "{} is not a time in RFC 3339: write it like `2027-01-31T12:00:00Z` or `2027-01-31T12:00:00+01:00`.",
            quoted(text)
        )),
    })
}

/// Whether both texts mean the same point in time.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a == b || matches!((parse(a), parse(b)), (Some(a), Some(b)) if a == b)
}

/// Time since 1970; `None` for what is not in RFC 3339, or lies before that or after 9999.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    since_1970(text).and_then(|since| Duration::try_from(since).ok()).filter(|since| *since < END)
}

/// The same for a time at any distance. It goes by the calendar, whose end lies a day behind that of the library's timestamps:
/// the last second of 9999 often stands for never.
fn since_1970(text: &str) -> Option<SignedDuration> {
    let pieces = Pieces::parse(text).ok()?;
    let local = pieces.date().to_datetime(pieces.time()?);
    local.duration_since(START).checked_sub(SignedDuration::from_secs(pieces.to_numeric_offset()?.seconds().into()))
}

/// In RFC 3339, in UTC.
pub(crate) fn show(at: Duration) -> String {
    let at = SignedDuration::try_from(at).ok().and_then(|at| START.checked_add(at).ok());
    format!("{}Z", at.unwrap_or(DateTime::MAX))
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
            ("9999-12-30T23:00:00Z", Some("9999-12-30T23:00:00Z")),
            ("9999-12-31T23:59:59Z", Some("9999-12-31T23:59:59Z")),
            ("9999-12-31T23:59:59.999999999Z", Some("9999-12-31T23:59:59.999999999Z")),
            ("9999-12-31T23:59:59+02:00", Some("9999-12-31T21:59:59Z")),
            ("9999-12-31T23:59:59-01:00", None),
            ("10000-01-01T00:00:00Z", None),
            ("2027-01-31T12:00:00", None),
            ("2027-01-31", None),
            ("tomorrow", None),
            ("1969-12-31T00:00:00Z", None),
        ] {
            assert_eq!(parse(text).map(show).as_deref(), read, "{text}");
        }
        let config = |text: &str| is_time().run(&text.into()).err().unwrap_or_default();
        assert!(config("9999-12-31T23:59:59-01:00").contains("the years 1970 to 9999"));
        assert!(config("1969-12-31T00:00:00Z").contains("the years 1970 to 9999"));
        assert!(config("tomorrow").contains("RFC 3339"));
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
