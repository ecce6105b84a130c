//! Objects of a cluster as a template.

use super::emit::{Layout, Tree, write};
use super::nodes::documents;
use super::render::{INSTALL_DISK, SYSTEM_PATCH, install_disk_patch};
use super::{ExportError, ExportOptions, Release, content};
use crate::omni::labels;
use crate::omni::spec::compressed::{Compressed, text};
use crate::omni::spec::{Spec, decode};
use crate::omni::state::{Metadata, Resource};
use kit::go_duration::GoDuration;
use kit::yaml::{Budget, parse_nodes};
use omni_proto::specs;
use omni_proto::specs::kubernetes_manifest_group_spec::Mode;
use omni_proto::specs::machine_set_spec::machine_allocation::Type;
use omni_proto::specs::machine_set_spec::{UpdateStrategy, UpdateStrategyConfig};
use prost_types::Duration;
use std::collections::BTreeMap;

type Entries = Vec<(&'static str, Tree)>;

/// See [`super::export()`].
pub(super) fn export(
    cluster: &str,
    objects: &[Resource],
    options: ExportOptions,
    release: Release,
) -> Result<String, ExportError> {
    let exporter = Exporter { cluster, objects, options, release };
    let layout = Layout::new(2, release);
    let documents = exporter.documents()?;
    Ok(documents.iter().map(|document| write(document, layout)).collect::<Vec<_>>().join("---\n"))
}

struct Exporter<'o> {
    cluster: &'o str,
    objects: &'o [Resource],
    options: ExportOptions,
    release: Release,
}

fn undecodable(error: &crate::omni::error::Error) -> ExportError {
    ExportError(error.to_string())
}

impl<'o> Exporter<'o> {
    /// The objects of a kind that users made, by ID.
    fn all<S: Spec>(&self) -> Result<Vec<(&'o Resource, S)>, ExportError> {
        let mine = |object: &&Resource| object.key.kind == S::KIND && !labels::is_systems(&object.metadata);
        let mut all: Vec<&Resource> = self.objects.iter().filter(mine).collect();
        all.sort_by(|a, b| a.key.id.cmp(&b.key.id));
        all.into_iter().map(|object| Ok((object, decode::<S>(object).map_err(|e| undecodable(&e))?))).collect()
    }

    /// Those of the cluster.
    fn labelled<S: Spec>(&self) -> Result<Vec<(&'o Resource, S)>, ExportError> {
        let mut all = self.all::<S>()?;
        all.retain(|(object, _)| label(&object.metadata, labels::CLUSTER) == Some(self.cluster));
        Ok(all)
    }

    fn documents(&self) -> Result<Vec<Tree>, ExportError> {
        let mut documents = vec![self.cluster()?];
        let mut sets = self.labelled::<specs::MachineSetSpec>()?;
        let is_plane = |object: &Resource| object.metadata.labels.contains_key(labels::ROLE_CONTROL_PLANE);
        let planes = sets.iter().filter(|(object, _)| is_plane(object)).count();
        if planes != 1 {
            let cluster = self.cluster;
            let found = if planes == 0 { "no".to_owned() } else { planes.to_string() };
            return Err(ExportError(format!(
                "cluster {cluster:?} has {found} machine sets of a control plane, and a template has one: it is not complete, so it cannot be exported"
            )));
        }
        let names: BTreeMap<String, String> = sets
            .iter()
            .map(|(set, _)| Ok((set.key.id.clone(), self.set_name(set)?)))
            .collect::<Result<_, ExportError>>()?;
        let name = |set: &Resource| names.get(&set.key.id).cloned().unwrap_or_default();
        sets.sort_by_key(|(set, _)| (!is_plane(set), name(set)));
        let nodes = self.labelled::<specs::MachineSetNodeSpec>()?;
        let mut machines: Vec<&Resource> = Vec::new();
        for (set, spec) in &sets {
            let of_class = spec.machine_allocation.is_some() || class(spec).is_some();
            let of_set = |node: &&Resource| label(&node.metadata, labels::MACHINE_SET) == Some(&set.key.id);
            let members: Vec<&Resource> = nodes.iter().map(|(node, _)| *node).filter(of_set).collect();
            let members = if of_class { Vec::new() } else { members };
            documents.push(self.set(set, spec, &name(set), &members)?);
            machines.extend(members);
        }
        machines.sort_by(|a, b| a.key.id.cmp(&b.key.id));
        for machine in machines {
            documents.push(self.machine(machine)?);
        }
        Ok(documents)
    }

    /// The name of a set in a template: empty for the first workers.
    fn set_name(&self, set: &Resource) -> Result<String, ExportError> {
        let id = &set.key.id;
        let suffix = id.strip_prefix(self.cluster).and_then(|id| id.strip_prefix('-'));
        let is_plane = set.metadata.labels.contains_key(labels::ROLE_CONTROL_PLANE);
        match suffix {
            Some("control-planes") if is_plane => Ok(String::new()),
            Some("workers") if !is_plane => Ok(String::new()),
            Some(name) if !is_plane && name != "control-planes" && !name.is_empty() => Ok(name.to_owned()),
            _ => Err(ExportError(format!("machine set {id:?} has an ID that no template gives to it"))),
        }
    }

    fn cluster(&self) -> Result<Tree, ExportError> {
        let clusters = self.all::<specs::ClusterSpec>()?;
        let found = clusters.into_iter().find(|(object, _)| object.key.id == self.cluster);
        let (object, spec) = found.ok_or_else(|| ExportError(format!("cluster {:?} does not exist", self.cluster)))?;
        let mut document = vec![("kind", Tree::bare("Cluster"))];
        document.extend(self.extensions(Scope::Cluster)?);
        document.push(("name", Tree::text(self.cluster)));
        document.extend(descriptors(&object.metadata));
        let mut kubernetes = vec![("version", Tree::text(format!("v{}", spec.kubernetes_version)))];
        kubernetes.extend(list("manifests", self.manifests()?));
        kubernetes.extend(list("healthchecks", self.health_checks()?));
        document.push(("kubernetes", Tree::map(kubernetes)));
        document.push(("talos", Tree::map([("version", Tree::text(format!("v{}", spec.talos_version)))])));
        let features = features(&spec);
        if !features.is_empty() {
            document.push(("features", Tree::map(features)));
        }
        document.extend(list("patches", self.patches(Scope::Cluster)?));
        Ok(Tree::map(document))
    }

    /// The first extensions of the cluster, a set or a machine.
    fn extensions(&self, of: Scope<'_>) -> Result<Option<(&'static str, Tree)>, ExportError> {
        let all = self.labelled::<specs::ExtensionsConfigurationSpec>()?;
        let found = all.iter().find(|(object, _)| Scope::of(&object.metadata) == of);
        Ok(found.map(|(_, spec)| ("systemExtensions", Tree::texts(&spec.extensions))))
    }

    fn patches(&self, of: Scope<'_>) -> Result<Vec<Tree>, ExportError> {
        let mut patches = Vec::new();
        for (object, _) in self.labelled::<specs::ConfigPatchSpec>()? {
            if Scope::of(&object.metadata) != of || disk_of(object).is_some() {
                continue;
            }
            let mut patch = vec![("idOverride", Tree::text(object.key.id.as_str()))];
            patch.extend(descriptors(&object.metadata));
            patch.push(("inline", self.inline::<specs::ConfigPatchSpec>(object)?));
            patches.push(Tree::map(patch));
        }
        Ok(patches)
    }

    fn inline<S: Compressed>(&self, object: &Resource) -> Result<Tree, ExportError> {
        let text = text::<S>(object).map_err(|e| undecodable(&e))?;
        // Before 1.8, content could only be a map.
        if !self.release.is_from(8)
            && let Ok(documents) = documents(&text)
            && let [document] = documents.as_slice()
            && document.root.sort() == 4
        {
            return Ok(content::tree(&document.root));
        }
        Ok(Tree::Block(text))
    }

    fn manifests(&self) -> Result<Vec<Tree>, ExportError> {
        let mut manifests = Vec::new();
        for (object, spec) in self.labelled::<specs::KubernetesManifestGroupSpec>()? {
            let name = self.manifest_name(object)?;
            let mut metadata = object.metadata.clone();
            if metadata.annotations.get(labels::NAME) == Some(&name) {
                metadata.annotations.remove(labels::NAME);
            }
            let mut manifest = vec![("inline", self.inline::<specs::KubernetesManifestGroupSpec>(object)?)];
            manifest.extend(descriptors(&metadata));
            manifest.push(("name", Tree::text(name)));
            match spec.mode() {
                Mode::Full => manifest.push(("mode", Tree::bare("full"))),
                Mode::OneTime => manifest.push(("mode", Tree::bare("one-time"))),
                Mode::Unknown => {}
            }
            manifests.push(Tree::map(manifest));
        }
        Ok(manifests)
    }

    /// The name that gives a manifest the ID that it has, else the one of its annotation.
    fn manifest_name(&self, object: &Resource) -> Result<String, ExportError> {
        let id = &object.key.id;
        let number = id.get(..3).filter(|number| number.bytes().all(|b| b.is_ascii_digit()));
        let rest = number.and_then(|_| id[3..].strip_prefix("-cluster-"));
        let name = rest.and_then(|rest| rest.strip_prefix(self.cluster)).and_then(|rest| rest.strip_prefix('-'));
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        let name = name.or_else(|| object.metadata.annotations.get(labels::NAME).cloned());
        name.ok_or_else(|| ExportError(format!("manifest {id:?} has no name annotation")))
    }

    fn health_checks(&self) -> Result<Vec<Tree>, ExportError> {
        let all = self.labelled::<specs::KubernetesHealthCheckSpec>()?;
        let each = all.into_iter().map(|(object, spec)| {
            let mut check = descriptors(&object.metadata);
            check.push(("idOverride", Tree::text(object.key.id.as_str())));
            check.push(("job", Tree::Block(spec.job)));
            check.extend(duration(spec.interval.as_ref()).map(|interval| ("interval", interval)));
            Tree::map(check)
        });
        Ok(each.collect())
    }

    fn set(
        &self,
        set: &Resource,
        spec: &specs::MachineSetSpec,
        name: &str,
        members: &[&Resource],
    ) -> Result<Tree, ExportError> {
        let is_plane = set.metadata.labels.contains_key(labels::ROLE_CONTROL_PLANE);
        let of_set = Scope::Set(&set.key.id);
        let mut document = vec![("kind", Tree::bare(if is_plane { "ControlPlane" } else { "Workers" }))];
        document.extend(self.extensions(of_set)?);
        if !name.is_empty() {
            document.push(("name", Tree::text(name)));
        }
        document.extend(descriptors(&set.metadata));
        if let Some(bootstrap) = &spec.bootstrap_spec {
            let bootstrap = Tree::map([
                ("clusterUUID", Tree::text(bootstrap.cluster_uuid.as_str())),
                ("snapshot", Tree::text(bootstrap.snapshot.as_str())),
            ]);
            document.push(("bootstrapSpec", bootstrap));
        }
        let members = members.iter().map(|machine| Tree::text(machine.key.id.as_str())).collect();
        document.extend(list("machines", members));
        if let Some(class) = class(spec).or(spec.machine_allocation.as_ref()) {
            let size = match class.allocation_type() {
                Type::Unlimited => Tree::bare("unlimited"),
                Type::Static => Tree::bare(class.machine_count.to_string()),
            };
            let class = Tree::map([("name", Tree::text(class.name.as_str())), ("size", size)]);
            document.push(("machineClass", class));
        }
        let default = UpdateStrategy::Unset;
        for (key, kind, default, config) in [
            ("updateStrategy", spec.update_strategy(), UpdateStrategy::Rolling, &spec.update_strategy_config),
            ("deleteStrategy", spec.delete_strategy(), default, &spec.delete_strategy_config),
            ("upgradeStrategy", spec.upgrade_strategy(), default, &spec.upgrade_strategy_config),
        ] {
            // A control plane has no strategies of updates and deletes.
            let is_allowed = !is_plane || key == "upgradeStrategy";
            let strategy = strategy(kind, default, config.as_ref());
            document.extend(strategy.filter(|_| is_allowed).map(|strategy| (key, strategy)));
        }
        document.extend(list("patches", self.patches(of_set)?));
        Ok(Tree::map(document))
    }

    fn machine(&self, node: &Resource) -> Result<Tree, ExportError> {
        let id = node.key.id.as_str();
        let of_machine = Scope::Machine(id);
        let mut document = vec![("kind", Tree::bare("Machine"))];
        document.extend(self.extensions(of_machine)?);
        document.push(("name", Tree::text(id)));
        document.extend(descriptors(&node.metadata));
        if node.metadata.annotations.contains_key(labels::LOCKED) {
            document.push(("locked", Tree::bare("true")));
        }
        if let Some(install) = self.install(id)? {
            document.push(("install", install));
        }
        document.extend(list("patches", self.patches(of_machine)?));
        if self.options.kernel_args {
            let all = self.all::<specs::KernelArgsSpec>()?;
            let args = all.iter().find(|(object, _)| object.key.id == id);
            document.extend(args.map(|(_, spec)| ("kernelArgs", Tree::texts(&spec.args))));
        }
        Ok(Tree::map(document))
    }

    fn install(&self, machine: &str) -> Result<Option<Tree>, ExportError> {
        let configs = self.all::<specs::MachineInstallDiskConfigSpec>()?;
        if let Some((_, config)) = configs.iter().find(|(object, _)| object.key.id == machine) {
            let disk = [("disk", &config.disk), ("diskSelector", &config.disk_selector)];
            let disk = disk.into_iter().filter(|(_, text)| !text.is_empty());
            let disk: Entries = disk.map(|(key, text)| (key, Tree::text(text.as_str()))).collect();
            return Ok((!disk.is_empty()).then(|| Tree::map(disk)));
        }
        let patches = self.labelled::<specs::ConfigPatchSpec>()?;
        let patch = patches.iter().find(|(object, _)| object.key.id == install_disk_patch(machine));
        let disk = patch.and_then(|(object, _)| disk_of(object));
        Ok(disk.map(|disk| Tree::map([("disk", Tree::text(disk))])))
    }
}

/// The disk that a patch of a machine chooses, if that is all that it is for.
fn disk_of(patch: &Resource) -> Option<String> {
    let Metadata { labels, annotations, .. } = &patch.metadata;
    let machine = labels.get(labels::CLUSTER_MACHINE)?;
    let is_setting = labels.contains_key(SYSTEM_PATCH)
        && annotations.get(labels::NAME).is_some_and(|name| name == INSTALL_DISK)
        && patch.key.id == install_disk_patch(machine);
    if !is_setting {
        return None;
    }
    let text = text::<specs::ConfigPatchSpec>(patch).ok()?;
    let documents = parse_nodes(&text, &mut Budget::default()).ok()?;
    documents.first()?.get("machine")?.get("install")?.get("disk")?.text().map(str::to_owned)
}

#[allow(deprecated, reason = "clusters that were made long ago have it, and it wins over its successor")]
fn class(spec: &specs::MachineSetSpec) -> Option<&specs::machine_set_spec::MachineAllocation> {
    spec.machine_class.as_ref()
}

fn label<'m>(metadata: &'m Metadata, key: &str) -> Option<&'m str> {
    metadata.labels.get(key).map(String::as_str)
}

/// What an object of a cluster is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope<'s> {
    Cluster,
    Set(&'s str),
    Machine(&'s str),
}

impl<'s> Scope<'s> {
    fn of(metadata: &'s Metadata) -> Self {
        let machine = label(metadata, labels::CLUSTER_MACHINE).map(Self::Machine);
        machine.or_else(|| label(metadata, labels::MACHINE_SET).map(Self::Set)).unwrap_or(Self::Cluster)
    }
}

/// What users say of an object.
fn descriptors(metadata: &Metadata) -> Entries {
    let pairs = |all: &BTreeMap<String, String>| {
        let all = labels::of_users(all);
        Tree::Map(all.into_iter().map(|(key, value)| (Tree::text(key), Tree::text(value))).collect())
    };
    let all = [("labels", pairs(&metadata.labels)), ("annotations", pairs(&metadata.annotations))];
    all.into_iter().filter(|(_, pairs)| !matches!(pairs, Tree::Map(pairs) if pairs.is_empty())).collect()
}

fn list(key: &'static str, elements: Vec<Tree>) -> Option<(&'static str, Tree)> {
    (!elements.is_empty()).then_some((key, Tree::List(elements)))
}

fn duration(duration: Option<&Duration>) -> Option<Tree> {
    let duration = duration?;
    let duration = GoDuration::from_parts(duration.seconds, duration.nanos)?;
    (duration.nanos() != 0).then(|| Tree::text(duration.to_string()))
}

fn features(spec: &specs::ClusterSpec) -> Entries {
    let mut entries = Entries::new();
    if let Some(features) = &spec.features {
        for (key, flag) in [
            ("diskEncryption", features.disk_encryption),
            ("enableWorkloadProxy", features.enable_workload_proxy),
            ("useEmbeddedDiscoveryService", features.use_embedded_discovery_service),
            ("disablePublicDiscoveryService", features.disable_public_discovery_service),
            ("enableNodeAuditSkip", features.enable_node_audit_skip),
        ] {
            if flag {
                entries.push((key, Tree::bare("true")));
            }
        }
    }
    let backup = spec.backup_configuration.as_ref().and_then(|backup| duration(backup.interval.as_ref()));
    entries.extend(backup.map(|interval| ("backupConfiguration", Tree::map([("interval", interval)]))));
    entries
}

/// A strategy that is not what a template without it means.
fn strategy(kind: UpdateStrategy, default: UpdateStrategy, config: Option<&UpdateStrategyConfig>) -> Option<Tree> {
    let mut entries = Entries::new();
    if kind != default {
        let name = match kind {
            UpdateStrategy::Unset => "Unset",
            UpdateStrategy::Rolling => "Rolling",
        };
        entries.push(("type", Tree::bare(name)));
    }
    if let Some(rolling) = config.and_then(|config| config.rolling.as_ref()) {
        let number = rolling.max_parallelism;
        let rolling = (number != 0).then(|| ("maxParallelism", Tree::bare(number.to_string())));
        entries.push(("rolling", Tree::map(rolling)));
    }
    (!entries.is_empty()).then(|| Tree::map(entries))
}
