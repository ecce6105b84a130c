//! `version_latest`: the newest version that satisfies a constraint.

use super::{Pure, text, texts};
use crate::provider::errors::capital;
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use kit::text::quoted;
use kit::version;
use kit::version::Constraint;

/// How many versions a message names.
const NAMED: usize = 20;

pub(super) fn function() -> Pure {
    Pure {
        name: "version_latest",
        signature: Signature {
            summary: "Returns the newest version that satisfies a constraint.",
            description: "Returns the newest version that satisfies a constraint, as it is written in a list such as `ids` of `omni_talos_versions`. \
                          The constraint is a version constraint as in Terraform: `>= 1.12, < 1.14`, `~> 1.13.0`, `!= 1.13.2`; empty matches every release. \
                          A pre-release matches only if the constraint names a pre-release.",
            parameters: vec![
                Parameter::new("versions", Type::list(Type::String), "Versions, with or without a leading `v`."),
                Parameter::new("constraint", Type::String, "Constraint that the version must satisfy."),
            ],
            variadic: None,
            returns: Type::String,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let versions = texts(arguments, 0);
    if let Some(bad) = versions.iter().find(|version| version::parse(version).is_err()) {
        return Err(FunctionError::at(0, format!("{} is not a version: write it like `1.13.5`.", quoted(bad))));
    }
    let written = text(arguments, 1);
    let constraint: Constraint =
        written.parse().map_err(|error: version::ConstraintError| FunctionError::at(1, capital(&error.to_string())))?;
    match constraint.latest(versions.iter().copied()) {
        Some(latest) => Ok(latest.into()),
        None if versions.is_empty() => Err(FunctionError::at(0, "There are no versions to choose from.")),
        None => Err(FunctionError::at(1, format!("None of {} satisfies {}.", some(&versions), quoted(written)))),
    }
}

/// The versions that a message can name.
fn some(versions: &[&str]) -> String {
    let named: Vec<_> = versions.iter().take(NAMED).map(|version| quoted(version)).collect();
    let rest = versions.len().saturating_sub(NAMED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latest(versions: &[&str], constraint: &str) -> Result<Value, FunctionError> {
        let versions = versions.iter().map(|version| Value::from(*version)).collect();
        call(&[Value::List(versions), constraint.into()])
    }

    #[test]
    fn the_newest_that_fits_is_picked_as_written() {
        assert_eq!(latest(&["1.9.6", "v1.13.5", "1.12.4"], ">= 1.9"), Ok("v1.13.5".into()));
        for (versions, constraint, at) in
            [(&["1.13.5"][..], "< 1.0", 1), (&["1.13.5"], "latest", 1), (&["1.13"], "> 1", 0), (&[], "> 1", 0)]
        {
            assert_eq!(latest(versions, constraint).unwrap_err().argument(), Some(at), "{versions:?} {constraint}");
        }
    }
}
