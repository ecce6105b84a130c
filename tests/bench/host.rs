//! The side of Terraform: starts the provider, reads the line, and connects with a certificate as Terraform does.
//! It knows the way to the provider, and nothing of what is asked over it.

use crate::folder::Folder;
use anyhow::{Context, Error, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use omni_proto::tfplugin6::provider_client::ProviderClient;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
const LARGEST_MESSAGE: usize = 256 * 1024 * 1024;

/// The program that is measured.
pub fn program() -> Result<PathBuf> {
    crate::built::program("terraform-provider-omni").map_err(Error::msg)
}

/// The certificate of a host, made once: Terraform makes one before it starts the first provider.
pub struct Host {
    /// The program that is measured.
    pub program: PathBuf,
    pem: String,
    der: CertificateDer<'static>,
    key: Vec<u8>,
}

/// A running provider; it ends when this is dropped.
pub struct Provider {
    child: Child,
    /// Closed only with the process, which may not write to a pipe that nobody reads.
    _stdout: BufReader<ChildStdout>,
    line: String,
    _sockets: Folder,
    /// From before the start to the whole line.
    pub took: Duration,
}

impl Host {
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512)?;
        let mut params = CertificateParams::new(["localhost".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            program: program()?,
            pem: certificate.pem(),
            der: certificate.der().clone(),
            key: key.serialize_der(),
        })
    }

    /// Starts the provider and waits for its line.
    pub fn start(&self) -> Result<Provider> {
        self.start_with(&[])
    }

    /// The same with more variables in its environment.
    pub fn start_with(&self, variables: &[(&str, &str)]) -> Result<Provider> {
        let sockets = Folder::new()?;
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "6,5")
            .env("PLUGIN_CLIENT_CERT", &self.pem)
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000")
            .env("TMPDIR", sockets.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let begin = Instant::now();
        let mut child = command.spawn().with_context(|| format!("starting {}", self.program.display()))?;
        let stdout = child.stdout.take().context("the provider's stdout")?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let took = begin.elapsed();
        let provider = Provider { child, _stdout: stdout, line, _sockets: sockets, took };
        ensure!(provider.line.ends_with('\n'), "the provider ended without its line");
        Ok(provider)
    }

    /// Connects to a provider that this host started.
    pub async fn connect(&self, provider: &Provider) -> Result<ProviderClient<Channel>> {
        let fields: Vec<&str> = provider.line.trim_end().split('|').collect();
        let [_, _, "unix", path, _, certificate] = fields[..] else {
            anyhow::bail!("not a line with a Unix socket and a certificate: {}", provider.line)
        };
        let mut roots = rustls::RootCertStore::empty();
        roots.add(STANDARD_NO_PAD.decode(certificate)?.into())?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![self.der.clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        let (tls, path) = (TlsConnector::from(Arc::new(config)), path.to_owned());
        let name = ServerName::try_from("localhost")?;
        let connect = tower::service_fn(move |_| {
            let (tls, path, name) = (tls.clone(), path.clone(), name.clone());
            async move {
                let stream = UnixStream::connect(path).await?;
                tls.connect(name, stream).await.map(TokioIo::new)
            }
        });
        let channel = Endpoint::from_static("http://localhost").connect_with_connector(connect).await?;
        Ok(ProviderClient::new(channel)
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE))
    }
}

impl Provider {
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
