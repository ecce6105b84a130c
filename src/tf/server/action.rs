//! Actions: validated, planned, and invoked as a stream of progress events that ends with exactly one completion.

use super::Server;
use super::coding::decode;
use super::deferral;
use super::registry;
use super::respond::Subject;
use super::stream::{Sender, stream};
use crate::tf::action::Progress;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::plan;
use async_trait::async_trait;
use omni_proto::tfplugin6::invoke_action::event::{self, Completed};
use omni_proto::tfplugin6::{invoke_action, plan_action, validate_action_config};
use std::sync::Arc;
use tonic::codegen::BoxStream;

/// The `config` block of an action.
pub(super) async fn validate(
    server: &Server,
    request: validate_action_config::Request,
) -> Result<validate_action_config::Response, Diagnostics> {
    let name = &request.type_name;
    let entry = server.registry().action(name)?;
    let config = decode(request.config.as_ref(), entry.of(), &what(name))?;
    let diagnostics = entry.validate(&server.context(None), &config).await;
    Ok(validate_action_config::Response { diagnostics: diagnostics.to_proto() })
}

/// Plans an action.
pub(super) async fn plan(server: &Server, request: plan_action::Request) -> Result<plan_action::Response, Diagnostics> {
    let name = &request.action_type;
    let entry = server.registry().action(name)?;
    let config = decode(request.config.as_ref(), entry.of(), &what(name))?;
    let context = server.context(request.client_capabilities.as_ref());
    // What was unknown in the validation, such as the value of a variable, is known now.
    refuse_invalid(entry.validate(&context, &config).await)?;
    let mut done = entry.item.plan(&context, &config).await?;
    done.deferral = done.deferral.or_else(|| server.waits(&context));
    let deferred = deferral(&context, done.deferral, &format!("action `{name}`"), &mut done.warnings);
    Ok(plan_action::Response { diagnostics: done.warnings.to_proto(), deferred })
}

/// Invokes an action.
pub(super) fn invoke(
    server: &Server,
    request: &invoke_action::Request,
) -> Result<BoxStream<invoke_action::Event>, Diagnostics> {
    let name = &request.action_type;
    let entry = server.registry().action(name)?;
    let config = decode(request.config.as_ref(), entry.of(), &what(name))?;
    if !config.is_wholly_known() {
        return Err(Diagnostic::error(
            format!("Action `{name}` was invoked with values that are not known"),
            "A host invokes an action only once its whole configuration is known.",
        )
        .hint("Please report this to the makers of the host.")
        .into());
    }
    let item = Arc::clone(&entry.item);
    let context = server.context(request.client_capabilities.as_ref());
    Ok(stream("InvokeAction", Subject::Action(name), &context, |context, sender| {
        Box::pin(async move {
            refuse_invalid(registry::validate(item.as_ref(), &context, &config).await)?;
            let config = plan::with_defaults(item.schema(), &config, &config);
            let done = item.invoke(&context, config, &Reports(sender.clone())).await?;
            let completed = Completed { diagnostics: done.warnings.to_proto() };
            // A disconnected host needs no completion.
            drop(sender.send(invoke_action::Event { r#type: Some(event::Type::Completed(completed)) }).await);
            Ok(())
        })
    }))
}

/// Warnings were told by the validation of the host.
fn refuse_invalid(found: Diagnostics) -> Result<(), Diagnostics> {
    if found.has_errors() { Err(found) } else { Ok(()) }
}

fn what(name: &str) -> String {
    format!("the configuration of action `{name}`")
}

struct Reports(Sender<invoke_action::Event>);

#[async_trait]
impl Progress for Reports {
    async fn report(&self, text: String) {
        if !text.is_empty() {
            let progress = event::Progress { message: text };
            // A disconnected host has cancelled the action.
            drop(self.0.send(invoke_action::Event { r#type: Some(event::Type::Progress(progress)) }).await);
        }
    }
}
