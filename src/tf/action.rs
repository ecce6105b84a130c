//! The trait of action types: operations without an object in the state.

use super::described::Described;
use super::diag::Diagnostics;
use super::done::Done;
use super::resource::Context;
use super::value::Value;
use async_trait::async_trait;

/// Where an action reports its progress.
#[async_trait]
pub trait Progress: Send + Sync {
    /// Sends a line that the host displays; an empty one is not sent.
    async fn report(&self, text: String);
}

/// An action type.
///
/// A host calls `validate`, then `plan` as a part of its plan, then `invoke` in the apply or with `terraform apply -invoke`.
///
/// ```
/// use std::sync::Mutex;
/// use terraform_provider_omni::tf::action::{Action, Progress};
/// use terraform_provider_omni::tf::described::Described;
/// use terraform_provider_omni::tf::diag::Diagnostics;
/// use terraform_provider_omni::tf::done::Done;
/// use terraform_provider_omni::tf::resource::Context;
/// use terraform_provider_omni::tf::schema::{Schema, string};
/// use terraform_provider_omni::tf::value::Value;
///
/// struct Reboot(Schema);
///
/// #[async_trait::async_trait]
/// impl Described for Reboot {
///     fn type_name(&self) -> &'static str {
///         "example_reboot"
///     }
///
///     fn schema(&self) -> &Schema {
///         &self.0
///     }
/// }
///
/// #[async_trait::async_trait]
/// impl Action for Reboot {
///     async fn invoke(&self, _: &Context, config: Value, progress: &dyn Progress) -> Result<Done<()>, Diagnostics> {
///         let machine = config.get("machine").as_str().unwrap_or_default();
///         progress.report(format!("Rebooting `{machine}`")).await;
///         Ok(().into())
///     }
/// }
///
/// struct Lines(Mutex<Vec<String>>);
///
/// #[async_trait::async_trait]
/// impl Progress for Lines {
///     async fn report(&self, text: String) {
///         self.0.lock().unwrap().push(text);
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let reboot = Reboot(Schema::new("Reboots a machine.").with(string("machine").required()));
/// let config = Value::object([("machine", Value::from("m-1"))]);
/// let lines = Lines(Mutex::default());
/// // The default plan accepts every configuration.
/// assert!(reboot.plan(&Context::default(), &config).await.is_ok());
/// reboot.invoke(&Context::default(), config, &lines).await.unwrap();
/// assert_eq!(*lines.0.lock().unwrap(), ["Rebooting `m-1`"]);
/// # });
/// ```
#[async_trait]
pub trait Action: Described {
    /// Checks the action without performing it; the configuration may have unknown values.
    ///
    /// # Errors
    /// With every problem that was found; they fail the plan.
    async fn plan(&self, _context: &Context, _config: &Value) -> Result<Done<()>, Diagnostics> {
        Ok(().into())
    }

    /// Performs the action. The configuration is wholly known and has its defaults.
    /// The context is cancelled when the host asks to stop or disconnects.
    ///
    /// # Errors
    /// When the action failed, with every problem that was found.
    async fn invoke(&self, context: &Context, config: Value, progress: &dyn Progress) -> Result<Done<()>, Diagnostics>;
}
