//! Generates keys as the clients of Omni do.

use super::name::AccountName;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openpgp::Profile;
use openpgp::cert::{Cert, CertBuilder, CipherSuite};
use openpgp::serialize::Serialize;
use openpgp::types::KeyFlags;
use sequoia_openpgp as openpgp;
use std::time::{Duration, UNIX_EPOCH};

/// A key pair, in the two forms in which it leaves the simulator.
pub(super) struct SecretKey {
    /// The fingerprint.
    pub(super) id: String,
    /// The public half, in armor.
    pub(super) public: Vec<u8>,
    /// The whole, in armor.
    pub(super) secret: String,
    /// The whole, as clients read it from their environment.
    pub(super) exported: String,
}

/// Makes a key for the service account of this name.
pub(super) fn generate(name: &str, created: Duration, lifetime: Duration) -> Result<SecretKey, anyhow::Error> {
    let cert = certificate(&AccountName::parse(name), created, lifetime)?;
    // Not `to_vec`: that asks for lengths first, and so opens the secret, which rests sealed, more often.
    let (mut secret, mut public) = (Vec::new(), Vec::new());
    cert.as_tsk().armored().serialize(&mut secret)?;
    cert.armored().serialize(&mut public)?;
    let secret = String::from_utf8(secret)?;
    let exported = serde_json::json!({ "name": name, "pgp_key": &secret });
    Ok(SecretKey {
        id: cert.fingerprint().to_hex().to_lowercase(),
        public,
        secret,
        exported: STANDARD.encode(exported.to_string()),
    })
}

fn certificate(name: &AccountName, created: Duration, lifetime: Duration) -> Result<Cert, anyhow::Error> {
    let encryption = KeyFlags::empty().set_transport_encryption().set_storage_encryption();
    let (cert, _revocation) = CertBuilder::new()
        .set_profile(Profile::RFC4880)?
        .set_cipher_suite(CipherSuite::Cv25519)
        .set_creation_time(UNIX_EPOCH + created)
        .set_validity_period(lifetime)
        .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
        .add_userid(format!("{} (linux/amd64) <{}>", name.base, name.identity()))
        .add_subkey(encryption, None, None)
        .generate()?;
    Ok(cert)
}
