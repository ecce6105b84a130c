//! Numbers of any size, exactly; and no further than a plan can reasonably need.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;

/// Larger exponents and longer texts than this are refused: a few bytes would unfold into gigabytes of zeros.
/// The smallest 64-bit float needs 1074 digits.
const LONGEST: usize = 4096;

/// Parses a decimal number, with or without an exponent.
pub(super) fn parse(text: &str) -> Option<BigDecimal> {
    // What an exponent unfolds into comes back as plain digits.
    if text.len() > 2 * LONGEST {
        return None;
    }
    let unsigned = |text: &str| text.strip_prefix(['-', '+']).unwrap_or(text).to_owned();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let mantissa = unsigned(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, "0"));
    let size = unsigned(exponent);
    let fits = digits(&size) && size.parse::<usize>().is_ok_and(|size| size <= LONGEST);
    if !digits(whole) || !digits(fraction) || !fits {
        return None;
    }
    text.parse::<BigDecimal>().ok().map(|n| n.normalized())
}

/// The number as decimal text without an exponent.
pub(super) fn text(number: &BigDecimal) -> String {
    number.normalized().to_plain_string()
}

/// The number, if it is an integer and fits.
pub(super) fn as_i64(number: &BigDecimal) -> Option<i64> {
    let (digits, scale) = number.normalized().into_bigint_and_exponent();
    if !(-19..=0).contains(&scale) {
        return None;
    }
    let factor = BigInt::from(10).pow(u32::try_from(-scale).ok()?);
    i64::try_from(digits * factor).ok()
}

/// The number as a float, if the float is exact.
pub(super) fn as_exact_f64(number: &BigDecimal) -> Option<f64> {
    let float: f64 = text(number).parse().ok()?;
    (from_f64(float)? == *number).then_some(float)
}

/// The exact number of a float.
pub(super) fn from_f64(float: f64) -> Option<BigDecimal> {
    if !float.is_finite() {
        return None;
    }
    BigDecimal::try_from(float).ok().map(|n| n.normalized())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimal_text_and_nothing_else() {
        for (written, plainly) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("+7", "7"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("25E-1", "2.5"),
            ("123456789012345678901234567890.5", "123456789012345678901234567890.5"),
        ] {
            assert_eq!(parse(written).map(|n| text(&n)).as_deref(), Some(plainly), "{written}");
        }
        for written in ["", "-", ".", ".5", "5.", "1_000", " 1", "0x10", "1e", "1e+", "Inf", "NaN", "1.2.3", "--1", "٣"]
        {
            assert_eq!(parse(written), None, "{written}");
        }
    }

    #[test]
    fn refuses_numbers_that_only_exist_to_fill_memory() {
        let long = "9".repeat(100_000);
        for written in ["1e999999999", "-1e-999999999", "1e99999999999999999999999999", &long] {
            assert_eq!(parse(written), None);
        }
        // The largest that is read can be written and read again.
        let number = parse("1e4096").unwrap();
        assert_eq!(parse(&text(&number)), Some(number));
    }

    #[test]
    fn whole_numbers_and_floats_are_told_apart_exactly() {
        for (written, whole, float) in [
            ("1.0", Some(1), Some(1.0)),
            ("-9223372036854775808", Some(i64::MIN), Some(-9_223_372_036_854_775_808.0)),
            ("9223372036854775807", Some(i64::MAX), None),
            ("9223372036854775808", None, Some(9_223_372_036_854_775_808.0)),
            ("1e18", Some(1_000_000_000_000_000_000), Some(1e18)),
            ("-1.25", None, Some(-1.25)),
            ("0.1", None, None),
            ("1e-400", None, None),
        ] {
            let number = parse(written).unwrap();
            assert_eq!((as_i64(&number), as_exact_f64(&number)), (whole, float), "{written}");
        }
        let smallest = f64::from_bits(1);
        assert_eq!(from_f64(smallest).and_then(|n| as_exact_f64(&n)), Some(smallest));
        assert_eq!([f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(from_f64), [None, None, None]);
    }
}
