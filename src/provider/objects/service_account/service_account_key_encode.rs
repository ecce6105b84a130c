//! `service_account_key_encode`: a service account key of a name and an OpenPGP key.

use crate::omni::Error;
use crate::omni::auth::key;
use crate::provider::check::local_part_problem;
use crate::provider::errors::capital;
use crate::provider::functions::{Pure, text};
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use kit::secret::{ExposeSecret, SecretString};

/// What stands in front of the names of accounts of infrastructure providers.
const PROVIDER: &str = "infra-provider:";

pub(super) fn function() -> Pure {
    Pure {
        name: "service_account_key_encode",
        signature: Signature {
            summary: "Encodes a service account key from a name and a private key.",
            description: "Encodes a service account key, in the format of `OMNI_SERVICE_ACCOUNT_KEY`, from the name of the account and the private key \
                          whose public half the account has, such as by `armored_public_key` of an `omni_service_account`. \
                          The result is a secret, and so is the private key: pass it on from an ephemeral value.",
            parameters: vec![
                Parameter::new(
                    "name",
                    Type::String,
                    "Name of the account; `infra-provider:<name>` for that of an infrastructure provider.",
                ),
                Parameter::new(
                    "private_key",
                    Type::String,
                    "OpenPGP private key, ASCII-armored, without a passphrase.",
                ),
            ],
            variadic: None,
            returns: Type::String,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let name = text(arguments, 0);
    if let Some(problem) = local_part_problem(name.strip_prefix(PROVIDER).unwrap_or(name)) {
        return Err(FunctionError::at(0, problem.trim_end_matches('.').to_owned()));
    }
    let key = key::pack(name, &SecretString::from(text(arguments, 1))).map_err(|error| {
        let reason = match error {
            Error::Config { message, .. } => message,
            other => other.to_string(),
        };
        FunctionError::at(1, capital(&reason))
    })?;
    Ok(key.expose_secret().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::auth::generate;
    use base64::Engine;
    use std::time::Duration;

    #[test]
    fn what_is_encoded_is_the_key_that_was_made() {
        let made = generate("ci", Duration::from_secs(86_400), Duration::from_secs(1_790_000_000)).unwrap();
        let exported = made.exported.expose_secret();
        let json = base64::engine::general_purpose::STANDARD.decode(exported).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let private = json["pgp_key"].as_str().unwrap();
        assert_eq!(call(&["ci".into(), private.into()]).unwrap().as_str(), Some(exported));
        for (name, key, at) in
            [("Ci", private, 0), ("", private, 0), ("ci", made.armored_public.as_str(), 1), ("ci", "x", 1)]
        {
            assert_eq!(call(&[name.into(), key.into()]).unwrap_err().argument(), Some(at), "{name}");
        }
    }
}
