//! `omni_service_account`: a service account and its key.

use super::account_key;
use super::account_key::{Keys, OWN, Presence};
use crate::omni::auth::generate;
use crate::omni::auth::generate::identity;
use crate::omni::spec::Spec;
use crate::omni::{AccountRole, Error, ErrorKind, Key};
use crate::provider::check::is_account_name;
use crate::provider::engine::{
    Bind, Codec, Cx, Failure, Freshness, Joined, Object, ResourceType, Row, RpcObject, Table,
};
use crate::provider::errors::Operation;
use crate::provider::objects::current_user;
use crate::tf::check::{Rule, one_of};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{IdentitySchema, Schema, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::{IdentityStatusSpec, ServiceAccountStatusSpec};

pub(super) struct ServiceAccount;

/// What the names of the accounts of infrastructure providers begin with.
const PROVIDER: &str = "infra-provider:";
const SUFFIX: &str = "@serviceaccount.omni.sidero.dev";
const PROVIDER_SUFFIX: &str = "@infra-provider.serviceaccount.omni.sidero.dev";

/// `InfraProvider` is not among them: it is for the accounts of infrastructure providers only.
const ROLES: &[&str] = &["None", "Reader", "Auditor", "Operator", "Admin"];

impl Table for ServiceAccount {
    type Spec = ServiceAccountStatusSpec;

    const NAME: &'static str = "omni_service_account";
    const NOUN: &'static str = "service account";
    const ID: &'static str = "name";

    fn rows() -> Vec<Row> {
        let own = [
            string("id").computed().stays().doc(
                "Identity of the account: `<name>@serviceaccount.omni.sidero.dev`. Known after the account is created, so that resources that refer to it are created after it.",
            ).id(),
            string("name").required().replaces().check(is_account_name()).doc(
                "Name of the account. Must be a valid lower-case e-mail local part. Accounts of infrastructure providers, `infra-provider:<name>`, are managed by `omni_infra_provider`.",
            ).derived(),
            string("role").remains("Omni cannot change the role of an account.").replaces().check(one_of(ROLES)).since_for("1.10", &["Auditor"]).doc(
                "Role of the account: one of `None`, `Reader`, `Auditor`, `Operator` and `Admin`. Defaults to the role of the account that the provider uses, which is always `Admin`.",
            ).field("role"),
            string(OWN).document().same_if(same_text).check(account_key::is_public_key()).doc(
                "ASCII-armored OpenPGP public key to register instead of a generated one, so that Terraform never handles the private key. It must contain an e-mail address and expire within 365 days. Changing this registers the new key in place; earlier keys stay valid until they expire.",
            ).unreadable(),
            string("last_active").computed().stays().since("1.6").doc(
                "Last use of the account, in RFC 3339, as of the last refresh; null if it was never used.",
            ).joined::<IdentityStatusSpec>("last_active", Codec::Optional),
        ];
        own.into_iter().chain(account_key::rows(Keys::Listed)).collect()
    }

    fn derive(
        object: &Object<ServiceAccountStatusSpec>,
        _joined: &Joined,
        prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        shown.set("name", generate::name(object.id()).into());
        account_key::show_listed(&object.spec, prior, shown);
        Ok(())
    }
}

#[async_trait]
impl ResourceType for ServiceAccount {
    fn about() -> Schema {
        Schema::new(
            "Manages a service account and its key, for programs that authenticate to Omni. Requires the role `Admin`. The private key is stored in state, unless `store_key` is `false` or `armored_public_key` is set.\n\n\
             ~> **Set `role`.** Without it the account gets the role `Admin`, with all permissions.\n\n\
             ~> **Destroying or replacing the account invalidates all of its keys**, also those that Terraform does not manage.",
        )
        .rule(Rule::AtMostOne(&[OWN, "renew_trigger"]))
        .rule(Rule::AtMostOne(&[OWN, "renew_before"]))
        .rule(Rule::AtMostOne(&[OWN, "ttl"]))
        .rule(Rule::AtMostOne(&[OWN, "store_key"]))
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of("name", "Name of the account.")
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
        let Some(name) = plan.prior.and_then(|prior| prior.get("name").as_str()) else { return Ok(()) };
        if !plan.replace.is_empty() && current_user::is_self(cx, &identity(name)).await? {
            let by = plan.replace.first().map(ToString::to_string);
            let attribute = if by.as_deref() == Some("role") { "role" } else { "name" };
            plan.diags.push(current_user::refused(&operation("replace", name), attribute));
        }
        Ok(())
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        let name = name(prior);
        if current_user::is_self(cx, &identity(name)).await? {
            diags.push(current_user::unremovable(&operation("destroy", name), "name"));
        }
        Ok(())
    }
}

#[async_trait]
impl RpcObject for ServiceAccount {
    fn reflects(object: &Object<ServiceAccountStatusSpec>, wanted: &Value) -> bool {
        account_key::is_listed(&object.spec, wanted)
    }

    fn watched(wanted: &Value) -> Option<Key> {
        Some(ServiceAccountStatusSpec::KIND.key(identity(name(wanted))))
    }

    async fn find(cx: &Cx, id: &str, freshness: Freshness) -> Result<Option<Object<ServiceAccountStatusSpec>>, Error> {
        match freshness {
            Freshness::Cached => cx.find(&identity(id)).await,
            Freshness::Fresh => {
                let key = ServiceAccountStatusSpec::KIND.key(identity(id));
                cx.client().get_fresh(&cx.call, &key).await?.map(Object::decode).transpose()
            }
        }
    }

    async fn ids(cx: &Cx) -> Result<Vec<String>, Error> {
        Ok(cx.client().service_accounts(&cx.call).await?.into_iter().map(|account| account.name).collect())
    }

    async fn create(cx: &Cx, wanted: &mut Value) -> Result<(), Error> {
        let role = wanted.get("role").as_str().map_or(AccountRole::Callers, |role| AccountRole::Named(role.to_owned()));
        let (name, brings_own) = (name(wanted).to_owned(), wanted.get(OWN).is_set());
        let fresh = account_key::make(cx, &name, wanted)?;
        match account_key::register(cx, &name, Some(&role), &fresh).await {
            // It is the account or the key that is there; only the account can be imported.
            Err(error) if error.is(ErrorKind::AlreadyExists) && brings_own => {
                // Whatever is there was not made here.
                let there = account_key::presence(cx, &name).await.map_err(|e| e.settled(false))? == Presence::Exists;
                Err(if there { error } else { used_up() })
            }
            sent => sent,
        }
    }

    async fn update(cx: &Cx, wanted: &mut Value) -> Result<(), Error> {
        if !account_key::is_asked_for(wanted) {
            return Ok(());
        }
        let (name, brings_own) = (name(wanted).to_owned(), wanted.get(OWN).is_set());
        let fresh = account_key::make(cx, &name, wanted)?;
        // After an import, the key that the user brings may be the one that the account has.
        if brings_own
            && let Some(account) = Self::find(cx, &name, Freshness::Cached).await?
            && account_key::is_listed(&account.spec, wanted)
        {
            return Ok(());
        }
        match account_key::register(cx, &name, None, &fresh).await {
            Err(error) if error.is(ErrorKind::AlreadyExists) => Err(used_up()),
            sent => sent,
        }
    }

    async fn delete(cx: &Cx, state: &Value) -> Result<(), Error> {
        let name = name(state);
        match cx.client().destroy_service_account(&cx.call, name).await {
            Err(error) => {
                Err(current_user::explain_refused(cx, &identity(name), &operation("destroy", name), error).await)
            }
            Ok(()) => Ok(()),
        }
    }
}

fn name(state: &Value) -> &str {
    state.get("name").as_str().unwrap_or_default()
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
