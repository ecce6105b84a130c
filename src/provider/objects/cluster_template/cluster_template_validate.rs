//! `cluster_template_validate`: checks a cluster template without a server.

use super::cluster_template_render::{refused, release, release_parameter};
use super::document::parse;
use crate::omni::template::{NoFiles, Problems};
use crate::provider::functions::{Pure, text};
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use std::sync::Arc;

pub(super) fn function() -> Pure {
    Pure {
        name: "cluster_template_validate",
        signature: Signature {
            summary: "Validates a cluster template without a server.",
            description: "Validates a cluster template without a server. Returns `true`, or fails with every problem and its line; use `can` in a condition.\n\n\
                          The rules are those of `omnictl cluster template validate` of the newest release, or of `omni_version`. Files that the template names are not read.",
            parameters: vec![Parameter::new("template", Type::String, "The cluster template, in YAML.")],
            variadic: Some(release_parameter()),
            returns: Type::Bool,
        },
        call,
    }
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let release = release(arguments, 1)?;
    let template = parse(text(arguments, 0), None, Arc::new(NoFiles)).map_err(|all| refused(&all))?;
    match template.validate(release) {
        none if none.is_empty() => Ok(true.into()),
        all => Err(refused(&Problems(all))),
    }
}
