//! Client configurations for Kubernetes, Talos and Omni, and the join configuration of machines.

use super::Ask;
use crate::omni::{Call, Client, Error};
use kit::secret::SecretString;
use omni_proto::management as pb;
use std::time::Duration;

/// The parameters of a kubeconfig with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeconfigRequest {
    /// The user of the token.
    pub user: String,
    /// The groups of that user.
    pub groups: Vec<String>,
    /// The validity of the token.
    pub ttl: Duration,
}

/// The configuration with which a machine joins Omni.
#[derive(Clone, Debug)]
pub struct JoinConfig {
    /// Kernel arguments; the join token is in them.
    pub kernel_args: Vec<SecretString>,
    /// Documents of the Talos machine configuration, in YAML; the join token is in them.
    pub config: SecretString,
}

impl Client {
    /// A kubeconfig of `cluster`; every call issues a new token.
    /// The server does not check whether the cluster exists.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn kubeconfig(
        &self,
        call: &Call,
        cluster: &str,
        request: KubeconfigRequest,
    ) -> Result<SecretString, Error> {
        let ttl = prost_types::Duration::try_from(request.ttl).map_err(|_| Error::Config {
            setting: "ttl",
            message: "the lifetime of the kubeconfig is too long".to_owned(),
        })?;
        let message = pb::KubeconfigRequest {
            service_account: true,
            service_account_ttl: Some(ttl),
            service_account_user: request.user,
            service_account_groups: request.groups,
            ..pb::KubeconfigRequest::default()
        };
        let about = format!("the kubeconfig of the cluster `{cluster}`");
        let ask = Ask::again("/management.ManagementService/Kubeconfig", &about).of(cluster);
        let answer = self.ask(call, ask, message, |mut s, r| async move { s.kubeconfig(r).await }).await?;
        text(answer.kubeconfig, &about)
    }

    /// A talosconfig of `cluster`, or of the instance. It contains no key: users sign with their own.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn talosconfig(&self, call: &Call, cluster: Option<&str>) -> Result<SecretString, Error> {
        let about = match cluster {
            Some(cluster) => format!("the talosconfig of the cluster `{cluster}`"),
            None => "the talosconfig of the instance".to_owned(),
        };
        let ask = Ask { cluster, ..Ask::again("/management.ManagementService/Talosconfig", &about) };
        let message = pb::TalosconfigRequest::default();
        let answer = self.ask(call, ask, message, |mut s, r| async move { s.talosconfig(r).await }).await?;
        text(answer.talosconfig, &about)
    }

    /// An omniconfig for the identity of this client. It contains no key.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn omniconfig(&self, call: &Call) -> Result<SecretString, Error> {
        let about = "the omniconfig";
        let ask = Ask::again("/management.ManagementService/Omniconfig", about);
        let answer = self.ask(call, ask, (), |mut s, r| async move { s.omniconfig(r).await }).await?;
        text(answer.omniconfig, about)
    }

    /// The configuration with which a machine joins, with the default token unless one is given.
    /// The server does not check whether the token exists.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn machine_join_config(
        &self,
        call: &Call,
        use_grpc_tunnel: bool,
        token: Option<&SecretString>,
    ) -> Result<JoinConfig, Error> {
        use kit::secret::ExposeSecret;
        let ask = Ask::again("/management.ManagementService/GetMachineJoinConfig", "the join configuration");
        let join_token = token.map(|t| t.expose_secret().to_owned()).unwrap_or_default();
        let message = pb::GetMachineJoinConfigRequest { use_grpc_tunnel, join_token };
        let answer = self.ask(call, ask, message, |mut s, r| async move { s.get_machine_join_config(r).await }).await?;
        Ok(JoinConfig {
            kernel_args: answer.kernel_args.into_iter().map(SecretString::from).collect(),
            config: SecretString::from(answer.config),
        })
    }
}

fn text(bytes: Vec<u8>, what: &str) -> Result<SecretString, Error> {
    String::from_utf8(bytes)
        .map(SecretString::from)
        .map_err(|_| Error::Decode { what: what.to_owned(), source: "it is not text".into() })
}
