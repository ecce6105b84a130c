//! What a machine needs to join: as kernel arguments and as a configuration.

use super::kinds;
use super::names::kind;
use super::store::Store;
use kit::yaml;
use omni_proto::specs::{DefaultJoinTokenSpec, SiderolinkApiConfigSpec};
use serde_json::json;

/// Where Omni is reached within the tunnel of every machine.
const HOST: &str = "[fdae:41e4:649b:9303::1]";

/// Where a machine joins, and where it sends events and logs.
pub(super) struct JoinConfig {
    api: String,
    events: String,
    logs: String,
}

impl JoinConfig {
    /// For a machine that joins with this token, or with the default one when it is empty.
    pub(super) fn of(store: &Store, token: &str, tunnel: bool) -> Self {
        let config = store.get(&kinds::key(kind::SIDEROLINK_API_CONFIG, "siderolink-config"));
        let config: SiderolinkApiConfigSpec = config.map(|object| object.spec()).unwrap_or_default();
        let default = || {
            let default = store.get(&kinds::key(kind::DEFAULT_JOIN_TOKEN, "default"));
            default.map(|object| object.spec::<DefaultJoinTokenSpec>().token_id).unwrap_or_default()
        };
        let token = if token.is_empty() { default() } else { token.to_owned() };
        Self::new(&config, &token, tunnel)
    }

    fn new(config: &SiderolinkApiConfigSpec, token: &str, tunnel: bool) -> Self {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if tunnel || config.enforce_grpc_tunnel {
            query.append_pair("grpc_tunnel", "true");
        }
        query.append_pair("jointoken", token);
        Self {
            api: format!("{}?{}", config.machine_api_advertised_url, query.finish()),
            events: format!("{HOST}:{}", config.events_port),
            logs: format!("tcp://{HOST}:{}", config.logs_port),
        }
    }

    /// The kernel arguments.
    pub(super) fn kernel_args(&self) -> Vec<String> {
        let Self { api, events, logs } = self;
        vec![
            format!("siderolink.api={api}"),
            format!("talos.events.sink={events}"),
            format!("talos.logging.kernel={logs}"),
        ]
    }

    /// The documents of the machine configuration.
    pub(super) fn documents(&self) -> String {
        let documents = [
            json!({ "apiVersion": "v1alpha1", "kind": "SideroLinkConfig", "apiUrl": self.api }),
            json!({ "apiVersion": "v1alpha1", "kind": "EventSinkConfig", "endpoint": self.events }),
            json!({ "apiVersion": "v1alpha1", "kind": "KmsgLogConfig", "name": "omni-kmsg", "url": self.logs }),
        ];
        documents.map(|document| yaml::to_string(&document)).join("---\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(enforced: bool) -> SiderolinkApiConfigSpec {
        SiderolinkApiConfigSpec {
            machine_api_advertised_url: "https://omni.example.org:8090".into(),
            enforce_grpc_tunnel: enforced,
            events_port: 8091,
            logs_port: 8092,
            ..SiderolinkApiConfigSpec::default()
        }
    }

    #[test]
    fn arguments_and_documents_say_the_same() {
        let join = JoinConfig::new(&config(false), "t", false);
        let api = "https://omni.example.org:8090?jointoken=t";
        assert_eq!(
            join.kernel_args(),
            [
                &format!("siderolink.api={api}"),
                "talos.events.sink=[fdae:41e4:649b:9303::1]:8091",
                "talos.logging.kernel=tcp://[fdae:41e4:649b:9303::1]:8092",
            ]
        );
        let documents = yaml::parse_documents(&join.documents()).unwrap();
        let kinds: Vec<_> = documents.iter().map(|document| document["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["SideroLinkConfig", "EventSinkConfig", "KmsgLogConfig"]);
        assert_eq!(documents[0]["apiUrl"], api);
        assert_eq!(documents[2]["name"], "omni-kmsg");
    }

    #[test]
    fn the_tunnel_is_wanted_by_the_caller_or_the_instance() {
        for (enforced, wanted) in [(false, true), (true, false)] {
            let join = JoinConfig::new(&config(enforced), "a+b", wanted);
            assert!(join.kernel_args()[0].ends_with("?grpc_tunnel=true&jointoken=a%2Bb"), "{enforced} {wanted}");
        }
    }
}
