//! Signatures of calls.
//! A signature covers the method and ten headers, but not the body; it is valid for five minutes around its timestamp.

use super::key::SigningKey;
use super::system_time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use openpgp::Packet;
use openpgp::crypto::KeyPair;
use openpgp::packet::signature::SignatureBuilder;
use openpgp::serialize::SerializeInto;
use openpgp::types::{HashAlgorithm, SignatureType};
use sequoia_openpgp as openpgp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const TIMESTAMP: HeaderName = HeaderName::from_static("x-sidero-timestamp");
const PAYLOAD: HeaderName = HeaderName::from_static("x-sidero-payload");
const SIGNATURE: HeaderName = HeaderName::from_static("x-sidero-signature");

/// The headers that the signature covers.
/// `fieldSelectors` is not among them, but stands in the payload as absent: the server looks for it under this
/// spelling, never finds it, and refuses a signature that says otherwise.
const SIGNED: [&str; 9] =
    ["authorization", "cluster", "context", "namespace", "nodes", "runtime", "selectors", "uid", "x-sidero-timestamp"];
const NEVER_THERE: &str = "fieldSelectors";

/// Why a call could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The payload cannot represent the value of a header.
    #[error("the header `{0}` contains characters that cannot be signed")]
    Header(&'static str),
    /// Signing failed.
    #[error("the key did not sign")]
    Key(#[source] Box<dyn std::error::Error + Send + Sync>),
}

#[derive(Serialize)]
struct Payload<'a> {
    headers: BTreeMap<&'static str, Option<Vec<&'a str>>>,
    method: &'a str,
}

/// Signs calls with one key.
pub struct Signer {
    // Signing wants the key for itself for the 35 µs that it takes.
    pair: Mutex<KeyPair>,
    key: KeyInfo,
}

struct KeyInfo {
    identity: String,
    fingerprint: String,
    expires: Option<Duration>,
}

impl Signer {
    /// A signer that uses `key`.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        let expires = key.expires();
        Self {
            pair: Mutex::new(key.pair),
            key: KeyInfo { identity: key.identity, fingerprint: key.fingerprint, expires },
        }
    }

    /// The fingerprint by which the server finds the key.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.key.fingerprint
    }

    /// The identity in the signature.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.key.identity
    }

    /// The expiration of the key, as the time since the Unix epoch; `None` for no expiration.
    #[must_use]
    pub fn expires(&self) -> Option<Duration> {
        self.key.expires
    }

    /// Adds timestamp, payload and signature to `headers`, and replaces existing ones.
    /// `method` is the full name with the leading slash; `now` is the time since the Unix epoch.
    ///
    /// # Errors
    /// When a signed header holds characters that cannot stand in JSON as they are.
    pub fn sign(&self, method: &str, headers: &mut HeaderMap, now: Duration) -> Result<(), SignError> {
        headers.insert(TIMESTAMP, HeaderValue::from(now.as_secs()));
        let payload = payload(method, headers)?;
        let signature = self.sign_bytes(payload.as_bytes(), now).map_err(SignError::Key)?;
        let line = format!("siderov1 {} {} {}", self.key.identity, self.key.fingerprint, STANDARD.encode(signature));
        headers.insert(PAYLOAD, HeaderValue::try_from(payload).map_err(|_| SignError::Header("x-sidero-payload"))?);
        headers.insert(SIGNATURE, HeaderValue::try_from(line).map_err(|_| SignError::Header("x-sidero-signature"))?);
        Ok(())
    }

    fn sign_bytes(&self, bytes: &[u8], now: Duration) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let builder = SignatureBuilder::new(SignatureType::Binary)
            .set_hash_algo(HashAlgorithm::SHA256)
            .set_signature_creation_time(system_time(Duration::from_secs(now.as_secs())))?;
        let mut pair = self.pair.lock().unwrap_or_else(PoisonError::into_inner);
        let signature = builder.sign_message(&mut *pair, bytes)?;
        Ok(Packet::from(signature).to_vec()?)
    }
}

fn payload(method: &str, headers: &HeaderMap) -> Result<String, SignError> {
    let mut signed = BTreeMap::from([(NEVER_THERE, None)]);
    for name in SIGNED {
        let values = headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().map_err(|_| SignError::Header(name)))
            .collect::<Result<Vec<_>, _>>()?;
        // An empty list is not the same as an absent header to the server.
        signed.insert(name, (!values.is_empty()).then_some(values));
    }
    serde_json::to_string(&Payload { headers: signed, method }).map_err(|e| SignError::Key(Box::new(e)))
}

#[cfg(test)]
mod tests {
    use super::super::generate;
    use super::*;
    use crate::omni::testing::verifies;
    use openpgp::Cert;
    use openpgp::parse::Parse;

    const NOW: Duration = Duration::from_secs(1_790_000_000);

    fn signer() -> (Signer, Cert) {
        let made = generate("ci", Duration::from_secs(86_400), NOW).unwrap();
        let cert = Cert::from_bytes(&made.armored_public).unwrap();
        (Signer::new(SigningKey::service_account(&made.exported, NOW).unwrap()), cert)
    }

    #[test]
    fn payload_has_every_name_in_order() {
        let mut headers = HeaderMap::new();
        headers.insert("x-sidero-timestamp", HeaderValue::from_static("17"));
        headers.insert("cluster", HeaderValue::from_static(r#"a "b\"#));
        headers.append("nodes", HeaderValue::from_static("n1"));
        headers.append("nodes", HeaderValue::from_static("n2,n3"));
        headers.insert("node", HeaderValue::from_static("not signed"));
        headers.insert("fieldselectors", HeaderValue::from_static("not signed"));
        assert_eq!(
            payload("/management.ManagementService/Kubeconfig", &headers).unwrap(),
            concat!(
                r#"{"headers":{"authorization":null,"cluster":["a \"b\\"],"context":null,"fieldSelectors":null,"#,
                r#""namespace":null,"nodes":["n1","n2,n3"],"runtime":null,"selectors":null,"uid":null,"#,
                r#""x-sidero-timestamp":["17"]},"method":"/management.ManagementService/Kubeconfig"}"#
            )
        );
    }

    #[test]
    fn signature_verifies_and_covers_the_payload() {
        let (signer, cert) = signer();
        let mut headers = HeaderMap::new();
        signer.sign("/cosi.resource.State/Get", &mut headers, NOW).unwrap();

        assert_eq!(headers["x-sidero-timestamp"], "1790000000");
        let line = headers["x-sidero-signature"].to_str().unwrap();
        let fields: Vec<_> = line.split(' ').collect();
        assert_eq!(fields[..3], ["siderov1", "ci", signer.fingerprint()]);
        assert_eq!(fields.len(), 4);
        let signature = STANDARD.decode(fields[3]).unwrap();
        let payload = headers["x-sidero-payload"].as_bytes();
        assert!(verifies(&cert, &signature, payload, NOW));
        assert!(!verifies(&cert, &signature, &payload[1..], NOW));
        let Packet::Signature(packet) = Packet::from_bytes(&signature).unwrap() else { panic!("not a signature") };
        assert_eq!(packet.typ(), SignatureType::Binary);
        assert_eq!(packet.hash_algo(), HashAlgorithm::SHA256);
    }

    #[test]
    fn signing_again_replaces_the_old_headers() {
        let (signer, _) = signer();
        let mut headers = HeaderMap::new();
        signer.sign("/cosi.resource.State/Get", &mut headers, NOW).unwrap();
        let first = headers["x-sidero-signature"].clone();
        signer.sign("/cosi.resource.State/Get", &mut headers, NOW + Duration::from_secs(1)).unwrap();
        assert_eq!(headers.get_all("x-sidero-signature").iter().count(), 1);
        assert_eq!(headers.get_all("x-sidero-payload").iter().count(), 1);
        assert_eq!(headers["x-sidero-timestamp"], "1790000001");
        assert_ne!(headers["x-sidero-signature"], first);
    }

    #[test]
    fn headers_beyond_ascii_are_refused() {
        let (signer, _) = signer();
        let mut headers = HeaderMap::new();
        headers.insert("cluster", HeaderValue::from_bytes("ä".as_bytes()).unwrap());
        assert!(matches!(signer.sign("/x/Y", &mut headers, NOW), Err(SignError::Header("cluster"))));
    }
}
