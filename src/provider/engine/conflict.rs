//! Optimistic concurrency: the object of the last read, to detect whether it was changed before a write.
//! The version alone is not sufficient, because controllers of Omni update finalizers and labels all the time.

use super::Owned;
use super::attributes::Shared;
use super::binding::Binding;
use crate::omni::Resource as Stored;
use crate::provider::errors::Operation;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::plan::changes;
use crate::tf::resource::Private;
use crate::tf::schema::{Attribute, Schema};
use crate::tf::value::Value;
use crate::tf::wire::to_json;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kit::gather::Gather as _;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Short, as all that hosts store beside every object.
const NAME: &str = "b";
const LONGEST_VALUE: usize = 160;

/// The object as it was read last.
///
/// Hosts store it beside every object, so the stored form is short: the version, then for each part four characters of a
/// digest of its name and eight of one of its content. Names are there only in a baseline that was made from an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Baseline {
    /// Its version.
    version: u64,
    /// Everything in it that is ours, or could become so: each field of the spec, each label and annotation, by digest of its name.
    parts: BTreeMap<String, Part>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Part {
    name: Option<String>,
    digest: String,
}

/// What belongs to the spec begins like this among the parts, and a label like `labels/`.
const SPEC: &str = "spec/";

/// The characters of the digest of a name, and of one of a content: 6 bits each.
const DIGESTS: [usize; 2] = [4, 8];

fn short_digest(text: &str, characters: usize) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(text.as_bytes())[..characters * 6 / 8])
}

fn digest_of_name(name: &str) -> String {
    short_digest(name, DIGESTS[0])
}

impl Baseline {
    /// The labels and annotations in `owned` count as the spec does: attributes of the resource are made of them.
    /// `fields` are those of the spec, each with its content.
    pub(super) fn of(
        binding: &Binding,
        stored: &Stored,
        owned: &[Vec<Owned>; 2],
        fields: Vec<(String, String)>,
    ) -> Self {
        let mut baseline = Self { version: stored.metadata.version.unwrap_or_default(), ..Self::default() };
        for (field, content) in fields {
            baseline.add(format!("{SPEC}{field}"), &content);
        }
        for (shared, owned) in Shared::ALL.into_iter().zip(owned) {
            for (key, value) in shared.of(&stored.metadata) {
                let spec = if owned.iter().any(|(name, _)| name == key) { SPEC } else { "" };
                if !spec.is_empty() || binding.takes_key(key) {
                    baseline.add(format!("{spec}{}/{key}", shared.name()), value);
                }
            }
        }
        baseline
    }

    fn add(&mut self, name: String, content: &str) {
        let part = Part { digest: short_digest(content, DIGESTS[1]), name: Some(name.clone()) };
        self.parts.insert(digest_of_name(&name), part);
    }

    /// The stored form; a text of another form is no baseline.
    fn parse(text: &str) -> Option<Self> {
        let (version, parts) = text.split_once(' ')?;
        let mut baseline = Self { version: version.parse().ok()?, ..Self::default() };
        for part in parts.as_bytes().chunks(DIGESTS.iter().sum()) {
            let (name, digest) = str::from_utf8(part).ok()?.split_at_checked(DIGESTS[0])?;
            if digest.len() != DIGESTS[1] {
                return None;
            }
            baseline.parts.insert(name.to_owned(), Part { name: None, digest: digest.to_owned() });
        }
        Some(baseline)
    }

    pub(super) fn load(private: &Private) -> Option<Self> {
        Self::parse(&private.get::<String>(NAME)?)
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn store(&self, private: &mut Private) {
        let parts: String = self.parts.iter().map(|(name, part)| format!("{name}{}", part.digest)).collect();
        private.set(NAME, format!("{} {parts}", self.version));
    }

    /// The parts that somebody has changed until `now`, and that a write from there to `next` would change again.
    /// Whoever wrote the very same was no hindrance.
    fn overwritten<'a>(&self, now: &'a Self, next: &'a Self) -> BTreeSet<&'a str> {
        let digest = |baseline: &Self, name: &str| baseline.parts.get(name).map(|part| part.digest.clone());
        // What neither of these has is the same in both.
        let all = now.parts.iter().chain(&next.parts);
        all.filter(|(name, _)| digest(self, name) != digest(now, name) && digest(now, name) != digest(next, name))
            .filter_map(|(_, part)| part.name.as_deref())
            .gathered()
    }

    fn has(&self, name: &str) -> bool {
        self.parts.contains_key(&digest_of_name(name))
    }

    /// Whether a write from `now` to `next` would take back what somebody has changed since.
    pub(super) fn is_overwritten(&self, now: &Self, next: &Self) -> bool {
        self.version != now.version && !self.overwritten(now, next).is_empty()
    }

    /// Whether a write from `self` to `next` leaves everything but labels and annotations of users as it is.
    pub(super) fn same_spec(&self, next: &Self) -> bool {
        let spec = |baseline: &Self| -> Vec<Part> {
            let of_spec = |part: &&Part| part.name.as_deref().is_some_and(|name| name.starts_with(SPEC));
            baseline.parts.values().filter(of_spec).cloned().collect()
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
            None if self.baseline.has(&format!("{}/{key}", shared.name())) => "another value".to_owned(),
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
        other => to_json(other.bare()).to_string(),
    };
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(version: u64, parts: &[(&str, &str)]) -> Baseline {
        let mut baseline = Baseline { version, ..Baseline::default() };
        for (name, content) in parts {
            baseline.add((*name).to_owned(), content);
        }
        baseline
    }

    fn stored(baseline: &Baseline) -> Baseline {
        let mut private = Private::default();
        baseline.store(&mut private);
        let bytes = private.to_bytes();
        assert!(bytes.len() <= 16 + 12 * baseline.parts.len(), "{}", String::from_utf8_lossy(&bytes));
        Baseline::load(&Private::from_bytes(&bytes)).expect("a baseline")
    }

    #[test]
    fn what_was_stored_still_tells_what_is_overwritten() {
        let before = stored(&baseline(3, &[("spec/data", "a"), ("labels/team", "x"), ("labels/gone", "y")]));
        assert!(before.has("labels/gone") && !before.has("labels/other"));
        for (now, next, overwritten) in [
            (
                baseline(4, &[("spec/data", "b"), ("labels/team", "x")]),
                baseline(5, &[("spec/data", "c")]),
                &["spec/data"][..],
            ),
            // Whoever wrote what is planned is no hindrance, and what is not written stays.
            (baseline(4, &[("spec/data", "c")]), baseline(5, &[("spec/data", "c")]), &[]),
            (
                baseline(4, &[("spec/data", "a")]),
                baseline(5, &[("spec/data", "a"), ("labels/gone", "y")]),
                &["labels/gone"],
            ),
        ] {
            assert_eq!(before.overwritten(&now, &next).into_iter().collect::<Vec<_>>(), overwritten);
            assert_eq!(before.is_overwritten(&now, &next), !overwritten.is_empty());
        }
    }

    #[test]
    fn another_form_is_no_baseline() {
        for text in ["", "3", "x abc", "3 abc"] {
            assert_eq!(Baseline::parse(text), None, "{text}");
        }
    }
}
