//! What Omni refuses in a config patch, by release, as far as it can be checked without a server.
//! It must not know how patches are merged.

use super::PatchError;
use super::read;
use super::read::{Document, Id, Mark};
use kit::yaml::{Budget, Node};

/// The releases of Omni that check patches in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Release {
    /// Only the first document is checked, for fewer fields.
    BeforeV1_10,
    /// Every document is checked, and certain kinds are Omni's own.
    V1_10,
    /// The disk to install on is Omni's own too.
    V1_11,
}

impl Release {
    /// The newest.
    pub(crate) const NEWEST: Self = Self::V1_11;

    /// The rules of a release, by its number.
    pub(crate) fn of(major: u64, minor: u64) -> Self {
        match (major, minor) {
            (0, _) | (1, ..10) => Self::BeforeV1_10,
            (1, 10) => Self::V1_10,
            _ => Self::V1_11,
        }
    }
}

/// Fields of the machine configuration that Omni controls, and since when.
const CONTROLLED: &[(&str, Release)] = &[
    ("cluster.clusterName", Release::BeforeV1_10),
    ("cluster.id", Release::BeforeV1_10),
    ("cluster.controlPlane.endpoint", Release::BeforeV1_10),
    ("cluster.token", Release::BeforeV1_10),
    ("cluster.secret", Release::BeforeV1_10),
    ("cluster.aescbcEncryptionSecret", Release::BeforeV1_10),
    ("cluster.secretboxEncryptionSecret", Release::BeforeV1_10),
    ("cluster.ca", Release::V1_10),
    ("cluster.acceptedCAs", Release::BeforeV1_10),
    ("cluster.serviceAccount", Release::V1_10),
    ("machine.token", Release::BeforeV1_10),
    ("machine.ca", Release::BeforeV1_10),
    ("machine.type", Release::BeforeV1_10),
    ("machine.install.disk", Release::V1_11),
    ("machine.install.extensions", Release::BeforeV1_10),
    ("machine.acceptedCAs", Release::BeforeV1_10),
];

/// Kinds of documents that Omni writes itself, since 1.10.
const CONTROLLED_KINDS: &[&str] = &[
    "UnattendedInstallConfig",
    "DiscoveryIdentityConfig",
    "KubeClusterConfig",
    "KubeEtcdEncryptionConfig",
    "KubeAPIServerCAConfig",
    "KubeAggregatorCAConfig",
];

/// The role that would hand the whole machine to a pod.
const ADMIN: &str = "os:admin";

/// Checks what can be checked without a server: whether it can be read, and whether it leaves alone what Omni controls.
///
/// # Errors
/// Why this release of Omni would refuse the patch.
pub(crate) fn check(text: &str, release: Release) -> Result<(), PatchError> {
    let documents = read::documents(text, &mut Budget::default())?;
    if documents.is_empty() {
        return Err(PatchError::Nothing);
    }
    unique(&documents)?;
    let checked = if release < Release::V1_10 { &documents[..1] } else { &documents[..] };
    let mut controlled: Vec<String> = Vec::new();
    for document in checked {
        for place in overreach(document, release) {
            if !controlled.contains(&place) {
                controlled.push(place);
            }
        }
    }
    if controlled.is_empty() { Ok(()) } else { Err(PatchError::Controlled(controlled)) }
}

/// Talos takes one document of a kind and name; those that only take something away do not count.
fn unique(documents: &[Document]) -> Result<(), PatchError> {
    let setting = |document: &&Document| document.sets.is_some();
    let mut seen: Vec<&Id> = Vec::new();
    for document in documents.iter().filter(setting) {
        if seen.contains(&&document.id) {
            return Err(PatchError::Duplicate(document.id.display()));
        }
        seen.push(&document.id);
    }
    Ok(())
}

/// What a document does that only Omni may; that it is there counts, whatever it is.
fn overreach(document: &Document, release: Release) -> Vec<String> {
    let kind = document.id.kind.as_str();
    if document.id.is_main() {
        let fields = CONTROLLED.iter().filter(|(_, since)| *since <= release).map(|(path, _)| *path);
        let fields = fields.filter(|path| touches(document, path)).map(str::to_owned);
        return fields.chain(admin_role(document, "machine.features.kubernetesTalosAPIAccess.allowedRoles")).collect();
    }
    match kind {
        // Up to 1.9, only the machine configuration itself was looked at.
        _ if release < Release::V1_10 => Vec::new(),
        _ if CONTROLLED_KINDS.contains(&kind) => vec![kind.to_owned()],
        "KubeServiceAccountConfig" if touches(document, "issuer.privateKey") => vec!["issuer.privateKey".to_owned()],
        "KubeTalosAPIAccessConfig" => admin_role(document, "allowedRoles").into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Whether a document gives this field, or takes it away; taking away what holds it is no matter.
fn touches(document: &Document, path: &str) -> bool {
    let parts: Vec<&str> = path.split('.').collect();
    let inside = |mark: &Mark| mark.path.len() >= parts.len() && mark.path.iter().zip(&parts).all(|(a, b)| a == b);
    at(document, &parts).is_some() || document.marks.iter().any(inside)
}

fn at<'d>(document: &'d Document, path: &[&str]) -> Option<&'d Node> {
    let (first, rest) = path.split_first()?;
    let (_, value) = document.sets.as_ref()?.iter().find(|(key, _)| key.key() == *first)?;
    rest.iter().try_fold(value, |node, key| node.get(key))
}

fn admin_role(document: &Document, path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('.').collect();
    match at(document, &parts)? {
        Node::List(roles) => roles.iter().any(|role| role.text() == Some(ADMIN)).then(|| format!("{ADMIN} in {path}")),
        _ => None,
    }
}
