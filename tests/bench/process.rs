//! The provider as a process: how large it is, how fast it starts, how much memory it holds.

use crate::host::{Host, program};
use crate::load::{Load, World};
use crate::many::patch;
use crate::report::line;
use anyhow::{Context, Result};
use omni_proto::tfplugin6::get_provider_schema;
use std::time::Duration;

const STARTS: usize = 50;
const PATCHES: usize = 1000;

pub fn size() -> Result<()> {
    let bytes = std::fs::metadata(program()?)?.len();
    line(&format!("stripped release binary: {}", mebibytes(bytes)))
}

pub fn start() -> Result<()> {
    let host = Host::new()?;
    // The first start reads the file from the disk.
    drop(host.start()?);
    let times = (0..STARTS).map(|_| Ok(host.start()?.took)).collect::<Result<Vec<_>>>()?;
    line(&format!("exec to handshake line, {STARTS} runs: {}", at(times)))
}

/// How times are spread; there has to be one at least.
pub fn at(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| milliseconds(times[(times.len() - 1) * share / 100]);
    format!("median {}, fastest {}, 90th percentile {}", at(50), at(0), at(90))
}

pub async fn memory() -> Result<()> {
    let world = World::start(1, Duration::ZERO).await?;
    let host = Host::new()?;
    let provider = host.start()?;
    let id = provider.id();
    line(&format!("resident at the handshake line: {}", resident(id)?))?;
    let mut client = host.connect(&provider).await?;
    client.get_provider_schema(get_provider_schema::Request {}).await?;
    line(&format!("resident after GetProviderSchema: {}", resident(id)?))?;
    let load = Load::new(client, (0..PATCHES).map(patch).collect())?;
    load.configure(&world).await?;
    load.plan().await?;
    line(&format!("resident after a plan of {PATCHES} patches: {}", resident(id)?))
}

/// The resident memory of a process, as Linux counts it.
pub fn resident(id: u32) -> Result<String> {
    let path = format!("/proc/{id}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("reading {path}; only Linux has it"))?;
    let field = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).context("a line with VmRSS")?;
    let kibibytes: u64 = field.trim().trim_end_matches(" kB").parse()?;
    Ok(mebibytes(kibibytes * 1024))
}

/// The processor time that a process has taken so far, as Linux counts it: in hundredths of a second.
pub fn processor_time(id: u32) -> Result<Duration> {
    let path = format!("/proc/{id}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("reading {path}; only Linux has it"))?;
    // The name of the program stands in parentheses, and may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().context("fields")?.split_whitespace().collect();
    let ticks = [11, 12].iter().map(|at| fields.get(*at).context("a time")?.parse::<u64>().map_err(Into::into));
    Ok(Duration::from_millis(ticks.sum::<Result<u64>>()? * 10))
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes * 10 / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
