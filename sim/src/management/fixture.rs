//! The context of an empty server, and calls of any identity, for tests.

use super::ServiceContext;
use super::machines::Operations;
use crate::access::Caller;
use crate::accounts::Limits;
use crate::audit::AuditLog;
use crate::kinds::Role;
use crate::machine_logs::MachineLogs;
use crate::release::Release;
use crate::store::Store;
use crate::token::Signer;
use crate::world;
use kit::clock::TestClock;
use std::sync::Arc;
use tonic::Request;

/// The time of day there.
pub(super) const NOW: u64 = 1_790_000_000;

/// The context of a fresh server of this release.
pub(super) fn context(release: Release) -> ServiceContext {
    let store = Store::new(Arc::new(TestClock::at(NOW)));
    world::seed(&store, 0, release);
    let signer = Signer::new(store.clone());
    let audit = AuditLog::default();
    store.tell(Arc::new(audit.clone()));
    let logs = MachineLogs::of(&store);
    let (operations, limits) = (Operations::default(), Limits::default());
    ServiceContext {
        store,
        endpoint: "grpc://127.0.0.1:4000".into(),
        ca_pem: None,
        signer,
        audit,
        logs,
        operations,
        limits,
    }
}

/// A call from a service account with this role.
pub(super) fn call<T>(role: Role, header: Option<(&'static str, &'static str)>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some((name, value)) = header {
        request.metadata_mut().insert(name, value.parse().unwrap());
    }
    let caller = Caller { identity: "me@serviceaccount.omni.sidero.dev".into(), user: "u".into(), role };
    request.extensions_mut().insert(caller);
    request
}
