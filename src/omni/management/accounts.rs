//! Service accounts: identities whose keys are made here, and of which the server learns only the public half.

use super::{Ask, named};
use crate::omni::auth::generate::identity;
use crate::omni::once::{AtMostOnce, Look, Sight};
use crate::omni::spec::{self, Described, Spec};
use crate::omni::{Call, Client, Error, ErrorKind, Resource};
use async_trait::async_trait;
use omni_proto::management as pb;
use omni_proto::specs::{IdentitySpec, ServiceAccountStatusSpec};
use std::time::Duration;

/// The role that a new account gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountRole {
    /// That of the caller; as the server has it, this is always `Admin`.
    Callers,
    /// This one.
    Named(String),
}

/// A service account as the server lists it: one of an infrastructure provider has `infra-provider:` in front of its name,
/// and what was never used has an empty text. Keys that have expired may be among its keys.
pub use pb::list_service_accounts_response::ServiceAccount;
/// The public half of a key of a service account: its ID is its fingerprint, 40 lower-case digits. Older servers do not say all times.
pub use pb::list_service_accounts_response::service_account::PgpPublicKey as AccountKey;

impl Described for ServiceAccount {
    const MESSAGE: &'static str = "management.ListServiceAccountsResponse.ServiceAccount";
}

/// A key that is to be registered.
pub struct NewKey<'a> {
    /// Its fingerprint: 40 lower-case digits.
    pub fingerprint: &'a str,
    /// Its public half.
    pub armored_public: &'a str,
    /// A client that signs with it, where the private half is at hand.
    pub bearer: Option<&'a Client>,
}

/// How long Omni may take to accept signatures of a key whose account exists.
const ACCEPTANCE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long Omni may take to list a key whose private half is not available.
const LISTING_TIMEOUT: Duration = Duration::from_secs(10);

impl Client {
    /// Creates a service account with a first key, and returns the ID of the key. The RPC is not retried.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when an account of this name exists;
    /// otherwise when the server refuses or does not respond.
    pub async fn create_service_account(
        &self,
        call: &Call,
        name: &str,
        armored_public_key: &str,
        role: AccountRole,
    ) -> Result<String, Error> {
        let (use_user_role, role) = match role {
            AccountRole::Callers => (true, String::new()),
            AccountRole::Named(role) => (false, role),
        };
        let message = pb::CreateServiceAccountRequest {
            armored_pgp_public_key: armored_public_key.to_owned(),
            use_user_role,
            role,
            name: name.to_owned(),
        };
        let about = about(name);
        let ask = Ask::once("/management.ManagementService/CreateServiceAccount", &about);
        let answer = self.ask(call, ask, message, |mut s, r| async move { s.create_service_account(r).await }).await?;
        named(answer.public_key_id, &about)
    }

    /// Adds a key to a service account, and returns the ID of the key. Existing keys stay valid until they expire.
    /// The RPC is not retried.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn renew_service_account(
        &self,
        call: &Call,
        name: &str,
        armored_public_key: &str,
    ) -> Result<String, Error> {
        let message = pb::RenewServiceAccountRequest {
            name: name.to_owned(),
            armored_pgp_public_key: armored_public_key.to_owned(),
        };
        let about = about(name);
        let ask = Ask::once("/management.ManagementService/RenewServiceAccount", &about);
        let answer = self.ask(call, ask, message, |mut s, r| async move { s.renew_service_account(r).await }).await?;
        named(answer.public_key_id, &about)
    }

    /// Registers a new key, with a role to create an account that did not exist before.
    /// If the response leaves open whether the call took effect, the key is looked up before a retry: its signature is
    /// accepted, or it is listed.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when the account or the key exists;
    /// otherwise when the server refuses or does not respond. [`Error::may_have_happened`] tells whether the key may
    /// be registered all the same.
    pub async fn register_key(
        &self,
        call: &Call,
        name: &str,
        role: Option<&AccountRole>,
        key: &NewKey<'_>,
    ) -> Result<(), Error> {
        let what = format!("the answer about the new key of {}", about(name));
        self.at_most_once(call, &what, &Registration { client: self, call, name, role, key }).await.map(drop)
    }

    /// All service accounts. A new one may not be listed yet.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn service_accounts(&self, call: &Call) -> Result<Vec<ServiceAccount>, Error> {
        let ask = Ask::again("/management.ManagementService/ListServiceAccounts", "the service accounts");
        let answer = self.ask(call, ask, (), |mut s, r| async move { s.list_service_accounts(r).await }).await?;
        Ok(answer.service_accounts)
    }

    /// Destroys a service account with all keys.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none, as after an earlier attempt whose answer
    /// got lost; otherwise when the server refuses or does not respond.
    pub async fn destroy_service_account(&self, call: &Call, name: &str) -> Result<(), Error> {
        let message = pb::DestroyServiceAccountRequest { name: name.to_owned() };
        let about = about(name);
        let ask = Ask::again("/management.ManagementService/DestroyServiceAccount", &about);
        self.ask(call, ask, message, |mut s, r| async move { s.destroy_service_account(r).await }).await
    }
}

/// The registration of a key, with a role for an account that did not exist before.
struct Registration<'a> {
    client: &'a Client,
    call: &'a Call,
    name: &'a str,
    role: Option<&'a AccountRole>,
    key: &'a NewKey<'a>,
}

#[async_trait]
impl AtMostOnce for Registration<'_> {
    type Made = ();

    async fn send(&self) -> Result<(), Error> {
        let (client, key) = (self.client, self.key.armored_public);
        let sent = match self.role {
            Some(role) => client.create_service_account(self.call, self.name, key, role.clone()).await,
            None => client.renew_service_account(self.call, self.name, key).await,
        };
        sent.map(drop)
    }

    async fn look(&self, sight: Sight) -> Result<Look<()>, Error> {
        let identity = identity(self.name);
        match self.role {
            // Lists are late; this is not.
            Some(_) if self.client.get_fresh(self.call, &IdentitySpec::KIND.key(&*identity)).await?.is_none() => {
                return Ok(Look::Absent);
            }
            // Nobody else has this key, so that it is there says that it was registered.
            None if sight.taken => return Ok(Look::There(())),
            _ => {}
        }
        let found = match self.key.bearer {
            Some(bearer) => {
                // A renewal may be repeated at any time; whether it was this create that made the account may not.
                let wait = if self.role.is_some() { ACCEPTANCE_TIMEOUT } else { sight.wait };
                let brief = Call::within(wait.min(self.call.remaining()), &self.call.cancel);
                bearer.until_accepted(&brief).await.map(drop)
            }
            None => {
                let brief = Call::within(LISTING_TIMEOUT.min(self.call.remaining()), &self.call.cancel);
                let listed = |stored: Option<&Resource>| {
                    let status = spec::decode::<ServiceAccountStatusSpec>(stored?).ok()?;
                    status.public_keys.iter().any(|listed| listed.id == self.key.fingerprint).then_some(())
                };
                let status = ServiceAccountStatusSpec::KIND.key(identity);
                self.client.wait_for(&brief, &status, "the key to be listed", listed).await
            }
        };
        match found {
            Ok(()) => Ok(Look::There(())),
            // Whose account is there, nobody knows; a key of one that was there before may be registered once more.
            Err(error) if error.is(ErrorKind::Timeout) => {
                Ok(if self.role.is_some() { Look::Unclear } else { Look::Absent })
            }
            Err(error) => Err(error),
        }
    }
}

fn about(name: &str) -> String {
    format!("the service account `{name}`")
}
