//! Counts over the whole instance, and how machines reach it.

use super::desk::Desk;
use crate::pb::specs::{
    ClusterMetricsSpec, ClusterSpec, ClusterStatusMetricsSpec, ClusterStatusSpec, ConnectionParamsSpec,
    DefaultJoinTokenSpec, MachineStatusMetricsSpec, MachineStatusSpec, SiderolinkApiConfigSpec, SiderolinkConfigSpec,
};
use crate::sim::names::{controller, kind, label};
use crate::sim::seeds::SIDEROLINK;
use prost::Message;
use std::collections::HashMap;

/// The id of each of these objects.
const ID: &str = "metrics";

pub(super) fn machines(desk: &Desk<'_>) {
    let machines = desk.list(kind::MACHINE_STATUS);
    let mut metrics = MachineStatusMetricsSpec {
        registered_machines_count: count(machines.len()),
        pending_machines_count: count(desk.list("PendingMachines.omni.sidero.dev").len()),
        ..Default::default()
    };
    for machine in machines {
        let status: MachineStatusSpec = machine.spec();
        metrics.connected_machines_count += u32::from(machine.label(label::CONNECTED).is_some());
        metrics.allocated_machines_count += u32::from(!status.cluster.is_empty());
        let platform = status.platform_metadata.unwrap_or_default().platform;
        *metrics.platforms.entry(platform).or_default() += 1;
        let secure = status.security_state.unwrap_or_default();
        let word = |yes: bool| if yes { "enabled" } else { "disabled" };
        *metrics.secure_boot_status.entry(word(secure.secure_boot).to_owned()).or_default() += 1;
        *metrics.uki_status.entry(word(secure.booted_with_uki).to_owned()).or_default() += 1;
        let processors = status.hardware.unwrap_or_default().processors;
        metrics.cores_count += processors.iter().map(|processor| u64::from(processor.core_count)).sum::<u64>();
    }
    report(desk, controller::MACHINE_STATUS_METRICS, kind::MACHINE_STATUS_METRICS, ID, &metrics);
}

pub(super) fn clusters(desk: &Desk<'_>) {
    let mut metrics = ClusterStatusMetricsSpec::default();
    for status in desk.list(kind::CLUSTER_STATUS) {
        let status: ClusterStatusSpec = status.spec();
        metrics.not_ready_count += u32::from(!status.ready);
        *metrics.phases.entry(status.phase).or_default() += 1;
    }
    report(desk, controller::CLUSTER_STATUS_METRICS, kind::CLUSTER_STATUS_METRICS, ID, &metrics);
}

pub(super) fn features(desk: &Desk<'_>) {
    let mut features: HashMap<String, u32> = HashMap::new();
    for cluster in desk.list(kind::CLUSTER) {
        let cluster: ClusterSpec = cluster.spec();
        let used = cluster.features.unwrap_or_default();
        for (name, on) in [
            ("workload_proxy", used.enable_workload_proxy),
            ("disk_encryption", used.disk_encryption),
            ("embedded_discovery_service", used.use_embedded_discovery_service),
            ("backup", cluster.backup_configuration.is_some_and(|backup| backup.enabled)),
        ] {
            if on {
                *features.entry(name.to_owned()).or_default() += 1;
            }
        }
    }
    report(desk, controller::CLUSTER_METRICS, kind::CLUSTER_METRICS, ID, &ClusterMetricsSpec { features });
}

pub(super) fn connection_params(desk: &Desk<'_>) {
    let config: SiderolinkConfigSpec = desk.spec(kind::SIDEROLINK_CONFIG, SIDEROLINK);
    let api: SiderolinkApiConfigSpec = desk.spec(kind::SIDEROLINK_API_CONFIG, SIDEROLINK);
    let token = desk.spec::<DefaultJoinTokenSpec>(kind::DEFAULT_JOIN_TOKEN, "default").token_id;
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
    report(desk, controller::CONNECTION_PARAMS, kind::CONNECTION_PARAMS, SIDEROLINK, &params);
}

fn report<M: Message + Default + PartialEq + Clone>(desk: &Desk<'_>, owner: &str, kind: &str, id: &str, spec: &M) {
    desk.once(owner, kind, id, &[], || spec.encode_to_vec());
    // The same counts have many encodings; only other counts are news.
    desk.edit_spec(kind, id, |old: &mut M| old.clone_from(spec));
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::clock::TestClock;
    use crate::sim::driver::Driver;
    use crate::sim::release::Release;
    use crate::sim::store::Store;
    use crate::sim::{controllers, kinds, world};
    use std::sync::Arc;

    #[test]
    fn counts_follow_what_there_is() {
        let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
        world::seed(&store, 3, Release::NEWEST);
        let driver = Driver::new(store.clone(), controllers::all(), Release::NEWEST);
        let features = crate::pb::specs::cluster_spec::Features { enable_workload_proxy: true, ..Default::default() };
        let cluster = ClusterSpec { features: Some(features), ..Default::default() };
        store.put("", &kinds::key(kind::CLUSTER, "c"), |object| object.spec = cluster.encode_to_vec());
        world::disconnect_machine(&store, &crate::sim::inventory::id(1));
        driver.settle().unwrap();
        let object = |kind: &str, id: &str| store.get(&kinds::key(kind, id)).unwrap();
        let machines: MachineStatusMetricsSpec = object(kind::MACHINE_STATUS_METRICS, ID).spec();
        assert_eq!((machines.registered_machines_count, machines.connected_machines_count), (3, 2));
        assert!(machines.cores_count > 0);
        let clusters: ClusterStatusMetricsSpec = object(kind::CLUSTER_STATUS_METRICS, ID).spec();
        assert_eq!(clusters.not_ready_count, 1);
        let features: ClusterMetricsSpec = object(kind::CLUSTER_METRICS, ID).spec();
        assert_eq!(features.features["workload_proxy"], 1);
        let params: ConnectionParamsSpec = object(kind::CONNECTION_PARAMS, SIDEROLINK).spec();
        let token: DefaultJoinTokenSpec = object(kind::DEFAULT_JOIN_TOKEN, "default").spec();
        assert_eq!(params.join_token, token.token_id);
        assert!(params.args.contains(&token.token_id), "{}", params.args);
    }
}
