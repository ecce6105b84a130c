//! Parses keys, and validates them before anything is sent: Omni only responds "invalid signature".
//! No message may quote any part of a key except its name and its fingerprint.

use super::{MAX_SKEW, date, since_epoch, system_time};
use crate::omni::config::Credentials;
use crate::omni::error::Error;
use crate::omni::pem;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kit::secret::{ExposeSecret, SecretString};
use kit::text::quoted;
use openpgp::cert::Cert;
use openpgp::crypto::KeyPair;
use openpgp::parse::Parse;
use openpgp::policy::StandardPolicy;
use openpgp::types::RevocationStatus;
use sequoia_openpgp as openpgp;
use std::time::Duration;
use zeroize::Zeroizing;

/// A private key with its identity and expiration.
pub struct SigningKey {
    pub(super) identity: String,
    pub(super) fingerprint: String,
    pub(super) pair: KeyPair,
    expires: Option<Duration>,
}

impl SigningKey {
    /// Parses the key of `credentials`; `now` is the time since the Unix epoch.
    ///
    /// # Errors
    /// [`Error::Config`] that says what is wrong with the key.
    pub fn read(credentials: &Credentials, now: Duration) -> Result<Self, Error> {
        match credentials {
            Credentials::ServiceAccountKey(key) => Self::service_account(key, now),
            Credentials::UserKey { identity, private_key } => {
                armored("user_key", "the user's key", identity, private_key.expose_secret(), now)
            }
        }
    }

    /// Parses a service account key as Omni prints it.
    ///
    /// # Errors
    /// [`Error::Config`] that says what is wrong with the key.
    pub fn service_account(key: &SecretString, now: Duration) -> Result<Self, Error> {
        let unpacked = unpack(key)?;
        let what = format!("the service account key {}", quoted(&unpacked.name));
        armored(SETTING, &what, &unpacked.name, &unpacked.armor, now)
    }

    /// The identity in the signature.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The fingerprint by which the server finds the key: 40 lower-case digits.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The expiration, as the time since the Unix epoch; `None` for no expiration.
    #[must_use]
    pub fn expires(&self) -> Option<Duration> {
        self.expires
    }
}

const SETTING: &str = "service_account_key";

/// A decoded service account key.
struct Unpacked {
    name: String,
    armor: Zeroizing<String>,
}

fn unpack(key: &SecretString) -> Result<Unpacked, Error> {
    let wrong = |message: &str| Error::Config { setting: SETTING, message: message.to_owned() };
    // Terminals and editors break long lines; base64 itself has no blanks.
    let text: Zeroizing<String> =
        Zeroizing::new(key.expose_secret().chars().filter(|c| !c.is_ascii_whitespace()).collect());
    if text.is_empty() {
        return Err(wrong("the service account key is empty"));
    }
    if text.starts_with("-----BEGIN") {
        // The blanks are gone from the text, and with them those of the label.
        let what = match pem::label(key.expose_secret()) {
            Some(label) if !label.contains("PGP") => format!("a PEM block of the kind {}", quoted(label)),
            _ => "a bare PGP key".to_owned(),
        };
        return Err(wrong(&format!(
            "the service account key is {what}; expected is the one long line of base64 that Omni prints when the account is created"
        )));
    }
    if text.contains("_KEY=") {
        return Err(wrong(
            "the service account key still begins with the name of its environment variable; use only the text after the `=`",
        ));
    }
    let json = Zeroizing::new(STANDARD.decode(text.as_bytes()).map_err(|_| {
        wrong("the service account key is not base64; check that it was copied completely, up to the last `=`")
    })?);
    // The parser's own message quotes what it read, so only the place is kept.
    let object: serde_json::Value = serde_json::from_slice(&json).map_err(|e| {
        wrong(&format!(
            "the service account key does not contain JSON (decoded, line {} column {}); check that it was copied completely",
            e.line(),
            e.column()
        ))
    })?;
    let field = |name: &str| {
        object.get(name).and_then(serde_json::Value::as_str).filter(|s| !s.is_empty()).ok_or_else(|| {
            wrong(&format!("the service account key has no field `{name}`; it is not a service account key of Omni"))
        })
    };
    let name = field("name")?;
    let pgp = field("pgp_key")?;
    Ok(Unpacked { name: name.to_owned(), armor: Zeroizing::new(pgp.to_owned()) })
}

/// The contents of a service account key, without the private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// The name of the account.
    pub name: String,
    /// The fingerprint by which the server finds the key.
    pub fingerprint: String,
    /// When the key ends, since the Unix epoch; `None` for one that does not end.
    pub expires: Option<Duration>,
}

/// Decodes a service account key; its validity is not checked.
///
/// # Errors
/// [`Error::Config`] that says what is wrong with the key.
pub fn inspect(key: &SecretString) -> Result<KeyFacts, Error> {
    let unpacked = unpack(key)?;
    let cert = read_cert(SETTING, &format!("the service account key {}", quoted(&unpacked.name)), &unpacked.armor)?;
    Ok(KeyFacts {
        fingerprint: cert.fingerprint().to_hex().to_lowercase(),
        expires: lifetime(&cert).1,
        name: unpacked.name,
    })
}

/// A service account key of a name and an armored private key, as Omni prints it.
pub(super) fn encode(name: &str, private: &str) -> SecretString {
    let json = Zeroizing::new(serde_json::json!({ "name": name, "pgp_key": private }).to_string());
    SecretString::from(STANDARD.encode(json.as_bytes()))
}

/// The same once both are looked at.
///
/// # Errors
/// [`Error::Config`] that says what is wrong with the name or the key.
pub fn pack(name: &str, private: &SecretString) -> Result<SecretString, Error> {
    read_cert(SETTING, "the text", private.expose_secret())?;
    Ok(encode(name, private.expose_secret()))
}

fn read_cert(setting: &'static str, what: &str, text: &str) -> Result<Cert, Error> {
    let wrong = |message: String| Error::Config { setting, message };
    if let Some(label) = pem::label(text).filter(|label| !label.contains("PGP")) {
        return Err(wrong(format!(
            "{what} is a PEM block of the kind {} and no OpenPGP key; an armored one begins with `-----BEGIN PGP PRIVATE KEY BLOCK-----`",
            quoted(label)
        )));
    }
    let cert = Cert::from_bytes(text.as_bytes())
        .map_err(|_| wrong(format!("{what} contains no readable PGP key; check that it was copied completely")))?;
    if cert.is_tsk() {
        Ok(cert)
    } else {
        Err(wrong(format!("{what} contains only a public key; signing requires the private key")))
    }
}

/// What keeps a name out of the header of a signature, whose fields are ASCII and separated by blanks.
fn unfit(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    let c = name.chars().find(|c| !c.is_ascii_graphic())?;
    let code = format!("U+{:04X}", u32::from(c));
    Some(match c {
        c if c.is_ascii_whitespace() => "contains white space".to_owned(),
        c if c.is_control() => format!("contains the control character {code}"),
        _ => format!("contains {code}, which is no ASCII character"),
    })
}

fn armored(setting: &'static str, what: &str, identity: &str, text: &str, now: Duration) -> Result<SigningKey, Error> {
    let wrong = |message: String| Error::Config { setting, message };

    if let Some(why) = unfit(identity) {
        return Err(wrong(format!("the name in {what} {why}; Omni could not verify its signatures")));
    }
    let cert = read_cert(setting, what, text)?;

    let (made, expires) = lifetime(&cert);
    if let Some(end) = expires.filter(|end| *end <= now) {
        return Err(wrong(format!(
            "{what} expired on {}; create or renew a key in Omni and use that one (the clock of this computer shows {})",
            date(end),
            date(now)
        )));
    }
    if made > now + MAX_SKEW {
        return Err(wrong(format!(
            "{what} was created on {}, but the clock of this computer shows {}; correct the clock: Omni refuses signatures that are more than 5 minutes off",
            date(made),
            date(now)
        )));
    }

    // A key that was made a moment ago on a machine whose clock is ahead is judged by that clock.
    let at = system_time(now.max(made));
    let policy = StandardPolicy::at(at);
    if matches!(cert.revocation_status(&policy, at), RevocationStatus::Revoked(_)) {
        return Err(wrong(format!("{what} contains a revoked key")));
    }
    let valid = cert
        .with_policy(&policy, at)
        .map_err(|_| wrong(format!("{what} contains a PGP key without a valid self-signature")))?;
    let mut locked = false;
    let mut signing = None;
    for key in valid.keys().alive().revoked(false).for_signing().secret() {
        if key.key().has_unencrypted_secret() {
            signing = Some(key.key().clone());
            // The primary key comes first, and is the one that Omni knows by its fingerprint.
            break;
        }
        locked = true;
    }
    let Some(signing) = signing else {
        return Err(wrong(if locked {
            format!("{what} is locked with a passphrase; Omni's own keys have none")
        } else {
            format!("{what} contains no signing key")
        }));
    };
    let pair = signing
        .into_keypair()
        .map_err(|_| wrong(format!("{what} contains a key of a type that this build does not support")))?;
    Ok(SigningKey {
        identity: identity.to_owned(),
        fingerprint: cert.fingerprint().to_hex().to_lowercase(),
        pair,
        expires,
    })
}

/// When the key was last certified by itself, and when it ends by that.
///
/// Omni's keys let the self-signature end together with the key, and a strict reader then sees no valid key at all.
/// So this looks at the signatures themselves, without asking whether they still count.
pub(super) fn lifetime(cert: &Cert) -> (Duration, Option<Duration>) {
    let key_made = since_epoch(cert.primary_key().key().creation_time());
    let newest = cert
        .primary_key()
        .self_signatures()
        .chain(cert.userids().flat_map(|user| user.self_signatures()))
        .max_by_key(|s| s.signature_creation_time());
    let Some(signature) = newest else { return (key_made, None) };
    let signed = signature.signature_creation_time().map_or(key_made, since_epoch);
    let ends = [
        signature.key_validity_period().map(|p| key_made + p),
        signature.signature_validity_period().map(|p| signed + p),
    ];
    (key_made.max(signed), ends.into_iter().flatten().min())
}

#[cfg(test)]
mod tests {
    use super::super::generate;
    use super::*;
    use openpgp::serialize::SerializeInto;

    const NOW: Duration = Duration::from_secs(1_790_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn wrap(name: &str, pgp: &str) -> SecretString {
        let json = serde_json::json!({ "name": name, "pgp_key": pgp, "later": 1 });
        SecretString::from(STANDARD.encode(json.to_string()))
    }

    fn unwrap(key: &SecretString) -> String {
        let json = STANDARD.decode(key.expose_secret()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&json).unwrap()["pgp_key"].as_str().unwrap().to_owned()
    }

    fn message(key: &SecretString, now: Duration) -> String {
        match SigningKey::service_account(key, now) {
            Err(Error::Config { setting: "service_account_key", message }) => message,
            Err(e) => panic!("{e:?}"),
            Ok(_) => panic!("accepted"),
        }
    }

    #[test]
    fn reads_what_it_generates() {
        let made = generate("terraform", 30 * DAY, NOW).unwrap();
        let key = SigningKey::service_account(&made.exported, NOW + DAY).unwrap();
        assert_eq!(key.identity(), "terraform");
        assert_eq!(key.fingerprint(), made.fingerprint);
        assert_eq!(key.expires(), Some(NOW + 30 * DAY));

        let user =
            Credentials::UserKey { identity: "me@example.com".to_owned(), private_key: unwrap(&made.exported).into() };
        assert_eq!(SigningKey::read(&user, NOW).unwrap().identity(), "me@example.com");
    }

    #[test]
    fn blanks_and_line_breaks_do_not_matter() {
        let made = generate("terraform", 30 * DAY, NOW).unwrap();
        let text = made.exported.expose_secret();
        let broken = format!(" {}\r\n{}\n", &text[..40], &text[40..]);
        assert!(SigningKey::service_account(&broken.into(), NOW).is_ok());
    }

    #[test]
    fn says_what_is_wrong() {
        let made = generate("ci", 30 * DAY, NOW).unwrap();
        let pgp = unwrap(&made.exported);
        let cert = Cert::from_bytes(&pgp).unwrap();
        let public = String::from_utf8(cert.clone().strip_secret_key_material().armored().to_vec().unwrap()).unwrap();
        let rsa = "-----BEGIN RSA PRIVATE KEY-----\ns3cret\n-----END RSA PRIVATE KEY-----\n";
        let table = [
            (SecretString::from(""), "is empty"),
            (" \n ".into(), "is empty"),
            ("s3cret!".into(), "not base64"),
            (pgp.clone().into(), "bare PGP key"),
            (rsa.to_owned().into(), "of the kind `RSA PRIVATE KEY`"),
            (wrap("ci", rsa), "is a PEM block of the kind `RSA PRIVATE KEY` and no OpenPGP key"),
            (wrap(&"n".repeat(80_000), "s3cret"), "(80000 bytes)"),
            (wrap("\u{1b}[2J", "s3cret"), r"`\u{1b}[2J`"),
            (format!("OMNI_SERVICE_ACCOUNT_KEY={}", made.exported.expose_secret()).into(), "environment variable"),
            (made.exported.expose_secret()[..200].to_owned().into(), "does not contain JSON"),
            (STANDARD.encode("[1, 2]").into(), "no field `name`"),
            (STANDARD.encode(r#"{"name": 5, "pgp_key": "s3cret"}"#).into(), "no field `name`"),
            (STANDARD.encode(r#"{"name": "ci"}"#).into(), "no field `pgp_key`"),
            (wrap("ci", "s3cret"), "no readable PGP key"),
            (wrap("ci", &pgp[..pgp.len() / 2]), "no readable PGP key"),
            (wrap("two words", &pgp), "contains white space;"),
            (wrap("a\u{1b}b", &pgp), "contains the control character U+001B;"),
            (wrap("jané", &pgp), "contains U+00E9, which is no ASCII character;"),
            (wrap("ci", &public), "only a public key"),
        ];
        for (key, part) in &table {
            let message = message(key, NOW);
            assert!(message.contains(part), "expected `{part}` in: {message}");
            let told = message.replace("`-----BEGIN PGP PRIVATE KEY BLOCK-----`", "");
            assert!(!told.contains("s3cret") && !told.contains("BEGIN") && told.len() < 1000, "{message}");
        }
    }

    #[test]
    fn locked_keys() {
        let (cert, _) = openpgp::cert::CertBuilder::new()
            .set_creation_time(system_time(NOW))
            .add_userid("ci <ci@example.com>")
            .set_primary_key_flags(openpgp::types::KeyFlags::empty().set_certification().set_signing())
            .set_password(Some("open sesame".into()))
            .generate()
            .unwrap();
        let text = String::from_utf8(cert.as_tsk().armored().to_vec().unwrap()).unwrap();
        assert!(message(&wrap("ci", &text), NOW).contains("locked with a passphrase"));
    }

    #[test]
    fn keys_that_may_not_sign() {
        let (cert, _) = openpgp::cert::CertBuilder::new()
            .set_creation_time(system_time(NOW))
            .add_userid("ci <ci@example.com>")
            .set_primary_key_flags(openpgp::types::KeyFlags::empty().set_certification())
            .generate()
            .unwrap();
        let text = String::from_utf8(cert.as_tsk().armored().to_vec().unwrap()).unwrap();
        assert!(message(&wrap("ci", &text), NOW).contains("no signing key"));
    }

    #[test]
    fn keys_out_of_their_time() {
        let made = generate("ci", DAY, NOW).unwrap();
        let late = message(&made.exported, NOW + DAY);
        assert!(late.contains(&format!("expired on {}", date(NOW + DAY))), "{late}");
        let early = message(&made.exported, NOW - DAY);
        assert!(early.contains("the clock of this computer shows"), "{early}");
        // A clock that is off by less than Omni lets pass is no reason to refuse.
        assert!(SigningKey::service_account(&made.exported, NOW - Duration::from_secs(200)).is_ok());
    }
}
