//! People: made, listed, changed and removed.

use super::{Office, not_yet};
use crate::pb::management as pb;
use tonic::{Request, Status};

pub(super) async fn create_user(
    _: &Office,
    _: Request<pb::CreateUserRequest>,
) -> Result<pb::CreateUserResponse, Status> {
    Err(not_yet("CreateUser"))
}

pub(super) async fn list_users(_: &Office, _: Request<()>) -> Result<pb::ListUsersResponse, Status> {
    Err(not_yet("ListUsers"))
}

pub(super) async fn update_user(_: &Office, _: Request<pb::UpdateUserRequest>) -> Result<(), Status> {
    Err(not_yet("UpdateUser"))
}

pub(super) async fn destroy_user(_: &Office, _: Request<pb::DestroyUserRequest>) -> Result<(), Status> {
    Err(not_yet("DestroyUser"))
}
