//! Calls about whole clusters.

use super::ServiceContext;
use crate::access::Caller;
use crate::kinds::{self, Role};
use crate::names::{annotation, kind, label};
use crate::store::Verb;
use omni_proto::management as pb;
use tonic::{Request, Status};

/// Locks hold back users, and this call is the server's own.
pub(super) async fn tear_down_locked_cluster(
    ctx: &ServiceContext,
    request: Request<pb::TearDownLockedClusterRequest>,
) -> Result<pb::TearDownLockedClusterResponse, Status> {
    Caller::of(&request)?.needs(Role::Admin)?;
    let id = request.into_inner().cluster_id;
    let found = |kind: &str, what: &str| {
        ctx.store.get(&kinds::key(kind, &*id)).ok_or_else(|| Status::not_found(format!("{what} {id:?} not found")))
    };
    let (cluster, status) = (found(kind::CLUSTER, "cluster")?, found(kind::CLUSTER_STATUS, "cluster status")?);
    let refuse = |why: &str| Err(Status::failed_precondition(format!("cluster {id:?} is not {why}")));
    if !cluster.annotations.contains_key(annotation::CLUSTER_LOCKED) {
        return refuse("locked");
    }
    if [label::TAINTED_BY_IMPORTING, label::TAINTED_BY_EXPORTING].iter().all(|taint| status.label(taint).is_none()) {
        return refuse("tainted by importing or exporting");
    }
    ctx.store.begin_teardown(&cluster.key, "").map_err(|error| error.status(Verb::Update))?;
    ctx.durable().await?;
    Ok(pb::TearDownLockedClusterResponse {})
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, context};
    use super::*;
    use crate::release::Release;
    use tonic::Code;

    #[tokio::test]
    async fn locks_do_not_hold_what_was_taken_over() {
        let ctx = context(Release::V1_2);
        let key = kinds::key(kind::CLUSTER, "c");
        let tear = |role| {
            let message = pb::TearDownLockedClusterRequest { cluster_id: "c".into() };
            tear_down_locked_cluster(&ctx, call(role, None, message))
        };
        let refused = async |code, text: &str| {
            let status = tear(Role::Admin).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (code, text));
        };
        refused(Code::NotFound, "cluster \"c\" not found").await;
        ctx.store.put("", &key, |_| {});
        refused(Code::NotFound, "cluster status \"c\" not found").await;
        ctx.store.put("", &kinds::key(kind::CLUSTER_STATUS, "c"), |_| {});
        refused(Code::FailedPrecondition, "cluster \"c\" is not locked").await;
        ctx.store
            .put("", &key, |cluster| drop(cluster.annotations.insert(annotation::CLUSTER_LOCKED.into(), "".into())));
        refused(Code::FailedPrecondition, "cluster \"c\" is not tainted by importing or exporting").await;
        ctx.store.put("", &kinds::key(kind::CLUSTER_STATUS, "c"), |status| {
            status.labels.insert(label::TAINTED_BY_IMPORTING.into(), String::new());
        });
        assert_eq!(tear(Role::Operator).await.unwrap_err().code(), Code::PermissionDenied);
        tear(Role::Admin).await.unwrap();
        assert!(ctx.store.get(&key).unwrap().tearing_down);
    }
}
