//! `cluster_template_render`: the objects of a cluster template, without a server.

use super::document::{parse, variables};
use crate::omni::template::{self, NoFiles, Problems, Release};
use crate::provider::functions::{Pure, text};
use crate::tf::function::{FunctionError, Parameter, Signature};
use crate::tf::value::{Type, Value};
use kit::text::quoted;
use kit::version;
use std::sync::Arc;

pub(super) fn function() -> Pure {
    Pure {
        name: "cluster_template_render",
        signature: Signature {
            summary: "Renders a cluster template without a server.",
            description: "Renders a cluster template without a server: returns the objects that it describes in YAML, as `omnictl cluster template render` prints them, without times.\n\n\
                          Files that the template names are not read: use `inline`, for example with `templatefile`.",
            parameters: vec![
                Parameter::new("template", Type::String, "The cluster template, in YAML."),
                Parameter::new(
                    "variables",
                    Type::map(Type::String),
                    "Values of the placeholders `{{name}}`. With null, the template has no placeholders.",
                )
                .nullable(),
            ],
            variadic: Some(release_parameter()),
            returns: Type::String,
        },
        call,
    }
}

/// The parameter for the release whose rules apply.
pub(super) fn release_parameter() -> Parameter {
    Parameter::new(
        "omni_version",
        Type::String,
        "Release of Omni whose rules apply, such as `1.10` or `version` of the data source `omni_version`. At most one value; the newest release if omitted or null.",
    )
    .nullable()
}

/// The release of the arguments from `first` on.
pub(super) fn release(arguments: &[Value], first: usize) -> Result<Release, FunctionError> {
    if arguments.len() > first + 1 {
        return Err(FunctionError::at(
            first + 1,
            "Only one release of Omni can be set. Call the function once for each.",
        ));
    }
    let written = text(arguments, first);
    if written.is_empty() {
        return Ok(Release::NEWEST);
    }
    let plain = version::strip_v(written);
    Release::of(plain).or_else(|| Release::of(&format!("{plain}.0"))).ok_or_else(|| {
        let shown = quoted(written);
        FunctionError::at(first, format!("{shown} is not a version of Omni: write it like `1.10` or `v1.10.4`"))
    })
}

/// The problems of a template as the error of its argument.
pub(super) fn refused(problems: &Problems) -> FunctionError {
    let verdict = if problems.0.iter().all(|problem| problem.is_limit) { "cannot be read" } else { "is not valid" };
    FunctionError::at(0, format!("The template {verdict}: {}", problems.to_string().trim_end_matches('.')))
}

fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
    let release = release(arguments, 2)?;
    let values = arguments.get(1).and_then(variables);
    let template = parse(text(arguments, 0), values.as_ref(), Arc::new(NoFiles)).map_err(|all| refused(&all))?;
    let objects = template.render(release).map_err(|all| refused(&all))?;
    Ok(template::print(&objects, release).into())
}
