//! The trait of list resource types: they list existing objects, managed by Terraform or not.

use super::described::Described;
use super::diag::{Diagnostic, Diagnostics, Severity};
use super::resource::{Context, Outcome};
use super::value::Value;
use async_trait::async_trait;
use std::ops::ControlFlow;

/// A request to list objects.
#[derive(Debug)]
pub struct ListRequest {
    /// The content of the `config` block, wholly known and with its defaults.
    pub config: Value,
    /// The most results that the host accepts; never 0. A list that is read in pages need not read further.
    pub limit: u64,
    /// Whether each result must carry the state of the object.
    pub include_object: bool,
}

/// One object of a list.
#[derive(Debug)]
pub struct ListResult {
    /// A value of the managed type's identity schema.
    pub identity: Value,
    /// The name that the host displays.
    pub display_name: String,
    /// The state in the schema of the managed type, if [`ListRequest::include_object`] is set.
    pub object: Option<Value>,
    /// Problems with this object; it is listed nevertheless.
    pub warnings: Diagnostics,
}

impl ListResult {
    /// A result of this identity and display name, without an object.
    #[must_use]
    pub fn new(identity: Value, display_name: String) -> Self {
        Self { identity, display_name, object: None, warnings: Diagnostics::new() }
    }

    /// Adds the object as it was read. What went wrong with it does not end the list, so its errors become warnings.
    #[must_use]
    pub fn with_object(mut self, read: Outcome) -> Self {
        self.object = read.state;
        let warning = |diagnostic: &Diagnostic| Diagnostic { severity: Severity::Warning, ..diagnostic.clone() };
        self.warnings.extend(read.diags.iter().map(warning).collect());
        self
    }
}

/// Where results go; it applies the back-pressure of the host.
#[async_trait]
pub trait ListResults: Send {
    /// Sends one result, and waits until the host can take it.
    /// After [`ControlFlow::Break`] the host accepts no more, and the list returns.
    async fn push(&mut self, result: ListResult) -> ControlFlow<()>;
}

/// A list resource type; a managed resource type with identities has the same name.
///
/// For each `list` block of a query a host calls `validate` and then `list`.
///
/// ```
/// use std::ops::ControlFlow;
/// use terraform_provider_omni::tf::described::Described;
/// use terraform_provider_omni::tf::diag::Diagnostics;
/// use terraform_provider_omni::tf::list_resource::{ListRequest, ListResource, ListResult, ListResults};
/// use terraform_provider_omni::tf::resource::Context;
/// use terraform_provider_omni::tf::schema::Schema;
/// use terraform_provider_omni::tf::value::Value;
///
/// struct Clusters(Schema);
///
/// #[async_trait::async_trait]
/// impl Described for Clusters {
///     fn type_name(&self) -> &'static str {
///         "example_cluster"
///     }
///
///     fn schema(&self) -> &Schema {
///         &self.0
///     }
/// }
///
/// #[async_trait::async_trait]
/// impl ListResource for Clusters {
///     async fn list(
///         &self,
///         _: &Context,
///         request: ListRequest,
///         results: &mut dyn ListResults,
///     ) -> Result<(), Diagnostics> {
///         for name in ["prod", "test", "old"].into_iter().take(request.limit.try_into().unwrap_or(usize::MAX)) {
///             let identity = Value::object([("name", Value::from(name))]);
///             if results.push(ListResult::new(identity, name.to_owned())).await.is_break() {
///                 break;
///             }
///         }
///         Ok(())
///     }
/// }
///
/// struct Names(Vec<String>);
///
/// #[async_trait::async_trait]
/// impl ListResults for Names {
///     async fn push(&mut self, result: ListResult) -> ControlFlow<()> {
///         self.0.push(result.display_name);
///         ControlFlow::Continue(())
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let clusters = Clusters(Schema::new("Clusters."));
/// let request = ListRequest { config: clusters.schema().null_object(), limit: 2, include_object: false };
/// let mut names = Names(Vec::new());
/// clusters.list(&Context::default(), request, &mut names).await.unwrap();
/// assert_eq!(names.0, ["prod", "test"]);
/// # });
/// ```
#[async_trait]
pub trait ListResource: Described {
    /// Sends each object as soon as it is known.
    /// The context is cancelled when the host disconnects or has as many results as it asked for.
    ///
    /// # Errors
    /// With every problem that was found; results that were sent stay listed.
    async fn list(
        &self,
        context: &Context,
        request: ListRequest,
        results: &mut dyn ListResults,
    ) -> Result<(), Diagnostics>;
}
