//! Optimistic concurrency: the object of the last read, to detect whether it was changed before a write.
//! The version alone is not sufficient, because controllers of Omni update finalizers and labels all the time.

use super::attributes::Shared;
use super::binding::Binding;
use super::{CosiObject, Owned};
use crate::omni::spec::owned_digest;
use crate::omni::{Resource as Stored, labels};
use crate::provider::errors::Operation;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::plan::changes;
use crate::tf::resource::Private;
use crate::tf::schema::{Attribute, Schema};
use crate::tf::value::Value;
use crate::tf::wire::to_json;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "baseline";
const LONGEST_VALUE: usize = 160;

/// The object as it was read last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// Its version.
    version: u64,
    /// A digest of everything in it that is ours, or could become so: each field of the spec, each label and annotation.
    parts: BTreeMap<String, String>,
}

/// What belongs to the spec begins like this among the parts, and a label like `labels/`.
const SPEC: &str = "spec/";

fn short_digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

impl Baseline {
    /// The labels and annotations in `owned` count as the spec does: attributes of the resource are made of them.
    pub(super) fn of<M: CosiObject>(binding: &Binding, stored: &Stored, owned: &[Vec<Owned>; 2]) -> Self {
        let mut parts = BTreeMap::new();
        for field in binding.owned() {
            let digest = owned_digest::<M::Spec>(&stored.spec, &[field]);
            parts.insert(format!("{SPEC}{field}"), short_digest(&digest));
        }
        for (shared, owned) in Shared::ALL.into_iter().zip(owned) {
            for (key, value) in shared.of(&stored.metadata) {
                let spec = if owned.iter().any(|(name, _)| name == key) { SPEC } else { "" };
                if !spec.is_empty() || labels::is_users(key) {
                    parts.insert(format!("{spec}{}/{key}", shared.name()), short_digest(value));
                }
            }
        }
        Self { version: stored.metadata.version.unwrap_or_default(), parts }
    }

    pub(super) fn load(private: &Private) -> Option<Self> {
        private.get(NAME)
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn store(&self, private: &mut Private) {
        private.set(NAME, self);
    }

    /// The parts that somebody has changed until `now`, and that a write from there to `next` would change again.
    /// Whoever wrote the very same was no hindrance.
    fn overwritten<'a>(&'a self, now: &'a Self, next: &'a Self) -> BTreeSet<&'a str> {
        let all: BTreeSet<&String> = self.parts.keys().chain(now.parts.keys()).chain(next.parts.keys()).collect();
        let part = |baseline: &'a Self, name: &String| baseline.parts.get(name);
        all.into_iter()
            .filter(|name| part(self, name) != part(now, name) && part(now, name) != part(next, name))
            .map(String::as_str)
            .collect()
    }

    /// Whether a write from `now` to `next` would take back what somebody has changed since.
    pub(super) fn is_overwritten(&self, now: &Self, next: &Self) -> bool {
        self.version != now.version && !self.overwritten(now, next).is_empty()
    }

    /// Whether a write from `self` to `next` leaves everything but labels and annotations of users as it is.
    pub(super) fn same_spec(&self, next: &Self) -> bool {
        let spec = |baseline: &Self| -> Vec<(String, String)> {
            baseline
                .parts
                .iter()
                .filter(|(name, _)| name.starts_with(SPEC))
                .map(|(n, d)| (n.clone(), d.clone()))
                .collect()
        };
        spec(self) == spec(next)
    }
}

/// The object between plan and apply.
pub(super) struct Between<'a> {
    /// As it was read for the plan.
    pub(super) baseline: &'a Baseline,
    /// As it is, and as the state would show that.
    pub(super) current: &'a Stored,
    pub(super) now: &'a Baseline,
    pub(super) shown: &'a Value,
    /// As the write would leave it.
    pub(super) next: &'a Baseline,
    /// The state that the plan was made on.
    pub(super) before: &'a Value,
}

impl Between<'_> {
    /// Says what somebody changed between plan and apply that the write would take back.
    pub(super) fn conflict(&self, operation: &Operation<'_>, schema: &Schema) -> Diagnostic {
        let overwritten = self.baseline.overwritten(self.now, self.next);
        let versions = Versions::Numbers(self.baseline.version, self.now.version);
        let mut found = Vec::new();
        if overwritten.iter().any(|part| part.starts_with(SPEC)) {
            let maps = Shared::ALL.map(|shared| [shared.name(), shared.provider_name()]).concat();
            let mut paths = changed(schema, self.before, self.shown);
            paths.retain(|path| maps.iter().all(|name| path != &Path::of(name)));
            let all = paths.into_iter().map(|path| Change::of(schema, path, self.before, self.shown));
            found.extend(all);
        }
        for shared in Shared::ALL {
            let prefix = format!("{}/", shared.name());
            let keys = overwritten.iter().filter_map(|part| part.strip_prefix(&prefix));
            found.extend(keys.map(|key| self.of_key(shared, key)));
        }
        conflict(operation, versions, found)
    }

    /// What became of a label or an annotation. What it was is known only if the state showed it.
    fn of_key(&self, shared: Shared, key: &str) -> Change {
        let known = [shared.name(), shared.provider_name()].map(|name| Path::of(name).key(key).lookup(self.before));
        let had = match known.into_iter().find(|value| !value.is_null()) {
            Some(value) => short(value),
            None if self.baseline.parts.contains_key(&format!("{}/{key}", shared.name())) => "another value".to_owned(),
            None => short(&Value::Null),
        };
        let has = short(&shared.of(&self.current.metadata).get(key).map(String::as_str).into());
        Change { path: Path::of(shared.name()).key(key), had, has }
    }
}

/// Which forms of an object are compared.
#[derive(Clone, Copy)]
pub(super) enum Versions {
    /// Those of these numbers in Omni.
    Numbers(u64, u64),
    /// What the plan was made on, and what is there: the object has no numbers.
    Unnumbered,
}

impl Versions {
    fn words(self) -> [String; 2] {
        match self {
            Self::Numbers(before, now) => [format!("version {before} had"), format!("version {now} has")],
            Self::Unnumbered => ["the plan was made on".to_owned(), "Omni has".to_owned()],
        }
    }
}

/// One thing that is another than it was.
pub(super) struct Change {
    path: Path,
    had: String,
    has: String,
}

impl Change {
    pub(super) fn of(schema: &Schema, path: Path, before: &Value, now: &Value) -> Self {
        let (had, has) = (display(schema, &path, before), display(schema, &path, now));
        Self { path, had, has }
    }
}

/// What a configuration could have given, and is another than it was.
pub(super) fn changed(schema: &Schema, before: &Value, now: &Value) -> Vec<Path> {
    let configurable: Vec<Attribute> = schema.attributes.iter().filter(|a| a.configurable()).cloned().collect();
    changes(before, now, &configurable)
}

/// Says what changed between plan and apply.
pub(super) fn conflict(operation: &Operation<'_>, versions: Versions, found: Vec<Change>) -> Diagnostic {
    let [had, has] = versions.words();
    let lines = found.iter().map(|change| format!("  - `{}`: {had} {}, {has} {}", change.path, change.had, change.has));
    let list = lines.collect::<Vec<_>>().join("\n");
    let list = if list.is_empty() { "  - its spec, in fields that only Omni shows".to_owned() } else { list };
    let diagnostic = Diagnostic::error(
        operation.summary(),
        format!("Another client changed {} between plan and apply, so the plan is out of date:\n{list}", operation.what()),
    )
    .hint(
        "Plan again to see the difference. Set `on_conflict = \"overwrite\"` in the provider block to write the planned values in such a case.",
    );
    match found.into_iter().next() {
        Some(change) => diagnostic.at(change.path),
        None => diagnostic,
    }
}

/// The value at `path` as a text may show it.
pub(super) fn display(schema: &Schema, path: &Path, value: &Value) -> String {
    if schema.is_sensitive(path) { "(sensitive value)".into() } else { short(path.lookup(value)) }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        other => to_json(other).to_string(),
    };
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
