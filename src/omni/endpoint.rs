//! Parsing of endpoints.
//! It resolves no names and opens no connections.

use super::error::Error;
use kit::text::quoted;
use std::fmt;
use std::net::IpAddr;

/// A parsed endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// A name or an address, without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// Whether the connection is encrypted.
    pub(crate) tls: bool,
}

impl Endpoint {
    /// Reads `https://host[:443]`, `http://host[:80]`, `grpc://host[:80]` or `host[:80]`; what follows is [ignored].
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Err(wrong("the endpoint is empty".to_owned()));
        }
        // First of all, and wherever it stands: what comes before the sign may be a password, so nothing of it is quoted.
        if text.contains('@') || text.contains("%40") {
            return Err(wrong(
                "the endpoint must not carry a user or a password; Omni accepts a service account key instead"
                    .to_owned(),
            ));
        }
        let shown = quoted(text);
        if let Some((scheme, rest)) = unfinished_scheme(text) {
            let meant = quoted(&format!("{scheme}://{rest}"));
            return Err(wrong(format!("the endpoint {shown} has no `://` behind `{scheme}`; write {meant}")));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "" | "http" | "grpc" => false,
            other => {
                return Err(wrong(format!(
                    "the endpoint {shown} begins with {}; write `https://` for an encrypted connection, `http://` or `grpc://` for a plain one",
                    quoted(&format!("{other}://"))
                )));
            }
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = split_port(authority)
            .ok_or_else(|| wrong(format!("the endpoint {shown} is not of the form `https://host` or `host:port`")))?;
        let port = match port {
            None if tls => 443,
            None => 80,
            Some(digits) => match digits.parse() {
                Ok(port) if port > 0 => port,
                _ => return Err(wrong(format!("{} in the endpoint {shown} is not a port number", quoted(digits)))),
            },
        };
        let endpoint = Self { host: host.to_owned(), port, tls };
        if endpoint.authority().parse::<http::uri::Authority>().is_err() {
            return Err(wrong(format!("{} in the endpoint {shown} is not a host name", quoted(host))));
        }
        Ok(endpoint)
    }

    /// Whether the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Host and port, as they stand in a URL.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

/// What follows host and port in an endpoint, and has no effect: a gRPC call sets its path. A single `/` does not count.
pub fn ignored(endpoint: &str) -> Option<&str> {
    let rest = endpoint.trim().split_once("://").map_or(endpoint, |(_, rest)| rest).trim();
    let at = rest.find(['/', '?', '#'])?;
    Some(&rest[at..]).filter(|ignored| *ignored != "/")
}

/// Splits `host:port`, `host`, `[v6]:port` and `[v6]`.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        match after {
            "" => (host, None),
            _ => (host, Some(after.strip_prefix(':')?)),
        }
    } else {
        match authority.split_once(':') {
            // Two colons without brackets: an address of which nobody can tell where its port begins.
            Some((_, port)) if port.contains(':') => return None,
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    (!host.is_empty()).then_some((host, port))
}

/// Whether the host is this machine, as far as its name tells.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The scheme that `http//host`, `https:/host`, `https:host` and `https:\\host` are meant to have, and what follows it.
fn unfinished_scheme(text: &str) -> Option<(&'static str, &str)> {
    ["https", "http", "grpc"].into_iter().find_map(|scheme| {
        let rest = text.get(scheme.len()..).filter(|_| text[..scheme.len()].eq_ignore_ascii_case(scheme))?;
        let after = rest.trim_start_matches([':', '/', '\\']);
        let sign = &rest[..rest.len() - after.len()];
        // `http:8080` is a host of that name.
        let is_port = sign == ":" && after.bytes().all(|b| b.is_ascii_digit());
        let meant =
            !after.is_empty() && !is_port && (sign.contains('\\') || matches!(sign, ":" | ":/" | "//" | ":///"));
        meant.then_some((scheme, after))
    })
}

fn wrong(message: String) -> Error {
    Error::Config { setting: "endpoint", message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let table = [
            ("https://omni.example.com", "https://omni.example.com:443"),
            ("HTTPS://omni.example.com/", "https://omni.example.com:443"),
            ("https://omni.example.com:8443/some/path?x=1", "https://omni.example.com:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("grpc://omni", "http://omni:80"),
            ("omni.example.com", "http://omni.example.com:80"),
            (" omni.example.com:50180 ", "http://omni.example.com:50180"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]:443"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("http:8080", "http://http:8080"),
        ];
        for (text, expected) in table {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_follows_the_port_is_ignored() {
        for (text, expected) in [
            ("https://omni.example.com", None),
            (" https://omni.example.com/ ", None),
            ("https://omni.example.com/foo", Some("/foo")),
            ("omni:80/foo/bar?x=1", Some("/foo/bar?x=1")),
            ("https://omni?x=1", Some("?x=1")),
            ("https://[::1]:443//", Some("//")),
        ] {
            assert_eq!(ignored(text), expected, "{text}");
        }
    }

    #[test]
    fn refused() {
        let table = [
            ("", "is empty"),
            ("  ", "is empty"),
            ("https://", "not of the form"),
            ("ftp://omni", "begins with `ftp://`"),
            ("https://omni:port", "`port`"),
            ("https://omni:0", "not a port number"),
            ("https://omni:70000", "not a port number"),
            ("https://om ni", "not a host name"),
            ("::1", "not of the form"),
            ("http//omni.example.com", "write `http://omni.example.com`"),
            ("https:/omni.example.com", "write `https://omni.example.com`"),
            ("HTTPS:omni.example.com", "write `https://omni.example.com`"),
            (r"https:\\omni.example.com", "write `https://omni.example.com`"),
            ("https://me:secret@omni", "must not carry"),
            ("ftp://me:secret@omni", "must not carry"),
            ("https://me:p/secret@omni", "must not carry"),
            ("https://me:p?secret@omni:1", "must not carry"),
            ("me:secret@omni", "must not carry"),
            ("https://me:secret%40omni", "must not carry"),
        ];
        for (text, part) in table {
            match Endpoint::parse(text) {
                Err(Error::Config { setting: "endpoint", message }) => {
                    assert!(message.contains(part), "{text}: {message}");
                    assert!(!message.contains("secret"), "{message}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn no_message_is_longer_for_a_longer_endpoint() {
        let long = "x".repeat(80_000);
        for text in [format!("{long}://omni"), format!("https://{long}:y"), format!("https://omni:{long}")] {
            let Err(Error::Config { message, .. }) = Endpoint::parse(&text) else { panic!("accepted") };
            assert!(message.len() < 1000, "{}", message.len());
        }
    }

    #[test]
    fn this_machine() {
        for (host, here) in [
            ("localhost", true),
            ("LocalHost.", true),
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("localhost.example.com", false),
            ("10.0.0.1", false),
            ("::2", false),
        ] {
            assert_eq!(is_loopback(host), here, "{host}");
        }
    }
}
