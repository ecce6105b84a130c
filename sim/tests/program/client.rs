//! A client of a simulator in another process: it signs calls, and repeats none.

use crate::signer::{Signer, path};
use kit::clock::{Clock, SystemClock};
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::state_client::StateClient;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

/// A type that nothing in the server looks at.
pub const LABELS: &str = "MachineLabels.omni.sidero.dev";

/// A client with the key of a service account.
#[derive(Clone)]
pub struct Client {
    signer: Signer,
    state: StateClient<Channel>,
}

impl Client {
    /// One that connects with its first call.
    pub fn new(endpoint: &str, key: &str, ca_pem: Option<String>) -> Self {
        let mut endpoint = Endpoint::from_shared(endpoint.replace("grpc://", "http://")).unwrap();
        if let Some(pem) = ca_pem {
            let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
            endpoint = endpoint.tls_config(tls).unwrap();
        }
        let state = StateClient::new(endpoint.connect_lazy()).max_decoding_message_size(64 << 20);
        Self { signer: Signer::new(key), state }
    }

    fn request<T>(&self, method: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        self.signer.seal(&path(method), SystemClock.now(), &mut request);
        request
    }

    pub async fn get(&self, kind: &str, id: &str) -> Result<pb::Resource, Status> {
        let message =
            pb::GetRequest { namespace: "default".into(), r#type: kind.into(), id: id.into(), ..Default::default() };
        let answer = self.state.clone().get(self.request("Get", message)).await?.into_inner();
        Ok(answer.resource.unwrap())
    }

    pub async fn list(&self, kind: &str) -> Result<Vec<pb::Resource>, Status> {
        let message = pb::ListRequest { namespace: "default".into(), r#type: kind.into(), ..Default::default() };
        let mut stream = self.state.clone().list(self.request("List", message)).await?.into_inner();
        let mut found = Vec::new();
        while let Some(answer) = stream.message().await? {
            found.push(answer.resource.unwrap());
        }
        Ok(found)
    }

    pub async fn create(&self, resource: pb::Resource) -> Result<(), Status> {
        let message = pb::CreateRequest { resource: Some(resource), ..Default::default() };
        self.state.clone().create(self.request("Create", message)).await.map(drop)
    }

    pub async fn update(&self, resource: pb::Resource) -> Result<(), Status> {
        let message = pb::UpdateRequest { new_resource: Some(resource), ..Default::default() };
        self.state.clone().update(self.request("Update", message)).await.map(drop)
    }

    pub async fn destroy(&self, kind: &str, id: &str) -> Result<(), Status> {
        let message = pb::DestroyRequest {
            namespace: "default".into(),
            r#type: kind.into(),
            id: id.into(),
            ..Default::default()
        };
        self.state.clone().destroy(self.request("Destroy", message)).await.map(drop)
    }
}

/// An object of [`LABELS`]: a new one when it has no version.
pub fn object(id: &str, version: Option<u64>, annotations: &[(&str, String)]) -> pb::Resource {
    let metadata = pb::Metadata {
        namespace: "default".into(),
        r#type: LABELS.into(),
        id: id.into(),
        version: version.map_or("undefined".to_owned(), |version| version.to_string()),
        phase: "running".into(),
        annotations: annotations.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        ..Default::default()
    };
    pb::Resource { metadata: Some(metadata), spec: Some(pb::Spec::default()) }
}
