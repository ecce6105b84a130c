//! Functions: their signatures and calls, both without a configured provider.

use super::Server;
use super::coding::{decode, encode};
use crate::tf::diag::Diagnostics;
use crate::tf::function::{Function, FunctionError, Parameter};
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::{call_function, get_functions};
use std::collections::HashMap;

/// All functions by name.
pub(super) fn all(server: &Server) -> HashMap<String, pb::Function> {
    server.registry().functions().map(|(name, f)| (name.to_owned(), signature(f))).collect()
}

/// GetFunctions: the functions only.
pub(super) fn list(server: &Server) -> Result<get_functions::Response, Diagnostics> {
    Ok(get_functions::Response { functions: all(server), ..Default::default() })
}

/// CallFunction.
pub(super) fn call(server: &Server, request: &call_function::Request) -> Result<call_function::Response, Diagnostics> {
    let function = server.registry().function(&request.name)?;
    Ok(match run(function, request)? {
        Ok(result) => call_function::Response { result: Some(result), error: None },
        Err(error) => call_function::Response { result: None, error: Some(refusal(error)) },
    })
}

fn run(
    function: &dyn Function,
    request: &call_function::Request,
) -> Result<Result<pb::DynamicValue, FunctionError>, Diagnostics> {
    let signature = function.signature();
    let mut arguments = Vec::with_capacity(request.arguments.len());
    for (index, argument) in request.arguments.iter().enumerate() {
        let Some(parameter) = signature.parameter(index) else {
            let most = signature.parameters.len();
            return Ok(Err(FunctionError::at(index, format!("`{}` takes {most} arguments.", request.name))));
        };
        let what = format!("the argument `{}` of `{}`", parameter.name, request.name);
        arguments.push(decode(Some(argument), &parameter.of, &what)?);
    }
    if let Some(missing) = signature.parameters.get(arguments.len()) {
        let text = format!("`{}` needs the argument `{}`.", request.name, missing.name);
        return Ok(Err(FunctionError::new(text)));
    }
    match function.call(&arguments) {
        Ok(result) => Ok(Ok(encode(&result, &signature.returns, &format!("the result of `{}`", request.name))?)),
        Err(error) => Ok(Err(error)),
    }
}

fn refusal(error: FunctionError) -> pb::FunctionError {
    let argument = error.argument().and_then(|index| i64::try_from(index).ok());
    pb::FunctionError { text: error.text().to_owned(), function_argument: argument }
}

fn signature(function: &dyn Function) -> pb::Function {
    let signature = function.signature();
    pb::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.as_ref().map(parameter),
        r#return: Some(pb::function::Return { r#type: super::schema::type_bytes(&signature.returns) }),
        summary: signature.summary.to_owned(),
        description: signature.description.to_owned(),
        description_kind: pb::StringKind::Markdown.into(),
        deprecation_message: String::new(),
    }
}

fn parameter(parameter: &Parameter) -> pb::function::Parameter {
    pb::function::Parameter {
        name: parameter.name.to_owned(),
        r#type: super::schema::type_bytes(&parameter.of),
        allow_null_value: parameter.nullable,
        description: parameter.description.to_owned(),
        description_kind: pb::StringKind::Markdown.into(),
        ..Default::default()
    }
}
