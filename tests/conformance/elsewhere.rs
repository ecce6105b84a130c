//! Runs the same behaviours from another process on a simulator in a third, which it knows by its environment only.
//! The table has to be the same.

use crate::report::Report;
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// A process that ends with its owner.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What this program says of a simulator of this release that it is only pointed at.
pub fn table(release: &str) -> anyhow::Result<String> {
    let mut simulator = Command::new(env!("CARGO_BIN_EXE_omni-sim"));
    simulator.args(["--omni-version", release, "--tick", "5"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut simulator = Kept(simulator.spawn().context("cannot start the simulator")?);
    let mut line = String::new();
    BufReader::new(simulator.0.stdout.take().context("no output")?).read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line).context("the simulator does not say where it is")?;
    let said = |name: &str| ready[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
    let output = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env("OMNI_ENDPOINT", said("endpoint")?)
        .env("OMNI_SERVICE_ACCOUNT_KEY", said("service_account_key")?)
        .env("OMNI_CONFORMANCE_MACHINES", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    Ok(String::from_utf8(output.stdout)?)
}

/// Where the tables are not the same.
pub fn compare(here: &Report, there: &str) -> anyhow::Result<()> {
    let here = here.to_string();
    let differing: Vec<_> = here.lines().zip(there.lines()).filter(|(here, there)| here != there).collect();
    ensure!(differing.is_empty(), "here and there: {differing:#?}");
    ensure!(there.starts_with(&here), "the table from there ends early or goes on: {there}");
    Ok(())
}
