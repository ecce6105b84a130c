//! A plan as a CLI tells it, and the questions that tests ask of it.

use crate::Outcome;
use serde_json::Value;
use std::collections::BTreeMap;

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan(pub Value);

/// What a plan does to one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// It is made.
    Create,
    /// A data source is read at apply time.
    Read,
    /// It is changed in place.
    Update,
    /// It is destroyed.
    Delete,
    /// It is destroyed and made anew, in either order.
    Replace,
    /// It is dropped from the state and stays where it is.
    Forget,
    /// Something that these tests do not know.
    Other,
}

impl Action {
    fn of(change: &Value) -> Self {
        let names: Vec<_> = change["actions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        match names[..] {
            ["no-op"] => Self::NoOp,
            ["create"] => Self::Create,
            ["read"] => Self::Read,
            ["update"] => Self::Update,
            ["delete"] => Self::Delete,
            ["delete", "create"] | ["create", "delete"] => Self::Replace,
            ["forget"] => Self::Forget,
            _ => Self::Other,
        }
    }
}

impl Plan {
    /// What it does, by address, without those to which it does nothing.
    pub fn actions(&self) -> BTreeMap<&str, Action> {
        self.changes("resource_changes").map(|(a, c)| (a, Action::of(c))).filter(|(_, a)| *a != Action::NoOp).collect()
    }

    /// What it does to one resource.
    pub fn action(&self, address: &str) -> Action {
        self.change(address).map_or(Action::NoOp, Action::of)
    }

    /// Holds it to doing nothing.
    ///
    /// # Errors
    /// With what changes, and from what into what.
    pub fn must_be_empty(&self) -> Outcome {
        let mut text = String::new();
        for (address, action) in self.actions() {
            text.push_str(&format!("{address}: {action:?}\n"));
            for name in self.changed_attributes(address) {
                let (before, after) = (&self.before(address)[name], &self.after(address)[name]);
                let unknown = &self.unknown(address)[name];
                text.push_str(&format!("  {name}: {before} -> {after}, unknown: {unknown}\n"));
            }
        }
        for name in self.changed_outputs() {
            text.push_str(&format!("output {name}\n"));
        }
        for address in self.imports() {
            text.push_str(&format!("{address} is imported\n"));
        }
        if text.is_empty() { Ok(()) } else { Err(format!("the plan should be empty:\n{text}").into()) }
    }

    /// The outputs that change.
    pub fn changed_outputs(&self) -> Vec<&str> {
        let changes = self.0["output_changes"].as_object().into_iter().flatten();
        changes.filter(|(_, c)| Action::of(c) != Action::NoOp).map(|(name, _)| name.as_str()).collect()
    }

    /// The resources that it imports.
    pub fn imports(&self) -> Vec<&str> {
        self.changes("resource_changes").filter(|(_, c)| !c["importing"].is_null()).map(|(a, _)| a).collect()
    }

    /// What changed outside since the last apply, by address.
    pub fn drift(&self) -> BTreeMap<&str, Action> {
        self.changes("resource_drift").map(|(a, c)| (a, Action::of(c))).collect()
    }

    /// The values before the change; null when there is no such resource.
    pub fn before(&self, address: &str) -> &Value {
        self.change(address).map_or(&Value::Null, |c| &c["before"])
    }

    /// The values after the change, without those that are not known yet.
    pub fn after(&self, address: &str) -> &Value {
        self.change(address).map_or(&Value::Null, |c| &c["after"])
    }

    /// `true` for each value that is not known yet, in the shape of the values.
    pub fn unknown(&self, address: &str) -> &Value {
        self.change(address).map_or(&Value::Null, |c| &c["after_unknown"])
    }

    /// The top-level attributes whose value changes, or may.
    pub fn changed_attributes(&self, address: &str) -> Vec<&str> {
        let Some(change) = self.change(address) else { return Vec::new() };
        let mut names: Vec<_> = [&change["before"], &change["after"], &change["after_unknown"]]
            .into_iter()
            .filter_map(Value::as_object)
            .flat_map(|o| o.keys().map(String::as_str))
            .filter(|n| change["before"][*n] != change["after"][*n] || has_true(&change["after_unknown"][*n]))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The attributes that force a replacement: `name`, `features.disk_encryption`.
    pub fn replace_paths(&self, address: &str) -> Vec<String> {
        let paths = self.change(address).and_then(|c| c["replace_paths"].as_array()).into_iter().flatten();
        paths.filter_map(Value::as_array).map(|path| path.iter().map(step).collect::<Vec<_>>().join(".")).collect()
    }

    fn change(&self, address: &str) -> Option<&Value> {
        self.changes("resource_changes").find(|(a, _)| *a == address).map(|(_, c)| c)
    }

    fn changes<'a>(&'a self, list: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let list = self.0[list].as_array().into_iter().flatten();
        list.filter_map(|change| Some((change["address"].as_str()?, &change["change"])))
    }
}

fn step(step: &Value) -> String {
    step.as_str().map_or_else(|| step.to_string(), str::to_owned)
}

fn has_true(value: &Value) -> bool {
    match value {
        Value::Bool(b) => *b,
        Value::Array(list) => list.iter().any(has_true),
        Value::Object(map) => map.values().any(has_true),
        _ => false,
    }
}
