//! A small signing client: it shares nothing with the one that the provider uses.

pub use super::signer::{Signer, path, payload};
use crate::{Sim, kinds};
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::state_client::StateClient;
use prost::Message;
use std::time::Duration;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

/// A client of one simulator.
pub struct Client {
    pub signer: Signer,
    pub state: StateClient<Channel>,
    store: crate::store::Store,
}

pub async fn channel(sim: &Sim) -> Channel {
    let uri = sim.endpoint().replace("grpc://", "http://");
    let mut endpoint = Endpoint::from_shared(uri).unwrap();
    if let Some(pem) = sim.ca_pem() {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
        endpoint = endpoint.tls_config(tls).unwrap();
    }
    endpoint.connect().await.unwrap()
}

impl Client {
    pub async fn new(sim: &Sim) -> Self {
        Self::with_key(sim, sim.service_account_key()).await
    }

    pub async fn with_key(sim: &Sim, key: &str) -> Self {
        let state = StateClient::new(channel(sim).await).max_decoding_message_size(64 << 20);
        Self { signer: Signer::new(key), state, store: sim.store().clone() }
    }

    pub fn now(&self) -> Duration {
        self.store.time()
    }

    pub fn request<T>(&self, method: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        self.signer.seal(&path(method), self.now(), &mut request);
        request
    }

    pub async fn get(&mut self, kind: &str, id: &str) -> Result<pb::Resource, Status> {
        let message = pb::GetRequest {
            namespace: kinds::namespace(kind).into(),
            r#type: kind.into(),
            id: id.into(),
            options: None,
        };
        let request = self.request("Get", message);
        Ok(self.state.get(request).await?.into_inner().resource.unwrap())
    }

    pub async fn list(&mut self, kind: &str, options: pb::ListOptions) -> Result<Vec<String>, Status> {
        let found = self.listed(kind, kinds::namespace(kind), Some(options)).await?;
        Ok(found.into_iter().map(|resource| resource.metadata.unwrap().id).collect())
    }

    /// Every object of a type in a namespace.
    pub async fn list_in(&mut self, kind: &str, namespace: &str) -> Result<Vec<pb::Resource>, Status> {
        self.listed(kind, namespace, None).await
    }

    async fn listed(
        &mut self,
        kind: &str,
        namespace: &str,
        options: Option<pb::ListOptions>,
    ) -> Result<Vec<pb::Resource>, Status> {
        let message = pb::ListRequest { namespace: namespace.into(), r#type: kind.into(), options };
        let request = self.request("List", message);
        let mut answers = self.state.list(request).await?.into_inner();
        let mut found = Vec::new();
        while let Some(answer) = answers.message().await? {
            found.extend(answer.resource);
        }
        Ok(found)
    }

    pub async fn create(&mut self, resource: pb::Resource, owner: &str) -> Result<pb::Resource, Status> {
        let options = Some(pb::CreateOptions { owner: owner.into() });
        let request = self.request("Create", pb::CreateRequest { resource: Some(resource), options });
        Ok(self.state.create(request).await?.into_inner().resource.unwrap())
    }

    pub async fn update(
        &mut self,
        resource: pb::Resource,
        owner: &str,
        expected: Option<&str>,
    ) -> Result<pb::Resource, Status> {
        let options = pb::UpdateOptions { owner: owner.into(), expected_phase: expected.map(Into::into) };
        let message = pb::UpdateRequest { new_resource: Some(resource), options: Some(options) };
        let request = self.request("Update", message);
        Ok(self.state.update(request).await?.into_inner().resource.unwrap())
    }

    pub async fn destroy(&mut self, kind: &str, id: &str, owner: &str) -> Result<(), Status> {
        let message = pb::DestroyRequest {
            namespace: kinds::namespace(kind).into(),
            r#type: kind.into(),
            id: id.into(),
            options: Some(pb::DestroyOptions { owner: owner.into() }),
        };
        let request = self.request("Destroy", message);
        self.state.destroy(request).await.map(drop)
    }

    pub async fn teardown(&mut self, kind: &str, id: &str) -> Result<bool, Status> {
        let namespace = kinds::namespace(kind).into();
        let message = pb::TeardownRequest { namespace, r#type: kind.into(), id: id.into(), options: None };
        let request = self.request("Teardown", message);
        Ok(self.state.teardown(request).await?.into_inner().destroy_ready)
    }

    pub fn teardown_and_destroy(&self, kind: &str, id: &str) -> impl Future<Output = Result<(), Status>> + use<> {
        let namespace = kinds::namespace(kind).into();
        let message = pb::TeardownAndDestroyRequest { namespace, r#type: kind.into(), id: id.into(), options: None };
        let request = self.request("TeardownAndDestroy", message);
        let mut state = self.state.clone();
        async move { state.teardown_and_destroy(request).await.map(drop) }
    }
}

/// A new object to send.
pub fn resource(kind: &str, id: &str, spec: &impl Message) -> pb::Resource {
    let metadata = pb::Metadata {
        namespace: kinds::namespace(kind).into(),
        r#type: kind.into(),
        id: id.into(),
        version: "undefined".into(),
        phase: "running".into(),
        ..pb::Metadata::default()
    };
    pb::Resource {
        metadata: Some(metadata),
        spec: Some(pb::Spec { proto_spec: spec.encode_to_vec(), yaml_spec: String::new() }),
    }
}

/// The same with other metadata.
pub fn with(mut resource: pb::Resource, edit: impl FnOnce(&mut pb::Metadata)) -> pb::Resource {
    edit(resource.metadata.as_mut().unwrap());
    resource
}
