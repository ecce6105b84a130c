//! COSI State on the wire: decoding, access, rules, existence, and then the store, in that order.
//! It knows no single type; what a type allows stands in the catalogue and the rules.

use super::access::{self, Caller, Wish};
use super::connection::Scissors;
use super::external;
use super::faults::{self, Action, Breakable, Faults};
use super::kinds;
use super::object::{Key, Object};
use super::presence::Presence;
use super::query::Query;
use super::refusal;
use super::release::Release;
use super::requests::Entry;
use super::rules::{self, Change};
use super::store::{Store, StoreError, Verb};
use super::virtual_kinds;
use super::watch::Watch;
use super::wire;
use crate::pb::cosi::resource as pb;
use crate::pb::cosi::resource::state_server::State;
use futures_util::{Stream, StreamExt, stream};
use std::pin::Pin;
use std::sync::Arc;
use tonic::{Extensions, Request, Response, Status};

/// Answers that follow one another.
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The service.
pub(super) struct StateService {
    pub(super) store: Store,
    pub(super) faults: Arc<Faults>,
    pub(super) presence: Presence,
    pub(super) release: Release,
    pub(super) endpoint: String,
}

#[async_trait::async_trait]
impl State for StateService {
    async fn get(&self, request: Request<pb::GetRequest>) -> Result<Response<pb::GetResponse>, Status> {
        let (call, pb::GetRequest { namespace, r#type, id, .. }) = Call::of(request)?;
        let key = wire::named(namespace, r#type, id);
        self.serve(&call, &key.kind, &key.id, async {
            let caller = call.allowed(&key.kind, Wish::Read)?;
            let object = match key.namespace.as_str() {
                virtual_kinds::NAMESPACE => Arc::new(virtual_kinds::get(&key, caller, &self.endpoint)?),
                _ => self.existing(&key).ok_or_else(|| missing(&key))?,
            };
            Ok(pb::GetResponse { resource: Some(wire::sent(&object)) })
        })
        .await
    }

    async fn list(&self, request: Request<pb::ListRequest>) -> Result<Response<Answers<pb::ListResponse>>, Status> {
        let (call, pb::ListRequest { namespace, r#type: kind, options }) = Call::of(request)?;
        self.stream(&call, &kind, "", async {
            let caller = call.allowed(&kind, Wish::Read)?;
            let options = options.unwrap_or_default();
            if namespace == external::NAMESPACE {
                external::check_list(&options.label_query, options.id_query.as_ref())?;
            }
            let query = Query::new(options.label_query, options.id_query)?;
            let objects = if namespace == virtual_kinds::NAMESPACE {
                if !query.is_empty() {
                    return Err(virtual_kinds::unsupported());
                }
                virtual_kinds::list(&kind, caller, &self.endpoint)?.into_iter().map(Arc::new).collect()
            } else if wire::is_cached(&kind) {
                self.store.list_cached(&kind, &namespace)
            } else {
                self.store.list_in(&kind, &namespace)
            };
            let answers = objects
                .into_iter()
                .filter(move |object| query.matches(object))
                .map(|object| Ok(pb::ListResponse { resource: Some(wire::sent(&object)) }));
            Ok(stream::iter(answers).boxed() as Answers<pb::ListResponse>)
        })
        .await
    }

    async fn create(&self, request: Request<pb::CreateRequest>) -> Result<Response<pb::CreateResponse>, Status> {
        let (call, pb::CreateRequest { resource, options }) = Call::of(request)?;
        let (kind, id) = names(resource.as_ref());
        self.serve(&call, &kind, &id, async {
            let object = wire::received(resource)?;
            let access = access::check(&call.caller, &kind, Wish::Create);
            refusal::unless_clean(access, rules::problems(&self.store.view(), Change::Create(&object)))?;
            if object.key.namespace == virtual_kinds::NAMESPACE {
                return Err(virtual_kinds::unsupported());
            }
            let owner = options.unwrap_or_default().owner;
            let stored = self.store.create(object, &owner).map_err(|e| e.status(Verb::Create))?;
            self.durable(Verb::Create).await?;
            Ok(pb::CreateResponse { resource: Some(wire::sent(&stored)) })
        })
        .await
    }

    async fn update(&self, request: Request<pb::UpdateRequest>) -> Result<Response<pb::UpdateResponse>, Status> {
        let (call, pb::UpdateRequest { new_resource, options }) = Call::of(request)?;
        let (kind, id) = names(new_resource.as_ref());
        self.serve(&call, &kind, &id, async {
            let new = wire::received(new_resource)?;
            let options = options.unwrap_or_default();
            let expected = options.expected_phase.as_deref().map(wire::phase).transpose()?;
            let old = self.existing(&new.key);
            let leaves = new.tearing_down && old.as_ref().is_none_or(|old| !old.tearing_down);
            let mut access = access::check(&call.caller, &kind, Wish::Update);
            if leaves {
                // Who may tear down may do so by an update too, even of what nobody may change otherwise.
                let destroy = access::check(&call.caller, &kind, Wish::Destroy);
                access = if destroy.is_ok() { destroy } else { access.and(destroy) };
            }
            let change = old.as_ref().map(|old| Change::Update(old, &new));
            if access.is_ok() && change.is_some_and(rules::crashes) {
                return Err(refusal::crash());
            }
            let problems = change.map(|change| rules::problems(&self.store.view(), change)).unwrap_or_default();
            refusal::unless_clean(access, problems)?;
            if old.is_none() {
                return Err(missing(&new.key));
            }
            let stored = self.store.update(new, &options.owner, expected).map_err(|e| e.status(Verb::Update))?;
            self.durable(Verb::Update).await?;
            Ok(pb::UpdateResponse { resource: Some(wire::sent(&stored)) })
        })
        .await
    }

    async fn destroy(&self, request: Request<pb::DestroyRequest>) -> Result<Response<pb::DestroyResponse>, Status> {
        let (call, pb::DestroyRequest { namespace, r#type, id, options }) = Call::of(request)?;
        let key = wire::named(namespace, r#type, id);
        self.serve(&call, &key.kind, &key.id, async {
            self.removable(&call.caller, &key)?;
            let owner = options.unwrap_or_default().owner;
            self.store.destroy(&key, &owner).map_err(|e| e.status(Verb::Destroy))?;
            self.durable(Verb::Destroy).await?;
            Ok(pb::DestroyResponse {})
        })
        .await
    }

    async fn watch(&self, request: Request<pb::WatchRequest>) -> Result<Response<Answers<pb::WatchResponse>>, Status> {
        let (call, request) = Call::of(request)?;
        let (kind, id) = (request.r#type.clone(), request.id.clone().unwrap_or_default());
        self.stream(&call, &kind, &id, async {
            call.allowed(&kind, Wish::Read)?;
            if request.namespace == virtual_kinds::NAMESPACE {
                return Err(virtual_kinds::unsupported());
            }
            if request.namespace == external::NAMESPACE {
                external::check_watch(&request)?;
            }
            let watch = Watch::start(&self.store, request)?;
            Ok(watch.answers().boxed() as Answers<pb::WatchResponse>)
        })
        .await
    }

    async fn teardown(&self, request: Request<pb::TeardownRequest>) -> Result<Response<pb::TeardownResponse>, Status> {
        let (call, pb::TeardownRequest { namespace, r#type, id, options }) = Call::of(request)?;
        let key = wire::named(namespace, r#type, id);
        self.serve(&call, &key.kind, &key.id, async {
            let object = self.begin_teardown(&call, &key, &options.unwrap_or_default().owner).await?;
            Ok(pb::TeardownResponse { destroy_ready: object.finalizers.is_empty() })
        })
        .await
    }

    async fn teardown_and_destroy(
        &self,
        request: Request<pb::TeardownAndDestroyRequest>,
    ) -> Result<Response<pb::TeardownAndDestroyResponse>, Status> {
        let (call, pb::TeardownAndDestroyRequest { namespace, r#type, id, options }) = Call::of(request)?;
        let key = wire::named(namespace, r#type, id);
        let owner = options.unwrap_or_default().owner;
        self.serve(&call, &key.kind, &key.id, async {
            // Before the teardown, so that nothing that follows it is missed.
            let mut changes = self.store.subscribe();
            self.begin_teardown(&call, &key, &owner).await?;
            loop {
                match self.store.destroy(&key, &owner) {
                    // The server's own removal may have come first.
                    Ok(()) | Err(StoreError::Missing { .. }) => break,
                    Err(StoreError::Held { .. }) => {}
                    Err(error) => return Err(error.status(Verb::Destroy)),
                }
                while changes.next().await.map_err(|stale| Status::aborted(stale.to_string()))?.key != key {}
            }
            self.durable(Verb::Destroy).await?;
            Ok(pb::TeardownAndDestroyResponse {})
        })
        .await
    }
}

impl StateService {
    /// What goes around every call: the log, and what goes wrong on purpose.
    async fn serve<T>(
        &self,
        call: &Call,
        kind: &str,
        id: &str,
        work: impl Future<Output = Result<T, Status>>,
    ) -> Result<Response<T>, Status> {
        let action = self.enter(call, kind, id)?;
        faults::around(action.as_ref(), self.breakable(call), work).await.map(Response::new)
    }

    /// The same for answers that follow one another, which can also break in the middle.
    async fn stream<T: Send + 'static>(
        &self,
        call: &Call,
        kind: &str,
        id: &str,
        work: impl Future<Output = Result<Answers<T>, Status>>,
    ) -> Result<Response<Answers<T>>, Status> {
        let action = self.enter(call, kind, id)?;
        let answers = faults::around(action.as_ref(), self.breakable(call), work).await?;
        Ok(Response::new(match action {
            Some(Action::Break(after)) => faults::broken(answers, after).boxed(),
            _ => answers,
        }))
    }

    /// Notes what a call is about, and says what goes wrong with it.
    fn enter(&self, call: &Call, kind: &str, id: &str) -> Result<Option<Action>, Status> {
        if let Some(entry) = &call.entry {
            entry.about(kind, id);
        }
        let method = call.entry.as_ref().map_or("", Entry::method);
        if self.release < Release::V1_9 && method.rsplit('/').next().is_some_and(|name| name.starts_with("Teardown")) {
            let name = method.rsplit('/').next().unwrap_or_default();
            return Err(Status::unimplemented(format!("unknown method {name} for service cosi.resource.State")));
        }
        if call.talos {
            return Err(Status::unimplemented("the simulator has no Talos nodes behind it"));
        }
        let action = self.faults.strike(method, kind);
        if let Some(Action::Conflict) = action {
            // As a controller would, which changes nothing that a client looks at.
            self.store.modify(&kinds::key(kind, id), |object| object.version += 1);
        }
        Ok(action)
    }

    fn breakable<'a>(&'a self, call: &'a Call) -> Breakable<'a> {
        Breakable { scissors: call.scissors.as_ref(), presence: &self.presence }
    }

    /// The object as the checks before a write see it.
    fn existing(&self, key: &Key) -> Option<Arc<Object>> {
        if wire::is_cached(&key.kind) { self.store.get_cached(key) } else { self.store.get(key) }
    }

    fn removable(&self, caller: &Caller, key: &Key) -> Result<(), Status> {
        let access = access::check(caller, &key.kind, Wish::Destroy);
        let existing = self.existing(key);
        let problems =
            existing.as_ref().map(|old| rules::problems(&self.store.view(), Change::Destroy(old))).unwrap_or_default();
        refusal::unless_clean(access, problems)?;
        if existing.is_none() {
            return Err(missing(key));
        }
        Ok(())
    }

    async fn begin_teardown(&self, call: &Call, key: &Key, owner: &str) -> Result<Arc<Object>, Status> {
        self.removable(&call.caller, key)?;
        let object = self.store.begin_teardown(key, owner).map_err(|e| e.status(Verb::Update))?;
        self.durable(Verb::Update).await?;
        Ok(object)
    }

    /// Returns once what was written would survive a loss of power.
    async fn durable(&self, verb: Verb) -> Result<(), Status> {
        if !self.store.is_durable() {
            return Ok(());
        }
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.sync())
            .await
            .map_err(|_| Status::internal("the write was given up"))?
            .map_err(|e| e.status(verb))
    }
}

/// What is known of a call besides its message.
struct Call {
    caller: Caller,
    entry: Option<Entry>,
    scissors: Option<Scissors>,
    /// Whether it is meant for a Talos node.
    talos: bool,
}

impl Call {
    fn of<T>(request: Request<T>) -> Result<(Self, T), Status> {
        let caller = Caller::of(&request)?;
        let talos = request.metadata().get("runtime").is_some_and(|runtime| runtime == "Talos");
        let (_, extensions, message) = request.into_parts();
        let find = |extensions: &Extensions| (extensions.get().cloned(), extensions.get().cloned());
        let (entry, scissors) = find(&extensions);
        Ok((Self { caller, entry, scissors, talos }, message))
    }

    /// The caller, if it may do this.
    fn allowed(&self, kind: &str, wish: Wish) -> Result<&Caller, Status> {
        refusal::unless_clean(access::check(&self.caller, kind, wish), Vec::new())?;
        Ok(&self.caller)
    }
}

/// The type and the id that a message is about, as far as it says.
fn names(resource: Option<&pb::Resource>) -> (String, String) {
    let metadata = resource.and_then(|r| r.metadata.as_ref());
    metadata.map(|m| (m.r#type.clone(), m.id.clone())).unwrap_or_default()
}

fn missing(key: &Key) -> Status {
    StoreError::missing(key, kinds::find(&key.kind).is_none_or(|kind| kind.cached))
}
