//! What the server asks of a function: pure, without configuration, called by hosts wherever an expression may stand.

use super::value::{Type, Value};

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

/// Why a call has no result; hosts show it at the argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// What is wrong, and what to do about it, in sentences.
    pub text: String,
    /// The argument to blame, counted from 0.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// Blames an argument, counted from 0.
    pub fn at(argument: usize, text: impl Into<String>) -> Self {
        Self { text: text.into(), argument: Some(argument) }
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
