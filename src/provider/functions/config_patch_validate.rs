//! `config_patch_validate`: whether Omni could take a config patch, as far as that shows without a server.

use super::{Pure, text};
use crate::provider::patch;
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};

pub(super) fn function() -> Pure {
    Pure {
        name: "config_patch_validate",
        signature: Signature {
            summary: "Checks a config patch without a server.",
            description: "Checks a config patch without a server: that it is YAML, a strategic merge patch, and leaves alone what Omni controls itself. \
                          The result is true, or an error that says what is wrong; wrap the call in `can` for a condition. \
                          Whether the fields are those of Talos is checked by Omni, when `omni_config_patch` is planned.",
            parameters: vec![Parameter::new("patch", Type::String, "The patch, in YAML.")],
            variadic: None,
            returns: Type::Bool,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    match patch::check(text(arguments, 0)) {
        Ok(()) => Ok(true.into()),
        Err(error) => Err(FunctionError::at(0, format!("Omni would refuse this patch: {error}."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_patch_is_blamed_on_the_argument() {
        assert_eq!(call(&["machine: {}".into()]), Ok(true.into()));
        let error = call(&["machine: {token: x}".into()]).unwrap_err();
        assert_eq!((error.argument, error.text.contains("`machine.token`")), (Some(0), true), "{}", error.text);
    }
}
