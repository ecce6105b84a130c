//! Generates keys in the format of `omnictl`.
//! The private half leaves this process only in [`GeneratedKey::exported`].

use super::system_time;
use kit::secret::SecretString;
use openpgp::cert::{CertBuilder, CipherSuite};
use openpgp::serialize::SerializeInto;
use openpgp::types::KeyFlags;
use sequoia_openpgp as openpgp;
use std::time::Duration;
use zeroize::Zeroizing;

const PROVIDER_PREFIX: &str = "infra-provider:";
const ACCOUNT_SUFFIX: &str = "@serviceaccount.omni.sidero.dev";
const PROVIDER_SUFFIX: &str = "@infra-provider.serviceaccount.omni.sidero.dev";

/// A new key pair of a service account.
pub struct GeneratedKey {
    /// The ASCII-armored public key, to register with Omni.
    pub armored_public: String,
    /// The fingerprint: 40 lower-case hexadecimal digits.
    pub fingerprint: String,
    /// The service account key, to configure a client with.
    pub exported: SecretString,
}

/// The full identity of the service account `name`.
#[must_use]
pub fn identity(name: &str) -> String {
    match name.strip_prefix(PROVIDER_PREFIX) {
        Some(base) => format!("{base}{PROVIDER_SUFFIX}"),
        None => format!("{name}{ACCOUNT_SUFFIX}"),
    }
}

/// The name in the identity of a service account; `None` for another identity.
#[must_use]
pub fn name(identity: &str) -> Option<String> {
    let provider = identity.strip_suffix(PROVIDER_SUFFIX).map(|base| format!("{PROVIDER_PREFIX}{base}"));
    provider.or_else(|| identity.strip_suffix(ACCOUNT_SUFFIX).map(str::to_owned))
}

/// Why a key could not be generated.
#[derive(Debug, thiserror::Error)]
#[error("could not generate a key for the service account `{name}`")]
pub struct GenerateError {
    /// The name of the account.
    pub name: String,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Generates a key for the service account `name` that expires after `lifetime`; `now` is the time since the Unix epoch.
///
/// # Errors
/// When the system has no randomness, or a key cannot represent the lifetime.
pub fn generate(name: &str, lifetime: Duration, now: Duration) -> Result<GeneratedKey, GenerateError> {
    make(name, lifetime, now).map_err(|source| GenerateError { name: name.to_owned(), source })
}

fn make(
    name: &str,
    lifetime: Duration,
    now: Duration,
) -> Result<GeneratedKey, Box<dyn std::error::Error + Send + Sync>> {
    let base = name.strip_prefix(PROVIDER_PREFIX).unwrap_or(name);
    let (cert, _revocation) = CertBuilder::new()
        .set_profile(openpgp::Profile::RFC4880)?
        .set_cipher_suite(CipherSuite::Cv25519)
        // Keys count whole seconds.
        .set_creation_time(system_time(Duration::from_secs(now.as_secs())))
        .set_validity_period(lifetime)
        .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
        .add_userid(format!("{base} ({}/{}) <{}>", os(), arch(), identity(name)))
        .add_subkey(KeyFlags::empty().set_transport_encryption().set_storage_encryption(), None, None)
        .generate()?;
    let private = Zeroizing::new(String::from_utf8(cert.as_tsk().armored().to_vec()?)?);
    Ok(GeneratedKey {
        fingerprint: cert.fingerprint().to_hex().to_lowercase(),
        armored_public: String::from_utf8(cert.armored().to_vec()?)?,
        exported: super::key::encode(name, &private),
    })
}

/// The operating system under the name that Go gives it.
fn os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

/// The processor under the name that Go gives it.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openpgp::Cert;
    use openpgp::parse::Parse;
    use openpgp::policy::StandardPolicy;
    use openpgp::types::{HashAlgorithm, PublicKeyAlgorithm};

    const NOW: Duration = Duration::from_secs(1_790_000_000);

    #[test]
    fn identities() {
        for (short, long) in [
            ("ci", "ci@serviceaccount.omni.sidero.dev"),
            ("infra-provider:aws-1", "aws-1@infra-provider.serviceaccount.omni.sidero.dev"),
        ] {
            assert_eq!((identity(short).as_str(), name(long).as_deref()), (long, Some(short)));
        }
        assert_eq!(name("me@example.org"), None);
    }

    #[test]
    fn has_the_form_of_omnis_keys() {
        let lifetime = Duration::from_secs(3600);
        let made = generate("infra-provider:aws-1", lifetime, NOW).unwrap();
        assert!(made.armored_public.contains("BEGIN PGP PUBLIC KEY BLOCK"));
        let cert = Cert::from_bytes(&made.armored_public).unwrap();
        assert!(!cert.is_tsk());
        assert_eq!(made.fingerprint.len(), 40);
        assert_eq!(made.fingerprint, cert.fingerprint().to_hex().to_lowercase());

        let policy = StandardPolicy::at(system_time(NOW));
        let valid = cert.with_policy(&policy, system_time(NOW)).unwrap();
        let keys: Vec<_> = valid.keys().collect();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0].key().pk_algo(), PublicKeyAlgorithm::EdDSA);
        assert!(keys[0].for_signing() && keys[0].for_certification() && !keys[0].for_transport_encryption());
        assert_eq!(keys[0].key_validity_period(), Some(lifetime));
        assert_eq!(keys[1].key().pk_algo(), PublicKeyAlgorithm::ECDH);
        assert!(keys[1].for_transport_encryption() && keys[1].for_storage_encryption() && !keys[1].for_signing());

        let users: Vec<_> = valid.userids().collect();
        assert_eq!(users.len(), 1);
        let user = String::from_utf8_lossy(users[0].userid().value()).into_owned();
        assert!(user.starts_with("aws-1 ("), "{user}");
        assert!(
            user.ends_with("/amd64) <aws-1@infra-provider.serviceaccount.omni.sidero.dev>") || user.contains('/'),
            "{user}"
        );
        assert!(matches!(users[0].binding_signature().hash_algo(), HashAlgorithm::SHA256 | HashAlgorithm::SHA512));
    }
}
