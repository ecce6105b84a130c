//! Many patches at once: what a plan, an apply and a refresh of them take, and how often they ask the server.
//!
//! The calls are those that Terraform makes, ten at a time as it does by default:
//! a plan validates and plans, an apply plans again and applies, a refresh upgrades the stored state and reads.

use crate::host::Host;
use crate::process::milliseconds;
use crate::report::line;
use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use omni_proto::tfplugin6::provider_client::ProviderClient;
use omni_proto::tfplugin6::{
    Diagnostic, DynamicValue, RawState, apply_resource_change, configure_provider, diagnostic, plan_resource_change,
    read_resource, upgrade_resource_state, validate_resource_config,
};
use omni_sim::{Options, Sim};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;
use terraform_provider_omni::provider;
use terraform_provider_omni::tf::schema::Schema;
use terraform_provider_omni::tf::value::{Type, Value};
use terraform_provider_omni::tf::wire;
use tokio::time::Instant;
use tonic::transport::Channel;

pub const TYPE: &str = "omni_config_patch";
const PARALLEL: usize = 10;
/// The machine that all patches are for.
pub const MACHINE: &str = "00000000-0000-4000-8000-000000000001";
const COUNTS: [usize; 2] = [100, 1000];
pub const DELAYS: [Duration; 2] = [Duration::ZERO, Duration::from_millis(20)];

/// A server with one machine, and what was asked of it.
pub struct World {
    pub sim: Sim,
}

impl World {
    pub async fn start(delay: Duration) -> Result<Self> {
        Ok(Self { sim: Sim::start(Options { machines: 1, delay, ..Options::default() }).await? })
    }

    /// How often each method was called since the last time, as text.
    fn asked(&self) -> String {
        self.counted().1
    }

    /// How many calls there were since the last time, and the same by method, as text.
    pub fn counted(&self) -> (usize, String) {
        let mut counts = BTreeMap::new();
        for request in self.sim.requests() {
            *counts.entry(request.name().to_owned()).or_insert(0_usize) += 1;
        }
        self.sim.forget_requests();
        let all = counts.values().sum();
        let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        (all, if counts.is_empty() { "no RPC".to_owned() } else { counts.join(", ") })
    }
}

pub async fn report() -> Result<()> {
    let host = Host::new()?;
    for delay in DELAYS {
        for count in COUNTS {
            let world = World::start(delay).await?;
            let provider = host.start()?;
            let mut load = Load::new(host.connect(&provider).await?, count)?;
            load.configure(&world).await?;
            line(&format!(
                "{count} patches, server delay {} ms; configured with {}",
                delay.as_millis(),
                world.asked()
            ))?;
            let (planned, took) = timed(load.plan()).await?;
            line(&format!("  plan:    {:>12}  {}", milliseconds(took), world.asked()))?;
            // An apply is another run of the provider, which knows nothing of what this one has planned.
            drop(provider);
            let provider = host.start()?;
            load.client = host.connect(&provider).await?;
            load.configure(&world).await?;
            world.sim.forget_requests();
            let (states, took) = timed(load.apply(planned)).await?;
            line(&format!("  apply:   {:>12}  {}", milliseconds(took), world.asked()))?;
            let (_, took) = timed(load.refresh(states)).await?;
            line(&format!("  refresh: {:>12}  {}", milliseconds(took), world.asked()))?;
            world.sim.stop().await;
        }
    }
    Ok(())
}

pub async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<(T, Duration)> {
    let begin = Instant::now();
    let done = work.await?;
    Ok((done, begin.elapsed()))
}

/// The schema of the patches.
pub fn schema() -> Result<Schema> {
    let provider = provider::new();
    let found = provider.resources().iter().find(|r| r.type_name() == TYPE);
    Ok(found.with_context(|| format!("the provider has no {TYPE}"))?.schema().clone())
}

/// The configuration of patch `number`.
pub fn patch(number: usize, schema: &Schema) -> Value {
    let selector =
        Value::object([("machine_set", Value::Null), ("cluster_machine", Value::Null), ("machine", MACHINE.into())]);
    let mut config = schema.null_object();
    config.set("name", format!("patch-{number:04}").into());
    config.set("data", data(number).into());
    config.set("selector", selector);
    config
}

/// The text of patch `number`.
pub fn data(number: usize) -> String {
    format!("machine:\n  sysctls:\n    net.core.somaxconn: \"{}\"\n", 1024 + number)
}

/// A number of patches, and the provider that is to handle them.
pub struct Load {
    client: ProviderClient<Channel>,
    ty: Type,
    patches: Vec<Patch>,
}

/// What Terraform sends of one patch.
#[derive(Clone)]
struct Patch {
    config: DynamicValue,
    proposed: DynamicValue,
}

/// A patch that was planned.
pub struct Planned {
    patch: Patch,
    state: DynamicValue,
    private: Vec<u8>,
}

/// A patch that exists.
#[derive(Clone)]
pub struct Stored {
    state: DynamicValue,
    private: Vec<u8>,
}

impl Load {
    pub fn new(client: ProviderClient<Channel>, count: usize) -> Result<Self> {
        let schema = schema()?;
        let ty = schema.object_type();
        let patches = (0..count).map(|number| {
            let config = patch(number, &schema);
            // Of a new object, what the provider computes is not known yet.
            let mut proposed = config.clone();
            for attribute in schema.attributes.iter().filter(|a| a.computed_mode()) {
                if config.get(attribute.name).is_null() {
                    proposed.set(attribute.name, Value::UNKNOWN);
                }
            }
            Ok(Patch { config: wire::encode(&config, &ty)?, proposed: wire::encode(&proposed, &ty)? })
        });
        let patches = patches.collect::<Result<_>>()?;
        Ok(Self { client, ty, patches })
    }

    /// Tells the provider where the server is.
    pub async fn configure(&self, world: &World) -> Result<()> {
        let provider = provider::new();
        let mut config = provider.schema().null_object();
        config.set("endpoint", world.sim.endpoint().into());
        config.set("service_account_key", world.sim.service_account_key().into());
        let request = configure_provider::Request {
            terraform_version: "1.11.4".to_owned(),
            config: Some(wire::encode(&config, &provider.schema().object_type())?),
            ..Default::default()
        };
        let answer = self.client.clone().configure_provider(request).await?.into_inner();
        accepted(&answer.diagnostics)
    }

    pub async fn plan(&self) -> Result<Vec<Planned>> {
        each(&self.patches, async |patch| {
            let request = validate_resource_config::Request {
                type_name: TYPE.to_owned(),
                config: Some(patch.config.clone()),
                ..Default::default()
            };
            let answer = self.client.clone().validate_resource_config(request).await?.into_inner();
            accepted(&answer.diagnostics)?;
            self.plan_one(patch.clone()).await
        })
        .await
    }

    async fn plan_one(&self, patch: Patch) -> Result<Planned> {
        let request = plan_resource_change::Request {
            type_name: TYPE.to_owned(),
            prior_state: Some(wire::encode(&Value::Null, &self.ty)?),
            proposed_new_state: Some(patch.proposed.clone()),
            config: Some(patch.config.clone()),
            ..Default::default()
        };
        let answer = self.client.clone().plan_resource_change(request).await?.into_inner();
        accepted(&answer.diagnostics)?;
        let state = answer.planned_state.context("a planned state")?;
        Ok(Planned { patch, state, private: answer.planned_private })
    }

    async fn apply(&self, planned: Vec<Planned>) -> Result<Vec<Stored>> {
        each(planned, async |planned| {
            let planned = self.plan_one(planned.patch).await?;
            let request = apply_resource_change::Request {
                type_name: TYPE.to_owned(),
                prior_state: Some(wire::encode(&Value::Null, &self.ty)?),
                planned_state: Some(planned.state),
                config: Some(planned.patch.config),
                planned_private: planned.private,
                ..Default::default()
            };
            let answer = self.client.clone().apply_resource_change(request).await?.into_inner();
            accepted(&answer.diagnostics)?;
            Ok(Stored { state: answer.new_state.context("a new state")?, private: answer.private })
        })
        .await
    }

    /// What an import of this id leaves for the first read.
    pub fn imported(&self, id: String) -> Result<Stored> {
        let mut state = schema()?.null_object();
        state.set("id", id.into());
        Ok(Stored { state: wire::encode(&state, &self.ty)?, private: Vec::new() })
    }

    /// Reads the patches; what a host would store of them then.
    pub async fn refresh(&self, states: Vec<Stored>) -> Result<Vec<Stored>> {
        each(states, async |stored| {
            let value = wire::decode(Some(&stored.state), &self.ty)?;
            let json = serde_json::to_vec(&wire::to_json(&value))?;
            let request = upgrade_resource_state::Request {
                type_name: TYPE.to_owned(),
                version: 0,
                raw_state: Some(RawState { json, ..Default::default() }),
            };
            let answer = self.client.clone().upgrade_resource_state(request).await?.into_inner();
            accepted(&answer.diagnostics)?;
            let request = read_resource::Request {
                type_name: TYPE.to_owned(),
                current_state: answer.upgraded_state,
                private: stored.private,
                ..Default::default()
            };
            let answer = self.client.clone().read_resource(request).await?.into_inner();
            accepted(&answer.diagnostics)?;
            Ok(Stored { state: answer.new_state.context("a state after the refresh")?, private: answer.private })
        })
        .await
    }
}

/// Does the same to each, as many at a time as Terraform does; the first failure ends it.
async fn each<I, T>(items: impl IntoIterator<Item = I>, work: impl AsyncFn(I) -> Result<T>) -> Result<Vec<T>> {
    stream::iter(items).map(|item| work(item)).buffered(PARALLEL).try_collect().await
}

/// A figure of calls that failed would say nothing.
fn accepted(diagnostics: &[Diagnostic]) -> Result<()> {
    match diagnostics.iter().find(|d| d.severity() == diagnostic::Severity::Error) {
        Some(error) => bail!("{}: {}", error.summary, error.detail),
        None => Ok(()),
    }
}
