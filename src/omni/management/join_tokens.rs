//! Join tokens: made by a call, since the server makes their secret; read, changed and removed as objects.

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
    /// Makes a join token, and gives its id, which is the secret itself. It is never sent twice.
    /// `expiration` is since 1970; without one it never expires.
    ///
    /// # Errors
    /// When the server refuses, or does not answer.
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

    /// Makes a join token and gives its key. `name` must be one that no other token ever had:
    /// unless the answer says that nothing happened, the token is looked for by it before anything is repeated,
    /// and of two that were made in the end, one is taken away again.
    ///
    /// # Errors
    /// When the server refuses, or does not answer; [`Error::may_have_happened`] tells whether there may be such a
    /// token now.
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

    /// Removes what else has this name: an attempt that seemed lost may take effect after its repetition.
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

    /// The first token for which `fits` holds; unlike a list, this is never behind.
    ///
    /// # Errors
    /// When the server refuses, or does not answer.
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

/// A join token that is to be made, under a name that no other one ever had.
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
