//! Tests that drive the built provider with a real CLI against a simulated Omni.
//! They see what a user sees: configurations, plans, states and messages; nothing here reaches into the provider.
//!
//! A test is a function of [`Context`], listed in the `tests()` of its file, and runs once on every CLI at hand.
//! Its name is `<version>::<file>::<function>`; `cargo test --test acceptance -- 1.15::demo` runs some of them.
//! With `KEEP_WORKSPACES=1` the folders of the tests stay, and their paths are printed.
#![cfg(unix)]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "says which CLIs the tests run on")]

mod accounts;
mod actions;
#[path = "../support/built.rs"]
mod built;
#[allow(dead_code, reason = "not every certificate of the other tests is needed here")]
#[path = "../binary/certificates.rs"]
mod certificates;
mod cli;
mod crash;
mod demo;
mod diagnostic;
mod drift;
mod ephemerals;
mod errors;
mod everything;
mod examples;
mod functions;
mod guide;
mod harness;
mod interrupts;
mod join_tokens;
mod keys;
mod leaks;
mod lookups;
mod losses;
mod messages;
mod mocks;
mod objects;
mod omni;
mod one_apply;
mod people;
mod plan;
mod process;
mod provider_block;
mod query;
mod removal;
mod second_provider;
mod secrets;
mod stand_in;
mod takeover;
mod templates;
mod trust;
mod workspace;

use cli::Cli;
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// What a test's steps return; anything that can be shown turns into a failure through `?`.
pub type Outcome<T = ()> = Result<T, Failed>;

/// A test of one file.
pub struct Test {
    /// Its name within the file.
    pub name: &'static str,
    /// The test itself.
    pub run: fn(&Context) -> Outcome,
}

/// Lists functions as tests under their own names.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub fn tests() -> Vec<$crate::Test> {
            vec![$($crate::Test { name: stringify!($name), run: $name }),*]
        }
    };
}
use tests;

/// The name under which a CLI looks for the provider.
const PLUGIN: &str = "terraform-provider-omni";

/// What every test is given.
pub struct Context {
    /// The CLI that it runs on.
    pub cli: Cli,
    /// The folder that holds the provider under the name that a CLI looks for, and nothing else.
    pub plugins: PathBuf,
}

/// Every file of tests; the name is the middle part of its tests' names.
fn areas() -> Vec<(&'static str, Vec<Test>)> {
    vec![
        ("accounts", accounts::tests()),
        ("actions", actions::tests()),
        ("crash", crash::tests()),
        ("demo", demo::tests()),
        ("drift", drift::tests()),
        ("ephemerals", ephemerals::tests()),
        ("errors", errors::tests()),
        ("everything", everything::tests()),
        ("examples", examples::tests()),
        ("functions", functions::tests()),
        ("guide", guide::tests()),
        ("harness", harness::tests()),
        ("interrupts", interrupts::tests()),
        ("join_tokens", join_tokens::tests()),
        ("keys", keys::tests()),
        ("leaks", leaks::tests()),
        ("lookups", lookups::tests()),
        ("messages", messages::tests()),
        ("losses", losses::tests()),
        ("mocks", mocks::tests()),
        ("objects", objects::tests()),
        ("one_apply", one_apply::tests()),
        ("people", people::tests()),
        ("provider_block", provider_block::tests()),
        ("query", query::tests()),
        ("removal", removal::tests()),
        ("second_provider", second_provider::tests()),
        ("secrets", secrets::tests()),
        ("takeover", takeover::tests()),
        ("templates", templates::tests()),
        ("trust", trust::tests()),
    ]
}

fn main() -> ExitCode {
    if let Some(code) = stand_in::serve_if_asked() {
        return code;
    }
    let arguments = Arguments::from_args();
    match trials(&arguments) {
        Ok((trials, _plugins)) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(failed) => {
            println!("{}", failed.message().unwrap_or("the tests could not be set up"));
            ExitCode::FAILURE
        }
    }
}

fn trials(arguments: &Arguments) -> Outcome<(Vec<Trial>, tempfile::TempDir)> {
    let found = cli::available()?;
    if !arguments.list {
        println!("{found}");
    }
    // Below the target folder, so that a link is enough and no copy of a large file is needed.
    let plugins = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    place(Path::new(env!("CARGO_BIN_EXE_terraform-provider-omni")), plugins.path(), PLUGIN)?;
    let mut trials = Vec::new();
    for cli in found.clis {
        let context = Arc::new(Context { cli, plugins: plugins.path().to_owned() });
        for (area, tests) in areas() {
            for Test { name, run } in tests {
                let context = context.clone();
                let name = format!("{}::{area}::{name}", context.cli.short_version());
                trials.push(Trial::test(name, move || run(&context)));
            }
        }
    }
    Ok((trials, plugins))
}

/// A build during the tests puts a new file in the place of the old one, and the link keeps the old one.
fn place(plugin: &Path, folder: &Path, name: &str) -> std::io::Result<()> {
    let place = folder.join(name);
    std::fs::hard_link(plugin, &place).or_else(|_| std::fs::copy(plugin, &place).map(drop))
}
