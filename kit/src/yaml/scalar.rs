//! The interpretation of a scalar by Go's YAML library: string, number, boolean or null.
//! It must not know where the scalar is.

use serde_json::{Number, Value};

/// A type that a scalar claims by a core tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// `!!null`
    Null,
    /// `!!bool`
    Bool,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
}

/// What Go's YAML library takes a scalar for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// No value.
    Null,
    /// A truth value.
    Bool,
    /// A whole number of 64 bits with a sign.
    Int,
    /// A whole number that needs all 64 bits for its size.
    Uint,
    /// Any other number, infinity and no number included.
    Float,
    /// A day, or a moment.
    Time,
    /// A merge key in the place of a value; Go makes nothing of it.
    Merge,
    /// Text.
    Text,
}

/// What an unquoted scalar without a tag is.
pub(super) fn reading(text: &str) -> Reading {
    match resolve(text) {
        Value::Null => Reading::Null,
        Value::Bool(_) => Reading::Bool,
        Value::Number(number) if integer(text).is_none() => match number.to_string().parse::<f64>() {
            Ok(size) if size.is_finite() => Reading::Float,
            // Go gives up on what is too large for it.
            _ => Reading::Text,
        },
        Value::Number(number) if number.is_i64() => Reading::Int,
        Value::Number(_) => Reading::Uint,
        _ if is_special(text) => Reading::Float,
        _ if text == "<<" => Reading::Merge,
        _ if is_time(text) => Reading::Time,
        _ => Reading::Text,
    }
}

/// Whether Go takes it for a day or a moment: `2024-1-2`, `2024-01-02T03:04:05.5Z`, `2024-01-02 03:04:05`.
fn is_time(text: &str) -> bool {
    let Some((date, clock)) = split_date(text) else { return false };
    let Some(kind) = clock.chars().next() else { return date };
    let clock = &clock[1..];
    let end = clock.find(['Z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(end);
    let zoned = match zone.strip_prefix(['+', '-']) {
        Some(offset) => {
            offset.len() == 5
                && offset.is_char_boundary(2)
                && offset[2..].starts_with(':')
                && offset.bytes().filter(u8::is_ascii_digit).count() == 4
        }
        None => zone == "Z",
    };
    let (clock, fraction) = clock
        .split_once('.')
        .map_or((clock, true), |(c, f)| (c, !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit())));
    let parts: Vec<&str> = clock.split(':').collect();
    let limits = [24, 60, 60];
    let timed = parts.len() == 3
        && parts.iter().zip(limits).all(|(part, limit)| number(part, 1..=2).is_some_and(|n| n < limit));
    let form = match kind {
        'T' | 't' => zoned,
        ' ' => zone.is_empty(),
        _ => false,
    };
    date && form && timed && fraction
}

/// Whether a text begins with a date that there is, and what follows it.
fn split_date(text: &str) -> Option<(bool, &str)> {
    let mut parts = text.splitn(3, '-');
    let (year, month, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (day, clock) = rest.split_at(digits);
    number(year, 4..=4)?;
    let (month, day) = (number(month, 1..=2)?, number(day, 1..=2)?);
    Some(((1..=12).contains(&month) && (1..=31).contains(&day), clock))
}

fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let fits = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

/// The value of an unquoted scalar without a tag.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    // Only these may begin a number, so `_1` and `e5` are text.
    if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        && let Some(number) = integer(text).or_else(|| decimal(text))
    {
        return Value::Number(number);
    }
    Value::String(text.to_owned())
}

/// The value of a scalar that claims a type; `None` when it does not look like one.
pub(super) fn resolve_as(claim: Claim, text: &str) -> Option<Value> {
    let value = resolve(text);
    let fits = match (claim, &value) {
        (Claim::Null, Value::Null) | (Claim::Bool, Value::Bool(_)) | (Claim::Float, Value::Number(_)) => true,
        (Claim::Int, Value::Number(n)) => n.to_string().bytes().all(|b| b.is_ascii_digit() || b == b'-'),
        (Claim::Float, Value::String(_)) => is_special(text),
        _ => false,
    };
    fits.then_some(value)
}

/// Whether it is infinity or no number, which are numbers to YAML and nothing to JSON.
pub(super) fn is_special(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// A whole number of up to 64 bits in any base that Go knows: `12`, `1_000`, `0x1f`, `0o17`, `017`, `0b101`.
fn integer(text: &str) -> Option<Number> {
    // Go keeps its sign, which only a fraction has.
    if text == "-0" {
        return None;
    }
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, plain.as_str()),
    };
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // The standard library would take a second sign here.
    if !digits.starts_with(|c: char| c.is_digit(base)) {
        return None;
    }
    let size = u64::from_str_radix(digits, base).ok()?;
    if !negative {
        return Some(size.into());
    }
    (size <= 1 << 63).then(|| Number::from(0i64.wrapping_sub_unsigned(size)))
}

/// A decimal number of any size, digit for digit.
fn decimal(text: &str) -> Option<Number> {
    // Go takes underscores out of a number unless it begins with the point.
    let plain = if text.starts_with('.') { text.to_owned() } else { text.replace('_', "") };
    let (sign, unsigned) = match plain.as_bytes().first()? {
        b'-' => ("-", &plain[1..]),
        b'+' => ("", &plain[1..]),
        _ => ("", plain.as_str()),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let mut json = format!("{sign}{}", whole.trim_start_matches('0'));
    if whole.trim_start_matches('0').is_empty() {
        json.push('0');
    }
    if !fraction.is_empty() {
        json.push('.');
        json.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if unsigned.is_empty() || !digits(unsigned) {
            return None;
        }
        json.push('e');
        json.push_str(exponent);
    }
    serde_json::from_str(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A JSON text, for a table that reads well.
    fn json(text: &str) -> Value {
        serde_json::from_str(text).expect(text)
    }

    #[test]
    fn reads_scalars_as_go_does() {
        let table = [
            ("", "null"),
            ("~", "null"),
            ("null", "null"),
            ("Null", "null"),
            ("NULL", "null"),
            ("nULL", r#""nULL""#),
            ("true", "true"),
            ("True", "true"),
            ("TRUE", "true"),
            ("tRUE", r#""tRUE""#),
            ("false", "false"),
            ("False", "false"),
            ("FALSE", "false"),
            // Truth values of YAML 1.1 are text to Go, unless a truth value is asked for.
            ("yes", r#""yes""#),
            ("No", r#""No""#),
            ("on", r#""on""#),
            ("OFF", r#""OFF""#),
            ("y", r#""y""#),
            ("n", r#""n""#),
            ("0", "0"),
            ("-0", "-0"),
            ("12", "12"),
            ("+12", "12"),
            ("-12", "-12"),
            ("1_000", "1000"),
            ("1__0", "10"),
            ("1_", "1"),
            ("_1", r#""_1""#),
            ("0777", "511"),
            ("-0777", "-511"),
            ("0o777", "511"),
            ("0O17", "15"),
            ("0_7", "7"),
            ("08", "8"),
            ("09.5", "9.5"),
            ("0777.5", "777.5"),
            ("0x1F", "31"),
            ("0X1f", "31"),
            ("-0x1F", "-31"),
            ("0x_1F", "31"),
            ("0x", r#""0x""#),
            ("0x1G", r#""0x1G""#),
            ("0x-1", r#""0x-1""#),
            ("0b101", "5"),
            ("0b12", r#""0b12""#),
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "9223372036854775808"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "18446744073709551616"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("-9223372036854775809", "-9223372036854775809"),
            ("0xFFFFFFFFFFFFFFFF", "18446744073709551615"),
            ("0x1FFFFFFFFFFFFFFFF", r#""0x1FFFFFFFFFFFFFFFF""#),
            ("1.5", "1.5"),
            ("1.50", "1.50"),
            ("1.", "1"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("+.5", "0.5"),
            ("1_000.5", "1000.5"),
            (".5_0", r#"".5_0""#),
            ("1e3", "1e3"),
            ("1E+3", "1e+3"),
            ("1e", r#""1e""#),
            ("1e+", r#""1e+""#),
            ("e3", r#""e3""#),
            (".", r#"".""#),
            ("-", r#""-""#),
            ("+", r#""+""#),
            ("--1", r#""--1""#),
            ("1-2", r#""1-2""#),
            ("1.2.3", r#""1.2.3""#),
            ("v1.2", r#""v1.2""#),
            ("12:30", r#""12:30""#),
            ("12:30:45", r#""12:30:45""#),
            ("10.0.0.0/8", r#""10.0.0.0/8""#),
            ("2024-01-02", r#""2024-01-02""#),
            ("2024-01-02T03:04:05Z", r#""2024-01-02T03:04:05Z""#),
            (".inf", r#"".inf""#),
            ("-.Inf", r#""-.Inf""#),
            (".nan", r#"".nan""#),
            ("nan", r#""nan""#),
            ("inf", r#""inf""#),
            ("Infinity", r#""Infinity""#),
            ("=", r#""=""#),
            ("<<", r#""<<""#),
        ];
        for (text, expected) in table {
            assert_eq!(resolve(text), json(expected), "{text:?}");
        }
    }

    #[test]
    fn tells_types_apart_as_go_does() {
        for (text, expected) in [
            ("", Reading::Null),
            ("~", Reading::Null),
            ("True", Reading::Bool),
            ("yes", Reading::Text),
            ("1", Reading::Int),
            ("-9223372036854775808", Reading::Int),
            ("9223372036854775807", Reading::Int),
            ("9223372036854775808", Reading::Uint),
            ("18446744073709551616", Reading::Float),
            ("1.0", Reading::Float),
            ("1e3", Reading::Float),
            ("08", Reading::Float),
            ("-0", Reading::Float),
            (".inf", Reading::Float),
            (".NaN", Reading::Float),
            ("1e1000", Reading::Text),
            ("<<", Reading::Merge),
            ("2024-01-02", Reading::Time),
            ("2024-1-2", Reading::Time),
            ("2024-01-02T03:04:05Z", Reading::Time),
            ("2024-01-02t3:4:5.5+01:00", Reading::Time),
            ("2024-01-02 03:04:05", Reading::Time),
            ("2024-13-02", Reading::Text),
            ("2024-01-02x", Reading::Text),
            ("2024-01-02T03:04", Reading::Text),
            ("2024-01", Reading::Text),
            ("12:30", Reading::Text),
            ("é-é-é", Reading::Text),
        ] {
            assert_eq!(reading(text), expected, "{text:?}");
        }
    }

    #[test]
    fn holds_scalars_to_their_claims() {
        let table = [
            (Claim::Int, "12", Some("12")),
            (Claim::Int, "0x10", Some("16")),
            (Claim::Int, "1.5", None),
            (Claim::Int, "x", None),
            (Claim::Float, "12", Some("12")),
            (Claim::Float, "1.5", Some("1.5")),
            (Claim::Float, ".inf", Some(r#"".inf""#)),
            (Claim::Float, "x", None),
            (Claim::Bool, "true", Some("true")),
            (Claim::Bool, "yes", None),
            (Claim::Null, "", Some("null")),
            (Claim::Null, "0", None),
        ];
        for (claim, text, expected) in table {
            assert_eq!(resolve_as(claim, text), expected.map(json), "{claim:?} {text:?}");
        }
    }
}
