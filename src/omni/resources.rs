//! Calls of the ResourceService, which serves Omni's web interface with objects in JSON.
//! Only what the State service does not take is here: it refuses everything until the EULA is accepted.

use super::call::Call;
use super::client::Client;
use super::error::Error;
use super::retry::Idempotency;
use super::spec::Spec;
use super::status::{About, Failure, Op};
use omni_proto::cosi::resource::Metadata;
use omni_proto::omni::resources as pb;
use omni_proto::specs::EulaAcceptanceSpec;
use serde_json::json;
use tonic::Request;
use tonic::metadata::AsciiMetadataValue;

const CREATE: &str = "/omni.resources.ResourceService/Create";

/// The id of the one acceptance of the EULA.
pub const EULA_ID: &str = "eula";

impl Client {
    /// Accepts the EULA of the instance in the name of this person, for good.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`](super::ErrorKind::Validation) when it is accepted already;
    /// or when the server refuses or does not respond.
    pub async fn accept_eula(&self, call: &Call, name: &str, email: &str) -> Result<(), Error> {
        let kind = EulaAcceptanceSpec::KIND;
        let metadata = Metadata {
            namespace: kind.namespace.to_owned(),
            r#type: kind.name.to_owned(),
            id: EULA_ID.to_owned(),
            ..Metadata::default()
        };
        let spec = json!({ "accepted_by_name": name, "accepted_by_email": email }).to_string();
        let message = pb::CreateRequest { resource: Some(pb::Resource { metadata: Some(metadata), spec }) };
        let op = Op { method: CREATE, about: About::Words("the acceptance of the EULA") };
        let answer = self
            .run(call, &op, Idempotency::AtMostOnce, || {
                let mut request = Request::new(message.clone());
                request.metadata_mut().insert("runtime", AsciiMetadataValue::from_static("Omni"));
                let mut service = self.resources();
                async move { service.create(request).await.map(drop) }
            })
            .await;
        answer.map_err(Failure::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::testing::{NOW, fake, minute};
    use crate::omni::{Config, Credentials, ErrorKind};
    use kit::clock::TestClock;
    use omni_proto::omni::resources::resource_service_server::{ResourceService, ResourceServiceServer};
    use std::sync::{Arc, Mutex};
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::{Response, Status};

    /// Keeps what it was sent, and answers the first call only.
    #[derive(Clone, Default)]
    struct Once(Arc<Mutex<Vec<String>>>);

    #[tonic::async_trait]
    impl ResourceService for Once {
        async fn create(&self, request: Request<pb::CreateRequest>) -> Result<Response<pb::CreateResponse>, Status> {
            let header = |name: &str| request.metadata().get(name).unwrap().to_str().unwrap().to_owned();
            let (runtime, payload) = (header("runtime"), header("x-sidero-payload"));
            assert!(payload.contains("\"runtime\":[\"Omni\"]"), "{payload}");
            let pb::Resource { metadata, spec } = request.into_inner().resource.unwrap();
            let metadata = metadata.unwrap();
            let mut seen = self.0.lock().unwrap();
            seen.push(format!("{runtime} {} {} {} {spec}", metadata.namespace, metadata.r#type, metadata.id));
            match seen.len() {
                1 => Ok(Response::new(pb::CreateResponse {})),
                _ => Err(Status::invalid_argument(
                    "failed to validate: 1 error occurred:\n\t* EULA has already been accepted\n\n",
                )),
            }
        }
    }

    #[tokio::test]
    async fn the_eula_is_accepted_in_somebodys_name() {
        let (_, key) = fake();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        let server = Once::default();
        let service = ResourceServiceServer::new(server.clone());
        let router = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        let config = Config::new(endpoint, Credentials::ServiceAccountKey(key));
        let client = Client::new(&config, Arc::new(TestClock::at(NOW.as_secs()))).unwrap();
        client.accept_eula(&minute(), "Jane \"J\" Doe", "jane@example.org").await.unwrap();
        let seen = server.0.lock().unwrap().clone();
        let sent = r#"Omni default EulaAcceptances.omni.sidero.dev eula {"accepted_by_email":"jane@example.org","accepted_by_name":"Jane \"J\" Doe"}"#;
        assert_eq!(seen, [sent]);
        let error = client.accept_eula(&minute(), "Joe", "joe@example.org").await.unwrap_err();
        assert!(error.is(ErrorKind::Validation), "{error:?}");
        assert!(error.to_string().contains("already been accepted"), "{error}");
    }
}
