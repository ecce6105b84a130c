//! ListResource: the objects that exist, as a stream.
//!
//! Hosts drop an event without an identity, or fail: only an event with an error has none.
//! Warnings are part of the event of their object.

use super::Server;
use super::coding::{decode, encode, encode_identity, settle};
use super::respond::{Answer as _, Subject};
use super::stream::{self, Sender, stream};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::list_resource::{ListRequest, ListResult, ListResults};
use crate::tf::plan::{self, drop_write_only};
use crate::tf::resource::Resource;
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use omni_proto::tfplugin6::list_resource::{Event, Request};
use omni_proto::tfplugin6::validate_list_resource_config;
use std::ops::ControlFlow;
use std::sync::Arc;
use tonic::codegen::BoxStream;

/// Validates the `config` block of a list; the host validates limit and objects.
pub(super) async fn validate(
    server: &Server,
    request: validate_list_resource_config::Request,
) -> Result<validate_list_resource_config::Response, Diagnostics> {
    let name = &request.type_name;
    let entry = server.registry().list_resource(name)?;
    let config = decode(request.config.as_ref(), entry.of(), &format!("the configuration of list `{name}`"))?;
    let diagnostics = entry.validate(&server.context(None), &config).await;
    Ok(validate_list_resource_config::Response { diagnostics: diagnostics.to_proto() })
}

/// Lists objects; a limit of 0 lists none.
pub(super) fn list(server: &Server, request: &Request) -> Result<BoxStream<Event>, Diagnostics> {
    let name = &request.type_name;
    let entry = server.registry().list_resource(name)?;
    let managed = server.registry().resource(name)?;
    let config = decode(request.config.as_ref(), entry.of(), &format!("the configuration of list `{name}`"))?;
    let config = plan::with_defaults(entry.item.schema(), &config, &config);
    let limit = u64::try_from(request.limit).unwrap_or(0);
    if limit == 0 {
        return Ok(stream::none());
    }
    let request = ListRequest { config, limit, include_object: request.include_resource_object };
    let item = Arc::clone(&entry.item);
    let encoder = Encoder {
        resource: Arc::clone(&managed.item),
        of: managed.of().clone(),
        identity: managed.identity().cloned(),
        include_object: request.include_object,
    };
    Ok(stream("ListResource", Subject::List(name), &server.context(None), |context, sender| {
        Box::pin(async move {
            let mut results = Results { encoder, sender, left: limit, failed: None };
            item.list(&context, request, &mut results).await?;
            results.failed.map_or(Ok(()), Err)
        })
    }))
}

/// Converts results to events.
struct Encoder {
    resource: Arc<dyn Resource>,
    of: Type,
    identity: Option<Type>,
    include_object: bool,
}

impl Encoder {
    fn event(&self, result: ListResult) -> Result<Event, Diagnostics> {
        let name = self.resource.type_name();
        let nothing_in = |value: &Value| match value {
            Value::Object(members) => members.values().all(Value::is_null),
            other => other.is_null(),
        };
        if nothing_in(&result.identity) || !result.identity.is_wholly_known() {
            return Err(incomplete(name, "an identity").into());
        }
        let mut diagnostics = result.warnings;
        let object = match result.object {
            Some(mut object) if self.include_object => {
                settle(&mut object, &format!("`{name}`"), &mut diagnostics);
                drop_write_only(&self.resource.schema().attributes, &mut object);
                Some(encode(&object, &self.of, &format!("a listed `{name}`"))?)
            }
            None if self.include_object => return Err(incomplete(name, "the state of the object").into()),
            _ => None,
        };
        let mut event = Event {
            identity: encode_identity(Some(&result.identity), self.identity.as_ref(), name)?,
            display_name: result.display_name,
            resource_object: object,
            diagnostic: Vec::new(),
        };
        event.add(&diagnostics);
        Ok(event)
    }
}

fn incomplete(name: &str, what: &str) -> Diagnostic {
    Diagnostic::error(
        format!("The provider listed a `{name}` without {what}"),
        "Hosts cannot use such a result, so the list ends here.",
    )
    .hint("This is a bug of the provider. Please report it with the configuration that leads to it.")
}

struct Results {
    encoder: Encoder,
    sender: Sender<Event>,
    left: u64,
    failed: Option<Diagnostics>,
}

#[async_trait]
impl ListResults for Results {
    async fn push(&mut self, result: ListResult) -> ControlFlow<()> {
        if self.left == 0 || self.failed.is_some() {
            return ControlFlow::Break(());
        }
        let event = match self.encoder.event(result) {
            Ok(event) => event,
            Err(diagnostics) => {
                self.failed = Some(diagnostics);
                return ControlFlow::Break(());
            }
        };
        self.left -= 1;
        match self.sender.send(event).await {
            Ok(()) if self.left > 0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}
