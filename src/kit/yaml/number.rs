//! Numbers by value, whatever their size; it must not round, and must not spell out large exponents.

use serde_json::Number;

/// Whether both are the same number.
pub(super) fn equal(a: &Number, b: &Number) -> bool {
    let (a, b) = (a.to_string(), b.to_string());
    a == b || matches!((Normal::of(&a), Normal::of(&b)), (Some(a), Some(b)) if a == b)
}

/// A number as digits that neither begin nor end with zero, times a power of ten.
#[derive(PartialEq, Eq)]
struct Normal {
    negative: bool,
    digits: String,
    exponent: i128,
}

impl Normal {
    /// `None` when the exponent is beyond all counting.
    fn of(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |t| (true, t));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let dropped = all.len() - digits.len();
        let digits = digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let exponent = exponent
            .parse::<i128>()
            .ok()?
            .checked_add(i128::try_from(dropped).ok()?)?
            .checked_sub(i128::try_from(fraction.len()).ok()?)?;
        Some(Self { negative, digits, exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_value() {
        for (a, b, expected) in [
            ("1", "1.0", true),
            ("10", "1e1", true),
            ("10", "1E+1", true),
            ("0.10", "1e-1", true),
            ("-0", "0.00", true),
            ("0e9", "0", true),
            ("-1", "1", false),
            ("100", "10", false),
            ("101", "11", false),
            ("1e999999999999999999999999999999999999999999", "1e999999999999999999999999999999999999999999", true),
            ("1e999999999999999999999999999999999999999999", "1e999999999999999999999999999999999999999998", false),
            ("123456789012345678901234567890", "1234567890123456789012345678.90e2", true),
        ] {
            let number = |t: &str| serde_json::from_str::<Number>(t).expect(t);
            assert_eq!(equal(&number(a), &number(b)), expected, "{a} and {b}");
        }
    }
}
