//! Users. Omni has these RPCs since 1.6.

use super::{Ask, named};
use crate::omni::once::{AtMostOnce, Look, Sight};
use crate::omni::spec::{self, Described, Spec};
use crate::omni::{Call, Client, Error};
use async_trait::async_trait;
use omni_proto::management as pb;
use omni_proto::specs::IdentitySpec;

/// A user as the server lists it: the address is in lower case, and no activity is an empty text.
pub use pb::list_users_response::User;

impl Described for User {
    const MESSAGE: &'static str = "management.ListUsersResponse.User";
}

impl Client {
    /// Creates a user and returns its ID. The RPC is not retried.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn create_user(&self, call: &Call, email: &str, role: &str) -> Result<String, Error> {
        let message = pb::CreateUserRequest { email: email.to_owned(), role: role.to_owned() };
        let about = about(email);
        let ask = Ask::once("/management.ManagementService/CreateUser", &about);
        let answer = self.ask(call, ask, message, |mut s, r| async move { s.create_user(r).await }).await?;
        named(answer.user_id, &about)
    }

    /// Creates a user that did not exist before, and returns its ID. If the response leaves open whether the call took
    /// effect, the user is looked up before a retry.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](crate::omni::ErrorKind::AlreadyExists) when a user with this address exists;
    /// otherwise when the server refuses or does not respond. [`Error::may_have_happened`] says whether the user may
    /// exist now.
    pub async fn make_user(&self, call: &Call, email: &str, role: &str) -> Result<String, Error> {
        let what = format!("the answer to CreateUser of {}", about(email));
        self.at_most_once(call, &what, &NewUser { client: self, call, email, role }).await.map(|(id, _)| id)
    }

    /// All users, without service accounts.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn users(&self, call: &Call) -> Result<Vec<User>, Error> {
        let ask = Ask::again("/management.ManagementService/ListUsers", "the users");
        let answer = self.ask(call, ask, (), |mut s, r| async move { s.list_users(r).await }).await?;
        Ok(answer.users)
    }

    /// The user that `fits` takes; a call in a sweep may be answered from the list of another one.
    /// That there is none is never concluded from such a list.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn find_user<F>(&self, call: &Call, fits: F) -> Result<Option<User>, Error>
    where
        F: Fn(&User) -> bool + Send + Sync,
    {
        let (users, is_own) = self.swept_users(call).await?;
        match users.iter().find(|user| fits(user)) {
            Some(user) => Ok(Some(user.clone())),
            None if is_own => Ok(None),
            None => Ok(self.users(call).await?.into_iter().find(fits)),
        }
    }

    /// Changes the role of a user.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn update_user(&self, call: &Call, email: &str, role: &str) -> Result<(), Error> {
        let message = pb::UpdateUserRequest { email: email.to_owned(), role: role.to_owned() };
        let about = about(email);
        let ask = Ask::again("/management.ManagementService/UpdateUser", &about);
        self.ask(call, ask, message, |mut s, r| async move { s.update_user(r).await }).await
    }

    /// Destroys a user with all keys.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::omni::ErrorKind::NotFound) when there is none, as after an earlier attempt whose answer
    /// got lost; otherwise when the server refuses or does not respond.
    pub async fn destroy_user(&self, call: &Call, email: &str) -> Result<(), Error> {
        let message = pb::DestroyUserRequest { email: email.to_owned() };
        let about = about(email);
        let ask = Ask::again("/management.ManagementService/DestroyUser", &about);
        self.ask(call, ask, message, |mut s, r| async move { s.destroy_user(r).await }).await
    }
}

/// The create of a user that did not exist before.
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

    /// Unlike the list of users, this reflects every write.
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
