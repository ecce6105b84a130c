//! The COSI State service: decoding, access, rules, existence, and then the store, in that order.
//! It knows no single type; the catalogue and the rules define what a type allows.

use super::access::{AccessContext, Caller, provider};
use super::catalogue::Feature;
use super::connection::Disconnect;
use super::external;
use super::faults::{self, Action, Breakable, Faults};
use super::kinds::{self, Kind};
use super::object::{Key, Object};
use super::outage::Outage;
use super::query::Query;
use super::release::Release;
use super::requests::Entry;
use super::rules::{self, Change};
use super::store::{Snapshot, Store, StoreError, Verb};
use super::violations;
use super::virtual_kinds::{self, VirtualContext};
use super::watch::Watch;
use super::wire;
use futures_util::{Stream, StreamExt, stream};
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::label_term::Operation;
use omni_proto::cosi::resource::state_server::State;
use std::pin::Pin;
use std::sync::Arc;
use tonic::{Extensions, Request, Response, Status};

/// Answers that follow one another.
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The service.
pub(super) struct StateService {
    pub(super) store: Store,
    pub(super) faults: Arc<Faults>,
    pub(super) outage: Outage,
    pub(super) release: Release,
    pub(super) endpoint: String,
}

#[async_trait::async_trait]
impl State for StateService {
    async fn get(&self, request: Request<pb::GetRequest>) -> Result<Response<pb::GetResponse>, Status> {
        let (call, pb::GetRequest { namespace, r#type, id, .. }) = RequestContext::of(request)?;
        let key = wire::named(namespace, r#type, id);
        self.serve(&call, &key.kind, &key.id, async {
            let object = match self.found(&call, &key)? {
                Some(object) => object,
                None => Arc::new(virtual_kinds::awaited(&self.store, &key).await?),
            };
            Ok(pb::GetResponse { resource: Some(wire::sent_by(self.release, &object)) })
        })
        .await
    }

    async fn list(&self, request: Request<pb::ListRequest>) -> Result<Response<Answers<pb::ListResponse>>, Status> {
        let (call, pb::ListRequest { namespace, r#type: kind, options }) = RequestContext::of(request)?;
        self.stream(&call, &kind, "", async {
            let options = options.unwrap_or_default();
            let view = self.store.view();
            let permissions = self.access_context(&view, &call);
            violations::unless_clean(permissions.list(&kind, &namespace, &options.label_query), Vec::new())?;
            let limit = permissions.limit(&kind, &namespace).map(ToOwned::to_owned);
            if namespace == external::NAMESPACE {
                external::check_list(&view, &options.label_query, options.id_query.as_ref())?;
            }
            let query = Query::new(options.label_query, options.id_query)?;
            let objects = if namespace == virtual_kinds::NAMESPACE {
                if !query.is_empty() {
                    return Err(virtual_kinds::unsupported_options(self.release, query.has_labels()));
                }
                self.virtual_context(permissions).list(&kind)?.into_iter().map(Arc::new).collect()
            } else if wire::is_cached(&kind) {
                self.store.list_cached(&kind, &namespace)
            } else {
                self.store.list_in(&kind, &namespace)
            };
            let release = self.release;
            let answers = objects
                .into_iter()
                .filter(move |object| query.matches(object))
                .filter(move |object| limit.is_none() || object.label(provider::OWNER) == limit.as_deref())
                .map(move |object| Ok(pb::ListResponse { resource: Some(wire::sent_by(release, &object)) }));
            Ok(stream::iter(answers).boxed() as Answers<pb::ListResponse>)
        })
        .await
    }

    async fn create(&self, request: Request<pb::CreateRequest>) -> Result<Response<pb::CreateResponse>, Status> {
        let (call, pb::CreateRequest { resource, options }) = RequestContext::of(request)?;
        let (kind, id) = names(resource.as_ref());
        self.serve(&call, &kind, &id, async {
            let mut object = wire::received(resource)?;
            let view = self.store.view();
            let permissions = self.access_context(&view, &call);
            violations::unless_clean(permissions.create(&object), rules::problems(&view, Change::Create(&object)))?;
            if object.key.namespace == virtual_kinds::NAMESPACE {
                return Err(virtual_kinds::unsupported("create"));
            }
            claim(&permissions, &mut object);
            let owner = options.unwrap_or_default().owner;
            let stored = self.store.create(object, &owner).map_err(|e| e.status(Verb::Create))?;
            self.durable(Verb::Create).await?;
            Ok(pb::CreateResponse { resource: Some(wire::sent_by(self.release, &stored)) })
        })
        .await
    }

    async fn update(&self, request: Request<pb::UpdateRequest>) -> Result<Response<pb::UpdateResponse>, Status> {
        let (call, pb::UpdateRequest { new_resource, options }) = RequestContext::of(request)?;
        let (kind, id) = names(new_resource.as_ref());
        self.serve(&call, &kind, &id, async {
            let mut new = wire::received(new_resource)?;
            let options = options.unwrap_or_default();
            let expected = options.expected_phase.as_deref().map(wire::phase).transpose()?;
            let old = self.existing(&new.key);
            let view = self.store.view();
            let permissions = self.access_context(&view, &call);
            let mut access = permissions.update(old.as_deref(), &new);
            if new.tearing_down {
                access = access.and_then(|()| permissions.destroy(&new.key, old.as_deref()));
            }
            let change = old.as_ref().map(|old| Change::Update(old, &new));
            if access.is_ok() && change.is_some_and(rules::crashes) {
                return Err(violations::crash());
            }
            let problems = change.map(|change| rules::problems(&view, change)).unwrap_or_default();
            violations::unless_clean(access, problems)?;
            if new.key.namespace == virtual_kinds::NAMESPACE {
                return Err(virtual_kinds::unsupported("update"));
            }
            if old.is_none() {
                return Err(missing(self.release, &new.key));
            }
            claim(&permissions, &mut new);
            let stored = self.store.update(new, &options.owner, expected).map_err(|e| e.status(Verb::Update))?;
            self.durable(Verb::Update).await?;
            Ok(pb::UpdateResponse { resource: Some(wire::sent_by(self.release, &stored)) })
        })
        .await
    }

    async fn destroy(&self, request: Request<pb::DestroyRequest>) -> Result<Response<pb::DestroyResponse>, Status> {
        let (call, pb::DestroyRequest { namespace, r#type, id, options }) = RequestContext::of(request)?;
        let key = wire::named(namespace, r#type, id);
        self.serve(&call, &key.kind, &key.id, async {
            self.removable(&call, &key)?;
            let owner = options.unwrap_or_default().owner;
            self.store.destroy(&key, &owner).map_err(|e| e.status(Verb::Destroy))?;
            self.durable(Verb::Destroy).await?;
            Ok(pb::DestroyResponse {})
        })
        .await
    }

    async fn watch(&self, request: Request<pb::WatchRequest>) -> Result<Response<Answers<pb::WatchResponse>>, Status> {
        let (call, request) = RequestContext::of(request)?;
        let (kind, id) = (request.r#type.clone(), request.id.clone().unwrap_or_default());
        self.stream(&call, &kind, &id, async {
            let view = self.store.view();
            let permissions = self.access_context(&view, &call);
            let request = watched(&permissions, request)?;
            if request.namespace == virtual_kinds::NAMESPACE {
                let key = wire::named(request.namespace, request.r#type, request.id.unwrap_or_default());
                return Ok(virtual_kinds::watch(&self.store, key)?.boxed() as Answers<pb::WatchResponse>);
            }
            if request.namespace == external::NAMESPACE {
                external::check_watch(&view, &request)?;
            }
            let watch = Watch::start(&self.store, request, self.release)?;
            let release = self.release;
            let answers = watch.answers().map(move |answer| answer.map(|answer| wire::events_by(release, answer)));
            Ok(answers.boxed() as Answers<pb::WatchResponse>)
        })
        .await
    }

    async fn teardown(&self, request: Request<pb::TeardownRequest>) -> Result<Response<pb::TeardownResponse>, Status> {
        let (call, pb::TeardownRequest { namespace, r#type, id, options }) = RequestContext::of(request)?;
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
        let (call, pb::TeardownAndDestroyRequest { namespace, r#type, id, options }) = RequestContext::of(request)?;
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
        call: &RequestContext,
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
        call: &RequestContext,
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
    fn enter(&self, call: &RequestContext, kind: &str, id: &str) -> Result<Option<Action>, Status> {
        if let Some(entry) = &call.entry {
            entry.about(kind, id);
        }
        let method = call.entry.as_ref().map_or("", Entry::method);
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

    fn breakable<'a>(&'a self, call: &'a RequestContext) -> Breakable<'a> {
        Breakable { disconnect: call.disconnect.as_ref(), outage: &self.outage }
    }

    /// The object that a caller wants to read; none where it is computed and the caller has to wait for it.
    fn found(&self, call: &RequestContext, key: &Key) -> Result<Option<Arc<Object>>, Status> {
        let existing = self.existing(key);
        let view = self.store.view();
        let permissions = self.access_context(&view, call);
        violations::unless_clean(permissions.get(key, existing.as_deref()), Vec::new())?;
        match key.namespace.as_str() {
            virtual_kinds::NAMESPACE if key.kind == virtual_kinds::WATCHED => Ok(None),
            virtual_kinds::NAMESPACE => Ok(Some(Arc::new(self.virtual_context(permissions).get(key)?))),
            _ => existing.map(Some).ok_or_else(|| missing(self.release, key)),
        }
    }

    /// The object as the checks before a write see it.
    fn existing(&self, key: &Key) -> Option<Arc<Object>> {
        if wire::is_cached(&key.kind) { self.store.get_cached(key) } else { self.store.get(key) }
    }

    fn access_context<'a>(&self, view: &'a Snapshot, call: &'a RequestContext) -> AccessContext<'a> {
        AccessContext { view, caller: &call.caller, release: self.release }
    }

    fn virtual_context<'a>(&'a self, permissions: AccessContext<'a>) -> VirtualContext<'a> {
        VirtualContext { permissions, endpoint: &self.endpoint, now: self.store.time() }
    }

    fn removable(&self, call: &RequestContext, key: &Key) -> Result<(), Status> {
        let existing = self.existing(key);
        let view = self.store.view();
        let access = self.access_context(&view, call).destroy(key, existing.as_deref());
        let problems = existing.as_ref().map(|old| rules::problems(&view, Change::Destroy(old))).unwrap_or_default();
        violations::unless_clean(access, problems)?;
        if key.namespace == virtual_kinds::NAMESPACE {
            return Err(virtual_kinds::unsupported("destroy"));
        }
        if existing.is_none() {
            return Err(missing(self.release, key));
        }
        Ok(())
    }

    /// Whether a caller may read an object and then write it as one that is torn down.
    fn changeable(&self, call: &RequestContext, key: &Key) -> Result<(), Status> {
        let existing = self.existing(key);
        let view = self.store.view();
        let permissions = self.access_context(&view, call);
        violations::unless_clean(permissions.get(key, existing.as_deref()), Vec::new())?;
        if key.namespace == virtual_kinds::NAMESPACE {
            return Err(virtual_kinds::unsupported("update"));
        }
        let old = existing.ok_or_else(|| missing(self.release, key))?;
        if old.tearing_down {
            return Ok(());
        }
        let new = Object { tearing_down: true, ..Object::clone(&old) };
        let access = permissions.update(Some(&old), &new).and_then(|()| permissions.destroy(key, Some(&old)));
        violations::unless_clean(access, rules::problems(&view, Change::Update(&old, &new)))
    }

    async fn begin_teardown(&self, call: &RequestContext, key: &Key, owner: &str) -> Result<Arc<Object>, Status> {
        if self.release.has(Feature::TeardownAsDestroy) {
            self.removable(call, key)?;
        } else {
            self.changeable(call, key)?;
        }
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
struct RequestContext {
    caller: Caller,
    entry: Option<Entry>,
    disconnect: Option<Disconnect>,
    /// Whether it is meant for a Talos node.
    talos: bool,
}

impl RequestContext {
    fn of<T>(request: Request<T>) -> Result<(Self, T), Status> {
        let caller = Caller::of(&request).unwrap_or_else(|_| Caller::stranger());
        let talos = request.metadata().get("runtime").is_some_and(|runtime| runtime == "Talos");
        let (_, extensions, message) = request.into_parts();
        let find = |extensions: &Extensions| (extensions.get().cloned(), extensions.get().cloned());
        let (entry, disconnect) = find(&extensions);
        Ok((Self { caller, entry, disconnect, talos }, message))
    }
}

/// The type and the id that a message is about, as far as it says.
fn names(resource: Option<&pb::Resource>) -> (String, String) {
    let metadata = resource.and_then(|r| r.metadata.as_ref());
    metadata.map(|m| (m.r#type.clone(), m.id.clone())).unwrap_or_default()
}

/// Marks what a provider of machines writes as its own.
fn claim(permissions: &AccessContext<'_>, object: &mut Object) {
    if let Some(own) = permissions.limit(&object.key.kind, &object.key.namespace) {
        object.labels.insert(provider::OWNER.to_owned(), own.to_owned());
    }
}

/// What the caller gets to see of what it wants to watch.
fn watched(permissions: &AccessContext<'_>, mut request: pb::WatchRequest) -> Result<pb::WatchRequest, Status> {
    let (namespace, kind) = (request.namespace.clone(), request.r#type.clone());
    let mut options = request.options.take().unwrap_or_default();
    let access = match &request.id {
        Some(id) => {
            let key = wire::named(namespace.clone(), kind.clone(), id.clone());
            permissions.watch(&key, permissions.view.get(&kind, id).as_deref())
        }
        None => permissions.list(&kind, &namespace, &options.label_query),
    };
    violations::unless_clean(access, Vec::new())?;
    if namespace == virtual_kinds::NAMESPACE {
        return Err(match (&request.id, options.aggregated) {
            (Some(_), _) if kind == virtual_kinds::WATCHED => return Ok(request),
            (Some(_), _) => virtual_kinds::unsupported_type("watch", &kind),
            (None, true) => virtual_kinds::unsupported("watch kind aggregated"),
            (None, false) => virtual_kinds::unsupported_type("watch kind", &kind),
        });
    }
    if let (None, Some(own)) = (&request.id, permissions.limit(&kind, &namespace)) {
        let value = vec![own.to_owned()];
        let own = pb::LabelTerm { key: provider::OWNER.to_owned(), op: Operation::Equal.into(), value, invert: false };
        if options.label_query.is_empty() {
            options.label_query.push(pb::LabelQuery::default());
        }
        options.label_query.iter_mut().for_each(|query| query.terms.push(own.clone()));
    }
    request.options = Some(options);
    Ok(request)
}

/// Namespaces that live in the memory of a server, which no other store answers for.
const IN_MEMORY: [&str; 3] = ["ephemeral", "metrics", "infra-provider-ephemeral"];

fn missing(release: Release, key: &Key) -> Status {
    let at_home = |kind: &Kind| kind.namespace_in(release) == key.namespace;
    let cached = kinds::find(&key.kind).is_none_or(|kind| kind.cached && at_home(kind));
    StoreError::missing(key, cached || IN_MEMORY.contains(&key.namespace.as_str()))
}
