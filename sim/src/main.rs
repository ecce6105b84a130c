//! Runs a simulated Omni until it is stopped.
//! It parses options and publishes the endpoint; the library does the rest.

use anyhow::{Context, Result, bail};
use kit::text::printable;
use lexopt::prelude::{Long, Short, Value, ValueExt};
use omni_sim::faults::{self, Fault, GRAMMAR};
use omni_sim::text_file;
use omni_sim::worlds::{READY, Told};
use omni_sim::{EndpointFile, MOST_MACHINES, Mode, Options, Sim};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

const HELP: &str = "\
omni-sim: a simulated Omni instance in memory, on real gRPC, for tests and demos.

Usage: omni-sim [options]
       omni-sim worlds [NAME]    list the built-in worlds, or print one
       omni-sim faults           list the calls and types that a fault can name
       omni-sim confirm LINK [--ca-file FILE]
                                 confirm the new key of this link

  --listen ADDRESS  listening address (127.0.0.1:0: any free port)
  --advertise URL   address in the configurations of clients
                    (the listening address)
  --tls             serve TLS, with a certificate authority made at start
  --world WORLD     initial state: the name of a built-in world, or a file
  --machines N      number of machines that have joined, at most 100000
                    (6; 0 with --world)
  --tick MS         interval of the controllers (100)
  --lag MS          delay of cached reads (0)
  --delay MS        minimum duration of every call (0)
  --omni-version V  release to simulate, 1.2 to 1.11 (1.11)
  --suspended       refuse all writes, as a suspended instance does
  --data FOLDER     keep the state there between starts
  --fault FAULT     inject a fault, as described below; can be repeated
  --faults FILE     the same from a file, one fault on each line
  --confirm-keys    accept new keys of users at once; else a key is confirmed
                    with the link that its owner gets,
                    in a browser or with `omni-sim confirm`
  --max-users N     maximum number of users (0: no limit)
  --max-service-accounts N
                    maximum number of service accounts (0: no limit)
  --env-file FILE   write OMNI_ENDPOINT and OMNI_SERVICE_ACCOUNT_KEY there
  --ready-file FILE write the ready line there instead of standard output
  --help            show this
  --version         show the version

When it is ready, it writes one line of JSON to standard output:
endpoint, service_account_key, ca_file (with --tls),
and service_account_keys by name (if the world has service accounts).
Files with keys are readable by their owner only.
It stops on SIGTERM and SIGINT.

A fault is written as
";

enum Command {
    Say(String),
    Run(Box<Options>, Files),
    /// With the file of the authority that vouches for the simulator.
    Confirm(String, Option<PathBuf>),
}

/// Where other programs find the simulator.
#[derive(Default)]
struct Files {
    env: Option<PathBuf>,
    ready: Option<PathBuf>,
}

/// How a program ends that was called in a wrong way.
const WRONG_CALL: u8 = 2;

fn main() -> ExitCode {
    let (ended, code) = match arguments() {
        Ok(command) => (perform(command), 1),
        Err(wrong) => (Err(wrong), WRONG_CALL),
    };
    let Err(error) = ended else { return ExitCode::SUCCESS };
    // There is nobody to tell when that fails too.
    writeln!(std::io::stderr(), "omni-sim: {}", told(&error)).ok();
    ExitCode::from(code)
}

/// The error and its causes in one line. Some errors repeat their cause, which is then told once.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for part in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = part;
        } else if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
    }
    printable(text)
}

fn perform(command: Command) -> Result<()> {
    if let Command::Say(text) = &command {
        return Ok(std::io::stdout().write_all(text.as_bytes())?);
    }
    tokio::runtime::Runtime::new().context("cannot start")?.block_on(async {
        match command {
            Command::Say(_) => Ok(()),
            Command::Run(options, files) => run(*options, files).await,
            Command::Confirm(link, ca_file) => confirm(&link, ca_file.as_deref()).await,
        }
    })
}

fn arguments() -> Result<Command> {
    let mut options = Options::default();
    let mut files = Files::default();
    let mut machines = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        let flag = flag(&argument);
        // Every problem with a value names its flag.
        let wrong = || format!("cannot use what follows `{flag}`");
        match argument {
            Long("tick") => options.mode = Mode::Auto { tick: milliseconds(&mut parser).with_context(wrong)? },
            Long("lag") => options.lag = milliseconds(&mut parser).with_context(wrong)?,
            Long("delay") => options.delay = milliseconds(&mut parser).with_context(wrong)?,
            Long("listen") => options.listen = parsed(&mut parser).with_context(wrong)?,
            Long("advertise") => options.advertised = Some(address(&mut parser).with_context(wrong)?),
            Long("machines") => machines = Some(number_of_machines(&mut parser).with_context(wrong)?),
            Long("world") => options.world = Some(Told::find(parser.value()?.as_ref()).with_context(wrong)?),
            Value(word) if word == "worlds" => return worlds(&mut parser),
            Value(word) if word == "faults" => return Ok(Command::Say(faults::names())),
            Value(word) if word == "confirm" => return confirmation(&mut parser),
            Long("omni-version") => options.release = parsed(&mut parser).with_context(wrong)?,
            Long("fault") => options.faults.push(parsed::<Fault>(&mut parser).with_context(wrong)?),
            Long("faults") => options.faults.extend(fault_file(&PathBuf::from(parser.value()?)).with_context(wrong)?),
            Long("confirm-keys") => options.confirm_keys = true,
            Long("max-users") => options.limits.users = parsed(&mut parser).with_context(wrong)?,
            Long("max-service-accounts") => {
                options.limits.service_accounts = parsed(&mut parser).with_context(wrong)?;
            }
            Long("tls") => options.tls = true,
            Long("suspended") => options.suspended = true,
            Long("data") => options.data = Some(parser.value()?.into()),
            Long("env-file") => files.env = Some(parser.value()?.into()),
            Long("ready-file") => files.ready = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(Command::Say(format!("{HELP}{GRAMMAR}"))),
            Long("version") | Short('V') => {
                return Ok(Command::Say(format!("omni-sim {}\n", env!("CARGO_PKG_VERSION"))));
            }
            other => bail!("{}; try --help", other.unexpected()),
        }
    }
    options.machines = machines.unwrap_or(if options.world.is_some() { 0 } else { options.machines });
    Ok(Command::Run(Box::new(options), files))
}

/// The ready worlds, or the text of one.
fn worlds(parser: &mut lexopt::Parser) -> Result<Command> {
    let wanted = match parser.next()? {
        None => {
            let lines = READY.iter().map(|(name, text)| {
                let told: Told = text.parse()?;
                Ok(format!("{name:<12}{}\n", told.world().description))
            });
            return Ok(Command::Say(lines.collect::<Result<String>>()?));
        }
        Some(Value(name)) => name.string()?,
        Some(other) => bail!("{}; try --help", other.unexpected()),
    };
    let found = READY.iter().find(|(name, _)| *name == wanted);
    let (_, text) = found.with_context(|| format!("there is no ready world {wanted:?}; try `omni-sim worlds`"))?;
    Ok(Command::Say((*text).to_owned()))
}

/// The link of a key, and what vouches for the simulator.
fn confirmation(parser: &mut lexopt::Parser) -> Result<Command> {
    let (mut link, mut ca_file) = (None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Value(text) if link.is_none() => link = Some(text.string()?),
            Long("ca-file") => ca_file = Some(parser.value()?.into()),
            other => bail!("{}; try --help", other.unexpected()),
        }
    }
    Ok(Command::Confirm(link.context("give the link that the owner of the key is shown")?, ca_file))
}

async fn confirm(link: &str, ca_file: Option<&Path>) -> Result<()> {
    let name = |file: &Path| format!("cannot read {}", file.display());
    let ca_pem = ca_file.map(|file| text_file::read(file).with_context(|| name(file))).transpose()?;
    let said = omni_sim::confirm(link, ca_pem.as_deref()).await?;
    Ok(std::io::stdout().write_all(said.as_bytes())?)
}

fn milliseconds(parser: &mut lexopt::Parser) -> Result<Duration> {
    Ok(Duration::from_millis(parsed(parser)?))
}

fn address(parser: &mut lexopt::Parser) -> Result<String> {
    Ok(omni_sim::advertised(&parser.value()?.string()?)?)
}

fn number_of_machines(parser: &mut lexopt::Parser) -> Result<usize> {
    let number: usize = parsed(parser)?;
    if number > MOST_MACHINES {
        bail!("{number} machines are too many; there may be {MOST_MACHINES}");
    }
    Ok(number)
}

/// The value that follows a flag.
fn parsed<T>(parser: &mut lexopt::Parser) -> Result<T>
where
    T: FromStr,
    T::Err: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Ok(parser.value()?.parse()?)
}

/// The name of a flag, as it was written.
fn flag(argument: &lexopt::Arg<'_>) -> String {
    match argument {
        Long(name) => format!("--{name}"),
        Short(letter) => format!("-{letter}"),
        Value(word) => word.to_string_lossy().into_owned(),
    }
}

fn fault_file(path: &Path) -> Result<Vec<Fault>> {
    let name = || format!("cannot use the faults of {}", path.display());
    faults::read(&text_file::read(path).with_context(name)?).with_context(name)
}

async fn run(options: Options, files: Files) -> Result<()> {
    let data = options.data.clone();
    // Before the server says that it is ready: whoever reads that may send the signal at once.
    let stopped = stopped()?;
    let sim = Sim::start(options).await.context("cannot start the simulator")?;
    for warning in sim.warnings() {
        writeln!(std::io::stderr(), "omni-sim: warning: {warning}").context("cannot warn")?;
    }
    let endpoint_file = EndpointFile::new(&sim, data.as_deref(), files.env.as_deref())?;
    match &files.ready {
        Some(file) => endpoint_file.write_line(file)?,
        None => {
            writeln!(std::io::stdout(), "{}", endpoint_file.line()).context("cannot say that the simulator is ready")?
        }
    }
    stopped.await;
    sim.stop().await;
    Ok(())
}

#[cfg(unix)]
fn stopped() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stopped() -> Result<impl Future<Output = ()>> {
    Ok(async {
        drop(tokio::signal::ctrl_c().await);
    })
}
