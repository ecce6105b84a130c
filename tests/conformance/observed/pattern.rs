//! Compares an answer with what was written down: masks stand for values of their shape.
//! Of the answer as a whole only what was written down counts; what lies inside it has to be the same.

use regex::Regex;
use serde_json::Value;

const MASKS: [(&str, &str); 5] = [
    ("<uuid>", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ("<me>", "[A-Za-z0-9_-]+"),
    ("<instance>", "[A-Za-z0-9._-]+"),
    ("<address>", "[0-9a-f:]+"),
    ("<port>", "[0-9]+"),
];

/// Whether the text has the shape that was written down.
pub fn fits(want: &str, got: &str, any_version: bool) -> bool {
    if let Some(length) = counted(want, " characters>") {
        return got.chars().count() == length;
    }
    let mut pattern = regex::escape(want);
    for (mask, shape) in MASKS {
        pattern = pattern.replace(&regex::escape(mask), shape);
    }
    if any_version && let Ok(version) = Regex::new(r"@[0-9]+\\\)") {
        pattern = version.replace_all(&pattern, r"@[0-9]+\)").into_owned();
    }
    Regex::new(&format!("(?s)^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(got))
}

/// The number in `<16385 characters>`.
pub fn counted(mask: &str, unit: &str) -> Option<usize> {
    mask.strip_prefix('<')?.strip_suffix(unit)?.parse().ok()
}

/// Where the answer is not what was written down.
pub fn differs(want: &Value, got: &Value) -> Option<String> {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => want.iter().find_map(|(name, want)| match got.get(name) {
            Some(got) => inside(want, got).map(|why| format!("{name}: {why}")),
            None => Some(format!("{name}: none, want {want}")),
        }),
        _ => inside(want, got),
    }
}

fn inside(want: &Value, got: &Value) -> Option<String> {
    let same = match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            want.len() == got.len()
                && want.iter().all(|(want_name, want)| {
                    got.iter().any(|(name, got)| fits(want_name, name, false) && inside(want, got).is_none())
                })
        }
        (Value::Array(want), Value::Array(got)) => {
            want.len() == got.len() && want.iter().zip(got).all(|(want, got)| inside(want, got).is_none())
        }
        (Value::String(want), Value::String(got)) => fits(want, got, false),
        (Value::String(want), Value::Object(got)) => counted(want, " entries>") == Some(got.len()),
        _ => want == got,
    };
    (!same).then(|| format!("got {got}, want {want}"))
}
