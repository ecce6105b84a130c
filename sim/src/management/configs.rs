//! Access to client configurations.
//! Their texts are generated elsewhere.

use super::{ServiceContext, cluster};
use crate::access::Caller;
use crate::catalogue::Feature;
use crate::join_config::JoinConfig;
use crate::kinds::{self, Role};
use crate::kubeconfig::{self, Credentials, Kubeconfig};
use crate::names::kind;
use crate::rules;
use omni_proto::management as pb;
use omni_proto::specs::ClusterUuid;
use serde_json::json;
use std::time::Duration;
use tonic::{Request, Status};

/// How a user may log in.
const GRANT_TYPES: &[&str] = &["", "auto", "authcode", "authcode-keyboard"];

/// Where the program that asks in the browser keeps its tokens by default.
const CACHE: &str = "~/.kube/cache/oidc-login";

/// How long a token for Kubernetes may live.
const MAX_LIFE: Duration = Duration::from_secs(3650 * 24 * 3600);

/// Where the proxy in front of Kubernetes listens.
const PROXY_PORT: u16 = 8095;

pub(super) async fn kubeconfig(
    ctx: &ServiceContext,
    request: Request<pb::KubeconfigRequest>,
) -> Result<pb::KubeconfigResponse, Status> {
    let caller = Caller::of(&request)?;
    let cluster = cluster(&request);
    let request = request.into_inner();
    if request.break_glass {
        caller.needs(Role::Admin)?;
        return Err(not_allowed());
    }
    ctx.permit_by_policy(&caller, &cluster, Role::Reader)?;
    let config = if request.service_account {
        ctx.permit_by_policy(&caller, &cluster, Role::Operator)?;
        account(ctx, &cluster, &request)?
    } else if GRANT_TYPES.contains(&request.grant_type.as_str()) {
        login(ctx, &cluster, &caller, &request)
    } else {
        return Err(Status::invalid_argument(format!("invalid grant type {:?}", request.grant_type)));
    };
    Ok(pb::KubeconfigResponse { kubeconfig: config.render().into_bytes() })
}

pub(super) async fn talosconfig(
    ctx: &ServiceContext,
    request: Request<pb::TalosconfigRequest>,
) -> Result<pb::TalosconfigResponse, Status> {
    let (caller, cluster) = (Caller::of(&request)?, cluster(&request));
    let wanted = request.get_ref();
    if wanted.break_glass {
        caller.needs(Role::Admin)?;
    } else {
        ctx.permit(&caller, &cluster, Role::Reader)?;
    }
    if wanted.raw || wanted.break_glass {
        return Err(not_allowed());
    }
    let text = kubeconfig::talosconfig(&ctx.instance(), &cluster, &ctx.endpoint, &caller.identity);
    Ok(pb::TalosconfigResponse { talosconfig: text.into_bytes() })
}

pub(super) async fn omniconfig(ctx: &ServiceContext, request: Request<()>) -> Result<pb::OmniconfigResponse, Status> {
    let caller = Caller::of(&request)?;
    let text = kubeconfig::omniconfig(&ctx.endpoint, &caller.identity);
    Ok(pb::OmniconfigResponse { omniconfig: text.into_bytes() })
}

/// A token that is named need not exist.
pub(super) async fn get_machine_join_config(
    ctx: &ServiceContext,
    request: Request<pb::GetMachineJoinConfigRequest>,
) -> Result<pb::GetMachineJoinConfigResponse, Status> {
    let caller = Caller::of(&request)?;
    if ctx.release().has(Feature::JoinConfigsOfReaders) {
        caller.needs(Role::Reader)?;
    }
    let wanted = request.into_inner();
    let join = JoinConfig::of(&ctx.store, &wanted.join_token, wanted.use_grpc_tunnel);
    Ok(pb::GetMachineJoinConfigResponse { kernel_args: join.kernel_args(), config: join.documents() })
}

fn proxy(ctx: &ServiceContext) -> String {
    let authority = ctx.endpoint.split("://").nth(1).unwrap_or(&ctx.endpoint).trim_end_matches('/');
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    format!("https://{host}:{PROXY_PORT}")
}

fn login<'a>(
    ctx: &'a ServiceContext,
    cluster: &str,
    caller: &Caller,
    request: &pb::KubeconfigRequest,
) -> Kubeconfig<'a> {
    let name = format!("{}-{cluster}", ctx.instance());
    let user = format!("{name}-{}", caller.identity);
    Kubeconfig {
        name,
        server: proxy(ctx),
        ca_pem: ctx.ca_pem.as_deref(),
        credentials: Credentials::Login {
            issuer: format!("{}/oidc", ctx.endpoint.trim_end_matches('/')),
            cluster: cluster.to_owned(),
            grant_type: request.grant_type.clone(),
            cache: cache(ctx, request, &user),
        },
        user,
    }
}

/// Where the program that asks in the browser keeps the tokens of this user, if the request says anything about it.
fn cache(ctx: &ServiceContext, request: &pb::KubeconfigRequest, user: &str) -> Option<String> {
    if !ctx.release().has(Feature::TokenCaches) {
        return None;
    }
    match (request.oidc_cache_base_dir.trim_end_matches('/'), request.oidc_cache_isolation) {
        ("", false) => None,
        ("", true) => Some(format!("{CACHE}/{user}")),
        (folder, false) => Some(folder.to_owned()),
        (folder, true) => Some(format!("{folder}/{user}")),
    }
}

/// A kubeconfig for a program; unlike one for a person it is for a cluster that exists.
fn account<'a>(
    ctx: &'a ServiceContext,
    cluster: &str,
    request: &pb::KubeconfigRequest,
) -> Result<Kubeconfig<'a>, Status> {
    if cluster.is_empty() {
        return Err(Status::invalid_argument("cluster name is not in context"));
    }
    if request.service_account_user.is_empty() {
        return Err(Status::invalid_argument("service account user name is not set"));
    }
    let life = life(request.service_account_ttl)?;
    let uuid = ctx.store.get(&kinds::key(kind::CLUSTER_UUID, cluster));
    let uuid = uuid.map(|object| object.spec::<ClusterUuid>().uuid).ok_or_else(|| {
        let why = rules::missing(kind::CLUSTER_UUID, "default", cluster);
        Status::unknown(format!("failed to get cluster UUID: {why}"))
    })?;
    let now = ctx.store.time().as_secs();
    let claims = json!({
        "cluster": cluster,
        "cluster_uuid": uuid,
        "exp": now + life.as_secs(),
        "groups": request.service_account_groups,
        "iat": now,
        "iss": format!("omni-{}-service-account-issuer", ctx.instance()),
        "sub": request.service_account_user,
    });
    let token = ctx.signer.sign(&claims).map_err(|error| Status::internal(error.to_string()))?;
    let name = format!("{}-{cluster}-{}", ctx.instance(), request.service_account_user);
    Ok(Kubeconfig {
        user: name.clone(),
        name,
        server: proxy(ctx),
        ca_pem: ctx.ca_pem.as_deref(),
        credentials: Credentials::Token(token),
    })
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

fn not_allowed() -> Status {
    Status::permission_denied("not allowed")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{NOW, call, context};
    use super::*;
    use crate::release::Release;
    use base64::Engine;
    use kit::yaml;
    use omni_proto::specs::{AccessPolicyRule, AccessPolicySpec};
    use prost::Message;
    use serde_json::Value;
    use tonic::Code;

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
        let ctx = context(Release::V1_6);
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
                "cluster name is not in context".into(),
            ),
            (
                Role::Admin,
                Some(("cluster", "none")),
                for_account("probe", Some(3600)),
                Code::Unknown,
                "failed to get cluster UUID: failed to get: resource ClusterUUIDs.omni.sidero.dev(default/none@undefined) doesn't exist".into(),
            ),
        ] {
            let status = kubeconfig(&ctx, call(role, header, message)).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (code, text.as_str()));
        }
        let unsigned = kubeconfig(&ctx, Request::new(pb::KubeconfigRequest::default())).await.unwrap_err();
        assert_eq!(unsigned.code(), Code::Unauthenticated);
    }

    #[tokio::test]
    async fn kubeconfigs_for_people() {
        for (header, name) in
            [(C, "omni-sim-probe-k"), (Some(("context", "probe-k")), "omni-sim-probe-k"), (None, "omni-sim-")]
        {
            let request = call(Role::Reader, header, pb::KubeconfigRequest::default());
            let answer = kubeconfig(&context(Release::V1_6), request).await.unwrap();
            let config = parsed(&answer.kubeconfig);
            assert_eq!(config["current-context"], name);
            assert_eq!(config["clusters"][0]["name"], name);
            assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:8095");
            assert_eq!(config["users"][0]["name"], format!("{name}-me@serviceaccount.omni.sidero.dev"));
            assert!(config["users"][0]["user"]["exec"].is_object());
        }
    }

    #[tokio::test]
    async fn a_policy_opens_configurations_of_its_clusters() {
        for (release, talos) in [(Release::V1_2, false), (Release::V1_7, false), (Release::V1_8, true)] {
            let ctx = context(release);
            let rule = |cluster: &str, role: &str| AccessPolicyRule {
                users: vec!["me@serviceaccount.omni.sidero.dev".into()],
                clusters: vec![cluster.into()],
                role: role.into(),
                ..Default::default()
            };
            let rules = vec![rule("read", "Reader"), rule("run", "Operator")];
            let policy = AccessPolicySpec { rules, ..Default::default() };
            ctx.store.put("", &kinds::key(kind::ACCESS_POLICY, "access-policy"), |o| o.spec = policy.encode_to_vec());
            let uuid = ClusterUuid { uuid: "the-uuid".into() };
            ctx.store.put("", &kinds::key(kind::CLUSTER_UUID, "run"), |o| o.spec = uuid.encode_to_vec());
            for (cluster, person, program) in
                [("read", true, false), ("run", true, true), ("other", false, false), ("", false, false)]
            {
                let header = (!cluster.is_empty()).then_some(("cluster", cluster));
                let ask = |message| kubeconfig(&ctx, call(Role::None, header, message));
                let found = [
                    ask(pb::KubeconfigRequest::default()).await.is_ok(),
                    ask(for_account("probe", Some(3600))).await.is_ok(),
                    talosconfig(&ctx, call(Role::None, header, pb::TalosconfigRequest::default())).await.is_ok(),
                ];
                assert_eq!(found, [person, program, person && talos], "{release} {cluster:?}");
            }
        }
    }

    #[tokio::test]
    async fn tokens_are_kept_where_the_request_says() {
        let user = "omni-sim-probe-k-me@serviceaccount.omni.sidero.dev";
        for (release, folder, isolated, expected) in [
            (Release::V1_6, "", false, None),
            (Release::V1_6, "/tmp/", false, Some("/tmp".to_owned())),
            (Release::V1_6, "/tmp", true, Some(format!("/tmp/{user}"))),
            (Release::NEWEST, "", true, Some(format!("~/.kube/cache/oidc-login/{user}"))),
            (Release::V1_5, "/tmp", true, None),
        ] {
            let message = pb::KubeconfigRequest {
                oidc_cache_base_dir: folder.into(),
                oidc_cache_isolation: isolated,
                ..Default::default()
            };
            let answer = kubeconfig(&context(release), call(Role::Reader, C, message)).await.unwrap();
            let args = parsed(&answer.kubeconfig)["users"][0]["user"]["exec"]["args"].clone();
            let args = args.as_array().unwrap().iter().filter_map(Value::as_str);
            let found = args.filter_map(|arg| arg.strip_prefix("--token-cache-dir=")).next();
            assert_eq!(found.map(str::to_owned), expected, "{release} {folder} {isolated}");
        }
    }

    #[tokio::test]
    async fn machines_join_with_any_token() {
        let ctx = context(Release::V1_6);
        let default = ctx.store.list(kind::JOIN_TOKEN)[0].key.id.clone();
        for (token, expected) in [("", default.as_str()), ("no-such-token", "no-such-token")] {
            let message = pb::GetMachineJoinConfigRequest { use_grpc_tunnel: false, join_token: token.into() };
            let answer = get_machine_join_config(&ctx, call(Role::Reader, None, message)).await.unwrap();
            assert_eq!(answer.kernel_args[0], format!("siderolink.api=grpc://127.0.0.1:8090?jointoken={expected}"));
            assert!(answer.config.contains(expected));
        }
        for (release, refused) in [(Release::V1_7, None), (Release::V1_8, Some(Code::PermissionDenied))] {
            let message = pb::GetMachineJoinConfigRequest::default();
            let answer = get_machine_join_config(&context(release), call(Role::None, None, message)).await;
            assert_eq!(answer.err().map(|status| status.code()), refused, "{release}");
        }
    }

    #[tokio::test]
    async fn kubeconfigs_for_programs() {
        let ctx = context(Release::V1_6);
        let uuid = ClusterUuid { uuid: "the-uuid".into() };
        ctx.store.put("", &kinds::key(kind::CLUSTER_UUID, "probe-k"), |o| o.spec = uuid.encode_to_vec());
        let request = call(Role::Operator, C, for_account("probe", Some(3600)));
        let answer = kubeconfig(&ctx, request).await.unwrap();
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
        assert_eq!(claims["iss"], "omni-omni-sim-service-account-issuer");
        assert_eq!(claims["sub"], "probe");
        assert_eq!((claims["iat"].as_u64(), claims["exp"].as_u64()), (Some(NOW), Some(NOW + 3600)));
    }

    #[tokio::test]
    async fn other_configurations() {
        let ctx = context(Release::V1_6);
        let raw = pb::TalosconfigRequest { raw: true, ..Default::default() };
        let status = talosconfig(&ctx, call(Role::Admin, C, raw)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "not allowed"));
        let answer = talosconfig(&ctx, call(Role::Reader, C, pb::TalosconfigRequest::default())).await.unwrap();
        assert_eq!(parsed(&answer.talosconfig)["context"], "omni-sim-probe-k");
        let answer = omniconfig(&ctx, call(Role::None, None, ())).await.unwrap();
        let config = parsed(&answer.omniconfig);
        assert_eq!(config["contexts"]["default"]["url"], "grpc://127.0.0.1:4000");
    }
}
