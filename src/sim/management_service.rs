//! The calls of the management service that the simulator answers: configurations, checks of patches and upgrades.
//! The rest answers that it is not implemented.

use super::access::Caller;
use super::kinds::{self, Role};
use super::kubeconfig::{self, Credentials, Kubeconfig};
use super::names::kind;
use super::rules::{self, talos_patch};
use super::store::Store;
use super::token::Signer;
use crate::pb::management as pb;
use crate::pb::management::management_service_server::ManagementService as Service;
use crate::pb::specs::{ClusterUuid, KubernetesStatusSpec, KubernetesUpgradeStatusSpec, SysVersionSpec};
use serde_json::json;
use std::time::Duration;
use tonic::{Request, Response, Status};

/// How a user may log in.
const GRANT_TYPES: &[&str] = &["", "auto", "authcode", "authcode-keyboard"];

/// How long a token for Kubernetes may live.
const MAX_LIFE: Duration = Duration::from_secs(3650 * 24 * 3600);

/// Where the proxy in front of Kubernetes listens.
const PROXY_PORT: u16 = 8095;

/// The service.
pub struct ManagementService {
    store: Store,
    endpoint: String,
    ca_pem: Option<String>,
    signer: Signer,
}

impl ManagementService {
    /// A service over these objects, reached at this endpoint, with the certificate that vouches for it, if any.
    #[must_use]
    pub fn new(store: Store, endpoint: String, ca_pem: Option<String>) -> Self {
        let signer = Signer::new(store.clone());
        Self { store, endpoint, ca_pem, signer }
    }

    fn instance(&self) -> String {
        let version = self.store.get(&kinds::key(kind::SYS_VERSION, "current"));
        version.map(|object| object.spec::<SysVersionSpec>().instance_name).unwrap_or_default()
    }

    fn proxy(&self) -> String {
        let authority = self.endpoint.split("://").nth(1).unwrap_or(&self.endpoint);
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        format!("https://{host}:{PROXY_PORT}")
    }

    fn login(&self, cluster: &str, caller: &Caller, grant_type: &str) -> Kubeconfig<'_> {
        let name = format!("{}-{cluster}", self.instance());
        Kubeconfig {
            user: format!("{name}-{}", caller.identity),
            name,
            server: self.proxy(),
            ca_pem: self.ca_pem.as_deref(),
            credentials: Credentials::Login {
                issuer: format!("{}/oidc", self.endpoint),
                cluster: cluster.to_owned(),
                grant_type: grant_type.to_owned(),
            },
        }
    }

    /// A kubeconfig for a program. As on a server, the cluster need not exist.
    fn account(&self, cluster: &str, request: &pb::KubeconfigRequest) -> Result<Kubeconfig<'_>, Status> {
        if cluster.is_empty() {
            return Err(Status::invalid_argument("cluster name is not set"));
        }
        if request.service_account_user.is_empty() {
            return Err(Status::invalid_argument("service account user name is not set"));
        }
        let life = life(request.service_account_ttl)?;
        let uuid = self.store.get(&kinds::key(kind::CLUSTER_UUID, cluster));
        let uuid = uuid.map(|object| object.spec::<ClusterUuid>().uuid).unwrap_or_default();
        let now = self.store.time().as_secs();
        let claims = json!({
            "cluster": cluster,
            "cluster_uuid": uuid,
            "exp": now + life.as_secs(),
            "groups": request.service_account_groups,
            "iat": now,
            "iss": self.endpoint,
            "sub": request.service_account_user,
        });
        let token = self.signer.sign(&claims).map_err(|error| Status::internal(error.to_string()))?;
        let name = format!("{}-{cluster}-{}", self.instance(), request.service_account_user);
        Ok(Kubeconfig {
            user: name.clone(),
            name,
            server: self.proxy(),
            ca_pem: self.ca_pem.as_deref(),
            credentials: Credentials::Token(token),
        })
    }
}

fn life(ttl: Option<prost_types::Duration>) -> Result<Duration, Status> {
    let refuse = |text: &str| Err(Status::invalid_argument(text));
    let Some(ttl) = ttl else { return refuse("service account ttl is not set") };
    match Duration::try_from(ttl) {
        Ok(life) if life > MAX_LIFE => refuse("service account ttl is too long (max allowed: 87600h0m0s)"),
        Ok(life) if !life.is_zero() => Ok(life),
        // The wording is the server's own.
        _ => refuse("service account ttl is must be positive"),
    }
}

/// The cluster that a call is about: it stands in the metadata, under one of two names.
fn cluster<T>(request: &Request<T>) -> String {
    let header = |name| request.metadata().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cluster = header("cluster");
    if cluster.is_empty() { header("context").to_owned() } else { cluster.to_owned() }
}

fn not_allowed() -> Status {
    Status::permission_denied("not allowed")
}

#[async_trait::async_trait]
impl Service for ManagementService {
    async fn kubeconfig(
        &self,
        request: Request<pb::KubeconfigRequest>,
    ) -> Result<Response<pb::KubeconfigResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.needs(Role::Reader)?;
        let cluster = cluster(&request);
        let request = request.into_inner();
        if request.break_glass {
            caller.needs(Role::Admin)?;
            return Err(not_allowed());
        }
        let config = if request.service_account {
            caller.needs(Role::Operator)?;
            self.account(&cluster, &request)?
        } else if GRANT_TYPES.contains(&request.grant_type.as_str()) {
            self.login(&cluster, &caller, &request.grant_type)
        } else {
            return Err(Status::invalid_argument(format!("invalid grant type {:?}", request.grant_type)));
        };
        Ok(Response::new(pb::KubeconfigResponse { kubeconfig: config.render().into_bytes() }))
    }

    async fn talosconfig(
        &self,
        request: Request<pb::TalosconfigRequest>,
    ) -> Result<Response<pb::TalosconfigResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.needs(Role::Reader)?;
        let wanted = request.get_ref();
        if wanted.raw || wanted.break_glass {
            caller.needs(Role::Admin)?;
            return Err(not_allowed());
        }
        let text = kubeconfig::talosconfig(&self.instance(), &cluster(&request), &self.endpoint, &caller.identity);
        Ok(Response::new(pb::TalosconfigResponse { talosconfig: text.into_bytes() }))
    }

    async fn omniconfig(&self, request: Request<()>) -> Result<Response<pb::OmniconfigResponse>, Status> {
        let caller = Caller::of(&request)?;
        let text = kubeconfig::omniconfig(&self.endpoint, &caller.identity);
        Ok(Response::new(pb::OmniconfigResponse { omniconfig: text.into_bytes() }))
    }

    async fn validate_config(&self, request: Request<pb::ValidateConfigRequest>) -> Result<Response<()>, Status> {
        Caller::of(&request)?;
        let release = rules::release(&self.store.view());
        talos_patch::check(&request.get_ref().config, release)
            .map_err(|refusal| Status::invalid_argument(refusal.text()))?;
        Ok(Response::new(()))
    }

    async fn kubernetes_upgrade_pre_checks(
        &self,
        request: Request<pb::KubernetesUpgradePreChecksRequest>,
    ) -> Result<Response<pb::KubernetesUpgradePreChecksResponse>, Status> {
        Caller::of(&request)?.needs(Role::Operator)?;
        let cluster = cluster(&request);
        let version = &request.get_ref().new_version;
        let Some(status) = self.store.get(&kinds::key(kind::KUBERNETES_UPGRADE_STATUS, &*cluster)) else {
            return Err(Status::unknown(rules::missing(kind::KUBERNETES_UPGRADE_STATUS, "default", &cluster)));
        };
        let current = status.spec::<KubernetesUpgradeStatusSpec>().last_upgrade_version;
        if current.is_empty() {
            return Err(Status::failed_precondition("current version is not known yet"));
        }
        match rules::kubernetes_path_supported(&current, version) {
            Ok(true) => {}
            Ok(false) => {
                let text = format!("unsupported upgrade path from {current:?} to {version:?}");
                return Err(Status::invalid_argument(text));
            }
            Err(problem) => return Err(Status::invalid_argument(problem)),
        }
        let nodes = self.store.get(&kinds::key(kind::KUBERNETES_STATUS, &*cluster));
        let nodes = nodes.map(|object| object.spec::<KubernetesStatusSpec>().nodes).unwrap_or_default();
        let reason = match nodes.iter().find(|node| !node.ready) {
            Some(node) => format!("node {:?} is not ready", node.nodename),
            None => String::new(),
        };
        Ok(Response::new(pb::KubernetesUpgradePreChecksResponse { ok: reason.is_empty(), reason }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::clock::TestClock;
    use crate::kit::yaml;
    use crate::pb::specs::kubernetes_status_spec::NodeStatus;
    use crate::sim::Release;
    use crate::sim::world;
    use base64::Engine;
    use prost::Message;
    use serde_json::Value;
    use std::sync::Arc;
    use tonic::Code;

    const NOW: u64 = 1_790_000_000;

    fn service() -> ManagementService {
        let store = Store::new(Arc::new(TestClock::at(NOW)));
        world::seed(&store, 0, Release::NEWEST);
        ManagementService::new(store, "grpc://127.0.0.1:4000".into(), None)
    }

    fn call<T>(role: Role, header: Option<(&'static str, &'static str)>, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some((name, value)) = header {
            request.metadata_mut().insert(name, value.parse().unwrap());
        }
        let caller = Caller { identity: "me@serviceaccount.omni.sidero.dev".into(), user: "u".into(), role };
        request.extensions_mut().insert(caller);
        request
    }

    fn for_account(user: &str, seconds: Option<i64>) -> pb::KubeconfigRequest {
        pb::KubeconfigRequest {
            service_account: true,
            service_account_user: user.into(),
            service_account_ttl: seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
            service_account_groups: vec!["system:masters".into()],
            ..Default::default()
        }
    }

    fn parsed(text: &[u8]) -> Value {
        yaml::parse_documents(std::str::from_utf8(text).unwrap()).unwrap().remove(0)
    }

    const C: Option<(&str, &str)> = Some(("cluster", "probe-k"));

    #[tokio::test]
    async fn refusals_of_kubeconfigs() {
        let service = service();
        let grant = pb::KubeconfigRequest { grant_type: "nope".into(), ..Default::default() };
        let glass = pb::KubeconfigRequest { break_glass: true, ..Default::default() };
        let insufficient = "unauthorized: access denied: insufficient role: ";
        for (role, header, message, code, text) in [
            (Role::Admin, C, grant, Code::InvalidArgument, "invalid grant type \"nope\"".to_owned()),
            (Role::Admin, C, glass.clone(), Code::PermissionDenied, "not allowed".into()),
            (Role::Operator, C, glass, Code::PermissionDenied, format!("{insufficient}\"Operator\"")),
            (
                Role::None,
                C,
                pb::KubeconfigRequest::default(),
                Code::PermissionDenied,
                format!("{insufficient}\"None\""),
            ),
            (
                Role::Reader,
                C,
                for_account("probe", Some(3600)),
                Code::PermissionDenied,
                format!("{insufficient}\"Reader\""),
            ),
            (
                Role::Admin,
                C,
                for_account("probe", Some(0)),
                Code::InvalidArgument,
                "service account ttl is must be positive".into(),
            ),
            (
                Role::Admin,
                C,
                for_account("probe", Some(346_896_000)),
                Code::InvalidArgument,
                "service account ttl is too long (max allowed: 87600h0m0s)".into(),
            ),
            (
                Role::Admin,
                C,
                for_account("probe", None),
                Code::InvalidArgument,
                "service account ttl is not set".into(),
            ),
            (
                Role::Admin,
                C,
                for_account("", Some(3600)),
                Code::InvalidArgument,
                "service account user name is not set".into(),
            ),
            (
                Role::Admin,
                None,
                for_account("probe", Some(3600)),
                Code::InvalidArgument,
                "cluster name is not set".into(),
            ),
        ] {
            let status = service.kubeconfig(call(role, header, message)).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (code, text.as_str()));
        }
        let unsigned = service.kubeconfig(Request::new(pb::KubeconfigRequest::default())).await.unwrap_err();
        assert_eq!(unsigned.code(), Code::Unauthenticated);
    }

    #[tokio::test]
    async fn kubeconfigs_for_people() {
        for (header, name) in
            [(C, "omni-sim-probe-k"), (Some(("context", "probe-k")), "omni-sim-probe-k"), (None, "omni-sim-")]
        {
            let request = call(Role::Reader, header, pb::KubeconfigRequest::default());
            let answer = service().kubeconfig(request).await.unwrap().into_inner();
            let config = parsed(&answer.kubeconfig);
            assert_eq!(config["current-context"], name);
            assert_eq!(config["clusters"][0]["name"], name);
            assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:8095");
            assert_eq!(config["users"][0]["name"], format!("{name}-me@serviceaccount.omni.sidero.dev"));
            assert!(config["users"][0]["user"]["exec"].is_object());
        }
    }

    #[tokio::test]
    async fn kubeconfigs_for_programs() {
        let service = service();
        let uuid = ClusterUuid { uuid: "the-uuid".into() };
        service.store.put("", &kinds::key(kind::CLUSTER_UUID, "probe-k"), |o| o.spec = uuid.encode_to_vec());
        let request = call(Role::Operator, C, for_account("probe", Some(3600)));
        let answer = service.kubeconfig(request).await.unwrap().into_inner();
        let config = parsed(&answer.kubeconfig);
        assert_eq!(config["current-context"], "omni-sim-probe-k-probe");
        assert_eq!(config["users"][0]["name"], "omni-sim-probe-k-probe");
        let token = config["users"][0]["user"]["token"].as_str().unwrap();
        let claims = token.split('.').nth(1).unwrap();
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let keys: Vec<_> = claims.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["cluster", "cluster_uuid", "exp", "groups", "iat", "iss", "sub"]);
        assert_eq!(claims["cluster_uuid"], "the-uuid");
        assert_eq!(claims["groups"], json!(["system:masters"]));
        assert_eq!(claims["sub"], "probe");
        assert_eq!((claims["iat"].as_u64(), claims["exp"].as_u64()), (Some(NOW), Some(NOW + 3600)));
    }

    #[tokio::test]
    async fn other_configurations() {
        let service = service();
        let raw = pb::TalosconfigRequest { raw: true, ..Default::default() };
        let status = service.talosconfig(call(Role::Admin, C, raw)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "not allowed"));
        let answer = service.talosconfig(call(Role::Reader, C, pb::TalosconfigRequest::default())).await.unwrap();
        assert_eq!(parsed(&answer.into_inner().talosconfig)["context"], "omni-sim-probe-k");
        let answer = service.omniconfig(call(Role::None, None, ())).await.unwrap();
        let config = parsed(&answer.into_inner().omniconfig);
        assert_eq!(config["contexts"]["default"]["url"], "grpc://127.0.0.1:4000");
    }

    #[tokio::test]
    async fn patches_are_checked_without_being_kept() {
        let service = service();
        let check = |config: &str| {
            service.validate_config(call(Role::None, None, pb::ValidateConfigRequest { config: config.into() }))
        };
        check("machine: {}\n").await.unwrap();
        for (config, text) in [
            ("{{{", "decode error: yaml: while parsing a flow node at line 1: did not find expected node content"),
            (
                "machine: {token: x}",
                "1 error occurred:\n\t* overriding \"machine.token\" is not allowed in the config patch\n\n",
            ),
        ] {
            let status = check(config).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (Code::InvalidArgument, text));
        }
    }

    #[tokio::test]
    async fn upgrades_are_checked_before_they_begin() {
        let service = service();
        let check = |version: &str| {
            let message = pb::KubernetesUpgradePreChecksRequest { new_version: version.into() };
            service.kubernetes_upgrade_pre_checks(call(Role::Operator, C, message))
        };
        let status = check("1.99.0").await.unwrap_err();
        assert_eq!(status.code(), Code::Unknown);
        assert_eq!(
            status.message(),
            "failed to get: resource KubernetesUpgradeStatuses.omni.sidero.dev(default/probe-k@undefined) doesn't exist"
        );
        let key = kinds::key(kind::KUBERNETES_UPGRADE_STATUS, "probe-k");
        service.store.put("", &key, |object| object.spec = Vec::new());
        assert_eq!(check("1.36.3").await.unwrap_err().code(), Code::FailedPrecondition);
        let known = KubernetesUpgradeStatusSpec { last_upgrade_version: "1.35.1".into(), ..Default::default() };
        service.store.put("", &key, |object| object.spec = known.encode_to_vec());
        assert_eq!(check("1.99.0").await.unwrap_err().code(), Code::InvalidArgument);
        assert!(check("1.36.3").await.unwrap().into_inner().ok);
        let node = NodeStatus { nodename: "machine-1".into(), ..Default::default() };
        let nodes = KubernetesStatusSpec { nodes: vec![node], ..Default::default() };
        let key = kinds::key(kind::KUBERNETES_STATUS, "probe-k");
        service.store.put("", &key, |object| object.spec = nodes.encode_to_vec());
        let answer = check("1.36.3").await.unwrap().into_inner();
        assert_eq!((answer.ok, answer.reason.as_str()), (false, "node \"machine-1\" is not ready"));
    }
}
