//! Mutual TLS with the host: a throw-away certificate of our own, and exactly one certificate that may connect.
//! The host marks its certificate as a CA and signs with P-521; the stock verifier refuses the first, ring lacks the second.

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// The name that the host checks our certificate against.
const NAME: &str = "localhost";

/// Why there can be no encrypted connection.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The host's certificate cannot be read.
    #[error("PLUGIN_CLIENT_CERT contains no certificate")]
    HostCertificate(#[source] rustls::pki_types::pem::Error),
    /// Our own certificate could not be made.
    #[error("could not generate a certificate for this process")]
    OwnCertificate(#[source] rcgen::Error),
    /// The TLS library refuses the configuration.
    #[error("could not set up TLS")]
    Setup(#[source] rustls::Error),
}

/// A server side that trusts one host.
pub struct Tls {
    /// Takes connections.
    pub acceptor: TlsAcceptor,
    /// Our certificate, which the host learns from the handshake line.
    pub certificate: CertificateDer<'static>,
}

impl Tls {
    /// A fresh certificate, and trust in the certificate in `host_pem` alone.
    ///
    /// # Errors
    /// When one of the two certificates is unusable.
    pub fn new(host_pem: &str) -> Result<Self, TlsError> {
        let pinned = CertificateDer::from_pem_slice(host_pem.as_bytes()).map_err(TlsError::HostCertificate)?;
        let (certificate, key) = own_certificate().map_err(TlsError::OwnCertificate)?;

        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Arc::new(Pinned::new(pinned, &provider));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.clone()], key.into())
            .map_err(TlsError::Setup)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        // Every connection presents its certificate again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }
}

fn own_certificate() -> Result<(CertificateDer<'static>, PrivatePkcs8KeyDer<'static>), rcgen::Error> {
    // P-256 is made in a fraction of a millisecond, and hosts take it.
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new([NAME.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, NAME);
    let certificate = params.self_signed(&key)?;
    Ok((certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der())))
}

/// Accepts one certificate, byte for byte; possession of its key is checked as for any other.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Pinned {
    fn new(certificate: CertificateDer<'static>, provider: &CryptoProvider) -> Self {
        Self { certificate, algorithms: provider.signature_verification_algorithms }
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        presented: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if presented.as_ref() == self.certificate.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_certificate_passes() {
        let (ours, _) = own_certificate().unwrap();
        let (other, _) = own_certificate().unwrap();
        let pinned = Pinned::new(ours.clone(), &aws_lc_rs::default_provider());
        let now = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
        assert!(pinned.verify_client_cert(&ours, &[], now).is_ok());
        assert!(pinned.verify_client_cert(&other, &[], now).is_err());
        // The right one in tow of another is still another.
        assert!(pinned.verify_client_cert(&other, &[ours], now).is_err());
        assert!(pinned.client_auth_mandatory());
    }

    #[test]
    fn the_verifier_takes_the_hosts_kind_of_signature() {
        let (ours, _) = own_certificate().unwrap();
        let pinned = Pinned::new(ours, &aws_lc_rs::default_provider());
        assert!(pinned.supported_verify_schemes().contains(&SignatureScheme::ECDSA_NISTP521_SHA512));
    }

    #[test]
    fn nonsense_instead_of_a_certificate_is_an_error() {
        assert!(matches!(Tls::new("hello"), Err(TlsError::HostCertificate(_))));
    }
}
