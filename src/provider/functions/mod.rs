//! The list of functions: one line each. They are pure, and know no server.

use crate::tf::function::{Function, FunctionError, Signature};
use crate::tf::value::Value;
use std::sync::Arc;

mod config_patch_id;
mod config_patch_merge;
mod config_patch_validate;
mod duration_normalize;
mod kubeconfig_parse;
mod label_selector_matches;
mod machine_set_id;
mod resource_decode_multi;
mod service_account_key_decode;
mod version_latest;

/// Every function.
pub(super) fn all() -> Vec<Arc<dyn Function>> {
    [
        config_patch_id::function(),
        config_patch_merge::function(),
        config_patch_validate::function(),
        duration_normalize::function(),
        kubeconfig_parse::function(),
        label_selector_matches::function(),
        machine_set_id::function(),
        resource_decode_multi::function(),
        service_account_key_decode::function(),
        version_latest::function(),
    ]
    .into_iter()
    .map(|pure| Arc::new(pure) as Arc<dyn Function>)
    .collect()
}

/// A function that is a name, a signature, and what it does.
struct Pure {
    name: &'static str,
    signature: Signature,
    call: fn(&[Value]) -> Result<Value, FunctionError>,
}

impl Function for Pure {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        (self.call)(arguments)
    }
}

/// The text at this place; empty when the argument is null.
fn text(arguments: &[Value], index: usize) -> &str {
    arguments.get(index).and_then(Value::as_str).unwrap_or_default()
}

/// The texts of the list at this place.
fn texts(arguments: &[Value], index: usize) -> Vec<&str> {
    arguments.get(index).map(Value::elements).unwrap_or_default().iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_complete() {
        for function in all() {
            let signature = function.signature();
            let named = signature.parameters.iter().chain(&signature.variadic);
            for text in [signature.summary, signature.description].into_iter().chain(named.map(|p| p.description)) {
                assert!(text.ends_with('.'), "{}: {text:?}", function.name());
            }
        }
    }
}
