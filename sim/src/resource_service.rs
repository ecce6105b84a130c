//! The ResourceService of Omni's web interface, as far as it is needed without an accepted EULA: `Create`, in JSON.
//! What a call needs depends on the type in its message, so the EULA and missing signatures are looked at here.

use super::access::{AccessContext, Caller};
use super::descriptors::POOL;
use super::eula;
use super::kinds;
use super::names::kind;
use super::release::Release;
use super::requests::Entry;
use super::rules::{self, Change};
use super::store::{Store, Verb};
use super::violations;
use super::wire;
use omni_proto::cosi::resource as cosi;
use omni_proto::omni::resources as pb;
use omni_proto::omni::resources::resource_service_server::ResourceService as Service;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use tonic::{Request, Response, Status};

/// The prefix of its methods.
pub(super) const PATH: &str = "/omni.resources.ResourceService/";

/// The service.
pub(super) struct ResourceService {
    pub(super) store: Store,
    pub(super) release: Release,
    pub(super) endpoint: String,
}

#[async_trait::async_trait]
impl Service for ResourceService {
    async fn create(&self, request: Request<pb::CreateRequest>) -> Result<Response<pb::CreateResponse>, Status> {
        let caller = Caller::of(&request);
        let runtime = request.metadata().get("runtime").cloned();
        let (_, extensions, pb::CreateRequest { resource }) = request.into_parts();
        let pb::Resource { metadata, spec } = resource.unwrap_or_default();
        let metadata = metadata.unwrap_or_default();
        if let Some(entry) = extensions.get::<Entry>() {
            entry.about(&metadata.r#type, &metadata.id);
        }
        let caller = if metadata.r#type == kind::EULA_ACCEPTANCE {
            caller.unwrap_or_else(|_| Caller::stranger())
        } else {
            eula::check(&self.store, self.release, &self.endpoint)?;
            caller?
        };
        match runtime.as_ref().map(|runtime| runtime.as_bytes()) {
            None => return Err(Status::invalid_argument("missing runtime metadata")),
            Some(b"Omni") => {}
            Some(_) => return Err(Status::unimplemented("the simulator has no Talos and no Kubernetes behind it")),
        }
        let object = wire::received(Some(written(metadata, &spec)?))?;
        let view = self.store.view();
        let permissions = AccessContext { view: &view, caller: &caller, release: self.release };
        violations::unless_clean(permissions.create(&object), rules::problems(&view, Change::Create(&object)))?;
        self.store.create(object, "").map_err(|error| error.status(Verb::Create))?;
        if self.store.is_durable() {
            let store = self.store.clone();
            let synced = tokio::task::spawn_blocking(move || store.sync()).await;
            let synced = synced.map_err(|_| Status::internal("the write was given up"))?;
            synced.map_err(|error| error.status(Verb::Create))?;
        }
        Ok(Response::new(pb::CreateResponse {}))
    }
}

/// A new resource as the State service takes it.
fn written(mut metadata: cosi::Metadata, spec: &str) -> Result<cosi::Resource, Status> {
    "running".clone_into(&mut metadata.phase);
    // The store counts from one, whatever is sent; but something has to be.
    if metadata.version.is_empty() {
        "1".clone_into(&mut metadata.version);
    }
    let message = kinds::find(&metadata.r#type).and_then(|kind| kind.message);
    let descriptor = message.and_then(|message| POOL.get_message_by_name(&format!("specs.{message}")));
    let proto_spec = match descriptor {
        // An unknown type is refused by its access.
        None => Vec::new(),
        Some(descriptor) => {
            let mut json = serde_json::Deserializer::from_str(spec);
            let read = DynamicMessage::deserialize(descriptor, &mut json);
            read.map_err(|error| Status::unknown(format!("failed to unmarshal the spec: {error}")))?.encode_to_vec()
        }
    };
    let spec = Some(cosi::Spec { proto_spec, yaml_spec: String::new() });
    Ok(cosi::Resource { metadata: Some(metadata), spec })
}
