//! The trait of ephemeral resource types: values that exist for one run and are stored neither in plan nor in state.

use super::described::Described;
use super::diag::Diagnostics;
use super::done::Done;
use super::resource::{Context, Private};
use super::value::Value;
use async_trait::async_trait;
use std::time::Duration;

/// The result of opening an ephemeral resource.
#[derive(Debug)]
pub struct Opened {
    /// The configuration with the computed attributes filled in; wholly known.
    pub value: Value,
    /// Passed to `renew` and `close`; hosts keep it in memory only.
    pub private: Private,
    /// When the host calls `renew`, as the time since 1970; `None` for a value that needs no renewal.
    pub renew_at: Option<Duration>,
}

impl Opened {
    /// A value that needs neither renewing nor closing.
    #[must_use]
    pub fn new(value: Value) -> Self {
        Self { value, private: Private::default(), renew_at: None }
    }
}

/// The result of a renewal.
#[derive(Debug, Default)]
pub struct Renewed {
    /// Replaces the private data.
    pub private: Private,
    /// When the host calls `renew` again, as the time since 1970; `None` for never.
    pub renew_at: Option<Duration>,
}

/// An ephemeral resource type.
///
/// A host calls `validate`, then `open`, `renew` at each [`Opened::renew_at`], and `close` when nothing uses the value any
/// more. It does so in the plan and again in the apply. An interrupted host does not close; the server then does.
///
/// ```
/// use terraform_provider_omni::tf::described::Described;
/// use terraform_provider_omni::tf::diag::Diagnostics;
/// use terraform_provider_omni::tf::done::Done;
/// use terraform_provider_omni::tf::ephemeral::{Ephemeral, Opened};
/// use terraform_provider_omni::tf::resource::{Context, Private};
/// use terraform_provider_omni::tf::schema::{Schema, string};
/// use terraform_provider_omni::tf::value::Value;
///
/// struct Token(Schema);
///
/// #[async_trait::async_trait]
/// impl Described for Token {
///     fn type_name(&self) -> &'static str {
///         "example_token"
///     }
///
///     fn schema(&self) -> &Schema {
///         &self.0
///     }
/// }
///
/// #[async_trait::async_trait]
/// impl Ephemeral for Token {
///     async fn open(&self, _: &Context, mut config: Value) -> Result<Done<Opened>, Diagnostics> {
///         config.set("token", "secret".into());
///         let mut private = Private::default();
///         private.set("id", "token-1");
///         Ok(Opened { private, ..Opened::new(config) }.into())
///     }
///
///     async fn close(&self, _: &Context, private: Private) -> Result<Done<()>, Diagnostics> {
///         // Here the server would be asked to revoke it.
///         assert_eq!(private.get::<String>("id").as_deref(), Some("token-1"));
///         Ok(().into())
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let token = Token(Schema::new("A token.").with(string("token").computed().sensitive()));
/// let (context, config) = (Context::default(), token.schema().null_object());
/// let opened = token.open(&context, config).await.unwrap().value;
/// // The default renewal keeps the private data.
/// let renewed = token.renew(&context, opened.private.clone()).await.unwrap().value;
/// assert_eq!((renewed.private, renewed.renew_at), (opened.private.clone(), None));
/// token.close(&context, opened.private).await.unwrap();
/// # });
/// ```
#[async_trait]
pub trait Ephemeral: Described {
    /// Creates the value. The configuration is wholly known and has its defaults.
    ///
    /// # Errors
    /// With every problem that was found; whatever was created by then is deleted first.
    async fn open(&self, context: &Context, config: Value) -> Result<Done<Opened>, Diagnostics>;

    /// Extends the validity of the value, which cannot change itself. Terraform displays no warnings of a renewal.
    ///
    /// # Errors
    /// When it cannot be extended.
    async fn renew(&self, _context: &Context, private: Private) -> Result<Done<Renewed>, Diagnostics> {
        Ok(Renewed { private, ..Renewed::default() }.into())
    }

    /// Revokes or deletes what `open` created. The private data is that of `open`, not that of a renewal.
    ///
    /// # Errors
    /// When something is left behind.
    async fn close(&self, _context: &Context, _private: Private) -> Result<Done<()>, Diagnostics> {
        Ok(().into())
    }
}
