//! Infrastructure providers: their status, how their machines join, and their removal.

use super::context::ControllerContext;
use crate::accounts;
use crate::names::{controller, kind, label};
use crate::object::Object;
use omni_proto::specs::infra_provider_combined_status_spec::Health;
use omni_proto::specs::{
    DefaultJoinTokenSpec, InfraMachineConfigSpec, InfraProviderCombinedStatusSpec, InfraProviderHealthStatusSpec,
    InfraProviderStatusSpec, JoinConfig, MachineRequestSetSpec, ProviderJoinConfigSpec, SiderolinkApiConfigSpec,
    infra_machine_config_spec::AcceptanceStatus,
};

const HELD_BY: &[&str] =
    &[controller::INFRA_PROVIDER_CLEANUP, controller::INFRA_PROVIDER_STATUS, controller::PROVIDER_JOIN_CONFIG];

/// What the server and the provider keep under its id.
const BELONGINGS: &[&str] = &[
    kind::INFRA_PROVIDER_STATUS,
    kind::INFRA_PROVIDER_HEALTH_STATUS,
    kind::INFRA_PROVIDER_COMBINED_STATUS,
    kind::PROVIDER_JOIN_CONFIG,
];

/// A provider that was not heard of for longer counts as gone; in seconds.
const HEALTH_TIMEOUT: i64 = 60;

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for provider in ctx.list(kind::INFRA_PROVIDER) {
        if provider.tearing_down {
            leave(ctx, &provider);
        } else {
            ctx.hold(&provider, HELD_BY);
            report(ctx, &provider.key.id);
            invite(ctx, &provider.key.id);
        }
    }
}

fn report(ctx: &ControllerContext<'_>, id: &str) {
    let known = ctx.get(kind::INFRA_PROVIDER_STATUS, id);
    let about: InfraProviderStatusSpec = known.as_ref().map(|status| status.spec()).unwrap_or_default();
    let health: InfraProviderHealthStatusSpec = ctx.spec(kind::INFRA_PROVIDER_HEALTH_STATUS, id);
    let now = ctx.now().as_secs().cast_signed();
    let connected = health.last_heartbeat_timestamp.is_some_and(|last| now - last.seconds <= HEALTH_TIMEOUT);
    let status = InfraProviderCombinedStatusSpec {
        name: about.name,
        description: about.description,
        icon: about.icon,
        health: Some(Health { connected, error: health.error, initialized: known.is_some() }),
        version: about.version,
    };
    let labels: Vec<_> =
        known.iter().flat_map(|status| &status.labels).map(|(k, v)| (k.as_str(), v.as_str())).collect();
    ctx.put(controller::INFRA_PROVIDER_STATUS, kind::INFRA_PROVIDER_COMBINED_STATUS, id, &labels, &status);
}

/// What the provider gives to its machines so that they join.
fn invite(ctx: &ControllerContext<'_>, id: &str) {
    let token = ctx.spec::<DefaultJoinTokenSpec>(kind::DEFAULT_JOIN_TOKEN, "default").token_id;
    let api: SiderolinkApiConfigSpec = ctx.spec(kind::SIDEROLINK_API_CONFIG, "siderolink-config");
    let url = format!("{}?jointoken={token}", api.machine_api_advertised_url);
    let events = format!("[fdae:41e4:649b:9303::1]:{}", api.events_port);
    let logs = format!("tcp://[fdae:41e4:649b:9303::1]:{}", api.logs_port);
    let config = JoinConfig {
        config: format!(
            "apiVersion: v1alpha1\nkind: SideroLinkConfig\napiUrl: {url}\n---\n\
             apiVersion: v1alpha1\nkind: EventSinkConfig\nendpoint: '{events}'\n---\n\
             apiVersion: v1alpha1\nkind: KmsgLogConfig\nname: omni-kmsg\nurl: {logs}\n"
        ),
        kernel_args: vec![
            format!("siderolink.api={url}"),
            format!("talos.events.sink={events}"),
            format!("talos.logging.kernel={logs}"),
        ],
    };
    let spec = ProviderJoinConfigSpec { config: Some(config), join_token: token };
    let labels = [(label::INFRA_PROVIDER_ID, id)];
    ctx.put(controller::PROVIDER_JOIN_CONFIG, kind::PROVIDER_JOIN_CONFIG, id, &labels, &spec);
}

/// Removes what a provider leaves behind: requests, machines that nobody accepted, its account, its reports.
fn leave(ctx: &ControllerContext<'_>, provider: &Object) {
    let id = provider.key.id.as_str();
    for set in ctx.list(kind::MACHINE_REQUEST_SET) {
        if set.spec::<MachineRequestSetSpec>().provider_id == id {
            ctx.clear(&set.key);
        }
    }
    for request in ctx.labelled(kind::MACHINE_REQUEST, label::INFRA_PROVIDER_ID, id) {
        // The program behind the provider may be gone already, so nobody else would let go of it.
        ctx.remove(kind::MACHINE_REQUEST_STATUS, &request.key.id);
        ctx.remove(kind::MACHINE_REQUEST, &request.key.id);
    }
    for link in ctx.labelled(kind::LINK, label::INFRA_PROVIDER_ID, id) {
        let config: InfraMachineConfigSpec = ctx.spec(kind::INFRA_MACHINE_CONFIG, &link.key.id);
        if config.acceptance_status() != AcceptanceStatus::Accepted {
            ctx.teardown(&link);
        }
    }
    ctx.remove_account(&accounts::identity(&format!("infra-provider:{id}")));
    for kind in BELONGINGS {
        ctx.remove(kind, id);
    }
    // Who tears a provider down destroys it too, unless the release does that by itself.
    ctx.release(provider, HELD_BY);
}
