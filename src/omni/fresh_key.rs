//! New keys: a server may need some time until it accepts their signatures.
//! No event reports it, so a request with the key is retried until it succeeds.

use super::call::Call;
use super::client::Client;
use super::error::{Error, ErrorKind};
use super::spec::{self, instance};
use omni_proto::specs::CurrentUserSpec;

impl Client {
    /// Waits until the server accepts the signatures of this client, and returns its identity.
    ///
    /// # Errors
    /// [`Error::Timeout`] when it still does not at the end of `call`; otherwise when something else is wrong.
    pub async fn until_accepted(&self, call: &Call) -> Result<CurrentUserSpec, Error> {
        let what = format!("Omni to accept the new key of `{}`", self.inner.transport_state.signer.identity());
        let mut delays = self.inner.retry.endless();
        loop {
            match self.get(call, &instance::current_user_key()).await {
                Ok(found) => return spec::decode(&found),
                Err(error) if error.is(ErrorKind::Unauthenticated) => {}
                // The end may come while a question is under way; it is the key that was waited for all the time.
                Err(error) if error.is(ErrorKind::Timeout) => {
                    return Err(Error::Timeout { what, after: call.limit });
                }
                Err(error) if error.is(ErrorKind::Cancelled) => return Err(Error::Cancelled { what }),
                Err(error) => return Err(error),
            }
            let delay = delays.next().unwrap_or_default();
            tracing::debug!(?delay, "the new key is not accepted yet");
            self.sleep(call, delay, &what).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::auth::generate;
    use crate::omni::testing::{Fake, Fault, NOW, minute, pair};
    use kit::secret::SecretString;
    use std::time::Duration;
    use tonic::Status;

    fn other_key() -> SecretString {
        generate("other", Duration::from_secs(3600), NOW).unwrap().exported
    }

    fn refuse(server: &Fake, times: usize) {
        for _ in 0..times {
            server.fault("Get", Fault::Refuse(Status::unauthenticated("invalid signature")));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_waited_for_until_it_works() {
        let pair = pair();
        let other = pair.client.with_key(&other_key()).unwrap();
        refuse(&pair.server, 3);
        // This server knows nobody: any answer but a refused signature ends the wait.
        let error = other.until_accepted(&minute()).await.unwrap_err();
        assert!(error.is(ErrorKind::NotFound), "{error}");
        let seen = pair.server.seen.lock().unwrap();
        let signers = seen.iter().map(|(_, metadata)| metadata.get("x-sidero-signature").unwrap().to_str().unwrap());
        assert!(signers.clone().count() == 4 && signers.clone().all(|line| line.starts_with("siderov1 other ")));
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_ends_and_says_what_for() {
        let pair = pair();
        let other = pair.client.with_key(&other_key()).unwrap();
        refuse(&pair.server, 1000);
        let error = other.until_accepted(&minute()).await.unwrap_err().to_string();
        assert_eq!(error, "gave up after 1m while waiting for Omni to accept the new key of `other`");
        let hung = crate::omni::testing::pair();
        refuse(&hung.server, 1);
        hung.server.fault("Get", Fault::Hang);
        let brief = Call::within(Duration::from_secs(5), &minute().cancel);
        let other_there = hung.client.with_key(&other_key()).unwrap();
        let error = other_there.until_accepted(&brief).await.unwrap_err().to_string();
        assert_eq!(error, "gave up after 5s while waiting for Omni to accept the new key of `other`");
        let stopped = minute();
        stopped.cancel.cancel();
        assert!(other.until_accepted(&stopped).await.unwrap_err().is(ErrorKind::Cancelled));
    }

    #[tokio::test]
    async fn what_is_no_key_is_refused_before_anything_is_sent() {
        let pair = pair();
        let error = pair.client.with_key(&SecretString::from("abc")).unwrap_err();
        assert!(error.is(ErrorKind::Config) && pair.server.count("Get") == 0, "{error}");
    }
}
