//! Validators of values in the formats of Omni, shared by resources and data sources.

use crate::omni::patch::verdict;
use crate::omni::{labels, pem};
use crate::tf::check::Check;
use kit::text::{is_unseen, quoted};
use kit::version;
use std::net::IpAddr;

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
        Err(error) => {
            let verdict = if error.excess.is_some() { verdict(&error) } else { "is no YAML" };
            Err(crate::tf::diag::sentence(&format!("it {verdict}: {error}")))
        }
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
    are_keys(labels::is_users)
}

/// The same for a map that may also hold the keys that Omni reserves.
pub(crate) fn are_keys_of_clients() -> Check {
    are_keys(|key| labels::is_users(key) || labels::is_systems_own(key))
}

fn are_keys(may_be_set: fn(&str) -> bool) -> Check {
    Check::by(move |value| {
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
            if !may_be_set(key) {
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
    Check::text(|text| {
        if text.contains(BEGINNING) {
            return Ok(());
        }
        let no_pem = || {
            format!(
                "The text contains no certificate in PEM, which begins with `{BEGINNING}`. The path of a file goes into `ca_certificate_file`."
            )
        };
        Err(pem::other_block(text).unwrap_or_else(no_pem))
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

/// The text has more in it than white space.
pub(crate) fn not_blank() -> Check {
    Check::text(|text| match text.chars().all(|c| c.is_whitespace() || is_unseen(c)) {
        true => Err("The value must not be empty or blank.".to_owned()),
        false => Ok(()),
    })
}

/// The text has the form of an e-mail address: something on both sides of one `@`.
pub(crate) fn is_email() -> Check {
    Check::text(|text| {
        let refused = |why: &str| {
            Err(format!("{} is not an e-mail address: {why}. Write it like `jane@example.org`.", quoted(text)))
        };
        if text.is_empty() {
            return Err("The e-mail address must not be empty.".to_owned());
        }
        if text.chars().any(|c| c.is_whitespace() || is_unseen(c)) {
            return refused("it contains white space or invisible characters");
        }
        match text.rsplit_once('@') {
            None => refused("it has no `@`"),
            Some(("", _)) => refused("nothing stands before the `@`"),
            Some((_, domain)) if host_problem(domain).is_some() => refused("no domain stands after the `@`"),
            Some((local, _)) if local.contains('@') && !local.starts_with('"') => refused("it has more than one `@`"),
            Some(_) => Ok(()),
        }
    })
}

/// The text is an IP address or a host name, without a port; `port` is where that is set.
pub(crate) fn is_host(port: &'static str) -> Check {
    Check::text(move |text| match host_problem(text) {
        None => Ok(()),
        Some(_) if split_port(text).is_some_and(|(host, _)| host_problem(host).is_none()) => {
            Err(format!("{} contains a port: write only the host here, and set `{port}`.", quoted(text)))
        }
        Some(why) => Err(why),
    })
}

/// The text is `host:port`.
pub(crate) fn is_host_and_port() -> Check {
    Check::text(|text| {
        let form = "write it like `10.5.0.1:8080`, `[fd00::1]:8080` or `host.example.org:8080`";
        let Some((host, port)) = split_port(text) else {
            return Err(match host_problem(text.trim_matches(['[', ']'])) {
                None => format!("{} has no port: {form}.", quoted(text)),
                Some(why) => why,
            });
        };
        match port.parse::<u16>() {
            Ok(1..) if port.bytes().all(|digit| digit.is_ascii_digit()) => host_problem(host).map_or(Ok(()), Err),
            _ => Err(format!("{} has no port from 1 to 65535 after its last colon: {form}.", quoted(text))),
        }
    })
}

/// A host and the text after its last colon; an IPv6 address in front of a port stands in brackets.
fn split_port(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once("]:");
    }
    text.split_once(':').filter(|(host, port)| !port.contains(':') && !port.starts_with('/') && !host.is_empty())
}

/// What keeps a text from being an IP address or a host name, as a sentence.
fn host_problem(text: &str) -> Option<String> {
    if text.parse::<IpAddr>().is_ok() {
        return None;
    }
    let shown = quoted(text);
    if text.is_empty() {
        return Some("The host must not be empty.".to_owned());
    }
    if text.contains("://") || text.contains('/') {
        return Some(format!("{shown} is a URL or a path: write only the host."));
    }
    if text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Some(format!("{shown} is an IP address in brackets: write it without them."));
    }
    let digits = |label: &str| !label.is_empty() && label.bytes().all(|c| c.is_ascii_digit());
    if text.split('.').all(digits) {
        return Some(format!("{shown} is not an IP address: it has four numbers from 0 to 255."));
    }
    let label = |label: &str| {
        let clean = label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
        (1..=63).contains(&label.len()) && clean && !label.starts_with('-') && !label.ends_with('-')
    };
    let labels = text.strip_suffix('.').unwrap_or(text);
    let is_name = text.len() <= 253 && labels.split('.').all(label);
    (!is_name).then(|| format!("{shown} is neither an IP address nor a host name."))
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
    fn what_is_no_certificate_is_named() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for (text, says) in [
            ("-----BEGIN CERTIFICATE-----\n", None),
            (key, Some("of the kind `PRIVATE KEY`; a certificate begins with `-----BEGIN CERTIFICATE-----`.")),
            ("/etc/ssl/ca.pem", Some("goes into `ca_certificate_file`")),
        ] {
            let found = is_certificate().run(&text.into()).err();
            assert_eq!(found.is_some(), says.is_some(), "{text}: {found:?}");
            assert!(found.unwrap_or_default().contains(says.unwrap_or_default()), "{text}");
        }
    }

    #[test]
    fn hosts_and_addresses() {
        let (host, both) = (is_host("ipmi.port"), is_host_and_port());
        for (text, of_host, of_both) in [
            ("10.0.0.1", None, Some("has no port")),
            ("fd00::1", None, Some("has no port")),
            ("bmc-1.example.org", None, Some("has no port")),
            ("node_1", None, Some("has no port")),
            ("10.0.0.1:623", Some("set `ipmi.port`"), None),
            ("bmc.example.org:623", Some("set `ipmi.port`"), None),
            ("[fd00::1]:623", Some("set `ipmi.port`"), None),
            ("[fd00::1]", Some("without them"), Some("has no port")),
            ("https://bmc.example.org", Some("is a URL"), Some("is a URL")),
            ("https://bmc.example.org:1", Some("is a URL"), Some("is a URL")),
            ("bmc.example.org/ipmi", Some("is a URL"), Some("is a URL")),
            ("10.0.0.256", Some("not an IP address"), Some("not an IP address")),
            ("10.0.0", Some("not an IP address"), Some("not an IP address")),
            ("a b", Some("neither"), Some("neither")),
            ("a b:1", Some("neither"), Some("neither")),
            ("-a.example.org", Some("neither"), Some("neither")),
            ("a..b", Some("neither"), Some("neither")),
            ("", Some("must not be empty"), Some("must not be empty")),
            (":623", Some("neither"), Some("neither")),
            ("host:0", Some("set `ipmi.port`"), Some("from 1 to 65535")),
            ("host:65536", Some("set `ipmi.port`"), Some("from 1 to 65535")),
            ("host:+1", Some("set `ipmi.port`"), Some("from 1 to 65535")),
            ("host:", Some("set `ipmi.port`"), Some("from 1 to 65535")),
        ] {
            for (check, says) in [(&host, of_host), (&both, of_both)] {
                let found = check.run(&text.into()).err();
                assert_eq!(found.is_some(), says.is_some(), "{text}: {found:?}");
                let found = found.unwrap_or_default();
                assert!(found.contains(says.unwrap_or_default()), "{text}: {found}");
            }
        }
    }

    #[test]
    fn e_mail_addresses() {
        for (text, says) in [
            ("jane@example.org", None),
            ("jane.doe+x@sub.example.org", None),
            ("omni-sim@localhost", None),
            ("jane", Some("no `@`")),
            ("@example.org", Some("before the `@`")),
            ("jane@", Some("after the `@`")),
            ("jane@exa mple.org", Some("white space")),
            ("a@b@example.org", Some("more than one")),
            ("", Some("must not be empty")),
        ] {
            let found = is_email().run(&text.into()).err();
            assert_eq!(found.is_some(), says.is_some(), "{text}: {found:?}");
            assert!(found.unwrap_or_default().contains(says.unwrap_or_default()), "{text}");
        }
        for (text, blank) in [("Jane", false), (" \u{a0}\t", true), ("\u{200b}", true), ("", true)] {
            assert_eq!(not_blank().run(&text.into()).is_err(), blank, "{text:?}");
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
