//! The kernel arguments with which a machine finds this server.

use super::store::Store;
use super::{kinds, names::kind};
use crate::pb::specs::{DefaultJoinTokenSpec, SiderolinkApiConfigSpec};

/// Where the server listens within the tunnel.
const TUNNEL_HOST: &str = "[fdae:41e4:649b:9303::1]";

/// The arguments for a machine that joins with this token, or with the default one when it is empty.
#[must_use]
pub fn kernel_args(store: &Store, token: &str, tunnel: bool) -> [String; 3] {
    let api = store.get(&kinds::key(kind::SIDEROLINK_API_CONFIG, "siderolink-config"));
    let api: SiderolinkApiConfigSpec = api.map(|object| object.spec()).unwrap_or_default();
    let default = || {
        let default = store.get(&kinds::key(kind::DEFAULT_JOIN_TOKEN, "default"));
        default.map(|object| object.spec::<DefaultJoinTokenSpec>().token_id).unwrap_or_default()
    };
    let token = if token.is_empty() { default() } else { token.to_owned() };
    let tunnel = if tunnel { "grpc_tunnel=true&" } else { "" };
    let url = format!("{}?{tunnel}jointoken={}", api.machine_api_advertised_url, escaped(&token));
    [
        format!("siderolink.api={url}"),
        format!("talos.events.sink={TUNNEL_HOST}:{}", api.events_port),
        format!("talos.logging.kernel=tcp://{TUNNEL_HOST}:{}", api.logs_port),
    ]
}

/// A text as the value of a query, in Go's form.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::clock::TestClock;
    use crate::sim::{release::Release, world};
    use std::sync::Arc;

    #[test]
    fn machines_are_told_where_to_join_and_with_what() {
        let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
        world::seed(&store, 0, Release::NEWEST);
        let default = store.list(kind::JOIN_TOKEN)[0].key.id.clone();
        assert_eq!(
            kernel_args(&store, "", false),
            [
                format!("siderolink.api=grpc://127.0.0.1:8090?jointoken={default}"),
                "talos.events.sink=[fdae:41e4:649b:9303::1]:8091".into(),
                "talos.logging.kernel=tcp://[fdae:41e4:649b:9303::1]:8092".into(),
            ]
        );
        let [api, ..] = kernel_args(&store, "v2:a+b/c=", true);
        assert_eq!(api, "siderolink.api=grpc://127.0.0.1:8090?grpc_tunnel=true&jointoken=v2%3Aa%2Bb%2Fc%3D");
    }
}
