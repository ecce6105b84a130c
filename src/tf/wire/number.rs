//! Numbers of any size, exactly; and no further than a plan can reasonably need.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use std::str::FromStr;

/// Longer texts and larger exponents than this are refused: they would unfold into gigabytes.
const LONGEST: usize = 4096;

/// The number that the text writes.
pub(super) fn parse(text: &str) -> Option<BigDecimal> {
    if text.len() > LONGEST {
        return None;
    }
    let exponent = text.split_once(['e', 'E']).map_or(Some(0), |(_, e)| e.parse::<i64>().ok())?;
    if exponent.unsigned_abs() > LONGEST as u64 {
        return None;
    }
    let number = BigDecimal::from_str(text).ok()?;
    Some(number.normalized())
}

/// The number as decimal text without an exponent.
pub(super) fn text(number: &BigDecimal) -> String {
    number.normalized().to_plain_string()
}

/// The number, when it is whole and fits.
pub(super) fn as_i64(number: &BigDecimal) -> Option<i64> {
    let (digits, scale) = number.normalized().into_bigint_and_exponent();
    if !(-19..=0).contains(&scale) {
        return None;
    }
    let factor = BigInt::from(10).pow(u32::try_from(-scale).ok()?);
    i64::try_from(digits * factor).ok()
}

/// The number as a float, when the float is exactly this number.
pub(super) fn as_exact_f64(number: &BigDecimal) -> Option<f64> {
    let float: f64 = text(number).parse().ok()?;
    (from_f64(float)? == *number).then_some(float)
}

/// The number that the float is, exactly.
pub(super) fn from_f64(float: f64) -> Option<BigDecimal> {
    if !float.is_finite() {
        return None;
    }
    BigDecimal::try_from(float).ok().map(|n| n.normalized())
}
