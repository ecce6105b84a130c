//! `omni_service_account_renew`: registers a key of an account that Terraform does not manage.

use super::account_key;
use super::account_key::OWN;
use crate::omni::auth::generate::identity;
use crate::omni::auth::public::PublicKey;
use crate::omni::{ErrorKind, NewKey};
use crate::provider::check::is_account_name;
use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::ledger::ObjectKey;
use crate::provider::roles;
use crate::provider::session::at;
use crate::tf::diag::{Diagnostic, Diagnostics, sentence};
use crate::tf::schema::{Schema, string};
use crate::tf::value::Value;
use account_key::Presence;
use async_trait::async_trait;
use kit::text::quoted;
use omni_proto::specs::ServiceAccountStatusSpec;
use std::time::Duration;

pub(super) struct Renew;

const FACTS: Facts = Facts {
    name: "omni_service_account_renew",
    verb: "renew the key of",
    noun: "service account",
    id: "name",
    timeout: "5m",
    role: roles::NEEDS_ADMIN,
};

#[async_trait]
impl OmniAction for Renew {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Registers another public key of a service account that Terraform does not manage. Existing keys stay valid until they expire. For an account that Terraform manages, change `renew_trigger` or `armored_public_key` of its `omni_service_account`.",
        )
        .with(string("name").required().check(is_account_name()).doc("Name of the account."))
        .with(string(OWN).required().document().check(account_key::is_public_key()).doc(
            "ASCII-armored OpenPGP public key to register. It must contain an e-mail address and expire within 365 days.",
        ))
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        if let Some(diagnostic) = unfit(config, cx.session.clock.now()) {
            diags.push(diagnostic);
        }
        let Some(name) = config.get("name").as_str() else { return Ok(()) };
        if cx.session.ledger.planned(&ObjectKey::called("omni_service_account", name)).is_none()
            && account_key::presence(cx, name).await? == Presence::Missing
        {
            diags.push(
                Diagnostic::warning(
                    format!("Service account {} does not exist", quoted(name)),
                    "The action will fail unless it is created by then.",
                )
                .hint("Check `name`; the data source `omni_service_accounts` lists the accounts.")
                .at(at("name")),
            );
        }
        Ok(())
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        let operation = FACTS.operation(config);
        let (name, own) = (operation.id, config.get(OWN).as_str().unwrap_or_default());
        if let Some(diagnostic) = unfit(config, run.session().clock.now()) {
            return Err(diagnostic.into());
        }
        let key = PublicKey::read(own)
            .map_err(|error| Diagnostic::error(operation.summary(), sentence(&error.to_string())).at(at(OWN)))?;
        if account_key::presence(run.cx(), name).await? == Presence::Missing {
            return Err(Diagnostic::error(operation.summary(), "Omni has no service account of this name.")
                .hint("Check `name`; the data source `omni_service_accounts` lists the accounts.")
                .at(at("name"))
                .into());
        }
        let fingerprint = key.fingerprint.as_str();
        let status = run.cx().find::<ServiceAccountStatusSpec>(&identity(name)).await?;
        if status.is_some_and(|status| status.spec.public_keys.iter().any(|listed| listed.id == fingerprint)) {
            run.say(format!("Service account `{name}` has the key `{fingerprint}` already")).await;
            return Ok(());
        }
        let new = NewKey { fingerprint, armored_public: own, bearer: None };
        match run.write(run.client().register_key(run.call(), name, None, &new)).await {
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                return Err(Diagnostic::error(
                    operation.summary(),
                    "Omni has this public key already, for this account or for another one.",
                )
                .hint(format!("Generate a new key, and set its public key as `{OWN}`."))
                .at(at(OWN))
                .into());
            }
            registered => registered?,
        }
        run.done(format!("Service account `{name}` has the key `{fingerprint}`")).await;
        Ok(())
    }
}

/// What keeps Omni from taking the key at this time.
fn unfit(config: &Value, now: Duration) -> Option<Diagnostic> {
    // What is wrong with the text itself was found before.
    let key = PublicKey::read(config.get(OWN).as_str()?).ok()?;
    let why = key.fits(now).err()?;
    Some(
        Diagnostic::error("Omni would refuse the key", sentence(&why.to_string()))
            .hint("Generate a new key, and set its public key.")
            .at(at(OWN)),
    )
}
