//! Join tokens, and unique node tokens.

use super::ServiceContext;
use crate::access::Caller;
use crate::bootstrap;
use crate::kinds::{self, Role};
use crate::names::kind;
use crate::rules::{self, Change};
use crate::store::Verb;
use crate::violations;
use omni_proto::management as pb;
use omni_proto::specs::JoinTokenSpec;
use prost::Message;
use tonic::{Request, Status};

const MAX_NAME: usize = 16;

pub(super) async fn create_join_token(
    ctx: &ServiceContext,
    request: Request<pb::CreateJoinTokenRequest>,
) -> Result<pb::CreateJoinTokenResponse, Status> {
    Caller::of(&request)?.needs(Role::Admin)?;
    let pb::CreateJoinTokenRequest { name, expiration_time } = request.into_inner();
    // The call checks for itself, in words that differ a little from those of the rules.
    if name.is_empty() {
        return Err(Status::invalid_argument("token name cannot be empty"));
    }
    if name.len() > MAX_NAME {
        return Err(Status::invalid_argument(format!("token name cannot be longer than {MAX_NAME} symbols")));
    }
    let id = bootstrap::random_token();
    let spec = JoinTokenSpec { name, expiration_time, revoked: false };
    let token = ctx.store.fresh(kinds::key(kind::JOIN_TOKEN, &*id), spec.encode_to_vec());
    violations::unless_clean(Ok(()), rules::problems(&ctx.store.view(), Change::Create(&token)))?;
    ctx.store.create(token, "").map_err(|error| error.status(Verb::Create))?;
    ctx.durable().await?;
    Ok(pb::CreateJoinTokenResponse { id })
}

pub(super) async fn reset_node_unique_token(
    ctx: &ServiceContext,
    request: Request<pb::ResetNodeUniqueTokenRequest>,
) -> Result<pb::ResetNodeUniqueTokenResponse, Status> {
    Caller::of(&request)?.needs(Role::Admin)?;
    let id = request.into_inner().id;
    if ctx.store.get(&kinds::key(kind::MACHINE_STATUS, &*id)).is_none() {
        return Err(Status::not_found("machine not found"));
    }
    if ctx.store.remove(&kinds::key(kind::NODE_UNIQUE_TOKEN, &*id)).is_none() {
        let why = rules::missing(kind::NODE_UNIQUE_TOKEN, "default", &id);
        return Err(Status::unknown(format!("failed to teardown and destroy node unique token: {why}")));
    }
    ctx.durable().await?;
    Ok(pb::ResetNodeUniqueTokenResponse {})
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, context};
    use super::*;
    use crate::inventory;
    use crate::release::Release;
    use tonic::Code;

    #[tokio::test]
    async fn tokens_have_short_names() {
        let ctx = context(Release::V1_6);
        let create = |name: &str| {
            let message = pb::CreateJoinTokenRequest { name: name.into(), expiration_time: None };
            create_join_token(&ctx, call(Role::Admin, None, message))
        };
        for (name, text) in
            [("", "token name cannot be empty"), ("seventeen letters", "token name cannot be longer than 16 symbols")]
        {
            let status = create(name).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (Code::InvalidArgument, text));
        }
        let id = create("edge").await.unwrap().id;
        let token = ctx.store.get(&kinds::key(kind::JOIN_TOKEN, &*id)).unwrap();
        assert_eq!((token.version, token.spec::<JoinTokenSpec>().name.as_str()), (1, "edge"));
        let operator = create_join_token(&ctx, call(Role::Operator, None, pb::CreateJoinTokenRequest::default()));
        assert_eq!(operator.await.unwrap_err().code(), Code::PermissionDenied);
    }

    #[tokio::test]
    async fn tokens_of_machines_are_reset() {
        let ctx = context(Release::V1_6);
        let reset = |id: &str| {
            let message = pb::ResetNodeUniqueTokenRequest { id: id.into() };
            reset_node_unique_token(&ctx, call(Role::Admin, None, message))
        };
        let machine = inventory::id(1);
        let status = reset(&machine).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::NotFound, "machine not found"));
        crate::world::add_machine(&ctx.store, 1);
        ctx.store.put("", &kinds::key(kind::NODE_UNIQUE_TOKEN, &*machine), |_| ());
        reset(&machine).await.unwrap();
        let status = reset(&machine).await.unwrap_err();
        assert_eq!(status.code(), Code::Unknown);
    }
}
