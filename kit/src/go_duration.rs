//! Durations in the format of Go: `1h30m0s`, `250ms`, `-1.5s`.
//! It must not know what a duration is used for.

use super::text::quoted;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A signed duration in nanoseconds, at most about 292 years, in the syntax of Go.
///
/// ```
/// use kit::go_duration::parse;
///
/// for (text, seconds) in [("90s", 90), ("1h30m", 5400), ("1.5h", 5400), ("-2m", -120), ("1500ms", 1), ("0", 0)] {
///     assert_eq!(parse(text).unwrap().seconds(), seconds, "{text}");
/// }
/// for text in ["", "90", "1d", "s", "1h 30m"] {
///     assert!(parse(text).is_err(), "{text}");
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(i64);

/// Why a string is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It does not begin like a number.
    #[error("{} is not a duration; write a number with a unit, such as `90s`, `10m` or `1h30m`", quoted(.0))]
    Invalid(String),
    /// A number stands without its unit.
    #[error("{} has a number without a unit; use one of `ns`, `us`, `ms`, `s`, `m`, `h`, such as `10m`", quoted(.0))]
    MissingUnit(String),
    /// A number has a unit that Go does not know, such as a day.
    #[error("{} has the unknown unit {}; use one of `ns`, `us`, `ms`, `s`, `m`, `h`", quoted(.text), quoted(.unit))]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// The part that should be a unit.
        unit: String,
    },
    /// It is longer than 292 years.
    #[error("{} is too long; the longest duration is 2562047h47m16.854775807s", quoted(.0))]
    Overflow(String),
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// The size of the most negative duration, which is one more than that of the longest.
const MOST: u64 = 1 << 63;

/// Reads a duration.
///
/// # Errors
/// When Go would refuse the text.
pub fn parse(text: &str) -> Result<GoDuration, ParseError> {
    let invalid = || ParseError::Invalid(text.to_owned());
    let overflow = || ParseError::Overflow(text.to_owned());
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(GoDuration(0));
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = split_while(rest, |c| c.is_ascii_digit());
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split_while(after, |c| c.is_ascii_digit()),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let (unit, after) = split_while(after, |c| c != '.' && !c.is_ascii_digit());
        if unit.is_empty() {
            return Err(ParseError::MissingUnit(text.to_owned()));
        }
        let nanos =
            unit_nanos(unit).ok_or_else(|| ParseError::UnknownUnit { text: text.to_owned(), unit: unit.to_owned() })?;
        total = whole_number(whole)
            .and_then(|n| n.checked_mul(nanos))
            .and_then(|n| n.checked_add(fraction_of(fraction, nanos)))
            .and_then(|n| total.checked_add(n))
            .filter(|n| *n <= MOST)
            .ok_or_else(overflow)?;
        rest = after;
    }
    if negative {
        // `total` is at most 2^63, whose negative is still representable.
        return Ok(GoDuration(0i64.wrapping_sub_unsigned(total)));
    }
    i64::try_from(total).map(GoDuration).map_err(|_| overflow())
}

/// Whether both strings are the same duration; strings that are not durations must be equal.
///
/// ```
/// use kit::go_duration::same;
///
/// assert!(same("90s", "1m30s") && same("soon", "soon"));
/// assert!(!same("90s", "90m"));
/// ```
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    match (parse(a), parse(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// A duration for messages: `90s`, `20m`, `1h30m`; rounded to seconds, below a second to milliseconds, and below one of these not at all.
#[must_use]
pub fn short(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 && !duration.is_zero() {
        return GoDuration(i64::from(duration.subsec_nanos())).to_string();
    }
    if millis < 1000 {
        return format!("{millis}ms");
    }
    let seconds = (millis + 500) / 1000;
    if seconds < 120 && seconds != 60 {
        return format!("{seconds}s");
    }
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect()
}

impl GoDuration {
    /// A duration of so many nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A duration of so many seconds; `None` when it is too long.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        seconds.checked_mul(NANOS_PER_SECOND).map(Self)
    }

    /// A duration of seconds and the nanoseconds beyond them, both of the same sign; `None` when it is too long.
    #[must_use]
    pub fn from_parts(seconds: i64, nanos: i32) -> Option<Self> {
        // Through 128 bits: the seconds alone may be a little too many when the nanoseconds point the other way.
        let nanos = i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(nanos);
        i64::try_from(nanos).ok().map(Self)
    }

    /// A duration of the standard library; `None` when it is too long.
    #[must_use]
    pub fn from_std(duration: Duration) -> Option<Self> {
        i64::try_from(duration.as_nanos()).ok().map(Self)
    }

    /// The length in nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The length in whole seconds, rounded towards zero.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0 / NANOS_PER_SECOND
    }

    /// Whole seconds and the nanoseconds beyond them, both of the same sign.
    #[must_use]
    pub fn parts(self) -> (i64, i32) {
        // The remainder is smaller than 10^9 either way, so the conversion cannot fail.
        (self.seconds(), i32::try_from(self.0 % NANOS_PER_SECOND).unwrap_or_default())
    }

    /// The length for the standard library; `None` for a negative one.
    #[must_use]
    pub fn to_std(self) -> Option<Duration> {
        u64::try_from(self.0).ok().map(Duration::from_nanos)
    }
}

impl FromStr for GoDuration {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text)
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        let mut text = String::new();
        if self.0 < 0 {
            text.push('-');
        }
        match size {
            0 => text.push_str("0s"),
            1..1_000 => text.push_str(&format!("{size}ns")),
            1_000..1_000_000 => text.push_str(&decimal(size, 1_000, "µs")),
            1_000_000..1_000_000_000 => text.push_str(&decimal(size, 1_000_000, "ms")),
            _ => {
                let minutes = size / 60_000_000_000;
                if minutes >= 60 {
                    text.push_str(&format!("{}h", minutes / 60));
                }
                if minutes > 0 {
                    text.push_str(&format!("{}m", minutes % 60));
                }
                text.push_str(&decimal(size % 60_000_000_000, 1_000_000_000, "s"));
            }
        }
        f.pad(&text)
    }
}

/// `nanos` counted in units of `unit` nanoseconds, a power of ten, without zeros at the end of the fraction.
fn decimal(nanos: u64, unit: u64, name: &str) -> String {
    let (whole, rest) = (nanos / unit, nanos % unit);
    if rest == 0 {
        return format!("{whole}{name}");
    }
    // One digit for each zero of the unit.
    let width = unit.ilog10() as usize;
    let digits = format!("{rest:0width$}");
    format!("{whole}.{}{name}", digits.trim_end_matches('0'))
}

fn unit_nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        // The second is the micro sign, the third the Greek letter; keyboards give either.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn whole_number(digits: &str) -> Option<u64> {
    if digits.is_empty() { Some(0) } else { digits.parse().ok().filter(|n| *n <= MOST) }
}

/// The part of a unit that a decimal fraction names.
/// Go computes it in floating point and stops reading digits once they no longer fit, so we do too:
/// an exact result would differ in the last nanosecond, and two tools would disagree about one text.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as Go does")]
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let mut value: u64 = 0;
    let mut scale = 1.0_f64;
    for digit in digits.bytes().map(|b| u64::from(b - b'0')) {
        match value.checked_mul(10).and_then(|v| v.checked_add(digit)).filter(|v| *v <= MOST) {
            Some(next) => value = next,
            None => break,
        }
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

fn split_while(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !wanted(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_as_people_write_them() {
        for (millis, text) in [
            (0, "0ms"),
            (20, "20ms"),
            (8_004, "8s"),
            (60_000, "1m"),
            (90_000, "90s"),
            (119_700, "2m"),
            (1_200_003, "20m"),
            (3_600_000, "1h"),
            (5_445_000, "1h30m45s"),
        ] {
            assert_eq!(short(Duration::from_millis(millis)), text);
        }
        assert_eq!(short(Duration::from_micros(500)), "500µs");
        assert_eq!(short(Duration::from_nanos(1)), "1ns");
    }
    use proptest::prelude::*;

    const US: i64 = 1_000;
    const MS: i64 = 1_000 * US;
    const S: i64 = 1_000 * MS;
    const M: i64 = 60 * S;
    const H: i64 = 60 * M;

    #[test]
    fn reads_what_go_reads() {
        let table = [
            ("0", 0),
            ("-0", 0),
            ("+0", 0),
            ("0h", 0),
            ("5s", 5 * S),
            ("30s", 30 * S),
            ("1478s", 1478 * S),
            ("-5s", -5 * S),
            ("+5s", 5 * S),
            ("5.0s", 5 * S),
            ("5.6s", 5 * S + 600 * MS),
            ("5.s", 5 * S),
            (".5s", 500 * MS),
            ("-.5s", -500 * MS),
            ("1.0s", S),
            ("1.004s", S + 4 * MS),
            ("1.0040s", S + 4 * MS),
            ("100.00100s", 100 * S + MS),
            ("10ns", 10),
            ("11us", 11 * US),
            ("12\u{b5}s", 12 * US),
            ("12\u{3bc}s", 12 * US),
            ("13ms", 13 * MS),
            ("14s", 14 * S),
            ("15m", 15 * M),
            ("16h", 16 * H),
            ("3h30m", 3 * H + 30 * M),
            ("30m3h", 3 * H + 30 * M),
            ("1m1m", 2 * M),
            ("10.5s4m", 4 * M + 10 * S + 500 * MS),
            ("-2m3.4s", -(2 * M + 3 * S + 400 * MS)),
            ("1h2m3s4ms5us6ns", H + 2 * M + 3 * S + 4 * MS + 5 * US + 6),
            ("39h9m14.425s", 39 * H + 9 * M + 14 * S + 425 * MS),
            ("8760h", 8760 * H),
            ("52763797000ns", 52_763_797_000),
            ("0.3333333333333333333h", 20 * M),
            ("0.100000000000000000000h", 6 * M),
            ("0.9223372036854775807h", 55 * M + 20 * S + 413_933_267),
            ("9007199254740993ns", 9_007_199_254_740_993),
            ("9223372036854775807ns", i64::MAX),
            ("9223372036854775.807us", i64::MAX),
            ("9223372036s854ms775us807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
            ("-2562047h47m16.854775808s", i64::MIN),
        ];
        for (text, nanos) in table {
            assert_eq!(parse(text).map(GoDuration::nanos), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        let invalid = |t: &str| ParseError::Invalid(t.to_owned());
        let unknown = |t: &str, u: &str| ParseError::UnknownUnit { text: t.to_owned(), unit: u.to_owned() };
        let overflow = |t: &str| ParseError::Overflow(t.to_owned());
        let table = [
            ("", invalid("")),
            ("-", invalid("-")),
            ("s", invalid("s")),
            (".", invalid(".")),
            ("-.", invalid("-.")),
            (".s", invalid(".s")),
            ("+.s", invalid("+.s")),
            ("- 1s", invalid("- 1s")),
            (" 1s", invalid(" 1s")),
            ("--1s", invalid("--1s")),
            ("3", ParseError::MissingUnit("3".into())),
            ("1h30", ParseError::MissingUnit("1h30".into())),
            ("1.5", ParseError::MissingUnit("1.5".into())),
            ("1d", unknown("1d", "d")),
            ("1M", unknown("1M", "M")),
            ("1 h", unknown("1 h", " h")),
            ("1h ", unknown("1h ", "h ")),
            ("1h-2m", unknown("1h-2m", "h-")),
            ("\u{ffff}1s", invalid("\u{ffff}1s")),
            ("1\u{ffff}", unknown("1\u{ffff}", "\u{ffff}")),
            ("3000000h", overflow("3000000h")),
            ("9223372036854775808ns", overflow("9223372036854775808ns")),
            ("9223372036854775.808us", overflow("9223372036854775.808us")),
            ("9223372036854ms775us808ns", overflow("9223372036854ms775us808ns")),
            ("-9223372036854775809ns", overflow("-9223372036854775809ns")),
            ("99999999999999999999999s", overflow("99999999999999999999999s")),
        ];
        for (text, error) in table {
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn prints_as_go_prints() {
        let table = [
            (0, "0s"),
            (1, "1ns"),
            (999, "999ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (M, "1m0s"),
            (H, "1h0m0s"),
            (90 * M, "1h30m0s"),
            (24 * H, "24h0m0s"),
            (4 * M + 5 * S, "4m5s"),
            (4 * M + 5 * S + MS, "4m5.001s"),
            (5 * H + 6 * M + 7 * S + MS, "5h6m7.001s"),
            (8 * M + 1, "8m0.000000001s"),
            (-S, "-1s"),
            (-H, "-1h0m0s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ];
        for (nanos, text) in table {
            assert_eq!(GoDuration(nanos).to_string(), text);
        }
    }

    #[test]
    fn compares_by_length() {
        for (a, b, expected) in [
            ("1h", "60m", true),
            ("1h", "1h0m0s", true),
            ("0", "0s", true),
            ("1h", "61m", false),
            ("soon", "soon", true),
            ("1d", "24h", false),
            ("", "0s", false),
        ] {
            assert_eq!(same(a, b), expected, "{a} and {b}");
            assert_eq!(same(b, a), expected, "{b} and {a}");
        }
    }

    #[test]
    fn converts() {
        let d = GoDuration(-1_500_000_001);
        assert_eq!((d.seconds(), d.parts(), d.to_std()), (-1, (-1, -500_000_001), None));
        assert_eq!(GoDuration(1_500_000_000).to_std(), Some(Duration::from_millis(1500)));
        assert_eq!(GoDuration::from_std(Duration::from_millis(1500)), Some(GoDuration(1_500_000_000)));
        assert_eq!(GoDuration::from_std(Duration::MAX), None);
        assert_eq!(GoDuration::from_seconds(i64::MAX), None);
        assert_eq!(GoDuration::from_seconds(-3), Some(GoDuration(-3 * S)));
        assert_eq!(GoDuration::from_parts(i64::MAX, 0), None);
        assert_eq!(GoDuration::from_parts(-9_223_372_036, -854_775_808), Some(GoDuration(i64::MIN)));
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_the_same(nanos: i64) {
            prop_assert_eq!(parse(&GoDuration(nanos).to_string()), Ok(GoDuration(nanos)));
        }

        #[test]
        fn parts_come_back(nanos: i64) {
            let (seconds, rest) = GoDuration(nanos).parts();
            prop_assert_eq!(GoDuration::from_parts(seconds, rest), Some(GoDuration(nanos)));
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.a-zµ]{0,24}") {
            if let Ok(duration) = parse(&text) {
                prop_assert!(same(&text, &duration.to_string()));
            }
        }
    }
}
