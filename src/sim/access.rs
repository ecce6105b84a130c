//! Who calls, and what that role may do with a type.
//! It knows neither signatures nor stored objects.

use super::kinds::{self, Gate, Kind, NOTHING, Role};
use tonic::Status;

/// Who made a call, as its signature proved; found in the extensions of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its identity: `ci@serviceaccount.omni.sidero.dev`.
    pub identity: String,
    /// The id of its user.
    pub user: String,
    /// What it may do: the lesser of what its user and its key may.
    pub role: Role,
}

impl Caller {
    /// Who made this request.
    ///
    /// # Errors
    /// When the method lets unsigned calls through, and this call is one.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Self, Status> {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Status::unauthenticated("unauthenticated: missing valid signature"))
    }

    /// Whether the caller has at least this role.
    ///
    /// # Errors
    /// When it has less.
    pub fn needs(&self, role: Role) -> Result<(), Status> {
        if self.role >= role {
            return Ok(());
        }
        let text = format!("unauthorized: access denied: insufficient role: {:?}", self.role.name());
        Err(Status::permission_denied(text))
    }

    /// Whether the caller has one of exactly these roles, however high its own is.
    ///
    /// # Errors
    /// When it has another.
    pub fn needs_one_of(&self, roles: &[Role]) -> Result<(), Status> {
        if roles.contains(&self.role) {
            return Ok(());
        }
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let (own, allowed) = (self.role.name(), names.join(" "));
        let text = format!("unauthorized: role {own:?} is not one of the allowed roles [{allowed}]");
        Err(Status::permission_denied(text))
    }
}

/// The role of a user with a key of a certain role.
#[must_use]
pub fn effective(user: Role, key: Role) -> Role {
    match user.min(key) {
        // The audit log is open to Auditors and Admins only, so a key alone does not open it.
        Role::Auditor if user != key && user.max(key) != Role::Admin => Role::Reader,
        role => role,
    }
}

/// What a caller wants with a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To get, list or watch.
    Read,
    /// To create.
    Create,
    /// To update.
    Update,
    /// To tear down or destroy.
    Destroy,
}

/// Whether the caller may do this with objects of the type.
///
/// # Errors
/// When it may not; types that are not known are closed to everybody.
pub fn check(caller: &Caller, kind: &str, wish: Wish) -> Result<(), Status> {
    let gate = kinds::find(kind).map_or(Gate::Closed(NOTHING), |kind| gate(kind, wish));
    match gate {
        Gate::From(role) => caller.needs(role),
        Gate::Closed(why) => Err(Status::permission_denied(why)),
    }
}

fn gate(kind: &Kind, wish: Wish) -> Gate {
    match wish {
        Wish::Read => kind.read,
        Wish::Create => kind.create,
        Wish::Update => kind.update,
        Wish::Destroy => kind.destroy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(role: Role) -> Caller {
        Caller { identity: "a@serviceaccount.omni.sidero.dev".into(), user: "u".into(), role }
    }

    #[test]
    fn roles_open_types() {
        use Wish::{Create, Destroy, Read, Update};
        let short = |role: &str| Err(format!("unauthorized: access denied: insufficient role: {role:?}"));
        let closed = |why: &str| Err(why.to_owned());
        for (kind, wish, role, expected) in [
            ("Clusters.omni.sidero.dev", Read, Role::Reader, Ok(())),
            ("Clusters.omni.sidero.dev", Create, Role::Reader, short("Reader")),
            ("Clusters.omni.sidero.dev", Create, Role::Operator, Ok(())),
            ("Clusters.omni.sidero.dev", Read, Role::InfraProvider, short("InfraProvider")),
            ("Machines.omni.sidero.dev", Read, Role::InfraProvider, Ok(())),
            ("TalosVersions.omni.sidero.dev", Read, Role::None, Ok(())),
            ("Users.omni.sidero.dev", Read, Role::Operator, short("Operator")),
            ("AccessPolicies.omni.sidero.dev", Read, Role::Operator, short("Operator")),
            ("ClusterStatuses.omni.sidero.dev", Create, Role::Admin, closed("only read access is permitted")),
            ("ClusterSecrets.omni.sidero.dev", Read, Role::Admin, closed("no access is permitted")),
            ("PublicKeys.omni.sidero.dev", Read, Role::Admin, closed("no access is permitted")),
            ("Nothings.omni.sidero.dev", Read, Role::Admin, closed("no access is permitted")),
            ("Links.omni.sidero.dev", Create, Role::Admin, closed("only read, update and delete access is permitted")),
            ("Links.omni.sidero.dev", Destroy, Role::Operator, Ok(())),
            ("JoinTokens.omni.sidero.dev", Update, Role::Operator, Ok(())),
            (
                "JoinTokens.omni.sidero.dev",
                Create,
                Role::Admin,
                closed(
                    "only read, update and destroy access is permitted, create should be done via the management.CreateJoinToken API call",
                ),
            ),
            (
                "Users.omni.sidero.dev",
                Create,
                Role::Admin,
                closed(
                    "only read access is permitted on resource Users.omni.sidero.dev, mutations should be done via ManagementService API calls",
                ),
            ),
        ] {
            let result = check(&caller(role), kind, wish).map_err(|status| status.message().to_owned());
            assert_eq!(result, expected, "{kind} {wish:?} {role:?}");
        }
    }

    #[test]
    fn the_lesser_role_counts() {
        for (user, key, expected) in [
            (Role::Admin, Role::Reader, Role::Reader),
            (Role::Reader, Role::Admin, Role::Reader),
            (Role::Admin, Role::Admin, Role::Admin),
            (Role::Auditor, Role::Operator, Role::Reader),
            (Role::Operator, Role::Auditor, Role::Reader),
            (Role::Auditor, Role::Auditor, Role::Auditor),
            (Role::Admin, Role::Auditor, Role::Auditor),
        ] {
            assert_eq!(effective(user, key), expected, "{user:?} {key:?}");
        }
    }
}
