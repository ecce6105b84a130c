//! `omni_user` and `omni_users`: users.

use super::resource::{User, object};
use crate::omni::{Error, User as Listed};
use crate::provider::engine::{Binding, Cx, Joined, Table};
use crate::provider::lookup::{Item, ListSource, Lookup, Request, Shown, SingleSource, is_regexp};
use crate::provider::roles;
use crate::tf::check::{not_empty, one_of};
use crate::tf::schema::{Attribute, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use regex::Regex;
use std::cmp::Ordering;

pub(super) struct Users;

fn table() -> Binding {
    Binding::reading(User::rows(), &[])
}

/// The value of an attribute that is a text.
fn text<'a>(found: &'a Item<Shown>, name: &str) -> &'a str {
    found.item.0.get(name).as_str().unwrap_or_default()
}

#[async_trait]
impl Lookup for Users {
    type Object = Shown;

    const NOUN: &'static str = "user";
    const NOUNS: &'static str = "users";
    const MAY_BE_NAMED: bool = false;

    fn attributes() -> Vec<Attribute> {
        table().described()
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Shown>>, Error> {
        let table = table();
        let users = cx.client().users(&cx.call).await?.into_iter();
        // One is asked for by its address, and several are chosen by their ids.
        let id = |user: &Listed| if request.id.is_some() { user.email.to_lowercase() } else { user.id.clone() };
        let labels = |user: &Listed| user.saml_labels.clone().into_iter().collect();
        let chosen = users.filter(|user| request.selects(&id(user), &labels(user)));
        let show = |user: Listed| {
            let id = user.id.clone();
            Ok(Item::new(id, Shown::of::<User>(&table, &object(user), &Joined::default())?))
        };
        chosen.map(show).collect()
    }

    fn matches(config: &Value, found: &Item<Shown>) -> bool {
        // The expression was checked with the configuration.
        let matches = |regexp: &str| Regex::new(regexp).is_ok_and(|regexp| regexp.is_match(text(found, "email")));
        config.get("email_regexp").as_str().is_none_or(matches) && found.item.fits(config, "role", "role")
    }

    fn order(a: &Item<Shown>, b: &Item<Shown>) -> Ordering {
        text(a, "email").cmp(text(b, "email"))
    }

    fn display(found: &Item<Shown>) -> String {
        format!("`{}`", text(found, "email"))
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
