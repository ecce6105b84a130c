//! Validators of values in the formats of Omni, shared by resources and data sources.

use crate::omni::labels;
use crate::tf::check::Check;
use kit::text::{is_unseen, quoted};
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

/// The text is a single YAML mapping.
pub(crate) fn is_mapping() -> Check {
    Check::text(|text| match kit::yaml::parse_documents(text) {
        Ok(documents) => match documents.as_slice() {
            [serde_json::Value::Object(_)] => Ok(()),
            _ => Err("It is not a single YAML mapping.".to_owned()),
        },
        Err(error) => Err(crate::tf::diag::sentence(&format!("it is no YAML: {error}"))),
    })
}

/// The text is a condition on versions such as `>= 1.12, < 1.14`.
pub(crate) fn is_constraint() -> Check {
    Check::text(|text| text.parse::<version::Constraint>().map(|_| ()).map_err(|error| format!("{error}.")))
}

/// The text can name an object: letters, digits, dashes and underscores, as Omni demands of clusters.
pub(crate) fn is_name() -> Check {
    Check::text(|text| {
        if text.is_empty() {
            return Err("The name must not be empty.".into());
        }
        match text.chars().find(|c| !(c.is_alphanumeric() || "-_".contains(*c)) || is_unseen(*c)) {
            None => Ok(()),
            Some(c) => Err(format!(
                "{} contains {}; only letters, digits, dashes and underscores are allowed.",
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
        c if is_unseen(c) || c.is_whitespace() => format!("the character U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    }
}

/// What keeps a text from being a key or a value of at most so many bytes.
fn misfit(text: &str, longest: usize, refused: fn(char) -> bool) -> Option<String> {
    if text.len() > longest {
        return Some(format!("has {} bytes, and Omni accepts at most {longest}", text.len()));
    }
    let what = |c: char| if c.is_control() { "control" } else { "invisible" };
    text.chars()
        .find(|c| refused(*c))
        .map(|c| format!("contains {}, and must be one line without {} characters", called(c), what(c)))
}

/// The map holds users' keys only, within the limits that Omni sets on labels and annotations.
pub(crate) fn are_user_keys() -> Check {
    Check::by(|value| {
        let Some(entries) = value.entries() else { return Ok(()) };
        if entries.len() > 256 {
            return Err(format!("{} entries are too many: Omni accepts at most 256.", entries.len()));
        }
        for (key, entry) in entries {
            if key.is_empty() {
                return Err("A key must not be empty.".into());
            }
            if let Some(why) = misfit(key, labels::LONGEST_ID, is_unseen) {
                return Err(format!("The key {} {why}.", quoted(key)));
            }
            if !labels::is_users(key) {
                return Err(format!(
                    "The key `{key}` is reserved: it belongs to Omni or to this provider. Choose a key of another prefix."
                ));
            }
            if let Some(why) = entry.as_str().and_then(|text| misfit(text, labels::LONGEST_VALUE, char::is_control)) {
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
            "The text contains no certificate in PEM, which begins with `{BEGINNING}`. The path of a file goes into `ca_certificate_file`."
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

/// What keeps a text from naming an account.
fn account_problem(text: &str) -> Option<String> {
    if let Some(name) = text.strip_prefix("infra-provider:") {
        return Some(format!(
            "`{text}` is the account of an infrastructure provider; create it with an `omni_infra_provider` named `{name}`."
        ));
    }
    local_part_problem(text)
}

/// What keeps a text from being the name of an account in every release: it is the first half of the address in its key, and stands
/// in every signature.
pub(crate) fn local_part_problem(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("The name must not be empty.".to_owned());
    }
    if text.contains('@') {
        return Some(format!("{} contains an `@`; use only the name before it.", quoted(text)));
    }
    if let Some(upper) = text.chars().find(|c| c.is_uppercase()) {
        return Some(format!("{} contains the capital letter `{upper}`; Omni accepts lower case only.", quoted(text)));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        return Some(format!(
            "{} contains {}, which is not allowed in the local part of an e-mail address.",
            quoted(text),
            called(c)
        ));
    }
    let dotted = text.starts_with('.') || text.ends_with('.') || text.contains("..");
    dotted.then(|| format!("{} must not begin or end with a dot, nor have two in a row.", quoted(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("a\u{202e}", "b", Some("contains the character U+202E, and must be one line without invisible")),
            // A value may be a text for people, in any script.
            ("a", "b\u{200d}", None),
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
