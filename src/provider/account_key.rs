//! The key of a service account as resources manage it: made here, renewed in time, and kept in the state only if wanted.
//! The private half is made before anything is sent and is the resource's from then on, so that no lost answer loses it.

use super::crud::Cx;
use super::session::at;
use super::timeouts::positive_duration;
use crate::kit::go_duration;
use crate::kit::secret::ExposeSecret;
use crate::omni::auth::date;
use crate::omni::auth::generate::{self, identity};
use crate::omni::auth::public::{LONGEST, PublicKey};
use crate::omni::spec::Spec;
use crate::omni::spec::account::{ServiceAccountStatusSpec, service_account_status_spec};
use crate::omni::{AccountRole, Call, Class, Error};
use crate::tf::check::Check;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{Attribute, boolean, plain, string};
use crate::tf::value::{Type, Value};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What steers the provider.
pub(crate) const LOCAL: &[&str] = &["ttl", "renew_trigger", "renew_before", "store_key"];

/// The attribute with which users bring a key of their own, where a resource has it.
pub(crate) const OWN: &str = "armored_public_key";

/// What comes anew with every key.
const MADE: [&str; 4] = ["public_key_id", "public_key_ids", "expiration", "key"];

const TTL: &str = "8760h";

/// How long Omni may take until it lists a key that it has accepted.
const LISTING: Duration = Duration::from_secs(30);

/// How long is looked for a key whose registration got no answer.
const LOST: Duration = Duration::from_secs(5);

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
        string("ttl").default(TTL).same_if(go_duration::same).check(lifetime()).doc(
            "How long a key is good for, as a Go duration from `1s` to `8760h` (365 days). \
             A change is for the next key: the one that there is keeps its `expiration`. To have a new one at once, change `renew_trigger` too.",
        ),
        string("renew_trigger").doc(
            "Any text; whenever it changes, a new key is made. Keys that there are stay good until they expire: Omni has no way to take back a single one.",
        ),
        string("renew_before").check(positive_duration()).doc(
            "How long before its `expiration` the key is renewed, as a Go duration shorter than `ttl`, such as `720h`: a plan that is made within that time proposes a new key. Without it a key is renewed by `renew_trigger` only.",
        ),
        boolean("store_key").default(true).doc(
            "Whether the state keeps the private key, as `key`. With `false` the private key is thrown away as soon as it is made, and reaches neither plan nor state: the account then stands for a name and a role, and the keys that are used come from elsewhere, such as an ephemeral `omni_service_account_key`. Set back to `true`, it takes effect with the next key.",
        ),
        string("public_key_id").computed().stays().doc(
            "Id of the key: its OpenPGP fingerprint, 40 hexadecimal digits in lower case.",
        ),
        plain("public_key_ids", Type::set(Type::String)).computed().stays().doc(
            "Ids of all keys of the account, earlier and expired ones included.",
        ),
        string("expiration").computed().stays().doc("When the key expires, in RFC 3339."),
        string("key").computed().stays().sensitive().doc(
            "The private key, as a provider's `service_account_key` and OMNI_SERVICE_ACCOUNT_KEY take it. Null after an import, as Omni never learns it: change `renew_trigger` to have a new one. Null too when `store_key` is `false`.",
        ),
    ]
}

/// The text is a lifetime that a key can have.
pub(crate) fn lifetime() -> Check {
    Check::text(|text| match go_duration::parse(text) {
        Ok(ttl) if ttl.to_std().is_some_and(|ttl| ttl >= Duration::from_secs(1) && ttl <= LONGEST) => Ok(()),
        Ok(_) => Err(format!("`{text}` is not from `1s` to `8760h` (365 days), which is the longest that Omni takes.")),
        Err(error) => Err(format!("`{text}` is not a duration: {error}. Write it like `720h`.")),
    })
}

/// Checks of the configuration that need no server.
pub(crate) fn validate(config: &Value, diags: &mut Diagnostics) {
    let ttl = match config.get("ttl") {
        Value::Null => duration(&TTL.into()),
        given => duration(given),
    };
    if let (Some(ttl), Some(before)) = (ttl, duration(config.get("renew_before")))
        && before >= ttl
    {
        diags.push(
            Diagnostic::error(
                "Key would be renewed by every plan",
                format!("`renew_before` is {}, and a key lives for {} only.", written(before), written(ttl)),
            )
            .hint("Make `renew_before` shorter than `ttl`.")
            .at(at("renew_before")),
        );
    }
}

/// Settles in a plan what becomes of the key, as far as that does not depend on the time.
pub(crate) fn predict(plan: &mut Plan<'_>) {
    if let Some(prior) = plan.prior.filter(|_| plan.replace.is_empty()) {
        let differs = |name| plan.planned.get(name) != prior.get(name);
        let renewed = differs("renew_trigger") || differs(OWN) || is_lost(prior);
        for name in MADE {
            plan.planned.set(name, if renewed { Value::UNKNOWN } else { prior.get(name).clone() });
        }
    }
    if !is_secret_kept(plan) {
        plan.planned.set("key", Value::Null);
    }
}

/// Plans a new key when the one that there is ends soon; `now` is the time since the Unix epoch.
pub(crate) fn due(plan: &mut Plan<'_>, now: Duration) {
    let Some(prior) = plan.prior.filter(|_| plan.replace.is_empty()) else { return };
    let ends = prior.get("expiration").as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let ends = ends.and_then(|ends| u64::try_from(ends.as_second()).ok()).map(Duration::from_secs);
    let (Some(ends), Some(before)) = (ends, duration(plan.planned.get("renew_before"))) else { return };
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

/// Whether Omni does not know the key, as after a renewal that did not reach it, or when the account was made anew.
fn is_lost(prior: &Value) -> bool {
    let listed = prior.get("public_key_ids");
    !listed.is_null() && !listed.elements().contains(prior.get("public_key_id"))
}

/// A key that can be registered.
pub(crate) struct Fresh {
    fingerprint: String,
    armored_public: String,
}

impl Keyed {
    /// Whether the plan asks for a new key.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.public_key_id.is_none()
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
                (Fresh { fingerprint: key.fingerprint, armored_public: own.to_owned() }, key.expires)
            }
            None => {
                let ttl = self.ttl.as_deref().unwrap_or(TTL);
                let ttl = duration(&ttl.into()).ok_or_else(|| Error::Config {
                    setting: "ttl",
                    message: format!("`{ttl}` is no lifetime of a key"),
                })?;
                let made = generate::generate(account, ttl, now).map_err(|e| wrong("ttl", &e))?;
                if self.is_stored() {
                    self.key = Some(made.exported.expose_secret().to_owned());
                }
                let fresh = Fresh { fingerprint: made.fingerprint, armored_public: made.armored_public };
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
            ttl: self.ttl.clone().or_else(|| Some(TTL.to_owned())),
            store_key: self.store_key.or(Some(true)),
            expiration: ends.or_else(|| self.expiration.clone()),
            public_key_id: id,
            public_key_ids: Some(ids),
            ..self.clone()
        }
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

/// Registers the key, with a role for an account that is to be made, and waits until Omni lists it.
pub(crate) async fn register(cx: &Cx, account: &str, role: Option<AccountRole>, fresh: &Fresh) -> Result<(), Error> {
    match send(cx, account, role, fresh).await {
        Ok(()) => match listed(cx, account, fresh, LISTING).await {
            // Whoever may not watch finds out with the next read.
            Err(error) if !is_open(&error) => {
                tracing::debug!(account, %error, "whether the new key is listed is not known");
                Ok(())
            }
            listed => listed,
        },
        // Only whether the key is there tells what became of a request without an answer.
        Err(error) if is_open(&error) => listed(cx, account, fresh, LOST).await.map_err(|_| error),
        Err(error) => Err(error),
    }
}

/// Registers the key, with a role for an account that is to be made.
pub(crate) async fn send(cx: &Cx, account: &str, role: Option<AccountRole>, fresh: &Fresh) -> Result<(), Error> {
    let (client, key) = (cx.client(), &fresh.armored_public);
    let sent = match role {
        Some(role) => client.create_service_account(&cx.call, account, key, role).await,
        None => client.renew_service_account(&cx.call, account, key).await,
    };
    sent.map(drop)
}

/// Whether a call that failed in this way may have taken effect all the same.
pub(crate) fn is_open(error: &Error) -> bool {
    matches!(error.class(), Class::Unavailable | Class::Timeout | Class::Cancelled)
}

/// Waits until Omni lists the key.
async fn listed(cx: &Cx, account: &str, fresh: &Fresh, limit: Duration) -> Result<(), Error> {
    let call = Call::within(limit.min(cx.call.remaining()), &cx.call.cancel);
    let key = ServiceAccountStatusSpec::KIND.key(identity(account));
    let what = format!("Omni to list the new key of the service account `{account}`");
    let look = |stored: Option<&crate::omni::Resource>| {
        let status = crate::omni::spec::decode::<ServiceAccountStatusSpec>(stored?).ok()?;
        status.public_keys.iter().any(|key| key.id == fresh.fingerprint).then_some(())
    };
    cx.client().wait_for(&call, &key, &what, look).await
}

/// Removes the account if it is there, and waits until Omni lists it no more: a successor must not be taken for it.
pub(crate) async fn remove(cx: &Cx, account: &str) -> Result<(), Error> {
    match cx.client().destroy_service_account(&cx.call, account).await {
        Err(error) if !error.is(Class::NotFound) => return Err(error),
        _ => {}
    }
    let call = Call::within(LISTING.min(cx.call.remaining()), &cx.call.cancel);
    let key = ServiceAccountStatusSpec::KIND.key(identity(account));
    let what = format!("Omni to list the service account `{account}` no more");
    let gone = |stored: Option<&crate::omni::Resource>| stored.is_none().then_some(());
    if let Err(error) = cx.client().wait_for(&call, &key, &what, gone).await {
        tracing::debug!(account, %error, "the account is removed, and may still be listed");
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
        Diagnostic::warning("Key of the service account is of no use any more", detail)
    } else {
        Diagnostic::error("Omni would not take the key", detail)
    };
    plan.diags.push(diagnostic.hint("Make a new key, and give its public half.").at(at(OWN)));
}

/// The text is a public key that Omni takes, whatever the time.
pub(crate) fn is_public_key() -> Check {
    Check::text(|text| match PublicKey::read(text) {
        Ok(_) => Ok(()),
        Err(unfit) => Err(crate::tf::diag::sentence(&unfit.to_string())),
    })
}

fn duration(value: &Value) -> Option<Duration> {
    value.as_str().and_then(|text| go_duration::parse(text).ok()).and_then(|d| d.to_std())
}

fn written(duration: Duration) -> String {
    format!("`{}`", go_duration::GoDuration::from_std(duration).unwrap_or_default())
}
