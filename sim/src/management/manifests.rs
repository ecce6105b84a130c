//! Manifests of Talos, and their synchronization after an upgrade.

use super::ServiceContext;
use crate::applied_manifests as applied;
use crate::bootstrap_manifests::{self, Manifest};
use crate::kinds;
use crate::names::kind;
use futures_util::{StreamExt, stream};
use omni_proto::management as pb;
use omni_proto::management::kubernetes_sync_manifest_response::ResponseType;
use serde_json::json;
use tonic::codegen::BoxStream;
use tonic::{Request, Status};

/// The annotation that makes the server look again.
const ROLLOUT: &str = "manifest-rollout";

/// How the call is named in the audit log.
const METHOD: &str = "management.ManagementService/KubernetesSyncManifests";

pub(super) async fn kubernetes_sync_manifests(
    ctx: &ServiceContext,
    request: Request<pb::KubernetesSyncManifestRequest>,
) -> Result<BoxStream<pb::KubernetesSyncManifestResponse>, Status> {
    let id = ctx.operated(&request)?;
    let dry_run = request.get_ref().dry_run;
    let get = |kind: &str, id: &str| ctx.store.get(&kinds::key(kind, id));
    let wanted = applied::wanted(&get, &id).ok_or_else(|| {
        let missing = format!("resource Kubeconfigs.omni.sidero.dev(default/{id}@undefined) doesn't exist");
        Status::unknown(format!("failed to get kubeconfig: {missing}"))
    })?;
    let present = applied::present(&get, &id).ok_or_else(|| {
        Status::unknown(format!("failed to get talos client: cluster {id:?} has no control plane that answers"))
    })?;
    let member = json!({"full_method_name": METHOD, "cluster_name": id});
    ctx.audit.access(ctx.store.time(), "talos_access", member);

    let (before, after) = (bootstrap_manifests::all(&present), bootstrap_manifests::all(&wanted));
    let mut answers: Vec<_> = before.iter().zip(&after).map(|(old, new)| answer(old, new, dry_run)).collect();
    if !dry_run {
        let is_rollout = |answer: &&pb::KubernetesSyncManifestResponse| !answer.skipped;
        let rollouts: Vec<_> = answers.iter().filter(is_rollout).map(rollout).collect();
        answers.extend(rollouts);
        ctx.store.put("", &applied::key(&get, &id), |record| applied::write(record, &wanted));
    }
    let now = ctx.store.time().as_secs().to_string();
    ctx.store.modify(&kinds::key(kind::KUBERNETES_UPGRADE_STATUS, &*id), |object| {
        object.annotations.insert(ROLLOUT.into(), now);
    });
    Ok(stream::iter(answers.into_iter().map(Ok)).boxed())
}

/// What becomes of one manifest. A dry run shows the object as it stands.
fn answer(old: &Manifest, new: &Manifest, dry_run: bool) -> pb::KubernetesSyncManifestResponse {
    let skipped = old == new;
    pb::KubernetesSyncManifestResponse {
        response_type: ResponseType::Manifest.into(),
        path: new.path.clone(),
        object: if dry_run { &old.text } else { &new.text }.clone().into_bytes(),
        diff: if skipped { String::new() } else { bootstrap_manifests::diff(old, new) },
        skipped,
    }
}

fn rollout(manifest: &pb::KubernetesSyncManifestResponse) -> pb::KubernetesSyncManifestResponse {
    pb::KubernetesSyncManifestResponse { response_type: ResponseType::Rollout.into(), ..manifest.clone() }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, context};
    use super::*;
    use crate::kinds::Role;
    use crate::release::Release;
    use omni_proto::specs::{ClusterSpec, KubernetesUpgradeStatusSpec};
    use prost::Message;
    use tonic::Code;

    async fn sync(ctx: &ServiceContext, dry_run: bool) -> Vec<pb::KubernetesSyncManifestResponse> {
        let request = pb::KubernetesSyncManifestRequest { dry_run, ssa: None };
        let request = call(Role::Operator, Some(("cluster", "prod")), request);
        kubernetes_sync_manifests(ctx, request).await.unwrap().map(Result::unwrap).collect().await
    }

    #[tokio::test]
    async fn refusals() {
        let ctx = context(Release::V1_6);
        let missing =
            "failed to get kubeconfig: resource Kubeconfigs.omni.sidero.dev(default/prod@undefined) doesn't exist";
        let insufficient = "unauthorized: access denied: insufficient role: \"Reader\"";
        for (role, header, code, text) in [
            (Role::Reader, Some(("cluster", "prod")), Code::PermissionDenied, insufficient),
            (Role::Operator, None, Code::InvalidArgument, "unable to extract request context"),
            (Role::Operator, Some(("context", "prod")), Code::Unknown, missing),
        ] {
            let request = call(role, header, pb::KubernetesSyncManifestRequest::default());
            let status = kubernetes_sync_manifests(&ctx, request).await.err().unwrap();
            assert_eq!((status.code(), status.message()), (code, text));
        }
        let key = kinds::key(kind::CLUSTER, "prod");
        ctx.store.put("", &key, |object| object.spec = ClusterSpec::default().encode_to_vec());
        let request = call(Role::Operator, Some(("cluster", "prod")), pb::KubernetesSyncManifestRequest::default());
        let status = kubernetes_sync_manifests(&ctx, request).await.err().unwrap();
        assert!(status.message().starts_with("failed to get talos client: "));
    }

    #[tokio::test]
    async fn manifests_follow_the_version_when_they_are_told_to() {
        let ctx = context(Release::V1_6);
        let get = |kind: &str, id: &str| ctx.store.get(&kinds::key(kind, id));
        let cluster =
            ClusterSpec { talos_version: "1.13.8".into(), kubernetes_version: "1.35.1".into(), ..Default::default() };
        ctx.store.put("", &kinds::key(kind::CLUSTER, "prod"), |object| object.spec = cluster.encode_to_vec());
        let wanted = applied::wanted(&get, "prod").unwrap();
        ctx.store.put("", &applied::key(&get, "prod"), |record| applied::write(record, &wanted));
        assert!(sync(&ctx, false).await.iter().all(|answer| answer.skipped && answer.diff.is_empty()));

        let status = KubernetesUpgradeStatusSpec { last_upgrade_version: "1.36.3".into(), ..Default::default() };
        let key = kinds::key(kind::KUBERNETES_UPGRADE_STATUS, "prod");
        ctx.store.put("", &key, |object| object.spec = status.encode_to_vec());
        let text = |answer: &pb::KubernetesSyncManifestResponse| String::from_utf8(answer.object.clone()).unwrap();
        for (dry_run, shown) in
            [(true, "kube-proxy:v1.35.1"), (true, "kube-proxy:v1.35.1"), (false, "kube-proxy:v1.36.3")]
        {
            let answers = sync(&ctx, dry_run).await;
            let changed: Vec<_> = answers.iter().filter(|answer| !answer.skipped).collect();
            assert_eq!(changed[0].path, "DaemonSet/kube-system/kube-proxy");
            assert!(text(changed[0]).contains(shown) && changed[0].diff.contains("+"));
            assert_eq!(changed.len(), if dry_run { 1 } else { 2 });
            let last = changed.last().unwrap().response_type();
            assert_eq!(last, if dry_run { ResponseType::Manifest } else { ResponseType::Rollout });
        }
        assert!(sync(&ctx, false).await.iter().all(|answer| answer.skipped));
        assert!(ctx.store.get(&key).unwrap().annotations.contains_key(ROLLOUT));
    }
}
