//! Which attributes no lifecycle sets: a golden list that may shrink freely and grows by review only.

use crate::fixture;
use libtest_mimic::Failed;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::Path;
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::schema::{Attribute, Kind, Nesting};

/// Compares the attributes without a lifecycle with the list on disk; `UPDATE_GOLDEN=1` rewrites it.
pub fn golden() -> Result<(), Failed> {
    let mut untested = BTreeSet::new();
    for resource in provider::new().resources() {
        let name = resource.type_name();
        let fixture = fixture::load(name);
        let mut set = BTreeSet::new();
        for json in
            std::iter::once(&fixture.create).chain(&fixture.updates).chain(fixture.replaces.iter().map(|r| &r.set))
        {
            collect(json, &resource.schema().attributes, "", &mut set);
        }
        configurable(&resource.schema().attributes, "", &mut |path| {
            if !set.contains(path) {
                untested.insert(format!("{name}.{path}"));
            }
        });
    }
    let found = untested.into_iter().map(|line| line + "\n").collect::<String>();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/untested_attributes.txt");
    crate::golden::compare(&path, &found)
}

/// The attributes that a configuration sets, through what is nested.
fn collect(json: &Json, attributes: &[Attribute], at: &str, set: &mut BTreeSet<String>) {
    for attribute in attributes {
        let Some(value) = json.get(attribute.name) else { continue };
        let path = format!("{at}{}", attribute.name);
        let items: Vec<&Json> = match (&attribute.kind, value) {
            (Kind::Nested(Nesting::Map, _), Json::Object(items)) => items.values().collect(),
            (_, Json::Array(items)) => items.iter().collect(),
            (_, single) => vec![single],
        };
        items.into_iter().for_each(|item| collect(item, attribute.nested(), &format!("{path}."), set));
        set.insert(path);
    }
}

fn configurable(attributes: &[Attribute], at: &str, found: &mut impl FnMut(&str)) {
    for attribute in attributes.iter().filter(|a| a.configurable()) {
        let path = format!("{at}{}", attribute.name);
        if attribute.nested().is_empty() {
            found(&path);
        }
        configurable(attribute.nested(), &format!("{path}."), found);
    }
}
