//! What users see: the provider block, resources and data sources.

use crate::tf::data_source::DataSource;
use crate::tf::diag::Diagnostics;
use crate::tf::provider::Provider;
use crate::tf::resource::{Context, Resource};
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use async_trait::async_trait;
use std::sync::Arc;

/// The provider.
#[must_use]
pub fn new() -> Arc<dyn Provider> {
    Arc::new(Omni { schema: Schema::new("Manages Sidero Omni.") })
}

struct Omni {
    schema: Schema,
}

#[async_trait]
impl Provider for Omni {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn configure(&self, _context: &Context, _config: Value, _terraform_version: &str) -> Diagnostics {
        Diagnostics::new()
    }

    fn resources(&self) -> &[Arc<dyn Resource>] {
        &[]
    }

    fn data_sources(&self) -> &[Arc<dyn DataSource>] {
        &[]
    }
}
