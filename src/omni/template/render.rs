//! The objects that the documents of a template stand for.

use super::emit::{Layout, Tree, write};
use super::models::{
    Cluster, Descriptors, HealthCheck, Machine, MachineSet, Manifest, Model, Optional, Pairs, Patch, Role, Source,
    Strategy,
};
use super::nodes::At;
use super::{Files, Problem, Release, content, full_name};
use crate::omni::labels;
use crate::omni::spec::{Spec, resource};
use crate::omni::state::{Key, Resource};
use kit::gather::Gather as _;
use kit::go_duration::GoDuration;
use omni_proto::specs;
use omni_proto::specs::machine_set_spec::machine_allocation::Type;
use omni_proto::specs::machine_set_spec::{
    BootstrapSpec, MachineAllocation, RollingUpdateStrategyConfig, UpdateStrategy, UpdateStrategyConfig,
};
use prost_types::Duration;
use std::collections::{BTreeMap, HashSet};

/// Label of a patch that Omni's tools made for a setting.
pub(super) const SYSTEM_PATCH: &str = "omni.sidero.dev/system-patch";
/// The number of the first patch or manifest of a cluster.
const CLUSTER_BASE: usize = 200;
/// The number of the first patch of a set or a machine.
const SET_BASE: usize = 400;

/// The objects, in the order of omnictl.
///
/// # Errors
/// What only shows when they are made.
pub(super) fn objects(models: &[Model], files: &dyn Files, release: Release) -> Result<Vec<Resource>, Vec<Problem>> {
    let mut renderer = Renderer::new(models, files, release);
    renderer.render(models);
    if renderer.problems.is_empty() {
        return Ok(renderer.made.into_iter().map(|(object, _)| object).collect());
    }
    Err(renderer.problems)
}

/// What is wrong with the objects together: duplicate IDs, and kernel arguments for machines of a class.
/// Files that cannot be read are told elsewhere.
pub(super) fn conflicts(models: &[Model], files: &dyn Files, release: Release) -> Vec<Problem> {
    let mut renderer = Renderer::new(models, files, release);
    renderer.ignores_files = true;
    renderer.render(models);
    renderer.problems
}

type Labels = BTreeMap<String, String>;

struct Renderer<'t> {
    files: &'t dyn Files,
    release: Release,
    cluster: Option<&'t Cluster>,
    sets: Vec<&'t MachineSet>,
    machines: Vec<&'t Machine>,
    ignores_files: bool,
    made: Vec<(Resource, At)>,
    problems: Vec<Problem>,
}

impl<'t> Renderer<'t> {
    fn new(models: &'t [Model], files: &'t dyn Files, release: Release) -> Self {
        let (mut cluster, mut sets, mut machines) = (None, Vec::new(), Vec::new());
        for model in models {
            match model {
                Model::Cluster(found) => cluster = cluster.or(Some(&**found)),
                Model::Set(set) => sets.push(&**set),
                Model::Machine(machine) => machines.push(&**machine),
            }
        }
        let (made, problems) = (Vec::new(), Vec::new());
        Self { files, release, cluster, sets, machines, ignores_files: false, made, problems }
    }

    fn render(&mut self, models: &[Model]) {
        for model in models {
            match model {
                Model::Cluster(cluster) => self.cluster(cluster),
                Model::Set(set) => self.set(set),
                Model::Machine(machine) => self.machine(machine),
            }
        }
        let mut seen: HashSet<&Key> = HashSet::new();
        let twice = self.made.iter().filter(|(object, _)| !seen.insert(&object.key));
        let twice = twice.map(|(object, at)| at.problem(format!("resource ID duplicate {}", full_name(&object.key))));
        self.problems.extend(twice.collect::<Vec<_>>());
    }

    fn cluster_name(&self) -> String {
        self.cluster.map(|cluster| cluster.name.text.clone()).unwrap_or_default()
    }

    fn push<S: Spec>(&mut self, at: At, id: String, spec: &S, labels: Labels, annotations: Labels) {
        let mut object = resource(id, spec);
        object.metadata.labels = labels;
        object.metadata.annotations = annotations;
        self.made.push((object, at));
    }

    fn cluster(&mut self, cluster: &Cluster) {
        let name = cluster.name.text.clone();
        let features = &cluster.features;
        let on = |flag: Option<(At, bool)>| flag.is_some_and(|(_, on)| on);
        let spec = specs::ClusterSpec {
            kubernetes_version: stored(&cluster.kubernetes.text).to_owned(),
            talos_version: stored(&cluster.talos.text).to_owned(),
            features: Some(specs::cluster_spec::Features {
                enable_workload_proxy: on(features.workload_proxy),
                disk_encryption: on(features.disk_encryption),
                use_embedded_discovery_service: on(features.embedded_discovery),
                enable_node_audit_skip: on(features.skip_node_audit),
                disable_public_discovery_service: on(features.no_public_discovery),
            }),
            backup_configuration: positive(features.backup)
                .map(|interval| specs::EtcdBackupConf { interval: Some(interval), enabled: true }),
        };
        let mut annotations = pairs(&cluster.descriptors.annotations);
        annotations.insert(labels::MANAGED_BY_TEMPLATES.to_owned(), String::new());
        self.push(cluster.at, name.clone(), &spec, pairs(&cluster.descriptors.labels), annotations);
        let of_cluster = self.own_labels(&[]);
        self.patches(&cluster.patches, CLUSTER_BASE, &format!("cluster-{name}"), &of_cluster);
        for (index, manifest) in cluster.manifests.iter().enumerate() {
            self.manifest(&name, CLUSTER_BASE + index, manifest, &of_cluster);
        }
        for health_check in &cluster.health_checks {
            self.health_check(&name, health_check, &of_cluster);
        }
        self.extensions(&cluster.extensions, &name, &of_cluster);
    }

    /// The label of the cluster, and others.
    fn own_labels(&self, others: &[(&str, &str)]) -> Labels {
        let mut all = Labels::from([(labels::CLUSTER.to_owned(), self.cluster_name())]);
        all.extend(others.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        all
    }

    fn patches(&mut self, patches: &[Patch], base: usize, prefix: &str, own: &Labels) {
        for (index, patch) in patches.iter().enumerate() {
            let name = patch.display_name().to_owned();
            let id = match patch.id.text.as_str() {
                "" => format!("{:03}-{prefix}-{name}", base + index),
                id => id.to_owned(),
            };
            let what = format!("patch {name:?}");
            let Some(data) = self.content(patch.at, &what, &patch.source) else { continue };
            let spec = specs::ConfigPatchSpec { data, ..specs::ConfigPatchSpec::default() };
            let (labels, annotations) = named(&patch.descriptors, own, Some(&name));
            self.push(patch.at, id, &spec, labels, annotations);
        }
    }

    fn manifest(&mut self, cluster: &str, number: usize, manifest: &Manifest, own: &Labels) {
        let name = manifest.display_name().to_owned();
        let what = format!("manifest {name:?}");
        let Some(data) = self.content(manifest.at, &what, &manifest.source) else { return };
        let mut spec = specs::KubernetesManifestGroupSpec { data, ..specs::KubernetesManifestGroupSpec::default() };
        spec.set_mode(manifest.mode.unwrap_or_default());
        let (labels, annotations) = named(&manifest.descriptors, own, Some(&name));
        self.push(manifest.at, format!("{number:03}-cluster-{cluster}-{name}"), &spec, labels, annotations);
    }

    fn health_check(&mut self, cluster: &str, health_check: &HealthCheck, own: &Labels) {
        let id = match health_check.id.text.as_str() {
            "" => format!("cluster-{cluster}-{}", health_check.name.text),
            id => id.to_owned(),
        };
        let what = format!("healthcheck {:?}", health_check.display_name());
        let Some(job) = self.content(health_check.at, &what, &health_check.source) else { return };
        let spec = specs::KubernetesHealthCheckSpec { job, interval: positive(health_check.interval) };
        let (labels, annotations) = named(&health_check.descriptors, own, None);
        self.push(health_check.at, id, &spec, labels, annotations);
    }

    fn content(&mut self, at: At, what: &str, source: &Source) -> Option<String> {
        if let Some(inline) = &source.inline {
            return Some(content::text(inline, self.release));
        }
        match self.files.read(&source.file.text) {
            Ok(text) => Some(text),
            Err(_) if self.ignores_files => Some(String::new()),
            Err(error) => {
                self.problems.push(at.problem(format!("failed to read {what}: {error}")));
                None
            }
        }
    }

    fn extensions(&mut self, extensions: &Optional, of: &str, own: &Labels) {
        let Some(texts) = &extensions.texts else { return };
        // Before 1.9, an empty list was as good as none.
        if texts.is_empty() && !self.release.is_from(9) {
            return;
        }
        let spec = specs::ExtensionsConfigurationSpec { extensions: texts.clone() };
        self.push(extensions.at, format!("schematic-{of}"), &spec, own.clone(), Labels::new());
    }

    fn kernel_args(&mut self, at: At, machine: &str, args: Option<&Vec<String>>) {
        let Some(args) = args else { return };
        let spec = specs::KernelArgsSpec { args: args.clone() };
        self.push(at, machine.to_owned(), &spec, Labels::new(), managed());
    }

    fn set_id(&self, set: &MachineSet) -> String {
        let suffix = match (set.role, set.name.text.as_str()) {
            (Role::ControlPlane, _) => "control-planes",
            (Role::Worker, "") => "workers",
            (Role::Worker, name) => name,
        };
        format!("{}-{suffix}", self.cluster_name())
    }

    fn set(&mut self, set: &MachineSet) {
        let id = self.set_id(set);
        let role = match set.role {
            Role::ControlPlane => labels::ROLE_CONTROL_PLANE,
            Role::Worker => labels::ROLE_WORKER,
        };
        let kind = |strategy: &Option<Strategy>, default| strategy.as_ref().and_then(|s| s.kind).unwrap_or(default);
        let mut spec = specs::MachineSetSpec {
            bootstrap_spec: set.bootstrap.as_ref().map(|bootstrap| BootstrapSpec {
                cluster_uuid: bootstrap.cluster_uuid.clone(),
                snapshot: bootstrap.snapshot.clone(),
            }),
            machine_allocation: set.class.as_ref().map(|class| MachineAllocation {
                name: class.name.clone(),
                machine_count: class.size.unwrap_or_default(),
                allocation_type: if class.size.is_none() { Type::Unlimited } else { Type::Static }.into(),
            }),
            update_strategy_config: config(set.update.as_ref()),
            delete_strategy_config: config(set.delete.as_ref()),
            upgrade_strategy_config: config(set.upgrade.as_ref()),
            ..specs::MachineSetSpec::default()
        };
        spec.set_update_strategy(kind(&set.update, UpdateStrategy::Rolling));
        spec.set_delete_strategy(kind(&set.delete, UpdateStrategy::Unset));
        spec.set_upgrade_strategy(kind(&set.upgrade, UpdateStrategy::Unset));
        let (labels, annotations) = named(&set.descriptors, &self.own_labels(&[(role, "")]), None);
        let at = if set.name.text.is_empty() { set.at } else { set.name.at };
        self.push(at, id.clone(), &spec, labels, annotations);

        let cluster_args = self.cluster.and_then(|cluster| cluster.kernel_args.texts.as_ref());
        if let (Some(class), Some(_)) = (&set.class, cluster_args) {
            let message =
                "kernelArgs cannot be defined at cluster level for this machine set since it uses a machine class";
            self.problems.push(class.at.problem(message));
        }
        let of_node = self.own_labels(&[(role, ""), (labels::MACHINE_SET, &id)]);
        for machine in &set.machines {
            let document = self.machines.iter().rfind(|document| document.name.text == machine.text).copied();
            let (labels, mut annotations) = match document {
                Some(document) => named(&document.descriptors, &of_node, None),
                None => (of_node.clone(), Labels::new()),
            };
            if document.is_some_and(|document| document.locked.is_some()) {
                annotations.insert(labels::LOCKED.to_owned(), String::new());
            }
            let spec = specs::MachineSetNodeSpec {};
            self.push(machine.at, machine.text.clone(), &spec, labels, annotations);
            if document.is_none() {
                let args = set.kernel_args.texts.as_ref().or(cluster_args);
                self.kernel_args(machine.at, &machine.text, args);
            }
        }
        let own = self.own_labels(&[(labels::MACHINE_SET, &id)]);
        self.patches(&set.patches, SET_BASE, &id, &own);
        self.extensions(&set.extensions, &id, &own);
    }

    fn machine(&mut self, machine: &Machine) {
        let id = machine.name.text.as_str();
        let own = self.own_labels(&[(labels::CLUSTER_MACHINE, id)]);
        self.install(machine, &own);
        self.patches(&machine.patches, SET_BASE, &format!("cm-{id}"), &own);
        let set = self.sets.iter().find(|set| set.machines.iter().any(|used| used.text == id));
        let args = machine.kernel_args.texts.as_ref();
        let args = args.or_else(|| set.and_then(|set| set.kernel_args.texts.as_ref()));
        let args = args.or_else(|| self.cluster.and_then(|cluster| cluster.kernel_args.texts.as_ref()));
        self.kernel_args(machine.at, id, args.cloned().as_ref());
        self.extensions(&machine.extensions, id, &own);
    }

    fn install(&mut self, machine: &Machine, own: &Labels) {
        let (id, disk, disk_selector) = (&machine.name.text, &machine.disk.text, &machine.disk_selector.text);
        if disk.is_empty() && disk_selector.is_empty() {
            return;
        }
        let at = machine.disk.at.max(machine.disk_selector.at);
        if self.release.is_from(11) {
            let (disk, disk_selector) = (disk.clone(), disk_selector.clone());
            let spec = specs::MachineInstallDiskConfigSpec { disk_selector, disk };
            self.push(at, id.clone(), &spec, Labels::new(), managed());
            return;
        }
        // Earlier releases take the disk from a patch.
        let install = Tree::map([("install", Tree::map([("disk", Tree::text(disk.as_str()))]))]);
        let data = write(&Tree::map([("machine", install)]), Layout::new(4, self.release));
        let spec = specs::ConfigPatchSpec { data, ..specs::ConfigPatchSpec::default() };
        let mut labels = own.clone();
        labels.insert(SYSTEM_PATCH.to_owned(), String::new());
        let annotations = Labels::from([(labels::NAME.to_owned(), INSTALL_DISK.to_owned())]);
        self.push(at, install_disk_patch(id), &spec, labels, annotations);
    }
}

/// The name of the patch that chooses the disk of a machine, before 1.11.
pub(super) const INSTALL_DISK: &str = "install-disk";

/// The ID of that patch.
pub(super) fn install_disk_patch(machine: &str) -> String {
    format!("000-cm-{machine}-{INSTALL_DISK}")
}

fn managed() -> Labels {
    Labels::from([(labels::MANAGED_BY_TEMPLATES.to_owned(), String::new())])
}

fn pairs(pairs: &Pairs) -> Labels {
    pairs.iter().map(|(key, value)| (key.text.clone(), value.clone())).gathered()
}

/// Labels and annotations of an object: Omni's own ones, and over them those of users.
fn named(descriptors: &Descriptors, own: &Labels, name: Option<&str>) -> (Labels, Labels) {
    let mut labels = own.clone();
    labels.extend(pairs(&descriptors.labels));
    let mut annotations: Labels = name.iter().map(|name| (labels::NAME.to_owned(), (*name).to_owned())).gathered();
    annotations.extend(pairs(&descriptors.annotations));
    (labels, annotations)
}

fn config(strategy: Option<&Strategy>) -> Option<UpdateStrategyConfig> {
    let max_parallelism = strategy?.rolling?;
    Some(UpdateStrategyConfig { rolling: Some(RollingUpdateStrategyConfig { max_parallelism }) })
}

/// A duration that says something: one of nothing or less is none.
fn positive(duration: Option<GoDuration>) -> Option<Duration> {
    let duration = duration.filter(|duration| duration.nanos() > 0)?;
    let (seconds, nanos) = duration.parts();
    Some(Duration { seconds, nanos })
}

/// A version as Omni stores it: without any leading `v`.
fn stored(version: &str) -> &str {
    version.trim_start_matches('v')
}
