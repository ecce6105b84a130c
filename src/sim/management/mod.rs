//! The management service: one file a subject, and here the list of what is answered by whom.
//! A call that a release does not have is unknown to it, as to any gRPC server.

mod audit_log;
mod checks;
mod clusters;
mod configs;
mod images;
mod join_tokens;
mod logs;
mod machines;
mod manifests;
mod permit;
mod service_accounts;
mod support;
mod users;

use super::accounts::{Limits, Registry};
use super::audit::AuditLog;
use super::kinds;
use super::machine_logs::MachineLogs;
use super::names::kind;
use super::release::Release;
use super::rules;
use super::store::{Store, Verb};
use super::token::Signer;
use crate::pb::common::Data;
use crate::pb::management as pb;
use crate::pb::management::management_service_server::ManagementService as Service;
use crate::pb::specs::SysVersionSpec;
use machines::Operations;
use std::ops::RangeInclusive;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

/// The service.
pub struct ManagementService {
    office: Office,
}

impl ManagementService {
    /// A service over these objects, reached at this endpoint, with the certificate that vouches for it, if any.
    #[must_use]
    pub fn new(store: Store, endpoint: String, ca_pem: Option<String>, audit: AuditLog) -> Self {
        let signer = Signer::new(store.clone());
        let logs = MachineLogs::of(&store);
        let (operations, limits) = (Operations::default(), Limits::default());
        Self { office: Office { store, endpoint, ca_pem, signer, audit, logs, operations, limits } }
    }

    /// The same with so many people and accounts at most.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.office.limits = limits;
        self
    }
}

/// What every subject has at hand.
pub(super) struct Office {
    store: Store,
    endpoint: String,
    ca_pem: Option<String>,
    signer: Signer,
    audit: AuditLog,
    logs: MachineLogs,
    operations: Operations,
    limits: Limits,
}

impl Office {
    /// The name of the instance.
    fn instance(&self) -> String {
        let version = self.store.get(&kinds::key(kind::SYS_VERSION, "current"));
        version.map(|object| object.spec::<SysVersionSpec>().instance_name).unwrap_or_default()
    }

    /// The people and accounts.
    fn registry(&self) -> Registry<'_> {
        Registry::new(&self.store, self.limits)
    }

    /// Returns once what was written would survive a loss of power.
    async fn durable(&self) -> Result<(), Status> {
        if !self.store.is_durable() {
            return Ok(());
        }
        let store = self.store.clone();
        let synced = tokio::task::spawn_blocking(move || store.sync()).await;
        synced.map_err(|_| Status::internal("the write was given up"))?.map_err(|error| error.status(Verb::Update))
    }

    fn release(&self) -> Release {
        rules::release(&self.store.view())
    }

    fn has(&self, method: &str, releases: &RangeInclusive<Release>) -> Result<(), Status> {
        if releases.contains(&self.release()) {
            return Ok(());
        }
        Err(Status::unimplemented(format!("unknown method {method} for service management.ManagementService")))
    }
}

/// The cluster that a call is about: it stands in the metadata, under one of two names.
fn cluster<T>(request: &Request<T>) -> String {
    let header = |name| request.metadata().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cluster = header("cluster");
    if cluster.is_empty() { header("context").to_owned() } else { cluster.to_owned() }
}

/// The answer to what Omni can and the simulator cannot.
fn not_yet(method: &str) -> Status {
    Status::unimplemented(format!("the simulator does not answer {method}"))
}

macro_rules! service {
    ($($name:literal from $first:ident to $last:ident is $subject:ident::$method:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait::async_trait]
        impl Service for ManagementService {
            $(
                async fn $method(&self, request: Request<$input>) -> Result<Response<$output>, Status> {
                    self.office.has($name, &(Release::$first..=Release::$last))?;
                    $subject::$method(&self.office, request).await.map(Response::new)
                }
            )*
        }
    };
}

service! {
    "Kubeconfig" from V1_2 to NEWEST is configs::kubeconfig(pb::KubeconfigRequest) -> pb::KubeconfigResponse;
    "Talosconfig" from V1_2 to NEWEST is configs::talosconfig(pb::TalosconfigRequest) -> pb::TalosconfigResponse;
    "Omniconfig" from V1_2 to NEWEST is configs::omniconfig(()) -> pb::OmniconfigResponse;
    "GetMachineJoinConfig" from V1_2 to NEWEST is configs::get_machine_join_config(pb::GetMachineJoinConfigRequest) -> pb::GetMachineJoinConfigResponse;
    "CreateUser" from V1_6 to NEWEST is users::create_user(pb::CreateUserRequest) -> pb::CreateUserResponse;
    "ListUsers" from V1_6 to NEWEST is users::list_users(()) -> pb::ListUsersResponse;
    "UpdateUser" from V1_6 to NEWEST is users::update_user(pb::UpdateUserRequest) -> ();
    "DestroyUser" from V1_6 to NEWEST is users::destroy_user(pb::DestroyUserRequest) -> ();
    "CreateServiceAccount" from V1_2 to NEWEST is service_accounts::create_service_account(pb::CreateServiceAccountRequest) -> pb::CreateServiceAccountResponse;
    "RenewServiceAccount" from V1_2 to NEWEST is service_accounts::renew_service_account(pb::RenewServiceAccountRequest) -> pb::RenewServiceAccountResponse;
    "ListServiceAccounts" from V1_2 to NEWEST is service_accounts::list_service_accounts(()) -> pb::ListServiceAccountsResponse;
    "DestroyServiceAccount" from V1_2 to NEWEST is service_accounts::destroy_service_account(pb::DestroyServiceAccountRequest) -> ();
    "CreateJoinToken" from V1_2 to NEWEST is join_tokens::create_join_token(pb::CreateJoinTokenRequest) -> pb::CreateJoinTokenResponse;
    "ResetNodeUniqueToken" from V1_5 to NEWEST is join_tokens::reset_node_unique_token(pb::ResetNodeUniqueTokenRequest) -> pb::ResetNodeUniqueTokenResponse;
    "ValidateConfig" from V1_2 to NEWEST is checks::validate_config(pb::ValidateConfigRequest) -> ();
    "ValidateJSONSchema" from V1_2 to NEWEST is checks::validate_json_schema(pb::ValidateJsonSchemaRequest) -> pb::ValidateJsonSchemaResponse;
    "KubernetesUpgradePreChecks" from V1_2 to NEWEST is checks::kubernetes_upgrade_pre_checks(pb::KubernetesUpgradePreChecksRequest) -> pb::KubernetesUpgradePreChecksResponse;
    "KubernetesSyncManifests" from V1_2 to NEWEST is manifests::kubernetes_sync_manifests(pb::KubernetesSyncManifestRequest) -> BoxStream<pb::KubernetesSyncManifestResponse>;
    "MachineLogs" from V1_2 to NEWEST is logs::machine_logs(pb::MachineLogsRequest) -> BoxStream<Data>;
    "ReadAuditLog" from V1_2 to NEWEST is audit_log::read_audit_log(pb::ReadAuditLogRequest) -> BoxStream<pb::ReadAuditLogResponse>;
    "GetSupportBundle" from V1_2 to NEWEST is support::get_support_bundle(pb::GetSupportBundleRequest) -> BoxStream<pb::GetSupportBundleResponse>;
    "CreateSchematic" from V1_2 to NEWEST is images::create_schematic(pb::CreateSchematicRequest) -> pb::CreateSchematicResponse;
    "CreateSchematicFromRaw" from V1_8 to NEWEST is images::create_schematic_from_raw(pb::CreateSchematicFromRawRequest) -> pb::CreateSchematicResponse;
    "GetBootAssetURL" from V1_10 to NEWEST is images::get_boot_asset_url(pb::BootAssetUrlRequest) -> pb::BootAssetUrlResponse;
    "MaintenanceUpgrade" from V1_2 to NEWEST is machines::maintenance_upgrade(pb::MaintenanceUpgradeRequest) -> pb::MaintenanceUpgradeResponse;
    "MaintenanceLifecycle" from V1_9 to NEWEST is machines::maintenance_lifecycle(pb::MaintenanceLifecycleRequest) -> BoxStream<pb::MaintenanceLifecycleResponse>;
    "MachinePowerOff" from V1_8 to NEWEST is machines::machine_power_off(pb::MachinePowerOffRequest) -> pb::MachinePowerOffResponse;
    "MachinePowerOn" from V1_8 to NEWEST is machines::machine_power_on(pb::MachinePowerOnRequest) -> pb::MachinePowerOnResponse;
    "TearDownLockedCluster" from V1_2 to V1_2 is clusters::tear_down_locked_cluster(pb::TearDownLockedClusterRequest) -> pb::TearDownLockedClusterResponse;
}

#[cfg(test)]
mod fixture;

#[cfg(test)]
mod tests {
    use super::fixture::{call, office};
    use super::*;
    use crate::sim::kinds::Role;
    use tonic::Code;

    #[tokio::test]
    async fn calls_come_and_go_with_releases() {
        for (release, users, teardown) in
            [(Release::V1_2, false, true), (Release::V1_6, true, false), (Release::NEWEST, true, false)]
        {
            let service = ManagementService { office: office(release) };
            let known = |status: Status| {
                status.code() != Code::Unimplemented || !status.message().starts_with("unknown method")
            };
            let listed = service.list_users(call(Role::Admin, None, ())).await;
            assert_eq!(listed.err().is_none_or(known), users, "{release} ListUsers");
            let message = pb::TearDownLockedClusterRequest::default();
            let torn = service.tear_down_locked_cluster(call(Role::Admin, None, message)).await;
            assert_eq!(torn.err().is_none_or(known), teardown, "{release} TearDownLockedCluster");
        }
    }
}
