//! Encryption in the format of age (version 1), to recipients with X25519 keys: `age1…`.
//! Only support bundles use it, and only a test decrypts. The cryptography is that of aws-lc; the `age` crate would add its
//! localisation to the simulator.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::fmt;
use std::str::FromStr;

const VERSION: &str = "age-encryption.org/v1";
/// What the info of a key begins with that wraps the key of a file.
const WRAP_INFO: &str = "age-encryption.org/v1/X25519";
/// The bytes of a chunk of the content.
const CHUNK: usize = 64 * 1024;

/// A public key that a file can be encrypted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipient([u8; 32]);

impl Recipient {
    /// The recipient of these bytes, whose private key need not exist.
    pub(crate) fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// Why a text is no recipient.
#[derive(Debug, thiserror::Error)]
#[error("malformed recipient {0:?}: unknown type or invalid key")]
pub(crate) struct Malformed(String);

impl FromStr for Recipient {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        bech32::decode(text).map(Self).ok_or_else(|| Malformed(text.to_owned()))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32::encode(self.0))
    }
}

/// The text, encrypted to each of the recipients.
///
/// # Errors
/// When the system has no randomness, or a key of a recipient is no point of the curve.
pub(crate) fn encrypt(text: &[u8], recipients: &[Recipient]) -> Result<Vec<u8>, Unspecified> {
    let random = SystemRandom::new();
    let (mut file_key, mut nonce) = ([0; 16], [0; 16]);
    random.fill(&mut file_key)?;
    random.fill(&mut nonce)?;
    let mut header = format!("{VERSION}\n");
    for recipient in recipients {
        header.push_str(&stanza(&file_key, recipient)?);
    }
    header.push_str("---");
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &derived(&file_key, &[], "header")?), header.as_bytes());
    let mut file = format!("{header} {}\n", STANDARD_NO_PAD.encode(mac)).into_bytes();
    file.extend(nonce);
    let key = aead(&derived(&file_key, &nonce, "payload")?)?;
    let chunks: Vec<&[u8]> = if text.is_empty() { vec![&[]] } else { text.chunks(CHUNK).collect() };
    for (number, chunk) in chunks.iter().enumerate() {
        let mut sealed = chunk.to_vec();
        let nonce = chunk_nonce(number, number + 1 == chunks.len());
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed)?;
        file.extend(sealed);
    }
    Ok(file)
}

/// The lines that give a recipient the key of the file.
fn stanza(file_key: &[u8; 16], recipient: &Recipient) -> Result<String, Unspecified> {
    let ephemeral = PrivateKey::generate(&X25519)?;
    let share = ephemeral.compute_public_key()?;
    let salt = [share.as_ref(), &recipient.0].concat();
    let peer = UnparsedPublicKey::new(&X25519, &recipient.0[..]);
    let wrap = agree(&ephemeral, peer, Unspecified, |secret| derived(secret, &salt, WRAP_INFO))?;
    let mut wrapped = file_key.to_vec();
    aead(&wrap)?.seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), Aad::empty(), &mut wrapped)?;
    let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    Ok(format!("-> X25519 {}\n{}\n", text(share.as_ref()), text(&wrapped)))
}

fn derived(secret: &[u8], salt: &[u8], info: &str) -> Result<[u8; 32], Unspecified> {
    let mut key = [0; 32];
    let prk = Salt::new(HKDF_SHA256, salt).extract(secret);
    prk.expand(&[info.as_bytes()], HKDF_SHA256)?.fill(&mut key)?;
    Ok(key)
}

fn aead(key: &[u8; 32]) -> Result<LessSafeKey, Unspecified> {
    Ok(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key)?))
}

fn chunk_nonce(number: usize, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&(number as u64).to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::assume_unique_for_key(nonce)
}

/// Bech32 of 32 bytes under the prefix `age`.
mod bech32 {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const PREFIX: &str = "age";
    /// 32 bytes in groups of 5 bits, and the checksum.
    const DATA: usize = 52;
    const CHECKSUM: usize = 6;

    pub(super) fn encode(bytes: [u8; 32]) -> String {
        let mut groups = regrouped(&bytes, 8, 5);
        let padded: Vec<u8> = groups.iter().copied().chain([0; CHECKSUM]).collect();
        let sum = checksum(&padded) ^ 1;
        groups.extend((0..CHECKSUM).rev().map(|at| low_bits(sum >> (5 * at), 5)));
        let text: String = groups.iter().map(|group| char::from(ALPHABET[usize::from(*group)])).collect();
        format!("{PREFIX}1{text}")
    }

    pub(super) fn decode(text: &str) -> Option<[u8; 32]> {
        let data = text.strip_prefix(PREFIX)?.strip_prefix('1')?;
        let group =
            |letter: u8| ALPHABET.iter().position(|other| *other == letter).and_then(|at| u8::try_from(at).ok());
        let groups: Vec<u8> = data.bytes().map(group).collect::<Option<_>>()?;
        if groups.len() != DATA + CHECKSUM || checksum(&groups) != 1 {
            return None;
        }
        regrouped(&groups[..DATA], 5, 8).get(..32)?.try_into().ok()
    }

    /// The bits in groups of another size; the last group is filled up with zeros.
    fn regrouped(groups: &[u8], from: u32, to: u32) -> Vec<u8> {
        let (mut all, mut bits, mut count) = (Vec::new(), 0_u32, 0);
        for group in groups {
            bits = (bits << from) | u32::from(*group);
            count += from;
            while count >= to {
                count -= to;
                all.push(low_bits(bits >> count, to));
            }
        }
        if count > 0 && to == 5 {
            all.push(low_bits(bits << (to - count), to));
        }
        all
    }

    /// The lowest bits, at most 8.
    fn low_bits(bits: u32, count: u32) -> u8 {
        u8::try_from(bits & ((1 << count) - 1)).unwrap_or_default()
    }

    fn checksum(groups: &[u8]) -> u32 {
        const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let prefix = PREFIX.bytes().map(|b| b >> 5).chain([0]).chain(PREFIX.bytes().map(|b| b & 31));
        prefix.chain(groups.iter().copied()).fold(1, |sum, group| {
            let top = sum >> 25;
            let next = ((sum & 0x1ff_ffff) << 5) ^ u32::from(group);
            GENERATOR.iter().enumerate().filter(|(bit, _)| (top >> bit) & 1 == 1).fold(next, |sum, (_, g)| sum ^ g)
        })
    }
}

/// A private key for tests, and what it decrypts.
#[cfg(test)]
pub(crate) mod identity {
    use super::*;

    pub(crate) struct Identity(PrivateKey);

    impl Identity {
        pub(crate) fn generate() -> Self {
            Self(PrivateKey::generate(&X25519).unwrap())
        }

        pub(crate) fn recipient(&self) -> Recipient {
            Recipient(self.0.compute_public_key().unwrap().as_ref().try_into().unwrap())
        }

        /// The text of a file; `None` for a file that is for others.
        pub(crate) fn decrypt(&self, file: &[u8]) -> Option<Vec<u8>> {
            let marked = file.windows(4).position(|window| window == b"\n---")?;
            let (header, rest) = file.split_at(marked + 4);
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let (mac, rest) = (&rest[1..end], &rest[end + 1..]);
            let lines: Vec<&str> = str::from_utf8(header).ok()?.lines().collect();
            assert_eq!(lines[0], VERSION);
            let file_key =
                lines.windows(2).find_map(|pair| self.unwrapped(pair[0].strip_prefix("-> X25519 ")?, pair[1]))?;
            let key = hmac::Key::new(hmac::HMAC_SHA256, &derived(&file_key, &[], "header").ok()?);
            hmac::verify(&key, header, &STANDARD_NO_PAD.decode(mac).ok()?).ok()?;
            let (nonce, content) = rest.split_at(16);
            let key = aead(&derived(&file_key, nonce, "payload").ok()?).ok()?;
            let chunks: Vec<&[u8]> = content.chunks(CHUNK + 16).collect();
            let mut text = Vec::new();
            for (number, chunk) in chunks.iter().enumerate() {
                let mut opened = chunk.to_vec();
                let nonce = chunk_nonce(number, number + 1 == chunks.len());
                text.extend_from_slice(key.open_in_place(nonce, Aad::empty(), &mut opened).ok()?);
            }
            Some(text)
        }

        fn unwrapped(&self, share: &str, wrapped: &str) -> Option<Vec<u8>> {
            let share = STANDARD_NO_PAD.decode(share).ok()?;
            let salt = [&share[..], &self.recipient().0].concat();
            let peer = UnparsedPublicKey::new(&X25519, &share[..]);
            let wrap = agree(&self.0, peer, Unspecified, |secret| derived(secret, &salt, WRAP_INFO)).ok()?;
            let mut key = STANDARD_NO_PAD.decode(wrapped).ok()?;
            let nonce = Nonce::assume_unique_for_key([0; 12]);
            Some(aead(&wrap).ok()?.open_in_place(nonce, Aad::empty(), &mut key).ok()?.to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::identity::Identity;
    use super::*;

    #[test]
    fn recipients_are_read_and_written() {
        // From the README of age.
        let known = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        assert_eq!(known.parse::<Recipient>().unwrap().to_string(), known);
        let own = Identity::generate().recipient();
        assert_eq!(own.to_string().parse::<Recipient>().unwrap(), own);
        for wrong in ["", "age1", "age1qqqqq", "not-a-public-key", "ssh-ed25519 AAAA", &known.replace("3z7", "3z6")] {
            let error = wrong.parse::<Recipient>().unwrap_err().to_string();
            assert!(error.contains("malformed recipient"), "{error}");
        }
    }

    #[test]
    fn each_recipient_can_read_it_and_nobody_else() {
        let [one, two, other] = [0; 3].map(|_| Identity::generate());
        for length in [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let text = vec![7; length];
            let file = encrypt(&text, &[one.recipient(), two.recipient()]).unwrap();
            assert!(file.starts_with(b"age-encryption.org/v1\n-> X25519 "));
            for identity in [&one, &two] {
                assert_eq!(identity.decrypt(&file).as_deref(), Some(&text[..]), "{length}");
            }
            assert_eq!(other.decrypt(&file), None);
        }
    }
}
