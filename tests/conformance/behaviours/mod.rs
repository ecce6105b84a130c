//! The behaviours, by subject.
//!
//! To add one: write an `async fn name(bench: &Bench) -> anyhow::Result<()>` in the file of its subject, and add one
//! line to the list at the top of that file: its name, what it needs, the function. A new subject is a new file with
//! such a list, named in [`all`].
//!
//! - Calls go through [`Bench`](crate::bench::Bench), demands through [`expect`](crate::expect), objects are built
//!   with [`objects`](crate::objects). The error of the function is the text in the table.
//! - Every object has an id from `bench.id("…")`, and every type that is made stands in `objects::WRITTEN`:
//!   so everything is taken away again, also after a failure. Behaviours run one after the other, each with nothing
//!   of the others left.
//! - Nothing sleeps: `bench.until(…)` and watches wait for events, with a limit.
//! - What only some releases have or do needs `Need::Kind(…)`, `Need::Call(…)`, `Need::Feature(…)` or another of them,
//!   which read the simulator's tables of releases; one behaviour per side. No release stands here by its number.

mod calls;
mod cluster;
mod config_patch;
mod instance;
mod machine_objects;
mod machine_set;
mod machines;
mod metadata;
mod people;
mod query;
pub mod rules;
mod state;
mod watch;

use crate::bench::Bench;
use omni_sim::catalogue::Feature;
use omni_sim::kinds::AccessVerb;
use std::pin::Pin;

/// What a server must be, or have, for a behaviour to show.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    Nothing,
    /// The newest release that the simulator can be: what was observed on it alone.
    Newest,
    /// A release that does this, or one that does not.
    Feature(Feature),
    NoFeature(Feature),
    /// A release that has this type: `KernelArgs`; or one that does not.
    Kind(&'static str),
    NoKind(&'static str),
    /// A release that has this call of State or of ManagementService, or one that has not.
    Call(&'static str),
    NoCall(&'static str),
    /// A release that takes away torn down objects of this type by itself, or one that does not.
    Removes(&'static str),
    NoRemoves(&'static str),
    /// A release that lets some role do this with the type, or one that lets none.
    Access(AccessVerb, &'static str),
    NoAccess(AccessVerb, &'static str),
    /// A release that refuses configuration patches with this field, or one that does not.
    PatchField(&'static str),
    NoPatchField(&'static str),
    /// Machines that may be used.
    Machines,
}

/// How a behaviour ends.
pub type Outcome<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + 'a>>;

/// One named behaviour.
#[derive(Clone, Copy)]
pub struct Behaviour {
    pub name: &'static str,
    pub need: Need,
    pub run: for<'a> fn(&'a Bench) -> Outcome<'a>,
}

/// A list of behaviours: `behaviours![("name", Need::Nothing, function), …]`.
#[macro_export]
macro_rules! behaviours {
    ($(($name:literal, $need:expr, $function:ident)),* $(,)?) => {
        &[$($crate::behaviours::Behaviour { name: $name, need: $need, run: |bench| Box::pin($function(bench)) }),*]
    };
}

/// Every behaviour, with its subject before its name.
pub fn all() -> Vec<(String, Behaviour)> {
    let subjects = [
        ("calls", calls::LIST),
        ("cluster", cluster::LIST),
        ("config", config_patch::LIST),
        ("config", config_patch::STEPS),
        ("instance", instance::LIST),
        ("instance", instance::STEPS),
        ("machine", machine_objects::LIST),
        ("machine", machine_objects::STEPS),
        ("machine_set", machine_set::LIST),
        ("machines", machines::LIST),
        ("metadata", metadata::LIST),
        ("people", people::LIST),
        ("query", query::LIST),
        ("state", state::LIST),
        ("watch", watch::LIST),
    ];
    let mut all: Vec<_> = subjects
        .iter()
        .flat_map(|(subject, list)| list.iter().map(move |b| (format!("{subject}/{}", b.name), *b)))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}
