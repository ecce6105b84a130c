//! What was read last, so that a write can tell whether somebody changed the object since.
//! The version alone is not enough: Omni's controllers touch finalizers and labels all the time.

use super::attributes::Shared;
use super::{Managed, Owned};
use crate::omni::Resource as Stored;
use crate::omni::spec::owned_digest;
use crate::provider::explain::Doing;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::plan::changes;
use crate::tf::resource::Private;
use crate::tf::schema::{Attribute, Schema};
use crate::tf::value::Value;
use crate::tf::wire::to_json;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const NAME: &str = "baseline";
const LONGEST_VALUE: usize = 160;

/// The object as it was read last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// Its version.
    pub(super) version: u64,
    /// Digest of everything in it that is ours.
    pub(super) digest: String,
}

impl Baseline {
    pub(super) fn of<M: Managed>(stored: &Stored, owned: [&[Owned]; 2], private: &Private) -> Self {
        let mut hash = Sha256::new();
        hash.update(owned_digest::<M::Spec>(&stored.spec, M::FIELDS));
        for (shared, owned) in Shared::ALL.into_iter().zip(owned) {
            let mut keys: Vec<String> = owned.iter().map(|(k, _)| (*k).to_owned()).collect();
            keys.extend(shared.tracked(private).unwrap_or_default());
            keys.sort();
            keys.dedup();
            for key in keys {
                hash.update(format!("\n{}\0{key}\0{:?}", shared.name(), shared.of(&stored.metadata).get(&key)));
            }
        }
        let digest = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Self { version: stored.metadata.version.unwrap_or_default(), digest }
    }

    pub(super) fn load(private: &Private) -> Option<Self> {
        private.get(NAME)
    }

    pub(super) fn store(&self, private: &mut Private) {
        private.set(NAME, self);
    }

    /// Whether `now` is what was read last, as far as it is ours.
    pub(super) fn still_holds(&self, now: &Self) -> bool {
        self.version == now.version || self.digest == now.digest
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

/// What a configuration could have given, and is another than it was.
pub(super) fn changed(schema: &Schema, before: &Value, now: &Value) -> Vec<Path> {
    let configurable: Vec<Attribute> = schema.attributes.iter().filter(|a| a.configurable()).cloned().collect();
    changes(before, now, &configurable)
}

/// Says what changed between plan and apply.
pub(super) fn conflict(
    doing: &Doing<'_>,
    schema: &Schema,
    key: &str,
    versions: Versions,
    before: &Value,
    now: &Value,
) -> Diagnostic {
    let paths = changed(schema, before, now);
    let [had, has] = versions.words();
    let lines = paths
        .iter()
        .map(|path| format!("  - `{path}`: {had} {}, {has} {}", shown(schema, path, before), shown(schema, path, now)));
    let list = lines.collect::<Vec<_>>().join("\n");
    let list = if list.is_empty() { "  - its spec, in fields that only Omni shows".to_owned() } else { list };
    let diagnostic = Diagnostic::error(
        doing.summary(),
        format!("Somebody changed `{key}` between plan and apply, so the plan is out of date:\n{list}"),
    )
    .hint(
        "Plan again to see the difference. Set `on_conflict = \"overwrite\"` in the provider block to write the planned values in such a case.",
    );
    match paths.into_iter().next() {
        Some(path) => diagnostic.at(path),
        None => diagnostic,
    }
}

/// The value at `path` as a text may show it.
pub(super) fn shown(schema: &Schema, path: &Path, value: &Value) -> String {
    if sensitive(schema, path) { "(sensitive value)".into() } else { short(path.lookup(value)) }
}

fn sensitive(schema: &Schema, path: &Path) -> bool {
    let mut attributes: &[Attribute] = &schema.attributes;
    for step in path.steps() {
        if let crate::tf::path::Step::Attribute(name) = step {
            let Some(attribute) = attributes.iter().find(|a| a.name == name) else { return false };
            if attribute.sensitive {
                return true;
            }
            attributes = attribute.nested();
        }
    }
    false
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
