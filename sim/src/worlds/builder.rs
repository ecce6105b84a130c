//! Creates objects as a user would, with the same rules, and collects refusals.

use crate::kinds;
use crate::object::Object;
use crate::rules::{self, Change};
use crate::store::Store;
use prost::Message;
use std::collections::BTreeMap;

/// Makes objects in a store; what goes wrong is told in the end, all at once.
pub(super) struct Builder<'a> {
    pub(super) store: &'a Store,
    problems: Vec<String>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, problems: Vec::new() }
    }

    /// Creates an object without annotations.
    pub(super) fn create(&mut self, kind: &str, id: &str, labels: &[(&str, &str)], spec: &impl Message) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.create_with(kind, id, labels, BTreeMap::new(), spec);
    }

    /// Creates an object, if the rules let it pass. What the release of the server does not have is left out.
    pub(super) fn create_with(
        &mut self,
        kind: &str,
        id: &str,
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
        spec: &impl Message,
    ) {
        if !rules::release(&self.store.view()).has_kind(kind) {
            return;
        }
        let now = self.store.time();
        let object = Object {
            labels,
            annotations,
            updated: (now.as_secs().cast_signed(), now.subsec_nanos().cast_signed()),
            ..Object::new(kinds::key(kind, id), spec.encode_to_vec())
        };
        let problems = rules::problems(&self.store.view(), Change::Create(&object));
        if !problems.is_empty() {
            let place = format!("{} {id:?}", kind.split('.').next().unwrap_or(kind));
            self.problems.extend(problems.into_iter().map(|problem| format!("{place}: {problem}")));
        } else if let Err(error) = self.store.create(object, "") {
            self.problem(error.to_string());
        }
    }

    /// Notes what is wrong.
    pub(super) fn problem(&mut self, text: impl Into<String>) {
        self.problems.push(text.into());
    }

    /// The value, or none and a note of what is wrong with it at this place.
    pub(super) fn read<T>(&mut self, place: &str, value: Result<T, impl std::fmt::Display>) -> Option<T> {
        value.map_err(|error| self.problems.push(format!("{place}: {error}"))).ok()
    }

    /// All that went wrong.
    pub(super) fn finish(self) -> Vec<String> {
        self.problems
    }
}
