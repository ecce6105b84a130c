//! Access control: the role of a caller, and what it may do with a type and its objects.
//! It knows no signatures; it only reads policies, identities and infrastructure providers.

pub mod provider;

use super::access_policy;
use super::kinds::{self, AccessRule, Role, Tie};
use super::names::{kind, label};
use super::object::{Key, Object, Reader};
use super::release::Release;
use omni_proto::cosi::resource::label_term::Operation;
use omni_proto::cosi::resource::{LabelQuery, LabelTerm};
use omni_proto::specs::AccessPolicySpec;
use tonic::Status;

pub use super::kinds::AccessVerb;

/// The end of the identities of providers of machines.
const PROVIDER_DOMAIN: &str = "@infra-provider.serviceaccount.omni.sidero.dev";

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
        request.extensions().get::<Self>().cloned().ok_or_else(unsigned)
    }

    /// Somebody who did not sign.
    #[must_use]
    pub fn stranger() -> Self {
        Self { identity: String::new(), user: String::new(), role: Role::None }
    }

    /// Whether it did not sign.
    #[must_use]
    pub fn is_stranger(&self) -> bool {
        self.identity.is_empty()
    }

    /// Whether the caller has at least this role.
    ///
    /// # Errors
    /// When it has less, or did not sign.
    pub fn needs(&self, role: Role) -> Result<(), Status> {
        if self.is_stranger() {
            return Err(unsigned());
        }
        if self.role >= role {
            return Ok(());
        }
        let text = format!("unauthorized: access denied: insufficient role: {:?}", self.role.name());
        Err(Status::permission_denied(text))
    }

    /// Whether the caller has one of these roles, however high its own is.
    ///
    /// # Errors
    /// When it has another.
    pub fn needs_one_of(&self, roles: &[Role]) -> Result<(), Status> {
        if roles.contains(&self.role) {
            return Ok(());
        }
        let names = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" ");
        let text = format!("unauthorized: role {:?} is not one of the allowed roles [{names}]", self.role.name());
        Err(Status::permission_denied(text))
    }

    /// The provider of machines that it is, if it is one.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.identity.strip_suffix(PROVIDER_DOMAIN)
    }
}

fn unsigned() -> Status {
    Status::unauthenticated("unauthenticated: missing valid signature")
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

/// Why a call is refused.
#[derive(Clone, Debug)]
pub enum Denied {
    /// One of the problems that are gathered before anything is done.
    Gathered(Status),
    /// The answer, once there were no other problems.
    Alone(Status),
}

/// Lets a caller do things, or does not.
#[derive(Clone, Copy)]
pub struct AccessContext<'a> {
    /// Where policies, identities and providers stand.
    pub view: &'a (dyn Reader + Sync),
    /// Who calls.
    pub caller: &'a Caller,
    /// Which release the server is.
    pub release: Release,
}

impl<'a> AccessContext<'a> {
    /// Whether the caller may get this object, if it is there.
    ///
    /// # Errors
    /// When it may not.
    pub fn get(&self, key: &Key, object: Option<&Object>) -> Result<(), Denied> {
        self.check(AccessVerb::Read, key, object, None, self.cluster_of(key, object))
    }

    /// Whether the caller may watch what has this key.
    ///
    /// # Errors
    /// When it may not.
    pub fn watch(&self, key: &Key, object: Option<&Object>) -> Result<(), Denied> {
        // Labels do not count here: the object need not be there yet.
        self.check(AccessVerb::Read, key, object, None, self.cluster_of(key, None))
    }

    /// Whether the caller may list or watch objects of a type, as far as these questions go.
    ///
    /// # Errors
    /// When it may not.
    pub fn list(&self, kind: &str, namespace: &str, queries: &[LabelQuery]) -> Result<(), Denied> {
        let key = Key { namespace: namespace.to_owned(), kind: kind.to_owned(), id: String::new() };
        let tied = kinds::find(kind).is_some_and(|kind| kind.tie(self.release) != Tie::None);
        let ask = |terms: &[LabelTerm]| match (tied, cluster_asked_for(terms)) {
            (false, _) => self.check(AccessVerb::Read, &key, None, None, None),
            (true, Some(cluster)) => self.check(AccessVerb::Read, &key, None, None, Some(Scope::One(cluster))),
            (true, None) => self.check(AccessVerb::Read, &key, None, None, Some(Scope::All)),
        };
        match queries {
            [] => ask(&[]),
            queries => queries.iter().try_for_each(|query| ask(&query.terms)),
        }
    }

    /// Whether the caller may create this.
    ///
    /// # Errors
    /// When it may not.
    pub fn create(&self, new: &Object) -> Result<(), Denied> {
        self.check(AccessVerb::Create, &new.key, None, Some(new), self.cluster_of(&new.key, Some(new)))
    }

    /// Whether the caller may make the old object, if it is there, into the new one.
    ///
    /// # Errors
    /// When it may not.
    pub fn update(&self, old: Option<&Object>, new: &Object) -> Result<(), Denied> {
        let to = self.cluster_of(&new.key, Some(new));
        if let Some(old) = old {
            let from = self.cluster_of(&old.key, Some(old));
            self.check(AccessVerb::Update, &old.key, Some(old), Some(new), from)?;
            if from.is_some() && from == to {
                return Ok(());
            }
        }
        self.check(AccessVerb::Update, &new.key, old, Some(new), to)
    }

    /// Whether the caller may tear down or destroy what has this key.
    ///
    /// # Errors
    /// When it may not.
    pub fn destroy(&self, key: &Key, object: Option<&Object>) -> Result<(), Denied> {
        self.check(AccessVerb::Destroy, key, object, None, self.cluster_of(key, object))
    }

    /// The provider of machines whose objects are the only ones that the caller sees and writes here.
    #[must_use]
    pub fn limit(&self, kind: &str, namespace: &str) -> Option<&'a str> {
        provider::limit(self.caller, namespace, kind)
    }

    /// What the caller may do on this cluster: what it may do anyway, or what the access policy adds.
    #[must_use]
    pub fn role_on(&self, cluster: &str) -> Role {
        self.raised(Scope::One(cluster))
    }

    fn check(
        &self,
        verb: AccessVerb,
        key: &Key,
        old: Option<&Object>,
        new: Option<&Object>,
        scope: Option<Scope<'_>>,
    ) -> Result<(), Denied> {
        if provider::concerns(&key.namespace, &key.kind) {
            return provider::check(self, verb, key, old, new).map_err(Denied::Alone);
        }
        let rule = self.access_rule(&key.kind, verb);
        // Whoever may anyway need not be looked up in the policy.
        let enough = rule.floor.is_none_or(|floor| self.caller.role >= floor);
        let raised = if enough { None } else { scope.map(|scope| self.raised(scope)) };
        let caller = Caller { role: raised.unwrap_or(self.caller.role), ..self.caller.clone() };
        pass(&caller, rule, &key.kind).and_then(|()| self.of_another(verb, key)).map_err(Denied::Gathered)
    }

    /// Nobody may change or destroy the identity and the user of their own. Newer servers let nobody do so by these
    /// calls at all, which the rules of access say before.
    fn of_another(&self, verb: AccessVerb, key: &Key) -> Result<(), Status> {
        let own = match key.kind.as_str() {
            kind::IDENTITY => &self.caller.identity,
            kind::USER => &self.caller.user,
            _ => return Ok(()),
        };
        if ![AccessVerb::Update, AccessVerb::Destroy].contains(&verb) || *own != key.id {
            return Ok(());
        }
        let text = format!("destroying/updating resource {} is not allowed by the current user", key.id);
        Err(Status::permission_denied(text))
    }

    /// Who may do this with a type.
    fn access_rule(&self, kind: &str, verb: AccessVerb) -> AccessRule {
        let kind = kinds::find(kind).filter(|kind| kind.is_in(self.release));
        kind.map_or(AccessRule::HIDDEN, |kind| kind.access_rule(verb, self.release))
    }

    /// The cluster that an object belongs to, as far as policies care.
    fn cluster_of<'k>(&self, key: &'k Key, object: Option<&'k Object>) -> Option<Scope<'k>> {
        let cluster = match kinds::find(&key.kind)?.tie(self.release) {
            Tie::None => None,
            Tie::Id => Some(key.id.as_str()),
            Tie::Label => object?.label(label::CLUSTER),
        };
        cluster.filter(|cluster| !cluster.is_empty()).map(Scope::One)
    }

    fn raised(&self, scope: Scope<'_>) -> Role {
        let own = self.caller.role;
        let policy = self.view.get(kind::ACCESS_POLICY, access_policy::ID);
        let (Some(policy), Some(identity)) = (policy, self.view.get(kind::IDENTITY, &self.caller.identity)) else {
            return own;
        };
        let policy: AccessPolicySpec = policy.spec();
        let identity = access_policy::Identity { name: &identity.key.id, labels: &identity.labels };
        own.max(match scope {
            Scope::One(cluster) => access_policy::on_cluster(&policy, identity, cluster).role,
            Scope::All => access_policy::on_every_cluster(&policy, identity),
        })
    }
}

/// The clusters that a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope<'a> {
    One(&'a str),
    All,
}

/// Whether a rule lets a caller through.
fn pass(caller: &Caller, rule: AccessRule, kind: &str) -> Result<(), Status> {
    if let Some(floor) = rule.floor {
        caller.needs(floor)?;
    }
    match rule.from {
        Some(role) if caller.role >= role => Ok(()),
        _ => Err(Status::permission_denied(rule.why.replace("<type>", kind))),
    }
}

/// The cluster that a question names.
fn cluster_asked_for(terms: &[LabelTerm]) -> Option<&str> {
    let term = terms.iter().find(|term| term.key == label::CLUSTER && term.op == i32::from(Operation::Equal))?;
    term.value.first().map(String::as_str).filter(|cluster| !cluster.is_empty())
}

#[cfg(test)]
mod tests;
