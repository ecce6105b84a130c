//! The key of a service account as resources manage it: made here, renewed in time, and kept in the state only if wanted.
//! The private half is made before anything is sent and is the resource's from then on, so that no lost answer loses it.
//!
//! Omni lists the keys of ordinary service accounts, some time after they are made.
//! It lists neither the accounts of infrastructure providers nor their keys: that such an account exists shows in its
//! identity alone, and its keys are those that were registered from here.

use crate::omni::auth::date;
use crate::omni::auth::generate;
use crate::omni::auth::generate::identity;
use crate::omni::auth::public::{LONGEST, PublicKey};
use crate::omni::spec::Spec;
use omni_proto::specs::{IdentitySpec, ServiceAccountStatusSpec, service_account_status_spec};
use crate::omni::{AccountRole, Call, Error, ErrorKind, NewKey};
use crate::provider::duration;
use crate::provider::engine::{Bind, Cx, Row, model};
use crate::provider::session::at;
use crate::tf::check::Check;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::model::to_value;
use crate::tf::resource::Plan;
use crate::tf::schema::{Attribute, boolean, object_type, plain, string};
use crate::tf::value::{Type, Value};
use kit::go_duration;
use kit::secret::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What steers the provider.
pub(crate) const LOCAL: &[&str] = &["ttl", "renew_trigger", "renew_before", "store_key"];

/// These attributes as rows: none of them is in the object itself.
pub(crate) fn rows(attributes: Vec<Attribute>) -> impl Iterator<Item = Row> {
    attributes.into_iter().map(|attribute| match LOCAL.contains(&attribute.name) {
        true => attribute.local(),
        false => attribute.derived(),
    })
}

/// The attribute with which users bring a key of their own, where a resource has it.
pub(crate) const OWN: &str = "armored_public_key";

/// What comes anew with every key.
const MADE: [&str; 4] = ["public_key_id", "public_key_ids", "expiration", "key"];

const TTL: &str = "8760h";

/// How long the removal of an account may take until its name is free.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(30);

/// The attributes of a resource that has a key.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Keyed {
    ttl: Option<String>,
    renew_trigger: Option<String>,
    renew_before: Option<String>,
    store_key: Option<bool>,
    public_key_id: Option<String>,
    public_key_ids: Option<Vec<String>>,
    expiration: Option<String>,
    key: Option<String>,
}

/// The attributes; resources add them to their own.
pub(crate) fn attributes() -> Vec<Attribute> {
    vec![
        string("ttl").default(TTL).same_if(duration::same).check(lifetime()).doc(
            "Lifetime of the key, as a Go duration from `1s` to `8760h` (365 days). \
             Changing this registers a new key; earlier keys stay valid until they expire. \
             After an import the lifetime of the existing key is unknown, so setting it for the first time registers no key.",
        ),
        string("renew_trigger").document().doc(
            "Arbitrary text; changing it registers a new key. Existing keys stay valid until they expire: Omni cannot revoke a single key.",
        ),
        string("renew_before").check(duration::is_positive()).doc(
            "Time before `expiration` from which a plan renews the key, as a Go duration shorter than `ttl`, such as `720h`. If unset, the key is renewed only when `ttl` or `renew_trigger` changes. No effect while `expiration` is null.",
        ),
        boolean("store_key").default(true).doc(
            "Whether `key` stores the private key in state. With `false` the private key is discarded after its public key is registered; use other keys of the account then, such as those of the ephemeral `omni_service_account_key`. Changing it to `true` takes effect with the next key.",
        ),
        string("public_key_id").computed().stays().doc(
            "ID of the key: its OpenPGP fingerprint, 40 lower-case hexadecimal digits.",
        ),
        plain("public_key_ids", Type::set(Type::String)).computed().stays().doc(
            "IDs of all keys of the account, including earlier and expired ones.",
        ),
        string("expiration").computed().stays().doc("Expiration of the key, in RFC 3339."),
        string("key").computed().stays().sensitive().doc(
            "Private key, in the format of `OMNI_SERVICE_ACCOUNT_KEY`. Null if `store_key` is `false`, and after an import, because Omni does not have it: change `renew_trigger` to register a new key.",
        ),
    ]
}

/// The same for an account whose keys Omni does not list.
pub(crate) fn unlisted_attributes() -> Vec<Attribute> {
    let mut attributes = attributes();
    for attribute in &mut attributes {
        let description = match attribute.name {
            "public_key_id" => {
                "ID of the latest key: its OpenPGP fingerprint, 40 lower-case hexadecimal digits. Null after an import: Omni does not list the keys of these accounts."
            }
            "public_key_ids" => {
                "IDs of the keys that this resource registered since it was created or imported, including expired ones. Empty if the account was removed."
            }
            "expiration" => "Expiration of the key, in RFC 3339. Null after an import.",
            _ => continue,
        };
        attribute.description = description.to_owned();
    }
    attributes
}

/// The text is a lifetime that a key can have.
pub(crate) fn lifetime() -> Check {
    duration::checked(|text, ttl| match ttl.to_std() {
        Some(ttl) if ttl >= Duration::from_secs(1) && ttl <= LONGEST => Ok(()),
        _ => Err(format!("`{text}` is not from `1s` to `8760h` (365 days), which is the maximum.")),
    })
}

/// Checks of the configuration that need no server.
pub(crate) fn validate(config: &Value, diags: &mut Diagnostics) {
    let ttl = match config.get("ttl") {
        Value::Null => given(&TTL.into()),
        text => given(text),
    };
    if let (Some(ttl), Some(before)) = (ttl, given(config.get("renew_before")))
        && before >= ttl
    {
        diags.push(
            Diagnostic::error(
                "Key would be renewed by every plan",
                format!("`renew_before` is {}, but a key is valid for only {}.", written(before), written(ttl)),
            )
            .hint("Make `renew_before` shorter than `ttl`.")
            .at(at("renew_before")),
        );
    }
}

/// Settles in a plan what becomes of the key, as far as that does not depend on the time.
/// `missing` is whether the account itself is gone, and its keys with it.
pub(crate) fn modify_plan(plan: &mut Plan<'_>, missing: bool) {
    if let Some(prior) = plan.prior.filter(|_| plan.replace.is_empty()) {
        let differs = |name| plan.planned.get(name) != prior.get(name);
        // After an import nobody knows how long the key was to live.
        let knows_lifetime = !prior.get("ttl").is_null();
        let other_lifetime = knows_lifetime && differs("ttl");
        let renewed = missing || other_lifetime || differs("renew_trigger") || differs(OWN) || is_lost(prior);
        for name in MADE {
            plan.planned.set(name, if renewed { Value::UNKNOWN } else { prior.get(name).clone() });
        }
        if !renewed && !knows_lifetime && plan.config.get("ttl").is_null() {
            plan.planned.set("ttl", Value::Null);
        }
    }
    if !is_secret_kept(plan) {
        plan.planned.set("key", Value::Null);
    }
}

/// Plans a new key when the one that there is ends soon; `now` is the time since the Unix epoch.
pub(crate) fn plan_existing(plan: &mut Plan<'_>, now: Duration) {
    let Some(prior) = plan.prior.filter(|_| plan.replace.is_empty()) else { return };
    let ends = prior.get("expiration").as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let ends = ends.and_then(|ends| u64::try_from(ends.as_second()).ok()).map(Duration::from_secs);
    let (Some(ends), Some(before)) = (ends, given(plan.planned.get("renew_before"))) else { return };
    if ends > now + before {
        return;
    }
    for name in MADE {
        plan.planned.set(name, Value::UNKNOWN);
    }
    if !is_secret_kept(plan) {
        plan.planned.set("key", Value::Null);
    }
}

/// Whether a new private key would be in the state; where that is not known yet, it may be.
fn is_secret_kept(plan: &Plan<'_>) -> bool {
    plan.planned.get("store_key").as_bool() != Some(false) && plan.config.get(OWN).is_null()
}

/// Whether Omni does not know the key, as after a renewal that did not reach it, or when the account was replaced.
fn is_lost(prior: &Value) -> bool {
    let (id, known) = (prior.get("public_key_id"), prior.get("public_key_ids"));
    !id.is_null() && !known.is_null() && !known.elements().contains(id)
}

/// A key that can be registered.
pub(crate) struct Fresh {
    fingerprint: String,
    armored_public: String,
    /// The private half as programs sign with it; unknown where the user brings the public half.
    private: Option<SecretString>,
}

/// Whether an account exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Presence {
    Exists,
    Missing,
    /// The provider's role does not allow to tell.
    #[default]
    Unknown,
}

impl Keyed {
    /// What a state holds of the key.
    pub(crate) fn of(state: &Value) -> Result<Self, Diagnostic> {
        model(state)
    }

    /// Puts it into a state.
    pub(crate) fn show(&self, state: &mut Value) -> Result<(), Diagnostic> {
        let shown = to_value(self, &object_type(&attributes())).map_err(|error| {
            Diagnostic::from_error("Key does not fit the schema", &error)
                .hint("This is a defect of the provider; please report it.")
        })?;
        for (name, value) in shown.entries().into_iter().flatten() {
            state.set(name, value.clone());
        }
        Ok(())
    }

    /// Whether the plan asks for a new key. A key that is not known has no id either; its account's ids are known then.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.public_key_id.is_none() && self.public_key_ids.is_none()
    }

    /// Whether the private key is kept.
    fn is_stored(&self) -> bool {
        self.store_key != Some(false)
    }

    /// Makes the key that is asked for, or takes the one that the user brings.
    /// The private key is in `self` from then on, if it is to be kept, and nowhere else.
    pub(crate) fn make(&mut self, cx: &Cx, account: &str, own: Option<&str>) -> Result<Fresh, Error> {
        let wrong = |setting, error: &dyn std::error::Error| Error::Config { setting, message: error.to_string() };
        let now = cx.session.clock.now();
        let (fresh, expires) = match own {
            Some(own) => {
                let key = PublicKey::read(own).map_err(|e| wrong(OWN, &e))?;
                (Fresh { fingerprint: key.fingerprint, armored_public: own.to_owned(), private: None }, key.expires)
            }
            None => {
                let ttl = self.ttl.as_deref().unwrap_or(TTL);
                let ttl = given(&ttl.into()).ok_or_else(|| Error::Config {
                    setting: "ttl",
                    message: format!("`{ttl}` is not a valid lifetime of a key"),
                })?;
                let made = generate::generate(account, ttl, now).map_err(|e| wrong("ttl", &e))?;
                if self.is_stored() {
                    self.key = Some(made.exported.expose_secret().to_owned());
                }
                let fresh = Fresh {
                    fingerprint: made.fingerprint,
                    armored_public: made.armored_public,
                    private: Some(made.exported),
                };
                // Keys count whole seconds.
                (fresh, Duration::from_secs(now.as_secs()) + Duration::from_secs(ttl.as_secs()))
            }
        };
        self.public_key_id = Some(fresh.fingerprint.clone());
        self.expiration = Some(date(expires));
        Ok(fresh)
    }

    /// Takes over what Omni lists; `self` is what was known before.
    #[must_use]
    pub(crate) fn with_listed(&self, status: Option<&ServiceAccountStatusSpec>) -> Self {
        let listed = status.map(|status| status.public_keys.as_slice()).unwrap_or_default();
        let mut ids: Vec<_> = listed.iter().map(|key| key.id.clone()).collect();
        ids.sort();
        let id = self.public_key_id.clone().or_else(|| Some(newest(listed)?.id.clone()));
        let ends = listed.iter().find(|key| Some(&key.id) == id.as_ref()).and_then(|key| key.expiration);
        let ends = ends.and_then(|at| u64::try_from(at.seconds).ok()).map(|s| date(Duration::from_secs(s)));
        Self {
            store_key: self.store_key.or(Some(true)),
            expiration: ends.or_else(|| self.expiration.clone()),
            public_key_id: id,
            public_key_ids: Some(ids),
            ..self.clone()
        }
    }

    /// The same where Omni lists no keys: they are those that were registered, as long as the account is there.
    #[must_use]
    pub(crate) fn with_presence(&self, presence: Presence) -> Self {
        let registered = match presence {
            Presence::Missing => Vec::new(),
            // A state of the official provider holds no more than the last one.
            Presence::Exists | Presence::Unknown => {
                self.public_key_ids.clone().unwrap_or_else(|| self.public_key_id.clone().into_iter().collect())
            }
        };
        Self { store_key: self.store_key.or(Some(true)), public_key_ids: Some(registered), ..self.clone() }
    }

    /// Notes which keys are registered where Omni lists none: those of `before`, and this one if that is certain.
    pub(crate) fn note_registered(&mut self, before: Option<&Self>, certain: bool) {
        let mut ids = before.and_then(|before| before.public_key_ids.clone()).unwrap_or_default();
        ids.extend(self.public_key_id.clone().filter(|_| certain));
        ids.sort();
        ids.dedup();
        self.public_key_ids = Some(ids);
    }

    /// Whether the status shows this key.
    pub(crate) fn is_listed(&self, status: &ServiceAccountStatusSpec) -> bool {
        self.public_key_id.as_ref().is_none_or(|id| status.public_keys.iter().any(|key| &key.id == id))
    }
}

/// The key that was made last; servers before 1.7 do not say when, so the one that ends last.
fn newest(keys: &[service_account_status_spec::PgpPublicKey]) -> Option<&service_account_status_spec::PgpPublicKey> {
    let seconds = |at: Option<prost_types::Timestamp>| at.map_or(i64::MIN, |at| at.seconds);
    keys.iter().max_by_key(|key| (seconds(key.created), seconds(key.expiration)))
}

/// What Omni says of an account; nothing when there is none, or not yet.
pub(crate) async fn status(cx: &Cx, account: &str) -> Result<Option<ServiceAccountStatusSpec>, Error> {
    Ok(cx.find::<ServiceAccountStatusSpec>(&identity(account)).await?.map(|object| object.spec))
}

/// Whether there is an account of this name, listed or not.
pub(crate) async fn presence(cx: &Cx, account: &str) -> Result<Presence, Error> {
    match cx.find::<IdentitySpec>(&identity(account)).await {
        Ok(found) => Ok(if found.is_some() { Presence::Exists } else { Presence::Missing }),
        Err(error) if error.is(ErrorKind::Denied) => Ok(Presence::Unknown),
        Err(error) => Err(error),
    }
}

/// Registers the key, with a role for an account that is to be made.
/// Nothing is waited for where Omni's answer says that it was done: that is all that it ever says of some keys.
pub(crate) async fn register(cx: &Cx, account: &str, role: Option<&AccountRole>, fresh: &Fresh) -> Result<(), Error> {
    let bearer = fresh.private.as_ref().and_then(|key| cx.client().with_key(key).ok());
    let key =
        NewKey { fingerprint: &fresh.fingerprint, armored_public: &fresh.armored_public, bearer: bearer.as_ref() };
    cx.client().register_key(&cx.call, account, role, &key).await
}

/// Removes the account if it is there, and waits until its name is free for a successor.
pub(crate) async fn remove(cx: &Cx, account: &str) -> Result<(), Error> {
    match cx.client().destroy_service_account(&cx.call, account).await {
        Err(error) if !error.is(ErrorKind::NotFound) => return Err(error),
        _ => {}
    }
    let call = Call::within(REMOVAL_TIMEOUT.min(cx.call.remaining()), &cx.call.cancel);
    let key = IdentitySpec::KIND.key(identity(account));
    let what = format!("the service account `{account}` to be removed");
    let gone = |stored: Option<&crate::omni::Resource>| stored.is_none().then_some(());
    if let Err(error) = cx.client().wait_for(&call, &key, &what, gone).await {
        tracing::debug!(account, %error, "the account is being removed, and may still be there");
    }
    Ok(())
}

/// The public key that the configuration brings, checked as far as it is known; `now` is the time since the Unix epoch.
pub(crate) fn check_own(plan: &mut Plan<'_>, now: Duration) {
    let Some(text) = plan.planned.get(OWN).as_str() else { return };
    // What is wrong with the text itself was found before.
    let Ok(key) = PublicKey::read(text) else { return };
    let Err(unfit) = key.fits(now) else { return };
    let detail = crate::tf::diag::sentence(&unfit.to_string());
    let unchanged = plan.prior.is_some_and(|prior| prior.get(OWN) == plan.planned.get(OWN));
    let diagnostic = if unchanged {
        Diagnostic::warning("Key of the service account is no longer usable", detail)
    } else {
        Diagnostic::error("Omni would refuse the key", detail)
    };
    plan.diags.push(diagnostic.hint("Generate a new key, and set its public key.").at(at(OWN)));
}

/// The text is a public key that Omni takes, whatever the time.
pub(crate) fn is_public_key() -> Check {
    Check::text(|text| match PublicKey::read(text) {
        Ok(_) => Ok(()),
        Err(unfit) => Err(crate::tf::diag::sentence(&unfit.to_string())),
    })
}

fn given(value: &Value) -> Option<Duration> {
    value.as_str().and_then(duration::of)
}

fn written(duration: Duration) -> String {
    format!("`{}`", go_duration::GoDuration::from_std(duration).unwrap_or_default())
}
