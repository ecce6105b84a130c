//! rPGP, which shares no code with the library that makes our keys.

use crate::omni::{HOUR, NAMES, accepts, armored, block, fresh_key, now, omni_with, signed_by_us};
use libtest_mimic::{Failed, Trial};
use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, Password, Timestamp};
use terraform_provider_omni::omni::auth::GeneratedKey;
use tonic::Code;

type Test = fn() -> Result<(), Failed>;

pub fn trials() -> Vec<Trial> {
    let all: [(&str, Test); 3] = [
        ("reads_our_keys", reads_our_keys),
        ("verifies_what_we_sign", verifies_what_we_sign),
        ("signs_what_omni_accepts", signs_what_omni_accepts),
    ];
    all.into_iter().map(|(name, test)| Trial::test(format!("rpgp::{name}"), test)).collect()
}

fn private(key: &GeneratedKey) -> SignedSecretKey {
    SignedSecretKey::from_string(&armored(key)).unwrap().0
}

fn public(key: &GeneratedKey) -> SignedPublicKey {
    SignedPublicKey::from_string(&key.armored_public).unwrap().0
}

fn seconds(time: Option<Timestamp>) -> u64 {
    time.unwrap().as_secs().into()
}

fn reads_our_keys() -> Result<(), Failed> {
    for (name, identity) in NAMES {
        let before = now().as_secs();
        let made = fresh_key(name);
        let (private, public) = (private(&made), public(&made));
        private.verify_bindings()?;
        public.verify_bindings()?;
        assert_eq!(private.to_public_key(), public, "both halves are of one key");
        assert_eq!(public.primary_key.fingerprint().to_string(), made.fingerprint);
        assert_eq!(public.primary_key.algorithm(), PublicKeyAlgorithm::EdDSALegacy);
        assert!((before..=before + 60).contains(&seconds(Some(public.primary_key.created_at()))));

        let [user] = &public.details.users[..] else { panic!("{} users", public.details.users.len()) };
        let text = String::from_utf8(user.id.id().to_vec())?;
        let base = name.rsplit(':').next().unwrap_or(name);
        assert!(text.starts_with(&format!("{base} (")) && text.ends_with(&format!(") <{identity}>")), "{text}");
        // Omni's library looks at the user's own signature, not at one on the key alone.
        let [certification] = &user.signatures[..] else { panic!("{} signatures", user.signatures.len()) };
        assert_eq!(certification.typ(), Some(SignatureType::CertPositive));
        ends_in_an_hour(certification);
        let flags = certification.key_flags();
        assert!(flags.sign() && flags.certify() && !flags.encrypt_comms() && !flags.encrypt_storage());
        assert!(public.details.direct_signatures.len() <= 1 && public.details.revocation_signatures.is_empty());
        public.details.direct_signatures.iter().for_each(ends_in_an_hour);

        let [subkey] = &public.public_subkeys[..] else { panic!("{} subkeys", public.public_subkeys.len()) };
        assert_eq!(subkey.key.algorithm(), PublicKeyAlgorithm::ECDH);
        let flags = subkey.signatures[0].key_flags();
        assert!(flags.encrypt_comms() && flags.encrypt_storage() && !flags.sign() && !flags.certify());
    }
    Ok(())
}

fn ends_in_an_hour(signature: &Signature) {
    assert!(matches!(signature.hash_alg(), Some(HashAlgorithm::Sha256 | HashAlgorithm::Sha512)), "{signature:?}");
    assert_eq!(signature.key_expiration_time().map(|life| u64::from(life.as_secs())), Some(HOUR.as_secs()));
}

fn verifies_what_we_sign() -> Result<(), Failed> {
    let made = fresh_key("ci");
    let (payload, signature) = signed_by_us(&made);
    let signature = DetachedSignature::from_bytes(&signature[..])?;
    assert_eq!(signature.signature.hash_alg(), Some(HashAlgorithm::Sha256));
    signature.verify(&public(&made), &payload)?;
    assert!(signature.verify(&public(&made), &payload[1..]).is_err(), "something else was signed");
    assert!(signature.verify(&public(&fresh_key("ci")), &payload).is_err(), "by somebody else");
    Ok(())
}

fn sign(key: &SignedSecretKey, payload: &[u8]) -> Vec<u8> {
    let primary = &key.primary_key;
    let mut config = SignatureConfig::v4(SignatureType::Binary, primary.algorithm(), HashAlgorithm::Sha256);
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::now())).unwrap(),
        Subpacket::regular(SubpacketData::IssuerFingerprint(primary.fingerprint())).unwrap(),
    ];
    let signature = config.sign(primary, &Password::empty(), payload).unwrap();
    DetachedSignature::new(signature).to_bytes().unwrap()
}

fn signs_what_omni_accepts() -> Result<(), Failed> {
    block(async {
        for (name, _) in NAMES {
            let made = fresh_key(name);
            let sim = omni_with(name, &made).await;
            let key = private(&made);
            assert_eq!(accepts(&sim, &made.fingerprint, |payload| sign(&key, payload)).await, Ok(()), "{name}");
            let other = private(&fresh_key(name));
            let refused = accepts(&sim, &made.fingerprint, |payload| sign(&other, payload)).await;
            assert_eq!(refused, Err(Code::Unauthenticated), "{name}");
        }
        Ok(())
    })
}
