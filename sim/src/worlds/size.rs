//! Sizes with units: `16GiB`, `500GB`, `1.5TB`.

const UNITS: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// The size in bytes.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size; write a number and a unit, such as `16GiB` or `500GB`");
    let (number, factor) =
        UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?.trim(), *factor))).ok_or_else(wrong)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    // Nine digits behind the point are more than anybody writes, and keep the arithmetic exact.
    if part.len() > 9 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let part: u64 = format!("{part:0<9}").parse().map_err(|_| wrong())?;
    let bytes = u128::from(whole) * u128::from(factor) + u128::from(part) * u128::from(factor) / 1_000_000_000;
    u64::try_from(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("16GiB", Some(16 << 30)),
            ("500GB", Some(500_000_000_000)),
            ("1.5 TB", Some(1_500_000_000_000)),
            ("0.5GiB", Some(1 << 29)),
            ("512", None),
            ("GB", None),
            ("-1GB", None),
            ("1.x GB", None),
            ("99999999999TB", None),
        ] {
            assert_eq!(parse(text).ok(), expected, "{text}");
        }
    }
}
