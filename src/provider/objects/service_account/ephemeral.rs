//! `omni_service_account_key`: a key for other providers and programs that is stored nowhere.
//! What is created on open is removed on close, or if the open fails; what cannot be removed is reported.

use super::account_key;
use crate::omni::auth::generate;
use crate::omni::auth::generate::{GeneratedKey, identity};
use crate::omni::auth::{date, generate as generate_key};
use crate::omni::spec::Spec;
use crate::omni::{AccountRole, Call, Client, Error, ErrorKind, NewKey};
use crate::provider::check::is_account_name;
use crate::provider::duration;
use crate::provider::errors::{Operation, detail};
use crate::provider::session::{Handle, Session, at};
use crate::tf::check::{Check, Rule, not_empty, one_of};
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::done::Done;
use crate::tf::ephemeral::{Ephemeral, Opened};
use crate::tf::resource::{Context, Private};
use crate::tf::schema::{Schema, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::secret::ExposeSecret;
use omni_proto::specs::IdentitySpec;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub(super) struct ServiceAccountKey {
    schema: Schema,
    handle: Handle,
}

impl ServiceAccountKey {
    pub(super) fn ephemeral(handle: &Handle) -> Arc<dyn Ephemeral> {
        Arc::new(Self { schema: schema(), handle: handle.clone() })
    }
}

/// What the names of accounts begin with where the configuration does not say.
const PREFIX: &str = "terraform-";
/// How long a key lives that goes together with its account: longer than a run, since it cannot be made to last longer.
const OWN_TTL: &str = "4h";
/// How long a key lives that nothing but time takes away.
const ADDED_TTL: &str = "1h";
/// How long Omni may take to accept what a new key signs.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(60);
/// The same where nobody knows whether Omni got the key at all.
const UNCERTAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long taking back may take: the host waits for it, also after Ctrl-C.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(30);
/// Under which name the account that was made is kept for the closing.
const MADE: &str = "account";

fn schema() -> Schema {
    Schema::new(
        "Creates a service account key for the duration of a run, never written to state or plan, for provider blocks and write-only attributes. \
         Every plan and every apply creates a new key. \
         By default it belongs to a temporary service account, which is removed at the end of the plan or apply. \
         With `service_account` it is an additional key of an existing account: \
         Omni cannot revoke a single key, so it stays valid until its `ttl` has passed.\n\n\
         Requires the role `Admin`, and a provider without `read_only`. \
         The temporary account is also removed after a failed apply, after Ctrl-C, and if Terraform is killed. \
         If it remains nevertheless, because Omni was unreachable or the computer crashed, remove it with `omnictl serviceaccount destroy NAME`.",
    )
    .with(string("name").optional_computed().check(is_account_name()).doc(
        "Name of the temporary service account: a valid lower-case e-mail local part. \
         Only one run at a time can use a fixed name. Defaults to `name_prefix` and twelve random hexadecimal digits.",
    ))
    .with(string("name_prefix").check(is_account_name()).doc(
        "Prefix of the name of the temporary service account. Defaults to `terraform-`.",
    ))
    .with(string("role").optional_computed().check(one_of(&["Reader", "Auditor", "Operator", "Admin"])).doc(
        "Role of the temporary service account: `Reader`, `Auditor` (Omni 1.10 or later), `Operator` or `Admin`. Defaults to `Operator`. \
         With `service_account`, the role of that account.",
    ))
    .with(string("service_account").check(not_empty()).check(is_existing()).doc(
        "Name or full identity of an existing service account to create an additional key for. \
         If the same configuration creates the account, refer to the `id` of its `omni_service_account`, \
         so that the key is created after it.",
    ))
    .with(string("ttl").optional_computed().check(account_key::lifetime()).doc(
        "Lifetime of the key, as a Go duration from `1s` to `8760h`. It cannot be extended, so it must be longer than the run. \
         Defaults to `4h`, or with `service_account` to `1h`.",
    ))
    .with(string("key").computed().sensitive().doc(
        "Private key, in the format of `OMNI_SERVICE_ACCOUNT_KEY` and `service_account_key` of the provider block.",
    ))
    .with(string("public_key_id").computed().doc("ID of the key: its OpenPGP fingerprint, 40 lower-case hexadecimal digits."))
    .with(string("identity").computed().doc("Full identity of the service account, as shown in audit logs."))
    .with(string("expiration").computed().doc("Expiration of the key, in RFC 3339."))
    .rule(Rule::AtMostOne(&["name", "name_prefix", "service_account"]))
    .rule(Rule::AtMostOne(&["role", "service_account"]))
}

/// Omni's own identities have an end that says what they are.
fn is_existing() -> Check {
    Check::text(|text| match text.contains('@') && generate::name(text).is_none() {
        true => Err(format!(
            "`{text}` is not a service account: write its name, such as `ci`, or the `id` of an `omni_service_account`."
        )),
        false => Ok(()),
    })
}

/// Whose key it is to be.
enum Account {
    /// That of an account to be made. `chosen` is whether the configuration names it, so that somebody else's may have the name.
    New { role: String, chosen: bool },
    /// That of an account that is there.
    Existing,
}

/// One opening: who does it, and the key that it is about.
struct Opening<'a> {
    session: &'a Session,
    call: Call,
    name: String,
    key: GeneratedKey,
    /// The client that signs with the key.
    bearer: Client,
    expires: Duration,
}

#[async_trait]
impl Described for ServiceAccountKey {
    fn type_name(&self) -> &'static str {
        "omni_service_account_key"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl Ephemeral for ServiceAccountKey {
    async fn open(&self, context: &Context, mut config: Value) -> Result<Done<Opened>, Diagnostics> {
        let session = self.handle.session()?;
        let text = |name: &str| config.get(name).as_str().map(str::to_owned);
        let (name, account) = match text("service_account") {
            Some(known) => (generate::name(&known).unwrap_or(known), Account::Existing),
            None => {
                let role = text("role").unwrap_or_else(|| "Operator".to_owned());
                let chosen = text("name");
                let account = Account::New { role, chosen: chosen.is_some() };
                (chosen.unwrap_or_else(|| unique(&text("name_prefix").unwrap_or_else(|| PREFIX.to_owned()))), account)
            }
        };
        let ttl = text("ttl").unwrap_or_else(|| account.ttl().to_owned());
        session.may_write("create", &format!("service account key of `{name}`"))?;
        let call = Call::within(session.timeouts.create, &context.cancel);
        let opening = Opening::new(&session, call, name, &ttl)?;
        let role = match &account {
            Account::New { role, chosen } => opening.make(role, *chosen).await?,
            Account::Existing => opening.add().await?,
        };

        config.set("key", opening.key.exported.expose_secret().into());
        config.set("public_key_id", opening.key.fingerprint.into());
        config.set("identity", identity(&opening.name).into());
        config.set("expiration", date(opening.expires).into());
        config.set("role", role.into());
        config.set("ttl", ttl.into());
        config.set("name", opening.name.as_str().into());
        let mut opened = Opened::new(config);
        if matches!(account, Account::New { .. }) {
            opened.private.set(MADE, opening.name);
        }
        Ok(opened.into())
    }

    async fn close(&self, _context: &Context, private: Private) -> Result<Done<()>, Diagnostics> {
        // A key that was added to an account cannot be taken back.
        let Some(name) = private.get::<String>(MADE) else { return Ok(().into()) };
        let session = self.handle.session()?;
        remove(&session.client, &name).await.map(Done::from).map_err(|error| left_behind(&name, &error).into())
    }
}

impl Account {
    fn ttl(&self) -> &'static str {
        match self {
            Self::New { .. } => OWN_TTL,
            Self::Existing => ADDED_TTL,
        }
    }
}

impl<'a> Opening<'a> {
    fn new(session: &'a Session, call: Call, name: String, ttl: &str) -> Result<Self, Diagnostics> {
        let now = Duration::from_secs(session.client.now().as_secs());
        let ttl = duration::of(ttl).unwrap_or_default();
        let failed = |error: &(dyn std::error::Error + 'static)| {
            Diagnostics::from(Diagnostic::from_error(
                format!("Could not create a key of service account `{name}`"),
                error,
            ))
        };
        let key = generate_key(&name, ttl, now).map_err(|error| failed(&error))?;
        let bearer = session.client.with_key(&key.exported).map_err(|error| failed(&error))?;
        Ok(Self { session, call, key, bearer, expires: now + Duration::from_secs(ttl.as_secs()), name })
    }

    fn new_key(&self) -> NewKey<'_> {
        NewKey {
            fingerprint: &self.key.fingerprint,
            armored_public: &self.key.armored_public,
            bearer: Some(&self.bearer),
        }
    }

    /// Makes an account with the key, and gives its role.
    async fn make(&self, role: &str, chosen: bool) -> Result<String, Diagnostics> {
        let operation = Operation { verb: "create", noun: "service account", id: &self.name, id_attribute: "name" };
        let role_sent = AccountRole::Named(role.to_owned());
        let client = &self.session.client;
        let sent = client.register_key(&self.call, &self.name, Some(&role_sent), &self.new_key()).await;
        let (error, made) = match sent {
            Ok(_) => match self.accepted(ACCEPT_TIMEOUT).await {
                Ok(_) => return Ok(role.to_owned()),
                Err(error) => (error, Made::Certainly),
            },
            Err(error) if !error.may_have_happened() => (error, Made::No),
            // Only this key's owner can sign with it, so if that works, the account is there and is ours.
            Err(error) => match self.accepted(UNCERTAIN_TIMEOUT).await {
                Ok(_) => return Ok(role.to_owned()),
                // Nobody else has a name that was made up for this run.
                Err(_) => (error, if chosen { Made::Perhaps } else { Made::Certainly }),
            },
        };
        let mut diags = Diagnostics::from(match error.kind() {
            ErrorKind::AlreadyExists => taken(&self.name),
            _ => operation.explain_unstored(&error),
        });
        diags.extend(self.take_back(made).await);
        Err(diags)
    }

    /// Removes the account of a key that is of no use after all, also when the host has asked to stop.
    async fn take_back(&self, made: Made) -> Diagnostics {
        let whose = match made {
            Made::No => return Diagnostics::new(),
            Made::Certainly => Ok(Whose::Ours),
            Made::Perhaps => self.whose().await,
        };
        let left = match whose {
            Ok(Whose::Ours) => {
                remove(&self.session.client, &self.name).await.err().map(|error| left_behind(&self.name, &error))
            }
            Ok(Whose::NotOurs) => None,
            Ok(Whose::Nobodys) => Some(unclear(&self.name)),
            Err(error) => Some(left_behind(&self.name, &error)),
        };
        left.into_iter().collect()
    }

    /// Whose the account of this name is: its keys tell.
    async fn whose(&self) -> Result<Whose, Error> {
        let call = Call::within(REVOKE_TIMEOUT, &CancellationToken::new());
        let client = &self.session.client;
        let all = client.service_accounts(&call).await?;
        match all.iter().find(|account| account.name == self.name) {
            Some(account) if account.pgp_public_keys.iter().any(|key| key.id == self.key.fingerprint) => {
                Ok(Whose::Ours)
            }
            Some(_) => Ok(Whose::NotOurs),
            // The list is late; this is not, but it names no keys.
            None => match client.get(&call, &IdentitySpec::KIND.key(identity(&self.name))).await {
                Ok(_) => Ok(Whose::Nobodys),
                Err(error) if error.is(ErrorKind::NotFound) => Ok(Whose::NotOurs),
                Err(error) => Err(error),
            },
        }
    }

    /// Adds the key to an account that is there, and gives its role.
    async fn add(&self) -> Result<String, Diagnostics> {
        let operation = Operation {
            verb: "add a key to",
            noun: "service account",
            id: &self.name,
            id_attribute: "service_account",
        };
        let client = &self.session.client;
        // Omni itself answers for an account that does not exist in words only.
        match client.get(&self.call, &IdentitySpec::KIND.key(identity(&self.name))).await {
            Ok(_) => {}
            Err(error) if error.is(ErrorKind::NotFound) => return Err(missing(&self.name).into()),
            Err(error) => return Err(operation.explain_unstored(&error).into()),
        }
        let error = match client.register_key(&self.call, &self.name, None, &self.new_key()).await {
            Ok(_) => match self.accepted(ACCEPT_TIMEOUT).await {
                Ok(role) => return Ok(role),
                Err(error) => error,
            },
            Err(error) if !error.may_have_happened() => return Err(operation.explain_unstored(&error).into()),
            Err(error) => match self.accepted(UNCERTAIN_TIMEOUT).await {
                Ok(role) => return Ok(role),
                Err(_) => error,
            },
        };
        let mut diagnostic = operation.explain_unstored(&error);
        diagnostic.detail.push_str(&format!(
            "\nThe account may have an additional key, {}. Its private key is discarded; Omni cannot revoke it, and it expires at {}.",
            self.key.fingerprint,
            date(self.expires)
        ));
        Err(diagnostic.into())
    }

    /// Waits until Omni accepts what the key signs, and gives the role that it has.
    async fn accepted(&self, limit: Duration) -> Result<String, Error> {
        let call = Call::within(limit.min(self.call.remaining()), &self.call.cancel);
        Ok(self.bearer.until_accepted(&call).await?.role)
    }
}

/// Whether an account was made that has to be taken back.
enum Made {
    No,
    Certainly,
    /// There may also be another one of the same name.
    Perhaps,
}

/// Whose an account is that goes by the name of the one that was to be made.
enum Whose {
    Ours,
    /// Somebody else's, or there is none.
    NotOurs,
    /// There is one, and Omni lists no keys for it yet.
    Nobodys,
}

fn unique(prefix: &str) -> String {
    let digits = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}{}", digits.get(..12).unwrap_or(&digits))
}

/// Removes the account; it has a limit of its own, since it also happens after Ctrl-C.
async fn remove(client: &Client, name: &str) -> Result<(), Error> {
    let call = Call::within(REVOKE_TIMEOUT, &CancellationToken::new());
    match client.destroy_service_account(&call, name).await {
        Err(error) if error.is(ErrorKind::NotFound) => Ok(()),
        other => other,
    }
}

fn left_behind(name: &str, error: &Error) -> Diagnostic {
    Diagnostic::error(
        format!("Service account `{name}` may still exist"),
        format!("It was created for this run only, and could not be removed.\n{}", detail(error)),
    )
    .hint(format!("Remove it with `omnictl serviceaccount destroy {name}`."))
}

fn unclear(name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Service account `{name}` may still exist"),
        "A service account with this name exists now. It may have been created by this run, or at the same time by another one, so it is not changed.",
    )
    .hint(format!("If nobody else uses it, remove it with `omnictl serviceaccount destroy {name}`."))
}

fn taken(name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Could not create service account `{name}`"),
        "A service account with this name exists already, and is not changed.",
    )
    .hint(format!(
        "Another run may be using it. If a run was killed before it could remove it, use `omnictl serviceaccount destroy {name}`. \
         Use `name_prefix` for a different name in each run, or `service_account` for a key of this account."
    ))
    .at(at("name"))
}

fn missing(name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Service account `{name}` does not exist"),
        "Omni has no service account of this name to add a key to.",
    )
    .hint(
        "Check the name. If the same apply creates the account, refer to the `id` of the `omni_service_account` instead of its name, so that it is created first.",
    )
    .at(at("service_account"))
}
