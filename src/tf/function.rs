//! The trait of provider-defined functions: pure, without configuration, called wherever an expression is allowed.

use super::value::{Type, Value};
use kit::text::printable;

/// A positional parameter of a function.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The name in messages and docs; calls are positional.
    pub name: &'static str,
    /// The type to which hosts convert the argument.
    pub of: Type,
    /// Whether null is allowed; otherwise hosts refuse it before the call.
    pub nullable: bool,
    /// Documentation, in Markdown; ends with a full stop.
    pub description: &'static str,
}

impl Parameter {
    /// A parameter for which null is refused.
    #[must_use]
    pub fn new(name: &'static str, of: Type, description: &'static str) -> Self {
        Self { name, of, nullable: false, description }
    }

    /// Allows null.
    #[must_use]
    pub fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }
}

/// The parameters and the result of a function.
#[derive(Clone, Debug)]
pub struct Signature {
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Documentation, in Markdown.
    pub description: &'static str,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    /// The parameter of all further arguments.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub returns: Type,
}

impl Signature {
    /// The parameter of the argument with this index, counted from 0.
    #[must_use]
    pub fn parameter(&self, index: usize) -> Option<&Parameter> {
        self.parameters.get(index).or(self.variadic.as_ref())
    }
}

/// Why a call has no result. Hosts point at the argument, and add a full stop.
///
/// ```
/// use terraform_provider_omni::tf::function::FunctionError;
///
/// let error = FunctionError::at(0, "`v1` is not a version. Write it like `1.13.0`.");
/// assert_eq!(error.text(), "`v1` is not a version. Write it like `1.13.0`");
/// assert_eq!(error.argument(), Some(0));
/// assert_eq!(FunctionError::new("Both are empty.").argument(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    text: String,
    argument: Option<usize>,
}

impl FunctionError {
    /// An error of the whole call.
    ///
    /// The text says what is wrong and what to do, in sentences.
    /// Its last full stop is removed, since hosts add one, and it is cut at the length of a message.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.truncate(text.trim_end_matches(|c: char| c == '.' || c.is_whitespace()).len());
        Self { text: printable(text), argument: None }
    }

    /// An error of one argument, counted from 0.
    pub fn at(argument: usize, text: impl Into<String>) -> Self {
        Self { argument: Some(argument), ..Self::new(text) }
    }

    /// The text without its last full stop.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The argument, counted from 0; `None` for the whole call.
    #[must_use]
    pub fn argument(&self) -> Option<usize> {
        self.argument
    }
}

/// A provider-defined function. Hosts call it at any time, without configuring the provider.
///
/// ```
/// use terraform_provider_omni::tf::function::{Function, FunctionError, Parameter, Signature};
/// use terraform_provider_omni::tf::value::{Type, Value};
///
/// struct Half(Signature);
///
/// impl Function for Half {
///     fn name(&self) -> &'static str {
///         "half"
///     }
///
///     fn signature(&self) -> &Signature {
///         &self.0
///     }
///
///     fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
///         match arguments.first().and_then(Value::as_i64) {
///             Some(n) if n % 2 == 0 => Ok((n / 2).into()),
///             _ => Err(FunctionError::at(0, "The number is odd. Pass an even one.")),
///         }
///     }
/// }
///
/// let half = Half(Signature {
///     summary: "Half of a number",
///     description: "Returns half of an even number.",
///     parameters: vec![Parameter::new("number", Type::Number, "An even number.")],
///     variadic: None,
///     returns: Type::Number,
/// });
/// assert_eq!(half.call(&[8.into()]).unwrap(), 4.into());
/// assert_eq!(half.call(&[7.into()]).unwrap_err().argument(), Some(0));
/// ```
pub trait Function: Send + Sync {
    /// The name without the provider's prefix: `machine_set_id`.
    fn name(&self) -> &'static str;

    /// The parameters and the result.
    fn signature(&self) -> &Signature;

    /// Returns the result. The arguments are wholly known, and null only where the parameter allows it.
    ///
    /// # Errors
    /// When an argument is invalid.
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
