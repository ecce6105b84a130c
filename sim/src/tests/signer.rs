//! Signs calls as the owner of a service account's key; it shares nothing with the client of the provider.
//! It knows no simulator: the tests of the program use it too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openpgp::cert::Cert;
use openpgp::crypto::KeyPair;
use openpgp::packet::signature::SignatureBuilder;
use openpgp::parse::Parse;
use openpgp::serialize::SerializeInto;
use openpgp::types::{HashAlgorithm, SignatureType};
use sequoia_openpgp as openpgp;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};
use tonic::Request;

/// The headers that a signature covers, by their signed names.
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

/// The full name of a method of State.
pub fn path(method: &str) -> String {
    format!("/cosi.resource.State/{method}")
}

/// A service account's key, as its owner holds it.
#[derive(Clone)]
pub struct Signer {
    pub name: String,
    pub cert: Cert,
}

impl Signer {
    pub fn new(key: &str) -> Self {
        let key: Value = serde_json::from_slice(&STANDARD.decode(key).unwrap()).unwrap();
        Self {
            name: key["name"].as_str().unwrap().to_owned(),
            cert: Cert::from_bytes(key["pgp_key"].as_str().unwrap().as_bytes()).unwrap(),
        }
    }

    pub fn fingerprint(&self) -> String {
        self.cert.fingerprint().to_hex().to_lowercase()
    }

    pub fn sign(&self, payload: &[u8], at: Duration, hash: HashAlgorithm) -> String {
        let key = self.cert.primary_key().key().clone().parts_into_secret().unwrap();
        let mut pair: KeyPair = key.into_keypair().unwrap();
        let signature = SignatureBuilder::new(SignatureType::Binary)
            .set_hash_algo(hash)
            .set_signature_creation_time(UNIX_EPOCH + at)
            .unwrap()
            .sign_message(&mut pair, payload)
            .unwrap();
        STANDARD.encode(openpgp::Packet::from(signature).to_vec().unwrap())
    }

    /// Signs a call as it stands.
    pub fn seal<T>(&self, method: &str, at: Duration, request: &mut Request<T>) {
        let timestamp = at.as_secs().to_string();
        request.metadata_mut().insert("x-sidero-timestamp", timestamp.parse().unwrap());
        let payload = payload(method, request);
        let signature = self.sign(payload.as_bytes(), at, HashAlgorithm::SHA256);
        let header = format!("siderov1 {} {} {signature}", self.name, self.fingerprint());
        request.metadata_mut().insert("x-sidero-payload", payload.parse().unwrap());
        request.metadata_mut().insert("x-sidero-signature", header.parse().unwrap());
    }
}

/// What is signed for a call.
pub fn payload<T>(method: &str, request: &Request<T>) -> String {
    let headers: serde_json::Map<String, Value> = COVERED
        .iter()
        .map(|name| {
            let values: Vec<&str> =
                request.metadata().get_all(name.to_lowercase()).iter().map(|v| v.to_str().unwrap()).collect();
            ((*name).to_owned(), if values.is_empty() { Value::Null } else { json!(values) })
        })
        .collect();
    json!({ "headers": headers, "method": method }).to_string()
}
