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
    let (_simulator, mut program) = pointed_at(&["--omni-version", release, "--tick", "5"])?;
    let output = program.args(std::env::args_os().skip(1)).output()?;
    Ok(String::from_utf8(output.stdout)?)
}

/// What this program says when the server goes away in the middle is still a table, and no backtrace.
pub fn without_its_end() -> anyhow::Result<()> {
    let (_simulator, mut program) = pointed_at(&["--tick", "5", "--fault", "Create gone 3600s skip 1"])?;
    let output = program.arg("calls/").env("RUST_BACKTRACE", "1").stderr(Stdio::piped()).output()?;
    let (said, complained) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    let ends = |line: &&str| line.starts_with("The server went away during calls/");
    ensure!(said.lines().any(|line| ends(&line)), "it does not tell that the server went away:\n{said}{complained}");
    ensure!(said.contains("skipped: the server went away during calls/"), "it went on: {said}");
    ensure!(said.trim_end().lines().last().is_some_and(|line| line.starts_with("test result: FAILED")), "{said}");
    ensure!(complained.is_empty() && output.status.code() == Some(1), "{:?}: {complained}", output.status);
    Ok(())
}

/// A simulator in a process of its own, and this program, which knows it by its environment only.
fn pointed_at(flags: &[&str]) -> anyhow::Result<(Kept, Command)> {
    let mut simulator = Command::new(crate::built::program("omni-sim").map_err(anyhow::Error::msg)?);
    simulator.args(flags).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut simulator = Kept(simulator.spawn().context("cannot start the simulator")?);
    let mut line = String::new();
    BufReader::new(simulator.0.stdout.take().context("no output")?).read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line).context("the simulator does not say where it is")?;
    let said = |name: &str| ready[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
    let mut program = Command::new(std::env::current_exe()?);
    program
        .env("OMNI_ENDPOINT", said("endpoint")?)
        .env("OMNI_SERVICE_ACCOUNT_KEY", said("service_account_key")?)
        .env("OMNI_CONFORMANCE_MACHINES", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    Ok((simulator, program))
}

/// Where the tables are not the same.
pub fn compare(here: &Report, there: &str) -> anyhow::Result<()> {
    let here = here.to_string();
    let differing: Vec<_> = here.lines().zip(there.lines()).filter(|(here, there)| here != there).collect();
    ensure!(differing.is_empty(), "here and there: {differing:#?}");
    ensure!(there.starts_with(&here), "the table from there ends early or goes on: {there}");
    Ok(())
}
