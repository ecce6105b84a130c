//! Schematics, the addresses of what an image factory makes of them, and the audit log.

use super::{Ask, named};
use crate::omni::{Call, Client, Error};
use omni_proto::management as pb;
use tonic::Response;

/// What an image factory knows of a schematic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schematic {
    /// Its id, a digest of its content.
    pub id: String,
    /// Its content in YAML, which holds the join token; empty where the server does not tell.
    pub yaml: String,
    /// The address to boot it from over the network; empty since Omni 1.5, which does not tell.
    pub pxe_url: String,
}

impl Client {
    /// Registers a schematic; one of the same content has the same id.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn create_schematic(&self, call: &Call, request: pb::CreateSchematicRequest) -> Result<Schematic, Error> {
        let about = "the schematic";
        let ask = Ask::again("/management.ManagementService/CreateSchematic", about);
        let answer = self.ask(call, ask, request, |mut s, r| async move { s.create_schematic(r).await }).await?;
        Ok(Schematic { id: named(answer.schematic_id, about)?, yaml: answer.schematic_yml, pxe_url: answer.pxe_url })
    }

    /// The same for the text of a schematic in the form of the image factory, which is taken as it is: Omni adds nothing.
    ///
    /// # Errors
    /// When the server refuses, has no such call, or does not respond.
    pub async fn create_raw_schematic(
        &self,
        call: &Call,
        request: pb::CreateSchematicFromRawRequest,
    ) -> Result<String, Error> {
        let about = "the schematic";
        let ask = Ask::again("/management.ManagementService/CreateSchematicFromRaw", about);
        let answer =
            self.ask(call, ask, request, |mut s, r| async move { s.create_schematic_from_raw(r).await }).await?;
        named(answer.schematic_id, about)
    }

    /// The address of media of a schematic. It may hold credentials, and so may the headers.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn installation_media_url(
        &self,
        call: &Call,
        request: pb::InstallationMediaUrlRequest,
    ) -> Result<pb::InstallationMediaUrlResponse, Error> {
        let ask =
            Ask::again("/management.ManagementService/GetInstallationMediaURL", "the address of installation media");
        self.ask(call, ask, request, |mut s, r| async move { s.get_installation_media_url(r).await }).await
    }

    /// The lines of the audit log, as JSON, up to so many bytes; and whether there is more.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn audit_log(
        &self,
        call: &Call,
        request: pb::ReadAuditLogRequest,
        most: usize,
    ) -> Result<(Vec<u8>, bool), Error> {
        let ask = Ask::again("/management.ManagementService/ReadAuditLog", "the audit log");
        self.ask(call, ask, request, |mut s, r| async move {
            let mut parts = s.read_audit_log(r).await?.into_inner();
            let mut log = Vec::new();
            while let Some(part) = parts.message().await? {
                if log.len() + part.audit_log.len() > most {
                    return Ok(Response::new((log, true)));
                }
                log.extend(part.audit_log);
            }
            Ok(Response::new((log, false)))
        })
        .await
    }
}
