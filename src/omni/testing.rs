//! An in-memory State service for the tests of this folder, on real gRPC but without sockets, so that time can be paused.
//! It stores objects and injects failures on request; it has no rules of Omni.

use super::auth::{SigningKey, generate};
use super::call::Call;
use super::client::Client;
use super::config::{Config, Credentials, RetryPolicy};
use super::endpoint::Endpoint;
use super::spec::Spec;
use super::state::Key;
use super::{channel, spec};
use hyper_util::rt::TokioIo;
use kit::clock::TestClock;
use kit::secret::SecretString;
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::state_server::{State, StateServer};
use omni_proto::specs::ClusterSpec;
use openpgp::Cert;
use openpgp::parse::Parse;
use openpgp::parse::stream::{DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationHelper};
use openpgp::policy::StandardPolicy;
use sequoia_openpgp as openpgp;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};
use tokio::io::DuplexStream;
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

/// The time of the signatures.
pub(crate) const NOW: Duration = Duration::from_secs(1_790_000_000);

/// What is to go wrong with one call.
pub(crate) enum Fault {
    /// It is refused, and nothing happens.
    Refuse(Status),
    /// It happens, but the answer gets lost.
    LoseAnswer,
    /// It happens, and then somebody else does something before the answer gets lost.
    Then(Box<dyn FnOnce(&Fake) + Send>),
    /// It happens after a while.
    Slow(Duration),
    /// It is never answered.
    Hang,
    /// A read shows this instead of what is there.
    Show(Option<Box<pb::Resource>>),
    /// A watch breaks after so many messages.
    Break(usize),
}

pub(crate) struct Fake {
    pub(crate) objects: Mutex<BTreeMap<(String, String), pb::Resource>>,
    changes: broadcast::Sender<pb::Event>,
    faults: Mutex<HashMap<&'static str, VecDeque<Fault>>>,
    pub(crate) seen: Mutex<Vec<(&'static str, MetadataMap)>>,
    /// In whose name writes came.
    pub(crate) owners: Mutex<Vec<String>>,
    pub(crate) cert: Cert,
}

/// A client and the server that it talks to.
pub(crate) struct Pair {
    pub(crate) client: Client,
    pub(crate) server: Arc<Fake>,
    pub(crate) clock: Arc<TestClock>,
}

pub(crate) fn pair() -> Pair {
    pair_with(|_| {})
}

pub(crate) fn pair_with(configure: impl FnOnce(&mut Config)) -> Pair {
    let (server, exported) = fake();
    let (connections, incoming) = mpsc::channel::<Result<DuplexStream, std::io::Error>>(8);
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(StateServer::from_arc(Arc::clone(&server)))
            .serve_with_incoming(ReceiverStream::new(incoming)),
    );
    let connector = tower::service_fn(move |_: http::Uri| {
        let connections = connections.clone();
        async move {
            let (ours, theirs) = tokio::io::duplex(1 << 20);
            connections.send(Ok(theirs)).await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(TokioIo::new(ours))
        }
    });
    let mut config = Config::new("http://fake", Credentials::ServiceAccountKey(exported.clone()));
    config.retry = RetryPolicy { jitter: false, ..RetryPolicy::default() };
    configure(&mut config);
    let endpoint = Endpoint::parse(&config.endpoint).unwrap();
    let channel = channel::base(&config, &endpoint).unwrap().connect_with_connector_lazy(connector);
    let clock = Arc::new(TestClock::at(NOW.as_secs()));
    let key = SigningKey::service_account(&exported, NOW).unwrap();
    let client = Client::over(&config, &endpoint, key, clock.clone(), (channel, Arc::default()));
    Pair { client, server, clock }
}

/// A server that nobody talks to yet, and a key for it.
pub(crate) fn fake() -> (Arc<Fake>, SecretString) {
    let made = generate("ci", Duration::from_secs(365 * 86_400), NOW).unwrap();
    let server = Arc::new(Fake {
        objects: Mutex::default(),
        changes: broadcast::channel(100).0,
        faults: Mutex::default(),
        seen: Mutex::default(),
        owners: Mutex::default(),
        cert: Cert::from_bytes(&made.armored_public).unwrap(),
    });
    (server, made.exported)
}

/// A limit of one minute.
pub(crate) fn minute() -> Call {
    Call::within(Duration::from_secs(60), &CancellationToken::new())
}

/// The cluster that most tests are about.
pub(crate) fn cluster(talos: &str) -> super::Resource {
    spec::resource("prod", &ClusterSpec { talos_version: talos.to_owned(), ..ClusterSpec::default() })
}

pub(crate) fn key() -> Key {
    ClusterSpec::KIND.key("prod")
}

impl Fake {
    pub(crate) fn fault(&self, verb: &'static str, fault: Fault) {
        self.faults.lock().unwrap().entry(verb).or_default().push_back(fault);
    }

    /// How often a method was called.
    pub(crate) fn count(&self, verb: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|(seen, _)| *seen == verb).count()
    }

    /// How many watches are open.
    pub(crate) fn watchers(&self) -> usize {
        self.changes.receiver_count()
    }

    pub(crate) fn stored(&self, id: &str) -> Option<pb::Resource> {
        self.objects.lock().unwrap().values().find(|r| r.metadata.as_ref().unwrap().id == id).cloned()
    }

    /// Changes an object as another client or a controller would.
    pub(crate) fn edit(&self, id: &str, change: impl FnOnce(&mut pb::Metadata, &mut pb::Spec)) {
        let mut resource = self.stored(id).unwrap();
        let metadata = resource.metadata.as_mut().unwrap();
        change(metadata, resource.spec.as_mut().unwrap());
        metadata.version = (metadata.version.parse::<u64>().unwrap() + 1).to_string();
        self.put(resource, pb::EventType::Updated);
    }

    /// Stores an object as it is.
    pub(crate) fn put(&self, resource: pb::Resource, event: pb::EventType) {
        self.objects.lock().unwrap().insert(name(resource.metadata.as_ref().unwrap()), resource.clone());
        self.announce(resource, event);
    }

    pub(crate) fn delete(&self, id: &str) {
        let Some(resource) = self.stored(id) else { return };
        self.objects.lock().unwrap().remove(&name(resource.metadata.as_ref().unwrap()));
        self.announce(resource, pb::EventType::Destroyed);
    }

    fn announce(&self, resource: pb::Resource, event: pb::EventType) {
        let event = pb::Event { resource: Some(resource), event_type: event.into(), ..pb::Event::default() };
        // Nobody has to be listening.
        let _listeners = self.changes.send(event);
    }

    /// Notes a call, and does what is to go wrong before it.
    async fn enter(&self, verb: &'static str, metadata: &MetadataMap) -> Result<Option<Fault>, Status> {
        self.seen.lock().unwrap().push((verb, metadata.clone()));
        let fault = self.faults.lock().unwrap().get_mut(verb).and_then(VecDeque::pop_front);
        match fault {
            Some(Fault::Refuse(status)) => Err(status),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Slow(wait)) => {
                tokio::time::sleep(wait).await;
                Ok(None)
            }
            fault => Ok(fault),
        }
    }

    /// Does what is to go wrong after a call.
    fn leave<T>(&self, fault: Option<Fault>, answer: T) -> Result<Response<T>, Status> {
        match fault {
            Some(Fault::LoseAnswer) => Err(Status::unavailable("lost")),
            Some(Fault::Then(then)) => {
                then(self);
                Err(Status::unavailable("lost"))
            }
            _ => Ok(Response::new(answer)),
        }
    }

    fn find(&self, kind: &str, id: &str) -> Result<pb::Resource, Status> {
        self.objects
            .lock()
            .unwrap()
            .get(&(kind.to_owned(), id.to_owned()))
            .cloned()
            .ok_or_else(|| Status::not_found(format!("resource {kind}(default/{id}@undefined) doesn't exist")))
    }
}

fn name(metadata: &pb::Metadata) -> (String, String) {
    (metadata.r#type.clone(), metadata.id.clone())
}

#[tonic::async_trait]
impl State for Fake {
    async fn get(&self, request: Request<pb::GetRequest>) -> Result<Response<pb::GetResponse>, Status> {
        let fault = self.enter("Get", request.metadata()).await?;
        let request = request.into_inner();
        let resource = match fault {
            Some(Fault::Show(shown)) => *shown.ok_or_else(|| Status::not_found("doesn't exist"))?,
            _ => self.find(&request.r#type, &request.id)?,
        };
        Ok(Response::new(pb::GetResponse { resource: Some(resource) }))
    }

    async fn list(&self, request: Request<pb::ListRequest>) -> Result<Response<BoxStream<pb::ListResponse>>, Status> {
        let fault = self.enter("List", request.metadata()).await?;
        let request = request.into_inner();
        let objects: Vec<_> = self.objects.lock().unwrap().values().cloned().collect();
        let (sender, receiver) = mpsc::channel(objects.len() + 1);
        for resource in objects.into_iter().filter(|r| r.metadata.as_ref().unwrap().r#type == request.r#type) {
            sender.try_send(Ok(pb::ListResponse { resource: Some(resource) })).unwrap();
            if let Some(Fault::Break(_)) = fault {
                sender.try_send(Err(Status::unavailable("broken"))).unwrap();
                break;
            }
        }
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn create(&self, request: Request<pb::CreateRequest>) -> Result<Response<pb::CreateResponse>, Status> {
        let fault = self.enter("Create", request.metadata()).await?;
        let request = request.into_inner();
        self.owners.lock().unwrap().push(request.options.unwrap_or_default().owner);
        let mut resource = request.resource.unwrap();
        let metadata = resource.metadata.as_mut().unwrap();
        assert_eq!(metadata.version, "undefined");
        if self.find(&metadata.r#type, &metadata.id).is_ok() {
            return Err(Status::already_exists("failed to create: resource already exists"));
        }
        metadata.version = "1".to_owned();
        metadata.created = metadata.updated;
        self.put(resource.clone(), pb::EventType::Created);
        self.leave(fault, pb::CreateResponse { resource: Some(resource) })
    }

    async fn update(&self, request: Request<pb::UpdateRequest>) -> Result<Response<pb::UpdateResponse>, Status> {
        let fault = self.enter("Update", request.metadata()).await?;
        let request = request.into_inner();
        let mut resource = request.new_resource.unwrap();
        let metadata = resource.metadata.as_mut().unwrap();
        let current = self.find(&metadata.r#type, &metadata.id)?.metadata.unwrap();
        if current.version != metadata.version {
            return Err(Status::failed_precondition("failed to update: resource X update conflict: '\x01'"));
        }
        let options = request.options.unwrap();
        self.owners.lock().unwrap().push(options.owner);
        let expected = options.expected_phase;
        if expected.is_some_and(|phase| phase != current.phase) {
            return Err(Status::invalid_argument("failed to update: resource X is not in phase running"));
        }
        metadata.version = (current.version.parse::<u64>().unwrap() + 1).to_string();
        metadata.created = current.created;
        self.put(resource.clone(), pb::EventType::Updated);
        self.leave(fault, pb::UpdateResponse { resource: Some(resource) })
    }

    async fn destroy(&self, request: Request<pb::DestroyRequest>) -> Result<Response<pb::DestroyResponse>, Status> {
        let fault = self.enter("Destroy", request.metadata()).await?;
        let request = request.into_inner();
        let current = self.find(&request.r#type, &request.id)?.metadata.unwrap();
        if !current.finalizers.is_empty() {
            return Err(Status::failed_precondition("resource X has pending finalizers &[A]"));
        }
        self.delete(&request.id);
        self.leave(fault, pb::DestroyResponse {})
    }

    async fn watch(
        &self,
        request: Request<pb::WatchRequest>,
    ) -> Result<Response<BoxStream<pb::WatchResponse>>, Status> {
        let fault = self.enter("Watch", request.metadata()).await?;
        let request = request.into_inner();
        assert_eq!(request.api_version, 1);
        let mut changes = self.changes.subscribe();
        let event = |resource, kind: pb::EventType| pb::Event {
            resource: Some(resource),
            event_type: kind.into(),
            ..pb::Event::default()
        };
        let mut first = Vec::new();
        if let Some(id) = &request.id {
            first.push(match self.find(&request.r#type, id) {
                Ok(found) => event(found, pb::EventType::Created),
                Err(_) => event(pb::Resource::default(), pb::EventType::Destroyed),
            });
        } else if request.options.unwrap().bootstrap_contents {
            let objects = self.objects.lock().unwrap();
            for (_, found) in objects.iter().filter(|((kind, _), _)| *kind == request.r#type) {
                first.push(event(found.clone(), pb::EventType::Created));
            }
            first.push(pb::Event { event_type: pb::EventType::Bootstrapped.into(), ..pb::Event::default() });
        }
        let (sender, receiver) = mpsc::channel(100);
        tokio::spawn(async move {
            let mut left = if let Some(Fault::Break(n)) = fault { n } else { usize::MAX };
            let mut queue: VecDeque<_> = [Vec::new()].into_iter().chain(first.into_iter().map(|e| vec![e])).collect();
            while left > 0 {
                let event = match queue.pop_front() {
                    Some(event) => event,
                    None => tokio::select! {
                        () = sender.closed() => return,
                        change = changes.recv() => match change {
                            Ok(change) => {
                                let metadata = change.resource.as_ref().unwrap().metadata.as_ref().unwrap();
                                let wanted = request.id.as_ref().is_none_or(|id| *id == metadata.id);
                                if metadata.r#type != request.r#type || !wanted {
                                    continue;
                                }
                                vec![change]
                            }
                            Err(_) => return,
                        },
                    },
                };
                if sender.send(Ok(pb::WatchResponse { event })).await.is_err() {
                    return;
                }
                left -= 1;
            }
            let _gone = sender.send(Err(Status::unavailable("broken"))).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn teardown(&self, request: Request<pb::TeardownRequest>) -> Result<Response<pb::TeardownResponse>, Status> {
        let fault = self.enter("Teardown", request.metadata()).await?;
        let request = request.into_inner();
        let current = self.find(&request.r#type, &request.id)?.metadata.unwrap();
        if current.phase != "tearingDown" {
            self.edit(&request.id, |metadata, _| "tearingDown".clone_into(&mut metadata.phase));
        }
        self.leave(fault, pb::TeardownResponse { destroy_ready: current.finalizers.is_empty() })
    }
}

struct Helper(Cert);

impl VerificationHelper for Helper {
    fn get_certs(&mut self, _: &[openpgp::KeyHandle]) -> openpgp::Result<Vec<Cert>> {
        Ok(vec![self.0.clone()])
    }

    fn check(&mut self, structure: MessageStructure) -> openpgp::Result<()> {
        let mut good = 0;
        for layer in structure {
            if let MessageLayer::SignatureGroup { results } = layer {
                for result in results {
                    result.map_err(|e| std::io::Error::other(e.to_string()))?;
                    good += 1;
                }
            }
        }
        if good == 0 { Err(std::io::Error::other("no signature").into()) } else { Ok(()) }
    }
}

/// Whether a detached signature is good.
pub(crate) fn verifies(cert: &Cert, signature: &[u8], data: &[u8], now: Duration) -> bool {
    let at = UNIX_EPOCH + now + Duration::from_secs(1);
    let policy = StandardPolicy::at(at);
    let mut verifier =
        DetachedVerifierBuilder::from_bytes(signature).unwrap().with_policy(&policy, at, Helper(cert.clone())).unwrap();
    verifier.verify_bytes(data).is_ok()
}
