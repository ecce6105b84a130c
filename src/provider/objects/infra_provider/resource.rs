//! `omni_infra_provider`: an infrastructure provider and its service account.
//! Omni lists neither that account nor its keys: its identity shows whether it exists, and the state stores its keys.

use crate::omni::auth::generate::identity;
use crate::omni::spec::Spec;
use crate::omni::{AccountRole, Error, ErrorKind, Key};
use crate::provider::check::local_part_problem;
use crate::provider::engine::{
    Bind, CosiObject, Cx, Failure, Joined, Object, OneKind, ResourceType, Row, Table, Written,
};
use crate::provider::errors::{Operation, is_lowered};
use crate::provider::ledger::ObjectKey;
use crate::provider::objects::service_account::account_key;
use crate::provider::objects::service_account::account_key::{Keys, Presence};
use crate::provider::roles;
use crate::provider::session::at;
use crate::provider::since;
use crate::tf::check::Check;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Plan;
use crate::tf::schema::{Schema, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::text::quoted;
use omni_proto::specs::InfraProviderSpec;

pub(super) struct InfraProvider;

/// The fact whether the account is there; not known where the provider's role does not allow to tell.
const THERE: &str = "account_is_there";

impl Table for InfraProvider {
    type Spec = InfraProviderSpec;

    const NAME: &'static str = "omni_infra_provider";
    const NOUN: &'static str = "infrastructure provider";
    const ID: &'static str = "name";

    fn rows() -> Vec<Row> {
        let own = [
            string("name").required().replaces().check(is_name()).doc(
                "Name (provider ID) of the infrastructure provider: 1 to 63 lower-case letters, digits and dashes, without a dash at either end. Before Omni 1.10, any valid lower-case e-mail local part.",
            ).id(),
            string("service_account_id").computed().stays().doc(
                "Identity of the service account: `<name>@infra-provider.serviceaccount.omni.sidero.dev`. Null if the account was removed; the next apply then creates it again, with a new key.",
            ).derived(),
        ];
        own.into_iter().chain(account_key::rows(Keys::Unlisted)).collect()
    }

    fn derive(
        object: &Object<InfraProviderSpec>,
        joined: &Joined,
        prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        let presence = match joined.fact(THERE) {
            Value::Bool(true) => Presence::Exists,
            Value::Bool(false) => Presence::Missing,
            _ => Presence::Unknown,
        };
        let account = identity(&account(object.id()));
        shown.set("service_account_id", (presence != Presence::Missing).then_some(account).into());
        account_key::show_registered(presence, prior, shown);
        Ok(())
    }
}

#[async_trait]
impl ResourceType for InfraProvider {
    fn about() -> Schema {
        Schema::new(
            "Manages an infrastructure provider and its service account. \
             Both are created and destroyed together. Requires the role `Admin`; with the role `Reader` a refresh works, but does not detect that the account was removed.\n\n\
             ~> **Destroying or replacing it invalidates all keys of its service account**, so that the running infrastructure provider loses its access to Omni. Omni also removes its machine requests and machine request sets, and refuses the destroy while machines of the infrastructure provider are registered.",
        )
    }

    fn about_id(id: &str) -> Option<(String, String)> {
        let (name, what) = match id.strip_prefix(ACCOUNT) {
            Some(name) => (name, "name"),
            None => (id.strip_suffix(IDENTITY)?, "identity"),
        };
        let why = format!("{} is the {what} of the service account of an infrastructure provider.", quoted(id));
        Some((why, format!("Write {}, the name of the infrastructure provider.", quoted(name))))
    }

    fn validate(config: &Value, diags: &mut Diagnostics) {
        account_key::validate(config, diags);
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        // The id of the account stays unknown until there is one, so that what refers to it waits.
        let missing = plan.prior.is_some_and(|prior| prior.get("service_account_id").is_null());
        account_key::modify_plan(plan, missing);
        if missing {
            plan.planned.set("service_account_id", Value::UNKNOWN);
        }
    }

    fn plan_existing(cx: &Cx, plan: &mut Plan<'_>) {
        account_key::plan_existing(plan, cx.session.clock.now());
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        // Empty while it is not known.
        let name = plan.planned.get("name").as_str().unwrap_or_default();
        if plan.replace.is_empty()
            && plan.prior.is_some_and(|prior| prior.get("public_key_id") != plan.planned.get("public_key_id"))
        {
            let verb = "renew the key of the account of";
            let operation = Operation { verb, noun: Self::NOUN, id: name, id_attribute: Self::ID };
            roles::warn(cx, &operation, roles::ADMIN, &mut plan.diags).await;
        }
        if (plan.prior.is_none() || !plan.replace.is_empty())
            && !name.is_empty()
            && !is_label(name)
            && let Some(server) = since::of_release(cx, LABELS_SINCE).await
        {
            let detail = format!(
                "The server is Omni {server}: since {LABELS_SINCE}, a name has 1 to 63 lower-case letters, digits and dashes, and no dash at either end."
            );
            plan.diags.push(
                Diagnostic::error(
                    format!("Omni refuses {} as the name of an infrastructure provider", quoted(name)),
                    detail,
                )
                .hint("Choose a valid name.")
                .at(at("name")),
            );
            return Ok(());
        }
        if plan.prior.is_some() || cx.session.adopt_existing || name.is_empty() {
            return Ok(());
        }
        // With its provider there, this is about to be replaced, or a duplicate that the create names.
        let left = account_key::presence(cx, &account(name)).await? == Presence::Exists
            && cx.find::<InfraProviderSpec>(name).await?.is_none();
        if left {
            let (detail, hint) = in_the_way(name);
            // It may be gone before the apply, and nothing else that is planned has to wait for that.
            plan.diags.push(
                Diagnostic::warning(format!("Infrastructure provider `{name}` cannot be created"), detail)
                    .hint(hint)
                    .at(at("name")),
            );
        }
        Ok(())
    }
}

#[async_trait]
impl CosiObject for InfraProvider {
    type Kinds = OneKind;

    async fn facts(cx: &Cx, object: &Object<InfraProviderSpec>, joined: &mut Joined) -> Result<(), Error> {
        match account_key::presence(cx, &account(object.id())).await? {
            Presence::Exists => joined.note(THERE, true),
            Presence::Missing => joined.note(THERE, false),
            Presence::Unknown => {}
        }
        Ok(())
    }

    async fn after_write(
        cx: &Cx,
        written: &Written<'_, InfraProviderSpec>,
        wanted: &mut Value,
        _told: &mut Diagnostics,
    ) -> Result<bool, Failure> {
        let before = wanted.clone();
        let registered = register_key(cx, written.prior, wanted).await;
        if let (Err(_), Some(prior)) = (&registered, written.prior)
            && *wanted == before
        {
            // The key is the former one, and so is all that the state tells of it.
            *wanted = prior.clone();
        }
        Ok(registered.map(|()| false)?)
    }

    async fn remove(cx: &Cx, _state: &Value, key: &Key) -> Result<(), Failure> {
        match cx.client().remove(&cx.call, key).await {
            Err(error) if !error.is(ErrorKind::NotFound) => return Err(error.into()),
            _ => {}
        }
        // Omni removes the account with the provider; one that was made without it, or too late for that, is left over.
        Ok(account_key::remove(cx, &account(&key.id)).await?)
    }
}

/// Registers the key that the plan asks for. What it fills into `wanted` counts even when it fails.
async fn register_key(cx: &Cx, prior: Option<&Value>, wanted: &mut Value) -> Result<(), Diagnostic> {
    if !account_key::is_asked_for(wanted) {
        return Ok(());
    }
    let name = wanted.get("name").as_str().unwrap_or_default().to_owned();
    let account = account(&name);
    let operation = Operation {
        verb: if prior.is_some() { "renew the key of the account of" } else { "create the service account of" },
        noun: InfraProvider::NOUN,
        id: &name,
        id_attribute: InfraProvider::ID,
    };
    // The keys of a provider that changes its address go with its account, as the plan says: no state has them any more.
    let key = ObjectKey::from(&InfraProviderSpec::KIND.key(&name));
    let moved = prior.is_none() && cx.session.handover.is_noted(&key) && cx.session.ledger.is_adopted(&key);
    if moved {
        account_key::remove(cx, &account).await.map_err(|e| operation.explain(&e))?;
    }
    // An account that somebody removed is made again, and that of a provider that was taken over stays.
    let may_be_there = !moved && (prior.is_some() || cx.session.adopt_existing);
    let presence = match may_be_there {
        true => account_key::presence(cx, &account).await.map_err(|e| operation.explain(&e))?,
        false => Presence::Missing,
    };
    let there = match presence {
        Presence::Exists => true,
        Presence::Missing => false,
        // Whoever may not ask may not register a key either; Omni says so.
        Presence::Unknown => prior.is_some(),
    };
    let role = (!there).then(|| AccountRole::Named("InfraProvider".to_owned()));
    let before = prior.filter(|_| there);
    let mut made = wanted.clone();
    let fresh = account_key::make(cx, &account, &mut made).map_err(|e| operation.explain(&e))?;
    let Err(error) = account_key::register(cx, &account, role.as_ref(), &fresh).await else {
        account_key::note_registered(&mut made, before, true);
        made.set("service_account_id", identity(&account).into());
        *wanted = made;
        return Ok(());
    };
    if error.is(ErrorKind::AlreadyExists) {
        let (detail, hint) = in_the_way(&name);
        return Err(Diagnostic::error(operation.summary(), detail).hint(hint).at(at("name")));
    }
    if error.may_have_happened() {
        // The new key may be good, so the state keeps it. It is not known to be registered, and the next plan makes another.
        account_key::note_registered(&mut made, before, false);
        *wanted = made;
    }
    let diagnostic = operation.explain(&error);
    Err(match error.kind() {
        ErrorKind::Denied if !is_lowered(&error) => diagnostic.hint(
            "Only the role `Admin` may manage service accounts, and no access policy grants that: configure the provider with the key of such an account.",
        ),
        _ => diagnostic,
    })
}

/// The name of the account of the provider.
fn account(name: &str) -> String {
    format!("{ACCOUNT}{name}")
}

/// What the name of the service account of an infrastructure provider begins with.
const ACCOUNT: &str = "infra-provider:";
/// What its identity ends with.
const IDENTITY: &str = "@infra-provider.serviceaccount.omni.sidero.dev";

/// There is an account of the provider's name, and nobody here knows its key: what that means, and what to do.
fn in_the_way(name: &str) -> (String, String) {
    let account = account(name);
    (
        format!("Omni already has a service account `{account}`, and none of its keys is in the state."),
        format!(
            "If it is no longer used, remove it with `omnictl serviceaccount destroy {account}`. Otherwise choose another name, \
             or set `adopt_existing = true` in the provider block: the account then gets an additional key."
        ),
    )
}

/// The text can name a provider in some release: its account is named after it in all of them.
fn is_name() -> Check {
    Check::text(|text| {
        if text.starts_with(ACCOUNT) {
            return Err(format!("`{text}` is the name of a service account; write it without `{ACCOUNT}`."));
        }
        local_part_problem(text).map_or(Ok(()), Err)
    })
}

/// The first release in which the name has to be a DNS label.
const LABELS_SINCE: &str = "1.10";

/// Whether the text is a DNS label.
fn is_label(text: &str) -> bool {
    let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    letters && !text.starts_with('-') && !text.ends_with('-') && (1..=63).contains(&text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_of_a_provider_is_told_from_the_provider() {
        for id in ["infra-provider:aws", "aws@infra-provider.serviceaccount.omni.sidero.dev"] {
            let (why, hint) = InfraProvider::about_id(id).unwrap();
            assert!(why.contains(&format!("`{id}` is the ")) && hint.contains("`aws`"), "{why} {hint}");
            assert!(id.ends_with(IDENTITY) || id == account("aws"));
        }
        assert_eq!(identity(&account("aws")), format!("aws{IDENTITY}"));
        assert_eq!(InfraProvider::about_id("aws"), None);
    }

    #[test]
    fn names() {
        let long = "a".repeat(64);
        for (name, in_some, since_1_10) in [
            ("a", true, true),
            ("aws-1", true, true),
            ("1a", true, true),
            (&long[1..], true, true),
            (&long, true, false),
            ("-a", true, false),
            ("a-", true, false),
            ("aws.1", true, false),
            ("aws_1", true, false),
            ("", false, false),
            ("Aws", false, false),
            ("a b", false, false),
            ("infra-provider:aws", false, false),
        ] {
            assert_eq!(is_name().run(&name.into()).is_ok(), in_some, "{name}");
            assert_eq!(is_label(name), since_1_10, "{name}");
        }
    }
}
