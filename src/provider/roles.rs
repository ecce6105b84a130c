//! The roles of Omni, from the lowest to the highest, and what takes one that no access policy grants.

use super::engine::Cx;
use super::errors::Operation;
use super::ledger::Action;
use super::view;
use crate::omni::spec;
use crate::omni::spec::instance::{self, CurrentUserSpec};
use crate::tf::diag::{Diagnostic, Diagnostics};
use kit::version;

/// Every role.
pub(crate) const ALL: &[&str] = &["None", "InfraProvider", "Reader", "Auditor", "Operator", "Admin"];

/// Those that rules and policies can give to people.
pub(crate) const GRANTED: [&str; 4] = ["None", "Reader", "Operator", "Admin"];

/// How much a role may do: a higher rank includes what a lower one may. `None` for what is no role here.
pub(crate) fn rank(role: &str) -> Option<usize> {
    ALL.iter().position(|known| *known == role)
}

/// What a page says of an action for which this role is enough.
pub(crate) const NEEDS_READER: &str = "Requires the role `Reader`.";
/// The same of a higher role.
pub(crate) const NEEDS_OPERATOR: &str = "Requires the role `Operator`.";
/// The same of the highest one.
pub(crate) const NEEDS_ADMIN: &str = "Requires the role `Admin`.";
/// The same of what only these two may.
pub(crate) const NEEDS_AUDITOR: &str = "Requires the role `Auditor` (Omni 1.10 or later) or `Admin`.";

/// The roles in words, for documentation.
pub(crate) const DOC: &str =
    "one of `None`, `InfraProvider`, `Reader`, `Auditor` (Omni 1.10 or later), `Operator` and `Admin`";

/// A role that something takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needed {
    role: &'static str,
    /// A release, and the role that this takes before it.
    before: Option<((u64, u64), &'static str)>,
}

/// What only administrators may.
pub(crate) const ADMIN: Needed = Needed { role: "Admin", before: None };
/// What operators may.
pub(crate) const OPERATOR: Needed = Needed { role: "Operator", before: None };
/// A change of a join token, or of the choice of the default one.
pub(crate) const TOKENS: Needed = Needed { role: "Operator", before: Some(((1, 8), "Admin")) };

/// The roles that the writes of a resource type take; `None` where it depends on what is written, or on the cluster.
struct Writes {
    name: &'static str,
    create: Option<Needed>,
    update: Option<Needed>,
    destroy: Option<Needed>,
}

/// Every type that takes more than the role `Operator`. Where that depends on what is written, the type says it itself.
const WRITES: &[Writes] = &[
    administered("omni_access_policy"),
    administered("omni_etcd_backup_s3_config"),
    administered("omni_infra_machine_bmc_config"),
    administered("omni_saml_label_rule"),
    administered("omni_service_account"),
    administered("omni_user"),
    // Another label of the provider itself takes less than another key of its account.
    Writes { update: None, ..administered("omni_infra_provider") },
    Writes { update: Some(TOKENS), destroy: Some(TOKENS), ..administered("omni_join_token") },
];

/// A type that is written by administrators only.
const fn administered(name: &'static str) -> Writes {
    Writes { name, create: Some(ADMIN), update: Some(ADMIN), destroy: Some(ADMIN) }
}

/// Warns of the plan of an object of the type `name` that the role of the provider is too low for; says whether it is.
pub(crate) async fn check(
    cx: &Cx,
    name: &str,
    operation: &Operation<'_>,
    action: Action,
    diags: &mut Diagnostics,
) -> bool {
    let Some(writes) = WRITES.iter().find(|writes| writes.name == name) else { return false };
    let needed = match action {
        // Hosts drop what the second plan of a replacement warns of, which makes the object again.
        Action::Create | Action::Replace => writes.create,
        Action::Update => writes.update,
        Action::Remove => writes.destroy,
        Action::Keep => None,
    };
    match needed {
        Some(needed) => warn(cx, operation, needed, diags).await,
        None => false,
    }
}

/// Warns of a plan that Omni will refuse since the role of the provider is too low, and says whether it is.
/// Another key may apply the plan, so it is no error.
pub(crate) async fn warn(cx: &Cx, operation: &Operation<'_>, needed: Needed, diags: &mut Diagnostics) -> bool {
    let current = async { spec::decode::<CurrentUserSpec>(&cx.read(&instance::current_user_key()).await?) };
    let has = match current.await {
        Ok(user) => user.role,
        Err(error) => {
            tracing::debug!(%error, "the provider's own role is not known");
            return false;
        }
    };
    let (role, because) = needed.on_server(cx).await;
    // A role that is not known may allow anything.
    let (Some(rank_now), Some(rank_needed)) = (rank(&has), rank(role)) else { return false };
    // Of a suspended instance the engine has told once for all plans of the run, and another key would not help.
    if rank_now >= rank_needed || view::is_suspended(cx).await.unwrap_or(false) {
        return false;
    }
    diags.push(
        Diagnostic::warning(
            format!("Omni will refuse to {} {}", operation.verb, operation.what()),
            format!("The key of the provider has the role `{has}`, and this requires the role `{role}`{because}."),
        )
        .hint("Apply the plan with the key of an account that has this role. Access policies do not grant it."),
    );
    true
}

impl Needed {
    /// The role on this server, and what is special about it there, if anything.
    async fn on_server(self, cx: &Cx) -> (&'static str, String) {
        let Some(((major, minor), role)) = self.before else { return (self.role, String::new()) };
        let release = cx.client().server_version(&cx.call).await.ok();
        let release = release.as_deref().and_then(|text| version::parse(text).ok());
        match release.filter(|release| (release.major, release.minor) < (major, minor)) {
            Some(release) => (role, format!(" before Omni {major}.{minor}; the server says that it is {release}")),
            None => (self.role, String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_provider_names_every_type_that_takes_an_administrator() {
        let page = include_str!("../docs/provider.md");
        let rows: Vec<&str> = page.lines().filter(|line| line.ends_with("| `Admin` |")).collect();
        for Writes { name, .. } in WRITES {
            assert!(rows.iter().any(|row| row.contains(&format!("`{name}`"))), "{name}: {rows:#?}");
        }
    }
}
