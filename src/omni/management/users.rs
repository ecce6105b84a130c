//! Users: people who sign in. Omni has these calls since 1.6.

use super::{Ask, named};
use crate::omni::{Call, Client, Error};
use crate::pb::management as pb;
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
    /// [`Class::NotFound`](crate::omni::Class::NotFound) when there is none, as after an earlier attempt whose answer
    /// got lost; otherwise when the server refuses, or does not answer.
    pub async fn destroy_user(&self, call: &Call, email: &str) -> Result<(), Error> {
        let message = pb::DestroyUserRequest { email: email.to_owned() };
        let about = about(email);
        let ask = Ask::again("/management.ManagementService/DestroyUser", &about);
        self.ask(call, ask, message, |mut s, r| async move { s.destroy_user(r).await }).await
    }
}

fn about(email: &str) -> String {
    format!("the user `{email}`")
}
