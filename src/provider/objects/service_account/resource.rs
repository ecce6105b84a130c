//! `omni_service_account`: a service account and its key.

use super::account_key;
use super::account_key::{Keyed, OWN, Presence};
use crate::omni::auth::generate::identity;
use crate::omni::spec::{self, Spec};
use crate::omni::{AccountRole, Error, ErrorKind, Key};
use crate::provider::check::is_account_name;
use crate::provider::engine::{Cx, Failure, RpcObject};
use crate::provider::errors::Operation;
use crate::provider::objects::current_user;
use crate::tf::check::{Rule, one_of};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{IdentitySchema, Schema, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::{IdentityStatusSpec, ServiceAccountStatusSpec};
use serde::{Deserialize, Serialize};

pub(super) struct ServiceAccount;

/// What the names of the accounts of infrastructure providers begin with.
const PROVIDER: &str = "infra-provider:";
const SUFFIX: &str = "@serviceaccount.omni.sidero.dev";
const PROVIDER_SUFFIX: &str = "@infra-provider.serviceaccount.omni.sidero.dev";

/// `InfraProvider` is not among them: it is for the accounts of infrastructure providers only.
const ROLES: &[&str] = &["None", "Reader", "Auditor", "Operator", "Admin"];

#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Model {
    id: Option<String>,
    name: Option<String>,
    role: Option<String>,
    armored_public_key: Option<String>,
    last_active: Option<String>,
    #[serde(flatten)]
    keyed: Keyed,
}

impl Model {
    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

/// What Omni says of an account.
pub(super) struct Observed {
    name: String,
    status: ServiceAccountStatusSpec,
    last_active: Option<String>,
}

#[async_trait]
impl RpcObject for ServiceAccount {
    type Model = Model;
    type Observed = Observed;

    const NAME: &'static str = "omni_service_account";
    const NOUN: &'static str = "service account";
    const ID: &'static str = "name";
    const LOCAL: &'static [&'static str] = account_key::LOCAL;

    fn schema() -> Schema {
        Schema::new(
            "Manages a service account and its key, for programs that authenticate to Omni. Requires the role `Admin`. The private key is stored in state, unless `store_key` is `false` or `armored_public_key` is set.\n\n\
             ~> **Set `role`.** Without it the account gets the role `Admin`, with all permissions.\n\n\
             ~> **Destroying or replacing the account invalidates all of its keys**, also those that Terraform does not manage.",
        )
        .with(string("id").computed().stays().doc(
            "Identity of the account: `<name>@serviceaccount.omni.sidero.dev`. Known after the account is created, so that resources that refer to it are created after it.",
        ))
        .with(string("name").required().replaces().check(is_account_name()).doc(
            "Name of the account. Must be a valid lower-case e-mail local part. Accounts of infrastructure providers, `infra-provider:<name>`, are managed by `omni_infra_provider`.",
        ))
        .with(string("role").remains("Omni cannot change the role of an account.").replaces().check(one_of(ROLES)).since_for("1.10", &["Auditor"]).doc(
            "Role of the account: one of `None`, `Reader`, `Auditor`, `Operator` and `Admin`. Defaults to the role of the account that the provider uses, which is always `Admin`.",
        ))
        .with(string(OWN).document().same_if(same_text).check(account_key::is_public_key()).doc(
            "ASCII-armored OpenPGP public key to register instead of a generated one, so that Terraform never handles the private key. It must contain an e-mail address and expire within 365 days. Changing this registers the new key in place; earlier keys stay valid until they expire.",
        ))
        .with(string("last_active").computed().stays().doc(
            "Last use of the account, in RFC 3339, as of the last refresh; null if it was never used.",
        ).since("1.6"))
        .with_all(account_key::attributes())
        .rule(Rule::AtMostOne(&[OWN, "renew_trigger"]))
        .rule(Rule::AtMostOne(&[OWN, "renew_before"]))
        .rule(Rule::AtMostOne(&[OWN, "ttl"]))
        .rule(Rule::AtMostOne(&[OWN, "store_key"]))
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of("name", "Name of the account.")
    }

    fn id(model: &Model) -> Option<String> {
        model.name.clone()
    }

    fn model(seen: &Observed, prior: &Model) -> Result<Model, Diagnostic> {
        Ok(Model {
            id: Some(identity(&seen.name)),
            name: Some(seen.name.clone()),
            role: Some(seen.status.role.clone()),
            armored_public_key: prior.armored_public_key.clone(),
            last_active: seen.last_active.clone(),
            keyed: prior.keyed.with_listed(Some(&seen.status)),
        })
    }

    fn reflects(seen: &Observed, wanted: &Model) -> bool {
        wanted.keyed.is_listed(&seen.status)
    }

    fn watched(wanted: &Model) -> Option<Key> {
        Some(ServiceAccountStatusSpec::KIND.key(identity(wanted.name())))
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        account_key::validate(config, diags);
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        // The id stays unknown until there is an account, so that what refers to it waits.
        account_key::modify_plan(plan, false);
    }

    fn plan_existing(cx: &Cx, plan: &mut Plan<'_>) {
        account_key::plan_existing(plan, cx.session.clock.now());
    }

    async fn resolve_import(_cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        let provider = text.strip_prefix(PROVIDER).or_else(|| text.strip_suffix(PROVIDER_SUFFIX));
        if let Some(name) = provider {
            return Err(Diagnostic::error(
                format!("Could not import service account `{text}`"),
                "It belongs to an infrastructure provider.",
            )
            .hint(format!("Import it together with its provider, as an `omni_infra_provider` named `{name}`."))
            .into());
        }
        Ok(text.strip_suffix(SUFFIX).unwrap_or(text).to_owned())
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        account_key::check_own(plan, cx.session.clock.now());
        let Some(name) = plan.prior.and_then(|prior| prior.get("name").as_str()) else {
            let name = plan.planned.get("name").as_str().unwrap_or_default();
            current_user::warn_of_role(cx, &operation("create", name), "Admin", "", &mut plan.diags).await;
            return Ok(());
        };
        if !plan.replace.is_empty() && current_user::is_self(cx, &identity(name)).await? {
            let by = plan.replace.first().map(ToString::to_string);
            let attribute = if by.as_deref() == Some("role") { "role" } else { "name" };
            plan.diags.push(current_user::refused(&operation("replace", name), attribute));
        }
        Ok(())
    }

    async fn check_delete(cx: &Cx, prior: &Model, diags: &mut Diagnostics) -> Result<(), Failure> {
        if current_user::is_self(cx, &identity(prior.name())).await? {
            diags.push(current_user::unremovable(&operation("destroy", prior.name()), "name"));
        }
        Ok(())
    }

    async fn find(cx: &Cx, id: &str) -> Result<Option<Observed>, Error> {
        match account_key::status(cx, id).await? {
            Some(status) => observed(cx, id, status).await.map(Some),
            None => Ok(None),
        }
    }

    async fn find_fresh(cx: &Cx, id: &str) -> Result<Option<Observed>, Error> {
        let key = ServiceAccountStatusSpec::KIND.key(identity(id));
        match cx.client().get_fresh(&cx.call, &key).await? {
            Some(stored) => observed(cx, id, spec::decode(&stored)?).await.map(Some),
            None => Ok(None),
        }
    }

    async fn create(cx: &Cx, wanted: &mut Model) -> Result<(), Error> {
        let role = wanted.role.clone().map_or(AccountRole::Callers, AccountRole::Named);
        let (name, own) = (wanted.name().to_owned(), wanted.armored_public_key.clone());
        let fresh = wanted.keyed.make(cx, &name, own.as_deref())?;
        match account_key::register(cx, &name, Some(&role), &fresh).await {
            // It is the account or the key that is there; only the account can be imported.
            Err(error) if error.is(ErrorKind::AlreadyExists) && own.is_some() => {
                // Whatever is there was not made here.
                let there = account_key::presence(cx, &name).await.map_err(|e| e.settled(false))? == Presence::Exists;
                Err(if there { error } else { used_up() })
            }
            sent => sent,
        }
    }

    async fn update(cx: &Cx, _prior: &Model, wanted: &mut Model) -> Result<(), Error> {
        if !wanted.keyed.is_asked_for() {
            return Ok(());
        }
        let (name, own) = (wanted.name().to_owned(), wanted.armored_public_key.clone());
        let fresh = wanted.keyed.make(cx, &name, own.as_deref())?;
        // After an import, the key that the user brings may be the one that the account has.
        if own.is_some() && account_key::status(cx, &name).await?.is_some_and(|status| wanted.keyed.is_listed(&status))
        {
            return Ok(());
        }
        match account_key::register(cx, &name, None, &fresh).await {
            Err(error) if error.is(ErrorKind::AlreadyExists) => Err(used_up()),
            sent => sent,
        }
    }

    fn unsure(_prior: &Model, wanted: &Model) -> Option<Model> {
        // The new private key may be the one that is good. If it is not, Omni does not list it, and the next plan makes another.
        Some(wanted.clone())
    }

    async fn delete(cx: &Cx, model: &Model) -> Result<(), Error> {
        let name = model.name();
        match cx.client().destroy_service_account(&cx.call, name).await {
            Err(error) => {
                Err(current_user::explain_refused(cx, &identity(name), &operation("destroy", name), error).await)
            }
            Ok(()) => Ok(()),
        }
    }
}

/// What Omni says of an account, with what it notes beside the status.
async fn observed(cx: &Cx, name: &str, status: ServiceAccountStatusSpec) -> Result<Observed, Error> {
    let last_active = match cx.find::<IdentityStatusSpec>(&identity(name)).await {
        Ok(found) => found.map(|object| object.spec.last_active).filter(|at| !at.is_empty()),
        // Servers before 1.6 do not keep it.
        Err(error) if error.is(ErrorKind::Unimplemented) => None,
        Err(error) => return Err(error),
    };
    Ok(Observed { name: name.to_owned(), status, last_active })
}

fn operation<'a>(verb: &'a str, name: &'a str) -> Operation<'a> {
    Operation { verb, noun: ServiceAccount::NOUN, id: name, id_attribute: ServiceAccount::ID }
}

/// Omni has the key that is to be registered.
fn used_up() -> Error {
    Error::Config {
        setting: OWN,
        message: format!(
            "Omni has this public key already, for this account or another, or from an earlier attempt that failed; \
             generate a new key and set its public key as `{OWN}`"
        ),
    }
}

/// Whether two texts differ in nothing but white space at the ends of lines.
fn same_text(a: &str, b: &str) -> bool {
    a.trim().lines().map(str::trim_end).eq(b.trim().lines().map(str::trim_end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accounts_are_imported_by_name_or_identity() {
        assert_eq!(ServiceAccount::resolve_import(None, "ci").await.unwrap(), "ci");
        assert_eq!(ServiceAccount::resolve_import(None, "ci@serviceaccount.omni.sidero.dev").await.unwrap(), "ci");
        for text in ["infra-provider:aws", "aws@infra-provider.serviceaccount.omni.sidero.dev"] {
            let operation =
                Operation { verb: "import", noun: ServiceAccount::NOUN, id: text, id_attribute: ServiceAccount::ID };
            let refused = ServiceAccount::resolve_import(None, text).await.unwrap_err().explain(&operation);
            assert!(refused.hint.unwrap().contains("named `aws`"));
        }
    }

    #[test]
    fn line_ends_make_no_other_key() {
        assert!(same_text("a\r\nb\n", "a\nb"));
        assert!(!same_text("a\nb", "ab"));
    }
}
