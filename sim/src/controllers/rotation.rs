//! New authorities for clusters: in three passes every machine takes them, one after the other.
//!
//! First machines accept the new authority beside the old one, then they use it, and last they forget the old one.
//! What was done stands in types that no caller sees.

use super::desk::Desk;
use super::member;
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

/// The wishes, what they are about, and where the version that was carried out is noted.
const WISHES: &[(&str, Component, &str)] = &[
    (kind::ROTATE_TALOS_CA, Component::TalosCa, "talos-version"),
    (kind::ROTATE_KUBERNETES_CA, Component::KubernetesCa, "kubernetes-version"),
];

pub(super) fn act(desk: &Desk<'_>) {
    for cluster in desk.list(kind::CLUSTER) {
        if !cluster.tearing_down {
            rotate(desk, &cluster);
        }
    }
    for secrets in desk.list(kind::CLUSTER_MACHINE_SECRETS) {
        if !desk.has(kind::CLUSTER_MACHINE, &secrets.key.id) {
            desk.remove(kind::CLUSTER_MACHINE_SECRETS, &secrets.key.id);
        }
    }
}

fn rotate(desk: &Desk<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    let spec: SecretRotationSpec = desk.spec(kind::SECRET_ROTATION, id);
    if spec.phase() == Phase::Ok {
        if let Some((component, note, version)) = wish(desk, id) {
            begin(desk, id, component, note, version);
        }
        return;
    }
    if cluster.annotations.contains_key(annotation::CLUSTER_LOCKED) {
        report(desk, id, &spec, "the cluster is locked");
        return;
    }
    let version = WISHES
        .iter()
        .find(|(_, component, _)| *component == spec.component())
        .and_then(|(_, _, note)| desk.get(kind::SECRET_ROTATION, id)?.annotations.get(*note).cloned())
        .unwrap_or_default();
    let pass = Pass { desk, goal: goal(&spec, &version) };
    let members = members(desk, id);
    let done = members.iter().filter(|member| pass.is_done(member)).count();
    if done == members.len() {
        end(desk, id, &spec);
        return;
    }
    let status = match pass.advance(&members) {
        Some(machine) => format!("rotating secrets of machine {machine:?}, {done}/{} done", members.len()),
        None => format!("waiting for machines that are locked or do not answer, {done}/{} done", members.len()),
    };
    report(desk, id, &spec, &status);
}

/// A wish that was not carried out yet; only a cluster that lives can carry one out.
fn wish(desk: &Desk<'_>, id: &str) -> Option<(Component, &'static str, String)> {
    let noted = desk.get(kind::SECRET_ROTATION, id);
    let lives = desk.spec::<ClusterBootstrapStatusSpec>(kind::CLUSTER_BOOTSTRAP_STATUS, id).bootstrapped;
    WISHES.iter().filter(|_| lives).find_map(|(kind, component, note)| {
        let wish = desk.get(kind, id)?;
        let version = wish.version.to_string();
        let seen = noted.as_ref().and_then(|noted| noted.annotations.get(*note)) == Some(&version);
        (!wish.tearing_down && !seen).then_some((*component, *note, version))
    })
}

fn begin(desk: &Desk<'_>, id: &str, component: Component, note: &str, version: String) {
    let mut spec: SecretRotationSpec = desk.spec(kind::SECRET_ROTATION, id);
    spec.set_status(Status::InProgress);
    spec.set_phase(Phase::PreRotate);
    spec.set_component(component);
    write(desk, id, &spec);
    desk.edit(kind::SECRET_ROTATION, id, |object| {
        object.annotations.insert(note.to_owned(), version);
    });
    report(desk, id, &spec, "");
}

/// Ends a pass, and the rotation with the last one.
fn end(desk: &Desk<'_>, id: &str, old: &SecretRotationSpec) {
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
    write(desk, id, &spec);
    report(desk, id, &spec, "");
}

fn write(desk: &Desk<'_>, id: &str, spec: &SecretRotationSpec) {
    if desk.has(kind::SECRET_ROTATION, id) {
        desk.edit_spec(kind::SECRET_ROTATION, id, |kept: &mut SecretRotationSpec| kept.clone_from(spec));
    } else {
        desk.put(OWNER, kind::SECRET_ROTATION, id, &[], spec);
    }
}

fn report(desk: &Desk<'_>, id: &str, spec: &SecretRotationSpec, status: &str) {
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
    desk.put(OWNER, kind::CLUSTER_SECRETS_ROTATION_STATUS, id, &[], &report);
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
fn members(desk: &Desk<'_>, cluster: &str) -> Vec<Arc<Object>> {
    let mut members = desk.labelled(kind::CLUSTER_MACHINE, label::CLUSTER, cluster);
    members.retain(|member| !member.tearing_down);
    members.sort_by_key(|member| member.label(label::CONTROL_PLANE).is_none());
    members
}

/// One pass over the machines of a cluster.
struct Pass<'a> {
    desk: &'a Desk<'a>,
    goal: Rotation,
}

impl Pass<'_> {
    fn rotation(&self, member: &Object) -> Option<Rotation> {
        self.desk.spec::<ClusterMachineSecretsSpec>(kind::CLUSTER_MACHINE_SECRETS, &member.key.id).rotation
    }

    fn is_done(&self, member: &Object) -> bool {
        self.rotation(member).as_ref() == Some(&self.goal)
    }

    fn stage(&self, member: &Object) -> Stage {
        self.desk.spec::<ClusterMachineStatusSpec>(kind::CLUSTER_MACHINE_STATUS, &member.key.id).stage()
    }

    /// One machine at a time: says which one is at it now.
    fn advance(&self, members: &[Arc<Object>]) -> Option<String> {
        let busy = Rotation { status: Status::InProgress.into(), ..self.goal.clone() };
        if let Some(member) = members.iter().find(|member| self.rotation(member).as_ref() == Some(&busy)) {
            if self.stage(member) == Stage::Running {
                self.note(member, self.goal.clone());
            }
            return Some(member.key.id.clone());
        }
        let next = members.iter().find(|member| {
            let id = member.key.id.as_str();
            !self.is_done(member)
                && !member::locked(self.desk, id)
                && self.stage(member) == Stage::Running
                && self.desk.spec::<MachineSpec>(kind::MACHINE, id).connected
        })?;
        self.note(next, busy);
        self.desk.edit_spec(kind::CLUSTER_MACHINE_STATUS, &next.key.id, |status: &mut ClusterMachineStatusSpec| {
            status.set_stage(Stage::Configuring);
            status.ready = false;
        });
        Some(next.key.id.clone())
    }

    fn note(&self, member: &Object, rotation: Rotation) {
        let (desk, id) = (self.desk, member.key.id.as_str());
        if !desk.has(kind::CLUSTER_MACHINE_SECRETS, id) {
            let labels: Vec<_> = member.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let owner = "ClusterMachineSecretsController";
            desk.put(owner, kind::CLUSTER_MACHINE_SECRETS, id, &labels, &ClusterMachineSecretsSpec::default());
        }
        desk.edit_spec(kind::CLUSTER_MACHINE_SECRETS, id, |secrets: &mut ClusterMachineSecretsSpec| {
            secrets.rotation = Some(rotation);
        });
    }
}
