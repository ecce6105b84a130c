//! What every type with a configuration has: a name, a schema, and validators beyond the schema.

use super::diag::Diagnostics;
use super::resource::Context;
use super::schema::Schema;
use super::value::Value;
use async_trait::async_trait;

/// A type with a configuration: a resource, a data source, an ephemeral resource, a list resource or an action.
///
/// The server calls `schema` when the host asks for schemas, and `validate` after the schema's own checks passed or
/// failed, at every `validate`, `plan` and `apply` of a host.
///
/// ```
/// use terraform_provider_omni::tf::described::Described;
/// use terraform_provider_omni::tf::diag::{Diagnostic, Diagnostics};
/// use terraform_provider_omni::tf::path::Path;
/// use terraform_provider_omni::tf::resource::Context;
/// use terraform_provider_omni::tf::schema::{Schema, number};
/// use terraform_provider_omni::tf::value::Value;
///
/// struct Range(Schema);
///
/// #[async_trait::async_trait]
/// impl Described for Range {
///     fn type_name(&self) -> &'static str {
///         "example_range"
///     }
///
///     fn schema(&self) -> &Schema {
///         &self.0
///     }
///
///     async fn validate(&self, _: &Context, config: &Value, diags: &mut Diagnostics) {
///         // An unknown bound is no number, so it is not judged.
///         let bound = |name| config.get(name).as_i64();
///         if let (Some(from), Some(to)) = (bound("from"), bound("to"))
///             && from > to
///         {
///             diags.push(Diagnostic::error("Empty range", "`from` is above `to`.").at(Path::of("from")));
///         }
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let range = Range(Schema::new("A range.").with_all([number("from").required(), number("to").required()]));
/// for (to, valid) in [(Value::from(9), true), (Value::from(1), false), (Value::UNKNOWN, true)] {
///     let config = Value::object([("from", Value::from(5)), ("to", to)]);
///     let mut diags = Diagnostics::new();
///     range.validate(&Context::default(), &config, &mut diags).await;
///     assert_eq!(!diags.has_errors(), valid);
/// }
/// # });
/// ```
#[async_trait]
pub trait Described: Send + Sync {
    /// The full name, with the provider's prefix: `omni_cluster`.
    fn type_name(&self) -> &'static str;

    /// The schema of its configuration, and of its state where it has one.
    fn schema(&self) -> &Schema;

    /// Checks what the schema cannot express. The configuration may have unknown values, and the provider may be
    /// unconfigured, so nothing is asked of a server. Problems go to `diags`; errors make the host stop.
    async fn validate(&self, _context: &Context, _config: &Value, _diags: &mut Diagnostics) {}
}
