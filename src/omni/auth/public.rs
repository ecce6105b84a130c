//! Parses public keys to register with Omni, and validates them as Omni does.
//! No message quotes any part of a key: by mistake it may be the private half.

use super::key::lifetime;
use super::{date, since_epoch, system_time};
use openpgp::Cert;
use openpgp::cert::CertParser;
use openpgp::parse::Parse;
use openpgp::policy::StandardPolicy;
use openpgp::types::RevocationStatus;
use sequoia_openpgp as openpgp;
use std::time::Duration;

/// The longest lifetime of a service account key in Omni.
pub const LONGEST: Duration = Duration::from_hours(365 * 24);

/// The tolerance of Omni on top of that, for rounding.
const CLOCK_SKEW: Duration = Duration::from_mins(1);

/// A public key that Omni accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The fingerprint: 40 lower-case hexadecimal digits.
    pub fingerprint: String,
    /// The expiration, as the time since the Unix epoch.
    pub expires: Duration,
}

/// Why Omni refuses a public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is not an ASCII-armored key.
    #[error("the text contains no ASCII-armored OpenPGP key, which begins with `-----BEGIN PGP PUBLIC KEY BLOCK-----`")]
    Unreadable,
    /// It contains more than one key.
    #[error("the text contains more than one key; Omni accepts one")]
    Several,
    /// It contains the private key.
    #[error("the text contains a private key; use only its public key")]
    Private,
    /// It is revoked.
    #[error("the key `{0}` has been revoked")]
    Revoked(String),
    /// It has no user ID with an e-mail address.
    #[error("the key `{0}` has no user ID with an e-mail address, such as `ci <ci@example.org>`")]
    Nameless(String),
    /// It does not expire.
    #[error("the key `{0}` never expires; Omni accepts keys that are valid for at most 365 days")]
    Endless(String),
    /// It has expired.
    #[error("the key `{0}` expired on {1}")]
    Expired(String, String),
    /// Its lifetime is too long.
    #[error("the key `{0}` is valid until {1}; Omni accepts keys that expire within 365 days")]
    TooLong(String, String),
}

impl PublicKey {
    /// Parses an ASCII-armored key; its validity period is not checked.
    ///
    /// # Errors
    /// When Omni refuses the key at any time.
    pub fn read(armored: &str) -> Result<Self, Unfit> {
        let cert = only(armored)?;
        let fingerprint = cert.fingerprint().to_hex().to_lowercase();
        if cert.is_tsk() {
            return Err(Unfit::Private);
        }
        // Whether the signatures of the key itself still hold is another question than whether it was taken back.
        let made = since_epoch(cert.primary_key().key().creation_time());
        if matches!(cert.revocation_status(&StandardPolicy::new(), system_time(made)), RevocationStatus::Revoked(_)) {
            return Err(Unfit::Revoked(fingerprint));
        }
        if !cert.userids().any(|user| matches!(user.userid().email(), Ok(Some(_)))) {
            return Err(Unfit::Nameless(fingerprint));
        }
        match lifetime(&cert).1 {
            Some(expires) => Ok(Self { fingerprint, expires }),
            None => Err(Unfit::Endless(fingerprint)),
        }
    }

    /// Checks whether Omni accepts it now; `now` is the time since the Unix epoch.
    ///
    /// # Errors
    /// When it has expired, or its lifetime is too long.
    pub fn fits(&self, now: Duration) -> Result<(), Unfit> {
        if self.expires <= now {
            return Err(Unfit::Expired(self.fingerprint.clone(), date(self.expires)));
        }
        if self.expires >= now + LONGEST + CLOCK_SKEW {
            return Err(Unfit::TooLong(self.fingerprint.clone(), date(self.expires)));
        }
        Ok(())
    }
}

fn only(armored: &str) -> Result<Cert, Unfit> {
    if !armored.trim_start().starts_with("-----BEGIN PGP ") {
        return Err(Unfit::Unreadable);
    }
    let mut certs = CertParser::from_bytes(armored.as_bytes()).map_err(|_| Unfit::Unreadable)?;
    let first = certs.next().and_then(Result::ok).ok_or(Unfit::Unreadable)?;
    match certs.next() {
        None => Ok(first),
        Some(Ok(_)) => Err(Unfit::Several),
        // What follows is the rest of a key that was cut off.
        Some(Err(_)) => Err(Unfit::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::super::generate;
    use super::*;
    use openpgp::armor::{Kind, Writer};
    use openpgp::cert::CertBuilder;
    use openpgp::serialize::{Serialize, SerializeInto};
    use openpgp::types::{KeyFlags, ReasonForRevocation};

    const NOW: Duration = Duration::from_secs(1_790_000_000);
    const DAY: Duration = Duration::from_hours(24);

    fn builder() -> CertBuilder<'static> {
        CertBuilder::new()
            .set_creation_time(system_time(NOW))
            .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
    }

    fn armored(cert: &Cert) -> String {
        String::from_utf8(cert.armored().to_vec().unwrap()).unwrap()
    }

    fn generated(lifetime: Duration) -> (String, String) {
        let made = generate("ci", lifetime, NOW).unwrap();
        (made.armored_public, made.fingerprint)
    }

    #[test]
    fn a_key_of_ours_is_fit_until_it_ends() {
        let (text, fingerprint) = generated(30 * DAY);
        let key = PublicKey::read(&format!("\n{text}\n")).unwrap();
        assert_eq!(key, PublicKey { fingerprint: fingerprint.clone(), expires: NOW + 30 * DAY });
        assert_eq!(key.fits(NOW), Ok(()));
        let ended = Unfit::Expired(fingerprint, date(NOW + 30 * DAY));
        assert_eq!(key.fits(NOW + 30 * DAY), Err(ended));
    }

    #[test]
    fn a_year_is_the_longest() {
        let fits = |lifetime| PublicKey::read(&generated(lifetime).0).unwrap().fits(NOW);
        assert_eq!(fits(LONGEST), Ok(()));
        assert!(matches!(fits(LONGEST + DAY), Err(Unfit::TooLong(..))));
    }

    #[test]
    fn what_omni_would_refuse_is_named_and_not_quoted() {
        let (text, _) = generated(DAY);
        let (whole, _) = builder().set_validity_period(DAY).add_userid("ci <ci@example.org>").generate().unwrap();
        let private = String::from_utf8(whole.as_tsk().armored().to_vec().unwrap()).unwrap();
        let (endless, _) = builder().add_userid("ci <ci@example.org>").generate().unwrap();
        let (nameless, _) = builder().set_validity_period(DAY).add_userid("ci").generate().unwrap();
        let mut signer = whole.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
        let why = whole.revoke(&mut signer, ReasonForRevocation::KeyCompromised, b"lost").unwrap();
        let revoked = whole.clone().insert_packets(why).unwrap().0;
        let mut two = Writer::new(Vec::new(), Kind::PublicKey).unwrap();
        endless.serialize(&mut two).unwrap();
        nameless.serialize(&mut two).unwrap();
        let two = String::from_utf8(two.finalize().unwrap()).unwrap();
        for (text, says) in [
            ("", "no ASCII-armored OpenPGP key"),
            ("s3cret", "no ASCII-armored OpenPGP key"),
            (&text[..text.len() / 2], "no ASCII-armored OpenPGP key"),
            (&two, "more than one key"),
            (&private, "a private key"),
            (&armored(&revoked), "has been revoked"),
            (&armored(&nameless), "no user ID with an e-mail address"),
            (&armored(&endless), "never expires"),
        ] {
            let said = PublicKey::read(text).unwrap_err().to_string();
            assert!(said.contains(says) && !said.contains("s3cret"), "expected `{says}` in: {said}");
        }
    }
}
