//! Checks of values as Omni writes them, shared by resources and data sources.

use super::explain::capital;
use crate::omni::labels;
use crate::tf::check::Check;
use kit::go_duration::{self, ParseError};
use kit::text::quoted;
use kit::version;

/// The text is a version such as `1.13.5`, with or without a leading `v`.
pub(crate) fn is_version() -> Check {
    Check::text(|text| match version::parse(text) {
        Ok(_) => Ok(()),
        Err(_) if version::parse(&format!("{text}.0")).is_ok() => Err(format!(
            "{} is not a version: the last of its three numbers is missing. Write it like `{text}.2`.",
            quoted(text)
        )),
        Err(_) => Err(format!("{} is not a version: write it like `1.13.5`.", quoted(text))),
    })
}

/// The text is a condition on versions such as `>= 1.12, < 1.14`.
pub(crate) fn is_constraint() -> Check {
    Check::text(|text| text.parse::<version::Constraint>().map(|_| ()).map_err(|error| format!("{error}.")))
}

/// The text is a Go duration that is not negative.
pub(crate) fn is_duration() -> Check {
    Check::text(|text| match go_duration::parse(text) {
        Ok(d) if d.nanos() >= 0 => Ok(()),
        Ok(_) => Err(format!("`{text}` must not be negative.")),
        Err(error) => Err(no_duration(text, &error)),
    })
}

/// Why a text is no duration, and the form that was meant where that can be told.
pub(crate) fn no_duration(text: &str, error: &ParseError) -> String {
    let shown = quoted(text);
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
            "{shown} is not a duration: {} is no unit. Units are `ns`, `us`, `ms`, `s`, `m` and `h`; write it like `90s`, `30m` or `1h30m`.",
            quoted(unit)
        ),
        ParseError::Overflow(_) => format!("{}.", capital(&error.to_string())),
        ParseError::Invalid(_) | ParseError::MissingUnit(_) => {
            format!("{shown} is not a duration: write a number with a unit, such as `90s`, `30m` or `1h30m`.")
        }
    }
}

/// The same, or the text is empty, where that means that there is none.
pub(crate) fn is_duration_or_empty() -> Check {
    let duration = is_duration();
    Check::by(move |value| if value.as_str() == Some("") { Ok(()) } else { duration.run(value) })
}

/// The text can name an object: letters, digits, dashes and underscores, as Omni demands of clusters.
pub(crate) fn is_name() -> Check {
    Check::text(|text| {
        if text.is_empty() {
            return Err("The name must not be empty.".into());
        }
        match text.chars().find(|c| !(c.is_alphanumeric() || "-_".contains(*c))) {
            None => Ok(()),
            Some(c) => Err(format!(
                "{} holds {}; only letters, digits, dashes and underscores are allowed.",
                quoted(text),
                called(c)
            )),
        }
    })
}

/// A character as a message calls it.
fn called(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        c if c.is_control() || c.is_whitespace() => format!("the character U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    }
}

/// What keeps a text from being a key or a value of at most so many bytes.
fn misfit(text: &str, longest: usize) -> Option<String> {
    if text.len() > longest {
        return Some(format!("has {} bytes, and Omni takes at most {longest}", text.len()));
    }
    text.chars()
        .find(|c| c.is_control())
        .map(|c| format!("holds {}, and must be one line without control characters", called(c)))
}

/// The map holds users' keys only, within the limits that Omni sets on labels and annotations.
pub(crate) fn are_user_keys() -> Check {
    Check::by(|value| {
        let Some(entries) = value.entries() else { return Ok(()) };
        if entries.len() > 256 {
            return Err(format!("{} entries are too many: Omni takes at most 256.", entries.len()));
        }
        for (key, entry) in entries {
            if key.is_empty() {
                return Err("A key must not be empty.".into());
            }
            if let Some(why) = misfit(key, labels::LONGEST_ID) {
                return Err(format!("The key {} {why}.", quoted(key)));
            }
            if !labels::is_users(key) {
                return Err(format!(
                    "The key `{key}` is reserved: it belongs to Omni or to this provider. Choose a key of another prefix."
                ));
            }
            if let Some(why) = entry.as_str().and_then(|text| misfit(text, labels::LONGEST_VALUE)) {
                return Err(format!("The value of `{key}` {why}."));
            }
        }
        Ok(())
    })
}

/// The text holds certificates in PEM.
pub(crate) fn is_certificate() -> Check {
    const BEGINNING: &str = "-----BEGIN CERTIFICATE-----";
    Check::text(|text| match text.contains(BEGINNING) {
        true => Ok(()),
        false => Err(format!(
            "The text holds no certificate in PEM, which begins with `{BEGINNING}`. The path of a file goes into `ca_certificate_file`."
        )),
    })
}

/// The text is a path that an etcd snapshot can have: relative, without `..`.
pub(crate) fn is_snapshot() -> Check {
    Check::text(|text| {
        let inside = !text.starts_with('/') && text.split('/').all(|part| part != "..");
        if text.is_empty() || text.len() > 4096 || !inside {
            return Err("The snapshot must be a relative path of 1 to 4096 bytes without `..`.".into());
        }
        Ok(())
    })
}

/// The text can name a service account that is none of an infrastructure provider.
pub(crate) fn is_account_name() -> Check {
    Check::text(|text| account_problem(text).map_or(Ok(()), Err))
}

/// What keeps a text from naming an account: it is the first half of an address, and stands in every signature.
fn account_problem(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("The name must not be empty.".to_owned());
    }
    if let Some(name) = text.strip_prefix("infra-provider:") {
        return Some(format!(
            "`{text}` is the account of an infrastructure provider; create it with an `omni_infra_provider` named `{name}`."
        ));
    }
    if text.contains('@') {
        return Some(format!("`{text}` holds an `@`; give the name only, which is what stands in front of it."));
    }
    if let Some(upper) = text.chars().find(|c| c.is_uppercase()) {
        return Some(format!("`{text}` holds the capital letter `{upper}`; Omni takes lower case only."));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        return Some(format!(
            "{} holds {}, which cannot stand in front of the `@` of an address.",
            quoted(text),
            called(c)
        ));
    }
    let dotted = text.starts_with('.') || text.ends_with('.') || text.contains("..");
    dotted.then(|| format!("`{text}` must not begin or end with a dot, nor have two in a row."))
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
            ("1y", "`y` is no unit."),
            ("1h30", "such as `90s`"),
            ("soon", "such as `90s`"),
            ("", "such as `90s`"),
            ("9999999999999h", "too long"),
        ] {
            let said = no_duration(text, &go_duration::parse(text).unwrap_err());
            assert!(said.contains(says) && said.ends_with('.'), "{text}: {said}");
            assert!(said.matches("is not a duration").count() < 2, "{said}");
        }
    }

    #[test]
    fn keys_and_values_have_limits() {
        let refused = |key: &str, value: &str| {
            are_user_keys().run(&crate::tf::value::Value::Map([(key.to_owned(), value.into())].into())).err()
        };
        for (key, value, says) in [
            ("a", "b", None),
            ("", "b", Some("must not be empty")),
            ("a", "b\nc", Some("U+000A")),
            ("a\u{7}", "b", Some("U+0007")),
            (&"k".repeat(1025), "b", Some("1025 bytes")),
            ("a", &"v".repeat(16385), Some("16385 bytes")),
            ("omni.sidero.dev/x", "b", Some("reserved")),
        ] {
            let found = refused(key, value);
            assert_eq!(found.is_some(), says.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().contains(says.unwrap_or_default()), "{key:.20}");
        }
    }

    #[test]
    fn what_can_name_an_account() {
        for (text, says) in [
            ("ci", None),
            ("ci-runner_1.prod+x", None),
            ("", Some("must not be empty")),
            ("infra-provider:aws", Some("`omni_infra_provider` named `aws`")),
            ("ci@serviceaccount.omni.sidero.dev", Some("`@`")),
            ("Ci", Some("`C`")),
            ("c i", Some("a space")),
            ("cï", Some("`ï`")),
            ("ci.", Some("dot")),
            ("c..i", Some("dot")),
        ] {
            let found = account_problem(text);
            assert_eq!(found.is_some(), says.is_some(), "{text}: {found:?}");
            assert!(found.unwrap_or_default().contains(says.unwrap_or_default()), "{text}");
        }
    }
}
