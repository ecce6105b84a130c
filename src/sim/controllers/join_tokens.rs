//! Join tokens: what state they are in, and which machines joined with them.

use super::desk::Desk;
use crate::pb::specs::join_token_status_spec::{State, Warning};
use crate::pb::specs::node_unique_token_status_spec::State as NodeState;
use crate::pb::specs::{
    DefaultJoinTokenSpec, JoinTokenSpec, JoinTokenStatusSpec, JoinTokenUsageSpec, NodeUniqueTokenSpec,
    NodeUniqueTokenStatusSpec,
};
use crate::sim::names::{controller, kind, label};
use crate::sim::world;
use prost::Message;

const HELD_BY: &[&str] = &[controller::JOIN_TOKEN_STATUS];

/// Remembers what a machine joined with, and gives it what it shows when it comes back.
pub(super) fn machines(desk: &Desk<'_>) {
    let default: DefaultJoinTokenSpec = desk.spec(kind::DEFAULT_JOIN_TOKEN, "default");
    for link in desk.list(kind::LINK).iter().filter(|link| !link.tearing_down) {
        let id = link.key.id.as_str();
        if desk.has(kind::NODE_UNIQUE_TOKEN_STATUS, id) {
            report(desk, id);
            continue;
        }
        desk.once("", kind::JOIN_TOKEN_USAGE, id, &[], || {
            JoinTokenUsageSpec { token_id: default.token_id.clone() }.encode_to_vec()
        });
        desk.once("", kind::NODE_UNIQUE_TOKEN, id, &[], || {
            NodeUniqueTokenSpec { token: world::random_token() }.encode_to_vec()
        });
        report(desk, id);
    }
    for kind in [kind::NODE_UNIQUE_TOKEN_STATUS, kind::JOIN_TOKEN_USAGE, kind::NODE_UNIQUE_TOKEN] {
        for left in desk.list(kind).iter().filter(|left| !desk.has(kind::LINK, &left.key.id)) {
            desk.remove(kind, &left.key.id);
        }
    }
}

fn report(desk: &Desk<'_>, id: &str) {
    let machine = desk.get(kind::MACHINE_STATUS, id);
    let installed = machine.is_some_and(|machine| machine.label(label::INSTALLED).is_some());
    let state = match (desk.has(kind::NODE_UNIQUE_TOKEN, id), installed) {
        (false, _) => NodeState::None,
        (true, true) => NodeState::Persistent,
        (true, false) => NodeState::Ephemeral,
    };
    let status = NodeUniqueTokenStatusSpec { state: state.into() };
    desk.put(controller::NODE_UNIQUE_TOKEN_STATUS, kind::NODE_UNIQUE_TOKEN_STATUS, id, &[], &status);
}

/// One status a token.
pub(super) fn statuses(desk: &Desk<'_>) {
    let default: DefaultJoinTokenSpec = desk.spec(kind::DEFAULT_JOIN_TOKEN, "default");
    let usages = desk.list(kind::JOIN_TOKEN_USAGE);
    for token in desk.list(kind::JOIN_TOKEN) {
        let id = token.key.id.as_str();
        if token.tearing_down {
            desk.remove(kind::JOIN_TOKEN_STATUS, id);
            desk.release(&token, HELD_BY);
            continue;
        }
        desk.hold(&token, HELD_BY);
        let spec: JoinTokenSpec = token.spec();
        let used = usages.iter().filter(|usage| usage.spec::<JoinTokenUsageSpec>().token_id == id);
        let users: Vec<_> = used.map(|usage| usage.key.id.as_str()).collect();
        let ended = spec.expiration_time.is_some_and(|end| {
            let now = desk.now();
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
            warnings: users.iter().filter_map(|machine| warning(desk, machine)).collect(),
        };
        let labels: &[(&str, &str)] = if state == State::Active { &[(label::ACTIVE_JOIN_TOKEN, "")] } else { &[] };
        desk.put(controller::JOIN_TOKEN_STATUS, kind::JOIN_TOKEN_STATUS, id, labels, &status);
    }
}

/// Why a machine could not come back without its join token, in Omni's words.
fn warning(desk: &Desk<'_>, machine: &str) -> Option<Warning> {
    let status = desk.get(kind::NODE_UNIQUE_TOKEN_STATUS, machine);
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
    use crate::kit::clock::TestClock;
    use crate::sim::controllers;
    use crate::sim::driver::Driver;
    use crate::sim::inventory;
    use crate::sim::kinds;
    use crate::sim::release::Release;
    use crate::sim::store::Store;
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
        let server = Server::new(2);
        let id = server.store.list(kind::JOIN_TOKEN)[0].key.id.clone();
        let (status, _) = server.status(&id);
        assert_eq!((status.use_count, status.is_default), (2, true));
        let texts: Vec<_> = status.warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(texts, ["Talos is not installed so the generated node unique token is ephemeral"; 2]);
        let machine = inventory::id(1);
        server.store.modify(&kinds::key(kind::MACHINE_STATUS, &*machine), |status| {
            status.labels.insert(label::INSTALLED.to_owned(), String::new());
        });
        let desk = Desk::at(&server.store);
        report(&desk, &machine);
        statuses(&desk);
        assert_eq!(server.status(&id).0.warnings.len(), 1);
        server.store.remove(&kinds::key(kind::NODE_UNIQUE_TOKEN, &*machine));
        server.driver.settle().unwrap();
        let warnings = server.status(&id).0.warnings;
        assert!(warnings.iter().any(|w| w.machine == machine && w.message == "Does not have the node unique token"));
        server.store.remove(&kinds::key(kind::LINK, &*machine));
        server.driver.settle().unwrap();
        assert_eq!(server.status(&id).0.use_count, 1);
    }
}
