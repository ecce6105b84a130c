//! `omni_rotate_talos_ca` and `omni_rotate_kubernetes_ca`: start the rotation of a certificate authority, and follow it.
//! A rotation starts whenever the version of its request differs from the one that was carried out last.

use crate::omni::spec;
use crate::omni::spec::Spec;
use crate::omni::state::modify::Modified;
use crate::omni::{Error, ErrorKind, Event, Key, Kind, Metadata, Phase, Resource as Stored, labels};
use crate::provider::engine::{Cx, Facts, Failure, OmniAction, Run};
use crate::provider::objects::cluster::argument;
use crate::provider::objects::cluster::argument::cluster_attribute;
use crate::provider::objects::cluster::lock;
use crate::provider::roles;
use crate::provider::session::at;
use crate::provider::view;
use crate::provider::wait;
use crate::provider::wait::Step;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::version;
use omni_proto::specs::secret_rotation_spec::{Component, Phase as Rotation};
use omni_proto::specs::{ClusterSecretsRotationStatusSpec, RotateKubernetesCaSpec, RotateTalosCaSpec};

/// Which authority is rotated.
pub(super) struct Rotate {
    facts: Facts,
    about: &'static str,
    request: Kind,
    component: Component,
    /// What is rotated, in words.
    what: &'static str,
}

const CLUSTER: &str = "cluster";

/// The annotation whose change makes a new version of a request.
const TIMESTAMP: &str = "timestamp";

/// The first Talos that can rotate.
const FIRST_TALOS: (u64, u64) = (1, 7);

/// How often Omni reports a rotation at least: each of its three passes, and its end.
const REPORTS: u64 = 4;

/// The action for the CA of the Talos API.
pub(super) fn talos() -> Rotate {
    Rotate {
        facts: Facts {
            name: "omni_rotate_talos_ca",
            verb: "rotate the Talos CA of",
            noun: "cluster",
            id: CLUSTER,
            timeout: "60m",
            role: roles::NEEDS_OPERATOR,
        },
        about: "Rotates the certificate authority of the Talos API of a cluster, and waits until the rotation is complete. Requires Talos 1.7 or later. Omni rotates one machine after the other; locked and disconnected machines block it.\n\n\
                ~> **Talosconfigs that were issued before become invalid**, except those that connect through Omni. Every invocation starts a new rotation; while one is running, it is refused.",
        request: RotateTalosCaSpec::KIND,
        component: Component::TalosCa,
        what: "Talos CA",
    }
}

/// The action for the CA of Kubernetes.
pub(super) fn kubernetes() -> Rotate {
    Rotate {
        facts: Facts { name: "omni_rotate_kubernetes_ca", verb: "rotate the Kubernetes CA of", ..talos().facts },
        about: "Rotates the certificate authority of the Kubernetes API of a cluster, and waits until the rotation is complete. Requires Talos 1.7 or later. Omni rotates one machine after the other; locked and disconnected machines block it.\n\n\
                ~> **Kubeconfigs and service account tokens that were issued before become invalid**, except those that connect through Omni. Every invocation starts a new rotation; while one is running, it is refused.",
        request: RotateKubernetesCaSpec::KIND,
        component: Component::KubernetesCa,
        what: "Kubernetes CA",
    }
}

#[async_trait]
impl OmniAction for Rotate {
    fn facts(&self) -> Facts {
        self.facts
    }

    fn schema(&self) -> Schema {
        Schema::new(self.about).with(cluster_attribute().required().doc("Name of the cluster.")).since("1.6")
    }

    fn goes_on(&self, config: &Value) -> Option<String> {
        let cluster = config.get(CLUSTER).as_str().unwrap_or_default();
        Some(format!(
            "The rotation goes on in Omni. See where it stands on the page of the cluster, or with \
             `omnictl get clustersecretsrotationstatus {cluster}`; the action `omni_wait` waits for its end, with \
             `type = \"ClusterSecretsRotationStatuses\"`, `id = \"{cluster}\"`, `field = \"phase\"` and `value = \"OK\"`. \
             Another invocation of this action is refused while it runs, and starts another rotation after that."
        ))
    }

    async fn check(&self, cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
        argument::check_named(cx, config, diags).await?;
        let Some(cluster) = config.get(CLUSTER).as_str() else { return Ok(()) };
        if let Some(talos) = view::talos_version(cx, cluster).await?
            && let Some(diagnostic) = self.too_old(config, &talos)
        {
            diags.push(diagnostic);
        }
        if let Some(status) = view::spec::<ClusterSecretsRotationStatusSpec>(cx, cluster).await?
            && let Some(running) = running(&status)
        {
            diags.push(
                Diagnostic::warning(
                    format!("A rotation of cluster `{cluster}` is in progress"),
                    format!("The action will fail unless it is over by then: {running}."),
                )
                .hint("Wait until it is over.")
                .at(at(CLUSTER)),
            );
        }
        let mut warn_of_wait = |summary: String, why: &str, hint: &str| {
            let why = format!(
                "{why}: the action waits for the rotation until its `timeout` unless this has changed by then."
            );
            diags.push(Diagnostic::warning(summary, why).hint(hint).at(at(CLUSTER)));
        };
        if lock::holds_up(cx, cluster).await?.is_some() {
            warn_of_wait(
                format!("Cluster `{cluster}` is locked"),
                "Omni does not rotate anything in a locked cluster",
                "Unlock the cluster first: set `locked = false` on its `omni_cluster`, or invoke `omni_cluster_unlock`.",
            );
        }
        let held = blocked_by(cx, cluster).await?;
        if !held.is_empty() {
            warn_of_wait(
                format!("Machines of cluster `{cluster}` block a rotation"),
                &format!("Omni rotates every machine, and waits for these: {}", held.join(", ")),
                "Unlock these machines, and connect them; or remove them from the cluster.",
            );
        }
        Ok(())
    }

    async fn invoke(&self, run: &Run<'_>, config: &Value) -> Result<(), Failure> {
        let operation = self.facts.operation(config);
        let cluster = operation.id;
        let refuse = |why: String, hint: &str| Diagnostic::error(operation.summary(), why).hint(hint).at(at(CLUSTER));
        let found = argument::named(run.cx(), &operation).await?;
        if let Some(diagnostic) = self.too_old(config, &found.spec.talos_version) {
            return Err(diagnostic.into());
        }
        // The watch begins before the request, so that it misses nothing of the rotation.
        let key = ClusterSecretsRotationStatusSpec::KIND.key(cluster);
        let mut watch = run.client().watch(run.call(), &key).await?;
        let before = loop {
            match watch.next().await? {
                Event::Present(stored) => break Some(*stored),
                Event::Gone(_) => break None,
                Event::Bootstrapped => {}
            }
        };
        let status = before.as_ref().map(spec::decode::<ClusterSecretsRotationStatusSpec>).transpose()?;
        if let Some(running) = status.as_ref().and_then(running) {
            return Err(refuse(
                format!("Another rotation is in progress, and only one can run at a time: {running}."),
                "Wait until it is over. If it is the one that an earlier invocation started, nothing else is to be done: another one would rotate once more.",
            )
            .into());
        }
        let mut version = before.and_then(|stored| stored.metadata.version).unwrap_or_default();
        drop(watch);
        match run.write(self.request(run, cluster)).await {
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                return Err(refuse(
                    "Another client requested a rotation at the same time, and only one can run at a time.".to_owned(),
                    "Wait until it is over. If it is the one that was to be started, nothing else is to be done: another one would rotate once more.",
                )
                .into());
            }
            requested => requested?,
        }
        run.done(format!("Requested the rotation of the {} of cluster `{cluster}`", self.what)).await;
        let mut begun = false;
        let what = format!("the rotation of the {} of cluster `{cluster}` to end", self.what);
        run.wait(&key, &what, |stored| {
            let Some(stored) = stored else { return Ok(Step::Unmet(NOT_BEGUN.to_owned())) };
            let status = spec::decode::<ClusterSecretsRotationStatusSpec>(stored)?;
            if let Some(running) = running(&status) {
                if status.component() == self.component {
                    begun = true;
                } else {
                    // Another one was requested at the same time, and goes first: what Omni has reported so far is about that.
                    version = stored.metadata.version.unwrap_or(version);
                    return Ok(Step::Unmet(format!("another rotation is carried out first: {running}")));
                }
                return Ok(Step::Unmet(running));
            }
            // A short rotation may be over before anything is seen of it.
            let over = begun || stored.metadata.version.is_some_and(|now| now >= version + REPORTS);
            Ok(if over { Step::Met } else { Step::Unmet(NOT_BEGUN.to_owned()) })
        })
        .await?;
        run.done(format!("The {} of cluster `{cluster}` is rotated", self.what)).await;
        Ok(())
    }
}

impl Rotate {
    fn too_old(&self, config: &Value, talos: &str) -> Option<Diagnostic> {
        let found = version::parse(talos).ok()?;
        ((found.major, found.minor) < FIRST_TALOS).then(|| {
            Diagnostic::error(
                self.facts.operation(config).summary(),
                format!(
                    "The cluster runs Talos {}, and a rotation requires Talos 1.7 or later.",
                    version::strip_v(talos)
                ),
            )
            .hint("Upgrade Talos first.")
            .at(at(CLUSTER))
        })
    }

    /// Makes a new version of the request.
    async fn request(&self, run: &Run<'_>, cluster: &str) -> Result<(), Error> {
        let key: Key = self.request.key(cluster);
        let stamp = run.session().clock.now().as_nanos().to_string();
        let mark = |stored: &mut Stored| {
            stored.metadata.annotations.insert(TIMESTAMP.to_owned(), stamp.clone());
            Ok(())
        };
        match run.client().modify(run.call(), &key, Some(Phase::Running), mark).await {
            Err(error) if error.is(ErrorKind::NotFound) => {
                let mut metadata = Metadata::default();
                metadata.labels.insert(labels::CLUSTER.to_owned(), cluster.to_owned());
                let mut request = Stored { key, metadata, spec: Vec::new(), yaml: String::new() };
                mark(&mut request)?;
                run.client().create(run.call(), request).await.map(drop)
            }
            Ok(Modified::Written(_) | Modified::Unchanged(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// How many machines a text names.
const NAMED: usize = 10;

/// The machines of the cluster that a rotation waits for, with what keeps them.
async fn blocked_by(cx: &Cx, cluster: &str) -> Result<Vec<String>, Error> {
    let locked = wait::locked(cx, cluster).await?;
    let mut held: Vec<_> = locked.iter().map(|id| format!("`{id}` (locked)")).collect();
    held.extend(wait::disconnected(cx, cluster).await?.iter().map(|id| format!("`{id}` (not connected)")));
    let rest = held.len().saturating_sub(NAMED);
    held.truncate(NAMED);
    if rest > 0 {
        held.push(format!("and {rest} more"));
    }
    Ok(held)
}

/// Where a rotation stands, in words; `None` while none is in progress.
fn running(status: &ClusterSecretsRotationStatusSpec) -> Option<String> {
    if status.phase() == Rotation::Ok {
        return None;
    }
    let mut text = format!("phase `{}`", status.phase().as_str_name().to_lowercase());
    for (prefix, part) in [("", &status.step), ("", &status.status), ("error: ", &status.error)] {
        if !part.is_empty() {
            text.push_str(&format!(", {prefix}{}", part.trim_end_matches('.')));
        }
    }
    Some(text)
}

/// What is seen of a rotation that was only requested so far.
const NOT_BEGUN: &str = "the rotation has not begun";
