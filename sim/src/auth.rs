//! Authentication: verifies the signature of each call, in the order of checks of Omni.
//! Its response never says what is wrong; only the log does.

use super::access::{Caller, effective};
use super::accounts::{Activity, PUBLIC_KEY, USER, USER_ID};
use super::kinds::{self, Role};
use super::object::Object;
use super::store::Store;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use omni_proto::specs;
use openpgp::cert::Cert;
use openpgp::packet::Signature;
use openpgp::parse::Parse;
use openpgp::policy::StandardPolicy;
use openpgp::types::{HashAlgorithm, SignatureType};
use openpgp::{Packet, PacketPile};
use sequoia_openpgp as openpgp;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far the clocks of client and server may be apart.
const SKEW: Duration = Duration::from_mins(5);

/// The headers that a signature covers.
const COVERED: [&str; 10] = [
    "authorization",
    "cluster",
    "context",
    "fieldSelectors",
    "namespace",
    "nodes",
    "runtime",
    "selectors",
    "uid",
    "x-sidero-timestamp",
];

/// Methods that need no signature.
const UNSIGNED: [&str; 4] = [
    "/auth.AuthService/RegisterPublicKey",
    "/auth.AuthService/AwaitPublicKeyConfirmation",
    "/auth.AuthService/ConfirmPublicKey",
    // For one type, which the service looks at itself.
    "/omni.resources.ResourceService/Create",
];

/// Why a call was not let in; callers never learn it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// No signature, or not four fields, of which the first names the version.
    #[error("the signature header is missing or malformed")]
    Header,
    /// No key has this fingerprint.
    #[error("the key is not known")]
    Unknown,
    /// The key has ended.
    #[error("the key has expired")]
    Expired,
    /// Nobody has confirmed the key.
    #[error("the key is not confirmed")]
    Unconfirmed,
    /// The key belongs to no user.
    #[error("the key has no user")]
    Userless,
    /// Client and server do not agree on the time.
    #[error("the timestamp is missing or too far from the server's time")]
    Timestamp,
    /// What was signed is not what arrived.
    #[error("the payload is missing, or differs from the call")]
    Payload,
    /// The key did not sign the payload.
    #[error("the signature does not fit the payload")]
    Signature,
}

/// Checks signatures against the keys in the store.
pub struct Authenticator {
    store: Store,
    activity: Activity,
    /// Parsed keys, by fingerprint, with the version of the object they came from.
    parsed: Mutex<HashMap<String, (u64, Arc<Cert>)>>,
}

impl Authenticator {
    /// A check against the keys in this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { activity: Activity::new(store.clone()), store, parsed: Mutex::default() }
    }

    /// Who made the call; none when the method needs no signature and there is none.
    ///
    /// # Errors
    /// When the call has to be refused.
    pub fn caller(&self, method: &str, headers: &HeaderMap) -> Result<Option<Caller>, Rejected> {
        if UNSIGNED.contains(&method) && !headers.contains_key("x-sidero-signature") {
            return Ok(None);
        }
        let (fingerprint, signature) = signature_header(headers)?;
        let key = self.store.get(&kinds::key(PUBLIC_KEY, &fingerprint)).ok_or(Rejected::Unknown)?;
        let spec: specs::PublicKeySpec = key.spec();
        let now = self.store.time();
        let expires = spec.expiration.map_or(Duration::ZERO, since_epoch);
        if expires < now {
            return Err(Rejected::Expired);
        }
        if !spec.confirmed {
            return Err(Rejected::Unconfirmed);
        }
        let user = key.label(USER_ID).ok_or(Rejected::Userless)?;
        let account = self.store.get(&kinds::key(USER, user)).ok_or(Rejected::Userless)?;
        let payload = headers.get("x-sidero-payload").ok_or(Rejected::Payload)?.as_bytes();
        check_time(headers, now)?;
        check_payload(payload, method, headers)?;
        self.check_signature(&key, &spec, &signature, payload, now)?;
        let role = |name: &str| Role::parse(name).unwrap_or(Role::None);
        let identity = spec.identity.unwrap_or_default().email;
        self.activity.note(&identity, &fingerprint);
        Ok(Some(Caller {
            identity,
            user: user.to_owned(),
            role: effective(role(&account.spec::<specs::UserSpec>().role), role(&spec.role)),
        }))
    }

    fn check_signature(
        &self,
        key: &Object,
        spec: &specs::PublicKeySpec,
        signature: &[u8],
        payload: &[u8],
        now: Duration,
    ) -> Result<(), Rejected> {
        let cert = self.cert(key, spec)?;
        let packets = PacketPile::from_bytes(signature).map_err(|_| Rejected::Signature)?;
        let mut packets = packets.into_children();
        let (Some(Packet::Signature(signature)), None) = (packets.next(), packets.next()) else {
            return Err(Rejected::Signature);
        };
        let made = signature.signature_creation_time().ok_or(Rejected::Signature)?;
        // A signature may be dated a little ahead, but by less than a short-lived key lives.
        let lifetime = spec.expiration.map_or(Duration::ZERO, since_epoch).saturating_sub(created(&cert));
        let latest = UNIX_EPOCH + now + SKEW.min(lifetime / 2);
        if made > latest || !fits(&signature, &cert, payload, made) {
            return Err(Rejected::Signature);
        }
        Ok(())
    }

    fn cert(&self, key: &Object, spec: &specs::PublicKeySpec) -> Result<Arc<Cert>, Rejected> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((version, cert)) = parsed.get(&key.key.id)
            && *version == key.version
        {
            return Ok(cert.clone());
        }
        let cert = Arc::new(Cert::from_bytes(&spec.public_key).map_err(|_| Rejected::Unknown)?);
        parsed.insert(key.key.id.clone(), (key.version, cert.clone()));
        Ok(cert)
    }
}

/// The fingerprint and the signature; the identity in between is not looked at.
fn signature_header(headers: &HeaderMap) -> Result<(String, Vec<u8>), Rejected> {
    let header = headers.get("x-sidero-signature").and_then(|v| v.to_str().ok()).ok_or(Rejected::Header)?;
    let fields: Vec<&str> = header.split(' ').collect();
    let ["siderov1", _, fingerprint, signature, ..] = fields[..] else {
        return Err(Rejected::Header);
    };
    let signature = STANDARD.decode(signature).map_err(|_| Rejected::Header)?;
    Ok((fingerprint.to_owned(), signature))
}

fn check_time(headers: &HeaderMap, now: Duration) -> Result<(), Rejected> {
    let header = headers.get("x-sidero-timestamp").and_then(|v| v.to_str().ok());
    let sent: u64 = header.and_then(|v| v.parse().ok()).ok_or(Rejected::Timestamp)?;
    let apart = now.abs_diff(Duration::from_secs(sent));
    if apart > SKEW { Err(Rejected::Timestamp) } else { Ok(()) }
}

fn check_payload(payload: &[u8], method: &str, headers: &HeaderMap) -> Result<(), Rejected> {
    let payload: Value = serde_json::from_slice(payload).map_err(|_| Rejected::Payload)?;
    if payload.get("method").and_then(Value::as_str) != Some(method) {
        return Err(Rejected::Payload);
    }
    for name in COVERED {
        let signed = match payload.get("headers").and_then(|h| h.get(name)) {
            None | Some(Value::Null) => None,
            Some(values) => Some(values.as_array().ok_or(Rejected::Payload)?),
        };
        // Names arrive in lower case and are compared as they stand, so a mixed-case one is always absent.
        let arrived: Vec<&[u8]> = match name.chars().any(char::is_uppercase) {
            true => Vec::new(),
            false => headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect(),
        };
        let same = match signed {
            None => arrived.is_empty(),
            // An empty list is not the same as none.
            Some(values) => {
                !arrived.is_empty()
                    && values.len() == arrived.len()
                    && values.iter().zip(arrived).all(|(v, a)| v.as_str().map(str::as_bytes) == Some(a))
            }
        };
        if !same {
            return Err(Rejected::Payload);
        }
    }
    Ok(())
}

/// Whether a signing key of the certificate made the signature.
fn fits(signature: &Signature, cert: &Cert, payload: &[u8], made: SystemTime) -> bool {
    let strong = matches!(
        signature.hash_algo(),
        HashAlgorithm::SHA256
            | HashAlgorithm::SHA384
            | HashAlgorithm::SHA512
            | HashAlgorithm::SHA3_256
            | HashAlgorithm::SHA3_512
    );
    let issuers = signature.get_issuers();
    strong
        && signature.typ() == SignatureType::Binary
        && cert.keys().with_policy(&StandardPolicy::new(), made).supported().alive().revoked(false).for_signing().any(
            |key| {
                issuers.iter().any(|issuer| issuer.aliases(key.key().key_handle()))
                    && signature.verify_message(key.key(), payload).is_ok()
                    && has_its_tag(signature)
            },
        )
}

/// Whether the first bytes of what was signed stand beside the signature: Go's library looks, Sequoia does not.
fn has_its_tag(signature: &Signature) -> bool {
    signature.computed_digest().is_some_and(|digest| digest.starts_with(signature.digest_prefix()))
}

fn created(cert: &Cert) -> Duration {
    cert.primary_key().key().creation_time().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn since_epoch(time: prost_types::Timestamp) -> Duration {
    Duration::new(u64::try_from(time.seconds).unwrap_or(0), u32::try_from(time.nanos).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    //! Keys and signatures of other makers; `tests/fixtures/signatures/make.sh` makes them.

    use super::*;
    use crate::accounts::{LIFETIME, Limits, Registry};
    use http::{HeaderName, HeaderValue};
    use kit::clock::TestClock;
    use serde::Deserialize;

    const GET: &str = "/cosi.resource.State/Get";

    #[derive(Deserialize)]
    struct Vector {
        maker: String,
        at: u64,
        payload: String,
        public_key: String,
        signature: String,
    }

    fn vectors() -> Vec<Vector> {
        serde_json::from_str(include_str!("../tests/fixtures/signatures/vectors.json")).unwrap()
    }

    impl Vector {
        /// A server at the time of the signature that knows the key, and the key's fingerprint.
        fn server(&self) -> (Authenticator, Arc<TestClock>, String) {
            let clock = Arc::new(TestClock::at(self.at));
            let store = Store::new(clock.clone());
            let registry = Registry::new(&store, Limits::default());
            let id = registry.create_account("probe", Some("Reader"), self.public_key.as_bytes());
            (Authenticator::new(store), clock, id.unwrap_or_else(|why| panic!("{}: {why}", self.maker)))
        }

        fn headers(&self, fingerprint: &str) -> Vec<(&'static str, String)> {
            vec![
                ("cluster", "prod".into()),
                ("nodes", "a".into()),
                ("nodes", "b".into()),
                ("x-sidero-timestamp", self.at.to_string()),
                ("x-sidero-payload", self.payload.clone()),
                ("x-sidero-signature", format!("siderov1 any {fingerprint} {}", self.signature)),
            ]
        }
    }

    fn map(headers: &[(&'static str, String)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, String)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        headers.iter().map(header).collect()
    }

    #[test]
    fn signatures_of_other_makers_are_accepted() {
        for vector in vectors() {
            let (server, _, id) = vector.server();
            let caller = server.caller(GET, &map(&vector.headers(&id))).unwrap_or_else(|why| {
                panic!("{}: {why}", vector.maker);
            });
            let caller = caller.unwrap();
            assert_eq!(caller.identity, "probe@serviceaccount.omni.sidero.dev", "{}", vector.maker);
            assert_eq!(caller.role, Role::Reader);
        }
    }

    #[test]
    fn what_was_altered_is_refused() {
        type Spoil = fn(&mut Vec<(&'static str, String)>);
        let spoils: [(&str, Rejected, Spoil); 10] = [
            ("a header altered", Rejected::Payload, |h| h[0].1 = "test".into()),
            ("a header removed", Rejected::Payload, |h| drop(h.remove(0))),
            ("a header added", Rejected::Payload, |h| h.push(("context", "prod".into()))),
            ("values swapped", Rejected::Payload, |h| h.swap(1, 2)),
            ("values joined", Rejected::Payload, |h| {
                h.remove(1);
                h[1].1 = "a,b".into();
            }),
            ("another time", Rejected::Payload, |h| h[3].1 = (h[3].1.parse::<u64>().unwrap() + 1).to_string()),
            ("payload spaced out", Rejected::Signature, |h| h[4].1 = h[4].1.replacen("null", " null", 1)),
            ("an empty list for an absent header", Rejected::Payload, |h| h[4].1 = h[4].1.replacen("null", "[]", 1)),
            ("another signature", Rejected::Signature, |h| {
                let at = h[5].1.len() - 8;
                let other = if h[5].1.as_bytes()[at] == b'A' { "B" } else { "A" };
                h[5].1.replace_range(at..=at, other);
            }),
            ("an upper-case fingerprint", Rejected::Unknown, |h| {
                let id = h[5].1.split(' ').nth(2).unwrap().to_owned();
                h[5].1 = h[5].1.replace(&id, &id.to_uppercase());
            }),
        ];
        for vector in vectors() {
            let (server, _, id) = vector.server();
            for (case, why, spoil) in spoils {
                let mut headers = vector.headers(&id);
                spoil(&mut headers);
                let refused = server.caller(GET, &map(&headers)).err();
                assert_eq!(refused, Some(why), "{}: {case}", vector.maker);
            }
            let other = server.caller("/cosi.resource.State/List", &map(&vector.headers(&id))).err();
            assert_eq!(other, Some(Rejected::Payload), "{}: another method", vector.maker);
        }
    }

    /// The first bytes of a digest stand in each signature without being signed.
    #[test]
    fn another_digest_beside_the_signature_is_refused() {
        for vector in vectors() {
            let (server, _, id) = vector.server();
            let packet = STANDARD.decode(&vector.signature).unwrap();
            let Packet::Signature(signature) = Packet::from_bytes(&packet).unwrap() else { panic!("a signature") };
            let prefix = *signature.digest_prefix();
            let at = packet.windows(2).rposition(|two| two == prefix).unwrap();
            let mut altered = packet.clone();
            altered[at] ^= 1;
            let Packet::Signature(other) = Packet::from_bytes(&altered).unwrap() else { panic!("a signature") };
            assert_ne!(*other.digest_prefix(), prefix, "{}: not the digest", vector.maker);
            let vector = Vector { signature: STANDARD.encode(altered), ..vector };
            let refused = server.caller(GET, &map(&vector.headers(&id))).err();
            assert_eq!(refused, Some(Rejected::Signature), "{}", vector.maker);
        }
    }

    #[test]
    fn time_and_keys_have_limits() {
        for vector in vectors() {
            let (server, clock, id) = vector.server();
            let headers = map(&vector.headers(&id));
            let refused = || server.caller(GET, &headers).err();
            clock.advance(SKEW);
            assert_eq!(refused(), None, "{}", vector.maker);
            clock.advance(Duration::from_secs(1));
            assert_eq!(refused(), Some(Rejected::Timestamp), "{}", vector.maker);
            clock.advance(LIFETIME);
            assert_eq!(refused(), Some(Rejected::Expired), "{}", vector.maker);

            let (server, _, id) = vector.server();
            server.store.modify(&kinds::key(PUBLIC_KEY, &*id), |key| {
                let spec = specs::PublicKeySpec { confirmed: false, ..key.spec() };
                key.spec = prost::Message::encode_to_vec(&spec);
            });
            assert_eq!(server.caller(GET, &headers).err(), Some(Rejected::Unconfirmed));
            server.store.remove(&kinds::key(PUBLIC_KEY, &*id));
            assert_eq!(server.caller(GET, &headers).err(), Some(Rejected::Unknown), "{}", vector.maker);
        }
    }

    #[test]
    fn a_changed_role_counts_at_once_and_never_beyond_that_of_the_key() {
        let vector = &vectors()[0];
        let (server, _, id) = vector.server();
        let headers = map(&vector.headers(&id));
        let user = server.store.list(USER)[0].key.clone();
        for (role, expected) in [(Role::Admin, Role::Reader), (Role::None, Role::None)] {
            server.store.modify(&user, |user| {
                let spec = specs::UserSpec { role: role.name().into(), ..user.spec() };
                user.spec = prost::Message::encode_to_vec(&spec);
            });
            assert_eq!(server.caller(GET, &headers).unwrap().unwrap().role, expected);
        }
    }
}
