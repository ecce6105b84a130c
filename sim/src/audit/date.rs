//! Dates in requests, with the error messages of Go.

use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The first millisecond of a day like `2026-05-31`.
///
/// # Errors
/// In Go's words, when the text is no such day.
pub(super) fn millis(text: &str) -> Result<i64, String> {
    let (year, month, day) = parts(text)?;
    let start = Date::new(year, month, day).ok().and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    let start = start.ok_or_else(|| format!("parsing time {text:?}: day out of range"))?;
    Ok(start.timestamp().as_millisecond())
}

fn parts(text: &str) -> Result<(i16, i8, i8), String> {
    let stuck =
        |rest: &str, at: &str| format!("parsing time {text:?} as \"2006-01-02\": cannot parse {rest:?} as {at:?}");
    let out_of_range = |what: &str| format!("parsing time {text:?}: {what} out of range");
    let (year, rest) = number::<i16>(text, 4).ok_or_else(|| stuck(text, "2006"))?;
    let rest = rest.strip_prefix('-').ok_or_else(|| stuck(rest, "-"))?;
    let (month, rest) = number::<i8>(rest, 2).ok_or_else(|| stuck(rest, "01"))?;
    if !(1..=12).contains(&month) {
        return Err(out_of_range("month"));
    }
    let rest = rest.strip_prefix('-').ok_or_else(|| stuck(rest, "-"))?;
    let (day, rest) = number::<i8>(rest, 2).ok_or_else(|| stuck(rest, "02"))?;
    if !rest.is_empty() {
        return Err(format!("parsing time {text:?}: extra text: {rest:?}"));
    }
    if day < 1 {
        return Err(out_of_range("day"));
    }
    Ok((year, month, day))
}

/// A number of exactly so many digits, and what follows it.
fn number<T: std::str::FromStr>(text: &str, digits: usize) -> Option<(T, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_go_does() {
        let stuck = |text: &str, rest: &str, at: &str| {
            Err(format!("parsing time {text:?} as \"2006-01-02\": cannot parse {rest:?} as {at:?}"))
        };
        for (text, expected) in [
            ("1970-01-02", Ok(86_400_000)),
            ("2026-05-31", Ok(1_780_185_600_000)),
            ("x", stuck("x", "x", "2006")),
            ("", stuck("", "", "2006")),
            ("20é6-05-31", stuck("20é6-05-31", "20é6-05-31", "2006")),
            ("2026/05/31", stuck("2026/05/31", "/05/31", "-")),
            ("2026-5-31", stuck("2026-5-31", "5-31", "01")),
            ("2026-05", stuck("2026-05", "", "-")),
            ("2026-05-", stuck("2026-05-", "", "02")),
            ("2026-13-01", Err("parsing time \"2026-13-01\": month out of range".into())),
            ("2026-02-30", Err("parsing time \"2026-02-30\": day out of range".into())),
            ("2026-02-00", Err("parsing time \"2026-02-00\": day out of range".into())),
            ("2026-05-31T00", Err("parsing time \"2026-05-31T00\": extra text: \"T00\"".into())),
        ] {
            assert_eq!(millis(text), expected, "{text:?}");
        }
    }
}
