//! The names by which people call types, as `omnictl` takes them: `Clusters.omni.sidero.dev`, `Clusters`, `cluster`.

use super::kinds::KINDS;
use crate::omni::state::Kind;
use kit::text::closest;

/// The suffix of almost every type.
pub const SUFFIX: &str = ".omni.sidero.dev";

/// Why a text names no type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// No type has this name; the one that comes closest, without its suffix.
    Unknown(Option<&'static str>),
    /// Several types have this abbreviation; their names without the suffix.
    Ambiguous(Vec<&'static str>),
}

/// The type that a text names. A full name that is not known to this build is a type of the namespace `default`.
///
/// The full name, the name without the suffix, the singular, and the capitals are names, in upper or lower case.
///
/// ```
/// use omni_proto::specs::MachineSetNodeSpec;
/// use terraform_provider_omni::omni::spec::{Spec, names};
///
/// for name in ["MachineSetNodes.omni.sidero.dev", "MachineSetNodes", "machinesetnode", "msn", "msns"] {
///     assert_eq!(names::resolve(name), Ok(MachineSetNodeSpec::KIND), "{name}");
/// }
/// assert_eq!(names::resolve("MachinSets"), Err(names::NameError::Unknown(Some("MachineSets"))));
/// ```
///
/// # Errors
/// When no type has the name, or several have it.
pub fn resolve(text: &str) -> Result<Kind, NameError> {
    let wanted = text.to_lowercase();
    if let Some(kind) = KINDS.iter().find(|kind| kind.name.to_lowercase() == wanted) {
        return Ok(*kind);
    }
    let by =
        |is: &dyn Fn(&str) -> bool| -> Vec<Kind> { KINDS.iter().copied().filter(|kind| is(parts(*kind).0)).collect() };
    // A name may have the beginning of the suffix.
    let (name, domain) = wanted.split_once('.').unwrap_or((&wanted, ""));
    let of_domain = |kind: &Kind| {
        let all = parts(*kind).1;
        domain.is_empty() || all == domain || all.strip_prefix(domain).is_some_and(|rest| rest.starts_with('.'))
    };
    let spelled = |known: &str| known.to_lowercase() == name || singular(known).to_lowercase() == name;
    let mut found = by(&spelled);
    if found.is_empty() {
        found = by(&|known| {
            let capitals = capitals(known);
            capitals.len() > 1 && (capitals == name || format!("{capitals}s") == name)
        });
    }
    found.retain(of_domain);
    match found.as_slice() {
        [kind] => Ok(*kind),
        [] if text.split_once('.').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty()) => {
            Ok(Kind::named("default", text))
        }
        [] => {
            let known: Vec<_> = KINDS.iter().map(|kind| short(*kind)).collect();
            Err(NameError::Unknown(closest(text, &known)))
        }
        several => Err(NameError::Ambiguous(several.iter().map(|kind| short(*kind)).collect())),
    }
}

/// The name of a type without its usual suffix.
#[must_use]
pub fn short(kind: Kind) -> &'static str {
    kind.name.strip_suffix(SUFFIX).unwrap_or(kind.name)
}

/// One of what the type stands for: `ClusterTaint`.
#[must_use]
pub fn singular_of(kind: Kind) -> String {
    singular(parts(kind).0)
}

fn parts(kind: Kind) -> (&'static str, &'static str) {
    kind.name.split_once('.').unwrap_or((kind.name, ""))
}

fn capitals(name: &str) -> String {
    name.chars().filter(char::is_ascii_uppercase).flat_map(char::to_lowercase).collect()
}

/// One of what a name in the plural stands for.
fn singular(name: &str) -> String {
    if let Some(start) = name.strip_suffix("ies") {
        return format!("{start}y");
    }
    let is_long = ["uses", "ches", "sses", "xes"].iter().any(|end| name.ends_with(end));
    let short = if is_long { name.strip_suffix("es") } else { name.strip_suffix('s') };
    short.unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_type() {
        for (text, name) in [
            ("Clusters", "Clusters.omni.sidero.dev"),
            ("cluster", "Clusters.omni.sidero.dev"),
            ("CLUSTERS.OMNI", "Clusters.omni.sidero.dev"),
            ("clusters.omni.sidero", "Clusters.omni.sidero.dev"),
            ("clusterstatus", "ClusterStatuses.omni.sidero.dev"),
            ("configpatch", "ConfigPatches.omni.sidero.dev"),
            ("accesspolicy", "AccessPolicies.omni.sidero.dev"),
            ("machineclass", "MachineClasses.omni.sidero.dev"),
            ("samllabelrule", "SAMLLabelRules.omni.sidero.dev"),
            ("sysversion", "SysVersions.system.sidero.dev"),
            ("kernelargs", "KernelArgs.omni.sidero.dev"),
            ("msn", "MachineSetNodes.omni.sidero.dev"),
            // A type that this build does not know.
            ("Things.example.org", "Things.example.org"),
        ] {
            assert_eq!(resolve(text).map(|kind| kind.name), Ok(name), "{text}");
        }
        for kind in KINDS {
            assert_eq!(resolve(kind.name), Ok(*kind));
            assert_eq!(resolve(short(*kind)), Ok(*kind));
        }
    }

    #[test]
    fn what_names_no_type_or_several() {
        assert_eq!(resolve("clustr"), Err(NameError::Unknown(Some("Clusters"))));
        assert_eq!(resolve("nothing at all"), Err(NameError::Unknown(None)));
        assert_eq!(resolve(""), Err(NameError::Unknown(None)));
        assert_eq!(resolve(".x"), Err(NameError::Unknown(None)));
        let Err(NameError::Ambiguous(several)) = resolve("ms") else { panic!("`ms` stands for several types") };
        assert!(several.contains(&"MachineSets") && several.contains(&"MachineStatuses"), "{several:?}");
    }
}
