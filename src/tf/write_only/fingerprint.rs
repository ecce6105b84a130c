//! Digests that the state stores instead of a secret, to detect changes of it.
//!
//! Anyone who reads the state can test a guess against a digest. Documents are too long to guess; short secrets get a
//! salted digest that is slow to compute, so that neither tables nor equal secrets help.

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use std::num::NonZeroU32;

const SCHEME: &str = "pbkdf2-sha256";
const ROUNDS: NonZeroU32 = match NonZeroU32::new(200_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};
/// A state that asks for more was not written here.
const MOST_ROUNDS: u32 = 10_000_000;
const SALT: usize = 16;
const DIGEST: usize = 32;

/// How a digest is computed.
///
/// ```
/// use terraform_provider_omni::tf::write_only::Fingerprint;
///
/// // A digest of the meaning ignores the formatting, here upper and lower case.
/// let meaning = Fingerprint::Meaning(str::to_lowercase);
/// assert_eq!(meaning.of("Yes"), meaning.of("yes"));
///
/// // Two salted digests of one secret differ, and both match it.
/// let (a, b) = (Fingerprint::Salted.of("secret"), Fingerprint::Salted.of("secret"));
/// assert_ne!(a, b);
/// assert!(Fingerprint::Salted.is_of(&a, "secret") && !Fingerprint::Salted.is_of(&a, "Secret"));
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Fingerprint {
    /// A digest of the meaning of a document: always the same, so that a plan can predict it.
    /// For documents that contain secrets.
    Meaning(fn(&str) -> String),
    /// The same, which the state stores beside the plain form too: for a document of which only the content counts, so that a
    /// change of the form alone is none.
    MeaningOfBoth(fn(&str) -> String),
    /// A salted and slow digest, as for passwords: two digests of one secret differ, and a plan shows them as known after
    /// apply. For short secrets.
    Salted,
}

impl Fingerprint {
    /// Computes the digest; empty if the system has no randomness for a salt.
    #[must_use]
    pub fn of(self, text: &str) -> String {
        match self {
            Self::Meaning(digest) | Self::MeaningOfBoth(digest) => digest(text),
            Self::Salted => {
                let mut salt = [0; SALT];
                match SystemRandom::new().fill(&mut salt) {
                    Ok(()) => salted(text, &salt, ROUNDS),
                    // An empty digest matches nothing, so every plan sees a change.
                    Err(_) => String::new(),
                }
            }
        }
    }

    /// Whether `print` is a digest of this text.
    #[must_use]
    pub fn is_of(self, print: &str, text: &str) -> bool {
        match self {
            Self::Meaning(digest) | Self::MeaningOfBoth(digest) => print == digest(text),
            Self::Salted => parts(print).is_some_and(|(rounds, salt, digest)| {
                pbkdf2::verify(PBKDF2_HMAC_SHA256, rounds, &salt, text.as_bytes(), &digest).is_ok()
            }),
        }
    }

    /// The digest that a plan can predict; `None` for a salted one.
    pub(super) fn digest(self, text: &str) -> Option<String> {
        match self {
            Self::Meaning(digest) | Self::MeaningOfBoth(digest) => Some(digest(text)),
            Self::Salted => None,
        }
    }

    /// Whether the state stores the digest beside the plain form too.
    pub(super) const fn is_of_both(self) -> bool {
        matches!(self, Self::MeaningOfBoth(_))
    }

    pub(super) const fn is_salted(self) -> bool {
        matches!(self, Self::Salted)
    }

    /// The documentation of the hash attribute.
    pub(super) fn describe(self, plain: &str, secret: &str) -> String {
        let what = match self.is_of_both() {
            true => format!("of `{plain}` or `{secret}`"),
            false => format!("of `{secret}`, null where that is not set"),
        };
        match self {
            Self::Meaning(_) | Self::MeaningOfBoth(_) => format!(
                "SHA-256 hash of the content {what}; formatting does not change it. \
                 Anyone who can read the state can test guesses of the whole content against it."
            ),
            Self::Salted => format!(
                "Salted PBKDF2 digest {what}; it changes with the content. \
                 Anyone who can read the state can test guesses against it, slowly: use a secret that is hard to guess."
            ),
        }
    }
}

fn salted(text: &str, salt: &[u8], rounds: NonZeroU32) -> String {
    let mut digest = [0; DIGEST];
    pbkdf2::derive(PBKDF2_HMAC_SHA256, rounds, salt, text.as_bytes(), &mut digest);
    format!("{SCHEME}${rounds}${}${}", hex(salt), hex(&digest))
}

/// Rounds, salt and digest of a salted print.
fn parts(print: &str) -> Option<(NonZeroU32, Vec<u8>, Vec<u8>)> {
    let mut parts = print.split('$');
    let scheme = parts.next()? == SCHEME;
    let rounds = parts.next()?.parse().ok().filter(|rounds: &NonZeroU32| rounds.get() <= MOST_ROUNDS)?;
    let (salt, digest) = (unhex(parts.next()?)?, unhex(parts.next()?)?);
    (scheme && digest.len() == DIGEST && parts.next().is_none()).then_some((rounds, salt, digest))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|d| d.len() % 2 == 0)?;
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salted_print_knows_its_text_and_no_other() {
        let print = Fingerprint::Salted.of("hunter2");
        assert!(print.starts_with("pbkdf2-sha256$200000$") && !print.contains("hunter2"), "{print}");
        assert!(Fingerprint::Salted.is_of(&print, "hunter2"));
        assert!(!Fingerprint::Salted.is_of(&print, "hunter3"));
        assert_ne!(print, Fingerprint::Salted.of("hunter2"), "no two prints are alike");
    }

    /// The bytes are those of another implementation (Python's `hashlib.pbkdf2_hmac`).
    #[test]
    fn a_salted_print_is_what_it_says() {
        let print = salted("password", b"salt", NonZeroU32::MIN);
        assert_eq!(print, "pbkdf2-sha256$1$73616c74$120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b");
        assert!(Fingerprint::Salted.is_of(&print, "password"));
    }

    #[test]
    fn what_is_no_print_is_of_nothing() {
        let good = salted("a", b"salt", NonZeroU32::MIN);
        for bad in [
            "",
            "x",
            &good.replace("sha256", "sha1"),
            &good.replace("$1$", "$0$"),
            &good.replace("$1$", "$4000000000$"),
            &good.replace("73616c74", "7"),
            &good.replace("73616c74", "é1"),
            &good[..good.len() - 2],
            &format!("{good}$"),
        ] {
            assert!(!Fingerprint::Salted.is_of(bad, "a"), "{bad}");
        }
    }
}
