//! `kubeconfig_parse`: parses the current context of a kubeconfig.

use super::parse as kubeconfig;
use crate::provider::errors::capital;
use crate::provider::functions::{Pure, text};
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};

pub(super) fn function() -> Pure {
    let names = ["context", "host", "namespace", "token", "cluster_ca_certificate", "client_certificate", "client_key"];
    Pure {
        name: "kubeconfig_parse",
        signature: Signature {
            summary: "Parses the current context of a kubeconfig.",
            description: "Parses the current context of a kubeconfig, for the provider blocks of `kubernetes` and `helm`. \
                          The result has `context`, `host`, `namespace`, `token`, `cluster_ca_certificate`, `client_certificate` and `client_key`, \
                          with certificates and keys in PEM; values that the kubeconfig does not contain are null.",
            parameters: vec![Parameter::new("kubeconfig", Type::String, "The kubeconfig, in YAML.")],
            variadic: None,
            returns: Type::object(names.map(|name| (name, Type::String))),
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let access =
        kubeconfig::parse(text(arguments, 0)).map_err(|error| FunctionError::at(0, capital(&error.to_string())))?;
    Ok(Value::object([
        ("context", access.context.into()),
        ("host", access.host.into()),
        ("namespace", access.namespace.into()),
        ("token", access.token.into()),
        ("cluster_ca_certificate", access.ca.into()),
        ("client_certificate", access.client_certificate.into()),
        ("client_key", access.client_key.into()),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_has_every_part_of_its_type() {
        let text = "{current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}], \
                    clusters: [{name: c, cluster: {server: 'https://c'}}], users: [{name: u, user: {token: t}}]}";
        let result = call(&[text.into()]).unwrap();
        assert_eq!((result.get("host").as_str(), result.get("token").as_str()), (Some("https://c"), Some("t")));
        assert!(crate::tf::wire::encode(&result, &function().signature.returns).is_ok());
        assert_eq!(call(&["{}".into()]).unwrap_err().argument(), Some(0));
    }
}
