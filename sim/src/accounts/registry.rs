//! Administration of users and service accounts, with the order of steps and the messages of Omni.
//! A call that fails midway leaves behind what it has created.

use super::name::{AccountName, PROVIDER_PREFIX};
use super::objects::{self, Owner};
use super::public_key::PublicKey;
use super::{
    IDENTITY, IDENTITY_LAST_ACTIVE, IDENTITY_STATUS, IS_SERVICE_ACCOUNT, KEY_PRUNER, LIFETIME, PUBLIC_KEY,
    PUBLIC_KEY_LAST_ACTIVE, SERVICE_ACCOUNT_STATUS, USER, USER_ID,
};
use crate::catalogue::Feature;
use crate::kinds::{self, Role};
use crate::object::{Key, Object};
use crate::rules::{self, Change};
use crate::store::{Store, StoreError, Verb};
use crate::violations;
use omni_proto::specs;
use prost::Message;
use std::sync::Arc;
use tonic::Status;

/// How many people and accounts there may be; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many people.
    pub users: usize,
    /// How many service accounts.
    pub service_accounts: usize,
}

/// The people and accounts of one server.
pub struct Registry<'a> {
    store: &'a Store,
    limits: Limits,
}

impl<'a> Registry<'a> {
    /// The people and accounts in this store.
    #[must_use]
    pub fn new(store: &'a Store, limits: Limits) -> Self {
        Self { store, limits }
    }

    /// Makes a user, and says its id.
    ///
    /// # Errors
    /// When the role or the address is none, when there is such a user, or when there are enough.
    pub fn create_user(&self, email: &str, role: &str) -> Result<String, Status> {
        let email = email.to_lowercase();
        let role = self.role(role)?;
        if self.identity(&email).is_some() {
            return Err(Status::unknown(format!("user with email {email:?} already exists")));
        }
        let owner = Owner::person(&email, objects::user_id());
        self.create_identity(&owner, false).map_err(|why| {
            let text = format!("failed to create Identity resource {email}: {}", why.message());
            Status::new(why.code(), text)
        })?;
        self.create(owner.user(self.store, role))?;
        self.create_last_active(&owner)?;
        Ok(owner.user)
    }

    /// Gives a user another role.
    ///
    /// # Errors
    /// When the role or the user does not exist.
    pub fn update_user(&self, email: &str, role: &str) -> Result<(), Status> {
        let email = email.to_lowercase();
        let role = self.role(role)?;
        let identity = self.identity(&email).ok_or_else(|| missing(IDENTITY, &email))?;
        let user = user_of(&identity);
        let changed = self.store.modify(&kinds::key(USER, &*user), |object| {
            let spec = specs::UserSpec { role: role.name().to_owned(), ..object.spec() };
            object.spec = spec.encode_to_vec();
        });
        changed.map(drop).ok_or_else(|| missing(USER, &user))
    }

    /// Removes a user, and its keys.
    ///
    /// # Errors
    /// When there is none, or it is a service account.
    pub fn destroy_user(&self, email: &str) -> Result<(), Status> {
        let id = email.to_lowercase();
        let not_found = || Status::not_found(format!("user {email:?} not found"));
        let identity = self.identity(&id).ok_or_else(not_found)?;
        if identity.label(IS_SERVICE_ACCOUNT).is_some() {
            let text = format!("identity {id:?}: identity is a service account, not a user");
            return Err(Status::invalid_argument(text));
        }
        remove(self.store, &id);
        Ok(())
    }

    /// Makes a service account with a key, and says the key's id; without a role it gets that of an administrator.
    ///
    /// # Errors
    /// When name, role and key do not go together, when there is such an account, or when there are enough.
    pub fn create_account(&self, name: &str, role: Option<&str>, armored: &[u8]) -> Result<String, Status> {
        let name = AccountName::parse(name);
        let role = self.role_of(&name, role)?;
        let identity = name.identity();
        if self.identity(&identity).is_some() {
            return Err(Status::already_exists(format!("service account {identity:?} already exists")));
        }
        let key = self.read_key(armored)?;
        let owner = Owner::account(&name, objects::user_id());
        // The key comes first, and stays even if its account is refused.
        self.create(owner.key(self.store, &key, role))?;
        self.create_identity(&owner, true)?;
        self.create(owner.user(self.store, role))?;
        self.create_last_active(&owner)?;
        Ok(key.id)
    }

    /// Gives a service account one more key, and says its id.
    ///
    /// # Errors
    /// When there is no such account, or the key cannot be taken.
    pub fn renew_account(&self, name: &str, armored: &[u8]) -> Result<String, Status> {
        // These errors lose their codes on the way to the caller.
        let raw = |status: Status| Status::unknown(status.message());
        let name = AccountName::parse(name);
        let identity = name.identity();
        let known = self.identity(&identity).ok_or_else(|| raw(missing(IDENTITY, &identity)))?;
        let user = user_of(&known);
        let account = self.store.get(&kinds::key(USER, &*user)).ok_or_else(|| raw(missing(USER, &user)))?;
        let role = Role::parse(&account.spec::<specs::UserSpec>().role).unwrap_or(Role::None);
        let key = self.read_key(armored)?;
        self.create(Owner::account(&name, user).key(self.store, &key, role)).map_err(raw)?;
        Ok(key.id)
    }

    /// Removes a service account, and its keys.
    ///
    /// # Errors
    /// When there is none.
    pub fn destroy_account(&self, name: &str) -> Result<(), Status> {
        let id = AccountName::parse(name).identity();
        let known = self.identity(&id).filter(|identity| identity.label(IS_SERVICE_ACCOUNT).is_some());
        known.ok_or_else(|| Status::not_found(format!("service account {name:?} not found")))?;
        remove(self.store, &id);
        Ok(())
    }

    /// Keeps a person's key until it ends; nobody may use it before it is confirmed.
    /// Whoever is not known here gets no other answer than the rest; without a role the key gets that of its user.
    ///
    /// # Errors
    /// When the role is none.
    pub fn register_key(&self, email: &str, key: &PublicKey, role: Option<&str>) -> Result<(), Status> {
        let email = email.to_lowercase();
        let Some(identity) = self.identity(&email) else { return Ok(()) };
        let user = user_of(&identity);
        let known = self.store.get(&kinds::key(USER, &*user)).map(|user| user.spec::<specs::UserSpec>().role);
        let Some(role) = role.map(str::to_owned).or(known) else { return Ok(()) };
        let role = self
            .role(&role)
            .map_err(|why| Status::unknown(format!("failed to parse role for public key: {}", why.message())))?;
        let object = Owner::person(&email, user).unconfirmed(self.store, key, role);
        match self.store.create(object, KEY_PRUNER) {
            Ok(_) | Err(StoreError::Exists { .. }) => Ok(()),
            Err(error) => Err(error.status(Verb::Create)),
        }
    }

    /// Lets a person's key be used; says whose it is, or nothing when there is no such key.
    pub fn confirm_key(&self, id: &str) -> Option<String> {
        let key = self.store.modify(&kinds::key(PUBLIC_KEY, id), |key| {
            let spec = specs::PublicKeySpec { confirmed: true, ..key.spec() };
            key.spec = spec.encode_to_vec();
        })?;
        Some(whose(&key))
    }

    /// Whose key this is, if there is one.
    #[must_use]
    pub fn owner_of_key(&self, id: &str) -> Option<String> {
        self.store.get(&kinds::key(PUBLIC_KEY, id)).map(|key| whose(&key))
    }

    /// Takes a person's key away.
    ///
    /// # Errors
    /// When there is none, or it is not a person's.
    pub fn revoke_key(&self, id: &str) -> Result<(), Status> {
        let key = kinds::key(PUBLIC_KEY, id);
        self.store.begin_teardown(&key, KEY_PRUNER).map_err(|error| {
            // These errors lose their codes on the way to the caller.
            Status::unknown(error.status(Verb::Update).message())
        })?;
        end(self.store, &key);
        self.store.remove(&kinds::key(PUBLIC_KEY_LAST_ACTIVE, id));
        Ok(())
    }

    fn role(&self, name: &str) -> Result<Role, Status> {
        let known = rules::release(&self.store.view()).role(name);
        known.ok_or_else(|| Status::unknown(format!("unknown role to parse: {name:?}")))
    }

    fn role_of(&self, name: &AccountName, role: Option<&str>) -> Result<Role, Status> {
        let provider = Role::InfraProvider.name();
        let refuse = |text: String| Err(Status::unknown(text));
        let Some(role) = role else {
            return match name.is_provider {
                true => refuse(format!(
                    "infra provider service accounts must have the role {provider:?}, but use-user-role was requested"
                )),
                // Not that of the caller, who is an administrator anyway.
                false => Ok(Role::Admin),
            };
        };
        match (self.role(role)?, name.is_provider) {
            (Role::InfraProvider, false) => {
                refuse(format!("service accounts with role {provider:?} must be prefixed with {PROVIDER_PREFIX:?}"))
            }
            (Role::InfraProvider, true) => Ok(Role::InfraProvider),
            (_, true) => refuse(format!("infra-provider service accounts must have the role {provider:?}")),
            (role, false) => Ok(role),
        }
    }

    fn identity(&self, id: &str) -> Option<Arc<Object>> {
        self.store.get(&kinds::key(IDENTITY, id))
    }

    fn read_key(&self, armored: &[u8]) -> Result<PublicKey, Status> {
        PublicKey::read(armored, self.store.time(), LIFETIME).map_err(|problem| Status::unknown(problem.to_string()))
    }

    fn create_identity(&self, owner: &Owner, is_account: bool) -> Result<(), Status> {
        let identity = owner.identity(self.store);
        let view = self.store.view();
        let mut problems = rules::problems(&view, Change::Create(&identity));
        let (limit, whom) = match is_account {
            true => (self.limits.service_accounts, "service accounts"),
            false => (self.limits.users, "users"),
        };
        let identities = self.store.list(IDENTITY);
        let like = identities.iter().filter(|other| other.label(IS_SERVICE_ACCOUNT).is_some() == is_account);
        if limit > 0 && rules::release(&view).has(Feature::AccountLimits) && like.count() >= limit {
            problems.push(format!("maximum number of {whom} ({limit}) reached"));
        }
        violations::unless_clean(Ok(()), problems)?;
        self.create(identity)
    }

    fn create_last_active(&self, owner: &Owner) -> Result<(), Status> {
        owner.last_active(self.store).map_or(Ok(()), |object| self.create(object))
    }

    fn create(&self, object: Object) -> Result<(), Status> {
        self.store.create(object, "").map(drop).map_err(|error| error.status(Verb::Create))
    }
}

/// Takes a person or an account away: keys, identity and user, in this order, and what controllers have made of them.
pub fn remove(store: &Store, identity: &str) {
    let Some(identity) = store.get(&kinds::key(IDENTITY, identity)) else { return };
    let user = user_of(&identity);
    for key in store.list(PUBLIC_KEY).iter().filter(|key| key.label(USER_ID) == Some(&user)) {
        end(store, &key.key);
        store.remove(&kinds::key(PUBLIC_KEY_LAST_ACTIVE, &*key.key.id));
    }
    end(store, &identity.key);
    for kind in [IDENTITY_STATUS, SERVICE_ACCOUNT_STATUS, IDENTITY_LAST_ACTIVE] {
        store.remove(&kinds::key(kind, &*identity.key.id));
    }
    end(store, &kinds::key(USER, user));
}

/// Takes an object through its whole end at once: the caller waits for no controller.
fn end(store: &Store, key: &Key) {
    let Some(object) = store.teardown(key) else { return };
    for name in &object.finalizers {
        store.remove_finalizer(key, name);
    }
    store.remove(key);
}

fn whose(key: &Object) -> String {
    key.spec::<specs::PublicKeySpec>().identity.unwrap_or_default().email
}

fn user_of(identity: &Object) -> String {
    identity.spec::<specs::IdentitySpec>().user_id
}

fn missing(kind: &str, id: &str) -> Status {
    StoreError::missing(&kinds::key(kind, id), false)
}
