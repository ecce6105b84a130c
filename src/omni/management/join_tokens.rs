//! Join tokens: made by a call, since the server makes their secret; read, changed and removed as objects.

use super::Ask;
use crate::kit::secret::SecretString;
use crate::omni::{Call, Client, Error};
use crate::pb::management as pb;
use std::time::Duration;

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
}
