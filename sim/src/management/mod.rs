//! The management service: one file for each subject, and here the list of RPCs.
//! Which release has which RPC is decided before.

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
mod upgrade_target;
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
use machines::Operations;
use omni_proto::common::Data;
use omni_proto::management as pb;
use omni_proto::management::management_service_server::ManagementService as Service;
use omni_proto::specs::SysVersionSpec;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

/// The service.
pub struct ManagementService {
    ctx: ServiceContext,
}

impl ManagementService {
    /// A service over these objects, which tells callers that it is reached at this endpoint, with the certificate that
    /// vouches for it, if any.
    #[must_use]
    pub fn new(store: Store, endpoint: String, ca_pem: Option<String>, audit: AuditLog) -> Self {
        let signer = Signer::new(store.clone());
        let logs = MachineLogs::of(&store);
        let (operations, limits) = (Operations::default(), Limits::default());
        Self { ctx: ServiceContext { store, endpoint, ca_pem, signer, audit, logs, operations, limits } }
    }

    /// The same with so many people and accounts at most.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.ctx.limits = limits;
        self
    }
}

/// What every subject has at hand.
pub(super) struct ServiceContext {
    store: Store,
    endpoint: String,
    ca_pem: Option<String>,
    signer: Signer,
    audit: AuditLog,
    logs: MachineLogs,
    operations: Operations,
    limits: Limits,
}

impl ServiceContext {
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
}

/// The cluster that a call is about: it stands in the metadata, under one of two names.
fn cluster<T>(request: &Request<T>) -> String {
    let header = |name| request.metadata().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cluster = header("cluster");
    if cluster.is_empty() { header("context").to_owned() } else { cluster.to_owned() }
}

macro_rules! service {
    ($($subject:ident::$method:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait::async_trait]
        impl Service for ManagementService {
            $(
                async fn $method(&self, request: Request<$input>) -> Result<Response<$output>, Status> {
                    $subject::$method(&self.ctx, request).await.map(Response::new)
                }
            )*
        }
    };
}

service! {
    configs::kubeconfig(pb::KubeconfigRequest) -> pb::KubeconfigResponse;
    configs::talosconfig(pb::TalosconfigRequest) -> pb::TalosconfigResponse;
    configs::omniconfig(()) -> pb::OmniconfigResponse;
    configs::get_machine_join_config(pb::GetMachineJoinConfigRequest) -> pb::GetMachineJoinConfigResponse;
    users::create_user(pb::CreateUserRequest) -> pb::CreateUserResponse;
    users::list_users(()) -> pb::ListUsersResponse;
    users::update_user(pb::UpdateUserRequest) -> ();
    users::destroy_user(pb::DestroyUserRequest) -> ();
    service_accounts::create_service_account(pb::CreateServiceAccountRequest) -> pb::CreateServiceAccountResponse;
    service_accounts::renew_service_account(pb::RenewServiceAccountRequest) -> pb::RenewServiceAccountResponse;
    service_accounts::list_service_accounts(()) -> pb::ListServiceAccountsResponse;
    service_accounts::destroy_service_account(pb::DestroyServiceAccountRequest) -> ();
    join_tokens::create_join_token(pb::CreateJoinTokenRequest) -> pb::CreateJoinTokenResponse;
    join_tokens::reset_node_unique_token(pb::ResetNodeUniqueTokenRequest) -> pb::ResetNodeUniqueTokenResponse;
    checks::validate_config(pb::ValidateConfigRequest) -> ();
    checks::validate_json_schema(pb::ValidateJsonSchemaRequest) -> pb::ValidateJsonSchemaResponse;
    checks::kubernetes_upgrade_pre_checks(pb::KubernetesUpgradePreChecksRequest) -> pb::KubernetesUpgradePreChecksResponse;
    manifests::kubernetes_sync_manifests(pb::KubernetesSyncManifestRequest) -> BoxStream<pb::KubernetesSyncManifestResponse>;
    logs::machine_logs(pb::MachineLogsRequest) -> BoxStream<Data>;
    audit_log::read_audit_log(pb::ReadAuditLogRequest) -> BoxStream<pb::ReadAuditLogResponse>;
    support::get_support_bundle(pb::GetSupportBundleRequest) -> BoxStream<pb::GetSupportBundleResponse>;
    images::create_schematic(pb::CreateSchematicRequest) -> pb::CreateSchematicResponse;
    images::create_schematic_from_raw(pb::CreateSchematicFromRawRequest) -> pb::CreateSchematicResponse;
    images::get_installation_media_url(pb::InstallationMediaUrlRequest) -> pb::InstallationMediaUrlResponse;
    machines::maintenance_upgrade(pb::MaintenanceUpgradeRequest) -> pb::MaintenanceUpgradeResponse;
    machines::maintenance_lifecycle(pb::MaintenanceLifecycleRequest) -> BoxStream<pb::MaintenanceLifecycleResponse>;
    machines::machine_power_off(pb::MachinePowerOffRequest) -> pb::MachinePowerOffResponse;
    machines::machine_power_on(pb::MachinePowerOnRequest) -> pb::MachinePowerOnResponse;
    clusters::tear_down_locked_cluster(pb::TearDownLockedClusterRequest) -> pb::TearDownLockedClusterResponse;
}

#[cfg(test)]
mod fixture;
