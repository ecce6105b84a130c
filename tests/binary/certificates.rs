//! Certificates as hosts make them, and as strangers might.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SignatureAlgorithm,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate and its key.
pub struct Identity {
    pub pem: String,
    pub der: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Identity {
    /// As Terraform's library makes them: P-521, self-signed, leaf and CA at once.
    pub fn host() -> Self {
        Self::signed_with(&rcgen::PKCS_ECDSA_P521_SHA512)
    }

    /// The same on another curve.
    pub fn p256() -> Self {
        Self::signed_with(&rcgen::PKCS_ECDSA_P256_SHA256)
    }

    /// The certificate of another, without its key.
    pub fn stolen_from(other: &Self) -> Self {
        Self { der: other.der.clone(), ..Self::host() }
    }

    fn signed_with(algorithm: &'static SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.distinguished_name.push(DnType::OrganizationName, "HashiCorp");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), der: certificate.der().clone(), key: key.serialize_der() }
    }

    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}
