//! `omni_service_account` and `omni_service_accounts`: service accounts and their public keys.
//! Omni does not list accounts of infrastructure providers: their identities show which ones exist, and their keys are unknown.

use crate::omni::auth::date;
use crate::omni::auth::generate;
use crate::omni::auth::generate::identity;
use crate::omni::spec::Spec;
use crate::omni::state::query::LabelQuery;
use crate::omni::{AccountKey, Error, ErrorKind, Query, ServiceAccount};
use crate::provider::engine::{Bind, Binding, Cx, Joined, Object, Row, Table};
use crate::provider::lookup::computed::{flag, text};
use crate::provider::lookup::{Item, ListSource, Lookup, Request, Shown, SingleSource};
use crate::provider::roles;
use crate::tf::check::{not_empty, one_of};
use crate::tf::diag::Diagnostic;
use crate::tf::schema::{Attribute, boolean, objects, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use omni_proto::specs::{IdentitySpec, IdentityStatusSpec};
use prost_types::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

pub(super) struct ServiceAccounts;

/// The label on the identity of an infrastructure provider's account.
const PROVIDER_LABEL: &str = "omni.sidero.dev/infra-provider";
/// The only role that such an account can have.
const PROVIDER_ROLE: &str = "InfraProvider";
/// What the names of the accounts of infrastructure providers begin with.
const PROVIDER: &str = "infra-provider:";

impl Table for ServiceAccounts {
    type Spec = ServiceAccount;

    const NAME: &'static str = "omni_service_account";
    const NOUN: &'static str = "service account";
    const ID: &'static str = "name";

    fn rows() -> Vec<Row> {
        vec![
            text("id", "Full identity of the account: `<name>@serviceaccount.omni.sidero.dev`.").id(),
            text("name", "Name of the account; that of an infrastructure provider begins with `infra-provider:`.").field("name"),
            text("role", &format!("Role of the account: {}.", roles::DOC)).field("role"),
            flag("infra_provider", "Whether this is the service account of an infrastructure provider.").derived(),
            text("expiration", "Latest expiration of its keys, in RFC 3339; null without keys, and for service accounts of infrastructure providers.").derived(),
            text("last_active", "Last use of the account, in RFC 3339; null if it was never used.").since("1.6").optional_field("last_active"),
            plain("public_key_ids", Type::set(Type::String))
                .computed()
                .doc("IDs of its keys, possibly including expired ones. Null for accounts of infrastructure providers, whose keys Omni does not list.")
                .derived(),
            objects(
                "keys",
                vec![
                    text("id", "ID of the key: its OpenPGP fingerprint, 40 lower-case hexadecimal digits."),
                    text("expiration", "Expiration time, in RFC 3339."),
                    text("created", "Creation time, in RFC 3339.").since("1.8"),
                    text("last_used", "Last use, in RFC 3339; null if it was never used.").since("1.8"),
                ],
            )
            .computed()
            .doc("Keys of the account, latest expiration first. Null for accounts of infrastructure providers, whose keys Omni does not list.")
            .derived(),
        ]
    }

    fn derive(
        account: &Object<ServiceAccount>,
        _joined: &Joined,
        _prior: &Value,
        shown: &mut Value,
    ) -> Result<(), Diagnostic> {
        let is_of_provider = account.spec.name.starts_with(PROVIDER);
        shown.set("infra_provider", is_of_provider.into());
        let mut keys: Vec<_> = account.spec.pgp_public_keys.iter().collect();
        if is_of_provider && keys.is_empty() {
            return Ok(());
        }
        keys.sort_by_key(|key| (Reverse(key.expiration.map(|at| at.seconds)), &key.id));
        shown.set("expiration", keys.first().map_or(Value::Null, |key| time(key.expiration)));
        let ids: BTreeSet<_> = keys.iter().map(|key| key.id.as_str()).collect();
        shown.set("public_key_ids", Value::Set(ids.into_iter().map(Value::from).collect()));
        shown.set("keys", Value::List(keys.into_iter().map(key).collect()));
        Ok(())
    }
}

/// A key as an attribute.
fn key(key: &AccountKey) -> Value {
    Value::object([
        ("id", key.id.as_str().into()),
        ("expiration", time(key.expiration)),
        ("created", time(key.created)),
        ("last_used", time(key.last_used)),
    ])
}

/// A time to the second; null where the server does not say.
fn time(at: Option<Timestamp>) -> Value {
    at.map(|at| date(Duration::from_secs(u64::try_from(at.seconds).unwrap_or_default()))).into()
}

/// An account as data sources show it.
fn item(account: ServiceAccount) -> Result<Item<Shown>, Error> {
    let object = Object::listed(identity(&account.name), account);
    let shown = Shown::of::<ServiceAccounts>(&Binding::new(ServiceAccounts::rows()), &object, &Joined::default())?;
    Ok(Item::new(object.id(), shown))
}

#[async_trait]
impl Lookup for ServiceAccounts {
    type Object = Shown;

    const NOUN: &'static str = "service account";
    const NOUNS: &'static str = "service accounts";
    const MAY_BE_NAMED: bool = false;

    fn attributes() -> Vec<Attribute> {
        Binding::new(Self::rows()).attributes().collect()
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Shown>>, Error> {
        let (listed, providers) = tokio::try_join!(listed(cx, request), of_providers(cx, request))?;
        listed.into_iter().chain(providers).map(item).collect()
    }

    fn matches(config: &Value, found: &Item<Shown>) -> bool {
        ["role", "infra_provider"].iter().all(|name| found.item.fits(config, name, name))
    }

    fn display(found: &Item<Shown>) -> String {
        format!("`{}`", found.item.0.get("name").as_str().unwrap_or_default())
    }
}

/// Which of the two kinds of accounts can be among those that are wanted.
fn asks_for(request: &Request<'_>, provider: bool) -> bool {
    let filter = request.config.get("infra_provider").as_bool();
    filter.is_none_or(|only| only == provider)
        && request.id.as_ref().is_none_or(|name| name.starts_with(PROVIDER) == provider)
}

/// The accounts that Omni lists.
async fn listed(cx: &Cx, request: &Request<'_>) -> Result<Vec<ServiceAccount>, Error> {
    if !asks_for(request, false) {
        return Ok(Vec::new());
    }
    let accounts = cx.client().service_accounts(&cx.call).await?;
    // One is asked for by its name, and several are chosen by their ids.
    let id = |account: &ServiceAccount| {
        if request.id.is_some() { account.name.clone() } else { identity(&account.name) }
    };
    let selects = |account: &ServiceAccount| request.selects(&id(account), &BTreeMap::new());
    Ok(accounts.into_iter().filter(selects).collect())
}

/// The accounts of infrastructure providers, by their identities.
async fn of_providers(cx: &Cx, request: &Request<'_>) -> Result<Vec<ServiceAccount>, Error> {
    if !asks_for(request, true) {
        return Ok(Vec::new());
    }
    let identities: Vec<Object<IdentitySpec>> = match &request.id {
        Some(name) => cx.find::<IdentitySpec>(&identity(name)).await?.into_iter().collect(),
        None => {
            let query = Query::from(LabelQuery::new().exists(PROVIDER_LABEL));
            let all = cx.client().list(&cx.call, IdentitySpec::KIND, &query).await?;
            all.into_iter().map(Object::decode).collect::<Result<_, _>>()?
        }
    };
    let chosen = |identity: &Object<IdentitySpec>| {
        request.id.is_some() || request.selects(identity.id(), &identity.stored.metadata.labels)
    };
    let identities: Vec<_> = identities.into_iter().filter(chosen).collect();
    if identities.is_empty() {
        return Ok(Vec::new());
    }
    let mut active = last_active(cx).await?;
    let account = |object: Object<IdentitySpec>| {
        let last_active = active.remove(object.id()).unwrap_or_default();
        let (name, role) = (generate::name(object.id())?, PROVIDER_ROLE.to_owned());
        Some(ServiceAccount { name, role, last_active, ..ServiceAccount::default() })
    };
    Ok(identities.into_iter().filter_map(account).collect())
}

/// When the accounts of infrastructure providers were last used, by identity; those that never were are not among them.
async fn last_active(cx: &Cx) -> Result<HashMap<String, String>, Error> {
    let query = Query::from(LabelQuery::new().exists(PROVIDER_LABEL));
    let statuses = match cx.client().list(&cx.call, IdentityStatusSpec::KIND, &query).await {
        // Servers before 1.6 do not keep it, and say so in either way.
        Err(error) if error.is(ErrorKind::Unimplemented) || error.is(ErrorKind::Denied) => return Ok(HashMap::new()),
        statuses => statuses?,
    };
    let mut active = HashMap::new();
    for status in statuses {
        let status = Object::<IdentityStatusSpec>::decode(status)?;
        if !status.spec.last_active.is_empty() {
            active.insert(status.stored.key.id, status.spec.last_active);
        }
    }
    Ok(active)
}

impl ListSource for ServiceAccounts {
    const NAME: &'static str = "omni_service_accounts";
    const LIST: &'static str = "service_accounts";
    const ABOUT: &'static str = "Lists service accounts, their roles and their public keys. All filters that are set must match. Requires the role `Admin`.";
    const LABELS: Option<&'static str> = None;

    fn filters() -> Vec<Attribute> {
        vec![
            string("role").check(one_of(roles::ALL)).doc(format!("Only accounts with this role: {}.", roles::DOC)),
            boolean("infra_provider")
                .doc("Filter by type: `true` returns accounts of infrastructure providers, `false` the others."),
        ]
    }
}

impl SingleSource for ServiceAccounts {
    const NAME: &'static str = "omni_service_account";
    const ABOUT: &'static str = "Reads a service account, its role and its public keys. It does not have to be managed by Terraform. Requires the role `Admin`.";
    const ID: &'static str = "name";

    fn arguments() -> Vec<Attribute> {
        vec![
            string("name")
                .required()
                .check(not_empty())
                .doc("Name of the account; that of an infrastructure provider begins with `infra-provider:`."),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::engine::misfits;

    fn key(id: &str, expiration: Option<i64>) -> AccountKey {
        let expiration = expiration.map(|seconds| Timestamp { seconds, nanos: 0 });
        AccountKey { id: id.into(), expiration, ..AccountKey::default() }
    }

    #[test]
    fn the_key_that_lasts_longest_comes_first() {
        let pgp_public_keys = vec![key("b", Some(60)), key("c", None), key("a", Some(3600))];
        let (name, role) = ("infra-provider:p".to_owned(), "InfraProvider".to_owned());
        let found = item(ServiceAccount { name, role, pgp_public_keys, ..ServiceAccount::default() }).unwrap();
        assert_eq!(found.id, "p@infra-provider.serviceaccount.omni.sidero.dev");
        let shown = &found.item.0;
        assert_eq!(shown.get("infra_provider").as_bool(), Some(true));
        assert_eq!(shown.get("expiration").as_str(), Some("1970-01-01T01:00:00Z"));
        let keys = shown.get("keys").elements().iter();
        assert_eq!(keys.map(|key| key.get("id").as_str().unwrap()).collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn rows_fit_the_message() {
        assert_eq!(misfits::<ServiceAccount>(ServiceAccounts::rows()), [""; 0]);
    }

    #[test]
    fn keys_that_nobody_lists_are_not_known() {
        for (name, known) in [("ci", true), ("infra-provider:p", false)] {
            let found = item(ServiceAccount { name: name.into(), ..ServiceAccount::default() }).unwrap();
            assert_eq!(!found.item.0.get("keys").is_null(), known, "{name}");
            assert_eq!(!found.item.0.get("public_key_ids").is_null(), known, "{name}");
        }
    }
}
