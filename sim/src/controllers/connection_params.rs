//! Connection parameters, with which machines find this instance.

use super::context::ControllerContext;
use crate::bootstrap::SIDEROLINK;
use crate::names::{controller, kind};
use omni_proto::specs::{ConnectionParamsSpec, DefaultJoinTokenSpec, SiderolinkApiConfigSpec, SiderolinkConfigSpec};

pub(super) fn act(ctx: &ControllerContext<'_>) {
    let config: SiderolinkConfigSpec = ctx.spec(kind::SIDEROLINK_CONFIG, SIDEROLINK);
    let api: SiderolinkApiConfigSpec = ctx.spec(kind::SIDEROLINK_API_CONFIG, SIDEROLINK);
    let token = ctx.spec::<DefaultJoinTokenSpec>(kind::DEFAULT_JOIN_TOKEN, "default").token_id;
    let (server, events, logs) = (&config.server_address, api.events_port, api.logs_port);
    let params = ConnectionParamsSpec {
        args: format!(
            "siderolink.api={}?jointoken={token} talos.events.sink=[{server}]:{events} \
             talos.logging.kernel=tcp://[{server}]:{logs}",
            api.machine_api_advertised_url
        ),
        api_endpoint: api.machine_api_advertised_url,
        wireguard_endpoint: api.wireguard_advertised_endpoint,
        join_token: token,
        use_grpc_tunnel: api.enforce_grpc_tunnel,
        events_port: events,
        logs_port: logs,
    };
    ctx.put(controller::CONNECTION_PARAMS, kind::CONNECTION_PARAMS, SIDEROLINK, &[], &params);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::Driver;
    use crate::release::Release;
    use crate::store::Store;
    use crate::{controllers, kinds, world};
    use kit::clock::TestClock;
    use prost::Message;
    use std::sync::Arc;

    #[test]
    fn machines_are_started_with_the_default_token() {
        let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
        world::seed(&store, 0, Release::NEWEST);
        let driver = Driver::new(store.clone(), controllers::all(), Release::NEWEST);
        let object = |kind: &str, id: &str| store.get(&kinds::key(kind, id)).unwrap();
        let first = object(kind::DEFAULT_JOIN_TOKEN, "default").spec::<DefaultJoinTokenSpec>().token_id;
        for token in [first, "another".to_owned()] {
            let spec = DefaultJoinTokenSpec { token_id: token.clone() };
            store.put("", &kinds::key(kind::DEFAULT_JOIN_TOKEN, "default"), |o| o.spec = spec.encode_to_vec());
            driver.settle().unwrap();
            let params: ConnectionParamsSpec = object(kind::CONNECTION_PARAMS, SIDEROLINK).spec();
            assert_eq!(params.join_token, token);
            assert!(params.args.contains(&format!("jointoken={token} ")), "{}", params.args);
        }
    }
}
