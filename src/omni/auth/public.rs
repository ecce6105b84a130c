//! Reads public keys that are to be registered with Omni, and finds what Omni would refuse them for.
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

/// The longest that Omni lets the key of a service account live.
pub const LONGEST: Duration = Duration::from_hours(365 * 24);

/// What Omni grants on top of that, for rounding.
const CLOCK_SKEW: Duration = Duration::from_mins(1);

/// What is known of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// By what Omni finds it: 40 lower-case digits.
    pub fingerprint: String,
    /// When it ends, since the Unix epoch.
    pub expires: Duration,
}

/// Why Omni would not take a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is no key in armor.
    #[error("the text holds no OpenPGP key in armor, which begins with `-----BEGIN PGP PUBLIC KEY BLOCK-----`")]
    Unreadable,
    /// It holds more than one key.
    #[error("the text holds more than one key; Omni takes one")]
    Several,
    /// It is the whole key.
    #[error("the text holds a private key; Omni must be given its public half only")]
    Private,
    /// Its owner took it back.
    #[error("the key `{0}` has been revoked")]
    Revoked(String),
    /// Nobody with an address is named in it.
    #[error("the key `{0}` names nobody with an e-mail address, such as `ci <ci@example.org>`")]
    Nameless(String),
    /// It never ends.
    #[error("the key `{0}` never expires; Omni takes keys that live for 365 days at most")]
    Endless(String),
    /// It has ended.
    #[error("the key `{0}` expired on {1}")]
    Expired(String, String),
    /// It ends too late.
    #[error("the key `{0}` lives until {1}; Omni takes keys that end within 365 days from now")]
    TooLong(String, String),
}

impl PublicKey {
    /// Reads a key in armor; whether its time has come or passed is not asked.
    ///
    /// # Errors
    /// When Omni would never take it.
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

    /// Whether Omni would take it now; `now` is the time since the Unix epoch.
    ///
    /// # Errors
    /// When it has ended, or ends too late.
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
            ("", "no OpenPGP key in armor"),
            ("s3cret", "no OpenPGP key in armor"),
            (&text[..text.len() / 2], "no OpenPGP key in armor"),
            (&two, "more than one key"),
            (&private, "a private key"),
            (&armored(&revoked), "has been revoked"),
            (&armored(&nameless), "nobody with an e-mail address"),
            (&armored(&endless), "never expires"),
        ] {
            let said = PublicKey::read(text).unwrap_err().to_string();
            assert!(said.contains(says) && !said.contains("s3cret"), "expected `{says}` in: {said}");
        }
    }
}
