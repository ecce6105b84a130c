//! Questions that change nothing: is this patch good, may this cluster be upgraded.

use super::Ask;
use crate::omni::{Call, Client, Error};
use omni_proto::management as pb;

/// Whether a cluster may be upgraded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreChecks {
    /// Whether it may.
    pub ok: bool,
    /// Why not.
    pub reason: String,
}

impl Client {
    /// Asks the server whether a config patch is acceptable.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`](crate::omni::ErrorKind::Validation) with the server's objections when it is not.
    pub async fn validate_config(&self, call: &Call, yaml: &str) -> Result<(), Error> {
        let message = pb::ValidateConfigRequest { config: yaml.to_owned() };
        let ask = Ask::again("/management.ManagementService/ValidateConfig", "a config patch");
        self.ask(call, ask, message, |mut s, r| async move { s.validate_config(r).await }).await
    }

    /// Asks whether `cluster` may be upgraded to the Kubernetes `version`.
    ///
    /// # Errors
    /// When the server refuses to say, or does not answer.
    pub async fn kubernetes_upgrade_prechecks(
        &self,
        call: &Call,
        cluster: &str,
        version: &str,
    ) -> Result<PreChecks, Error> {
        let message = pb::KubernetesUpgradePreChecksRequest { new_version: version.to_owned() };
        let about = format!("the upgrade of the cluster `{cluster}` to Kubernetes {version}");
        let ask = Ask::again("/management.ManagementService/KubernetesUpgradePreChecks", &about).of(cluster);
        let answer =
            self.ask(call, ask, message, |mut s, r| async move { s.kubernetes_upgrade_pre_checks(r).await }).await?;
        Ok(PreChecks { ok: answer.ok, reason: answer.reason })
    }
}
