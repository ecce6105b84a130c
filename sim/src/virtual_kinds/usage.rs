//! The resource usage of a cluster, summed over its nodes.

use crate::names::{kind, label};
use crate::object::Reader;
use omni_proto::specs::kubernetes_usage_spec::{Pod, Quantity};
use omni_proto::specs::{KubernetesStatusSpec, KubernetesUsageSpec, MachineStatusSpec};

/// How many pods a node takes, unless its kubelet is told otherwise.
const PODS_A_NODE: i32 = 110;
const MEGABYTE: f64 = 1024.0 * 1024.0;

/// The usage of a cluster; none before Kubernetes has said anything.
pub(super) fn of(view: &dyn Reader, cluster: &str) -> Option<KubernetesUsageSpec> {
    let status: KubernetesStatusSpec = view.get(kind::KUBERNETES_STATUS, cluster)?.spec();
    let mut total = KubernetesUsageSpec {
        cpu: Some(Quantity::default()),
        mem: Some(Quantity::default()),
        storage: Some(Quantity::default()),
        pods: Some(Pod::default()),
    };
    let cluster_machines = view.list(kind::CLUSTER_MACHINE);
    for cluster_machine in
        cluster_machines.iter().filter(|cluster_machine| cluster_machine.label(label::CLUSTER) == Some(cluster))
    {
        let Some(machine) = view.get(kind::MACHINE_STATUS, &cluster_machine.key.id) else { continue };
        add(&mut total, &machine.spec());
    }
    if let Some(pods) = &mut total.pods {
        let running = status.static_pods.iter().map(|node| node.static_pods.len()).sum::<usize>();
        pods.count = i32::try_from(running).unwrap_or(i32::MAX);
        let nodes = i32::try_from(status.nodes.len()).unwrap_or(i32::MAX);
        pods.capacity = nodes.saturating_mul(PODS_A_NODE);
    }
    Some(total)
}

fn add(total: &mut KubernetesUsageSpec, machine: &MachineStatusSpec) {
    let Some(hardware) = &machine.hardware else { return };
    let more = |quantity: &mut Option<Quantity>, amount: f64| {
        if let Some(quantity) = quantity {
            quantity.capacity += amount;
        }
    };
    let threads: u32 = hardware.processors.iter().map(|processor| processor.thread_count).sum();
    let memory: u32 = hardware.memory_modules.iter().map(|module| module.size_mb).sum();
    let disk = hardware.blockdevices.iter().find(|disk| disk.system_disk).map_or(0, |disk| disk.size);
    more(&mut total.cpu, f64::from(threads));
    more(&mut total.mem, f64::from(memory) * MEGABYTE);
    #[allow(clippy::cast_precision_loss, reason = "sizes of disks are far below what a float holds exactly")]
    more(&mut total.storage, disk as f64);
}
