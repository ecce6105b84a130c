//! From a failed call to Omni to what the person at the terminal reads.
//! This is the only place that words such errors; what to do follows the class, never the text.

use crate::omni::{Class, Error};
use crate::tf::diag::{Diagnostic, sentence};
use crate::tf::path::Path;

/// What was being done when a call failed.
#[derive(Clone, Debug)]
pub(crate) struct Doing<'a> {
    /// The verb: `create`.
    pub(crate) verb: &'a str,
    /// The kind of object, in words: `cluster`.
    pub(crate) noun: &'a str,
    /// The id of the object.
    pub(crate) id: &'a str,
    /// The attribute that names the object.
    pub(crate) id_attribute: &'a str,
}

impl Doing<'_> {
    /// The line that says what failed.
    pub(crate) fn summary(&self) -> String {
        if self.id.is_empty() {
            return format!("Could not {} {}", self.verb, self.noun);
        }
        format!("Could not {} {} `{}`", self.verb, self.noun, self.id)
    }

    /// The object in words.
    pub(crate) fn what(&self) -> String {
        format!("{} `{}`", self.noun, self.id)
    }

    /// What to read when `error` ended it.
    pub(crate) fn explain(&self, error: &Error) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.summary(), detail(error));
        let diagnostic = match hint(error) {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        };
        match error.class() {
            Class::NotFound | Class::AlreadyExists | Class::OwnerConflict | Class::PhaseConflict
                if !self.id_attribute.is_empty() =>
            {
                diagnostic.at(Path::of(self.id_attribute))
            }
            _ => diagnostic,
        }
    }
}

/// Why the call failed, in sentences.
pub(crate) fn detail(error: &Error) -> String {
    match error {
        Error::Status { class: Class::Validation, problems, .. } if !problems.is_empty() => {
            let list = problems.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n");
            format!("Omni refused the content:\n{list}")
        }
        Error::Status { class: Class::Denied, problems, message, .. } => {
            let said = problems.first().unwrap_or(message);
            format!("Omni denied access.\nIt said: {}", sentence(said))
        }
        Error::Status { problems, .. } if !problems.is_empty() => {
            let list = problems.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n");
            format!("Omni answered:\n{list}")
        }
        Error::Unauthenticated { reason } => {
            let base = "Omni did not accept the signature of the request; it never says why.";
            match reason {
                Some(reason) => format!("{base}\n{}", sentence(reason)),
                None => base.to_owned(),
            }
        }
        _ => crate::tf::diag::chain(error),
    }
}

/// What to do about it.
pub(crate) fn hint(error: &Error) -> Option<String> {
    let text = match error.class() {
        Class::NotFound => {
            "Check the name. If the object was removed by somebody else, the next plan proposes to make it again."
        }
        Class::AlreadyExists => {
            "Import the object, choose another name, or set `adopt_existing = true` in the provider block."
        }
        Class::Conflict => "Somebody else is writing to the object at the same time. Plan again and apply.",
        Class::OwnerConflict => {
            "The object belongs to one of Omni's controllers and cannot be changed from outside. Take it out of the configuration."
        }
        Class::PhaseConflict => "The object is being destroyed. Wait until it is gone, then apply again.",
        Class::Finalizers => {
            "Omni is still cleaning up after the object. Apply again in a while; if it stays, look at the machines of the cluster in Omni."
        }
        Class::Validation => "Correct the configuration and plan again.",
        Class::Denied => {
            "The service account's role is too low for this operation. Use an account with a higher role, or have an access policy grant it."
        }
        Class::Unauthenticated => {
            "Check that the service account still exists, that its key has not expired or been renewed since, that the key belongs to this instance, and that the clock of this machine is right."
        }
        Class::Unavailable => {
            "Check `endpoint`, the network and any proxy between here and Omni, then apply again. What was already done is in the state."
        }
        Class::Unimplemented => {
            "The server is older than this feature. Upgrade Omni, or take the attribute out of the configuration."
        }
        Class::LicenceGate => "Accept the licence of the Omni instance in its web interface first.",
        Class::Timeout => {
            "Raise the limit in `timeouts`, or look at the object in Omni for what holds it up. What is there is in the state; apply again to go on."
        }
        Class::Cancelled => "Apply again to go on; what is there is in the state.",
        Class::Config => return None,
        Class::Other => "If this repeats, please report it with the output of `TF_LOG=debug`.",
    };
    Some(text.to_owned())
}
