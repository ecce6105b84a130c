//! The handshake of plugins: the environment variables of the host, and the line that the process prints.
//! It opens no connection.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// How the environment is read; the program passes the real one, tests pass their own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The variable by which a host shows that it meant to start a plugin.
const COOKIE: &str = "TF_PLUGIN_MAGIC_COOKIE";

/// Its value, the same for every release of every host.
const COOKIE_VALUE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// The version of the line itself.
const LINE_VERSION: u32 = 1;

/// The major version of the provider protocol that is spoken here, and no other.
pub const PROTOCOL: u32 = 6;

/// Why the process cannot serve the host that started it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HandshakeError {
    /// Somebody ran the program by hand.
    #[error("the program was not started by Terraform or OpenTofu")]
    NoHost,
    /// A port is no number.
    #[error("{name} is `{value}`, which is not a port number")]
    Port {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// The ports are the wrong way round.
    #[error("PLUGIN_MIN_PORT is {0}, which is more than PLUGIN_MAX_PORT, which is {1}")]
    PortOrder(u16, u16),
}

/// The requirements of the host.
#[derive(Debug, PartialEq, Eq)]
pub struct Host {
    /// The protocol versions that it speaks; empty when it does not say.
    pub versions: Vec<u32>,
    /// The one certificate, in PEM, that its connections present; without it the connection is not encrypted.
    pub certificate: Option<String>,
    /// The TCP ports to choose from; 0 means any.
    pub ports: RangeInclusive<u16>,
    /// Where it wants the Unix socket; without it the system's folder for temporary files.
    pub socket_dir: Option<PathBuf>,
    /// The group, by name or number, that may connect beside the owner.
    pub socket_group: Option<String>,
    /// Whether it expects to hear about multiplexing; older hosts stumble over the field.
    pub asks_multiplex: bool,
}

impl Host {
    /// Parses the environment variables of the host.
    ///
    /// # Errors
    /// When no host started the process, or when it asks for something impossible.
    pub fn read(environment: Environment<'_>) -> Result<Self, HandshakeError> {
        if text(environment, COOKIE).as_deref() != Some(COOKIE_VALUE) {
            return Err(HandshakeError::NoHost);
        }
        let low = port(environment, "PLUGIN_MIN_PORT")?;
        let high = port(environment, "PLUGIN_MAX_PORT")?;
        if low > high {
            return Err(HandshakeError::PortOrder(low, high));
        }
        let versions = text(environment, "PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
        Ok(Self {
            versions: versions.split(',').filter_map(|v| v.trim().parse().ok()).collect(),
            certificate: text(environment, "PLUGIN_CLIENT_CERT"),
            ports: low..=high,
            socket_dir: text(environment, "PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            socket_group: text(environment, "PLUGIN_UNIX_SOCKET_GROUP"),
            asks_multiplex: text(environment, "PLUGIN_MULTIPLEX_GRPC").is_some(),
        })
    }

    /// Whether the host speaks our version.
    /// If it does not, the line still names ours: the host then tells the user which versions fail to meet.
    #[must_use]
    pub fn speaks_our_version(&self) -> bool {
        self.versions.is_empty() || self.versions.contains(&PROTOCOL)
    }

    /// The line that tells the host where and how to connect, with its line end.
    #[must_use]
    pub fn answer(&self, network: &str, address: &str, certificate: Option<&[u8]>) -> String {
        // Padding would make the host refuse the certificate.
        let certificate = certificate.map(|der| STANDARD_NO_PAD.encode(der)).unwrap_or_default();
        let multiplex = if self.asks_multiplex { "|false" } else { "" };
        format!("{LINE_VERSION}|{PROTOCOL}|{network}|{address}|grpc|{certificate}{multiplex}\n")
    }
}

/// A variable that is set to something.
pub(crate) fn text(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).map(|v| v.to_string_lossy().into_owned()).filter(|v| !v.is_empty())
}

fn port(environment: Environment<'_>, name: &'static str) -> Result<u16, HandshakeError> {
    match text(environment, name) {
        None => Ok(0),
        Some(value) => value.parse().map_err(|_| HandshakeError::Port { name, value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Host, HandshakeError> {
        let variables = variables.to_vec();
        Host::read(&move |name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)))
    }

    #[test]
    fn only_the_right_cookie_counts() {
        assert_eq!(read(&[]), Err(HandshakeError::NoHost));
        assert_eq!(read(&[(COOKIE, "d602")]), Err(HandshakeError::NoHost));
        assert!(read(&[(COOKIE, COOKIE_VALUE)]).is_ok());
    }

    #[test]
    fn versions_are_read_in_any_order_and_nonsense_is_skipped() {
        for (said, ours) in [("5,6", true), ("6,5", true), (" 6 ", true), ("", true), ("x,6", true), ("5", false)] {
            let host = read(&[(COOKIE, COOKIE_VALUE), ("PLUGIN_PROTOCOL_VERSIONS", said)]).unwrap();
            assert_eq!(host.speaks_our_version(), ours, "{said}");
        }
    }

    #[test]
    fn ports_are_checked() {
        let ports = |low: &str, high: &str| {
            read(&[(COOKIE, COOKIE_VALUE), ("PLUGIN_MIN_PORT", low), ("PLUGIN_MAX_PORT", high)]).map(|h| h.ports)
        };
        assert_eq!(ports("10000", "25000"), Ok(10000..=25000));
        assert_eq!(ports("", ""), Ok(0..=0));
        assert_eq!(ports("2", "1"), Err(HandshakeError::PortOrder(2, 1)));
        assert_eq!(
            ports("2", "70000"),
            Err(HandshakeError::Port { name: "PLUGIN_MAX_PORT", value: "70000".to_owned() })
        );
    }

    #[test]
    fn the_line_has_six_fields_and_a_seventh_only_when_asked() {
        let host = read(&[(COOKIE, COOKIE_VALUE)]).unwrap();
        assert_eq!(host.answer("unix", "/tmp/p", None), "1|6|unix|/tmp/p|grpc|\n");
        // One byte needs two characters, and would need two of padding.
        assert_eq!(host.answer("tcp", "127.0.0.1:9", Some(&[255])), "1|6|tcp|127.0.0.1:9|grpc|/w\n");
        let host = read(&[(COOKIE, COOKIE_VALUE), ("PLUGIN_MULTIPLEX_GRPC", "true")]).unwrap();
        assert_eq!(host.answer("unix", "/tmp/p", None), "1|6|unix|/tmp/p|grpc||false\n");
    }
}
