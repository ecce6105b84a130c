//! Calls that send several answers: each is read as it comes, within the limits of the operation.

use super::{Ask, header};
use crate::omni::retry::Idempotency;
use crate::omni::status::{About, Failure, Op, read};
use crate::omni::transport::Transport;
use crate::omni::{Call, Client, Error};
use omni_proto::common::Data;
use omni_proto::management as pb;
use omni_proto::management::management_service_client::ManagementServiceClient;
use tonic::{Request, Response, Status, Streaming};

/// The answers of one call.
pub struct Answers<T> {
    client: Client,
    call: Call,
    stream: Streaming<T>,
    method: &'static str,
    about: String,
}

impl<T> Answers<T> {
    /// Waits for the next answer; `None` after the last one.
    ///
    /// # Errors
    /// [`Error::Timeout`] and [`Error::Cancelled`] by the limits of the call; or when the server refuses or does not respond.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        let op = Op { method: self.method, about: About::Words(&self.about) };
        let message = tokio::select! {
            biased;
            () = self.call.cancel.cancelled() => return Err(Error::Cancelled { what: op.words() }),
            message = self.stream.message() => message,
            () = tokio::time::sleep_until(self.call.deadline) => {
                return Err(Error::Timeout { what: op.words(), after: self.call.limit });
            }
        };
        match message {
            Ok(message) => Ok(message),
            Err(status) => {
                let failure = read(&op, &status, &self.client.inner.transport_state, self.client.endpoint());
                Err(Failure::into(self.client.explained(&self.call, failure).await))
            }
        }
    }
}

impl Client {
    /// Opens the stream of a call. A server may take its time until the first answer, so only the call's own deadline limits it.
    async fn answers<M, R, F, Fut>(&self, call: &Call, ask: Ask<'_>, message: M, send: F) -> Result<Answers<R>, Error>
    where
        M: Clone,
        F: Fn(ManagementServiceClient<Transport>, Request<M>) -> Fut,
        Fut: Future<Output = Result<Response<Streaming<R>>, Status>>,
    {
        let header = ask.cluster.map(header).transpose()?;
        let op = Op { method: ask.method, about: About::Words(ask.about) };
        let opened = self
            .run_within(call, &op, ask.idempotency, None, || {
                let mut request = Request::new(message.clone());
                if let Some(header) = &header {
                    request.metadata_mut().insert("cluster", header.clone());
                }
                let sent = send(self.management(), request);
                async move { sent.await.map(Response::into_inner) }
            })
            .await;
        Ok(Answers {
            client: self.clone(),
            call: call.clone(),
            stream: opened.map_err(Error::from)?,
            method: ask.method,
            about: ask.about.to_owned(),
        })
    }

    /// Has Omni apply the manifests of Talos to a cluster, or only compare them.
    ///
    /// # Errors
    /// When the server refuses or does not respond; [`Error::may_have_happened`] tells whether it may apply them all the same.
    pub async fn sync_manifests(
        &self,
        call: &Call,
        cluster: &str,
        dry_run: bool,
    ) -> Result<Answers<pb::KubernetesSyncManifestResponse>, Error> {
        let about = format!("the manifests of cluster `{cluster}`");
        let method = "/management.ManagementService/KubernetesSyncManifests";
        let ask = Ask { idempotency: repeated(dry_run), ..Ask::once(method, &about) }.of(cluster);
        let message = pb::KubernetesSyncManifestRequest { dry_run, ..pb::KubernetesSyncManifestRequest::default() };
        self.answers(call, ask, message, |mut s, r| async move { s.kubernetes_sync_manifests(r).await }).await
    }

    /// The support bundle of a cluster: what is being collected, and in the end the archive.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn support_bundle(
        &self,
        call: &Call,
        request: pb::GetSupportBundleRequest,
    ) -> Result<Answers<pb::GetSupportBundleResponse>, Error> {
        let about = format!("the support bundle of cluster `{}`", request.cluster);
        let ask = Ask::again("/management.ManagementService/GetSupportBundle", &about);
        self.answers(call, ask, request, |mut s, r| async move { s.get_support_bundle(r).await }).await
    }

    /// The lines of the audit log, as JSON.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn audit_log_parts(
        &self,
        call: &Call,
        request: pb::ReadAuditLogRequest,
    ) -> Result<Answers<pb::ReadAuditLogResponse>, Error> {
        let ask = Ask::again("/management.ManagementService/ReadAuditLog", "the audit log");
        self.answers(call, ask, request, |mut s, r| async move { s.read_audit_log(r).await }).await
    }

    /// The lines of the log of a machine; the last ones only, if so many are asked for.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn machine_logs(&self, call: &Call, machine: &str, tail: Option<i32>) -> Result<Answers<Data>, Error> {
        let about = format!("the log of machine `{machine}`");
        let ask = Ask::again("/management.ManagementService/MachineLogs", &about);
        // Less than none stands for all.
        let message =
            pb::MachineLogsRequest { machine_id: machine.to_owned(), follow: false, tail_lines: tail.unwrap_or(-1) };
        self.answers(call, ask, message, |mut s, r| async move { s.machine_logs(r).await }).await
    }

    /// Installs or upgrades Talos on a machine that is in no cluster. The server goes on when nobody reads its answers any more.
    ///
    /// # Errors
    /// When the server refuses or does not respond; [`Error::may_have_happened`] tells whether it may go on all the same.
    pub async fn maintenance_lifecycle(
        &self,
        call: &Call,
        request: pb::MaintenanceLifecycleRequest,
    ) -> Result<Answers<pb::MaintenanceLifecycleResponse>, Error> {
        let about = format!("machine `{}`", request.machine_id);
        let ask = Ask::once("/management.ManagementService/MaintenanceLifecycle", &about);
        self.answers(call, ask, request, |mut s, r| async move { s.maintenance_lifecycle(r).await }).await
    }
}

fn repeated(harmless: bool) -> Idempotency {
    if harmless { Idempotency::Idempotent } else { Idempotency::AtMostOnce }
}
