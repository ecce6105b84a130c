//! `omni_kubernetes_manifest_sync`: applies the manifests of Talos to the Kubernetes of a cluster, after an upgrade.

use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::objects::cluster::argument;
use crate::provider::objects::cluster::argument::cluster_attribute;
use crate::provider::roles;
use crate::tf::diag::Diagnostics;
use crate::tf::schema::{Schema, boolean};
use crate::tf::value::Value;
use async_trait::async_trait;
use omni_proto::management::KubernetesSyncManifestResponse;
use omni_proto::management::kubernetes_sync_manifest_response::ResponseType;

pub(super) struct Sync;

const FACTS: Facts = Facts {
    name: "omni_kubernetes_manifest_sync",
    verb: "synchronize the Kubernetes manifests of",
    noun: "cluster",
    id: "cluster",
    timeout: "15m",
    role: roles::NEEDS_OPERATOR,
};

const DRY_RUN: &str = "dry_run";

/// The most lines of one diff that are told.
const LONGEST_DIFF: usize = 200;

#[async_trait]
impl OmniAction for Sync {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Applies the bootstrap manifests of Talos, such as those of CoreDNS, kube-proxy and the CNI, to the Kubernetes of a cluster, and waits for their rollout. Omni does not do that by itself after an upgrade of Kubernetes. It tells each object with its diff and its result; the content of secrets is not told.",
        )
        .with(cluster_attribute().required().doc("Name of the cluster."))
        .with(boolean(DRY_RUN).default(false).doc("With `true`, only reports what would change."))
    }

    fn writes(&self, config: &Value) -> bool {
        config.get(DRY_RUN).as_bool() != Some(true)
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        argument::check_named(cx, config, diags).await
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        argument::named(run.cx(), &FACTS.operation(config)).await?;
        let (cluster, dry_run) = (config.get(FACTS.id).as_str().unwrap_or_default(), !self.writes(config));
        let mut answers = run.write(run.client().sync_manifests(run.call(), cluster, dry_run)).await?;
        let (mut changed, mut same) = (0_usize, 0_usize);
        while let Some(answer) = run.write(answers.next()).await? {
            match answer.response_type() {
                ResponseType::Manifest if answer.skipped => {
                    same += 1;
                    run.say(format!("{}: unchanged", answer.path)).await;
                }
                ResponseType::Manifest => {
                    changed += 1;
                    let result = if dry_run { "would change" } else { "changed" };
                    let line = format!("{}: {result}", answer.path);
                    run.say_lines(&with_diff(&line, &answer)).await;
                    if !dry_run {
                        run.note(line);
                    }
                }
                ResponseType::Rollout => run.done(format!("{}: rolled out", answer.path)).await,
                ResponseType::Unknown => {}
            }
        }
        let result = if dry_run { "would change" } else { "changed" };
        run.say(format!("Manifests of cluster `{cluster}`: {changed} {result}, {same} unchanged")).await;
        Ok(())
    }
}

/// The line with the diff below it, unless that may show a secret.
fn with_diff(line: &str, answer: &KubernetesSyncManifestResponse) -> String {
    if answer.diff.trim().is_empty() {
        return line.to_owned();
    }
    if is_secret(answer) {
        return format!("{line} (the content of a secret is not told)");
    }
    let mut text = line.to_owned();
    for part in answer.diff.lines().take(LONGEST_DIFF) {
        text.push_str(&format!("\n  {part}"));
    }
    let more = answer.diff.lines().count().saturating_sub(LONGEST_DIFF);
    if more > 0 {
        text.push_str(&format!("\n  … {more} more lines"));
    }
    text
}

/// Whether the object is a secret of Kubernetes, by its path or by its text.
fn is_secret(answer: &KubernetesSyncManifestResponse) -> bool {
    let object = String::from_utf8_lossy(&answer.object);
    let bare: String = object.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
    answer
        .path
        .split(['/', '.'])
        .any(|part| part.eq_ignore_ascii_case("secret") || part.eq_ignore_ascii_case("secrets"))
        || bare.contains("kind:Secret")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_of_secrets_is_not_told() {
        for (path, object, told) in [
            ("DaemonSet/kube-system/kube-proxy", "kind: DaemonSet\n", true),
            ("Secret/kube-system/bootstrap-token", "", false),
            ("kube-system/bootstrap-token", "apiVersion: v1\nkind: Secret\n", false),
            ("kube-system/bootstrap-token", r#"{"kind": "Secret"}"#, false),
        ] {
            let answer = KubernetesSyncManifestResponse {
                path: path.into(),
                object: object.into(),
                diff: "+hush".into(),
                ..KubernetesSyncManifestResponse::default()
            };
            assert_eq!(with_diff("x: changed", &answer).contains("hush"), told, "{path} {object}");
        }
    }

    #[test]
    fn a_long_diff_is_cut() {
        let answer =
            KubernetesSyncManifestResponse { diff: "+a\n".repeat(300), ..KubernetesSyncManifestResponse::default() };
        let text = with_diff("x: changed", &answer);
        assert_eq!((text.lines().count(), text.lines().last()), (202, Some("  … 100 more lines")));
    }
}
