//! Schematics and where to get images.

use super::{Office, not_yet};
use crate::pb::management as pb;
use tonic::{Request, Status};

pub(super) async fn create_schematic(
    _: &Office,
    _: Request<pb::CreateSchematicRequest>,
) -> Result<pb::CreateSchematicResponse, Status> {
    Err(not_yet("CreateSchematic"))
}

pub(super) async fn create_schematic_from_raw(
    _: &Office,
    _: Request<pb::CreateSchematicFromRawRequest>,
) -> Result<pb::CreateSchematicResponse, Status> {
    Err(not_yet("CreateSchematicFromRaw"))
}

pub(super) async fn get_boot_asset_url(
    _: &Office,
    _: Request<pb::BootAssetUrlRequest>,
) -> Result<pb::BootAssetUrlResponse, Status> {
    Err(not_yet("GetBootAssetURL"))
}
