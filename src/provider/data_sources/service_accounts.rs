//! `omni_service_account` and `omni_service_accounts`: the accounts that programs work with, and their public keys.

use crate::omni::auth::date;
use crate::omni::auth::generate::identity;
use crate::omni::{AccountKey, Error, Kind, ServiceAccount};
use crate::provider::crud::Cx;
use crate::provider::lookup::columns::{flag, text};
use crate::provider::lookup::{Found, Lookup, Many, One, Wanted};
use crate::provider::roles;
use crate::tf::check::{not_empty, one_of};
use crate::tf::schema::{Attribute, boolean, objects, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct ServiceAccounts;

/// The objects that stand for people and accounts; they hold the labels, and have the names as ids.
const IDENTITIES: Kind = Kind { namespace: "default", name: "Identities.omni.sidero.dev" };
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
    public_key_ids: BTreeSet<String>,
    keys: Vec<PublicKey>,
}

#[derive(Serialize)]
struct PublicKey {
    id: String,
    expiration: Option<String>,
    created: Option<String>,
    last_used: Option<String>,
}

impl From<ServiceAccount> for Found<Account> {
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
            public_key_ids: keys.iter().map(|key| key.id.clone()).collect(),
            keys: keys.into_iter().map(PublicKey::from).collect(),
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
    type Item = Account;

    const NOUN: &'static str = "service account";
    const NOUNS: &'static str = "service accounts";

    fn attributes() -> Vec<Attribute> {
        vec![
            text("id", "Full identity of the account: `<name>@serviceaccount.omni.sidero.dev`."),
            text("name", "Name of the account; that of an infrastructure provider begins with `infra-provider:`."),
            text("role", &format!("Role of the account: {}.", roles::DOC)),
            flag("infra_provider", "Whether it is the account of an infrastructure provider."),
            text("expiration", "When the key that lasts longest ends, in RFC 3339; null without keys."),
            text("last_active", "When the account was last used, in RFC 3339; null when it never was."),
            plain("public_key_ids", Type::set(Type::String))
                .computed()
                .doc("Ids of its keys: fingerprints of 40 lower-case hexadecimal digits. Keys that have expired may be among them."),
            objects(
                "keys",
                vec![
                    text("id", "Id of the key: its fingerprint, 40 lower-case hexadecimal digits."),
                    text("expiration", "When it ends, in RFC 3339."),
                    text("created", "When it was made, in RFC 3339; null on servers before Omni 1.7."),
                    text("last_used", "When it was last used, in RFC 3339; null when it never was, and before Omni 1.7."),
                ],
            )
            .computed()
            .doc("Its keys, those that last longest first."),
        ]
    }

    async fn list(cx: &Cx, wanted: &Wanted<'_>) -> Result<Vec<Found<Account>>, Error> {
        let accounts = cx.client().service_accounts(&cx.call);
        // The call that lists accounts shows no labels.
        let labels = async {
            if wanted.query.labels.is_empty() {
                return Ok(BTreeMap::new());
            }
            let all = cx.client().list(&cx.call, IDENTITIES, &wanted.query).await?;
            Ok(all.into_iter().map(|stored| (stored.key.id, stored.metadata.labels)).collect())
        };
        let (accounts, labels) = tokio::try_join!(accounts, labels)?;
        let none = BTreeMap::new();
        // One is asked for by its name, and several are chosen by their ids.
        let id = |account: &ServiceAccount| {
            if wanted.id.is_some() { account.name.clone() } else { identity(&account.name) }
        };
        let takes = |account: &ServiceAccount| {
            wanted.takes(&id(account), labels.get(&identity(&account.name)).unwrap_or(&none))
        };
        Ok(accounts.into_iter().filter(takes).map(Found::from).collect())
    }

    fn keeps(config: &Value, found: &Found<Account>) -> bool {
        config.get("role").as_str().is_none_or(|role| role == found.item.role)
            && config.get("infra_provider").as_bool().is_none_or(|wanted| wanted == found.item.infra_provider)
    }

    fn shown(found: &Found<Account>) -> String {
        format!("`{}`", found.item.name)
    }
}

impl Many for ServiceAccounts {
    const NAME: &'static str = "omni_service_accounts";
    const LIST: &'static str = "service_accounts";
    const ABOUT: &'static str = "The accounts that programs work with, their roles and their public keys. All filters that are set must hold. Needs a provider key with the role `Admin`.";
    const LABELS: &'static str =
        "identities in Omni bear labels that (only Omni itself sets any, such as `omni.sidero.dev/infra-provider`)";

    fn filters() -> Vec<Attribute> {
        vec![
            string("role").check(one_of(roles::ALL)).doc(format!("Only accounts with this role: {}.", roles::DOC)),
            boolean("infra_provider").doc("Only accounts that belong, or do not belong, to infrastructure providers."),
        ]
    }
}

impl One for ServiceAccounts {
    const NAME: &'static str = "omni_service_account";
    const ABOUT: &'static str = "An account that a program works with, and its public keys. It does not have to be managed by Terraform. Needs a provider key with the role `Admin`.";
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
        let found = Found::from(account);
        assert_eq!(found.id, "p@infra-provider.serviceaccount.omni.sidero.dev");
        assert!(found.item.infra_provider);
        assert_eq!(found.item.expiration.as_deref(), Some("1970-01-01T01:00:00Z"));
        assert_eq!(found.item.keys.iter().map(|k| k.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
