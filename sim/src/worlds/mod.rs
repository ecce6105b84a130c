//! Worlds: the initial objects of a simulator, defined in a YAML file, or the name of a built-in one.
//! The rules for users apply: a world that Omni would refuse does not start.

mod builder;
mod clusters;
mod instance_settings;
mod machine_join;
mod machines;
mod people;
mod providers;
mod records;
pub mod schema;
mod size;
#[cfg(test)]
mod tests;

pub(crate) use machine_join::{MachineJoin, report};
pub use machine_join::{add_machine, disconnect_machine, reconnect_machine};
pub(crate) use providers::{beat, introduce};
pub(crate) use records::{BACKUP_STORE, HARDWARE, PROVIDER_PROCESS, SETTING, is_local, process};
pub use schema::World;

use super::eula;
use super::store::Store;
use builder::Builder;
use kit::go_duration::GoDuration;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The worlds that come with the simulator: name and text.
pub const READY: &[(&str, &str)] = &[
    ("default", include_str!("ready/default.yaml")),
    ("lab", include_str!("ready/lab.yaml")),
    ("datacenter", include_str!("ready/datacenter.yaml")),
    ("edge", include_str!("ready/edge.yaml")),
    ("full", include_str!("ready/full.yaml")),
];

/// The secret under which a server keeps the world that it was made with.
const KEPT: &str = "world";

/// Why a world cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// There is no such file, and no ready world of this name.
    #[error("cannot read the world {}; name a file, or one of {}", .file.display(), names())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The text is no world.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// The line, counted from 1.
        line: u64,
        /// The column, counted from 1.
        column: u64,
        /// What is wrong there.
        message: String,
    },
    /// It holds what Omni would refuse.
    #[error("the world holds what cannot be: {}", .0.join("; "))]
    Refused(Vec<String>),
}

fn names() -> String {
    READY.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// A world and the text that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    text: String,
    world: World,
}

impl Told {
    /// The ready world of this name, or the one in this file.
    ///
    /// # Errors
    /// When there is neither, or it cannot be read.
    pub fn find(name_or_file: &Path) -> Result<Self, WorldError> {
        let ready = READY.iter().find(|(name, _)| Path::new(name) == name_or_file);
        match ready {
            Some((_, text)) => text.parse(),
            None => crate::text_file::read(name_or_file)
                .map_err(|source| WorldError::Read { file: name_or_file.to_owned(), source })?
                .parse(),
        }
    }

    /// What it says.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }
}

impl FromStr for Told {
    type Err = WorldError;

    fn from_str(text: &str) -> Result<Self, WorldError> {
        let world = if text.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#')) {
            World::default()
        } else {
            serde_saphyr::from_str(text).map_err(|error| syntax(&error))?
        };
        Ok(Self { text: text.to_owned(), world })
    }
}

fn syntax(error: &serde_saphyr::Error) -> WorldError {
    let place = error.location();
    let line = place.as_ref().map_or(1, serde_saphyr::Location::line);
    let column = place.as_ref().map_or(1, serde_saphyr::Location::column);
    let text = error.without_snippet().to_string();
    // The place is told first, and once.
    let message = text.trim_end_matches(&format!(" at line {line}, column {column}")).to_owned();
    WorldError::Syntax { line, column, message }
}

/// The world that the server of this store was made with.
pub(super) fn stored(store: &Store) -> Option<Told> {
    String::from_utf8(store.secret(KEPT)?).ok()?.parse().ok()
}

/// Fills a store that holds a fresh instance.
///
/// # Errors
/// When the world holds what Omni would refuse.
pub(super) fn populate(store: &Store, told: &Told) -> Result<(), WorldError> {
    let world = &told.world;
    let mut builder = Builder::new(store);
    instance_settings::add(&mut builder, world);
    let tokens = people::tokens(&mut builder, world);
    people::accounts(&mut builder, world);
    providers::add(&mut builder, world);
    providers::classes(&mut builder, world);
    let directory = machines::add(&mut builder, world, &tokens);
    clusters::add(&mut builder, world, &directory);
    if !world.instance.eula_accepted {
        store.remove(&eula::key());
    }
    store.keep_secret(KEPT, told.text.clone().into_bytes());
    refuse(builder)
}

/// Says anew what a restarted server forgot.
///
/// # Errors
/// When the world holds what Omni would refuse.
pub(super) fn apply_instance_settings(store: &Store, told: &Told) -> Result<(), WorldError> {
    let mut builder = Builder::new(store);
    instance_settings::add(&mut builder, &told.world);
    refuse(builder)
}

fn refuse(builder: Builder<'_>) -> Result<(), WorldError> {
    match builder.finish() {
        problems if problems.is_empty() => Ok(()),
        problems => Err(WorldError::Refused(problems)),
    }
}

/// The keys of the service accounts that came with the world, by name.
pub(super) fn service_account_keys(store: &Store) -> Vec<(String, String)> {
    let Some(told) = stored(store) else { return Vec::new() };
    let accounts = told.world.service_accounts.iter().map(|account| account.name.clone());
    let providers = told.world.providers.iter().filter(|p| p.registered).map(|p| format!("infra-provider:{}", p.name));
    accounts
        .chain(providers)
        .filter_map(|name| {
            let key = store.secret(&service_account_secret(&name))?;
            Some((name, String::from_utf8(key).ok()?))
        })
        .collect()
}

fn service_account_secret(name: &str) -> String {
    format!("service-account-key/{name}")
}

fn duration(length: GoDuration) -> prost_types::Duration {
    let (seconds, nanos) = length.parts();
    prost_types::Duration { seconds, nanos }
}
