//! Authentication: keys, and the signature of every call.
//! It opens no connections, and gets the time from its caller.

pub mod generate;
pub mod key;
pub mod public;
pub mod sign;

pub use generate::{GeneratedKey, generate};
pub use key::SigningKey;
pub use public::PublicKey;
pub use sign::Signer;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The clock difference above which Omni refuses a signature.
pub const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

fn system_time(since_epoch: Duration) -> SystemTime {
    UNIX_EPOCH + since_epoch
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A time in RFC 3339: `2026-11-21T10:00:00Z`.
#[must_use]
pub fn date(since_epoch: Duration) -> String {
    i64::try_from(since_epoch.as_secs())
        .ok()
        .and_then(|s| jiff::Timestamp::from_second(s).ok())
        .map_or_else(|| format!("{} s after 1970", since_epoch.as_secs()), |t| t.to_string())
}
