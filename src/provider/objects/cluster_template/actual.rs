//! The objects of a cluster that a template can describe, as they are in Omni.

use super::document;
use crate::omni::spec::{Spec, compressed};
use crate::omni::template::{self, LISTED, SyncPlan};
use crate::omni::{Error, ErrorKind, Key, Kind, Query, Resource as Stored, labels, version};
use crate::provider::engine::Cx;
use crate::provider::wait;
use futures_util::future::try_join_all;
use omni_proto::specs;
use prost::Message as _;

/// The objects of the cluster that are there: the cluster, what carries its label, and the objects under the IDs of the rendered
/// ones. Objects of controllers are left out.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn objects(cx: &Cx, cluster: &str, rendered: &[Stored]) -> Result<Vec<Stored>, Error> {
    let release = document::release(cx).await?;
    let listed = listed(cx, cluster).await?;
    let found: Vec<Key> = listed.iter().map(|stored| stored.key.clone()).collect();
    let mut keys = vec![specs::ClusterSpec::KIND.key(cluster)];
    keys.extend(template::lookups(cluster, rendered, &listed, release));
    keys.sort_by(|a, b| (a.kind.name, &a.id).cmp(&(b.kind.name, &b.id)));
    keys.dedup();
    keys.retain(|key| !found.contains(key));
    let reads = keys.iter().map(|key| read(cx, key));
    let read: Vec<Option<Stored>> = try_join_all(reads).await?;
    let mut all = listed;
    all.extend(read.into_iter().flatten());
    all.retain(|stored| !labels::is_systems(&stored.metadata));
    all.into_iter().map(plain).collect()
}

/// What carries the label of the cluster.
async fn listed(cx: &Cx, cluster: &str) -> Result<Vec<Stored>, Error> {
    let query = Query::label(labels::CLUSTER, cluster);
    let query = &query;
    let lists = LISTED.into_iter().map(|kind| async move {
        match cx.client().list(&cx.call, kind, query).await {
            Err(error) if lacks(kind, &error) => Ok(Vec::new()),
            other => other,
        }
    });
    Ok(try_join_all(lists).await?.into_iter().flatten().collect())
}

/// An object by its ID; `None` when it is not there.
async fn read(cx: &Cx, key: &Key) -> Result<Option<Stored>, Error> {
    match cx.read(key).await {
        Ok(stored) => Ok(Some(stored)),
        Err(error) if error.is(ErrorKind::NotFound) => Ok(None),
        Err(error) if lacks(key.kind, &error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an answer means that the server does not have the type.
fn lacks(kind: Kind, error: &Error) -> bool {
    let may_lack = version::needs(kind.name).is_some();
    may_lack && (error.is(ErrorKind::Denied) || error.is(ErrorKind::Unimplemented))
}

/// The object with its text as it is: Omni keeps long ones compressed.
fn plain(mut stored: Stored) -> Result<Stored, Error> {
    if stored.key.kind == specs::ConfigPatchSpec::KIND {
        let data = compressed::text::<specs::ConfigPatchSpec>(&stored)?;
        stored.spec = specs::ConfigPatchSpec { data, compressed_data: Vec::new() }.encode_to_vec();
    } else if stored.key.kind == specs::KubernetesManifestGroupSpec::KIND {
        let data = compressed::text::<specs::KubernetesManifestGroupSpec>(&stored)?;
        let spec = crate::omni::spec::decode::<specs::KubernetesManifestGroupSpec>(&stored)?;
        stored.spec = specs::KubernetesManifestGroupSpec { data, compressed_data: Vec::new(), ..spec }.encode_to_vec();
    }
    Ok(stored)
}

/// What removes the cluster; with `disconnected`, the objects of machines that are out of reach come first.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn removal(cx: &Cx, cluster: &str, actual: &[Stored], disconnected: bool) -> Result<SyncPlan, Error> {
    let mut gone = Vec::new();
    if disconnected {
        for machine in wait::disconnected(cx, cluster).await? {
            tracing::warn!(machine, cluster, "removing a machine that is not connected");
            gone.extend(read(cx, &specs::SiderolinkSpec::KIND.key(&machine)).await?);
            let patches = Query::label(labels::MACHINE, &machine);
            gone.extend(cx.client().list(&cx.call, specs::ConfigPatchSpec::KIND, &patches).await?);
            let extensions = Query::label(labels::CLUSTER_MACHINE, &machine);
            gone.extend(cx.client().list(&cx.call, specs::ExtensionsConfigurationSpec::KIND, &extensions).await?);
        }
        gone.retain(|stored| !labels::is_systems(&stored.metadata) || stored.key.kind == specs::SiderolinkSpec::KIND);
    }
    Ok(template::plan_delete(cluster, actual, &gone))
}

/// The clusters that templates have made, by name.
///
/// # Errors
/// When Omni does not answer.
pub(super) async fn clusters(cx: &Cx) -> Result<Vec<String>, Error> {
    let all = cx.client().list(&cx.call, specs::ClusterSpec::KIND, &Query::all()).await?;
    let of_template = |stored: &Stored| stored.metadata.annotations.contains_key(labels::MANAGED_BY_TEMPLATES);
    Ok(all.into_iter().filter(of_template).map(|stored| stored.key.id).collect())
}
