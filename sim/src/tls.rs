//! The certificate of the server and its CA.
//! Both are secrets of the store, so that they survive a restart.

use super::store::Store;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::IpAddr;
use std::sync::Arc;

/// No certificate could be made or used.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the certificate of the server")]
pub struct TlsError(#[source] anyhow::Error);

/// What a TLS server needs, and what its clients need.
pub(super) struct Tls {
    pub(super) config: Arc<ServerConfig>,
    pub(super) ca_pem: String,
}

impl Tls {
    /// The certificate for this address, by the authority in the store, which is made if it is not there.
    pub(super) fn new(store: &Store, ip: IpAddr) -> Result<Self, TlsError> {
        Self::build(store, ip).map_err(TlsError)
    }

    fn build(store: &Store, ip: IpAddr) -> Result<Self, anyhow::Error> {
        let text = |name| store.secret(name).and_then(|bytes| String::from_utf8(bytes).ok());
        let (ca_pem, ca_key) = match (text("ca-certificate"), text("ca-key")) {
            (Some(pem), Some(key)) => (pem, KeyPair::from_pem(&key)?),
            _ => {
                let key = KeyPair::generate()?;
                let pem = authority()?.self_signed(&key)?.pem();
                store.keep_secret("ca-certificate", pem.clone().into_bytes());
                store.keep_secret("ca-key", key.serialize_pem().into_bytes());
                (pem, key)
            }
        };
        let issuer = Issuer::new(authority()?, ca_key);
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        if !names.contains(&ip.to_string()) && !ip.is_unspecified() {
            names.push(ip.to_string());
        }
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "omni-sim");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &issuer)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone(), CertificateDer::from_pem_slice(ca_pem.as_bytes())?],
                PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())?,
            )?;
        // Who speaks HTTP/1.1 is told what it has found.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), ca_pem })
    }
}

fn authority() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "omni-sim authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}
