//! Machine requests: machine sets whose class names an infrastructure provider request the machines that they need.

use super::context::ControllerContext;
use crate::names::{annotation, controller, kind, label};
use crate::object::Object;
use crate::rules;
use omni_proto::specs::cluster_machine_request_status_spec::Stage;
use omni_proto::specs::machine_request_status_spec::Stage as Progress;
use omni_proto::specs::{
    ClusterMachineRequestStatusSpec, ClusterSpec, MachineClassSpec, MachineRequestSetSpec, MachineRequestSetStatusSpec,
    MachineRequestSpec, MachineRequestStatusSpec, MachineSetSpec,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

const SET_HELD_BY: &[&str] = &[controller::MACHINE_REQUEST_SET_STATUS];

/// Asks for what sets of machines need.
pub(super) fn sets(ctx: &ControllerContext<'_>) {
    for set in ctx.list(kind::MACHINE_SET) {
        if let Some(wanted) = wanted(ctx, &set) {
            let labels = [
                (label::CLUSTER, set.label(label::CLUSTER).unwrap_or_default()),
                (label::MACHINE_SET, set.key.id.as_str()),
            ];
            ctx.put(controller::MACHINE_PROVISION, kind::MACHINE_REQUEST_SET, &set.key.id, &labels, &wanted);
        }
    }
    for requests in ctx.list(kind::MACHINE_REQUEST_SET) {
        let set = ctx.get(kind::MACHINE_SET, &requests.key.id);
        let needed = set.is_some_and(|set| !set.tearing_down && provision(ctx, &set).is_some());
        if requests.owner == controller::MACHINE_PROVISION && !needed {
            ctx.clear(&requests.key);
        }
    }
}

/// What the class of a set says of making machines, and how many the set wants.
fn provision(
    ctx: &ControllerContext<'_>,
    set: &Object,
) -> Option<(omni_proto::specs::machine_class_spec::Provision, u32)> {
    let spec: MachineSetSpec = set.spec();
    let allocation = rules::allocation(&spec)?;
    let class: MachineClassSpec = ctx.get(kind::MACHINE_CLASS, &allocation.name)?.spec();
    Some((class.auto_provision?, allocation.machine_count))
}

fn wanted(ctx: &ControllerContext<'_>, set: &Object) -> Option<MachineRequestSetSpec> {
    let cluster = ctx.get(kind::CLUSTER, set.label(label::CLUSTER)?)?;
    if set.tearing_down || cluster.tearing_down || cluster.annotations.contains_key(annotation::CLUSTER_LOCKED) {
        return None;
    }
    let (provision, count) = provision(ctx, set)?;
    // Machines are made once: a later change of the cluster's version upgrades them like others.
    let made: Option<MachineRequestSetSpec> =
        ctx.get(kind::MACHINE_REQUEST_SET, &set.key.id).map(|requests| requests.spec());
    let talos_version = match made {
        Some(made) => made.talos_version,
        None => cluster.spec::<ClusterSpec>().talos_version,
    };
    Some(MachineRequestSetSpec {
        provider_id: provision.provider_id,
        machine_count: i32::try_from(count).unwrap_or(i32::MAX),
        talos_version,
        kernel_args: provision.kernel_args,
        meta_values: provision.meta_values,
        provider_data: provision.provider_data,
        grpc_tunnel: provision.grpc_tunnel,
        ..MachineRequestSetSpec::default()
    })
}

/// Turns sets of requests into requests.
pub(super) fn requests(ctx: &ControllerContext<'_>) {
    for set in ctx.list(kind::MACHINE_REQUEST_SET) {
        let all = ctx.labelled(kind::MACHINE_REQUEST, label::MACHINE_REQUEST_SET, &set.key.id);
        if set.tearing_down {
            for request in all.iter().filter(|request| !in_use(ctx, request)) {
                ctx.clear(&request.key);
            }
            if all.is_empty() {
                ctx.remove(kind::MACHINE_REQUEST_SET_STATUS, &set.key.id);
                ctx.release(&set, SET_HELD_BY);
            }
            continue;
        }
        ctx.hold(&set, SET_HELD_BY);
        let owner = controller::MACHINE_REQUEST_SET_STATUS;
        let status = MachineRequestSetStatusSpec {};
        ctx.put(owner, kind::MACHINE_REQUEST_SET_STATUS, &set.key.id, &[], &status);
        adjust(ctx, &set, &all);
    }
    for request in ctx.list(kind::MACHINE_REQUEST) {
        if request.tearing_down && request.owner == controller::MACHINE_REQUEST_SET_STATUS {
            ctx.clear(&request.key);
        }
    }
}

/// As many requests as the set says; those whose machine works in a cluster are not given up.
fn adjust(ctx: &ControllerContext<'_>, set: &Object, all: &[Arc<Object>]) {
    let spec: MachineRequestSetSpec = set.spec();
    let target = usize::try_from(spec.machine_count).unwrap_or_default();
    let mut live: Vec<_> = all.iter().filter(|request| !request.tearing_down).collect();
    for number in 0..target.saturating_sub(live.len()) {
        let labels =
            [(label::INFRA_PROVIDER_ID, spec.provider_id.as_str()), (label::MACHINE_REQUEST_SET, set.key.id.as_str())];
        let request = MachineRequestSpec {
            talos_version: spec.talos_version.clone(),
            extensions: spec.extensions.clone(),
            kernel_args: spec.kernel_args.clone(),
            meta_values: spec.meta_values.clone(),
            provider_data: spec.provider_data.clone(),
            grpc_tunnel: spec.grpc_tunnel,
            ..MachineRequestSpec::default()
        };
        let id = name(ctx, set, all.len() + number);
        ctx.put(controller::MACHINE_REQUEST_SET_STATUS, kind::MACHINE_REQUEST, &id, &labels, &request);
    }
    let surplus = live.len().saturating_sub(target);
    // What has no machine yet goes first.
    live.sort_by_key(|request| ctx.has(kind::LINK, &machine(ctx, request)));
    for request in live.into_iter().filter(|request| !in_use(ctx, request)).take(surplus) {
        ctx.clear(&request.key);
    }
}

/// The name of a set, and six characters that no other request of it has.
fn name(ctx: &ControllerContext<'_>, set: &Object, seed: usize) -> String {
    let candidate = |seed: usize| {
        let digest = Sha256::digest(format!("{}/{:?}/{seed}", set.key.id, set.created));
        let letters: String = digest
            .iter()
            .take(6)
            .map(|byte| char::from(b"bcdfghjklmnpqrstvwxz2456789"[usize::from(byte % 27)]))
            .collect();
        format!("{}-{letters}", set.key.id)
    };
    let free = |id: &String| !ctx.has(kind::MACHINE_REQUEST, id) && !ctx.has(kind::MACHINE_REQUEST_STATUS, id);
    (seed..).map(candidate).find(free).unwrap_or_default()
}

/// The id of the machine that was made for a request.
fn machine(ctx: &ControllerContext<'_>, request: &Object) -> String {
    ctx.spec::<MachineRequestStatusSpec>(kind::MACHINE_REQUEST_STATUS, &request.key.id).id
}

/// Whether the machine that was made for a request is in a cluster.
fn in_use(ctx: &ControllerContext<'_>, request: &Object) -> bool {
    let id = machine(ctx, request);
    ctx.has(kind::CLUSTER_MACHINE, &id) || ctx.get(kind::MACHINE_SET_NODE, &id).is_some_and(|node| !node.tearing_down)
}

/// Tells clusters how far their requests are.
pub(super) fn statuses(ctx: &ControllerContext<'_>) {
    for request in ctx.list(kind::MACHINE_REQUEST) {
        let set = request.label(label::MACHINE_REQUEST_SET).unwrap_or_default();
        let Some(cluster) = ctx.get(kind::MACHINE_REQUEST_SET, set).and_then(|set| {
            let cluster = set.label(label::CLUSTER)?;
            Some(cluster.to_owned())
        }) else {
            continue;
        };
        let progress: MachineRequestStatusSpec = ctx.spec(kind::MACHINE_REQUEST_STATUS, &request.key.id);
        let stage = match progress.stage() {
            _ if request.tearing_down => Stage::Deprovisioning,
            Progress::Unknown => Stage::Pending,
            Progress::Provisioning => Stage::Provisioning,
            Progress::Provisioned => Stage::Provisioned,
            Progress::Failed => Stage::Failed,
        };
        let status = ClusterMachineRequestStatusSpec {
            status: progress.status,
            machine_uuid: progress.id,
            provider_id: request.label(label::INFRA_PROVIDER_ID).unwrap_or_default().to_owned(),
            stage: stage.into(),
            error: progress.error,
        };
        let labels = [(label::CLUSTER, cluster.as_str()), (label::MACHINE_SET, set)];
        let owner = controller::CLUSTER_MACHINE_REQUEST_STATUS;
        ctx.put(owner, kind::CLUSTER_MACHINE_REQUEST_STATUS, &request.key.id, &labels, &status);
    }
    for status in ctx.list(kind::CLUSTER_MACHINE_REQUEST_STATUS) {
        if !ctx.has(kind::MACHINE_REQUEST, &status.key.id) {
            ctx.remove(kind::CLUSTER_MACHINE_REQUEST_STATUS, &status.key.id);
        }
    }
}
