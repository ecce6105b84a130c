//! Checks of values as Omni writes them, shared by resources and data sources.

use crate::kit::{go_duration, version};
use crate::omni::labels;
use crate::tf::check::Check;

/// The text is a version such as `1.13.5`, with or without a leading `v`.
pub(crate) fn is_version() -> Check {
    Check::text(|text| match version::parse(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("`{text}` is not a version: write it like `1.13.5`.")),
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
        Err(error) => Err(format!("`{text}` is not a duration: {error}. Write it like `90s`, `30m` or `1h30m`.")),
    })
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
            Err("The name must not be empty.".into())
        } else if text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
            Ok(())
        } else {
            Err(format!("`{text}` may hold only letters, digits, dashes and underscores."))
        }
    })
}

/// The map holds users' keys only, within the limits that Omni sets on labels and annotations.
pub(crate) fn are_user_keys() -> Check {
    Check::by(|value| {
        let Some(entries) = value.entries() else { return Ok(()) };
        if entries.len() > 256 {
            return Err(format!("{} entries are too many: Omni takes at most 256.", entries.len()));
        }
        for (key, entry) in entries {
            if key.is_empty() || key.len() > labels::LONGEST_ID || key.chars().any(char::is_control) {
                return Err(format!("The key {key:?} must have 1 to 1024 bytes and no control characters."));
            }
            if !labels::is_users(key) {
                return Err(format!("The key `{key}` is reserved: it belongs to Omni or to this provider."));
            }
            if let Some(text) = entry.as_str()
                && (text.len() > labels::LONGEST_VALUE || text.chars().any(char::is_control))
            {
                return Err(format!("The value of `{key}` must have at most 16384 bytes and no control characters."));
            }
        }
        Ok(())
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

/// The text can name a service account that is none of a provider of machines.
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
            "`{text}` is the account of a provider of machines; make it by an `omni_infra_provider` named `{name}`."
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
        return Some(format!("{text:?} holds {c:?}, which cannot stand in front of the `@` of an address."));
    }
    let dotted = text.starts_with('.') || text.ends_with('.') || text.contains("..");
    dotted.then(|| format!("`{text}` must not begin or end with a dot, nor have two in a row."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_name_an_account() {
        for (text, says) in [
            ("ci", None),
            ("ci-runner_1.prod+x", None),
            ("", Some("must not be empty")),
            ("infra-provider:aws", Some("`omni_infra_provider` named `aws`")),
            ("ci@serviceaccount.omni.sidero.dev", Some("`@`")),
            ("Ci", Some("`C`")),
            ("c i", Some("' '")),
            ("cï", Some("'ï'")),
            ("ci.", Some("dot")),
            ("c..i", Some("dot")),
        ] {
            let found = account_problem(text);
            assert_eq!(found.is_some(), says.is_some(), "{text}: {found:?}");
            assert!(found.unwrap_or_default().contains(says.unwrap_or_default()), "{text}");
        }
    }
}
