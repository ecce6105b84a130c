//! Machine IDs: recognizes other texts, such as host names, and says how to get the ID.
//! It makes no calls.

use kit::text::quoted;
use std::net::IpAddr;

/// Why a text is no id of a machine as Omni writes it, as a sentence, and what to do; `None` when it is one.
///
/// | text | said of it |
/// |---|---|
/// | `00000000-0000-4000-8000-00000000000A` | it is in upper case |
/// | `52:54:00:12:34:56` | it is a MAC address |
/// | `node-1` | it is a host name |
pub(crate) fn problem(text: &str) -> Option<(String, String)> {
    let shown = quoted(text);
    let look_up = |by: &str| {
        format!(
            "Look the machine up with `data \"omni_machine\" \"…\" {{ {by} = \"{}\" }}`, and use its `id`.",
            quoted(text).trim_matches('`')
        )
    };
    if let Ok(uuid) = uuid::Uuid::try_parse(text.trim()) {
        let id = uuid.hyphenated().to_string();
        return match text {
            _ if text == id => None,
            _ if text.eq_ignore_ascii_case(&id) => Some((
                format!("{shown} is in upper case; the ID in Omni is `{id}`."),
                "Write the ID in lower case, or use `lower(…)` if it comes from another provider.".to_owned(),
            )),
            _ => Some((
                format!("{shown} is a UUID in another form; the ID in Omni is `{id}`."),
                format!("Write `{id}`."),
            )),
        };
    }
    let digits = text.chars().filter(char::is_ascii_hexdigit).count();
    let parts = text.split([':', '-']).all(|part| part.len() == 2);
    let (what, hint) = if digits == 12 && parts && text.chars().all(|c| c.is_ascii_hexdigit() || ":-".contains(c)) {
        ("a MAC address", look_up("mac_address"))
    } else if text.parse::<IpAddr>().is_ok() {
        ("an IP address", look_up("hostname").replace(text, "<its host name>"))
    } else if is_host_name(text) {
        ("a host name", look_up("hostname"))
    } else {
        ("not a UUID", "The data source `omni_machines` lists the machines with their IDs.".to_owned())
    };
    let sentence = if what == "not a UUID" {
        format!("{shown} is not a UUID, and machine IDs are UUIDs.")
    } else {
        format!("{shown} is {what}; machine IDs are UUIDs.")
    };
    Some((sentence, hint))
}

/// Letters, digits and dashes, in parts between dots.
fn is_host_name(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') && !part.starts_with('-')
    };
    text.chars().any(char::is_alphabetic) && text.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_is_told_by_what_it_is() {
        for (text, says, advice) in [
            ("00000000-0000-4000-8000-00000000000a", "", ""),
            (
                "00000000-0000-4000-8000-00000000000A",
                "upper case; the ID in Omni is `00000000-0000-4000-8000-00000000000a`",
                "lower(",
            ),
            ("0000000000004000800000000000000a", "another form", "Write `00000000-0000-4000-8000-00000000000a`"),
            ("{00000000-0000-4000-8000-00000000000a}", "another form", "Write `00000000-"),
            (" 00000000-0000-4000-8000-00000000000a\t", "another form", "Write `00000000-"),
            ("52:54:00:12:34:56", "a MAC address", "mac_address = \"52:54:00:12:34:56\""),
            ("10.5.0.2", "an IP address", "hostname"),
            ("node-1", "a host name", "hostname = \"node-1\""),
            ("node-1.example.org", "a host name", "hostname = \"node-1.example.org\""),
            ("i-0abc", "a host name", "hostname"),
            ("12", "not a UUID", "`omni_machines`"),
            ("a b", "not a UUID", "`omni_machines`"),
        ] {
            let found = problem(text);
            assert_eq!(found.is_some(), !says.is_empty(), "{text}: {found:?}");
            let (why, hint) = found.unwrap_or_default();
            assert!(why.contains(says) && hint.contains(advice), "{text}: {why} {hint}");
        }
    }
}
