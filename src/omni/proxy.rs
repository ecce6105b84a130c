//! Connections through an HTTP proxy, by `CONNECT`, selected by the rules of Go, so that what works for `omnictl` works here.
//! It reads no environment: the settings are passed in.
//!
//! `hyper-util` has both parts, but neither is sufficient: its matcher does not support ports in `NO_PROXY` and proxies loopback
//! addresses, and its tunnel accepts no response but 200 and discards the response of the proxy.

use super::config::ProxyOptions;
use super::endpoint::{Endpoint, is_loopback, split_port};
use super::error::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kit::text::quoted;
use std::net::IpAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

/// More than any sensible proxy answers to `CONNECT`.
const MAX_ANSWER: usize = 16 * 1024;

/// A proxy.
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of the `Proxy-Authorization` header.
    authorization: Option<Zeroizing<String>>,
}

/// Why a proxy did not let us through; the text is for people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("the proxy refused with {}", quoted(.0))]
    Refused(String),
    #[error("the proxy asks for a user and a password, or for other ones")]
    Credentials,
    #[error("the proxy did not answer as a proxy does")]
    NotAProxy,
    #[error("the connection to the proxy broke")]
    Broken(#[source] std::io::Error),
}

impl Proxy {
    /// Reads `http://[user:password@]host[:port]`.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        // The URL may hold a password, so no message quotes it.
        let wrong = |message: &str| Error::Config { setting: "proxy", message: message.to_owned() };
        let (scheme, rest) = url.trim().split_once("://").unwrap_or(("http", url.trim()));
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(wrong("the proxy's URL must begin with `http://`; other kinds of proxy are not supported"));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, address) = match authority.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, authority),
        };
        let (host, port) =
            split_port(address).ok_or_else(|| wrong("the proxy's URL is not of the form `http://host:port`"))?;
        let port = match port {
            None => 80,
            Some(digits) => match digits.parse() {
                Ok(port) if port > 0 => port,
                _ => return Err(wrong("the port in the proxy's URL is not a port number")),
            },
        };
        if !host.contains(':') && host.parse::<http::uri::Authority>().is_err() {
            return Err(wrong("the host in the URL of the proxy is not a host name"));
        }
        let authorization = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            let plain = Zeroizing::new([percent_decode(name), b":".to_vec(), percent_decode(password)].concat());
            Zeroizing::new(format!("Basic {}", STANDARD.encode(&*plain)))
        });
        Ok(Self { host: host.to_owned(), port, authorization })
    }

    /// Asks the proxy for a way through to `authority`.
    pub(crate) async fn connect<S>(&self, stream: &mut S, authority: &str) -> Result<(), ProxyError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut request = Zeroizing::new(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"));
        if let Some(value) = &self.authorization {
            request.push_str("Proxy-Authorization: ");
            request.push_str(value);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(ProxyError::Broken)?;
        stream.flush().await.map_err(ProxyError::Broken)?;

        // Byte by byte, so that nothing of what follows the answer is taken from the stream.
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() >= MAX_ANSWER {
                return Err(ProxyError::NotAProxy);
            }
            match stream.read_u8().await {
                Ok(byte) => answer.push(byte),
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof && answer.is_empty() => {
                    return Err(ProxyError::Broken(e));
                }
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Err(ProxyError::NotAProxy),
                Err(e) => return Err(ProxyError::Broken(e)),
            }
        }
        let text = String::from_utf8_lossy(&answer);
        let line = text.lines().next().unwrap_or_default();
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next()) {
            (Some(version), Some(code)) if version.starts_with("HTTP/1.") => match code {
                code if code.len() == 3 && code.starts_with('2') => Ok(()),
                "407" => Err(ProxyError::Credentials),
                _ => Err(ProxyError::Refused(line.chars().skip(version.len() + 1).collect())),
            },
            _ => Err(ProxyError::NotAProxy),
        }
    }
}

impl ProxyOptions {
    /// The URL of the proxy for this endpoint, if it is to be reached through one.
    pub(crate) fn url_for(&self, endpoint: &Endpoint) -> Option<&str> {
        let by_scheme = if endpoint.tls { &self.for_https } else { &self.for_http };
        // What is set for this provider alone was meant for its endpoint, wherever that is.
        let url = self.url.as_ref().or(by_scheme.as_ref().filter(|_| !is_loopback(&endpoint.host)))?;
        let direct = bypassed(self.exceptions.as_deref().unwrap_or_default(), &endpoint.host, endpoint.port);
        (!direct).then_some(url)
    }
}

/// Whether `host` is to be reached without the proxy, by a list as the `NO_PROXY` variable holds it:
/// `*`, names (which cover what is below them), `.names` (which cover only that), addresses and ranges, with a port or not.
fn bypassed(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let (Some(address), Some((range, bits))) = (address, entry.split_once('/')) {
            return in_range(address, range, bits);
        }
        if let (Some(address), Ok(listed)) = (address, entry.parse::<IpAddr>()) {
            return address.to_canonical() == listed.to_canonical();
        }
        let Some((name, listed_port)) = split_port(&entry) else { return false };
        if listed_port.is_some_and(|p| p.parse() != Ok(port)) {
            return false;
        }
        let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
        match name.strip_prefix('.') {
            Some(_) => host.ends_with(name),
            None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
        }
    })
}

fn in_range(address: IpAddr, range: &str, bits: &str) -> bool {
    let Ok(bits) = bits.parse::<u32>() else { return false };
    match (address, range.parse()) {
        (IpAddr::V4(a), Ok(IpAddr::V4(r))) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(a) & mask == u32::from(r) & mask
        }
        (IpAddr::V6(a), Ok(IpAddr::V6(r))) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(a) & mask == u128::from(r) & mask
        }
        _ => false,
    }
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) if byte == b'%' => {
                out.push(code);
                rest = &tail[2..];
            }
            _ => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let proxy = Proxy::parse("http://us%40er:p%3Aw@proxy.example.com:3128/").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.example.com", 3128));
        assert_eq!(**proxy.authorization.as_ref().unwrap(), format!("Basic {}", STANDARD.encode("us@er:p:w")));
        let bare = Proxy::parse("proxy").unwrap();
        assert_eq!((bare.host.as_str(), bare.port), ("proxy", 80));
        assert!(bare.authorization.is_none());
        for url in [
            "https://proxy",
            "socks5://proxy",
            "http://",
            "http://s3cret@proxy:x",
            "http://s3cret@proxy:0",
            "http://s3cret@proxy:99999",
            "http://s3cret@pro\u{1b}[31mxy",
            "a b",
        ] {
            match Proxy::parse(url) {
                Err(Error::Config { setting: "proxy", message }) => {
                    assert!(!message.contains("s3cret") && !message.contains('\u{1b}'), "{message}");
                }
                other => panic!("{url}: {:?}", other.map(|p| p.host)),
            }
        }
    }

    /// As `golang.org/x/net/http/httpproxy` chooses.
    #[test]
    fn choice() {
        let environment = ProxyOptions {
            for_https: Some("http://secure".to_owned()),
            for_http: Some("http://plain".to_owned()),
            exceptions: Some("omni.internal,10.0.0.0/8,omni.example.com:8443".to_owned()),
            ..ProxyOptions::default()
        };
        let own = ProxyOptions { url: Some("http://own".to_owned()), ..environment.clone() };
        for (endpoint, by_environment, by_setting) in [
            ("https://omni.example.com", Some("http://secure"), Some("http://own")),
            ("http://omni.example.com", Some("http://plain"), Some("http://own")),
            ("grpc://omni.example.com", Some("http://plain"), Some("http://own")),
            ("omni.example.com", Some("http://plain"), Some("http://own")),
            ("https://localhost:8443", None, Some("http://own")),
            ("https://127.0.0.1", None, Some("http://own")),
            ("http://[::1]:8080", None, Some("http://own")),
            ("https://omni.internal", None, None),
            ("https://a.omni.internal", None, None),
            ("https://10.9.9.9", None, None),
            ("https://omni.example.com:8443", None, None),
            ("https://omni.example.com:443", Some("http://secure"), Some("http://own")),
        ] {
            let parsed = Endpoint::parse(endpoint).unwrap();
            assert_eq!(environment.url_for(&parsed), by_environment, "{endpoint}");
            assert_eq!(own.url_for(&parsed), by_setting, "{endpoint}");
        }
        let one = ProxyOptions { for_http: Some("http://plain".to_owned()), ..ProxyOptions::default() };
        assert_eq!(one.url_for(&Endpoint::parse("https://omni.example.com").unwrap()), None);
    }

    #[test]
    fn exceptions() {
        let table = [
            ("*", "omni.example.com", true),
            ("", "omni.example.com", false),
            ("example.com", "omni.example.com", true),
            ("example.com", "example.com", true),
            ("example.com", "notexample.com", false),
            (".example.com", "omni.example.com", true),
            (".example.com", "example.com", false),
            ("*.example.com", "omni.example.com", true),
            ("*.example.com", "example.com", false),
            ("*example.com", "omni.example.com", false),
            ("a.b, OMNI.example.com ", "omni.example.com", true),
            ("omni.example.com:443", "omni.example.com", true),
            ("omni.example.com:8443", "omni.example.com", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("0.0.0.0/0", "11.1.2.3", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3:443", "10.1.2.3", true),
            ("10.1.2.3:8443", "10.1.2.3", false),
            (".example.com:443", "omni.example.com", true),
            (".example.com:8443", "omni.example.com", false),
            ("::ffff:10.1.2.3", "10.1.2.3", true),
            ("2001:db8::/32", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::1", true),
            ("[2001:db8::1]:443", "2001:db8::1", true),
            ("10.0.0.0/99", "10.1.2.3", false),
        ];
        for (list, host, expected) in table {
            assert_eq!(bypassed(list, host, 443), expected, "{list} {host}");
        }
    }

    async fn dialogue(answer: &'static [u8]) -> (String, Result<(), ProxyError>) {
        let proxy = Proxy::parse("http://me:pw@proxy").unwrap();
        let (mut ours, mut theirs) = tokio::io::duplex(1024);
        let server = async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(theirs.read_u8().await.unwrap());
            }
            theirs.write_all(answer).await.unwrap();
            String::from_utf8(request).unwrap()
        };
        let client = async move { proxy.connect(&mut ours, "omni:443").await };
        tokio::join!(server, client)
    }

    #[tokio::test]
    async fn connects() {
        for answer in [&b"HTTP/1.0 204 No Content\r\n\r\n"[..], b"HTTP/1.1 299 x\r\n\r\n"] {
            assert!(dialogue(answer).await.1.is_ok());
        }
        let (request, result) = dialogue(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n").await;
        assert!(result.is_ok());
        assert!(request.starts_with("CONNECT omni:443 HTTP/1.1\r\nHost: omni:443\r\n"), "{request}");
        assert!(request.contains(&format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode("me:pw"))), "{request}");
    }

    #[tokio::test]
    async fn refusals() {
        assert!(matches!(dialogue(b"HTTP/1.1 407 Auth\r\n\r\n").await.1, Err(ProxyError::Credentials)));
        let Err(ProxyError::Refused(line)) = dialogue(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.1 else { panic!() };
        assert_eq!(line, "403 Forbidden");
        for answer in [&b"HTTP/1.1 2 OK\r\n\r\n"[..], b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"] {
            assert!(matches!(dialogue(answer).await.1, Err(ProxyError::Refused(_))));
        }
        let told = dialogue(b"HTTP/1.1 500 \x1b[2J\x07\r\n\r\n").await.1.unwrap_err().to_string();
        assert_eq!(told, r"the proxy refused with `500 \u{1b}[2J\u{7}`");
        assert!(matches!(dialogue(b"SSH-2.0-x\r\n\r\n").await.1, Err(ProxyError::NotAProxy)));
        assert!(matches!(dialogue(b"220 mail").await.1, Err(ProxyError::NotAProxy)));
        assert!(matches!(dialogue(b"").await.1, Err(ProxyError::Broken(_))));
    }
}
