//! Client configurations: kubeconfig, talosconfig and omniconfig.
//! They are texts; whether a caller may have one is decided elsewhere.

use kit::yaml;
use serde_json::{Value, json};

/// What goes into a kubeconfig.
#[derive(Clone, Debug)]
pub(super) struct Kubeconfig<'a> {
    /// The name of the cluster and its context.
    pub(super) name: String,
    /// The name of the user.
    pub(super) user: String,
    /// Where the API of Kubernetes is reached.
    pub(super) server: String,
    /// The certificate that vouches for it, in PEM.
    pub(super) ca_pem: Option<&'a str>,
    /// How the user proves who it is.
    pub(super) credentials: Credentials,
}

/// How a user of Kubernetes proves who it is.
#[derive(Clone, Debug)]
pub(super) enum Credentials {
    /// By a token.
    Token(String),
    /// By a program that asks in the browser.
    Login {
        /// Who issues its tokens.
        issuer: String,
        /// The cluster that they are for.
        cluster: String,
        /// How the user is asked.
        grant_type: String,
        /// The folder that its tokens are kept in; none for the usual one.
        cache: Option<String>,
    },
}

impl Kubeconfig<'_> {
    /// The text.
    pub(super) fn render(&self) -> String {
        let mut cluster = json!({ "server": self.server });
        if let Some(pem) = self.ca_pem {
            use base64::Engine;
            let data = base64::engine::general_purpose::STANDARD.encode(pem);
            cluster["certificate-authority-data"] = Value::String(data);
        }
        let user = match &self.credentials {
            Credentials::Token(token) => json!({ "token": token }),
            Credentials::Login { issuer, cluster, grant_type, cache } => {
                json!({ "exec": exec(issuer, cluster, grant_type, cache.as_deref()) })
            }
        };
        yaml::to_string(&json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": self.name, "cluster": cluster }],
            "contexts": [{
                "name": self.name,
                "context": { "cluster": self.name, "user": self.user, "namespace": "default" },
            }],
            "current-context": self.name,
            "users": [{ "name": self.user, "user": user }],
        }))
    }
}

fn exec(issuer: &str, cluster: &str, grant_type: &str, cache: Option<&str>) -> Value {
    let mut args = vec![
        "oidc-login".to_owned(),
        "get-token".to_owned(),
        format!("--oidc-issuer-url={issuer}"),
        "--oidc-client-id=native".to_owned(),
        format!("--oidc-extra-scope=cluster:{cluster}"),
    ];
    if !grant_type.is_empty() {
        args.push(format!("--grant-type={grant_type}"));
        args.push("--oidc-redirect-url=urn:ietf:wg:oauth:2.0:oob".to_owned());
    }
    args.extend(cache.map(|folder| format!("--token-cache-dir={folder}")));
    json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "kubectl",
        "interactiveMode": "IfAvailable",
        "args": args,
        "env": null,
        "provideClusterInfo": false,
    })
}

/// The configuration of talosctl, for one cluster or for the whole instance.
pub(super) fn talosconfig(instance: &str, cluster: &str, endpoint: &str, identity: &str) -> String {
    let name = if cluster.is_empty() { instance.to_owned() } else { format!("{instance}-{cluster}") };
    let mut context = json!({ "endpoints": [endpoint], "auth": { "siderov1": { "identity": identity } } });
    if !cluster.is_empty() {
        context["cluster"] = Value::String(cluster.to_owned());
    }
    yaml::to_string(&json!({ "context": name, "contexts": { name.as_str(): context } }))
}

/// The configuration of omnictl.
pub(super) fn omniconfig(endpoint: &str, identity: &str) -> String {
    let context = json!({ "url": endpoint, "auth": { "siderov1": { "identity": identity } } });
    yaml::to_string(&json!({ "context": "default", "contexts": { "default": context } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Value {
        yaml::parse_documents(text).unwrap().remove(0)
    }

    #[test]
    fn a_token_stands_with_its_user() {
        let config = Kubeconfig {
            name: "i-c-u".into(),
            user: "i-c-u".into(),
            server: "https://h:8095".into(),
            ca_pem: Some("PEM"),
            credentials: Credentials::Token("t".into()),
        };
        let config = parsed(&config.render());
        assert_eq!(config["current-context"], "i-c-u");
        assert_eq!(config["users"][0]["user"], json!({ "token": "t" }));
        assert_eq!(config["clusters"][0]["cluster"]["certificate-authority-data"], "UEVN");
    }

    #[test]
    fn a_login_holds_no_secret() {
        let credentials = Credentials::Login {
            issuer: "i".into(),
            cluster: "c".into(),
            grant_type: "authcode".into(),
            cache: Some("/tmp/cache".into()),
        };
        let config = Kubeconfig { name: "n".into(), user: "u".into(), server: "s".into(), ca_pem: None, credentials };
        let config = parsed(&config.render());
        let exec = &config["users"][0]["user"]["exec"];
        for (key, expected) in [
            ("apiVersion", json!("client.authentication.k8s.io/v1")),
            ("command", json!("kubectl")),
            ("env", Value::Null),
            ("interactiveMode", json!("IfAvailable")),
            ("provideClusterInfo", json!(false)),
        ] {
            assert_eq!(exec.get(key), Some(&expected), "{key}");
        }
        let args = &exec["args"];
        assert_eq!(args[4], "--oidc-extra-scope=cluster:c");
        assert_eq!(args[5], "--grant-type=authcode");
        assert_eq!(args[6], "--oidc-redirect-url=urn:ietf:wg:oauth:2.0:oob");
        assert_eq!(args[7], "--token-cache-dir=/tmp/cache");
        assert_eq!(config["clusters"][0]["cluster"], json!({ "server": "s" }));
    }

    #[test]
    fn contexts_of_the_other_two() {
        let one = parsed(&talosconfig("i", "c", "e", "me"));
        assert_eq!(one["context"], "i-c");
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&one["contexts"]["i-c"]), ["auth", "cluster", "endpoints"]);
        let all = parsed(&talosconfig("i", "", "e", "me"));
        assert_eq!(keys(&all["contexts"]["i"]), ["auth", "endpoints"]);
        let omni = parsed(&omniconfig("e", "me"));
        assert_eq!(omni["contexts"]["default"]["auth"]["siderov1"]["identity"], "me");
    }
}
