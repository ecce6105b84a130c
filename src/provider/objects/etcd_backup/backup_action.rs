//! `omni_etcd_backup`: has Omni back up the etcd of a cluster now, and waits for the backup.

use super::store;
use crate::omni::spec;
use crate::omni::spec::Spec;
use crate::omni::{Error, ErrorKind, Phase, Resource as Stored, labels};
use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::objects::cluster::argument;
use crate::provider::objects::cluster::argument::cluster_attribute;
use crate::provider::roles;
use crate::provider::timestamp;
use crate::provider::wait::Step;
use crate::tf::diag::{Diagnostic, Diagnostics, sentence};
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::etcd_backup_status_spec::Status;
use omni_proto::specs::{EtcdBackupStatusSpec, EtcdManualBackupSpec};
use prost::Message as _;
use prost_types::Timestamp;

pub(super) struct BackUp;

const FACTS: Facts = Facts {
    name: "omni_etcd_backup",
    verb: "back up",
    noun: "etcd of cluster",
    id: "cluster",
    timeout: "15m",
    role: roles::NEEDS_OPERATOR,
};

#[async_trait]
impl OmniAction for BackUp {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Backs up the etcd of a cluster now, and waits until the backup is stored. The instance needs a store for backups: S3, which `omni_etcd_backup_s3_config` configures, or its local disk.",
        )
        .with(cluster_attribute().required().doc("Name of the cluster."))
    }

    fn goes_on(&self, config: &Value) -> Option<String> {
        let cluster = config.get("cluster").as_str().unwrap_or_default();
        Some(format!(
            "Omni goes on with the backup. See where it stands with `omnictl get etcdbackupstatus {cluster}`; the data source \
             `omni_etcd_backups` lists it once it is stored. Another invocation of this action requests another backup."
        ))
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        if let Some(why) = store::problem_after_run(cx).await? {
            diags.push(no_store(config, &why));
        }
        argument::check_named(cx, config, diags).await
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        let operation = FACTS.operation(config);
        let cluster = operation.id;
        argument::named(run.cx(), &operation).await?;
        if let Some(why) = store::problem(run.cx()).await? {
            return Err(no_store(config, &why).into());
        }
        let last = run.find_fresh::<EtcdBackupStatusSpec>(cluster).await?;
        let last = last.and_then(|status| status.spec.last_backup_attempt).map_or(0, |at| at.seconds);
        // Omni backs up for a request that is later than its last attempt; both count whole seconds.
        let now = i64::try_from(run.session().clock.now().as_secs()).unwrap_or_default();
        let wanted = now.max(last + 1);
        run.write(request(run, cluster, wanted)).await?;
        run.done(format!("Requested a backup of the etcd of cluster `{cluster}`")).await;
        let key = EtcdBackupStatusSpec::KIND.key(cluster);
        let mut stored_at = None;
        run.wait(&key, &format!("the backup of the etcd of cluster `{cluster}`"), |stored| {
            let Some(stored) = stored else { return Ok(Step::Unmet(NOT_BEGUN.to_owned())) };
            let status = spec::decode::<EtcdBackupStatusSpec>(stored)?;
            if status.last_backup_attempt.is_none_or(|at| at.seconds < wanted) {
                return Ok(Step::Unmet(NOT_BEGUN.to_owned()));
            }
            match status.status() {
                Status::Ok => {
                    stored_at = status.last_backup_time;
                    Ok(Step::Met)
                }
                Status::Error => Err(Diagnostic::error(
                    operation.summary(),
                    format!("Omni could not make the backup.\nMessage of Omni: {}", sentence(&status.error)),
                )
                .hint("Check the store of backups and the control planes of the cluster, then invoke the action again.")
                .into()),
                Status::Running | Status::Unknown => Ok(Step::Unmet("the backup is being made".to_owned())),
            }
        })
        .await?;
        let when =
            stored_at.map(|at| format!(" at {}", timestamp::show(timestamp::from_proto(&at)))).unwrap_or_default();
        run.done(format!("The etcd of cluster `{cluster}` was backed up{when}")).await;
        Ok(())
    }
}

/// What is seen of a backup that was only requested so far.
const NOT_BEGUN: &str = "the backup has not begun";

fn no_store(config: &Value, why: &str) -> Diagnostic {
    Diagnostic::error(
        FACTS.operation(config).summary(),
        format!("The Omni instance has no store for backups that works.\nMessage of Omni: {}", sentence(why)),
    )
    .hint("Configure the store with `omni_etcd_backup_s3_config`, or let the operator of this Omni configure one.")
}

/// Asks for a backup at this time.
async fn request(run: &Run<'_>, cluster: &str, seconds: i64) -> Result<(), Error> {
    let wanted = EtcdManualBackupSpec { backup_at: Some(Timestamp { seconds, nanos: 0 }) };
    let key = EtcdManualBackupSpec::KIND.key(cluster);
    let change = |stored: &mut Stored| {
        // A request that is as late is not carried out yet, and whoever made it waits for its time.
        if spec::decode::<EtcdManualBackupSpec>(stored)?.backup_at.is_none_or(|asked| asked.seconds < seconds) {
            stored.spec = wanted.encode_to_vec();
        }
        Ok(())
    };
    match run.client().modify(run.call(), &key, Some(Phase::Running), change).await {
        Err(error) if error.is(ErrorKind::NotFound) => {
            let mut request = spec::resource(cluster, &wanted);
            request.metadata.labels.insert(labels::CLUSTER.to_owned(), cluster.to_owned());
            match run.client().create(run.call(), request).await {
                // Somebody was faster: one backup at the later one of the two times does for both.
                Err(error) if error.is(ErrorKind::AlreadyExists) => {
                    run.client().modify(run.call(), &key, Some(Phase::Running), change).await.map(drop)
                }
                created => created.map(drop),
            }
        }
        modified => modified.map(drop),
    }
}
