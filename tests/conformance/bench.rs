//! What a behaviour gets: calls to one server, waits that end, and a memory of what has to be taken away again.
//! It decides nothing about right and wrong.

use crate::client::{Client, Seal};
use crate::objects::{self, Edit as _, meta};
use anyhow::{Context as _, bail};
use kit::clock::{Clock, SystemClock};
use kit::secret::SecretString;
use omni_proto::cosi::resource as pb;
use omni_proto::management::{
    CreateServiceAccountRequest, CreateServiceAccountResponse, DestroyServiceAccountRequest, DestroyUserRequest,
};
use prost::Message;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use terraform_provider_omni::omni::Kind;
use terraform_provider_omni::omni::auth::generate;
use tonic::{Code, Status, Streaming};

/// The prefix of everything that is made here.
pub const PREFIX: &str = "conformance-";

/// A server, as the behaviours see it.
pub struct Bench {
    client: Client,
    /// How long it may take until something happens that has to happen.
    pub patience: Duration,
    made: Mutex<Vec<(String, String, String)>>,
    accounts: Mutex<Vec<String>>,
    users: Mutex<Vec<String>>,
}

impl Bench {
    pub fn new(client: Client, patience: Duration) -> Self {
        Self { client, patience, made: Mutex::default(), accounts: Mutex::default(), users: Mutex::default() }
    }

    /// The client, for calls that are not made properly.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// An id with the prefix of everything that is made here.
    pub fn id(&self, name: &str) -> String {
        format!("{PREFIX}{name}")
    }

    /// A call to State.
    pub async fn state<A: Message + Default>(&self, method: &str, message: &impl Message) -> Result<A, Status> {
        self.client.call(&format!("/cosi.resource.State/{method}"), message, &[]).await
    }

    /// A call to ManagementService.
    pub async fn management<A: Message + Default>(&self, method: &str, message: &impl Message) -> Result<A, Status> {
        self.management_with(method, message, &[]).await
    }

    /// A call to ManagementService with these headers.
    pub async fn management_with<A: Message + Default>(
        &self,
        method: &str,
        message: &impl Message,
        headers: &[(&'static str, &str)],
    ) -> Result<A, Status> {
        self.client.call(&format!("/management.ManagementService/{method}"), message, headers).await
    }

    pub async fn get(&self, kind: Kind, id: &str) -> Result<pb::Resource, Status> {
        self.get_in(kind.namespace, kind.name, id).await
    }

    pub async fn get_in(&self, namespace: &str, kind: &str, id: &str) -> Result<pb::Resource, Status> {
        let message = pb::GetRequest { namespace: namespace.into(), r#type: kind.into(), id: id.into(), options: None };
        let answer: pb::GetResponse = self.state("Get", &message).await?;
        answer.resource.ok_or_else(|| Status::internal("an answer without its resource"))
    }

    pub async fn list(&self, kind: Kind, options: pb::ListOptions) -> Result<Vec<pb::Resource>, Status> {
        let message =
            pb::ListRequest { namespace: kind.namespace.into(), r#type: kind.name.into(), options: Some(options) };
        let body = message.encode_to_vec();
        let answers = self.client.raw("/cosi.resource.State/List", body, &[], Seal::Proper).await?;
        let resource = |bytes: &Vec<u8>| {
            let answer = pb::ListResponse::decode(bytes.as_slice()).map_err(|e| Status::internal(e.to_string()))?;
            answer.resource.ok_or_else(|| Status::internal("an answer without its resource"))
        };
        answers.iter().map(resource).collect()
    }

    pub async fn create(&self, resource: pb::Resource) -> Result<pb::Resource, Status> {
        self.create_as(resource, "").await
    }

    /// Creates on behalf of an owner, or of nobody.
    pub async fn create_as(&self, resource: pb::Resource, owner: &str) -> Result<pb::Resource, Status> {
        self.will_make(&resource);
        let options = Some(pb::CreateOptions { owner: owner.into() });
        let message = pb::CreateRequest { resource: Some(resource), options };
        let answer: pb::CreateResponse = self.state("Create", &message).await?;
        answer.resource.ok_or_else(|| Status::internal("an answer without its resource"))
    }

    /// Remembers an object that is about to be made.
    pub fn will_make(&self, resource: &pb::Resource) {
        let Some(metadata) = &resource.metadata else { return };
        let key = (metadata.namespace.clone(), metadata.r#type.clone(), metadata.id.clone());
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(key);
    }

    pub async fn update(&self, resource: pb::Resource) -> Result<pb::Resource, Status> {
        self.update_as(resource, "", Some("running")).await
    }

    /// Updates on behalf of an owner, or of nobody, in the phase that is expected, or in any.
    pub async fn update_as(
        &self,
        resource: pb::Resource,
        owner: &str,
        expected: Option<&str>,
    ) -> Result<pb::Resource, Status> {
        let options = pb::UpdateOptions { owner: owner.into(), expected_phase: expected.map(Into::into) };
        let message = pb::UpdateRequest { new_resource: Some(resource), options: Some(options) };
        let answer: pb::UpdateResponse = self.state("Update", &message).await?;
        answer.resource.ok_or_else(|| Status::internal("an answer without its resource"))
    }

    pub async fn destroy(&self, kind: Kind, id: &str) -> Result<(), Status> {
        self.destroy_as(kind.namespace, kind.name, id, "").await
    }

    /// Destroys on behalf of an owner, or of nobody.
    pub async fn destroy_as(&self, namespace: &str, kind: &str, id: &str, owner: &str) -> Result<(), Status> {
        let message = pb::DestroyRequest {
            namespace: namespace.into(),
            r#type: kind.into(),
            id: id.into(),
            options: Some(pb::DestroyOptions { owner: owner.into() }),
        };
        self.state::<pb::DestroyResponse>("Destroy", &message).await.map(drop)
    }

    /// The call of newer servers; says whether nobody holds the object.
    pub async fn teardown(&self, kind: Kind, id: &str) -> Result<bool, Status> {
        let (namespace, kind) = (kind.namespace.into(), kind.name.into());
        let message = pb::TeardownRequest { namespace, r#type: kind, id: id.into(), options: None };
        Ok(self.state::<pb::TeardownResponse>("Teardown", &message).await?.destroy_ready)
    }

    /// The call of newer servers; returns when the object is gone.
    pub async fn teardown_and_destroy(&self, kind: Kind, id: &str) -> Result<(), Status> {
        let (namespace, kind) = (kind.namespace.into(), kind.name.into());
        let message = pb::TeardownAndDestroyRequest { namespace, r#type: kind, id: id.into(), options: None };
        self.state::<pb::TeardownAndDestroyResponse>("TeardownAndDestroy", &message).await.map(drop)
    }

    /// A watch of a type; the ready marker has been taken off.
    pub async fn watch(&self, kind: Kind, options: pb::WatchOptions) -> anyhow::Result<Watch> {
        let mut watch = self.open_watch(&objects::watch(kind, options)).await?;
        let ready = watch.answer().await?;
        if !ready.event.is_empty() {
            bail!("the first answer of a watch holds events: {ready:?}");
        }
        Ok(watch)
    }

    /// A watch of anything, from its first answer on.
    pub async fn open_watch(&self, request: &pb::WatchRequest) -> Result<Watch, Status> {
        let body = request.encode_to_vec();
        let stream = self.client.open("/cosi.resource.State/Watch", body, &[], Seal::Proper).await?;
        Ok(Watch { stream, patience: self.patience, pending: Vec::new() })
    }

    /// Why a watch cannot be had; a refusal may come with the stream or as the first answer.
    pub async fn watch_refusal(&self, request: &pb::WatchRequest) -> Result<pb::WatchResponse, Status> {
        let mut watch = self.open_watch(request).await?;
        loop {
            let answer = watch.message().await?;
            if !answer.event.is_empty() {
                return Ok(answer);
            }
        }
    }

    /// The object once it is as asked, or `None` if that is that it is gone.
    pub async fn until(
        &self,
        kind: Kind,
        id: &str,
        what: &str,
        holds: impl Fn(Option<&pb::Resource>) -> bool,
    ) -> anyhow::Result<Option<pb::Resource>> {
        let mut last = None;
        let found = tokio::time::timeout(self.patience, self.wait(kind.namespace, kind.name, id, &holds, &mut last));
        match found.await {
            Ok(found) => found,
            Err(_) => bail!("{}/{id} is not {what} within {:?}; it is {last:?}", kind.name, self.patience),
        }
    }

    /// The same, for callers that have the limit and keep the last state.
    pub async fn wait(
        &self,
        namespace: &str,
        kind: &str,
        id: &str,
        holds: &impl Fn(Option<&pb::Resource>) -> bool,
        last: &mut Option<pb::Resource>,
    ) -> anyhow::Result<Option<pb::Resource>> {
        let request = pb::WatchRequest {
            namespace: namespace.into(),
            r#type: kind.into(),
            id: Some(id.into()),
            options: None,
            api_version: 1,
        };
        let mut watch = self.open_watch(&request).await?;
        loop {
            for event in watch.message().await?.event {
                let gone = event.event_type() == pb::EventType::Destroyed;
                *last = event.resource.filter(|_| !gone);
                if holds(last.as_ref()) {
                    return Ok(last.take());
                }
            }
        }
    }

    /// The same server as a new service account of this role; it goes with everything else that was made.
    pub async fn with_role(&self, role: &str) -> anyhow::Result<Self> {
        let name = self.account(&role.to_lowercase()).await?;
        let (request, key) = account_request(&name, role)?;
        self.management::<CreateServiceAccountResponse>("CreateServiceAccount", &request).await?;
        Ok(Self::new(self.client.with_key(&key)?, self.patience))
    }

    /// The name of a service account that is about to be made; there is none of it, and none will stay.
    pub async fn account(&self, name: &str) -> anyhow::Result<String> {
        let name = self.id(name);
        self.remove_account(&name).await?;
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        Ok(name)
    }

    /// The address of a user who is about to be made; there is none of it, and none will stay.
    pub async fn user(&self, name: &str) -> anyhow::Result<String> {
        let email = format!("{}@example.org", self.id(name));
        self.remove_user(&email).await?;
        self.users.lock().unwrap_or_else(PoisonError::into_inner).push(email.clone());
        Ok(email)
    }

    async fn remove_user(&self, email: &str) -> anyhow::Result<()> {
        match self.management::<()>("DestroyUser", &DestroyUserRequest { email: email.into() }).await {
            Err(status) if status.code() != Code::NotFound => Err(status.into()),
            _ => Ok(()),
        }
    }

    async fn remove_account(&self, name: &str) -> anyhow::Result<()> {
        let message = DestroyServiceAccountRequest { name: name.into() };
        match self.management::<()>("DestroyServiceAccount", &message).await {
            Err(status) if status.code() != Code::NotFound => Err(status.into()),
            _ => Ok(()),
        }
    }

    /// Takes away what was made since the last time.
    pub async fn clean(&self) -> anyhow::Result<()> {
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        let accounts = std::mem::take(&mut *self.accounts.lock().unwrap_or_else(PoisonError::into_inner));
        let users = std::mem::take(&mut *self.users.lock().unwrap_or_else(PoisonError::into_inner));
        let mut result = Ok(());
        // What is locked holds what belongs to it.
        for (namespace, kind, id) in &made {
            let unlocked = self.unlock(namespace, kind, id).await;
            result = result.and(unlocked.with_context(|| format!("cannot unlock {kind}/{id}")));
        }
        for email in users {
            result = result.and(self.remove_user(&email).await);
        }
        for (namespace, kind, id) in made.into_iter().rev() {
            let removed = self.remove(&namespace, &kind, &id).await;
            result = result.and(removed.with_context(|| format!("cannot take away {kind}/{id}")));
        }
        for name in accounts.into_iter().rev() {
            result = result.and(self.remove_account(&name).await);
        }
        result
    }

    /// Takes the locks off an object, whoever writes to it meanwhile.
    async fn unlock(&self, namespace: &str, kind: &str, id: &str) -> anyhow::Result<()> {
        while let Ok(object) = self.get_in(namespace, kind, id).await
            && objects::is_locked(&object)
        {
            let owner = meta(&object).owner.clone();
            match self.update_as(objects::unlocked(object), &owner, None).await {
                Err(status) if status.code() == Code::FailedPrecondition => {}
                other => return Ok(other.map(drop)?),
            }
        }
        Ok(())
    }

    /// Takes away what an earlier run has left.
    pub async fn sweep(&self) -> anyhow::Result<()> {
        for kind in objects::WRITTEN {
            let id_query = Some(pb::IdQuery { regexp: format!("^{PREFIX}") });
            let options = pb::ListOptions { id_query, ..Default::default() };
            match self.list(*kind, options).await {
                Ok(left) => left.iter().for_each(|resource| self.will_make(resource)),
                // A server that does not know the type has nothing of it.
                Err(status) if status.code() == Code::PermissionDenied => {}
                Err(status) => return Err(status.into()),
            }
        }
        self.clean().await
    }

    /// Removes an object, whoever holds it; one that is gone is no error.
    pub async fn remove(&self, namespace: &str, kind: &str, id: &str) -> anyhow::Result<()> {
        let found = match self.get_in(namespace, kind, id).await {
            Err(status) if [Code::NotFound, Code::PermissionDenied].contains(&status.code()) => return Ok(()),
            other => other?,
        };
        let owner = meta(&found).owner.clone();
        let (mut held, mut running) = (found, true);
        if meta(&held).phase == "running" {
            held = match self.update_as(held.phase("tearingDown"), &owner, None).await {
                Err(status) if status.code() == Code::FailedPrecondition => {
                    return Box::pin(self.remove(namespace, kind, id)).await;
                }
                other => other?,
            };
            running = false;
        }
        if !objects::has_controllers(kind) && !meta(&held).finalizers.is_empty() {
            held.metadata.get_or_insert_default().finalizers.clear();
            match self.update_as(held, &owner, None).await {
                // Somebody else wrote to it meanwhile.
                Err(status) if status.code() == Code::FailedPrecondition => {
                    return Box::pin(self.remove(namespace, kind, id)).await;
                }
                Err(status) if status.code() == Code::NotFound => {}
                other => drop(other?),
            }
        }
        let free = |resource: Option<&pb::Resource>| resource.is_none_or(|r| meta(r).finalizers.is_empty());
        let mut last = None;
        let waited = tokio::time::timeout(self.patience, self.wait(namespace, kind, id, &free, &mut last)).await;
        if waited.with_context(|| format!("still held (torn down now: {}): {last:?}", !running))??.is_none() {
            return Ok(());
        }
        match self.destroy_as(namespace, kind, id, &owner).await {
            Err(status) if status.code() != Code::NotFound => Err(status.into()),
            _ => Ok(()),
        }
    }
}

/// What asks for a service account of this name and role, and the key that it will have.
pub fn account_request(name: &str, role: &str) -> anyhow::Result<(CreateServiceAccountRequest, SecretString)> {
    let key = generate(name, Duration::from_secs(3600), SystemClock.now())?;
    let request = CreateServiceAccountRequest {
        armored_pgp_public_key: key.armored_public,
        role: role.into(),
        name: name.into(),
        ..Default::default()
    };
    Ok((request, key.exported))
}

/// A running watch.
pub struct Watch {
    stream: Streaming<Vec<u8>>,
    patience: Duration,
    pending: Vec<pb::Event>,
}

impl Watch {
    async fn message(&mut self) -> Result<pb::WatchResponse, Status> {
        let bytes = self.stream.message().await?.ok_or_else(|| Status::internal("the watch has ended"))?;
        pb::WatchResponse::decode(bytes.as_slice()).map_err(|e| Status::internal(e.to_string()))
    }

    /// The next answer, with any number of events.
    pub async fn answer(&mut self) -> anyhow::Result<pb::WatchResponse> {
        let patience = self.patience;
        let answer = tokio::time::timeout(patience, self.message()).await;
        Ok(answer.with_context(|| format!("nothing came within {patience:?}"))??)
    }

    /// The next event.
    pub async fn event(&mut self) -> anyhow::Result<pb::Event> {
        while self.pending.is_empty() {
            self.pending = self.answer().await?.event;
        }
        Ok(self.pending.remove(0))
    }

    /// The next event as a line: `CREATED conformance-a`.
    pub async fn line(&mut self) -> anyhow::Result<String> {
        self.event().await.map(|event| objects::line(&event))
    }
}
