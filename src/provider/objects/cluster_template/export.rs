//! `omni_cluster_template_export`: the template of a cluster that is there.

use super::{actual, document};
use crate::omni::Call;
use crate::omni::template::{self, ExportOptions};
use crate::provider::engine::{Cx, Failure};
use crate::provider::errors::Operation;
use crate::provider::lookup::computed::text;
use crate::provider::objects::cluster::argument::{cluster_attribute, cluster_exists};
use crate::provider::session::{Handle, at};
use crate::tf::data_source::DataSource;
use crate::tf::described::Described;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::done::Done;
use crate::tf::resource::Context;
use crate::tf::schema::{Schema, boolean};
use crate::tf::value::Value;
use async_trait::async_trait;
use std::sync::Arc;

const KERNEL_ARGS: &str = "include_kernel_args";

pub(super) struct Export {
    schema: Schema,
    handle: Handle,
}

impl Export {
    pub(super) fn data_source(handle: &Handle) -> Arc<dyn DataSource> {
        let schema = Schema::new(
            "Exports a cluster as a cluster template, as `omnictl cluster template export` does. The cluster does not have to be made by a template.",
        )
        .with(cluster_attribute().required().doc("Name of the cluster."))
        .with(boolean(KERNEL_ARGS).default(false).doc(
            "Whether the template has the kernel arguments of the machines. A sync of a template without them stops managing them.",
        ))
        .with(text(document::TEMPLATE, "The cluster template, in YAML. Config patches in it can hold secrets."));
        Arc::new(Self { schema, handle: handle.clone() })
    }
}

#[async_trait]
impl Described for Export {
    fn type_name(&self) -> &'static str {
        "omni_cluster_template_export"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl DataSource for Export {
    async fn read(&self, context: &Context, mut config: Value) -> Result<Done<Value>, Diagnostics> {
        let session = self.handle.session()?;
        let cx = Cx { call: Call::within(session.timeouts.read, &context.cancel), session };
        let cluster = config.get("cluster").as_str().unwrap_or_default().to_owned();
        let operation = Operation { verb: "export", noun: "cluster", id: &cluster, id_attribute: "cluster" };
        cluster_exists(&cx.session, &cx.call, &cluster, &operation).await?;
        let options = ExportOptions { kernel_args: config.get(KERNEL_ARGS).as_bool() == Some(true) };
        let exported = export(&cx, &cluster, options, &operation).await;
        config.set(document::TEMPLATE, exported.map_err(|failure| failure.explain(&operation))?.into());
        Ok(config.into())
    }
}

async fn export(cx: &Cx, cluster: &str, options: ExportOptions, operation: &Operation<'_>) -> Result<String, Failure> {
    let objects = actual::objects(cx, cluster, &[]).await?;
    let release = document::release(cx).await?;
    template::export(cluster, &objects, options, release).map_err(|error| {
        Diagnostic::error(operation.summary(), format!("No template describes the cluster: {error}."))
            .hint("Change the object in Omni, or remove it.")
            .at(at("cluster"))
            .into()
    })
}
