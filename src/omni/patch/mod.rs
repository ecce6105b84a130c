//! Config patches as Talos and Omni interpret them: comparison, fields that Omni controls, and merging.
//! The rules are those of strategic merge patches of Talos, and of the validation of config patches by Omni.

mod fields;
mod merge;
mod omni;
mod read;
mod values;

pub(crate) use omni::{Release, check};

use crate::omni::MAX_REQUEST;
use kit::text::quoted;
use kit::yaml;
use kit::yaml::{Budget, Node, Reading, Scalar};
use sha2::{Digest, Sha256};

/// Why a patch, or several together, make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatchError {
    #[error("the patch is not valid YAML: {0}")]
    NotYaml(yaml::YamlError),
    #[error("the patch is nested too deeply for the provider: {0}")]
    TooDeep(yaml::YamlError),
    #[error(
        "the patch is too large: it has {} bytes, and Omni accepts requests of at most {} (32 MiB), including everything else in the request; split it into several patches",
        .0, MAX_REQUEST
    )]
    TooLong(usize),
    #[error(
        "the patch is too large: it has {}, and its values need more memory than the {} that the provider gives them ({cause}); {}",
        size(*.length), size(yaml::MEMORY), shorten(.cause)
    )]
    TooMuch { length: usize, cause: yaml::YamlError },
    #[error(
        "the patch is a JSON patch (RFC 6902); Omni accepts strategic merge patches only, so write the fields as in the machine configuration"
    )]
    JsonPatch,
    #[error("document {0} of the patch is not a mapping")]
    NotMapping(usize),
    #[error("the patch is empty (Omni answers `config not found`); set at least one field, or remove the patch")]
    Nothing,
    #[error("a document has the kind {} and no apiVersion; add `apiVersion: v1alpha1`", quoted(.0))]
    NoVersion(String),
    #[error("the kind {} has the apiVersion {}; Talos knows it as `v1alpha1`", quoted(.0), quoted(.1))]
    WrongVersion(String, String),
    #[error("a document that begins with {} has no kind, and is no machine configuration, which begins with `machine` or `cluster`", quoted(.0))]
    NoKind(String),
    #[error("a patch has two documents for {0}; merge them")]
    Duplicate(String),
    #[error("at {}, `$patch` has another value than `delete`, the only one that Talos supports", quoted(.0))]
    UnknownDirective(String),
    #[error(
        "the machine configuration as a whole cannot be deleted; delete its fields, or set apiVersion and kind of another document"
    )]
    DeletesRoot,
    #[error("{} is inside an element of a list, where nothing can be deleted; delete the whole element and set it again", quoted(.0))]
    InsideElement(String),
    #[error("an element of {} to delete has no field that identifies it; add one next to `$patch`", quoted(.0))]
    NoElementKey(String),
    #[error("an element of {} cannot be found by {} to be deleted; Talos identifies elements by fields with a string", quoted(.0), quoted(.1))]
    NeverFound(String, String),
    #[error("Omni controls {} itself, so a patch must not set {}", list(.0), if .0.len() == 1 { "it" } else { "them" })]
    Controlled(Vec<String>),
    #[error(
        "{0} is set by one patch and deleted by a later one. No single patch can do both: `$patch: delete` fails on a configuration without it, and otherwise an existing one would remain. Remove it from the earlier patch, or use separate `omni_config_patch` resources"
    )]
    SetAndDeleted(String),
    #[error(
        "{place} is deleted by one patch, and an earlier one sets something else in `{parent}`. No single patch can do both: `$patch: delete` fails on a configuration without `{parent}`. Use separate `omni_config_patch` resources"
    )]
    ParentSet { place: String, parent: String },
    #[error(
        "{0} is deleted by one patch and set by a later one. A patch can do both only in the machine configuration, because it must not contain two documents of another kind. Use separate `omni_config_patch` resources"
    )]
    DeletedAndSet(String),
    #[error(
        "{0} is deleted by one patch and again by a later one; Talos fails if it does not exist, so remove one of the two deletions"
    )]
    NothingToDelete(String),
    #[error("{} is a list, a map or a scalar in one patch, and has another type in a later one; use the same type in both", quoted(.0))]
    KindsDiffer(String),
    #[error("{} is {} in one patch and {} in a later one; Talos does not merge the two", quoted(.0), .1, .2)]
    TypesDiffer(String, &'static str, &'static str),
    #[error("{} has a value in one patch and is null in a later one, which Talos cannot merge; use `$patch: delete` to delete it", quoted(.0))]
    NullOverValue(String),
    #[error("{} is a date in more than one patch, which Talos cannot merge here; quote it", quoted(.0))]
    Time(String),
    #[error("{} is in more than one patch, and Talos cannot merge it; set it once", quoted(.0))]
    Once(String),
    #[error("the URLs at {} cannot be merged: {}", quoted(.0), .1)]
    Url(String, &'static str),
    #[error("an element of {} occurs twice in one patch, and a later one changes it, so that the result depends on the base; use one element", quoted(.0))]
    Twice(String),
    #[error("{} is a list in more than one patch, and not a field that this version of the provider knows, so that it is unknown whether Talos appends to it or replaces it. Use separate `omni_config_patch` resources", quoted(.0))]
    UnknownList(String),
}

/// The most bytes that a patch can have. The least that stands beside it in a request takes the rest.
pub(crate) const LONGEST: usize = MAX_REQUEST - 256;

/// A number of bytes as a person reads it.
pub(crate) fn size(bytes: usize) -> String {
    match bytes >> 20 {
        0 => format!("{bytes} bytes"),
        mib if bytes.is_multiple_of(1 << 20) => format!("{mib} MiB"),
        // The tenth is rounded up, so that what is above a limit does not read like it.
        mib => format!("{mib}.{} MiB", ((bytes % (1 << 20)) * 10).div_ceil(1 << 20).min(9)),
    }
}

/// What to do about a patch whose values need too much memory.
pub(crate) fn shorten(cause: &yaml::YamlError) -> &'static str {
    match cause.excess {
        Some(yaml::Excess::References) => {
            "split it into several patches, or write fewer references (`*name`): what each of them refers to counts every time"
        }
        _ => "split it into several patches",
    }
}

/// What is wrong with a text that could not be read, to go after "it": that it is no YAML, or more than the provider reads.
pub(crate) fn verdict(error: &yaml::YamlError) -> &'static str {
    match error.excess {
        None => "is not valid YAML",
        Some(yaml::Excess::Depth) => "is nested too deeply for the provider",
        Some(yaml::Excess::Text | yaml::Excess::References) => "is too large for the provider",
    }
}

impl PatchError {
    /// Whether nothing is wrong with the patch, as far as it is known, but that it is more than the provider reads.
    pub(crate) fn is_limit(&self) -> bool {
        matches!(self, Self::TooDeep(_) | Self::TooMuch { .. })
    }
}

/// Reads the documents of a patch.
///
/// # Errors
/// When it is no YAML, or too large to be sent or read.
pub(crate) fn nodes(text: &str, budget: &mut Budget) -> Result<Vec<Node>, PatchError> {
    if text.len() > LONGEST {
        return Err(PatchError::TooLong(text.len()));
    }
    yaml::parse_nodes(text, budget).map_err(|error| match error.excess {
        Some(yaml::Excess::Depth) => PatchError::TooDeep(error),
        Some(_) => PatchError::TooMuch { length: text.len(), cause: error },
        None => PatchError::NotYaml(error),
    })
}

fn list(parts: &[String]) -> String {
    let parts: Vec<_> = parts.iter().map(|part| quoted(part)).collect();
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}

/// One patch that does what these do one after the other, as YAML.
///
/// # Errors
/// Why no single patch does that, or why one of them is none.
pub(crate) fn merge(patches: &[&str]) -> Result<String, PatchError> {
    let documents = merge::merge(patches)?;
    Ok(documents.iter().map(yaml::write).collect::<Vec<_>>().join("---\n"))
}

/// Whether two patches do the same to Talos.
///
/// The order of keys, comments, quoting and layout mean nothing; plain scalars are equal only if their texts are,
/// for a text field sees the difference. A text that is no YAML is the same only as itself.
#[must_use]
pub(crate) fn same(a: &str, b: &str) -> bool {
    let read = |text: &str| yaml::parse_nodes(text, &mut Budget::default());
    a == b
        || match (read(a), read(b)) {
            (Ok(a), Ok(b)) => {
                a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.same(b) && searched(a) == searched(b))
            }
            _ => false,
        }
}

/// The fields by which elements of lists are to be found and deleted: of several, the first one.
fn searched(node: &Node) -> Vec<&str> {
    match node {
        Node::Scalar(_) => Vec::new(),
        Node::List(elements) => {
            elements.iter().flat_map(|element| first_key(element).into_iter().chain(searched(element))).collect()
        }
        Node::Map(entries) => yaml::sorted(entries).into_iter().flat_map(|(_, value)| searched(value)).collect(),
    }
}

fn first_key(element: &Node) -> Option<&str> {
    let entries = element.entries().filter(|entries| entries.iter().any(|(key, value)| read::is_mark(key, value)))?;
    entries.iter().map(|(key, _)| key.key()).find(|key| *key != read::MARK)
}

/// The digest of what a patch says: two that are the [`same`] have the same one.
///
/// States keep it in the place of a patch that they must not show, so it stays what it was in earlier versions:
/// the digest of the documents as JSON. Scalars that JSON cannot tell apart have their text in it.
pub(crate) fn digest(text: &str) -> String {
    let mut canonical = String::new();
    match yaml::parse_nodes(text, &mut Budget::default()) {
        Ok(documents) => canonical_list(&mut canonical, &documents),
        Err(_) => text.clone_into(&mut canonical),
    }
    Sha256::digest(canonical.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

fn canonical_list(out: &mut String, elements: &[Node]) {
    out.push('[');
    for (at, element) in elements.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        canonical(out, element);
        let fields = element.entries().map_or(0, <[_]>::len);
        if let Some(key) = first_key(element).filter(|_| fields > 2) {
            out.push_str(&format!("@{}", json(key)));
        }
    }
    out.push(']');
}

fn canonical(out: &mut String, node: &Node) {
    match node {
        Node::List(elements) => canonical_list(out, elements),
        Node::Map(entries) => {
            out.push('{');
            for (at, (key, value)) in yaml::sorted(entries).into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                out.push_str(&json(key.key()));
                out.push(':');
                canonical(out, value);
            }
            out.push('}');
        }
        Node::Scalar(scalar) => out.push_str(&canonical_scalar(scalar)),
    }
}

fn canonical_scalar(scalar: &Scalar) -> String {
    let value = serde_json::Value::from(Node::Scalar(scalar.clone())).to_string();
    match (scalar.reading(), scalar.tag.as_deref()) {
        (Reading::Null, _) => "null".to_owned(),
        (Reading::Text, None | Some("!!str" | "!")) => json(&scalar.text),
        // JSON writes it just so, and nothing else is written so.
        (Reading::Bool | Reading::Int | Reading::Uint | Reading::Float, None) if value == scalar.text => value,
        (_, tag) => format!("~{}{}", tag.unwrap_or_default(), json(&scalar.text)),
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
