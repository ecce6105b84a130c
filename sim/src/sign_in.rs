//! Confirmation of user keys: a client registers one, a link confirms it, and the client waits for the confirmation.
//! The link is sufficient: the simulator requires no login.

use super::access::Caller;
use super::accounts::{Limits, PERSON_LIFETIME, PUBLIC_KEY, PublicKey, Registry};
use super::kinds::{self, Role};
use super::rules;
use super::store::{Store, Verb};
use axum::extract::Query;
use axum::routing::{MethodRouter, get};
use http::StatusCode;
use omni_proto::auth as pb;
use omni_proto::auth::auth_service_server::AuthService;
use omni_proto::specs::PublicKeySpec;
use std::collections::HashMap;
use std::time::Duration;
use tonic::{Request, Response, Status};

/// The path of the page that links lead to.
pub(super) const PAGE: &str = "/authenticate";

/// What the key is called in links.
const KEY_ID: &str = "public-key-id";

/// How long somebody waits for a confirmation.
const RUN_TIMEOUT: Duration = Duration::from_mins(5);

/// The service, and the page.
#[derive(Clone)]
pub(super) struct SignIn {
    store: Store,
    page: String,
    /// Whether keys need no confirmation.
    trusting: bool,
}

impl SignIn {
    /// A service over these objects, reached at this endpoint.
    pub(super) fn new(store: Store, endpoint: &str, trusting: bool) -> Self {
        // Browsers do not know the scheme that stands for no TLS.
        let page = format!("{}{PAGE}", endpoint.replacen("grpc://", "http://", 1));
        Self { store, page, trusting }
    }

    /// The page that confirms a key.
    pub(super) fn page(&self) -> MethodRouter {
        let this = self.clone();
        get(async move |Query(query): Query<HashMap<String, String>>| {
            let id = query.get(KEY_ID).map(String::as_str).unwrap_or_default();
            match this.registry().confirm_key(id) {
                Some(whose) => (StatusCode::OK, format!("The key {id} of {whose} is confirmed.\n")),
                None => {
                    (StatusCode::NOT_FOUND, format!("There is no key {id:?}: nobody of that name is known here.\n"))
                }
            }
        })
    }

    fn registry(&self) -> Registry<'_> {
        Registry::new(&self.store, Limits::default())
    }

    fn is_confirmed(&self, id: &str) -> bool {
        let key = self.store.get(&kinds::key(PUBLIC_KEY, id));
        key.is_some_and(|key| key.spec::<PublicKeySpec>().confirmed)
    }

    async fn durable(&self) -> Result<(), Status> {
        let store = self.store.clone();
        let synced = tokio::task::spawn_blocking(move || store.sync()).await;
        synced.map_err(|_| Status::internal("the write was given up"))?.map_err(|error| error.status(Verb::Update))
    }

    async fn confirmed(&self, id: &str) -> Result<(), Status> {
        // Before the look, so that nothing that follows it is missed.
        let mut changes = self.store.subscribe();
        while !self.is_confirmed(id) {
            changes.next().await.map_err(|stale| Status::aborted(stale.to_string()))?;
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl AuthService for SignIn {
    async fn register_public_key(
        &self,
        request: Request<pb::RegisterPublicKeyRequest>,
    ) -> Result<Response<pb::RegisterPublicKeyResponse>, Status> {
        let request = request.into_inner();
        let sent = request.public_key.unwrap_or_default();
        if !sent.webauthn_data.is_empty() {
            return Err(Status::unimplemented("unimplemented"));
        }
        if sent.pgp_data.is_empty() {
            return Err(Status::invalid_argument("no public key data provided"));
        }
        let key = PublicKey::read(&sent.pgp_data, self.store.time(), PERSON_LIFETIME)
            .map_err(|problem| Status::unknown(problem.to_string()))?;
        let email = request.identity.unwrap_or_default().email;
        let role = request.skip_user_role.then_some(request.role.as_str());
        self.registry().register_key(&email, &key, role)?;
        if self.trusting {
            self.registry().confirm_key(&key.id);
        }
        self.durable().await?;
        let login_url = format!("{}?flow=cli&{KEY_ID}={}", self.page, key.id);
        Ok(Response::new(pb::RegisterPublicKeyResponse { login_url, public_key_id: key.id }))
    }

    async fn await_public_key_confirmation(
        &self,
        request: Request<pb::AwaitPublicKeyConfirmationRequest>,
    ) -> Result<Response<()>, Status> {
        let id = request.into_inner().public_key_id;
        let waited = tokio::time::timeout(RUN_TIMEOUT, self.confirmed(&id)).await;
        waited.unwrap_or_else(|_| Err(Status::deadline_exceeded("context deadline exceeded"))).map(Response::new)
    }

    /// Browsers bring a token of whoever knows the person; here the person's or an administrator's signature does.
    async fn confirm_public_key(&self, request: Request<pb::ConfirmPublicKeyRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request)?;
        let id = request.into_inner().public_key_id;
        if id.is_empty() {
            return Err(Status::invalid_argument("public key id is required"));
        }
        let denied = || Status::permission_denied("permission denied");
        let whose = self.registry().owner_of_key(&id).ok_or_else(denied)?;
        if whose != caller.identity && caller.role < Role::Admin {
            return Err(denied());
        }
        self.registry().confirm_key(&id);
        self.durable().await?;
        Ok(Response::new(()))
    }

    async fn revoke_public_key(&self, request: Request<pb::RevokePublicKeyRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request)?;
        let id = request.into_inner().public_key_id;
        let missing = || Status::unknown(rules::missing(PUBLIC_KEY, "default", &id));
        if self.registry().owner_of_key(&id).ok_or_else(missing)? != caller.identity {
            return Err(Status::permission_denied("permission denied"));
        }
        self.registry().revoke_key(&id)?;
        self.durable().await?;
        Ok(Response::new(()))
    }
}
