//! Validation RPCs, which change nothing: of config patches, and of Kubernetes upgrades.

use super::Ask;
use crate::omni::{Call, Client, Error};
use omni_proto::management as pb;

/// The result of the pre-checks of an upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreChecks {
    /// Whether the upgrade may start.
    pub ok: bool,
    /// Why it may not; empty if it may.
    pub reason: String,
}

impl Client {
    /// Validates a config patch on the server.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`](crate::omni::ErrorKind::Validation) with the problems that the server lists.
    pub async fn validate_config(&self, call: &Call, yaml: &str) -> Result<(), Error> {
        let message = pb::ValidateConfigRequest { config: yaml.to_owned() };
        let ask = Ask::again("/management.ManagementService/ValidateConfig", "a config patch");
        self.ask(call, ask, message, |mut s, r| async move { s.validate_config(r).await }).await
    }

    /// Validates YAML against a JSON schema on the server; the problems, each with where it is.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn validate_json_schema(&self, call: &Call, data: &str, schema: &str) -> Result<Vec<String>, Error> {
        fn collect(errors: &[pb::validate_json_schema_response::Error], found: &mut Vec<String>) {
            for error in errors {
                // The cause of what has causes says nothing that they do not say.
                match error.errors.as_slice() {
                    [] if error.data_path.is_empty() => found.push(error.cause.clone()),
                    [] => found.push(format!("`{}`: {}", error.data_path, error.cause)),
                    causes => collect(causes, found),
                }
            }
        }
        let message = pb::ValidateJsonSchemaRequest { data: data.to_owned(), schema: schema.to_owned() };
        let ask = Ask::again("/management.ManagementService/ValidateJSONSchema", "data against a JSON schema");
        let answer = self.ask(call, ask, message, |mut s, r| async move { s.validate_json_schema(r).await }).await?;
        let mut found = Vec::new();
        collect(&answer.errors, &mut found);
        Ok(found)
    }

    /// Runs the pre-checks of an upgrade of `cluster` to the Kubernetes `version`.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
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
