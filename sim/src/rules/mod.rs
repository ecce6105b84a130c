//! The validation rules of Omni: one file for each type, each a function from a change to its problems.
//! Rules read stored objects only; they know neither callers nor gRPC.

mod access_policy;
mod backups;
mod cluster;
mod cluster_version;
mod config_patch;
mod disk_selector;
mod dns_name;
mod eula;
mod extensions;
mod health_check;
mod infra;
mod install_disk;
mod join_token;
mod kubernetes_objects;
mod kubernetes_path;
mod machine;
mod machine_class;
mod machine_set;
mod machine_set_node;
mod media;
mod metadata;
mod people;
mod provision;
mod relation;
mod secrets;
pub mod selector;
pub mod talos_patch;
pub mod talos_shape;
pub mod tolerant;

use super::Release;
use super::names::kind;
use super::object::{Object, Reader};
use crate::catalogue::Feature;
use omni_proto::specs::SysVersionSpec;

pub use disk_selector::matching as matching_disks;
pub use kubernetes_path::supported as kubernetes_path_supported;
pub use machine_set::allocation;
pub use machine_set_node::incompatibility;

/// What is about to be done to an object.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// It is to be made.
    Create(&'a Object),
    /// It is to be replaced: the old one, then the new one.
    Update(&'a Object, &'a Object),
    /// It is to be torn down or destroyed.
    Destroy(&'a Object),
}

impl<'a> Change<'a> {
    /// The object as it will be, or as it was before it goes.
    fn object(&self) -> &'a Object {
        match *self {
            Self::Create(object) | Self::Update(_, object) | Self::Destroy(object) => object,
        }
    }
}

/// The problems with a change, in the order in which Omni lists them; none means that it may go ahead.
///
/// An update that sends the phase `tearingDown`, also once more, has to pass the rules for updates and those for
/// destruction.
#[must_use]
pub fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    // Older servers take any id, any label and any annotation.
    let limited = release(view).has(Feature::TextLimits);
    let mut found = if limited { metadata::problems(change) } else { Vec::new() };
    found.extend(of_type(view, change));
    if let Change::Update(old, new) = change
        && new.tearing_down
    {
        found.extend(of_type(view, Change::Destroy(old)));
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|problem| seen.insert(problem.clone()));
    found
}

/// The release that a server with these objects imitates: it says so itself.
#[must_use]
pub fn release(view: &dyn Reader) -> Release {
    let version = view.get(kind::SYS_VERSION, "current").map(|object| object.spec::<SysVersionSpec>().backend_version);
    match version.as_deref().map(tolerant::parse) {
        Some(Ok(version)) => Release::of_minor(version.minor_line().1),
        _ => Release::NEWEST,
    }
}

fn of_type(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    match change.object().key.kind.as_str() {
        kind::CLUSTER => cluster::problems(view, change),
        kind::MACHINE_SET => machine_set::problems(view, change),
        kind::MACHINE_SET_NODE => machine_set_node::problems(view, change),
        kind::CONFIG_PATCH => config_patch::problems(view, change),
        kind::EXTENSIONS_CONFIGURATION => extensions::problems(view, change),
        kind::MACHINE_CLASS => machine_class::problems(view, change),
        kind::KUBERNETES_MANIFEST_GROUP => kubernetes_objects::manifest_group(change),
        kind::KUBERNETES_HEALTH_CHECK => health_check::problems(change),
        kind::KERNEL_ARGS => machine::kernel_args(view, change),
        kind::MACHINE_INSTALL_DISK_CONFIG => install_disk::problems(change),
        kind::NODE_FORCE_DESTROY_REQUEST => machine::force_destroy(view, change),
        kind::ETCD_MANUAL_BACKUP => backups::manual(view, change),
        kind::ETCD_BACKUP_S3_CONFIG => backups::place(view, change),
        kind::INSTALLATION_MEDIA_CONFIG => media::problems(view, change),
        kind::MACHINE_REQUEST_SET => provision::request_set(view, change),
        kind::MACHINE_REQUEST => provision::request(change),
        kind::INFRA_MACHINE_CONFIG => infra::machine_config(view, change),
        kind::INFRA_PROVIDER => infra::provider(view, change),
        kind::ACCESS_POLICY => access_policy::problems(view, change),
        kind::SAML_LABEL_RULE => people::saml_label_rule(view, change),
        kind::IDENTITY => people::identity(view, change),
        kind::USER => people::user(view, change),
        kind::PUBLIC_KEY => people::public_key(view, change),
        kind::ROTATE_TALOS_CA => secrets::rotation(view, change),
        kind::ROTATE_KUBERNETES_CA => secrets::rotation(view, change),
        kind::IMPORTED_CLUSTER_SECRETS => secrets::imported(view, change),
        kind::JOIN_TOKEN => join_token::token(view, change),
        kind::EULA_ACCEPTANCE => eula::problems(view, change),
        kind::DEFAULT_JOIN_TOKEN => join_token::default_token(view, change),
        _ => Vec::new(),
    }
}

/// Whether the server fails over a change instead of judging it.
#[must_use]
pub fn crashes(change: Change<'_>) -> bool {
    change.object().key.kind == kind::MACHINE_CLASS && machine_class::crashes(change)
}

/// The problems of every free text: its length in bytes, and characters that no terminal should see.
fn text(found: &mut Vec<String>, what: &str, text: &str, max: usize) {
    if text.len() > max {
        found.push(format!("{what} is too long: {} bytes (max {max})", text.len()));
    }
    if text.chars().any(char::is_control) {
        found.push(format!("{what} must not contain control characters"));
    }
}

/// The first problem of a text that a machine gets to see.
fn limited(what: &str, text: &str, max: usize) -> Option<String> {
    if text.len() > max {
        return Some(format!("{what} is too long: {} bytes (max {max})", text.len()));
    }
    text.chars().any(char::is_control).then(|| format!("{what} contains a control character"))
}

/// The text for an object that was looked up and is not there.
#[must_use]
pub fn missing(kind: &str, namespace: &str, id: &str) -> String {
    format!("failed to get: resource {kind}({namespace}/{id}@undefined) doesn't exist")
}

/// Several problems as one text, as Go's multierror joins them.
#[must_use]
pub fn joined(problems: &[String]) -> String {
    let noun = if problems.len() == 1 { "error" } else { "errors" };
    let list: Vec<String> = problems.iter().map(|problem| format!("* {problem}")).collect();
    format!("{} {noun} occurred:\n\t{}\n\n", problems.len(), list.join("\n\t"))
}

#[cfg(test)]
pub(crate) mod fixture {
    //! A view made of a list, and objects made in one line.

    use super::*;
    use crate::object::Key;
    use prost::Message;
    use std::sync::Arc;
    use std::time::Duration;

    /// The time at which every test takes place.
    pub(crate) const NOW: Duration = Duration::from_secs(1_800_000_000);

    /// Objects by type and id.
    #[derive(Default)]
    pub(crate) struct Fixture(pub(crate) Vec<Arc<Object>>);

    impl Fixture {
        pub(crate) fn with(mut self, object: Object) -> Self {
            self.0.push(Arc::new(object));
            self
        }
    }

    impl Reader for Fixture {
        fn get(&self, kind: &str, id: &str) -> Option<Arc<Object>> {
            self.0.iter().find(|o| o.key.kind == kind && o.key.id == id).cloned()
        }

        fn list(&self, kind: &str) -> Vec<Arc<Object>> {
            self.0.iter().filter(|o| o.key.kind == kind).cloned().collect()
        }

        fn now(&self) -> Duration {
            NOW
        }
    }

    /// A running object without labels.
    pub(crate) fn object(kind: &str, id: &str, spec: &impl Message) -> Object {
        Object {
            version: 1,
            ..Object::new(Key { namespace: "default".into(), kind: kind.into(), id: id.into() }, spec.encode_to_vec())
        }
    }

    pub(crate) fn labelled(mut object: Object, labels: &[(&str, &str)]) -> Object {
        object.labels.extend(labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        object
    }

    pub(crate) fn annotated(mut object: Object, key: &str) -> Object {
        object.annotations.insert(key.into(), String::new());
        object
    }

    pub(crate) fn leaving(mut object: Object) -> Object {
        object.tearing_down = true;
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_takes_more() {
        use fixture::{Fixture, object};
        use omni_proto::specs::{ConfigPatchSpec, MachineClassSpec};
        let server = |version: &str| {
            let spec = SysVersionSpec { backend_version: version.into(), ..Default::default() };
            Fixture::default().with(object(kind::SYS_VERSION, "current", &spec))
        };
        let class = MachineClassSpec { match_labels: vec!["a = b".into()], ..Default::default() };
        let class = object(kind::MACHINE_CLASS, "", &class);
        let patch = ConfigPatchSpec { data: "machine: {install: {disk: /dev/sda}}".into(), ..Default::default() };
        let patch = object(kind::CONFIG_PATCH, "500-probe", &patch);
        for new in [&class, &patch] {
            assert_eq!(problems(&server("v1.6.6"), Change::Create(new)), [""; 0]);
            assert_eq!(problems(&server("v1.11.0"), Change::Create(new)).len(), 1);
        }
    }

    #[test]
    fn joins_as_multierror_does() {
        assert_eq!(joined(&["a".into()]), "1 error occurred:\n\t* a\n\n");
        assert_eq!(joined(&["a".into(), "b".into()]), "2 errors occurred:\n\t* a\n\t* b\n\n");
    }
}
