//! `omni_talosconfig`: a talosconfig for the machines of a cluster, or of the whole instance, through Omni.

use crate::omni::Call;
use crate::omni::patch::verdict;
use crate::provider::dual::{DualForm, DualSource};
use crate::provider::errors::Operation;
use crate::provider::objects::cluster::argument::{cluster_attribute, cluster_exists};
use crate::provider::session::Session;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::{Attribute, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use kit::secret::ExposeSecret;
use kit::yaml;
use std::sync::Arc;

pub(in crate::provider) struct Talosconfig;

#[async_trait]
impl DualSource for Talosconfig {
    const TYPE: &'static str = "omni_talosconfig";

    fn about(form: DualForm) -> &'static str {
        match form {
            DualForm::Stored => {
                "Reads a talosconfig that connects through Omni. It contains no key: `talosctl` uses the key of the identity in it, which for a service account is the one in `OMNI_SERVICE_ACCOUNT_KEY`."
            }
            DualForm::Ephemeral => {
                "Reads a talosconfig that connects through Omni. Never written to state or plan. It contains no key: `talosctl` uses the key of the identity in it, which for a service account is the one in `OMNI_SERVICE_ACCOUNT_KEY`."
            }
        }
    }

    fn attributes() -> Vec<Attribute> {
        vec![
            cluster_attribute().doc(
                "Name of the cluster. If unset, the talosconfig is for all machines of the instance. If the same configuration creates the cluster, refer to the `id` of its `omni_cluster`, so that this is read after it.",
            ),
            string("talosconfig").computed().sensitive().doc("The talosconfig, in YAML."),
            string("context").computed().doc("Name of the context."),
            plain("endpoints", Type::list(Type::String)).computed().doc("Addresses of Omni that `talosctl` connects to."),
            string("identity").computed().doc("Identity that `talosctl` authenticates as: that of the provider's account."),
        ]
    }

    async fn fetch(session: &Arc<Session>, call: &Call, mut config: Value) -> Result<Value, Diagnostics> {
        let cluster = config.get("cluster").as_str().map(str::to_owned);
        let operation = match &cluster {
            Some(id) => Operation { verb: "get", noun: "a talosconfig for cluster", id, id_attribute: "cluster" },
            None => Operation { verb: "get", noun: "a talosconfig of the instance", id: "", id_attribute: "" },
        };
        if let Some(cluster) = &cluster {
            cluster_exists(session, call, cluster, &operation).await?;
        }
        let answer = session.client.talosconfig(call, cluster.as_deref()).await;
        let answer = answer.map_err(|error| Diagnostics::from(operation.explain(&error)))?;
        let text = answer.expose_secret();
        let parts = Parts::of(text)
            .map_err(|why| Diagnostics::from(Diagnostic::error("Talosconfig of Omni cannot be used", why)))?;
        config.set("talosconfig", text.into());
        config.set("context", parts.context.into());
        config.set("endpoints", Value::List(parts.endpoints.into_iter().map(Value::from).collect()));
        config.set("identity", parts.identity.into());
        Ok(config)
    }
}

/// What the current context of a talosconfig says.
#[derive(Debug, PartialEq)]
struct Parts {
    context: String,
    endpoints: Vec<String>,
    identity: Option<String>,
}

impl Parts {
    fn of(text: &str) -> Result<Self, String> {
        let documents = yaml::parse_documents(text).map_err(|error| format!("It {}: {error}.", verdict(&error)))?;
        let root = documents.first().ok_or("It is empty.")?;
        let context = root.get("context").and_then(|c| c.as_str()).ok_or("It has no current context.")?;
        let entry = root.get("contexts").and_then(|c| c.get(context));
        let entry = entry.ok_or_else(|| format!("It has no context `{context}`."))?;
        let endpoints = entry.get("endpoints").and_then(|e| e.as_array()).into_iter().flatten();
        let identity = entry.pointer("/auth/siderov1/identity").and_then(|i| i.as_str());
        Ok(Self {
            context: context.to_owned(),
            endpoints: endpoints.filter_map(|e| e.as_str().map(str::to_owned)).collect(),
            identity: identity.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_context_is_taken_apart() {
        let text = "context: b\ncontexts:\n  a: {}\n  b: {endpoints: [x, y], auth: {siderov1: {identity: me}}}\n";
        let parts = Parts {
            context: "b".to_owned(),
            endpoints: vec!["x".to_owned(), "y".to_owned()],
            identity: Some("me".to_owned()),
        };
        assert_eq!(Parts::of(text), Ok(parts));
        for (text, part) in
            [("", "empty"), ("contexts: {}", "no current context"), ("context: a", "no context `a`"), ("a: [", "YAML")]
        {
            assert!(Parts::of(text).unwrap_err().contains(part), "{text:?}");
        }
    }
}
