//! `omni_service_account` and `omni_service_accounts`: service accounts and their public keys.
//! Omni does not list accounts of infrastructure providers: their identities show which ones exist, and their keys are unknown.

use crate::omni::auth::date;
use crate::omni::auth::generate;
use crate::omni::auth::generate::identity;
use crate::omni::spec::Spec;
use crate::omni::state::query::LabelQuery;
use crate::omni::{AccountKey, Error, ErrorKind, Query, ServiceAccount};
use crate::provider::engine::{Cx, Object};
use crate::provider::lookup::computed::{flag, text};
use crate::provider::lookup::{Item, ListSource, Lookup, Request, SingleSource};
use crate::provider::roles;
use crate::tf::check::{not_empty, one_of};
use crate::tf::schema::{Attribute, boolean, objects, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use omni_proto::specs::{IdentitySpec, IdentityStatusSpec};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) struct ServiceAccounts;

/// The label on the identity of an infrastructure provider's account.
const PROVIDER_LABEL: &str = "omni.sidero.dev/infra-provider";
/// The only role that such an account can have.
const PROVIDER_ROLE: &str = "InfraProvider";
/// What the names of the accounts of infrastructure providers begin with.
const PROVIDER: &str = "infra-provider:";

#[derive(Serialize)]
pub(super) struct Account {
    id: String,
    name: String,
    role: String,
    infra_provider: bool,
    expiration: Option<String>,
    last_active: Option<String>,
    public_key_ids: Option<BTreeSet<String>>,
    keys: Option<Vec<PublicKey>>,
}

#[derive(Serialize)]
struct PublicKey {
    id: String,
    expiration: Option<String>,
    created: Option<String>,
    last_used: Option<String>,
}

impl From<ServiceAccount> for Item<Account> {
    fn from(account: ServiceAccount) -> Self {
        let ServiceAccount { name, role, last_active, mut keys } = account;
        keys.sort_by(|a, b| (b.expiration, &a.id).cmp(&(a.expiration, &b.id)));
        let id = identity(&name);
        let item = Account {
            id: id.clone(),
            infra_provider: name.starts_with(PROVIDER),
            name,
            role,
            expiration: keys.first().and_then(|key| key.expiration).map(date),
            last_active,
            public_key_ids: Some(keys.iter().map(|key| key.id.clone()).collect()),
            keys: Some(keys.into_iter().map(PublicKey::from).collect()),
        };
        Self::new(id, item)
    }
}

impl From<AccountKey> for PublicKey {
    fn from(key: AccountKey) -> Self {
        let AccountKey { id, expiration, created, last_used } = key;
        Self { id, expiration: expiration.map(date), created: created.map(date), last_used: last_used.map(date) }
    }
}

#[async_trait]
impl Lookup for ServiceAccounts {
    type Object = Account;

    const NOUN: &'static str = "service account";
    const NOUNS: &'static str = "service accounts";
    const MAY_BE_NAMED: bool = false;

    fn attributes() -> Vec<Attribute> {
        vec![
            text("id", "Full identity of the account: `<name>@serviceaccount.omni.sidero.dev`."),
            text("name", "Name of the account; that of an infrastructure provider begins with `infra-provider:`."),
            text("role", &format!("Role of the account: {}.", roles::DOC)),
            flag("infra_provider", "Whether this is the service account of an infrastructure provider."),
            text("expiration", "Latest expiration of its keys, in RFC 3339; null without keys, and for service accounts of infrastructure providers."),
            text("last_active", "Last use of the account, in RFC 3339; null if it was never used.").since("1.6"),
            plain("public_key_ids", Type::set(Type::String))
                .computed()
                .doc("IDs of its keys, possibly including expired ones. Null for accounts of infrastructure providers, whose keys Omni does not list."),
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
            .doc("Keys of the account, latest expiration first. Null for accounts of infrastructure providers, whose keys Omni does not list."),
        ]
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Account>>, Error> {
        let (listed, providers) = tokio::try_join!(listed(cx, request), of_providers(cx, request))?;
        Ok(listed.into_iter().chain(providers).collect())
    }

    fn matches(config: &Value, found: &Item<Account>) -> bool {
        config.get("role").as_str().is_none_or(|role| role == found.item.role)
            && config.get("infra_provider").as_bool().is_none_or(|request| request == found.item.infra_provider)
    }

    fn display(found: &Item<Account>) -> String {
        format!("`{}`", found.item.name)
    }
}

/// Which of the two kinds of accounts can be among those that are wanted.
fn asks_for(request: &Request<'_>, provider: bool) -> bool {
    let filter = request.config.get("infra_provider").as_bool();
    filter.is_none_or(|only| only == provider)
        && request.id.as_ref().is_none_or(|name| name.starts_with(PROVIDER) == provider)
}

/// The accounts that Omni lists.
async fn listed(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Account>>, Error> {
    if !asks_for(request, false) {
        return Ok(Vec::new());
    }
    let accounts = cx.client().service_accounts(&cx.call).await?;
    // One is asked for by its name, and several are chosen by their ids.
    let id = |account: &ServiceAccount| {
        if request.id.is_some() { account.name.clone() } else { identity(&account.name) }
    };
    let selects = |account: &ServiceAccount| request.selects(&id(account), &BTreeMap::new());
    Ok(accounts.into_iter().filter(selects).map(Item::from).collect())
}

/// The accounts of infrastructure providers, by their identities.
async fn of_providers(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Account>>, Error> {
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
        let id = object.id().to_owned();
        let item = Account {
            name: generate::name(&id)?,
            role: PROVIDER_ROLE.to_owned(),
            infra_provider: true,
            expiration: None,
            last_active: active.remove(&id),
            public_key_ids: None,
            keys: None,
            id: id.clone(),
        };
        Some(Item::new(id, item))
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
    use std::time::Duration;

    fn key(id: &str, expiration: Option<u64>) -> AccountKey {
        AccountKey { id: id.into(), expiration: expiration.map(Duration::from_secs), created: None, last_used: None }
    }

    #[test]
    fn the_key_that_lasts_longest_comes_first() {
        let keys = vec![key("b", Some(60)), key("c", None), key("a", Some(3600))];
        let account =
            ServiceAccount { name: "infra-provider:p".into(), role: "InfraProvider".into(), last_active: None, keys };
        let found = Item::from(account);
        assert_eq!(found.id, "p@infra-provider.serviceaccount.omni.sidero.dev");
        assert!(found.item.infra_provider);
        assert_eq!(found.item.expiration.as_deref(), Some("1970-01-01T01:00:00Z"));
        let keys = found.item.keys.unwrap();
        assert_eq!(keys.iter().map(|k| k.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
