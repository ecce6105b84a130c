//! Status of machines: connection, cluster, and labels.

use super::context::ControllerContext;
use crate::inventory;
use crate::names::{controller, kind, label};
use crate::object::Object;
use omni_proto::specs::machine_status_spec::Role;
use omni_proto::specs::{InfraMachineConfigSpec, MachineSpec, MachineStatusSpec};
use std::collections::BTreeMap;

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for machine in ctx.list(kind::MACHINE_STATUS) {
        report(ctx, &machine);
    }
}

fn report(ctx: &ControllerContext<'_>, machine: &Object) {
    let id = machine.key.id.as_str();
    let link: MachineSpec = ctx.spec(kind::MACHINE, id);
    // The cluster machine is the truth about the present, the node about what is to come.
    let place = ctx.get(kind::CLUSTER_MACHINE, id).or_else(|| ctx.get(kind::MACHINE_SET_NODE, id));
    let of = |key: &str| place.as_ref().and_then(|place| place.label(key)).map(str::to_owned);
    let is_plane = of(label::CONTROL_PLANE).is_some();
    ctx.edit_spec(kind::MACHINE_STATUS, id, |status: &mut MachineStatusSpec| {
        status.connected = link.connected;
        status.management_address.clone_from(&link.management_address);
        status.cluster = of(label::CLUSTER).unwrap_or_default();
        status.set_role(match &place {
            None => Role::None,
            Some(_) if is_plane => Role::ControlPlane,
            Some(_) => Role::Worker,
        });
    });
    let status: MachineStatusSpec = ctx.spec(kind::MACHINE_STATUS, id);
    let mut labels: BTreeMap<String, String> = status.image_labels.clone().into_iter().collect();
    if let Some(own) = ctx.get(kind::MACHINE_LABELS, id) {
        labels.extend(own.labels.clone());
    }
    labels.extend(inventory::labels(&status));
    let mut flag = |key: &str, on: bool| {
        if on {
            labels.insert(key.to_owned(), String::new());
        }
    };
    flag(label::CONNECTED, link.connected);
    flag(label::DISCONNECTED, !link.connected);
    flag(label::REPORTING_EVENTS, link.connected);
    flag(label::READY_TO_USE, link.connected);
    flag(label::AVAILABLE, place.is_none());
    flag(label::CONTROL_PLANE, place.is_some() && is_plane);
    flag(label::WORKER, place.is_some() && !is_plane);
    let tunnel = ctx.get(kind::LINK, id);
    for key in [label::INFRA_PROVIDER_ID, label::MACHINE_REQUEST, label::MACHINE_REQUEST_SET] {
        if let Some(value) = tunnel.as_ref().and_then(|tunnel| tunnel.label(key)) {
            labels.insert(key.to_owned(), value.to_owned());
            if key == label::MACHINE_REQUEST {
                labels.insert(label::NO_MANUAL_ALLOCATION.to_owned(), String::new());
            }
        }
    }
    if ctx.spec::<InfraMachineConfigSpec>(kind::INFRA_MACHINE_CONFIG, id).cordoned {
        labels.remove(label::READY_TO_USE);
    }
    for key in [label::CLUSTER, label::MACHINE_SET] {
        if let Some(value) = of(key) {
            labels.insert(key.to_owned(), value);
        }
    }
    ctx.edit(kind::MACHINE_STATUS, id, |object| object.labels.clone_from(&labels));
    let labels: Vec<_> = labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    ctx.put(controller::MACHINE_STATUS_LABELS, kind::MACHINE_STATUS_LABELS, id, &labels, &());
}
