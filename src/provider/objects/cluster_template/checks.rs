//! Plan checks of a template against the instance: locks, versions and features of the cluster, and patches.

use crate::omni::spec::Spec;
use crate::omni::template::SyncPlan;
use crate::omni::{Error, Resource as Stored};
use crate::provider::engine::{Binding, Cx, Joined, Object, Table, Wanted, show};
use crate::provider::objects::cluster::resource::Cluster;
use crate::provider::objects::cluster::{checks, lock};
use crate::provider::objects::config_patch::judge;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::resource::{Plan, Private};
use crate::tf::value::Value;
use omni_proto::specs::{ClusterSpec, ConfigPatchSpec};

/// What to do about a lock, which no template has.
const UNLOCK: &str = "Unlock the cluster in Omni, or with the action `omni_cluster_unlock`.";

/// Checks what a plan writes.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn check(cx: &Cx, plan: &mut Plan<'_>, wanted: &Wanted, sync: &SyncPlan) -> Result<(), Error> {
    let at = |diagnostic: &Diagnostic| diagnostic.clone().at(Path::of(wanted.attribute));
    let mut found = Diagnostics::new();
    if plan.prior.is_some() && !sync.is_empty() {
        lock::check(cx, &wanted.id, "objects", &mut found).await?;
    }
    plan.diags.extend(found.iter().map(|told| at(told).hint(UNLOCK)).collect());
    let found = check_cluster(cx, sync).await?;
    plan.diags.extend(found.iter().map(at).collect());
    let written = sync.creates.iter().chain(sync.updates.iter().map(|update| &update.to));
    for stored in written.filter(|stored| stored.key.kind == ConfigPatchSpec::KIND) {
        let text = crate::omni::spec::decode::<ConfigPatchSpec>(stored)?.data;
        if let Some(refused) = judge::refusal(cx, &text).await? {
            plan.diags.push(
                Diagnostic::error(
                    format!("Omni refuses the patch `{}`", stored.key.id),
                    crate::provider::errors::detail(&refused),
                )
                .hint("Correct the patch in the template, or the file that the template names for it.")
                .at(Path::of(wanted.attribute)),
            );
        }
    }
    Ok(())
}

/// Checks the cluster itself as an `omni_cluster` is checked.
async fn check_cluster(cx: &Cx, sync: &SyncPlan) -> Result<Diagnostics, Error> {
    let is_cluster = |stored: &&Stored| stored.key.kind == ClusterSpec::KIND;
    let created = sync.creates.iter().find(is_cluster).map(|stored| (None, stored));
    let updated = || sync.updates.iter().find(|u| is_cluster(&&u.to)).map(|u| (Some(&u.from), &u.to));
    let Some((from, to)) = created.or_else(updated) else { return Ok(Diagnostics::new()) };
    let (Ok(prior), Ok(planned)) = (from.map(as_cluster).transpose(), as_cluster(to)) else {
        return Ok(Diagnostics::new());
    };
    let mut plan = Plan {
        config: &planned.clone(),
        prior: prior.as_ref(),
        planned,
        replace: Vec::new(),
        private: Private::default(),
        replaced: Private::default(),
        diags: Diagnostics::new(),
        deferral: None,
    };
    checks::check(cx, &mut plan).await?;
    Ok(plan.diags)
}

/// The cluster as an `omni_cluster` shows it.
fn as_cluster(stored: &Stored) -> Result<Value, Diagnostic> {
    let object = Object::<ClusterSpec>::decode(stored.clone())
        .map_err(|error| Diagnostic::from_error("Could not read the cluster", &error))?;
    show::<Cluster>(&Binding::new(Cluster::rows()), &object, &Joined::default(), &Value::Null)
}

/// Says in the plan of a removal that the cluster is locked.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn check_removal(cx: &Cx, cluster: &str, diags: &mut Diagnostics) -> Result<(), Error> {
    let mut found = Diagnostics::new();
    lock::check_removal(cx, cluster, "objects", &format!("cluster template `{cluster}`"), &mut found).await?;
    diags.extend(found.iter().map(|told| told.clone().hint(UNLOCK)).collect());
    Ok(())
}
