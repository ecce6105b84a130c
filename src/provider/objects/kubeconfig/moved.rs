//! The state of kubeconfigs that other providers of Omni have issued, as `omni_kubeconfig` has it.
//! One names the cluster `cluster_name` and the text `kubeconfig`, another one `cluster` and `yaml`. Everything else is in the
//! token, so that what is configured as it was issued plans no change.

use super::parse;
use super::parse::Claims;
use crate::provider::timestamp;
use kit::go_duration;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The type of KittyKatt's provider; that of flpajany's has the name of ours.
pub(super) const OTHER_TYPE: &str = "omni_cluster_kubeconfig";

/// Converts the state of another provider in place; our own state stays as it is.
pub(super) fn convert(state: &mut Map<String, Value>) {
    let [cluster, text] = match ["cluster", "kubeconfig", "yaml"].map(|name| state.contains_key(name)) {
        [_, _, true] => ["cluster", "yaml"],
        // Without `cluster_name` too when the host upgraded the state instead of moving it, as some releases of OpenTofu
        // do for a type of the same name: it drops what our schema does not have before it asks.
        [false, true, _] => ["cluster_name", "kubeconfig"],
        _ => return,
    };
    let mut ours = Map::new();
    for (name, from) in [("cluster", cluster), ("user", "user"), ("groups", "groups"), ("kubeconfig", text)] {
        ours.insert(name.to_owned(), state.remove(from).unwrap_or_default());
    }
    let issued = ours["kubeconfig"].as_str().and_then(Issued::of);
    // One that cannot be read counts as expired, so that the next plan issues another one.
    ours.insert("expiration".into(), timestamp::show(issued.as_ref().map_or(Duration::ZERO, |i| i.expiration)).into());
    if let Some(Issued { cluster, rest, .. }) = issued {
        if ours["cluster"].is_null() {
            ours.insert("cluster".into(), cluster.into());
        }
        ours.extend(rest);
    }
    *state = ours;
}

/// What a kubeconfig says of itself.
struct Issued {
    expiration: Duration,
    cluster: Option<String>,
    rest: Map<String, Value>,
}

impl Issued {
    fn of(text: &str) -> Option<Self> {
        let access = parse::parse(text).ok()?;
        let token = access.token?;
        let Claims { expiration, cluster, issued, user, groups, .. } = Claims::of(&token)?;
        let mut rest = Map::new();
        rest.insert("host".into(), access.host.into());
        rest.insert("cluster_ca_certificate".into(), access.ca.into());
        rest.insert("token".into(), token.into());
        if let Some(issued) = issued {
            rest.insert("ttl".into(), go_duration::short(expiration.saturating_sub(issued)).into());
        }
        if let Some(user) = user {
            rest.insert("user".into(), user.into());
        }
        if !groups.is_empty() {
            rest.insert("groups".into(), json!(groups));
        }
        Some(Self { expiration, cluster, rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn kubeconfig() -> String {
        let claims = r#"{"cluster":"prod","cluster_uuid":"u","exp":187200,"iat":100800,"groups":["g"],"sub":"admin"}"#;
        format!(
            "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://k'}}}}]\n\
             users: [{{name: u, user: {{token: h.{}.s}}}}]\n",
            URL_SAFE_NO_PAD.encode(claims)
        )
    }

    fn converted(state: &Value) -> Value {
        let mut state = state.as_object().unwrap().clone();
        convert(&mut state);
        Value::Object(state)
    }

    #[test]
    fn each_shape_becomes_ours() {
        let text = kubeconfig();
        for state in [
            json!({ "id": "prod", "cluster_name": "prod", "user": "admin", "groups": null, "kubeconfig": text }),
            json!({
                "id": "prod", "created_at": "x", "last_updated": "x", "cluster": "prod", "user": null, "groups": ["other"],
                "clusters": [], "contexts": [], "users": [], "yaml": text,
            }),
            // Without what our schema does not have.
            json!({ "user": null, "groups": null, "kubeconfig": text }),
        ] {
            let ours = converted(&state);
            assert_eq!(ours["token"].as_str().map(|token| token.starts_with("h.")), Some(true));
            for (name, expected) in [
                ("cluster", json!("prod")),
                ("user", json!("admin")),
                // The token counts: the configuration was not always heeded.
                ("groups", json!(["g"])),
                ("ttl", json!("24h")),
                ("kubeconfig", json!(text)),
                ("host", json!("https://k")),
                ("cluster_ca_certificate", json!(null)),
                ("expiration", json!("1970-01-03T04:00:00Z")),
            ] {
                assert_eq!(ours[name], expected, "{name}");
            }
            assert_eq!(converted(&ours), ours, "what is ours stays");
        }
    }

    #[test]
    fn what_cannot_be_read_has_expired() {
        for text in [json!(null), json!("{"), json!("current-context: none")] {
            let ours = converted(&json!({ "cluster_name": "prod", "user": "u", "kubeconfig": text }));
            assert_eq!(ours["expiration"], "1970-01-01T00:00:00Z");
            assert_eq!((&ours["cluster"], &ours["user"]), (&json!("prod"), &json!("u")));
        }
    }
}
