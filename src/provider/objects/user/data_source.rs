//! `omni_user` and `omni_users`: users.

use crate::omni::{Error, User};
use crate::provider::engine::Cx;
use crate::provider::lookup::computed::{text, words};
use crate::provider::lookup::{Item, ListSource, Lookup, Request, SingleSource, is_regexp};
use crate::provider::roles;
use crate::tf::check::{not_empty, one_of};
use crate::tf::schema::{Attribute, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use regex::Regex;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;

pub(super) struct Users;

#[derive(Serialize)]
pub(super) struct Person {
    id: String,
    email: String,
    role: String,
    saml_labels: BTreeMap<String, String>,
    last_active: Option<String>,
}

impl From<User> for Item<Person> {
    fn from(user: User) -> Self {
        let User { id, email, role, saml_labels, last_active } = user;
        Self::new(id.clone(), Person { id, email, role, saml_labels, last_active })
    }
}

#[async_trait]
impl Lookup for Users {
    type Object = Person;

    const NOUN: &'static str = "user";
    const NOUNS: &'static str = "users";
    const MAY_BE_NAMED: bool = false;

    fn attributes() -> Vec<Attribute> {
        vec![
            text("id", "ID (UUID) of the user."),
            text("email", "E-mail address of the user, in lower case."),
            text("role", &format!("Role of the user: {}.", roles::DOC)),
            words("saml_labels", "Labels that the SAML identity provider assigned to the user; empty without SAML."),
            text("last_active", "Last activity of the user, in RFC 3339; null if there was none."),
        ]
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Person>>, Error> {
        let users = cx.client().users(&cx.call).await?.into_iter();
        // One is asked for by its address, and several are chosen by their ids.
        let id = |user: &User| if request.id.is_some() { user.email.to_lowercase() } else { user.id.clone() };
        Ok(users.filter(|user| request.selects(&id(user), &user.saml_labels)).map(Item::from).collect())
    }

    fn matches(config: &Value, found: &Item<Person>) -> bool {
        // The expression was checked with the configuration.
        let matches = |regexp: &str| Regex::new(regexp).is_ok_and(|regexp| regexp.is_match(&found.item.email));
        config.get("email_regexp").as_str().is_none_or(matches)
            && config.get("role").as_str().is_none_or(|role| role == found.item.role)
    }

    fn order(a: &Item<Person>, b: &Item<Person>) -> Ordering {
        a.item.email.cmp(&b.item.email)
    }

    fn display(found: &Item<Person>) -> String {
        format!("`{}`", found.item.email)
    }
}

impl ListSource for Users {
    const NAME: &'static str = "omni_users";
    const LIST: &'static str = "users";
    const ABOUT: &'static str = "Lists Omni users, sorted by e-mail address, without service accounts. All filters that are set must match. Requires Omni 1.6 or later, and the role `Admin`.";
    const LABELS: Option<&'static str> = Some("SAML labels");

    fn filters() -> Vec<Attribute> {
        vec![
            string("email_regexp")
                .document()
                .check(is_regexp())
                .doc("Only users whose e-mail address, in lower case, matches this regular expression."),
            string("role").check(one_of(roles::ALL)).doc(format!("Only users with this role: {}.", roles::DOC)),
        ]
    }
}

impl SingleSource for Users {
    const NAME: &'static str = "omni_user";
    const ABOUT: &'static str = "Reads an Omni user and their role. It does not have to be managed by Terraform. Requires Omni 1.6 or later, and the role `Admin`.";
    const ID: &'static str = "email";

    fn arguments() -> Vec<Attribute> {
        vec![string("email").required().check(not_empty()).doc("E-mail address of the user, ignoring case.")]
    }

    fn id(text: &str) -> String {
        text.to_lowercase()
    }
}
