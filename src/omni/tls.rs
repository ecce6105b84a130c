//! Verification of the server: trusted CAs and the name in the certificate.
//! It opens no connections.

use super::config::TlsOptions;
use super::endpoint::Endpoint;
use super::error::Error;
use super::pem;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// What a TLS handshake with Omni needs.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) server_name: ServerName<'static>,
    /// Whether authorities were given beside those of the system.
    pub(crate) own_authorities: bool,
}

impl Tls {
    /// Reads the options; nothing but the system's list of authorities is opened.
    pub(crate) fn new(options: &TlsOptions, endpoint: &Endpoint) -> Result<Self, Error> {
        let (name, setting) = match &options.server_name {
            Some(name) => (name.as_str(), "tls_server_name"),
            None => (endpoint.host.as_str(), "endpoint"),
        };
        let server_name = ServerName::try_from(name.to_owned()).map_err(|_| Error::Config {
            setting,
            message: format!("`{name}` is not a name that a certificate can be for"),
        })?;

        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::Config { setting: "endpoint", message: format!("TLS cannot be used: {e}") })?;
        let mut config = if options.insecure_skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
        } else {
            builder.with_root_certificates(roots(options)?)
        }
        .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { config: Arc::new(config), server_name, own_authorities: options.ca_pem.is_some() })
    }
}

fn roots(options: &TlsOptions) -> Result<RootCertStore, Error> {
    let wrong = |message: String| Error::Config { setting: "ca_certificate", message };
    let mut store = RootCertStore::empty();
    // A damaged certificate among those of the system is the system's business.
    let (_added, _skipped) = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = &options.ca_pem {
        for (index, certificate) in pem::certificates(pem).map_err(wrong)?.into_iter().enumerate() {
            store
                .add(certificate.der)
                .map_err(|e| wrong(format!("certificate {} of the CA certificates cannot be used: {e}", index + 1)))?;
        }
    }
    if store.is_empty() {
        return Err(wrong(
            "this system has no list of trusted authorities; give the CA certificate of Omni".to_owned(),
        ));
    }
    Ok(store)
}

/// Accepts whatever certificate the server shows, as the user asked.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(options: &TlsOptions) -> Result<Tls, Error> {
        Tls::new(options, &Endpoint::parse("https://omni.example.com").unwrap())
    }

    #[test]
    fn authorities() {
        let ca = rcgen::generate_simple_self_signed(vec!["omni.example.com".to_owned()]).unwrap().cert.pem();
        let options = |pem: &str| TlsOptions { ca_pem: Some(pem.to_owned()), ..TlsOptions::default() };
        assert!(new(&options(&format!("A note.\n{ca}\n{ca}"))).is_ok());
        let table = [
            ("", "contains no certificate: it is empty"),
            ("not PEM", "contains no certificate: it is something else"),
            ("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", "certificate 1 of the CA certificates"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate 1 of the CA certificates"),
        ];
        for (pem, part) in table {
            match new(&options(pem)) {
                Err(Error::Config { setting: "ca_certificate", message }) => {
                    assert!(message.contains(part), "{pem}: {message}");
                }
                other => panic!("{pem}: {:?}", other.err()),
            }
        }
    }

    #[test]
    fn server_names() {
        let options = |name: &str| TlsOptions {
            server_name: Some(name.to_owned()),
            insecure_skip_verify: true,
            ..TlsOptions::default()
        };
        assert_eq!(new(&options("other.example.com")).unwrap().server_name.to_str(), "other.example.com");
        assert!(matches!(new(&options("no name")), Err(Error::Config { setting: "tls_server_name", .. })));
    }
}
