//! The result of an operation that succeeded: a value, warnings, and possibly a deferral.

use super::diag::Diagnostics;
use omni_proto::tfplugin6::{Deferred, deferred::Reason};

/// Why a result is deferred: the host finishes this run without it and asks again in the next one.
/// Only allowed where the host says so, see [`Context::deferral_allowed`](super::resource::Context::deferral_allowed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferral {
    /// The configuration of the object has unknown values.
    ConfigUnknown,
    /// The configuration of the provider has unknown values.
    ProviderConfigUnknown,
    /// An object that this one depends on does not exist yet.
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

/// The value of an operation that succeeded, with its warnings and its deferral.
/// An operation that fails returns [`Diagnostics`] instead; warnings alone are never a failure.
///
/// ```
/// use terraform_provider_omni::tf::diag::Diagnostic;
/// use terraform_provider_omni::tf::done::{Deferral, Done};
///
/// let plain: Done<u32> = 7.into();
/// assert!(plain.warnings.is_empty() && plain.deferral.is_none());
///
/// let warned = Done::from(7).warn(Diagnostic::warning("Seven is odd", "It cannot be halved."));
/// assert_eq!((warned.value, warned.warnings.iter().count()), (7, 1));
///
/// let deferred = Done::from(7).defer(Deferral::AbsentPrerequisite);
/// assert_eq!(deferred.deferral, Some(Deferral::AbsentPrerequisite));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done<T> {
    /// The result.
    pub value: T,
    /// Warnings; errors do not belong here.
    pub warnings: Diagnostics,
    /// Set when the value is preliminary.
    pub deferral: Option<Deferral>,
}

impl<T> From<T> for Done<T> {
    fn from(value: T) -> Self {
        Self { value, warnings: Diagnostics::new(), deferral: None }
    }
}

impl<T> Done<T> {
    /// Adds warnings.
    #[must_use]
    pub fn warn(mut self, warnings: impl Into<Diagnostics>) -> Self {
        self.warnings.extend(warnings.into());
        self
    }

    /// Marks the value as preliminary.
    #[must_use]
    pub fn defer(mut self, deferral: Deferral) -> Self {
        self.deferral = Some(deferral);
        self
    }
}
