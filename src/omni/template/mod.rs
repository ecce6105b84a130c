//! Cluster templates: the documents that describe a cluster with everything in it, and the objects that they stand for.
//! Nothing here sends a request: the caller reads and writes the objects.
//!
//! | step | call |
//! |---|---|
//! | placeholders | [`render_variables`] |
//! | text to documents | [`Template::load`] |
//! | rules | [`Template::validate`] |
//! | documents to objects | [`Template::render`] |
//! | objects that are there | [`listed`], [`lookups`] |
//! | what to write | [`plan_sync`], [`plan_delete`] |
//! | what is different | [`diff_text`] |
//! | objects to documents | [`export()`] |

mod content;
mod diff;
mod emit;
mod export;
mod files;
mod models;
mod nodes;
mod print;
mod render;
mod semver;
mod sync;
#[cfg(test)]
mod tests;
mod uuid;
mod validate;
mod variables;

use super::spec::Spec;
use super::state::{Key, Kind, Resource};
use super::version::needs;
use models::Model;
use omni_proto::specs;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use files::{FileError, Files, Folder, NoFiles, text_of};

/// The release of Omni whose rules a template is held to: `1.11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    major: u64,
    minor: u64,
}

impl Release {
    /// The newest release that this build knows; for checks without a server.
    pub const NEWEST: Self = Self { major: 1, minor: 11 };

    /// The release of a server that says it is this version: `v1.11.0-alpha.2` is 1.11. `None` for no version.
    #[must_use]
    pub fn of(version: &str) -> Option<Self> {
        let version = kit::version::parse(kit::version::strip_v(version)).ok()?;
        Some(Self { major: version.major, minor: version.minor })
    }

    /// The first release that has a type or a field, by its name in the table of releases.
    fn since(thing: &str) -> Option<Self> {
        Self::of(&format!("{}.0", needs(thing)?))
    }

    /// Whether it is release 1.`minor` or a later one.
    #[must_use]
    pub fn is_from(self, minor: u64) -> bool {
        self >= Self { major: 1, minor }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Something that is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line of the file, counted from 1; 0 if it is about the template as a whole.
    pub line: usize,
    /// The column in characters, counted from 1; 0 if it is about the template as a whole.
    pub column: usize,
    /// What it is about, the outermost first: `cluster "prod"`, `patch "ntp"`. Empty for the template as a whole.
    pub about: Vec<String>,
    /// What is wrong: `path or inline is required`.
    pub message: String,
    /// Whether nothing is wrong but that it is more than this program reads.
    pub is_limit: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        for about in &self.about {
            write!(f, "{about}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with a template, in the order of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if n == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A loaded template.
#[derive(Clone)]
pub struct Template {
    models: Vec<Model>,
    files: Arc<dyn Files>,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("models", &self.models).finish_non_exhaustive()
    }
}

impl Template {
    /// Reads the documents of a template; `files` are those that it names.
    /// Unknown kinds, keys and wrong types are refused; the [rules](Self::validate) are not checked.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use terraform_provider_omni::omni::template::{NoFiles, Release, Template, print};
    ///
    /// let text = "kind: Cluster\nname: prod\nkubernetes: {version: v1.36.3}\ntalos: {version: v1.13.8}\n---\nkind: ControlPlane\n";
    /// let template = Template::load(text, Arc::new(NoFiles)).unwrap();
    /// assert_eq!(template.cluster(), "prod");
    /// let objects = template.render(Release::NEWEST).unwrap();
    /// let ids: Vec<_> = objects.iter().map(|object| object.key.id.as_str()).collect();
    /// assert_eq!(ids, ["prod", "prod-control-planes"]);
    /// assert!(print(&objects, Release::NEWEST).starts_with("metadata:\n  namespace: default\n"));
    ///
    /// let problems = Template::load("kind: Cluster\nnmae: prod\n", Arc::new(NoFiles)).unwrap_err();
    /// assert_eq!(problems.to_string(), "line 2, column 1: unknown key \"nmae\" in a Cluster; did you mean \"name\"?");
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong, each at its line and column of the text.
    pub fn load(text: &str, files: Arc<dyn Files>) -> Result<Self, Problems> {
        Ok(Self { models: models::read(text)?, files })
    }

    /// The name of the cluster; empty if no document gives one.
    #[must_use]
    pub fn cluster(&self) -> &str {
        let name = self.models.iter().find_map(|model| match model {
            Model::Cluster(cluster) => Some(cluster.name.text.as_str()),
            Model::Set(_) | Model::Machine(_) => None,
        });
        name.unwrap_or_default()
    }

    /// Checks every rule; empty if the template is right.
    #[must_use]
    pub fn validate(&self, release: Release) -> Vec<Problem> {
        validate::check(&self.models, &*self.files, release)
    }

    /// The objects of the template, in the order of omnictl: `version` is `None` in their metadata.
    /// [`Resource::yaml`] is empty; [`print()`] shows an object.
    ///
    /// # Errors
    /// What [`Self::validate`] finds.
    pub fn render(&self, release: Release) -> Result<Vec<Resource>, Problems> {
        let problems = self.validate(release);
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        render::objects(&self.models, &*self.files, release).map_err(Problems)
    }
}

/// Objects as `omnictl cluster template render` prints them.
/// The times of an object that is not stored are those of Go's zero time, and not the moment of the call.
#[must_use]
pub fn print(objects: &[Resource], release: Release) -> String {
    objects.iter().map(|object| print::document(object, release)).collect::<Vec<_>>().join("---\n")
}

/// An object as omnictl names it: `Clusters.omni.sidero.dev(default/prod)`.
fn full_name(key: &Key) -> String {
    format!("{}({}/{})", key.kind.name, key.kind.namespace, key.id)
}

/// The kinds that are listed by the label `omni.sidero.dev/cluster` to find what a cluster has now.
/// The cluster itself is read by its name.
pub const LISTED: [Kind; 6] = [
    specs::MachineSetSpec::KIND,
    specs::MachineSetNodeSpec::KIND,
    specs::ConfigPatchSpec::KIND,
    specs::ExtensionsConfigurationSpec::KIND,
    specs::KubernetesManifestGroupSpec::KIND,
    specs::KubernetesHealthCheckSpec::KIND,
];

/// The [`LISTED`] kinds that a release has.
#[must_use]
pub fn listed(release: Release) -> Vec<Kind> {
    LISTED.into_iter().filter(|kind| sync::is_known(*kind, release)).collect()
}

/// The objects that have to be read one by one, beside those that were `listed`: those with the ID of a rendered one,
/// and what belongs to a machine and has no label. A kind that the release lacks is left out.
#[must_use]
pub fn lookups(cluster: &str, rendered: &[Resource], listed: &[Resource], release: Release) -> Vec<Key> {
    sync::lookups(cluster, rendered, listed, release)
}

/// An object of a template that belongs to something else, so that a sync would take it over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {reason}")]
pub struct Conflict {
    /// The object.
    pub key: Key,
    /// Why it is no object of this template: `belongs to cluster "other"`.
    pub reason: String,
}

/// A change of an object that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The object as it is.
    pub from: Resource,
    /// The whole object to write; its version, phase, times and finalizers are those of `from`.
    pub to: Resource,
}

/// What to write, in this order: moves, creates, updates, and destroys phase by phase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncPlan {
    /// Objects that no update can make what they should be: nodes that go to another machine set, and objects that are
    /// being torn down. `from` is torn down and destroyed first; `to` is one of the creates.
    pub moves: Vec<Update>,
    /// Objects to create, in order; those of the moves included.
    pub creates: Vec<Resource>,
    /// Objects to update, in order.
    pub updates: Vec<Update>,
    /// Objects to tear down and destroy: every one of a phase must be gone before the next phase begins.
    pub destroys: Vec<Vec<Resource>>,
}

impl SyncPlan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.moves.is_empty() && self.creates.is_empty() && self.updates.is_empty() && self.destroys.is_empty()
    }
}

/// What makes the `actual` objects of a cluster those that a template `rendered`.
///
/// `actual` are the objects that are there: the cluster, the [`LISTED`] ones, and the [`lookups`].
/// Objects of controllers among them are ignored.
///
/// # Errors
/// Objects that belong to another cluster or to a controller: nothing is taken over.
pub fn plan_sync(cluster: &str, rendered: &[Resource], actual: &[Resource]) -> Result<SyncPlan, Vec<Conflict>> {
    sync::plan(cluster, rendered, actual)
}

/// What removes a cluster with the objects of its template; the server removes most of them with the cluster.
///
/// `disconnected` are objects of machines that are gone, to be destroyed in phases before the rest:
/// extensions configurations, links and patches, in any order.
#[must_use]
pub fn plan_delete(cluster: &str, actual: &[Resource], disconnected: &[Resource]) -> SyncPlan {
    sync::plan_delete(cluster, actual, disconnected)
}

/// The plan as a unified diff of the objects in YAML: updates, creates, destroys.
#[must_use]
pub fn diff_text(plan: &SyncPlan) -> String {
    diff::text(plan)
}

/// How a cluster is exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// Whether kernel arguments are exported; without them the next sync of the export gives them up.
    pub kernel_args: bool,
}

/// Why a cluster cannot be exported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExportError(pub String);

/// The template of a cluster with these `objects`: the cluster, the [`LISTED`] ones, and the [`lookups`].
///
/// # Errors
/// When the cluster or its control plane is not there, or an object has no form in a template.
pub fn export(
    cluster: &str,
    objects: &[Resource],
    options: ExportOptions,
    release: Release,
) -> Result<String, ExportError> {
    export::export(cluster, objects, options, release)
}

/// Replaces the placeholders `{{name}}` of a template by the values of variables, which are not looked at again.
/// Other text in braces, such as `{{ .Values.x }}`, stays as it is.
///
/// ```
/// use terraform_provider_omni::omni::template::render_variables;
///
/// let variables = [("name".to_owned(), "prod".to_owned())].into();
/// assert_eq!(render_variables("name: {{ name }}", &variables).unwrap(), "name: prod");
/// assert!(render_variables("name: {{nmae}}", &variables).is_err());
/// ```
///
/// # Errors
/// Placeholders without a variable, each at its line, and variables without a placeholder.
pub fn render_variables(text: &str, variables: &BTreeMap<String, String>) -> Result<String, Problems> {
    variables::render(text, variables)
}
