//! What a CLI complains about, read from its machine-readable output.
//! It knows no texts of the provider: tests compare them.

use crate::Outcome;
use crate::process::Output;
use serde_json::Value;

/// One error or warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// `error` or `warning`.
    pub severity: String,
    /// Its first line.
    pub summary: String,
    /// All further lines.
    pub detail: String,
    /// The resource that it is about: `omni_cluster.demo`; empty when it is about none.
    pub address: String,
    /// The line of the configuration that it points at, without spaces around it; empty when it points nowhere.
    pub code: String,
}

impl Diagnostic {
    /// The diagnostics of a command that was run with `-json`.
    pub fn all(output: &Output) -> Outcome<Vec<Self>> {
        // `validate` answers with one document, other commands with one message per line.
        if let Ok(Value::Object(whole)) = serde_json::from_str(&output.stdout)
            && let Some(Value::Array(list)) = whole.get("diagnostics")
        {
            return Ok(list.iter().map(Self::read).collect());
        }
        let mut found = Vec::new();
        for line in output.stdout.lines().filter(|l| !l.trim().is_empty()) {
            let message: Value = serde_json::from_str(line).map_err(|e| format!("{e} in {line:?} of\n{output}"))?;
            if message["type"] == "diagnostic" {
                found.push(Self::read(&message["diagnostic"]));
            }
        }
        Ok(found)
    }

    /// The errors only; warnings such as the one about `dev_overrides` are left out.
    pub fn errors(output: &Output) -> Outcome<Vec<Self>> {
        Ok(Self::all(output)?.into_iter().filter(|d| d.severity == "error").collect())
    }

    /// The only error of a command that has to fail with one.
    ///
    /// # Errors
    /// With the whole output, when there is none, or more than one.
    pub fn only_error(output: &Output) -> Outcome<Self> {
        let mut errors = Self::errors(output)?;
        match (errors.pop(), errors.is_empty()) {
            (Some(error), true) => Ok(error),
            _ => Err(format!("this should have failed with one error: {output}").into()),
        }
    }

    /// The attribute that the code line sets; empty when it sets none.
    pub fn attribute(&self) -> &str {
        match self.code.split_once('=') {
            Some((name, _)) => name.trim().trim_matches('"'),
            None => "",
        }
    }

    /// Compares what it blames, and that its text holds every part.
    #[track_caller]
    pub fn says(&self, address: &str, attribute: &str, parts: &[&str]) {
        let text = self.text();
        assert_eq!((self.address.as_str(), self.attribute()), (address, attribute), "{self:#?}");
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in: {text}");
        }
    }

    /// Summary and detail, with line breaks as spaces, so that a comparison does not depend on them.
    pub fn text(&self) -> String {
        format!("{} {}", self.summary, self.detail).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn read(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            severity: text(&value["severity"]),
            summary: text(&value["summary"]),
            detail: text(&value["detail"]),
            address: text(&value["address"]),
            code: text(&value["snippet"]["code"]).trim().to_owned(),
        }
    }
}
