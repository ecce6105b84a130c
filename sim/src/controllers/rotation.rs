//! CA rotation of clusters: three passes over all machines, one after the other.
//!
//! Machines first accept the new CA in addition to the old one, then use it, and finally remove the old one.
//! The progress is stored in types that no caller sees.

use super::cluster_machine;
use super::context::ControllerContext;
use crate::names::{annotation, controller, kind, label};
use crate::object::Object;
use omni_proto::specs::cluster_machine_secrets_spec::Rotation;
use omni_proto::specs::cluster_machine_status_spec::Stage;
use omni_proto::specs::secret_rotation_spec::{Component, Phase, Status};
use omni_proto::specs::{
    ClusterBootstrapStatusSpec, ClusterMachineSecretsSpec, ClusterMachineStatusSpec, ClusterSecretsRotationStatusSpec,
    MachineSpec, SecretRotationSpec,
};
use std::sync::Arc;

const OWNER: &str = controller::SECRET_ROTATION_STATUS;

/// The requests, what they are about, and where the version that was carried out is noted.
const WISHES: &[(&str, Component, &str)] = &[
    (kind::ROTATE_TALOS_CA, Component::TalosCa, "talos-version"),
    (kind::ROTATE_KUBERNETES_CA, Component::KubernetesCa, "kubernetes-version"),
];

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for cluster in ctx.list(kind::CLUSTER) {
        if !cluster.tearing_down {
            rotate(ctx, &cluster);
        }
    }
    for secrets in ctx.list(kind::CLUSTER_MACHINE_SECRETS) {
        if !ctx.has(kind::CLUSTER_MACHINE, &secrets.key.id) {
            ctx.remove(kind::CLUSTER_MACHINE_SECRETS, &secrets.key.id);
        }
    }
}

fn rotate(ctx: &ControllerContext<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    let spec: SecretRotationSpec = ctx.spec(kind::SECRET_ROTATION, id);
    if spec.phase() == Phase::Ok {
        if let Some((component, note, version)) = requested(ctx, id) {
            begin(ctx, id, component, note, version);
        }
        return;
    }
    if cluster.annotations.contains_key(annotation::CLUSTER_LOCKED) {
        report(ctx, id, &spec, "the cluster is locked");
        return;
    }
    let version = WISHES
        .iter()
        .find(|(_, component, _)| *component == spec.component())
        .and_then(|(_, _, note)| ctx.get(kind::SECRET_ROTATION, id)?.annotations.get(*note).cloned())
        .unwrap_or_default();
    let pass = Pass { ctx, goal: goal(&spec, &version) };
    let cluster_machines = cluster_machines(ctx, id);
    let done = cluster_machines.iter().filter(|cluster_machine| pass.is_done(cluster_machine)).count();
    if done == cluster_machines.len() {
        end(ctx, id, &spec);
        return;
    }
    let status = match pass.advance(&cluster_machines) {
        Some(machine) => format!("rotating secrets of machine {machine:?}, {done}/{} done", cluster_machines.len()),
        None => {
            format!("waiting for machines that are locked or do not answer, {done}/{} done", cluster_machines.len())
        }
    };
    report(ctx, id, &spec, &status);
}

/// A request that was not carried out yet; only a cluster that lives can carry one out.
fn requested(ctx: &ControllerContext<'_>, id: &str) -> Option<(Component, &'static str, String)> {
    let noted = ctx.get(kind::SECRET_ROTATION, id);
    let lives = ctx.spec::<ClusterBootstrapStatusSpec>(kind::CLUSTER_BOOTSTRAP_STATUS, id).bootstrapped;
    WISHES.iter().filter(|_| lives).find_map(|(kind, component, note)| {
        let request = ctx.get(kind, id)?;
        let version = request.version.to_string();
        let seen = noted.as_ref().and_then(|noted| noted.annotations.get(*note)) == Some(&version);
        (!request.tearing_down && !seen).then_some((*component, *note, version))
    })
}

fn begin(ctx: &ControllerContext<'_>, id: &str, component: Component, note: &str, version: String) {
    let mut spec: SecretRotationSpec = ctx.spec(kind::SECRET_ROTATION, id);
    spec.set_status(Status::InProgress);
    spec.set_phase(Phase::PreRotate);
    spec.set_component(component);
    write(ctx, id, &spec);
    ctx.edit(kind::SECRET_ROTATION, id, |object| {
        object.annotations.insert(note.to_owned(), version);
    });
    report(ctx, id, &spec, "");
}

/// Ends a pass, and the rotation with the last one.
fn end(ctx: &ControllerContext<'_>, id: &str, old: &SecretRotationSpec) {
    let mut spec = old.clone();
    spec.set_phase(match old.phase() {
        Phase::PreRotate => Phase::Rotate,
        Phase::Rotate => Phase::PostRotate,
        Phase::PostRotate | Phase::Ok => Phase::Ok,
    });
    if spec.phase() == Phase::Ok {
        spec.set_status(Status::Idle);
        spec.set_component(Component::None);
    }
    write(ctx, id, &spec);
    report(ctx, id, &spec, "");
}

fn write(ctx: &ControllerContext<'_>, id: &str, spec: &SecretRotationSpec) {
    if ctx.has(kind::SECRET_ROTATION, id) {
        ctx.edit_spec(kind::SECRET_ROTATION, id, |kept: &mut SecretRotationSpec| kept.clone_from(spec));
    } else {
        ctx.put(OWNER, kind::SECRET_ROTATION, id, &[], spec);
    }
}

fn report(ctx: &ControllerContext<'_>, id: &str, spec: &SecretRotationSpec, status: &str) {
    let step = match spec.phase() {
        Phase::Ok => "",
        Phase::PreRotate => "adding the new certificate authority to the accepted ones",
        Phase::Rotate => "issuing certificates by the new certificate authority",
        Phase::PostRotate => "removing the old certificate authority from the accepted ones",
    };
    let report = ClusterSecretsRotationStatusSpec {
        phase: spec.phase,
        component: spec.component,
        error: String::new(),
        step: step.to_owned(),
        status: status.to_owned(),
    };
    ctx.put(OWNER, kind::CLUSTER_SECRETS_ROTATION_STATUS, id, &[], &report);
}

/// What a machine has done after this pass.
fn goal(spec: &SecretRotationSpec, version: &str) -> Rotation {
    Rotation {
        status: Status::Idle.into(),
        phase: spec.phase,
        component: spec.component,
        secret_rotation_version: version.to_owned(),
        ..Rotation::default()
    }
}

/// Control planes first, and each role by id.
fn cluster_machines(ctx: &ControllerContext<'_>, cluster: &str) -> Vec<Arc<Object>> {
    let mut cluster_machines = ctx.labelled(kind::CLUSTER_MACHINE, label::CLUSTER, cluster);
    cluster_machines.retain(|cluster_machine| !cluster_machine.tearing_down);
    cluster_machines.sort_by_key(|cluster_machine| cluster_machine.label(label::CONTROL_PLANE).is_none());
    cluster_machines
}

/// One pass over the machines of a cluster.
struct Pass<'a> {
    ctx: &'a ControllerContext<'a>,
    goal: Rotation,
}

impl Pass<'_> {
    fn rotation(&self, cluster_machine: &Object) -> Option<Rotation> {
        self.ctx.spec::<ClusterMachineSecretsSpec>(kind::CLUSTER_MACHINE_SECRETS, &cluster_machine.key.id).rotation
    }

    fn is_done(&self, cluster_machine: &Object) -> bool {
        self.rotation(cluster_machine).as_ref() == Some(&self.goal)
    }

    fn stage(&self, cluster_machine: &Object) -> Stage {
        self.ctx.spec::<ClusterMachineStatusSpec>(kind::CLUSTER_MACHINE_STATUS, &cluster_machine.key.id).stage()
    }

    /// One machine at a time: says which one is at it now.
    fn advance(&self, cluster_machines: &[Arc<Object>]) -> Option<String> {
        let busy = Rotation { status: Status::InProgress.into(), ..self.goal.clone() };
        if let Some(cluster_machine) =
            cluster_machines.iter().find(|cluster_machine| self.rotation(cluster_machine).as_ref() == Some(&busy))
        {
            if self.stage(cluster_machine) == Stage::Running {
                self.note(cluster_machine, self.goal.clone());
            }
            return Some(cluster_machine.key.id.clone());
        }
        let next = cluster_machines.iter().find(|cluster_machine| {
            let id = cluster_machine.key.id.as_str();
            !self.is_done(cluster_machine)
                && !cluster_machine::locked(self.ctx, id)
                && self.stage(cluster_machine) == Stage::Running
                && self.ctx.spec::<MachineSpec>(kind::MACHINE, id).connected
        })?;
        self.note(next, busy);
        self.ctx.edit_spec(kind::CLUSTER_MACHINE_STATUS, &next.key.id, |status: &mut ClusterMachineStatusSpec| {
            status.set_stage(Stage::Configuring);
            status.ready = false;
        });
        Some(next.key.id.clone())
    }

    fn note(&self, cluster_machine: &Object, rotation: Rotation) {
        let (ctx, id) = (self.ctx, cluster_machine.key.id.as_str());
        if !ctx.has(kind::CLUSTER_MACHINE_SECRETS, id) {
            let labels: Vec<_> =
                cluster_machine.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let owner = "ClusterMachineSecretsController";
            ctx.put(owner, kind::CLUSTER_MACHINE_SECRETS, id, &labels, &ClusterMachineSecretsSpec::default());
        }
        ctx.edit_spec(kind::CLUSTER_MACHINE_SECRETS, id, |secrets: &mut ClusterMachineSecretsSpec| {
            secrets.rotation = Some(rotation);
        });
    }
}
