//! `config_patch_id`: the ID of a config patch.

use crate::provider::functions::{Pure, name_at};
use crate::provider::naming;
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};

pub(super) fn function() -> Pure {
    Pure {
        name: "config_patch_id",
        signature: Signature {
            summary: "Builds the ID of a config patch.",
            description: "Builds the ID of a config patch: `<weight>-<target>-<name>`, with a weight of three digits. \
                          Use it to import a patch.",
            parameters: vec![
                Parameter::new("weight", Type::Number, "Weight of the patch, from 0 to 999."),
                Parameter::new(
                    "target",
                    Type::String,
                    "Most specific target of the patch: the name of a cluster, or the ID of a machine set or machine.",
                ),
                Parameter::new("name", Type::String, "Name of the patch."),
            ],
            variadic: None,
            returns: Type::String,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let weight = arguments.first().and_then(Value::as_i64).filter(|weight| (0..=999).contains(weight));
    let Some(weight) = weight else {
        return Err(FunctionError::at(0, "The weight must be a whole number from 0 to 999."));
    };
    let (target, name) = (name_at(arguments, 1, "target")?, name_at(arguments, 2, "name")?);
    Ok(naming::config_patch(weight, target, name).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_three_digits() {
        let id = |weight: i64, target: &str, name: &str| call(&[weight.into(), target.into(), name.into()]);
        assert_eq!(id(7, "prod-workers", "x"), Ok("007-prod-workers-x".into()));
        assert_eq!(id(400, "prod", "x"), Ok("400-prod-x".into()));
        for (weight, target, name, at) in [
            (1000, "a", "b", 0),
            (-1, "a", "b", 0),
            (1, "", "b", 1),
            (1, "a", "", 2),
            (1, "a\u{202e}", "b", 1),
            (1, "a", "b\u{7}", 2),
        ] {
            assert_eq!(id(weight, target, name).unwrap_err().argument(), Some(at), "{weight} {target:?} {name:?}");
        }
    }
}
