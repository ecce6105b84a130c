//! Counts of clusters and machines, and the warnings that follow from them.

use super::context::{ControllerContext, count};
use super::former::{TalosVersions, With};
use crate::catalogue::Feature;
use crate::names::{controller, kind};
use crate::rules::tolerant;
use omni_proto::specs::{
    ClusterMetricsSpec, ClusterSpec, ClusterStatusMetricsSpec, ClusterStatusSpec, MachineStatusMetricsSpec,
    MachineStatusSpec, NotificationSpec, notification_spec,
};
use std::collections::{BTreeMap, HashMap};

/// The only object of each of these types.
const ID: &str = "metrics";

/// The first version of Talos that is supported, as text and in numbers.
const SUPPORTED: (&str, (u64, u64)) = ("1.9.0", (1, 9));

/// This many minor versions later support does not end soon.
const SAFE_AFTER: u64 = 2;

/// The answer where a machine has not said.
const UNKNOWN: &str = "unknown";

pub(super) fn act(ctx: &ControllerContext<'_>) {
    clusters(ctx);
    let machines = machines(ctx);
    if ctx.release.has(Feature::MachineWarnings) {
        warn(ctx, &machines);
    }
}

fn clusters(ctx: &ControllerContext<'_>) {
    let mut features: HashMap<String, u32> = HashMap::new();
    for cluster in ctx.list(kind::CLUSTER) {
        let uses = cluster.spec::<ClusterSpec>().features.unwrap_or_default();
        for (name, used) in [
            ("workload_proxy", uses.enable_workload_proxy),
            ("disk_encryption", uses.disk_encryption),
            ("embedded_discovery_service", uses.use_embedded_discovery_service),
        ] {
            *features.entry(name.to_owned()).or_default() += u32::from(used);
        }
    }
    for name in ["workload_proxy", "disk_encryption", "embedded_discovery_service"] {
        features.entry(name.to_owned()).or_default();
    }
    ctx.put(controller::CLUSTER_METRICS, kind::CLUSTER_METRICS, ID, &[], &ClusterMetricsSpec { features });

    let mut status = ClusterStatusMetricsSpec::default();
    for cluster in ctx.list(kind::CLUSTER_STATUS) {
        let spec: ClusterStatusSpec = cluster.spec();
        *status.phases.entry(spec.phase).or_default() += 1;
        status.not_ready_count += u32::from(!spec.ready);
    }
    ctx.put(controller::CLUSTER_STATUS_METRICS, kind::CLUSTER_STATUS_METRICS, ID, &[], &status);
}

fn machines(ctx: &ControllerContext<'_>) -> MachineStatusMetricsSpec {
    let before: MachineStatusMetricsSpec = ctx.spec(kind::MACHINE_STATUS_METRICS, ID);
    let yes_or_no = || [UNKNOWN, "true", "false"].map(|answer| (answer.to_owned(), 0)).into_iter().collect();
    let mut found = MachineStatusMetricsSpec {
        // Platforms stay on the list when their last machine goes.
        platforms: before.platforms.into_keys().map(|name| (name, 0)).collect(),
        secure_boot_status: yes_or_no(),
        uki_status: yes_or_no(),
        pending_machines_count: before.pending_machines_count,
        registered_machines_limit: before.registered_machines_limit,
        ..Default::default()
    };
    let all: Vec<MachineStatusSpec> = ctx.list(kind::MACHINE_STATUS).iter().map(|machine| machine.spec()).collect();
    let with = |test: &dyn Fn(&MachineStatusSpec) -> bool| count(all.iter().filter(|machine| test(machine)).count());
    found.registered_machines_count = count(all.len());
    found.connected_machines_count = with(&|machine| machine.connected);
    found.allocated_machines_count = with(&|machine| !machine.cluster.is_empty());
    for machine in &all {
        if let Some(platform) = &machine.platform_metadata {
            *found.platforms.entry(platform.platform.clone()).or_default() += 1;
        }
        let state = machine.security_state;
        let answer = |of: Option<bool>| of.map_or_else(|| UNKNOWN.to_owned(), |of| of.to_string());
        *found.secure_boot_status.entry(answer(state.map(|state| state.secure_boot))).or_default() += 1;
        *found.uki_status.entry(answer(state.map(|state| state.booted_with_uki))).or_default() += 1;
    }
    if ctx.release.has(Feature::MachineWarnings) {
        let line = |machine: &MachineStatusSpec| {
            tolerant::parse(machine.talos_version.trim_start_matches('v')).ok().map(|version| version.minor_line())
        };
        let (first, safe) = (SUPPORTED.1, (SUPPORTED.1.0, SUPPORTED.1.1 + SAFE_AFTER));
        found.invalid_schematic_machines_count = with(&|machine| machine.schematic.as_ref().is_some_and(|s| s.invalid));
        if ctx.release.has(Feature::SupportWarnings) {
            found.talos_version_end_of_support_machines_count =
                with(&|machine| line(machine).is_some_and(|line| line < first));
            found.approaching_talos_version_end_of_support_machines_count =
                with(&|machine| line(machine).is_some_and(|line| (first..safe).contains(&line)));
        }
        let limit = found.registered_machines_limit;
        found.registration_limit_reached = limit > 0 && found.registered_machines_count >= limit;
    }
    let mut versions_map = BTreeMap::new();
    if ctx.release.has_field("MachineStatusMetricsSpec", "versions_map") {
        for machine in all.into_iter().filter(|machine| !machine.talos_version.is_empty()) {
            *versions_map.entry(machine.talos_version).or_default() += 1;
        }
    }
    let found = With { former: TalosVersions { versions_map }, spec: found };
    ctx.put(controller::MACHINE_STATUS_METRICS, kind::MACHINE_STATUS_METRICS, ID, &[], &found);
    found.spec
}

/// Keeps one warning for each thing that somebody should look after.
fn warn(ctx: &ControllerContext<'_>, machines: &MachineStatusMetricsSpec) {
    const POLICY: &str = "https://docs.siderolabs.com/omni/getting-started/talos-version-support-policy";
    let (ended, ending) = (
        machines.talos_version_end_of_support_machines_count,
        machines.approaching_talos_version_end_of_support_machines_count,
    );
    let (first, has, limit) = (SUPPORTED.0, machines.registered_machines_count, machines.registered_machines_limit);
    for (id, wanted, title, body) in [
        (
            "machine-registration-limit",
            machines.registration_limit_reached,
            "Machine Registration Limit Reached",
            format!("{has}/{limit} machines registered. New machines will be rejected."),
        ),
        (
            "talos-version-end-of-support",
            ended > 0,
            "Unsupported Talos Version Detected",
            format!(
                "{ended} machine(s) are running unsupported Talos versions (below {first}). Please upgrade immediately: {POLICY}"
            ),
        ),
        (
            "approaching-talos-version-end-of-support",
            ending > 0,
            "Talos Version Approaching End of Support",
            format!(
                "{ending} machine(s) are running a Talos version that will lose Omni support soon. The minimum supported \
                 version is {first}. Please upgrade: {POLICY}"
            ),
        ),
    ] {
        if wanted {
            let kind = notification_spec::Type::Warning.into();
            let spec = NotificationSpec { title: title.to_owned(), body, r#type: kind };
            ctx.put(controller::MACHINE_STATUS_METRICS, self::kind::NOTIFICATION, id, &[], &spec);
        } else {
            ctx.remove(self::kind::NOTIFICATION, id);
        }
    }
}
