//! What an operation comes to when it succeeds: a value, warnings, and perhaps a deferral.

use super::diag::Diagnostics;
use omni_proto::tfplugin6::{Deferred, deferred::Reason};

/// Why the host is asked to come back later; only hosts that allow it are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferral {
    /// The configuration of the object holds values that are not known yet.
    ConfigUnknown,
    /// The configuration of the provider does.
    ProviderConfigUnknown,
    /// Something that the object needs does not exist yet.
    AbsentPrerequisite,
}

impl Deferral {
    /// The deferral on the wire.
    #[must_use]
    pub fn to_proto(self) -> Deferred {
        let reason = match self {
            Self::ConfigUnknown => Reason::ResourceConfigUnknown,
            Self::ProviderConfigUnknown => Reason::ProviderConfigUnknown,
            Self::AbsentPrerequisite => Reason::AbsentPrereq,
        };
        Deferred { reason: reason.into() }
    }
}

/// A value, with what there is to say about it.
///
/// ```
/// use terraform_provider_omni::tf::diag::Diagnostic;
/// use terraform_provider_omni::tf::done::Done;
///
/// let plain: Done<u32> = 7.into();
/// assert!(plain.warnings.is_empty());
///
/// let warned = Done::from(7).warn(Diagnostic::warning("Seven is odd", "It cannot be halved."));
/// assert_eq!((warned.value, warned.warnings.iter().count()), (7, 1));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done<T> {
    /// The result.
    pub value: T,
    /// Problems that do not make the operation fail.
    pub warnings: Diagnostics,
    /// Set when the result is only what could be said so far.
    pub deferral: Option<Deferral>,
}

impl<T> From<T> for Done<T> {
    fn from(value: T) -> Self {
        Self { value, warnings: Diagnostics::new(), deferral: None }
    }
}

impl<T> Done<T> {
    /// The same with more warnings.
    #[must_use]
    pub fn warn(mut self, warnings: impl Into<Diagnostics>) -> Self {
        self.warnings.extend(warnings.into());
        self
    }

    /// The same, to be asked for again later.
    #[must_use]
    pub fn defer(mut self, deferral: Deferral) -> Self {
        self.deferral = Some(deferral);
        self
    }
}
