//! Etcd backups: their store, schedule and status.

use super::context::ControllerContext;
use crate::names::{controller, kind, label};
use crate::object::Object;
use crate::worlds;
use kit::go_duration::GoDuration;
use omni_proto::specs::etcd_backup_status_spec::Status;
use omni_proto::specs::{
    ClusterBootstrapStatusSpec, ClusterSpec, EtcdBackupOverallStatusSpec, EtcdBackupS3ConfSpec, EtcdBackupSpec,
    EtcdBackupStatusSpec, EtcdBackupStoreStatusSpec, EtcdManualBackupSpec, LoadBalancerStatusSpec,
};
use prost_types::Timestamp;

const STORE_STATUS: &str = "etcdbackup-store-status";
const OVERALL_STATUS: &str = "etcdbackup-overall-status";
const S3_CONFIG: &str = "etcd-backup-s3-conf";

/// The size of the first backup of a cluster.
const SIZE: u64 = 4 << 20;

/// Makes the backups that are due.
pub(super) fn act(ctx: &ControllerContext<'_>) {
    let store = store(ctx);
    ctx.put("", kind::ETCD_BACKUP_STORE_STATUS, STORE_STATUS, &[], &store);
    for cluster in ctx.list(kind::CLUSTER) {
        let wanted = cluster.spec::<ClusterSpec>().backup_configuration.is_some_and(|wanted| wanted.enabled);
        if wanted && !cluster.tearing_down && !ctx.has(kind::ETCD_BACKUP_STATUS, &cluster.key.id) {
            let labels = [(label::CLUSTER, cluster.key.id.as_str())];
            let nothing = EtcdBackupStatusSpec::default();
            ctx.put(controller::ETCD_BACKUP, kind::ETCD_BACKUP_STATUS, &cluster.key.id, &labels, &nothing);
        }
        if !cluster.tearing_down && store.configuration_error.is_empty() {
            back_up(ctx, &cluster);
        }
    }
    for status in ctx.list(kind::ETCD_BACKUP_STATUS) {
        if !ctx.has(kind::CLUSTER, &status.key.id) {
            ctx.remove(kind::ETCD_BACKUP_STATUS, &status.key.id);
        }
    }
}

/// Where backups go, and what keeps them from going there.
fn store(ctx: &ControllerContext<'_>) -> EtcdBackupStoreStatusSpec {
    if ctx.get(worlds::SETTING, worlds::BACKUP_STORE).is_some_and(|setting| worlds::is_local(&setting)) {
        let configuration_name = "local".into();
        return EtcdBackupStoreStatusSpec { configuration_name, configuration_error: String::new() };
    }
    let config: EtcdBackupS3ConfSpec = ctx.spec(kind::ETCD_BACKUP_S3_CONFIG, S3_CONFIG);
    let configuration_error = match config == EtcdBackupS3ConfSpec::default() {
        true => "not initialized".into(),
        false => String::new(),
    };
    EtcdBackupStoreStatusSpec { configuration_name: "s3".into(), configuration_error }
}

/// One backup takes two steps: it runs, and then it is there.
fn back_up(ctx: &ControllerContext<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    let mut status: EtcdBackupStatusSpec = ctx.spec(kind::ETCD_BACKUP_STATUS, id);
    let now = Timestamp { seconds: ctx.now().as_secs().cast_signed(), nanos: 0 };
    if status.status() == Status::Running {
        finish(ctx, id, &mut status);
    } else if is_due(ctx, cluster, &status, now.seconds) {
        status.set_status(Status::Running);
        status.error = String::new();
        status.last_backup_attempt = Some(now);
    } else {
        return;
    }
    ctx.put(controller::ETCD_BACKUP, kind::ETCD_BACKUP_STATUS, id, &[(label::CLUSTER, id)], &status);
}

/// Whether the cluster's own interval or a request of users asks for a backup now.
fn is_due(ctx: &ControllerContext<'_>, cluster: &Object, status: &EtcdBackupStatusSpec, now: i64) -> bool {
    let id = cluster.key.id.as_str();
    if !ctx.spec::<ClusterBootstrapStatusSpec>(kind::CLUSTER_BOOTSTRAP_STATUS, id).bootstrapped {
        return false;
    }
    let attempt = status.last_backup_attempt.map(|at| at.seconds);
    let manual = ctx
        .get(kind::ETCD_MANUAL_BACKUP, id)
        .filter(|manual| !manual.tearing_down)
        .and_then(|manual| manual.spec::<EtcdManualBackupSpec>().backup_at);
    if manual.is_some_and(|at| at.seconds <= now && attempt.is_none_or(|attempt| at.seconds > attempt)) {
        return true;
    }
    let config = cluster.spec::<ClusterSpec>().backup_configuration.unwrap_or_default();
    let interval = config.interval.and_then(|interval| GoDuration::from_parts(interval.seconds, interval.nanos));
    match interval {
        Some(interval) if config.enabled && interval.parts().0 > 0 => {
            attempt.is_none_or(|attempt| now - attempt >= interval.parts().0)
        }
        _ => false,
    }
}

fn finish(ctx: &ControllerContext<'_>, id: &str, status: &mut EtcdBackupStatusSpec) {
    let Some(at) = status.last_backup_attempt else { return };
    if !ctx.spec::<LoadBalancerStatusSpec>(kind::LOAD_BALANCER_STATUS, id).healthy {
        status.set_status(Status::Error);
        status.error = format!("failed to get the etcd snapshot of cluster {id:?}: no control plane answers");
        return;
    }
    let made = ctx.labelled(kind::ETCD_BACKUP, label::CLUSTER, id).len() as u64;
    let spec = EtcdBackupSpec {
        created_at: Some(at),
        // The newest one comes first by name.
        snapshot: format!("{:016X}.snapshot", u64::MAX - at.seconds.cast_unsigned()),
        size: SIZE + made * 4096,
    };
    let name = format!("{id}-{}", at.seconds);
    ctx.put("", kind::ETCD_BACKUP, &name, &[(label::CLUSTER, id)], &spec);
    status.set_status(Status::Ok);
    status.last_backup_time = Some(at);
}

/// Sums up how backups go: the last one of all.
pub(super) fn sum_up(ctx: &ControllerContext<'_>) {
    let store: EtcdBackupStoreStatusSpec = ctx.spec(kind::ETCD_BACKUP_STORE_STATUS, STORE_STATUS);
    let last = ctx
        .list(kind::ETCD_BACKUP_STATUS)
        .iter()
        .map(|status| status.spec::<EtcdBackupStatusSpec>())
        .max_by_key(|status| status.last_backup_attempt.map_or(0, |at| at.seconds));
    let overall = EtcdBackupOverallStatusSpec {
        configuration_name: store.configuration_name,
        configuration_error: store.configuration_error,
        last_backup_status: last,
    };
    let owner = controller::ETCD_BACKUP_OVERALL_STATUS;
    ctx.put(owner, kind::ETCD_BACKUP_OVERALL_STATUS, OVERALL_STATUS, &[], &overall);
}
