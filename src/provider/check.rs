//! Checks of values as Omni writes them, shared by resources and data sources.

use crate::kit::{go_duration, version};
use crate::omni::labels;
use crate::tf::check::Check;
use std::time::Duration;

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
            if key.is_empty() || key.len() > 1024 || key.chars().any(char::is_control) {
                return Err(format!("The key {key:?} must have 1 to 1024 bytes and no control characters."));
            }
            if !labels::is_users(key) {
                return Err(format!("The key `{key}` is reserved: it belongs to Omni or to this provider."));
            }
            if let Some(text) = entry.as_str()
                && (text.len() > 16384 || text.chars().any(char::is_control))
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

/// The longest life that Omni grants a key of a service account.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// A key must outlast the request that shows whether it works.
const BRIEFEST: Duration = Duration::from_secs(60);

/// The text is a Go duration for which a key of a service account may live.
pub(crate) fn is_key_lifetime() -> Check {
    Check::text(|text| match go_duration::parse(text).map(|d| d.to_std()) {
        Ok(Some(life)) if (BRIEFEST..=YEAR).contains(&life) => Ok(()),
        Ok(Some(life)) if life > YEAR => {
            Err(format!("`{text}` is longer than a year (`8760h`), the most that Omni grants a key."))
        }
        Ok(_) => Err(format!("`{text}` is too short: a key must live for at least a minute.")),
        Err(error) => Err(format!("`{text}` is not a duration: {error}. Write it like `90s`, `30m` or `1h30m`.")),
    })
}

/// The text can be the name of a service account, or the beginning of one.
pub(crate) fn is_account_name() -> Check {
    Check::text(|text| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if text.is_empty() || text.len() > 63 {
            return Err("The name of a service account has 1 to 63 characters.".into());
        }
        if let Some(wrong) = text.chars().find(|c| !fits(*c)) {
            return Err(format!(
                "`{text}` holds {wrong:?}; names of service accounts hold lower-case letters, digits, dashes and underscores."
            ));
        }
        Ok(())
    })
}
