//! `omni_etcd_backup_status` and `omni_etcd_backups`: how the backups of a cluster go, and which there are.

use super::store;
use crate::omni::spec::Spec;
use crate::omni::state::query::Query;
use crate::omni::{Error, labels};
use crate::provider::engine::{Cx, Object};
use crate::provider::lookup::computed::{text, whole};
use crate::provider::lookup::{Item, ListSource, Lookup, Request, SingleSource};
use crate::provider::timestamp;
use crate::tf::check::not_empty;
use crate::tf::schema::{Attribute, string};
use async_trait::async_trait;
use omni_proto::specs::{ClusterSpec, EtcdBackupSpec, EtcdBackupStatusSpec};
use prost_types::Timestamp;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;

fn time_of(at: Option<&Timestamp>) -> Option<String> {
    at.map(|at| timestamp::show(timestamp::from_proto(at)))
}

pub(super) struct BackupStatus;

#[derive(Serialize)]
pub(super) struct Status {
    cluster: String,
    status: String,
    error: String,
    last_backup_time: Option<String>,
    last_backup_attempt: Option<String>,
    store: Option<String>,
    store_error: Option<String>,
}

#[async_trait]
impl Lookup for BackupStatus {
    type Object = Status;

    const NOUN: &'static str = "cluster";
    const NOUNS: &'static str = "clusters";

    fn attributes() -> Vec<Attribute> {
        vec![
            text("cluster", "Name of the cluster."),
            text(
                "status",
                "Status of the last backup: `unknown` before the first one, then `ok`, `error` or `running`.",
            ),
            text("error", "Why the last backup failed; otherwise empty."),
            text("last_backup_time", "Time of the last backup that succeeded (RFC 3339); null before the first one."),
            text("last_backup_attempt", "Time of the last attempt (RFC 3339); null before the first one."),
            text("store", "Store of the instance: `s3` or `local`; null if Omni does not report it."),
            text("store_error", "Why the instance cannot store backups; otherwise empty."),
        ]
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Status>>, Error> {
        let (clusters, mut statuses, store) = tokio::try_join!(
            request.objects::<ClusterSpec>(cx),
            request.joined::<EtcdBackupStatusSpec>(cx),
            store::status(cx)
        )?;
        let (name, error) = store.map(|store| (store.configuration_name, store.configuration_error)).unzip();
        let status = |cluster: Object<ClusterSpec>| {
            let id = cluster.id();
            let last = statuses.remove(id).unwrap_or_default();
            let status = Status {
                cluster: id.to_owned(),
                status: last.status().as_str_name().to_lowercase(),
                last_backup_time: time_of(last.last_backup_time.as_ref()),
                last_backup_attempt: time_of(last.last_backup_attempt.as_ref()),
                error: last.error,
                store: name.clone(),
                store_error: error.clone(),
            };
            Item::new(id, status)
        };
        Ok(clusters.into_iter().map(status).collect())
    }
}

impl SingleSource for BackupStatus {
    const NAME: &'static str = "omni_etcd_backup_status";
    const ABOUT: &'static str =
        "Reads the status of the etcd backups of a cluster, and of the backup store of the instance.";
    const ID: &'static str = "cluster";

    fn arguments() -> Vec<Attribute> {
        vec![string("cluster").required().check(not_empty()).doc("Name of the cluster.")]
    }
}

pub(super) struct Backups;

#[derive(Serialize)]
pub(super) struct Backup {
    id: String,
    cluster: String,
    snapshot: String,
    created_at: Option<String>,
    size: u64,
}

#[async_trait]
impl Lookup for Backups {
    type Object = Backup;

    const NOUN: &'static str = "etcd backup";
    const NOUNS: &'static str = "etcd backups";

    fn attributes() -> Vec<Attribute> {
        vec![
            text("id", "ID of the backup."),
            text("cluster", "Name of the cluster."),
            text("snapshot", "Name of the snapshot, for `bootstrap_spec` of an `omni_machine_set`."),
            text("created_at", "Time of the backup (RFC 3339)."),
            whole("size", "Size in bytes."),
        ]
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Backup>>, Error> {
        // Omni lists the backups of one cluster at a time, and takes no other query.
        let cluster = request.config.get("cluster").as_str().unwrap_or_default();
        let query = Query::label(labels::CLUSTER, cluster);
        let stored = cx.client().list(&cx.call, EtcdBackupSpec::KIND, &query).await?;
        let mut found = Vec::with_capacity(stored.len());
        for stored in stored {
            let Object { stored, spec } = Object::<EtcdBackupSpec>::decode(stored)?;
            let id = stored.key.id;
            let backup = Backup {
                id: id.clone(),
                cluster: cluster.to_owned(),
                snapshot: spec.snapshot,
                created_at: time_of(spec.created_at.as_ref()),
                size: spec.size,
            };
            found.push(Item::new(id, backup));
        }
        found.retain(|backup| request.selects(&backup.id, &BTreeMap::new()));
        Ok(found)
    }

    fn order(a: &Item<Backup>, b: &Item<Backup>) -> Ordering {
        b.item.created_at.cmp(&a.item.created_at)
    }
}

impl ListSource for Backups {
    const NAME: &'static str = "omni_etcd_backups";
    const LIST: &'static str = "etcd_backups";
    const LABELS: Option<&'static str> = None;
    const ABOUT: &'static str =
        "Lists the etcd backups of a cluster, the newest first. All filters that are set must match.";

    fn filters() -> Vec<Attribute> {
        vec![string("cluster").required().check(not_empty()).doc("Name of the cluster.")]
    }
}
