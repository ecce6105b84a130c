//! Refreshes of many patches: what they take where reads share a watch, and where each object is read by itself.
//!
//! Both refresh the same states from the same server, each in a new process.

use crate::host::Host;
use crate::load::{DELAYS, Load, Stored, World, timed};
use crate::many::{PATCH, machine, patch_data};
use crate::process::{milliseconds, resident};
use crate::report::line;
use anyhow::{Context, Result, ensure};
use kit::clock::SystemClock;
use kit::secret::SecretString;
use omni_proto::specs::ConfigPatchSpec;
use omni_sim::kinds;
use prost::Message as _;
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::omni::{Call, Client, Config, Credentials, Kind, Query, Resource};
use tokio_util::sync::CancellationToken;

const COUNTS: [usize; 3] = [100, 1_000, 10_000];
/// Has the provider read each object by itself.
const SINGLE_READS: (&str, &str) = ("OMNI_BENCH_SINGLE_READS", "1");
const PATCHES: Kind = Kind { namespace: "default", name: "ConfigPatches.omni.sidero.dev" };
const MACHINE_LABEL: &str = "omni.sidero.dev/machine";
const LIMIT: Duration = Duration::from_secs(60);

/// What one refresh took.
struct Run {
    states: Vec<Stored>,
    took: Duration,
    calls: usize,
    methods: String,
    resident: String,
}

pub async fn report() -> Result<()> {
    let host = Host::new()?;
    for delay in DELAYS {
        for count in COUNTS {
            let world = World::start(1, delay).await?;
            fill(&world, count);
            let bytes = listed(&world, count).await?;
            let imported = refresh(&host, &world, &[], None, count).await?.states;
            let each = refresh(&host, &world, &[SINGLE_READS], Some(imported), count).await?;
            let shared = refresh(&host, &world, &[], Some(each.states), count).await?;
            line(&format!("refresh of {count} patches, server delay {} ms", delay.as_millis()))?;
            for (what, took, methods) in
                [("one Get each", each.took, &each.methods), ("shared reads", shared.took, &shared.methods)]
            {
                line(&format!("  {what}: {:>12}  {methods}", milliseconds(took)))?;
            }
            line(&format!(
                "  1/{:.1} of the time, 1/{:.1} of the calls; resident {} with {:.1} MiB of listed objects, {} with one Get each",
                each.took.as_secs_f64() / shared.took.as_secs_f64(),
                each.calls as f64 / shared.calls as f64,
                shared.resident,
                bytes as f64 / f64::from(1 << 20),
                each.resident,
            ))?;
            world.sim.stop().await;
        }
    }
    Ok(())
}

fn id(number: usize) -> String {
    format!("500-{}-patch-{number:05}", machine(1))
}

/// Writes the patches without calls.
fn fill(world: &World, count: usize) {
    for number in 0..count {
        world.sim.store().put("", &kinds::key(PATCHES.name, id(number)), |object| {
            object.labels.insert(MACHINE_LABEL.to_owned(), machine(1));
            object.spec = ConfigPatchSpec { data: patch_data(number), ..Default::default() }.encode_to_vec();
        });
    }
}

/// How many bytes the listed patches have, without what separates them.
async fn listed(world: &World, count: usize) -> Result<usize> {
    let key = SecretString::from(world.sim.service_account_key().to_owned());
    let config = Config::new(world.sim.endpoint(), Credentials::ServiceAccountKey(key));
    let client = Client::new(&config, Arc::new(SystemClock))?;
    let call = Call::within(LIMIT, &CancellationToken::new());
    let all = client.list(&call, PATCHES, &Query::all()).await?;
    ensure!(all.len() == count, "{} of {count} patches are listed", all.len());
    let bytes = |object: &Resource| {
        let labels = object.metadata.labels.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        object.key.id.len() + object.key.kind.name.len() + labels + object.spec.len() + object.yaml.len()
    };
    Ok(all.iter().map(bytes).sum())
}

/// Refreshes the states, or those that an import leaves, in a process with these variables.
async fn refresh(
    host: &Host,
    world: &World,
    variables: &[(&str, &str)],
    states: Option<Vec<Stored>>,
    count: usize,
) -> Result<Run> {
    let provider = host.start_with(variables)?;
    let load = Load::new(host.connect(&provider).await?, Vec::new())?;
    load.configure(world).await?;
    let states = match states {
        Some(states) => states,
        None => Stored::imported(PATCH, (0..count).map(id))?,
    };
    let states = states.into_iter().map(Stored::in_file).collect::<Result<_>>()?;
    world.sim.forget_requests();
    let (states, took) = timed(load.refresh(states)).await.context("a refresh")?;
    let (calls, methods) = world.counted();
    Ok(Run { states, took, calls, methods, resident: resident(provider.id())? })
}
