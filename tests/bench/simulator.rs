//! The simulator as a process: how fast it starts, what many objects weigh in it, how fast it lists them,
//! and what making one more costs it, with few objects and with many.

use crate::folder::Folder;
use crate::process::{at, milliseconds, processor_time, resident};
use crate::report::line;
use anyhow::{Context, Error, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use kit::clock::SystemClock;
use kit::secret::SecretString;
use omni_proto::specs::MachineClassSpec;
use omni_sim::{Options, Sim, kinds};
use prost::Message;
use std::io::{BufRead as _, BufReader};
use std::ops::Range;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::omni::{Call, Client, Config, Credentials, Kind, Metadata, Query, Resource};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const STARTS: usize = 50;
const LISTED: usize = 10_000;
const FEW: usize = 1_000;
const HELD: usize = 100_000;
/// So many more are made, with few objects and with many, to see what one costs.
const MORE: usize = 2_000;
/// So many are made before that: the connection is there then, and controllers have seen everything.
const FIRST: usize = 200;
const LISTS: usize = 5;
/// So many writes are under way at once while objects are made.
const PARALLEL: usize = 64;
const CLASSES: Kind = Kind { namespace: "default", name: "MachineClasses.omni.sidero.dev" };
const LABELS: Kind = Kind { namespace: "default", name: "MachineLabels.omni.sidero.dev" };

/// A running simulator; it ends when this is dropped.
struct Simulator {
    child: Child,
    /// Closed only with the process, which may not write to a pipe that nobody reads.
    _stdout: BufReader<ChildStdout>,
    ready: serde_json::Value,
    /// From before the start to the whole line.
    took: Duration,
}

impl Simulator {
    fn start(arguments: &[&str]) -> Result<Self> {
        let program = crate::built::program("omni-sim").map_err(Error::msg)?;
        let mut command = Command::new(&program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let begin = Instant::now();
        let mut child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
        let mut stdout = BufReader::new(child.stdout.take().context("the simulator's stdout")?);
        let mut said = String::new();
        stdout.read_line(&mut said)?;
        let took = begin.elapsed();
        Ok(Self { child, _stdout: stdout, ready: serde_json::from_str(&said)?, took })
    }

    fn client(&self) -> Result<Client> {
        let says = |name: &str| self.ready[name].as_str().context("a line with endpoint and key");
        let key = SecretString::from(says("service_account_key")?.to_owned());
        let config = Config::new(says("endpoint")?, Credentials::ServiceAccountKey(key));
        Ok(Client::new(&config, Arc::new(SystemClock))?)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub async fn report() -> Result<()> {
    let data = Folder::new()?;
    let kept = data.path().to_string_lossy().into_owned();
    // The first start reads the file from the disk, and fills the folder.
    drop(Simulator::start(&["--data", &kept])?);
    for (what, arguments) in [("", &[][..]), (" with --tls", &["--tls"]), (" with --data", &["--data", &kept])] {
        let took = (0..STARTS).map(|_| Ok(Simulator::start(arguments)?.took)).collect::<Result<Vec<_>>>()?;
        line(&format!("exec to ready line{what}, {STARTS} runs: {}", at(took)))?;
    }

    let few = Filled::start(LISTED..LISTED + FEW).await?;
    line(&format!("resident with {FEW} resources: {}", resident(few.simulator.child.id())?))?;
    let with_few = few.create(HELD).await?;
    drop(few);

    let many = Filled::start(0..HELD).await?;
    let id = many.simulator.child.id();
    let ready = milliseconds(many.simulator.took);
    line(&format!("resident with {HELD} resources: {}; ready with them after {ready}", resident(id)?))?;
    let mut times = Vec::new();
    for _ in 0..LISTS {
        let begin = Instant::now();
        let listed = many.client.list(&call(), CLASSES, &Query::default()).await?;
        times.push(begin.elapsed());
        ensure!(listed.len() == LISTED, "{} of {LISTED} objects were listed", listed.len());
    }
    line(&format!("list of {LISTED} over loopback, {LISTS} runs: {}", at(times)))?;
    line(&format!("resident after the lists: {}", resident(id)?))?;
    let with_many = many.create(HELD).await?;
    let each = |cost: Duration| cost.as_secs_f64() * 1_000_000.0 / MORE as f64;
    line(&format!(
        "processor time of a create with --data: {:.0} µs with {FEW} resources, {:.0} µs with {HELD}: {:.2} times as much",
        each(with_few),
        each(with_many),
        each(with_many) / each(with_few)
    ))
}

/// A simulator that keeps its objects on disk, and had many of them when it started.
struct Filled {
    simulator: Simulator,
    client: Client,
    _data: Folder,
}

impl Filled {
    /// Writes the objects without calls, of which 100,000 would take a minute and more.
    async fn start(numbers: Range<usize>) -> Result<Self> {
        let data = Folder::new()?;
        let options = Options { machines: 0, data: Some(data.path().to_owned()), ..Options::stepped() };
        let sim = Sim::start(options).await?;
        for Resource { key, metadata, spec, .. } in numbers.map(object) {
            sim.store().put("", &kinds::key(key.kind.name, &*key.id), |object| {
                object.labels = metadata.labels;
                object.spec = spec;
            });
        }
        sim.store().sync_whole()?;
        sim.stop().await;
        let simulator = Simulator::start(&["--machines", "0", "--data", &data.path().to_string_lossy()])?;
        let client = simulator.client()?;
        Ok(Self { simulator, client, _data: data })
    }

    /// The processor time that the simulator takes to create more objects, which have these numbers.
    async fn create(&self, from: usize) -> Result<Duration> {
        make(&self.client, from..from + FIRST).await?;
        cost(self.simulator.child.id(), make(&self.client, from + FIRST..from + FIRST + MORE)).await
    }
}

/// Makes the objects of these numbers, many at once.
async fn make(client: &Client, numbers: impl IntoIterator<Item = usize>) -> Result<()> {
    let made =
        stream::iter(numbers).map(|number| async move { client.create(&call(), object(number)).await.map(drop) });
    Ok(made.buffer_unordered(PARALLEL).try_collect::<()>().await?)
}

/// The processor time that a process takes for some work.
async fn cost(id: u32, work: impl Future<Output = Result<()>>) -> Result<Duration> {
    let before = processor_time(id)?;
    work.await?;
    Ok(processor_time(id)?.saturating_sub(before))
}

fn call() -> Call {
    Call::within(Duration::from_secs(60), &CancellationToken::new())
}

/// The first ones are those that are listed.
fn object(number: usize) -> Resource {
    let id = format!("object-{number:06}");
    let mut metadata = Metadata::default();
    metadata.labels.insert("bench.example.org/number".to_owned(), number.to_string());
    let (kind, spec) = if number < LISTED {
        let class =
            MachineClassSpec { match_labels: vec!["omni.sidero.dev/arch=amd64".to_owned()], ..Default::default() };
        (CLASSES, class.encode_to_vec())
    } else {
        (LABELS, Vec::new())
    };
    Resource { key: kind.key(id), metadata, spec, yaml: String::new() }
}
