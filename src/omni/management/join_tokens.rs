//! Join tokens: made by a call, since the server makes their secret; read, changed and removed as objects.

use super::Ask;
use crate::kit::secret::{ExposeSecret, SecretString};
use crate::omni::spec::join_token::JoinTokenSpec;
use crate::omni::spec::{self, Spec};
use crate::omni::state::recent::Left;
use crate::omni::state::watch::Event;
use crate::omni::{Call, Class, Client, Error, Key, Query, Resource};
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
        Ok(SecretString::from(answer.id))
    }

    /// Makes a join token and gives its key. `name` must be one that no other token ever had:
    /// when the answer gets lost, the token is recognised by it.
    ///
    /// # Errors
    /// When the server refuses, or does not answer; [`Error::Transport`] with `maybe_sent`, [`Error::Timeout`] and
    /// [`Error::Cancelled`] leave open whether there is such a token now.
    pub async fn make_join_token(&self, call: &Call, name: &str, expiration: Option<Duration>) -> Result<Key, Error> {
        let started = Instant::now();
        let mut delays = self.inner.retry.delays();
        let mut lost = None;
        loop {
            let error = match self.create_join_token(call, name, expiration).await {
                Ok(id) => return Ok(self.made(JoinTokenSpec::KIND.key(id.expose_secret()))),
                Err(error) => error,
            };
            let open = match &error {
                Error::Transport { maybe_sent, .. } => *maybe_sent,
                error => error.is(Class::Unavailable),
            };
            // An attempt that never left does not undo an earlier one whose answer was lost.
            if !open && lost.is_none() {
                return Err(error);
            }
            let error = lost.take().unwrap_or(error);
            match self.join_token_named(call, name).await {
                Ok(Some(key)) => return Ok(self.made(key)),
                Ok(None) => {}
                Err(_) => return Err(unanswered(self, error)),
            }
            let Some(delay) = delays.next().filter(|delay| *delay < call.remaining()) else {
                return Err(unanswered(self, error));
            };
            lost = Some(error);
            self.sleep(call, delay, started, &format!("the answer to CreateJoinToken of `{name}`")).await?;
        }
    }

    /// The caches of the server may not have it yet.
    fn made(&self, key: Key) -> Key {
        self.inner.recent.note(&key, Left::Version(1));
        key
    }

    async fn join_token_named(&self, call: &Call, name: &str) -> Result<Option<Key>, Error> {
        let named = |token: &Resource| spec::decode::<JoinTokenSpec>(token).is_ok_and(|spec| spec.name == name);
        Ok(self.join_token_where(call, named).await?.map(|token| token.key))
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

/// The error of a call that may have taken effect.
fn unanswered(client: &Client, error: Error) -> Error {
    match error {
        error @ Error::Transport { .. } => error,
        error => Error::Transport {
            endpoint: client.endpoint().to_owned(),
            message: error.to_string(),
            maybe_sent: true,
            setting: "endpoint",
        },
    }
}
