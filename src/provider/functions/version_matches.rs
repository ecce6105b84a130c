//! `version_matches`: whether a version satisfies a constraint.

use super::{Pure, text};
use crate::provider::errors::capital;
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use kit::text::quoted;
use kit::version;
use kit::version::{Constraint, ConstraintError};

pub(super) fn function() -> Pure {
    Pure {
        name: "version_matches",
        signature: Signature {
            summary: "Reports whether a version satisfies a constraint.",
            description: "Reports whether a version satisfies a constraint, for conditions on the version of Talos, Kubernetes or Omni. \
                          The constraint is a version constraint as in Terraform: `>= 1.12, < 1.14`, `~> 1.13.0`, `!= 1.13.2`; empty for all releases. \
                          A pre-release satisfies it only when the constraint names one.",
            parameters: vec![
                Parameter::new("version", Type::String, "The version, with or without a leading `v`."),
                Parameter::new("constraint", Type::String, "Constraint to satisfy."),
            ],
            variadic: None,
            returns: Type::Bool,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let written = text(arguments, 0);
    let version = version::parse(written)
        .map_err(|_| FunctionError::at(0, format!("{} is not a version: write it like `1.13.5`", quoted(written))))?;
    let constraint: Constraint = text(arguments, 1)
        .parse()
        .map_err(|error: ConstraintError| FunctionError::at(1, capital(&error.to_string())))?;
    Ok(constraint.allows(&version).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_held_against_constraints() {
        for (version, constraint, expected) in [
            ("v1.13.5", ">= 1.12, < 1.14", Ok(true)),
            ("1.14.0", ">= 1.12, < 1.14", Ok(false)),
            ("1.14.0-beta.1", ">= 1.12", Ok(false)),
            ("1.14.0-beta.1", ">= 1.14.0-beta.0", Ok(true)),
            ("1.13.5", "", Ok(true)),
            ("1.13", "> 1", Err(Some(0))),
            ("1.13.5", "latest", Err(Some(1))),
        ] {
            let found = call(&[version.into(), constraint.into()]).map_err(|error| error.argument());
            assert_eq!(found, expected.map(Value::from), "{version} {constraint}");
        }
    }
}
