//! Join tokens: created by an RPC, since the server generates the secret; read, updated and destroyed as COSI resources.

use super::{Ask, named};
use crate::omni::once::{AtMostOnce, Look, Sight};
use crate::omni::spec::join_token::JoinTokenSpec;
use crate::omni::spec::{self, Spec};
use crate::omni::state::recent_writes::Expect;
use crate::omni::state::watch::Event;
use crate::omni::{Call, Client, Error, Key, Query, Resource};
use async_trait::async_trait;
use kit::secret::{ExposeSecret, SecretString};
use omni_proto::management as pb;
use std::time::Duration;
use tokio::time::Instant;

impl Client {
    /// Creates a join token and returns its ID, which is the secret. The RPC is not retried.
    /// `expiration` is the time since 1970; `None` for no expiration.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn create_join_token(
        &self,
        call: &Call,
        name: &str,
        expiration: Option<Duration>,
    ) -> Result<SecretString, Error> {
        let timestamp = |at: Duration| prost_types::Timestamp {
            seconds: i64::try_from(at.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(at.subsec_nanos()).unwrap_or_default(),
        };
        let message = pb::CreateJoinTokenRequest { name: name.to_owned(), expiration_time: expiration.map(timestamp) };
        let about = format!("the join token `{name}`");
        let ask = Ask::once("/management.ManagementService/CreateJoinToken", &about);
        let answer = self.ask(call, ask, message, |mut s, r| async move { s.create_join_token(r).await }).await?;
        Ok(SecretString::from(named(answer.id, &about)?))
    }

    /// Creates a join token and returns its key. `name` must be one that no other token ever had:
    /// if the response leaves open whether the call took effect, the token is looked up by name before a retry,
    /// and a duplicate is destroyed.
    ///
    /// # Errors
    /// When the server refuses or does not respond; [`Error::may_have_happened`] says whether the token may
    /// exist now.
    pub async fn make_join_token(&self, call: &Call, name: &str, expiration: Option<Duration>) -> Result<Key, Error> {
        let what = format!("the answer to CreateJoinToken of `{name}`");
        let made = self.at_most_once(call, &what, &NewToken { client: self, call, name, expiration }).await;
        let (key, open) = made?;
        if open {
            self.remove_twins(call, name, &key).await;
        }
        // The caches of the server may not have it yet.
        self.inner.recent.note(&key, Expect::Version(1));
        Ok(key)
    }

    /// Destroys duplicates of this name: a lost attempt may take effect after its retry.
    async fn remove_twins(&self, call: &Call, name: &str, kept: &Key) {
        let is_twin = |token: &Resource| {
            token.key != *kept && spec::decode::<JoinTokenSpec>(token).is_ok_and(|spec| spec.name == name)
        };
        while let Ok(Some(twin)) = self.join_token_where(call, is_twin).await {
            if let Err(error) = self.remove(call, &twin.key).await {
                tracing::warn!(name, %error, "a join token of this name was made twice, and one of them is left behind");
                return;
            }
        }
    }

    /// The first token for which `fits` returns true; unlike a list, this reflects every write.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn join_token_where<F>(&self, call: &Call, fits: F) -> Result<Option<Resource>, Error>
    where
        F: Fn(&Resource) -> bool + Send,
    {
        let mut watch = self.watch_kind(call, JoinTokenSpec::KIND, &Query::all()).await?;
        loop {
            match watch.next().await? {
                Event::Present(token) if fits(&token) => return Ok(Some(*token)),
                Event::Present(_) | Event::Gone(_) => {}
                Event::Bootstrapped => return Ok(None),
            }
        }
    }
}

/// The create of a join token, under a name that no other one ever had.
struct NewToken<'a> {
    client: &'a Client,
    call: &'a Call,
    name: &'a str,
    expiration: Option<Duration>,
}

#[async_trait]
impl AtMostOnce for NewToken<'_> {
    type Made = Key;

    async fn send(&self) -> Result<Key, Error> {
        let id = self.client.create_join_token(self.call, self.name, self.expiration).await?;
        Ok(JoinTokenSpec::KIND.key(id.expose_secret()))
    }

    /// Unlike a list, this is never behind; and the answer of something on the way may be faster than the server.
    async fn look(&self, sight: Sight) -> Result<Look<Key>, Error> {
        let end = Instant::now() + sight.wait;
        let mut watch = self.client.watch_kind(self.call, JoinTokenSpec::KIND, &Query::all()).await?;
        let mut complete = false;
        loop {
            let event = tokio::select! {
                biased;
                event = watch.next() => event?,
                () = tokio::time::sleep_until(end), if complete => return Ok(Look::Absent),
            };
            match event {
                Event::Present(token) if spec::decode::<JoinTokenSpec>(&token).is_ok_and(|s| s.name == self.name) => {
                    return Ok(Look::There(token.key));
                }
                Event::Present(_) | Event::Gone(_) => {}
                Event::Bootstrapped => complete = true,
            }
        }
    }
}
