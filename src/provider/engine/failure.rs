//! Why a step of an operation failed.

use crate::omni::{Error, ErrorKind, MayConflict};
use crate::provider::errors::Operation;
use crate::tf::diag::{Diagnostic, Diagnostics};

/// Why a step failed: the one error type of all steps.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call failed; the engine words it, with the operation that it was part of.
    Call(Box<Error>),
    /// The step itself says what is wrong.
    Refused(Box<Diagnostic>),
}

impl Failure {
    /// Whether a call failed, and this way.
    pub(crate) fn is(&self, kind: ErrorKind) -> bool {
        matches!(self, Self::Call(error) if error.is(kind))
    }

    /// Whether a call failed, in any way.
    pub(super) fn is_of_call(&self) -> bool {
        matches!(self, Self::Call(_))
    }

    /// The diagnostic of the operation that the step was part of.
    pub(crate) fn explain(self, operation: &Operation<'_>) -> Diagnostic {
        match self {
            Self::Call(error) => operation.explain(&error),
            Self::Refused(diagnostic) => *diagnostic,
        }
    }

    /// The diagnostic of an action that the step was part of: there is no state to look at, and the way on is another invocation.
    pub(super) fn explain_invoked(self, operation: &Operation<'_>) -> Diagnostic {
        match self {
            Self::Call(error) => operation.explain_invoked(&error),
            Self::Refused(diagnostic) => *diagnostic,
        }
    }

    /// The diagnostic of a list that the step was part of: a query applies nothing, and is run again.
    pub(super) fn explain_listed(self, operation: &Operation<'_>) -> Diagnostic {
        match self {
            Self::Call(error) => operation.explain_listed(&error),
            Self::Refused(diagnostic) => *diagnostic,
        }
    }

    /// The same, with a diagnostic for each attribute that Omni refuses.
    pub(super) fn explain_each(self, operation: &Operation<'_>) -> Diagnostics {
        match self {
            Self::Call(error) => operation.explain_each(&error),
            Self::Refused(diagnostic) => (*diagnostic).into(),
        }
    }
}

impl MayConflict for Failure {
    fn is_conflict(&self) -> bool {
        self.is(ErrorKind::Conflict)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(Box::new(error))
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Refused(Box::new(diagnostic))
    }
}
