//! Parsing of a kubeconfig: the content of its current context.

use crate::omni::patch::verdict;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kit::yaml;
use serde_json::Value;
use std::time::Duration;

/// What a provider for Kubernetes needs of a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) context: String,
    pub(crate) host: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) token: Option<String>,
    /// In PEM, as are the next two.
    pub(crate) ca: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) client_key: Option<String>,
}

/// What a token of Omni says of itself; whether it is true is for the cluster to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// When it expires, since 1970.
    pub(crate) expiration: Duration,
    /// The name of the cluster that it is for.
    pub(crate) cluster: Option<String>,
    /// The UUID of that cluster; empty when it does not say.
    pub(crate) cluster_uuid: String,
    /// When it was issued, since 1970.
    pub(crate) issued: Option<Duration>,
    /// The user of Kubernetes.
    pub(crate) user: Option<String>,
    /// The groups of that user.
    pub(crate) groups: Vec<String>,
}

impl Claims {
    /// Reads the middle part of a token; a token that never says when it expires has none.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&bytes).ok()?;
        let seconds = |key: &str| claims.get(key)?.as_u64().map(Duration::from_secs);
        let groups = claims.get("groups").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Some(Self {
            expiration: seconds("exp")?,
            cluster: string(&claims, "cluster"),
            cluster_uuid: string(&claims, "cluster_uuid").unwrap_or_default(),
            issued: seconds("iat"),
            user: string(&claims, "sub"),
            groups: groups.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }
}

/// Why a kubeconfig leads nowhere; it quotes nothing of it but names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAccess {
    #[error("the kubeconfig {}: {}", verdict(.0), .0)]
    NotYaml(yaml::YamlError),
    #[error("the kubeconfig has no current context")]
    NoContext,
    #[error("the kubeconfig has no entry `{name}` in `{list}`")]
    Missing { list: &'static str, name: String },
    #[error("the entry `{name}` in `{list}` of the kubeconfig is incomplete: `{part}` is missing")]
    Incomplete { list: &'static str, name: String, part: &'static str },
    #[error("`{part}` of the kubeconfig is not base64 of PEM text")]
    NotPem { part: &'static str },
}

/// Takes the current context apart.
pub(crate) fn parse(text: &str) -> Result<Access, NoAccess> {
    let documents = yaml::parse_documents(text).map_err(NoAccess::NotYaml)?;
    let root = documents.first().unwrap_or(&Value::Null);
    let current = string(root, "current-context").filter(|name| !name.is_empty()).ok_or(NoAccess::NoContext)?;
    let context = entry(root, "contexts", &current, "context")?;
    let part = |part: &'static str| {
        let missing = || NoAccess::Incomplete { list: "contexts", name: current.clone(), part };
        string(context, part).ok_or_else(missing)
    };
    let cluster = entry(root, "clusters", &part("cluster")?, "cluster")?;
    let user = entry(root, "users", &part("user")?, "user")?;
    Ok(Access {
        host: string(cluster, "server"),
        namespace: string(context, "namespace"),
        token: string(user, "token"),
        ca: pem(cluster, "certificate-authority-data")?,
        client_certificate: pem(user, "client-certificate-data")?,
        client_key: pem(user, "client-key-data")?,
        context: current.clone(),
    })
}

fn string(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn entry<'v>(root: &'v Value, list: &'static str, name: &str, part: &'static str) -> Result<&'v Value, NoAccess> {
    let all = root.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let found = all.iter().find(|entry| string(entry, "name").as_deref() == Some(name));
    let found = found.ok_or_else(|| NoAccess::Missing { list, name: name.to_owned() })?;
    found.get(part).ok_or_else(|| NoAccess::Incomplete { list, name: name.to_owned(), part })
}

fn pem(value: &Value, part: &'static str) -> Result<Option<String>, NoAccess> {
    let Some(data) = string(value, part).filter(|data| !data.is_empty()) else { return Ok(None) };
    let decoded = STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.map(Some).ok_or(NoAccess::NotPem { part })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
current-context: b
contexts:
- {name: a, context: {cluster: x, user: u}}
- {name: b, context: {cluster: y, user: v, namespace: n}}
clusters:
- {name: x, cluster: {server: https://x}}
- {name: y, cluster: {server: https://y, certificate-authority-data: UEVN}}
users:
- {name: u, user: {token: no}}
- {name: v, user: {token: yes-this}}
";

    #[test]
    fn the_current_context_is_taken_apart() {
        let expected = Access {
            context: "b".into(),
            host: Some("https://y".into()),
            namespace: Some("n".into()),
            token: Some("yes-this".into()),
            ca: Some("PEM".into()),
            ..Access::default()
        };
        assert_eq!(parse(TEXT), Ok(expected));
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        let missing = |list, name: &str| NoAccess::Missing { list, name: name.into() };
        for (text, expected) in [
            ("", NoAccess::NoContext),
            ("current-context: none\ncontexts: []", missing("contexts", "none")),
            (&TEXT.replace("name: y,", "name: z,"), missing("clusters", "y")),
            (
                &TEXT.replace("user: {token: yes-this}", ""),
                NoAccess::Incomplete { list: "users", name: "v".into(), part: "user" },
            ),
            (&TEXT.replace("UEVN", "no-base64!"), NoAccess::NotPem { part: "certificate-authority-data" }),
        ] {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
        assert!(matches!(parse("{"), Err(NoAccess::NotYaml(_))));
    }
}
