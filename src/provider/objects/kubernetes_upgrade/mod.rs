//! `omni_kubernetes_upgrade_prechecks`: whether a cluster can be upgraded to a Kubernetes version now.

use crate::omni::Call;
use crate::provider::check::is_version;
use crate::provider::errors::Operation;
use crate::provider::lookup::computed::{flag, text};
use crate::provider::objects::cluster::argument::{cluster_attribute, cluster_exists};
use crate::provider::session::Handle;
use crate::provider::types::Types;
use crate::tf::data_source::DataSource;
use crate::tf::described::Described;
use crate::tf::diag::Diagnostics;
use crate::tf::done::Done;
use crate::tf::resource::Context;
use crate::tf::schema::{Schema, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::version;
use std::sync::Arc;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.data_source(Prechecks::data_source);
}

struct Prechecks {
    schema: Schema,
    handle: Handle,
}

impl Prechecks {
    fn data_source(handle: &Handle) -> Arc<dyn DataSource> {
        Arc::new(Self { schema: schema(), handle: handle.clone() })
    }
}

fn schema() -> Schema {
    Schema::new(
        "Runs the checks that Omni runs before it upgrades the Kubernetes of a cluster, without upgrading it. \
         They require a running control plane and run in every plan. \
         `upgrade_prechecks` of an `omni_cluster` runs them for its own upgrades.",
    )
    .with(cluster_attribute().required().doc("Name of the cluster."))
    .with(
        string("kubernetes_version")
            .required()
            .check(is_version())
            .doc("Kubernetes version to upgrade to, such as `1.36.2`, with or without a leading `v`."),
    )
    .with(flag("ok", "Whether the upgrade can start."))
    .with(text("reason", "Why it cannot; otherwise empty."))
}

#[async_trait]
impl Described for Prechecks {
    fn type_name(&self) -> &'static str {
        "omni_kubernetes_upgrade_prechecks"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl DataSource for Prechecks {
    async fn read(&self, context: &Context, mut config: Value) -> Result<Done<Value>, Diagnostics> {
        let session = self.handle.session()?;
        let call = Call::within(session.timeouts.read, &context.cancel);
        let cluster = config.get("cluster").as_str().unwrap_or_default().to_owned();
        let version = version::strip_v(config.get("kubernetes_version").as_str().unwrap_or_default()).to_owned();
        let operation = Operation { verb: "check", noun: "upgrade of cluster", id: &cluster, id_attribute: "cluster" };
        cluster_exists(&session, &call, &cluster, &operation).await?;
        let checks = session.client.kubernetes_upgrade_prechecks(&call, &cluster, &version).await;
        let checks = checks.map_err(|error| Diagnostics::from(operation.explain(&error)))?;
        config.set("ok", checks.ok.into());
        config.set("reason", checks.reason.into());
        Ok(config.into())
    }
}
