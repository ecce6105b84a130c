//! `omni_version`: the version of the Omni instance.

use crate::omni::Call;
use crate::omni::spec;
use crate::omni::spec::instance::{SysVersionSpec, sys_version_key};
use crate::provider::errors::Operation;
use crate::provider::lookup::computed::{text, whole};
use crate::provider::session::Handle;
use crate::tf::data_source::DataSource;
use crate::tf::described::Described;
use crate::tf::diag::Diagnostics;
use crate::tf::done::Done;
use crate::tf::resource::Context;
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use async_trait::async_trait;
use std::sync::Arc;

pub(super) struct Version {
    schema: Schema,
    handle: Handle,
}

impl Version {
    pub(super) fn data_source(handle: &Handle) -> Arc<dyn DataSource> {
        Arc::new(Self { schema: schema(), handle: handle.clone() })
    }
}

fn schema() -> Schema {
    Schema::new("Reads the version of the Omni instance.")
        .with(text("backend_version", "Version as reported by Omni, such as `v1.10.0`."))
        .with(text("version", "Version without a leading `v`, for the function `version_matches`."))
        .with(whole("backend_api_version", "Version of the API; `0` if Omni does not report it."))
        .with(text("instance_name", "Name of the instance."))
}

#[async_trait]
impl Described for Version {
    fn type_name(&self) -> &'static str {
        "omni_version"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl DataSource for Version {
    async fn read(&self, context: &Context, mut config: Value) -> Result<Done<Value>, Diagnostics> {
        let session = self.handle.session()?;
        let call = Call::within(session.timeouts.read, &context.cancel);
        let operation = Operation { verb: "read", noun: "the version of Omni", id: "", id_attribute: "" };
        let read = async { spec::decode::<SysVersionSpec>(&session.client.get(&call, &sys_version_key()).await?) };
        let system = read.await.map_err(|error| Diagnostics::from(operation.explain(&error)))?;
        config.set("version", kit::version::strip_v(&system.backend_version).into());
        config.set("backend_version", system.backend_version.into());
        config.set("backend_api_version", i64::from(system.backend_api_version).into());
        config.set("instance_name", system.instance_name.into());
        Ok(config.into())
    }
}
