//! Many objects at once, as Terraform asks for them.
//!
//! The calls are those that Terraform makes, ten at a time as it does by default:
//! a plan validates and plans, an apply plans again and applies, a refresh upgrades the stored state and reads.
//! Objects come by type, and an apply begins with a type when it is done with the one before, as with references.

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

const PARALLEL: usize = 10;
pub const DELAYS: [Duration; 2] = [Duration::ZERO, Duration::from_millis(20)];

/// A server with some machines, and what was asked of it.
pub struct World {
    pub sim: Sim,
}

impl World {
    pub async fn start(machines: usize, delay: Duration) -> Result<Self> {
        Ok(Self { sim: Sim::start(Options { machines, delay, ..Options::default() }).await? })
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

pub async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<(T, Duration)> {
    let begin = Instant::now();
    let done = work.await?;
    Ok((done, begin.elapsed()))
}

/// The schema of a resource type.
pub fn schema(type_name: &str) -> Result<Schema> {
    let provider = provider::new();
    let found = provider.resources().iter().find(|r| r.type_name() == type_name);
    Ok(found.with_context(|| format!("the provider has no {type_name}"))?.schema().clone())
}

/// A resource of a configuration: its type and the attributes that are set.
pub struct Configured {
    pub type_name: &'static str,
    pub attributes: Vec<(&'static str, Value)>,
}

/// Configured resources, and the provider that is to handle them.
pub struct Load {
    client: ProviderClient<Channel>,
    objects: Vec<Object>,
}

/// What Terraform sends of one resource.
#[derive(Clone)]
struct Object {
    type_name: &'static str,
    ty: Type,
    config: DynamicValue,
    proposed: DynamicValue,
}

/// A resource that was planned.
pub struct Planned {
    object: Object,
    state: DynamicValue,
    private: Vec<u8>,
}

/// A resource that exists.
#[derive(Clone)]
pub struct Stored {
    type_name: &'static str,
    ty: Type,
    state: DynamicValue,
    private: Vec<u8>,
}

impl Stored {
    /// What imports of these IDs leave for the first reads.
    pub fn imported(type_name: &'static str, ids: impl Iterator<Item = String>) -> Result<Vec<Self>> {
        let schema = schema(type_name)?;
        let ty = schema.object_type();
        let one = |id: String| {
            let mut state = schema.null_object();
            state.set("id", id.into());
            Ok(Self { type_name, state: wire::encode(&state, &ty)?, ty: ty.clone(), private: Vec::new() })
        };
        ids.map(one).collect()
    }

    /// The resource as a state file has it, from where a refresh takes it.
    pub fn in_file(self) -> Result<InFile> {
        let json = serde_json::to_vec(&wire::to_json(&wire::decode(Some(&self.state), &self.ty)?))?;
        Ok(InFile { json, stored: self })
    }
}

/// A resource in a state file.
pub struct InFile {
    stored: Stored,
    json: Vec<u8>,
}

impl Load {
    pub fn new(client: ProviderClient<Channel>, configured: Vec<Configured>) -> Result<Self> {
        let mut schemas = BTreeMap::new();
        let mut objects = Vec::with_capacity(configured.len());
        for Configured { type_name, attributes } in configured {
            if !schemas.contains_key(type_name) {
                schemas.insert(type_name, schema(type_name)?);
            }
            let schema = &schemas[type_name];
            let ty = schema.object_type();
            let mut config = schema.null_object();
            for (name, value) in attributes {
                config.set(name, value);
            }
            // Of a new object, what the provider computes is not known yet.
            let mut proposed = config.clone();
            for attribute in schema.attributes.iter().filter(|a| a.computed_mode()) {
                if config.get(attribute.name).is_null() {
                    proposed.set(attribute.name, Value::UNKNOWN);
                }
            }
            let (config, proposed) = (wire::encode(&config, &ty)?, wire::encode(&proposed, &ty)?);
            objects.push(Object { type_name, ty, config, proposed });
        }
        Ok(Self { client, objects })
    }

    /// The same resources in another process.
    pub fn moved_to(self, client: ProviderClient<Channel>) -> Self {
        Self { client, ..self }
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
        each(&self.objects, async |object| {
            let request = validate_resource_config::Request {
                type_name: object.type_name.to_owned(),
                config: Some(object.config.clone()),
                ..Default::default()
            };
            let answer = self.client.clone().validate_resource_config(request).await?.into_inner();
            accepted(&answer.diagnostics)?;
            self.plan_one(object.clone()).await
        })
        .await
    }

    async fn plan_one(&self, object: Object) -> Result<Planned> {
        let request = plan_resource_change::Request {
            type_name: object.type_name.to_owned(),
            prior_state: Some(wire::encode(&Value::Null, &object.ty)?),
            proposed_new_state: Some(object.proposed.clone()),
            config: Some(object.config.clone()),
            ..Default::default()
        };
        let answer = self.client.clone().plan_resource_change(request).await?.into_inner();
        accepted(&answer.diagnostics)?;
        let state = answer.planned_state.context("a planned state")?;
        Ok(Planned { object, state, private: answer.planned_private })
    }

    pub async fn apply(&self, planned: Vec<Planned>) -> Result<Vec<Stored>> {
        let mut stored = Vec::with_capacity(planned.len());
        let mut left = planned.into_iter().peekable();
        while let Some(type_name) = left.peek().map(|planned| planned.object.type_name) {
            let same = std::iter::from_fn(|| left.next_if(|planned| planned.object.type_name == type_name));
            stored.extend(each(same, async |planned| self.apply_one(planned).await).await?);
        }
        Ok(stored)
    }

    async fn apply_one(&self, planned: Planned) -> Result<Stored> {
        let planned = self.plan_one(planned.object).await?;
        let Object { type_name, ty, config, .. } = planned.object;
        let request = apply_resource_change::Request {
            type_name: type_name.to_owned(),
            prior_state: Some(wire::encode(&Value::Null, &ty)?),
            planned_state: Some(planned.state),
            config: Some(config),
            planned_private: planned.private,
            ..Default::default()
        };
        let answer = self.client.clone().apply_resource_change(request).await?.into_inner();
        accepted(&answer.diagnostics)?;
        let state = answer.new_state.context("a new state")?;
        Ok(Stored { type_name, ty, state, private: answer.private })
    }

    /// Reads the objects; what a host would store of them then.
    pub async fn refresh(&self, states: Vec<InFile>) -> Result<Vec<Stored>> {
        each(states, async |InFile { json, stored: Stored { type_name, ty, private, .. } }| {
            let request = upgrade_resource_state::Request {
                type_name: type_name.to_owned(),
                version: 0,
                raw_state: Some(RawState { json, ..Default::default() }),
            };
            let answer = self.client.clone().upgrade_resource_state(request).await?.into_inner();
            accepted(&answer.diagnostics)?;
            let request = read_resource::Request {
                type_name: type_name.to_owned(),
                current_state: answer.upgraded_state,
                private,
                ..Default::default()
            };
            let answer = self.client.clone().read_resource(request).await?.into_inner();
            accepted(&answer.diagnostics)?;
            let state = answer.new_state.context("a state after the refresh")?;
            Ok(Stored { type_name, ty, state, private: answer.private })
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
