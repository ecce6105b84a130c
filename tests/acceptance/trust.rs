//! Who else may talk to a plugin that a CLI has started: nobody.
//! The strangers come while an apply waits, over the plugin's own socket.
//! It finds socket and certificate where any program of the same user finds them, and needs `/proc` for that.

use crate::certificates::Identity;
use crate::omni::Omni;
use crate::workspace::{ONE_MACHINE, Workspace};
use crate::{Context, Outcome, tests};
use omni_sim::Options;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;

tests![strangers_are_refused_while_an_apply_waits];

/// How an HTTP/2 connection begins, with empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fn strangers_are_refused_while_an_apply_waits(context: &Context) -> Outcome {
    // Its controllers stand still, so that the apply waits until they are let go.
    let omni = Omni::with(Options::stepped())?;
    omni.settle()?;
    // Nothing but the plugin's socket is in here, and its path is short.
    let folder = tempfile::Builder::new().prefix("s").tempdir_in("/tmp")?;
    let workspace =
        Workspace::of(context, &omni)?.env("TMPDIR", folder.path()).env("PLUGIN_UNIX_SOCKET_DIR", folder.path());
    workspace.write("main.tf", ONE_MACHINE)?;
    let mut apply = workspace.spawn(["apply", "-no-color", "-input=false", "-auto-approve"])?;
    omni.wait_until("the node is there", |store| !store.list("MachineSetNodes.omni.sidero.dev").is_empty())?;
    apply.wait_for("omni_machine_set_node.one: Creating")?;

    let plugin = Plugin::find(folder.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (p521, p256) = (Identity::host(), Identity::p256());
    let strangers = [
        ("nobody", None),
        ("another authority of the same kind", Some((&p521.der, &p521))),
        ("an authority on another curve", Some((&p256.der, &p256))),
        ("a thief of the certificate without its key", Some((&plugin.certificate, &p521))),
    ];
    for (who, identity) in strangers {
        let answer = runtime.block_on(plugin.greet(identity))?;
        assert!(matches!(answer, Answer::Refused(_)), "{who} got {answer:?}");
    }
    let answer = runtime.block_on(plugin.greet_plainly())?;
    assert!(matches!(answer, Answer::Refused(_)), "a stranger without TLS got {answer:?}");

    // The host was not troubled by any of that.
    omni.work();
    apply.finish()?.success()?;
    workspace.plan()?.must_be_empty()
}

/// What a stranger gets to hear.
#[derive(Debug)]
#[allow(dead_code, reason = "shown when the test fails")]
enum Answer {
    /// The connection was ended before a word of HTTP/2.
    Refused(String),
    /// The server spoke HTTP/2.
    Welcomed(Vec<u8>),
}

/// A plugin that runs.
struct Plugin {
    socket: PathBuf,
    /// What the host told it to accept.
    certificate: CertificateDer<'static>,
}

impl Plugin {
    /// The one that has its socket in the folder.
    fn find(folder: &Path) -> Outcome<Self> {
        for process in std::fs::read_dir("/proc")? {
            // Other users' processes cannot be read, and processes may end meanwhile.
            let Ok(environment) = std::fs::read(process?.path().join("environ")) else { continue };
            let value = |name: &str| {
                let all = environment.split(|b| *b == 0);
                all.into_iter().find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
            };
            if value("PLUGIN_UNIX_SOCKET_DIR").map(OsStr::from_bytes) != Some(folder.as_os_str()) {
                continue;
            }
            let Some(pem) = value("PLUGIN_CLIENT_CERT") else { continue };
            let certificate =
                CertificateDer::from_pem_slice(pem).map_err(|e| format!("the host's certificate: {e}"))?;
            return Ok(Self { socket: only_socket(folder)?, certificate });
        }
        Err("no plugin runs".into())
    }

    /// Connects with this certificate and this one's key, and says hello.
    async fn greet(&self, identity: Option<(&CertificateDer<'static>, &Identity)>) -> Outcome<Answer> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let any = Arc::new(AnyServer(provider.clone()));
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(any);
        let mut config = match identity {
            Some((certificate, owner)) => {
                let key = provider.key_provider.load_private_key(owner.key())?;
                let certified = CertifiedKey::new(vec![certificate.clone()], key);
                config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = UnixStream::connect(&self.socket).await?;
        let name = ServerName::try_from("localhost")?;
        Ok(match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
            Ok(stream) => hello(stream).await,
            Err(error) => Answer::Refused(error.to_string()),
        })
    }

    /// Connects without TLS, and says hello.
    async fn greet_plainly(&self) -> Outcome<Answer> {
        Ok(hello(UnixStream::connect(&self.socket).await?).await)
    }
}

/// Begins HTTP/2; a server that goes along answers with its settings, which are a frame of type 4.
async fn hello(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Answer {
    let mut answer = Vec::new();
    let told = async {
        stream.write_all(PREFACE).await?;
        stream.flush().await?;
        let mut frame = [0; 9];
        while answer.len() < frame.len() {
            match stream.read(&mut frame).await? {
                0 => break,
                n => answer.extend_from_slice(&frame[..n]),
            }
        }
        std::io::Result::Ok(())
    };
    match told.await {
        Err(error) => Answer::Refused(error.to_string()),
        Ok(()) if answer.get(3) == Some(&4) => Answer::Welcomed(answer),
        Ok(()) => Answer::Refused(format!("the end of the connection, after {answer:x?}")),
    }
}

/// The plugins of earlier steps have taken their sockets with them.
fn only_socket(folder: &Path) -> Outcome<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if std::os::unix::net::UnixStream::connect(&path).is_ok() {
                found.push(path);
            }
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(socket), true) => Ok(socket),
        (last, _) => Err(format!("there should be one socket: {found:?} {last:?}").into()),
    }
}

/// Takes any server for the right one: the stranger does not know its certificate.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
