//! Join tokens: made by a call, since the server makes their secret; read, changed and removed as objects.

use super::{Ask, named};
use crate::kit::secret::{ExposeSecret, SecretString};
use crate::omni::spec::join_token::JoinTokenSpec;
use crate::omni::spec::{self, Spec};
use crate::omni::state::recent::Left;
use crate::omni::state::watch::Event;
use crate::omni::{Call, Client, Error, Key, Query, Resource};
use crate::pb::management as pb;
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
        let started = Instant::now();
        let mut delays = self.inner.retry.delays();
        // Whether an earlier attempt may still take effect.
        let mut open = false;
        loop {
            let error = match self.create_join_token(call, name, expiration).await {
                Ok(id) => {
                    let key = self.made(JoinTokenSpec::KIND.key(id.expose_secret()));
                    if open {
                        self.remove_twins(call, name, &key).await;
                    }
                    return Ok(key);
                }
                Err(error) => error,
            };
            if !error.may_have_happened() {
                // A later attempt that did nothing does not undo an earlier one.
                return Err(error.settled(open));
            }
            open |= !error.is_final_word();
            match self.join_token_named(call, name).await {
                Ok(Some(key)) => return Ok(self.made(key)),
                Ok(None) => {}
                // Without a look nothing may be repeated.
                Err(_) => return Err(error.settled(true)),
            }
            let Some(delay) = delays.next().filter(|delay| *delay < call.remaining()) else {
                return Err(error.settled(open));
            };
            self.sleep(call, delay, started, &format!("the answer to CreateJoinToken of `{name}`"))
                .await
                .map_err(|e| e.settled(open))?;
            // The answer of something on the way may be faster than the server behind it.
            if open && let Ok(Some(key)) = self.join_token_named(call, name).await {
                return Ok(self.made(key));
            }
        }
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

    /// The caches of the server may not have it yet.
    fn made(&self, key: Key) -> Key {
        self.inner.recent.note(&key, Left::Version(1));
        key
    }

    async fn join_token_named(&self, call: &Call, name: &str) -> Result<Option<Key>, Error> {
        let is_named = |token: &Resource| spec::decode::<JoinTokenSpec>(token).is_ok_and(|spec| spec.name == name);
        Ok(self.join_token_where(call, is_named).await?.map(|token| token.key))
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
