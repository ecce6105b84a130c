//! `service_account_key_decode`: decodes a service account key.

use crate::omni::Error;
use crate::omni::auth::{date, generate, key};
use crate::provider::errors::capital;
use crate::provider::functions::{Pure, text};
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use kit::secret::SecretString;

pub(super) fn function() -> Pure {
    Pure {
        name: "service_account_key_decode",
        signature: Signature {
            summary: "Decodes a service account key, without its private key.",
            description: "Decodes a service account key: the account and the ID of the key. \
                          The result does not contain the private key. The function does not check whether the key is still valid.\n\n\
                          The result has `name` and `identity` of the account, `public_key_id` (the fingerprint), and `expiration` (RFC 3339; null if the key does not expire).",
            parameters: vec![Parameter::new(
                "key",
                Type::String,
                "Service account key, in the format of `OMNI_SERVICE_ACCOUNT_KEY`: one line of base64.",
            )],
            variadic: None,
            returns: Type::object([
                ("name", Type::String),
                ("identity", Type::String),
                ("public_key_id", Type::String),
                ("expiration", Type::String),
            ]),
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let facts = key::inspect(&SecretString::from(text(arguments, 0))).map_err(|error| {
        let reason = match error {
            Error::Config { message, .. } => message,
            other => other.to_string(),
        };
        FunctionError::at(0, capital(&reason))
    })?;
    Ok(Value::object([
        ("identity", generate::identity(&facts.name).into()),
        ("name", facts.name.into()),
        ("public_key_id", facts.fingerprint.into()),
        ("expiration", facts.expires.map(date).into()),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::secret::ExposeSecret;
    use std::time::Duration;

    #[test]
    fn a_key_says_whose_it_is_and_when_it_ends() {
        let made = Duration::from_secs(1_790_000_000);
        let made = generate("infra-provider:aws", Duration::from_secs(86_400), made).unwrap();
        let result = call(&[made.exported.expose_secret().into()]).unwrap();
        assert_eq!(result.get("name").as_str(), Some("infra-provider:aws"));
        assert_eq!(result.get("identity").as_str(), Some("aws@infra-provider.serviceaccount.omni.sidero.dev"));
        assert_eq!(result.get("public_key_id").as_str(), Some(made.fingerprint.as_str()));
        assert_eq!(result.get("expiration").as_str(), Some("2026-09-22T14:13:20Z"));
    }

    #[test]
    fn what_is_no_key_is_explained_and_not_quoted() {
        let error = call(&["c2VjcmV0LXRleHQ=".into()]).unwrap_err();
        assert_eq!(error.argument(), Some(0));
        assert!(
            error.text().contains("does not contain JSON") && !error.text().contains("secret-text"),
            "{}",
            error.text()
        );
    }
}
