//! What the server asks of a function: pure, without configuration, called by hosts wherever an expression may stand.

use super::value::{Type, Value};
use kit::text::printable;

/// One parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name, in messages and docs.
    pub name: &'static str,
    /// The type that arguments are converted to.
    pub of: Type,
    /// Whether the argument may be null; otherwise hosts refuse null before they call.
    pub nullable: bool,
    /// Documentation, in Markdown; ends with a full stop.
    pub description: &'static str,
}

impl Parameter {
    /// A parameter that takes no null.
    #[must_use]
    pub fn new(name: &'static str, of: Type, description: &'static str) -> Self {
        Self { name, of, nullable: false, description }
    }

    /// The argument may be null.
    #[must_use]
    pub fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }
}

/// What a function takes and gives.
#[derive(Clone, Debug)]
pub struct Signature {
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Documentation, in Markdown.
    pub description: &'static str,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    /// The parameter that takes all further arguments.
    pub variadic: Option<Parameter>,
    /// The type of its result.
    pub returns: Type,
}

impl Signature {
    /// The parameter that takes the argument at this place, counted from 0.
    #[must_use]
    pub fn parameter(&self, index: usize) -> Option<&Parameter> {
        self.parameters.get(index).or(self.variadic.as_ref())
    }
}

/// Why a call has no result; hosts show it at the argument, and put a full stop behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    text: String,
    argument: Option<usize>,
}

impl FunctionError {
    /// Blames the whole call.
    ///
    /// The text says what is wrong, and what to do about it, in sentences;
    /// the last full stop is left to the host, and what is longer than a message is cut.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.truncate(text.trim_end_matches(|c: char| c == '.' || c.is_whitespace()).len());
        Self { text: printable(text), argument: None }
    }

    /// Blames an argument, counted from 0.
    pub fn at(argument: usize, text: impl Into<String>) -> Self {
        Self { argument: Some(argument), ..Self::new(text) }
    }

    /// What is wrong, without the last full stop.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The argument to blame, counted from 0.
    #[must_use]
    pub fn argument(&self) -> Option<usize> {
        self.argument
    }
}

/// A function.
pub trait Function: Send + Sync {
    /// Its name, without the provider's: `machine_set_id`.
    fn name(&self) -> &'static str;

    /// What it takes and gives.
    fn signature(&self) -> &Signature;

    /// Its result; the arguments are wholly known, and null only where the parameter allows it.
    ///
    /// # Errors
    /// When the arguments make no sense.
    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_full_stop_is_left_to_the_host() {
        for (text, expected) in [
            ("It is wrong.", "It is wrong"),
            ("It is wrong", "It is wrong"),
            ("It is wrong.. ", "It is wrong"),
            ("Is it? Use `a`.\n", "Is it? Use `a`"),
        ] {
            assert_eq!(FunctionError::new(text).text(), expected);
        }
        assert!(FunctionError::at(0, "x".repeat(1 << 20)).text().len() <= kit::text::ERROR_LIMIT);
    }
}
