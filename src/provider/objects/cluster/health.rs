//! `omni_cluster_health`: waits until a cluster is healthy, and says what is not.

use super::argument::{cluster_attribute, cluster_exists};
use super::resource::PHASE;
use crate::omni::spec::Spec;
use crate::omni::{Call, ErrorKind, Query, labels, spec};
use crate::provider::dual::{DualForm, DualSource};
use crate::provider::engine::Cx;
use crate::provider::errors::Operation;
use crate::provider::lookup::computed::{flag, text, whole};
use crate::provider::session::{Session, at};
use crate::provider::{duration, wait};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::{Attribute, object, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::specs::ClusterStatusSpec;
use std::sync::Arc;
use std::time::Duration;

pub(in crate::provider) struct ClusterHealth;

/// How long to look for what is not healthy once the time is over.
const LOOK: Duration = Duration::from_secs(10);

/// What has to hold, in order: what it is when it does not, and whether it does.
type Check = (&'static str, fn(&ClusterStatusSpec) -> bool);
const CHECKS: [Check; 4] = [
    ("The control plane is not ready", |status| status.controlplane_ready),
    ("The Kubernetes API does not answer", |status| status.kubernetes_api_ready),
    ("The cluster is not available", |status| status.available),
    ("Not all machines are ready", |status| status.ready),
];

#[async_trait]
impl DualSource for ClusterHealth {
    const TYPE: &'static str = "omni_cluster_health";

    fn about(form: DualForm) -> &'static str {
        match form {
            DualForm::Stored => {
                "Waits until a cluster is healthy: its control plane and machines are ready, and its Kubernetes API answers. Name it in `depends_on` of objects that require a running cluster. After `timeout`, it fails with an error that lists the failed checks and the machines."
            }
            DualForm::Ephemeral => {
                "Waits until a cluster is healthy: its control plane and machines are ready, and its Kubernetes API answers. It waits in every plan and apply, and stores nothing in state. After `timeout`, it fails with an error that lists the failed checks and the machines."
            }
        }
    }

    fn attributes() -> Vec<Attribute> {
        let machines = vec![
            whole("total", "Total machines."),
            whole("healthy", "Machines that are ready."),
            whole("connected", "Machines that are connected to Omni."),
            whole("requested", "Requested machines."),
        ];
        vec![
            cluster_attribute().required().doc("Name of the cluster. Refer to the `id` of the `omni_cluster`, so that this waits for the cluster to exist."),
            string("timeout").default("10m").check(duration::is_positive()).doc("How long to wait, as a Go duration."),
            text("phase", "Phase of the cluster, as in `status` of an `omni_cluster`."),
            flag("ready", "Always true, since this waits for it."),
            object("machines", machines).computed().doc("Machine counts."),
        ]
    }

    async fn fetch(session: &Arc<Session>, call: &Call, mut config: Value) -> Result<Value, Diagnostics> {
        let cluster = config.get("cluster").as_str().unwrap_or_default().to_owned();
        let operation = Operation { verb: "wait for", noun: "cluster", id: &cluster, id_attribute: "cluster" };
        cluster_exists(session, call, &cluster, &operation).await?;
        let limit = config.get("timeout").as_str().and_then(duration::of).unwrap_or_default();
        let key = ClusterStatusSpec::KIND.key(&*cluster);
        let mut last = None;
        let look = |stored: Option<&crate::omni::Resource>| {
            let status = spec::decode::<ClusterStatusSpec>(stored?).ok()?;
            let healthy = CHECKS.iter().all(|(_, holds)| holds(&status));
            last = Some(status.clone());
            healthy.then_some(status)
        };
        let waited = call.again_within(limit);
        let status =
            match session.client.wait_for(&waited, &key, &format!("cluster `{cluster}` to be healthy"), look).await {
                Ok(status) => status,
                Err(error) if error.is(ErrorKind::Timeout) => {
                    return Err(unhealthy(session, call, &cluster, &config, last).await);
                }
                Err(error) => return Err(operation.explain(&error).into()),
            };
        let phase = PHASE.iter().find(|(_, number)| *number == status.phase).or(PHASE.first()).map(|(phase, _)| *phase);
        let machines = status.machines.unwrap_or_default();
        config.set("phase", phase.into());
        config.set("ready", status.ready.into());
        let count = |count: u32| Value::from(i64::from(count));
        config.set(
            "machines",
            Value::object([
                ("total", count(machines.total)),
                ("healthy", count(machines.healthy)),
                ("connected", count(machines.connected)),
                ("requested", count(machines.requested)),
            ]),
        );
        Ok(config)
    }
}

/// Which checks failed, and on which machines.
async fn unhealthy(
    session: &Arc<Session>,
    call: &Call,
    cluster: &str,
    config: &Value,
    last: Option<ClusterStatusSpec>,
) -> Diagnostics {
    let mut found: Vec<String> = match &last {
        Some(status) => CHECKS.iter().filter(|(_, holds)| !holds(status)).map(|(what, _)| format!("{what}.")).collect(),
        None => vec!["Omni has not determined the status of the cluster.".to_owned()],
    };
    let cx = Cx { session: Arc::clone(session), call: call.again_within(LOOK) };
    match wait::obstacles(&cx, cluster, &Query::label(labels::CLUSTER, cluster)).await {
        Ok(machines) => found.extend(machines),
        Err(error) => tracing::debug!(cluster, %error, "what holds the machines up is not known"),
    }
    let limit = config.get("timeout").as_str().unwrap_or_default();
    Diagnostic::error(
        format!("Cluster `{cluster}` is not healthy"),
        format!("It did not become healthy within {limit}. {}", found.join("\n")),
    )
    .hint("Look at these machines in Omni, and raise `timeout` if the cluster only needs more time.")
    .at(at("cluster"))
    .into()
}
