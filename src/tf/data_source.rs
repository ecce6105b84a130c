//! The trait of data source types.

use super::described::Described;
use super::diag::Diagnostics;
use super::done::Done;
use super::resource::Context;
use super::value::Value;
use async_trait::async_trait;

/// A data source type.
///
/// A host calls `validate`, and `read` once per plan: in the plan if the configuration is known, otherwise in the apply.
///
/// ```
/// use terraform_provider_omni::tf::data_source::DataSource;
/// use terraform_provider_omni::tf::described::Described;
/// use terraform_provider_omni::tf::diag::Diagnostics;
/// use terraform_provider_omni::tf::done::Done;
/// use terraform_provider_omni::tf::resource::Context;
/// use terraform_provider_omni::tf::schema::{Schema, number, string};
/// use terraform_provider_omni::tf::value::Value;
///
/// struct Length(Schema);
///
/// #[async_trait::async_trait]
/// impl Described for Length {
///     fn type_name(&self) -> &'static str {
///         "example_length"
///     }
///
///     fn schema(&self) -> &Schema {
///         &self.0
///     }
/// }
///
/// #[async_trait::async_trait]
/// impl DataSource for Length {
///     async fn read(&self, _: &Context, mut config: Value) -> Result<Done<Value>, Diagnostics> {
///         let length = config.get("text").as_str().map(|text| text.len() as i64);
///         config.set("length", length.into());
///         Ok(config.into())
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let length = Length(Schema::new("A length.").with_all([string("text").required(), number("length").computed()]));
/// let mut config = length.schema().null_object();
/// config.set("text", "four".into());
/// let read = length.read(&Context::default(), config).await.unwrap();
/// assert_eq!(read.value.get("length").as_i64(), Some(4));
/// # });
/// ```
#[async_trait]
pub trait DataSource: Described {
    /// Returns the configuration with its computed attributes set. The configuration is wholly known and has its defaults.
    ///
    /// # Errors
    /// When it cannot be read, with every problem that was found.
    async fn read(&self, context: &Context, config: Value) -> Result<Done<Value>, Diagnostics>;
}
