//! Durations in configurations: parsing and validation, for every attribute with a duration.
//! They are Go durations; surrounding white space is ignored, as in the official provider.

use super::errors::capital;
use crate::tf::check::Check;
use kit::go_duration;
use kit::go_duration::{GoDuration, ParseError};
use kit::text::quoted;
use std::time::Duration;

/// The duration that a text holds; `None` for a negative one, and for a text that is none.
pub(crate) fn of(text: &str) -> Option<Duration> {
    parse(text).ok().and_then(GoDuration::to_std)
}

/// The Go duration that a text holds.
///
/// # Errors
/// When it holds none.
pub(crate) fn parse(text: &str) -> Result<GoDuration, ParseError> {
    go_duration::parse(text.trim())
}

/// Whether two texts hold durations of the same length.
pub(crate) fn same(a: &str, b: &str) -> bool {
    go_duration::same(a.trim(), b.trim())
}

/// A check of the duration that a text holds; what is no duration is refused before `rule` is asked.
pub(crate) fn checked(rule: impl Fn(&str, GoDuration) -> Result<(), String> + Send + Sync + 'static) -> Check {
    Check::text(move |text| match parse(text) {
        Ok(duration) => rule(text.trim(), duration),
        Err(error) => Err(no_duration(text, &error)),
    })
}

/// The text is a duration that is not negative, or empty, where that means that there is none.
pub(crate) fn is_duration_or_empty() -> Check {
    let duration = checked(|text, duration| match duration.nanos() {
        0.. => Ok(()),
        _ => Err(format!("`{text}` must not be negative.")),
    });
    Check::by(
        move |value| {
            if value.as_str().is_some_and(|text| text.trim().is_empty()) { Ok(()) } else { duration.run(value) }
        },
    )
}

/// The text is a duration greater than zero.
pub(crate) fn is_positive() -> Check {
    checked(|text, duration| match duration.nanos() {
        1.. => Ok(()),
        _ => Err(format!("`{text}` must be greater than zero.")),
    })
}

/// Why a text is no duration, and the form that was meant where that can be told.
fn no_duration(text: &str, error: &ParseError) -> String {
    let shown = quoted(text);
    let text = text.trim();
    let number = |unit: &str| text.strip_suffix(unit)?.parse::<u32>().ok();
    match error {
        ParseError::MissingUnit(_) if number("").is_some() => {
            format!("{shown} is not a duration: it has no unit. For seconds, write `{text}s`.")
        }
        ParseError::UnknownUnit { unit, .. } if unit == "d" => {
            let hours = number("d").and_then(|days| days.checked_mul(24));
            let meant = hours.map_or_else(|| "a day is `24h`".to_owned(), |hours| format!("write `{hours}h`"));
            format!("{shown} is not a duration: the longest unit is the hour; {meant}.")
        }
        ParseError::UnknownUnit { unit, .. } => format!(
            "{shown} is not a duration: {} is not a unit. Units are `ns`, `us`, `ms`, `s`, `m` and `h`; write it like `90s`, `30m` or `1h30m`.",
            quoted(unit)
        ),
        ParseError::Overflow(_) => format!("{}.", capital(&error.to_string())),
        ParseError::Invalid(_) | ParseError::MissingUnit(_) => {
            format!("{shown} is not a duration: write a number with a unit, such as `90s`, `30m` or `1h30m`.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_duration_is_told_with_the_form_that_was_meant() {
        for (text, says) in [
            ("1d", "write `24h`."),
            ("30d", "write `720h`."),
            ("1d12h", "a day is `24h`."),
            ("3600", "For seconds, write `3600s`."),
            ("1y", "`y` is not a unit."),
            ("1h30", "such as `90s`"),
            ("soon", "such as `90s`"),
            ("", "such as `90s`"),
            (" ", "such as `90s`"),
            (" 1d ", "write `24h`."),
            ("1h 30m", "is not a unit"),
            ("9999999999999h", "too long"),
        ] {
            let said = no_duration(text, &parse(text).unwrap_err());
            assert!(said.contains(says) && said.ends_with('.'), "{text}: {said}");
            assert!(said.matches("is not a duration").count() < 2, "{said}");
        }
    }
}
