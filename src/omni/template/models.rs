//! The documents of a template, and how they are read. The rules that hold between values are in `validate.rs`.

use super::nodes::{At, Document, Key, Node, Value, documents};
use super::{Problem, Problems};
use kit::go_duration;
use kit::text::closest;
use kit::yaml::{Reading, Scalar};
use omni_proto::specs::kubernetes_manifest_group_spec::Mode;
use omni_proto::specs::machine_set_spec::UpdateStrategy;

/// A text and where it stands; an absent one is empty and stands where what it belongs to begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) at: At,
    pub(super) text: String,
}

/// A list that may be absent, which is not the same as empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Optional {
    pub(super) at: At,
    pub(super) texts: Option<Vec<String>>,
}

/// Labels or annotations.
pub(super) type Pairs = Vec<(Text, String)>;

/// What users say of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Descriptors {
    pub(super) labels: Pairs,
    pub(super) annotations: Pairs,
}

/// A document.
#[derive(Clone, Debug)]
pub(super) enum Model {
    Cluster(Box<Cluster>),
    Set(Box<MachineSet>),
    Machine(Box<Machine>),
}

/// A document of the kind `Cluster`.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster {
    pub(super) at: At,
    pub(super) name: Text,
    pub(super) descriptors: Descriptors,
    pub(super) kubernetes: Text,
    pub(super) manifests: Vec<Manifest>,
    pub(super) health_checks: Vec<HealthCheck>,
    pub(super) talos: Text,
    pub(super) features: Features,
    pub(super) patches: Vec<Patch>,
    pub(super) extensions: Optional,
    pub(super) kernel_args: Optional,
}

/// The features of a cluster; each with the place of its key.
#[derive(Clone, Debug, Default)]
pub(super) struct Features {
    pub(super) disk_encryption: Option<(At, bool)>,
    pub(super) workload_proxy: Option<(At, bool)>,
    pub(super) embedded_discovery: Option<(At, bool)>,
    pub(super) no_public_discovery: Option<(At, bool)>,
    pub(super) skip_node_audit: Option<(At, bool)>,
    pub(super) backup: Option<go_duration::GoDuration>,
}

/// Which machines a set has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    ControlPlane,
    Worker,
}

/// A document of the kind `ControlPlane` or `Workers`.
#[derive(Clone, Debug, Default)]
pub(super) struct MachineSet {
    pub(super) at: At,
    pub(super) role: Role,
    pub(super) name: Text,
    pub(super) descriptors: Descriptors,
    pub(super) machines: Vec<Text>,
    pub(super) class: Option<MachineClass>,
    pub(super) update: Option<Strategy>,
    pub(super) delete: Option<Strategy>,
    pub(super) upgrade: Option<Strategy>,
    pub(super) bootstrap: Option<Bootstrap>,
    pub(super) patches: Vec<Patch>,
    pub(super) extensions: Optional,
    pub(super) kernel_args: Optional,
}

/// A machine class, and how many of its machines a set takes.
#[derive(Clone, Debug)]
pub(super) struct MachineClass {
    pub(super) at: At,
    pub(super) name: String,
    /// `None` for all of them.
    pub(super) size: Option<u32>,
}

/// How a set changes its machines.
#[derive(Clone, Debug)]
pub(super) struct Strategy {
    pub(super) at: At,
    pub(super) kind: Option<UpdateStrategy>,
    pub(super) rolling: Option<u32>,
}

/// The backup that a control plane begins with.
#[derive(Clone, Debug)]
pub(super) struct Bootstrap {
    pub(super) at: At,
    pub(super) cluster_uuid: String,
    pub(super) snapshot: String,
}

/// A document of the kind `Machine`.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    pub(super) at: At,
    pub(super) name: Text,
    pub(super) descriptors: Descriptors,
    /// Where it says that it is.
    pub(super) locked: Option<At>,
    pub(super) disk: Text,
    pub(super) disk_selector: Text,
    pub(super) patches: Vec<Patch>,
    pub(super) extensions: Optional,
    pub(super) kernel_args: Optional,
}

/// What an entry holds, or where.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) file: Text,
    pub(super) inline: Option<Inline>,
}

/// Content within the template.
#[derive(Clone, Debug)]
pub(super) struct Inline {
    pub(super) at: At,
    pub(super) content: Content,
}

/// The forms of content.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// As it is written.
    Text(String),
    /// A document for each value, printed as YAML.
    Documents(Vec<Node>),
}

/// A config patch.
#[derive(Clone, Debug, Default)]
pub(super) struct Patch {
    pub(super) at: At,
    pub(super) name: Text,
    pub(super) id: Text,
    pub(super) descriptors: Descriptors,
    pub(super) source: Source,
}

impl Patch {
    /// The name in Omni's interface: the name, else the file.
    pub(super) fn display_name(&self) -> &str {
        if self.name.text.is_empty() { &self.source.file.text } else { &self.name.text }
    }
}

/// A Kubernetes manifest.
#[derive(Clone, Debug, Default)]
pub(super) struct Manifest {
    pub(super) at: At,
    pub(super) name: Text,
    pub(super) mode: Option<Mode>,
    pub(super) descriptors: Descriptors,
    pub(super) source: Source,
}

impl Manifest {
    pub(super) fn display_name(&self) -> &str {
        if self.name.text.is_empty() { &self.source.file.text } else { &self.name.text }
    }
}

/// A health check of Kubernetes.
#[derive(Clone, Debug, Default)]
pub(super) struct HealthCheck {
    pub(super) at: At,
    pub(super) name: Text,
    pub(super) id: Text,
    pub(super) interval: Option<go_duration::GoDuration>,
    pub(super) descriptors: Descriptors,
    pub(super) source: Source,
}

impl HealthCheck {
    /// What messages call it: the ID, else the name.
    pub(super) fn display_name(&self) -> &str {
        if self.id.text.is_empty() { &self.name.text } else { &self.id.text }
    }
}

/// Reads the documents of a template.
///
/// # Errors
/// Everything that cannot be read, in the order of the text.
pub(super) fn read(text: &str) -> Result<Vec<Model>, Problems> {
    let mut reader = Reader { problems: Vec::new() };
    let models: Vec<_> = documents(text)?.iter().filter_map(|document| reader.document(document)).collect();
    if reader.problems.is_empty() {
        return Ok(models);
    }
    reader.problems.sort_by_key(|problem| (problem.line, problem.column));
    Err(Problems(reader.problems))
}

/// The values of a map that are there, by the keys that it may have.
struct Fields<'n> {
    at: At,
    entries: Vec<(&'n Key, &'n Node)>,
}

impl<'n> Fields<'n> {
    fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|(_, value)| value)
    }

    fn entry(&self, key: &str) -> Option<(&'n Key, &'n Node)> {
        self.entries.iter().find(|(known, _)| known.scalar.key() == key).copied()
    }
}

const CLUSTER: &[&str] = &[
    "kind",
    "name",
    "labels",
    "annotations",
    "kubernetes",
    "talos",
    "features",
    "patches",
    "systemExtensions",
    "kernelArgs",
];
const KUBERNETES: &[&str] = &["version", "manifests", "healthchecks"];
const TALOS: &[&str] = &["version"];
const FEATURES: &[&str] = &[
    "diskEncryption",
    "enableWorkloadProxy",
    "useEmbeddedDiscoveryService",
    "disablePublicDiscoveryService",
    "enableNodeAuditSkip",
    "backupConfiguration",
];
const BACKUP: &[&str] = &["interval"];
const SET: &[&str] = &[
    "kind",
    "name",
    "labels",
    "annotations",
    "machines",
    "machineClass",
    "updateStrategy",
    "deleteStrategy",
    "upgradeStrategy",
    "bootstrapSpec",
    "patches",
    "systemExtensions",
    "kernelArgs",
];
const CLASS: &[&str] = &["name", "size"];
const STRATEGY: &[&str] = &["type", "rolling"];
const ROLLING: &[&str] = &["maxParallelism"];
const BOOTSTRAP: &[&str] = &["clusterUUID", "snapshot"];
const MACHINE: &[&str] =
    &["kind", "name", "labels", "annotations", "locked", "install", "patches", "systemExtensions", "kernelArgs"];
const INSTALL: &[&str] = &["disk", "diskSelector"];
const PATCH: &[&str] = &["name", "idOverride", "labels", "annotations", "file", "inline"];
const MANIFEST: &[&str] = &["name", "mode", "labels", "annotations", "file", "inline"];
const HEALTH_CHECK: &[&str] = &["name", "idOverride", "interval", "labels", "annotations", "file", "job"];

/// Reads values, and notes what is wrong with them.
struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, at: At, message: impl Into<String>) {
        self.problems.push(at.problem(message));
    }

    fn document(&mut self, document: &Document) -> Option<Model> {
        let at = document.at;
        let Value::Map(entries) = &document.root.value else {
            self.problem(at, format!("unexpected node kind {}, expecting mapping", document.root.sort()));
            return None;
        };
        let Some((_, kind)) = entries.iter().find(|(key, _)| key.scalar.key() == "kind") else {
            self.problem(at, "kind field not found");
            return None;
        };
        let Value::Scalar(kind_name) = &kind.value else {
            self.problem(kind.at, format!("unexpected value type for kind field {}", kind.sort()));
            return None;
        };
        let name = if kind_name.is_null() { "" } else { kind_name.text.as_str() };
        match name {
            "Cluster" => self.cluster(at, &document.root).map(|cluster| Model::Cluster(Box::new(cluster))),
            "ControlPlane" => self.set(at, Role::ControlPlane, &document.root).map(|set| Model::Set(Box::new(set))),
            "Workers" => self.set(at, Role::Worker, &document.root).map(|set| Model::Set(Box::new(set))),
            "Machine" => self.machine(at, &document.root).map(|machine| Model::Machine(Box::new(machine))),
            other => {
                self.problem(kind.at, format!("unknown model kind {other:?}"));
                None
            }
        }
    }

    /// The fields of a map that may have `known` ones; null is as good as absent.
    fn fields<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Fields<'n>> {
        let Value::Map(entries) = &node.value else {
            self.problem(node.at, format!("expected a map of the fields of {what}, not {}", node.sort_name()));
            return None;
        };
        let mut fields = Fields { at: node.at, entries: Vec::new() };
        for (key, value) in entries {
            let name = key.scalar.key();
            if known.contains(&name) {
                if !value.is_null() {
                    fields.entries.push((key, value));
                }
                continue;
            }
            let hint = closest(name, known).map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default();
            self.problem(key.at, format!("unknown key {name:?} in {what}{hint}"));
        }
        Some(fields)
    }

    fn inner<'n>(&mut self, of: &Fields<'n>, key: &str, what: &str, known: &[&str]) -> Option<Fields<'n>> {
        let node = of.get(key)?;
        self.fields(node, what, known)
    }

    fn cluster(&mut self, at: At, node: &Node) -> Option<Cluster> {
        let fields = self.fields(node, "a Cluster", CLUSTER)?;
        let kubernetes = self.inner(&fields, "kubernetes", "kubernetes", KUBERNETES);
        let talos = self.inner(&fields, "talos", "talos", TALOS);
        let mut cluster = Cluster {
            at,
            name: self.text(&fields, "name"),
            descriptors: self.descriptors(&fields),
            kubernetes: Text { at, text: String::new() },
            talos: Text { at, text: String::new() },
            patches: self.patches(&fields),
            extensions: self.optional(&fields, "systemExtensions"),
            kernel_args: self.optional(&fields, "kernelArgs"),
            ..Cluster::default()
        };
        if let Some(kubernetes) = kubernetes {
            cluster.kubernetes = self.text(&kubernetes, "version");
            cluster.manifests = self.each(&kubernetes, "manifests", Self::manifest);
            cluster.health_checks = self.each(&kubernetes, "healthchecks", Self::health_check);
        }
        if let Some(talos) = talos {
            cluster.talos = self.text(&talos, "version");
        }
        if let Some(features) = self.inner(&fields, "features", "features", FEATURES) {
            cluster.features = self.features(&features);
        }
        Some(cluster)
    }

    fn features(&mut self, fields: &Fields<'_>) -> Features {
        let backup = self.inner(fields, "backupConfiguration", "backupConfiguration", BACKUP);
        Features {
            disk_encryption: self.flag(fields, "diskEncryption"),
            workload_proxy: self.flag(fields, "enableWorkloadProxy"),
            embedded_discovery: self.flag(fields, "useEmbeddedDiscoveryService"),
            no_public_discovery: self.flag(fields, "disablePublicDiscoveryService"),
            skip_node_audit: self.flag(fields, "enableNodeAuditSkip"),
            backup: backup.and_then(|backup| self.duration(&backup, "interval")),
        }
    }

    fn set(&mut self, at: At, role: Role, node: &Node) -> Option<MachineSet> {
        let what = match role {
            Role::ControlPlane => "a ControlPlane",
            Role::Worker => "Workers",
        };
        let fields = self.fields(node, what, SET)?;
        let class = self.inner(&fields, "machineClass", "machineClass", CLASS);
        let bootstrap = self.inner(&fields, "bootstrapSpec", "bootstrapSpec", BOOTSTRAP);
        Some(MachineSet {
            at,
            role,
            name: self.text(&fields, "name"),
            descriptors: self.descriptors(&fields),
            machines: self.texts(&fields, "machines").unwrap_or_default(),
            class: class.map(|class| MachineClass {
                at: class.at,
                name: self.text(&class, "name").text,
                size: self.size(&class),
            }),
            update: self.strategy(&fields, "updateStrategy"),
            delete: self.strategy(&fields, "deleteStrategy"),
            upgrade: self.strategy(&fields, "upgradeStrategy"),
            bootstrap: bootstrap.map(|bootstrap| Bootstrap {
                at: bootstrap.at,
                cluster_uuid: self.text(&bootstrap, "clusterUUID").text,
                snapshot: self.text(&bootstrap, "snapshot").text,
            }),
            patches: self.patches(&fields),
            extensions: self.optional(&fields, "systemExtensions"),
            kernel_args: self.optional(&fields, "kernelArgs"),
        })
    }

    fn strategy(&mut self, of: &Fields<'_>, key: &str) -> Option<Strategy> {
        let (name, node) = of.entry(key)?;
        let fields = self.fields(node, key, STRATEGY)?;
        let kind = fields.get("type").and_then(|node| {
            let text = self.string(node)?;
            match text.as_str() {
                "Unset" => Some(UpdateStrategy::Unset),
                "Rolling" => Some(UpdateStrategy::Rolling),
                _ => {
                    self.problem(node.at, format!("invalid update strategy type {text}"));
                    None
                }
            }
        });
        let rolling = self.inner(&fields, "rolling", "rolling", ROLLING);
        let rolling = rolling.map(|rolling| {
            let Some(node) = rolling.get("maxParallelism") else { return 0 };
            let number = match &node.value {
                Value::Scalar(scalar) => whole_number(scalar),
                _ => None,
            };
            number.unwrap_or_else(|| {
                self.problem(node.at, format!("expected a whole number from 0 to {}", u32::MAX));
                0
            })
        });
        Some(Strategy { at: name.at, kind, rolling })
    }

    /// The size of a machine class; `None` for all its machines.
    fn size(&mut self, class: &Fields<'_>) -> Option<u32> {
        let Some(node) = class.get("size") else { return Some(0) };
        let Some(text) = self.string(node) else { return Some(0) };
        match text.as_str() {
            "unlimited" | "Unlimited" | "∞" | "infinity" => None,
            "Static" => Some(0),
            digits => Some(match digits.parse::<u32>() {
                Ok(size) if digits.bytes().all(|b| b.is_ascii_digit()) => size,
                _ => {
                    let why = format!("it must be a whole number from 0 to {}, or \"unlimited\"", u32::MAX);
                    self.problem(node.at, format!("invalid machine count {text}: {why}"));
                    0
                }
            }),
        }
    }

    fn machine(&mut self, at: At, node: &Node) -> Option<Machine> {
        let fields = self.fields(node, "a Machine", MACHINE)?;
        let mut machine = Machine {
            at,
            name: self.text(&fields, "name"),
            descriptors: self.descriptors(&fields),
            locked: self.flag(&fields, "locked").filter(|(_, locked)| *locked).map(|(at, _)| at),
            patches: self.patches(&fields),
            extensions: self.optional(&fields, "systemExtensions"),
            kernel_args: self.optional(&fields, "kernelArgs"),
            ..Machine::default()
        };
        if let Some(install) = self.inner(&fields, "install", "install", INSTALL) {
            machine.disk = self.text(&install, "disk");
            machine.disk_selector = self.text(&install, "diskSelector");
        }
        Some(machine)
    }

    fn patches(&mut self, of: &Fields<'_>) -> Vec<Patch> {
        self.each(of, "patches", Self::patch)
    }

    fn patch(&mut self, node: &Node) -> Option<Patch> {
        let fields = self.fields(node, "a patch", PATCH)?;
        Some(Patch {
            at: node.at,
            name: self.text(&fields, "name"),
            id: self.text(&fields, "idOverride"),
            descriptors: self.descriptors(&fields),
            source: self.source(&fields, "inline"),
        })
    }

    fn manifest(&mut self, node: &Node) -> Option<Manifest> {
        let fields = self.fields(node, "a manifest", MANIFEST)?;
        let mode = fields.get("mode").and_then(|node| {
            let text = self.string(node)?;
            match text.as_str() {
                "full" => Some(Mode::Full),
                "one-time" => Some(Mode::OneTime),
                _ => {
                    self.problem(node.at, format!("unknown mode name {text:?}"));
                    None
                }
            }
        });
        Some(Manifest {
            at: node.at,
            name: self.text(&fields, "name"),
            mode,
            descriptors: self.descriptors(&fields),
            source: self.source(&fields, "inline"),
        })
    }

    fn health_check(&mut self, node: &Node) -> Option<HealthCheck> {
        let fields = self.fields(node, "a healthcheck", HEALTH_CHECK)?;
        Some(HealthCheck {
            at: node.at,
            name: self.text(&fields, "name"),
            id: self.text(&fields, "idOverride"),
            interval: self.duration(&fields, "interval"),
            descriptors: self.descriptors(&fields),
            source: self.source(&fields, "job"),
        })
    }

    fn source(&mut self, of: &Fields<'_>, inline: &str) -> Source {
        let file = self.text(of, "file");
        let inline = of.get(inline).and_then(|node| {
            let content = match &node.value {
                Value::Map(_) => Content::Documents(vec![node.clone()]),
                Value::List(elements) => {
                    for element in elements.iter().filter(|element| element.sort() != 4) {
                        self.problem(element.at, format!("expected a map, not {}", element.sort_name()));
                    }
                    Content::Documents(elements.clone())
                }
                Value::Scalar(scalar) if scalar.reading() == Reading::Text => Content::Text(scalar.text.clone()),
                Value::Scalar(scalar) => {
                    self.problem(node.at, format!("expected string, but got {}", tag(scalar)));
                    return None;
                }
            };
            Some(Inline { at: node.at, content })
        });
        Source { file, inline }
    }

    fn each<T>(&mut self, of: &Fields<'_>, key: &str, read: impl Fn(&mut Self, &Node) -> Option<T>) -> Vec<T> {
        self.list(of, key)
            .map(|elements| elements.iter().filter_map(|node| read(self, node)).collect())
            .unwrap_or_default()
    }

    fn list<'n>(&mut self, of: &Fields<'n>, key: &str) -> Option<&'n [Node]> {
        let node = of.get(key)?;
        match &node.value {
            Value::List(elements) => Some(elements),
            _ => {
                self.problem(node.at, format!("expected a list of {key}, not {}", node.sort_name()));
                None
            }
        }
    }

    fn texts(&mut self, of: &Fields<'_>, key: &str) -> Option<Vec<Text>> {
        let elements = self.list(of, key)?;
        let each = elements.iter().map(|node| Text { at: node.at, text: self.string(node).unwrap_or_default() });
        Some(each.collect())
    }

    fn optional(&mut self, of: &Fields<'_>, key: &str) -> Optional {
        let at = of.entry(key).map_or(of.at, |(key, _)| key.at);
        let texts = self.texts(of, key).map(|texts| texts.into_iter().map(|text| text.text).collect());
        Optional { at, texts }
    }

    fn descriptors(&mut self, of: &Fields<'_>) -> Descriptors {
        Descriptors { labels: self.pairs(of, "labels"), annotations: self.pairs(of, "annotations") }
    }

    fn pairs(&mut self, of: &Fields<'_>, key: &str) -> Pairs {
        let Some(node) = of.get(key) else { return Vec::new() };
        let Value::Map(entries) = &node.value else {
            self.problem(node.at, format!("expected a map of {key}, not {}", node.sort_name()));
            return Vec::new();
        };
        let pair = |(key, value): &(Key, Node)| {
            let name = Text { at: key.at, text: key.scalar.key().to_owned() };
            Some((name, self.string(value)?))
        };
        entries.iter().filter_map(pair).collect()
    }

    /// The text at a key; where there is none, it is empty.
    fn text(&mut self, of: &Fields<'_>, key: &str) -> Text {
        match of.get(key) {
            Some(node) => Text { at: node.at, text: self.string(node).unwrap_or_default() },
            None => Text { at: of.at, text: String::new() },
        }
    }

    /// A single value as it is written.
    fn string(&mut self, node: &Node) -> Option<String> {
        match &node.value {
            Value::Scalar(scalar) if scalar.is_null() => Some(String::new()),
            Value::Scalar(scalar) if scalar.reading() == Reading::Time => {
                self.problem(node.at, "expected text, not a time; put it in quotes");
                None
            }
            Value::Scalar(scalar) => Some(scalar.text.clone()),
            _ => {
                self.problem(node.at, format!("expected text, not {}", node.sort_name()));
                None
            }
        }
    }

    fn flag(&mut self, of: &Fields<'_>, key: &str) -> Option<(At, bool)> {
        let (name, node) = of.entry(key)?;
        let flag = match &node.value {
            Value::Scalar(scalar) => match scalar.text.as_str() {
                "true" | "True" | "TRUE" if scalar.reading() == Reading::Bool => Some(true),
                "false" | "False" | "FALSE" if scalar.reading() == Reading::Bool => Some(false),
                word if super::emit::is_old_bool(word) => {
                    Some(matches!(word.to_ascii_lowercase().as_str(), "y" | "yes" | "on"))
                }
                _ => None,
            },
            _ => None,
        };
        if flag.is_none() {
            self.problem(node.at, "expected true or false");
        }
        flag.map(|flag| (name.at, flag))
    }

    fn duration(&mut self, of: &Fields<'_>, key: &str) -> Option<go_duration::GoDuration> {
        let node = of.get(key)?;
        let text = self.string(node)?;
        match go_duration::parse(&text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                self.problem(node.at, format!("expected a duration: {error}"));
                None
            }
        }
    }
}

fn whole_number(scalar: &Scalar) -> Option<u32> {
    let node = kit::yaml::Node::Scalar(scalar.clone());
    serde_json::Value::from(node).as_u64().and_then(|number| number.try_into().ok())
}

/// The type of a scalar, as YAML names it.
fn tag(scalar: &Scalar) -> &'static str {
    match scalar.reading() {
        Reading::Null => "!!null",
        Reading::Bool => "!!bool",
        Reading::Int | Reading::Uint => "!!int",
        Reading::Float => "!!float",
        Reading::Time => "!!timestamp",
        Reading::Merge => "!!merge",
        Reading::Text => "!!str",
    }
}
