//! PlanResourceChange: plans a create, an update or a delete.

use super::Server;
use super::coding::{decode, encode};
use super::deferral;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::plan::{self, Remaining};
use crate::tf::resource::{Plan, Private};
use crate::tf::value::Value;
use omni_proto::tfplugin6::plan_resource_change::{Request, Response};

/// Beside the state: what the configuration set at the last apply. It is there once the provider has seen the object.
pub(super) const CONFIGURED: &str = "c";

fn left(Remaining { path, why }: Remaining) -> Diagnostic {
    Diagnostic::warning(format!("`{path}` is not configured any more, and stays as it is"), why)
        .hint(format!("Set `{path}` to another value to change it."))
        .at(path)
}

/// Plans a create, an update or a delete.
pub(super) async fn plan(server: &Server, request: Request) -> Result<Response, Diagnostics> {
    let name = &request.type_name;
    let managed = server.registry().resource(name)?;
    let resource = &managed.item;
    let context = server.context(request.client_capabilities.as_ref());
    let prior = decode(request.prior_state.as_ref(), managed.of(), &format!("the prior state of `{name}`"))?;
    let proposed =
        decode(request.proposed_new_state.as_ref(), managed.of(), &format!("the proposed state of `{name}`"))?;
    let what = format!("the planned state of `{name}`");

    if proposed.is_null() {
        let mut diagnostics = Diagnostics::new();
        let mut private = Private::from_bytes(&request.prior_private);
        if !prior.is_null() {
            resource.plan_delete(&context, &prior, &mut private, &mut diagnostics).await;
        }
        return Ok(Response {
            planned_state: Some(encode(&Value::Null, managed.of(), &what)?),
            planned_private: private.to_bytes(),
            planned_identity: request.prior_identity,
            diagnostics: diagnostics.to_proto(),
            ..Default::default()
        });
    }

    let config = decode(request.config.as_ref(), managed.of(), &format!("the configuration of `{name}`"))?;
    let prior = Some(&prior).filter(|p| !p.is_null());
    let private = prior.map(|_| Private::from_bytes(&request.prior_private)).unwrap_or_default();
    let configured = private.get(CONFIGURED);
    let general = plan::plan(resource.schema(), prior, &proposed, &config, configured.as_ref());
    let mut plan = Plan {
        config: &config,
        prior,
        planned: general.state,
        replace: general.replace,
        // In the second plan of a replacement the host sends what was kept for the old object; the new one has nothing yet.
        private,
        replaced: if prior.is_none() { Private::from_bytes(&request.prior_private) } else { Private::default() },
        diags: Diagnostics::new(),
        deferral: None,
    };
    resource.plan(&context, &mut plan).await;
    // A replacement keeps nothing: the new object has what a create gives it.
    if plan.replace.is_empty() {
        plan.diags.extend(general.left.into_iter().map(left).collect());
    }
    plan::drop_write_only(&resource.schema().attributes, &mut plan.planned);
    plan.deferral = plan.deferral.or_else(|| server.waits(&context));
    let deferred = deferral(&context, plan.deferral, &format!("`{name}`"), &mut plan.diags);

    Ok(Response {
        planned_state: Some(encode(&plan.planned, managed.of(), &what)?),
        requires_replace: plan.replace.iter().map(Path::to_proto).collect(),
        planned_private: plan.private.to_bytes(),
        diagnostics: plan.diags.to_proto(),
        planned_identity: request.prior_identity.filter(|_| prior.is_some()),
        deferred,
        ..Default::default()
    })
}
