//! Maintenance and power of machines.

use super::{Office, not_yet};
use crate::pb::management as pb;
use tonic::codegen::BoxStream;
use tonic::{Request, Status};

pub(super) async fn maintenance_upgrade(
    _: &Office,
    _: Request<pb::MaintenanceUpgradeRequest>,
) -> Result<pb::MaintenanceUpgradeResponse, Status> {
    Err(not_yet("MaintenanceUpgrade"))
}

pub(super) async fn maintenance_lifecycle(
    _: &Office,
    _: Request<pb::MaintenanceLifecycleRequest>,
) -> Result<BoxStream<pb::MaintenanceLifecycleResponse>, Status> {
    Err(not_yet("MaintenanceLifecycle"))
}

pub(super) async fn machine_power_off(
    _: &Office,
    _: Request<pb::MachinePowerOffRequest>,
) -> Result<pb::MachinePowerOffResponse, Status> {
    Err(not_yet("MachinePowerOff"))
}

pub(super) async fn machine_power_on(
    _: &Office,
    _: Request<pb::MachinePowerOnRequest>,
) -> Result<pb::MachinePowerOnResponse, Status> {
    Err(not_yet("MachinePowerOn"))
}
