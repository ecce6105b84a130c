//! The options of a simulated server.

use super::accounts::Limits;
use super::driver::Mode;
use super::faults::Fault;
use super::release::Release;
use super::worlds::Told;
use kit::clock::{Clock, SystemClock};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How many machines there may be: with more, a computer of average size runs out of memory.
pub const MOST_MACHINES: usize = 100_000;

/// An address that no client could use.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// It begins with something else than clients know.
    #[error("{0:?} begins with {1:?}; write `https://`, `http://` or `grpc://`")]
    Scheme(String, String),
    /// It names no host.
    #[error("{0:?} names no host; write an address such as `https://omni.example.com`")]
    Host(String),
}

/// The address that configurations of clients name, as it was written. Clients take one without a beginning, too.
///
/// # Errors
/// When no client could use it.
pub fn advertised(text: &str) -> Result<String, AddressError> {
    let (scheme, rest) = text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
    if let Some(scheme) = scheme
        && !["https", "http", "grpc"].contains(&scheme.to_ascii_lowercase().as_str())
    {
        return Err(AddressError::Scheme(text.to_owned(), format!("{scheme}://")));
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') || host.contains(char::is_whitespace) {
        return Err(AddressError::Host(text.to_owned()));
    }
    Ok(text.to_owned())
}

/// How a simulated server is to be.
#[derive(Clone)]
pub struct Options {
    /// Where it listens; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// The address that configurations and `AdvertisedEndpoints` name; without one, it is where the server listens.
    pub advertised: Option<String>,
    /// Whether it speaks TLS, with an authority of its own.
    pub tls: bool,
    /// How many machines have joined it, beside those of the world.
    pub machines: usize,
    /// What else a new server holds.
    pub world: Option<Told>,
    /// When its controllers take their steps.
    pub mode: Mode,
    /// How late cached reads are.
    pub lag: Duration,
    /// How long every call takes at least.
    pub delay: Duration,
    /// How long a client may take until it says something, and with TLS until the handshake is done.
    pub handshake: Duration,
    /// The folder that keeps its state; none keeps nothing.
    pub data: Option<PathBuf>,
    /// What goes wrong on purpose.
    pub faults: Vec<Fault>,
    /// Whether it is suspended: everybody can read, and nobody can write.
    pub suspended: bool,
    /// Which release it imitates.
    pub release: Release,
    /// Where it takes the time of day from.
    pub clock: Arc<dyn Clock>,
    /// The name of the service account that it starts with.
    pub account: String,
    /// Whether keys of people can be used before anybody confirms them.
    pub confirm_keys: bool,
    /// How many people and service accounts there may be.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            advertised: None,
            tls: false,
            machines: 6,
            world: None,
            mode: Mode::Auto { tick: Duration::from_millis(100) },
            lag: Duration::ZERO,
            delay: Duration::ZERO,
            handshake: Duration::from_secs(10),
            data: None,
            faults: Vec::new(),
            suspended: false,
            release: Release::default(),
            clock: Arc::new(SystemClock),
            account: "demo".to_owned(),
            confirm_keys: false,
            limits: Limits::default(),
        }
    }
}

impl Options {
    /// For tests: controllers take a step only when told to.
    #[must_use]
    pub fn stepped() -> Self {
        Self { mode: Mode::Stepped, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_clients_take() {
        for text in [
            "https://omni.example.com",
            "https://omni.example.com/",
            "http://[::1]:8080",
            "grpc://127.0.0.1:4000",
            "GRPC://omni",
            "omni.example.com:443",
        ] {
            assert_eq!(advertised(text).as_deref(), Ok(text));
        }
        for (text, scheme) in [("ftp://x", "ftp://"), ("omni://x", "omni://"), ("://x", "://")] {
            assert_eq!(advertised(text), Err(AddressError::Scheme(text.to_owned(), scheme.to_owned())));
        }
        for text in ["", "https://", "grpc://:4000", "https:///path", "https://a b"] {
            assert_eq!(advertised(text), Err(AddressError::Host(text.to_owned())), "{text}");
        }
    }
}
