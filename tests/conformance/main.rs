//! Behaviours of Omni, shown on any server.
//!
//! With `OMNI_ENDPOINT` and `OMNI_SERVICE_ACCOUNT_KEY` set, they run on that server; else on simulators of the newest
//! release and of 1.6. On a server that has its own work, only objects with the prefix `conformance-` are made, and
//! taken away again. `OMNI_CONFORMANCE_CA_FILE` names the authority of a server with a certificate of its own, and
//! `OMNI_CONFORMANCE_MACHINES=1` lets the behaviours use the server's free machines.
//!
//! The table has one line per behaviour: name, and `passed`, `failed: why` or `skipped: why`. It can be compared line
//! by line between servers; that a simulator in another process gives the same one is checked on the way. How to add a behaviour stands in [`behaviours`].

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is the purpose")]

mod behaviours;
mod bench;
#[path = "../support/built.rs"]
mod built;
mod client;
mod elsewhere;
mod expect;
mod objects;
mod observed;
mod report;
mod schema;
mod server;

use behaviours::Behaviour;
use futures_util::FutureExt as _;
use libtest_mimic::Arguments;
use omni_sim::Release;
use report::{Report, Result, Table};
use server::Server;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Duration;

/// Nothing takes this long.
const LIMIT: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> ExitCode {
    // What panics becomes a line of the table; a backtrace would only stand between the lines.
    std::panic::set_hook(Box::new(|_| {}));
    match suite().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn suite() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::from_args();
    let behaviours: Vec<_> = behaviours::all().into_iter().filter(|(name, _)| wanted(&arguments, name)).collect();
    if arguments.list {
        let observed = observed::names()?.into_iter().filter(|name| wanted(&arguments, name));
        behaviours.iter().map(|(name, _)| name.clone()).chain(observed).for_each(|name| println!("{name}: test"));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(server) = Server::named().await? {
        let report = run(&server, &behaviours, &arguments).await?;
        println!("{report}\n{}", report::summary(std::slice::from_ref(&report)));
        return Ok(verdict(report.is_good()));
    }
    let releases = [Release::NEWEST, Release::V1_6];
    let there = releases.map(|release| tokio::task::spawn_blocking(move || elsewhere::table(&release.to_string())));
    let without_its_end = tokio::task::spawn_blocking(elsewhere::without_its_end);
    let [newest, old] = releases.map(Server::simulated);
    let (newest, old) = tokio::try_join!(newest, old)?;
    let (newest, old) = tokio::try_join!(run(&newest, &behaviours, &arguments), run(&old, &behaviours, &arguments))?;
    let reports = [newest, old];
    let mut same = true;
    for (report, there) in reports.iter().zip(there) {
        println!("{report}");
        if let Err(why) = elsewhere::compare(report, &there.await??) {
            println!("Omni {} is not the same from another process: {why:#}\n", report.version);
            same = false;
        }
    }
    if let Err(why) = without_its_end.await? {
        println!("A server that goes away is not told as it should be: {why:#}\n");
        same = false;
    }
    println!("{}", report::summary(&reports));
    Ok(verdict(same && reports.iter().all(Report::is_good)))
}

fn verdict(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether the command line asks for it; options as in Rust's own tests.
fn wanted(arguments: &Arguments, name: &str) -> bool {
    let fits = |text: &String| if arguments.exact { name == text } else { name.contains(text.as_str()) };
    arguments.filter.as_ref().is_none_or(fits) && !arguments.skip.iter().any(fits)
}

async fn run(server: &Server, behaviours: &[(String, Behaviour)], arguments: &Arguments) -> anyhow::Result<Report> {
    server.bench.sweep().await?;
    let mut table = Table::new(server);
    for (name, behaviour) in behaviours {
        match server.lacks(behaviour.need) {
            Some(why) => table.add(name.clone(), Result::Skipped(why)).await,
            None => table.run(name.clone(), attempt(server, *behaviour)).await,
        }
    }
    observed::run(server, &mut table, |name| wanted(arguments, name)).await?;
    // Where the server is gone, there is nobody to take anything away from.
    if table.is_lost().is_none()
        && let Err(error) = server.bench.sweep().await
    {
        table.add("taken away at the end".to_owned(), Result::Failed(format!("{error:#}"))).await;
    }
    Ok(table.report(server.version.clone()))
}

/// Runs one behaviour, and takes away what it has made, however it ends.
async fn attempt(server: &Server, behaviour: Behaviour) -> Result {
    let work = AssertUnwindSafe((behaviour.run)(&server.bench)).catch_unwind();
    let outcome = match tokio::time::timeout(LIMIT, work).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(anyhow::anyhow!("panicked: {}", said(&*panic))),
        Err(_) => Err(anyhow::anyhow!("did not end")),
    };
    match outcome.and(server.bench.clean().await) {
        Ok(()) => Result::Passed,
        Err(error) => Result::Failed(format!("{error:#}")),
    }
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
