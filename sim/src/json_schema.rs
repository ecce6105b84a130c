//! Validation of data against a JSON schema, with the messages of Omni: one violation for each location.
//! It knows no objects; schemas come from infrastructure providers and callers.

use boon::{CompileError, Compiler, ErrorKind, Schemas, UrlLoader, ValidationError};
use kit::yaml;
use serde_json::Value;

/// More than this is not a schema.
const MAX_SCHEMA: usize = 1_000_000;
/// The cause when something is not there.
const MISSING: &str = "property is required";
/// The name that a schema without one gets.
const LOCATION: &str = "file:///untitled-schema.json";

/// One place in the data that the schema does not allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violation {
    /// Where in the data, as a JSON pointer.
    pub data_path: String,
    /// Which part of the schema.
    pub schema_path: String,
    /// What is wrong.
    pub cause: String,
    /// What led to it; empty, since only the innermost violations are told.
    pub errors: Vec<Violation>,
}

/// The violations of a schema by data, which is YAML or JSON.
///
/// # Errors
/// When the schema or the data cannot be read.
pub fn check(schema: &str, data: &str) -> Result<Vec<Violation>, String> {
    if schema.len() > MAX_SCHEMA {
        return Err(format!("the schema is too large: {} bytes (max {MAX_SCHEMA})", schema.len()));
    }
    let schema: Value = serde_json::from_str(schema).map_err(|error| unreadable(schema, &error))?;
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(NoLoader));
    compiler.add_resource(LOCATION, schema).map_err(|error| error.to_string())?;
    let mut schemas = Schemas::new();
    let compiled = compiler.compile(LOCATION, &mut schemas).map_err(|error| match error {
        CompileError::LoadUrlError { url, src } => format!("error loading {url}: {src}"),
        error => error.to_string(),
    })?;
    let documents = yaml::parse_documents(data).map_err(|error| format!("failed to read the data: {error}"))?;
    let data = documents.into_iter().next().unwrap_or(Value::Null);
    let mut found = Vec::new();
    if let Err(error) = schemas.validate(&data, compiled) {
        leaves(&error, &mut found);
    }
    Ok(found)
}

/// Several violations as the one text that a failed validation of an object carries.
#[must_use]
pub fn text(violations: &[Violation]) -> String {
    let line = |violation: &Violation| {
        let place = violation.data_path.replace('/', ".").replace("~1", "/").replace("~0", "~");
        let cause = violation.cause.as_str();
        let problem = if cause == MISSING {
            "is required".to_owned()
        } else if let Some(values) = cause.strip_prefix("value must be") {
            format!("must be{values}")
        } else if let Some((got, want)) = cause.strip_prefix("got ").and_then(|types| types.split_once(", want ")) {
            format!("must be of type {want}, but got {got}")
        } else {
            cause.to_owned()
        };
        format!("- config value {place:?}: {problem}")
    };
    violations.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Whether a text is no schema at all.
#[must_use]
pub fn is_broken(schema: &str) -> bool {
    serde_json::from_str::<Value>(schema).is_err()
}

/// Schemas come from strangers, so nothing is fetched for them.
struct NoLoader;

impl UrlLoader for NoLoader {
    fn load(&self, _url: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err("references to other files are not followed".into())
    }
}

/// Go's words for a text that is no JSON.
fn unreadable(text: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return if text.trim().is_empty() { "EOF".into() } else { "unexpected EOF".into() };
    }
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    match line.get(error.column().saturating_sub(1)..).and_then(|rest| rest.chars().next()) {
        Some(c) => format!("invalid character {c:?} looking for beginning of value"),
        None => error.to_string(),
    }
}

fn leaves(error: &ValidationError<'_, '_>, found: &mut Vec<Violation>) {
    if !error.causes.is_empty() {
        error.causes.iter().for_each(|cause| leaves(cause, found));
        return;
    }
    let at = error.instance_location.to_string();
    let violation = |data_path: String, cause: String| Violation {
        data_path,
        schema_path: error.schema_url.to_owned(),
        cause,
        errors: Vec::new(),
    };
    match &error.kind {
        // What is missing has a place of its own.
        ErrorKind::Required { want } => found.extend(want.iter().map(|name| {
            let name = name.replace('~', "~0").replace('/', "~1");
            violation(format!("{at}/{name}"), MISSING.into())
        })),
        kind => found.push(violation(at, cause(kind))),
    }
}

/// The words of the Go validator where they are not those of its Rust sibling.
fn cause(kind: &ErrorKind<'_, '_>) -> String {
    let amount = |what: &str, got: &dyn std::fmt::Display, want: &dyn std::fmt::Display| {
        format!("{what}: got {got}, want {want}")
    };
    match kind {
        ErrorKind::Type { got, want } => {
            let want: Vec<String> = want.iter().map(|t| t.to_string()).collect();
            format!("got {got}, want {}", want.join(" or "))
        }
        ErrorKind::AdditionalProperties { got } => {
            let names: Vec<String> = got.iter().map(|name| format!("'{name}'")).collect();
            format!("additional properties {} not allowed", names.join(", "))
        }
        ErrorKind::MinProperties { got, want } => amount("minProperties", got, want),
        ErrorKind::MaxProperties { got, want } => amount("maxProperties", got, want),
        ErrorKind::MinItems { got, want } => amount("minItems", got, want),
        ErrorKind::MaxItems { got, want } => amount("maxItems", got, want),
        ErrorKind::MinLength { got, want } => amount("minLength", got, want),
        ErrorKind::MaxLength { got, want } => amount("maxLength", got, want),
        ErrorKind::Minimum { got, want } => amount("minimum", got, want),
        ErrorKind::Maximum { got, want } => amount("maximum", got, want),
        ErrorKind::ExclusiveMinimum { got, want } => amount("exclusiveMinimum", got, want),
        ErrorKind::ExclusiveMaximum { got, want } => amount("exclusiveMaximum", got, want),
        ErrorKind::MultipleOf { got, want } => amount("multipleOf", got, want),
        ErrorKind::Pattern { got, want } => format!("'{got}' does not match pattern '{want}'"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{
        "type": "object",
        "required": ["size"],
        "additionalProperties": false,
        "properties": {
            "size": {"type": "integer", "minimum": 1},
            "name": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"},
            "zone": {"enum": ["a", "b"]},
            "disk": {"type": "object", "required": ["a/b"]}
        }
    }"#;

    #[test]
    fn violations() {
        for (data, expected) in [
            ("size: 4\nname: ab\n", &[][..]),
            (r#"{"size": 4}"#, &[]),
            ("name: ab", &[("/size", "", "property is required")]),
            ("size: 0", &[("/size", "/properties/size", "minimum: got 0, want 1")]),
            ("size: many", &[("/size", "/properties/size", "got string, want integer")]),
            ("{size: 1, zone: c}", &[("/zone", "/properties/zone", "value must be one of 'a', 'b'")]),
            ("{size: 1, more: 1}", &[("", "", "additional properties 'more' not allowed")]),
            ("{size: 1, disk: {}}", &[("/disk/a~1b", "/properties/disk", "property is required")]),
            (
                "{size: 1, name: B}",
                &[
                    ("/name", "/properties/name", "minLength: got 1, want 2"),
                    ("/name", "/properties/name", "'B' does not match pattern '^[a-z]+$'"),
                ],
            ),
            ("", &[("", "", "got null, want object")]),
        ] {
            let found = check(SCHEMA, data).unwrap();
            let expected: Vec<Violation> = expected
                .iter()
                .map(|(data_path, schema_path, cause)| Violation {
                    data_path: (*data_path).into(),
                    schema_path: format!("{LOCATION}#{schema_path}"),
                    cause: (*cause).into(),
                    errors: vec![],
                })
                .collect();
            assert_eq!(found, expected, "{data}");
        }
    }

    #[test]
    fn what_cannot_be_read() {
        let large = " ".repeat(MAX_SCHEMA + 1);
        for (schema, data, expected) in [
            ("{", "x", "unexpected EOF"),
            ("", "x", "EOF"),
            ("nope", "x", "invalid character"),
            ("{\"type\": 1}", "x", "file:///untitled-schema.json"),
            ("{\"$ref\": \"file:///etc/hostname\"}", "x", "references to other files are not followed"),
            (large.as_str(), "x", "the schema is too large: 1000001 bytes (max 1000000)"),
            ("{}", "{", "failed to read the data"),
        ] {
            let error = check(schema, data).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn one_text_for_all() {
        for (data, expected) in [
            ("name: ab", "- config value \".size\": is required"),
            ("size: many", "- config value \".size\": must be of type integer, but got string"),
            ("{size: 1, zone: c}", "- config value \".zone\": must be one of 'a', 'b'"),
            (
                "{size: 0, name: a}",
                "- config value \".name\": minLength: got 1, want 2\n- config value \".size\": minimum: got 0, want 1",
            ),
        ] {
            let mut found = check(SCHEMA, data).unwrap();
            found.sort_by(|a, b| a.data_path.cmp(&b.data_path));
            assert_eq!(text(&found), expected, "{data}");
        }
    }
}
