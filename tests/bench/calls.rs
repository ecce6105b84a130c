//! What single steps cost: signing a call, writing a value, reading a value.

use crate::load::schema;
use crate::many::{PATCH, patch};
use crate::report::line;
use anyhow::{Context, Result};
use kit::clock::{Clock, SystemClock};
use std::hint::black_box;
use std::time::Duration;
use terraform_provider_omni::omni::auth::{Signer, SigningKey, generate};
use terraform_provider_omni::tf::wire;
use tokio::time::Instant;

const SIGNATURES: u32 = 2_000;
const VALUES: u32 = 20_000;
const LIFETIME: Duration = Duration::from_secs(3600);
const GET: &str = "/cosi.resource.State/Get";

pub fn report() -> Result<()> {
    let now = SystemClock.now();
    let generated = generate("bench", LIFETIME, now)?;
    let signer = Signer::new(SigningKey::service_account(&generated.exported, now)?);
    let each = repeat(SIGNATURES, || signer.sign(GET, &mut http::HeaderMap::new(), now))?;
    line(&format!("sign a call: {}", microseconds(each)))?;

    let schema = schema(PATCH)?;
    let (ty, mut value) = (schema.object_type(), schema.null_object());
    for (name, attribute) in patch(1).attributes {
        value.set(name, attribute);
    }
    let wire = wire::encode(&value, &ty)?;
    let bytes = wire.msgpack.len();
    let each = repeat(VALUES, || wire::encode(black_box(&value), &ty))?;
    line(&format!("encode a patch of {bytes} bytes: {}", microseconds(each)))?;
    let each = repeat(VALUES, || wire::decode(Some(black_box(&wire)), &ty))?;
    line(&format!("decode a patch of {bytes} bytes: {}", microseconds(each)))
}

/// The mean time of a step, after a tenth of the runs to warm up.
fn repeat<T, E>(times: u32, mut step: impl FnMut() -> Result<T, E>) -> Result<Duration>
where
    E: std::error::Error + Send + Sync + 'static,
{
    for _ in 0..times / 10 {
        black_box(step()?);
    }
    let begin = Instant::now();
    for _ in 0..times {
        black_box(step()?);
    }
    begin.elapsed().checked_div(times).context("at least one run")
}

fn microseconds(time: Duration) -> String {
    format!("{:.2} µs", time.as_secs_f64() * 1_000_000.0)
}
