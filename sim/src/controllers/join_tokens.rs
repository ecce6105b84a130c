//! Join tokens: their state, and the machines that still depend on them.

use super::context::ControllerContext;
use crate::names::{controller, kind, label};
use omni_proto::specs::join_token_status_spec::{State, Warning};
use omni_proto::specs::node_unique_token_status_spec::State as NodeState;
use omni_proto::specs::{
    DefaultJoinTokenSpec, JoinTokenSpec, JoinTokenStatusSpec, JoinTokenUsageSpec, NodeUniqueTokenStatusSpec,
};

const HELD_BY: &[&str] = &[controller::JOIN_TOKEN_STATUS];

/// One status a token.
pub(super) fn statuses(ctx: &ControllerContext<'_>) {
    let default: DefaultJoinTokenSpec = ctx.spec(kind::DEFAULT_JOIN_TOKEN, "default");
    let usages = ctx.list(kind::JOIN_TOKEN_USAGE);
    for token in ctx.list(kind::JOIN_TOKEN) {
        let id = token.key.id.as_str();
        if token.tearing_down {
            ctx.remove(kind::JOIN_TOKEN_STATUS, id);
            ctx.release(&token, HELD_BY);
            continue;
        }
        ctx.hold(&token, HELD_BY);
        let spec: JoinTokenSpec = token.spec();
        let used = usages.iter().filter(|usage| usage.spec::<JoinTokenUsageSpec>().token_id == id);
        let users: Vec<_> = used.map(|usage| usage.key.id.as_str()).collect();
        let ended = spec.expiration_time.is_some_and(|end| {
            let now = ctx.now();
            (end.seconds, end.nanos) < (now.as_secs().cast_signed(), now.subsec_nanos().cast_signed())
        });
        let state = match (spec.revoked, ended) {
            (true, _) => State::Revoked,
            (false, true) => State::Expired,
            (false, false) => State::Active,
        };
        let status = JoinTokenStatusSpec {
            state: state.into(),
            is_default: default.token_id == id,
            use_count: users.len() as u64,
            expiration_time: spec.expiration_time,
            name: spec.name,
            warnings: users.iter().filter_map(|machine| warning(ctx, machine)).collect(),
        };
        let labels: &[(&str, &str)] = if state == State::Active { &[(label::ACTIVE_JOIN_TOKEN, "")] } else { &[] };
        ctx.put(controller::JOIN_TOKEN_STATUS, kind::JOIN_TOKEN_STATUS, id, labels, &status);
    }
}

/// Why a machine could not come back without its join token, in Omni's words.
fn warning(ctx: &ControllerContext<'_>, machine: &str) -> Option<Warning> {
    let status = ctx.get(kind::NODE_UNIQUE_TOKEN_STATUS, machine);
    let state = status.map_or(NodeState::None, |status| status.spec::<NodeUniqueTokenStatusSpec>().state());
    let message = match state {
        NodeState::Persistent => return None,
        NodeState::Ephemeral => "Talos is not installed so the generated node unique token is ephemeral",
        NodeState::None => "Does not have the node unique token",
        NodeState::Unsupported => "Installed Talos version does not support unique node tokens",
        NodeState::Unknown => "The machine node unique token status is not determined",
    };
    Some(Warning { machine: machine.to_owned(), message: message.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers;
    use crate::driver::Driver;
    use crate::kinds;
    use crate::release::Release;
    use crate::store::Store;
    use crate::world;
    use kit::clock::TestClock;
    use prost::Message;
    use std::sync::Arc;
    use std::time::Duration;

    const NOW: u64 = 1_790_000_000;

    struct Server {
        clock: Arc<TestClock>,
        store: Store,
        driver: Driver,
    }

    impl Server {
        fn new(machines: usize) -> Self {
            let clock = Arc::new(TestClock::at(NOW));
            let store = Store::new(clock.clone());
            world::seed(&store, machines, Release::V1_6);
            let driver = Driver::new(store.clone(), controllers::all(), Release::V1_6);
            driver.settle().unwrap();
            Self { clock, store, driver }
        }

        fn put(&self, id: &str, spec: &JoinTokenSpec) {
            self.store.put("", &kinds::key(kind::JOIN_TOKEN, id), |token| token.spec = spec.encode_to_vec());
            self.driver.settle().unwrap();
        }

        fn status(&self, id: &str) -> (JoinTokenStatusSpec, bool) {
            let status = self.store.get(&kinds::key(kind::JOIN_TOKEN_STATUS, id)).unwrap();
            (status.spec(), status.label(label::ACTIVE_JOIN_TOKEN).is_some())
        }
    }

    #[test]
    fn tokens_end_and_are_revoked() {
        let server = Server::new(0);
        let end = prost_types::Timestamp { seconds: NOW.cast_signed() + 60, nanos: 0 };
        let spec = JoinTokenSpec { name: "edge".into(), expiration_time: Some(end), revoked: false };
        server.put("t", &spec);
        let (status, usable) = server.status("t");
        assert_eq!((status.state(), usable, status.is_default), (State::Active, true, false));
        assert_eq!((status.name.as_str(), status.expiration_time), ("edge", Some(end)));
        server.clock.advance(Duration::from_secs(61));
        server.driver.settle().unwrap();
        let (status, usable) = server.status("t");
        assert_eq!((status.state(), usable), (State::Expired, false));
        server.put("t", &JoinTokenSpec { revoked: true, ..spec });
        assert_eq!(server.status("t").0.state(), State::Revoked);
    }

    #[test]
    fn machines_are_counted_and_warned_of() {
        let server = Server::new(0);
        let usage = JoinTokenUsageSpec { token_id: "t".into() };
        let put =
            |kind, id: &str, spec: Vec<u8>| server.store.put("", &kinds::key(kind, id), |object| object.spec = spec);
        for (machine, state, warned) in [
            ("a", Some(NodeState::Persistent), None),
            (
                "b",
                Some(NodeState::Ephemeral),
                Some("Talos is not installed so the generated node unique token is ephemeral"),
            ),
            ("c", Some(NodeState::None), Some("Does not have the node unique token")),
            ("d", Some(NodeState::Unsupported), Some("Installed Talos version does not support unique node tokens")),
            ("e", Some(NodeState::Unknown), Some("The machine node unique token status is not determined")),
            ("f", None, Some("Does not have the node unique token")),
        ] {
            put(kind::JOIN_TOKEN_USAGE, machine, usage.encode_to_vec());
            if let Some(state) = state {
                let status = NodeUniqueTokenStatusSpec { state: state.into() };
                put(kind::NODE_UNIQUE_TOKEN_STATUS, machine, status.encode_to_vec());
            }
            let found = warning(&ControllerContext::at(&server.store), machine).map(|warning| warning.message);
            assert_eq!(found.as_deref(), warned, "{machine}");
        }
        put(kind::JOIN_TOKEN, "t", Vec::new());
        statuses(&ControllerContext::at(&server.store));
        let (status, _) = server.status("t");
        assert_eq!((status.use_count, status.warnings.len()), (6, 5));
    }
}
