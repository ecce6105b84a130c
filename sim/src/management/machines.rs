//! Operations on single machines: upgrades and installations in maintenance mode, and power.

use super::{ServiceContext, upgrade_target};
use crate::access::Caller;
use crate::audit::AuditLog;
use crate::catalogue::Feature;
use crate::kinds::{self, Role};
use crate::machine_logs::MachineLogs;
use crate::names::{kind, label};
use crate::object::Object;
use crate::rules::tolerant;
use crate::store::Store;
use crate::world;
use futures_util::{StreamExt, stream};
use kit::version;
use omni_proto::management as pb;
use omni_proto::management::maintenance_lifecycle_request::Operation;
use omni_proto::specs::infra_machine_config_spec::AcceptanceStatus;
use omni_proto::specs::machine_status_spec::PowerState;
use omni_proto::specs::{InfraMachineConfigSpec, MachineStatusSpec, SiderolinkSpec};
use prost::Message;
use serde_json::json;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tonic::codegen::BoxStream;
use tonic::{Request, Status};

/// The label that names the provider of a machine.
const PROVIDER: &str = "omni.sidero.dev/infra-provider-id";

/// The first Talos version that can be installed and upgraded by these calls.
const LIFECYCLE_TALOS: (u64, u64) = (1, 13);

/// The machines that are being worked on; clones share them.
#[derive(Clone, Default)]
pub(super) struct Operations(Arc<Mutex<HashSet<String>>>);

impl Operations {
    /// Begins with a machine, unless somebody else has.
    fn begin(&self, machine: &str) -> Option<Running> {
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(machine.to_owned());
        begun.then(|| Running { operations: self.clone(), machine: machine.to_owned() })
    }
}

/// An operation on a machine; it ends when this goes.
struct Running {
    operations: Operations,
    machine: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.operations.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.machine);
    }
}

pub(super) async fn maintenance_upgrade(
    ctx: &ServiceContext,
    request: Request<pb::MaintenanceUpgradeRequest>,
) -> Result<pb::MaintenanceUpgradeResponse, Status> {
    let caller = Caller::of(&request)?;
    let pb::MaintenanceUpgradeRequest { machine_id: id, version } = request.into_inner();
    let targets = ctx.release().has(Feature::MaintenanceTargets);
    if ctx.release().has(Feature::CallsByPolicy) {
        named(&id)?;
    }
    if targets && version.is_empty() {
        return Err(Status::invalid_argument("talos version is required"));
    }
    let cluster = ctx.permit_on_machine(&caller, &id, Role::Operator)?;
    named(&id)?;
    let status = in_maintenance(ctx, &id)?;
    if targets {
        upgrade_target::check(&ctx.store, &version, &status.talos_version, false)?;
        not_in_agent_mode("upgrade", &status)?;
    }
    ready(ctx, &status)?;
    if !status.connected {
        let text = "failed to upgrade machine: rpc error: code = Unavailable desc = the machine does not answer";
        return Err(Status::unavailable(text));
    }
    note(&ctx.audit, &ctx.store, "machine.MachineService/Upgrade", &cluster, &id);
    upgrade(&ctx.store, &ctx.logs, &id, version::strip_v(&version));
    Ok(pb::MaintenanceUpgradeResponse {})
}

pub(super) async fn maintenance_lifecycle(
    ctx: &ServiceContext,
    request: Request<pb::MaintenanceLifecycleRequest>,
) -> Result<BoxStream<pb::MaintenanceLifecycleResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let id = request.machine_id.clone();
    let cluster = ctx.permit_on_machine(&caller, &id, Role::Operator)?;
    named(&id)?;
    let invalid = |text: &str| Err(Status::invalid_argument(text));
    match (request.operation(), request.disk.is_empty(), request.version.is_empty()) {
        (Operation::Unspecified, ..) => return invalid("operation must be OPERATION_INSTALL or OPERATION_UPGRADE"),
        (Operation::Install, true, _) => return invalid("disk is required for INSTALL"),
        (Operation::Upgrade, false, _) => return invalid("disk must not be set for UPGRADE"),
        (Operation::Upgrade, _, true) => return invalid("version is required for UPGRADE"),
        _ => {}
    }
    let status = in_maintenance(ctx, &id)?;
    if ctx.release().has(Feature::MachinesOfClusters) && !cluster.is_empty() {
        let text = "machine is allocated to a cluster; its Talos lifecycle is managed by Omni";
        return Err(Status::failed_precondition(text));
    }
    let target = if request.version.is_empty() { &status.talos_version } else { &request.version };
    let target = version::strip_v(target).to_owned();
    suitable(ctx, &request, &status)?;
    let Some(running) = ctx.operations.begin(&id) else {
        let text = "a maintenance lifecycle operation is already in progress for machine";
        return Err(Status::failed_precondition(format!("{text} {id:?}")));
    };
    let method = match request.operation() {
        Operation::Install => "machine.LifecycleService/Install",
        _ => "machine.LifecycleService/Upgrade",
    };
    note(&ctx.audit, &ctx.store, method, &cluster, &id);
    let (sender, receiver) = mpsc::unbounded_channel();
    let work = Work { store: ctx.store.clone(), logs: ctx.logs.clone(), request, target, sender };
    // It goes on when nobody listens any more.
    tokio::spawn(async move {
        work.run().await;
        drop(running);
    });
    let messages = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    Ok(messages.map(|message| Ok(pb::MaintenanceLifecycleResponse { message })).boxed())
}

/// Whether the operation can be done to a machine like this.
fn suitable(
    ctx: &ServiceContext,
    request: &pb::MaintenanceLifecycleRequest,
    status: &MachineStatusSpec,
) -> Result<(), Status> {
    let refuse = |text: String| Err(Status::failed_precondition(text));
    let current = &status.talos_version;
    let line = tolerant::parse(version::strip_v(current)).map(|version| version.minor_line()).unwrap_or_default();
    if line < LIFECYCLE_TALOS {
        let (major, minor) = LIFECYCLE_TALOS;
        return refuse(format!(
            "machine Talos version {current:?} is not supported: the lifecycle API requires Talos {major}.{minor} or newer"
        ));
    }
    if !request.version.is_empty() {
        upgrade_target::check(&ctx.store, &request.version, current, request.operation() == Operation::Install)?;
    }
    not_in_agent_mode("lifecycle", status)?;
    ready(ctx, status)?;
    let hardware = status.hardware.as_ref();
    let disks = hardware.map(|hardware| hardware.blockdevices.as_slice()).unwrap_or_default();
    let installed = disks.iter().any(|disk| disk.system_disk);
    match (request.operation(), installed) {
        (Operation::Install, true) => {
            return refuse("Talos is already installed on this machine; use OPERATION_UPGRADE".into());
        }
        (Operation::Upgrade, false) => {
            return refuse("Talos is not installed on this machine; use OPERATION_INSTALL".into());
        }
        _ => {}
    }
    let disk = &request.disk;
    if !disk.is_empty() && !disks.iter().any(|found| found.linux_name == *disk || found.dev_path == *disk) {
        return refuse(format!("disk {disk:?} is not found on the machine"));
    }
    Ok(())
}

/// Whether a machine runs Talos, and not the agent of a provider.
fn not_in_agent_mode(what: &str, status: &MachineStatusSpec) -> Result<(), Status> {
    if status.schematic.as_ref().is_some_and(|schematic| schematic.in_agent_mode) {
        return Err(Status::failed_precondition(format!(
            "maintenance {what} is not allowed on machines in agent mode"
        )));
    }
    Ok(())
}

/// An installation or an upgrade under way.
struct Work {
    store: Store,
    logs: MachineLogs,
    request: pb::MaintenanceLifecycleRequest,
    target: String,
    sender: mpsc::UnboundedSender<String>,
}

impl Work {
    async fn run(self) {
        let id = &self.request.machine_id;
        let target = &self.target;
        self.say(format!("pulling the installer image of Talos v{target}"));
        if !self.answers().await {
            self.say("the machine is gone".into());
            return;
        }
        match self.request.operation() {
            Operation::Install => {
                let disk = &self.request.disk;
                self.say(format!("installing Talos v{target} to {disk}"));
                install(&self.store, &self.logs, id, target, disk);
            }
            _ => {
                self.say(format!("upgrading to Talos v{target}"));
                upgrade(&self.store, &self.logs, id, target);
            }
        }
        self.say("rebooting".into());
        self.say("done".into());
    }

    /// Waits until the machine answers; says no when it never will.
    async fn answers(&self) -> bool {
        let key = kinds::key(kind::LINK, &*self.request.machine_id);
        let mut changes = self.store.subscribe();
        loop {
            match self.store.get(&key) {
                None => return false,
                Some(link) if link.spec::<SiderolinkSpec>().connected => return true,
                Some(_) => {}
            }
            if changes.next().await.is_err() {
                changes = self.store.subscribe();
            }
        }
    }

    fn say(&self, message: String) {
        // Nobody may listen any more.
        drop(self.sender.send(message));
    }
}

pub(super) async fn machine_power_off(
    ctx: &ServiceContext,
    request: Request<pb::MachinePowerOffRequest>,
) -> Result<pb::MachinePowerOffResponse, Status> {
    let caller = Caller::of(&request)?;
    let id = request.into_inner().machine_id;
    named(&id)?;
    let cluster = ctx.permit_on_machine(&caller, &id, Role::Operator)?;
    if is_static(ctx, &id)? {
        request_power_off(ctx, &id, &uuid::Uuid::new_v4().to_string(), "set")?;
    }
    note(&ctx.audit, &ctx.store, "machine.MachineService/Shutdown", &cluster, &id);
    ctx.logs.write(ctx.store.time(), &id, "[talos] shutdown sequence: starting");
    world::disconnect_machine(&ctx.store, &id);
    set_power(&ctx.store, &id, PowerState::Off);
    Ok(pb::MachinePowerOffResponse {})
}

pub(super) async fn machine_power_on(
    ctx: &ServiceContext,
    request: Request<pb::MachinePowerOnRequest>,
) -> Result<pb::MachinePowerOnResponse, Status> {
    let caller = Caller::of(&request)?;
    let id = request.into_inner().machine_id;
    named(&id)?;
    ctx.permit_on_machine(&caller, &id, Role::Operator)?;
    if !is_static(ctx, &id)? {
        let text = "machine is not managed by a static infra provider, power on the machine manually";
        return Err(Status::failed_precondition(text));
    }
    request_power_off(ctx, &id, "", "clear")?;
    // The provider's part, which nobody else plays here.
    world::reconnect_machine(&ctx.store, &id);
    set_power(&ctx.store, &id, PowerState::On);
    Ok(pb::MachinePowerOnResponse {})
}

fn named(id: &str) -> Result<(), Status> {
    if id.is_empty() { Err(Status::invalid_argument("machine id is required")) } else { Ok(()) }
}

/// What a machine reports that runs from its medium or waits on its disk.
fn in_maintenance(ctx: &ServiceContext, id: &str) -> Result<MachineStatusSpec, Status> {
    let status = ctx.store.get(&kinds::key(kind::MACHINE_STATUS, id));
    let status: MachineStatusSpec = status.ok_or_else(|| Status::not_found("machine not found"))?.spec();
    if !status.maintenance {
        return Err(Status::failed_precondition("machine is not in maintenance mode"));
    }
    Ok(status)
}

/// Whether enough is known of a machine to pick an image for it.
fn ready(ctx: &ServiceContext, status: &MachineStatusSpec) -> Result<(), Status> {
    let refuse = |text: &str| Err(Status::failed_precondition(text));
    if status.schematic.as_ref().is_none_or(|schematic| schematic.full_id.is_empty()) {
        let known = if ctx.release().has(Feature::ReadySchematics) { "ready" } else { "known" };
        return refuse(&format!("machine schematic is not {known} yet"));
    }
    if status.platform_metadata.as_ref().is_none_or(|metadata| metadata.platform.is_empty()) {
        return refuse("machine platform is not known yet");
    }
    if status.security_state.is_none() {
        return refuse("machine security state is not known yet");
    }
    Ok(())
}

fn upgrade(store: &Store, logs: &MachineLogs, id: &str, version: &str) {
    logs.write(store.time(), id, &format!("[talos] upgrade request received: v{version}"));
    edit(store, id, |machine| machine.talos_version = format!("v{version}"));
}

fn install(store: &Store, logs: &MachineLogs, id: &str, version: &str, disk: &str) {
    logs.write(store.time(), id, &format!("[talos] install request received: v{version} to {disk}"));
    edit(store, id, |machine| {
        machine.talos_version = format!("v{version}");
        let disks = machine.hardware.as_mut().map(|hardware| hardware.blockdevices.as_mut_slice());
        for found in disks.unwrap_or_default() {
            found.system_disk = found.linux_name == disk || found.dev_path == disk;
        }
    });
}

fn set_power(store: &Store, id: &str, state: PowerState) {
    edit(store, id, |machine| machine.set_power_state(state));
}

fn edit(store: &Store, id: &str, edit: impl FnOnce(&mut MachineStatusSpec)) {
    store.modify(&kinds::key(kind::MACHINE_STATUS, id), |object: &mut Object| {
        let mut machine = object.spec();
        edit(&mut machine);
        object.spec = machine.encode_to_vec();
    });
}

/// Whether the machine belongs to a provider whose machines are switched by Omni.
fn is_static(ctx: &ServiceContext, id: &str) -> Result<bool, Status> {
    let link = ctx.store.get(&kinds::key(kind::LINK, id)).ok_or_else(|| Status::not_found("machine not found"))?;
    let Some(provider) = link.label(PROVIDER) else { return Ok(false) };
    let status = ctx.store.get(&kinds::key(kind::INFRA_PROVIDER_STATUS, provider));
    let status = status.ok_or_else(|| Status::failed_precondition("failed to get infra provider status"))?;
    Ok(status.label(label::STATIC_INFRA_PROVIDER).is_some())
}

fn request_power_off(ctx: &ServiceContext, id: &str, request_id: &str, verb: &str) -> Result<(), Status> {
    let key = kinds::key(kind::INFRA_MACHINE_CONFIG, id);
    let missing = format!("infra machine config not found, cannot {verb} machine power-off request");
    let config = ctx.store.get(&key).ok_or_else(|| Status::failed_precondition(missing))?;
    if config.spec::<InfraMachineConfigSpec>().acceptance_status() != AcceptanceStatus::Accepted {
        let text = format!("infra machine config is not accepted yet, cannot {verb} machine power-off request");
        return Err(Status::unknown(format!("failed to update infra machine config: {text}")));
    }
    ctx.store.modify(&key, |object| {
        let spec = InfraMachineConfigSpec { power_off_request_id: request_id.to_owned(), ..object.spec() };
        object.spec = spec.encode_to_vec();
    });
    Ok(())
}

/// Notes that a machine was spoken to.
fn note(audit: &AuditLog, store: &Store, method: &str, cluster: &str, machine: &str) {
    let member = json!({"full_method_name": method, "cluster_name": cluster, "machine_ip": machine});
    audit.access(store.time(), "talos_access", member);
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, context};
    use super::*;
    use crate::Release;
    use crate::inventory;
    use tonic::Code;

    type Edit = fn(&mut MachineStatusSpec);

    const DISK: &str = "/dev/nvme0n1";

    fn with_machine(release: Release) -> (ServiceContext, String) {
        let ctx = context(release);
        world::add_machine(&ctx.store, 1);
        (ctx, inventory::id(1))
    }

    fn status(ctx: &ServiceContext, id: &str) -> MachineStatusSpec {
        ctx.store.get(&kinds::key(kind::MACHINE_STATUS, id)).unwrap().spec()
    }

    fn set(ctx: &ServiceContext, id: &str, change: impl FnOnce(&mut MachineStatusSpec)) {
        edit(&ctx.store, id, change);
    }

    async fn upgraded(ctx: &ServiceContext, id: &str, version: &str) -> Result<pb::MaintenanceUpgradeResponse, Status> {
        let request = pb::MaintenanceUpgradeRequest { machine_id: id.into(), version: version.into() };
        maintenance_upgrade(ctx, call(Role::Operator, None, request)).await
    }

    #[track_caller]
    fn refused<T>(result: Result<T, Status>, code: Code, text: &str) {
        let status = result.err().unwrap();
        assert_eq!((status.code(), status.message()), (code, text));
    }

    #[tokio::test]
    async fn upgrades_have_to_lead_somewhere() {
        let (ctx, id) = with_machine(Release::NEWEST);
        refused(upgraded(&ctx, &id, "").await, Code::InvalidArgument, "talos version is required");
        let running = status(&ctx, &id).talos_version;
        let not_from = |wanted: &str| {
            format!(
                "requested Talos version {wanted:?} is not a supported target from the version running in memory ({running:?})"
            )
        };
        for (wanted, text) in [
            ("1.2.3", "requested Talos version \"1.2.3\" is not tracked by this Omni release"),
            ("1.14.0", "requested Talos version \"1.14.0\" is not supported by this Omni release"),
            ("1.10.9", &not_from("1.10.9")),
            (&*running, &not_from(&running)),
        ] {
            refused(upgraded(&ctx, &id, wanted).await, Code::FailedPrecondition, text);
        }
        set(&ctx, &id, |m| m.schematic.as_mut().unwrap().in_agent_mode = true);
        let text = "maintenance upgrade is not allowed on machines in agent mode";
        refused(upgraded(&ctx, &id, "1.13.8").await, Code::FailedPrecondition, text);
        set(&ctx, &id, |m| m.talos_version = "v1.2.3".into());
        let text = "no upgrade targets available: machine is running an untracked Talos version \"v1.2.3\"";
        refused(upgraded(&ctx, &id, "1.13.8").await, Code::FailedPrecondition, text);
    }

    #[tokio::test]
    async fn machines_are_upgraded_in_maintenance_only() {
        let (ctx, id) = with_machine(Release::V1_6);
        refused(upgraded(&ctx, "", "1.13.8").await, Code::InvalidArgument, "machine id is required");
        refused(upgraded(&ctx, "m", "1.13.8").await, Code::NotFound, "machine not found");
        upgraded(&ctx, &id, "1.13.8").await.unwrap();
        assert_eq!(status(&ctx, &id).talos_version, "v1.13.8");
        let unready: [(Edit, &str); 4] = [
            (|m| m.security_state = None, "machine security state is not known yet"),
            (|m| m.platform_metadata = None, "machine platform is not known yet"),
            (|m| m.schematic = None, "machine schematic is not ready yet"),
            (|m| m.maintenance = false, "machine is not in maintenance mode"),
        ];
        for (change, text) in unready {
            set(&ctx, &id, change);
            refused(upgraded(&ctx, &id, "1.13.8").await, Code::FailedPrecondition, text);
        }
        let request = pb::MaintenanceUpgradeRequest::default();
        let reader = maintenance_upgrade(&ctx, call(Role::Reader, None, request)).await;
        refused(reader, Code::PermissionDenied, "unauthorized: access denied: insufficient role: \"Reader\"");
    }

    fn operation(operation: Operation, version: &str, disk: &str) -> pb::MaintenanceLifecycleRequest {
        pb::MaintenanceLifecycleRequest {
            machine_id: inventory::id(1),
            operation: operation.into(),
            version: version.into(),
            disk: disk.into(),
        }
    }

    async fn begin(
        ctx: &ServiceContext,
        request: pb::MaintenanceLifecycleRequest,
    ) -> Result<BoxStream<pb::MaintenanceLifecycleResponse>, Status> {
        maintenance_lifecycle(ctx, call(Role::Operator, None, request)).await
    }

    #[tokio::test]
    async fn operations_that_make_no_sense() {
        use Operation::{Install, Unspecified, Upgrade};
        let (ctx, id) = with_machine(Release::NEWEST);
        let nobody = |request| pb::MaintenanceLifecycleRequest { machine_id: String::new(), ..request };
        let stranger = |request| pb::MaintenanceLifecycleRequest { machine_id: "m".into(), ..request };
        for (request, code) in [
            (nobody(operation(Install, "", DISK)), Code::InvalidArgument),
            (operation(Unspecified, "", DISK), Code::InvalidArgument),
            (operation(Install, "1.13.0", ""), Code::InvalidArgument),
            (operation(Upgrade, "1.13.0", DISK), Code::InvalidArgument),
            (operation(Upgrade, "", ""), Code::InvalidArgument),
            (stranger(operation(Install, "", DISK)), Code::NotFound),
            (operation(Upgrade, "1.13.8", ""), Code::FailedPrecondition),
            (operation(Install, "1.10.9", DISK), Code::FailedPrecondition),
            (operation(Install, "1.13.8", "/dev/sdz"), Code::FailedPrecondition),
        ] {
            let told = format!("{request:?}");
            assert_eq!(begin(&ctx, request).await.err().unwrap().code(), code, "{told}");
        }
        let changes: [Edit; 3] = [
            |m| m.talos_version = "v1.12.4".into(),
            |m| m.hardware.as_mut().unwrap().blockdevices[0].system_disk = true,
            |m| m.maintenance = false,
        ];
        for change in changes {
            set(&ctx, &id, change);
            let status = begin(&ctx, operation(Install, "", DISK)).await.err().unwrap();
            assert_eq!(status.code(), Code::FailedPrecondition);
        }
    }

    #[tokio::test]
    async fn machines_are_installed_even_when_nobody_listens() {
        let (ctx, id) = with_machine(Release::NEWEST);
        world::disconnect_machine(&ctx.store, &id);
        let install = || operation(Operation::Install, "1.13.8", DISK);
        let mut messages = begin(&ctx, install()).await.unwrap();
        assert!(messages.next().await.unwrap().unwrap().message.contains("v1.13.8"));
        let text = format!("a maintenance lifecycle operation is already in progress for machine {id:?}");
        refused(begin(&ctx, install()).await, Code::FailedPrecondition, &text);
        drop(messages);
        let mut changes = ctx.store.subscribe();
        world::reconnect_machine(&ctx.store, &id);
        while changes.next().await.unwrap().key.kind != kind::MACHINE_STATUS {}
        let status = status(&ctx, &id);
        assert_eq!(status.talos_version, "v1.13.8");
        assert!(status.hardware.unwrap().blockdevices[0].system_disk);
        let noted = ctx.audit.read(&crate::audit::Filter::default());
        assert_eq!(noted.last().unwrap().event.event_type, "talos_access");
    }

    #[tokio::test]
    async fn upgrades_tell_how_they_go() {
        let (ctx, id) = with_machine(Release::NEWEST);
        set(&ctx, &id, |m| m.hardware.as_mut().unwrap().blockdevices[0].system_disk = true);
        let messages: Vec<_> = begin(&ctx, operation(Operation::Upgrade, "1.13.8", "")).await.unwrap().collect().await;
        assert_eq!(messages.last().unwrap().as_ref().unwrap().message, "done");
        assert_eq!(status(&ctx, &id).talos_version, "v1.13.8");
    }

    #[tokio::test]
    async fn power() {
        let (ctx, id) = with_machine(Release::NEWEST);
        let off = |id: &str| {
            machine_power_off(&ctx, call(Role::Operator, None, pb::MachinePowerOffRequest { machine_id: id.into() }))
        };
        let on = |id: &str| {
            machine_power_on(&ctx, call(Role::Operator, None, pb::MachinePowerOnRequest { machine_id: id.into() }))
        };
        let link = || ctx.store.get(&kinds::key(kind::LINK, &*id)).unwrap().spec::<SiderolinkSpec>();
        refused(off("").await, Code::InvalidArgument, "machine id is required");
        refused(off("m").await, Code::NotFound, "machine not found");
        refused(on("m").await, Code::NotFound, "machine not found");
        off(&id).await.unwrap();
        assert!(!link().connected && status(&ctx, &id).power_state() == PowerState::Off);
        let manually = "machine is not managed by a static infra provider, power on the machine manually";
        refused(on(&id).await, Code::FailedPrecondition, manually);

        ctx.store.modify(&kinds::key(kind::LINK, &*id), |o| {
            o.labels.insert(PROVIDER.into(), "metal".into());
        });
        refused(on(&id).await, Code::FailedPrecondition, "failed to get infra provider status");
        ctx.store.put("", &kinds::key(kind::INFRA_PROVIDER_STATUS, "metal"), |o| {
            o.labels.insert(label::STATIC_INFRA_PROVIDER.into(), String::new());
        });
        let missing = "infra machine config not found, cannot clear machine power-off request";
        refused(on(&id).await, Code::FailedPrecondition, missing);
        let config = kinds::key(kind::INFRA_MACHINE_CONFIG, &*id);
        ctx.store.put("", &config, |_| {});
        let pending = "failed to update infra machine config: infra machine config is not accepted yet, cannot set \
                       machine power-off request";
        refused(off(&id).await, Code::Unknown, pending);
        let mut accepted = InfraMachineConfigSpec::default();
        accepted.set_acceptance_status(AcceptanceStatus::Accepted);
        ctx.store.put("", &config, |o| o.spec = accepted.encode_to_vec());
        let request_id = || ctx.store.get(&config).unwrap().spec::<InfraMachineConfigSpec>().power_off_request_id;
        off(&id).await.unwrap();
        assert!(!request_id().is_empty());
        on(&id).await.unwrap();
        assert!(request_id().is_empty() && link().connected && status(&ctx, &id).power_state() == PowerState::On);
    }
}
