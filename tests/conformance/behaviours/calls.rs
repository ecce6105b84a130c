//! What every call needs: a signature, and a message that is complete.

use super::{Behaviour, Need};
use crate::behaviours;
use crate::bench::Bench;
use crate::client::Seal;
use crate::expect::{refused, same};
use crate::objects::{CURRENT_USER, meta};
use prost::Message as _;
use terraform_provider_omni::pb::cosi::resource as pb;
use tonic::Code;

pub const LIST: &[Behaviour] =
    behaviours![("current_user", Need::Nothing, current_user), ("unsigned", Need::Nothing, unsigned),];

async fn current_user(bench: &Bench) -> anyhow::Result<()> {
    let me = bench.get(CURRENT_USER, "current").await?;
    same("version", meta(&me).version.as_str(), "1")
}

async fn unsigned(bench: &Bench) -> anyhow::Result<()> {
    let message = pb::GetRequest {
        namespace: CURRENT_USER.namespace.into(),
        r#type: CURRENT_USER.name.into(),
        id: "current".into(),
        options: None,
    };
    let answer = bench.client().raw("/cosi.resource.State/Get", message.encode_to_vec(), &[], Seal::None).await;
    refused(answer, Code::Unauthenticated, "invalid signature")
}
