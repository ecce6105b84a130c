//! Calls of the management service, by subject.
//! Those about a cluster name it in a header, which the signature covers; the messages have no field for it.

mod access;
mod accounts;
mod checks;
mod join_tokens;
mod machines;
mod media;
mod streams;
mod users;

#[cfg(test)]
mod tests;

pub use access::{JoinConfig, KubeconfigRequest};
pub use accounts::{AccountKey, AccountRole, NewKey, ServiceAccount};
pub use checks::PreChecks;
pub use media::Schematic;
pub use streams::Answers;
pub use users::User;

use super::call::Call;
use super::client::Client;
use super::error::Error;
use super::retry::Idempotency;
use super::status::{About, Failure, Op};
use super::transport::Transport;
use omni_proto::management::management_service_client::ManagementServiceClient;
use std::future::Future;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Response, Status};

/// One call of the management service.
struct Ask<'a> {
    /// The full method name.
    method: &'static str,
    /// What it is about, in words; may be empty.
    about: &'a str,
    /// The cluster that it is about.
    cluster: Option<&'a str>,
    idempotency: Idempotency,
}

impl<'a> Ask<'a> {
    /// A call that may be sent twice.
    fn again(method: &'static str, about: &'a str) -> Self {
        Self { method, about, cluster: None, idempotency: Idempotency::Idempotent }
    }

    /// A call that must not happen twice.
    fn once(method: &'static str, about: &'a str) -> Self {
        Self { idempotency: Idempotency::AtMostOnce, ..Self::again(method, about) }
    }

    fn of(self, cluster: &'a str) -> Self {
        Self { cluster: Some(cluster), ..self }
    }
}

impl Client {
    async fn ask<M, R, F, Fut>(&self, call: &Call, ask: Ask<'_>, message: M, send: F) -> Result<R, Error>
    where
        M: Clone,
        F: Fn(ManagementServiceClient<Transport>, Request<M>) -> Fut,
        Fut: Future<Output = Result<Response<R>, Status>>,
    {
        let header = ask.cluster.map(header).transpose()?;
        let op = Op { method: ask.method, about: About::Words(ask.about) };
        let answer = self
            .run(call, &op, ask.idempotency, || {
                let mut request = Request::new(message.clone());
                if let Some(header) = &header {
                    request.metadata_mut().insert("cluster", header.clone());
                }
                let sent = send(self.management(), request);
                async move { sent.await.map(Response::into_inner) }
            })
            .await;
        answer.map_err(Failure::into)
    }
}

fn header(cluster: &str) -> Result<AsciiMetadataValue, Error> {
    cluster.parse().map_err(|_| Error::Config {
        setting: "cluster",
        message: format!("the cluster name `{cluster}` holds characters that no cluster name may hold"),
    })
}

/// The id in the answer to a call that made something; an answer without one makes no sense.
fn named(id: String, about: &str) -> Result<String, Error> {
    if id.is_empty() {
        return Err(Error::Decode { what: format!("the ID of {about}"), source: "the answer holds none".into() });
    }
    Ok(id)
}
