//! State: objects are created, read, updated and destroyed.

use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::expect::{refused, same};
use crate::objects::{CLASS, class, meta};
use tonic::Code;

pub const LIST: &[Behaviour] = behaviours![
    ("create_and_get", Need::Nothing, create_and_get),
    ("create_twice", Need::Nothing, create_twice),
    ("get_missing", Need::Nothing, get_missing),
];

async fn create_and_get(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    let stored = bench.create(class(&id)).await?;
    same("version", meta(&stored).version.as_str(), "1")?;
    same("read", bench.get(CLASS, &id).await?, stored)
}

async fn create_twice(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("a");
    bench.create(class(&id)).await?;
    let text = format!("failed to create: resource {}(default/{id}@undefined) already exists", CLASS.name);
    refused(bench.create(class(&id)).await, Code::AlreadyExists, &text)
}

async fn get_missing(bench: &Bench) -> anyhow::Result<()> {
    let id = bench.id("missing");
    let text = format!("resource {}(default/{id}@undefined) doesn't exist", CLASS.name);
    refused(bench.get(CLASS, &id).await, Code::NotFound, &text)
}
