//! Calls about whole clusters.

use super::ServiceContext;
use crate::access::Caller;
use crate::kinds::{self, Role};
use crate::names::kind;
use crate::store::Verb;
use omni_proto::management as pb;
use tonic::{Request, Status};

/// Locks hold back users, and this call is the server's own.
pub(super) async fn tear_down_locked_cluster(
    ctx: &ServiceContext,
    request: Request<pb::TearDownLockedClusterRequest>,
) -> Result<pb::TearDownLockedClusterResponse, Status> {
    Caller::of(&request)?.needs(Role::Operator)?;
    let key = kinds::key(kind::CLUSTER, request.into_inner().cluster_id);
    ctx.store.begin_teardown(&key, "").map_err(|error| error.status(Verb::Update))?;
    ctx.durable().await?;
    Ok(pb::TearDownLockedClusterResponse {})
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, context};
    use super::*;
    use crate::names::annotation;
    use crate::release::Release;
    use tonic::Code;

    #[tokio::test]
    async fn locks_do_not_hold() {
        let ctx = context(Release::V1_2);
        let key = kinds::key(kind::CLUSTER, "locked");
        ctx.store.put("", &key, |cluster| {
            cluster.annotations.insert(annotation::CLUSTER_LOCKED.to_owned(), String::new());
        });
        let tear = |role, id: &str| {
            let message = pb::TearDownLockedClusterRequest { cluster_id: id.into() };
            tear_down_locked_cluster(&ctx, call(role, None, message))
        };
        assert_eq!(tear(Role::Reader, "locked").await.unwrap_err().code(), Code::PermissionDenied);
        tear(Role::Operator, "locked").await.unwrap();
        assert!(ctx.store.get(&key).unwrap().tearing_down);
        assert_eq!(tear(Role::Operator, "none").await.unwrap_err().code(), Code::NotFound);
    }
}
