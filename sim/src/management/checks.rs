//! Validation RPCs: patches, documents, upgrades.

use super::ServiceContext;
use crate::access::Caller;
use crate::json_schema::{self, Violation};
use crate::kinds;
use crate::names::kind;
use crate::rules::{self, talos_patch, tolerant};
use omni_proto::management as pb;
use omni_proto::specs::{KubernetesStatusSpec, KubernetesUpgradeStatusSpec};
use tonic::{Request, Status};

/// More bytes than this are no schema.
const MAX_SCHEMA: usize = 1_000_000;

pub(super) async fn validate_config(
    ctx: &ServiceContext,
    request: Request<pb::ValidateConfigRequest>,
) -> Result<(), Status> {
    Caller::of(&request)?;
    let release = rules::release(&ctx.store.view());
    talos_patch::check(&request.get_ref().config, release)
        .map_err(|refusal| Status::invalid_argument(refusal.text()))?;
    Ok(())
}

pub(super) async fn kubernetes_upgrade_pre_checks(
    ctx: &ServiceContext,
    request: Request<pb::KubernetesUpgradePreChecksRequest>,
) -> Result<pb::KubernetesUpgradePreChecksResponse, Status> {
    let cluster = ctx.operated(&request)?;
    let version = &request.get_ref().new_version;
    let Some(status) = ctx.store.get(&kinds::key(kind::KUBERNETES_UPGRADE_STATUS, &*cluster)) else {
        return Err(Status::unknown(rules::missing(kind::KUBERNETES_UPGRADE_STATUS, "default", &cluster)));
    };
    let current = status.spec::<KubernetesUpgradeStatusSpec>().last_upgrade_version;
    if current.is_empty() {
        return Err(Status::failed_precondition("current version is not known yet"));
    }
    match rules::kubernetes_path_supported(&current, version) {
        Ok(true) => {}
        Ok(false) => {
            let text = format!("unsupported upgrade path: {}->{}", line(&current), line(version));
            return Err(Status::invalid_argument(text));
        }
        Err(problem) => return Err(Status::invalid_argument(format!("invalid upgrade path: {problem}"))),
    }
    let nodes = ctx.store.get(&kinds::key(kind::KUBERNETES_STATUS, &*cluster));
    let nodes = nodes.map(|object| object.spec::<KubernetesStatusSpec>().nodes).unwrap_or_default();
    let reason = match nodes.iter().find(|node| !node.ready) {
        Some(node) => format!("pre-checks failed: node {:?} is not ready\n", node.nodename),
        None => String::new(),
    };
    Ok(pb::KubernetesUpgradePreChecksResponse { ok: reason.is_empty(), reason })
}

/// The first two numbers of a version.
fn line(version: &str) -> String {
    let line = tolerant::parse(version).map(|version| version.minor_line()).unwrap_or_default();
    format!("{}.{}", line.0, line.1)
}

pub(super) async fn validate_json_schema(
    _: &ServiceContext,
    request: Request<pb::ValidateJsonSchemaRequest>,
) -> Result<pb::ValidateJsonSchemaResponse, Status> {
    Caller::of(&request)?;
    let pb::ValidateJsonSchemaRequest { data, schema } = request.into_inner();
    if schema.len() > MAX_SCHEMA {
        return Err(Status::unknown("json schema can not be bigger than 1MB"));
    }
    let violations = json_schema::check(&schema, &data).map_err(Status::unknown)?;
    Ok(pb::ValidateJsonSchemaResponse { errors: violations.into_iter().map(told).collect() })
}

fn told(violation: Violation) -> pb::validate_json_schema_response::Error {
    let Violation { data_path, schema_path, cause, errors } = violation;
    let errors = errors.into_iter().map(told).collect();
    pb::validate_json_schema_response::Error { errors, schema_path, data_path, cause }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, context};
    use super::*;
    use crate::kinds::Role;
    use crate::release::Release;
    use omni_proto::specs::kubernetes_status_spec::NodeStatus;
    use prost::Message;
    use tonic::Code;

    const C: Option<(&str, &str)> = Some(("cluster", "probe-k"));

    #[tokio::test]
    async fn patches_are_checked_without_being_kept() {
        let ctx = context(Release::V1_6);
        let check = |config: &str| {
            validate_config(&ctx, call(Role::None, None, pb::ValidateConfigRequest { config: config.into() }))
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
        let ctx = context(Release::V1_6);
        let check = |version: &str| {
            let message = pb::KubernetesUpgradePreChecksRequest { new_version: version.into() };
            kubernetes_upgrade_pre_checks(&ctx, call(Role::Operator, C, message))
        };
        let status = check("1.99.0").await.unwrap_err();
        assert_eq!(status.code(), Code::Unknown);
        assert_eq!(
            status.message(),
            "failed to get: resource KubernetesUpgradeStatuses.omni.sidero.dev(default/probe-k@undefined) doesn't exist"
        );
        let key = kinds::key(kind::KUBERNETES_UPGRADE_STATUS, "probe-k");
        ctx.store.put("", &key, |object| object.spec = Vec::new());
        assert_eq!(check("1.36.3").await.unwrap_err().code(), Code::FailedPrecondition);
        let known = KubernetesUpgradeStatusSpec { last_upgrade_version: "1.35.1".into(), ..Default::default() };
        ctx.store.put("", &key, |object| object.spec = known.encode_to_vec());
        let status = check("1.99.0").await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "unsupported upgrade path: 1.35->1.99"));
        assert!(check("1.36.3").await.unwrap().ok);
        let node = NodeStatus { nodename: "machine-1".into(), ..Default::default() };
        let nodes = KubernetesStatusSpec { nodes: vec![node], ..Default::default() };
        let key = kinds::key(kind::KUBERNETES_STATUS, "probe-k");
        ctx.store.put("", &key, |object| object.spec = nodes.encode_to_vec());
        let answer = check("1.36.3").await.unwrap();
        assert_eq!(
            (answer.ok, answer.reason.as_str()),
            (false, "pre-checks failed: node \"machine-1\" is not ready\n")
        );
        let message = pb::KubernetesUpgradePreChecksRequest::default();
        let status = kubernetes_upgrade_pre_checks(&ctx, call(Role::Operator, None, message)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "unable to extract request context"));
    }

    #[tokio::test]
    async fn data_is_checked_against_schemas() {
        let ctx = context(Release::V1_6);
        let check = |schema: &str, data: &str| {
            let message = pb::ValidateJsonSchemaRequest { data: data.into(), schema: schema.into() };
            validate_json_schema(&ctx, call(Role::None, None, message))
        };
        let answer = check("{\"type\": \"object\", \"required\": [\"b\"]}", "{\"a\": 1}").await.unwrap();
        let missing = pb::validate_json_schema_response::Error {
            cause: "property is required".into(),
            data_path: "/b".into(),
            schema_path: "file:///untitled-schema.json#".into(),
            errors: Vec::new(),
        };
        assert_eq!(answer.errors, [missing]);
        assert!(check("{}", "{}").await.unwrap().errors.is_empty());
        for (schema, text) in
            [("{".to_owned(), "unexpected EOF"), (" ".repeat(MAX_SCHEMA + 1), "json schema can not be bigger than 1MB")]
        {
            let status = check(&schema, "x").await.unwrap_err();
            assert_eq!((status.code(), status.message()), (Code::Unknown, text));
        }
    }
}
