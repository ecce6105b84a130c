//! Locked clusters. Omni refuses changes to their machine sets and nodes; a plan reports it, unless the same run unlocks the cluster.
//! A lock that the run sets is meant for later: it is lifted for the writes that follow in the same run.

use crate::omni::spec::Spec;
use crate::omni::{Call, Error, ErrorKind, Phase, Resource as Stored, labels};
use crate::provider::engine::Cx;
use crate::provider::ledger::ObjectKey;
use crate::provider::session::at;
use crate::provider::view;
use crate::provider::view::Presence;
use crate::tf::diag::{Diagnostic, Diagnostics};
use omni_proto::specs::{ClusterSpec, ClusterStatusSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Omni lifts the lock while it imports a cluster.
pub(super) const IMPORTING: &str = "omni.sidero.dev/cluster-import-is-in-progress";

/// The mark on the status of a cluster that was imported: its lock does not keep it.
const IMPORTED: &str = "omni.sidero.dev/tainted-by-importing";

/// How long putting a lock back may take, whatever became of the operation that it was lifted for.
const RESTORE_TIMEOUT: Duration = Duration::from_secs(30);

/// What this run makes of the lock of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    /// The cluster is not locked.
    Unlocked,
    /// This run unlocks it.
    Unlocks,
    /// The configuration keeps it locked.
    Kept,
    /// This run locks it.
    Set,
}

/// The locks of the clusters that this process has planned.
#[derive(Default)]
pub(crate) struct Locks {
    intents: Mutex<BTreeMap<String, Intent>>,
    /// The removals that the lock of their cluster was reported for: the plans of both may find it at the same time.
    reported: Mutex<BTreeSet<String>>,
    /// For each cluster whose lock may be lifted, how many writes it is lifted for.
    lifts: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<usize>>>>,
}

impl Locks {
    /// A plan of the cluster was made: `wanted` is what it makes of the lock, `None` where that is left to others,
    /// and `before` whether the cluster was locked.
    pub(crate) fn note(&self, cluster: &str, wanted: Option<bool>, before: bool) {
        let mut intents = lock(&self.intents);
        let intent = match (wanted, before) {
            (Some(false), false) => Intent::Unlocked,
            (Some(false), true) => Intent::Unlocks,
            (Some(true), true) => Intent::Kept,
            (Some(true), false) => Intent::Set,
            // What others do with the lock is theirs.
            (None, _) => {
                intents.remove(cluster);
                return;
            }
        };
        intents.insert(cluster.to_owned(), intent);
    }

    /// Whether nobody has reported yet that the lock stops the removal of `what`; from now on, somebody has.
    pub(crate) fn report(&self, what: &str) -> bool {
        lock(&self.reported).insert(what.to_owned())
    }

    /// Whether this run unlocks the cluster.
    pub(crate) fn unlocks(&self, cluster: &str) -> bool {
        self.intent(cluster) == Some(Intent::Unlocks)
    }

    /// Sends a write of a part of the cluster; a lock that this run has set is lifted for as long as that takes.
    ///
    /// # Errors
    /// Those of the write. A lock that could not be put back is shown as drift by the next plan.
    pub(crate) async fn lifted<T, E: From<Error>>(
        &self,
        cx: &Cx,
        cluster: Option<&str>,
        write: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some(cluster) = cluster.filter(|cluster| self.intent(cluster) == Some(Intent::Set)) else {
            return write.await;
        };
        let lift = self.lift_of(cluster);
        {
            let mut writes = lift.lock().await;
            if *writes == 0 {
                set(cx, &cx.call, cluster, false).await?;
            }
            *writes += 1;
        }
        let written = write.await;
        let mut writes = lift.lock().await;
        *writes -= 1;
        if *writes == 0 {
            // The operation may be over or stopped by now.
            let call = Call::within(RESTORE_TIMEOUT, &CancellationToken::new());
            if let Err(error) = set(cx, &call, cluster, true).await {
                tracing::warn!(cluster, %error, "the cluster could not be locked again; the next apply does it");
            }
        }
        written
    }
    /// Unlocks the cluster.
    ///
    /// # Errors
    /// When Omni refuses, or does not answer.
    pub(crate) async fn unlock(&self, cx: &Cx, cluster: &str) -> Result<(), Error> {
        set(cx, &cx.call, cluster, false).await
    }

    fn intent(&self, cluster: &str) -> Option<Intent> {
        lock(&self.intents).get(cluster).copied()
    }

    fn lift_of(&self, cluster: &str) -> Arc<tokio::sync::Mutex<usize>> {
        lock(&self.lifts).entry(cluster.to_owned()).or_default().clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says in the plan of one of the `parts` of a cluster that the cluster is locked.
pub(crate) async fn check(cx: &Cx, cluster: &str, parts: &str, diags: &mut Diagnostics) -> Result<(), Error> {
    let intent = cx.session.locks.intent(cluster);
    if matches!(intent, Some(Intent::Unlocked | Intent::Unlocks | Intent::Set))
        || goes(cx, cluster)
        || !is_locked(cx, cluster).await?
    {
        return Ok(());
    }
    let summary = format!("Cluster `{cluster}` is locked");
    let diagnostic = if intent == Some(Intent::Kept) {
        Diagnostic::error(
            summary,
            format!("Omni refuses changes to the {parts} of a locked cluster, and this configuration keeps it locked."),
        )
        .hint(
            "Set `locked = false` on its `omni_cluster`, which is possible in the same apply, and lock it again afterwards.",
        )
    } else {
        Diagnostic::warning(
            summary,
            format!("Omni refuses changes to the {parts} of a locked cluster: the apply will fail unless it is unlocked by then."),
        )
        .hint("Unlock the cluster: set `locked = false` on its `omni_cluster`, or unlock it in Omni.")
    };
    diags.push(diagnostic.at(at("cluster")));
    Ok(())
}

/// The same in the plan of a removal. Hosts do not say which resource a removal was about, so `what` does.
pub(crate) async fn check_removal(
    cx: &Cx,
    cluster: &str,
    parts: &str,
    what: &str,
    diags: &mut Diagnostics,
) -> Result<(), Error> {
    let intent = cx.session.locks.intent(cluster);
    if matches!(intent, Some(Intent::Unlocked | Intent::Unlocks | Intent::Set)) || !blocks_removals(cx, cluster).await?
    {
        return Ok(());
    }
    let summary = format!("Cluster `{cluster}` is locked");
    let refused = format!("Omni does not remove the {parts} of a locked cluster.");
    let plan = format!("This plan destroys {what}.");
    // Where nothing is known of the cluster yet, its own plan may still unlock it.
    let diagnostic = if intent == Some(Intent::Kept) || goes(cx, cluster) {
        if !cx.session.locks.report(what) {
            return Ok(());
        }
        Diagnostic::error(summary, format!("{refused}\n{plan}"))
            .hint("Unlock the cluster first: apply `locked = false` on its `omni_cluster`, or unlock it in Omni.")
    } else {
        Diagnostic::warning(
            summary,
            format!("{refused}\n{plan} The apply will fail unless the cluster is unlocked by then."),
        )
        .hint("Unlock the cluster first: apply `locked = false` on its `omni_cluster`, or unlock it in Omni.")
    };
    diags.push(diagnostic.at(at("cluster")));
    Ok(())
}

/// Why Omni makes nothing of what is new in the cluster, if its lock is the reason and this run does not take it off.
pub(crate) async fn holds_up(cx: &Cx, cluster: &str) -> Result<Option<String>, Error> {
    let locked = match cx.session.locks.intent(cluster) {
        Some(Intent::Set | Intent::Kept) => true,
        Some(Intent::Unlocked | Intent::Unlocks) => false,
        None => is_locked(cx, cluster).await?,
    };
    Ok(locked
        .then(|| format!("Cluster `{cluster}` is locked, and Omni does not change the machines of a locked cluster.")))
}

/// Whether the cluster, as it was before this run, goes: its parts go with it.
fn goes(cx: &Cx, cluster: &str) -> bool {
    cx.session.ledger.goes(&ObjectKey::from(&ClusterSpec::KIND.key(cluster)))
}

/// Whether Omni lets a locked cluster be changed, since it is being imported.
pub(crate) async fn is_importing(cx: &Cx, cluster: &str) -> Result<bool, Error> {
    Ok(view::object::<ClusterSpec>(cx, cluster).await?.there().is_some_and(|c| c.has_annotation(IMPORTING)))
}

/// Whether the lock keeps the cluster from being destroyed: not one that was imported, nor one that has no status yet.
pub(crate) async fn is_kept(cx: &Cx, cluster: &str) -> Result<bool, Error> {
    Ok(match view::object::<ClusterStatusSpec>(cx, cluster).await? {
        Presence::Exists(status) => status.label(IMPORTED).is_none(),
        Presence::Missing => false,
        Presence::Unreadable => true,
    })
}

async fn is_locked(cx: &Cx, cluster: &str) -> Result<bool, Error> {
    let cluster = view::object::<ClusterSpec>(cx, cluster).await?.there();
    Ok(cluster.is_some_and(|c| c.has_annotation(labels::CLUSTER_LOCKED) && !c.has_annotation(IMPORTING)))
}

async fn blocks_removals(cx: &Cx, cluster: &str) -> Result<bool, Error> {
    Ok(match view::object::<ClusterSpec>(cx, cluster).await? {
        Presence::Exists(cluster) => {
            let torn_down = cluster.stored.metadata.phase == Phase::TearingDown;
            cluster.has_annotation(labels::CLUSTER_LOCKED) && !torn_down
        }
        Presence::Missing | Presence::Unreadable => false,
    })
}

/// Puts the lock on the cluster, or takes it off. A cluster that is gone, or is on its way out, stays as it is.
///
/// # Errors
/// When Omni refuses, or does not answer.
pub(crate) async fn set(cx: &Cx, call: &Call, cluster: &str, locked: bool) -> Result<(), Error> {
    let key = ClusterSpec::KIND.key(cluster);
    let change = |stored: &mut Stored| {
        let metadata = &mut stored.metadata;
        if metadata.phase == Phase::Running {
            if locked {
                metadata.annotations.entry(labels::CLUSTER_LOCKED.to_owned()).or_default();
            } else {
                metadata.annotations.remove(labels::CLUSTER_LOCKED);
            }
        }
        Ok(())
    };
    match cx.client().modify(call, &key, Some(Phase::Running), change).await {
        Err(error) if error.is(ErrorKind::NotFound) => Ok(()),
        modified => modified.map(drop),
    }
}
