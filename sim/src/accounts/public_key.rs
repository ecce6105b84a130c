//! Validation of public keys to register.
//! Their owner is decided elsewhere.

use kit::go_duration::GoDuration;
use openpgp::cert::{Cert, CertParser};
use openpgp::packet::{Signature, UserID};
use openpgp::parse::Parse;
use openpgp::policy::StandardPolicy;
use openpgp::types::RevocationStatus;
use sequoia_openpgp as openpgp;
use std::time::{Duration, UNIX_EPOCH};

/// How far the clocks of client and server may be apart.
const SKEW: Duration = Duration::from_mins(5);

/// What the limit of a lifetime gives for rounding.
const CLOCK_SKEW: Duration = Duration::from_mins(1);

/// A key that may be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The fingerprint, in lower case.
    pub id: String,
    /// The key as it was sent, in armor.
    pub armored: Vec<u8>,
    /// When it ends, since the Unix epoch.
    pub expires: Duration,
}

/// Why a key may not be registered, in Omni's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// It is no key in armor.
    #[error("gopenpgp: error in unarmoring: no armored key was found")]
    Unreadable,
    /// It holds more than one key.
    #[error("gopenpgp: the key contains too many entities")]
    Several,
    /// Its owner has taken it back.
    #[error("key is revoked")]
    Revoked,
    /// Nobody is named in it.
    #[error("key does not contain a primary identity")]
    Nameless,
    /// It has ended, or not begun.
    #[error("key expired")]
    Expired,
    /// Who is named in it has no address.
    #[error("key does not contain a valid email address: mail: missing '@' or angle-addr: {0}")]
    NoAddress(String),
    /// It never ends.
    #[error("key does not contain a valid key lifetime")]
    Endless,
    /// It ends too late.
    #[error("key lifetime is too long: {0}")]
    TooLong(GoDuration),
    /// It is the whole key, and not only its public half.
    #[error("PGP key contains private key")]
    Private,
}

impl PublicKey {
    /// Reads a key that was sent at a certain time and may end a certain time after that.
    ///
    /// # Errors
    /// When Omni would refuse it.
    pub fn read(armored: &[u8], now: Duration, longest: Duration) -> Result<Self, KeyProblem> {
        let cert = only(armored)?;
        let policy = StandardPolicy::new();
        if matches!(cert.revocation_status(&policy, UNIX_EPOCH + now), RevocationStatus::Revoked(_)) {
            return Err(KeyProblem::Revoked);
        }
        let (user, signature) = primary(&cert).ok_or(KeyProblem::Nameless)?;
        let created = cert.primary_key().key().creation_time();
        let created = created.duration_since(UNIX_EPOCH).unwrap_or_default();
        let lifetime = signature.key_validity_period().unwrap_or_default();
        if is_expired(now, created, lifetime) {
            return Err(KeyProblem::Expired);
        }
        if !matches!(user.email(), Ok(Some(_))) {
            return Err(KeyProblem::NoAddress(String::from_utf8_lossy(user.value()).into_owned()));
        }
        if lifetime.is_zero() {
            return Err(KeyProblem::Endless);
        }
        if created + lifetime >= now + longest + CLOCK_SKEW {
            return Err(KeyProblem::TooLong(GoDuration::from_std(lifetime).unwrap_or_default()));
        }
        if cert.is_tsk() {
            return Err(KeyProblem::Private);
        }
        let id = cert.fingerprint().to_hex().to_lowercase();
        Ok(Self { id, armored: armored.to_vec(), expires: created + lifetime })
    }
}

fn only(armored: &[u8]) -> Result<Cert, KeyProblem> {
    if !armored.trim_ascii_start().starts_with(b"-----BEGIN PGP ") {
        return Err(KeyProblem::Unreadable);
    }
    let mut certs = CertParser::from_bytes(armored).map_err(|_| KeyProblem::Unreadable)?;
    let first = certs.next().and_then(Result::ok).ok_or(KeyProblem::Unreadable)?;
    if certs.next().is_some() { Err(KeyProblem::Several) } else { Ok(first) }
}

/// The user id that counts, and the signature that binds it: without regard to whether that has expired.
fn primary(cert: &Cert) -> Option<(&UserID, &Signature)> {
    let bound = cert.userids().filter_map(|user| Some((user.userid(), user.self_signatures().next()?)));
    bound.max_by_key(|(_, signature)| (signature.primary_userid() == Some(true), signature.signature_creation_time()))
}

/// Whether the key does not hold at any time that the client's clock may show.
fn is_expired(now: Duration, created: Duration, lifetime: Duration) -> bool {
    let skew = if lifetime.is_zero() { SKEW } else { SKEW.min(lifetime / 2) };
    let holds = |at: Duration| at >= created && (lifetime.is_zero() || at < created + lifetime);
    !holds(now + skew) && !holds(now.saturating_sub(skew))
}

#[cfg(test)]
mod tests {
    use super::*;
    use openpgp::cert::{CertBuilder, CertRevocationBuilder, CipherSuite};
    use openpgp::serialize::SerializeInto;
    use openpgp::types::{KeyFlags, ReasonForRevocation};

    const NOW: Duration = Duration::from_secs(1_800_000_000);
    const HOUR: Duration = Duration::from_hours(1);
    const YEAR: Duration = Duration::from_hours(365 * 24);

    fn cert(user: Option<&str>, created: Duration, lifetime: Option<Duration>) -> Cert {
        let mut builder = CertBuilder::new()
            .set_cipher_suite(CipherSuite::Cv25519)
            .set_creation_time(UNIX_EPOCH + created)
            .set_validity_period(lifetime)
            .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing());
        if let Some(user) = user {
            builder = builder.add_userid(user);
        }
        builder.generate().unwrap().0
    }

    fn armored(cert: &Cert) -> Vec<u8> {
        cert.armored().to_vec().unwrap()
    }

    const CI: &str = "ci (linux/amd64) <ci@serviceaccount.omni.sidero.dev>";

    #[test]
    fn keys_are_judged() {
        let dead = cert(Some(CI), NOW - HOUR, Some(YEAR));
        let mut signer = dead.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
        let revocation = CertRevocationBuilder::new()
            .set_signature_creation_time(UNIX_EPOCH + NOW)
            .and_then(|builder| builder.set_reason_for_revocation(ReasonForRevocation::KeyCompromised, b""))
            .and_then(|builder| builder.build(&mut signer, &dead, None))
            .unwrap();
        let revoked = dead.insert_packets(revocation).unwrap().0;
        let two = [armored(&cert(Some(CI), NOW, Some(HOUR))), armored(&cert(Some(CI), NOW, Some(HOUR)))].concat();
        let secret = cert(Some(CI), NOW, Some(HOUR)).as_tsk().armored().to_vec().unwrap();
        for (case, sent, problem) in [
            ("nothing", Vec::new(), "gopenpgp: error in unarmoring: no armored key was found"),
            ("revoked", armored(&revoked), "key is revoked"),
            ("nobody", armored(&cert(None, NOW, Some(HOUR))), "key does not contain a primary identity"),
            ("ended", armored(&cert(Some(CI), NOW - 2 * HOUR, Some(HOUR))), "key expired"),
            ("not begun", armored(&cert(Some(CI), NOW + 2 * SKEW, Some(HOUR))), "key expired"),
            (
                "no address",
                armored(&cert(Some("ci"), NOW, Some(HOUR))),
                "key does not contain a valid email address: mail: missing '@' or angle-addr: ci",
            ),
            ("endless", armored(&cert(Some(CI), NOW, None)), "key does not contain a valid key lifetime"),
            (
                "a day too long",
                armored(&cert(Some(CI), NOW, Some(YEAR + 24 * HOUR))),
                "key lifetime is too long: 8784h0m0s",
            ),
            ("private", secret, "PGP key contains private key"),
        ] {
            let refused = PublicKey::read(&sent, NOW, YEAR).unwrap_err();
            assert_eq!(refused.to_string(), problem, "{case}");
        }
        assert!(PublicKey::read(&two, NOW, YEAR).is_err(), "two keys");
        for (case, created, lifetime) in [
            ("new", NOW, YEAR),
            ("made ahead by a fast clock", NOW + SKEW, YEAR - SKEW),
            ("ended by a slow clock", NOW - HOUR, HOUR),
        ] {
            let key = PublicKey::read(&armored(&cert(Some(CI), created, Some(lifetime))), NOW, YEAR).expect(case);
            assert_eq!(key.expires, created + lifetime, "{case}");
            assert_eq!(key.id.len(), 40, "{case}");
        }
    }
}
