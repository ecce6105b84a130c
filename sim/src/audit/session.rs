//! The identity of the current call, available to everything within it.

use crate::access::Caller;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

/// What the server itself is called, where no caller is at work.
const SERVER: &str = "Omni-Internal-Agent";

tokio::task_local! {
    static CURRENT: Session;
}

/// Who acts, as the audit log shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// The program that the caller uses.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
    /// The id of the user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_id: String,
    /// What the caller may do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The caller's identity.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The key that signed the call.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
}

impl Session {
    /// The session of a call.
    pub(crate) fn of(caller: &Caller, headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self {
            user_agent: text("user-agent").to_owned(),
            user_id: caller.user.clone(),
            role: caller.role.name().to_owned(),
            email: caller.identity.clone(),
            fingerprint: text("x-sidero-signature").split(' ').nth(2).unwrap_or_default().to_owned(),
        }
    }

    /// The session that is at work now; outside of every call it is the server's own.
    pub(super) fn current() -> Self {
        let server = || Self { user_agent: SERVER.to_owned(), ..Self::default() };
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| server())
    }

    /// Does some work in the name of this session.
    pub(crate) async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }
}
