//! `omni_user`: a user and their role.

use crate::omni::spec::Spec;
use crate::omni::spec::instance;
use crate::omni::spec::instance::AuthConfigSpec;
use crate::omni::{Error, Key, User as Listed};
use crate::provider::engine::{Bind, Cx, Failure, Freshness, Object, ResourceType, Row, RpcObject, Table};
use crate::provider::errors::Operation;
use crate::provider::objects::current_user;
use crate::provider::{roles, view};
use crate::tf::check::{Check, one_of};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::Plan;
use crate::tf::schema::{IdentitySchema, Schema, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use kit::text::quoted;
use omni_proto::specs::IdentityStatusSpec;

pub(super) struct User;

/// What the identities of service accounts end with.
const ACCOUNTS: &str = "serviceaccount.omni.sidero.dev";

impl Table for User {
    type Spec = Listed;

    const NAME: &'static str = "omni_user";
    const NOUN: &'static str = "user";
    const ID: &'static str = "email";

    fn rows() -> Vec<Row> {
        vec![
            string("id").computed().stays().doc("ID (UUID) of the user.").field("id"),
            string("email").required().same_if(same).replaces().check(is_email()).doc(
                "E-mail address that the user signs in with. Case is ignored; Omni stores it in lower case.",
            ).field("email").reading("E-mail address of the user, in lower case."),
            string("role").required().check(one_of(roles::ALL)).doc(format!(
                "Role of the user: {}. Changing it updates the user in place; existing keys of the user keep at most the role that they were created with.",
                roles::DOC
            )).since_for("1.10", &["Auditor"]).field("role").reading(format!("Role of the user: {}.", roles::DOC)),
            plain("saml_labels", Type::map(Type::String)).computed().stays().doc(
                "Labels that the SAML identity provider assigned to the user; empty without SAML.",
            ).field("saml_labels"),
            string("last_active").computed().stays().doc(
                "Last activity of the user, in RFC 3339, as of the last refresh; null if there was none.",
            ).optional_field("last_active").reading("Last activity of the user, in RFC 3339; null if there was none."),
        ]
    }
}

#[async_trait]
impl ResourceType for User {
    fn about() -> Schema {
        Schema::new("Manages an Omni user and their role. Access policies can grant more. Requires the role `Admin`.")
            .since("1.6")
    }

    fn identity() -> IdentitySchema {
        IdentitySchema::of("email", "E-mail address of the user, in lower case.")
    }

    fn id(state: &Value) -> Option<String> {
        state.get("email").as_str().map(str::to_lowercase)
    }

    fn modify_plan(plan: &mut Plan<'_>) {
        // An identity whose user is gone has no role, and cannot be given one.
        if plan.prior.is_some_and(|prior| prior.get("role").as_str() == Some("")) {
            plan.replace.push(Path::of("role"));
            for name in ["id", "saml_labels", "last_active"] {
                plan.planned.set(name, Value::UNKNOWN);
            }
        }
    }

    async fn resolve_import(_cx: Option<&Cx>, text: &str) -> Result<String, Failure> {
        problem(text).map_or(Ok(text.to_owned()), |problem| {
            Err(Diagnostic::error(format!("Could not import user `{text}`"), problem)
                .hint("Users are imported by their e-mail address.")
                .into())
        })
    }

    async fn check_plan(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Failure> {
        check_address(cx, plan).await?;
        let Some(prior) = plan.prior else {
            // A server that has no such call, or does not allow it, says so now.
            return Ok(cx.client().users(&cx.call).await.map(drop)?);
        };
        let email = prior.get("email").as_str().unwrap_or_default();
        if current_user::is_self(cx, email).await? {
            let verb = if plan.replace.is_empty() { "update" } else { "replace" };
            let attribute = if prior.get("role") == plan.planned.get("role") { "email" } else { "role" };
            plan.diags.push(current_user::refused(&operation(verb, email), attribute));
        }
        Ok(())
    }

    async fn check_delete(cx: &Cx, prior: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        let email = prior.get("email").as_str().unwrap_or_default();
        if current_user::is_self(cx, email).await? {
            diags.push(current_user::unremovable(&operation("destroy", email), "email"));
        }
        Ok(())
    }
}

#[async_trait]
impl RpcObject for User {
    fn watched(wanted: &Value) -> Option<Key> {
        Self::id(wanted).map(|email| IdentityStatusSpec::KIND.key(email))
    }

    async fn find(cx: &Cx, id: &str, freshness: Freshness) -> Result<Option<Object<Listed>>, Error> {
        // There is one list, and no way to look behind it.
        if freshness == Freshness::Fresh {
            return Ok(None);
        }
        Ok(cx.client().find_user(&cx.call, |user| same(&user.email, id)).await?.map(object))
    }

    async fn ids(cx: &Cx) -> Result<Vec<String>, Error> {
        Ok(cx.client().users(&cx.call).await?.into_iter().map(|user| user.email).collect())
    }

    async fn create(cx: &Cx, wanted: &mut Value) -> Result<(), Error> {
        let (email, role) = written(wanted);
        let id = cx.client().make_user(&cx.call, &email, &role).await?;
        wanted.set("id", id.into());
        Ok(())
    }

    async fn update(cx: &Cx, wanted: &mut Value) -> Result<(), Error> {
        let (email, role) = written(wanted);
        cx.client().update_user(&cx.call, &email, &role).await
    }

    async fn delete(cx: &Cx, state: &Value) -> Result<(), Error> {
        let (email, _) = written(state);
        match cx.client().destroy_user(&cx.call, &email).await {
            Err(error) => Err(current_user::explain_refused(cx, &email, &operation("destroy", &email), error).await),
            Ok(()) => Ok(()),
        }
    }
}

/// A user as rows read it: known by the address.
pub(super) fn object(user: Listed) -> Object<Listed> {
    Object::listed(user.email.clone(), user)
}

/// Without SAML, Omni takes e-mail addresses only.
async fn check_address(cx: &Cx, plan: &mut Plan<'_>) -> Result<(), Error> {
    let Some(email) = plan.planned.get("email").as_str().filter(|email| !is_address(email)) else { return Ok(()) };
    if plan.prior.is_some_and(|prior| prior.get("email").as_str() == Some(email)) {
        return Ok(());
    }
    let Some(config) = view::spec::<AuthConfigSpec>(cx, &instance::auth_config_key().id).await? else { return Ok(()) };
    if config.saml.is_some_and(|saml| saml.enabled) {
        return Ok(());
    }
    plan.diags.push(
        Diagnostic::error(
            "Not an e-mail address",
            format!("`{email}` is not an e-mail address. This Omni instance does not use SAML, so its users are identified by e-mail addresses."),
        )
        .hint("Write it like `name@example.org`.")
        .at(Path::of("email")),
    );
    Ok(())
}

/// Whether the text has the form of a plain e-mail address: something, one `@`, and a host.
fn is_address(text: &str) -> bool {
    let part = |part: &str| {
        part.split('.').all(|atom| !atom.is_empty()) && !part.contains(|c: char| "()<>[]:;@\\,\"".contains(c))
    };
    text.split_once('@').is_some_and(|(local, host)| part(local) && part(host))
}

fn operation<'a>(verb: &'a str, email: &'a str) -> Operation<'a> {
    Operation { verb, noun: User::NOUN, id: email, id_attribute: User::ID }
}

/// What goes to the server.
fn written(state: &Value) -> (String, String) {
    (User::id(state).unwrap_or_default(), state.get("role").as_str().unwrap_or_default().to_owned())
}

/// Whether two addresses are one to Omni.
fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn is_email() -> Check {
    Check::text(|text| problem(text).map_or(Ok(()), Err))
}

/// What keeps a text from naming a user. With SAML any name will do, so nobody asks for an `@` here.
fn problem(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("The e-mail address must not be empty.".to_owned());
    }
    if text.chars().any(char::is_whitespace) {
        return Some(format!("{} is not an e-mail address: it contains white space.", quoted(text)));
    }
    let domain = text.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase();
    let account = domain == ACCOUNTS || domain.ends_with(&format!(".{ACCOUNTS}"));
    account.then(|| format!("`{text}` is a service account; those are managed with `omni_service_account`."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec::fields::Fields;
    use crate::provider::engine::{Binding, Joined, show};
    use crate::tf::plan::keep_same;

    #[test]
    fn what_can_name_a_user() {
        for (text, says) in [
            ("jane@example.org", None),
            ("Jane.Doe+x@Example.org", None),
            ("jane", None),
            ("", Some("must not be empty")),
            ("jane doe@example.org", Some("white space")),
            ("ci@serviceaccount.omni.sidero.dev", Some("omni_service_account")),
            ("p@Infra-Provider.serviceaccount.omni.sidero.dev", Some("omni_service_account")),
            ("jane@myserviceaccount.omni.sidero.dev", None),
        ] {
            let found = problem(text);
            assert_eq!(found.is_some(), says.is_some(), "{text}: {found:?}");
            assert!(found.unwrap_or_default().contains(says.unwrap_or_default()), "{text}");
        }
    }

    #[test]
    fn addresses() {
        for (text, is) in [
            ("jane@example.org", true),
            ("Jane.Doe+x@Example.org", true),
            ("jane@localhost", true),
            ("jane", false),
            ("@example.org", false),
            ("jane@", false),
            ("jane@example@org", false),
            ("jane..doe@example.org", false),
            ("<jane@example.org>", false),
        ] {
            assert_eq!(is_address(text), is, "{text}");
        }
    }

    fn listed(email: &str, role: &str) -> Object<Listed> {
        object(Listed { id: "u".into(), email: email.into(), role: role.into(), ..Listed::default() })
    }

    #[test]
    fn the_address_stays_as_written() {
        let binding = Binding::new(User::rows());
        let schema = User::about().with_all(binding.attributes());
        let (user, joined) = (listed("jane@example.org", "Reader"), Joined::default());
        for (prior, stays) in [
            ("Jane@Example.org".into(), "Jane@Example.org"),
            ("joe@example.org".into(), "jane@example.org"),
            (Value::Null, "jane@example.org"),
        ] {
            let prior = Value::object([("email", prior)]);
            let state = keep_same(&schema, &prior, show::<User>(&binding, &user, &joined, &prior).unwrap());
            assert_eq!(state.get("email").as_str(), Some(stays));
            assert_eq!((state.get("id").as_str(), state.get("last_active")), (Some("u"), &Value::Null));
        }
    }

    #[test]
    fn a_list_shows_a_write_once_it_has_its_role() {
        let binding = Binding::new(User::rows());
        let wanted = Value::object([
            ("id", Value::UNKNOWN),
            ("email", "Jane@Example.org".into()),
            ("role", "Reader".into()),
            ("saml_labels", Value::UNKNOWN),
        ]);
        for (email, role, is_shown) in [
            ("jane@example.org", "Reader", true),
            ("jane@example.org", "Admin", false),
            ("joe@example.org", "Reader", false),
        ] {
            let fields = Fields::decode::<Listed>(&listed(email, role).stored.spec).unwrap();
            assert_eq!(binding.is_shown(&fields, &wanted).unwrap(), is_shown, "{email} {role}");
        }
    }
}
