//! Calls of the management service.
//! Those about a cluster name it in a header, which the signature covers; the messages have no field for it.

use super::call::Call;
use super::client::Client;
use super::error::Error;
use super::retry::Repeat;
use super::status::{About, Op};
use crate::kit::secret::SecretString;
use crate::pb::management as pb;
use std::time::Duration;
use tonic::Request;
use tonic::metadata::AsciiMetadataValue;

/// What a kubeconfig with a token is asked for with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeconfigRequest {
    /// The user that the token is for.
    pub user: String,
    /// The groups of that user.
    pub groups: Vec<String>,
    /// How long the token holds.
    pub ttl: Duration,
}

/// Whether a cluster may be upgraded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreChecks {
    /// Whether it may.
    pub ok: bool,
    /// Why not.
    pub reason: String,
}

impl Client {
    /// A kubeconfig of `cluster` with a token of its own; every call makes a new token.
    /// The server does not ask whether the cluster exists.
    ///
    /// # Errors
    /// When the server refuses, or does not answer.
    pub async fn kubeconfig(
        &self,
        call: &Call,
        cluster: &str,
        request: KubeconfigRequest,
    ) -> Result<SecretString, Error> {
        let ttl = prost_types::Duration::try_from(request.ttl).map_err(|_| Error::Config {
            setting: "ttl",
            message: "the time for which the kubeconfig is to hold is too long".to_owned(),
        })?;
        let message = pb::KubeconfigRequest {
            service_account: true,
            service_account_ttl: Some(ttl),
            service_account_user: request.user,
            service_account_groups: request.groups,
            ..pb::KubeconfigRequest::default()
        };
        let about = format!("the kubeconfig of the cluster `{cluster}`");
        let op = Op { method: "/management.ManagementService/Kubeconfig", about: About::Words(&about) };
        let header = header(cluster)?;
        let answer = self
            .run(call, &op, Repeat::Lost, || {
                let mut service = self.management();
                let request = scoped(message.clone(), &header);
                async move { service.kubeconfig(request).await.map(tonic::Response::into_inner) }
            })
            .await?;
        String::from_utf8(answer.kubeconfig)
            .map(SecretString::from)
            .map_err(|_| Error::Decode { what: about, source: "it is not text".into() })
    }

    /// Asks the server whether a config patch is acceptable.
    ///
    /// # Errors
    /// [`Class::Validation`](super::Class::Validation) with the server's objections when it is not.
    pub async fn validate_config(&self, call: &Call, yaml: &str) -> Result<(), Error> {
        let message = pb::ValidateConfigRequest { config: yaml.to_owned() };
        let op = Op { method: "/management.ManagementService/ValidateConfig", about: About::Words("a config patch") };
        self.run(call, &op, Repeat::Lost, || {
            let mut service = self.management();
            let request = message.clone();
            async move { service.validate_config(request).await.map(|_| ()) }
        })
        .await?;
        Ok(())
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
        let op = Op { method: "/management.ManagementService/KubernetesUpgradePreChecks", about: About::Words(&about) };
        let header = header(cluster)?;
        let answer = self
            .run(call, &op, Repeat::Lost, || {
                let mut service = self.management();
                let request = scoped(message.clone(), &header);
                async move { service.kubernetes_upgrade_pre_checks(request).await.map(tonic::Response::into_inner) }
            })
            .await?;
        Ok(PreChecks { ok: answer.ok, reason: answer.reason })
    }
}

fn header(cluster: &str) -> Result<AsciiMetadataValue, Error> {
    cluster.parse().map_err(|_| Error::Config {
        setting: "cluster",
        message: format!("the cluster name `{cluster}` holds characters that no cluster name may hold"),
    })
}

fn scoped<T>(message: T, cluster: &AsciiMetadataValue) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("cluster", cluster.clone());
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::clock::TestClock;
    use crate::kit::secret::ExposeSecret;
    use crate::omni::testing::{NOW, fake, minute};
    use crate::omni::{Class, Config, Credentials};
    use pb::management_service_server::{ManagementService, ManagementServiceServer};
    use std::sync::Arc;
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::{Response, Status};

    /// Answers with what it was asked.
    struct Echo;

    fn scope<T>(request: &Request<T>) -> String {
        let text = |name: &str| request.metadata().get(name).unwrap().to_str().unwrap().to_owned();
        assert!(text("x-sidero-payload").contains(&format!("\"cluster\":[\"{}\"]", text("cluster"))));
        text("cluster")
    }

    #[tonic::async_trait]
    impl ManagementService for Echo {
        async fn kubeconfig(
            &self,
            request: Request<pb::KubeconfigRequest>,
        ) -> Result<Response<pb::KubeconfigResponse>, Status> {
            let cluster = scope(&request);
            let r = request.into_inner();
            let ttl = r.service_account_ttl.unwrap().seconds;
            let text = format!(
                "{cluster} {} {} {:?} {ttl}",
                r.service_account, r.service_account_user, r.service_account_groups
            );
            Ok(Response::new(pb::KubeconfigResponse { kubeconfig: text.into_bytes() }))
        }

        async fn validate_config(&self, request: Request<pb::ValidateConfigRequest>) -> Result<Response<()>, Status> {
            match request.into_inner().config.as_str() {
                "good" => Ok(Response::new(())),
                bad => Err(Status::invalid_argument(format!("1 error occurred:\n\t* {bad} is not allowed\n\n"))),
            }
        }

        async fn kubernetes_upgrade_pre_checks(
            &self,
            request: Request<pb::KubernetesUpgradePreChecksRequest>,
        ) -> Result<Response<pb::KubernetesUpgradePreChecksResponse>, Status> {
            let reason = format!("{} {}", scope(&request), request.into_inner().new_version);
            Ok(Response::new(pb::KubernetesUpgradePreChecksResponse { ok: false, reason }))
        }
    }

    async fn client() -> Client {
        let (_, key) = fake();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        let router = tonic::transport::Server::builder().add_service(ManagementServiceServer::new(Echo));
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        let config = Config::new(endpoint, Credentials::ServiceAccountKey(key));
        Client::new(&config, Arc::new(TestClock::at(NOW.as_secs()))).unwrap()
    }

    #[tokio::test]
    async fn calls() {
        let client = client().await;
        let request = KubeconfigRequest {
            user: "terraform".to_owned(),
            groups: vec!["system:masters".to_owned()],
            ttl: Duration::from_secs(3600),
        };
        let config = client.kubeconfig(&minute(), "prod", request.clone()).await.unwrap();
        assert_eq!(config.expose_secret(), "prod true terraform [\"system:masters\"] 3600");

        client.validate_config(&minute(), "good").await.unwrap();
        match client.validate_config(&minute(), "machine.token").await.unwrap_err() {
            Error::Status { class: Class::Validation, problems, .. } => {
                assert_eq!(problems, ["machine.token is not allowed"]);
            }
            other => panic!("{other:?}"),
        }

        let checks = client.kubernetes_upgrade_prechecks(&minute(), "prod", "1.36.2").await.unwrap();
        assert_eq!(checks, PreChecks { ok: false, reason: "prod 1.36.2".to_owned() });

        let error = client.kubeconfig(&minute(), "prö\nd", request).await.unwrap_err();
        assert!(error.is(Class::Config), "{error}");
    }
}
