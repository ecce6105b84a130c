//! Figures of the release build: start, memory, size, plans, applies and refreshes, single calls, and the simulator.
//! It prints what it measures and the command that measures it again; it judges nothing and never fails because of a figure.

#[cfg(unix)]
#[path = "../support/built.rs"]
mod built;
#[cfg(unix)]
mod calls;
#[cfg(unix)]
mod cli;
#[cfg(unix)]
mod folder;
#[cfg(unix)]
mod host;
#[cfg(unix)]
mod load;
#[cfg(unix)]
mod many;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod refresh;
#[cfg(unix)]
mod simulator;

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    report::run()
}

#[cfg(not(unix))]
fn main() -> anyhow::Result<()> {
    anyhow::bail!("the figures are taken over a Unix socket, which this system lacks")
}

#[cfg(unix)]
mod report {
    //! Which figures are asked for, and how they are written.

    use super::{calls, cli, many, process, refresh, simulator};
    use anyhow::{Result, bail};
    use std::io::Write;

    /// The figures by name, in the order in which they are taken.
    const NAMES: [&str; 10] =
        ["size", "start", "memory", "calls", "patches", "clusters", "users", "refresh", "cli", "simulator"];

    /// Writes a line of the report.
    pub fn line(text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    pub fn run() -> Result<()> {
        let asked: Vec<String> = std::env::args().skip(1).collect();
        if let Some(stranger) = asked.iter().find(|a| !NAMES.contains(&a.as_str())) {
            bail!("no figure is called `{stranger}`; there are {}", NAMES.join(", "));
        }
        let runtime = tokio::runtime::Runtime::new()?;
        for name in NAMES.into_iter().filter(|name| asked.is_empty() || asked.iter().any(|a| a == name)) {
            line(&format!("\n$ cargo run --release --package figures -- {name}"))?;
            match name {
                "size" => process::size()?,
                "start" => process::start()?,
                "memory" => runtime.block_on(process::memory())?,
                "calls" => calls::report()?,
                "refresh" => runtime.block_on(refresh::report())?,
                "simulator" => runtime.block_on(simulator::report())?,
                "patches" => runtime.block_on(many::patches())?,
                "clusters" => runtime.block_on(many::clusters())?,
                "users" => runtime.block_on(many::users())?,
                _ => runtime.block_on(cli::report())?,
            }
        }
        Ok(())
    }
}
