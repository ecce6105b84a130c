//! `omni_kubeconfig`: access to the Kubernetes API of a cluster, as a service account.

use crate::kit::go_duration;
use crate::kit::secret::ExposeSecret;
use crate::omni::management::KubeconfigRequest;
use crate::omni::spec::Spec;
use crate::omni::{Call, Class};
use crate::pb::specs::ClusterSpec;
use crate::provider::explain::Doing;
use crate::provider::kubeconfig;
use crate::provider::session::{Handle, at};
use crate::provider::timeouts::positive_duration;
use crate::tf::check::not_empty;
use crate::tf::data_source::DataSource;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::resource::Context;
use crate::tf::schema::{Schema, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Kubeconfig {
    schema: Schema,
    handle: Handle,
}

impl Kubeconfig {
    pub(super) fn data_source(handle: &Handle) -> Arc<dyn DataSource> {
        Arc::new(Self { schema: schema(), handle: handle.clone() })
    }
}

const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);

fn schema() -> Schema {
    let groups = Value::List(vec!["system:masters".into()]);
    Schema::new(
        "A kubeconfig with a token of its own. Every read makes a new token, which is kept in the state; it cannot be taken back before it expires. An output of it therefore changes with every plan; a `terraform_data` with `ignore_changes` keeps the first one.",
    )
    .with(string("cluster").required().check(not_empty()).doc(
        "Name of the cluster. Refer to the `id` of the `omni_cluster`, so that the read waits for the cluster to exist.",
    ))
    .with(string("user").default("admin").check(not_empty()).doc("Kubernetes user that the token stands for."))
    .with(plain("groups", Type::list(Type::String)).default(groups).doc("Kubernetes groups of that user."))
    .with(string("ttl").default("24h").check(positive_duration()).doc(
        "How long the token is good for, as a Go duration; at most ten years.",
    ))
    .with(string("kubeconfig").computed().sensitive().doc("The kubeconfig, in YAML."))
    .with(string("host").computed().sensitive().doc("Address of the Kubernetes API."))
    .with(string("token").computed().sensitive().doc("Bearer token."))
    .with(string("cluster_ca_certificate").computed().sensitive().doc(
        "Certificate authority of the Kubernetes API, in PEM; null when the system's authorities vouch for it.",
    ))
    .with(string("expiration").computed().doc("When the token expires, in RFC 3339."))
}

#[async_trait]
impl DataSource for Kubeconfig {
    fn type_name(&self) -> &'static str {
        "omni_kubeconfig"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn read(&self, context: &Context, mut config: Value) -> Result<Value, Diagnostics> {
        let session = self.handle.session()?;
        let call = Call::within(session.timeouts.read, &context.cancel);
        let text = |name: &str| config.get(name).as_str().unwrap_or_default().to_owned();
        let (cluster, user, written) = (text("cluster"), text("user"), text("ttl"));
        let doing = Doing { verb: "make a kubeconfig for cluster", noun: "", id: &cluster, id_attribute: "cluster" };
        let ttl = go_duration::parse(&written).ok().and_then(|d| d.to_std()).unwrap_or_default();
        if ttl > LONGEST {
            return Err(Diagnostic::error(
                "Token would live too long",
                format!("`{written}` is more than ten years, the most that Omni grants."),
            )
            .hint("Choose a shorter `ttl`.")
            .at(at("ttl"))
            .into());
        }
        // Omni itself answers for a cluster that does not exist.
        match session.client.get(&call, &ClusterSpec::KIND.key(&cluster)).await {
            Ok(_) => {}
            Err(error) if error.is(Class::NotFound) => {
                return Err(Diagnostic::error(format!("Cluster `{cluster}` does not exist"), "Omni has no cluster of this name.")
                    .hint("Check the name. If the cluster is made in the same apply, refer to its `id` instead of its `name`: the read then waits for it.")
                    .at(at("cluster"))
                    .into());
            }
            Err(error) => return Err(doing.explain(&error).into()),
        }
        let groups = config.get("groups").elements().iter().filter_map(|g| g.as_str().map(str::to_owned)).collect();
        let request = KubeconfigRequest { user, groups, ttl };
        let now = session.clock.now();
        let answer = session
            .client
            .kubeconfig(&call, &cluster, request)
            .await
            .map_err(|e| Diagnostics::from(doing.explain(&e)))?;
        let access = kubeconfig::access(answer.expose_secret())
            .map_err(|error| Diagnostics::from(Diagnostic::from_error("Kubeconfig of Omni cannot be used", &error)))?;
        let until = i64::try_from((now + ttl).as_secs()).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
        config.set("kubeconfig", answer.expose_secret().into());
        config.set("host", access.host.into());
        config.set("token", access.token.into());
        config.set("cluster_ca_certificate", access.ca.into());
        config.set("expiration", until.map(|t| t.to_string()).into());
        Ok(config)
    }
}
