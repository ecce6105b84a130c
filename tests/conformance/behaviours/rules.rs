//! A table of objects that are refused, or not: one line is one behaviour.
//! Rules about one new object fit into it; what takes several steps is a function of its own.

use crate::bench::Bench;
use crate::expect::{accepted, refused_with};
use omni_proto::cosi::resource::Resource;
use tonic::Code;

/// What is to come of an object.
#[derive(Clone, Copy)]
pub enum Verdict {
    /// It is taken.
    Taken,
    /// It is refused, with these words among others.
    Refused(&'static str),
}

/// Creates the object, and holds the answer against the verdict.
pub async fn created(
    bench: &Bench,
    build: fn(&Bench) -> anyhow::Result<Resource>,
    verdict: Verdict,
) -> anyhow::Result<()> {
    let result = bench.create(build(bench)?).await;
    match verdict {
        Verdict::Taken => accepted(result, "create").map(drop),
        Verdict::Refused(part) => refused_with(result, Code::InvalidArgument, part),
    }
}

/// A table: `creations![("name", Need::Nothing, |bench| made(…), Refused("…")), …]`.
#[macro_export]
macro_rules! creations {
    ($(($name:literal, $need:expr, $build:expr, $verdict:expr)),* $(,)?) => {
        &[$($crate::behaviours::Behaviour {
            name: $name,
            need: $need,
            run: |bench| Box::pin($crate::behaviours::rules::created(bench, $build, $verdict)),
        }),*]
    };
}
