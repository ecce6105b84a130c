//! Every call against a server that answers with what it was asked.

use super::{AccountRole, KubeconfigRequest, PreChecks};
use crate::omni::testing::{NOW, fake, minute};
use crate::omni::{Call, Client, Config, Credentials, Error, ErrorKind};
use kit::clock::TestClock;
use kit::secret::{ExposeSecret, SecretString};
use omni_proto::common::Data;
use omni_proto::management as pb;
use pb::management_service_server::{ManagementService, ManagementServiceServer};
use std::sync::Arc;
use std::time::Duration;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

/// Answers with what it was asked.
struct Echo;

fn scope<T>(request: &Request<T>) -> String {
    let text = |name: &str| request.metadata().get(name).unwrap().to_str().unwrap().to_owned();
    assert!(text("x-sidero-payload").contains(&format!("\"cluster\":[\"{}\"]", text("cluster"))));
    text("cluster")
}

#[tonic::async_trait]
impl ManagementService for Echo {
    async fn kubeconfig(
        &self,
        request: Request<pb::KubeconfigRequest>,
    ) -> Result<Response<pb::KubeconfigResponse>, Status> {
        let cluster = scope(&request);
        let r = request.into_inner();
        let ttl = r.service_account_ttl.unwrap().seconds;
        let text =
            format!("{cluster} {} {} {:?} {ttl}", r.service_account, r.service_account_user, r.service_account_groups);
        Ok(Response::new(pb::KubeconfigResponse { kubeconfig: text.into_bytes() }))
    }

    async fn validate_config(&self, request: Request<pb::ValidateConfigRequest>) -> Result<Response<()>, Status> {
        match request.into_inner().config.as_str() {
            "good" => Ok(Response::new(())),
            bad => Err(Status::invalid_argument(format!("1 error occurred:\n\t* {bad} is not allowed\n\n"))),
        }
    }

    async fn kubernetes_upgrade_pre_checks(
        &self,
        request: Request<pb::KubernetesUpgradePreChecksRequest>,
    ) -> Result<Response<pb::KubernetesUpgradePreChecksResponse>, Status> {
        let reason = format!("{} {}", scope(&request), request.into_inner().new_version);
        Ok(Response::new(pb::KubernetesUpgradePreChecksResponse { ok: false, reason }))
    }

    async fn talosconfig(
        &self,
        request: Request<pb::TalosconfigRequest>,
    ) -> Result<Response<pb::TalosconfigResponse>, Status> {
        let cluster = request.metadata().contains_key("cluster").then(|| scope(&request));
        let r = request.into_inner();
        let text = format!("{cluster:?} {} {}", r.raw, r.break_glass);
        Ok(Response::new(pb::TalosconfigResponse { talosconfig: text.into_bytes() }))
    }

    async fn omniconfig(&self, _: Request<()>) -> Result<Response<pb::OmniconfigResponse>, Status> {
        Ok(Response::new(pb::OmniconfigResponse { omniconfig: vec![0xff] }))
    }

    async fn get_machine_join_config(
        &self,
        request: Request<pb::GetMachineJoinConfigRequest>,
    ) -> Result<Response<pb::GetMachineJoinConfigResponse>, Status> {
        let r = request.into_inner();
        let kernel_args = vec![format!("{}", r.use_grpc_tunnel)];
        Ok(Response::new(pb::GetMachineJoinConfigResponse { kernel_args, config: r.join_token }))
    }

    async fn create_service_account(
        &self,
        request: Request<pb::CreateServiceAccountRequest>,
    ) -> Result<Response<pb::CreateServiceAccountResponse>, Status> {
        let r = request.into_inner();
        let public_key_id = format!("{} {} {:?} {}", r.name, r.use_user_role, r.role, r.armored_pgp_public_key);
        Ok(Response::new(pb::CreateServiceAccountResponse { public_key_id }))
    }

    async fn renew_service_account(
        &self,
        request: Request<pb::RenewServiceAccountRequest>,
    ) -> Result<Response<pb::RenewServiceAccountResponse>, Status> {
        let r = request.into_inner();
        let public_key_id = format!("{} {}", r.name, r.armored_pgp_public_key);
        Ok(Response::new(pb::RenewServiceAccountResponse { public_key_id }))
    }

    async fn list_service_accounts(&self, _: Request<()>) -> Result<Response<pb::ListServiceAccountsResponse>, Status> {
        use pb::list_service_accounts_response::{ServiceAccount, service_account::PgpPublicKey};
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 5 });
        let key = PgpPublicKey { id: "aa".into(), expiration: at(9), created: at(7), ..PgpPublicKey::default() };
        let used = ServiceAccount {
            name: "ci".into(),
            role: "Reader".into(),
            last_active: "2026-01-01T00:00:00Z".into(),
            pgp_public_keys: vec![key],
        };
        let service_accounts = vec![used, ServiceAccount { name: "new".into(), ..ServiceAccount::default() }];
        Ok(Response::new(pb::ListServiceAccountsResponse { service_accounts }))
    }

    async fn destroy_service_account(
        &self,
        request: Request<pb::DestroyServiceAccountRequest>,
    ) -> Result<Response<()>, Status> {
        Err(Status::not_found(request.into_inner().name))
    }

    async fn create_user(
        &self,
        request: Request<pb::CreateUserRequest>,
    ) -> Result<Response<pb::CreateUserResponse>, Status> {
        let r = request.into_inner();
        Ok(Response::new(pb::CreateUserResponse { user_id: format!("{} {}", r.email, r.role) }))
    }

    async fn list_users(&self, _: Request<()>) -> Result<Response<pb::ListUsersResponse>, Status> {
        Err(Status::unimplemented("unknown method ListUsers for service management.ManagementService"))
    }

    async fn update_user(&self, request: Request<pb::UpdateUserRequest>) -> Result<Response<()>, Status> {
        let r = request.into_inner();
        Err(Status::invalid_argument(format!("{} {}", r.email, r.role)))
    }

    async fn destroy_user(&self, request: Request<pb::DestroyUserRequest>) -> Result<Response<()>, Status> {
        Err(Status::not_found(request.into_inner().email))
    }

    async fn create_join_token(
        &self,
        request: Request<pb::CreateJoinTokenRequest>,
    ) -> Result<Response<pb::CreateJoinTokenResponse>, Status> {
        let r = request.into_inner();
        let at = r.expiration_time.map(|t| t.seconds);
        Ok(Response::new(pb::CreateJoinTokenResponse { id: format!("{} {at:?}", r.name) }))
    }

    async fn create_schematic(
        &self,
        request: Request<pb::CreateSchematicRequest>,
    ) -> Result<Response<pb::CreateSchematicResponse>, Status> {
        let schematic_id = request.into_inner().extensions.join(" ");
        Ok(Response::new(pb::CreateSchematicResponse { schematic_id, ..Default::default() }))
    }

    async fn create_schematic_from_raw(
        &self,
        request: Request<pb::CreateSchematicFromRawRequest>,
    ) -> Result<Response<pb::CreateSchematicResponse>, Status> {
        let request = request.into_inner();
        let text = String::from_utf8_lossy(&request.raw_schematic).into_owned();
        let schematic_id = if text.is_empty() { text } else { format!("{text} {}", request.talos_version) };
        Ok(Response::new(pb::CreateSchematicResponse { schematic_id, ..Default::default() }))
    }

    async fn get_installation_media_url(
        &self,
        _: Request<pb::InstallationMediaUrlRequest>,
    ) -> Result<Response<pb::InstallationMediaUrlResponse>, Status> {
        Err(Status::unimplemented("unknown method GetInstallationMediaURL for service management.ManagementService"))
    }

    async fn kubernetes_sync_manifests(
        &self,
        request: Request<pb::KubernetesSyncManifestRequest>,
    ) -> Result<Response<BoxStream<pb::KubernetesSyncManifestResponse>>, Status> {
        let path = format!("{} {}", scope(&request), request.into_inner().dry_run);
        let answer = pb::KubernetesSyncManifestResponse { path, ..Default::default() };
        Ok(Response::new(Box::pin(tokio_stream::once(Ok(answer)))))
    }

    async fn get_support_bundle(
        &self,
        request: Request<pb::GetSupportBundleRequest>,
    ) -> Result<Response<BoxStream<pb::GetSupportBundleResponse>>, Status> {
        let bundle_data = request.into_inner().cluster.into_bytes();
        let answer = pb::GetSupportBundleResponse { bundle_data, ..Default::default() };
        Ok(Response::new(Box::pin(tokio_stream::iter([Ok(answer), Err(Status::unavailable("come back later"))]))))
    }

    async fn machine_logs(
        &self,
        request: Request<pb::MachineLogsRequest>,
    ) -> Result<Response<BoxStream<Data>>, Status> {
        let r = request.into_inner();
        let bytes = format!("{} {}", r.machine_id, r.tail_lines).into_bytes();
        Ok(Response::new(Box::pin(tokio_stream::once(Ok(Data { metadata: None, bytes })))))
    }

    async fn maintenance_lifecycle(
        &self,
        request: Request<pb::MaintenanceLifecycleRequest>,
    ) -> Result<Response<BoxStream<pb::MaintenanceLifecycleResponse>>, Status> {
        let r = request.into_inner();
        let answer = pb::MaintenanceLifecycleResponse { message: format!("{} {}", r.machine_id, r.disk) };
        Ok(Response::new(Box::pin(tokio_stream::once(Ok(answer)))))
    }

    async fn maintenance_upgrade(
        &self,
        request: Request<pb::MaintenanceUpgradeRequest>,
    ) -> Result<Response<pb::MaintenanceUpgradeResponse>, Status> {
        let r = request.into_inner();
        Err(Status::failed_precondition(format!("{} {}", r.machine_id, r.version)))
    }

    async fn reset_node_unique_token(
        &self,
        request: Request<pb::ResetNodeUniqueTokenRequest>,
    ) -> Result<Response<pb::ResetNodeUniqueTokenResponse>, Status> {
        Err(Status::not_found(request.into_inner().id))
    }

    async fn machine_power_on(
        &self,
        request: Request<pb::MachinePowerOnRequest>,
    ) -> Result<Response<pb::MachinePowerOnResponse>, Status> {
        assert_eq!(request.into_inner().machine_id, "m");
        Ok(Response::new(pb::MachinePowerOnResponse {}))
    }

    async fn machine_power_off(
        &self,
        _: Request<pb::MachinePowerOffRequest>,
    ) -> Result<Response<pb::MachinePowerOffResponse>, Status> {
        Err(Status::unimplemented("unknown method MachinePowerOff for service management.ManagementService"))
    }

    async fn read_audit_log(
        &self,
        request: Request<pb::ReadAuditLogRequest>,
    ) -> Result<Response<BoxStream<pb::ReadAuditLogResponse>>, Status> {
        if request.get_ref().follow {
            return Ok(Response::new(Box::pin(tokio_stream::pending())));
        }
        let line = format!("{}\n", request.into_inner().actor).into_bytes();
        let part = move |id| Ok(pb::ReadAuditLogResponse { audit_log: line.clone(), id });
        Ok(Response::new(Box::pin(tokio_stream::iter((0..3).map(part)))))
    }
}

#[tokio::test]
async fn streams() {
    let client = client().await;
    let mut answers = client.sync_manifests(&minute(), "prod", true).await.unwrap();
    assert_eq!(answers.next().await.unwrap().unwrap().path, "prod true");
    assert!(answers.next().await.unwrap().is_none());
    let request = pb::GetSupportBundleRequest { cluster: "prod".into(), ..Default::default() };
    let mut answers = client.support_bundle(&minute(), request).await.unwrap();
    assert_eq!(answers.next().await.unwrap().unwrap().bundle_data, b"prod");
    // It breaks in the middle.
    let error = answers.next().await.unwrap_err();
    assert!(error.is(ErrorKind::Unavailable) && error.to_string().contains("later"), "{error}");
    for (tail, lines) in [(None, "m -1"), (Some(5), "m 5")] {
        let mut answers = client.machine_logs(&minute(), "m", tail).await.unwrap();
        assert_eq!(answers.next().await.unwrap().unwrap().bytes, lines.as_bytes());
    }
    let request = pb::MaintenanceLifecycleRequest { machine_id: "m".into(), disk: "d".into(), ..Default::default() };
    let mut answers = client.maintenance_lifecycle(&minute(), request).await.unwrap();
    assert_eq!(answers.next().await.unwrap().unwrap().message, "m d");
    // What comes after the first answer is limited too.
    let cancel = CancellationToken::new();
    let call = Call::within(Duration::from_millis(50), &cancel);
    let request = pb::ReadAuditLogRequest { follow: true, ..Default::default() };
    let mut answers = client.audit_log_parts(&call, request.clone()).await.unwrap();
    assert!(answers.next().await.unwrap_err().is(ErrorKind::Timeout));
    let mut answers = client.audit_log_parts(&Call::within(Duration::from_secs(60), &cancel), request).await.unwrap();
    cancel.cancel();
    assert!(answers.next().await.unwrap_err().is(ErrorKind::Cancelled));
}

#[tokio::test]
async fn machines() {
    let client = client().await;
    let error = client.maintenance_upgrade(&minute(), "m", "1.13.5").await.unwrap_err();
    assert!(error.is(ErrorKind::Validation) && error.to_string().contains("m 1.13.5"), "{error}");
    let error = client.reset_node_unique_token(&minute(), "m").await.unwrap_err();
    assert!(error.is(ErrorKind::NotFound) && error.to_string().contains('m'), "{error}");
    client.power_machine(&minute(), "m", true).await.unwrap();
    let error = client.power_machine(&minute(), "m", false).await.unwrap_err().to_string();
    assert!(error.contains("needs Omni 1.8 or later"), "{error}");
}

async fn client() -> Client {
    let (_, key) = fake();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = listener.local_addr().unwrap().to_string();
    let router = tonic::transport::Server::builder().add_service(ManagementServiceServer::new(Echo));
    tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    let config = Config::new(endpoint, Credentials::ServiceAccountKey(key));
    Client::new(&config, Arc::new(TestClock::at(NOW.as_secs()))).unwrap()
}

#[tokio::test]
async fn calls() {
    let client = client().await;
    let request = KubeconfigRequest {
        user: "terraform".to_owned(),
        groups: vec!["system:masters".to_owned()],
        ttl: Duration::from_secs(3600),
    };
    let config = client.kubeconfig(&minute(), "prod", request.clone()).await.unwrap();
    assert_eq!(config.expose_secret(), "prod true terraform [\"system:masters\"] 3600");

    client.validate_config(&minute(), "good").await.unwrap();
    match client.validate_config(&minute(), "machine.token").await.unwrap_err() {
        Error::Status { kind: ErrorKind::Validation, problems, .. } => {
            assert_eq!(problems, ["machine.token is not allowed"]);
        }
        other => panic!("{other:?}"),
    }

    let checks = client.kubernetes_upgrade_prechecks(&minute(), "prod", "1.36.2").await.unwrap();
    assert_eq!(checks, PreChecks { ok: false, reason: "prod 1.36.2".to_owned() });

    let error = client.kubeconfig(&minute(), "prö\nd", request).await.unwrap_err();
    assert!(error.is(ErrorKind::Config), "{error}");
}

#[tokio::test]
async fn configs() {
    let client = client().await;
    let talos = |cluster: Option<&'static str>| {
        let client = client.clone();
        async move { client.talosconfig(&minute(), cluster).await.unwrap().expose_secret().to_owned() }
    };
    assert_eq!(talos(Some("prod")).await, "Some(\"prod\") false false");
    assert_eq!(talos(None).await, "None false false");
    let error = client.omniconfig(&minute()).await.unwrap_err();
    assert_eq!(error.to_string(), "could not read the omniconfig");
    let token = SecretString::from("secret".to_owned());
    let join = client.machine_join_config(&minute(), true, Some(&token)).await.unwrap();
    assert_eq!((join.kernel_args[0].expose_secret(), join.config.expose_secret()), ("true", "secret"));
    assert!(!format!("{join:?}").contains("secret\""), "{join:?}");
}

#[tokio::test]
async fn service_accounts() {
    let client = client().await;
    let call = minute();
    let make = |role| client.create_service_account(&call, "ci", "KEY", role);
    assert_eq!(make(AccountRole::Callers).await.unwrap(), "ci true \"\" KEY");
    assert_eq!(make(AccountRole::Named("Reader".into())).await.unwrap(), "ci false \"Reader\" KEY");
    assert_eq!(client.renew_service_account(&minute(), "ci", "KEY").await.unwrap(), "ci KEY");
    let all = client.service_accounts(&minute()).await.unwrap();
    assert_eq!(all[0].last_active, "2026-01-01T00:00:00Z");
    assert_eq!(all[0].pgp_public_keys[0].expiration.map(|at| at.seconds), Some(9));
    assert_eq!(all[0].pgp_public_keys[0].last_used, None);
    assert_eq!((all[1].name.as_str(), all[1].last_active.as_str(), all[1].pgp_public_keys.len()), ("new", "", 0));
    let error = client.destroy_service_account(&minute(), "gone").await.unwrap_err();
    assert!(error.is(ErrorKind::NotFound), "{error}");
}

#[tokio::test]
async fn users() {
    let client = client().await;
    assert_eq!(client.create_user(&minute(), "a@b.c", "Reader").await.unwrap(), "a@b.c Reader");
    let error = client.users(&minute()).await.unwrap_err().to_string();
    assert!(error.contains("needs Omni 1.6 or later"), "{error}");
    let error = client.update_user(&minute(), "a@b.c", "Admin").await.unwrap_err();
    assert!(error.is(ErrorKind::Validation), "{error:?}");
    assert!(client.destroy_user(&minute(), "a@b.c").await.unwrap_err().is(ErrorKind::NotFound));
}

#[tokio::test]
async fn join_tokens() {
    let client = client().await;
    let call = minute();
    let make = |at| client.create_join_token(&call, "site", at);
    assert_eq!(make(Some(Duration::from_millis(9_500))).await.unwrap().expose_secret(), "site Some(9)");
    assert_eq!(make(None).await.unwrap().expose_secret(), "site None");
}

#[tokio::test]
async fn media() {
    let client = client().await;
    let request = |extensions: &[&str]| pb::CreateSchematicRequest {
        extensions: extensions.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    };
    let schematic = client.create_schematic(&minute(), request(&["a", "b"])).await.unwrap();
    assert_eq!((schematic.id.as_str(), schematic.yaml.as_str()), ("a b", ""));
    // An answer without an id makes no sense.
    assert!(client.create_schematic(&minute(), request(&[])).await.is_err());
    let raw = |text: &str| pb::CreateSchematicFromRawRequest {
        raw_schematic: text.into(),
        talos_version: "1.13.5".to_owned(),
    };
    assert_eq!(
        client.create_raw_schematic(&minute(), raw("customization: {}")).await.unwrap(),
        "customization: {} 1.13.5"
    );
    assert!(client.create_raw_schematic(&minute(), raw("")).await.is_err());
    let error = client.installation_media_url(&minute(), Default::default()).await.unwrap_err().to_string();
    assert!(error.contains("needs Omni 1.11 or later"), "{error}");
}

#[tokio::test]
async fn audit_log_is_cut() {
    let client = client().await;
    let request = pb::ReadAuditLogRequest { actor: "ann".into(), ..Default::default() };
    for (most, expected) in [(12, ("ann\nann\nann\n", false)), (11, ("ann\nann\n", true)), (3, ("", true))] {
        let (log, more) = client.audit_log(&minute(), request.clone(), most).await.unwrap();
        assert_eq!((String::from_utf8(log).unwrap().as_str(), more), expected, "{most}");
    }
}
