//! Watches: what there is, and what happens.

use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::expect::same;
use crate::objects::{CLASS, class};
use terraform_provider_omni::pb::cosi::resource as pb;

pub const LIST: &[Behaviour] = behaviours![("kind", Need::Nothing, kind)];

async fn kind(bench: &Bench) -> anyhow::Result<()> {
    let mut watch = bench.watch(CLASS, pb::WatchOptions::default()).await?;
    let id = bench.id("a");
    bench.create(class(&id)).await?;
    same("event", watch.line().await?, format!("CREATED {id}"))
}
