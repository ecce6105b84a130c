//! Service account tokens for Kubernetes: JSON web tokens, signed with the RSA key of the server.

use super::kinds;
use super::store::Store;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omni_proto::specs::JwtPublicKeySpec;
use prost::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};

/// The type of the objects that hold public keys.
const PUBLIC_KEY: &str = "JWTPublicKeys.system.sidero.dev";

/// The secret that holds the key.
const KEY: &str = "token-key";

/// No token could be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    /// The key cannot be made, kept or read.
    #[error("cannot set up the key that signs tokens")]
    Key,
    /// The key does not sign.
    #[error("cannot sign a token")]
    Sign,
}

/// Signs tokens; its key is made when it is first needed, and kept with the server's state.
#[derive(Clone)]
pub(super) struct Signer {
    store: Store,
    key: Arc<Mutex<Option<Arc<KeyPair>>>>,
}

impl Signer {
    /// A signer that keeps its key in the store.
    pub(super) fn new(store: Store) -> Self {
        Self { store, key: Arc::default() }
    }

    /// A token with these claims.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, TokenError> {
        let key = self.key()?;
        let header = json!({ "alg": "RS256", "kid": key_id(&key), "typ": "JWT" });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| TokenError::Sign)?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn key(&self) -> Result<Arc<KeyPair>, TokenError> {
        let mut known = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*known {
            return Ok(key.clone());
        }
        let key = match self.store.secret(KEY) {
            Some(der) => KeyPair::from_pkcs8(&der).map_err(|_| TokenError::Key)?,
            None => {
                let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| TokenError::Key)?;
                let der: Pkcs8V1Der<'_> = key.as_der().map_err(|_| TokenError::Key)?;
                self.store.keep_secret(KEY, der.as_ref().to_vec());
                key
            }
        };
        let key = Arc::new(key);
        // Whoever checks tokens finds the public half among the objects.
        self.store.put("", &kinds::key(PUBLIC_KEY, key_id(&key)), |object| {
            let public_key = key.public_key().as_ref().to_vec();
            object.spec = JwtPublicKeySpec { public_key, expiration: None }.encode_to_vec();
        });
        *known = Some(key.clone());
        Ok(key)
    }
}

fn key_id(key: &KeyPair) -> String {
    let digest = Sha256::digest(key.public_key().as_ref());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use kit::clock::TestClock;

    #[test]
    fn signatures_hold_and_keys_stay() {
        let store = Store::new(Arc::new(TestClock::at(0)));
        let signer = Signer::new(store.clone());
        let token = signer.sign(&json!({ "sub": "probe" })).unwrap();
        let (text, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        // A second signer over the same store has the same key.
        let key = Signer::new(store).key().unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        public.verify(text.as_bytes(), &signature).unwrap();
        let header = URL_SAFE_NO_PAD.decode(text.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("RS256"), Some("JWT")));
        assert_eq!(header["kid"], key_id(&key));
    }
}
