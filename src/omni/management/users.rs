//! Users: people who sign in. Omni has these calls since 1.6.

use super::{Ask, named};
use crate::omni::once::{AtMostOnce, Look, Sight};
use crate::omni::spec::account::IdentitySpec;
use crate::omni::spec::{self, Spec};
use crate::omni::{Call, Client, Error};
use async_trait::async_trait;
use omni_proto::management as pb;
use std::collections::BTreeMap;

/// A user as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id, a UUID.
    pub id: String,
    /// Its e-mail address, in lower case.
    pub email: String,
    /// Its role.
    pub role: String,
    /// What the SAML identity provider says of it.
    pub saml_labels: BTreeMap<String, String>,
    /// When it was last active, in RFC 3339; `None` when it never was.
    pub last_active: Option<String>,
}

impl Client {
    /// Makes a user, and gives its id. It is never sent twice.
    ///
    /// # Errors
    /// When the server refuses, or does not answer.
    pub async fn create_user(&self, call: &Call, email: &str, role: &str) -> Result<String, Error> {
        let message = pb::CreateUserRequest { email: email.to_owned(), role: role.to_owned() };
        let about = about(email);
        let ask = Ask::once("/management.ManagementService/CreateUser", &about);
        let answer = self.ask(call, ask, message, |mut s, r| async move { s.create_user(r).await }).await?;
        named(answer.user_id, &about)
    }

    /// Makes a user that was not there before, and gives its id. Unless the answer says that nothing happened, the user
    /// is looked for before anything is repeated.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](crate::omni::ErrorKind::AlreadyExists) when there is one of this address; otherwise when the server refuses, or does not
    /// answer. [`Error::may_have_happened`] tells whether there may be such a user now.
    pub async fn make_user(&self, call: &Call, email: &str, role: &str) -> Result<String, Error> {
        let what = format!("the answer to CreateUser of {}", about(email));
        self.at_most_once(call, &what, &NewUser { client: self, call, email, role }).await.map(|(id, _)| id)
    }

    /// Every user; service accounts are not among them.
    ///
    /// # Errors
    /// When the server refuses, or does not answer.
    pub async fn users(&self, call: &Call) -> Result<Vec<User>, Error> {
        let ask = Ask::again("/management.ManagementService/ListUsers", "the users");
        let answer = self.ask(call, ask, (), |mut s, r| async move { s.list_users(r).await }).await?;
        let user = |u: pb::list_users_response::User| User {
            id: u.id,
            email: u.email,
            role: u.role,
            saml_labels: u.saml_labels.into_iter().collect(),
            last_active: Some(u.last_active).filter(|t| !t.is_empty()),
        };
        Ok(answer.users.into_iter().map(user).collect())
    }

    /// Gives a user another role.
    ///
    /// # Errors
    /// When the server refuses, or does not answer.
    pub async fn update_user(&self, call: &Call, email: &str, role: &str) -> Result<(), Error> {
        let message = pb::UpdateUserRequest { email: email.to_owned(), role: role.to_owned() };
        let about = about(email);
        let ask = Ask::again("/management.ManagementService/UpdateUser", &about);
        self.ask(call, ask, message, |mut s, r| async move { s.update_user(r).await }).await
    }

    /// Removes a user with all its keys.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::omni::ErrorKind::NotFound) when there is none, as after an earlier attempt whose answer
    /// got lost; otherwise when the server refuses, or does not answer.
    pub async fn destroy_user(&self, call: &Call, email: &str) -> Result<(), Error> {
        let message = pb::DestroyUserRequest { email: email.to_owned() };
        let about = about(email);
        let ask = Ask::again("/management.ManagementService/DestroyUser", &about);
        self.ask(call, ask, message, |mut s, r| async move { s.destroy_user(r).await }).await
    }
}

/// A user who is to be made, and was not there before.
struct NewUser<'a> {
    client: &'a Client,
    call: &'a Call,
    email: &'a str,
    role: &'a str,
}

#[async_trait]
impl AtMostOnce for NewUser<'_> {
    type Made = String;

    async fn send(&self) -> Result<String, Error> {
        self.client.create_user(self.call, self.email, self.role).await
    }

    /// The list of users may be late; this is not.
    async fn look(&self, _: Sight) -> Result<Look<String>, Error> {
        let found = self.client.get_fresh(self.call, &IdentitySpec::KIND.key(self.email.to_lowercase())).await?;
        Ok(match found.map(|identity| spec::decode::<IdentitySpec>(&identity)).transpose()? {
            Some(identity) => Look::There(identity.user_id),
            None => Look::Absent,
        })
    }
}

fn about(email: &str) -> String {
    format!("the user `{email}`")
}
