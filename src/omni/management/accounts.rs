//! Service accounts: identities whose keys are made here, and of which the server learns only the public half.

use super::{Ask, named, since_1970};
use crate::omni::{Call, Client, Error};
use crate::pb::management as pb;
use pb::list_service_accounts_response as listed;
use std::time::Duration;

/// The role that a new account gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountRole {
    /// That of the caller; as the server has it, this is always `Admin`.
    Callers,
    /// This one.
    Named(String),
}

/// A service account as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its name, with `infra-provider:` in front where it belongs to an infrastructure provider.
    pub name: String,
    /// Its role.
    pub role: String,
    /// When it was last used, in RFC 3339; `None` when it never was.
    pub last_active: Option<String>,
    /// Its keys. Those that have expired may be among them.
    pub keys: Vec<AccountKey>,
}

/// The public half of a key of a service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountKey {
    /// Its fingerprint: 40 lower-case digits.
    pub id: String,
    /// When it ends, since 1970; `None` when the server does not say.
    pub expiration: Option<Duration>,
    /// When it was made, since 1970; older servers do not say.
    pub created: Option<Duration>,
    /// When it was last used, since 1970.
    pub last_used: Option<Duration>,
}

impl From<listed::ServiceAccount> for ServiceAccount {
    fn from(account: listed::ServiceAccount) -> Self {
        let key = |k: listed::service_account::PgpPublicKey| AccountKey {
            id: k.id,
            expiration: k.expiration.map(since_1970),
            created: k.created.map(since_1970),
            last_used: k.last_used.map(since_1970),
        };
        Self {
            name: account.name,
            role: account.role,
            last_active: Some(account.last_active).filter(|t| !t.is_empty()),
            keys: account.pgp_public_keys.into_iter().map(key).collect(),
        }
    }
}

impl Client {
    /// Makes a service account with a first key, and gives the key's id. It is never sent twice.
    ///
    /// # Errors
    /// [`Class::AlreadyExists`](crate::omni::Class::AlreadyExists) when there is one of this name;
    /// otherwise when the server refuses, or does not answer.
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

    /// Gives a service account one more key, and gives the key's id; the keys that it has stay good until they expire.
    /// It is never sent twice.
    ///
    /// # Errors
    /// When the server refuses, or does not answer.
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

    /// Every service account. One that was just made may not be among them yet.
    ///
    /// # Errors
    /// When the server refuses, or does not answer.
    pub async fn service_accounts(&self, call: &Call) -> Result<Vec<ServiceAccount>, Error> {
        let ask = Ask::again("/management.ManagementService/ListServiceAccounts", "the service accounts");
        let answer = self.ask(call, ask, (), |mut s, r| async move { s.list_service_accounts(r).await }).await?;
        Ok(answer.service_accounts.into_iter().map(ServiceAccount::from).collect())
    }

    /// Removes a service account with all its keys.
    ///
    /// # Errors
    /// [`Class::NotFound`](crate::omni::Class::NotFound) when there is none, as after an earlier attempt whose answer
    /// got lost; otherwise when the server refuses, or does not answer.
    pub async fn destroy_service_account(&self, call: &Call, name: &str) -> Result<(), Error> {
        let message = pb::DestroyServiceAccountRequest { name: name.to_owned() };
        let about = about(name);
        let ask = Ask::again("/management.ManagementService/DestroyServiceAccount", &about);
        self.ask(call, ask, message, |mut s, r| async move { s.destroy_service_account(r).await }).await
    }
}

fn about(name: &str) -> String {
    format!("the service account `{name}`")
}
