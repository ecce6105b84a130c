//! The rules of templates. Every one is checked, so that all problems are told at once.

use super::models::{
    Cluster, Descriptors, HealthCheck, Inline, Machine, MachineSet, Manifest, Model, Optional, Pairs, Patch, Role,
    Source, Strategy, Text,
};
use super::nodes::At;
use super::{FileError, Files, Problem, Release, content, render, semver, uuid};
use crate::omni::labels;
use crate::omni::patch;
use crate::omni::patch::PatchError;
use crate::omni::spec::Spec as _;
use omni_proto::specs;
use std::collections::HashSet;

/// The name that the set of the control plane has without one.
const CONTROL_PLANES: &str = "control-planes";
/// The first release of Talos that encrypts disks with keys of Omni.
const ENCRYPTS: semver::Version = semver::Version { major: 1, minor: 5, patch: 0, released: true };

/// Everything that is wrong with the documents.
pub(super) fn check(models: &[Model], files: &dyn Files, release: Release) -> Vec<Problem> {
    let mut checker = Checker { files, release, about: Vec::new(), problems: Vec::new() };
    let counted = checker.counts(models);
    for model in models {
        match model {
            Model::Cluster(cluster) => checker.cluster(cluster),
            Model::Set(set) => checker.set(set),
            Model::Machine(machine) => checker.machine(machine),
        }
    }
    let before = checker.problems.len();
    checker.whole(models);
    let mut problems = checker.problems;
    // Sets and machines that are there twice would be told once more as duplicate objects.
    if counted && problems.len() == before {
        // A duplicate that is told at its own place already is not told again as an object.
        let mut conflicts = render::conflicts(models, files, release);
        let told = |at: (usize, usize)| problems.iter().any(|problem| (problem.line, problem.column) == at);
        conflicts.retain(|problem| !told((problem.line, problem.column)));
        problems.extend(conflicts);
    }
    problems
}

struct Checker<'t> {
    files: &'t dyn Files,
    release: Release,
    about: Vec<String>,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn say(&mut self, at: At, message: impl Into<String>) {
        let problem = at.problem(message);
        self.problems.push(Problem { about: self.about.clone(), ..problem });
    }

    fn within(&mut self, what: String, check: impl FnOnce(&mut Self)) {
        self.about.push(what);
        check(self);
        self.about.pop();
    }

    /// Whether there is one cluster and one control plane.
    fn counts(&mut self, models: &[Model]) -> bool {
        let clusters = models.iter().filter_map(|model| match model {
            Model::Cluster(cluster) => Some(cluster.at),
            _ => None,
        });
        let planes = models.iter().filter_map(|model| match model {
            Model::Set(set) if set.role == Role::ControlPlane => Some(set.at),
            _ => None,
        });
        let counts: [(&str, Vec<At>); 2] = [("cluster", clusters.collect()), ("controlplane", planes.collect())];
        let mut good = true;
        for (what, places) in counts {
            if places.len() != 1 {
                good = false;
                let at = places.get(1).copied().unwrap_or_default();
                self.say(at, format!("template should contain 1 {what}, got {}", places.len()));
            }
        }
        good
    }

    /// Refuses what the server is too old for.
    fn since(&mut self, at: At, what: &str, thing: &str) {
        if let Some(first) = Release::since(thing).filter(|first| self.release < *first) {
            let server = self.release;
            self.say(at, format!("{what} needs Omni {first} or later; the server is {server}"));
        }
    }

    fn cluster(&mut self, cluster: &Cluster) {
        self.within(format!("cluster {:?}", cluster.name.text), |checker| {
            let name = &cluster.name;
            if name.text.is_empty() {
                checker.say(name.at, "name is required");
            } else if !name.text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')) {
                checker.say(name.at, "name should only contain letters, digits, dashes and underscores");
            }
            checker.within("Kubernetes version".to_owned(), |checker| _ = checker.version(&cluster.kubernetes));
            let mut talos = None;
            checker.within("Talos version".to_owned(), |checker| {
                let version = &cluster.talos;
                if !version.text.is_empty() && !version.text.starts_with('v') {
                    checker.say(version.at, "version should start with 'v'");
                } else {
                    talos = checker.version(version);
                }
            });
            checker.features(cluster, talos);
            checker.descriptors(&cluster.descriptors);
            cluster.patches.iter().for_each(|patch| checker.patch(patch));
            checker.manifests(&cluster.manifests);
            checker.health_checks(&cluster.health_checks);
            checker.kernel_args(&cluster.kernel_args);
        });
    }

    fn version(&mut self, version: &Text) -> Option<semver::Version> {
        if version.text.is_empty() {
            self.say(version.at, "version is required");
            return None;
        }
        match semver::parse(&version.text) {
            Ok(version) => Some(version),
            Err(why) => {
                self.say(version.at, format!("version should be in semver format: {why}"));
                None
            }
        }
    }

    fn features(&mut self, cluster: &Cluster, talos: Option<semver::Version>) {
        let features = &cluster.features;
        if let (Some((at, true)), Some(talos)) = (features.disk_encryption, talos)
            && talos < ENCRYPTS
        {
            self.say(at, "disk encryption is supported only for Talos version >= 1.5.0");
        }
        for (flag, what, thing) in [
            (features.skip_node_audit, "features.enableNodeAuditSkip", "ClusterSpec.features.enable_node_audit_skip"),
            (
                features.no_public_discovery,
                "features.disablePublicDiscoveryService",
                "ClusterSpec.features.disable_public_discovery_service",
            ),
        ] {
            if let Some((at, true)) = flag {
                self.since(at, what, thing);
            }
        }
    }

    fn kernel_args(&mut self, args: &Optional) {
        if args.texts.is_some() {
            self.since(args.at, "kernelArgs", specs::KernelArgsSpec::KIND.name);
        }
    }

    fn descriptors(&mut self, descriptors: &Descriptors) {
        self.reserved("label", &descriptors.labels);
        self.reserved("annotation", &descriptors.annotations);
    }

    fn reserved(&mut self, what: &str, pairs: &Pairs) {
        let prefix = labels::PREFIX;
        for (key, _) in pairs.iter().filter(|(key, _)| key.text.starts_with(prefix)) {
            let name = &key.text;
            self.say(key.at, format!("{what} {name:?} is invalid: prefix {prefix:?} is reserved for internal use"));
        }
    }

    fn set(&mut self, set: &MachineSet) {
        let what = match set.role {
            Role::ControlPlane => "controlplane".to_owned(),
            Role::Worker => format!("workers {:?}", set.name.text),
        };
        self.within(what, |checker| {
            match set.role {
                Role::ControlPlane => checker.control_plane(set),
                Role::Worker => {
                    if set.name.text == CONTROL_PLANES {
                        checker.say(set.name.at, format!("name {CONTROL_PLANES:?} cannot be used in workers"));
                    }
                    if let Some(bootstrap) = &set.bootstrap {
                        checker.say(bootstrap.at, "bootstrapSpec is not allowed in workers");
                    }
                }
            }
            if let Some(class) = &set.class {
                if !set.machines.is_empty() {
                    checker.say(class.at, "machine set can not have both machines and machine class defined");
                }
                if set.kernel_args.texts.is_some() {
                    let message = "kernelArgs cannot be defined for machine set since it uses machine class";
                    checker.say(set.kernel_args.at, message);
                }
            }
            set.machines.iter().for_each(|machine| checker.machine_id(machine));
            if let Some(Strategy { at, .. }) = set.upgrade {
                checker.since(at, "upgradeStrategy", "MachineSetSpec.upgrade_strategy");
            }
            checker.descriptors(&set.descriptors);
            set.patches.iter().for_each(|patch| checker.patch(patch));
            checker.kernel_args(&set.kernel_args);
        });
    }

    fn control_plane(&mut self, set: &MachineSet) {
        if !set.name.text.is_empty() {
            self.say(set.name.at, "custom name is not allowed in the controlplane");
        }
        if let Some(bootstrap) = &set.bootstrap {
            for (field, text) in [("clusterUUID", &bootstrap.cluster_uuid), ("snapshot", &bootstrap.snapshot)] {
                if text.is_empty() {
                    self.say(bootstrap.at, format!("{field} is required in bootstrapSpec"));
                }
            }
        }
        for (strategy, name) in [(&set.update, "updateStrategy"), (&set.delete, "deleteStrategy")] {
            if let Some(strategy) = strategy {
                self.say(strategy.at, format!("{name} is not allowed in the controlplane"));
            }
        }
    }

    fn machine_id(&mut self, id: &Text) {
        if let Err(why) = uuid::check(&id.text) {
            self.say(id.at, format!("invalid machine ID {:?}: {why}", id.text));
        }
    }

    fn machine(&mut self, machine: &Machine) {
        self.within(format!("machine {:?}", machine.name.text), |checker| {
            if machine.name.text.is_empty() {
                checker.say(machine.name.at, "name is required for machine");
            }
            checker.machine_id(&machine.name);
            checker.descriptors(&machine.descriptors);
            let (disk, selector) = (&machine.disk, &machine.disk_selector);
            if !disk.text.is_empty() && !selector.text.is_empty() {
                checker.say(selector.at, "install.disk and install.diskSelector are mutually exclusive");
            }
            if !selector.text.is_empty() {
                let thing = specs::MachineInstallDiskConfigSpec::KIND.name;
                checker.since(selector.at, "install.diskSelector", thing);
            }
            machine.patches.iter().for_each(|patch| checker.patch(patch));
            checker.kernel_args(&machine.kernel_args);
        });
    }

    /// Holds an entry to one content; `words` tell of two and of none.
    fn source(&mut self, at: At, source: &Source, words: [&str; 2]) {
        let [both, none] = words;
        match (&source.inline, source.file.text.is_empty()) {
            (Some(inline), false) => self.say(inline.at.max(source.file.at), both),
            (None, true) => self.say(at, none),
            _ => {}
        }
    }

    fn read(&mut self, file: &Text) -> Option<String> {
        match self.files.read(&file.text) {
            Ok(text) => Some(text),
            Err(FileError::NotRead) => None,
            Err(error) => {
                self.say(file.at, format!("failed to access {:?}: {error}", file.text));
                None
            }
        }
    }

    fn patch(&mut self, patch: &Patch) {
        let name = patch.display_name();
        self.within(format!("patch {name:?}"), |checker| {
            checker.descriptors(&patch.descriptors);
            let words = ["path and inline are mutually exclusive", "path or inline is required"];
            checker.source(patch.at, &patch.source, words);
            let file = &patch.source.file;
            if let Some(inline) = &patch.source.inline {
                if patch.name.text.is_empty() && patch.id.text.is_empty() {
                    checker.say(patch.at, "either name or idOverride is required for inline patches");
                }
                // A file goes before it, and both are told.
                if file.text.is_empty() {
                    checker.inline_patch(name, inline);
                }
            }
            if !file.text.is_empty()
                && let Some(text) = checker.read(file)
            {
                checker.patch_text(file.at, &format!("failed to validate patch {:?}", file.text), &text);
            }
        });
    }

    fn inline_patch(&mut self, name: &str, inline: &Inline) {
        let text = content::text(inline, self.release);
        self.patch_text(inline.at, &format!("failed to validate inline patch {name:?}"), &text);
    }

    fn patch_text(&mut self, at: At, failed: &str, text: &str) {
        let Release { major, minor } = self.release;
        match patch::check(text, patch::Release::of(major, minor)) {
            Ok(()) => {}
            Err(PatchError::Controlled(places)) => places.iter().for_each(|place| self.say(at, controlled(place))),
            Err(error) => {
                let before = self.problems.len();
                self.say(at, format!("{failed}: {error}"));
                self.problems.iter_mut().skip(before).for_each(|problem| problem.is_limit = error.is_limit());
            }
        }
    }

    fn manifests(&mut self, manifests: &[Manifest]) {
        if let Some(first) = manifests.first() {
            let thing = specs::KubernetesManifestGroupSpec::KIND.name;
            self.since(first.at, "kubernetes.manifests", thing);
        }
        let mut names = HashSet::new();
        for manifest in manifests {
            let name = manifest.display_name();
            let before = self.problems.len();
            if name.is_empty() {
                self.say(manifest.at, "kubernetes manifest name is empty");
            }
            if manifest.mode.is_none() {
                self.say(manifest.at, format!("kubernetes manifest {name:?} mode is not set"));
            }
            self.within(format!("manifest {name:?}"), |checker| {
                let words = ["path and inline are mutually exclusive", "path or inline is required"];
                checker.source(manifest.at, &manifest.source, words);
                if !manifest.source.file.text.is_empty() {
                    _ = checker.read(&manifest.source.file);
                }
                checker.descriptors(&manifest.descriptors);
            });
            if self.problems.len() == before && !names.insert(name) {
                self.say(manifest.at, format!("duplicate manifest name {name:?}"));
            }
        }
    }

    fn health_checks(&mut self, health_checks: &[HealthCheck]) {
        if let Some(first) = health_checks.first() {
            let thing = specs::KubernetesHealthCheckSpec::KIND.name;
            self.since(first.at, "kubernetes.healthchecks", thing);
        }
        let mut names = HashSet::new();
        for health_check in health_checks {
            let name = health_check.display_name();
            let before = self.problems.len();
            if name.is_empty() {
                self.say(health_check.at, "either name or idOverride is required for a healthcheck");
            }
            let both = format!("healthcheck {name:?}: job and file are mutually exclusive");
            let none = format!("healthcheck {name:?}: job or file is required");
            self.source(health_check.at, &health_check.source, [&both, &none]);
            self.within(format!("healthcheck {name:?}"), |checker| {
                let file = &health_check.source.file;
                if !file.text.is_empty() {
                    _ = checker.read(file);
                }
                checker.descriptors(&health_check.descriptors);
            });
            if self.problems.len() == before && !names.insert(name) {
                self.say(health_check.at, format!("duplicate healthcheck {name:?}"));
            }
        }
    }

    /// The rules between documents.
    fn whole(&mut self, models: &[Model]) {
        let sets = || {
            models.iter().filter_map(|model| match model {
                Model::Set(set) => Some(&**set),
                _ => None,
            })
        };
        let workers: Vec<&MachineSet> = sets().filter(|set| set.role == Role::Worker).collect();
        let planes: Vec<&MachineSet> = sets().filter(|set| set.role == Role::ControlPlane).collect();
        let mut seen: Vec<(&str, usize)> = Vec::new();
        for set in &workers {
            let name = set.name.text.as_str();
            match seen.iter_mut().find(|(known, _)| *known == name) {
                Some((_, count)) => {
                    *count += 1;
                    if *count == 2 {
                        self.say(set.at, format!("duplicate workers with name {name:?}"));
                    }
                }
                None => seen.push((name, 1)),
            }
        }
        self.used_twice(&workers);
        let in_workers = |id: &str| workers.iter().any(|set| set.machines.iter().any(|machine| machine.text == id));
        let both = planes.iter().flat_map(|set| &set.machines).filter(|machine| in_workers(&machine.text));
        let mut both: Vec<&Text> = both.collect();
        if !both.is_empty() {
            both.sort_by(|a, b| a.text.cmp(&b.text));
            both.dedup_by(|a, b| a.text == b.text);
            let at = both.iter().map(|machine| machine.at).min().unwrap_or_default();
            let ids = both.iter().map(|machine| machine.text.as_str()).collect::<Vec<_>>().join(" ");
            self.say(at, format!("machines [{ids}] are used in both controlplane and workers"));
        }
        let machines = || {
            models.iter().filter_map(|model| match model {
                Model::Machine(machine) => Some(&**machine),
                _ => None,
            })
        };
        for machine in machines() {
            let id = &machine.name;
            if !sets().any(|set| set.machines.iter().any(|used| used.text == id.text)) {
                self.say(id.at, format!("machine {:?} is not used in controlplane or workers", id.text));
            }
        }
        for machine in machines() {
            let id = &machine.name.text;
            if let Some(at) = machine.locked
                && planes.iter().any(|set| set.machines.iter().any(|used| used.text == *id))
            {
                self.say(at, format!("machine {id:?} is locked and used in controlplane"));
            }
        }
    }

    fn used_twice(&mut self, workers: &[&MachineSet]) {
        let mut uses: Vec<(&Text, Vec<&str>)> = Vec::new();
        for set in workers {
            for machine in &set.machines {
                match uses.iter_mut().find(|(known, _)| known.text == machine.text) {
                    // The last place is the one to look at.
                    Some((known, sets)) => {
                        *known = machine;
                        sets.push(&set.name.text);
                    }
                    None => uses.push((machine, vec![&set.name.text])),
                }
            }
        }
        for (machine, sets) in uses.iter().filter(|(_, sets)| sets.len() > 1) {
            let sets = sets.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" ");
            self.say(machine.at, format!("machine {:?} is used in multiple workers: [{sets}]", machine.text));
        }
    }
}

/// What a patch sets that only Omni may.
fn controlled(place: &str) -> String {
    if let Some((role, field)) = place.split_once(" in ") {
        return format!("element {role:?} is not allowed in field {field:?}");
    }
    if place.contains('.') {
        return format!("overriding {place:?} is not allowed in the config patch");
    }
    format!("the {place:?} document is not allowed in the config patch")
}
