//! Service accounts: made, renewed, listed and removed.

use super::{Office, not_yet};
use crate::pb::management as pb;
use tonic::{Request, Status};

pub(super) async fn create_service_account(
    _: &Office,
    _: Request<pb::CreateServiceAccountRequest>,
) -> Result<pb::CreateServiceAccountResponse, Status> {
    Err(not_yet("CreateServiceAccount"))
}

pub(super) async fn renew_service_account(
    _: &Office,
    _: Request<pb::RenewServiceAccountRequest>,
) -> Result<pb::RenewServiceAccountResponse, Status> {
    Err(not_yet("RenewServiceAccount"))
}

pub(super) async fn list_service_accounts(
    _: &Office,
    _: Request<()>,
) -> Result<pb::ListServiceAccountsResponse, Status> {
    Err(not_yet("ListServiceAccounts"))
}

pub(super) async fn destroy_service_account(
    _: &Office,
    _: Request<pb::DestroyServiceAccountRequest>,
) -> Result<(), Status> {
    Err(not_yet("DestroyServiceAccount"))
}
