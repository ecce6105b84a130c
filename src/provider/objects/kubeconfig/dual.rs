//! `omni_kubeconfig`: access to the Kubernetes API of a cluster, as a service account.

use super::parse as kubeconfig;
use super::parse::Claims;
use crate::omni::management::KubeconfigRequest;
use crate::omni::spec;
use crate::omni::spec::Spec;
use crate::omni::{Call, ErrorKind};
use crate::provider::dual::{DualForm, DualSource, Lease};
use crate::provider::duration;
use crate::provider::errors::Operation;
use crate::provider::objects::cluster::argument::{cluster_attribute, cluster_exists};
use crate::provider::session::Session;
use crate::tf::check::{Check, not_empty};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::done::Done;
use crate::tf::ephemeral::Renewed;
use crate::tf::resource::Private;
use crate::tf::schema::{Attribute, plain, string};
use crate::tf::value::{Type, Value};
use async_trait::async_trait;
use kit::secret::ExposeSecret;
use omni_proto::specs::ClusterUuid;
use std::sync::Arc;
use std::time::Duration;

pub(in crate::provider) struct Kubeconfig;

/// The most that Omni grants.
const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);

/// How long before its end a token is looked after, at most; a fifth of a shorter life.
const EXPIRY_NOTICE: Duration = Duration::from_secs(5 * 60);

/// What is kept of an open one.
const CLUSTER: &str = "cluster";
const UUID: &str = "cluster_uuid";
const EXPIRATION: &str = "expiration";
const TTL: &str = "ttl";

#[async_trait]
impl DualSource for Kubeconfig {
    const TYPE: &'static str = "omni_kubeconfig";

    fn about(form: DualForm) -> &'static str {
        match form {
            DualForm::Stored => {
                "Issues a kubeconfig with a service account token. Requires the role `Operator`. Each read issues a new token, which cannot be revoked, and stores it in state; outputs of it change in every plan. For a token that stays the same between runs, use the resource `omni_kubeconfig`. To keep the token out of the state, use the ephemeral resource `omni_kubeconfig`."
            }
            DualForm::Ephemeral => {
                "Issues a kubeconfig with a service account token, for provider blocks and write-only attributes. Never written to state or plan. Requires the role `Operator`. Every plan and every apply issues a new token. A token can be neither revoked nor extended, so `ttl` must be longer than the run; if a token expires during the run, a warning says so at the end."
            }
        }
    }

    fn attributes() -> Vec<Attribute> {
        let groups = Value::List(vec!["system:masters".into()]);
        vec![
            cluster_attribute().required().doc(
                "Name of the cluster. If the same configuration creates the cluster, refer to the `id` of its `omni_cluster`, so that this is read after it.",
            ),
            string("user").default("admin").check(not_empty()).doc("Kubernetes user of the token."),
            plain("groups", Type::list(Type::String))
                .default(groups)
                .check(no_empty_elements())
                .doc("Kubernetes groups of the user."),
            string("ttl").default("24h").check(duration::is_positive()).check(not_longer_than_omni_grants()).doc(
                "Lifetime of the token, as a Go duration such as `90m`, at most `87600h` (ten years).",
            ),
            string("kubeconfig").computed().sensitive().doc("The kubeconfig, in YAML."),
            string("host").computed().sensitive().doc("Address of the Kubernetes API."),
            string("token").computed().sensitive().doc("Bearer token."),
            string("cluster_ca_certificate").computed().sensitive().doc(
                "CA certificate of the Kubernetes API, in PEM; null if its certificate is signed by a public CA.",
            ),
            string("expiration").computed().doc("Expiration of the token, in RFC 3339."),
        ]
    }

    async fn fetch(session: &Arc<Session>, call: &Call, mut config: Value) -> Result<Value, Diagnostics> {
        let text = |name: &str| config.get(name).as_str().unwrap_or_default().to_owned();
        let (cluster, user, ttl) = (text("cluster"), text("user"), lifetime(&text("ttl")));
        let operation =
            Operation { verb: "issue", noun: "a kubeconfig for cluster", id: &cluster, id_attribute: "cluster" };
        cluster_exists(session, call, &cluster, &operation).await?;
        let groups = config.get("groups").elements().iter().filter_map(|g| g.as_str().map(str::to_owned)).collect();
        let request = KubeconfigRequest { user, groups, ttl };
        let answer = session.client.kubeconfig(call, &cluster, request).await;
        let answer = answer.map_err(|error| Diagnostics::from(operation.explain(&error)))?;
        let unusable =
            |detail: String| Diagnostics::from(Diagnostic::error("Kubeconfig of Omni cannot be used", detail));
        let access = kubeconfig::parse(answer.expose_secret())
            .map_err(|error| Diagnostics::from(Diagnostic::from_error("Kubeconfig of Omni cannot be used", &error)))?;
        // The server's word on the end counts, not this machine's clock.
        let claims = access.token.as_deref().and_then(Claims::of);
        let claims = claims.ok_or_else(|| unusable("It contains no token with an expiration.".to_owned()))?;
        config.set("kubeconfig", answer.expose_secret().into());
        config.set("host", access.host.into());
        config.set("token", access.token.into());
        config.set("cluster_ca_certificate", access.ca.into());
        config.set("expiration", written(claims.expiration).into());
        Ok(config)
    }

    fn lease(value: &Value) -> Lease {
        let Some(claims) = value.get("token").as_str().and_then(Claims::of) else { return Lease::default() };
        let ttl = value.get("ttl").as_str().unwrap_or_default();
        let mut private = Private::default();
        private.set(CLUSTER, value.get("cluster").as_str());
        private.set(UUID, claims.cluster_uuid);
        private.set(EXPIRATION, claims.expiration.as_secs());
        private.set(TTL, ttl);
        let notice = EXPIRY_NOTICE.min(lifetime(ttl) / 5);
        Lease { private, renew_at: Some(claims.expiration.saturating_sub(notice)) }
    }

    /// No call makes a token last longer, so this says how things stand, and comes once more at the end.
    async fn renew(session: &Session, call: &Call, private: Private) -> Done<Renewed> {
        let Some(kept) = Kept::of(&private) else { return Renewed { private, ..Renewed::default() }.into() };
        let (cluster, now) = (kept.cluster.as_str(), session.clock.now());
        if now >= kept.expiration {
            tracing::warn!(cluster, "the token of a kubeconfig has expired and is still in use");
            return Renewed { private, ..Renewed::default() }.into();
        }
        let there = match session.client.get(call, &ClusterUuid::KIND.key(cluster)).await {
            Ok(object) => spec::decode::<ClusterUuid>(&object).map(|spec| Some(spec.uuid)),
            Err(error) if error.is(ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        };
        let mut warnings = Diagnostics::new();
        match there {
            Ok(Some(uuid)) if kept.uuid.is_empty() || uuid == kept.uuid => {
                let left = kept.expiration.saturating_sub(now).as_secs();
                tracing::warn!(
                    cluster,
                    left_seconds = left,
                    "the token of a kubeconfig expires soon, and cannot be made to last longer"
                );
                return Done::from(Renewed { private, renew_at: Some(kept.expiration) }).warn(warnings);
            }
            Ok(_) => {
                tracing::warn!(cluster, "the cluster of a kubeconfig that is in use is gone");
                let what = format!("Cluster `{cluster}` was removed, or replaced by another one with the same name.");
                warnings
                    .push(Diagnostic::warning(format!("Cluster `{cluster}` of the kubeconfig no longer exists"), what));
            }
            Err(error) => {
                let reason = crate::tf::diag::chain(&error);
                tracing::warn!(
                    cluster,
                    reason,
                    "could not find out whether the cluster of a kubeconfig is still there"
                );
                let summary = format!("Could not check the kubeconfig of cluster `{cluster}`");
                warnings.push(Diagnostic::warning(summary, crate::provider::errors::detail(&error)));
            }
        }
        Done::from(Renewed { private, renew_at: None }).warn(warnings)
    }

    fn close(private: &Private, now: Duration) -> Diagnostics {
        let Some(kept) = Kept::of(private).filter(|kept| now >= kept.expiration) else { return Diagnostics::new() };
        let detail = format!(
            "Its `ttl` is `{}`, and it expired at {} while it was still in use. Later requests to the cluster were refused, most likely as \"Unauthorized\".",
            kept.ttl,
            written(kept.expiration).unwrap_or_default(),
        );
        let summary = format!("Token for cluster `{}` expired before the end of the run", kept.cluster);
        Diagnostic::warning(summary, detail)
            .hint("Set `ttl` to more than the duration of the longest run, including waits.")
            .at(crate::provider::session::at("ttl"))
            .into()
    }
}

/// What was kept of an open one.
struct Kept {
    cluster: String,
    uuid: String,
    expiration: Duration,
    ttl: String,
}

impl Kept {
    fn of(private: &Private) -> Option<Self> {
        Some(Self {
            cluster: private.get(CLUSTER)?,
            uuid: private.get(UUID)?,
            expiration: Duration::from_secs(private.get(EXPIRATION)?),
            ttl: private.get(TTL)?,
        })
    }
}

fn lifetime(text: &str) -> Duration {
    duration::of(text).unwrap_or_default()
}

fn written(at: Duration) -> Option<String> {
    let at = jiff::Timestamp::from_second(i64::try_from(at.as_secs()).ok()?).ok()?;
    Some(at.to_string())
}

fn not_longer_than_omni_grants() -> Check {
    Check::text(|text| {
        if lifetime(text) <= LONGEST {
            return Ok(());
        }
        Err(format!("`{text}` is more than ten years, the most that Omni grants: write `87600h` or less."))
    })
}

fn no_empty_elements() -> Check {
    Check::by(|value| {
        let empty = value.elements().iter().any(|element| element.as_str() == Some("") || element.is_null());
        if empty { Err("No element may be empty or null.".to_owned()) } else { Ok(()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn open(ttl: &str, expiration: u64) -> Value {
        let claims = format!(r#"{{"cluster_uuid":"u","exp":{expiration}}}"#);
        let token = format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims));
        Value::object([("cluster", "prod".into()), ("ttl", ttl.into()), ("token", token.into())])
    }

    #[test]
    fn it_is_looked_after_shortly_before_the_end() {
        for (ttl, expected) in [("24h", 100_000 - 300), ("10s", 100_000 - 2), ("5m", 100_000 - 60)] {
            let lease = Kubeconfig::lease(&open(ttl, 100_000));
            assert_eq!(lease.renew_at, Some(Duration::from_secs(expected)), "{ttl}");
        }
    }

    #[test]
    fn nothing_secret_is_kept() {
        let value = open("1h", 100_000);
        let lease = Kubeconfig::lease(&value);
        let kept = String::from_utf8(lease.private.to_bytes()).unwrap();
        assert_eq!(kept, r#"{"cluster":"prod","cluster_uuid":"u","expiration":100000,"ttl":"1h"}"#);
    }

    #[test]
    fn a_run_that_outlives_its_token_is_told() {
        let lease = Kubeconfig::lease(&open("1h", 100_000));
        let said = |now| Kubeconfig::close(&lease.private, Duration::from_secs(now));
        assert!(said(99_999).is_empty());
        let late = said(100_000);
        assert!(!late.has_errors(), "the run itself did not fail");
        let text = late.iter().map(|d| format!("{} {}", d.summary, d.text())).collect::<String>();
        for part in ["`prod`", "`1h`", "1970-01-02T03:46:40Z", "`ttl`"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(Kubeconfig::close(&Private::default(), Duration::MAX).is_empty());
    }
}
