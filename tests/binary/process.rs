//! A provider process under test: started as a host would, talked to as a host would, never left behind.

use crate::certificates::Identity;
use base64::Engine as _;
use hyper_util::rt::TokioIo;
use omni_proto::tfplugin6::get_metadata;
use omni_proto::tfplugin6::provider_client::ProviderClient;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

const COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// The built program, with nothing in its environment.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terraform-provider-omni"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
pub fn output(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// A running provider.
pub struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
    /// The first line on stdout, without its end.
    pub line: String,
    /// Where its socket lies; gone with the test.
    pub dir: tempfile::TempDir,
}

impl Process {
    /// Starts it as Terraform does, with these variables more.
    pub fn start(host: Option<&Identity>, more: &[(&str, &str)]) -> Self {
        let mut command = program();
        command.env(COOKIE.0, COOKIE.1).env("PLUGIN_PROTOCOL_VERSIONS", "6,5");
        command.env("PLUGIN_MIN_PORT", "10000").env("PLUGIN_MAX_PORT", "25000");
        if let Some(host) = host {
            command.env("PLUGIN_CLIENT_CERT", &host.pem);
        }
        Self::run(command, more)
    }

    /// Starts it for people.
    pub fn debug() -> Self {
        let mut command = program();
        command.arg("--debug");
        Self::run(command, &[])
    }

    fn run(mut command: Command, more: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        command.env("PLUGIN_UNIX_SOCKET_DIR", dir.path()).env("TMPDIR", dir.path()).envs(more.iter().copied());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = child.stderr.take().unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line.pop(), Some('\n'), "the line is ended: {line:?}");
        Self { child, stdout, stderr, line, dir }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The fields of the handshake line.
    pub fn fields(&self) -> Vec<&str> {
        self.line.split('|').collect()
    }

    pub fn socket(&self) -> &str {
        self.fields()[3]
    }

    /// The certificate in the handshake line.
    pub fn certificate(&self) -> CertificateDer<'static> {
        base64::engine::general_purpose::STANDARD_NO_PAD.decode(self.fields()[5]).unwrap().into()
    }

    /// Sends a signal, by its short name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end; returns how it ended, the rest of stdout, and stderr.
    pub fn wait(&mut self) -> (ExitStatus, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).unwrap();
        self.stderr.read_to_string(&mut err).unwrap();
        (self.child.wait().unwrap(), out, err)
    }

    /// A connection with this certificate, or with none; whether it is good for anything shows in the first call.
    pub async fn connect(&self, identity: Option<&Identity>) -> Result<Channel, tonic::transport::Error> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            // Not the shorter way, which refuses a certificate that does not fit its key.
            Some(identity) => {
                let key = provider.key_provider.load_private_key(identity.key()).unwrap();
                let certified = CertifiedKey::new(vec![identity.der.clone()], key);
                config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let (tls, path) = (TlsConnector::from(Arc::new(config)), self.socket().to_owned());
        let connect = tower::service_fn(move |_| {
            let (tls, path) = (tls.clone(), path.clone());
            async move {
                let stream = UnixStream::connect(path).await?;
                tls.connect(ServerName::try_from("localhost").unwrap(), stream).await.map(TokioIo::new)
            }
        });
        Endpoint::from_static("http://localhost").connect_with_connector(connect).await
    }
}

/// A connection without TLS.
pub async fn connect_plain(path: impl AsRef<Path>) -> Result<Channel, tonic::transport::Error> {
    let path = path.as_ref().to_owned();
    let connect = tower::service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://localhost").connect_with_connector(connect).await
}

/// Whether a call over this connection is answered.
pub async fn answers(channel: Result<Channel, tonic::transport::Error>) -> bool {
    match channel {
        Ok(channel) => ProviderClient::new(channel).get_metadata(get_metadata::Request {}).await.is_ok(),
        Err(_) => false,
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
